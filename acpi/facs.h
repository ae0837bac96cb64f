/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ACPI_FACS_H
#define ACPI_FACS_H

#include <stdint.h>

#include "lib/status.h"

/**
 * The firmware waking vector that an operating system left in the FACS before it
 * suspended to RAM: an address in the first MiB, to be entered in real mode (ACPI 6.5, 5.2.10).
 * The FACS is found from the RSDP at @rsdp through RSDT or XSDT and FADT; @map makes
 * memory accessible at its physical address, or returns NULL.
 *
 * STATUS_OUT_OF_RANGE when a table cannot be mapped, STATUS_BAD_FORMAT when it is none,
 * STATUS_NOT_FOUND without a FADT, a FACS or a vector.
 */
MUST_CHECK enum status acpi_find_waking_vector(uint64_t rsdp,
					       void *(*map)(uint64_t address, uint64_t length),
					       uint64_t *ret_vector, struct reason *why);

#endif
