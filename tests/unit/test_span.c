/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdlib.h>

#include "lib/span.h"

/* Exact allocations at every alignment, so that ASan sees a byte too many. */
static void span_sum_equals_the_plain_sum(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 3000; round++) {
		size_t size = round < 200 ? round : unit_random_below(20000);
		size_t shift = unit_random_below(16);
		uint8_t *bytes = malloc(size + shift + 1);
		assert_non_null(bytes);
		unit_random_bytes(bytes, size + shift + 1);
		uint8_t *start = bytes + shift + 1;
		assert_int_equal(span_sum((struct span){start, size}), unit_sum(start, size));
		free(bytes);
	}
}

static void span_sum_lanes_do_not_overflow(void **state)
{
	static const size_t sizes[] = {8 * 255, 8 * 256, 8 * 257,      8 * 256 + 7,
				       0x10000, 0x80703, 0x100000 - 1, 0x100000};

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		uint8_t *bytes = malloc(sizes[i]);
		assert_non_null(bytes);
		for (unsigned pass = 0; pass < 3; pass++) {
			/* All of them, odd ones, even ones. */
			for (size_t at = 0; at < sizes[i]; at++)
				bytes[at] = pass == 0 || at % 2 == pass - 1 ? 0xff : 0;
			assert_int_equal(span_sum((struct span){bytes, sizes[i]}),
					 unit_sum(bytes, sizes[i]));
		}
		free(bytes);
	}
}

static const struct CMUnitTest tests[] = {
	UNIT_TEST(span_sum_equals_the_plain_sum),
	UNIT_TEST(span_sum_lanes_do_not_overflow),
};

UNIT_MAIN(tests)
