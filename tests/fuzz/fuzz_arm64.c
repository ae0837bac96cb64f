/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "fuzz.h"
#include "lib/check.h"
#include "lib/checked.h"
#include "loader/arm64.h"
#include "memory.h"

/*
 * An arm64 Image and its place: 27 bytes of sizes and places, the header of 64 bytes, and what the
 * host says of memory (tests/fuzz/memory.h).
 */

#define WINDOW      (32ul << 30)
#define WINDOW_STEP (1ul << 30)

static struct memmap map;
static struct memory memory;
static struct arm64_image image;

_Noreturn void check_failed(const char *what)
{
	fuzz_failed(__FILE__, __LINE__, what);
}

static void check_image(uint64_t size)
{
	REQUIRE(image.file_size == size && image.memory_size >= size && image.memory_size > 0);
	REQUIRE(image.text_offset < ARM64_BASE_ALIGNMENT && image.text_offset % PAGE_SIZE == 0);
	REQUIRE(image.page_size == 0 || image.page_size == 0x1000 || image.page_size == 0x4000 ||
		image.page_size == 0x10000);
	REQUIRE(image.memory_size <= (1ul << 48) + (16ul << 20));
}

/* booting.rst, 4: a window of 32 GiB, at a multiple of 1 GiB, over both. */
static void check_window(uint64_t kernel, uint64_t initrd, uint64_t initrd_size)
{
	uint64_t first = kernel < initrd ? kernel : initrd;
	uint64_t kernel_end = kernel + image.memory_size;
	uint64_t initrd_end = initrd + initrd_size;
	uint64_t last = kernel_end > initrd_end ? kernel_end : initrd_end;

	REQUIRE(last - align_down(first, WINDOW_STEP) <= WINDOW);
	REQUIRE(image.anywhere || initrd > kernel);
}

/* What is in memory is claimed; it is not there if it cannot be. */
static uint64_t found(uint64_t start, uint64_t size, enum memmap_type type)
{
	if (start == 0 || size == 0 || memmap_claim(&map, start, size, type) != STATUS_OK)
		return 0;
	memory_take(&memory, start, size, type);
	return start;
}

static void check_plan(const struct arm64_plan *plan, const struct arm64_found *there,
		       uint64_t limit)
{
	REQUIRE(fits(plan->load, image.memory_size, limit));
	REQUIRE((plan->load - image.text_offset) % ARM64_BASE_ALIGNMENT == 0);
	if (plan->load != there->kernel || there->kernel == 0)
		memory_take(&memory, plan->load - image.text_offset,
			    image.text_offset + image.memory_size, MEMMAP_KERNEL);
	else if (image.memory_size > image.file_size)
		memory_take(&memory, plan->load + image.file_size,
			    image.memory_size - image.file_size, MEMMAP_KERNEL);
	if (there->initrd_size == 0) {
		REQUIRE(plan->initrd == 0);
		return;
	}
	REQUIRE(plan->initrd != 0 && fits(plan->initrd, there->initrd_size, limit));
	check_window(plan->load, plan->initrd, there->initrd_size);
	if (plan->initrd == there->initrd)
		return;
	REQUIRE(plan->initrd % PAGE_SIZE == 0);
	memory_take(&memory, plan->initrd, there->initrd_size, MEMMAP_INITRD);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct input input = {bytes, size};
	uint8_t head[sizeof(struct arm64_header)];
	struct arm64_found there = {0};
	struct arm64_plan plan;
	struct reason why = {""};

	uint64_t file_size = input_number(&input, 6);
	uint64_t kernel = input_number(&input, 5);
	uint64_t initrd = input_number(&input, 5);
	there.initrd_size = input_number(&input, 5);
	uint64_t limit = input_number(&input, 5) << 8;
	size_t missing = input_byte(&input) & 1; /* of the copy */
	for (size_t i = 0; i < sizeof(head); i++)
		head[i] = input_byte(&input);
	const struct span start = {head, sizeof(head) - missing};

	memset(&image, 0, sizeof(image));
	enum status status = arm64_parse(start, file_size, &image, &why);
	REQUIRE((status == STATUS_OK) == (why.text[0] == '\0'));
	if (status != STATUS_OK) {
		REQUIRE(image.memory_size == 0);
		return 0;
	}
	REQUIRE(arm64_is_image(start));
	check_image(file_size);

	memory_read(&input, &memory, &map);
	there.kernel = found(kernel, file_size, MEMMAP_KERNEL);
	there.initrd = found(initrd, there.initrd_size, MEMMAP_INITRD);
	status = arm64_plan(&image, &there, limit, &map, &plan, &why);
	REQUIRE((status == STATUS_OK) == (why.text[0] == '\0'));
	if (status != STATUS_OK) {
		REQUIRE(status == STATUS_NO_MEMORY || status == STATUS_TOO_LARGE);
		return 0;
	}
	check_plan(&plan, &there, limit);
	memory_check(&memory, &map);
	return 0;
}
