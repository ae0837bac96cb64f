/* SPDX-License-Identifier: BSD-2-Clause */
#include "machine.h"

#include <stdlib.h>

#include "unit.h"

/* Of an entry of the directory, with which each file of a recording begins. */
#define ENTRY_SIZE 64

void machine_add_recording(const char *name)
{
	size_t size;
	char path[64] = "fwcfg/";
	uint8_t *bytes = unit_data(strncat(path, name, 50), &size);

	for (size_t at = 0; at < size;) {
		assert_true(size - at >= ENTRY_SIZE + 4);
		const uint8_t *entry = bytes + at;
		uint32_t file_size = __builtin_bswap32(get32(entry));
		uint32_t stored = __builtin_bswap32(get32(entry + ENTRY_SIZE));
		const char *file_name = (const char *)entry + 8;
		at += ENTRY_SIZE + 4;
		assert_true(stored <= file_size && size - at >= stored);
		uint8_t *content = calloc(1, file_size + 1);
		assert_non_null(content);
		memcpy(content, bytes + at, stored);
		struct host_item *item = host_fwcfg_file(file_name, content, file_size);
		item->writable = strcmp(file_name, "etc/vmgenid_addr") == 0;
		free(content);
		at += stored;
	}
	free(bytes);
}
