/* SPDX-License-Identifier: BSD-2-Clause */
#include "memory.h"

#include <string.h>

#include "lib/checked.h"

void memory_add(struct memory *memory, struct memmap *map, uint64_t start, uint64_t size,
		enum memmap_type type)
{
	uint64_t end;
	enum status status = memmap_add(map, start, size, type);

	if (!checked_add(start, size, &end)) {
		REQUIRE(status == STATUS_OUT_OF_RANGE);
		return;
	}
	REQUIRE(status == STATUS_OK && memory->ranges < MEMORY_RANGES_MAX);
	if (size != 0)
		memory->range[memory->ranges++] = (struct memory_range){start, end, type};
}

void memory_read(struct input *input, struct memory *ret_memory, struct memmap *map)
{
	static const unsigned unit_shifts[] = {0, 12, 20, 32};

	memset(ret_memory, 0, sizeof(*ret_memory));
	memmap_init(map);
	for (unsigned i = 0; i < MEMORY_RANGES_MAX && input->left > 0; i++) {
		uint8_t kind = input_byte(input);
		unsigned shift = unit_shifts[kind >> 3 & 3];
		uint64_t start = input_number(input, 4) << shift;
		uint64_t size = input_number(input, 4) << shift;
		memory_add(ret_memory, map, start, size, (kind & 7) == 0 ? MEMMAP_RAM : kind & 7);
	}
}

static bool is_in(const struct memory_range *range, uint64_t address)
{
	return address >= range->start && address < range->end;
}

enum memmap_type memory_type(const struct memory *memory, uint64_t address)
{
	enum memmap_type type = 0;

	/* RAM has the lowest number. */
	for (unsigned i = 0; i < memory->ranges; i++) {
		if (is_in(&memory->range[i], address) && memory->range[i].type > type)
			type = memory->range[i].type;
	}
	return type;
}

static enum memmap_type type_now(const struct memory *memory, uint64_t address)
{
	for (unsigned i = 0; i < memory->taken; i++) {
		if (is_in(&memory->take[i], address))
			return memory->take[i].type;
	}
	return memory_type(memory, address);
}

void memory_take(struct memory *memory, uint64_t start, uint64_t size, enum memmap_type type)
{
	struct memory_range taken = {start, 0, type};

	REQUIRE(size > 0 && checked_add(start, size, &taken.end));
	REQUIRE(memory_type(memory, start) == MEMMAP_RAM);
	for (unsigned i = 0; i < memory->ranges; i++) {
		const struct memory_range *range = &memory->range[i];
		/* Where one starts or ends inside, it is RAM on the other side as well. */
		REQUIRE(!is_in(&taken, range->start) || range->type == MEMMAP_RAM);
		REQUIRE(!is_in(&taken, range->end) ||
			memory_type(memory, range->end) == MEMMAP_RAM);
	}
	for (unsigned i = 0; i < memory->taken; i++)
		REQUIRE(taken.start >= memory->take[i].end || memory->take[i].start >= taken.end);
	REQUIRE(memory->taken < MEMORY_TAKEN_MAX);
	memory->take[memory->taken++] = taken;
}

static enum memmap_type type_in(const struct memmap_entry *entries, size_t count, uint64_t address)
{
	for (size_t i = 0; i < count; i++) {
		if (address >= entries[i].start && address < entries[i].end)
			return entries[i].type;
	}
	return 0;
}

/* Both sides are constant between the places where one of them changes. */
static void compare(const struct memory *memory, const struct memmap_entry *entries, size_t count,
		    enum memmap_type (*type_at)(const struct memory *memory, uint64_t address))
{
	for (size_t i = 0; i < count; i++) {
		REQUIRE(entries[i].start < entries[i].end);
		REQUIRE(i == 0 || entries[i].start >= entries[i - 1].end);
		REQUIRE(entries[i].type == type_at(memory, entries[i].start));
		REQUIRE(type_in(entries, count, entries[i].end) == type_at(memory, entries[i].end));
	}
	for (unsigned i = 0; i < memory->ranges + memory->taken; i++) {
		const struct memory_range *range =
			i < memory->ranges ? &memory->range[i] : &memory->take[i - memory->ranges];
		REQUIRE(type_in(entries, count, range->start) == type_at(memory, range->start));
		REQUIRE(type_in(entries, count, range->end) == type_at(memory, range->end));
	}
}

void memory_check(const struct memory *memory, const struct memmap *map)
{
	compare(memory, map->entry, map->count, type_now);
}

void memory_check_for_kernel(const struct memory *memory, const struct memmap_entry *entries,
			     size_t count)
{
	compare(memory, entries, count, memory_type);
}
