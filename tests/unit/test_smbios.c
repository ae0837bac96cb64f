/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdlib.h>

#include "acpi/smbios.h"
#include "fwcfg/fwcfg.h"
#include "machine.h"

static uint8_t anchor[64];
static size_t anchor_size;
static uint8_t *table;
static size_t table_size;
static struct memmap map;
static struct smbios_host smbios_host;
static uint8_t entry_point[SMBIOS_ENTRY_POINT_MAX];
static struct reason why;

/* DSP0134 5.2.1, as a VMM leaves it: addresses and sums are for the firmware. */
static void anchor_2(void)
{
	memset(anchor, 0, sizeof(anchor));
	memcpy(anchor, "_SM_", 4);
	anchor[5] = 31;
	anchor[6] = 2;
	anchor[7] = 8;
	memcpy(anchor + 16, "_DMI_", 5);
	anchor[30] = 0x28;
	anchor_size = 31;
}

static void anchor_3(void)
{
	memset(anchor, 0, sizeof(anchor));
	memcpy(anchor, "_SM3_", 5);
	anchor[6] = 24;
	anchor[7] = 3;
	anchor[10] = 1;
	anchor_size = 24;
}

/* A structure of @length bytes and its strings, which may hold zeros. */
static size_t structure(uint8_t type, uint8_t length, uint16_t handle, const char *strings,
			size_t strings_size)
{
	size_t size = length + strings_size;

	table = realloc(table, table_size + size);
	assert_non_null(table);
	uint8_t *at = table + table_size;
	memset(at, 0x5a, length);
	at[0] = type;
	if (length > 1)
		at[1] = length;
	if (length > 3)
		put16(at + 2, handle);
	memcpy(at + length, strings, strings_size);
	table_size += size;
	return size;
}

static void again(void)
{
	host_reset();
	host_add_ram(0, 16 * MIB);
	memmap_init(&map);
	assert_status(memmap_add(&map, 0, 16 * MIB, MEMMAP_RAM), STATUS_OK);
	smbios_host = (struct smbios_host){
		.map = unit_map,
		.map_of_memory = &map,
		.type = MEMMAP_RESERVED,
	};
	free(table);
	table = NULL;
	table_size = 0;
	anchor_2();
}

/* What QEMU gives: no type 0. */
static void usual_table(void)
{
	structure(1, 27, 0x100, "QEMU\0Standard PC\0", 18);
	structure(16, 23, 0x1000, "\0\0", 2);
	structure(127, 4, 0x7f00, "\0\0", 2);
}

static int setup(void **state)
{
	unit_setup(state);
	again();
	return 0;
}

static int teardown(void **state)
{
	free(table);
	table = NULL;
	return unit_teardown(state);
}

static enum status place(void)
{
	struct blob anchor_blob = unit_blob(anchor, anchor_size);
	/* Of the exact size, so that ASan sees a byte too many. */
	struct blob table_blob = unit_blob(table, table_size);

	memset(entry_point, 0x77, sizeof(entry_point));
	memset(&why, 0, sizeof(why));
	enum status status =
		smbios_place(&anchor_blob, &table_blob, &smbios_host, entry_point, &why);
	if (status != STATUS_OK) {
		assert_reasoned(why);
		assert_int_equal(entry_point[0], 0x77);
	}
	return status;
}

static void refused(enum status status)
{
	assert_status(place(), status);
}

/* The table, as the entry point tells it; its sums and place are checked. */
static const uint8_t *placed(size_t *ret_size)
{
	uint64_t address;

	if (memcmp(entry_point, "_SM3_", 5) == 0) {
		assert_int_equal(unit_sum(entry_point, 24), 0);
		assert_int_equal(entry_point[6], 24);
		*ret_size = get32(entry_point + 12);
		address = get64(entry_point + 16);
	} else {
		assert_memory_equal(entry_point, "_SM_", 4);
		assert_memory_equal(entry_point + 16, "_DMI_", 5);
		assert_int_equal(unit_sum(entry_point, 31), 0);
		assert_int_equal(unit_sum(entry_point + 16, 15), 0);
		assert_int_equal(entry_point[5], 31);
		*ret_size = get16(entry_point + 22);
		address = get32(entry_point + 24);
	}
	assert_in_range(address, MIB, 16 * MIB - *ret_size);
	for (size_t i = 0; i < map.count; i++) {
		if (address >= map.entry[i].start && address < map.entry[i].end) {
			assert_int_equal(map.entry[i].type, MEMMAP_RESERVED);
			assert_true(address + *ret_size <= map.entry[i].end);
		}
	}
	return host_memory(address, *ret_size);
}

