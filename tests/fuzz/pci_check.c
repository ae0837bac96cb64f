/* SPDX-License-Identifier: BSD-2-Clause */
#include "pci_check.h"

#include <string.h>

#include "fuzz.h"
#include "pci/registers.h"
#include "pci_space.h"

#define BUSES     256u
#define RECORDS   0xffffu
#define IO_UNIT   0x1000u
#define MEM_UNIT  0x100000u
#define MEM32_END 0x100000000ul

/*
 * Accesses that a search of the roots, a bus and a function may cost, to be seen in scan.c:
 * every slot of every bus is asked for its header once for a root and once for a device.
 * A function costs its siblings' headers (7); class, command twice, interrupt; a bridge its
 * identity, its list of 48 capabilities and the hints (57), numbers and windows (12); BARs six
 * times 3, and 6 when records run out. Programming: BARs 12, windows, interrupt, command (8).
 */
#define COST_ROOTS    (BUSES * 32u)
#define COST_BUS      32u
#define COST_FUNCTION (7u + 4u + 57u + 12u + 24u + 20u)

static bool is_within(struct pci_range range, uint64_t start, uint64_t size)
{
	return start >= range.start && start <= range.end && size <= range.end - start;
}

static bool is_window(const struct pci_request *request)
{
	return request->bar == PCI_BAR_WINDOW;
}

static bool has_address(const struct pci_request *request)
{
	return request->address != PCI_UNASSIGNED;
}

/* -- records and bus numbers -------------------------------------------------------- */

static void check_function(const struct pci_tree *tree, uint16_t index)
{
	const struct pci_function *function = &tree->function[index];

	if (function->is_root) {
		REQUIRE(function->parent == PCI_NONE && !function->is_bridge);
		return;
	}
	REQUIRE(function->parent < index);
	const struct pci_function *parent = &tree->function[function->parent];
	REQUIRE(parent->is_root || (parent->is_bridge && parent->secondary != 0));
	REQUIRE(PCI_BUS(function->address) == parent->secondary);
	REQUIRE(index >= parent->first_child && index - parent->first_child < parent->children);
	/* In order of slots, so none is there twice. */
	if (index > parent->first_child)
		REQUIRE(function[-1].address < function->address);
}

/* Every number has one owner, and a bridge's range lies in that of its bus. */
static void check_bus_numbers(const struct pci_tree *tree)
{
	uint16_t owner[BUSES];

	memset(owner, 0xff, sizeof(owner));
	for (uint16_t i = 0; i < tree->functions; i++) {
		const struct pci_function *bus = &tree->function[i];
		if (!bus->is_root && (!bus->is_bridge || bus->secondary == 0))
			continue;
		REQUIRE(bus->secondary <= bus->subordinate);
		REQUIRE(bus->subordinate <= tree->last_bus);
		const struct pci_function *parent = bus->is_root ? NULL : bus - i + bus->parent;
		REQUIRE(parent == NULL || (bus->secondary > parent->secondary &&
					   bus->subordinate <= parent->subordinate));
		/* Parents come before their children and have claimed all of it. */
		for (unsigned number = bus->secondary; number <= bus->subordinate; number++) {
			REQUIRE(owner[number] == (bus->is_root ? PCI_NONE : bus->parent));
			owner[number] = i;
		}
	}
}

static bool is_written(const struct pci_function *function, unsigned offset)
{
	return (space.was_written[function->address] >> offset / 4 & 1) != 0;
}

/* What was written last, or @or_else when nothing was. */
static uint32_t written(const struct pci_function *function, unsigned offset, uint32_t or_else)
{
	return is_written(function, offset) ? space.written[function->address][offset / 4]
					    : or_else;
}

/* Nobody else answers for buses that are given out. */
static void check_numbers_written(const struct pci_function *bridge)
{
	uint32_t numbers = written(bridge, PCI_BUSES, PCI_NOTHING);

	if (bridge->secondary == 0)
		REQUIRE(numbers == (bridge->was_programmed ? 0 : PCI_NOTHING));
	else
		REQUIRE(numbers == ((uint32_t)bridge->subordinate << 16 |
				    (uint32_t)bridge->secondary << 8 | PCI_BUS(bridge->address)));
}

void check_scan(const struct pci_tree *tree, size_t size)
{
	REQUIRE(tree->functions >= 1 && tree->functions < RECORDS && tree->requests < RECORDS);
	REQUIRE(tree->functions * sizeof(struct pci_function) +
			tree->requests * sizeof(struct pci_request) <=
		size);
	check_bus_numbers(tree);
	for (uint16_t i = 0; i < tree->functions; i++) {
		check_function(tree, i);
		if (tree->function[i].is_bridge)
			check_numbers_written(&tree->function[i]);
	}
}

