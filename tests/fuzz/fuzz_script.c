/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdbool.h>
#include <string.h>

#include <sanitizer/asan_interface.h>

#include "acpi/script.h"
#include "fuzz.h"
#include "lib/check.h"
#include "lib/checked.h"
#include "lib/endian.h"
#include "memory.h"

/*
 * A table-loader script and its files, of which the host decides everything: a byte of OPTIONS, and
 * records, each a byte of RECORDS and what is said there. A file is named by its number; a number
 * that no file has is a name without an end, or of nothing.
 *
 * Memory can be touched where the firmware has asked for it to be mapped, which is where its
 * files are; all else is poisoned. What a script leaves in a file is compared with what a
 * plain reading of its commands gives.
 */

enum options {
	HAS_LOW_AREA = 0x01,
	HAS_LITTLE_RAM = 0x02,
	FILE_FAILS = 0x04, /* the third read */
	CANNOT_MAP = 0x08, /* the fourth time */
	SCRIPT_IS_CUT = 0x10,
};

enum records {
	SIZE,          /* file (1), size (3), whether it can be written (1) */
	BYTES,         /* file (1), offset (3), size (1), the bytes */
	ALLOCATE,      /* file (1), alignment (4), zone (1) */
	ADD_POINTER,   /* two files (2), offset (4), size (1) */
	ADD_CHECKSUM,  /* file (1), offset, start and length (12) */
	WRITE_POINTER, /* two files (2), two offsets (8), size (1) */
	RAW,           /* command (4) and 16 bytes */
	RECORDS,
};

#define FILES       12
#define FILE_MAX    0x30000
#define COMMANDS    80
#define ENTRY_SIZE  128
#define SCRIPT_KEY  1000
#define MEMORY_SIZE 0x200000
#define LOW_START   0xe0000
#define LOW_END     0xe0800
#define PLACED_MAX  (FILES + 1)

static const char *const file_names[FILES] = {
	"etc/acpi/rsdp",
	"etc/acpi/tables",
	"etc/tpm/log",
	"etc/vmgenid_guid",
	"etc/vmgenid_addr",
	"etc/hardware_errors",
	"etc/hardware_errors_addr",
	"etc/table-loader",
	"12345678",
	"1234567890123456789012345678901234567890123456789012345",
	"f",
	"",
};

struct file {
	uint64_t size;
	bool writable;
	uint64_t used; /* of @bytes; the rest is zeros */
	uint8_t bytes[FILE_MAX];
	/* Where it is, and what it should hold in the end. */
	bool placed;
	uint64_t address;
	uint8_t expected[FILE_MAX];
};

static struct {
	unsigned options;
	unsigned reads, maps, writes;
	struct file file[FILES];
	unsigned commands;
	uint8_t script[COMMANDS * ENTRY_SIZE];
} vmm;

static _Alignas(PAGE_SIZE) uint8_t guest[MEMORY_SIZE];
static struct memmap map;
static struct memory memory;

_Noreturn void check_failed(const char *what)
{
	fuzz_failed(__FILE__, __LINE__, what);
}

/* -- the VMM ------------------------------------------------------------------------------- */

static bool is_low(uint64_t address, uint64_t size)
{
	return (vmm.options & HAS_LOW_AREA) != 0 && address >= LOW_START &&
	       fits(address, size, LOW_END);
}

/* What is read into memory lies in what was free, or in the area for the RSDP. */
static void place(uint64_t address, uint64_t size, enum memmap_type type)
{
	for (unsigned i = 0; i < FILES; i++) {
		const struct file *file = &vmm.file[i];
		REQUIRE(!file->placed || address >= file->address + file->size ||
			file->address >= address + size);
	}
	if (is_low(address, size))
		return;
	/* The kernel maps what it finds of ACPI by the page. */
	if (type == MEMMAP_ACPI)
		size = align_down(size + PAGE_SIZE - 1, PAGE_SIZE);
	memory_take(&memory, address, size, type);
}

