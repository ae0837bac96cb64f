# SPDX-License-Identifier: BSD-2-Clause
srcs_arch := $(addprefix arch/aarch64/,entry.S console.c crc32.c handoff.c io.c mmu.c start.c \
	uart.c)

packages_build := make gcc-aarch64-linux-gnu binutils-aarch64-linux-gnu newlib-source \
	$(if $(is_clang),clang)
# Here fw_cfg's code is as fast when it is short.
warm := $(filter-out fwcfg/fwcfg.c,$(warm)) acpi/smbios.c arch/aarch64/mmu.c
# The image that has 64 KiB has no room for what is fastest and longest.
ifeq ($(UNPACK),no)
hot := $(filter-out lib/memmap.c,$(hot))
warm := $(filter-out fdt/read.c,$(warm))
endif
prefix := aarch64-linux-gnu-
clang_target := --target=aarch64-linux-gnu
libs_needed := yes
arch_ldflags = --no-eh-frame-hdr --defsym IMAGE_SIZE_MAX=$(if $(filter no,$(UNPACK)),0x10000,0x20000)
# ld makes the first entries of a table that nobody uses.
arch_objcopy := -R .got

# All of the image is within reach of one instruction.
arch_cflags := -mcmodel=tiny -fomit-frame-pointer -fno-align-functions \
	$(if $(is_clang),,-fno-align-jumps -fno-align-loops -fno-align-labels) \
	-mbranch-protection=none \
	-mstack-protector-guard=sysreg -mstack-protector-guard-reg=sp_el0 \
	-mstack-protector-guard-offset=0
arch_lto := -flto $(if $(is_clang),,-flto-partition=one)
arch_cflags += $(arch_lto)

# It runs where the CPU has the instructions: arch_has_sha256().
arch_cflags_sha256 := -march=armv8-a+crypto
$(addprefix $(build)/measure/sha256_cpu.c,.o .ok): arch_cflags += $(arch_cflags_sha256)

# With the MMU off, memory is device memory, which takes no unaligned access.
$(build)/arch/aarch64/mmu.c.o: arch_cflags += -mstrict-align
# Functions that take any number of arguments would save eight vector registers.
$(patsubst %,$(build)/lib/%.c.o,format log): arch_cflags += -mgeneral-regs-only

$(build)/%.S.o: %.S $(build)/setup.mk Makefile arch/aarch64/module.mk
	@mkdir -p $(@D)
	$(call say,AS,$<)
	$(Q)$(compiler) -I. -MMD -MP -c $< -o $@
