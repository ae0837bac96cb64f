/* SPDX-License-Identifier: BSD-2-Clause */
#include "pci/tree.h"

#include <string.h>

#include "lib/check.h"
#include "lib/checked.h"
#include "pci/registers.h"

#define BUS_MAX   255u
#define DEVICES   32u
#define FUNCTIONS 8u

/* A bit for each that a header has. */
#define BARS        0x3fu
#define BARS_BRIDGE 0x03u

/* Less would put BARs of two devices into a page, which only one user can be given. */
#define BAR_MEMORY_MIN 0x1000u

static uint32_t read(const struct pci_tree *tree, uint16_t address, unsigned offset)
{
	return pci_config_read(&tree->machine->access, address, (uint8_t)offset);
}

static void write(const struct pci_tree *tree, uint16_t address, unsigned offset, uint32_t value)
{
	pci_config_write(&tree->machine->access, address, (uint8_t)offset, value);
}

/* Writes, and returns what is there then. */
static uint32_t try(const struct pci_tree *tree, uint16_t address, unsigned offset, uint32_t value)
{
	return pci_config_try(&tree->machine->access, address, (uint8_t)offset, value);
}

/* -- records ----------------------------------------------------------------------- */

static bool has_room(struct pci_tree *tree, size_t size)
{
	size_t room = (size_t)((uint8_t *)(tree->request_end - tree->requests) -
			       (uint8_t *)(tree->function + tree->functions));

	if (!tree->is_full && room >= size && tree->functions < PCI_NONE &&
	    tree->requests < PCI_NONE)
		return true;
	if (!tree->is_full)
		log_line(tree->log, LOG_WARN, "pci: too many devices, some are left out");
	tree->is_full = true;
	return false;
}

static struct pci_function *add_function(struct pci_tree *tree, uint16_t address, uint16_t parent)
{
	if (!has_room(tree, sizeof(struct pci_function)))
		return NULL;
	struct pci_function *function = &tree->function[tree->functions++];
	memset(function, 0, sizeof(*function));
	function->address = address;
	function->parent = parent;
	for (unsigned kind = 0; kind < PCI_KINDS; kind++)
		function->window[kind] = PCI_NONE;
	return function;
}

static struct pci_request *add_request(struct pci_tree *tree, enum pci_kind kind, unsigned bar)
{
	if (!has_room(tree, sizeof(struct pci_request)))
		return NULL;
	struct pci_request *request = pci_request(tree, tree->requests++);
	*request = (struct pci_request){
		.address = PCI_UNASSIGNED,
		.function = (uint16_t)(tree->functions - 1),
		.next = PCI_NONE,
		.kind = (uint8_t)kind,
		.bar = (uint8_t)bar,
	};
	return request;
}

/* -- BARs -------------------------------------------------------------------------- */

/* What cannot be understood is set to 0 and is not decoded. */
static void ignore_bar(struct pci_tree *tree, struct pci_function *function, unsigned bar,
		       uint32_t value, const char *why)
{
	write(tree, function->address, PCI_BAR + 4 * bar, 0);
	function->undecoded |= (uint8_t)((value & BAR_IO) != 0 ? 1u << PCI_IO : 1u << PCI_MEMORY);
	pci_report(tree, LOG_WARN, function->address, bar, why);
}

/*
 * A root port of QEMU with io-reserve=0 has no window for I/O, but its base reads as one
 * that is closed. That takes two accesses to find out, so it is done where something
 * needs I/O.
 */
static void confirm_io(struct pci_tree *tree, uint16_t bus)
{
	for (struct pci_function *up = &tree->function[bus]; !up->is_root;
	     up = &tree->function[up->parent]) {
		if (!up->has_io || up->is_io_sure)
			continue;
		uint32_t other = (up->io_window ^ IO_WINDOW_STEP) & IO_WINDOW_BASE;
		up->io_window = try(tree, up->address, PCI_IO_WINDOW, other);
		up->is_io_sure = true;
		if ((up->io_window & IO_WINDOW_BASE) == other)
			continue;
		up->has_io = false;
		up->window[PCI_IO] = PCI_NONE;
	}
}

