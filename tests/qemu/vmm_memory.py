# SPDX-License-Identifier: BSD-2-Clause
"""The memory of an x86_64 guest, as VMMs without fw_cfg leave it before they start the guest.

Cloud Hypervisor: arch/src/x86_64/layout.rs, mod.rs (configure_system, configure_pvh) and
smbios.rs, vmm/src/acpi.rs (create_acpi_tables).  Firecracker:
src/vmm/src/arch/x86_64/layout.rs, mod.rs (configure_system_for_boot, configure_pvh),
mptable.rs and src/vmm/src/acpi/mod.rs.  start_info is that of Xen,
xen/include/public/arch-x86/hvm/start_info.h.
"""

import struct
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import acpi
from acpi import with_checksum
from machines import GIB, MIB
from probe.probe import E820_RAM, E820_RESERVED
from ranges import Range

LAUNCHER = Path(__file__).parent / "launcher.asm"
PAGE = 4096

GDT, IDT = 0x500, 0x520
START_INFO, MODULE_LIST, MEMORY_MAP, COMMAND_LINE = 0x6000, 0x6040, 0x7000, 0x20000
ROM = Range(0xF0000, 0x100000)          # where QEMU shows the launcher
ROM_CODE = 0xFF00                       # in it

START_INFO_LAYOUT = {
    "magic": "I", "version": "I", "flags": "I", "nr_modules": "I", "modlist_paddr": "Q",
    "cmdline_paddr": "Q", "rsdp_paddr": "Q", "memmap_paddr": "Q", "memmap_entries": "I",
    "reserved": "I"}
MAGIC = 0x336EC578

EBDA_POINTER, CH_EBDA, CH_SMBIOS = 0x40E, 0xA0000, 0xF0000
CH_VENDOR = "cloud-hypervisor"
FC_SYSTEM, FC_RSDP = 0x9FC00, 0xE0000

# xen/include/public/elfnote.h
XEN_ELFNOTE_PHYS32_ENTRY = 18
PT_NOTE = 4


def segment(flags, limit):
    """A segment of base 0 in a GDT; `flags` are bits 40 to 55 of it."""
    return limit & 0xFFFF | flags << 40 | (limit >> 16 & 0xF) << 48


# Code, data and TSS.  The VMMs set the registers themselves; here the CPU makes the TSS busy.
SEGMENTS = struct.pack("<4Q", 0, segment(0xC09B, 0xFFFFF), segment(0xC093, 0xFFFFF),
                       segment(0x0089, 0x67))


def mp_table(address, cpus):
    """Floating pointer and table of the MultiProcessor Specification 1.4: the processors."""
    entries = b"".join(struct.pack("<BBBBII8x", 0, cpu, 0x14, 1 | (cpu == 0) << 1, 0x600, 0x201)
                       for cpu in range(cpus))
    table = struct.pack("<4sHBB8s12sIHHIHBB", b"PCMP", 44 + len(entries), 4, 0, b"VMM", b"GUEST",
                        0, 0, cpus, 0xFEE00000, 0, 0, 0) + entries
    pointer = struct.pack("<4sIBBB5x", b"_MP_", address + 16, 1, 4, 0)
    return with_checksum(pointer, 10) + with_checksum(table, 7)


def smbios(address):
    """Entry point of SMBIOS 3.2 and, behind it, types 0, 1 and 127."""
    table = b"".join((
        struct.pack("<BBHBBHBBQ2x4B", 0, 24, 1, 1, 2, 0, 0, 0, 1 << 7, 255, 255, 255, 255),
        CH_VENDOR.encode() + b"\0" b"0\0" b"\0",
        struct.pack("<BBHBBBB16sBBB", 1, 27, 2, 1, 2, 0, 0, bytes(16), 6, 0, 0),
        b"Cloud Hypervisor\0" b"cloud-hypervisor\0" b"\0",
        struct.pack("<BBH", 127, 4, 3), b"\0\0"))
    entry = struct.pack("<5sBBBBBBBIQ", b"_SM3_", 0, 24, 3, 2, 0, 1, 0, len(table), address + 24)
    return with_checksum(entry, 5) + table


