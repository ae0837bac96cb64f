/* SPDX-License-Identifier: BSD-2-Clause */
#include "fdt/fdt.h"

#include "fdt/format.h"

/*
 * The blocks stand in the order header, reserve map, structure, strings. The names of
 * properties gather beside the tree, and go to its end when that is known.
 */

/* An empty reserve map is its last entry. */
#define STRUCT_OFFSET (sizeof(struct header) + sizeof(struct reserve_entry))
_Static_assert(sizeof(struct header) % 8 == 0, "DTSpec 5.6: the reserve map's alignment");
_Static_assert(STRUCT_OFFSET % FDT_TOKEN_SIZE == 0, "DTSpec 5.6: the structure's alignment");

/* No buffer is so large. */
#define DID_NOT_FIT SIZE_MAX

/* The next @size bytes, or NULL; from then on nothing fits. */
static uint8_t *append(struct fdt_writer *writer, size_t size)
{
	if (!fits(writer->used, size, writer->capacity)) {
		writer->used = DID_NOT_FIT;
		return NULL;
	}
	uint8_t *at = writer->bytes + writer->used;
	writer->used += size;
	return at;
}

static void put_be32(uint8_t *at, uint32_t value)
{
	struct be32 wire = be32_of(value);

	memcpy(at, &wire, sizeof(wire));
}

static void append_token(struct fdt_writer *writer, uint32_t token)
{
	uint8_t *at = append(writer, FDT_TOKEN_SIZE);

	if (at != NULL)
		put_be32(at, token);
}

/* Where the name will be in the strings block. */
static uint32_t append_name(struct fdt_writer *writer, struct span name)
{
	size_t offset = writer->names_used;

	if (!fits(offset, name.size, sizeof(writer->names))) {
		writer->used = DID_NOT_FIT;
		return 0;
	}
	memcpy(writer->names + offset, name.bytes, name.size);
	writer->names_used += name.size;
	return (uint32_t)offset;
}

/* The place of a value of @size bytes, or NULL. */
static uint8_t *append_property(struct fdt_writer *writer, struct span name, size_t size)
{
	if (size > writer->capacity) {
		writer->used = DID_NOT_FIT;
		return NULL;
	}
	size_t padded = (size_t)token_align(size);
	struct property_head head = {
		.token = be32_of(FDT_PROP),
		.len = be32_of((uint32_t)size),
		.nameoff = be32_of(append_name(writer, name)),
	};
	uint8_t *at = append(writer, sizeof(head) + padded);
	if (at == NULL)
		return NULL;
	/* The padding; the value then covers the rest. */
	if (padded > 0)
		put_be32(at + sizeof(head) + padded - FDT_TOKEN_SIZE, 0);
	memcpy(at, &head, sizeof(head));
	return at + sizeof(head);
}

void fdt_write_begin(struct fdt_writer *writer, void *buffer, size_t capacity)
{
	writer->bytes = buffer;
	writer->capacity = capacity;
	writer->used = 0;
	writer->names_used = 0;
	uint8_t *start = append(writer, STRUCT_OFFSET);
	if (start != NULL)
		memset(start, 0, STRUCT_OFFSET);
	fdt_write_node(writer, FDT_NAME(""));
}

void fdt_write_node(struct fdt_writer *writer, struct span name)
{
	size_t padded = (size_t)token_align(name.size);
	uint8_t *at = append(writer, FDT_TOKEN_SIZE + padded);

	if (at == NULL)
		return;
	put_be32(at, FDT_BEGIN_NODE);
	put_be32(at + padded, 0); /* the last four bytes */
	memcpy(at + FDT_TOKEN_SIZE, name.bytes, name.size);
}

void fdt_write_end_node(struct fdt_writer *writer)
{
	append_token(writer, FDT_END_NODE);
}

void fdt_write_bytes(struct fdt_writer *writer, struct span name, struct span value)
{
	uint8_t *at = append_property(writer, name, value.size);

	if (at != NULL && value.size > 0)
		memcpy(at, value.bytes, value.size);
}

void fdt_write_u32(struct fdt_writer *writer, struct span name, uint32_t value)
{
	uint8_t *at = append_property(writer, name, sizeof(value));

	if (at != NULL)
		put_be32(at, value);
}

void fdt_write_u64(struct fdt_writer *writer, struct span name, uint64_t value)
{
	uint8_t *at = append_property(writer, name, sizeof(value));

	if (at != NULL) {
		put_be32(at, (uint32_t)(value >> 32));
		put_be32(at + sizeof(uint32_t), (uint32_t)value);
	}
}

void fdt_write_string(struct fdt_writer *writer, struct span name, struct span text)
{
	uint8_t *at = append_property(writer, name, text.size + 1);

	if (at == NULL)
		return;
	if (text.size > 0)
		memcpy(at, text.bytes, text.size);
	at[text.size] = '\0';
}

enum status fdt_write_end(struct fdt_writer *writer, size_t *ret_size)
{
	append_token(writer, FDT_END_NODE);
	append_token(writer, FDT_END);
	uint8_t *names = append(writer, writer->names_used);
	if (names == NULL)
		return STATUS_TOO_LARGE;
	memcpy(names, writer->names, writer->names_used);

	size_t off_dt_strings = writer->used - writer->names_used;
	struct header header = {
		.magic = be32_of(FDT_MAGIC),
		.totalsize = be32_of((uint32_t)writer->used),
		.off_dt_struct = be32_of(STRUCT_OFFSET),
		.off_dt_strings = be32_of((uint32_t)off_dt_strings),
		.off_mem_rsvmap = be32_of(sizeof(struct header)),
		.version = be32_of(FDT_VERSION),
		.last_comp_version = be32_of(FDT_LAST_VERSION),
		.boot_cpuid_phys = be32_of(0),
		.size_dt_strings = be32_of((uint32_t)writer->names_used),
		.size_dt_struct = be32_of((uint32_t)(off_dt_strings - STRUCT_OFFSET)),
	};
	memcpy(writer->bytes, &header, sizeof(header));
	*ret_size = writer->used;
	return STATUS_OK;
}
