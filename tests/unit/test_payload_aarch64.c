/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include <zlib.h>
#include <zstd.h>

#include "boot/boot.h"
#include "machine_arm.h"
#include "pe.h"

/* Where kernel, initrd and command line come from on AArch64, and what becomes of them. */

#define INITRD      "the right initrd"
#define INITRD_SIZE (sizeof(INITRD) - 1)

/* Where a VMM has put things. */
#define KERNEL_AT (ARM_RAM + 32 * MIB)
#define INITRD_AT (ARM_RAM + 64 * MIB)

static struct arm_kernel kernel, other;
/* A file that is a kernel and more. */
static struct pe_file bundle;

static void again(void)
{
	arm_new(ARM_RAM_SIZE, HOST_FWCFG_QEMU);
	host.random_left = 0;
}

static int setup(void **state)
{
	unit_setup(state);
	kernel = arm_kernel_make(70000, MIB);
	other = arm_kernel_make(40000, MIB);
	again();
	return 0;
}

static int teardown(void **state)
{
	arm_kernel_free(&kernel);
	arm_kernel_free(&other);
	pe_free(&bundle);
	return unit_teardown(state);
}

static void file(const char *name, const void *bytes, size_t size)
{
	host_fwcfg_file(name, bytes, size);
}

static void kernel_file(const char *name, const struct arm_kernel *image)
{
	file(name, image->bytes, image->size);
}

static void legacy(uint16_t size_key, uint16_t data_key, const void *bytes, size_t size)
{
	host_fwcfg_integer(size_key, 4, (uint32_t)size);
	host_fwcfg_item(data_key, bytes, size);
}

static void legacy_kernel(const void *bytes, size_t size)
{
	legacy(FWCFG_KERNEL_SIZE, FWCFG_KERNEL_DATA, bytes, size);
	host_fwcfg_integer(FWCFG_SETUP_SIZE, 4, 0);
}

static void legacy_initrd(const void *bytes, size_t size)
{
	legacy(FWCFG_INITRD_SIZE, FWCFG_INITRD_DATA, bytes, size);
}

/* With its terminator, as QEMU counts it. */
static void legacy_cmdline(const char *text)
{
	legacy(FWCFG_CMDLINE_SIZE, FWCFG_CMDLINE_DATA, text, strlen(text) + 1);
}

static struct arch_range put(uint64_t address, const void *bytes, size_t size)
{
	arm_put(address, bytes, size);
	return (struct arch_range){address, size};
}

static struct arch_range put_kernel(uint64_t address, const struct arm_kernel *image)
{
	return put(address, image->bytes, image->size);
}

static struct arch_range put_initrd(uint64_t address)
{
	return put(address, INITRD, INITRD_SIZE);
}

static void boots(const struct arm_kernel *image, const char *initrd, const char *cmdline)
{
	const struct arm_expected expected = {image, initrd, strlen(initrd), cmdline, NULL, NULL};
	unit_check_end(arm_boot(), HOST_HANDOFF);
	arm_check_tree(&expected);
	assert_string_equal(host.console, "");
}

static void fails(const char *stage, enum status status)
{
	unit_check_end(arm_boot(), HOST_FATAL);
	unit_check_fatal(stage, status);
	arm_check_writes();
}

/* -- which source ---------------------------------------------------------------- */

static void payload_arm_from_opt_files(void **state)
{
	(void)state;
	kernel_file("opt/org.slipway/kernel", &kernel);
	file("opt/org.slipway/initrd", INITRD, INITRD_SIZE);
	file("opt/org.slipway/cmdline", "console=ttyAMA0\n", 16);
	boots(&kernel, INITRD, "console=ttyAMA0");
}

static void payload_arm_from_etc_files(void **state)
{
	(void)state;
	kernel_file("etc/boot/kernel", &kernel);
	file("etc/boot/initrd", INITRD, INITRD_SIZE);
	file("etc/boot/cmdline", "console=ttyAMA0", 15);
	boots(&kernel, INITRD, "console=ttyAMA0");
}

/* The kernel item is the whole Image, and setup has size 0. */
static void payload_arm_from_legacy_items(void **state)
{
	(void)state;
	legacy_kernel(kernel.bytes, kernel.size);
	legacy_initrd(INITRD, INITRD_SIZE);
	legacy_cmdline("console=ttyAMA0");
	boots(&kernel, INITRD, "console=ttyAMA0");
}

static void payload_arm_from_chosen(void **state)
{
	(void)state;
	for (unsigned fwcfg = 0; fwcfg < 2; fwcfg++) {
		if (fwcfg != 0)
			again();
		else
			arm_new_without_fwcfg(ARM_RAM_SIZE);
		host.random_left = 0;
		arm_tree.kernel = put_kernel(KERNEL_AT, &kernel);
		arm_tree.initrd = put_initrd(INITRD_AT);
		arm_tree.bootargs = "console=ttyAMA0";
		boots(&kernel, INITRD, "console=ttyAMA0");
		assert_int_equal(host.handoff.entry, KERNEL_AT);
		assert_int_equal(arm_initrd(), INITRD_AT);
	}
}

static void payload_arm_from_modules(void **state)
{
	(void)state;
	arm_tree.kernel_module = put_kernel(KERNEL_AT, &kernel);
	arm_tree.initrd_module = put_initrd(INITRD_AT);
	arm_tree.bootargs = "of chosen";
	boots(&kernel, INITRD, "of chosen");
	again();
	arm_tree.kernel_module = put_kernel(KERNEL_AT, &kernel);
	arm_tree.bootargs = "of chosen";
	arm_tree.module_bootargs = "of the module";
	boots(&kernel, "", "of the module");
	assert_int_equal(host.handoff.entry, KERNEL_AT);
}

static void payload_arm_kernel_alone(void **state)
{
	(void)state;
	kernel_file("opt/org.slipway/kernel", &kernel);
	boots(&kernel, "", "");
	again();
	arm_tree.kernel = put_kernel(KERNEL_AT, &kernel);
	boots(&kernel, "", "");
}

