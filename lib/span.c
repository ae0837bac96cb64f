/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/span.h"

#ifdef __SSE2__

#include <emmintrin.h>

/* Two sums of eight bytes each are what the instruction psadbw makes of 16 bytes. */
static uint64_t sum_blocks(const uint8_t *bytes, size_t blocks)
{
	__m128i total = _mm_setzero_si128();

#pragma GCC unroll 4
	for (size_t i = 0; i < blocks; i++) {
		__m128i block = _mm_loadu_si128((const __m128i *)(bytes + 16 * i));
		total = _mm_add_epi64(total, _mm_sad_epu8(block, _mm_setzero_si128()));
	}
	return (uint64_t)_mm_cvtsi128_si64(total) +
	       (uint64_t)_mm_cvtsi128_si64(_mm_unpackhi_epi64(total, total));
}

#else

#define EVEN_BYTES   0x00ff00ff00ff00fful

/* A lane of 16 bits holds the sum of four bytes this many times. */
#define BATCH_BLOCKS 64

static uint64_t sum_lanes(uint64_t lanes)
{
	return (lanes & 0xffff) + (lanes >> 16 & 0xffff) + (lanes >> 32 & 0xffff) + (lanes >> 48);
}

/* Even and odd bytes of each word apart, in four lanes of 16 bits. */
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
			lanes += (a & EVEN_BYTES) + (a >> 8 & EVEN_BYTES);
			lanes += (b & EVEN_BYTES) + (b >> 8 & EVEN_BYTES);
		}
		total += sum_lanes(lanes);
	}
	return total;
}

#endif

uint8_t span_sum(struct span span)
{
	size_t blocks = span.size / 16;
	uint64_t total = sum_blocks(span.bytes, blocks);

	for (size_t at = blocks * 16; at < span.size; at++)
		total += span.bytes[at];
	return (uint8_t)total;
}