static void fill(uint64_t address, const void *bytes, uint64_t size)
{
	REQUIRE(fits(address, size, MEMORY_SIZE));
	__asan_unpoison_memory_region(guest + address, size);
	memcpy(guest + address, bytes, size);
	__asan_poison_memory_region(guest + address, size);
}

static enum status read_file(const struct blob *blob, uint64_t offset, uint64_t length, uint64_t to)
{
	struct file *file = blob->source;

	REQUIRE(offset == 0 && length == file->size && blob->key != SCRIPT_KEY);
	REQUIRE(!file->placed);
	place(to, length, MEMMAP_ACPI);
	if (++vmm.reads == 3 && (vmm.options & FILE_FAILS) != 0)
		return STATUS_IO;
	fill(to, file->bytes, length);
	memcpy(file->expected, file->bytes, length);
	file->address = to;
	file->placed = true;
	return STATUS_OK;
}

static enum status read_script(const struct blob *blob, uint64_t offset, uint64_t length,
			       uint64_t to)
{
	/* Into the interpreter's own memory. */
	REQUIRE(fits(offset, length, blob->size));
	REQUIRE(to + length <= (uintptr_t)guest || to >= (uintptr_t)guest + sizeof(guest));
	REQUIRE(__asan_region_is_poisoned((void *)to, length) == NULL);
	memcpy((void *)to, (const uint8_t *)vmm.script + offset, length);
	return STATUS_OK;
}

/* Only pointers into files that are in memory reach the VMM. */
static enum status write_file(const struct blob *blob, uint64_t offset, uint64_t length,
			      uint64_t from)
{
	struct file *file = blob->source;
	struct le64 pointer = le64_of(0);
	bool is_inside = false;

	REQUIRE(length == 1 || length == 2 || length == 4 || length == 8);
	REQUIRE(file->writable && fits(offset, length, file->size));
	memcpy(&pointer, (const void *)from, length);
	for (unsigned i = 0; i < FILES; i++)
		is_inside |= vmm.file[i].placed && le64_get(pointer) >= vmm.file[i].address &&
			     le64_get(pointer) - vmm.file[i].address < vmm.file[i].size;
	REQUIRE(is_inside);
	vmm.writes++;
	return STATUS_OK;
}

static bool find(void *context, const struct name *name, struct blob *ret_blob)
{
	REQUIRE(context == &vmm && name_is_terminated(name));
	for (unsigned i = 0; i < FILES; i++) {
		struct file *file = &vmm.file[i];
		if (file->size == 0 || strcmp(file_names[i], name->text) != 0)
			continue;
		*ret_blob = (struct blob){
			.size = file->size,
			.read = read_file,
			.write = file->writable ? write_file : NULL,
			.source = file,
			.key = i == 7 ? SCRIPT_KEY : i,
		};
		return true;
	}
	return false;
}

static void *map_memory(uint64_t address, uint64_t length)
{
	bool is_known = vmm.maps == 0; /* the script */

	REQUIRE(fits(address, length, MEMORY_SIZE));
	for (unsigned i = 0; i < FILES; i++)
		is_known |= vmm.file[i].placed && vmm.file[i].address == address &&
			    vmm.file[i].size == length;
	REQUIRE(is_known);
	if (++vmm.maps == 4 && (vmm.options & CANNOT_MAP) != 0)
		return NULL;
	__asan_unpoison_memory_region(guest + address, length);
	return guest + address;
}

static void write_log(const char *text, size_t length)
{
	REQUIRE(length < LOG_LINE_SIZE && text[length - 1] == '\n');
}

/* -- what an input says ------------------------------------------------------------------- */

static void put32(uint8_t *to, uint64_t value)
{
	struct le32 field = le32_of((uint32_t)value);

	memcpy(to, &field, sizeof(field));
}

static void put_name(uint8_t *to, unsigned number)
{
	if (number < FILES)
		memcpy(to, file_names[number], strlen(file_names[number]));
	else
		memset(to, (int)number, sizeof(struct name));
}

