/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdlib.h>

#include "efi/handover.h"

/* GUIDs as bytes, as Linux compares them: include/linux/efi.h. */
static const uint8_t acpi_20[16] = {0x71, 0xe8, 0x68, 0x88, 0xf1, 0xe4, 0xd3, 0x11,
				    0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81};
static const uint8_t smbios_3[16] = {0x44, 0x15, 0xfd, 0xf2, 0x94, 0x97, 0x2c, 0x4a,
				     0x99, 0x2e, 0xe5, 0xbb, 0xcf, 0x20, 0xe3, 0x94};
static const uint8_t rt_properties[16] = {0x8a, 0x91, 0x66, 0xeb, 0xef, 0x7e, 0x2a, 0x40,
					  0x84, 0x2e, 0x93, 0x1d, 0x21, 0xc3, 0x8a, 0xe9};
static const uint8_t memreserve[16] = {0xc6, 0xb0, 0x8e, 0x88, 0xde, 0x8e, 0xf5, 0x4f,
				       0xa8, 0xf0, 0x9a, 0xee, 0x5c, 0xb9, 0x77, 0xc2};

static const uint8_t event_log[16] = {0xb0, 0x9c, 0x79, 0xb7, 0xa2, 0xec, 0x43, 0x49,
				      0x96, 0x67, 0x1f, 0xae, 0x07, 0xb7, 0x47, 0xfa};

#define ADDRESS 0x1234567000ul

static const char anchor[EFI_SMBIOS_SIZE] = "_SM3_ and what follows, 32 bytes";
static uint8_t *page;
static struct memmap map;

static int setup(void **state)
{
	unit_setup(state);
	page = unit_memory(EFI_TABLES_SIZE);
	memset(page, 0xa5, EFI_TABLES_SIZE);
	memmap_init(&map);
	return 0;
}

/* -- tables ---------------------------------------------------------------------- */

static void write_tables(uint64_t rsdp, const char *smbios)
{
	const struct efi_facts facts = {.rsdp = rsdp, .smbios = (const uint8_t *)smbios};

	efi_write_tables(&facts, ADDRESS, unit_memory(EFI_TABLES_SIZE));
}

/* What the page holds at a physical address. */
static const uint8_t *at_address(uint64_t address, size_t size)
{
	assert_in_range(address, ADDRESS, ADDRESS + EFI_TABLES_SIZE - size);
	return page + (address - ADDRESS);
}

/* The table with a GUID; 0: none. */
static uint64_t find_table(const uint8_t guid[16])
{
	uint64_t count = get64(page + 104);
	const uint8_t *entries = at_address(get64(page + 112), count * 24);
	uint64_t found = 0;

	for (uint64_t i = 0; i < count; i++) {
		if (memcmp(entries + 24 * i, guid, 16) != 0)
			continue;
		assert_int_equal(found, 0);
		found = get64(entries + 24 * i + 16);
	}
	return found;
}

static void efi_system_table(void **state)
{
	(void)state;
	write_tables(0x40201000, anchor);
	assert_memory_equal(page, "IBI SYST", 8);
	assert_int_equal(get32(page + 8), 2 << 16 | 70);
	assert_int_equal(get32(page + 12), 120);
	assert_int_equal(get32(page + 20), 0);
	/* Consoles and services: none. */
	for (unsigned at = 40; at < 104; at += 8)
		assert_int_equal(get64(page + at), 0);
	/* Linux maps 200 bytes of the vendor's name, and prints it up to the NUL. */
	const uint8_t *vendor = at_address(get64(page + 24), 200);
	for (unsigned i = 0; i < sizeof("Slipway"); i++)
		assert_int_equal(get16(vendor + 2 * i), "Slipway"[i]);
	/* Unaligned, they would be read byte by byte at best. */
	assert_int_equal(get64(page + 24) % 2, 0);
	assert_int_equal(get64(page + 112) % 8, 0);
}

