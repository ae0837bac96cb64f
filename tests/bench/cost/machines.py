# SPDX-License-Identifier: BSD-2-Clause
"""The architectures: machines, kernels, phases of a boot, and the firmwares to compare."""

import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

BENCH = Path(__file__).resolve().parents[1]
ROOT = BENCH.parents[1]
sys.path.insert(0, str(ROOT / "tests/qemu"))

from host import SYSTEM_FIRMWARE, pack, tool  # noqa: E402
from probe.bzimage import SetupHeader, compose  # noqa: E402

KIB, MIB = 1 << 10, 1 << 20
OURS = "slipway"
MEMORY = 1024 * MIB
SETUP_SIZE = 5 * 512
PROBE_SIZE = 8 * KIB


@dataclass(frozen=True)
class Variant:
    """What is booted: bytes of kernel and initrd, and QEMU's options."""

    kernel: int = PROBE_SIZE
    initrd: int = 0
    options: tuple = ()
    stores: bool = True                     # as in Firmware


def root_ports(count):
    """QEMU options for a q35 with so many PCI Express root ports, eight in a slot."""
    return tuple(word for i in range(count) for word in (
        "-device", f"pcie-root-port,id=port{i},chassis={i},addr={4 + i // 8}.{i % 8},"
                   "multifunction=on"))


LARGE_KERNEL = 14 * MIB
SIZED = {
    "plain": Variant(),
    "kernel": Variant(kernel=LARGE_KERNEL),
    "small initrd": Variant(initrd=4 * KIB),
    "initrd": Variant(initrd=16 * MIB),
    # Without a file behind the RAM: half a gigabyte need not reach a disk.
    "large initrd": Variant(initrd=512 * MIB, stores=False),
}
# What must cost the same, however large: (with less, with more).
SIZES = (("plain", "kernel"), ("small initrd", "initrd"), ("initrd", "large initrd"))
# In equal steps from plain.
PORTED = {f"{count} root ports": Variant(options=root_ports(count)) for count in (16, 32)}
# Kernels that have to be unpacked, as pack-kernel names them. They are files of fw_cfg, since QEMU
# unpacks what -kernel names as far as it can.
PACKED = {kind: Variant(kernel=LARGE_KERNEL, stores=False)
          for kind in ("gzip", "zboot-gzip", "zboot-zstd")}
PACKED_KERNEL = "arm64-6.1"                 # what fills them: its Image from here on
PACKED_FROM = 2 * MIB
PEER_PACKAGES = ("qemu-system-data", "seabios", "ovmf", "u-boot-qemu", "qemu-efi-aarch64")
VARIANTS = {**SIZED, **PORTED, **PACKED}


@dataclass(frozen=True)
class Firmware:
    """How a firmware is run, and what of its runs is counted."""

    name: str
    image: Path | None                      # None: QEMU starts the kernel by itself
    variants: tuple = tuple(SIZED)
    stores: bool = True                     # what is stored is printed, for the bytes of DMA
    wait: int = 0                           # instructions that it waits for a key
    limit: int = 0                          # it is stopped after so many

    @property
    def options(self):
        return ["-bios", str(self.image)] if self.image else []


def find_file(name, dirs):
    """The first file of that name; None where the peer is not installed."""
    return next((folder / name for folder in dirs if (folder / name).exists()), None)


def installed(*firmwares):
    """Those of (name, image, settings) that are there; the others are named on stderr."""
    found = []
    for name, image, settings in firmwares:
        if image is None or not image.exists():
            print(f"bench: {name} is not installed", file=sys.stderr)
        else:
            found.append(Firmware(name, image, **settings))
    return found


class X86:
    """bzImage on QEMU's PCs."""

    name = "x86_64"
    machines = ("microvm", "pc", "q35")
    qemu = "qemu-system-x86_64"
    ram_start = 0
    dma_register = 0x514
    exit_done = 33
    mark = "bd736c6b65"                     # mov ebp, MARK in tick.asm
    zva = 0
    timeout = 120
    # Phase: the function that it begins with.
    phases = {
        "start": "arch_start",
        "fw_cfg": "step_fw_cfg",
        "memory": "step_memory",
        "chipset": "step_chipset",
        "payload": "step_payload",
        "pci": "step_pci",
        "tables": "step_tables",
        "loader": "step_loader",
        "hand-off": "arch_handoff",
    }

    @staticmethod
    def offset(symbols):
        """What lies between the addresses of the ELF file and those it runs at."""
        return 0xfffffff0 - symbols["reset_vector"]

    @staticmethod
    def variants(machine):
        """What ours boots on a machine."""
        return (*SIZED, *(PORTED if machine == "q35" else ()))

    @staticmethod
    def peers(machine, dirs):
        # QEMU's own direct boot is SeaBIOS with an option ROM of QEMU's. Where it lies on
        # microvm, Debian's /usr/share/qemu has a link to qboot.
        seabios = "bios-microvm.bin" if machine == "microvm" else "bios-256k.bin"
        dirs = [*dirs, SYSTEM_FIRMWARE / "seabios", SYSTEM_FIRMWARE / "qemu"]
        known = [("qboot", find_file("qboot.rom", dirs), {}),
                 ("SeaBIOS", find_file(seabios, dirs), {"variants": ("plain", "kernel")})]
        if machine == "q35":
            known.append(("OVMF", find_file("OVMF.fd", dirs),
                          {"variants": ("plain",), "stores": False, "limit": 500_000_000}))
        return installed(*known)

    @staticmethod
    def build_code(folder):
        flat = folder / "tick.bin"
        subprocess.run(["nasm", "-f", "bin", "-o", flat, BENCH / "tick.asm"], check=True)
        return flat.read_bytes()

    @staticmethod
    def kernel(code, size):
        payload = code[SETUP_SIZE:].ljust(size - SETUP_SIZE, b"\0")
        return compose(SetupHeader(), code[:SETUP_SIZE], payload)

    @staticmethod
    def options(output):
        # debugcon at 0xe9, so that no firmware finds a place for messages at 0x402.
        return ["-display", "none", "-serial", "none",
                "-chardev", f"file,id=debugcon,path={output}",
                "-device", "isa-debugcon,iobase=0xe9,chardev=debugcon",
                "-device", "isa-debug-exit,iobase=0xf4,iosize=4"]

    @staticmethod
    def agrees(counted, ticks):
        """Whether the guest's own counter says the same."""
        return counted == ticks


