# SPDX-License-Identifier: BSD-2-Clause

include tests/bench/hash.mk
include tests/unit/module.mk tests/fuzz/module.mk tests/proof/module.mk tests/analyse/module.mk

# What tests/tools/run takes from the environment.
export MACHINE CPU KERNEL INITRD CMDLINE MEM SMP QEMU ENTRY KVM TIMEOUT

.PHONY: run shell debug
run shell debug: $(fw)
	$(Q)ARCH=$(ARCH) FW=$(fw) tests/tools/run $@

packages_test := qemu-system-x86 gdb seabios python3 python3-pytest python3-pytest-xdist nasm \
	gcc clang clang-format binutils qemu-system-arm ovmf qemu-efi-aarch64 u-boot-qemu gdb-multiarch \
	gcc-aarch64-linux-gnu binutils-aarch64-linux-gnu zstd swtpm swtpm-tools \
	libvirt-daemon-driver-qemu python3-cryptography-vectors

# T chooses tests by name, as pytest -k does.
pytest = /usr/bin/python3 -m pytest -q --color=no -p no:cacheprovider -n 2 \
	$(if $(T),-k '$(T)') tests/qemu

# Both images are tested, whichever ARCH is.
.PHONY: images hashes qemu
images:
	$(Q)$(MAKE) --no-print-directory ARCH=x86_64
	$(Q)$(MAKE) --no-print-directory ARCH=aarch64

# The hashes of both, as programs of Linux (tests/bench/hash.mk).
hashes:
	$(Q)$(MAKE) --no-print-directory ARCH=x86_64 hash
	$(Q)$(MAKE) --no-print-directory ARCH=aarch64 hash

qemu: images hashes
	$(Q)tests/tools/need $(packages_test)
	$(Q)FW=$(abspath $(O))/x86_64/fw.bin FW_AARCH64=$(abspath $(O))/aarch64/fw.bin \
		O=$(abspath $(O)) $(pytest)

# Ours and all peers, and docs/performance.md drawn anew. MACHINE chooses one machine; BUDGETS=write
# measures ours alone and writes what it may cost.
bench_options = $(if $(filter write,$(BUDGETS)),--alone --write,$(if $(MACHINE),,--packed --draw)) \
	$(if $(MACHINE),--machine $(MACHINE))

.PHONY: bench
bench: images
	$(Q)tests/tools/need $(packages_test)
	$(Q)tests/bench/bench --build $(O) --check $(bench_options)
ifeq ($(MACHINE)$(BUDGETS),)
	$(Q)$(MAKE) --no-print-directory ARCH=x86_64 bench-hash
	$(Q)$(MAKE) --no-print-directory ARCH=aarch64 bench-hash
endif

.PHONY: test
test: images
	$(Q)tests/tools/need $(packages_test)
	$(Q)tests/tools/test '$(MAKE)' 'O=$(O)'
