/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdlib.h>

#include "kernel.h"
#include "loader/bzimage.h"

static struct kernel kernel;
static struct bzimage image;
static struct bzimage_plan plan;
static struct memmap map;
static struct reason why;

/* What was parsed last, of the exact size, so that ASan sees a byte too many. */
static uint8_t *head;

static enum status parse_head(size_t head_size, uint64_t size)
{
	free(head);
	head = malloc(head_size + (head_size == 0));
	assert_non_null(head);
	memcpy(head, kernel.bytes, head_size);
	memset(&why, 0, sizeof(why));
	return bzimage_parse((struct span){head, head_size}, size, &image, &why);
}

static enum status parse(void)
{
	return parse_head(BZIMAGE_HEAD_SIZE, kernel.size);
}

static void refused(enum status expected)
{
	assert_status(parse(), expected);
	assert_reasoned(why);
}

static int setup(void **state)
{
	unit_setup(state);
	kernel = kernel_make(3, 8192);
	return 0;
}

static int teardown(void **state)
{
	kernel_free(&kernel);
	free(head);
	head = NULL;
	return unit_teardown(state);
}

/* -- parse ----------------------------------------------------------------------- */

static void bzimage_of_today(void **state)
{
	(void)state;
	assert_status(parse(), STATUS_OK);
	assert_int_equal(image.version, 0x20f);
	assert_int_equal(image.setup_size, 2048);
	assert_int_equal(image.payload_size, 8192);
	assert_true(image.relocatable);
	assert_true(image.entry64);
	assert_true(image.above_4g);
	assert_int_equal(image.alignment, 2 * MIB);
	assert_int_equal(image.min_alignment, 2 * MIB);
	assert_int_equal(image.pref_address, 16 * MIB);
	assert_int_equal(image.memory_size, 4 * MIB);
	assert_int_equal(image.initrd_max, 0x80000000);
	assert_int_equal(image.cmdline_size, 2047);
	assert_int_equal(image.header_size, HEADER_END_2_15 - 0x1f1);
}

static void bzimage_truncated_header(void **state)
{
	(void)state;
	for (size_t size = 0; size < BZIMAGE_HEAD_SIZE; size++) {
		assert_status(parse_head(size, size), STATUS_TRUNCATED);
		assert_reasoned(why);
	}
}

static void bzimage_without_boot_flag(void **state)
{
	(void)state;
	put16(kernel.bytes + BOOT_FLAG, 0x55aa);
	refused(STATUS_BAD_FORMAT);
}

static void bzimage_without_magic(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		kernel.bytes[HEADER + i] ^= 0x20;
		refused(STATUS_BAD_FORMAT);
		kernel.bytes[HEADER + i] ^= 0x20;
	}
	assert_status(parse(), STATUS_OK);
}

static void bzimage_protocol_too_old(void **state)
{
	static const uint16_t old[] = {0, 0x200, 0x201, 0x202, 0x203, 0x204, 0x205};

	(void)state;
	for (size_t i = 0; i < COUNT(old); i++) {
		put16(kernel.bytes + VERSION_FIELD, old[i]);
		refused(STATUS_UNSUPPORTED);
	}
	assert_non_null(strstr(why.text, "2.05"));
	put16(kernel.bytes + VERSION_FIELD, 0x206);
	assert_status(parse(), STATUS_OK);
	/* One that does not exist yet only adds fields. */
	put16(kernel.bytes + VERSION_FIELD, 0x300);
	assert_status(parse(), STATUS_OK);
}

/* What each protocol added, and what it means where it is missing. */
static void bzimage_each_protocol(void **state)
{
	(void)state;
	for (unsigned version = 0x206; version <= 0x20f; version++) {
		kernel_free(&kernel);
		kernel = kernel_make(3, 8192);
		kernel_set_version(&kernel, version);
		assert_status(parse(), STATUS_OK);
		assert_int_equal(image.version, version);
		assert_int_equal(image.header_size, kernel_header_end(version) - 0x1f1);
		assert_int_equal(image.entry64, version >= 0x20c);
		assert_int_equal(image.above_4g, version >= 0x20c);
		assert_int_equal(image.pref_address, version >= 0x20a ? 16 * MIB : MIB);
		if (version >= 0x20a)
			assert_int_equal(image.memory_size, 4 * MIB);
		else
			assert_in_range(image.memory_size, image.payload_size, 4 * MIB);
		assert_int_equal(image.min_alignment, 2 * MIB);
		assert_int_equal(image.cmdline_size, 2047);
	}
}

/* Bits that old protocols do not define have no meaning there. */
static void bzimage_xloadflags_before_2_12(void **state)
{
	(void)state;
	kernel_set_version(&kernel, 0x20b);
	put16(kernel.bytes + XLOADFLAGS, XLF_KERNEL_64_FLAG | XLF_ABOVE_4G_FLAG);
	assert_status(parse(), STATUS_OK);
	assert_false(image.entry64);
	assert_false(image.above_4g);
}

