/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "loader/pvh.h"

/* Offsets in the block, by Xen's start_info.h. */
enum {
	MAGIC = 0,
	VERSION_FIELD = 4,
	FLAGS = 8,
	NR_MODULES = 12,
	MODLIST_PADDR = 16,
	CMDLINE_PADDR = 24,
	RSDP_PADDR = 32,
	MEMMAP_PADDR = 40,
	MEMMAP_ENTRIES = 48,
	RESERVED = 52,
	MODLIST = 56,
	MEMMAP = MODLIST + 32,
	BLOCK_SIZE = MEMMAP + 128 * 24,
};

static struct memmap map;
static struct pvh_plan plan;
static struct reason why;
static uint8_t *block;

_Static_assert(sizeof(struct pvh_block) == BLOCK_SIZE, "start_info.h");

static void add(uint64_t start, uint64_t end, enum memmap_type type)
{
	assert_status(memmap_add(&map, start, end - start, type), STATUS_OK);
}

static void pc_map(uint64_t low_end, uint64_t high)
{
	memmap_init(&map);
	add(0, 0xa0000, MEMMAP_RAM);
	add(0xa0000, MIB, MEMMAP_RESERVED);
	add(MIB, low_end, MEMMAP_RAM);
	add(0xfffc0000, 4 * GIB, MEMMAP_RESERVED);
	if (high != 0)
		add(4 * GIB, 4 * GIB + high, MEMMAP_RAM);
	assert_status(memmap_claim(&map, 0x30000, 0x24000, MEMMAP_FIRMWARE), STATUS_OK);
	assert_status(memmap_claim(&map, 16 * MIB, 32 * MIB, MEMMAP_KERNEL), STATUS_OK);
}

static void claimed(uint64_t start, uint64_t size, enum memmap_type type)
{
	for (size_t i = 0; i < map.count; i++) {
		const struct memmap_entry *entry = &map.entry[i];
		if (start >= entry->start && start + size <= entry->end) {
			assert_int_equal(entry->type, type);
			return;
		}
	}
	fail_msg("0x%lx + 0x%lx is not claimed", start, size);
}

static void planned(uint64_t initrd, uint64_t cmdline)
{
	assert_status(pvh_plan(initrd, cmdline, &map, &plan, &why), STATUS_OK);
	assert_int_equal(plan.cmdline, plan.block + BLOCK_SIZE);
	claimed(plan.block, BLOCK_SIZE + cmdline + 1, MEMMAP_BOOT_DATA);
	/* What Linux reads before it can handle a page fault. */
	assert_true(plan.block + BLOCK_SIZE <= GIB);
	if (initrd == 0) {
		assert_int_equal(plan.initrd, 0);
		return;
	}
	claimed(plan.initrd, initrd, MEMMAP_INITRD);
	assert_int_equal(plan.initrd % 0x1000, 0);
	assert_true(plan.initrd + initrd <= 4 * GIB);
}

static void not_planned(uint64_t initrd, uint64_t cmdline)
{
	const struct pvh_plan before = {1, 2, 3};

	plan = before;
	memset(&why, 0, sizeof(why));
	assert_status(pvh_plan(initrd, cmdline, &map, &plan, &why), STATUS_NO_MEMORY);
	assert_reasoned(why);
	assert_memory_equal(&plan, &before, sizeof(plan));
}

static void pvh_plan_of_today(void **state)
{
	(void)state;
	pc_map(2 * GIB, 2 * GIB);
	planned(5000, 100);
	assert_int_equal(plan.block, 0x54000);
	assert_int_equal(plan.initrd, 2 * GIB - 0x2000);
}

static void pvh_plan_without_initrd(void **state)
{
	(void)state;
	pc_map(GIB, 0);
	planned(0, 0);
}

/* A VMM's own data may lie below what is ours. */
static void pvh_plan_leaves_low_memory_alone(void **state)
{
	(void)state;
	memmap_init(&map);
	add(0, 0x40000, MEMMAP_RAM);
	planned(0, 0);
	assert_int_equal(plan.block, 0x30000);
	memmap_init(&map);
	add(0, 0x30000, MEMMAP_RAM);
	not_planned(0, 0);
}

static void pvh_plan_without_low_memory(void **state)
{
	(void)state;
	pc_map(2 * GIB, 0);
	assert_status(memmap_claim(&map, 0x54000, 0xa0000 - 0x54000, MEMMAP_FIRMWARE), STATUS_OK);
	planned(5000, 100);
	assert_int_equal(plan.block, MIB);
	/* Between 1 GiB and 4 GiB the kernel would not reach it. */
	memmap_init(&map);
	add(GIB - 0xfff, 2 * GIB, MEMMAP_RAM);
	not_planned(0, 0);
	memmap_init(&map);
	add(GIB - 0x1000, GIB, MEMMAP_RAM);
	planned(0, 0x1000 - BLOCK_SIZE - 1);
	memmap_init(&map);
	add(GIB - 0x1000, GIB, MEMMAP_RAM);
	not_planned(0, 0x1000 - BLOCK_SIZE);
}

static void pvh_plan_initrd_below_4g(void **state)
{
	(void)state;
	pc_map(64 * MIB, 8 * GIB);
	not_planned(16 * MIB + 1, 0);
	pc_map(64 * MIB, 8 * GIB);
	planned(16 * MIB, 0);
	assert_int_equal(plan.initrd, 48 * MIB);
	memmap_init(&map);
	add(MIB, 2 * MIB, MEMMAP_RAM);
	add(4 * GIB - 0x1000, 5 * GIB, MEMMAP_RAM);
	planned(1, 0);
	assert_int_equal(plan.initrd, 4 * GIB - 0x1000);
}

