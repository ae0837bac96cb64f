/* SPDX-License-Identifier: BSD-2-Clause */
#include "loader/unpack.h"

/*
 * In the place of unpack.c in an image without decompressors (make UNPACK=no): what is
 * no Image may be packed or not, and is refused either way.
 */

bool unpack_is_packed(struct span head)
{
	(void)head;
	return true;
}

enum status unpack_find(struct span file, struct packed *ret_packed, struct reason *why)
{
	(void)file;
	(void)ret_packed;
	return refuse(why, STATUS_UNSUPPORTED,
		      "the kernel is not an arm64 Image, and this firmware unpacks none");
}

enum status unpack(const struct packed *packed, void *out, void *workspace, struct reason *why)
{
	(void)out;
	(void)workspace;
	return unpack_find(packed->bytes, NULL, why);
}
