/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdlib.h>

#include "hashed.h"
#include "machine.h"
#include "pe.h"

/* Whole boots on x86_64 with a hash table: what it says, and nothing else, is booted. */

#define ELF_PLACE (24 * MIB)

/* A PVH loader's, as in test_boot.c. */
#define PVH_CMDLINE 0x20000ul
#define MODULE      (32 * MIB)

static struct kernel kernel, other;
static struct host_item *opt_kernel;
static struct pe_file uki;

static void again(void)
{
	machine_new(64 * MIB, 0);
	host_add_fwcfg(HOST_FWCFG_QEMU);
	machine_add_e820(64 * MIB, 0);
}

static int teardown(void **state)
{
	kernel_free(&kernel);
	kernel_free(&other);
	pe_free(&uki);
	return unit_teardown(state);
}

static void file(const char *name, const void *bytes, size_t size)
{
	host_fwcfg_file(name, bytes, size);
}

static void legacy_initrd(const void *bytes, size_t size)
{
	machine_add_legacy(0x0b, 0x12, bytes, size);
}

static void legacy_cmdline(const char *text)
{
	machine_add_legacy(0x14, 0x15, text, strlen(text) + 1);
}

static void put_table(void)
{
	machine_put_hashes(hashed_table, sizeof(hashed_table));
}

static enum host_end boot(void)
{
	return machine_boot(ARCH_ENTRY_RESET, 0);
}

static void check_handoff(const char *initrd, const char *cmdline)
{
	machine_check_handoff(&kernel, initrd, strlen(initrd), cmdline);
}

/* -- each source ------------------------------------------------------------------- */

static void from_opt(void)
{
	opt_kernel = host_fwcfg_file("opt/org.slipway/kernel", kernel.bytes, kernel.size);
	file("opt/org.slipway/initrd", HASHED_INITRD, HASHED_INITRD_SIZE);
	file("opt/org.slipway/cmdline", "quiet\n", 6);
}

static void from_etc(void)
{
	file("etc/boot/kernel", kernel.bytes, kernel.size);
	file("etc/boot/initrd", HASHED_INITRD, HASHED_INITRD_SIZE);
	file("etc/boot/cmdline", "quiet", 5);
}

static void from_legacy(void)
{
	machine_add_legacy_kernel(&kernel);
	legacy_initrd(HASHED_INITRD, HASHED_INITRD_SIZE);
	legacy_cmdline("quiet");
}

static void (*const sources[])(void) = {from_opt, from_etc, from_legacy};

static int setup(void **state)
{
	unit_setup(state);
	kernel = kernel_make(3, 8192);
	other = kernel_make(5, 4096);
	uki = pe_make(PE_X86_64, 3);
	(void)pe_add(&uki, ".cmdline", "from=uki\n", 9);
	(void)pe_add(&uki, ".initrd", HASHED_INITRD, HASHED_INITRD_SIZE);
	(void)pe_add(&uki, ".linux", kernel.bytes, kernel.size);
	hashed_machine = (struct hashed_machine){
		.again = again,
		.put_table = put_table,
		.boot = boot,
		.check_handoff = check_handoff,
		.sources = sources,
		.sources_count = COUNT(sources),
		.kernel = kernel.bytes,
		.kernel_size = kernel.size,
	};
	again();
	return 0;
}

static void verify_each_source(void **state)
{
	(void)state;
	hashed_test_each_source();
}

static void verify_one_bit_of_each_digest(void **state)
{
	(void)state;
	hashed_test_digest_bits();
}

static void verify_one_bit_of_the_kernel(void **state)
{
	/* Setup and rest, the last byte too. */
	const size_t places[] = {0, 0x300, kernel.setup_size, kernel.size - 1};

	(void)state;
	hashed_test_kernel_bits(places, COUNT(places));
}