static void bzimage_min_alignment_before_2_10(void **state)
{
	(void)state;
	kernel_set_version(&kernel, 0x209);
	kernel.bytes[MIN_ALIGNMENT] = 12;
	assert_status(parse(), STATUS_OK);
	assert_int_equal(image.min_alignment, 2 * MIB);
}

static void bzimage_header_length(void **state)
{
	(void)state;
	/* The shortest that has init_size, */
	kernel.bytes[JUMP + 1] = HANDOVER_OFFSET - 0x202;
	assert_status(parse(), STATUS_OK);
	kernel.bytes[JUMP + 1]--;
	refused(STATUS_BAD_FORMAT);
	/* and, of a protocol before 2.10, the shortest that has cmdline_size. */
	kernel_set_version(&kernel, 0x209);
	kernel.bytes[JUMP + 1] = 0x23c - 0x202;
	assert_status(parse(), STATUS_OK);
	kernel.bytes[JUMP + 1]--;
	refused(STATUS_BAD_FORMAT);
	kernel.bytes[JUMP + 1] = 0;
	refused(STATUS_BAD_FORMAT);
	/* Longer than boot_params has room for: cut at 0x290. */
	for (unsigned length = 0x290 - 0x202; length <= 0xff; length++) {
		kernel.bytes[JUMP + 1] = (uint8_t)length;
		assert_status(parse(), STATUS_OK);
		assert_int_equal(image.header_size, 0x290 - 0x1f1);
	}
}

/* Bytes after the end are code, whatever they look like. */
static void bzimage_fields_beyond_the_headers_end(void **state)
{
	(void)state;
	kernel_set_version(&kernel, 0x206);
	kernel.bytes[JUMP + 1] = 0x23c - 0x202;
	memset(kernel.bytes + 0x23c, 0x77, 0x290 - 0x23c);
	assert_status(parse(), STATUS_OK);
	assert_int_equal(image.pref_address, MIB);
	assert_int_equal(image.header_size, 0x23c - 0x1f1);
	assert_false(image.entry64 || image.above_4g);
}

static void bzimage_zimage(void **state)
{
	(void)state;
	kernel.bytes[LOADFLAGS] = 0xfe;
	refused(STATUS_UNSUPPORTED);
}

static void bzimage_setup_sects_0_means_4(void **state)
{
	(void)state;
	kernel_free(&kernel);
	kernel = kernel_make(0, 8192);
	assert_status(parse(), STATUS_OK);
	assert_int_equal(image.setup_size, 5 * 512);
	assert_int_equal(image.payload_size, 8192);
}

static void bzimage_setup_sects_past_end(void **state)
{
	(void)state;
	for (unsigned sects = 0; sects <= 255; sects++) {
		uint64_t setup = ((sects != 0 ? sects : 4) + 1) * 512;
		kernel.bytes[SETUP_SECTS] = (uint8_t)sects;
		assert_status(parse_head(BZIMAGE_HEAD_SIZE, setup + 513), STATUS_OK);
		assert_int_equal(image.payload_size, 513);
		static const int ends[] = {512, 0, -1};
		for (size_t i = 0; i < COUNT(ends); i++) {
			uint64_t size = (uint64_t)((int64_t)setup + ends[i]);
			assert_status(parse_head(BZIMAGE_HEAD_SIZE, size), STATUS_TRUNCATED);
			assert_reasoned(why);
		}
		assert_status(parse_head(BZIMAGE_HEAD_SIZE, BZIMAGE_HEAD_SIZE), STATUS_TRUNCATED);
	}
}

static void bzimage_kernel_alignment(void **state)
{
	static const uint32_t bad[] = {0, 3, 0x200001, 0x300000, 0x80000000, 0xffffffff};

	(void)state;
	kernel.bytes[MIN_ALIGNMENT] = 0;
	for (size_t i = 0; i < COUNT(bad); i++) {
		put32(kernel.bytes + KERNEL_ALIGNMENT, bad[i]);
		refused(STATUS_BAD_FORMAT);
	}
	for (unsigned shift = 0; shift <= 30; shift++) {
		put32(kernel.bytes + KERNEL_ALIGNMENT, 1u << shift);
		assert_status(parse(), STATUS_OK);
		assert_int_equal(image.alignment, 1u << shift);
		assert_int_equal(image.min_alignment, 1u << shift);
	}
	/* It does not matter to a kernel that stays where it is. */
	put32(kernel.bytes + KERNEL_ALIGNMENT, 3);
	kernel.bytes[RELOCATABLE_KERNEL] = 0;
	assert_status(parse(), STATUS_OK);
	assert_false(image.relocatable);
}

