/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdlib.h>

#include "kernel.h"
#include "lib/checked.h"
#include "loader/bundle.h"
#include "loader/bzimage.h"
#include "pe.h"

/* What follows the setup of the kernel, which is PE with two sections and a signature. */
#define PAYLOAD_SIZE  0x2000
#define KERNEL_LFANEW 0x40
#define KERNEL_MAGIC  (KERNEL_LFANEW + 24)
#define KERNEL_TABLE  (KERNEL_MAGIC + 0xa0)

static struct pe_file file;
static struct counted_file counted;
static struct bundle bundle;
static struct reason why;

static const char linux_text[] = "the kernel, somewhat longer than its initrd";
static const char initrd_text[] = "the initrd";
static const char cmdline_text[] = "console=ttyS0";
static const char ucode_text[] = "microcode";

/* The content of part of what was opened. */
static void assert_blob(const struct blob *blob, const void *content, size_t size)
{
	uint8_t *bytes = malloc(size + 1);

	assert_non_null(bytes);
	assert_int_equal(blob->size, size);
	assert_status(blob_read(blob, 0, size, bytes), STATUS_OK);
	assert_memory_equal(bytes, content, size);
	assert_status(blob_read(blob, 0, size + 1, bytes), STATUS_OUT_OF_RANGE);
	free(bytes);
}

/* All of a part can be read, and so lies inside the file: see read_counted(). */
static void assert_readable(const struct blob *blob)
{
	if (blob->size == 0)
		return;
	uint8_t *bytes = malloc(blob->size);
	assert_non_null(bytes);
	assert_status(blob_read(blob, 0, blob->size, bytes), STATUS_OK);
	free(bytes);
}

/* Memory of ours is mapped. */
static void *map(uint64_t address, uint64_t length)
{
	(void)length;
	return (void *)(uintptr_t)address;
}

/* Stays open until the next. */
static enum status open_bytes(const uint8_t *bytes, size_t size)
{
	size_t head_size = size < BZIMAGE_HEAD_SIZE ? size : BZIMAGE_HEAD_SIZE;
	uint8_t *head = malloc(head_size + (head_size == 0));

	assert_non_null(head);
	memcpy(head, bytes, head_size);
	memset(&why, 0, sizeof(why));
	memset(&bundle, 0x5a, sizeof(bundle));
	counted_free(&counted);
	counted = counted_make(bytes, size);
	struct blob blob = counted_blob(&counted);
	enum status status = bundle_open(&blob, (struct span){head, head_size}, map, &bundle, &why);
	assert_in_range(counted.reads, 0, 3);
	assert_in_range(counted.bytes_read, 0, 176 + PE_SECTIONS_MAX * PE_ROW + 16);
	if (status != STATUS_OK)
		assert_reasoned(why);
	/* Nothing of the bundle is in memory of the caller. */
	memset(&blob, 0, sizeof(blob));
	free(head);
	return status;
}

static enum status open_file(void)
{
	return open_bytes(file.bytes, file.size);
}

/* The file, and nothing else. */
static void assert_passed_on(size_t size)
{
	struct blob blob = counted_blob(&counted);

	assert_memory_equal(&bundle.kernel, &blob, sizeof(blob));
	assert_int_equal(bundle.kernel.size, size);
	assert_int_equal(bundle.initrd.size, 0);
	assert_int_equal(bundle.cmdline.size, 0);
}

/* A file with the sections of names[], each holding its number and name. */
static void make_sections(const char *const names[], unsigned count)
{
	pe_free(&file);
	file = pe_make(PE_X86_64, count);
	for (unsigned i = 0; i < count; i++) {
		char content[16] = {(char)('0' + i)};
		strncpy(content + 1, names[i], 8);
		pe_add(&file, names[i], content, strlen(content));
	}
}

static size_t linux_row, initrd_row, cmdline_row, ucode_row;

/* As systemd's: its stub's own sections first, the kernel last. */
static int setup(void **state)
{
	unit_setup(state);
	file = pe_make(PE_X86_64, 8);
	pe_add(&file, ".text", "code", 4);
	pe_add(&file, ".osrel", "ID=none", 7);
	cmdline_row = pe_add(&file, ".cmdline", cmdline_text, sizeof(cmdline_text) - 1);
	ucode_row = pe_add(&file, ".ucode", ucode_text, sizeof(ucode_text) - 1);
	initrd_row = pe_add(&file, ".initrd", initrd_text, sizeof(initrd_text) - 1);
	linux_row = pe_add(&file, ".linux", linux_text, sizeof(linux_text) - 1);
	return 0;
}

