/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "arch/host/host.h"
#include "lib/endian.h"

/* -- PCI configuration space: mechanism 1, and in memory ----------------------------- */

#define PCI_ADDRESS 0xcf8
#define PCI_DATA    0xcfc
#define PCI_LAST    0xcff
#define PCI_ENABLE  0x80000000u
#define PCI_SPACE   256
#define ECAM_SIZE   0x10000000ul
#define ECAM_OF_Q35 0xb0000000ul /* where it is put beside up to 2.75 GiB of RAM */

#define PCI_STATUS_LOW  0x06
#define PCI_BARS        0x10
#define PCI_BARS_SIZE   0x18
#define PCI_SECONDARY   0x19
#define PCI_SUBORDINATE 0x1a
#define PCI_CAPABILITY  0x34
#define PCI_BRIDGE      1

static uint32_t pci_address;

static bool is_bridge(const struct host_pci *pci)
{
	return (pci->space[0x0e] & 0x7f) == PCI_BRIDGE;
}

/* The bridge that @bus is behind, from @bridge down: those forward what is in their range. */
static bool find_pci_bus(struct host_pci *from, unsigned bus, struct host_pci **ret_bridge)
{
	for (;;) {
		struct host_pci *next = NULL;
		for (size_t i = 0; i < host.pci_functions && next == NULL; i++) {
			struct host_pci *pci = &host.pci[i];
			if (pci->bridge == from && is_bridge(pci) &&
			    pci->space[PCI_SECONDARY] != 0 && pci->space[PCI_SECONDARY] <= bus &&
			    pci->space[PCI_SUBORDINATE] >= bus)
				next = pci;
		}
		if (next == NULL)
			return false;
		if (next->space[PCI_SECONDARY] == bus) {
			*ret_bridge = next;
			return true;
		}
		from = next;
	}
}

static struct host_pci *find_pci(unsigned address)
{
	struct host_pci *bridge = NULL;
	bool is_behind = find_pci_bus(NULL, address >> 8, &bridge);

	for (size_t i = 0; i < host.pci_functions; i++) {
		struct host_pci *pci = &host.pci[i];
		if (pci->bridge == NULL ? pci->address == address
					: is_behind && pci->bridge == bridge &&
						  pci->address == (address & 0xff))
			return pci;
	}
	return NULL;
}

static uint32_t pci_space_read(unsigned address, unsigned offset, unsigned width)
{
	uint32_t value = 0;

	host.pci_accesses++;
	if (host.pci_read != NULL &&
	    host.pci_read((uint16_t)address, (uint8_t)(offset & 0xfc), &value))
		return value >> (offset & 3) * 8;
	const struct host_pci *pci = find_pci(address);
	if (pci == NULL || offset + width > PCI_SPACE)
		return 0xffffffffu;
	memcpy(&value, &pci->space[offset], width);
	return value;
}

static void pci_space_write(unsigned address, unsigned offset, unsigned width, uint32_t value)
{
	struct host_pci *pci = find_pci(address);

	host.pci_accesses++;
	if (pci == NULL || offset + width > PCI_SPACE)
		return;
	for (unsigned i = 0; i < width; i++, value >>= 8) {
		uint8_t *byte = &pci->space[offset + i];
		uint8_t writable = pci->writable[offset + i];
		*byte = (uint8_t)((*byte & ~writable) | (value & writable));
	}
}

static uint32_t pci_read(uint16_t port, unsigned width)
{
	if (port < PCI_DATA)
		return port == PCI_ADDRESS && width == 4 ? pci_address : 0xffffffffu;
	if ((pci_address & PCI_ENABLE) == 0 || port + width - 1 > PCI_LAST)
		return 0xffffffffu;
	return pci_space_read(pci_address >> 8 & 0xffff, (pci_address & 0xfc) + port - PCI_DATA,
			      width);
}

static void pci_write(uint16_t port, unsigned width, uint32_t value)
{
	if (port == PCI_ADDRESS && width == 4)
		pci_address = value;
	if (port < PCI_DATA || port + width - 1 > PCI_LAST || (pci_address & PCI_ENABLE) == 0)
		return;
	pci_space_write(pci_address >> 8 & 0xffff, (pci_address & 0xfc) + port - PCI_DATA, width,
			value);
}

void host_add_pci(void)
{
	const struct host_device device = {PCI_ADDRESS, PCI_LAST, pci_read, pci_write};

	pci_address = 0;
	host_add_device(&device);
}

static uint64_t ecam_read(uint64_t offset, unsigned width)
{
	return pci_space_read((unsigned)(offset >> 12), offset & 0xfff, width);
}

static void ecam_write(uint64_t offset, unsigned width, uint64_t value)
{
	pci_space_write((unsigned)(offset >> 12), offset & 0xfff, width, (uint32_t)value);
}

void host_add_ecam(uint64_t start)
{
	const struct host_mmio_device device = {start, ECAM_SIZE, ecam_read, ecam_write};

	host_add_mmio_device(&device);
}

