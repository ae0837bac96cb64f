/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PCI_REGISTERS_H
#define PCI_REGISTERS_H

/*
 * Configuration space: PCI Local Bus 3.0, 6.1 and 6.2; PCI-to-PCI Bridge 1.2, 3.2.
 * Offsets are those of whole 32-bit registers.
 */
#define PCI_ID         0x00
#define PCI_COMMAND    0x04
#define PCI_CLASS      0x08
#define PCI_HEADER     0x0c /* type in bits 16-23 */
#define PCI_BAR        0x10
#define PCI_CAPABILITY 0x34
#define PCI_INTERRUPT  0x3c

#define PCI_BUSES           0x18 /* primary, secondary, subordinate, latency timer */
#define PCI_IO_WINDOW       0x1c
#define PCI_MEMORY_WINDOW   0x20
#define PCI_PREF_WINDOW     0x24
#define PCI_PREF_BASE_HIGH  0x28
#define PCI_PREF_LIMIT_HIGH 0x2c
#define PCI_IO_WINDOW_HIGH  0x30

#define COMMAND_IO     0x0001u
#define COMMAND_MEMORY 0x0002u
#define COMMAND_MASTER 0x0004u
#define COMMAND_SERR   0x0100u

#define HEADER_TYPE     0x7fu
#define HEADER_MULTI    0x80u
#define HEADER_FUNCTION 0u
#define HEADER_BRIDGE   1u

#define CLASS_VGA         0x0300u
#define CLASS_HOST_BRIDGE 0x0600u
#define CLASS_ISA_BRIDGE  0x0601u

#define BAR_IO            0x1u
#define BAR_IO_FLAGS      0x3u
#define BAR_MEMORY_FLAGS  0xfu
#define BAR_TYPE          0x6u
#define BAR_TYPE_64       0x4u
#define BAR_TYPE_RESERVED 0x6u
#define BAR_PREFETCHABLE  0x8u

/* Of base and limit of a window: bits of the address, and what it can do. */
#define IO_WINDOW_BASE   0x000000f0u
#define IO_WINDOW_STEP   0x00000010u
#define IO_WINDOW_BITS   0x0000f0f0u
#define PREF_WINDOW_BASE 0x0000fff0u
#define PREF_WINDOW_BITS 0xfff0fff0u
#define PREF_WINDOW_TYPE 0x0000000fu
#define PREF_WINDOW_64   0x1u
/* Highest base, lowest limit: nothing passes. */
#define IO_WINDOW_CLOSED     0x000000f0u
#define MEMORY_WINDOW_CLOSED 0x0000fff0u

#define BRIDGE_CONTROL_SERR 0x0002u
#define BRIDGE_CONTROL_VGA  0x0008u

#define CAPABILITY_FIRST   0x40
#define CAPABILITIES_MAX   48 /* of 4 bytes, from there to the end */
#define CAPABILITY_VENDOR  0x09
#define CAPABILITY_EXPRESS 0x10

/* PCI Express capabilities register, in the upper half of the first: PCI Express 3.0, 7.8.2. */
#define EXPRESS_TYPE(first)     ((first) >> 20 & 0xf)
#define EXPRESS_SLOT            0x01000000u
#define EXPRESS_ROOT_PORT       0x4u
#define EXPRESS_UPSTREAM_PORT   0x5u
#define EXPRESS_DOWNSTREAM_PORT 0x6u
#define EXPRESS_TO_PCI          0x7u

/* QEMU docs/pcie_pci_bridge.txt, hw/pci/pci_bridge.c: hints for what will be plugged in. */
#define ID_QEMU_BRIDGE     0x00011b36u
#define ID_QEMU_ROOT_PORT  0x000c1b36u
#define RESERVE_LENGTH     32u
#define RESERVE_TYPE       1u
#define RESERVE_BUS        4
#define RESERVE_IO         8
#define RESERVE_MEMORY     16
#define RESERVE_PREF32     20
#define RESERVE_PREF64     24
#define RESERVE_END_OFFSET (0x100 - RESERVE_LENGTH)

#endif
