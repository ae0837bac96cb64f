/* SPDX-License-Identifier: BSD-2-Clause */
#include "machine_arm.h"

#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>

#include "arch/entry.h"
#include "arch/machine.h"
#include "boot/boot.h"
#include "efi/handover.h"
#include "loader/arm64.h"
#include "unit.h"

#define PUTS_MAX 8

/* In the work area, which the firmware has to leave alone: arch/aarch64/layout.h. */
#define STACK_GUARD           0x11000
#define EXCEPTION_STACK_GUARD 0x19000

struct arm_tree arm_tree;
struct memmap arm_map;
uint8_t arm_image[0x10000];

static struct arch_range puts_done[PUTS_MAX];
static size_t puts_count;
static uint8_t *tree_at_start; /* what the firmware was given */
static size_t tree_size;

/* -- the machine ----------------------------------------------------------------- */

static void new_machine(uint64_t size)
{
	host_reset();
	puts_count = 0;
	host.map_end = 1ul << 39;
	host.page_sizes = 0x1000 | 0x10000;
	host_add_ram_in_place(ARM_RAM, size);
	for (size_t i = 0; i < sizeof(arm_image); i++)
		arm_image[i] = (uint8_t)(i * 7 + i / 256);
	memcpy(arm_image + IMAGE_MAGIC, "ARM\x64", 4);
	for (size_t i = 0; i < HOST_RANDOM_MAX; i++)
		host.random[i] = 0x0101010101010101ul * (i + 1);
	host.random_left = HOST_RANDOM_MAX;
	arm_tree = (struct arm_tree){
		.address = ARM_RAM,
		.totalsize = MIB,
		.memory = {{ARM_RAM, size}},
		.pl011 = {ARM_PL011, 0x1000},
		.psci = "hvc",
		.stdout_path = "/pl011@9000000",
	};
}

void arm_new_without_fwcfg(uint64_t size)
{
	new_machine(size);
	host.work_area = (struct arch_range){ARM_RAM + 2 * MIB - ARM_WORK_SIZE, ARM_WORK_SIZE};
}

void arm_new(uint64_t size, enum host_fwcfg_kind kind)
{
	arm_new_without_fwcfg(size);
	arm_tree.fwcfg = kind == HOST_FWCFG_QEMU ? (struct arch_range){ARM_FWCFG, 24}
						 : (struct arch_range){ARM_FWCFG_CH, 16};
	host_add_mmio_fwcfg(kind, arm_tree.fwcfg.start);
}

void arm_add_ram(uint64_t start, uint64_t size)
{
	size_t i = 0;

	while (arm_tree.memory[i].size != 0)
		i++;
	assert_true(i < ARM_RANGES_MAX);
	arm_tree.memory[i] = (struct arch_range){start, size};
	if (start + size <= HOST_IN_PLACE_END)
		host_add_ram_in_place(start, size);
	else
		host_add_ram(start, size);
}

void arm_image_in_ram(uint64_t address)
{
	host_image_in_ram(address, arm_image, sizeof(arm_image));
	host.work_area.start = address + sizeof(arm_image);
}

void arm_put(uint64_t address, const void *bytes, size_t size)
{
	void *place = host_edit(address, size);

	assert_true(puts_count < PUTS_MAX);
	assert_non_null(place);
	memcpy(place, bytes, size);
	puts_done[puts_count++] = (struct arch_range){address, size};
}

/* -- the tree -------------------------------------------------------------------- */

#define OK(call) assert_int_equal((call), 0)

static void write_string(void *fdt, const char *name, const char *text)
{
	OK(fdt_property(fdt, name, text, (int)strlen(text) + 1));
}

static void write_cells(void *fdt, const char *name, const struct arch_range *ranges)
{
	fdt64_t cells[2 * ARM_RANGES_MAX];
	size_t count = 0;

	for (size_t i = 0; i < ARM_RANGES_MAX && ranges[i].size != 0; i++) {
		cells[count++] = cpu_to_fdt64(ranges[i].start);
		cells[count++] = cpu_to_fdt64(ranges[i].size);
	}
	OK(fdt_property(fdt, name, cells, (int)(count * sizeof(cells[0]))));
}

static void write_reg(void *fdt, struct arch_range range)
{
	struct arch_range ranges[ARM_RANGES_MAX] = {range};

	write_cells(fdt, "reg", ranges);
}

