/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCH_HOST_HOST_H
#define ARCH_HOST_HOST_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/handoff.h"
#include "arch/host/cpu.h"
#include "arch/machine.h"
#include "arch/memory.h"
#include "lib/status.h"

/*
 * The seam for unit tests: a machine of memory and devices that a test puts
 * together. It is the one place of the project that has globals, since the
 * functions of the seam take no context.
 *
 * Addresses below HOST_OWN_START are guest-physical. Those from there to
 * HOST_OWN_END are pointers of this process, so that firmware which hands out
 * the address of a variable works unchanged. Firmware that keeps the address of
 * RAM as a pointer needs RAM that both have at one place: host_add_ram_in_place().
 */
#define HOST_OWN_START (1ul << 40)
#define HOST_OWN_END   (1ul << 47)

#define HOST_PAGE 0x1000ul

struct memmap;

/** How a run of the firmware ended. */
enum host_end {
	HOST_RETURNED,
	HOST_HANDOFF, /**< host.handoff */
	HOST_FATAL,   /**< host.fatal */
	HOST_CHECK,   /**< host.check */
	HOST_EXIT,    /**< a write to isa-debug-exit, host.exit_value */
};

/** One access to a port, as the device sees it. */
struct host_access {
	uint16_t port;
	uint8_t width; /**< bytes */
	bool write;
	uint32_t value;
};

/** A device in memory, as struct host_device is one at ports. */
struct host_mmio_device {
	uint64_t start, size;
	uint64_t (*read)(uint64_t offset, unsigned width);
	void (*write)(uint64_t offset, unsigned width, uint64_t value);
};

/** A device on the port bus. Reads where none is give ones, writes are lost. */
struct host_device {
	uint16_t first, last;
	uint32_t (*read)(uint16_t port, unsigned width);
	void (*write)(uint16_t port, unsigned width, uint32_t value);
};

/** Whose fw_cfg device it is: arch/host/fwcfg_*.c. */
enum host_fwcfg_kind {
	HOST_FWCFG_QEMU,
	HOST_FWCFG_CLOUD_HYPERVISOR,
	HOST_FWCFG_CROSVM,
};

/** One DMA command as the device decoded it. */
struct host_dma {
	uint32_t control;
	uint32_t length;
	uint64_t address;
	uint16_t key;    /**< the item it worked on, */
	uint64_t offset; /**< from here */
};

#define HOST_ACCESSES_MAX 4096
#define HOST_DMAS_MAX     512
#define HOST_TEXT_SIZE    16384
#define HOST_PCI_MAX      1024
#define HOST_RANDOM_MAX   8

struct host_item {
	uint16_t key;
	bool writable;
	uint8_t *bytes; /**< exactly @size, on the heap */
	uint64_t size;
};

struct host {
	/* Access counts; every access to a port is one VM exit. */
	size_t accesses;
	struct host_access access[HOST_ACCESSES_MAX]; /**< the first ones */
	size_t string_bytes; /**< by arch_in8_string(), also counted in accesses */
	size_t mmio, barriers, relaxes;

	/* Memory */
	size_t maps;
	size_t claims;           /**< calls that give memory a purpose, or ask for some */
	size_t fail_claim;       /**< the number of the one that fails, or */
	size_t last_claim;       /**< of the last that does not; 0: none */
	struct memmap *map;      /**< the last that was begun; its owner's */
	struct arch_range image; /**< in ROM unless host_image_in_ram() was called */
	bool image_in_ram;
	struct arch_range work_area; /**< that of x86 until a test sets another */
	struct arch_range hash_block;
	uint64_t map_end; /**< for arch_map_end(); the same */

	struct {
		/*
		 * Faults: the number of the DMA that fails, that moves half of its bytes and says
		 * that it is done, that never completes, or from which on none does; 0: none.
		 */
		size_t fail_dma, short_dma, hang_dma, dead_dma;
		size_t change_read; /**< the read by register that is inverted; 0: none */
		/** Where not NULL, it may change what a DMA has just read: the last in dma[]. */
		void (*change)(uint8_t *bytes, uint64_t length);
		bool dry; /**< count and log DMA, but move no data */
		/** When not NULL, called before the selected item is read, and may change it. */
		void (*before_read)(void);
		size_t selects, data_reads;
		size_t dmas;
		struct host_dma dma[HOST_DMAS_MAX]; /**< the first ones */
		size_t long_reads; /**< beyond the end of a file or of a data item */
		uint16_t selected;
		uint64_t offset;
	} fwcfg;

	struct host_pci {
		struct host_pci *bridge; /**< it is behind, or NULL: on a root bus */
		uint16_t address; /**< as port 0xcf8 has it; behind a bridge, without the bus */
		uint8_t space[256];
		uint8_t writable[256]; /**< bits */
	} pci[HOST_PCI_MAX];
	size_t pci_functions;
	/** Accesses to configuration space, whatever the way. */
	size_t pci_accesses;
	/**
	 * For devices that no table describes: gives what a read of the register of 32 bits at
	 * @offset returns, or false where the array answers.
	 */
	bool (*pci_read)(uint16_t address, uint8_t offset, uint32_t *ret_value);

	uint8_t cmos[128];

	char console[HOST_TEXT_SIZE]; /**< terminated */
	size_t console_length;

	uint64_t random[HOST_RANDOM_MAX]; /**< what arch_random() gives, */
	size_t random_left;               /**< this many times; then it fails */

	bool has_sha256; /**< for arch_has_sha256(); true only if host_cpu_has_sha256() */

	/* AArch64: what the firmware has set, and a bit for each size that the CPU has. */
	struct arch_console machine_console;
	enum arch_psci psci;
	uint32_t page_sizes;

