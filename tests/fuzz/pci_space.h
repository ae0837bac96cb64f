/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_FUZZ_PCI_SPACE_H
#define TESTS_FUZZ_PCI_SPACE_H

#include <stdbool.h>

#include "fuzz.h"
#include "pci/config.h"

/*
 * A configuration space that the input describes, behind the seam. arch/host has one too,
 * whose lookup walks all functions: too slow for the trees that are wanted here.
 */

#define SPACE_ECAM      0xb0000000ul
#define SPACE_REGISTERS 16 /* of 32 bits, whose writes are kept */

struct space_device {
	uint8_t space[256];
	uint8_t writable[256]; /* bits */
	uint64_t lies;         /* registers of 32 bits that the input answers for */
	uint16_t behind;       /* number of the segment behind a bridge */
	uint16_t next_bridge;  /* on the same segment */
};

struct space {
	size_t accesses;
	/**
	 * Registers keep what is written to their writable bits, and those of bridges are as
	 * PCI has them: what devices hold in the end can be told from the records.
	 */
	bool is_honest;
	/** Devices that are not hostile are as QEMU's after a reset: struct pci_machine. */
	bool is_reset;
	unsigned ecam_buses; /**< so many can be mapped */
	/** The last values written to the first registers, and bits: which were written. */
	uint32_t written[65536][SPACE_REGISTERS];
	uint16_t was_written[65536];
};

extern struct space space;

/**
 * A new space. When @is_hostile, each read is answered by what is left of @input, over
 * and over if @is_endless and with ones after that otherwise. If not, what is left is a
 * program that builds a tree: see pci_space.c.
 */
void space_begin(struct input *input, bool is_hostile, bool is_endless);

/** From here on, nothing has been written. */
void space_forget_writes(void);

/** What answers at @address as bridges are programmed now, or NULL. */
const struct space_device *space_find(uint16_t address);

/** Whether @device is a PCI-to-PCI bridge by its header. */
static inline bool space_is_bridge(const struct space_device *device)
{
	return (device->space[0x0e] & 0x7f) == 1;
}

static inline uint32_t space_get32(const uint8_t *at)
{
	return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 |
	       (uint32_t)at[3] << 24;
}

#endif
