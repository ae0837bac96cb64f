# SPDX-License-Identifier: BSD-2-Clause
"""The rules of handoff.py can fail: each flaw below is noticed by the rule it breaks."""

import copy
import struct
from dataclasses import replace

import pytest

from devicetree import DeviceTree, Node, string, u32, u64
from machines import GIB, MIB
from probe.probe import Rsdp
from .handoff import CONVENTIONAL, RULES, memory_map
from .runs import probe
from .trial import RAM_START, Trial


def set_tree(boot, change):
    """change(DeviceTree) alters the tree that the kernel got."""
    tree = boot.tree
    change(tree)
    boot.fdt_blocks = [(0, tree.write())]


def set_chosen(boot, name, value):
    """A property of /chosen is another, or gone."""
    def change(tree):
        tree.chosen.properties[name] = value
        if value is None:
            del tree.chosen.properties[name]
    set_tree(boot, change)


def add_node(boot):
    set_tree(boot, lambda tree: tree.root.children.append(Node("memory@40000000")))


def add_reservation(boot):
    set_tree(boot, lambda tree: tree.reservations.append((RAM_START, MIB)))


def claim_size(boot, size):
    """The tree's header says another totalsize."""
    _, header = boot.fdt_blocks[0]
    boot.fdt_blocks[0] = (0, header[:4] + u32(size) + header[8:])


def set_x(boot, number, value):
    boot.x = (*boot.x[:number], value, *boot.x[number + 1:])


def move_initrd(boot, addr):
    boot.initrd = (addr, *boot.initrd[1:])


def poke(boot, name, offset, content):
    """Bytes at an offset of what was reported as (address, content) are others."""
    addr, old = getattr(boot, name)
    setattr(boot, name, (addr, old[:offset] + content + old[offset + len(content):]))


def move(boot, name, addr):
    setattr(boot, name, (addr, getattr(boot, name)[1]))


