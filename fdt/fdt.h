/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FDT_FDT_H
#define FDT_FDT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/span.h"
#include "lib/status.h"

/*
 * The flattened device tree (Devicetree Specification 0.4, chapter 5, "DTSpec"
 * below): what the machine is, and what the VMM wants booted.
 */

/** Linux maps no larger tree (Documentation/arch/arm64/booting.rst, 2). */
#define FDT_SIZE_MAX 0x200000

/**
 * Checks the header of a flattened device tree that fills @tree or its beginning:
 * magic, version, and that all of its blocks lie inside totalsize, and that inside
 * @tree. Source: DTSpec 5.2.
 *
 * STATUS_TRUNCATED, STATUS_BAD_FORMAT, STATUS_UNSUPPORTED, STATUS_OUT_OF_RANGE.
 */
MUST_CHECK enum status fdt_check(struct span tree, struct reason *why);

/** The same for who does not want to know what is wrong. */
MUST_CHECK bool fdt_is_sound(struct span tree);

/** Bytes of a header. */
#define FDT_HEADER_SIZE 40

/**
 * The bytes of the tree that starts with @header, which is FDT_HEADER_SIZE bytes: so many have
 * to be mapped before it is read. STATUS_BAD_FORMAT without the magic number,
 * STATUS_TRUNCATED below a header's size, STATUS_TOO_LARGE above FDT_SIZE_MAX.
 */
MUST_CHECK enum status fdt_total_size(const void *header, size_t *ret_size, struct reason *why);

/**
 * Bytes from the start of the tree with this header up to the end of its blocks, at most
 * totalsize: nothing behind them is read by fdt_read() and fdt_copy(). In QEMU's tree they are
 * 8 KiB of 1 MiB.
 */
size_t fdt_reach(const void *header);

/** A range of physical memory; size 0: there is none. */
struct fdt_range {
	uint64_t start;
	uint64_t size;
};

#define FDT_MEMORY_MAX   64
#define FDT_RESERVED_MAX 32

/** Device that takes the console's characters. */
enum fdt_console {
	FDT_CONSOLE_NONE,
	FDT_CONSOLE_PL011,
	FDT_CONSOLE_16550,
};

/** How the PSCI firmware is called. */
enum fdt_psci {
	FDT_PSCI_NONE,
	FDT_PSCI_HVC,
	FDT_PSCI_SMC,
};

/**
 * What a boot needs to know of a machine. Spans point into the tree; those of
 * strings are without the terminator, and empty where the property is missing.
 */
struct fdt_machine {
	size_t memories;
	struct fdt_range memory[FDT_MEMORY_MAX];
	size_t reservations; /**< of the reserve map and of /reserved-memory */
	struct fdt_range reserved[FDT_RESERVED_MAX];

	struct fdt_range fwcfg; /**< registers, qemu,fw-cfg-mmio */
	enum fdt_psci psci;
	enum fdt_console console;
	uint64_t console_address;
	uint32_t console_shift; /**< 16550: registers are 1 << this bytes apart */

	/* /chosen */
	uint32_t chosen; /**< offset of the node in the structure block; 0: there is none */
	struct span bootargs;
	struct fdt_range kernel; /**< linux,kernel-start and -size, or a multiboot,kernel module */
	struct fdt_range initrd; /**< linux,initrd-start and -end, or a multiboot,ramdisk module */
	struct span stdout_path;
	struct span kaslr_seed;
	struct span rng_seed;
	bool has_hash_table;         /**< slipway,hash-table */
	struct fdt_range hash_table; /**< only if there is one; its size may be 0 */
};

