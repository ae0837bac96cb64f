/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/aarch64/mmu.h"

#include <stdbool.h>
#include <stddef.h>

#include "arch/aarch64/cpu.h"
#include "arch/aarch64/state.h"
#include "arch/memory.h"
#include "lib/attributes.h"
#include "lib/bytes.h"
#include "lib/checked.h"
#include "lib/memmap.h"

/* Descriptors of a 4 KiB granule: Arm ARM D8.3. */
#define DESCRIPTOR_VALID    0x1ul
#define DESCRIPTOR_TABLE    0x3ul
#define DESCRIPTOR_PAGE     0x3ul
#define DESCRIPTOR_BLOCK    0x1ul
#define DESCRIPTOR_KIND     0x3ul
#define DESCRIPTOR_DEVICE   (0ul << 2) /* index in MAIR */
#define DESCRIPTOR_NORMAL   (1ul << 2)
#define DESCRIPTOR_INDEX    (7ul << 2)
#define DESCRIPTOR_AP1      (1ul << 6) /* reserved, 1, where there is no lower level */
#define DESCRIPTOR_READONLY (1ul << 7)
#define DESCRIPTOR_INNER    (3ul << 8) /* inner shareable */
#define DESCRIPTOR_ACCESSED (1ul << 10)
#define DESCRIPTOR_PXN      (1ul << 53)
#define DESCRIPTOR_XN       (1ul << 54)
#define DESCRIPTOR_ADDRESS  0x0000fffffffff000ul

/* Attribute 0: Device-nGnRnE. Attribute 1: normal, write-back, allocating. */
#define MAIR 0xff00ul

/* Three levels from 39 bits down. Arm ARM D19.2.139, TCR_EL1; D19.2.140, TCR_EL2. */
#define VA_BITS           39
#define TCR_T0SZ          (64ul - VA_BITS)
#define TCR_CACHED        (1ul << 8 | 1ul << 10) /* IRGN0, ORGN0: write-back */
#define TCR_INNER         (3ul << 12)
#define TCR_EPD1          (1ul << 23)
#define TCR_EL1_IPS_SHIFT 32
#define TCR_EL2_PS_SHIFT  16
#define TCR_EL2_RES1      (1ul << 31 | 1ul << 23)
#define PHYSICAL_40_BITS  2ul

/* SCTLR: Arm ARM D19.2.118, D19.2.119. */
#define SCTLR_EL1_RES1 0x30d00800ul
#define SCTLR_EL2_RES1 0x30c50830ul
#define SCTLR_M        (1ul << 0)
#define SCTLR_C        (1ul << 2)
#define SCTLR_I        (1ul << 12)
#define SCTLR_WXN      (1ul << 19)

/* linker/aarch64.ld */
extern const uint8_t image_start[], text_end[], image_end[];

static bool has_el1_layout(void)
{
	return cpu_exception_level() == 1 || cpu_is_el2_host();
}

uint64_t mmu_sctlr_off(void)
{
	return has_el1_layout() ? SCTLR_EL1_RES1 : SCTLR_EL2_RES1;
}

/* The last of a table's zeros are seen before it is: by a walker that looks ahead, too. */
static void order_tables(void)
{
	__asm__ volatile("dsb ishst" ::: "memory");
}

static bool has_memory_for_table(const struct arch_state *state)
{
	return state->next_table != state->work + WORK_TABLES_END;
}

/* The table below @entry, made if it is missing, for which there is memory. */
static uint64_t *next_level(struct arch_state *state, uint64_t *entry)
{
	if ((*entry & DESCRIPTOR_VALID) == 0) {
		uint64_t *table = (uint64_t *)state->next_table;
		state->next_table += PAGE_SIZE;
		clear_pages(table, PAGE_SIZE);
		order_tables();
		*entry = (uint64_t)table | DESCRIPTOR_TABLE;
	}
	return (uint64_t *)(*entry & DESCRIPTOR_ADDRESS);
}

