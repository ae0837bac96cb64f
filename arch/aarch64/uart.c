/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/aarch64/uart.h"

#include "arch/io.h"

/* PL011 registers: Arm DDI 0183, 3.2. */
#define UARTDR         0x00
#define UARTFR         0x18
#define UARTFR_TXFF    0x20 /* the transmitter's FIFO is full */
#define UARTLCR_H      0x2c
#define UARTLCR_H_8N1  0x70 /* FIFOs on */
#define UARTCR         0x30
#define UARTCR_ENABLED 0x301 /* UART, transmitter, receiver */
#define PL011_SIZE     0x1000

/* 16550 registers: National Semiconductor PC16550D, table II. */
#define UART_DATA         0u
#define UART_STATUS       5u
#define UART_STATUS_EMPTY 0x20
#define UART_REGISTERS    8u

/* A character leaves in far less than this number of reads of the status. */
#define WAIT_READS 1000000

static bool wait_for(uint64_t address, uint32_t mask, uint32_t value, bool byte)
{
	for (unsigned i = 0; i < WAIT_READS; i++) {
		uint32_t state = byte ? arch_mmio_read8(address) : arch_mmio_read32(address);
		if ((state & mask) == value)
			return true;
		arch_relax();
	}
	return false;
}

static bool put_pl011(const struct arch_console *console, char c)
{
	if (!wait_for(console->address + UARTFR, UARTFR_TXFF, 0, false))
		return false;
	arch_mmio_write32(console->address + UARTDR, (uint8_t)c);
	return true;
}

static bool put_16550(const struct arch_console *console, char c)
{
	uint64_t status = console->address + (UART_STATUS << console->shift);

	if (!wait_for(status, UART_STATUS_EMPTY, UART_STATUS_EMPTY, true))
		return false;
	arch_mmio_write8(console->address + UART_DATA, (uint8_t)c);
	return true;
}

static bool put(const struct arch_console *console, char c)
{
	return console->kind == ARCH_CONSOLE_PL011 ? put_pl011(console, c) : put_16550(console, c);
}

uint64_t uart_size(const struct arch_console *console)
{
	switch (console->kind) {
	case ARCH_CONSOLE_PL011:
		return PL011_SIZE;
	case ARCH_CONSOLE_16550:
		return UART_REGISTERS << console->shift;
	default:
		return 0;
	}
}

void uart_write(const struct arch_console *console, const char *text, size_t length)
{
	if (console->kind == ARCH_CONSOLE_PL011) {
		arch_mmio_write32(console->address + UARTLCR_H, UARTLCR_H_8N1);
		arch_mmio_write32(console->address + UARTCR, UARTCR_ENABLED);
	}
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '\n' && !put(console, '\r'))
			return;
		if (!put(console, text[i]))
			return;
	}
}
