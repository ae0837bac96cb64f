# SPDX-License-Identifier: BSD-2-Clause
"""The memory of an AArch64 guest, as Cloud Hypervisor without fw_cfg leaves it.

arch/src/aarch64/layout.rs, mod.rs (initramfs_load_addr) and fdt.rs, vmm/src/vm.rs (load_kernel,
load_firmware) and acpi.rs (create_acpi_tables).
"""

import subprocess
from pathlib import Path

import acpi
from devicetree import string, u64
from machines import MIB
from .image import ImageHeader
from .probe.probe import COMPILER, page_align
from .trial import RAM_START

LAUNCHER = Path(__file__).parent / "launcher.S"
RSDP, TABLES = RAM_START + 2 * MIB, RAM_START + 2 * MIB + acpi.RSDP_SIZE
ACPI_SIZE = 2 * MIB
KERNEL = RAM_START + 4 * MIB
# Devices of QEMU's that are not there, by the start of the node's name.
ABSENT = ("fw-cfg", "flash", "platform-bus")


def place_of_image(image):
    """Where an arm64 Image is loaded (linux-loader, loader/pe)."""
    return KERNEL + ImageHeader.read(image).text_offset


def place_of_initrd(memory, size):
    return RAM_START + memory - page_align(size)


def edit_tree(tree, cmdline, initrd):
    """Makes of QEMU's device tree what Cloud Hypervisor's tells a guest: `initrd` is a Range or
    None, and /chosen has nothing but these."""
    tree.root.children = [node for node in tree.root.children if not node.name.startswith(ABSENT)]
    tree.chosen.properties = {"bootargs": string(cmdline)}
    if initrd:
        tree.chosen.properties |= {"linux,initrd-start": u64(initrd.start),
                                   "linux,initrd-end": u64(initrd.end)}


def launcher(kernel, out):
    """A flat image that starts what lies at `kernel`; made in the folder `out`."""
    linked, flat = out / "launcher.elf", out / "launcher.bin"
    subprocess.run([COMPILER + "gcc", "-nostdlib", "-static", f"-DKERNEL={kernel:#x}",
                    f"-DDEVICE_TREE={RAM_START:#x}", "-Wl,-Ttext=0", "-Wl,--build-id=none",
                    "-o", linked, LAUNCHER], check=True)
    subprocess.run([COMPILER + "objcopy", "-O", "binary", "-j", ".text", linked, flat], check=True)
    linked.unlink()
    return flat