static void efi_configuration_tables(void **state)
{
	(void)state;
	write_tables(0x40201000, anchor);
	assert_int_equal(get64(page + 104), 4);
	assert_int_equal(find_table(acpi_20), 0x40201000);
	uint64_t smbios = find_table(smbios_3);
	assert_int_equal(smbios % 16, 0);
	assert_memory_equal(at_address(smbios, EFI_SMBIOS_SIZE), anchor, EFI_SMBIOS_SIZE);
	/* Without it, the kernel calls runtime services through a null pointer. */
	uint64_t rt = find_table(rt_properties);
	assert_int_equal(rt % 4, 0);
	assert_int_equal(get16(at_address(rt, 8)), 1);
	assert_int_equal(get16(at_address(rt, 8) + 2), 8);
	assert_int_equal(get32(at_address(rt, 8) + 4), 0);
	/* An empty head; the kernel reads on to the end of the page, and writes to it. */
	uint64_t head = find_table(memreserve);
	assert_int_equal(head % 8, 0);
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(at_address(head, 16)[i], 0);
}

static void efi_tables_that_do_not_exist(void **state)
{
	(void)state;
	write_tables(0, NULL);
	assert_int_equal(get64(page + 104), 2);
	assert_int_equal(find_table(acpi_20), 0);
	assert_int_equal(find_table(smbios_3), 0);
	assert_int_not_equal(find_table(rt_properties), 0);
	assert_int_not_equal(find_table(memreserve), 0);
	write_tables(0x40201000, NULL);
	assert_int_equal(get64(page + 104), 3);
	assert_int_equal(find_table(acpi_20), 0x40201000);
	assert_int_equal(find_table(smbios_3), 0);
	write_tables(0, anchor);
	assert_int_equal(get64(page + 104), 3);
	assert_int_equal(find_table(acpi_20), 0);
	assert_int_not_equal(find_table(smbios_3), 0);
	assert_int_not_equal(find_table(memreserve), 0);
}

/* With all that there can be, each table is still itself. */
static void efi_event_log_table(void **state)
{
	const struct efi_facts alone = {.event_log = 0x40300000};
	const struct efi_facts all = {
		.rsdp = 0x40201000,
		.smbios = (const uint8_t *)anchor,
		.event_log = 0x1040300000,
	};

	(void)state;
	write_tables(0x40201000, anchor);
	assert_int_equal(find_table(event_log), 0);
	efi_write_tables(&alone, ADDRESS, unit_memory(EFI_TABLES_SIZE));
	assert_int_equal(get64(page + 104), 3);
	assert_int_equal(find_table(event_log), 0x40300000);
	efi_write_tables(&all, ADDRESS, unit_memory(EFI_TABLES_SIZE));
	assert_int_equal(get64(page + 104), 5);
	assert_int_equal(find_table(event_log), 0x1040300000);
	assert_int_equal(find_table(acpi_20), 0x40201000);
	assert_memory_equal(at_address(find_table(smbios_3), EFI_SMBIOS_SIZE), anchor,
			    EFI_SMBIOS_SIZE);
	assert_int_equal(get16(at_address(find_table(rt_properties), 8)), 1);
	assert_int_equal(get64(at_address(find_table(memreserve), 16)), 0);
}

/* struct linux_efi_tpm_eventlog: size, that of a table that is not there, version. */
static void efi_event_log_head(void **state)
{
	uint8_t head[EFI_EVENT_LOG_HEADER + 1];

	(void)state;
	memset(head, 0xa5, sizeof(head));
	efi_write_event_log(0x12345678, head);
	assert_memory_equal(head, "\x78\x56\x34\x12\0\0\0\0\2\xa5", sizeof(head));
}

/* What was in the page has no say. */
static void efi_tables_over_old_bytes(void **state)
{
	uint8_t first[512];

	(void)state;
	write_tables(0x1000, anchor);
	memcpy(first, page, sizeof(first));
	memset(page, 0x5a, EFI_TABLES_SIZE);
	write_tables(0x1000, anchor);
	size_t used = 0;
	for (size_t i = 0; i < sizeof(first); i++) {
		if (first[i] != 0xa5 || page[i] != 0x5a) {
			assert_int_equal(first[i], page[i]);
			used = i;
		}
	}
	assert_in_range(used, 200, 400);
}

