/* SPDX-License-Identifier: BSD-2-Clause */
#include "pci/tree.h"

#include "lib/attributes.h"
#include "lib/check.h"
#include "lib/checked.h"

/* PCI-to-PCI Bridge 1.2, 3.2.5: what base and limit of a window can express. */
#define IO_WINDOW_UNIT     0x1000u
#define MEMORY_WINDOW_UNIT 0x100000u

/* While there is enough: a large page, and room for something that is plugged in. */
#define MEMORY_WINDOW_EASY_UNIT 0x200000u

#define IO_END    0x10000ul
#define MEM32_END 0x100000000ul

/* For a device that may be plugged in. */
#define HOTPLUG_IO     0x1000u
#define HOTPLUG_MEMORY 0x200000u

#define POWER_MAX (1ul << 63)

/* Each costs a look at all requests. */
#define REFUSALS_MAX 32

/* Of a sort: a list is no longer than 2 to this. */
#define RUNS_MAX 17

/** How much is set aside for hot-plug. */
enum spare {
	SPARE_ALL,     /**< what the caller and the ports ask for */
	SPARE_DEFAULT, /**< no large prefetchable windows */
	SPARE_NONE,
	SPARE_NONE_TIGHT, /**< and not all windows fit: BARs of a bus stand before them */
};

/** Ranges that are filled from their start. */
struct pool {
	struct pci_range range[PCI_RANGES];
};

/** Requests that may go above 4 GiB, or may not, or both. */
enum where {
	WHERE_ANY,
	WHERE_LOW,
	WHERE_HIGH,
};

static bool passes(enum where where, const struct pci_request *request)
{
	return where == WHERE_ANY || (where == WHERE_HIGH) == request->is64;
}

static bool is_window(const struct pci_request *request)
{
	return request->bar == PCI_BAR_WINDOW;
}

/* -- lists ------------------------------------------------------------------------- */

/* The root buses share their addresses, so one list is enough for them. */
static struct pci_function *list_owner(const struct pci_tree *tree, uint16_t bus)
{
	return &tree->function[tree->function[bus].is_root ? 0 : bus];
}

/* And there the two kinds of memory do. */
static unsigned list_kind(const struct pci_function *owner, unsigned kind)
{
	return owner->is_root && kind == PCI_PREFETCHABLE ? PCI_MEMORY : kind;
}

static APART bool goes_before(const struct pci_request *a, const struct pci_request *b,
			      enum spare spare)
{
	if (a->is_spare != b->is_spare)
		return b->is_spare;
	if (spare == SPARE_NONE_TIGHT && is_window(a) != is_window(b))
		return is_window(b);
	if (a->alignment != b->alignment)
		return a->alignment > b->alignment;
	if (a->function != b->function)
		return a->function < b->function;
	return a->bar < b->bar;
}

static void insert(struct pci_tree *tree, uint16_t index)
{
	struct pci_request *request = pci_request(tree, index);
	struct pci_function *owner = list_owner(tree, tree->function[request->function].parent);
	uint16_t *first = &owner->first[list_kind(owner, request->kind)];

	request->address = PCI_UNASSIGNED;
	request->next = *first;
	*first = index;
}

static uint16_t merge(const struct pci_tree *tree, uint16_t a, uint16_t b, enum spare spare)
{
	uint16_t first = PCI_NONE;
	uint16_t *link = &first;

	while (a != PCI_NONE && b != PCI_NONE) {
		uint16_t *from =
			goes_before(pci_request(tree, b), pci_request(tree, a), spare) ? &b : &a;
		*link = *from;
		link = &pci_request(tree, *link)->next;
		*from = *link;
	}
	*link = a != PCI_NONE ? a : b;
	return first;
}

/*
 * Devices before reservations, then by falling alignment, so that there are no gaps;
 * among equals in order of slots. Runs of 1, 2, 4... requests wait for one of the same
 * length to be merged with.
 */
static void sort_list(const struct pci_tree *tree, uint16_t *first, enum spare spare)
{
	uint16_t runs[RUNS_MAX], sorted = PCI_NONE;
	unsigned top = 0;

	for (uint16_t next, run = *first; run != PCI_NONE; run = next) {
		unsigned length = 0;
		next = pci_request(tree, run)->next;
		pci_request(tree, run)->next = PCI_NONE;
		while (length < top && runs[length] != PCI_NONE) {
			run = merge(tree, runs[length], run, spare);
			runs[length++] = PCI_NONE;
		}
		if (length == top)
			top++;
		runs[length] = run;
	}
	for (unsigned length = 0; length < top; length++)
		sorted = merge(tree, runs[length], sorted, spare);
	*first = sorted;
}