static void begin_device(void *fdt, const char *name, uint64_t address)
{
	char text[40];

	snprintf(text, sizeof(text), "%s@%lx", name, address);
	OK(fdt_begin_node(fdt, text));
}

static void write_device(void *fdt, const char *name, const char *compatible,
			 struct arch_range range)
{
	if (range.size == 0)
		return;
	begin_device(fdt, name, range.start);
	write_string(fdt, "compatible", compatible);
	write_reg(fdt, range);
	if (strcmp(name, "serial") == 0 && arm_tree.reg_shift != 0)
		OK(fdt_property_u32(fdt, "reg-shift", arm_tree.reg_shift));
	OK(fdt_end_node(fdt));
}

/* QEMU's hw/core/sysbus-fdt.c: a bus with addresses and sizes of one cell. */
static void write_tpm(void *fdt)
{
	const uint64_t at = arm_tree.tpm.start;
	const fdt32_t ranges[] = {0, cpu_to_fdt32((uint32_t)(at >> 32)), cpu_to_fdt32((uint32_t)at),
				  cpu_to_fdt32(0x2000000)};
	const fdt32_t reg[] = {0, cpu_to_fdt32((uint32_t)arm_tree.tpm.size)};

	if (arm_tree.tpm.size == 0)
		return;
	begin_device(fdt, "platform-bus", at);
	OK(fdt_property(fdt, "compatible", "qemu,platform\0simple-bus", 25));
	OK(fdt_property(fdt, "ranges", ranges, sizeof(ranges)));
	OK(fdt_property_u32(fdt, "#address-cells", 1));
	OK(fdt_property_u32(fdt, "#size-cells", 1));
	OK(fdt_begin_node(fdt, "tpm_tis@0"));
	write_string(fdt, "compatible", "tcg,tpm-tis-mmio");
	OK(fdt_property(fdt, "reg", reg, sizeof(reg)));
	OK(fdt_end_node(fdt));
	OK(fdt_end_node(fdt));
}

static void write_module(void *fdt, const char *kind, struct arch_range range, const char *bootargs)
{
	char compatible[40];
	int length;

	if (range.size == 0)
		return;
	begin_device(fdt, "module", range.start);
	length = snprintf(compatible, sizeof(compatible), "multiboot,%s", kind) + 1;
	length += snprintf(compatible + length, sizeof(compatible) - (size_t)length,
			   "multiboot,module") +
		  1;
	OK(fdt_property(fdt, "compatible", compatible, length));
	write_reg(fdt, range);
	if (bootargs != NULL)
		write_string(fdt, "bootargs", bootargs);
	OK(fdt_end_node(fdt));
}

static void write_chosen(void *fdt)
{
	const struct arm_tree *tree = &arm_tree;

	OK(fdt_begin_node(fdt, "chosen"));
	if (tree->kernel.size != 0) {
		OK(fdt_property_u64(fdt, "linux,kernel-start", tree->kernel.start));
		OK(fdt_property_u64(fdt, "linux,kernel-size", tree->kernel.size));
	}
	if (tree->initrd.size != 0) {
		OK(fdt_property_u64(fdt, "linux,initrd-start", tree->initrd.start));
		OK(fdt_property_u64(fdt, "linux,initrd-end",
				    tree->initrd.start + tree->initrd.size));
	}
	if (tree->bootargs != NULL)
		write_string(fdt, "bootargs", tree->bootargs);
	if (tree->stdout_path != NULL)
		write_string(fdt, "stdout-path", tree->stdout_path);
	if (tree->kaslr_seed != NULL)
		OK(fdt_property(fdt, "kaslr-seed", tree->kaslr_seed, 8));
	if (tree->rng_seed != NULL)
		OK(fdt_property(fdt, "rng-seed", tree->rng_seed, 32));
	if (tree->has_hash_table) {
		const fdt64_t cells[] = {cpu_to_fdt64(tree->hash_table.start),
					 cpu_to_fdt64(tree->hash_table.size)};
		OK(fdt_property(fdt, "slipway,hash-table", cells, sizeof(cells)));
	}
	write_module(fdt, "kernel", tree->kernel_module, tree->module_bootargs);
	write_module(fdt, "ramdisk", tree->initrd_module, NULL);
	OK(fdt_end_node(fdt));
}

