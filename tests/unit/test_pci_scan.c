/* SPDX-License-Identifier: BSD-2-Clause */
#include "pci.h"

#include "pci/config.h"

/* -- access ------------------------------------------------------------------------ */

static void pci_ecam_address_bits(void **state)
{
	(void)state;
	host_add_ecam(ECAM);
	uint8_t *space = host_add_pci_function(0x12, 0x1f, 7, 0xabcd1234);
	const struct pci_access access = {ECAM};
	const uint16_t there = 0x12ff;
	assert_int_equal(PCI_ADDRESS(0x12, 0x1f, 7), there);
	assert_int_equal(PCI_BUS(there), 0x12);
	assert_int_equal(PCI_DEVICE(there), 0x1f);
	assert_int_equal(PCI_FUNCTION(there), 7);
	assert_true(pci_config_map(&access, 0x12));
	assert_int_equal(pci_config_read(&access, there, 0), 0xabcd1234);
	pci_config_write(&access, there, 0xfc, 0x01020304);
	assert_int_equal(get32(space + 0xfc), 0x01020304);
	assert_int_equal(pci_config_try(&access, there, 0x40, 0x55667788), 0x55667788);
	assert_int_equal(host.mmio, 4);
	assert_int_equal(host.accesses, 0);
	assert_int_equal(pci_config_read(&access, there - 1, 0), PCI_NOTHING);
	/* Registers are those of 32 bits. */
	assert_int_equal(pci_config_read(&access, there, 0xff), 0x01020304);
}

static void pci_ports_without_ecam(void **state)
{
	(void)state;
	host_add_pci();
	uint8_t *space = host_add_pci_function(0x83, 4, 5, 0xabcd1234);
	const struct pci_access access = {0};
	const uint16_t there = PCI_ADDRESS(0x83, 4, 5);
	assert_true(pci_config_map(&access, 0x83));
	assert_int_equal(pci_config_read(&access, there, 0), 0xabcd1234);
	assert_int_equal(host.access[0].value, 0x80832500);
	pci_config_write(&access, there, 0x40, 0x01020304);
	assert_int_equal(get32(space + 0x40), 0x01020304);
	assert_int_equal(host.mmio, 0);
	assert_int_equal(host.accesses, 4);
	/* The register is selected once. */
	put32(&host.pci[0].writable[0x44], 0xffff0000);
	assert_int_equal(pci_config_try(&access, there, 0x47, 0x55667788), 0x55660000);
	assert_int_equal(host.access[4].value, 0x80832544);
	assert_int_equal(host.accesses, 7);
}

static void pci_ecam_that_cannot_be_mapped(void **state)
{
	(void)state;
	pci_begin(true);
	pci_machine.access.ecam = 0x12300000;
	pci_machine.extra_roots = 1;
	pci_run();
	assert_int_equal(pci_tree.functions, 1);
	assert_int_equal(pci_said("no memory for page tables"), 1);
}

/* -- bus numbers ------------------------------------------------------------------- */

static void assert_buses(const struct host_pci *bridge, uint8_t primary, uint8_t secondary,
			 uint8_t subordinate)
{
	assert_int_equal(bridge->space[0x18], primary);
	assert_int_equal(bridge->space[0x19], secondary);
	assert_int_equal(bridge->space[0x1a], subordinate);
}

/* Depth first in order of slots, however deep. */
static void nested(bool ecam)
{
	pci_begin(ecam);
	struct host_pci *a = pci_add_bridge(NULL, 1);
	struct host_pci *b = pci_add_port(NULL, 2, 4, true);
	struct host_pci *late = pci_add_bridge(NULL, 30);
	struct host_pci *aa = pci_add_bridge(a, 3);
	struct host_pci *aaa = pci_add_bridge(aa, 31);
	struct host_pci *ab = pci_add_bridge(a, 4);
	struct host_pci *device = pci_add(aaa, 5, ID_DEVICE);
	host_set_pci_bar(device, 0, BAR_32, 0x4000);
	pci_run();
	assert_buses(a, 0, 1, 4);
	assert_buses(aa, 1, 2, 3);
	assert_buses(aaa, 2, 3, 3);
	assert_buses(ab, 1, 4, 4);
	assert_buses(b, 0, 5, 5);
	assert_buses(late, 0, 6, 6);
	assert_int_equal(pci_tree.last_bus, 6);
	assert_int_not_equal(pci_bar(device, 0), 0);
	pci_check();
	assert_int_equal(host.console_length, 0);
}

