/* SPDX-License-Identifier: BSD-2-Clause */
#include "proof.h"

#include "pci/assign.c"

/*
 * Addresses for what devices ask for. The tree is a root bus and a bridge on it, with BARs on one
 * side: what is done for one bridge is done for each.
 */

/* What a message says is not proved. */
void pci_report(struct pci_tree *tree, enum log_level level, struct pci_address address,
		unsigned bar, const char *what)
{
	(void)tree;
	(void)level;
	(void)address;
	(void)bar;
	(void)what;
}

enum {
	ROOT,
	BRIDGE,
	DEVICE, /* behind the bridge */
	FUNCTIONS,
};

#define BARS     2
#define WINDOW   BARS /* of the bridge: the last request */
#define REQUESTS (BARS + 1)

static struct pci_machine machine;
static struct pci_function function[FUNCTIONS];
static struct pci_request request[REQUESTS];
static struct pci_tree tree;

static bool is_in(const struct pci_request *inner, uint64_t start, uint64_t end)
{
	return inner->address >= start && inner->address < end &&
	       inner->size <= end - inner->address;
}

static bool are_apart(const struct pci_request *a, const struct pci_request *b)
{
	return a->address + a->size <= b->address || b->address + b->size <= a->address;
}

static bool is_aligned(const struct pci_request *placed)
{
	return align_down(placed->address, placed->alignment) == placed->address;
}

/* More than pci_scan() makes, whose BARs are as large as they are aligned: windows are not. */
static struct pci_request any_request(unsigned owner, enum pci_kind kind)
{
	struct pci_request any = {
		.size = any_u64(),
		.alignment = any_power_of_two(),
		.address = PCI_UNASSIGNED,
		.function = (uint16_t)owner,
		.next = PCI_NONE,
		.kind = (uint8_t)kind,
		.is64 = kind == PCI_PREFETCHABLE || (kind == PCI_MEMORY && any_bool()),
		.is_spare = any_bool(),
	};

	ASSUME(any.size > 0);
	return any;
}

static struct pci_range any_range(uint64_t end_max)
{
	return (struct pci_range){any_u64(), any_up_to(end_max)};
}

static bool is_empty(struct pci_range range)
{
	return range.start >= range.end;
}

static bool are_disjoint(struct pci_range a, struct pci_range b)
{
	return is_empty(a) || is_empty(b) || a.end <= b.start || b.end <= a.start;
}

/* As pci_assign() has it from its caller. */
static void any_machine(void)
{
	machine = (struct pci_machine){
		.io = {any_range(IO_END), any_range(IO_END)},
		.mem32 = {any_range(MEM32_END), any_range(MEM32_END)},
		.mem64 = any_range(1ul << 52),
		.high_first = any_bool(),
		.hotplug_prefetchable = any_u64(),
	};
	ASSUME(are_disjoint(machine.io[0], machine.io[1]));
	ASSUME(are_disjoint(machine.mem32[0], machine.mem32[1]));
	ASSUME(is_empty(machine.mem64) || machine.mem64.start >= MEM32_END);
}

/*
 * Two requests of one kind: BARs of the device behind the bridge, which may be a port for hot-plug
 * and may ask for room itself; or on the root bus.
 */
static void any_tree(enum pci_kind kind, unsigned owner)
{
	any_machine();
	tree = (struct pci_tree){
		.machine = &machine,
		.function = function,
		.functions = FUNCTIONS,
		.request_end = request + REQUESTS,
		.requests = REQUESTS,
	};
	for (unsigned i = 0; i < FUNCTIONS; i++) {
		function[i] = (struct pci_function){
			.is_root = i == ROOT,
			.is_bridge = i == BRIDGE,
			.secondary = i == BRIDGE ? 1 : 0,
			.is_hotplug = any_bool(),
			.is_express = any_bool(),
			.parent = (uint16_t)(i == ROOT ? PCI_NONE : i - 1),
			.window = {PCI_NONE, PCI_NONE, PCI_NONE},
			.first = {PCI_NONE, PCI_NONE, PCI_NONE},
		};
	}
	for (uint16_t i = 0; i < BARS; i++)
		*pci_request(&tree, i) = any_request(owner, kind);
	struct pci_request *window = pci_request(&tree, WINDOW);
	*window = any_request(BRIDGE, kind);
	window->bar = PCI_BAR_WINDOW;
	window->reserve = any_u64();
}

static enum spare any_spare(void)
{
	return (enum spare)any_up_to(SPARE_NONE_TIGHT);
}

/**
 * place() gives a request a place in what is left of a range, at a multiple of its alignment,
 * and takes it and all below from the range; it gives none only where there is none.
 * Bound: two ranges; any request.
 */