static void write_reserved_memory(void *fdt)
{
	const struct arch_range *ranges = arm_tree.reserved_memory;

	if (ranges[0].size == 0)
		return;
	OK(fdt_begin_node(fdt, "reserved-memory"));
	OK(fdt_property_u32(fdt, "#address-cells", 2));
	OK(fdt_property_u32(fdt, "#size-cells", 2));
	OK(fdt_property(fdt, "ranges", NULL, 0));
	for (size_t i = 0; i < ARM_RANGES_MAX && ranges[i].size != 0; i++) {
		begin_device(fdt, "area", ranges[i].start);
		write_reg(fdt, ranges[i]);
		OK(fdt_end_node(fdt));
	}
	OK(fdt_end_node(fdt));
}

uint8_t *arm_write_tree(void)
{
	const struct arm_tree *tree = &arm_tree;
	int room = 0x200000;
	void *fdt = calloc(1, (size_t)room);

	assert_non_null(fdt);
	OK(fdt_create(fdt, room));
	for (size_t i = 0; i < ARM_RANGES_MAX && tree->reserve_map[i].size != 0; i++)
		OK(fdt_add_reservemap_entry(fdt, tree->reserve_map[i].start,
					    tree->reserve_map[i].size));
	OK(fdt_finish_reservemap(fdt));
	OK(fdt_begin_node(fdt, ""));
	OK(fdt_property_u32(fdt, "#address-cells", 2));
	OK(fdt_property_u32(fdt, "#size-cells", 2));
	write_string(fdt, "compatible", "linux,dummy-virt");
	if (tree->psci != NULL) {
		OK(fdt_begin_node(fdt, "psci"));
		write_string(fdt, "compatible", "arm,psci-1.0");
		write_string(fdt, "method", tree->psci);
		OK(fdt_end_node(fdt));
	}
	if (tree->memory[0].size != 0) {
		begin_device(fdt, "memory", tree->memory[0].start);
		write_string(fdt, "device_type", "memory");
		write_cells(fdt, "reg", tree->memory);
		OK(fdt_end_node(fdt));
	}
	write_device(fdt, "fw-cfg", "qemu,fw-cfg-mmio", tree->fwcfg);
	write_device(fdt, "pl011", "arm,pl011", tree->pl011);
	write_device(fdt, "serial", "ns16550a", tree->ns16550);
	write_tpm(fdt);
	write_reserved_memory(fdt);
	if (!tree->without_chosen)
		write_chosen(fdt);
	OK(fdt_end_node(fdt));
	OK(fdt_finish(fdt));
	if (tree->totalsize != 0) {
		assert_true(fdt_totalsize(fdt) <= tree->totalsize);
		fdt_set_totalsize(fdt, tree->totalsize);
	}
	arm_put(tree->address, fdt, fdt_totalsize(fdt));
	tree_size = fdt_totalsize(fdt);
	free(fdt);
	return host_edit(tree->address, tree_size);
}

/* -- running it ------------------------------------------------------------------ */

/* The map is one of boot_main()'s variables, seen at the end. */
_Noreturn void __real_arch_handoff(const struct arch_handoff *handoff);
_Noreturn void __wrap_arch_handoff(const struct arch_handoff *handoff);
_Noreturn void __real_arch_fatal(const char *stage, enum status status, const char *reason);
_Noreturn void __wrap_arch_fatal(const char *stage, enum status status, const char *reason);
bool __real_boot_is_this_firmware(const void *head, size_t size);
bool __wrap_boot_is_this_firmware(const void *head, size_t size);

_Noreturn void __wrap_arch_handoff(const struct arch_handoff *handoff)
{
	arm_map = *host.map;
	__real_arch_handoff(handoff);
}

_Noreturn void __wrap_arch_fatal(const char *stage, enum status status, const char *reason)
{
	arm_map = *host.map;
	__real_arch_fatal(stage, status, reason);
}

/* In flash the image is at 0, where a process has nothing. */
bool __wrap_boot_is_this_firmware(const void *head, size_t size)
{
	struct arch_range image = host.image;

	if (image.start == 0)
		host_image_in_rom(arm_image, sizeof(arm_image));
	bool result = __real_boot_is_this_firmware(head, size);
	host.image = image;
	return result;
}

static void run_boot_main(void *argument)
{
	boot_main(argument);
}

