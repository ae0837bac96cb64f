# SPDX-License-Identifier: BSD-2-Clause
"""Options and fixtures of the QEMU tests.

The environment names what is tested: FW is the image (default
build/x86_64/fw.bin), O the build folder, whose tests/ takes the logs, CACHE the
folder of fetched kernels and QEMUs.  What is missing is fetched once, under a
lock, by the scripts in tests/tools.
"""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/qemu"))

from trial import Host, Trial  # noqa: E402

TOOLS = ROOT / "tests/tools"


def tool(name, *arguments):
    """The last line that a script in tests/tools prints."""
    done = subprocess.run([TOOLS / name, *arguments], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.split("\n")[-2] if done.stdout else ""


class Lazy(dict):
    """A dict that makes its values when they are first asked for."""

    def __init__(self, make):
        super().__init__()
        self.make = make

    def __missing__(self, key):
        self[key] = self.make(key)
        return self[key]


def find_qemu(version):
    """The command of a QEMU version: 7.2 is the system's on Debian 12."""
    qemu = tool("fetch-qemu") if version == "10.0" else "qemu-system-x86_64"
    said = subprocess.run([qemu, "--version"], check=True, capture_output=True, text=True).stdout
    assert said.startswith(f"QEMU emulator version {version}."), f"{qemu} is {said.splitlines()[0]}"
    return qemu


@pytest.fixture(scope="session")
def host():
    out = Path(os.environ.get("O", ROOT / "build")).resolve()
    fw = Path(os.environ.get("FW", out / "x86_64/fw.bin")).resolve()
    assert fw.exists(), f"{fw} does not exist: run make first"
    logs = out / "tests"
    logs.mkdir(parents=True, exist_ok=True)
    return Host(fw, logs, Lazy(find_qemu), Lazy(lambda name: Path(tool("fetch-kernel", name))))


@pytest.fixture(scope="session")
def guest(host):
    """The initrd of Linux guests, and the file that they find in /payload."""
    payload = host.out / "payload"
    initrd = host.out / "guest.cpio"
    with open(host.out / "guest.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        newest = max((ROOT / "tests" / name).stat().st_mtime
                     for name in ("qemu/guest/init", "tools/make-initrd"))
        if not initrd.exists() or initrd.stat().st_mtime < newest:
            payload.write_bytes(bytes(i * i >> 3 & 0xFF for i in range(1 << 20)))
            tool("make-initrd", initrd, payload)
    host.guest_initrd = initrd
    return payload


@pytest.fixture
def trial(host):
    """Makes Trials; their large inputs are removed afterwards."""
    made = []

    def make(run):
        made.append(Trial(run, host))
        return made[-1]

    yield make
    for item in made:
        item.vm.clean()