static int teardown(void **state)
{
	pe_free(&file);
	counted_free(&counted);
	return unit_teardown(state);
}

/* -- UKI -------------------------------------------------------------------------- */

static void bundle_uki_of_all_sections(void **state)
{
	char initrd[] = "microcode\0\0\0the initrd";

	(void)state;
	assert_status(open_file(), STATUS_OK);
	assert_int_equal(counted.reads, 0); /* the tables are in the head */
	assert_blob(&bundle.kernel, linux_text, sizeof(linux_text) - 1);
	assert_blob(&bundle.cmdline, cmdline_text, sizeof(cmdline_text) - 1);
	assert_blob(&bundle.initrd, initrd, sizeof(initrd) - 1);
}

static void bundle_uki_of_one_section(void **state)
{
	(void)state;
	make_sections((const char *const[]){".linux"}, 1);
	assert_status(open_file(), STATUS_OK);
	assert_blob(&bundle.kernel, "0.linux", 7);
	assert_int_equal(bundle.initrd.size, 0);
	assert_int_equal(bundle.cmdline.size, 0);
}

static void bundle_uki_with_ucode_alone(void **state)
{
	(void)state;
	make_sections((const char *const[]){".ucode", ".linux"}, 2);
	assert_status(open_file(), STATUS_OK);
	/* Seven bytes, and no zeros since nothing follows. */
	assert_blob(&bundle.initrd, "0.ucode", 7);
	make_sections((const char *const[]){".initrd", ".linux"}, 2);
	assert_status(open_file(), STATUS_OK);
	assert_blob(&bundle.initrd, "0.initrd", 8);
}

/* UAPI.5: @0 is what is booted, and its sections take the place of those before it. */
static void bundle_uki_profiles(void **state)
{
	(void)state;
	make_sections((const char *const[]){".linux", ".initrd", ".cmdline", ".profile", ".cmdline",
					    ".ucode", ".profile", ".cmdline", ".initrd", ".linux"},
		      10);
	assert_status(open_file(), STATUS_OK);
	assert_blob(&bundle.kernel, "0.linux", 7);
	assert_blob(&bundle.cmdline, "4.cmdline", 9);
	assert_blob(&bundle.initrd, "5.ucode\0001.initrd", 16);

	make_sections((const char *const[]){".linux", ".cmdline", ".profile", ".profile",
					    ".cmdline", ".initrd"},
		      6);
	assert_status(open_file(), STATUS_OK);
	assert_blob(&bundle.cmdline, "1.cmdline", 9);
	assert_int_equal(bundle.initrd.size, 0);

	/* An empty section is one too. */
	make_sections((const char *const[]){".linux", ".cmdline", ".profile", ".cmdline"}, 4);
	put32(file.bytes + PE_TABLE + 3 * PE_ROW + PE_VIRTUAL_SIZE, 0);
	assert_status(open_file(), STATUS_OK);
	assert_int_equal(bundle.cmdline.size, 0);
}

/* UAPI.5: once in the base, once in a profile. */
static void bundle_uki_section_twice(void **state)
{
	static const char *const names[] = {".linux", ".initrd", ".cmdline", ".ucode"};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		make_sections((const char *const[]){".linux", names[i], ".text", names[i]}, 4);
		assert_status(open_file(), STATUS_BAD_FORMAT);
		assert_non_null(strstr(why.text, names[i]));
		make_sections((const char *const[]){".linux", ".profile", names[i], names[i]}, 4);
		assert_status(open_file(), STATUS_BAD_FORMAT);
		/* In a profile that nobody asked for. */
		make_sections(
			(const char *const[]){".linux", ".profile", ".profile", names[i], names[i]},
			5);
		assert_status(open_file(), STATUS_OK);
		make_sections(
			(const char *const[]){".linux", ".profile", names[i], ".profile", names[i]},
			5);
		assert_status(open_file(), STATUS_OK);
	}
}

