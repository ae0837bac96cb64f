/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdlib.h>

#include "boot/boot.h"
#include "machine.h"
#include "pe.h"

/* Where kernel, initrd and command line come from, and what becomes of them. */

static struct kernel kernel, other;

#define INITRD      "the right initrd"
#define INITRD_SIZE (sizeof(INITRD) - 1)

static void again(void)
{
	machine_new(64 * MIB, 0);
	host_add_fwcfg(HOST_FWCFG_QEMU);
	machine_add_e820(64 * MIB, 0);
}

static int setup(void **state)
{
	unit_setup(state);
	kernel = kernel_make(3, 8192);
	other = kernel_make(5, 4096);
	again();
	return 0;
}

static int teardown(void **state)
{
	kernel_free(&kernel);
	kernel_free(&other);
	return unit_teardown(state);
}

static void file(const char *name, const void *bytes, size_t size)
{
	host_fwcfg_file(name, bytes, size);
}

static void kernel_file(const char *name, const struct kernel *image)
{
	file(name, image->bytes, image->size);
}

static void legacy_initrd(const void *bytes, size_t size)
{
	machine_add_legacy(0x0b, 0x12, bytes, size);
}

/* With its terminator, as QEMU counts it. */
static void legacy_cmdline(const char *text)
{
	machine_add_legacy(0x14, 0x15, text, strlen(text) + 1);
}

static void boots(const struct kernel *image, const char *initrd, const char *cmdline)
{
	unit_check_end(machine_boot(ARCH_ENTRY_RESET, 0), HOST_HANDOFF);
	machine_check_handoff(image, initrd, strlen(initrd), cmdline);
	assert_string_equal(host.console, "");
}

static void fails(const char *stage, enum status status)
{
	unit_check_end(machine_boot(ARCH_ENTRY_RESET, 0), HOST_FATAL);
	unit_check_fatal(stage, status);
}

/* -- which source ---------------------------------------------------------------- */

static void payload_from_opt_files(void **state)
{
	(void)state;
	kernel_file("opt/org.slipway/kernel", &kernel);
	file("opt/org.slipway/initrd", INITRD, INITRD_SIZE);
	file("opt/org.slipway/cmdline", "console=ttyS0", 13);
	boots(&kernel, INITRD, "console=ttyS0");
}

static void payload_from_etc_files(void **state)
{
	(void)state;
	kernel_file("etc/boot/kernel", &kernel);
	file("etc/boot/initrd", INITRD, INITRD_SIZE);
	file("etc/boot/cmdline", "console=ttyS0", 13);
	boots(&kernel, INITRD, "console=ttyS0");
}

static void payload_from_legacy_items(void **state)
{
	(void)state;
	machine_add_legacy_kernel(&kernel);
	legacy_initrd(INITRD, INITRD_SIZE);
	legacy_cmdline("console=ttyS0");
	boots(&kernel, INITRD, "console=ttyS0");
}

static void payload_kernel_alone(void **state)
{
	(void)state;
	kernel_file("opt/org.slipway/kernel", &kernel);
	boots(&kernel, "", "");
	again();
	machine_add_legacy_kernel(&kernel);
	boots(&kernel, "", "");
}

/* The order of the directory is not the order of preference. */
static void payload_earlier_source_wins(void **state)
{
	(void)state;
	for (unsigned etc_too = 0; etc_too < 2; etc_too++) {
		again();
		machine_add_legacy_kernel(&other);
		legacy_initrd("wrong", 5);
		legacy_cmdline("wrong");
		kernel_file("etc/boot/kernel", etc_too ? &other : &kernel);
		file("etc/boot/initrd", etc_too ? "false" : INITRD, etc_too ? 5 : INITRD_SIZE);
		file("etc/boot/cmdline", etc_too ? "false" : "right", 5);
		if (etc_too) {
			kernel_file("opt/org.slipway/kernel", &kernel);
			file("opt/org.slipway/initrd", INITRD, INITRD_SIZE);
			file("opt/org.slipway/cmdline", "right", 5);
		}
		boots(&kernel, INITRD, "right");
	}
}

static void payload_parts_from_different_sources(void **state)
{
	(void)state;
	kernel_file("opt/org.slipway/kernel", &kernel);
	legacy_initrd(INITRD, INITRD_SIZE);
	file("etc/boot/cmdline", "mixed", 5);
	boots(&kernel, INITRD, "mixed");
	again();
	machine_add_legacy_kernel(&kernel);
	file("opt/org.slipway/initrd", INITRD, INITRD_SIZE);
	legacy_cmdline("mixed");
	boots(&kernel, INITRD, "mixed");
}

/* An empty file found first is a part that is left out on purpose. */
static void payload_empty_file_wins(void **state)
{
	(void)state;
	machine_add_legacy_kernel(&kernel);
	legacy_initrd("wrong", 5);
	legacy_cmdline("wrong");
	file("opt/org.slipway/initrd", "", 0);
	file("opt/org.slipway/cmdline", "", 0);
	boots(&kernel, "", "");
}

static void payload_no_kernel(void **state)
{
	(void)state;
	fails("payload", STATUS_NOT_FOUND);
	again();
	file("opt/org.slipway/initrd", INITRD, INITRD_SIZE);
	legacy_cmdline("x");
	fails("payload", STATUS_NOT_FOUND);
}

static void payload_no_fwcfg(void **state)
{
	(void)state;
	machine_new(64 * MIB, 0);
	host_add_cmos();
	host.cmos[0x34] = 0;
	host.cmos[0x35] = 3;
	fails("payload", STATUS_NOT_FOUND);
}

/* -- our own image, which is no kernel ------------------------------------------- */

static void payload_own_image_is_skipped(void **state)
{
	(void)state;
	file("opt/org.slipway/kernel", machine_image, sizeof(machine_image));
	file("etc/boot/kernel", machine_image, sizeof(machine_image));
	machine_add_legacy_kernel(&kernel);
	boots(&kernel, "", "");
}

