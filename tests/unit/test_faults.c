/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "boot/boot.h"
#include "faults.h"
#include "machine.h"
#include "payload.h"
#include "pe.h"

/* What can go wrong in a boot on x86_64, one thing at a time. */

#define ELF_PLACE (24 * MIB)

static void add_legacy_payload(void)
{
	machine_add_legacy_kernel(&kernel);
	machine_add_legacy(0x0b, 0x12, initrd, sizeof(initrd));
	machine_add_legacy(0x14, 0x15, CMDLINE, sizeof(CMDLINE));
}

static void recorded(const char *name)
{
	machine_new(256 * MIB, 0);
	host_add_fwcfg(HOST_FWCFG_QEMU);
	machine_add_recording(name);
	host_fwcfg_integer(FWCFG_CPUS, 2, 2);
}

static void pc(const char *name)
{
	recorded(name);
	host_add_i440fx();
	payload_add();
}

static void q35(const char *name)
{
	recorded(name);
	host_add_cmos();
	host_add_q35();
	add_legacy_payload();
}

static void microvm(const char *name)
{
	recorded(name);
	payload_add();
}

/* The VMM has loaded the firmware itself and tells of its memory; fw_cfg has the payload. */
static void pvh(enum host_fwcfg_kind kind)
{
	machine_new(64 * MIB, 0);
	machine_put_start_info();
	machine_put_pvh_map(64 * MIB);
	host_add_fwcfg(kind);
	host_fwcfg_integer(FWCFG_CPUS, 2, 2);
	payload_add();
}

static void pvh_of_qemu(const char *name)
{
	(void)name;
	pvh(HOST_FWCFG_QEMU);
}

static void pvh_of_cloud_hypervisor(const char *name)
{
	(void)name;
	pvh(HOST_FWCFG_CLOUD_HYPERVISOR);
}

static void elf(const char *name)
{
	struct kernel file = elf_make(ELF_PLACE);

	recorded(name);
	host_fwcfg_file("opt/org.slipway/kernel", file.bytes, file.size);
	host_fwcfg_file("opt/org.slipway/initrd", initrd, sizeof(initrd));
	kernel_free(&file);
}

static void uki(const char *name)
{
	struct pe_file file = pe_make(PE_X86_64, 3);

	(void)pe_add(&file, ".cmdline", CMDLINE, sizeof(CMDLINE));
	(void)pe_add(&file, ".initrd", initrd, sizeof(initrd));
	(void)pe_add(&file, ".linux", kernel.bytes, kernel.size);
	recorded(name);
	host_fwcfg_file("opt/org.slipway/kernel", file.bytes, file.size);
	pe_free(&file);
}

static void crosvm(const char *name)
{
	(void)name;
	machine_new(64 * MIB, 0);
	host_add_fwcfg(HOST_FWCFG_CROSVM);
	machine_add_e820(64 * MIB, 0);
	payload_add();
}

static enum host_end reset(void)
{
	return machine_boot(ARCH_ENTRY_RESET, 0);
}

static enum host_end start_pvh(void)
{
	return machine_boot(ARCH_ENTRY_PVH, MACHINE_START_INFO);
}

static void check(void)
{
	machine_check_handoff(&kernel, initrd, sizeof(initrd), CMDLINE);
}

static void check_elf(void)
{
	machine_check_pvh_handoff(ELF_PLACE + ELF_ENTRY, initrd, sizeof(initrd), "");
}

static const struct faults_boot boots[] = {
	{"pc-10.0", pc, reset, check},
	{"q35-vmgenid-7.2", q35, reset, check},
	{"q35-10.0", q35, reset, check},
	{"microvm-10.0", microvm, reset, check},
	{"microvm-7.2", elf, reset, check_elf},
	{"pc-7.2", uki, reset, check},
	{"PVH on QEMU", pvh_of_qemu, start_pvh, check},
	{"PVH on Cloud Hypervisor", pvh_of_cloud_hypervisor, start_pvh, check},
};
static const struct faults_boot boot_of_crosvm = {"crosvm", crosvm, reset, check};

static void faults_transfer_fails_or_ends_early_or_never(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(boots); i++)
		faults_of_transfers(&boots[i]);
}

static void faults_data_are_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(boots); i++)
		faults_of_data(&boots[i]);
}

static void faults_bytes_by_register_are_others(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(boots); i++)
		faults_of_registers(&boots[i]);
	faults_of_registers(&boot_of_crosvm);
}

static void faults_no_memory(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(boots); i++)
		faults_of_memory(&boots[i]);
	faults_of_memory(&boot_of_crosvm);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, payload_setup, payload_teardown)

static const struct CMUnitTest tests[] = {
	TEST(faults_transfer_fails_or_ends_early_or_never),
	TEST(faults_data_are_others),
	TEST(faults_bytes_by_register_are_others),
	TEST(faults_no_memory),
};

UNIT_MAIN(tests)
