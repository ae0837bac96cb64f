/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "lib/blob.h"

static uint8_t bytes[64];
static uint8_t place[256];
static unsigned maps;

static void *map(uint64_t address, uint64_t length)
{
	assert_in_range(address, (uintptr_t)place, (uintptr_t)place + sizeof(place) - length);
	maps++;
	return (void *)(uintptr_t)address;
}

static int setup(void **state)
{
	unit_setup(state);
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i + 1);
	maps = 0;
	return 0;
}

static void blob_part_of_a_blob(void **state)
{
	struct blob whole = unit_blob(bytes, sizeof(bytes));
	struct blob_pieces pieces = {.piece = {{&whole, 7, 20}}};
	struct blob part;

	(void)state;
	assert_status(blob_of_pieces(&pieces, &part), STATUS_OK);
	assert_int_equal(part.size, 20);
	assert_null(part.write);
	for (uint64_t offset = 0; offset <= 20; offset++) {
		for (uint64_t length = 0; length <= 20 - offset; length++) {
			memset(place, 0xee, sizeof(place));
			assert_status(blob_read(&part, offset, length, place), STATUS_OK);
			assert_memory_equal(place, bytes + 7 + offset, length);
			assert_int_equal(place[length], 0xee);
		}
	}
	/* 20 is no multiple of four, but nothing follows. */
	assert_int_equal(maps, 0);
	pieces.piece[0].size = 19;
	assert_status(blob_of_pieces(&pieces, &part), STATUS_OK);
	assert_int_equal(part.size, 19);
}

/* What is behind the part is in the whole, but nobody's business. */
static void blob_part_read_past_its_end(void **state)
{
	struct blob whole = unit_blob(bytes, sizeof(bytes));
	struct blob_pieces pieces = {.piece = {{&whole, 7, 20}}};
	struct blob part;

	(void)state;
	assert_status(blob_of_pieces(&pieces, &part), STATUS_OK);
	assert_status(blob_read(&part, 0, 21, place), STATUS_OUT_OF_RANGE);
	assert_status(blob_read(&part, 20, 1, place), STATUS_OUT_OF_RANGE);
	assert_status(blob_read(&part, 21, 0, place), STATUS_OUT_OF_RANGE);
	assert_status(blob_read(&part, ~0ul - 6, 1, place), STATUS_OUT_OF_RANGE);
	assert_status(blob_read(&part, 1, ~0ul, place), STATUS_OUT_OF_RANGE);
}

static void blob_part_outside_its_whole(void **state)
{
	static const uint64_t bad[][2] = {{0, 65},   {64, 1},         {65, 1},
					  {1, 64},   {~0ul, 1},       {~0ul, 2},
					  {1, ~0ul}, {63, ~0ul - 62}, {~0ul - 1, 3}};
	struct blob whole = unit_blob(bytes, sizeof(bytes));
	struct blob part, before;

	(void)state;
	memset(&part, 0x5a, sizeof(part));
	before = part;
	for (size_t i = 0; i < COUNT(bad); i++) {
		for (unsigned at = 0; at < 2; at++) {
			struct blob_pieces pieces = {.piece = {{&whole, 0, 4}, {&whole, 0, 4}}};
			pieces.piece[at] = (struct blob_piece){&whole, bad[i][0], bad[i][1]};
			assert_status(blob_of_pieces(&pieces, &part), STATUS_OUT_OF_RANGE);
			assert_memory_equal(&part, &before, sizeof(part));
		}
	}
}

static void blob_pieces_joined(void **state)
{
	struct blob first = unit_blob(bytes, 20);
	struct blob second = unit_blob(bytes + 20, 40);

	(void)state;
	for (uint64_t size = 0; size <= 8; size++) {
		struct blob_pieces pieces = {{{&first, 3, size}, {&second, 5, 11}}, map};
		uint64_t start = (size + 3) / 4 * 4;
		uint8_t expected[32] = {0};
		struct blob joined;
		memcpy(expected, bytes + 3, size);
		memcpy(expected + start, bytes + 25, 11);
		assert_status(blob_of_pieces(&pieces, &joined), STATUS_OK);
		assert_int_equal(joined.size, start + 11);
		for (uint64_t offset = 0; offset <= joined.size; offset++) {
			for (uint64_t length = 0; length <= joined.size - offset; length++) {
				memset(place, 0xee, sizeof(place));
				assert_status(blob_read(&joined, offset, length, place), STATUS_OK);
				assert_memory_equal(place, expected + offset, length);
				assert_int_equal(place[length], 0xee);
			}
		}
		assert_status(blob_read(&joined, 0, joined.size + 1, place), STATUS_OUT_OF_RANGE);
		assert_int_equal(maps != 0, size % 4 != 0);
		maps = 0;
	}
}

