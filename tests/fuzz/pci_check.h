/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_FUZZ_PCI_CHECK_H
#define TESTS_FUZZ_PCI_CHECK_H

#include "pci/tree.h"

/** Records after pci_scan() in @size bytes: bus numbers, and what it may have cost. */
void check_scan(const struct pci_tree *tree, size_t size);

/** Addresses after pci_assign(). */
void check_assign(const struct pci_tree *tree);

/** What pci_program() wrote, and what devices that are honest have now. */
void check_program(const struct pci_tree *tree);

#endif
