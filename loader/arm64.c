/* SPDX-License-Identifier: BSD-2-Clause */
#include "loader/arm64.h"

#include "lib/checked.h"

#define MAGIC 0x644d5241u /* "ARM\x64" */

/* flags */
#define FLAG_BIG_ENDIAN     0x1
#define FLAG_PAGE_SHIFT     1
#define FLAG_PAGE_MASK      0x3
#define FLAG_ANYWHERE       0x8
#define SMALLEST_PAGE_SHIFT 12 /* 1: 4 KiB, 2: 16 KiB, 3: 64 KiB */

/*
 * What a header without image_size leaves out. How much memory such a kernel needs
 * behind its file, for BSS and first page tables, is "effectively unbound"; U-Boot assumes 16 MiB
 * for the whole of it. Nothing is lost by too much, since the kernel sees all of it as RAM.
 */
#define OLD_TEXT_OFFSET 0x80000ul
#define OLD_EXTRA       0x1000000ul

/* All of the Image has to lie in the first 48 bits of addresses: flags, bit 3. */
#define ADDRESS_MAX (1ul << 48)

/* booting.rst, 4: kernel and initrd share a window of this size and alignment. */
#define WINDOW_SIZE      0x800000000ul
#define WINDOW_ALIGNMENT 0x40000000ul

bool arm64_is_image(struct span head)
{
	struct arm64_header header;

	return span_read(head, 0, sizeof(header), &header) && le32_get(header.magic) == MAGIC;
}

enum status arm64_parse(struct span head, uint64_t size, struct arm64_image *ret_image,
			struct reason *why)
{
	struct arm64_image image = {.file_size = size};
	struct arm64_header header;

	if (!span_read(head, 0, sizeof(header), &header) || size < sizeof(header))
		return refuse(why, STATUS_TRUNCATED,
			      "the kernel has %lu bytes, too few for a header", size);
	if (le32_get(header.magic) != MAGIC)
		return refuse(why, STATUS_BAD_FORMAT, "the kernel is not an arm64 Image");
	uint64_t flags = le64_get(header.flags);
	if ((flags & FLAG_BIG_ENDIAN) != 0)
		return refuse(why, STATUS_UNSUPPORTED, "the kernel is big-endian");
	unsigned page_size = flags >> FLAG_PAGE_SHIFT & FLAG_PAGE_MASK;
	if (page_size != 0)
		image.page_size = 1u << (SMALLEST_PAGE_SHIFT + 2 * (page_size - 1));
	image.anywhere = (flags & FLAG_ANYWHERE) != 0;
	/* With CONFIG_EFI the first instruction reads as that of a PE file: booting.rst, 4. */
	image.efi = head.bytes[0] == 'M' && head.bytes[1] == 'Z';

	image.text_offset = le64_get(header.text_offset);
	image.memory_size = le64_get(header.image_size);
	if (size > ADDRESS_MAX || image.memory_size > ADDRESS_MAX)
		return refuse(why, STATUS_OUT_OF_RANGE,
			      "the kernel has 0x%lx bytes and needs 0x%lx of memory", size,
			      image.memory_size);
	if (image.memory_size == 0) {
		image.text_offset = OLD_TEXT_OFFSET;
		image.memory_size = size + OLD_EXTRA;
	}
	if (image.memory_size < size)
		image.memory_size = size;
	/*
	 * 0x80000 in old kernels, 0 in new ones, and anything in these bounds in those built with
	 * CONFIG_ARM64_RANDOMIZE_TEXT_OFFSET.
	 */
	if (image.text_offset >= ARM64_BASE_ALIGNMENT)
		return refuse(why, STATUS_OUT_OF_RANGE, "the kernel's text_offset is 0x%lx",
			      image.text_offset);
	if (image.text_offset % PAGE_SIZE != 0)
		return refuse(why, STATUS_BAD_FORMAT, "the kernel's text_offset is 0x%lx",
			      image.text_offset);
	*ret_image = image;
	return STATUS_OK;
}

/* The place where it is, with what it needs behind it. */
static bool keep_kernel(const struct arm64_image *image, uint64_t load, uint64_t limit,
			struct memmap *map)
{
	uint64_t rest = image->memory_size - image->file_size;

