; SPDX-License-Identifier: BSD-2-Clause
;
; The last instructions of the firmware, and the first ones of an exception.

%include "layout.inc"

section .text

global enter_linux64, enter_32, enter_real, exception_stubs
extern arch_exception

; enter_linux64(entry, boot_params, cr3). 64-bit entry of the Linux boot protocol: rsi =
; boot_params, cs = 0x10, ds = es = ss = 0x18, interrupts off. The GDT in
; memory is loaded already; @cr3 maps this code and the kernel.
bits 64
enter_linux64:
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

; enter_32(entry, boot_params, start_info). 32-bit entry of the Linux boot protocol and of PVH:
; protected mode without paging, esi = boot_params, ebx = start_info, ebp = edi = 0, cs = 0x10, the
; others 0x18, interrupts off, cr0 = ET | PE, cr4 = 0. The one that the protocol does not
; have is 0. The GDT in memory, loaded already, has a 32-bit code segment at 0x10.
enter_32:
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

; One stub per vector, 16 bytes apart. Each makes the stack look as if every
; exception had an error code (Intel SDM vol. 3, 6.13) and adds the vector.
bits 64
align 16
exception_stubs:
%assign vector 0
%rep 32
	align 16
	%if vector != 8 && (vector < 10 || vector > 14) && vector != 17 && vector != 21 && vector != 29 && vector != 30
	push qword 0
	%endif
	push qword vector
	jmp near exception_common
%assign vector vector + 1
%endrep

; rsp = struct exception_frame, on the exception stack.
exception_common:
	mov rdi, rsp
	and rsp, -16
	call arch_exception
	ud2
