; SPDX-License-Identifier: BSD-2-Clause
;
; From either entry to 64-bit C: the reset vector (Intel SDM vol. 3, 10.1.4) in
; 16-bit mode, and PVH (Xen docs/misc/pvh.pandoc) in 32-bit mode. They meet in
; entry32. Everything here is in the last page of the image, so an address is
; the image's base + PAGE_OFFSET + its offset in this section.

%include "layout.inc"

%define PAGE_OFFSET (IMAGE_SIZE - 0x1000)
%define IN_IMAGE(label) (PAGE_OFFSET + ((label) - page))
%define IN_ROM(label) (IMAGE_IN_ROM + IN_IMAGE(label))

%define CR0_RUN 0x80010033       ; PG, WP, NE, ET, MP, PE; caches on
%define CR4_RUN 0x220            ; OSFXSR, PAE
%define CPUID_NX (1 << 20)       ; 0x80000001 edx
%define CPUID_LM (1 << 29)
%define PTE_PRESENT_WRITE 3
%define PAGES_PER_ROUND 12
%define PTE_PRESENT 1
%define PTE_NX_HIGH 0x80000000   ; in the upper half of an entry
%define IDT (ARCH_STATE + STATE_IDT)
%define GATE_INTERRUPT 0x8e00    ; of both widths: present, of the highest privilege

section .reset.entry progbits alloc exec nowrite align=4096

extern arch_start
global pvh_entry

page:

; PVH entry. 32-bit, paging off, flat segments, ebx = address of hvm_start_info.
; The loader has put us at IMAGE_IN_RAM.
bits 32
pvh_entry:
	cli
	cld
	mov ebp, IMAGE_IN_RAM
	; fall through

; Both entries. 32-bit protected mode, paging off, flat cs and ds; ebp = base of
; the image, ebx = hvm_start_info, or anything after a reset. No stack yet.
entry32:
	mov esp, STACK_TOP
	sub esp, 8
	mov word [esp], gdt.end - gdt - 1
	lea eax, [ebp + IN_IMAGE(gdt)]
	mov [esp + 2], eax
	lgdt [esp]
	mov esp, STACK_TOP
	push dword SELECTOR_CODE32
	lea eax, [ebp + IN_IMAGE(.flat)]
	push eax
	retf
.flat:
	mov eax, SELECTOR_DATA
	mov ds, eax
	mov es, eax
	mov ss, eax
	mov fs, eax
	mov gs, eax

	; An NMI is ignored from here on. In protected mode its gate is at 2 * 8, in long mode at
	; 2 * 16, so that this table does for both, until arch_start() makes the one for all.
	; The image's base has no lower half.
	lea eax, [ebp + GATE_INTERRUPT]
	mov dword [IDT + 16], SELECTOR_CODE32 << 16 | IN_IMAGE(nmi32)
	mov [IDT + 20], eax
	mov dword [IDT + 32], SELECTOR_CODE64 << 16 | IN_IMAGE(nmi64)
	mov [IDT + 36], eax
	mov dword [IDT + 40], 0
	lidt [ebp + IN_IMAGE(nmi_idtr)]

	; Long mode and no-execute, or an explanation. esi = upper half of a
	; no-execute entry, edi = start_info from here on (cpuid writes ebx).
	mov edi, ebx
	mov eax, 0x80000000
	cpuid
	xor edx, edx
	cmp eax, 0x80000001
	jb .features
	mov eax, 0x80000001
	cpuid
.features:
	test edx, CPUID_LM
	jz no_long_mode
	xor esi, esi
	mov ebx, edi
	mov ecx, EFER_LME
	test edx, CPUID_NX
	jz .paging
	mov esi, PTE_NX_HIGH
	or ecx, EFER_NXE
.paging:
	push ecx
	mov eax, CR4_RUN
	mov cr4, eax

	; Empty page tables.
	xorps xmm0, xmm0
	mov edi, PML4_TABLE - TABLE_POOL_START
.clear:
%assign offset 0
%rep 64
	movaps [edi + TABLE_POOL_START + offset], xmm0