enum host_end arm_start(void)
{
	struct arch_entry entry = {ARCH_ENTRY_FDT, arm_tree.address};
	const void *tree = host_memory(arm_tree.address, tree_size);

	host_refuse_map(host.work_area.start + STACK_GUARD, HOST_PAGE);
	host_refuse_map(host.work_area.start + EXCEPTION_STACK_GUARD, HOST_PAGE);
	free(tree_at_start);
	tree_at_start = NULL;
	if (tree != NULL && tree_size != 0) {
		tree_at_start = malloc(tree_size);
		assert_non_null(tree_at_start);
		memcpy(tree_at_start, tree, tree_size);
	}
	return host_run(run_boot_main, &entry);
}

enum host_end arm_boot(void)
{
	arm_write_tree();
	return arm_start();
}

/* -- kernels --------------------------------------------------------------------- */

struct arm_kernel arm_kernel_make(size_t size, uint64_t memory_size)
{
	struct arm_kernel kernel = {malloc(size), size, memory_size, 0};

	assert_non_null(kernel.bytes);
	assert_true(size >= 64);
	unit_random_bytes(kernel.bytes, size);
	memset(kernel.bytes, 0, 64);
	memcpy(kernel.bytes, "MZ\x40\xfa", 4);
	put64(kernel.bytes + IMAGE_IMAGE_SIZE, memory_size);
	put64(kernel.bytes + IMAGE_FLAGS, 0xa);
	memcpy(kernel.bytes + IMAGE_MAGIC, "ARM\x64", 4);
	return kernel;
}

void arm_kernel_free(struct arm_kernel *kernel)
{
	free(kernel->bytes);
	kernel->bytes = NULL;
}

/* -- what was written ------------------------------------------------------------ */

static bool is_in(const struct arch_range *ranges, size_t count, uint64_t address)
{
	for (size_t i = 0; i < count && ranges[i].size != 0; i++) {
		if (address >= ranges[i].start && address - ranges[i].start < ranges[i].size)
			return true;
	}
	return false;
}

/* What was claimed, but not where the VMM says that others have their memory. */
static bool may_write(void *context, uint64_t address)
{
	(void)context;
	if (is_in(puts_done, puts_count, address))
		return true;
	if (is_in(arm_tree.reserve_map, ARM_RANGES_MAX, address) ||
	    is_in(arm_tree.reserved_memory, ARM_RANGES_MAX, address))
		return false;
	for (size_t i = 0; i < arm_map.count; i++) {
		const struct memmap_entry *entry = &arm_map.entry[i];
		if (address >= entry->start && address < entry->end)
			return entry->type != MEMMAP_RAM;
	}
	return false;
}

/* As it was, or, once a kernel has been entered, without its seeds. */
static void check_tree_of_vmm(void)
{
	static const char *const seeds[] = {"kaslr-seed", "rng-seed"};
	uint8_t *expected = malloc(tree_size);

	assert_non_null(expected);
	memcpy(expected, tree_at_start, tree_size);
	for (size_t i = 0; i < COUNT(seeds) && host.handoff.entry != 0; i++) {
		int size;
		int chosen = fdt_path_offset(expected, "/chosen");
		void *seed = chosen < 0 ? NULL : fdt_getprop_w(expected, chosen, seeds[i], &size);
		if (seed != NULL)
			memset(seed, 0, (size_t)size);
	}
	assert_memory_equal(host_memory(arm_tree.address, tree_size), expected, tree_size);
	free(expected);
}

void arm_check_writes(void)
{
	uint64_t found;

	if (host_find_change(may_write, NULL, &found))
		fail_msg("the byte at 0x%lx was written, and is nobody's", found);
	if (tree_at_start != NULL)
		check_tree_of_vmm();
}

bool arm_is_claimed(uint64_t start, uint64_t size, enum memmap_type type)
{
	for (size_t i = 0; i < arm_map.count && size > 0; i++) {
		const struct memmap_entry *entry = &arm_map.entry[i];
		if (start < entry->start || start >= entry->end || entry->type != type)
			continue;
		uint64_t piece = entry->end - start < size ? entry->end - start : size;
		start += piece;
		size -= piece;
	}
	return size == 0;
}

/* -- what the kernel got --------------------------------------------------------- */

