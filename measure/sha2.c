/* SPDX-License-Identifier: BSD-2-Clause */
#include "measure/sha2.h"

#include <string.h>

#include "lib/checked.h"
#include "lib/endian.h"
#include "measure/sha2_blocks.h"

#define PADDING_FIRST 0x80

/* FIPS 180-4, 5.3.3 and 5.3.4. */
static const uint32_t initial_256[8] = {
	0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
	0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19,
};
static const uint64_t initial_384[8] = {
	0xcbbb9d5dc1059ed8, 0x629a292a367cd507, 0x9159015a3070dd17, 0x152fecd8f70e5939,
	0x67332667ffc00b31, 0x8eb44a8768581511, 0xdb0c2e0d64f98fa7, 0x47b5481dbefa4fa4,
};

static bool is_384(const struct sha2 *hash)
{
	return hash->block_size == SHA384_BLOCK_SIZE;
}

/* Whole blocks. */
static void add_blocks(struct sha2 *hash, const uint8_t *bytes, size_t size)
{
	if (hash->by_cpu) {
		sha256_blocks_cpu(hash->state.word32, bytes, size);
		return;
	}
	for (; size > 0; size -= hash->block_size, bytes += hash->block_size) {
		if (is_384(hash))
			sha512_block(hash->state.word64, bytes);
		else
			sha256_block(hash->state.word32, bytes);
	}
}

void sha2_init(struct sha2 *hash, enum sha2_kind kind, enum sha2_engine engine)
{
	hash->length = 0;
	if (kind == SHA2_384) {
		hash->block_size = SHA384_BLOCK_SIZE;
		hash->by_cpu = false;
		memcpy(hash->state.word64, initial_384, sizeof(initial_384));
	} else {
		hash->block_size = SHA256_BLOCK_SIZE;
		hash->by_cpu = engine == SHA2_CPU;
		memcpy(hash->state.word32, initial_256, sizeof(initial_256));
	}
}

/* How much of the block has come. */
static size_t used_of(const struct sha2 *hash)
{
	return hash->length & (hash->block_size - 1);
}

void sha2_update(struct sha2 *hash, struct span bytes)
{
	while (bytes.size > 0) {
		size_t used = used_of(hash);
		size_t taken = align_down(bytes.size, hash->block_size);
		if (used == 0 && taken > 0) {
			add_blocks(hash, bytes.bytes, taken);
		} else {
			size_t room = hash->block_size - used;
			taken = bytes.size < room ? bytes.size : room;
			memcpy(hash->block + used, bytes.bytes, taken);
			if (taken == room)
				add_blocks(hash, hash->block, hash->block_size);
		}
		hash->length += taken;
		bytes.bytes += taken;
		bytes.size -= taken;
	}
}

/* FIPS 180-4, 5.1: a bit, zeros, and the length in bits in the last eighth of a block. */
static void pad(struct sha2 *hash)
{
	size_t size = hash->block_size, used = used_of(hash);
	struct be64 bits = be64_of(hash->length * 8);

	hash->block[used++] = PADDING_FIRST;
	memset(hash->block + used, 0, size - used);
	if (used > size - size / 8) {
		add_blocks(hash, hash->block, size);
		memset(hash->block, 0, size);
	}
	memcpy(hash->block + size - sizeof(bits), &bits, sizeof(bits));
	add_blocks(hash, hash->block, size);
}

void sha2_final(struct sha2 *hash, uint8_t *ret_digest)
{
	pad(hash);
	if (is_384(hash)) {
		for (size_t i = 0; i < SHA384_SIZE / 8; i++) {
			struct be64 word = be64_of(hash->state.word64[i]);
			memcpy(ret_digest + 8 * i, &word, sizeof(word));
		}
	} else {
		for (size_t i = 0; i < SHA256_SIZE / 4; i++) {
			struct be32 word = be32_of(hash->state.word32[i]);
			memcpy(ret_digest + 4 * i, &word, sizeof(word));
		}
	}
}
