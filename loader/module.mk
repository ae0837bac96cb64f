# SPDX-License-Identifier: BSD-2-Clause
srcs_x86_64 += $(addprefix loader/,bzimage.c setup_data.c)
srcs_aarch64 += $(addprefix loader/,arm64.c $(if $(filter no,$(UNPACK)),no_unpack.c,unpack.c))
seldom += loader/setup_data.c
