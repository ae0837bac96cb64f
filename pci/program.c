/* SPDX-License-Identifier: BSD-2-Clause */
#include "pci/tree.h"

#include "pci/chipset.h"
#include "pci/registers.h"

/*
 * QEMU hw/isa/lpc_ich9.c: the pins of these slots are PIRQ A to D as they are, but slot 30's are
 * E to H. Those of slots below turn through E to H.
 */
#define ICH9_SLOT_OWN  25u
#define ICH9_SLOT_EFGH 30u

static void write(const struct pci_tree *tree, const struct pci_function *function, unsigned offset,
		  uint32_t value)
{
	pci_config_write(&tree->machine->access, function->address, (uint8_t)offset, value);
}

/* Returns whether a register of a BAR takes @value, but for bits in @fixed. */
static bool set_bar(const struct pci_tree *tree, const struct pci_function *function,
		    unsigned offset, uint64_t value, uint32_t fixed)
{
	if (tree->machine->is_fresh) {
		write(tree, function, offset, (uint32_t)value);
		return true;
	}
	uint32_t taken = pci_config_try(&tree->machine->access, function->address, (uint8_t)offset,
					(uint32_t)value);
	return (taken & ~fixed) == (uint32_t)value;
}

/* Each BAR holds ones since it was measured, an upper half only where that was done. */
static void program_bar(struct pci_tree *tree, const struct pci_request *request)
{
	struct pci_function *function = &tree->function[request->function];
	unsigned offset = PCI_BAR + 4u * request->bar;
	uint64_t address = request->address == PCI_UNASSIGNED ? 0 : request->address;
	uint32_t flags = request->kind == PCI_IO ? BAR_IO_FLAGS : BAR_MEMORY_FLAGS;
	bool has_upper = request->is_wide &&
			 (!tree->machine->is_fresh || (address | request->size) >> 32 != 0);

	bool is_taken = set_bar(tree, function, offset, address, flags);
	if (has_upper)
		is_taken &= set_bar(tree, function, offset + 4, address >> 32, 0);
	if (is_taken || request->address == PCI_UNASSIGNED)
		return;
	function->undecoded |= (uint8_t)(request->kind == PCI_IO ? 1u << PCI_IO : 1u << PCI_MEMORY);
	tree->unassigned++;
	pci_report(tree, LOG_WARN, function->address, request->bar, "does not take its address");
}

/* The range of a window; false when it stays closed. */
static bool window_of(const struct pci_tree *tree, const struct pci_function *bridge, unsigned kind,
		      uint64_t *ret_base, uint64_t *ret_limit)
{
	if (bridge->window[kind] == PCI_NONE)
		return false;
	const struct pci_request *window = pci_request(tree, bridge->window[kind]);
	if (window->size == 0 || window->address == PCI_UNASSIGNED)
		return false;
	*ret_base = window->address;
	*ret_limit = window->address + window->size - 1;
	return true;
}

/* Returns the bits of the command register that the bridge needs. */
static uint16_t program_windows(const struct pci_tree *tree, const struct pci_function *bridge)
{
	uint64_t base, limit;
	uint32_t io = IO_WINDOW_CLOSED, memory = MEMORY_WINDOW_CLOSED;
	uint32_t pref = MEMORY_WINDOW_CLOSED, base_high = 0, limit_high = 0;
	uint16_t command = COMMAND_MASTER | COMMAND_SERR;

	if (window_of(tree, bridge, PCI_IO, &base, &limit)) {
		command |= COMMAND_IO;
		io = (uint32_t)((base >> 8 & 0xf0) | (limit & 0xf000));
	}
	if (bridge->has_io && (bridge->io_window & IO_WINDOW_BITS) != io)
		write(tree, bridge, PCI_IO_WINDOW, io);

	if (window_of(tree, bridge, PCI_MEMORY, &base, &limit)) {
		command |= COMMAND_MEMORY;
		memory = (uint32_t)((base >> 16 & 0xfff0) | (limit & 0xfff00000));
	}
	write(tree, bridge, PCI_MEMORY_WINDOW, memory);

	if (window_of(tree, bridge, PCI_PREFETCHABLE, &base, &limit)) {
		command |= COMMAND_MEMORY;
		pref = (uint32_t)((base >> 16 & 0xfff0) | (limit & 0xfff00000));
		base_high = (uint32_t)(base >> 32);
		limit_high = (uint32_t)(limit >> 32);
	}
	if ((bridge->pref_window & PREF_WINDOW_BITS) != pref)
		write(tree, bridge, PCI_PREF_WINDOW, pref);
	if (limit_high != 0 || bridge->was_programmed) {
		write(tree, bridge, PCI_PREF_BASE_HIGH, base_high);
		write(tree, bridge, PCI_PREF_LIMIT_HIGH, limit_high);
	}
	if (bridge->was_programmed && bridge->has_io)
		write(tree, bridge, PCI_IO_WINDOW_HIGH, 0);
	return command;
}

