/* SPDX-License-Identifier: BSD-2-Clause */
#include "pci.h"

#include <stdio.h>

#define COMMAND(pci)  (get16(&(pci)->space[0x04]))
#define DECODE_IO     1
#define DECODE_MEMORY 2

static uint64_t length(struct pci_range range)
{
	return range.end - range.start;
}

/* -- BARs -------------------------------------------------------------------------- */

static void pci_bar_of_every_size(void **state)
{
	static const uint32_t flags[] = {BAR_IO, BAR_32, BAR_32PREF, BAR_64, BAR_64PREF};

	(void)state;
	for (size_t kind = 0; kind < COUNT(flags); kind++) {
		unsigned first = kind == 0 ? 2 : 4;
		unsigned last = kind == 0 ? 14 : kind < 3 ? 29 : 36;
		for (unsigned bits = first; bits <= last; bits++) {
			host_reset();
			pci_begin(bits % 2 != 0);
			struct host_pci *device = pci_add(NULL, 3, ID_DEVICE);
			unsigned bar = bits % 5;
			host_set_pci_bar(device, bar, flags[kind], 1ul << bits);
			pci_run();
			uint64_t address = pci_bar(device, bar);
			assert_int_not_equal(address, 0);
			assert_int_equal(address & ((1ul << bits) - 1), 0);
			/* Below 4 GiB when it can be. */
			assert_true((address >= 4 * GIB) == (bits > 29));
			assert_int_equal(COMMAND(device) & 3, kind == 0 ? 1 : 2);
			assert_int_equal(pci_tree.unassigned, 0);
			assert_int_equal(host.console_length, 0);
			assert_int_equal(pci_tree.high.end,
					 bits > 29 ? address + (1ul << bits) : 0);
			pci_check();
		}
	}
}

/* I/O BARs that decode 16 bits only: the upper half reads as zeros. */
static void pci_bar_of_16_bits(void **state)
{
	(void)state;
	pci_begin(true);
	struct host_pci *device = pci_add(NULL, 3, ID_DEVICE);
	host_set_pci_bar(device, 0, BAR_IO, 0x40);
	put32(&device->writable[0x10], 0xffc0);
	pci_run();
	assert_int_equal(pci_bar(device, 0), 0xc000);
	assert_int_equal(host.console_length, 0);
}

/* Parts of a page are not shared by two devices, one of which may be passed on. */
static void pci_small_bars_have_their_page(void **state)
{
	(void)state;
	pci_begin(true);
	struct host_pci *a = pci_add(NULL, 3, ID_DEVICE);
	struct host_pci *b = pci_add(NULL, 4, ID_DEVICE);
	host_set_pci_bar(a, 0, BAR_32, 16);
	host_set_pci_bar(b, 5, BAR_32, 256);
	pci_run();
	assert_int_equal(pci_bar(a, 0), 0xc0000000);
	assert_int_equal(pci_bar(b, 5), 0xc0001000);
}

static bool saw_decoding_while_sizing;

static bool watch(uint16_t address, uint8_t offset, uint32_t *ret_value)
{
	(void)address;
	(void)ret_value;
	if (offset >= 0x10 && offset < 0x28 && get32(&host.pci[0].space[offset]) >= 0xfff00000 &&
	    (COMMAND(&host.pci[0]) & 3) != 0)
		saw_decoding_while_sizing = true;
	return false;
}

static void pci_decodes_nothing_while_sizing(void **state)
{
	(void)state;
	pci_begin(true);
	struct host_pci *device = pci_add(NULL, 3, ID_DEVICE);
	host_set_pci_bar(device, 0, BAR_32, 0x1000);
	host_set_pci_bar(device, 1, BAR_64, 0x1000);
	host_set_pci_bar(device, 3, BAR_IO, 0x10);
	put16(&device->space[0x04], 0x0403);
	saw_decoding_while_sizing = false;
	host.pci_read = watch;
	pci_run();
	assert_false(saw_decoding_while_sizing);
	/* What else was set is still set. */
	assert_int_equal(COMMAND(device), 0x0503);
}

/* A device that decodes something without a BAR goes on with it. */
static void pci_decoding_is_restored(void **state)
{
	(void)state;
	pci_begin(true);
	struct host_pci *device = pci_add(NULL, 3, ID_DEVICE);
	put16(&device->space[0x04], 0x0001);
	pci_run();
	assert_int_equal(COMMAND(device), 1);
}

static void pci_host_and_isa_bridges_are_left_alone(void **state)
{
	(void)state;
	pci_begin(true);
	for (uint8_t i = 0; i < 2; i++) {
		struct host_pci *device = pci_add(NULL, i, ID_DEVICE);
		device->space[0x0b] = 0x06;
		device->space[0x0a] = i;
		device->space[0x04] = 3;
		host_set_pci_bar(device, 0, BAR_32, 0x1000);
	}
	pci_run();
	assert_int_equal(pci_bar(&host.pci[0], 0), 0);
	assert_int_equal(COMMAND(&host.pci[1]), 3);
}

static void pci_option_rom_stays_off(void **state)
{
	(void)state;
	pci_begin(true);
	struct host_pci *device = pci_add(NULL, 3, ID_DEVICE);
	put32(&device->writable[0x30], 0xffff0001);
	host_set_pci_bar(device, 0, BAR_32, 0x1000);
	pci_run();
	assert_int_equal(get32(&device->space[0x30]), 0);
}

