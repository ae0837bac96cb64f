# SPDX-License-Identifier: BSD-2-Clause
"""Reads a TPM's event log, and replays it: TCG PC Client Platform Firmware Profile 1.05, 10.2."""

import hashlib
import struct
from dataclasses import dataclass

NAMES = {0x4: "sha1", 0xB: "sha256", 0xC: "sha384", 0xD: "sha512"}     # TPM_ALG_ID
EV_NO_ACTION = 3
SIGNATURE = b"Spec ID Event03\0"
TYPES = {4: "EV_SEPARATOR", 8: "EV_S_CRTM_VERSION", 10: "EV_PLATFORM_CONFIG_FLAGS", 13: "EV_IPL"}

# PCRs of a PC's TPM; those that a dynamic launch resets start with all bits set.
PCRS = 24
DYNAMIC = range(17, 23)


@dataclass
class Event:
    pcr: int
    type: int
    digests: dict               # by bank
    data: bytes

    def as_the_tool_says(self):
        """In the form of slipway-measure --json."""
        return {"pcr": self.pcr, "type": TYPES.get(self.type, hex(self.type)),
                "digests": {bank: digest.hex() for bank, digest in self.digests.items()},
                "event": self.data.hex()}


class Cursor:
    def __init__(self, content):
        self.content, self.offset = content, 0

    def take(self, size):
        assert self.offset + size <= len(self.content), f"the log is cut at {self.offset:#x}"
        self.offset += size
        return self.content[self.offset - size:self.offset]

    def numbers(self, form):
        return struct.unpack("<" + form, self.take(struct.calcsize("<" + form)))


def read_log(content):
    """The sizes of the banks' digests by name, and the events that follow."""
    cursor = Cursor(content)
    pcr, kind, digest, size = cursor.numbers("II20sI")
    assert (pcr, kind, digest) == (0, EV_NO_ACTION, bytes(20)), "the log has no header"
    header = Cursor(cursor.take(size))
    assert header.take(len(SIGNATURE)) == SIGNATURE
    # Platform class, version 2.0, and the bytes of a UINTN in 32 bits.
    _, minor, major, _, _, count = header.numbers("IBBBBI")
    assert (major, minor) == (2, 0)
    banks = {NAMES[algorithm]: size for algorithm, size in
             (header.numbers("HH") for _ in range(count))}
    header.take(*header.numbers("B"))
    assert header.offset == size, "the log's header is longer than it says"

    events = []
    while cursor.offset < len(content):
        pcr, kind, count = cursor.numbers("III")
        digests = {}
        for _ in range(count):
            bank = NAMES[cursor.numbers("H")[0]]
            digests[bank] = cursor.take(banks[bank])
        assert list(digests) == list(banks), f"event {len(events)} has digests of {list(digests)}"
        events.append(Event(pcr, kind, digests, cursor.take(*cursor.numbers("I"))))
    return banks, events


def replay(banks, events):
    """What all PCRs are after these events, by bank; as hexadecimal digits."""
    pcrs = {bank: [bytes([0xFF * (pcr in DYNAMIC)]) * size for pcr in range(PCRS)]
            for bank, size in banks.items()}
    for event in events:
        if event.type != EV_NO_ACTION:
            for bank, digest in event.digests.items():
                pcrs[bank][event.pcr] = hashlib.new(bank, pcrs[bank][event.pcr] + digest).digest()
    return {bank: {pcr: value.hex() for pcr, value in enumerate(values)}
            for bank, values in pcrs.items()}