static void bzimage_min_alignment(void **state)
{
	static const uint8_t bad[] = {22, 30, 31, 32, 63, 64, 65, 128, 255};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		kernel.bytes[MIN_ALIGNMENT] = bad[i];
		refused(STATUS_BAD_FORMAT);
	}
	for (uint8_t shift = 1; shift <= 21; shift++) {
		kernel.bytes[MIN_ALIGNMENT] = shift;
		assert_status(parse(), STATUS_OK);
		assert_int_equal(image.min_alignment, 1u << shift);
	}
	put32(kernel.bytes + KERNEL_ALIGNMENT, 1u << 30);
	kernel.bytes[MIN_ALIGNMENT] = 30;
	assert_status(parse(), STATUS_OK);
	kernel.bytes[MIN_ALIGNMENT] = 31;
	refused(STATUS_BAD_FORMAT);
	kernel.bytes[RELOCATABLE_KERNEL] = 0;
	kernel.bytes[MIN_ALIGNMENT] = 255;
	assert_status(parse(), STATUS_OK);
}

static void bzimage_init_size_smaller_than_the_kernel(void **state)
{
	(void)state;
	put32(kernel.bytes + INIT_SIZE, 8191);
	assert_status(parse(), STATUS_OK);
	assert_int_equal(image.memory_size, 8192);
	put32(kernel.bytes + INIT_SIZE, 0);
	refused(STATUS_BAD_FORMAT);
	put32(kernel.bytes + INIT_SIZE, 8193);
	assert_status(parse(), STATUS_OK);
	assert_int_equal(image.memory_size, 8193);
}

static void bzimage_pref_address_beyond_any_cpu(void **state)
{
	(void)state;
	put64(kernel.bytes + PREF_ADDRESS, 1ul << 52);
	refused(STATUS_BAD_FORMAT);
	put64(kernel.bytes + PREF_ADDRESS, UINT64_MAX);
	refused(STATUS_BAD_FORMAT);
	put64(kernel.bytes + PREF_ADDRESS, (1ul << 52) - 1);
	assert_status(parse(), STATUS_OK);
}

static void bzimage_above_4g_needs_the_64_bit_entry(void **state)
{
	(void)state;
	put16(kernel.bytes + XLOADFLAGS, XLF_ABOVE_4G_FLAG);
	assert_status(parse(), STATUS_OK);
	assert_false(image.entry64);
	assert_false(image.above_4g);
}

/* Nothing that a header can say makes parser or planner trip. */
static void bzimage_random_headers(void **state)
{
	unsigned accepted = 0, placed = 0;

	(void)state;
	for (unsigned round = 0; round < 60000; round++) {
		struct kernel whole = kernel;
		uint8_t *copy = malloc(kernel.size);
		assert_non_null(copy);
		memcpy(copy, kernel.bytes, kernel.size);
		kernel.bytes = copy;
		for (uint64_t n = 1 + unit_random_below(4); n > 0; n--) {
			size_t at = 0x1f1 + unit_random_below(0x26c - 0x1f1);
			if (at >= HEADER && at < VERSION_FIELD)
				continue;
			copy[at] = (uint8_t)(unit_random_below(4) == 0 ? 0xff : unit_random());
		}
		put16(copy + BOOT_FLAG, 0xaa55);
		if (parse_head(BZIMAGE_HEAD_SIZE, unit_random_below(2) ? kernel.size : 1 << 20) ==
		    STATUS_OK) {
			accepted++;
			memmap_init(&map);
			assert_status(memmap_add(&map, 0, 0xa0000, MEMMAP_RAM), STATUS_OK);
			assert_status(memmap_add(&map, MIB, 3 * GIB, MEMMAP_RAM), STATUS_OK);
			assert_status(memmap_add(&map, 4 * GIB, 4 * GIB, MEMMAP_RAM), STATUS_OK);
			if (bzimage_plan(&image, 12345, 100, &map, &plan, &why) == STATUS_OK) {
				placed++;
				assert_true(plan.load >= MIB);
				assert_true(plan.load % plan.alignment == 0);
			}
		}
		free(copy);
		kernel = whole;
	}
	assert_in_range(accepted, 1000, 60000);
	assert_in_range(placed, 1000, 60000);
}

/* -- plan ------------------------------------------------------------------------ */

static void add(uint64_t start, uint64_t end, enum memmap_type type)
{
	assert_status(memmap_add(&map, start, end - start, type), STATUS_OK);
}

/* A PC with @high bytes of RAM above 4 GiB. */
static void pc_map(uint64_t low_end, uint64_t high)
{
	memmap_init(&map);
	add(0, 0xa0000, MEMMAP_RAM);
	add(0xa0000, MIB, MEMMAP_RESERVED);
	add(MIB, low_end, MEMMAP_RAM);
	add(0xfffc0000, 4 * GIB, MEMMAP_RESERVED);
	if (high != 0)
		add(4 * GIB, 4 * GIB + high, MEMMAP_RAM);
	assert_status(memmap_claim(&map, 0x30000, 0x23000, MEMMAP_FIRMWARE), STATUS_OK);
}

