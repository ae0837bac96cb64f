# SPDX-License-Identifier: BSD-2-Clause
srcs += $(addprefix lib/,blob.c format.c log.c memmap.c span.c status.c)
seldom += $(addprefix lib/,blob.c format.c log.c)
