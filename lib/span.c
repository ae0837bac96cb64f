/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/span.h"

/*
 * Bytes are summed eight at a time: even and odd bytes apart, in four lanes of
 * 16 bits. A lane takes 255 * 2 a step, so 128 steps cannot overflow it.
 */
uint8_t span_sum(struct span span)
{
	const uint64_t lanes = 0x00ff00ff00ff00ff;
	uint64_t total = 0;
	size_t at = 0;

	while (span.size - at >= 8) {
		uint64_t sum = 0;
		for (unsigned step = 0; step < 128 && span.size - at >= 8; step++, at += 8) {
			uint64_t word;
			memcpy(&word, span.bytes + at, sizeof(word));
			sum += (word & lanes) + ((word >> 8) & lanes);
		}
		total += (sum & 0xffff) + ((sum >> 16) & 0xffff) + ((sum >> 32) & 0xffff) +
			 (sum >> 48);
	}
	for (; at < span.size; at++)
		total += span.bytes[at];
	return (uint8_t)total;
}
