/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdlib.h>

#include <libfdt.h>

#include "fdt/fdt.h"

static struct fdt_chosen chosen;
static struct fdt_machine machine;
static struct reason why;
static uint8_t *source; /* the tree, in memory of its size */
static size_t source_size;
static uint8_t *copy;
static size_t copy_size;

static int setup(void **state)
{
	static const uint8_t seed[40] = {0xaa, 0xbb};

	chosen = (struct fdt_chosen){
		.bootargs = {(const uint8_t *)"root=/dev/vda", 13},
		.initrd = {0x4a000000, 0x1234},
		.kaslr_seed = {seed, 8},
		.rng_seed = {seed, sizeof(seed)},
	};
	return unit_setup(state);
}

static int teardown(void **state)
{
	free(source);
	free(copy);
	source = copy = NULL;
	return unit_teardown(state);
}

/* A tree that libfdt writes: with /chosen or without, and with other nodes around. */
static void make_tree(bool with_chosen)
{
	source_size = 4 * KIB;
	source = realloc(source, source_size);
	assert_non_null(source);
	assert_int_equal(fdt_create_empty_tree(source, (int)source_size), 0);
	assert_int_equal(fdt_setprop_string(source, 0, "model", "test"), 0);
	assert_int_equal(fdt_add_mem_rsv(source, 0x1000, 0x2000), 0);
	int node = fdt_add_subnode(source, 0, "memory@0");
	assert_int_equal(fdt_setprop_string(source, node, "device_type", "memory"), 0);
	assert_int_equal(fdt_setprop_u64(source, node, "reg", 0x4000000010000000), 0);
	assert_int_equal(fdt_appendprop_u32(source, node, "reg", 1), 0);
	if (!with_chosen)
		return;
	node = fdt_add_subnode(source, 0, "chosen");
	assert_int_equal(fdt_setprop_string(source, node, "bootargs", "theirs"), 0);
	assert_int_equal(fdt_setprop_u64(source, node, "linux,kernel-start", MIB), 0);
	assert_int_equal(fdt_setprop_u64(source, node, "linux,kernel-size", MIB), 0);
	assert_int_equal(fdt_setprop_u32(source, node, "linux,initrd-start", 2 * MIB), 0);
	assert_int_equal(fdt_setprop_u32(source, node, "linux,initrd-end", 3 * MIB), 0);
	assert_int_equal(fdt_setprop_u64(source, node, "kaslr-seed", 77), 0);
	assert_int_equal(fdt_setprop_string(source, node, "stdout-path", "/uart"), 0);
	int module = fdt_add_subnode(source, node, "module@1");
	assert_int_equal(fdt_setprop_string(source, module, "compatible", "multiboot,ramdisk"), 0);
	assert_true(fdt_add_subnode(source, node, "framebuffer") > 0);
	module = fdt_add_subnode(source, node, "module@2");
	assert_int_equal(fdt_setprop_string(source, module, "compatible", "multiboot,kernel"), 0);
	module = fdt_add_subnode(source, node, "module@3");
	assert_int_equal(fdt_setprop_string(source, module, "compatible", "multiboot,module"), 0);
	module = fdt_add_subnode(source, node, "other");
	assert_int_equal(fdt_setprop_string(source, module, "compatible", "multiboot"), 0);
}

static struct span tree(void)
{
	return (struct span){source, source_size};
}

static enum status make_copy(size_t capacity)
{
	copy = realloc(copy, capacity + (capacity == 0));
	assert_non_null(copy);
	copy_size = 0;
	memset(&why, 0, sizeof(why));
	assert_status(fdt_read(tree(), &machine, &why), STATUS_OK);
	chosen.node = machine.chosen;
	enum status status = fdt_copy(tree(), &chosen, copy, capacity, &copy_size, &why);
	if (status != STATUS_OK) {
		assert_reasoned(why);
		assert_int_equal(copy_size, 0);
		return status;
	}
	assert_in_range(copy_size, 1, capacity);
	assert_int_equal(fdt_totalsize(copy), copy_size);
	assert_int_equal(fdt_check_full(copy, copy_size), 0);
	assert_status(fdt_read((struct span){copy, copy_size}, &machine, &why), STATUS_OK);
	return STATUS_OK;
}

