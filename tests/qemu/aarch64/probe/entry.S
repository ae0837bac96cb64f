/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where the AArch64 probe begins: the header of an arm64 Image, of which image.py fills
 * all but the first two words, the configuration, the stack, vectors and the way into C.
 * Offsets up to probe_vectors are those of probe.py.
 */

	.section .text.entry, "ax"
	.global probe_start
probe_start:
	add	x13, x18, #0x16		/* "MZ", as in a kernel with an EFI stub */
	b	entry
	.org	0x100			/* struct config */
	.org	0x200
	.org	0x2200
stack_top:

	.org	0x2800
probe_vectors:
	.set	number, 0
	.rept	16
	.balign	0x80
	mov	x0, #number
	b	exception
	.set	number, number + 1
	.endr

/* Entered at EL1 or EL2 by the kernel's boot protocol: MMU off, x0 = device tree. */
	.balign	0x80
entry:
	mrs	x9, spsel
	msr	spsel, #1
	adr	x10, stack_top
	mov	sp, x10
	/* struct entry_state */
	mrs	x11, daif
	stp	x9, x11, [sp, #-16]!
	stp	x2, x3, [sp, #-16]!
	stp	x0, x1, [sp, #-16]!
	adr	x10, probe_vectors
	mrs	x9, CurrentEL
	cmp	x9, #(2 << 2)
	b.eq	1f
	msr	vbar_el1, x10
	b	2f
1:	msr	vbar_el2, x10
2:	isb
	mov	x0, sp
	b	probe_main

/* x0 = number of the vector; the stack may be what went wrong. */
exception:
	msr	spsel, #1
	adr	x10, stack_top
	mov	sp, x10
	b	probe_fault
