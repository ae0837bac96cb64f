/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdlib.h>

#include "fdt/fdt.h"

/* Devicetree Specification 0.4, 5.2: the header's big-endian words. */
enum {
	MAGIC,
	TOTALSIZE,
	OFF_DT_STRUCT,
	OFF_DT_STRINGS,
	OFF_MEM_RSVMAP,
	VERSION_WORD,
	LAST_COMP_VERSION,
	BOOT_CPUID_PHYS,
	SIZE_DT_STRINGS,
	SIZE_DT_STRUCT,
	WORDS,
};

#define TREE_SIZE 0x100

static uint32_t words[WORDS];
static struct reason why;

static int setup(void **state)
{
	static const uint32_t good[WORDS] = {
		[MAGIC] = 0xd00dfeed,     [TOTALSIZE] = TREE_SIZE, [OFF_MEM_RSVMAP] = 0x28,
		[OFF_DT_STRUCT] = 0x38,   [SIZE_DT_STRUCT] = 0xa8, [OFF_DT_STRINGS] = 0xe0,
		[SIZE_DT_STRINGS] = 0x20, [VERSION_WORD] = 17,     [LAST_COMP_VERSION] = 16,
	};

	memcpy(words, good, sizeof(words));
	return unit_setup(state);
}

static enum status check(size_t size)
{
	uint8_t *tree = calloc(1, size + 1);

	assert_non_null(tree);
	for (size_t i = 0; i < WORDS; i++) {
		uint32_t word = __builtin_bswap32(words[i]);
		if (4 * i + 4 <= size)
			memcpy(tree + 4 * i, &word, sizeof(word));
	}
	/* Of the exact size, so that ASan sees a byte too many. */
	tree = realloc(tree, size + (size == 0));
	assert_non_null(tree);
	memset(&why, 0, sizeof(why));
	enum status status = fdt_check((struct span){tree, size}, &why);
	if (status != STATUS_OK)
		assert_reasoned(why);
	free(tree);
	return status;
}

static void fdt_check_accepts_a_tree(void **state)
{
	(void)state;
	assert_status(check(TREE_SIZE), STATUS_OK);
	assert_status(check(TREE_SIZE + 100), STATUS_OK);
}

static void fdt_check_truncated_header(void **state)
{
	(void)state;
	for (size_t size = 0; size < 40; size++)
		assert_status(check(size), STATUS_TRUNCATED);
}

static void fdt_check_magic(void **state)
{
	(void)state;
	words[MAGIC] = 0xedfe0dd0;
	assert_status(check(TREE_SIZE), STATUS_BAD_FORMAT);
}

static void fdt_check_version(void **state)
{
	(void)state;
	words[VERSION_WORD] = 16;
	assert_status(check(TREE_SIZE), STATUS_UNSUPPORTED);
	words[VERSION_WORD] = 18;
	assert_status(check(TREE_SIZE), STATUS_OK);
	words[LAST_COMP_VERSION] = 18;
	assert_status(check(TREE_SIZE), STATUS_UNSUPPORTED);
}

static void fdt_check_totalsize(void **state)
{
	static const uint32_t bad[] = {0, 39, TREE_SIZE + 1, 0x80000000, 0xffffffff};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		words[TOTALSIZE] = bad[i];
		assert_status(check(TREE_SIZE), STATUS_OUT_OF_RANGE);
	}
}

static void fdt_check_blocks_outside(void **state)
{
	static const struct {
		size_t offset, size;
	} blocks[] = {{OFF_DT_STRUCT, SIZE_DT_STRUCT}, {OFF_DT_STRINGS, SIZE_DT_STRINGS}};

	(void)state;
	for (size_t i = 0; i < COUNT(blocks); i++) {
		setup(state);
		words[blocks[i].offset] = TREE_SIZE - 8;
		words[blocks[i].size] = 8;
		assert_status(check(TREE_SIZE), STATUS_OK);
		words[blocks[i].size] = 9;
		assert_status(check(TREE_SIZE), STATUS_OUT_OF_RANGE);
		words[blocks[i].size] = 0xffffffff;
		assert_status(check(TREE_SIZE), STATUS_OUT_OF_RANGE);
		words[blocks[i].offset] = 0xfffffff8;
		assert_status(check(TREE_SIZE), STATUS_OUT_OF_RANGE);
		words[blocks[i].size] = 8;
		assert_status(check(TREE_SIZE), STATUS_OUT_OF_RANGE);
	}
	setup(state);
	words[OFF_MEM_RSVMAP] = TREE_SIZE;
	assert_status(check(TREE_SIZE), STATUS_OUT_OF_RANGE);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, unit_teardown)

static const struct CMUnitTest tests[] = {
	TEST(fdt_check_accepts_a_tree), TEST(fdt_check_truncated_header),
	TEST(fdt_check_magic),          TEST(fdt_check_version),
	TEST(fdt_check_totalsize),      TEST(fdt_check_blocks_outside),
};

UNIT_MAIN(tests)
