# SPDX-License-Identifier: BSD-2-Clause
script := linker/$(ARCH).ld
archives = $(if $(libs),$(patsubst %,$(libs)/lib/lib%.a,fdt z zstd)) $(newlib)/lib/libc.a

# With arch_lto the compiler links, and optimises all of the program at once.
all_ldflags = $(ldflags) $(arch_ldflags)
link = $(if $(arch_lto),$(compiler) $(filter-out -nostdinc,$(cflags)) $(arch_cflags) -nostdlib \
	$(addprefix -Xlinker ,$(all_ldflags)),$(prefix)ld $(all_ldflags))

$(build)/fw.elf: $(objs) $(script) $(build)/settings
	$(if $(cannot_link),$(error $(cannot_link)))
	$(call say,LD,$@)
	$(Q)$(link) -T $(script) -o $@ $(objs) $(archives)

# The file is the memory image: no section headers, no symbols.
$(fw): $(build)/fw.elf
	$(call say,BIN,$@)
	$(Q)$(prefix)objcopy -O binary $(arch_objcopy) $< $@
