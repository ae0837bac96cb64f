/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_UNIT_TPM_MODEL_H
#define TESTS_UNIT_TPM_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/span.h"
#include "measure/pcr.h"

/*
 * A TPM 2.0 of a whole machine: it starts, tells its banks and extends their PCRs, and holds every
 * command against its format (TPM 2.0 Library, part 3). How the interfaces behave when they are
 * used wrongly is test_tpm.c's.
 */

/** How it fails from a command on. */
enum tpm_model_fault {
	TPM_MODEL_ERROR,   /**< TPM_RC_FAILURE */
	TPM_MODEL_SILENCE, /**< it never has an answer */
	TPM_MODEL_GARBAGE, /**< what it answers is none */
	TPM_MODEL_FAULTS,
};

#define TPM_MODEL_STARTS_MAX 4

struct tpm_model {
	bool crb;               /**< else a FIFO */
	struct pcr_banks banks; /**< those that are active */
	uint16_t inactive;      /**< the algorithm of one that is listed, and is not; 0: none */
	uint32_t code[2];       /**< what TPM2_Startup answers, by TPM_SU; 0: it starts */
	unsigned fail_from;     /**< the number of the first command that fails, from 1; 0: none */
	enum tpm_model_fault fault;

	/* What has happened. */
	unsigned commands;
	unsigned starts;
	uint8_t started[TPM_MODEL_STARTS_MAX]; /**< TPM_SU, in their order */
	unsigned extends;
	uint8_t pcr[PCR_BANKS_MAX][PCR_COUNT][PCR_DIGEST_SIZE_MAX];
	uint64_t accesses;
};
extern struct tpm_model tpm_model;

/** Adds it to the machine, with the banks of SHA-256 and SHA-384, after a power-on. */
void tpm_model_add(uint64_t registers, bool crb);

/** Sets its banks: @count algorithms. */
void tpm_model_set_banks(const uint16_t *algorithms, size_t count);

/** The reset that comes before each TPM2_Startup; the PCRs are kept for TPM_SU_STATE. */
void tpm_model_reset(void);

/** Extends @pcr of @bank by @digest, as the TPM does it. */
void tpm_model_extend(struct pcr_bank bank, uint8_t *pcr, const uint8_t *digest);

/** Of each bank's PCR number @pcr: nothing has extended it. */
bool tpm_model_is_untouched(unsigned pcr);

#define TPM_LOG_EVENTS_MAX 64

/** An event log, taken apart: PC Client Platform Firmware Profile, 10.2.2. */
struct tpm_log {
	size_t size; /**< bytes up to the end of the last event */
	size_t count;
	struct tpm_event {
		uint32_t pcr, type;
		const uint8_t *digest[PCR_BANKS_MAX]; /**< in the order of the model's banks */
		struct span data;
	} event[TPM_LOG_EVENTS_MAX];
};

/**
 * Reads the log in @room: its first event has the model's banks, the others a digest of each, and
 * what follows the last is zeros.
 */
void tpm_log_read(struct span room, struct tpm_log *ret_log);

/** What the log says leads from zeros to the PCRs that the model has. */
void tpm_log_check(const struct tpm_log *log);

/** The event's digests are of @bytes, and stand-ins in banks that we do not compute. */
void tpm_event_check(const struct tpm_event *event, struct span bytes);

#endif
