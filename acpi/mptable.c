/* SPDX-License-Identifier: BSD-2-Clause */
#include "acpi/mptable.h"

#include <string.h>

#include "lib/check.h"
#include "lib/endian.h"
#include "lib/span.h"

/* Sections are those of Intel's MultiProcessor Specification, version 1.4. */
#define SPEC_REV 4

/* MP floating pointer structure: 4.1. */
struct floating_pointer {
	char signature[4];
	struct le32 physical_address_pointer;
	uint8_t length; /* in units of 16 bytes */
	uint8_t spec_rev;
	uint8_t checksum;
	uint8_t feature_information[5]; /* 0: there is a table; virtual wire mode */
};
_Static_assert(sizeof(struct floating_pointer) == MPTABLE_POINTER_SIZE, "4.1");

/* MP configuration table header: 4.2. */
struct header {
	char signature[4];
	struct le16 base_table_length;
	uint8_t spec_rev;
	uint8_t checksum;
	char oem_id[8];
	char product_id[12];
	struct le32 oem_table_pointer;
	struct le16 oem_table_size;
	struct le16 entry_count;
	struct le32 address_of_local_apic;
	struct le16 extended_table_length;
	uint8_t extended_table_checksum;
	uint8_t reserved;
};
_Static_assert(sizeof(struct header) == 44, "4.2");

#define LOCAL_APIC_ADDRESS 0xfee00000

/* Base table entries: 4.3. They are sorted by their type. */
enum entry_type {
	ENTRY_PROCESSOR,
	ENTRY_BUS,
	ENTRY_IO_APIC,
	ENTRY_IO_INTERRUPT,
	ENTRY_LOCAL_INTERRUPT,
};

/* Processor: 4.3.1. */
struct processor {
	uint8_t entry_type;
	uint8_t local_apic_id;
	uint8_t local_apic_version;
	uint8_t cpu_flags;
	struct le32 cpu_signature;
	struct le32 feature_flags;
	uint8_t reserved[8];
};
_Static_assert(sizeof(struct processor) == 20, "4.3.1");

#define CPU_ENABLED   0x01
#define CPU_BOOTSTRAP 0x02

/* Bus: 4.3.2. */
struct bus {
	uint8_t entry_type;
	uint8_t bus_id;
	char bus_type[6];
};
_Static_assert(sizeof(struct bus) == 8, "4.3.2");

/* I/O APIC: 4.3.3. */
struct io_apic {
	uint8_t entry_type;
	uint8_t io_apic_id;
	uint8_t io_apic_version;
	uint8_t io_apic_flags;
	struct le32 io_apic_address;
};
_Static_assert(sizeof(struct io_apic) == 8, "4.3.3");

#define IO_APIC_ENABLED 0x01

/* I/O interrupt assignment, 4.3.4, and local interrupt assignment, 4.3.5. */
struct interrupt {
	uint8_t entry_type;
	uint8_t interrupt_type;
	struct le16 flags; /* polarity, trigger mode */
	uint8_t source_bus_id;
	uint8_t source_bus_irq;
	uint8_t destination_apic_id;
	uint8_t destination_apic_intin;
};
_Static_assert(sizeof(struct interrupt) == 8, "4.3.4");

#define INTERRUPT_INT    0
#define INTERRUPT_NMI    1
#define INTERRUPT_EXTINT 3

/*
 * An input that a VMM drives is active when it is 1: so QEMU's ACPI tables and SeaBIOS have
 * it, and KVM's KVM_IRQ_LINE. PCI's own polarity would be low, and a KVM without
 * KVM_CAP_X86_IOAPIC_POLARITY_IGNORED would obey it.
 */
#define ACTIVE_HIGH     0x01
#define LEVEL_TRIGGERED 0x0c
#define CONFORMS        0x00 /* to the bus; edge and high for ISA */

/* A local APIC of this id does not exist: it means all of them. */
#define ALL_LOCAL_APICS 0xff

#define ISA_IRQS        16
#define ISA_TIMER_IRQ   0
#define ISA_CASCADE_IRQ 2

struct table {
	uint8_t *bytes;
	size_t room;
	size_t size;
	uint16_t entries;
	bool full;
};

static void put(struct table *table, const void *entry, size_t size)
{
	if (table->room - table->size < size) {
		table->full = true;
		return;
	}
	memcpy(table->bytes + table->size, entry, size);
	table->size += size;
	table->entries++;
}

/* Takes the lowest number out of a set; the set must not be empty. */
static uint8_t take_lowest(uint64_t *word)
{
	uint8_t bit = (uint8_t)__builtin_ctzl(*word);

	*word &= *word - 1;
	return bit;
}

static void put_processors(struct table *table, const struct mptable_machine *machine)
{
	struct processor processor = {
		.entry_type = ENTRY_PROCESSOR,
		.local_apic_version = machine->local_apic_version,
		.cpu_signature = le32_of(machine->cpu_signature),
		.feature_flags = le32_of(machine->feature_flags),
	};

	for (unsigned i = 0; i < 4; i++) {
		for (uint64_t word = machine->apic_ids[i]; word != 0;) {
			processor.local_apic_id = (uint8_t)(i * 64 + take_lowest(&word));
			processor.cpu_flags = CPU_ENABLED;
			if (processor.local_apic_id == machine->boot_processor)
				processor.cpu_flags |= CPU_BOOTSTRAP;
			put(table, &processor, sizeof(processor));
		}
	}
}

static void add_to_set(uint64_t set[4], uint8_t number)
{
	set[number / 64] |= 1ul << number % 64;
}