static const void *property(const char *path, const char *name, int expected)
{
	int length;
	const void *value = fdt_getprop(copy, fdt_path_offset(copy, path), name, &length);

	assert_int_equal(length, expected);
	return value;
}

#define MISSING (-FDT_ERR_NOTFOUND)

static void fdt_copy_sets_chosen(void **state)
{
	(void)state;
	make_tree(true);
	struct span before = tree();
	uint8_t *untouched = malloc(source_size);
	assert_non_null(untouched);
	memcpy(untouched, source, source_size);
	assert_status(make_copy(fdt_copy_size(before, &chosen)), STATUS_OK);
	assert_memory_equal(untouched, source, source_size);
	free(untouched);

	assert_string_equal(property("/chosen", "bootargs", 14), "root=/dev/vda");
	assert_int_equal(fdt64_ld(property("/chosen", "linux,initrd-start", 8)), 0x4a000000);
	assert_int_equal(fdt64_ld(property("/chosen", "linux,initrd-end", 8)), 0x4a001234);
	assert_memory_equal(property("/chosen", "kaslr-seed", 8), "\xaa\xbb", 3);
	assert_memory_equal(property("/chosen", "rng-seed", 40), "\xaa\xbb", 3);
	assert_string_equal(property("/chosen", "stdout-path", 6), "/uart");
}

static void fdt_copy_drops_what_only_a_firmware_needs(void **state)
{
	(void)state;
	make_tree(true);
	assert_status(make_copy(source_size), STATUS_OK);
	property("/chosen", "linux,kernel-start", MISSING);
	property("/chosen", "linux,kernel-size", MISSING);
	assert_int_equal(fdt_path_offset(copy, "/chosen/module@1"), MISSING);
	assert_int_equal(fdt_path_offset(copy, "/chosen/module@2"), MISSING);
	assert_int_equal(fdt_path_offset(copy, "/chosen/module@3"), MISSING);
	assert_true(fdt_path_offset(copy, "/chosen/framebuffer") > 0);
	assert_true(fdt_path_offset(copy, "/chosen/other") > 0);
}

static void fdt_copy_keeps_the_rest(void **state)
{
	uint64_t address, size;

	(void)state;
	make_tree(true);
	fdt_set_boot_cpuid_phys(source, 5);
	assert_status(make_copy(source_size), STATUS_OK);
	assert_string_equal(property("/", "model", 5), "test");
	assert_int_equal(fdt64_ld(property("/memory@0", "reg", 12)), 0x4000000010000000);
	assert_int_equal(fdt_num_mem_rsv(copy), 1);
	assert_int_equal(fdt_get_mem_rsv(copy, 0, &address, &size), 0);
	assert_int_equal(address, 0x1000);
	assert_int_equal(size, 0x2000);
	assert_int_equal(fdt_boot_cpuid_phys(copy), 5);
}

static void fdt_copy_adds_chosen(void **state)
{
	(void)state;
	make_tree(false);
	assert_int_equal(fdt_pack(source), 0);
	assert_status(make_copy(fdt_copy_size(tree(), &chosen)), STATUS_OK);
	assert_string_equal(property("/chosen", "bootargs", 14), "root=/dev/vda");
	assert_int_equal(fdt64_ld(property("/chosen", "linux,initrd-end", 8)), 0x4a001234);
}

/* The node that libfdt finds under this path, and not those whose names are like it. */
static void fdt_copy_finds_chosen_as_libfdt_does(void **state)
{
	static const char *const names[] = {"chosen", "chosen@0", "chose", "chosen2", "", "c"};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		make_tree(false);
		int soc = fdt_add_subnode(source, 0, "soc");
		assert_true(fdt_add_subnode(source, soc, "chosen") > 0);
		int node = fdt_add_subnode(source, 0, names[i]);
		assert_int_equal(fdt_setprop_u32(source, node, "x", 1), 0);
		assert_int_equal(fdt_setprop_u32(source, node, "y", 1), 0);
		assert_int_equal(fdt_nop_property(source, node, "x"), 0);
		bool found = fdt_path_offset(source, "/chosen") >= 0;
		assert_int_equal(found, i < 2);
		assert_status(make_copy(source_size), STATUS_OK);
		property("/chosen", "bootargs", 14);
		property("/chosen", "y", found ? 4 : MISSING);
		property("/soc/chosen", "bootargs", MISSING);
	}
}

