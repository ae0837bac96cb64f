# SPDX-License-Identifier: BSD-2-Clause
"""What tests know of the blocks in docs/vmm beyond their text; see pages.py.

A block without a row is run as it is, by the system's QEMU.
"""

from dataclasses import dataclass

import pytest

from machines import MIB

GROWTH = 128 * MIB


@dataclass(frozen=True)
class Row:
    """How the block of this name is run, and what its guest has to report."""

    name: str
    qemus: tuple = ("7.2",)
    words: str = ""             # added to the kernel's command line
    plug: tuple = ()            # (QMP command, arguments), when the guest waits for PCI devices
    grow: tuple = ()            # the same, when it waits for CPUs and memory
    expect: tuple = ()          # (key, regular expression) that a line of the report matches
    vendor: str = "Slipway"     # of the firmware that made the machine's tables
    acpi: bool = True           # else the guest has the device tree
    compare: bool = True        # with the boot of another firmware, where there is -bios
    allow: str = "(nothing)"    # regular expression of kernel messages that are no defect


def kata_devices(bus, slots):
    """How kata's runtimes plug a network and a disk into a bridge or a root port."""
    return (
        ("netdev_add", {"type": "user", "id": "tap0", "restrict": True}),
        ("blockdev-add", {"driver": "raw", "node-name": "drive0",
                          "file": {"driver": "file", "filename": "disk.img"}}),
        ("device_add", {"driver": "virtio-net-pci", "id": "virtio-net0", "netdev": "tap0",
                        "mac": "02:00:ca:fe:00:01", "romfile": "", "mq": True, "vectors": 4,
                        "bus": bus[0], "addr": slots[0]}),
        ("device_add", {"driver": "virtio-blk-pci", "id": "virtio-blk0", "drive": "drive0",
                        "romfile": "", "share-rw": True, "bus": bus[1], "addr": slots[1]}))


PLUGGED = (("net", r"\S+ 02:00:ca:fe:00:01 virtio_net"), ("disk", r"vda \S+ [0-9a-f]{64}"))
PMEM = (("acpi", r"NFIT \d+"), ("pmem", r"pmem0 134217728"))
NVDIMM_MIB = 128

# With SeaBIOS as the kata lines' firmware, what is plugged into the bridge never appears.
ROWS = {row.name: row for row in (
    Row("microvm", qemus=("7.2", "10.0")),
    Row("pvh-q35", vendor="SeaBIOS"),
    Row("bundle-q35", vendor="SeaBIOS"),
    Row("libvirt-virt-rom", acpi=False),
    Row("kata-x86_64", qemus=("7.2", "10.0"),
        words="slipway.wait=hotplug,2 slipway.then=grow",
        plug=kata_devices(("pci-bridge-0", "pci-bridge-0"), ("01", "02")),
        grow=(("object-add", {"qom-type": "memory-backend-ram", "id": "mem1", "size": GROWTH}),
              ("device_add", {"driver": "pc-dimm", "id": "dimmmem1", "memdev": "mem1"}),
              ("device_add", {"driver": "max-x86_64-cpu", "id": "cpu-1", "socket-id": 1,
                              "core-id": 0, "thread-id": 0})),
        expect=PLUGGED + PMEM, compare=False),
    Row("kata-aarch64", qemus=("7.2", "10.0"),
        words="slipway.wait=hotplug,2",
        plug=kata_devices(("rp0", "rp1"), ("0", "0")),
        expect=PLUGGED + PMEM),
)}


def runs_of(blocks, arch):
    """Parameters (Block, Row, QEMU's version) of each run of commands for an architecture."""
    return [pytest.param(block, row, qemu, id=f"{block.name}-qemu{qemu}")
            for block in blocks if block.name and not block.is_domain and block.arch == arch
            for row in (ROWS.get(block.name, Row(block.name)),) for qemu in row.qemus]


def domains_of(blocks, arch):
    """The same, (Block, Row), of libvirt domains, which the system's QEMU runs."""
    return [pytest.param(block, ROWS.get(block.name, Row(block.name)), id=block.name)
            for block in blocks if block.name and block.is_domain and block.arch == arch]
