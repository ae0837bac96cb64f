/* SPDX-License-Identifier: BSD-2-Clause */
#include <libfdt.h>
#include <string.h>

#include "arch/handoff.h"
#include "boot/boot.h"
#include "efi/handover.h"
#include "fwcfg/fwcfg.h"
#include "hostile.h"
#include "lib/endian.h"

/*
 * The same on AArch64 as fuzz_boot.c: a byte that says which machine, a byte of OPTIONS, and the
 * records of hostile.c. The device tree is one that QEMU has written, at the start of RAM; it
 * changes while it is read, when the input says so.
 */

static const struct {
	const char *recording;
	const char *tree;
	enum host_fwcfg_kind fwcfg;
} machines[] = {
	{"fwcfg/virt-7.2", "fdt/virt-7.2.dtb", HOST_FWCFG_QEMU},
	{"fwcfg/virt-10.0", "fdt/virt-7.2.dtb", HOST_FWCFG_QEMU},
	{NULL, "fdt/virt-7.2.dtb", HOST_FWCFG_QEMU},
	{NULL, "fdt/virt-7.2-numa.dtb", HOST_FWCFG_QEMU},
	{NULL, "fdt/virt-7.2.dtb", HOST_FWCFG_CLOUD_HYPERVISOR},
};
#define MACHINES (sizeof(machines) / sizeof(machines[0]))

enum options {
	LEGACY_ITEMS = 0x01, /* in the place of the files */
	IN_MEMORY = 0x02,    /* where /chosen says */
	WITHOUT_STUB = 0x04, /* a kernel that takes no ACPI */
	ACPI_OFF = 0x08,
	IMAGE_IN_RAM = 0x10,
	NO_INITRD = 0x20,
	NO_PAYLOAD = 0x40, /* but what records have */
	RESERVED_MEMORY = 0x80,
};

/* As machine_arm.h has it, but less RAM, since all of it is looked through. */
#define MIB         0x100000ul
#define RAM         0x40000000ul
#define RAM_SIZE    (32 * MIB)
#define FWCFG       0x09020000ul
#define WORK_SIZE   0x1b000ul
#define GUARD       0x11000
#define OTHER_GUARD 0x19000
#define IMAGE       (RAM + 8 * MIB)
#define IMAGE_SIZE  0x10000
#define KERNEL_AT   (RAM + 12 * MIB) /* IN_MEMORY */
#define INITRD_AT   (RAM + 14 * MIB)
#define RESERVED    (RAM + 4 * MIB)
#define TREE_MAX    0x10000

#define KERNEL_SIZE 20000
#define INITRD_SIZE 5000
#define CMDLINE     "console=ttyAMA0 quiet"
#define NO_ACPI     CMDLINE " acpi=off"

#define EFI_CONVENTIONAL_MEMORY 7

/*
 * What the firmware copies before it looks at it. The tree is read where it lies, in memory that is
 * the guest's alone where a VMM cannot change all of that, the firmware's own stack too.
 */
#define CHANGEABLE_SIZE (INITRD_AT + MIB - KERNEL_AT)

static uint8_t image[IMAGE_SIZE];
static uint8_t kernel[KERNEL_SIZE];
static uint8_t initrd[INITRD_SIZE];

/* booting.rst, 4 */
static void make_files(unsigned options)
{
	const struct le64 memory_size = le64_of(MIB), flags = le64_of(0xa);

	for (size_t i = 0; i < sizeof(image); i++)
		image[i] = (uint8_t)(i * 7 + i / 256);
	for (size_t i = 0; i < sizeof(kernel); i++)
		kernel[i] = (uint8_t)(i * 13 + 5);
	for (size_t i = 0; i < sizeof(initrd); i++)
		initrd[i] = (uint8_t)(i * 11 + 3);
	memcpy(image + 56, "ARM\x64", 4);
	memset(kernel, 0, 64);
	memcpy(kernel, (options & WITHOUT_STUB) != 0 ? "\x1f\x20\x03\xd5" : "MZ\x40\xfa", 4);
	memcpy(kernel + 16, &memory_size, sizeof(memory_size));
	memcpy(kernel + 24, &flags, sizeof(flags));
	memcpy(kernel + 56, "ARM\x64", 4);
}

static void add_sized(uint16_t size_key, uint16_t key, const void *bytes, size_t size)
{
	host_fwcfg_integer(size_key, 4, (uint32_t)size);
	host_fwcfg_item(key, bytes, size);
}