static void pvh_plan_sizes_without_end(void **state)
{
	(void)state;
	pc_map(GIB, 0);
	not_planned(UINT64_MAX, 0);
	pc_map(GIB, 0);
	not_planned(UINT64_MAX - 0xfff, 0);
}

static enum status fill(uint64_t initrd, uint64_t rsdp)
{
	block = unit_memory(BLOCK_SIZE);
	memset(block, 0xa5, BLOCK_SIZE);
	memset(&why, 0, sizeof(why));
	return pvh_fill(&plan, initrd, rsdp, &map, (struct pvh_block *)(void *)block, &why);
}

static void pvh_start_info_at_each_offset(void **state)
{
	(void)state;
	pc_map(GIB, 0);
	planned(5000, 100);
	assert_status(fill(5000, 0xe0000), STATUS_OK);
	assert_int_equal(get32(block + MAGIC), 0x336ec578);
	assert_int_equal(get32(block + VERSION_FIELD), 1);
	assert_int_equal(get32(block + FLAGS), 0);
	assert_int_equal(get32(block + NR_MODULES), 1);
	assert_int_equal(get64(block + MODLIST_PADDR), plan.block + MODLIST);
	assert_int_equal(get64(block + CMDLINE_PADDR), plan.cmdline);
	assert_int_equal(get64(block + RSDP_PADDR), 0xe0000);
	assert_int_equal(get64(block + MEMMAP_PADDR), plan.block + MEMMAP);
	assert_int_equal(get32(block + MEMMAP_ENTRIES), 4);
	assert_int_equal(get32(block + RESERVED), 0);
	assert_int_equal(get64(block + MODLIST), plan.initrd);
	assert_int_equal(get64(block + MODLIST + 8), 5000);
	assert_int_equal(get64(block + MODLIST + 16), 0);
	assert_int_equal(get64(block + MODLIST + 24), 0);
}

static void pvh_start_info_without_initrd(void **state)
{
	(void)state;
	pc_map(GIB, 0);
	planned(0, 0);
	assert_status(fill(0, 0), STATUS_OK);
	assert_int_equal(get32(block + NR_MODULES), 0);
	assert_int_equal(get64(block + MODLIST_PADDR), 0);
	assert_int_equal(get64(block + RSDP_PADDR), 0);
	for (size_t i = MODLIST; i < MEMMAP; i++)
		assert_int_equal(block[i], 0);
}

/* As a kernel shall see it: with e820's types, and what we claimed as RAM. */
static void pvh_memory_map(void **state)
{
	static const struct {
		uint64_t start, end;
		uint32_t type;
	} expected[] = {{0, 0xa0000, 1},           {0xa0000, MIB, 2},   {MIB, 900 * MIB, 1},
			{900 * MIB, 901 * MIB, 3}, {901 * MIB, GIB, 1}, {0xfffc0000, 4 * GIB, 2},
			{4 * GIB, 5 * GIB, 1}};

	(void)state;
	pc_map(GIB, GIB);
	add(900 * MIB, 901 * MIB, MEMMAP_ACPI);
	planned(0x1000, 0);
	assert_status(fill(0x1000, 0), STATUS_OK);
	assert_int_equal(get32(block + MEMMAP_ENTRIES), COUNT(expected));
	for (size_t i = 0; i < 128; i++) {
		const uint8_t *entry = block + MEMMAP + 24 * i;
		bool there = i < COUNT(expected);
		assert_int_equal(get64(entry), there ? expected[i].start : 0);
		assert_int_equal(get64(entry + 8), there ? expected[i].end - expected[i].start : 0);
		assert_int_equal(get32(entry + 16), there ? expected[i].type : 0);
		assert_int_equal(get32(entry + 20), 0);
	}
}

/* Linux copies them all into a table of 128. */
static void pvh_memory_map_is_full(void **state)
{
	(void)state;
	memmap_init(&map);
	for (uint64_t i = 0; i < 128; i++)
		add(2 * i * MIB, (2 * i + 1) * MIB, MEMMAP_RAM);
	assert_status(fill(0, 0), STATUS_OK);
	assert_int_equal(get32(block + MEMMAP_ENTRIES), 128);
	assert_int_equal(get64(block + MEMMAP + 127 * 24), 254 * MIB);
	add(GIB, 2 * GIB, MEMMAP_RAM);
	assert_status(fill(0, 0), STATUS_TOO_LARGE);
	assert_reasoned(why);
	for (size_t i = 0; i < BLOCK_SIZE; i++)
		assert_int_equal(block[i], 0xa5);
}

static const struct CMUnitTest tests[] = {
	UNIT_TEST(pvh_plan_of_today),
	UNIT_TEST(pvh_plan_without_initrd),
	UNIT_TEST(pvh_plan_leaves_low_memory_alone),
	UNIT_TEST(pvh_plan_without_low_memory),
	UNIT_TEST(pvh_plan_initrd_below_4g),
	UNIT_TEST(pvh_plan_sizes_without_end),
	UNIT_TEST(pvh_start_info_at_each_offset),
	UNIT_TEST(pvh_start_info_without_initrd),
	UNIT_TEST(pvh_memory_map),
	UNIT_TEST(pvh_memory_map_is_full),
};

UNIT_MAIN(tests)