/* -- addresses ---------------------------------------------------------------------- */

static void check_size(const struct pci_tree *tree, const struct pci_request *request)
{
	uint64_t unit = request->kind == PCI_IO ? IO_UNIT : MEM_UNIT;

	REQUIRE(request->alignment != 0 && (request->alignment & (request->alignment - 1)) == 0);
	REQUIRE(request->size != 0 && request->address % request->alignment == 0);
	REQUIRE(request->address != 0 && request->size <= ~0ul - request->address);
	if (is_window(request)) {
		const struct pci_function *bridge = &tree->function[request->function];
		REQUIRE(bridge->is_bridge && bridge->secondary != 0);
		REQUIRE(request->alignment >= unit && request->size % unit == 0);
		REQUIRE(bridge->window[request->kind] != PCI_NONE &&
			pci_request(tree, bridge->window[request->kind]) == request);
	} else {
		REQUIRE(request->alignment == request->size && !request->is_refused);
		REQUIRE(request->bar + request->is_wide <
			(tree->function[request->function].is_bridge ? 2 : 6));
	}
}

static void check_place(const struct pci_tree *tree, const struct pci_request *request)
{
	const struct pci_machine *machine = tree->machine;
	const struct pci_function *bus = &tree->function[tree->function[request->function].parent];
	uint64_t start = request->address, size = request->size;

	/* Only registers of 64 bits reach above 4 GiB. */
	if (start + size > MEM32_END)
		REQUIRE(request->is_wide ||
			(is_window(request) && request->kind == PCI_PREFETCHABLE));
	if (!bus->is_root) {
		REQUIRE(bus->window[request->kind] != PCI_NONE);
		const struct pci_request *window = pci_request(tree, bus->window[request->kind]);
		REQUIRE(has_address(window));
		REQUIRE(is_within(
			(struct pci_range){window->address, window->address + window->size}, start,
			size));
	} else if (request->kind == PCI_IO) {
		REQUIRE(is_within(machine->io[0], start, size) ||
			is_within(machine->io[1], start, size));
	} else if (start >= MEM32_END) {
		REQUIRE(is_within(machine->mem64, start, size));
		REQUIRE(is_within(tree->high, start, size));
	} else {
		REQUIRE(is_within(machine->mem32[0], start, size) ||
			is_within(machine->mem32[1], start, size));
	}
}

/** What is decoded on a bus; the root buses are one. */
struct claim {
	uint16_t bus;
	bool is_io;
	uint64_t start, size;
};

static int compare_claims(const void *left, const void *right)
{
	const struct claim *a = left, *b = right;

	if (a->bus != b->bus)
		return a->bus < b->bus ? -1 : 1;
	if (a->is_io != b->is_io)
		return a->is_io ? -1 : 1;
	return a->start < b->start ? -1 : a->start > b->start;
}

static void check_overlaps(const struct pci_tree *tree)
{
	static struct claim claims[RECORDS];
	size_t count = 0;

	for (uint16_t i = 0; i < tree->requests; i++) {
		const struct pci_request *request = pci_request(tree, i);
		uint16_t bus = tree->function[request->function].parent;
		if (!has_address(request))
			continue;
		claims[count++] =
			(struct claim){tree->function[bus].is_root ? 0 : bus,
				       request->kind == PCI_IO, request->address, request->size};
	}
	qsort(claims, count, sizeof(claims[0]), compare_claims);
	for (size_t i = 1; i < count; i++) {
		const struct claim *a = &claims[i - 1], *b = &claims[i];
		REQUIRE(a->bus != b->bus || a->is_io != b->is_io || a->size <= b->start - a->start);
	}
}

void check_assign(const struct pci_tree *tree)
{
	unsigned unassigned = 0;

	for (uint16_t i = 0; i < tree->requests; i++) {
		const struct pci_request *request = pci_request(tree, i);
		REQUIRE(request->function < tree->functions && request->kind < PCI_KINDS);
		REQUIRE(!tree->function[request->function].is_root);
		unassigned += !has_address(request) && !is_window(request);
		if (!has_address(request))
			continue;
		check_size(tree, request);
		check_place(tree, request);
	}
	REQUIRE(tree->unassigned == unassigned);
	if (tree->high.start < tree->high.end)
		REQUIRE(tree->high.start >= tree->machine->mem64.start &&
			tree->high.end <= tree->machine->mem64.end);
	check_overlaps(tree);
}

/* -- what was written --------------------------------------------------------------- */

