/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/span.h"

/* Sixteen sums of a byte each, which may wrap, in a vector register where there is one. */
typedef uint8_t block __attribute__((vector_size(16)));

#define EVEN_BYTES 0x00ff00ff00ff00fful

static inline block load(const uint8_t *bytes)
{
	block value;

	memcpy(&value, bytes, sizeof(value));
	return value;
}

static inline uint8_t sum_block(block value)
{
	uint64_t words[2];

	memcpy(words, &value, sizeof(words));
	uint64_t lanes = (words[0] & EVEN_BYTES) + (words[1] & EVEN_BYTES) +
			 (words[0] >> 8 & EVEN_BYTES) + (words[1] >> 8 & EVEN_BYTES);
	/* The highest lane of the product is the sum of them all. */
	return (uint8_t)(lanes * 0x0001000100010001ul >> 48);
}

#define NONE 0, 0, 0, 0, 0, 0, 0, 0
#define ALL  255, 255, 255, 255, 255, 255, 255, 255

/* At the number of the last bytes of a span: which they are, in a block that ends with them. */
static const uint8_t masks[2 * sizeof(block)] = {NONE, NONE, ALL, ALL};

uint8_t span_sum(struct span span)
{
	const uint8_t *at = span.bytes;
	size_t left = span.size;
	block total = {0}, other = {0};
	uint8_t sum = 0;

	if (left < sizeof(block)) {
		while (left-- > 0)
			sum = (uint8_t)(sum + *at++);
		return sum;
	}
	for (; left >= 4 * sizeof(block); left -= 4 * sizeof(block), at += 4 * sizeof(block)) {
		total += load(at) + load(at + sizeof(block));
		other += load(at + 2 * sizeof(block)) + load(at + 3 * sizeof(block));
	}
	for (; left >= sizeof(block); left -= sizeof(block), at += sizeof(block))
		total += load(at);
	/* The block that ends with them, without what is summed already. */
	total += other + (load(at + left - sizeof(block)) & load(masks + left));
	return sum_block(total);
}
