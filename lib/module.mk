# SPDX-License-Identifier: BSD-2-Clause
srcs += $(addprefix lib/,blob.c bytes.c crc32.c format.c log.c memmap.c span.c status.c)
warm += lib/memmap.c
warm += $(addprefix lib/,bytes.c span.c)
