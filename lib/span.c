/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/span.h"

#define EVEN_BYTES 0x00ff00ff00ff00fful

/* Four lanes of 16 bits, each the sum of two bytes. */
static uint64_t lanes_of(uint64_t word)
{
	return (word & EVEN_BYTES) + (word >> 8 & EVEN_BYTES);
}

/* The highest lane of the product is the sum of all. */
static uint64_t sum_lanes(uint64_t lanes)
{
	return lanes * 0x0001000100010001ul >> 48;
}

#ifdef __SSE2__

#include <emmintrin.h>

/* Each byte of the total is the sum of every sixteenth one, but for multiples of 256. */
static uint64_t sum_blocks(const uint8_t *bytes, size_t blocks)
{
	__m128i total = _mm_setzero_si128();

#pragma GCC unroll 8
	for (size_t i = 0; i < blocks; i++)
		total = _mm_add_epi8(total, _mm_loadu_si128((const __m128i *)(bytes + 16 * i)));
	total = _mm_sad_epu8(total, _mm_setzero_si128());
	return (uint64_t)_mm_cvtsi128_si64(total) +
	       (uint64_t)_mm_cvtsi128_si64(_mm_unpackhi_epi64(total, total));
}

#else

/* A lane holds the sum of four bytes this many times, and then of all lanes, without overflow. */
#define BATCH_BLOCKS 16

static uint64_t sum_blocks(const uint8_t *bytes, size_t blocks)
{
	uint64_t total = 0;

	while (blocks > 0) {
		size_t batch = blocks < BATCH_BLOCKS ? blocks : BATCH_BLOCKS;
		uint64_t lanes = 0;
		blocks -= batch;
		for (; batch > 0; batch--, bytes += 16) {
			uint64_t a, b;
			memcpy(&a, bytes, sizeof(a));
			memcpy(&b, bytes + 8, sizeof(b));
			lanes += lanes_of(a) + lanes_of(b);
		}
		total += sum_lanes(lanes);
	}
	return total;
}

#endif

/* A word of which only the last @count bytes are not 0. */
static uint64_t last_bytes(const uint8_t *end, size_t count)
{
	uint64_t word;

	memcpy(&word, end - sizeof(word), sizeof(word));
	return word >> 8 * (sizeof(word) - count);
}

uint8_t span_sum(struct span span)
{
	const uint8_t *end = span.bytes + span.size;
	uint64_t total = 0, lanes = 0, word;

	if (span.size < sizeof(word)) {
		for (size_t at = 0; at < span.size; at++)
			total += span.bytes[at];
		return (uint8_t)total;
	}
	total = sum_blocks(span.bytes, span.size / 16);
	if ((span.size & 8) != 0) {
		memcpy(&word, end - (span.size & 15), sizeof(word));
		lanes = lanes_of(word);
	}
	if ((span.size & 7) != 0)
		lanes += lanes_of(last_bytes(end, span.size & 7));
	return (uint8_t)(total + sum_lanes(lanes));
}
