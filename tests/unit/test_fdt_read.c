/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include <libfdt.h>

#include "fdt/fdt.h"

static struct fdt_machine machine;
static struct reason why;
static uint8_t *tree; /* what is read, in memory of its size */
static size_t tree_size;

/* -- building --------------------------------------------------------------------- */

static uint8_t sw[256 * KIB] __attribute__((aligned(8)));

#define OK(call) assert_int_equal((call), 0)

static void begin(void)
{
	OK(fdt_create(sw, sizeof(sw)));
	OK(fdt_finish_reservemap(sw));
	OK(fdt_begin_node(sw, ""));
}

static void node(const char *name)
{
	OK(fdt_begin_node(sw, name));
}

static void end(void)
{
	OK(fdt_end_node(sw));
}

static void bytes(const char *name, const void *value, size_t size)
{
	OK(fdt_property(sw, name, value, (int)size));
}

static void text(const char *name, const char *value)
{
	bytes(name, value, strlen(value) + 1);
}

#define BYTES(name, literal) bytes(name, literal, sizeof(literal) - 1)

static void u32(const char *name, uint32_t value)
{
	OK(fdt_property_u32(sw, name, value));
}

static void u64(const char *name, uint64_t value)
{
	OK(fdt_property_u64(sw, name, value));
}

static void words(const char *name, size_t count, const uint32_t *values)
{
	void *value;

	OK(fdt_property_placeholder(sw, name, (int)(4 * count), &value));
	for (size_t i = 0; i < count; i++)
		fdt32_st((uint8_t *)value + 4 * i, values[i]);
}

#define WORDS(name, ...)                                                                           \
	words(name, sizeof((uint32_t[]){__VA_ARGS__}) / 4, (uint32_t[]){__VA_ARGS__})

static void begin_64(void)
{
	begin();
	u32("#address-cells", 2);
	u32("#size-cells", 2);
}

static void take_tree(const void *from, size_t size)
{
	free(tree);
	tree_size = size;
	tree = malloc(size + (size == 0));
	assert_non_null(tree);
	memcpy(tree, from, size);
}

static enum status read_tree(void)
{
	memset(&machine, 0x5a, sizeof(machine));
	memset(&why, 0, sizeof(why));
	enum status status = fdt_read((struct span){tree, tree_size}, &machine, &why);
	if (status == STATUS_OK)
		return status;
	assert_reasoned(why);
	for (size_t i = 0; i < sizeof(machine); i++)
		assert_int_equal(((const uint8_t *)&machine)[i], 0x5a);
	return status;
}

/* Closes the root. */
static void finish(void)
{
	end();
	OK(fdt_finish(sw));
	take_tree(sw, fdt_totalsize(sw));
}

static void accepted(void)
{
	finish();
	enum status status = read_tree();
	if (status != STATUS_OK)
		print_error("%s\n", why.text);
	assert_status(status, STATUS_OK);
}

/* The reason has @word in it. */
static void refused(enum status expected, const char *word)
{
	finish();
	assert_status(read_tree(), expected);
	if (strstr(why.text, word) == NULL)
		fail_msg("'%s' is not in: %s", word, why.text);
}

static int teardown(void **state)
{
	free(tree);
	tree = NULL;
	return unit_teardown(state);
}

static void assert_text(struct span span, const char *expected)
{
	assert_int_equal(span.size, strlen(expected));
	if (span.size > 0)
		assert_memory_equal(span.bytes, expected, span.size);
}

static void assert_range(struct fdt_range range, uint64_t start, uint64_t size)
{
	assert_int_equal(range.start, start);
	assert_int_equal(range.size, size);
}

static void load(const char *name)
{
	free(tree);
	tree = unit_data(name, &tree_size);
	tree = realloc(tree, tree_size);
	assert_non_null(tree);
}

/* -- trees of VMMs ---------------------------------------------------------------- */

static void fdt_read_qemu(void **state)
{
	(void)state;
	load("fdt/virt-7.2.dtb");
	assert_status(read_tree(), STATUS_OK);
	assert_int_equal(machine.memories, 1);
	assert_range(machine.memory[0], 0x40000000, 512 * MIB);
	assert_int_equal(machine.reservations, 0);
	assert_range(machine.fwcfg, 0x9020000, 0x18);
	assert_int_equal(machine.psci, FDT_PSCI_HVC);
	assert_int_equal(machine.console, FDT_CONSOLE_PL011);
	assert_int_equal(machine.console_address, 0x9000000);
	assert_int_equal(machine.console_shift, 0);
	assert_text(machine.bootargs, "");
	assert_range(machine.kernel, 0, 0);
	assert_range(machine.initrd, 0, 0);
	assert_text(machine.stdout_path, "/pl011@9000000");
	assert_int_equal(machine.kaslr_seed.size, 8);
	assert_int_equal(machine.rng_seed.size, 32);
}

/* Two NUMA nodes, memory and an UART of the secure world, and guest-loader's modules. */
static void fdt_read_qemu_secure_numa_modules(void **state)
{
	(void)state;
	load("fdt/virt-7.2-numa.dtb");
	assert_status(read_tree(), STATUS_OK);
	assert_int_equal(machine.memories, 2);
	assert_range(machine.memory[0], 0x60000000, 512 * MIB);
	assert_range(machine.memory[1], 0x40000000, 512 * MIB);
	assert_int_equal(machine.psci, FDT_PSCI_NONE);
	assert_int_equal(machine.console_address, 0x9000000);
	assert_range(machine.kernel, 0x49000000, 100000);
	assert_range(machine.initrd, 0x4a000000, 10000);
	assert_text(machine.bootargs, "x y");
}

static void fdt_read_cloud_hypervisor(void **state)
{
	(void)state;
	begin();
	text("compatible", "linux,dummy-virt");
	u32("#address-cells", 2);
	u32("#size-cells", 2);
	node("cpus");
	u32("#address-cells", 1);
	u32("#size-cells", 0);
	node("cpu@0");
	text("device_type", "cpu");
	u32("reg", 0);
	end();
	end();
	node("memory@40000000");
	text("device_type", "memory");
	WORDS("reg", 0, 0x40000000, 0, 0xbc000000);
	end();
	node("memory@100000000");
	text("device_type", "memory");
	WORDS("reg", 1, 0, 2, 0);
	end();
	node("chosen");
	text("bootargs", "console=ttyAMA0 root=/dev/vda1");
	u64("linux,initrd-start", 0x48000000);
	u64("linux,initrd-end", 0x48001000);
	u64("linux,kernel-start", 0x41000000);
	u64("linux,kernel-size", 0x2000000);
	text("stdout-path", "/pl011@9000000");
	end();
	node("psci");
	text("compatible", "arm,psci-0.2");
	text("method", "smc");
	end();
	node("pl011@9000000");
	BYTES("compatible", "arm,pl011\0arm,primecell\0");
	WORDS("reg", 0, 0x9000000, 0, 0x1000);
	end();
	accepted();
	assert_int_equal(machine.memories, 2);
	assert_range(machine.memory[0], 0x40000000, 0xbc000000);
	assert_range(machine.memory[1], 4 * GIB, 8 * GIB);
	assert_range(machine.kernel, 0x41000000, 0x2000000);
	assert_range(machine.initrd, 0x48000000, 0x1000);
	assert_text(machine.bootargs, "console=ttyAMA0 root=/dev/vda1");
	assert_int_equal(machine.psci, FDT_PSCI_SMC);
	assert_range(machine.fwcfg, 0, 0);
	assert_int_equal(machine.kaslr_seed.size, 0);
	assert_int_equal(machine.rng_seed.size, 0);
}

static void fdt_read_empty_root(void **state)
{
	(void)state;
	begin();
	accepted();
	assert_int_equal(machine.memories, 0);
	assert_int_equal(machine.console, FDT_CONSOLE_NONE);
	assert_int_equal(machine.stdout_path.size, 0);
}

