/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdbool.h>
#include <string.h>

#include "arch/entry.h"
#include "arch/handoff.h"
#include "arch/host/host.h"
#include "boot/boot.h"
#include "fuzz.h"
#include "loader/bzimage.h"
#include "loader/pvh.h"

/*
 * A whole boot by PVH, of which the host decides everything: a byte of OPTIONS, and then records
 * of what it leaves in memory and in fw_cfg, each a byte of RECORDS and what is said there. A
 * start_info is memory as all else is. What no record gives of the RAM is arch/host's pattern.
 *
 * A boot ends in one line, or in a kernel with what it was promised; and what the VMM does not
 * call RAM is as it was.
 */

enum options {
	HAS_QEMU_FWCFG = 0x01,
	HAS_CLOUD_HYPERVISOR_FWCFG = 0x02,
	HAS_I440FX = 0x04,
	HAS_HIGH_RAM = 0x08,
	HAS_OTHER_START_INFO = 0x10, /* and its address in 4 bytes */
	HAS_CMOS = 0x20,
};

enum records {
	MEMORY,     /* address (4 bytes), size (2), the bytes */
	FWCFG_FILE, /* which of file_names (1), size (2), the bytes */
	FWCFG_ITEM, /* key (1), size (2), the bytes */
	FWCFG_LIE,  /* which of file_names (1), a key (2), a size (4) */
	RSDP,       /* address (4) of one whose checksum is right */
	OWN_IMAGE,  /* address (4) of the start of our image */
	FILLED,     /* address (4), size (3), value (1) */
	RECORDS,
};

static const char *const file_names[] = {
	"opt/org.slipway/kernel",
	"opt/org.slipway/initrd",
	"opt/org.slipway/cmdline",
	"etc/boot/kernel",
	"etc/boot/initrd",
	"etc/boot/cmdline",
	"etc/e820",
	"opt/org.slipway/log",
	"etc/smbios/smbios-anchor",
	"etc/smbios/smbios-tables",
	"etc/table-loader",
	"etc/acpi/tables",
};
#define FILES       (sizeof(file_names) / sizeof(file_names[0]))
#define OPT_CMDLINE (1u << 2)
#define ETC_CMDLINE (1u << 5)
#define E820_FILE   6

#define MIB             0x100000ul
#define LOW_RAM         (16 * MIB)
#define HIGH_RAM        (4 * MIB)
#define IMAGE           MIB
#define IMAGE_SIZE      0x10000
#define START_INFO      0x6000
#define RECORDS_MAX     64
#define FILLED_MAX      0x20000
#define CMDLINE_MAX     0x10000
#define VMM_ENTRIES_MAX 128
#define BIOS_AREA       0xa0000
#define BIOS_AREA_END   0x100000
#define ROM_SPACE       0xfffc0000ul

/* A command line of CMDLINE_MAX bytes takes one look for each, and all else few. */
#define MAPS_MAX     (CMDLINE_MAX + 4096)
#define ACCESSES_MAX 8192

struct range {
	uint64_t start, size;
};

/* In memory, up to a NUL. */
struct text {
	uint64_t start; /* 0: none */
	char bytes[CMDLINE_MAX + 1];
};

static struct {
	unsigned options;
	struct input input;
	unsigned files;    /* bits */
	struct input e820; /* that file */

	struct range put[RECORDS_MAX]; /* in memory, whose bytes are those of @bytes from @at on */
	unsigned puts;
	size_t put_at[RECORDS_MAX];
	uint8_t bytes[RECORDS_MAX * FILLED_MAX];
	size_t used;

	/* Copies of what decides, from before the boot. */
	struct arch_entry entry_point;
	struct hvm_start_info start_info;
	struct e820_entry entry[VMM_ENTRIES_MAX];
	unsigned entries;
	struct range module;
	struct text cmdline, module_cmdline;
} vmm;

static uint8_t image[IMAGE_SIZE];
static struct memmap map; /* as it was handed to the kernel */

/* -- what the map was, from before claims end (tests/fuzz/module.mk) ----------------- */

enum status __real_bzimage_fill_boot_params(const struct bzimage *kernel,
					    const struct bzimage_plan *plan,
					    const struct bzimage_facts *facts,
					    const struct memmap *memory, struct boot_params *params,
					    struct reason *why);
