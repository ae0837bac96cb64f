/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdbool.h>
#include <string.h>

#include <sanitizer/asan_interface.h>

#include "arch/io.h"
#include "arch/memory.h"
#include "fuzz.h"
#include "fwcfg/fwcfg.h"
#include "fwcfg/transport.h"
#include "lib/check.h"
#include "lib/span.h"

/*
 * A fw_cfg device of which the host decides everything: a byte of OPTIONS, the ID, which DMA
 * command fails (0: none), after how many looks one is complete, the size of the directory and the
 * directory, and then what the firmware does, each a byte of OPERATIONS and 8 bytes.
 *
 * The device is here in the place of fwcfg/ports.c. It counts for itself where an item stands, so
 * that what is read tells whether the driver knew.
 */

enum options {
	NO_SIGNATURE = 0x01,
	HAS_DMA_REGISTER = 0x02,
	QEMU_IF_DMA = 0x04,
	CHANGES = 0x08,         /* each byte is another one the next time */
	LOSES_ITS_PLACE = 0x10, /* after a command that fails */
};

enum operations {
	FIND,    /* the name of an entry (1), then as READ */
	READ,    /* key (2), size (2), offset (2), length (2) */
	WRITE,   /* as READ */
	INTEGER, /* key (2), size (2) */
	DIRECTORY,
	OPERATIONS,
};

#define DMA_ERROR  0x01u
#define DMA_READ   0x02u
#define DMA_SKIP   0x04u
#define DMA_SELECT 0x08u
#define DMA_WRITE  0x10u

#define SKIP_PIECE     256 /* fwcfg/fwcfg.c */
#define OPERATIONS_MAX 64
#define BUFFER_SIZE    0x10000

static struct {
	unsigned options;
	uint8_t id;
	uint8_t failing, patience;
	struct span directory;

	bool has_selection;
	uint16_t selected;
	uint64_t offset;
	uint8_t changes;

	unsigned all_commands;
	unsigned selects, commands, waits; /* of one call of the driver, */
	uint64_t bytes;                    /* and these */
	bool failed;

	struct be32 *pending; /* of a command that is not complete, */
	struct be32 result;   /* which this completes */
	uint64_t dma_address;
} device;

static struct fwcfg fwcfg;
static uint8_t buffer[BUFFER_SIZE];
/* Where the firmware wants bytes, besides its stack. */
static struct span target;

_Noreturn void check_failed(const char *what)
{
	fuzz_failed(__FILE__, __LINE__, what);
}

/* -- the device --------------------------------------------------------------------------- */

static uint8_t item_byte(uint16_t key, uint64_t offset)
{
	static const char signature[] = "QEMU";

	if (key == FWCFG_SIGNATURE && (device.options & NO_SIGNATURE) == 0)
		return offset < 4 ? (uint8_t)signature[offset] : 0;
	if (key == FWCFG_ID)
		return offset == 0 ? device.id : 0;
	if (key == FWCFG_DIRECTORY)
		return offset < device.directory.size ? device.directory.bytes[offset] : 0;
	return (uint8_t)(key * 31 + offset * 7 + (offset >> 8) * 3);
}

static uint8_t next_byte(void)
{
	uint8_t value = item_byte(device.selected, device.offset++) ^ device.changes;

	REQUIRE(device.has_selection);
	if ((device.options & CHANGES) != 0)
		device.changes += 0x55;
	return value;
}

/* A piece that is read only to be behind it goes to the stack. */
static void require_target(uint64_t address, uint64_t length)
{
	REQUIRE(length <= SKIP_PIECE ||
		(address >= (uintptr_t)target.bytes &&
		 fits(address - (uintptr_t)target.bytes, length, target.size)));
	REQUIRE(__asan_region_is_poisoned((void *)address, length) == NULL);
}

static void select_key(uint16_t key)
{
	device.has_selection = true;
	device.selected = key;
	device.offset = 0;
}

void transport_select(uint64_t registers, uint16_t key)
{
	REQUIRE(registers == 0x1234);
	device.selects++;
	select_key(key);
}

void transport_read(uint64_t registers, void *to, size_t count)
{
	REQUIRE(registers == 0x1234 && device.pending == NULL);
	require_target((uintptr_t)to, count);
	device.bytes += count;
	for (size_t i = 0; i < count; i++)
		((uint8_t *)to)[i] = next_byte();
}

static void move(uint32_t control, uint32_t length, uint64_t address)
{
	uint8_t *bytes = (uint8_t *)address;

	if ((control & DMA_SKIP) != 0) {
		device.offset += length;
		return;
	}
	require_target(address, length);
	device.bytes += length;
	if ((control & DMA_READ) != 0) {
		for (uint32_t i = 0; i < length; i++)
			bytes[i] = next_byte();
	} else {
		device.offset += length;
	}
}

