# SPDX-License-Identifier: BSD-2-Clause
srcs_x86_64 += measure/tpm.c