static void verify_without_initrd_and_cmdline(void **state)
{
	(void)state;
	machine_add_legacy_kernel(&kernel);
	hashed_agree_kernel("", "");
	hashed_boots("", "");
	again();
	file("opt/org.slipway/kernel", kernel.bytes, kernel.size);
	file("opt/org.slipway/initrd", "", 0);
	hashed_agree_kernel("", "");
	hashed_boots("", "");
	/* What was agreed is missing. */
	again();
	machine_add_legacy_kernel(&kernel);
	hashed_agree_kernel(HASHED_INITRD, "");
	hashed_mismatches("the initrd's");
	again();
	machine_add_legacy_kernel(&kernel);
	hashed_agree_kernel("", "quiet");
	hashed_mismatches("command line's");
}

/* Another kernel that comes first is taken, and refused; one that comes later does not count. */
static void verify_only_the_first_kernel(void **state)
{
	(void)state;
	file("etc/boot/kernel", kernel.bytes, kernel.size);
	machine_add_legacy_kernel(&other);
	hashed_agree_kernel("", "");
	hashed_boots("", "");
	again();
	file("opt/org.slipway/kernel", other.bytes, other.size);
	file("etc/boot/kernel", kernel.bytes, kernel.size);
	hashed_agree_kernel("", "");
	hashed_mismatches("the kernel's");
	/* We ourselves are no kernel. */
	again();
	file("opt/org.slipway/kernel", machine_image, sizeof(machine_image));
	file("etc/boot/kernel", kernel.bytes, kernel.size);
	hashed_agree_kernel("", "");
	hashed_boots("", "");
}

/* -- what a host does meanwhile ------------------------------------------------------- */

static unsigned reads, change_at;

/* The kernel is another one from this read on, whatever is read. */
static void change_kernel(void)
{
	if (++reads == change_at)
		opt_kernel->bytes[kernel.setup_size + 100] ^= 1;
}

static void verify_kernel_that_changes(void **state)
{
	unsigned booted = 0, refused = 0;

	(void)state;
	do {
		again();
		from_opt();
		hashed_agree_kernel(HASHED_INITRD, "quiet");
		reads = 0;
		change_at = booted + refused + 1;
		host.fwcfg.before_read = change_kernel;
		if (machine_boot(ARCH_ENTRY_RESET, 0) == HOST_HANDOFF) {
			machine_check_handoff(&kernel, HASHED_INITRD, HASHED_INITRD_SIZE, "quiet");
			booted++;
			continue;
		}
		unit_check_fatal("payload", STATUS_MISMATCH);
		assert_int_equal(booted, 0);
		refused++;
	} while (reads >= change_at);
	assert_true(booted > 1 && refused > 1);
}

/* -- what is not in a file of its own ------------------------------------------------- */

static void verify_a_uki(void **state)
{
	(void)state;
	for (unsigned legacy = 0; legacy < 2; legacy++) {
		const char *const given[] = {"", "from=vmm"};
		for (size_t i = 0; i < COUNT(given); i++) {
			again();
			if (legacy == 0) {
				file("opt/org.slipway/kernel", uki.bytes, uki.size);
			} else {
				size_t size =
					(uki.bytes[0x1f1] != 0 ? uki.bytes[0x1f1] : 4u) * 512 +
					512u;
				machine_add_legacy(0x17, 0x18, uki.bytes, size);
				machine_add_legacy(0x08, 0x11, uki.bytes + size, uki.size - size);
				host_fwcfg_integer(0x07, 4, 0x100000);
			}
			legacy_cmdline(given[i]);
			hashed_agree(uki.bytes, uki.size, "", given[i]);
			/* Its own command line was agreed with it (rulings 33). */
			hashed_boots(HASHED_INITRD, "from=uki");
			hashed_table[HASH_TABLE_KERNEL] ^= 1;
			put_table();
			hashed_mismatches("the kernel's");
		}
	}
	/* The VMM's command line counts even so, and an initrd that was not agreed. */
	again();
	file("opt/org.slipway/kernel", uki.bytes, uki.size);
	legacy_cmdline("from=vmm");
	hashed_agree(uki.bytes, uki.size, "", "");
	hashed_mismatches("command line's");
	again();
	file("opt/org.slipway/kernel", uki.bytes, uki.size);
	hashed_agree(uki.bytes, uki.size, HASHED_INITRD, "");
	hashed_mismatches("the initrd's");
	again();
	file("opt/org.slipway/kernel", uki.bytes, uki.size);
	legacy_initrd("theirs", 6);
	hashed_agree(uki.bytes, uki.size, "theirs", "");
	hashed_boots("theirs", "from=uki");
}