%assign offset offset + 16
%endrep
	add edi, offset
	jnz .clear

	; The first 2 MiB, and the 2 MiB that end at 4 GiB.
	mov dword [PML4_TABLE], PDPT_TABLE | PTE_PRESENT_WRITE
	mov dword [PDPT_TABLE], LOW_PD_TABLE | PTE_PRESENT_WRITE
	mov dword [PDPT_TABLE + 3 * 8], HIGH_PD_TABLE | PTE_PRESENT_WRITE
	mov dword [LOW_PD_TABLE], LOW_PT_TABLE | PTE_PRESENT_WRITE
	mov dword [HIGH_PD_TABLE + 511 * 8], ROM_PT_TABLE | PTE_PRESENT_WRITE

	; The work area: writable, no-execute, but for the two guard pages. Two entries at once.
	push esi
	push dword (WORK_AREA_START + 0x1000) | PTE_PRESENT_WRITE
	push esi
	push dword WORK_AREA_START | PTE_PRESENT_WRITE
	movups xmm0, [esp]
	movaps xmm1, [ebp + IN_IMAGE(two_pages)]
	mov edi, LOW_PT_TABLE + WORK_AREA_START / 0x1000 * 8
.work_area:
%assign entry 0
%rep PAGES_PER_ROUND / 2
	movaps [edi + entry], xmm0
	paddd xmm0, xmm1
%assign entry entry + 16
%endrep
	add edi, entry
	cmp edi, LOW_PT_TABLE + WORK_AREA_END / 0x1000 * 8
	jb .work_area
%if (WORK_AREA_END - WORK_AREA_START) % (PAGES_PER_ROUND * 0x1000) != 0
	%error "the work area is no multiple of the pages of a round"
%endif
	mov dword [LOW_PT_TABLE + STACK_GUARD / 0x1000 * 8], 0
	mov dword [LOW_PT_TABLE + EXCEPTION_STACK_GUARD / 0x1000 * 8], 0

	; The image: never writable; code is what begins with .text. Two entries at once, made in
	; the same place of the stack.
	mov edi, LOW_PT_TABLE + IMAGE_IN_RAM / 0x1000 * 8
	cmp ebp, IMAGE_IN_RAM
	je .image
	mov edi, ROM_PT_TABLE + (IMAGE_IN_ROM & 0x1fffff) / 0x1000 * 8
.image:
	lea eax, [ebp + PTE_PRESENT]
	mov [esp], eax
	add eax, 0x1000
	mov [esp + 8], eax
	mov dword [esp + 4], 0
	mov dword [esp + 12], 0
	movups xmm0, [esp]
%assign entry 0
%rep IMAGE_SIZE / 0x2000
	movaps [edi + entry], xmm0
	paddd xmm0, xmm1
%assign entry entry + 16
%endrep
	mov ecx, [ebp + HEADER_TEXT_START]
.constants:
	mov [edi + ecx * 8 - 4], esi
	dec ecx
	jnz .constants
	add esp, 16

	mov eax, PML4_TABLE
	mov cr3, eax
	mov ecx, MSR_EFER
	rdmsr
	pop ecx
	or eax, ecx
	mov ecx, MSR_EFER
	wrmsr
	mov eax, CR0_RUN
	mov cr0, eax
	push dword SELECTOR_CODE64
	lea eax, [ebp + IN_IMAGE(start64)]
	push eax
	retf

; A CPU without long mode. 32-bit, flat segments, ebp = base of the image. The
; consoles and the exit are those of arch_fatal(), which needs 64-bit mode.
no_long_mode:
	mov dx, 0x402
	call .print
	mov dx, 0x3f8
	call .print
	mov dx, 0xf4
	mov al, 1
	out dx, al
.halt:
	hlt
	jmp .halt
.print:
	lea esi, [ebp + IN_IMAGE(.text)]
	mov ecx, .text_end - .text
	rep outsb
	ret
.text:	db "slipway: FATAL entry unsupported: the CPU has no 64-bit mode", 10
.text_end:

; 64-bit mode on our page tables. ebx = hvm_start_info or anything, ebp = base of the
; image; the upper halves of both are zero or undefined, so they are cut.
bits 64
start64:
	mov esp, STACK_TOP
	mov edi, ebx
	mov esi, ebp
	xor ebp, ebp
	call arch_start          ; arch_start(start_info, image), never returns
	ud2

; An NMI: iretq, and from its second byte on, iretd.
nmi64:
	o64 iret
nmi32 equ nmi64 + 1

