# SPDX-License-Identifier: BSD-2-Clause
#
# make unit                 every module, built for this machine, under ASan and UBSan
# make unit T=memmap        the tests with that in their name; T='fwcfg_*' as well
# make coverage             holds what they reach against the least that is asked, by gcov
# make coverage T=memmap    and prints what they do not reach of files with that in their name
# make layers               who includes whom, against architecture.md

unit := $(O)/unit
# Tests of what is in the x86_64 image, or in both; and of what is in the AArch64 one alone.
unit_modules_x86_64 := host lib blob span memmap fwcfg fwcfg_models fdt bzimage pe bundle elf pvh \
	setup_data script rsdp acpi_find smbios smbios_make mptable tpm sha2 measure hashes chipset \
	pci_scan pci_assign console payload boot verify measured faults
unit_modules_aarch64 := fwcfg_mmio fwcfg_models_aarch64 uart fdt_read fdt_write fdt_copy fdt_find \
	arm64 bundle_aarch64 unpack efi payload_aarch64 boot_aarch64 verify_aarch64 \
	measured_aarch64 faults_aarch64
unit_modules := $(unit_modules_x86_64) $(unit_modules_aarch64)
unit_tests := $(unit_modules:%=$(unit)/tests/unit/test_%)

# The modules under test, the seam's double, and what the tests share. The images share
# names, so that each has an archive of its own.
unit_srcs := $(srcs) $(addprefix arch/host/,claims.c console.c devices.c fwcfg.c \
		fwcfg_cloud_hypervisor.c fwcfg_crosvm.c fwcfg_qemu.c guard.c host.c) \
	$(addprefix tests/unit/,faults.c fwcfg_models.c hash_table.c hashed.c measured.c pe.c recording.c \
		tpm_model.c unit.c)
unit_srcs_x86_64 := $(unit_srcs) $(srcs_x86_64) \
	$(addprefix tests/unit/,kernel.c machine.c payload.c pci.c)
unit_srcs_aarch64 := $(unit_srcs) $(srcs_aarch64) \
	$(addprefix tests/unit/,machine_arm.c payload_arm.c)
unit_objs := $(patsubst %,$(unit)/%.o,$(sort $(unit_srcs_x86_64) $(unit_srcs_aarch64)))
unit_archives := $(unit)/x86_64.a $(unit)/aarch64.a
unit_libs_aarch64 := -lfdt -lz -lzstd

unit_instrument ?= -O1 -fsanitize=address,undefined -fno-sanitize-recover=all
unit_cflags := -std=gnu17 -g -fno-omit-frame-pointer -fno-strict-aliasing -fno-common \
	$(unit_instrument) $(filter -W%,$(cflags)) -D_GNU_SOURCE \
	$(filter-out -DLOG_DEFAULT=%,$(defines)) -DLOG_DEFAULT=LOG_WARN \
	-DDMA_WAIT_ROUNDS=100000 -DTPM_WAIT_ROUNDS=2000 -DTEST_DATA='"$(CURDIR)/tests/data"' \
	-I. -Iarch/include -Itests/unit -isystem /usr/include/efi -isystem /usr/include/efi/x86_64

.SECONDEXPANSION:
$(unit)/setup: tests/tools/need tests/unit/module.mk
	@mkdir -p $(@D)
	$(Q)tests/tools/need gcc libcmocka-dev gnu-efi libfdt-dev zlib1g-dev libzstd-dev \
		python3-cryptography-vectors \
		$(if $(is_clang),clang libclang-rt-dev)
	@touch $@

$(unit)/%.c.o: %.c $(unit)/setup Makefile tests/unit/module.mk
	@mkdir -p $(@D)
	$(call say,HOSTCC,$<)
	$(Q)$(CC) $(unit_cflags) -MMD -MP -c $< -o $@

$(unit)/%.a: $$(addprefix $(unit)/,$$(addsuffix .o,$$(unit_srcs_$$*)))
	$(Q)rm -f $@
	$(Q)ar rcs $@ $^

# The console of the x86 port, in the place of the double's.
unit_extra_console := $(unit)/arch/x86_64/console.c.o
# What the map of memory gives away is opened in the double's guard: arch/host/claims.c.
unit_flags := $(foreach f,init claim keep alloc alloc_low,-Wl,--wrap=memmap_$(f))
# The map of memory of a boot is seen where it is handed to the kernel.
unit_flags_boot := -Wl,--wrap=bzimage_fill_boot_params -Wl,--wrap=pvh_fill
unit_flags_payload := $(unit_flags_boot)
unit_flags_verify := $(unit_flags_boot)
unit_flags_measured := $(unit_flags_boot)
unit_flags_fwcfg_models := $(unit_flags_boot)
unit_flags_faults := $(unit_flags_boot)
unit_flags_boot_aarch64 := $(foreach f,arch_handoff arch_fatal boot_is_this_firmware,\
	-Wl,--wrap=$(f))
unit_flags_payload_aarch64 := $(unit_flags_boot_aarch64)
unit_flags_verify_aarch64 := $(unit_flags_boot_aarch64)
unit_flags_measured_aarch64 := $(unit_flags_boot_aarch64)
unit_flags_fwcfg_models_aarch64 := $(unit_flags_boot_aarch64)
unit_flags_faults_aarch64 := $(unit_flags_boot_aarch64)
# The consoles of the AArch64 port; the rest of its console is in assembly.
unit_extra_uart := $(unit)/arch/aarch64/uart.c.o

unit_arch = $(if $(filter $*,$(unit_modules_aarch64)),aarch64,x86_64)
$(unit_tests): $(unit)/tests/unit/test_%: $(unit)/tests/unit/test_%.c.o $(unit_archives) \
		$(unit_extra_console) $(unit_extra_uart)
	$(call say,HOSTLD,$@)
	$(Q)$(CC) $(unit_instrument) $(unit_flags) $(unit_flags_$*) $< $(unit_extra_$*) \
		$(unit)/$(unit_arch).a $(unit_libs_$(unit_arch)) -lcmocka -o $@

-include $(unit_objs:.o=.d) $(unit_tests:=.c.d) $(unit_extra_console:.o=.d) $(unit_extra_uart:.o=.d)
# A test's object is worth keeping between builds.
.SECONDARY: $(unit_objs) $(unit_tests:=.c.o)

.PHONY: unit coverage layers
unit: $(unit_tests) layers
	$(Q)tests/unit/run '$(T)' $(unit_tests)

# Built apart, without sanitizers, which have branches of their own; anew, since what an old object
# has for a header counts too.
coverage:
	$(Q)rm -rf $(O)/coverage
	$(Q)mkdir -p $(O)/coverage
	$(Q)$(MAKE) --no-print-directory unit O=$(O)/coverage CC=gcc T= \
		unit_instrument='-O0 --coverage' >$(O)/coverage/log 2>&1 || { cat $(O)/coverage/log; exit 1; }
	$(Q)tests/unit/coverage $(O)/coverage/unit '$(T)' $(srcs) $(srcs_x86_64) $(srcs_aarch64)

layers:
	$(Q)tests/tools/check_layers
