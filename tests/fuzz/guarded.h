/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_FUZZ_GUARDED_H
#define TESTS_FUZZ_GUARDED_H

#include <string.h>
#include <sys/mman.h>

#include "fuzz.h"

#define GUARDED_PAGE 0x1000ul

/*
 * Memory that ends where a page begins that nobody can touch: for code that no sanitizer has
 * seen, as that of libraries.
 */
struct guarded {
	uint8_t *start;
	size_t capacity;
};

/** Room for @capacity bytes, whole pages, made once. */
static inline void guarded_make(struct guarded *memory, size_t capacity)
{
	if (memory->start != NULL)
		return;
	uint8_t *start = mmap(NULL, capacity + 2 * GUARDED_PAGE, PROT_NONE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	REQUIRE(start != MAP_FAILED);
	REQUIRE(mprotect(start + GUARDED_PAGE, capacity, PROT_READ | PROT_WRITE) == 0);
	memory->start = start + GUARDED_PAGE;
	memory->capacity = capacity;
}

/**
 * Its last @size bytes. Before them lies @mark, at least a page of it, unless @size is
 * nearly the capacity.
 */
static inline uint8_t *guarded_end(const struct guarded *memory, size_t size, int mark)
{
	REQUIRE(size <= memory->capacity);
	size_t before = memory->capacity - size;

	if (before > GUARDED_PAGE)
		before = GUARDED_PAGE;
	uint8_t *start = memory->start + memory->capacity - size;
	memset(start - before, mark, before);
	return start;
}

/** Requires that @mark is still before its last @size bytes. */
static inline void guarded_check(const struct guarded *memory, size_t size, int mark)
{
	const uint8_t *start = memory->start + memory->capacity - size;
	size_t before = memory->capacity - size;

	for (size_t i = 1; i <= before && i <= GUARDED_PAGE; i++)
		REQUIRE(start[-(ptrdiff_t)i] == mark);
}

#endif
