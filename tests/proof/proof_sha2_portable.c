/* SPDX-License-Identifier: BSD-2-Clause */
#include "proof.h"

#include "measure/sha2_portable.c"

/**
 * sha256_block() reads a block, and writes to the state alone.
 * Bound: none.
 */
PROOF(sha256_block, 65)
{
	uint32_t *state = any_bytes(8 * sizeof(*state));

	sha256_block(state, any_bytes(SHA256_BLOCK_SIZE));
	REACHED("a state");
}

/**
 * sha512_block() likewise.
 * Bound: none.
 */
PROOF(sha512_block, 81)
{
	uint64_t *state = any_bytes(8 * sizeof(*state));

	sha512_block(state, any_bytes(SHA384_BLOCK_SIZE));
	REACHED("a state");
}
