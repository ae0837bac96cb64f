/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROOF_MEMORY_H
#define PROOF_MEMORY_H

/* So few, that a map can be full. */
#ifndef MEMMAP_ENTRIES_MAX
#define MEMMAP_ENTRIES_MAX 4
#endif

#include "lib/memmap.h"
#include "proof.h"

/*
 * Maps of memory, and what is said of them: for every address at once, since an arbitrary one
 * stands for all.
 */

/** What type_at() has of an address that is in no entry. */
#define NOTHING 0

static inline enum memmap_type any_type(void)
{
	enum memmap_type type = (enum memmap_type)any_up_to(MEMMAP_BOOT_DATA);

	ASSUME(type >= MEMMAP_RAM);
	return type;
}

/** What memmap.h promises of a map. */
static inline bool is_map(const struct memmap *map)
{
	for (size_t i = 0; i < map->count; i++) {
		const struct memmap_entry *entry = &map->entry[i];
		if (entry->start >= entry->end || entry->type < MEMMAP_RAM)
			return false;
		if (i == 0)
			continue;
		const struct memmap_entry *last = &map->entry[i - 1];
		if (last->end > entry->start)
			return false;
		if (last->end == entry->start && last->type == MEMMAP_RAM &&
		    entry->type == MEMMAP_RAM)
			return false;
	}
	return true;
}

/** A map of up to @max entries. */
static inline struct memmap any_map(size_t max)
{
	struct memmap map;

	ASSUME(map.count <= max);
	ASSUME(is_map(&map));
	return map;
}

/** A map of @count entries. CBMC is faster where it knows the number. */
static inline struct memmap map_of(size_t count)
{
	struct memmap map;

	map.count = count;
	ASSUME(is_map(&map));
	return map;
}

static inline enum memmap_type type_at(const struct memmap *map, uint64_t address)
{
	for (size_t i = 0; i < map->count; i++) {
		if (address >= map->entry[i].start && address < map->entry[i].end)
			return map->entry[i].type;
	}
	return NOTHING;
}

/** Whether one entry, free RAM, has all of @size bytes, which are not none. */
static inline bool is_free(const struct memmap *map, uint64_t start, uint64_t size)
{
	for (size_t i = 0; i < map->count; i++) {
		const struct memmap_entry *entry = &map->entry[i];
		if (entry->type == MEMMAP_RAM && start >= entry->start && start < entry->end &&
		    size <= entry->end - start)
			return true;
	}
	return false;
}

#endif
