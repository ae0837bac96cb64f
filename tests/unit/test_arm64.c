/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdlib.h>

#include "lib/checked.h"
#include "loader/arm64.h"

#define RAM_START 0x40000000ul
#define NO_LIMIT  (1ul << 48)

/* Offsets of the header's fields: booting.rst, 4. */
#define TEXT_OFFSET 8
#define IMAGE_SIZE  16
#define FLAGS       24
#define MAGIC       56

static uint8_t head[64];
static struct arm64_image image;
static struct arm64_plan plan;
static struct memmap map;
static struct reason why;

static enum status parse_head(size_t head_size, uint64_t size)
{
	/* Of the exact size, so that ASan sees a byte too many. */
	uint8_t *copy = malloc(head_size + (head_size == 0));

	assert_non_null(copy);
	memcpy(copy, head, head_size);
	memset(&why, 0, sizeof(why));
	enum status status = arm64_parse((struct span){copy, head_size}, size, &image, &why);
	free(copy);
	return status;
}

/* Refused with a reason, and the output untouched. */
static void refused(uint64_t size, enum status expected)
{
	struct arm64_image before;

	memset(&image, 0x5a, sizeof(image));
	before = image;
	assert_status(parse_head(sizeof(head), size), expected);
	assert_reasoned(why);
	assert_memory_equal(&image, &before, sizeof(image));
}

/* A kernel of 6.1, of 20 MiB that needs 24 MiB. */
static int setup(void **state)
{
	unit_setup(state);
	memset(head, 0, sizeof(head));
	memcpy(head, "MZ", 2);
	put64(head + IMAGE_SIZE, 24 * MIB);
	put64(head + FLAGS, 0xa);
	memcpy(head + MAGIC, "ARM\x64", 4);
	assert_status(parse_head(sizeof(head), 20 * MIB), STATUS_OK);
	memmap_init(&map);
	return 0;
}

/* -- parse ----------------------------------------------------------------------- */

static void arm64_of_today(void **state)
{
	(void)state;
	assert_int_equal(image.text_offset, 0);
	assert_int_equal(image.file_size, 20 * MIB);
	assert_int_equal(image.memory_size, 24 * MIB);
	assert_int_equal(image.page_size, 4096);
	assert_true(image.anywhere);
	assert_true(arm64_is_image((struct span){head, sizeof(head)}));
}

static void arm64_truncated_header(void **state)
{
	(void)state;
	for (size_t size = 0; size < sizeof(head); size++) {
		uint8_t *copy = malloc(size + 1);
		assert_non_null(copy);
		memcpy(copy, head, size);
		assert_false(arm64_is_image((struct span){copy, size}));
		free(copy);
		assert_status(parse_head(size, size), STATUS_TRUNCATED);
		assert_reasoned(why);
		refused(size, STATUS_TRUNCATED);
	}
	assert_status(parse_head(sizeof(head), sizeof(head)), STATUS_OK);
}

static void arm64_without_magic(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		head[MAGIC + i] ^= 0x20;
		assert_false(arm64_is_image((struct span){head, sizeof(head)}));
		refused(20 * MIB, STATUS_BAD_FORMAT);
		head[MAGIC + i] ^= 0x20;
	}
	assert_status(parse_head(sizeof(head), 20 * MIB), STATUS_OK);
}

static void arm64_big_endian(void **state)
{
	(void)state;
	head[FLAGS] |= 1;
	refused(20 * MIB, STATUS_UNSUPPORTED);
	assert_non_null(strstr(why.text, "big-endian"));
}

static void arm64_each_flag(void **state)
{
	static const uint32_t page_sizes[] = {0, 4096, 16384, 65536};

	(void)state;
	for (unsigned flags = 0; flags < 16; flags += 2) {
		/* Bits that have no meaning yet are ignored. */
		for (uint64_t reserved = 0; reserved <= 0xf0; reserved += 0xf0) {
			put64(head + FLAGS, flags | reserved | reserved << 56);
			assert_status(parse_head(sizeof(head), 20 * MIB), STATUS_OK);
			assert_int_equal(image.page_size, page_sizes[flags >> 1 & 3]);
			assert_int_equal(image.anywhere, flags >> 3);
		}
	}
}

