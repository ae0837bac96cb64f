/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdlib.h>

#include <zlib.h>

#include "hashed.h"
#include "machine_arm.h"
#include "pe.h"

/* Whole boots on AArch64 with a hash table that the device tree names. */

/* Where a VMM has put things. */
#define TABLE_AT  (ARM_RAM + 24 * MIB)
#define KERNEL_AT (ARM_RAM + 32 * MIB)
#define INITRD_AT (ARM_RAM + 64 * MIB)

static struct arm_kernel kernel;
static struct pe_file uki;

static void again(void)
{
	arm_new(ARM_RAM_SIZE, HOST_FWCFG_QEMU);
	host.random_left = 0;
	arm_tree.has_hash_table = true;
	arm_tree.hash_table = (struct arch_range){TABLE_AT, HASH_TABLE_SIZE};
}

static int teardown(void **state)
{
	arm_kernel_free(&kernel);
	pe_free(&uki);
	return unit_teardown(state);
}

static void file(const char *name, const void *bytes, size_t size)
{
	host_fwcfg_file(name, bytes, size);
}

static void legacy(uint16_t size_key, uint16_t data_key, const void *bytes, size_t size)
{
	host_fwcfg_integer(size_key, 4, (uint32_t)size);
	host_fwcfg_item(data_key, bytes, size);
}

static void legacy_cmdline(const char *text)
{
	legacy(0x14, 0x15, text, strlen(text) + 1);
}

static struct arch_range put(uint64_t address, const void *bytes, size_t size)
{
	arm_put(address, bytes, size);
	return (struct arch_range){address, size};
}

static void put_table(void)
{
	arm_put(TABLE_AT, hashed_table, sizeof(hashed_table));
}

static void check_handoff(const char *initrd, const char *cmdline)
{
	const struct arm_expected expected = {&kernel, initrd, strlen(initrd), cmdline, NULL, NULL};

	arm_check_tree(&expected);
}

/* -- each source ------------------------------------------------------------------- */

static void from_opt(void)
{
	file("opt/org.slipway/kernel", kernel.bytes, kernel.size);
	file("opt/org.slipway/initrd", HASHED_INITRD, HASHED_INITRD_SIZE);
	file("opt/org.slipway/cmdline", "quiet\n", 6);
}

static void from_legacy(void)
{
	legacy(0x08, 0x11, kernel.bytes, kernel.size);
	host_fwcfg_integer(0x17, 4, 0);
	legacy(0x0b, 0x12, HASHED_INITRD, HASHED_INITRD_SIZE);
	legacy_cmdline("quiet");
}

static void from_chosen(void)
{
	arm_tree.kernel = put(KERNEL_AT, kernel.bytes, kernel.size);
	arm_tree.initrd = put(INITRD_AT, HASHED_INITRD, HASHED_INITRD_SIZE);
	arm_tree.bootargs = "quiet";
}

static void from_modules(void)
{
	arm_tree.kernel_module = put(KERNEL_AT, kernel.bytes, kernel.size);
	arm_tree.initrd_module = put(INITRD_AT, HASHED_INITRD, HASHED_INITRD_SIZE);
	arm_tree.module_bootargs = "quiet";
}

static void (*const sources[])(void) = {from_opt, from_legacy, from_chosen, from_modules};

static int setup(void **state)
{
	unit_setup(state);
	kernel = arm_kernel_make(70000, MIB);
	uki = pe_make(PE_AARCH64, 3);
	(void)pe_add(&uki, ".cmdline", "from=uki\n", 9);
	(void)pe_add(&uki, ".initrd", HASHED_INITRD, HASHED_INITRD_SIZE);
	(void)pe_add(&uki, ".linux", kernel.bytes, kernel.size);
	hashed_machine = (struct hashed_machine){
		.again = again,
		.put_table = put_table,
		.boot = arm_boot,
		.check_handoff = check_handoff,
		.check_failure = arm_check_writes,
		.sources = sources,
		.sources_count = COUNT(sources),
		.kernel = kernel.bytes,
		.kernel_size = kernel.size,
	};
	again();
	return 0;
}

static void verify_arm_each_source(void **state)
{
	(void)state;
	hashed_test_each_source();
	/* What lies in a good place has stayed there. */
	assert_int_equal(host.handoff.entry, KERNEL_AT);
	assert_int_equal(arm_initrd(), INITRD_AT);
}

