# SPDX-License-Identifier: BSD-2-Clause
"""What is too small, cut, empty or not there ends in a boot or in one clear line, never in a
hang, a triple fault or silence."""

import re
from dataclasses import replace

import pytest

import faults
from fault_runs import (CONSOLES, CUT, FEW, HOSTILE, LINUX_BOOTS, LINUX_GIVES_UP, LINUX_TOO_SMALL,
                        MEMORY, NO_ROOM, VMM_MEMORY, VMM_NO_ROOM)
from handoff import PAGE
from linux_guest import boot, wrong_payload
from ranges import Range
from runs import probe
from test_bad_input import EXIT_FATAL, check_refused, fatal_lines
from test_probe import check_handoff
from test_vmm_shapes import check_handoff as check_handoff_of_a_vmm
from trial import Trial
from vmm_runs import VmmRun
from vmm_trial import VmmTrial

PANIC = "Kernel panic - not syncing: System is deadlocked on memory"


@pytest.fixture
def make_trial():
    return lambda run, host: (VmmTrial if isinstance(run, VmmRun) else Trial)(run, host)


@pytest.mark.parametrize("row", MEMORY + FEW, ids=lambda row: row.name)
def test_handoff(row, trial):
    check_handoff(row, trial(row))


@pytest.mark.parametrize("row", VMM_MEMORY, ids=lambda row: row.name)
def test_handoff_of_a_vmm(row, trial):
    check_handoff_of_a_vmm(trial(row))


@pytest.mark.parametrize("row", NO_ROOM + VMM_NO_ROOM + CUT + HOSTILE, ids=lambda row: row.name)
def test_refused(row, trial):
    check_refused(row, trial(row))


@pytest.mark.parametrize("row", CONSOLES, ids=lambda row: row.name)
def test_every_console_has_the_line(row, trial):
    """One line on each that there is; without any, the same end."""
    run = trial(row)
    run.go()
    result = run.result
    assert result.exit_code == EXIT_FATAL, result.describe()
    for wanted, text in ((row.debugcon, result.debugcon), (row.serial == "port", result.serial)):
        assert len(fatal_lines(text)) == text.count("\n") == wanted, result.describe()


# -- Linux --------------------------------------------------------------------------------


@pytest.fixture
def by_seabios(host, trial):
    """Runs a row under SeaBIOS, whatever comes of it; returns the Result."""
    def go(row):
        plain = replace(row, name=f"{row.name}-seabios", faults=".*", fatal=())
        run = Trial(plain, replace(host, fw=host.seabios(row.machine, row.qemu)))
        run.go()
        run.vm.clean()
        return run.result
    return go


@pytest.mark.parametrize("row", LINUX_TOO_SMALL, ids=lambda row: row.name)
def test_linux_that_has_no_place(row, trial, guest, by_seabios):
    """It could not have booted: started all the same, it goes wrong before it can say so."""
    check_refused(row, trial(row))
    elsewhere = by_seabios(row)
    assert "Linux version" not in elsewhere.serial, elsewhere.describe()
    assert re.search(f"Invalid write|{faults.TRIPLE_FAULT}", elsewhere.faults)


def usable(serial, run):
    """Bytes of RAM in the memory map that a kernel prints, all of it in that of the machine."""
    found = [Range(int(start, 16), int(last, 16) + 1) for start, last in re.findall(
        r"BIOS-e820: \[mem 0x([0-9a-f]+)-0x([0-9a-f]+)\] usable", serial)]
    there = run.machine.usable_ram(run.memory_size)
    assert all(any(item.start <= part.start and part.end <= item.end for item in there)
               for part in found), serial
    return sum(part.size for part in found)


@pytest.mark.parametrize("row", LINUX_GIVES_UP, ids=lambda row: row.name)
def test_linux_gives_up(row, trial, guest, host, by_seabios):
    """It has all that it should, and says itself that this is too little, as under SeaBIOS."""
    run = trial(row)
    run.go()
    serial = run.result.serial
    assert PANIC in serial and not run.said_before, run.result.describe()
    assert f"Command line: {row.cmdline.decode()}\r\n" in serial
    start, last = (int(number, 16) for number in re.search(
        r"RAMDISK: \[mem 0x([0-9a-f]+)-0x([0-9a-f]+)\]", serial).groups())
    assert last + 1 - start == -(-host.initrds[row.initrd].stat().st_size // PAGE) * PAGE
    total = sum(part.size for part in run.machine.usable_ram(run.memory_size))
    assert usable(serial, run) >= total - row.kept_limit
    elsewhere = by_seabios(row)
    assert PANIC in elsewhere.serial, elsewhere.describe()


@pytest.mark.parametrize("row", LINUX_BOOTS, ids=lambda row: row.name)
def test_linux_boots(row, trial, guest):
    run = trial(row)
    problems = list(wrong_payload(boot(run, 0), row.cmdline, row.smp, guest))
    assert not problems and not run.said_before, f"{problems}: {run.result.describe()}"


# -- QEMU's log is watched ----------------------------------------------------------------

START = "CPU Reset (CPU 0)\nEAX=00000000 EBX=00000000\nES =0000 00000000\n PC=0000 X00=00\n"
OTHER = START.replace("0)", "1)")
WRITE = "Invalid write at addr 0x4F77000, size 4, region '(null)', reason: rejected\n"
LOGS = {
    "nothing": (START * 2, 0),
    "no_log": ("", 1),
    "other_cpus_are_started": (START * 2 + OTHER * 4, 0),
    "other_cpu_once_more": (START * 2 + OTHER * 5, 1),
    "third_reset": (START * 3, 1),
    "triple_fault": (START * 2 + "Triple fault\n", 1),
    "write_to_no_memory": (START * 2 + WRITE * 3, 1),
    "look_for_ecam": (START * 2 + WRITE.replace("write", "read").replace("4F77000", "E0000000"), 0),
}


@pytest.mark.parametrize("name", LOGS)
def test_fault_is_noticed(name):
    log, wanted = LOGS[name]
    found = list(faults.unexpected(log, faults.allowed(probe("row"))))
    assert len(found) == wanted, found


def test_fault_of_a_row_is_no_other():
    row = probe("row", faults=faults.TRIPLE_FAULT)
    assert not list(faults.unexpected(START * 2 + "Triple fault\n", faults.allowed(row)))
    assert list(faults.unexpected(START * 2 + "Triple fault\n" + WRITE, faults.allowed(row)))
    row = probe("row", reboots=True)
    assert not list(faults.unexpected(START * 9 + OTHER * 9, faults.allowed(row)))


def test_triple_fault_fails_a_run(trial):
    """A probe resets the machine by one, where its row does not say so."""
    run = trial(probe("triple-fault", "microvm", resets_by="triple-fault"))
    with pytest.raises(pytest.fail.Exception, match=faults.TRIPLE_FAULT):
        run.go()
