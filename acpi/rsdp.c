/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "acpi/script.h"
#include "lib/span.h"

/* Root system description pointer: ACPI 6.5, table 5.3. */
#define RSDP_SIZE_REV2 36
#define RSDP_REVISION  15

/* In halves, since on microvm the image, which must not hold it, is where systems look for it. */
static bool has_signature(const uint8_t *bytes)
{
	return memcmp(bytes, "RSD ", 4) == 0 && memcmp(bytes + 4, "PTR ", 4) == 0;
}

bool acpi_is_rsdp(struct span bytes)
{
	return bytes.size >= ACPI_RSDP_SIZE && has_signature(bytes.bytes) &&
	       span_sum((struct span){bytes.bytes, ACPI_RSDP_SIZE}) == 0;
}

static bool is_rsdp(const struct acpi_file *file)
{
	if (!acpi_is_rsdp((struct span){file->bytes, file->size}))
		return false;
	return file->bytes[RSDP_REVISION] < 2 ||
	       (file->size >= RSDP_SIZE_REV2 &&
		span_sum((struct span){file->bytes, RSDP_SIZE_REV2}) == 0);
}

enum status acpi_find_rsdp(const struct acpi_files *files, uint64_t *ret_address)
{
	for (size_t i = 0; i < files->count; i++) {
		if (!is_rsdp(&files->file[i]))
			continue;
		*ret_address = files->file[i].address;
		return STATUS_OK;
	}
	return STATUS_NOT_FOUND;
}
