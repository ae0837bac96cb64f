/* SPDX-License-Identifier: BSD-2-Clause */
#include "measure/kernel.h"

#define DEFAULT_SETUP_SECTS 4
#define CAN_USE_HEAP        0x80

static uint8_t normal(uint64_t offset, uint8_t byte)
{
	switch (offset) {
	case 0x1f1:
		return byte == 0 ? DEFAULT_SETUP_SECTS : byte;
	case 0x211:
		return byte & (uint8_t)~CAN_USE_HEAP;
	case 0x1fa ... 0x1fb:
	case 0x210:
	case 0x218 ... 0x21f:
	case 0x224 ... 0x225:
	case 0x228 ... 0x22b:
	case 0x250 ... KERNEL_PATCHED_END - 1:
		return 0;
	}
	return byte;
}

void kernel_normalise(uint64_t offset, uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = normal(offset + i, bytes[i]);
}
