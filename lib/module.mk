# SPDX-License-Identifier: BSD-2-Clause
srcs += $(addprefix lib/,blob.c clear.c format.c log.c memmap.c span.c status.c)
hot += lib/memmap.c
warm += $(addprefix lib/,clear.c span.c)
