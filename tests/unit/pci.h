/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_UNIT_PCI_H
#define TESTS_UNIT_PCI_H

#include "unit.h"

#include "pci/tree.h"

#define ECAM 0xb0000000ul

#define BAR_IO     0x1u
#define BAR_32     0x0u
#define BAR_32PREF 0x8u
#define BAR_64     0x4u
#define BAR_64PREF 0xcu

#define ID_ROOT_PORT 0x000c1b36u
#define ID_BRIDGE    0x00011b36u
#define ID_DEVICE    0x10411af4u

/** What a test works on; the machine is a q35 until the test changes it. */
extern struct pci_machine pci_machine;
extern struct pci_tree pci_tree;

/** A q35 without devices, with ECAM or the ports alone. */
void pci_begin(bool ecam);

/** The three steps, with @room bytes for records. */
void pci_run_in(size_t room);
void pci_run(void);

struct host_pci *pci_add(struct host_pci *bridge, uint8_t device, uint32_t id);
struct host_pci *pci_add_bridge(struct host_pci *bridge, uint8_t device);
/** A PCI Express port of a type (4: root, 5: upstream, 6: downstream, 7: bridge to PCI). */
struct host_pci *pci_add_port(struct host_pci *bridge, uint8_t device, unsigned type, bool slot);

/** All ones in what is not given. */
struct pci_hint {
	uint32_t bus;
	uint64_t io;
	uint32_t memory, pref32;
	uint64_t pref64;
};
#define HINT_NONE                                                                                  \
	{                                                                                          \
		0xffffffff, ~0ul, 0xffffffff, 0xffffffff, ~0ul                                     \
	}
void pci_add_hint(struct host_pci *bridge, const struct pci_hint *hint);

/** The address in a BAR, 0 when it has none. */
uint64_t pci_bar(const struct host_pci *pci, unsigned bar);
/** The window of a bridge, by enum pci_kind; empty when closed or not decoded. */
struct pci_range pci_window(const struct host_pci *bridge, unsigned kind);

/**
 * Looks at what the devices now have: all that is decoded is aligned, disjoint, in the
 * window of its bridge and in the ranges of the machine.
 */
void pci_check(void);

/** How often @text is on the console. */
size_t pci_said(const char *text);

#endif
