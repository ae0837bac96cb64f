/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "fuzz.h"
#include "lib/check.h"
#include "lib/checked.h"
#include "loader/bzimage.h"
#include "memory.h"

/*
 * A bzImage and its place: 14 bytes of sizes, the setup header from 0x1f1 on, and what the
 * host says of memory (tests/fuzz/memory.h).
 *
 * All that is given out was RAM, once, where the protocol allows it; and the kernel is told
 * what the host said of memory, no more and no less.
 */

#define HEADER_SIZE  0x9f
#define LOADED_HIGH  0x100000
#define ADDRESS_MAX  (1ul << 52)
#define PARAMS_EXTRA 64

static struct memmap map;
static struct memory memory;
static struct bzimage image;

_Noreturn void check_failed(const char *what)
{
	fuzz_failed(__FILE__, __LINE__, what);
}

static void check_image(uint64_t size)
{
	REQUIRE(image.version >= 0x206);
	REQUIRE(image.setup_size + image.payload_size == size && image.payload_size > 0);
	REQUIRE(image.setup_size >= 2 * 512 && image.setup_size <= 256 * 512);
	REQUIRE(image.memory_size >= image.payload_size);
	REQUIRE(is_power_of_two(image.alignment) && is_power_of_two(image.min_alignment));
	REQUIRE(image.min_alignment <= image.alignment);
	REQUIRE(image.pref_address < ADDRESS_MAX && image.header_size <= sizeof(*image.header));
	REQUIRE(!image.above_4g || image.entry64);
}

static void check_plan(const struct bzimage_plan *plan, uint64_t initrd_size,
		       uint64_t cmdline_bytes)
{
	uint64_t limit = image.above_4g ? ADDRESS_MAX : MEMMAP_4G;
	uint64_t initrd_limit = image.above_4g ? ADDRESS_MAX : image.initrd_max;

	memory_take(&memory, plan->load, image.memory_size, MEMMAP_KERNEL);
	REQUIRE(plan->load >= LOADED_HIGH && plan->load >= image.pref_address);
	REQUIRE(fits(plan->load, image.memory_size, limit));
	REQUIRE(plan->load % plan->alignment == 0 && plan->alignment >= image.min_alignment);
	REQUIRE(image.relocatable || plan->load == image.pref_address);
	REQUIRE(plan->entry == plan->load + (image.entry64 ? 0x200 : 0));
	REQUIRE(plan->entry < plan->load + image.payload_size);

	memory_take(&memory, plan->boot_params, sizeof(struct boot_params) + cmdline_bytes + 1,
		    MEMMAP_BOOT_DATA);
	REQUIRE(plan->boot_params % PAGE_SIZE == 0);
	REQUIRE(plan->cmdline == plan->boot_params + sizeof(struct boot_params));
	REQUIRE(fits(plan->cmdline, cmdline_bytes + 1, MEMMAP_4G));
	if (initrd_size == 0) {
		REQUIRE(plan->initrd == 0);
		return;
	}
	memory_take(&memory, plan->initrd, initrd_size, MEMMAP_INITRD);
	REQUIRE(plan->initrd % PAGE_SIZE == 0 && fits(plan->initrd, initrd_size, initrd_limit));
}

static uint64_t joined(struct le32 low, struct le32 high)
{
	return le32_get(low) | (uint64_t)le32_get(high) << 32;
}

static void check_params(const struct boot_params *params, const struct bzimage_plan *plan,
			 const struct bzimage_facts *facts)
{
	struct memmap_entry entries[E820_ENTRIES_MAX];
	const struct setup_header *header = &params->hdr;

	REQUIRE(params->e820_entries <= E820_ENTRIES_MAX);
	for (unsigned i = 0; i < params->e820_entries; i++) {
		const struct e820_entry *entry = &params->e820_table[i];
		entries[i].start = le64_get(entry->addr);
		REQUIRE(checked_add(entries[i].start, le64_get(entry->size), &entries[i].end));
		entries[i].type = le32_get(entry->type);
	}
	memory_check_for_kernel(&memory, entries, params->e820_entries);
	REQUIRE(joined(header->ramdisk_image, params->ext_ramdisk_image) == plan->initrd);
	REQUIRE(joined(header->ramdisk_size, params->ext_ramdisk_size) == facts->initrd_size);
	REQUIRE(joined(header->cmd_line_ptr, params->ext_cmd_line_ptr) == plan->cmdline);
	REQUIRE(header->type_of_loader == 0xff && (header->loadflags & 0x80) == 0);
	REQUIRE(le64_get(params->acpi_rsdp_addr) == (image.version >= 0x20e ? facts->rsdp : 0));
	REQUIRE(image.version < 0x209 || le64_get(header->setup_data) == facts->setup_data);
	const uint8_t *page = (const uint8_t *)params;
	REQUIRE(header->setup_sects == image.header->setup_sects);
	/* What the kernel's header does not reach is zero, but for setup_data. */
	for (size_t i = BZIMAGE_HEADER_OFFSET + image.header_size; i < BZIMAGE_HEAD_SIZE; i++)
		REQUIRE(page[i] == 0 || (i >= 0x250 && i < 0x258));
	for (size_t i = 0; i < 0x70; i++)
		REQUIRE(page[i] == 0);
	for (size_t i = 0xcd0; i < sizeof(*params); i++)
		REQUIRE(page[i] == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static _Alignas(PAGE_SIZE) uint8_t page[sizeof(struct boot_params) + PARAMS_EXTRA];
	struct input input = {bytes, size};
	uint8_t head[BZIMAGE_HEAD_SIZE] = {0};
	struct bzimage_plan plan;
	struct reason why = {""};

	uint64_t file_size = input_number(&input, 5);
	uint64_t initrd_size = input_number(&input, 5);
	uint64_t cmdline_bytes = input_number(&input, 3);
	size_t missing = input_byte(&input) & 0x81; /* of the copy */
	for (size_t i = 0; i < HEADER_SIZE; i++)
		head[BZIMAGE_HEADER_OFFSET + i] = input_byte(&input);
	const struct span start = {head, sizeof(head) - missing};
	const struct bzimage_facts facts = {initrd_size, 0xf5a00, bzimage_setup_data(start)};

	enum status status = bzimage_parse(start, file_size, &image, &why);
	REQUIRE(status != STATUS_OK || missing == 0);
	REQUIRE((status == STATUS_OK) == (why.text[0] == '\0'));
	if (status != STATUS_OK)
		return 0;
	REQUIRE(image.setup_size == bzimage_setup_size(start) && bzimage_end(start) != 0);
	check_image(file_size);

	memory_read(&input, &memory, &map);
	status = bzimage_plan(&image, initrd_size, cmdline_bytes, &map, &plan, &why);
	REQUIRE((status == STATUS_OK) == (why.text[0] == '\0'));
	if (status != STATUS_OK) {
		REQUIRE(status == STATUS_NO_MEMORY || status == STATUS_TOO_LARGE);
		return 0;
	}
	check_plan(&plan, initrd_size, cmdline_bytes);
	memory_check(&memory, &map);

	memset(page, 0xa5, sizeof(page));
	struct boot_params *params = (struct boot_params *)page;
	REQUIRE(bzimage_fill_boot_params(&image, &plan, &facts, &map, params, &why) == STATUS_OK);
	check_params(params, &plan, &facts);
	for (size_t i = sizeof(*params); i < sizeof(page); i++)
		REQUIRE(page[i] == 0xa5);
	return 0;
}
