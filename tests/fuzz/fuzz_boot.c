/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "arch/entry.h"
#include "fwcfg/fwcfg.h"
#include "hostile.h"
#include "loader/bzimage.h"
#include "loader/pvh.h"

/*
 * A whole boot on x86_64 of a machine that QEMU has, whose VMM is hostile: a byte that says which
 * machine, a byte of OPTIONS, and the records of hostile.c. The first files of fw_cfg are
 * kernel, initrd and command line; those of the recording follow.
 *
 * Whatever is read changes when the input says so, between two reads of the same as well. The boot
 * ends in a jump or in one line; what is written was claimed before; and the kernel gets a map
 * of memory that is in order, and in which its own parts lie.
 */

static const struct {
	const char *recording;
	void (*add_chipset)(void);
	enum host_fwcfg_kind fwcfg;
	enum arch_entry_kind entry;
} machines[] = {
	{"fwcfg/q35-7.2", host_add_q35, HOST_FWCFG_QEMU, ARCH_ENTRY_RESET},
	{"fwcfg/q35-10.0", host_add_q35, HOST_FWCFG_QEMU, ARCH_ENTRY_RESET},
	{"fwcfg/q35-vmgenid-7.2", host_add_q35, HOST_FWCFG_QEMU, ARCH_ENTRY_RESET},
	{"fwcfg/pc-7.2", host_add_i440fx, HOST_FWCFG_QEMU, ARCH_ENTRY_RESET},
	{"fwcfg/pc-10.0", host_add_i440fx, HOST_FWCFG_QEMU, ARCH_ENTRY_RESET},
	{"fwcfg/microvm-7.2", NULL, HOST_FWCFG_QEMU, ARCH_ENTRY_RESET},
	{"fwcfg/microvm-10.0", NULL, HOST_FWCFG_QEMU, ARCH_ENTRY_RESET},
	{NULL, host_add_q35, HOST_FWCFG_QEMU, ARCH_ENTRY_RESET},
	{"fwcfg/q35-7.2", host_add_q35, HOST_FWCFG_QEMU, ARCH_ENTRY_PVH},
	{"fwcfg/microvm-7.2", NULL, HOST_FWCFG_QEMU, ARCH_ENTRY_PVH},
	{NULL, NULL, HOST_FWCFG_CLOUD_HYPERVISOR, ARCH_ENTRY_PVH},
};
#define MACHINES (sizeof(machines) / sizeof(machines[0]))

enum options {
	LEGACY_ITEMS = 0x01, /* in the place of the files */
	KERNEL_32 = 0x02,
	NO_INITRD = 0x04,
	RESUMES = 0x08, /* the reset ends a sleep; what is kept is a record of MEMORY */
	NO_PVH_MAP = 0x10,
	HIGH_RAM = 0x20,
	NO_PAYLOAD = 0x40, /* but what records have */
};

#define MIB            0x100000ul
#define RAM            (32 * MIB)
#define HIGH_RAM_SIZE  (4 * MIB)
#define IMAGE_SIZE     0x10000
#define START_INFO     0x6000
#define PVH_MAP        0x7000
#define CHANGEABLE     START_INFO /* what a PVH loader leaves, below MEMMAP_LOW_START */
#define CHANGEABLE_END 0x30000
#define BIOS_AREA      0xa0000
#define BIOS_AREA_END  0x100000
#define ROM_SPACE      0xfffc0000ul

/* Tables, and the reset stub: README.md, "Memory map". */
static const struct arch_range fixed_places[] = {
	{0xe0000, 0x10000},
	{0xf0110, 0x30},
	{0xffff0, 0x10},
};
#define FIXED_PLACES (sizeof(fixed_places) / sizeof(fixed_places[0]))

#define SETUP_SIZE  1024
#define KERNEL_SIZE (SETUP_SIZE + 4096)
#define INITRD_SIZE 5000
#define CMDLINE     "console=ttyS0 quiet"

static uint8_t image[IMAGE_SIZE];
static uint8_t kernel[KERNEL_SIZE];
static uint8_t initrd[INITRD_SIZE];

/* boot.rst: protocol 2.15, relocatable, in need of 4 MiB at 16 MiB. */
static void make_kernel(bool is_32_bit)
{
	struct setup_header header = {
		.setup_sects = SETUP_SIZE / 512 - 1,
		.boot_flag = le16_of(0xaa55),
		.jump_opcode = 0xeb,
		.jump_offset = 0x6a,
		.header = le32_of(0x53726448), /* HdrS */
		.version = le16_of(0x20f),
		.loadflags = 0x81,
		.kernel_alignment = le32_of(0x200000),
		.relocatable_kernel = 1,
		.min_alignment = 21,
		.xloadflags = le16_of(is_32_bit ? 0 : 3),
		.cmdline_size = le32_of(2047),
		.initrd_addr_max = le32_of(0x7fffffff),
		.pref_address = le64_of(16 * MIB),
		.init_size = le32_of(4 * MIB),
	};

	for (size_t i = 0; i < KERNEL_SIZE; i++)
		kernel[i] = (uint8_t)(i * 13 + 5);
	memset(kernel, 0, SETUP_SIZE);
	header.syssize = le32_of((KERNEL_SIZE - SETUP_SIZE) / 16);
	memcpy(kernel + BZIMAGE_HEADER_OFFSET, &header, sizeof(header));
}

