/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LIB_CHECKED_H
#define LIB_CHECKED_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/status.h"

/* Arithmetic on numbers from the host. Each returns false, and leaves *ret_value
 * untouched, when the exact result does not fit. */

MUST_CHECK static inline bool checked_add(uint64_t a, uint64_t b, uint64_t *ret_value)
{
	uint64_t value;

	if (__builtin_add_overflow(a, b, &value))
		return false;
	*ret_value = value;
	return true;
}

static inline bool is_power_of_two(uint64_t value)
{
	return value != 0 && (value & (value - 1)) == 0;
}

/** Rounds @value down to a multiple of @alignment, a power of two. */
static inline uint64_t align_down(uint64_t value, uint64_t alignment)
{
	return value & ~(alignment - 1);
}

/** Rounds @value up to a multiple of @alignment, a power of two. */
MUST_CHECK static inline bool checked_align_up(uint64_t value, uint64_t alignment,
					       uint64_t *ret_value)
{
	uint64_t sum;

	if (!checked_add(value, alignment - 1, &sum))
		return false;
	*ret_value = align_down(sum, alignment);
	return true;
}

/** Whether @length bytes from @offset lie within @size bytes. */
static inline bool fits(uint64_t offset, uint64_t length, uint64_t size)
{
	return offset <= size && length <= size - offset;
}

/** The same for numbers of 32 bits, the sum of which is always one of 64. */
static inline bool fits32(uint32_t offset, uint32_t length, uint64_t size)
{
	return (uint64_t)offset + length <= size;
}

#endif
