/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "arch/port.h"
#include "boot/boot.h"
#include "fwcfg/transport.h"
#include "fwcfg_models.h"
#include "machine.h"
#include "payload.h"

/* The fw_cfg of Cloud Hypervisor and crosvm, filled as they fill it, on x86_64. */

/* Where Cloud Hypervisor has what a PVH guest is told: arch/src/x86_64/layout.rs. */
#define START_INFO 0x6000ul
#define PVH_MAP    0x7000ul
#define RSDP_PLACE 0xa0000ul
#define RAM_SIZE   (64 * MIB)

/* crosvm's x86_64/src/lib.rs, CMDLINE_OFFSET. */
#define CROSVM_CMDLINE 0x20000ul

static struct fwcfg fwcfg;
static struct reason why;

/* -- the registers ----------------------------------------------------------------- */

static void open_device(bool at_reset)
{
	const struct fwcfg_device device = {.dma = true, .qemu_if_dma = at_reset};

	assert_status(fwcfg_open(&fwcfg, &device), STATUS_OK);
	assert_status(fwcfg_read_directory(&fwcfg, &why), STATUS_OK);
}

static struct blob find(const char *text)
{
	struct name name = unit_name(text);
	struct blob blob;

	assert_true(fwcfg_find(&fwcfg, name.text, &blob));
	return blob;
}

static void check_read(struct blob *blob, uint64_t offset, const void *expected, size_t size)
{
	uint8_t bytes[sizeof(initrd) + 1];

	assert_true(size < sizeof(bytes));
	memset(bytes, 0x77, sizeof(bytes));
	assert_status(blob_read(blob, offset, size, bytes), STATUS_OK);
	assert_memory_equal(bytes, expected, size);
	assert_int_equal(bytes[size], 0x77);
}

/* Wholes and parts of two files in turn, where each read finds the other one selected. */
static void check_files(void)
{
	struct blob text = find("opt/org.slipway/log"), bytes = find("opt/bytes");

	assert_int_equal(text.size, 4);
	assert_int_equal(bytes.size, sizeof(initrd));
	check_read(&text, 0, "info", 4);
	check_read(&bytes, 0, initrd, sizeof(initrd));
	check_read(&text, 2, "fo", 2);
	check_read(&bytes, 4000, initrd + 4000, 1000);
	check_read(&text, 1, "n", 1);
	check_read(&text, 2, "f", 1);
	check_read(&bytes, 10, initrd + 10, 300);
	check_read(&bytes, 310, initrd + 310, 5);
	check_read(&bytes, 3, initrd + 3, 5);
	check_read(&text, 0, "info", 4);
	assert_int_equal(host.fwcfg.long_reads, 0);
}

static void add_files(void)
{
	host_fwcfg_file("opt/org.slipway/log", "info", 4);
	host_fwcfg_file("opt/bytes", initrd, sizeof(initrd));
}

static void models_cloud_hypervisor_reads(void **state)
{
	uint32_t value;

	(void)state;
	host_add_ram(0, 16 * MIB);
	host_add_fwcfg(HOST_FWCFG_CLOUD_HYPERVISOR);
	cloud_hypervisor_add_e820_x86_64(4 * GIB);
	cloud_hypervisor_add_kernel_x86_64(kernel.bytes, kernel.size);
	cloud_hypervisor_add_cmdline(CMDLINE);
	add_files();
	cloud_hypervisor_add_acpi();
	open_device(false);
	assert_true(fwcfg.dma && !fwcfg.qemu);
	assert_int_equal(fwcfg.files, 6);
	assert_int_equal(find("etc/e820").size, 6 * 20);
	assert_int_equal(find("acpi/rsdp").size, 36);
	check_files();
	assert_status(fwcfg_read_integer(&fwcfg, FWCFG_SETUP_SIZE, 4, &value), STATUS_OK);
	assert_int_equal(value, kernel.setup_size);
	assert_status(fwcfg_read_integer(&fwcfg, FWCFG_CMDLINE_SIZE, 4, &value), STATUS_OK);
	assert_int_equal(value, sizeof(CMDLINE));
	/* What was not given leaves memory as it was, and that is not a size. */
	assert_status(fwcfg_read_integer(&fwcfg, FWCFG_INITRD_SIZE, 4, &value), STATUS_OK);
	assert_int_equal(value, 0);
	assert_int_equal(host.fwcfg.data_reads, 5);
	for (size_t i = 0; i < host.fwcfg.dmas; i++)
		assert_int_equal(host.fwcfg.dma[i].control, 2);
}

