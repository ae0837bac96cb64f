/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/host/guard.h"

#include <execinfo.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arch/host/host.h"

/*
 * RAM can only be read, but for the pages with a claim in them; a write elsewhere faults. Pages
 * of which a part alone is claimed are compared with what they were when they were opened.
 */

#define CLAIMS_MAX 4096
#define EDITS_MAX  256
#define EDGES_MAX  1024
#define FRAMES_MAX 32

struct claim {
	struct arch_range range;
	bool in_map;
};

/* A page that is open and not all claimed, as it was. */
struct edge {
	uint64_t address;
	uint8_t bytes[HOST_PAGE];
};

static struct claim claims[CLAIMS_MAX];
static size_t claim_count;
static struct edge edges[EDGES_MAX];
static size_t edge_count;
static struct arch_range edits[EDITS_MAX]; /* whole pages */
static size_t edit_count;
static struct sigaction previous;
static void (*on_trap)(const struct host_trap *trap);

/* Where there is no ASan, addresses stay numbers. */
__attribute__((weak)) void __sanitizer_symbolize_pc(void *pc, const char *format, char *text,
						    size_t size);

static _Noreturn void broken(const char *what)
{
	fprintf(stderr, "arch/host: %s\n", what);
	abort();
}

static uint64_t page_start(uint64_t address)
{
	return address & ~(HOST_PAGE - 1);
}

/* -- reports --------------------------------------------------------------------- */

static uint64_t distance(struct arch_range range, uint64_t address)
{
	if (address < range.start)
		return range.start - address;
	return address - range.start < range.size ? 0 : address - (range.start + range.size - 1);
}

static struct host_trap describe(uint64_t address, bool late)
{
	struct host_trap trap = {.address = address, .late = late};

	for (size_t i = 0; i < claim_count; i++) {
		if (trap.nearest.size == 0 ||
		    distance(claims[i].range, address) < distance(trap.nearest, address))
			trap.nearest = claims[i].range;
	}
	return trap;
}

static void print_frame(void *pc)
{
	char text[512];

	if (__sanitizer_symbolize_pc == NULL) {
		backtrace_symbols_fd(&pc, 1, STDERR_FILENO);
		return;
	}
	__sanitizer_symbolize_pc(pc, "%f %S", text, sizeof(text));
	fprintf(stderr, "    %s\n", text);
}

void host_print_trap(const struct host_trap *trap)
{
	void *frames[FRAMES_MAX];
	int count = backtrace(frames, FRAMES_MAX);

	fprintf(stderr, "arch/host: the byte at 0x%lx %s, and nobody claimed it; ", trap->address,
		trap->late ? "was written" : "is written");
	if (trap->nearest.size == 0)
		fprintf(stderr, "nothing is claimed\n");
	else
		fprintf(stderr, "nearest is [0x%lx, 0x%lx)\n", trap->nearest.start,
			trap->nearest.start + trap->nearest.size);
	for (int i = 0; i < count; i++)
		print_frame(frames[i]);
}

static void report(uint64_t address, bool late)
{
	struct host_trap trap = describe(address, late);

	if (on_trap != NULL) {
		on_trap(&trap);
		return;
	}
	host_print_trap(&trap);
	abort();
}

void host_set_trap(void (*function)(const struct host_trap *trap))
{
	on_trap = function;
}

/* -- faults ---------------------------------------------------------------------- */

static bool find_guest_address(const uint8_t *place, uint64_t *ret_address)
{
	const struct host_region *region;

	for (size_t i = 0; (region = host_region(i)) != NULL; i++) {
		if (place >= region->bytes && place < region->bytes + region->size) {
			*ret_address = region->start + (uint64_t)(place - region->bytes);
			return true;
		}
	}
	return false;
}

/* RAM can always be read, so that this was a write. Other faults are somebody else's. */
static void on_fault(int number, siginfo_t *info, void *context)
{
	uint64_t address;

	(void)context;
	if (!find_guest_address(info->si_addr, &address)) {
		sigaction(number, &previous, NULL);
		return;
	}
	report(address, false);
	broken("a trap has returned");
}

/* cmocka has a handler of its own for each test and fixture. */
static void catch_faults(void)
{
	struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO | SA_NODEFER};
	struct sigaction old;

	if (sigaction(SIGSEGV, &action, &old) != 0)
		broken("faults cannot be caught");
	if ((old.sa_flags & SA_SIGINFO) == 0 || old.sa_sigaction != on_fault)
		previous = old;
}

/* -- protection ------------------------------------------------------------------ */

static void protect_region(const struct host_region *region, uint64_t start, uint64_t size,
			   int protection)
{
	uint64_t end = start + size, region_end = region->start + region->size;

	if (start < region->start)
		start = region->start;
	if (end > region_end)
		end = region_end;
	if (start >= end)
		return;
	uint64_t from = page_start(start) - region->start;
	uint64_t to = page_start(end - 1) + HOST_PAGE - region->start;
	if (mprotect(region->bytes + from, to - from, protection) != 0)
		broken("the guest's memory cannot be protected");
}

static void protect(struct arch_range range, int protection)
{
	const struct host_region *region;

	for (size_t i = 0; (region = host_region(i)) != NULL; i++)
		protect_region(region, range.start, range.size, protection);
}

