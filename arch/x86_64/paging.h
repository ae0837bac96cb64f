/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCH_X86_64_PAGING_H
#define ARCH_X86_64_PAGING_H

#include <stdbool.h>

#include "arch/memory.h"

/*
 * The page tables that the kernel is entered with are ours, opened: what is named
 * here becomes identity-mapped read-write-execute, once CR3 is loaded again.
 */

/** Opens the first 2 MiB. */
void paging_open_low(void);

/**
 * Opens @range. False when it is empty or wraps, no table memory is left, the
 * CPU cannot address it, or it comes close to the ROM.
 */
MUST_CHECK bool paging_open(struct arch_range range);

#endif
