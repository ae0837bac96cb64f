/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MEASURE_TPM_H
#define MEASURE_TPM_H

#include <stdint.h>

#include "lib/status.h"

/** TPM_SU of TPM2_Startup (TPM 2.0 Library part 2, 6.10). */
enum tpm_startup {
	TPM_SU_CLEAR = 0, /**< as after a reset */
	TPM_SU_STATE = 1, /**< as it was when the system was suspended */
};

/**
 * Starts the TPM 2.0 whose registers are where a PC has them, at 0xfed40000, with a FIFO (TIS)
 * or a CRB interface (TCG PC Client Platform TPM Profile 1.05, 6.5). One that runs already is
 * left alone.
 *
 * STATUS_NOT_FOUND when there is none, STATUS_TIMEOUT when it does not answer within the
 * bound, STATUS_UNSUPPORTED when it refuses the command (a TPM 1.2 does), STATUS_NO_MEMORY
 * when it cannot be mapped.
 */
MUST_CHECK enum status tpm_startup(enum tpm_startup type);

#endif