static enum status make_plan(uint64_t initrd, uint64_t cmdline)
{
	memset(&why, 0, sizeof(why));
	assert_status(parse(), STATUS_OK);
	return bzimage_plan(&image, initrd, cmdline, &map, &plan, &why);
}

/* Each part lies in a range of its own kind, so the parts cannot overlap. */
static void claimed(uint64_t start, uint64_t size, enum memmap_type type)
{
	for (size_t i = 0; i < map.count; i++) {
		const struct memmap_entry *entry = &map.entry[i];
		if (start >= entry->start && start + size <= entry->end) {
			assert_int_equal(entry->type, type);
			return;
		}
	}
	fail_msg("0x%lx + 0x%lx is not claimed", start, size);
}

static void check_plan(uint64_t initrd, uint64_t cmdline)
{
	claimed(plan.load, image.memory_size, MEMMAP_KERNEL);
	claimed(plan.boot_params, 0x1000, MEMMAP_BOOT_DATA);
	claimed(plan.cmdline, cmdline + 1, MEMMAP_BOOT_DATA);
	assert_true(plan.cmdline >= plan.boot_params + 0x1000 ||
		    plan.cmdline + cmdline + 1 <= plan.boot_params);
	assert_int_equal(plan.entry, plan.load + (image.entry64 ? 0x200 : 0));
	if (initrd != 0) {
		claimed(plan.initrd, initrd, MEMMAP_INITRD);
		assert_int_equal(plan.initrd % 0x1000, 0);
		if (!image.above_4g)
			assert_true(plan.initrd + initrd <= image.initrd_max);
	} else {
		assert_int_equal(plan.initrd, 0);
	}
	assert_true(plan.boot_params + 0x1000 <= 4 * GIB);
	assert_true(plan.cmdline + cmdline < 4 * GIB);
}

static void bzimage_plan_prefers_pref_address(void **state)
{
	(void)state;
	pc_map(GIB, 0);
	assert_status(make_plan(5000, 100), STATUS_OK);
	check_plan(5000, 100);
	assert_int_equal(plan.load, 16 * MIB);
	assert_int_equal(plan.alignment, 2 * MIB);
	/* Below the work area's end and the EBDA: where every kernel has it mapped. */
	assert_in_range(plan.boot_params, 0x30000, 0x97000);
	/* As high as may be, out of the kernel's way. */
	assert_int_equal(plan.initrd, GIB - 0x2000);
}

static void bzimage_plan_without_initrd(void **state)
{
	(void)state;
	pc_map(GIB, 0);
	assert_status(make_plan(0, 0), STATUS_OK);
	check_plan(0, 0);
}

static void bzimage_plan_pref_address_is_not_ram(void **state)
{
	(void)state;
	pc_map(GIB, 0);
	add(17 * MIB, 18 * MIB, MEMMAP_RESERVED);
	assert_status(make_plan(5000, 100), STATUS_OK);
	check_plan(5000, 100);
	assert_int_equal(plan.load, 18 * MIB);
	assert_int_equal(plan.load % (2 * MIB), 0);
}

static void bzimage_plan_pref_address_last_byte_is_not_ram(void **state)
{
	(void)state;
	pc_map(GIB, 0);
	add(20 * MIB - 1, 20 * MIB, MEMMAP_RESERVED);
	assert_status(make_plan(0, 0), STATUS_OK);
	assert_int_equal(plan.load, 20 * MIB);
	pc_map(GIB, 0);
	add(20 * MIB, 20 * MIB + 1, MEMMAP_RESERVED);
	assert_status(make_plan(0, 0), STATUS_OK);
	assert_int_equal(plan.load, 16 * MIB);
}

static void bzimage_plan_pref_address_not_aligned(void **state)
{
	(void)state;
	pc_map(GIB, 0);
	put64(kernel.bytes + PREF_ADDRESS, 16 * MIB + 0x1000);
	assert_status(make_plan(0, 0), STATUS_OK);
	check_plan(0, 0);
	assert_int_equal(plan.load, 18 * MIB);
	/* With a smaller minimum the preferred address will do, and is told. */
	kernel.bytes[MIN_ALIGNMENT] = 12;
	pc_map(GIB, 0);
	assert_status(make_plan(0, 0), STATUS_OK);
	assert_int_equal(plan.load, 16 * MIB + 0x1000);
	assert_int_equal(plan.alignment, 0x1000);
}

static void bzimage_plan_falls_back_to_min_alignment(void **state)
{
	(void)state;
	/* The one place above pref_address has no 2 MiB boundary in it. */
	pc_map(GIB, 0);
	add(16 * MIB, 31 * MIB, MEMMAP_RESERVED);
	add(35 * MIB + 0x3000, GIB, MEMMAP_RESERVED);
	kernel.bytes[MIN_ALIGNMENT] = 13;
	assert_status(make_plan(0, 0), STATUS_OK);
	check_plan(0, 0);
	assert_int_equal(plan.load, 31 * MIB);
	assert_int_equal(plan.alignment, 0x2000);
	kernel.bytes[MIN_ALIGNMENT] = 21;
	pc_map(GIB, 0);
	add(16 * MIB, 31 * MIB, MEMMAP_RESERVED);
	add(35 * MIB + 0x3000, GIB, MEMMAP_RESERVED);
	assert_status(make_plan(0, 0), STATUS_NO_MEMORY);
	assert_reasoned(why);
}