/* The order of the directory is not the order of preference. */
static void payload_arm_earlier_source_wins(void **state)
{
	(void)state;
	for (unsigned first = 0; first < 5; first++) {
		again();
		arm_tree.kernel_module =
			put_kernel(ARM_RAM + 48 * MIB, first == 4 ? &kernel : &other);
		arm_tree.initrd_module = first == 4 ? put_initrd(ARM_RAM + 50 * MIB)
						    : put(ARM_RAM + 50 * MIB, "module", 6);
		arm_tree.bootargs = "right";
		if (first <= 3) {
			arm_tree.kernel = put_kernel(KERNEL_AT, first == 3 ? &kernel : &other);
			arm_tree.initrd =
				first == 3 ? put_initrd(INITRD_AT) : put(INITRD_AT, "chosen", 6);
			arm_tree.module_bootargs = "module";
		}
		if (first <= 2) {
			const struct arm_kernel *image = first == 2 ? &kernel : &other;
			arm_tree.bootargs = "chosen";
			legacy_kernel(image->bytes, image->size);
			legacy_initrd(first == 2 ? INITRD : "legacy", first == 2 ? INITRD_SIZE : 6);
			legacy_cmdline(first == 2 ? "right" : "legacy");
		}
		if (first <= 1) {
			kernel_file("etc/boot/kernel", first == 1 ? &kernel : &other);
			file("etc/boot/initrd", first == 1 ? INITRD : "etc",
			     first == 1 ? INITRD_SIZE : 3);
			file("etc/boot/cmdline", first == 1 ? "right" : "wrong", 5);
		}
		if (first == 0) {
			kernel_file("opt/org.slipway/kernel", &kernel);
			file("opt/org.slipway/initrd", INITRD, INITRD_SIZE);
			file("opt/org.slipway/cmdline", "right", 5);
		}
		boots(&kernel, INITRD, "right");
	}
}

static void payload_arm_parts_from_different_sources(void **state)
{
	(void)state;
	kernel_file("opt/org.slipway/kernel", &kernel);
	arm_tree.initrd = put_initrd(INITRD_AT);
	legacy_cmdline("mixed");
	boots(&kernel, INITRD, "mixed");
	assert_int_equal(arm_initrd(), INITRD_AT);
	again();
	arm_tree.kernel = put_kernel(KERNEL_AT, &kernel);
	legacy_initrd(INITRD, INITRD_SIZE);
	arm_tree.bootargs = "mixed";
	boots(&kernel, INITRD, "mixed");
	assert_int_equal(host.handoff.entry, KERNEL_AT);
	again();
	arm_tree.kernel_module = put_kernel(KERNEL_AT, &kernel);
	arm_tree.initrd = put_initrd(INITRD_AT);
	file("etc/boot/cmdline", "mixed", 5);
	arm_tree.module_bootargs = "module";
	boots(&kernel, INITRD, "mixed");
	again();
	legacy_kernel(kernel.bytes, kernel.size);
	arm_tree.initrd_module = put_initrd(INITRD_AT);
	arm_tree.bootargs = "mixed";
	boots(&kernel, INITRD, "mixed");
}

/* An empty file found first is a part that is left out on purpose, as on x86. */
static void payload_arm_empty_file_wins(void **state)
{
	(void)state;
	legacy_kernel(kernel.bytes, kernel.size);
	legacy_initrd("wrong", 5);
	legacy_cmdline("wrong");
	file("opt/org.slipway/initrd", "", 0);
	file("opt/org.slipway/cmdline", "", 0);
	boots(&kernel, "", "");
}

static void payload_arm_empty_file_wins_over_chosen(void **state)
{
	(void)state;
	legacy_kernel(kernel.bytes, kernel.size);
	arm_tree.initrd = put(INITRD_AT, "wrong", 5);
	arm_tree.bootargs = "wrong";
	file("opt/org.slipway/initrd", "", 0);
	file("opt/org.slipway/cmdline", "", 0);
	boots(&kernel, "", "");
}

static void payload_arm_no_kernel(void **state)
{
	(void)state;
	fails("payload", STATUS_NOT_FOUND);
	again();
	file("opt/org.slipway/initrd", INITRD, INITRD_SIZE);
	arm_tree.bootargs = "x";
	fails("payload", STATUS_NOT_FOUND);
	arm_new_without_fwcfg(ARM_RAM_SIZE);
	fails("payload", STATUS_NOT_FOUND);
}

/* -- our own image, which is no kernel ------------------------------------------- */

static void payload_arm_own_image_is_skipped(void **state)
{
	(void)state;
	/* In flash, and in RAM where QEMU's -kernel puts it. */
	for (unsigned in_ram = 0; in_ram < 2; in_ram++) {
		for (unsigned source = 0; source < 2; source++) {
			again();
			if (in_ram != 0)
				arm_image_in_ram(ARM_RAM + 4 * MIB);
			file("opt/org.slipway/kernel", arm_image, sizeof(arm_image));
			file("etc/boot/kernel", arm_image, sizeof(arm_image));
			if (source == 0) {
				legacy_kernel(kernel.bytes, kernel.size);
			} else {
				legacy_kernel(arm_image, sizeof(arm_image));
				arm_tree.kernel_module = put_kernel(KERNEL_AT, &kernel);
			}
			boots(&kernel, "", "");
		}
	}
}

static void payload_arm_own_image_only(void **state)
{
	(void)state;
	legacy_kernel(arm_image, sizeof(arm_image));
	fails("payload", STATUS_NOT_FOUND);
	again();
	file("opt/org.slipway/kernel", arm_image, sizeof(arm_image));
	file("etc/boot/kernel", arm_image, sizeof(arm_image));
	fails("payload", STATUS_NOT_FOUND);
}

/* -- kernels in memory ----------------------------------------------------------- */

/* Where it cannot stay: misaligned, or without the memory behind it. */
static void payload_arm_kernel_is_moved(void **state)
{
	static const uint64_t offsets[] = {1, 8, 0x1000, 0x80000, MIB};

	(void)state;
	for (size_t i = 0; i < COUNT(offsets); i++) {
		again();
		arm_tree.kernel = put_kernel(KERNEL_AT + offsets[i], &kernel);
		boots(&kernel, "", "");
		assert_int_equal(host.handoff.entry, ARM_RAM + 2 * MIB);
	}
	/* The initrd follows at once, where the kernel's BSS would be. */
	again();
	arm_tree.kernel = put_kernel(KERNEL_AT, &kernel);
	arm_tree.initrd = put_initrd(KERNEL_AT + kernel.size);
	boots(&kernel, INITRD, "");
	assert_int_equal(host.handoff.entry, ARM_RAM + 2 * MIB);
	assert_int_equal(arm_initrd(), KERNEL_AT + kernel.size);
	/* RAM ends there. */
	again();
	arm_tree.kernel = put_kernel(ARM_RAM + ARM_RAM_SIZE - 2 * MIB, &kernel);
	put64(kernel.bytes + IMAGE_IMAGE_SIZE, 3 * MIB);
	arm_put(arm_tree.kernel.start, kernel.bytes, kernel.size);
	kernel.memory_size = 3 * MIB;
	boots(&kernel, "", "");
	assert_int_equal(host.handoff.entry, ARM_RAM + 2 * MIB);
}

static void set_text_offset(struct arm_kernel *image, uint64_t offset)
{
	image->text_offset = offset;
	put64(image->bytes + IMAGE_TEXT_OFFSET, offset);
}

