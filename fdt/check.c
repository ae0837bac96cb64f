/* SPDX-License-Identifier: BSD-2-Clause */
#include "fdt/fdt.h"

#include "fdt/format.h"

_Static_assert(sizeof(struct header) == FDT_HEADER_SIZE, "fdt.h");

enum status fdt_total_size(const void *bytes, size_t *ret_size, struct reason *why)
{
	struct header header;

	memcpy(&header, bytes, sizeof(header));
	uint32_t size = be32_get(header.totalsize);
	if (be32_get(header.magic) != FDT_MAGIC)
		return refuse(why, STATUS_BAD_FORMAT, "the device tree's magic is 0x%x",
			      be32_get(header.magic));
	if (size < sizeof(header))
		return refuse(why, STATUS_TRUNCATED, "a device tree of %u bytes has no header",
			      size);
	if (size > FDT_SIZE_MAX)
		return refuse(why, STATUS_TOO_LARGE,
			      "the device tree claims %u bytes, of which Linux takes %u", size,
			      FDT_SIZE_MAX);
	*ret_size = size;
	return STATUS_OK;
}

size_t fdt_reach(const void *bytes)
{
	struct header header;

	memcpy(&header, bytes, sizeof(header));
	uint64_t size = be32_get(header.totalsize);
	uint64_t reach = (uint64_t)be32_get(header.off_dt_struct) + be32_get(header.size_dt_struct);
	uint64_t end = (uint64_t)be32_get(header.off_dt_strings) + be32_get(header.size_dt_strings);
	if (reach < end)
		reach = end;
	/* The reserve map says itself where it ends; when it is the last, that can be anywhere. */
	if (reach < sizeof(header) || reach > size || be32_get(header.off_mem_rsvmap) >= reach)
		return size;
	return reach;
}

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
