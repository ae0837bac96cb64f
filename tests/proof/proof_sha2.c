/* SPDX-License-Identifier: BSD-2-Clause */
#include "proof.h"

#include "measure/sha2.c"

/*
 * What the compression makes of blocks is not proved: it is replaced by something that may make
 * anything of them. What is proved is that the right bytes get there. All that it is given is one
 * row, from the start of the block that was not whole; an arbitrary byte of it is watched, which
 * stands for all. Nothing is decided by their values: of an update it is enough to know where the
 * watched byte goes, and of the end what is written to the place where it is given.
 */
static struct {
	uint64_t given;  /* bytes so far */
	uint64_t number; /* of the watched one in the row */
	uint8_t *place;  /* where it is now */
	bool was_given;
	bool at_end;
	uint8_t value; /* at the end, when it was given */
	struct sha2 *hash;
} row;

/* Of the context, nothing but the block is written to like that. */
static bool is_writable(const void *to, size_t size)
{
	const uint8_t *block = row.hash->block;

	if (!__CPROVER_same_object(to, row.hash))
		return __CPROVER_w_ok(to, size);
	return (const uint8_t *)to >= block &&
	       fits((uint64_t)((const uint8_t *)to - block), size, row.hash->block_size);
}

static bool is_watched(const void *start, size_t size)
{
	return __CPROVER_same_object(row.place, start) && row.place >= (const uint8_t *)start &&
	       (size_t)(row.place - (const uint8_t *)start) < size;
}

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
	PROVE(size == 0 || __CPROVER_r_ok(from, size));
	PROVE(row.hash == NULL || is_writable(to, size));
	if (row.at_end) {
		/* A word. */
		PROVE(size <= 8);
		for (size_t i = 0; i < size; i++)
			((uint8_t *)to)[i] = ((const uint8_t *)from)[i];
		return to;
	}
	PROVE(row.was_given || !is_watched(to, size));
	if (is_watched(from, size))
		row.place = (uint8_t *)to + (row.place - (const uint8_t *)from);
	return to;
}

void *memset(void *to, int value, size_t size)
{
	PROVE(is_writable(to, size));
	if (is_watched(to, size))
		*row.place = (uint8_t)value;
	return to;
}

static void take(void *state, size_t state_size, const uint8_t *bytes, size_t size)
{
	PROVE(__CPROVER_r_ok(bytes, size) && __CPROVER_w_ok(state, state_size));
	if (row.number >= row.given && row.number - row.given < size) {
		PROVE(row.place == bytes + (row.number - row.given));
		if (row.at_end)
			row.value = *row.place;
		row.was_given = true;
	}
	row.given += size;
	__CPROVER_havoc_slice(state, state_size);
}

void sha256_block(uint32_t state[8], const uint8_t *bytes)
{
	take(state, 8 * sizeof(*state), bytes, SHA256_BLOCK_SIZE);
}

void sha512_block(uint64_t state[8], const uint8_t *bytes)
{
	take(state, 8 * sizeof(*state), bytes, SHA384_BLOCK_SIZE);
}

void sha256_blocks_cpu(uint32_t state[8], const uint8_t *bytes, size_t size)
{
	PROVE(size > 0 && size % SHA256_BLOCK_SIZE == 0);
	take(state, 8 * sizeof(*state), bytes, size);
}

#define LENGTH_MAX (1ul << 61)

/* As sha2_init() and any number of updates may leave one, and @size bytes more may come. */
static struct sha2 any_hash(uint32_t block_size, bool by_cpu, size_t size)
{
	struct sha2 hash;

	hash.block_size = block_size;
	hash.by_cpu = by_cpu;
	ASSUME(hash.length < LENGTH_MAX - size);
	return hash;
}

static void check_update(uint32_t block_size, bool by_cpu, size_t max)
{
	size_t size = any_up_to(max);
	const struct span message = {any_bytes(size), size};
	struct sha2 hash = any_hash(block_size, by_cpu, size);
	const struct sha2 before = hash;
	size_t used = before.length % block_size;

	row.hash = &hash;
	row.number = any_u64();
	ASSUME(row.number < used + size);
	row.place = row.number < used ? hash.block + row.number
				      : (uint8_t *)message.bytes + (row.number - used);
	sha2_update(&hash, message);

	PROVE(hash.length == before.length + size);
	PROVE(hash.block_size == block_size && hash.by_cpu == by_cpu);
	PROVE(row.given == (used + size) / block_size * block_size);
	PROVE(row.was_given == (row.number < row.given));
	if (row.was_given) {
		REACHED("a byte that was given");
	} else {
		REACHED("a byte that is kept for later");
		PROVE(row.place == hash.block + (row.number - row.given));
	}
	if (used != 0 && row.given > 2 * block_size && (used + size) % block_size != 0)
		REACHED("the rest of a block, blocks, and the start of one");
}

