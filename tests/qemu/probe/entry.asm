; SPDX-License-Identifier: BSD-2-Clause
; The probe kernel's 32-bit, 64-bit and PVH entries.  Each says on debugcon that it
; was reached before it touches memory, saves every register in the scratch
; area behind the payload, and calls probe_main() in long mode.
;
; The payload is position independent and has no writable data: all state is in
; the scratch area (struct scratch in probe.c), which init_size covers.

%include "layout.inc"

DEBUGCON        equ 0x402
BP_SCRATCH      equ 0x1e4               ; boot_params.scratch
SI_RESERVED     equ 52                  ; hvm_start_info.reserved
CR0_PG_PE       equ 0x80000001
CR4_PAE         equ 0x20
MSR_EFER        equ 0xc0000080
EFER_LME        equ 0x100

; print_const "text": with DX = DEBUGCON, AL is lost, memory is not used
%macro print_const 1
%strlen %%n %1
%assign %%i 1
%rep %%n
%substr %%c %1 %%i
        mov al, %%c
        out dx, al
%assign %%i %%i + 1
%endrep
        mov al, 10
        out dx, al
%endmacro

; save32 slot, register: stores 32 bits zero-extended to 64
%macro save32 2
        mov dword [ebp + %1], %2
        mov dword [ebp + %1 + 4], 0
%endmacro

; enter32 text, register, offset, S_PVH: says that the entry was reached, saves EAX, EDX, ESP and
; EBP in debug registers, and finds the payload (EDX) and the scratch area (EBP). No stack is
; promised: the dword at register + offset is borrowed for one.
%macro enter32 4
        mov dr0, eax
        mov dr1, edx
        mov dr2, esp
        mov dr3, ebp
        mov edx, DEBUGCON
        print_const %1
        mov ebp, [%2 + %3]
        lea esp, [%2 + %3 + 4]
        call %%here
%%here: pop edx
        mov [%2 + %3], ebp
        sub edx, %%here - probe_start
        mov ebp, edx
        add ebp, [edx + CFG_SCRATCH]
        save32 S_PVH, %4
%endmacro

        section .text.entry
        global probe_start
        extern probe_main, probe_fault

; 32-bit entry, payload offset 0.  In: ESI = boot_params, paging off.
        bits 32
probe_start:
        jmp near entry32

; PVH entry, payload offset 8 (probe.py, PVH_OFFSET).  In: EBX = start_info, paging off.
        times 8 - ($ - $$) db 0
        jmp near entry_pvh

        times CFG - ($ - $$) db 0
        times 0x200 - ($ - $$) db 0     ; struct config, written by probe.py

; 64-bit entry, payload offset 0x200.  In: RSI = boot_params, paging on with
; the payload, boot_params and the command line identity-mapped.
        bits 64
entry64:
        mov dr0, rax
        mov dr1, rdx
        mov edx, DEBUGCON
        print_const "PROBE-ENTRY 64"
        lea rdx, [rel probe_start]
        mov rax, rdx
        add rax, [rdx + CFG_SCRATCH]
        mov [rax + S_LOAD], rdx
        mov qword [rax + S_MODE], 64
        mov qword [rax + S_PVH], 0
        mov [rax + S_REGS + 0x08], rbx
        mov [rax + S_REGS + 0x10], rcx
        mov [rax + S_REGS + 0x20], rsi
        mov [rax + S_REGS + 0x28], rdi
        mov [rax + S_REGS + 0x30], rbp
        mov [rax + S_REGS + 0x38], rsp
        mov [rax + S_REGS + 0x40], r8
        mov [rax + S_REGS + 0x48], r9
        mov [rax + S_REGS + 0x50], r10
        mov [rax + S_REGS + 0x58], r11
        mov [rax + S_REGS + 0x60], r12
        mov [rax + S_REGS + 0x68], r13
        mov [rax + S_REGS + 0x70], r14
        mov [rax + S_REGS + 0x78], r15
        mov rbx, rax
        mov rax, dr0
        mov [rbx + S_REGS + 0x00], rax
        mov rax, dr1
        mov [rbx + S_REGS + 0x18], rax
        lea rsp, [rbx + S_STACK_TOP]
        pushfq
        pop qword [rbx + S_RFLAGS]
        cli
        cld
        mov rax, cr0
        mov [rbx + S_CR + 0x00], rax
        mov rax, cr2
        mov [rbx + S_CR + 0x08], rax
        mov rax, cr3
        mov [rbx + S_CR + 0x10], rax
        mov rax, cr4
        mov [rbx + S_CR + 0x18], rax
        mov ecx, MSR_EFER
        rdmsr
        mov [rbx + S_CR + 0x20], eax
        mov [rbx + S_CR + 0x24], edx
        xor eax, eax
%assign slot 0
%rep 4
        mov [rbx + S_GDTR + slot], rax
%assign slot slot + 8
%endrep
        sgdt [rbx + S_GDTR]
        sidt [rbx + S_IDTR]
        mov eax, cs
        mov [rbx + S_SEG + 0x00], rax
        mov eax, ds
        mov [rbx + S_SEG + 0x08], rax
        mov eax, es
        mov [rbx + S_SEG + 0x10], rax
        mov eax, ss
        mov [rbx + S_SEG + 0x18], rax
        mov eax, fs
        mov [rbx + S_SEG + 0x20], rax
        mov eax, gs
        mov [rbx + S_SEG + 0x28], rax
        str eax
        mov [rbx + S_SEG + 0x30], rax
        sldt eax
        mov [rbx + S_SEG + 0x38], rax