/* -- sizes ------------------------------------------------------------------------- */

static uint64_t power_below(uint64_t size)
{
	return POWER_MAX >> __builtin_clzl(size);
}

static uint64_t spare_size(const struct pci_tree *tree, const struct pci_function *bridge,
			   const struct pci_request *window, enum spare spare)
{
	uint64_t size = 0;

	if (spare >= SPARE_NONE)
		return 0;
	if (bridge->is_hotplug) {
		if (window->kind != PCI_IO)
			size = HOTPLUG_MEMORY;
		else if (!bridge->is_express)
			size = HOTPLUG_IO;
		if (window->kind == PCI_PREFETCHABLE && spare == SPARE_ALL &&
		    size < tree->machine->hotplug_prefetchable)
			size = tree->machine->hotplug_prefetchable;
	}
	return size > window->reserve ? size : window->reserve;
}

static uint64_t window_unit(unsigned kind, enum spare spare)
{
	if (kind == PCI_IO)
		return IO_WINDOW_UNIT;
	return spare < SPARE_NONE ? MEMORY_WINDOW_EASY_UNIT : MEMORY_WINDOW_UNIT;
}

/*
 * Computes what a window has to hold, from the bus below, whose windows are known. The
 * places of its requests relative to the window's start will be those found here.
 */
static void measure_window(struct pci_tree *tree, struct pci_function *bridge,
			   struct pci_request *window, enum spare spare)
{
	uint64_t unit = window_unit(window->kind, spare);
	uint64_t spare_bytes = spare_size(tree, bridge, window, spare);
	uint64_t end = 0, alignment = unit, granule = unit;
	bool fits_64_bits = true;

	sort_list(tree, &bridge->first[window->kind], spare);
	window->is_spare = true;
	window->is64 = window->kind == PCI_PREFETCHABLE;
	for (uint16_t i = bridge->first[window->kind]; i != PCI_NONE;
	     i = pci_request(tree, i)->next) {
		const struct pci_request *request = pci_request(tree, i);
		window->is_spare = window->is_spare && request->is_spare;
		if (alignment < request->alignment)
			alignment = request->alignment;
		fits_64_bits = fits_64_bits && checked_align_up(end, request->alignment, &end) &&
			       checked_add(end, request->size, &end);
	}
	if (spare_bytes > end)
		end = spare_bytes;
	/* As SeaBIOS has it, which leaves some room beside what is there already. */
	else if (window->kind == PCI_PREFETCHABLE && is_power_of_two(spare_bytes) &&
		 spare_bytes > granule)
		granule = spare_bytes;
	/* What is plugged in may be one BAR. */
	if (spare_bytes > unit && alignment < power_below(spare_bytes))
		alignment = power_below(spare_bytes);
	if (!fits_64_bits || !checked_align_up(end, granule, &end))
		end = align_down(~0ul, granule);
	window->size = end;
	window->alignment = alignment;
}

static void clear_lists(struct pci_tree *tree, unsigned kind)
{
	for (uint16_t i = 0; i < tree->functions; i++)
		tree->function[i].first[kind] = PCI_NONE;
}

/* Puts the requests of a kind into the lists of their buses, windows after what is in them. */
static void sort_requests(struct pci_tree *tree, enum pci_kind kind, enum spare spare)
{
	for (uint16_t i = tree->requests; i-- > 0;) {
		const struct pci_request *request = pci_request(tree, i);
		if (request->kind == kind && !is_window(request) && !request->is_refused)
			insert(tree, i);
	}
	for (uint16_t i = tree->functions; i-- > 0;) {
		struct pci_function *bridge = &tree->function[i];
		if (bridge->window[kind] == PCI_NONE)
			continue;
		struct pci_request *window = pci_request(tree, bridge->window[kind]);
		window->address = PCI_UNASSIGNED;
		window->size = 0;
		/* A bridge that got no bus stays closed. */
		if (bridge->secondary != 0)
			measure_window(tree, bridge, window, spare);
		if (window->size != 0)
			insert(tree, bridge->window[kind]);
	}
}

/* -- places ------------------------------------------------------------------------ */

static bool place(struct pool *pool, struct pci_request *request)
{
	for (unsigned i = 0; i < PCI_RANGES; i++) {
		struct pci_range *range = &pool->range[i];
		uint64_t start;
		if (range->start < range->end &&
		    checked_align_up(range->start, request->alignment, &start) &&
		    start <= range->end && request->size <= range->end - start) {
			request->address = start;
			range->start = start + request->size;
			return true;
		}
	}
	return false;
}

/** What a list has got. */
struct outcome {
	bool all;     /**< everything has a place */
	bool devices; /**< everything but reservations has */
};

