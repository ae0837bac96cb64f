/* SPDX-License-Identifier: BSD-2-Clause */
#include "loader/pe.h"

#include <string.h>

#include "lib/checked.h"

/* Where the offset of the signature is: PE, "MS-DOS Stub". */
#define E_LFANEW 0x3c

/* PE, "Optional Header (Image Only)": of 32 and of 64 bits. */
#define MAGIC_PE32      0x10b
#define MAGIC_PE32_PLUS 0x20b

/* PE, "Optional Header Data Directories": "Certificate Table". */
#define CERTIFICATES 4

/* For certificates the address is an offset in the file. */
struct directory {
	struct le32 VirtualAddress;
	struct le32 Size;
};

/* PE, "Signature", "COFF File Header" and "Optional Header" of PE32+. */
struct header {
	char signature[4];
	struct le16 Machine;
	struct le16 NumberOfSections;
	struct le32 TimeDateStamp;
	struct le32 PointerToSymbolTable;
	struct le32 NumberOfSymbols;
	struct le16 SizeOfOptionalHeader;
	struct le16 Characteristics;
	struct le16 Magic;
	uint8_t fields[106];
	struct le32 NumberOfRvaAndSizes;
	struct directory directory[CERTIFICATES + 1];
};
#define OPTIONAL offsetof(struct header, Magic)
_Static_assert(OPTIONAL == 24, "PE, COFF File Header");
_Static_assert(offsetof(struct header, directory) - OPTIONAL == 112, "PE, Optional Header");

bool pe_is_pe(struct span head)
{
	return head.size >= PE_HEAD_SIZE && head.bytes[0] == 'M' && head.bytes[1] == 'Z';
}

/* From @head what is in it, and else from the file. */
static enum status read(const struct blob *file, struct span head, uint64_t offset, size_t length,
			void *to, struct reason *why)
{
	if (!fits(offset, length, file->size))
		return refuse(why, STATUS_TRUNCATED,
			      "PE headers of 0x%lx bytes at 0x%lx are not in the file's 0x%lx",
			      length, offset, file->size);
	if (span_read(head, offset, length, to))
		return STATUS_OK;
	enum status status = blob_read(file, offset, length, to);
	if (status != STATUS_OK)
		return refuse(why, status, "the PE headers cannot be read");
	return STATUS_OK;
}

/* Those of 32-bit kernels are not looked for: no firmware asks for them. */
static uint64_t certificates_end(const struct header *header)
{
	const struct directory *directory = &header->directory[CERTIFICATES];

	if (le16_get(header->Magic) != MAGIC_PE32_PLUS ||
	    le16_get(header->SizeOfOptionalHeader) < sizeof(*header) - OPTIONAL ||
	    le32_get(header->NumberOfRvaAndSizes) <= CERTIFICATES)
		return 0;
	return (uint64_t)le32_get(directory->VirtualAddress) + le32_get(directory->Size);
}

enum status pe_read(const struct blob *file, struct span head, struct pe *pe, struct reason *why)
{
	struct header header;
	struct le32 e_lfanew;

	enum status status = read(file, head, E_LFANEW, sizeof(e_lfanew), &e_lfanew, why);
	if (status != STATUS_OK)
		return status;
	uint64_t at = le32_get(e_lfanew);
	/* Sections have to follow, so that a header that is shorter reaches as far. */
	status = read(file, head, at, sizeof(header), &header, why);
	if (status != STATUS_OK)
		return status;
	unsigned magic = le16_get(header.Magic);
	if (memcmp(header.signature, "PE\0", sizeof(header.signature)) != 0 ||
	    (magic != MAGIC_PE32 && magic != MAGIC_PE32_PLUS))
		return refuse(why, STATUS_BAD_FORMAT, "there is no PE header at 0x%lx", at);
	pe->machine = le16_get(header.Machine);
	pe->sections = le16_get(header.NumberOfSections);
	if (pe->sections > PE_SECTIONS_MAX)
		return refuse(why, STATUS_TOO_LARGE, "the PE file has %u sections", pe->sections);
	pe->certificates_end = certificates_end(&header);
	return read(file, head, at + OPTIONAL + le16_get(header.SizeOfOptionalHeader),
		    pe->sections * sizeof(pe->section[0]), pe->section, why);
}

uint64_t pe_end(const struct pe *pe)
{
	uint64_t last = pe->certificates_end;

	for (unsigned i = 0; i < pe->sections; i++) {
		const struct pe_section *section = &pe->section[i];
		uint64_t end = (uint64_t)le32_get(section->PointerToRawData) +
			       le32_get(section->SizeOfRawData);
		if (end > last)
			last = end;
	}
	return last;
}