/* -- structure -------------------------------------------------------------------- */

enum { BEGIN_NODE = 1, END_NODE, PROP, NOP, END = 9 };

/* A tree of these words, with the structure block last, where ASan sees the end; and with
 * the strings "", "a" and "reg". */
static void raw(size_t count, const uint32_t *structure)
{
	static const char strings[8] = "\0a\0reg\0";
	uint32_t header[14] = {
		0xd00dfeed, 0, 64, 56, 40, 17, 16, 0, 8, 0,
	};
	size_t size = 64 + 4 * count;
	uint8_t *all = malloc(size);

	assert_non_null(all);
	header[1] = (uint32_t)size;
	header[9] = (uint32_t)(4 * count);
	for (size_t i = 0; i < 14; i++)
		fdt32_st(all + 4 * i, header[i]);
	memcpy(all + 56, strings, sizeof(strings));
	for (size_t i = 0; i < count; i++)
		fdt32_st(all + 64 + 4 * i, structure[i]);
	take_tree(all, size);
	free(all);
}

#define RAW(...) raw(sizeof((uint32_t[]){__VA_ARGS__}) / 4, (uint32_t[]){__VA_ARGS__})
#define assert_raw(expected, ...)                                                                  \
	do {                                                                                       \
		RAW(__VA_ARGS__);                                                                  \
		assert_status(read_tree(), expected);                                              \
	} while (0)

static void fdt_read_tokens(void **state)
{
	(void)state;
	assert_raw(STATUS_OK, BEGIN_NODE, 0, END_NODE, END);
	assert_raw(STATUS_OK, NOP, BEGIN_NODE, 0, NOP, END_NODE, NOP, NOP, END);
	assert_raw(STATUS_OK, BEGIN_NODE, 0, NOP, PROP, 0, 1, NOP, PROP, 5, 1, ~0u, ~0u, END_NODE,
		   END);
	assert_raw(STATUS_OK, BEGIN_NODE, 0, BEGIN_NODE, 0x61000000, BEGIN_NODE, 0, PROP, 0, 0,
		   END_NODE, NOP, END_NODE, NOP, END_NODE, END);
}

static void fdt_read_unknown_token(void **state)
{
	(void)state;
	assert_raw(STATUS_BAD_FORMAT, 0, 0, 0, 0);
	assert_raw(STATUS_BAD_FORMAT, 5, BEGIN_NODE, 0, END_NODE, END);
	assert_raw(STATUS_BAD_FORMAT, BEGIN_NODE, 0, 5, END_NODE, END);
	assert_raw(STATUS_BAD_FORMAT, BEGIN_NODE, 0, BEGIN_NODE, 0, 0x01000000, END_NODE, END_NODE,
		   END);
	assert_raw(STATUS_BAD_FORMAT, BEGIN_NODE, 0, BEGIN_NODE, 0, END_NODE, 7, END_NODE, END);
}

static void fdt_read_no_root(void **state)
{
	(void)state;
	assert_raw(STATUS_BAD_FORMAT, END_NODE, END, END, END);
	assert_raw(STATUS_BAD_FORMAT, END, END, END, END);
	assert_raw(STATUS_BAD_FORMAT, PROP, 0, 0, END_NODE, END);
	assert_raw(STATUS_TRUNCATED, NOP, NOP, NOP, NOP);
}

static void fdt_read_end_inside_a_node(void **state)
{
	(void)state;
	assert_raw(STATUS_BAD_FORMAT, BEGIN_NODE, 0, END, END);
	assert_raw(STATUS_BAD_FORMAT, BEGIN_NODE, 0, BEGIN_NODE, 0, END_NODE, END, END_NODE, END);
	assert_raw(STATUS_TRUNCATED, BEGIN_NODE, 0, BEGIN_NODE, 0, END_NODE, END);
}

static void fdt_read_does_not_end_after_root(void **state)
{
	(void)state;
	assert_raw(STATUS_BAD_FORMAT, BEGIN_NODE, 0, END_NODE, END_NODE);
	assert_raw(STATUS_BAD_FORMAT, BEGIN_NODE, 0, END_NODE, NOP);
	assert_raw(STATUS_BAD_FORMAT, BEGIN_NODE, 0, END_NODE, END, END);
	assert_raw(STATUS_BAD_FORMAT, BEGIN_NODE, 0, END_NODE, BEGIN_NODE, 0, END_NODE, END);
	assert_raw(STATUS_BAD_FORMAT, BEGIN_NODE, 0, END_NODE, PROP, 0, 0, END);
}

static void fdt_read_property_after_a_child(void **state)
{
	(void)state;
	assert_raw(STATUS_BAD_FORMAT, BEGIN_NODE, 0, BEGIN_NODE, 0, END_NODE, PROP, 0, 0, END_NODE,
		   END);
	assert_raw(STATUS_BAD_FORMAT, BEGIN_NODE, 0, BEGIN_NODE, 0, BEGIN_NODE, 0, END_NODE, PROP,
		   0, 0, END_NODE, END_NODE, END);
}

static void fdt_read_truncated_structure(void **state)
{
	static const uint32_t good[] = {
		BEGIN_NODE, 0,          PROP, 4,   3,        1,        BEGIN_NODE, 0x61626364,
		0x65666700, BEGIN_NODE, 0,    NOP, END_NODE, END_NODE, END_NODE,   END,
	};

	(void)state;
	raw(COUNT(good), good);
	assert_status(read_tree(), STATUS_OK);
	for (size_t count = 0; count < COUNT(good); count++) {
		raw(count, good);
		assert_status(read_tree(), STATUS_TRUNCATED);
	}
}

static void fdt_read_nops_up_to_the_end(void **state)
{
	(void)state;
	assert_raw(STATUS_TRUNCATED, BEGIN_NODE, 0, NOP, NOP);
	assert_raw(STATUS_TRUNCATED, BEGIN_NODE, 0, BEGIN_NODE, 0, BEGIN_NODE, 0, NOP, NOP, NOP);
	assert_raw(STATUS_TRUNCATED, BEGIN_NODE, 0, BEGIN_NODE, 0, NOP, NOP, NOP);
	assert_raw(STATUS_TRUNCATED, BEGIN_NODE, 0, BEGIN_NODE, 0, END_NODE, NOP, NOP, NOP);
	assert_raw(STATUS_BAD_FORMAT, BEGIN_NODE, 0, END_NODE, NOP, NOP, NOP);
}

static void fdt_read_structure_of_odd_size(void **state)
{
	(void)state;
	for (uint32_t odd = 1; odd < 4; odd++) {
		RAW(BEGIN_NODE, 0, END_NODE, END, 0);
		fdt_set_size_dt_struct(tree, 16 + odd);
		assert_status(read_tree(), STATUS_BAD_FORMAT);
	}
	RAW(BEGIN_NODE, 0, END_NODE, END, 0);
	fdt_set_off_dt_struct(tree, 66);
	fdt_set_size_dt_struct(tree, 16);
	assert_status(read_tree(), STATUS_BAD_FORMAT);
}

static void fdt_read_node_name_without_end(void **state)
{
	(void)state;
	assert_raw(STATUS_TRUNCATED, BEGIN_NODE, ~0u, ~0u, ~0u);
	assert_raw(STATUS_TRUNCATED, BEGIN_NODE, 0, BEGIN_NODE, ~0u, ~0u, ~0u, ~0u);
	assert_raw(STATUS_TRUNCATED, BEGIN_NODE, 0, BEGIN_NODE, ~0u, ~0u, ~0u, ~0u, 0);
	assert_raw(STATUS_TRUNCATED, BEGIN_NODE, 0, BEGIN_NODE, 0, BEGIN_NODE, ~0u, ~0u);
}