static const void *told_tree(void)
{
	const void *fdt = host_memory(host.handoff.argument, 8);

	assert_non_null(fdt);
	assert_int_equal(fdt_magic(fdt), FDT_MAGIC);
	assert_in_range(fdt_totalsize(fdt), 40, 2 * MIB);
	assert_non_null(host_memory(host.handoff.argument, fdt_totalsize(fdt)));
	return fdt;
}

static const uint8_t *chosen(const char *name, int *ret_length)
{
	const void *fdt = told_tree();
	int node = fdt_path_offset(fdt, "/chosen");

	assert_true(node >= 0);
	return fdt_getprop(fdt, node, name, ret_length);
}

static const uint8_t *chosen_of(const char *name, int length)
{
	int found;
	const uint8_t *value = chosen(name, &found);

	if (value == NULL)
		fail_msg("/chosen has no %s", name);
	if (found != length)
		fail_msg("/chosen has a %s of %d bytes, not %d", name, found, length);
	return value;
}

static uint32_t chosen_u32(const char *name)
{
	return __builtin_bswap32(get32(chosen_of(name, 4)));
}

static uint64_t chosen_u64(const char *name)
{
	return __builtin_bswap64(get64(chosen_of(name, 8)));
}

static void check_absent(const char *name)
{
	if (chosen(name, NULL) != NULL)
		fail_msg("/chosen has %s", name);
}

bool arm_has_acpi(void)
{
	return chosen("linux,uefi-system-table", NULL) != NULL;
}

uint64_t arm_initrd(void)
{
	return chosen("linux,initrd-start", NULL) != NULL ? chosen_u64("linux,initrd-start") : 0;
}

static bool is_cleaned(uint64_t start, uint64_t size)
{
	for (size_t i = 0; i < ARCH_HANDOFF_RANGES; i++) {
		const struct arch_range *range = &host.handoff.used[i];
		if (start >= range->start && start + size <= range->start + range->size)
			return true;
	}
	return false;
}

static void check_cleaned(const char *what, uint64_t start, uint64_t size)
{
	if (!is_cleaned(start, size))
		fail_msg("%s, 0x%lx + 0x%lx, was not cleaned", what, start, size);
}

/* All of it is RAM that somebody claimed. */
static void check_kept(const char *what, uint64_t start, uint64_t size, enum memmap_type type)
{
	if (!arm_is_claimed(start, size, type))
		fail_msg("%s, 0x%lx + 0x%lx, was not claimed", what, start, size);
}

static void check_seed(const char *name, const uint8_t *seed, int size)
{
	if (seed == NULL)
		check_absent(name);
	else
		assert_memory_equal(chosen_of(name, size), seed, (size_t)size);
}

static void check_payload(const struct arm_expected *expected)
{
	const struct arm_kernel *kernel = expected->kernel;
	const struct arch_handoff *handoff = &host.handoff;
	uint64_t memory =
		kernel->memory_size > kernel->size ? kernel->memory_size : (uint64_t)kernel->size;

	assert_int_equal(handoff->mode, ARCH_MODE_LINUX_ARM64);
	assert_int_equal(handoff->entry % ARM64_BASE_ALIGNMENT, kernel->text_offset);
	assert_non_null(host_memory(handoff->entry, memory));
	assert_memory_equal(host_memory(handoff->entry, kernel->size), kernel->bytes, kernel->size);
	check_kept("the kernel", handoff->entry, memory, MEMMAP_KERNEL);
	check_cleaned("the kernel", handoff->entry, kernel->size);

	/* booting.rst, 2 */
	const void *fdt = told_tree();
	assert_int_equal(handoff->argument % 8, 0);
	assert_int_equal(fdt_check_full(fdt, fdt_totalsize(fdt)), 0);
	check_kept("the tree", handoff->argument, fdt_totalsize(fdt), MEMMAP_BOOT_DATA);
	check_cleaned("the tree", handoff->argument, fdt_totalsize(fdt));
	check_seed("kaslr-seed", expected->kaslr_seed, 8);
	check_seed("rng-seed", expected->rng_seed, 32);

	if (expected->initrd_size == 0) {
		check_absent("linux,initrd-start");
		check_absent("linux,initrd-end");
	} else {
		uint64_t initrd = chosen_u64("linux,initrd-start");
		size_t size = expected->initrd_size;
		assert_int_equal(chosen_u64("linux,initrd-end"), initrd + size);
		assert_non_null(host_memory(initrd, size));
		assert_memory_equal(host_memory(initrd, size), expected->initrd, size);
		check_kept("the initrd", initrd, size, MEMMAP_INITRD);
		assert_false(is_cleaned(initrd, 1));
		uint64_t window = (initrd < handoff->entry ? initrd : handoff->entry) / GIB * GIB;
		assert_true(initrd + size - window <= 32 * GIB &&
			    handoff->entry + memory - window <= 32 * GIB);
	}
	arm_check_writes();
	assert_int_equal(host.fwcfg.long_reads, 0);
}

