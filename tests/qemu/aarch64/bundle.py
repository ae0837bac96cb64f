# SPDX-License-Identifier: BSD-2-Clause
"""Makes files that are a kernel and more: UKIs, and kernels with an initrd behind them.

A UKI is a PE file with a section .linux (UAPI Group Specifications, "UAPI.5 Unified Kernel
Image").  The one made here has no stub that could start it.
"""

import struct

PAGE, FILE_ALIGNMENT = 4096, 512
LFANEW, OPTIONAL_SIZE = 0x80, 0xF0
MACHINE = 0xAA64                # PE Format, "Machine Types"


def pad(content, alignment):
    return content + bytes(-len(content) % alignment)


def appended(kernel, initrd):
    """The kernel, and the initrd at the next multiple of a page."""
    return pad(kernel, PAGE) + initrd


def uki(kernel, initrd, cmdline, machine=MACHINE):
    """A UKI; what is empty gets no section."""
    sections = [(name, content) for name, content in (
        (b".osrel", b"ID=slipway\n"), (b".cmdline", cmdline), (b".initrd", initrd),
        (b".linux", kernel)) if content]
    # PE Format, "COFF File Header" and "Optional Header": what an EFI application has.
    header = struct.pack("<4s2H3I2H", b"PE", machine, len(sections), 0, 0, 0, OPTIONAL_SIZE, 0x206)
    header += struct.pack("<H", 0x20B).ljust(OPTIONAL_SIZE, b"\0")
    start = LFANEW + len(header) + len(sections) * 40
    at, body, address = start + -start % FILE_ALIGNMENT, b"", PAGE
    for name, content in sections:
        raw = pad(content, FILE_ALIGNMENT)
        header += struct.pack("<8s6I2HI", name, len(content), address, len(raw), at + len(body),
                              0, 0, 0, 0, 0x40000040)
        body += raw
        address += len(content) + -len(content) % PAGE
    head = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", LFANEW)
    return pad(head.ljust(LFANEW, b"\0") + header, FILE_ALIGNMENT) + body