; Added to two page-table entries.
align 16
two_pages:
	dd 0x2000, 0, 0x2000, 0

; Accessed bits are set, since the CPU could not write them into ROM.
align 8
gdt:
	dq 0
	dq 0x00cf9b000000ffff    ; SELECTOR_CODE32
	dq 0x00af9b000000ffff    ; SELECTOR_CODE64
	dq 0x00cf93000000ffff    ; SELECTOR_DATA
.end:

; Start of the processors other than the first, copied to AP_PAGE. 16-bit real
; mode, cs = AP_PAGE / 16. Loads the MSRs of the table at AP_MSRS ({u32 index,
; u32 low, u32 high}, ended by index 0), reports its APIC ID and its arrival, and halts
; until the kernel starts it again.
bits 16
global ap_start, ap_start_end
ap_start:
	cli
	mov ax, cs
	mov ds, ax
	mov si, AP_MSRS
.next:
	mov ecx, [si]
	jecxz .done
	mov eax, [si + 4]
	mov edx, [si + 8]
	wrmsr
	add si, 12
	jmp .next
.done:
	mov eax, 1
	cpuid
	shr ebx, 24
	lock bts [AP_IDS], ebx
	lock inc dword [AP_ARRIVED]
.halt:
	hlt
	jmp .halt
	times AP_IDS - ($ - ap_start) db 0
ap_start_end:

; 16-bit mode after reset, cs base = IMAGE_IN_ROM. On microvm, where this is also
; at 0xffff0, an operating system that jumps there to reboot comes here too, with
; devices and processors as it left them. CR4 is 0 after a reset and never under
; Linux; such a caller gets the reset that it wants, by a triple fault, since microvm
; has no reset port.
reset16:
	cli
	cld
	mov eax, cr4
	test eax, eax
	jz .reset
	o32 lidt [cs:IN_IMAGE(no_idt)]
	int3
.reset:
	o32 lgdt [cs:IN_IMAGE(reset_gdtr)]
	mov eax, 0x11            ; ET, PE; the caches stay on
	mov cr0, eax
	mov ebp, IMAGE_IN_ROM
	xor ebx, ebx
	jmp dword SELECTOR_CODE32:IN_ROM(reset32)
bits 32
reset32:
	mov ax, SELECTOR_DATA
	mov ds, ax
	mov ss, ax
	jmp entry32
align 4
reset_gdtr:
	dw gdt.end - gdt - 1
	dd IN_ROM(gdt)

nmi_idtr:
	dw 48 - 1
	dd IDT

no_idt:
	dw 0
	dd 0

; The GUIDed table of QEMU docs/specs/sev-guest-firmware.rst, by which a VMM that launches a
; confidential VM finds out what this firmware takes part in. It is read backwards, from its
; footer on, which ends 0x20 bytes before the end of the image; an entry is its data, its length
; and its GUID. Listed is only what is honoured: the block that a hash table may be put into, and no
; way in for SEV-ES, SNP or TDX. There is room for those before the first entry. linker/x86_64.ld
; puts this at the end of the page.
%define GUIDED_TABLE_SIZE 44

section .reset.end progbits alloc exec nowrite align=16
reset_end:
	times 0xe0 - GUIDED_TABLE_SIZE db 0
guided_table:
	dd HASH_BLOCK, HASH_BLOCK_SIZE
	dw .hash_block_end - guided_table
	dd 0x7255371f            ; 7255371f-3a3b-4b04-927b-1da6efa8d454, SEV hash block
	dw 0x3a3b, 0x4b04
	db 0x92, 0x7b, 0x1d, 0xa6, 0xef, 0xa8, 0xd4, 0x54
.hash_block_end:
	dw .end - guided_table
	dd 0x96b582de            ; 96b582de-1fb2-45f7-baea-a366c55a082d, footer
	dw 0x1fb2, 0x45f7
	db 0xba, 0xea, 0xa3, 0x66, 0xc5, 0x5a, 0x08, 0x2d
.end:
	times GUIDED_TABLE_SIZE - ($ - guided_table) db 0
	times 0xf0 - ($ - reset_end) db 0

; The reset vector: the last 16 bytes.
bits 16
reset_vector:
	jmp near reset16
	times 0x100 - ($ - reset_end) db 0
