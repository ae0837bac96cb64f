/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCH_X86_64_CPU_H
#define ARCH_X86_64_CPU_H

#include <stdint.h>

/* Instructions that C has no words for. Those that make the CPU look at memory say so. */

struct cpuid {
	uint32_t eax, ebx, ecx, edx;
};

static inline struct cpuid cpuid(uint32_t leaf)
{
	struct cpuid result;

	__asm__ volatile("cpuid"
			 : "=a"(result.eax), "=b"(result.ebx), "=c"(result.ecx), "=d"(result.edx)
			 : "a"(leaf), "c"(0));
	return result;
}

/** Width of a physical address in bits, 36 to 52 (Intel SDM vol. 2, CPUID leaf 0x80000008). */
static inline unsigned cpu_physical_bits(void)
{
	unsigned bits = 36;

	if (cpuid(0x80000000).eax >= 0x80000008)
		bits = cpuid(0x80000008).eax & 0xff;
	return bits < 36 ? 36 : bits > 52 ? 52 : bits;
}

static inline uint64_t rdmsr(uint32_t index)
{
	uint32_t low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(index));
	return (uint64_t)high << 32 | low;
}

static inline void wrmsr(uint32_t index, uint64_t value)
{
	__asm__ volatile("wrmsr" ::"c"(index), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
			 : "memory");
}

static inline uint64_t rdtsc(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

static inline uint64_t read_cr2(void)
{
	uint64_t value;

	__asm__ volatile("mov %%cr2, %0" : "=r"(value));
	return value;
}

static inline void invlpg(uint64_t address)
{
	__asm__ volatile("invlpg (%0)" ::"r"(address) : "memory");
}

/** Operand of lgdt and lidt. */
struct table_register {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

static inline void lgdt(const void *table, uint16_t size)
{
	struct table_register gdtr = {(uint16_t)(size - 1), (uintptr_t)table};

	__asm__ volatile("lgdt %0" ::"m"(gdtr) : "memory");
}

static inline void lidt(const void *table, uint16_t size)
{
	struct table_register idtr = {(uint16_t)(size - 1), (uintptr_t)table};

	__asm__ volatile("lidt %0" ::"m"(idtr) : "memory");
}

static inline void load_task_register(uint16_t selector)
{
	__asm__ volatile("ltr %0" ::"r"(selector) : "memory");
}

#endif