/* Before 3.17: text_offset is in the kernel's own byte order. */
static void arm64_without_image_size(void **state)
{
	(void)state;
	put64(head + IMAGE_SIZE, 0);
	put64(head + FLAGS, 0);
	put64(head + TEXT_OFFSET, 0x0000080000000000);
	assert_status(parse_head(sizeof(head), 20 * MIB), STATUS_OK);
	assert_int_equal(image.text_offset, 0x80000);
	assert_int_equal(image.file_size, 20 * MIB);
	assert_in_range(image.memory_size, 22 * MIB, 64 * MIB);
	assert_int_equal(image.page_size, 0);
	assert_false(image.anywhere);
}

/* A signature, say, follows the image. */
static void arm64_file_larger_than_image_size(void **state)
{
	(void)state;
	assert_status(parse_head(sizeof(head), 24 * MIB + 5), STATUS_OK);
	assert_int_equal(image.memory_size, 24 * MIB + 5);
	static const uint64_t smaller[] = {1, 20 * MIB - 1, 20 * MIB};
	for (size_t i = 0; i < COUNT(smaller); i++) {
		put64(head + IMAGE_SIZE, smaller[i]);
		assert_status(parse_head(sizeof(head), 20 * MIB), STATUS_OK);
		assert_int_equal(image.memory_size, 20 * MIB);
	}
}

static void arm64_sizes_beyond_48_bits(void **state)
{
	static const uint64_t sizes[] = {NO_LIMIT + 1, 1ul << 63, UINT64_MAX - MIB, UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		put64(head + IMAGE_SIZE, 0);
		refused(sizes[i], STATUS_OUT_OF_RANGE);
		put64(head + IMAGE_SIZE, 24 * MIB);
		refused(sizes[i], STATUS_OUT_OF_RANGE);
		put64(head + IMAGE_SIZE, sizes[i]);
		refused(20 * MIB, STATUS_OUT_OF_RANGE);
	}
	put64(head + IMAGE_SIZE, NO_LIMIT);
	assert_status(parse_head(sizeof(head), 20 * MIB), STATUS_OK);
}

static void arm64_each_text_offset(void **state)
{
	(void)state;
	for (uint64_t offset = 0; offset < 2 * MIB; offset += 0x1000) {
		put64(head + TEXT_OFFSET, offset);
		assert_status(parse_head(sizeof(head), 20 * MIB), STATUS_OK);
		assert_int_equal(image.text_offset, offset);
	}
	static const uint64_t far[] = {2 * MIB, 2 * MIB + 1, 1ul << 63, UINT64_MAX - 0xfff};
	for (size_t i = 0; i < COUNT(far); i++) {
		put64(head + TEXT_OFFSET, far[i]);
		refused(20 * MIB, STATUS_OUT_OF_RANGE);
	}
	static const uint64_t odd[] = {1, 0x800, 0x80001, 2 * MIB - 1};
	for (size_t i = 0; i < COUNT(odd); i++) {
		put64(head + TEXT_OFFSET, odd[i]);
		refused(20 * MIB, STATUS_BAD_FORMAT);
	}
}

static void arm64_random_headers(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		uint64_t size = unit_random() >> unit_random_below(64);
		unit_random_bytes(head, MAGIC);
		for (size_t field = TEXT_OFFSET; field <= FLAGS; field += 8)
			put64(head + field, unit_random() >> unit_random_below(64));
		if (parse_head(sizeof(head), size) != STATUS_OK) {
			assert_reasoned(why);
			continue;
		}
		assert_true(image.text_offset < 2 * MIB && image.text_offset % 0x1000 == 0);
		assert_int_equal(image.file_size, size);
		assert_true(image.memory_size >= size);
		assert_true(image.memory_size <= NO_LIMIT + 64 * MIB);
	}
}

