/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "acpi/script.h"
#include "arch/machine.h"
#include "fwcfg/fwcfg.h"
#include "machine.h"

/* Commands as QEMU's hw/acpi/bios-linker-loader.c lays them out. */
#define ENTRY_SIZE  128
#define ENTRIES_MAX 64

#define LOW_START 0xe0000ul
#define LOW_END   0xf0000ul
#define RAM_END   (32 * MIB)

static uint8_t script[ENTRIES_MAX * ENTRY_SIZE];
static size_t entries;
static struct memmap map;
static struct acpi_files files;
static struct reason why;

/* Files that the VMM offers. */
static struct offered {
	const char *name;
	const uint8_t *bytes;
	uint64_t size;
	bool writable, bad;
	uint8_t written[64];
	size_t writes;
} offered[8];
static size_t offers;

static struct acpi_host acpi_host;

static enum status write_back(const struct blob *blob, uint64_t offset, uint64_t length,
			      uint64_t from)
{
	struct offered *file = &offered[blob->key];

	assert_true(offset + length <= blob->size && offset + length <= sizeof(file->written));
	if (file->bad)
		return STATUS_IO;
	memcpy(file->written + offset, host_memory(from, length), length);
	file->writes++;
	return STATUS_OK;
}

static bool find(void *context, const struct name *name, struct blob *ret_blob)
{
	(void)context;
	for (size_t i = 0; i < offers; i++) {
		if (strncmp(offered[i].name, name->text, sizeof(name->text)) != 0)
			continue;
		*ret_blob = offered[i].bad && offered[i].bytes != NULL
				    ? unit_bad_blob(offered[i].size, STATUS_IO)
				    : unit_blob(offered[i].bytes, offered[i].size);
		ret_blob->key = (uint32_t)i;
		if (offered[i].writable)
			ret_blob->write = write_back;
		return true;
	}
	return false;
}

/* A new machine, with no script and no files. */
static void again(void)
{
	host_reset();
	host_add_ram(0, RAM_END);
	host_claim(LOW_START, LOW_END - LOW_START);
	memmap_init(&map);
	assert_status(memmap_add(&map, 0, RAM_END, MEMMAP_RAM), STATUS_OK);
	assert_status(memmap_add(&map, 0xa0000, 0x60000, MEMMAP_RESERVED), STATUS_OK);
	memset(script, 0, sizeof(script));
	memset(offered, 0, sizeof(offered));
	entries = offers = 0;
	acpi_host = (struct acpi_host){
		.find = find,
		.map = unit_map,
		.map_of_memory = &map,
		.type = MEMMAP_ACPI,
		.low_start = LOW_START,
		.low_end = LOW_END,
		.log = &unit_log,
	};
}

static int setup(void **state)
{
	unit_setup(state);
	again();
	return 0;
}

static struct offered *offer(const char *name, const void *bytes, uint64_t size)
{
	offered[offers] = (struct offered){.name = name, .bytes = bytes, .size = size};
	return &offered[offers++];
}

static uint8_t *command(uint32_t number)
{
	uint8_t *entry = script + ENTRY_SIZE * entries++;

	assert_true(entries <= ENTRIES_MAX);
	put32(entry, number);
	return entry;
}

/* Names fill their field and lack an end when they are that long. */
static void put_name(uint8_t *at, const char *name)
{
	memset(at, 0, 56);
	memcpy(at, name, strnlen(name, 56));
}

enum { HIGH = 1, FSEG = 2 };

static void allocate(const char *file, uint32_t alignment, uint8_t zone)
{
	uint8_t *entry = command(1);

	put_name(entry + 4, file);
	put32(entry + 60, alignment);
	entry[64] = zone;
}

static void add_pointer(const char *dest, const char *src, uint32_t offset, uint8_t size)
{
	uint8_t *entry = command(2);

	put_name(entry + 4, dest);
	put_name(entry + 60, src);
	put32(entry + 116, offset);
	entry[120] = size;
}

static void add_checksum(const char *file, uint32_t offset, uint32_t start, uint32_t length)
{
	uint8_t *entry = command(3);

	put_name(entry + 4, file);
	put32(entry + 60, offset);
	put32(entry + 64, start);
	put32(entry + 68, length);
}

static void write_pointer(const char *dest, const char *src, uint32_t dest_offset,
			  uint32_t src_offset, uint8_t size)
{
	uint8_t *entry = command(4);

	put_name(entry + 4, dest);
	put_name(entry + 60, src);
	put32(entry + 116, dest_offset);
	put32(entry + 120, src_offset);
	entry[124] = size;
}

static enum status run_bytes(size_t size)
{
	/* Of the exact size, so that ASan sees a byte too many. */
	uint8_t *copy = malloc(size + 1);

	assert_non_null(copy);
	memcpy(copy, script, size);
	copy = realloc(copy, size + (size == 0));
	struct blob blob = unit_blob(copy, size);
	memset(&why, 0, sizeof(why));
	enum status status = acpi_run_script(&blob, &acpi_host, &files, &why);
	if (status != STATUS_OK)
		assert_reasoned(why);
	free(copy);
	return status;
}

static enum status run(void)
{
	return run_bytes(entries * ENTRY_SIZE);
}

