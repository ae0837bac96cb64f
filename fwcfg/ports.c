/* SPDX-License-Identifier: BSD-2-Clause */
#include "fwcfg/transport.h"

#include "arch/port.h"

/* QEMU docs/specs/fw_cfg.rst, "x86, x86-64 register locations" */
#define PORT_SELECT   0x510
#define PORT_DATA     0x511
#define PORT_DMA_HIGH 0x514
#define PORT_DMA_LOW  0x518

void transport_select(uint64_t registers, uint16_t key)
{
	(void)registers;
	arch_out16(PORT_SELECT, key);
}

void transport_read(uint64_t registers, void *buffer, size_t count)
{
	(void)registers;
	arch_in8_string(PORT_DATA, buffer, count);
}

bool transport_has_qemu_dma(uint64_t registers)
{
	(void)registers;
	return arch_in32(PORT_DMA_HIGH) == TRANSPORT_SIGNATURE;
}

void transport_start_dma(uint64_t registers, uint64_t address, bool qemu)
{
	(void)registers;
	if (!qemu || address >> 32 != 0)
		arch_out32(PORT_DMA_HIGH, __builtin_bswap32((uint32_t)(address >> 32)));
	arch_out32(PORT_DMA_LOW, __builtin_bswap32((uint32_t)address));
}
