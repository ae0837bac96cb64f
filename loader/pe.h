/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LOADER_PE_H
#define LOADER_PE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/blob.h"
#include "lib/endian.h"
#include "lib/span.h"
#include "lib/status.h"

/*
 * The tables of a PE file: what parts it has. Source: Microsoft, "PE Format" ("PE" below).
 * Nothing of it is loaded or run.
 */

/** A row of the section table: PE, "Section Table (Section Headers)". */
struct pe_section {
	struct le64 Name; /**< text of up to 8 bytes, filled up with zeros */
	struct le32 VirtualSize;
	struct le32 VirtualAddress;
	struct le32 SizeOfRawData;
	struct le32 PointerToRawData;
	struct le32 PointerToRelocations;
	struct le32 PointerToLinenumbers;
	struct le16 NumberOfRelocations;
	struct le16 NumberOfLinenumbers;
	struct le32 Characteristics;
};
_Static_assert(sizeof(struct pe_section) == 40, "PE, Section Table");
_Static_assert(offsetof(struct pe_section, PointerToRawData) == 20, "PE, Section Table");

/** PE, "COFF File Header": what the Windows loader takes. */
#define PE_SECTIONS_MAX 96

/** Bytes from the start of a file that pe_is_pe() and pe_read() have to have. */
#define PE_HEAD_SIZE 64

/** A copy of a file's tables. Nothing in a section's row has been checked. */
struct pe {
	uint16_t machine;
	unsigned sections;
	uint64_t certificates_end; /**< end of the signatures' place in the file; 0: none */
	struct pe_section section[PE_SECTIONS_MAX];
};

/** Whether a file that starts with @head looks like a PE file. */
bool pe_is_pe(struct span head);

/**
 * Reads the tables into @pe, which a failure leaves undefined. @head is what the caller already
 * has of the start of @file; two reads at most get what is not in it.
 *
 * STATUS_TRUNCATED when a table ends behind the file, STATUS_BAD_FORMAT, STATUS_TOO_LARGE for
 * more than PE_SECTIONS_MAX sections, and the file's own errors.
 */
MUST_CHECK enum status pe_read(const struct blob *file, struct span head, struct pe *pe,
			       struct reason *why);

/** Where the last of all sections and signatures ends in the file, as the tables say. */
uint64_t pe_end(const struct pe *pe);

#endif
