/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/x86_64/pc.h"

#include "arch/handoff.h"

enum status pc_boot_elf(struct pc *pc)
{
	struct boot *boot = &pc->boot;
	const struct elf *elf = &pc->kernel.elf;
	struct pvh_plan plan;
	size_t cmdline_length;
	uint64_t to_place = pc_initrd_stays(pc, MEMMAP_4G) ? 0 : boot->initrd.size;

	enum status status =
		elf->segments == 0 ? STATUS_OK : elf_claim(elf, &boot->map, &boot->why);
	if (status == STATUS_OK)
		status = pvh_plan(to_place, boot_cmdline_bytes(boot, PVH_CMDLINE_MAX), &boot->map,
				  &plan, &boot->why);
	if (status == STATUS_OK)
		status = elf_load(elf, &pc->kernel.head, boot_map_ram, &boot->why);
	if (status == STATUS_OK && to_place != 0)
		status = boot_read_initrd(boot, plan.initrd);
	if (status == STATUS_OK)
		status = boot_read_cmdline(boot, PVH_CMDLINE_MAX, plan.cmdline, &cmdline_length);
	if (status != STATUS_OK)
		return status;
	if (to_place == 0)
		plan.initrd = pc->initrd_start;
	if (boot->is_measured) {
		const struct measure_kernel measured = {.piece = {pc->kernel.held}};
		const char *cmdline = boot_map_ram(plan.cmdline, cmdline_length + 1);
		/* The VMM has loaded it, and nobody knows of what file. */
		if (elf->segments == 0)
			return boot_refuse_to_hash(boot);
		boot_measure_payload(boot, &measured, plan.initrd,
				     (struct span){(const uint8_t *)cmdline, cmdline_length + 1});
	}

	struct pvh_block *block = boot_map_ram(plan.block, sizeof(*block));
	if (block == NULL)
		return refuse(&boot->why, STATUS_NO_MEMORY, "start_info cannot be mapped");
	status = pvh_fill(&plan, boot->initrd.size, boot->rsdp, &boot->map, block, &boot->why);
	if (status != STATUS_OK)
		return status;
	log_line(&boot->log, LOG_INFO, "kernel at 0x%lx, entry 0x%lx, initrd at 0x%lx + 0x%lx",
		 elf->start, elf->entry, plan.initrd, boot->initrd.size);
	const struct arch_handoff handoff = {
		.mode = ARCH_MODE_PVH,
		.entry = elf->entry,
		.argument = plan.block,
	};
	boot_confirm_checked(boot);
	arch_handoff(&handoff);
}
