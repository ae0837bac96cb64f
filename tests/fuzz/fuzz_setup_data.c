/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include <sanitizer/asan_interface.h>

#include "fuzz.h"
#include "lib/check.h"
#include "lib/checked.h"
#include "loader/setup_data.h"
#include "memory.h"

/*
 * What a VMM attached to a kernel: a byte with the types that are accepted, one with the room in
 * low memory and one with that above 1 MiB (pages), one with what we append first, the
 * address that the kernel is assumed at (4), that of the first node (8), and the kernel.
 *
 * The copied list has the nodes of the one in the kernel, in order, each in memory of its own;
 * memory that was not asked for is poisoned.
 */

#define MEMORY_SIZE 0x200000
#define SEED_SIZE   32

static _Alignas(PAGE_SIZE) uint8_t guest[MEMORY_SIZE];
static struct memmap map;
static struct memory memory;
static unsigned accepted; /* bits; a node's type counts modulo 8 */
static struct span kernel;

_Noreturn void check_failed(const char *what)
{
	fuzz_failed(__FILE__, __LINE__, what);
}

static void *map_node(uint64_t address, uint64_t length)
{
	REQUIRE(fits(address, length, MEMORY_SIZE));
	memory_take(&memory, address, length, MEMMAP_BOOT_DATA);
	__asan_unpoison_memory_region(guest + address, length);
	return guest + address;
}

static bool accept(uint32_t type, struct span data)
{
	REQUIRE(data.bytes >= kernel.bytes);
	REQUIRE(fits((uint64_t)(data.bytes - kernel.bytes), data.size, kernel.size));
	return (accepted >> type % 8 & 1) != 0;
}

static const struct setup_data *node_at(const struct setup_data_list *list, uint64_t address)
{
	const struct setup_data *node = (const struct setup_data *)(guest + address);

	REQUIRE(fits(address, sizeof(*node), MEMORY_SIZE) && address % 16 == 0);
	REQUIRE(address < MEMMAP_LOW_END ||
		(address >= list->high_start &&
		 address + sizeof(*node) + le32_get(node->len) <= list->high_end));
	return node;
}

/* The nodes from @at on are those in the kernel, except the ones that were not accepted. */
static void compare(const struct setup_data_list *list, uint64_t at, uint64_t assumed_load,
		    uint64_t head)
{
	const struct setup_data *last = list->last;
	unsigned refused = 0;

	while (head != 0) {
		struct setup_data source;
		const uint8_t *data = kernel.bytes + (head - assumed_load);
		memcpy(&source, data, sizeof(source));
		data += sizeof(source);
		head = le64_get(source.next);
		if ((accepted >> le32_get(source.type) % 8 & 1) == 0) {
			refused++;
			continue;
		}
		REQUIRE(at != 0);
		const struct setup_data *copy = node_at(list, at);
		REQUIRE(le32_get(copy->type) == le32_get(source.type));
		REQUIRE(le32_get(copy->len) == le32_get(source.len));
		REQUIRE(memcmp(copy->data, data, le32_get(source.len)) == 0);
		at = le64_get(copy->next);
		last = copy;
	}
	REQUIRE(at == 0 && refused == list->refused && last == list->last);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static const uint8_t seed[SEED_SIZE] = {1, 2, 3};
	struct input input = {bytes, size};
	struct reason why = {""};
	struct setup_data_list list = {
		.map_of_memory = &map,
		.map = map_node,
		.accept = accept,
	};

	accepted = input_byte(&input);
	uint64_t low_pages = input_byte(&input) % 0x68;
	uint64_t high_pages = input_byte(&input);
	bool has_seed = (input_byte(&input) & 1) != 0;
	uint64_t assumed_load = input_number(&input, 4);
	uint64_t head = input_number(&input, 8);
	kernel = (struct span){input.at, input.left};

	memset(&memory, 0, sizeof(memory));
	memmap_init(&map);
	memory_add(&memory, &map, MEMMAP_LOW_START, low_pages * PAGE_SIZE, MEMMAP_RAM);
	memory_add(&memory, &map, 0x100000, high_pages * PAGE_SIZE, MEMMAP_RAM);
	__asan_poison_memory_region(guest, sizeof(guest));
	if (has_seed &&
	    setup_data_append(&list, SETUP_RNG_SEED, (struct span){seed, SEED_SIZE}) != STATUS_OK)
		return 0;

	enum status status = setup_data_copy(&list, kernel, assumed_load, head, &why);
	REQUIRE((status == STATUS_OK) == (why.text[0] == '\0'));
	REQUIRE(memory.taken <= SETUP_DATA_NODES_MAX + 1u);
	memory_check(&memory, &map);
	/* The list can be used even if there was more to come. */
	unsigned nodes = 0;
	for (uint64_t at = list.head; at != 0; nodes++)
		at = le64_get(node_at(&list, at)->next);
	REQUIRE(nodes == memory.taken);
	REQUIRE(!has_seed || list.has_seed);
	if (status != STATUS_OK)
		return 0;
	if (has_seed)
		compare(&list, le64_get(node_at(&list, list.head)->next), assumed_load, head);
	else
		compare(&list, list.head, assumed_load, head);
	return 0;
}
