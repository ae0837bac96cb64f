# SPDX-License-Identifier: BSD-2-Clause
"""Builds the AArch64 probe kernel and reads what it reports.

build_code() compiles the probe once; Probe.build() makes an arm64 Image of it with
the header a test wants; parse() turns the serial output of a run into one Boot
object for each time the probe was entered.
"""

import fcntl
import struct
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from devicetree import DeviceTree
from probe.probe import CONFIG_MAGIC, PAGE, AcpiTable, Rsdp, Smbios, page_align, sums, \
    sums_of_zeros
from ..image import ImageHeader, compose

HERE = Path(__file__).parent
SHARED = Path(__file__).resolve().parents[2] / "probe"      # report.h
CONFIG_OFFSET, STACK_END = 0x100, 0x2200
FLAG_RESET = 1

COMPILER = "aarch64-linux-gnu-"
CFLAGS = ("-std=gnu17", "-O2", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-fpie",
          "-mcmodel=tiny", "-mgeneral-regs-only", "-mstrict-align", "-fno-stack-protector",
          "-fno-jump-tables", "-fno-asynchronous-unwind-tables",
          "-fno-tree-loop-distribute-patterns", "-fvisibility=hidden")

# Configuration tables (UEFI 2.10, 4.6), by GUID as it lies in memory.
EFI_TABLES = {UUID(guid).bytes_le.hex(): name for guid, name in (
    ("8868e871-e4f1-11d3-bc22-0080c73c8881", "ACPI 2.0"),
    ("f2fd1544-9794-4a2c-992e-e5bbcf20e394", "SMBIOS 3"),
    ("eb66918a-7eef-402a-842e-931d21c38ae9", "RT properties"),
    ("1ce1e5bc-7ceb-42f2-81e5-8aadf180f57b", "random seed"),
    # Where Linux notes what a kernel started by kexec must leave alone.
    ("888eb0c6-8ede-4ff5-a8f0-9aee5cb977c2", "memory reservations"))}


