/* SPDX-License-Identifier: BSD-2-Clause */
#include "fwcfg/fwcfg.h"

#include <string.h>

#include "arch/io.h"
#include "arch/memory.h"
#include "fwcfg/transport.h"
#include "lib/check.h"
#include "lib/checked.h"

#define SIGNATURE_SIZE 4
#define ID_PORTS       0x01 /* "traditional" interface: every device has it */
#define ID_DMA         0x02

/* fw_cfg.rst, "Guest-side DMA interface" */
struct dma_access {
	struct be32 control;
	struct be32 length;
	struct be64 address;
};
_Static_assert(sizeof(struct dma_access) == 16, "fw_cfg.rst, FWCfgDmaAccess");

#define DMA_ERROR        0x01u
#define DMA_READ         0x02u
#define DMA_SKIP         0x04u
#define DMA_SELECT       0x08u
#define DMA_WRITE        0x10u
#define DMA_SELECT_SHIFT 16
#define DMA_LENGTH_MAX   0xfffff000u

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
	fwcfg->selected_known = true;
	fwcfg->position = 0;
}

static inline enum status transfer(struct fwcfg *fwcfg, uint32_t control, uint32_t length,
				   uint64_t address)
{
	struct dma_access access = {
		.control = be32_of(control),
		.length = be32_of(length),
		.address = be64_of(address),
	};

	arch_barrier();
	transport_start_dma(fwcfg->registers, (uintptr_t)&access, fwcfg->qemu);
	for (unsigned round = 0; round < DMA_WAIT_ROUNDS; round++) {
		arch_barrier();
		uint32_t state = be32_get(access.control);
		if (state == 0)
			return STATUS_OK;
		if ((state & DMA_ERROR) != 0)
			return STATUS_IO;
		arch_relax();
	}
	return STATUS_TIMEOUT;
}

/* Whether a command without a selection would start at @offset of item @key. */
static inline bool stands_at(const struct fwcfg *fwcfg, uint16_t key, uint64_t offset)
{
	return fwcfg->selected_known && fwcfg->selected == key && fwcfg->position == offset;
}

/*
 * One DMA command on item @key, which stands at @offset, or, for QEMU, from its
 * start. Elsewhere the selector register does the selecting, since the control
 * bits differ (docs/fw_cfg.md).
 */
static enum status dma_command(struct fwcfg *fwcfg, uint16_t key, uint64_t offset, uint32_t command,
			       uint32_t length, uint64_t address)
{
	if (fwcfg->qemu && offset == 0)
		command |= DMA_SELECT | (uint32_t)key << DMA_SELECT_SHIFT;
	else
		CHECK(stands_at(fwcfg, key, offset));
	enum status status = transfer(fwcfg, command, length, address);
	fwcfg->selected = key;
	fwcfg->selected_known = status == STATUS_OK;
	fwcfg->position = offset + length;
	return status;
}

static enum status read_bytes(struct fwcfg *fwcfg, uint64_t length, uint64_t to)
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
static enum status seek(struct fwcfg *fwcfg, uint16_t key, uint64_t offset)
{
	uint8_t scratch[SKIP_PIECE];

	if (!fwcfg->selected_known || fwcfg->selected != key || fwcfg->position > offset)
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

static __attribute__((noinline)) enum status
read_from(struct fwcfg *fwcfg, uint16_t key, uint64_t offset, uint64_t length, uint64_t to)
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
	uint16_t key = (uint16_t)blob->key;

	if (!fits(offset, length, blob->size))
		return STATUS_OUT_OF_RANGE;
	if (length == 0)
		return STATUS_OK;
	/* Most reads are of a whole item, from QEMU. */
	if (fwcfg->qemu && offset == 0 && length <= DMA_LENGTH_MAX)
		return dma_command(fwcfg, key, 0, DMA_READ, (uint32_t)length, to);
	return read_from(fwcfg, key, offset, length, to);
}

