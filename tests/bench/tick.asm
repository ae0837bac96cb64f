; SPDX-License-Identifier: BSD-2-Clause
; The tick probe: a kernel whose first instruction at each entry point is rdtsc; the
; second is the one that count.c ends at.  It prints the count as 16 hex digits and a newline on debugcon and leaves QEMU
; with exit code 33.  One flat file: the setup part, whose header bench writes,
; then the payload at PAYLOAD.

DEBUGCON        equ 0xe9
DEBUG_EXIT      equ 0xf4
HEADER_END      equ 0x26c               ; of protocol 2.15
PAYLOAD         equ 5 * 512
MARK            equ 0x656b6c73          ; bench has its bytes, too

; Prints EDX:EAX and leaves.  No memory is touched, so nothing is asked of the
; firmware but that the code is here.
%macro report 0
        mov ebp, MARK
        mov ebx, eax
        mov esi, edx
        mov edx, DEBUGCON
        mov edi, 2                      ; words left, the high one first
%%word: mov ecx, 8
%%digit:
        rol esi, 4
        mov eax, esi
        and eax, 15
        add eax, '0'
        cmp eax, '9'
        jbe %%print
        add eax, 'a' - '9' - 1
%%print:
        out dx, al
        dec ecx
        jnz %%digit
        mov esi, ebx
        dec edi
        jnz %%word
        mov al, 10
        out dx, al
        mov eax, 0x10
        out DEBUG_EXIT, eax
%%stop: hlt
        jmp %%stop
%endmacro

        org 0
        times HEADER_END db 0
        bits 16
        rdtsc
        report

        times PAYLOAD - ($ - $$) db 0
        bits 32
        rdtsc
        report

        times PAYLOAD + 0x200 - ($ - $$) db 0
        bits 64
        rdtsc
        report