/* The first-level entry for @address, of 1 GiB. */
static uint64_t *first_entry(const struct arch_state *state, uint64_t address)
{
	return (uint64_t *)(state->work + WORK_TABLES) + (address >> 30 & 511);
}

/* The second-level entry for @address, which maps 2 MiB; its table as in next_level(). */
static uint64_t *block_entry(struct arch_state *state, uint64_t address)
{
	return next_level(state, first_entry(state, address)) + (address >> 21 & 511);
}

/*
 * At the start there is memory for tables: the root, and for image and work area, each of which
 * is in two blocks at most, two of each level.
 */
_Static_assert(WORK_TABLES_END - WORK_TABLES >= (1 + 2 * (2 + 2)) * PAGE_SIZE,
	       "the first tables have room");

/* Maps whole pages at the start. */
static void map_pages(struct arch_state *state, uint64_t start, uint64_t end, uint64_t flags)
{
	while (start < end) {
		uint64_t *table = next_level(state, block_entry(state, start));
		uint64_t block_end = align_down(start, BLOCK_SIZE) + BLOCK_SIZE;
		uint64_t last = (end < block_end ? end : block_end) | flags | DESCRIPTOR_PAGE;
		uint64_t *entry = table + (start >> 12 & 511);
		uint64_t descriptor = start | flags | DESCRIPTOR_PAGE;
		for (; descriptor != last; descriptor += PAGE_SIZE)
			*entry++ = descriptor;
		start = block_end;
	}
}

static void map_ourselves(struct arch_state *state)
{
	uint64_t memory = state->common | DESCRIPTOR_NORMAL | DESCRIPTOR_INNER;
	uint64_t constant = memory | DESCRIPTOR_READONLY;
	uint64_t variable = memory | state->no_execute;

	map_pages(state, (uint64_t)image_start, (uint64_t)text_end, constant);
	map_pages(state, (uint64_t)text_end, (uint64_t)image_end, constant | state->no_execute);
	map_pages(state, state->work, state->work + WORK_STACK_GUARD, variable);
	map_pages(state, state->work + WORK_STACK_GUARD + PAGE_SIZE,
		  state->work + WORK_EXCEPTION_STACK_GUARD, variable);
	map_pages(state, state->work + WORK_EXCEPTION_STACK_GUARD + PAGE_SIZE,
		  state->work + WORK_SIZE, variable);
}

__attribute__((no_stack_protector)) void mmu_build(uint64_t image, uint64_t work,
						   struct mmu_registers *ret_registers)
{
	struct arch_state *state = (struct arch_state *)(work + WORK_STATE);
	bool el1_layout = has_el1_layout();
	/* We map 39 bits, and a CPU may have less. */
	uint64_t physical = read_register(id_aa64mmfr0_el1) & 15;
	uint64_t tcr = TCR_T0SZ | TCR_CACHED | TCR_INNER;
	uint64_t root = work + WORK_TABLES;

	if (physical > PHYSICAL_40_BITS)
		physical = PHYSICAL_40_BITS;
	/* 32, 36 and 40 bits; of the last, as many as we map. */
	state->map_end = 1ul << (physical < PHYSICAL_40_BITS ? 32 + 4 * physical : VA_BITS);
	state->image = image;
	state->work = work;
	state->no_execute = el1_layout ? DESCRIPTOR_XN | DESCRIPTOR_PXN : DESCRIPTOR_XN;
	state->common = el1_layout ? DESCRIPTOR_ACCESSED : DESCRIPTOR_ACCESSED | DESCRIPTOR_AP1;
	state->next_table = root;
	uint64_t entry = 0;
	(void)next_level(state, &entry); /* the root */
	map_ourselves(state);