static void add_payload(unsigned options)
{
	const char *cmdline = (options & ACPI_OFF) != 0 ? NO_ACPI : CMDLINE;
	size_t initrd_size = (options & NO_INITRD) != 0 ? 0 : sizeof(initrd);

	if ((options & NO_PAYLOAD) != 0)
		return;
	if ((options & IN_MEMORY) != 0) {
		hostile_put(KERNEL_AT, kernel, sizeof(kernel));
		hostile_put(INITRD_AT, initrd, sizeof(initrd));
	} else if ((options & LEGACY_ITEMS) != 0) {
		add_sized(FWCFG_KERNEL_SIZE, FWCFG_KERNEL_DATA, kernel, sizeof(kernel));
		add_sized(FWCFG_INITRD_SIZE, FWCFG_INITRD_DATA, initrd, initrd_size);
		add_sized(FWCFG_CMDLINE_SIZE, FWCFG_CMDLINE_DATA, cmdline, strlen(cmdline) + 1);
	} else {
		host_fwcfg_file("opt/org.slipway/kernel", kernel, sizeof(kernel));
		host_fwcfg_file("opt/org.slipway/initrd", initrd, initrd_size);
		host_fwcfg_file("opt/org.slipway/cmdline", cmdline, strlen(cmdline));
	}
}

static void set_chosen(void *tree)
{
	int chosen = fdt_path_offset(tree, "/chosen");

	REQUIRE(chosen >= 0);
	REQUIRE(fdt_setprop_u64(tree, chosen, "linux,kernel-start", KERNEL_AT) == 0);
	REQUIRE(fdt_setprop_u64(tree, chosen, "linux,kernel-size", KERNEL_SIZE) == 0);
	REQUIRE(fdt_setprop_u64(tree, chosen, "linux,initrd-start", INITRD_AT) == 0);
	REQUIRE(fdt_setprop_u64(tree, chosen, "linux,initrd-end", INITRD_AT + INITRD_SIZE) == 0);
	REQUIRE(fdt_setprop_string(tree, chosen, "bootargs", CMDLINE) == 0);
}

static void set_reg(void *tree, int node, uint64_t start, uint64_t size)
{
	const struct be64 reg[2] = {be64_of(start), be64_of(size)};

	REQUIRE(fdt_setprop(tree, node, "reg", reg, sizeof(reg)) == 0);
}

/* Halves, since one tree has two nodes; the other's second half is nobody's. */
static void set_memory(void *tree)
{
	const uint64_t half = RAM_SIZE / 2;
	uint64_t start = RAM;

	for (int node = fdt_next_node(tree, 0, NULL); node >= 0;
	     node = fdt_next_node(tree, node, NULL)) {
		const char *type = fdt_getprop(tree, node, "device_type", NULL);
		if (type == NULL || strcmp(type, "memory") != 0)
			continue;
		set_reg(tree, node, start, half);
		start += half;
	}
}

static void reserve_memory(void *tree)
{
	int node = fdt_add_subnode(tree, 0, "reserved-memory");

	REQUIRE(node >= 0 && fdt_setprop_u32(tree, node, "#address-cells", 2) == 0);
	REQUIRE(fdt_setprop_u32(tree, node, "#size-cells", 2) == 0);
	REQUIRE(fdt_setprop_empty(tree, node, "ranges") == 0);
	node = fdt_add_subnode(tree, node, "area@40400000");
	REQUIRE(node >= 0);
	set_reg(tree, node, RESERVED, MIB);
	REQUIRE(fdt_add_mem_rsv(tree, RESERVED + MIB, MIB) == 0);
}

static void put_tree(unsigned which, unsigned options)
{
	static uint8_t tree[TREE_MAX];
	size_t size;
	const uint8_t *bytes = hostile_data(machines[which].tree, &size);

	REQUIRE(fdt_open_into(bytes, tree, sizeof(tree)) == 0);
	set_memory(tree);
	if (machines[which].fwcfg == HOST_FWCFG_CLOUD_HYPERVISOR)
		set_reg(tree, fdt_path_offset(tree, "/fw-cfg@9020000"), FWCFG, 16);
	if ((options & IN_MEMORY) != 0)
		set_chosen(tree);
	if ((options & RESERVED_MEMORY) != 0)
		reserve_memory(tree);
	REQUIRE(fdt_pack(tree) == 0);
	hostile_put(RAM, tree, fdt_totalsize(tree));
}

static void place_image(unsigned options)
{
	host.work_area = (struct arch_range){RAM + 2 * MIB - WORK_SIZE, WORK_SIZE};
	if ((options & IMAGE_IN_RAM) != 0) {
		host_image_in_ram(IMAGE, image, sizeof(image));
		host.work_area.start = IMAGE + IMAGE_SIZE;
	}
	host_refuse_map(host.work_area.start + GUARD, HOST_PAGE);
	host_refuse_map(host.work_area.start + OTHER_GUARD, HOST_PAGE);
}