/* Sorted by number; ISA may have one in between (D.2). */
static void put_buses(struct table *table, const struct mptable_machine *machine)
{
	uint64_t set[4] = {0};

	if (machine->has_pci)
		add_to_set(set, 0);
	for (size_t i = 0; i < machine->pci_interrupt_count; i++)
		add_to_set(set, machine->pci_interrupts[i].bus);
	CHECK((set[machine->isa_bus / 64] >> machine->isa_bus % 64 & 1) == 0);
	add_to_set(set, machine->isa_bus);
	for (unsigned i = 0; i < 4; i++) {
		while (set[i] != 0) {
			struct bus bus = {ENTRY_BUS, (uint8_t)(i * 64 + take_lowest(&set[i])),
					  "PCI   "};
			if (bus.bus_id == machine->isa_bus)
				memcpy(bus.bus_type, "ISA   ", sizeof(bus.bus_type));
			put(table, &bus, sizeof(bus));
		}
	}
}

static void put_io_apic(struct table *table, const struct mptable_machine *machine)
{
	const struct io_apic io_apic = {
		.entry_type = ENTRY_IO_APIC,
		.io_apic_id = machine->io_apic_id,
		.io_apic_version = machine->io_apic_version,
		.io_apic_flags = IO_APIC_ENABLED,
		.io_apic_address = le32_of(machine->io_apic_address),
	};

	put(table, &io_apic, sizeof(io_apic));
}

static void put_pci_interrupts(struct table *table, const struct mptable_machine *machine)
{
	for (size_t i = 0; i < machine->pci_interrupt_count; i++) {
		const struct mptable_pci_interrupt *wire = &machine->pci_interrupts[i];
		const struct interrupt interrupt = {
			.entry_type = ENTRY_IO_INTERRUPT,
			.interrupt_type = INTERRUPT_INT,
			.flags = le16_of(ACTIVE_HIGH | LEVEL_TRIGGERED),
			.source_bus_id = wire->bus,
			/* D.3 */
			.source_bus_irq = (uint8_t)(wire->device << 2 | wire->pin),
			.destination_apic_id = machine->io_apic_id,
			.destination_apic_intin = wire->io_apic_pin,
		};
		put(table, &interrupt, sizeof(interrupt));
	}
}

static void put_isa_interrupts(struct table *table, const struct mptable_machine *machine)
{
	struct interrupt interrupt = {
		.entry_type = ENTRY_IO_INTERRUPT,
		.interrupt_type = INTERRUPT_INT,
		.flags = le16_of(CONFORMS),
		.source_bus_id = machine->isa_bus,
		.destination_apic_id = machine->io_apic_id,
	};

	for (uint8_t irq = 0; irq < ISA_IRQS; irq++) {
		if (irq == ISA_CASCADE_IRQ || (machine->pci_irqs >> irq & 1) != 0)
			continue;
		interrupt.source_bus_irq = irq;
		interrupt.destination_apic_intin = irq == ISA_TIMER_IRQ ? ISA_CASCADE_IRQ : irq;
		put(table, &interrupt, sizeof(interrupt));
	}
}

/* LINTIN0 has the 8259s, LINTIN1 the NMI, at every processor. */
static void put_local_interrupts(struct table *table, const struct mptable_machine *machine)
{
	struct interrupt interrupt = {
		.entry_type = ENTRY_LOCAL_INTERRUPT,
		.interrupt_type = INTERRUPT_EXTINT,
		.flags = le16_of(CONFORMS),
		.source_bus_id = machine->isa_bus,
		.destination_apic_id = ALL_LOCAL_APICS,
		.destination_apic_intin = 0,
	};

	put(table, &interrupt, sizeof(interrupt));
	interrupt.interrupt_type = INTERRUPT_NMI;
	interrupt.destination_apic_intin = 1;
	put(table, &interrupt, sizeof(interrupt));
}

enum status mptable_build(const struct mptable_machine *machine, void *buffer, size_t size,
			  size_t *ret_size)
{
	struct table table = {
		.bytes = buffer,
		.room = size,
		.size = sizeof(struct header),
	};

	/* ALL_LOCAL_APICS is no processor. */
	CHECK((machine->apic_ids[3] >> 63) == 0);
	if (size < sizeof(struct header) ||
	    machine->pci_interrupt_count > MPTABLE_PCI_INTERRUPTS_MAX)
		return STATUS_TOO_LARGE;
	put_processors(&table, machine);
	put_buses(&table, machine);
	put_io_apic(&table, machine);
	put_pci_interrupts(&table, machine);
	put_isa_interrupts(&table, machine);
	put_local_interrupts(&table, machine);
	if (table.full)
		return STATUS_TOO_LARGE;
	struct header header = {
		.signature = "PCMP",
		.base_table_length = le16_of((uint16_t)table.size),
		.spec_rev = SPEC_REV,
		.oem_id = "SLIPWAY ",
		.product_id = "VM          ",
		.entry_count = le16_of(table.entries),
		.address_of_local_apic = le32_of(LOCAL_APIC_ADDRESS),
	};
	memcpy(buffer, &header, sizeof(header));
	header.checksum = span_checksum(buffer, table.size);
	memcpy(buffer, &header, sizeof(header));
	*ret_size = table.size;
	return STATUS_OK;
}

void mptable_point_to(uint32_t address, uint8_t ret_pointer[MPTABLE_POINTER_SIZE])
{
	struct floating_pointer pointer = {
		.signature = "_MP_",
		.physical_address_pointer = le32_of(address),
		.length = sizeof(pointer) / 16,
		.spec_rev = SPEC_REV,
	};

	pointer.checksum = span_checksum(&pointer, sizeof(pointer));
	memcpy(ret_pointer, &pointer, sizeof(pointer));
}
