# SPDX-License-Identifier: BSD-2-Clause
srcs_arch := $(addprefix arch/x86_64/,entry.asm handoff.asm console.c handoff.c io.c paging.c \
	processors.c start.c)
hot += arch/x86_64/handoff.c
warm += arch/x86_64/start.c

# linker/x86_64.ld finds parts of these by their file's name.
named := acpi/find.c loader/elf.c loader/pvh.c pci/chipset.c

packages_build := make gcc binutils nasm newlib-source $(if $(is_clang),clang)

# SSE2 is part of 64-bit mode, and the entry code switches it on.
arch_cflags := -m64 -march=x86-64 -mno-red-zone -mno-mmx -mno-80387 \
	-mstack-protector-guard=tls -mstack-protector-guard-reg=gs -mstack-protector-guard-offset=40
# Padding is a thirtieth of the image, which has 64 KiB.
ifeq ($(is_clang),)
arch_cflags += -malign-data=abi $(addprefix -fno-align-,functions jumps labels loops)
# Values are kept in few registers, and code that is seldom run next to its function, where short
# jumps reach it.
arch_cflags += -fno-caller-saves -fno-reorder-blocks-and-partition -fira-region=one
# What is called once is a part of its caller, also where that has an array of kilobytes.
arch_cflags += --param=large-stack-frame=16384
# What makes code longer is for that which is to be fast, where two options that -O2 has are no gain.
speed := guess-branch-probability ipa-icf move-loop-invariants
arch_cflags += $(addprefix -fno-,$(speed))
$(patsubst %,$(build)/%.o,$(hot) $(warm)): arch_cflags += $(addprefix -f,$(speed)) \
	-fno-tree-coalesce-vars -freorder-blocks-algorithm=simple
# Its loops are short, and need no second copy of their condition.
$(build)/lib/memmap.c.o: arch_cflags += -fno-tree-ch
endif
# What it warns of when it compiles is seen all the same.
cannot_link := $(if $(is_clang),clang makes more code for x86_64 than the image has room for: use gcc)
# Functions that take any number of arguments would save eight vector registers, and those of blob use
# them for two words at a time.
$(patsubst %,$(build)/lib/%.c.o,blob format log status): arch_cflags += -mgeneral-regs-only
arch_lto := -flto $(if $(is_clang),,-flto-partition=one)
arch_cflags += $(arch_lto)
$(patsubst %,$(build)/%.o,$(named)): arch_cflags += -fno-lto

$(build)/layout.inc: arch/x86_64/layout.h $(build)/setup.mk
	$(call say,GEN,$@)
	$(Q)sed -n 's/^#define \([A-Z0-9_]*\) *\(0x[0-9a-f]*\).*/%define \1 \2/p' $< > $@

$(build)/%.asm.o: %.asm $(build)/layout.inc
	@mkdir -p $(@D)
	$(call say,NASM,$<)
	$(Q)nasm -f elf64 -g -F dwarf -Wall -Werror -i$(build)/ $< -o $@
