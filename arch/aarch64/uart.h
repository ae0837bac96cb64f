/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCH_AARCH64_UART_H
#define ARCH_AARCH64_UART_H

#include <stddef.h>
#include <stdint.h>

#include "arch/machine.h"

/** Bytes of the device's registers, 0 without a device. */
uint64_t uart_size(const struct arch_console *console);

/**
 * Writes to the device, whose registers are mapped; a newline becomes CR LF. Gives up when it
 * does not take a character: whoever reports a fatal error must not wait for it.
 */
void uart_write(const struct arch_console *console, const char *text, size_t length);

#endif