/* -- map ------------------------------------------------------------------------- */

struct descriptor {
	uint64_t type;
	uint64_t start;
	uint64_t end;
};

static struct descriptor got[EFI_DESCRIPTORS_MAX];
static size_t got_count;

#define CONVENTIONAL 7
#define RESERVED     0
#define UNUSABLE     8
#define ACPI         9
#define NVS          10
#define PERSISTENT   14

static void write_map(void)
{
	/* Room for as many as there can be; ASan sees more. */
	uint8_t *entries = malloc(EFI_DESCRIPTORS_MAX * EFI_DESCRIPTOR_SIZE);
	size_t size = 1;

	assert_non_null(entries);
	memset(entries, 0xa5, EFI_DESCRIPTORS_MAX * EFI_DESCRIPTOR_SIZE);
	assert_status(efi_write_map(&map, entries, &size), STATUS_OK);
	assert_int_equal(size % EFI_DESCRIPTOR_SIZE, 0);
	got_count = size / EFI_DESCRIPTOR_SIZE;
	assert_true(got_count <= map.count);
	for (size_t i = 0; i < got_count; i++) {
		const uint8_t *at = entries + i * EFI_DESCRIPTOR_SIZE;
		uint64_t pages = get64(at + 24);
		got[i] = (struct descriptor){get32(at), get64(at + 8),
					     get64(at + 8) + pages * 0x1000};
		assert_int_equal(get32(at + 4), 0);
		assert_int_equal(get64(at + 16), 0);
		assert_int_equal(got[i].start % 0x1000, 0);
		assert_int_not_equal(pages, 0);
		assert_int_equal(get64(at + 32), got[i].type == PERSISTENT ? 0x8000 : 8);
		/* Sorted, apart, and merged. */
		if (i > 0) {
			assert_true(got[i].start >= got[i - 1].end);
			assert_true(got[i].start > got[i - 1].end ||
				    got[i].type != got[i - 1].type);
		}
	}
	/* One that has lost its only page may be left behind; never more than there are ranges. */
	for (const uint8_t *at = entries + map.count * EFI_DESCRIPTOR_SIZE;
	     at < entries + EFI_DESCRIPTORS_MAX * EFI_DESCRIPTOR_SIZE; at++)
		assert_int_equal(*at, 0xa5);
	free(entries);
}

static void expect(const struct descriptor *expected, size_t count)
{
	write_map();
	assert_int_equal(got_count, count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(got[i].type, expected[i].type);
		assert_int_equal(got[i].start, expected[i].start);
		assert_int_equal(got[i].end, expected[i].end);
	}
}

#define assert_descriptors(...)                                                                    \
	do {                                                                                       \
		const struct descriptor descriptors_[] = {__VA_ARGS__};                            \
		expect(descriptors_, COUNT(descriptors_));                                         \
	} while (0)

static void add(uint64_t start, uint64_t size, enum memmap_type type)
{
	assert_status(memmap_add(&map, start, size, type), STATUS_OK);
}

static void claim(uint64_t start, uint64_t size, enum memmap_type type)
{
	assert_status(memmap_claim(&map, start, size, type), STATUS_OK);
}

static void efi_map_of_nothing(void **state)
{
	(void)state;
	write_map();
	assert_int_equal(got_count, 0);
}

static void efi_map_each_type(void **state)
{
	(void)state;
	add(0x10000, 0x1000, MEMMAP_RAM);
	add(0x20000, 0x1000, MEMMAP_RESERVED);
	add(0x30000, 0x1000, MEMMAP_ACPI);
	add(0x40000, 0x1000, MEMMAP_NVS);
	add(0x50000, 0x1000, MEMMAP_UNUSABLE);
	/* Were it write-back, Linux would use it as RAM. */
	add(0x60000, 0x1000, MEMMAP_PERSISTENT);
	add(0x70000, 0x1000, (enum memmap_type)6);
	assert_descriptors({CONVENTIONAL, 0x10000, 0x11000}, {RESERVED, 0x20000, 0x21000},
			   {ACPI, 0x30000, 0x31000}, {NVS, 0x40000, 0x41000},
			   {UNUSABLE, 0x50000, 0x51000}, {PERSISTENT, 0x60000, 0x61000},
			   {RESERVED, 0x70000, 0x71000});
}

