# SPDX-License-Identifier: BSD-2-Clause
srcs += $(addprefix fwcfg/,fwcfg.c)
