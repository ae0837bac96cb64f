/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BOOT_X86_64_CMOS_H
#define BOOT_X86_64_CMOS_H

#include <stdint.h>

#include "arch/port.h"

/* The battery-backed memory of a PC's clock: an index and a data port. */

#define CMOS_INDEX 0x70
#define CMOS_DATA  0x71

/* Where no clock answers, every byte reads as 0xff. */
static inline uint8_t cmos_read(uint8_t index)
{
	arch_out8(CMOS_INDEX, index);
	return arch_in8(CMOS_DATA);
}

static inline void cmos_write(uint8_t index, uint8_t value)
{
	arch_out8(CMOS_INDEX, index);
	arch_out8(CMOS_DATA, value);
}

#endif
