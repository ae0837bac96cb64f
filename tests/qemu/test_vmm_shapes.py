# SPDX-License-Identifier: BSD-2-Clause
"""VMMs without fw_cfg hand over a bundle, and the kernel in it boots as they want it to."""

import copy
from dataclasses import replace

import pytest

import handoff
import vmm_rules
from compare import differences
from linux_guest import boot, wrong_end
from probe.probe import E820_RAM, Rsdp
from remote import Qmp
from runs import Run
from test_bad_input import check_refused
from test_rules import e820_type, move_initrd, shorten_map
from vm import Vm
from vmm_runs import LINUX, PROBES, REFUSED, probe
from vmm_trial import HIDE_FW_CFG, VmmTrial

SIGNATURE = b"QEMU"             # fw_cfg's item 0


@pytest.fixture
def make_trial():
    return VmmTrial


def broken(found, run):
    return handoff.RULES.broken(found, run, vmm_rules.SKIP) + vmm_rules.RULES.broken(found, run)


def read_signature(vm):
    """What a machine without a guest answers at the ports of fw_cfg."""
    found = []

    def ask():
        qmp = Qmp(vm.qmp)
        qmp.do("human-monitor-command", **{"command-line": "o /w 0x510 0"})
        for _ in SIGNATURE:
            said = qmp.do("human-monitor-command", **{"command-line": "i /b 0x511"})
            found.append(int(said.split("=")[1], 0))
        qmp.do("quit")

    vm.add_qmp()
    vm.run(started=ask)
    return bytes(found)


@pytest.mark.parametrize("qemu", ("7.2", "10.0"))
def test_fw_cfg_is_hidden(host, qemu):
    """The devices put before fw_cfg are; without them it is there."""
    for hidden, wanted in ((False, SIGNATURE), (True, b"\xff" * 4)):
        vm = Vm(host.out / f"vmm-hidden-{hidden}-{qemu}", host.qemus[qemu])
        vm.add("-M", "microvm,pcie=on", "-bios", host.fw)
        if hidden:
            vm.add(*HIDE_FW_CFG)
        assert read_signature(vm) == wanted


def check_handoff(run):
    """The probe reports, and no rule is broken."""
    problems = broken(run.boot(), run)
    if problems:
        pytest.fail("\n".join([f"{len(problems)} breaches; logs in {run.vm.folder}"]
                              + problems[:20]), pytrace=False)


@pytest.mark.parametrize("row", PROBES, ids=lambda row: row.name)
def test_handoff(row, trial):
    check_handoff(trial(row))


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row.name)
def test_refused(row, trial):
    check_refused(row, trial(row))


def plain(row):
    """The same guest without that VMM, for SeaBIOS."""
    return Run(row.name, row.machine, row.qemu, kernel=row.kernel, initrd=row.initrd, smp=row.smp,
               memory=row.memory, options=row.options, plain_cmdline=row.cmdline or row.uki_cmdline)


@pytest.mark.parametrize("row", LINUX, ids=lambda row: row.name)
def test_linux(row, trial, guest, seabios):
    run = trial(row)
    found = boot(run, 0)
    problems = list(differences(found, seabios(plain(row)), run, guest, row.allow))
    if int(found.single["rsdp"], 16) != run.vmm.rsdp:
        problems.append(f"the kernel's RSDP is at {found.single['rsdp']}")
    if found.single.get("dmi:bios_vendor") != run.vmm.bios_vendor:
        problems.append(f"DMI bios_vendor is {found.single.get('dmi:bios_vendor')}")
    problems += wrong_end(run.result, run.said_before)
    if problems:
        pytest.fail("\n".join([f"logs in {run.vm.folder}"] + problems[:30]), pytrace=False)


# -- the rules can fail -------------------------------------------------------------


def write(run, address):
    """The firmware has written a byte of the first MiB."""
    memory = bytearray(run.memory_after)
    memory[address] ^= 1
    run.memory_after = bytes(memory)


FLAWS = [
    ("memory_map", lambda boot, run: shorten_map(boot)),
    ("memory_map", lambda boot, run: e820_type(boot, boot.load, 2)),
    ("memory_map", lambda boot, run: e820_type(boot, 0xFFFF0000, E820_RAM)),
    ("tables_reserved", lambda boot, run: e820_type(boot, run.vmm.rsdp, E820_RAM)),
    ("rsdp_of_the_vmm", lambda boot, run: setattr(boot, "rsdp_told", None)),
    ("rsdp_of_the_vmm", lambda boot, run: setattr(boot, "rsdp_told", Rsdp(0xE0000, b""))),
    ("rsdp_of_the_vmm", lambda boot, run: boot.rsdp_found.append(Rsdp(0xE0000, b""))),
    ("rsdp_of_the_vmm", lambda boot, run: boot.acpi.clear()),
    ("low_memory_untouched", lambda boot, run: write(run, 0x6000)),
    ("low_memory_untouched", lambda boot, run: write(run, 0xE0000)),
    ("tables_untouched", lambda boot, run: write(run, run.vmm.rsdp)),
    ("module_untouched", lambda boot, run: setattr(run, "modules_after", [b""])),
    ("initrd_in_place", lambda boot, run: move_initrd(boot, boot.initrd[0] - 4096)),
    ("memory_types_of_the_vmm", lambda boot, run: boot.msr.update({0x2FF: 0xC06})),
    ("memory_types_of_the_vmm", lambda boot, run: boot.msr.update({0x201: 0x800})),
]


@pytest.fixture(scope="module")
def sound(host, worker_id):
    """A run and its Boot in which no rule is broken."""
    run = VmmTrial(replace(probe("vmm-rules", bundle="appended"),
                           name=f"vmm-rules-{worker_id}"), host)
    found = run.boot()
    yield run, found
    run.vm.clean()


@pytest.mark.parametrize("number", range(len(FLAWS)), ids=lambda n: f"{n}-{FLAWS[n][0]}")
def test_flaw_is_noticed(number, sound):
    rule, flaw = FLAWS[number]
    run, found = copy.copy(sound[0]), copy.deepcopy(sound[1])
    assert not any(line.startswith(f"{rule}: ") for line in broken(found, run))
    flaw(found, run)
    said = broken(found, run)
    assert any(line.startswith(f"{rule}: ") for line in said), said


def test_every_rule_has_a_flaw():
    assert set(vmm_rules.RULES.functions) == {rule for rule, _ in FLAWS}
