/* SPDX-License-Identifier: BSD-2-Clause */
#include "claims.h"

#include "loader/bzimage.c"

void clear_pages(void *pages, size_t size)
{
	memset(pages, 0, size);
}

void copy_bytes(void *to, const void *from, size_t size)
{
	memcpy(to, from, size);
}

/**
 * bzimage_parse() reads nothing behind a head, and what it says of a kernel can be relied on: sizes
 * add up to the file's, alignments are powers of two, no address needs 53 bits.
 * Bound: heads of 0 to 656 bytes, files of any size up to 2^62.
 */
PROOF(bzimage_parse, 2)
{
	size_t length = any_up_to(BZIMAGE_HEAD_SIZE);
	uint64_t size = any_up_to(1ul << 62);
	const struct span head = {any_bytes(length), length};
	struct bzimage image;
	struct reason why;

	if (bzimage_parse(head, size, &image, &why) != STATUS_OK) {
		REACHED("a refusal");
		return;
	}
	REACHED("a kernel");
	PROVE(length == BZIMAGE_HEAD_SIZE);
	PROVE(image.setup_size + image.payload_size == size && image.setup_size < size);
	PROVE(image.header_size <= sizeof(*image.header));
	PROVE(is_power_of_two(image.alignment) && is_power_of_two(image.min_alignment));
	PROVE(image.min_alignment <= image.alignment && image.alignment <= ALIGNMENT_MAX);
	PROVE(image.pref_address < ADDRESS_MAX);
	PROVE(image.memory_size >= image.payload_size);
	PROVE(image.initrd_max <= MEMMAP_4G);
	PROVE(!image.above_4g || image.entry64);
}

/**
 * Sizes of a file that starts like a bzImage are those of its fields, and 0 where there is no
 * whole header.
 * Bound: heads of 0 to 656 bytes.
 */
PROOF(bzimage_sizes, 2)
{
	size_t length = any_up_to(BZIMAGE_HEAD_SIZE);
	const struct span head = {any_bytes(length), length};
	uint64_t setup = bzimage_setup_size(head), end = bzimage_end(head);

	if (length < BZIMAGE_HEAD_SIZE) {
		REACHED("no header");
		PROVE(setup == 0 && end == 0 && bzimage_setup_data(head) == 0);
	} else {
		REACHED("a header");
		PROVE(setup >= 2 * SECTOR_SIZE && setup <= 256 * SECTOR_SIZE);
		PROVE(end == 0 || (end >= setup && end <= setup + 16ul * UINT32_MAX));
	}
}

/* What the proof of bzimage_parse() says of one, as far as placing looks at it. */
static struct bzimage any_image(void)
{
	struct bzimage image = {
		.relocatable = any_bool(),
		.entry64 = any_bool(),
		.alignment = any_power_of_two(),
		.min_alignment = any_power_of_two(),
		.pref_address = any_up_to(ADDRESS_MAX - 1),
		.memory_size = any_u64(),
		.initrd_max = any_up_to(MEMMAP_4G),
	};

	image.above_4g = image.entry64 && any_bool();
	ASSUME(image.min_alignment <= image.alignment && image.alignment <= ALIGNMENT_MAX);
	ASSUME(image.memory_size > 0);
	return image;
}

/**
 * bzimage_plan() gives kernel, initrd, boot_params and command line places in RAM that was free,
 * each of its own: the kernel aligned and where it can run, the others where it can read them.
 * Bound: any kernel that bzimage_parse() takes, any memory map; initrds of any size, command lines
 * up to 4 GiB.
 */
PROOF(bzimage_plan, 5)
{
	const struct bzimage image = any_image();
	uint64_t initrd_size = any_u64(), cmdline_bytes = any_up_to(UINT32_MAX);
	struct bzimage_plan plan, before = plan;
	struct memmap map;
	struct reason why;

	any_claims();
	if (bzimage_plan(&image, initrd_size, cmdline_bytes, &map, &plan, &why) != STATUS_OK) {
		REACHED("no place");
		PROVE(plan.load == before.load && plan.initrd == before.initrd);
		return;
	}
	REACHED("places");
	PROVE(is_claimed(plan.load, image.memory_size, MEMMAP_KERNEL));
	PROVE(plan.load >= LOADED_HIGH_ADDRESS);
	PROVE(plan.load == image.pref_address ||
	      (image.relocatable && plan.load >= image.pref_address));
	PROVE(fits(plan.load, image.memory_size, image.above_4g ? ADDRESS_MAX : MEMMAP_4G));
	PROVE(plan.alignment == image.alignment || plan.alignment == image.min_alignment);
	PROVE(align_down(plan.load, plan.alignment) == plan.load);
	PROVE(plan.entry == plan.load + (image.entry64 ? 0x200 : 0));

	PROVE(plan.cmdline == plan.boot_params + sizeof(struct boot_params));
	PROVE(is_claimed(plan.boot_params, sizeof(struct boot_params) + cmdline_bytes + 1,
			 MEMMAP_BOOT_DATA));
	PROVE(fits(plan.cmdline, cmdline_bytes + 1, MEMMAP_4G));

	if (initrd_size == 0) {
		PROVE(plan.initrd == 0);
		return;
	}
	REACHED("a place for an initrd");
	PROVE(is_claimed(plan.initrd, initrd_size, MEMMAP_INITRD));
	PROVE(plan.initrd % PAGE_SIZE == 0 && plan.initrd >= LOADED_HIGH_ADDRESS);
	PROVE(fits(plan.initrd, initrd_size, image.above_4g ? ADDRESS_MAX : image.initrd_max));
}
