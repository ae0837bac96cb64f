/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the first byte of the image to C with MMU and caches on. We are entered
 * with the MMU off, at EL1, EL2 or EL3: by QEMU -bios and by Cloud Hypervisor in flash at
 * address 0, or as an arm64 Image at a 2 MiB boundary of RAM.
 */
#include "arch/aarch64/layout.h"

#define HEADER_LITTLE_ENDIAN_4K_ANYWHERE 0xa

/* PL011 registers: Arm DDI 0183, 3.2. */
#define UARTDR      0x00
#define UARTFR      0x18
#define UARTFR_TXFF 5

/* ID_AA64PFR0_EL1: no vector registers where this bit of the field is set. Arm ARM D19.2.69. */
#define PFR0_FP_NONE 19

/*
 * Whether vector registers trap: CPACR_EL1 (D19.2.31), and CPTR_EL2 (D19.2.35) in its two
 * layouts, the second of which is CPACR_EL1's.
 */
#define CPACR_FPEN    (3 << 20)
#define CPTR_EL2_RES1 0x33ff
#define HCR_E2H       34

/* In one round. */
#define INVALIDATE_LINES 16

/* A character leaves in far less than this number of reads. */
#define UART_WAIT_READS 0x10000

/*
 * TPIDR_EL0 counts exceptions: one that is reported, and those that its report may meet.
 * From LAST_WORDS on it tells how far last_resort has come.
 */
#define EXCEPTIONS_MAX 3
#define LAST_WORDS     0x100
#define LAST_POWER_OFF 0x200

/* From VBAR on, which is the start of the image. */
#define VECTORS_OWN_STACK 0x200
#define VECTOR_SIZE       0x80

	.section .head, "ax"

/* Linux Documentation/arch/arm64/booting.rst, 4. */
	.global image_start
image_start:
	b	entry
	.long	0
	.quad	0                       /* text_offset */
	.quad	image_end - image_start + WORK_SIZE /* image_size */
	.quad	HEADER_LITTLE_ENDIAN_4K_ANYWHERE
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	0

/* x0 = device tree, or 0; MMU and data cache off; no stack. */
entry:
	msr	daifset, #0xf
	msr	spsel, #1
	msr	tpidr_el0, xzr          /* exceptions so far */
	msr	sp_el0, xzr             /* no struct arch_state */
	adr	x1, image_start         /* vectors */
	mrs	x2, CurrentEL
	cmp	x2, #2 << 2
	b.hi	refuse_el3
	b.eq	1f
	msr	vbar_el1, x1
	b	2f
1:	msr	vbar_el2, x1
	mrs	x2, hcr_el2
	tbnz	x2, #HCR_E2H, 2f
	mov	x2, #CPTR_EL2_RES1
	msr	cptr_el2, x2
	b	3f
2:	mrs	x2, cpacr_el1
	orr	x2, x2, #CPACR_FPEN
	msr	cpacr_el1, x2
3:	isb
	mrs	x2, id_aa64pfr0_el1
	tbnz	x2, #PFR0_FP_NONE, refuse_no_vectors

	/* x19 = image, x20 = device tree, x21 = work area */
	adr	x19, image_start
	mov	x20, x0
	cbnz	x20, 3f
	mov	x20, #DEFAULT_FDT