/* -- plan ------------------------------------------------------------------------ */

static void ram(uint64_t start, uint64_t size)
{
	assert_status(memmap_add(&map, start, size, MEMMAP_RAM), STATUS_OK);
}

static void claim(uint64_t start, uint64_t size, enum memmap_type type)
{
	assert_status(memmap_claim(&map, start, size, type), STATUS_OK);
}

/* What is free in the map, and what is claimed for a purpose, by bytes. */
static uint64_t total(enum memmap_type type)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < map.count; i++) {
		if (map.entry[i].type == type)
			bytes += map.entry[i].end - map.entry[i].start;
	}
	return bytes;
}

/* Whether all of a range has the type, in entries that may be several. */
static bool has_type(uint64_t start, uint64_t size, enum memmap_type type)
{
	for (size_t i = 0; i < map.count && size > 0; i++) {
		const struct memmap_entry *entry = &map.entry[i];
		if (entry->end <= start)
			continue;
		if (entry->start > start || entry->type != type)
			return false;
		uint64_t part = entry->end - start < size ? entry->end - start : size;
		start += part;
		size -= part;
	}
	return size == 0;
}

static enum status make_plan(struct arm64_found found, uint64_t limit)
{
	memset(&why, 0, sizeof(why));
	memset(&plan, 0x5a, sizeof(plan));
	enum status status = arm64_plan(&image, &found, limit, &map, &plan, &why);
	if (status != STATUS_OK) {
		assert_reasoned(why);
		assert_int_equal(plan.load, 0x5a5a5a5a5a5a5a5a);
		assert_int_equal(plan.initrd, 0x5a5a5a5a5a5a5a5a);
		return status;
	}
	assert_int_equal((plan.load - image.text_offset) % (2 * MIB), 0);
	assert_true(plan.load + image.memory_size <= limit);
	assert_true(has_type(plan.load, image.memory_size, MEMMAP_KERNEL));
	if (found.initrd_size == 0) {
		assert_int_equal(plan.initrd, 0);
		return status;
	}
	assert_int_not_equal(plan.initrd, 0);
	assert_true(plan.initrd == found.initrd || plan.initrd % 0x1000 == 0);
	assert_true(plan.initrd + found.initrd_size <= limit);
	assert_true(has_type(plan.initrd, found.initrd_size, MEMMAP_INITRD));
	if (!image.anywhere)
		assert_true(plan.initrd > plan.load);
	/* Some window covers both, tried one by one. */
	uint64_t low = plan.load < plan.initrd ? plan.load : plan.initrd;
	uint64_t kernel_end = plan.load + image.memory_size;
	uint64_t initrd_end = plan.initrd + found.initrd_size;
	uint64_t high = kernel_end > initrd_end ? kernel_end : initrd_end;
	bool covered = false;
	for (uint64_t start = 0; start <= low && !covered; start += GIB)
		covered = high <= start + 32 * GIB;
	assert_true(covered);
	return status;
}

static void arm64_lowest_place(void **state)
{
	(void)state;
	ram(RAM_START, GIB);
	claim(RAM_START, 2 * MIB, MEMMAP_BOOT_DATA);
	assert_status(make_plan((struct arm64_found){.initrd_size = 12345}, NO_LIMIT), STATUS_OK);
	assert_int_equal(plan.load, RAM_START + 2 * MIB);
	assert_int_equal(plan.initrd, RAM_START + 26 * MIB);
	assert_int_equal(total(MEMMAP_KERNEL), 24 * MIB);
	assert_int_equal(total(MEMMAP_INITRD), 12345);
}

