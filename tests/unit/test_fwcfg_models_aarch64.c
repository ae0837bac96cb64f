/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "boot/boot.h"
#include "fwcfg_models.h"
#include "machine_arm.h"
#include "payload_arm.h"

/* The fw_cfg of Cloud Hypervisor, filled as it fills it, on AArch64. */

/* Its device tree has 2 MiB at the start of RAM, and its own ACPI tables follow: layout.rs. */
#define PLACED_ACPI (ARM_RAM + 2 * MIB)

static void cloud_hypervisor(void)
{
	arm_new(ARM_RAM_SIZE, HOST_FWCFG_CLOUD_HYPERVISOR);
	arm_tree.totalsize = 0;
	cloud_hypervisor_add_e820_aarch64(256 * MIB);
}

/* All that --fw-cfg-config gives unless it is told to leave something out, but ACPI. */
static void add_payload(const uint8_t *file, size_t size)
{
	cloud_hypervisor_add_kernel_aarch64(file, size);
	cloud_hypervisor_add_cmdline(CMDLINE);
	cloud_hypervisor_add_initramfs(initrd, sizeof(initrd));
}

static void handed_off(enum host_end end)
{
	unit_check_end(end, HOST_HANDOFF);
	assert_string_equal(host.console, "");
	assert_int_equal(host.fwcfg.dmas, 0);
}

static void check_read(struct blob *blob, uint64_t offset, const uint8_t *content, size_t size)
{
	uint8_t bytes[sizeof(initrd) + 1];

	assert_true(size < sizeof(bytes));
	memset(bytes, 0x77, sizeof(bytes));
	assert_status(blob_read(blob, offset, size, bytes), STATUS_OK);
	assert_memory_equal(bytes, content, size);
	assert_int_equal(bytes[size], 0x77);
}

/* Wholes and parts of a file and an item in turn, byte by byte. */
static void models_arm_cloud_hypervisor_reads(void **state)
{
	const struct fwcfg_device device = {ARM_FWCFG_CH, false, true};
	static struct fwcfg fwcfg;
	struct name name = unit_name("opt/bytes");
	struct reason why;
	struct blob file;
	uint32_t value;

	(void)state;
	cloud_hypervisor();
	add_payload(kernel.bytes, kernel.size);
	host_fwcfg_file("opt/bytes", initrd, sizeof(initrd));
	cloud_hypervisor_add_acpi();
	assert_status(fwcfg_open(&fwcfg, &device), STATUS_OK);
	assert_false(fwcfg.dma || fwcfg.qemu);
	assert_status(fwcfg_read_directory(&fwcfg, &why), STATUS_OK);
	assert_int_equal(fwcfg.files, 5);
	assert_true(fwcfg_find(&fwcfg, name.text, &file));
	assert_null(file.write);
	struct blob item = fwcfg_item(&fwcfg, FWCFG_KERNEL_DATA, kernel.size);
	check_read(&file, 0, initrd, sizeof(initrd));
	check_read(&item, 1000, kernel.bytes + 1000, 3000);
	check_read(&file, 4000, initrd + 4000, 1000);
	check_read(&item, 5000, kernel.bytes + 5000, 1);
	check_read(&item, 5001, kernel.bytes + 5001, 2);
	check_read(&item, 7, kernel.bytes + 7, 300);
	assert_status(fwcfg_read_integer(&fwcfg, FWCFG_KERNEL_SIZE, 4, &value), STATUS_OK);
	assert_int_equal(value, kernel.size);
	assert_status(fwcfg_read_integer(&fwcfg, FWCFG_SETUP_SIZE, 4, &value), STATUS_OK);
	assert_int_equal(value, 64);
	assert_status(fwcfg_read_integer(&fwcfg, FWCFG_CPUS, 2, &value), STATUS_OK);
	assert_int_equal(value, 0);
	assert_int_equal(host.fwcfg.dmas, 0);
	assert_int_equal(host.fwcfg.long_reads, 0);
}

static void models_arm_cloud_hypervisor_boots(void **state)
{
	(void)state;
	cloud_hypervisor();
	add_payload(kernel.bytes, kernel.size);
	cloud_hypervisor_add_acpi();
	handed_off(arm_boot());
	arm_check_acpi(&expected);
	cloud_hypervisor_check_acpi(arm_rsdp());
	assert_int_equal(host.fwcfg.long_reads, 0);
}

