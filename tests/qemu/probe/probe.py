# SPDX-License-Identifier: BSD-2-Clause
"""Builds the probe kernel and reads what it reports.

build_code() assembles and compiles the probe once; Probe.build() wraps it in
a bzImage with the header a test wants; parse() turns the debugcon output of a
run into one Boot object for each time the probe was entered.
"""

import fcntl
import struct
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from ranges import Range

from .bzimage import SetupHeader, compose

HERE = Path(__file__).parent
CONFIG_OFFSET, CONFIG_END = 0x100, 0x200
CONFIG_MAGIC = int.from_bytes(b"SLIPPROB", "little")
SCRATCH_SIZE = 0x4E000
PVH_OFFSET = 8                  # of the PVH entry in the payload
PAGE = 4096

EXIT_DONE = 0x10 << 1 | 1       # QEMU's exit codes through isa-debug-exit
EXIT_FAULT = 0x11 << 1 | 1

FLAG_CHAIN_64 = 1
FLAG_BRIEF = 2
RESETS = {None: 0, "cf9": 1, "keyboard": 2, "triple-fault": 3}

GPR_NAMES = ("rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "rsp",
             "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15")
SEGMENT_NAMES = ("cs", "ds", "es", "ss", "fs", "gs", "tr", "ldtr")

E820_RAM, E820_RESERVED, E820_ACPI, E820_NVS = 1, 2, 3, 4
SETUP_E820_EXT, SETUP_DTB, SETUP_RNG_SEED = 1, 2, 9


