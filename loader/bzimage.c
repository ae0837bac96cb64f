/* SPDX-License-Identifier: BSD-2-Clause */
#include "loader/bzimage.h"

#include <string.h>

#include "lib/checked.h"
#include "lib/bytes.h"

#define HEADER_MAGIC      0x53726448u /* "HdrS" */
#define BOOT_FLAG         0xaa55
#define SECTOR_SIZE       512
#define SYSSIZE_UNIT      16ul
#define SETUP_SECTS_OF_0  4 /* boot.rst: 0 means 4, for backwards compatibility */
#define LOADER_UNDEFINED  0xff
#define VIDEO_MODE_NORMAL 0xffff

/* What the fields mean when the header is older than they are. */
#define LOADED_HIGH_ADDRESS 0x100000 /* boot.rst, "Details of header fields", loadflags */
#define UNCOMPRESSED_FACTOR 3        /* before init_size, 2.10: as GRUB and kexec assume */

#define VERSION_2_06 0x0206
#define VERSION_2_09 0x0209
#define VERSION_2_10 0x020a
#define VERSION_2_12 0x020c
#define VERSION_2_14 0x020e

/* loadflags and xloadflags */
#define LOADED_HIGH                0x01
#define CAN_USE_HEAP               0x80
#define XLF_KERNEL_64              0x01
#define XLF_CAN_BE_LOADED_ABOVE_4G 0x02

#define ENTRY_64_OFFSET 0x200
#define ALIGNMENT_MAX   (1ul << 30)
/* Wider than any physical address (Intel SDM vol. 3, 4.1.4). */
#define ADDRESS_MAX (1ul << 52)

static enum status parse_placement(struct bzimage *image, struct reason *why)
{
	const struct setup_header *header = image->header;
	bool has_init_size = image->version >= VERSION_2_10;

	image->relocatable = header->relocatable_kernel != 0;
	image->alignment = le32_get(header->kernel_alignment);
	image->min_alignment = image->alignment;
	image->pref_address = LOADED_HIGH_ADDRESS;
	image->memory_size = image->payload_size * UNCOMPRESSED_FACTOR;
	if (!image->relocatable)
		image->alignment = image->min_alignment = 1;
	else if (!is_power_of_two(image->alignment) || image->alignment > ALIGNMENT_MAX)
		return refuse(why, STATUS_BAD_FORMAT, "kernel_alignment is 0x%lx",
			      image->alignment);
	if (!has_init_size)
		return STATUS_OK;
	if (image->header_size < offsetof(struct setup_header, handover_offset) ||
	    le32_get(header->init_size) == 0)
		return refuse(why, STATUS_BAD_FORMAT, "the kernel's header has no init_size");
	if (image->relocatable) {
		if (header->min_alignment > 30 || 1ul << header->min_alignment > image->alignment)
			return refuse(why, STATUS_BAD_FORMAT,
				      "min_alignment is 2^%u, kernel_alignment 0x%lx",
				      header->min_alignment, image->alignment);
		if (header->min_alignment != 0)
			image->min_alignment = 1ul << header->min_alignment;
	}
	image->pref_address = le64_get(header->pref_address);
	image->memory_size = le32_get(header->init_size);
	if (image->memory_size < image->payload_size)
		image->memory_size = image->payload_size;
	if (image->pref_address >= ADDRESS_MAX)
		return refuse(why, STATUS_BAD_FORMAT, "pref_address is 0x%lx", image->pref_address);
	return STATUS_OK;
}

static uint64_t setup_size(const struct setup_header *header)
{
	unsigned sectors = header->setup_sects != 0 ? header->setup_sects : SETUP_SECTS_OF_0;
	unsigned size = (sectors + 1) * SECTOR_SIZE;

	return size;
}

/* The header, where it is whole; @head is a copy of ours. */
static const struct setup_header *header_in(struct span head)
{
	return fits(BZIMAGE_HEADER_OFFSET, sizeof(struct setup_header), head.size)
		       ? (const struct setup_header *)(head.bytes + BZIMAGE_HEADER_OFFSET)
		       : NULL;
}

uint64_t bzimage_setup_size(struct span head)
{
	const struct setup_header *header = header_in(head);

	return header == NULL ? 0 : setup_size(header);
}

uint64_t bzimage_end(struct span head)
{
	const struct setup_header *header = header_in(head);

	if (header == NULL || le32_get(header->header) != HEADER_MAGIC)
		return 0;
	return setup_size(header) + le32_get(header->syssize) * SYSSIZE_UNIT;
}

