/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdlib.h>

#include "loader/setup_data.h"

#define ASSUMED_LOAD 0x100000ul
#define KERNEL_SIZE  0x4000

static uint8_t *kernel; /* of KERNEL_SIZE bytes, exactly */
static struct memmap map;
static struct setup_data_list list;
static struct reason why;

static int setup(void **state)
{
	unit_setup(state);
	host_add_ram(0, 2 * MIB);
	memmap_init(&map);
	assert_status(memmap_add(&map, 0, 2 * MIB, MEMMAP_RAM), STATUS_OK);
	list = (struct setup_data_list){.map_of_memory = &map, .map = unit_map};
	kernel = malloc(KERNEL_SIZE);
	assert_non_null(kernel);
	unit_random_bytes(kernel, KERNEL_SIZE);
	return 0;
}

static int teardown(void **state)
{
	free(kernel);
	return unit_teardown(state);
}

/* A node of the VMM's list at @offset of the kernel. */
static void node(size_t offset, uint64_t next, uint32_t type, uint32_t length)
{
	uint8_t bytes[16];

	put64(bytes, next);
	put32(bytes + 8, type);
	put32(bytes + 12, length);
	for (size_t i = 0; i < sizeof(bytes) && offset + i < KERNEL_SIZE; i++)
		kernel[offset + i] = bytes[i];
}

static enum status copy(uint64_t head)
{
	memset(&why, 0, sizeof(why));
	return setup_data_copy(&list, (struct span){kernel, KERNEL_SIZE}, ASSUMED_LOAD, head, &why);
}

/* Walks the list in the guest's memory. */
static size_t walk(uint64_t *addresses, size_t max)
{
	size_t count = 0;

	for (uint64_t at = list.head; at != 0; at = get64(host_memory(at, 16))) {
		assert_true(count < max);
		assert_in_range(at, 0x30000, 0xffffffff);
		addresses[count++] = at;
	}
	return count;
}

static void setup_data_of_none(void **state)
{
	(void)state;
	assert_status(copy(0), STATUS_OK);
	assert_int_equal(list.head, 0);
	assert_false(list.has_seed);
}

static void setup_data_append_links_nodes(void **state)
{
	uint64_t at[4];

	(void)state;
	assert_status(setup_data_append(&list, 7, (struct span){kernel, 100}), STATUS_OK);
	assert_false(list.has_seed);
	assert_status(setup_data_append(&list, SETUP_RNG_SEED, (struct span){kernel + 100, 32}),
		      STATUS_OK);
	assert_true(list.has_seed);
	assert_status(setup_data_append(&list, 5, (struct span){kernel, 0}), STATUS_OK);
	assert_int_equal(walk(at, COUNT(at)), 3);
	assert_int_equal(get32((uint8_t *)host_memory(at[0], 16) + 8), 7);
	assert_int_equal(get32((uint8_t *)host_memory(at[0], 16) + 12), 100);
	assert_memory_equal(host_memory(at[0] + 16, 100), kernel, 100);
	assert_int_equal(get32((uint8_t *)host_memory(at[1], 16) + 8), 9);
	assert_memory_equal(host_memory(at[1] + 16, 32), kernel + 100, 32);
	assert_int_equal(get32((uint8_t *)host_memory(at[2], 16) + 12), 0);
	for (size_t i = 0; i < 3; i++)
		assert_status(memmap_claim(&map, at[i], 16, MEMMAP_KERNEL), STATUS_OVERLAP);
}

static void setup_data_append_without_memory(void **state)
{
	(void)state;
	assert_status(setup_data_append(&list, 7, (struct span){kernel, 3 * MIB}),
		      STATUS_NO_MEMORY);
	assert_int_equal(list.head, 0);
	list.map = unit_map_nothing;
	assert_status(setup_data_append(&list, 7, (struct span){kernel, 16}), STATUS_NO_MEMORY);
	assert_int_equal(list.head, 0);
	assert_null(list.last);
}

