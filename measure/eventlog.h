/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MEASURE_EVENTLOG_H
#define MEASURE_EVENTLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/span.h"
#include "lib/status.h"
#include "measure/pcr.h"

/** Types of events (TCG PC Client Platform Firmware Profile 1.05, 10.4.1). */
enum event_type {
	EV_NO_ACTION = 0x3,
	EV_SEPARATOR = 0x4,
	EV_S_CRTM_VERSION = 0x8,
	EV_PLATFORM_CONFIG_FLAGS = 0xa,
	EV_IPL = 0xd,
};

/**
 * A crypto-agile event log (PC Client Platform Firmware Profile, 10.2.2 and 10.4.5): a first
 * event that names the banks, and an event with a digest for each bank for everything that a PCR
 * was extended with, in that order. It is written into memory whose size is the VMM's.
 */
struct eventlog {
	uint8_t *bytes;
	size_t room;
	size_t size; /**< bytes that are written */
	bool full;   /**< an event had no room; none follows it */
	struct pcr_banks banks;
};

/**
 * Begins a log in @room bytes at @bytes with its first event. STATUS_TOO_LARGE when that does not
 * fit; then nothing is written, and the log is full.
 */
MUST_CHECK enum status eventlog_begin(struct eventlog *log, void *bytes, size_t room,
				      const struct pcr_banks *banks);

/**
 * Adds an event, whole or not at all; its data are the text @label, without its end, and @data.
 * When it does not fit, the log is full, and stays so. An event that is missing is the last one,
 * and not one in between.
 */
void eventlog_add(struct eventlog *log, uint32_t pcr, enum event_type type,
		  const struct pcr_digests *digests, const char *label, struct span data);

#endif
