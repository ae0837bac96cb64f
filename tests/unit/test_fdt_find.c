/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <libfdt.h>

#include "fdt/fdt.h"

/* Where a device behind buses is: Devicetree Specification 2.3.5, 2.3.6 and 2.3.8. */

#define KIND "test,device"

static uint8_t tree[0x2000] __attribute__((aligned(8)));
static struct fdt_range found;

#define OK(call) assert_int_equal((call), 0)

static void words(const char *name, size_t count, const uint32_t *values)
{
	void *value;

	OK(fdt_property_placeholder(tree, name, (int)(4 * count), &value));
	for (size_t i = 0; i < count; i++)
		fdt32_st((uint8_t *)value + 4 * i, values[i]);
}

#define WORDS(name, ...)                                                                           \
	words(name, sizeof((uint32_t[]){__VA_ARGS__}) / 4, (uint32_t[]){__VA_ARGS__})

static void cells(uint32_t address, uint32_t size)
{
	OK(fdt_property_u32(tree, "#address-cells", address));
	OK(fdt_property_u32(tree, "#size-cells", size));
}

/* The root, with addresses and sizes of two cells. */
static void begin(void)
{
	OK(fdt_create(tree, sizeof(tree)));
	OK(fdt_finish_reservemap(tree));
	OK(fdt_begin_node(tree, ""));
	cells(2, 2);
}

static void begin_bus(void)
{
	OK(fdt_begin_node(tree, "bus"));
}

static void begin_device(void)
{
	OK(fdt_begin_node(tree, "device"));
	OK(fdt_property_string(tree, "compatible", KIND));
}

static void end(void)
{
	OK(fdt_end_node(tree));
}

/* Closes the root and what is @open in it. */
static bool finds(unsigned open)
{
	for (; open > 0; open--)
		end();
	end();
	OK(fdt_finish(tree));
	memset(&found, 0x5a, sizeof(found));
	if (fdt_find_device((struct span){tree, fdt_totalsize(tree)}, KIND, &found))
		return true;
	for (size_t i = 0; i < sizeof(found); i++)
		assert_int_equal(((const uint8_t *)&found)[i], 0x5a);
	return false;
}

static void found_at(unsigned open, uint64_t start, uint64_t size)
{
	assert_true(finds(open));
	assert_int_equal(found.start, start);
	assert_int_equal(found.size, size);
}

static void not_found(unsigned open)
{
	assert_false(finds(open));
}

/* A bus of one cell each, and in it the device at @start. */
static void device_on_bus(uint32_t start, uint32_t size)
{
	cells(1, 1);
	begin_device();
	WORDS("reg", start, size);
}

/* -- devices ------------------------------------------------------------------------------ */

static void fdt_find_on_the_root(void **state)
{
	(void)state;
	begin();
	begin_device();
	WORDS("reg", 0x1, 0x23456000, 0x2, 0x1000);
	found_at(1, 0x123456000, 0x200001000);
	/* The first of the kind, and of its registers. */
	begin();
	begin_device();
	WORDS("reg", 0, 0x1000, 0, 0x100, 0, 0x5000, 0, 0x100);
	end();
	begin_device();
	WORDS("reg", 0, 0x2000, 0, 0x100);
	found_at(1, 0x1000, 0x100);
	/* Of several kinds it is this one, too. */
	begin();
	OK(fdt_begin_node(tree, "device"));
	OK(fdt_property(tree, "compatible", "other\0" KIND, sizeof("other\0" KIND)));
	WORDS("reg", 0, 0x1000, 0, 0x100);
	found_at(1, 0x1000, 0x100);
}

static void fdt_find_nothing(void **state)
{
	(void)state;
	begin();
	not_found(0);
	begin();
	OK(fdt_begin_node(tree, "device"));
	OK(fdt_property_string(tree, "compatible", KIND "s"));
	WORDS("reg", 0, 0x1000, 0, 0x100);
	not_found(1);
	/* The root is no device. */
	OK(fdt_create(tree, sizeof(tree)));
	OK(fdt_finish_reservemap(tree));
	OK(fdt_begin_node(tree, ""));
	OK(fdt_property_string(tree, "compatible", KIND));
	WORDS("reg", 0x1000, 0x100);
	not_found(0);
}

