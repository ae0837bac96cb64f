/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/aarch64/virt.h"

#include <string.h>

/*
 * Cloud Hypervisor's tables: arch/src/aarch64/layout.rs, RSDP_POINTER and what lies up to
 * the kernel's area.
 */
#define PLACED_ACPI_OFFSET 0x200000ul
#define PLACED_ACPI_SIZE   0x200000ul
#define RSDP_SIZE          36 /* ACPI 6.5, 5.2.5.3, revision 2 */

static const char acpi_off[] = "acpi=off";

/* As Linux splits its command line: lib/cmdline.c, isspace(). */
static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Whether the command line has the word acpi=off, which the kernel understands so. */
static bool wants_no_acpi(const struct virt *virt)
{
	const char *text = (const char *)virt->cmdline;
	size_t length = virt->cmdline_length;
	size_t word = sizeof(acpi_off) - 1;

	for (size_t at = 0; at + word <= length; at++) {
		/* The first letter is looked for in long strides. */
		const char *found = memchr(text + at, acpi_off[0], length - at);
		if (found == NULL)
			return false;
		at = (size_t)(found - text);
		if (at + word <= length && memcmp(found, acpi_off, word) == 0 &&
		    (at == 0 || is_space(found[-1])) &&
		    (at + word == length || is_space(found[word])))
			return true;
	}
	return false;
}

static const struct fdt_range *lowest_memory(const struct fdt_machine *machine)
{
	const struct fdt_range *lowest = &machine->memory[0];

	for (size_t i = 1; i < machine->memories; i++) {
		if (machine->memory[i].start < lowest->start)
			lowest = &machine->memory[i];
	}
	return lowest;
}

static void take_placed_acpi(struct virt *virt)
{
	struct boot *boot = &virt->boot;
	const struct fdt_range *memory = lowest_memory(&virt->machine);
	uint64_t place = memory->start + PLACED_ACPI_OFFSET;

	if (!fits(PLACED_ACPI_OFFSET, PLACED_ACPI_SIZE, memory->size))
		return;
	struct span rsdp = {boot_map_ram(place, RSDP_SIZE), RSDP_SIZE};
	if (rsdp.bytes == NULL || !acpi_is_rsdp(rsdp) || span_sum(rsdp) != 0)
		return;
	if (memmap_claim(&boot->map, place, PLACED_ACPI_SIZE, MEMMAP_ACPI) != STATUS_OK) {
		log_line(&boot->log, LOG_WARN, "ACPI tables at 0x%lx are not free RAM", place);
		return;
	}
	boot->rsdp = place;
}

static void install_smbios(struct virt *virt)
{
	struct boot *boot = &virt->boot;
	uint8_t entry_point[SMBIOS_ENTRY_POINT_MAX];
	const struct memmap_request request = {
		.size = PAGE_SIZE,
		.alignment = PAGE_SIZE,
		.max = MEMMAP_4G,
		.top_down = true,
		.type = MEMMAP_ACPI,
	};
	uint64_t address;

	if (!boot_install_smbios(boot, MEMMAP_ACPI, entry_point))
		return;
	if (memmap_alloc(&boot->map, &request, &address) == STATUS_OK) {
		void *place = boot_map_ram(address, sizeof(entry_point));
		if (place != NULL) {
			memcpy(place, entry_point, sizeof(entry_point));
			virt->smbios = address;
			return;
		}
	}
	log_line(&boot->log, LOG_WARN, "no memory for the SMBIOS entry point");
}

void virt_install_tables(struct virt *virt)
{
	struct boot *boot = &virt->boot;

	virt->smbios = 0;
	if (wants_no_acpi(virt))
		return;
	if (boot->has_fwcfg)
		boot_install_acpi(boot, 0, 0);
	if (boot->rsdp == 0)
		take_placed_acpi(virt);
	/* Without ACPI the kernel gets a device tree, which has no place for SMBIOS. */
	if (boot->rsdp != 0 && boot->has_fwcfg)
		install_smbios(virt);
}