static void fdt_read_property_past_the_structure(void **state)
{
	static const uint32_t lengths[] = {1,           8,           9,          13,
					   0x7fffffff,  0x80000000,  0xfffffff0, 0xfffffff1,
					   0xfffffff4u, 0xfffffffdu, 0xffffffff};

	(void)state;
	for (size_t i = 0; i < COUNT(lengths); i++) {
		assert_raw(STATUS_TRUNCATED, BEGIN_NODE, 0, PROP, lengths[i], 0, END_NODE, END);
		assert_raw(STATUS_TRUNCATED, BEGIN_NODE, 0, BEGIN_NODE, 0, BEGIN_NODE, 0, PROP,
			   lengths[i], 0, END_NODE, END);
	}
}

static void fdt_read_property_name_outside(void **state)
{
	static const uint32_t offsets[] = {8, 9, 0x80000000, 0xffffffff};

	(void)state;
	for (size_t i = 0; i < COUNT(offsets); i++) {
		assert_raw(STATUS_OUT_OF_RANGE, BEGIN_NODE, 0, PROP, 0, offsets[i], END_NODE, END);
		assert_raw(STATUS_OUT_OF_RANGE, BEGIN_NODE, 0, BEGIN_NODE, 0, BEGIN_NODE, 0, PROP,
			   0, offsets[i], END_NODE, END_NODE, END_NODE, END);
		assert_raw(STATUS_OUT_OF_RANGE, BEGIN_NODE, 0, BEGIN_NODE, 0, PROP, 0, offsets[i],
			   END_NODE, END_NODE, END);
	}
	assert_raw(STATUS_OK, BEGIN_NODE, 0, PROP, 0, 7, END_NODE, END);
}

static void fdt_read_strings(void **state)
{
	(void)state;
	RAW(BEGIN_NODE, 0, PROP, 0, 0, END_NODE, END);
	fdt_set_size_dt_strings(tree, 6);
	assert_status(read_tree(), STATUS_BAD_FORMAT);
	fdt_set_size_dt_strings(tree, 1);
	assert_status(read_tree(), STATUS_OK);
	fdt_set_size_dt_strings(tree, 0);
	assert_status(read_tree(), STATUS_OUT_OF_RANGE);
	RAW(BEGIN_NODE, 0, END_NODE, END);
	fdt_set_size_dt_strings(tree, 0);
	assert_status(read_tree(), STATUS_OK);
}

/* The end of one name is the beginning of another, and not only that of its own. */
static void fdt_read_names_that_share_their_end(void **state)
{
	static const char *const others[] = {
		"regs",     "re",          "reg-shift2",   "rng-see",      "compatible2",
		"bootarg2", "device_tape", "kaslr-seeds",  "meth",         "stdout",
		"stat",     "#cells",      "linux,kernel", "linux,initrd", "linux,initrd-and",
	};

	(void)state;
	begin();
	OK(fdt_property_u32(sw, "my-reg", 1));
	node("memory");
	text("device_type", "memory");
	OK(fdt_property_u64(sw, "reg", 0x1000));
	for (size_t i = 0; i < COUNT(others); i++)
		BYTES(others[i], "");
	end();
	refused(STATUS_BAD_FORMAT, "reg");
}

/* Far more names than are remembered; each as if it had not been seen. */
static void fdt_read_many_names(void **state)
{
	(void)state;
	begin();
	for (unsigned i = 0; i < 600; i++) {
		char name[16];
		snprintf(name, sizeof(name), "p%u", i);
		u32(name, i);
	}
	for (unsigned i = 0; i < 40; i++) {
		node("memory");
		for (unsigned j = 0; j < 600; j += 7) {
			char name[16];
			snprintf(name, sizeof(name), "p%u", j + i % 7);
			if (j + i % 7 < 600)
				u32(name, i);
		}
		text("device_type", "memory");
		WORDS("reg", 0, i, 1);
		end();
	}
	accepted();
	assert_int_equal(machine.memories, 40);
	for (unsigned i = 0; i < 40; i++)
		assert_range(machine.memory[i], i, 1);
}

static void fdt_read_deep(void **state)
{
	(void)state;
	begin();
	for (unsigned i = 0; i < 4000; i++)
		node("n");
	for (unsigned i = 0; i < 4000; i++)
		end();
	accepted();
}

static void fdt_read_property_twice(void **state)
{
	(void)state;
	begin();
	node("chosen");
	text("bootargs", "a");
	text("bootargs", "b");
	end();
	refused(STATUS_BAD_FORMAT, "bootargs");
	begin();
	node("x");
	u32("reg", 0);
	u32("reg", 0);
	end();
	refused(STATUS_BAD_FORMAT, "reg");
}

static void fdt_read_node_twice(void **state)
{
	static const char *const names[] = {"chosen", "reserved-memory"};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		char other[32];
		snprintf(other, sizeof(other), "%s@0", names[i]);
		begin();
		node(names[i]);
		end();
		node(other);
		end();
		refused(STATUS_BAD_FORMAT, names[i]);
	}
}

/* Names that only begin alike are other nodes. */
static void fdt_read_names_that_begin_alike(void **state)
{
	(void)state;
	begin();
	node("chosen2");
	text("bootargs", "a");
	end();
	node("chose");
	text("bootargs", "b");
	end();
	node("alias");
	end();
	node("aliases2");
	end();
	node("reserved-memory-x");
	node("r");
	WORDS("reg", 0, 1, 1);
	end();
	end();
	accepted();
	assert_text(machine.bootargs, "");
	assert_int_equal(machine.reservations, 0);
}

/* -- reserve map ------------------------------------------------------------------ */

static void fdt_read_reserve_map(void **state)
{
	(void)state;
	OK(fdt_create(sw, sizeof(sw)));
	OK(fdt_add_reservemap_entry(sw, 0x1000, 0x2000));
	OK(fdt_add_reservemap_entry(sw, 0x8000, 0));
	OK(fdt_add_reservemap_entry(sw, 0, 0x1000));
	OK(fdt_finish_reservemap(sw));
	OK(fdt_begin_node(sw, ""));
	accepted();
	assert_int_equal(machine.reservations, 2);
	assert_range(machine.reserved[0], 0x1000, 0x2000);
	assert_range(machine.reserved[1], 0, 0x1000);

	fdt_set_off_mem_rsvmap(tree, fdt_off_mem_rsvmap(tree) + 4);
	assert_status(read_tree(), STATUS_BAD_FORMAT);
}

static void fdt_read_reserve_map_without_end(void **state)
{
	(void)state;
	begin();
	accepted();
	uint8_t *longer = malloc(tree_size + 40);
	assert_non_null(longer);
	memcpy(longer, tree, tree_size);
	size_t map = (tree_size + 7) & ~7ul;
	memset(longer + tree_size, 0, 40);
	fdt64_st(longer + map, 1);
	fdt64_st(longer + map + 8, 1);
	fdt_set_off_mem_rsvmap(longer, (uint32_t)map);
	for (size_t size = map + 1; size <= map + 32; size++) {
		take_tree(longer, size);
		fdt_set_totalsize(tree, (uint32_t)size);
		assert_status(read_tree(), size < map + 32 ? STATUS_TRUNCATED : STATUS_OK);
	}
	free(longer);
}

static void fdt_read_reserve_map_too_many(void **state)
{
	(void)state;
	for (unsigned more = 0; more < 2; more++) {
		OK(fdt_create(sw, sizeof(sw)));
		for (unsigned i = 0; i < FDT_RESERVED_MAX + more; i++)
			OK(fdt_add_reservemap_entry(sw, 0x1000 * i, 0x1000));
		OK(fdt_finish_reservemap(sw));
		OK(fdt_begin_node(sw, ""));
		if (more)
			refused(STATUS_TOO_LARGE, "reserve map");
		else
			accepted();
	}
	assert_int_equal(FDT_RESERVED_MAX, 32);
}

