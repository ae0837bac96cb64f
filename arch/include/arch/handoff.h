/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCH_HANDOFF_H
#define ARCH_HANDOFF_H

#include <stdint.h>

#include "arch/memory.h"

/** State in which the kernel is entered. */
enum arch_mode {
	ARCH_MODE_LINUX_32, /**< paging off, esi = argument */
	ARCH_MODE_LINUX_64, /**< identity-mapped long mode, rsi = argument */
	ARCH_MODE_PVH,      /**< paging off, ebx = argument: Xen docs/misc/pvh.pandoc */
	ARCH_MODE_REAL,     /**< real mode; entry is cs * 16 + ip, below 1 MiB, ip below 16 */
	/** AArch64: MMU and data cache off, the exception level of the entry, x0 = argument */
	ARCH_MODE_LINUX_ARM64,
};

#define ARCH_HANDOFF_RANGES 4

/** Where to jump and what the next program may rely on. */
struct arch_handoff {
	enum arch_mode mode;
	uint64_t entry;
	uint64_t argument; /**< address of boot_params, of start_info, or of the device tree */
	/**
	 * What the next program needs before it has page tables and caches of its own;
	 * size 0: nothing. 64-bit mode maps it read-write-execute, besides the first MiB;
	 * AArch64 cleans it to the point of coherency.
	 */
	struct arch_range used[ARCH_HANDOFF_RANGES];
};

/**
 * Leaves the firmware for good. Registers, descriptors and paging are as the boot
 * protocol of @handoff->mode demands (Linux Documentation/arch/x86/boot.rst,
 * Documentation/arch/arm64/booting.rst, Xen docs/misc/pvh.pandoc). Nothing of what was on the
 * stack, nor the stack guard's value, is left in memory or in registers.
 */
_Noreturn void arch_handoff(const struct arch_handoff *handoff);

#endif
