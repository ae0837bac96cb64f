/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ACPI_SMBIOS_WIRE_H
#define ACPI_SMBIOS_WIRE_H

/* SMBIOS structures as DMTF DSP0134 has them; only acpi/smbios*.c need them. */

#include <stddef.h>
#include <stdint.h>

#include "lib/endian.h"

/* SMBIOS 3.0 (64-bit) entry point: DSP0134 5.2.2. */
struct entry_point_3 {
	char anchor[5];
	uint8_t checksum;
	uint8_t length;
	uint8_t major;
	uint8_t minor;
	uint8_t docrev;
	uint8_t revision;
	uint8_t reserved;
	struct le32 table_max_size;
	struct le64 table_address;
};
_Static_assert(sizeof(struct entry_point_3) == 24, "DSP0134 5.2.2");

/* Structure header: DSP0134 6.1.2. */
struct structure {
	uint8_t type;
	uint8_t length;
	struct le16 handle;
};

#define TYPE_BIOS_INFORMATION 0
#define TYPE_END              127

/* BIOS information: DSP0134 7.1. */
struct bios_information {
	struct structure header;
	uint8_t vendor;
	uint8_t version;
	struct le16 starting_segment;
	uint8_t release_date;
	uint8_t rom_size; /* 64 KiB * (value + 1) */
	struct le64 characteristics;
	uint8_t characteristics_extension[2];
	uint8_t major;
	uint8_t minor;
	uint8_t controller_major;
	uint8_t controller_minor;
};
_Static_assert(sizeof(struct bios_information) == 24, "DSP0134 7.1, version 2.4");

#define VENDOR "Slipway"

/* The same with its strings and the byte that ends them: what this firmware says of itself. */
struct type0 {
	struct bios_information information;
	char vendor[sizeof(VENDOR)];
	char version[sizeof(VERSION)];
	char date[sizeof(DATE)];
	char end;
};

/** Ours, with handle 0. */
const struct type0 *smbios_type0(void);

/** Fills in what depends on the place of the table, and the checksum. */
void smbios_finish_entry_point_3(struct entry_point_3 *entry_point, uint64_t address,
				 uint32_t size);

#endif
