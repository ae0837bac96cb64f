# SPDX-License-Identifier: BSD-2-Clause
"""Runs in which something is too small, cut, empty or not there, a row each for test_faults.py.

MEMORY   the probe where memory is small; all rules hold
NO_ROOM  where it is smaller: one FATAL line for lack of memory
FEW      what is strange, but enough for a boot
CUT      kernels and bundles that end too early, in each field of a header
HOSTILE  what fw_cfg lacks, or has of a size that cannot be; refused
NO_SERIAL refused where nobody reads why
LINUX_*  Debian kernels where memory is just too small for them, and just enough
"""

from dataclasses import replace

import fault_runs
import tableloader
from fault_runs import QUIET, UKI_EDGES, many_files
from machines import GIB, MIB
from .image import LAYOUT, NO_EFI_STUB
from .runs import CUT as CUT_PACKED, NO_DMA, SMALL, both, cut, linux, probe, refused

NO_ACPI = "virt,acpi=off"
NO_KERNEL = fault_runs.NO_KERNEL

# -- memory -----------------------------------------------------------------------------

# KiB of the least machine that boots a probe, by door and machine: 2 MiB, or 4 where the kernel
# and its tree share none, and what goes behind them; as a kernel we are in RAM.
LEAST = {("bios", "virt"): 2080, ("bios", NO_ACPI): 4112, ("kernel", "virt"): 5120}
SOURCES = {"bios": "legacy", "kernel": "opt"}


def small(door, machine, kib, **more):
    return probe(f"memory-{door}-{machine.replace(',', '-')}-{kib}K", machine, door=door,
                 source=SOURCES[door], memory=f"{kib}K", **more)


def no_room(row, status, reason):
    return replace(row, fatal=("[a-z]+", status, reason), fw_cfg=QUIET)


MEMORY = [
    small(door, machine, kib)
    for (door, machine), least in LEAST.items()
    for kib in (least, least + 8, least + 64, 6144, 8192, 9992, 16384, 32768)
] + both(
    *(small("bios", machine, 8192, initrd=SMALL) for machine in ("virt", NO_ACPI)),
    # The last RAM is 8 KiB behind a multiple of 1 GiB.
    probe("memory-4G-and-8K", memory=f"{4 * MIB + 8}K", initrd=SMALL),
)

NO_ROOM = [
    *(no_room(small(door, machine, kib), "no-memory", "no memory for")
      for door, machine, sizes in (
          ("bios", "virt", (2048, 2056, 2072)), ("bios", NO_ACPI, (2048, 2176, 3072, 4096, 4104)))
      for kib in sizes),
    # The tree that QEMU puts behind us has room for what comes to it until it ends.
    *(no_room(small("kernel", "virt", kib), "overlap", "device tree .* not free RAM")
      for kib in (4224, 4608, 5112)),
]

# -- files that end too early -------------------------------------------------------------

EDGES = sorted({edge for offset, form in LAYOUT.values()
                for edge in (offset, offset + 1, offset + {"I": 4, "Q": 8, "s": 4}[form[-1]] - 1)}
               - {0})
PACKED = {"pack": "zboot-gzip", "size": 1 * MIB}
# linux/drivers/firmware/efi/libstub/zboot-header.S
ZBOOT_EDGES = (2, 4, 7, 8, 11, 12, 15, 16, 23, 24, 28, 29, 31, 56, 59, 60, 63, 64, 0x200, 0x1000)


def cut_row(name, end, **more):
    return refused(f"{name}-cut-to-{end}", "loader|payload", f"{NO_KERNEL}|{CUT_PACKED}", "",
                   **{"kernel": {}, "source": "opt", "memory": "64M"} | more)


CUT = [
    *(cut_row("kernel", size, edit=cut(size)) for size in EDGES),
    *(cut_row("kernel-without-stub", size, edit=cut(size), kernel=NO_EFI_STUB)
      for size in (4, 8, 16, 24, 32, 56, 60, 63)),
    *(cut_row("kernel-no-dma", size, edit=cut(size), options=NO_DMA) for size in (1, 56, 63)),
    *(cut_row("zboot", size, edit_packed=cut(size), **PACKED) for size in ZBOOT_EDGES),
    *(cut_row("gzip", size, edit_packed=cut(size), pack="gzip", size=1 * MIB)
      for size in (2, 4, 8, 9, 10, 11, 18, -1, -4, -5, -8, -9)),
    *(cut_row("uki", size, bundle="uki", edit_bundle=cut(size), initrd=SMALL)
      for size in UKI_EDGES),
    *(cut_row(f"uki-{source}", -1, bundle="uki", edit_bundle=cut(-1), initrd=SMALL, source=source,
              **more)
      for source, more in (("etc", {}), ("legacy", {}), ("chosen", {"memory": "512M"}),
                           ("initrd", {"door": "kernel"}))),
]

# -- fw_cfg -----------------------------------------------------------------------------


def empty(name, file, status, reason):
    """A script's file has no bytes."""
    files = dict(tableloader.fw_cfg(tableloader.SOUND)) | {file: b""}
    return refused(f"empty-{name}", "acpi", status, reason, NO_ACPI, kernel={},
                   fw_cfg=tuple(files.items()))


HOSTILE = [
    refused("image-size-over-memory-no-dma", "loader", "no-memory", "kernel",
            kernel={"image_size": GIB}, options=NO_DMA),
    refused("too-many-files", "fwcfg", "too-large", "claims 3.. files", kernel={},
            options=many_files(300, "fw_cfg_mem")),
    empty("script", "etc/table-loader", "truncated", "script has 0 bytes"),
    empty("rsdp", tableloader.RSDP, "bad-format", "is empty"),
    empty("tables", tableloader.TABLES, "bad-format", "is empty"),
    refused("etc-kernel-empty", "[a-z]+", "truncated|not-found", "kernel", kernel=b"",
            source="etc"),
]

FEW = [
    probe("empty-initrd", source="opt", fw_cfg=(("opt/org.slipway/initrd", b""),)),
    probe("empty-log", fw_cfg=(("opt/org.slipway/log", b""),)),
    probe("log-of-1M", fw_cfg=(("opt/org.slipway/log", b"x" * MIB),), skip=("silent",)),
    probe("files-100", options=many_files(100, "fw_cfg_mem")),
]

# -- nobody reads -------------------------------------------------------------------------

NO_SERIAL = [refused(f"no-kernel-no-serial-{door}", "payload", "not-found", "", door=door,
                     serial=False) for door in ("bios", "kernel")]

# -- Linux --------------------------------------------------------------------------------


def small_linux(memory, **more):
    return linux(f"linux-memory-{memory}", memory=memory, smp=1, options=(), **more)


# QEMU, asked to start the kernel itself, sees that there is no place.
LINUX_TOO_SMALL = [
    small_linux("32M", fatal=("loader", "no-memory", "no memory for a kernel")),
    small_linux("40M", fatal=("loader", "no-memory", "no memory for an initrd")),
]
LINUX_GIVES_UP = [small_linux("48M")]
LINUX_BOOTS = [small_linux("64M")]