static void efi_map_hides_what_is_ours(void **state)
{
	(void)state;
	add(0x40000000, GIB, MEMMAP_RAM);
	claim(0x40000000, 2 * MIB, MEMMAP_BOOT_DATA);
	claim(0x40200000, 24 * MIB, MEMMAP_KERNEL);
	claim(0x42000000, 12345, MEMMAP_INITRD);
	claim(0x7ff00000, MIB, MEMMAP_FIRMWARE);
	claim(0x7fe00000, 0x2000, MEMMAP_ACPI);
	assert_descriptors({CONVENTIONAL, 0x40000000, 0x7fe00000}, {ACPI, 0x7fe00000, 0x7fe02000},
			   {CONVENTIONAL, 0x7fe02000, 0x80000000});
}

static void efi_map_rounds_ram_inwards(void **state)
{
	(void)state;
	add(0x10001, 0x1fff, MEMMAP_RAM);
	add(0x20000, 0x1fff, MEMMAP_RAM);
	/* Less than a page, or no whole one: nothing. */
	add(0x30000, 0xfff, MEMMAP_RAM);
	add(0x40800, 0x1000, MEMMAP_RAM);
	add(0x50001, 1, MEMMAP_RAM);
	assert_descriptors({CONVENTIONAL, 0x11000, 0x12000}, {CONVENTIONAL, 0x20000, 0x21000});
}

/* A page whose halves are used and free is free all the same. */
static void efi_map_ram_claimed_in_parts_of_pages(void **state)
{
	(void)state;
	add(0x10000, 0x4000, MEMMAP_RAM);
	claim(0x10800, 0x900, MEMMAP_INITRD);
	claim(0x12001, 0x1, MEMMAP_BOOT_DATA);
	claim(0x13fff, 0x1, MEMMAP_FIRMWARE);
	assert_descriptors({CONVENTIONAL, 0x10000, 0x14000});
}

static void efi_map_rounds_all_else_outwards(void **state)
{
	(void)state;
	add(0x10000, 0x10000, MEMMAP_RAM);
	claim(0x11fff, 2, MEMMAP_ACPI);
	claim(0x15001, 1, MEMMAP_RESERVED);
	/* Into what is no memory, too. */
	add(0x1fff0, 0x20, MEMMAP_NVS);
	assert_descriptors({CONVENTIONAL, 0x10000, 0x11000}, {ACPI, 0x11000, 0x13000},
			   {CONVENTIONAL, 0x13000, 0x15000}, {RESERVED, 0x15000, 0x16000},
			   {CONVENTIONAL, 0x16000, 0x1f000}, {NVS, 0x1f000, 0x21000});
}

static void efi_map_page_of_two_types(void **state)
{
	(void)state;
	add(0x10000, 0x1800, MEMMAP_ACPI);
	add(0x11800, 0x1800, MEMMAP_NVS);
	assert_descriptors({ACPI, 0x10000, 0x11000}, {NVS, 0x11000, 0x13000});
	memmap_init(&map);
	add(0x10000, 0x1800, MEMMAP_NVS);
	add(0x11800, 0x1800, MEMMAP_ACPI);
	assert_descriptors({NVS, 0x10000, 0x12000}, {ACPI, 0x12000, 0x13000});
	/* With a hole between them. */
	memmap_init(&map);
	add(0x10000, 0x1100, MEMMAP_RESERVED);
	add(0x11800, 0x1800, MEMMAP_ACPI);
	assert_descriptors({RESERVED, 0x10000, 0x11000}, {ACPI, 0x11000, 0x13000});
}

