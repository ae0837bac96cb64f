/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_UNIT_PE_H
#define TESTS_UNIT_PE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/blob.h"

/* Where pe_make() puts things, and offsets of fields from there: PE Format. */
enum {
	PE_LFANEW = 0x3c,
	PE_SIGNATURE = 0x80,
	PE_MACHINE = PE_SIGNATURE + 4,
	PE_SECTION_COUNT = PE_SIGNATURE + 6,
	PE_OPTIONAL_SIZE = PE_SIGNATURE + 20,
	PE_MAGIC = PE_SIGNATURE + 24,
	PE_DIRECTORY_COUNT = PE_MAGIC + 108,
	PE_CERTIFICATES = PE_MAGIC + 112 + 4 * 8,
	PE_TABLE = PE_MAGIC + 0xf0,

	PE_ROW = 40,
	PE_VIRTUAL_SIZE = 8,
	PE_RAW_SIZE = 16,
	PE_RAW = 20,

	PE_FILE_ALIGNMENT = 0x200,
};

#define PE_X86_64  0x8664
#define PE_AARCH64 0xaa64

/** A PE file of our own making, on the heap. */
struct pe_file {
	uint8_t *bytes;
	size_t size;
};

/** PE32+ without sections, with room for @room of them. */
struct pe_file pe_make(unsigned machine, unsigned room);
void pe_free(struct pe_file *file);

/** Appends a section, padded to PE_FILE_ALIGNMENT. Gives the offset of its row in the table. */
size_t pe_add(struct pe_file *file, const char *name, const void *content, size_t size);

/**
 * A copy of bytes, of their exact size so that ASan sees one too many, as a file that
 * counts its reads. In front of read number @change_at, if that is not 0, the host
 * changes all bytes from @change_from on.
 */
struct counted_file {
	uint8_t *bytes;
	size_t size;
	unsigned reads;
	uint64_t bytes_read;
	unsigned change_at;
	size_t change_from;
};

struct counted_file counted_make(const void *bytes, size_t size);
void counted_free(struct counted_file *file);
struct blob counted_blob(struct counted_file *file);

#endif
