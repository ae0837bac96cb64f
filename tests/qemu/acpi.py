# SPDX-License-Identifier: BSD-2-Clause
"""ACPI tables for VMMs that put them into memory themselves, without a loader script.

They are QEMU's own: its machines play those VMMs, and a kernel must find its devices.
place() does in Python what QEMU's script asks a firmware to do, and add() has tables besides.
"""

import struct
from dataclasses import dataclass

from host import tool

SCRIPT = "etc/table-loader"
ENTRY_SIZE = 128
ALLOCATE, ADD_POINTER, ADD_CHECKSUM = 1, 2, 3
F_SEGMENT = 2
RSDP_SIZE = 36

# ACPI 6.5, tables 5.3 and 5.4: of the RSDP, and of a table's header.
RSDP_XSDT, RSDP_EXTENDED_CHECKSUM = 24, 32
LENGTH, CHECKSUM = 4, 9


@dataclass
class Placed:
    """An RSDP and the tables, with their addresses in them."""

    rsdp_at: int
    rsdp: bytes
    tables_at: int
    tables: bytes


def with_checksum(content, at):
    """The bytes, with that at `at` such that all of them add up to 0."""
    content = bytearray(content)
    content[at] = 0
    content[at] = -sum(content) & 0xFF
    return bytes(content)


def make_table(signature, revision, body):
    """A table with its header."""
    header = struct.pack("<4sIBB6s8sI4sI", signature, 36 + len(body), revision, 0, b"SLIPWY",
                         b"TESTTEST", 1, b"TEST", 1)
    return with_checksum(header + body, CHECKSUM)


def record(path, qemu, options):
    """{name: content} of the fw_cfg files of a machine; `path` is for the recording."""
    tool("record-fwcfg", path, qemu, *options)
    return read_recording(path.read_bytes())


def read_recording(blob):
    """{name: content} of a recording; tests/tools/record-fwcfg tells its format."""
    at, files = 0, {}
    while at < len(blob):
        size, = struct.unpack_from(">I", blob, at)
        file = blob[at + 8:at + 64].rstrip(b"\0").decode()
        stored, = struct.unpack_from(">I", blob, at + 64)
        files[file] = blob[at + 68:at + 68 + stored].ljust(size, b"\0")
        at += 68 + stored
    return files


def text(field):
    return field.partition(b"\0")[0].decode()


def place(files, rsdp_at, tables_at):
    """The tables of these fw_cfg files, for these addresses.

    The script may allocate three files: the RSDP, for the F segment, the tables, and the
    TPM's log, which stays behind.
    """
    script = files[SCRIPT]
    content, address = {}, {}
    for at in range(0, len(script), ENTRY_SIZE):
        command, = struct.unpack_from("<I", script, at)
        fields = script[at + 4:at + ENTRY_SIZE]
        if command == ALLOCATE:
            file, _, zone = struct.unpack_from("<56sIB", fields)
            content[text(file)] = bytearray(files[text(file)])
            address[text(file)] = rsdp_at if zone == F_SEGMENT else tables_at
        elif command == ADD_POINTER:
            file, target, offset, size = struct.unpack_from("<56s56sIB", fields)
            into = content[text(file)]
            value = int.from_bytes(into[offset:offset + size], "little") + address[text(target)]
            into[offset:offset + size] = value.to_bytes(size, "little")
        elif command == ADD_CHECKSUM:
            file, offset, start, length = struct.unpack_from("<56sIII", fields)
            into = content[text(file)]
            into[offset] = 0
            into[offset] = -sum(into[start:start + length]) & 0xFF
        elif command:
            raise ValueError(f"loader script command {command}")
    return Placed(rsdp_at, bytes(content["etc/acpi/rsdp"]), tables_at,
                  bytes(content["etc/acpi/tables"]))


def add(placed, tables):
    """The same with more tables behind, and an XSDT in which they are with the others."""
    content = bytearray(placed.tables)
    at = struct.unpack_from("<Q", placed.rsdp, RSDP_XSDT)[0] - placed.tables_at
    size, = struct.unpack_from("<I", content, at + LENGTH)
    root = content[at:at + size]
    for table in tables:
        root += struct.pack("<Q", placed.tables_at + len(content))
        content += table
    struct.pack_into("<I", root, LENGTH, len(root))
    rsdp = bytearray(placed.rsdp)
    struct.pack_into("<Q", rsdp, RSDP_XSDT, placed.tables_at + len(content))
    return Placed(placed.rsdp_at, with_checksum(rsdp, RSDP_EXTENDED_CHECKSUM), placed.tables_at,
                  bytes(content) + with_checksum(root, CHECKSUM))
