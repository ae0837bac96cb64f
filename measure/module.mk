# SPDX-License-Identifier: BSD-2-Clause
srcs += $(addprefix measure/,eventlog.c hashes.c kernel.c measure.c pcr.c sha2.c sha2_portable.c \
	sha256_cpu.c tpm.c)