	ret_registers->mair = MAIR;
	ret_registers->tcr = el1_layout ? tcr | TCR_EPD1 | physical << TCR_EL1_IPS_SHIFT
					: tcr | TCR_EL2_RES1 | physical << TCR_EL2_PS_SHIFT;
	ret_registers->ttbr0 = root;
	ret_registers->sctlr = mmu_sctlr_off() | SCTLR_M | SCTLR_C | SCTLR_I | SCTLR_WXN;
	ret_registers->tables_end = state->next_table;
}

uint64_t arch_map_end(void)
{
	return arch_state()->map_end;
}

static bool overlaps_page(uint64_t address, uint64_t end, uint64_t page)
{
	return address < page + PAGE_SIZE && end > page;
}

/* Maps @descriptor at @entry, or finds it mapped as the same kind of memory. */
static bool set(uint64_t *entry, uint64_t descriptor, bool *changed)
{
	if ((*entry & DESCRIPTOR_VALID) != 0)
		return ((*entry ^ descriptor) & DESCRIPTOR_INDEX) == 0;
	*entry = descriptor;
	*changed = true;
	return true;
}

/* Whether it is inside one block that is mapped as such: what most calls ask for. */
static bool is_in_mapped_block(const struct arch_state *state, uint64_t address, uint64_t length,
			       uint64_t kind)
{
	uint64_t first, entry;

	if (address < PAGE_SIZE || address >= state->map_end ||
	    length - 1 >= BLOCK_SIZE - address % BLOCK_SIZE)
		return false;
	first = *first_entry(state, address);
	if ((first & DESCRIPTOR_VALID) == 0)
		return false;
	entry = ((const uint64_t *)(first & DESCRIPTOR_ADDRESS))[address >> 21 & 511];
	return (entry & (DESCRIPTOR_KIND | DESCRIPTOR_INDEX)) == (kind | DESCRIPTOR_BLOCK);
}

static APART void *map(struct arch_state *state, uint64_t address, uint64_t length, uint64_t kind)
{
	uint64_t flags = state->common | state->no_execute | kind;
	bool changed = false;
	uint64_t end;

	if (length == 0 || address < PAGE_SIZE || !checked_add(address, length, &end) ||
	    end > state->map_end || overlaps_page(address, end, state->work + WORK_STACK_GUARD) ||
	    overlaps_page(address, end, state->work + WORK_EXCEPTION_STACK_GUARD))
		return NULL;
	if (kind != DESCRIPTOR_DEVICE)
		flags |= DESCRIPTOR_INNER;
	for (uint64_t at = align_down(address, PAGE_SIZE); at < end;) {
		if ((*first_entry(state, at) & DESCRIPTOR_VALID) == 0 &&
		    !has_memory_for_table(state))
			return NULL;
		uint64_t *entry = block_entry(state, at);
		uint64_t block = align_down(at, BLOCK_SIZE);
		if ((*entry & DESCRIPTOR_KIND) != DESCRIPTOR_TABLE) {
			if (!set(entry, block | flags | DESCRIPTOR_BLOCK, &changed))
				return NULL;
			at = block + BLOCK_SIZE;
			continue;
		}
		uint64_t *pages = (uint64_t *)(*entry & DESCRIPTOR_ADDRESS);
		uint64_t last = end < block + BLOCK_SIZE ? end : block + BLOCK_SIZE;
		for (; at < last; at += PAGE_SIZE) {
			if (!set(pages + (at >> 12 & 511), at | flags | DESCRIPTOR_PAGE, &changed))
				return NULL;
		}
	}
	/* An invalid descriptor is in no TLB; the walker has to see the new one. */
	if (changed) {
		barrier_all();
		barrier_instructions();
	}
	return (void *)address;
}

void *arch_map(uint64_t address, uint64_t length, enum arch_memory memory)
{
	struct arch_state *state = arch_state();
	uint64_t kind = memory == ARCH_MEMORY_DEVICE ? DESCRIPTOR_DEVICE : DESCRIPTOR_NORMAL;

	if (is_in_mapped_block(state, address, length, kind))
		return (void *)address;
	return map(state, address, length, kind);
}
