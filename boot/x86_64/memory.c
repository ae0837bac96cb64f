/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/x86_64/pc.h"

#include <string.h>

#include "arch/memory.h"
#include "boot/x86_64/cmos.h"

/* More entries than this are refused before any is read. */
#define SOURCE_ENTRIES_MAX 128

#define BIOS_AREA_START 0xa0000
#define BIOS_AREA_END   0x100000
#define ROM_SPACE_START 0xfffc0000ul
#define DEVICES_START   0xfec00000ul /* I/O APIC: no RAM below 4 GiB reaches it */

/* An entry of the file etc/e820: QEMU hw/i386/e820_memory_layout.h. */
struct e820_file_entry {
	struct le64 address;
	struct le64 length;
	struct le32 type;
};
_Static_assert(sizeof(struct e820_file_entry) == 20, "e820_memory_layout.h");

/* Sizes of memory in CMOS: SeaBIOS src/hw/rtc.h, QEMU hw/i386/pc.c. */
#define CMOS_ABOVE_1M  0x30 /* 2 bytes, in KiB */
#define CMOS_ABOVE_16M 0x34 /* 2 bytes, in 64 KiB */
#define CMOS_ABOVE_4G  0x5b /* 3 bytes, in 64 KiB */
#define SIXTEEN_MIB    0x1000000ul

static NAME(e820_file, "etc/e820");

static enum status add(struct pc *pc, uint64_t start, uint64_t size, uint32_t type)
{
	/* Types we do not know are nothing that we or a kernel may use. */
	enum memmap_type known =
		type >= MEMMAP_RAM && type <= MEMMAP_PERSISTENT ? type : MEMMAP_RESERVED;

	enum status status = memmap_add(&pc->boot.map, start, size, known);
	if (status != STATUS_OK)
		return refuse(&pc->boot.why, status, "memory map entry 0x%lx + 0x%lx does not fit",
			      start, size);
	return STATUS_OK;
}

static enum status read_e820(struct pc *pc, const struct blob *file)
{
	struct e820_file_entry entries[SOURCE_ENTRIES_MAX];

	if (file->size > sizeof(entries) || file->size % sizeof(entries[0]) != 0)
		return refuse(&pc->boot.why, STATUS_BAD_FORMAT, "etc/e820 has %lu bytes",
			      file->size);
	enum status status = blob_read(file, 0, file->size, entries);
	if (status != STATUS_OK)
		return refuse(&pc->boot.why, status, "etc/e820 cannot be read");
	for (size_t i = 0; i < file->size / sizeof(entries[0]) && status == STATUS_OK; i++)
		status = add(pc, le64_get(entries[i].address), le64_get(entries[i].length),
			     le32_get(entries[i].type));
	return status;
}

static enum status read_pvh_map(struct pc *pc)
{
	struct hvm_memmap_entry entry;
	uint64_t address = le64_get(pc->start_info.memmap_paddr);
	uint32_t count = le32_get(pc->start_info.memmap_entries);

	if (count > SOURCE_ENTRIES_MAX)
		return refuse(&pc->boot.why, STATUS_TOO_LARGE, "the PVH memory map has %u entries",
			      count);
	for (uint32_t i = 0; i < count; i++, address += sizeof(entry)) {
		if (!arch_peek(address, sizeof(entry), &entry))
			return refuse(&pc->boot.why, STATUS_OUT_OF_RANGE,
				      "the PVH memory map's entry at 0x%lx cannot be read",
				      address);
		enum status status =
			add(pc, le64_get(entry.addr), le64_get(entry.size), le32_get(entry.type));
		if (status != STATUS_OK)
			return status;
	}
	return STATUS_OK;
}

static uint64_t read_cmos_number(uint8_t index, unsigned bytes)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < bytes; i++)
		value |= (uint64_t)cmos_read((uint8_t)(index + i)) << (8 * i);
	return value;
}

static enum status read_cmos_sizes(struct pc *pc)
{
	uint64_t above_16m = read_cmos_number(CMOS_ABOVE_16M, 2) << 16;
	uint64_t above_4g = read_cmos_number(CMOS_ABOVE_4G, 3) << 16;
	uint64_t end = above_16m != 0 ? SIXTEEN_MIB + above_16m
				      : BIOS_AREA_END + (read_cmos_number(CMOS_ABOVE_1M, 2) << 10);

	/* Where no RTC answers, every byte reads as 0xff. */
	if (end > DEVICES_START || above_4g == 0xfffffful << 16)
		return refuse(&pc->boot.why, STATUS_BAD_FORMAT,
			      "no memory map, and CMOS has no memory sizes");
	enum status status = add(pc, 0, end, MEMMAP_RAM);
	if (status == STATUS_OK)
		status = add(pc, MEMMAP_4G, above_4g, MEMMAP_RAM);
	return status;
}

static enum status read_source(struct pc *pc)
{
	struct blob file;
	bool has_pvh_map =
		pc->entry.kind == ARCH_ENTRY_PVH && le32_get(pc->start_info.memmap_entries) != 0;

	/* A VMM that did the platform knows more than its fw_cfg (rulings 4). */
	if (has_pvh_map && pc->platform_done)
		return read_pvh_map(pc);
	if (pc->boot.has_fwcfg && fwcfg_find(&pc->boot.fwcfg, e820_file, &file))
		return read_e820(pc, &file);
	if (has_pvh_map)
		return read_pvh_map(pc);
	return read_cmos_sizes(pc);
}

static enum status claim(struct pc *pc, struct arch_range range, const char *what)
{
	enum status status = memmap_claim(&pc->boot.map, range.start, range.size, MEMMAP_FIRMWARE);
	if (status != STATUS_OK)
		return refuse(&pc->boot.why, status, "%s at 0x%lx + 0x%lx is not free RAM", what,
			      range.start, range.size);
	return STATUS_OK;
}

enum status pc_read_memory_map(struct pc *pc)
{
	enum status status = read_source(pc);
	if (status == STATUS_OK)
		status = add(pc, BIOS_AREA_START, BIOS_AREA_END - BIOS_AREA_START, MEMMAP_RESERVED);
	if (status == STATUS_OK)
		status = add(pc, ROM_SPACE_START, MEMMAP_4G - ROM_SPACE_START, MEMMAP_RESERVED);
	if (status == STATUS_OK)
		status = claim(pc, arch_work_area(), "the firmware's work area");
	if (status == STATUS_OK && pc->entry.kind == ARCH_ENTRY_PVH)
		status = claim(pc, arch_image(), "the firmware's image");
	return status;
}