static void pci_nested_bridges_by_ports(void **state)
{
	(void)state;
	nested(false);
	assert_int_equal(host.mmio, 0);
}

static void pci_nested_bridges_by_ecam(void **state)
{
	(void)state;
	nested(true);
	assert_int_equal(host.accesses, 0);
}

/* Numbers that a firmware before us left do not swallow those that are given. */
static void pci_bridges_with_old_numbers(void **state)
{
	(void)state;
	pci_begin(true);
	struct host_pci *a = pci_add_bridge(NULL, 1);
	struct host_pci *b = pci_add_bridge(NULL, 2);
	struct host_pci *below = pci_add(a, 1, ID_DEVICE);
	host_set_pci_bar(below, 0, BAR_64PREF, MIB);
	b->space[0x19] = 1;
	b->space[0x1a] = 255;
	put32(&a->space[0x28], 0x12345678);
	put32(&a->space[0x2c], 0x12345678);
	a->space[0x19] = 7;
	a->space[0x04] = 7;
	pci_run();
	assert_buses(a, 0, 1, 1);
	assert_buses(b, 0, 2, 2);
	assert_int_equal(get32(&a->space[0x28]), 0);
	assert_int_equal(get32(&a->space[0x2c]), 0);
	assert_int_not_equal(pci_bar(below, 0), 0);
	pci_check();
}

static void pci_multifunction(void **state)
{
	(void)state;
	pci_begin(true);
	host_add_pci_device(NULL, 0, 3, 0, ID_DEVICE);
	host_add_pci_device(NULL, 0, 3, 7, ID_DEVICE);
	/* Without function 0 there is no device, and without its bit no function 1. */
	host_add_pci_device(NULL, 0, 4, 1, ID_DEVICE);
	host_add_pci_device(NULL, 0, 5, 1, ID_DEVICE);
	host_add_pci_device(NULL, 0, 5, 0, ID_DEVICE);
	pci_run();
	assert_int_equal(pci_tree.functions, 4);
	assert_int_equal(PCI_FUNCTION(pci_tree.function[2].address), 7);
}

/* A port of PCI Express has one device below it, and one access finds it absent. */
static void pci_port_is_asked_once(void **state)
{
	(void)state;
	pci_begin(true);
	pci_run();
	size_t empty = host.pci_accesses;
	pci_add_port(NULL, 1, 4, true);
	host.pci_accesses = 0;
	pci_run();
	assert_true(host.pci_accesses - empty < 26);
	/* Behind an upstream port there are many. */
	struct host_pci *up = pci_add_port(NULL, 2, 5, false);
	struct host_pci *down = pci_add_port(up, 31, 6, true);
	struct host_pci *bridge = pci_add_port(down, 0, 7, false);
	pci_add(bridge, 31, ID_DEVICE);
	pci_run();
	assert_buses(up, 0, 2, 4);
	assert_buses(down, 2, 3, 4);
	assert_buses(bridge, 3, 4, 4);
	assert_int_equal(pci_tree.functions, 6);
}

static void pci_bus_hints(void **state)
{
	(void)state;
	pci_begin(true);
	struct pci_hint hint = HINT_NONE;
	struct host_pci *a = pci_add_port(NULL, 1, 4, true);
	struct host_pci *b = pci_add_port(NULL, 2, 4, true);
	struct host_pci *c = pci_add_port(NULL, 3, 4, true);
	struct host_pci *inner = pci_add_port(b, 0, 5, false);
	hint.bus = 3;
	pci_add_hint(a, &hint);
	hint.bus = 1; /* what there is needs as many */
	pci_add_hint(b, &hint);
	hint.bus = 0xfffffffe;
	pci_add_hint(c, &hint);
	pci_run();
	assert_buses(a, 0, 1, 4);
	assert_buses(b, 0, 5, 6);
	assert_buses(inner, 5, 6, 6);
	assert_buses(c, 0, 7, 7);
	assert_int_equal(pci_said("reserves more bus numbers"), 1);
}