static void payload_own_image_in_legacy_items_is_skipped(void **state)
{
	struct kernel own = {machine_image, sizeof(machine_image), 8192};

	(void)state;
	machine_add_legacy_kernel(&own);
	kernel_file("etc/boot/kernel", &kernel);
	boots(&kernel, "", "");
}

static void payload_own_image_only(void **state)
{
	struct kernel own = {machine_image, sizeof(machine_image), 8192};

	(void)state;
	machine_add_legacy_kernel(&own);
	file("etc/boot/kernel", machine_image, sizeof(machine_image));
	fails("payload", STATUS_NOT_FOUND);
}

/* The SMBIOS anchor lies in a hole of the image, at 0x110 (linker/x86_64.ld), and differs there. */
static void payload_own_image_with_an_anchor_in_it(void **state)
{
	uint8_t *copy = malloc(sizeof(machine_image));

	(void)state;
	assert_non_null(copy);
	memcpy(copy, machine_image, sizeof(machine_image));
	memset(copy + 0x110, 0, 32);
	file("opt/org.slipway/kernel", copy, sizeof(machine_image));
	kernel_file("etc/boot/kernel", &kernel);
	boots(&kernel, "", "");
	free(copy);
}

/* -- bad kernels ----------------------------------------------------------------- */

static void payload_not_a_kernel(void **state)
{
	uint8_t *text = malloc(4096);

	(void)state;
	assert_non_null(text);
	memset(text, 'x', 4096);
	file("opt/org.slipway/kernel", text, 4096);
	fails("loader", STATUS_BAD_FORMAT);
	free(text);
}

static void payload_truncated_kernel(void **state)
{
	static const size_t sizes[] = {0, 1, 100, 511, 512, 0x28f, 0x290, 2047, 2048, 2559};

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		again();
		file("opt/org.slipway/kernel", kernel.bytes, sizes[i]);
		fails("loader", STATUS_TRUNCATED);
	}
}

static void payload_protocol_too_old(void **state)
{
	(void)state;
	put16(kernel.bytes + VERSION_FIELD, 0x205);
	kernel_file("opt/org.slipway/kernel", &kernel);
	fails("loader", STATUS_UNSUPPORTED);
}

static void payload_setup_sects_past_end(void **state)
{
	(void)state;
	kernel.bytes[SETUP_SECTS] = 255;
	kernel_file("opt/org.slipway/kernel", &kernel);
	fails("loader", STATUS_TRUNCATED);
}

static void payload_kernel_larger_than_memory(void **state)
{
	(void)state;
	put32(kernel.bytes + INIT_SIZE, 64 * MIB);
	kernel_file("opt/org.slipway/kernel", &kernel);
	fails("loader", STATUS_NO_MEMORY);
}

static void payload_initrd_larger_than_memory(void **state)
{
	static const uint32_t sizes[] = {64 * MIB, 0x80000000, 0xffffffff};

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		again();
		kernel_file("opt/org.slipway/kernel", &kernel);
		host_fwcfg_entry("opt/org.slipway/initrd", 0x100, sizes[i]);
		fails("loader", STATUS_NO_MEMORY);
	}
}

static void payload_truncated_legacy_setup(void **state)
{
	static const size_t sizes[] = {1, 100, 511, 0x28f};

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		again();
		machine_add_legacy_kernel(&kernel);
		machine_add_legacy(0x17, 0x18, kernel.bytes, sizes[i]);
		fails("loader", STATUS_TRUNCATED);
	}
}

/* One half of it is no kernel. */
static void payload_legacy_setup_alone(void **state)
{
	(void)state;
	machine_add_legacy(0x17, 0x18, kernel.bytes, kernel.setup_size);
	fails("payload", STATUS_NOT_FOUND);
	again();
	machine_add_legacy(0x08, 0x11, kernel.bytes + kernel.setup_size, 8192);
	fails("payload", STATUS_NOT_FOUND);
}

/* What Cloud Hypervisor gave before 2025: as setup always the first 4096 bytes. */
static void payload_setup_item_of_another_size(void **state)
{
	(void)state;
	static const unsigned sects[] = {0, 3, 6, 7, 8, 27, 39};
	for (size_t i = 0; i < COUNT(sects); i++) {
		kernel_free(&other);
		other = kernel_make(sects[i], 8192);
		again();
		host_fwcfg_integer(0x07, 4, 0x100000);
		machine_add_legacy(0x17, 0x18, other.bytes, 4096);
		machine_add_legacy(0x08, 0x11, other.bytes + other.setup_size, 8192);
		boots(&other, "", "");
	}
}

/* -- the command line: rulings 31 ------------------------------------------------ */

static void cmdline_file(const char *bytes, size_t size, const char *expected)
{
	again();
	kernel_file("opt/org.slipway/kernel", &kernel);
	file("opt/org.slipway/cmdline", bytes, size);
	boots(&kernel, "", expected);
}

static void payload_cmdline_ends(void **state)
{
	(void)state;
	cmdline_file("abc", 3, "abc");
	cmdline_file("abc\n", 4, "abc");
	cmdline_file("abc\n\n", 5, "abc\n");
	cmdline_file("abc\0", 4, "abc");
	cmdline_file("abc\n\0", 5, "abc");
	cmdline_file("abc\0\n", 5, "abc");
	cmdline_file("abc\0def", 7, "abc");
	cmdline_file("\n", 1, "");
	cmdline_file("\0", 1, "");
	cmdline_file("\0abc", 4, "");
	cmdline_file(" a  b \n", 7, " a  b ");
	cmdline_file("a\nb\r\n", 5, "a\nb\r");
}

static void payload_cmdline_byte_for_byte(void **state)
{
	char all[256];

	(void)state;
	for (unsigned i = 0; i < 255; i++)
		all[i] = (char)(i + 1);
	all[255] = '\0';
	cmdline_file(all, 255, all);
}

