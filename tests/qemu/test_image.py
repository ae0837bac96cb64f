# SPDX-License-Identifier: BSD-2-Clause
"""The image file is an ELF executable with a PVH note and a ROM at the same time.

That each door into it works is for test_probe.py: the rows named after machines
enter by -bios, those with pflash and pvh by pflash and QEMU -kernel.
"""

import struct
import uuid
from dataclasses import dataclass

import pytest

import hashtable
from machines import KIB, MIB

PT_LOAD, PT_NOTE = 1, 4
PF_X, PF_W, PF_R = 1, 2, 4
ET_EXEC, EM_X86_64 = 2, 62
XEN_ELFNOTE_PHYS32_ENTRY = 18
GUIDED_TABLE_FOOTER = uuid.UUID("96b582de-1fb2-45f7-baea-a366c55a082d")
SEV_HASH_BLOCK = uuid.UUID("7255371f-3a3b-4b04-927b-1da6efa8d454")


@dataclass
class Segment:
    """A program header; fields in the order of the file."""

    type: int
    flags: int
    offset: int
    vaddr: int
    paddr: int
    filesz: int
    memsz: int
    align: int


@dataclass
class Elf:
    entry: int
    segments: list

    @property
    def loads(self):
        return [segment for segment in self.segments if segment.type == PT_LOAD]


@pytest.fixture(scope="module")
def image(host):
    return host.fw.read_bytes()


@pytest.fixture(scope="module")
def elf(image):
    identity, kind, machine, version, entry, phoff, _, _, ehsize, phentsize, phnum, *_ = \
        struct.unpack_from("<16sHHIQQQIHHHHHH", image)
    assert identity[:7] == b"\x7fELF\x02\x01\x01", "not a 64-bit little-endian ELF file"
    assert (kind, machine, version, ehsize, phentsize) == (ET_EXEC, EM_X86_64, 1, 64, 56)
    return Elf(entry, [Segment(*struct.unpack_from("<IIQQQQQQ", image, phoff + i * phentsize))
                       for i in range(phnum)])


def test_size_is_64_kib(image):
    assert len(image) == 64 * KIB


def test_load_segments_lie_in_the_file_and_from_1_mib(image, elf):
    assert elf.loads
    for segment in elf.loads:
        assert segment.vaddr == segment.paddr >= MIB
        assert segment.offset + segment.filesz <= len(image)
        assert segment.filesz <= segment.memsz
        assert segment.align & segment.align - 1 == 0
        assert (segment.vaddr - segment.offset) % segment.align == 0


def test_load_segments_do_not_overlap(elf):
    ordered = sorted(elf.loads, key=lambda segment: segment.vaddr)
    for first, second in zip(ordered, ordered[1:]):
        assert first.vaddr + first.memsz <= second.vaddr


def test_no_segment_is_writable_and_executable(elf):
    for segment in elf.segments:
        assert segment.flags & (PF_W | PF_X) != PF_W | PF_X
        assert segment.flags & PF_R


def test_image_needs_no_memory_that_is_not_in_the_file(elf):
    """No .bss: the same bytes run in place from ROM."""
    assert all(segment.memsz == segment.filesz for segment in elf.loads)
    assert not any(segment.flags & PF_W for segment in elf.loads)


def executable_segment_at(elf, address):
    return [segment for segment in elf.loads
            if segment.flags & PF_X and segment.vaddr <= address < segment.vaddr + segment.filesz]


def test_elf_entry_is_executable(elf):
    assert executable_segment_at(elf, elf.entry)


def test_pvh_note(image, elf):
    notes = [segment for segment in elf.segments if segment.type == PT_NOTE]
    assert len(notes) == 1
    note = notes[0]
    # QEMU takes the descriptor for 8 bytes when p_align is 4, whatever its size says.
    assert note.align == 4 and note.filesz == note.memsz == 24
    namesz, descsz, kind, name, entry = struct.unpack_from("<III4sQ", image, note.offset)
    assert (namesz, descsz, kind, name) == (4, 8, XEN_ELFNOTE_PHYS32_ENTRY, b"Xen\0")
    assert entry < 1 << 32
    assert executable_segment_at(elf, entry)
    assert any(s.offset <= note.offset and note.offset + note.filesz <= s.offset + s.filesz
               for s in elf.loads)


def test_reset_vector_jumps_into_the_last_64_kib(image):
    """The last 16 bytes begin with a near jump that leads to code, in 16-bit mode."""
    vector = len(image) - 16
    while image[vector] in (0x90, 0xFA, 0xFC):      # nop, cli, cld
        vector += 1
    if image[vector] == 0xE9:
        target = vector + 3 + struct.unpack_from("<h", image, vector + 1)[0]
    else:
        assert image[vector] == 0xEB, f"the reset vector is {image[-16:].hex()}"
        target = vector + 2 + struct.unpack_from("<b", image, vector + 1)[0]
    assert 0 <= target < len(image) - 16
    assert image[target] not in (0x00, 0xFF)


def guided_entries(image):
    """GUID and data of each entry of the GUIDed table, last first, as QEMU walks it.

    That is pc_system_parse_ovmf_flash() and pc_system_ovmf_table_find() in
    hw/i386/pc_sysfw_ovmf.c.
    """
    at = len(image) - 48
    if uuid.UUID(bytes_le=image[at:at + 16]) != GUIDED_TABLE_FOOTER:
        return
    at -= 2
    left = struct.unpack_from("<H", image, at)[0] - 18
    assert 0 <= left <= at, f"a table of {left} bytes"
    while left >= 18:
        length = struct.unpack_from("<H", image, at - 18)[0]
        assert 18 <= length <= left, f"entry of {length} bytes at {at:#x}"
        yield uuid.UUID(bytes_le=image[at - 16:at]), image[at - length:at - 18]
        at -= length
        left -= length
    assert left == 0, f"{left} bytes before the first entry"


def test_guided_table_lists_what_is_honoured(image):
    """The block of hashes, and no way to start a confidential VM (rulings 36)."""
    assert list(guided_entries(image)) == [
        (SEV_HASH_BLOCK, struct.pack("<II", hashtable.BLOCK, hashtable.BLOCK_SIZE))]


def test_guided_table_has_room_for_more(image):
    """SEV secret block, SEV-ES reset block, SNP and TDX metadata: each with data and head."""
    start = len(image) - 48 - 2 - sum(18 + len(data) for _, data in guided_entries(image))
    room = 18 + 8 + 3 * (18 + 4)
    assert not any(image[start - room:start])


TABLE_FLAWS = {
    "entry_longer_than_the_table": (-50 - 18, b"\x1b\0"),
    "entry_shorter_than_its_head": (-50 - 18, b"\x11\0"),
    "table_longer_than_its_entries": (-50, b"\x2d\0"),
    "table_longer_than_the_image": (-50, b"\xff\xff"),
}


@pytest.mark.parametrize("flaw", TABLE_FLAWS)
def test_flaw_of_the_guided_table_is_noticed(flaw, image):
    at, content = TABLE_FLAWS[flaw]
    changed = bytearray(image)
    changed[at:at + len(content)] = content
    with pytest.raises(AssertionError):
        list(guided_entries(bytes(changed)))


@pytest.mark.parametrize("signature", (b"_SM_", b"_SM3_", b"_MP_", b"RSD PTR "))
def test_image_has_no_signature_where_a_scan_looks(image, signature):
    """On a microvm it is at 0xf0000, too (rulings 2), where systems look for tables."""
    found = [at for at in range(0, len(image), 16) if image.startswith(signature, at)]
    assert not found, f"{signature} at offset {found}"