static void efi_map_page_that_is_all_a_range_has(void **state)
{
	(void)state;
	/* The first of two loses its only page, */
	add(0x10000, 0x800, MEMMAP_RESERVED);
	add(0x10800, 0x800, MEMMAP_ACPI);
	assert_descriptors({ACPI, 0x10000, 0x11000});
	/* or the second; */
	memmap_init(&map);
	add(0x10000, 0x800, MEMMAP_ACPI);
	add(0x10800, 0x800, MEMMAP_RESERVED);
	add(0x11000, 0x1000, MEMMAP_RAM);
	assert_descriptors({ACPI, 0x10000, 0x11000}, {CONVENTIONAL, 0x11000, 0x12000});
	/* three share a page, the middle one wins; */
	memmap_init(&map);
	add(0x10000, 0x1400, MEMMAP_RESERVED);
	add(0x11400, 0x400, MEMMAP_UNUSABLE);
	add(0x11800, 0x1400, MEMMAP_ACPI);
	assert_descriptors({RESERVED, 0x10000, 0x11000}, {UNUSABLE, 0x11000, 0x12000},
			   {ACPI, 0x12000, 0x13000});
	/* and two of a kind close over the third. */
	memmap_init(&map);
	add(0x10000, 0x1800, MEMMAP_ACPI);
	add(0x11800, 0x100, MEMMAP_RESERVED);
	add(0x11900, 0x1000, MEMMAP_ACPI);
	assert_descriptors({ACPI, 0x10000, 0x13000});
	memmap_init(&map);
	add(0x10000, 0x1000, MEMMAP_ACPI);
	add(0x11000, 0x100, MEMMAP_RESERVED);
	add(0x11100, 0x1000, MEMMAP_ACPI);
	assert_descriptors({ACPI, 0x10000, 0x13000});
}

/* Two that grow into one page, or up to each other, are one range. */
static void efi_map_merges_after_rounding(void **state)
{
	(void)state;
	add(0x10100, 0x100, MEMMAP_ACPI);
	add(0x10800, 0x100, MEMMAP_ACPI);
	add(0x11f00, 0x100, MEMMAP_ACPI);
	add(0x13000, 0x100, MEMMAP_ACPI);
	assert_descriptors({ACPI, 0x10000, 0x12000}, {ACPI, 0x13000, 0x14000});
}

static void efi_map_ends_of_addresses(void **state)
{
	(void)state;
	add(0, 1, MEMMAP_RESERVED);
	add(0x800, 0x1000, MEMMAP_RAM);
	add(UINT64_MAX - 0x1800, 0x1000, MEMMAP_RAM);
	add(UINT64_MAX - 0x800, 0x800, MEMMAP_RESERVED);
	assert_descriptors({RESERVED, 0, 0x1000}, {RESERVED, UINT64_MAX - 0xfff, 0});
	memmap_init(&map);
	add(UINT64_MAX - 0x3000, 0x3000, MEMMAP_RAM);
	assert_descriptors({CONVENTIONAL, UINT64_MAX - 0x2fff, UINT64_MAX - 0xfff});
}

static void efi_map_as_full_as_can_be(void **state)
{
	enum memmap_type types[] = {MEMMAP_RAM, MEMMAP_ACPI};

	(void)state;
	map.count = MEMMAP_ENTRIES_MAX;
	for (size_t i = 0; i < MEMMAP_ENTRIES_MAX; i++)
		map.entry[i] = (struct memmap_entry){i * 0x1000, i * 0x1000 + 0x1000, types[i % 2]};
	write_map();
	assert_int_equal(got_count, MEMMAP_ENTRIES_MAX);

	uint64_t nothing;
	size_t size = 42;
	map.count++;
	assert_status(efi_write_map(&map, &nothing, &size), STATUS_TOO_LARGE);
	assert_int_equal(size, 42);
}

static void write_map_unaligned(void *argument)
{
	size_t size;

	if (efi_write_map(&map, (uint8_t *)argument + 4, &size) != STATUS_OK)
		return;
}

