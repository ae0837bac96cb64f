/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdlib.h>

#include "loader/bundle.h"
#include "pe.h"

/* Offsets of an Image's header: booting.rst, 4. */
#define IMAGE_SIZE 16
#define MAGIC      56

static struct pe_file file;
static struct counted_file counted;
static struct bundle bundle;
static struct reason why;

/* An Image with an EFI stub, two sections and a signature of @signature bytes. */
static int setup(void **state)
{
	unit_setup(state);
	file = pe_make(PE_AARCH64, 2);
	memcpy(file.bytes + MAGIC, "ARM\x64", 4);
	put64(file.bytes + IMAGE_SIZE, 0x10000);
	pe_add(&file, ".text", "code", 4);
	pe_add(&file, ".data", "more", 4);
	return 0;
}

static int teardown(void **state)
{
	pe_free(&file);
	counted_free(&counted);
	return unit_teardown(state);
}

static enum status open_with(size_t head_size)
{
	/* Of the exact size, so that ASan sees a byte too many. */
	uint8_t *head = malloc(head_size + (head_size == 0));

	assert_non_null(head);
	memcpy(head, file.bytes, head_size);
	memset(&why, 0, sizeof(why));
	counted_free(&counted);
	counted = counted_make(file.bytes, file.size);
	struct blob blob = counted_blob(&counted);
	enum status status =
		bundle_open(&blob, (struct span){head, head_size}, unit_map_nothing, &bundle, &why);
	free(head);
	if (status != STATUS_OK)
		assert_reasoned(why);
	return status;
}

static void assert_blob(const struct blob *blob, const void *content, size_t size)
{
	uint8_t *bytes = malloc(size + 1);

	assert_non_null(bytes);
	assert_int_equal(blob->size, size);
	assert_status(blob_read(blob, 0, size, bytes), STATUS_OK);
	assert_memory_equal(bytes, content, size);
	free(bytes);
}

static void assert_passed_on(void)
{
	struct blob blob = counted_blob(&counted);

	assert_memory_equal(&bundle.kernel, &blob, sizeof(blob));
	assert_int_equal(bundle.initrd.size, 0);
	assert_int_equal(bundle.cmdline.size, 0);
}

static void append(size_t at, size_t size)
{
	assert_true(at >= file.size);
	file.bytes = realloc(file.bytes, at + size);
	assert_non_null(file.bytes);
	memset(file.bytes + file.size, 0, at - file.size);
	memset(file.bytes + at, 0x30, size);
	file.size = at + size;
}

static void bundle_image_alone(void **state)
{
	(void)state;
	assert_status(open_with(PE_HEAD_SIZE), STATUS_OK);
	assert_passed_on();
	/* With a signature behind the sections, and then zeros. */
	put32(file.bytes + PE_CERTIFICATES, (uint32_t)file.size);
	put32(file.bytes + PE_CERTIFICATES + 4, 0x1800);
	append(file.size, 0x1800);
	assert_status(open_with(PE_HEAD_SIZE), STATUS_OK);
	assert_passed_on();
	append(file.size + 0x2000, 0);
	assert_status(open_with(PE_HEAD_SIZE), STATUS_OK);
	assert_passed_on();
}

static void bundle_image_with_initrd(void **state)
{
	size_t end = file.size;

	(void)state;
	append(0x1000, 50);
	assert_status(open_with(PE_HEAD_SIZE), STATUS_OK);
	assert_int_equal(counted.reads, 3);
	assert_blob(&bundle.kernel, file.bytes, end);
	assert_blob(&bundle.initrd, file.bytes + 0x1000, 50);
	/* What is in the head is not read again. */
	assert_status(open_with(0x400), STATUS_OK);
	assert_int_equal(counted.reads, 1);
	assert_blob(&bundle.initrd, file.bytes + 0x1000, 50);
}

/* What an Image without tables needs in memory is what it has in its file, and zeros. */
static void bundle_image_without_efi_stub(void **state)
{
	(void)state;
	memset(file.bytes, 0, 2);
	append(0x10000, 50);
	assert_status(open_with(PE_HEAD_SIZE), STATUS_OK);
	assert_blob(&bundle.kernel, file.bytes, 0x10000);
	assert_blob(&bundle.initrd, file.bytes + 0x10000, 50);
	static const uint64_t sizes[] = {0, 0x10001, 0x20000, 1ul << 63, ~0ul - 0xfff, ~0ul};
	for (size_t i = 0; i < COUNT(sizes); i++) {
		put64(file.bytes + IMAGE_SIZE, sizes[i]);
		assert_true(bundle_is_kernel((struct span){file.bytes, 64}, file.size));
		assert_status(open_with(PE_HEAD_SIZE), STATUS_OK);
		assert_int_equal(counted.reads, 0);
		assert_passed_on();
	}
}

static void bundle_image_with_broken_tables(void **state)
{
	(void)state;
	append(0x1000, 50);
	put32(file.bytes + PE_LFANEW, 0xffffffff);
	assert_status(open_with(PE_HEAD_SIZE), STATUS_OK);
	assert_passed_on();
}

static void bundle_zboot_image(void **state)
{
	size_t end = file.size;

	(void)state;
	memset(file.bytes + MAGIC, 0, 4);
	memcpy(file.bytes, "MZ\0\0zimg", 8);
	assert_status(open_with(PE_HEAD_SIZE), STATUS_OK);
	assert_passed_on();
	append(0x1000, 50);
	assert_status(open_with(PE_HEAD_SIZE), STATUS_OK);
	assert_blob(&bundle.kernel, file.bytes, end);
	assert_blob(&bundle.initrd, file.bytes + 0x1000, 50);
	/* Its payload can do without tables. */
	put32(file.bytes + PE_LFANEW, 0xffffffff);
	assert_status(open_with(PE_HEAD_SIZE), STATUS_OK);
	assert_passed_on();
}

static void bundle_uki_of_aarch64(void **state)
{
	(void)state;
	pe_free(&file);
	file = pe_make(PE_AARCH64, 1);
	pe_add(&file, ".linux", "kernel", 6);
	assert_status(open_with(PE_HEAD_SIZE), STATUS_OK);
	assert_blob(&bundle.kernel, "kernel", 6);
	put16(file.bytes + PE_MACHINE, PE_X86_64);
	assert_status(open_with(PE_HEAD_SIZE), STATUS_UNSUPPORTED);
	assert_non_null(strstr(why.text, "0x8664"));
}

static void bundle_gzip_passed_on(void **state)
{
	(void)state;
	memcpy(file.bytes, "\x1f\x8b", 2);
	memset(file.bytes + MAGIC, 0, 4);
	assert_true(bundle_is_kernel((struct span){file.bytes, 64}, file.size));
	assert_status(open_with(PE_HEAD_SIZE), STATUS_OK);
	assert_passed_on();
	for (size_t size = 0; size < PE_HEAD_SIZE; size++) {
		assert_status(open_with(size), STATUS_OK);
		assert_passed_on();
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

static const struct CMUnitTest tests[] = {
	TEST(bundle_image_alone),
	TEST(bundle_image_with_initrd),
	TEST(bundle_image_without_efi_stub),
	TEST(bundle_image_with_broken_tables),
	TEST(bundle_zboot_image),
	TEST(bundle_uki_of_aarch64),
	TEST(bundle_gzip_passed_on),
};

UNIT_MAIN(tests)
