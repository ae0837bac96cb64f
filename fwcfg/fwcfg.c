/* SPDX-License-Identifier: BSD-2-Clause */
#include "fwcfg/fwcfg.h"

#include <string.h>

#include "arch/io.h"
#include "arch/memory.h"
#include "fwcfg/transport.h"
#include "lib/attributes.h"
#include "lib/check.h"
#include "lib/checked.h"

#define SIGNATURE_SIZE 4

/* fw_cfg.rst, "Guest-side DMA interface" */
#define DMA_ERROR        0x01u
#define DMA_READ         0x02u
#define DMA_SKIP         0x04u
#define DMA_SELECT       0x08u
#define DMA_WRITE        0x10u
#define DMA_SELECT_SHIFT 16
#define DMA_LENGTH_MAX   0xfffff000u

/* No key. */
#define NONE_SELECTED 0x10000u

/* Entries of the directory that are read with their count, where the host is QEMU: its slots. */
#define ENTRIES_AT_FIRST (FWCFG_FILES_MAX < 32 ? FWCFG_FILES_MAX : 32)

/* A transfer is complete when the port write returns, on every VMM known. Tests wait less. */
#ifndef DMA_WAIT_ROUNDS
#define DMA_WAIT_ROUNDS 100000000
#endif

/* Bytes that one round of a fallback moves. */
#define SKIP_PIECE 256
#define COPY_PIECE 0x100000

static void select_item(struct fwcfg *fwcfg, uint16_t key)
{
	transport_select(fwcfg->registers, key);
	fwcfg->selected = key;
	fwcfg->position = 0;
}

/* A command on QEMU's fw_cfg that selects item @key; zeros follow where the item has ended. */
static uint32_t selecting(uint32_t command, uint32_t key)
{
	return command | DMA_SELECT | key << DMA_SELECT_SHIFT;
}

static APART enum status wait_for(const struct fwcfg_access *access)
{
	for (unsigned round = 0; round < DMA_WAIT_ROUNDS; round++) {
		uint32_t state = be32_get(access->control);
		if (state == 0)
			return STATUS_OK;
		if ((state & DMA_ERROR) != 0)
			return STATUS_IO;
		arch_relax();
		arch_barrier();
	}
	return STATUS_TIMEOUT;
}

static inline enum status transfer(struct fwcfg *fwcfg, uint32_t control, uint32_t length,
				   uint64_t address, bool qemu)
{
	struct fwcfg_access *access = &fwcfg->access;

	access->control = be32_of(control);
	access->length = be32_of(length);
	access->address = be64_of(address);
	arch_barrier();
	transport_start_dma(fwcfg->registers, (uintptr_t)access, qemu);
	arch_barrier();
	return be32_get(access->control) == 0 ? STATUS_OK : wait_for(access);
}

/* Whether a command without a selection would start at @offset of item @key. */
static inline bool stands_at(const struct fwcfg *fwcfg, uint16_t key, uint64_t offset)
{
	return fwcfg->selected == key && fwcfg->position == offset;
}

/* Transfers, and notes where that leaves the device. */
static inline enum status command_at(struct fwcfg *fwcfg, uint32_t key, uint64_t offset,
				     uint32_t control, uint32_t length, uint64_t address, bool qemu)
{
	fwcfg->selected = key;
	fwcfg->position = offset + length;
	enum status status = transfer(fwcfg, control, length, address, qemu);
	if (status != STATUS_OK)
		fwcfg->selected = NONE_SELECTED;
	return status;
}

/* Reads QEMU's item @key from its start: what most of a boot's transfers do. */
static APART enum status read_from_start(struct fwcfg *fwcfg, uint32_t key, uint32_t length,
					 uint64_t to)
{
	return command_at(fwcfg, key, 0, selecting(DMA_READ, key), length, to, true);
}

/*
 * One DMA command on item @key, which stands at @offset, or, for QEMU, from its
 * start. Elsewhere the selector register does the selecting, since the control
 * bits differ (docs/fw_cfg.md).
 */
static SELDOM enum status dma_command(struct fwcfg *fwcfg, uint16_t key, uint64_t offset,
				      uint32_t command, uint32_t length, uint64_t address)
{
	if (fwcfg->qemu && offset == 0)
		command = selecting(command, key);
	else
		CHECK(stands_at(fwcfg, key, offset));
	return command_at(fwcfg, key, offset, command, length, address, fwcfg->qemu);
}

