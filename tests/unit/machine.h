/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_UNIT_MACHINE_H
#define TESTS_UNIT_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/entry.h"
#include "arch/host/host.h"
#include "kernel.h"
#include "lib/memmap.h"

/** A new machine with RAM [0, @low) and [4 GiB, 4 GiB + @high), and our image in ROM. */
void machine_new(uint64_t low, uint64_t high);

/** Our image: 64 KiB, as far as firmware looks at it. */
extern uint8_t machine_image[0x10000];

/** Puts what a VMM leaves in memory there; firmware may overwrite it. */
void machine_put(uint64_t address, const void *bytes, size_t size);

/** Puts what a VMM leaves for it into the block of hashes; firmware has to leave it alone. */
void machine_put_hashes(const void *bytes, size_t size);

/** Adds the fw_cfg files of a machine that tests/tools/record-fwcfg recorded. */
void machine_add_recording(const char *name);

/** An e820 file for RAM [0, @low) and [4 GiB, 4 GiB + @high). */
void machine_add_e820(uint64_t low, uint64_t high);

/** QEMU's legacy items for a kernel: setup and the rest apart. */
void machine_add_legacy_kernel(const struct kernel *kernel);
void machine_add_legacy(uint16_t size_key, uint16_t data_key, const void *bytes, size_t size);

/** Where these put what a PVH loader tells. */
#define MACHINE_START_INFO  0x6000ul
#define MACHINE_MODULE_LIST 0x6040ul
#define MACHINE_PVH_MAP     0x7000ul

/** A PVH loader has put the image into RAM, and tells nothing else: start_info 1. */
void machine_put_start_info(void);

/** It has put a module there, too. */
void machine_put_module(uint64_t address, const void *bytes, size_t size);

/** And it tells of memory: RAM up to @ram_end, without the last 384 KiB below 1 MiB. */
void machine_put_pvh_map(uint64_t ram_end);

/** The map of memory as it was handed to the kernel; with unit_flags of module.mk. */
extern struct memmap machine_map;

/** Runs boot_main() on the machine. */
enum host_end machine_boot(enum arch_entry_kind kind, uint64_t start_info);

/**
 * After HOST_HANDOFF: the kernel, entered as its header asks, and what it was
 * told are all in their places, the command line is @cmdline, the initrd has
 * @initrd_size bytes @initrd, and no memory was written that is nobody's.
 */
void machine_check_handoff(const struct kernel *kernel, const void *initrd, size_t initrd_size,
			   const char *cmdline);

/** The same for an ELF kernel, that is entered at @entry with a start_info. */
void machine_check_pvh_handoff(uint64_t entry, const void *initrd, size_t initrd_size,
			       const char *cmdline);

/** What the kernel finds in boot_params. */
const uint8_t *machine_params(void);

/** Type of @address in the kernel's memory map, or 0. */
uint32_t machine_e820_type(uint64_t address);

/** After a boot: the FACS of the VMM's tables, where the kernel says where it wakes. */
uint8_t *machine_facs(void);

/** Node number @index of the kernel's setup_data list: type, length, bytes; or NULL. */
const uint8_t *machine_setup_data(unsigned index, uint32_t *ret_type, uint32_t *ret_length);

#endif