static void make_machine(struct input *input)
{
	unsigned which = input_byte(input) % MACHINES, options = input_byte(input);

	hostile_new();
	host.map_end = 1ul << 39;
	host.page_sizes = 0x1000 | 0x10000;
	host_add_ram_in_place(RAM, RAM_SIZE);
	host_add_mmio_fwcfg(machines[which].fwcfg, FWCFG);
	make_files(options);
	add_payload(options);
	if (machines[which].recording != NULL)
		hostile_add_recording(machines[which].recording, 0);
	put_tree(which, options);
	hostile_begin(input, KERNEL_AT, CHANGEABLE_SIZE);
	place_image(options);
}

/* In flash the image is at 0, where a process has nothing. */
bool __real_boot_is_this_firmware(const void *head, size_t size);
bool __wrap_boot_is_this_firmware(const void *head, size_t size);

bool __wrap_boot_is_this_firmware(const void *head, size_t size)
{
	struct arch_range place = host.image;

	if (place.start == 0)
		host_image_in_rom(image, sizeof(image));
	bool result = __real_boot_is_this_firmware(head, size);
	host.image = place;
	return result;
}

/* -- what the kernel gets ------------------------------------------------------------------ */

static uint64_t chosen_number(const void *tree, const char *name)
{
	int size, chosen = fdt_path_offset(tree, "/chosen");
	const void *value = chosen < 0 ? NULL : fdt_getprop(tree, chosen, name, &size);
	struct be64 wide;
	struct be32 word;

	if (value == NULL)
		return 0;
	REQUIRE(size == sizeof(wide) || size == sizeof(word));
	if (size == sizeof(word)) {
		memcpy(&word, value, sizeof(word));
		return be32_get(word);
	}
	memcpy(&wide, value, sizeof(wide));
	return be64_get(wide);
}

/* Descriptors in order, without overlaps; free memory is RAM that nobody has (UEFI 7.2.3). */
static void check_efi_map(uint64_t start, uint64_t size)
{
	const uint8_t *map = host_memory(start, size);
	uint64_t last = 0;

	REQUIRE(map != NULL && size > 0 && size % EFI_DESCRIPTOR_SIZE == 0);
	hostile_add_part(start, size, MEMMAP_BOOT_DATA);
	for (uint64_t at = 0; at < size; at += EFI_DESCRIPTOR_SIZE) {
		struct le32 type;
		struct le64 address, pages;
		memcpy(&type, map + at, sizeof(type));
		memcpy(&address, map + at + 8, sizeof(address));
		memcpy(&pages, map + at + 24, sizeof(pages));
		uint64_t from = le64_get(address), length = le64_get(pages) * PAGE_SIZE;
		REQUIRE(from % PAGE_SIZE == 0 && length > 0 && from >= last);
		if (le32_get(type) == EFI_CONVENTIONAL_MEMORY)
			REQUIRE(hostile_is_for_kernel(from, length, MEMMAP_RAM));
		last = from + length;
	}
}

static void check_handoff(void)
{
	const struct arch_handoff *handoff = &host.handoff;
	const void *tree = host_memory(handoff->argument, sizeof(struct fdt_header));

	REQUIRE(handoff->mode == ARCH_MODE_LINUX_ARM64 && tree != NULL);
	hostile_add_part(handoff->entry, handoff->used[0].size, MEMMAP_KERNEL);
	REQUIRE(handoff->argument % 8 == 0 && fdt_check_header(tree) == 0);
	hostile_add_part(handoff->argument, fdt_totalsize(tree), MEMMAP_BOOT_DATA);
	/* The VMM's own tree is what that makes of it. */
	uint64_t map = chosen_number(tree, "linux,uefi-mmap-start");
	if (map == 0)
		return;
	REQUIRE(fdt_check_full(tree, fdt_totalsize(tree)) == 0);
	uint64_t start = chosen_number(tree, "linux,initrd-start");
	uint64_t end = chosen_number(tree, "linux,initrd-end");
	if (start != end)
		hostile_add_part(start, end - start, MEMMAP_INITRD);
	check_efi_map(map, chosen_number(tree, "linux,uefi-mmap-size"));
}

static bool is_allowed(uint64_t address)
{
	return host.image.start == IMAGE && address >= IMAGE && address < IMAGE + IMAGE_SIZE;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const struct arch_entry entry = {ARCH_ENTRY_FDT, RAM};
	struct input input = {bytes, size};
	enum host_end end;

	make_machine(&input);
	if (!hostile_boot(&entry, &end))
		return 0;
	if (end == HOST_HANDOFF)
		check_handoff();
	hostile_check_writes(is_allowed);
	return 0;
}