static void payload_cmdline_of_the_longest(void **state)
{
	char text[2051];

	(void)state;
	memset(text, 'c', sizeof(text));
	text[2047] = '\0';
	cmdline_file(text, 2047, text);
	cmdline_file(text, 2048, text);
	text[2047] = '\n';
	text[2048] = '\0';
	char expected[2048];
	memset(expected, 'c', 2047);
	expected[2047] = '\0';
	cmdline_file(text, 2048, expected);
	cmdline_file(text, 2049, expected);
}

static void payload_cmdline_too_long(void **state)
{
	static const size_t sizes[] = {2048, 2049, 2050, 4096, MIB};

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		char *text = malloc(sizes[i]);
		assert_non_null(text);
		memset(text, 'c', sizes[i]);
		again();
		kernel_file("opt/org.slipway/kernel", &kernel);
		file("opt/org.slipway/cmdline", text, sizes[i]);
		fails("loader", STATUS_TOO_LARGE);
		free(text);
	}
	/* One whose size is a lie, and that has no end where the item has. */
	char text[4096];
	memset(text, 'c', sizeof(text));
	again();
	kernel_file("opt/org.slipway/kernel", &kernel);
	host_fwcfg_item(0x100, text, sizeof(text));
	host_fwcfg_entry("opt/org.slipway/cmdline", 0x100, 0xffffffff);
	fails("loader", STATUS_TOO_LARGE);
}

/* A page whose rest is zero holds a short command line. */
static void payload_cmdline_padding_does_not_count(void **state)
{
	char page[4096] = "console=ttyS0";
	char expected[2048];

	(void)state;
	cmdline_file(page, sizeof(page), "console=ttyS0");
	/* The longest, and what follows it is not even zero. */
	memset(page, 'c', sizeof(page));
	memset(expected, 'c', 2047);
	expected[2047] = '\0';
	page[2047] = '\0';
	cmdline_file(page, sizeof(page), expected);
	page[2047] = '\n';
	page[2048] = '\0';
	cmdline_file(page, sizeof(page), expected);
}

/* -- setup_data ------------------------------------------------------------------ */

/* A list that QEMU appended to the kernel; its addresses assume a load at 1 MiB. */
static void attach(struct kernel *image, size_t offset, uint64_t next, uint32_t type,
		   uint32_t length)
{
	uint8_t *node = image->bytes + image->setup_size + offset;

	put64(node, next);
	put32(node + 8, type);
	put32(node + 12, length);
}

static void payload_setup_data_follows_the_kernel(void **state)
{
	uint32_t type, length;

	(void)state;
	put64(kernel.bytes + SETUP_DATA, MIB + 4096);
	attach(&kernel, 4096, MIB + 6000, 1, 100);
	attach(&kernel, 6000, 0, 9, 32);
	machine_add_legacy_kernel(&kernel);
	boots(&kernel, "", "");
	const uint8_t *first = machine_setup_data(0, &type, &length);
	assert_non_null(first);
	assert_int_equal(type, 1);
	assert_int_equal(length, 100);
	assert_memory_equal(first, kernel.bytes + kernel.setup_size + 4096 + 16, 100);
	const uint8_t *second = machine_setup_data(1, &type, &length);
	assert_non_null(second);
	assert_int_equal(type, 9);
	assert_memory_equal(second, kernel.bytes + kernel.setup_size + 6000 + 16, 32);
	/* The VMM's seed is enough. */
	assert_null(machine_setup_data(2, &type, &length));
	assert_int_equal(host.random_left, HOST_RANDOM_MAX);
}

/* QEMU 10.0 has the file, too, which lacks the list (rulings 7). */
static void payload_setup_data_of_the_legacy_items(void **state)
{
	uint32_t type, length;

	(void)state;
	kernel_file("etc/boot/kernel", &kernel);
	put64(kernel.bytes + SETUP_DATA, MIB + 4096);
	attach(&kernel, 4096, 0, 1, 100);
	machine_add_legacy_kernel(&kernel);
	boots(&kernel, "", "");
	assert_non_null(machine_setup_data(0, &type, &length));
	assert_int_equal(type, 1);
	assert_non_null(machine_setup_data(1, &type, &length));
	assert_int_equal(type, 9);
}

/* A device tree is passed on only when it is one. */
static void payload_setup_data_of_a_bad_device_tree(void **state)
{
	uint32_t type, length;

	(void)state;
	put64(kernel.bytes + SETUP_DATA, MIB + 4096);
	attach(&kernel, 4096, MIB + 6000, 2, 100);
	attach(&kernel, 6000, 0, 9, 32);
	machine_add_legacy_kernel(&kernel);
	assert_int_equal(machine_boot(ARCH_ENTRY_RESET, 0), HOST_HANDOFF);
	machine_check_handoff(&kernel, "", 0, "");
	assert_non_null(machine_setup_data(0, &type, &length));
	assert_int_equal(type, 9);
	assert_null(machine_setup_data(1, &type, &length));
}

static void payload_setup_data_of_a_device_tree(void **state)
{
	/* Devicetree Specification 0.4, 5.2: big-endian words. */
	static const uint8_t header[40] = {
		[0] = 0xd0, 0x0d, 0xfe, 0xed, [7] = 64, /* totalsize */
		[11] = 56,                              /* off_dt_struct */
		[15] = 60,                              /* off_dt_strings */
		[19] = 40,                              /* off_mem_rsvmap */
		[23] = 17,                              /* version */
		[27] = 16,                              /* last_comp_version */
	};
	uint32_t type, length;

	(void)state;
	put64(kernel.bytes + SETUP_DATA, MIB + 4096);
	attach(&kernel, 4096, 0, 2, 100);
	memcpy(kernel.bytes + kernel.setup_size + 4096 + 16, header, sizeof(header));
	machine_add_legacy_kernel(&kernel);
	boots(&kernel, "", "");
	const uint8_t *tree = machine_setup_data(0, &type, &length);
	assert_non_null(tree);
	assert_int_equal(type, 2);
	assert_int_equal(length, 100);
	assert_memory_equal(tree, header, sizeof(header));
}

