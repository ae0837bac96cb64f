/* SPDX-License-Identifier: BSD-2-Clause */
#include "loader/bundle.h"

#include "loader/bzimage.h"

#define HEADER_MAGIC   0x53726448u /* "HdrS" */
#define SYSSIZE_UNIT   16ul
#define SYSSIZE_OFFSET (BZIMAGE_HEADER_OFFSET + offsetof(struct setup_header, syssize))
#define MAGIC_OFFSET   (BZIMAGE_HEADER_OFFSET + offsetof(struct setup_header, header))

const uint16_t bundle_machine = 0x8664;

/* Fields one by one: this is part of every boot. A head that is cut has no setup size. */
uint64_t bundle_kernel_end(struct span head)
{
	uint64_t setup_size = bzimage_setup_size(head);
	struct le32 magic, syssize;

	if (setup_size == 0 || !span_read(head, MAGIC_OFFSET, sizeof(magic), &magic) ||
	    le32_get(magic) != HEADER_MAGIC ||
	    !span_read(head, SYSSIZE_OFFSET, sizeof(syssize), &syssize))
		return 0;
	return setup_size + le32_get(syssize) * SYSSIZE_UNIT;
}
