/* SPDX-License-Identifier: BSD-2-Clause */
#include "acpi/smbios.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "acpi/smbios_wire.h"
#include "lib/check.h"
#include "lib/checked.h"
#include "lib/endian.h"
#include "lib/span.h"

/* SMBIOS 2.1 (32-bit) entry point: DSP0134 5.2.1. */
struct entry_point_2 {
	char anchor[4];
	uint8_t checksum;
	uint8_t length;
	uint8_t major;
	uint8_t minor;
	struct le16 max_structure_size;
	uint8_t revision;
	uint8_t formatted_area[5];
	char intermediate_anchor[5];
	uint8_t intermediate_checksum;
	struct le16 table_length;
	struct le32 table_address;
	struct le16 structures;
	uint8_t bcd_revision;
};
_Static_assert(sizeof(struct entry_point_2) == 31, "DSP0134 5.2.1");

/* Handles from here on are reserved: DSP0134 6.1.2. */
#define HANDLES 0xff00

/* Every table seen is below 64 KiB, the limit of version 2. */
#define TABLE_SIZE_MAX 0x100000

/*
 * The signatures of entry points, in the image but not at a multiple of 16 bytes: on a microvm a
 * scan for them sees the image, too (rulings 2).
 */
static const struct {
	char shift;
	char three[5];
	char two[4];
	char two_more[5];
} signatures __attribute__((aligned(16))) = {'\0', "_SM3_", "_SM_", "_DMI_"};

struct survey {
	bool has_type0;
	uint16_t free_handle; /* one above all that may be used; HANDLES if there is none */
	uint16_t structures;
	uint16_t largest;
};

/* End of the structure at @at: after the two zero bytes that end its strings. */
static bool structure_end(struct span table, size_t at, size_t length, size_t *ret_end)
{
	if (!fits(at, length, table.size))
		return false;
	const uint8_t *end = table.bytes + at + length;
	const uint8_t *const table_end = table.bytes + table.size;
	for (; table_end - end >= 2; end++) {
		uint16_t both;
		memcpy(&both, end, sizeof(both));
		if (both == 0) {
			*ret_end = (size_t)(end - table.bytes) + sizeof(both);
			return true;
		}
	}
	return false;
}

static enum status survey_table(struct span table, struct survey *ret_survey, struct reason *why)
{
	struct survey survey = {false, 0, 0, 0};
	struct structure header;
	size_t end;

	for (size_t at = 0; at < table.size; at = end) {
		if (!span_read(table, at, sizeof(header), &header) ||
		    header.length < sizeof(header) ||
		    !structure_end(table, at, header.length, &end))
			return refuse(why, STATUS_BAD_FORMAT,
				      "the SMBIOS structure at offset 0x%lx has no end", at);
		if (end - at > UINT16_MAX || survey.structures == UINT16_MAX)
			return refuse(why, STATUS_TOO_LARGE, "the SMBIOS table is too large");
		survey.structures++;
		if (end - at > survey.largest)
			survey.largest = (uint16_t)(end - at);
		uint16_t handle = le16_get(header.handle);
		if (handle < HANDLES && handle >= survey.free_handle)
			survey.free_handle = (uint16_t)(handle + 1);
		if (header.type == TYPE_BIOS_INFORMATION)
			survey.has_type0 = true;
		if (header.type == TYPE_END)
			break;
	}
	*ret_survey = survey;
	return STATUS_OK;
}

void smbios_finish_entry_point_3(struct entry_point_3 *entry_point, uint64_t address, uint32_t size)
{
	entry_point->table_max_size = le32_of(size);
	entry_point->table_address = le64_of(address);
	entry_point->checksum = 0;
	entry_point->checksum = span_checksum(entry_point, sizeof(*entry_point));
}

static enum status finish_entry_point(uint8_t *bytes, uint64_t bytes_size, uint64_t address,
				      uint64_t size, const struct survey *survey,
				      struct reason *why)
{
	struct entry_point_2 two;
	struct entry_point_3 three;