enum status __wrap_bzimage_fill_boot_params(const struct bzimage *kernel,
					    const struct bzimage_plan *plan,
					    const struct bzimage_facts *facts,
					    const struct memmap *memory, struct boot_params *params,
					    struct reason *why);
enum status __real_pvh_fill(const struct pvh_plan *plan, uint64_t initrd_size, uint64_t rsdp,
			    const struct memmap *memory, struct pvh_block *block,
			    struct reason *why);
enum status __wrap_pvh_fill(const struct pvh_plan *plan, uint64_t initrd_size, uint64_t rsdp,
			    const struct memmap *memory, struct pvh_block *block,
			    struct reason *why);

enum status __wrap_bzimage_fill_boot_params(const struct bzimage *kernel,
					    const struct bzimage_plan *plan,
					    const struct bzimage_facts *facts,
					    const struct memmap *memory, struct boot_params *params,
					    struct reason *why)
{
	map = *memory;
	return __real_bzimage_fill_boot_params(kernel, plan, facts, memory, params, why);
}

enum status __wrap_pvh_fill(const struct pvh_plan *plan, uint64_t initrd_size, uint64_t rsdp,
			    const struct memmap *memory, struct pvh_block *block,
			    struct reason *why)
{
	map = *memory;
	return __real_pvh_fill(plan, initrd_size, rsdp, memory, block, why);
}

/* -- the machine ----------------------------------------------------------------------- */

static bool is_in(uint64_t address, struct range range)
{
	return address >= range.start && address - range.start < range.size;
}

static bool has_fwcfg(void)
{
	return (vmm.options & (HAS_QEMU_FWCFG | HAS_CLOUD_HYPERVISOR_FWCFG)) != 0;
}

static struct input take(size_t size)
{
	struct input *input = &vmm.input;
	struct input taken = {input->at, size < input->left ? size : input->left};

	input->at += taken.left;
	input->left -= taken.left;
	return taken;
}

static void put(uint64_t address, const void *bytes, size_t size)
{
	void *to = host_edit(address, size);

	if (size == 0 || to == NULL)
		return;
	memcpy(to, bytes, size);
	vmm.put[vmm.puts++] = (struct range){address, size};
}

static void fill(uint64_t address, size_t size, int value)
{
	static uint8_t filled[FILLED_MAX];

	if (size > sizeof(filled))
		size = sizeof(filled);
	memset(filled, value, size);
	put(address, filled, size);
}

static void put_rsdp(uint64_t address)
{
	uint8_t rsdp[ACPI_RSDP_SIZE] = "RSD PTR ";

	for (unsigned i = 0; i < 8; i++)
		rsdp[8] = (uint8_t)(rsdp[8] - rsdp[i]);
	put(address, rsdp, sizeof(rsdp));
}

static void add_file(unsigned index, bool is_lie)
{
	if ((vmm.files & 1u << index) != 0)
		return;
	vmm.files |= 1u << index;
	if (is_lie && index != E820_FILE) {
		uint16_t key = (uint16_t)input_number(&vmm.input, 2);
		host_fwcfg_entry(file_names[index], key, (uint32_t)input_number(&vmm.input, 4));
		return;
	}
	struct input bytes = take(input_number(&vmm.input, 2));
	host_fwcfg_file(file_names[index], bytes.at, bytes.left);
	if (index == E820_FILE)
		vmm.e820 = bytes;
}

static void read_record(void)
{
	unsigned kind = input_byte(&vmm.input) % RECORDS;
	bool is_file = kind == FWCFG_FILE || kind == FWCFG_LIE;
	unsigned which = is_file || kind == FWCFG_ITEM ? input_byte(&vmm.input) : 0;
	uint64_t address = is_file || kind == FWCFG_ITEM ? 0 : input_number(&vmm.input, 4);

	if (is_file && has_fwcfg()) {
		add_file(which % FILES, kind == FWCFG_LIE);
	} else if (kind == MEMORY || kind == FWCFG_ITEM) {
		struct input bytes = take(input_number(&vmm.input, 2));
		if (kind == MEMORY)
			put(address, bytes.at, bytes.left);
		else if (has_fwcfg() && which > FWCFG_ID && which < FWCFG_DIRECTORY)
			host_fwcfg_item((uint16_t)which, bytes.at, bytes.left);
	} else if (kind == RSDP) {
		put_rsdp(address);
	} else if (kind == OWN_IMAGE) {
		put(address, image, HOST_PAGE);
	} else if (kind == FILLED) {
		size_t size = input_number(&vmm.input, 3);
		fill(address, size, input_byte(&vmm.input));
	}
}

