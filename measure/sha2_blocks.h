/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MEASURE_SHA2_BLOCKS_H
#define MEASURE_SHA2_BLOCKS_H

#include <stddef.h>
#include <stdint.h>

/* What sha2.c is made of: each takes a block, or whole blocks, into @state. */

#define SHA256_BLOCK_SIZE 64u
#define SHA384_BLOCK_SIZE 128u /* and of SHA-512 */

/** FIPS 180-4, 6.2.2. */
void sha256_block(uint32_t state[8], const uint8_t *bytes);

/** The same for @size bytes by instructions, if arch_has_sha256(). */
void sha256_blocks_cpu(uint32_t state[8], const uint8_t *bytes, size_t size);

/** FIPS 180-4, 6.4.2. */
void sha512_block(uint64_t state[8], const uint8_t *bytes);

/**
 * K of SHA-384 and SHA-512 (FIPS 180-4, 4.2.3). The upper halves of the first 64 are SHA-256's
 * (4.2.2), since both are the first bits of the same roots.
 */
extern const uint64_t sha2_constants[80];

#endif
