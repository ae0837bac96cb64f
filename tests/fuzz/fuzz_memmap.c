/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "fuzz.h"
#include "lib/check.h"
#include "lib/checked.h"
#include "memory.h"

/*
 * A map of memory: a byte with the number of operations, one with the entries that an export may
 * have, one with the entries that are still free, the operations with 12 bytes each, and then
 * what the host says of memory (tests/fuzz/memory.h). What the map gives away was free RAM, it says
 * no only where there is none, and at every address it tells what the host said.
 */

enum operations {
	CLAIM,     /* as a range of memory.h */
	ALLOC,     /* size, alignment, bounds */
	ALLOC_LOW, /* size, alignment */
	KEEP,      /* a part of what was claimed */
	OPERATIONS,
};

#define OPERATIONS_MAX 16
#define ALIGNMENTS     40 /* powers of two */
#define FILL_START     (1ul << 60)

static struct memmap map, before;
static struct memory memory;
static size_t filled; /* entries at the end, which are there to take room */

_Noreturn void check_failed(const char *what)
{
	fuzz_failed(__FILE__, __LINE__, what);
}

static void check_unchanged(void)
{
	REQUIRE(map.count == before.count);
	for (size_t i = 0; i < map.count; i++)
		REQUIRE(map.entry[i].start == before.entry[i].start &&
			map.entry[i].end == before.entry[i].end &&
			map.entry[i].type == before.entry[i].type);
}

static void check_map(void)
{
	struct memmap view = map;

	REQUIRE(map.count <= MEMMAP_ENTRIES_MAX && map.count >= filled);
	view.count -= filled;
	for (size_t i = 0; i < filled; i++)
		REQUIRE(map.entry[view.count + i].start == FILL_START + 2 * i * PAGE_SIZE);
	memory_check(&memory, &view);
}

/* Where no range of the host's is. */
static void fill(size_t left)
{
	filled = 0;
	for (unsigned i = 0; i < memory.ranges; i++) {
		if (memory.range[i].end > FILL_START)
			return;
	}
	for (; map.count + left < MEMMAP_ENTRIES_MAX; filled++) {
		uint64_t start = FILL_START + 2 * filled * PAGE_SIZE;
		map.entry[map.count++] =
			(struct memmap_entry){start, start + PAGE_SIZE, MEMMAP_RESERVED};
	}
	if (map.count > MEMMAP_ENTRIES_MAX - 2)
		REQUIRE(memmap_add(&map, FILL_START / 2, 1, MEMMAP_RAM) == STATUS_TOO_LARGE);
}

static bool is_full(void)
{
	return before.count > MEMMAP_ENTRIES_MAX - 2;
}

/* Whether free RAM starts or goes on where @request could be. */
static bool has_place(const struct memmap_request *request, uint64_t *ret_lowest,
		      uint64_t *ret_highest)
{
	bool found = false;

	for (size_t i = 0; i < before.count; i++) {
		const struct memmap_entry *entry = &before.entry[i];
		uint64_t start = entry->start > request->min ? entry->start : request->min;
		uint64_t end = entry->end < request->max ? entry->end : request->max;
		if (entry->type != MEMMAP_RAM ||
		    !checked_align_up(start, request->alignment, &start) || start >= end ||
		    end - start < request->size)
			continue;
		if (!found)
			*ret_lowest = start;
		*ret_highest = align_down(end - request->size, request->alignment);
		found = true;
	}
	return found;
}

static void alloc(const struct memmap_request *request)
{
	uint64_t start = 0, lowest, highest;
	enum status status = memmap_alloc(&map, request, &start);

	if (!has_place(request, &lowest, &highest)) {
		REQUIRE(status == STATUS_NO_MEMORY);
		check_unchanged();
		return;
	}
	REQUIRE(status == (is_full() ? STATUS_TOO_LARGE : STATUS_OK));
	if (status != STATUS_OK)
		return;
	REQUIRE(start == (request->top_down ? highest : lowest));
	REQUIRE(start % request->alignment == 0 && start >= request->min);
	REQUIRE(fits(start, request->size, request->max));
	memory_take(&memory, start, request->size, request->type);
}

static void alloc_low(uint64_t size, uint64_t alignment)
{
	uint64_t start;

	if (memmap_alloc_low(&map, size, alignment, MEMMAP_BOOT_DATA, &start) != STATUS_OK) {
		check_unchanged();
		return;
	}
	REQUIRE(start % alignment == 0);
	REQUIRE(start >= 0x100000 ? fits(start, size, MEMMAP_4G)
				  : start >= MEMMAP_LOW_START && fits(start, size, MEMMAP_LOW_END));
	memory_take(&memory, start, size, MEMMAP_BOOT_DATA);
}

