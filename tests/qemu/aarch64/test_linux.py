# SPDX-License-Identifier: BSD-2-Clause
"""Debian's arm64 kernels boot, and see from inside what they should.

What a firmware has no part in is compared with another boot of the same machine: AAVMF's
where there is ACPI, else QEMU's own loading of the kernel, without any firmware.
"""

import re
from dataclasses import replace

import pytest

from linux_guest import boot, other_than, wrong_end, wrong_payload
from machines import KIB, MIB
from .runs import LINUX, REBOOT_COUNT, REBOOTS
from .trial import Trial

NOTHING = "(nothing)"
TABLES = {"APIC", "DSDT", "FACP", "GTDT", "MCFG", "SPCR"}
KEPT_LIMIT = 2 * MIB            # RAM that need not be System RAM
VIRTIO_NET = re.compile(r"1af4:10(00|41) ")

# What AAVMF or the direct boot does not have, and is no defect: EFI without services.
NO_SERVICES = r"EFI (runtime )?services will not be available|EFI services will be disabled"


def system_ram(guest):
    """Bytes of System RAM, and of all RAM, in /proc/iomem."""
    sizes = {"System RAM": 0, "reserved": 0}
    for line in guest.lines("iomem"):
        match = re.fullmatch(r"([0-9a-f]+)-([0-9a-f]+) : (.*)", line)
        if match and match[3] in sizes:
            sizes[match[3]] += int(match[2], 16) + 1 - int(match[1], 16)
    return sizes["System RAM"], sum(sizes.values())


def differences(guest, run, row, payload):
    """One sentence for each thing in the guest that is not as it should be."""
    log = "\n".join(guest.lines("dmesg"))
    wanted = run.cmdline_seen.replace(b"slipway.kexec", b"slipway.kexeced")
    yield from wrong_payload(guest, wanted, run.smp, payload)
    given, total = system_ram(guest)
    if total != run.memory_size or given < total - KEPT_LIMIT:
        yield f"System RAM has {given // KIB} KiB of {total // KIB}"
    if f"started at EL{run.el}" not in log:
        yield f"the CPUs did not start at EL{run.el}"
    if "console [ttyAMA0] enabled" not in log:
        yield "ttyAMA0 is not the console"
    if guest.single["poweroff"] != "psci":
        yield "the kernel has no way to power off"

    addresses = [line.split()[0] for line in guest.lines("pci") if VIRTIO_NET.search(line)]
    if not any(f"{address} virtio-pci" in guest.lines("driver") for address in addresses) \
            or not any(line.endswith(" virtio_net") for line in guest.lines("net")):
        yield f"there is no network: {guest.lines('pci')}, {guest.lines('driver')}"
    if b"wait=hotplug" in run.cmdline_seen:
        if not any(VIRTIO_NET.search(line) for line in guest.lines("hotplug")):
            yield f"hot-plugged: {guest.lines('hotplug')}"
        if len(guest.lines("net")) != 2:
            yield f"network: {guest.lines('net')}"
    if "-numa" in row.options:
        nodes = [line.split() for line in guest.lines("node")]
        if [node[:2] for node in nodes] != [["0", "0"], ["1", "1"]] \
                or any(int(node[2]) < run.memory_size // KIB // 2 * 0.7 for node in nodes):
            yield f"NUMA nodes: {guest.lines('node')}"

    tables = {line.split()[0] for line in guest.lines("acpi")}
    if run.hands_acpi:
        if not TABLES <= tables:
            yield f"ACPI tables are {tables}"
        for text in ("ACPI: Interpreter enabled", " ACPI 2.0=0x"):
            if text not in log:
                yield f"dmesg has no {text!r}"
        if ("SMBIOS 3" in log) != (run.bios_vendor is not None):
            yield "dmesg is wrong about SMBIOS"
        if guest.single.get("dmi:bios_vendor") != run.bios_vendor:
            yield f"DMI bios_vendor is {guest.single.get('dmi:bios_vendor', NOTHING)}"
        if guest.single["efi"] != "yes" or "model" in guest.single:
            yield f"EFI: {guest.single['efi']}, device tree: {guest.single.get('model', NOTHING)}"
    else:
        if tables or guest.single["efi"] != "none" or "model" not in guest.single:
            yield f"not by the device tree: ACPI {tables}, EFI {guest.single['efi']}"


def differences_from(guest, other, allow):
    """What the same machine shows under another firmware, and not here."""
    yield from other_than(guest, other, allow)
    dmi, wanted = guest.with_prefix("dmi:"), other.with_prefix("dmi:")
    for name in sorted(dmi | wanted):
        # modalias holds all the others.
        if name.startswith("bios_") or name == "modalias":
            continue
        if dmi.get(name) != wanted.get(name):
            yield f"DMI {name} is {dmi.get(name, NOTHING)}, elsewhere {wanted.get(name, NOTHING)}"


def hot_plug(run):
    """An until() that plugs a network card in when the guest waits for it, once."""
    done = []

    def check(result):
        if not done and "SLIPWAY-WAIT hotplug" in result.serial:
            done.append(run.qmp.do("device_add", driver="virtio-net-pci", id="plugged",
                                   bus="port0", romfile=""))
        return False

    return check


@pytest.mark.parametrize("row", LINUX, ids=lambda row: row.name)
def test_linux(row, trial, guest, host):
    run = trial(row)
    how = {"until": hot_plug(run)} if b"wait=hotplug" in row.cmdline else {}
    found = boot(run, 0, **how)
    problems = list(differences(found, run, row, guest))
    if b"slipway.kexec" in row.cmdline and "SLIPWAY-KEXEC" not in run.result.serial:
        problems.append("the guest did not start another kernel")
    if row.compare:
        other = Trial(replace(row, name=f"{row.name}-elsewhere", source="legacy", faults=".*",
                              door="bios" if run.hands_acpi else "none"),
                      replace(host, fw=host.aavmf()))
        problems += differences_from(found, boot(other, 0), f"{row.allow}|{NO_SERVICES}")
        other.vm.clean()
    said = [line for line in run.result.serial.splitlines() if line.startswith("slipway:")]
    problems += wrong_end(run.result, said)
    if problems:
        pytest.fail("\n".join([f"logs in {run.vm.folder}"] + problems[:30]), pytrace=False)


@pytest.mark.parametrize("row", REBOOTS, ids=lambda row: row.name)
def test_reboot(row, trial, guest):
    """The guest reboots again and again, and comes up the same each time."""
    run = trial(row)
    run.go(until=lambda result: result.serial.count("SLIPWAY-REBOOT") > REBOOT_COUNT,
           timeout=400)
    prints = re.findall(r"SLIPWAY-REBOOT .*", run.result.serial)
    if len(prints) <= REBOOT_COUNT:
        pytest.fail(f"{len(prints)} boots: {run.result.describe()}", pytrace=False)
    assert len(set(prints)) == 1, f"boots differ: {prints}"
