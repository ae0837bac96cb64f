# SPDX-License-Identifier: BSD-2-Clause
"""What is too small, cut, empty or not there ends in a boot or in one clear line, never in a
hang or silence."""

import re
import subprocess
from dataclasses import replace

import pytest

from linux_guest import boot, wrong_payload
from machines import KIB
from test_faults import PANIC
from .fault_runs import (CUT, FEW, HOSTILE, LINUX_BOOTS, LINUX_GIVES_UP, LINUX_TOO_SMALL, MEMORY,
                         NO_ROOM, NO_SERIAL)
from .test_bad_input import check_refused
from .test_probe import check_handoff
from .trial import Trial


@pytest.mark.parametrize("row", MEMORY + FEW, ids=lambda row: row.name)
def test_handoff(row, trial):
    check_handoff(row, trial(row))


@pytest.mark.parametrize("row", NO_ROOM + CUT + HOSTILE, ids=lambda row: row.name)
def test_refused(row, trial):
    check_refused(row, trial(row))


@pytest.mark.parametrize("row", NO_SERIAL, ids=lambda row: row.name)
def test_refused_without_a_reader(row, trial):
    """The machine is switched off all the same."""
    run = trial(row)
    run.go()
    assert run.ended_by == "guest-shutdown" and not run.result.serial, run.result.describe()


# -- Linux --------------------------------------------------------------------------------


@pytest.mark.parametrize("row", LINUX_TOO_SMALL, ids=lambda row: row.name)
def test_linux_that_has_no_place(row, trial, guest, host):
    """It could not have booted: QEMU's own loading of the kernel does not find it a place."""
    check_refused(row, trial(row))
    other = Trial(replace(row, name=f"{row.name}-direct", door="none", fatal=()), host)
    done = subprocess.run(other.vm.command, capture_output=True, text=True, timeout=60)
    other.vm.clean()
    assert done.returncode != 0
    assert re.search("too large to fit in RAM|could not load initrd", done.stderr), done.stderr


@pytest.mark.parametrize("row", LINUX_GIVES_UP, ids=lambda row: row.name)
def test_linux_gives_up(row, trial, guest, host):
    """It has all that it should, and says itself that this is too little; so it does where QEMU
    loads it."""
    run = trial(row)
    run.go()
    serial = run.result.serial
    assert PANIC in serial and "slipway: " not in serial, run.result.describe()
    assert f"Kernel command line: {row.cmdline.decode()}\r\n" in serial
    total = int(re.search(r"Memory: \d+K/(\d+)K available", serial)[1])
    assert total * KIB >= run.memory_size - row.kept_limit
    other = Trial(replace(row, name=f"{row.name}-direct", door="none", faults=".*"), host)
    other.go()
    other.vm.clean()
    assert PANIC in other.result.serial, other.result.describe()


@pytest.mark.parametrize("row", LINUX_BOOTS, ids=lambda row: row.name)
def test_linux_boots(row, trial, guest):
    run = trial(row)
    problems = list(wrong_payload(boot(run, 0), row.cmdline, row.smp, guest))
    assert not problems and "slipway: " not in run.result.serial, \
        f"{problems}: {run.result.describe()}"
