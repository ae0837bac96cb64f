/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/aarch64/virt.h"

#include "arch/entry.h"
#include "arch/machine.h"
#include "arch/memory.h"

/* Registers of fw_cfg, with those of the DMA interface: QEMU docs/specs/fw_cfg.rst. */
#define FWCFG_REGISTERS_DMA 24

/* A page, which is what a PL011 has. */
#define CONSOLE_SIZE 0x1000

/* What the tree calls a device must not be RAM, which we would write to. */
static enum status check_device(struct virt *virt, const struct fdt_range *registers,
				const char *what)
{
	if (virt_is_in_ram(virt, registers))
		return refuse(&virt->boot.why, STATUS_OVERLAP, "%s at 0x%lx + 0x%lx is in RAM",
			      what, registers->start, registers->size);
	return STATUS_OK;
}

static enum status set_up_console(struct virt *virt)
{
	const struct fdt_machine *machine = &virt->machine;
	struct arch_console console = {
		.address = machine->console_address,
		.shift = machine->console_shift,
	};
	const struct fdt_range registers = {console.address, CONSOLE_SIZE};

	switch (machine->console) {
	case FDT_CONSOLE_PL011:
		console.kind = ARCH_CONSOLE_PL011;
		break;
	case FDT_CONSOLE_16550:
		console.kind = ARCH_CONSOLE_16550;
		break;
	case FDT_CONSOLE_NONE:
		console.kind = ARCH_CONSOLE_NONE;
		break;
	}
	enum status status = STATUS_OK;
	if (console.kind != ARCH_CONSOLE_NONE)
		status = check_device(virt, &registers, "the console");
	if (status == STATUS_OK)
		arch_set_console(&console);
	return status;
}

static void set_up_psci(struct virt *virt)
{
	switch (virt->machine.psci) {
	case FDT_PSCI_HVC:
		arch_set_psci(ARCH_PSCI_HVC);
		break;
	case FDT_PSCI_SMC:
		arch_set_psci(ARCH_PSCI_SMC);
		break;
	case FDT_PSCI_NONE:
		break;
	}
}

static enum status open_fwcfg(struct virt *virt)
{
	const struct fdt_range *registers = &virt->machine.fwcfg;
	/* Cloud Hypervisor's window ends before the DMA register, and its commands differ. */
	const struct fwcfg_device device = {
		.registers = registers->start,
		.dma = registers->size >= FWCFG_REGISTERS_DMA,
		.qemu_if_dma = true,
	};

	if (registers->size == 0)
		return STATUS_OK;
	enum status status = check_device(virt, registers, "fw_cfg");
	if (status != STATUS_OK)
		return status;
	if (arch_map(registers->start, registers->size, ARCH_MEMORY_DEVICE) == NULL)
		return refuse(&virt->boot.why, STATUS_OUT_OF_RANGE,
			      "fw_cfg at 0x%lx cannot be mapped", registers->start);
	return boot_open_fwcfg(&virt->boot, &device);
}

/* The table that the device tree names, which a launch may measure with the tree. */
static enum status read_hashes(struct virt *virt)
{
	const struct fdt_range *table = &virt->machine.hash_table;
	bool expected = virt->machine.has_hash_table;

	if (table->size != 0) {
		enum status status = virt_claim(virt, table->start, table->size, "the hash table");
		if (status != STATUS_OK)
			return status;
	}
	return boot_read_hashes(&virt->boot, table->start, table->size, expected);
}

/* QEMU's, which the tree alone has the address of: Devicetree binding "tcg,tpm-tis-mmio". */
static enum status set_up_tpm(struct virt *virt)
{
	uint64_t log_size = boot_tpm_log_size(&virt->boot);
	struct fdt_range registers;

	if (log_size == 0 || !fdt_find_device(virt->tree, "tcg,tpm-tis-mmio", &registers) ||
	    registers.size < TPM_REGISTERS_SIZE)
		return STATUS_OK;
	enum status status = check_device(virt, &registers, "the TPM");
	if (status == STATUS_OK)
		boot_set_up_tpm(&virt->boot, registers.start, log_size, false);
	return status;
}

_Noreturn void boot_main(const struct arch_entry *entry)
{
	struct virt virt;
	struct boot *boot = &virt.boot;

	boot_init(boot);
	BOOT_STEP(tree);
	boot_require(boot, "fdt", virt_read_tree(&virt, entry->start_info));
	boot_require(boot, "fdt", set_up_console(&virt));
	set_up_psci(&virt);
	BOOT_STEP(memory);
	boot_require(boot, "memory", virt_read_memory_map(&virt));
	BOOT_STEP(fw_cfg);
	boot_require(boot, "fwcfg", open_fwcfg(&virt));
	boot_require(boot, "hashes", read_hashes(&virt));
	BOOT_STEP(payload);
	virt_claim_chosen(&virt);
	boot_require(boot, "memory", virt_reserve_memory(&virt));
	boot_require(boot, "payload", virt_find_payload(&virt));
	boot_require(boot, "payload", virt_read_cmdline(&virt));
	BOOT_STEP(tables);
	boot_require(boot, "tpm", set_up_tpm(&virt));
	virt_install_tables(&virt);
	BOOT_STEP(loader);
	boot_require(boot, "loader", virt_boot_linux(&virt));
	arch_fatal("loader", STATUS_FAULT, "the kernel was not started");
}