/* Without the address that it counts from, a list leads nowhere. */
static void payload_setup_data_without_kernel_address(void **state)
{
	uint32_t type, length;

	(void)state;
	put64(kernel.bytes + SETUP_DATA, MIB + 4096);
	attach(&kernel, 4096, 0, 1, 100);
	machine_add_legacy_kernel(&kernel);
	host_fwcfg_integer(0x07, 4, 0);
	assert_int_equal(machine_boot(ARCH_ENTRY_RESET, 0), HOST_HANDOFF);
	machine_check_handoff(&kernel, "", 0, "");
	assert_non_null(machine_setup_data(0, &type, &length));
	assert_int_equal(type, 9);
}

/* A list that cannot be used is left out, which is worth a line and no more. */
static void payload_setup_data_that_is_broken(void **state)
{
	static const uint64_t heads[] = {1, MIB - 1, MIB + 8192, 4 * GIB, UINT64_MAX, MIB + 4096};
	uint32_t type, length;

	(void)state;
	attach(&kernel, 4096, MIB + 4096, 1, 16);
	for (size_t i = 0; i < COUNT(heads); i++) {
		again();
		put64(kernel.bytes + SETUP_DATA, heads[i]);
		machine_add_legacy_kernel(&kernel);
		assert_int_equal(machine_boot(ARCH_ENTRY_RESET, 0), HOST_HANDOFF);
		machine_check_handoff(&kernel, "", 0, "");
		assert_non_null(strstr(host.console, "setup_data"));
		bool found = false;
		for (unsigned at = 0; machine_setup_data(at, &type, &length) != NULL; at++)
			found |= type == 9;
		assert_true(found);
	}
}

/* Before protocol 2.09 those bytes are something else. */
static void payload_setup_data_before_2_09(void **state)
{
	(void)state;
	kernel_set_version(&kernel, 0x208);
	put64(kernel.bytes + SETUP_DATA, MIB + 4096);
	attach(&kernel, 4096, 0, 1, 100);
	machine_add_legacy_kernel(&kernel);
	boots(&kernel, "", "");
	assert_int_equal(get64(machine_params() + SETUP_DATA), 0);
}

/* The code that follows a short header is not taken for a list, and no line says so. */
static void payload_legacy_items_of_each_protocol(void **state)
{
	(void)state;
	for (unsigned version = 0x206; version <= 0x20f; version++) {
		kernel_free(&kernel);
		kernel = kernel_make(3, 8192);
		kernel_set_version(&kernel, version);
		again();
		machine_add_legacy_kernel(&kernel);
		boots(&kernel, "", "");
	}
}

static void payload_seed_is_added(void **state)
{
	uint32_t type, length;

	(void)state;
	kernel_file("opt/org.slipway/kernel", &kernel);
	boots(&kernel, "", "");
	const uint8_t *seed = machine_setup_data(0, &type, &length);
	assert_non_null(seed);
	assert_int_equal(type, 9);
	assert_int_equal(length, 32);
	assert_memory_equal(seed, host.random, 32);
	assert_null(machine_setup_data(1, &type, &length));
}

static void payload_no_seed_without_entropy(void **state)
{
	(void)state;
	for (size_t left = 0; left < 4; left++) {
		again();
		host.random_left = left;
		kernel_file("opt/org.slipway/kernel", &kernel);
		boots(&kernel, "", "");
		assert_int_equal(get64(machine_params() + SETUP_DATA), 0);
	}
}

/* -- a device that fails --------------------------------------------------------- */

enum from { FROM_FILES, FROM_LEGACY, FROM_BOTH };

static void whole_payload(enum from from)
{
	again();
	if (from == FROM_FILES) {
		kernel_file("opt/org.slipway/kernel", &kernel);
		file("opt/org.slipway/initrd", INITRD, INITRD_SIZE);
		file("opt/org.slipway/cmdline", "console=ttyS0", 13);
	} else {
		if (from == FROM_BOTH) {
			kernel_file("etc/boot/kernel", &kernel);
			put64(kernel.bytes + SETUP_DATA, MIB + 4096);
			attach(&kernel, 4096, 0, 1, 100);
		}
		machine_add_legacy_kernel(&kernel);
		legacy_initrd(INITRD, INITRD_SIZE);
		legacy_cmdline("console=ttyS0");
	}
}

/*
 * Whichever transfer fails: either it did not matter, and the kernel gets all of
 * its parts, or there is one line that says what happened.
 */
static void fail_each_dma(enum from from)
{
	whole_payload(from);
	boots(&kernel, INITRD, "console=ttyS0");
	size_t dmas = host.fwcfg.dmas;
	size_t fatal = 0;
	for (size_t i = 1; i <= dmas; i++) {
		whole_payload(from);
		host.fwcfg.fail_dma = i;
		enum host_end end = machine_boot(ARCH_ENTRY_RESET, 0);
		if (end == HOST_HANDOFF) {
			machine_check_handoff(&kernel, INITRD, INITRD_SIZE, "console=ttyS0");
			continue;
		}
		assert_int_equal(end, HOST_FATAL);
		if (host.fatal.status != STATUS_IO)
			print_error("transfer %zu: %s", i, host.console);
		unit_check_fatal(host.fatal.stage, STATUS_IO);
		fatal++;
	}
	assert_in_range(fatal, 4, dmas);
}

static void payload_dma_error_with_files(void **state)
{
	(void)state;
	fail_each_dma(FROM_FILES);
}

static void payload_dma_error_with_legacy_items(void **state)
{
	(void)state;
	fail_each_dma(FROM_LEGACY);
}

