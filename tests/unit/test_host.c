/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "arch/io.h"
#include "arch/port.h"
#include "arch/machine.h"
#include "lib/endian.h"

/* The double itself, as far as other tests rely on it to notice a defect. */

static bool allow_none(void *context, uint64_t address)
{
	(void)context;
	(void)address;
	return false;
}

static bool allow_below(void *context, uint64_t address)
{
	return address < *(const uint64_t *)context;
}

static void host_finds_each_write(void **state)
{
	static const uint64_t places[] = {
		0, 1, 0xfff, 0x1000, 0x7fffff, 0x1000000, 0x1ffffff, 4 * GIB, 4 * GIB + 0x1ffffff};
	uint64_t found = 0;

	(void)state;
	host_add_ram(0, 32 * MIB);
	host_add_ram(4 * GIB, 32 * MIB);
	assert_false(host_find_change(allow_none, NULL, &found));
	for (size_t i = 0; i < COUNT(places); i++) {
		uint8_t *byte = host_memory(places[i], 1);
		assert_non_null(byte);
		*byte ^= 1;
		assert_true(host_find_change(allow_none, NULL, &found));
		assert_int_equal(found, places[i]);
		uint64_t end = places[i] + 1;
		assert_false(host_find_change(allow_below, &end, &found));
		/* A page that was written to but has its bytes again is as before. */
		*byte ^= 1;
		assert_false(host_find_change(allow_none, NULL, &found));
	}
}

/* As AArch64's firmware sees RAM: an address is a pointer. */
static void host_ram_in_place(void **state)
{
	static const uint64_t places[] = {0x40000000, 0x41ffffff, 0x42000000 - HOST_PAGE};
	uint64_t found = 0;
	uint8_t image[HOST_PAGE] = {1, 2, 3};

	(void)state;
	for (unsigned round = 0; round < 2; round++) {
		host_reset();
		host_add_ram_in_place(0x40000000, 32 * MIB);
		assert_ptr_equal(host_memory(0x40001234, 1), (void *)0x40001234);
		assert_ptr_equal(arch_map(0x40001234, 1, ARCH_MEMORY_RAM), (void *)0x40001234);
		assert_null(host_memory(0x42000000 - 1, 2));
		for (size_t i = 0; i < COUNT(places); i++) {
			uint8_t *byte = host_memory(places[i], 1);
			*byte ^= 1;
			assert_true(host_find_change(allow_none, NULL, &found));
			assert_int_equal(found, places[i]);
			*byte ^= 1;
			assert_false(host_find_change(allow_none, NULL, &found));
		}
		/* Nothing of it is left for the next machine. */
		*(uint8_t *)host_memory(0x40000000, 1) ^= 1;
		host_image_in_ram(0x40002000, image, sizeof(image));
		assert_int_equal(arch_image().start, 0x40002000);
		assert_memory_equal((void *)0x40002000, image, sizeof(image));
	}
}

static void host_map_end(void **state)
{
	uint32_t own;

	(void)state;
	host_add_ram(0x10000, 0x10000);
	host.map_end = 0x18000;
	assert_int_equal(arch_map_end(), 0x18000);
	assert_non_null(arch_map(0x17000, 0x1000, ARCH_MEMORY_RAM));
	assert_null(arch_map(0x17000, 0x1001, ARCH_MEMORY_RAM));
	assert_ptr_equal(arch_map((uintptr_t)&own, sizeof(own), ARCH_MEMORY_RAM), &own);
}

static void host_memory_ends(void **state)
{
	uint32_t own;

	(void)state;
	host_add_ram(0x10000, 0x10000);
	assert_non_null(arch_map(0x10000, 0x10000, ARCH_MEMORY_RAM));
	assert_null(arch_map(0x10000, 0x10001, ARCH_MEMORY_RAM));
	assert_null(arch_map(0xffff, 1, ARCH_MEMORY_RAM));
	assert_null(arch_map(0x20000, 1, ARCH_MEMORY_RAM));
	assert_null(arch_map(0x10000, 0, ARCH_MEMORY_RAM));
	assert_null(arch_map(0x10000, UINT64_MAX, ARCH_MEMORY_RAM));
	assert_null(arch_map(UINT64_MAX, 2, ARCH_MEMORY_RAM));
	assert_null(arch_map(0x10000, 1, ARCH_MEMORY_DEVICE));
	assert_ptr_equal(arch_map((uintptr_t)&own, sizeof(own), ARCH_MEMORY_RAM), &own);
	host_refuse_map(0x18000, 0x1000);
	assert_null(arch_map(0x17fff, 2, ARCH_MEMORY_RAM));
	assert_null(arch_map(0x18fff, 1, ARCH_MEMORY_RAM));
	assert_non_null(arch_map(0x17fff, 1, ARCH_MEMORY_RAM));
	assert_non_null(arch_map(0x19000, 1, ARCH_MEMORY_RAM));
}