static SELDOM enum status read_bytes(struct fwcfg *fwcfg, uint64_t length, uint64_t to)
{
	while (length > 0) {
		uint64_t piece = length < COPY_PIECE ? length : COPY_PIECE;
		void *bytes = arch_map(to, piece, ARCH_MEMORY_RAM);
		if (bytes == NULL)
			return STATUS_NO_MEMORY;
		transport_read(fwcfg->registers, bytes, piece);
		fwcfg->position += piece;
		to += piece;
		length -= piece;
	}
	return STATUS_OK;
}

/* Brings item @key to @offset, by reading what lies before it where nothing else works. */
static SELDOM enum status seek(struct fwcfg *fwcfg, uint16_t key, uint64_t offset)
{
	uint8_t scratch[SKIP_PIECE];

	if (fwcfg->selected != key || fwcfg->position > offset)
		select_item(fwcfg, key);
	while (fwcfg->position < offset) {
		uint64_t at = fwcfg->position;
		uint64_t limit = fwcfg->qemu ? DMA_LENGTH_MAX : SKIP_PIECE;
		uint32_t piece = (uint32_t)(offset - at < limit ? offset - at : limit);
		enum status status;
		if (fwcfg->qemu)
			status = dma_command(fwcfg, key, at, DMA_SKIP, piece, 0);
		else if (fwcfg->dma)
			status = dma_command(fwcfg, key, at, DMA_READ, piece, (uintptr_t)scratch);
		else
			status = read_bytes(fwcfg, piece, (uintptr_t)scratch);
		if (status != STATUS_OK)
			return status;
	}
	return STATUS_OK;
}

static inline enum status prepare(struct fwcfg *fwcfg, uint16_t key, uint64_t offset)
{
	if (stands_at(fwcfg, key, offset) || (fwcfg->qemu && offset == 0))
		return STATUS_OK;
	return seek(fwcfg, key, offset);
}

static SELDOM enum status read_from(struct fwcfg *fwcfg, uint16_t key, uint64_t offset,
				    uint64_t length, uint64_t to)
{
	enum status status = prepare(fwcfg, key, offset);
	if (status == STATUS_OK && !fwcfg->dma)
		return read_bytes(fwcfg, length, to);
	while (status == STATUS_OK && length > 0) {
		uint32_t piece = length < DMA_LENGTH_MAX ? (uint32_t)length : DMA_LENGTH_MAX;
		status = dma_command(fwcfg, key, offset, DMA_READ, piece, to);
		offset += piece;
		to += piece;
		length -= piece;
	}
	return status;
}

static enum status read_item(const struct blob *blob, uint64_t offset, uint64_t length, uint64_t to)
{
	struct fwcfg *fwcfg = blob->source;

	/* Nearly all of a boot's reads. */
	if (fwcfg->qemu && offset == 0 && length - 1 < DMA_LENGTH_MAX && length <= blob->size)
		return read_from_start(fwcfg, blob->key, (uint32_t)length, to);
	if (!fits(offset, length, blob->size))
		return STATUS_OUT_OF_RANGE;
	return length == 0 ? STATUS_OK : read_from(fwcfg, (uint16_t)blob->key, offset, length, to);
}

/* Only QEMU's write command is known. */
static SELDOM enum status write_item(const struct blob *blob, uint64_t offset, uint64_t length,
				     uint64_t from)
{
	struct fwcfg *fwcfg = blob->source;
	uint16_t key = (uint16_t)blob->key;

	if (!fits(offset, length, blob->size) || length > DMA_LENGTH_MAX)
		return STATUS_OUT_OF_RANGE;
	enum status status = prepare(fwcfg, key, offset);
	if (status != STATUS_OK)
		return status;
	return dma_command(fwcfg, key, offset, DMA_WRITE, (uint32_t)length, from);
}

struct blob fwcfg_item(struct fwcfg *fwcfg, uint16_t key, uint64_t size)
{
	return (struct blob){
		.size = size,
		.read = read_item,
		.write = fwcfg->qemu ? write_item : NULL,
		.source = fwcfg,
		.key = key,
	};
}

/* Asks one register after the other, as every VMM's device allows. */
static SELDOM enum status open_by_registers(struct fwcfg *fwcfg, const struct fwcfg_device *device)
{
	char signature[SIGNATURE_SIZE];
	uint8_t id;

	select_item(fwcfg, FWCFG_SIGNATURE);
	transport_read(fwcfg->registers, signature, sizeof(signature));
	fwcfg->position = sizeof(signature);
	if (memcmp(signature, "QEMU", sizeof(signature)) != 0)
		return STATUS_NOT_FOUND;
	select_item(fwcfg, FWCFG_ID);
	transport_read(fwcfg->registers, &id, sizeof(id));
	fwcfg->position = 1;
	fwcfg->dma = device->dma && (id & FWCFG_ID_DMA) != 0;
	fwcfg->qemu = fwcfg->dma && device->qemu_if_dma;
	fwcfg->crosvm = (id & FWCFG_ID_PORTS) == 0;
	return STATUS_OK;
}

