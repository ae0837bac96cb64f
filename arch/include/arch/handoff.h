/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCH_HANDOFF_H
#define ARCH_HANDOFF_H

#include <stdint.h>

#include "arch/memory.h"

/** State in which the kernel is entered. */
enum arch_mode {
	ARCH_MODE_LINUX_32, /**< paging off, esi = argument */
	ARCH_MODE_LINUX_64, /**< identity-mapped long mode, rsi = argument */
};

#define ARCH_HANDOFF_RANGES 4

/** Where to jump and what the next program may rely on. */
struct arch_handoff {
	enum arch_mode mode;
	uint64_t entry;
	uint64_t argument; /**< address of boot_params */
	/** What 64-bit mode maps read-write-execute besides the first MiB; size 0: nothing. */
	struct arch_range mapped[ARCH_HANDOFF_RANGES];
};

/**
 * Leaves the firmware for good. Registers, descriptors and paging are as the boot
 * protocol of @handoff->mode demands (Linux Documentation/arch/x86/boot.rst).
 */
_Noreturn void arch_handoff(const struct arch_handoff *handoff);

#endif
