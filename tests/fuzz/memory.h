/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_FUZZ_MEMORY_H
#define TESTS_FUZZ_MEMORY_H

#include <stdbool.h>

#include "fuzz.h"
#include "lib/memmap.h"

/*
 * Physical memory as an input describes it, kept apart from the map that is under test, and what
 * has been taken of it.
 */

/** What a host said of a range. */
struct memory_range {
	uint64_t start;
	uint64_t end;
	enum memmap_type type;
};

#define MEMORY_RANGES_MAX 24
#define MEMORY_TAKEN_MAX  64
#define MEMORY_KEPT_MAX   64 /* for a target's own use */

struct memory {
	unsigned ranges;
	struct memory_range range[MEMORY_RANGES_MAX + MEMORY_KEPT_MAX];
	unsigned taken;
	struct memory_range take[MEMORY_TAKEN_MAX];
};

/**
 * Reads ranges up to the end of the input, 9 bytes each: a byte with the type (bits 0 to 2) and
 * the unit (bits 3 and 4: a byte, a page, a MiB, 4 GiB), start and size. They are in @ret_memory
 * and, as memmap_add() takes them, in @map.
 */
void memory_read(struct input *input, struct memory *ret_memory, struct memmap *map);

/** The same for one range, which is left out when it wraps. */
void memory_add(struct memory *memory, struct memmap *map, uint64_t start, uint64_t size,
		enum memmap_type type);

/** What the host's ranges make of @address: the most restrictive type, or 0 for no memory. */
enum memmap_type memory_type(const struct memory *memory, uint64_t address);

/** Requires that [start, start + size) is RAM and not taken, and takes it. */
void memory_take(struct memory *memory, uint64_t start, uint64_t size, enum memmap_type type);

/**
 * Requires that @map is sorted, without overlaps, and tells the same of every address as the
 * host's ranges and what was taken.
 */
void memory_check(const struct memory *memory, const struct memmap *map);

/** The same for a map as the kernel gets it: what was taken is RAM. */
void memory_check_for_kernel(const struct memory *memory, const struct memmap_entry *entries,
			     size_t count);

#endif
