/* SPDX-License-Identifier: BSD-2-Clause */
#include "pci/config.h"

#include "arch/port.h"

#define PORT_ADDRESS   0xcf8
#define PORT_DATA      0xcfc
#define ADDRESS_ENABLE 0x80000000u

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
