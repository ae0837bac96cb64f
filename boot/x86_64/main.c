/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/machine.h"
#include "arch/memory.h"
#include "boot/x86_64/pc.h"
#include "lib/attributes.h"

static enum status read_start_info(struct pc *pc)
{
	if (pc->entry.kind != ARCH_ENTRY_PVH)
		return STATUS_OK;
	if (!arch_peek(pc->entry.start_info, sizeof(pc->start_info), &pc->start_info))
		return refuse(&pc->boot.why, STATUS_OUT_OF_RANGE,
			      "the PVH start_info at 0x%lx cannot be read", pc->entry.start_info);
	if (le32_get(pc->start_info.magic) != HVM_START_MAGIC_VALUE)
		return refuse(&pc->boot.why, STATUS_BAD_FORMAT,
			      "the PVH start_info at 0x%lx has magic 0x%x", pc->entry.start_info,
			      le32_get(pc->start_info.magic));
	if (le32_get(pc->start_info.version) == 0) {
		pc->start_info.memmap_paddr = le64_of(0);
		pc->start_info.memmap_entries = le32_of(0);
	}
	pc->boot.rsdp = le64_get(pc->start_info.rsdp_paddr);
	if (pc->boot.rsdp == 0)
		return STATUS_OK;
	uint8_t rsdp[ACPI_RSDP_SIZE];
	if (!arch_peek(pc->boot.rsdp, sizeof(rsdp), rsdp) ||
	    !acpi_is_rsdp((struct span){rsdp, sizeof(rsdp)}))
		return refuse(&pc->boot.why, STATUS_BAD_FORMAT,
			      "the PVH loader's RSDP at 0x%lx is none", pc->boot.rsdp);
	if (le32_get(pc->start_info.memmap_entries) == 0)
		return refuse(&pc->boot.why, STATUS_UNSUPPORTED,
			      "the PVH loader gives ACPI tables, but no memory map");
	return STATUS_OK;
}

/*
 * Whether a PVH loader leaves nothing of the platform to us: it gives ACPI tables (rulings 4), or
 * a memory map and no fw_cfg, like Firecracker, whose tables a kernel finds by itself.
 */
static bool is_platform_done(const struct pc *pc)
{
	return pc->entry.kind == ARCH_ENTRY_PVH &&
	       (pc->boot.rsdp != 0 ||
		(!pc->boot.has_fwcfg && le32_get(pc->start_info.memmap_entries) != 0));
}

/* With a frame of its own, so that what is local to the steps is not behind all of @pc in it. */
static _Noreturn APART void run(struct pc *pc, const struct arch_entry *entry)
{
	struct boot *boot = &pc->boot;
	const struct arch_range block = arch_hash_block();
	/* At the reset vector nothing ran before us: with DMA, that makes the host QEMU. */
	const struct fwcfg_device fwcfg = {
		.dma = true,
		.qemu_if_dma = entry->kind == ARCH_ENTRY_RESET,
	};

	boot_init(boot);
	pc->entry = *entry;

	boot_require(boot, "entry", read_start_info(pc));
	BOOT_STEP(fw_cfg);
	boot_require(boot, "fwcfg", boot_open_fwcfg(boot, &fwcfg));
	pc->platform_done = is_platform_done(pc);
	BOOT_STEP(memory);
	boot_require(boot, "memory", pc_read_memory_map(pc));
	boot_require(boot, "payload", pc_find_module(pc));
	BOOT_STEP(chipset);
	if (entry->kind == ARCH_ENTRY_PVH)
		chipset_mask_interrupts();
	if (!pc->platform_done)
		pc_set_up_chipset(pc);
	else
		pc_set_up_tpm_of_tables(pc);
	boot_require(boot, "hashes", boot_read_hashes(boot, block.start, block.size, false));
	BOOT_STEP(payload);
	boot_require(boot, "payload", pc_find_payload(pc));
	BOOT_STEP(pci);
	if (!pc->platform_done)
		pc_set_up_devices(pc);
	BOOT_STEP(loader);
	boot_require(boot, "loader", pc->kernel.is_elf ? pc_boot_elf(pc) : pc_boot_linux(pc));
	arch_fatal("loader", STATUS_FAULT, "the kernel was not started");
}

_Noreturn void boot_main(const struct arch_entry *entry)
{
	struct pc pc;

	run(&pc, entry);
}