static uint32_t run_command(uint32_t control, uint32_t length, uint64_t address, bool qemu)
{
	uint32_t what = control & (DMA_READ | DMA_SKIP | DMA_WRITE);

	REQUIRE(what == DMA_READ || (qemu && (what == DMA_SKIP || what == DMA_WRITE)));
	REQUIRE((control & ~(what | DMA_SELECT | 0xffff0000u)) == 0);
	/* Elsewhere these bits have other meanings: docs/fw_cfg.md. */
	REQUIRE(qemu || control == DMA_READ);
	if ((control & DMA_SELECT) != 0)
		select_key((uint16_t)(control >> 16));
	device.commands++;
	if (++device.all_commands == device.failing) {
		device.failed = true;
		if ((device.options & LOSES_ITS_PLACE) != 0)
			device.offset += length / 2 + 1;
		return DMA_ERROR;
	}
	move(control, length, address);
	return 0;
}

bool transport_has_qemu_dma(uint64_t registers)
{
	REQUIRE(registers == 0x1234);
	REQUIRE((device.options & HAS_DMA_REGISTER) != 0 && (device.options & QEMU_IF_DMA) != 0);
	return (device.id & FWCFG_ID_DMA) != 0 && (device.options & NO_SIGNATURE) == 0;
}

void transport_start_dma(uint64_t registers, uint64_t address, bool qemu)
{
	struct {
		struct be32 control, length;
		struct be64 address;
	} access;

	REQUIRE(registers == 0x1234 && device.pending == NULL);
	REQUIRE((device.options & HAS_DMA_REGISTER) != 0 && (device.id & 2) != 0);
	REQUIRE(__asan_region_is_poisoned((void *)address, sizeof(access)) == NULL);
	memcpy(&access, (void *)address, sizeof(access));
	device.result = be32_of(run_command(be32_get(access.control), be32_get(access.length),
					    be64_get(access.address), qemu));
	device.waits = 0;
	device.pending = (struct be32 *)address;
	if (device.patience == 0) {
		*device.pending = device.result;
		device.pending = NULL;
	}
}

void arch_relax(void)
{
	REQUIRE(device.pending != NULL);
	if (++device.waits < device.patience)
		return;
	*device.pending = device.result;
	device.pending = NULL;
}

void arch_barrier(void)
{
}

void *arch_map(uint64_t address, uint64_t length, enum arch_memory memory)
{
	REQUIRE(length > 0 && memory == ARCH_MEMORY_RAM);
	return (void *)address;
}

/* -- the firmware -------------------------------------------------------------------------- */

static void start_counting(void *to, uint64_t length)
{
	target = (struct span){to, length};
	device.selects = device.commands = 0;
	device.bytes = 0;
	device.failed = false;
}

static void check_read(const struct blob *blob, uint64_t offset, uint64_t length)
{
	const uint64_t place = 16;

	memset(buffer, 0x5a, length + 2 * place);
	start_counting(buffer + place, length);
	enum status status = blob_read(blob, offset, length, buffer + place);
	for (uint64_t i = 0; i < place; i++)
		REQUIRE(buffer[i] == 0x5a && buffer[place + length + i] == 0x5a);
	/* It seeks at most once, and moves no byte twice. */
	REQUIRE(device.selects <= 1 && device.bytes <= offset + length);
	REQUIRE(device.commands <= (fwcfg.qemu ? 2 : offset / SKIP_PIECE + 2));
	if (!fits(offset, length, blob->size)) {
		REQUIRE(status == STATUS_OUT_OF_RANGE && device.bytes == 0);
		return;
	}
	REQUIRE(status == (device.failed ? STATUS_IO : STATUS_OK));
	if (status != STATUS_OK || (device.options & CHANGES) != 0)
		return;
	for (uint64_t i = 0; i < length; i++)
		REQUIRE(buffer[place + i] == item_byte((uint16_t)blob->key, offset + i));
}

static void check_write(const struct blob *blob, uint64_t offset, uint64_t length)
{
	REQUIRE((blob->write != NULL) == (fwcfg.dma && fwcfg.qemu));
	if (blob->write == NULL)
		return;
	start_counting(buffer, length);
	enum status status = blob->write(blob, offset, length, (uintptr_t)buffer);
	REQUIRE(device.selects <= 1 && device.commands <= 2 && device.bytes <= length);
	if (!fits(offset, length, blob->size))
		REQUIRE(status == STATUS_OUT_OF_RANGE && device.commands == 0);
	else
		REQUIRE(status == (device.failed ? STATUS_IO : STATUS_OK));
	if (status == STATUS_OK)
		REQUIRE(device.selected == blob->key && device.offset == offset + length &&
			device.bytes == length);
}

static void check_integer(uint16_t key, size_t size)
{
	struct le32 expected = {{0}};
	uint32_t value = 0x12345678;

	start_counting(NULL, 0);
	enum status status = fwcfg_read_integer(&fwcfg, key, size, &value);
	REQUIRE(status == (device.failed ? STATUS_IO : STATUS_OK));
	for (size_t i = 0; i < size; i++)
		expected.byte[i] = item_byte(key, i);
	if (status != STATUS_OK)
		REQUIRE(value == 0x12345678);
	else if ((device.options & CHANGES) == 0)
		REQUIRE(value == le32_get(expected));
}