static void payload_arm_kernel_with_text_offset(void **state)
{
	(void)state;
	set_text_offset(&kernel, 0x80000);
	kernel_file("opt/org.slipway/kernel", &kernel);
	boots(&kernel, "", "");
	assert_int_equal(host.handoff.entry, ARM_RAM + 2 * MIB + 0x80000);
	again();
	arm_tree.kernel = put_kernel(KERNEL_AT + 0x80000, &kernel);
	boots(&kernel, "", "");
	assert_int_equal(host.handoff.entry, KERNEL_AT + 0x80000);
	again();
	arm_tree.kernel = put_kernel(KERNEL_AT, &kernel);
	boots(&kernel, "", "");
	assert_int_equal(host.handoff.entry, ARM_RAM + 2 * MIB + 0x80000);
}

static void payload_arm_kernel_without_image_size(void **state)
{
	(void)state;
	put64(kernel.bytes + IMAGE_IMAGE_SIZE, 0);
	put64(kernel.bytes + IMAGE_FLAGS, 0);
	kernel.text_offset = 0x80000;
	kernel.memory_size = 4 * MIB;
	kernel_file("opt/org.slipway/kernel", &kernel);
	boots(&kernel, "", "");
}

static void payload_arm_initrd_is_moved_into_the_window(void **state)
{
	(void)state;
	arm_add_ram(40 * GIB, 64 * MIB);
	arm_tree.kernel = put_kernel(40 * GIB + 8 * MIB, &kernel);
	arm_tree.initrd = put_initrd(INITRD_AT + 0x123);
	boots(&kernel, INITRD, "");
	assert_int_equal(host.handoff.entry, 40 * GIB + 8 * MIB);
	assert_in_range(arm_initrd(), 40 * GIB, 40 * GIB + 64 * MIB);
	/* The other way. */
	again();
	arm_add_ram(40 * GIB, 64 * MIB);
	arm_tree.kernel = put_kernel(KERNEL_AT, &kernel);
	arm_tree.initrd = put_initrd(40 * GIB + 8 * MIB);
	boots(&kernel, INITRD, "");
	assert_in_range(arm_initrd(), ARM_RAM, ARM_RAM + ARM_RAM_SIZE);
	/* Near enough. */
	again();
	arm_add_ram(32 * GIB, 64 * MIB);
	arm_tree.kernel = put_kernel(KERNEL_AT, &kernel);
	arm_tree.initrd = put_initrd(32 * GIB + 8 * MIB + 1);
	boots(&kernel, INITRD, "");
	assert_int_equal(arm_initrd(), 32 * GIB + 8 * MIB + 1);
}

static const uint64_t firmware_places[] = {
	ARM_RAM,                           /* the tree */
	ARM_RAM + MIB - 0x1000,            /* its end */
	ARM_RAM + 2 * MIB - ARM_WORK_SIZE, /* our work area */
	ARM_RAM + 2 * MIB - 0x1000,        /* its end */
	ARM_RAM + 96 * MIB,                /* our image */
	ARM_RAM + 96 * MIB + sizeof(arm_image) - 1,
	ARM_RAM + ARM_RAM_SIZE - 0x1000, /* over the end of RAM */
	ARM_RAM + ARM_RAM_SIZE,
	ARM_RAM - MIB,
	0x1000,
	1ul << 39,
};

static void in_ram_with_work_area_apart(void)
{
	again();
	arm_image_in_ram(ARM_RAM + 96 * MIB);
	host.work_area.start = ARM_RAM + 2 * MIB - ARM_WORK_SIZE;
}

static void payload_arm_kernel_over_somebody_else(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(firmware_places); i++) {
		in_ram_with_work_area_apart();
		arm_tree.kernel = (struct arch_range){firmware_places[i], 70000};
		fails("payload", STATUS_OVERLAP);
	}
}

static void payload_arm_initrd_over_somebody_else(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(firmware_places); i++) {
		in_ram_with_work_area_apart();
		kernel_file("opt/org.slipway/kernel", &kernel);
		arm_tree.initrd_module = (struct arch_range){firmware_places[i], 70000};
		fails("payload", STATUS_OVERLAP);
	}
	/* And over the kernel. */
	again();
	arm_tree.kernel = put_kernel(KERNEL_AT, &kernel);
	arm_tree.initrd = put_initrd(KERNEL_AT + kernel.size - 1);
	fails("payload", STATUS_OVERLAP);
}

/* -- bad kernels ----------------------------------------------------------------- */

static void payload_arm_not_a_kernel(void **state)
{
	uint8_t *text = malloc(4096);

	(void)state;
	assert_non_null(text);
	memset(text, 'x', 4096);
	file("opt/org.slipway/kernel", text, 4096);
	fails("loader", STATUS_BAD_FORMAT);
	again();
	arm_tree.kernel = put(KERNEL_AT, text, 4096);
	fails("loader", STATUS_BAD_FORMAT);
	free(text);
}

static void payload_arm_truncated_kernel(void **state)
{
	static const size_t sizes[] = {0, 1, 2, 63};

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		again();
		file("opt/org.slipway/kernel", kernel.bytes, sizes[i]);
		fails("loader", STATUS_TRUNCATED);
		if (sizes[i] == 0)
			continue;
		again();
		arm_tree.kernel = put(KERNEL_AT, kernel.bytes, sizes[i]);
		fails("loader", STATUS_TRUNCATED);
	}
	/* All header is a kernel. */
	again();
	kernel.size = 64;
	kernel_file("opt/org.slipway/kernel", &kernel);
	boots(&kernel, "", "");
}

static void payload_arm_big_endian_kernel(void **state)
{
	(void)state;
	kernel.bytes[IMAGE_FLAGS] |= 1;
	kernel_file("opt/org.slipway/kernel", &kernel);
	fails("loader", STATUS_UNSUPPORTED);
	assert_non_null(strstr(host.fatal.reason, "big-endian"));
}

static void payload_arm_pages_that_the_cpu_has_not(void **state)
{
	static const uint32_t sizes[] = {0, 0x1000, 0x4000, 0x10000};

	(void)state;
	for (uint8_t flag = 0; flag < 4; flag++) {
		for (uint8_t has = 1; has < 4; has++) {
			again();
			host.page_sizes = sizes[has];
			kernel.bytes[IMAGE_FLAGS] = (uint8_t)(8 | flag << 1);
			kernel_file("opt/org.slipway/kernel", &kernel);
			if (flag == 0 || flag == has)
				boots(&kernel, "", "");
			else
				fails("loader", STATUS_UNSUPPORTED);
		}
	}
}

static void payload_arm_legacy_sizes_that_cannot_be(void **state)
{
	(void)state;
	/* More than there is memory. */
	host_fwcfg_item(FWCFG_KERNEL_DATA, kernel.bytes, kernel.size);
	host_fwcfg_integer(FWCFG_KERNEL_SIZE, 4, 0xffffffff);
	fails("loader", STATUS_NO_MEMORY);
}

