/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "arch/host/fwcfg.h"
#include "arch/host/host.h"

/* QEMU's fw_cfg device: docs/specs/fw_cfg.rst, hw/nvram/fw_cfg.c. */

/* Bits of the control field: fw_cfg_dma_transfer(). */
#define DMA_READ   0x02u
#define DMA_SKIP   0x04u
#define DMA_SELECT 0x08u
#define DMA_WRITE  0x10u

static uint64_t dma_address;

static uint8_t read_data(void)
{
	uint8_t value = 0;

	if (host_fwcfg_available(1) == 1)
		value = host_fwcfg_selected()->bytes[host.fwcfg.offset];
	host.fwcfg.offset++;
	return (uint8_t)host_fwcfg_read(value);
}

static void select_in_dma(uint32_t control)
{
	if ((control & DMA_SELECT) != 0)
		host_fwcfg_select((uint16_t)(control >> 16));
}

/* What is read beyond the end is zeros. */
static bool dma_read(uint64_t length, uint64_t address)
{
	uint64_t present = host_fwcfg_available(length);
	uint8_t *to = host_place(address, length);

	if (host.fwcfg.dry) {
		host.fwcfg.offset += length;
		return true;
	}
	if ((length != 0 && to == NULL) || !host_fwcfg_copy(present, address))
		return false;
	if (length > present)
		memset(to + present, 0, length - present);
	host.fwcfg.offset += length - present;
	return true;
}

static bool dma_write(uint64_t length, uint64_t address)
{
	const struct host_item *item = host_fwcfg_selected();
	const void *from = host_memory(address, length);

	if (item == NULL || !item->writable || from == NULL || host.fwcfg.offset > item->size ||
	    length > item->size - host.fwcfg.offset)
		return false;
	memcpy(item->bytes + host.fwcfg.offset, from, length);
	host.fwcfg.offset += length;
	return true;
}

static bool run_dma(uint32_t control, uint32_t length, uint64_t address)
{
	if ((control & DMA_READ) != 0)
		return dma_read(length, address);
	if ((control & DMA_WRITE) != 0)
		return dma_write(length, address);
	if ((control & DMA_SKIP) != 0)
		host.fwcfg.offset += length;
	return true;
}

/* The address is 0 again after each command: fw_cfg_dma_transfer(). */
static void do_dma(void)
{
	static const struct host_fwcfg_dma dma = {select_in_dma, run_dma};
	uint64_t place = dma_address;

	dma_address = 0;
	host_fwcfg_do_dma(&dma, place);
}

/* The address reads as "QEMU CFG": fw_cfg_dma_mem_read(). */
static uint32_t read_signature(unsigned offset)
{
	return (uint32_t)host_fwcfg_read(__builtin_bswap32(offset == 0 ? 0x51454d55 : 0x20434647));
}

static uint32_t port_read(uint16_t port, unsigned width)
{
	if (port == FWCFG_PORT_DATA && width == 1)
		return read_data();
	if ((port == FWCFG_PORT_DMA_HIGH || port == FWCFG_PORT_DMA_LOW) && width == 4)
		return read_signature(port - FWCFG_PORT_DMA_HIGH);
	return 0xffffffffu;
}

static void port_write(uint16_t port, unsigned width, uint32_t value)
{
	if (port == FWCFG_PORT_SELECT && width == 2) {
		host_fwcfg_select_by_register((uint16_t)value);
	} else if (port == FWCFG_PORT_DMA_HIGH && width == 4) {
		dma_address = (uint64_t)__builtin_bswap32(value) << 32;
	} else if (port == FWCFG_PORT_DMA_LOW && width == 4) {
		dma_address |= __builtin_bswap32(value);
		do_dma();
	}
}

static uint64_t mmio_read(uint64_t offset, unsigned width)
{
	if (offset == FWCFG_REGISTER_DATA && width == 1)
		return read_data();
	if (offset == FWCFG_REGISTER_DMA && width == 4)
		return read_signature(0);
	return ~0ul;
}

static void mmio_write(uint64_t offset, unsigned width, uint64_t value)
{
	if (offset == FWCFG_REGISTER_SELECT && width == 2) {
		host_fwcfg_select_by_register(__builtin_bswap16((uint16_t)value));
	} else if (offset == FWCFG_REGISTER_DMA && width == 8) {
		dma_address = __builtin_bswap64(value);
		do_dma();
	}
}

static void add_items(void)
{
	dma_address = 0;
	host_fwcfg_item(FWCFG_KEY_SIGNATURE, "QEMU", 4);
	host_fwcfg_item(FWCFG_KEY_ID, "\3\0\0\0", 4);
}

void host_add_qemu_fwcfg(void)
{
	const struct host_device device = {FWCFG_PORT_SELECT, FWCFG_PORT_LAST, port_read,
					   port_write};

	host_add_device(&device);
	add_items();
}

void host_add_qemu_mmio_fwcfg(uint64_t address)
{
	const struct host_mmio_device device = {address, FWCFG_REGISTER_DMA + 8, mmio_read,
						mmio_write};

	host_add_mmio_device(&device);
	add_items();
}
