/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/boot.h"

#include <string.h>

#include "acpi/script.h"
#include "acpi/smbios.h"
#include "arch/io.h"
#include "arch/machine.h"
#include "arch/memory.h"

#define LOW_TABLES 0xe0000ul /* up to the image or its shadow (rulings 2) */
#define BIOS_START 0xf0000ul
#define RESET_STUB 0xffff0ul

/* linker/x86_64.ld leaves room for the anchor, since this may be the image itself. */
#define SMBIOS_ANCHOR (BIOS_START + 0x200)

static const struct name loader_script_file = {"etc/table-loader"};
static const struct name smbios_anchor_file = {"etc/smbios/smbios-anchor"};
static const struct name smbios_table_file = {"etc/smbios/smbios-tables"};

static bool find_file(void *context, const struct name *name, struct blob *ret_blob)
{
	return fwcfg_find(context, name, ret_blob);
}

static unsigned cpu_count(struct boot *boot)
{
	uint32_t cpus;

	if (fwcfg_read_integer(&boot->fwcfg, FWCFG_CPUS, 2, &cpus) != STATUS_OK || cpus == 0)
		return 1;
	return cpus;
}

static enum status reserve_ecam(struct boot *boot)
{
	const struct chipset *chipset = &boot->chipset;

	if (chipset->ecam_size == 0)
		return STATUS_OK;
	enum status status =
		memmap_add(&boot->map, chipset->ecam_start, chipset->ecam_size, MEMMAP_RESERVED);
	if (status != STATUS_OK)
		return refuse(&boot->why, status, "no room for ECAM in the memory map");
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
	struct acpi_files files;
	struct blob script;

	if (!fwcfg_find(&boot->fwcfg, &loader_script_file, &script))
		return; /* acpi=off */
	bool low = is_writable(LOW_TABLES);
	const struct acpi_host host = {
		.find = find_file,
		.context = &boot->fwcfg,
		.map = boot_map_ram,
		.map_of_memory = &boot->map,
		.low_start = low ? LOW_TABLES : 0,
		.low_end = low ? BIOS_START : 0,
		.log = &boot->log,
	};
	boot_require(boot, "acpi", acpi_run_script(&script, &host, &files, &boot->why));
	if (acpi_find_rsdp(&files, &boot->rsdp) != STATUS_OK)
		log_line(&boot->log, LOG_WARN, "the loader script places no RSDP");
}

static void install_smbios(struct boot *boot)
{
	const struct smbios_host host = {boot_map_ram, &boot->map, VERSION, DATE};
	uint8_t entry_point[SMBIOS_ENTRY_POINT_MAX];
	struct blob anchor, table;

	/* Entered by PVH on a microvm, the place is the other firmware's image. */
	if (boot->entry.kind == ARCH_ENTRY_PVH && boot->chipset.kind == CHIPSET_NONE)
		return;
	if (!fwcfg_find(&boot->fwcfg, &smbios_anchor_file, &anchor) ||
	    !fwcfg_find(&boot->fwcfg, &smbios_table_file, &table))
		return;
	boot_require(boot, "smbios", smbios_place(&anchor, &table, &host, entry_point, &boot->why));
	void *place = boot_map_ram(SMBIOS_ANCHOR, sizeof(entry_point));
	if (place != NULL && is_writable(SMBIOS_ANCHOR))
		memcpy(place, entry_point, sizeof(entry_point));
	else
		log_line(&boot->log, LOG_WARN, "no writable memory for the SMBIOS entry point");
}

void boot_set_up_platform(struct boot *boot)
{
	uint64_t low_ram_end = memmap_ram_end(&boot->map, MEMMAP_4G);

	/* The VMM builds its tables from what the chipset is set to. */
	boot->chipset = chipset_set_up(low_ram_end);
	boot_require(boot, "chipset", reserve_ecam(boot));
	if (boot->chipset.kind == CHIPSET_I440FX || boot->chipset.kind == CHIPSET_Q35)
		place_reset_stub();
	if (arch_set_memory_types(low_ram_end, boot->has_fwcfg ? cpu_count(boot) : 1) != STATUS_OK)
		log_line(&boot->log, LOG_WARN, "not all processors took their memory types");
	if (!boot->has_fwcfg)
		return;
	install_acpi(boot);
	install_smbios(boot);
}
