# SPDX-License-Identifier: BSD-2-Clause
"""What a Linux guest says about its firmware; tests/qemu/guest/init is its first process."""

import hashlib
import re
from dataclasses import dataclass, field

import pytest

from machines import KIB

BEGIN, END = "SLIPWAY-BEGIN", "SLIPWAY-END"

# Kernel messages that may complain about the firmware, whatever their level.
COMPLAINT = re.compile(
    r"BUG|firmware|BIOS|ACPI.*(error|warning|exception)|AE_|mtrr|can't|no compatible bridge|"
    r"no space|no GSI|nobody cared|conflict|fail|invalid|broken|bogus|bad |unable|disabled|"
    r"missing|not found|unusable|overlap",
    re.IGNORECASE)
# Complaints about how fast this machine happens to be (the kernel's tests of its cryptography
# have a time limit, and what they did not finish is missed later), and statements of fact about
# where the firmware put things.
NOT_THE_FIRMWARE = re.compile(
    r"clocksource|sched_clock|hrtimer|tsc:|rcu|hogged|BIOS-e820|BIOS-provided|DMI: |efi: |"
    r"found SMP MP-table|SMBIOS [\d.]+ present|microcode|random: |TSC found unstable|calibrat|"
    r"^ +#\d|8254 timer|^\.{7} failed|Unstable clock|local clock|trace_clock|"
    r"^alg: |X\.509 certificate \(-110\)|module verification failed|"
    r"on the kernel command line|hpet: Lost \d+ RTC|APIC timer disabled due to verification")
WARNING = 4                     # kernel log level
EXIT_GUEST = 33                 # the guest's last resort where it has no ACPI


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


SEVERAL = ("acpi", "pci", "driver", "hotplug", "net", "disk", "bound", "tpm", "pcrread",
           "pcrread-said", "eventlog", "eventlog-said", "fwcfg", "pmem", "iommu", "interrupt",
           "node", "iomem", "lspci", "mtrr", "e820", "dmesg")


def read_guests(serial):
    """A Guest for each whole report in a serial log."""
    guests = []
    for part in serial.replace("\r\n", "\n").split(BEGIN)[1:]:
        report, end, _ = part.partition(END)
        if not end:
            continue
        guest = Guest()
        for line in report.splitlines():
            key, equals, value = line.partition("=")
            if key in SEVERAL:
                guest.several.setdefault(key, []).append(value)
            elif equals:
                guest.single[key] = value
        guests.append(guest)
    return guests


def read_guest(serial):
    """The Guest of the first report in a serial log, or None when that is not whole."""
    return next(iter(read_guests(serial)), None)


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


def new_complaints(guest, known, allow):
    """One sentence for each complaint that is not among the known, nor allowed."""
    for shape, text in complaints(guest).items():
        if shape not in known and not (allow and re.search(allow, text)):
            yield f"new in dmesg: {text}"


def wrong_payload(guest, cmdline, smp, payload):
    """One sentence for each thing that the guest did not get as it was given."""
    found = bytes.fromhex(guest.single["cmdline"])
    if found != cmdline + b"\n":
        yield f"cmdline is {found!r}"
    digest = hashlib.sha256(payload.read_bytes()).hexdigest()
    if guest.single.get(f"sha256:{payload.name}") != digest:
        yield f"the sha256 of /payload/{payload.name} is wrong"
    if guest.single["cpus"] != str(smp):
        yield f"{guest.single['cpus']} CPUs are online, not {smp}"


def other_than(guest, other, allow):
    """What the same machine shows under another firmware, and not here."""
    for key in ("pci", "driver", "acpi"):
        if guest.lines(key) != other.lines(key):
            yield f"{key} differs: {guest.lines(key)}, elsewhere {other.lines(key)}"
    if int(guest.single["memtotal_kb"]) < int(other.single["memtotal_kb"]) - KIB:
        yield f"MemTotal is {guest.single['memtotal_kb']}, elsewhere {other.single['memtotal_kb']}"
    yield from new_complaints(guest, complaints(other), allow)


def wrong_end(result, said):
    """One sentence for each thing wrong with how a guest that reported has ended."""
    if said:
        yield f"the firmware said {said}"
    if "reboot: Power down" not in result.serial:
        yield "QEMU ended, but not because the guest powered off"


def ranges(guest):
    """First byte, last byte and kind of each range of the firmware's memory map."""
    return [(int(match[1], 16), int(match[2], 16), match[3]) for line in guest.lines("e820")
            if (match := re.match(r"\[mem 0x([0-9a-f]+)-0x([0-9a-f]+)\] (.*)", line))]


def usable_kb(guest):
    """KiB that the firmware's map gives to the kernel."""
    return sum(last + 1 - start for start, last, kind in ranges(guest) if kind == "usable") // KIB


def boot(run, *wanted_exits, **how):
    """Runs a guest to its end and returns its Guest."""
    run.go(**how)
    guest = read_guest(run.result.serial)
    if guest is None or run.result.exit_code not in wanted_exits:
        pytest.fail(f"the guest did not report: {run.result.describe()}", pytrace=False)
    return guest
