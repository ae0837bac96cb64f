# SPDX-License-Identifier: BSD-2-Clause
srcs += $(addprefix loader/,bzimage.c setup_data.c)