/* -- ACPI ------------------------------------------------------------------------ */

static const uint8_t *efi_map;
static size_t efi_map_size;
static uint64_t rsdp_told, smbios_told, rt_properties_told, event_log_told;

static const uint8_t *efi_descriptor(uint64_t address)
{
	for (size_t at = 0; at < efi_map_size; at += EFI_DESCRIPTOR_SIZE) {
		const uint8_t *entry = efi_map + at;
		if (address >= get64(entry + 8) &&
		    address - get64(entry + 8) < get64(entry + 24) * HOST_PAGE)
			return entry;
	}
	return NULL;
}

int arm_efi_type(uint64_t address)
{
	const uint8_t *entry = efi_descriptor(address);

	return entry != NULL ? (int)get32(entry) : -1;
}

uint64_t arm_rsdp(void)
{
	return rsdp_told;
}

uint64_t arm_smbios(void)
{
	return smbios_told;
}

uint64_t arm_event_log(void)
{
	return event_log_told;
}

/* In one descriptor of this type: UEFI 7.2.3, 7 is free memory and 9 ACPI reclaim. */
static const uint8_t *check_efi(const char *what, uint64_t start, uint64_t size, uint32_t type)
{
	const uint8_t *entry = efi_descriptor(start);

	if (entry == NULL || get32(entry) != type ||
	    start + size > get64(entry + 8) + get64(entry + 24) * HOST_PAGE)
		fail_msg("%s, 0x%lx + 0x%lx, is not in one range of type %u", what, start, size,
			 type);
	const uint8_t *bytes = host_memory(start, size);
	assert_non_null(bytes);
	return bytes;
}

static void check_efi_map(void)
{
	efi_map_size = chosen_u32("linux,uefi-mmap-size");
	assert_int_equal(chosen_u32("linux,uefi-mmap-desc-size"), 40);
	assert_int_equal(chosen_u32("linux,uefi-mmap-desc-ver"), 1);
	assert_int_equal(chosen_u32("linux,uefi-secure-boot"), 2);
	uint64_t start = chosen_u64("linux,uefi-mmap-start");
	assert_true(efi_map_size > 0 && efi_map_size % EFI_DESCRIPTOR_SIZE == 0);
	efi_map = host_memory(start, efi_map_size);
	assert_non_null(efi_map);
	check_cleaned("the EFI memory map", start, efi_map_size);
	check_efi("the EFI memory map", start, efi_map_size, 7);

	for (size_t i = 0; i < ARM_RANGES_MAX; i++) {
		uint64_t at = arm_tree.memory[i].start;
		uint64_t end = at + arm_tree.memory[i].size;
		while (at < end) {
			const uint8_t *entry = efi_descriptor(at);
			if (entry == NULL)
				fail_msg("the RAM at 0x%lx is not in the EFI memory map", at);
			assert_int_equal(get64(entry + 32), 8);
			at = get64(entry + 8) + get64(entry + 24) * HOST_PAGE;
		}
	}
}

static void check_table(uint64_t at, const char *signature)
{
	const uint8_t *head = host_memory(at, 36);

	assert_non_null(head);
	if (signature != NULL)
		assert_memory_equal(head, signature, 4);
	check_efi("an ACPI table", at, get32(head + 4), 9);
	assert_int_equal(unit_sum(head, get32(head + 4)), 0);
}