/* -- the command line ------------------------------------------------------------ */

static void payload_arm_cmdline_of_64_kib(void **state)
{
	static char text[0x10003];

	(void)state;
	memset(text, 'x', 0x10002);
	kernel_file("opt/org.slipway/kernel", &kernel);
	file("opt/org.slipway/cmdline", text, 0x10001);
	fails("payload", STATUS_TOO_LARGE);
	again();
	kernel_file("opt/org.slipway/kernel", &kernel);
	host_fwcfg_entry("opt/org.slipway/cmdline", 0x100, 0xffffffff);
	host_fwcfg_item(0x100, text, 0x10002);
	fails("payload", STATUS_TOO_LARGE);
	again();
	kernel_file("opt/org.slipway/kernel", &kernel);
	legacy_cmdline(text);
	fails("payload", STATUS_TOO_LARGE);
	/* The newline of a file and the terminator of an item do not count. */
	text[0x10000] = '\n';
	again();
	kernel_file("opt/org.slipway/kernel", &kernel);
	file("opt/org.slipway/cmdline", text, 0x10001);
	text[0x10000] = '\0';
	boots(&kernel, "", text);
	again();
	kernel_file("opt/org.slipway/kernel", &kernel);
	legacy_cmdline(text);
	boots(&kernel, "", text);
}

static void payload_arm_cmdline_ends_at_a_nul(void **state)
{
	(void)state;
	kernel_file("opt/org.slipway/kernel", &kernel);
	file("opt/org.slipway/cmdline", "one\0two", 7);
	boots(&kernel, "", "one");
}

/* All RAM but a little is the tree's and ours. */
static void payload_arm_no_memory_for_the_cmdline(void **state)
{
	(void)state;
	kernel_file("opt/org.slipway/kernel", &kernel);
	file("opt/org.slipway/cmdline", "x", 1);
	arm_tree.totalsize = 2 * MIB - ARM_WORK_SIZE;
	arm_tree.memory[0].size = 2 * MIB;
	fails("payload", STATUS_NO_MEMORY);
}

/* -- packed kernels -------------------------------------------------------------- */

struct packed_file {
	uint8_t *bytes;
	size_t size;
};

/* Something that can be packed. */
static void make_packable(size_t size)
{
	arm_kernel_free(&kernel);
	kernel = arm_kernel_make(size, 4 * MIB);
	for (size_t i = 2 * size / 3; i < size; i++)
		kernel.bytes[i] = kernel.bytes[i - size / 2];
}

static struct packed_file gzip_of(const struct arm_kernel *image)
{
	struct packed_file packed = {malloc(image->size + 1000), image->size + 1000};
	z_stream stream = {0};

	assert_non_null(packed.bytes);
	assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY),
			 Z_OK);
	stream.next_in = image->bytes;
	stream.avail_in = (uInt)image->size;
	stream.next_out = packed.bytes;
	stream.avail_out = (uInt)packed.size;
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	packed.size = stream.total_out;
	deflateEnd(&stream);
	return packed;
}

static struct packed_file zboot_of(const struct arm_kernel *image)
{
	enum { PAYLOAD = 0x1000 };
	size_t room = ZSTD_compressBound(image->size);
	struct packed_file packed = {calloc(1, PAYLOAD + room + 4), 0};

	assert_non_null(packed.bytes);
	size_t size = ZSTD_compress(packed.bytes + PAYLOAD, room, image->bytes, image->size, 3);
	assert_false(ZSTD_isError(size));
	memcpy(packed.bytes, "MZ\0\0zimg", 8);
	put32(packed.bytes + 8, PAYLOAD);
	put32(packed.bytes + 12, (uint32_t)size);
	strcpy((char *)packed.bytes + 0x18, "zstd22");
	put32(packed.bytes + 0x38, 0x818223cd);
	put32(packed.bytes + PAYLOAD + size, (uint32_t)image->size);
	packed.size = PAYLOAD + size + 4;
	return packed;
}

/* At a place where it could stay if it were no packed one; where it is in the way; and misaligned.
 */
static const uint64_t packed_places[] = {KERNEL_AT, ARM_RAM + 2 * MIB, ARM_RAM + 2 * MIB + 0x123};

static void check_packed(struct packed_file (*pack)(const struct arm_kernel *image))
{
	/* Whole pages, and not. */
	static const size_t sizes[] = {0x30000, 0x30001, 0x2f123};

	for (size_t i = 0; i < COUNT(sizes); i++) {
		make_packable(sizes[i]);
		struct packed_file packed = pack(&kernel);
		again();
		file("opt/org.slipway/kernel", packed.bytes, packed.size);
		file("opt/org.slipway/initrd", INITRD, INITRD_SIZE);
		boots(&kernel, INITRD, "");
		again();
		legacy_kernel(packed.bytes, packed.size);
		boots(&kernel, "", "");
		for (size_t at = 0; at < COUNT(packed_places); at++) {
			again();
			arm_tree.kernel = put(packed_places[at], packed.bytes, packed.size);
			arm_tree.initrd = put_initrd(INITRD_AT);
			boots(&kernel, INITRD, "");
		}
		free(packed.bytes);
	}
}

static void payload_arm_gzip_kernel(void **state)
{
	(void)state;
	check_packed(gzip_of);
}

static void payload_arm_zboot_kernel(void **state)
{
	(void)state;
	check_packed(zboot_of);
}

/* It is unpacked to where it can stay; a copy of it would cost memory and time. */
static void payload_arm_unpacked_kernel_stays(void **state)
{
	static const size_t sizes[] = {0x30000, 0x2f200, 0x2f123};

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		make_packable(sizes[i]);
		struct packed_file packed = gzip_of(&kernel);
		again();
		file("opt/org.slipway/kernel", packed.bytes, packed.size);
		boots(&kernel, "", "");
		free(packed.bytes);
		uint64_t claimed = 0;
		for (size_t at = 0; at < arm_map.count; at++) {
			if (arm_map.entry[at].type == MEMMAP_KERNEL)
				claimed += arm_map.entry[at].end - arm_map.entry[at].start;
		}
		if (claimed > 4 * MIB + 0x1000)
			fail_msg("a kernel of 0x%lx bytes, unpacked, was copied", sizes[i]);
	}
}

static void payload_arm_unpacked_kernel_with_text_offset(void **state)
{
	(void)state;
	make_packable(0x30000);
	set_text_offset(&kernel, 0x80000);
	struct packed_file packed = gzip_of(&kernel);
	file("opt/org.slipway/kernel", packed.bytes, packed.size);
	boots(&kernel, "", "");
	free(packed.bytes);
}

