# SPDX-License-Identifier: BSD-2-Clause
srcs_x86_64 += $(addprefix loader/,bzimage.c setup_data.c)