/* The names of others that look alike. */
static void bundle_uki_names(void **state)
{
	static const char *const names[] = {".linu",   ".linuxx", ".Linux", "linux",
					    ".linux1", "",        ".linux "};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		make_sections((const char *const[]){names[i], ".initrd"}, 2);
		assert_status(open_file(), STATUS_OK);
		assert_passed_on(file.size);
	}
	make_sections((const char *const[]){".linux"}, 1);
	file.bytes[PE_TABLE + 7] = 'x';
	assert_status(open_file(), STATUS_OK);
	assert_passed_on(file.size);
}

/* Either size may be the smaller one. */
static void bundle_uki_section_sizes(void **state)
{
	char padded[PE_FILE_ALIGNMENT] = "console=ttyS0";

	(void)state;
	put32(file.bytes + cmdline_row + PE_VIRTUAL_SIZE, 0xffffffff);
	assert_status(open_file(), STATUS_OK);
	assert_blob(&bundle.cmdline, padded, sizeof(padded));
	put32(file.bytes + cmdline_row + PE_RAW_SIZE, 7);
	assert_status(open_file(), STATUS_OK);
	assert_blob(&bundle.cmdline, cmdline_text, 7);
	put32(file.bytes + cmdline_row + PE_VIRTUAL_SIZE, 3);
	put32(file.bytes + cmdline_row + PE_RAW_SIZE, 0xffffffff);
	assert_status(open_file(), STATUS_OK);
	assert_blob(&bundle.cmdline, cmdline_text, 3);
}

static void bundle_uki_empty_sections(void **state)
{
	(void)state;
	/* Nothing is anywhere. */
	put32(file.bytes + initrd_row + PE_VIRTUAL_SIZE, 0);
	put32(file.bytes + initrd_row + PE_RAW, 0xffffffff);
	put32(file.bytes + cmdline_row + PE_RAW_SIZE, 0);
	assert_status(open_file(), STATUS_OK);
	assert_blob(&bundle.initrd, ucode_text, sizeof(ucode_text) - 1);
	assert_int_equal(bundle.cmdline.size, 0);
	put32(file.bytes + ucode_row + PE_RAW_SIZE, 0);
	assert_status(open_file(), STATUS_OK);
	assert_int_equal(bundle.initrd.size, 0);
	put32(file.bytes + linux_row + PE_VIRTUAL_SIZE, 0);
	assert_status(open_file(), STATUS_BAD_FORMAT);
}

static void bundle_uki_section_outside_the_file(void **state)
{
	const size_t rows[] = {linux_row, initrd_row, cmdline_row, ucode_row};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint8_t *row = file.bytes + rows[i];
		uint32_t size = get32(row + PE_VIRTUAL_SIZE), raw = get32(row + PE_RAW);
		const uint32_t bad[] = {(uint32_t)file.size - size + 1,
					(uint32_t)file.size,
					0x7fffffff,
					0x80000000,
					-size,
					-size + 1,
					0xffffffff};
		for (size_t j = 0; j < COUNT(bad); j++) {
			put32(row + PE_RAW, bad[j]);
			assert_status(open_file(), STATUS_OUT_OF_RANGE);
		}
		put32(row + PE_RAW, (uint32_t)file.size - size);
		assert_status(open_file(), STATUS_OK);
		put32(row + PE_RAW, raw);
		put32(row + PE_VIRTUAL_SIZE, 0xffffffff);
		put32(row + PE_RAW_SIZE, (uint32_t)file.size - raw + 1);
		assert_status(open_file(), STATUS_OUT_OF_RANGE);
		/* Offset and size that make less than the file in 32 bits. */
		put32(row + PE_RAW_SIZE, -raw + 0x100);
		assert_status(open_file(), STATUS_OUT_OF_RANGE);
		put32(row + PE_VIRTUAL_SIZE, size);
		put32(row + PE_RAW_SIZE, PE_FILE_ALIGNMENT);
		assert_status(open_file(), STATUS_OK);
	}
}

/* Strange, but two readers of the same bytes do each other no harm. */
static void bundle_uki_overlapping_sections(void **state)
{
	(void)state;
	memcpy(file.bytes + initrd_row + PE_RAW, file.bytes + linux_row + PE_RAW, 4);
	put32(file.bytes + cmdline_row + PE_RAW, 0);
	assert_status(open_file(), STATUS_OK);
	assert_blob(&bundle.kernel, linux_text, sizeof(linux_text) - 1);
	assert_blob(&bundle.cmdline, file.bytes, sizeof(cmdline_text) - 1);
}