static void fdt_copy_empty_goes_or_stays(void **state)
{
	(void)state;
	chosen = (struct fdt_chosen){0};
	make_tree(true);
	assert_status(make_copy(fdt_copy_size(tree(), &chosen)), STATUS_OK);
	property("/chosen", "bootargs", MISSING);
	property("/chosen", "linux,initrd-start", MISSING);
	property("/chosen", "linux,initrd-end", MISSING);
	property("/chosen", "rng-seed", MISSING);
	assert_int_equal(fdt64_ld(property("/chosen", "kaslr-seed", 8)), 77);
	make_tree(false);
	assert_status(make_copy(fdt_copy_size(tree(), &chosen)), STATUS_OK);
}

/* Each capacity up to the one that is enough: libfdt stays inside, and says so. */
static void fdt_copy_too_large(void **state)
{
	(void)state;
	for (unsigned with_chosen = 0; with_chosen < 2; with_chosen++) {
		make_tree(with_chosen);
		size_t enough = fdt_copy_size(tree(), &chosen);
		enum status status = STATUS_TOO_LARGE;
		size_t capacity = 0;
		for (; capacity < enough && status != STATUS_OK; capacity++) {
			status = make_copy(capacity);
			if (status != STATUS_OK)
				assert_status(status, STATUS_TOO_LARGE);
		}
		assert_in_range(capacity, 300, enough);
	}
	chosen.bootargs.size = SIZE_MAX / 2;
	assert_status(make_copy(source_size), STATUS_TOO_LARGE);
	chosen.bootargs.size = 1;
	chosen.rng_seed.size = 1ul << 32;
	assert_status(make_copy(source_size), STATUS_TOO_LARGE);
	chosen.rng_seed.size = 0;
	chosen.kaslr_seed.size = 1ul << 33;
	assert_status(make_copy(source_size), STATUS_TOO_LARGE);
}

/* Linux takes no more, however much room there is. */
static void fdt_copy_larger_than_linux_takes(void **state)
{
	(void)state;
	make_tree(true);
	uint8_t *args = malloc(FDT_SIZE_MAX);
	assert_non_null(args);
	memset(args, 'a', FDT_SIZE_MAX);
	chosen.bootargs = (struct span){args, FDT_SIZE_MAX - 0x1000};
	assert_status(make_copy(2ul * FDT_SIZE_MAX), STATUS_OK);
	chosen.bootargs = (struct span){args, FDT_SIZE_MAX - 0x100};
	assert_status(make_copy(2ul * FDT_SIZE_MAX), STATUS_TOO_LARGE);
	free(args);
}

/* One of size 0 that is not the last: to libfdt that is the end. */
static void fdt_copy_reserve_map_with_an_entry_of_size_0(void **state)
{
	(void)state;
	make_tree(true);
	assert_int_equal(fdt_add_mem_rsv(source, 0x8000, 0), 0);
	uint8_t *map = source + fdt_off_mem_rsvmap(source);
	/* The entries change places. */
	memcpy(map + 16, map, 16);
	memset(map, 0, 16);
	map[6] = 0x80;
	assert_status(make_copy(source_size), STATUS_OK);
	assert_memory_equal(copy + fdt_off_mem_rsvmap(copy), map, 48);
	assert_int_equal(machine.reservations, 1);
	assert_int_equal(machine.reserved[0].start, 0x1000);
}

/* fdt_read() takes a tree that begins with FDT_NOP, libfdt does not. */
static void fdt_copy_refused_by_libfdt(void **state)
{
	static const uint32_t words[] = {0xd00dfeed, 92, 56, 92, 40, 17, 16, 0, 0, 20,
					 0,          0,  0,  0,  4,  1,  0,  2, 9};

	(void)state;
	source_size = 92;
	source = realloc(source, source_size);
	assert_non_null(source);
	memset(source, 0, source_size);
	for (size_t i = 0; i < COUNT(words); i++)
		fdt32_st(source + 4 * i, words[i]);
	fdt_set_totalsize(source, 76);
	fdt_set_off_dt_strings(source, 76);
	assert_status(fdt_read(tree(), &machine, &why), STATUS_OK);
	assert_status(make_copy(4 * KIB), STATUS_BAD_FORMAT);
}