static struct file *file_of(unsigned number)
{
	return &vmm.file[number % FILES];
}

static void read_command(struct input *input, unsigned what)
{
	uint8_t *entry = vmm.script + vmm.commands * ENTRY_SIZE;

	if (vmm.commands == COMMANDS)
		return;
	vmm.commands++;
	if (what == RAW) {
		for (unsigned i = 0; i < 20; i++)
			entry[i] = input_byte(input);
		return;
	}
	put32(entry, what - ALLOCATE + 1);
	put_name(entry + 4, input_byte(input));
	if (what == ADD_POINTER || what == WRITE_POINTER)
		put_name(entry + 60, input_byte(input));
	switch (what) {
	case ALLOCATE:
		put32(entry + 60, input_number(input, 4));
		entry[64] = input_byte(input);
		break;
	case ADD_POINTER:
		put32(entry + 116, input_number(input, 4));
		entry[120] = input_byte(input);
		break;
	case ADD_CHECKSUM:
		for (unsigned i = 0; i < 3; i++)
			put32(entry + 60 + 4 * i, input_number(input, 4));
		break;
	case WRITE_POINTER:
		for (unsigned i = 0; i < 2; i++)
			put32(entry + 116 + 4 * i, input_number(input, 4));
		entry[124] = input_byte(input);
		break;
	}
}

static void read_bytes(struct input *input)
{
	struct file *file = file_of(input_byte(input));
	uint64_t offset = input_number(input, 3) % FILE_MAX;
	uint64_t size = input_byte(input);

	for (uint64_t i = 0; i < size; i++) {
		uint8_t value = input_byte(input);
		if (offset + i >= FILE_MAX)
			continue;
		file->bytes[offset + i] = value;
		if (file->used <= offset + i)
			file->used = offset + i + 1;
	}
}

static void read_input(struct input *input)
{
	for (unsigned i = 0; i < FILES; i++) {
		struct file *file = &vmm.file[i];
		memset(file->bytes, 0, file->used);
		file->size = file->used = 0;
		file->writable = file->placed = false;
	}
	memset(vmm.script, 0, sizeof(vmm.script));
	vmm.commands = vmm.reads = vmm.maps = vmm.writes = 0;
	vmm.options = input_byte(input);
	while (input->left > 0) {
		unsigned what = input_byte(input) % RECORDS;
		if (what == SIZE) {
			struct file *file = file_of(input_byte(input));
			file->size = input_number(input, 3) % FILE_MAX;
			file->writable = (input_byte(input) & 1) != 0;
		} else if (what == BYTES) {
			read_bytes(input);
		} else {
			read_command(input, what);
		}
	}
}

/* -- what a script means ------------------------------------------------------------------- */

static uint64_t get(const uint8_t *bytes, unsigned width)
{
	uint64_t value = 0;

	memcpy(&value, bytes, width);
	return value;
}

static struct file *named(const uint8_t *name)
{
	for (unsigned i = 0; i < FILES; i++) {
		if (strncmp((const char *)name, file_names[i], sizeof(struct name)) == 0)
			return &vmm.file[i];
	}
	fuzz_failed(__FILE__, __LINE__, "a script that was run names files that exist");
}

/* Of a script that was run: every offset in it is right. */
static void run_again(void)
{
	for (unsigned i = 0; i < vmm.commands; i++) {
		const uint8_t *entry = vmm.script + i * ENTRY_SIZE;
		uint32_t what = (uint32_t)get(entry, 4);
		if (what == 2) {
			const struct file *dest = named(entry + 4), *src = named(entry + 60);
			uint8_t *field = (uint8_t *)dest->expected + get(entry + 116, 4);
			REQUIRE(get(entry + 116, 4) + entry[120] <= dest->size);
			uint64_t value = get(field, entry[120]);
			REQUIRE(value < src->size);
			value += src->address;
			memcpy(field, &value, entry[120]);
			REQUIRE(get(field, entry[120]) == value);
		} else if (what == 3) {
			struct file *file = named(entry + 4);
			uint64_t start = get(entry + 64, 4), length = get(entry + 68, 4);
			uint8_t sum = 0;
			REQUIRE(start + length <= file->size && get(entry + 60, 4) < file->size);
			for (uint64_t at = start; at < start + length; at++)
				sum = (uint8_t)(sum + file->expected[at]);
			file->expected[get(entry + 60, 4)] -= sum;
		}
	}
}