/* The copies that are checked do not lie in what is somebody else's. */
static void verify_arm_reserved_memory_is_left_alone(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(sources); i++) {
		again();
		sources[i]();
		arm_tree.reserved_memory[0] =
			(struct arch_range){ARM_RAM + ARM_RAM_SIZE - 4 * MIB, 4 * MIB};
		hashed_agree_kernel(HASHED_INITRD, "quiet");
		hashed_boots(HASHED_INITRD, "quiet");
	}
}

static void verify_arm_one_bit_of_each_digest(void **state)
{
	(void)state;
	hashed_test_digest_bits();
}

static void verify_arm_one_bit_of_the_kernel(void **state)
{
	const size_t places[] = {0, 100, kernel.size - 1};

	(void)state;
	hashed_test_kernel_bits(places, COUNT(places));
}

static void verify_arm_without_initrd_and_cmdline(void **state)
{
	(void)state;
	file("opt/org.slipway/kernel", kernel.bytes, kernel.size);
	hashed_agree_kernel("", "");
	hashed_boots("", "");
	again();
	file("opt/org.slipway/kernel", kernel.bytes, kernel.size);
	hashed_agree_kernel(HASHED_INITRD, "");
	hashed_mismatches("the initrd's");
	again();
	file("opt/org.slipway/kernel", kernel.bytes, kernel.size);
	hashed_agree_kernel("", "quiet");
	hashed_mismatches("command line's");
}

/* Too short for a look at it, but not for a hash. */
static void verify_arm_short_kernel(void **state)
{
	(void)state;
	for (size_t size = 0; size < 64; size += 21) {
		again();
		file("opt/org.slipway/kernel", kernel.bytes, size);
		hashed_agree_kernel("", "");
		hashed_mismatches("the kernel's");
		again();
		file("opt/org.slipway/kernel", kernel.bytes, size);
		hashed_agree(kernel.bytes, size, "", "");
		hashed_fails("loader", STATUS_TRUNCATED);
	}
	again();
	file("opt/org.slipway/kernel", kernel.bytes, 100);
	hashed_agree(kernel.bytes, 100, "", "");
	assert_int_equal(arm_boot(), HOST_HANDOFF);
}

/* We ourselves are no kernel. */
static void verify_arm_own_image_is_skipped(void **state)
{
	(void)state;
	file("opt/org.slipway/kernel", arm_image, sizeof(arm_image));
	legacy(0x08, 0x11, kernel.bytes, kernel.size);
	hashed_agree_kernel("", "");
	hashed_boots("", "");
}

/* -- what is not in a file of its own, or not as it is ---------------------------------- */

static void verify_arm_packed_kernel(void **state)
{
	uint8_t *packed = malloc(kernel.size + 1000);
	z_stream stream = {0};

	(void)state;
	assert_non_null(packed);
	assert_int_equal(deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY),
			 Z_OK);
	stream.next_in = kernel.bytes;
	stream.avail_in = (uInt)kernel.size;
	stream.next_out = packed;
	stream.avail_out = (uInt)kernel.size + 1000;
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	size_t size = stream.total_out;
	(void)deflateEnd(&stream);

	file("opt/org.slipway/kernel", packed, size);
	hashed_agree(packed, size, "", "");
	hashed_boots("", "");
	/* The hash is that of the file. */
	again();
	file("opt/org.slipway/kernel", packed, size);
	hashed_agree_kernel("", "");
	hashed_mismatches("the kernel's");
	free(packed);
}

static void verify_arm_uki(void **state)
{
	static const char *const given[] = {"", "from=vmm"};

	(void)state;
	for (unsigned round = 0; round < 8; round++) {
		const char *cmdline = given[round / 2 % 2];
		again();
		if (round < 4)
			file("etc/boot/kernel", uki.bytes, uki.size);
		else
			arm_tree.kernel = put(KERNEL_AT, uki.bytes, uki.size);
		legacy_cmdline(cmdline);
		hashed_agree(uki.bytes, uki.size, "", cmdline);
		if (round % 2 == 0) {
			hashed_boots(HASHED_INITRD, "from=uki");
			continue;
		}
		hashed_table[HASH_TABLE_KERNEL] ^= 1;
		put_table();
		hashed_mismatches("the kernel's");
	}
	again();
	file("etc/boot/kernel", uki.bytes, uki.size);
	hashed_agree(uki.bytes, uki.size, HASHED_INITRD, "");
	hashed_mismatches("the initrd's");
	again();
	file("etc/boot/kernel", uki.bytes, uki.size);
	legacy_cmdline("from=vmm");
	hashed_agree(uki.bytes, uki.size, "", "");
	hashed_mismatches("command line's");
}