static void host_ports_of_nobody(void **state)
{
	(void)state;
	assert_int_equal(arch_in8(0x80), 0xff);
	assert_int_equal(arch_in32(0x80), 0xffffffff);
	arch_out8(0x80, 1);
	arch_out16(0x80, 0x1234);
	arch_out32(0x80, 0x12345678);
	assert_int_equal(host.accesses, 5);
	assert_int_equal(host.access[4].value, 0x12345678);
	assert_int_equal(host.access[4].width, 4);
	assert_true(host.access[4].write);
	assert_int_equal(arch_mmio_read32(0xfee00000), 0xffffffff);
	arch_mmio_write32(0xfee00000, 1);
	assert_int_equal(host.mmio, 2);
}

/* One DMA as a driver of QEMU would do it, to each of the devices. */
static uint32_t qemu_style_read(uint32_t control, void *to, uint32_t length)
{
	struct {
		struct be32 control, length;
		struct be64 address;
	} access = {be32_of(control), be32_of(length), be64_of((uintptr_t)to)};
	uint64_t at = (uintptr_t)&access;

	arch_out32(0x514, __builtin_bswap32((uint32_t)(at >> 32)));
	arch_out32(0x518, __builtin_bswap32((uint32_t)at));
	return be32_get(access.control);
}

static void check_fwcfg_id(const char *expected)
{
	uint8_t bytes[4];

	arch_out16(0x510, 1);
	arch_in8_string(0x511, bytes, sizeof(bytes));
	assert_memory_equal(bytes, expected, sizeof(bytes));
}

static void host_fwcfg_of_qemu(void **state)
{
	uint8_t bytes[8];

	(void)state;
	host_add_fwcfg(HOST_FWCFG_QEMU);
	host_fwcfg_item(0x20, "first", 5);
	host_fwcfg_item(0x21, "other", 5);
	arch_out16(0x510, 0x20);
	memset(bytes, 0x77, sizeof(bytes));
	assert_int_equal(qemu_style_read(0x21000a, bytes, 8), 0);
	assert_memory_equal(bytes, "other\0\0\0", 8);
	assert_int_equal(host.fwcfg.long_reads, 1);
	/* A write to what is read-only. */
	assert_int_equal(qemu_style_read(0x210018, bytes, 2), 1);
	/* The address reads as a signature. */
	assert_int_equal(arch_in32(0x514), __builtin_bswap32(0x51454d55));
	assert_int_equal(arch_in32(0x518), __builtin_bswap32(0x20434647));
	check_fwcfg_id("\3\0\0\0");
}

static void make_it_longer(void)
{
	host_fwcfg_item(0x20, "another", 7);
}

/* By DMA and by bytes, what is read is what the hook has left. */
static void host_fwcfg_item_changes_between_two_reads(void **state)
{
	uint8_t bytes[7];

	(void)state;
	host_add_fwcfg(HOST_FWCFG_QEMU);
	host_fwcfg_item(0x20, "first", 5);
	assert_int_equal(qemu_style_read(0x20000a, bytes, 5), 0);
	assert_memory_equal(bytes, "first", 5);
	host.fwcfg.before_read = make_it_longer;
	assert_int_equal(qemu_style_read(0x20000a, bytes, 7), 0);
	assert_memory_equal(bytes, "another", 7);
	host_fwcfg_item(0x20, "", 0);
	arch_out16(0x510, 0x20);
	assert_int_equal(arch_in8(0x511), 'a');
	assert_int_equal(host.fwcfg.long_reads, 0);
}

static void host_fwcfg_of_cloud_hypervisor_by_dma(void **state)
{
	uint8_t bytes[8];

	(void)state;
	host_add_fwcfg(HOST_FWCFG_CLOUD_HYPERVISOR);
	host_fwcfg_item(0x20, "first", 5);
	host_fwcfg_item(0x21, "other", 5);
	/* The item selected before is read, from behind what was skipped; no zeros. */
	arch_out16(0x510, 0x20);
	memset(bytes, 0x77, sizeof(bytes));
	assert_int_equal(qemu_style_read(0x21000a, bytes, 8), 0);
	assert_memory_equal(bytes, "first\x77\x77\x77", 8);
	assert_int_equal(host.fwcfg.long_reads, 1);
	/* SKIP is bit 3; a command of another bit alone fails. */
	arch_out16(0x510, 0x20);
	assert_int_equal(qemu_style_read(1u << 2, bytes, 2), 1);
	assert_int_equal(qemu_style_read(1u << 3, bytes, 2), 0);
	assert_int_equal(arch_in8(0x511), 'r');
	/* SELECT is bit 7, and selects item 1 where it stood. */
	arch_out16(0x510, 0x20);
	assert_int_equal(arch_in8(0x511), 'f');
	assert_int_equal(qemu_style_read(0x210082, bytes, 3), 0);
	assert_memory_equal(bytes, "\0\0\0", 3);
	/* WRITE is bit 15, and refused. */
	assert_int_equal(qemu_style_read(1u << 15, bytes, 1), 1);
	/* The address reads as it was written. */
	arch_out32(0x514, 0x12345678);
	assert_int_equal(arch_in32(0x514), 0x12345678);
	assert_int_not_equal(arch_in32(0x518), __builtin_bswap32(0x20434647));
	assert_int_not_equal(arch_in32(0x518), 0);
}

