; SPDX-License-Identifier: BSD-2-Clause
;
; The last instructions of the firmware, and the first ones of an exception.

%include "layout.inc"

%define PTE_PRESENT_WRITE 3
%define PTE_DIRTY 0x40           ; Intel SDM vol. 3, 4.8
%define VECTOR_NMI 2

; Where FXSAVE writes the sixteen vector registers (Intel SDM vol. 1, 10.5.1).
%define FXSAVE_VECTORS 160
%define VECTORS_SIZE 256

; Bytes below the stack pointer that arch_handoff() may have used since it opened the page tables.
%define LAST_CALLS 0x400

section .text

global enter_linux64, enter_32, enter_real, exception_stubs
extern arch_exception

; enter_linux64(entry, boot_params, cr3). 64-bit entry of the Linux boot protocol: rsi =
; boot_params, cs = 0x10, ds = es = ss = 0x18, interrupts off. The GDT in
; memory is loaded already; @cr3 maps this code and the kernel.
bits 64
enter_linux64:
	call wipe_stack
	mov cr3, rdx
	mov rax, rdi
	mov ecx, SELECTOR_DATA
	mov ds, ecx
	mov es, ecx
	mov ss, ecx
	mov fs, ecx
	mov gs, ecx
	xor ebx, ebx
	xor ecx, ecx
	xor edx, edx
	xor edi, edi
	xor ebp, ebp
	jmp rax

; Overwrites what held our data: the stack, the stack protector's canary, the vector
; registers and those that no caller here sets. Returns with an empty stack; keeps rdi, rsi, rdx.
;
; Of the stack, it is the pages from the lowest that was written, which the CPU has marked in the
; page table; when the table was opened already, the mark may have gone elsewhere. FXSAVE clears
; 256 bytes with the vector registers. What it writes before them is overwritten by the next one,
; downwards. It needs all of its 512 bytes writable, and they may reach into both guard pages,
; which nobody needs any more.
wipe_stack:
	pop rbx
%assign register 0
%rep 16
	xorps xmm %+ register, xmm %+ register
%assign register register + 1
%endrep
	lea ecx, [rsp - LAST_CALLS]
	shr ecx, 12
	or byte [LOW_PT_TABLE + rcx * 8], PTE_DIRTY
	mov eax, LOW_PT_TABLE + STACK_GUARD / 0x1000 * 8
.find:
	add eax, 8
	test byte [rax], PTE_DIRTY
	jz .find
	sub eax, LOW_PT_TABLE
	shl eax, 12 - 3
	mov dword [LOW_PT_TABLE + STACK_GUARD / 0x1000 * 8], STACK_GUARD | PTE_PRESENT_WRITE
	mov ecx, STACK_TOP
	mov dword [LOW_PT_TABLE + EXCEPTION_STACK_GUARD / 0x1000 * 8], \
		EXCEPTION_STACK_GUARD | PTE_PRESENT_WRITE
.page:
%assign offset 0
%rep 0x1000 / VECTORS_SIZE
%assign offset offset - VECTORS_SIZE
	fxsave64 [rcx + offset - FXSAVE_VECTORS]
%endrep
	sub ecx, 0x1000
	cmp ecx, eax
	ja .page
	mov qword [ARCH_STATE + STATE_CANARY], 0
	mov esp, STACK_TOP
%assign register 8
%rep 8
	xor r %+ register %+ d, r %+ register %+ d
%assign register register + 1
%endrep
	jmp rbx

; enter_32(entry, boot_params, start_info). 32-bit entry of the Linux boot protocol and of PVH:
; protected mode without paging, esi = boot_params, ebx = start_info, ebp = edi = 0, cs = 0x10, the
; others 0x18, interrupts off, cr0 = ET | PE, cr4 = 0. The one that the protocol does not
; have is 0. The GDT in memory, loaded already, has a 32-bit code segment at 0x10.
enter_32:
	call wipe_stack
	mov eax, edi
	mov ebx, edx
	push qword SELECTOR_CODE64
	lea rcx, [rel .compat]
	push rcx
	o64 retf
bits 32
.compat:
	mov ecx, SELECTOR_DATA
	mov ds, ecx
	mov es, ecx
	mov ss, ecx
	mov fs, ecx
	mov gs, ecx
	mov edi, eax
	call leave_long_mode
	mov eax, edi
	xor ecx, ecx
	xor edx, edx
	xor edi, edi
	xor ebp, ebp
	jmp eax

; From compatibility mode to protected mode without paging. Changes eax, ecx, edx.
leave_long_mode:
	mov eax, 0x11            ; ET, PE
	mov cr0, eax
	mov ecx, MSR_EFER
	rdmsr
	and eax, ~EFER_LME
	wrmsr
	xor eax, eax
	mov cr4, eax
	ret

; enter_real(entry). Real mode as after a reset (Intel SDM vol. 3, 10.9.2), with the
; stack where ours is, at cs = entry / 16, ip = entry % 16. The GDT in memory has the 16-bit
; segments; that of code starts where the image does, in whose first 64 KiB this is.
bits 64
enter_real:
	call wipe_stack
	lea rsi, [rel .mode16]
	movzx esi, si
	push qword SELECTOR_CODE32
	lea rcx, [rel .compat]
	push rcx
	o64 retf
bits 32
.compat:
	mov ecx, SELECTOR_DATA
	mov ss, ecx
	call leave_long_mode
	push dword 0             ; the vectors of real mode: base 0, limit 0x3ff
	push word 0x3ff
	lidt [esp]
	mov ecx, SELECTOR_DATA16
	mov ds, ecx
	mov es, ecx
	mov fs, ecx
	mov gs, ecx
	push dword SELECTOR_CODE16
	push esi
	retf
bits 16
.mode16:
	mov ecx, SELECTOR_DATA16
	mov ss, cx
	mov eax, 0x10            ; ET
	mov cr0, eax
	mov ax, REAL_STACK
	mov ss, ax
	mov sp, REAL_STACK_TOP
	xor ax, ax
	mov ds, ax
	mov es, ax
	mov fs, ax
	mov gs, ax
	mov eax, edi
	shr eax, 4
	and di, 15
	push ax
	push di
	retf

; One stub per vector, 4 bytes apart: it adds the vector to what the CPU has pushed.
bits 64
exception_stubs:
%assign vector 0
%rep 32
	%if vector == VECTOR_NMI
	; Not ours: an NMI before there is a kernel to take it is ignored.
	iretq
	nop
	nop
	%else
	push vector
	jmp short exception_common
	%endif
%assign vector vector + 1
%endrep

; rsp = struct exception_frame, on the exception stack, but for the error code that few exceptions
; have. The CPU aligns the stack to 16 bytes and pushes five quadwords, or the error code as the
; sixth (Intel SDM vol. 3, 6.14.2): what the address is now tells which.
exception_common:
	test spl, 8
	jnz .error_code
	pop rax
	push 0
	push rax
.error_code:
	mov rdi, rsp
	and rsp, -16
	call arch_exception
	ud2
