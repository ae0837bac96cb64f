/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "fuzz.h"
#include "pci/tree.h"
#include "pci_check.h"
#include "pci_space.h"

/*
 * Enumeration on a machine and a configuration space that the input describes: 14 bytes for
 * the machine, then a program that builds a tree, or answers to every read.
 */

/* 16 warnings and two lines about all the others. */
#define CONSOLE_MAX (18 * LOG_LINE_SIZE)

/* One function is all that pci_scan() asks for. */
#define ROOM_MIN (sizeof(struct pci_function) + 8)

#define GIB (1ul << 30)

#define FLAG_HOSTILE 0x01

static size_t console_length;

static void write_console(const char *text, size_t length)
{
	(void)text;
	console_length += length;
}

static const struct log console = {LOG_WARN, write_console};

static uint64_t at_most(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* A range from the input in pages or units of I/O, and one from @low below it, or none. */
static void read_ranges(struct input *input, uint64_t unit, uint64_t low, uint64_t limit,
			struct pci_range ret_ranges[PCI_RANGES])
{
	uint64_t start = (input_number(input, 2) + 1) * unit;
	uint64_t end = at_most(limit, start + input_number(input, 1) * (limit >> 8));

	ret_ranges[0] = (struct pci_range){start, end};
	ret_ranges[1] =
		(struct pci_range){low, at_most(start, input_number(input, 1) * (limit >> 8))};
}

static void read_high_range(struct input *input, struct pci_range *ret_range)
{
	uint8_t start = input_byte(input), end = input_byte(input);

	ret_range->start = 4 * GIB + ((uint64_t)(start & 7) * GIB << (start >> 3));
	ret_range->end = (end & 63) == 63 ? ~0ul : (uint64_t)(end >> 6) * GIB + (1ul << (end & 63));
}

/* What would be a fourth way of interrupts. */
static bool is_fresh(unsigned flags)
{
	return (flags & 0xc0) == 0xc0;
}

static void read_machine(struct input *input, unsigned flags, struct pci_machine *ret_machine)
{
	static const unsigned roots[] = {0, 1, 3, ~0u};
	static const struct pci_known known[] = {
		{.address = 0x00, .is_bridge = true},
		{.address = 0x08, .is_bridge = true, .has_others = true},
		{.address = 0x09, .bars = 0x3f, .pin = 1},
		{.address = 0x0b, .line = 9, .has_others = true},
		{.address = 0xff, .bars = 0x20, .pin = 0xff},
	};
	struct pci_machine machine = {
		.access = {(flags & 0x04) != 0 ? SPACE_ECAM : 0},
		.extra_roots = roots[flags >> 3 & 3],
		.high_first = (flags & 0x20) != 0,
		.interrupts = (enum pci_interrupts)((flags >> 6) % 3),
	};

	read_ranges(input, 1, 0x1000, 0x10000, machine.io);
	read_ranges(input, 0x10000, 0x100000, 0x100000000, machine.mem32);
	read_high_range(input, &machine.mem64);
	if ((flags & FLAG_HOSTILE) != 0 && is_fresh(flags)) {
		machine.known = known;
		machine.known_count = sizeof(known) / sizeof(known[0]);
	}
	machine.hotplug_prefetchable = 0x200000ul << (input_byte(input) & 31);
	space.ecam_buses = 256u - input_byte(input);
	*ret_machine = machine;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct input input = {bytes, size};
	unsigned flags = input_byte(&input);
	size_t room = input_byte(&input);
	struct pci_machine machine;
	struct pci_tree tree;

	/* Up to the 128 KiB of boot/, and more often a few. */
	room = ROOM_MIN + room * room * 2;
	read_machine(&input, flags, &machine);
	space_begin(&input, (flags & FLAG_HOSTILE) != 0, (flags & 2) != 0);
	machine.is_fresh = is_fresh(flags) && space.is_reset;
	console_length = 0;
	/* From the heap, so that ASan sees a step too far. */
	void *records = malloc(room);
	REQUIRE(records != NULL);
	pci_scan(&tree, &machine, &console, records, room);
	check_scan(&tree, room);
	space_forget_writes();
	pci_assign(&tree);
	check_assign(&tree);
	pci_program(&tree);
	check_program(&tree);
	REQUIRE(console_length <= CONSOLE_MAX);
	free(records);
	return 0;
}