static void fdt_read_reserve_map_wraps(void **state)
{
	(void)state;
	OK(fdt_create(sw, sizeof(sw)));
	OK(fdt_add_reservemap_entry(sw, UINT64_MAX, 1));
	OK(fdt_finish_reservemap(sw));
	OK(fdt_begin_node(sw, ""));
	refused(STATUS_OUT_OF_RANGE, "end of all memory");
}

/* -- #address-cells, memory and reservations -------------------------------------- */

static void memory(const char *name)
{
	node(name);
	text("device_type", "memory");
}

static void fdt_read_cells_default(void **state)
{
	(void)state;
	begin();
	memory("ram");
	WORDS("reg", 1, 2, 3, 4, 5, 6);
	end();
	accepted();
	assert_int_equal(machine.memories, 2);
	assert_range(machine.memory[0], 0x100000002, 3);
	assert_range(machine.memory[1], 0x400000005, 6);
}

static void fdt_read_cells(void **state)
{
	(void)state;
	for (uint32_t address = 0; address < 4; address++) {
		for (uint32_t size = 0; size < 4; size++) {
			begin();
			u32("#size-cells", size);
			u32("#address-cells", address);
			memory("memory@1");
			words("reg", address + size, (uint32_t[6]){1, 1, 1, 1});
			end();
			if (address < 1 || address > 2 || size < 1 || size > 2) {
				refused(STATUS_UNSUPPORTED, "cells");
				continue;
			}
			accepted();
			assert_int_equal(machine.memories, 1);
			assert_range(machine.memory[0], address == 2 ? 0x100000001 : 1,
				     size == 2 ? 0x100000001 : 1);
		}
	}
}

static void fdt_read_cells_length(void **state)
{
	(void)state;
	begin();
	u64("#address-cells", 2);
	refused(STATUS_BAD_FORMAT, "#address-cells");
	begin();
	BYTES("#size-cells", "");
	refused(STATUS_BAD_FORMAT, "#size-cells");
	begin();
	node("chosen");
	BYTES("#size-cells", "123");
	end();
	refused(STATUS_BAD_FORMAT, "#size-cells");
}

static void fdt_read_memory_reg_length(void **state)
{
	static const uint8_t zeros[33];

	(void)state;
	for (size_t size = 0; size <= 33; size++) {
		begin_64();
		memory("memory");
		bytes("reg", zeros, size);
		end();
		if (size == 16 || size == 32)
			accepted();
		else
			refused(STATUS_BAD_FORMAT, "reg");
	}
	/* There must be one. */
	begin_64();
	memory("memory");
	end();
	refused(STATUS_BAD_FORMAT, "reg");
}

static void fdt_read_memory_of_size_0(void **state)
{
	(void)state;
	begin_64();
	memory("memory");
	WORDS("reg", 0, 1, 0, 0, 0, 2, 0, 3, 0, 9, 0, 0);
	end();
	accepted();
	assert_int_equal(machine.memories, 1);
	assert_range(machine.memory[0], 2, 3);
}

static void fdt_read_memory_wraps(void **state)
{
	(void)state;
	begin_64();
	memory("memory");
	WORDS("reg", ~0u, ~0u, 0, 1);
	end();
	refused(STATUS_OUT_OF_RANGE, "memory");
	begin_64();
	memory("memory");
	WORDS("reg", ~0u, 0xfffffffe, 0, 1);
	end();
	accepted();
}

static void fdt_read_memory_too_many(void **state)
{
	(void)state;
	for (unsigned more = 0; more < 2; more++) {
		begin_64();
		for (unsigned i = 0; i < FDT_MEMORY_MAX + more; i++) {
			memory("memory");
			WORDS("reg", i, 0, 0, 1);
			end();
		}
		if (more) {
			refused(STATUS_TOO_LARGE, "64");
		} else {
			accepted();
			assert_int_equal(machine.memories, FDT_MEMORY_MAX);
			assert_range(machine.memory[63], 63ul << 32, 1);
		}
	}
}

static void fdt_read_what_is_no_memory(void **state)
{
	(void)state;
	begin_64();
	node("memory@0");
	WORDS("reg", 0, 1, 0, 1);
	end();
	node("memory@1");
	text("device_type", "memory2");
	WORDS("reg", 0, 1, 0, 1);
	end();
	node("memory@2");
	BYTES("device_type", "memory");
	WORDS("reg", 0, 1, 0, 1);
	end();
	node("soc");
	memory("memory@3");
	WORDS("reg", 0, 1, 0, 1);
	end();
	end();
	accepted();
	assert_int_equal(machine.memories, 0);
}