static void runs(void)
{
	enum status status = run();

	if (status != STATUS_OK)
		print_error("%s\n", why.text);
	assert_status(status, STATUS_OK);
}

/* -- the script itself ----------------------------------------------------------- */

static void script_of_padding(void **state)
{
	(void)state;
	entries = 32;
	runs();
	assert_int_equal(files.count, 0);
	assert_string_equal(host.console, "");
}

static void script_unknown_command_is_skipped(void **state)
{
	static const uint32_t unknown[] = {5, 0x80, 0x80000001, 0xffffffff};

	(void)state;
	offer("tables", "12345678", 8);
	for (size_t i = 0; i < COUNT(unknown); i++)
		memset(command(unknown[i]) + 4, 0xff, ENTRY_SIZE - 4);
	allocate("tables", 16, HIGH);
	runs();
	assert_int_equal(files.count, 1);
	assert_non_null(strstr(host.console, "unknown"));
}

static void script_size(void **state)
{
	static const size_t sizes[] = {1, 4, 64, 127, 129, 255, 1000};

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++)
		assert_status(run_bytes(sizes[i]), STATUS_TRUNCATED);
	assert_status(run_bytes(0), STATUS_TRUNCATED);
}

static void script_too_large(void **state)
{
	(void)state;
	struct blob blob = unit_bad_blob(0x100000 + ENTRY_SIZE, STATUS_IO);
	assert_status(acpi_run_script(&blob, &acpi_host, &files, &why), STATUS_TOO_LARGE);
	blob.size = 1ul << 63;
	assert_status(acpi_run_script(&blob, &acpi_host, &files, &why), STATUS_TOO_LARGE);
}

static void script_cannot_be_read(void **state)
{
	(void)state;
	struct blob blob = unit_bad_blob(ENTRY_SIZE, STATUS_TIMEOUT);
	assert_status(acpi_run_script(&blob, &acpi_host, &files, &why), STATUS_TIMEOUT);
	assert_reasoned(why);
	assert_int_equal(files.count, 0);
}

/*
 * Rulings 3: what a VMM may have left below 0x30000, among it the hash block at
 * 0x10c00, is not overwritten, however long the script.
 */
static void script_keeps_off_low_memory_of_others(void **state)
{
	(void)state;
	static const size_t sizes[] = {ENTRY_SIZE, 0x1000, 0x6000, 0xf000, 0x10000, 0x20000};
	static const uint8_t padding[0x20000];
	for (size_t i = 0; i < COUNT(sizes); i++) {
		again();
		struct blob blob = unit_blob(padding, sizes[i]);
		assert_status(acpi_run_script(&blob, &acpi_host, &files, &why), STATUS_OK);
		for (uint64_t page = 0; page < 0x30000; page += 0x1000) {
			bool others = (page >= 0x6000 && page < 0x8000) || page == 0x10000 ||
				      page >= 0x20000;
			if (others)
				assert_status(memmap_claim(&map, page, 0x1000, MEMMAP_KERNEL),
					      STATUS_OK);
		}
	}
}

/* -- ALLOCATE -------------------------------------------------------------------- */

static uint32_t type_at(uint64_t address)
{
	for (size_t i = 0; i < map.count; i++) {
		if (address >= map.entry[i].start && address < map.entry[i].end)
			return (uint32_t)map.entry[i].type;
	}
	return 0;
}

static void script_allocate_in_both_zones(void **state)
{
	(void)state;
	uint8_t *tables = malloc(0x21234);
	assert_non_null(tables);
	unit_random_bytes(tables, 0x21234);
	offer("high", tables, 0x21234);
	offer("low", "the root pointer", 16);
	offer("low too", "another", 7);
	allocate("high", 64, HIGH);
	allocate("low", 16, FSEG);
	allocate("low too", 16, FSEG);
	runs();
	assert_int_equal(files.count, 3);
	assert_int_equal(files.file[0].address % 64, 0);
	assert_in_range(files.file[0].address, MIB, RAM_END - 0x21234);
	assert_int_equal(files.file[0].size, 0x21234);
	assert_memory_equal(files.file[0].bytes, tables, 0x21234);
	assert_ptr_equal(files.file[0].bytes, host_memory(files.file[0].address, 1));
	/* Whole pages of it, to the last byte, and no more. */
	assert_int_equal(type_at(files.file[0].address), MEMMAP_ACPI);
	assert_int_equal(type_at(files.file[0].address + 0x21fff), MEMMAP_ACPI);
	assert_int_equal(type_at(files.file[0].address - 1), MEMMAP_RAM);
	assert_int_equal(files.file[1].address, LOW_START);
	assert_memory_equal(files.file[1].bytes, "the root pointer", 16);
	assert_int_equal(files.file[2].address, LOW_START + 16);
	free(tables);
}

#define SHOWN_MAX 4

/* What was shown, as it was at that moment. */
static struct {
	char name[56];
	uint8_t bytes[16];
	size_t size;
} shown[SHOWN_MAX];
static size_t shown_count;

static void show(void *context, const char *name, struct span content)
{
	assert_ptr_equal(context, &shown_count);
	assert_true(shown_count < SHOWN_MAX && content.size <= sizeof(shown[0].bytes));
	strncpy(shown[shown_count].name, name, sizeof(shown[0].name) - 1);
	memcpy(shown[shown_count].bytes, content.bytes, content.size);
	shown[shown_count++].size = content.size;
}

