/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROOF_CLAIMS_H
#define PROOF_CLAIMS_H

#include "lib/checked.h"
#include "lib/memmap.h"
#include "proof.h"

/*
 * Any map of memory at all, for code that places things by it. What it says of one arbitrary
 * address stands for all. memmap_claim() and memmap_alloc() do what proof_memmap.c shows of them:
 * what they give was free RAM, and is no longer. Whether there is some is arbitrary.
 */

static struct {
	uint64_t address;
	enum memmap_type type;
} witness;

static inline bool has_witness(uint64_t start, uint64_t size)
{
	return witness.address >= start && witness.address - start < size;
}

/* Before anything that a boot loads is in memory. */
static inline void any_claims(void)
{
	witness.address = any_u64();
	witness.type = (enum memmap_type)any_up_to(MEMMAP_FIRMWARE);
}

/* That is RAM, and free. */
static inline void note_claim(uint64_t start, uint64_t size, enum memmap_type type)
{
	ASSUME(size <= UINT64_MAX - start);
	if (!has_witness(start, size))
		return;
	ASSUME(witness.type == MEMMAP_RAM);
	witness.type = type;
}

/** Whether all of a range is claimed as that: so ranges of two types do not overlap. */
static inline bool is_claimed(uint64_t start, uint64_t size, enum memmap_type type)
{
	return !has_witness(start, size) || witness.type == type;
}

enum status memmap_claim(struct memmap *map, uint64_t start, uint64_t size, enum memmap_type type)
{
	(void)map;
	PROVE(size > 0);
	if (any_bool())
		return any_bool() ? STATUS_OVERLAP : STATUS_TOO_LARGE;
	note_claim(start, size, type);
	return STATUS_OK;
}

enum status memmap_alloc(struct memmap *map, const struct memmap_request *request,
			 uint64_t *ret_start)
{
	uint64_t start = any_u64();

	(void)map;
	PROVE(request->size > 0 && is_power_of_two(request->alignment));
	if (any_bool())
		return any_bool() ? STATUS_NO_MEMORY : STATUS_TOO_LARGE;
	ASSUME(align_down(start, request->alignment) == start && start >= request->min);
	ASSUME(fits(start, request->size, request->max));
	note_claim(start, request->size, request->type);
	*ret_start = start;
	return STATUS_OK;
}

enum status memmap_alloc_low(struct memmap *map, uint64_t size, uint64_t alignment,
			     enum memmap_type type, uint64_t *ret_start)
{
	const bool is_low = any_bool();
	const struct memmap_request request = {
		.size = size,
		.alignment = alignment,
		.min = is_low ? MEMMAP_LOW_START : 0x100000,
		.max = is_low ? MEMMAP_LOW_END : MEMMAP_4G,
		.type = type,
	};

	return memmap_alloc(map, &request, ret_start);
}

#endif
