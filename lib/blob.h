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

#endif
