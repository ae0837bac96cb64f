/* SPDX-License-Identifier: BSD-2-Clause */
#include "proof.h"

#include "acpi/script.c"

/*
 * Each command of a script alone, after any others: with one file that was placed before, and
 * with a VMM that offers any file.
 */

#define FILES     1
#define FILE_SIZE 24

uint8_t span_sum(struct span span)
{
	PROVE(span.size == 0 || __CPROVER_r_ok(span.bytes, span.size));
	return any_byte();
}

void log_write(const struct log *log, const char *format, ...)
{
	(void)log;
	(void)format;
}

/* Claiming is proved in proof_memmap.c: what it gives is somewhere below 4 GiB. */
enum status memmap_alloc(struct memmap *map, const struct memmap_request *request,
			 uint64_t *ret_start)
{
	(void)map;
	PROVE(request->size > 0 && is_power_of_two(request->alignment));
	if (any_bool())
		return STATUS_NO_MEMORY;
	*ret_start = align_down(any_up_to(UINT32_MAX), request->alignment);
	ASSUME(*ret_start >= request->min && fits(*ret_start, request->size, request->max));
	return STATUS_OK;
}

static uint64_t read_at, read_size;

static enum status read_any(const struct blob *blob, uint64_t offset, uint64_t length, uint64_t to)
{
	PROVE(fits(offset, length, blob->size));
	read_at = to;
	read_size = length;
	return any_bool() ? STATUS_OK : STATUS_IO;
}

static enum status write_any(const struct blob *blob, uint64_t offset, uint64_t length,
			     uint64_t from)
{
	PROVE(fits(offset, length, blob->size));
	PROVE(length <= 8 && __CPROVER_r_ok((void *)from, length));
	return any_bool() ? STATUS_OK : STATUS_IO;
}

static bool find_any(void *context, const struct name *name, struct blob *ret_blob)
{
	(void)context;
	PROVE(name_is_terminated(name));
	*ret_blob = (struct blob){
		.size = any_u32(),
		.read = read_any,
		.write = any_bool() ? write_any : NULL,
		.key = any_byte(),
	};
	return any_bool();
}

static uint8_t mapped[1];

static void *map_any(uint64_t address, uint64_t length)
{
	PROVE(address == read_at && length == read_size);
	return any_bool() ? mapped : NULL;
}

static const struct log log = {LOG_WARN, NULL};

static struct reason why;
static struct acpi_files files;
static struct acpi_host host;
static struct run run;
static uint8_t bytes[FILE_SIZE];

/* Any state between two commands. */
static void any_state(void)
{
	struct name name;
	struct name_extent extent;

	ASSUME(name_measure(name.text, &extent));
	files.count = FILES; /* a number that CBMC knows, so that searches are short */
	files.file[0] = (struct acpi_file){
		.name = name,
		.extent = extent,
		.address = any_up_to(UINT32_MAX - FILE_SIZE),
		.bytes = bytes,
		.size = FILE_SIZE,
	};
	for (unsigned i = 0; i < FILE_SIZE; i++)
		bytes[i] = any_byte();
	files.writes.count = any_up_to(ACPI_WRITES_MAX);
	host = (struct acpi_host){
		.find = find_any,
		.map = map_any,
		.type = MEMMAP_ACPI,
		.low_start = 0xe0000,
		.low_end = any_bool() ? 0xefe00 : 0,
		.log = &log,
	};
	run = (struct run){
		.host = &host,
		.files = &files,
		.why = &why,
		.recent = any_bool() ? &files.file[0] : NULL,
		.low_next = 0xe0000 + any_up_to(0xfe00),
		.script_key = any_byte(),
	};
}

/**
 * ALLOCATE reads a file to the place that it got, whole, and notes both; what it refuses it
 * does not note. A place in the BIOS area is inside of that.
 * Bound: 1 file before, any command; files of any size up to 4 GiB.
 * Loops: any_state.0:25, find_file.0:3
 */