static void bzimage_plan_never_below_pref_address(void **state)
{
	(void)state;
	pc_map(18 * MIB, 0);
	assert_status(make_plan(0, 0), STATUS_NO_MEMORY);
	assert_reasoned(why);
	/* Nor below 1 MiB, whatever is preferred. */
	pc_map(64 * MIB, 0);
	put64(kernel.bytes + PREF_ADDRESS, 0);
	put32(kernel.bytes + KERNEL_ALIGNMENT, 0x1000);
	kernel.bytes[MIN_ALIGNMENT] = 12;
	put32(kernel.bytes + INIT_SIZE, 0x4000);
	assert_status(make_plan(0, 0), STATUS_OK);
	assert_int_equal(plan.load, MIB);
}

static void bzimage_plan_above_4g(void **state)
{
	(void)state;
	pc_map(18 * MIB, GIB);
	assert_status(make_plan(5000, 10), STATUS_OK);
	check_plan(5000, 10);
	assert_int_equal(plan.load, 4 * GIB);
}

static void bzimage_plan_above_4g_is_forbidden(void **state)
{
	(void)state;
	put16(kernel.bytes + XLOADFLAGS, XLF_KERNEL_64_FLAG);
	pc_map(18 * MIB, GIB);
	assert_status(make_plan(0, 0), STATUS_NO_MEMORY);
	/* Even where the kernel itself would rather be there. */
	put64(kernel.bytes + PREF_ADDRESS, 4 * GIB);
	pc_map(GIB, GIB);
	assert_status(make_plan(0, 0), STATUS_NO_MEMORY);
	assert_reasoned(why);
	put16(kernel.bytes + XLOADFLAGS, XLF_KERNEL_64_FLAG | XLF_ABOVE_4G_FLAG);
	pc_map(GIB, GIB);
	assert_status(make_plan(0, 0), STATUS_OK);
	assert_int_equal(plan.load, 4 * GIB);
}

static void bzimage_plan_32_bit_stays_below_4g(void **state)
{
	(void)state;
	put16(kernel.bytes + XLOADFLAGS, 0);
	put32(kernel.bytes + INITRD_ADDR_MAX, 0xffffffff);
	pc_map(18 * MIB, 64 * GIB);
	assert_status(make_plan(0, 0), STATUS_NO_MEMORY);
	/* The place that is preferred reaches across the boundary. */
	memmap_init(&map);
	add(0, 8 * GIB, MEMMAP_RAM);
	put64(kernel.bytes + PREF_ADDRESS, 4 * GIB - 2 * MIB);
	assert_status(make_plan(0, 0), STATUS_NO_MEMORY);
}

static void bzimage_plan_not_relocatable(void **state)
{
	(void)state;
	kernel.bytes[RELOCATABLE_KERNEL] = 0;
	/* Alignment does not matter then. */
	put64(kernel.bytes + PREF_ADDRESS, 16 * MIB + 0x123000);
	pc_map(GIB, 0);
	assert_status(make_plan(0, 0), STATUS_OK);
	check_plan(0, 0);
	assert_int_equal(plan.load, 16 * MIB + 0x123000);
	pc_map(GIB, 0);
	add(17 * MIB, 18 * MIB, MEMMAP_RESERVED);
	assert_status(make_plan(0, 0), STATUS_NO_MEMORY);
	assert_reasoned(why);
}

static void bzimage_plan_before_2_10_loads_at_1m(void **state)
{
	(void)state;
	kernel_set_version(&kernel, 0x209);
	pc_map(GIB, 0);
	kernel.bytes[RELOCATABLE_KERNEL] = 0;
	assert_status(make_plan(100, 10), STATUS_OK);
	check_plan(100, 10);
	assert_int_equal(plan.load, MIB);
	assert_int_equal(plan.entry, MIB);
}

/* boot.rst: an initrd ends at or below initrd_addr_max. */
static void bzimage_plan_initrd_addr_max(void **state)
{
	(void)state;
	put16(kernel.bytes + XLOADFLAGS, XLF_KERNEL_64_FLAG);
	put32(kernel.bytes + INITRD_ADDR_MAX, 0x37ffffff);
	pc_map(2 * GIB, GIB);
	assert_status(make_plan(0x1001, 10), STATUS_OK);
	check_plan(0x1001, 10);
	assert_int_equal(plan.initrd, 0x38000000 - 0x2000);
	/* One byte less than fits. */
	put32(kernel.bytes + INITRD_ADDR_MAX, 0x37fffffe);
	pc_map(2 * GIB, GIB);
	assert_status(make_plan(0x1000, 10), STATUS_OK);
	assert_int_equal(plan.initrd, 0x38000000 - 0x2000);
	put32(kernel.bytes + INITRD_ADDR_MAX, 0);
	pc_map(2 * GIB, GIB);
	assert_status(make_plan(0x1000, 10), STATUS_NO_MEMORY);
	assert_reasoned(why);
}