/* Each file that is placed is shown once, before the script changes it. */
static void script_shows_what_was_delivered(void **state)
{
	static const char *const names[] = {"first", "second"};
	static const uint8_t first[16] = {1, 2, 3}, second[12] = {4, 5, 6};

	(void)state;
	shown_count = 0;
	acpi_host.delivered = show;
	acpi_host.context = &shown_count;
	offer("first", first, sizeof(first));
	offer("other", "not placed", 10);
	offer("second", second, sizeof(second));
	allocate("first", 16, HIGH);
	add_pointer("first", "first", 8, 8);
	add_checksum("first", 0, 0, sizeof(first));
	allocate("second", 16, FSEG);
	add_pointer("second", "first", 4, 4);
	add_pointer("first", "second", 4, 4);
	runs();
	assert_int_equal(shown_count, COUNT(names));
	for (size_t i = 0; i < COUNT(names); i++) {
		assert_string_equal(shown[i].name, names[i]);
		assert_int_equal(shown[i].size, i == 0 ? sizeof(first) : sizeof(second));
		assert_memory_equal(shown[i].bytes, i == 0 ? first : second, shown[i].size);
		assert_memory_not_equal(files.file[i].bytes, shown[i].bytes, shown[i].size);
	}
	/* One that cannot be read is not there. */
	again();
	shown_count = 0;
	acpi_host.delivered = show;
	acpi_host.context = &shown_count;
	offer("first", first, sizeof(first))->bad = true;
	allocate("first", 16, HIGH);
	assert_status(run(), STATUS_IO);
	assert_int_equal(shown_count, 0);
}

static void script_allocate_low_to_the_last_byte(void **state)
{
	(void)state;
	uint8_t *bytes = calloc(1, LOW_END - LOW_START);
	assert_non_null(bytes);
	offer("first", bytes, LOW_END - LOW_START - 16);
	offer("second", bytes, 16);
	offer("third", bytes, 1);
	allocate("first", 1, FSEG);
	allocate("second", 16, FSEG);
	runs();
	assert_int_equal(files.file[1].address, LOW_END - 16);
	allocate("third", 1, FSEG);
	assert_status(run(), STATUS_NO_MEMORY);
	free(bytes);
}

static void script_allocate_low_alignment(void **state)
{
	(void)state;
	offer("a", "1", 1);
	offer("b", "2", 1);
	allocate("a", 1, FSEG);
	allocate("b", 0x1000, FSEG);
	runs();
	assert_int_equal(files.file[1].address, LOW_START + 0x1000);
	entries = 0;
	allocate("a", 1, FSEG);
	allocate("b", 0x80000000, FSEG);
	assert_status(run(), STATUS_NO_MEMORY);
}

/* With a BIOS area that is ROM, tables go where there is RAM. */
static void script_allocate_low_without_low_memory(void **state)
{
	(void)state;
	acpi_host.low_start = acpi_host.low_end = 0;
	offer("low", "the root pointer", 16);
	allocate("low", 16, FSEG);
	runs();
	assert_true(files.file[0].address >= MIB);
	assert_int_equal(type_at(files.file[0].address), MEMMAP_ACPI);
}

static void script_allocate_alignment(void **state)
{
	static const uint32_t bad[] = {0, 3, 24, 0xfff, 0xffffffff};

	(void)state;
	offer("file", "1234", 4);
	for (size_t i = 0; i < COUNT(bad); i++) {
		entries = 0;
		allocate("file", bad[i], HIGH);
		assert_status(run(), STATUS_BAD_FORMAT);
		entries = 0;
		allocate("file", bad[i], FSEG);
		assert_status(run(), STATUS_BAD_FORMAT);
	}
	for (uint32_t alignment = 1; alignment <= 16 * MIB; alignment *= 2) {
		again();
		offer("file", "1234", 4);
		allocate("file", alignment, HIGH);
		runs();
		assert_int_equal(files.file[0].address % alignment, 0);
	}
	again();
	offer("file", "1234", 4);
	allocate("file", 0x80000000, HIGH);
	assert_status(run(), STATUS_NO_MEMORY);
}

static void script_allocate_zone(void **state)
{
	static const uint8_t bad[] = {0, 3, 4, 0xff};

	(void)state;
	offer("file", "1234", 4);
	for (size_t i = 0; i < COUNT(bad); i++) {
		entries = 0;
		allocate("file", 16, bad[i]);
		assert_status(run(), STATUS_BAD_FORMAT);
	}
}

static void script_allocate_twice(void **state)
{
	(void)state;
	offer("file", "1234", 4);
	allocate("file", 16, HIGH);
	allocate("file", 16, FSEG);
	assert_status(run(), STATUS_OVERLAP);
}

static void script_allocate_what_does_not_exist(void **state)
{
	(void)state;
	allocate("file", 16, HIGH);
	assert_status(run(), STATUS_NOT_FOUND);
	assert_non_null(strstr(why.text, "file"));
}

static void script_allocate_nothing(void **state)
{
	(void)state;
	offer("file", "", 0);
	allocate("file", 16, HIGH);
	assert_status(run(), STATUS_BAD_FORMAT);
}