static void want_bar(struct pci_tree *tree, struct pci_function *function, unsigned bar,
		     uint32_t value, bool is_wide, uint64_t size)
{
	const struct pci_function *bus = &tree->function[function->parent];
	enum pci_kind kind = PCI_MEMORY;

	if ((value & BAR_IO) != 0) {
		kind = PCI_IO;
		confirm_io(tree, function->parent);
	} else if (is_wide && (value & BAR_PREFETCHABLE) != 0 && bus->has_pref64) {
		kind = PCI_PREFETCHABLE;
	}
	struct pci_request *request = add_request(tree, kind, bar);
	if (request == NULL)
		return;
	if (kind != PCI_IO && size < BAR_MEMORY_MIN)
		size = BAR_MEMORY_MIN;
	request->size = size;
	request->alignment = size;
	request->is_wide = is_wide;
	/* Behind a bridge only the prefetchable window reaches above 4 GiB. */
	request->is64 = is_wide && (kind == PCI_PREFETCHABLE || bus->is_root);
}

/*
 * Ones are written, and what stays zero is the size (PCI Local Bus 3.0, 6.2.5.1). The
 * old value is not kept: every BAR is written again by pci_program(), and until then
 * nothing is decoded.
 */
static unsigned measure_bar(struct pci_tree *tree, struct pci_function *function, unsigned bar,
			    unsigned bars)
{
	unsigned offset = PCI_BAR + 4 * bar;
	bool is_wide = false;
	uint64_t mask;

	uint32_t value = try(tree, function->address, offset, PCI_NOTHING);
	if (value == 0)
		return 1;
	if (value == PCI_NOTHING) {
		ignore_bar(tree, function, bar, 0, "reads as ones");
		return 1;
	}
	if ((value & BAR_IO) != 0) {
		mask = ~0ul << 32 | (value & ~BAR_IO_FLAGS);
		/* It may decode 16 bits. */
		if ((value >> 16) == 0)
			mask |= 0xffff0000u;
	} else {
		mask = ~0ul << 32 | (value & ~BAR_MEMORY_FLAGS);
		is_wide = (value & BAR_TYPE) == BAR_TYPE_64;
	}
	if (is_wide && (bars >> (bar + 1) & 1) == 0) {
		ignore_bar(tree, function, bar, value, "has no upper half");
		return 1;
	}
	/* Below 4 GiB the lower half tells all of the size. */
	if (is_wide && (uint32_t)mask == 0)
		mask = (uint64_t)try(tree, function->address, offset + 4, PCI_NOTHING) << 32;
	uint64_t size = -mask;
	if (!is_power_of_two(size) || (size >> 32 != 0 && !is_wide) ||
	    (value & (BAR_IO | BAR_TYPE)) == BAR_TYPE_RESERVED) {
		if (is_wide)
			write(tree, function->address, offset + 4, 0);
		ignore_bar(tree, function, bar, value, "has no valid size");
	} else {
		want_bar(tree, function, bar, value, is_wide, size);
	}
	return is_wide ? 2 : 1;
}

static void measure_bars(struct pci_tree *tree, struct pci_function *function, unsigned bars)
{
	unsigned bar = 0;

	while (bars >> bar != 0 && !tree->is_full)
		bar += (bars >> bar & 1) != 0 ? measure_bar(tree, function, bar, bars) : 1;
	if (tree->is_full) {
		/* There is no record of some, so none may be decoded. */
		function->undecoded = 1u << PCI_IO | 1u << PCI_MEMORY;
		for (unsigned i = 0; i < bar; i++)
			write(tree, function->address, PCI_BAR + 4 * i, 0);
	}
}

/* -- bridges ----------------------------------------------------------------------- */

