/* SPDX-License-Identifier: BSD-2-Clause */
#include "fdt/fdt.h"

#include <libfdt.h>

#include "lib/checked.h"

/*
 * The edit is libfdt's. It is called once fdt_read() has accepted the tree, only on our
 * copy, and never with a path: its aliases may name themselves, without end.
 */

/* DTSpec 5.3: up to and with the entry that is zero, which libfdt finds too early when
 * another has the size 0. fdt_read() has seen that it is there. */
static size_t reserve_map_size(struct span tree)
{
	const uint8_t *map = tree.bytes + fdt_off_mem_rsvmap(tree.bytes);
	static const struct fdt_reserve_entry last;
	size_t size = 0;

	while (memcmp(map + size, &last, sizeof(last)) != 0)
		size += sizeof(last);
	return size + sizeof(last);
}

static size_t used_size(struct span tree)
{
	return sizeof(struct fdt_header) + reserve_map_size(tree) + fdt_size_dt_struct(tree.bytes) +
	       fdt_size_dt_strings(tree.bytes);
}

/* What a property takes at most, with its name in the strings block. */
static size_t property_size(const char *name, size_t size)
{
	return sizeof(struct fdt_property) + size + FDT_TAGSIZE + strlen(name) + 1;
}

size_t fdt_copy_size(struct span tree, const struct fdt_chosen *chosen)
{
	return used_size(tree) + sizeof(struct fdt_node_header) + sizeof("chosen") +
	       2 * FDT_TAGSIZE + property_size("bootargs", chosen->bootargs.size + 1) +
	       property_size("linux,initrd-start", sizeof(uint64_t)) +
	       property_size("linux,initrd-end", sizeof(uint64_t)) +
	       property_size("kaslr-seed", chosen->kaslr_seed.size) +
	       property_size("rng-seed", chosen->rng_seed.size);
}

/*
 * The blocks that are used, in the order that libfdt wants; what lies between and after
 * them, in QEMU's tree nearly all of a MiB, stays behind.
 */
static void copy_blocks(struct span tree, uint8_t *copy, size_t capacity)
{
	const uint8_t *from = tree.bytes;
	size_t map_size = reserve_map_size(tree);
	size_t off_dt_struct = sizeof(struct fdt_header) + map_size;
	size_t off_dt_strings = off_dt_struct + fdt_size_dt_struct(from);

	memcpy(copy, from, sizeof(struct fdt_header));
	memcpy(copy + sizeof(struct fdt_header), from + fdt_off_mem_rsvmap(from), map_size);
	memcpy(copy + off_dt_struct, from + fdt_off_dt_struct(from), fdt_size_dt_struct(from));
	memcpy(copy + off_dt_strings, from + fdt_off_dt_strings(from), fdt_size_dt_strings(from));
	fdt_set_totalsize(copy, (uint32_t)capacity);
	fdt_set_off_mem_rsvmap(copy, sizeof(struct fdt_header));
	fdt_set_off_dt_struct(copy, (uint32_t)off_dt_struct);
	fdt_set_off_dt_strings(copy, (uint32_t)off_dt_strings);
	/* What libfdt writes. */
	fdt_set_version(copy, FDT_LAST_SUPPORTED_VERSION);
	fdt_set_last_comp_version(copy, FDT_LAST_SUPPORTED_VERSION - 1);
}

/* The functions below return zero, or an error of libfdt, which is less. */

static int first_error(int error, int other)
{
	return error != 0 ? error : other;
}

static int remove_property(void *fdt, int node, const char *name)
{
	int error = fdt_delprop(fdt, node, name);

	return error == -FDT_ERR_NOTFOUND ? 0 : error;
}

static bool is_module(const void *fdt, int node)
{
	return fdt_node_check_compatible(fdt, node, "multiboot,module") == 0 ||
	       fdt_node_check_compatible(fdt, node, "multiboot,kernel") == 0 ||
	       fdt_node_check_compatible(fdt, node, "multiboot,ramdisk") == 0;
}