static void arm64_lowest_place_with_text_offset(void **state)
{
	(void)state;
	image.text_offset = 0x80000;
	image.anywhere = false;
	ram(RAM_START, GIB);
	assert_status(make_plan((struct arm64_found){0}, NO_LIMIT), STATUS_OK);
	assert_int_equal(plan.load, RAM_START + 0x80000);
	/* Whoever asks next does not get what is before the base of the next one. */
	memmap_init(&map);
	ram(RAM_START + 0x1000, GIB);
	assert_status(make_plan((struct arm64_found){0}, NO_LIMIT), STATUS_OK);
	assert_int_equal(plan.load, RAM_START + 2 * MIB + 0x80000);
}

static void arm64_ram_at_0(void **state)
{
	(void)state;
	ram(0, GIB);
	claim(0x1000, 2 * MIB, MEMMAP_BOOT_DATA);
	/* Page 0 is free, but an initrd there would be none. */
	assert_status(make_plan((struct arm64_found){.initrd_size = 0x1000}, 28 * MIB), STATUS_OK);
	assert_int_equal(plan.load, 4 * MIB);
	assert_int_equal(plan.initrd, 2 * MIB + 0x1000);
	assert_status(make_plan((struct arm64_found){.initrd_size = 4 * MIB}, 28 * MIB),
		      STATUS_NO_MEMORY);
}

static void arm64_ram_too_small(void **state)
{
	(void)state;
	assert_status(make_plan((struct arm64_found){0}, NO_LIMIT), STATUS_NO_MEMORY);
	ram(RAM_START, 24 * MIB - 1);
	assert_status(make_plan((struct arm64_found){0}, NO_LIMIT), STATUS_NO_MEMORY);
	memmap_init(&map);
	ram(RAM_START, 24 * MIB);
	assert_status(make_plan((struct arm64_found){0}, NO_LIMIT), STATUS_OK);
	assert_int_equal(total(MEMMAP_RAM), 0);
	memmap_init(&map);
	ram(RAM_START, 24 * MIB);
	assert_status(make_plan((struct arm64_found){.initrd_size = 1}, NO_LIMIT),
		      STATUS_NO_MEMORY);
}

static void arm64_limit(void **state)
{
	struct arm64_found found = {.kernel = RAM_START, .initrd_size = 0x2000};

	(void)state;
	for (uint64_t limit = RAM_START + 24 * MIB - 1; limit <= RAM_START + 24 * MIB + 0x2000;
	     limit++) {
		if (limit == RAM_START + 24 * MIB + 2)
			limit = RAM_START + 24 * MIB + 0x1fff;
		memmap_init(&map);
		ram(RAM_START, GIB);
		claim(RAM_START, 20 * MIB, MEMMAP_KERNEL);
		assert_status(make_plan(found, limit), limit == RAM_START + 24 * MIB + 0x2000
							       ? STATUS_OK
							       : STATUS_NO_MEMORY);
	}
	/* Nothing lies below 0. */
	assert_status(make_plan(found, 0), STATUS_NO_MEMORY);
	/* And what is at or above the limit does not stay. */
	memmap_init(&map);
	ram(RAM_START, GIB);
	claim(RAM_START + 512 * MIB, 20 * MIB, MEMMAP_KERNEL);
	claim(RAM_START + 600 * MIB, MIB, MEMMAP_INITRD);
	found = (struct arm64_found){RAM_START + 512 * MIB, RAM_START + 600 * MIB, MIB};
	assert_status(make_plan(found, RAM_START + 513 * MIB), STATUS_OK);
	assert_int_equal(plan.load, RAM_START);
	assert_int_equal(plan.initrd, RAM_START + 24 * MIB);
}

static void arm64_kernel_stays(void **state)
{
	struct arm64_found found = {RAM_START + 4 * MIB, RAM_START + 129 * MIB + 123, 4567};

	(void)state;
	ram(RAM_START, GIB);
	claim(found.kernel, 20 * MIB, MEMMAP_KERNEL);
	claim(found.initrd, found.initrd_size, MEMMAP_INITRD);
	assert_status(make_plan(found, NO_LIMIT), STATUS_OK);
	assert_int_equal(plan.load, found.kernel);
	assert_int_equal(plan.initrd, found.initrd);
	assert_int_equal(total(MEMMAP_KERNEL), 24 * MIB);
	assert_int_equal(total(MEMMAP_INITRD), 4567);
}