static uint64_t read_hint(const struct pci_tree *tree, uint16_t address, unsigned offset)
{
	uint32_t low = read(tree, address, offset);

	return low | (uint64_t)read(tree, address, offset + 4) << 32;
}

struct hints {
	uint64_t io, memory, pref32, pref64;
};

static void read_hints(struct pci_tree *tree, struct pci_function *bridge, unsigned at,
		       struct hints *hints)
{
	uint32_t buses = read(tree, bridge->address, at + RESERVE_BUS);

	if (buses != PCI_NOTHING)
		bridge->bus_hint = (uint8_t)(buses < BUS_MAX ? buses : BUS_MAX);
	hints->io = read_hint(tree, bridge->address, at + RESERVE_IO);
	hints->memory = read(tree, bridge->address, at + RESERVE_MEMORY);
	hints->pref32 = read(tree, bridge->address, at + RESERVE_PREF32);
	hints->pref64 = read_hint(tree, bridge->address, at + RESERVE_PREF64);
	if (hints->io == ~0ul)
		hints->io = 0;
	if (hints->memory == PCI_NOTHING)
		hints->memory = 0;
	if (hints->pref32 == PCI_NOTHING)
		hints->pref32 = 0;
	if (hints->pref64 == ~0ul)
		hints->pref64 = 0;
}

/* The list may be a loop, so its length is bounded. */
static void read_capabilities(struct pci_tree *tree, struct pci_function *bridge,
			      struct hints *hints)
{
	uint32_t id = read(tree, bridge->address, PCI_ID);
	bool wants_hints = id == ID_QEMU_BRIDGE || id == ID_QEMU_ROOT_PORT;
	unsigned at = read(tree, bridge->address, PCI_CAPABILITY) & 0xfcu;

	for (unsigned i = 0; i < CAPABILITIES_MAX && at >= CAPABILITY_FIRST; i++) {
		uint32_t first = read(tree, bridge->address, at);
		if ((first & 0xff) == CAPABILITY_EXPRESS && !bridge->is_express) {
			unsigned type = EXPRESS_TYPE(first);
			bool is_down = type == EXPRESS_ROOT_PORT || type == EXPRESS_DOWNSTREAM_PORT;
			bridge->is_express = type != EXPRESS_TO_PCI;
			bridge->is_single = is_down;
			bridge->is_hotplug = is_down && (first & EXPRESS_SLOT) != 0;
		} else if ((first & 0xff) == CAPABILITY_VENDOR && wants_hints &&
			   at <= RESERVE_END_OFFSET && (first >> 16 & 0xff) >= RESERVE_LENGTH &&
			   first >> 24 == RESERVE_TYPE) {
			wants_hints = false;
			read_hints(tree, bridge, at, hints);
		}
		at = first >> 8 & 0xfcu;
	}
}

/* A window that is not there takes no base; writing the highest one closes it besides. */
static void probe_io(const struct pci_tree *tree, struct pci_function *bridge)
{
	bridge->io_window = read(tree, bridge->address, PCI_IO_WINDOW);
	if ((bridge->io_window & IO_WINDOW_BASE) == 0) {
		bridge->io_window = try(tree, bridge->address, PCI_IO_WINDOW, IO_WINDOW_CLOSED);
		bridge->is_io_sure = true;
	}
	bridge->has_io = (bridge->io_window & IO_WINDOW_BASE) != 0;
}

static void want_window(struct pci_tree *tree, struct pci_function *bridge, enum pci_kind kind,
			uint64_t reserve)
{
	struct pci_request *request = add_request(tree, kind, PCI_BAR_WINDOW);

	if (request == NULL)
		return;
	request->reserve = reserve;
	bridge->window[kind] = (uint16_t)(tree->requests - 1);
}

