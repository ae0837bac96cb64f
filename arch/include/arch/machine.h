/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCH_MACHINE_H
#define ARCH_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/status.h"

/**
 * Writes to every console that the machine has. x86 looks for them at each call;
 * AArch64 has the one of arch_set_console(), at first QEMU virt's.
 */
void arch_console_write(const char *text, size_t length);

/**
 * Prints "slipway: FATAL <stage> <status>: <reason>" and ends the machine so that
 * a script can see it: on x86 isa-debug-exit with 1 where it exists, on AArch64 PSCI
 * SYSTEM_OFF, else a halt with interrupts off. Called from boot/ and arch/ only.
 */
_Noreturn void arch_fatal(const char *stage, enum status status, const char *reason);

/** 64 random bits from the CPU's generator; false where it has none or it fails. */
MUST_CHECK bool arch_random(uint64_t *ret_value);

/** Whether the CPU has instructions for SHA-256: all that measure/sha256_cpu.c uses. */
MUST_CHECK bool arch_has_sha256(void);

/** The device that takes our messages. */
enum arch_console_kind {
	ARCH_CONSOLE_NONE,
	ARCH_CONSOLE_PL011,
	ARCH_CONSOLE_16550,
};

struct arch_console {
	enum arch_console_kind kind;
	uint64_t address;
	uint32_t shift; /**< 16550: registers are 1 << this bytes apart */
};

/** AArch64: the console that the device tree names. */
void arch_set_console(const struct arch_console *console);

/** How PSCI is called (Arm DEN 0022, 5.2.1). */
enum arch_psci {
	ARCH_PSCI_NONE,
	ARCH_PSCI_HVC,
	ARCH_PSCI_SMC,
};

/** AArch64: the conduit that the device tree names; at first HVC at EL1 and SMC at EL2. */
void arch_set_psci(enum arch_psci psci);

/** AArch64: whether the CPU can run a kernel with pages of @page_size: 4096, 16384, 65536. */
bool arch_has_page_size(uint32_t page_size);

/** x86: what the processors of a machine get. */
struct arch_processors {
	unsigned count; /**< of them, at least 1 */
	/** RAM is cacheable, [this, 4 GiB) is not (Intel SDM vol. 3, 12.11). */
	uint64_t uncached_start;
	uint64_t feature_control; /**< for IA32_FEATURE_CONTROL, or 0 */
	/**
	 * Whether the 8259s and NMI reach the first processor through its local APIC, as MP
	 * 1.4, 3.6.2.2 has it, for a kernel that leaves that APIC alone.
	 */
	bool virtual_wire;
};

/** x86: what was found of the processors. */
struct arch_found_processors {
	uint64_t apic_ids[4]; /**< bit n % 64 of word n / 64: one with local APIC ID n answered */
	uint8_t boot;         /**< ID of the one that runs this */
	uint32_t signature;   /**< CPUID.1:EAX */
	uint32_t features;    /**< CPUID.1:EDX */
};

/**
 * x86: sets all processors up. Those besides the first are started for that, and halted.
 * Returns STATUS_TIMEOUT when some of them do not answer; @ret_found has those that did.
 */
MUST_CHECK enum status arch_set_up_processors(const struct arch_processors *processors,
					      struct arch_found_processors *ret_found);

#endif