/**
 * sha2_init() gives what the other proofs take for a context.
 * Bound: none.
 */
PROOF(sha2_init, 1)
{
	struct sha2 hash;
	enum sha2_kind kind = any_bool() ? SHA2_384 : SHA2_256;
	enum sha2_engine engine = any_bool() ? SHA2_CPU : SHA2_PORTABLE;

	sha2_init(&hash, kind, engine);
	PROVE(hash.length == 0);
	PROVE(hash.block_size == (kind == SHA2_384 ? SHA384_BLOCK_SIZE : SHA256_BLOCK_SIZE));
	PROVE(hash.by_cpu == (kind == SHA2_256 && engine == SHA2_CPU));
}

/**
 * sha2_update() hands every byte of the message over once, in its order, in whole blocks, or keeps
 * it in the context; it reads no other, and writes to the context alone. SHA-256, portable.
 * Bound: any context; messages of 0 to 200 bytes.
 * Loops: add_blocks.0:4
 */
PROOF(sha2_update_256, 4)
{
	check_update(SHA256_BLOCK_SIZE, false, 200);
}

/**
 * The same of SHA-384.
 * Bound: any context; messages of 0 to 400 bytes.
 * Loops: add_blocks.0:4
 */
PROOF(sha2_update_384, 4)
{
	check_update(SHA384_BLOCK_SIZE, false, 400);
}

/**
 * The same of SHA-256 where the CPU has instructions, between switching vector registers on and
 * off.
 * Bound: any context; messages of 0 bytes to 1 TiB.
 */
PROOF(sha2_update_cpu, 4)
{
	check_update(SHA256_BLOCK_SIZE, true, 1ul << 40);
}

/* FIPS 180-4, 5.1.1 and 5.1.2: the length has 64 or 128 bits. */
static void check_final(uint32_t block_size, bool by_cpu, size_t digest_size)
{
	struct sha2 hash = any_hash(block_size, by_cpu, 0);
	const struct sha2 before = hash;
	size_t used = before.length % block_size;
	size_t padded = used + 1 + block_size / 8 <= block_size ? block_size : 2 * block_size;
	uint8_t *digest = any_bytes(digest_size);
	uint64_t at = any_up_to(digest_size - 1);

	row.hash = &hash;
	row.at_end = true;
	row.number = any_up_to(padded - 1);
	row.place = hash.block + row.number % block_size;
	sha2_final(&hash, digest);

	PROVE(row.given == padded && row.was_given);
	if (padded > block_size)
		REACHED("two blocks");
	if (row.number < used) {
		REACHED("a byte of the message");
		PROVE(row.value == before.block[row.number]);
	} else if (row.number == used) {
		REACHED("the bit behind it");
		PROVE(row.value == 0x80);
	} else if (row.number < padded - 8) {
		REACHED("a zero");
		PROVE(row.value == 0);
	} else {
		REACHED("a byte of the length");
		PROVE(row.value == (uint8_t)(before.length * 8 >> (padded - 1 - row.number) * 8));
	}
	if (block_size == SHA384_BLOCK_SIZE)
		PROVE(digest[at] == (uint8_t)(hash.state.word64[at / 8] >> (7 - at % 8) * 8));
	else
		PROVE(digest[at] == (uint8_t)(hash.state.word32[at / 4] >> (3 - at % 4) * 8));
}

/**
 * sha2_final() hands over what is left, a bit, zeros up to the end of a block, and the length in
 * bits; the digest has its size, and is the state, the highest byte of each word first. SHA-256.
 * Bound: none.
 */
PROOF(sha2_final_256, 9)
{
	check_final(SHA256_BLOCK_SIZE, any_bool(), SHA256_SIZE);
}

/**
 * The same of SHA-384.
 * Bound: none.
 */
PROOF(sha2_final_384, 9)
{
	check_final(SHA384_BLOCK_SIZE, false, SHA384_SIZE);
}