static void verify_an_appended_initrd(void **state)
{
	size_t start = (kernel.size + 0xfff) / 0x1000 * 0x1000;
	uint8_t *both = calloc(1, start + HASHED_INITRD_SIZE);

	(void)state;
	assert_non_null(both);
	memcpy(both, kernel.bytes, kernel.size);
	memcpy(both + start, HASHED_INITRD, HASHED_INITRD_SIZE);
	file("etc/boot/kernel", both, start + HASHED_INITRD_SIZE);
	hashed_agree(both, start + HASHED_INITRD_SIZE, "", "");
	hashed_boots(HASHED_INITRD, "");
	again();
	both[start] ^= 1;
	file("etc/boot/kernel", both, start + HASHED_INITRD_SIZE);
	put_table();
	hashed_mismatches("the kernel's");
	free(both);
}

static void verify_an_elf_file(void **state)
{
	struct kernel elf = elf_make(ELF_PLACE);

	(void)state;
	for (unsigned right = 0; right < 2; right++) {
		again();
		file("opt/org.slipway/kernel", elf.bytes, elf.size);
		legacy_initrd(HASHED_INITRD, HASHED_INITRD_SIZE);
		legacy_cmdline("quiet");
		hashed_agree(elf.bytes, elf.size, HASHED_INITRD, "quiet");
		hashed_table[HASH_TABLE_KERNEL] ^= right == 0;
		put_table();
		if (right == 0) {
			hashed_mismatches("the kernel's");
			continue;
		}
		unit_check_end(machine_boot(ARCH_ENTRY_RESET, 0), HOST_HANDOFF);
		machine_check_pvh_handoff(ELF_PLACE + ELF_ENTRY, HASHED_INITRD, HASHED_INITRD_SIZE,
					  "quiet");
	}
	kernel_free(&elf);
}

/* Rulings 6: what is in memory is not what was hashed. */
static void verify_an_elf_file_that_the_vmm_loaded(void **state)
{
	static uint8_t setup_item[8192];

	(void)state;
	machine_add_legacy(0x17, 0x18, setup_item, sizeof(setup_item));
	host_fwcfg_integer(0x07, 4, 16 * MIB);
	host_fwcfg_integer(0x08, 4, MIB);
	host_fwcfg_integer(0x10, 4, 16 * MIB + 0x100);
	hashed_agree_kernel("", "");
	hashed_fails("payload", STATUS_UNSUPPORTED);
	assert_non_null(strstr(host.console, "not there as a file to be hashed"));
}

/* Cloud Hypervisor's setup item has 4096 bytes, whatever the setup has. */
static void verify_setup_that_is_not_the_files(void **state)
{
	static uint8_t setup_item[4096];

	(void)state;
	memcpy(setup_item, kernel.bytes, kernel.setup_size);
	machine_add_legacy_kernel(&kernel);
	machine_add_legacy(0x17, 0x18, setup_item, sizeof(setup_item));
	hashed_agree_kernel("", "");
	hashed_fails("payload", STATUS_UNSUPPORTED);
	assert_non_null(strstr(host.console, "not there as a file to be hashed"));
}

/* Of what the VMM says besides, the kernel hears nothing; in the other file it may stand. */
static void verify_setup_data_is_dropped(void **state)
{
	uint32_t type, length;

	(void)state;
	put64(kernel.bytes + SETUP_DATA, MIB + 4096);
	memset(kernel.bytes + kernel.setup_size + 4096, 0, 200);
	put32(kernel.bytes + kernel.setup_size + 4096 + 8, 1);
	put32(kernel.bytes + kernel.setup_size + 4096 + 12, 100);
	for (unsigned in_file = 0; in_file < 2; in_file++) {
		again();
		if (in_file != 0)
			file("etc/boot/kernel", kernel.bytes, kernel.size);
		machine_add_legacy_kernel(&kernel);
		hashed_agree_kernel("", "");
		hashed_boots("", "");
		assert_non_null(machine_setup_data(0, &type, &length));
		assert_int_equal(type, 9);
		assert_null(machine_setup_data(1, &type, &length));
	}
}