static void bundle_uki_for_another_machine(void **state)
{
	static const uint16_t bad[] = {0, 0x14c, PE_AARCH64, 0x5064, 0xffff};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		put16(file.bytes + PE_MACHINE, bad[i]);
		assert_status(open_file(), STATUS_UNSUPPORTED);
	}
	/* Of what is no UKI, its own parser says more. */
	put64(file.bytes + linux_row, 0);
	assert_status(open_file(), STATUS_OK);
	assert_passed_on(file.size);
}

static void bundle_uki_without_sections(void **state)
{
	(void)state;
	put16(file.bytes + PE_SECTION_COUNT, 0);
	assert_status(open_file(), STATUS_OK);
	assert_passed_on(file.size);
}

static void bundle_uki_with_broken_tables(void **state)
{
	(void)state;
	put32(file.bytes + PE_LFANEW, 0xfffffff0);
	assert_status(open_file(), STATUS_TRUNCATED);
	put32(file.bytes + PE_LFANEW, PE_SIGNATURE + 1);
	assert_status(open_file(), STATUS_BAD_FORMAT);
	put32(file.bytes + PE_LFANEW, PE_SIGNATURE);
	put16(file.bytes + PE_SECTION_COUNT, PE_SECTIONS_MAX + 1);
	assert_status(open_file(), STATUS_TOO_LARGE);
}

static void bundle_uki_truncated_everywhere(void **state)
{
	/* The last thing is the kernel, with its padding. */
	size_t end = get32(file.bytes + linux_row + PE_RAW) + sizeof(linux_text) - 1;

	(void)state;
	for (size_t size = 0; size <= file.size; size++) {
		enum status expected = STATUS_OK;
		if (size >= PE_HEAD_SIZE && size < end)
			expected =
				size < linux_row + PE_ROW ? STATUS_TRUNCATED : STATUS_OUT_OF_RANGE;
		assert_status(open_bytes(file.bytes, size), expected);
		if (size < PE_HEAD_SIZE)
			assert_passed_on(size);
	}
}

/* Any byte that changes makes another file, of which all is inside the file, or none. */
static void bundle_uki_with_one_byte_changed(void **state)
{
	(void)state;
	for (size_t i = 0; i < PE_TABLE + 8 * PE_ROW; i++) {
		static const uint8_t changes[] = {0x01, 0x80, 0xff};
		for (size_t j = 0; j < COUNT(changes); j++) {
			file.bytes[i] ^= changes[j];
			if (open_file() == STATUS_OK) {
				assert_readable(&bundle.kernel);
				assert_readable(&bundle.initrd);
				assert_readable(&bundle.cmdline);
			}
			file.bytes[i] ^= changes[j];
		}
	}
}

static void bundle_uki_changed_between_reads(void **state)
{
	(void)state;
	for (unsigned at = 1; at <= 3; at++) {
		for (size_t from = 0; from < PE_TABLE + 8 * PE_ROW; from++) {
			struct counted_file changing = counted_make(file.bytes, file.size);
			struct blob blob = counted_blob(&changing);
			changing.change_at = at;
			changing.change_from = from;
			/* As little in the head as possible, for as many reads as possible. */
			enum status status = bundle_open(
				&blob, (struct span){file.bytes, PE_HEAD_SIZE}, map, &bundle, &why);
			if (status == STATUS_OK) {
				assert_readable(&bundle.kernel);
				assert_readable(&bundle.initrd);
				assert_readable(&bundle.cmdline);
			}
			if (at == 3) /* all was read before */
				assert_int_equal(bundle.kernel.size, sizeof(linux_text) - 1);
			counted_free(&changing);
		}
	}
}

/* -- a kernel, and what follows it --------------------------------------------------- */