/* The upper half of the address stays from one command to the next, or from who ran before. */
static void models_cloud_hypervisor_keeps_the_upper_address(void **state)
{
	(void)state;
	host_add_ram(0, MIB);
	host_add_fwcfg(HOST_FWCFG_CLOUD_HYPERVISOR);
	host_fwcfg_file("file", "content", 7);
	arch_out32(0x514, __builtin_bswap32(0x12));
	host_claim(0x1000, 16);
	host_claim(0x2000, 7);
	uint8_t *command = host_place(0x1000, 16);
	put32(command, __builtin_bswap32(2));
	put32(command + 4, __builtin_bswap32(7));
	put64(command + 8, __builtin_bswap64(0x2000));
	transport_select(0, 0x20);
	transport_start_dma(0, 0x1000, false);
	assert_int_equal(get32(command), 0);
	assert_memory_equal(host_memory(0x2000, 7), "content", 7);
}

static void models_crosvm_reads(void **state)
{
	static const bool at_reset[] = {true, false};
	uint32_t value;

	(void)state;
	for (size_t i = 0; i < COUNT(at_reset); i++) {
		host_reset();
		host_add_ram(0, 16 * MIB);
		host_add_fwcfg(HOST_FWCFG_CROSVM);
		add_files();
		crosvm_add_bootorder();
		open_device(at_reset[i]);
		assert_false(fwcfg.dma || fwcfg.qemu);
		assert_int_equal(fwcfg.files, 3);
		check_files();
		assert_null(find("opt/bytes").write);
		assert_status(fwcfg_read_integer(&fwcfg, FWCFG_KERNEL_SIZE, 4, &value), STATUS_OK);
		assert_int_equal(value, 0);
		/* Where others have the DMA registers, another device may be: one look at most. */
		for (size_t at = 0; at < host.accesses && at < HOST_ACCESSES_MAX; at++) {
			const struct host_access *access = &host.access[at];
			bool looks = at_reset[i] && at == 0;
			assert_in_range(access->port, 0x510, looks ? 0x514 : 0x511);
			assert_false(looks && access->write);
		}
	}
}

/* -- boots on Cloud Hypervisor ----------------------------------------------------- */

static void map_entry(uint8_t *entry, uint64_t start, uint64_t size, uint32_t type)
{
	put64(entry, start);
	put64(entry + 8, size);
	put32(entry + 16, type);
}

/* Entered by PVH. Guests of SEV-SNP are told of no RSDP: vmm/src/vm.rs. */
static void cloud_hypervisor(bool with_rsdp)
{
	uint8_t map[3 * 24] = {0}, rsdp[36] = "RSD PTR \0CLOUDH\2";

	machine_new(RAM_SIZE, 0);
	host_image_in_ram(MIB, machine_image, sizeof(machine_image));
	map_entry(map, 0, 0xa0000, 1);
	map_entry(map + 24, MIB, RAM_SIZE - MIB, 1);
	map_entry(map + 48, 0xe8000000, 256 * MIB, 2);
	machine_put(PVH_MAP, map, sizeof(map));
	if (with_rsdp) {
		rsdp[8] = (uint8_t)-unit_sum(rsdp, 20);
		machine_put(RSDP_PLACE, rsdp, sizeof(rsdp));
	}
	host_add_fwcfg(HOST_FWCFG_CLOUD_HYPERVISOR);
}

static enum host_end enter(bool with_rsdp)
{
	uint8_t start_info[56] = {0};

	put32(start_info, 0x336ec578);
	put32(start_info + 4, 1);
	put64(start_info + 32, with_rsdp ? RSDP_PLACE : 0);
	put64(start_info + 40, PVH_MAP);
	put32(start_info + 48, 3);
	machine_put(START_INFO, start_info, sizeof(start_info));
	return machine_boot(ARCH_ENTRY_PVH, START_INFO);
}

/* All that --fw-cfg-config gives unless it is told to leave something out. */
static void add_everything(const char *cmdline)
{
	cloud_hypervisor_add_e820_x86_64(RAM_SIZE);
	cloud_hypervisor_add_kernel_x86_64(kernel.bytes, kernel.size);
	cloud_hypervisor_add_cmdline(cmdline);
	cloud_hypervisor_add_initramfs(initrd, sizeof(initrd));
}

