/* SPDX-License-Identifier: BSD-2-Clause */
#include "fdt/fdt.h"

#include <libfdt.h>

#include "lib/checked.h"

/* The root among them. A platform bus below it is the deepest that VMMs have. */
#define BUSES_MAX 4

/* How addresses and sizes below a node are written: DTSpec 2.3.5. */
struct cells {
	int address, size;
};

/* 0 stands for a value that is no number. */
static int read_cell(const void *tree, int node, const char *name, int otherwise)
{
	int length;
	const fdt32_t *value = fdt_getprop(tree, node, name, &length);

	if (value == NULL)
		return otherwise;
	return length == sizeof(*value) ? (int)fdt32_ld(value) : 0;
}

static bool read_cells_of(const void *tree, int node, struct cells *ret_cells)
{
	ret_cells->address = read_cell(tree, node, "#address-cells", 2);
	ret_cells->size = read_cell(tree, node, "#size-cells", 1);
	return ret_cells->address >= 1 && ret_cells->address <= 2 && ret_cells->size >= 1 &&
	       ret_cells->size <= 2;
}

/* A number of one or two cells. Returns what follows it. */
static const fdt32_t *read_number(const fdt32_t *at, int cells, uint64_t *ret_number)
{
	*ret_number = 0;
	for (; cells > 0; cells--)
		*ret_number = *ret_number << 32 | fdt32_ld(at++);
	return at;
}

/* Takes @range from below @bus to where @bus itself is: DTSpec 2.3.8. */
static bool translate(const void *tree, int bus, int parent, struct fdt_range *range)
{
	struct cells below, above;
	int length;
	const fdt32_t *at = fdt_getprop(tree, bus, "ranges", &length);

	if (at == NULL || !read_cells_of(tree, bus, &below) || !read_cells_of(tree, parent, &above))
		return false;
	if (length == 0) /* the same addresses */
		return true;
	int entry = (below.address + above.address + below.size) * (int)sizeof(*at);
	for (; length >= entry; length -= entry) {
		uint64_t start, to, size;
		at = read_number(at, below.address, &start);
		at = read_number(at, above.address, &to);
		at = read_number(at, below.size, &size);
		if (range->start >= start && fits(range->start - start, range->size, size))
			return checked_add(to, range->start - start, &range->start);
	}
	return false;
}

/*
 * The depth of the first node of this kind, which is below as many buses, or 0. @ret_way is the way
 * there: the root, the buses, and the node itself.
 */
static int find_compatible(const void *tree, const char *compatible, int ret_way[BUSES_MAX + 1])
{
	int depth = -1;
	int node = -1;

	do {
		node = fdt_next_node(tree, node, &depth);
		if (node < 0 || depth < 0)
			return 0;
		if (depth <= BUSES_MAX)
			ret_way[depth] = node;
	} while (fdt_node_check_compatible(tree, node, compatible) != 0);
	return depth <= BUSES_MAX ? depth : 0;
}

bool fdt_find_device(struct span tree, const char *compatible, struct fdt_range *ret_registers)
{
	const void *blob = tree.bytes;
	struct fdt_range range;
	struct cells cells;
	int way[BUSES_MAX + 1];
	int length;
	int depth = find_compatible(blob, compatible, way);

	if (depth == 0 || !read_cells_of(blob, way[depth - 1], &cells))
		return false;
	const fdt32_t *reg = fdt_getprop(blob, way[depth], "reg", &length);
	if (reg == NULL || length < (cells.address + cells.size) * (int)sizeof(*reg))
		return false;
	reg = read_number(reg, cells.address, &range.start);
	read_number(reg, cells.size, &range.size);
	for (int bus = depth - 1; bus > 0; bus--) {
		if (!translate(blob, way[bus], way[bus - 1], &range))
			return false;
	}
	if (range.size == 0 || range.start + range.size <= range.start)
		return false;
	*ret_registers = range;
	return true;
}
