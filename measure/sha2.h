/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MEASURE_SHA2_H
#define MEASURE_SHA2_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/span.h"

/* SHA-256 and SHA-384, of FIPS 180-4. */

#define SHA256_SIZE   32
#define SHA384_SIZE   48
#define SHA2_SIZE_MAX SHA384_SIZE

enum sha2_kind {
	SHA2_256,
	SHA2_384,
};

/** What computes SHA-256. SHA-384 is computed by our own code alone. */
enum sha2_engine {
	SHA2_PORTABLE,
	SHA2_CPU, /**< the CPU's instructions for it: arch_has_sha256() */
};

/** A hash of a message that comes in pieces. */
struct sha2 {
	union {
		uint32_t word32[8];
		uint64_t word64[8];
	} state;
	uint8_t block[128]; /**< the end of what has come, that is no whole block yet */
	uint64_t length;    /**< of what has come, in bytes */
	uint32_t block_size;
	bool by_cpu;
};

/** Begins a message. */
void sha2_init(struct sha2 *hash, enum sha2_kind kind, enum sha2_engine engine);

/** Goes on with it. In all it has less than 2^61 bytes, which is SHA-256's own limit. */
void sha2_update(struct sha2 *hash, struct span bytes);

/**
 * Ends it: SHA256_SIZE or SHA384_SIZE bytes go to @ret_digest. To hash another one, begin with
 * sha2_init() again.
 */
void sha2_final(struct sha2 *hash, uint8_t *ret_digest);

#endif
