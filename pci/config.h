/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PCI_CONFIG_H
#define PCI_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/status.h"

/** The address of a function: bus, device and function in 8, 5 and 3 bits, as PCI writes them. */
#define PCI_ADDRESS(bus, device, function) ((uint16_t)((bus)*256u + (device)*8u + (function)))
#define PCI_BUS(address)                   ((uint8_t)((address) >> 8))
#define PCI_DEVICE(address)                ((uint8_t)((address) >> 3 & 31u))
#define PCI_FUNCTION(address)              ((uint8_t)((address)&7u))

/** What a read gives where no device answers (PCI Local Bus 3.0, 6.1). */
#define PCI_NOTHING 0xffffffffu

/** The way to configuration space. */
struct pci_access {
	/**
	 * Physical address of bus 0 in memory (PCI Express 3.0, 7.2.2); 0: through ports 0xcf8
	 * and 0xcfc (PCI Local Bus 3.0, 3.2.2.3.2).
	 */
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
uint32_t pci_config_read(const struct pci_access *access, uint16_t address, uint8_t offset);
void pci_config_write(const struct pci_access *access, uint16_t address, uint8_t offset,
		      uint32_t value);

/** Writes, and returns what the register has then: one access more, for ports too. */
uint32_t pci_config_try(const struct pci_access *access, uint16_t address, uint8_t offset,
			uint32_t value);

#endif
