# SPDX-License-Identifier: BSD-2-Clause
"""Composes arm64 Images field by field.

Names and offsets are those of Linux Documentation/arch/arm64/booting.rst, 4.  Nothing
here checks that a header makes sense: tests need senseless ones too.
"""

import struct
from dataclasses import dataclass, fields

MAGIC = b"ARM\x64"
BIG_ENDIAN, PAGE_4K, PAGE_16K, PAGE_64K, ANYWHERE = 1, 1 << 1, 2 << 1, 3 << 1, 1 << 3

# Header fields of a kernel without one: a nop where others have "MZ".
NO_EFI_STUB = {"code0": 0xD503201F}

# name: (offset, struct format)
LAYOUT = {
    "code0": (0, "<I"),
    "code1": (4, "<I"),
    "text_offset": (8, "<Q"),
    "image_size": (16, "<Q"),
    "flags": (24, "<Q"),
    "res2": (32, "<Q"),
    "res3": (40, "<Q"),
    "res4": (48, "<Q"),
    "magic": (56, "4s"),
    "res5": (60, "<I"),
}


@dataclass
class ImageHeader:
    """Every field of the header; None means "the value that fits"."""

    code0: int = None               # None: as in the code, which begins with "MZ"
    code1: int = None               # None: as in the code, a jump
    text_offset: int = 0
    image_size: int = None          # None: the file's size
    flags: int = PAGE_4K | ANYWHERE
    res2: int = 0
    res3: int = 0
    res4: int = 0
    magic: bytes = MAGIC
    res5: int = 0

    @classmethod
    def read(cls, image):
        """The header of an Image."""
        return cls(**{name: struct.unpack_from(fmt, image, offset)[0]
                      for name, (offset, fmt) in LAYOUT.items()})


def compose(header, code):
    """An Image: the header over the first bytes of `code`."""
    image = bytearray(code)
    for field in fields(header):
        value = getattr(header, field.name)
        if field.name == "image_size" and value is None:
            value = len(code)
        if value is not None:
            offset, fmt = LAYOUT[field.name]
            struct.pack_into(fmt, image, offset, value)
    return bytes(image)
