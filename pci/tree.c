/* SPDX-License-Identifier: BSD-2-Clause */
#include "pci/tree.h"

#include "pci/registers.h"

#define WARNINGS_MAX 16

unsigned pci_root_pin(const struct pci_tree *tree, uint16_t function, uint8_t *ret_slot)
{
	const struct pci_function *at = &tree->function[function];
	unsigned pin = at->interrupt >> 8 & 0xff;

	if (pin < 1 || pin > 4)
		return 0;
	for (const struct pci_function *up = &tree->function[at->parent]; !up->is_root;
	     up = &tree->function[up->parent]) {
		pin = (pin - 1 + PCI_DEVICE(at->address)) % 4 + 1;
		at = up;
	}
	*ret_slot = PCI_DEVICE(at->address);
	return pin;
}

bool pci_find_free_bus(const struct pci_tree *tree, uint8_t *ret_bus)
{
	for (unsigned bus = 1; bus <= UINT8_MAX; bus++) {
		bool is_free = true;
		for (uint16_t i = 0; i < tree->functions && is_free; i++) {
			const struct pci_function *at = &tree->function[i];
			is_free = (!at->is_root && !at->is_bridge) || bus < at->secondary ||
				  bus > at->subordinate;
		}
		if (is_free) {
			*ret_bus = (uint8_t)bus;
			return true;
		}
	}
	return false;
}

void pci_report(struct pci_tree *tree, enum log_level level, uint16_t address, unsigned bar,
		const char *what)
{
	if (level == LOG_WARN && tree->warnings >= WARNINGS_MAX) {
		if (tree->warnings++ == WARNINGS_MAX)
			log_line(tree->log, LOG_WARN, "pci: more is wrong than is said here");
		return;
	}
	if (level == LOG_WARN)
		tree->warnings++;
	if (bar == PCI_BAR_WINDOW)
		log_line(tree->log, level, "pci %02x:%02x.%u: %s", PCI_BUS(address),
			 PCI_DEVICE(address), PCI_FUNCTION(address), what);
	else
		log_line(tree->log, level, "pci %02x:%02x.%u BAR %u: %s", PCI_BUS(address),
			 PCI_DEVICE(address), PCI_FUNCTION(address), bar, what);
}