static void handed_off(enum host_end end, size_t initrd_size, const char *cmdline)
{
	unit_check_end(end, HOST_HANDOFF);
	machine_check_handoff(&kernel, initrd, initrd_size, cmdline);
	assert_string_equal(host.console, "");
	/* Signature and ID; all else is DMA, with the one bit that means the same everywhere. */
	assert_int_equal(host.fwcfg.data_reads, 5);
	for (size_t i = 0; i < host.fwcfg.dmas; i++)
		assert_int_equal(host.fwcfg.dma[i].control, 2);
}

static void models_cloud_hypervisor_boots(void **state)
{
	static const unsigned sects[] = {0, 1, 3, 7, 8, 39, 64};

	(void)state;
	for (size_t i = 0; i < COUNT(sects); i++) {
		kernel_free(&kernel);
		kernel = kernel_make(sects[i], 8192);
		cloud_hypervisor(true);
		add_everything(CMDLINE);
		cloud_hypervisor_add_acpi();
		handed_off(enter(true), sizeof(initrd), CMDLINE);
		/* The tables in memory are those that the VMM told us of. */
		assert_int_equal(get64(machine_params() + PARAMS_ACPI_RSDP_ADDR), RSDP_PLACE);
	}
}

static void models_cloud_hypervisor_boots_with_nothing_but_a_kernel(void **state)
{
	(void)state;
	cloud_hypervisor(true);
	cloud_hypervisor_add_kernel_x86_64(kernel.bytes, kernel.size);
	cloud_hypervisor_add_cmdline("");
	handed_off(enter(true), 0, "");
}

/* Without an RSDP in memory, the script is all there is; its names are not QEMU's. */
static void models_cloud_hypervisor_boots_with_acpi_files(void **state)
{
	(void)state;
	cloud_hypervisor(false);
	add_everything(CMDLINE);
	cloud_hypervisor_add_acpi();
	handed_off(enter(false), sizeof(initrd), CMDLINE);
	uint64_t rsdp = get64(machine_params() + PARAMS_ACPI_RSDP_ADDR);
	assert_in_range(rsdp, 0xe0000, 0xeffff);
	cloud_hypervisor_check_acpi(rsdp);
	assert_int_equal(machine_e820_type(get64((uint8_t *)host_memory(rsdp, 36) + 24)),
			 MEMMAP_ACPI);
	/* The map is that of the file then. */
	assert_int_equal(machine_e820_type(3 * GIB), MEMMAP_RESERVED);
	assert_int_equal(machine_e820_type(32 * MIB), MEMMAP_RAM);
}

/* items=[...] come before the kernel that the VMM was given besides. */
static void models_cloud_hypervisor_boots_items(void **state)
{
	struct kernel other = kernel_make(5, 4096);

	(void)state;
	cloud_hypervisor(true);
	cloud_hypervisor_add_kernel_x86_64(other.bytes, other.size);
	cloud_hypervisor_add_cmdline("");
	host_fwcfg_file("opt/org.slipway/kernel", kernel.bytes, kernel.size);
	host_fwcfg_file("opt/org.slipway/initrd", initrd, sizeof(initrd));
	host_fwcfg_file("opt/org.slipway/cmdline", CMDLINE "\n", sizeof(CMDLINE));
	handed_off(enter(true), sizeof(initrd), CMDLINE);
	kernel_free(&other);
}

/*
 * --kernel fw.bin puts this image into the items too, cut as a bzImage and with two of its
 * bytes changed. It is no kernel for us.
 */
static void models_cloud_hypervisor_gives_us_ourselves(void **state)
{
	(void)state;
	cloud_hypervisor(true);
	machine_image[0x1f1] = 0; /* as in our image, so that it becomes 4 */
	host_image_in_ram(MIB, machine_image, sizeof(machine_image));
	cloud_hypervisor_add_kernel_x86_64(machine_image, sizeof(machine_image));
	cloud_hypervisor_add_cmdline(CMDLINE);
	assert_int_equal(enter(true), HOST_FATAL);
	unit_check_fatal("payload", STATUS_NOT_FOUND);
}

/* -- boots on crosvm --------------------------------------------------------------- */