static void bzimage_plan_initrd_above_4g(void **state)
{
	(void)state;
	pc_map(3 * GIB, 8 * GIB);
	assert_status(make_plan(4 * GIB, 10), STATUS_OK);
	check_plan(4 * GIB, 10);
	assert_true(plan.initrd >= 4 * GIB);
	put16(kernel.bytes + XLOADFLAGS, XLF_KERNEL_64_FLAG);
	pc_map(3 * GIB, 8 * GIB);
	assert_status(make_plan(4 * GIB, 10), STATUS_NO_MEMORY);
	assert_reasoned(why);
}

static void bzimage_plan_initrd_larger_than_memory(void **state)
{
	(void)state;
	static const uint64_t sizes[] = {64 * MIB, GIB, UINT32_MAX, 1ul << 40, UINT64_MAX};
	for (size_t i = 0; i < COUNT(sizes); i++) {
		pc_map(64 * MIB, 0);
		assert_status(make_plan(sizes[i], 10), STATUS_NO_MEMORY);
		assert_reasoned(why);
	}
}

/* All that is left is a gap that the initrd fills; one byte more has no place. */
static void bzimage_plan_initrd_fills_the_rest(void **state)
{
	(void)state;
	for (uint64_t more = 0; more < 2; more++) {
		pc_map(32 * MIB, 0);
		add(20 * MIB, 28 * MIB, MEMMAP_RESERVED);
		add(MIB, 16 * MIB, MEMMAP_RESERVED);
		assert_status(make_plan(4 * MIB + more, 10),
			      more == 0 ? STATUS_OK : STATUS_NO_MEMORY);
		if (more == 0) {
			check_plan(4 * MIB, 10);
			assert_int_equal(plan.initrd, 28 * MIB);
		}
	}
}

static void bzimage_plan_kernel_larger_than_memory(void **state)
{
	(void)state;
	put32(kernel.bytes + INIT_SIZE, 0xffffffff);
	pc_map(64 * MIB, 0);
	assert_status(make_plan(0, 10), STATUS_NO_MEMORY);
	assert_reasoned(why);
}

static void bzimage_plan_large_command_line(void **state)
{
	(void)state;
	pc_map(64 * MIB, 0);
	assert_status(make_plan(0, 0x200000), STATUS_OK);
	check_plan(0, 0x200000);
	pc_map(64 * MIB, 0);
	assert_status(make_plan(0, UINT32_MAX), STATUS_NO_MEMORY);
	assert_reasoned(why);
}

static void bzimage_plan_without_low_memory(void **state)
{
	(void)state;
	memmap_init(&map);
	add(16 * MIB, 64 * MIB, MEMMAP_RAM);
	assert_status(make_plan(4096, 10), STATUS_OK);
	check_plan(4096, 10);
	memmap_init(&map);
	add(16 * MIB, 20 * MIB, MEMMAP_RAM);
	assert_status(make_plan(0, 10), STATUS_NO_MEMORY);
	assert_reasoned(why);
	memmap_init(&map);
	assert_status(make_plan(0, 10), STATUS_NO_MEMORY);
}

/* -- boot_params ----------------------------------------------------------------- */

static uint8_t *params;

static void fill(const struct bzimage_facts *facts)
{
	params = unit_memory(PARAMS_SIZE);
	memset(params, 0xcc, PARAMS_SIZE);
	assert_status(bzimage_fill_boot_params(&image, &plan, facts, &map,
					       (struct boot_params *)(void *)params, &why),
		      STATUS_OK);
}