PROOF(pci_place, 3)
{
	struct pci_request wish = any_request(DEVICE, PCI_MEMORY);
	struct pool pool = {{any_range(UINT64_MAX), any_range(UINT64_MAX)}};
	const struct pool old = pool;
	size_t i = any_up_to(PCI_RANGES - 1);
	uint64_t other = any_u64();
	const struct pci_range before = old.range[i], after = pool_of(pool.range).range[i];

	PROVE(before.start == after.start && before.end == after.end);
	if (!place(&pool, &wish)) {
		REACHED("no place");
		PROVE(wish.address == PCI_UNASSIGNED && pool.range[i].start == before.start);
		if (align_down(other, wish.alignment) == other && other >= before.start)
			PROVE(!fits(other, wish.size, before.end));
		return;
	}
	REACHED("a place");
	PROVE(is_aligned(&wish) && pool.range[i].end == before.end);
	if (pool.range[i].start == before.start) {
		PROVE(pool.range[1 - i].start != old.range[1 - i].start);
	} else {
		PROVE(is_in(&wish, before.start, before.end));
		PROVE(pool.range[i].start == wish.address + wish.size);
		PROVE(pool.range[1 - i].start == old.range[1 - i].start);
	}
}

/* Nothing is larger, or lies higher, than @max. */
static void prove_window(enum pci_kind kind, uint64_t unit, uint64_t max)
{
	any_tree(kind, DEVICE);
	function[BRIDGE].window[kind] = WINDOW;
	struct pci_request *window = pci_request(&tree, WINDOW);
	const struct pci_request *a = pci_request(&tree, 0), *b = pci_request(&tree, 1);
	ASSUME(a->size <= max && a->alignment <= max && b->size <= max && b->alignment <= max);
	ASSUME(window->reserve <= max && machine.hotplug_prefetchable <= max);
	insert(&tree, 1);
	insert(&tree, 0);
	measure_window(&tree, &function[BRIDGE], window, any_spare());
	PROVE(is_power_of_two(window->alignment) && window->alignment >= unit);
	PROVE(window->size % unit == 0);

	/* As place() does it. */
	window->address = any_u64();
	ASSUME(is_aligned(window) && fits(window->address, window->size, 4 * max));
	place_behind(&tree, &function[BRIDGE], kind);
	REACHED("places");
	PROVE(a->address != PCI_UNASSIGNED && b->address != PCI_UNASSIGNED);
	PROVE(is_aligned(a) && is_in(a, window->address, window->address + window->size));
	PROVE(is_aligned(b) && is_in(b, window->address, window->address + window->size));
	PROVE(are_apart(a, b));
}

/**
 * What measure_window() says of a window is what it takes: wherever it comes to lie, each request
 * behind the bridge gets a place inside of it, of its own. Size and alignment are such that a
 * bridge's registers can express them.
 * Bound: two requests and a reservation of up to 64 KiB, which is all there are of ports.
 * Loops: sort_list.0:3, sort_list.1:3, sort_list.2:3, merge.0:3, place_list.0:3
 */
PROOF(pci_window_io, 4)
{
	prove_window(PCI_IO, IO_WINDOW_UNIT, IO_END);
}

/**
 * The same of prefetchable memory, whose size is rounded up to that of a reservation.
 * Bound: two requests and a reservation of up to 16 MiB.
 * Loops: sort_list.0:3, sort_list.1:3, sort_list.2:3, merge.0:3, place_list.0:3
 */
PROOF(pci_window_prefetchable, 4)
{
	prove_window(PCI_PREFETCHABLE, MEMORY_WINDOW_UNIT, 1ul << 24);
}

/* What has a place after an attempt has a right one, in one of two ranges. */
static void prove_places(const struct pci_range *range, struct outcome outcome)
{
	const struct pci_request *a = pci_request(&tree, 0), *b = pci_request(&tree, 1);

	PROVE(!outcome.all || (a->address != PCI_UNASSIGNED && b->address != PCI_UNASSIGNED));
	PROVE(!outcome.devices || a->is_spare || a->address != PCI_UNASSIGNED);
	if (a->address == PCI_UNASSIGNED) {
		REACHED("no place");
		return;
	}
	REACHED("a place");
	PROVE(is_aligned(a));
	PROVE(is_in(a, range[0].start, range[0].end) || is_in(a, range[1].start, range[1].end));
	if (b->address == PCI_UNASSIGNED)
		return;
	REACHED("two places");
	PROVE(are_apart(a, b));
}

/**
 * place_io() gives what is on a root bus places in the machine's ranges, which do not overlap; when
 * it says that everything has one, or all devices, it is so.
 * Bound: two requests of any size, any two ranges.
 * Loops: sort_list.0:3, sort_list.1:3, sort_list.2:3, merge.0:3, place_list.0:3
 */
PROOF(pci_io, 4)
{
	any_tree(PCI_IO, BRIDGE);
	prove_places(machine.io, place_io(&tree, any_spare()));
}