	struct {
		size_t calls;
		struct arch_processors wanted;
		/* Set by the test: */
		struct arch_found_processors found;
		enum status result;
	} processors;

	/* How it ended */
	struct arch_handoff handoff;
	struct {
		char stage[32];
		enum status status;
		char reason[REASON_SIZE];
	} fatal;
	char check[128];
	uint32_t exit_value;
};

extern struct host host;

/** A new machine: no memory, no devices, all counts zero. */
void host_reset(void);

/** Runs @function until it returns or leaves through the seam. */
enum host_end host_run(void (*function)(void *argument), void *argument);

/** For devices: ends host_run() with @end. */
_Noreturn void host_leave(enum host_end end);

/**
 * RAM at [start, start + size), whole pages. Its content is an arbitrary pattern,
 * so nothing may rely on zeros, and each write to it can be found again.
 */
void host_add_ram(uint64_t start, uint64_t size);

/**
 * The same where its address is a pointer of this process as well, as it is to firmware:
 * below HOST_IN_PLACE_END, from where on ASan has its own use for addresses.
 */
#define HOST_IN_PLACE_END 0x7fff0000ul
void host_add_ram_in_place(uint64_t start, uint64_t size);

/** arch_map() refuses what touches [start, start + size). */
void host_refuse_map(uint64_t start, uint64_t size);

/** @size bytes at @address, of the guest or of ours; NULL where there are none. */
const void *host_memory(uint64_t address, uint64_t size);
/** The same for firmware and devices, which may write where something is claimed. */
void *host_place(uint64_t address, uint64_t size);
/** The same for a test to write to until firmware runs, maps memory or claims some. */
void *host_edit(uint64_t address, uint64_t size);

/**
 * RAM is guarded: firmware and devices can write to what is claimed and to nothing else. This
 * claims what firmware may have without the map of memory, or a test's code under test. The
 * claims of the map (claims.c) and the work area during host_run() are there without it.
 */
void host_claim(uint64_t start, uint64_t size);

/** A write where nothing is claimed. */
struct host_trap {
	uint64_t address;
	struct arch_range nearest; /**< of the claims; of size 0 where there is none */
	bool late; /**< found afterwards: a part of its page is claimed, and it was another value */
};

/** Who gets a trap, and does not return from one that is not late; NULL: print and abort(). */
void host_set_trap(void (*function)(const struct host_trap *trap));
/** To stderr, with a backtrace. */
void host_print_trap(const struct host_trap *trap);

/** Looks for late traps; host_run() and host_reset() do so themselves. */
void host_check_writes(void);

/**
 * Finds the first byte of RAM that has another value than at first and for which
 * @allowed says no.
 */
bool host_find_change(bool (*allowed)(void *context, uint64_t address), void *context,
		      uint64_t *ret_address);

/** The image, @size bytes of it, as if it ran in ROM or in RAM at @address. */
void host_image_in_rom(const void *bytes, size_t size);
void host_image_in_ram(uint64_t address, const void *bytes, size_t size);

void host_add_device(const struct host_device *device);
void host_add_mmio_device(const struct host_mmio_device *device);
void host_add_fwcfg(enum host_fwcfg_kind kind);
/** The same with its registers at @address; crosvm has none there. */
void host_add_mmio_fwcfg(enum host_fwcfg_kind kind, uint64_t address);
void host_add_cmos(void);
void host_add_debug_exit(void);
/** Mechanism 1 of PCI configuration; without functions all reads give ones. */
void host_add_pci(void);
/** The same space in memory, 256 MiB at @start. */
void host_add_ecam(uint64_t start);
/**
 * A function with the identity @id (device and vendor), of which all but the BARs is
 * writable; returns its configuration space.
 */
uint8_t *host_add_pci_function(uint8_t bus, uint8_t device, uint8_t function, uint32_t id);
/**
 * One as it comes out of reset, with only the writable bits that PCI gives it. On the root
 * bus @bus, or when @bridge is not NULL, wherever that one's bus is.
 */
struct host_pci *host_add_pci_device(struct host_pci *bridge, uint8_t bus, uint8_t device,
				     uint8_t function, uint32_t id);
/** A PCI-to-PCI bridge, which forwards for the bus numbers that are programmed. */
struct host_pci *host_add_pci_bridge(struct host_pci *bridge, uint8_t bus, uint8_t device,
				     uint8_t function, uint32_t id);
/** A BAR of @size bytes, a power of two, whose low bits read as @flags. */
void host_set_pci_bar(struct host_pci *pci, unsigned bar, uint32_t flags, uint64_t size);
/** Puts a capability at @offset, before those that there are. */
void host_add_pci_capability(struct host_pci *pci, uint8_t offset, const void *bytes, size_t size);
/** The host bridges that QEMU's machines have, with and without the rest of the chipset. */
void host_add_i440fx(void);
void host_add_bare_i440fx(void);
void host_add_q35(void);
void host_add_bare_q35(void);

/** The item with number @key: a copy of @size bytes. Replaces what was there. */
struct host_item *host_fwcfg_item(uint16_t key, const void *bytes, size_t size);
/** An integer item of @width bytes. */
void host_fwcfg_integer(uint16_t key, size_t width, uint32_t value);
/** A file, listed in the directory with its size; @name may fill its field. */
struct host_item *host_fwcfg_file(const char *name, const void *bytes, size_t size);
/** An entry of the directory alone. */
void host_fwcfg_entry(const char *name, uint16_t key, uint32_t size);
/** The item with this number, or NULL. */
struct host_item *host_fwcfg_find(uint16_t key);

/* Ends of host_reset() for the devices. */
void host_reset_fwcfg(void);

#endif
