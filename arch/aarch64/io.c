/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/io.h"

/*
 * Plain base-register addressing, since a hypervisor cannot decode anything else:
 * Arm ARM D17.2.37, ESR_EL2.ISS.ISV.
 */

uint8_t arch_mmio_read8(uint64_t address)
{
	uint32_t value;

	__asm__ volatile("ldrb %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
	return (uint8_t)value;
}

uint32_t arch_mmio_read32(uint64_t address)
{
	uint32_t value;

	__asm__ volatile("ldr %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
	return value;
}

void arch_mmio_write8(uint64_t address, uint8_t value)
{
	__asm__ volatile("strb %w0, [%1]" ::"r"(value), "r"(address) : "memory");
}

void arch_mmio_write16(uint64_t address, uint16_t value)
{
	__asm__ volatile("strh %w0, [%1]" ::"r"(value), "r"(address) : "memory");
}

void arch_mmio_write32(uint64_t address, uint32_t value)
{
	__asm__ volatile("str %w0, [%1]" ::"r"(value), "r"(address) : "memory");
}

void arch_mmio_write64(uint64_t address, uint64_t value)
{
	__asm__ volatile("str %0, [%1]" ::"r"(value), "r"(address) : "memory");
}

void arch_barrier(void)
{
	__asm__ volatile("dsb sy" ::: "memory");
}

void arch_relax(void)
{
	__asm__ volatile("yield" ::: "memory");
}
