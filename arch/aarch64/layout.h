/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The work area, shared by C and assembly: RAM for everything that changes. Offsets
 * from its start; where it starts is entry.S's choice.
 *
 *   0x00000  translation tables
 *   0x10000  struct arch_state, WORK_STATE_SIZE bytes
 *   0x11000  unmapped
 *   0x12000  stack, 32 KiB: the deepest calls of a boot need 30 (tests/qemu/aarch64/test_stack.py),
 *            and all of it is wiped at the end
 *   0x1a000  unmapped
 *   0x1b000  stack of the exception report
 */
#ifndef ARCH_AARCH64_LAYOUT_H
#define ARCH_AARCH64_LAYOUT_H

#define WORK_TABLES                0x00000
#define WORK_TABLES_END            0x10000
#define WORK_STATE                 0x10000
#define WORK_STATE_SIZE            0x100
#define WORK_STACK_GUARD           0x11000
#define WORK_STACK_TOP             0x1a000
#define WORK_EXCEPTION_STACK_GUARD 0x1a000
#define WORK_EXCEPTION_STACK_TOP   0x1c000
#define WORK_SIZE                  0x1c000

/*
 * QEMU's virt machine, before the device tree is read (rulings 20): RAM with the device
 * tree at its start, and the console.
 */
#define DEFAULT_FDT   0x40000000
#define DEFAULT_PL011 0x09000000

/* PSCI function: Arm DEN 0022, 5.1.9. */
#define PSCI_SYSTEM_OFF 0x84000008

#define FDT_MAGIC_LITTLE_ENDIAN 0xedfe0dd0

/* The block that one second-level entry maps. */
#define BLOCK_SIZE 0x200000

#endif