/* Walks as a kernel does; counts, and finds the largest structure. */
static size_t walk(const uint8_t *bytes, size_t size, size_t *ret_largest)
{
	size_t count = 0, at = 0;

	*ret_largest = 0;
	while (at < size) {
		size_t end = at + bytes[at + 1];
		assert_true(bytes[at + 1] >= 4 && end + 2 <= size);
		while (bytes[end] != 0 || bytes[end + 1] != 0) {
			end++;
			assert_true(end + 2 <= size);
		}
		if (end + 2 - at > *ret_largest)
			*ret_largest = end + 2 - at;
		count++;
		if (bytes[at] == 127)
			break;
		at = end + 2;
	}
	return count;
}

/* With the two zeros that end them. */
#define TYPE0_STRINGS "Slipway\0" VERSION "\0" DATE "\0"

/* DSP0134 7.1 */
static void check_type0(const uint8_t *bytes, uint16_t handle)
{
	assert_int_equal(bytes[0], 0);
	assert_int_equal(bytes[1], 24);
	assert_int_equal(get16(bytes + 2), handle);
	assert_int_equal(bytes[4], 1);
	assert_int_equal(bytes[5], 2);
	assert_int_equal(bytes[8], 3);
	assert_memory_equal(bytes + 24, TYPE0_STRINGS, sizeof(TYPE0_STRINGS));
}

static unsigned times_shown;

static void show(void *context, struct span shown_anchor, struct span shown_table)
{
	assert_ptr_equal(context, &times_shown);
	times_shown++;
	assert_int_equal(shown_anchor.size, anchor_size);
	assert_memory_equal(shown_anchor.bytes, anchor, anchor_size);
	assert_int_equal(shown_table.size, table_size);
	assert_memory_equal(shown_table.bytes, table, table_size);
}

/* Both as they came, before a type 0 comes to the table, and addresses to the anchor. */
static void smbios_shows_what_was_delivered(void **state)
{
	(void)state;
	for (unsigned version = 2; version <= 3; version++) {
		again();
		if (version == 3)
			anchor_3();
		usual_table();
		smbios_host.delivered = show;
		smbios_host.context = &times_shown;
		times_shown = 0;
		assert_status(place(), STATUS_OK);
		assert_int_equal(times_shown, 1);
		assert_memory_not_equal(entry_point, anchor, anchor_size);
	}
	/* Where there is no memory for it, it has not been delivered. */
	again();
	usual_table();
	smbios_host.map = unit_map_nothing;
	smbios_host.delivered = show;
	times_shown = 0;
	refused(STATUS_NO_MEMORY);
	assert_int_equal(times_shown, 0);
}

static void smbios_2_without_type_0(void **state)
{
	size_t size, largest;

	(void)state;
	usual_table();
	assert_status(place(), STATUS_OK);
	const uint8_t *bytes = placed(&size);
	check_type0(bytes, 0x7f01);
	/* Theirs follows, unchanged, up to the end. */
	assert_memory_equal(bytes + size - table_size, table, table_size);
	assert_int_equal(size - table_size, 24 + sizeof(TYPE0_STRINGS));
	assert_int_equal(walk(bytes, size, &largest), 4);
	assert_int_equal(get16(entry_point + 28), 4);
	assert_int_equal(get16(entry_point + 8), largest);
	assert_int_equal(entry_point[6], 2);
	assert_int_equal(entry_point[7], 8);
	assert_int_equal(entry_point[30], 0x28);
}

static void smbios_2_with_type_0(void **state)
{
	size_t size, largest;

	(void)state;
	structure(0, 24, 0,
		  "Theirs\0"
		  "9.9\0",
		  12);
	usual_table();
	assert_status(place(), STATUS_OK);
	const uint8_t *bytes = placed(&size);
	assert_int_equal(size, table_size);
	assert_memory_equal(bytes, table, table_size);
	assert_int_equal(get16(entry_point + 28), 4);
	assert_int_equal(walk(bytes, size, &largest), 4);
	assert_int_equal(get16(entry_point + 8), largest);
}

