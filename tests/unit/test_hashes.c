/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "measure/hashes.h"
#include "unit.h"

/* The hash table of confidential VMs, as QEMU makes it, and in each wrong shape. */

#define HEADER     18
#define ENTRY      50
#define TABLE_SIZE (HEADER + 3 * ENTRY)
#define BLOCK_SIZE 0x400

static const uint8_t table_guid[16] = {0x06, 0xd6, 0x38, 0x94, 0x22, 0x4f, 0xc9, 0x4c,
				       0xb4, 0x79, 0xa7, 0x93, 0xd4, 0x11, 0xfd, 0x21};
static const uint8_t guids[HASHES_BLOBS][16] = {
	[HASHES_KERNEL] = {0x37, 0x94, 0xe7, 0x4d, 0xd2, 0xab, 0x7f, 0x42, 0xb8, 0x35, 0xd5, 0xb1,
			   0x72, 0xd2, 0x04, 0x5b},
	[HASHES_INITRD] = {0x31, 0xf7, 0xba, 0x44, 0x2f, 0x3a, 0xd7, 0x4b, 0x9a, 0xf1, 0x41, 0xe2,
			   0x91, 0x69, 0x78, 0x1d},
	[HASHES_CMDLINE] = {0xd8, 0x2d, 0xd0, 0x97, 0x20, 0xbd, 0x94, 0x4c, 0xaa, 0x78, 0xe7, 0x71,
			    0x4d, 0x36, 0xab, 0x2a},
};

static uint8_t block[BLOCK_SIZE];
static struct hashes hashes;
static struct reason why;

static uint8_t *entry_at(unsigned index)
{
	return block + HEADER + index * ENTRY;
}

static void put_entry(unsigned index, enum hashes_blob blob)
{
	uint8_t *entry = entry_at(index);

	memcpy(entry, guids[blob], 16);
	put16(entry + 16, ENTRY);
	memset(entry + HEADER, 0x10 + (int)blob, HASHES_DIGEST_SIZE);
}

/* Header and three entries in this order, then zeros. */
static void make_table(enum hashes_blob first, enum hashes_blob second, enum hashes_blob third)
{
	memset(block, 0, sizeof(block));
	memcpy(block, table_guid, 16);
	put16(block + 16, TABLE_SIZE);
	put_entry(0, first);
	put_entry(1, second);
	put_entry(2, third);
}

static void make_qemus_table(void)
{
	make_table(HASHES_CMDLINE, HASHES_INITRD, HASHES_KERNEL);
}

/* From memory that ends where the block does. */
static enum status parse(size_t size)
{
	uint8_t *copy = malloc(size + 1);

	assert_non_null(copy);
	memcpy(copy + 1, block, size);
	memset(&hashes, 0xee, sizeof(hashes));
	why.text[0] = '\0';
	enum status status = hashes_parse((struct span){copy + 1, size}, &hashes, &why);
	free(copy);
	return status;
}

static void found(size_t size)
{
	uint8_t expected[HASHES_DIGEST_SIZE];

	assert_status(parse(size), STATUS_OK);
	for (unsigned blob = 0; blob < HASHES_BLOBS; blob++) {
		memset(expected, 0x10 + (int)blob, sizeof(expected));
		assert_memory_equal(hashes.digest[blob], expected, sizeof(expected));
	}
}

static void check_untouched(void)
{
	const uint8_t *bytes = (const uint8_t *)&hashes;

	for (size_t i = 0; i < sizeof(hashes); i++)
		assert_int_equal(bytes[i], 0xee);
}

static void none(size_t size)
{
	assert_status(parse(size), STATUS_NOT_FOUND);
	assert_string_equal(why.text, "");
	check_untouched();
}

static void refused(enum status status, const char *reason)
{
	assert_status(parse(BLOCK_SIZE), status);
	assert_string_equal(why.text, reason);
	check_untouched();
}

static void hashes_of_qemus_table(void **state)
{
	(void)state;
	make_qemus_table();
	found(BLOCK_SIZE);
	/* QEMU pads it to 176 bytes; a table at the end of its block is whole, too. */
	found(176);
	found(TABLE_SIZE);
}