/* Each is left out with a warning, and a neighbour works. */
static void pci_bars_without_sense(void **state)
{
	static const struct {
		uint32_t value, writable, upper_writable;
		uint16_t command;
	} cases[] = {
		{0x00000000, 0xfff0f000, 0, 1},          /* no power of two */
		{0xffffffff, 0x00000000, 0, 1},          /* ones for ever */
		{0x00000008, 0x00000000, 0, 1},          /* 4 GiB in 32 bits */
		{0x00000006, 0xfffff000, 0, 1},          /* a type that does not exist */
		{0x00000004, 0x00000000, 0, 1},          /* neither half takes anything */
		{0x00000004, 0x00000000, 0xfffffff5, 1}, /* or not all that it must */
		{0x00000004, 0x00000000, 0x00000001, 1}, {0x00000001, 0xffff0ff0, 0, 2},
		{0xfff00000, 0x00000000, 0, 1}, /* never changes */
		{0xfffe0001, 0x00000000, 0, 2},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		host_reset();
		pci_begin(true);
		struct host_pci *device = pci_add(NULL, 3, ID_DEVICE);
		struct host_pci *neighbour = pci_add(NULL, 4, ID_DEVICE);
		put32(&device->space[0x10], cases[i].value);
		put32(&device->writable[0x10], cases[i].writable);
		put32(&device->writable[0x14], cases[i].upper_writable);
		host_set_pci_bar(device, 2, BAR_IO, 16);
		host_set_pci_bar(device, 3, BAR_32, 4096);
		host_set_pci_bar(neighbour, 0, BAR_32, 4096);
		pci_run();
		/* The kind that it is of is not decoded, the other is. */
		assert_int_equal(COMMAND(device) & 3, cases[i].command);
		assert_int_equal(COMMAND(neighbour) & 3, 2);
		assert_int_equal(pci_said("00:03.0 BAR 0: "), 1);
		assert_int_equal(pci_said("\n"), 1);
	}
}

