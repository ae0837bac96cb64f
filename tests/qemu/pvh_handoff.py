# SPDX-License-Identifier: BSD-2-Clause
"""The rules of the hand-off to an ELF kernel through its PVH entry.

They are rules as rules.py has them; those that no boot protocol makes are the ones of handoff.py.
The sources are Xen's docs/misc/pvh.pandoc, "x86/HVM direct boot ABI" ("pvh.pandoc" here),
xen/include/public/arch-x86/hvm/start_info.h, and what Linux takes of it,
arch/x86/platform/pvh.
"""

import struct

from handoff import (  # noqa: F401
    CR0_PE, CR0_PG, EFER_LMA, RFLAGS_IF, rule_acpi_tables, rule_chipset, rule_descriptors,
    rule_e820_keeps_the_tables, rule_e820_reserves_ecam, rule_e820_sane, rule_e820_tells_the_ram,
    rule_memory_types, rule_no_interrupt_waits, rule_nothing_forbidden, rule_smbios, ram, tables)
from machines import GIB, MIB
from ranges import Range, covered, hexes, overlap
from rules import Rules, rule_silent  # noqa: F401

MAGIC = 0x336EC578
RFLAGS_TF, RFLAGS_VM = 1 << 8, 1 << 17
CR0_ET = 1 << 4                 # cannot be cleared
LINUX_MAPS = GIB                # of start_info and what it names, at that moment
MODULE_SIZE, MEMMAP_SIZE = 32, 24


class StartInfo:
    """The fields of struct hvm_start_info, by their names."""

    def __init__(self, content):
        (self.magic, self.version, self.flags, self.nr_modules, self.modlist_paddr,
         self.cmdline_paddr, self.rsdp_paddr, self.memmap_paddr, self.memmap_entries,
         self.reserved) = struct.unpack("<4I4Q2I", content)


def kernel_area(run):
    return Range(run.elf.address, run.elf.address + run.elf_memory_size, "kernel")


def areas(boot, run):
    """Everything handed over that must lie in RAM and apart, by name."""
    info = StartInfo(boot.start_info)
    yield kernel_area(run)
    yield Range(boot.start_info_addr, boot.start_info_addr + len(boot.start_info), "start_info")
    yield Range(info.memmap_paddr, info.memmap_paddr + info.memmap_entries * MEMMAP_SIZE,
                "memory map")
    yield Range(info.cmdline_paddr, info.cmdline_paddr + len(boot.cmdline) + 1, "command line")
    if info.nr_modules:
        yield Range(info.modlist_paddr, info.modlist_paddr + info.nr_modules * MODULE_SIZE,
                    "module list")
        yield Range(boot.initrd[0], boot.initrd[0] + boot.initrd[1], "initrd")


def rule_entered_by_pvh(boot, run):
    if boot.entries != ["PVH"]:
        yield f"entered through {boot.entries}"


def rule_registers(boot, run):
    """pvh.pandoc: the state of the processor."""
    if boot.gpr["rbx"] != boot.start_info_addr:
        yield f"ebx is {boot.gpr['rbx']:#x}"
    if boot.cr0 & ~CR0_ET != CR0_PE:
        yield f"cr0 is {boot.cr0:#x}"
    if boot.cr4:
        yield f"cr4 is {boot.cr4:#x}"
    if boot.cr0 & CR0_PG or boot.efer & EFER_LMA:
        yield f"paging is enabled: efer is {boot.efer:#x}"
    for name, bit in (("IF", RFLAGS_IF), ("TF", RFLAGS_TF), ("VM", RFLAGS_VM)):
        if boot.rflags & bit:
            yield f"{name} is set in eflags: {boot.rflags:#x}"
    if not boot.segments["ds"] == boot.segments["es"] == boot.segments["ss"]:
        yield f"ds, es and ss are not one: {boot.segments}"


def rule_kernel_loaded(boot, run):
    if boot.load != run.elf.address:
        yield f"loaded at {boot.load:#x}, not {run.elf.address:#x}"
    if not boot.payload_intact:
        yield "the segment differs from the file's"
    if not boot.rest_clear:
        yield "memory that the file does not fill is not clear"


def rule_start_info(boot, run):
    """Version 1, and all where the page tables of Linux's entry reach."""
    info = StartInfo(boot.start_info)
    if (info.magic, info.version) != (MAGIC, 1):
        yield f"magic {info.magic:#x}, version {info.version}"
    if info.flags or info.reserved:
        yield f"flags are {info.flags:#x}, reserved is {info.reserved:#x}"
    for area in areas(boot, run):
        if area.kind not in ("kernel", "initrd") and area.end > LINUX_MAPS:
            yield f"{area.kind} {hexes(area)} is where Linux's entry does not map it"
    for _, _, kind, reserved in struct.iter_unpack("<QQII", boot.memmap):
        if reserved:
            yield f"a memory map entry of type {kind} has reserved = {reserved:#x}"


def rule_everything_in_free_ram(boot, run):
    """RAM by the map, nothing on top of anything else, none of it in the firmware's tables."""
    parts = list(areas(boot, run))
    for i, first in enumerate(parts):
        if not covered(first, ram(boot)):
            yield f"{first.kind} {hexes(first)} is not all RAM"
        for second in parts[i + 1:] + list(tables(boot)):
            if overlap(first, second):
                yield f"{first.kind} {hexes(first)} overlaps {second.kind} {hexes(second)}"


def rule_command_line(boot, run):
    if boot.cmdline != run.cmdline_seen:
        yield f"the command line is {boot.cmdline[:80]!r}, not {run.cmdline_seen[:80]!r}"


def rule_initrd(boot, run):
    """One module without a command line; none without an initrd."""
    info = StartInfo(boot.start_info)
    if info.nr_modules != (1 if run.initrd else 0):
        yield f"there are {info.nr_modules} modules"
        return
    if not run.initrd:
        if info.modlist_paddr:
            yield f"no module, but the list is at {info.modlist_paddr:#x}"
        return
    addr, size, *sums = boot.initrd
    if (size, tuple(sums)) != (run.initrd, run.initrd_sums):
        yield f"the initrd of {size} bytes differs from the file's {run.initrd}"
    if addr < MIB or addr + size > 4 * GIB:
        yield f"the initrd lies at {addr:#x}"
    if any(boot.modlist[16:32]):
        yield f"the module has more than a place: {boot.modlist.hex()}"


def rule_rsdp(boot, run):
    """start_info names the RSDP, and a scan finds the same."""
    if not run.machine.acpi:
        if boot.rsdp_told or boot.rsdp_found:
            yield "there is an RSDP on a machine without ACPI"
    elif boot.rsdp_told is None or not boot.rsdp_told.checksum_ok:
        yield "rsdp_paddr leads to no sound RSDP"
    elif [rsdp.addr for rsdp in boot.rsdp_found] != [boot.rsdp_told.addr]:
        yield f"rsdp_paddr is {boot.rsdp_told.addr:#x}, a scan finds {boot.rsdp_found}"


RULES = Rules(globals())
