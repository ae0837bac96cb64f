/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_UNIT_MEASURED_H
#define TESTS_UNIT_MEASURED_H

#include <stddef.h>
#include <stdint.h>

#include "lib/span.h"
#include "tpm_model.h"

/* Boots of recorded machines that have the TPM of tpm_model.h, and a log that QEMU would read. */

#define MEASURED_LOG_SIZE 0x10000

/**
 * Gives a machine, whose files are all there, a log of @size bytes, which the loader script places
 * before everything else. Notes what the host's tables are.
 */
void measured_add_log(size_t size);

/** The same, but nobody places the log. */
void measured_add_log_file(size_t size);

/** After a boot: the memory that the script has placed the log in. */
struct span measured_log(void);
uint64_t measured_log_address(void);

/**
 * The log leads to the PCRs, and its events are those of the host's tables as they were delivered,
 * and of these; the kernel as it is measured.
 */
void measured_check(struct span kernel, struct span initrd, const char *cmdline);

/** The same of a log elsewhere. */
void measured_check_log(struct span room, struct span kernel, struct span initrd,
			const char *cmdline);

/** A file's item, or NULL. */
struct host_item *measured_file(const char *name);

#endif