static void arm64_kernel_stays_without_bss(void **state)
{
	struct arm64_found found = {.kernel = RAM_START};

	(void)state;
	image.memory_size = image.file_size;
	ram(RAM_START, 20 * MIB);
	claim(found.kernel, 20 * MIB, MEMMAP_KERNEL);
	assert_status(make_plan(found, NO_LIMIT), STATUS_OK);
	assert_int_equal(plan.load, found.kernel);
}

static void arm64_kernel_in_place_but_misaligned(void **state)
{
	static const uint64_t bad[] = {0x1000, MIB, 0x80000, 2 * MIB - 0x1000};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct arm64_found found = {.kernel = RAM_START + 256 * MIB + bad[i]};
		memmap_init(&map);
		ram(RAM_START, GIB);
		claim(found.kernel, image.file_size, MEMMAP_KERNEL);
		assert_status(make_plan(found, NO_LIMIT), STATUS_OK);
		assert_int_equal(plan.load, RAM_START);
		/* What it came in is not given away. */
		assert_true(has_type(found.kernel, image.file_size, MEMMAP_KERNEL));
		image.text_offset = bad[i];
		memmap_init(&map);
		ram(RAM_START, GIB);
		claim(found.kernel, image.file_size, MEMMAP_KERNEL);
		assert_status(make_plan(found, NO_LIMIT), STATUS_OK);
		assert_int_equal(plan.load, found.kernel);
		image.text_offset = 0;
	}
	/* Below its own text_offset: there is no base. */
	image.text_offset = MIB;
	memmap_init(&map);
	ram(0, GIB);
	claim(0x80000, image.file_size, MEMMAP_KERNEL);
	assert_status(make_plan((struct arm64_found){.kernel = 0x80000}, NO_LIMIT), STATUS_OK);
	assert_int_equal(plan.load, 23 * MIB);
}

/* QEMU puts the initrd, and Cloud Hypervisor the next thing, where the BSS shall be. */
static void arm64_kernel_in_place_but_bss_is_taken(void **state)
{
	struct arm64_found found = {RAM_START + 2 * MIB, RAM_START + 26 * MIB - 0x1000, 0x1000};

	(void)state;
	ram(RAM_START, GIB);
	claim(found.kernel, 20 * MIB, MEMMAP_KERNEL);
	claim(found.initrd, found.initrd_size, MEMMAP_INITRD);
	assert_status(make_plan(found, NO_LIMIT), STATUS_OK);
	assert_int_equal(plan.load, RAM_START + 26 * MIB);
	assert_int_equal(plan.initrd, found.initrd);
	/* The end of RAM is as bad. */
	memmap_init(&map);
	ram(RAM_START, GIB);
	found = (struct arm64_found){.kernel = RAM_START + GIB - 22 * MIB};
	claim(found.kernel, 20 * MIB, MEMMAP_KERNEL);
	assert_status(make_plan(found, NO_LIMIT), STATUS_OK);
	assert_int_equal(plan.load, RAM_START);
}

static void arm64_initrd_out_of_window(void **state)
{
	struct arm64_found found = {0, 33 * GIB - 0x1000, 0x1000};

	(void)state;
	/* Up to the end of the window that starts with the kernel's GiB, */
	ram(RAM_START, 64 * GIB);
	claim(found.initrd, 0x1000, MEMMAP_INITRD);
	assert_status(make_plan(found, NO_LIMIT), STATUS_OK);
	assert_int_equal(plan.load, RAM_START);
	assert_int_equal(plan.initrd, found.initrd);
	/* and not a byte beyond. */
	memmap_init(&map);
	found.initrd++;
	ram(RAM_START, 64 * GIB);
	claim(found.initrd, 0x1000, MEMMAP_INITRD);
	assert_status(make_plan(found, NO_LIMIT), STATUS_OK);
	assert_int_equal(plan.initrd, RAM_START + 24 * MIB);
}

