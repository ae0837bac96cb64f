/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PCI_CONFIG_H
#define PCI_CONFIG_H

#include <stdint.h>

/** Bus, device and function as PCI writes them: 8, 5 and 3 bits. */
struct pci_address {
	uint8_t bus;
	uint8_t device;
	uint8_t function;
};

/** What a read gives where no device answers (PCI Local Bus 3.0, 6.1). */
#define PCI_NOTHING 0xffffffffu

/* Configuration space through ports 0xcf8 and 0xcfc (PCI Local Bus 3.0, 3.2.2.3.2). */
uint32_t pci_read32(struct pci_address address, uint8_t offset);
void pci_write32(struct pci_address address, uint8_t offset, uint32_t value);
void pci_write8(struct pci_address address, uint8_t offset, uint8_t value);

#endif
