/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LIB_SPAN_H
#define LIB_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/checked.h"
#include "lib/status.h"

/** Bytes in our own memory, with their number. */
struct span {
	const uint8_t *bytes;
	size_t size;
};

/**
 * Copies @length bytes at @offset out of @span. Wire structs are copied out
 * before they are checked, since the host may change them in between.
 */
MUST_CHECK static inline bool span_read(struct span span, uint64_t offset, size_t length,
					void *ret_copy)
{
	if (!fits(offset, length, span.size))
		return false;
	memcpy(ret_copy, span.bytes + offset, length);
	return true;
}

/** Sum of all bytes modulo 256: 0 over a whole ACPI or SMBIOS structure. */
uint8_t span_sum(struct span span);

/** What a checksum byte of 0 has to become for the sum of @size bytes to be 0. */
static inline uint8_t span_checksum(const void *bytes, size_t size)
{
	return (uint8_t)-span_sum((struct span){bytes, size});
}

#endif
