# SPDX-License-Identifier: BSD-2-Clause
srcs += $(addprefix measure/,sha2.c sha2_portable.c sha256_cpu.c)
srcs_x86_64 += measure/tpm.c