static void payload_arm_damaged_packed_kernel(void **state)
{
	(void)state;
	make_packable(0x30000);
	struct packed_file packed = gzip_of(&kernel);
	packed.bytes[packed.size / 2] ^= 0x40;
	file("opt/org.slipway/kernel", packed.bytes, packed.size);
	fails("loader", STATUS_BAD_FORMAT);
	again();
	arm_tree.kernel = put(KERNEL_AT, packed.bytes, packed.size);
	fails("loader", STATUS_BAD_FORMAT);
	free(packed.bytes);
	packed = zboot_of(&kernel);
	packed.bytes[0x18] = 'x';
	again();
	file("opt/org.slipway/kernel", packed.bytes, packed.size);
	fails("loader", STATUS_UNSUPPORTED);
	free(packed.bytes);
	/* Cut off. */
	again();
	file("opt/org.slipway/kernel", "\x1f\x8b\x08", 3);
	fails("loader", STATUS_TRUNCATED);
}

/* What is in it is looked at as any other kernel. */
static void payload_arm_packed_text(void **state)
{
	(void)state;
	make_packable(0x30000);
	kernel.bytes[IMAGE_MAGIC] ^= 1;
	struct packed_file packed = gzip_of(&kernel);
	file("opt/org.slipway/kernel", packed.bytes, packed.size);
	fails("loader", STATUS_BAD_FORMAT);
	free(packed.bytes);
	/* A packed file in a packed file is unpacked once. */
	make_packable(0x30000);
	struct packed_file inner = gzip_of(&kernel);
	struct arm_kernel twice = {inner.bytes, inner.size, 0, 0};
	packed = gzip_of(&twice);
	again();
	file("opt/org.slipway/kernel", packed.bytes, packed.size);
	fails("loader", STATUS_BAD_FORMAT);
	free(inner.bytes);
	free(packed.bytes);
}

/* A bomb: it says that it has more than there is memory, or says too little. */
static void payload_arm_packed_bomb(void **state)
{
	(void)state;
	make_packable(0x30000);
	struct packed_file packed = gzip_of(&kernel);
	put32(packed.bytes + packed.size - 4, 0xffffffff);
	file("opt/org.slipway/kernel", packed.bytes, packed.size);
	fails("loader", STATUS_NO_MEMORY);
	put32(packed.bytes + packed.size - 4, 0x2ffff);
	again();
	file("opt/org.slipway/kernel", packed.bytes, packed.size);
	fails("loader", STATUS_TOO_LARGE);
	free(packed.bytes);
}

/* A little more RAM each time, until all of its parts have room. */
static void payload_arm_packed_where_memory_runs_out(void **state)
{
	const char *const reasons[] = {"no memory for a packed kernel", "no memory to unpack"};
	bool seen[COUNT(reasons)] = {false};
	bool booted = false;

	(void)state;
	make_packable(0x30000);
	kernel.memory_size = 0x30000;
	put64(kernel.bytes + IMAGE_IMAGE_SIZE, kernel.memory_size);
	struct packed_file packed = gzip_of(&kernel);
	for (uint64_t more = 0; more <= 8 * MIB;) {
		again();
		arm_tree.totalsize = 2 * MIB - ARM_WORK_SIZE;
		arm_tree.memory[0].size = 2 * MIB + more;
		/* At last, what is aligned to 2 MiB. */
		more += more < 0x80000 ? 0x1000 : 2 * MIB;
		file("opt/org.slipway/kernel", packed.bytes, packed.size);
		if (arm_boot() == HOST_HANDOFF) {
			booted = true;
			continue;
		}
		unit_check_fatal("loader", STATUS_NO_MEMORY);
		arm_check_writes();
		for (size_t i = 0; i < COUNT(reasons); i++)
			seen[i] |= strstr(host.fatal.reason, reasons[i]) != NULL;
	}
	free(packed.bytes);
	assert_true(seen[0] && seen[1]);
	assert_true(booted);
}

/* -- what cannot be mapped ------------------------------------------------------- */

static void payload_arm_each_dma_of_a_packed_kernel_fails(void **state)
{
	(void)state;
	make_packable(0x30000);
	struct packed_file packed = gzip_of(&kernel);
	file("opt/org.slipway/kernel", packed.bytes, packed.size);
	boots(&kernel, "", "");
	size_t dmas = host.fwcfg.dmas;
	for (size_t i = 1; i <= dmas; i++) {
		again();
		file("opt/org.slipway/kernel", packed.bytes, packed.size);
		host.fwcfg.fail_dma = i;
		assert_int_equal(arm_boot(), HOST_FATAL);
		unit_check_fatal(host.fatal.stage, STATUS_IO);
		arm_check_writes();
	}
	free(packed.bytes);
}

/* Each range that was claimed, one after the other, for kernels that are moved or unpacked. */
static void check_unmapped(void (*prepare)(void), unsigned at_least)
{
	unsigned failed = 0;

	again();
	prepare();
	assert_int_equal(arm_boot(), HOST_HANDOFF);
	struct memmap map = arm_map;
	for (size_t i = 0; i < map.count; i++) {
		if (map.entry[i].type == MEMMAP_RAM || map.entry[i].start == ARM_RAM)
			continue;
		again();
		host_refuse_map(map.entry[i].start, 1);
		prepare();
		if (arm_boot() == HOST_HANDOFF)
			continue;
		/* A kernel in memory is looked at sooner. */
		unit_check_fatal(host.fatal.stage, host.fatal.status);
		arm_check_writes();
		failed++;
	}
	assert_in_range(failed, at_least, 20);
}

static struct packed_file packed_kernel;

static void prepare_moved(void)
{
	arm_add_ram(40 * GIB, 64 * MIB);
	arm_tree.kernel = put_kernel(KERNEL_AT + 1, &kernel);
	arm_tree.initrd = put_initrd(40 * GIB);
}

static void prepare_packed(void)
{
	file("opt/org.slipway/kernel", packed_kernel.bytes, packed_kernel.size);
}

static void prepare_packed_in_memory(void)
{
	arm_tree.kernel = put(KERNEL_AT, packed_kernel.bytes, packed_kernel.size);
}

static void payload_arm_memory_that_cannot_be_mapped(void **state)
{
	(void)state;
	check_unmapped(prepare_moved, 5);
	make_packable(0x30000);
	packed_kernel = gzip_of(&kernel);
	check_unmapped(prepare_packed, 3);
	check_unmapped(prepare_packed_in_memory, 3);
	free(packed_kernel.bytes);
}

/* -- bundles --------------------------------------------------------------------- */

#define UKI_CMDLINE "root=/dev/vda of=bundle"

