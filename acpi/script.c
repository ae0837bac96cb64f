/* SPDX-License-Identifier: BSD-2-Clause */
#include "acpi/script.h"

#include <string.h>

#include "lib/attributes.h"
#include "lib/checked.h"
#include "lib/endian.h"
#include "lib/span.h"

/* QEMU hw/acpi/bios-linker-loader.c, BiosLinkerLoaderEntry. */
enum command {
	COMMAND_PADDING = 0,
	COMMAND_ALLOCATE = 1,
	COMMAND_ADD_POINTER = 2,
	COMMAND_ADD_CHECKSUM = 3,
	COMMAND_WRITE_POINTER = 4,
};

enum zone {
	ZONE_HIGH = 1, /* anywhere below 4 GiB */
	ZONE_FSEG = 2, /* where a scan for the RSDP looks */
};

struct command_allocate {
	struct name file;
	struct le32 alignment;
	uint8_t zone;
};

struct command_add_pointer {
	struct name dest;
	struct name src;
	struct le32 offset;
	uint8_t size;
};

struct command_add_checksum {
	struct name file;
	struct le32 offset;
	struct le32 start;
	struct le32 length;
};

struct command_write_pointer {
	struct name dest;
	struct name src;
	struct le32 dest_offset;
	struct le32 src_offset;
	uint8_t size;
};

struct entry {
	struct le32 command;
	union {
		struct command_allocate allocate;
		struct command_add_pointer add_pointer;
		struct command_add_checksum add_checksum;
		struct command_write_pointer write_pointer;
		uint8_t bytes[124];
	};
};
_Static_assert(sizeof(struct entry) == 128, "bios-linker-loader.c");
_Static_assert(offsetof(struct entry, add_pointer.size) == 120, "bios-linker-loader.c");
_Static_assert(offsetof(struct entry, write_pointer.size) == 124, "bios-linker-loader.c");

/* Longer scripts than this have never been seen; QEMU pads its own to a multiple of 4 KiB. */
#define SCRIPT_SIZE_MAX 0x100000
#define ENTRIES_AT_ONCE 32

struct run {
	const struct acpi_host *host;
	struct acpi_files *files;
	struct reason *why;
	const struct acpi_file *recent; /* the file found last, often wanted again; or NULL */
	uint64_t low_next;
	uint32_t script_key;
	bool has_unknown; /* there was a command that is not known */
};

static const struct acpi_file *find_file(const struct run *run, const struct name *name)
{
	for (size_t i = 0; i < run->files->count; i++) {
		const struct acpi_file *file = &run->files->file[i];
		if (name_is(name, file->name.text, &file->extent))
			return file;
	}
	return NULL;
}

static APART enum status require_other_file(struct run *run, const struct name *name,
					    const struct acpi_file **ret_file)
{
	const struct acpi_file *file = find_file(run, name);

	if (file == NULL && !name_is_terminated(name))
		return refuse(run->why, STATUS_BAD_FORMAT,
			      "the loader script has a file name without an end");
	if (file == NULL)
		return refuse(run->why, STATUS_NOT_FOUND,
			      "the loader script uses %s before it is allocated", name->text);
	run->recent = file;
	*ret_file = file;
	return STATUS_OK;
}

/* Most names are the same as the one before. */
static inline enum status require_file(struct run *run, const struct name *name,
				       const struct acpi_file **ret_file)
{
	if (run->recent == NULL || !name_is(name, run->recent->name.text, &run->recent->extent))
		return require_other_file(run, name, ret_file);
	*ret_file = run->recent;
	return STATUS_OK;
}

