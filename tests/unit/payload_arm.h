/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_UNIT_PAYLOAD_ARM_H
#define TESTS_UNIT_PAYLOAD_ARM_H

#include "machine_arm.h"

/* What whole boots on AArch64 are given. */

#define CMDLINE "console=ttyAMA0 quiet"

extern struct arm_kernel kernel;
extern uint8_t initrd[5000];
/** The first words of arch_random(), of which the kernel gets seeds. */
extern uint8_t cpu_kaslr_seed[8], cpu_rng_seed[32];
/** What the kernel gets of these, and nothing else. */
extern struct arm_expected expected;

/** Makes them anew for a test, with a kernel of 300000 bytes. */
int payload_setup(void **state);
/** The same with a kernel of 20000 bytes. */
int payload_setup_small(void **state);
/** Gives back what they took. */
int payload_teardown(void **state);

/** They are files of opt/org.slipway. */
void payload_add(void);

#endif
