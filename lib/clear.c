/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/clear.h"

#include <stdint.h>

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