static void arm64_initrd_below_window(void **state)
{
	struct arm64_found found = {.kernel = 40 * GIB - 24 * MIB, .initrd = 8 * GIB};

	(void)state;
	/* The kernel ends with a GiB: the window starts 32 GiB before its end, */
	found.initrd_size = 0x1000;
	ram(RAM_START, 64 * GIB);
	claim(found.kernel, 20 * MIB, MEMMAP_KERNEL);
	claim(found.initrd, 0x1000, MEMMAP_INITRD);
	assert_status(make_plan(found, NO_LIMIT), STATUS_OK);
	assert_int_equal(plan.load, found.kernel);
	assert_int_equal(plan.initrd, found.initrd);
	/* and not a byte earlier; */
	memmap_init(&map);
	found.initrd--;
	ram(RAM_START, 64 * GIB);
	claim(found.kernel, 20 * MIB, MEMMAP_KERNEL);
	claim(found.initrd, 0x1000, MEMMAP_INITRD);
	assert_status(make_plan(found, NO_LIMIT), STATUS_OK);
	assert_int_equal(plan.initrd, 40 * GIB);
	/* 2 MiB further up, a GiB later. */
	memmap_init(&map);
	found.kernel += 2 * MIB;
	found.initrd = 9 * GIB - 1;
	ram(RAM_START, 64 * GIB);
	claim(found.kernel, 20 * MIB, MEMMAP_KERNEL);
	claim(found.initrd, 0x1000, MEMMAP_INITRD);
	assert_status(make_plan(found, NO_LIMIT), STATUS_OK);
	assert_int_equal(plan.initrd, 40 * GIB + 2 * MIB);
	/* And the first kernel that does not reach down to 0. */
	found.kernel = 32 * GIB;
	for (found.initrd = GIB - 1; found.initrd <= GIB; found.initrd++) {
		memmap_init(&map);
		ram(0, 64 * GIB);
		claim(found.kernel, 20 * MIB, MEMMAP_KERNEL);
		claim(found.initrd, 0x1000, MEMMAP_INITRD);
		assert_status(make_plan(found, NO_LIMIT), STATUS_OK);
		assert_int_equal(plan.initrd,
				 found.initrd < GIB ? found.kernel + 24 * MIB : found.initrd);
	}
}

/* Nothing is free above the kernel; below it, the initrd has to be inside the window. */
static void arm64_initrd_goes_below(void **state)
{
	struct arm64_found found = {.kernel = 39 * GIB, .initrd_size = MIB};

	(void)state;
	ram(RAM_START, 39 * GIB - RAM_START + 24 * MIB);
	claim(found.kernel, 20 * MIB, MEMMAP_KERNEL);
	assert_status(make_plan(found, NO_LIMIT), STATUS_OK);
	assert_int_equal(plan.load, found.kernel);
	assert_int_equal(plan.initrd, 8 * GIB);
	memmap_init(&map);
	ram(RAM_START, 7 * GIB);
	ram(39 * GIB, 24 * MIB);
	claim(found.kernel, 20 * MIB, MEMMAP_KERNEL);
	assert_status(make_plan(found, NO_LIMIT), STATUS_NO_MEMORY);
}

/* Kernels before 4.6 have no memory below their base. */
static void arm64_initrd_below_a_kernel_that_cannot_reach_it(void **state)
{
	struct arm64_found found = {RAM_START + 256 * MIB, RAM_START + MIB, MIB};

	(void)state;
	image.anywhere = false;
	ram(RAM_START, GIB);
	claim(found.kernel, 20 * MIB, MEMMAP_KERNEL);
	claim(found.initrd, MIB, MEMMAP_INITRD);
	assert_status(make_plan(found, NO_LIMIT), STATUS_OK);
	assert_int_equal(plan.load, found.kernel);
	assert_int_equal(plan.initrd, found.kernel + 24 * MIB);
	memmap_init(&map);
	ram(RAM_START, 280 * MIB);
	claim(found.kernel, 20 * MIB, MEMMAP_KERNEL);
	claim(found.initrd, MIB, MEMMAP_INITRD);
	assert_status(make_plan(found, NO_LIMIT), STATUS_NO_MEMORY);
}

