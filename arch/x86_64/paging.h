/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCH_X86_64_PAGING_H
#define ARCH_X86_64_PAGING_H

#include <stdbool.h>

#include "arch/memory.h"

/**
 * Turns the page tables into those the kernel is entered with: the first 2 MiB and
 * @range identity-mapped read-write-execute. False when no table memory is left
 * or the CPU cannot address the range. The change takes effect when CR3 is loaded.
 */
MUST_CHECK bool paging_open(struct arch_range range);

#endif
