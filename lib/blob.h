/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LIB_BLOB_H
#define LIB_BLOB_H

#include <stdint.h>

#include "lib/status.h"

/**
 * A finite run of bytes that a source hands over: a fw_cfg item, or bytes in
 * memory. A reader asks for any part to be put straight into its final place.
 */
struct blob {
	/** Length in bytes, read once from the host. */
	uint64_t size;

	/**
	 * Copies @length bytes from @offset to the physical address @to. Own
	 * memory is identity-mapped, so a pointer is such an address too.
	 * STATUS_OUT_OF_RANGE when the part is not inside the blob, and the
	 * source's own errors.
	 */
	enum status (*read)(const struct blob *blob, uint64_t offset, uint64_t length, uint64_t to);

	/** The same in the other direction, or NULL when the source takes no writes. */
	enum status (*write)(const struct blob *blob, uint64_t offset, uint64_t length,
			     uint64_t from);

	void *source; /**< belongs to read and write */
	uint32_t key; /**< belongs to read and write */
};

/** Reads into our own memory at @to. */
MUST_CHECK static inline enum status blob_read(const struct blob *blob, uint64_t offset,
					       uint64_t length, void *to)
{
	return blob->read(blob, offset, length, (uintptr_t)to);
}

/** A part of a blob: its bytes from @offset on. */
struct blob_piece {
	const struct blob *whole;
	uint64_t offset;
	uint64_t size; /**< 0: none, whatever the others are */
};

/** The second of two pieces starts at a multiple of this; zeros lie between them. */
#define BLOB_PIECE_ALIGNMENT 4

/** What a blob of one or two pieces reads from. */
struct blob_pieces {
	struct blob_piece piece[2];
	/** Makes memory accessible that zeros are to be written to, or NULL; as boot_map_ram(). */
	void *(*map)(uint64_t address, uint64_t length);
};

/**
 * Makes @ret_blob the pieces, one behind the other; nothing precedes or follows a piece that is
 * alone. Reads are passed on, so that a device still writes straight into the final place;
 * only the zeros are written by us, for which map has to work, or the read gives
 * STATUS_NO_MEMORY. Reads are as safe as those of the blobs behind them.
 *
 * @pieces and the blobs that it names stay where they are for as long as @ret_blob is used.
 *
 * STATUS_OUT_OF_RANGE when a piece is not inside its blob, STATUS_TOO_LARGE when the sum of
 * the sizes does not fit into 64 bits.
 */
MUST_CHECK enum status blob_of_pieces(const struct blob_pieces *pieces, struct blob *ret_blob);

#endif
