/* SPDX-License-Identifier: BSD-2-Clause */
#include "pci/config.h"

#include <stddef.h>

#include "arch/io.h"
#include "arch/memory.h"
#include "arch/port.h"

#define PORT_ADDRESS   0xcf8
#define PORT_DATA      0xcfc
#define ADDRESS_ENABLE 0x80000000u

#define ECAM_BUS_SIZE 0x100000u

static void select_register(struct pci_address address, uint8_t offset)
{
	arch_out32(PORT_ADDRESS, ADDRESS_ENABLE | (uint32_t)address.bus << 16 |
					 (uint32_t)(address.device & 31) << 11 |
					 (uint32_t)(address.function & 7) << 8 | (offset & 0xfcu));
}

uint32_t pci_read32(struct pci_address address, uint8_t offset)
{
	select_register(address, offset);
	return arch_in32(PORT_DATA);
}

void pci_write32(struct pci_address address, uint8_t offset, uint32_t value)
{
	select_register(address, offset);
	arch_out32(PORT_DATA, value);
}

void pci_write8(struct pci_address address, uint8_t offset, uint8_t value)
{
	select_register(address, offset);
	arch_out8((uint16_t)(PORT_DATA + (offset & 3)), value);
}

bool pci_config_map(const struct pci_access *access, uint8_t bus)
{
	return access->ecam == 0 || arch_map(access->ecam + (uint64_t)bus * ECAM_BUS_SIZE,
					     ECAM_BUS_SIZE, ARCH_MEMORY_DEVICE) != NULL;
}

static uint64_t ecam_register(const struct pci_access *access, struct pci_address address,
			      uint8_t offset)
{
	return access->ecam + ((uint32_t)address.bus << 20 | (uint32_t)(address.device & 31) << 15 |
			       (uint32_t)(address.function & 7) << 12 | (offset & 0xfcu));
}

uint32_t pci_config_read(const struct pci_access *access, struct pci_address address,
			 uint8_t offset)
{
	if (access->ecam == 0)
		return pci_read32(address, offset);
	return arch_mmio_read32(ecam_register(access, address, offset));
}

void pci_config_write(const struct pci_access *access, struct pci_address address, uint8_t offset,
		      uint32_t value)
{
	if (access->ecam == 0)
		pci_write32(address, offset, value);
	else
		arch_mmio_write32(ecam_register(access, address, offset), value);
}
