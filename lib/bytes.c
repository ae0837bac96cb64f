/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/bytes.h"

#include <stdint.h>
#include <string.h>

#include "lib/attributes.h"

/* What a vector register holds, where there are any, else a pair of registers. */
typedef uint64_t block __attribute__((vector_size(16)));

/* For a size that it knows, a compiler would make one instruction after the other of it. */
APART void clear_pages(void *start, size_t size)
{
	block *at = start;
	block *end = at + size / sizeof(*at);

	for (; at < end; at += 32) {
#pragma GCC unroll 32
		for (unsigned i = 0; i < 32; i++)
			at[i] = (block){0, 0};
	}
}

static inline void copy_block(uint8_t *to, const uint8_t *from)
{
	block value;

	memcpy(&value, from, sizeof(value));
	memcpy(to, &value, sizeof(value));
}

void copy_bytes(void *to, const void *from, size_t size)
{
	uint8_t *dest = to;
	const uint8_t *src = from;
	size_t at = 0;

	if (size >= sizeof(block)) {
		for (; at < size - sizeof(block); at += sizeof(block))
			copy_block(dest + at, src + at);
		/* The last ones, with what of the block before it takes to be a block. */
		copy_block(dest + size - sizeof(block), src + size - sizeof(block));
		return;
	}
	for (; at < size; at++)
		dest[at] = src[at];
}