static void host_fwcfg_of_cloud_hypervisor_by_bytes(void **state)
{
	uint8_t bytes[8];

	(void)state;
	host_add_fwcfg(HOST_FWCFG_CLOUD_HYPERVISOR);
	host_fwcfg_item(0x20, "first", 5);
	/* An access of several bytes beyond the end is zeros; the item ends there all the same. */
	arch_out16(0x510, 0x20);
	assert_int_equal(arch_in32(0x511), 0x73726966);
	assert_int_equal(arch_in32(0x511), 0);
	assert_int_equal(arch_in8(0x511), 0);
	/* An item that does not exist gives nothing, a known one without content zeros. */
	arch_out16(0x510, 0x99);
	assert_int_equal(arch_in8(0x511), 0xff);
	assert_int_equal(qemu_style_read(2, bytes, 1), 1);
	arch_out16(0x510, 0x17);
	assert_int_equal(arch_in8(0x511), 0);
	assert_int_equal(qemu_style_read(2, bytes, 1), 0);
	check_fwcfg_id("\3\0\0\0");
	/* The signature is longer than others'. */
	arch_out16(0x510, 0);
	arch_in8_string(0x511, bytes, 8);
	assert_memory_equal(bytes, "QEMU CFG", 8);
}

/* The register for DMA is beyond the window, and data are read in any width. */
static void host_fwcfg_of_cloud_hypervisor_in_memory(void **state)
{
	(void)state;
	host_add_mmio_fwcfg(HOST_FWCFG_CLOUD_HYPERVISOR, 0x9030000);
	host_fwcfg_item(0x20, "123456789", 9);
	arch_mmio_write16(0x9030008, 0x2000);
	assert_int_equal(arch_mmio_read8(0x9030000), '1');
	assert_int_equal(arch_mmio_read32(0x9030000), 0x35343332);
	assert_int_equal(arch_mmio_read8(0x9030000), '6');
	arch_mmio_write64(0x9030010, 0);
	assert_int_equal(host.fwcfg.dmas, 0);
}

static void host_fwcfg_of_crosvm(void **state)
{
	uint8_t bytes[8];

	(void)state;
	host_add_fwcfg(HOST_FWCFG_CROSVM);
	host_fwcfg_item(0x20, "first", 5);
	arch_out16(0x510, 0x20);
	/* No answer at all. */
	assert_int_equal(qemu_style_read(0x20000a, bytes, 5), 0x20000a);
	assert_int_equal(arch_in32(0x514), 0xffffffff);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(arch_in8(0x511), "first"[i]);
	/* A key that does not exist leaves the item, at its start. */
	arch_out16(0x510, 0x21);
	assert_int_equal(arch_in8(0x511), 'f');
	/* Several bytes at once are none. */
	assert_int_equal(arch_in32(0x511), 0);
	assert_int_equal(arch_in8(0x511), 'i');
	check_fwcfg_id("\0\0\0\1");
}

static void fatal(void *argument)
{
	(void)argument;
	arch_fatal("stage", STATUS_IO, "reason");
}

static void host_fatal_is_recorded(void **state)
{
	(void)state;
	assert_int_equal(host_run(fatal, NULL), HOST_FATAL);
	assert_string_equal(host.fatal.stage, "stage");
	assert_int_equal(host.fatal.status, STATUS_IO);
	assert_string_equal(host.fatal.reason, "reason");
	assert_string_equal(host.console, "slipway: FATAL stage io: reason\n");
}

static const struct CMUnitTest tests[] = {
	UNIT_TEST(host_finds_each_write),
	UNIT_TEST(host_memory_ends),
	UNIT_TEST(host_ports_of_nobody),
	UNIT_TEST(host_fwcfg_of_qemu),
	UNIT_TEST(host_fwcfg_item_changes_between_two_reads),
	UNIT_TEST(host_fwcfg_of_cloud_hypervisor_by_dma),
	UNIT_TEST(host_fwcfg_of_cloud_hypervisor_by_bytes),
	UNIT_TEST(host_fwcfg_of_cloud_hypervisor_in_memory),
	UNIT_TEST(host_fwcfg_of_crosvm),
	UNIT_TEST(host_fatal_is_recorded),
	UNIT_TEST(host_ram_in_place),
	UNIT_TEST(host_map_end),
};

UNIT_MAIN(tests)