static void fdt_read_status(void **state)
{
	static const struct {
		const char *text;
		size_t size;
		bool there;
	} statuses[] = {
		{"okay", 5, true},  {"ok", 3, true},        {"disabled", 9, false},
		{"fail", 5, false}, {"okay", 4, false},     {"okay2", 6, false},
		{"", 0, false},     {"reserved", 9, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(statuses); i++) {
		begin_64();
		memory("memory");
		bytes("status", statuses[i].text, statuses[i].size);
		WORDS("reg", 0, 1, 0, 1);
		end();
		node("reserved-memory");
		u32("#address-cells", 2);
		u32("#size-cells", 2);
		node("a");
		WORDS("reg", 0, 1, 0, 1);
		bytes("status", statuses[i].text, statuses[i].size);
		end();
		end();
		node("uart");
		WORDS("reg", 0, 1, 0, 1);
		bytes("status", statuses[i].text, statuses[i].size);
		text("compatible", "arm,pl011");
		end();
		node("chosen");
		node("m");
		WORDS("reg", 0, 1, 0, 1);
		bytes("status", statuses[i].text, statuses[i].size);
		text("compatible", "multiboot,kernel");
		end();
		end();
		accepted();
		assert_int_equal(machine.memories, statuses[i].there);
		assert_int_equal(machine.reservations, statuses[i].there);
		assert_int_equal(machine.kernel.size, statuses[i].there);
		assert_int_equal(machine.console,
				 statuses[i].there ? FDT_CONSOLE_PL011 : FDT_CONSOLE_NONE);
	}
}

static void fdt_read_reserved_memory(void **state)
{
	(void)state;
	begin_64();
	node("reserved-memory");
	u32("#address-cells", 1);
	node("dynamic");
	u32("size", 0x1000);
	end();
	node("a@1000");
	WORDS("reg", 0x1000, 0x10, 0x2000, 0x20);
	node("inner");
	WORDS("reg", 1, 1);
	end();
	end();
	node("b@3000");
	WORDS("reg", 0x3000, 0x30);
	end();
	end();
	accepted();
	assert_int_equal(machine.reservations, 3);
	assert_range(machine.reserved[0], 0x1000, 0x10);
	assert_range(machine.reserved[1], 0x2000, 0x20);
	assert_range(machine.reserved[2], 0x3000, 0x30);
}

static void fdt_read_reserved_memory_bad(void **state)
{
	(void)state;
	begin_64();
	node("reserved-memory");
	u32("reg", 1);
	u32("reg", 1);
	end();
	refused(STATUS_BAD_FORMAT, "reg");
	begin_64();
	node("reserved-memory");
	node("a");
	u32("reg", 1);
	u32("reg", 1);
	end();
	end();
	refused(STATUS_BAD_FORMAT, "reg");
	begin_64();
	node("reserved-memory");
	node("a");
	WORDS("reg", 1, 2);
	end();
	end();
	refused(STATUS_BAD_FORMAT, "'a'");
	begin_64();
	node("reserved-memory");
	u32("#size-cells", 0);
	end();
	refused(STATUS_UNSUPPORTED, "reserved-memory");
	begin_64();
	node("reserved-memory");
	node("a");
	WORDS("reg", ~0u, ~0u, 1);
	end();
	end();
	refused(STATUS_OUT_OF_RANGE, "'a'");
	begin_64();
	node("reserved-memory");
	for (unsigned i = 0; i < FDT_RESERVED_MAX + 1; i++) {
		node("a");
		WORDS("reg", 0, i, 1);
		end();
	}
	end();
	refused(STATUS_TOO_LARGE, "32");
}

/* -- devices ---------------------------------------------------------------------- */

static void device(const char *name, const char *compatible, uint32_t address)
{
	node(name);
	WORDS("reg", 0, address, 0, 0x1000);
	text("compatible", compatible);
}

static void fdt_read_compatible_list(void **state)
{
	(void)state;
	begin_64();
	node("a");
	BYTES("compatible", "a\0much,longer-than-a-word\0\0\0arm,pl011\0");
	WORDS("reg", 0, 1, 0, 2);
	end();
	accepted();
	assert_int_equal(machine.console, FDT_CONSOLE_PL011);
	begin_64();
	node("a");
	BYTES("compatible", "12345678arm,pl011\0");
	end();
	node("b");
	BYTES("compatible", "arm,pl01");
	end();
	node("c");
	BYTES("compatible", "arm,pl011");
	end();
	node("d");
	BYTES("compatible", "");
	end();
	node("e");
	BYTES("compatible", "arm,pl0111\0arm,psci-0.3\0multiboot,kernels\0qemu,fw-cfg-"
			    "mmio2\0ns16550ab\0arm,psci-3.0\0arm,psci\0qemu,fw-cfg\0multiboot\0"
			    "without-terminator-long");
	end();
	node("f");
	BYTES("compatible", "multiboot,kernel\0");
	end();
	accepted();
	assert_int_equal(machine.console, FDT_CONSOLE_NONE);
	assert_int_equal(machine.psci, FDT_PSCI_NONE);
	assert_int_equal(machine.fwcfg.size, 0);
	assert_int_equal(machine.kernel.size, 0);
}

static void fdt_read_fwcfg(void **state)
{
	(void)state;
	begin_64();
	device("a", "qemu,fw-cfg-mmio", 0x1000);
	end();
	device("b", "qemu,fw-cfg-mmio", 0x2000);
	end();
	accepted();
	assert_range(machine.fwcfg, 0x1000, 0x1000);
	begin_64();
	node("a");
	text("compatible", "qemu,fw-cfg-mmio");
	end();
	refused(STATUS_BAD_FORMAT, "reg");
	begin_64();
	node("a");
	text("compatible", "qemu,fw-cfg-mmio");
	WORDS("reg", 0, 1, 2);
	end();
	refused(STATUS_BAD_FORMAT, "reg");
	begin_64();
	node("a");
	text("compatible", "qemu,fw-cfg-mmio");
	WORDS("reg", ~0u, 1, ~0u, 1);
	end();
	refused(STATUS_OUT_OF_RANGE, "'a'");
}

static void fdt_read_psci(void **state)
{
	(void)state;
	begin();
	node("psci");
	BYTES("compatible", "arm,psci-1.0\0arm,psci-0.2\0arm,psci\0");
	text("method", "smc");
	end();
	node("psci2");
	text("compatible", "arm,psci-0.2");
	text("method", "hvc");
	end();
	accepted();
	assert_int_equal(machine.psci, FDT_PSCI_SMC);
	/* 0.1 has no number for SYSTEM_OFF. */
	begin();
	node("psci");
	text("compatible", "arm,psci");
	text("method", "smc");
	end();
	accepted();
	assert_int_equal(machine.psci, FDT_PSCI_NONE);
	begin();
	node("psci");
	text("compatible", "arm,psci-0.2");
	end();
	refused(STATUS_BAD_FORMAT, "method");
	begin();
	node("psci");
	text("compatible", "arm,psci-0.2");
	text("method", "svc");
	end();
	refused(STATUS_BAD_FORMAT, "method");
}

static void fdt_read_16550(void **state)
{
	(void)state;
	begin_64();
	device("uart", "ns16550", 0x3f8);
	end();
	accepted();
	assert_int_equal(machine.console, FDT_CONSOLE_16550);
	assert_int_equal(machine.console_address, 0x3f8);
	assert_int_equal(machine.console_shift, 0);
	for (uint32_t shift = 0; shift < 5; shift++) {
		begin_64();
		device("uart", "ns16550a", 0x1000);
		u32("reg-shift", shift);
		end();
		if (shift > 3) {
			refused(STATUS_UNSUPPORTED, "reg-shift");
			continue;
		}
		accepted();
		assert_int_equal(machine.console_shift, shift);
	}
	begin_64();
	device("uart", "ns16550a", 0x1000);
	u64("reg-shift", 1);
	end();
	refused(STATUS_BAD_FORMAT, "reg-shift");
	begin_64();
	node("uart");
	text("compatible", "ns16550a");
	end();
	refused(STATUS_BAD_FORMAT, "reg");
}

/* -- console ---------------------------------------------------------------------- */

/* Which of three UARTs, at 0x1000, 0x2000 and 0x3000; @path NULL: no stdout-path. */
static uint64_t console_of(const char *path)
{
	begin_64();
	node("chosen");
	if (path != NULL)
		text("stdout-path", path);
	end();
	device("serial@1000", "arm,pl011", 0x1000);
	end();
	device("serial@2000", "ns16550a", 0x2000);
	u32("reg-shift", 2);
	end();
	device("uart@3000", "arm,pl011", 0x3000);
	end();
	node("aliases");
	text("serial0", "/serial@1000");
	text("serial1", "/serial@2000");
	text("u", "/uart");
	text("self", "self");
	text("other", "serial1");
	text("root", "/");
	BYTES("none", "");
	BYTES("open", "/uart");
	text("serial", "/uart@3000");
	end();
	accepted();
	assert_int_equal(machine.console_shift, machine.console_address == 0x2000 ? 2 : 0);
	assert_int_equal(machine.console,
			 machine.console_address == 0x2000 ? FDT_CONSOLE_16550 : FDT_CONSOLE_PL011);
	assert_text(machine.stdout_path, path != NULL ? path : "");
	return machine.console_address;
}

static void fdt_read_stdout_path(void **state)
{
	static const struct {
		const char *path;
		uint64_t address;
	} paths[] = {
		{NULL, 0x1000},
		{"", 0x1000},
		{"/serial@1000", 0x1000},
		{"/serial@2000", 0x2000},
		{"/uart@3000", 0x3000},
		{"/uart@3000:115200n8", 0x3000},
		{"/uart", 0x3000},
		{"/uart:9600", 0x3000},
		{"/serial", 0x1000},
		{"/uart@", 0x1000},
		{"/uar", 0x1000},
		{"/uart@30001", 0x1000},
		{"/uart@300", 0x1000},
		{"/soc/uart@3000", 0x1000},
		{"/", 0x1000},
		{":", 0x1000},
		{"serial1", 0x2000},
		{"serial1:115200", 0x2000},
		{"serial", 0x3000},
		{"u", 0x3000},
		{"self", 0x1000},
		{"other", 0x1000},
		{"root", 0x1000},
		{"none", 0x1000},
		{"open", 0x3000},
		{"serial2", 0x1000},
		{"uart@3000", 0x1000},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(paths); i++) {
		if (console_of(paths[i].path) != paths[i].address)
			fail_msg("'%s' gives 0x%lx", paths[i].path, machine.console_address);
	}
}

static void fdt_read_stdout_path_without_aliases(void **state)
{
	(void)state;
	begin_64();
	node("chosen");
	text("stdout-path", "serial0");
	end();
	device("a", "arm,pl011", 0x1000);
	end();
	device("b", "arm,pl011", 0x2000);
	end();
	accepted();
	assert_int_equal(machine.console_address, 0x1000);
}

/* What edits of a tree leave behind; and a second /aliases, which nobody finds. */
static void fdt_read_aliases_with_nops(void **state)
{
	(void)state;
	begin_64();
	node("aliases");
	text("a", "/a");
	text("b", "/b");
	end();
	node("aliases@1");
	text("c", "/b");
	end();
	node("chosen");
	text("stdout-path", "b");
	end();
	device("a", "arm,pl011", 0x1000);
	end();
	device("b", "arm,pl011", 0x2000);
	end();
	accepted();
	assert_int_equal(machine.console_address, 0x2000);
	OK(fdt_nop_property(tree, fdt_path_offset(tree, "/aliases"), "a"));
	assert_status(read_tree(), STATUS_OK);
	assert_int_equal(machine.console_address, 0x2000);
	OK(fdt_setprop_inplace(tree, fdt_path_offset(tree, "/chosen"), "stdout-path", "c", 2));
	assert_status(read_tree(), STATUS_OK);
	assert_int_equal(machine.console_address, 0x1000);
}

static void fdt_read_many_consoles(void **state)
{
	(void)state;
	begin_64();
	node("chosen");
	text("stdout-path", "/uart@7");
	end();
	for (unsigned i = 0; i < 20; i++) {
		char name[16];
		snprintf(name, sizeof(name), "uart@%u", i);
		device(name, "arm,pl011", 0x1000 * i);
		end();
	}
	accepted();
	assert_int_equal(machine.console_address, 0x7000);
}

/* -- /chosen ---------------------------------------------------------------------- */

static void chosen(void)
{
	begin_64();
	node("chosen");
}

static void chosen_refused(enum status expected, const char *word)
{
	end();
	refused(expected, word);
}

static void fdt_read_strings_without_end(void **state)
{
	static const char *const names[] = {"bootargs", "stdout-path"};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		chosen();
		BYTES(names[i], "abcd");
		chosen_refused(STATUS_BAD_FORMAT, names[i]);
		chosen();
		BYTES(names[i], "");
		chosen_refused(STATUS_BAD_FORMAT, names[i]);
	}
	/* It ends at the first terminator. */
	chosen();
	BYTES("bootargs", "ab\0cd");
	end();
	accepted();
	assert_text(machine.bootargs, "ab");
}

