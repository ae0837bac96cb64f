/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdlib.h>
#include <zlib.h>

#include "faults.h"
#include "machine.h"
#include "machine_arm.h"
#include "payload_arm.h"

/* What can go wrong in a boot on AArch64, one thing at a time. */

#define RAM (32 * MIB)

static void with_tree(const char *name)
{
	(void)name;
	arm_new(RAM, HOST_FWCFG_QEMU);
	payload_add();
}

static void with_acpi(const char *name)
{
	with_tree(name);
	machine_add_recording(name);
}

static void with_packed_kernel(const char *name)
{
	const size_t room = kernel.size + 1000;
	uint8_t *packed = malloc(room);
	z_stream stream = {.next_in = kernel.bytes,
			   .avail_in = (uInt)kernel.size,
			   .next_out = packed,
			   .avail_out = (uInt)room};

	assert_non_null(packed);
	/* With the header and the trailer of gzip. */
	assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY),
			 Z_OK);
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	arm_new(RAM, HOST_FWCFG_QEMU);
	machine_add_recording(name);
	host_fwcfg_file("opt/org.slipway/kernel", packed, stream.total_out);
	host_fwcfg_file("opt/org.slipway/initrd", initrd, sizeof(initrd));
	host_fwcfg_file("opt/org.slipway/cmdline", CMDLINE, strlen(CMDLINE));
	deflateEnd(&stream);
	free(packed);
}

/* The window of its fw_cfg ends before the DMA register. */
static void cloud_hypervisor(const char *name)
{
	(void)name;
	arm_new(RAM, HOST_FWCFG_CLOUD_HYPERVISOR);
	payload_add();
}

static void check_acpi(void)
{
	arm_check_acpi(&expected);
}

static void check_tree(void)
{
	arm_check_tree(&expected);
}

static const struct faults_boot boots[] = {
	{"virt-10.0", with_acpi, arm_boot, check_acpi},
	{"virt-7.2", with_packed_kernel, arm_boot, check_acpi},
	{"virt with its tree", with_tree, arm_boot, check_tree},
};
static const struct faults_boot boot_of_cloud_hypervisor = {"Cloud Hypervisor", cloud_hypervisor,
							    arm_boot, check_tree};

static void faults_arm_transfer_fails_or_ends_early_or_never(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(boots); i++)
		faults_of_transfers(&boots[i]);
}

static void faults_arm_data_are_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(boots); i++)
		faults_of_data(&boots[i]);
}

static void faults_arm_bytes_by_register_are_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(boots); i++)
		faults_of_registers(&boots[i]);
	faults_of_registers(&boot_of_cloud_hypervisor);
}

static void faults_arm_no_memory(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(boots); i++)
		faults_of_memory(&boots[i]);
	faults_of_memory(&boot_of_cloud_hypervisor);
}

#define TEST(function)                                                                             \
	cmocka_unit_test_setup_teardown(function, payload_setup_small, payload_teardown)

static const struct CMUnitTest tests[] = {
	TEST(faults_arm_transfer_fails_or_ends_early_or_never),
	TEST(faults_arm_data_are_others),
	TEST(faults_arm_bytes_by_register_are_others),
	TEST(faults_arm_no_memory),
};

UNIT_MAIN(tests)
