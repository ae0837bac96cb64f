; SPDX-License-Identifier: BSD-2-Clause
;
; The last instructions of the firmware, and the first ones of an exception.

%include "layout.inc"

section .text

global enter_linux64, enter_linux32, exception_stubs
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

; enter_linux32(entry, boot_params). 32-bit entry of the Linux boot protocol: protected mode without
; paging, esi = boot_params, ebp = edi = ebx = 0, cs = 0x10, the others 0x18.
; The GDT in memory, loaded already, has a 32-bit code segment at 0x10.
enter_linux32:
	mov eax, edi
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
	mov eax, 0x11            ; ET, PE
	mov cr0, eax
	mov ecx, MSR_EFER
	rdmsr
	and eax, ~EFER_LME
	wrmsr
	xor eax, eax
	mov cr4, eax
	mov eax, edi
	xor ebx, ebx
	xor ecx, ecx
	xor edx, edx
	xor edi, edi
	xor ebp, ebp
	jmp eax

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
