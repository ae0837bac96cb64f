/* SPDX-License-Identifier: BSD-2-Clause */
#include "fdt/fdt.h"

#include "fdt/format.h"

enum status fdt_check(struct span tree, struct reason *why)
{
	struct header header;

	if (!span_read(tree, 0, sizeof(header), &header))
		return refuse(why, STATUS_TRUNCATED, "a device tree of %lu bytes has no header",
			      tree.size);
	if (be32_get(header.magic) != FDT_MAGIC)
		return refuse(why, STATUS_BAD_FORMAT, "the device tree's magic is 0x%x",
			      be32_get(header.magic));
	if (be32_get(header.version) < FDT_VERSION ||
	    be32_get(header.last_comp_version) > FDT_VERSION)
		return refuse(why, STATUS_UNSUPPORTED, "the device tree has version %u",
			      be32_get(header.version));
	uint32_t size = be32_get(header.totalsize);
	if (size < sizeof(header) || size > tree.size)
		return refuse(why, STATUS_OUT_OF_RANGE,
			      "the device tree claims %u bytes, there are %lu", size, tree.size);
	if (!fits(be32_get(header.off_dt_struct), be32_get(header.size_dt_struct), size) ||
	    !fits(be32_get(header.off_dt_strings), be32_get(header.size_dt_strings), size) ||
	    be32_get(header.off_mem_rsvmap) >= size)
		return refuse(why, STATUS_OUT_OF_RANGE,
			      "a block of the device tree is outside its %u bytes", size);
	return STATUS_OK;
}
