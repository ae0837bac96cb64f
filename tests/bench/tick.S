/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The tick probe for AArch64: an arm64 Image, and an EFI application for the sake of
 * AAVMF, whose first act is to read the counter. It prints the count as 16 hex digits
 * and a newline on the PL011 and powers the machine off. It touches no memory.
 */
#define PL011      0x09000000
#define SYSTEM_OFF 0x84000008

/* Linux Documentation/arch/arm64/booting.rst, 4; the first instruction reads as "MZ". */
start:
	add	x13, x18, #0x16
	b	image_entry
	.quad	0                       /* text_offset */
	.quad	0x200000                /* image_size */
	.quad	0xa                     /* little-endian, 4 KiB pages, anywhere */
	.quad	0, 0, 0
	.ascii	"ARM\x64"
	.long	pe - start

/* Microsoft PE Format: COFF header, optional header PE32+, one section. */
	.balign	8
pe:	.ascii	"PE\0\0"
	.short	0xaa64, 1               /* Machine, NumberOfSections */
	.long	0, 0, 0
	.short	section - optional, 0x206 /* executable, line numbers and debug stripped */
optional:
	.short	0x20b                   /* PE32+ */
	.byte	0, 0
	.long	0x1000, 0, 0            /* sizes of code and of data */
	.long	efi_entry - start
	.long	0x1000                  /* BaseOfCode */
	.quad	0                       /* ImageBase */
	.long	0x1000, 0x200           /* SectionAlignment, FileAlignment */
	.short	0, 0, 0, 0, 0, 0
	.long	0
	.long	0x2000, 0x1000          /* SizeOfImage, SizeOfHeaders */
	.long	0
	.short	10, 0                   /* EFI application */
	.quad	0, 0, 0, 0
	.long	0, 0                    /* no data directories */
section:
	.ascii	".text\0\0\0"
	.long	0x1000, 0x1000, 0x200, 0x1000 /* the code, at 0x1000 in memory and file */
	.long	0, 0
	.short	0, 0
	.long	0x60000020              /* code, execute, read */

	.org	start + 0x1000
image_entry:
efi_entry:
	mrs	x0, cntvct_el0
	movk	x1, #0x6b6c, lsl #48    /* for count.c: bench has its bytes, too */
	mov	x1, #PL011
	mov	w2, #16
1:	ror	x0, x0, #60
	and	w3, w0, #15
	cmp	w3, #10
	add	w4, w3, #'0'
	add	w5, w3, #'a' - 10
	csel	w3, w4, w5, lo
	str	w3, [x1]
	subs	w2, w2, #1
	b.ne	1b
	mov	w3, #'\n'
	str	w3, [x1]
	ldr	w0, =SYSTEM_OFF
	mrs	x1, CurrentEL
	cmp	x1, #2 << 2
	b.eq	2f
	hvc	#0
2:	smc	#0
3:	b	3b
