/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdlib.h>

#include <libfdt.h>

#include "fdt/fdt.h"

static struct fdt_writer writer;
static uint8_t buffer[2 * KIB] __attribute__((aligned(8)));
static size_t size;

static struct span text(const char *string)
{
	return (struct span){(const uint8_t *)string, strlen(string)};
}

/* The stub tree of a boot with ACPI, as boot/ writes it. */
static enum status write_stub(void *at, size_t capacity)
{
	static const uint8_t seed[5] = {1, 2, 3, 4, 5};

	fdt_write_begin(&writer, at, capacity);
	fdt_write_u32(&writer, FDT_NAME("#address-cells"), 2);
	fdt_write_u32(&writer, FDT_NAME("#size-cells"), 2);
	fdt_write_node(&writer, FDT_NAME("chosen"));
	fdt_write_string(&writer, FDT_NAME("bootargs"), text("console=ttyAMA0 quiet"));
	fdt_write_string(&writer, FDT_NAME("empty"), (struct span){0});
	fdt_write_u64(&writer, FDT_NAME("linux,initrd-start"), 0x123456789abcdef0);
	fdt_write_u32(&writer, FDT_NAME("linux,uefi-secure-boot"), 2);
	fdt_write_bytes(&writer, FDT_NAME("rng-seed"), (struct span){seed, sizeof(seed)});
	fdt_write_bytes(&writer, FDT_NAME("flag"), (struct span){0});
	fdt_write_end_node(&writer);
	return fdt_write_end(&writer, &size);
}

static void *property(const char *path, const char *name, int expected)
{
	int length = -1;
	const void *value = fdt_getprop(buffer, fdt_path_offset(buffer, path), name, &length);

	assert_non_null(value);
	assert_int_equal(length, expected);
	return (void *)(uintptr_t)value;
}

static void fdt_write_is_read_by_libfdt(void **state)
{
	(void)state;
	memset(buffer, 0xa5, sizeof(buffer));
	assert_status(write_stub(buffer, sizeof(buffer)), STATUS_OK);
	assert_int_equal(fdt_check_full(buffer, size), 0);
	assert_int_equal(fdt_totalsize(buffer), size);
	assert_int_equal(fdt_version(buffer), 17);
	assert_int_equal(fdt_last_comp_version(buffer), 16);
	assert_int_equal(fdt_boot_cpuid_phys(buffer), 0);
	assert_int_equal(fdt_num_mem_rsv(buffer), 0);
	assert_int_equal(fdt_address_cells(buffer, 0), 2);
	assert_int_equal(fdt_size_cells(buffer, 0), 2);
	assert_string_equal(property("/chosen", "bootargs", 22), "console=ttyAMA0 quiet");
	assert_string_equal(property("/chosen", "empty", 1), "");
	assert_int_equal(fdt64_ld(property("/chosen", "linux,initrd-start", 8)),
			 0x123456789abcdef0);
	assert_int_equal(fdt32_ld(property("/chosen", "linux,uefi-secure-boot", 4)), 2);
	assert_memory_equal(property("/chosen", "rng-seed", 5), "\1\2\3\4\5\0\0", 8);
	property("/chosen", "flag", 0);
	assert_int_equal(buffer[size], 0xa5);
}

static void fdt_write_is_read_by_fdt_read(void **state)
{
	struct fdt_machine machine;
	struct reason why;

	(void)state;
	fdt_write_begin(&writer, buffer, sizeof(buffer));
	fdt_write_node(&writer, FDT_NAME("chosen"));
	fdt_write_string(&writer, FDT_NAME("bootargs"), text("quiet"));
	fdt_write_end_node(&writer);
	assert_status(fdt_write_end(&writer, &size), STATUS_OK);
	assert_status(fdt_read((struct span){buffer, size}, &machine, &why), STATUS_OK);
	assert_int_equal(machine.bootargs.size, 5);
	assert_memory_equal(machine.bootargs.bytes, "quiet", 5);
}

static void fdt_write_without_a_property(void **state)
{
	(void)state;
	fdt_write_begin(&writer, buffer, sizeof(buffer));
	assert_status(fdt_write_end(&writer, &size), STATUS_OK);
	assert_int_equal(size, 40 + 16 + 16);
	assert_int_equal(fdt_check_full(buffer, size), 0);
}

/* Every capacity that is too small, in a buffer that ASan guards. */
static void fdt_write_too_large(void **state)
{
	(void)state;
	assert_status(write_stub(buffer, sizeof(buffer)), STATUS_OK);
	size_t needed = size;
	for (size_t capacity = 0; capacity <= needed; capacity++) {
		void *small = malloc(capacity + (capacity == 0));
		assert_non_null(small);
		size = 0;
		if (capacity < needed) {
			assert_status(write_stub(small, capacity), STATUS_TOO_LARGE);
			assert_int_equal(size, 0);
			assert_true(writer.used > capacity);
		} else {
			assert_status(write_stub(small, capacity), STATUS_OK);
			assert_memory_equal(small, buffer, needed);
		}
		free(small);
	}
}

static void fdt_write_value_of_absurd_size(void **state)
{
	static const size_t sizes[] = {sizeof(buffer) + 1, SIZE_MAX / 2, SIZE_MAX - 2,
				       SIZE_MAX - 1};

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct span value = {buffer, sizes[i]};
		fdt_write_begin(&writer, buffer, sizeof(buffer));
		fdt_write_bytes(&writer, FDT_NAME("a"), value);
		assert_status(fdt_write_end(&writer, &size), STATUS_TOO_LARGE);
		fdt_write_begin(&writer, buffer, sizeof(buffer));
		fdt_write_string(&writer, FDT_NAME("a"), value);
		fdt_write_u32(&writer, FDT_NAME("b"), 1);
		assert_status(fdt_write_end(&writer, &size), STATUS_TOO_LARGE);
	}
}

static void fdt_write_names_too_long(void **state)
{
	char text[FDT_WRITE_NAMES_MAX + 1];
	struct span name = {(const uint8_t *)text, FDT_WRITE_NAMES_MAX};

	(void)state;
	memset(text, 'n', sizeof(text));
	text[FDT_WRITE_NAMES_MAX - 1] = '\0';
	fdt_write_begin(&writer, buffer, sizeof(buffer));
	fdt_write_u32(&writer, name, 7);
	assert_status(fdt_write_end(&writer, &size), STATUS_OK);
	assert_int_equal(fdt32_ld(property("/", text, 4)), 7);

	fdt_write_begin(&writer, buffer, sizeof(buffer));
	fdt_write_u32(&writer, name, 7);
	fdt_write_u32(&writer, FDT_NAME(""), 7);
	assert_status(fdt_write_end(&writer, &size), STATUS_TOO_LARGE);

	text[FDT_WRITE_NAMES_MAX - 1] = 'n';
	text[FDT_WRITE_NAMES_MAX] = '\0';
	name.size++;
	fdt_write_begin(&writer, buffer, sizeof(buffer));
	fdt_write_u32(&writer, name, 7);
	assert_status(fdt_write_end(&writer, &size), STATUS_TOO_LARGE);
}

static const struct CMUnitTest tests[] = {
	UNIT_TEST(fdt_write_is_read_by_libfdt),    UNIT_TEST(fdt_write_is_read_by_fdt_read),
	UNIT_TEST(fdt_write_without_a_property),   UNIT_TEST(fdt_write_too_large),
	UNIT_TEST(fdt_write_value_of_absurd_size), UNIT_TEST(fdt_write_names_too_long),
};

UNIT_MAIN(tests)
