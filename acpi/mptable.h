/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ACPI_MPTABLE_H
#define ACPI_MPTABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/status.h"

#define MPTABLE_POINTER_SIZE 16

/**
 * PCI interrupts of a table: a 32-bit Linux panics at the 256th interrupt, and 15 are ISA's.
 * What is behind a bridge can be left out: Linux finds it by itself, with a warning.
 */
#define MPTABLE_PCI_INTERRUPTS_MAX 240

/** Each has an ID of 8 bits, and 255 means all of them. */
#define MPTABLE_PROCESSORS_MAX 255

/** Wiring of INTA# to INTD# of a PCI device. */
struct mptable_pci_interrupt {
	uint8_t bus;
	uint8_t device;
	uint8_t pin; /**< 0: INTA#, to 3: INTD# */
	uint8_t io_apic_pin;
};

/** What the table tells of a machine with one I/O APIC. */
struct mptable_machine {
	uint64_t apic_ids[4]; /**< bit n % 64 of word n / 64: processor with local APIC id n */
	uint8_t boot_processor;
	uint8_t local_apic_version;
	uint32_t cpu_signature; /**< CPUID.1:EAX */
	uint32_t feature_flags; /**< CPUID.1:EDX */

	uint8_t io_apic_id;
	uint8_t io_apic_version;
	uint32_t io_apic_address;

	bool has_pci;      /**< there is a PCI bus 0 */
	uint8_t isa_bus;   /**< id for the ISA bus: a number that no PCI bus has */
	uint16_t pci_irqs; /**< bit n: pin n of the I/O APIC is PCI's, not ISA's IRQ n */
	size_t pci_interrupt_count;
	const struct mptable_pci_interrupt *pci_interrupts; /**< each pin of a device once */
};

/**
 * Builds an MP configuration table in @buffer: processors, a PCI bus for each that
 * @machine has an interrupt of, the ISA bus, the I/O APIC and how interrupts are wired. IRQ 0
 * is at pin 2 of the I/O APIC, as on every PC; ISA's other IRQs are at the pins of their numbers.
 *
 * Source: Intel MultiProcessor Specification 1.4, 4.2 and 4.3, appendix D.
 * STATUS_TOO_LARGE when the table does not fit into @size bytes, or has more than
 * MPTABLE_PCI_INTERRUPTS_MAX PCI interrupts.
 */
MUST_CHECK enum status mptable_build(const struct mptable_machine *machine, void *buffer,
				     size_t size, size_t *ret_size);

/**
 * Makes the MP floating pointer structure, which a system looks for at
 * multiples of 16 (4.1), for a table at @address.
 */
void mptable_point_to(uint32_t address, uint8_t ret_pointer[MPTABLE_POINTER_SIZE]);

#endif
