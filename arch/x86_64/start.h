/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCH_X86_64_START_H
#define ARCH_X86_64_START_H

#include <stdbool.h>

/**
 * Builds our GDT in memory and loads it. The boot protocol has code at selector
 * 0x10 for both of its entries: @code32_at_0x10 exchanges the two code segments.
 */
void start_load_gdt(bool code32_at_0x10);

#endif
