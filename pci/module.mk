# SPDX-License-Identifier: BSD-2-Clause
srcs_x86_64 += $(addprefix pci/,assign.c chipset.c config.c program.c scan.c tree.c)

# Enumeration waits for devices more than it computes, and -O3 makes it 10 KiB longer.
$(addprefix $(build)/pci/,assign.c.o program.c.o scan.c.o tree.c.o): arch_cflags += -Os
