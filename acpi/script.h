/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ACPI_SCRIPT_H
#define ACPI_SCRIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/blob.h"
#include "lib/log.h"
#include "lib/memmap.h"
#include "lib/name.h"
#include "lib/span.h"
#include "lib/status.h"

/*
 * The table-loader script: the VMM's instructions for placing its ACPI tables
 * and linking them to each other. Source: QEMU hw/acpi/bios-linker-loader.c.
 */

#define ACPI_FILES_MAX 32

/** A file that the script had placed in memory. */
struct acpi_file {
	struct name name;
	struct name_extent extent; /**< of the name */
	uint64_t address;
	uint8_t *bytes; /**< the same place, mapped */
	uint64_t size;
};

#define ACPI_WRITES_MAX 16

/** A pointer that the script had written into a file of the VMM's. */
struct acpi_write {
	struct name file;
	uint32_t offset;
	uint32_t size; /**< bytes: 1, 2, 4 or 8 */
	uint64_t pointer;
};

struct acpi_writes {
	size_t count;
	struct acpi_write write[ACPI_WRITES_MAX]; /**< the first ones */
};

/** What a script has done. */
struct acpi_files {
	size_t count;
	struct acpi_file file[ACPI_FILES_MAX];
	struct acpi_writes writes;
};

/** What the interpreter needs from its caller. */
struct acpi_host {
	/** Finds a file that the VMM offers; false when there is none. */
	bool (*find)(void *context, const struct name *name, struct blob *ret_blob);
	/** Is shown each file that is placed, before it is changed; NULL: nobody wants to know. */
	void (*delivered)(void *context, const char *name, struct span content);
	void *context;
	/** Makes memory accessible at its physical address; NULL on failure. */
	void *(*map)(uint64_t address, uint64_t length);
	struct memmap *map_of_memory; /**< where tables are allocated, */
	enum memmap_type type;        /**< as this */
	/** Memory in the BIOS area for the RSDP, not part of the map; empty if unusable. */
	uint64_t low_start;
	uint64_t low_end;
	const struct log *log;
};

/**
 * Runs the script @script. On success @files lists what was placed. Unknown
 * commands, and pointers that the VMM will not take back, are skipped with a
 * warning; everything else that does not fit its file is refused:
 * STATUS_TRUNCATED, STATUS_BAD_FORMAT, STATUS_NOT_FOUND, STATUS_OUT_OF_RANGE,
 * STATUS_TOO_LARGE, STATUS_NO_MEMORY, and the errors of reading the files.
 */
MUST_CHECK enum status acpi_run_script(const struct blob *script, const struct acpi_host *host,
				       struct acpi_files *files, struct reason *why);

/**
 * Writes the pointers again, after a reset that made the VMM forget them but not the guest's
 * memory. Of @host find, context and log are used. What cannot be written is skipped with a
 * warning, since the system that resumes can do without.
 */
void acpi_repeat_writes(const struct acpi_writes *writes, const struct acpi_host *host);

/** Size of the oldest RSDP; a newer one is longer. */
#define ACPI_RSDP_SIZE 20

/** Whether @bytes start with an RSDP's signature and sum up (ACPI 6.5, 5.2.5.3). */
bool acpi_is_rsdp(struct span bytes);

/**
 * Finds a valid RSDP (ACPI 6.5, 5.2.5.3) at the start of one of the files.
 * STATUS_NOT_FOUND when there is none.
 */
MUST_CHECK enum status acpi_find_rsdp(const struct acpi_files *files, uint64_t *ret_address);

#endif
