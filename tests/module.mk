# SPDX-License-Identifier: BSD-2-Clause

include tests/unit/module.mk

# What tests/tools/run takes from the environment.
export MACHINE KERNEL INITRD CMDLINE MEM SMP QEMU ENTRY KVM TIMEOUT

.PHONY: run shell debug
run shell debug: $(fw)
	$(Q)FW=$(fw) tests/tools/run $@

packages_test := qemu-system-x86 gdb seabios python3 python3-pytest python3-pytest-xdist nasm \
	gcc clang clang-format binutils

# T chooses tests by name, as pytest -k does.
pytest = /usr/bin/python3 -m pytest -q --color=no -p no:cacheprovider -n 2 \
	$(if $(T),-k '$(T)') tests/qemu

.PHONY: qemu
qemu: $(fw)
	$(Q)tests/tools/need $(packages_test)
	$(Q)FW=$(abspath $(fw)) O=$(abspath $(O)) $(pytest)

.PHONY: bench
bench: $(fw)
	$(Q)tests/tools/need $(packages_test)
	$(Q)tests/bench/bench --arch $(ARCH) --fw $(fw)

.PHONY: test
test: $(fw)
	$(Q)tests/tools/need $(packages_test)
	$(Q)tests/tools/test '$(MAKE)' 'O=$(O)'
