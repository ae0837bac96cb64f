# SPDX-License-Identifier: BSD-2-Clause
"""What a Linux guest says about its firmware; tests/qemu/guest/init is its first process."""

import re
from dataclasses import dataclass, field

import pytest

from machines import KIB

BEGIN, END = "SLIPWAY-BEGIN", "SLIPWAY-END"

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


SEVERAL = ("acpi", "pci", "driver", "hotplug", "net", "node", "iomem", "mtrr", "e820", "dmesg")


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


def boot(run, wanted_exit, **how):
    """Runs a guest to its end and returns its Guest."""
    run.go(**how)
    guest = read_guest(run.result.serial)
    if guest is None or run.result.exit_code != wanted_exit:
        pytest.fail(f"the guest did not report: {run.result.describe()}", pytrace=False)
    return guest
