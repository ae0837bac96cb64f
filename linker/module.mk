# SPDX-License-Identifier: BSD-2-Clause
script := linker/$(ARCH).ld

$(build)/fw.elf: $(objs) $(script)
	$(call say,LD,$@)
	$(Q)ld $(ldflags) -T $(script) -o $@ $(objs) $(newlib)/lib/libc.a

# The file is the memory image: no section headers, no symbols.
$(fw): $(build)/fw.elf
	$(call say,BIN,$@)
	$(Q)objcopy -O binary $< $@
