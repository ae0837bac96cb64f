/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "arch/host/fwcfg.h"
#include "arch/host/host.h"

/*
 * Cloud Hypervisor's fw_cfg device, as v53.0 has it: devices/src/legacy/fw_cfg.rs. The names
 * in the comments are of functions and types there.
 */

/* AccessControl: its unnamed fields have a width where others' have a position. */
#define DMA_READ   (1u << 1)
#define DMA_SKIP   (1u << 3)
#define DMA_SELECT (1u << 7)
#define DMA_WRITE  (1u << 15)

static uint64_t dma_address;

/* Of an item that does not exist nothing is read, not even zeros: FwCfg::read_data(). */
static bool has_item(void)
{
	return host.fwcfg.selected < FWCFG_KEY_FIRST_FILE || host_fwcfg_selected() != NULL;
}

/*
 * An access of several bytes, of which KVM makes one out of INS with REP too, is all zeros when
 * a single byte of it lies beyond the end: FwCfg::read_content().
 */
static uint64_t read_data(unsigned width)
{
	uint64_t value = 0;

	uint64_t present = host_fwcfg_available(width);
	if (!has_item())
		return host_fwcfg_read(~0ul);
	if (present == width)
		memcpy(&value, host_fwcfg_selected()->bytes + host.fwcfg.offset, width);
	host.fwcfg.offset += width;
	return host_fwcfg_read(value);
}

/* The bit itself is taken for the key, and the position stays: FwCfg::do_dma(). */
static void select_in_dma(uint32_t control)
{
	if ((control & DMA_SELECT) != 0)
		host.fwcfg.selected = 1;
}

/* What is beyond the end stays as it was in memory: FwCfg::dma_read_content(). */
static bool dma_read(uint32_t length, uint64_t address)
{
	if (host.fwcfg.dry) {
		host.fwcfg.offset += length;
		return true;
	}
	return has_item() && host_fwcfg_copy(host_fwcfg_available(length), address);
}

/* FwCfg::do_dma(): a command without READ or SKIP fails, one with WRITE too. */
static bool run_dma(uint32_t control, uint32_t length, uint64_t address)
{
	if ((control & DMA_READ) != 0)
		return dma_read(length, address);
	if ((control & DMA_WRITE) != 0 || (control & DMA_SKIP) == 0)
		return false;
	host.fwcfg.offset += length;
	return true;
}

/* BusDevice::read(): the address reads as it was written, so that no signature is there. */
static uint32_t port_read(uint16_t port, unsigned width)
{
	if (port == FWCFG_PORT_DATA)
		return (uint32_t)read_data(width);
	if (port == FWCFG_PORT_DMA_HIGH && width == 4)
		return __builtin_bswap32((uint32_t)(dma_address >> 32));
	if (port == FWCFG_PORT_DMA_LOW && width == 4)
		return __builtin_bswap32((uint32_t)dma_address);
	return 0xffffffffu;
}

/* BusDevice::write(): both halves stay after a command. */
static void port_write(uint16_t port, unsigned width, uint32_t value)
{
	static const struct host_fwcfg_dma dma = {select_in_dma, run_dma};

	if (port == FWCFG_PORT_SELECT && width == 2) {
		host_fwcfg_select_by_register((uint16_t)value);
	} else if (port == FWCFG_PORT_DMA_HIGH && width == 4) {
		dma_address = (dma_address & 0xffffffffu) | (uint64_t)__builtin_bswap32(value)
								    << 32;
	} else if (port == FWCFG_PORT_DMA_LOW && width == 4) {
		dma_address = (dma_address & ~0xfffffffful) | __builtin_bswap32(value);
		host_fwcfg_do_dma(&dma, dma_address);
	}
}

static uint64_t mmio_read(uint64_t offset, unsigned width)
{
	return offset == FWCFG_REGISTER_DATA ? read_data(width) : ~0ul;
}

static void mmio_write(uint64_t offset, unsigned width, uint64_t value)
{
	if (offset == FWCFG_REGISTER_SELECT && width == 2)
		host_fwcfg_select_by_register(__builtin_bswap16((uint16_t)value));
}

/* FwCfg::new(): a signature of eight bytes. */
static void add_items(void)
{
	dma_address = 0;
	host_fwcfg_item(FWCFG_KEY_SIGNATURE, "QEMU CFG", 8);
	host_fwcfg_item(FWCFG_KEY_ID, "\3\0\0\0", 4);
}

void host_add_cloud_hypervisor_fwcfg(void)
{
	const struct host_device device = {FWCFG_PORT_SELECT, FWCFG_PORT_LAST, port_read,
					   port_write};

	host_add_device(&device);
	add_items();
}

/* PORT_FW_CFG_WIDTH is 0x10 there, and the register for DMA begins at 0x10. */
void host_add_cloud_hypervisor_mmio_fwcfg(uint64_t address)
{
	const struct host_mmio_device device = {address, FWCFG_REGISTER_DMA, mmio_read, mmio_write};

	host_add_mmio_device(&device);
	add_items();
}
