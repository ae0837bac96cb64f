/* SPDX-License-Identifier: BSD-2-Clause */
#include "pci.h"

#include "arch/machine.h"

static const struct log warnings = {LOG_WARN, arch_console_write};

struct pci_machine pci_machine;
struct pci_tree pci_tree;

static _Alignas(16) uint8_t records[1 << 20];

void pci_begin(bool ecam)
{
	host_add_pci();
	host_add_ecam(ECAM);
	memset(&pci_machine, 0, sizeof(pci_machine));
	pci_machine.access.ecam = ecam ? ECAM : 0;
	pci_machine.interrupts = PCI_INTERRUPTS_ICH9;
	pci_machine.io[0] = (struct pci_range){0xc000, 0x10000};
	pci_machine.io[1] = (struct pci_range){0x1000, 0xc000};
	pci_machine.mem32[0] = (struct pci_range){0xc0000000, 0xfec00000};
	pci_machine.mem64 = (struct pci_range){32 * GIB, 1 * TIB};
}

void pci_run_in(size_t room)
{
	/* From the heap, so that ASan sees a step too far. */
	uint8_t *memory = test_malloc(room);

	assert_true(room <= sizeof(records));
	pci_scan(&pci_tree, &pci_machine, &warnings, memory, room);
	pci_assign(&pci_tree);
	pci_program(&pci_tree);
	/* The records stay readable, at the place where they are kept. */
	memcpy(records, memory, room);
	pci_tree.function = (struct pci_function *)records;
	pci_tree.request_end = (struct pci_request *)(records + room / 8 * 8);
	test_free(memory);
}

void pci_run(void)
{
	pci_run_in(sizeof(records));
}

struct host_pci *pci_add(struct host_pci *bridge, uint8_t device, uint32_t id)
{
	return host_add_pci_device(bridge, 0, device, 0, id);
}

struct host_pci *pci_add_bridge(struct host_pci *bridge, uint8_t device)
{
	return host_add_pci_bridge(bridge, 0, device, 0, ID_BRIDGE);
}

struct host_pci *pci_add_port(struct host_pci *bridge, uint8_t device, unsigned type, bool slot)
{
	const uint8_t express[4] = {0x10, 0, (uint8_t)(type << 4 | 2), slot ? 1 : 0};
	const uint8_t msi[4] = {0x05, 0, 0, 0};
	struct host_pci *port = host_add_pci_bridge(bridge, 0, device, 0, ID_ROOT_PORT);

	/* As QEMU resets them. */
	port->space[0x1c] = 0xf1;
	put16(&port->space[0x20], 0xfff0);
	put16(&port->space[0x24], 0xfff1);
	port->space[0x3d] = 1;
	host_add_pci_capability(port, 0x54, express, sizeof(express));
	host_add_pci_capability(port, 0x48, msi, sizeof(msi));
	return port;
}

void pci_add_hint(struct host_pci *bridge, const struct pci_hint *hint)
{
	uint8_t capability[32] = {0x09, 0, 32, 1};

	put32(&capability[4], hint->bus);
	put64(&capability[8], hint->io);
	put32(&capability[16], hint->memory);
	put32(&capability[20], hint->pref32);
	put64(&capability[24], hint->pref64);
	host_add_pci_capability(bridge, 0xb0, capability, sizeof(capability));
}

/* -- what devices have -------------------------------------------------------------- */

struct bar {
	bool is_there, is_wide;
	unsigned kind; /* PCI_IO or PCI_MEMORY; PCI_PREFETCHABLE when flagged so */
	uint64_t address, size;
};

static bool is_bridge(const struct host_pci *pci)
{
	return (pci->space[0x0e] & 0x7f) == 1;
}

static struct bar read_bar(const struct host_pci *pci, unsigned number)
{
	const uint8_t *space = &pci->space[0x10 + 4 * number];
	const uint8_t *writable = &pci->writable[0x10 + 4 * number];
	uint32_t value = get32(space);
	struct bar bar = {false, false, PCI_MEMORY, 0, 0};
	uint64_t mask = ~0ul << 32 | get32(writable);

	bar.is_there = get32(writable) != 0;
	bar.address = value & ~15u;
	if ((value & 1) != 0) {
		bar.kind = PCI_IO;
		bar.address = value & ~3u;
	} else if ((value & 6) == 4) {
		bar.is_wide = true;
		bar.is_there = get64(writable) != 0;
		mask = get64(writable);
		bar.address = get64(space) & ~15ul;
	}
	if ((value & 9) == 8)
		bar.kind = PCI_PREFETCHABLE;
	bar.size = -mask;
	return bar;
}

uint64_t pci_bar(const struct host_pci *pci, unsigned bar)
{
	return read_bar(pci, bar).address;
}

