/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "arch/machine.h"

/* arch/x86_64/console.c itself: debugcon, a 16550, isa-debug-exit. */

#define DEBUGCON 0x402
#define UART     0x3f8

static char debugcon_text[512], uart_text[512];
static size_t debugcon_length, uart_length;

static struct {
	uint8_t interrupts, line, fifo, modem, scratch, divisor_low, divisor_high;
	bool busy; /* never ready to send */
	size_t status_reads;
} uart;

static uint32_t debugcon_read(uint16_t port, unsigned width)
{
	(void)port;
	assert_int_equal(width, 1);
	return 0xe9;
}

static void debugcon_write(uint16_t port, unsigned width, uint32_t value)
{
	(void)port;
	assert_int_equal(width, 1);
	assert_true(debugcon_length < sizeof(debugcon_text) - 1);
	debugcon_text[debugcon_length++] = (char)value;
}

static uint32_t uart_read(uint16_t port, unsigned width)
{
	assert_int_equal(width, 1);
	switch (port - UART) {
	case 5:
		uart.status_reads++;
		return uart.busy ? 0 : 0x60;
	case 7:
		return uart.scratch;
	default:
		return 0;
	}
}

static void uart_write(uint16_t port, unsigned width, uint32_t value)
{
	bool divisor = (uart.line & 0x80) != 0;
	uint8_t byte = (uint8_t)value;

	assert_int_equal(width, 1);
	switch (port - UART) {
	case 0:
		if (divisor) {
			uart.divisor_low = byte;
		} else {
			assert_true(uart_length < sizeof(uart_text) - 1);
			uart_text[uart_length++] = (char)byte;
		}
		break;
	case 1:
		*(divisor ? &uart.divisor_high : &uart.interrupts) = byte;
		break;
	case 2:
		uart.fifo = byte;
		break;
	case 3:
		uart.line = byte;
		break;
	case 4:
		uart.modem = byte;
		break;
	case 7:
		uart.scratch = byte;
		break;
	}
}

static int setup(void **state)
{
	unit_setup(state);
	memset(&uart, 0xff, sizeof(uart));
	uart.busy = false;
	uart.status_reads = 0;
	uart.line = 0;
	memset(debugcon_text, 0, sizeof(debugcon_text));
	memset(uart_text, 0, sizeof(uart_text));
	debugcon_length = uart_length = 0;
	return 0;
}

static void add_debugcon(void)
{
	const struct host_device device = {DEBUGCON, DEBUGCON, debugcon_read, debugcon_write};

	host_add_device(&device);
}

static void add_uart(void)
{
	const struct host_device device = {UART, UART + 7, uart_read, uart_write};

	host_add_device(&device);
}

static void console_on_debugcon(void **state)
{
	(void)state;
	add_debugcon();
	arch_console_write("hello\nworld\n", 12);
	assert_string_equal(debugcon_text, "hello\nworld\n");
}

static void console_on_uart(void **state)
{
	(void)state;
	add_uart();
	arch_console_write("hello\nworld\n", 12);
	assert_string_equal(uart_text, "hello\r\nworld\r\n");
	/* 115200 baud, 8N1, no interrupts, DTR and RTS. */
	assert_int_equal(uart.divisor_low, 1);
	assert_int_equal(uart.divisor_high, 0);
	assert_int_equal(uart.line, 0x03);
	assert_int_equal(uart.interrupts, 0);
	assert_int_equal(uart.modem & 3, 3);
}

static void console_on_both(void **state)
{
	(void)state;
	add_debugcon();
	add_uart();
	arch_console_write("x", 1);
	assert_string_equal(debugcon_text, "x");
	assert_string_equal(uart_text, "x");
}

/* Ports that nobody answers are asked once, and nothing is waited for. */
static void console_of_none(void **state)
{
	(void)state;
	arch_console_write("hello\n", 6);
	assert_in_range(host.accesses, 1, 4);
	assert_int_equal(host.relaxes, 0);
}

static void console_uart_that_is_never_ready(void **state)
{
	(void)state;
	add_uart();
	uart.busy = true;
	/* It is waited for once, not for each character of a long line. */
	arch_console_write("a line that nobody takes, and that is long enough\n", 50);
	assert_string_equal(uart_text, "");
	assert_in_range(uart.status_reads, 1, 1000000);
}

static void die(void *argument)
{
	(void)argument;
	arch_fatal("loader", STATUS_TOO_LARGE, "the reason\x1b[2J");
}

static void console_fatal_line_and_exit(void **state)
{
	(void)state;
	add_debugcon();
	add_uart();
	host_add_debug_exit();
	assert_int_equal(host_run(die, NULL), HOST_EXIT);
	assert_int_equal(host.exit_value, 1);
	assert_string_equal(debugcon_text, "slipway: FATAL loader too-large: the reason?[2J\n");
	assert_string_equal(uart_text, "slipway: FATAL loader too-large: the reason?[2J\r\n");
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, unit_teardown)

static const struct CMUnitTest tests[] = {
	TEST(console_on_debugcon),
	TEST(console_on_uart),
	TEST(console_on_both),
	TEST(console_of_none),
	TEST(console_uart_that_is_never_ready),
	TEST(console_fatal_line_and_exit),
};

UNIT_MAIN(tests)