static void arm64_kernel_as_large_as_the_window(void **state)
{
	(void)state;
	/* It starts at 0, which for an initrd means that there is none in memory. */
	image.memory_size = 32 * GIB;
	ram(0, 64 * GIB);
	assert_status(make_plan((struct arm64_found){.initrd_size = 1}, NO_LIMIT),
		      STATUS_NO_MEMORY);
	memmap_init(&map);
	ram(4 * GIB, 60 * GIB);
	image.memory_size = 33 * GIB;
	assert_status(make_plan((struct arm64_found){.initrd_size = 1}, NO_LIMIT),
		      STATUS_NO_MEMORY);
	memmap_init(&map);
	ram(4 * GIB, 60 * GIB);
	assert_status(make_plan((struct arm64_found){0}, NO_LIMIT), STATUS_OK);
}

static void arm64_map_without_room_for_claims(void **state)
{
	(void)state;
	for (uint64_t i = 0; i + 1 < MEMMAP_ENTRIES_MAX; i++)
		ram(RAM_START + i * GIB, 512 * MIB);
	assert_status(make_plan((struct arm64_found){0}, NO_LIMIT), STATUS_TOO_LARGE);
	map.count -= 1;
	assert_status(make_plan((struct arm64_found){.initrd_size = 1}, NO_LIMIT),
		      STATUS_TOO_LARGE);
}

static void random_ram(void)
{
	static const uint64_t units[] = {0x1000, MIB, 2 * MIB, 64 * MIB, GIB, 7 * GIB};

	memmap_init(&map);
	uint64_t at = unit_random_below(4) * GIB;
	for (uint64_t n = 1 + unit_random_below(6); n > 0; n--) {
		uint64_t size =
			(1 + unit_random_below(24)) * units[unit_random_below(COUNT(units))];
		ram(at, size);
		at += size + unit_random_below(8) * units[unit_random_below(COUNT(units))];
	}
	for (uint64_t n = unit_random_below(8); n > 0; n--) {
		uint64_t start = unit_random_below(at) & ~0xffful;
		uint64_t size = (1 + unit_random_below(512)) * units[unit_random_below(3)];
		if (memmap_claim(&map, start, size, MEMMAP_BOOT_DATA) != STATUS_OK)
			assert_status(memmap_add(&map, start, size, MEMMAP_RESERVED), STATUS_OK);
	}
}

/* An address where it is free, or 0. */
static uint64_t random_place(uint64_t size, uint64_t alignment, uint64_t offset,
			     enum memmap_type type)
{
	for (unsigned tries = 0; tries < 4 && map.count > 0; tries++) {
		const struct memmap_entry *entry = &map.entry[unit_random_below(map.count)];
		uint64_t start = entry->start + unit_random_below(entry->end - entry->start);
		start = align_down(start, alignment) + offset;
		if (start != 0 && memmap_claim(&map, start, size, type) == STATUS_OK)
			return start;
	}
	return 0;
}

