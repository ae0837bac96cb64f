# SPDX-License-Identifier: BSD-2-Clause
"""A guest that Slipway booted, held against the same guest under SeaBIOS."""

import re
from collections import Counter

from linux_guest import complaints, new_complaints, usable_kb, wrong_payload
from lspci import read_lspci, worse
from machines import KIB
from runs import GUEST_PCI

NOTHING = "(nothing)"

# Classes of devices that are of no use without a driver, but for those of the chipset.
NETWORK = "02"
USED = re.compile(r"02|010[0168]|0c03")


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


def left_to_linux(guest):
    """Functions, and which of their BARs and windows Linux gave an address."""
    found = set()
    for line in guest.lines("dmesg"):
        match = re.search(
            r"pci (\S+): (BAR [0-5]|bridge window) \[(io|mem).*?(pref)?\]: assigned", line)
        if match:
            found.add(match.groups(""))
    return found


def idle(guest, run):
    """One sentence for each device that Linux does not use."""
    driven = dict(line.split() for line in guest.lines("driver"))
    for line in guest.lines("pci"):
        address, _, device_class = line.split()
        if USED.match(device_class) and address not in driven:
            yield f"{line} has no driver"
    networks = sum(line.split()[2].startswith(NETWORK) for line in guest.lines("pci"))
    if len(guest.lines("net")) != networks:
        yield f"{networks} networks: {guest.lines('net')}"
    read = sorted(line.split()[2] for line in guest.lines("disk"))
    if read != sorted(run.disks):
        yield f"{len(run.disks)} disks, not all of them right: {guest.lines('disk')}"
    if len(guest.lines("hotplug")) != len(run.plug):
        yield f"{len(run.plug)} devices hot-plugged: {guest.lines('hotplug')}"
    if "-numa" in run.vm.command:
        nodes = {line.split()[0] for line in guest.lines("node")}
        near = {function.node for function in read_lspci(guest.lines("lspci")).values()} - {""}
        if len(nodes) < 2 or near != nodes:
            yield f"NUMA nodes {guest.lines('node')}, and {near} of devices"


def differences(guest, other, run, payload, allow):
    """One sentence for each thing in the guest that is not as it should be."""
    yield from wrong_payload(guest, run.cmdline_seen, run.smp, payload)

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
    if run.initrd == GUEST_PCI or other.lines("lspci"):
        yield from worse(guest.lines("lspci"), other.lines("lspci"))
    if run.initrd == GUEST_PCI:
        yield from idle(guest, run)
    left = left_to_linux(guest) - left_to_linux(other)
    if left:
        yield f"Linux, and with SeaBIOS the firmware, placed {sorted(left)}"
    # Where the VMM gives no SMBIOS tables, SeaBIOS invents some.
    dmi, wanted_dmi = guest.with_prefix("dmi:"), other.with_prefix("dmi:")
    for name in sorted(dmi | wanted_dmi) if run.machine.smbios else ():
        # modalias holds all the others.
        if not name.startswith("bios_") and name != "modalias":
            if dmi.get(name) != wanted_dmi.get(name):
                yield (f"DMI {name} is {dmi.get(name, NOTHING)}, "
                       f"with SeaBIOS {wanted_dmi.get(name, NOTHING)}")
    if not run.made_by_another and dmi.get("bios_vendor") != "Slipway":
        yield f"DMI bios_vendor is {dmi.get('bios_vendor', NOTHING)}"
    if run.acpi and guest.single["poweroff"] != "acpi":
        yield "the kernel has no way to power off"

    yield from new_complaints(guest, complaints(other), allow)