static void claim(uint64_t start, uint64_t size)
{
	if (memmap_claim(&map, start, size, MEMMAP_FIRMWARE) == STATUS_OK)
		memory_take(&memory, start, size, MEMMAP_FIRMWARE);
	else
		check_unchanged();
}

/* The second half of what was taken, for good. */
static void keep(unsigned which)
{
	if (memory.taken == 0 || memory.taken == MEMORY_TAKEN_MAX)
		return;
	struct memory_range *whole = &memory.take[which % memory.taken];
	uint64_t middle = whole->start + (whole->end - whole->start) / 2;
	enum status status = memmap_keep(&map, middle, whole->end - middle);
	REQUIRE(status == (whole->type != MEMMAP_FIRMWARE ? STATUS_OVERLAP
			   : is_full()                    ? STATUS_TOO_LARGE
							  : STATUS_OK));
	if (status != STATUS_OK) {
		check_unchanged();
		return;
	}
	memory.take[memory.taken++] = (struct memory_range){middle, whole->end, MEMMAP_RESERVED};
	if (middle > whole->start)
		whole->end = middle;
	else
		*whole = memory.take[--memory.taken];
}

static void operate(struct input *input)
{
	unsigned what = input_byte(input) % OPERATIONS;
	unsigned kind = input_byte(input);
	unsigned shift = (kind & 3) * 10;
	uint64_t alignment = 1ul << input_byte(input) % ALIGNMENTS;
	uint64_t size = (input_number(input, 3) + 1) << shift;
	uint64_t min = input_number(input, 3) << shift;
	uint64_t max = input_number(input, 3) << shift;

	before = map;
	if (what == ALLOC) {
		const struct memmap_request request = {
			.size = size,
			.alignment = alignment,
			.min = min,
			.max = (kind & 4) != 0 ? ~0ul : max,
			.top_down = (kind & 8) != 0,
			.type = MEMMAP_KERNEL,
		};
		alloc(&request);
	} else if (what == ALLOC_LOW) {
		alloc_low(size, alignment);
	} else if (what == CLAIM) {
		claim((kind & 4) != 0 ? ~min : min, size);
	} else {
		keep(kind);
	}
}

static void check_export(size_t max)
{
	struct memmap_entry entries[MEMMAP_ENTRIES_MAX];
	struct memmap_entry end = {1, 2, 3};
	size_t count = 0;

	entries[max] = end;
	enum status status = memmap_export(&map, entries, max, &count);
	REQUIRE(entries[max].start == end.start && entries[max].end == end.end &&
		entries[max].type == end.type);
	if (status != STATUS_OK) {
		REQUIRE(status == STATUS_TOO_LARGE && map.count > max && count == 0);
		return;
	}
	REQUIRE(count <= max && count <= map.count);
	for (size_t i = 1; i < count; i++)
		REQUIRE(entries[i].start > entries[i - 1].end ||
			entries[i].type != entries[i - 1].type);
	for (size_t i = 0; i < count; i++)
		REQUIRE(entries[i].type < MEMMAP_FIRMWARE);
	/* What is kept from the kernel is the only difference to what the host said. */
	for (unsigned i = 0; i < memory.taken; i++) {
		if (memory.take[i].type != MEMMAP_RESERVED)
			continue;
		REQUIRE(memory.ranges < MEMORY_RANGES_MAX + MEMORY_KEPT_MAX);
		memory.range[memory.ranges++] = memory.take[i];
	}
	memory_check_for_kernel(&memory, entries, count - filled);
}

static void check_end(uint64_t limit)
{
	uint64_t end = memmap_ram_end(&map, limit);
	bool found = false;

	for (size_t i = 0; i < map.count; i++) {
		if (memmap_type_for_kernel(map.entry[i].type) != MEMMAP_RAM ||
		    map.entry[i].start >= limit)
			continue;
		REQUIRE(map.entry[i].end <= end);
		found |= map.entry[i].end == end;
	}
	REQUIRE(found || end == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct input input = {bytes, size};
	size_t operations = input_byte(&input) % (OPERATIONS_MAX + 1);
	size_t max = input_byte(&input) % (MEMMAP_ENTRIES_MAX - 1);
	size_t left = input_byte(&input);

	if (input.left < operations * 12)
		return 0;
	struct input list = {input.at, operations * 12};
	input.at += list.left;
	input.left -= list.left;
	memory_read(&input, &memory, &map);
	fill(left);
	check_map();
	check_end(left * 0x1234567ul);
	for (size_t i = 0; i < operations; i++) {
		operate(&list);
		check_map();
	}
	check_end(MEMMAP_4G);
	check_export(max);
	return 0;
}