static void pci_bus_numbers_run_out(void **state)
{
	struct pci_hint hint = HINT_NONE;

	(void)state;
	pci_begin(true);
	hint.bus = 253;
	struct host_pci *a = pci_add_port(NULL, 1, 4, true);
	struct host_pci *b = pci_add_bridge(NULL, 2);
	struct host_pci *c = pci_add_bridge(NULL, 3);
	pci_add_hint(a, &hint);
	pci_run();
	assert_buses(a, 0, 1, 254);
	assert_buses(b, 0, 255, 255);
	assert_buses(c, 0, 0, 0);
	assert_int_equal(c->space[0x04], 0);
	assert_int_equal(pci_said("00:03.0: no bus number is left"), 1);
	pci_check();
}

/* It would forward what another firmware had given it. */
static void pci_bridge_without_a_bus_is_off(void **state)
{
	(void)state;
	pci_begin(true);
	pci_machine.extra_roots = 1;
	struct host_pci *bridge = pci_add_bridge(NULL, 1);
	host_add_pci_device(NULL, 1, 0, 0, ID_DEVICE);
	host_set_pci_bar(bridge, 0, BAR_32, 0x1000);
	bridge->space[0x19] = bridge->space[0x1a] = 1;
	put16(&bridge->space[0x20], 0xe000);
	put16(&bridge->space[0x22], 0xe0f0);
	bridge->space[0x04] = 7;
	pci_run();
	assert_buses(bridge, 0, 0, 0);
	assert_int_equal(bridge->space[0x04], 4);
	pci_check();
}

/* -- extra roots ------------------------------------------------------------------- */

/* Their numbers are fixed, and what is below bus 0 ends before them. */
static void pci_extra_roots(void **state)
{
	(void)state;
	pci_begin(true);
	pci_machine.extra_roots = 2;
	struct host_pci *zero = pci_add_bridge(NULL, 1);
	struct host_pci *zero2 = pci_add_bridge(NULL, 2);
	struct host_pci *eight = host_add_pci_bridge(NULL, 8, 0, 0, ID_BRIDGE);
	/* Nothing in slot 0. */
	struct host_pci *three = host_add_pci_bridge(NULL, 3, 5, 0, ID_BRIDGE);
	struct host_pci *nic = host_add_pci_device(eight, 0, 4, 0, ID_DEVICE);
	struct host_pci *other = host_add_pci_device(NULL, 3, 6, 0, ID_DEVICE);
	host_set_pci_bar(nic, 0, BAR_64PREF, 64 * KIB);
	host_set_pci_bar(other, 1, BAR_IO, 32);
	pci_run();
	assert_buses(zero, 0, 1, 1);
	assert_buses(zero2, 0, 2, 2);
	assert_buses(three, 3, 4, 4);
	assert_buses(eight, 8, 9, 9);
	assert_int_equal(pci_tree.last_bus, 9);
	assert_int_not_equal(pci_bar(nic, 0), 0);
	assert_int_equal(pci_bar(other, 1) & 0xf000, 0xf000 & pci_bar(other, 1));
	pci_check();
}

static void pci_extra_root_is_in_the_way(void **state)
{
	(void)state;
	pci_begin(true);
	pci_machine.extra_roots = 1;
	struct host_pci *a = pci_add_bridge(NULL, 1);
	struct host_pci *b = pci_add_bridge(NULL, 2);
	host_add_pci_device(NULL, 2, 0, 0, ID_DEVICE);
	pci_run();
	assert_buses(a, 0, 1, 1);
	assert_buses(b, 0, 0, 0);
	assert_int_equal(pci_said("no bus number is left"), 1);
}

static void pci_extra_roots_that_do_not_exist(void **state)
{
	(void)state;
	pci_begin(true);
	pci_machine.extra_roots = 0xffffffff;
	pci_run();
	assert_true(host.pci_accesses <= 256 * 33);
	assert_int_equal(pci_tree.functions, 1);
}

