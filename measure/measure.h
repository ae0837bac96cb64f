/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MEASURE_MEASURE_H
#define MEASURE_MEASURE_H

#include <stdbool.h>

#include "lib/span.h"
#include "lib/status.h"
#include "measure/eventlog.h"
#include "measure/pcr.h"
#include "measure/sha2.h"

/*
 * What a boot is measured as: which events there are, of what bytes, in which PCR. The firmware
 * and tools/slipway-measure share it, so that the tool says what the firmware does. How to verify
 * it is in docs/measured-boot.md.
 */

/** The version of the firmware, and the end of what is the platform's. */
#define MEASURE_PCR_VERSION 0
/** What the host describes its machine with: ACPI tables, SMBIOS. */
#define MEASURE_PCR_TABLES 1
/** As GRUB has it: the command line, */
#define MEASURE_PCR_CMDLINE 8
/** and each file that it boots. */
#define MEASURE_PCR_FILES 9
#define MEASURE_PCR_LAST  MEASURE_PCR_FILES
/** PCRs from 0 up to here are the platform's, and are closed by a separator. */
#define MEASURE_PCR_LAST_PLATFORM 7

/** A boot that is measured. */
struct measure {
	/**
	 * Extends a PCR of all of log.banks. What fails it ends the measurement: nothing that comes
	 * later can be told by the PCRs.
	 */
	enum status (*extend)(struct measure *measure, uint32_t pcr,
			      const struct pcr_digests *digests);
	void *context; /**< of extend() */
	enum sha2_engine engine;
	struct eventlog log;
};

/*
 * Each of the functions below extends PCRs, and then adds what it has extended to the log. They
 * give what extend() does when that fails. When the log is full, they extend all the same: then
 * log.full is set, and the log does not lead to the PCRs any more.
 */

/** The first event: which firmware this is. EV_S_CRTM_VERSION, in PCR 0. */
MUST_CHECK enum status measure_version(struct measure *measure);

/**
 * A table or file of the host's, as it was delivered, by the name that it has there.
 * EV_PLATFORM_CONFIG_FLAGS, in PCR 1.
 */
MUST_CHECK enum status measure_table(struct measure *measure, const char *name, struct span table);

/** How the platform's part ends. */
enum measure_end {
	MEASURE_OK = 0,
	MEASURE_FAILED = 1, /**< what runs has not been measured */
};

/**
 * EV_SEPARATOR in PCRs 0 to 7: from here on it is about what is booted. Of MEASURE_FAILED in all
 * PCRs that a boot is measured into, so that none of them can be made to tell of another one.
 */
MUST_CHECK enum status measure_separators(struct measure *measure, enum measure_end end);

/** A kernel in one piece or two, as files have them: setup code, and what follows that. */
struct measure_kernel {
	struct span piece[2];
	bool is_bzimage; /**< is normalised: measure/kernel.h */
};

/**
 * The kernel, EV_IPL in PCR 9. Of a bzImage @kernel has the bytes up to the end that its header
 * states, without what a VMM has put behind that.
 */
MUST_CHECK enum status measure_kernel(struct measure *measure, const struct measure_kernel *kernel);

/** The initrd, EV_IPL in PCR 9; without one, nothing at all is what is measured. */
MUST_CHECK enum status measure_initrd(struct measure *measure, struct span initrd);

/**
 * The command line, of which @cmdline has the terminator too, EV_IPL in PCR 8. In the log
 * "kernel_cmdline: " stands before it.
 */
MUST_CHECK enum status measure_cmdline(struct measure *measure, struct span cmdline);

#endif
