# SPDX-License-Identifier: BSD-2-Clause
"""The hashes of the image, as a program of Linux, on both architectures.

tests/unit/test_sha2.c has more of this machine's code.  That of AArch64, its instructions too, runs
in qemu-aarch64 here.  Second opinions are NIST's CAVP vectors and Python's hashlib.
"""

import hashlib
import re
import subprocess
from pathlib import Path

import pytest

CAVP = Path("/usr/lib/python3/dist-packages/cryptography_vectors/hashes/SHA2")
VECTOR = re.compile(r"Len = (\d+)\s+Msg = ([0-9a-f]+)\s+MD = ([0-9a-f]+)")
RUNNERS = {"x86_64": [], "aarch64": ["qemu-aarch64", "-cpu", "max"]}
# Pieces that a message comes in: bytes, less than a block, a block and a bit, all at once.
PIECES = (1, 7, 63, 64, 65, 129, 1 << 20)
WAYS = {"sha256": "sha256", "sha256-cpu": "sha256", "sha384": "sha384"}

each_way = pytest.mark.parametrize("way", WAYS)
each_arch = pytest.mark.parametrize("arch", RUNNERS)


@pytest.fixture
def digests(out, arch, way):
    """Function that gives the digests of messages that come in pieces of some size."""
    program = [*RUNNERS[arch], out / arch / "bench/hash"]

    def digests_of(messages, piece):
        done = subprocess.run([*program, "digest", way, str(piece)], check=True, text=True,
                              input="".join(f"{message.hex()}\n" for message in messages),
                              stdout=subprocess.PIPE)
        return done.stdout.split()

    listed = subprocess.run([*program, "list"], check=True, text=True, stdout=subprocess.PIPE)
    if way not in listed.stdout.split():
        # An emulated CPU has all instructions.
        assert (arch, way) == ("x86_64", "sha256-cpu")
        pytest.skip("this CPU has no instructions for SHA-256")
    return digests_of


def vectors(kind):
    for which in ("ShortMsg", "LongMsg"):
        text = (CAVP / f"{kind.upper()}{which}.rsp").read_text(encoding="ascii")
        for bits, message, digest in VECTOR.findall(text):
            yield bytes.fromhex(message)[:int(bits) // 8], digest


@each_way
@each_arch
def test_published_vectors(digests, way):
    messages, expected = zip(*vectors(WAYS[way]))
    assert len(messages) > 100
    assert digests(messages, 1 << 20) == list(expected)


@each_way
@each_arch
def test_pieces_of_messages_of_all_lengths(digests, way):
    messages = [bytes((7 * i + size) & 255 for i in range(size)) for size in range(400)]
    expected = [hashlib.new(WAYS[way], message).hexdigest() for message in messages]
    for piece in PIECES:
        assert digests(messages, piece) == expected, f"pieces of {piece} bytes"