/* No BAR is left with what it was measured with, or with another's address. */
static void check_bar_written(const struct pci_tree *tree, const struct pci_request *request)
{
	const struct pci_function *function = &tree->function[request->function];
	uint64_t address = has_address(request) ? request->address : 0;
	unsigned offset = PCI_BAR + 4u * request->bar;
	uint32_t command = written(function, PCI_COMMAND, 0);
	uint32_t bit = request->kind == PCI_IO ? COMMAND_IO : COMMAND_MEMORY;

	REQUIRE(written(function, offset, 1) == (uint32_t)address);
	/* After a reset an upper half is 0, where it was not written to measure it. */
	uint32_t upper = tree->machine->is_fresh && request->size >> 32 == 0 ? 0 : 1;
	if (request->is_wide)
		REQUIRE(written(function, offset + 4, upper) == address >> 32);
	if (!has_address(request) && !function->is_bridge)
		REQUIRE((command & bit) == 0);
}

static uint64_t limit_of(uint64_t value, uint64_t unit)
{
	return value | (unit - 1);
}

/* The range that registers of a window forward; empty when that is nothing. */
static struct pci_range window_range(unsigned kind, uint32_t low, uint32_t base_high,
				     uint32_t limit_high)
{
	struct pci_range range;
	uint64_t last;

	if (kind == PCI_IO) {
		range.start = (low & 0xf0) << 8 | base_high << 16;
		last = limit_of((low & 0xf000) | limit_high << 16, IO_UNIT);
	} else {
		range.start = (low & 0xfff0) << 16 | (uint64_t)base_high << 32;
		last = limit_of((low & 0xfff00000) | (uint64_t)limit_high << 32, MEM_UNIT);
	}
	range.end = range.start <= last ? last + 1 : 0;
	return range.end == 0 ? (struct pci_range){0, 0} : range;
}

static void check_window(const struct pci_tree *tree, const struct pci_function *bridge,
			 unsigned kind, struct pci_range range)
{
	const struct pci_request *window =
		bridge->window[kind] == PCI_NONE ? NULL : pci_request(tree, bridge->window[kind]);

	if (window == NULL || window->size == 0 || !has_address(window)) {
		REQUIRE(range.start == range.end);
		return;
	}
	REQUIRE(range.start == window->address && range.end == window->address + window->size);
}

/* Where a register was not written, the bridge had the value that was wanted. */
static void check_windows_written(const struct pci_tree *tree, const struct pci_function *bridge)
{
	uint32_t base_high = written(bridge, PCI_PREF_BASE_HIGH, 0);
	uint32_t limit_high = written(bridge, PCI_PREF_LIMIT_HIGH, 0);

	if (bridge->has_io)
		check_window(tree, bridge, PCI_IO,
			     window_range(PCI_IO, written(bridge, PCI_IO_WINDOW, bridge->io_window),
					  0, 0));
	check_window(tree, bridge, PCI_MEMORY,
		     window_range(PCI_MEMORY, written(bridge, PCI_MEMORY_WINDOW, 0), 0, 0));
	check_window(tree, bridge, PCI_PREFETCHABLE,
		     window_range(PCI_PREFETCHABLE,
				  written(bridge, PCI_PREF_WINDOW, bridge->pref_window), base_high,
				  limit_high));
}

/* -- what devices have -------------------------------------------------------------- */

/* From @from on, where the requests of @function begin. */
static const struct pci_request *find_bar(const struct pci_tree *tree, uint16_t from,
					  uint16_t function, unsigned bar)
{
	for (uint16_t i = from; i < tree->requests; i++) {
		const struct pci_request *request = pci_request(tree, i);
		if (request->function != function)
			break;
		if (request->bar == bar)
			return request;
	}
	return NULL;
}

/* A BAR that is decoded has the address that was meant for it, or takes none. */
static void check_device(const struct pci_tree *tree, uint16_t from, uint16_t index,
			 const struct space_device *device)
{
	unsigned command = device->space[PCI_COMMAND];

	for (unsigned bar = 0; bar < 6; bar++) {
		const uint8_t *bytes = &device->space[PCI_BAR + 4 * bar];
		const uint8_t *writable = &device->writable[PCI_BAR + 4 * bar];
		uint32_t mask = space_get32(writable);
		/* As it looks to who measures it. */
		uint32_t value = space_get32(bytes) | mask;
		bool is_io = (value & BAR_IO) != 0 && value != PCI_NOTHING;
		bool is_wide = !is_io && (value & BAR_TYPE) == BAR_TYPE_64 && bar < 5;
		uint32_t flags = is_io ? BAR_IO_FLAGS : BAR_MEMORY_FLAGS;
		uint64_t address = space_get32(bytes) & ~flags;
		if (is_wide)
			address |= (uint64_t)space_get32(bytes + 4) << 32;
		if (value != 0 && (command & (is_io ? COMMAND_IO : COMMAND_MEMORY)) != 0) {
			const struct pci_request *request = find_bar(tree, from, index, bar);
			REQUIRE(request != NULL && has_address(request));
			REQUIRE(request->address == address);
		}
		bar += is_wide;
	}
}

