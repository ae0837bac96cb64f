/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdbool.h>
#include <string.h>

#include "fuzz.h"
#include "lib/check.h"
#include "loader/elf.h"
#include "loader/pvh.h"

/*
 * An ELF kernel on a machine that the input describes: 8 bytes for it and for what the host
 * changes behind our back, the rest is the file.
 */

#define MIB       0x100000ul
#define MAP_LIMIT 0x10000

static struct {
	uint8_t bytes[4096];
	uint64_t size;
	unsigned reads;
	/* After read number @change_after, the byte at @change_at is another one. */
	unsigned change_after;
	uint64_t change_at;
	uint8_t change;
} file;

static struct memmap map;
static struct elf elf;
static uint8_t scratch[MAP_LIMIT];
/* Bytes of segments that elf_load() has dealt with. */
static uint64_t loaded;

_Noreturn void check_failed(const char *what)
{
	fuzz_failed(__FILE__, __LINE__, what);
}

static bool is_claimed(uint64_t start, uint64_t size, enum memmap_type type)
{
	for (size_t i = 0; i < map.count; i++) {
		const struct memmap_entry *entry = &map.entry[i];
		if (start >= entry->start && start < entry->end)
			return entry->type == type && size <= entry->end - start;
	}
	return false;
}

static enum status read_file(const struct blob *blob, uint64_t offset, uint64_t length, uint64_t to)
{
	if (offset > blob->size || length > blob->size - offset)
		return STATUS_OUT_OF_RANGE;
	memcpy((void *)(uintptr_t)to, file.bytes + offset, length);
	if (++file.reads == file.change_after && file.change_at < file.size)
		file.bytes[file.change_at] ^= file.change;
	return STATUS_OK;
}

/* As a device does it: into guest memory, of which there is none here. */
static enum status load_part(const struct blob *blob, uint64_t offset, uint64_t length, uint64_t to)
{
	REQUIRE(length > 0 && offset <= blob->size && length <= blob->size - offset);
	REQUIRE(is_claimed(to, length, MEMMAP_KERNEL));
	loaded += length;
	return STATUS_OK;
}

static void *map_zeros(uint64_t address, uint64_t length)
{
	REQUIRE(length > 0);
	REQUIRE(is_claimed(address, length, MEMMAP_KERNEL));
	loaded += length;
	return length <= sizeof(scratch) ? scratch : NULL;
}

static void add(uint64_t start, uint64_t size, enum memmap_type type)
{
	REQUIRE(memmap_add(&map, start, size, type) == STATUS_OK);
}

static void make_map(unsigned mebibytes, unsigned hole)
{
	memmap_init(&map);
	add(0, 0xa0000, MEMMAP_RAM);
	add(0xa0000, 0x60000, MEMMAP_RESERVED);
	add(MIB, (mebibytes + 1) * 16 * MIB, MEMMAP_RAM);
	add((hole + 1) * MIB, 0x1000, MEMMAP_RESERVED);
	add(MEMMAP_4G, 1024 * MIB, MEMMAP_RAM);
	REQUIRE(memmap_claim(&map, 0x30000, 0x24000, MEMMAP_FIRMWARE) == STATUS_OK);
}

static void check_elf(void)
{
	bool has_entry = false;

	REQUIRE(elf.segments > 0 && elf.segments <= ELF_SEGMENTS_MAX);
	REQUIRE(elf.start >= MIB && elf.start < elf.end && elf.end <= MEMMAP_4G);
	for (unsigned i = 0; i < elf.segments; i++) {
		const struct elf_segment *a = &elf.segment[i];
		REQUIRE(a->offset <= file.size && a->file_size <= file.size - a->offset);
		REQUIRE(a->memory_size > 0 && a->file_size <= a->memory_size);
		REQUIRE(a->address >= elf.start && a->address <= elf.end);
		REQUIRE(a->memory_size <= elf.end - a->address);
		has_entry |= elf.entry >= a->address && elf.entry < a->address + a->file_size;
		for (unsigned j = 0; j < i; j++) {
			const struct elf_segment *b = &elf.segment[j];
			REQUIRE(a->address >= b->address + b->memory_size ||
				b->address >= a->address + a->memory_size);
		}
	}
	REQUIRE(has_entry);
}

static void load(struct reason *why)
{
	const struct blob blob = {.size = file.size, .read = load_part};
	uint64_t expected = 0;

	for (unsigned i = 0; i < elf.segments; i++)
		expected += elf.segment[i].memory_size;
	loaded = 0;
	enum status status = elf_load(&elf, &blob, map_zeros, why);
	REQUIRE(status == STATUS_OK ? loaded == expected : status == STATUS_NO_MEMORY);
}

static void plan_rest(uint64_t initrd_size, uint64_t cmdline_bytes, struct reason *why)
{
	struct pvh_plan plan;
	struct pvh_block block;

	if (pvh_plan(initrd_size, cmdline_bytes, &map, &plan, why) != STATUS_OK)
		return;
	REQUIRE(is_claimed(plan.block, sizeof(block), MEMMAP_BOOT_DATA));
	REQUIRE(is_claimed(plan.cmdline, cmdline_bytes + 1, MEMMAP_BOOT_DATA));
	if (initrd_size != 0)
		REQUIRE(is_claimed(plan.initrd, initrd_size, MEMMAP_INITRD));
	REQUIRE(pvh_fill(&plan, initrd_size, 0, &map, &block, why) == STATUS_OK);
	REQUIRE(le32_get(block.start_info.memmap_entries) <= PVH_MEMMAP_ENTRIES_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct input input = {bytes, size};
	const struct blob blob = {.size = size < 8 ? 0 : size - 8, .read = read_file};
	struct reason why;

	if (blob.size > sizeof(file.bytes))
		return 0;
	make_map(input_byte(&input), input_byte(&input));
	uint64_t initrd_size = input_number(&input, 1) * 0x12345;
	file.change_after = input_byte(&input);
	file.change_at = input_number(&input, 2);
	file.change = input_byte(&input);
	uint64_t cmdline_bytes = input_number(&input, 1) * 8;
	file.reads = 0;
	file.size = blob.size;
	memcpy(file.bytes, input.at, file.size);

	memset(&elf, 0, sizeof(elf));
	enum status status = elf_parse(&blob, &elf, &why);
	REQUIRE(file.reads <= ELF_READS_MAX);
	if (status != STATUS_OK) {
		REQUIRE(elf.segments == 0 && elf.end == 0);
		return 0;
	}
	check_elf();
	if (elf_claim(&elf, &map, &why) != STATUS_OK)
		return 0;
	REQUIRE(is_claimed(elf.start, elf.end - elf.start, MEMMAP_KERNEL));
	load(&why);
	plan_rest(initrd_size, cmdline_bytes, &why);
	return 0;
}
