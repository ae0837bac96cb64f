/* SPDX-License-Identifier: BSD-2-Clause */
#include "claims.h"

#include "loader/arm64.c"

/* No AArch64 has wider physical addresses (Arm ARM, D8.1.6). */
#define LIMIT_MAX (1ul << 52)

/**
 * arm64_parse() reads nothing behind a head, and its answer can be relied on: what the kernel needs
 * is at least the file and no address of it takes 49 bits, the offset is less than what a
 * base is aligned to.
 * Bound: heads of 0 to 64 bytes, files of any size.
 */
PROOF(arm64_parse, 1)
{
	size_t length = any_up_to(sizeof(struct arm64_header));
	uint64_t size = any_u64();
	const struct span head = {any_bytes(length), length};
	struct arm64_image image, before = image;
	struct reason why;

	PROVE(!arm64_is_image(head) || length == sizeof(struct arm64_header));
	if (arm64_parse(head, size, &image, &why) != STATUS_OK) {
		REACHED("a refusal");
		PROVE(image.memory_size == before.memory_size);
		return;
	}
	REACHED("an Image");
	PROVE(arm64_is_image(head) && size >= length && image.file_size == size);
	PROVE(image.memory_size >= size && image.memory_size <= ADDRESS_MAX + OLD_EXTRA);
	PROVE(image.text_offset < ARM64_BASE_ALIGNMENT && image.text_offset % PAGE_SIZE == 0);
	PROVE(image.page_size == 0 || image.page_size == 0x1000 || image.page_size == 0x4000 ||
	      image.page_size == 0x10000);
}

/* What the proof of arm64_parse() says of one. */
static struct arm64_image any_image(void)
{
	struct arm64_image image = {
		.text_offset = any_up_to(ARM64_BASE_ALIGNMENT - PAGE_SIZE) / PAGE_SIZE * PAGE_SIZE,
		.memory_size = any_up_to(ADDRESS_MAX + OLD_EXTRA),
		.anywhere = any_bool(),
	};

	image.file_size = any_up_to(image.memory_size);
	ASSUME(image.file_size >= sizeof(struct arm64_header));
	return image;
}

/* What is in memory before: claimed below the limit, as the callers do it. */
static struct arm64_found any_found(const struct arm64_image *image, bool kernel)
{
	struct arm64_found found = {.initrd_size = any_u64()};

	any_claims();
	if (kernel) {
		found.kernel = any_up_to(LIMIT_MAX);
		note_claim(found.kernel, image->file_size, MEMMAP_KERNEL);
	}
	if (found.initrd_size != 0 && any_bool()) {
		found.initrd = any_up_to(LIMIT_MAX);
		note_claim(found.initrd, found.initrd_size, MEMMAP_INITRD);
	}
	return found;
}

/* Whether [start, end) is in 32 GiB from a multiple of 1 GiB on: booting.rst, 4. */
static bool share_window(uint64_t start, uint64_t end)
{
	return end - align_down(start, WINDOW_ALIGNMENT) <= WINDOW_SIZE;
}

/**
 * What find_window() says an initrd may take, below the kernel or above it, is in the 32 GiB that
 * both may be in.
 * Bound: any Image that arm64_parse() takes; addresses below 2^52.
 */
PROOF(arm64_window, 1)
{
	const struct arm64_image image = any_image();
	uint64_t limit = any_up_to(LIMIT_MAX), load = any_u64();
	uint64_t initrd = any_u64(), size = any_u64();

	ASSUME(fits(load, image.memory_size, limit));
	const struct window window = find_window(&image, load, limit);
	PROVE(window.kernel == load && window.kernel_end == load + image.memory_size);
	PROVE(window.end <= limit && (image.anywhere || window.start >= load));
	ASSUME(size > 0 && initrd >= window.start && fits(initrd, size, window.end));
	if (initrd >= window.kernel_end) {
		REACHED("an initrd above the kernel");
		PROVE(share_window(load, initrd + size));
	} else if (initrd + size <= window.kernel) {
		REACHED("an initrd below the kernel");
		PROVE(share_window(initrd, window.kernel_end));
	}
}

/* An answer for a kernel that starts at @load. */
static void prove_plan(const struct arm64_image *image, const struct arm64_found *found,
		       uint64_t limit, const struct arm64_plan *plan)
{
	PROVE((plan->load - image->text_offset) % ARM64_BASE_ALIGNMENT == 0);
	PROVE(fits(plan->load, image->memory_size, limit));
	if (found->initrd_size == 0) {
		PROVE(plan->initrd == 0);
		return;
	}
	if (found->initrd != 0 && plan->initrd == found->initrd)
		REACHED("an initrd that stays");
	else
		REACHED("an initrd that is placed");
	PROVE(is_claimed(plan->initrd, found->initrd_size, MEMMAP_INITRD));
	const struct window window = find_window(image, plan->load, limit);
	PROVE(plan->initrd >= window.start && fits(plan->initrd, found->initrd_size, window.end));
}

/**
 * arm64_plan() gives a kernel that is in no memory a place that is aligned, and the initrd one in
 * what find_window() says, in RAM that was free or the initrd's own; they do not overlap.
 * Bound: any Image that arm64_parse() takes, any memory map, an initrd of any size; what was found
 * lies, and may lie, below 2^52.
 */
PROOF(arm64_plan_new, 1)
{
	const struct arm64_image image = any_image();
	const struct arm64_found found = any_found(&image, false);
	uint64_t limit = any_up_to(LIMIT_MAX);
	struct arm64_plan plan, before = plan;
	struct memmap map;
	struct reason why;

	if (arm64_plan(&image, &found, limit, &map, &plan, &why) != STATUS_OK) {
		REACHED("no place");
		PROVE(plan.load == before.load && plan.initrd == before.initrd);
		return;
	}
	REACHED("a place");
	PROVE(is_claimed(plan.load, image.memory_size, MEMMAP_KERNEL));
	prove_plan(&image, &found, limit, &plan);
}

/**
 * A kernel that is in memory stays there when that is aligned, with what it needs behind it, or
 * gets a place as others do.
 * Bound: as before.
 */
PROOF(arm64_plan_found, 1)
{
	const struct arm64_image image = any_image();
	const struct arm64_found found = any_found(&image, true);
	uint64_t limit = any_up_to(LIMIT_MAX);
	struct arm64_plan plan;
	struct memmap map;
	struct reason why;

	if (arm64_plan(&image, &found, limit, &map, &plan, &why) != STATUS_OK)
		return;
	if (plan.load == found.kernel)
		REACHED("a kernel that stays");
	else
		REACHED("a kernel that is placed");
	PROVE(is_claimed(plan.load, image.memory_size, MEMMAP_KERNEL));
	prove_plan(&image, &found, limit, &plan);
}
