# SPDX-License-Identifier: BSD-2-Clause
"""Runs of guests that VMMs without fw_cfg hand over, a row each.

PROBES   boot the probe kernel; the rules of handoff.py and vmm_rules.py hold
REFUSED  are bad input: one FATAL line of that stage, status and reason
LINUX    boot a Debian kernel whose init reports, and compare with SeaBIOS
"""

import struct
from dataclasses import dataclass

import vmm_memory
from machines import GIB, MIB
from ranges import Range
from runs import ANYWHERE, DEVICES, GUEST, ONLY_32, QEMUS, TSC, Run, replaced


@dataclass(frozen=True)
class VmmRun(Run):
    """A Run of which the VMM has put everything into memory."""

    machine: str = "microvm,pcie=on"
    smp: object = 2
    vmm: str = "cloud-hypervisor"   # or firecracker
    bundle: str = None              # the module: uki or appended, made of kernel and initrd;
                                    # or kernel, which is that alone
    edit_bundle: object = None      # changes that file
    cmdline: bytes = b""            # the VMM's
    uki_cmdline: bytes = b""
    module: bytes = None            # in place of a bundle
    change: object = None           # changes the Vmm before it is written into memory


def probe(name, vmm="cloud-hypervisor", header=None, **more):
    return VmmRun(name, vmm=vmm, kernel=header or {},
                  **{"bundle": "uki", "debug_exit": False, "initrd": 100001,
                     "cmdline": b"quiet vmm"} | more)


SHAPES = (("ch", "cloud-hypervisor"), ("fc", "firecracker"))

PROBES = [
    probe(f"vmm-{short}-{bundle}-qemu{qemu}", name, bundle=bundle, qemu=qemu, **more)
    for short, name in SHAPES
    for bundle, more in (("uki", {"uki_cmdline": b"quiet uki"}), ("appended", {}))
    for qemu in QEMUS
] + [
    row for short, name in SHAPES for row in (
        probe(f"vmm-{short}-cmdline-of-uki", name, cmdline=b"", uki_cmdline=b"quiet uki"),
        probe(f"vmm-{short}-no-cmdline", name, cmdline=b""),
        probe(f"vmm-{short}-kernel-alone", name, bundle="kernel", initrd=0),
        probe(f"vmm-{short}-memory-64M", name, memory="64M", initrd=20 * MIB),
        probe(f"vmm-{short}-memory-4G", name, memory="4G", initrd=5000))
] + [
    probe("vmm-ch-entry-32", header=ONLY_32),
    probe("vmm-ch-kernel-above-4G", header={"pref_address": 4 * GIB} | ANYWHERE, memory="4G"),
    probe("vmm-ch-one-cpu", smp=1),
]


# -- bad input ----------------------------------------------------------------------


def refused(name, stage, status, reason, change=None, vmm="cloud-hypervisor", **more):
    return VmmRun(f"vmm-bad-{name}", vmm=vmm, kernel={}, change=change,
                  fatal=(stage, status, reason),
                  **{"bundle": "uki", "initrd": 5000, "cmdline": b"quiet vmm"} | more)


def info(**fields):
    """Changes fields of start_info."""
    return lambda machine: machine.start_info.update(fields)


def module(start, size):
    """The list of modules names another place."""
    entry = struct.pack("<4Q", start, size, 0, 0)
    return lambda machine: machine.put(vmm_memory.MODULE_LIST, entry)


def without(start, end):
    """The memory map has nothing there."""
    def change(machine):
        parts = [part for item in machine.memory_map for part in (
            Range(item.start, min(item.end, start), item.kind),
            Range(max(item.start, end), item.end, item.kind))]
        machine.memory_map = [part for part in parts if part.size > 0]
        machine.put_memory_map()
    return change


def endless_cmdline(machine):
    """The command line has no end before the work area."""
    machine.put(vmm_memory.COMMAND_LINE, b"x" * 0x10000)


NOWHERE = (1 << 64) - 4096
NO_MEMORY = 0xD0000000