/* -- interrupts -------------------------------------------------------------------- */

static void pci_interrupt_lines(void **state)
{
	static const struct {
		enum pci_interrupts interrupts;
		uint8_t device, pin, inner, line;
	} cases[] = {
		{PCI_INTERRUPTS_PIIX3, 1, 1, 0, 10},
		{PCI_INTERRUPTS_PIIX3, 3, 1, 0, 11},
		{PCI_INTERRUPTS_PIIX3, 3, 3, 0, 10},
		{PCI_INTERRUPTS_PIIX3, 1, 4, 0, 11},
		{PCI_INTERRUPTS_ICH9, 2, 1, 0, 11},
		{PCI_INTERRUPTS_ICH9, 24, 2, 0, 10},
		{PCI_INTERRUPTS_ICH9, 25, 2, 0, 10},
		{PCI_INTERRUPTS_ICH9, 31, 3, 0, 11},
		{PCI_INTERRUPTS_ICH9, 31, 5, 0, 0},
		{PCI_INTERRUPTS_ICH9, 31, 0, 0, 0},
		{PCI_INTERRUPTS_UNKNOWN, 3, 1, 0, 0},
		/* Behind a bridge in slot 2 the pins rotate by their slot. */
		{PCI_INTERRUPTS_PIIX3, 2, 1, 1, 11},
		{PCI_INTERRUPTS_PIIX3, 2, 1, 3, 10},
		{PCI_INTERRUPTS_ICH9, 2, 1, 3, 10},
		{PCI_INTERRUPTS_ICH9, 26, 1, 2, 11},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		host_reset();
		pci_begin(true);
		pci_machine.interrupts = cases[i].interrupts;
		struct host_pci *device;
		if (cases[i].inner == 0)
			device = pci_add(NULL, cases[i].device, ID_DEVICE);
		else
			device = pci_add(pci_add_bridge(NULL, cases[i].device), cases[i].inner,
					 ID_DEVICE);
		device->space[0x3d] = cases[i].pin;
		device->space[0x3e] = 0x55; /* stays */
		pci_run();
		assert_int_equal(device->space[0x3c], cases[i].line);
		assert_int_equal(device->space[0x3e], 0x55);
	}
}

/* -- what is known already --------------------------------------------------------- */

/* Only the BARs that a function has are measured; the rest of it is not asked for. */
static void pci_known_functions(void **state)
{
	static const struct pci_known known[] = {
		{.address = 0x08, .is_bridge = true, .has_others = true},
		{.address = 0x09, .bars = 1 << 4 | 1 << 5, .pin = 2},
		{.address = 0x0b, .pin = 1, .line = 9},
	};

	(void)state;
	for (unsigned fresh = 0; fresh < 2; fresh++) {
		host_reset();
		pci_begin(true);
		pci_run();
		size_t empty = host.pci_accesses;
		host_add_pci_device(NULL, 0, 1, 0, ID_DEVICE);
		struct host_pci *ide = host_add_pci_device(NULL, 0, 1, 1, ID_DEVICE);
		struct host_pci *power = host_add_pci_device(NULL, 0, 1, 3, ID_DEVICE);
		host_set_pci_bar(ide, 4, BAR_IO, 16);
		host_set_pci_bar(ide, 5, BAR_32, 4096);
		pci_machine.is_fresh = fresh != 0;
		pci_machine.known = known;
		pci_machine.known_count = COUNT(known);
		host.pci_accesses = 0;
		pci_run();
		pci_check();
		assert_int_equal(pci_tree.functions, 4);
		assert_int_equal(pci_bar(ide, 4), 0xc000);
		assert_int_equal(pci_bar(ide, 5), 0xc0000000);
		assert_int_equal(get16(&ide->space[0x04]), 0x103);
		assert_int_equal(ide->space[0x3c], 11);
		/* Its pin leads nowhere. */
		uint8_t pirq;
		assert_int_equal(power->space[0x3c], 9);
		assert_false(pci_pirq(&pci_tree, 3, &pirq));
		/*
		 * Functions 2 and 4 to 7 are looked for, function 0 is not; a command and two lines
		 * are written; two BARs measured and set. Unless after a reset, BARs are read back,
		 * and the commands of two functions.
		 */
		assert_int_equal(host.pci_accesses - empty,
				 5 - 1 + 3 + 2 * 3 + (fresh ? 0 : 2 + 2));
	}
}