/* Rulings 7: the file has been looked at before. */
static void payload_dma_error_with_setup_data(void **state)
{
	(void)state;
	fail_each_dma(FROM_BOTH);
}

/* A kernel that cannot be read is no reason to boot another one. */
static void payload_dma_error_does_not_change_the_source(void **state)
{
	(void)state;
	kernel_file("opt/org.slipway/kernel", &kernel);
	machine_boot(ARCH_ENTRY_RESET, 0);
	size_t dmas = host.fwcfg.dmas;
	for (size_t i = 1; i <= dmas; i++) {
		again();
		kernel_file("opt/org.slipway/kernel", &kernel);
		machine_add_legacy_kernel(&other);
		host.fwcfg.fail_dma = i;
		if (machine_boot(ARCH_ENTRY_RESET, 0) == HOST_HANDOFF)
			machine_check_handoff(&kernel, "", 0, "");
	}
}

static void payload_dma_that_never_completes(void **state)
{
	(void)state;
	whole_payload(FROM_FILES);
	boots(&kernel, INITRD, "console=ttyS0");
	size_t last = host.fwcfg.dmas;
	whole_payload(FROM_FILES);
	host.fwcfg.hang_dma = last;
	fails("loader", STATUS_TIMEOUT);
}

/* -- bundles ---------------------------------------------------------------------- */

#define UKI_CMDLINE "from=uki"

/* A UKI of the kernel, an initrd and a command line as the file @name. */
static void uki_file(const char *name, unsigned machine)
{
	struct pe_file uki = pe_make(machine, 3);

	(void)pe_add(&uki, ".cmdline", UKI_CMDLINE "\n", sizeof(UKI_CMDLINE));
	(void)pe_add(&uki, ".initrd", INITRD, INITRD_SIZE);
	(void)pe_add(&uki, ".linux", kernel.bytes, kernel.size);
	file(name, uki.bytes, uki.size);
	pe_free(&uki);
}

static void payload_from_a_uki(void **state)
{
	static const char *const names[] = {"opt/org.slipway/kernel", "etc/boot/kernel"};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		again();
		uki_file(names[i], PE_X86_64);
		boots(&kernel, INITRD, UKI_CMDLINE);
	}
}

/* What the VMM gives beside it wins, but for a command line without a word (rulings 33). */
static void payload_beside_a_uki(void **state)
{
	(void)state;
	uki_file("opt/org.slipway/kernel", PE_X86_64);
	legacy_initrd("theirs", 6);
	legacy_cmdline("from=vmm");
	boots(&kernel, "theirs", "from=vmm");
	again();
	uki_file("opt/org.slipway/kernel", PE_X86_64);
	legacy_cmdline("");
	boots(&kernel, INITRD, UKI_CMDLINE);
	again();
	uki_file("opt/org.slipway/kernel", PE_X86_64);
	file("opt/org.slipway/cmdline", "\n", 1);
	file("opt/org.slipway/initrd", "", 0);
	boots(&kernel, "", UKI_CMDLINE);
}

static void payload_from_a_uki_for_another_machine(void **state)
{
	(void)state;
	uki_file("opt/org.slipway/kernel", PE_AARCH64);
	fails("payload", STATUS_UNSUPPORTED);
	/* Nobody asks the next source instead. */
	again();
	uki_file("opt/org.slipway/kernel", PE_AARCH64);
	kernel_file("etc/boot/kernel", &other);
	fails("payload", STATUS_UNSUPPORTED);
}

/* A bundle may be of either file; what is in it comes after each source of fw_cfg. */
static void payload_beside_a_uki_from_each_source(void **state)
{
	static const char *const names[][2] = {
		{"opt/org.slipway/initrd", "opt/org.slipway/cmdline"},
		{"etc/boot/initrd", "etc/boot/cmdline"},
	};

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		again();
		uki_file(i % 2 == 0 ? "opt/org.slipway/kernel" : "etc/boot/kernel", PE_X86_64);
		if (i / 2 == 2) {
			legacy_initrd("theirs", 6);
			legacy_cmdline("from=vmm");
		} else {
			file(names[i / 2][0], "theirs", 6);
			file(names[i / 2][1], "from=vmm", 8);
		}
		boots(&kernel, "theirs", "from=vmm");
	}
}

/* A bundle is a kernel like any other: the sources after it lose. */
static void payload_bundle_before_later_sources(void **state)
{
	(void)state;
	uki_file("opt/org.slipway/kernel", PE_X86_64);
	kernel_file("etc/boot/kernel", &other);
	machine_add_legacy_kernel(&other);
	boots(&kernel, INITRD, UKI_CMDLINE);
	again();
	uki_file("etc/boot/kernel", PE_X86_64);
	machine_add_legacy_kernel(&other);
	boots(&kernel, INITRD, UKI_CMDLINE);
	/* And it loses to the one before, with all of its parts. */
	again();
	uki_file("etc/boot/kernel", PE_X86_64);
	kernel_file("opt/org.slipway/kernel", &other);
	boots(&other, "", "");
}

/* The initrd starts at the next 4 KiB behind the kernel. */
static void payload_with_an_appended_initrd(void **state)
{
	static const char *const names[] = {"opt/org.slipway/kernel", "etc/boot/kernel"};

	(void)state;
	size_t start = (kernel.size + 0xfff) / 0x1000 * 0x1000;
	uint8_t *both = calloc(1, start + INITRD_SIZE);
	assert_non_null(both);
	memcpy(both, kernel.bytes, kernel.size);
	memcpy(both + start, INITRD, INITRD_SIZE);
	for (unsigned i = 0; i < 4; i++) {
		again();
		file(names[i % 2], both, start + INITRD_SIZE);
		if (i / 2 == 0) {
			boots(&kernel, INITRD, "");
		} else {
			legacy_initrd("theirs", 6);
			boots(&kernel, "theirs", "");
		}
	}
	free(both);
}

