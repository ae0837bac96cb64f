/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MEASURE_PCR_H
#define MEASURE_PCR_H

#include <stddef.h>
#include <stdint.h>

/** TPM_ALG_ID of the digests that we compute (TPM 2.0 Library part 2, table 9). */
#define PCR_SHA256 0x000b
#define PCR_SHA384 0x000c

#define PCR_SHA256_SIZE     32
#define PCR_SHA384_SIZE     48
#define PCR_DIGEST_SIZE_MAX 64

/** PCRs that a PC's TPM has, in each bank. */
#define PCR_COUNT 24

/**
 * What each byte of a digest is in banks whose algorithm we do not compute. Such a bank is
 * extended all the same, or whoever runs later could make it say anything, and its value never
 * passes for a measurement.
 */
#define PCR_UNKNOWN 0xfe

/** All PCRs of one hash algorithm. */
struct pcr_bank {
	uint16_t algorithm; /**< TPM_ALG_ID */
	uint16_t size;      /**< bytes of its digest */
};

/* As many as there are algorithms that pcr_digest_size() knows. */
#define PCR_BANKS_MAX 8

/** The active banks, each algorithm once. */
struct pcr_banks {
	size_t count;
	struct pcr_bank bank[PCR_BANKS_MAX];
};

/** Of the same bytes. */
struct pcr_digests {
	uint8_t sha256[PCR_SHA256_SIZE];
	uint8_t sha384[PCR_SHA384_SIZE];
};

/** Bytes of a digest with @algorithm, of those that TPMs have; 0 for any other. */
uint16_t pcr_digest_size(uint16_t algorithm);

/** Writes the digest for @bank, of @bank.size bytes. */
void pcr_write_digest(struct pcr_bank bank, const struct pcr_digests *digests, uint8_t *to);

#endif
