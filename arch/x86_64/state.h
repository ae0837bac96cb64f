/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCH_X86_64_STATE_H
#define ARCH_X86_64_STATE_H

#include <stddef.h>
#include <stdint.h>

#include "arch/x86_64/layout.h"

/** 64-bit task state segment: Intel SDM vol. 3, 8.7. */
struct tss {
	uint32_t reserved0;
	uint32_t rsp[6];
	uint32_t reserved1[2];
	uint32_t ist1[2];
	uint32_t ist2_to_7[12];
	uint32_t reserved2[2];
	uint16_t reserved3;
	uint16_t io_map_base;
};
_Static_assert(sizeof(struct tss) == 104, "Intel SDM vol. 3, figure 8-11");
_Static_assert(offsetof(struct tss, ist1) == 36, "Intel SDM vol. 3, figure 8-11");

/**
 * 64-bit interrupt gate: Intel SDM vol. 3, figure 6-8. [0]: offset 15:0, selector, IST, type,
 * offset 31:16; [1]: offset 63:32. A vector, which is written by one instruction.
 */
typedef uint64_t idt_gate __attribute__((vector_size(16)));

#define EXCEPTIONS 32
#define VECTOR_NMI 2

/**
 * What the CPU and the compiler look up at fixed places, at ARCH_STATE. The
 * image has no writable globals; everything that is not this is on the stack.
 */
struct arch_state {
	uint64_t dying; /**< an exception is reported */
	uint64_t reserved[4];
	uint64_t canary; /**< gs:0x28, where -mstack-protector-guard-reg=gs looks */
	uint64_t image;  /**< physical address of the running image */
	uint64_t nx;     /**< no-execute bit of a page-table entry, or 0 */
	uint64_t next_table;
	uint64_t gdt[6];
	struct tss tss;
	idt_gate idt[EXCEPTIONS];
};
_Static_assert(offsetof(struct arch_state, canary) == STATE_CANARY, "layout.h, module.mk");
_Static_assert(offsetof(struct arch_state, idt) == STATE_IDT, "layout.h");
_Static_assert(sizeof(struct arch_state) <= AP_PAGE - ARCH_STATE, "one page");

static inline struct arch_state *arch_state(void)
{
	return (struct arch_state *)ARCH_STATE;
}

#endif
