/* SPDX-License-Identifier: BSD-2-Clause */
#include "fwcfg_models.h"

#include <stdlib.h>

#include "unit.h"

/* -- items of Cloud Hypervisor ----------------------------------------------------- */

#define KEY_KERNEL_SIZE  0x08
#define KEY_INITRD_SIZE  0x0b
#define KEY_KERNEL_DATA  0x11
#define KEY_INITRD_DATA  0x12
#define KEY_CMDLINE_SIZE 0x14
#define KEY_CMDLINE_DATA 0x15
#define KEY_SETUP_SIZE   0x17
#define KEY_SETUP_DATA   0x18

static void add_sized(uint16_t size_key, uint16_t data_key, const void *bytes, size_t size)
{
	host_fwcfg_integer(size_key, 4, (uint32_t)size);
	host_fwcfg_item(data_key, bytes, size);
}

struct region {
	uint64_t start, size;
	uint32_t type;
};

static void add_e820(const struct region *regions, size_t count)
{
	uint8_t entries[20 * 8];

	assert_true(count <= 8);
	for (size_t i = 0; i < count; i++) {
		put64(entries + 20 * i, regions[i].start);
		put64(entries + 20 * i + 8, regions[i].size);
		put32(entries + 20 * i + 16, regions[i].type);
	}
	host_fwcfg_file("etc/e820", entries, 20 * count);
}

/* FwCfg::add_e820(); addresses from arch/src/x86_64/layout.rs. */
void cloud_hypervisor_add_e820_x86_64(uint64_t memory)
{
	struct region regions[] = {
		{0, 0xa0000, 1},
		{3 * GIB, 640 * MIB, 2},
		{0xe8000000, 256 * MIB, 2},
		{0xfffe0000, 0x20000, 2}, /* stage0's, whatever the firmware is */
		{MIB, (memory < 3 * GIB ? memory : 3 * GIB) - MIB, 1},
		{4 * GIB, memory - 3 * GIB, 1},
	};

	add_e820(regions, memory < 3 * GIB ? 5 : 6);
}

/*
 * The same with arch/src/aarch64: RAM is from 1 GiB to 4032 MiB, however much there is, and
 * then it is added once more, with all but 256 MiB of it from 4 GiB on.
 */
void cloud_hypervisor_add_e820_aarch64(uint64_t memory)
{
	struct region regions[] = {
		{0, 256 * MIB, 2},
		{768 * MIB, 256 * MIB, 2},
		{GIB, 0xfc000000 - GIB, 1},
		{GIB, 0xfc000000 - GIB, 1},
		{4 * GIB, memory - 256 * MIB, 1},
	};

	assert_true(memory >= 256 * MIB);
	add_e820(regions, COUNT(regions));
}

/*
 * FwCfg::add_kernel_data(): setup_sects 0 becomes 4, the loader gets an unknown number, and the
 * two items split the file where the kernel starts.
 */
void cloud_hypervisor_add_kernel_x86_64(const uint8_t *file, size_t size)
{
	enum { SETUP_SECTS = 0x1f1, TYPE_OF_LOADER = 0x210 };
	uint8_t sects = file[SETUP_SECTS] != 0 ? file[SETUP_SECTS] : 4;
	size_t start = (sects + 1u) * 512;
	uint8_t *setup = malloc(start);

	assert_non_null(setup);
	assert_true(size >= 4096 && size >= start);
	memcpy(setup, file, start);
	setup[SETUP_SECTS] = sects;
	if (start > TYPE_OF_LOADER)
		setup[TYPE_OF_LOADER] = 0xff;
	add_sized(KEY_SETUP_SIZE, KEY_SETUP_DATA, setup, start);
	add_sized(KEY_KERNEL_SIZE, KEY_KERNEL_DATA, file + start, size - start);
	free(setup);
}

/*
 * The setup is the header, and the kernel what follows text_offset, whatever is at that place
 * of the file. Beyond its end, the size wraps and there is nothing to be read.
 */
void cloud_hypervisor_add_kernel_aarch64(const uint8_t *file, size_t size)
{
	enum { TEXT_OFFSET = 8, HEADER_SIZE = 64 };
	uint64_t start = get64(file + TEXT_OFFSET);
	bool is_inside = start < size;

	assert_true(size >= HEADER_SIZE);
	add_sized(KEY_SETUP_SIZE, KEY_SETUP_DATA, file, HEADER_SIZE);
	host_fwcfg_integer(KEY_KERNEL_SIZE, 4, (uint32_t)size - (uint32_t)start);
	host_fwcfg_item(KEY_KERNEL_DATA, is_inside ? file + start : file,
			is_inside ? size - start : 0);
}

