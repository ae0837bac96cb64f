# SPDX-License-Identifier: BSD-2-Clause
"""Runs of guests that Cloud Hypervisor without fw_cfg hands over, a row each.

PROBES   boot the probe kernel; the rules of handoff.py and vmm_rules.py hold
REFUSED  are bad input: one FATAL line of that stage, status and reason
LINUX    boot a Debian kernel whose init reports
"""

from dataclasses import dataclass

from devicetree import u64
from machines import MIB
from runs import replaced
from . import vmm_memory
from .image import NO_EFI_STUB, PAGE_4K
from .runs import CONSOLE, DEVICES, GUEST, NEW, QEMUS, SMALL, Run
from .trial import RAM_START


@dataclass(frozen=True)
class VmmRun(Run):
    """A Run of which the VMM has put everything into memory."""

    machine: str = "virt,gic-version=3"
    door: str = "kernel"            # as --kernel; or as --firmware
    source: str = "vmm"
    cmdline: bytes = b""            # the VMM's
    uki_cmdline: bytes = b""
    module: bytes = None            # in place of a bundle
    stdout_path: str = None
    bios_vendor: str = None
    kept_limit: int = 3 * MIB       # with the VMM's area for ACPI


def probe(name, header=None, **more):
    return VmmRun(name, kernel=header or {},
                  **{"bundle": "uki", "initrd": 100001, "cmdline": b"quiet vmm"} | more)


def firmware(name, **more):
    """As --firmware; Cloud Hypervisor then drops initramfs and cmdline, another VMM may not."""
    return probe(name, door="firmware", x0=RAM_START, **more)


PROBES = [
    *(probe(f"vmm-uki-qemu{qemu}", qemu=qemu, uki_cmdline=b"quiet uki") for qemu in QEMUS),
    probe("vmm-cmdline-of-uki", cmdline=b"", uki_cmdline=b"quiet uki"),
    probe("vmm-no-cmdline", cmdline=b""),
    probe("vmm-kernel-alone", initrd=0),
    probe("vmm-acpi-off", cmdline=b"quiet acpi=off"),
    # A kernel that takes no ACPI tables, nor has the headers of a PE file.
    probe("vmm-appended", header=NO_EFI_STUB, bundle="appended"),
    probe("vmm-kernel-where-the-tables-are", header={"flags": PAGE_4K}, memory="64M",
          initrd=20 * MIB),
    probe("vmm-memory-64M", memory="64M", initrd=20 * MIB),
    probe("vmm-memory-8G", memory="8G", initrd=SMALL),
    probe("vmm-gic-2", machine="virt,gic-version=2", smp=4),
    firmware("vmm-firmware-uki"),
    firmware("vmm-firmware-appended", header=NO_EFI_STUB, bundle="appended"),
]


# -- bad input ----------------------------------------------------------------------


def refused(name, stage, status, reason, **more):
    return VmmRun(f"vmm-bad-{name}", kernel={}, fatal=(stage, status, reason),
                  **{"bundle": "uki", "initrd": SMALL, "cmdline": b"quiet vmm"} | more)


def set_initrd(start, end):
    """/chosen names another place for the initrd."""
    def change(tree):
        tree.chosen.properties |= {"linux,initrd-start": u64(start), "linux,initrd-end": u64(end)}
    return change


OUTSIDE = "overlap|out-of-range|bad-format"

REFUSED = [
    refused("no-initrd", "payload", "not-found", "no kernel", bundle=None),
    # As Cloud Hypervisor's --firmware is.
    refused("firmware-alone", "payload", "not-found", "no kernel", bundle=None, cmdline=b"",
            door="firmware", x0=RAM_START),
    refused("initrd-is-text", "payload", "not-found", "no kernel", bundle=None,
            module=b"Not a kernel.\n" * 1000),
    refused("initrd-for-x86", "payload", "unsupported", "0x8664",
            edit_bundle=replaced(b"PE\0\0\x64\xaa", b"PE\0\0\x64\x86")),
    *(refused(f"initrd-{name}", "[a-z]+", OUTSIDE, "initrd|chosen",
              edit_tree=set_initrd(start, end))
      for name, start, end in (
          ("past-ram", RAM_START + 511 * MIB, RAM_START + 513 * MIB),
          ("is-no-memory", 0x10000000, 0x10100000),
          ("ends-before-it-starts", RAM_START + 64 * MIB, RAM_START + 63 * MIB),
          ("over-the-firmware", vmm_memory.KERNEL, vmm_memory.KERNEL + MIB),
          ("over-the-tree", RAM_START, RAM_START + MIB))),
]


# -- Linux --------------------------------------------------------------------------


def linux(name, kernel="arm64-6.1", more=b"", **rest):
    words = CONSOLE + b"panic=-1 slipway.mode=test" + more
    return VmmRun(f"vmm-linux-{name}", kernel=kernel, **{
        "bundle": "uki", "initrd": GUEST, "cmdline": words, "options": DEVICES, "smp": 2} | rest)


LINUX = [
    linux("uki", uki_cmdline=b"console=hvc0 from=uki"),
    linux("appended-6.12-qemu10.0", **NEW, bundle="appended"),
    linux("cmdline-of-uki-cloud", "arm64-6.1-cloud", cmdline=b"",
          uki_cmdline=CONSOLE + b"panic=-1 slipway.mode=test"),
    linux("firmware-uki", door="firmware", x0=RAM_START),
]
