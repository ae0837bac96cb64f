/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/boot.h"

static NAME(loader_script_file, "etc/table-loader");
static NAME(smbios_anchor_file, "etc/smbios/smbios-anchor");
static NAME(smbios_table_file, "etc/smbios/smbios-tables");

static bool find_file(void *context, const struct name *name, struct blob *ret_blob)
{
	return fwcfg_find(context, name->text, ret_blob);
}

void boot_install_acpi(struct boot *boot, enum memmap_type type, uint64_t low_start,
		       uint64_t low_end, struct acpi_files *ret_files)
{
	struct blob script;

	ret_files->count = 0;
	ret_files->writes.count = 0;
	if (!fwcfg_find(&boot->fwcfg, loader_script_file, &script))
		return; /* acpi=off */
	const struct acpi_host host = {
		.find = find_file,
		.context = &boot->fwcfg,
		.map = boot_map_ram,
		.map_of_memory = &boot->map,
		.type = type,
		.low_start = low_start,
		.low_end = low_end,
		.log = &boot->log,
	};
	boot_require(boot, "acpi", acpi_run_script(&script, &host, ret_files, &boot->why));
	if (acpi_find_rsdp(ret_files, &boot->rsdp) != STATUS_OK)
		log_line(&boot->log, LOG_WARN, "the loader script places no RSDP");
}

void boot_repeat_acpi_writes(struct boot *boot, const struct acpi_writes *writes)
{
	const struct acpi_host host = {
		.find = find_file,
		.context = &boot->fwcfg,
		.log = &boot->log,
	};

	if (boot->has_fwcfg)
		acpi_repeat_writes(writes, &host);
}

bool boot_install_smbios(struct boot *boot, enum memmap_type type,
			 uint8_t ret_entry_point[SMBIOS_ENTRY_POINT_MAX])
{
	const struct smbios_host host = {boot_map_ram, &boot->map, type};
	struct blob anchor, table;

	if (!fwcfg_find(&boot->fwcfg, smbios_anchor_file, &anchor) ||
	    !fwcfg_find(&boot->fwcfg, smbios_table_file, &table))
		return false;
	boot_require(boot, "smbios",
		     smbios_place(&anchor, &table, &host, ret_entry_point, &boot->why));
	return true;
}
