/* SPDX-License-Identifier: BSD-2-Clause */
#include "machine.h"

#include "arch/handoff.h"
#include "loader/bzimage.h"
#include "loader/pvh.h"
#include "unit.h"

#define PUTS_MAX 8

struct memmap machine_map;
uint8_t machine_image[0x10000];

/* Where the firmware may put what others look for there: README, "Memory". */
static const struct arch_range tables[] = {
	{0xe0000, 0x10000},
	{0xf0110, 0x30},
	{0xffff0, 0x10},
};

static struct arch_range puts_done[PUTS_MAX];
static size_t puts_count;

/* What machine_put_hashes() has put. */
static uint8_t hashes[0x400];
static size_t hashes_size;

void machine_new(uint64_t low, uint64_t high)
{
	host_reset();
	puts_count = 0;
	hashes_size = 0;
	host_add_ram(0, low);
	if (high != 0)
		host_add_ram(4 * GIB, high);
	for (size_t i = 0; i < sizeof(machine_image); i++)
		machine_image[i] = (uint8_t)(i * 7 + i / 256);
	memcpy(machine_image,
	       "\x7f"
	       "ELF",
	       4);
	host_image_in_rom(machine_image, sizeof(machine_image));
	for (size_t i = 0; i < COUNT(tables); i++)
		host_claim(tables[i].start, tables[i].size);
	for (size_t i = 0; i < HOST_RANDOM_MAX; i++)
		host.random[i] = 0x0101010101010101ul * (i + 1);
	host.random_left = HOST_RANDOM_MAX;
}

void machine_put(uint64_t address, const void *bytes, size_t size)
{
	assert_true(puts_count < PUTS_MAX);
	memcpy(host_edit(address, size), bytes, size);
	puts_done[puts_count++] = (struct arch_range){address, size};
}

void machine_put_start_info(void)
{
	uint8_t start_info[56] = {0};

	host_image_in_ram(MIB, machine_image, sizeof(machine_image));
	put32(start_info, 0x336ec578);
	put32(start_info + 4, 1);
	machine_put(MACHINE_START_INFO, start_info, sizeof(start_info));
}

void machine_put_module(uint64_t address, const void *bytes, size_t size)
{
	uint8_t *start_info = host_edit(MACHINE_START_INFO, 56);
	uint8_t entry[32] = {0};

	put32(start_info + 12, 1);
	put64(start_info + 16, MACHINE_MODULE_LIST);
	put64(entry, address);
	put64(entry + 8, size);
	machine_put(MACHINE_MODULE_LIST, entry, sizeof(entry));
	machine_put(address, bytes, size);
}

void machine_put_pvh_map(uint64_t ram_end)
{
	uint8_t *start_info = host_edit(MACHINE_START_INFO, 56);
	uint8_t map[2 * 24] = {0};

	put64(map + 8, 0xa0000);
	put32(map + 16, 1);
	put64(map + 24, MIB);
	put64(map + 32, ram_end - MIB);
	put32(map + 40, 1);
	machine_put(MACHINE_PVH_MAP, map, sizeof(map));
	put64(start_info + 40, MACHINE_PVH_MAP);
	put32(start_info + 48, 2);
}

void machine_put_hashes(const void *bytes, size_t size)
{
	assert_true(size <= sizeof(hashes));
	memcpy(hashes, bytes, size);
	memcpy(host_edit(host.hash_block.start, size), bytes, size);
	hashes_size = size;
}

void machine_add_e820(uint64_t low, uint64_t high)
{
	uint8_t entries[40];

	put64(entries, 0);
	put64(entries + 8, low);
	put32(entries + 16, 1);
	put64(entries + 20, 4 * GIB);
	put64(entries + 28, high);
	put32(entries + 36, 1);
	host_fwcfg_file("etc/e820", entries, high != 0 ? 40 : 20);
}

void machine_add_legacy(uint16_t size_key, uint16_t data_key, const void *bytes, size_t size)
{
	host_fwcfg_integer(size_key, 4, (uint32_t)size);
	host_fwcfg_item(data_key, bytes, size);
}

void machine_add_legacy_kernel(const struct kernel *kernel)
{
	host_fwcfg_integer(0x07, 4, 0x100000);
	machine_add_legacy(0x17, 0x18, kernel->bytes, kernel->setup_size);
	machine_add_legacy(0x08, 0x11, kernel->bytes + kernel->setup_size,
			   kernel->size - kernel->setup_size);
}

/* -- booting --------------------------------------------------------------------- */

enum status __real_bzimage_fill_boot_params(const struct bzimage *image,
					    const struct bzimage_plan *plan,
					    const struct bzimage_facts *facts,
					    const struct memmap *map, struct boot_params *params,
					    struct reason *why);
enum status __wrap_bzimage_fill_boot_params(const struct bzimage *image,
					    const struct bzimage_plan *plan,
					    const struct bzimage_facts *facts,
					    const struct memmap *map, struct boot_params *params,
					    struct reason *why);

