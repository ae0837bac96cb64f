/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_FUZZ_HOSTILE_H
#define TESTS_FUZZ_HOSTILE_H

#include <stdbool.h>

#include "arch/entry.h"
#include "arch/host/host.h"
#include "fuzz.h"
#include "lib/memmap.h"

/*
 * A whole boot on a machine that turns against the firmware: what arch/host's devices say is
 * changed before the boot or in the middle of it, at the n-th look, as records of the input say.
 */

/** A machine without anything, and a VMM that has done nothing yet. */
void hostile_new(void);

/** The files of a machine that tests/tools/record-fwcfg recorded, where it had @ram bytes of RAM.
 */
void hostile_add_recording(const char *name, uint64_t ram);

/** A file of tests/data, read once. */
const uint8_t *hostile_data(const char *name, size_t *ret_size);

/** Puts what a VMM leaves in memory there. Where no memory is, nothing is put. */
void hostile_put(uint64_t address, const void *bytes, size_t size);

/**
 * Reads records to the end of the input. While the firmware runs, memory changes in
 * [@start, @start + @size) alone, where no RAM is that it would give to a kernel's tables.
 */
void hostile_begin(struct input *input, uint64_t start, uint64_t size);

/** Runs boot_main(), which has to end in a jump or in one line. False: it ended before that. */
bool hostile_boot(const struct arch_entry *entry, enum host_end *ret_end);

/** The map of memory as it was when the firmware ended, which is sound. */
extern struct memmap hostile_map;

/** What holds @address in it, or NULL. */
const struct memmap_entry *hostile_find(uint64_t address);

/** Whether all of [start, start + size) is what the kernel shall see as @type. */
bool hostile_is_for_kernel(uint64_t start, uint64_t size, enum memmap_type type);

/** Requires that nothing was written but what was claimed, and what @allowed says besides. */
void hostile_check_writes(bool (*allowed)(uint64_t address));

/** A part of what the kernel gets: claimed as @type, and apart from the others. */
void hostile_add_part(uint64_t start, uint64_t size, enum memmap_type type);

#endif
