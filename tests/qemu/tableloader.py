# SPDX-License-Identifier: BSD-2-Clause
"""Writes ACPI loader scripts (etc/table-loader), sound and unsound.

A script is a series of 128-byte entries; the format is that of QEMU's
hw/acpi/bios-linker-loader.c.
"""

import struct

ENTRY_SIZE = 128
HIGH, F_SEGMENT = 1, 2


def entry(command, layout, *fields):
    return struct.pack("<I" + layout, command, *fields).ljust(ENTRY_SIZE, b"\0")


def name(text):
    return text if isinstance(text, bytes) else text.encode()


def allocate(file, align=16, zone=HIGH):
    return entry(1, "56sIB", name(file), align, zone)


def add_pointer(dest, src, offset, size):
    return entry(2, "56s56sIB", name(dest), name(src), offset, size)


def add_checksum(file, offset, start, length):
    return entry(3, "56sIII", name(file), offset, start, length)


def write_pointer(dest, src, dest_offset, src_offset, size):
    return entry(4, "56s56sIIB", name(dest), name(src), dest_offset, src_offset, size)


RSDP, TABLES = "etc/acpi/rsdp", "etc/acpi/tables"

# An RSDP, and an XSDT without entries; addresses and checksums are the script's.
RSDP_FILE = struct.pack("<8sB6sBIIQB3s", b"RSD PTR ", 0, b"SLIPWY", 2, 0, 36, 0, 0, b"")
TABLES_FILE = struct.pack("<4sIBB6s8sI4sI",
                          b"XSDT", 36, 1, 0, b"SLIPWY", b"TESTTEST", 1, b"TEST", 1)

SOUND = [allocate(RSDP, 16, F_SEGMENT), allocate(TABLES, 64),
         add_checksum(TABLES, 9, 0, 36), add_pointer(RSDP, TABLES, 24, 8),
         add_checksum(RSDP, 8, 0, 20), add_checksum(RSDP, 32, 0, 36)]


def fw_cfg(entries, tables=TABLES_FILE):
    """The three files of a script, for a Run's fw_cfg."""
    return (("etc/table-loader", b"".join(entries)), (RSDP, RSDP_FILE), (TABLES, tables))
