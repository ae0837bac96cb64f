# SPDX-License-Identifier: BSD-2-Clause
"""Composes bzImage files field by field, and reads setup headers back.

Field names and offsets are those of Linux Documentation/arch/x86/boot.rst;
an offset counts from the start of the file, which is also the offset in
struct boot_params.  Nothing here checks that a header makes sense: tests
need senseless ones too.
"""

import struct
from dataclasses import dataclass, fields

SECTOR = 512

LOADED_HIGH = 0x01
KEEP_SEGMENTS = 0x40
CAN_USE_HEAP = 0x80

XLF_KERNEL_64 = 0x01
XLF_CAN_BE_LOADED_ABOVE_4G = 0x02

# name: (offset, struct format)
LAYOUT = {
    "setup_sects": (0x1F1, "<B"),
    "root_flags": (0x1F2, "<H"),
    "syssize": (0x1F4, "<I"),
    "ram_size": (0x1F8, "<H"),
    "vid_mode": (0x1FA, "<H"),
    "root_dev": (0x1FC, "<H"),
    "boot_flag": (0x1FE, "<H"),
    "jump": (0x200, "<H"),
    "header": (0x202, "4s"),
    "version": (0x206, "<H"),
    "realmode_swtch": (0x208, "<I"),
    "start_sys_seg": (0x20C, "<H"),
    "kernel_version": (0x20E, "<H"),
    "type_of_loader": (0x210, "<B"),
    "loadflags": (0x211, "<B"),
    "setup_move_size": (0x212, "<H"),
    "code32_start": (0x214, "<I"),
    "ramdisk_image": (0x218, "<I"),
    "ramdisk_size": (0x21C, "<I"),
    "bootsect_kludge": (0x220, "<I"),
    "heap_end_ptr": (0x224, "<H"),
    "ext_loader_ver": (0x226, "<B"),
    "ext_loader_type": (0x227, "<B"),
    "cmd_line_ptr": (0x228, "<I"),
    "initrd_addr_max": (0x22C, "<I"),
    "kernel_alignment": (0x230, "<I"),
    "relocatable_kernel": (0x234, "<B"),
    "min_alignment": (0x235, "<B"),
    "xloadflags": (0x236, "<H"),
    "cmdline_size": (0x238, "<I"),
    "hardware_subarch": (0x23C, "<I"),
    "hardware_subarch_data": (0x240, "<Q"),
    "payload_offset": (0x248, "<I"),
    "payload_length": (0x24C, "<I"),
    "setup_data": (0x250, "<Q"),
    "pref_address": (0x258, "<Q"),
    "init_size": (0x260, "<I"),
    "handover_offset": (0x264, "<I"),
    "kernel_info_offset": (0x268, "<I"),
}

# Where the header of each protocol version ends.
_HEADER_END = {
    0x206: 0x23C, 0x207: 0x248, 0x208: 0x250, 0x209: 0x258, 0x20A: 0x264,
    0x20B: 0x268, 0x20C: 0x268, 0x20D: 0x268, 0x20E: 0x268, 0x20F: 0x26C,
}


def header_end(version):
    """File offset of the first byte after the header of a protocol version."""
    return _HEADER_END.get(version, 0x26C)


@dataclass
class SetupHeader:
    """Every field of the setup header; None means "the value that fits"."""

    setup_sects: int = 4
    root_flags: int = 0
    syssize: int = None             # None: the payload's length
    ram_size: int = 0
    vid_mode: int = 0xFFFF
    root_dev: int = 0
    boot_flag: int = 0xAA55
    jump: int = None                # None: a jump to the version's header end
    header: bytes = b"HdrS"
    version: int = 0x20F
    realmode_swtch: int = 0
    start_sys_seg: int = 0x1000
    kernel_version: int = 0
    type_of_loader: int = 0
    loadflags: int = LOADED_HIGH
    setup_move_size: int = 0x8000
    code32_start: int = 0x100000
    ramdisk_image: int = 0
    ramdisk_size: int = 0
    bootsect_kludge: int = 0
    heap_end_ptr: int = 0
    ext_loader_ver: int = 0
    ext_loader_type: int = 0
    cmd_line_ptr: int = 0
    initrd_addr_max: int = 0x7FFFFFFF
    kernel_alignment: int = 0x200000
    relocatable_kernel: int = 1
    min_alignment: int = 21
    xloadflags: int = XLF_KERNEL_64 | XLF_CAN_BE_LOADED_ABOVE_4G
    cmdline_size: int = 2047
    hardware_subarch: int = 0
    hardware_subarch_data: int = 0
    payload_offset: int = 0
    payload_length: int = 0
    setup_data: int = 0
    pref_address: int = 0x1000000
    init_size: int = None           # None: the payload rounded up to pages
    handover_offset: int = 0
    kernel_info_offset: int = 0

    @classmethod
    def unpack(cls, data):
        """The header inside a bzImage or a struct boot_params."""
        return cls(**{name: struct.unpack_from(fmt, data, offset)[0]
                      for name, (offset, fmt) in LAYOUT.items()})

    def write_to(self, image):
        """Writes the fields that this protocol version has into a bytearray."""
        end = header_end(self.version)
        for field in fields(self):
            offset, fmt = LAYOUT[field.name]
            if offset < end:
                struct.pack_into(fmt, image, offset, getattr(self, field.name))


def compose(header, real_mode, payload):
    """A bzImage: the setup sectors around `real_mode`, then `payload`.

    `real_mode` is a flat image of the setup part, whose code starts behind
    the longest header; its header bytes are overwritten.  The setup part is
    as long as setup_sects says (0 counts as 4, as the protocol demands), cut
    or zero-padded.
    """
    filled = SetupHeader(**{f.name: getattr(header, f.name) for f in fields(header)})
    end = header_end(filled.version)
    if filled.syssize is None:
        filled.syssize = -(-len(payload) // 16)
    if filled.init_size is None:
        filled.init_size = -(-len(payload) // 4096) * 4096
    if filled.jump is None:
        filled.jump = 0xEB | (end - 0x202) << 8

    size = ((filled.setup_sects or 4) + 1) * SECTOR
    setup = bytearray(max(size, len(real_mode), 0x300))
    setup[:len(real_mode)] = real_mode
    filled.write_to(setup)
    return bytes(setup[:size]) + payload
