/* SPDX-License-Identifier: BSD-2-Clause */
#include "memory.h"

#include "lib/memmap.c"

/* Entries of the maps that most proofs start from; a step adds two. */
#define ENTRIES 2

/* As memmap_add() promises. */
static enum memmap_type stands(enum memmap_type old, enum memmap_type new)
{
	if (old == NOTHING || old == MEMMAP_RAM)
		return new;
	return new != MEMMAP_RAM &&new > old ? new : old;
}

/**
 * memmap_add() leaves a map: sorted, without overlaps, no free RAM next to free RAM. Every address
 * in the range has the more restrictive type, and every other is as it was.
 * Bound: maps of 1 entry; any range, any type.
 */
PROOF(memmap_add, 4)
{
	struct memmap map = map_of(1), old = map;
	uint64_t start = any_u64(), size = any_u64(), address = any_u64(), end;
	enum memmap_type type = any_type();

	bool has_end = checked_add(start, size, &end);
	enum status status = memmap_add(&map, start, size, type);
	if (status != STATUS_OK) {
		REACHED("a refusal");
		PROVE(status == STATUS_OUT_OF_RANGE && !has_end);
		PROVE(map.count == old.count && type_at(&map, address) == type_at(&old, address));
		return;
	}
	REACHED("an addition");
	PROVE(has_end);
	PROVE(map.count <= 3);
	PROVE(is_map(&map));
	enum memmap_type before = type_at(&old, address);
	if (address >= start && address < end)
		PROVE(type_at(&map, address) == stands(before, type));
	else
		PROVE(type_at(&map, address) == before);
}

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

static struct memmap_request any_request(void)
{
	return (struct memmap_request){
		.size = any_u64(),
		.alignment = any_power_of_two(),
		.min = any_u64(),
		.max = any_u64(),
		.top_down = any_bool(),
		.type = MEMMAP_INITRD,
	};
}

/**
 * place() finds the lowest place in one range of free RAM that satisfies a request, or the highest,
 * and none only where there is none.
 * Bound: none.
 */
PROOF(memmap_place, 1)
{
	const struct memmap_request request = any_request();
	struct memmap map = {.count = 1, .entry[0] = {any_u64(), any_u64(), MEMMAP_RAM}};
	const struct memmap_entry *range = &map.entry[0];
	uint64_t before = any_u64(), start = before, other = any_u64();

	ASSUME(request.size > 0 && range->start < range->end);
	bool is_other = align_down(other, request.alignment) == other && other >= request.min &&
			other >= range->start && fits(other, request.size, range->end) &&
			fits(other, request.size, request.max);
	if (!place(&request, range->start, range->end, &start)) {
		REACHED("no place");
		PROVE(start == before && !is_other);
		return;
	}
	REACHED("a place");
	PROVE(align_down(start, request.alignment) == start);
	PROVE(start >= request.min && fits(start, request.size, request.max));
	PROVE(start >= range->start && fits(start, request.size, range->end));
	if (is_other)
		PROVE(request.top_down ? other <= start : other >= start);
}

/**
 * memmap_alloc() claims a place that satisfies the request; what it gives was free RAM, and nothing
 * besides has changed.
 * Bound: maps of 1 entry; any request.
 */
PROOF(memmap_alloc, 4)
{
	const struct memmap_request request = any_request();
	uint64_t before = any_u64(), start = before;
	struct memmap map = map_of(1), old = map;

	ASSUME(request.size > 0);
	enum status status = memmap_alloc(&map, &request, &start);
	if (status == STATUS_OK) {
		REACHED("a place");
		PROVE(align_down(start, request.alignment) == start && start >= request.min);
		PROVE(fits(start, request.size, request.max));
		prove_changed(&map, &old, start, request.size, MEMMAP_RAM, MEMMAP_INITRD);
	} else {
		REACHED("no place");
		PROVE(start == before && status == STATUS_NO_MEMORY);
		prove_unchanged(&map, &old);
	}
}

/**
 * memmap_alloc_low() claims free RAM in our part of low memory, or between 1 MiB and 4 GiB.
 * Bound: maps of 1 entry; any size and alignment.
 */
PROOF(memmap_alloc_low, 4)
{
	uint64_t size = any_u64(), alignment = any_power_of_two(), start;
	struct memmap map = map_of(1), old = map;

	ASSUME(size > 0);
	if (memmap_alloc_low(&map, size, alignment, MEMMAP_BOOT_DATA, &start) != STATUS_OK) {
		REACHED("no place");
		prove_unchanged(&map, &old);
		return;
	}
	REACHED("a place");
	PROVE(align_down(start, alignment) == start);
	PROVE((start >= MEMMAP_LOW_START && fits(start, size, MEMMAP_LOW_END)) ||
	      (start >= 0x100000 && fits(start, size, MEMMAP_4G)));
	prove_changed(&map, &old, start, size, MEMMAP_RAM, MEMMAP_BOOT_DATA);
}

/**
 * memmap_export() writes no more than its caller has room for, and says of every address what the
 * map does, claimed memory being RAM.
 * Bound: maps of 0 to 3 entries, room for 0 to 3.
 */
PROOF(memmap_export, 4)
{
	struct memmap map = any_map(3), written;
	size_t max = any_up_to(3), count, i = any_up_to(2);
	uint64_t address = any_u64(), behind = written.entry[i].start;

	enum status status = memmap_export(&map, written.entry, max, &count);
	if (i >= max)
		PROVE(written.entry[i].start == behind);
	if (status != STATUS_OK) {
		REACHED("too many");
		PROVE(map.count > max);
		return;
	}
	REACHED("an export");
	PROVE(count <= max);
	written.count = count;
	PROVE(is_map(&written));
	PROVE(type_at(&written, address) == memmap_type_for_kernel(type_at(&map, address)));
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
