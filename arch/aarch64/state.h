/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCH_AARCH64_STATE_H
#define ARCH_AARCH64_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "arch/aarch64/layout.h"
#include "arch/machine.h"

/**
 * What the compiler and the vectors look up, at WORK_STATE: the image has no
 * writable globals; everything that is not this is on the stack. SP_EL0, of
 * which EL1 and EL2 have no other use, holds its address.
 */
struct arch_state {
	uint64_t canary; /**< where -mstack-protector-guard-reg=sp_el0 looks */
	uint64_t image;  /**< physical address of the running image */
	uint64_t work;   /**< of the work area */
	uint64_t next_table;
	uint64_t map_end;    /**< first address that cannot be mapped */
	uint64_t no_execute; /**< bits of a descriptor, which differ between EL1 and EL2 */
	uint64_t common;
	struct arch_console console;
	enum arch_psci psci;
	unsigned dying; /**< steps of arch_fatal() that were begun */
};
_Static_assert(sizeof(struct arch_state) <= WORK_STATE_SIZE, "layout.h");
_Static_assert(offsetof(struct arch_state, canary) == 0, "-mstack-protector-guard-offset=0");

static inline struct arch_state *arch_state(void)
{
	struct arch_state *state;

	__asm__("mrs %0, sp_el0" : "=r"(state));
	return state;
}

#endif