static void check_rsdp(void)
{
	const uint8_t *rsdp = check_efi("the RSDP", rsdp_told, 36, 9);
	uint64_t xsdt = get64(rsdp + 24);

	assert_memory_equal(rsdp, "RSD PTR ", 8);
	assert_int_equal(unit_sum(rsdp, 20), 0);
	assert_int_equal(unit_sum(rsdp, 36), 0);
	check_table(xsdt, "XSDT");
	const uint8_t *bytes = host_memory(xsdt, 36);
	bool fadt = false;
	for (uint32_t at = 36; at < get32(bytes + 4); at += 8) {
		uint64_t table = get64(bytes + at);
		check_table(table, NULL);
		if (memcmp(host_memory(table, 4), "FACP", 4) == 0) {
			check_table(get64((const uint8_t *)host_memory(table, 148) + 140), "DSDT");
			fadt = true;
		}
	}
	assert_true(fadt);
}

static void check_smbios(void)
{
	const uint8_t *anchor = check_efi("the SMBIOS entry point", smbios_told, 24, 9);

	assert_memory_equal(anchor, "_SM3_", 5);
	assert_int_equal(unit_sum(anchor, 24), 0);
	const uint8_t *table =
		check_efi("the SMBIOS table", get64(anchor + 16), get32(anchor + 12), 9);
	assert_int_equal(table[0], 0);
}

static void check_efi_tables(void)
{
	static const uint8_t acpi_20[16] =
		"\x71\xe8\x68\x88\xf1\xe4\xd3\x11\xbc\x22\x00\x80\xc7\x3c\x88\x81";
	static const uint8_t smbios_3[16] =
		"\x44\x15\xfd\xf2\x94\x97\x2c\x4a\x99\x2e\xe5\xbb\xcf\x20\xe3\x94";
	static const uint8_t rt_properties[16] =
		"\x8a\x91\x66\xeb\xef\x7e\x2a\x40\x84\x2e\x93\x1d\x21\xc3\x8a\xe9";
	static const uint8_t event_log[16] =
		"\xb0\x9c\x79\xb7\xa2\xec\x43\x49\x96\x67\x1f\xae\x07\xb7\x47\xfa";
	uint64_t address = chosen_u64("linux,uefi-system-table");
	const uint8_t *system = check_efi("the EFI system table", address, 120, 9);

	assert_memory_equal(system, "IBI SYST", 8);
	assert_int_equal(get32(system + 8), 2u << 16 | 70);
	assert_int_equal(get64(system + 88), 0);
	check_cleaned("the EFI system table", address, 120);
	check_efi("the vendor", get64(system + 24), 16, 9);
	check_cleaned("the vendor", get64(system + 24), 200);
	uint64_t count = get64(system + 104), tables = get64(system + 112);
	assert_in_range(count, 1, 8);
	const uint8_t *table = check_efi("the configuration tables", tables, 24 * count, 9);
	check_cleaned("the configuration tables", tables, 24 * count);
	rsdp_told = smbios_told = rt_properties_told = event_log_told = 0;
	for (; count > 0; count--, table += 24) {
		if (memcmp(table, acpi_20, 16) == 0)
			rsdp_told = get64(table + 16);
		else if (memcmp(table, smbios_3, 16) == 0)
			smbios_told = get64(table + 16);
		else if (memcmp(table, rt_properties, 16) == 0)
			rt_properties_told = get64(table + 16);
		else if (memcmp(table, event_log, 16) == 0)
			event_log_told = get64(table + 16);
	}
	if (event_log_told != 0)
		check_efi("the event log", event_log_told,
			  9ul + get32(check_efi("its head", event_log_told, 9, 9)), 9);
	const uint8_t *properties = check_efi("RT properties", rt_properties_told, 8, 9);
	check_cleaned("RT properties", rt_properties_told, 8);
	assert_int_equal(get16(properties), 1);
	assert_int_equal(get16(properties + 2), 8);
	assert_int_equal(get32(properties + 4), 0);
}

