/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/aarch64/virt.h"

#include <string.h>

#include "arch/memory.h"
#include "fdt/format.h"

/* DTSpec 5.2: magic and totalsize; and the whole header. */
#define FDT_PREFIX_SIZE 8
#define FDT_HEADER_SIZE 40

enum status virt_read_tree(struct virt *virt, uint64_t address)
{
	struct reason *why = &virt->boot.why;
	const uint8_t *prefix = boot_map_ram(address, FDT_PREFIX_SIZE);
	const struct be32 magic = be32_of(FDT_MAGIC);
	struct be32 size;

	if (prefix == NULL || address % 8 != 0)
		return refuse(why, STATUS_OUT_OF_RANGE, "no device tree can be at 0x%lx", address);
	memcpy(&size, prefix + 4, sizeof(size));
	size_t bytes = be32_get(size);
	if (memcmp(prefix, &magic, sizeof(magic)) != 0 || bytes < FDT_HEADER_SIZE)
		bytes = FDT_HEADER_SIZE; /* as much as tells what is wrong */
	if (bytes > FDT_SIZE_MAX)
		return refuse(why, STATUS_TOO_LARGE,
			      "the device tree claims %lu bytes, of which Linux takes %u", bytes,
			      FDT_SIZE_MAX);
	const uint8_t *tree = boot_map_ram(address, bytes);
	if (tree == NULL)
		return refuse(why, STATUS_OUT_OF_RANGE,
			      "the device tree at 0x%lx + 0x%lx cannot be mapped", address, bytes);
	virt->tree = (struct span){tree, bytes};
	return fdt_read(virt->tree, &virt->machine, why);
}

static enum status claim(struct virt *virt, struct arch_range range, const char *what)
{
	enum status status =
		memmap_claim(&virt->boot.map, range.start, range.size, MEMMAP_FIRMWARE);
	if (status != STATUS_OK)
		return refuse(&virt->boot.why, status, "%s at 0x%lx + 0x%lx is not free RAM", what,
			      range.start, range.size);
	return STATUS_OK;
}

enum status virt_read_memory_map(struct virt *virt)
{
	const struct fdt_machine *machine = &virt->machine;
	struct arch_range image = arch_image();
	struct arch_range tree = {(uintptr_t)virt->tree.bytes, virt->tree.size};
	if (machine->memories == 0)
		return refuse(&virt->boot.why, STATUS_NOT_FOUND, "the device tree has no memory");
	for (size_t i = 0; i < machine->memories; i++) {
		enum status status = memmap_add(&virt->boot.map, machine->memory[i].start,
						machine->memory[i].size, MEMMAP_RAM);
		if (status != STATUS_OK)
			return refuse(&virt->boot.why, status, "memory 0x%lx + 0x%lx does not fit",
				      machine->memory[i].start, machine->memory[i].size);
	}
	enum status status = claim(virt, arch_work_area(), "the firmware's work area");
	if (status == STATUS_OK)
		status = claim(virt, tree, "the device tree");
	/* At 0 it is in flash. */
	if (status == STATUS_OK && image.start != 0)
		status = claim(virt, image, "the firmware's image");
	return status;
}

enum status virt_reserve_memory(struct virt *virt)
{
	const struct fdt_machine *machine = &virt->machine;

	for (size_t i = 0; i < machine->reservations; i++) {
		const struct fdt_range *range = &machine->reserved[i];
		enum status status =
			memmap_add(&virt->boot.map, range->start, range->size, MEMMAP_RESERVED);
		if (status != STATUS_OK)
			return refuse(&virt->boot.why, status,
				      "reserved memory 0x%lx + 0x%lx does not fit", range->start,
				      range->size);
	}
	return STATUS_OK;
}