def pvh_entry(image):
    """The address in the PVH note of a 64-bit ELF file."""
    headers, = struct.unpack_from("<Q", image, 32)
    count, = struct.unpack_from("<H", image, 56)
    for at in range(headers, headers + 56 * count, 56):
        kind, _, offset = struct.unpack_from("<IIQ", image, at)
        if kind != PT_NOTE:
            continue
        name_size, _, note = struct.unpack_from("<III", image, offset)
        if note == XEN_ELFNOTE_PHYS32_ENTRY:
            return struct.unpack_from("<I", image, offset + 12 + -(-name_size // 4) * 4)[0]
    raise ValueError("no PVH note")


@dataclass
class Vmm:
    """What a VMM has in the guest's memory; tests change it before finish()."""

    memory_map: list                                # Ranges, in the VMM's order
    told_rsdp: int                                  # rsdp_paddr
    rsdp: int                                       # where it is
    bios_vendor: str                                # that SMBIOS tells, None without
    pieces: dict = field(default_factory=dict)      # address: bytes
    kept: list = field(default_factory=list)        # Ranges that the kernel needs as they are
    modules: list = field(default_factory=list)     # Ranges
    start_info: dict = field(default_factory=dict)  # by START_INFO_LAYOUT
    tables: acpi.Placed = None
    told_start_info: int = START_INFO               # ebx

    def put(self, address, content):
        self.pieces[address] = content
        return address + len(content)

    def keep(self, address, content):
        """put(), for tables."""
        end = self.put(address, content)
        self.kept.append(Range(address, end))
        return end

    def keep_acpi(self, files, tables_at):
        return self._keep_tables(acpi.place(files, self.rsdp, tables_at))

    def add_acpi(self, *tables):
        """Where nothing is behind the tables of keep_acpi()."""
        self._keep_tables(acpi.add(self.tables, tables))

    def _keep_tables(self, tables):
        self.tables = tables
        self.keep(tables.rsdp_at, tables.rsdp)
        return self.keep(tables.tables_at, tables.tables)

    def give(self, cmdline, module):
        """Fills start_info and what it leads to; module is None without one."""
        self.put(GDT, SEGMENTS)
        self.put(IDT, bytes(8))
        self.put(COMMAND_LINE, cmdline + b"\0")
        self.modules = [module] if module else []
        self.put(MODULE_LIST, b"".join(struct.pack("<4Q", item.start, item.size, 0, 0)
                                       for item in self.modules))
        self.start_info = dict.fromkeys(START_INFO_LAYOUT, 0) | {
            "magic": MAGIC, "version": 1, "nr_modules": len(self.modules),
            "modlist_paddr": MODULE_LIST if self.modules else 0, "cmdline_paddr": COMMAND_LINE,
            "rsdp_paddr": self.told_rsdp, "memmap_paddr": MEMORY_MAP}
        self.put_memory_map()

    def put_memory_map(self):
        self.put(MEMORY_MAP, b"".join(struct.pack("<QQII", item.start, item.size, item.kind, 0)
                                      for item in self.memory_map))
        self.start_info["memmap_entries"] = len(self.memory_map)

    def finish(self):
        """Writes start_info itself."""
        self.put(START_INFO, struct.pack("<" + "".join(START_INFO_LAYOUT.values()),
                                         *(self.start_info[name] for name in START_INFO_LAYOUT)))

    def low(self):
        """Memory up to the ROM."""
        return self._area(Range(0, ROM.start))

    def launcher(self, entry, out):
        """The ROM that starts `entry`, with what the VMM has in its place; made in `out`."""
        subprocess.run(["nasm", "-f", "bin", f"-DENTRY={entry:#x}",
                        f"-DSTART_INFO={self.told_start_info:#x}", "-o", out, LAUNCHER],
                       check=True)
        area, code = self._area(ROM), out.read_bytes()
        if any(area[ROM_CODE:]):
            raise ValueError("the VMM has something where the launcher's code is")
        out.write_bytes(area[:ROM_CODE] + code[ROM_CODE:])
        return out

    def _area(self, area):
        content = bytearray(area.size)
        for address, piece in self.pieces.items():
            if area.start <= address < area.end:
                content[address - area.start:address - area.start + len(piece)] = piece
        if len(content) != area.size:
            raise ValueError(f"a piece reaches past {area.end:#x}")
        return bytes(content)


def ram(memory, gap):
    """RAM from 1 MiB on; what does not fit below `gap` is above 4 GiB."""
    low = min(memory, gap)
    high = [Range(4 * GIB, 4 * GIB + memory - low, E820_RAM)] if memory > low else []
    return [Range(MIB, low, E820_RAM)] + high


def module_place(memory, gap, size):
    """Both VMMs put an initrd at the end of low RAM, at the start of a page."""
    start = (min(memory, gap) - size) // PAGE * PAGE
    return Range(start, start + size)


def cloud_hypervisor(memory, gap, window, files, cpus):
    """`window` is PCI Express configuration space, `files` has ACPI tables: both are QEMU's."""
    vmm = Vmm([Range(0, CH_EBDA, E820_RAM), *ram(memory, gap),
               Range(window.start, window.end, E820_RESERVED)], CH_EBDA, CH_EBDA, CH_VENDOR)
    vmm.keep(EBDA_POINTER, struct.pack("<H", CH_EBDA >> 4))
    vmm.keep_acpi(files, CH_EBDA + acpi.RSDP_SIZE)
    end = vmm.keep(CH_SMBIOS, smbios(CH_SMBIOS))
    table = end + 16 & ~15
    vmm.keep(table, mp_table(table, cpus))
    return vmm


def firecracker(memory, gap, window, files, cpus):
    """start_info does not tell of the RSDP; a kernel has to scan for it."""
    vmm = Vmm([Range(0, FC_SYSTEM, E820_RAM), Range(FC_SYSTEM, FC_RSDP, E820_RESERVED),
               Range(window.start, window.end, E820_RESERVED), *ram(memory, gap)], 0, FC_RSDP, None)
    vmm.keep_acpi(files, vmm.keep(FC_SYSTEM, mp_table(FC_SYSTEM, cpus)))
    return vmm
