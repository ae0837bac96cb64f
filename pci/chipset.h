/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PCI_CHIPSET_H
#define PCI_CHIPSET_H

#include <stdbool.h>
#include <stdint.h>

#include "pci/tree.h"

/** PCI interrupt lines A to D, and E to H on ICH9, to ISA interrupts: a byte each. */
#define CHIPSET_PIRQ_LINES    0x0b0b0a0au
#define CHIPSET_PIRQ_ISA_MASK 0x0c00u

#define CHIPSET_RCBA_SIZE 0x4000u
#define CHIPSET_PARTS_MAX 4

enum chipset_kind {
	CHIPSET_NONE,   /**< no host bridge answers at the configuration ports: microvm */
	CHIPSET_I440FX, /**< QEMU pc */
	CHIPSET_Q35,
	CHIPSET_OTHER,
};

struct chipset {
	enum chipset_kind kind;
	uint64_t ecam_start; /**< memory-mapped configuration space; 0 without one */
	uint64_t ecam_size;
	uint64_t rcba_start; /**< ICH9's register block of CHIPSET_RCBA_SIZE, or 0 */
	struct pci_known known[CHIPSET_PARTS_MAX]; /**< functions of it that are there */
	unsigned known_count;
};

/**
 * Does what the VMM's ACPI tables take for granted: RAM behind the BIOS area at
 * 0xc0000-0xfffff, ACPI power-management ports, legacy interrupts routed, with their triggers,
 * and masked, IDE and SMBus switched on, ECAM above @low_ram_end on q35. On a microvm it finds out
 * whether there is ECAM. To be called before the tables are read, since QEMU builds them from this.
 * @is_fresh: the host is QEMU, and nothing has run since its reset.
 */
void chipset_set_up(uint64_t low_ram_end, bool is_fresh, struct chipset *ret_chipset);

/**
 * Masks the legacy interrupts, as a kernel's own 16-bit setup does when it is entered
 * there. Without it, a firmware that ran before us leaves the timer running and the 8259s open, and
 * Linux does not touch them where ACPI is hardware-reduced: it would take the first
 * interrupt of the timer for a division by zero.
 */
void chipset_mask_interrupts(void);

#endif
