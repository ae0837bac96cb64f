/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/x86_64/pc.h"

#include <string.h>

#include "acpi/mptable.h"
#include "arch/machine.h"
#include "arch/memory.h"

#define LOW_TABLES 0xe0000ul /* up to the image or its shadow (rulings 2) */
#define BIOS_START 0xf0000ul

/* Ours when the VMM has none: at the end of the low tables, where its own do not reach. */
#define LOW_TABLES_END (BIOS_START - SMBIOS_MADE_MAX)

/* linker/x86_64.ld leaves room for both, since this may be the image itself. */
#define SMBIOS_ANCHOR (BIOS_START + 0x110)
#define MP_POINTER    (BIOS_START + 0x130)

/* QEMU hw/i386/x86.c, hw/intc/ioapic_internal.h. */
#define IO_APIC_ADDRESS    0xfec00000u
#define IO_APIC_VERSION    0x20
#define LOCAL_APIC_VERSION 0x14
#define IO_APIC_PIRQ_A     16u /* of ICH9, which has eight pins for them */

static bool takes_writes(volatile uint8_t *byte)
{
	uint8_t old = *byte;

	*byte = (uint8_t)~old;
	bool taken = *byte != old;
	*byte = old;
	return taken;
}

/* Memory of the BIOS area; NULL when one of its ends is ROM or nothing. */
static void *map_bios_area(uint64_t address, uint64_t length)
{
	uint8_t *bytes = boot_map_ram(address, length);

	if (bytes == NULL || !takes_writes(bytes) || !takes_writes(bytes + length - 1))
		return NULL;
	return bytes;
}

/* Whether the VMM had tables. */
static bool install_acpi(struct pc *pc)
{
	bool low = map_bios_area(LOW_TABLES, sizeof(uint32_t)) != NULL;
	bool resumes = pc_has_chipset(pc) && pc->entry.kind == ARCH_ENTRY_RESET;
	struct acpi_files files;

	/* The FACS, among the tables, has to outlive them (ACPI 6.5, 5.2.10). */
	boot_install_acpi(&pc->boot, resumes ? MEMMAP_NVS : MEMMAP_ACPI, low ? LOW_TABLES : 0,
			  low ? LOW_TABLES_END : 0, &files);
	if (resumes && pc->boot.rsdp != 0)
		pc_prepare_resume(pc, &files.writes);
	return files.count != 0;
}

/* RAM in two ranges, below and above 4 GiB. */
static void tell_memory(const struct pc *pc, struct smbios_facts *facts)
{
	const struct memmap *map = &pc->boot.map;

	facts->memory[0].end = pc->low_ram_end;
	for (size_t i = map->count; i > 0 && map->entry[i - 1].start >= MEMMAP_4G; i--) {
		const struct memmap_entry *entry = &map->entry[i - 1];
		if (memmap_type_for_kernel(entry->type) != MEMMAP_RAM)
			continue;
		facts->memory[1].start = entry->start;
		if (facts->memory[1].end == 0)
			facts->memory[1].end = entry->end;
	}
}

/* The table is right below the area that has its entry point. */
static void make_smbios(struct pc *pc)
{
	struct smbios_facts facts = {
		.processor_id = pc->found.signature | (uint64_t)pc->found.features << 32,
		.processors = (uint16_t)pc->processors,
	};
	uint8_t *place = map_bios_area(LOW_TABLES_END,
				       SMBIOS_ANCHOR + SMBIOS_ENTRY_POINT_MAX - LOW_TABLES_END);

	if (place == NULL) {
		log_line(&pc->boot.log, LOG_WARN, "no writable memory for an SMBIOS table");
		return;
	}
	struct blob uuid = fwcfg_item(&pc->boot.fwcfg, FWCFG_UUID, sizeof(facts.uuid));
	if (blob_read(&uuid, 0, sizeof(facts.uuid), facts.uuid) != STATUS_OK)
		log_line(&pc->boot.log, LOG_WARN, "the UUID cannot be read");
	tell_memory(pc, &facts);
	smbios_make(&facts, LOW_TABLES_END, place, place + (SMBIOS_ANCHOR - LOW_TABLES_END));
}

/*
 * What else runs before us, or starts us elsewhere than at the reset vector, has put tables
 * into memory itself; so does crosvm. QEMU does not.
 */
