/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PCI_TREE_H
#define PCI_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/log.h"
#include "pci/config.h"

/*
 * Enumeration and resource assignment in three steps, for one boot:
 *
 *   pci_scan()     finds functions, numbers buses, measures BARs
 *   pci_assign()   gives addresses to BARs and bridge windows; touches no device
 *   pci_program()  writes them, and turns decoding on
 *
 * What does not fit, what makes no sense and what is too much is left out with one
 * warning; none of the three fails. Their work is bounded whatever the devices answer.
 */

/** Addresses from start to below end; empty when start >= end. */
struct pci_range {
	uint64_t start, end;
};

#define PCI_RANGES 2

/** Where the interrupt pins of the root bus lead, for an OS without ACPI or an IOAPIC. */
enum pci_interrupts {
	PCI_INTERRUPTS_UNKNOWN, /**< interrupt lines are left alone */
	PCI_INTERRUPTS_PIIX3,   /**< QEMU pc */
	PCI_INTERRUPTS_ICH9,    /**< QEMU q35 */
};

/** A function of which all is known that a scan would ask it for, but for sizes of BARs. */
struct pci_known {
	uint16_t address;
	uint8_t bars;    /**< bits: those that it has, of 32 bits */
	uint8_t pin;     /**< of its interrupt, 1 to 4, or 0 */
	uint8_t line;    /**< of an interrupt that is none of PCI's, or 0 */
	bool is_bridge;  /**< to the host or to ISA */
	bool has_others; /**< further functions are to be looked for */
};

/** What the caller knows about the machine. */
struct pci_machine {
	struct pci_access access;

	/**
	 * Nothing has run since a reset of QEMU, whose devices keep to PCI: command registers
	 * and upper halves of BARs are 0, and BARs take the address that they are given.
	 */
	bool is_fresh;

	/** In order of slots. */
	const struct pci_known *known;
	unsigned known_count;

	/**
	 * Root buses besides bus 0 (QEMU: file etc/extra-pci-roots). Their numbers are
	 * theirs and have to be found.
	 */
	unsigned extra_roots;

	enum pci_interrupts interrupts;

	/* Addresses for all root buses together, the first range of two preferred. */
	struct pci_range io[PCI_RANGES];    /**< within 64 KiB, not 0 */
	struct pci_range mem32[PCI_RANGES]; /**< below 4 GiB, not 0 */
	struct pci_range mem64;             /**< above 4 GiB */

	/**
	 * Place in mem64 what can be there. Otherwise that happens when not everything
	 * fits below 4 GiB.
	 */
	bool high_first;

	/**
	 * Size of the prefetchable window of a hot-plug port that says nothing itself,
	 * at least 2 MiB. When it does not fit for all, 2 MiB.
	 */
	uint64_t hotplug_prefetchable;
};

enum pci_kind {
	PCI_IO,
	PCI_MEMORY, /**< below 4 GiB behind bridges; on a root bus, 64-bit BARs may be above */
	PCI_PREFETCHABLE, /**< 64-bit and prefetchable, and so is every bridge on the way */
	PCI_KINDS,
};

/** No function, no request. */
#define PCI_NONE 0xffffu

#define PCI_UNASSIGNED (~0ul)

#define PCI_BAR_WINDOW 0xffu

/** A BAR or the window of a bridge. */
struct pci_request {
	uint64_t size;      /**< 0: a window that stays closed */
	uint64_t alignment; /**< a power of two */
	uint64_t address;   /**< or PCI_UNASSIGNED */
	uint64_t reserve;   /**< of a window: asked for by the port, or 0 */
	uint16_t function;  /**< whose it is */
	uint16_t next;      /**< in the list of its bus */
	uint8_t kind;       /**< enum pci_kind */
	uint8_t bar;        /**< number, or PCI_BAR_WINDOW */
	bool is64;          /**< may be above 4 GiB */
	bool is_spare;      /**< a window for hot-plug alone: the last to get something */
	bool is_wide;       /**< a BAR of two registers */
	bool is_refused;    /**< too large for the machine; said */
};