static void script_allocate_itself(void **state)
{
	(void)state;
	offer("etc/table-loader", script, sizeof(script));
	allocate("etc/table-loader", 16, HIGH);
	struct blob blob = unit_blob(script, ENTRY_SIZE);
	blob.key = 0;
	assert_status(acpi_run_script(&blob, &acpi_host, &files, &why), STATUS_BAD_FORMAT);
	assert_reasoned(why);
}

static void script_allocate_more_than_memory(void **state)
{
	static const uint64_t sizes[] = {RAM_END, 0xfffff000, 0xffffffff, 1ul << 40, UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		for (uint8_t zone = HIGH; zone <= FSEG; zone++) {
			again();
			offer("file", script, sizes[i]);
			allocate("file", 16, zone);
			assert_status(run(), STATUS_NO_MEMORY);
		}
	}
}

static void script_allocate_cannot_be_read(void **state)
{
	(void)state;
	offer("file", script, 16)->bad = true;
	allocate("file", 16, HIGH);
	assert_status(run(), STATUS_IO);
	assert_int_equal(files.count, 0);
}

static void *map_low_only(uint64_t address, uint64_t length)
{
	return address < MIB ? unit_map(address, length) : NULL;
}

static void script_allocate_cannot_be_mapped(void **state)
{
	(void)state;
	offer("file", "1234", 4);
	allocate("file", 16, HIGH);
	acpi_host.map = map_low_only;
	assert_status(run(), STATUS_NO_MEMORY);
}

static bool find_anything(void *context, const struct name *name, struct blob *ret_blob)
{
	(void)context;
	(void)name;
	*ret_blob = unit_blob("1234", 4);
	ret_blob->key = 1;
	return true;
}

static void script_allocate_too_many(void **state)
{
	char name[] = "file-a";

	(void)state;
	acpi_host.find = find_anything;
	for (unsigned i = 0; i < ACPI_FILES_MAX; i++) {
		name[5] = (char)('A' + i);
		allocate(name, 16, HIGH);
	}
	runs();
	assert_int_equal(files.count, ACPI_FILES_MAX);
	allocate("one more", 16, HIGH);
	assert_status(run(), STATUS_TOO_LARGE);
}

/* -- names ----------------------------------------------------------------------- */

static void script_names_without_end(void **state)
{
	char full[57];

	(void)state;
	memset(full, 'n', 56);
	full[56] = '\0';
	for (unsigned i = 0; i < 6; i++) {
		again();
		offer("a", "12345678", 8);
		offer("b", "12345678", 8)->writable = true;
		allocate("a", 1, HIGH);
		switch (i) {
		case 0:
			allocate(full, 1, HIGH);
			break;
		case 1:
			add_pointer(full, "a", 0, 4);
			break;
		case 2:
			add_pointer("a", full, 0, 4);
			break;
		case 3:
			add_checksum(full, 0, 0, 1);
			break;
		case 4:
			write_pointer(full, "a", 0, 0, 4);
			break;
		case 5:
			write_pointer("b", full, 0, 0, 4);
			break;
		}
		assert_status(run(), STATUS_BAD_FORMAT);
	}
}

static void script_name_of_55_characters(void **state)
{
	char longest[56];
	static uint8_t zeros[8];

	(void)state;
	memset(longest, 'n', 55);
	longest[55] = '\0';
	offer(longest, zeros, 8);
	allocate(longest, 1, HIGH);
	add_pointer(longest, longest, 0, 8);
	runs();
	assert_int_equal(get64(files.file[0].bytes), files.file[0].address);
}

static void script_files_used_before_they_are_allocated(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		again();
		offer("a", "12345678", 8);
		offer("b", "12345678", 8)->writable = true;
		if (i == 1)
			allocate("b", 1, HIGH);
		if (i == 2)
			allocate("a", 1, HIGH);
		switch (i) {
		case 0:
		case 1:
		case 2:
			add_pointer("a", "b", 0, 4);
			break;
		case 3:
			add_checksum("a", 0, 0, 1);
			break;
		case 4:
			write_pointer("b", "a", 0, 0, 8);
			break;
		}
		allocate(i == 2 ? "b" : "a", 1, HIGH);
		assert_status(run(), STATUS_NOT_FOUND);
	}
}

/* -- ADD_POINTER ----------------------------------------------------------------- */

static void script_pointer_sizes(void **state)
{
	static const uint8_t table[16] = {0x21, 0, 0, 0, 0, 0, 0, 0, 0xaa, 0xaa};
	static const uint8_t target[0x22];

	(void)state;
	for (unsigned size = 0; size < 256; size++) {
		bool known = size == 1 || size == 2 || size == 4 || size == 8;
		again();
		offer("table", table, sizeof(table));
		offer("target", target, sizeof(target));
		allocate("table", 64, HIGH);
		allocate("target", 64, HIGH);
		add_pointer("table", "target", 0, (uint8_t)size);
		if (!known) {
			assert_status(run(), STATUS_BAD_FORMAT);
			continue;
		}
		/* No address of high memory fits into one or two bytes. */
		if (size < 4) {
			assert_status(run(), STATUS_OUT_OF_RANGE);
			continue;
		}
		runs();
		uint64_t expected = files.file[1].address + 0x21;
		assert_int_equal(get64(files.file[0].bytes), expected);
		assert_int_equal(files.file[0].bytes[8], 0xaa);
	}
}

