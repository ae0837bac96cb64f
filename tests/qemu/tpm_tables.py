# SPDX-License-Identifier: BSD-2-Clause
"""ACPI tables by which an operating system finds a TPM 2.0 where QEMU's machines have one.

They are for microvm, for which QEMU makes none. Cloud Hypervisor's tell the same, of a CRB:
vmm/src/acpi.rs (create_tpm2_table), devices/src/tpm.rs.
"""

import struct

from acpi import make_table

REGISTERS, SIZE = 0xFED40000, 0x5000    # TCG PC Client Platform TPM Profile 1.05, 6.1
CONTROL_AREA = REGISTERS + 0x40         # the same, 6.5.3
FIFO, CRB = 6, 7                        # start methods: TCG ACPI Specification 1.4, 8

# ACPI 6.5, 20.2: encodings of AML.
NAME, STRING, BUFFER, DEVICE = b"\x08", b"\x0d", b"\x11", b"\x5b\x82"
ROOT, TWO_NAMES = b"\\", b"\x2e"
PACKAGE_MAX = 0x3F                      # with a length of one byte


def tpm2_table(method, has_log=False):
    """Revision 3, as Cloud Hypervisor has it; or 4, with the place of a log, which is none."""
    control_area = CONTROL_AREA if method == CRB else 0
    fields = struct.pack("<HHQI", 0, 0, control_area, method)
    return make_table(b"TPM2", 4 if has_log else 3, fields + bytes(24 if has_log else 0))


def package(content):
    """Content behind its length, which counts itself."""
    if len(content) >= PACKAGE_MAX:
        raise ValueError("the length of a package takes two bytes")
    return bytes((1 + len(content),)) + content


def byte(value):
    return bytes((0x0A, value))


def device_table():
    """An SSDT with Device (\\_SB.TPM)."""
    # Memory32Fixed (ReadWrite, REGISTERS, SIZE), and an end without a checksum: ACPI 6.5, 6.4.
    resources = struct.pack("<BHBII", 0x86, 9, 1, REGISTERS, SIZE) + b"\x79\0"
    return make_table(b"SSDT", 2, DEVICE + package(
        ROOT + TWO_NAMES + b"_SB_" + b"TPM_"
        + NAME + b"_HID" + STRING + b"MSFT0101\0"
        + NAME + b"_STA" + byte(0x0F)
        + NAME + b"_CRS" + BUFFER + package(byte(len(resources)) + resources)))
