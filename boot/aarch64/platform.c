/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/aarch64/virt.h"

#include <string.h>

#include "lib/attributes.h"

/*
 * Cloud Hypervisor's tables: arch/src/aarch64/layout.rs, RSDP_POINTER and what lies up to
 * the kernel's area.
 */
#define PLACED_ACPI_OFFSET 0x200000ul
#define PLACED_ACPI_SIZE   0x200000ul
#define RSDP_SIZE          36 /* ACPI 6.5, table 5.3, revision 2 */
#define RSDP_XSDT          24

/* As Linux splits its command line: lib/cmdline.c, next_arg(), isspace(). */
static bool is_space(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Compares a word of the command line, in which quotes do not count. */
static bool word_is(const char *word, size_t length, const char *text)
{
	for (size_t i = 0; i < length; i++) {
		if (word[i] != '"' && word[i] != *text++)
			return false;
	}
	return *text == '\0';
}

/* Whether the kernel will find acpi=off: before "--", after which all is for init. */
static bool wants_no_acpi(const struct virt *virt)
{
	const char *text = (const char *)virt->cmdline.bytes;
	size_t length = virt->cmdline.size;

	for (size_t at = 0; at < length; at++) {
		bool quoted = false;
		size_t start = at;
		for (; at < length && (quoted || !is_space(text[at])); at++)
			quoted ^= text[at] == '"';
		if (word_is(text + start, at - start, "acpi=off"))
			return true;
		if (word_is(text + start, at - start, "--"))
			return false;
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

/* An RSDP whose checksums are right, and an XSDT behind it: ACPI 6.5, 5.2.5.3. */
static bool is_placed_acpi(struct span area, uint64_t address)
{
	struct span rsdp = {area.bytes, RSDP_SIZE};
	struct le64 xsdt;
	char signature[4];

	if (!acpi_is_rsdp(rsdp) || span_sum(rsdp) != 0 ||
	    !span_read(area, RSDP_XSDT, sizeof(xsdt), &xsdt))
		return false;
	return span_read(area, le64_get(xsdt) - address, sizeof(signature), signature) &&
	       memcmp(signature, "XSDT", sizeof(signature)) == 0;
}

static void take_placed_acpi(struct virt *virt)
{
	struct boot *boot = &virt->boot;
	const struct fdt_range *memory = lowest_memory(&virt->machine);
	uint64_t place = memory->start + PLACED_ACPI_OFFSET;

	if (!fits(PLACED_ACPI_OFFSET, PLACED_ACPI_SIZE, memory->size))
		return;
	const uint8_t *area = boot_map_ram(place, PLACED_ACPI_SIZE);
	if (area == NULL || !is_placed_acpi((struct span){area, PLACED_ACPI_SIZE}, place))
		return;
	if (memmap_claim(&boot->map, place, PLACED_ACPI_SIZE, MEMMAP_ACPI) != STATUS_OK) {
		log_line(&boot->log, LOG_WARN, "ACPI tables at 0x%lx are not free RAM", place);
		return;
	}
	boot->rsdp = place;
}

/* Not inlined: boot_main()'s frame is below all others, and of these files only the script's. */
APART void virt_install_tables(struct virt *virt)
{
	struct boot *boot = &virt->boot;
	struct acpi_files files;

	virt->has_smbios = false;
	if (wants_no_acpi(virt))
		return;
	if (boot->has_fwcfg)
		boot_install_acpi(boot, MEMMAP_ACPI, 0, 0, &files);
	if (boot->rsdp == 0)
		take_placed_acpi(virt);
	/* Without ACPI the kernel gets a device tree, which has no place for SMBIOS. */
	if (boot->rsdp != 0 && boot->has_fwcfg) {
		BOOT_STEP(smbios);
		virt->has_smbios = boot_install_smbios(boot, MEMMAP_ACPI, virt->smbios);
	}
}
