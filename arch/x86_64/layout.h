/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fixed addresses below 1 MiB, shared by C and by nasm: module.mk turns every
 * #define of a hexadecimal number into a %define. The area [0x30000, 0x9f000) is ours
 * (architecture, rulings 3); what lies above WORK_AREA_END is allocated from the
 * memory map.
 *
 *   0x30000  page tables: six that the entry code fills, the rest on demand
 *   0x3e000  struct arch_state: GDT, TSS, IDT, stack protector's canary
 *   0x3f000  code and MSR table of the other processors while they start
 *   0x40000  unmapped
 *   0x41000  stack, 64 KiB
 *   0x51000  unmapped
 *   0x52000  stack of the exception report
 *   0x53000  what a resume from S3 needs to know; survives the boot, as all of the
 *            above does where a resume is possible
 */
#ifndef ARCH_X86_64_LAYOUT_H
#define ARCH_X86_64_LAYOUT_H

#define WORK_AREA_START       0x30000
#define PML4_TABLE            0x30000
#define PDPT_TABLE            0x31000
#define LOW_PD_TABLE          0x32000
#define LOW_PT_TABLE          0x33000
#define HIGH_PD_TABLE         0x34000
#define ROM_PT_TABLE          0x35000
#define TABLE_POOL_START      0x36000
#define TABLE_POOL_END        0x3e000
#define ARCH_STATE            0x3e000
#define AP_PAGE               0x3f000
#define STACK_GUARD           0x40000
#define STACK_TOP             0x51000
#define EXCEPTION_STACK_GUARD 0x51000
#define EXCEPTION_STACK_TOP   0x53000
#define KEPT_PAGE             0x53000
#define WORK_AREA_END         0x54000

/*
 * Where a VMM may put a hash table, as the image's GUIDed table says; Cloud Hypervisor knows it by
 * heart. We never write there.
 */
#define HASH_BLOCK      0x10c00
#define HASH_BLOCK_SIZE 0x400

/* The image: 64 KiB, in ROM below 4 GiB or where its LOAD segments put it. */
#define IMAGE_SIZE   0x10000
#define IMAGE_IN_ROM 0xffff0000
#define IMAGE_IN_RAM 0x100000

/* Offset in the image's first page, which linker/x86_64.ld writes. */
#define HEADER_TEXT_START 0x100

/* Selectors. The boot protocol wants code at 0x10 and data at 0x18. */
#define SELECTOR_CODE32 0x08
#define SELECTOR_CODE64 0x10
#define SELECTOR_DATA   0x18
#define SELECTOR_TSS    0x20

/* For the way to real mode, in the place of the TSS. */
#define SELECTOR_CODE16 0x20
#define SELECTOR_DATA16 0x28
#define REAL_STACK      0x4100 /* segment of the stack's pages, and its top */
#define REAL_STACK_TOP  0xfff0

/* Extended feature enable register: Intel SDM vol. 3, 2.2.1. */
#define MSR_EFER 0xc0000080
#define EFER_LME 0x100
#define EFER_NXE 0x800

/* Offsets in struct arch_state. */
#define STATE_CANARY 0x28
#define STATE_IDT    0xe0

/* Offsets in AP_PAGE. */
#define AP_IDS     0x0d8 /* bits */
#define AP_ARRIVED 0x0f8
#define AP_MSRS    0x100

#endif