REFUSED = [
    # Of start_info.
    refused("info-at-0", "entry", "out-of-range", "start_info",
            lambda machine: setattr(machine, "told_start_info", 0)),
    refused("info-in-the-rom", "entry", "bad-format", "magic",
            lambda machine: setattr(machine, "told_start_info", 0xFFFFFFF0),
            faults="Invalid read at addr 0x1000000[0-2][0-9A-F], size [18], .*"),
    refused("magic", "entry", "bad-format", "magic", info(magic=0x336EC577)),
    refused("version-0", "entry", "unsupported", "no memory map", info(version=0)),
    refused("rsdp-is-none", "entry", "bad-format", "RSDP", info(rsdp_paddr=0x5000)),
    refused("rsdp-is-nowhere", "entry", "bad-format|out-of-range", "RSDP",
            info(rsdp_paddr=NOWHERE)),
    refused("fc-version-0", "memory", "bad-format", "no memory map", info(version=0),
            vmm="firecracker", machine="microvm,pcie=on,rtc=off"),
    # Of the memory map.
    refused("no-memory-map", "entry", "unsupported", "no memory map", info(memmap_entries=0)),
    refused("memory-map-too-large", "memory", "too-large", "4294967295 entries",
            info(memmap_entries=0xFFFFFFFF)),
    refused("memory-map-is-nowhere", "memory", "out-of-range", "memory map",
            info(memmap_paddr=NOWHERE)),
    refused("no-ram-for-us", "memory", "overlap", "work area", without(0x30000, 0x31000)),
    refused("no-ram-where-we-are", "memory", "overlap", "image", without(MIB, 2 * MIB)),
    # Of modules and command line.
    *(row for short, name in SHAPES for row in (
        refused(f"{short}-no-modules", "payload", "not-found", "kernel", bundle=None, vmm=name),
        refused(f"{short}-module-is-text", "payload", "not-found", "no kernel", vmm=name,
                module=b"Not a kernel.\n" * 1000, bundle=None))),
    refused("module-list-is-nowhere", "payload", "out-of-range", "module list",
            info(modlist_paddr=NOWHERE)),
    refused("module-list-at-0", "payload", "out-of-range", "module list", info(modlist_paddr=0)),
    *(refused(f"module-{name}", "payload", "overlap|out-of-range", "module", module(start, size))
      for name, start, size in (
          ("past-ram", 511 * MIB, 2 * MIB),
          ("wraps", NOWHERE, 8192), ("is-no-memory", NO_MEMORY, MIB),
          ("over-us", MIB, 0x10000), ("over-our-work-area", 0x40000, 0x1000),
          ("over-the-tables", 0xA0000, 0x1000))),
    refused("module-of-nothing", "payload", "not-found", "no kernel", module(0x8000000, 0)),
    refused("module-for-arm", "payload", "unsupported", "0xaa64",
            edit_bundle=replaced(b"PE\0\0\x64\x86", b"PE\0\0\x64\xaa")),
    refused("cmdline-is-nowhere", "payload|entry", "out-of-range", "command line",
            info(cmdline_paddr=NOWHERE)),
    refused("cmdline-without-end", "payload", "out-of-range", "command line", endless_cmdline),
    refused("cmdline-2048-of-2047", "[a-z]+", "too-large", "command line",
            cmdline=b"x" * 2048),
]


# -- Linux --------------------------------------------------------------------------

WORDS = b"console=ttyS0 panic=-1 slipway.mode=test" + TSC
# TCG resets the MTRRs of the second processor, where a VMM has set all of them.
ONE_CPU_HAS_MTRRS = r"^mtrr: (your CPUs had inconsistent MTRRdefType|probably|corrected)"
WITHOUT_SMBIOS = ONE_CPU_HAS_MTRRS + "|^DMI not present"


def linux(name, vmm="cloud-hypervisor", kernel="6.1-cloud", **rest):
    return VmmRun(f"vmm-linux-{name}", vmm=vmm, kernel=kernel, **{
        "bundle": "uki", "initrd": GUEST, "cmdline": WORDS, "options": DEVICES,
        "allow": ONE_CPU_HAS_MTRRS} | rest)


LINUX = [
    linux("ch-uki", uki_cmdline=b"console=ttyS1 from=uki"),
    linux("ch-uki-6.12-qemu10.0", kernel="6.12-cloud", qemu="10.0"),
    linux("ch-appended", bundle="appended"),
    linux("ch-cmdline-of-uki", cmdline=b"", uki_cmdline=WORDS),
    linux("fc-uki", "firecracker", allow=WITHOUT_SMBIOS),
    linux("fc-appended-6.12-qemu10.0", "firecracker", bundle="appended", kernel="6.12-cloud",
          qemu="10.0", allow=WITHOUT_SMBIOS),
]