/* In page 0 too, where arch_map() maps nothing. */
static void *map_anything(uint64_t address, uint64_t length)
{
	return host_place(address, length);
}

static void script_pointer_of_one_and_two_bytes(void **state)
{
	static const uint8_t zeros[4];

	(void)state;
	/* Where there is memory that such pointers reach. */
	acpi_host.map = map_anything;
	acpi_host.low_start = 0x80;
	acpi_host.low_end = 0xf000;
	host_claim(0x80, 0xf000 - 0x80);
	offer("a", zeros, 4);
	offer("b", zeros, 4);
	allocate("a", 1, FSEG);
	allocate("b", 0x1000, FSEG);
	add_pointer("a", "a", 0, 1);
	add_pointer("a", "b", 1, 2);
	runs();
	assert_memory_equal(files.file[0].bytes, "\x80\x00\x10\x00", 4);
	add_pointer("a", "b", 3, 1);
	assert_status(run(), STATUS_OUT_OF_RANGE);
}

static void script_pointer_field_at_the_end(void **state)
{
	static const uint8_t zeros[24];
	static const struct {
		uint32_t offset;
		uint8_t size;
		bool good;
	} cases[] = {{16, 8, true},          {17, 8, false},        {20, 4, true},
		     {21, 4, false},         {24, 4, false},        {23, 8, false},
		     {0xffffffff, 4, false}, {0xfffffff8, 8, false}};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		again();
		offer("table", zeros, sizeof(zeros));
		allocate("table", 64, HIGH);
		add_pointer("table", "table", cases[i].offset, cases[i].size);
		assert_status(run(), cases[i].good ? STATUS_OK : STATUS_OUT_OF_RANGE);
	}
}

static void script_pointer_target_at_the_end(void **state)
{
	static const struct {
		uint64_t value;
		uint8_t size;
		bool good;
	} cases[] = {{0, 8, true},           {15, 8, true},           {16, 8, false},
		     {17, 8, false},         {15, 4, true},           {16, 4, false},
		     {0xffffffff, 4, false}, {0x100000000, 8, false}, {UINT64_MAX, 8, false}};
	uint8_t table[8];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		again();
		put64(table, cases[i].value);
		offer("table", table, sizeof(table));
		offer("target", "0123456789abcdef", 16);
		allocate("table", 64, HIGH);
		allocate("target", 64, HIGH);
		add_pointer("table", "target", 0, cases[i].size);
		assert_status(run(), cases[i].good ? STATUS_OK : STATUS_OUT_OF_RANGE);
		if (cases[i].good)
			assert_int_equal(get32(files.file[0].bytes),
					 files.file[1].address + cases[i].value);
		else
			assert_memory_equal(files.file[0].bytes, table, sizeof(table));
	}
}

/* -- ADD_CHECKSUM ---------------------------------------------------------------- */

static void script_checksum(void **state)
{
	uint8_t table[300];

	(void)state;
	for (unsigned round = 0; round < 200; round++) {
		again();
		unit_random_bytes(table, sizeof(table));
		uint32_t start = (uint32_t)unit_random_below(sizeof(table));
		uint32_t length = (uint32_t)(1 + unit_random_below(sizeof(table) - start));
		uint32_t at = start + (uint32_t)unit_random_below(length);
		table[at] = 0;
		offer("table", table, sizeof(table));
		allocate("table", 1, HIGH);
		add_checksum("table", at, start, length);
		runs();
		assert_int_equal(unit_sum(files.file[0].bytes + start, length), 0);
		/* Only that byte changed. */
		table[at] = files.file[0].bytes[at];
		assert_memory_equal(files.file[0].bytes, table, sizeof(table));
	}
}

static void script_checksum_out_of_range(void **state)
{
	static const uint8_t table[16] = {1};
	static const struct {
		uint32_t offset, start, length;
		bool good;
	} cases[] = {{0, 0, 16, true},           {15, 0, 16, true},
		     {16, 0, 16, false},         {0, 0, 17, false},
		     {0, 15, 1, true},           {0, 15, 2, false},
		     {0, 16, 0, true},           {0, 17, 0, false},
		     {0, 1, 0xffffffff, false},  {0, 0xffffffff, 1, false},
		     {0xffffffff, 0, 16, false}, {0, 0x80000000, 0x80000000, false}};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		again();
		offer("table", table, sizeof(table));
		allocate("table", 1, HIGH);
		add_checksum("table", cases[i].offset, cases[i].start, cases[i].length);
		assert_status(run(), cases[i].good ? STATUS_OK : STATUS_OUT_OF_RANGE);
		if (!cases[i].good)
			assert_memory_equal(files.file[0].bytes, table, sizeof(table));
	}
}

/* -- WRITE_POINTER --------------------------------------------------------------- */

/* A file to point to, and one of @size bytes that takes pointers. */
static struct offered *offer_guid(uint64_t size)
{
	offer("guid", "0123456789abcdef", 16);
	struct offered *back = offer("address", NULL, size);
	back->writable = true;
	allocate("guid", 64, HIGH);
	return back;
}