static void check_directory(void)
{
	struct reason why = {""};
	struct be32 count = {{0}};

	for (size_t i = 0; i < sizeof(count); i++)
		count.byte[i] = item_byte(FWCFG_DIRECTORY, i);
	start_counting(&fwcfg.directory, sizeof(fwcfg.directory));
	enum status status = fwcfg_read_directory(&fwcfg, &why);
	REQUIRE(fwcfg.files <= FWCFG_FILES_MAX && device.selects <= 1);
	REQUIRE(device.commands <= 2);
	REQUIRE(device.bytes <= sizeof(fwcfg.directory));
	REQUIRE((status == STATUS_OK) == (why.text[0] == '\0'));
	if (device.failed)
		REQUIRE(status == STATUS_IO);
	else if ((device.options & CHANGES) == 0)
		REQUIRE(be32_get(count) > FWCFG_FILES_MAX
				? status == STATUS_TOO_LARGE
				: status == STATUS_OK && fwcfg.files == be32_get(count));
}

/* What is looked up by, of a name shorter than nine bytes also what follows its end. */
static unsigned list_of(const char *name)
{
	return ((uint8_t)name[6] + 4u * (uint8_t)name[8]) % FWCFG_LISTS;
}

/* The first of the directory's entries, as it was read, with this name, byte for byte. */
static const struct fwcfg_file *entry_of(const char *name)
{
	for (size_t i = 0; i < fwcfg.files; i++) {
		const char *other = fwcfg.directory.file[i].name.text;
		if (list_of(other) == list_of(name) &&
		    strnlen(other, sizeof(struct name)) < sizeof(struct name) &&
		    strcmp(other, name) == 0)
			return &fwcfg.directory.file[i];
	}
	return NULL;
}

static bool check_find(unsigned index, struct blob *ret_blob)
{
	/* In whole words, as NAME() makes them. */
	char name[64] = "opt/org.slipway/kernel";

	if (index < fwcfg.files)
		memcpy(name, fwcfg.directory.file[index].name.text, sizeof(struct name));
	const struct fwcfg_file *entry = entry_of(name);
	bool found = fwcfg_find(&fwcfg, name, ret_blob);
	REQUIRE(found == (entry != NULL));
	if (found)
		REQUIRE(ret_blob->key == be16_get(entry->select) &&
			ret_blob->size == be32_get(entry->size));
	return found;
}

static void operate(struct input *input)
{
	unsigned what = input_byte(input) % OPERATIONS;
	uint16_t key = (uint16_t)input_number(input, 2);
	uint64_t size = input_number(input, 2);
	uint64_t offset = input_number(input, 2);
	uint64_t length = input_number(input, 2) & 0xfff;
	struct blob blob = fwcfg_item(&fwcfg, key, size);

	/* QEMU skips what lies before in one command. */
	if (fwcfg.qemu) {
		offset *= 0x101;
		blob.size = size * 0x101;
	}
	switch (what) {
	case FIND:
		if (check_find(key, &blob))
			check_read(&blob, offset, length);
		break;
	case READ:
		check_read(&blob, offset, length);
		break;
	case WRITE:
		check_write(&blob, offset, length);
		break;
	case INTEGER:
		check_integer(key, size % 5);
		break;
	case DIRECTORY:
		check_directory();
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct input input = {bytes, size};

	memset(&device, 0, sizeof(device));
	memset(&fwcfg, 0, sizeof(fwcfg));
	device.options = input_byte(&input);
	device.id = input_byte(&input);
	device.failing = input_byte(&input);
	device.patience = input_byte(&input);
	size_t directory_size = input_number(&input, 2);
	if (directory_size > input.left)
		directory_size = input.left;
	device.directory = (struct span){input.at, directory_size};
	input.at += directory_size;
	input.left -= directory_size;

	const struct fwcfg_device place = {
		.registers = 0x1234,
		.dma = (device.options & HAS_DMA_REGISTER) != 0,
		.qemu_if_dma = (device.options & QEMU_IF_DMA) != 0,
	};
	start_counting(NULL, 0);
	enum status status = fwcfg_open(&fwcfg, &place);
	REQUIRE(device.commands == 0 && device.bytes <= 5 && device.selects <= 2);
	if ((device.options & (NO_SIGNATURE | CHANGES)) == 0)
		REQUIRE(status == STATUS_OK);
	if (status != STATUS_OK) {
		REQUIRE(status == STATUS_NOT_FOUND);
		return 0;
	}
	check_directory();
	for (unsigned i = 0; i < OPERATIONS_MAX && input.left > 0; i++)
		operate(&input);
	return 0;
}
