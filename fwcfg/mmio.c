/* SPDX-License-Identifier: BSD-2-Clause */
#include "fwcfg/transport.h"

#include "arch/io.h"
#include "fwcfg/fwcfg.h"

/* QEMU docs/specs/fw_cfg.rst, "Arm register locations"; all but the data are big-endian. */
#define REGISTER_DATA   0
#define REGISTER_SELECT 8
#define REGISTER_DMA    16

void transport_select(uint64_t registers, uint16_t key)
{
	arch_mmio_write16(registers + REGISTER_SELECT, __builtin_bswap16(key));
}

void transport_read(uint64_t registers, void *buffer, size_t count)
{
	uint8_t *bytes = buffer;

	for (size_t i = 0; i < count; i++)
		bytes[i] = arch_mmio_read8(registers + REGISTER_DATA);
}

/* A register that a device without DMA lacks is not there to be read, so that the ID comes first.
 */
bool transport_has_qemu_dma(uint64_t registers)
{
	uint8_t id;

	transport_select(registers, FWCFG_ID);
	transport_read(registers, &id, sizeof(id));
	return (id & FWCFG_ID_DMA) != 0 &&
	       arch_mmio_read32(registers + REGISTER_DMA) == TRANSPORT_SIGNATURE;
}

void transport_start_dma(uint64_t registers, uint64_t address, bool qemu)
{
	(void)qemu;
	arch_mmio_write64(registers + REGISTER_DMA, __builtin_bswap64(address));
}