/* Of a size below 4 GiB, it is found out when it gets its address, and matters then. */
static void pci_bar_whose_upper_half_is_stuck(void **state)
{
	static const struct {
		uint32_t upper, writable;
		bool is_high, is_decoded;
	} cases[] = {
		{0, 0xffffffff, true, true}, {0, 0, false, true},
		{0, 0, true, false},         {0, 0xfffffff7, true, false},
		{8, 0xfffffff7, true, true}, {0x10, 0xffffffef, true, false},
		{1, 0, false, false},        {1, 0xfffffffe, false, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		host_reset();
		pci_begin(true);
		pci_machine.high_first = cases[i].is_high;
		struct host_pci *device = pci_add(NULL, 3, ID_DEVICE);
		host_set_pci_bar(device, 0, BAR_64, 64 * KIB);
		put32(&device->space[0x14], cases[i].upper);
		put32(&device->writable[0x14], cases[i].writable);
		pci_run();
		assert_int_equal(COMMAND(device) & 3, cases[i].is_decoded ? DECODE_MEMORY : 0);
		assert_int_equal(pci_said("does not take its address"), !cases[i].is_decoded);
		assert_int_equal(pci_tree.unassigned, !cases[i].is_decoded);
		if (cases[i].is_decoded)
			assert_int_equal(pci_bar(device, 0) >> 32, cases[i].is_high ? 8 : 0);
	}
}

static void pci_last_bar_without_upper_half(void **state)
{
	(void)state;
	pci_begin(true);
	struct host_pci *device = pci_add(NULL, 3, ID_DEVICE);
	put32(&device->space[0x24], 4);
	put32(&device->writable[0x24], 0xfffff000);
	device->writable[0x28] = 0xff; /* not a BAR */
	struct host_pci *bridge = pci_add_bridge(NULL, 4);
	put32(&bridge->space[0x14], 4);
	put32(&bridge->writable[0x14], 0xfffff000);
	pci_run();
	assert_int_equal(device->space[0x28], 0);
	assert_int_equal(pci_said("has no upper half"), 2);
}

/* -- windows ----------------------------------------------------------------------- */

static void pci_windows_hold_what_is_behind(void **state)
{
	(void)state;
	pci_begin(true);
	struct host_pci *port = pci_add_port(NULL, 1, 4, false);
	struct host_pci *device = pci_add(port, 0, ID_DEVICE);
	host_set_pci_bar(device, 0, BAR_IO, 32);
	host_set_pci_bar(device, 1, BAR_32, 4096);
	host_set_pci_bar(device, 2, BAR_64PREF, 16 * KIB);
	/* The windows of others are apart. */
	struct host_pci *outside = pci_add(NULL, 2, ID_DEVICE);
	host_set_pci_bar(outside, 0, BAR_32, 4096);
	host_set_pci_bar(port, 0, BAR_32, 4096);
	pci_run();
	pci_check();
	assert_int_equal(length(pci_window(port, PCI_IO)), 4 * KIB);
	assert_int_equal(length(pci_window(port, PCI_MEMORY)), 2 * MIB);
	assert_int_equal(length(pci_window(port, PCI_PREFETCHABLE)), 2 * MIB);
	assert_int_equal(pci_bar(device, 0), pci_window(port, PCI_IO).start);
	assert_int_equal(pci_bar(device, 1), pci_window(port, PCI_MEMORY).start);
	assert_int_equal(pci_bar(device, 2), pci_window(port, PCI_PREFETCHABLE).start);
	assert_int_equal(COMMAND(port), 0x107);
	assert_int_equal(get16(&port->space[0x3e]), 2);
	assert_int_not_equal(pci_bar(port, 0), 0);
}

/* A bridge in which nothing can be leaves no window open on addresses of others. */
static void pci_windows_are_closed(void **state)
{
	(void)state;
	pci_begin(true);
	struct host_pci *port = host_add_pci_bridge(NULL, 0, 1, 0, 0x12345678);
	const uint8_t express[4] = {0x10, 0, 0x42, 0};
	host_add_pci_capability(port, 0x40, express, sizeof(express));
	pci_run();
	assert_int_equal(COMMAND(port), 0x104);
	assert_int_equal(get16(&port->space[0x1c]), 0x01f1);
	assert_int_equal(get32(&port->space[0x20]), 0x0000fff0);
	assert_int_equal(get32(&port->space[0x24]), 0x0001fff1);
}

static void pci_bridge_of_few_windows(void **state)
{
	(void)state;
	pci_begin(true);
	struct host_pci *outer = pci_add_bridge(NULL, 1);
	struct host_pci *inner = pci_add_bridge(outer, 1);
	struct host_pci *device = pci_add(inner, 0, ID_DEVICE);
	memset(&outer->writable[0x1c], 0, 2);
	memset(&outer->writable[0x24], 0, 4);
	put16(&outer->space[0x1c], 0);
	put32(&outer->space[0x24], 0);
	host_set_pci_bar(device, 0, BAR_IO, 32);
	host_set_pci_bar(device, 1, BAR_64PREF, MIB);
	host_set_pci_bar(device, 3, BAR_32, MIB);
	pci_run();
	pci_check();
	/* Prefetchable memory goes where the rest does; I/O cannot pass. */
	assert_int_equal(COMMAND(device) & 3, DECODE_MEMORY);
	assert_int_equal(length(pci_window(inner, PCI_PREFETCHABLE)), 0);
	assert_true(pci_bar(device, 1) < 4 * GIB);
	assert_int_equal(pci_bar(device, 0), 0);
	assert_int_equal(pci_tree.unassigned, 1);
}

/* QEMU's root port with io-reserve=0: the base reads as closed and takes nothing. */
static void pci_port_without_io(void **state)
{
	(void)state;
	pci_begin(true);
	struct host_pci *port = pci_add_port(NULL, 1, 4, true);
	struct host_pci *device = pci_add(port, 0, ID_DEVICE);
	memset(&port->writable[0x1c], 0, 2);
	host_set_pci_bar(device, 0, BAR_IO, 32);
	host_set_pci_bar(device, 1, BAR_IO, 32);
	host_set_pci_bar(device, 2, BAR_32, MIB);
	pci_run();
	pci_check();
	assert_int_equal(COMMAND(device) & 3, DECODE_MEMORY);
	assert_int_equal(COMMAND(port) & 3, DECODE_MEMORY);
	assert_int_equal(pci_bar(device, 0), 0);
	assert_int_equal(pci_tree.unassigned, 2);
	assert_int_equal(host.console_length, 0);
}

/* 32-bit prefetchable memory does not pull the window of the others below 4 GiB. */
static void pci_window_above_4g(void **state)
{
	(void)state;
	pci_begin(true);
	struct host_pci *port = pci_add_port(NULL, 1, 4, true);
	struct host_pci *gpu = pci_add(port, 0, ID_DEVICE);
	host_set_pci_bar(gpu, 0, BAR_64PREF, 64 * GIB);
	host_set_pci_bar(gpu, 2, BAR_32PREF, 16 * MIB);
	host_set_pci_bar(gpu, 3, BAR_64, 16 * MIB);
	pci_run();
	pci_check();
	assert_int_equal(pci_window(port, PCI_PREFETCHABLE).start, 64 * GIB);
	assert_int_equal(pci_window(port, PCI_PREFETCHABLE).end, 128 * GIB);
	assert_int_equal(get32(&port->space[0x2c]), 31);
	assert_int_equal(length(pci_window(port, PCI_MEMORY)), 32 * MIB);
	assert_int_equal(pci_tree.high.start, 32 * GIB);
	assert_int_equal(pci_tree.high.end, 128 * GIB);
}

static void pci_high_first(void **state)
{
	(void)state;
	pci_begin(true);
	pci_machine.high_first = true;
	struct host_pci *a = pci_add(NULL, 1, ID_DEVICE);
	host_set_pci_bar(a, 0, BAR_64PREF, MIB);
	host_set_pci_bar(a, 2, BAR_64, MIB);
	host_set_pci_bar(a, 4, BAR_32, MIB);
	pci_run();
	pci_check();
	assert_int_equal(pci_bar(a, 0), 32 * GIB);
	assert_int_equal(pci_bar(a, 2), 32 * GIB + MIB);
	assert_int_equal(pci_bar(a, 4), 0xc0000000);
	/* Where there is nothing above, below is as good. */
	pci_machine.mem64.end = 0;
	pci_run();
	pci_check();
	assert_int_equal(pci_tree.unassigned, 0);
	assert_true(pci_bar(a, 0) < 4 * GIB);
	assert_int_equal(length(pci_tree.high), 0);
}

static void pci_second_range(void **state)
{
	(void)state;
	pci_begin(true);
	pci_machine.mem32[1] = (struct pci_range){0x80000000, 0xb0000000};
	struct host_pci *a = pci_add(NULL, 1, ID_DEVICE);
	host_set_pci_bar(a, 0, BAR_32, 512 * MIB);
	host_set_pci_bar(a, 1, BAR_32, 512 * MIB);
	host_set_pci_bar(a, 2, BAR_32, 256 * MIB);
	pci_run();
	pci_check();
	assert_int_equal(pci_bar(a, 0), 0xc0000000);
	assert_int_equal(pci_bar(a, 1), 0x80000000);
	assert_int_equal(pci_bar(a, 2), 0xe0000000);
}

/* -- reservation ------------------------------------------------------------------- */

static void pci_empty_ports(void **state)
{
	(void)state;
	pci_begin(true);
	struct host_pci *slot = pci_add_port(NULL, 1, 4, true);
	struct host_pci *fixed = pci_add_port(NULL, 2, 4, false);
	struct host_pci *bridge = pci_add_bridge(NULL, 3);
	struct host_pci *to_pci = pci_add_port(NULL, 4, 7, false);
	pci_run();
	pci_check();
	assert_int_equal(length(pci_window(slot, PCI_IO)), 0);
	assert_int_equal(length(pci_window(slot, PCI_MEMORY)), 2 * MIB);
	assert_int_equal(length(pci_window(slot, PCI_PREFETCHABLE)), 2 * MIB);
	assert_int_equal(pci_window(slot, PCI_MEMORY).start % (2 * MIB), 0);
	assert_int_equal(length(pci_window(fixed, PCI_MEMORY)), 0);
	assert_int_equal(length(pci_window(bridge, PCI_IO)), 4 * KIB);
	assert_int_equal(length(pci_window(bridge, PCI_PREFETCHABLE)), 2 * MIB);
	assert_int_equal(length(pci_window(to_pci, PCI_IO)), 4 * KIB);
}

/* Windows are rounded to 2 MiB where that fits, and no further than they must where not. */
static void pci_windows_in_little_room(void **state)
{
	(void)state;
	for (unsigned room = 6; room >= 3; room--) {
		struct host_pci *port[3], *device[3];
		host_reset();
		pci_begin(true);
		pci_machine.mem32[0] = (struct pci_range){0xe0000000, 0xe0000000 + room * MIB};
		pci_machine.mem32[1] = (struct pci_range){0, 0};
		pci_machine.mem64 = (struct pci_range){0, 0};
		for (uint8_t i = 0; i < 3; i++) {
			port[i] = pci_add_port(NULL, (uint8_t)(i + 1), 4, false);
			device[i] = pci_add(port[i], 0, ID_DEVICE);
			host_set_pci_bar(device[i], 0, BAR_32, 4096);
		}
		pci_run();
		pci_check();
		for (unsigned i = 0; i < 3; i++) {
			assert_int_equal(length(pci_window(port[i], PCI_MEMORY)),
					 room == 6 ? 2 * MIB : MIB);
			assert_int_not_equal(pci_bar(device[i], 0), 0);
		}
	}
}

static void pci_hints_are_heard(void **state)
{
	static const struct pci_hint hint = {0xffffffff, 0x1001, 0x1900000, 0xffffffff, 3 * GIB};

	(void)state;
	pci_begin(true);
	struct host_pci *port = pci_add_port(NULL, 1, 4, true);
	struct host_pci *device = pci_add(port, 0, ID_DEVICE);
	host_set_pci_bar(device, 0, BAR_32, 16 * KIB);
	pci_add_hint(port, &hint);
	pci_run();
	pci_check();
	assert_int_equal(length(pci_window(port, PCI_IO)), 0x2000);
	assert_int_equal(length(pci_window(port, PCI_MEMORY)), 0x1a00000);
	/* One BAR of half of it and more can be in it. */
	assert_int_equal(length(pci_window(port, PCI_PREFETCHABLE)), 3 * GIB);
	assert_int_equal(pci_window(port, PCI_PREFETCHABLE).start % (2 * GIB), 0);
}

/* The bridge that kata's guests have: no hot-plug controller, and hints. */
static void pci_hints_of_kata(void **state)
{
	static const struct pci_hint hint = {0xffffffff, 4096, 0x100000, 0xffffffff, 0x100000};

	(void)state;
	pci_begin(false);
	struct host_pci *bridge = pci_add_bridge(NULL, 2);
	struct host_pci *nic = pci_add(bridge, 1, ID_DEVICE);
	host_set_pci_bar(nic, 0, BAR_IO, 32);
	host_set_pci_bar(nic, 1, BAR_32, 4096);
	host_set_pci_bar(nic, 4, BAR_64PREF, 16 * KIB);
	pci_add_hint(bridge, &hint);
	pci_run();
	pci_check();
	assert_int_equal(length(pci_window(bridge, PCI_IO)), 4096);
	assert_int_equal(length(pci_window(bridge, PCI_MEMORY)), 2 * MIB);
	assert_int_equal(length(pci_window(bridge, PCI_PREFETCHABLE)), 2 * MIB);
	assert_int_equal(pci_tree.unassigned, 0);
}

/* 32-bit and 64-bit prefetchable at once is a contradiction; absurd sizes change nothing else. */
static void pci_hints_without_sense(void **state)
{
	struct pci_hint hint = {0xffffffff, ~0ul, 0xffffffff, 64 * MIB, 32 * MIB};

	(void)state;
	pci_begin(true);
	struct host_pci *both = pci_add_port(NULL, 1, 4, true);
	struct host_pci *absurd = pci_add_port(NULL, 2, 4, true);
	struct host_pci *device = pci_add(absurd, 0, ID_DEVICE);
	host_set_pci_bar(device, 0, BAR_32, MIB);
	host_set_pci_bar(device, 1, BAR_IO, 16);
	host_set_pci_bar(device, 2, BAR_64PREF, MIB);
	pci_add_hint(both, &hint);
	hint = (struct pci_hint){0xffffffff, ~1ul, 0xfffffffe, 0xffffffff, ~1ul};
	pci_add_hint(absurd, &hint);
	pci_run();
	pci_check();
	assert_int_equal(COMMAND(device) & 3, 3);
	assert_int_equal(pci_tree.unassigned, 0);
}

static void pci_large_windows_for_hotplug(void **state)
{
	(void)state;
	pci_begin(true);
	pci_machine.high_first = true;
	pci_machine.hotplug_prefetchable = 32 * GIB;
	struct host_pci *ports[4];
	for (uint8_t i = 0; i < 4; i++)
		ports[i] = pci_add_port(NULL, (uint8_t)(i + 1), 4, true);
	pci_run();
	pci_check();
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(length(pci_window(ports[i], PCI_PREFETCHABLE)), 32 * GIB);
	/* One that is filled keeps room for another. */
	struct host_pci *device = pci_add(ports[1], 0, ID_DEVICE);
	host_set_pci_bar(device, 0, BAR_64PREF, 32 * GIB);
	host_set_pci_bar(device, 2, BAR_64PREF, MIB);
	pci_run();
	pci_check();
	assert_int_equal(length(pci_window(ports[1], PCI_PREFETCHABLE)), 64 * GIB);
	host.pci_functions--;
	/* Not for all of them: the usual size for each. */
	pci_machine.mem64.end = 128 * GIB;
	pci_run();
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(length(pci_window(ports[i], PCI_PREFETCHABLE)), 2 * MIB);
}

/* -- more than there is ------------------------------------------------------------ */

static void pci_io_for_devices_first(void **state)
{
	struct host_pci *bridge[24], *nic[24];

	(void)state;
	pci_begin(true);
	pci_machine.io[1].end = 0;
	for (uint8_t i = 0; i < 24; i++) {
		bridge[i] = pci_add_bridge(NULL, (uint8_t)(i + 1));
		nic[i] = pci_add(bridge[i], 1, ID_DEVICE);
		host_set_pci_bar(nic[i], 1, BAR_32, 4096);
		if (i >= 22)
			host_set_pci_bar(nic[i], 0, BAR_IO, 32);
	}
	pci_run();
	pci_check();
	/* 16 KiB are for four: the two that need them, and the first two others. */
	for (size_t i = 0; i < 24; i++) {
		assert_int_equal(length(pci_window(bridge[i], PCI_IO)),
				 i < 2 || i >= 22 ? 4 * KIB : 0);
		assert_int_equal(COMMAND(nic[i]) & 3, i < 22 ? 2 : 3);
		assert_int_equal(bridge[i]->space[0x19], i + 1);
	}
	assert_int_equal(pci_tree.unassigned, 0);
	assert_int_equal(host.console_length, 0);
}

/* Twice the ports that there are: windows stay closed, and the rest is untouched. */
static void pci_io_runs_out(void **state)
{
	struct host_pci *bridge[24], *nic[24];
	size_t open = 0;

	(void)state;
	pci_begin(true);
	for (uint8_t i = 0; i < 24; i++) {
		bridge[i] = pci_add_bridge(NULL, (uint8_t)(i + 1));
		nic[i] = pci_add(bridge[i], 1, ID_DEVICE);
		host_set_pci_bar(nic[i], 0, BAR_IO, 32);
		host_set_pci_bar(nic[i], 1, BAR_32, 4096);
	}
	pci_run();
	pci_check();
	for (size_t i = 0; i < 24; i++) {
		bool is_open = length(pci_window(bridge[i], PCI_IO)) != 0;
		open += is_open;
		assert_int_equal(COMMAND(nic[i]) & 3, is_open ? 3 : 2);
	}
	assert_int_equal(open, 15);
	assert_int_equal(pci_tree.unassigned, 9);
	assert_int_equal(pci_said("no I/O ports are left for what is behind it"), 9);
	assert_int_equal(pci_said("\n"), 9);
}

/* One byte more than there is for windows does not take the ports of a disk's controller. */
static void pci_small_bars_before_windows(void **state)
{
	(void)state;
	pci_begin(true);
	struct host_pci *ide = pci_add(NULL, 1, ID_DEVICE);
	host_set_pci_bar(ide, 4, BAR_IO, 16);
	host_set_pci_bar(ide, 0, BAR_32, 4096);
	pci_machine.mem32[0] = (struct pci_range){0xf0000000, 0xf0400000};
	for (uint8_t i = 0; i < 16; i++) {
		struct host_pci *nic =
			pci_add(pci_add_bridge(NULL, (uint8_t)(i + 2)), 1, ID_DEVICE);
		host_set_pci_bar(nic, 0, BAR_IO, 32);
		host_set_pci_bar(nic, 1, BAR_32, MIB);
	}
	pci_run();
	pci_check();
	assert_int_equal(COMMAND(ide) & 3, 3);
	/* One of sixteen pages and one of four MiB go to it. */
	assert_int_equal(pci_tree.unassigned, 2 + 13);
}

/* Windows for hot-plug are given up before a device is. */
static void pci_devices_before_reservations(void **state)
{
	(void)state;
	pci_begin(true);
	pci_machine.mem32[0] = (struct pci_range){0xf0000000, 0xf0900000};
	pci_machine.mem64.end = 0;
	struct host_pci *nics[4];
	for (uint8_t i = 0; i < 4; i++) {
		struct host_pci *port = pci_add_port(NULL, (uint8_t)(i + 1), 4, true);
		nics[i] = pci_add(port, 0, ID_DEVICE);
		host_set_pci_bar(nics[i], 0, BAR_32, 4096);
		host_set_pci_bar(nics[i], 2, BAR_64PREF, 4096);
	}
	pci_add_port(NULL, 6, 4, true);
	pci_run();
	pci_check();
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(COMMAND(nics[i]) & 3, 2);
	assert_int_equal(host.console_length, 0);
}

/* One BAR that fits nowhere does not take its neighbours with it. */
static void pci_giant_behind_a_bridge(void **state)
{
	(void)state;
	pci_begin(true);
	struct host_pci *bridge = pci_add_bridge(NULL, 1);
	struct host_pci *giant = pci_add(bridge, 1, ID_DEVICE);
	struct host_pci *small = pci_add(bridge, 2, ID_DEVICE);
	host_set_pci_bar(giant, 0, BAR_32, 2 * GIB);
	host_set_pci_bar(giant, 2, BAR_64PREF, 1ul << 62);
	host_set_pci_bar(giant, 4, BAR_IO, 64 * KIB);
	host_set_pci_bar(small, 0, BAR_32, 4096);
	host_set_pci_bar(small, 1, BAR_IO, 16);
	host_set_pci_bar(small, 2, BAR_64PREF, MIB);
	pci_run();
	pci_check();
	assert_int_equal(COMMAND(giant) & 3, 0);
	assert_int_equal(COMMAND(small) & 3, 3);
	assert_int_equal(pci_said("no address range is large enough"), 3);
	assert_int_equal(pci_said("\n"), 3);
	assert_int_equal(pci_tree.unassigned, 3);
}

/* Nor do several that would fit one at a time. */
static void pci_too_much_behind_a_bridge(void **state)
{
	(void)state;
	pci_begin(true);
	struct host_pci *bridge = pci_add_bridge(NULL, 1);
	struct host_pci *device = pci_add(bridge, 1, ID_DEVICE);
	struct host_pci *small = pci_add(bridge, 2, ID_DEVICE);
	struct host_pci *outside = pci_add(NULL, 2, ID_DEVICE);
	host_set_pci_bar(device, 0, BAR_32, 512 * MIB);
	host_set_pci_bar(device, 1, BAR_32, 512 * MIB);
	host_set_pci_bar(device, 2, BAR_64PREF, 512 * MIB);
	host_set_pci_bar(small, 0, BAR_32, 4096);
	host_set_pci_bar(outside, 0, BAR_32, 4096);
	pci_run();
	pci_check();
	assert_int_equal(COMMAND(device) & 3, 0);
	assert_int_equal(COMMAND(small) & 3, 2);
	assert_int_equal(COMMAND(outside) & 3, 2);
	assert_int_equal(pci_tree.unassigned, 1);
	assert_true(pci_bar(device, 2) >= 4 * GIB);
	assert_int_equal(pci_said("\n"), 1);
}

static void pci_no_addresses_at_all(void **state)
{
	(void)state;
	pci_begin(true);
	memset(pci_machine.io, 0, sizeof(pci_machine.io));
	memset(pci_machine.mem32, 0, sizeof(pci_machine.mem32));
	pci_machine.mem64 = (struct pci_range){0, 0};
	struct host_pci *port = pci_add_port(NULL, 1, 4, true);
	struct host_pci *device = pci_add(port, 0, ID_DEVICE);
	host_set_pci_bar(device, 0, BAR_32, 4096);
	host_set_pci_bar(device, 1, BAR_IO, 16);
	host_set_pci_bar(device, 2, BAR_64PREF, MIB);
	pci_run();
	pci_check();
	assert_int_equal(COMMAND(device), 0);
	assert_int_equal(pci_bar(device, 2), 0);
	assert_int_equal(pci_said("no address range is large enough"), 3);
}

/* The window of a bridge matters more than its own BAR. */
static void pci_bridge_without_its_own_bar(void **state)
{
	(void)state;
	pci_begin(true);
	struct host_pci *bridge = pci_add_bridge(NULL, 1);
	struct host_pci *device = pci_add(bridge, 0, ID_DEVICE);
	host_set_pci_bar(bridge, 0, BAR_32, 2 * GIB);
	host_set_pci_bar(device, 0, BAR_32, 4096);
	pci_run();
	pci_check();
	assert_int_equal(COMMAND(device) & 3, 2);
	assert_int_equal(COMMAND(bridge) & 2, 2);
}

/* -- VGA --------------------------------------------------------------------------- */

static struct host_pci *add_vga(struct host_pci *bridge, uint8_t device)
{
	struct host_pci *vga = pci_add(bridge, device, 0x11111234);

	vga->space[0x0b] = 0x03;
	host_set_pci_bar(vga, 0, BAR_32PREF, 16 * MIB);
	return vga;
}

static void pci_vga_behind_bridges(void **state)
{
	(void)state;
	pci_begin(true);
	struct host_pci *outer = pci_add_bridge(NULL, 1);
	struct host_pci *inner = pci_add_bridge(outer, 1);
	struct host_pci *other = pci_add_bridge(NULL, 2);
	struct host_pci *vga = add_vga(inner, 1);
	add_vga(other, 1);
	pci_run();
	assert_int_equal(COMMAND(vga) & 3, 3);
	assert_int_equal(get16(&outer->space[0x3e]), 0x0a);
	assert_int_equal(get16(&inner->space[0x3e]), 0x0a);
	assert_int_equal(get16(&other->space[0x3e]), 0x02);
	assert_int_equal(COMMAND(outer) & 3, 3);
}

static void pci_vga_of_the_root_bus_is_first(void **state)
{
	(void)state;
	pci_begin(true);
	struct host_pci *bridge = pci_add_bridge(NULL, 1);
	add_vga(bridge, 1);
	add_vga(NULL, 2);
	pci_run();
	assert_int_equal(get16(&bridge->space[0x3e]), 0x02);
}

/* -- whole machines ---------------------------------------------------------------- */

static void add_q35_devices(void)
{
	struct host_pci *mch = pci_add(NULL, 0, 0x29c08086);
	struct host_pci *vga = pci_add(NULL, 1, 0x11111234);
	struct host_pci *nic = pci_add(NULL, 2, 0x10d38086);
	struct host_pci *lpc = host_add_pci_device(NULL, 0, 31, 0, 0x29188086);
	struct host_pci *ahci = host_add_pci_device(NULL, 0, 31, 2, 0x29228086);
	struct host_pci *smbus = host_add_pci_device(NULL, 0, 31, 3, 0x29308086);

	mch->space[0x0b] = lpc->space[0x0b] = 6;
	lpc->space[0x0a] = 1;
	vga->space[0x0b] = 3;
	host_set_pci_bar(vga, 0, BAR_32PREF, 16 * MIB);
	host_set_pci_bar(vga, 2, BAR_32, 4096);
	host_set_pci_bar(nic, 0, BAR_32, 128 * KIB);
	host_set_pci_bar(nic, 1, BAR_32, 128 * KIB);
	host_set_pci_bar(nic, 2, BAR_IO, 32);
	host_set_pci_bar(nic, 3, BAR_32, 16 * KIB);
	host_set_pci_bar(ahci, 4, BAR_IO, 32);
	host_set_pci_bar(ahci, 5, BAR_32, 4096);
	host_set_pci_bar(smbus, 4, BAR_IO, 64);
	nic->space[0x3d] = ahci->space[0x3d] = smbus->space[0x3d] = 1;
}

/* Each access is an exit of the VM: what it takes today, with what chipset.c knows of a q35. */
static void pci_cost_of_q35(void **state)
{
	static const struct pci_known known[] = {
		{.address = 0x00, .is_bridge = true},
		{.address = 0xf8, .is_bridge = true, .has_others = true},
		{.address = 0xfa, .bars = 1 << 4 | 1 << 5, .pin = 1},
		{.address = 0xfb, .bars = 1 << 4, .pin = 1},
	};
	size_t cost[2];

	(void)state;
	for (unsigned fresh = 0; fresh < 2; fresh++) {
		host_reset();
		pci_begin(true);
		add_q35_devices();
		if (fresh != 0) {
			pci_machine.is_fresh = true;
			pci_machine.known = known;
			pci_machine.known_count = COUNT(known);
		}
		pci_run();
		pci_check();
		assert_int_equal(pci_tree.unassigned, 0);
		assert_int_equal(host.console_length, 0);
		cost[fresh] = host.pci_accesses;
	}
	print_message("q35: %zu accesses, %zu after a reset\n", cost[0], cost[1]);
	assert_in_range(cost[0], 1, 126);
	/* Empty slots and functions; header, class, 6 BARs and a pin of two devices; their 9 BARs.
	 */
	assert_int_equal(cost[1], 28 + 5 + 2 * (2 + 12 + 1) + 3 * 2 + 9 + 4 + 3);
}

static size_t cost_of_ports(unsigned ports)
{
	host_reset();
	pci_begin(true);
	add_q35_devices();
	for (unsigned i = 0; i < ports; i++) {
		struct host_pci *port = pci_add_port(NULL, (uint8_t)(3 + i / 8), 4, true);
		port->address |= i % 8;
		if (i == 0 || i % 8 != 0)
			port->space[0x0e] |= 0x80;
		host.pci[host.pci_functions - 1].space[0x0e] |= 0x80;
	}
	pci_run();
	pci_check();
	assert_int_equal(pci_tree.last_bus, ports);
	assert_int_equal(host.console_length, 0);
	return host.pci_accesses;
}

static void pci_cost_of_ports_is_linear(void **state)
{
	(void)state;
	size_t eight = cost_of_ports(8), sixteen = cost_of_ports(16);
	size_t cost = cost_of_ports(32);
	print_message("32 root ports: %zu accesses\n", cost);
	assert_int_equal(cost - sixteen, 2 * (sixteen - eight));
	assert_true(cost < 800);
}

/* -- any tree ---------------------------------------------------------------------- */

static void add_random_bars(struct host_pci *device)
{
	static const uint32_t flags[] = {BAR_IO, BAR_32, BAR_32PREF, BAR_64, BAR_64PREF};

	for (unsigned bar = 0; bar < 6; bar++) {
		size_t kind = unit_random_below(COUNT(flags) + 2);
		if (kind >= COUNT(flags) || (bar == 5 && kind >= 3))
			continue;
		unsigned most = kind == 0 ? 9 : unit_random_below(20) == 0 ? 30 : 20;
		unsigned bits = 4 + (unsigned)unit_random_below(most - 3);
		host_set_pci_bar(device, bar, flags[kind], 1ul << bits);
		bar += kind >= 3;
	}
}

static bool is_bridge(const struct host_pci *pci)
{
	return (pci->space[0x0e] & 0x7f) == 1;
}

static void add_random_tree(unsigned devices)
{
	struct host_pci *bridges[64] = {NULL};
	uint8_t next_slot[64] = {0};
	bool is_single[64] = {false};
	size_t count = 1;

	for (unsigned i = 0; i < devices; i++) {
		size_t at = unit_random_below(count);
		if (next_slot[at] == (is_single[at] ? 1 : 32))
			continue;
		uint8_t slot = next_slot[at]++;
		if (unit_random_below(3) != 0 || count == COUNT(bridges)) {
			add_random_bars(pci_add(bridges[at], slot, ID_DEVICE));
			continue;
		}
		size_t type = unit_random_below(4);
		struct host_pci *bridge =
			type == 0 ? pci_add_bridge(bridges[at], slot)
				  : pci_add_port(bridges[at], slot, (unsigned)type + 3,
						 unit_random_below(2) == 0);
		is_single[count] = type == 1 || type == 3;
		if (type == 2)
			host_set_pci_bar(bridge, 0, BAR_64, 256);
		if (unit_random_below(6) == 0)
			memset(&bridge->writable[0x1c], bridge->space[0x1c] = 0, 2);
		if (unit_random_below(6) == 0)
			bridge->space[0x24] = bridge->space[0x26] = 0;
		bridges[count++] = bridge;
	}
}

/* What is behind has an address, unless no address range has it. */
static void assert_all_assigned(void)
{
	for (size_t i = 0; i < host.pci_functions; i++) {
		const struct host_pci *pci = &host.pci[i];
		bool is_io_closed = false;
		for (const struct host_pci *up = pci->bridge; up != NULL; up = up->bridge)
			is_io_closed = is_io_closed || up->writable[0x1c] == 0;
		for (unsigned bar = 0; bar < (is_bridge(pci) ? 2 : 6); bar++) {
			uint32_t writable = get32(&pci->writable[0x10 + 4 * bar]);
			uint32_t value = get32(&pci->space[0x10 + 4 * bar]);
			if (writable == 0)
				continue;
			if ((value & 1) == 0 || !is_io_closed)
				assert_int_not_equal(pci_bar(pci, bar), 0);
			bar += (value & 7) == 4;
		}
	}
}

static void pci_random_trees(void **state)
{
	size_t complete = 0;

	(void)state;
	for (unsigned i = 0; i < 400; i++) {
		host_reset();
		unit_random();
		pci_begin(i % 2 == 0);
		if (i % 5 == 0)
			pci_machine.mem32[0].start = 0xfe000000 - unit_random_below(64) * MIB;
		if (i % 7 == 0)
			pci_machine.mem64 = (struct pci_range){0, 0};
		if (i % 3 == 0)
			pci_machine.mem32[1] = (struct pci_range){0x80000000, 0xb0000000};
		pci_machine.high_first = i % 4 == 0;
		pci_machine.hotplug_prefetchable = i % 11 == 0 ? 8 * GIB : 0;
		add_random_tree(4 + i / 5);
		pci_run();
		pci_check();
		if (pci_said("no a") == 0 && pci_said("no I/O") == 0) {
			assert_all_assigned();
			complete++;
		}
	}
	/* The test means nothing when all of them are too much. */
	print_message("%zu of 400 trees fit\n", complete);
	assert_true(complete > 150 && complete < 400);
}

static const struct CMUnitTest tests[] = {
	UNIT_TEST(pci_bar_of_every_size),
	UNIT_TEST(pci_bar_of_16_bits),
	UNIT_TEST(pci_small_bars_have_their_page),
	UNIT_TEST(pci_decodes_nothing_while_sizing),
	UNIT_TEST(pci_decoding_is_restored),
	UNIT_TEST(pci_host_and_isa_bridges_are_left_alone),
	UNIT_TEST(pci_option_rom_stays_off),
	UNIT_TEST(pci_bars_without_sense),
	UNIT_TEST(pci_bar_whose_upper_half_is_stuck),
	UNIT_TEST(pci_last_bar_without_upper_half),
	UNIT_TEST(pci_windows_hold_what_is_behind),
	UNIT_TEST(pci_windows_are_closed),
	UNIT_TEST(pci_bridge_of_few_windows),
	UNIT_TEST(pci_port_without_io),
	UNIT_TEST(pci_window_above_4g),
	UNIT_TEST(pci_high_first),
	UNIT_TEST(pci_second_range),
	UNIT_TEST(pci_empty_ports),
	UNIT_TEST(pci_windows_in_little_room),
	UNIT_TEST(pci_hints_are_heard),
	UNIT_TEST(pci_hints_of_kata),
	UNIT_TEST(pci_hints_without_sense),
	UNIT_TEST(pci_large_windows_for_hotplug),
	UNIT_TEST(pci_io_for_devices_first),
	UNIT_TEST(pci_io_runs_out),
	UNIT_TEST(pci_small_bars_before_windows),
	UNIT_TEST(pci_devices_before_reservations),
	UNIT_TEST(pci_giant_behind_a_bridge),
	UNIT_TEST(pci_too_much_behind_a_bridge),
	UNIT_TEST(pci_no_addresses_at_all),
	UNIT_TEST(pci_bridge_without_its_own_bar),
	UNIT_TEST(pci_vga_behind_bridges),
	UNIT_TEST(pci_vga_of_the_root_bus_is_first),
	UNIT_TEST(pci_cost_of_q35),
	UNIT_TEST(pci_cost_of_ports_is_linear),
	UNIT_TEST(pci_random_trees),
};

UNIT_MAIN(tests)
