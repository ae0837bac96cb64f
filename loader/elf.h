/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LOADER_ELF_H
#define LOADER_ELF_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/blob.h"
#include "lib/memmap.h"
#include "lib/span.h"
#include "lib/status.h"

/*
 * A kernel in an ELF file (vmlinux): what of it goes where, and its PVH entry. Sources: System V
 * ABI, generic part ("gABI"), chapters 4 and 5; Xen docs/misc/pvh.pandoc and
 * xen/include/public/elfnote.h.
 */

/* A proof takes smaller ones. */
#ifndef ELF_SEGMENTS_MAX

/** Segments that a file may have; the headers of other kinds count too. */
#define ELF_SEGMENTS_MAX 32

/** How often at most elf_parse() reads from the file: two headers, then the notes. */
#define ELF_READS_MAX (2 + 64)

#endif

/** Bytes of the file, and the memory that they and zeros behind them fill. */
struct elf_segment {
	uint64_t offset;
	uint64_t file_size; /**< bytes of the file; may be 0 */
	uint64_t address;
	uint64_t memory_size; /**< at least file_size, and not 0 */
};

/** A kernel whose headers have been checked. */
struct elf {
	uint64_t entry;    /**< for 32-bit code, in what the file has of a segment */
	uint64_t start;    /**< the segments lie in [start, end), */
	uint64_t end;      /**< at or above 1 MiB and below 4 GiB */
	unsigned segments; /**< 0: a VMM has loaded them */
	struct elf_segment segment[ELF_SEGMENTS_MAX];
};

/** Whether @head is the start of an ELF file of any kind. */
bool elf_is_elf(struct span head);

/**
 * Checks the headers of @file, and looks for its PVH entry in the notes. Each byte that decides
 * is read once.
 *
 * STATUS_TRUNCATED, STATUS_BAD_FORMAT, STATUS_UNSUPPORTED (other machines, 32-bit files, more
 * than ELF_SEGMENTS_MAX headers, no PVH entry), STATUS_OUT_OF_RANGE, STATUS_OVERLAP, and the errors
 * of the source.
 */
MUST_CHECK enum status elf_parse(const struct blob *file, struct elf *ret_elf, struct reason *why);

/**
 * A kernel whose segments the VMM has put into [@address, @address + @size), with a PVH entry at
 * @entry. QEMU does that on pc, q35 and microvm; it is so when the legacy items KERNEL_ENTRY and
 * SETUP_SIZE are both not 0, and then they are KERNEL_ADDR, KERNEL_SIZE and KERNEL_ENTRY. The item
 * SETUP_DATA should have the start of the file, but QEMU 7.2 delivers memory that it has freed.
 *
 * STATUS_OUT_OF_RANGE when that cannot be.
 */
MUST_CHECK enum status elf_take_loaded(uint64_t address, uint64_t size, uint64_t entry,
				       struct elf *ret_elf, struct reason *why);

/**
 * Claims the pages from the first segment to the last, and what lies between them: Linux takes
 * all of it for its own (setup_arch()) and frees the gaps (mark_rodata_ro()). A
 * kernel that is loaded already is claimed before anything else gets memory. STATUS_OVERLAP when a
 * part is not free RAM, STATUS_TOO_LARGE when the map is full.
 */
MUST_CHECK enum status elf_claim(const struct elf *elf, struct memmap *map, struct reason *why);

/**
 * Has @file put its bytes into their places, which are claimed, and clears what is not in the file,
 * through @map, which makes memory accessible or returns NULL. STATUS_NO_MEMORY then, and the
 * errors of the source.
 */
MUST_CHECK enum status elf_load(const struct elf *elf, const struct blob *file,
				void *(*map)(uint64_t address, uint64_t length),
				struct reason *why);

#endif