static void efi_map_alignment_is_checked(void **state)
{
	(void)state;
	assert_int_equal(host_run(write_map_unaligned, page), HOST_CHECK);
}

/* The type of each page by definition: the most restrictive in it; RAM if all of it is. */
static uint64_t model_type(uint64_t page_start)
{
	enum memmap_type strongest = MEMMAP_RAM;
	uint64_t ram = 0;
	bool other = false;

	for (size_t i = 0; i < map.count; i++) {
		const struct memmap_entry *entry = &map.entry[i];
		uint64_t start = entry->start > page_start ? entry->start : page_start;
		uint64_t end = entry->end < page_start + 0x1000 ? entry->end : page_start + 0x1000;
		if (start >= end)
			continue;
		if (entry->type == MEMMAP_RAM || entry->type >= MEMMAP_FIRMWARE) {
			ram += end - start;
		} else {
			other = true;
			strongest = entry->type > strongest ? entry->type : strongest;
		}
	}
	if (!other)
		return ram == 0x1000 ? CONVENTIONAL : UINT64_MAX;
	switch (strongest) {
	case MEMMAP_ACPI:
		return ACPI;
	case MEMMAP_NVS:
		return NVS;
	case MEMMAP_UNUSABLE:
		return UNUSABLE;
	case MEMMAP_PERSISTENT:
		return PERSISTENT;
	default:
		return RESERVED;
	}
}

#define MODEL_PAGES 24

static void efi_map_equals_a_plain_model(void **state)
{
	static const enum memmap_type types[] = {MEMMAP_RAM,        MEMMAP_RAM,     MEMMAP_RESERVED,
						 MEMMAP_ACPI,       MEMMAP_NVS,     MEMMAP_UNUSABLE,
						 MEMMAP_PERSISTENT, MEMMAP_FIRMWARE};

	(void)state;
	for (unsigned round = 0; round < 4000; round++) {
		/* Mostly parts of pages, and some whole ones. */
		uint64_t unit = 0x1000ul >> (round % 3 == 0 ? 0 : unit_random_below(6));
		memmap_init(&map);
		for (uint64_t n = unit_random_below(20); n > 0; n--) {
			uint64_t start = unit_random_below((MODEL_PAGES - 8) * 0x1000 / unit);
			add(start * unit,
			    (1 + unit_random_below(8 * 0x1000 / unit)) * unit /
				    (1 + unit_random_below(8)),
			    types[unit_random_below(COUNT(types))]);
		}
		write_map();
		size_t i = 0;
		for (uint64_t start = 0; start < MODEL_PAGES * 0x1000; start += 0x1000) {
			while (i < got_count && got[i].end <= start)
				i++;
			bool told = i < got_count && got[i].start <= start;
			assert_int_equal(told ? got[i].type : UINT64_MAX, model_type(start));
		}
		assert_true(got_count == 0 || got[got_count - 1].end <= MODEL_PAGES * 0x1000);
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, unit_teardown)

static const struct CMUnitTest tests[] = {
	TEST(efi_system_table),
	TEST(efi_configuration_tables),
	TEST(efi_tables_that_do_not_exist),
	TEST(efi_event_log_table),
	TEST(efi_event_log_head),
	TEST(efi_tables_over_old_bytes),
	TEST(efi_map_of_nothing),
	TEST(efi_map_each_type),
	TEST(efi_map_hides_what_is_ours),
	TEST(efi_map_rounds_ram_inwards),
	TEST(efi_map_ram_claimed_in_parts_of_pages),
	TEST(efi_map_rounds_all_else_outwards),
	TEST(efi_map_page_of_two_types),
	TEST(efi_map_page_that_is_all_a_range_has),
	TEST(efi_map_merges_after_rounding),
	TEST(efi_map_ends_of_addresses),
	TEST(efi_map_as_full_as_can_be),
	TEST(efi_map_alignment_is_checked),
	TEST(efi_map_equals_a_plain_model),
};

UNIT_MAIN(tests)
