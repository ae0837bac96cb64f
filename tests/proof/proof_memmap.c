/* SPDX-License-Identifier: BSD-2-Clause */
#include "memory.h"

#include "lib/memmap.c"

/* Entries of the maps that most proofs start from; a step adds two. */
#define ENTRIES 2

/* What a change of [@start, @start + @size) from one type to another does. */
static void prove_changed(const struct memmap *map, const struct memmap *old, uint64_t start,
			  uint64_t size, enum memmap_type from, enum memmap_type to)
{
	uint64_t address = any_u64();

	PROVE(is_map(map));
	PROVE(size <= UINT64_MAX - start);
	if (address >= start && address - start < size) {
		PROVE(type_at(old, address) == from);
		PROVE(type_at(map, address) == to);
	} else {
		PROVE(type_at(map, address) == type_at(old, address));
	}
}

/* When nothing more may be put in. */
static bool is_full(const struct memmap *map)
{
	return map->count > MEMMAP_ENTRIES_MAX - 2;
}

static void prove_unchanged(const struct memmap *map, const struct memmap *old)
{
	uint64_t address = any_u64();

	PROVE(map->count == old->count);
	PROVE(type_at(map, address) == type_at(old, address));
}

/**
 * memmap_claim() claims free RAM and nothing else, and changes nothing besides; a range that is
 * free is never refused.
 * Bound: maps of 0 to 2 entries; any range.
 */
PROOF(memmap_claim, 6)
{
	struct memmap map = any_map(ENTRIES), old = map;
	uint64_t start = any_u64(), size = any_u64();

	ASSUME(size > 0);
	enum status status = memmap_claim(&map, start, size, MEMMAP_KERNEL);
	if (status == STATUS_OK) {
		REACHED("a claim");
		prove_changed(&map, &old, start, size, MEMMAP_RAM, MEMMAP_KERNEL);
	} else {
		REACHED("a refusal");
		PROVE(status != STATUS_TOO_LARGE && !is_free(&old, start, size));
		prove_unchanged(&map, &old);
	}
}

/**
 * memmap_keep() makes what the firmware has claimed reserved, and changes nothing besides.
 * Bound: maps of 0 to 2 entries; any range.
 */
PROOF(memmap_keep, 6)
{
	struct memmap map = any_map(ENTRIES), old = map;
	uint64_t start = any_u64(), size = any_u64();

	ASSUME(size > 0);
	if (memmap_keep(&map, start, size) == STATUS_OK) {
		REACHED("a change");
		prove_changed(&map, &old, start, size, MEMMAP_FIRMWARE, MEMMAP_RESERVED);
	} else {
		REACHED("a refusal");
		prove_unchanged(&map, &old);
	}
}

/**
 * No address at or above memmap_ram_end() is RAM of an entry that starts below the limit.
 * Bound: maps of 0 to 4 entries, any limit.
 */
PROOF(memmap_ram_end, 6)
{
	uint64_t limit = any_u64(), address = any_u64();
	struct memmap map = any_map(MEMMAP_ENTRIES_MAX);

	uint64_t end = memmap_ram_end(&map, limit);
	REACHED("an end");
	PROVE(end == 0 || memmap_type_for_kernel(type_at(&map, end - 1)) == MEMMAP_RAM);
	if (address >= end && address < limit)
		PROVE(memmap_type_for_kernel(type_at(&map, address)) != MEMMAP_RAM);
}

/**
 * A full map is not written behind its end by memmap_add() and memmap_claim().
 * Bound: maps of 3 and 4 entries, of which 4 is all there is room for; any range, any type.
 */
PROOF(memmap_full, 6)
{
	struct memmap map = any_map(MEMMAP_ENTRIES_MAX);
	enum status status;

	ASSUME(is_full(&map));
	size_t before = map.count;
	if (any_bool()) {
		status = memmap_add(&map, any_u64(), any_u64(), any_type());
	} else {
		uint64_t size = any_u64();
		ASSUME(size > 0);
		status = memmap_claim(&map, any_u64(), size, MEMMAP_KERNEL);
		PROVE(status != STATUS_OK);
	}
	if (status == STATUS_TOO_LARGE)
		REACHED("a refusal");
	PROVE(map.count <= before);
}
