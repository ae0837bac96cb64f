# SPDX-License-Identifier: BSD-2-Clause
"""What this machine has for tests: firmware images, QEMUs, kernels.

What is missing is fetched once, under a lock, by the scripts in tests/tools.
"""

import fcntl
import hashlib
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "tests/tools"
BUNDLE = ROOT / "tools/slipway-bundle"
SYSTEM_FIRMWARE = Path("/usr/share")


def tool(name, *arguments):
    """The last line that a script in tests/tools prints."""
    done = subprocess.run([TOOLS / name, *arguments], check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout.split("\n")[-2] if done.stdout else ""


class Lazy(dict):
    """A dict that makes its values when they are first asked for."""

    def __init__(self, make):
        super().__init__()
        self.make = make

    def __missing__(self, key):
        self[key] = self.make(key)
        return self[key]


def find_qemu(arch, version):
    """The command of a QEMU version: 7.2 is the system's on Debian 12."""
    qemu = tool("fetch-qemu", arch) if version == "10.0" else f"qemu-system-{arch}"
    said = subprocess.run([qemu, "--version"], check=True, capture_output=True, text=True).stdout
    assert said.startswith(f"QEMU emulator version {version}."), f"{qemu} is {said.splitlines()[0]}"
    return qemu


def pack(kind, image, out):
    """Packs an arm64 kernel in a way that tests/tools/pack-kernel names; returns `out`."""
    tool("pack-kernel", kind, image, out)
    return out


def stub(arch):
    """systemd's EFI stub of an architecture, as Debian has it."""
    return Path(tool("fetch-stub", arch))


def make_bundle(kind, arch, kernel, out, initrd=None, cmdline=None):
    """Makes one file of the files given with tools/slipway-bundle; returns `out`.

    Kinds are uki, uki-stub, which has systemd's stub, and appended.
    """
    options = ["--kernel", kernel, "--out", out]
    for option, path in (("--initrd", initrd), ("--cmdline-file", cmdline)):
        options += [option, path] if path else []
    if kind == "uki-stub":
        options += ["--stub", stub(arch)]
    if kind == "appended":
        options += ["--format", "appended"]
    subprocess.run([BUNDLE, "create", *options], check=True)
    return out


@dataclass
class Host:
    """What this machine has for the tests of one architecture."""

    fw: Path                    # the firmware under test
    out: Path                   # where runs leave their logs
    qemus: dict                 # version: command
    kernels: dict               # name: vmlinuz
    initrds: dict = field(default_factory=dict)     # of Linux guests, by name

    @classmethod
    def of(cls, arch, fw, out):
        fw = Path(fw).resolve()
        assert fw.exists(), f"{fw} does not exist: run make ARCH={arch} first"
        out.mkdir(parents=True, exist_ok=True)
        return cls(fw, out, Lazy(lambda version: find_qemu(arch, version)),
                   Lazy(lambda name: Path(tool("fetch-kernel", name))))

    def probe_code(self):
        return self.out / "probe"

    def seabios(self, machine, qemu):
        """SeaBIOS for a machine type, as it comes with QEMU; for microvm QEMU's own is qboot."""
        fetched = Path(self.qemus[qemu]).parent / "root/usr/share"
        return (fetched if fetched.is_dir() else SYSTEM_FIRMWARE) / "seabios" / (
            "bios-microvm.bin" if machine == "microvm" else "bios-256k.bin")

    def _converted(self, name, suffix, convert):
        """What convert(image, out) makes of a kernel, which is done once."""
        image = self.kernels[name]
        out = self.out / f"{image.parents[1].name}.{suffix}"
        with open(self.out / "pack.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not out.exists() or out.stat().st_mtime < image.stat().st_mtime:
                convert(image, out.with_suffix(".new"))
                out.with_suffix(".new").rename(out)
        return out

    def packed(self, name, kind):
        """A kernel packed by pack()."""
        return self._converted(name, kind, lambda image, out: pack(kind, image, out))

    def unpacked(self, name):
        """The vmlinux, an ELF file, of a bzImage."""
        return self._converted(name, "vmlinux",
                               lambda image, out: tool("unpack-kernel", image, out))

    def ovmf(self, part):
        return SYSTEM_FIRMWARE / f"OVMF/OVMF_{part}_4M.fd"

    def aavmf(self):
        return SYSTEM_FIRMWARE / "qemu-efi-aarch64/QEMU_EFI.fd"

    def make_guest(self, name, *options):
        """Makes an initrd of Linux guests if there is none like it that is up to date.

        Returns its path, and that of the file that the guest finds in /payload.
        """
        key = hashlib.sha256(repr(options).encode()).hexdigest()[:8]
        payload, initrd = self.out / "payload", self.out / f"{name}-{key}.cpio"
        # One lock for all guests, whose payload is the same file.
        with open(self.out / "guest.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not payload.exists():
                payload.write_bytes(bytes(i * i >> 3 & 0xFF for i in range(1 << 20)))
            newest = max((ROOT / "tests" / path).stat().st_mtime
                         for path in ("qemu/guest/init", "tools/make-initrd"))
            if not initrd.exists() or initrd.stat().st_mtime < newest:
                tool("make-initrd", *options, initrd, payload)
        return initrd, payload