def build_code(out):
    """Builds probe.bin in the directory `out`, if outdated."""
    out.mkdir(parents=True, exist_ok=True)
    with open(out / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        newest = max(path.stat().st_mtime for path in (*HERE.iterdir(), SHARED / "report.h")
                     if path.is_file())
        done = out / "probe.bin"
        if not done.exists() or done.stat().st_mtime < newest:
            _run("gcc", "-c", "-o", out / "entry.o", HERE / "entry.S")
            _run("gcc", *CFLAGS, "-I", SHARED, "-c", "-o", out / "probe.o", HERE / "probe.c")
            _run("ld", "-pie", "--no-dynamic-linker", "--no-warn-rwx-segments", "-nostdlib",
                 "-T", HERE / "probe.ld", "-o", out / "probe.elf", out / "entry.o",
                 out / "probe.o")
            _run("objcopy", "-O", "binary", "-j", ".text", out / "probe.elf", done)
    return done.read_bytes()


def _run(command, *arguments):
    subprocess.run([COMPILER + command, *map(str, arguments)], check=True)


@dataclass
class Probe:
    """A probe kernel to build: its header, and what the probe shall do.

    size pads the Image, with a word in each further page that is checked.
    """

    header: ImageHeader = field(default_factory=ImageHeader)
    size: int = 0
    reset: bool = False

    def build(self, out):
        """The Image, with the compiled code cached in the directory `out`."""
        code = build_code(out)
        code_end = page_align(len(code))
        image = bytearray(code)
        image.extend(bytes(max(code_end, page_align(self.size)) - len(image)))
        image[:] = compose(self.header, image)
        for offset in range(code_end, len(image), PAGE):
            struct.pack_into("<Q", image, offset, offset ^ CONFIG_MAGIC)
        # All words but the first of each padding page are zero.
        a, b = sums(image[:CONFIG_OFFSET])
        a, b = sums(image[STACK_END:code_end], (a, b))
        for offset in range(code_end, len(image), PAGE):
            a, b = sums(image[offset:offset + 8], (a, b))
            a, b = sums_of_zeros(PAGE - 8, (a, b))
        struct.pack_into("<5Q", image, CONFIG_OFFSET, CONFIG_MAGIC, len(image), a, b,
                         FLAG_RESET * self.reset)
        return bytes(image)


@dataclass
class Boot:
    """What one run of the probe reported."""

    complete: bool = False                          # the probe came to its end
    fault: tuple = None                             # vector, ESR, ELR - load, FAR
    el: int = None
    load: int = None
    x: tuple = ()                                   # x0-x3
    daif: int = None
    spsel: int = None
    sctlr: int = None
    mpidr: int = None
    mmfr0: int = None
    cntfrq: int = None
    fdt: int = None                                 # address
    fdt_blocks: list = field(default_factory=list)  # offset, content
    vmm_fdt: int = None                             # the VMM's, when it still lies there
    vmm_fdt_blocks: list = field(default_factory=list)
    image_intact: bool = None
    initrd: tuple = None                            # addr, size, sums a, b
    efi_map: tuple = None                           # addr, content
    efi_system_table: tuple = None                  # addr, content
    efi_vendor: tuple = None                        # addr, 64 bytes
    efi_tables: list = field(default_factory=list)  # name or GUID, addr
    efi_rt_properties: tuple = None                 # addr, content
    efi_random_seed: tuple = None                   # addr, content
    efi_reservations: tuple = None                  # addr, content
    rsdp: Rsdp = None
    acpi: list = field(default_factory=list)
    smbios: Smbios = None

    @property
    def tree(self):
        """The DeviceTree that x0 leads to."""
        return DeviceTree.read(_joined(self.fdt_blocks))

    @property
    def fdt_header(self):
        """The 10 words of its header."""
        return struct.unpack_from(">10I", self.fdt_blocks[0][1])

    @property
    def vmm_tree(self):
        return DeviceTree.read(_joined(self.vmm_fdt_blocks)) if self.vmm_fdt else None

    def table(self, signature):
        """The ACPI table with a signature."""
        return next((table for table in self.acpi if table.signature == signature), None)


def _joined(blocks):
    content = bytearray(max(offset + len(block) for offset, block in blocks))
    for offset, block in blocks:
        content[offset:offset + len(block)] = block
    return bytes(content)


def _numbers(text):
    return tuple(int(word, 16) for word in text.split(",") if word)


def _content(text):
    addr, content = text.split(",")
    return int(addr, 16), bytes.fromhex(content)


def _take(boot, name, value):
    """Puts one reported line into a Boot."""
    if name in ("el", "load", "daif", "spsel", "sctlr", "mpidr", "mmfr0", "cntfrq", "fdt",
                "vmm_fdt"):
        setattr(boot, name, int(value, 16))
    elif name in ("x", "fault", "initrd"):
        setattr(boot, name, _numbers(value))
    elif name in ("fdt_block", "vmm_fdt_block"):
        getattr(boot, name + "s").append(_content(value))
    elif name in ("efi_map", "efi_system_table", "efi_vendor", "efi_rt_properties",
                  "efi_random_seed", "efi_reservations"):
        setattr(boot, name, _content(value))
    elif name == "image_intact":
        boot.image_intact = value == "1"
    elif name == "efi_table":
        guid, addr = value.split(",")
        boot.efi_tables.append((EFI_TABLES.get(guid, guid), int(addr, 16)))
    elif name == "rsdp":
        boot.rsdp = Rsdp(*_content(value))
    elif name == "acpi":
        parent, signature, addr, length, checksum, content = value.split(",")
        boot.acpi.append(AcpiTable(parent, bytes.fromhex(signature).decode("latin1"),
                                   int(addr, 16), int(length, 16), int(checksum, 16),
                                   bytes.fromhex(content)))
    elif name == "smbios":
        addr, anchor, table_addr, length, table = value.split(",")
        boot.smbios = Smbios(int(addr, 16), bytes.fromhex(anchor), int(table_addr, 16),
                             int(length, 16), bytes.fromhex(table))
    else:
        raise ValueError(f"unknown line from the probe: {name}={value[:80]}")


def parse(text):
    """The Boot objects in a serial log, whose other lines are skipped.

    A cut last line counts as not written.
    """
    boots, boot = [], None
    for line in text.split("\n")[:-1]:
        if "PROBE-ENTRY " in line:
            boot = Boot()
            boots.append(boot)
        elif boot is None:
            continue
        elif line == "PROBE-END":
            boot.complete = True
            boot = None
        elif line == "PROBE-FAULT":
            boot = None
        else:
            name, _, value = line.partition("=")
            _take(boot, name, value)
    return boots
