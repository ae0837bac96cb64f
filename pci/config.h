/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PCI_CONFIG_H
#define PCI_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/status.h"

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

/** The way to configuration space. */
struct pci_access {
	/** Physical address of bus 0 in memory (PCI Express 3.0, 7.2.2); 0: through the ports. */
	uint64_t ecam;
};

/**
 * Makes a bus accessible. False when its part of ECAM, 1 MiB, cannot be mapped; through
 * the ports every bus is.
 */
MUST_CHECK bool pci_config_map(const struct pci_access *access, uint8_t bus);

/*
 * A register of 32 bits at @offset, a multiple of 4: one access to memory or two to
 * ports. There are no narrower ones, since neighbours of what enumeration writes take
 * the zeros (status bits are cleared by ones) or are known from an earlier read.
 */
uint32_t pci_config_read(const struct pci_access *access, struct pci_address address,
			 uint8_t offset);
void pci_config_write(const struct pci_access *access, struct pci_address address, uint8_t offset,
		      uint32_t value);

#endif