static uint8_t *load(const char *name)
{
	free(source);
	source = unit_data(name, &source_size);
	return source;
}

/* QEMU's tree: every node but /chosen is the same, byte by byte. */
static void fdt_copy_of_qemu(void **state)
{
	(void)state;
	load("fdt/virt-7.2-numa.dtb");
	assert_status(make_copy(fdt_copy_size(tree(), &chosen)), STATUS_OK);
	assert_int_equal(machine.kernel.size, 0);
	assert_int_equal(machine.initrd.start, 0x4a000000);
	assert_int_equal(machine.initrd.size, 0x1234);
	size_t nodes = 0;
	for (int node = 0; node >= 0; node = fdt_next_node(source, node, NULL)) {
		char path[256];
		assert_int_equal(fdt_get_path(source, node, path, sizeof(path)), 0);
		if (strncmp(path, "/chosen", 7) == 0)
			continue;
		int other = fdt_path_offset(copy, path);
		assert_true(other >= 0);
		int property_there = fdt_first_property_offset(copy, other);
		int property_here;
		fdt_for_each_property_offset(property_here, source, node)
		{
			const char *name_here, *name_there;
			int here_size, there_size;
			const void *here = fdt_getprop_by_offset(source, property_here, &name_here,
								 &here_size);
			const void *there = fdt_getprop_by_offset(copy, property_there, &name_there,
								  &there_size);
			assert_string_equal(name_here, name_there);
			assert_int_equal(here_size, there_size);
			if (here_size > 0)
				assert_memory_equal(here, there, (size_t)here_size);
			property_there = fdt_next_property_offset(copy, property_there);
		}
		assert_int_equal(property_there, -FDT_ERR_NOTFOUND);
		nodes++;
	}
	assert_true(nodes > 60);
}

/* Whatever fdt_read() accepts, libfdt edits without harm, in memory of the promised size. */
static void fdt_copy_of_accepted_corruptions(void **state)
{
	size_t accepted = 0;

	(void)state;
	load("fdt/virt-7.2-numa.dtb");
	for (unsigned i = 0; i < 3000; i++) {
		uint8_t before[3];
		size_t at[3];
		for (unsigned j = 0; j < 3; j++) {
			at[j] = unit_random_below(source_size);
			before[j] = source[at[j]];
			source[at[j]] = (uint8_t)unit_random();
		}
		if (fdt_read(tree(), &machine, &why) == STATUS_OK) {
			size_t capacity = fdt_copy_size(tree(), &chosen);
			copy = realloc(copy, capacity);
			assert_non_null(copy);
			chosen.node = machine.chosen;
			enum status status =
				fdt_copy(tree(), &chosen, copy, capacity, &copy_size, &why);
			if (status == STATUS_OK)
				assert_status(
					fdt_read((struct span){copy, copy_size}, &machine, &why),
					STATUS_OK);
			else
				assert_status(status, STATUS_BAD_FORMAT);
			accepted++;
		}
		for (unsigned j = 3; j-- > 0;)
			source[at[j]] = before[j];
	}
	assert_true(accepted > 100);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

static const struct CMUnitTest tests[] = {
	TEST(fdt_copy_sets_chosen),
	TEST(fdt_copy_drops_what_only_a_firmware_needs),
	TEST(fdt_copy_keeps_the_rest),
	TEST(fdt_copy_adds_chosen),
	TEST(fdt_copy_finds_chosen_as_libfdt_does),
	TEST(fdt_copy_empty_goes_or_stays),
	TEST(fdt_copy_too_large),
	TEST(fdt_copy_larger_than_linux_takes),
	TEST(fdt_copy_reserve_map_with_an_entry_of_size_0),
	TEST(fdt_copy_refused_by_libfdt),
	TEST(fdt_copy_of_qemu),
	TEST(fdt_copy_of_accepted_corruptions),
};

UNIT_MAIN(tests)