/* -- ELF files ---------------------------------------------------------------------- */

#define ELF_PLACE (24 * MIB)

static void boots_elf(uint64_t entry, const char *initrd, const char *cmdline)
{
	unit_check_end(machine_boot(ARCH_ENTRY_RESET, 0), HOST_HANDOFF);
	machine_check_pvh_handoff(entry, initrd, strlen(initrd), cmdline);
	assert_string_equal(host.console, "");
}

static void payload_from_an_elf_file(void **state)
{
	static const char *const names[] = {"opt/org.slipway/kernel", "etc/boot/kernel"};
	struct kernel elf = elf_make(ELF_PLACE);

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		again();
		kernel_file(names[i], &elf);
		legacy_initrd(INITRD, INITRD_SIZE);
		legacy_cmdline("console=ttyS0");
		/* What comes later loses, with setup_data too. */
		put64(other.bytes + SETUP_DATA, MIB + 4096);
		machine_add_legacy_kernel(&other);
		boots_elf(ELF_PLACE + ELF_ENTRY, INITRD, "console=ttyS0");
		assert_memory_equal(host_memory(ELF_PLACE, elf.size - elf.setup_size),
				    elf.bytes + elf.setup_size, elf.size - elf.setup_size);
	}
	kernel_free(&elf);
}

static void payload_from_a_uki_of_an_elf_file(void **state)
{
	struct kernel elf = elf_make(ELF_PLACE);
	struct kernel bzimage = kernel;

	(void)state;
	kernel = elf;
	uki_file("etc/boot/kernel", PE_X86_64);
	kernel = bzimage;
	boots_elf(ELF_PLACE + ELF_ENTRY, INITRD, UKI_CMDLINE);
	kernel_free(&elf);
}

/* An ELF file that is none of ours is not passed over for a later source. */
static void payload_from_a_bad_elf_file(void **state)
{
	struct kernel elf = elf_make(ELF_PLACE);

	(void)state;
	put16(elf.bytes + 0x12, 3);
	kernel_file("opt/org.slipway/kernel", &elf);
	kernel_file("etc/boot/kernel", &kernel);
	fails("payload", STATUS_UNSUPPORTED);
	kernel_free(&elf);
}

static void payload_elf_command_line_too_long(void **state)
{
	struct kernel elf = elf_make(ELF_PLACE);
	char text[2049];

	(void)state;
	memset(text, 'c', sizeof(text));
	text[2048] = '\0';
	for (unsigned length = 2047; length <= 2048; length++) {
		again();
		kernel_file("opt/org.slipway/kernel", &elf);
		file("opt/org.slipway/cmdline", text, length);
		if (length == 2048) {
			fails("loader", STATUS_TOO_LARGE);
			continue;
		}
		text[length] = '\0';
		boots_elf(ELF_PLACE + ELF_ENTRY, "", text);
		text[length] = 'c';
	}
	kernel_free(&elf);
}

/* What QEMU has of an ELF kernel that it has loaded (rulings 6); the setup may be anything. */
static void legacy_elf(uint32_t address, uint32_t size, uint32_t entry)
{
	static uint8_t setup_item[8192];

	memset(setup_item, 0xff, sizeof(setup_item));
	machine_add_legacy(0x17, 0x18, setup_item, sizeof(setup_item));
	host_fwcfg_integer(0x07, 4, address);
	host_fwcfg_integer(0x08, 4, size);
	host_fwcfg_integer(0x10, 4, entry);
}

static void payload_elf_that_the_vmm_loaded(void **state)
{
	static uint8_t before[3 * MIB];

	(void)state;
	memcpy(before, host_memory(16 * MIB, sizeof(before)), sizeof(before));
	legacy_elf(16 * MIB, sizeof(before), 16 * MIB + 0x850);
	legacy_initrd(INITRD, INITRD_SIZE);
	legacy_cmdline("console=ttyS0");
	boots_elf(16 * MIB + 0x850, INITRD, "console=ttyS0");
	assert_memory_equal(host_memory(16 * MIB, sizeof(before)), before, sizeof(before));
}

/* Nothing else gets its memory, not even when there is no other. */
static void payload_elf_that_fills_memory(void **state)
{
	(void)state;
	legacy_elf(MIB, 63 * MIB, MIB);
	legacy_initrd(INITRD, INITRD_SIZE);
	fails("loader", STATUS_NO_MEMORY);
	again();
	legacy_elf(MIB, 63 * MIB - 0x1000, MIB);
	legacy_initrd(INITRD, INITRD_SIZE);
	boots_elf(MIB, INITRD, "");
}

static void payload_elf_loaded_where_it_cannot_be(void **state)
{
	static const struct {
		uint32_t address, size, entry;
		enum status status;
	} cases[] = {
		{0, MIB, 0x1000, STATUS_OUT_OF_RANGE},
		{0x30000, 0x10000, 0x30000, STATUS_OUT_OF_RANGE}, /* our work area */
		{MIB - 1, MIB, MIB, STATUS_OUT_OF_RANGE},
		{16 * MIB, MIB, 16 * MIB - 1, STATUS_OUT_OF_RANGE},
		{16 * MIB, MIB, 17 * MIB, STATUS_OUT_OF_RANGE},
		{0xfffff000, 0x1001, 0xfffff000, STATUS_OUT_OF_RANGE}, /* wraps in 32 bits */
		{16 * MIB, 0xffffffff, 16 * MIB, STATUS_OUT_OF_RANGE},
		{63 * MIB, MIB + 1, 63 * MIB, STATUS_OVERLAP},     /* the end of RAM */
		{64 * MIB, MIB, 64 * MIB, STATUS_OVERLAP},         /* behind it */
		{0xffff0000, 0x10000, 0xfffffff0, STATUS_OVERLAP}, /* the ROM */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		again();
		legacy_elf(cases[i].address, cases[i].size, cases[i].entry);
		fails("payload", cases[i].status);
	}
}

