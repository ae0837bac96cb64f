/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BOOT_X86_64_PC_H
#define BOOT_X86_64_PC_H

#include "arch/entry.h"
#include "boot/boot.h"
#include "boot/x86_64/pvh.h"
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

/** A boot on x86. */
struct pc {
	struct boot boot;
	struct arch_entry entry;
	struct hvm_start_info start_info; /**< copied; for ARCH_ENTRY_PVH */
	bool platform_done;               /**< by whoever ran before us (rulings 4) */
	struct chipset chipset;
	struct kernel_source kernel;
};

/** Reads the memory map from the best source there is, and claims what is ours. */
MUST_CHECK enum status pc_read_memory_map(struct pc *pc);

/** Numbers PCI buses and gives addresses to their devices, on pc and q35. */
void pc_assign_pci(struct pc *pc);

/** Chipset, PCI, caches, ACPI and SMBIOS: what a firmware owes the system. */
void pc_set_up_platform(struct pc *pc);

/** Finds kernel, initrd and command line. STATUS_NOT_FOUND without a kernel. */
MUST_CHECK enum status pc_find_payload(struct pc *pc);

/** Loads and starts the kernel; returns only when it cannot, with the reason. */
MUST_CHECK enum status pc_boot_linux(struct pc *pc);

#endif