static void fdt_read_linux_properties(void **state)
{
	(void)state;
	for (unsigned wide = 0; wide < 2; wide++) {
		chosen();
		if (wide) {
			u64("linux,kernel-start", 0x100000000);
			u64("linux,kernel-size", 0x200000000);
			u64("linux,initrd-start", 0x400000000);
			u64("linux,initrd-end", 0x500000000);
		} else {
			u32("linux,initrd-end", 0xf0000000);
			u32("linux,initrd-start", 0x80000000);
			u32("linux,kernel-size", 0x30000000);
			u32("linux,kernel-start", 0x90000000);
		}
		end();
		accepted();
		assert_range(machine.kernel, wide ? 0x100000000 : 0x90000000,
			     wide ? 0x200000000 : 0x30000000);
		assert_range(machine.initrd, wide ? 0x400000000 : 0x80000000,
			     wide ? 0x100000000 : 0x70000000);
	}
}

static void fdt_read_linux_properties_length(void **state)
{
	static const char *const names[] = {"linux,kernel-start", "linux,kernel-size",
					    "linux,initrd-start", "linux,initrd-end"};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		for (size_t size = 0; size <= 16; size++) {
			if (size == 4 || size == 8)
				continue;
			chosen();
			bytes(names[i], "0123456789abcdef", size);
			u32(names[i ^ 1], 7);
			chosen_refused(STATUS_BAD_FORMAT, names[i]);
		}
	}
}

static void fdt_read_linux_properties_alone(void **state)
{
	static const char *const names[] = {"linux,kernel-start", "linux,kernel-size",
					    "linux,initrd-start", "linux,initrd-end"};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		chosen();
		u32(names[i], 1);
		chosen_refused(STATUS_BAD_FORMAT, "without");
		assert_non_null(strstr(why.text, names[i ^ 1]));
	}
}

static void fdt_read_kernel_of_size_0(void **state)
{
	(void)state;
	chosen();
	u64("linux,kernel-start", 0);
	u64("linux,kernel-size", 0);
	chosen_refused(STATUS_BAD_FORMAT, "size 0");
	chosen();
	node("module");
	text("compatible", "multiboot,kernel");
	WORDS("reg", 0, 1, 0, 0);
	end();
	chosen_refused(STATUS_BAD_FORMAT, "size 0");
}

static void fdt_read_kernel_wraps(void **state)
{
	(void)state;
	chosen();
	u64("linux,kernel-start", UINT64_MAX);
	u32("linux,kernel-size", 1);
	chosen_refused(STATUS_OUT_OF_RANGE, "end of all memory");
}

static void fdt_read_initrd_ends_before_it_begins(void **state)
{
	(void)state;
	chosen();
	u64("linux,initrd-start", 0x1001);
	u32("linux,initrd-end", 0x1000);
	chosen_refused(STATUS_OUT_OF_RANGE, "initrd");
}

static void fdt_read_initrd_empty(void **state)
{
	(void)state;
	chosen();
	u64("linux,initrd-start", 0x1000);
	u32("linux,initrd-end", 0x1000);
	node("module");
	text("compatible", "multiboot,ramdisk");
	WORDS("reg", 0, 1, 0, 1);
	end();
	end();
	accepted();
	assert_int_equal(machine.initrd.size, 0);
}

static void fdt_read_seeds(void **state)
{
	(void)state;
	chosen();
	u64("kaslr-seed", 7);
	BYTES("rng-seed", "abc");
	end();
	accepted();
	assert_int_equal(machine.kaslr_seed.size, 8);
	assert_int_equal(machine.kaslr_seed.bytes[7], 7);
	assert_text(machine.rng_seed, "abc");
	chosen();
	u32("kaslr-seed", 7);
	chosen_refused(STATUS_BAD_FORMAT, "kaslr-seed");
}

static void fdt_read_hash_table(void **state)
{
	(void)state;
	chosen();
	end();
	accepted();
	assert_false(machine.has_hash_table);
	chosen();
	WORDS("slipway,hash-table", 1, 0x2000, 0, 0xb0);
	end();
	accepted();
	assert_true(machine.has_hash_table);
	assert_range(machine.hash_table, 0x100002000, 0xb0);
	/* One of no bytes is not none. */
	chosen();
	WORDS("slipway,hash-table", 0, 0, 0, 0);
	end();
	accepted();
	assert_true(machine.has_hash_table);
	assert_range(machine.hash_table, 0, 0);
	chosen();
	WORDS("slipway,hash-table", 0, 0x2000, 0xb0);
	chosen_refused(STATUS_BAD_FORMAT, "slipway,hash-table");
	chosen();
	BYTES("slipway,hash-table", "");
	chosen_refused(STATUS_BAD_FORMAT, "slipway,hash-table");
	chosen();
	WORDS("slipway,hash-table", 0xffffffff, 0xfffff000, 0, 0x1001);
	chosen_refused(STATUS_OUT_OF_RANGE, "end of all memory");
}

/* -- modules ---------------------------------------------------------------------- */

static void module(const char *name, const char *kind)
{
	node(name);
	BYTES("unused", "");
	text("compatible", kind);
}