/* NULL: no such section. */
static void make_uki(const void *initrd, size_t initrd_size, const char *cmdline)
{
	pe_free(&bundle);
	bundle = pe_make(PE_AARCH64, 8);
	pe_add(&bundle, ".osrel", "ID=test\n", 8);
	if (cmdline != NULL)
		pe_add(&bundle, ".cmdline", cmdline, strlen(cmdline));
	if (initrd != NULL)
		pe_add(&bundle, ".initrd", initrd, initrd_size);
	pe_add(&bundle, ".linux", kernel.bytes, kernel.size);
}

static void make_plain_uki(void)
{
	make_uki(INITRD, INITRD_SIZE, UKI_CMDLINE);
}

static void append(size_t at, const void *bytes, size_t size)
{
	bundle.bytes = realloc(bundle.bytes, at + size);
	assert_non_null(bundle.bytes);
	memset(bundle.bytes + bundle.size, 0, at - bundle.size);
	memcpy(bundle.bytes + at, bytes, size);
	bundle.size = at + size;
}

/* An initrd at the next 4 KiB from the end of an Image with an EFI stub, or of one without. */
static void make_appended(bool stub)
{
	size_t end;

	pe_free(&bundle);
	if (stub) {
		bundle = pe_make(PE_AARCH64, 2);
		memcpy(bundle.bytes + IMAGE_MAGIC, "ARM\x64", 4);
		put64(bundle.bytes + IMAGE_FLAGS, 0xa);
		pe_add(&bundle, ".text", other.bytes, other.size);
		end = bundle.size;
		put64(bundle.bytes + IMAGE_IMAGE_SIZE, MIB);
		bundle.bytes[2] = 0x40;
		bundle.bytes[3] = 0xfa;
	} else {
		end = kernel.size;
		memset(kernel.bytes, 0, 2);
		put64(kernel.bytes + IMAGE_IMAGE_SIZE, end);
		bundle.bytes = malloc(end);
		assert_non_null(bundle.bytes);
		memcpy(bundle.bytes, kernel.bytes, end);
		bundle.size = end;
	}
	arm_kernel_free(&kernel);
	kernel = (struct arm_kernel){malloc(end), end, stub ? MIB : end, 0};
	assert_non_null(kernel.bytes);
	memcpy(kernel.bytes, bundle.bytes, end);
	append((end + 4095) / 4096 * 4096, INITRD, INITRD_SIZE);
}

static struct arch_range put_bundle(uint64_t address)
{
	return put(address, bundle.bytes, bundle.size);
}

/* Each way for a kernel to come; the last is that for an initrd. */
enum { BUNDLE_WAYS = 6 };

static void bundle_by(unsigned way)
{
	again();
	switch (way) {
	case 0:
		file("opt/org.slipway/kernel", bundle.bytes, bundle.size);
		break;
	case 1:
		file("etc/boot/kernel", bundle.bytes, bundle.size);
		break;
	case 2:
		legacy_kernel(bundle.bytes, bundle.size);
		break;
	case 3:
		arm_tree.kernel = put_bundle(KERNEL_AT);
		break;
	case 4:
		arm_tree.kernel_module = put_bundle(KERNEL_AT + 0x123);
		break;
	default:
		arm_tree.initrd = put_bundle(INITRD_AT);
		break;
	}
}

static void payload_arm_uki(void **state)
{
	(void)state;
	make_plain_uki();
	for (unsigned way = 0; way < BUNDLE_WAYS; way++) {
		bundle_by(way);
		boots(&kernel, INITRD, UKI_CMDLINE);
	}
	/* Without fw_cfg, as in Cloud Hypervisor. */
	arm_new_without_fwcfg(ARM_RAM_SIZE);
	host.random_left = 0;
	arm_tree.initrd = put_bundle(INITRD_AT);
	boots(&kernel, INITRD, UKI_CMDLINE);
}

static void payload_arm_uki_of_kernel_alone(void **state)
{
	(void)state;
	make_uki(NULL, 0, NULL);
	for (unsigned way = 0; way < BUNDLE_WAYS; way++) {
		bundle_by(way);
		boots(&kernel, "", "");
		bundle_by(way);
		legacy_cmdline("of the VMM");
		boots(&kernel, "", "of the VMM");
	}
	/* An initrd of the VMM that is not the bundle. */
	bundle_by(0);
	arm_tree.initrd = put_initrd(INITRD_AT);
	boots(&kernel, INITRD, "");
	bundle_by(3);
	arm_tree.initrd = put_initrd(INITRD_AT);
	boots(&kernel, INITRD, "");
	assert_int_equal(arm_initrd(), INITRD_AT);
}

static void payload_arm_uki_parts_given_apart(void **state)
{
	(void)state;
	make_uki("wrong", 5, "wrong");
	for (unsigned way = 0; way < BUNDLE_WAYS; way++) {
		bundle_by(way);
		file("opt/org.slipway/initrd", INITRD, INITRD_SIZE);
		file("opt/org.slipway/cmdline", "right\n", 6);
		boots(&kernel, INITRD, "right");
		bundle_by(way);
		legacy_initrd(INITRD, INITRD_SIZE);
		legacy_cmdline("right");
		arm_tree.bootargs = "wrong too";
		boots(&kernel, INITRD, "right");
		/* An empty file means none. */
		bundle_by(way);
		file("opt/org.slipway/initrd", "", 0);
		arm_tree.bootargs = "right";
		boots(&kernel, "", "right");
	}
}

/* The bundle's own before what /chosen has for another kernel. */
static void payload_arm_uki_initrd_before_that_of_chosen(void **state)
{
	(void)state;
	make_plain_uki();
	for (unsigned way = 0; way < BUNDLE_WAYS - 1; way++) {
		bundle_by(way);
		arm_tree.initrd = put(INITRD_AT, "wrong", 5);
		boots(&kernel, INITRD, UKI_CMDLINE);
	}
}

static void payload_arm_uki_cmdline_when_the_vmm_has_an_empty_one(void **state)
{
	(void)state;
	make_plain_uki();
	for (unsigned way = 0; way < BUNDLE_WAYS; way++) {
		bundle_by(way);
		legacy_cmdline("");
		arm_tree.bootargs = "";
		boots(&kernel, INITRD, UKI_CMDLINE);
		bundle_by(way);
		file("opt/org.slipway/cmdline", "", 0);
		boots(&kernel, INITRD, UKI_CMDLINE);
		bundle_by(way);
		file("etc/boot/cmdline", "\n", 1);
		boots(&kernel, INITRD, UKI_CMDLINE);
	}
	/* A newline of its own. */
	make_uki(NULL, 0, "a b\n");
	bundle_by(0);
	boots(&kernel, "", "a b");
}