/* No properties and no nodes but those that are known. */
static void check_stub(const struct arm_expected *expected)
{
	const void *fdt = told_tree();
	unsigned properties = 0, expected_properties = 7;
	int node = fdt_first_subnode(fdt, 0), at;

	assert_int_equal(fdt_num_mem_rsv(fdt), 0);
	fdt_for_each_property_offset(at, fdt, 0) properties++;
	assert_int_equal(properties, 2);
	assert_int_equal(fdt_address_cells(fdt, 0), 2);
	assert_int_equal(fdt_size_cells(fdt, 0), 2);
	assert_string_equal(fdt_get_name(fdt, node, NULL), "chosen");
	assert_int_equal(fdt_next_subnode(fdt, node), -FDT_ERR_NOTFOUND);
	assert_int_equal(fdt_first_subnode(fdt, node), -FDT_ERR_NOTFOUND);
	properties = 0;
	fdt_for_each_property_offset(at, fdt, node) properties++;
	expected_properties += expected->initrd_size != 0 ? 2 : 0;
	expected_properties += expected->kaslr_seed != NULL;
	expected_properties += expected->rng_seed != NULL;
	expected_properties += arm_tree.stdout_path != NULL;
	assert_int_equal(properties, expected_properties);
	if (arm_tree.stdout_path != NULL)
		assert_string_equal(chosen_of("stdout-path", (int)strlen(arm_tree.stdout_path) + 1),
				    arm_tree.stdout_path);
	assert_string_equal(chosen_of("bootargs", (int)strlen(expected->cmdline) + 1),
			    expected->cmdline);
}

void arm_check_acpi(const struct arm_expected *expected)
{
	check_payload(expected);
	check_stub(expected);
	check_efi_map();
	check_efi("the kernel", host.handoff.entry, expected->kernel->size, 7);
	if (expected->initrd_size != 0)
		check_efi("the initrd", arm_initrd(), expected->initrd_size, 7);
	check_efi("the tree", host.handoff.argument, fdt_totalsize(told_tree()), 7);
	check_efi_tables();
	check_rsdp();
	if (smbios_told != 0)
		check_smbios();
}

/* -- the VMM's tree -------------------------------------------------------------- */

static bool is_edited(const char *name)
{
	static const char *const names[] = {
		"bootargs",           "linux,initrd-start", "linux,initrd-end", "kaslr-seed",
		"linux,kernel-start", "linux,kernel-size",  "rng-seed",
	};

	for (size_t i = 0; i < COUNT(names); i++) {
		if (strcmp(name, names[i]) == 0)
			return true;
	}
	return false;
}

static unsigned count_kept(const void *fdt, int node, bool is_chosen)
{
	unsigned count = 0;
	int at;

	fdt_for_each_property_offset(at, fdt, node)
	{
		const char *name;
		assert_non_null(fdt_getprop_by_offset(fdt, at, &name, NULL));
		count += !is_chosen || !is_edited(name);
	}
	return count;
}

static void check_same_node(const void *old, int old_node, const void *new, int new_node)
{
	const char *name = fdt_get_name(old, old_node, NULL);
	bool is_chosen = strcmp(name, "chosen") == 0;
	int at, old_child, new_child = fdt_first_subnode(new, new_node);

	assert_string_equal(fdt_get_name(new, new_node, NULL), name);
	assert_int_equal(count_kept(old, old_node, is_chosen),
			 count_kept(new, new_node, is_chosen));
	fdt_for_each_property_offset(at, old, old_node)
	{
		int old_length, new_length;
		const void *value = fdt_getprop_by_offset(old, at, &name, &old_length);
		if (is_chosen && is_edited(name))
			continue;
		const void *copy = fdt_getprop(new, new_node, name, &new_length);
		assert_int_equal(new_length, old_length);
		assert_memory_equal(copy, value, (size_t)old_length);
	}
	fdt_for_each_subnode(old_child, old, old_node)
	{
		if (is_chosen && fdt_node_check_compatible(old, old_child, "multiboot,module") == 0)
			continue;
		assert_true(new_child >= 0);
		check_same_node(old, old_child, new, new_child);
		new_child = fdt_next_subnode(new, new_child);
	}
	/* One that was missing is added, at the end or at the start. */
	if (new_child >= 0)
		assert_string_equal(fdt_get_name(new, new_child, NULL), "chosen");
}

void arm_check_tree(const struct arm_expected *expected)
{
	const void *fdt = told_tree();

	check_payload(expected);
	assert_false(arm_has_acpi());
	if (!arm_tree.without_chosen)
		check_same_node(tree_at_start, 0, fdt, 0);
	assert_int_equal(fdt_num_mem_rsv(fdt), fdt_num_mem_rsv(tree_at_start));
	if (expected->cmdline[0] != '\0')
		assert_string_equal(chosen_of("bootargs", (int)strlen(expected->cmdline) + 1),
				    expected->cmdline);
	else
		check_absent("bootargs");
	check_absent("linux,kernel-start");
	check_absent("linux,kernel-size");
}