/** A function, or a root bus, which stands for the bridge that leads to it. */
struct pci_function {
	uint16_t address;
	bool is_root;
	bool is_bridge;
	bool is_untouched; /**< a host or ISA bridge: its BARs and decoding are left alone */
	bool is_vga;
	uint8_t line;       /**< of an interrupt that is none of PCI's, or 0 */
	uint8_t bars;       /**< bits by enum pci_kind: BARs that have an address */
	uint8_t undecoded;  /**< the same: that have none */
	uint16_t command;   /**< as found */
	uint32_t interrupt; /**< registers 0x3c-0x3f, as found */
	uint16_t parent;    /**< PCI_NONE for root buses */

	/* Of bridges and root buses: */
	uint8_t secondary; /**< 0: a bridge for which no number was left */
	uint8_t subordinate;
	uint8_t bus_hint; /**< buses to reserve */
	bool is_express;  /**< leads to PCI Express */
	bool is_single;   /**< only device 0 can be below */
	bool is_hotplug;
	bool was_programmed; /**< by somebody before us */
	bool has_io;         /**< a window for I/O, */
	bool is_io_sure;     /**< which has been tried */
	bool has_pref64;     /**< for 64-bit prefetchable memory, all the way up */
	uint16_t bridge_control;
	uint32_t io_window, pref_window; /**< registers 0x1c and 0x24, as they are */
	uint16_t first_child, children;
	uint16_t window[PCI_KINDS]; /**< requests */
	uint16_t first[PCI_KINDS];  /**< lists of requests, sorted: on the bus below */
};

struct pci_tree {
	const struct pci_machine *machine;
	const struct log *log;

	/* Parents stand before their children. */
	struct pci_function *function;
	uint16_t functions;

	unsigned known; /**< so many of the machine's have been met */

	/* From the end of the caller's memory downwards: pci_request(). */
	struct pci_request *request_end;
	uint16_t requests;

	bool is_full;
	unsigned warnings;
	uint8_t last_bus;
	unsigned unassigned;   /**< BARs that have no address */
	struct pci_range high; /**< what is in use of mem64; empty when nothing is */
};

static inline struct pci_request *pci_request(const struct pci_tree *tree, uint16_t index)
{
	return tree->request_end - 1 - index;
}

/**
 * Finds everything there is on the buses of @machine, which stays in use. Records go to
 * @buffer of @size bytes, aligned to 8: 56 per function and 48 per BAR or window;
 * where they end, the search does. 64 KiB are enough for 200 devices of 5 BARs.
 *
 * Buses are numbered depth first in order of slots. A port's subordinate number
 * includes reserved buses when QEMU's capability asks for them; there is no reservation by
 * default, since the numbers of later ports would change when a port is filled.
 */
void pci_scan(struct pci_tree *ret_tree, const struct pci_machine *machine, const struct log *log,
	      void *buffer, size_t size);

/** Gives out addresses. */
void pci_assign(struct pci_tree *tree);

/** Writes BARs, bridge windows, interrupt lines and command registers. */
void pci_program(struct pci_tree *tree);

/**
 * The pin, 1 to 4, of a slot of the root bus that the pin of @function leads to (PCI-to-PCI
 * Bridge 1.2, 9.1); 0 when it has none. The slot goes to @ret_slot.
 */
unsigned pci_root_pin(const struct pci_tree *tree, uint16_t function, uint8_t *ret_slot);

/** A number that no bus has and no bridge keeps for one. False when there is none. */
MUST_CHECK bool pci_find_free_bus(const struct pci_tree *tree, uint8_t *ret_bus);

/**
 * The chipset's interrupt line, 0 to 7 for PIRQ A to H, that the pin of @function
 * leads to. False when it has none that is known.
 */
MUST_CHECK bool pci_pirq(const struct pci_tree *tree, uint16_t function, uint8_t *ret_pirq);

/**
 * One line about a function, and its BAR unless that is PCI_BAR_WINDOW. Warnings end after
 * some, since a host may have thousands of reasons and each character takes time.
 */
void pci_report(struct pci_tree *tree, enum log_level level, uint16_t address, unsigned bar,
		const char *what);

#endif