static void add_devices(void)
{
	if (has_fwcfg())
		host_add_fwcfg((vmm.options & HAS_QEMU_FWCFG) != 0 ? HOST_FWCFG_QEMU
								   : HOST_FWCFG_CLOUD_HYPERVISOR);
	if ((vmm.options & HAS_I440FX) != 0)
		host_add_i440fx();
	if ((vmm.options & HAS_CMOS) != 0) {
		host_add_cmos();
		host.cmos[0x31] = (LOW_RAM - MIB) / 0x40000; /* 0x30, in KiB */
	}
}

/* Guest memory, or NULL. */
static const void *look_at(uint64_t address, uint64_t size)
{
	return address < HOST_OWN_START ? host_memory(address, size) : NULL;
}

/* -- what it says, copied before the firmware runs --------------------------------------- */

static void read_vmm_entries(const void *table, unsigned count, size_t width)
{
	for (unsigned i = 0; table != NULL && i < count && i < VMM_ENTRIES_MAX; i++)
		memcpy(&vmm.entry[vmm.entries++], (const uint8_t *)table + i * width,
		       sizeof(vmm.entry[0]));
}

static void read_vmm_map(void)
{
	const struct hvm_start_info *info = &vmm.start_info;
	uint32_t count = le32_get(info->version) == 0 ? 0 : le32_get(info->memmap_entries);
	uint64_t at = le64_get(info->memmap_paddr);

	if (count != 0 && (le64_get(info->rsdp_paddr) != 0 || (vmm.files & 1u << E820_FILE) == 0)) {
		uint64_t size = (uint64_t)count * sizeof(struct hvm_memmap_entry);
		read_vmm_entries(look_at(at, size), count, sizeof(struct hvm_memmap_entry));
	} else if ((vmm.files & 1u << E820_FILE) != 0) {
		size_t size = sizeof(vmm.entry[0]);
		read_vmm_entries(vmm.e820.at, (unsigned)(vmm.e820.left / size), size);
	} else {
		vmm.entry[0] = (struct e820_entry){le64_of(0), le64_of(LOW_RAM), le32_of(1)};
		vmm.entries = 1;
	}
}

static void read_text(uint64_t start, struct text *text)
{
	text->start = start;
	for (unsigned i = 0; start != 0 && i < CMDLINE_MAX; i++) {
		const char *byte = look_at(start + i, 1);
		if (byte == NULL || *byte == '\0')
			return;
		text->bytes[i] = *byte;
	}
}

static void read_vmm_module(void)
{
	struct hvm_modlist_entry entry;
	const void *list = look_at(le64_get(vmm.start_info.modlist_paddr), sizeof(entry));

	if (le32_get(vmm.start_info.nr_modules) == 0 || list == NULL)
		return;
	memcpy(&entry, list, sizeof(entry));
	vmm.module = (struct range){le64_get(entry.paddr), le64_get(entry.size)};
	if (le64_get(entry.reserved) == 0)
		read_text(le64_get(entry.cmdline_paddr), &vmm.module_cmdline);
}

static void read_vmm_cmdline(void)
{
	read_text(le64_get(vmm.start_info.cmdline_paddr), &vmm.cmdline);
}

/* For a machine with fw_cfg, and on a pc the reset stub: README.md, "Memory map". */
static const struct range tables[] = {{0xe0000, 0x10000}, {0xf0110, 0x30}};
static const struct range stub = {0xffff0, 0x10};

static void claim_tables(void)
{
	for (size_t i = 0; has_fwcfg() && i < sizeof(tables) / sizeof(tables[0]); i++)
		host_claim(tables[i].start, tables[i].size);
	if ((vmm.options & HAS_I440FX) != 0)
		host_claim(stub.start, stub.size);
}