static void fdt_read_modules(void **state)
{
	(void)state;
	chosen();
	u32("#address-cells", 1);
	u32("#size-cells", 1);
	text("bootargs", "theirs");
	module("a", "multiboot,ramdisk");
	WORDS("reg", 0x1000, 0x10);
	end();
	module("b", "multiboot,kernel");
	WORDS("reg", 1, 2, 3, 4);
	node("inner");
	end();
	end();
	module("c", "multiboot,kernel");
	WORDS("reg", 5, 6);
	text("bootargs", "second");
	end();
	module("d", "multiboot,ramdisk");
	WORDS("reg", 5, 6);
	end();
	module("e", "multiboot,module");
	end();
	node("f");
	end();
	end();
	accepted();
	assert_range(machine.initrd, 0x1000, 0x10);
	assert_range(machine.kernel, 0x100000002, 0x300000004);
	assert_text(machine.bootargs, "theirs");
}

static void fdt_read_module_bootargs(void **state)
{
	(void)state;
	chosen();
	text("bootargs", "theirs");
	module("b", "multiboot,kernel");
	WORDS("reg", 1, 2, 4);
	text("bootargs", "its own");
	end();
	end();
	accepted();
	assert_range(machine.kernel, 0x100000002, 4);
	assert_text(machine.bootargs, "its own");
	chosen();
	module("b", "multiboot,kernel");
	WORDS("reg", 1, 2, 4);
	BYTES("bootargs", "its");
	end();
	chosen_refused(STATUS_BAD_FORMAT, "bootargs");
}

static void fdt_read_modules_besides_linux_properties(void **state)
{
	(void)state;
	chosen();
	text("bootargs", "theirs");
	u64("linux,kernel-start", 0x1000);
	u64("linux,kernel-size", 0x1000);
	module("a", "multiboot,kernel");
	BYTES("reg", "junk");
	text("bootargs", "its own");
	end();
	module("b", "multiboot,ramdisk");
	WORDS("reg", 0, 0x8000, 0, 0x10);
	end();
	end();
	accepted();
	assert_range(machine.kernel, 0x1000, 0x1000);
	assert_range(machine.initrd, 0x8000, 0x10);
	assert_text(machine.bootargs, "theirs");
}

static void fdt_read_module_reg(void **state)
{
	(void)state;
	chosen();
	module("a", "multiboot,kernel");
	end();
	chosen_refused(STATUS_BAD_FORMAT, "reg");
	for (size_t size = 0; size <= 20; size++) {
		if (size == 12 || size == 16)
			continue;
		chosen();
		module("a", "multiboot,ramdisk");
		bytes("reg", "0123456789012345678901234567890", size);
		end();
		chosen_refused(STATUS_BAD_FORMAT, "reg");
	}
	chosen();
	module("a", "multiboot,ramdisk");
	WORDS("reg", ~0u, 1, ~0u, 3);
	end();
	chosen_refused(STATUS_OUT_OF_RANGE, "'a'");
	chosen();
	u32("#address-cells", 3);
	chosen_refused(STATUS_UNSUPPORTED, "chosen");
}

/* -- hostile ---------------------------------------------------------------------- */

/* What was accepted may be read, all of it. */
static void touch(struct span span)
{
	volatile uint8_t sum = 0;

	for (size_t i = 0; i < span.size; i++)
		sum = (uint8_t)(sum + span.bytes[i]);
}

static void survive(void)
{
	memset(&why, 0, sizeof(why));
	enum status status = fdt_read((struct span){tree, tree_size}, &machine, &why);
	if (status != STATUS_OK) {
		assert_reasoned(why);
		return;
	}
	assert_true(machine.memories <= FDT_MEMORY_MAX);
	assert_true(machine.reservations <= FDT_RESERVED_MAX);
	touch(machine.bootargs);
	touch(machine.stdout_path);
	touch(machine.kaslr_seed);
	touch(machine.rng_seed);
}

static void fdt_read_truncated_trees(void **state)
{
	static const char *const names[] = {"fdt/virt-7.2.dtb", "fdt/virt-7.2-numa.dtb"};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		load(names[i]);
		uint8_t *whole = malloc(tree_size);
		assert_non_null(whole);
		memcpy(whole, tree, tree_size);
		/* The structure moves to the end, where ASan sees a byte too many. */
		size_t begins = fdt_off_dt_struct(whole), size = fdt_size_dt_struct(whole);
		size_t names_size = fdt_size_dt_strings(whole);
		size_t to = (begins + names_size + 3) & ~3ul;
		uint8_t *moved = calloc(1, to + size);
		assert_non_null(moved);
		memcpy(moved, whole, begins);
		memcpy(moved + begins, whole + fdt_off_dt_strings(whole), names_size);
		memcpy(moved + to, whole + begins, size);
		fdt_set_off_dt_strings(moved, (uint32_t)begins);
		fdt_set_off_dt_struct(moved, (uint32_t)to);
		for (size_t cut = 0; cut <= size; cut += 4) {
			take_tree(moved, to + cut);
			fdt_set_totalsize(tree, (uint32_t)tree_size);
			fdt_set_size_dt_struct(tree, (uint32_t)cut);
			enum status status = read_tree();
			if (cut < size)
				assert_status(status, STATUS_TRUNCATED);
			else
				assert_status(status, STATUS_OK);
		}
		/* And the whole file cut, which the header gives away. */
		for (size_t cut = 0; cut < fdt_totalsize(whole); cut += 7) {
			take_tree(whole, cut);
			assert_status(read_tree(),
				      cut < 40 ? STATUS_TRUNCATED : STATUS_OUT_OF_RANGE);
		}
		free(moved);
		free(whole);
	}
}

static void fdt_read_corrupted_bytes(void **state)
{
	static const uint8_t flips[] = {0x01, 0x03, 0x80, 0xff};

	(void)state;
	load("fdt/virt-7.2-numa.dtb");
	for (size_t at = 0; at < tree_size; at++) {
		for (size_t i = 0; i < COUNT(flips); i++) {
			tree[at] ^= flips[i];
			survive();
			tree[at] ^= flips[i];
		}
	}
	assert_status(read_tree(), STATUS_OK);
}

/* A device that nobody knows, but for a letter. */
static void useless_node(const char *name, uint32_t number)
{
	node(name);
	WORDS("interrupts", 0, number, 1);
	WORDS("reg", 0, number, 0, 0x1000);
	text("compatible", "brm,pl011");
	end();
}

/* Where in the structure the second of them begins, and where it ends. */
static size_t place_of(const char *name)
{
	const uint8_t *found = memmem(tree, tree_size, name, strlen(name) + 1);

	assert_non_null(found);
	return (size_t)(found - tree) - 4;
}

/*
 * A node that is like the one before is not read again. Whatever is changed in it, the
 * result is the same as when the one before differs.
 */
static void fdt_read_nodes_alike(void **state)
{
	static struct fdt_machine as_usual;
	struct reason reason;

	(void)state;
	begin_64();
	useless_node("device@a000100", 0x100);
	useless_node("device@a000200", 0x200);
	node("last");
	BYTES("long", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
		      "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
	end();
	accepted();
	assert_int_equal(machine.console, FDT_CONSOLE_NONE);
	uint8_t *letter = memmem(tree, tree_size, "brm,pl011", 9);
	assert_non_null(letter);
	bool console = false;
	for (size_t at = place_of("device@a000200"); at < place_of("last"); at++) {
		for (unsigned change = 1; change < 256; change++) {
			tree[at] ^= (uint8_t)change;
			*letter = 'c';
			enum status expected =
				fdt_read((struct span){tree, tree_size}, &machine, &why);
			as_usual = machine;
			reason = why;
			*letter = 'b';
			assert_status(read_tree(), expected);
			if (expected == STATUS_OK) {
				assert_int_equal(machine.console, as_usual.console);
				assert_int_equal(machine.console_address, as_usual.console_address);
				assert_int_equal(machine.memories, as_usual.memories);
				console |= machine.console == FDT_CONSOLE_PL011 &&
					   machine.console_address == 0x200;
			} else {
				assert_string_equal(why.text, reason.text);
			}
			tree[at] ^= (uint8_t)change;
		}
	}
	assert_true(console);
}

static void fdt_read_random_corruptions(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4000; i++) {
		if (i % 8 == 0)
			load(i % 16 == 0 ? "fdt/virt-7.2.dtb" : "fdt/virt-7.2-numa.dtb");
		for (uint64_t n = 1 + unit_random_below(4); n > 0; n--) {
			uint64_t at = 40 + unit_random_below(tree_size - 40);
			/* Tokens and small numbers do more than noise does. */
			if (unit_random_below(2) == 0)
				tree[at] = (uint8_t)unit_random();
			else if (at % 4 == 0 && at + 4 <= tree_size)
				fdt32_st(tree + at, (uint32_t)unit_random_below(12));
			else
				tree[at] = (uint8_t)unit_random_below(12);
		}
		survive();
	}
}