def build_code(out):
    """Builds setup.bin and payload.bin in the directory `out`, if outdated."""
    out.mkdir(parents=True, exist_ok=True)
    with open(out / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        newest = max(p.stat().st_mtime for p in HERE.iterdir() if p.is_file())
        done = out / "payload.bin"
        if not done.exists() or done.stat().st_mtime < newest:
            _run("nasm", "-f", "bin", "-o", out / "setup.bin", HERE / "setup.asm")
            _run("nasm", "-f", "elf64", "-i", f"{HERE}/", "-o", out / "entry.o",
                 HERE / "entry.asm")
            _run("gcc", "-std=gnu17", "-O2", "-Wall", "-Wextra", "-Werror", "-ffreestanding",
                 "-fpie", "-mgeneral-regs-only", "-mno-red-zone", "-fno-stack-protector",
                 "-fcf-protection=none", "-fno-jump-tables", "-fno-asynchronous-unwind-tables",
                 "-fno-tree-loop-distribute-patterns", "-fvisibility=hidden",
                 "-c", "-o", out / "probe.o", HERE / "probe.c")
            _run("ld", "-m", "elf_x86_64", "-pie", "--no-dynamic-linker", "-nostdlib",
                 "-T", HERE / "probe.ld", "-o", out / "payload.elf", out / "entry.o",
                 out / "probe.o")
            _run("objcopy", "-O", "binary", "-j", ".text", out / "payload.elf", done)
    return (out / "setup.bin").read_bytes(), done.read_bytes()


def _run(*command):
    subprocess.run([str(word) for word in command], check=True)


def sums(data, start=(0, 0)):
    """The probe's checksum of bytes: Fletcher's sums over 64-bit words."""
    a, b = start
    mask = (1 << 64) - 1
    padded = data + bytes(-len(data) % 8)
    for (word,) in struct.iter_unpack("<Q", padded):
        a = (a + word) & mask
        b = (b + a) & mask
    return a, b


def sums_of_zeros(count, start):
    """sums() of `count` zero bytes, a multiple of 8, after `start`."""
    a, b = start
    return a, (b + a * (count // 8)) & ((1 << 64) - 1)


def page_align(size):
    return -(-size // PAGE) * PAGE


@dataclass
class Probe:
    """A probe kernel to build: its header, and what the probe shall do.

    payload_size pads the payload; init_size is at least what the probe needs
    unless the header sets it.
    """

    header: SetupHeader = field(default_factory=SetupHeader)
    payload_size: int = 0
    brief: bool = False
    chain_64: bool = False
    reset: str = None

    def build(self, out):
        """The bzImage, with the compiled code cached in the directory `out`."""
        setup, code = build_code(out)
        payload = self._payload(code)
        if self.header.init_size is None:
            self.header.init_size = len(payload) + SCRATCH_SIZE
        return compose(self.header, setup, payload)

    def build_elf(self, elf, out):
        """The same as an ELF file with a PVH entry, of an ElfFile; and its size in memory."""
        payload = self._payload(build_code(out)[1])
        size = len(payload) + SCRATCH_SIZE
        return elf.compose(payload, PVH_OFFSET, size), size

    def _payload(self, code):
        payload = bytearray(code)
        payload.extend(bytes(max(0, page_align(self.payload_size) - len(payload))))
        payload.extend(bytes(-len(payload) % PAGE))
        for offset in range(page_align(len(code)), len(payload), PAGE):
            struct.pack_into("<Q", payload, offset, offset ^ CONFIG_MAGIC)
        flags = FLAG_CHAIN_64 * self.chain_64 | FLAG_BRIEF * self.brief | RESETS[self.reset] << 8
        # All words but the first of each padding page are zero.
        a, b = sums(payload[:CONFIG_OFFSET])
        a, b = sums(payload[CONFIG_END:page_align(len(code))], (a, b))
        for offset in range(page_align(len(code)), len(payload), PAGE):
            a, b = sums(payload[offset:offset + 8], (a, b))
            a, b = sums_of_zeros(PAGE - 8, (a, b))
        struct.pack_into("<QQQQQQQI", payload, CONFIG_OFFSET, CONFIG_MAGIC, len(payload),
                         len(payload), a, b, 0, 0, flags)
        return bytes(payload)


@dataclass
class SetupData:
    addr: int
    type: int
    length: int
    next: int
    sums: tuple                 # of all of the content
    content: bytes              # the first 128 bytes


@dataclass
class AcpiTable:
    parent: str                 # rsdp, rsdt, xsdt or fadt
    signature: str
    addr: int
    length: int
    checksum: int               # 0 when right, and for the FACS
    content: bytes              # of tables up to 512 bytes


@dataclass
class Rsdp:
    addr: int
    content: bytes

    @property
    def checksum_ok(self):
        return sum(self.content[:20]) % 256 == 0 and (
            self.content[15] < 2 or sum(self.content[:36]) % 256 == 0)


@dataclass
class Smbios:
    addr: int
    anchor: bytes               # 32 bytes from the anchor's start
    table_addr: int
    table_length: int
    table: bytes

    @property
    def version(self):
        return 3 if self.anchor.startswith(b"_SM3_") else 2

    @property
    def checksum_ok(self):
        if self.version == 3:
            return sum(self.anchor[:self.anchor[6]]) % 256 == 0
        return (sum(self.anchor[:self.anchor[5]]) % 256 == 0
                and self.anchor[16:21] == b"_DMI_" and sum(self.anchor[16:31]) % 256 == 0)

    def structures(self):
        """(type, formatted area, strings) of each structure up to type 127."""
        offset, found = 0, []
        while offset + 4 <= len(self.table):
            kind, length = self.table[offset], self.table[offset + 1]
            end = self.table.index(b"\0\0", offset + length)
            strings = self.table[offset + length:end].split(b"\0")
            found.append((kind, self.table[offset:offset + length],
                          [s.decode("latin1") for s in strings if s]))
            offset = end + 2
            if kind == 127:
                break
        return found


@dataclass
class Boot:
    """What one run of the probe reported."""

    entries: list = field(default_factory=list)     # in order, e.g. [16, 32]; PVH is a word
    complete: bool = False                          # the probe came to its end
    fault: tuple = None                             # vector, error, rip - load, cr2
    real_mode: tuple = None                         # cs, ds, es, ss, sp
    mode: int = None
    load: int = None
    gpr: dict = field(default_factory=dict)
    rflags: int = None
    cr0: int = None
    cr3: int = None
    cr4: int = None
    efer: int = None
    segments: dict = field(default_factory=dict)
    gdtr: tuple = None                              # base, limit
    gdt: bytes = b""
    idt_limit: int = None
    cpuid: dict = field(default_factory=dict)       # leaf: (eax, ebx, ecx, edx)
    pages: list = field(default_factory=list)       # Range(virtual), kind = (phys, "wx")
    page_tables: list = field(default_factory=list)
    boot_params_addr: int = None
    boot_params: bytes = b""
    cmdline_addr: int = None
    cmdline: bytes = None
    setup_data: list = field(default_factory=list)
    start_info_addr: int = None
    start_info: bytes = b""
    memmap: bytes = b""
    modlist: bytes = b""
    rest_clear: bool = None                         # memory behind the file's part of a segment
    payload_intact: bool = None
    initrd: tuple = None                            # addr, size, sums a, b
    rsdp_told: Rsdp = None
    rsdp_found: list = field(default_factory=list)
    acpi: list = field(default_factory=list)
    pm1_control: int = None
    smbios: list = field(default_factory=list)
    pci: dict = field(default_factory=dict)         # (device, function): 256 bytes
    msr: dict = field(default_factory=dict)
    bios_data: bytes = b""                          # 0x400-0x4ff
    reset_stub: bytes = b""                         # 0xffff0-0xfffff
    elcr: tuple = None
    pic_masks: tuple = None                         # interrupts 0-7, 8-15; 1: masked
    lapic: tuple = None                             # SVR, LVT0, LVT1

    @property
    def hdr(self):
        return SetupHeader.unpack(self.boot_params)

    @property
    def e820(self):
        """Ranges of start_info, or of boot_params and a SETUP_E820_EXT node, in their order."""
        if self.start_info:
            return [Range(addr, addr + size, kind)
                    for addr, size, kind, _ in struct.iter_unpack("<QQII", self.memmap)]
        count = self.boot_params[0x1E8]
        raw = self.boot_params[0x2D0:0x2D0 + 20 * min(count, 128)]
        for node in self.setup_data:
            if node.type == SETUP_E820_EXT:
                raw += node.content[:node.length]
        return [Range(addr, addr + size, kind)
                for addr, size, kind in struct.iter_unpack("<QQI", raw)]

    def u(self, offset, size):
        """A little-endian number out of boot_params."""
        return int.from_bytes(self.boot_params[offset:offset + size], "little")

    def descriptor(self, segment):
        """The 8-byte GDT entry that a segment register selects."""
        index = self.segments[segment] & ~7
        return int.from_bytes(self.gdt[index:index + 8], "little")

    def mapped(self, start, end, rights="wx"):
        """Whether [start, end) is identity-mapped with all of `rights`."""
        for page in sorted(self.pages, key=lambda page: page.start):
            phys, has = page.kind
            if page.start <= start < page.end and phys == page.start and set(rights) <= set(has):
                start = page.end
        return start >= end

    def table(self, signature):
        """The ACPI table with a signature, out of the XSDT, else the RSDT."""
        for parent in ("xsdt", "rsdt", "fadt"):
            for table in self.acpi:
                if table.parent == parent and table.signature == signature:
                    return table
        return None


def _numbers(text):
    return tuple(int(word, 16) for word in text.split(",") if word)


def _take(boot, name, value):
    """Puts one reported line into a Boot."""
    if name in ("mode", "load", "rflags", "cr0", "cr3", "cr4", "efer", "idt_limit",
                "boot_params_addr", "start_info_addr", "cmdline_addr", "pm1_control"):
        setattr(boot, name, int(value, 16))
    elif name in ("real_mode", "fault", "gdtr", "initrd", "elcr", "pic_masks", "lapic"):
        setattr(boot, name, _numbers(value))
    elif name in ("gdt", "boot_params", "start_info", "memmap", "modlist", "cmdline", "bios_data",
                  "reset_stub"):
        setattr(boot, name, bytes.fromhex(value))
    elif name == "gpr":
        boot.gpr = dict(zip(GPR_NAMES, _numbers(value)))
    elif name == "segments":
        boot.segments = dict(zip(SEGMENT_NAMES, _numbers(value)))
    elif name == "cpuid":
        leaf, *registers = _numbers(value)
        boot.cpuid[leaf] = tuple(registers)
    elif name == "page":
        virt, size, phys, rights = value.split(",")
        virt = int(virt, 16)
        boot.pages.append(Range(virt, virt + int(size, 16),
                                (int(phys, 16), rights.replace("-", ""))))
    elif name == "page_table":
        boot.page_tables.append(int(value, 16))
    elif name == "setup_data":
        numbers, _, content = value.rpartition(",")
        addr, kind, length, following, a, b = _numbers(numbers)
        boot.setup_data.append(SetupData(addr, kind, length, following, (a, b),
                                         bytes.fromhex(content)))
    elif name in ("payload_intact", "rest_clear"):
        setattr(boot, name, value == "1")
    elif name in ("rsdp_told", "rsdp_found"):
        addr, content = value.split(",")
        rsdp = Rsdp(int(addr, 16), bytes.fromhex(content))
        if name == "rsdp_told":
            boot.rsdp_told = rsdp
        else:
            boot.rsdp_found.append(rsdp)
    elif name == "acpi":
        parent, signature, addr, length, checksum, content = value.split(",")
        boot.acpi.append(AcpiTable(parent, bytes.fromhex(signature).decode("latin1"),
                                   int(addr, 16), int(length, 16), int(checksum, 16),
                                   bytes.fromhex(content)))
    elif name == "smbios":
        addr, anchor, table_addr, length, table = value.split(",")
        boot.smbios.append(Smbios(int(addr, 16), bytes.fromhex(anchor), int(table_addr, 16),
                                  int(length, 16), bytes.fromhex(table)))
    elif name == "pci":
        device, function, content = value.split(",")
        boot.pci[int(device, 16), int(function, 16)] = bytes.fromhex(content)
    elif name == "msr":
        index, content = _numbers(value)
        boot.msr[index] = content
    else:
        raise ValueError(f"unknown line from the probe: {name}={value[:80]}")


def parse(text):
    """The Boot objects in a debugcon log.

    Lines that the firmware wrote before the probe was entered are skipped.  A
    cut last line counts as not written.
    """
    boots, boot = [], None
    for line in text.split("\n")[:-1]:
        if "PROBE-ENTRY " in line:
            if boot is None:
                boot = Boot()
                boots.append(boot)
            entry = line.split()[-1]
            boot.entries.append(int(entry) if entry.isdigit() else entry)
        elif boot is None:
            continue
        elif line == "PROBE-END":
            boot.complete = True
            boot = None
        elif line.startswith("PROBE-FAULT"):
            boot = None
        else:
            name, _, value = line.partition("=")
            _take(boot, name, value)
    return boots
