/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdlib.h>

#include "loader/pe.h"
#include "pe.h"

static struct pe_file file;
static struct counted_file counted;
static struct pe pe;
static struct reason why;

static int setup(void **state)
{
	unit_setup(state);
	file = pe_make(PE_X86_64, 4);
	pe_add(&file, ".text", "code", 4);
	pe_add(&file, ".data", "more", 4);
	return 0;
}

static int teardown(void **state)
{
	pe_free(&file);
	return unit_teardown(state);
}

/* With @head_size bytes known beforehand. */
static enum status read_with_head(size_t size, size_t head_size)
{
	uint8_t *head = malloc(head_size + (head_size == 0));

	assert_non_null(head);
	memcpy(head, file.bytes, head_size);
	memset(&why, 0, sizeof(why));
	counted_free(&counted);
	counted = counted_make(file.bytes, size);
	struct blob blob = counted_blob(&counted);
	enum status status = pe_read(&blob, (struct span){head, head_size}, &pe, &why);
	/* Whatever the file says. */
	assert_in_range(counted.reads, 0, 3);
	assert_in_range(counted.bytes_read, 0, 4 + 176 + PE_SECTIONS_MAX * PE_ROW);
	if (status != STATUS_OK)
		assert_reasoned(why);
	free(head);
	counted_free(&counted);
	return status;
}

static enum status read(void)
{
	return read_with_head(file.size, PE_HEAD_SIZE);
}

static void pe_of_two_sections(void **state)
{
	(void)state;
	assert_status(read(), STATUS_OK);
	assert_int_equal(pe.machine, PE_X86_64);
	assert_int_equal(pe.sections, 2);
	assert_memory_equal(pe.section[0].Name.byte, ".text\0\0", 8);
	assert_memory_equal(pe.section[1].Name.byte, ".data\0\0", 8);
	assert_int_equal(pe.certificates_end, 0);
	assert_int_equal(pe_end(&pe), file.size);
	assert_int_equal(counted.reads, 2);
}

static void pe_is_pe_by_its_first_bytes(void **state)
{
	(void)state;
	assert_true(pe_is_pe((struct span){file.bytes, PE_HEAD_SIZE}));
	assert_false(pe_is_pe((struct span){file.bytes, PE_HEAD_SIZE - 1}));
	file.bytes[1] = 'z';
	assert_false(pe_is_pe((struct span){file.bytes, PE_HEAD_SIZE}));
	file.bytes[0] = 'Z';
	file.bytes[1] = 'M';
	assert_false(pe_is_pe((struct span){file.bytes, PE_HEAD_SIZE}));
}

/* What the caller has is not read again. */
static void pe_tables_in_the_head(void **state)
{
	(void)state;
	for (size_t size = 0; size <= file.size; size++) {
		assert_status(read_with_head(file.size, size), STATUS_OK);
		assert_int_equal(counted.reads, (size < PE_LFANEW + 4) +
							(size < PE_SIGNATURE + 176) +
							(size < PE_TABLE + 2 * PE_ROW));
		assert_int_equal(pe_end(&pe), file.size);
	}
}

static void pe_lfanew_past_end(void **state)
{
	const size_t last = file.size - 176;
	const uint64_t bad[] = {last + 1,   file.size - 1, file.size, file.size + 1,
				0x7fffffff, 0x80000000,    0xffffffff};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		put32(file.bytes + PE_LFANEW, (uint32_t)bad[i]);
		assert_status(read(), STATUS_TRUNCATED);
	}
	/* Inside, but on nothing. */
	for (size_t at = 0; at <= last; at++) {
		put32(file.bytes + PE_LFANEW, (uint32_t)at);
		assert_status(read(), at == PE_SIGNATURE ? STATUS_OK : STATUS_BAD_FORMAT);
	}
}

static void pe_without_signature(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		file.bytes[PE_SIGNATURE + i] ^= 1;
		assert_status(read(), STATUS_BAD_FORMAT);
		file.bytes[PE_SIGNATURE + i] ^= 1;
	}
}

static void pe_optional_header_magic(void **state)
{
	static const uint16_t bad[] = {0, 0x107, 0x10a, 0x10c, 0x20a, 0x20c, 0x30b, 0xffff};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		put16(file.bytes + PE_MAGIC, bad[i]);
		assert_status(read(), STATUS_BAD_FORMAT);
	}
	put16(file.bytes + PE_MAGIC, 0x10b);
	assert_status(read(), STATUS_OK);
}

static void pe_section_count(void **state)
{
	(void)state;
	pe_free(&file);
	file = pe_make(PE_AARCH64, PE_SECTIONS_MAX);
	assert_status(read(), STATUS_OK);
	assert_int_equal(pe.machine, PE_AARCH64);
	assert_int_equal(pe.sections, 0);
	assert_int_equal(pe_end(&pe), 0);
	put16(file.bytes + PE_SECTION_COUNT, PE_SECTIONS_MAX);
	assert_status(read(), STATUS_OK);
	assert_int_equal(pe.sections, PE_SECTIONS_MAX);
	static const uint16_t bad[] = {PE_SECTIONS_MAX + 1, 0x7fff, 0x8000, 0xffff};
	for (size_t i = 0; i < COUNT(bad); i++) {
		put16(file.bytes + PE_SECTION_COUNT, bad[i]);
		assert_status(read(), STATUS_TOO_LARGE);
	}
}

