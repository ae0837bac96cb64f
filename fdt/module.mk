# SPDX-License-Identifier: BSD-2-Clause
srcs += $(addprefix fdt/,check.c)
