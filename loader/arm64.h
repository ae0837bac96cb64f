/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LOADER_ARM64_H
#define LOADER_ARM64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/endian.h"
#include "lib/memmap.h"
#include "lib/span.h"
#include "lib/status.h"

/*
 * The arm64 Linux Image: how to recognise it and where to put it. Source: Linux
 * Documentation/arch/arm64/booting.rst ("booting.rst" below), 4.
 */

/** The header, at the start of an Image. */
struct arm64_header {
	struct le32 code0;
	struct le32 code1;
	struct le64 text_offset;
	struct le64 image_size;
	struct le64 flags;
	struct le64 res2;
	struct le64 res3;
	struct le64 res4;
	struct le32 magic;
	struct le32 res5;
};
_Static_assert(sizeof(struct arm64_header) == 64, "booting.rst, 4");
_Static_assert(offsetof(struct arm64_header, magic) == 56, "booting.rst, 4");

/** The base of an Image is a multiple of this. */
#define ARM64_BASE_ALIGNMENT 0x200000ul

/** A kernel whose header has been checked. */
struct arm64_image {
	uint64_t text_offset; /**< from an aligned base to the load address */
	uint64_t file_size;   /**< bytes of the Image */
	uint64_t memory_size; /**< bytes it needs from its load address on */
	uint32_t page_size;   /**< 4096, 16384, 65536; 0: the header does not say */
	bool anywhere;        /**< not only as near as possible to the start of RAM */
	bool efi;             /**< has an EFI stub, and so knows what that leaves behind */
};

/** Whether @head has the magic number of an Image. */
bool arm64_is_image(struct span head);

/**
 * Checks the header at the start of @head, of an Image of @size bytes. An image_size of 0
 * means a kernel before 3.17: its text_offset is 0x80000, and memory_size is our estimate.
 *
 * STATUS_TRUNCATED, STATUS_BAD_FORMAT, STATUS_UNSUPPORTED (big-endian), STATUS_OUT_OF_RANGE.
 */
MUST_CHECK enum status arm64_parse(struct span head, uint64_t size, struct arm64_image *ret_image,
				   struct reason *why);

/** What the VMM, or we, have already put into memory; size 0: nothing. Claimed in the map. */
struct arm64_found {
	uint64_t kernel;      /**< address, MEMMAP_KERNEL; 0: not in memory */
	uint64_t initrd;      /**< address, MEMMAP_INITRD; 0: not in memory */
	uint64_t initrd_size; /**< bytes, wherever it is; 0: none */
};

/** Where things go. Each range is claimed in the memory map. */
struct arm64_plan {
	uint64_t load;   /**< entry too; equal to found.kernel when it stays */
	uint64_t initrd; /**< equal to found.initrd when it stays; 0: none */
};

/**
 * Finds the places. The kernel stays where it is when the alignment is right and the
 * memory behind it, to memory_size, is free; else it gets the lowest place. The
 * initrd, page-aligned, ends up in a window of 32 GiB, aligned to 1 GiB, that covers the
 * kernel too (booting.rst, 4); it stays where it is if that is so, and page alignment of a
 * found one is not asked for. Everything lies below @limit. Writes no guest memory.
 *
 * A kernel that is not for anywhere gets its initrd above itself, since it cannot reach what
 * lies below. STATUS_NO_MEMORY when something has no place, STATUS_TOO_LARGE when the
 * map is full.
 */
MUST_CHECK enum status arm64_plan(const struct arm64_image *image, const struct arm64_found *found,
				  uint64_t limit, struct memmap *map, struct arm64_plan *ret_plan,
				  struct reason *why);

#endif
