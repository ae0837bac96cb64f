# SPDX-License-Identifier: BSD-2-Clause
srcs += $(addprefix fdt/,fdt.c)
