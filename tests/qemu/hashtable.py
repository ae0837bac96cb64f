# SPDX-License-Identifier: BSD-2-Clause
"""The hash table of confidential VMs as QEMU makes it (target/i386/sev.c), and damaged ones.

Without SEV anybody can write it, so that what is tested with it is logic and not trust.  A row of
runs.py has a function of kernel, initrd and command line, as they are delivered, for its table.
"""

import hashlib
import struct
import uuid

HEADER, ENTRY, PADDED = 18, 50, 176
# Where the image says that a table may be: arch/x86_64/layout.h.
BLOCK, BLOCK_SIZE = 0x10C00, 0x400
TABLE = uuid.UUID("9438d606-4f22-4cc9-b479-a793d411fd21")
KERNEL = uuid.UUID("4de79437-abd2-427f-b835-d5b172d2045b")
INITRD = uuid.UUID("44baf731-3a2f-4bd7-9af1-41e29169781d")
CMDLINE = uuid.UUID("97d02dd8-bd20-4c94-aa78-e7714d36ab2a")
UNKNOWN = uuid.UUID("00112233-4455-6677-8899-aabbccddeeff")


def entry(guid, digest, length=ENTRY):
    return guid.bytes_le + struct.pack("<H", length) + digest


def compose(*entries, guid=TABLE, length=None):
    """A table of these entries, which says that it has `length` bytes."""
    content = b"".join(entries)
    length = HEADER + len(content) if length is None else length
    return (guid.bytes_le + struct.pack("<H", length) + content).ljust(PADDED, b"\0")


def digests(kernel, initrd, cmdline):
    """The entries, in QEMU's order."""
    return [entry(guid, hashlib.sha256(content).digest())
            for guid, content in ((CMDLINE, cmdline + b"\0"), (INITRD, initrd), (KERNEL, kernel))]


def agreed(kernel, initrd, cmdline):
    """A table by which all of it may be booted."""
    return compose(*digests(kernel, initrd, cmdline))


def reordered(kernel, initrd, cmdline):
    return compose(*reversed(digests(kernel, initrd, cmdline)))


def flipped(content, at):
    """Other bytes: one bit of the one at `at` differs, or a byte is there where none was."""
    if not content:
        return b"\x01"
    changed = bytearray(content)
    changed[at] ^= 0x10
    return bytes(changed)


def other_kernel(at):
    return lambda kernel, initrd, cmdline: agreed(flipped(kernel, at), initrd, cmdline)


def other_initrd(kernel, initrd, cmdline):
    return agreed(kernel, flipped(initrd, -1), cmdline)


def other_cmdline(kernel, initrd, cmdline):
    return agreed(kernel, initrd, flipped(cmdline, -1))


def damaged(change):
    """A table of what change() makes of the three entries: entries, or a whole table."""
    def make(kernel, initrd, cmdline):
        content = change(digests(kernel, initrd, cmdline))
        return content if isinstance(content, bytes) else compose(*content)
    return make


DIGEST = bytes(32)
# Each way in which a table can be wrong: how, status, and what is said of it.
DAMAGED = {
    "header-guid": (damaged(lambda entries: compose(*entries, guid=UNKNOWN)),
                    "bad-format", "another GUID in its header"),
    "header-guid-zero": (damaged(lambda entries: compose(*entries, guid=uuid.UUID(int=0))),
                         "bad-format", "another GUID in its header"),
    "length-0": (damaged(lambda entries: compose(*entries, length=0)),
                 "out-of-range", "length is 0,"),
    "length-past-block": (damaged(lambda entries: compose(*entries, length=BLOCK_SIZE + 1)),
                          "out-of-range", "length is 1025, in a block of 1024"),
    "length-cuts-an-entry": (damaged(lambda entries: compose(*entries, length=167)),
                             "truncated", "ends inside its entry at 118"),
    "length-takes-padding": (damaged(lambda entries: compose(*entries, length=PADDED)),
                             "truncated", "ends inside its entry at 168"),
    "entry-length": (damaged(lambda entries: [*entries[:2], entry(KERNEL, DIGEST, 52)]),
                     "bad-format", "entry for the kernel has 52 bytes"),
    "entry-unknown": (damaged(lambda entries: [entries[0], entry(UNKNOWN, DIGEST), entries[2]]),
                      "bad-format", "entry at 68 has an unknown GUID"),
    "entry-unknown-more": (damaged(lambda entries: [*entries, entry(UNKNOWN, DIGEST)]),
                           "bad-format", "entry at 168 has an unknown GUID"),
    "entry-doubled": (damaged(lambda entries: [*entries, entries[1]]),
                      "bad-format", "two entries for the initrd"),
    "no-entries": (damaged(lambda entries: compose(*entries, length=HEADER)),
                   "bad-format", "no entry for the kernel"),
    "no-kernel": (damaged(lambda entries: entries[:2]), "bad-format", "no entry for the kernel"),
    "no-initrd": (damaged(lambda entries: entries[::2]), "bad-format", "no entry for the initrd"),
    "no-cmdline": (damaged(lambda entries: entries[1:]),
                   "bad-format", "no entry for the command line"),
}