class AArch64:
    """arm64 Image on QEMU's virt."""

    name = "aarch64"
    machines = ("virt", "virt,virtualization=on", "virt,acpi=off")
    qemu = "qemu-system-aarch64"
    ram_start = 0x40000000
    dma_register = 0x09020010
    exit_done = 0
    mark = "816dedf2"                       # the movk in tick.S
    zva = 64                                # bytes that DC ZVA writes on a Cortex-A57
    timeout = 300
    phases = {
        "mmu": "mmu_build",
        "start": "arch_start",
        "tree": "step_tree",
        "memory": "step_memory",
        "fw_cfg": "step_fw_cfg",
        "payload": "step_payload",
        "tables": "step_tables",
        "smbios": "step_smbios",
        "loader": "step_loader",
        "unpack": "step_unpack",
        "placement": "step_placement",
        "efi": "step_efi",
        "fdt": "step_fdt",
        "hand-off": "step_handoff",
    }

    @staticmethod
    def offset(symbols):
        return -symbols["image_start"]

    @staticmethod
    def variants(machine):
        return (*SIZED, *(PACKED if machine == "virt" else ()))

    @staticmethod
    def peers(machine, _dirs):
        slow = {"variants": ("plain",), "stores": False}
        if machine != "virt":
            return []
        return [Firmware("QEMU direct", None, variants=("plain",))] + installed(
            ("U-Boot", Path("/usr/lib/u-boot/qemu_arm64/u-boot.bin"),
             {**slow, "wait": 2_000_000_000}),
            ("AAVMF", SYSTEM_FIRMWARE / "qemu-efi-aarch64/QEMU_EFI.fd", slow))

    @staticmethod
    def build_code(folder):
        made, flat = folder / "tick.o", folder / "tick.bin"
        subprocess.run(["aarch64-linux-gnu-gcc", "-c", "-o", made, BENCH / "tick.S"], check=True)
        subprocess.run(["aarch64-linux-gnu-objcopy", "-O", "binary", made, flat], check=True)
        return flat.read_bytes()

    @staticmethod
    def kernel(code, size):
        # All of it is in the section, or an initrd could follow; SizeOfRawData.
        raw = code.index(b".text\0\0\0") + 16
        code = code[:raw] + struct.pack("<I", size - 0x1000) + code[raw + 4:]
        return code.ljust(size, b"\0")

    @staticmethod
    def options(output):
        return ["-cpu", "cortex-a57", "-display", "none", "-serial", f"file:{output}"]

    @staticmethod
    def agrees(counted, ticks):
        """The counter runs at 62.5 MHz: a tick in 16 instructions."""
        return counted // 16 == ticks


PORTS = {port.name: port for port in (X86, AArch64)}


def peer_versions():
    """The versions of the packages that the peers are from; qboot's is QEMU's."""
    said = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${Version}\n", *PEER_PACKAGES],
                          check=True, capture_output=True, text=True).stdout
    return ", ".join(said.splitlines())


def packed_source():
    """Debian's kernel package that fills the packed kernels, and its Image."""
    image = Path(tool("fetch-kernel", PACKED_KERNEL))
    return image.parents[1].name, image


def build_kernels(port, names, folder):
    """Writes VARIANT.kernel and VARIANT.initrd for each variant named."""
    code = port.build_code(folder)
    for name in names:
        variant = VARIANTS[name]
        if name in PACKED:
            build_packed(port.kernel(code, PROBE_SIZE), name, variant.kernel, folder)
        else:
            (folder / f"{name}.kernel").write_bytes(port.kernel(code, variant.kernel))
        if variant.initrd:
            with open(folder / f"{name}.initrd", "wb") as file:
                file.truncate(variant.initrd)


def build_packed(probe, kind, size, folder):
    """The probe, and behind it a real kernel's bytes, up to a size."""
    with open(packed_source()[1], "rb") as file:
        file.seek(PACKED_FROM)
        image = bytearray(probe + file.read(size - len(probe)))
    struct.pack_into("<Q", image, 16, size)                     # image_size
    plain = folder / f"{kind}.Image"
    plain.write_bytes(image)
    pack(kind, plain, folder / f"{kind}.kernel")
