/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "arch/aarch64/uart.h"

/* The consoles of an AArch64 machine: a PL011, or a 16550 with its registers apart. */

#define BASE 0x9000000ul

static struct {
	char text[512];
	size_t length;
	unsigned width;       /* of each access but those of the PL011's set-up */
	uint64_t status;      /* its offset */
	uint32_t busy, ready; /* its values */
	size_t busy_reads;    /* as often before each character */
	size_t waited;        /* since the last character */
	size_t status_reads;
	size_t takes;           /* characters until it is never ready again */
	uint32_t line, control; /* PL011 */
} device;

static uint64_t device_read(uint64_t offset, unsigned width)
{
	assert_int_equal(offset, device.status);
	assert_int_equal(width, device.width);
	device.status_reads++;
	if (device.length >= device.takes || device.waited < device.busy_reads) {
		device.waited++;
		return device.busy;
	}
	return device.ready;
}

static void take_character(uint64_t value)
{
	/* Not before it said that it was ready. */
	assert_true(device.waited >= device.busy_reads && device.status_reads > device.length);
	assert_true(device.length < sizeof(device.text) - 1);
	device.text[device.length++] = (char)value;
	device.waited = 0;
}

static void device_write(uint64_t offset, unsigned width, uint64_t value)
{
	assert_int_equal(width, device.width);
	if (offset == 0)
		take_character(value);
	else if (offset == 0x2c && device.width == 4)
		device.line = (uint32_t)value;
	else if (offset == 0x30 && device.width == 4)
		device.control = (uint32_t)value;
	else
		fail_msg("a write to offset 0x%lx", offset);
}

static int setup(void **state)
{
	unit_setup(state);
	memset(&device, 0, sizeof(device));
	device.takes = sizeof(device.text);
	return 0;
}

static struct arch_console add(enum arch_console_kind kind, uint32_t shift)
{
	const struct arch_console console = {kind, BASE, shift};
	const struct host_mmio_device mmio = {BASE, uart_size(&console), device_read, device_write};

	host_add_mmio_device(&mmio);
	if (kind == ARCH_CONSOLE_PL011) {
		device.width = 4;
		device.status = 0x18;
		device.busy = 0xffffffb0; /* with TXFF */
		device.ready = 0xffffffdf;
	} else {
		device.width = 1;
		device.status = 5ul << shift;
		device.busy = 0xdf;
		device.ready = 0x20;
	}
	return console;
}

static void uart_pl011(void **state)
{
	struct arch_console console = add(ARCH_CONSOLE_PL011, 0);

	(void)state;
	uart_write(&console, "hello\nworld\n", 12);
	assert_string_equal(device.text, "hello\r\nworld\r\n");
	/* 8N1 with FIFO; UART, transmitter and receiver enabled: DDI 0183, 3.3.7, 3.3.8. */
	assert_int_equal(device.line, 0x70);
	assert_int_equal(device.control, 0x301);
	/* Bytes are sent, and not what their sign makes of them. */
	uart_write(&console, "\xff", 1);
	assert_int_equal((uint8_t)device.text[14], 0xff);
}

static void uart_16550(void **state)
{
	(void)state;
	for (uint32_t shift = 0; shift <= 3; shift++) {
		setup(state);
		struct arch_console console = add(ARCH_CONSOLE_16550, shift);
		uart_write(&console, "hello\nworld\n", 12);
		assert_string_equal(device.text, "hello\r\nworld\r\n");
		assert_int_equal(host.mmio, 2 * 14);
	}
}

/* Nothing beyond them is touched, and all that is touched was mapped. */
static void uart_size_of_registers(void **state)
{
	(void)state;
	assert_int_equal(uart_size(&(struct arch_console){ARCH_CONSOLE_PL011, BASE, 0}), 0x1000);
	assert_int_equal(uart_size(&(struct arch_console){ARCH_CONSOLE_16550, BASE, 0}), 8);
	assert_int_equal(uart_size(&(struct arch_console){ARCH_CONSOLE_16550, BASE, 2}), 32);
	/* What arch_map() refuses. */
	assert_int_equal(uart_size(&(struct arch_console){ARCH_CONSOLE_NONE, 0, 0}), 0);
}

static void uart_that_is_busy(void **state)
{
	static const enum arch_console_kind kinds[] = {ARCH_CONSOLE_PL011, ARCH_CONSOLE_16550};

	(void)state;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		setup(state);
		struct arch_console console = add(kinds[i], 2);
		device.busy_reads = 1000;
		uart_write(&console, "abc\n", 4);
		assert_string_equal(device.text, "abc\r\n");
		assert_int_equal(device.status_reads, 5 * 1001);
	}
}

/* It is waited for once, not for each character of a long line. */
static void uart_that_is_never_ready(void **state)
{
	static const enum arch_console_kind kinds[] = {ARCH_CONSOLE_PL011, ARCH_CONSOLE_16550};

	(void)state;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		/* From the start, from within a line, and between CR and LF. */
		for (size_t takes = 0; takes < 5; takes++) {
			setup(state);
			struct arch_console console = add(kinds[i], 0);
			device.takes = takes;
			uart_write(&console, "abc\nnobody takes this line\n", 27);
			assert_int_equal(device.length, takes);
			assert_memory_equal(device.text, "abc\r\n", takes);
			assert_in_range(device.status_reads, 1000, 2000000);
		}
	}
}

/* An empty text is none. */
static void uart_of_nothing(void **state)
{
	struct arch_console console = add(ARCH_CONSOLE_16550, 0);

	(void)state;
	uart_write(&console, "", 0);
	assert_int_equal(host.mmio, 0);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, unit_teardown)

static const struct CMUnitTest tests[] = {
	TEST(uart_pl011),        TEST(uart_16550),
	TEST(uart_that_is_busy), TEST(uart_that_is_never_ready),
	TEST(uart_of_nothing),   TEST(uart_size_of_registers),
};

UNIT_MAIN(tests)