/* Firmware claims its image, but does not write to it. */
static void open_pages(struct arch_range range)
{
	protect(range, PROT_READ | PROT_WRITE);
	if (host.image_in_ram)
		protect(host.image, PROT_READ);
}

static bool has_ram(struct arch_range range)
{
	const struct host_region *region;

	for (size_t i = 0; (region = host_region(i)) != NULL; i++) {
		if (range.start < region->start + region->size &&
		    region->start < range.start + range.size)
			return true;
	}
	return false;
}

/* -- the pages that a claim has a part of ---------------------------------------- */

static void keep_edge(struct arch_range claim, uint64_t address)
{
	uint64_t page = page_start(address);
	const void *bytes = host_memory(page, HOST_PAGE);

	if (bytes == NULL || (claim.start <= page && claim.start + claim.size >= page + HOST_PAGE))
		return;
	for (size_t i = 0; i < edge_count; i++) {
		if (edges[i].address == page)
			return;
	}
	if (edge_count == EDGES_MAX)
		broken("too many claims of parts of pages");
	edges[edge_count].address = page;
	memcpy(edges[edge_count++].bytes, bytes, HOST_PAGE);
}

/* Makes what @claim has of the page as it was. */
static void undo_claim(const struct edge *edge, struct arch_range claim, uint8_t *bytes)
{
	uint64_t start = claim.start, end = claim.start + claim.size;

	if (start < edge->address)
		start = edge->address;
	if (end > edge->address + HOST_PAGE)
		end = edge->address + HOST_PAGE;
	if (start < end)
		memcpy(bytes + (start - edge->address), edge->bytes + (start - edge->address),
		       end - start);
}

static bool find_written(const struct edge *edge, uint64_t *ret_address)
{
	uint8_t bytes[HOST_PAGE];

	memcpy(bytes, host_memory(edge->address, HOST_PAGE), HOST_PAGE);
	for (size_t i = 0; i < claim_count; i++)
		undo_claim(edge, claims[i].range, bytes);
	for (size_t i = 0; i < HOST_PAGE; i++) {
		if (bytes[i] != edge->bytes[i]) {
			*ret_address = edge->address + i;
			return true;
		}
	}
	return false;
}

static void keep_edges_again(void)
{
	edge_count = 0;
	for (size_t i = 0; i < claim_count; i++) {
		struct arch_range range = claims[i].range;
		keep_edge(range, range.start);
		keep_edge(range, range.start + range.size - 1);
	}
}

void host_check_writes(void)
{
	uint64_t address;

	for (size_t i = 0; i < edge_count; i++) {
		if (!find_written(&edges[i], &address))
			continue;
		/* Once is enough, and a test that it fails still has its end. */
		keep_edges_again();
		report(address, true);
		return;
	}
}

/* -- what opens and closes ------------------------------------------------------- */

static void claim(struct arch_range range, bool in_map)
{
	host_guard();
	if (range.size == 0 || !has_ram(range))
		return;
	if (claim_count == CLAIMS_MAX)
		broken("too many claims");
	claims[claim_count++] = (struct claim){range, in_map};
	keep_edge(range, range.start);
	keep_edge(range, range.start + range.size - 1);
	open_pages(range);
}

void host_claim(uint64_t start, uint64_t size)
{
	claim((struct arch_range){start, size}, false);
}

void host_claim_in_map(uint64_t start, uint64_t size)
{
	claim((struct arch_range){start, size}, true);
}

void host_forget_map(void)
{
	size_t kept = 0;

	host_guard();
	host_check_writes();
	for (size_t i = 0; i < claim_count; i++) {
		if (claims[i].in_map)
			protect(claims[i].range, PROT_READ);
		else
			claims[kept++] = claims[i];
	}
	claim_count = kept;
	for (size_t i = 0; i < claim_count; i++)
		open_pages(claims[i].range);
	keep_edges_again();
}

void *host_edit(uint64_t address, uint64_t size)
{
	void *place = (void *)(uintptr_t)host_memory(address, size);
	uint64_t start = page_start(address);
	struct arch_range pages = {start, page_start(address + size - 1) + HOST_PAGE - start};

	if (place == NULL || size == 0 || address >= HOST_OWN_START)
		return place;
	if (edit_count == 0)
		host_check_writes();
	for (size_t i = 0; i < edit_count; i++) {
		if (edits[i].start <= start && edits[i].start + edits[i].size >= start + pages.size)
			return place;
	}
	if (edit_count == EDITS_MAX)
		broken("too much is edited at once");
	edits[edit_count++] = pages;
	protect(pages, PROT_READ | PROT_WRITE);
	return place;
}

void host_guard(void)
{
	catch_faults();
	if (edit_count == 0)
		return;
	for (size_t i = 0; i < edit_count; i++)
		protect(edits[i], PROT_READ);
	edit_count = 0;
	for (size_t i = 0; i < claim_count; i++)
		open_pages(claims[i].range);
	keep_edges_again();
}

void *host_place(uint64_t address, uint64_t size)
{
	host_guard();
	return (void *)(uintptr_t)host_memory(address, size);
}

void host_reset_guard(void)
{
	if (edit_count == 0)
		host_check_writes();
	claim_count = 0;
	edge_count = 0;
	edit_count = 0;
}