/* Without an entry those items are a kernel that is no bzImage. */
static void payload_legacy_items_of_neither_kind(void **state)
{
	(void)state;
	legacy_elf(16 * MIB, MIB, 0);
	host_fwcfg_item(0x11, "x", 1);
	fails("loader", STATUS_BAD_FORMAT);
	/* Nor do they hide a kernel in a file. */
	again();
	legacy_elf(16 * MIB, MIB, 16 * MIB);
	kernel_file("opt/org.slipway/kernel", &kernel);
	boots(&kernel, "", "");
	again();
	legacy_elf(16 * MIB, MIB, 16 * MIB);
	kernel_file("etc/boot/kernel", &kernel);
	boots(&kernel, "", "");
	/* A bzImage is one, whatever the entry. */
	again();
	machine_add_legacy_kernel(&kernel);
	host_fwcfg_integer(0x10, 4, 16 * MIB);
	boots(&kernel, "", "");
}

/* All that QEMU before 10.0 has of its -kernel: setup and the rest. */
static void legacy_file(const uint8_t *bytes, size_t size)
{
	size_t setup = ((bytes[0x1f1] != 0 ? bytes[0x1f1] : 4u) + 1u) * 512;

	machine_add_legacy(0x17, 0x18, bytes, setup);
	machine_add_legacy(0x08, 0x11, bytes + setup, size - setup);
	host_fwcfg_integer(0x07, 4, 0x100000);
}

static void payload_of_bundles_in_legacy_items(void **state)
{
	(void)state;
	struct pe_file uki = pe_make(PE_X86_64, 3);

	(void)pe_add(&uki, ".cmdline", UKI_CMDLINE, sizeof(UKI_CMDLINE) - 1);
	(void)pe_add(&uki, ".initrd", INITRD, INITRD_SIZE);
	(void)pe_add(&uki, ".linux", kernel.bytes, kernel.size);
	legacy_file(uki.bytes, uki.size);
	boots(&kernel, INITRD, UKI_CMDLINE);
	pe_free(&uki);

	size_t start = (kernel.size + 0xfff) / 0x1000 * 0x1000;
	uint8_t *both = calloc(1, start + INITRD_SIZE);
	assert_non_null(both);
	memcpy(both, kernel.bytes, kernel.size);
	memcpy(both + start, INITRD, INITRD_SIZE);
	again();
	legacy_file(both, start + INITRD_SIZE);
	boots(&kernel, INITRD, "");
	/* What setup_data have is no initrd, wherever it lies. */
	both[0x250] = 1;
	again();
	legacy_file(both, start + INITRD_SIZE);
	enum host_end end = machine_boot(ARCH_ENTRY_RESET, 0);
	assert_int_equal(end, HOST_HANDOFF);
	assert_int_equal(get32(machine_params() + 0x21c), 0);
	free(both);
}

/* QEMU -kernel fw.bin: a copy of us in memory, and no other kernel; or one in a file. */
static void payload_own_image_that_the_vmm_loaded(void **state)
{
	(void)state;
	machine_put(16 * MIB, machine_image, sizeof(machine_image));
	legacy_elf(16 * MIB, sizeof(machine_image), 16 * MIB + 0x100);
	fails("payload", STATUS_NOT_FOUND);
	again();
	machine_put(16 * MIB, machine_image, sizeof(machine_image));
	legacy_elf(16 * MIB, sizeof(machine_image), 16 * MIB + 0x100);
	kernel_file("etc/boot/kernel", &kernel);
	boots(&kernel, "", "");
}

/* The header of a list, and no kernel to it: the file is the kernel after all. */
static void payload_setup_data_without_legacy_kernel(void **state)
{
	(void)state;
	kernel_file("etc/boot/kernel", &kernel);
	put64(other.bytes + SETUP_DATA, MIB + 4096);
	machine_add_legacy(0x17, 0x18, other.bytes, other.setup_size);
	boots(&kernel, "", "");
}

/* QEMU 10.0 -kernel uki: what its section table has at 0x206 and 0x250 is no setup_data. */
static void payload_uki_is_no_setup(void **state)
{
	static const char *const names[] = {".text",    ".rodata", ".data",
					    ".cmdline", ".initrd", ".linux"};
	struct pe_file uki = pe_make(PE_X86_64, 8);

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		bool is_linux = i == COUNT(names) - 1;
		size_t row = pe_add(&uki, names[i], is_linux ? kernel.bytes : (const void *)INITRD,
				    is_linux ? kernel.size : INITRD_SIZE);
		assert_int_equal(row, 0x188 + i * 0x28);
	}
	file("etc/boot/kernel", uki.bytes, uki.size);
	machine_add_legacy(0x17, 0x18, uki.bytes, 0xa00);
	machine_add_legacy(0x08, 0x11, uki.bytes + 0xa00, uki.size - 0xa00);
	boots(&kernel, INITRD, INITRD);
	pe_free(&uki);
}

static void payload_setup_data_of_a_short_setup(void **state)
{
	(void)state;
	kernel_file("etc/boot/kernel", &kernel);
	put64(other.bytes + SETUP_DATA, MIB + 4096);
	machine_add_legacy_kernel(&other);
	machine_add_legacy(0x17, 0x18, other.bytes, 0x28f);
	boots(&kernel, "", "");
}

/* They cannot be read where the kernel cannot be mapped: that is said, and a seed is made. */
static void payload_setup_data_that_cannot_be_mapped(void **state)
{
	uint32_t type, length;

	(void)state;
	put64(kernel.bytes + SETUP_DATA, MIB + 4096);
	attach(&kernel, 4096, 0, 1, 100);
	for (unsigned silent = 0; silent < 2; silent++) {
		again();
		machine_add_legacy_kernel(&kernel);
		file("opt/org.slipway/log", "error", silent != 0 ? 5 : 0);
		host_refuse_map(16 * MIB, 1);
		assert_int_equal(machine_boot(ARCH_ENTRY_RESET, 0), HOST_HANDOFF);
		machine_check_handoff(&kernel, "", 0, "");
		assert_int_equal(strstr(host.console, "the kernel cannot be mapped") == NULL,
				 silent);
		assert_int_equal(host.console_length == 0, silent);
		assert_non_null(machine_setup_data(0, &type, &length));
		assert_int_equal(type, 9);
		assert_null(machine_setup_data(1, &type, &length));
	}
}

