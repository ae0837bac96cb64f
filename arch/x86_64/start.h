/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCH_X86_64_START_H
#define ARCH_X86_64_START_H

#include <stdbool.h>
#include <stdint.h>

/**
 * Builds our GDT in memory and loads it. The boot protocol has code at selector
 * 0x10 for both of its entries: @code32_at_0x10 exchanges the two code segments.
 */
void start_load_gdt(bool code32_at_0x10);

/**
 * Adds segments of 16 bits to the GDT, in the place of the TSS: data at 0, and code at
 * @code_base, below 4 GiB.
 */
void start_add_16_bit_segments(uint64_t code_base);

#endif