static void fdt_find_short_reg(void **state)
{
	(void)state;
	begin();
	begin_device();
	not_found(1);
	for (size_t count = 0; count <= 4; count++) {
		begin();
		begin_device();
		words("reg", count, (const uint32_t[]){0, 0x1000, 0, 0x100});
		assert_int_equal(finds(1), count == 4);
	}
	begin();
	begin_device();
	OK(fdt_property(tree, "reg", "\0\0\0\0\0\0\x10\0\0\0\0\0\0\0\1", 15));
	not_found(1);
}

static void fdt_find_empty_or_endless(void **state)
{
	static const struct {
		uint32_t reg[4];
		bool found;
	} cases[] = {
		{{0, 0x1000, 0, 0}, false},
		{{0xffffffff, 0xffffffff, 0, 1}, false},
		{{0xffffffff, 0xffffffff, 0, 2}, false},
		{{0xffffffff, 0xfffffff0, 0, 0xf}, true},
		{{0xffffffff, 0xfffffff0, 0xffffffff, 0xffffffff}, false},
		{{0, 0, 0xffffffff, 0xffffffff}, true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		begin();
		begin_device();
		words("reg", 4, cases[i].reg);
		assert_int_equal(finds(1), cases[i].found);
	}
}

/* -- buses -------------------------------------------------------------------------------- */

/* As QEMU has its TPM. */
static void fdt_find_behind_a_bus(void **state)
{
	(void)state;
	begin();
	begin_bus();
	WORDS("ranges", 0, 0, 0xc000000, 0x2000000);
	device_on_bus(0x4000, 0x5000);
	found_at(2, 0xc004000, 0x5000);
	/* What is behind has a start of its own, and more bits above. */
	begin();
	begin_bus();
	WORDS("ranges", 0x1000, 0x8, 0xc000000, 0x2000);
	device_on_bus(0x1800, 0x1800);
	found_at(2, 0x80c000800, 0x1800);
}

static void fdt_find_behind_two_buses(void **state)
{
	(void)state;
	begin();
	begin_bus();
	cells(2, 1);
	WORDS("ranges", 0x1, 0, 0x2, 0, 0x10000);
	begin_bus();
	WORDS("ranges", 0x100, 0x1, 0x8000, 0x1000);
	device_on_bus(0x180, 0x80);
	found_at(3, 0x200008080, 0x80);
}

static void fdt_find_with_empty_ranges(void **state)
{
	(void)state;
	for (unsigned buses = 1; buses <= 3; buses++) {
		begin();
		for (unsigned i = 0; i < buses; i++) {
			begin_bus();
			OK(fdt_property(tree, "ranges", NULL, 0));
			if (i + 1 < buses)
				cells(1, 1);
		}
		device_on_bus(0x3000, 0x100);
		found_at(buses + 1, 0x3000, 0x100);
	}
}

/* What is behind such a bus has no address of the CPU's. */
static void fdt_find_without_ranges(void **state)
{
	(void)state;
	begin();
	begin_bus();
	device_on_bus(0x3000, 0x100);
	not_found(2);
	begin();
	begin_bus();
	cells(1, 1);
	begin_bus();
	OK(fdt_property(tree, "ranges", NULL, 0));
	device_on_bus(0x3000, 0x100);
	not_found(3);
}

static void fdt_find_in_one_of_several_ranges(void **state)
{
	static const uint32_t ranges[] = {0x1000,  0,      0x10000, 0x1000, 0x3000,  0,
					  0x20000, 0x1000, 0x4000,  0,      0x90000, 0x1000};
	static const struct {
		uint32_t start, size;
		uint64_t at; /* 0: nowhere */
	} cases[] = {
		{0x1000, 0x1000, 0x10000},
		{0x1fff, 1, 0x10fff},
		{0x1fff, 2, 0},
		{0xfff, 1, 0},
		{0x2000, 1, 0},
		{0x3000, 0x1000, 0x20000},
		{0x4800, 0x800, 0x90800},
		{0x3000, 0x2000, 0},
		{0x5000, 1, 0},
		{0x4000, 0xffffffff, 0},
		{0xffffffff, 0xffffffff, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		begin();
		begin_bus();
		words("ranges", COUNT(ranges), ranges);
		device_on_bus(cases[i].start, cases[i].size);
		assert_int_equal(finds(2), cases[i].at != 0);
		if (cases[i].at != 0)
			assert_int_equal(found.start, cases[i].at);
	}
}

/* What is in front of a range is not in it, however long that is. */
static void fdt_find_in_front_of_all(void **state)
{
	(void)state;
	for (unsigned inside = 0; inside < 2; inside++) {
		begin();
		begin_bus();
		cells(2, 2);
		WORDS("ranges", 0, 0x1000, 0, 0, 0xffffffff, 0xffffffff);
		begin_device();
		WORDS("reg", 0, inside != 0 ? 0x1100 : 0xf00, 0, 0x80);
		assert_int_equal(finds(2), inside);
	}
}

/* A part of an entry is none. */
static void fdt_find_short_ranges(void **state)
{
	(void)state;
	for (size_t count = 1; count <= 8; count++) {
		begin();
		begin_bus();
		words("ranges", count,
		      (const uint32_t[]){0, 0, 0xc000000, 0x100, 0x100, 0, 0xd000000, 0x1000});
		device_on_bus(0x200, 0x100);
		assert_int_equal(finds(2), count == 8);
	}
}

/* Addresses of a PCI bus have three cells, and of a CPU or an I2C bus no sizes. */
static void fdt_find_other_cells(void **state)
{
	(void)state;
	for (uint32_t address = 0; address <= 4; address++) {
		for (uint32_t size = 0; size <= 3; size++) {
			bool taken = address >= 1 && address <= 2 && size >= 1 && size <= 2;
			uint32_t reg[8] = {0}, ranges[10] = {0};
			begin();
			begin_bus();
			cells(address, size);
			if (taken) {
				reg[address - 1] = 0x100;
				reg[address + size - 1] = 0x10;
				ranges[address + 1] = 0x5000;
				ranges[address + 2 + size - 1] = 0x1000;
			}
			words("ranges", address + 2 + size, ranges);
			begin_device();
			words("reg", address + size, reg);
			assert_int_equal(finds(2), taken);
			if (taken)
				assert_int_equal(found.start, 0x5100);
		}
	}
	/* Between two buses, and above all. */
	begin();
	begin_bus();
	cells(3, 2);
	OK(fdt_property(tree, "ranges", NULL, 0));
	begin_bus();
	OK(fdt_property(tree, "ranges", NULL, 0));
	device_on_bus(0x3000, 0x100);
	not_found(3);
	/* Without the properties: two cells, and one. */
	begin();
	begin_bus();
	WORDS("ranges", 0, 0, 0, 0x7000, 0x1000);
	begin_device();
	WORDS("reg", 0, 0x10, 0x20);
	found_at(2, 0x7010, 0x20);
}

/* Where the bus leads to does not go past the end of all addresses. */
static void fdt_find_wraps(void **state)
{
	static const struct {
		uint32_t start, size;
		bool found;
	} cases[] = {{0, 0xf00, true}, {0, 0x1000, false}, {0, 0x1001, false}, {0x1000, 1, false}};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		begin();
		begin_bus();
		WORDS("ranges", 0, 0xffffffff, 0xfffff000, 0x10000);
		device_on_bus(cases[i].start, cases[i].size);
		assert_int_equal(finds(2), cases[i].found);
	}
}

static void fdt_find_too_deep(void **state)
{
	(void)state;
	for (unsigned buses = 0; buses <= 20; buses++) {
		begin();
		for (unsigned i = 0; i < buses; i++) {
			begin_bus();
			OK(fdt_property(tree, "ranges", NULL, 0));
			cells(2, 2);
		}
		begin_device();
		WORDS("reg", 0, 0x1000, 0, 0x100);
		assert_int_equal(finds(buses + 1), buses <= 3);
	}
}

static const struct CMUnitTest tests[] = {
	UNIT_TEST(fdt_find_on_the_root),
	UNIT_TEST(fdt_find_nothing),
	UNIT_TEST(fdt_find_short_reg),
	UNIT_TEST(fdt_find_empty_or_endless),
	UNIT_TEST(fdt_find_behind_a_bus),
	UNIT_TEST(fdt_find_behind_two_buses),
	UNIT_TEST(fdt_find_with_empty_ranges),
	UNIT_TEST(fdt_find_without_ranges),
	UNIT_TEST(fdt_find_in_one_of_several_ranges),
	UNIT_TEST(fdt_find_in_front_of_all),
	UNIT_TEST(fdt_find_short_ranges),
	UNIT_TEST(fdt_find_other_cells),
	UNIT_TEST(fdt_find_wraps),
	UNIT_TEST(fdt_find_too_deep),
};

UNIT_MAIN(tests)
