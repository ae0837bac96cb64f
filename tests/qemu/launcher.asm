; SPDX-License-Identifier: BSD-2-Clause
; Plays a VMM that starts a guest by PVH: a 64 KiB ROM that sets the registers as
; Cloud Hypervisor (arch/src/x86_64/regs.rs) and Firecracker
; (src/vmm/src/arch/x86_64/regs.rs) do, and jumps.  What they write into memory, the
; descriptor tables included, vmm_memory.py has put there.
;
;   nasm -f bin -D ENTRY=address -D START_INFO=address
;
; The first bytes of the ROM are free for what the VMM has at 0xf0000, where QEMU
; shows it too.

GDT             equ 0x500               ; null, code, data, TSS
GDT_LIMIT       equ 0x1f
IDT             equ 0x520
IDT_LIMIT       equ 7
CODE            equ 0x08
DATA            equ 0x10
TASK            equ 0x18
CR0_PE_ET       equ 0x11
MSR_MTRR_DEFAULT equ 0x2ff
WRITE_BACK      equ 0x806               ; all memory, MTRRs enabled
ROM_SIZE        equ 0x10000
CODE_START      equ 0xff00
RESET_VECTOR    equ 0xfff0
ROM_BASE        equ 0xffff0000

        org 0
        times CODE_START db 0

; In: the state after a reset, CS base = ROM_BASE.
        bits 16
start:  cli
        cld
        o32 lgdt [cs:gdt_register]
        o32 lidt [cs:idt_register]
        mov eax, CR0_PE_ET              ; caches on, paging off
        mov cr0, eax
        jmp dword CODE:ROM_BASE + flat

        bits 32
flat:   mov eax, DATA
        mov ds, eax
        mov es, eax
        mov fs, eax
        mov gs, eax
        mov ss, eax
        mov eax, TASK
        ltr ax
        mov ecx, MSR_MTRR_DEFAULT
        mov eax, WRITE_BACK
        xor edx, edx
        wrmsr
        xor eax, eax
        xor ecx, ecx
        xor esi, esi
        xor edi, edi
        xor ebp, ebp
        xor esp, esp
        mov cr4, eax
        mov ebx, START_INFO
        jmp CODE:ENTRY

gdt_register:
        dw GDT_LIMIT
        dd GDT
idt_register:
        dw IDT_LIMIT
        dd IDT

        times RESET_VECTOR - ($ - $$) db 0
        bits 16
        jmp start
        times ROM_SIZE - ($ - $$) db 0
