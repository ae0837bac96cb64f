/* SPDX-License-Identifier: BSD-2-Clause */
#include "proof.h"

#include "loader/unpack.c"

#define FILE_MAX 0x200000000ul

/* CBMC has no model of it. */
void *memchr(const void *bytes, int value, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (((const uint8_t *)bytes)[i] == (uint8_t)value)
			return (uint8_t *)bytes + i;
	}
	return NULL;
}

/**
 * unpack_find() reads nothing behind a file, and what it finds lies inside: a stream with its
 * size, which is not 0, where that kind has it. It knows no more files than unpack_is_packed().
 * Bound: files of 0 to 8 GiB.
 */
PROOF(unpack_find, 33)
{
	size_t size = any_up_to(FILE_MAX);
	const struct span file = {any_bytes(size), size};
	struct packed packed, before = packed;
	struct reason why;

	if (unpack_find(file, &packed, &why) != STATUS_OK) {
		REACHED("a refusal");
		PROVE(packed.kind == before.kind && packed.unpacked_size == before.unpacked_size);
		return;
	}
	PROVE(unpack_is_packed(file));
	PROVE(packed.unpacked_size > 0 && packed.unpacked_size <= UINT32_MAX);
	PROVE(packed.bytes.size > 0 && packed.bytes.size <= UINT32_MAX);
	PROVE(__CPROVER_same_object(packed.bytes.bytes, file.bytes));
	uint64_t offset = (uint64_t)(packed.bytes.bytes - file.bytes);
	PROVE(fits(offset, packed.bytes.size, size));
	if (packed.kind == UNPACK_ZSTD) {
		REACHED("zstd in a zboot image");
		PROVE(offset >= sizeof(struct zboot_header));
		PROVE(fits(offset + packed.bytes.size, sizeof(struct le32), size));
	} else {
		PROVE(packed.kind == UNPACK_GZIP);
		PROVE(packed.bytes.bytes[0] == GZIP_ID1 && packed.bytes.bytes[1] == GZIP_ID2);
		PROVE(packed.bytes.size >=
		      sizeof(struct gzip_header) + sizeof(struct gzip_trailer));
		if (offset == 0)
			REACHED("a gzip file");
		else
			REACHED("gzip in a zboot image");
	}
}

/**
 * What zlib gets lies in the workspace, behind what it got before, and at a multiple of 16.
 * Bound: up to 7 items of any size.
 */
PROOF(unpack_arena, 1)
{
	static uint8_t workspace[UNPACK_WORKSPACE_SIZE];
	uint64_t used = any_up_to(UNPACK_WORKSPACE_SIZE / 16) * 16;
	struct arena arena = {workspace + used, UNPACK_WORKSPACE_SIZE - used};
	uint32_t items = any_byte() & 7, size = any_u32();

	uint8_t *got = arena_alloc(&arena, items, size);
	if (got == Z_NULL) {
		REACHED("no room");
		PROVE((uint64_t)items * size > UNPACK_WORKSPACE_SIZE - used);
		PROVE(arena.next == workspace + used);
		return;
	}
	REACHED("room");
	PROVE(got == workspace + used && used % 16 == 0);
	PROVE(fits(used, (uint64_t)items * size, UNPACK_WORKSPACE_SIZE));
	PROVE(arena.next == workspace + UNPACK_WORKSPACE_SIZE - arena.left);
	PROVE(arena.left <= UNPACK_WORKSPACE_SIZE - used - (uint64_t)items * size);
}
