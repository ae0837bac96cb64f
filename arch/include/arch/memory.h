/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCH_MEMORY_H
#define ARCH_MEMORY_H

#include <stdint.h>

#include "lib/status.h"

/** What is behind an address, which decides how it is cached. */
enum arch_memory {
	ARCH_MEMORY_RAM,
	ARCH_MEMORY_DEVICE,
};

/**
 * Makes [address, address + length) readable and writable, never executable, at
 * its physical address. What is not asked for stays unmapped, and memory of our
 * own image keeps its rights.
 *
 * Returns the pointer, or NULL when the range is empty, wraps, lies above what the CPU can
 * address, or no page-table memory is left.
 */
MUST_CHECK void *arch_map(uint64_t address, uint64_t length, enum arch_memory memory);

/** Ranges of RAM that belong to the running firmware. */
struct arch_range {
	uint64_t start;
	uint64_t size;
};

/** Stack, page tables and descriptor tables: RAM below 1 MiB, at a fixed place. */
struct arch_range arch_work_area(void);

/** Where our image runs: in ROM below 4 GiB, or in RAM after a PVH load. */
struct arch_range arch_image(void);

#endif