static void make_machine(void)
{
	uint64_t start_info = START_INFO;

	host_reset();
	host_add_ram(0, LOW_RAM);
	vmm.options = input_byte(&vmm.input);
	if ((vmm.options & HAS_HIGH_RAM) != 0)
		host_add_ram(MEMMAP_4G, HIGH_RAM);
	if ((vmm.options & HAS_OTHER_START_INFO) != 0)
		start_info = input_number(&vmm.input, 4);
	vmm.entry_point = (struct arch_entry){ARCH_ENTRY_PVH, start_info};
	add_devices();
	for (unsigned i = 0; i < RECORDS_MAX && vmm.input.left > 0; i++)
		read_record();
	host_image_in_ram(IMAGE, image, sizeof(image));
	claim_tables();
	for (unsigned i = 0; i < vmm.puts; i++) {
		const struct range *range = &vmm.put[i];
		vmm.put_at[i] = vmm.used;
		memcpy(vmm.bytes + vmm.used, host_memory(range->start, range->size), range->size);
		vmm.used += range->size;
	}
	const void *info = host_memory(start_info, sizeof(vmm.start_info));
	if (info != NULL)
		memcpy(&vmm.start_info, info, sizeof(vmm.start_info));
	read_vmm_map();
	read_vmm_module();
	read_vmm_cmdline();
}

/* arch/host has pointers of this process there, which are no memory of a guest. */
static bool is_possible(void)
{
	for (unsigned i = 0; i < vmm.entries; i++) {
		uint64_t start = le64_get(vmm.entry[i].addr), size = le64_get(vmm.entry[i].size);
		if (le32_get(vmm.entry[i].type) == MEMMAP_RAM && start < HOST_OWN_END &&
		    (size > HOST_OWN_START || start + size > HOST_OWN_START))
			return false;
	}
	return true;
}

/* -- what was written ----------------------------------------------------------------------- */

static bool is_vmm_ram(uint64_t address)
{
	bool is_ram = false;

	if ((address >= BIOS_AREA && address < BIOS_AREA_END) ||
	    (address >= ROM_SPACE && address < MEMMAP_4G))
		return false;
	for (unsigned i = 0; i < vmm.entries; i++) {
		const struct e820_entry *entry = &vmm.entry[i];
		const struct range range = {le64_get(entry->addr), le64_get(entry->size)};
		if (!is_in(address, range))
			continue;
		if (le32_get(entry->type) != MEMMAP_RAM)
			return false;
		is_ram = true;
	}
	return is_ram;
}

static bool is_ours(uint64_t address)
{
	const struct range own = {IMAGE, IMAGE_SIZE};
	const struct range work = {host.work_area.start, host.work_area.size};

	return is_in(address, own) || is_in(address, work);
}

static const struct memmap_entry *find_entry(uint64_t address)
{
	for (size_t i = 0; i < map.count; i++) {
		if (address >= map.entry[i].start && address < map.entry[i].end)
			return &map.entry[i];
	}
	return NULL;
}

static bool is_for_tables(uint64_t address)
{
	if ((vmm.options & HAS_I440FX) != 0 && is_in(address, stub))
		return true;
	return has_fwcfg() && (is_in(address, tables[0]) || is_in(address, tables[1]));
}

/* The firmware runs, or has ended without a kernel: @context is NULL. */
static bool may_write(void *context, uint64_t address)
{
	const struct memmap_entry *entry = find_entry(address);

	if (is_ours(address) || address < HOST_PAGE)
		return false;
	if (context == NULL || is_for_tables(address))
		return true;
	return !is_in(address, vmm.module) && is_vmm_ram(address) && entry != NULL &&
	       entry->type != MEMMAP_RAM;
}

static bool is_put(uint64_t address)
{
	for (unsigned i = 0; i < vmm.puts; i++) {
		if (is_in(address, vmm.put[i]))
			return true;
	}
	return false;
}

static bool may_differ(void *context, uint64_t address)
{
	/* What was put there is looked at apart. */
	return (address >= IMAGE && address < IMAGE + IMAGE_SIZE) || is_put(address) ||
	       may_write(context, address);
}

static void check_writes(void *context)
{
	uint64_t found;

	if (host_find_change(may_differ, context, &found)) {
		fprintf(stderr, "0x%lx was written\n", found);
		REQUIRE(false);
	}
	REQUIRE(memcmp(host_memory(IMAGE, IMAGE_SIZE), image, IMAGE_SIZE) == 0);
	for (unsigned i = 0; i < vmm.puts; i++) {
		const uint8_t *now = host_memory(vmm.put[i].start, vmm.put[i].size);
		const uint8_t *then = vmm.bytes + vmm.put_at[i];
		if (memcmp(now, then, vmm.put[i].size) == 0)
			continue;
		for (uint64_t j = 0; j < vmm.put[i].size; j++)
			REQUIRE(now[j] == then[j] || may_write(context, vmm.put[i].start + j));
	}
}

