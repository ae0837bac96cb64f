# SPDX-License-Identifier: BSD-2-Clause
"""Runs in which something is too small, cut, empty or not there, a row each for test_faults.py.

MEMORY   the probe where memory is small, or ends just behind a hole; all rules hold
NO_ROOM  where it is smaller: one FATAL line for lack of memory
FEW      what is strange, but enough for a boot
CUT      kernels and bundles that end too early, in each field of a header
HOSTILE  what fw_cfg lacks, or has of a size that cannot be; refused
CONSOLES refused where there are fewer ways to say so
LINUX_*  Debian kernels where memory is just too small for them, and just enough
"""

from dataclasses import replace

import tableloader
from machines import GIB, KIB, MIB
from probe.bzimage import LAYOUT, header_end
from probe.elf import ENTRY_SIZE, HEADER_SIZE, PAYLOAD_OFFSET
from runs import (AT_1M, LOW_256M, NO_DMA, Run, both, cut, elf, linux, probe, pvh, refused,
                  script)
from vmm_runs import VmmRun, probe as vmm_probe
from vmm_trial import HIDE_FW_CFG, SELECTED

# -- memory -----------------------------------------------------------------------------

LOWEST = AT_1M | {"kernel_alignment": 4 * KIB, "min_alignment": 12}
QUIET = (("opt/org.slipway/log", b"error"),)    # warnings come before the line otherwise
# The KiB behind where the probe goes that it and the tables take, in multiples of 64.
LEAST = {"microvm": 384, "microvm,acpi=off": 384, "pc": 640, "q35": 640, "q35,acpi=off": 512}
# Where RAM ends below it, the firmware tries in vain to write to the BIOS area.
ZONE_2_TRIED = r"Invalid (read|write) at addr 0xE(0000|FE00), size 1, region '\(null\)', .*"
IN_1M = (512, 640, 704, 1000, 1024)             # KiB, where all of RAM is below 1 MiB
VMMS = (("ch", "cloud-hypervisor"), ("fc", "firecracker"))


def named(machine):
    return machine.replace(",", "-").replace("=", "-")


def small(machine, kib, header, **more):
    return probe(f"memory-{named(machine)}-{kib}K-at-{header.get('pref_address', 0) // MIB}M",
                 machine, header, memory=f"{kib}K", **more)


def no_room(row):
    return replace(row, fatal=("[a-z]+", "no-memory", "no memory for"), fw_cfg=QUIET,
                   faults=ZONE_2_TRIED)


AT_16M = {"pref_address": 16 * MIB}