	if (load == 0 || (load - image->text_offset) % ARM64_BASE_ALIGNMENT != 0 ||
	    !fits(load, image->memory_size, limit))
		return false;
	return rest == 0 ||
	       memmap_claim(map, load + image->file_size, rest, MEMMAP_KERNEL) == STATUS_OK;
}

/*
 * The lowest place. Kernels before 4.6 lose the memory below it (flags, bit 3); for the
 * others it is as good as any. The claim starts at the base, since that is what is aligned.
 */
static enum status place_kernel(const struct arm64_image *image, uint64_t limit, struct memmap *map,
				uint64_t *ret_load)
{
	const struct memmap_request request = {
		.size = image->text_offset + image->memory_size,
		.alignment = ARM64_BASE_ALIGNMENT,
		.max = limit < ADDRESS_MAX ? limit : ADDRESS_MAX,
		.type = MEMMAP_KERNEL,
	};
	uint64_t base;

	enum status status = memmap_alloc(map, &request, &base);
	if (status == STATUS_OK)
		*ret_load = base + image->text_offset;
	return status;
}

/* Where an initrd may be, beside the kernel: the two parts of [start, end). */
struct window {
	uint64_t kernel;     /* first byte of the kernel */
	uint64_t kernel_end; /* first byte after it */
	uint64_t start;
	uint64_t end;
};

/*
 * The lowest start and the highest end that a window over the kernel can have; of an initrd below
 * the kernel only the start counts, of one above it only the end. A kernel that
 * loses what is below its base loses an initrd there.
 */
static struct window find_window(const struct arm64_image *image, uint64_t load, uint64_t limit)
{
	struct window window = {
		.kernel = load,
		.kernel_end = load + image->memory_size,
		.start = PAGE_SIZE, /* 0 means none */
		.end = align_down(load, WINDOW_ALIGNMENT) + WINDOW_SIZE,
	};
	uint64_t last_block = align_down(window.kernel_end - 1, WINDOW_ALIGNMENT);

	if (last_block >= WINDOW_SIZE)
		window.start = last_block + WINDOW_ALIGNMENT - WINDOW_SIZE;
	if (!image->anywhere)
		window.start = load;
	if (window.end > limit)
		window.end = limit;
	return window;
}

static enum status place_initrd(const struct window *window, uint64_t size, struct memmap *map,
				uint64_t *ret_initrd)
{
	struct memmap_request request = {
		.size = size,
		.alignment = PAGE_SIZE,
		.min = window->kernel_end,
		.max = window->end,
		.type = MEMMAP_INITRD,
	};

	enum status status = memmap_alloc(map, &request, ret_initrd);
	if (status == STATUS_NO_MEMORY) {
		request.min = window->start;
		request.max = window->kernel;
		status = memmap_alloc(map, &request, ret_initrd);
	}
	return status;
}

enum status arm64_plan(const struct arm64_image *image, const struct arm64_found *found,
		       uint64_t limit, struct memmap *map, struct arm64_plan *ret_plan,
		       struct reason *why)
{
	struct arm64_plan plan = {.load = found->kernel};
	enum status status = STATUS_OK;

	if (!keep_kernel(image, found->kernel, limit, map))
		status = place_kernel(image, limit, map, &plan.load);
	if (status != STATUS_OK)
		return refuse(why, status,
			      "no memory for a kernel that needs 0x%lx bytes below 0x%lx",
			      image->memory_size, limit);
	if (found->initrd_size != 0) {
		struct window window = find_window(image, plan.load, limit);
		plan.initrd = found->initrd;
		/* It does not overlap the kernel: both are claimed. */
		if (plan.initrd == 0 || plan.initrd < window.start ||
		    !fits(plan.initrd, found->initrd_size, window.end))
			status = place_initrd(&window, found->initrd_size, map, &plan.initrd);
		if (status != STATUS_OK)
			return refuse(why, status,
				      "no memory for an initrd of %lu bytes within 32 GiB of a "
				      "kernel at 0x%lx, below 0x%lx",
				      found->initrd_size, plan.load, limit);
	}
	*ret_plan = plan;
	return STATUS_OK;
}