static void check_files(const struct acpi_files *files)
{
	unsigned placed = 0;

	run_again();
	REQUIRE(files->count <= ACPI_FILES_MAX);
	for (unsigned i = 0; i < FILES; i++)
		placed += vmm.file[i].placed;
	REQUIRE(placed == files->count);
	for (size_t i = 0; i < files->count; i++) {
		const struct acpi_file *file = &files->file[i];
		const struct file *source = named((const uint8_t *)file->name.text);
		REQUIRE(source->placed && file->address == source->address &&
			file->size == source->size && file->bytes == guest + file->address);
		REQUIRE(memcmp(file->bytes, source->expected, file->size) == 0);
	}
}

static void check_rsdp(const struct acpi_files *files)
{
	uint64_t address;
	uint8_t sum = 0;

	if (acpi_find_rsdp(files, &address) != STATUS_OK)
		return;
	for (unsigned i = 0; i < FILES; i++) {
		const struct file *file = &vmm.file[i];
		if (!file->placed || file->address != address)
			continue;
		REQUIRE(file->size >= ACPI_RSDP_SIZE);
		for (unsigned at = 0; at < ACPI_RSDP_SIZE; at++)
			sum = (uint8_t)(sum + guest[address + at]);
		REQUIRE(sum == 0 && memcmp(guest + address, "RSD PTR ", 8) == 0);
		return;
	}
	fuzz_failed(__FILE__, __LINE__, "the RSDP is at the start of a file");
}

static void make_memory(void)
{
	memset(&memory, 0, sizeof(memory));
	memmap_init(&map);
	memory_add(&memory, &map, 0, 0x9fc00, MEMMAP_RAM);
	memory_add(&memory, &map, 0x9fc00, 0x400, MEMMAP_RESERVED);
	memory_add(&memory, &map, 0x100000,
		   (vmm.options & HAS_LITTLE_RAM) != 0 ? 0x10000 : 0x100000, MEMMAP_RAM);
	__asan_poison_memory_region(guest, sizeof(guest));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static struct acpi_files files;
	static const struct log log = {LOG_WARN, write_log};
	struct input input = {bytes, size};
	struct reason why = {""};

	read_input(&input);
	make_memory();
	const struct blob script = {
		.size = vmm.commands * ENTRY_SIZE -
			((vmm.options & SCRIPT_IS_CUT) != 0 && vmm.commands > 0),
		.read = read_script,
		.key = SCRIPT_KEY,
	};
	const struct acpi_host host = {
		.find = find,
		.context = &vmm,
		.map = map_memory,
		.map_of_memory = &map,
		.type = MEMMAP_ACPI,
		.low_start = (vmm.options & HAS_LOW_AREA) != 0 ? LOW_START : 0,
		.low_end = (vmm.options & HAS_LOW_AREA) != 0 ? LOW_END : 0,
		.log = &log,
	};
	enum status status = acpi_run_script(&script, &host, &files, &why);
	REQUIRE((status == STATUS_OK) == (why.text[0] == '\0'));
	REQUIRE(files.writes.count <= ACPI_WRITES_MAX && files.writes.count <= vmm.writes);
	memory_check(&memory, &map);
	if (status == STATUS_OK) {
		check_files(&files);
		check_rsdp(&files);
	}
	unsigned writes = vmm.writes;
	acpi_repeat_writes(&files.writes, &host);
	REQUIRE(vmm.writes == writes + files.writes.count);
	return 0;
}
