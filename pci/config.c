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

static void select_register(uint16_t address, uint8_t offset)
{
	arch_out32(PORT_ADDRESS, ADDRESS_ENABLE | (uint32_t)address << 8 | (offset & 0xfcu));
}

static uint64_t ecam_register(const struct pci_access *access, uint16_t address, uint8_t offset)
{
	return access->ecam + ((uint32_t)address << 12 | (offset & 0xfcu));
}

bool pci_config_map(const struct pci_access *access, uint8_t bus)
{
	return access->ecam == 0 || arch_map(access->ecam + (uint64_t)bus * ECAM_BUS_SIZE,
					     ECAM_BUS_SIZE, ARCH_MEMORY_DEVICE) != NULL;
}

uint32_t pci_config_read(const struct pci_access *access, uint16_t address, uint8_t offset)
{
	if (access->ecam != 0)
		return arch_mmio_read32(ecam_register(access, address, offset));
	select_register(address, offset);
	return arch_in32(PORT_DATA);
}

void pci_config_write(const struct pci_access *access, uint16_t address, uint8_t offset,
		      uint32_t value)
{
	if (access->ecam != 0) {
		arch_mmio_write32(ecam_register(access, address, offset), value);
		return;
	}
	select_register(address, offset);
	arch_out32(PORT_DATA, value);
}

uint32_t pci_config_try(const struct pci_access *access, uint16_t address, uint8_t offset,
			uint32_t value)
{
	pci_config_write(access, address, offset, value);
	if (access->ecam != 0)
		return arch_mmio_read32(ecam_register(access, address, offset));
	/* It is still selected. */
	return arch_in32(PORT_DATA);
}