/* A name that is cut by the end of the strings is none that we know, nor read beyond it. */
static void fdt_read_names_at_the_end_of_all_strings(void **state)
{
	static const char *const known[] = {
		"#address-cells",
		"#size-cells",
		"bootargs",
		"compatible",
		"device_type",
		"kaslr-seed",
		"linux,kernel-start",
		"linux,kernel-size",
		"linux,initrd-start",
		"linux,initrd-end",
		"method",
		"reg",
		"reg-shift",
		"rng-seed",
		"slipway,hash-table",
		"status",
		"stdout-path",
	};
	static const uint32_t structure[] = {BEGIN_NODE, 0, PROP, 0, 0, END_NODE, END};
	enum { STRINGS = 56 + sizeof(structure) };

	(void)state;
	for (size_t i = 0; i < COUNT(known); i++) {
		for (uint32_t length = 1; length < strlen(known[i]); length++) {
			const uint32_t header[14] = {
				0xd00dfeed, STRINGS + length + 1, 56, STRINGS, 40, 17, 16, 0,
				length + 1, sizeof(structure),
			};
			uint8_t all[STRINGS + 32] = {0};
			for (size_t at = 0; at < 14; at++)
				fdt32_st(all + 4 * at, header[at]);
			for (size_t at = 0; at < COUNT(structure); at++)
				fdt32_st(all + 56 + 4 * at, structure[at]);
			memcpy(all + STRINGS, known[i], length);
			take_tree(all, STRINGS + length + 1);
			assert_status(read_tree(), STATUS_OK);
			assert_int_equal(machine.bootargs.size + machine.stdout_path.size +
						 machine.kaslr_seed.size + machine.rng_seed.size,
					 0);
		}
	}
}

/* A structure that ends within /reserved-memory, wherever that is, leaves nothing of it. */
static void fdt_read_reserved_memory_that_is_cut(void **state)
{
	(void)state;
	begin_64();
	node("reserved-memory");
	u32("#address-cells", 2);
	u32("#size-cells", 2);
	node("secure@1000");
	WORDS("reg", 0, 0x1000, 0, 0x1000);
	end();
	node("another-one-of-a-long-name@3000");
	text("status", "okay");
	WORDS("reg", 0, 0x3000, 0, 0x1000);
	end();
	end();
	accepted();
	assert_int_equal(machine.reservations, 2);
	uint32_t size = fdt_size_dt_struct(tree);
	for (uint32_t cut = 4; cut < size; cut += 4) {
		fdt_set_size_dt_struct(tree, size - cut);
		enum status status = read_tree();
		assert_true(status == STATUS_TRUNCATED || status == STATUS_BAD_FORMAT);
	}
}

/* The name of an alias that the strings have not all of is another one. */
static void fdt_read_alias_at_the_end_of_all_strings(void **state)
{
	static const char *const paths[] = {"u", "ua", "uar", "uart0"};

	(void)state;
	for (size_t i = 0; i < COUNT(paths); i++) {
		begin();
		/* The first name of a tree is the last of its strings. */
		node("aliases");
		text("ua", "/b");
		end();
		node("chosen");
		text("stdout-path", paths[i]);
		end();
		for (uint32_t at = 0; at < 2; at++) {
			node(at == 0 ? "a" : "b");
			WORDS("reg", 0, 0x1000 * (at + 1), 0x1000);
			text("compatible", "arm,pl011");
			end();
		}
		accepted();
		const char *strings = (const char *)tree + fdt_off_dt_strings(tree);
		assert_string_equal(strings + fdt_size_dt_strings(tree) - 3, "ua");
		assert_int_equal(machine.console_address, i == 1 ? 0x2000 : 0x1000);
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, unit_setup, teardown)

static const struct CMUnitTest tests[] = {
	TEST(fdt_read_qemu),
	TEST(fdt_read_qemu_secure_numa_modules),
	TEST(fdt_read_cloud_hypervisor),
	TEST(fdt_read_empty_root),
	TEST(fdt_read_tokens),
	TEST(fdt_read_unknown_token),
	TEST(fdt_read_no_root),
	TEST(fdt_read_end_inside_a_node),
	TEST(fdt_read_does_not_end_after_root),
	TEST(fdt_read_property_after_a_child),
	TEST(fdt_read_truncated_structure),
	TEST(fdt_read_nops_up_to_the_end),
	TEST(fdt_read_structure_of_odd_size),
	TEST(fdt_read_node_name_without_end),
	TEST(fdt_read_property_past_the_structure),
	TEST(fdt_read_property_name_outside),
	TEST(fdt_read_strings),
	TEST(fdt_read_names_that_share_their_end),
	TEST(fdt_read_names_at_the_end_of_all_strings),
	TEST(fdt_read_reserved_memory_that_is_cut),
	TEST(fdt_read_alias_at_the_end_of_all_strings),
	TEST(fdt_read_many_names),
	TEST(fdt_read_deep),
	TEST(fdt_read_property_twice),
	TEST(fdt_read_node_twice),
	TEST(fdt_read_names_that_begin_alike),
	TEST(fdt_read_reserve_map),
	TEST(fdt_read_reserve_map_without_end),
	TEST(fdt_read_reserve_map_too_many),
	TEST(fdt_read_reserve_map_wraps),
	TEST(fdt_read_cells_default),
	TEST(fdt_read_cells),
	TEST(fdt_read_cells_length),
	TEST(fdt_read_memory_reg_length),
	TEST(fdt_read_memory_of_size_0),
	TEST(fdt_read_memory_wraps),
	TEST(fdt_read_memory_too_many),
	TEST(fdt_read_what_is_no_memory),
	TEST(fdt_read_status),
	TEST(fdt_read_reserved_memory),
	TEST(fdt_read_reserved_memory_bad),
	TEST(fdt_read_compatible_list),
	TEST(fdt_read_fwcfg),
	TEST(fdt_read_psci),
	TEST(fdt_read_16550),
	TEST(fdt_read_stdout_path),
	TEST(fdt_read_stdout_path_without_aliases),
	TEST(fdt_read_aliases_with_nops),
	TEST(fdt_read_many_consoles),
	TEST(fdt_read_strings_without_end),
	TEST(fdt_read_linux_properties),
	TEST(fdt_read_linux_properties_length),
	TEST(fdt_read_linux_properties_alone),
	TEST(fdt_read_kernel_of_size_0),
	TEST(fdt_read_kernel_wraps),
	TEST(fdt_read_initrd_ends_before_it_begins),
	TEST(fdt_read_initrd_empty),
	TEST(fdt_read_seeds),
	TEST(fdt_read_hash_table),
	TEST(fdt_read_modules),
	TEST(fdt_read_module_bootargs),
	TEST(fdt_read_modules_besides_linux_properties),
	TEST(fdt_read_module_reg),
	TEST(fdt_read_truncated_trees),
	TEST(fdt_read_nodes_alike),
	TEST(fdt_read_corrupted_bytes),
	TEST(fdt_read_random_corruptions),
};

UNIT_MAIN(tests)
