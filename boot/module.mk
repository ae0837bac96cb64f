# SPDX-License-Identifier: BSD-2-Clause
srcs += $(addprefix boot/,boot.c hashes.c measure.c payload.c tables.c)
srcs_x86_64 += $(addprefix boot/x86_64/,elf.c linux.c main.c memory.c payload.c pci.c platform.c \
	resume.c tables.c)
srcs_aarch64 += $(addprefix boot/aarch64/,linux.c main.c memory.c payload.c platform.c)
warm += boot/payload.c
