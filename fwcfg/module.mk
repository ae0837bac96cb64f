# SPDX-License-Identifier: BSD-2-Clause
srcs += $(addprefix fwcfg/,fwcfg.c)
srcs_x86_64 += $(addprefix fwcfg/,ports.c)
srcs_aarch64 += $(addprefix fwcfg/,mmio.c)
warm += fwcfg/fwcfg.c
