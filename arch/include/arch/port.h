/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCH_PORT_H
#define ARCH_PORT_H

#include <stddef.h>
#include <stdint.h>

/*
 * The ports of x86. Each call is one access of the stated width (arch_in8_string():
 * one per byte), in program order, and each is a VM exit under a hypervisor.
 */

uint8_t arch_in8(uint16_t port);
uint32_t arch_in32(uint16_t port);
void arch_out8(uint16_t port, uint8_t value);
void arch_out16(uint16_t port, uint16_t value);
void arch_out32(uint16_t port, uint32_t value);

/** Reads @count bytes from one 8-bit port into @buffer. */
void arch_in8_string(uint16_t port, void *buffer, size_t count);

#endif
