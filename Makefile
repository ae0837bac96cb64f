# SPDX-License-Identifier: BSD-2-Clause
#
# make            the firmware, build/x86_64/fw.bin
# make run        boot Debian's kernel with it in QEMU; shell, debug: see README.md
# make test       everything that is tested; make bench: what a boot costs
# make tools      the tools in C: build/tools/slipway-measure
# make analyse    gcc's analyser, clang-tidy and cppcheck over all C
#
# ARCH=aarch64 builds, runs and measures build/aarch64/fw.bin; make test tests both.
# UNPACK=no leaves the decompressors out of it, and 64 KiB are enough. HASHES=required refuses to
# boot what is not in a hash table.
# V=1 shows commands, O=dir builds elsewhere, CC=clang builds with clang (x86_64: objects).

MAKEFLAGS += --no-builtin-rules --no-builtin-variables
.SUFFIXES:
.DELETE_ON_ERROR:
.DEFAULT_GOAL := all

VERSION := 0.1.0
# Release date as SMBIOS wants it.
DATE := 11/22/2026

ARCH ?= x86_64
O ?= build
CC := $(if $(filter default undefined,$(origin CC)),gcc,$(CC))
is_clang := $(findstring clang,$(CC))
Q := $(if $(V),,@)
say = $(if $(V),,@printf '  %-7s %s\n' '$(1)' '$(2)')

build := $(O)/$(ARCH)
fw := $(build)/fw.bin

# The compiler and the binutils of the image's architecture, from arch/*/module.mk.
prefix :=
compiler = $(if $(is_clang),$(CC) $(clang_target),$(prefix)$(CC))

export CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/slipway

# Every folder's module.mk adds its sources: to srcs those that every image has, to
# srcs_x86_64 and srcs_aarch64 those of one architecture.
srcs :=
srcs_x86_64 :=
srcs_aarch64 :=
# Code is kept short, but for the sources that most of a boot's instructions come from: those in
# hot gain by unrolled loops, those in warm do not.
hot :=
warm :=
include lib/module.mk fwcfg/module.mk fdt/module.mk pci/module.mk acpi/module.mk
include loader/module.mk efi/module.mk measure/module.mk boot/module.mk
include arch/$(ARCH)/module.mk
objs := $(patsubst %,$(build)/%.o,$(srcs) $(srcs_$(ARCH)) $(srcs_arch))
$(patsubst %,$(build)/%.o,$(hot)): arch_cflags += $(if $(is_clang),,-O3)
$(patsubst %,$(build)/%.o,$(warm)): arch_cflags += $(if $(is_clang),,-O2)

# What a boot prints unless the VMM says otherwise: error, warn, info, debug.
LOG ?= warn
log_level = $(if $(filter error warn info debug,$(LOG)),LOG_$(shell echo $(LOG) | tr a-z A-Z),\
	$(error LOG=$(LOG) is not error, warn, info or debug))

# HASHES=required refuses to boot without a table of hashes: measure/hashes.h.
hashes_required = $(if $(filter required,$(HASHES)),true,$(if $(HASHES),\
	$(error HASHES=$(HASHES) is not required),false))

defines := -DVERSION='"$(VERSION)"' -DDATE='"$(DATE)"' -DLOG_DEFAULT=$(log_level) \
	-DHASHES_REQUIRED=$(hashes_required)
cflags := -std=gnu17 -g -Oz -ffreestanding -fbuiltin -fpie \
	-fvisibility=hidden -nostdinc \
	-fno-asynchronous-unwind-tables -fno-strict-aliasing -fno-common \
	-ffunction-sections -fdata-sections -fstack-protector-strong \
	-ffile-prefix-map=$(CURDIR)=. \
	-Wall -Wextra -Wconversion -Wsign-conversion -Wmissing-prototypes -Wvla -Wshadow \
	-Wstrict-prototypes -Werror \
	$(defines) -include lib/hidden.h -I. -Iarch/include -I$(build)
# gcc turns short copying loops into calls, which cost more than the loops.
ifeq ($(is_clang),)
cflags += -fno-tree-loop-distribute-patterns
endif
ldflags := -pie --no-dynamic-linker -z text -z noexecstack --gc-sections --build-id=none \
	-z max-page-size=4096 --orphan-handling=error

.PHONY: all
all: $(fw)

# The tools that a build needs, and newlib, are set up once.
$(build)/setup.mk: $(addprefix tests/tools/,need build-newlib build-libs) Makefile
	@mkdir -p $(@D)
	$(Q)tests/tools/need $(packages_build)
	$(Q)newlib=$$(tests/tools/build-newlib $(ARCH)) && \
	libs=$(if $(libs_needed),$$(tests/tools/build-libs $(ARCH))) && \
	printf 'newlib := %s\nlibs := %s\n' "$$newlib" "$$libs" > $@

ifeq ($(filter clean,$(MAKECMDGOALS)),)
-include $(build)/setup.mk
endif

# Objects are made anew when a setting has changed: another compiler, LOG, UNPACK.
settings = $(compiler) $(cflags) $(arch_cflags) UNPACK=$(UNPACK) $(hot), $(warm)
ifeq ($(filter clean,$(MAKECMDGOALS)),)
ifneq ($(strip $(file < $(build)/settings)),$(strip $(settings)))
$(shell mkdir -p $(build))
$(file > $(build)/settings,$(settings))
endif
endif

compiler_include = $(shell $(compiler) -print-file-name=include)
includes = -isystem $(compiler_include) -isystem $(newlib)/include \
	$(if $(libs),$(patsubst %,-isystem $(libs)/include%,/ /efi /efi/$(ARCH)))
$(build)/%.c.o: %.c $(build)/settings $(build)/setup.mk Makefile arch/$(ARCH)/module.mk
	@mkdir -p $(@D)
	$(call say,CC,$<)
	$(Q)$(compiler) $(cflags) $(arch_cflags) $(includes) -MMD -MP -c $< -o $@

# All that is compiled, without the image.
.PHONY: objects
objects: $(objs)

-include $(objs:.o=.d)

include linker/module.mk tools/module.mk tests/module.mk

.PHONY: clean
clean:
	rm -rf $(O)
