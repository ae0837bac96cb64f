/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCH_HOST_GUARD_H
#define ARCH_HOST_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Between the machine (host.c), the map of memory (claims.c) and the guard of the machine's
 * RAM (guard.c): no byte of it is written that nobody claimed.
 */

struct host_region {
	uint64_t start, size;
	uint8_t *bytes;
	bool in_place;
};

/** RAM number @index, or NULL. */
const struct host_region *host_region(size_t index);

/** What tests have opened is closed; from here on it is firmware and devices that write. */
void host_guard(void);

/** The same as host_claim(), until the map of memory begins anew. */
void host_claim_in_map(uint64_t start, uint64_t size);
/** All claims of the map of memory are over. */
void host_forget_map(void);

/** No claims and no RAM. What was written where it must not be is reported before. */
void host_reset_guard(void);

#endif