/* boot.rst: the header ends at 0x202 + the byte at 0x201, the jump's operand. */
static size_t header_size(const struct setup_header *header)
{
	return 0x202u + header->jump_offset - BZIMAGE_HEADER_OFFSET;
}

uint64_t bzimage_setup_data(struct span head)
{
	const struct setup_header *header = header_in(head);

	if (header == NULL || le16_get(header->version) < VERSION_2_09 ||
	    header_size(header) < offsetof(struct setup_header, pref_address))
		return 0;
	return le64_get(header->setup_data);
}

enum status bzimage_parse(struct span head, uint64_t size, struct bzimage *image,
			  struct reason *why)
{
	const struct setup_header *header = header_in(head);

	if (header == NULL)
		return refuse(why, STATUS_TRUNCATED,
			      "the kernel has %lu bytes, too few for a header", size);
	if (le16_get(header->boot_flag) != BOOT_FLAG || le32_get(header->header) != HEADER_MAGIC)
		return refuse(why, STATUS_BAD_FORMAT, "the kernel is not a bzImage");
	image->version = le16_get(header->version);
	if (image->version < VERSION_2_06)
		return refuse(why, STATUS_UNSUPPORTED,
			      "the kernel has boot protocol %u.%02u, 2.06 is the oldest supported",
			      image->version >> 8, image->version & 0xffu);

	image->header_size = header_size(header);
	if (image->header_size < offsetof(struct setup_header, hardware_subarch))
		return refuse(why, STATUS_BAD_FORMAT, "the kernel's header ends at 0x%lx",
			      image->header_size + BZIMAGE_HEADER_OFFSET);
	if (image->header_size > sizeof(*header))
		image->header_size = sizeof(*header);
	image->header = header;

	if ((header->loadflags & LOADED_HIGH) == 0)
		return refuse(why, STATUS_UNSUPPORTED, "the kernel is a zImage, loaded low");
	image->setup_size = setup_size(header);
	/* Both entries are inside. */
	if (image->setup_size > size || size - image->setup_size <= ENTRY_64_OFFSET)
		return refuse(why, STATUS_TRUNCATED,
			      "the kernel has %lu bytes, its setup alone should be %lu", size,
			      image->setup_size);
	image->payload_size = size - image->setup_size;
	image->cmdline_size = le32_get(header->cmdline_size);
	image->initrd_max = (uint64_t)le32_get(header->initrd_addr_max) + 1;
	uint16_t flags = image->version >= VERSION_2_12 ? le16_get(header->xloadflags) : 0;
	image->entry64 = (flags & XLF_KERNEL_64) != 0;
	image->above_4g = image->entry64 && (flags & XLF_CAN_BE_LOADED_ABOVE_4G) != 0;
	return parse_placement(image, why);
}

/*
 * The preferred address, else the lowest free place above it. Not below: the
 * decompressor of a relocatable kernel would move itself up to the address it
 * was built for, which is the preferred one (arch/x86/boot/compressed/head_64.S).
 */
static enum status place_kernel(const struct bzimage *image, struct memmap *map,
				struct bzimage_plan *plan)
{
	uint64_t start = image->pref_address;
	uint64_t limit = image->above_4g ? ADDRESS_MAX : MEMMAP_4G;

	plan->load = start;
	plan->alignment = image->alignment;
	if (image->relocatable && start % image->alignment != 0)
		plan->alignment = image->min_alignment;
	if (start % plan->alignment == 0 && start >= LOADED_HIGH_ADDRESS &&
	    fits(start, image->memory_size, limit) &&
	    memmap_claim(map, start, image->memory_size, MEMMAP_KERNEL) == STATUS_OK)
		return STATUS_OK;
	if (!image->relocatable)
		return STATUS_NO_MEMORY;

	enum status status = STATUS_NO_MEMORY;
	const uint64_t alignments[] = {image->alignment, image->min_alignment};
	const uint64_t ends[] = {MEMMAP_4G, image->above_4g ? ADDRESS_MAX : 0};
	for (unsigned i = 0; i < 4 && status == STATUS_NO_MEMORY; i++) {
		const struct memmap_request request = {
			.size = image->memory_size,
			.alignment = alignments[i % 2],
			.min = start > LOADED_HIGH_ADDRESS ? start : LOADED_HIGH_ADDRESS,
			.max = ends[i / 2],
			.type = MEMMAP_KERNEL,
		};
		plan->alignment = request.alignment;
		status = memmap_alloc(map, &request, &plan->load);
	}
	return status;
}

