# SPDX-License-Identifier: BSD-2-Clause
srcs += $(addprefix loader/,bundle.c pe.c)
srcs_x86_64 += $(addprefix loader/,bundle_x86_64.c bzimage.c elf.c pvh.c setup_data.c)
srcs_aarch64 += $(addprefix loader/,arm64.c bundle_aarch64.c \
	$(if $(filter no,$(UNPACK)),no_unpack.c,unpack.c))
