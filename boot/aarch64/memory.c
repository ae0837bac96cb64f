/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/aarch64/virt.h"

#include "arch/memory.h"

enum status virt_require_claim(struct virt *virt, enum status status, uint64_t start, uint64_t size,
			       const char *what)
{
	if (status != STATUS_OK)
		return refuse(&virt->boot.why, status, "%s at 0x%lx + 0x%lx is not free RAM", what,
			      start, size);
	return STATUS_OK;
}

enum status virt_claim(struct virt *virt, uint64_t start, uint64_t size, const char *what)
{
	enum status status = memmap_claim(&virt->boot.map, start, size, MEMMAP_FIRMWARE);

	return virt_require_claim(virt, status, start, size, what);
}

static enum status claim_if_any(struct virt *virt, const struct fdt_range *range)
{
	return range->size == 0
		       ? STATUS_OK
		       : memmap_claim(&virt->boot.map, range->start, range->size, MEMMAP_FIRMWARE);
}

void virt_claim_chosen(struct virt *virt)
{
	virt->kernel_claim = claim_if_any(virt, &virt->machine.kernel);
	virt->initrd_claim = claim_if_any(virt, &virt->machine.initrd);
}

bool virt_is_in_ram(const struct virt *virt, const struct fdt_range *range)
{
	for (size_t i = 0; i < virt->machine.memories; i++) {
		const struct fdt_range *memory = &virt->machine.memory[i];
		if (range->start < memory->start + memory->size &&
		    memory->start < range->start + range->size)
			return true;
	}
	return false;
}

enum status virt_read_tree(struct virt *virt, uint64_t address)
{
	struct reason *why = &virt->boot.why;
	const void *header = boot_map_ram(address, FDT_HEADER_SIZE);
	size_t size;

	if (header == NULL || address % 8 != 0)
		return refuse(why, STATUS_OUT_OF_RANGE, "no device tree can be at 0x%lx", address);
	enum status status = fdt_total_size(header, &size, why);
	if (status != STATUS_OK)
		return status;
	/* Not all of it: next to us, memory is mapped by the page. */
	const uint8_t *tree = boot_map_ram(address, fdt_reach(header));
	if (tree == NULL)
		return refuse(why, STATUS_OUT_OF_RANGE,
			      "the device tree at 0x%lx + 0x%lx cannot be mapped", address, size);
	virt->tree = (struct span){tree, size};
	return fdt_read(virt->tree, &virt->machine, why);
}

static enum status claim_ourselves(struct virt *virt)
{
	struct arch_range work = arch_work_area();
	struct arch_range image = arch_image();

	enum status status = virt_claim(virt, work.start, work.size, "the firmware's work area");
	if (status == STATUS_OK)
		status = virt_claim(virt, (uintptr_t)virt->tree.bytes, virt->tree.size,
				    "the device tree");
	/* At 0 it is in flash. */
	if (status == STATUS_OK && image.start != 0)
		status = virt_claim(virt, image.start, image.size, "the firmware's image");
	return status;
}

enum status virt_read_memory_map(struct virt *virt)
{
	const struct fdt_machine *machine = &virt->machine;

	if (machine->memories == 0)
		return refuse(&virt->boot.why, STATUS_NOT_FOUND, "the device tree has no memory");
	for (size_t i = 0; i < machine->memories; i++) {
		enum status status = memmap_add(&virt->boot.map, machine->memory[i].start,
						machine->memory[i].size, MEMMAP_RAM);
		if (status != STATUS_OK)
			return refuse(&virt->boot.why, status, "memory 0x%lx + 0x%lx does not fit",
				      machine->memory[i].start, machine->memory[i].size);
	}
	/* Address 0 is nobody's, so that it can mean "none". */
	const struct fdt_range first_page = {0, PAGE_SIZE};
	if (virt_is_in_ram(virt, &first_page)) {
		enum status status =
			virt_claim(virt, first_page.start, first_page.size, "the first page");
		if (status != STATUS_OK)
			return status;
	}
	return claim_ourselves(virt);
}

/* Only RAM is reserved: the kernel takes what is in its EFI memory map for memory. */
static enum status reserve(struct virt *virt, const struct fdt_range *range)
{
	for (size_t i = 0; i < virt->machine.memories; i++) {
		const struct fdt_range *memory = &virt->machine.memory[i];
		uint64_t start = range->start > memory->start ? range->start : memory->start;
		uint64_t end = range->start + range->size;
		if (end > memory->start + memory->size)
			end = memory->start + memory->size;
		if (start >= end)
			continue;
		enum status status =
			memmap_add(&virt->boot.map, start, end - start, MEMMAP_RESERVED);
		if (status != STATUS_OK)
			return refuse(&virt->boot.why, status,
				      "reserved memory 0x%lx + 0x%lx does not fit", range->start,
				      range->size);
	}
	return STATUS_OK;
}

enum status virt_reserve_memory(struct virt *virt)
{
	struct arch_range work = arch_work_area();

	for (size_t i = 0; i < virt->machine.reservations; i++) {
		const struct fdt_range *range = &virt->machine.reserved[i];
		enum status status = reserve(virt, range);
		if (status != STATUS_OK)
			return status;
		if (range->start < work.start + work.size &&
		    work.start < range->start + range->size)
			log_line(&virt->boot.log, LOG_WARN,
				 "reserved memory at 0x%lx + 0x%lx has been overwritten",
				 range->start, range->size);
	}
	return STATUS_OK;
}