PROOF(script_allocate, 8)
{
	struct command_allocate command;

	any_state();
	const size_t before = files.count;
	uint64_t low = run.low_next;
	enum status status = allocate(&run, &command);
	if (status != STATUS_OK) {
		REACHED("a refusal");
		PROVE(files.count == before);
		return;
	}
	REACHED("a file");
	const struct acpi_file *file = &files.file[before];
	PROVE(files.count == before + 1);
	struct name_extent extent;
	PROVE(name_measure(file->name.text, &extent));
	PROVE(file->extent.last == extent.last && file->extent.mask == extent.mask);
	PROVE(file->address == read_at && file->size == read_size && file->size > 0);
	PROVE(align_down(file->address, le32_get(command.alignment)) == file->address);
	if (run.low_next != low) {
		REACHED("a place in the BIOS area");
		PROVE(file->address >= low && fits(file->address, file->size, 0xefe00));
		PROVE(run.low_next == file->address + file->size);
	} else {
		PROVE(fits(file->address, file->size, MEMMAP_4G));
	}
}

/**
 * A full table of files takes no more.
 * Bound: 32 files of one name, any command.
 * Loops: name_is.0:8, name_measure.0:8
 */
PROOF(script_allocate_full, 33)
{
	struct command_allocate command;

	any_state();
	files.count = ACPI_FILES_MAX;
	for (size_t i = 0; i < ACPI_FILES_MAX; i++) {
		files.file[i].name = (struct name){"a"};
		PROVE(name_measure("a\0\0\0\0\0\0", &files.file[i].extent));
	}
	PROVE(allocate(&run, &command) != STATUS_OK);
	REACHED("a refusal");
	PROVE(files.count == ACPI_FILES_MAX);
}

/**
 * ADD_POINTER changes 1, 2, 4 or 8 bytes inside of one file, and adds the address of another, in
 * which the pointer points; what does not fit is refused and changes nothing.
 * Bound: 1 file of 24 bytes at any address below 4 GiB, any command.
 * Loops: any_state.0:25, find_file.0:3
 */
PROOF(script_add_pointer, 8)
{
	struct command_add_pointer command;
	uint64_t at = any_u64();

	any_state();
	ASSUME(at < files.file[0].size);
	uint8_t before = bytes[at];
	enum status status = add_pointer(&run, &command);
	uint64_t offset = le32_get(command.offset);
	if (status != STATUS_OK) {
		REACHED("a refusal");
		PROVE(bytes[at] == before);
		return;
	}
	REACHED("a pointer");
	PROVE(command.size == 1 || command.size == 2 || command.size == 4 || command.size == 8);
	if (at < offset || at >= offset + command.size)
		PROVE(bytes[at] == before);
}

/**
 * ADD_CHECKSUM sums up bytes of one file and changes one byte in it.
 * Bound: 1 file of 24 bytes, any command.
 * Loops: any_state.0:25, find_file.0:3
 */
PROOF(script_add_checksum, 8)
{
	struct command_add_checksum command;
	uint64_t at = any_u64();

	any_state();
	ASSUME(at < files.file[0].size);
	uint8_t before = bytes[at];
	enum status status = add_checksum(&run, &command);
	if (status == STATUS_OK)
		REACHED("a checksum");
	else
		REACHED("a refusal");
	if (status != STATUS_OK || at != le32_get(command.offset))
		PROVE(bytes[at] == before);
}

/**
 * WRITE_POINTER writes 1, 2, 4 or 8 bytes inside of a file of the VMM's, the address of a byte of a
 * file that was placed, and notes them while there is room.
 * Bound: 1 file of 24 bytes, 0 to 16 pointers before, any command.
 * Loops: any_state.0:25, find_file.0:3
 */
PROOF(script_write_pointer, 8)
{
	struct command_write_pointer command;

	any_state();
	size_t before = files.writes.count;
	enum status status = write_pointer(&run, &command);
	size_t after = files.writes.count;
	PROVE(after <= ACPI_WRITES_MAX);
	if (status != STATUS_OK) {
		REACHED("a refusal");
		PROVE(after == before);
	} else if (after != before) {
		REACHED("a pointer");
		const struct acpi_write *write = &files.writes.write[before];
		PROVE(after == before + 1 && pointer_size_ok(write->size));
		PROVE(write->size == 8 || write->pointer >> 8 * write->size == 0);
	} else {
		REACHED("a pointer that is not noted");
	}
}
