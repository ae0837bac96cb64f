/* SPDX-License-Identifier: BSD-2-Clause */
#include "proof.h"

#include "loader/bzimage.c"

void clear_pages(void *pages, size_t size)
{
	memset(pages, 0, size);
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
	PROVE(image.header_size <= sizeof(image.header));
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
