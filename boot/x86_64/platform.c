/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/x86_64/pc.h"

#include <string.h>

#include "acpi/find.h"
#include "arch/machine.h"
#include "arch/memory.h"
#include "lib/attributes.h"

#define RESET_STUB 0xffff0ul

static NAME(feature_control_file, "etc/msr_feature_control");
static NAME(smi_features_file, "etc/smi/supported-features");

static unsigned cpu_count(struct pc *pc)
{
	uint32_t cpus;

	if (!pc->boot.has_fwcfg ||
	    fwcfg_read_integer(&pc->boot.fwcfg, FWCFG_CPUS, 2, &cpus) != STATUS_OK || cpus == 0)
		return 1;
	return cpus;
}

static enum status reserve_registers(struct pc *pc)
{
	const struct chipset *chipset = &pc->chipset;
	enum status status = STATUS_OK;

	if (chipset->ecam_size != 0)
		status = memmap_add(&pc->boot.map, chipset->ecam_start, chipset->ecam_size,
				    MEMMAP_RESERVED);
	if (status == STATUS_OK && chipset->rcba_start != 0)
		status = memmap_add(&pc->boot.map, chipset->rcba_start, CHIPSET_RCBA_SIZE,
				    MEMMAP_RESERVED);
	if (status != STATUS_OK)
		return refuse(&pc->boot.why, status, "no room for the chipset in the memory map");
	return STATUS_OK;
}

bool pc_has_chipset(const struct pc *pc)
{
	return pc->chipset.kind == CHIPSET_I440FX || pc->chipset.kind == CHIPSET_Q35;
}

static void set_up_processors(struct pc *pc)
{
	pc->processors = cpu_count(pc);
	const struct arch_processors processors = {
		.count = pc->processors,
		.uncached_start = pc->low_ram_end,
		.feature_control = boot_read_number(&pc->boot, feature_control_file),
		.virtual_wire = pc_has_chipset(pc),
	};

	if (arch_set_up_processors(&processors, &pc->found) != STATUS_OK)
		log_line(&pc->boot.log, LOG_WARN, "not all processors were set up");
}

/*
 * A jump to ffff:0 is one of Linux's ways to reset a PC. The RAM that replaced
 * the ROM there gets instructions that reset through port 0xcf9.
 */
static void place_reset_stub(void)
{
	static const uint8_t stub[] = {
		0xba, 0xf9, 0x0c, /* mov dx, 0xcf9 */
		0xb0, 0x02,       /* mov al, 2: hard reset, */
		0xee,             /* out dx, al */
		0xb0, 0x06,       /* mov al, 6: now */
		0xee,             /* out dx, al */
		0xf4,             /* hlt */
		0xeb, 0xfd,       /* jmp to the hlt */
	};
	void *place = boot_map_ram(RESET_STUB, sizeof(stub));

	if (place != NULL)
		memcpy(place, stub, sizeof(stub));
}

static void say_what_is_not_negotiated(struct boot *boot)
{
	struct blob file;

	if (boot->log.level >= LOG_INFO && boot->has_fwcfg &&
	    fwcfg_find(&boot->fwcfg, smi_features_file, &file))
		log_write(&boot->log, "SMI features are not negotiated: nothing runs in SMM");
}

void pc_set_up_chipset(struct pc *pc)
{
	pc->low_ram_end = memmap_ram_end(&pc->boot.map, MEMMAP_4G);
	/* The VMM builds its tables from what the chipset is set to. */
	chipset_set_up(pc->low_ram_end, pc->boot.fwcfg.qemu, &pc->chipset);
	boot_require(&pc->boot, "chipset", reserve_registers(pc));
	set_up_processors(pc);
	if (pc_has_chipset(pc)) {
		bool is_resume = pc_is_resume(pc);
		uint64_t tpm_log_size = boot_tpm_log_size(&pc->boot);
		if (tpm_log_size != 0)
			boot_set_up_tpm(&pc->boot, TPM_PC_REGISTERS, tpm_log_size, is_resume);
		if (is_resume)
			pc_resume(pc);
	}
}

void pc_set_up_tpm_of_tables(struct pc *pc)
{
	struct boot *boot = &pc->boot;

	/* One that has a log of QEMU's is that of the firmware which ran before us. */
	if (boot->rsdp != 0 && boot_tpm_log_size(boot) == 0 &&
	    acpi_has_tpm(boot->rsdp, boot_map_ram, TPM_PC_REGISTERS))
		boot_set_up_tpm(boot, TPM_PC_REGISTERS, 0, false);
}

APART void pc_set_up_devices(struct pc *pc)
{
	if (pc_has_chipset(pc)) {
		pc_assign_pci(pc);
		place_reset_stub();
	}
	BOOT_STEP(tables);
	pc_install_tables(pc);
	say_what_is_not_negotiated(&pc->boot);
}
