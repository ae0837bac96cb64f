# SPDX-License-Identifier: BSD-2-Clause
srcs += $(addprefix boot/,linux.c main.c memory.c payload.c platform.c)