static void add_sized(uint16_t size_key, uint16_t key, const void *bytes, size_t size)
{
	host_fwcfg_integer(size_key, 4, (uint32_t)size);
	host_fwcfg_item(key, bytes, size);
}

static void add_payload(unsigned options)
{
	size_t initrd_size = (options & NO_INITRD) != 0 ? 0 : sizeof(initrd);

	if ((options & NO_PAYLOAD) != 0)
		return;
	make_kernel((options & KERNEL_32) != 0);
	if ((options & LEGACY_ITEMS) == 0) {
		host_fwcfg_file("opt/org.slipway/kernel", kernel, sizeof(kernel));
		host_fwcfg_file("opt/org.slipway/initrd", initrd, initrd_size);
		host_fwcfg_file("opt/org.slipway/cmdline", CMDLINE, strlen(CMDLINE));
		return;
	}
	host_fwcfg_integer(FWCFG_KERNEL_ADDRESS, 4, MIB);
	add_sized(FWCFG_SETUP_SIZE, FWCFG_SETUP_DATA, kernel, SETUP_SIZE);
	add_sized(FWCFG_KERNEL_SIZE, FWCFG_KERNEL_DATA, kernel + SETUP_SIZE,
		  KERNEL_SIZE - SETUP_SIZE);
	add_sized(FWCFG_INITRD_SIZE, FWCFG_INITRD_DATA, initrd, initrd_size);
	add_sized(FWCFG_CMDLINE_SIZE, FWCFG_CMDLINE_DATA, CMDLINE, sizeof(CMDLINE));
}

static void put_start_info(unsigned options)
{
	const struct hvm_memmap_entry map[] = {
		{.addr = le64_of(0), .size = le64_of(BIOS_AREA), .type = le32_of(1)},
		{.addr = le64_of(MIB), .size = le64_of(RAM - MIB), .type = le32_of(1)},
		{.addr = le64_of(MEMMAP_4G), .size = le64_of(HIGH_RAM_SIZE), .type = le32_of(1)},
	};
	const struct hvm_start_info info = {
		.magic = le32_of(HVM_START_MAGIC_VALUE),
		.version = le32_of(1),
		.memmap_paddr = le64_of(PVH_MAP),
		.memmap_entries = le32_of((options & NO_PVH_MAP) != 0 ? 0
					  : (options & HIGH_RAM) != 0 ? 3
								      : 2),
	};

	hostile_put(START_INFO, &info, sizeof(info));
	hostile_put(PVH_MAP, map, sizeof(map));
}

static struct arch_entry make_machine(struct input *input)
{
	unsigned which = input_byte(input) % MACHINES, options = input_byte(input);
	struct arch_entry entry = {machines[which].entry, 0};

	hostile_new();
	host_add_ram(0, RAM);
	if ((options & HIGH_RAM) != 0)
		host_add_ram(MEMMAP_4G, HIGH_RAM_SIZE);
	if (machines[which].add_chipset != NULL)
		machines[which].add_chipset();
	host_add_cmos();
	host.cmos[0x31] = (RAM - MIB) / 0x40000; /* 0x30, in KiB */
	if ((options & RESUMES) != 0)
		host.cmos[0x0f] = 0xfe;
	host_add_fwcfg(machines[which].fwcfg);
	add_payload(options);
	if (machines[which].recording != NULL)
		hostile_add_recording(machines[which].recording, RAM);
	host_fwcfg_integer(FWCFG_CPUS, 2, 2);
	if (entry.kind == ARCH_ENTRY_PVH) {
		entry.start_info = START_INFO;
		put_start_info(options);
		host_image_in_ram(MIB, image, sizeof(image));
	} else {
		host_image_in_rom(image, sizeof(image));
	}
	for (size_t i = 0; i < FIXED_PLACES; i++)
		host_claim(fixed_places[i].start, fixed_places[i].size);
	hostile_begin(input, CHANGEABLE, CHANGEABLE_END - CHANGEABLE);
	/* No record lies over the image that runs. */
	if (entry.kind == ARCH_ENTRY_PVH)
		memcpy(host_edit(MIB, sizeof(image)), image, sizeof(image));
	return entry;
}

/* -- what is written, and what the kernel gets ------------------------------------------ */

static bool is_bios_area(uint64_t address)
{
	for (size_t i = 0; i < FIXED_PLACES; i++) {
		if (address >= fixed_places[i].start &&
		    address - fixed_places[i].start < fixed_places[i].size)
			return true;
	}
	return false;
}