/* -- what the kernel gets ------------------------------------------------------------------- */

#define PARTS_MAX 8

static struct {
	struct range part[PARTS_MAX];
	unsigned parts;
	const char *cmdline;
} kernel;

/* A part of the kernel's, in memory that was claimed for it, apart from the others. */
static void add_part(uint64_t start, uint64_t size, enum memmap_type type)
{
	const struct memmap_entry *entry = find_entry(start);

	REQUIRE(size > 0);
	REQUIRE(entry != NULL && entry->type == type && size <= entry->end - start);
	REQUIRE(is_vmm_ram(start) && is_vmm_ram(start + size - 1));
	REQUIRE(!is_ours(start) && !is_ours(start + size - 1));
	for (unsigned i = 0; i < kernel.parts; i++)
		REQUIRE(!is_in(start, kernel.part[i]) &&
			!is_in(kernel.part[i].start, (struct range){start, size}));
	kernel.part[kernel.parts++] = (struct range){start, size};
}

/* RAM that the kernel is told of, from one end to the other. */
static void check_ram(uint64_t start, uint64_t size)
{
	REQUIRE(size > 0 && size - 1 <= UINT64_MAX - start);
	REQUIRE(is_vmm_ram(start) && is_vmm_ram(start + size - 1));
	const struct range range = {start, size};
	REQUIRE(!is_in(BIOS_AREA, range) && !is_in(ROM_SPACE, range));
	for (unsigned i = 0; i < vmm.entries; i++) {
		uint64_t from = le64_get(vmm.entry[i].addr), length = le64_get(vmm.entry[i].size);
		REQUIRE(!is_in(from, range) || length == 0 || is_vmm_ram(from));
		REQUIRE(!is_in(from + length, range) || is_vmm_ram(from + length));
	}
}

static void check_map(const void *table, unsigned count, size_t width)
{
	uint64_t last = 0;

	for (unsigned i = 0; i < count; i++) {
		struct e820_entry entry;
		memcpy(&entry, (const uint8_t *)table + i * width, sizeof(entry));
		uint64_t start = le64_get(entry.addr), size = le64_get(entry.size);
		REQUIRE(start >= last && size > 0);
		if (le32_get(entry.type) == MEMMAP_RAM)
			check_ram(start, size);
		last = start + size;
	}
}

static void add_cmdline(uint64_t address)
{
	const struct memmap_entry *entry = find_entry(address);

	REQUIRE(entry != NULL);
	kernel.cmdline = look_at(address, 1);
	REQUIRE(kernel.cmdline != NULL);
	size_t length = strnlen(kernel.cmdline, entry->end - address);
	add_part(address, length + 1, MEMMAP_BOOT_DATA);
}

static void add_initrd(uint64_t address, uint64_t size)
{
	if (size == 0)
		REQUIRE(address == 0);
	else
		add_part(address, size, MEMMAP_INITRD);
}

static void look_at_boot_params(void)
{
	const struct arch_handoff *handoff = &host.handoff;
	const struct boot_params *params = look_at(handoff->argument, sizeof(*params));

	REQUIRE(params != NULL);
	add_part(handoff->used[0].start, handoff->used[0].size, MEMMAP_KERNEL);
	REQUIRE(is_in(handoff->entry, kernel.part[0]));
	add_part(handoff->argument, sizeof(*params), MEMMAP_BOOT_DATA);
	add_cmdline(le32_get(params->hdr.cmd_line_ptr) |
		    (uint64_t)le32_get(params->ext_cmd_line_ptr) << 32);
	add_initrd(le32_get(params->hdr.ramdisk_image) |
			   (uint64_t)le32_get(params->ext_ramdisk_image) << 32,
		   le32_get(params->hdr.ramdisk_size) | (uint64_t)le32_get(params->ext_ramdisk_size)
								<< 32);
	if (handoff->used[3].size != 0)
		add_part(handoff->used[3].start, handoff->used[3].size, MEMMAP_BOOT_DATA);
	check_map(params->e820_table, params->e820_entries, sizeof(params->e820_table[0]));
}

