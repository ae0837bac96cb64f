/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/io.h"
#include "arch/machine.h"
#include "arch/port.h"
#include "arch/x86_64/console.h"
#include "lib/format.h"
#include "lib/log.h"

#define DEBUGCON_PORT  0x402 /* QEMU and SeaBIOS by convention */
#define DEBUGCON_READS 0xe9  /* what a read gives where the device exists */

#define DEBUG_EXIT_PORT   0xf4 /* isa-debug-exit: QEMU leaves with value * 2 + 1 */
#define DEBUG_EXIT_FAILED 1

/* 16550 registers: National Semiconductor PC16550D, table II. */
#define UART             0x3f8
#define UART_DATA        (UART + 0)
#define UART_INTERRUPTS  (UART + 1)
#define UART_FIFO        (UART + 2)
#define UART_LINE        (UART + 3)
#define UART_MODEM       (UART + 4)
#define UART_STATUS      (UART + 5)
#define UART_SCRATCH     (UART + 7)
#define UART_LINE_8N1    0x03
#define UART_LINE_DLAB   0x80
#define UART_MODEM_READY 0x03 /* DTR, RTS */
#define UART_STATUS_IDLE 0x60 /* holding and shift registers empty */
#define UART_115200      1    /* divisor */

/* A line is sent at 115200 baud in far less than this number of port reads. */
#define UART_WAIT_READS 1000000

static bool uart_present(void)
{
	static const uint8_t patterns[] = {0x55, 0xaa};

	for (unsigned i = 0; i < sizeof(patterns); i++) {
		arch_out8(UART_SCRATCH, patterns[i]);
		if (arch_in8(UART_SCRATCH) != patterns[i])
			return false;
	}
	return true;
}

static bool uart_wait(void)
{
	for (unsigned i = 0; i < UART_WAIT_READS; i++) {
		if ((arch_in8(UART_STATUS) & UART_STATUS_IDLE) == UART_STATUS_IDLE)
			return true;
		arch_relax();
	}
	return false;
}

/* Gives up when the device does not take a character: the exit must not wait for it. */
static void uart_write(const char *text, size_t length)
{
	if (!uart_wait())
		return;
	arch_out8(UART_INTERRUPTS, 0);
	arch_out8(UART_LINE, UART_LINE_DLAB);
	arch_out8(UART_DATA, UART_115200);
	arch_out8(UART_INTERRUPTS, 0); /* upper half of the divisor */
	arch_out8(UART_LINE, UART_LINE_8N1);
	arch_out8(UART_FIFO, 0);
	arch_out8(UART_MODEM, UART_MODEM_READY);
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '\n') {
			arch_out8(UART_DATA, '\r');
			if (!uart_wait())
				return;
		}
		arch_out8(UART_DATA, (uint8_t)text[i]);
		if (!uart_wait())
			return;
	}
}

void arch_console_write(const char *text, size_t length)
{
	if (arch_in8(DEBUGCON_PORT) == DEBUGCON_READS) {
		for (size_t i = 0; i < length; i++)
			arch_out8(DEBUGCON_PORT, (uint8_t)text[i]);
	}
	if (uart_present())
		uart_write(text, length);
}

_Noreturn void console_end(void)
{
	arch_out8(DEBUG_EXIT_PORT, DEBUG_EXIT_FAILED);
	for (;;)
		__asm__ volatile("cli; hlt");
}

_Noreturn void arch_fatal(const char *stage, enum status status, const char *reason)
{
	struct log log = {.level = LOG_ERROR};

	/* Assigned, since clang makes a relocated constant of a pointer in an initializer. */
	log.write = arch_console_write;
	log_line(&log, LOG_ERROR, "FATAL %s %s: %s", stage, status_str(status), reason);
	console_end();
}
