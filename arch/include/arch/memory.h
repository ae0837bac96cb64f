/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCH_MEMORY_H
#define ARCH_MEMORY_H

#include <stdbool.h>
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
 * Returns the pointer, or NULL when the range is empty or wraps, touches page 0 or a
 * guard page of a stack, lies above what the CPU can address, or no page-table
 * memory is left; on AArch64 also when a part is mapped as the other kind.
 */
MUST_CHECK void *arch_map(uint64_t address, uint64_t length, enum arch_memory memory);

/** No address from here on can be mapped. */
uint64_t arch_map_end(void);

/**
 * x86: copies @length bytes that a loader left at the physical address @address, which
 * may be in page 0: that is mapped for the moment of copying only. False when the
 * range is empty, wraps, starts at 0, cannot be mapped, or touches our work area,
 * which has overwritten it.
 */
MUST_CHECK bool arch_peek(uint64_t address, uint64_t length, void *to);

/**
 * x86: ARCH_KEPT_SIZE bytes of the work area, which an earlier boot may have left there for a
 * resume from S3.
 */
#define ARCH_KEPT_SIZE 0x1000
void *arch_kept(void);

/** Ranges of RAM that belong to the running firmware. */
struct arch_range {
	uint64_t start;
	uint64_t size;
};

/** Stack, page tables and what else the CPU reads: on x86 at a fixed place below 1 MiB. */
struct arch_range arch_work_area(void);

/** x86: where the image says that a VMM may put a hash table (measure/hashes.h). */
struct arch_range arch_hash_block(void);

/** Where our image runs: in ROM, or in RAM where a VMM loaded it as a kernel. */
struct arch_range arch_image(void);

#endif