/* FwCfg::add_kernel_cmdline(): with its NUL. */
void cloud_hypervisor_add_cmdline(const char *text)
{
	add_sized(KEY_CMDLINE_SIZE, KEY_CMDLINE_DATA, text, strlen(text) + 1);
}

void cloud_hypervisor_add_initramfs(const void *bytes, size_t size)
{
	add_sized(KEY_INITRD_SIZE, KEY_INITRD_DATA, bytes, size);
}

/* -- ACPI of Cloud Hypervisor ------------------------------------------------------ */

#define RSDP_FILE   "acpi/rsdp"
#define TABLES_FILE "acpi/tables"

#define TABLES_MAX   0x1000
#define COMMANDS_MAX 16
#define COMMAND_SIZE 128

enum { RSDP_SIZE = 36, RSDP_CHECKSUM = 8, RSDP_LENGTH = 20, RSDP_XSDT = 24, RSDP_EXTENDED = 32 };
enum { TABLE_CHECKSUM = 9, TABLE_HEADER_SIZE = 36, FACP_SIZE = 276, FACP_DSDT = 140 };
enum { LISTED = 3 };

static uint8_t tables[TABLES_MAX];
static uint32_t tables_size;
static uint32_t listed[LISTED]; /* by the XSDT: where they are */
static uint32_t xsdt;

static uint8_t script[COMMANDS_MAX * COMMAND_SIZE];
static size_t script_size;

static uint32_t add_table(const char *signature, uint32_t size)
{
	uint32_t at = tables_size;
	uint8_t *table = tables + at;

	assert_true(size <= TABLES_MAX - tables_size);
	tables_size += size;
	unit_random_bytes(table, size);
	memcpy(table, signature, 4);
	put32(table + 4, size);
	return at;
}

static void seal(uint32_t at)
{
	uint8_t *table = tables + at;

	table[TABLE_CHECKSUM] = 0;
	table[TABLE_CHECKSUM] = (uint8_t)-unit_sum(table, get32(table + 4));
}

static uint8_t *add_command(uint32_t command, const char *file)
{
	uint8_t *entry = script + script_size;

	script_size += COMMAND_SIZE;
	assert_true(script_size <= sizeof(script));
	memset(entry, 0, COMMAND_SIZE);
	put32(entry, command);
	strncpy((char *)entry + 4, file, 55);
	return entry;
}

static void add_allocate(const char *file, uint8_t zone)
{
	uint8_t *entry = add_command(1, file);

	put32(entry + 60, 4);
	entry[64] = zone;
}

static void add_pointer(const char *file, uint32_t offset)
{
	uint8_t *entry = add_command(2, file);

	strncpy((char *)entry + 60, TABLES_FILE, 55);
	put32(entry + 116, offset);
	entry[120] = 8;
}

static void add_checksum(const char *file, uint32_t offset, uint32_t start, uint32_t length)
{
	uint8_t *entry = add_command(3, file);

	put32(entry + 60, offset);
	put32(entry + 64, start);
	put32(entry + 68, length);
}

/* create_acpi_tables_internal() of vmm/src/acpi.rs, for address 0: DSDT first, XSDT last. */
static void make_tables(void)
{
	tables_size = 0;
	add_table("DSDT", 0x123);
	listed[0] = add_table("FACP", FACP_SIZE);
	listed[1] = add_table("APIC", 80);
	listed[2] = add_table("MCFG", 60);
	memset(tables + listed[0] + TABLE_HEADER_SIZE, 0, FACP_SIZE - TABLE_HEADER_SIZE);
	xsdt = add_table("XSDT", TABLE_HEADER_SIZE + 8 * LISTED);
	for (uint32_t i = 0; i < LISTED; i++)
		put64(tables + xsdt + TABLE_HEADER_SIZE + 8 * i, listed[i]);
	seal(0);
	for (uint32_t i = 0; i < LISTED; i++)
		seal(listed[i]);
	seal(xsdt);
}

