# SPDX-License-Identifier: BSD-2-Clause
"""Writes a flattened device tree (Devicetree Specification 0.4, chapter 5)."""

import random
import struct

MAGIC = 0xD00DFEED
BEGIN_NODE, END_NODE, PROPERTY, END = 1, 2, 3, 9
HEADER_SIZE = 40


def tree(filler):
    """A tree whose root has one property of `filler` random bytes, a multiple of 4."""
    value = random.Random(filler).randbytes(filler)
    structure = (struct.pack(">II", BEGIN_NODE, 0)
                 + struct.pack(">III", PROPERTY, filler, 0) + value
                 + struct.pack(">II", END_NODE, END))
    strings = b"filler\0"
    reservations = bytes(16)
    structure_at = HEADER_SIZE + len(reservations)
    strings_at = structure_at + len(structure)
    header = struct.pack(">10I", MAGIC, strings_at + len(strings), structure_at, strings_at,
                         HEADER_SIZE, 17, 16, 0, len(strings), len(structure))
    return header + reservations + structure + strings
