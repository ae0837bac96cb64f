# SPDX-License-Identifier: BSD-2-Clause
"""Debian's kernels boot, and see from inside what they should.

What "should" means is, where it can be, what the same kernel sees on the same
machine when SeaBIOS boots it.  Those boots are made once and kept in
build/tests/seabios.
"""

import fcntl
import hashlib
import os
import re
from collections import Counter
from dataclasses import replace

import pytest

from linux_guest import boot, complaints, read_guest, usable_kb
from machines import KIB
from runs import LINUX, REBOOT_COUNT, REBOOTS
from trial import Trial

EXIT_GUEST = 33                 # the guest's last resort where it has no ACPI
NOTHING = "(nothing)"


@pytest.fixture
def seabios(host):
    """The Guest of the same row under SeaBIOS."""
    made = []

    def get(row):
        # The command line and the way in make no difference to what is compared.
        plain = replace(row, name="", door="bios", source="legacy", cmdline=row.plain_cmdline,
                        allow="")
        trial_host = replace(host, fw=host.seabios(row.machine.split(",")[0]))
        key = hashlib.sha256(repr((
            plain, host.kernels[row.kernel],
            os.path.getmtime(host.initrds[row.initrd]), os.path.getmtime(trial_host.fw),
        )).encode()).hexdigest()[:16]
        (host.out / "seabios").mkdir(exist_ok=True)
        with open(host.out / f"seabios/{key}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            serial = host.out / f"seabios/{key}/serial"
            guest = read_guest(serial.read_text(errors="replace")) if serial.exists() else None
            if guest is None:
                run = Trial(replace(plain, name=f"seabios/{key}"), trial_host)
                made.append(run)
                guest = boot(run, 0 if run.machine.acpi else EXIT_GUEST)
        return guest

    yield get
    for run in made:
        run.vm.clean()


def bars(guest):
    """Names and sizes of the PCI devices' memory, and the names of the buses' windows."""
    found = Counter()
    for line in guest.lines("iomem"):
        area, _, name = line.strip().partition(" : ")
        start, end = (int(number, 16) for number in area.split("-"))
        if re.fullmatch(r"0000:[0-9a-f:.]+", name):
            found[name, end - start + 1] += 1
        elif re.fullmatch(r"PCI Bus 0000:(?!00)[0-9a-f]+", name):
            found[name, 0] = 1
    return found


def differences(guest, other, run, payload, allow):
    """One sentence for each thing in the guest that is not as it should be."""
    cmdline = bytes.fromhex(guest.single["cmdline"])
    if cmdline != run.cmdline_seen + b"\n":
        yield f"cmdline is {cmdline!r}"
    digest = hashlib.sha256(payload.read_bytes()).hexdigest()
    if guest.single.get(f"sha256:{payload.name}") != digest:
        yield f"the sha256 of /payload/{payload.name} is wrong"
    if guest.single["cpus"] != str(run.smp):
        yield f"{guest.single['cpus']} CPUs are online, not {run.smp}"

    given, total = usable_kb(guest), run.memory_size // KIB
    if not total - 2 * KIB <= given <= total:
        yield f"the memory map gives {given} KiB of {total}"
    memory, wanted = int(guest.single["memtotal_kb"]), int(other.single["memtotal_kb"])
    if memory < wanted - KIB or memory > total:
        yield f"MemTotal is {memory} KiB, with SeaBIOS {wanted}"

    for key in ("acpi", "pci"):
        found, wanted = guest.lines(key), other.lines(key)
        if key == "acpi" and "pxb" in str(run.vm.command):
            # The DSDT tells the addresses behind each root, in as few bytes as they take.
            found, wanted = ([line.split()[0] for line in lines] for lines in (found, wanted))
        if found != wanted:
            yield f"{key} differs: {found}, with SeaBIOS {wanted}"
    missing = bars(other) - bars(guest)
    if missing:
        yield f"without an address, with SeaBIOS they have one: {sorted(missing.elements())}"
    # Where the VMM gives no SMBIOS tables, SeaBIOS invents some.
    dmi, wanted_dmi = guest.with_prefix("dmi:"), other.with_prefix("dmi:")
    for name in sorted(dmi | wanted_dmi) if run.machine.smbios else ():
        # modalias holds all the others.
        if not name.startswith("bios_") and name != "modalias":
            if dmi.get(name) != wanted_dmi.get(name):
                yield (f"DMI {name} is {dmi.get(name, NOTHING)}, "
                       f"with SeaBIOS {wanted_dmi.get(name, NOTHING)}")
    if run.machine.smbios and not run.made_by_another and dmi.get("bios_vendor") != "Slipway":
        yield f"DMI bios_vendor is {dmi.get('bios_vendor', NOTHING)}"
    if run.machine.acpi and guest.single["poweroff"] != "acpi":
        yield "the kernel has no way to power off"

    expected = complaints(other)
    for shape, text in complaints(guest).items():
        if shape not in expected and not re.search(allow, text):
            yield f"new in dmesg: {text}"


@pytest.mark.parametrize("row", LINUX, ids=lambda row: row.name)
def test_linux(row, trial, guest, seabios):
    run = trial(row)
    found = boot(run, 0 if run.machine.acpi else EXIT_GUEST)
    problems = list(differences(found, seabios(row), run, guest, row.allow or NOTHING))
    if run.machine.acpi and "reboot: Power down" not in run.result.serial:
        problems.append("QEMU ended, but not because the guest powered off")
    if problems:
        pytest.fail("\n".join([f"logs in {run.vm.folder}"] + problems[:30]), pytrace=False)


@pytest.mark.parametrize("row", REBOOTS, ids=lambda row: row.name)
def test_reboot(row, trial, guest):
    """The guest reboots by each of Linux's methods, and comes up the same each time."""
    run = trial(row)
    run.go(until=lambda result: result.serial.count("SLIPWAY-REBOOT") > REBOOT_COUNT)
    prints = re.findall(r"SLIPWAY-REBOOT .*", run.result.serial)
    if len(prints) <= REBOOT_COUNT:
        pytest.fail(f"{len(prints)} boots: {run.result.describe()}", pytrace=False)
    assert len(set(prints)) == 1, f"boots differ: {prints}"