static void script_write_pointer(void **state)
{
	(void)state;
	struct offered *back = offer_guid(16);
	write_pointer("address", "guid", 8, 5, 8);
	write_pointer("address", "guid", 0, 0, 4);
	runs();
	assert_int_equal(back->writes, 2);
	assert_int_equal(get64(back->written + 8), files.file[0].address + 5);
	assert_int_equal(get32(back->written), files.file[0].address);
	assert_int_equal(get32(back->written + 4), 0);
}

static void script_write_pointer_is_not_taken(void **state)
{
	(void)state;
	offer("guid", "0123456789abcdef", 16);
	offer("address", "12345678", 8);
	allocate("guid", 64, HIGH);
	write_pointer("address", "guid", 0, 0, 8);
	runs();
	assert_non_null(strstr(host.console, "address"));
}

static void script_write_pointer_out_of_range(void **state)
{
	static const struct {
		uint32_t dest_offset, src_offset;
		uint8_t size;
		enum status status;
	} cases[] = {
		{0, 15, 8, STATUS_OK},
		{0, 16, 8, STATUS_OUT_OF_RANGE},
		{0, 0xffffffff, 8, STATUS_OUT_OF_RANGE},
		{8, 0, 8, STATUS_OK},
		{9, 0, 8, STATUS_OUT_OF_RANGE},
		{16, 0, 4, STATUS_OUT_OF_RANGE},
		{0xffffffff, 0, 8, STATUS_OUT_OF_RANGE},
		{0, 0, 0, STATUS_BAD_FORMAT},
		{0, 0, 3, STATUS_BAD_FORMAT},
		{0, 0, 255, STATUS_BAD_FORMAT},
		{0, 0, 2, STATUS_OUT_OF_RANGE},
		{0, 0, 1, STATUS_OUT_OF_RANGE},
	};

	(void)state;
	for (unsigned writable = 0; writable < 2; writable++) {
		for (size_t i = 0; i < COUNT(cases); i++) {
			again();
			offer("guid", "0123456789abcdef", 16);
			struct offered *back = offer("address", NULL, 16);
			back->writable = writable != 0;
			allocate("guid", 64, HIGH);
			write_pointer("address", "guid", cases[i].dest_offset, cases[i].src_offset,
				      cases[i].size);
			assert_status(run(), cases[i].status);
			assert_int_equal(back->writes,
					 writable != 0 && cases[i].status == STATUS_OK);
		}
	}
}

static void script_write_pointer_to_what_does_not_exist(void **state)
{
	(void)state;
	offer("guid", "0123456789abcdef", 16);
	allocate("guid", 64, HIGH);
	write_pointer("address", "guid", 0, 0, 8);
	assert_status(run(), STATUS_NOT_FOUND);
}

static void script_write_pointer_fails(void **state)
{
	(void)state;
	offer("guid", "0123456789abcdef", 16);
	struct offered *back = offer("address", NULL, 8);
	back->writable = back->bad = true;
	allocate("guid", 64, HIGH);
	write_pointer("address", "guid", 0, 0, 8);
	assert_status(run(), STATUS_IO);
}

/* After a reset that made the VMM forget, it is told the same. */
static void script_writes_are_repeated(void **state)
{
	(void)state;
	struct offered *back = offer_guid(16);
	write_pointer("address", "guid", 8, 5, 8);
	write_pointer("address", "guid", 0, 0, 4);
	runs();
	assert_int_equal(files.writes.count, 2);
	uint8_t told[16];
	memcpy(told, back->written, sizeof(told));
	memset(back->written, 0, sizeof(back->written));
	acpi_repeat_writes(&files.writes, &acpi_host);
	assert_string_equal(host.console, "");
	assert_int_equal(back->writes, 4);
	assert_memory_equal(back->written, told, sizeof(told));
}

/* What was kept in the guest's memory may have been changed there; the others are written. */
static void script_writes_that_were_changed(void **state)
{
	static const struct {
		struct acpi_write write;
		bool good;
	} cases[] = {
		{{{"address"}, 8, 8, 1}, true},           {{{"address"}, 9, 8, 1}, false},
		{{{"address"}, 0xffffffff, 8, 1}, false}, {{{"address"}, 0, 4, 0x100000000}, false},
		{{{"address"}, 0, 3, 1}, false},          {{{"address"}, 0, 0x108, 1}, false},
		{{{"no such"}, 0, 8, 1}, false},
	};
	struct acpi_writes writes = {.count = 2};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		again();
		struct offered *back = offer("address", NULL, 16);
		back->writable = true;
		writes.write[0] = cases[i].write;
		writes.write[1] = cases[0].write;
		acpi_repeat_writes(&writes, &acpi_host);
		assert_int_equal(back->writes, cases[i].good ? 2 : 1);
		assert_int_equal(host.console_length != 0, !cases[i].good);
	}
	again();
	struct offered *back = offer("address", NULL, 16);
	back->writable = true;
	memset(writes.write[0].file.text, 'x', sizeof(writes.write[0].file.text));
	acpi_repeat_writes(&writes, &acpi_host);
	assert_int_equal(back->writes, 1);
	/* A count beyond what there is room for. */
	for (size_t i = 0; i < ACPI_WRITES_MAX; i++)
		writes.write[i] = cases[0].write;
	writes.count = SIZE_MAX;
	acpi_repeat_writes(&writes, &acpi_host);
	assert_int_equal(back->writes, 1 + ACPI_WRITES_MAX);
}

