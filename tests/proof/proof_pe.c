/* SPDX-License-Identifier: BSD-2-Clause */
#include "file.h"

#include "loader/pe.c"

/**
 * pe_read() writes only into its tables, reads three times at most and only inside of the file, and
 * takes no more sections than there is room for.
 * Bound: files of any size and contents, which may change between two reads.
 */
PROOF(pe_read, 5)
{
	struct pe pe;
	const struct blob file = any_file();
	size_t length = any_up_to(PE_HEAD_SIZE);
	const struct span head = {any_bytes(length), length};
	struct reason why;

	enum status status = pe_read(&file, head, &pe, &why);
	PROVE(file_reads <= 3);
	if (status != STATUS_OK) {
		REACHED("a refusal");
		return;
	}
	REACHED("tables");
	PROVE(pe.sections <= PE_SECTIONS_MAX);
	PROVE(pe.certificates_end <= 2ul * UINT32_MAX);
	PROVE(pe.sections * sizeof(pe.section[0]) <= file.size);
}

/**
 * pe_is_pe() reads nothing behind a head.
 * Bound: heads of 0 to 64 bytes.
 */
PROOF(pe_is_pe, 1)
{
	size_t length = any_up_to(PE_HEAD_SIZE);
	const struct span head = {any_bytes(length), length};

	if (pe_is_pe(head)) {
		REACHED("a PE file");
		PROVE(length == PE_HEAD_SIZE);
	}
}

/**
 * pe_end() gives an end that no section and no signature is behind.
 * Bound: tables of 0 to 3 sections, and any contents.
 */
PROOF(pe_end, 5)
{
	struct pe pe;
	unsigned i = any_byte();

	pe.sections = (unsigned)any_up_to(3);
	pe.certificates_end = any_up_to(2ul * UINT32_MAX);
	for (unsigned at = 0; at < 3; at++) {
		pe.section[at].PointerToRawData = le32_of(any_u32());
		pe.section[at].SizeOfRawData = le32_of(any_u32());
	}
	uint64_t end = pe_end(&pe);
	REACHED("an end");
	PROVE(end >= pe.certificates_end);
	if (i < pe.sections)
		PROVE(end >= (uint64_t)le32_get(pe.section[i].PointerToRawData) +
				     le32_get(pe.section[i].SizeOfRawData));
}