static enum status place_file(struct run *run, uint64_t size, uint64_t alignment, bool low,
			      uint64_t *ret_address)
{
	if (low && run->host->low_end > run->host->low_start) {
		uint64_t start;
		if (!checked_align_up(run->low_next, alignment, &start) ||
		    !fits(start, size, run->host->low_end))
			return STATUS_NO_MEMORY;
		run->low_next = start + size;
		*ret_address = start;
		return STATUS_OK;
	}
	/* Whole pages, since the kernel maps memory types by the page. */
	uint64_t pages;
	if (!checked_align_up(size, PAGE_SIZE, &pages))
		return STATUS_NO_MEMORY;
	const struct memmap_request request = {
		.size = pages,
		.alignment = alignment < PAGE_SIZE ? PAGE_SIZE : alignment,
		.min = 0x100000,
		.max = MEMMAP_4G,
		.top_down = true,
		.type = run->host->type,
	};
	return memmap_alloc(run->host->map_of_memory, &request, ret_address);
}

static enum status allocate(struct run *run, const struct command_allocate *command)
{
	struct acpi_files *files = run->files;
	uint64_t alignment = le32_get(command->alignment);
	struct name_extent extent;
	struct blob blob;
	uint64_t address;

	if (!name_measure(command->file.text, &extent))
		return refuse(run->why, STATUS_BAD_FORMAT,
			      "the loader script has a file name without an end");
	if (!is_power_of_two(alignment))
		return refuse(run->why, STATUS_BAD_FORMAT,
			      "%s wants alignment %lu, no power of two", command->file.text,
			      alignment);
	if (command->zone != ZONE_HIGH && command->zone != ZONE_FSEG)
		return refuse(run->why, STATUS_BAD_FORMAT, "%s wants memory zone %u, not 1 or 2",
			      command->file.text, command->zone);
	if (find_file(run, &command->file) != NULL)
		return refuse(run->why, STATUS_OVERLAP, "the loader script allocates %s twice",
			      command->file.text);
	if (files->count == ACPI_FILES_MAX)
		return refuse(run->why, STATUS_TOO_LARGE,
			      "the loader script allocates more than %u files", ACPI_FILES_MAX);
	if (!run->host->find(run->host->context, &command->file, &blob))
		return refuse(run->why, STATUS_NOT_FOUND,
			      "the loader script allocates %s, which does not exist",
			      command->file.text);
	if (blob.key == run->script_key)
		return refuse(run->why, STATUS_BAD_FORMAT, "the loader script allocates itself");
	if (blob.size == 0)
		return refuse(run->why, STATUS_BAD_FORMAT,
			      "the loader script allocates %s, which is empty", command->file.text);
	enum status status =
		place_file(run, blob.size, alignment, command->zone == ZONE_FSEG, &address);
	if (status != STATUS_OK)
		return refuse(run->why, status, "no memory for the %lu bytes of %s", blob.size,
			      command->file.text);
	status = blob.read(&blob, 0, blob.size, address);
	if (status != STATUS_OK)
		return refuse(run->why, status, "%s cannot be read", command->file.text);
	uint8_t *bytes = run->host->map(address, blob.size);
	if (bytes == NULL)
		return refuse(run->why, STATUS_NO_MEMORY, "%s cannot be mapped",
			      command->file.text);
	if (run->host->delivered != NULL)
		run->host->delivered(run->host->context, command->file.text,
				     (struct span){bytes, blob.size});

	struct acpi_file *file = &files->file[files->count++];
	file->name = command->file;
	file->extent = extent;
	file->address = address;
	file->bytes = bytes;
	file->size = blob.size;
	run->recent = file;
	return STATUS_OK;
}

static bool pointer_size_ok(uint32_t size)
{
	return size == 1 || size == 2 || size == 4 || size == 8;
}

/* One of the sizes of a pointer. */
static inline void copy_pointer(void *to, const void *from, uint32_t size)
{
	switch (size) {
	case 8:
		memcpy(to, from, 8);
		break;
	case 4:
		memcpy(to, from, 4);
		break;
	case 2:
		memcpy(to, from, 2);
		break;
	default:
		memcpy(to, from, 1);
	}
}

static bool pointer_fits(uint64_t pointer, uint32_t size)
{
	return size == 8 || pointer >> (8 * size) == 0;
}

