/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FWCFG_TRANSPORT_H
#define FWCFG_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The registers of fw_cfg, which are ports on x86 (ports.c) and memory on AArch64
 * (mmio.c): an image has one of the two. @registers is that of struct fwcfg_device.
 */

/** The first four bytes of "QEMU CFG". */
#define TRANSPORT_SIGNATURE 0x554d4551u

/** Selects the item with number @key, at its start. */
void transport_select(uint64_t registers, uint16_t key);

/** Reads the next @count bytes of the selected item, one access each. */
void transport_read(uint64_t registers, void *buffer, size_t count);

/**
 * Whether the DMA register reads as the signature that QEMU has there (fw_cfg.rst, "Guest-side DMA
 * interface"), which tells that there is a device, and that it has DMA.
 */
bool transport_has_qemu_dma(uint64_t registers);

/**
 * Starts the DMA command at physical address @address. @qemu: the upper half of the
 * address register is 0 before each command, as QEMU leaves it.
 */
void transport_start_dma(uint64_t registers, uint64_t address, bool qemu);

#endif