static bool is_image(uint64_t address)
{
	return host.image.start == MIB && address >= MIB && address < MIB + IMAGE_SIZE;
}

static bool is_allowed(uint64_t address)
{
	return is_bios_area(address) || is_image(address);
}

static bool overlaps(uint64_t start, uint64_t size, uint64_t from, uint64_t to)
{
	return start < to && from < start + size;
}

/* In order, without overlaps, and of the types that the firmware knows of. */
static void check_map(const void *table, unsigned count, size_t width)
{
	uint64_t last = 0;

	REQUIRE(count > 0);
	for (unsigned i = 0; i < count; i++) {
		struct e820_entry entry;
		memcpy(&entry, (const uint8_t *)table + i * width, sizeof(entry));
		uint64_t start = le64_get(entry.addr), size = le64_get(entry.size);
		enum memmap_type type = le32_get(entry.type);
		REQUIRE(start >= last && size > 0 && size - 1 <= UINT64_MAX - start);
		REQUIRE(hostile_is_for_kernel(start, size, type));
		REQUIRE(type != MEMMAP_RAM || (!overlaps(start, size, BIOS_AREA, BIOS_AREA_END) &&
					       !overlaps(start, size, ROM_SPACE, MEMMAP_4G)));
		last = start + size;
	}
}

static void add_cmdline(uint64_t address)
{
	const struct memmap_entry *entry = hostile_find(address);
	const char *text = host_memory(address, 1);

	REQUIRE(entry != NULL && text != NULL);
	hostile_add_part(address, strnlen(text, entry->end - address) + 1, MEMMAP_BOOT_DATA);
}

static void check_linux(void)
{
	const struct arch_handoff *handoff = &host.handoff;
	const struct boot_params *params = host_memory(handoff->argument, sizeof(*params));

	REQUIRE(params != NULL);
	hostile_add_part(handoff->used[0].start, handoff->used[0].size, MEMMAP_KERNEL);
	REQUIRE(handoff->entry - handoff->used[0].start < handoff->used[0].size);
	hostile_add_part(handoff->argument, sizeof(*params), MEMMAP_BOOT_DATA);
	add_cmdline(le32_get(params->hdr.cmd_line_ptr) |
		    (uint64_t)le32_get(params->ext_cmd_line_ptr) << 32);
	uint64_t size = le32_get(params->hdr.ramdisk_size) |
			(uint64_t)le32_get(params->ext_ramdisk_size) << 32;
	if (size != 0)
		hostile_add_part(le32_get(params->hdr.ramdisk_image) |
					 (uint64_t)le32_get(params->ext_ramdisk_image) << 32,
				 size, MEMMAP_INITRD);
	if (handoff->used[3].size != 0)
		hostile_add_part(handoff->used[3].start, handoff->used[3].size, MEMMAP_BOOT_DATA);
	check_map(params->e820_table, params->e820_entries, sizeof(params->e820_table[0]));
}

static void check_pvh(void)
{
	const struct pvh_block *block = host_memory(host.handoff.argument, sizeof(*block));
	const struct memmap_entry *entry = hostile_find(host.handoff.entry);

	REQUIRE(block != NULL && entry != NULL && entry->type == MEMMAP_KERNEL);
	hostile_add_part(host.handoff.argument, sizeof(*block), MEMMAP_BOOT_DATA);
	add_cmdline(le64_get(block->start_info.cmdline_paddr));
	if (le32_get(block->start_info.nr_modules) != 0)
		hostile_add_part(le64_get(block->module.paddr), le64_get(block->module.size),
				 MEMMAP_INITRD);
	check_map(block->memmap, le32_get(block->start_info.memmap_entries),
		  sizeof(block->memmap[0]));
}

static void make_image(void)
{
	for (size_t i = 0; image[1] == 0 && i < sizeof(image); i++)
		image[i] = (uint8_t)(i * 7 + i / 256);
	for (size_t i = 0; i < sizeof(initrd); i++)
		initrd[i] = (uint8_t)(i * 11 + 3);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct input input = {bytes, size};
	enum host_end end;

	make_image();
	const struct arch_entry entry = make_machine(&input);
	if (!hostile_boot(&entry, &end))
		return 0;
	if (end == HOST_HANDOFF && host.handoff.mode == ARCH_MODE_PVH)
		check_pvh();
	else if (end == HOST_HANDOFF && host.handoff.mode == ARCH_MODE_REAL)
		REQUIRE(host.handoff.entry < MIB);
	else if (end == HOST_HANDOFF)
		check_linux();
	hostile_check_writes(is_allowed);
	if (entry.kind == ARCH_ENTRY_PVH)
		REQUIRE(memcmp(host_memory(MIB, sizeof(image)), image, sizeof(image)) == 0);
	return 0;
}
