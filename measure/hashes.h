/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MEASURE_HASHES_H
#define MEASURE_HASHES_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/span.h"
#include "lib/status.h"

/*
 * The table by which whoever launches a confidential VM says what shall run in it: SHA-256 of
 * kernel, initrd and command line, in memory that the launch measures. Source: QEMU
 * docs/system/i386/amd-memory-encryption.rst, target/i386/sev.c (SevHashTable).
 */

/** What a table has a hash of. */
enum hashes_blob {
	HASHES_KERNEL,  /**< setup and rest, as they are delivered */
	HASHES_INITRD,  /**< no bytes when there is none */
	HASHES_CMDLINE, /**< with one NUL at its end */
	HASHES_BLOBS,
};

#define HASHES_DIGEST_SIZE 32

/** A table that has been checked. */
struct hashes {
	uint8_t digest[HASHES_BLOBS][HASHES_DIGEST_SIZE];
};

/** Bytes that tell whether there is a table: a header and the entry behind it. */
#define HASHES_START_SIZE 68

/**
 * Whether there is to be a table at the start of @block: it has HASHES_START_SIZE bytes or more,
 * and the GUID of a table or, where its first entry would be, that of an entry.
 */
bool hashes_are_there(struct span block);

/**
 * Reads the table at the start of @block. That is a copy, which nobody changes meanwhile. What
 * follows the table does not count.
 *
 * STATUS_NOT_FOUND, without a reason, when there is none; STATUS_BAD_FORMAT, STATUS_TRUNCATED or
 * STATUS_OUT_OF_RANGE for one that is not exactly a header and one entry for each blob, in any
 * order.
 */
MUST_CHECK enum status hashes_parse(struct span block, struct hashes *ret_hashes,
				    struct reason *why);

/** STATUS_MISMATCH unless @digest is what the table has for @blob. */
MUST_CHECK enum status hashes_check(const struct hashes *hashes, enum hashes_blob blob,
				    const uint8_t digest[HASHES_DIGEST_SIZE], struct reason *why);

#endif
