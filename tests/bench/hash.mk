# SPDX-License-Identifier: BSD-2-Clause
#
# make bench-hash           instructions for each byte that is hashed: ours, and OpenSSL's
#
# The hashes of the image as a program of Linux, build/ARCH/bench/hash (hash.c), which the tests use
# as well (tests/qemu/test_sha2.py). They are compiled with the flags of the image, but for the
# place of the stack protector's value, and for memcpy(), which are the system's.

hash := $(build)/bench/hash
hash_srcs := measure/sha2.c measure/sha2_portable.c measure/sha256_cpu.c
hash_objs := $(hash_srcs:%=$(build)/bench/%.o)
hash_not := -mstack-protector-guard% -include lib/hidden.h
hash_packages := libc6-dev $(if $(filter x86_64,$(ARCH)),libssl-dev,libc6-dev-arm64-cross qemu-user)

$(build)/bench/setup: tests/tools/need tests/bench/hash.mk
	@mkdir -p $(@D)
	$(Q)tests/tools/need $(hash_packages)
	@touch $@

$(build)/bench/measure/sha256_cpu.c.o: arch_cflags += $(arch_cflags_sha256)
$(hash_objs): $(build)/bench/%.o: % $(build)/settings $(build)/setup.mk tests/bench/hash.mk \
		arch/$(ARCH)/module.mk
	@mkdir -p $(@D)
	$(call say,CC,$< for Linux)
	$(Q)$(compiler) $(filter-out $(hash_not),$(cflags) $(arch_cflags)) $(includes) -MMD -MP -c $< -o $@

$(hash): tests/bench/hash.c arch/host/cpu.h $(hash_objs) $(build)/bench/setup
	$(call say,HOSTLD,$@)
	$(Q)$(prefix)gcc -std=gnu17 -O2 $(filter -W%,$(cflags)) -D_GNU_SOURCE -I. -Iarch/include \
		$< $(hash_objs) $(if $(filter x86_64,$(ARCH)),-lcrypto,-static) -o $@

-include $(hash_objs:.o=.d)

.PHONY: hash bench-hash
hash: $(hash)
	@:

bench-hash: $(hash)
	$(Q)tests/bench/hash --arch $(ARCH) $(hash)