; Either entry ends here.  In: RBX = scratch area, RSP = its stack.
long_mode:
        lea rdi, [rel gdt]              ; our own GDT, whatever we came from
        mov rax, [rdi + 0x10]
        mov [rbx + S_GDT + 0x10], rax
        mov rax, [rdi + 0x18]
        mov [rbx + S_GDT + 0x18], rax
        mov word [rbx + S_GDT_PTR], 0x1f
        lea rax, [rbx + S_GDT]
        mov [rbx + S_GDT_PTR + 2], rax
        lgdt [rbx + S_GDT_PTR]
        push 0x10
        lea rax, [rel .reload]
        push rax
        o64 retf
.reload:
        mov eax, 0x18
        mov ds, eax
        mov es, eax
        mov ss, eax
        mov rdi, rbx
        call probe_main
.stop:  hlt
        jmp .stop

        bits 32
entry_pvh:
        enter32 "PROBE-ENTRY PVH", ebx, SI_RESERVED, 1
        jmp save32_all
entry32:
        enter32 "PROBE-ENTRY 32", esi, BP_SCRATCH, 0
save32_all:
        save32 S_LOAD, edx
        save32 S_MODE, 32
        save32 S_REGS + 0x08, ebx
        save32 S_REGS + 0x10, ecx
        save32 S_REGS + 0x20, esi
        save32 S_REGS + 0x28, edi
        mov ebx, edx                    ; load address
        mov eax, dr0
        save32 S_REGS + 0x00, eax
        mov eax, dr1
        save32 S_REGS + 0x18, eax
        mov eax, dr2
        save32 S_REGS + 0x38, eax
        mov eax, dr3
        save32 S_REGS + 0x30, eax
        lea esp, [ebp + S_STACK_TOP]
        pushfd
        pop eax
        save32 S_RFLAGS, eax
        cli
        cld
        mov eax, cr0
        save32 S_CR + 0x00, eax
        mov eax, cr2
        save32 S_CR + 0x08, eax
        mov eax, cr3
        save32 S_CR + 0x10, eax
        mov eax, cr4
        save32 S_CR + 0x18, eax
        mov ecx, MSR_EFER
        rdmsr
        mov [ebp + S_CR + 0x20], eax
        mov [ebp + S_CR + 0x24], edx
        xor eax, eax
        save32 S_GDTR, eax
        save32 S_GDTR + 8, eax
        save32 S_IDTR, eax
        save32 S_IDTR + 8, eax
        sgdt [ebp + S_GDTR]
        sidt [ebp + S_IDTR]
        mov eax, cs
        save32 S_SEG + 0x00, eax
        mov eax, ds
        save32 S_SEG + 0x08, eax
        mov eax, es
        save32 S_SEG + 0x10, eax
        mov eax, ss
        save32 S_SEG + 0x18, eax
        mov eax, fs
        save32 S_SEG + 0x20, eax
        mov eax, gs
        save32 S_SEG + 0x28, eax
        str eax
        save32 S_SEG + 0x30, eax
        sldt eax
        save32 S_SEG + 0x38, eax

        ; Identity map of 0-4 GiB in 2 MiB pages: PML4, PDPT, four PDs.
        lea edi, [ebp + S_TABLES]
        xor eax, eax
        mov ecx, 2 * 4096 / 4
        rep stosd
        lea edi, [ebp + S_TABLES]
        lea eax, [edi + 0x1003]
        mov [edi], eax
%assign slot 0
%rep 4
        add eax, 0x1000
        mov [edi + 0x1000 + slot], eax
%assign slot slot + 8
%endrep
        add edi, 0x2000
        mov eax, 0x83
        mov ecx, 4 * 512
.pd:    mov [edi], eax
        mov dword [edi + 4], 0
        add eax, 0x200000
        add edi, 8
        loop .pd

        lea edx, [ebx + gdt - probe_start]
        lea edi, [ebp + S_GDT]
        mov eax, [edx + 0x10]
        mov [edi + 0x10], eax
        mov eax, [edx + 0x14]
        mov [edi + 0x14], eax
        mov eax, [edx + 0x18]
        mov [edi + 0x18], eax
        mov eax, [edx + 0x1c]
        mov [edi + 0x1c], eax
        mov word [ebp + S_GDT_PTR], 0x1f
        mov [ebp + S_GDT_PTR + 2], edi
        lgdt [ebp + S_GDT_PTR]
        mov eax, cr4
        or eax, CR4_PAE
        mov cr4, eax
        lea eax, [ebp + S_TABLES]
        mov cr3, eax
        mov ecx, MSR_EFER
        rdmsr
        or eax, EFER_LME
        wrmsr
        mov eax, cr0
        or eax, CR0_PG_PE
        mov cr0, eax
        lea eax, [ebx + .long - probe_start]
        push dword 0x10
        push eax
        retf
        bits 64
.long:  test dword [rbx + CFG_FLAGS], FLAG_CHAIN_64
        jnz .chain
        mov ebx, ebp
        jmp long_mode
.chain: mov eax, 0x18
        mov ds, eax
        mov es, eax
        mov ss, eax
        mov esi, [rbp + S_REGS + 0x20]
        jmp entry64

        align 8
gdt:    dq 0, 0
        dq 0x00af9b000000ffff           ; 0x10: 64-bit code
        dq 0x00cf93000000ffff           ; 0x18: data

; Exception stubs, 16 bytes each: probe_fault(vector, error code, rip, cr2).
        align 16
        global probe_vectors
probe_vectors:
%assign vector 0
%rep 32
        align 16
%if vector = 8 || (vector >= 10 && vector <= 14) || vector = 17 || vector = 21
        nop                             ; the CPU pushed an error code
%else
        push 0
%endif
        push vector
        jmp fault
%assign vector vector + 1
%endrep
        align 16
fault:  pop rdi
        pop rsi
        pop rdx
        mov rcx, cr2
        call probe_fault

        section .note.GNU-stack noalloc noexec nowrite progbits
