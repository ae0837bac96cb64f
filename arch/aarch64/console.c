/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/aarch64/cpu.h"
#include "arch/aarch64/state.h"
#include "arch/aarch64/uart.h"
#include "arch/machine.h"
#include "arch/memory.h"
#include "lib/log.h"

void arch_set_console(const struct arch_console *console)
{
	arch_state()->console = *console;
}

void arch_set_psci(enum arch_psci psci)
{
	arch_state()->psci = psci;
}

void arch_console_write(const char *text, size_t length)
{
	const struct arch_console *console = &arch_state()->console;

	if (arch_map(console->address, uart_size(console), ARCH_MEMORY_DEVICE) != NULL)
		uart_write(console, text, length);
}

static void system_off(enum arch_psci psci)
{
	register uint64_t function __asm__("x0") = PSCI_SYSTEM_OFF;

	/* At EL2, HVC would be an exception to ourselves. */
	if (psci == ARCH_PSCI_HVC && cpu_exception_level() == 1)
		__asm__ volatile("hvc #0" : "+r"(function)::"memory", "x1", "x2", "x3");
	else if (psci == ARCH_PSCI_SMC)
		__asm__ volatile("smc #0" : "+r"(function)::"memory", "x1", "x2", "x3");
}

_Noreturn void arch_fatal(const char *stage, enum status status, const char *reason)
{
	struct arch_state *state = arch_state();
	struct log log = {.level = LOG_ERROR};

	/* An exception on the way out comes here again: each step is tried once. */
	if (state->dying == 0) {
		state->dying = 1;
		/* Assigned, since clang makes a relocated constant of a pointer in an initializer.
		 */
		log.write = arch_console_write;
		log_line(&log, LOG_ERROR, "FATAL %s %s: %s", stage, status_str(status), reason);
	}
	if (state->dying == 1) {
		state->dying = 2;
		system_off(state->psci);
	}
	for (;;)
		__asm__ volatile("wfi");
}