static int remove_modules(void *fdt, int chosen)
{
	int error = 0;
	int node = fdt_first_subnode(fdt, chosen);

	while (node >= 0 && error == 0) {
		if (!is_module(fdt, node)) {
			node = fdt_next_subnode(fdt, node);
			continue;
		}
		error = fdt_del_node(fdt, node);
		/* The ones that stay are looked at again; there are hardly any. */
		node = fdt_first_subnode(fdt, chosen);
	}
	return error;
}

static int set_bootargs(void *fdt, int node, struct span bootargs)
{
	void *value;

	if (bootargs.size == 0)
		return remove_property(fdt, node, "bootargs");
	int error = fdt_setprop_placeholder(fdt, node, "bootargs", (int)bootargs.size + 1, &value);
	if (error != 0)
		return error;
	memcpy(value, bootargs.bytes, bootargs.size);
	((char *)value)[bootargs.size] = '\0';
	return 0;
}

static int set_initrd(void *fdt, int node, struct fdt_range initrd)
{
	if (initrd.size == 0)
		return first_error(remove_property(fdt, node, "linux,initrd-start"),
				   remove_property(fdt, node, "linux,initrd-end"));
	return first_error(
		fdt_setprop_u64(fdt, node, "linux,initrd-start", initrd.start),
		fdt_setprop_u64(fdt, node, "linux,initrd-end", initrd.start + initrd.size));
}

static int set_seed(void *fdt, int node, const char *name, struct span seed)
{
	if (seed.size == 0)
		return 0;
	return fdt_setprop(fdt, node, name, seed.bytes, (int)seed.size);
}

static int edit(void *fdt, const struct fdt_chosen *chosen)
{
	/* To look for it takes 200,000 instructions in QEMU's tree, where it stands last. */
	int node = (int)chosen->node;

	if (node == 0)
		node = fdt_add_subnode(fdt, 0, "chosen");
	if (node < 0)
		return node;
	/* First what makes room. An edit that fails changes nothing, so that others may follow. */
	int error = remove_modules(fdt, node);
	error = first_error(error, remove_property(fdt, node, "linux,kernel-start"));
	error = first_error(error, remove_property(fdt, node, "linux,kernel-size"));
	error = first_error(error, set_initrd(fdt, node, chosen->initrd));
	error = first_error(error, set_bootargs(fdt, node, chosen->bootargs));
	error = first_error(error, set_seed(fdt, node, "kaslr-seed", chosen->kaslr_seed));
	error = first_error(error, set_seed(fdt, node, "rng-seed", chosen->rng_seed));
	return error;
}

enum status fdt_copy(struct span tree, const struct fdt_chosen *chosen, void *buffer,
		     size_t capacity, size_t *ret_size, struct reason *why)
{
	/* libfdt counts in int; and Linux takes no larger tree. */
	if (capacity > FDT_SIZE_MAX)
		capacity = FDT_SIZE_MAX;
	if (used_size(tree) > capacity || chosen->bootargs.size > FDT_SIZE_MAX ||
	    chosen->kaslr_seed.size > FDT_SIZE_MAX || chosen->rng_seed.size > FDT_SIZE_MAX)
		return refuse(why, STATUS_TOO_LARGE,
			      "the device tree of %lu bytes does not fit into %lu", used_size(tree),
			      capacity);
	copy_blocks(tree, buffer, capacity);
	int error = edit(buffer, chosen);
	if (error == -FDT_ERR_NOSPACE)
		return refuse(why, STATUS_TOO_LARGE,
			      "the edited device tree does not fit into %lu bytes", capacity);
	if (error != 0)
		return refuse(why, STATUS_BAD_FORMAT, "libfdt refuses the device tree: error %u",
			      (unsigned)-error);
	/* What is left of the buffer is free again, as fdt_pack() has it. */
	uint32_t size = fdt_off_dt_strings(buffer) + fdt_size_dt_strings(buffer);
	fdt_set_totalsize(buffer, size);
	*ret_size = size;
	return STATUS_OK;
}