struct pci_range pci_window(const struct host_pci *bridge, unsigned kind)
{
	const uint8_t *space = bridge->space;
	struct pci_range window = {0, 0};
	uint64_t last = 0;

	switch (kind) {
	case PCI_IO:
		window.start = (uint64_t)(space[0x1c] & 0xf0) << 8;
		last = (uint64_t)(space[0x1d] & 0xf0) << 8 | 0xfff;
		break;
	case PCI_MEMORY:
		window.start = (uint64_t)(get16(&space[0x20]) & 0xfff0) << 16;
		last = (uint64_t)(get16(&space[0x22]) & 0xfff0) << 16 | 0xfffff;
		break;
	default:
		window.start = (uint64_t)(get16(&space[0x24]) & 0xfff0) << 16 |
			       (uint64_t)get32(&space[0x28]) << 32;
		last = (uint64_t)(get16(&space[0x26]) & 0xfff0) << 16 | 0xfffff |
		       (uint64_t)get32(&space[0x2c]) << 32;
		break;
	}
	if (window.start > last || (space[0x04] & (kind == PCI_IO ? 1 : 2)) == 0 ||
	    (kind == PCI_IO && bridge->writable[0x1c] == 0) ||
	    (kind == PCI_PREFETCHABLE && bridge->writable[0x24] == 0))
		return (struct pci_range){0, 0};
	window.end = last + 1;
	return window;
}

static bool contains(struct pci_range outer, struct pci_range inner)
{
	return outer.start <= inner.start && inner.end <= outer.end;
}

static bool is_in_roots(struct pci_range range, bool is_io)
{
	if (is_io)
		return contains(pci_machine.io[0], range) || contains(pci_machine.io[1], range);
	return contains(pci_machine.mem32[0], range) || contains(pci_machine.mem32[1], range) ||
	       contains(pci_machine.mem64, range);
}

#define CLAIMS_MAX 8192

struct claim {
	const struct host_pci *bridge;
	struct pci_range range;
	bool is_io;
};

static struct claim claims[CLAIMS_MAX];
static size_t claim_count;

/* @range is decoded on the bus below @bridge; @may_pref: the prefetchable window will do. */
static void claim(const struct host_pci *bridge, struct pci_range range, bool is_io, bool may_pref)
{
	if (range.start == range.end)
		return;
	assert_true(range.start < range.end);
	if (bridge == NULL) {
		assert_true(is_in_roots(range, is_io));
	} else {
		struct pci_range window = pci_window(bridge, is_io ? PCI_IO : PCI_MEMORY);
		struct pci_range pref = pci_window(bridge, PCI_PREFETCHABLE);
		assert_true(contains(window, range) || (may_pref && contains(pref, range)));
	}
	for (size_t i = 0; i < claim_count; i++) {
		if (claims[i].bridge == bridge && claims[i].is_io == is_io)
			assert_true(range.end <= claims[i].range.start ||
				    claims[i].range.end <= range.start);
	}
	assert_true(claim_count < CLAIMS_MAX);
	claims[claim_count++] = (struct claim){bridge, range, is_io};
}

static void check_bars(const struct host_pci *pci)
{
	for (unsigned number = 0; number < (is_bridge(pci) ? 2 : 6); number++) {
		struct bar bar = read_bar(pci, number);
		bool is_io = bar.kind == PCI_IO;
		number += bar.is_wide;
		if (!bar.is_there || (pci->space[0x04] & (is_io ? 1 : 2)) == 0)
			continue;
		/* A bridge decodes for its windows even when it has no room for its own. */
		if (is_bridge(pci) && bar.address == 0)
			continue;
		assert_int_not_equal(bar.address, 0);
		assert_int_equal(bar.address & (bar.size - 1), 0);
		assert_true(bar.is_wide || bar.address + bar.size <= 4 * GIB);
		claim(pci->bridge, (struct pci_range){bar.address, bar.address + bar.size}, is_io,
		      bar.kind == PCI_PREFETCHABLE);
	}
}

void pci_check(void)
{
	claim_count = 0;
	for (size_t i = 0; i < host.pci_functions; i++) {
		const struct host_pci *pci = &host.pci[i];
		check_bars(pci);
		if (!is_bridge(pci))
			continue;
		claim(pci->bridge, pci_window(pci, PCI_IO), true, false);
		claim(pci->bridge, pci_window(pci, PCI_MEMORY), false, false);
		claim(pci->bridge, pci_window(pci, PCI_PREFETCHABLE), false, true);
	}
}

size_t pci_said(const char *text)
{
	size_t count = 0;

	for (const char *at = host.console; (at = strstr(at, text)) != NULL; at++)
		count++;
	return count;
}
