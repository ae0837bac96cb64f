/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/bytes.h"

#include <stdint.h>
#include <string.h>

/* What a vector register holds, where there are any, else a pair of registers. */
typedef uint64_t block __attribute__((vector_size(16)));

void clear_pages(void *start, size_t size)
{
	block *at = start;
	block *end = at + size / sizeof(*at);

	for (; at < end; at += 16) {
#pragma GCC unroll 16
		for (unsigned i = 0; i < 16; i++)
			at[i] = (block){0, 0};
	}
}

void copy_bytes(void *to, const void *from, size_t size)
{
	uint8_t *dest = to;
	const uint8_t *src = from;

	for (; size >= sizeof(block); size -= sizeof(block)) {
		block next;
		memcpy(&next, src, sizeof(next));
		memcpy(dest, &next, sizeof(next));
		src += sizeof(next);
		dest += sizeof(next);
	}
	for (; size > 0; size--)
		*dest++ = *src++;
}
