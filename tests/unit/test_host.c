/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <signal.h>
#include <sys/mman.h>

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
		uint8_t *byte = host_edit(places[i], 1);
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
			uint8_t *byte = host_edit(places[i], 1);
			*byte ^= 1;
			assert_true(host_find_change(allow_none, NULL, &found));
			assert_int_equal(found, places[i]);
			*byte ^= 1;
			assert_false(host_find_change(allow_none, NULL, &found));
		}
		/* Nothing of it is left for the next machine. */
		*(uint8_t *)host_edit(0x40000000, 1) ^= 1;
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

/* -- the guard of memory --------------------------------------------------------- */

#define RAM_START 0x10000ul
#define RAM_SIZE  0x10000ul

static struct host_trap trap;
static unsigned traps;

/* A late one is noted while there is nothing left to stop. */
static void note_trap(const struct host_trap *found)
{
	trap = *found;
	traps++;
	if (!found->late)
		host_leave(HOST_EXIT);
}

static void write_to(void *argument)
{
	*(volatile uint8_t *)argument ^= 1;
}

/* As firmware would have the address. */
static enum host_end write_at(uint64_t address)
{
	traps = 0;
	return host_run(write_to, (void *)(uintptr_t)host_memory(address, 1));
}

static void check_trapped(uint64_t address)
{
	uint8_t before = *(const uint8_t *)host_memory(address, 1);

	assert_int_equal(write_at(address), HOST_EXIT);
	assert_int_equal(traps, 1);
	assert_false(trap.late);
	assert_int_equal(trap.address, address);
	assert_int_equal(*(const uint8_t *)host_memory(address, 1), before);
}

static void check_found(uint64_t address)
{
	assert_int_equal(write_at(address), HOST_RETURNED);
	assert_int_equal(traps, 1);
	assert_true(trap.late);
	assert_int_equal(trap.address, address);
}

static void check_allowed(uint64_t address)
{
	assert_int_equal(write_at(address), HOST_RETURNED);
	assert_int_equal(traps, 0);
}

static void guarded(void)
{
	host_reset();
	host_set_trap(note_trap);
	host_add_ram(RAM_START, RAM_SIZE);
}

static void host_traps_writes_without_a_claim(void **state)
{
	(void)state;
	guarded();
	host_add_ram(4 * GIB, RAM_SIZE);
	host_add_ram_in_place(0x40000000, RAM_SIZE);
	const uint64_t starts[] = {RAM_START, 4 * GIB, 0x40000000};
	for (size_t i = 0; i < COUNT(starts); i++) {
		check_trapped(starts[i]);
		check_trapped(starts[i] + 0x1234);
		check_trapped(starts[i] + RAM_SIZE - 1);
		assert_int_equal(trap.nearest.size, 0);
	}
}

static void host_traps_writes_beside_a_claim(void **state)
{
	(void)state;
	guarded();
	host_claim(0x13000, 0x2000);
	host_claim(0x1a000, 0x1000);
	check_allowed(0x13000);
	check_allowed(0x14fff);
	check_allowed(0x1a000);
	check_trapped(0x12fff);
	assert_int_equal(trap.nearest.start, 0x13000);
	check_trapped(0x15000);
	assert_int_equal(trap.nearest.start, 0x13000);
	check_trapped(0x19000);
	assert_int_equal(trap.nearest.start, 0x1a000);
	assert_int_equal(trap.nearest.size, 0x1000);
	check_trapped(0x1f000);
}

/* They are open, and what is beside the claim is compared. */
static void host_finds_writes_in_pages_of_a_claim(void **state)
{
	static const uint64_t beside[] = {0x13000, 0x1300f, 0x15020, 0x15fff};

	(void)state;
	for (size_t i = 0; i < COUNT(beside); i++) {
		guarded();
		host_claim(0x13010, 0x2010);
		check_allowed(0x13010);
		check_allowed(0x14000);
		check_allowed(0x1501f);
		check_found(beside[i]);
		/* It has been said. */
		check_allowed(0x13010);
	}
	/* Two claims in a page. */
	guarded();
	host_claim(0x13010, 0x10);
	check_allowed(0x13015);
	host_claim(0x13030, 0x10);
	check_allowed(0x13010);
	check_allowed(0x1303f);
	check_found(0x1302f);
}