/* -- a PVH loader --------------------------------------------------------------------- */

/* A module of @size bytes, and a command line, if it is not NULL. */
static void pvh(const void *bytes, size_t size, const char *cmdline)
{
	again();
	machine_put_start_info();
	machine_put_module(MODULE, bytes, size);
	if (cmdline != NULL) {
		put64(host_edit(MACHINE_START_INFO + 24, 8), PVH_CMDLINE);
		machine_put(PVH_CMDLINE, cmdline, strlen(cmdline) + 1);
	} else {
		/* The module's own, that nobody has agreed to. */
		put64(host_edit(MACHINE_MODULE_LIST + 16, 8), PVH_CMDLINE);
		machine_put(PVH_CMDLINE, "from=module", 12);
	}
}

static void pvh_boots(const char *initrd, const char *cmdline)
{
	unit_check_end(machine_boot(ARCH_ENTRY_PVH, MACHINE_START_INFO), HOST_HANDOFF);
	machine_check_handoff(&kernel, initrd, strlen(initrd), cmdline);
}

static void pvh_mismatches(const char *name)
{
	unit_check_end(machine_boot(ARCH_ENTRY_PVH, MACHINE_START_INFO), HOST_FATAL);
	unit_check_fatal("payload", STATUS_MISMATCH);
	assert_non_null(strstr(host.console, name));
}

static void verify_a_module_that_is_the_initrd(void **state)
{
	(void)state;
	for (size_t part = 0; part <= HASHED_PARTS; part++) {
		pvh(HASHED_INITRD, HASHED_INITRD_SIZE, "quiet");
		file("opt/org.slipway/kernel", kernel.bytes, kernel.size);
		hashed_agree_kernel(HASHED_INITRD, "quiet");
		if (part == HASHED_PARTS) {
			pvh_boots(HASHED_INITRD, "quiet");
			continue;
		}
		hashed_table[hashed_parts[part].digest] ^= 1;
		put_table();
		pvh_mismatches(hashed_parts[part].name);
	}
}

static void verify_a_module_that_is_the_kernel(void **state)
{
	(void)state;
	pvh(kernel.bytes, kernel.size, "quiet");
	hashed_agree_kernel("", "quiet");
	pvh_boots("", "quiet");
	pvh(kernel.bytes, kernel.size, NULL);
	hashed_agree_kernel("", "");
	pvh_boots("", "");
	pvh(uki.bytes, uki.size, NULL);
	hashed_agree(uki.bytes, uki.size, "", "");
	pvh_boots(HASHED_INITRD, "from=uki");
	pvh(uki.bytes, uki.size, NULL);
	hashed_table[HASH_TABLE_KERNEL] ^= 1;
	put_table();
	pvh_mismatches("the kernel's");
	/* An initrd alone is no kernel. */
	pvh(HASHED_INITRD, HASHED_INITRD_SIZE, NULL);
	hashed_agree_kernel("", "");
	unit_check_end(machine_boot(ARCH_ENTRY_PVH, MACHINE_START_INFO), HOST_FATAL);
	unit_check_fatal("payload", STATUS_NOT_FOUND);
}

/* -- the table ------------------------------------------------------------------------ */

static void verify_bad_table(void **state)
{
	(void)state;
	from_opt();
	hashed_agree_kernel(HASHED_INITRD, "quiet");
	hashed_table[0] ^= 1;
	put_table();
	hashed_fails("hashes", STATUS_BAD_FORMAT);
	hashed_table[0] ^= 1;
	hashed_table[17] = 0x80;
	again();
	from_opt();
	put_table();
	hashed_fails("hashes", STATUS_OUT_OF_RANGE);
}