/* Nothing looks at /chosen's initrd for a kernel when there is one. */
static void payload_arm_uki_as_initrd_is_the_last_source(void **state)
{
	(void)state;
	make_uki("wrong", 5, "wrong");
	for (unsigned way = 0; way < 2; way++) {
		again();
		if (way == 0)
			kernel_file("opt/org.slipway/kernel", &other);
		else
			arm_tree.kernel = put_kernel(KERNEL_AT, &other);
		arm_tree.initrd = put_bundle(INITRD_AT);
		const struct arm_expected expected = {&other, bundle.bytes, bundle.size,
						      "",     NULL,         NULL};
		assert_int_equal(arm_boot(), HOST_HANDOFF);
		arm_check_tree(&expected);
		assert_int_equal(arm_initrd(), INITRD_AT);
	}
}

/* An initrd is large, and stays where it is. */
static void payload_arm_uki_initrd_stays(void **state)
{
	(void)state;
	make_plain_uki();
	uint64_t offset = 0;
	while (memcmp(bundle.bytes + offset, INITRD, INITRD_SIZE) != 0)
		offset++;
	bundle_by(3);
	boots(&kernel, INITRD, UKI_CMDLINE);
	assert_int_equal(arm_initrd(), KERNEL_AT + offset);
	bundle_by(5);
	boots(&kernel, INITRD, UKI_CMDLINE);
	assert_int_equal(arm_initrd(), INITRD_AT + offset);
	/* With microcode in front of it, for which there are two pieces. */
	pe_add(&bundle, ".ucode", "ucod", 4);
	bundle_by(5);
	boots(&kernel, "ucod" INITRD, UKI_CMDLINE);
}

/* A kernel inside a UKI that is aligned by chance, and has the memory behind it. */
static void payload_arm_uki_kernel_stays(void **state)
{
	(void)state;
	make_plain_uki();
	uint64_t offset = bundle.size - (kernel.size + 511) / 512 * 512;
	again();
	arm_tree.kernel = put_bundle(KERNEL_AT - offset);
	/* What pads the section is in the way. */
	boots(&kernel, INITRD, UKI_CMDLINE);
	assert_int_not_equal(host.handoff.entry, KERNEL_AT);
	bundle.size = offset + kernel.size;
	put32(bundle.bytes + PE_TABLE + 3 * PE_ROW + PE_RAW_SIZE, (uint32_t)kernel.size);
	again();
	arm_tree.kernel = put_bundle(KERNEL_AT - offset);
	boots(&kernel, INITRD, UKI_CMDLINE);
	assert_int_equal(host.handoff.entry, KERNEL_AT);
}

/* Sections that share bytes: nothing may spoil the other. */
static void payload_arm_uki_parts_that_overlap(void **state)
{
	(void)state;
	make_plain_uki();
	size_t initrd = PE_TABLE + 2 * PE_ROW, linux_row = PE_TABLE + 3 * PE_ROW;
	put32(bundle.bytes + initrd + PE_RAW, get32(bundle.bytes + linux_row + PE_RAW) + 128);
	memcpy(kernel.bytes + 128, INITRD, INITRD_SIZE);
	memcpy(bundle.bytes + get32(bundle.bytes + linux_row + PE_RAW), kernel.bytes, kernel.size);
	for (unsigned way = 0; way < BUNDLE_WAYS; way++) {
		bundle_by(way);
		boots(&kernel, INITRD, UKI_CMDLINE);
	}
	/* The kernel can stay where it is, and so the initrd cannot. */
	uint64_t offset = get32(bundle.bytes + linux_row + PE_RAW);
	bundle.size = offset + kernel.size;
	put32(bundle.bytes + linux_row + PE_RAW_SIZE, (uint32_t)kernel.size);
	again();
	arm_tree.kernel = put_bundle(KERNEL_AT - offset);
	boots(&kernel, INITRD, UKI_CMDLINE);
	assert_int_equal(host.handoff.entry, KERNEL_AT);
	assert_false(arm_initrd() >= KERNEL_AT && arm_initrd() < KERNEL_AT + kernel.size);
}

static void payload_arm_uki_of_packed_kernel(void **state)
{
	(void)state;
	make_packable(0x30000);
	for (unsigned kind = 0; kind < 2; kind++) {
		struct packed_file packed = kind == 0 ? gzip_of(&kernel) : zboot_of(&kernel);
		make_uki(INITRD, INITRD_SIZE, UKI_CMDLINE);
		/* make_uki() took the kernel as it is. */
		memset(bundle.bytes + PE_TABLE + 3 * PE_ROW, 0, 8);
		pe_add(&bundle, ".linux", packed.bytes, packed.size);
		for (unsigned way = 0; way < BUNDLE_WAYS; way++) {
			bundle_by(way);
			boots(&kernel, INITRD, UKI_CMDLINE);
		}
		free(packed.bytes);
	}
}

static void payload_arm_appended_initrd(void **state)
{
	(void)state;
	for (unsigned stub = 0; stub < 2; stub++) {
		make_appended(stub != 0);
		for (unsigned way = 0; way < BUNDLE_WAYS; way++) {
			bundle_by(way);
			boots(&kernel, INITRD, "");
			bundle_by(way);
			arm_tree.bootargs = "of chosen";
			boots(&kernel, INITRD, "of chosen");
			bundle_by(way);
			file("opt/org.slipway/initrd", "another", 7);
			boots(&kernel, "another", "");
		}
		arm_kernel_free(&kernel);
		kernel = arm_kernel_make(70001, MIB);
	}
}

/* The VMM's initrd is the kernel alone. */
static void payload_arm_kernel_as_initrd(void **state)
{
	(void)state;
	again();
	arm_tree.initrd = put_kernel(INITRD_AT, &kernel);
	arm_tree.bootargs = "of chosen";
	boots(&kernel, "", "of chosen");
	assert_int_equal(host.handoff.entry, INITRD_AT);
	again();
	arm_tree.initrd_module = put_kernel(INITRD_AT + 0x1000, &kernel);
	legacy_initrd(INITRD, INITRD_SIZE);
	boots(&kernel, INITRD, "");
	make_packable(0x30000);
	struct packed_file packed = zboot_of(&kernel);
	again();
	arm_tree.initrd = put(INITRD_AT, packed.bytes, packed.size);
	boots(&kernel, "", "");
	free(packed.bytes);
}

/* What is an initrd is no kernel, packed or not, whatever its size. */
static void payload_arm_initrd_is_no_kernel(void **state)
{
	static const char *const starts[] = {"070701", "\x1f\x8b\x08", "\x28\xb5\x2f\xfd"};
	static uint8_t initrd[4096];

	(void)state;
	for (size_t i = 0; i < COUNT(starts); i++) {
		memset(initrd, 'x', sizeof(initrd));
		memcpy(initrd, starts[i], strlen(starts[i]));
		for (size_t size = 16; size <= sizeof(initrd); size *= 4) {
			again();
			arm_tree.initrd = put(INITRD_AT, initrd, size);
			fails("payload", STATUS_NOT_FOUND);
			again();
			arm_tree.initrd = put(INITRD_AT, initrd, size);
			kernel_file("opt/org.slipway/kernel", &kernel);
			const struct arm_expected expected = {&kernel, initrd, size,
							      "",      NULL,   NULL};
			assert_int_equal(arm_boot(), HOST_HANDOFF);
			arm_check_tree(&expected);
			assert_int_equal(arm_initrd(), INITRD_AT);
		}
	}
	/* Nor is our own image. */
	again();
	arm_tree.initrd = put(INITRD_AT, arm_image, sizeof(arm_image));
	fails("payload", STATUS_NOT_FOUND);
}