static enum status place_initrd(const struct bzimage *image, uint64_t size, struct memmap *map,
				uint64_t *ret_address)
{
	struct memmap_request request = {
		.size = size,
		.alignment = PAGE_SIZE,
		.min = LOADED_HIGH_ADDRESS,
		.max = image->initrd_max,
		.top_down = true,
		.type = MEMMAP_INITRD,
	};

	enum status status = memmap_alloc(map, &request, ret_address);
	if (status == STATUS_NO_MEMORY && image->above_4g) {
		request.max = ADDRESS_MAX;
		status = memmap_alloc(map, &request, ret_address);
	}
	return status;
}

enum status bzimage_plan(const struct bzimage *image, uint64_t initrd_size, uint64_t cmdline_bytes,
			 struct memmap *map, struct bzimage_plan *ret_plan, struct reason *why)
{
	struct bzimage_plan plan;

	plan.initrd = 0;
	enum status status = place_kernel(image, map, &plan);
	if (status != STATUS_OK)
		return refuse(why, status,
			      "no memory for a kernel that needs 0x%lx bytes at or above 0x%lx",
			      image->memory_size, image->pref_address);
	plan.entry = plan.load + (image->entry64 ? ENTRY_64_OFFSET : 0);

	status = memmap_alloc_low(map, sizeof(struct boot_params) + cmdline_bytes + 1, PAGE_SIZE,
				  MEMMAP_BOOT_DATA, &plan.boot_params);
	if (status != STATUS_OK)
		return refuse(why, status, "no memory for boot_params and the command line");
	plan.cmdline = plan.boot_params + sizeof(struct boot_params);

	if (initrd_size != 0) {
		status = place_initrd(image, initrd_size, map, &plan.initrd);
		if (status != STATUS_OK)
			return refuse(
				why, status, "no memory for an initrd of %lu bytes below 0x%lx",
				initrd_size, image->above_4g ? ADDRESS_MAX : image->initrd_max);
	}
	*ret_plan = plan;
	return STATUS_OK;
}

static enum status fill_e820(const struct memmap *map, struct boot_params *params,
			     struct reason *why)
{
	struct memmap_entry range;
	unsigned count = 0;

	for (size_t at = 0; memmap_next(map, &at, &range); count++) {
		if (count == E820_ENTRIES_MAX)
			return refuse(why, STATUS_TOO_LARGE,
				      "the memory map has more than %u entries", E820_ENTRIES_MAX);
		params->e820_table[count] = (struct e820_entry){
			le64_of(range.start),
			le64_of(range.end - range.start),
			le32_of(range.type),
		};
	}
	params->e820_entries = (uint8_t)count;
	return STATUS_OK;
}

static struct le32 low_half(uint64_t value)
{
	return le32_of((uint32_t)value);
}

static struct le32 high_half(uint64_t value)
{
	return le32_of((uint32_t)(value >> 32));
}

enum status bzimage_fill_boot_params(const struct bzimage *image, const struct bzimage_plan *plan,
				     const struct bzimage_facts *facts, const struct memmap *map,
				     struct boot_params *params, struct reason *why)
{
	struct setup_header *header = &params->hdr;

	clear_pages(params, sizeof(*params));
	copy_bytes(header, image->header, image->header_size);
	header->type_of_loader = LOADER_UNDEFINED;
	/* No real-mode code runs, so it gets no heap. */
	header->loadflags = (uint8_t)(header->loadflags & ~CAN_USE_HEAP);
	header->heap_end_ptr = le16_of(0);
	header->ext_loader_type = 0;
	header->ext_loader_ver = 0;
	header->vid_mode = le16_of(VIDEO_MODE_NORMAL);
	header->code32_start = low_half(plan->load);
	header->ramdisk_image = low_half(plan->initrd);
	header->ramdisk_size = low_half(facts->initrd_size);
	header->cmd_line_ptr = low_half(plan->cmdline);
	params->ext_ramdisk_image = high_half(plan->initrd);
	params->ext_ramdisk_size = high_half(facts->initrd_size);
	params->ext_cmd_line_ptr = high_half(plan->cmdline);
	if (image->relocatable)
		header->kernel_alignment = low_half(plan->alignment);
	if (image->version >= VERSION_2_09)
		header->setup_data = le64_of(facts->setup_data);
	if (image->version >= VERSION_2_14)
		params->acpi_rsdp_addr = le64_of(facts->rsdp);
	return fill_e820(map, params, why);
}
