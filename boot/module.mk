# SPDX-License-Identifier: BSD-2-Clause
srcs += $(addprefix boot/,boot.c payload.c tables.c)
srcs_x86_64 += $(addprefix boot/x86_64/,linux.c main.c memory.c payload.c platform.c)
