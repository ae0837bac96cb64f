/* SPDX-License-Identifier: BSD-2-Clause */
/* CBMC knows no SSE2: the sum is that of the other architectures. */
#undef __SSE2__

#include "proof.h"

#include "lib/checked.h"
#include "lib/name.h"
#include "lib/span.c"

typedef unsigned __int128 uint128_t;

/**
 * checked_add() gives the sum where it fits into 64 bits, and else nothing.
 * Bound: none.
 */
PROOF(checked_add, 1)
{
	uint64_t a = any_u64(), b = any_u64(), before = any_u64();
	uint128_t sum = (uint128_t)a + b;
	uint64_t value = before;

	if (checked_add(a, b, &value)) {
		REACHED("a sum");
		PROVE(value == sum);
	} else {
		REACHED("no sum");
		PROVE(sum > UINT64_MAX && value == before);
	}
}

/**
 * is_power_of_two() is true for numbers of one bit.
 * Bound: none.
 */
PROOF(is_power_of_two, 1)
{
	uint64_t value = any_u64();

	PROVE(is_power_of_two(value) == (__builtin_popcountl(value) == 1));
}

/**
 * align_down() gives the highest multiple up to a number.
 * Bound: none.
 */
PROOF(align_down, 1)
{
	uint64_t value = any_u64(), shift = any_up_to(63);
	uint64_t down = align_down(value, 1ul << shift);

	PROVE(down >> shift << shift == down);
	PROVE(down <= value && value - down < 1ul << shift);
}

/**
 * checked_align_up() gives the lowest multiple from a number on, unless that takes 65 bits.
 * Bound: none.
 */
PROOF(checked_align_up, 1)
{
	uint64_t value = any_u64(), shift = any_up_to(63), before = any_u64();
	uint64_t up = before;

	if (checked_align_up(value, 1ul << shift, &up)) {
		REACHED("a multiple");
		PROVE(up >> shift << shift == up);
		PROVE(up >= value && up - value < 1ul << shift);
	} else {
		REACHED("no multiple");
		PROVE(up == before);
		PROVE((uint128_t)value + ((1ul << shift) - 1) > UINT64_MAX);
	}
}

/**
 * fits() is true when offset and length are within the size, in numbers without an end.
 * Bound: none.
 */
PROOF(fits, 1)
{
	uint64_t offset = any_u64(), length = any_u64(), size = any_u64();

	PROVE(fits(offset, length, size) == ((uint128_t)offset + length <= size));
}

/**
 * span_read() copies what lies inside of a span, and touches nothing otherwise.
 * Bound: spans and copies of up to 1 MiB, any offset.
 */
PROOF(span_read, 1)
{
	size_t size = any_up_to(0x100000), length = any_up_to(0x100000), at = any_u64();
	uint64_t offset = any_u64();
	const struct span span = {any_bytes(size), size};
	uint8_t *copy = any_bytes(length);

	ASSUME(at < length);
	uint8_t before = copy[at];
	if (span_read(span, offset, length, copy)) {
		REACHED("a copy");
		PROVE(offset + length <= size);
		PROVE(copy[at] == span.bytes[offset + at]);
	} else {
		REACHED("no copy");
		PROVE(copy[at] == before);
	}
}

static uint8_t sum_one_by_one(const uint8_t *bytes, size_t size)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < size; i++)
		sum = (uint8_t)(sum + bytes[i]);
	return sum;
}

/**
 * span_sum() stays within its bytes, and each counts once; span_checksum() makes the sum 0.
 * Bound: 0 to 36 bytes, all 0 but one at any place.
 * Loops: span_sum.0:17, span_sum.1:2, span_sum.2:4, sum_block.0:17
 */
PROOF(span_sum, 17)
{
	static uint8_t zeros[36];
	size_t size = any_up_to(sizeof(zeros)), at = any_u64();
	uint8_t *bytes = any_bytes(size);

	memcpy(bytes, zeros, size);
	ASSUME(at < size);
	bytes[at] = any_byte();
	uint8_t sum = span_sum((struct span){bytes, size});
	REACHED("a sum");
	PROVE(sum == bytes[at]);
	PROVE((uint8_t)(sum + span_checksum(bytes, size)) == 0);
}

/**
 * Many blocks are summed as single bytes are.
 * Bound: 220 bytes, all of them 255.
 * Loops: span_sum.0:17, span_sum.1:5, span_sum.2:4, sum_block.0:17, sum_one_by_one.0:222
 */
PROOF(span_sum_blocks, 222)
{
	static uint8_t bytes[220];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = 255;
	PROVE(span_sum((struct span){bytes, sizeof(bytes)}) ==
	      sum_one_by_one(bytes, sizeof(bytes)));
}

/**
 * name_is_terminated() is true when one of the 56 bytes is 0.
 * Bound: none.
 */
PROOF(name_is_terminated, 57)
{
	struct name name;
	bool has_end = false;

	for (size_t i = 0; i < sizeof(name); i++)
		has_end = has_end || name.text[i] == '\0';
	PROVE(name_is_terminated(&name) == has_end);
}

/* As strcmp() has it; a name without an end is nobody's. */
static bool same_one_by_one(const char *text, const struct name *name)
{
	for (size_t i = 0; i < sizeof(*name); i++) {
		if (text[i] != name->text[i])
			return false;
		if (text[i] == '\0')
			return true;
	}
	return false;
}

/**
 * name_measure() and name_is() compare two fields of a host as strcmp() would, and a field without
 * an end is equal to nothing.
 * Bound: none.
 */
PROOF(name_is, 57)
{
	struct name name, other;
	struct name_extent extent;
	bool is_equal = name_measure(other.text, &extent) && name_is(&name, other.text, &extent);

	if (is_equal)
		REACHED("the same");
	else
		REACHED("not the same");
	PROVE(is_equal == same_one_by_one(other.text, &name));
}

/**
 * They read no more of a name of ours than the words up to its end.
 * Bound: none: NAME() of 1 to 7 words.
 */
PROOF(name_is_own, 57)
{
	struct name name;
	struct name_extent extent;
	size_t size = (any_up_to(6) + 1) * 8, end = any_up_to(7);
	char *text = any_bytes(size);

	ASSUME(text[size - 8 + end] == '\0');
	PROVE(name_measure(text, &extent));
	bool is_equal = name_is(&name, text, &extent);
	REACHED("an answer");
	PROVE(is_equal == same_one_by_one(text, &name));
}
