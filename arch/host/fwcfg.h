/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCH_HOST_FWCFG_H
#define ARCH_HOST_FWCFG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Between the models of fw_cfg devices: what they share is the store of items with its counts
 * and faults (fwcfg.c). Each VMM's registers and DMA commands are in a file of its own.
 */

#define FWCFG_PORT_SELECT   0x510
#define FWCFG_PORT_DATA     0x511
#define FWCFG_PORT_DMA_HIGH 0x514
#define FWCFG_PORT_DMA_LOW  0x518
#define FWCFG_PORT_LAST     0x51b

#define FWCFG_REGISTER_DATA   0
#define FWCFG_REGISTER_SELECT 8
#define FWCFG_REGISTER_DMA    16

#define FWCFG_KEY_SIGNATURE  0x00
#define FWCFG_KEY_ID         0x01
#define FWCFG_KEY_DIRECTORY  0x19
#define FWCFG_KEY_FIRST_FILE 0x20

/** The item that is selected, or NULL where there is none with its number. */
const struct host_item *host_fwcfg_selected(void);

/** Bytes that the selected item still has, at most @length. Asking for more is counted. */
uint64_t host_fwcfg_available(uint64_t length);

/** Counts a read by register, and gives what the guest gets for @value. */
uint64_t host_fwcfg_read(uint64_t value);

/** Selects an item at its start; by register, which is counted, or in a DMA command. */
void host_fwcfg_select_by_register(uint16_t key);
void host_fwcfg_select(uint16_t key);

/** How a VMM understands a DMA command. */
struct host_fwcfg_dma {
	/** What the control bits do to the selection. */
	void (*select)(uint32_t control);
	/** False: the command fails. */
	bool (*run)(uint32_t control, uint32_t length, uint64_t address);
};

/** Fetches the command at @place, runs it, logs it, and writes its result. */
void host_fwcfg_do_dma(const struct host_fwcfg_dma *dma, uint64_t place);

/** Copies @length bytes of the selected item, which it has, to @address. */
bool host_fwcfg_copy(uint64_t length, uint64_t address);

void host_add_qemu_fwcfg(void);
void host_add_qemu_mmio_fwcfg(uint64_t address);
void host_add_cloud_hypervisor_fwcfg(void);
void host_add_cloud_hypervisor_mmio_fwcfg(uint64_t address);
void host_add_crosvm_fwcfg(void);

#endif
