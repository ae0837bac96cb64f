/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCH_ENTRY_H
#define ARCH_ENTRY_H

#include <stdint.h>

/** How the machine was started. */
enum arch_entry_kind {
	ARCH_ENTRY_RESET, /**< at the reset vector: nothing has been set up */
	ARCH_ENTRY_PVH,   /**< by a PVH loader that left a start_info */
	ARCH_ENTRY_FDT,   /**< on AArch64, with a device tree */
};

struct arch_entry {
	enum arch_entry_kind kind;
	uint64_t start_info; /**< physical address of hvm_start_info, or of the device tree */
};

/** The boot, from the first line of C to the kernel. Called once, on our own stack. */
_Noreturn void boot_main(const struct arch_entry *entry);

#endif
