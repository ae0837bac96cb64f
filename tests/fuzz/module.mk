# SPDX-License-Identifier: BSD-2-Clause
#
# make fuzz                            every target: its corpus, and a search of FUZZ_S seconds
# make fuzz T=pci FUZZ_S=3600          a longer one; each goes on from what the last has found,
#                                      O/fuzz/found. SEED=0: other random numbers each time
# make fuzz T=pci RUNS=20000           a search that is the same each time, from the corpus alone
# make fuzz T=pci INPUT=file           one input once more
# make fuzz T=pci AFL=1                the search is that of AFL++; O/fuzz-afl
#
# A target is a file fuzz_NAME.c, whose name stands in fuzz_targets_*. Its seeds, and inputs that
# have failed once, are corpus/NAME/*.hex: bytes in hex, with comments. Where there is a
# corpus/NAME.dict, these are words that inputs are made of (libFuzzer's -dict).

fuzz := $(O)/fuzz$(if $(AFL),-afl)
# What tests code that is in the x86_64 image, or in both; and in the AArch64 one alone.
fuzz_targets_x86_64 := boot bzimage elf fwcfg hashes memmap pci pe script setup_data sha2 smbios \
	start_info tpm
fuzz_targets_aarch64 := arm64 boot_aarch64 fdt unpack
fuzz_targets := $(sort $(fuzz_targets_x86_64) $(fuzz_targets_aarch64))
fuzz_programs := $(fuzz_targets:%=$(fuzz)/fuzz_%)
# For each; `make test` takes that.
FUZZ_S ?= 60

# What a target needs besides itself and the code under test.
fuzz_extra_pci := tests/fuzz/pci_check.c tests/fuzz/pci_space.c
fuzz_host := $(addprefix arch/host/,claims.c console.c devices.c fwcfg.c \
	fwcfg_cloud_hypervisor.c fwcfg_crosvm.c fwcfg_qemu.c guard.c host.c)
fuzz_extra_sha2 := $(fuzz_host)
fuzz_extra_start_info := $(fuzz_host)
fuzz_extra_boot := tests/fuzz/hostile.c $(fuzz_host)
fuzz_extra_boot_aarch64 := $(fuzz_extra_boot)
fuzz_with_memory := arm64 bzimage memmap script setup_data smbios
$(foreach t,$(fuzz_with_memory),$(eval fuzz_extra_$(t) := tests/fuzz/memory.c))
# What the map of memory gives away is opened in the double's guard: arch/host/claims.c.
fuzz_claims := $(foreach f,init claim keep alloc alloc_low,-Wl,--wrap=memmap_$(f))
fuzz_flags_sha2 := $(fuzz_claims)
# The map of a boot is seen where it is handed to the kernel.
fuzz_flags_start_info := $(fuzz_claims) -Wl,--wrap=bzimage_fill_boot_params -Wl,--wrap=pvh_fill
# What it sees of a boot is when that looks at memory, and its map of memory at the end.
fuzz_flags_boot := $(fuzz_claims) $(foreach f,arch_map arch_peek host_memory memmap_add \
	arch_handoff arch_fatal,-Wl,--wrap=$(f))
fuzz_flags_boot_aarch64 := $(fuzz_flags_boot) -Wl,--wrap=boot_is_this_firmware

# From the archive a target takes what it calls. What it calls of arch/ is its own or extra. The
# images share names, so that each has an archive of its own.
fuzz_srcs_x86_64 := $(srcs) $(srcs_x86_64)
# Also of an image without the decompressors.
fuzz_srcs_aarch64 := $(srcs) $(srcs_aarch64:loader/no_unpack.c=loader/unpack.c)
fuzz_objs := $(patsubst %,$(fuzz)/%.o,$(sort $(fuzz_srcs_x86_64) $(fuzz_srcs_aarch64)))
fuzz_archives := $(fuzz)/x86_64.a $(fuzz)/aarch64.a
fuzz_libs_aarch64 := -lfdt -lz -lzstd
# What a target is held against.
fuzz_libs_sha2 := -lcrypto
fuzz_arch = $(if $(filter $*,$(fuzz_targets_aarch64)),aarch64,x86_64)
fuzz_target_objs := $(foreach t,$(fuzz_targets),$(fuzz)/tests/fuzz/fuzz_$(t).c.o \
	$(fuzz_extra_$(t):%=$(fuzz)/%.o))