static void place_list(struct pci_tree *tree, uint16_t first, enum where where, struct pool *pool,
		       struct outcome *outcome)
{
	for (uint16_t i = first; i != PCI_NONE; i = pci_request(tree, i)->next) {
		struct pci_request *request = pci_request(tree, i);
		if (request->address != PCI_UNASSIGNED || !passes(where, request) ||
		    place(pool, request))
			continue;
		outcome->all = false;
		outcome->devices = outcome->devices && request->is_spare;
	}
}

static void forget_places(struct pci_tree *tree, uint16_t first)
{
	for (uint16_t i = first; i != PCI_NONE; i = pci_request(tree, i)->next)
		pci_request(tree, i)->address = PCI_UNASSIGNED;
}

static struct pool pool_of(const struct pci_range *range)
{
	struct pool pool = {{range[0], range[1]}};

	return pool;
}

static struct outcome place_io(struct pci_tree *tree, enum spare spare)
{
	struct pool pool = pool_of(tree->machine->io);
	struct outcome outcome = {true, true};

	clear_lists(tree, PCI_IO);
	sort_requests(tree, PCI_IO, spare);
	sort_list(tree, &tree->function[0].first[PCI_IO], spare);
	place_list(tree, tree->function[0].first[PCI_IO], WHERE_ANY, &pool, &outcome);
	return outcome;
}

/*
 * As SeaBIOS has it: below 4 GiB if all of it fits, which every OS can use. Otherwise
 * what can be above goes above, and there is room below for what is plugged in.
 */
static struct outcome place_memory(struct pci_tree *tree, enum spare spare)
{
	const struct pci_machine *machine = tree->machine;
	struct pool low = pool_of(machine->mem32);
	struct pool high = {{machine->mem64, {0, 0}}};
	struct outcome outcome = {true, true}, ignored = {true, true};

	tree->high = (struct pci_range){0, 0};
	clear_lists(tree, PCI_MEMORY);
	clear_lists(tree, PCI_PREFETCHABLE);
	sort_requests(tree, PCI_MEMORY, spare);
	sort_requests(tree, PCI_PREFETCHABLE, spare);
	sort_list(tree, &tree->function[0].first[PCI_MEMORY], spare);
	uint16_t first = tree->function[0].first[PCI_MEMORY];

	if (!machine->high_first) {
		place_list(tree, first, WHERE_ANY, &low, &outcome);
		if (outcome.all)
			return outcome;
		forget_places(tree, first);
		low = pool_of(machine->mem32);
		outcome = ignored;
	}
	place_list(tree, first, WHERE_LOW, &low, &outcome);
	place_list(tree, first, WHERE_HIGH, &high, &ignored);
	if (!ignored.all)
		place_list(tree, first, WHERE_HIGH, &low, &outcome);
	tree->high = (struct pci_range){machine->mem64.start, high.range[0].start};
	return outcome;
}

/* -- what cannot be ---------------------------------------------------------------- */

static uint64_t largest_place(const struct pci_range *range, unsigned ranges, uint64_t alignment)
{
	uint64_t largest = 0;

	for (unsigned i = 0; i < ranges; i++) {
		uint64_t start;
		if (checked_align_up(range[i].start, alignment, &start) && start < range[i].end &&
		    range[i].end - start > largest)
			largest = range[i].end - start;
	}
	return largest;
}

/*
 * A BAR that no range of the machine could hold would keep its neighbours behind the
 * same bridge from their window.
 */
static void refuse_giants(struct pci_tree *tree)
{
	const struct pci_machine *machine = tree->machine;

	for (uint16_t i = 0; i < tree->requests; i++) {
		struct pci_request *request = pci_request(tree, i);
		const struct pci_range *range =
			request->kind == PCI_IO ? machine->io : machine->mem32;
		if (is_window(request) ||
		    largest_place(range, PCI_RANGES, request->alignment) >= request->size ||
		    (request->is64 &&
		     largest_place(&machine->mem64, 1, request->alignment) >= request->size))
			continue;
		request->is_refused = true;
		pci_report(tree, LOG_WARN, tree->function[request->function].address, request->bar,
			   "no address range is large enough");
	}
}

/* The window of the bridge on a root bus that a BAR is behind, or NULL. */
static const struct pci_request *root_window(const struct pci_tree *tree,
					     const struct pci_request *request)
{
	const struct pci_function *at = &tree->function[request->function];

	if (tree->function[at->parent].is_root)
		return NULL;
	while (!tree->function[at->parent].is_root)
		at = &tree->function[at->parent];
	uint16_t window = at->window[request->kind];
	return window == PCI_NONE ? NULL : pci_request(tree, window);
}

