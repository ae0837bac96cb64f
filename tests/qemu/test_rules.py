# SPDX-License-Identifier: BSD-2-Clause
"""The rules of handoff.py and pvh_handoff.py can fail: each flaw below is noticed by the rule it
breaks."""

import copy
import struct
from dataclasses import replace

import pytest

import handoff
import pvh_handoff
from machines import GIB, MIB
from probe.bzimage import LAYOUT
from probe.probe import E820_RAM, AcpiTable, Rsdp, SetupData
from ranges import Range
from runs import probe
from trial import Trial


def poke(boot, offset, *content):
    params = bytearray(boot.boot_params)
    params[offset:offset + len(content)] = bytes(content)
    boot.boot_params = bytes(params)


def set_header(boot, name, value):
    offset, fmt = LAYOUT[name]
    poke(boot, offset, *struct.pack(fmt, value))


def set_e820(boot, change):
    """change(list of Range) alters the map in place."""
    ranges = boot.e820
    change(ranges)
    poke(boot, 0x1E8, len(ranges))
    poke(boot, 0x2D0, *b"".join(
        struct.pack("<QQI", r.start, r.size, r.kind) for r in ranges), *bytes(40))


def e820_type(boot, addr, kind):
    """The range that holds `addr` gets another type."""
    def change(ranges):
        for i, item in enumerate(ranges):
            if item.start <= addr < item.end:
                ranges[i] = replace(item, kind=kind)
    set_e820(boot, change)


def shorten_map(boot):
    set_e820(boot, lambda ranges: ranges.pop(0))


def swap_map(boot):
    set_e820(boot, lambda ranges: ranges.reverse())


def claim_hole(boot):
    set_e820(boot, lambda ranges: ranges.insert(1, Range(0xA0000, 0xB0000, E820_RAM)))


def cut_pages(boot, start):
    boot.pages = [page for page in boot.pages if not page.start <= start < page.end]


def unwritable(boot):
    boot.pages = [replace(page, kind=(page.kind[0], "x")) for page in boot.pages]


def move_initrd(boot, addr):
    boot.initrd = (addr, *boot.initrd[1:])


def change_table(boot, signature, **fields):
    table = boot.table(signature)
    boot.acpi[boot.acpi.index(table)] = replace(table, **fields)


def change_smbios(boot, **fields):
    boot.smbios[0] = replace(boot.smbios[0], **fields)


def set_pci(boot, where, offset, value):
    content = bytearray(boot.pci[where])
    content[offset] = value
    boot.pci[where] = bytes(content)


def drop_seed(boot):
    boot.setup_data.clear()