static void smbios_3_without_type_0(void **state)
{
	size_t size, largest;

	(void)state;
	anchor_3();
	usual_table();
	assert_status(place(), STATUS_OK);
	const uint8_t *bytes = placed(&size);
	check_type0(bytes, 0x7f01);
	assert_int_equal(walk(bytes, size, &largest), 4);
	assert_int_equal(entry_point[7], 3);
	assert_int_equal(entry_point[10], 1);
}

static void smbios_3_with_type_0(void **state)
{
	size_t size;

	(void)state;
	anchor_3();
	structure(0, 24, 0,
		  "Theirs\0"
		  "9.9\0",
		  12);
	usual_table();
	assert_status(place(), STATUS_OK);
	assert_memory_equal(placed(&size), table, table_size);
	assert_int_equal(size, table_size);
}

static void smbios_anchor_size(void **state)
{
	(void)state;
	usual_table();
	static const size_t bad_2[] = {0, 1, 4, 23, 33, 64};
	for (size_t i = 0; i < COUNT(bad_2); i++) {
		anchor_size = bad_2[i];
		refused(STATUS_BAD_FORMAT);
	}
	anchor_3();
	for (size_t i = 0; i < COUNT(bad_2); i++) {
		anchor_size = bad_2[i];
		refused(STATUS_BAD_FORMAT);
	}
}

/* An entry point of version 2 has 31 bytes, or it lacks its second half. */
static void smbios_2_anchor_truncated(void **state)
{
	(void)state;
	usual_table();
	for (anchor_size = 24; anchor_size < 31; anchor_size++)
		assert_int_not_equal(place(), STATUS_OK);
}

static void smbios_anchor_signature(void **state)
{
	(void)state;
	usual_table();
	anchor[0] = '-';
	refused(STATUS_BAD_FORMAT);
	memcpy(anchor, "_SM4_", 5);
	refused(STATUS_BAD_FORMAT);
}

/* Linux takes no entry point of version 2 without it. */
static void smbios_2_intermediate_anchor(void **state)
{
	(void)state;
	usual_table();
	anchor[16] = '-';
	assert_int_not_equal(place(), STATUS_OK);
}

static void smbios_cannot_be_read(void **state)
{
	(void)state;
	usual_table();
	struct blob good_anchor = unit_blob(anchor, anchor_size);
	struct blob good_table = unit_blob(table, table_size);
	struct blob bad_anchor = unit_bad_blob(anchor_size, STATUS_IO);
	struct blob bad_table = unit_bad_blob(table_size, STATUS_TIMEOUT);
	assert_status(smbios_place(&bad_anchor, &good_table, &smbios_host, entry_point, &why),
		      STATUS_IO);
	assert_reasoned(why);
	assert_status(smbios_place(&good_anchor, &bad_table, &smbios_host, entry_point, &why),
		      STATUS_TIMEOUT);
	assert_reasoned(why);
}

static void smbios_truncated_at_each_byte(void **state)
{
	(void)state;
	usual_table();
	size_t whole = table_size, first = 27 + 18, second = first + 23 + 2;
	for (size_t size = whole - 1; size > 0; size--) {
		table = realloc(table, size);
		assert_non_null(table);
		table_size = size;
		if (size == first || size == second)
			assert_status(place(), STATUS_OK);
		else
			refused(STATUS_BAD_FORMAT);
	}
}

static void smbios_structure_length(void **state)
{
	(void)state;
	for (unsigned length = 0; length < 4; length++) {
		again();
		usual_table();
		table[1] = (uint8_t)length;
		refused(STATUS_BAD_FORMAT);
	}
	again();
	structure(1, 255, 1, "\0\0", 2);
	assert_status(place(), STATUS_OK);
	again();
	structure(1, 200, 1, "\0\0", 2);
	table[1] = 201;
	refused(STATUS_BAD_FORMAT);
	table[1] = 255;
	refused(STATUS_BAD_FORMAT);
}