/* A kernel with an EFI stub; @signature bytes follow, then zeros to @size. */
static void make_kernel(size_t signature, size_t size)
{
	struct kernel kernel = kernel_make(3, PAYLOAD_SIZE);
	uint8_t *head = kernel.bytes;

	put32(head + SYSSIZE, PAYLOAD_SIZE / 16);
	memset(head, 0, KERNEL_TABLE + 2 * PE_ROW);
	memcpy(head, "MZ", 2);
	put32(head + PE_LFANEW, KERNEL_LFANEW);
	memcpy(head + KERNEL_LFANEW, "PE\0\0", 4);
	put16(head + KERNEL_LFANEW + 4, PE_X86_64);
	put16(head + KERNEL_LFANEW + 6, 2);
	put16(head + KERNEL_LFANEW + 20, 0xa0);
	put16(head + KERNEL_MAGIC, 0x20b);
	put32(head + KERNEL_MAGIC + 108, 6);
	if (signature != 0) {
		put32(head + KERNEL_MAGIC + 144, (uint32_t)kernel.size);
		put32(head + KERNEL_MAGIC + 148, (uint32_t)signature);
	}
	memcpy(head + KERNEL_TABLE, ".setup", 6);
	put32(head + KERNEL_TABLE + PE_RAW, 512);
	put32(head + KERNEL_TABLE + PE_RAW_SIZE, 1536);
	memcpy(head + KERNEL_TABLE + PE_ROW, ".text", 5);
	put32(head + KERNEL_TABLE + PE_ROW + PE_RAW, 2048);
	put32(head + KERNEL_TABLE + PE_ROW + PE_RAW_SIZE, PAYLOAD_SIZE);

	size_t end = kernel.size + signature;
	pe_free(&file);
	file.size = size > end ? size : end;
	file.bytes = calloc(1, file.size);
	assert_non_null(file.bytes);
	memcpy(file.bytes, kernel.bytes, kernel.size);
	memset(file.bytes + kernel.size, 0xcc, signature);
	kernel_free(&kernel);
}

#define KERNEL_SIZE (2048 + PAYLOAD_SIZE) /* ends in the middle of a page */
#define NEXT_PAGE   0x3000

static bool is_kernel(void)
{
	return bundle_is_kernel((struct span){file.bytes, BZIMAGE_HEAD_SIZE}, file.size);
}

/* Of a given size: the kernel is of @end bytes, the initrd is what follows @start. */
static void assert_kernel_and_initrd(size_t end, size_t start)
{
	assert_false(is_kernel());
	assert_status(open_file(), STATUS_OK);
	assert_blob(&bundle.kernel, file.bytes, end);
	assert_blob(&bundle.initrd, file.bytes + start, file.size - start);
	assert_int_equal(bundle.cmdline.size, 0);
}

static void bundle_kernel_alone(void **state)
{
	(void)state;
	make_kernel(0, 0);
	assert_int_equal(bundle_kernel_end((struct span){file.bytes, BZIMAGE_HEAD_SIZE}),
			 KERNEL_SIZE);
	assert_true(is_kernel());
	assert_status(open_file(), STATUS_OK);
	assert_int_equal(counted.reads, 0);
	assert_passed_on(KERNEL_SIZE);
}

static void bundle_kernel_with_signature(void **state)
{
	(void)state;
	for (size_t size = 8; size < 0x3000; size += 8) {
		make_kernel(size, 0);
		/* In the last page of the kernel it takes no look at the tables. */
		assert_int_equal(is_kernel(), KERNEL_SIZE + size <= NEXT_PAGE);
		assert_status(open_file(), STATUS_OK);
		assert_int_equal(counted.reads, 0);
		assert_passed_on(KERNEL_SIZE + size);
	}
}

/* Whoever made a file's size a round number. */
static void bundle_kernel_with_padding(void **state)
{
	(void)state;
	for (size_t size = NEXT_PAGE; size <= NEXT_PAGE + 64; size++) {
		make_kernel(0, size);
		assert_status(open_file(), STATUS_OK);
		assert_passed_on(size);
		make_kernel(0x1000, size + 0x1000);
		assert_status(open_file(), STATUS_OK);
		assert_passed_on(size + 0x1000);
	}
	make_kernel(0, MIB);
	assert_status(open_file(), STATUS_OK);
	assert_int_equal(counted.reads, 1);
	assert_passed_on(MIB);
	/* Up to the next page nothing has a meaning. */
	make_kernel(0, NEXT_PAGE);
	memset(file.bytes + KERNEL_SIZE, 0xaa, NEXT_PAGE - KERNEL_SIZE);
	assert_status(open_file(), STATUS_OK);
	assert_passed_on(NEXT_PAGE);
}