3:
	/* In RAM we have the room behind us that image_size asked for. */
	adrp	x21, image_end
	cbnz	x19, 6f
	/*
	 * Else it is at the top of the device tree's block (rulings 22), or where the tree
	 * is not: at the start of the block, or of the next one. A thing that is no tree is
	 * not looked at.
	 */
	mov	x1, #DEFAULT_FDT
	mov	w2, wzr                 /* totalsize */
	tst	x20, #7
	b.ne	4f
	ldr	w3, [x20]
	ldr	w4, =FDT_MAGIC_LITTLE_ENDIAN
	cmp	w3, w4
	b.ne	4f
	mov	x1, x20
	ldr	w2, [x20, #4]
	rev	w2, w2
4:	orr	x3, x1, #BLOCK_SIZE - 1
	add	x3, x3, #1
	sub	x21, x3, #WORK_SIZE
	add	x4, x1, x2
	cmp	x4, x21
	b.ls	6f
	mov	x21, x3
	sub	x3, x3, #BLOCK_SIZE
	sub	x4, x1, x3
	ldr	x5, =WORK_SIZE
	cmp	x4, x5
	b.lo	6f
	mov	x21, x3
6:
	add	x1, x21, #WORK_STACK_TOP
	mov	sp, x1

	/* mmu_build(image, work area, values): tables, and what the registers get. */
	sub	sp, sp, #48
	mov	x0, x19
	mov	x1, x21
	mov	x2, sp
	bl	mmu_build
	ldp	x4, x5, [sp]            /* MAIR, TCR */
	ldp	x6, x7, [sp, #16]       /* TTBR0, SCTLR */
	ldr	x8, [sp, #32]           /* end of the tables in use */

	/*
	 * The tables and the state were written around the caches. What a cache holds of
	 * these places, from before us, must not be believed. The stack starts anew.
	 */
	dsb	sy
	mov	x0, x21
	bl	invalidate
	add	x0, x21, #WORK_STATE
	add	x8, x0, #WORK_STATE_SIZE
	bl	invalidate
	dsb	sy

	mrs	x2, CurrentEL
	cmp	x2, #2 << 2
	b.eq	1f
	msr	mair_el1, x4
	msr	tcr_el1, x5
	msr	ttbr0_el1, x6
	isb
	tlbi	vmalle1
	ic	iallu
	dsb	nsh
	isb
	msr	sctlr_el1, x7
	b	2f
1:	msr	mair_el2, x4
	msr	tcr_el2, x5
	msr	ttbr0_el2, x6
	isb
	tlbi	alle2
	ic	iallu
	dsb	nsh
	isb
	msr	sctlr_el2, x7
2:	isb

	add	x1, x21, #WORK_STATE
	msr	sp_el0, x1
	add	x1, x21, #WORK_STACK_TOP
	mov	sp, x1
	mov	x29, xzr
	mov	x30, xzr
	mov	x0, x20
	b	arch_start              /* arch_start(fdt), never returns */

/*
 * Every exception is the end: x0 = its number, x1 = the stack pointer. Of the sixteen vectors
 * these four are all that can be taken: we run with SP_ELx, and nothing runs below us. In
 * the place of the others there is code. Arm ARM D1.3.1.
 */
	.org	VECTORS_OWN_STACK
	.set	number, VECTORS_OWN_STACK / VECTOR_SIZE
	.rept	4
	.balign	VECTOR_SIZE
	mov	x1, sp
	mrs	x0, tpidr_el0
	add	x0, x0, #1
	msr	tpidr_el0, x0
	cmp	x0, #EXCEPTIONS_MAX
	b.hi	last_resort
	mrs	x0, sp_el0
	cbz	x0, last_resort
	add	x0, x0, #WORK_EXCEPTION_STACK_TOP - WORK_STATE
	mov	sp, x0
	mov	x0, #number
	b	arch_exception
	.set	number, number + 1
	.endr

/* Invalidates the data cache over [x0, x8), and some lines more. Clobbers x1, x2, x0. */
invalidate:
	mrs	x1, ctr_el0
	ubfx	x1, x1, #16, #4
	mov	x2, #4
	lsl	x2, x2, x1
1:	.rept	INVALIDATE_LINES
	dc	ivac, x0
	add	x0, x0, x2
	.endr
	cmp	x0, x8
	b.lo	1b
	ret

/*
 * At EL3 there is no PSCI, and all CPUs come here at once (rulings 19). The first one
 * explains; nobody can end the machine.
 */
refuse_el3:
	mrs	x1, mpidr_el1
	ldr	x2, =0xff00ffffff
	tst	x1, x2
	b.ne	halt
	adr	x2, el3_text
	bl	print
halt:	wfi
	b	halt

/* The compiler makes use of them, as Linux's user space does on arm64. */
refuse_no_vectors:
	adr	x2, vectors_text
	b	end_with

/* Prints the text at x2 on QEMU virt's PL011, if that takes it. Clobbers x1-x5. */
print:
	mov	x1, #DEFAULT_PL011
1:	ldrb	w3, [x2], #1
	cbz	w3, 3f
	mov	w5, #UART_WAIT_READS
2:	ldr	w4, [x1, #UARTFR]
	tbz	w4, #UARTFR_TXFF, 4f
	subs	w5, w5, #1
	b.ne	2b
3:	ret
4:	str	w3, [x1, #UARTDR]
	b	1b

/*
 * An exception without a stack or a state to report it with: before the MMU is on, or while
 * another is reported. Each step is tried once, since it may end in an exception too.
 */
last_resort:
	mrs	x0, tpidr_el0
	cmp	x0, #LAST_POWER_OFF
	b.hs	halt
	cmp	x0, #LAST_WORDS
	b.hs	1f
	adr	x2, last_text
end_with:
	mov	x0, #LAST_WORDS
	msr	tpidr_el0, x0
	bl	print
1:	mov	x0, #LAST_POWER_OFF
	msr	tpidr_el0, x0
	ldr	w0, =PSCI_SYSTEM_OFF
	mrs	x1, CurrentEL
	cmp	x1, #2 << 2
	b.eq	2f
	hvc	#0
	b	halt
2:	smc	#0
	b	halt

el3_text:
	.asciz	"slipway: FATAL entry unsupported: started at EL3 (secure=on), not at EL1 or EL2\r\n"
vectors_text:
	.asciz	"slipway: FATAL entry unsupported: the CPU has no vector registers\r\n"
last_text:
	.asciz	"slipway: FATAL cpu fault: an exception that cannot be reported: no RAM for us?\r\n"
	.balign	4
	.ltorg

/* Sets [x5, x6) to 0, memory too, not caches alone; 16 KiB or a multiple. Clobbers x7-x9, v0. */
wipe_stack:
	mov	x9, #4                  /* of both registers the field counts words */
	mrs	x7, dczid_el0
	mrs	x8, ctr_el0
	ubfx	x8, x8, #16, #4
	cmp	x7, x8                  /* it is allowed, and sets one line */
	lsl	x8, x9, x8
	mov	x7, x5
	b.ne	2f
1:	.rept	8
	dc	zva, x7
	dc	civac, x7
	add	x7, x7, x8
	.endr
	cmp	x7, x6
	b.lo	1b
	ret
2:	movi	v0.2d, #0
3:	.rept	4
	stp	q0, q0, [x7], #32
	.endr
	cmp	x7, x6
	b.lo	3b
	mov	x7, x5
4:	.rept	4
	dc	civac, x7
	add	x7, x7, x8
	.endr
	cmp	x7, x6
	b.lo	4b
	ret

/*
 * enter_linux(entry, fdt, sctlr, work area): leaves the firmware, with the MMU and the data
 * cache off and the exception level as it was. Ranges have been cleaned. The stack, the stack
 * protector's canary and all registers are wiped: an exception from here on has no stack to be
 * reported with.
 */
	.global	enter_linux
enter_linux:
	mov	x4, x0
	mov	x0, x1
	msr	sp_el0, xzr
	add	x5, x3, #WORK_STATE
	str	xzr, [x5]
	dc	civac, x5
	add	x5, x3, #WORK_STACK_GUARD + 0x1000
	add	x6, x3, #WORK_STACK_TOP
	bl	wipe_stack
	dsb	sy
	mrs	x3, CurrentEL
	cmp	x3, #2 << 2
	b.eq	1f
	msr	sctlr_el1, x2
	isb
	tlbi	vmalle1
	b	2f
1:	msr	sctlr_el2, x2
	isb
	tlbi	alle2
2:	ic	iallu
	dsb	nsh
	isb
	.irp	number, 1, 2, 3, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, \
		23, 24, 25, 26, 27, 28, 29, 30
	mov	x\number, xzr
	.endr
	.irp	number, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, \
		22, 23, 24, 25, 26, 27, 28, 29, 30, 31
	movi	v\number\().2d, #0
	.endr
	br	x4
