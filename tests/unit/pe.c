/* SPDX-License-Identifier: BSD-2-Clause */
#include "pe.h"

#include <stdlib.h>

#include "lib/checked.h"
#include "unit.h"

static void resize(struct pe_file *file, size_t size)
{
	file->bytes = realloc(file->bytes, size);
	assert_non_null(file->bytes);
	if (size > file->size)
		memset(file->bytes + file->size, 0, size - file->size);
	file->size = size;
}

struct pe_file pe_make(unsigned machine, unsigned room)
{
	struct pe_file file = {NULL, 0};

	resize(&file,
	       align_down(PE_TABLE + room * PE_ROW + PE_FILE_ALIGNMENT - 1, PE_FILE_ALIGNMENT));
	memcpy(file.bytes, "MZ", 2);
	put32(file.bytes + PE_LFANEW, PE_SIGNATURE);
	memcpy(file.bytes + PE_SIGNATURE, "PE\0\0", 4);
	put16(file.bytes + PE_MACHINE, (uint16_t)machine);
	put16(file.bytes + PE_OPTIONAL_SIZE, PE_TABLE - PE_MAGIC);
	put16(file.bytes + PE_MAGIC, 0x20b);
	put32(file.bytes + PE_DIRECTORY_COUNT, 16);
	return file;
}

void pe_free(struct pe_file *file)
{
	free(file->bytes);
	*file = (struct pe_file){NULL, 0};
}

size_t pe_add(struct pe_file *file, const char *name, const void *content, size_t size)
{
	size_t start = file->size;
	size_t raw_size = align_down(size + PE_FILE_ALIGNMENT - 1, PE_FILE_ALIGNMENT);
	unsigned count = get16(file->bytes + PE_SECTION_COUNT);
	size_t row = PE_TABLE + count * PE_ROW;

	resize(file, start + raw_size);
	memcpy(file->bytes + start, content, size);
	memcpy(file->bytes + row, name, strnlen(name, 8));
	put32(file->bytes + row + PE_VIRTUAL_SIZE, (uint32_t)size);
	put32(file->bytes + row + PE_RAW_SIZE, (uint32_t)raw_size);
	put32(file->bytes + row + PE_RAW, (uint32_t)start);
	put16(file->bytes + PE_SECTION_COUNT, (uint16_t)(count + 1));
	return row;
}

struct counted_file counted_make(const void *bytes, size_t size)
{
	struct counted_file file = {.bytes = malloc(size + (size == 0)), .size = size};

	assert_non_null(file.bytes);
	memcpy(file.bytes, bytes, size);
	return file;
}

void counted_free(struct counted_file *file)
{
	free(file->bytes);
	file->bytes = NULL;
}

static enum status read_counted(const struct blob *blob, uint64_t offset, uint64_t length,
				uint64_t to)
{
	struct counted_file *file = blob->source;

	/* What asks for more has lost count. */
	assert_true(fits(offset, length, file->size));
	file->reads++;
	file->bytes_read += length;
	if (file->change_at != 0 && file->reads >= file->change_at) {
		for (size_t i = file->change_from; i < file->size; i++)
			file->bytes[i] ^= 0xff;
	}
	memcpy((void *)(uintptr_t)to, file->bytes + offset, length);
	return STATUS_OK;
}

struct blob counted_blob(struct counted_file *file)
{
	return (struct blob){.size = file->size, .read = read_counted, .source = file};
}