static void bundle_kernel_with_initrd(void **state)
{
	(void)state;
	for (size_t size = 1; size < 40; size++) {
		make_kernel(0, NEXT_PAGE + size);
		memset(file.bytes + NEXT_PAGE, 0x30, size);
		assert_kernel_and_initrd(KERNEL_SIZE, NEXT_PAGE);
	}
	/* The end of a kernel that is a multiple of pages is where the initrd starts. */
	make_kernel(NEXT_PAGE - KERNEL_SIZE, NEXT_PAGE + 100);
	file.bytes[NEXT_PAGE] = 1;
	assert_kernel_and_initrd(NEXT_PAGE, NEXT_PAGE);
	/* One byte of the first 16 is enough. */
	for (size_t i = 0; i < 16; i++) {
		make_kernel(0, NEXT_PAGE + 16);
		file.bytes[NEXT_PAGE + i] = 1;
		assert_kernel_and_initrd(KERNEL_SIZE, NEXT_PAGE);
	}
}

static void bundle_signed_kernel_with_initrd(void **state)
{
	(void)state;
	make_kernel(1472, NEXT_PAGE + 100);
	memset(file.bytes + NEXT_PAGE, 0x30, 100);
	assert_kernel_and_initrd(KERNEL_SIZE + 1472, NEXT_PAGE);
	/* The signature goes on for some pages. */
	make_kernel(0x2345, 0x5000 + 100);
	memset(file.bytes + 0x5000, 0x30, 100);
	assert_kernel_and_initrd(KERNEL_SIZE + 0x2345, 0x5000);
}

/* Sections that reach further than what the setup header says, as a .data may. */
static void bundle_kernel_with_sections_behind(void **state)
{
	(void)state;
	make_kernel(0, 0x6000);
	memset(file.bytes + KERNEL_SIZE, 0xdd, 0x6000 - KERNEL_SIZE);
	put32(file.bytes + KERNEL_TABLE + PE_ROW + PE_RAW_SIZE, 0x5000 - 2048);
	assert_kernel_and_initrd(0x5000, 0x5000);
	put32(file.bytes + KERNEL_TABLE + PE_ROW + PE_RAW_SIZE, 0x5001 - 2048);
	assert_status(open_file(), STATUS_OK);
	assert_passed_on(0x6000);
}

static void bundle_kernel_without_efi_stub(void **state)
{
	(void)state;
	make_kernel(0, NEXT_PAGE + 100);
	memset(file.bytes, 0x90, PE_HEAD_SIZE);
	memset(file.bytes + NEXT_PAGE, 0x30, 100);
	assert_kernel_and_initrd(KERNEL_SIZE, NEXT_PAGE);
}

/* The end is not known, so that nothing is known to follow it. */
static void bundle_kernel_with_broken_tables(void **state)
{
	(void)state;
	make_kernel(0, NEXT_PAGE + 100);
	memset(file.bytes + NEXT_PAGE, 0x30, 100);
	put32(file.bytes + PE_LFANEW, 0xffffffff);
	assert_status(open_file(), STATUS_OK);
	assert_passed_on(NEXT_PAGE + 100);
	put32(file.bytes + PE_LFANEW, KERNEL_LFANEW);
	put16(file.bytes + KERNEL_LFANEW + 6, 0xffff);
	assert_status(open_file(), STATUS_OK);
	assert_passed_on(NEXT_PAGE + 100);
	put16(file.bytes + KERNEL_LFANEW + 6, 2);
	put32(file.bytes + KERNEL_TABLE + PE_RAW, 0xffffffff);
	put32(file.bytes + KERNEL_TABLE + PE_RAW_SIZE, 0xffffffff);
	assert_status(open_file(), STATUS_OK);
	assert_passed_on(NEXT_PAGE + 100);
}

static void bundle_kernel_header_past_end(void **state)
{
	static const uint32_t sizes[] = {0x7ffffff, 0x10000000, 0x7fffffff, 0x80000000, 0xffffffff};

	(void)state;
	make_kernel(0, NEXT_PAGE + 100);
	memset(file.bytes + NEXT_PAGE, 0x30, 100);
	for (size_t i = 0; i < COUNT(sizes); i++) {
		put32(file.bytes + SYSSIZE, sizes[i]);
		assert_true(is_kernel());
		assert_status(open_file(), STATUS_OK);
		assert_passed_on(NEXT_PAGE + 100);
	}
}

