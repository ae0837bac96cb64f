/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdbool.h>
#include <string.h>

#include <sanitizer/asan_interface.h>

#include "acpi/smbios.h"
#include "fuzz.h"
#include "lib/check.h"
#include "lib/checked.h"
#include "lib/span.h"
#include "memory.h"

/*
 * A VMM's SMBIOS table and entry point: a byte with the size of the entry point, one of OPTIONS,
 * one with the RAM (in 12 KiB), what the table is larger by than the input (3 bytes; zeros), the
 * entry point, and the table.
 *
 * What comes out is read as Linux does (drivers/firmware/dmi_scan.c): the sums are right,
 * the table lies in its own memory, and it is the VMM's with nothing but a type 0 before it.
 */

enum options {
	TABLE_FAILS = 0x01,
	ANCHOR_FAILS = 0x02,
	CANNOT_MAP = 0x04,
};

#define MEMORY_SIZE  0x400000
#define ANCHOR_BYTES 40
#define TYPE0_MAX    128

static struct {
	unsigned options;
	uint8_t anchor[ANCHOR_BYTES];
	struct span table; /* and zeros */
	uint64_t table_size;
	uint64_t table_at, room_at, room;
} vmm;

static _Alignas(PAGE_SIZE) uint8_t guest[MEMORY_SIZE];
static struct memmap map;
static struct memory memory;

_Noreturn void check_failed(const char *what)
{
	fuzz_failed(__FILE__, __LINE__, what);
}

static enum status read_anchor(const struct blob *blob, uint64_t offset, uint64_t length,
			       uint64_t to)
{
	REQUIRE(fits(offset, length, blob->size));
	memcpy((void *)to, vmm.anchor + offset, length);
	return (vmm.options & ANCHOR_FAILS) != 0 ? STATUS_IO : STATUS_OK;
}

static uint8_t table_byte(uint64_t at)
{
	return at < vmm.table.size ? vmm.table.bytes[at] : 0;
}

static enum status read_table(const struct blob *blob, uint64_t offset, uint64_t length,
			      uint64_t to)
{
	REQUIRE(offset == 0 && length == blob->size && fits(to, length, MEMORY_SIZE));
	vmm.table_at = to;
	__asan_unpoison_memory_region(guest + to, length);
	for (uint64_t i = 0; i < length; i++)
		guest[to + i] = table_byte(i);
	__asan_poison_memory_region(guest + to, length);
	return (vmm.options & TABLE_FAILS) != 0 ? STATUS_IO : STATUS_OK;
}

static void *map_memory(uint64_t address, uint64_t length)
{
	REQUIRE(vmm.room == 0 && fits(address, length, MEMORY_SIZE));
	memory_take(&memory, address, length, MEMMAP_RESERVED);
	vmm.room_at = address;
	vmm.room = length;
	REQUIRE(vmm.table_at >= address && vmm.table_at + vmm.table_size <= address + length);
	if ((vmm.options & CANNOT_MAP) != 0)
		return NULL;
	__asan_unpoison_memory_region(guest + address, length);
	return guest + address;
}

static uint64_t get(const uint8_t *bytes, unsigned width)
{
	uint64_t value = 0;

	memcpy(&value, bytes, width);
	return value;
}

static uint8_t sum(const uint8_t *bytes, size_t size)
{
	uint8_t total = 0;

	for (size_t i = 0; i < size; i++)
		total = (uint8_t)(total + bytes[i]);
	return total;
}

/* Structures up to the one of type 127; what they are is not of interest here. */
static void walk(uint64_t at, uint64_t size, uint64_t *ret_count, uint64_t *ret_largest,
		 bool *ret_has_type0)
{
	uint64_t end = at + size;

	*ret_count = *ret_largest = 0;
	*ret_has_type0 = false;
	while (at < end) {
		uint64_t start = at;
		REQUIRE(end - at >= 4 && guest[at + 1] >= 4);
		at += guest[at + 1];
		while (at + 1 < end && (guest[at] != 0 || guest[at + 1] != 0))
			at++;
		REQUIRE(at + 1 < end);
		at += 2;
		++*ret_count;
		if (at - start > *ret_largest)
			*ret_largest = at - start;
		*ret_has_type0 |= guest[start] == 0;
		if (guest[start] == 127)
			break;
	}
}

static void check_entry_point(const uint8_t *entry_point)
{
	bool is_3 = memcmp(entry_point, "_SM3_", 5) == 0;
	uint64_t address = is_3 ? get(entry_point + 16, 8) : get(entry_point + 24, 4);
	uint64_t size = is_3 ? get(entry_point + 12, 4) : get(entry_point + 22, 2);
	uint64_t count, largest, added = size - vmm.table_size;
	bool has_type0;

	REQUIRE(sum(entry_point, entry_point[is_3 ? 6 : 5]) == 0);
	REQUIRE(entry_point[is_3 ? 6 : 5] == (is_3 ? 24 : 31));
	REQUIRE(address >= vmm.room_at && address + size == vmm.room_at + vmm.room);
	REQUIRE(address + added == vmm.table_at && added < TYPE0_MAX);
	for (uint64_t i = 0; i < vmm.table_size; i++)
		REQUIRE(guest[vmm.table_at + i] == table_byte(i));
	walk(address, size, &count, &largest, &has_type0);
	if (added != 0)
		REQUIRE(guest[address] == 0);
	if (is_3)
		return;
	REQUIRE(memcmp(entry_point, "_SM_", 4) == 0);
	REQUIRE(sum(entry_point + 16, 15) == 0);
	REQUIRE(get(entry_point + 28, 2) == count && get(entry_point + 8, 2) == largest);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct input input = {bytes, size};
	uint8_t entry_point[SMBIOS_ENTRY_POINT_MAX];
	struct reason why = {""};

	memset(&vmm, 0, sizeof(vmm));
	const struct blob anchor = {.size = input_byte(&input) % (ANCHOR_BYTES + 1),
				    .read = read_anchor};
	vmm.options = input_byte(&input);
	uint64_t ram = input_number(&input, 1) * 0x3000;
	uint64_t more = input_number(&input, 3) & 0x1fffff;
	for (size_t i = 0; i < anchor.size; i++)
		vmm.anchor[i] = input_byte(&input);
	vmm.table = (struct span){input.at, input.left};
	vmm.table_size = input.left + more;
	const struct blob table = {.size = vmm.table_size, .read = read_table};

	memset(&memory, 0, sizeof(memory));
	memmap_init(&map);
	memory_add(&memory, &map, 0, 0xa0000, MEMMAP_RAM);
	memory_add(&memory, &map, 0x100000, ram, MEMMAP_RAM);
	__asan_poison_memory_region(guest, sizeof(guest));
	const struct smbios_host host = {
		.map = map_memory,
		.map_of_memory = &map,
		.type = MEMMAP_RESERVED,
	};
	memset(entry_point, 0x5a, sizeof(entry_point));
	enum status status = smbios_place(&anchor, &table, &host, entry_point, &why);
	REQUIRE((status == STATUS_OK) == (why.text[0] == '\0'));
	if (status != STATUS_OK) {
		for (size_t i = 0; i < sizeof(entry_point); i++)
			REQUIRE(entry_point[i] == 0x5a);
		return 0;
	}
	REQUIRE((vmm.options & (TABLE_FAILS | ANCHOR_FAILS | CANNOT_MAP)) == 0);
	check_entry_point(entry_point);
	memory_check(&memory, &map);
	return 0;
}