static void again_with_a_loaded_elf(void)
{
	again();
	legacy_elf(16 * MIB, 3 * MIB, 16 * MIB + 0x850);
	legacy_initrd(INITRD, INITRD_SIZE);
	legacy_cmdline("console=ttyS0");
}

/* As fail_each_dma(): no transfer's failure makes it another kernel. */
static void payload_dma_error_with_an_elf_that_the_vmm_loaded(void **state)
{
	size_t fatal = 0;

	(void)state;
	again_with_a_loaded_elf();
	boots_elf(16 * MIB + 0x850, INITRD, "console=ttyS0");
	size_t dmas = host.fwcfg.dmas;
	for (size_t i = 1; i <= dmas; i++) {
		again_with_a_loaded_elf();
		host.fwcfg.fail_dma = i;
		enum host_end end = machine_boot(ARCH_ENTRY_RESET, 0);
		if (end == HOST_HANDOFF) {
			machine_check_pvh_handoff(16 * MIB + 0x850, INITRD, INITRD_SIZE,
						  "console=ttyS0");
			continue;
		}
		assert_int_equal(end, HOST_FATAL);
		unit_check_fatal(host.fatal.stage, STATUS_IO);
		fatal++;
	}
	assert_in_range(fatal, 4, dmas);
}

/* Where the VMM has not cut the file at the end of the setup, what follows it is not known. */
static void payload_of_a_bundle_that_is_cut_elsewhere(void **state)
{
	size_t start = (kernel.size + 0xfff) / 0x1000 * 0x1000;
	uint8_t *both = calloc(1, start + INITRD_SIZE);

	(void)state;
	assert_non_null(both);
	memcpy(both, kernel.bytes, kernel.size);
	memcpy(both + start, INITRD, INITRD_SIZE);
	legacy_file(both, start + INITRD_SIZE);
	machine_add_legacy(0x17, 0x18, both, kernel.setup_size + 512);
	boots(&kernel, "", "");
	free(both);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

static const struct CMUnitTest tests[] = {
	TEST(payload_of_bundles_in_legacy_items),
	TEST(payload_from_a_uki),
	TEST(payload_beside_a_uki),
	TEST(payload_from_a_uki_for_another_machine),
	TEST(payload_beside_a_uki_from_each_source),
	TEST(payload_bundle_before_later_sources),
	TEST(payload_with_an_appended_initrd),
	TEST(payload_from_an_elf_file),
	TEST(payload_from_a_uki_of_an_elf_file),
	TEST(payload_from_a_bad_elf_file),
	TEST(payload_elf_command_line_too_long),
	TEST(payload_elf_that_the_vmm_loaded),
	TEST(payload_elf_that_fills_memory),
	TEST(payload_elf_loaded_where_it_cannot_be),
	TEST(payload_legacy_items_of_neither_kind),
	TEST(payload_own_image_that_the_vmm_loaded),
	TEST(payload_setup_data_without_legacy_kernel),
	TEST(payload_uki_is_no_setup),
	TEST(payload_setup_data_of_a_short_setup),
	TEST(payload_from_opt_files),
	TEST(payload_from_etc_files),
	TEST(payload_from_legacy_items),
	TEST(payload_kernel_alone),
	TEST(payload_earlier_source_wins),
	TEST(payload_parts_from_different_sources),
	TEST(payload_empty_file_wins),
	TEST(payload_no_kernel),
	TEST(payload_no_fwcfg),
	TEST(payload_own_image_is_skipped),
	TEST(payload_own_image_in_legacy_items_is_skipped),
	TEST(payload_own_image_only),
	TEST(payload_own_image_with_an_anchor_in_it),
	TEST(payload_not_a_kernel),
	TEST(payload_truncated_kernel),
	TEST(payload_protocol_too_old),
	TEST(payload_setup_sects_past_end),
	TEST(payload_kernel_larger_than_memory),
	TEST(payload_initrd_larger_than_memory),
	TEST(payload_truncated_legacy_setup),
	TEST(payload_legacy_setup_alone),
	TEST(payload_setup_item_of_another_size),
	TEST(payload_cmdline_ends),
	TEST(payload_cmdline_byte_for_byte),
	TEST(payload_cmdline_of_the_longest),
	TEST(payload_cmdline_too_long),
	TEST(payload_cmdline_padding_does_not_count),
	TEST(payload_setup_data_follows_the_kernel),
	TEST(payload_setup_data_of_the_legacy_items),
	TEST(payload_setup_data_of_a_bad_device_tree),
	TEST(payload_setup_data_of_a_device_tree),
	TEST(payload_setup_data_without_kernel_address),
	TEST(payload_setup_data_that_is_broken),
	TEST(payload_setup_data_before_2_09),
	TEST(payload_legacy_items_of_each_protocol),
	TEST(payload_seed_is_added),
	TEST(payload_no_seed_without_entropy),
	TEST(payload_dma_error_with_files),
	TEST(payload_dma_error_with_legacy_items),
	TEST(payload_dma_error_with_setup_data),
	TEST(payload_setup_data_that_cannot_be_mapped),
	TEST(payload_dma_error_with_an_elf_that_the_vmm_loaded),
	TEST(payload_of_a_bundle_that_is_cut_elsewhere),
	TEST(payload_dma_error_does_not_change_the_source),
	TEST(payload_dma_that_never_completes),
};

UNIT_MAIN(tests)
