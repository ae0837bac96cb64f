/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/span.h"

#define EVEN_BYTES 0x00ff00ff00ff00fful

/* A sum of 256 bytes stays below 2^16, the width of a lane. */
#define BATCH_WORDS 256

static uint64_t load(const uint8_t *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
	return word;
}

static uint64_t add_lanes(uint64_t lanes)
{
	return lanes + (lanes >> 16) + (lanes >> 32) + (lanes >> 48);
}

/*
 * Eight bytes at a time. @even adds up the even bytes of each word in four lanes
 * of 16 bits; @all adds whole words, so that @all - @even is the same for the odd
 * bytes, eight bits further up. What overflows at the top is a multiple of 256
 * odd bytes' worth, which the result does not show.
 */
uint8_t span_sum(struct span span)
{
	const uint8_t *at = span.bytes;
	size_t words = span.size / 8;
	uint64_t total = 0;

	while (words > 0) {
		size_t batch = words < BATCH_WORDS ? words : BATCH_WORDS;
		uint64_t all = 0, even = 0;
		words -= batch;
		for (; batch >= 4; batch -= 4, at += 32) {
			uint64_t a = load(at), b = load(at + 8), c = load(at + 16), d = load(at + 24);
			all += a + b + c + d;
			even += (a & EVEN_BYTES) + (b & EVEN_BYTES) + (c & EVEN_BYTES) +
				(d & EVEN_BYTES);
		}
		for (; batch > 0; batch--, at += 8) {
			uint64_t word = load(at);
			all += word;
			even += word & EVEN_BYTES;
		}
		total += add_lanes(even) + add_lanes((all - even) >> 8);
	}
	for (; at < span.bytes + span.size; at++)
		total += *at;
	return (uint8_t)total;
}