/* All that a stock VMM takes beside us: the initrd of /chosen is the kernel. */
static void verify_arm_uki_as_initrd(void **state)
{
	(void)state;
	arm_tree.initrd = put(INITRD_AT, uki.bytes, uki.size);
	hashed_agree(uki.bytes, uki.size, "", "");
	hashed_boots(HASHED_INITRD, "from=uki");
	again();
	arm_tree.initrd = put(INITRD_AT, uki.bytes, uki.size);
	hashed_table[HASH_TABLE_KERNEL] ^= 1;
	put_table();
	hashed_mismatches("the kernel's");
	/* One that is none is looked at for a kernel, and is not hashed as one. */
	again();
	arm_tree.initrd = put(INITRD_AT, HASHED_INITRD, HASHED_INITRD_SIZE);
	hashed_agree_kernel(HASHED_INITRD, "");
	hashed_fails("payload", STATUS_NOT_FOUND);
}

/* -- the table ------------------------------------------------------------------------ */

static void verify_arm_without_a_table(void **state)
{
	(void)state;
	from_opt();
	arm_tree.has_hash_table = false;
	hashed_boots(HASHED_INITRD, "quiet");
	again();
	from_opt();
	arm_tree.has_hash_table = false;
	file("opt/org.slipway/log", "info", 4);
	assert_int_equal(arm_boot(), HOST_HANDOFF);
	assert_non_null(strstr(host.console, "slipway: no hash table"));
}

/* Where the tree says that there is one, there has to be. */
static void verify_arm_no_table_there(void **state)
{
	(void)state;
	from_opt();
	hashed_fails("hashes", STATUS_NOT_FOUND);
	again();
	from_opt();
	arm_tree.hash_table.size = 0;
	hashed_fails("hashes", STATUS_NOT_FOUND);
	again();
	from_opt();
	hashed_agree_kernel(HASHED_INITRD, "quiet");
	arm_tree.hash_table.size = 67;
	hashed_fails("hashes", STATUS_NOT_FOUND);
}

static void verify_arm_bad_table(void **state)
{
	(void)state;
	from_opt();
	hashed_agree_kernel(HASHED_INITRD, "quiet");
	arm_tree.hash_table.size = 100;
	hashed_fails("hashes", STATUS_OUT_OF_RANGE);
	again();
	from_opt();
	hashed_table[0] ^= 1;
	put_table();
	hashed_fails("hashes", STATUS_BAD_FORMAT);
}

/* A page or more, of which the table is the start. */
static void verify_arm_table_in_a_larger_place(void **state)
{
	(void)state;
	from_opt();
	hashed_agree_kernel(HASHED_INITRD, "quiet");
	arm_tree.hash_table.size = 0x3000;
	hashed_boots(HASHED_INITRD, "quiet");
}

static void verify_arm_table_outside_of_ram(void **state)
{
	(void)state;
	from_opt();
	hashed_agree_kernel(HASHED_INITRD, "quiet");
	arm_tree.hash_table.start = 0x0a000000;
	hashed_fails("hashes", STATUS_OVERLAP);
	again();
	from_opt();
	hashed_agree_kernel(HASHED_INITRD, "quiet");
	host_refuse_map(TABLE_AT, 1);
	hashed_fails("hashes", STATUS_NO_MEMORY);
}

static void verify_arm_without_memory(void **state)
{
	(void)state;
	from_opt();
	hashed_agree_kernel(HASHED_INITRD, "quiet");
	hashed_boots(HASHED_INITRD, "quiet");
	size_t claims = host.claims;
	for (size_t claim = 1; claim <= claims; claim++) {
		again();
		from_opt();
		put_table();
		host.fail_claim = claim;
		assert_int_equal(arm_boot(), HOST_FATAL);
		assert_true(host.fatal.status != STATUS_MISMATCH);
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

static const struct CMUnitTest tests[] = {
	TEST(verify_arm_each_source),
	TEST(verify_arm_reserved_memory_is_left_alone),
	TEST(verify_arm_one_bit_of_each_digest),
	TEST(verify_arm_one_bit_of_the_kernel),
	TEST(verify_arm_without_initrd_and_cmdline),
	TEST(verify_arm_short_kernel),
	TEST(verify_arm_own_image_is_skipped),
	TEST(verify_arm_packed_kernel),
	TEST(verify_arm_uki),
	TEST(verify_arm_uki_as_initrd),
	TEST(verify_arm_without_a_table),
	TEST(verify_arm_no_table_there),
	TEST(verify_arm_bad_table),
	TEST(verify_arm_table_in_a_larger_place),
	TEST(verify_arm_table_outside_of_ram),
	TEST(verify_arm_without_memory),
};

UNIT_MAIN(tests)