static void hashes_in_any_order(void **state)
{
	(void)state;
	for (unsigned first = 0; first < HASHES_BLOBS; first++) {
		for (unsigned second = 0; second < HASHES_BLOBS; second++) {
			if (first == second)
				continue;
			make_table(first, second, HASHES_BLOBS - first - second);
			found(BLOCK_SIZE);
		}
	}
}

static void hashes_behind_the_table_nothing_counts(void **state)
{
	(void)state;
	make_qemus_table();
	memset(block + TABLE_SIZE, 0xa5, BLOCK_SIZE - TABLE_SIZE);
	found(BLOCK_SIZE);
}

static void hashes_of_no_table(void **state)
{
	(void)state;
	memset(block, 0, sizeof(block));
	none(BLOCK_SIZE);
	none(0);
	/* What another system left there. */
	for (unsigned i = 0; i < 100; i++) {
		unit_random_bytes(block, sizeof(block));
		none(BLOCK_SIZE);
	}
}

static void hashes_block_too_short_for_a_table(void **state)
{
	(void)state;
	make_qemus_table();
	for (size_t size = 0; size < HASHES_START_SIZE; size++)
		none(size);
	assert_status(parse(HASHES_START_SIZE), STATUS_OUT_OF_RANGE);
	assert_string_equal(why.text, "the hash table's length is 168, in a block of 68");
}

static void hashes_header_guid(void **state)
{
	(void)state;
	for (unsigned bit = 0; bit < 128; bit++) {
		for (unsigned first = 0; first < HASHES_BLOBS; first++) {
			make_table(first, (first + 1) % 3, (first + 2) % 3);
			block[bit / 8] ^= (uint8_t)(1u << bit % 8);
			refused(STATUS_BAD_FORMAT, "the hash table has another GUID in its header");
		}
	}
}

static void hashes_header_guid_of_zeros(void **state)
{
	(void)state;
	make_qemus_table();
	memset(block, 0, 16);
	refused(STATUS_BAD_FORMAT, "the hash table has another GUID in its header");
}

static void hashes_length_outside_block(void **state)
{
	char text[REASON_SIZE];

	(void)state;
	for (unsigned length = 0; length <= UINT16_MAX; length++) {
		if (length >= HEADER && length <= BLOCK_SIZE)
			continue;
		make_qemus_table();
		put16(block + 16, (uint16_t)length);
		snprintf(text, sizeof(text), "the hash table's length is %u, in a block of 1024",
			 length);
		refused(STATUS_OUT_OF_RANGE, text);
	}
}

/* A length that cuts entries off: those before it are read, and what is missing is named. */
static void hashes_entry_missing(void **state)
{
	(void)state;
	make_qemus_table();
	put16(block + 16, HEADER + 2 * ENTRY);
	refused(STATUS_BAD_FORMAT, "the hash table has no entry for the kernel");
	put16(block + 16, HEADER);
	refused(STATUS_BAD_FORMAT, "the hash table has no entry for the kernel");
	make_table(HASHES_KERNEL, HASHES_CMDLINE, HASHES_INITRD);
	put16(block + 16, HEADER + 2 * ENTRY);
	refused(STATUS_BAD_FORMAT, "the hash table has no entry for the initrd");
	make_table(HASHES_INITRD, HASHES_KERNEL, HASHES_CMDLINE);
	put16(block + 16, HEADER + 2 * ENTRY);
	refused(STATUS_BAD_FORMAT, "the hash table has no entry for the command line");
}

static void hashes_end_inside_an_entry(void **state)
{
	char text[REASON_SIZE];

	(void)state;
	make_qemus_table();
	for (unsigned length = HEADER + 1; length < TABLE_SIZE + ENTRY; length++) {
		unsigned at = length - (length - HEADER) % ENTRY;
		if (length == at)
			continue;
		put16(block + 16, (uint16_t)length);
		snprintf(text, sizeof(text), "the hash table ends inside its entry at %u", at);
		refused(STATUS_TRUNCATED, text);
	}
}

static void hashes_unknown_entry(void **state)
{
	char text[REASON_SIZE];

	(void)state;
	for (unsigned index = 0; index < 3; index++) {
		snprintf(text, sizeof(text), "the hash table's entry at %u has an unknown GUID",
			 HEADER + index * ENTRY);
		for (unsigned bit = 0; bit < 128; bit++) {
			make_qemus_table();
			entry_at(index)[bit / 8] ^= (uint8_t)(1u << bit % 8);
			refused(STATUS_BAD_FORMAT, text);
		}
	}
}