enum status fwcfg_open(struct fwcfg *fwcfg, const struct fwcfg_device *device)
{
	fwcfg->registers = device->registers;
	fwcfg->selected = NONE_SELECTED;
	fwcfg->dma = fwcfg->qemu =
		device->dma && device->qemu_if_dma && transport_has_qemu_dma(device->registers);
	fwcfg->crosvm = false;
	return fwcfg->dma ? STATUS_OK : open_by_registers(fwcfg, device);
}

/*
 * By the bytes in which the names that there are differ most, so that hardly two share a list, and
 * what does not exist has none. Of a shorter name, what follows the terminator counts, too.
 */
static inline size_t list_of(const char *text)
{
	return (uint8_t)(text[6] + 4 * text[8]) % FWCFG_LISTS;
}

/* From the last to the first, so that of two files with one name the first is found. */
static void list_files(struct fwcfg *fwcfg)
{
	for (size_t i = fwcfg->files; i > 0; i--) {
		uint16_t *first = &fwcfg->first[list_of(fwcfg->directory.file[i - 1].name.text)];
		fwcfg->next[i - 1] = *first;
		*first = (uint16_t)i;
	}
}

enum status fwcfg_read_directory(struct fwcfg *fwcfg, struct reason *why)
{
	struct fwcfg_directory *directory = &fwcfg->directory;
	struct blob item = fwcfg_item(fwcfg, FWCFG_DIRECTORY, sizeof(*directory));
	uint32_t had = fwcfg->qemu ? ENTRIES_AT_FIRST : 0;

	fwcfg->files = 0;
	memset(fwcfg->first, 0, sizeof(fwcfg->first));
	enum status status =
		blob_read(&item, 0, offsetof(struct fwcfg_directory, file[had]), directory);
	if (status != STATUS_OK)
		return refuse(why, status, "the fw_cfg directory cannot be read");
	uint32_t count = be32_get(directory->count);
	if (count > FWCFG_FILES_MAX)
		return refuse(why, STATUS_TOO_LARGE,
			      "the fw_cfg directory claims %u files, the limit is %u", count,
			      FWCFG_FILES_MAX);
	if (count > had)
		status =
			blob_read(&item, offsetof(struct fwcfg_directory, file[had]),
				  (count - had) * sizeof(struct fwcfg_file), &directory->file[had]);
	if (status != STATUS_OK)
		return refuse(why, status, "the fw_cfg directory cannot be read");
	fwcfg->files = count;
	list_files(fwcfg);
	return STATUS_OK;
}

/* Whether @file is called @name, which has whole words up to its end, or the bytes of a name. */
static inline bool is_called(const struct fwcfg_file *file, const char *name)
{
	for (size_t at = 0; at < sizeof(file->name); at += 8) {
		uint64_t word = name_word(name, at);
		uint64_t differs = word ^ name_word(file->name.text, at);
		uint64_t ends = name_zero_bytes(word);
		if (ends != 0)
			return (differs & (ends ^ (ends - 1))) == 0;
		if (differs != 0)
			return false;
	}
	return false;
}

/* The file called @name, on the list that starts with number @next. */
static APART bool find_on_list(struct fwcfg *fwcfg, size_t next, const char *name,
			       struct blob *ret_blob)
{
	for (; next != 0; next = fwcfg->next[next - 1]) {
		const struct fwcfg_file *file = &fwcfg->directory.file[next - 1];
		if (!is_called(file, name))
			continue;
		*ret_blob = fwcfg_item(fwcfg, be16_get(file->select), be32_get(file->size));
		return true;
	}
	return false;
}

bool fwcfg_find(struct fwcfg *fwcfg, const char *name, struct blob *ret_blob)
{
	size_t first = fwcfg->first[list_of(name)];

	/* Most searches are for files that do not exist. */
	return first != 0 && find_on_list(fwcfg, first, name, ret_blob);
}

enum status fwcfg_read_integer(struct fwcfg *fwcfg, uint16_t key, size_t size, uint32_t *ret_value)
{
	uint64_t to = (uintptr_t)&fwcfg->integer;
	enum status status;

	CHECK(size <= sizeof(fwcfg->integer));
	fwcfg->integer = le32_of(0);
	if (fwcfg->qemu)
		status = read_from_start(fwcfg, key, (uint32_t)size, to);
	else
		status = read_from(fwcfg, key, 0, size, to);
	if (status != STATUS_OK)
		return status;
	*ret_value = le32_get(fwcfg->integer);
	return STATUS_OK;
}