FLAWS = [
    ("entered_as_the_kernel_asks", lambda boot: boot.entries.append(32)),
    ("registers", lambda boot: setattr(boot, "rflags", boot.rflags | 0x200)),
    ("registers", lambda boot: boot.segments.update(cs=8)),
    ("registers", lambda boot: setattr(boot, "cr4", 0)),
    ("nothing_forbidden", lambda boot: setattr(boot, "cr4", boot.cr4 | 1 << 20)),
    ("nothing_forbidden", lambda boot: setattr(boot, "cr4", boot.cr4 | 1 << 21)),
    ("nothing_forbidden", lambda boot: setattr(boot, "cr0", boot.cr0 | 8)),
    ("nothing_forbidden", lambda boot: setattr(boot, "efer", boot.efer | 1)),
    ("descriptors", lambda boot: setattr(boot, "gdt", bytes(len(boot.gdt)))),
    ("descriptors", lambda boot: boot.segments.update(ds=0x10)),
    ("page_tables", lambda boot: cut_pages(boot, 0)),
    ("page_tables", lambda boot: cut_pages(boot, boot.load)),
    ("page_tables", lambda boot: cut_pages(boot, boot.boot_params_addr)),
    ("page_tables", unwritable),
    ("page_tables", lambda boot: boot.page_tables.append(boot.load)),
    ("kernel_placed", lambda boot: setattr(boot, "payload_intact", False)),
    ("kernel_placed", lambda boot: setattr(boot, "load", boot.load + 0x1000)),
    ("kernel_placed", lambda boot: setattr(boot, "load", boot.load + 32 * MIB)),
    ("kernel_placed", lambda boot: set_header(boot, "kernel_alignment", 0x1000)),
    ("everything_in_free_ram", lambda boot: move_initrd(boot, boot.load)),
    ("everything_in_free_ram", lambda boot: move_initrd(boot, boot.table("DSDT").addr)),
    ("everything_in_free_ram", lambda boot: move_initrd(boot, 5 * GIB)),
    ("everything_in_free_ram",
     lambda boot: boot.setup_data.append(SetupData(boot.load + 100, 7, 9, 0, (0, 0), b""))),
    ("command_line", lambda boot: setattr(boot, "cmdline", boot.cmdline + b" ")),
    ("command_line", lambda boot: setattr(boot, "cmdline", boot.cmdline[:-1])),
    ("initrd", lambda boot: setattr(boot, "initrd", (*boot.initrd[:3], 0))),
    ("initrd", lambda boot: setattr(boot, "initrd", (boot.initrd[0], 0, 0, 0))),
    ("initrd", lambda boot: move_initrd(boot, boot.initrd[0] + 1)),
    ("header_copied", lambda boot: set_header(boot, "init_size", 1)),
    ("header_copied", lambda boot: set_header(boot, "type_of_loader", 0xB0)),
    ("header_copied", lambda boot: set_header(boot, "code32_start", 0x100000)),
    ("header_copied", lambda boot: set_header(boot, "loadflags", 0)),
    ("boot_params_zeroed", lambda boot: poke(boot, 0x1EF, 0xFF)),
    ("boot_params_zeroed", lambda boot: poke(boot, 0x290, 1)),
    ("boot_params_zeroed", lambda boot: poke(boot, 0xFFF, 1)),
    ("setup_data", drop_seed),
    ("setup_data", lambda boot: boot.setup_data.append(boot.setup_data[0])),
    ("setup_data",
     lambda boot: boot.setup_data.append(SetupData(0x50000, 2, 9, 0, (0, 0), b""))),
    ("e820_sane", swap_map),
    ("e820_sane", lambda boot: poke(boot, 0x1E8, 0)),
    ("e820_sane", lambda boot: poke(boot, 0x2D0 + 16, 9)),
    ("e820_tells_the_ram", shorten_map),
    ("e820_tells_the_ram", claim_hole),
    ("e820_tells_the_ram", lambda boot: e820_type(boot, boot.load, 2)),
    ("e820_keeps_the_tables", lambda boot: e820_type(boot, boot.table("DSDT").addr, E820_RAM)),
    ("e820_keeps_the_tables", lambda boot: change_table(boot, "DSDT", addr=boot.load)),
    ("e820_reserves_ecam", lambda boot: e820_type(boot, 0xB0000000, E820_RAM)),
    ("rsdp", lambda boot: setattr(boot, "rsdp_told", None)),
    ("rsdp", lambda boot: boot.rsdp_found.clear()),
    ("rsdp", lambda boot: setattr(boot, "rsdp_told", Rsdp(boot.rsdp_told.addr, bytes([1] * 36)))),
    ("acpi_tables", lambda boot: change_table(boot, "DSDT", checksum=1)),
    ("acpi_tables", lambda boot: boot.acpi.remove(boot.table("APIC"))),
    ("acpi_tables",
     lambda boot: boot.acpi.append(AcpiTable("rsdt", "\0\0\0\0", 0x50000, 0, 0, b""))),
    ("smbios", lambda boot: boot.smbios.clear()),
    ("smbios", lambda boot: change_smbios(boot, anchor=bytes([0x5F] * 32))),
    ("smbios", lambda boot: change_smbios(boot, table=b"\x7f\x04\0\0\0\0")),
    ("memory_types", lambda boot: boot.msr.update({0x2FF: 0})),
    ("memory_types", lambda boot: boot.msr.update({0x201: 0, 0x203: 0, 0x205: 0, 0x207: 0})),
    ("memory_types", lambda boot: boot.msr.update({0x250: 0})),
    ("chipset", lambda boot: set_pci(boot, (0x1F, 0), 0x44, 0)),
    ("chipset", lambda boot: set_pci(boot, (0, 0), 0x60, 0)),
    ("chipset", lambda boot: boot.pci.pop((0, 0))),
    ("no_interrupt_waits",
     lambda boot: boot.__dict__.update(lapic=(0x1FF, 0x700, 0x400), pic_masks=(0, 0))),
]


def set_info(boot, name, value):
    """A field of start_info is another."""
    offset, fmt = START_INFO[name]
    content = bytearray(boot.start_info)
    struct.pack_into(fmt, content, offset, value)
    boot.start_info = bytes(content)


def set_memmap(boot, offset, value):
    boot.memmap = boot.memmap[:offset] + bytes([value]) + boot.memmap[offset + 1:]


START_INFO = {"version": (4, "<I"), "flags": (8, "<I"), "nr_modules": (12, "<I"),
              "modlist_paddr": (16, "<Q"), "memmap_paddr": (40, "<Q")}

