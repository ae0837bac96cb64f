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
from dataclasses import dataclass, field, replace

import pytest

from machines import KIB
from runs import LINUX, REBOOT_COUNT, REBOOTS
from trial import Trial

BEGIN, END = "SLIPWAY-BEGIN", "SLIPWAY-END"
EXIT_GUEST = 33                 # the guest's last resort where it has no ACPI
NOTHING = "(nothing)"

# Kernel messages that may complain about the firmware, whatever their level.
COMPLAINT = re.compile(
    r"BUG|firmware|BIOS|ACPI.*(error|warning|exception)|AE_|mtrr|can't claim|no compatible bridge|"
    r"conflict|fail|invalid|broken|bogus|bad |unable|disabled|missing|not found|unusable|overlap",
    re.IGNORECASE)
# Complaints about how fast this machine happens to be, and statements of fact
# about where the firmware put things.
NOT_THE_FIRMWARE = re.compile(
    r"clocksource|sched_clock|hrtimer|tsc:|rcu|hogged|BIOS-e820|BIOS-provided|DMI: |efi: |"
    r"found SMP MP-table|microcode|random: |TSC found unstable|calibrat|^ +#\d|"
    r"8254 timer|Unstable clock|local clock|trace_clock|on the kernel command line")
WARNING = 4                     # kernel log level


@dataclass
class Guest:
    """What the guest's init reported; see tests/qemu/guest/init."""

    single: dict = field(default_factory=dict)
    several: dict = field(default_factory=dict)

    def lines(self, key):
        return self.several.get(key, [])

    def with_prefix(self, prefix):
        return {key.removeprefix(prefix): value for key, value in self.single.items()
                if key.startswith(prefix)}


SEVERAL = ("acpi", "pci", "iomem", "mtrr", "e820", "dmesg")


def read_guest(serial):
    """The Guest in a serial log, or None when its report is not whole."""
    text = serial.replace("\r\n", "\n")
    if BEGIN not in text or END not in text.partition(BEGIN)[2]:
        return None
    guest = Guest()
    for line in text.partition(BEGIN)[2].partition(END)[0].splitlines():
        key, equals, value = line.partition("=")
        if key in SEVERAL:
            guest.several.setdefault(key, []).append(value)
        elif equals:
            guest.single[key] = value
    return guest


def complaints(guest):
    """Messages about the firmware, in a form that two boots have in common."""
    found = {}
    for line in guest.lines("dmesg"):
        match = re.match(r"<(\d+)>\[ *[\d.]+\] ?(.*)", line)
        if not match:
            continue
        level, text = int(match[1]) & 7, match[2]
        if NOT_THE_FIRMWARE.search(text):
            continue
        if level <= WARNING or COMPLAINT.search(text):
            shape = re.sub(r"0x[0-9a-f]+|\b[0-9a-f]{8,16}\b|\d+", "N", text)
            found[shape] = text
    return found


def usable_kb(guest):
    """KiB that the firmware's map gives to the kernel."""
    total = 0
    for line in guest.lines("e820"):
        match = re.match(r"\[mem 0x([0-9a-f]+)-0x([0-9a-f]+)\] usable$", line)
        if match:
            total += int(match[2], 16) + 1 - int(match[1], 16)
    return total // KIB


def boot(run, wanted_exit):
    """Runs a guest to its end and returns its Guest."""
    run.go()
    guest = read_guest(run.result.serial)
    if guest is None or run.result.exit_code != wanted_exit:
        pytest.fail(f"the guest did not report: {run.result.describe()}", pytrace=False)
    return guest


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
            os.path.getmtime(host.guest_initrd), os.path.getmtime(trial_host.fw),
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
        if guest.lines(key) != other.lines(key):
            yield f"{key} differs: {guest.lines(key)}, with SeaBIOS {other.lines(key)}"
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
