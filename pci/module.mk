# SPDX-License-Identifier: BSD-2-Clause
srcs_x86_64 += $(addprefix pci/,assign.c chipset.c config.c program.c scan.c tree.c)
