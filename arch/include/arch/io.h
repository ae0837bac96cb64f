/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCH_IO_H
#define ARCH_IO_H

#include <stddef.h>
#include <stdint.h>

/*
 * Device access. Each call is one access of the stated width (arch_in8_string():
 * one per byte), in program order, and each is a VM exit under a hypervisor.
 */

uint8_t arch_in8(uint16_t port);
uint32_t arch_in32(uint16_t port);
void arch_out8(uint16_t port, uint8_t value);
void arch_out16(uint16_t port, uint16_t value);
void arch_out32(uint16_t port, uint32_t value);

/** Reads @count bytes from one 8-bit port into @buffer. */
void arch_in8_string(uint16_t port, void *buffer, size_t count);

/** 32-bit register at the mapped physical address @address. */
uint32_t arch_mmio_read32(uint64_t address);
void arch_mmio_write32(uint64_t address, uint32_t value);

/** All earlier accesses to memory are visible to devices, and the reverse. */
void arch_barrier(void);

/** Tells the CPU that this is one round of a waiting loop. */
void arch_relax(void);

#endif
