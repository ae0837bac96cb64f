/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "arch/host/host.h"
#include "lib/endian.h"

/* -- PCI configuration space, mechanism 1 ---------------------------------------- */

#define PCI_ADDRESS 0xcf8
#define PCI_DATA    0xcfc
#define PCI_LAST    0xcff
#define PCI_ENABLE  0x80000000u

static uint32_t pci_address;

static uint8_t *pci_register(uint16_t port)
{
	if ((pci_address & PCI_ENABLE) == 0)
		return NULL;
	for (size_t i = 0; i < host.pci_functions; i++) {
		if (host.pci[i].address == (pci_address >> 8 & 0xffff))
			return &host.pci[i].space[(pci_address & 0xfc) + (port - PCI_DATA)];
	}
	return NULL;
}

static uint32_t pci_read(uint16_t port, unsigned width)
{
	uint32_t value = 0;

	if (port < PCI_DATA)
		return port == PCI_ADDRESS && width == 4 ? pci_address : 0xffffffffu;
	const uint8_t *from = pci_register(port);
	if (from == NULL || port + width - 1 > PCI_LAST)
		return 0xffffffffu;
	memcpy(&value, from, width);
	return value;
}

static void pci_write(uint16_t port, unsigned width, uint32_t value)
{
	if (port == PCI_ADDRESS && width == 4)
		pci_address = value;
	if (port < PCI_DATA || port + width - 1 > PCI_LAST)
		return;
	uint8_t *to = pci_register(port);
	if (to != NULL)
		memcpy(to, &value, width);
}

void host_add_pci(void)
{
	const struct host_device device = {PCI_ADDRESS, PCI_LAST, pci_read, pci_write};

	pci_address = 0;
	host_add_device(&device);
}

uint8_t *host_add_pci_function(uint8_t bus, uint8_t device, uint8_t function, uint32_t id)
{
	if (host.pci_functions == HOST_PCI_MAX)
		abort();
	size_t at = host.pci_functions++;
	struct le32 identity = le32_of(id);

	host.pci[at].address = (uint16_t)(bus << 8 | device << 3 | function);
	memcpy(host.pci[at].space, &identity, sizeof(identity));
	return host.pci[at].space;
}

void host_add_i440fx(void)
{
	host_add_pci();
	host_add_pci_function(0, 0, 0, 0x12378086);
	host_add_pci_function(0, 1, 0, 0x70008086);
	host_add_pci_function(0, 1, 3, 0x71138086);
}

void host_add_q35(void)
{
	host_add_pci();
	host_add_pci_function(0, 0, 0, 0x29c08086);
	host_add_pci_function(0, 31, 0, 0x29188086);
}

/* -- CMOS ------------------------------------------------------------------------ */

#define CMOS_INDEX 0x70
#define CMOS_DATA  0x71

static uint8_t cmos_index;

static uint32_t cmos_read(uint16_t port, unsigned width)
{
	return port == CMOS_DATA && width == 1 ? host.cmos[cmos_index] : 0xffffffffu;
}

/* The top bit of the index is the NMI mask. */
static void cmos_write(uint16_t port, unsigned width, uint32_t value)
{
	if (width != 1)
		return;
	if (port == CMOS_INDEX)
		cmos_index = value & 0x7f;
	else
		host.cmos[cmos_index] = (uint8_t)value;
}

void host_add_cmos(void)
{
	const struct host_device device = {CMOS_INDEX, CMOS_DATA, cmos_read, cmos_write};

	host_add_device(&device);
}

/* -- isa-debug-exit -------------------------------------------------------------- */

#define DEBUG_EXIT 0xf4

static void debug_exit_write(uint16_t port, unsigned width, uint32_t value)
{
	(void)port;
	(void)width;
	host.exit_value = value;
	host_leave(HOST_EXIT);
}

void host_add_debug_exit(void)
{
	const struct host_device device = {DEBUG_EXIT, DEBUG_EXIT, NULL, debug_exit_write};

	host_add_device(&device);
}
