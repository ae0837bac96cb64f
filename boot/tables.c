/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/boot.h"

static NAME(loader_script_file, "etc/table-loader");
static NAME(smbios_anchor_file, "etc/smbios/smbios-anchor");
static NAME(smbios_table_file, "etc/smbios/smbios-tables");

static bool find_file(void *context, const struct name *name, struct blob *ret_blob)
{
	struct boot *boot = context;

	return fwcfg_find(&boot->fwcfg, name->text, ret_blob);
}

/* It changes tables after they are measured, and so it is the first that is. */
static enum status measure_script(struct boot *boot, struct blob *script)
{
	struct blob held = *script;
	uint64_t at;

	/* One that is empty is refused for that. */
	if (script->size == 0)
		return STATUS_OK;
	enum status status = boot_hold(boot, &held, MEMMAP_FIRMWARE, &at);
	if (status != STATUS_OK)
		return status;
	held.key = script->key;
	*script = held;
	boot_measure_file(boot, loader_script_file,
			  (struct span){boot_map_ram(at, held.size), held.size});
	return STATUS_OK;
}

void boot_install_acpi(struct boot *boot, enum memmap_type type, uint64_t low_start,
		       uint64_t low_end, struct acpi_files *ret_files)
{
	struct blob script;

	ret_files->count = 0;
	ret_files->writes.count = 0;
	if (!fwcfg_find(&boot->fwcfg, loader_script_file, &script))
		return; /* acpi=off */
	if (boot->is_measured)
		boot_require(boot, "acpi", measure_script(boot, &script));
	const struct acpi_host host = {
		.find = find_file,
		.delivered = boot->is_measured ? boot_measure_file : NULL,
		.context = boot,
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
		.context = boot,
		.log = &boot->log,
	};

	if (boot->has_fwcfg)
		acpi_repeat_writes(writes, &host);
}

static void measure_smbios(void *context, struct span anchor, struct span table)
{
	boot_measure_file(context, smbios_anchor_file, anchor);
	boot_measure_file(context, smbios_table_file, table);
}

bool boot_install_smbios(struct boot *boot, enum memmap_type type,
			 uint8_t ret_entry_point[SMBIOS_ENTRY_POINT_MAX])
{
	const struct smbios_host host = {
		.map = boot_map_ram,
		.map_of_memory = &boot->map,
		.type = type,
		.delivered = boot->is_measured ? measure_smbios : NULL,
		.context = boot,
	};
	struct blob anchor, table;

	if (!fwcfg_find(&boot->fwcfg, smbios_anchor_file, &anchor) ||
	    !fwcfg_find(&boot->fwcfg, smbios_table_file, &table))
		return false;
	boot_require(boot, "smbios",
		     smbios_place(&anchor, &table, &host, ret_entry_point, &boot->why));
	return true;
}
