/* SPDX-License-Identifier: BSD-2-Clause */
#include "loader/pvh.h"

#include <string.h>

/* Linux's page tables of that moment map no more: arch/x86/kernel/head_64.S, level2_ident_pgt. */
#define BLOCK_LIMIT 0x40000000ul

#define INITRD_LOWEST 0x100000

enum status pvh_plan(uint64_t initrd_size, uint64_t cmdline_bytes, struct memmap *map,
		     struct pvh_plan *ret_plan, struct reason *why)
{
	struct memmap_request request = {
		.size = sizeof(struct pvh_block) + cmdline_bytes + 1,
		.alignment = PAGE_SIZE,
		.min = MEMMAP_LOW_START,
		.max = BLOCK_LIMIT,
		.type = MEMMAP_BOOT_DATA,
	};
	struct pvh_plan plan = {0};

	enum status status = memmap_alloc(map, &request, &plan.block);
	plan.cmdline = plan.block + sizeof(struct pvh_block);
	if (status == STATUS_OK && initrd_size != 0) {
		request.size = initrd_size;
		request.min = INITRD_LOWEST;
		request.max = MEMMAP_4G;
		request.top_down = true;
		request.type = MEMMAP_INITRD;
		status = memmap_alloc(map, &request, &plan.initrd);
	}
	if (status != STATUS_OK)
		return refuse(why, status,
			      "no memory for an initrd of %lu bytes and a command line of %lu, "
			      "below 4 GiB",
			      initrd_size, cmdline_bytes);
	*ret_plan = plan;
	return STATUS_OK;
}

enum status pvh_fill(const struct pvh_plan *plan, uint64_t initrd_size, uint64_t rsdp,
		     const struct memmap *map, struct pvh_block *block, struct reason *why)
{
	struct memmap_entry entries[PVH_MEMMAP_ENTRIES_MAX];
	struct hvm_start_info *info = &block->start_info;
	size_t count;

	enum status status = memmap_export(map, entries, PVH_MEMMAP_ENTRIES_MAX, &count);
	if (status != STATUS_OK)
		return refuse(why, status, "the memory map has more than %u entries",
			      PVH_MEMMAP_ENTRIES_MAX);
	memset(block, 0, sizeof(*block));
	info->magic = le32_of(HVM_START_MAGIC_VALUE);
	info->version = le32_of(1);
	info->cmdline_paddr = le64_of(plan->cmdline);
	info->rsdp_paddr = le64_of(rsdp);
	info->memmap_paddr = le64_of(plan->block + offsetof(struct pvh_block, memmap));
	info->memmap_entries = le32_of((uint32_t)count);
	for (size_t i = 0; i < count; i++) {
		block->memmap[i].addr = le64_of(entries[i].start);
		block->memmap[i].size = le64_of(entries[i].end - entries[i].start);
		block->memmap[i].type = le32_of(entries[i].type);
	}
	if (initrd_size == 0)
		return STATUS_OK;
	info->nr_modules = le32_of(1);
	info->modlist_paddr = le64_of(plan->block + offsetof(struct pvh_block, module));
	block->module.paddr = le64_of(plan->initrd);
	block->module.size = le64_of(initrd_size);
	return STATUS_OK;
}
