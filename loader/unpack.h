/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LOADER_UNPACK_H
#define LOADER_UNPACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/span.h"
#include "lib/status.h"

/*
 * Compressed kernels: gzip (RFC 1952), and the EFI zboot image, whose header names
 * the compression (Linux drivers/firmware/efi/libstub/zboot-header.S). zlib and
 * zstd do the work.
 */

enum unpack_kind {
	UNPACK_GZIP,
	UNPACK_ZSTD,
};

/** Bytes from the start of a file that tell whether it is packed. */
#define UNPACK_HEAD_SIZE 64

/** Whether a file that starts with @head is packed in a way that unpack_find() knows. */
bool unpack_is_packed(struct span head);

/** A packed kernel inside a file. */
struct packed {
	enum unpack_kind kind;
	struct span bytes;      /**< the compressed stream, whole */
	uint64_t unpacked_size; /**< what the file says it will be; unpack() holds it to that */
};

/**
 * Finds the stream in the whole file @file. STATUS_TRUNCATED, STATUS_BAD_FORMAT,
 * STATUS_OUT_OF_RANGE, and STATUS_UNSUPPORTED for other compressions.
 */
MUST_CHECK enum status unpack_find(struct span file, struct packed *ret_packed, struct reason *why);

/** Memory that unpack() needs for itself, whatever the kind. */
#define UNPACK_WORKSPACE_SIZE 0x20000

/**
 * Unpacks into @out, which has exactly @packed->unpacked_size bytes. @workspace
 * is 16-byte aligned and has UNPACK_WORKSPACE_SIZE bytes. On AArch64 the MMU has to be on.
 *
 * STATUS_BAD_FORMAT when the stream is damaged or ends early, STATUS_TOO_LARGE when it
 * holds more than it said. The content of @out is then undefined, and nothing else
 * was written.
 */
MUST_CHECK enum status unpack(const struct packed *packed, void *out, void *workspace,
			      struct reason *why);

#endif