static void check_bridge(const struct pci_tree *tree, const struct pci_function *bridge,
			 const struct space_device *device)
{
	const uint8_t *bytes = device->space;
	struct pci_range closed = {0, 0};
	bool has_io = device->writable[PCI_IO_WINDOW] != 0;
	bool has_pref = device->writable[PCI_PREF_WINDOW] != 0;
	struct pci_range io = window_range(PCI_IO, space_get32(bytes + PCI_IO_WINDOW),
					   space_get32(bytes + PCI_IO_WINDOW_HIGH) & 0xffff,
					   space_get32(bytes + PCI_IO_WINDOW_HIGH) >> 16);
	struct pci_range memory =
		window_range(PCI_MEMORY, space_get32(bytes + PCI_MEMORY_WINDOW), 0, 0);
	struct pci_range pref = window_range(PCI_PREFETCHABLE, space_get32(bytes + PCI_PREF_WINDOW),
					     space_get32(bytes + PCI_PREF_BASE_HIGH),
					     space_get32(bytes + PCI_PREF_LIMIT_HIGH));

	if (bridge->secondary != 0)
		REQUIRE(bytes[PCI_BUSES] == PCI_BUS(bridge->address));
	REQUIRE(bytes[PCI_BUSES + 1] == bridge->secondary);
	REQUIRE(bytes[PCI_BUSES + 2] == bridge->subordinate);
	check_window(tree, bridge, PCI_IO,
		     has_io && (bytes[PCI_COMMAND] & COMMAND_IO) != 0 ? io : closed);
	if ((bytes[PCI_COMMAND] & COMMAND_MEMORY) == 0)
		memory = pref = closed;
	check_window(tree, bridge, PCI_MEMORY, memory);
	check_window(tree, bridge, PCI_PREFETCHABLE, has_pref ? pref : closed);
}

/* Whether pci_scan() owes @device a record, by what its function 0 is. */
static bool is_expected(const struct space_device *first, const struct space_device *device)
{
	return space_get32(&device->space[0x0c]) != PCI_NOTHING &&
	       space_get32(&first->space[0x0c]) != PCI_NOTHING &&
	       (device->space[0x0e] & 0x7f) <= 1 && (first->space[0x0e] & 0x7f) <= 1 &&
	       (first == device || (first->space[0x0e] & 0x80) != 0);
}

/* Nothing is overlooked on a bus. */
static void check_bus(const struct pci_tree *tree, const struct pci_function *bus)
{
	unsigned expected = 0;

	for (unsigned slot = 0; slot < (bus->is_single ? 8 : 256); slot++) {
		uint16_t address = PCI_ADDRESS(bus->secondary, 0, slot);
		const struct space_device *first = space_find(address & 0xfff8);
		const struct space_device *device = space_find(address);
		expected += first != NULL && device != NULL && is_expected(first, device);
	}
	bool is_mapped = tree->machine->access.ecam == 0 || bus->secondary < space.ecam_buses;
	REQUIRE(tree->is_full || !is_mapped || bus->children == expected);
}

static void check_honest(const struct pci_tree *tree)
{
	uint16_t request = 0;

	for (uint16_t i = 0; i < tree->functions; i++) {
		const struct pci_function *function = &tree->function[i];
		if (function->is_root || (function->is_bridge && function->secondary != 0))
			check_bus(tree, function);
		/* Requests stand in the order of functions. */
		while (request < tree->requests && pci_request(tree, request)->function < i)
			request++;
		if (function->is_root || function->is_untouched)
			continue;
		const struct space_device *device = space_find(function->address);
		REQUIRE(device != NULL);
		if (function->is_bridge)
			check_bridge(tree, function, device);
		else
			check_device(tree, request, i, device);
	}
}

void check_program(const struct pci_tree *tree)
{
	REQUIRE(space.accesses <=
		COST_ROOTS + BUSES * COST_BUS + (size_t)tree->functions * COST_FUNCTION);
	for (uint16_t i = 0; i < tree->requests; i++) {
		if (!is_window(pci_request(tree, i)))
			check_bar_written(tree, pci_request(tree, i));
	}
	for (uint16_t i = 0; i < tree->functions; i++) {
		const struct pci_function *function = &tree->function[i];
		if (!function->is_bridge)
			continue;
		REQUIRE(!is_written(function, PCI_BUSES));
		if (function->secondary != 0)
			check_windows_written(tree, function);
	}
	if (space.is_honest)
		check_honest(tree);
}
