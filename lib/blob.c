/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/blob.h"

#include <string.h>

#include "lib/checked.h"

static enum status write_zeros(const struct blob_pieces *pieces, uint64_t length, uint64_t to)
{
	void *place = pieces->map(to, length);

	if (place == NULL)
		return STATUS_NO_MEMORY;
	memset(place, 0, length);
	return STATUS_OK;
}

static enum status read_pieces(const struct blob *blob, uint64_t offset, uint64_t length,
			       uint64_t to)
{
	const struct blob_pieces *pieces = blob->source;
	const struct blob_piece *piece = pieces->piece;
	enum status status = STATUS_OK;

	if (!fits(offset, length, blob->size))
		return STATUS_OUT_OF_RANGE;
	while (length > 0 && status == STATUS_OK) {
		uint64_t next =
			align_down(piece->size + BLOB_PIECE_ALIGNMENT - 1, BLOB_PIECE_ALIGNMENT);
		if (offset >= next) {
			offset -= next;
			piece++;
			continue;
		}
		bool is_inside = offset < piece->size;
		uint64_t left = (is_inside ? piece->size : next) - offset;
		uint64_t part = length < left ? length : left;
		status = is_inside ? piece->whole->read(piece->whole, piece->offset + offset, part,
							to)
				   : write_zeros(pieces, part, to);
		offset += part;
		to += part;
		length -= part;
	}
	return status;
}

enum status blob_of_pieces(const struct blob_pieces *pieces, struct blob *ret_blob)
{
	uint64_t size = 0;

	for (unsigned i = 0; i < 2; i++) {
		const struct blob_piece *piece = &pieces->piece[i];
		if (piece->size == 0)
			continue;
		if (!fits(piece->offset, piece->size, piece->whole->size))
			return STATUS_OUT_OF_RANGE;
		/* The end is rounded too, so that no sum of a read wraps. */
		uint64_t end;
		if (!checked_align_up(size, BLOB_PIECE_ALIGNMENT, &size) ||
		    !checked_add(size, piece->size, &size) ||
		    !checked_align_up(size, BLOB_PIECE_ALIGNMENT, &end))
			return STATUS_TOO_LARGE;
	}
	*ret_blob = (struct blob){
		.size = size,
		.read = read_pieces,
		.source = (void *)(uintptr_t)pieces,
	};
	return STATUS_OK;
}
