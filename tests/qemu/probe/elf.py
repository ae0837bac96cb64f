# SPDX-License-Identifier: BSD-2-Clause
"""Composes ELF kernels with a PVH entry, field by field.

Names are those of the ELF specification (gABI); the entry is a note of Xen's, as in
xen/include/public/elfnote.h.  Nothing here checks that a file makes sense: tests need senseless
ones too.
"""

import struct
from dataclasses import dataclass

CLASS_32, CLASS_64, DATA_LSB = 1, 2, 1
TYPE_EXEC, MACHINE_X86_64, MACHINE_AARCH64 = 2, 62, 183
SEGMENT_LOAD, SEGMENT_NOTE = 1, 4
NOTE_PHYS32_ENTRY = 18
HEADER_SIZE, ENTRY_SIZE = 64, 56
PAYLOAD_OFFSET = 0x1000


@dataclass
class ElfFile:
    """What of the file a test may want to be another."""

    address: int = 0x1000000        # of the payload
    ident_class: int = CLASS_64
    machine: int = MACHINE_X86_64
    note_type: int = NOTE_PHYS32_ENTRY
    memory_size: int = None         # None: what the probe needs

    def compose(self, payload, entry, memory_size):
        """The file; `entry` counts from the start of the payload."""
        note = struct.pack("<3I4sQ", 4, 8, self.note_type, b"Xen", self.address + entry)
        note_at = HEADER_SIZE + 2 * ENTRY_SIZE
        header = struct.pack("<4s3B9x2HI3QI6H", b"\x7fELF", self.ident_class, DATA_LSB, 1,
                             TYPE_EXEC, self.machine, 1, self.address, HEADER_SIZE, 0, 0,
                             HEADER_SIZE, ENTRY_SIZE, 2, 0, 0, 0)
        load = struct.pack("<2I6Q", SEGMENT_LOAD, 7, PAYLOAD_OFFSET, self.address, self.address,
                           len(payload), self.memory_size or memory_size, PAYLOAD_OFFSET)
        notes = struct.pack("<2I6Q", SEGMENT_NOTE, 4, note_at, 0, 0, len(note), len(note), 4)
        return (header + load + notes + note).ljust(PAYLOAD_OFFSET, b"\0") + payload