static void bzimage_boot_params_at_each_offset(void **state)
{
	const struct bzimage_facts facts = {0x3400000001, 0x123456789abc, 0xdeadbeef00};

	(void)state;
	pc_map(GIB, 16 * GIB);
	assert_status(make_plan(0x1000, 100), STATUS_OK);
	plan.initrd = 0x1234567000;
	fill(&facts);
	assert_int_equal(params[TYPE_OF_LOADER], 0xff);
	/* LOADED_HIGH and what is not ours stay; no real-mode code will use a heap. */
	assert_int_equal(params[LOADFLAGS], LOADED_HIGH_FLAG | 0x40);
	assert_int_equal(get32(params + CODE32_START), plan.load);
	assert_int_equal(get32(params + RAMDISK_IMAGE), 0x34567000);
	assert_int_equal(get32(params + RAMDISK_SIZE), 1);
	assert_int_equal(get32(params + PARAMS_EXT_RAMDISK_IMAGE), 0x12);
	assert_int_equal(get32(params + PARAMS_EXT_RAMDISK_SIZE), 0x34);
	assert_int_equal(get32(params + CMD_LINE_PTR), plan.cmdline);
	assert_int_equal(get32(params + PARAMS_EXT_CMD_LINE_PTR), 0);
	assert_int_equal(get64(params + PARAMS_ACPI_RSDP_ADDR), 0x123456789abc);
	assert_int_equal(get64(params + SETUP_DATA), 0xdeadbeef00);
	assert_int_equal(params[EXT_LOADER_VER], 0);
	assert_int_equal(params[EXT_LOADER_TYPE], 0);
	assert_int_equal(get16(params + HEAP_END_PTR), 0);
	assert_int_equal(get32(params + KERNEL_ALIGNMENT), 0x200000);
	assert_int_equal(get16(params + VID_MODE), 0xffff);

	/* What the kernel brought itself. */
	static const struct {
		size_t start, end;
	} kept[] = {
		{SETUP_SECTS, VID_MODE},          {VID_MODE + 2, TYPE_OF_LOADER},
		{SETUP_MOVE_SIZE, CODE32_START},  {INITRD_ADDR_MAX, KERNEL_ALIGNMENT},
		{RELOCATABLE_KERNEL, SETUP_DATA}, {PREF_ADDRESS, HEADER_END_2_15},
	};
	for (size_t i = 0; i < COUNT(kept); i++)
		assert_memory_equal(params + kept[i].start, kernel.bytes + kept[i].start,
				    kept[i].end - kept[i].start);

	/* And zero elsewhere. */
	size_t e820_end = PARAMS_E820_TABLE + 20u * params[PARAMS_E820_ENTRIES];
	for (size_t at = 0; at < PARAMS_SIZE; at++) {
		if ((at >= SETUP_SECTS && at < HEADER_END_2_15) ||
		    (at >= PARAMS_ACPI_RSDP_ADDR && at < PARAMS_ACPI_RSDP_ADDR + 8) ||
		    (at >= PARAMS_EXT_RAMDISK_IMAGE && at < PARAMS_EXT_CMD_LINE_PTR + 4) ||
		    at == PARAMS_E820_ENTRIES || (at >= PARAMS_E820_TABLE && at < e820_end))
			continue;
		assert_int_equal(params[at], 0);
	}
}

/* Byte 0x201 says how much of it is header; the rest of the sector is code. */
static void bzimage_boot_params_header_length(void **state)
{
	const struct bzimage_facts facts = {0, 0, 0};

	(void)state;
	static const size_t ends[] = {0x264, 0x268, 0x26c, 0x28f, 0x290, 0x291, 0x301};
	for (size_t i = 0; i < COUNT(ends); i++) {
		size_t end = ends[i] < 0x290 ? ends[i] : 0x290;
		memset(kernel.bytes + 0x26c, 0xab, 0x300 - 0x26c);
		kernel.bytes[JUMP + 1] = (uint8_t)(ends[i] - 0x202);
		pc_map(GIB, 0);
		assert_status(make_plan(0, 0), STATUS_OK);
		fill(&facts);
		if (end > PREF_ADDRESS)
			assert_memory_equal(params + PREF_ADDRESS, kernel.bytes + PREF_ADDRESS,
					    end - PREF_ADDRESS);
		/* setup_data, at 0x250, is the loader's own. */
		for (size_t at = end < 0x258 ? 0x258 : end; at < PARAMS_E820_TABLE; at++)
			assert_int_equal(params[at], 0);
	}
}

static void bzimage_boot_params_kernel_alignment(void **state)
{
	const struct bzimage_facts facts = {0, 0, 0};

	(void)state;
	kernel.bytes[MIN_ALIGNMENT] = 12;
	put64(kernel.bytes + PREF_ADDRESS, 16 * MIB + 0x1000);
	pc_map(GIB, 0);
	assert_status(make_plan(0, 0), STATUS_OK);
	fill(&facts);
	assert_int_equal(get32(params + KERNEL_ALIGNMENT), 0x1000);
	/* One that stays where it was built for keeps its own. */
	kernel.bytes[RELOCATABLE_KERNEL] = 0;
	pc_map(GIB, 0);
	assert_status(make_plan(0, 0), STATUS_OK);
	fill(&facts);
	assert_int_equal(get32(params + KERNEL_ALIGNMENT), 0x200000);
}

/* Fields exist from some protocol on; before, their bytes are padding. */
static void bzimage_boot_params_of_each_protocol(void **state)
{
	const struct bzimage_facts facts = {0x1000, 0xe0000, 0x54000};

	(void)state;
	for (unsigned version = 0x206; version <= 0x20f; version++) {
		kernel_free(&kernel);
		kernel = kernel_make(3, 8192);
		kernel_set_version(&kernel, version);
		pc_map(GIB, 0);
		assert_status(make_plan(0x1000, 0), STATUS_OK);
		fill(&facts);
		assert_int_equal(get64(params + PARAMS_ACPI_RSDP_ADDR),
				 version >= 0x20e ? 0xe0000 : 0);
		assert_int_equal(get64(params + SETUP_DATA), version >= 0x209 ? 0x54000 : 0);
		assert_int_equal(get16(params + VERSION_FIELD), version);
	}
}