	memcpy(&two, bytes, sizeof(two));
	memcpy(&three, bytes, sizeof(three));
	if (memcmp(three.anchor, signatures.three, sizeof(three.anchor)) == 0) {
		three.length = sizeof(three);
		smbios_finish_entry_point_3(&three, address, (uint32_t)size);
		memcpy(bytes, &three, sizeof(three));
		return STATUS_OK;
	}
	if (bytes_size < sizeof(two) ||
	    memcmp(two.anchor, signatures.two, sizeof(two.anchor)) != 0 ||
	    memcmp(two.intermediate_anchor, signatures.two_more, sizeof(two.intermediate_anchor)) !=
		    0)
		return refuse(why, STATUS_BAD_FORMAT,
			      "the SMBIOS entry point of %lu bytes has no signature", bytes_size);
	if (size > UINT16_MAX)
		return refuse(why, STATUS_TOO_LARGE, "%lu bytes are too many for SMBIOS 2", size);
	two.table_length = le16_of((uint16_t)size);
	two.table_address = le32_of((uint32_t)address);
	two.structures = le16_of(survey->structures);
	two.max_structure_size = le16_of(survey->largest);
	two.length = sizeof(two);
	two.intermediate_checksum = 0;
	two.intermediate_checksum =
		span_checksum(&two.intermediate_anchor,
			      sizeof(two) - offsetof(struct entry_point_2, intermediate_anchor));
	two.checksum = 0;
	two.checksum = span_checksum(&two, sizeof(two));
	memcpy(bytes, &two, sizeof(two));
	return STATUS_OK;
}

enum status smbios_place(const struct blob *anchor, const struct blob *table,
			 const struct smbios_host *host,
			 uint8_t ret_entry_point[SMBIOS_ENTRY_POINT_MAX], struct reason *why)
{
	uint8_t entry_point[SMBIOS_ENTRY_POINT_MAX] = {0};
	struct survey survey;
	uint64_t room, address;

	if (anchor->size < sizeof(struct entry_point_3) || anchor->size > sizeof(entry_point))
		return refuse(why, STATUS_BAD_FORMAT, "the SMBIOS entry point has %lu bytes",
			      anchor->size);
	if (table->size == 0)
		return refuse(why, STATUS_BAD_FORMAT, "the SMBIOS table is empty");
	if (table->size > TABLE_SIZE_MAX)
		return refuse(why, STATUS_TOO_LARGE, "the SMBIOS table has %lu bytes", table->size);
	CHECK(checked_align_up(sizeof(struct type0) + table->size, PAGE_SIZE, &room));
	const struct memmap_request request = {
		.size = room,
		.alignment = PAGE_SIZE,
		.min = 0x100000,
		.max = MEMMAP_4G,
		.top_down = true,
		.type = host->type,
	};
	enum status status = memmap_alloc(host->map_of_memory, &request, &address);
	if (status != STATUS_OK)
		return refuse(why, status, "no memory for the SMBIOS table");
	/* The table ends where the room ends, so that ours fits in front of it. */
	uint64_t theirs = address + room - table->size;
	status = blob_read(anchor, 0, anchor->size, entry_point);
	if (status == STATUS_OK)
		status = table->read(table, 0, table->size, theirs);
	if (status != STATUS_OK)
		return refuse(why, status, "the SMBIOS table cannot be read");
	uint8_t *bytes = host->map(address, room);
	if (bytes == NULL)
		return refuse(why, STATUS_NO_MEMORY, "the SMBIOS table cannot be mapped");
	bytes += room - table->size;
	const struct span delivered = {bytes, table->size};
	if (host->delivered != NULL)
		host->delivered(host->context, (struct span){entry_point, anchor->size}, delivered);
	status = survey_table(delivered, &survey, why);
	if (status != STATUS_OK)
		return status;
	uint64_t size = table->size;
	if (!survey.has_type0 && survey.free_handle < HANDLES && survey.structures < UINT16_MAX) {
		struct type0 type0 = *smbios_type0();
		type0.information.header.handle = le16_of(survey.free_handle);
		memcpy(bytes - sizeof(type0), &type0, sizeof(type0));
		theirs -= sizeof(type0);
		size += sizeof(type0);
		survey.structures++;
		if (sizeof(type0) > survey.largest)
			survey.largest = sizeof(type0);
	}
	status = finish_entry_point(entry_point, anchor->size, theirs, size, &survey, why);
	if (status == STATUS_OK)
		memcpy(ret_entry_point, entry_point, sizeof(entry_point));
	return status;
}