/* Of a head that is cut nothing is known. */
static void bundle_kernel_truncated_header(void **state)
{
	(void)state;
	make_kernel(0, 0);
	for (size_t size = 0; size < BZIMAGE_HEAD_SIZE; size++) {
		assert_int_equal(bundle_kernel_end((struct span){file.bytes, size}), 0);
		enum status status = open_bytes(file.bytes, size);
		assert_true(status == STATUS_OK || status == STATUS_TRUNCATED);
		if (status == STATUS_OK)
			assert_passed_on(size);
	}
}

/* The setup header decides what a kernel is, whatever sections it has. */
static void bundle_kernel_with_a_section_linux(void **state)
{
	(void)state;
	make_kernel(0, NEXT_PAGE + 100);
	memset(file.bytes + NEXT_PAGE, 0x30, 100);
	memcpy(file.bytes + KERNEL_TABLE, ".linux\0", 8);
	put32(file.bytes + KERNEL_TABLE + PE_VIRTUAL_SIZE, 100);
	assert_kernel_and_initrd(KERNEL_SIZE, NEXT_PAGE);
}

static void bundle_what_follows_cannot_be_read(void **state)
{
	struct blob blob = unit_bad_blob(NEXT_PAGE + 100, STATUS_IO);

	(void)state;
	make_kernel(0, NEXT_PAGE + 100);
	assert_status(bundle_open(&blob, (struct span){file.bytes, BZIMAGE_HEAD_SIZE}, map, &bundle,
				  &why),
		      STATUS_IO);
	assert_reasoned(why);
}

/* -- neither ---------------------------------------------------------------------- */

static void bundle_of_something_else(void **state)
{
	static const char *const starts[] = {("\x7f"
					      "ELF"),
					     "\x1f\x8b", "MZ", "070701", ""};

	(void)state;
	for (size_t i = 0; i < COUNT(starts); i++) {
		uint8_t bytes[2000] = {0};
		memcpy(bytes, starts[i], strlen(starts[i]));
		for (size_t size = 0; size <= sizeof(bytes); size += 25) {
			struct span head = {bytes,
					    size < BZIMAGE_HEAD_SIZE ? size : BZIMAGE_HEAD_SIZE};
			enum status status = open_bytes(bytes, size);
			if (starts[i][0] == 'M' && size >= PE_HEAD_SIZE) {
				assert_true(status == STATUS_TRUNCATED ||
					    status == STATUS_BAD_FORMAT);
				assert_false(bundle_is_kernel(head, size));
				continue;
			}
			assert_status(status, STATUS_OK);
			assert_int_equal(counted.reads, 0);
			assert_passed_on(size);
			assert_true(bundle_is_kernel(head, size));
		}
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

static const struct CMUnitTest tests[] = {
	TEST(bundle_uki_of_all_sections),
	TEST(bundle_uki_of_one_section),
	TEST(bundle_uki_with_ucode_alone),
	TEST(bundle_uki_profiles),
	TEST(bundle_uki_section_twice),
	TEST(bundle_uki_names),
	TEST(bundle_uki_section_sizes),
	TEST(bundle_uki_empty_sections),
	TEST(bundle_uki_section_outside_the_file),
	TEST(bundle_uki_overlapping_sections),
	TEST(bundle_uki_for_another_machine),
	TEST(bundle_uki_without_sections),
	TEST(bundle_uki_with_broken_tables),
	TEST(bundle_uki_truncated_everywhere),
	TEST(bundle_uki_with_one_byte_changed),
	TEST(bundle_uki_changed_between_reads),
	TEST(bundle_kernel_alone),
	TEST(bundle_kernel_with_signature),
	TEST(bundle_kernel_with_padding),
	TEST(bundle_kernel_with_initrd),
	TEST(bundle_signed_kernel_with_initrd),
	TEST(bundle_kernel_with_sections_behind),
	TEST(bundle_kernel_without_efi_stub),
	TEST(bundle_kernel_with_broken_tables),
	TEST(bundle_kernel_header_past_end),
	TEST(bundle_kernel_truncated_header),
	TEST(bundle_kernel_with_a_section_linux),
	TEST(bundle_what_follows_cannot_be_read),
	TEST(bundle_of_something_else),
};

UNIT_MAIN(tests)
