/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ACPI_SMBIOS_H
#define ACPI_SMBIOS_H

#include <stdint.h>

#include "lib/blob.h"
#include "lib/memmap.h"
#include "lib/status.h"

/** Room that an entry point takes: 31 bytes for version 2, 24 for version 3. */
#define SMBIOS_ENTRY_POINT_MAX 32

struct smbios_host {
	void *(*map)(uint64_t address, uint64_t length); /**< as in struct acpi_host */
	struct memmap *map_of_memory;                    /**< the table is allocated here, */
	enum memmap_type type;                           /**< as this */
	const char *version; /**< of the firmware, for the type 0 structure */
	const char *date;    /**< mm/dd/yyyy */
};

/**
 * Places the VMM's SMBIOS table, with a type 0 structure (BIOS information) of
 * ours in front when it has none and a handle is free, and computes the entry point that describes
 * it from the VMM's own, @anchor. The caller puts @ret_entry_point where the
 * system looks for it.
 *
 * Source: DMTF DSP0134 3.7, 5.2 (entry points), 6.1 (structures), 7.1 (type 0).
 * STATUS_BAD_FORMAT, STATUS_TOO_LARGE, STATUS_NO_MEMORY, and
 * the errors of reading the blobs.
 */
MUST_CHECK enum status smbios_place(const struct blob *anchor, const struct blob *table,
				    const struct smbios_host *host,
				    uint8_t ret_entry_point[SMBIOS_ENTRY_POINT_MAX],
				    struct reason *why);

#endif
