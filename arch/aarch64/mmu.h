/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCH_AARCH64_MMU_H
#define ARCH_AARCH64_MMU_H

#include <stdint.h>

/** What entry.S writes to the registers of its exception level. */
struct mmu_registers {
	uint64_t mair;
	uint64_t tcr;
	uint64_t ttbr0;
	uint64_t sctlr;
	uint64_t tables_end; /**< first byte behind the tables in use */
};

/** SCTLR with MMU and caches off, for the exception level that we are at. */
uint64_t mmu_sctlr_off(void);

/**
 * Fills struct arch_state and the translation tables: an identity map of the image, read-only,
 * its code alone executable, and of the work area. Called with the MMU off, so that
 * this file is compiled without unaligned accesses, and nothing guards its stack.
 */
void mmu_build(uint64_t image, uint64_t work, struct mmu_registers *ret_registers);

#endif