def set_map(boot, change):
    """change(list of Range) alters the memory map in place."""
    ranges = memory_map(boot)
    change(ranges)
    boot.efi_map = (boot.efi_map[0], b"".join(
        struct.pack("<I4xQQQQ", item.kind[0], item.start, 0, item.size // 4096, item.kind[1])
        for item in ranges))


def set_range(boot, number, **fields):
    """Fields of a range, where kind = (type, attributes)."""
    def change(ranges):
        ranges[number] = replace(ranges[number], **fields)
    set_map(boot, change)


def split_range(boot):
    def change(ranges):
        first = ranges[0]
        middle = first.start + MIB
        ranges[:1] = [replace(first, end=middle), replace(first, start=middle)]
    set_map(boot, change)


def claim_flash(boot):
    set_map(boot, lambda ranges: ranges.insert(0, replace(ranges[0], start=0, end=64 * MIB)))


def everything_free(boot):
    set_map(boot, lambda ranges: ranges.__setitem__(
        slice(None), [replace(ranges[0], end=ranges[-1].end, kind=(CONVENTIONAL, 8))]))


def change_table(boot, signature, **fields):
    table = boot.table(signature)
    boot.acpi[boot.acpi.index(table)] = replace(table, **fields)


def spoil_rsdp(boot):
    boot.rsdp = replace(boot.rsdp, content=bytes(36))


def spoil_smbios(boot, **fields):
    boot.smbios = replace(boot.smbios, **fields)


WITH_ACPI = [
    ("registers", lambda boot: set_x(boot, 1, 1)),
    ("registers", lambda boot: set_x(boot, 0, 0)),
    ("registers", lambda boot: setattr(boot, "daif", 0x1C0)),
    ("exception_level", lambda boot: setattr(boot, "el", 2)),
    ("mmu_and_cache_off", lambda boot: setattr(boot, "sctlr", boot.sctlr | 1)),
    ("mmu_and_cache_off", lambda boot: setattr(boot, "sctlr", boot.sctlr | 4)),
    ("nothing_forbidden", lambda boot: setattr(boot, "sctlr", boot.sctlr | 1 << 19)),
    ("nothing_forbidden", lambda boot: setattr(boot, "sctlr", boot.sctlr | 2)),
    ("kernel_placed", lambda boot: setattr(boot, "image_intact", False)),
    ("kernel_placed", lambda boot: setattr(boot, "load", boot.load + 0x1000)),
    ("device_tree_placed", lambda boot: setattr(boot, "fdt", boot.fdt + 4)),
    ("device_tree_placed", lambda boot: claim_size(boot, 2 * MIB + 1)),
    ("everything_in_ram_and_apart", lambda boot: move_initrd(boot, boot.load)),
    ("everything_in_ram_and_apart", lambda boot: move_initrd(boot, boot.table("DSDT").addr)),
    ("everything_in_ram_and_apart", lambda boot: move_initrd(boot, 5 * GIB)),
    ("everything_in_ram_and_apart", lambda boot: setattr(boot, "fdt", boot.load + 0x1000)),
    ("everything_in_ram_and_apart", lambda boot: move(boot, "efi_map", boot.load)),
    ("command_line", lambda boot: set_chosen(boot, "bootargs", string("quiet"))),
    ("command_line", lambda boot: set_chosen(boot, "bootargs", None)),
    ("initrd", lambda boot: setattr(boot, "initrd", (*boot.initrd[:3], 0))),
    ("initrd", lambda boot: setattr(boot, "initrd", (boot.initrd[0], 0, 0, 0))),
    ("initrd", lambda boot: set_chosen(boot, "linux,initrd-start", u32(boot.initrd[0]))),
    ("initrd", lambda boot: set_chosen(boot, "linux,initrd-end", None)),
    ("window", lambda boot: move_initrd(boot, boot.load + 33 * GIB)),
    ("seeds", lambda boot: set_chosen(boot, "kaslr-seed", None)),
    ("seeds", lambda boot: set_chosen(boot, "rng-seed", bytes(32))),
    ("stub_tree", add_node),
    ("stub_tree", add_reservation),
    ("stub_tree", lambda boot: set_chosen(boot, "linux,uefi-secure-boot", u32(0))),
    ("stub_tree", lambda boot: set_chosen(boot, "linux,uefi-secure-boot", None)),
    ("stub_tree", lambda boot: set_chosen(boot, "linux,uefi-mmap-size", u64(120))),
    ("stub_tree", lambda boot: set_chosen(boot, "linux,uefi-mmap-desc-ver", u32(2))),
    ("stub_tree", lambda boot: set_chosen(boot, "stdout-path", None)),
    ("stub_tree", lambda boot: set_chosen(boot, "linux,kernel-start", u64(0))),
    ("stub_tree", lambda boot: set_tree(
        boot, lambda tree: tree.root.properties.update({"#size-cells": u32(1)}))),
    ("system_table", lambda boot: setattr(boot, "efi_system_table", None)),
    ("system_table", lambda boot: poke(boot, "efi_system_table", 0, b"X")),
    ("system_table", lambda boot: poke(boot, "efi_system_table", 8, b"\0\0\0\0")),
    ("system_table", lambda boot: poke(boot, "efi_system_table", 12, b"\0")),
    ("system_table", lambda boot: poke(boot, "efi_system_table", 88, b"\1")),
    ("system_table", lambda boot: poke(boot, "efi_vendor", 0, b"X\0")),
    ("configuration_tables", lambda boot: boot.efi_tables.pop(0)),
    ("configuration_tables", lambda boot: boot.efi_tables.append(boot.efi_tables[0])),
    ("configuration_tables", lambda boot: boot.efi_tables.append(("00" * 16, 0))),
    ("rt_properties", lambda boot: poke(boot, "efi_rt_properties", 4, b"\1")),
    ("rt_properties", lambda boot: setattr(boot, "efi_rt_properties", None)),
    ("memory_map_sane", lambda boot: setattr(boot, "efi_map", None)),
    ("memory_map_sane", lambda boot: set_map(boot, lambda ranges: ranges.reverse())),
    ("memory_map_sane", split_range),
    ("memory_map_sane", lambda boot: set_range(boot, 0, kind=(7, 8 | 1 << 63))),
    ("memory_map_sane", lambda boot: set_range(boot, 0, kind=(99, 8))),
    ("memory_map_sane", lambda boot: set_range(boot, 0, start=RAM_START + 8)),
    ("memory_map_tells_the_ram", lambda boot: set_map(boot, lambda ranges: ranges.pop(0))),
    ("memory_map_tells_the_ram", claim_flash),
    ("memory_map_tells_the_ram", lambda boot: set_range(boot, 0, kind=(7, 0))),
    ("memory_map_tells_the_ram", lambda boot: set_range(boot, 0, kind=(0, 8))),
    ("memory_map_keeps_the_tables", everything_free),
    ("memory_map_keeps_the_tables", lambda boot: change_table(boot, "DSDT", addr=boot.load)),
    ("memory_map_keeps_the_tables", lambda boot: set_range(boot, 0, kind=(9, 8))),
    ("rsdp", lambda boot: setattr(boot, "rsdp", None)),
    ("rsdp", spoil_rsdp),
    ("acpi_tables", lambda boot: change_table(boot, "GTDT", checksum=1)),
    ("acpi_tables", lambda boot: boot.acpi.remove(boot.table("APIC"))),
    ("acpi_tables", lambda boot: change_table(
        boot, "APIC", content=boot.table("APIC").content[:44])),
    ("smbios", lambda boot: spoil_smbios(boot, anchor=b"_SM3_" + bytes(19))),
    ("smbios", lambda boot: spoil_smbios(boot, table=b"\x7f\x04\0\0\0\0")),
    ("smbios", lambda boot: spoil_smbios(boot, table=boot.smbios.table.replace(
        b"Slipway\0", b"Another\0"))),
]


def change_node(boot):
    set_tree(boot, lambda tree: tree.root.children[1].properties.update({"reg": bytes(16)}))


def drop_node(boot):
    set_tree(boot, lambda tree: tree.root.children.pop(0))


WITHOUT_ACPI = [
    ("tree_of_the_vmm", add_node),
    ("tree_of_the_vmm", add_reservation),
    ("tree_of_the_vmm", change_node),
    ("tree_of_the_vmm", drop_node),
    ("tree_of_the_vmm", lambda boot: set_chosen(boot, "stdout-path", None)),
    ("tree_of_the_vmm", lambda boot: set_chosen(boot, "linux,uefi-mmap-start", u64(0))),
    ("rsdp", lambda boot: setattr(boot, "rsdp", Rsdp(RAM_START, bytes(36)))),
    ("kernel_placed", lambda boot: setattr(boot, "load", boot.load + 64 * MIB)),
]


def soundly_booted(row, host):
    run = Trial(row, host)
    boot = run.boot()
    assert not RULES.broken(boot, run)
    return run, boot


@pytest.fixture(scope="module")
def with_acpi(host, worker_id):
    """A run and its Boot in which no rule is broken."""
    return soundly_booted(probe(f"rules-{worker_id}", initrd=100001), host)


@pytest.fixture(scope="module")
def without_acpi(host, worker_id):
    return soundly_booted(probe(f"rules-no-acpi-{worker_id}", "virt,acpi=off", {"flags": 2},
                                initrd=100001), host)


def check(rule, flaw, run, boot):
    spoiled = copy.deepcopy(boot)
    flaw(spoiled)
    said = RULES.broken(spoiled, run)
    assert any(line.startswith(f"{rule}: ") for line in said), said


@pytest.mark.parametrize("number", range(len(WITH_ACPI)),
                         ids=lambda n: f"{n}-{WITH_ACPI[n][0]}")
def test_flaw_is_noticed(number, with_acpi):
    check(*WITH_ACPI[number], *with_acpi)


@pytest.mark.parametrize("number", range(len(WITHOUT_ACPI)),
                         ids=lambda n: f"{n}-{WITHOUT_ACPI[n][0]}")
def test_flaw_without_acpi_is_noticed(number, without_acpi):
    check(*WITHOUT_ACPI[number], *without_acpi)


def test_words_of_the_firmware_are_noticed(with_acpi):
    run, boot = with_acpi
    talking = copy.copy(run)
    talking.said_before = "slipway: hello\n"
    assert any(line.startswith("silent: ") for line in RULES.broken(boot, talking))


def test_every_rule_has_a_flaw():
    assert set(RULES.functions) == {rule for rule, _ in WITH_ACPI + WITHOUT_ACPI} | {"silent"}


def test_tree_is_read_as_it_was_written(without_acpi):
    run, _ = without_acpi
    assert DeviceTree.read(run.vmm_tree.write()) == run.vmm_tree
