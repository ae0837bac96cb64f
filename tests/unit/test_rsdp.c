/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdlib.h>

#include "acpi/script.h"

static struct acpi_files files;

/* A file on the heap, of the exact size. */
static uint8_t *add_file(size_t size)
{
	struct acpi_file *file = &files.file[files.count];

	file->name = unit_name("file");
	file->address = 0x1000 * ++files.count;
	file->bytes = calloc(1, size);
	file->size = size;
	assert_non_null(file->bytes);
	return file->bytes;
}

static void finish(uint8_t *rsdp, size_t length, size_t checksum_at)
{
	rsdp[checksum_at] = (uint8_t)(rsdp[checksum_at] - unit_sum(rsdp, length));
}

/* ACPI 6.5, table 5.3 */
static uint8_t *add_rsdp(size_t size, uint8_t revision)
{
	uint8_t *rsdp = add_file(size);

	memcpy(rsdp, "RSD PTR ", 8);
	memcpy(rsdp + 9, "SLPWAY", 6);
	rsdp[15] = revision;
	put32(rsdp + 16, 0x12345678);
	finish(rsdp, 20, 8);
	if (size >= 36) {
		put32(rsdp + 20, 36);
		put64(rsdp + 24, 0x1122334455667788);
		finish(rsdp, 36, 32);
	}
	return rsdp;
}

static int setup(void **state)
{
	files.count = 0;
	return unit_setup(state);
}

static int teardown(void **state)
{
	for (size_t i = 0; i < files.count; i++)
		free(files.file[i].bytes);
	return unit_teardown(state);
}

static void found_at(uint64_t expected)
{
	uint64_t address = 77;

	assert_status(acpi_find_rsdp(&files, &address), STATUS_OK);
	assert_int_equal(address, expected);
}

static void not_found(void)
{
	uint64_t address = 77;

	assert_status(acpi_find_rsdp(&files, &address), STATUS_NOT_FOUND);
	assert_int_equal(address, 77);
}

static void rsdp_of_no_files(void **state)
{
	(void)state;
	not_found();
}

static void rsdp_of_revision_0(void **state)
{
	(void)state;
	add_rsdp(20, 0);
	found_at(0x1000);
}

static void rsdp_of_revision_2(void **state)
{
	(void)state;
	add_file(4096);
	add_rsdp(36, 2);
	found_at(0x2000);
}

static void rsdp_too_short(void **state)
{
	(void)state;
	for (size_t size = 1; size < 20; size++)
		memcpy(add_file(size), "RSD PTR ", size < 8 ? size : 8);
	not_found();
}

static void rsdp_of_revision_2_too_short(void **state)
{
	(void)state;
	add_rsdp(20, 2);
	add_rsdp(35, 2);
	not_found();
}

static void rsdp_with_wrong_checksums(void **state)
{
	(void)state;
	add_rsdp(20, 0)[16]++;
	add_rsdp(36, 2)[16]++;
	/* The first is right, the extended one is not. */
	add_rsdp(36, 2)[30]++;
	not_found();
	/* Revision 0 has no extended one. */
	add_rsdp(36, 0)[30]++;
	found_at(0x4000);
}

static void rsdp_with_wrong_signature(void **state)
{
	(void)state;
	uint8_t *rsdp = add_rsdp(20, 0);
	rsdp[0] = 'r';
	finish(rsdp, 20, 8);
	not_found();
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

static const struct CMUnitTest tests[] = {
	TEST(rsdp_of_no_files),
	TEST(rsdp_of_revision_0),
	TEST(rsdp_of_revision_2),
	TEST(rsdp_too_short),
	TEST(rsdp_of_revision_2_too_short),
	TEST(rsdp_with_wrong_checksums),
	TEST(rsdp_with_wrong_signature),
};

UNIT_MAIN(tests)