/* The three are there, and one that we do not know, sound by itself. */
static void hashes_unknown_entry_more(void **state)
{
	(void)state;
	make_qemus_table();
	put16(block + 16, TABLE_SIZE + ENTRY);
	memset(entry_at(3), 0x77, ENTRY);
	put16(entry_at(3) + 16, ENTRY);
	refused(STATUS_BAD_FORMAT, "the hash table's entry at 168 has an unknown GUID");
}

static void hashes_entry_length(void **state)
{
	static const char *const names[] = {"command line", "initrd", "kernel"};
	static const uint16_t lengths[] = {0, 1, 18, 49, 51, 100, 0x3200, 0xffff};
	char text[REASON_SIZE];

	(void)state;
	for (unsigned index = 0; index < 3; index++) {
		for (unsigned i = 0; i < COUNT(lengths); i++) {
			make_qemus_table();
			put16(entry_at(index) + 16, lengths[i]);
			snprintf(text, sizeof(text),
				 "the hash table's entry for the %s has %u bytes", names[index],
				 lengths[i]);
			refused(STATUS_BAD_FORMAT, text);
		}
	}
}

static void hashes_entry_doubled(void **state)
{
	(void)state;
	make_table(HASHES_KERNEL, HASHES_INITRD, HASHES_KERNEL);
	refused(STATUS_BAD_FORMAT, "the hash table has two entries for the kernel");
	make_table(HASHES_INITRD, HASHES_INITRD, HASHES_KERNEL);
	refused(STATUS_BAD_FORMAT, "the hash table has two entries for the initrd");
	make_qemus_table();
	put16(block + 16, TABLE_SIZE + ENTRY);
	put_entry(3, HASHES_CMDLINE);
	refused(STATUS_BAD_FORMAT, "the hash table has two entries for the command line");
}

static void hashes_check_digests(void **state)
{
	static const char *const names[HASHES_BLOBS] = {"kernel", "initrd", "command line"};
	uint8_t digest[HASHES_DIGEST_SIZE];
	char text[REASON_SIZE];

	(void)state;
	make_qemus_table();
	found(BLOCK_SIZE);
	for (unsigned blob = 0; blob < HASHES_BLOBS; blob++) {
		memset(digest, 0x10 + (int)blob, sizeof(digest));
		assert_status(hashes_check(&hashes, blob, digest, &why), STATUS_OK);
		for (unsigned bit = 0; bit < 256; bit++) {
			digest[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_status(hashes_check(&hashes, blob, digest, &why), STATUS_MISMATCH);
			digest[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
		for (unsigned i = 0; i < sizeof(digest); i++)
			digest[i] = (uint8_t)(0xf0 + i);
		snprintf(text, sizeof(text),
			 "the %s's SHA-256 is f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff00010203040506070809"
			 "0a0b0c0d0e0f, not the hash table's",
			 names[blob]);
		assert_status(hashes_check(&hashes, blob, digest, &why), STATUS_MISMATCH);
		assert_string_equal(why.text, text);
	}
}

static const struct CMUnitTest tests[] = {
	UNIT_TEST(hashes_of_qemus_table),
	UNIT_TEST(hashes_in_any_order),
	UNIT_TEST(hashes_behind_the_table_nothing_counts),
	UNIT_TEST(hashes_of_no_table),
	UNIT_TEST(hashes_block_too_short_for_a_table),
	UNIT_TEST(hashes_header_guid),
	UNIT_TEST(hashes_header_guid_of_zeros),
	UNIT_TEST(hashes_length_outside_block),
	UNIT_TEST(hashes_entry_missing),
	UNIT_TEST(hashes_end_inside_an_entry),
	UNIT_TEST(hashes_unknown_entry),
	UNIT_TEST(hashes_unknown_entry_more),
	UNIT_TEST(hashes_entry_length),
	UNIT_TEST(hashes_entry_doubled),
	UNIT_TEST(hashes_check_digests),
};

UNIT_MAIN(tests)