/* A list that says nothing of other buses, and one that something is missing from. */
static void pci_known_functions_elsewhere(void **state)
{
	static const struct pci_known known[] = {
		{.address = 0x10, .bars = 1},
		{.address = 0x18, .bars = 1},
	};

	(void)state;
	pci_begin(true);
	pci_machine.known = known;
	pci_machine.known_count = COUNT(known);
	struct host_pci *bridge = pci_add_bridge(NULL, 1);
	struct host_pci *first = pci_add(NULL, 2, ID_DEVICE);
	struct host_pci *second = pci_add(NULL, 3, ID_DEVICE);
	struct host_pci *behind = pci_add(bridge, 3, ID_DEVICE);
	struct host_pci *device[] = {first, second, behind};
	for (size_t i = 0; i < COUNT(device); i++) {
		host_set_pci_bar(device[i], 0, BAR_32, 4096);
		host_set_pci_bar(device[i], 1, BAR_32, 4096);
	}
	pci_run();
	assert_int_equal(pci_bar(first, 1), 0);
	assert_int_equal(pci_bar(second, 1), 0);
	assert_int_not_equal(pci_bar(second, 0), 0);
	assert_int_not_equal(pci_bar(behind, 1), 0);
}

/*
 * Command registers are 0 after a reset, and not read; so are upper halves of BARs, and not
 * written but where addresses reach them; BARs are not read back. Bus numbers may be there still.
 */
static void pci_after_a_reset(void **state)
{
	size_t cost[2];

	(void)state;
	for (unsigned fresh = 0; fresh < 2; fresh++) {
		host_reset();
		pci_begin(true);
		pci_machine.is_fresh = fresh != 0;
		struct host_pci *device = pci_add(NULL, 1, ID_DEVICE);
		struct host_pci *bridge = pci_add_bridge(NULL, 2);
		host_set_pci_bar(device, 0, BAR_64PREF, MIB);
		host_set_pci_bar(device, 2, BAR_64PREF, 64 * GIB);
		host_set_pci_bar(device, 4, BAR_IO, 32);
		bridge->space[0x19] = bridge->space[0x1a] = 7;
		pci_run();
		pci_check();
		assert_int_equal(get16(&device->space[0x04]), 0x103);
		assert_int_equal(pci_bar(device, 2), 64 * GIB);
		assert_int_equal(pci_bar(device, 0) >> 32, 32);
		assert_buses(bridge, 0, 1, 1);
		cost[fresh] = host.pci_accesses;
	}
	assert_int_equal(cost[0] - cost[1], 2 + 5);
	/* Below 4 GiB, and a large one that finds no place at all. */
	for (unsigned fits = 0; fits < 2; fits++) {
		host_reset();
		pci_begin(true);
		pci_machine.is_fresh = true;
		struct host_pci *device = pci_add(NULL, 1, ID_DEVICE);
		host_set_pci_bar(device, 0, BAR_64PREF, fits ? MIB : 2 * TIB);
		pci_run();
		pci_check();
		assert_int_equal(pci_bar(device, 0), fits ? 0xc0000000 : 0);
		assert_int_equal(get16(&device->space[0x04]), fits ? 0x102 : 0);
	}
}

/* -- devices that are no devices --------------------------------------------------- */

/* What its identity is does not matter: a header that is there has a function. */
static void pci_no_header_is_no_function(void **state)
{
	static const uint32_t ids[] = {0x00000000, 0x0000ffff, 0xffff0000, 0xffffffff};

	(void)state;
	pci_begin(true);
	for (uint8_t i = 0; i < COUNT(ids); i++)
		put32(&pci_add(NULL, i, ids[i])->space[0x0c], 0xffffffff);
	pci_run();
	assert_int_equal(pci_tree.functions, 1);
	for (uint8_t i = 0; i < COUNT(ids); i++)
		put32(&host.pci[i].space[0x0c], 0xff00ffff);
	pci_run();
	assert_int_equal(pci_tree.functions, 1 + COUNT(ids));
	assert_int_equal(host.console_length, 0);
}

