; SPDX-License-Identifier: BSD-2-Clause
; The probe kernel's real-mode part: what firmwares that know only the 16-bit
; boot protocol run (SeaBIOS, qboot).  It reports the segments it was entered
; with, fills boot_params the way Linux's own setup code does (header, int 15h
; e820 map) and enters the payload by the 32-bit protocol, which reports the
; rest.
;
; Offsets count from the start of the file.  Loaded at any segment; entered at
; segment + 0x20, offset 0, which is file offset 0x200, with DS = ES = SS = the
; segment and a usable stack.

DEBUGCON        equ 0x402
HEADER_START    equ 0x1f1
HEADER_END      equ 0x280
CODE32_START    equ 0x214
BOOT_PARAMS     equ 0x9000              ; behind the longest setup part
BP_E820_COUNT   equ BOOT_PARAMS + 0x1e8
BP_E820_TABLE   equ BOOT_PARAMS + 0x2d0
E820_MAX        equ 128
CR0_PE          equ 1

        bits 16
        org 0
        times HEADER_END db 0x90        ; bzimage.py writes the header here; the
                                        ; jump lands on a nop behind its end
        push cs
        push ds
        push start
        retf                            ; CS = DS from here on

start:  cli
        cld
        mov si, entry_line
        call print
        pop ax                          ; the CS we were entered with
        call print_hex16
        mov ax, ds
        call print_hex16
        mov ax, es
        call print_hex16
        mov ax, ss
        call print_hex16
        mov ax, sp
        call print_hex16
        mov si, newline
        call print

        push ds
        pop es
        mov di, BOOT_PARAMS
        xor ax, ax
        mov cx, 4096 / 2
        rep stosw
        mov si, HEADER_START
        mov di, BOOT_PARAMS + HEADER_START
        mov cx, HEADER_END - HEADER_START
        rep movsb

        mov di, BP_E820_TABLE
        xor ebx, ebx
.range: mov eax, 0xe820
        mov edx, 0x534d4150             ; "SMAP"
        mov ecx, 20
        int 0x15
        jc .done
        cmp eax, 0x534d4150
        jne .done
        add di, 20
        inc byte [BP_E820_COUNT]
        cmp byte [BP_E820_COUNT], E820_MAX
        je .done
        test ebx, ebx
        jnz .range
.done:
        cli
        xor eax, eax
        mov ax, ds
        shl eax, 4
        lea esi, [eax + BOOT_PARAMS]
        add [gdt.base], eax
        mov edi, [CODE32_START]
        mov [.target], edi
        lgdt [gdt.limit]
        mov eax, cr0
        or al, CR0_PE
        mov cr0, eax
        mov ax, 0x18
        mov ds, ax
        mov es, ax
        mov fs, ax
        mov gs, ax
        mov ss, ax
        xor ebx, ebx
        xor edi, edi
        xor ebp, ebp
        db 0x66, 0xea                   ; jmp far 0x10:code32_start
.target dd 0
        dw 0x10

; Prints the NUL-terminated string at DS:SI.
print:  mov dx, DEBUGCON
.next:  lodsb
        test al, al
        jz .end
        out dx, al
        jmp .next
.end:   ret

; Prints AX as four digits and a comma.
print_hex16:
        mov bx, ax
        mov cx, 4
        mov dx, DEBUGCON
.digit: rol bx, 4
        mov al, bl
        and al, 0x0f
        cmp al, 10
        sbb al, 0x69                    ; 0..9 -> '0'..'9', 10..15 -> 'A'..'F'
        das
        out dx, al
        loop .digit
        mov al, ','
        out dx, al
        ret

entry_line:     db "PROBE-ENTRY 16", 10, "real_mode=", 0
newline:        db 10, 0

        align 8
gdt:    dq 0, 0
        dq 0x00cf9b000000ffff           ; 0x10: flat code
        dq 0x00cf93000000ffff           ; 0x18: flat data
.limit: dw gdt.limit - gdt - 1
.base:  dd gdt