static struct host_pci *add_pci(uint16_t address, uint32_t id)
{
	if (host.pci_functions == HOST_PCI_MAX)
		abort();
	struct host_pci *pci = &host.pci[host.pci_functions++];
	struct le32 identity = le32_of(id);

	memset(pci, 0, sizeof(*pci));
	pci->address = address;
	memcpy(pci->space, &identity, sizeof(identity));
	return pci;
}

uint8_t *host_add_pci_function(uint8_t bus, uint8_t device, uint8_t function, uint32_t id)
{
	struct host_pci *pci = add_pci((uint16_t)(bus << 8 | device << 3 | function), id);

	memset(pci->writable, 0xff, sizeof(pci->writable));
	memset(&pci->writable[PCI_BARS], 0, PCI_BARS_SIZE);
	return pci->space;
}

/* A device with more than function 0 says so in that. */
static void mark_multifunction(const struct host_pci *added)
{
	for (size_t i = 0; i < host.pci_functions; i++) {
		struct host_pci *pci = &host.pci[i];
		if ((added->address & 7) != 0 && pci->bridge == added->bridge &&
		    pci->address == (added->address & ~7u))
			pci->space[0x0e] |= 0x80;
	}
}

struct host_pci *host_add_pci_device(struct host_pci *bridge, uint8_t bus, uint8_t device,
				     uint8_t function, uint32_t id)
{
	unsigned number = bridge == NULL ? bus : 0;
	struct host_pci *pci =
		add_pci((uint16_t)(number << 8 | (device & 31u) << 3 | (function & 7u)), id);

	pci->bridge = bridge;
	pci->writable[0x04] = 0x47;
	pci->writable[0x05] = 0x05;
	pci->writable[0x3c] = 0xff;
	mark_multifunction(pci);
	return pci;
}

struct host_pci *host_add_pci_bridge(struct host_pci *bridge, uint8_t bus, uint8_t device,
				     uint8_t function, uint32_t id)
{
	struct host_pci *pci = host_add_pci_device(bridge, bus, device, function, id);

	pci->space[0x0a] = 0x04;
	pci->space[0x0b] = 0x06;
	pci->space[0x0e] |= PCI_BRIDGE;
	pci->space[0x1c] = pci->space[0x1d] = 0x01;
	pci->space[0x24] = pci->space[0x26] = 0x01;
	memset(&pci->writable[0x18], 0xff, 3);
	memset(&pci->writable[0x1c], 0xf0, 2);
	for (size_t i = 0x20; i < 0x28; i += 2) {
		pci->writable[i] = 0xf0;
		pci->writable[i + 1] = 0xff;
	}
	memset(&pci->writable[0x28], 0xff, 12);
	memset(&pci->writable[0x3e], 0xff, 2);
	return pci;
}

void host_set_pci_bar(struct host_pci *pci, unsigned bar, uint32_t flags, uint64_t size)
{
	bool is_io = (flags & 1) != 0;
	bool is_wide = (flags & 7) == 4;
	uint64_t mask = -size & (is_io ? ~3ul : ~15ul);
	struct le32 low = le32_of(flags);
	struct le64 wide = le64_of(mask);

	memcpy(&pci->space[PCI_BARS + 4 * bar], &low, sizeof(low));
	memcpy(&pci->writable[PCI_BARS + 4 * bar], &wide, is_wide ? 8 : 4);
}

void host_add_pci_capability(struct host_pci *pci, uint8_t offset, const void *bytes, size_t size)
{
	memcpy(&pci->space[offset], bytes, size);
	pci->space[offset + 1] = pci->space[PCI_CAPABILITY];
	pci->space[PCI_CAPABILITY] = offset;
	pci->space[PCI_STATUS_LOW] |= 0x10;
}

/* A host bridge as QEMU's are marked. */
static void add_host_bridge(uint32_t id)
{
	struct le32 subsystem = le32_of(0x11001af4);

	memcpy(host_add_pci_function(0, 0, 0, id) + 0x2c, &subsystem, sizeof(subsystem));
}

void host_add_i440fx(void)
{
	host_add_pci();
	add_host_bridge(0x12378086);
	host_add_pci_function(0, 1, 0, 0x70008086);
	host_add_pci_function(0, 1, 1, 0x70108086);
	host_add_pci_function(0, 1, 3, 0x71138086);
}

void host_add_bare_i440fx(void)
{
	host_add_pci();
	add_host_bridge(0x12378086);
}

void host_add_q35(void)
{
	host_add_pci();
	host_add_ecam(ECAM_OF_Q35);
	add_host_bridge(0x29c08086);
	host_add_pci_function(0, 31, 0, 0x29188086);
	host_add_pci_function(0, 31, 2, 0x29228086);
	host_add_pci_function(0, 31, 3, 0x29308086);
}

void host_add_bare_q35(void)
{
	host_add_pci();
	add_host_bridge(0x29c08086);
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
