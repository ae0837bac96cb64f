/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MEASURE_TPM_H
#define MEASURE_TPM_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/status.h"
#include "measure/pcr.h"

/** Where a PC has the registers of its TPM (TCG PC Client Platform TPM Profile 1.05, 6.2). */
#define TPM_PC_REGISTERS 0xfed40000ul

/** Bytes of the registers of locality 0 (6.4.1, 6.5.2). */
#define TPM_REGISTERS_SIZE 0x1000

/**
 * A TPM 2.0 with a FIFO (TIS) or a CRB interface in memory (PC Client Platform TPM Profile, 6.5),
 * of which locality 0 is used. What it answers is a host's: waiting is bounded for each command
 * as a whole, and no answer is longer than our memory for it.
 *
 * The functions below give, besides what they say,
 *   STATUS_TIMEOUT      it does not answer within the bound,
 *   STATUS_BAD_FORMAT   the answer breaks its specification,
 *   STATUS_UNSUPPORTED  it refuses the command.
 */
struct tpm {
	uint64_t registers;
	bool crb;
	uint32_t rounds; /**< of waiting that are left for the command */
};

/** TPM_SU of TPM2_Startup (TPM 2.0 Library part 2, 6.10). */
enum tpm_startup {
	TPM_SU_CLEAR = 0, /**< as after a reset */
	TPM_SU_STATE = 1, /**< as it was when the system was suspended */
};

/**
 * Looks which interface the TPM has whose registers are at @registers. STATUS_NOT_FOUND when
 * there is none, STATUS_NO_MEMORY when they cannot be mapped.
 */
MUST_CHECK enum status tpm_find(uint64_t registers, struct tpm *ret_tpm);

/** Starts it; one that runs already is left alone. A TPM 1.2 refuses. */
MUST_CHECK enum status tpm_start(struct tpm *tpm, enum tpm_startup type);

/**
 * Which banks of PCRs are active. What would leave one of them without our measurements is an
 * error: an algorithm with digests of a size that we do not know is STATUS_BAD_FORMAT, and a
 * list that goes on in another answer STATUS_TOO_LARGE.
 */
MUST_CHECK enum status tpm_read_banks(struct tpm *tpm, struct pcr_banks *ret_banks);

/** Extends the PCR number @pcr of all of @banks, in one command. */
MUST_CHECK enum status tpm_extend(struct tpm *tpm, const struct pcr_banks *banks, uint32_t pcr,
				  const struct pcr_digests *digests);

#endif
