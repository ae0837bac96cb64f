/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/memmap.h"

#include "lib/attributes.h"
#include "lib/check.h"
#include "lib/checked.h"

void memmap_init(struct memmap *map)
{
	map->count = 0;
}

/* Moves the entries from @at on by @count places. The caller has checked that there is room. */
static inline void make_room(struct memmap *map, size_t at, size_t count)
{
	struct memmap_entry *first = &map->entry[at];

	for (struct memmap_entry *entry = &map->entry[map->count]; entry > first;) {
		entry--;
		entry[count] = *entry;
	}
	map->count += count;
}

/* Adds an entry at @at, likewise. */
static void insert(struct memmap *map, size_t at, uint64_t start, uint64_t end,
		   enum memmap_type type)
{
	make_room(map, at, 1);
	map->entry[at] = (struct memmap_entry){start, end, type};
}

static inline bool is_continued(const struct memmap_entry *entry, const struct memmap_entry *next)
{
	return entry->end == next->start && entry->type == next->type;
}

static void merge_neighbours(struct memmap *map)
{
	const struct memmap_entry *end = &map->entry[map->count];
	struct memmap_entry *last = map->entry;
	struct memmap_entry *next = last + 1;

	/* Most often there is nothing to merge. */
	for (; next < end && !is_continued(last, next); next++)
		last = next;
	for (; next < end; next++) {
		if (is_continued(last, next)) {
			last->end = next->end;
			map->count--;
		} else {
			*++last = *next;
		}
	}
}

/* Gives [start, end), which lies inside entry @at, the type @type. */
static void carve(struct memmap *map, size_t at, uint64_t start, uint64_t end,
		  enum memmap_type type)
{
	struct memmap_entry *entry = &map->entry[at];
	size_t after = entry->end > end ? 1 : 0;

	if (entry->start < start) {
		/* The old entry twice or three times, of which each keeps its part. */
		make_room(map, at, 1 + after);
		entry->end = start;
		entry[1 + after].start = end;
		entry++;
	} else if (after != 0) {
		make_room(map, at, 1);
		entry[1].start = end;
	}
	*entry = (struct memmap_entry){start, end, type};
}

static bool more_restrictive(enum memmap_type new, enum memmap_type old)
{
	if (new == MEMMAP_RAM)
		return false;
	return old == MEMMAP_RAM || new > old;
}

static inline size_t first_ending_after(const struct memmap *map, uint64_t address)
{
	size_t at = 0;

	while (at < map->count && map->entry[at].end <= address)
		at++;
	return at;
}

enum status memmap_add(struct memmap *map, uint64_t start, uint64_t size, enum memmap_type type)
{
	uint64_t end;

	if (size == 0)
		return STATUS_OK;
	if (!checked_add(start, size, &end))
		return STATUS_OUT_OF_RANGE;
	for (uint64_t from = start; from < end;) {
		/* Two entries more is the most that one step adds. */
		if (map->count > MEMMAP_ENTRIES_MAX - 2)
			return STATUS_TOO_LARGE;
		size_t at = first_ending_after(map, from);
		const struct memmap_entry *next = at < map->count ? &map->entry[at] : NULL;
		uint64_t to = end;
		if (next == NULL || next->start > from) {
			if (next != NULL && next->start < end)
				to = next->start;
			insert(map, at, from, to, type);
		} else {
			if (next->end < end)
				to = next->end;
			if (more_restrictive(type, next->type))
				carve(map, at, from, to, type);
		}
		from = to;
	}
	merge_neighbours(map);
	return STATUS_OK;
}

/* Gives [start, start + size) of one entry, which is @from, the type @to. */
static enum status change(struct memmap *map, uint64_t start, uint64_t size, enum memmap_type from,
			  enum memmap_type to)
{
	uint64_t end;

	CHECK(size > 0);
	if (!checked_add(start, size, &end))
		return STATUS_OUT_OF_RANGE;
	size_t at = first_ending_after(map, start);
	if (at == map->count || map->entry[at].start > start || map->entry[at].end < end ||
	    map->entry[at].type != from)
		return STATUS_OVERLAP;
	if (map->count > MEMMAP_ENTRIES_MAX - 2)
		return STATUS_TOO_LARGE;
	carve(map, at, start, end, to);
	return STATUS_OK;
}

enum status memmap_claim(struct memmap *map, uint64_t start, uint64_t size, enum memmap_type type)
{
	return change(map, start, size, MEMMAP_RAM, type);
}

SELDOM enum status memmap_keep(struct memmap *map, uint64_t start, uint64_t size)
{
	return change(map, start, size, MEMMAP_FIRMWARE, MEMMAP_RESERVED);
}

/* The start that @request would get inside free RAM [start, end). */
static bool place(const struct memmap_request *request, uint64_t start, uint64_t end,
		  uint64_t *ret_start)
{
	if (start < request->min)
		start = request->min;
	if (end > request->max)
		end = request->max;
	if (!checked_align_up(start, request->alignment, &start))
		return false;
	if (start >= end || end - start < request->size)
		return false;
	*ret_start =
		request->top_down ? align_down(end - request->size, request->alignment) : start;
	return true;
}

enum status memmap_alloc(struct memmap *map, const struct memmap_request *request,
			 uint64_t *ret_start)
{
	CHECK(request->size > 0 && is_power_of_two(request->alignment));
	size_t at = request->top_down ? map->count - 1 : 0;
	for (size_t left = map->count; left > 0; left--, at += request->top_down ? (size_t)-1 : 1) {
		const struct memmap_entry *entry = &map->entry[at];
		uint64_t start;
		if (entry->type != MEMMAP_RAM || !place(request, entry->start, entry->end, &start))
			continue;
		if (map->count > MEMMAP_ENTRIES_MAX - 2)
			return STATUS_TOO_LARGE;
		carve(map, at, start, start + request->size, request->type);
		*ret_start = start;
		return STATUS_OK;
	}
	return STATUS_NO_MEMORY;
}

enum status memmap_alloc_low(struct memmap *map, uint64_t size, uint64_t alignment,
			     enum memmap_type type, uint64_t *ret_start)
{
	struct memmap_request request = {
		.size = size,
		.alignment = alignment,
		.min = MEMMAP_LOW_START,
		.max = MEMMAP_LOW_END,
		.type = type,
	};

	enum status status = memmap_alloc(map, &request, ret_start);
	if (status != STATUS_NO_MEMORY)
		return status;
	request.min = 0x100000;
	request.max = MEMMAP_4G;
	request.top_down = true;
	return memmap_alloc(map, &request, ret_start);
}

SELDOM uint64_t memmap_ram_end(const struct memmap *map, uint64_t limit)
{
	for (size_t i = map->count; i > 0; i--) {
		const struct memmap_entry *entry = &map->entry[i - 1];
		if (entry->start < limit && memmap_type_for_kernel(entry->type) == MEMMAP_RAM)
			return entry->end;
	}
	return 0;
}

SELDOM enum status memmap_export(const struct memmap *map, struct memmap_entry *entries, size_t max,
				 size_t *ret_count)
{
	struct memmap_entry range;
	size_t count = 0;

	for (size_t at = 0; memmap_next(map, &at, &range);) {
		if (count == max)
			return STATUS_TOO_LARGE;
		entries[count++] = range;
	}
	*ret_count = count;
	return STATUS_OK;
}