enum status __real_pvh_fill(const struct pvh_plan *plan, uint64_t initrd_size, uint64_t rsdp,
			    const struct memmap *map, struct pvh_block *block, struct reason *why);
enum status __wrap_pvh_fill(const struct pvh_plan *plan, uint64_t initrd_size, uint64_t rsdp,
			    const struct memmap *map, struct pvh_block *block, struct reason *why);

/* Claims end with the boot; they are copied when the kernel gets its map. */
enum status __wrap_bzimage_fill_boot_params(const struct bzimage *image,
					    const struct bzimage_plan *plan,
					    const struct bzimage_facts *facts,
					    const struct memmap *map, struct boot_params *params,
					    struct reason *why)
{
	machine_map = *map;
	return __real_bzimage_fill_boot_params(image, plan, facts, map, params, why);
}

enum status __wrap_pvh_fill(const struct pvh_plan *plan, uint64_t initrd_size, uint64_t rsdp,
			    const struct memmap *map, struct pvh_block *block, struct reason *why)
{
	machine_map = *map;
	return __real_pvh_fill(plan, initrd_size, rsdp, map, block, why);
}

static void run_boot_main(void *argument)
{
	boot_main(argument);
}

enum host_end machine_boot(enum arch_entry_kind kind, uint64_t start_info)
{
	struct arch_entry entry = {kind, start_info};

	memmap_init(&machine_map);
	return host_run(run_boot_main, &entry);
}

const uint8_t *machine_params(void)
{
	return host_memory(host.handoff.argument, PARAMS_SIZE);
}

uint32_t machine_e820_type(uint64_t address)
{
	const uint8_t *params = machine_params();

	for (unsigned i = 0; i < params[PARAMS_E820_ENTRIES]; i++) {
		const uint8_t *entry = params + PARAMS_E820_TABLE + 20 * i;
		if (address >= get64(entry) && address - get64(entry) < get64(entry + 8))
			return get32(entry + 16);
	}
	return 0;
}

const uint8_t *machine_setup_data(unsigned index, uint32_t *ret_type, uint32_t *ret_length)
{
	for (uint64_t at = get64(machine_params() + SETUP_DATA); at != 0; index--) {
		const uint8_t *node = host_memory(at, 16);
		assert_non_null(node);
		if (index == 0) {
			*ret_type = get32(node + 8);
			*ret_length = get32(node + 12);
			assert_non_null(host_memory(at, 16 + *ret_length));
			return node + 16;
		}
		at = get64(node);
	}
	return NULL;
}

/* By the way that ACPI gives: RSDP, RSDT, FADT. */
uint8_t *machine_facs(void)
{
	const uint8_t *rsdp = host_memory(get64(machine_params() + PARAMS_ACPI_RSDP_ADDR), 36);
	const uint8_t *rsdt = host_memory(get32(rsdp + 16), 36);

	for (uint32_t at = 36; at < get32(rsdt + 4); at += 4) {
		const uint8_t *table = host_memory(get32(rsdt + at), 36);
		if (memcmp(table, "FACP", 4) == 0)
			return host_edit(get32(table + 36), 64);
	}
	fail_msg("there is no FADT");
	return NULL;
}

/* What was claimed, and the places that README names. */
static bool may_write(void *context, uint64_t address)
{
	(void)context;
	for (size_t i = 0; i < puts_count; i++) {
		if (address >= puts_done[i].start &&
		    address - puts_done[i].start < puts_done[i].size)
			return true;
	}
	if (address >= 0xa0000 && address < 0x100000)
		return (address >= 0xe0000 && address < 0xf0000) ||
		       (address >= 0xf0110 && address < 0xf0140) || address >= 0xffff0;
	for (size_t i = 0; i < machine_map.count; i++) {
		const struct memmap_entry *entry = &machine_map.entry[i];
		if (address >= entry->start && address < entry->end)
			return entry->type != MEMMAP_RAM;
	}
	return false;
}

/* Rulings 3: what a VMM may have left below 640 KiB, and the first page. */
static bool is_others(uint64_t address)
{
	return address < 0x1000 || (address >= 0x10000 && address < 0x11000) ||
	       (address >= 0x9fc00 && address < 0xa0000);
}

static bool may_write_strictly(void *context, uint64_t address)
{
	uint64_t offset = address - host.hash_block.start;

	/* What was put there is still there. */
	if (offset < hashes_size)
		return *(const uint8_t *)host_memory(address, 1) == hashes[offset];
	return !is_others(address) && may_write(context, address);
}

static void check_mapped(uint64_t start, uint64_t size)
{
	for (size_t i = 0; i < ARCH_HANDOFF_RANGES; i++) {
		const struct arch_range *range = &host.handoff.used[i];
		if (start >= range->start && start + size <= range->start + range->size)
			return;
	}
	fail_msg("0x%lx + 0x%lx is not mapped for the kernel", start, size);
}

