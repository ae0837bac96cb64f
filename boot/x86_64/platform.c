/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/x86_64/pc.h"

#include <string.h>

#include "arch/machine.h"
#include "arch/memory.h"

#define LOW_TABLES 0xe0000ul /* up to the image or its shadow (rulings 2) */
#define BIOS_START 0xf0000ul
#define RESET_STUB 0xffff0ul

/* linker/x86_64.ld leaves room for the anchor, since this may be the image itself. */
#define SMBIOS_ANCHOR (BIOS_START + 0x200)

static unsigned cpu_count(struct pc *pc)
{
	uint32_t cpus;

	if (fwcfg_read_integer(&pc->boot.fwcfg, FWCFG_CPUS, 2, &cpus) != STATUS_OK || cpus == 0)
		return 1;
	return cpus;
}

static enum status reserve_ecam(struct pc *pc)
{
	const struct chipset *chipset = &pc->chipset;

	if (chipset->ecam_size == 0)
		return STATUS_OK;
	enum status status =
		memmap_add(&pc->boot.map, chipset->ecam_start, chipset->ecam_size, MEMMAP_RESERVED);
	if (status != STATUS_OK)
		return refuse(&pc->boot.why, status, "no room for ECAM in the memory map");
	return STATUS_OK;
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

/* RAM in the BIOS area takes writes; ROM and nothing do not. */
static bool is_writable(uint64_t address)
{
	volatile uint32_t *word = boot_map_ram(address, sizeof(*word));

	if (word == NULL)
		return false;
	uint32_t old = *word;
	*word = ~old;
	bool writable = *word == ~old;
	*word = old;
	return writable;
}

static void install_acpi(struct boot *boot)
{
	bool low = is_writable(LOW_TABLES);

	boot_install_acpi(boot, low ? LOW_TABLES : 0, low ? BIOS_START : 0);
}

static void install_smbios(struct pc *pc)
{
	uint8_t entry_point[SMBIOS_ENTRY_POINT_MAX];

	/* Entered by PVH on a microvm, the place is the other firmware's image. */
	if (pc->entry.kind == ARCH_ENTRY_PVH && pc->chipset.kind == CHIPSET_NONE)
		return;
	if (!boot_install_smbios(&pc->boot, MEMMAP_RESERVED, entry_point))
		return;
	void *place = boot_map_ram(SMBIOS_ANCHOR, sizeof(entry_point));
	if (place != NULL && is_writable(SMBIOS_ANCHOR))
		memcpy(place, entry_point, sizeof(entry_point));
	else
		log_line(&pc->boot.log, LOG_WARN, "no writable memory for the SMBIOS entry point");
}

void pc_set_up_platform(struct pc *pc)
{
	uint64_t low_ram_end = memmap_ram_end(&pc->boot.map, MEMMAP_4G);

	/* The VMM builds its tables from what the chipset is set to. */
	pc->chipset = chipset_set_up(low_ram_end);
	boot_require(&pc->boot, "chipset", reserve_ecam(pc));
	if (pc->chipset.kind == CHIPSET_I440FX || pc->chipset.kind == CHIPSET_Q35) {
		pc_assign_pci(pc);
		place_reset_stub();
	}
	if (arch_set_memory_types(low_ram_end, pc->boot.has_fwcfg ? cpu_count(pc) : 1) != STATUS_OK)
		log_line(&pc->boot.log, LOG_WARN, "not all processors took their memory types");
	if (!pc->boot.has_fwcfg)
		return;
	install_acpi(&pc->boot);
	install_smbios(pc);
}