static void setup_data_copies_every_node(void **state)
{
	uint64_t at[4];

	(void)state;
	/* Backwards and forwards, the last node at the very end. */
	node(0x2000, ASSUMED_LOAD + 0x100, 2, 0x300);
	node(0x100, ASSUMED_LOAD + KERNEL_SIZE - 16 - 5, 9, 32);
	node(KERNEL_SIZE - 16 - 5, 0, 1, 5);
	assert_status(copy(ASSUMED_LOAD + 0x2000), STATUS_OK);
	assert_int_equal(walk(at, COUNT(at)), 3);
	static const struct {
		size_t offset, length;
		uint32_t type;
	} expected[] = {{0x2000, 0x300, 2}, {0x100, 32, 9}, {KERNEL_SIZE - 21, 5, 1}};
	for (size_t i = 0; i < 3; i++) {
		const uint8_t *there = host_memory(at[i], 16 + expected[i].length);
		assert_int_equal(get32(there + 8), expected[i].type);
		assert_int_equal(get32(there + 12), expected[i].length);
		assert_memory_equal(there + 16, kernel + expected[i].offset + 16,
				    expected[i].length);
	}
	assert_true(list.has_seed);
}

static void setup_data_after_what_is_there(void **state)
{
	uint64_t at[4];

	(void)state;
	assert_status(setup_data_append(&list, 7, (struct span){kernel, 4}), STATUS_OK);
	node(0, 0, 2, 8);
	assert_status(copy(ASSUMED_LOAD), STATUS_OK);
	assert_int_equal(walk(at, COUNT(at)), 2);
}

static void setup_data_outside_the_kernel(void **state)
{
	static const uint64_t heads[] = {
		1,
		ASSUMED_LOAD - 1,
		ASSUMED_LOAD - 16,
		ASSUMED_LOAD + KERNEL_SIZE - 15,
		ASSUMED_LOAD + KERNEL_SIZE,
		ASSUMED_LOAD + KERNEL_SIZE + 1,
		1ul << 32,
		UINT64_MAX,
		UINT64_MAX - 15,
	};

	(void)state;
	for (size_t i = 0; i < COUNT(heads); i++) {
		assert_status(copy(heads[i]), STATUS_OUT_OF_RANGE);
		assert_reasoned(why);
		assert_int_equal(list.head, 0);
	}
}

static void setup_data_length_past_the_end(void **state)
{
	static const uint32_t lengths[] = {KERNEL_SIZE - 0x1000 - 16 + 1,
					   KERNEL_SIZE,
					   0x7fffffff,
					   0x80000000,
					   0xfffffff0,
					   0xffffffff};

	(void)state;
	for (size_t i = 0; i < COUNT(lengths); i++) {
		node(0x1000, 0, 2, lengths[i]);
		assert_status(copy(ASSUMED_LOAD + 0x1000), STATUS_OUT_OF_RANGE);
		assert_reasoned(why);
		assert_int_equal(list.head, 0);
	}
	node(0x1000, 0, 2, KERNEL_SIZE - 0x1000 - 16);
	assert_status(copy(ASSUMED_LOAD + 0x1000), STATUS_OK);
}

static void setup_data_loop(void **state)
{
	(void)state;
	node(0x1000, ASSUMED_LOAD + 0x1000, 2, 4);
	assert_status(copy(ASSUMED_LOAD + 0x1000), STATUS_TOO_LARGE);
	assert_reasoned(why);
	node(0x1000, ASSUMED_LOAD + 0x2000, 2, 4);
	node(0x2000, ASSUMED_LOAD + 0x1000, 2, 4);
	assert_status(copy(ASSUMED_LOAD + 0x1000), STATUS_TOO_LARGE);
}

static bool accept_none(uint32_t type, struct span data)
{
	(void)type;
	(void)data;
	return false;
}

static void setup_data_loop_of_nodes_that_are_not_accepted(void **state)
{
	(void)state;
	list.accept = accept_none;
	node(0x1000, ASSUMED_LOAD + 0x1000, 2, 4);
	assert_status(copy(ASSUMED_LOAD + 0x1000), STATUS_TOO_LARGE);
	assert_int_equal(list.head, 0);
}

static bool accept_type_2_with_data(uint32_t type, struct span data)
{
	return type == 2 && data.size == 8 && data.bytes[0] == 0x42;
}

static void setup_data_leaves_out_what_is_not_accepted(void **state)
{
	uint64_t at[4];

	(void)state;
	list.accept = accept_type_2_with_data;
	node(0x1000, ASSUMED_LOAD + 0x1100, 9, 8);
	node(0x1100, ASSUMED_LOAD + 0x1200, 2, 8);
	kernel[0x1110] = 0x42;
	node(0x1200, 0, 2, 7);
	assert_status(copy(ASSUMED_LOAD + 0x1000), STATUS_OK);
	assert_int_equal(walk(at, COUNT(at)), 1);
	assert_memory_equal(host_memory(at[0] + 16, 8), kernel + 0x1110, 8);
	assert_false(list.has_seed);
}