static void check_ram(const uint8_t *params, uint64_t start, uint64_t size)
{
	for (unsigned i = 0; i < params[PARAMS_E820_ENTRIES]; i++) {
		const uint8_t *entry = params + PARAMS_E820_TABLE + 20 * i;
		if (get32(entry + 16) == 1 && start >= get64(entry) &&
		    start + size <= get64(entry) + get64(entry + 8))
			return;
	}
	fail_msg("0x%lx + 0x%lx is not RAM to the kernel", start, size);
}

void machine_check_handoff(const struct kernel *kernel, const void *initrd, size_t initrd_size,
			   const char *cmdline)
{
	const uint8_t *params = machine_params();
	const uint8_t *head = kernel->bytes;
	bool entry64 = get16(head + VERSION_FIELD) >= 0x20c &&
		       (get16(head + XLOADFLAGS) & XLF_KERNEL_64_FLAG) != 0;
	size_t payload = kernel->size - kernel->setup_size;
	uint64_t found;

	assert_non_null(params);
	assert_int_equal(host.handoff.mode, entry64 ? ARCH_MODE_LINUX_64 : ARCH_MODE_LINUX_32);
	uint64_t load = host.handoff.entry - (entry64 ? 0x200 : 0);
	assert_true(load < 4 * GIB ? get32(params + CODE32_START) == load : true);
	assert_memory_equal(host_memory(load, payload), head + kernel->setup_size, payload);
	assert_int_equal(params[TYPE_OF_LOADER], 0xff);
	check_ram(params, load, payload);
	check_ram(params, host.handoff.argument, PARAMS_SIZE);

	uint64_t initrd_at = get32(params + RAMDISK_IMAGE) |
			     (uint64_t)get32(params + PARAMS_EXT_RAMDISK_IMAGE) << 32;
	uint64_t initrd_told = get32(params + RAMDISK_SIZE) |
			       (uint64_t)get32(params + PARAMS_EXT_RAMDISK_SIZE) << 32;
	assert_int_equal(initrd_told, initrd_size);
	if (initrd_size != 0) {
		assert_memory_equal(host_memory(initrd_at, initrd_size), initrd, initrd_size);
		check_ram(params, initrd_at, initrd_size);
	} else {
		assert_int_equal(initrd_at, 0);
	}

	uint64_t cmdline_at = get32(params + CMD_LINE_PTR) |
			      (uint64_t)get32(params + PARAMS_EXT_CMD_LINE_PTR) << 32;
	const char *text = host_memory(cmdline_at, strlen(cmdline) + 1);
	assert_non_null(text);
	assert_int_equal(strnlen(text, strlen(cmdline) + 1), strlen(cmdline));
	assert_string_equal(text, cmdline);
	check_ram(params, cmdline_at, strlen(cmdline) + 1);

	if (entry64) {
		uint64_t needed = get32(head + INIT_SIZE);
		check_mapped(load, needed > payload ? needed : payload);
		check_mapped(host.handoff.argument, PARAMS_SIZE);
		check_mapped(cmdline_at, strlen(cmdline) + 1);
	}
	if (host_find_change(may_write_strictly, NULL, &found))
		fail_msg("the byte at 0x%lx was written, and is nobody's", found);
	assert_int_equal(host.fwcfg.long_reads, 0);
}

/* Whether start_info's map has all of it as RAM. */
static void check_pvh_ram(const uint8_t *info, uint64_t start, uint64_t size)
{
	const uint8_t *map = host_memory(get64(info + 40), 24ul * get32(info + 48));

	assert_non_null(map);
	for (unsigned i = 0; i < get32(info + 48); i++, map += 24) {
		if (get32(map + 16) == 1 && start >= get64(map) &&
		    start + size <= get64(map) + get64(map + 8))
			return;
	}
	fail_msg("0x%lx + 0x%lx is not RAM to the kernel", start, size);
}

void machine_check_pvh_handoff(uint64_t entry, const void *initrd, size_t initrd_size,
			       const char *cmdline)
{
	const uint8_t *info = host_memory(host.handoff.argument, 56);
	uint64_t found;

	assert_non_null(info);
	assert_int_equal(host.handoff.mode, ARCH_MODE_PVH);
	assert_int_equal(host.handoff.entry, entry);
	assert_int_equal(get32(info), 0x336ec578);
	assert_int_equal(get32(info + 4), 1);
	check_pvh_ram(info, entry, 1);
	check_pvh_ram(info, host.handoff.argument, 56);
	const char *text = host_memory(get64(info + 24), strlen(cmdline) + 1);
	assert_non_null(text);
	assert_string_equal(text, cmdline);
	assert_int_equal(get32(info + 12), initrd_size != 0);
	if (initrd_size != 0) {
		const uint8_t *module = host_memory(get64(info + 16), 32);
		assert_non_null(module);
		assert_int_equal(get64(module + 8), initrd_size);
		assert_memory_equal(host_memory(get64(module), initrd_size), initrd, initrd_size);
		check_pvh_ram(info, get64(module), initrd_size);
	}
	if (host_find_change(may_write_strictly, NULL, &found))
		fail_msg("the byte at 0x%lx was written, and is nobody's", found);
	assert_int_equal(host.fwcfg.long_reads, 0);
}