static void payload_arm_broken_uki(void **state)
{
	(void)state;
	for (unsigned way = 0; way < BUNDLE_WAYS; way++) {
		make_plain_uki();
		bundle.size -= 1024; /* of .linux */
		bundle_by(way);
		fails("payload", STATUS_OUT_OF_RANGE);
		make_plain_uki();
		put32(bundle.bytes + PE_LFANEW, 0x7fffffff);
		bundle_by(way);
		fails("payload", STATUS_TRUNCATED);
		make_plain_uki();
		put16(bundle.bytes + PE_MACHINE, PE_X86_64);
		bundle_by(way);
		fails("payload", STATUS_UNSUPPORTED);
		make_plain_uki();
		put32(bundle.bytes + PE_SIGNATURE, 0);
		bundle_by(way);
		fails("payload", STATUS_BAD_FORMAT);
		/* What is in it is looked at as any other kernel. */
		make_plain_uki();
		memset(bundle.bytes + get32(bundle.bytes + PE_TABLE + 3 * PE_ROW + PE_RAW), 0, 64);
		bundle_by(way);
		fails("loader", STATUS_BAD_FORMAT);
		/* A program. */
		make_plain_uki();
		memcpy(bundle.bytes + PE_TABLE + 3 * PE_ROW, ".text\0", 6);
		bundle_by(way);
		fails("loader", STATUS_BAD_FORMAT);
	}
}

static void payload_arm_uki_over_somebody_else(void **state)
{
	(void)state;
	make_plain_uki();
	for (size_t i = 0; i < COUNT(firmware_places); i++) {
		in_ram_with_work_area_apart();
		arm_tree.initrd = (struct arch_range){firmware_places[i], 70000};
		fails("payload", STATUS_OVERLAP);
	}
}

static void payload_arm_each_dma_of_a_uki_fails(void **state)
{
	(void)state;
	make_plain_uki();
	bundle_by(0);
	boots(&kernel, INITRD, UKI_CMDLINE);
	size_t dmas = host.fwcfg.dmas;
	for (size_t i = 1; i <= dmas; i++) {
		bundle_by(0);
		host.fwcfg.fail_dma = i;
		assert_int_equal(arm_boot(), HOST_FATAL);
		unit_check_fatal(host.fatal.stage, STATUS_IO);
		arm_check_writes();
	}
}

static void payload_arm_says_where_the_kernel_is_from(void **state)
{
	static const char *const names[BUNDLE_WAYS] = {
		"opt/org.slipway files",
		"etc/boot files",
		"fw_cfg's legacy items",
		"/chosen",
		"/chosen",
		"the VMM's initrd",
	};
	char line[80];

	(void)state;
	make_plain_uki();
	for (unsigned way = 0; way < BUNDLE_WAYS; way++) {
		bundle_by(way);
		file("opt/org.slipway/log", "info", 4);
		assert_int_equal(arm_boot(), HOST_HANDOFF);
		snprintf(line, sizeof(line), "kernel from %s\n", names[way]);
		if (strstr(host.console, line) == NULL)
			fail_msg("no \"%s\" in \"%s\"", line, host.console);
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

static const struct CMUnitTest tests[] = {
	TEST(payload_arm_from_opt_files),
	TEST(payload_arm_from_etc_files),
	TEST(payload_arm_from_legacy_items),
	TEST(payload_arm_from_chosen),
	TEST(payload_arm_from_modules),
	TEST(payload_arm_kernel_alone),
	TEST(payload_arm_earlier_source_wins),
	TEST(payload_arm_parts_from_different_sources),
	TEST(payload_arm_empty_file_wins),
	TEST(payload_arm_empty_file_wins_over_chosen),
	TEST(payload_arm_no_kernel),
	TEST(payload_arm_own_image_is_skipped),
	TEST(payload_arm_own_image_only),
	TEST(payload_arm_kernel_is_moved),
	TEST(payload_arm_kernel_with_text_offset),
	TEST(payload_arm_kernel_without_image_size),
	TEST(payload_arm_initrd_is_moved_into_the_window),
	TEST(payload_arm_kernel_over_somebody_else),
	TEST(payload_arm_initrd_over_somebody_else),
	TEST(payload_arm_not_a_kernel),
	TEST(payload_arm_truncated_kernel),
	TEST(payload_arm_big_endian_kernel),
	TEST(payload_arm_pages_that_the_cpu_has_not),
	TEST(payload_arm_legacy_sizes_that_cannot_be),
	TEST(payload_arm_cmdline_of_64_kib),
	TEST(payload_arm_cmdline_ends_at_a_nul),
	TEST(payload_arm_no_memory_for_the_cmdline),
	TEST(payload_arm_gzip_kernel),
	TEST(payload_arm_zboot_kernel),
	TEST(payload_arm_unpacked_kernel_stays),
	TEST(payload_arm_unpacked_kernel_with_text_offset),
	TEST(payload_arm_damaged_packed_kernel),
	TEST(payload_arm_packed_text),
	TEST(payload_arm_packed_bomb),
	TEST(payload_arm_packed_where_memory_runs_out),
	TEST(payload_arm_each_dma_of_a_packed_kernel_fails),
	TEST(payload_arm_memory_that_cannot_be_mapped),
	TEST(payload_arm_uki),
	TEST(payload_arm_uki_of_kernel_alone),
	TEST(payload_arm_uki_parts_given_apart),
	TEST(payload_arm_uki_initrd_before_that_of_chosen),
	TEST(payload_arm_uki_cmdline_when_the_vmm_has_an_empty_one),
	TEST(payload_arm_uki_as_initrd_is_the_last_source),
	TEST(payload_arm_uki_initrd_stays),
	TEST(payload_arm_uki_kernel_stays),
	TEST(payload_arm_uki_parts_that_overlap),
	TEST(payload_arm_uki_of_packed_kernel),
	TEST(payload_arm_appended_initrd),
	TEST(payload_arm_kernel_as_initrd),
	TEST(payload_arm_initrd_is_no_kernel),
	TEST(payload_arm_broken_uki),
	TEST(payload_arm_uki_over_somebody_else),
	TEST(payload_arm_each_dma_of_a_uki_fails),
	TEST(payload_arm_says_where_the_kernel_is_from),
};

UNIT_MAIN(tests)