/**
 * Reads @tree in one pass, and checks all of its structure: header, reserve map, tokens
 * and their nesting, lengths, names. Only the first fdt_reach() bytes have to be there. Properties
 * that we use have the length that their binding gives them. Memory ranges of size 0 are left out.
 * A disabled node is not there (DTSpec 2.3.4).
 *
 * Devices are looked for among the children of the root, which is where VMMs
 * have them. The console is the one that stdout-path names, as a path or an alias, else the
 * first one. A module of the multiboot binding (Xen docs/misc/arm/device-tree/booting.txt)
 * counts only where the linux, property is missing; a kernel module's own bootargs
 * then replace those of /chosen. A module's reg is two u64 whatever the #cells say when
 * it is 16 bytes long, as QEMU's guest-loader writes it.
 *
 * The errors of fdt_check(); STATUS_TRUNCATED, STATUS_BAD_FORMAT, STATUS_TOO_LARGE (more
 * ranges than we hold), STATUS_OUT_OF_RANGE (a range that wraps).
 */
MUST_CHECK enum status fdt_read(struct span tree, struct fdt_machine *ret_machine,
				struct reason *why);

/**
 * Finds the first device of this kind, anywhere in a tree that fdt_read() has accepted, and its
 * first registers as the CPU addresses them, through the ranges of the buses above it. False when
 * there is none, or its place cannot be told.
 */
MUST_CHECK bool fdt_find_device(struct span tree, const char *compatible,
				struct fdt_range *ret_registers);

/** Bytes of all the names of one written tree, with their terminators. */
#define FDT_WRITE_NAMES_MAX 512

/** A small tree while it is written, from the root on; no name of a property is looked up. */
struct fdt_writer {
	uint8_t *bytes;
	size_t capacity;
	size_t used; /**< more than @capacity: it did not fit */
	size_t names_used;
	char names[FDT_WRITE_NAMES_MAX];
};

/** Starts a tree in @buffer, which is 8-byte aligned, and opens its root node. */
void fdt_write_begin(struct fdt_writer *writer, void *buffer, size_t capacity);

/** The name of a node or of a property, with its terminator. */
#define FDT_NAME(text) ((struct span){(const uint8_t *)(text), sizeof(text)})

void fdt_write_node(struct fdt_writer *writer, struct span name);
void fdt_write_end_node(struct fdt_writer *writer);

/** A property of @size bytes, of one or two cells, or of a string with its terminator. */
void fdt_write_bytes(struct fdt_writer *writer, struct span name, struct span value);
void fdt_write_u32(struct fdt_writer *writer, struct span name, uint32_t value);
void fdt_write_u64(struct fdt_writer *writer, struct span name, uint64_t value);
/** @text has no terminator; one is added. */
void fdt_write_string(struct fdt_writer *writer, struct span name, struct span text);

/**
 * Closes the root node and completes the header. STATUS_TOO_LARGE when the tree
 * or its names did not fit; nothing was then written beyond the buffer.
 */
MUST_CHECK enum status fdt_write_end(struct fdt_writer *writer, size_t *ret_size);

/** What the kernel is told in /chosen, besides what the VMM wrote there. */
struct fdt_chosen {
	uint32_t node;           /**< as fdt_read() says where it is; 0: it is added */
	struct span bootargs;    /**< without terminator; empty: the property goes */
	struct fdt_range initrd; /**< size 0: the properties go */
	struct span kaslr_seed;  /**< empty: the VMM's stays */
	struct span rng_seed;    /**< empty: the VMM's stays */
};

/** Bytes that are enough for fdt_copy() of this tree, which fdt_read() accepted. */
size_t fdt_copy_size(struct span tree, const struct fdt_chosen *chosen);

/**
 * Copies @tree, which fdt_read() accepted, into @buffer, 8-byte aligned and of
 * @capacity bytes, and edits the copy's /chosen. What only
 * a firmware needs goes: linux,kernel-start, linux,kernel-size and the nodes of modules.
 * The reserve map and all else stay.
 *
 * STATUS_TOO_LARGE when it does not fit, STATUS_BAD_FORMAT when libfdt refuses.
 */
MUST_CHECK enum status fdt_copy(struct span tree, const struct fdt_chosen *chosen, void *buffer,
				size_t capacity, size_t *ret_size, struct reason *why);

#endif
