/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCH_MACHINE_H
#define ARCH_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/status.h"

/** Writes to every console that the machine has; looks for them at each call. */
void arch_console_write(const char *text, size_t length);

/**
 * Prints "slipway: FATAL <stage> <status>: <reason>" and ends the machine so that
 * a script can see it: isa-debug-exit with 1 where it exists, else a halt with
 * interrupts off. Called from boot/ and arch/ only.
 */
_Noreturn void arch_fatal(const char *stage, enum status status, const char *reason);

/** 64 random bits from the CPU's generator; false where it has none or it fails. */
MUST_CHECK bool arch_random(uint64_t *ret_value);

/**
 * Makes RAM cacheable and [@uncached_start, 4 GiB) uncacheable on all @cpus
 * processors (Intel SDM vol. 3, 12.11). The others are started for that, and
 * halted. Returns STATUS_TIMEOUT when some of them do not answer.
 */
MUST_CHECK enum status arch_set_memory_types(uint64_t uncached_start, unsigned cpus);

#endif