/* make_plan() checks what has to hold; here it is that nothing else was touched. */
static void arm64_random_maps(void **state)
{
	unsigned planned = 0, stayed = 0, below = 0;

	(void)state;
	for (unsigned round = 0; round < 6000; round++) {
		struct memmap before;
		random_ram();
		image.text_offset = unit_random_below(2) * 0x1000 * unit_random_below(512);
		image.file_size = 1 + unit_random_below(64 * MIB);
		image.memory_size = image.file_size + unit_random_below(16 * MIB);
		image.anywhere = unit_random_below(2) == 0;
		struct arm64_found found = {.initrd_size = unit_random_below(3) *
							   unit_random_below(256 * MIB)};
		if (unit_random_below(2) == 0)
			found.kernel = random_place(image.file_size, 2 * MIB, image.text_offset,
						    MEMMAP_KERNEL);
		if (unit_random_below(2) == 0 && found.initrd_size != 0)
			found.initrd = random_place(found.initrd_size, 1, 0, MEMMAP_INITRD);
		uint64_t limit = NO_LIMIT;
		if (unit_random_below(3) == 0)
			limit = unit_random_below(64 * GIB);
		else if (found.kernel != 0 && unit_random_below(2) == 0)
			limit = found.kernel + image.memory_size + unit_random_below(64 * MIB);
		before = map;
		uint64_t free_before = total(MEMMAP_RAM);
		uint64_t data_before = total(MEMMAP_BOOT_DATA);
		uint64_t reserved_before = total(MEMMAP_RESERVED);
		uint64_t kernel_before = total(MEMMAP_KERNEL);
		uint64_t initrd_before = total(MEMMAP_INITRD);
		if (make_plan(found, limit) != STATUS_OK)
			continue;
		planned++;
		bool moved = found.kernel == 0 || plan.load != found.kernel;
		stayed += !moved;
		below += plan.initrd != 0 && plan.initrd < plan.load;
		assert_int_equal(total(MEMMAP_BOOT_DATA), data_before);
		assert_int_equal(total(MEMMAP_RESERVED), reserved_before);
		uint64_t kernel = image.memory_size - image.file_size;
		if (moved)
			kernel = image.text_offset + image.memory_size;
		uint64_t initrd = plan.initrd == found.initrd ? 0 : found.initrd_size;
		assert_int_equal(total(MEMMAP_KERNEL) - kernel_before, kernel);
		assert_int_equal(total(MEMMAP_INITRD) - initrd_before, initrd);
		assert_int_equal(free_before - total(MEMMAP_RAM), kernel + initrd);
		/* What was claimed keeps its purpose. */
		for (size_t i = 0; i < before.count; i++) {
			const struct memmap_entry *entry = &before.entry[i];
			if (entry->type != MEMMAP_RAM)
				assert_true(has_type(entry->start, entry->end - entry->start,
						     entry->type));
		}
		/* A lower place for a kernel that moved would overlap something. */
		uint64_t base = plan.load - image.text_offset;
		if (moved && base >= 2 * MIB) {
			map = before;
			assert_status(memmap_claim(&map, base - 2 * MIB,
						   image.text_offset + image.memory_size,
						   MEMMAP_KERNEL),
				      STATUS_OVERLAP);
		}
	}
	assert_true(planned > 2000);
	assert_true(stayed > 200);
	assert_true(below > 50);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, unit_teardown)

static const struct CMUnitTest tests[] = {
	TEST(arm64_of_today),
	TEST(arm64_truncated_header),
	TEST(arm64_without_magic),
	TEST(arm64_big_endian),
	TEST(arm64_each_flag),
	TEST(arm64_without_image_size),
	TEST(arm64_file_larger_than_image_size),
	TEST(arm64_sizes_beyond_48_bits),
	TEST(arm64_each_text_offset),
	TEST(arm64_random_headers),
	TEST(arm64_lowest_place),
	TEST(arm64_lowest_place_with_text_offset),
	TEST(arm64_ram_at_0),
	TEST(arm64_ram_too_small),
	TEST(arm64_limit),
	TEST(arm64_kernel_stays),
	TEST(arm64_kernel_stays_without_bss),
	TEST(arm64_kernel_in_place_but_misaligned),
	TEST(arm64_kernel_in_place_but_bss_is_taken),
	TEST(arm64_initrd_out_of_window),
	TEST(arm64_initrd_below_window),
	TEST(arm64_initrd_goes_below),
	TEST(arm64_initrd_below_a_kernel_that_cannot_reach_it),
	TEST(arm64_kernel_as_large_as_the_window),
	TEST(arm64_map_without_room_for_claims),
	TEST(arm64_random_maps),
};

UNIT_MAIN(tests)
