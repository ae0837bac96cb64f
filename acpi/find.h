/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ACPI_FIND_H
#define ACPI_FIND_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/status.h"

/*
 * What tables say that lie in memory already. They are found from the RSDP through RSDT or XSDT;
 * @map makes memory accessible at its physical address, or returns NULL.
 */

/**
 * The firmware waking vector that an operating system left in the FACS before it
 * suspended to RAM: an address in the first MiB, to be entered in real mode (ACPI 6.5, 5.2.10).
 * The FACS is found through the FADT.
 *
 * STATUS_OUT_OF_RANGE when a table cannot be mapped, STATUS_BAD_FORMAT when it is none,
 * STATUS_NOT_FOUND without a FADT, a FACS or a vector.
 */
MUST_CHECK enum status acpi_find_waking_vector(uint64_t rsdp,
					       void *(*map)(uint64_t address, uint64_t length),
					       uint64_t *ret_vector, struct reason *why);

/**
 * Whether there is a TPM2 table (TCG ACPI Specification 1.4, 8), which says that a TPM 2.0 has its
 * registers at @registers: as a FIFO, whose place it does not tell, or as a CRB.
 */
bool acpi_has_tpm(uint64_t rsdp, void *(*map)(uint64_t address, uint64_t length),
		  uint64_t registers);

#endif