PVH_FLAWS = [
    ("entered_by_pvh", lambda boot: setattr(boot, "entries", [32])),
    ("registers", lambda boot: boot.gpr.update(rbx=0)),
    ("registers", lambda boot: setattr(boot, "cr0", 0x80000011)),
    ("registers", lambda boot: setattr(boot, "cr4", 0x20)),
    ("nothing_forbidden", lambda boot: setattr(boot, "cr4", 1 << 20)),
    ("registers", lambda boot: setattr(boot, "efer", 0x500)),
    ("registers", lambda boot: setattr(boot, "rflags", boot.rflags | 0x200)),
    ("registers", lambda boot: boot.segments.update(es=0)),
    ("descriptors", lambda boot: setattr(boot, "gdt", bytes(len(boot.gdt)))),
    ("kernel_loaded", lambda boot: setattr(boot, "load", boot.load + 0x1000)),
    ("kernel_loaded", lambda boot: setattr(boot, "payload_intact", False)),
    ("kernel_loaded", lambda boot: setattr(boot, "rest_clear", False)),
    ("start_info", lambda boot: set_info(boot, "version", 0)),
    ("start_info", lambda boot: set_info(boot, "flags", 1)),
    ("start_info", lambda boot: set_info(boot, "memmap_paddr", GIB)),
    ("start_info", lambda boot: set_memmap(boot, 20, 1)),
    ("everything_in_free_ram", lambda boot: move_initrd(boot, boot.load)),
    ("everything_in_free_ram", lambda boot: move_initrd(boot, boot.table("DSDT").addr)),
    ("everything_in_free_ram", lambda boot: set_info(boot, "modlist_paddr", boot.load)),
    ("command_line", lambda boot: setattr(boot, "cmdline", boot.cmdline + b" ")),
    ("initrd", lambda boot: set_info(boot, "nr_modules", 0)),
    ("initrd", lambda boot: setattr(boot, "initrd", (*boot.initrd[:3], 0))),
    ("initrd", lambda boot: move_initrd(boot, 5 * GIB)),
    ("initrd", lambda boot: setattr(boot, "modlist", boot.modlist[:16] + b"\1" * 16)),
    ("e820_sane", lambda boot: setattr(boot, "memmap", boot.memmap[24:48] + boot.memmap[:24])),
    ("e820_sane", lambda boot: set_memmap(boot, 16, 9)),
    ("e820_tells_the_ram", lambda boot: setattr(boot, "memmap", boot.memmap[24:])),
    ("e820_keeps_the_tables", lambda boot: change_table(boot, "DSDT", addr=boot.load)),
    ("e820_reserves_ecam", lambda boot: setattr(boot, "memmap", boot.memmap[:24])),
    ("rsdp", lambda boot: setattr(boot, "rsdp_told", None)),
    ("rsdp", lambda boot: boot.rsdp_found.clear()),
    ("acpi_tables", lambda boot: change_table(boot, "DSDT", checksum=1)),
    ("smbios", lambda boot: boot.smbios.clear()),
    ("memory_types", lambda boot: boot.msr.update({0x2FF: 0})),
    ("chipset", lambda boot: boot.pci.pop((0, 0))),
    ("no_interrupt_waits",
     lambda boot: boot.__dict__.update(lapic=(0x1FF, 0x700, 0x400), pic_masks=(0, 0))),
]
# By Run.elf.
ALL_FLAWS = [(None, *flaw) for flaw in FLAWS] + [({}, *flaw) for flaw in PVH_FLAWS]


@pytest.fixture(scope="module")
def sound(host, worker_id):
    """Gets a run, of a probe that is an ELF file or not, and its Boot: no rule is broken."""
    made = {}

    def get(elf):
        if repr(elf) not in made:
            run = Trial(probe(f"rules-{worker_id}", "q35", cpu="max", initrd=100001, elf=elf), host)
            boot = run.boot()
            assert not run.rules.broken(boot, run)
            made[repr(elf)] = run, boot
        return made[repr(elf)]

    return get


@pytest.mark.parametrize(
    "number", range(len(ALL_FLAWS)),
    ids=lambda n: f"{n}-{'pvh-' * (ALL_FLAWS[n][0] is not None)}{ALL_FLAWS[n][1]}")
def test_flaw_is_noticed(number, sound):
    elf, rule, flaw = ALL_FLAWS[number]
    run, boot = sound(elf)
    spoiled = copy.deepcopy(boot)
    flaw(spoiled)
    said = run.rules.broken(spoiled, run)
    assert any(line.startswith(f"{rule}: ") for line in said), said


@pytest.mark.parametrize("elf", (None, {}), ids=("linux", "pvh"))
def test_words_of_the_firmware_are_noticed(elf, sound):
    run, boot = sound(elf)
    talking = copy.copy(run)
    talking.said_before = "slipway: hello\n"
    assert any(line.startswith("silent: ") for line in run.rules.broken(boot, talking))


@pytest.mark.parametrize("rules, flaws", ((handoff.RULES, FLAWS), (pvh_handoff.RULES, PVH_FLAWS)),
                         ids=("linux", "pvh"))
def test_every_rule_has_a_flaw(rules, flaws):
    assert set(rules.functions) == {rule for rule, _ in flaws} | {"silent"}