/* All are given, and those that are too many to keep are said to be lost. */
static void script_writes_many_pointers(void **state)
{
	(void)state;
	struct offered *back = offer_guid(8);
	for (size_t i = 0; i < ACPI_WRITES_MAX; i++)
		write_pointer("address", "guid", 0, 0, 8);
	runs();
	assert_string_equal(host.console, "");
	write_pointer("address", "guid", 0, 0, 8);
	runs();
	assert_int_equal(back->writes, 2 * ACPI_WRITES_MAX + 1);
	assert_int_equal(files.writes.count, ACPI_WRITES_MAX);
	assert_non_null(strstr(host.console, "suspend"));
}

/* -- any bytes, and real ones ---------------------------------------------------- */

/* Whatever it says, it ends, and stays inside its files, which ASan watches. */
static void script_random_commands(void **state)
{
	static const char *const names[] = {"a", "b", "a", "b", "c"};
	uint8_t bytes[64];
	unsigned good = 0;

	(void)state;
	for (unsigned round = 0; round < 3000; round++) {
		again();
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = i % 5 == 0 ? (uint8_t)unit_random() : 0;
		offer("a", bytes, sizeof(bytes));
		offer("b", bytes, 1 + unit_random_below(sizeof(bytes)));
		offer("c", bytes, 8)->writable = true;
		allocate("a", 1u << unit_random_below(20), (uint8_t)(1 + unit_random_below(2)));
		for (uint64_t left = unit_random_below(12); left > 0; left--) {
			const char *one = names[unit_random_below(COUNT(names))];
			const char *two = names[unit_random_below(COUNT(names))];
			uint32_t small = (uint32_t)unit_random_below(72);
			switch (unit_random_below(8)) {
			case 0:
				allocate(one, 1u << unit_random_below(32),
					 (uint8_t)(1 + unit_random_below(2)));
				break;
			case 1:
			case 2:
				add_pointer(one, two, small, (uint8_t)(1u << unit_random_below(4)));
				break;
			case 3:
			case 4:
				add_checksum(one, small, (uint32_t)unit_random_below(72),
					     (uint32_t)unit_random_below(72));
				break;
			case 5:
				write_pointer(one, two, small % 9, small, 8);
				break;
			default:
				unit_random_bytes(command((uint32_t)unit_random_below(8)) + 60, 8);
				break;
			}
		}
		good += run() == STATUS_OK;
	}
	assert_in_range(good, 1, 3000);
}

static struct fwcfg fwcfg;

static bool find_file(void *context, const struct name *name, struct blob *ret_blob)
{
	return fwcfg_find(context, name->text, ret_blob);
}

static bool in_files(uint64_t address, uint64_t size)
{
	for (size_t i = 0; i < files.count; i++) {
		const struct acpi_file *file = &files.file[i];
		if (address >= file->address && address - file->address <= file->size &&
		    size <= file->size - (address - file->address))
			return true;
	}
	return false;
}

/* A system description table: its sum is 0, and it lies inside a file. */
static const uint8_t *table_at(uint64_t address, const char *signature)
{
	assert_true(in_files(address, 36));
	const uint8_t *table = host_memory(address, 36);
	assert_non_null(table);
	if (signature != NULL)
		assert_memory_equal(table, signature, 4);
	uint32_t length = get32(table + 4);
	assert_true(length >= 36 && in_files(address, length));
	assert_int_equal(unit_sum(table, length), 0);
	return table;
}

/* Runs what QEMU really says, and follows all the pointers. */
static void check_recording(const char *name, bool has_mcfg)
{
	const struct fwcfg_device qemu = {.dma = true, .qemu_if_dma = true};
	again();
	host_add_fwcfg(HOST_FWCFG_QEMU);
	machine_add_recording(name);
	assert_status(fwcfg_open(&fwcfg, &qemu), STATUS_OK);
	assert_status(fwcfg_read_directory(&fwcfg, &why), STATUS_OK);
	struct name loader = unit_name("etc/table-loader");
	struct blob blob;
	assert_true(fwcfg_find(&fwcfg, loader.text, &blob));
	acpi_host.find = find_file;
	acpi_host.context = &fwcfg;
	assert_status(acpi_run_script(&blob, &acpi_host, &files, &why), STATUS_OK);
	assert_string_equal(host.console, "");
	assert_int_equal(host.fwcfg.long_reads, 0);

	uint64_t rsdp_at;
	assert_status(acpi_find_rsdp(&files, &rsdp_at), STATUS_OK);
	assert_in_range(rsdp_at, LOW_START, LOW_END - 20);
	assert_int_equal(rsdp_at % 16, 0);
	const uint8_t *rsdp = host_memory(rsdp_at, 36);
	bool extended = rsdp[15] >= 2;
	const uint8_t *root =
		extended ? table_at(get64(rsdp + 24), "XSDT") : table_at(get32(rsdp + 16), "RSDT");
	uint32_t length = get32(root + 4);
	bool fadt = false, madt = false, mcfg = false;
	for (uint32_t at = 36; at < length; at += extended ? 8 : 4) {
		const uint8_t *table =
			table_at(extended ? get64(root + at) : get32(root + at), NULL);
		madt |= memcmp(table, "APIC", 4) == 0;
		mcfg |= memcmp(table, "MCFG", 4) == 0;
		if (memcmp(table, "FACP", 4) != 0)
			continue;
		fadt = true;
		if (get32(table + 36) != 0)
			assert_true(in_files(get32(table + 36), 64));
		uint64_t dsdt = get32(table + 40);
		table_at(dsdt != 0 ? dsdt : get64(table + 140), "DSDT");
	}
	assert_true(fadt && madt);
	assert_int_equal(mcfg, has_mcfg);
}