static void claim_and_write(void *argument)
{
	struct memmap map;
	uint64_t start;
	const struct memmap_request request = {.size = 0x1000,
					       .alignment = 0x1000,
					       .max = MEMMAP_4G,
					       .top_down = true,
					       .type = MEMMAP_FIRMWARE};

	memmap_init(&map);
	assert_status(memmap_add(&map, RAM_START, RAM_SIZE, MEMMAP_RAM), STATUS_OK);
	assert_status(memmap_claim(&map, 0x12000, 0x1000, MEMMAP_KERNEL), STATUS_OK);
	assert_status(memmap_alloc(&map, &request, &start), STATUS_OK);
	assert_int_equal(start, 0x1f000);
	assert_status(memmap_claim(&map, 0x11000, 0x2000, MEMMAP_KERNEL), STATUS_OVERLAP);
	assert_ptr_equal(host.map, &map);
	memset(arch_map(0x12000, 0x1000, ARCH_MEMORY_RAM), 1, 0x1000);
	memset(arch_map(0x1f000, 0x1000, ARCH_MEMORY_RAM), 1, 0x1000);
	write_to(arch_map(*(const uint64_t *)argument, 1, ARCH_MEMORY_RAM));
}

static void begin_map(void *argument)
{
	memmap_init(argument);
}

static void host_guard_follows_the_map(void **state)
{
	static const uint64_t outside[] = {0x11fff, 0x13000, 0x1efff};
	struct memmap map;

	(void)state;
	for (size_t i = 0; i < COUNT(outside); i++) {
		uint64_t address = outside[i];
		guarded();
		traps = 0;
		assert_int_equal(host_run(claim_and_write, &address), HOST_EXIT);
		assert_int_equal(traps, 1);
		assert_int_equal(trap.address, address);
		check_allowed(0x12000);
		/* A map that begins has given nothing away. */
		assert_int_equal(host_run(begin_map, &map), HOST_RETURNED);
		check_trapped(0x12000);
		check_trapped(0x1ffff);
	}
}

static void host_map_refuses(void **state)
{
	const struct memmap_request request = {
		.size = 16, .alignment = 16, .max = MEMMAP_4G, .type = MEMMAP_FIRMWARE};
	struct memmap map;
	uint64_t start;

	(void)state;
	memmap_init(&map);
	assert_status(memmap_add(&map, 0x30000, 0x10000, MEMMAP_RAM), STATUS_OK);
	host.fail_claim = 2;
	assert_status(memmap_alloc(&map, &request, &start), STATUS_OK);
	assert_status(memmap_alloc(&map, &request, &start), STATUS_NO_MEMORY);
	assert_status(memmap_claim(&map, 0x38000, 16, MEMMAP_KERNEL), STATUS_OK);
	assert_int_equal(host.claims, 3);
	host.last_claim = 4;
	assert_status(memmap_alloc_low(&map, 16, 16, MEMMAP_KERNEL, &start), STATUS_OK);
	assert_status(memmap_alloc_low(&map, 16, 16, MEMMAP_KERNEL, &start), STATUS_NO_MEMORY);
	assert_status(memmap_claim(&map, 0x39000, 16, MEMMAP_KERNEL), STATUS_OVERLAP);
}

/* A test's own writes end where the firmware begins. */
static void host_edits_are_closed(void **state)
{
	(void)state;
	guarded();
	uint8_t *bytes = host_edit(0x12345, 4);
	memcpy(bytes, "abcd", 4);
	check_trapped(0x12345);
	assert_memory_equal(host_memory(0x12345, 4), "abcd", 4);
	*(uint8_t *)host_edit(0x12345, 1) = 'x';
	assert_non_null(arch_map(0x18000, 1, ARCH_MEMORY_RAM));
	check_trapped(0x12345);
	/* In a page with a claim they are not taken for the firmware's. */
	host_claim(0x14000, 16);
	*(uint8_t *)host_edit(0x14010, 1) ^= 1;
	check_allowed(0x1400f);
	check_found(0x14010);
}