static void blob_without_pieces(void **state)
{
	struct blob_pieces pieces = {.map = map};
	struct blob blob;

	(void)state;
	assert_status(blob_of_pieces(&pieces, &blob), STATUS_OK);
	assert_int_equal(blob.size, 0);
	assert_status(blob_read(&blob, 0, 0, place), STATUS_OK);
	assert_status(blob_read(&blob, 0, 1, place), STATUS_OUT_OF_RANGE);
}

/* The sum of the sizes, and of what the zeros in between end at. */
static void blob_pieces_that_wrap(void **state)
{
	static const uint64_t sizes[][2] = {
		{~0ul, 0},     {~0ul - 2, 0},          {0, ~0ul},    {~0ul, 1}, {~0ul - 3, 1},
		{1, ~0ul - 3}, {1ul << 63, 1ul << 63}, {~0ul - 6, 4}};
	struct blob blob;

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct blob first = unit_blob(bytes, sizes[i][0]);
		struct blob second = unit_blob(bytes, sizes[i][1]);
		struct blob_pieces pieces = {{{&first, 0, sizes[i][0]}, {&second, 0, sizes[i][1]}},
					     map};
		assert_status(blob_of_pieces(&pieces, &blob), STATUS_TOO_LARGE);
	}
	struct blob largest = unit_blob(bytes, ~0ul - 3);
	struct blob_pieces pieces = {.piece = {{&largest, 0, ~0ul - 3}}};
	assert_status(blob_of_pieces(&pieces, &blob), STATUS_OK);
	assert_int_equal(blob.size, ~0ul - 3);
}

static void blob_pieces_that_cannot_be_read(void **state)
{
	struct blob good = unit_blob(bytes, 8);
	struct blob bad = unit_bad_blob(8, STATUS_IO);
	struct blob blob;

	(void)state;
	struct blob_pieces first = {{{&bad, 0, 6}, {&good, 0, 8}}, map};
	assert_status(blob_of_pieces(&first, &blob), STATUS_OK);
	assert_status(blob_read(&blob, 0, 16, place), STATUS_IO);
	assert_status(blob_read(&blob, 8, 8, place), STATUS_OK);
	struct blob_pieces second = {{{&good, 0, 6}, {&bad, 0, 8}}, map};
	assert_status(blob_of_pieces(&second, &blob), STATUS_OK);
	assert_status(blob_read(&blob, 0, 16, place), STATUS_IO);
	assert_status(blob_read(&blob, 0, 8, place), STATUS_OK);
}

static void blob_zeros_without_memory(void **state)
{
	struct blob good = unit_blob(bytes, 8);
	struct blob_pieces pieces = {{{&good, 0, 6}, {&good, 0, 8}}, unit_map_nothing};
	struct blob blob;

	(void)state;
	assert_status(blob_of_pieces(&pieces, &blob), STATUS_OK);
	assert_status(blob_read(&blob, 0, 16, place), STATUS_NO_MEMORY);
	assert_status(blob_read(&blob, 8, 8, place), STATUS_OK);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, unit_teardown)

static const struct CMUnitTest tests[] = {
	TEST(blob_part_of_a_blob),
	TEST(blob_part_read_past_its_end),
	TEST(blob_part_outside_its_whole),
	TEST(blob_pieces_joined),
	TEST(blob_without_pieces),
	TEST(blob_pieces_that_wrap),
	TEST(blob_pieces_that_cannot_be_read),
	TEST(blob_zeros_without_memory),
};

UNIT_MAIN(tests)
