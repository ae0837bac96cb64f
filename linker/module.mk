# SPDX-License-Identifier: BSD-2-Clause
script := linker/$(ARCH).ld
archives = $(if $(libs),$(patsubst %,$(libs)/lib/lib%.a,fdt z zstd)) $(newlib)/lib/libc.a

$(build)/fw.elf: $(objs) $(script) $(build)/settings
	$(call say,LD,$@)
	$(Q)$(prefix)ld $(ldflags) $(arch_ldflags) -T $(script) -o $@ $(objs) $(archives)

# The file is the memory image: no section headers, no symbols.
$(fw): $(build)/fw.elf
	$(call say,BIN,$@)
	$(Q)$(prefix)objcopy -O binary $(arch_objcopy) $< $@
