/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCH_AARCH64_CPU_H
#define ARCH_AARCH64_CPU_H

#include <stdbool.h>
#include <stdint.h>

/* Instructions that C has no words for. "Arm ARM" is DDI 0487. */

#define read_register(name)                                                                        \
	({                                                                                         \
		uint64_t value_;                                                                   \
		__asm__ volatile("mrs %0, " #name : "=r"(value_));                                 \
		value_;                                                                            \
	})

#define write_register(name, value)                                                                \
	__asm__ volatile("msr " #name ", %0" ::"r"((uint64_t)(value)) : "memory")

/** 1 or 2. */
static inline unsigned cpu_exception_level(void)
{
	return (unsigned)(read_register(CurrentEL) >> 2 & 3);
}

/** Whether registers of EL2 have the layout of EL1's: HCR_EL2.E2H. */
static inline bool cpu_is_el2_host(void)
{
	return cpu_exception_level() == 2 && (read_register(hcr_el2) >> 34 & 1) != 0;
}

static inline void barrier_all(void)
{
	__asm__ volatile("dsb sy" ::: "memory");
}

static inline void barrier_instructions(void)
{
	__asm__ volatile("isb" ::: "memory");
}

/** Bytes of the smallest data cache line: CTR_EL0.DminLine. */
static inline uint64_t cpu_cache_line(void)
{
	return 4ul << (read_register(ctr_el0) >> 16 & 15);
}

#endif
