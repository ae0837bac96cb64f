/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_UNIT_PAYLOAD_H
#define TESTS_UNIT_PAYLOAD_H

#include "kernel.h"

/* What whole boots on x86_64 are given. */

#define CMDLINE "console=ttyS0 quiet"

extern struct kernel kernel;
extern uint8_t initrd[5000];

/** Makes them anew for a test, and gives back what that took. */
int payload_setup(void **state);
int payload_teardown(void **state);

/** They are files of opt/org.slipway. */
void payload_add(void);

#endif