static void pci_unknown_headers(void **state)
{
	static const uint8_t types[] = {0x02, 0x7f, 0xff, 0x82};

	(void)state;
	pci_begin(true);
	for (uint8_t i = 0; i < COUNT(types); i++) {
		struct host_pci *device = pci_add(NULL, i, ID_DEVICE);
		device->space[0x0e] = types[i];
		device->space[0x04] = 3;
		memset(device->writable, 0xff, sizeof(device->writable));
	}
	pci_run();
	assert_int_equal(pci_tree.functions, 1);
	assert_int_equal(pci_said("has an unknown header"), COUNT(types));
	/* It is left as it was. */
	assert_int_equal(host.pci[0].space[0x04], 3);
}

static void pci_capability_loops(void **state)
{
	(void)state;
	for (uint8_t next = 0; next < 0x48; next = (uint8_t)(next + 4)) {
		host_reset();
		pci_begin(true);
		struct host_pci *bridge = pci_add_bridge(NULL, 1);
		const uint8_t own[4] = {0x05, 0, 0, 0};
		host_add_pci_capability(bridge, 0x40, own, sizeof(own));
		bridge->space[0x41] = next;
		pci_run();
		assert_true(host.pci_accesses < 150);
		assert_buses(bridge, 0, 1, 1);
	}
}

/* A vendor capability that is another, short, at the end or of another's device. */
static void pci_hints_that_are_none(void **state)
{
	struct pci_hint hint = {9, 0x2000, 0x900000, 0xffffffff, 0x900000};

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		host_reset();
		pci_begin(true);
		struct host_pci *port = pci_add_port(NULL, 1, 4, true);
		pci_add_hint(port, &hint);
		if (i == 0)
			port->space[0xb3] = 2;
		if (i == 1)
			port->space[0xb2] = 31;
		if (i == 2)
			port->space[0] = 0x37;
		if (i == 3) {
			port->space[0x34] = 0xe4;
			memcpy(&port->space[0xe4], &port->space[0xb0], 4);
		}
		pci_run();
		assert_buses(port, 0, 1, i == 4 ? 10 : 1);
	}
}

/* Every function of every bus is a bridge that has what is behind it once more. */
static bool read_loop(uint16_t address, uint8_t offset, uint32_t *ret_value)
{
	(void)address;
	*ret_value = offset == 0 ? ID_BRIDGE : offset == 0x0c ? 0x00810000 : 0xffffffff;
	return true;
}

static void pci_bridge_loop(void **state)
{
	(void)state;
	pci_begin(true);
	host.pci_read = read_loop;
	pci_run();
	assert_true(pci_tree.is_full);
	assert_int_equal(pci_said("too many devices"), 1);
	assert_int_equal(pci_said("more is wrong"), 1);
	assert_true(host.pci_accesses < 700000);
	assert_true(host.console_length < 4096);
}

/* One chain of bridges that never ends. */
static bool read_chain(uint16_t address, uint8_t offset, uint32_t *ret_value)
{
	*ret_value = (address & 0xff) != 0 ? 0xffffffff
		     : offset == 0         ? ID_BRIDGE
		     : offset == 0x0c      ? 0x00010000
					   : 0;
	return true;
}

static void pci_endless_chain(void **state)
{
	(void)state;
	pci_begin(true);
	host.pci_read = read_chain;
	pci_run();
	assert_int_equal(pci_tree.functions, 1 + 256);
	assert_int_equal(pci_tree.last_bus, 255);
	assert_int_equal(pci_said("no bus number is left"), 1);
	assert_true(host.pci_accesses < 256 * 80);
}

static size_t reads;

/* What is there now was not there before. */
static bool read_flapping(uint16_t address, uint8_t offset, uint32_t *ret_value)
{
	(void)address;
	(void)offset;
	*ret_value = (uint32_t)unit_random();
	if (reads++ % 3 == 0)
		*ret_value = 0xffffffff;
	if (offset == 0x0c)
		*ret_value &= 0xff81ffff;
	return true;
}