MEMORY = [
    row for machine, least in LEAST.items() for row in (
        *(small(machine, kib, LOWEST) for kib in (
            1024 + least, 1088 + least, 2048, 2056, 3072, 4096, 8192)),
        *(small(machine, kib, AT_16M, initrd=5000) for kib in (
            16384 + least, 17408, 32768, 33800)))
] + [
    pvh(f"memory-pvh-{machine}-{kib}K", machine, header=LOWEST, source="opt", memory=f"{kib}K")
    for machine in ("microvm", "pc", "q35") for kib in (2048, 3072, 4096)
] + both(*(
    # Behind a hole there is the least that can be, 8 KiB; or all but that.
    probe(f"memory-{name}", machine, memory=f"{kib}K", initrd=5000, **more)
    for name, machine, kib, more in (
        ("microvm-3G-and-8K", "microvm", 3 * GIB // KIB + 8, {}),
        ("pc-256M-and-8K", "pc" + LOW_256M, 256 * KIB + 8, {}),
        ("q35-256M-and-8K", "q35" + LOW_256M, 256 * KIB + 8, {}),
        ("q35-2816M-less-8K", "q35", 2816 * KIB - 8, {}),
        ("pc-3584M-less-8K", "pc", 3584 * KIB - 8, {}),
        # The last that leaves 32 GiB for PCI before AMD's range below 1 TiB.
        ("q35-978G", "q35", 978 * MIB, {})))
)

NO_ROOM = [
    no_room(small(machine, kib, header)) for machine, least in LEAST.items()
    for kib, header in (*((kib, LOWEST) for kib in (*IN_1M, 1088, 1152, 832 + least, 960 + least)),
                        *((kib, AT_16M) for kib in (2048, 4096, 16384, 16320 + least)))
] + [
    # SeaBIOS needs some room itself, and with less writes over the image that waits at 1 MiB.
    no_room(pvh(f"memory-pvh-{machine}-{kib}K", machine, header=AT_16M, source="opt",
                memory=f"{kib}K"))
    for machine in ("microvm", "pc", "q35") for kib in (2048, 4096, 16384)
]

VMM_MEMORY = [
    replace(vmm_probe(f"vmm-{short}-memory-{kib}K", name, header=LOWEST), bundle="kernel", initrd=0,
            memory=f"{kib}K")
    for short, name in VMMS for kib in (1472, 2048, 3072, 4096)
]

VMM_NO_ROOM = [
    VmmRun(f"vmm-{short}-no-room-{kib}K", vmm=name, kernel=LOWEST, bundle="kernel",
           memory=f"{kib}K", fatal=("loader", "no-memory", "no memory for a kernel"))
    for short, name in VMMS for kib in (1152, 1408)
]

# -- files that end too early -------------------------------------------------------------

SETUP_END = 5 * 512
# Both edges of each field of the setup header, and one byte before the second.
EDGES = sorted({edge for offset, form in LAYOUT.values()
                for edge in (offset, offset + {"B": 1, "H": 2, "I": 4, "Q": 8, "s": 4}[form[-1]])}
               | {edge - 1 for edge in (512, 514, 1024, header_end(0x20F), SETUP_END)}
               | {2, 3, 0x40, 0x1F0, 512, 513, 1024, SETUP_END})
NO_KERNEL = "truncated|bad-format|unsupported|not-found|out-of-range"


def cut_row(name, size, **more):
    return refused(f"{name}-cut-to-{size}", NO_KERNEL, "", "loader|payload", memory="64M",
                   **{"kernel": {}, "source": "opt"} | more)


def cut_uki(size):
    return lambda content: content[:size]


# PE: the offset of the header, signature, COFF header, optional header, table of sections.
UKI_EDGES = (2, 0x3B, 0x3C, 0x3F, 0x40, 0x43, 0x44, 0x46, 0x53, 0x57, 0x58, 0x80, 0x100, 0x148,
             0x150, 0x158, 0x170, 0x198, 0x1FF, 0x200, 0x400, 0x1000)
ELF_EDGES = (3, 4, 5, 6, 15, 16, 18, 20, 24, 32, 40, 52, 54, 56, 58, HEADER_SIZE - 1, HEADER_SIZE,
             HEADER_SIZE + 4, HEADER_SIZE + ENTRY_SIZE - 1, HEADER_SIZE + ENTRY_SIZE,
             HEADER_SIZE + 2 * ENTRY_SIZE - 1, HEADER_SIZE + 2 * ENTRY_SIZE,
             HEADER_SIZE + 2 * ENTRY_SIZE + 11, HEADER_SIZE + 2 * ENTRY_SIZE + 16,
             HEADER_SIZE + 2 * ENTRY_SIZE + 23, PAYLOAD_OFFSET, PAYLOAD_OFFSET + 1)

CUT = [
    *(cut_row("kernel", size, **cut(size)) for size in EDGES),
    *(cut_row("kernel-no-dma", size, options=NO_DMA, **cut(size))
      for size in (1, 0x1F1, 0x202, 0x210, 1024, SETUP_END)),
    *(cut_row("elf", size, elf={}, **cut(size)) for size in ELF_EDGES),
    *(cut_row("uki", size, bundle="uki", edit_bundle=cut_uki(size), initrd=5000)
      for size in UKI_EDGES),
    *(cut_row(f"uki-{source}", -1, bundle="uki", edit_bundle=cut_uki(-1), initrd=5000,
              source=source, **more)
      for source, more in (("opt", {}), ("etc", {}), ("legacy", {}),
                           ("module", {"door": "pvh"}))),
]

# -- fw_cfg -----------------------------------------------------------------------------

ANCHOR, TABLES = "etc/smbios/smbios-anchor", "etc/smbios/smbios-tables"
ANCHOR_3 = b"_SM3_\0\x18\3\0\0\1\0" + bytes(12)
END_OF_TABLE = b"\x7f\4\0\0\0\0"
GONE = {"options": HIDE_FW_CFG, "faults": SELECTED}


def smbios(name, status, reason, anchor=ANCHOR_3, tables=END_OF_TABLE):
    """Only microvm has no SMBIOS table of its own."""
    return refused(f"smbios-{name}", status, reason, "smbios", "microvm", kernel={},
                   fw_cfg=((ANCHOR, anchor), (TABLES, tables)))


def empty(name, file, status="[a-z-]+", reason=""):
    """A script's file has no bytes."""
    files = dict(tableloader.fw_cfg(tableloader.SOUND)) | {file: b""}
    return replace(script(f"empty-{name}"), fw_cfg=tuple(files.items()),
                   fatal=("acpi", status, reason))


def many_files(count, device):
    return ("-global", f"{device}.x-file-slots=1024", *(
        word for number in range(count)
        for word in ("-fw_cfg", f"name=opt/org.example/{number},string=x")))


HOSTILE = [
    *(refused(f"fw-cfg-gone-{machine}", "not-found", "no kernel", "payload", machine, **GONE)
      for machine in ("microvm", "pc", "q35")),
    refused("fw-cfg-gone-and-rtc", "bad-format", "no memory map", "memory", "microvm,rtc=off",
            **GONE),
    *(refused(f"no-kernel-no-dma-{machine}", "not-found", "no kernel", "payload", machine,
              options=NO_DMA) for machine in ("microvm", "pc", "q35")),
    refused("init-size-over-memory-no-dma", "no-memory", "kernel", kernel={"init_size": GIB},
            options=NO_DMA),
    refused("too-many-files", "too-large", "claims 3.. files", "fwcfg", kernel={},
            options=many_files(300, "fw_cfg_io")),
    empty("script", "etc/table-loader", "truncated", "script has 0 bytes"),
    empty("rsdp", tableloader.RSDP, "bad-format", "is empty"),
    empty("tables", tableloader.TABLES, "bad-format", "is empty"),
    refused("etc-kernel-empty", "truncated", "0 bytes", kernel=b"", source="etc"),
    smbios("anchor-empty", "bad-format", "has 0 bytes", anchor=b""),
    smbios("anchor-of-23", "bad-format", "has 23 bytes", anchor=ANCHOR_3[:23]),
    smbios("anchor-of-33", "bad-format", "has 33 bytes", anchor=ANCHOR_3 + bytes(9)),
    smbios("anchor-without-signature", "bad-format", "no signature", anchor=bytes(24)),
    smbios("empty", "bad-format", "is empty", tables=b""),
    smbios("over-1M", "too-large", "bytes", tables=bytes(MIB + 1)),
    smbios("of-one-byte", "bad-format", "no end", tables=b"\1"),
    smbios("structure-of-3", "bad-format", "no end", tables=b"\1\3\0\0\0\0" + END_OF_TABLE),
    smbios("structure-past-end", "bad-format", "no end", tables=b"\1\xff\0\0\0\0"),
    smbios("strings-without-end", "bad-format", "no end", tables=b"\1\4\0\0" + b"x" * 5000),
    smbios("structure-of-64K", "too-large", "too large",
           tables=b"\1\4\0\0" + b"x" * 65536 + b"\0\0" + END_OF_TABLE),
]

FEW = [
    probe("empty-initrd", source="opt", fw_cfg=(("opt/org.slipway/initrd", b""),)),
    probe("empty-log", fw_cfg=(("opt/org.slipway/log", b""),)),
    probe("log-of-1M", fw_cfg=(("opt/org.slipway/log", b"x" * MIB),), skip=("silent",)),
    probe("files-100", options=many_files(100, "fw_cfg_io")),
    elf("empty-initrd-elf", source="opt", fw_cfg=(("opt/org.slipway/initrd", b""),)),
]

# -- the ways to say so -------------------------------------------------------------------

CONSOLES = [Run(f"console-{machine}-{serial}-{'debugcon' if debugcon else 'alone'}", machine,
                serial=serial, debugcon=debugcon, fatal=("payload", "not-found", "no kernel"))
            for machine in ("microvm", "pc", "q35")
            for serial in ("port", "none") for debugcon in (True, False)]

# -- Linux --------------------------------------------------------------------------------

# Placed, it is on its own; what it then lacks, it says itself.
NO_TIMER_TEST = b" no_timer_check"              # which a busy host fails


def small_linux(machine, kernel, qemu, memory, **more):
    name = f"linux-memory-{memory}-{kernel}-{machine}"
    return linux(name, machine, kernel, qemu, memory=memory, more=NO_TIMER_TEST, **more)


def too_small(*row):
    """init_size does not fit; SeaBIOS starts the kernel, which writes to no memory."""
    return small_linux(*row, fatal=("loader", "no-memory", "no memory for a kernel"))


LINUX_TOO_SMALL = [
    too_small("q35", "6.1-cloud", "7.2", "67M"),
    too_small("pc", "6.1-generic", "7.2", "79M"),
    too_small("microvm", "6.12-cloud", "10.0", "71M"),
]
LINUX_GIVES_UP = [small_linux("q35", "6.1-cloud", "7.2", "68M")]
LINUX_BOOTS = [
    small_linux("q35", "6.1-cloud", "7.2", "80M"),
    # Here SeaBIOS leaves out the initrd.
    small_linux("microvm", "6.12-cloud", "10.0", "72M"),
]