static void look_at_bridge(struct pci_tree *tree, struct pci_function *bridge)
{
	struct hints hints = {0, 0, 0, 0};
	uint32_t buses = read(tree, bridge->address, PCI_BUSES);

	bridge->is_bridge = true;
	/* It must not answer for buses that others are about to get. */
	bridge->was_programmed = (buses & 0xffffff) != 0;
	if (bridge->was_programmed)
		write(tree, bridge->address, PCI_BUSES, 0);
	read_capabilities(tree, bridge, &hints);
	/* Below a conventional bridge QEMU plugs by ACPI, without a capability that says so. */
	if (!bridge->is_express)
		bridge->is_hotplug = true;
	probe_io(tree, bridge);
	bridge->pref_window = read(tree, bridge->address, PCI_PREF_WINDOW);
	bridge->has_pref64 = (bridge->pref_window & PREF_WINDOW_TYPE) == PREF_WINDOW_64 &&
			     tree->function[bridge->parent].has_pref64;

	if (bridge->has_io)
		want_window(tree, bridge, PCI_IO, hints.io);
	want_window(tree, bridge, PCI_MEMORY, hints.memory);
	if (!bridge->has_pref64)
		return;
	/* Both would be a contradiction. */
	want_window(tree, bridge, PCI_PREFETCHABLE,
		    hints.pref32 == 0 || hints.pref64 == 0 ? hints.pref32 | hints.pref64 : 0);
}

/* -- functions --------------------------------------------------------------------- */

/* Nothing that is decoded while it is measured gets in the way. */
static void stop_decoding(struct pci_tree *tree, struct pci_function *function)
{
	if (tree->machine->is_fresh)
		return;
	function->command = (uint16_t)read(tree, function->address, PCI_COMMAND);
	if ((function->command & (COMMAND_IO | COMMAND_MEMORY)) != 0)
		write(tree, function->address, PCI_COMMAND,
		      function->command & ~(COMMAND_IO | COMMAND_MEMORY));
}

/* The function at @address if the caller told of it. They are met in their order. */
static const struct pci_known *find_known(struct pci_tree *tree, uint16_t address)
{
	const struct pci_machine *machine = tree->machine;

	if (tree->known == machine->known_count || machine->known[tree->known].address != address)
		return NULL;
	return &machine->known[tree->known++];
}

static bool take_known(struct pci_tree *tree, const struct pci_known *known, uint16_t address,
		       uint16_t parent)
{
	struct pci_function *function = add_function(tree, address, parent);

	if (function == NULL)
		return false;
	function->is_untouched = known->is_bridge;
	function->interrupt = (uint32_t)known->pin << 8;
	function->line = known->line;
	if (!known->is_bridge) {
		stop_decoding(tree, function);
		measure_bars(tree, function, known->bars);
	}
	return known->has_others;
}

/* Returns whether a device has further functions. */
static bool look_at(struct pci_tree *tree, uint16_t address, uint16_t parent)
{
	const struct pci_known *known = find_known(tree, address);

	if (known != NULL)
		return take_known(tree, known, address, parent);
	uint32_t header = read(tree, address, PCI_HEADER);
	if (header == PCI_NOTHING)
		return false;
	unsigned type = header >> 16 & HEADER_TYPE;
	if (type != HEADER_FUNCTION && type != HEADER_BRIDGE) {
		pci_report(tree, LOG_WARN, address, PCI_BAR_WINDOW, "has an unknown header");
		return false;
	}
	struct pci_function *function = add_function(tree, address, parent);
	if (function == NULL)
		return false;
	if (type == HEADER_FUNCTION) {
		unsigned class = read(tree, address, PCI_CLASS) >> 16;
		function->is_vga = class == CLASS_VGA;
		/* They have no BARs that are for us or, in Linux, for the kernel. */
		function->is_untouched = class == CLASS_HOST_BRIDGE || class == CLASS_ISA_BRIDGE;
	}
	if (!function->is_untouched) {
		stop_decoding(tree, function);
		if (type == HEADER_BRIDGE)
			look_at_bridge(tree, function);
		measure_bars(tree, function, type == HEADER_BRIDGE ? BARS_BRIDGE : BARS);
		function->interrupt = read(tree, address, PCI_INTERRUPT);
	}
	return (header >> 16 & HEADER_MULTI) != 0;
}

