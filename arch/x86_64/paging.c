/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/x86_64/paging.h"

#include <stdbool.h>
#include <string.h>

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/state.h"
#include "lib/attributes.h"
#include "lib/bytes.h"
#include "lib/checked.h"

/* Bits of a page-table entry: Intel SDM vol. 3, 4.5.4. */
#define PTE_PRESENT  0x001ul
#define PTE_WRITE    0x002ul
#define PTE_UNCACHED 0x018ul /* PWT, PCD */
#define PTE_LARGE    0x080ul
#define PTE_ADDRESS  0x000ffffffffff000ul

#define PAGE_4K 0x1000ul
#define PAGE_2M 0x200000ul
#define PAGE_1G 0x40000000ul

/*
 * Kernels are opened in steps of this, so that the work does not depend on the
 * size of a kernel that fits into one step.
 */
#define OPEN_STEP 0x8000000ul

/* Two entries of a table, which one instruction writes. */
typedef uint64_t entry_pair __attribute__((vector_size(16)));

/* Every CPU with long mode has this much; a wider one has to be asked. */
#define PHYSICAL_BITS_MIN 36

static APART uint64_t *add_table(uint64_t *entry)
{
	uint64_t table = arch_state()->next_table;

	if (table == TABLE_POOL_END)
		return NULL;
	arch_state()->next_table = table + PAGE_4K;
	clear_pages((void *)table, PAGE_4K);
	*entry = table | PTE_PRESENT | PTE_WRITE;
	return (uint64_t *)table;
}

static inline uint64_t *next_level(uint64_t *entry)
{
	return (*entry & PTE_PRESENT) != 0 ? (uint64_t *)(*entry & PTE_ADDRESS) : add_table(entry);
}

/* The page-directory entry of @address, or NULL without memory for tables. */
static inline __attribute__((always_inline)) uint64_t *directory_entry(uint64_t address)
{
	/* Most of what is mapped. The entry code made this table. */
	if (address < PAGE_1G)
		return (uint64_t *)LOW_PD_TABLE + (address >> 21);
	uint64_t *pdpt = next_level((uint64_t *)PML4_TABLE + (address >> 39 & 511));
	if (pdpt == NULL)
		return NULL;
	uint64_t *pd = next_level(pdpt + (address >> 30 & 511));
	if (pd == NULL)
		return NULL;
	return pd + (address >> 21 & 511);
}

uint64_t arch_map_end(void)
{
	unsigned bits = cpu_physical_bits();

	/* 47 bits are what the lower half of a four-level map covers. */
	return 1ul << (bits < 47 ? bits : 47);
}

static inline bool is_in_reach(uint64_t end)
{
	return (end - 1) >> PHYSICAL_BITS_MIN == 0 || end <= arch_map_end();
}

static bool addressable(uint64_t address, uint64_t length, uint64_t *ret_end)
{
	uint64_t end;

	if (length == 0 || !checked_add(address, length, &end) || !is_in_reach(end))
		return false;
	*ret_end = end;
	return true;
}

static bool overlaps_page(uint64_t address, uint64_t end, uint64_t page)
{
	return address < page + PAGE_4K && end > page;
}

/* Page 0, and the pages that end the stacks. */
static bool overlaps_guard(uint64_t address, uint64_t end)
{
	return address < EXCEPTION_STACK_GUARD + PAGE_4K &&
	       (overlaps_page(address, end, 0) || overlaps_page(address, end, STACK_GUARD) ||
		overlaps_page(address, end, EXCEPTION_STACK_GUARD));
}

/* Maps the small pages from @at to @end, the first of which is @entry's. */
static inline void map_pages(uint64_t *entry, uint64_t at, uint64_t end, uint64_t flags)
{
	do {
		if ((*entry & PTE_PRESENT) == 0)
			*entry = at | flags;
		entry++;
		at += PAGE_4K;
	} while (at < end);
}

/* What does not end below 2 MiB. False without memory for tables. */
static APART bool map_high(uint64_t at, uint64_t end, uint64_t flags)
{
	while (at < end) {
		uint64_t *entry = directory_entry(at);
		uint64_t large = align_down(at, PAGE_2M);
		uint64_t next = large + PAGE_2M;
		if (entry == NULL)
			return false;
		if ((*entry & PTE_PRESENT) == 0)
			*entry = large | flags | PTE_LARGE;
		if ((*entry & PTE_LARGE) == 0)
			map_pages((uint64_t *)(*entry & PTE_ADDRESS) + (at >> 12 & 511), at,
				  end < next ? end : next, flags);
		at = next;
	}
	return true;
}

void *arch_map(uint64_t address, uint64_t length, enum arch_memory memory)
{
	uint64_t flags = PTE_PRESENT | PTE_WRITE | arch_state()->nx;
	uint64_t at = align_down(address, PAGE_4K);
	uint64_t end;

	if (length == 0 || !checked_add(address, length, &end) || overlaps_guard(address, end))
		return NULL;
	if (memory == ARCH_MEMORY_DEVICE)
		flags |= PTE_UNCACHED;
	if (end <= PAGE_2M)
		map_pages((uint64_t *)LOW_PT_TABLE + (at >> 12), at, end, flags);
	else if (!is_in_reach(end) || !map_high(at, end, flags))
		return NULL;
	return (void *)address;
}

bool arch_peek(uint64_t address, uint64_t length, void *to)
{
	uint64_t *page0 = (uint64_t *)LOW_PT_TABLE;
	uint64_t end;

	if (address == 0 || !addressable(address, length, &end) ||
	    (address < WORK_AREA_END && end > WORK_AREA_START))
		return false;
	uint64_t mapped = address < PAGE_4K ? PAGE_4K : address;
	if (end > mapped && arch_map(mapped, end - mapped, ARCH_MEMORY_RAM) == NULL)
		return false;
	if (address < PAGE_4K)
		*page0 = PTE_PRESENT | arch_state()->nx;
	memcpy(to, (const void *)address, length);
	if (address < PAGE_4K) {
		*page0 = 0;
		invlpg(0);
	}
	return true;
}

void paging_open_low(void)
{
	*(uint64_t *)LOW_PD_TABLE = PTE_PRESENT | PTE_WRITE | PTE_LARGE;
}

bool paging_open(struct arch_range range)
{
	uint64_t end;

	if (!addressable(range.start, range.size, &end))
		return false;
	if (end <= PAGE_2M)
		return true;
	if (!checked_align_up(end, OPEN_STEP, &end))
		return false;
	for (uint64_t at = align_down(range.start, OPEN_STEP); at < end; at += OPEN_STEP) {
		uint64_t *entry = directory_entry(at);
		/* We still run in the ROM, and no kernel lies in the step that holds it. */
		if (entry == NULL || at == align_down(IMAGE_IN_ROM, OPEN_STEP))
			return false;
		uint64_t value = at | PTE_PRESENT | PTE_WRITE | PTE_LARGE;
		entry_pair pair = {value, value + PAGE_2M};
		const entry_pair next = {2 * PAGE_2M, 2 * PAGE_2M};
#pragma GCC unroll 8
		for (unsigned i = 0; i < OPEN_STEP / PAGE_2M; i += 2, pair += next)
			*(entry_pair *)(entry + i) = pair;
	}
	return true;
}
