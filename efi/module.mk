# SPDX-License-Identifier: BSD-2-Clause
srcs_aarch64 += $(addprefix efi/,handover.c)
