# SPDX-License-Identifier: BSD-2-Clause
srcs += $(addprefix fdt/,check.c)
srcs_aarch64 += $(addprefix fdt/,copy.c find.c read.c write.c)
warm += fdt/read.c
