# SPDX-License-Identifier: BSD-2-Clause
srcs += $(addprefix pci/,chipset.c config.c)