static void models_arm_cloud_hypervisor_boots_without_acpi(void **state)
{
	(void)state;
	cloud_hypervisor();
	add_payload(kernel.bytes, kernel.size);
	handed_off(arm_boot());
	arm_check_tree(&expected);
}

/* The VMM has tables in memory besides, whose RSDP is the same; those of fw_cfg are used. */
static void models_arm_cloud_hypervisor_has_acpi_twice(void **state)
{
	uint8_t placed[0x200] = {0};

	(void)state;
	cloud_hypervisor();
	arm_image_in_ram(ARM_RAM + 4 * MIB);
	add_payload(kernel.bytes, kernel.size);
	cloud_hypervisor_add_acpi();
	memcpy(placed, "RSD PTR \0CLOUDH\2", 16);
	put32(placed + 20, 36);
	put64(placed + 24, PLACED_ACPI + 0x100);
	placed[8] = (uint8_t)-unit_sum(placed, 20);
	placed[32] = (uint8_t)-unit_sum(placed, 36);
	memcpy(placed + 0x100, "XSDT", 4);
	arm_put(PLACED_ACPI, placed, sizeof(placed));
	handed_off(arm_boot());
	arm_check_acpi(&expected);
	cloud_hypervisor_check_acpi(arm_rsdp());
}

static void models_arm_cloud_hypervisor_boots_items(void **state)
{
	struct arm_kernel other = arm_kernel_make(5000, MIB);

	(void)state;
	cloud_hypervisor();
	cloud_hypervisor_add_kernel_aarch64(other.bytes, other.size);
	cloud_hypervisor_add_cmdline("");
	host_fwcfg_file("opt/org.slipway/kernel", kernel.bytes, kernel.size);
	host_fwcfg_file("opt/org.slipway/initrd", initrd, sizeof(initrd));
	host_fwcfg_file("opt/org.slipway/cmdline", CMDLINE "\n", sizeof(CMDLINE));
	handed_off(arm_boot());
	arm_check_tree(&expected);
	arm_kernel_free(&other);
}

/* --kernel fw.bin is in the items too; what shall be booted is in files. */
static void models_arm_cloud_hypervisor_gives_us_ourselves(void **state)
{
	(void)state;
	cloud_hypervisor();
	put64(arm_image + IMAGE_TEXT_OFFSET, 0); /* as in our image */
	arm_image_in_ram(ARM_RAM + 4 * MIB);
	cloud_hypervisor_add_kernel_aarch64(arm_image, sizeof(arm_image));
	cloud_hypervisor_add_cmdline(CMDLINE);
	assert_int_equal(arm_boot(), HOST_FATAL);
	unit_check_fatal("payload", STATUS_NOT_FOUND);
	arm_check_writes();
}

/*
 * With a text_offset, the item lacks the start of the file, so that there is no kernel to be
 * had; of a file that is no Image, the offset is rubbish, and the item has no bytes at all.
 */
static void models_arm_cloud_hypervisor_cuts_the_kernel(void **state)
{
	static const uint64_t offsets[] = {64, 0x1000, 0x80000, 300000 - 1, 0x0000100000020000};

	(void)state;
	for (size_t i = 0; i < COUNT(offsets); i++) {
		put64(kernel.bytes + IMAGE_TEXT_OFFSET, offsets[i]);
		cloud_hypervisor();
		add_payload(kernel.bytes, kernel.size);
		assert_int_equal(arm_boot(), HOST_FATAL);
		assert_true(host.fatal.status == STATUS_BAD_FORMAT ||
			    host.fatal.status == STATUS_TRUNCATED);
		unit_check_fatal(host.fatal.stage, host.fatal.status);
		arm_check_writes();
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, payload_setup, payload_teardown)

static const struct CMUnitTest tests[] = {
	TEST(models_arm_cloud_hypervisor_reads),
	TEST(models_arm_cloud_hypervisor_boots),
	TEST(models_arm_cloud_hypervisor_boots_without_acpi),
	TEST(models_arm_cloud_hypervisor_has_acpi_twice),
	TEST(models_arm_cloud_hypervisor_boots_items),
	TEST(models_arm_cloud_hypervisor_gives_us_ourselves),
	TEST(models_arm_cloud_hypervisor_cuts_the_kernel),
};

UNIT_MAIN(tests)