static void smbios_strings_without_end(void **state)
{
	(void)state;
	structure(1, 8, 1, "abc\0def", 7);
	refused(STATUS_BAD_FORMAT);
	again();
	structure(1, 8, 1, "abc\0def\0", 8);
	refused(STATUS_BAD_FORMAT);
	again();
	structure(1, 8, 1, "\0", 1);
	refused(STATUS_BAD_FORMAT);
	again();
	structure(1, 8, 1, "abc\0def\0", 9);
	assert_status(place(), STATUS_OK);
}

/* What follows the end-of-table structure is nobody's to read. */
static void smbios_bytes_after_the_end(void **state)
{
	(void)state;
	usual_table();
	structure(1, 1, 0, "", 0);
	assert_status(place(), STATUS_OK);
}

static void smbios_table_size(void **state)
{
	(void)state;
	table = malloc(1);
	refused(STATUS_BAD_FORMAT);
	struct blob good_anchor = unit_blob(anchor, anchor_size);
	static const uint64_t sizes[] = {0x100001, 0xffffffff, 1ul << 40, UINT64_MAX};
	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct blob large = unit_bad_blob(sizes[i], STATUS_IO);
		assert_status(smbios_place(&good_anchor, &large, &smbios_host, entry_point, &why),
			      STATUS_TOO_LARGE);
		assert_reasoned(why);
	}
}

/* The fields of version 2 have 16 bits, and so does each structure. */
static void smbios_2_table_of_64k(void **state)
{
	static char strings[0x10000];

	(void)state;
	memset(strings, 's', sizeof(strings));
	memset(strings + 0x7ffe, 0, 2);
	/* With the type 0 structure, 50 bytes more than there is room for. */
	structure(1, 8, 1, strings, 0x8000);
	memset(strings + 0x7fe0, 0, 2);
	structure(1, 8, 2, strings, 0x7fe2);
	refused(STATUS_TOO_LARGE);
	anchor_3();
	assert_status(place(), STATUS_OK);
}

static void smbios_structure_of_64k(void **state)
{
	static char strings[0x10000];

	(void)state;
	anchor_3();
	memset(strings, 's', sizeof(strings));
	memset(strings + 0xfff5, 0, 2);
	structure(1, 8, 1, strings, 0xfff7);
	assert_status(place(), STATUS_OK);
	again();
	anchor_3();
	memset(strings + 0xfff5, 's', 2);
	memset(strings + 0xfff6, 0, 2);
	structure(1, 8, 1, strings, 0xfff8);
	refused(STATUS_TOO_LARGE);
}

static void smbios_without_memory(void **state)
{
	(void)state;
	usual_table();
	memmap_init(&map);
	refused(STATUS_NO_MEMORY);
	again();
	usual_table();
	smbios_host.map = unit_map_nothing;
	refused(STATUS_NO_MEMORY);
}

/* A handle that is the highest leaves none above it, but others may be free. */
static void smbios_handles_in_use(void **state)
{
	size_t size;

	(void)state;
	structure(1, 27, 0xfffe, "\0\0", 2);
	assert_status(place(), STATUS_OK);
	const uint8_t *bytes = placed(&size);
	assert_int_not_equal(get16(bytes + 2), 0xfffe);
	again();
	structure(1, 27, 0xffff, "\0\0", 2);
	enum status status = place();
	if (status == STATUS_OK)
		assert_int_not_equal(get16(placed(&size) + 2), 0xffff);
	else
		assert_status(status, STATUS_TOO_LARGE);
}

static void smbios_random_tables(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 3000; round++) {
		size_t size;
		again();
		if (round % 2 == 0)
			anchor_3();
		structure(0, 24, 0,
			  "Theirs\0"
			  "9.9\0",
			  12);
		usual_table();
		for (uint64_t n = 1 + unit_random_below(5); n > 0; n--)
			table[unit_random_below(table_size)] = (uint8_t)unit_random_below(40);
		if (place() != STATUS_OK)
			continue;
		size_t largest;
		const uint8_t *bytes = placed(&size);
		walk(bytes, size, &largest);
	}
}

static struct fwcfg fwcfg;