/* What another system left there says nothing. */
static void verify_nothing_without_a_table(void **state)
{
	(void)state;
	for (unsigned noise = 0; noise < 2; noise++) {
		again();
		from_opt();
		file("opt/org.slipway/log", "info", 4);
		if (noise != 0)
			unit_random_bytes(hashed_table, sizeof(hashed_table));
		else
			memset(hashed_table, 0, sizeof(hashed_table));
		put_table();
		unit_check_end(machine_boot(ARCH_ENTRY_RESET, 0), HOST_HANDOFF);
		machine_check_handoff(&kernel, HASHED_INITRD, HASHED_INITRD_SIZE, "quiet");
		assert_non_null(strstr(host.console, "slipway: no hash table"));
	}
}

static void verify_where_the_table_cannot_be_read(void **state)
{
	(void)state;
	from_opt();
	host_refuse_map(host.hash_block.start, 1);
	hashed_fails("hashes", STATUS_NO_MEMORY);
}

/* -- no memory ------------------------------------------------------------------------ */

static void verify_without_memory(void **state)
{
	(void)state;
	/* Each claim fails once. */
	from_opt();
	hashed_agree_kernel(HASHED_INITRD, "quiet");
	hashed_boots(HASHED_INITRD, "quiet");
	size_t claims = host.claims;
	for (size_t claim = 1; claim <= claims; claim++) {
		again();
		from_opt();
		put_table();
		host.fail_claim = claim;
		/* Some of what is lost is worth a warning only. */
		if (machine_boot(ARCH_ENTRY_RESET, 0) == HOST_HANDOFF)
			machine_check_handoff(&kernel, HASHED_INITRD, HASHED_INITRD_SIZE, "quiet");
		else
			assert_true(host.fatal.status != STATUS_MISMATCH && host.check[0] == '\0');
	}
}

/* Of each transfer, half is missing, or the device says so. */
static void verify_without_reading(void **state)
{
	(void)state;
	from_opt();
	hashed_agree_kernel(HASHED_INITRD, "quiet");
	hashed_boots(HASHED_INITRD, "quiet");
	size_t dmas = host.fwcfg.dmas;
	for (size_t dma = 1; dma <= 2 * dmas; dma++) {
		again();
		from_opt();
		put_table();
		if (dma <= dmas)
			host.fwcfg.fail_dma = dma;
		else
			host.fwcfg.short_dma = dma - dmas;
		if (machine_boot(ARCH_ENTRY_RESET, 0) == HOST_HANDOFF)
			machine_check_handoff(&kernel, HASHED_INITRD, HASHED_INITRD_SIZE, "quiet");
		else
			assert_true(host.check[0] == '\0');
	}
}

static void verify_where_nothing_can_be_mapped(void **state)
{
	(void)state;
	from_opt();
	hashed_agree_kernel(HASHED_INITRD, "quiet");
	/* Where the copies would be: the highest pages. */
	host_refuse_map(64 * MIB - 0x10000, 0x10000);
	hashed_fails("payload", STATUS_NO_MEMORY);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

static const struct CMUnitTest tests[] = {
	TEST(verify_each_source),
	TEST(verify_one_bit_of_each_digest),
	TEST(verify_one_bit_of_the_kernel),
	TEST(verify_without_initrd_and_cmdline),
	TEST(verify_only_the_first_kernel),
	TEST(verify_kernel_that_changes),
	TEST(verify_a_uki),
	TEST(verify_an_appended_initrd),
	TEST(verify_an_elf_file),
	TEST(verify_an_elf_file_that_the_vmm_loaded),
	TEST(verify_setup_that_is_not_the_files),
	TEST(verify_setup_data_is_dropped),
	TEST(verify_a_module_that_is_the_initrd),
	TEST(verify_a_module_that_is_the_kernel),
	TEST(verify_bad_table),
	TEST(verify_nothing_without_a_table),
	TEST(verify_where_the_table_cannot_be_read),
	TEST(verify_without_memory),
	TEST(verify_without_reading),
	TEST(verify_where_nothing_can_be_mapped),
};

UNIT_MAIN(tests)
