/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCH_IO_H
#define ARCH_IO_H

#include <stdint.h>

/*
 * Devices in memory. Each call is one access of the stated width, in program
 * order, and each is a VM exit under a hypervisor.
 */

/** Registers at the mapped physical address @address. */
uint8_t arch_mmio_read8(uint64_t address);
uint32_t arch_mmio_read32(uint64_t address);
void arch_mmio_write8(uint64_t address, uint8_t value);
void arch_mmio_write16(uint64_t address, uint16_t value);
void arch_mmio_write32(uint64_t address, uint32_t value);
void arch_mmio_write64(uint64_t address, uint64_t value);

/** All earlier accesses to memory are visible to devices, and the reverse. */
void arch_barrier(void);

/** Tells the CPU that this is one round of a waiting loop. */
void arch_relax(void);

#endif