static void look_at_start_info(void)
{
	const struct pvh_block *block = look_at(host.handoff.argument, sizeof(*block));
	const struct memmap_entry *entry = find_entry(host.handoff.entry);

	REQUIRE(block != NULL && entry != NULL);
	add_part(entry->start, entry->end - entry->start, MEMMAP_KERNEL);
	add_part(host.handoff.argument, sizeof(*block), MEMMAP_BOOT_DATA);
	add_cmdline(le64_get(block->start_info.cmdline_paddr));
	if (le32_get(block->start_info.nr_modules) != 0)
		add_initrd(le64_get(block->module.paddr), le64_get(block->module.size));
	check_map(block->memmap, le32_get(block->start_info.memmap_entries),
		  sizeof(block->memmap[0]));
}

static bool is_fwcfg_cmdline(void)
{
	struct host_item *item = host_fwcfg_find(FWCFG_CMDLINE_SIZE);

	return (vmm.files & (OPT_CMDLINE | ETC_CMDLINE)) != 0 || item != NULL;
}

static bool is_free(uint64_t address)
{
	return is_vmm_ram(address) && !is_ours(address) && !is_in(address, vmm.module) &&
	       !is_in(address, kernel.part[0]);
}

/* Not when a part of it is in memory of others. */
static bool is_in_one_piece(const struct text *text)
{
	bool first = is_free(text->start);

	for (size_t i = 1; text->bytes[i] != '\0'; i++) {
		if (is_free(text->start + i) != first)
			return false;
	}
	return true;
}

static bool is_kernels(const struct text *text)
{
	return strcmp(kernel.cmdline, text->bytes) == 0 || !is_in_one_piece(text);
}

/* It comes from where it can, and as it was there before the kernel came into memory. */
static void check_cmdline(const uint8_t *bytes, size_t size)
{
	size_t length = strlen(kernel.cmdline);

	/* Any item of fw_cfg may be it, the signature too. */
	if (is_fwcfg_cmdline())
		return;
	if (vmm.cmdline.bytes[0] != '\0') {
		REQUIRE(is_kernels(&vmm.cmdline));
		return;
	}
	const void *module = look_at(vmm.module.start, vmm.module.size);
	REQUIRE(length == 0 || memmem(bytes, size, kernel.cmdline, length) != NULL ||
		(module != NULL &&
		 memmem(module, vmm.module.size, kernel.cmdline, length) != NULL) ||
		(vmm.module_cmdline.bytes[0] != '\0' && is_kernels(&vmm.module_cmdline)));
}

/* -- a run ------------------------------------------------------------------------------------ */

static void run_boot_main(void *argument)
{
	boot_main(argument);
}

/* The last line says why. */
static void check_fatal(void)
{
	char *end = host.console + host.console_length;

	REQUIRE(host.fatal.reason[0] != '\0' && host.fatal.status != STATUS_OK);
	if (host.console_length == sizeof(host.console) - 1)
		return; /* other lines have filled it */
	REQUIRE(host.console_length > 0 && end[-1] == '\n');
	end[-1] = '\0';
	const char *before = strrchr(host.console, '\n');
	const char *line = before == NULL ? host.console : before + 1;
	REQUIRE(strncmp(line, "slipway: FATAL ", 15) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	/* But for the largest part. */
	memset(&vmm, 0, offsetof(typeof(vmm), bytes));
	memset(&vmm.used, 0, sizeof(vmm) - offsetof(typeof(vmm), used));
	vmm.input = (struct input){bytes, size};
	for (size_t i = 0; image[1] == 0 && i < sizeof(image); i++)
		image[i] = (uint8_t)(i * 7 + i / 256);
	make_machine();
	if (!is_possible())
		return 0;
	memset(&kernel, 0, sizeof(kernel));
	memmap_init(&map);
	host.maps = 0;
	enum host_end end = host_run(run_boot_main, &vmm.entry_point);
	REQUIRE(host.maps <= MAPS_MAX && host.accesses <= ACCESSES_MAX);
	if (end == HOST_FATAL) {
		check_fatal();
		check_writes(NULL);
		return 0;
	}
	if (end != HOST_HANDOFF)
		fprintf(stderr, "ends with %d: %s\n", (int)end, host.check);
	REQUIRE(end == HOST_HANDOFF);
	if (host.handoff.mode == ARCH_MODE_PVH)
		look_at_start_info();
	else
		look_at_boot_params();
	check_cmdline(bytes, size);
	check_writes(&map);
	return 0;
}