static void check_recording(const char *name)
{
	const struct fwcfg_device qemu = {.dma = true, .qemu_if_dma = true};
	struct name anchor_name = unit_name("etc/smbios/smbios-anchor");
	struct name table_name = unit_name("etc/smbios/smbios-tables");
	struct blob anchor_blob, table_blob;
	size_t size, largest;

	again();
	host_add_fwcfg(HOST_FWCFG_QEMU);
	machine_add_recording(name);
	assert_status(fwcfg_open(&fwcfg, &qemu), STATUS_OK);
	assert_status(fwcfg_read_directory(&fwcfg, &why), STATUS_OK);
	assert_true(fwcfg_find(&fwcfg, anchor_name.text, &anchor_blob));
	assert_true(fwcfg_find(&fwcfg, table_name.text, &table_blob));
	assert_status(smbios_place(&anchor_blob, &table_blob, &smbios_host, entry_point, &why),
		      STATUS_OK);
	const uint8_t *bytes = placed(&size);
	assert_int_equal(bytes[0], 0);
	assert_non_null(memmem(bytes, size, "Slipway", 7));
	size_t count = walk(bytes, size, &largest);
	assert_in_range(count, 5, 100);
	if (memcmp(entry_point, "_SM3_", 5) != 0) {
		assert_int_equal(get16(entry_point + 28), count);
		assert_int_equal(get16(entry_point + 8), largest);
	}
}

static void smbios_recorded(void **state)
{
	(void)state;
	check_recording("q35-7.2");
	check_recording("q35-10.0");
	check_recording("pc-7.2");
	check_recording("pc-10.0");
}

/* As many as an entry point can count; then ours is not added, and one more is too many. */
static void smbios_of_the_most_structures(void **state)
{
	static const struct {
		size_t count;
		enum status status;
		bool added;
	} cases[] = {
		{UINT16_MAX - 1, STATUS_OK, true},
		{UINT16_MAX, STATUS_OK, false},
		{UINT16_MAX + 1, STATUS_TOO_LARGE, false},
	};
	enum { SIZE = 6 };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		size_t size, largest;
		again();
		anchor_3();
		table_size = cases[i].count * SIZE;
		table = calloc(cases[i].count, SIZE);
		assert_non_null(table);
		for (size_t at = 0; at < table_size; at += SIZE)
			memcpy(table + at, "\1\4\7", 3);
		assert_status(place(), cases[i].status);
		if (cases[i].status != STATUS_OK)
			continue;
		const uint8_t *bytes = placed(&size);
		assert_int_equal(walk(bytes, size, &largest), UINT16_MAX);
		assert_int_equal(bytes[0], cases[i].added ? 0 : 1);
		assert_memory_equal(bytes + size - table_size, table, table_size);
	}
}

/* The last handle that a VMM may give is in use: there is no number for ours. */
static void smbios_no_handle_is_left(void **state)
{
	(void)state;
	for (uint16_t left = 0; left < 2; left++) {
		size_t size;
		again();
		structure(1, 27, (uint16_t)(0xfeff - left), "\0\0", 2);
		assert_status(place(), STATUS_OK);
		const uint8_t *bytes = placed(&size);
		assert_int_equal(bytes[0], left != 0 ? 0 : 1);
		if (left != 0)
			check_type0(bytes, 0xfeff);
		else
			assert_int_equal(size, table_size);
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

static const struct CMUnitTest tests[] = {
	TEST(smbios_shows_what_was_delivered),
	TEST(smbios_2_without_type_0),
	TEST(smbios_2_with_type_0),
	TEST(smbios_3_without_type_0),
	TEST(smbios_3_with_type_0),
	TEST(smbios_anchor_size),
	TEST(smbios_2_anchor_truncated),
	TEST(smbios_anchor_signature),
	TEST(smbios_2_intermediate_anchor),
	TEST(smbios_cannot_be_read),
	TEST(smbios_truncated_at_each_byte),
	TEST(smbios_structure_length),
	TEST(smbios_strings_without_end),
	TEST(smbios_bytes_after_the_end),
	TEST(smbios_table_size),
	TEST(smbios_2_table_of_64k),
	TEST(smbios_structure_of_64k),
	TEST(smbios_without_memory),
	TEST(smbios_no_handle_is_left),
	TEST(smbios_handles_in_use),
	TEST(smbios_of_the_most_structures),
	TEST(smbios_random_tables),
	TEST(smbios_recorded),
};

UNIT_MAIN(tests)