/* Whether that found no place although devices need it. */
static bool lacks_window(const struct pci_tree *tree, const struct pci_request *request)
{
	const struct pci_request *window = root_window(tree, request);

	return window != NULL && window->size != 0 && !window->is_spare &&
	       window->address == PCI_UNASSIGNED;
}

/* Gives up the largest such BAR, if it makes a window large, so that others get theirs. */
static APART bool refuse_one(struct pci_tree *tree)
{
	struct pci_request *largest = NULL;

	for (uint16_t i = 0; i < tree->requests; i++) {
		struct pci_request *request = pci_request(tree, i);
		if (!is_window(request) && request->kind != PCI_IO && !request->is_refused &&
		    request->size > MEMORY_WINDOW_UNIT &&
		    (largest == NULL || request->size > largest->size) &&
		    lacks_window(tree, request))
			largest = request;
	}
	if (largest == NULL)
		return false;
	largest->is_refused = true;
	pci_report(tree, LOG_WARN, tree->function[largest->function].address, largest->bar,
		   "no addresses are left");
	return true;
}

static void assign_io(struct pci_tree *tree)
{
	if (!place_io(tree, SPARE_ALL).devices && !place_io(tree, SPARE_NONE).devices)
		(void)place_io(tree, SPARE_NONE_TIGHT);
}

static void assign_memory(struct pci_tree *tree)
{
	if (place_memory(tree, SPARE_ALL).all || place_memory(tree, SPARE_DEFAULT).devices)
		return;
	for (unsigned i = 0; i < REFUSALS_MAX; i++) {
		if (place_memory(tree, SPARE_NONE).devices)
			return;
		if (!refuse_one(tree))
			break;
	}
	(void)place_memory(tree, SPARE_NONE_TIGHT);
}

/* -- behind bridges ---------------------------------------------------------------- */

static void place_behind(struct pci_tree *tree, const struct pci_function *bridge, unsigned kind)
{
	struct pool pool = {{{0, 0}, {0, 0}}};
	struct outcome outcome = {true, true};

	if (bridge->window[kind] == PCI_NONE)
		return;
	const struct pci_request *window = pci_request(tree, bridge->window[kind]);
	if (window->address == PCI_UNASSIGNED)
		return;
	pool.range[0] = (struct pci_range){window->address, window->address + window->size};
	place_list(tree, bridge->first[kind], WHERE_ANY, &pool, &outcome);
}

static bool has_window(const struct pci_tree *tree, const struct pci_function *bus, unsigned kind)
{
	return bus->is_root || (bus->window[kind] != PCI_NONE &&
				pci_request(tree, bus->window[kind])->address != PCI_UNASSIGNED);
}

/* Notes and reports what has no address; where the bridge has none, it is the news. */
static void conclude(struct pci_tree *tree, const struct pci_request *request)
{
	struct pci_function *function = &tree->function[request->function];
	uint8_t kind = (uint8_t)(request->kind == PCI_IO ? 1u << PCI_IO : 1u << PCI_MEMORY);

	if (is_window(request) && request->size == 0)
		return;
	if (request->address != PCI_UNASSIGNED) {
		if (!is_window(request))
			function->bars |= kind;
		return;
	}
	if (!is_window(request)) {
		function->undecoded |= kind;
		tree->unassigned++;
	}
	if (request->is_refused)
		return; /* has been said */
	bool is_news = has_window(tree, &tree->function[function->parent], request->kind) &&
		       !(is_window(request) && request->is_spare);
	if (request->kind == PCI_IO)
		pci_report(tree, is_news ? LOG_WARN : LOG_INFO, function->address, request->bar,
			   is_window(request) ? "no I/O ports are left for what is behind it"
					      : "no I/O ports are left");
	else
		pci_report(tree, is_news ? LOG_WARN : LOG_INFO, function->address, request->bar,
			   is_window(request) ? "no addresses are left for what is behind it"
					      : "no addresses are left");
}

void pci_assign(struct pci_tree *tree)
{
	for (unsigned i = 0; i < PCI_RANGES; i++) {
		CHECK(tree->machine->io[i].end <= IO_END);
		CHECK(tree->machine->mem32[i].end <= MEM32_END);
	}
	refuse_giants(tree);
	assign_io(tree);
	assign_memory(tree);
	for (uint16_t i = 0; i < tree->functions; i++) {
		const struct pci_function *bridge = &tree->function[i];
		if (!bridge->is_bridge)
			continue;
		for (unsigned kind = 0; kind < PCI_KINDS; kind++)
			place_behind(tree, bridge, kind);
	}
	for (uint16_t i = 0; i < tree->requests; i++)
		conclude(tree, pci_request(tree, i));
}
