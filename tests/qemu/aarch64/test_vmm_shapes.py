# SPDX-License-Identifier: BSD-2-Clause
"""Cloud Hypervisor without fw_cfg hands over a bundle, and the kernel in it boots.

With --kernel the firmware is an arm64 Image, which the VMM loads and enters as such.  With
--firmware it is flash at 0; QEMU enters that as the VMM does, but for x0, which gdb sets.
"""

import copy
from dataclasses import replace

import pytest

from linux_guest import boot, wrong_end
from probe.probe import Rsdp
from . import handoff, vmm_rules
from .test_bad_input import check_refused
from .test_linux import differences
from .vmm_runs import LINUX, PROBES, REFUSED, probe
from .vmm_trial import VmmTrial


@pytest.fixture
def make_trial():
    return VmmTrial


def broken(found, run):
    return handoff.RULES.broken(found, run) + vmm_rules.RULES.broken(found, run)


@pytest.mark.parametrize("row", PROBES, ids=lambda row: row.name)
def test_handoff(row, trial):
    run = trial(row)
    problems = broken(run.boot(), run)
    if problems:
        pytest.fail("\n".join([f"{len(problems)} breaches; logs in {run.vm.folder}"]
                              + problems[:20]), pytrace=False)


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row.name)
def test_refused(row, trial):
    check_refused(row, trial(row))


@pytest.mark.parametrize("row", LINUX, ids=lambda row: row.name)
def test_linux(row, trial, guest):
    run = trial(row)
    found = boot(run, 0)
    problems = list(differences(found, run, row, guest))
    said = [line for line in run.result.serial.splitlines() if line.startswith("slipway:")]
    problems += wrong_end(run.result, said)
    if problems:
        pytest.fail("\n".join([f"logs in {run.vm.folder}"] + problems[:30]), pytrace=False)


# -- the rules can fail -------------------------------------------------------------


def write(run):
    """The firmware has written into the first thing that the VMM placed."""
    area = next(iter(run.placed))
    run.placed_after = run.placed_after | {area: bytes(area.size)}


def move_initrd(boot):
    """It is where the kernel is."""
    boot.initrd = (boot.load, *boot.initrd[1:])


def drop_map(boot):
    boot.efi_map = (boot.efi_map[0], b"")


FLAWS = [
    ("rsdp_of_the_vmm", lambda boot, run: setattr(boot, "rsdp", None)),
    ("rsdp_of_the_vmm", lambda boot, run: setattr(boot, "rsdp", Rsdp(0x5F000000, b""))),
    ("tables_kept", lambda boot, run: drop_map(boot)),
    ("nothing_overwritten", lambda boot, run: write(run)),
    ("initrd_in_place", lambda boot, run: move_initrd(boot)),
]


@pytest.fixture(scope="module")
def sound(host, worker_id):
    """A run and its Boot in which no rule is broken."""
    run = VmmTrial(replace(probe("vmm-rules"), name=f"vmm-rules-{worker_id}"), host)
    found = run.boot()
    assert not broken(found, run)
    yield run, found
    run.vm.clean()


@pytest.mark.parametrize("number", range(len(FLAWS)), ids=lambda n: f"{n}-{FLAWS[n][0]}")
def test_flaw_is_noticed(number, sound):
    rule, flaw = FLAWS[number]
    run, found = copy.copy(sound[0]), copy.deepcopy(sound[1])
    flaw(found, run)
    said = vmm_rules.RULES.broken(found, run)
    assert any(line.startswith(f"{rule}: ") for line in said), said


def test_every_rule_has_a_flaw():
    assert set(vmm_rules.RULES.functions) == {rule for rule, _ in FLAWS}
