# SPDX-License-Identifier: BSD-2-Clause
"""Fixtures of the AArch64 tests, in place of those of the same names for x86_64."""

import os

import pytest

from host import Host
from .runs import GUEST, GUEST_KEXEC, KERNELS, KEXEC_KERNEL
from .trial import Trial


@pytest.fixture(scope="session")
def host(out):
    return Host.of("aarch64", os.environ.get("FW_AARCH64", out / "aarch64/fw.bin"),
                   out / "tests/aarch64")


@pytest.fixture(scope="session")
def guest(host):
    """Linux guests get their initrds; this is the file that they find in /payload."""
    modules = [word for name in KERNELS for word in ("--modules", host.kernels[name])]
    options = ("--arch", "aarch64", *modules)
    host.initrds[GUEST], payload = host.make_guest(GUEST, *options)
    host.initrds[GUEST_KEXEC], _ = host.make_guest(
        GUEST_KEXEC, *options, "--add", f"kexec/Image={host.kernels[KEXEC_KERNEL]}")
    return payload


@pytest.fixture
def make_trial():
    return Trial
