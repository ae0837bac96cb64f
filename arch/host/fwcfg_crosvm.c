/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdio.h>
#include <stdlib.h>

#include "arch/host/fwcfg.h"
#include "arch/host/host.h"

/*
 * crosvm's fw_cfg device: devices/src/fw_cfg.rs. It has no DMA, four ports, and is on x86
 * alone (x86_64/src/lib.rs, setup_fw_cfg_device()).
 */

#define PORT_LAST 0x513 /* FW_CFG_WIDTH */

#define SELECTOR_ARCH 0x4000 /* FW_CFG_SELECTOR_ARCH_MASK */

/* FwCfgDevice::read(): one byte at a time, 0 from the end on; Bus::read() gives zeros besides. */
static uint32_t port_read(uint16_t port, unsigned width)
{
	uint8_t value = 0;

	if (port != FWCFG_PORT_DATA || width != 1)
		return 0;
	if (host_fwcfg_available(1) == 1)
		value = host_fwcfg_selected()->bytes[host.fwcfg.offset++];
	return (uint8_t)host_fwcfg_read(value);
}

/*
 * FwCfgDevice::write(): a key that does not exist leaves the item selected before, at its
 * start. One with the bit for items of an architecture, of which there are none, ends crosvm at
 * the next read, by an index out of bounds.
 */
static void port_write(uint16_t port, unsigned width, uint32_t value)
{
	uint16_t before = host.fwcfg.selected;

	if (port != FWCFG_PORT_SELECT || width != 2)
		return;
	if ((value & SELECTOR_ARCH) != 0) {
		fprintf(stderr, "arch/host: crosvm panics after key 0x%x\n", value);
		abort();
	}
	host_fwcfg_select_by_register((uint16_t)value);
	if (value >= FWCFG_KEY_FIRST_FILE && host_fwcfg_selected() == NULL)
		host_fwcfg_select(before);
}

/* FW_CFG_REVISION: the bytes 0, 0, 0, 1, as if the item were big-endian. */
void host_add_crosvm_fwcfg(void)
{
	const struct host_device device = {FWCFG_PORT_SELECT, PORT_LAST, port_read, port_write};

	host_add_device(&device);
	host_fwcfg_item(FWCFG_KEY_SIGNATURE, "QEMU", 4);
	host_fwcfg_item(FWCFG_KEY_ID, "\0\0\0\1", 4);
}