static void host_image_is_not_to_be_written(void **state)
{
	static const uint8_t image[HOST_PAGE] = {1, 2, 3};

	(void)state;
	guarded();
	host_image_in_ram(0x14000, image, sizeof(image));
	host_claim(0x13000, 0x3000);
	check_allowed(0x13fff);
	check_trapped(0x14000);
	check_trapped(0x14fff);
	check_allowed(0x15000);
}

static void read_to(void *argument)
{
	struct {
		struct be32 control, length;
		struct be64 address;
	} access = {be32_of(0x20000a), be32_of(4), be64_of(*(const uint64_t *)argument)};
	uint64_t at = (uintptr_t)&access;

	arch_out32(0x514, __builtin_bswap32((uint32_t)(at >> 32)));
	arch_out32(0x518, __builtin_bswap32((uint32_t)at));
}

/* What a device is told to write, the firmware writes. */
static void host_traps_dma(void **state)
{
	uint64_t address = 0x12ffe;

	(void)state;
	guarded();
	host_add_fwcfg(HOST_FWCFG_QEMU);
	host_fwcfg_item(0x20, "four", 4);
	host_claim(0x12000, 0x1000);
	traps = 0;
	assert_int_equal(host_run(read_to, &address), HOST_EXIT);
	assert_int_equal(traps, 1);
	assert_in_range(trap.address, 0x12ffe, 0x13001);
	host_claim(0x13000, 2);
	traps = 0;
	assert_int_equal(host_run(read_to, &address), HOST_RETURNED);
	assert_int_equal(traps, 0);
	assert_memory_equal(host_memory(address, 4), "four", 4);
}

static void leave(int number)
{
	(void)number;
	host_leave(HOST_FATAL);
}

static void host_leaves_other_faults_alone(void **state)
{
	void *page = mmap(NULL, HOST_PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct sigaction action = {.sa_handler = leave, .sa_flags = SA_NODEFER};

	(void)state;
	assert_true(page != MAP_FAILED);
	assert_int_equal(sigaction(SIGSEGV, &action, NULL), 0);
	guarded();
	traps = 0;
	assert_int_equal(host_run(write_to, page), HOST_FATAL);
	assert_int_equal(traps, 0);
	check_trapped(RAM_START);
	munmap(page, HOST_PAGE);
}

/* -- faults of fw_cfg ------------------------------------------------------------- */

static void change_first(uint8_t *bytes, uint64_t length)
{
	if (host.fwcfg.dmas == 2 && length == 4)
		bytes[0] = 'p';
}

static void host_fwcfg_faults(void **state)
{
	uint8_t bytes[4];

	(void)state;
	host_add_fwcfg(HOST_FWCFG_QEMU);
	host_fwcfg_item(0x20, "four", 4);
	host.fwcfg.short_dma = 1;
	host.fwcfg.change = change_first;
	host.fwcfg.dead_dma = 4;
	memset(bytes, '.', sizeof(bytes));
	assert_int_equal(qemu_style_read(0x20000a, bytes, 4), 0);
	assert_memory_equal(bytes, "fo..", 4);
	assert_int_equal(qemu_style_read(0x20000a, bytes, 4), 0);
	assert_memory_equal(bytes, "pour", 4);
	assert_int_equal(qemu_style_read(0x20000a, bytes, 4), 0);
	assert_memory_equal(bytes, "four", 4);
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(qemu_style_read(0x20000a, bytes, 4), 0x20000a);
	host.fwcfg.change_read = 2;
	arch_out16(0x510, 0x20);
	assert_int_equal(arch_in8(0x511), 'f');
	assert_int_equal(arch_in8(0x511), (uint8_t) ~'o');
	assert_int_equal(arch_in8(0x511), 'u');
}

static const struct CMUnitTest tests[] = {
	UNIT_TEST(host_traps_writes_without_a_claim),
	UNIT_TEST(host_traps_writes_beside_a_claim),
	UNIT_TEST(host_finds_writes_in_pages_of_a_claim),
	UNIT_TEST(host_guard_follows_the_map),
	UNIT_TEST(host_map_refuses),
	UNIT_TEST(host_edits_are_closed),
	UNIT_TEST(host_image_is_not_to_be_written),
	UNIT_TEST(host_traps_dma),
	UNIT_TEST(host_leaves_other_faults_alone),
	UNIT_TEST(host_fwcfg_faults),
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
