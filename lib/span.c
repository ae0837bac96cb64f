/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/span.h"

#include "lib/attributes.h"

/* Sixteen sums of a byte each, which may wrap, in a vector register where there is one. */
typedef uint8_t block __attribute__((vector_size(16)));

static inline block load(const uint8_t *bytes)
{
	block value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

static inline uint8_t sum_block(block value)
{
	uint8_t sum = 0;

	/* Compilers know this, and the instruction for it. */
#pragma GCC unroll 16
	for (unsigned i = 0; i < sizeof(value); i++)
		sum = (uint8_t)(sum + value[i]);
	return sum;
}

#define NONE 0, 0, 0, 0, 0, 0, 0, 0
#define ALL  255, 255, 255, 255, 255, 255, 255, 255

/* At the number of the last bytes of a span: which they are, in a block that ends with them. */
static const uint8_t masks[2 * sizeof(block)] = {NONE, NONE, ALL, ALL};

APART uint8_t span_sum(struct span span)
{
	const uint8_t *at = span.bytes;
	const uint8_t *end = at + span.size;
	block total = {0};
	uint8_t sum = 0;

	if (span.size < sizeof(block)) {
		while (at < end)
			sum = (uint8_t)(sum + *at++);
		return sum;
	}
	for (; (size_t)(end - at) >= 4 * sizeof(block); at += 4 * sizeof(block))
		total += load(at) + load(at + sizeof(block)) +
			 (load(at + 2 * sizeof(block)) + load(at + 3 * sizeof(block)));
	for (; (size_t)(end - at) >= sizeof(block); at += sizeof(block))
		total += load(at);
	/* The block that ends with them, without what is summed already. */
	total += load(end - sizeof(block)) & load(masks + (end - at));
	return sum_block(total);
}
