# SPDX-License-Identifier: BSD-2-Clause
"""What the platform does for a Debian kernel once it runs, seen from inside.

The guest reports, then something happens to it (the words slipway.then), and it reports
again.  The first report is held against SeaBIOS's boot of the same machine, and each
further one against the one before.
"""

import re
from collections import Counter

import pytest

from compare import NOTHING, differences
from linux_guest import complaints, new_complaints
from machines import KIB
from operating import Operator
from platform_runs import (BRIDGES, GROWTH, GUEST_KEXEC, GUEST_PLATFORM, KERNELS, MANY_BRIDGES,
                           MANY_CPUS, PLATFORM)
from runs import LSPCI

DRIVERS = "nfit nd_pmem qemu_fw_cfg nvme"
BRIDGE, NETWORK, DISK = "060400", "020000", "010802"

# What stays as it is, whatever happens.
LASTING = ("acpi", "pci", "driver", "bound", "tpm", "pmem", "iommu", "net", "disk", "mtrr", "e820",
           "iomem")
# Another kernel lies elsewhere.
OF_THE_KERNEL = re.compile(r" +[0-9a-f-]+ : Kernel (code|rodata|data|bss)")


@pytest.fixture(scope="session")
def platform_guest(host, guest):
    """The initrds of these tests; this is the file that the guest finds in /payload."""
    modules = ["--program", LSPCI, "--drivers", DRIVERS]
    for kernel in KERNELS:
        modules += ["--modules", host.kernels[kernel]]
    host.initrds[GUEST_PLATFORM], _ = host.make_guest(GUEST_PLATFORM, *modules)
    host.initrds[GUEST_KEXEC], _ = host.make_guest(
        GUEST_KEXEC, *modules, "--add", f"kexec/Image={host.kernels[KERNELS[0]]}")
    return guest


def missing(guest, row):
    """One sentence for each line that a report should have."""
    for key, pattern in row.expect:
        if not any(re.fullmatch(pattern, line) for line in guest.lines(key)):
            some = "" if key == "dmesg" else f": {guest.lines(key)[:20]}"
            yield f"no {key} is {pattern}{some}"


def lasting(guest, key):
    """The lines of a key that should stay as they are."""
    kept = []
    for line in guest.lines(key):
        if OF_THE_KERNEL.fullmatch(line):
            continue
        # What one kernel hands to another parts RAM, but it is RAM all the same.
        if kept and (both := re.fullmatch(r"(\w+)-(\w+) : (.*)\n(\w+)-(\w+) : \3",
                                          f"{kept[-1]}\n{line}")) \
                and int(both[2], 16) + 1 == int(both[4], 16):
            line = f"{both[1]}-{both[5]} : {both[3]}"
            kept.pop()
        kept.append(line)
    return Counter(kept)


def changes(before, after, change, allow):
    """One sentence for each thing that is not what it was, and should be."""
    grown = change == "grow"
    for key in LASTING + (("lspci",) if change == "suspend" else ()):
        was, now = lasting(before, key), lasting(after, key)
        for line in was - now:
            yield f"gone after {change}: {key} {line}"
        for line in () if grown else now - was:
            yield f"new after {change}: {key} {line}"
    cpus = int(after.single["cpus"]) - int(before.single["cpus"])
    if cpus != grown:
        yield f"{cpus} more CPUs after {change}"
    memory = int(after.single["memtotal_kb"]) - int(before.single["memtotal_kb"])
    if abs(memory - GROWTH * KIB * grown) > KIB:
        yield f"{memory} KiB more memory after {change}"
    for name in before.single:
        if name.startswith(("dmi:", "sha256:", "vmgenid")):
            if before.single[name] != after.single.get(name):
                yield f"{name} is {after.single.get(name, NOTHING)} after {change}"
    for problem in new_complaints(after, complaints(before), allow):
        yield f"{problem}, after {change}"


def fail_for(problems, run):
    if problems:
        pytest.fail("\n".join([f"logs in {run.vm.folder}"] + problems[:30]), pytrace=False)


@pytest.mark.parametrize("row", PLATFORM, ids=lambda row: row.name)
def test_platform(row, trial, platform_guest, seabios):
    run = trial(row)
    operator = Operator(run)
    guests = operator.go()
    problems = operator.problems
    # Where the VMM has no ACPI tables, SeaBIOS may have some of its own.
    problems += [problem for problem in differences(guests[0], seabios(row), run, platform_guest,
                                                    row.allow or NOTHING)
                 if run.machine.acpi or not problem.startswith("acpi differs")]
    for guest in guests:
        problems += missing(guest, row)
    for change, before, after in zip(operator.changes, guests, guests[1:]):
        problems += changes(before, after, change, row.allow)
    fail_for(problems, run)


def test_as_many_cpus_as_an_apic_id_can_tell_apart(trial, platform_guest):
    """All are there, the first two and the last run."""
    run = trial(MANY_CPUS)
    operator = Operator(run)
    guest, = operator.go()
    problems = operator.problems + list(missing(guest, MANY_CPUS))
    if guest.single["cpus"] != "3":
        problems.append(f"{guest.single['cpus']} CPUs are online, not 3")
    fail_for(problems, run)


@pytest.mark.parametrize("row,few", MANY_BRIDGES, ids=lambda row: row.name)
def test_more_bridges_than_seabios_takes(row, few, trial, platform_guest, seabios):
    """What is behind the first and the last bridge works as with SeaBIOS and these two alone."""
    run = trial(row)
    operator = Operator(run)
    guest, = operator.go()
    problems = operator.problems + list(missing(guest, row))
    problems += new_complaints(guest, complaints(seabios(few)), row.allow)

    kinds = Counter(line.split()[2] for line in guest.lines("pci"))
    if kinds[BRIDGE] != BRIDGES or kinds[NETWORK] != 1 or kinds[DISK] != 1:
        problems.append(f"devices are {guest.lines('pci')}")
    if [line.split()[2] for line in guest.lines("disk")] != run.disks:
        problems.append(f"disks are {guest.lines('disk')}")
    driven = dict(line.split() for line in guest.lines("driver"))
    for line in guest.lines("pci"):
        address, _, kind = line.split()
        if kind in (NETWORK, DISK):
            if address not in driven:
                problems.append(f"{line} has no driver")
            if not any(re.fullmatch(rf" *[0-9a-f-]+ : {address}", place)
                       for place in guest.lines("iomem")):
                problems.append(f"{line} has no memory")
    fail_for(problems, run)