/* --bios: all of the machine but the port bus and its CMOS is of no matter here. */
static void crosvm(uint64_t low, uint64_t high)
{
	machine_new(low, high);
	host_add_fwcfg(HOST_FWCFG_CROSVM);
	host_add_cmos();
	crosvm_set_cmos(low, high);
	/* Left for a BIOS that looks there; get_base_linux_cmdline() and -p. */
	machine_put(CROSVM_CMDLINE, "panic=-1 root=/dev/vda", 23);
}

static void add_user_files(void)
{
	crosvm_add_bootorder();
	host_fwcfg_file("opt/org.slipway/kernel", kernel.bytes, kernel.size);
	host_fwcfg_file("opt/org.slipway/initrd", initrd, sizeof(initrd));
	host_fwcfg_file("opt/org.slipway/cmdline", CMDLINE, strlen(CMDLINE));
}

static void models_crosvm_boots(void **state)
{
	(void)state;
	crosvm(RAM_SIZE, 128 * MIB);
	add_user_files();
	assert_int_equal(machine_boot(ARCH_ENTRY_RESET, 0), HOST_HANDOFF);
	machine_check_handoff(&kernel, initrd, sizeof(initrd), CMDLINE);
	assert_string_equal(host.console, "");
	assert_int_equal(host.fwcfg.dmas, 0);
	assert_int_equal(machine_e820_type(RAM_SIZE - 1), MEMMAP_RAM);
	assert_int_equal(machine_e820_type(RAM_SIZE), 0);
	assert_int_equal(machine_e820_type(4 * GIB), MEMMAP_RAM);
	assert_int_equal(machine_e820_type(4 * GIB + 128 * MIB - 1), MEMMAP_RAM);
	assert_memory_equal(host_memory(CROSVM_CMDLINE, 23), "panic=-1 root=/dev/vda", 23);
}

/* What is left for a BIOS is the last choice, and nobody else's 128 KiB are looked at. */
static void models_crosvm_gives_a_command_line_in_memory(void **state)
{
	(void)state;
	crosvm(RAM_SIZE, 0);
	crosvm_add_bootorder();
	host_fwcfg_file("opt/org.slipway/kernel", kernel.bytes, kernel.size);
	assert_int_equal(machine_boot(ARCH_ENTRY_RESET, 0), HOST_HANDOFF);
	machine_check_handoff(&kernel, "", 0, "panic=-1 root=/dev/vda");
	/* QEMU, the same otherwise: with DMA, and without. */
	for (unsigned dma = 0; dma < 2; dma++) {
		machine_new(RAM_SIZE, 0);
		host_add_fwcfg(HOST_FWCFG_QEMU);
		host_fwcfg_item(FWCFG_ID, dma != 0 ? "\3\0\0\0" : "\1\0\0\0", 4);
		machine_add_e820(RAM_SIZE, 0);
		machine_put(CROSVM_CMDLINE, "panic=-1 root=/dev/vda", 23);
		host_fwcfg_file("opt/org.slipway/kernel", kernel.bytes, kernel.size);
		assert_int_equal(machine_boot(ARCH_ENTRY_RESET, 0), HOST_HANDOFF);
		machine_check_handoff(&kernel, "", 0, "");
	}
}

static void models_crosvm_without_a_kernel(void **state)
{
	(void)state;
	crosvm(RAM_SIZE, 0);
	crosvm_add_bootorder();
	assert_int_equal(machine_boot(ARCH_ENTRY_RESET, 0), HOST_FATAL);
	unit_check_fatal("payload", STATUS_NOT_FOUND);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, payload_setup, payload_teardown)

static const struct CMUnitTest tests[] = {
	TEST(models_cloud_hypervisor_reads),
	TEST(models_cloud_hypervisor_keeps_the_upper_address),
	TEST(models_crosvm_reads),
	TEST(models_cloud_hypervisor_boots),
	TEST(models_cloud_hypervisor_boots_with_nothing_but_a_kernel),
	TEST(models_cloud_hypervisor_boots_with_acpi_files),
	TEST(models_cloud_hypervisor_boots_items),
	TEST(models_cloud_hypervisor_gives_us_ourselves),
	TEST(models_crosvm_boots),
	TEST(models_crosvm_gives_a_command_line_in_memory),
	TEST(models_crosvm_without_a_kernel),
};

UNIT_MAIN(tests)