static void look_at_device(struct pci_tree *tree, uint8_t bus, unsigned device, uint16_t parent)
{
	uint16_t address = PCI_ADDRESS(bus, device, 0);

	if (!look_at(tree, address, parent))
		return;
	for (unsigned function = 1; function < FUNCTIONS && !tree->is_full; function++) {
		(void)look_at(tree, (uint16_t)(address + function), parent);
	}
}

/* -- buses ------------------------------------------------------------------------- */

/* All functions of a bus stand together; what is behind bridges follows later. */
static void scan_bus(struct pci_tree *tree, uint16_t bridge)
{
	uint8_t bus = tree->function[bridge].secondary;
	unsigned devices = tree->function[bridge].is_single ? 1 : DEVICES;

	tree->function[bridge].first_child = tree->functions;
	if (pci_config_map(&tree->machine->access, bus)) {
		for (unsigned device = 0; device < devices && !tree->is_full; device++)
			look_at_device(tree, bus, device, bridge);
	} else {
		pci_report(tree, LOG_WARN, PCI_ADDRESS(bus, 0, 0), PCI_BAR_WINDOW,
			   "no memory for page tables");
	}
	tree->function[bridge].children =
		(uint16_t)(tree->functions - tree->function[bridge].first_child);
}

static void set_subordinate(struct pci_tree *tree, struct pci_function *bridge, uint8_t last)
{
	if (bridge->subordinate == last)
		return;
	bridge->subordinate = last;
	write(tree, bridge->address, PCI_BUSES,
	      (uint32_t)last << 16 | (uint32_t)bridge->secondary << 8 | PCI_BUS(bridge->address));
}

static uint16_t next_bridge(const struct pci_tree *tree, uint16_t from, uint16_t end)
{
	while (from < end && !tree->function[from].is_bridge)
		from++;
	return from;
}

static uint16_t end_of_children(const struct pci_tree *tree, uint16_t bridge)
{
	return (uint16_t)(tree->function[bridge].first_child + tree->function[bridge].children);
}

/* Ends @bridge's part of the bus numbers, which go to @limit. */
static void close_bridge(struct pci_tree *tree, uint16_t index, unsigned limit)
{
	struct pci_function *bridge = &tree->function[index];

	unsigned wanted = bridge->secondary + (unsigned)bridge->bus_hint;

	if (wanted > limit)
		pci_report(tree, LOG_WARN, bridge->address, PCI_BAR_WINDOW,
			   "reserves more bus numbers than are left");
	else if (wanted > tree->last_bus)
		tree->last_bus = (uint8_t)wanted;
	set_subordinate(tree, bridge, tree->last_bus);
}

/*
 * Numbers the buses below a root bus and scans them, depth first. Where it stands is
 * @bridge and the next of its children, so that no depth needs a deep stack.
 */
static void scan_below(struct pci_tree *tree, uint16_t root, unsigned limit)
{
	uint16_t bridge = root;
	uint16_t next = tree->function[root].first_child;

	tree->last_bus = tree->function[root].secondary;
	for (;;) {
		uint16_t end = end_of_children(tree, bridge);
		next = next_bridge(tree, next, end);
		if (next == end) {
			if (bridge == root)
				break;
			close_bridge(tree, bridge, limit);
			next = (uint16_t)(bridge + 1);
			bridge = tree->function[bridge].parent;
			continue;
		}
		struct pci_function *child = &tree->function[next];
		if (tree->last_bus >= limit || tree->is_full) {
			if (!tree->is_full)
				pci_report(tree, LOG_WARN, child->address, PCI_BAR_WINDOW,
					   "no bus number is left");
			next++;
			continue;
		}
		child->secondary = ++tree->last_bus;
		set_subordinate(tree, child, child->secondary);
		scan_bus(tree, next);
		end = end_of_children(tree, next);
		if (next_bridge(tree, child->first_child, end) == end) {
			close_bridge(tree, next++, limit);
		} else {
			set_subordinate(tree, child, (uint8_t)limit);
			bridge = next;
			next = child->first_child;
		}
	}
	tree->function[root].subordinate = tree->last_bus;
}

