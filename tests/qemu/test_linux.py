# SPDX-License-Identifier: BSD-2-Clause
"""Debian's kernels boot, and see from inside what they should.

What "should" means is, where it can be, what the same kernel sees on the same
machine when SeaBIOS boots it.  Those boots are made once and kept in
build/tests/seabios.
"""

import hashlib
import re

import pytest

from compare import NOTHING, differences
from linux_guest import EXIT_GUEST, boot
from runs import LINUX, REBOOT_COUNT, REBOOTS, UEFI


@pytest.mark.parametrize("row", LINUX, ids=lambda row: row.name)
def test_linux(row, trial, guest, seabios):
    run = trial(row)
    found = boot(run, 0 if run.machine.acpi else EXIT_GUEST)
    problems = list(differences(found, seabios(row), run, guest, row.allow or NOTHING))
    # A virtio console is off by then.
    if run.machine.acpi and row.serial == "port" \
            and "reboot: Power down" not in run.result.serial:
        problems.append("QEMU ended, but not because the guest powered off")
    if problems:
        pytest.fail("\n".join([f"logs in {run.vm.folder}"] + problems[:30]), pytrace=False)


def test_uki_starts_on_uefi(trial, guest):
    """With systemd's stub, the file that we boot is one that UEFI does, too."""
    run = trial(UEFI)
    found = boot(run, 0)
    assert found.single["efi"] == "yes"
    assert bytes.fromhex(found.single["cmdline"]) == run.cmdline_seen + b"\n"
    assert found.single[f"sha256:{guest.name}"] == hashlib.sha256(guest.read_bytes()).hexdigest()


@pytest.mark.parametrize("row", REBOOTS, ids=lambda row: row.name)
def test_reboot(row, trial, guest):
    """The guest reboots by each of Linux's methods, and comes up the same each time."""
    run = trial(row)
    run.go(until=lambda result: result.serial.count("SLIPWAY-REBOOT") > REBOOT_COUNT)
    prints = re.findall(r"SLIPWAY-REBOOT .*", run.result.serial)
    if len(prints) <= REBOOT_COUNT:
        pytest.fail(f"{len(prints)} boots: {run.result.describe()}", pytrace=False)
    assert len(set(prints)) == 1, f"boots differ: {prints}"