static void bzimage_boot_params_e820(void **state)
{
	const struct bzimage_facts facts = {0, 0, 0};

	(void)state;
	pc_map(GIB, GIB);
	add(900 * MIB, 901 * MIB, MEMMAP_ACPI);
	assert_status(make_plan(0x1000, 0), STATUS_OK);
	fill(&facts);
	static const struct {
		uint64_t start, end;
		uint32_t type;
	} expected[] = {{0, 0xa0000, 1},           {0xa0000, MIB, 2},   {MIB, 900 * MIB, 1},
			{900 * MIB, 901 * MIB, 3}, {901 * MIB, GIB, 1}, {0xfffc0000, 4 * GIB, 2},
			{4 * GIB, 5 * GIB, 1}};
	assert_int_equal(params[PARAMS_E820_ENTRIES], COUNT(expected));
	for (size_t i = 0; i < COUNT(expected); i++) {
		const uint8_t *entry = params + PARAMS_E820_TABLE + 20 * i;
		assert_int_equal(get64(entry), expected[i].start);
		assert_int_equal(get64(entry + 8), expected[i].end - expected[i].start);
		assert_int_equal(get32(entry + 16), expected[i].type);
	}
}

static void bzimage_boot_params_e820_is_full(void **state)
{
	const struct bzimage_facts facts = {0, 0, 0};

	(void)state;
	assert_status(parse(), STATUS_OK);
	memmap_init(&map);
	for (uint64_t i = 0; i < 128; i++)
		add(2 * i * MIB, (2 * i + 1) * MIB, MEMMAP_RAM);
	fill(&facts);
	assert_int_equal(params[PARAMS_E820_ENTRIES], 128);
	assert_int_equal(get64(params + PARAMS_E820_TABLE + 127 * 20), 254 * MIB);
	add(GIB, 2 * GIB, MEMMAP_RAM);
	memset(&why, 0, sizeof(why));
	assert_status(bzimage_fill_boot_params(&image, &plan, &facts, &map,
					       (struct boot_params *)(void *)params, &why),
		      STATUS_TOO_LARGE);
	assert_reasoned(why);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

static const struct CMUnitTest tests[] = {
	TEST(bzimage_of_today),
	TEST(bzimage_truncated_header),
	TEST(bzimage_without_boot_flag),
	TEST(bzimage_without_magic),
	TEST(bzimage_protocol_too_old),
	TEST(bzimage_each_protocol),
	TEST(bzimage_xloadflags_before_2_12),
	TEST(bzimage_min_alignment_before_2_10),
	TEST(bzimage_header_length),
	TEST(bzimage_fields_beyond_the_headers_end),
	TEST(bzimage_zimage),
	TEST(bzimage_setup_sects_0_means_4),
	TEST(bzimage_setup_sects_past_end),
	TEST(bzimage_kernel_alignment),
	TEST(bzimage_min_alignment),
	TEST(bzimage_init_size_smaller_than_the_kernel),
	TEST(bzimage_pref_address_beyond_any_cpu),
	TEST(bzimage_above_4g_needs_the_64_bit_entry),
	TEST(bzimage_random_headers),
	TEST(bzimage_plan_prefers_pref_address),
	TEST(bzimage_plan_without_initrd),
	TEST(bzimage_plan_pref_address_is_not_ram),
	TEST(bzimage_plan_pref_address_last_byte_is_not_ram),
	TEST(bzimage_plan_pref_address_not_aligned),
	TEST(bzimage_plan_falls_back_to_min_alignment),
	TEST(bzimage_plan_never_below_pref_address),
	TEST(bzimage_plan_above_4g),
	TEST(bzimage_plan_above_4g_is_forbidden),
	TEST(bzimage_plan_32_bit_stays_below_4g),
	TEST(bzimage_plan_not_relocatable),
	TEST(bzimage_plan_before_2_10_loads_at_1m),
	TEST(bzimage_plan_initrd_addr_max),
	TEST(bzimage_plan_initrd_above_4g),
	TEST(bzimage_plan_initrd_larger_than_memory),
	TEST(bzimage_plan_initrd_fills_the_rest),
	TEST(bzimage_plan_kernel_larger_than_memory),
	TEST(bzimage_plan_large_command_line),
	TEST(bzimage_plan_without_low_memory),
	TEST(bzimage_boot_params_at_each_offset),
	TEST(bzimage_boot_params_header_length),
	TEST(bzimage_boot_params_kernel_alignment),
	TEST(bzimage_boot_params_of_each_protocol),
	TEST(bzimage_boot_params_e820),
	TEST(bzimage_boot_params_e820_is_full),
};

UNIT_MAIN(tests)
