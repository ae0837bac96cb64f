# SPDX-License-Identifier: BSD-2-Clause
"""The image file is flat code and a valid arm64 Image at the same time.

That each door into it works is for test_probe.py: bios and pflash enter its first byte,
kernel has QEMU load it as an Image.
"""

import pytest

from machines import KIB
from .image import ANYWHERE, BIG_ENDIAN, MAGIC, PAGE_4K, ImageHeader


@pytest.fixture(scope="module")
def image(host):
    return host.fw.read_bytes()


def test_it_is_small(image):
    assert len(image) <= 96 * KIB


def test_header_is_that_of_an_image(image):
    """Linux Documentation/arch/arm64/booting.rst, 4; what we use behind the file counts too."""
    header = ImageHeader.read(image)
    assert (header.magic, header.text_offset) == (MAGIC, 0)
    assert header.image_size >= len(image) and header.image_size % 4096 == 0
    assert header.flags & BIG_ENDIAN == 0 and header.flags & ~(PAGE_4K | ANYWHERE) == 0
    assert header.flags & ANYWHERE


def test_first_instruction_is_a_branch_into_the_file(image):
    """b, in code0 or, behind the "MZ" of a PE header, in code1."""
    header = ImageHeader.read(image)
    at, code = (0, header.code0) if header.code0 >> 26 == 0b000101 else (4, header.code1)
    assert code >> 26 == 0b000101, f"{code:#x} is no branch"
    offset = (code & 0x3FFFFFF ^ 0x2000000) - 0x2000000
    assert 64 <= at + 4 * offset < len(image)
