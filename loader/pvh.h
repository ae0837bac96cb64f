/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LOADER_PVH_H
#define LOADER_PVH_H

#include <stddef.h>
#include <stdint.h>

#include "lib/endian.h"
#include "lib/memmap.h"
#include "lib/status.h"

/*
 * What a PVH loader leaves for the kernel: Xen xen/include/public/arch-x86/hvm/start_info.h, and
 * what Linux takes of it: arch/x86/platform/pvh/enlighten.c.
 */

#define HVM_START_MAGIC_VALUE 0x336ec578u

struct hvm_start_info {
	struct le32 magic;
	struct le32 version;
	struct le32 flags;
	struct le32 nr_modules;
	struct le64 modlist_paddr;
	struct le64 cmdline_paddr;
	struct le64 rsdp_paddr;
	/* version 1 */
	struct le64 memmap_paddr;
	struct le32 memmap_entries;
	struct le32 reserved;
};
_Static_assert(sizeof(struct hvm_start_info) == 56, "start_info.h");
_Static_assert(offsetof(struct hvm_start_info, memmap_paddr) == 40, "start_info.h");

struct hvm_modlist_entry {
	struct le64 paddr;
	struct le64 size;
	struct le64 cmdline_paddr;
	struct le64 reserved;
};
_Static_assert(sizeof(struct hvm_modlist_entry) == 32, "start_info.h");

struct hvm_memmap_entry {
	struct le64 addr;
	struct le64 size;
	struct le32 type; /* as e820 */
	struct le32 reserved;
};
_Static_assert(sizeof(struct hvm_memmap_entry) == 24, "start_info.h");

/** Linux copies them, however many there are, into the table of boot_params. */
#define PVH_MEMMAP_ENTRIES_MAX 128

/**
 * Linux copies COMMAND_LINE_SIZE bytes, 2048, and the terminator has to be among them
 * (arch/x86/include/asm/setup.h); start_info names no limit.
 */
#define PVH_CMDLINE_MAX 2047

/** All that start_info names and that has a fixed size. */
struct pvh_block {
	struct hvm_start_info start_info;
	struct hvm_modlist_entry module;
	struct hvm_memmap_entry memmap[PVH_MEMMAP_ENTRIES_MAX];
};

/** Where everything but the kernel goes. Each range is claimed in the memory map. */
struct pvh_plan {
	uint64_t block;   /**< a struct pvh_block: start_info, for the kernel's ebx */
	uint64_t cmdline; /**< room for cmdline_bytes and a terminator */
	uint64_t initrd;  /**< 0 without one */
};

/**
 * Finds places for an initrd of @initrd_size bytes (0: none), a command line of @cmdline_bytes and
 * the block, and claims them in @map, where the kernel is claimed already. Writes no guest
 * memory. STATUS_NO_MEMORY when something has no place.
 */
MUST_CHECK enum status pvh_plan(uint64_t initrd_size, uint64_t cmdline_bytes, struct memmap *map,
				struct pvh_plan *ret_plan, struct reason *why);

/**
 * Fills @block, which is what lies at @plan->block, in version 1. @rsdp is 0 if unknown.
 * STATUS_TOO_LARGE when the memory map has more entries than the block.
 */
MUST_CHECK enum status pvh_fill(const struct pvh_plan *plan, uint64_t initrd_size, uint64_t rsdp,
				const struct memmap *map, struct pvh_block *block,
				struct reason *why);

#endif