static void setup_data_of_the_most_nodes(void **state)
{
	uint64_t at[SETUP_DATA_NODES_MAX];

	(void)state;
	for (size_t i = 0; i < SETUP_DATA_NODES_MAX; i++)
		node(0x20 * i, i + 1 < SETUP_DATA_NODES_MAX ? ASSUMED_LOAD + 0x20 * (i + 1) : 0, 3,
		     16);
	assert_status(copy(ASSUMED_LOAD), STATUS_OK);
	assert_int_equal(walk(at, COUNT(at)), SETUP_DATA_NODES_MAX);
	list = (struct setup_data_list){.map_of_memory = &map, .map = unit_map};
	node(0x20 * (SETUP_DATA_NODES_MAX - 1), ASSUMED_LOAD + 0x3000, 3, 16);
	node(0x3000, 0, 3, 16);
	assert_status(copy(ASSUMED_LOAD), STATUS_TOO_LARGE);
	assert_reasoned(why);
}

static void setup_data_without_memory(void **state)
{
	(void)state;
	memmap_init(&map);
	node(0, 0, 2, 8);
	assert_status(copy(ASSUMED_LOAD), STATUS_NO_MEMORY);
	assert_reasoned(why);
}

/* Rulings 3: from 0x9fc00 on is the EBDA, which others may have filled. */
static void setup_data_does_not_touch_the_ebda(void **state)
{
	uint64_t at[4] = {0};

	(void)state;
	assert_status(memmap_add(&map, 0xa0000, 0x60000, MEMMAP_RESERVED), STATUS_OK);
	assert_status(memmap_claim(&map, 0x30000, 0x23000, MEMMAP_FIRMWARE), STATUS_OK);
	/* It fits between the work area and 640 KiB, with nothing to spare. */
	enum { SIZE = 0xa0000 - 0x53000 - 16 };
	uint8_t *large = calloc(1, SIZE);
	assert_non_null(large);
	assert_status(setup_data_append(&list, 2, (struct span){large, SIZE}), STATUS_OK);
	assert_int_equal(walk(at, COUNT(at)), 1);
	assert_true(at[0] >= MIB || at[0] + 16 + SIZE <= 0x9fc00);
	free(large);
}

/* Where low memory is full, nodes are elsewhere, and the range that a kernel needs mapped has all.
 */
static void setup_data_range_of_nodes_above_low_memory(void **state)
{
	static const size_t sizes[] = {0x8000, 0x100, 0x4000};
	uint64_t at[COUNT(sizes)] = {0};

	(void)state;
	assert_status(memmap_claim(&map, 0x30000, 0x68000, MEMMAP_FIRMWARE), STATUS_OK);
	/* The second node has room above the first one, the third one below it. */
	assert_status(memmap_add(&map, 2 * MIB - 0x2000, 0x1000, MEMMAP_RESERVED), STATUS_OK);
	uint8_t *bytes = calloc(1, sizes[0]);
	assert_non_null(bytes);
	for (size_t i = 0; i < COUNT(sizes); i++) {
		assert_status(setup_data_append(&list, 2, (struct span){bytes, sizes[i]}),
			      STATUS_OK);
		assert_int_equal(walk(at, COUNT(at)), i + 1);
		assert_int_equal(list.high_start, i < 2 ? at[0] : at[2]);
		assert_int_equal(list.high_end, at[i == 0 ? 0 : 1] + 16 + sizes[i == 0 ? 0 : 1]);
	}
	assert_true(at[2] >= MIB && at[2] < at[0] && at[0] < at[1]);
	free(bytes);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

static const struct CMUnitTest tests[] = {
	TEST(setup_data_of_none),
	TEST(setup_data_append_links_nodes),
	TEST(setup_data_append_without_memory),
	TEST(setup_data_copies_every_node),
	TEST(setup_data_after_what_is_there),
	TEST(setup_data_outside_the_kernel),
	TEST(setup_data_length_past_the_end),
	TEST(setup_data_loop),
	TEST(setup_data_loop_of_nodes_that_are_not_accepted),
	TEST(setup_data_leaves_out_what_is_not_accepted),
	TEST(setup_data_of_the_most_nodes),
	TEST(setup_data_without_memory),
	TEST(setup_data_does_not_touch_the_ebda),
	TEST(setup_data_range_of_nodes_above_low_memory),
};

UNIT_MAIN(tests)