static enum status add_pointer(struct run *run, const struct command_add_pointer *command)
{
	const struct acpi_file *dest, *src;
	uint32_t offset = le32_get(command->offset);
	struct le64 field = le64_of(0);
	uint64_t pointer;

	enum status status = require_file(run, &command->dest, &dest);
	if (status == STATUS_OK)
		status = require_file(run, &command->src, &src);
	if (status != STATUS_OK)
		return status;
	if (!pointer_size_ok(command->size))
		return refuse(run->why, STATUS_BAD_FORMAT, "a pointer in %s has %u bytes",
			      dest->name.text, command->size);
	if (!fits32(offset, command->size, dest->size))
		return refuse(run->why, STATUS_OUT_OF_RANGE,
			      "a pointer at offset 0x%x is outside %s (%lu bytes)", offset,
			      dest->name.text, dest->size);
	copy_pointer(&field, dest->bytes + offset, command->size);
	if (le64_get(field) >= src->size)
		return refuse(run->why, STATUS_OUT_OF_RANGE,
			      "a pointer in %s to offset 0x%lx is outside %s (%lu bytes)",
			      dest->name.text, le64_get(field), src->name.text, src->size);
	pointer = le64_get(field) + src->address;
	if (!pointer_fits(pointer, command->size))
		return refuse(run->why, STATUS_OUT_OF_RANGE,
			      "a %u-byte pointer in %s cannot hold 0x%lx", command->size,
			      dest->name.text, pointer);
	field = le64_of(pointer);
	copy_pointer(dest->bytes + offset, &field, command->size);
	return STATUS_OK;
}

static enum status add_checksum(struct run *run, const struct command_add_checksum *command)
{
	const struct acpi_file *file;
	uint32_t offset = le32_get(command->offset);
	uint32_t start = le32_get(command->start);
	uint32_t length = le32_get(command->length);

	enum status status = require_file(run, &command->file, &file);
	if (status != STATUS_OK)
		return status;
	if (!fits32(offset, 1, file->size) || !fits32(start, length, file->size))
		return refuse(run->why, STATUS_OUT_OF_RANGE,
			      "a checksum over 0x%x bytes at 0x%x is outside %s (%lu bytes)",
			      length, start, file->name.text, file->size);
	uint8_t sum = span_sum((struct span){file->bytes + start, length});
	file->bytes[offset] = (uint8_t)(file->bytes[offset] - sum);
	return STATUS_OK;
}

/* *@ret_taken: whether the VMM takes pointers for this file at all. */
static SELDOM enum status give_pointer(const struct acpi_host *host, const struct acpi_write *write,
				       bool *ret_taken, struct reason *why)
{
	struct blob file;

	if (!name_is_terminated(&write->file))
		return refuse(why, STATUS_BAD_FORMAT,
			      "the loader script has a file name without an end");
	if (!host->find(host->context, &write->file, &file))
		return refuse(why, STATUS_NOT_FOUND,
			      "the loader script writes to %s, which does not exist",
			      write->file.text);
	if (!pointer_size_ok(write->size))
		return refuse(why, STATUS_BAD_FORMAT, "a pointer in %s has %u bytes",
			      write->file.text, write->size);
	if (!fits32(write->offset, write->size, file.size))
		return refuse(why, STATUS_OUT_OF_RANGE,
			      "a pointer at offset 0x%x is outside %s (%lu bytes)", write->offset,
			      write->file.text, file.size);
	if (!pointer_fits(write->pointer, write->size))
		return refuse(why, STATUS_OUT_OF_RANGE, "a %u-byte pointer in %s cannot hold 0x%lx",
			      write->size, write->file.text, write->pointer);
	*ret_taken = file.write != NULL;
	if (!*ret_taken)
		return STATUS_OK;
	struct le64 field = le64_of(write->pointer);
	enum status status = file.write(&file, write->offset, write->size, (uintptr_t)&field);
	if (status != STATUS_OK)
		return refuse(why, status, "%s cannot be written", write->file.text);
	return STATUS_OK;
}

