/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BOOT_BOOT_H
#define BOOT_BOOT_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/entry.h"
#include "boot/pvh.h"
#include "fwcfg/fwcfg.h"
#include "lib/log.h"
#include "lib/memmap.h"
#include "loader/bzimage.h"
#include "pci/chipset.h"

/** A bzImage as its source delivers it: one file, or the setup and the rest apart. */
struct kernel_source {
	uint8_t start[BZIMAGE_HEAD_SIZE]; /**< its first bytes, */
	size_t start_size;                /**< or fewer when it is shorter */
	struct blob head;
	struct blob body; /**< only if @split */
	bool split;
	uint64_t assumed_load; /**< where the VMM's setup_data addresses count from */
	uint64_t setup_data;   /**< the VMM's list, 0 if none */
};

/** Everything one boot knows. It lives on the stack of boot_main(). */
struct boot {
	struct arch_entry entry;
	struct hvm_start_info start_info; /**< copied; for ARCH_ENTRY_PVH */
	struct log log;
	struct reason why;
	bool has_fwcfg;
	struct fwcfg fwcfg;
	struct memmap map;
	bool platform_done; /**< by whoever ran before us (rulings 4) */
	struct chipset chipset;
	uint64_t rsdp; /**< 0: none */

	struct kernel_source kernel;
	struct blob initrd;   /**< size 0: none */
	struct blob cmdline;  /**< size 0: none */
	bool cmdline_is_file; /**< and may end with a newline */
};

/** Ends the boot with @boot->why unless @status is STATUS_OK. */
void boot_require(const struct boot *boot, const char *stage, enum status status);

/** arch_map() for RAM, in the form that acpi/ and loader/ take. */
void *boot_map_ram(uint64_t address, uint64_t length);

/** Reads the memory map from the best source there is, and claims what is ours. */
MUST_CHECK enum status boot_read_memory_map(struct boot *boot);

/** Chipset, caches, ACPI and SMBIOS: what a firmware owes the system. */
void boot_set_up_platform(struct boot *boot);

/** Finds kernel, initrd and command line. STATUS_NOT_FOUND without a kernel. */
MUST_CHECK enum status boot_find_payload(struct boot *boot);

/** Loads and starts the kernel; returns only when it cannot, with @boot->why. */
MUST_CHECK enum status boot_linux(struct boot *boot);

#endif