/*
 * create_acpi_loader(), with the lists that create_acpi_tables_for_fw_cfg() makes: checksums
 * are right beforehand and are computed again; that of the last table is over no bytes.
 */
static void make_script(void)
{
	script_size = 0;
	add_allocate(RSDP_FILE, 2);
	add_allocate(TABLES_FILE, 1);
	add_pointer(TABLES_FILE, listed[0] + FACP_DSDT);
	for (uint32_t i = 0; i < LISTED; i++)
		add_pointer(TABLES_FILE, xsdt + TABLE_HEADER_SIZE + 8 * i);
	for (uint32_t i = 0; i + 1 < LISTED; i++)
		add_checksum(TABLES_FILE, listed[i] + TABLE_CHECKSUM, listed[i],
			     listed[i + 1] - listed[i]);
	add_checksum(TABLES_FILE, listed[LISTED - 1] + TABLE_CHECKSUM, listed[LISTED - 1], 0);
	add_checksum(TABLES_FILE, xsdt + TABLE_CHECKSUM, xsdt, tables_size - xsdt);
	add_pointer(RSDP_FILE, RSDP_XSDT);
	add_checksum(RSDP_FILE, RSDP_CHECKSUM, 0, RSDP_LENGTH);
	add_checksum(RSDP_FILE, RSDP_EXTENDED, 0, RSDP_SIZE);
}

void cloud_hypervisor_add_acpi(void)
{
	uint8_t rsdp[RSDP_SIZE] = "RSD PTR \0CLOUDH\2";

	make_tables();
	make_script();
	put32(rsdp + RSDP_LENGTH, RSDP_SIZE);
	put64(rsdp + RSDP_XSDT, xsdt);
	rsdp[RSDP_CHECKSUM] = (uint8_t)-unit_sum(rsdp, RSDP_LENGTH);
	rsdp[RSDP_EXTENDED] = (uint8_t)-unit_sum(rsdp, RSDP_SIZE);
	host_fwcfg_file("etc/table-loader", script, script_size);
	host_fwcfg_file(RSDP_FILE, rsdp, sizeof(rsdp));
	host_fwcfg_file(TABLES_FILE, tables, tables_size);
}

static const uint8_t *check_table(uint64_t address, uint32_t at)
{
	uint32_t size = get32(tables + at + 4);
	const uint8_t *table = host_memory(address, size);

	assert_non_null(table);
	assert_memory_equal(table, tables + at, TABLE_CHECKSUM);
	assert_int_equal(unit_sum(table, size), 0);
	return table;
}

void cloud_hypervisor_check_acpi(uint64_t address)
{
	const uint8_t *rsdp = host_memory(address, RSDP_SIZE);

	assert_non_null(rsdp);
	assert_memory_equal(rsdp, "RSD PTR ", 8);
	assert_int_equal(unit_sum(rsdp, RSDP_LENGTH), 0);
	assert_int_equal(unit_sum(rsdp, RSDP_SIZE), 0);
	uint64_t place = get64(rsdp + RSDP_XSDT) - xsdt;
	assert_int_equal(place % 4, 0);
	const uint8_t *root = check_table(place + xsdt, xsdt);
	for (uint32_t i = 0; i < LISTED; i++) {
		assert_int_equal(get64(root + TABLE_HEADER_SIZE + 8 * i), place + listed[i]);
		check_table(place + listed[i], listed[i]);
	}
	const uint8_t *facp = host_memory(place + listed[0], FACP_SIZE);
	assert_int_equal(get64(facp + FACP_DSDT), place);
	assert_memory_equal(check_table(place, 0), tables, get32(tables + 4));
}

/* -- crosvm ------------------------------------------------------------------------ */

void crosvm_add_bootorder(void)
{
	static const char order[] = "/pci@i0cf8/scsi@6/disk@0,0\n";

	host_fwcfg_file("bootorder", order, sizeof(order));
}

void crosvm_set_cmos(uint64_t below_4g, uint64_t above_4g)
{
	put16(host.cmos + 0x34,
	      (uint16_t)(below_4g > 16 * MIB ? (below_4g - 16 * MIB) / (64 * KIB) : 0));
	put16(host.cmos + 0x5b, (uint16_t)(above_4g / (64 * KIB)));
	host.cmos[0x5d] = (uint8_t)(above_4g / (64 * KIB) >> 16);
}