static void pe_table_past_end(void **state)
{
	size_t largest = file.size - PE_MAGIC - 2 * PE_ROW;

	(void)state;
	put16(file.bytes + PE_OPTIONAL_SIZE, (uint16_t)largest);
	assert_status(read(), STATUS_OK);
	put16(file.bytes + PE_OPTIONAL_SIZE, (uint16_t)(largest + 1));
	assert_status(read(), STATUS_TRUNCATED);
	put16(file.bytes + PE_OPTIONAL_SIZE, 0xffff);
	assert_status(read(), STATUS_TRUNCATED);
}

static void pe_truncated_everywhere(void **state)
{
	(void)state;
	/* Up to the end of the table all is needed, and nothing after it. */
	for (size_t size = 0; size <= file.size; size++) {
		size_t head = size < PE_HEAD_SIZE ? size : PE_HEAD_SIZE;
		assert_status(read_with_head(size, head),
			      size < PE_TABLE + 2 * PE_ROW ? STATUS_TRUNCATED : STATUS_OK);
	}
}

static void pe_certificates(void **state)
{
	uint8_t *count = file.bytes + PE_DIRECTORY_COUNT;

	(void)state;
	put32(file.bytes + PE_CERTIFICATES, 0x12345678);
	put32(file.bytes + PE_CERTIFICATES + 4, 0x100);
	assert_status(read(), STATUS_OK);
	assert_int_equal(pe.certificates_end, 0x12345778);
	assert_int_equal(pe_end(&pe), 0x12345778);
	/* The sum takes more than 32 bits. */
	put32(file.bytes + PE_CERTIFICATES, 0xffffffff);
	put32(file.bytes + PE_CERTIFICATES + 4, 0xffffffff);
	assert_status(read(), STATUS_OK);
	assert_int_equal(pe_end(&pe), 0x1fffffffe);
	/* An entry that is not there: by number, by size, by kind of header. */
	put32(count, 4);
	assert_status(read(), STATUS_OK);
	assert_int_equal(pe.certificates_end, 0);
	put32(count, 5);
	assert_status(read(), STATUS_OK);
	assert_int_equal(pe.certificates_end, 0x1fffffffe);
	put16(file.bytes + PE_OPTIONAL_SIZE, 151);
	assert_status(read(), STATUS_OK);
	assert_int_equal(pe.certificates_end, 0);
	put16(file.bytes + PE_OPTIONAL_SIZE, 152);
	assert_status(read(), STATUS_OK);
	assert_int_equal(pe.certificates_end, 0x1fffffffe);
	put16(file.bytes + PE_MAGIC, 0x10b);
	assert_status(read(), STATUS_OK);
	assert_int_equal(pe.certificates_end, 0);
}

static void pe_end_that_wraps(void **state)
{
	(void)state;
	put32(file.bytes + PE_TABLE + PE_RAW, 0xfffffe00);
	put32(file.bytes + PE_TABLE + PE_RAW_SIZE, 0xfffffe00);
	assert_status(read(), STATUS_OK);
	assert_int_equal(pe_end(&pe), 0x1fffffc00);
}

/* The tables are what was copied; what the host does afterwards does not matter. */
static void pe_changed_between_reads(void **state)
{
	struct pe before;

	(void)state;
	assert_status(read(), STATUS_OK);
	before = pe;
	for (unsigned at = 1; at <= 3; at++) {
		struct counted_file changing = counted_make(file.bytes, file.size);
		struct blob blob = counted_blob(&changing);
		changing.change_at = at;
		changing.change_from = at == 2 ? PE_TABLE : 0;
		enum status status =
			pe_read(&blob, (struct span){file.bytes, PE_HEAD_SIZE}, &pe, &why);
		counted_free(&changing);
		assert_status(status, at == 1 ? STATUS_BAD_FORMAT : STATUS_OK);
		/* Rows that changed are those that count, and their number is what it was. */
		assert_int_equal(pe.sections, before.sections);
		if (at == 3)
			assert_memory_equal(pe.section, before.section, 2 * PE_ROW);
	}
}

static void pe_that_cannot_be_read(void **state)
{
	struct blob blob = unit_bad_blob(file.size, STATUS_IO);

	(void)state;
	for (size_t size = PE_HEAD_SIZE; size < PE_TABLE + 2 * PE_ROW; size++) {
		memset(&why, 0, sizeof(why));
		assert_status(pe_read(&blob, (struct span){file.bytes, size}, &pe, &why),
			      STATUS_IO);
		assert_reasoned(why);
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

static const struct CMUnitTest tests[] = {
	TEST(pe_of_two_sections),      TEST(pe_is_pe_by_its_first_bytes),
	TEST(pe_tables_in_the_head),   TEST(pe_lfanew_past_end),
	TEST(pe_without_signature),    TEST(pe_optional_header_magic),
	TEST(pe_section_count),        TEST(pe_table_past_end),
	TEST(pe_truncated_everywhere), TEST(pe_certificates),
	TEST(pe_end_that_wraps),       TEST(pe_changed_between_reads),
	TEST(pe_that_cannot_be_read),
};

UNIT_MAIN(tests)