static void pci_random_answers(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 20; i++) {
		host_reset();
		pci_begin(true);
		pci_machine.extra_roots = i;
		pci_machine.high_first = i % 2 != 0;
		host.pci_read = read_flapping;
		pci_run_in(1000 + 997 * i);
		assert_true(host.pci_accesses < 20000);
	}
}

/* Records end at every place; what has none is off. */
static void pci_records_run_out(void **state)
{
	(void)state;
	for (size_t room = sizeof(struct pci_function) + 4; room < 4096; room += 28) {
		host_reset();
		pci_begin(true);
		struct host_pci *port = pci_add_port(NULL, 1, 4, true);
		for (uint8_t i = 0; i < 8; i++) {
			struct host_pci *device =
				pci_add(i == 7 ? port : NULL, i == 7 ? 0 : i + 2, ID_DEVICE);
			for (unsigned bar = 0; bar < 4; bar++)
				host_set_pci_bar(device, bar, bar % 2, 0x1000);
			host_set_pci_bar(device, 4, BAR_64, 0x10000);
		}
		pci_run_in(room);
		assert_true(pci_said("too many devices") == (room < 2600 ? 1 : 0) ||
			    (room >= 2600 && room < 2800));
		pci_check();
	}
}

/* They end in the middle of what extra roots need, too: those before stay as they are. */
static void pci_records_of_roots_run_out(void **state)
{
	unsigned found[4] = {0};

	(void)state;
	for (size_t room = sizeof(struct pci_function) + 4; room < 2048; room += 8) {
		unsigned roots = 0;
		host_reset();
		pci_begin(true);
		pci_machine.extra_roots = 2;
		host_add_pci_device(NULL, 3, 0, 0, ID_DEVICE);
		struct host_pci *last = host_add_pci_device(NULL, 8, 4, 0, ID_DEVICE);
		host_set_pci_bar(last, 0, BAR_32, 0x1000);
		pci_run_in(room);
		for (uint16_t i = 0; i < pci_tree.functions; i++)
			roots += pci_tree.function[i].is_root;
		assert_in_range(roots, 1, 3);
		found[roots]++;
		assert_int_equal(pci_said("too many devices"), pci_tree.is_full);
		assert_true(roots == 3 || pci_tree.is_full);
		if (roots < 3)
			assert_int_equal(last->space[0x04] & 3, 0);
		pci_check();
	}
	assert_true(found[1] != 0 && found[2] != 0 && found[3] != 0);
}

static const struct CMUnitTest tests[] = {
	UNIT_TEST(pci_ecam_address_bits),
	UNIT_TEST(pci_ports_without_ecam),
	UNIT_TEST(pci_ecam_that_cannot_be_mapped),
	UNIT_TEST(pci_nested_bridges_by_ports),
	UNIT_TEST(pci_nested_bridges_by_ecam),
	UNIT_TEST(pci_bridges_with_old_numbers),
	UNIT_TEST(pci_multifunction),
	UNIT_TEST(pci_port_is_asked_once),
	UNIT_TEST(pci_bus_hints),
	UNIT_TEST(pci_bus_numbers_run_out),
	UNIT_TEST(pci_bridge_without_a_bus_is_off),
	UNIT_TEST(pci_extra_roots),
	UNIT_TEST(pci_extra_root_is_in_the_way),
	UNIT_TEST(pci_extra_roots_that_do_not_exist),
	UNIT_TEST(pci_interrupt_lines),
	UNIT_TEST(pci_known_functions),
	UNIT_TEST(pci_known_functions_elsewhere),
	UNIT_TEST(pci_after_a_reset),
	UNIT_TEST(pci_no_header_is_no_function),
	UNIT_TEST(pci_unknown_headers),
	UNIT_TEST(pci_capability_loops),
	UNIT_TEST(pci_hints_that_are_none),
	UNIT_TEST(pci_bridge_loop),
	UNIT_TEST(pci_endless_chain),
	UNIT_TEST(pci_random_answers),
	UNIT_TEST(pci_records_run_out),
	UNIT_TEST(pci_records_of_roots_run_out),
};

UNIT_MAIN(tests)