static bool makes_tables(const struct pc *pc)
{
	return pc->entry.kind == ARCH_ENTRY_RESET && (pc->boot.fwcfg.qemu || pc_has_chipset(pc));
}

static void install_smbios(struct pc *pc)
{
	uint8_t entry_point[SMBIOS_ENTRY_POINT_MAX];

	/* Entered by PVH on a microvm, the place is the other firmware's image. */
	if (pc->entry.kind == ARCH_ENTRY_PVH && pc->chipset.kind == CHIPSET_NONE)
		return;
	if (!boot_install_smbios(&pc->boot, MEMMAP_RESERVED, entry_point)) {
		if (makes_tables(pc))
			make_smbios(pc);
		return;
	}
	void *place = map_bios_area(SMBIOS_ANCHOR, sizeof(entry_point));
	if (place != NULL)
		memcpy(place, entry_point, sizeof(entry_point));
	else
		log_line(&pc->boot.log, LOG_WARN, "no writable memory for the SMBIOS entry point");
}

/* Each pin of each device once, from the root buses down. Returns how many. */
static size_t list_pci_interrupts(const struct pc *pc, struct mptable_pci_interrupt *list)
{
	const struct pci_tree *tree = &pc->pci;
	size_t count = 0;

	for (uint16_t i = 0; i < tree->functions && count < MPTABLE_PCI_INTERRUPTS_MAX; i++) {
		const struct pci_function *function = &tree->function[i];
		struct mptable_pci_interrupt wire;
		uint8_t pirq;
		if (function->is_root || !pci_pirq(tree, i, &pirq))
			continue;
		wire.bus = PCI_BUS(function->address);
		wire.device = PCI_DEVICE(function->address);
		wire.pin = (uint8_t)((function->interrupt >> 8 & 0xff) - 1);
		wire.io_apic_pin = (uint8_t)(pc->chipset.kind == CHIPSET_Q35
						     ? IO_APIC_PIRQ_A + pirq
						     : CHIPSET_PIRQ_LINES >> pirq * 8 & 0xff);
		/* Functions of a device follow each other. */
		bool known = false;
		for (size_t j = count;
		     j > 0 && list[j - 1].bus == wire.bus && list[j - 1].device == wire.device; j--)
			known |= list[j - 1].pin == wire.pin;
		if (!known)
			list[count++] = wire;
	}
	return count;
}

/* For a kernel without ACPI: which processors there are, and where interrupts lead. */
static void install_mptable(struct pc *pc)
{
	struct mptable_pci_interrupt interrupts[MPTABLE_PCI_INTERRUPTS_MAX];
	bool has_isa_bus = true;
	struct mptable_machine machine = {
		.boot_processor = pc->found.boot,
		.local_apic_version = LOCAL_APIC_VERSION,
		.cpu_signature = pc->found.signature,
		.feature_flags = pc->found.features,
		.io_apic_version = IO_APIC_VERSION,
		.io_apic_address = IO_APIC_ADDRESS,
		.has_pci = pc_has_chipset(pc),
		.pci_interrupts = interrupts,
	};
	size_t size;

	memcpy(machine.apic_ids, pc->found.apic_ids, sizeof(machine.apic_ids));
	machine.apic_ids[3] &= ~(1ul << 63); /* ID 255 means all of them */
	if (machine.has_pci) {
		machine.pci_interrupt_count = list_pci_interrupts(pc, interrupts);
		machine.pci_irqs = CHIPSET_PIRQ_ISA_MASK;
		has_isa_bus = pci_find_free_bus(&pc->pci, &machine.isa_bus);
	}
	void *place = map_bios_area(LOW_TABLES, LOW_TABLES_END - LOW_TABLES);
	void *pointer = map_bios_area(MP_POINTER, MPTABLE_POINTER_SIZE);
	if (place == NULL || pointer == NULL || !has_isa_bus ||
	    pc->processors > MPTABLE_PROCESSORS_MAX ||
	    mptable_build(&machine, place, LOW_TABLES_END - LOW_TABLES, &size) != STATUS_OK)
		log_line(&pc->boot.log, LOG_WARN, "no room for an MP table");
	else
		mptable_point_to(LOW_TABLES, pointer);
}

void pc_install_tables(struct pc *pc)
{
	if (!pc->boot.has_fwcfg)
		return;
	if (!install_acpi(pc) && makes_tables(pc))
		install_mptable(pc);
	install_smbios(pc);
}
