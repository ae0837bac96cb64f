# SPDX-License-Identifier: BSD-2-Clause
"""Reads and writes flattened device trees (Devicetree Specification 0.4, chapter 5)."""

import random
import struct
from dataclasses import dataclass, field

MAGIC = 0xD00DFEED
BEGIN_NODE, END_NODE, PROPERTY, NOP, END = 1, 2, 3, 4, 9
HEADER_SIZE = 40
VERSION, COMPATIBLE_VERSION = 17, 16


def padded(content):
    return content + bytes(-len(content) % 4)


def u32(*numbers):
    return struct.pack(f">{len(numbers)}I", *numbers)


def u64(*numbers):
    return struct.pack(f">{len(numbers)}Q", *numbers)


def string(text):
    return (text if isinstance(text, bytes) else text.encode()) + b"\0"


def number(value):
    """Of a property of any number of cells."""
    return int.from_bytes(value, "big")


@dataclass
class Node:
    name: str = ""
    properties: dict = field(default_factory=dict)      # name: bytes
    children: list = field(default_factory=list)

    def child(self, name):
        """The child of that name, or None."""
        return next((child for child in self.children if child.name == name), None)

    def write(self, strings):
        """The node's tokens; `strings` takes the names of properties it lacks."""
        content = struct.pack(">I", BEGIN_NODE) + padded(string(self.name))
        for name, value in self.properties.items():
            offset = (b"\0" + strings).find(b"\0" + string(name))
            if offset < 0:
                offset = len(strings)
                strings += string(name)
            content += struct.pack(">III", PROPERTY, len(value), offset) + padded(value)
        for child in self.children:
            content += child.write(strings)
        return content + struct.pack(">I", END_NODE)


@dataclass
class DeviceTree:
    root: Node = field(default_factory=Node)
    reservations: list = field(default_factory=list)    # (addr, size)
    boot_cpu: int = 0

    @property
    def chosen(self):
        return self.root.child("chosen")

    @classmethod
    def read(cls, blob):
        """The tree in `blob`; whatever is wrong with it is an exception."""
        magic, _, at, strings, reserved, version, compatible, boot_cpu, _, size = \
            struct.unpack_from(">10I", blob)
        if magic != MAGIC or version < VERSION or compatible > VERSION:
            raise ValueError(f"magic {magic:#x}, version {version}, {compatible}")
        tree = cls(boot_cpu=boot_cpu)
        while (entry := struct.unpack_from(">QQ", blob, reserved)) != (0, 0):
            tree.reservations.append(entry)
            reserved += 16
        above, end = [Node()], at + size
        while at < end:
            token, = struct.unpack_from(">I", blob, at)
            at += 4
            if token == BEGIN_NODE:
                name = blob[at:blob.index(b"\0", at)]
                at += len(padded(name + b"\0"))
                above[-1].children.append(Node(name.decode()))
                above.append(above[-1].children[-1])
            elif token == END_NODE:
                above.pop()
            elif token == PROPERTY:
                length, offset = struct.unpack_from(">II", blob, at)
                name = blob[strings + offset:blob.index(b"\0", strings + offset)].decode()
                if name in above[-1].properties:
                    raise ValueError(f"two properties {name} in {above[-1].name}")
                above[-1].properties[name] = blob[at + 8:at + 8 + length]
                at += 8 + len(padded(bytes(length)))
            elif token == END:
                break
            elif token != NOP:
                raise ValueError(f"token {token} at {at - 4:#x}")
        if token != END or len(above) != 1 or len(above[0].children) != 1:
            raise ValueError("the structure block does not end with its root")
        tree.root = above[0].children[0]
        return tree

    def write(self):
        strings = bytearray()
        structure = self.root.write(strings) + struct.pack(">I", END)
        reservations = b"".join(u64(*entry) for entry in [*self.reservations, (0, 0)])
        structure_at = HEADER_SIZE + len(reservations)
        strings_at = structure_at + len(structure)
        header = struct.pack(">10I", MAGIC, strings_at + len(strings), structure_at, strings_at,
                             HEADER_SIZE, VERSION, COMPATIBLE_VERSION, self.boot_cpu,
                             len(strings), len(structure))
        return header + reservations + structure + bytes(strings)


def tree(filler):
    """A tree whose root has one property of `filler` random bytes."""
    return DeviceTree(Node("", {"filler": random.Random(filler).randbytes(filler)})).write()
