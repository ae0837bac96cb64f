/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ACPI_SMBIOS_H
#define ACPI_SMBIOS_H

#include <stddef.h>
#include <stdint.h>

#include "lib/blob.h"
#include "lib/memmap.h"
#include "lib/span.h"
#include "lib/status.h"

/** Room that an entry point takes: 31 bytes for version 2, 24 for version 3. */
#define SMBIOS_ENTRY_POINT_MAX 32

struct smbios_host {
	void *(*map)(uint64_t address, uint64_t length); /**< as in struct acpi_host */
	struct memmap *map_of_memory;                    /**< the table is allocated here, */
	enum memmap_type type;                           /**< as this */
	/** Is shown both as they were delivered; NULL: nobody wants to know. */
	void (*delivered)(void *context, struct span anchor, struct span table);
	void *context;
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

/** Room for what smbios_make() writes. */
#define SMBIOS_MADE_MAX 512

/** What a table tells when nobody supplied one. */
struct smbios_facts {
	uint8_t uuid[16];      /**< in the byte order of RFC 4122; zeros: not set */
	uint64_t processor_id; /**< CPUID.1:EAX, and EDX in the upper half; 0: not known */
	uint16_t processors;   /**< at least 1 */

	/** Memory in ascending order; on a PC, below and above 4 GiB. */
	struct {
		uint64_t start;
		uint64_t end; /**< first byte after it; the second may be empty: start */
	} memory[2];
};

/**
 * Makes a table of version 3.0 that will lie at @address, from little more than a
 * constant, and its entry point: firmware, system, chassis, one socket with all processors as its
 * cores, one memory device. Returns its size.
 *
 * Source: DMTF DSP0134 3.7, 5.2.2, 6.2 (required structures), chapter 7.
 */
size_t smbios_make(const struct smbios_facts *facts, uint64_t address,
		   uint8_t ret_table[SMBIOS_MADE_MAX],
		   uint8_t ret_entry_point[SMBIOS_ENTRY_POINT_MAX]);

#endif