/* Adds the root bus @bus if there is anything on its devices from @first to @last. */
static bool scan_root(struct pci_tree *tree, unsigned bus, unsigned first, unsigned last)
{
	unsigned device = first;

	if (bus != 0) {
		if (!pci_config_map(&tree->machine->access, (uint8_t)bus))
			return false;
		while (read(tree, PCI_ADDRESS(bus, device, 0), PCI_HEADER) == PCI_NOTHING) {
			if (device++ == last)
				return false;
		}
	}
	struct pci_function *root = add_function(tree, PCI_ADDRESS(bus, 0, 0), PCI_NONE);
	if (root == NULL)
		return false;
	root->is_root = true;
	root->has_io = true;
	root->has_pref64 = true;
	root->secondary = (uint8_t)bus;
	scan_bus(tree, (uint16_t)(root - tree->function));
	return true;
}

static bool is_root_bus(const struct pci_tree *tree, unsigned bus)
{
	for (uint16_t i = 0; i < tree->functions; i++) {
		if (tree->function[i].is_root && tree->function[i].secondary == bus)
			return true;
	}
	return false;
}

/*
 * Root buses have to be known before any bus gets a number. Most have something in
 * slot 0, so that is asked of all buses before the other slots are.
 */
static void find_roots(struct pci_tree *tree)
{
	unsigned missing = tree->machine->extra_roots;

	scan_root(tree, 0, 0, DEVICES - 1);
	for (unsigned bus = 1; bus <= BUS_MAX && missing > 0 && !tree->is_full; bus++)
		missing -= scan_root(tree, bus, 0, 0) ? 1 : 0;
	for (unsigned bus = 1; bus <= BUS_MAX && missing > 0 && !tree->is_full; bus++) {
		if (!is_root_bus(tree, bus))
			missing -= scan_root(tree, bus, 1, DEVICES - 1) ? 1 : 0;
	}
}

/* The last bus number that belongs to the root bus @bus. */
static unsigned root_limit(const struct pci_tree *tree, unsigned bus, uint16_t known)
{
	unsigned limit = BUS_MAX;

	for (uint16_t i = 0; i < known; i++) {
		const struct pci_function *root = &tree->function[i];
		if (root->is_root && root->secondary > bus && root->secondary <= limit)
			limit = root->secondary - 1u;
	}
	return limit;
}

void pci_scan(struct pci_tree *tree, const struct pci_machine *machine, const struct log *log,
	      void *buffer, size_t size)
{
	size = align_down(size, _Alignof(struct pci_request));
	CHECK(size >= sizeof(struct pci_function));
	CHECK((uintptr_t)buffer % _Alignof(struct pci_request) == 0);
	memset(tree, 0, sizeof(*tree));
	tree->machine = machine;
	tree->log = log;
	tree->function = buffer;
	tree->request_end = (struct pci_request *)((uintptr_t)buffer + size);

	find_roots(tree);
	/* Roots in the order of their records; functions that come now are none. */
	uint16_t known = tree->functions;
	uint8_t last_bus = 0;
	for (uint16_t i = 0; i < known; i++) {
		if (!tree->function[i].is_root)
			continue;
		uint8_t bus = tree->function[i].secondary;
		scan_below(tree, i, root_limit(tree, bus, known));
		if (tree->last_bus > last_bus)
			last_bus = tree->last_bus;
	}
	tree->last_bus = last_bus;
}