static uint16_t decoded(const struct pci_function *function)
{
	uint16_t command = 0;

	if ((function->bars & 1u << PCI_IO) != 0 || function->is_vga)
		command |= COMMAND_IO;
	if ((function->bars & 1u << PCI_MEMORY) != 0 || function->is_vga)
		command |= COMMAND_MEMORY;
	return command != 0 ? command | COMMAND_SERR : 0;
}

static void program_command(struct pci_tree *tree, const struct pci_function *function)
{
	uint16_t now = function->command & (uint16_t) ~(COMMAND_IO | COMMAND_MEMORY);
	uint16_t command = function->command | decoded(function);

	if (function->is_untouched)
		return;
	if ((function->undecoded & 1u << PCI_IO) != 0)
		command &= (uint16_t)~COMMAND_IO;
	if ((function->undecoded & 1u << PCI_MEMORY) != 0)
		command &= (uint16_t)~COMMAND_MEMORY;
	/* The windows of a bridge outweigh a BAR of its own; without a bus they are as found. */
	if (function->is_bridge && function->secondary != 0)
		command |= program_windows(tree, function);
	else if (function->is_bridge)
		command &= (uint16_t) ~(COMMAND_IO | COMMAND_MEMORY);
	if (function->bridge_control != 0)
		command |= COMMAND_IO | COMMAND_MEMORY;
	if (command != now)
		write(tree, function, PCI_COMMAND, command);
}

bool pci_pirq(const struct pci_tree *tree, uint16_t function, uint8_t *ret_pirq)
{
	uint8_t slot = 0;
	unsigned pin = pci_root_pin(tree, function, &slot);

	if (pin == 0 || tree->function[function].line != 0)
		return false;
	switch (tree->machine->interrupts) {
	case PCI_INTERRUPTS_PIIX3:
		*ret_pirq = (uint8_t)((pin - 1 + slot - 1) % 4);
		return true;
	case PCI_INTERRUPTS_ICH9:
		if (slot < ICH9_SLOT_OWN)
			*ret_pirq = (uint8_t)(4 + (pin - 1 + slot) % 4);
		else
			*ret_pirq = (uint8_t)(pin - 1 + (slot == ICH9_SLOT_EFGH ? 4 : 0));
		return true;
	case PCI_INTERRUPTS_UNKNOWN:
		break;
	}
	return false;
}

/* The legacy interrupt that a function's pin raises, or what the register has. */
static uint32_t interrupt_line(const struct pci_tree *tree, uint16_t index)
{
	uint8_t pirq;

	if (tree->function[index].line != 0)
		return tree->function[index].line;
	if (!pci_pirq(tree, index, &pirq))
		return tree->function[index].interrupt & 0xff;
	return CHIPSET_PIRQ_LINES >> (pirq % 4 * 8) & 0xff;
}

/* For bridges the bridge control register is the upper half. */
static void program_interrupt(const struct pci_tree *tree, uint16_t index)
{
	const struct pci_function *function = &tree->function[index];
	uint32_t value = (function->interrupt & ~0xffu) | interrupt_line(tree, index);

	if (function->is_bridge)
		value |= (BRIDGE_CONTROL_SERR | (uint32_t)function->bridge_control) << 16;
	if (value != function->interrupt)
		write(tree, function, PCI_INTERRUPT, value);
}

/* The VGA that the machine starts with: one on a root bus, or else the first. */
static uint16_t find_vga(const struct pci_tree *tree)
{
	uint16_t found = PCI_NONE;

	for (uint16_t i = 0; i < tree->functions; i++) {
		const struct pci_function *function = &tree->function[i];
		if (!function->is_vga)
			continue;
		if (tree->function[function->parent].is_root)
			return i;
		if (found == PCI_NONE)
			found = i;
	}
	return found;
}

/* Bridges on the way to it pass the addresses that every VGA has. */
static void open_way_to_vga(struct pci_tree *tree)
{
	uint16_t vga = find_vga(tree);

	if (vga == PCI_NONE)
		return;
	for (struct pci_function *up = &tree->function[tree->function[vga].parent]; !up->is_root;
	     up = &tree->function[up->parent])
		up->bridge_control = BRIDGE_CONTROL_VGA;
}

void pci_program(struct pci_tree *tree)
{
	for (uint16_t i = 0; i < tree->requests; i++) {
		const struct pci_request *request = pci_request(tree, i);
		if (request->bar != PCI_BAR_WINDOW)
			program_bar(tree, request);
	}
	open_way_to_vga(tree);
	for (uint16_t i = 0; i < tree->functions; i++) {
		if (tree->function[i].is_root)
			continue;
		program_interrupt(tree, i);
		program_command(tree, &tree->function[i]);
	}
}