static void script_recorded_q35(void **state)
{
	(void)state;
	check_recording("q35-7.2", true);
	check_recording("q35-10.0", true);
}

static void script_recorded_pc(void **state)
{
	(void)state;
	check_recording("pc-7.2", false);
	check_recording("pc-10.0", false);
}

static void script_recorded_microvm(void **state)
{
	(void)state;
	check_recording("microvm-7.2", false);
	check_recording("microvm-10.0", false);
}

static void script_recorded_vmgenid(void **state)
{
	struct blob blob;

	(void)state;
	check_recording("q35-vmgenid-7.2", true);
	struct name name = unit_name("etc/vmgenid_addr");
	assert_true(fwcfg_find(&fwcfg, name.text, &blob));
	const struct host_item *item = host_fwcfg_find((uint16_t)blob.key);
	uint64_t address = get64(item->bytes);
	assert_true(in_files(address, 16));
	/* The GUID, with its first three fields in little-endian order. */
	static const uint8_t guid[] = {0xaf, 0x6e, 0x4e, 0x32, 0xd1, 0xd1, 0xf6, 0x4b,
				       0xbf, 0x41, 0xb9, 0xbb, 0x6c, 0x91, 0xfb, 0x87};
	bool found = false;
	for (size_t i = 0; i < files.count && !found; i++)
		found = memmem(files.file[i].bytes, files.file[i].size, guid, sizeof(guid)) != NULL;
	assert_true(found);
}

/* Nothing of what a script warns of is heard by who wants errors alone, and it all happens. */
static void script_warnings_can_be_silenced(void **state)
{
	const struct log quiet = {LOG_ERROR, arch_console_write};

	(void)state;
	for (unsigned silent = 0; silent < 2; silent++) {
		again();
		acpi_host.log = silent != 0 ? &quiet : &unit_log;
		struct offered *back = offer_guid(8);
		offer("deaf", "12345678", 8);
		(void)command(0x80);
		write_pointer("deaf", "guid", 0, 0, 8);
		for (size_t i = 0; i < ACPI_WRITES_MAX + 1; i++)
			write_pointer("address", "guid", 0, 0, 8);
		runs();
		assert_int_equal(back->writes, ACPI_WRITES_MAX + 1);
		assert_int_equal(strstr(host.console, "unknown") == NULL, silent);
		assert_int_equal(strstr(host.console, "deaf") == NULL, silent);
		assert_int_equal(strstr(host.console, "suspend") == NULL, silent);
		/* The device is another one after the suspend. */
		host.console_length = 0;
		back->bad = true;
		acpi_repeat_writes(&files.writes, &acpi_host);
		assert_int_equal(host.console_length == 0, silent);
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, unit_teardown)

static const struct CMUnitTest tests[] = {
	TEST(script_of_padding),
	TEST(script_unknown_command_is_skipped),
	TEST(script_size),
	TEST(script_too_large),
	TEST(script_cannot_be_read),
	TEST(script_keeps_off_low_memory_of_others),
	TEST(script_allocate_in_both_zones),
	TEST(script_shows_what_was_delivered),
	TEST(script_allocate_low_to_the_last_byte),
	TEST(script_allocate_low_alignment),
	TEST(script_allocate_low_without_low_memory),
	TEST(script_allocate_alignment),
	TEST(script_allocate_zone),
	TEST(script_allocate_twice),
	TEST(script_allocate_what_does_not_exist),
	TEST(script_allocate_nothing),
	TEST(script_allocate_itself),
	TEST(script_allocate_more_than_memory),
	TEST(script_allocate_cannot_be_read),
	TEST(script_allocate_cannot_be_mapped),
	TEST(script_allocate_too_many),
	TEST(script_names_without_end),
	TEST(script_name_of_55_characters),
	TEST(script_files_used_before_they_are_allocated),
	TEST(script_pointer_sizes),
	TEST(script_pointer_of_one_and_two_bytes),
	TEST(script_pointer_field_at_the_end),
	TEST(script_pointer_target_at_the_end),
	TEST(script_checksum),
	TEST(script_checksum_out_of_range),
	TEST(script_write_pointer),
	TEST(script_write_pointer_is_not_taken),
	TEST(script_write_pointer_out_of_range),
	TEST(script_write_pointer_to_what_does_not_exist),
	TEST(script_write_pointer_fails),
	TEST(script_writes_are_repeated),
	TEST(script_writes_that_were_changed),
	TEST(script_writes_many_pointers),
	TEST(script_warnings_can_be_silenced),
	TEST(script_random_commands),
	TEST(script_recorded_q35),
	TEST(script_recorded_pc),
	TEST(script_recorded_microvm),
	TEST(script_recorded_vmgenid),
};

UNIT_MAIN(tests)