# The fuzzer is clang's, or AFL++'s, whose compiler does as clang's where it links, and traces
# whatever it compiles. Code at fixed addresses makes a search the same each time.
fuzz_cc := $(if $(AFL),afl-clang-fast,clang)
fuzz_say_nothing := $(if $(AFL),AFL_QUIET=1)
fuzz_trace := $(if $(AFL),,-fsanitize=fuzzer-no-link)
fuzz_instrument ?= -O1 -fsanitize=address,undefined -fno-sanitize-recover=all
fuzz_cflags := -std=gnu17 -g -fno-pie -fno-omit-frame-pointer -fno-strict-aliasing -fno-common \
	$(fuzz_instrument) $(filter -W%,$(cflags)) -D_GNU_SOURCE $(defines) \
	-DTEST_DATA='"$(CURDIR)/tests/data"' -DTPM_WAIT_ROUNDS=2000 \
	-I. -Iarch/include -isystem /usr/include/efi -isystem /usr/include/efi/x86_64

# A search is for ways through the code under test, not through the machine that it runs on.
fuzz_machine := $(fuzz)/arch/host/%.o \
	$(patsubst %,$(fuzz)/tests/fuzz/%.c.o,hostile fuzz_boot fuzz_boot_aarch64 fuzz_start_info)
$(fuzz_machine): fuzz_cc := clang
$(fuzz_machine): fuzz_trace :=

$(fuzz)/setup: tests/tools/need tests/fuzz/module.mk
	@mkdir -p $(@D)
	$(Q)tests/tools/need clang libclang-rt-dev gnu-efi libfdt-dev zlib1g-dev libzstd-dev \
		libssl-dev \
		$(if $(AFL),afl++)
	@touch $@

$(fuzz)/%.c.o: %.c $(fuzz)/setup Makefile tests/fuzz/module.mk
	@mkdir -p $(@D)
	$(call say,FUZZCC,$<)
	$(Q)$(fuzz_say_nothing) $(fuzz_cc) $(fuzz_cflags) $(fuzz_trace) -MMD -MP -c $< -o $@

.SECONDEXPANSION:
$(fuzz)/%.a: $$(addprefix $(fuzz)/,$$(addsuffix .o,$$(fuzz_srcs_$$*)))
	$(Q)rm -f $@
	$(Q)ar rcs $@ $^

$(fuzz_programs): $(fuzz)/fuzz_%: $(fuzz)/tests/fuzz/fuzz_%.c.o \
		$$(addprefix $(fuzz)/,$$(addsuffix .o,$$(fuzz_extra_$$*))) $(fuzz_archives)
	$(call say,FUZZLD,$@)
	$(Q)$(fuzz_say_nothing) $(fuzz_cc) -no-pie $(fuzz_instrument) -fsanitize=fuzzer \
		$(fuzz_flags_$*) $< $(fuzz_extra_$*:%=$(fuzz)/%.o) $(fuzz)/$(fuzz_arch).a \
		$(fuzz_libs_$(fuzz_arch)) $(fuzz_libs_$*) -o $@

-include $(fuzz_objs:.o=.d) $(fuzz_target_objs:.o=.d)
.SECONDARY: $(fuzz_objs) $(fuzz_target_objs)

.PHONY: fuzz
fuzz: $(fuzz_programs)
	$(Q)FUZZ_S='$(FUZZ_S)' RUNS='$(RUNS)' SEED='$(SEED)' INPUT='$(INPUT)' AFL='$(AFL)' \
		tests/fuzz/run '$(T)' $(fuzz_programs)
