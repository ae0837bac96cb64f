/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LIB_MEMMAP_H
#define LIB_MEMMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/status.h"

/**
 * What a range of physical memory is. The values up to 0x7f are those of the
 * e820 interface (ACPI 6.5, table 15.4). Those above are RAM that we gave a
 * purpose during the boot: nobody else may have it while we run, and the kernel
 * sees RAM.
 */
enum memmap_type {
	MEMMAP_RAM = 1,
	MEMMAP_RESERVED = 2,
	MEMMAP_ACPI = 3,
	MEMMAP_NVS = 4,
	MEMMAP_UNUSABLE = 5,
	MEMMAP_PERSISTENT = 7,

	MEMMAP_FIRMWARE = 0x80, /**< our image, stack, page tables and scratch buffers */
	MEMMAP_KERNEL = 0x81,   /**< from the load address to the end of init_size */
	MEMMAP_INITRD = 0x82,
	MEMMAP_BOOT_DATA = 0x83, /**< what the kernel is told to read: boot_params, command line */
};

struct memmap_entry {
	uint64_t start;
	uint64_t end; /**< first byte after the range; greater than start */
	enum memmap_type type;
};

/** What the kernel shall take memory of @type for: what we gave a purpose is free again. */
static inline enum memmap_type memmap_type_for_kernel(enum memmap_type type)
{
	return type >= MEMMAP_FIRMWARE ? MEMMAP_RAM : type;
}

/* A proof takes a smaller one, and finds the ends of the map the same. */
#ifndef MEMMAP_ENTRIES_MAX
#define MEMMAP_ENTRIES_MAX 192
#endif

/*
 * Below this part of low memory is what a VMM may have left for us or for the
 * kernel (start_info, memory map, command line, hash block); above it are the kernel's
 * own trampoline and the EBDA.
 */
#define MEMMAP_LOW_START 0x30000
#define MEMMAP_LOW_END   0x98000
#define MEMMAP_4G        0x100000000ul

#define PAGE_SIZE 0x1000ul

/** Physical memory: sorted and without overlaps; free RAM is never next to free RAM. */
struct memmap {
	size_t count;
	struct memmap_entry entry[MEMMAP_ENTRIES_MAX];
};

void memmap_init(struct memmap *map);

/**
 * Adds what a host says of [start, start + size). Where it overlaps what is
 * known, the more restrictive type stands: RAM loses against everything else,
 * and of two others the higher number wins. An empty range is ignored.
 *
 * STATUS_OUT_OF_RANGE when the end does not fit into 64 bits, STATUS_TOO_LARGE
 * when the map is full.
 */
MUST_CHECK enum status memmap_add(struct memmap *map, uint64_t start, uint64_t size,
				  enum memmap_type type);

/**
 * Gives RAM a purpose: all of [start, start + size) has to be MEMMAP_RAM.
 * STATUS_OVERLAP when any part is something else, claimed or no memory at all;
 * otherwise as memmap_add().
 */
MUST_CHECK enum status memmap_claim(struct memmap *map, uint64_t start, uint64_t size,
				    enum memmap_type type);

/**
 * Leaves memory that we claimed, all of it MEMMAP_FIRMWARE, to nobody: the kernel
 * sees MEMMAP_RESERVED. Errors as memmap_claim().
 */
MUST_CHECK enum status memmap_keep(struct memmap *map, uint64_t start, uint64_t size);

/** A wish for memory. */
struct memmap_request {
	uint64_t size;      /**< bytes, greater than 0 */
	uint64_t alignment; /**< of the start; a power of two */
	uint64_t min;       /**< lowest start */
	uint64_t max;       /**< the range ends at or below this address */
	bool top_down;      /**< take the highest place, not the lowest */
	enum memmap_type type;
};

/**
 * Finds free RAM for @request and claims it. STATUS_NO_MEMORY when there is
 * none, STATUS_TOO_LARGE when the map is full.
 */
MUST_CHECK enum status memmap_alloc(struct memmap *map, const struct memmap_request *request,
				    uint64_t *ret_start);

/**
 * Claims @size bytes at a multiple of @alignment in the part of low memory that is
 * ours, [MEMMAP_LOW_START, MEMMAP_LOW_END), or, when they do not fit, at the end
 * of the RAM below 4 GiB. Errors as memmap_alloc().
 */
MUST_CHECK enum status memmap_alloc_low(struct memmap *map, uint64_t size, uint64_t alignment,
					enum memmap_type type, uint64_t *ret_start);

/** End of the RAM, claimed or free, that starts below @limit and is highest; 0 without RAM. */
uint64_t memmap_ram_end(const struct memmap *map, uint64_t limit);

/**
 * The map as the kernel shall see it, claimed ranges being RAM and merged, one range after the
 * other: that which begins with entry *@at, 0 for the first. False behind the last one.
 */
static inline bool memmap_next(const struct memmap *map, size_t *at, struct memmap_entry *ret_range)
{
	const struct memmap_entry *entry = &map->entry[*at];
	const struct memmap_entry *end = &map->entry[map->count];

	if (entry >= end)
		return false;
	ret_range->start = entry->start;
	ret_range->type = memmap_type_for_kernel(entry->type);
	do {
		ret_range->end = entry->end;
		entry++;
		++*at;
	} while (entry < end && entry->start == ret_range->end &&
		 memmap_type_for_kernel(entry->type) == ret_range->type);
	return true;
}

/**
 * Writes the ranges of memmap_next().
 * STATUS_TOO_LARGE when more than @max entries are needed.
 */
MUST_CHECK enum status memmap_export(const struct memmap *map, struct memmap_entry *entries,
				     size_t max, size_t *ret_count);

#endif