static SELDOM enum status write_pointer(struct run *run,
					const struct command_write_pointer *command)
{
	struct acpi_writes *writes = &run->files->writes;
	const struct acpi_file *src;
	uint64_t src_offset = le32_get(command->src_offset);
	bool taken;

	enum status status = require_file(run, &command->src, &src);
	if (status != STATUS_OK)
		return status;
	if (src_offset >= src->size)
		return refuse(run->why, STATUS_OUT_OF_RANGE,
			      "a pointer to offset 0x%lx is outside %s (%lu bytes)", src_offset,
			      src->name.text, src->size);
	const struct acpi_write write = {
		.file = command->dest,
		.offset = le32_get(command->dest_offset),
		.size = command->size,
		.pointer = src->address + src_offset,
	};
	status = give_pointer(run->host, &write, &taken, run->why);
	if (status != STATUS_OK)
		return status;
	if (!taken)
		log_line(run->host->log, LOG_WARN, "the VMM takes no pointer back for %s",
			 write.file.text);
	else if (writes->count < ACPI_WRITES_MAX)
		writes->write[writes->count++] = write;
	else
		log_line(run->host->log, LOG_WARN, "the pointer in %s will be lost by a suspend",
			 write.file.text);
	return STATUS_OK;
}

SELDOM void acpi_repeat_writes(const struct acpi_writes *writes, const struct acpi_host *host)
{
	struct reason why;
	bool taken;

	for (size_t i = 0; i < writes->count && i < ACPI_WRITES_MAX; i++) {
		if (give_pointer(host, &writes->write[i], &taken, &why) != STATUS_OK)
			log_line(host->log, LOG_WARN, "%s", why.text);
	}
}

static enum status run_entry(struct run *run, const struct entry *entry)
{
	switch (le32_get(entry->command)) {
	case COMMAND_ALLOCATE:
		return allocate(run, &entry->allocate);
	case COMMAND_ADD_POINTER:
		return add_pointer(run, &entry->add_pointer);
	case COMMAND_ADD_CHECKSUM:
		return add_checksum(run, &entry->add_checksum);
	case COMMAND_WRITE_POINTER:
		return write_pointer(run, &entry->write_pointer);
	}
	/* Once, since a script has room for thousands, and each character is an exit. */
	if (!run->has_unknown)
		log_line(run->host->log, LOG_WARN, "unknown loader script command %u is skipped",
			 le32_get(entry->command));
	run->has_unknown = true;
	return STATUS_OK;
}

/* STATUS_OK: the script has whole entries, and not too many. */
static enum status check_size(uint64_t size, struct reason *why)
{
	if (size % sizeof(struct entry) != 0 || size == 0)
		return refuse(why, STATUS_TRUNCATED,
			      "the loader script has %lu bytes, no multiple of %lu", size,
			      sizeof(struct entry));
	if (size > SCRIPT_SIZE_MAX)
		return refuse(why, STATUS_TOO_LARGE, "the loader script has %lu bytes", size);
	return STATUS_OK;
}

enum status acpi_run_script(const struct blob *script, const struct acpi_host *host,
			    struct acpi_files *files, struct reason *why)
{
	struct run run = {
		.host = host,
		.files = files,
		.why = why,
		.low_next = host->low_start,
		.script_key = script->key,
	};
	struct entry entries[ENTRIES_AT_ONCE];
	uint64_t length;

	files->count = 0;
	files->writes.count = 0;
	enum status status = check_size(script->size, why);
	for (uint64_t at = 0; status == STATUS_OK && at < script->size; at += length) {
		length = script->size - at < sizeof(entries) ? script->size - at : sizeof(entries);
		status = blob_read(script, at, length, entries);
		if (status != STATUS_OK)
			return refuse(why, status, "the loader script cannot be read");
		for (size_t i = 0; i < length / sizeof(entries[0]) && status == STATUS_OK; i++) {
			/* Half of a script is padding. */
			if (le32_get(entries[i].command) != COMMAND_PADDING)
				status = run_entry(&run, &entries[i]);
		}
	}
	return status;
}