/* Only QEMU's write command is known. */
static enum status write_item(const struct blob *blob, uint64_t offset, uint64_t length,
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
		.write = fwcfg->dma && fwcfg->qemu ? write_item : NULL,
		.source = fwcfg,
		.key = key,
	};
}

enum status fwcfg_open(struct fwcfg *fwcfg, const struct fwcfg_device *device)
{
	char signature[SIGNATURE_SIZE];

	fwcfg->registers = device->registers;
	fwcfg->dma = false;
	fwcfg->qemu = false;
	fwcfg->files = 0;
	select_item(fwcfg, FWCFG_SIGNATURE);
	transport_read(fwcfg->registers, signature, sizeof(signature));
	fwcfg->position = sizeof(signature);
	if (memcmp(signature, "QEMU", sizeof(signature)) != 0)
		return STATUS_NOT_FOUND;
	select_item(fwcfg, FWCFG_ID);
	uint8_t id;
	transport_read(fwcfg->registers, &id, sizeof(id));
	fwcfg->position = 1;
	fwcfg->dma = device->dma && (id & ID_DMA) != 0;
	fwcfg->qemu = fwcfg->dma && device->qemu_if_dma;
	fwcfg->crosvm = (id & ID_PORTS) == 0;
	return STATUS_OK;
}

/* One of 64 bits for the first eight bytes of a name (Knuth, multiplicative hashing). */
static uint64_t first_word_bit(uint64_t word)
{
	return 1ul << (word * 0x9e3779b97f4a7c15ul >> 58);
}

enum status fwcfg_read_directory(struct fwcfg *fwcfg, struct reason *why)
{
	struct blob directory =
		fwcfg_item(fwcfg, FWCFG_DIRECTORY, sizeof(struct be32) + sizeof(fwcfg->file));
	struct be32 count;

	enum status status = blob_read(&directory, 0, sizeof(count), &count);
	if (status != STATUS_OK)
		return refuse(why, status, "the fw_cfg directory cannot be read");
	if (be32_get(count) > FWCFG_FILES_MAX)
		return refuse(why, STATUS_TOO_LARGE,
			      "the fw_cfg directory claims %u files, the limit is %u",
			      be32_get(count), FWCFG_FILES_MAX);
	status = blob_read(&directory, sizeof(count), be32_get(count) * sizeof(struct fwcfg_file),
			   fwcfg->file);
	if (status != STATUS_OK)
		return refuse(why, status, "the fw_cfg directory cannot be read");
	fwcfg->files = be32_get(count);
	fwcfg->first_words = 0;
	for (size_t i = 0; i < fwcfg->files; i++)
		fwcfg->first_words |= first_word_bit(name_word(fwcfg->file[i].name.text, 0));
	return STATUS_OK;
}

bool fwcfg_find(struct fwcfg *fwcfg, const char *name, struct blob *ret_blob)
{
	uint64_t first = name_word(name, 0);
	bool is_long = name_zero_bytes(first) == 0;

	/* Most searches are for files that do not exist. */
	if (is_long && (fwcfg->first_words & first_word_bit(first)) == 0)
		return false;
	for (size_t i = 0; i < fwcfg->files; i++) {
		const struct fwcfg_file *file = &fwcfg->file[i];
		if (is_long && name_word(file->name.text, 0) != first)
			continue;
		if (!name_equal(name, &file->name))
			continue;
		*ret_blob = fwcfg_item(fwcfg, be16_get(file->select), be32_get(file->size));
		return true;
	}
	return false;
}

enum status fwcfg_read_integer(struct fwcfg *fwcfg, uint16_t key, size_t size, uint32_t *ret_value)
{
	struct blob item = fwcfg_item(fwcfg, key, size);
	struct le32 value = le32_of(0);

	CHECK(size <= sizeof(value));
	enum status status = blob_read(&item, 0, size, &value);
	if (status != STATUS_OK)
		return status;
	*ret_value = le32_get(value);
	return STATUS_OK;
}
