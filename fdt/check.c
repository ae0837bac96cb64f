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

/* The status says what is wrong; @ret_header is what has been read. */
static enum status check(struct span tree, struct header *ret_header)
{
	struct header header;

	if (!span_read(tree, 0, sizeof(header), &header))
		return STATUS_TRUNCATED;
	*ret_header = header;
	if (be32_get(header.magic) != FDT_MAGIC)
		return STATUS_BAD_FORMAT;
	if (be32_get(header.version) < FDT_VERSION ||
	    be32_get(header.last_comp_version) > FDT_VERSION)
		return STATUS_UNSUPPORTED;
	uint32_t size = be32_get(header.totalsize);
	if (size < sizeof(header) || size > tree.size ||
	    !fits(be32_get(header.off_dt_struct), be32_get(header.size_dt_struct), size) ||
	    !fits(be32_get(header.off_dt_strings), be32_get(header.size_dt_strings), size) ||
	    be32_get(header.off_mem_rsvmap) >= size)
		return STATUS_OUT_OF_RANGE;
	return STATUS_OK;
}

bool fdt_is_sound(struct span tree)
{
	struct header header;

	return check(tree, &header) == STATUS_OK;
}

enum status fdt_check(struct span tree, struct reason *why)
{
	struct header header;
	enum status status = check(tree, &header);

	if (status == STATUS_OK)
		return status;
	if (status == STATUS_TRUNCATED)
		return refuse(why, status, "a device tree of %lu bytes has no header", tree.size);
	if (status == STATUS_BAD_FORMAT)
		return refuse(why, status, "the device tree's magic is 0x%x",
			      be32_get(header.magic));
	if (status == STATUS_UNSUPPORTED)
		return refuse(why, status, "the device tree has version %u",
			      be32_get(header.version));
	uint32_t size = be32_get(header.totalsize);
	if (size < sizeof(header) || size > tree.size)
		return refuse(why, status, "the device tree claims %u bytes, there are %lu", size,
			      tree.size);
	return refuse(why, status, "a block of the device tree is outside its %u bytes", size);
}
