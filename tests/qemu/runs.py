# SPDX-License-Identifier: BSD-2-Clause
"""Every QEMU run of the test suite, a row each.

PROBES   boot the probe kernel; all rules of handoff.py hold, and `expect`
RESETS   boot a probe that resets the machine, again and again
REFUSED  are bad input: one FATAL line of that stage, status and reason
NO_EXIT  are refused where no device lets the firmware end QEMU
LINUX    boot a Debian kernel whose init reports, and compare with SeaBIOS
UEFI     boots a file of LINUX by OVMF
REBOOTS  boot a Debian kernel whose init reboots, again and again
"""

from dataclasses import dataclass, replace

import devicetree
import hashtable
import tableloader
from faults import TRIPLE_FAULT
from machines import GIB, KIB, MIB
from probe.bzimage import XLF_CAN_BE_LOADED_ABOVE_4G, XLF_KERNEL_64
from probe.elf import CLASS_32, MACHINE_AARCH64
from probe.probe import sums

QEMUS = ("7.2", "10.0")


@dataclass(frozen=True)
class Run:
    """How one QEMU is started."""

    name: str
    machine: str = "q35"            # -M
    qemu: str = "7.2"
    memory: str = "512M"
    smp: object = 1                 # -smp
    cpu: str = ""
    door: str = "bios"              # how the firmware comes in: bios, pflash; pvh, behind
                                    # SeaBIOS, or qboot; or OVMF in its place: uefi
    source: str = "legacy"          # -kernel, -initrd, -append; opt: opt/org.slipway/*;
                                    # etc: etc/boot/*; mixed: the kernel by opt, the rest
                                    # by options, where -kernel is our own image; module: a
                                    # bundle as the -initrd of door pvh
    kernel: object = None           # setup header fields of a probe, a file's bytes,
                                    # or the name that tests/tools/fetch-kernel takes
    payload: int = 0                # bytes that the probe's payload is padded to
    elf: object = None              # the kernel is an ELF file with a PVH entry: fields of a
                                    # probe's (probe/elf.py), or {} for a Debian kernel's vmlinux
    edit: object = None             # changes the finished kernel file
    bundle: str = None              # the kernel's file has the initrd too: appended; uki or
                                    # uki-stub, where it has the command line as well
    edit_bundle: object = None      # changes that file
    append: bytes = b""             # the VMM's command line, where a bundle has one
    losers: tuple = ()              # sources with another kernel, which must not be taken
    resets_by: str = None           # the probe resets the machine in this way
    reboots: bool = False           # QEMU goes on after a reset
    debug_exit: bool = True         # there is an isa-debug-exit device
    debugcon: bool = True           # there is one that takes text
    initrd: object = 0              # bytes, or GUEST
    serial: str = "port"            # hvc0: a virtio console and no serial port; none
    cmdline: bytes = b"root=/dev/probe quiet"
    plain_cmdline: bytes = b""      # with which SeaBIOS boots the same, to compare
    dtb: bytes = b""                # -dtb
    dtb_kept: bool = True           # the kernel gets it
    fw_cfg: tuple = ()              # (name, content) of further fw_cfg files
    hashes: object = None           # a hash table in memory: what hashtable.py makes of the files
    options: tuple = ()             # further QEMU options
    disks: int = 0                  # raw files of 1 MiB: backends disk0, disk1, ... of options
    plug: tuple = ()                # arguments of device_add, when the guest waits for them
    tpm: str = ""                   # the model of a TPM that swtpm emulates
    tpm_banks: str = ""             # its active banks, sha256,sha384; else swtpm's choice
    kept_limit: int = 512 * KIB     # RAM that the firmware may keep from the kernel
    skip: tuple = ()                # rules that do not apply
    expect: tuple = ()              # further conditions, see test_probe.py
    allow: str = ""                 # regular expression of kernel messages that are no defect
    faults: str = ""                # regular expression of what QEMU logs and is no defect
    fatal: tuple = ()               # stage, status, regular expression of the reason


def probe(name, machine="q35", header=None, **more):
    return Run(name, machine, kernel=header or {}, **more)


def pvh(name, machine, **more):
    """Entered by PVH behind SeaBIOS or qboot, which treat MTRRs in their own way."""
    return probe(name, machine, **{"door": "pvh", "skip": ("memory_types",)} | more)


def elf(name, machine="q35", **more):
    """The probe is an ELF file."""
    return probe(name, machine, **{"elf": {}} | more)


def warned(name, warning, machine="q35", **more):
    """A flaw that costs the kernel something, but not the boot."""
    return Run(name, machine, kernel={}, skip=("silent",), expect=(("said", warning),),
               dtb_kept=False, **more)


def script(name, *entries, fatal=()):
    """A machine without ACPI of its own gets it from this loader script."""
    return Run(name, "microvm,acpi=off", kernel={}, fw_cfg=tableloader.fw_cfg(entries),
               skip=("rsdp",), expect=(("acpi", "XSDT"),), fatal=fatal)


def both(*rows):
    """Each row with every QEMU; the name says which."""
    return [replace(row, name=f"{row.name}-qemu{qemu}", qemu=qemu)
            for row in rows for qemu in QEMUS]


def replaced(old, new):
    """An edit that puts bytes in the place of others, where they stand first."""
    return lambda content: content.replace(old, new, 1)


NODES = ("-object", "memory-backend-ram,id=m0,size=256M", "-numa", "node,memdev=m0,cpus=0",
         "-object", "memory-backend-ram,id=m1,size=256M", "-numa", "node,memdev=m1,cpus=1")
NO_RAM = 0xC0000000
LOW_256M = ",max-ram-below-4g=256M"
ONLY_32 = {"xloadflags": 0}
BELOW_4G = {"xloadflags": XLF_KERNEL_64}
ANYWHERE = {"xloadflags": XLF_KERNEL_64 | XLF_CAN_BE_LOADED_ABOVE_4G}
AT_1M = {"pref_address": MIB, "kernel_alignment": MIB, "min_alignment": 20}
NO_DMA = ("-global", "fw_cfg_io.dma_enabled=off")
HUGE = {"cpu": "max,phys-bits=46"}
PAYLOAD_14M = 14 * MIB
ALL_BYTES = bytes(b for b in range(1, 256) if b != 0x0A)

PROBES = both(
    # Machines.
    probe("microvm", "microvm", initrd=100001),
    probe("microvm-pcie", "microvm,pcie=on", initrd=100001),
    probe("microvm-no-acpi", "microvm,acpi=off", initrd=100001),
    probe("microvm-no-rtc", "microvm,rtc=off", initrd=100001),
    probe("pc-no-acpi", "pc,acpi=off"),
    probe("q35-no-acpi", "q35,acpi=off"),
    probe("microvm-bare", "microvm,acpi=off,rtc=off,pic=off,pit=off,isa-serial=off"),
    probe("pc", "pc", initrd=100001),
    probe("q35", "q35", initrd=100001),
    # Other doors into the firmware, other ways for the kernel to come.
    probe("pflash-pc", "pc", door="pflash"),
    probe("pflash-q35", "q35", door="pflash"),
    probe("opt-microvm", "microvm", source="opt", initrd=100001),
    probe("opt-pc", "pc", source="opt", initrd=100001),
    probe("opt-q35", "q35", source="opt", initrd=100001),
    probe("mixed-q35", "q35", source="mixed", initrd=100001),
    pvh("mixed-pvh-q35", "q35", source="mixed", initrd=100001),
    pvh("mixed-pvh-microvm", "microvm", source="mixed", initrd=100001),
    pvh("pvh-microvm", "microvm", source="opt", initrd=100001),
    pvh("pvh-pc", "pc", source="opt", initrd=100001),
    pvh("pvh-q35", "q35", source="opt", initrd=100001),
    probe("etc-boot-q35", "q35", source="etc", initrd=100001),
    # Nothing tells then that this is QEMU, which has left room for tables of ours.
    probe("no-dma-microvm", "microvm", options=NO_DMA, initrd=100001, skip=("smbios",)),
    probe("no-dma-q35", "q35", options=NO_DMA, initrd=100001),
    # A kernel with its initrd and command line in one file.
    *(probe(f"uki-{source}-{machine}", machine, source=source, bundle="uki", initrd=100001)
      for source, machine in (("opt", "microvm"), ("etc", "pc"))),
    *(probe(f"appended-{source}-{machine}", machine, source=source, bundle="appended",
            initrd=100001) for source, machine in (("opt", "q35"), ("etc", "microvm"))),
    *(pvh(f"{bundle}-module-{machine}", machine, source="module", bundle=bundle, initrd=100001)
      for bundle, machine in (("uki", "microvm"), ("uki", "q35"), ("appended", "pc"))),
    pvh("uki-module-qboot", "microvm", door="qboot", source="module", bundle="uki",
        initrd=100001),
    # ELF kernels with a PVH entry.
    *(elf(f"elf-{machine}", machine, initrd=100001) for machine in ("microvm", "pc", "q35")),
    elf("elf-opt-microvm", "microvm", source="opt", initrd=100001),
    pvh("elf-pvh-opt-q35", "q35", source="opt", elf={}, initrd=100001),
    pvh("elf-module-uki-pc", "pc", source="module", elf={}, bundle="uki", initrd=100001),
    probe("uki-legacy-q35", "q35", bundle="uki", initrd=100001),
    probe("appended-legacy-microvm", "microvm", bundle="appended", initrd=100001),
    # What comes from several sources.
    probe("opt-wins", "pc", fw_cfg=(("opt/org.slipway/cmdline", b"from opt"),),
          skip=("command_line",), expect=(("cmdline", b"from opt"),)),
    pvh("module-loses-to-opt", "q35", source="opt", losers=("module",), initrd=5000),
    pvh("module-cmdline-by-vmm", "pc", source="module", bundle="uki", append=b"by the VMM",
        initrd=5000),
    pvh("module-cmdline-by-file", "microvm", source="module", bundle="uki",
        append=b"by the VMM", fw_cfg=(("opt/org.slipway/cmdline", b"by file"),),
        skip=("command_line", "memory_types"), expect=(("cmdline", b"by file"),)),
    probe("log-info", "q35", fw_cfg=(("opt/org.slipway/log", b"info\n"),), skip=("silent",),
          expect=(("said", "slipway: kernel at 0x"),)),
    # A hash table, by which all of it may be booted.
    *(probe(f"hashes-{machine}", machine, source="opt", initrd=100001, hashes=hashtable.agreed)
      for machine in ("microvm", "pc", "q35")),
    probe("hashes-etc", "q35", source="etc", initrd=5000, hashes=hashtable.reordered),
    probe("hashes-uki", "pc", source="opt", bundle="uki", initrd=5000, hashes=hashtable.agreed),
    elf("hashes-elf", "microvm", source="opt", initrd=5000, hashes=hashtable.agreed),
    # Nodes of setup_data.
    probe("seed-q35", "q35", cpu="max", expect=(("seed", True),)),
    probe("seed-pc-absent", "pc", cpu="qemu64", expect=(("seed", False),)),
) + [
    probe("hashes-no-initrd-no-cmdline", "q35", source="opt", cmdline=b"",
          hashes=hashtable.agreed),
    probe("hashes-4G", "q35", source="opt", initrd=MIB, memory="4G", hashes=hashtable.agreed),
    # QEMU has the file as it is besides.
    probe("hashes-by-options", "q35", qemu="10.0", initrd=5000, hashes=hashtable.agreed),
    # What an operating system has left there is no table.
    probe("hashes-of-noise", "pc", hashes=lambda *_: ALL_BYTES * 4),
    elf("elf-etc-no-acpi", "pc,acpi=off", source="etc"),
    elf("elf-uki-opt-6G", "q35", source="opt", bundle="uki", memory="6G", initrd=16 * MIB),
    elf("elf-at-1M-no-initrd", "microvm", elf={"address": MIB}),
    elf("elf-far", "q35", elf={"address": 400 * MIB}, source="opt", initrd=5000),
    elf("elf-14M", "q35", source="opt", payload=PAYLOAD_14M, initrd=5000),
    elf("elf-no-dma", "q35", source="opt", options=NO_DMA, initrd=5000),
    # The kernel of an earlier source, and an initrd of the VMM's.
    probe("opt-wins-all", "q35", source="opt", losers=("etc", "legacy"), initrd=5000),
    probe("etc-wins-legacy", "pc", source="etc", losers=("legacy",), initrd=5000),
    probe("uki-initrd-by-file", "q35", source="opt", bundle="uki", initrd=5000,
          fw_cfg=(("opt/org.slipway/initrd", b"by file"),), skip=("initrd",),
          expect=(("initrd", sums(b"by file")),)),
    probe("uki-of-kernel-alone", "q35", source="opt", bundle="uki", cmdline=b""),

    probe("dtb-q35", "q35", dtb=devicetree.tree(4000), cpu="max"),
    probe("dtb-microvm", "microvm", dtb=devicetree.tree(16), payload=PAYLOAD_14M),
    probe("dtb-pc-entry-32", "pc", ONLY_32, dtb=devicetree.tree(16)),
    probe("dtb-too-large-for-low-memory", "q35", dtb=devicetree.tree(400000), kept_limit=1 * MIB),
    warned("dtb-that-is-none", "not a device tree", dtb=bytes(1000)),
    # QEMU 10.0 gives a pointer past its device tree: too high by the setup part.
    warned("dtb-misplaced-by-vmm", "setup_data dropped", qemu="10.0",
           dtb=devicetree.tree(4000)),
] + [
    # Sizes of memory; 0xb0000000 and 0xe0000000 are where q35 and pc split it.
    probe(f"memory-{machine}-{memory}", machine, memory=memory, initrd=5000,
          **(HUGE if memory == "1T" else {}))
    for machine, sizes in (
        ("microvm", ("64M", "3G", "4G", "6G", "1T")),
        ("pc", ("64M", "100M", "3583M", "3584M", "4G", "6G", "64G", "1T")),
        ("q35", ("64M", "100M", "2G", "2815M", "2816M", "4G", "6G", "64G", "1T")))
    for memory in sizes
] + [
    # Numbers of CPUs.
    probe(f"smp-{cpus}-{machine}", machine, smp=cpus)
    for machine in ("microvm", "pc", "q35") for cpus in (2, 16)
] + [
    # Protocol versions.
    probe(f"protocol-2.{version & 0xff:02}", "pc", {"version": version}, initrd=5000)
    for version in range(0x206, 0x210)
] + [
    probe("entry-32-q35", "q35", ONLY_32, initrd=5000, expect=(("entry", 32),)),
    probe("entry-32-microvm", "microvm", ONLY_32, initrd=5000, expect=(("entry", 32),)),
    probe("entry-32-opt", "q35", ONLY_32, source="opt", initrd=5000, expect=(("entry", 32),)),

    # The setup part and its header.
    *(probe(f"setup-sects-{sects}", "q35", {"setup_sects": sects})
      for sects in (0, 2, 15, 31, 64, 255)),
    *(probe(f"setup-sects-{sects}-opt", "q35", {"setup_sects": sects}, source="opt")
      for sects in (0, 255)),
    probe("header-longer-than-known", "q35", {"jump": 0xEB | 0x7E << 8}, source="opt"),
    probe("header-past-its-place", "q35", {"jump": 0xEB | 0xFF << 8}, source="opt"),
    probe("header-shorter-than-version", "q35", {"jump": 0xEB | 0x66 << 8}, source="opt"),

    # Where the kernel goes: pref_address, else above it.
    probe("kernel-14M", "q35", payload=PAYLOAD_14M, expect=(("load", 16 * MIB),)),
    probe("kernel-14M-opt", "microvm", payload=PAYLOAD_14M, source="opt",
          expect=(("load", 16 * MIB),)),
    probe("kernel-at-1M", "q35", AT_1M, payload=PAYLOAD_14M, expect=(("load", MIB),)),
    pvh("kernel-at-1M-where-we-are", "q35", header=AT_1M, source="opt"),
    probe("kernel-at-2M", "q35", {"pref_address": 2 * MIB}, expect=(("load", 2 * MIB),)),
    probe("kernel-at-256M", "q35", {"pref_address": 256 * MIB}, expect=(("load", 256 * MIB),)),
    probe("kernel-preferred-but-not-aligned", "q35", {"pref_address": 0x1234000}),
    probe("kernel-needs-300M", "q35", {"init_size": 300 * MIB}, initrd=MIB,
          expect=(("load", 16 * MIB),)),
    probe("kernel-preferred-below-1M", "q35", {"pref_address": 0x10000}),
    probe("kernel-preferred-in-the-hole", "q35", {"pref_address": 0xA0000}, initrd=MIB),
    probe("kernel-preferred-in-the-hole-entry-32", "q35", {"pref_address": 0xA0000} | ONLY_32),
    probe("kernel-preferred-not-ram", "q35", {"pref_address": NO_RAM} | ANYWHERE, memory="4G",
          expect=(("kernel_above", 4 * GIB),)),
    probe("kernel-preferred-not-ram-with-dtb", "q35", {"pref_address": NO_RAM} | ANYWHERE,
          memory="4G", dtb=devicetree.tree(4000), expect=(("kernel_above", 4 * GIB),)),
    probe("kernel-preferred-is-the-rom", "q35", {"pref_address": 0xFFFF0000} | ANYWHERE,
          memory="4G", expect=(("kernel_above", 4 * GIB),)),
    probe("kernel-preferred-crosses-the-end", "q35",
          {"pref_address": 2046 * MIB, "init_size": 16 * MIB} | ANYWHERE, memory="4G",
          expect=(("kernel_above", 4 * GIB),)),
    probe("kernel-preferred-above-4G", "q35", {"pref_address": 4 * GIB} | ANYWHERE, memory="4G",
          expect=(("kernel_above", 4 * GIB),)),
    probe("kernel-elsewhere-aligned-64M", "q35",
          {"pref_address": 0xA0000, "kernel_alignment": 64 * MIB}, memory="256M",
          expect=(("alignment", 64 * MIB),)),
    probe("kernel-elsewhere-aligned-4K", "q35",
          {"pref_address": 0xA0000, "kernel_alignment": 4 * KIB, "min_alignment": 12}),
    probe("kernel-alignment-relaxed", "q35",
          {"pref_address": 0xA0000, "kernel_alignment": GIB, "min_alignment": 21},
          expect=(("alignment", 2 * MIB),)),
    probe("kernel-not-relocatable", "q35", {"relocatable_kernel": 0}, expect=(("load", 16 * MIB),)),
    probe("kernel-not-relocatable-2.09", "pc", {"relocatable_kernel": 0, "version": 0x209},
          expect=(("load", MIB),)),

    # The initrd.
    *(probe(f"initrd-{size}", "q35", initrd=size)
      for size in (1, 4095, 4096, 4097, 16 * MIB, 300 * MIB)),
    *(probe(f"initrd-{size}-opt", "microvm", initrd=size, source="opt")
      for size in (1, 4097, 300 * MIB)),
    probe("initrd-below-128M", "q35", BELOW_4G | {"initrd_addr_max": 0x7FFFFFF}, initrd=50 * MIB,
          expect=(("initrd_below", 128 * MIB),)),
    probe("initrd-below-the-kernel", "q35",
          BELOW_4G | {"initrd_addr_max": 0xFFFFFF, "pref_address": 16 * MIB}, initrd=8 * MIB,
          expect=(("initrd_below", 16 * MIB),)),
    probe("initrd-fits-only-above-4G", "q35" + LOW_256M, ANYWHERE, memory="1G", source="opt",
          initrd=400 * MIB, expect=(("initrd_above", 4 * GIB),)),
    probe("initrd-above-4G-pc", "pc" + LOW_256M, ANYWHERE, memory="1G", source="opt",
          initrd=400 * MIB, expect=(("initrd_above", 4 * GIB),)),
    probe("initrd-below-4G-for-32-bit", "q35" + LOW_256M, ONLY_32, memory="1G",
          initrd=100 * MIB, expect=(("initrd_below", 4 * GIB),)),
    probe("initrd-3G", "pc", ANYWHERE, memory="8G", source="opt", initrd=3 * GIB,
          expect=(("initrd_above", 4 * GIB),)),
    probe("initrd-fills-small-memory", "microvm", memory="64M", initrd=40 * MIB),

    # The command line.
    *(probe(f"cmdline-{length}", "q35", cmdline=b"x" * length)
      for length in (0, 1, 2046, 2047)),
    probe("cmdline-255-of-255", "microvm", {"cmdline_size": 255}, cmdline=b"y" * 255),
    probe("cmdline-60000", "q35", {"cmdline_size": 65535}, source="opt", cmdline=b"z" * 60000),
    probe("cmdline-all-bytes", "q35", cmdline=ALL_BYTES),
    probe("cmdline-all-bytes-opt", "q35", source="opt", cmdline=ALL_BYTES),
    probe("cmdline-keeps-spaces", "pc", cmdline=b"  a  b \t c  "),
    probe("cmdline-loses-one-newline", "q35", source="opt", cmdline=b"a b\n\n"),
    probe("cmdline-ends-at-nul", "q35", source="opt", cmdline=b"a b\0c\n"),

    # Tables.
    probe("smbios-3.0", "q35,smbios-entry-point-type=64"),
    probe("smbios-type-0-by-vmm", "pc", options=("-smbios", "type=0,vendor=Tester,version=9")),
    probe("smbios-strings", "q35", options=("-smbios", "type=1,manufacturer=Maker,product=Thing")),
    probe("vmgenid", "q35", options=("-device", "vmgenid,guid=auto")),
    probe("vmgenid-pc", "pc", options=("-device", "vmgenid,guid=auto")),
    probe("acpi-blob-over-128K", "pc", smp="1,maxcpus=255", kept_limit=1 * MIB, options=tuple(
        word for i in range(24)
        for word in ("-device", f"pci-bridge,id=bridge{i},chassis_nr={i + 1}"))),
    probe("hotplug-q35", "q35", smp="2,maxcpus=8", options=("-m", "512M,slots=2,maxmem=4G")),
    probe("hotplug-pc", "pc", smp="2,maxcpus=8", options=("-m", "512M,slots=2,maxmem=4G")),
    probe("numa", "q35", smp=2, options=NODES),
    script("acpi-script-sound", *tableloader.SOUND),
    replace(script("acpi-script-unknown-commands",
                   tableloader.entry(0, "0s", b""), tableloader.entry(5, "56s", b"etc/no/such"),
                   tableloader.entry(0xFFFFFFFF, "124s", b"\xff" * 124), *tableloader.SOUND,
                   tableloader.entry(99, "0s", b"")),
            skip=("rsdp", "silent"),
            expect=(("acpi", "XSDT"), ("said", "unknown loader script command 5 is skipped\n"))),
    probe("no-serial", "q35", serial="none"),
]

# The machine is reset this many times, by each way that it has.
RESET_COUNT = 50
RESETS = [
    probe(f"reset-{method}-{machine}", machine, resets_by=method, reboots=True, initrd=5000,
          faults=TRIPLE_FAULT if method == "triple-fault" else "")
    for machine, methods in (("microvm", ("triple-fault",)),
                             ("pc", ("triple-fault", "keyboard", "cf9")),
                             ("q35", ("triple-fault", "keyboard", "cf9")))
    for method in methods
] + [
    probe("reset-hashes", "q35", source="opt", resets_by="cf9", reboots=True, initrd=5000,
          hashes=hashtable.agreed),
    # The second boot finds memory as the first has left it.
    elf("reset-elf", "microvm", resets_by="triple-fault", reboots=True, initrd=5000,
        faults=TRIPLE_FAULT),
    elf("reset-elf-opt", source="opt", resets_by="cf9", reboots=True, initrd=5000),
]


def refused(name, status, reason, stage="loader", machine="q35", **more):
    return Run(name, machine, fatal=(stage, status, reason), **more)


def bad_kernel(name, status, reason, header=None, **more):
    """A kernel that is refused, as a file, so that QEMU does not refuse it first."""
    return refused(name, status, reason, **({"kernel": header or {}, "source": "opt"} | more))


def bad_file(name, content, status, reason):
    return refused(name, status, reason, kernel=content, source="opt")


def bad_elf(name, status, reason, stage="payload", elf=None, **more):
    """A probe that is an ELF file, and refused."""
    return refused(f"elf-{name}", status, reason, stage,
                   **({"kernel": {}, "elf": elf or {}, "source": "opt"} | more))


def bad_uki(name, status, reason, change, **more):
    return refused(f"uki-{name}", status, reason, "payload",
                   **({"kernel": {}, "source": "opt"} | more), bundle="uki", edit_bundle=change)


def bad_hashes(name, hashes, status, reason, stage="payload", machine="q35", **more):
    """A probe that the table does not let through."""
    return refused(f"hashes-{name}", status, reason, stage, machine, hashes=hashes,
                   **({"kernel": {}, "source": "opt", "initrd": 5000} | more))


def bad_script(name, status, reason, *entries):
    return script(f"script-{name}", *entries, fatal=("acpi", status, reason))


def cut(size):
    return {"edit": lambda image: image[:size]}


def replaced(old, new):
    """Bytes are others where they stand first."""
    return lambda content: content.replace(old, new, 1)


A, P, C, W = (tableloader.allocate, tableloader.add_pointer, tableloader.add_checksum,
              tableloader.write_pointer)
RSDP, TABLES, SOUND = tableloader.RSDP, tableloader.TABLES, tableloader.SOUND
BOTH_ALLOCATED = (A(RSDP), A(TABLES))

REFUSED = [
    # No kernel, or none that can be used.
    *(refused(f"no-kernel-{machine}", "not-found", "no kernel", "payload", machine)
      for machine in ("microvm", "pc", "q35")),
    refused("no-kernel-no-acpi", "not-found", "no kernel", "payload", "microvm,acpi=off"),
    refused("no-kernel-pvh", "not-found", "no kernel", "payload", door="pvh"),
    bad_file("kernel-empty", b"", "not-found|truncated", "kernel"),
    bad_file("kernel-one-byte", b"M", "truncated", "1 byte|too few"),
    bad_file("kernel-is-text", b"Not a kernel.\n" * 1000, "bad-format|unsupported",
             "not a bzImage"),
    bad_file("kernel-is-zeros", bytes(1 << 20), "bad-format|unsupported", "not a bzImage"),
    bad_file("kernel-is-gzip", b"\x1f\x8b\x08" + bytes(5000), "bad-format|unsupported",
             "not a bzImage"),
    bad_kernel("kernel-without-boot-flag", "bad-format|unsupported", "not a bzImage",
               {"boot_flag": 0}),
    bad_kernel("kernel-without-magic", "bad-format|unsupported", "not a bzImage",
               {"header": b"HdrX"}),
    bad_kernel("setup-cut-before-header", "truncated", "too few", **cut(0x1F0)),
    bad_kernel("setup-cut-in-header", "truncated", "too few", **cut(0x220)),
    bad_kernel("setup-cut-after-header", "truncated", "setup alone", **cut(0x400)),
    bad_kernel("payload-cut-to-nothing", "truncated", "setup alone|no payload", **cut(5 * 512)),
    bad_kernel("setup-sects-past-end", "truncated", "setup alone",
               edit=lambda image: image[:0x1F1] + b"\xff" + image[0x1F2:]),
    bad_kernel("setup-sects-past-end-legacy-size", "truncated", "setup alone",
               {"setup_sects": 255}, **cut(255 * 512)),
    bad_kernel("header-of-nothing", "bad-format", "header ends", {"jump": 0xEB}),
    bad_kernel("protocol-2.05", "unsupported", r"protocol 2\.05", {"version": 0x205}),
    bad_kernel("protocol-2.00", "unsupported", r"protocol 2\.00", {"version": 0x200}),
    bad_kernel("kernel-loaded-low", "unsupported", "zImage", {"loadflags": 0}),

    # Bundles; the sections' tables are read before anything else is.
    bad_uki("cut", "out-of-range", r"\.linux", lambda content: content[:-512]),
    bad_uki("cut-module", "out-of-range", r"\.linux", lambda content: content[:-512], door="pvh",
            source="module"),
    bad_uki("of-aarch64", "unsupported", "0xaa64",
            replaced(b"PE\0\0\x64\x86", b"PE\0\0\x64\xaa")),
    bad_uki("without-header", "bad-format", "PE", replaced(b"PE\0\0", b"PF\0\0")),
    bad_uki("without-header-legacy", "bad-format", "PE", replaced(b"PE\0\0", b"PF\0\0"),
            source="legacy"),

    # ELF kernels.
    bad_elf("without-pvh-entry", "unsupported", "without a PVH entry", elf={"note_type": 17}),
    # QEMU 10.0 has the file of a bzImage besides, but not this one.
    *(bad_elf(f"loaded-by-the-vmm-with-a-tpm-qemu{qemu}", "unsupported",
              "not there as a file to be hashed", stage="loader", source="legacy", tpm="tpm-tis",
              qemu=qemu) for qemu in QEMUS),
    bad_elf("of-32-bits", "unsupported", "64-bit x86", elf={"ident_class": CLASS_32}),
    bad_elf("of-aarch64", "unsupported", "64-bit x86", elf={"machine": MACHINE_AARCH64}),
    bad_elf("of-aarch64-module", "unsupported", "64-bit x86", elf={"machine": MACHINE_AARCH64},
            door="pvh", source="module"),
    bad_elf("cut", "truncated", "not inside the file", **cut(0x1800)),
    bad_elf("cut-in-header", "truncated|out-of-range", "ELF headers", **cut(60)),
    bad_elf("outside-ram", "overlap", "not free RAM", "loader", elf={"address": NO_RAM}),
    bad_elf("past-ram", "overlap", "not free RAM", "loader", elf={"memory_size": GIB}),
    bad_elf("over-the-rom", "overlap", "not free RAM", "loader", elf={"address": 0xFFFF0000,
                                                                      "memory_size": 0x10000}),
    bad_elf("over-our-image", "overlap", "not free RAM", "loader", elf={"address": MIB},
            door="pvh"),
    bad_elf("below-1M", "out-of-range", "between 1 MiB", elf={"address": 0x40000}),
    bad_elf("below-1M-legacy", "out-of-range", "cannot be", elf={"address": 0x40000},
            source="legacy"),
    bad_elf("initrd-over-memory", "no-memory", "initrd", "loader", memory="64M",
            initrd=96 * MIB),
    bad_elf("cmdline-2048", "too-large", "command line", "loader", cmdline=b"x" * 2048),

    # Headers that ask for what no memory is.
    bad_kernel("init-size-over-memory", "no-memory", "kernel", {"init_size": 128 * MIB},
               memory="64M"),
    bad_kernel("init-size-4G", "no-memory", "kernel", {"init_size": 0xFFFFFFFF}),
    bad_kernel("payload-over-memory", "no-memory", "kernel", {"init_size": MIB},
               payload=80 * MIB, memory="64M"),
    bad_kernel("pref-address-at-the-end", "bad-format|no-memory", "pref_address|kernel",
               {"pref_address": 0xFFFFFFFFFFE00000}),
    bad_kernel("pref-address-no-ram-above", "no-memory", "kernel", {"pref_address": NO_RAM}),
    bad_kernel("pref-address-above-4G-forbidden", "no-memory", "kernel",
               {"pref_address": 4 * GIB} | BELOW_4G, memory="4G"),
    bad_kernel("pref-address-above-4G-for-32-bit", "no-memory", "kernel",
               {"pref_address": 4 * GIB} | ONLY_32, memory="4G"),
    bad_kernel("not-relocatable-and-no-ram", "no-memory", "kernel",
               {"pref_address": NO_RAM, "relocatable_kernel": 0}),
    bad_kernel("alignment-zero", "bad-format", "kernel_alignment", {"kernel_alignment": 0}),
    bad_kernel("alignment-no-power-of-two", "bad-format", "kernel_alignment",
               {"kernel_alignment": 0x300000}),
    bad_kernel("alignment-impossible", "bad-format|no-memory", "kernel",
               {"pref_address": 0xA0000, "kernel_alignment": 1 << 31, "min_alignment": 31}),
    bad_kernel("min-alignment-absurd", "bad-format", "min_alignment", {"min_alignment": 255}),
    bad_kernel("initrd-over-memory", "no-memory", "initrd", memory="64M", initrd=96 * MIB),
    bad_kernel("initrd-and-kernel-over-memory", "no-memory", "initrd",
               {"init_size": 40 * MIB}, memory="64M", initrd=30 * MIB),
    bad_kernel("initrd-over-its-limit", "no-memory", "initrd",
               BELOW_4G | {"initrd_addr_max": 0x1FFFFFF}, initrd=40 * MIB),
    bad_kernel("initrd-limit-zero", "no-memory", "initrd", BELOW_4G | {"initrd_addr_max": 0},
               initrd=5000),
    bad_kernel("initrd-too-large-below-4G", "no-memory", "initrd", BELOW_4G,
               machine="q35" + LOW_256M, memory="1G", initrd=300 * MIB),
    bad_kernel("initrd-not-above-4G-for-32-bit", "no-memory", "initrd", ONLY_32,
               machine="q35" + LOW_256M, memory="1G", initrd=300 * MIB),

    # The command line.
    bad_kernel("cmdline-2048-of-2047", "too-large", "command line", cmdline=b"x" * 2048),
    bad_kernel("cmdline-256-of-255", "too-large", "command line", {"cmdline_size": 255},
               cmdline=b"x" * 256),
    bad_kernel("cmdline-1-of-0", "too-large", "command line", {"cmdline_size": 0}, cmdline=b"x"),
    bad_kernel("cmdline-1M", "too-large", "command line", cmdline=b"x" * MIB),
    refused("cmdline-2048-of-2047-legacy", "too-large", "command line", kernel={},
            cmdline=b"x" * 2048),

    # Hash tables: other files than those that were agreed, and tables that are none.
    *(bad_hashes(f"{what}-{machine}", hashes, "mismatch", f"{name}'s SHA-256 is [0-9a-f]{{64}},",
                 machine=machine)
      for machine in ("microvm", "pc", "q35")
      for what, name, hashes in (("setup", "kernel", hashtable.other_kernel(0)),
                                 ("kernel", "kernel", hashtable.other_kernel(-1)),
                                 ("initrd", "initrd", hashtable.other_initrd),
                                 ("cmdline", "command line", hashtable.other_cmdline))),
    bad_hashes("no-initrd", hashtable.other_initrd, "mismatch", "initrd's", initrd=0),
    bad_hashes("no-cmdline", hashtable.other_cmdline, "mismatch", "command line's", cmdline=b""),
    bad_hashes("uki", hashtable.other_kernel(-1), "mismatch", "kernel's", bundle="uki"),
    bad_hashes("elf", hashtable.other_kernel(-1), "mismatch", "kernel's", elf={}),
    # Where QEMU has patched the kernel's header.
    bad_hashes("by-options", hashtable.agreed, "mismatch", "kernel's", source="legacy"),
    bad_hashes("elf-loaded-by-vmm", hashtable.agreed, "unsupported", "not there as a file to be hashed",
               source="legacy", elf={}),
    *(bad_hashes(f"table-{name}", *damaged, "hashes")
      for name, damaged in hashtable.DAMAGED.items()),

    # ACPI loader scripts.
    bad_script("allocates-nothing", "not-found", "does not exist", A("etc/no/such")),
    bad_script("allocates-itself", "bad-format|overlap", "itself", A("etc/table-loader")),
    bad_script("allocates-twice", "bad-format|overlap", "twice", A(RSDP), A(RSDP)),
    bad_script("zone-0", "bad-format", "zone", A(RSDP, zone=0)),
    bad_script("zone-3", "bad-format", "zone", A(RSDP, zone=3)),
    bad_script("alignment-0", "bad-format", "alignment", A(RSDP, align=0)),
    bad_script("alignment-3", "bad-format", "alignment", A(RSDP, align=3)),
    bad_script("alignment-2G", "no-memory", "no memory", A(RSDP, align=1 << 31)),
    bad_script("name-without-end", "bad-format", "name", A(b"x" * 56)),
    bad_script("pointer-in-nothing", "not-found", "before it is allocated", P(RSDP, TABLES, 24, 8)),
    bad_script("pointer-to-nothing", "not-found", "before it is allocated",
               A(RSDP), P(RSDP, TABLES, 24, 8)),
    bad_script("pointer-past-end", "out-of-range", "outside",
               *BOTH_ALLOCATED, P(RSDP, TABLES, 36, 8)),
    bad_script("pointer-over-end", "out-of-range", "outside",
               *BOTH_ALLOCATED, P(RSDP, TABLES, 29, 8)),
    bad_script("pointer-offset-wraps", "out-of-range", "outside",
               *BOTH_ALLOCATED, P(RSDP, TABLES, 0xFFFFFFFC, 8)),
    bad_script("pointer-target-outside", "out-of-range", "outside",
               *BOTH_ALLOCATED, P(RSDP, TABLES, 0, 8)),
    *(bad_script(f"pointer-of-{size}-bytes", "bad-format", f"{size} bytes",
                 *BOTH_ALLOCATED, P(RSDP, TABLES, 16, size)) for size in (0, 3, 16, 255)),
    bad_script("pointer-too-narrow", "out-of-range|too-large", "cannot hold",
               *BOTH_ALLOCATED, P(RSDP, TABLES, 16, 2)),
    bad_script("checksum-of-nothing", "not-found", "before it is allocated", C(TABLES, 9, 0, 36)),
    bad_script("checksum-over-end", "out-of-range", "outside",
               *BOTH_ALLOCATED, C(TABLES, 9, 0, 37)),
    bad_script("checksum-length-wraps", "out-of-range", "outside",
               *BOTH_ALLOCATED, C(TABLES, 9, 8, 0xFFFFFFFC)),
    bad_script("checksum-start-outside", "out-of-range", "outside",
               *BOTH_ALLOCATED, C(TABLES, 9, 0xFFFFFFFF, 1)),
    bad_script("checksum-placed-outside", "out-of-range", "outside",
               *BOTH_ALLOCATED, C(TABLES, 36, 0, 36)),
    bad_script("writes-to-nothing", "not-found", "does not exist",
               *SOUND, W("etc/no/such", TABLES, 0, 0, 8)),
    bad_script("writes-outside", "out-of-range", "outside", *SOUND, W(RSDP, TABLES, 30, 0, 8)),
    bad_script("writes-pointer-outside", "out-of-range", "outside",
               *SOUND, W(RSDP, TABLES, 0, 36, 8)),
    bad_script("writes-to-read-only-file", "io", "written", *SOUND, W(RSDP, TABLES, 0, 0, 8)),
    bad_script("is-cut", "truncated|bad-format", "multiple", *SOUND, b"\1\0\0\0"),
    bad_script("is-huge", "too-large", "script has", *SOUND, bytes(16 * MIB)),
]

NO_EXIT = [Run(f"halt-{machine}", machine, debug_exit=False)
           for machine in ("microvm", "pc", "q35")]


# With ACPI, a microvm may hang in TSC calibration under TCG without this.
TSC = b" tsc_early_khz=1000000"
DEVICES = ("-device", "virtio-rng-pci", "-device", "virtio-net-pci,romfile=")
WITHOUT_PCI = ("microvm", "microvm,acpi=off")
# Initrds of tests/tools/make-initrd; the second one has lspci and many drivers.
GUEST, GUEST_PCI = "guest", "guest-pci"
LSPCI = "pciutils=/usr/bin/lspci"


def linux(name, machine="q35", kernel="6.1-cloud", qemu="7.2", more=b"", mode=b"test",
          console=b"ttyS0", **rest):
    words = b"console=" + console + b" panic=-1 slipway.mode=" + mode
    if machine.startswith("microvm") and "acpi=off" not in machine:
        words += TSC
    options = DEVICES if machine not in WITHOUT_PCI else ()
    return Run(name, machine, qemu, kernel=kernel, cmdline=words + more, plain_cmdline=words,
               **{"options": options, "initrd": GUEST} | rest)


LINUX = [
    linux(f"linux-{kernel}-{machine.replace(',', '-')}-qemu{qemu}", machine, kernel, qemu)
    for kernel in ("6.1-cloud", "6.12-cloud", "6.1-generic")
    for machine in ("microvm", "microvm,pcie=on", "pc", "q35")
    for qemu in QEMUS
] + [
    # Cloud kernels cannot read an MP table. SeaBIOS gives one CPU; that TCG resets the MTRRs
    # of the second is to be seen with SeaBIOS on the other machines.
    linux(f"linux-6.1-generic-microvm-no-acpi-qemu{qemu}", "microvm,acpi=off", "6.1-generic", qemu,
          smp=2, allow="^mtrr: ")
    for qemu in QEMUS
] + [
    linux(f"linux-smp-{cpus}-{machine}", machine, smp=cpus)
    for machine in ("microvm", "pc", "q35") for cpus in (2, 16)
] + [
    linux("linux-smp-3-q35", smp=3),
    linux("linux-smp-4-generic", "q35", "6.1-generic", smp=4),
    linux("linux-smp-4-6.12-pc-qemu10.0", "pc", "6.12-cloud", "10.0", smp=4),
    linux("linux-memory-100M", memory="100M"),
    linux("linux-memory-2816M", memory="2816M"),
    linux("linux-memory-6G-pc", "pc", memory="6G"),
    linux("linux-memory-6G-microvm", "microvm", memory="6G"),
    linux("linux-memory-16G", memory="16G"),
    linux("linux-cmdline-quoted", more=b" a='b  c'  d=\"e f\" -- x=\xc3\xa9"),
    linux("linux-cmdline-2047", more=b" " + b"x" * 1950),
    linux("linux-opt", source="opt"),
    linux("linux-opt-6.12-microvm", "microvm", "6.12-cloud", source="opt"),
    linux("linux-pflash", door="pflash"),
    linux("linux-pvh-q35", door="pvh", source="opt"),
    linux("linux-pvh-pc", "pc", door="pvh", source="opt"),
    linux("linux-pvh-microvm", "microvm", door="pvh", source="opt"),
    linux("linux-pvh-q35-qemu10.0", qemu="10.0", kernel="6.12-cloud", door="pvh", source="opt"),
    linux("linux-cpu-max", cpu="max", kernel="6.12-cloud"),
    linux("linux-smbios-3.0", "q35,smbios-entry-point-type=64"),
    linux("linux-vmgenid", options=("-device", "vmgenid,guid=auto")),
]



def devices(*names):
    """QEMU's options for these devices."""
    return tuple(word for name in names for word in ("-device", name))


def pci(name, machine, *names, more=(), **rest):
    """Debian's generic kernel on a machine with PCI devices."""
    return linux(f"linux-pci-{name}", machine, "6.1-generic", initrd=GUEST_PCI,
                 options=devices(*names) + more,
                 disks=sum("drive=disk" in name for name in names), **rest)


NIC = "virtio-net-pci,romfile="


def nic(bus, slot=0):
    return f"{NIC},bus={bus},addr={slot}"


def disk(number, bus, slot=0, model="virtio-blk-pci"):
    serial = f",serial={number}" if model == "nvme" else ""
    return f"{model},drive=disk{number},bus={bus},addr={slot}{serial}"


def root_port(number, bus="pcie.0", more=""):
    return f"pcie-root-port,id=p{number},chassis={number + 1},bus={bus}{more}"


def bridge(number, bus, slot):
    return f"pci-bridge,id=b{number},chassis_nr={number + 1},bus={bus},addr={slot}"


def plugging(name, machine, *names, plug, **rest):
    """Devices, each with its bus and slot, come while Linux runs."""
    plugged = []
    for number, (device, bus, slot) in enumerate(plug):
        driver, *properties = device.split(",")
        plugged.append({"driver": driver, "id": f"plugged{number}", "bus": bus, "addr": slot}
                       | dict(words.split("=") for words in properties))
    return pci(f"plug-{name}", machine, *names, plug=tuple(plugged),
               mode=b"test slipway.wait=hotplug,%d" % len(plug), **rest)


PORTS = (root_port(0), root_port(1), "pcie-pci-bridge,id=b0,bus=p1")
HINTS = ",io-reserve=8k,mem-reserve=16M,pref64-reserve=1G,bus-reserve=4"
ABOVE_4G = {"qemu": "10.0", "memory": "6G"}

# All at once, as a machine has it: devices on the root bus, behind ports, in a switch,
# behind conventional bridges, several in a slot; with ROMs and without.
PCI_Q35 = (
    root_port(0), nic("p0"), root_port(1), disk(0, "p1"), root_port(2),
    disk(1, "p2", model="nvme"),
    root_port(3), "pcie-pci-bridge,id=b0,bus=p3", "e1000,bus=b0,addr=1", bridge(1, "b0", 2),
    disk(2, "b1", 3), nic("b1", 4),
    root_port(4), "x3130-upstream,id=u0,bus=p4", "xio3130-downstream,id=d0,bus=u0,chassis=20",
    "xio3130-downstream,id=d1,bus=u0,chassis=21,slot=1", "e1000e,bus=d1",
    root_port(5), "qemu-xhci,bus=p5", "ide-hd,drive=disk4,bus=ide.0",
    "virtio-net-pci,romfile=,addr=10.0,multifunction=on", disk(3, "pcie.0", "10.3", "nvme"))
PCI_PC = (
    bridge(0, "pci.0", 4), nic("b0", 1), disk(0, "b0", 2), bridge(1, "b0", 3), nic("b1", 1),
    disk(1, "b1", 2, "nvme"), "e1000,bus=b1,addr=3", bridge(2, "pci.0", 5), "nec-usb-xhci",
    "e1000,romfile=", disk(2, "pci.0", "10.1", "nvme"), "ide-hd,drive=disk3,bus=ide.1",
    "virtio-net-pci,addr=10.0,multifunction=on")
ROOT_PORTS = tuple(root_port(i, more=f",addr={4 + i // 8}.{i % 8},multifunction=on")
                   for i in range(32))
KATA = ("pci-bridge,bus=pcie.0,id=b0,chassis_nr=1,shpc=off,addr=2,"
        "io-reserve=4k,mem-reserve=1m,pref64-reserve=1m", nic("b0", 1), disk(0, "b0", 2))
PXB_Q35 = ("pxb-pcie,id=r1,bus_nr=64,bus=pcie.0,addr=8,numa_node=1", root_port(0, "r1"), nic("p0"),
           root_port(1, "r1"), disk(0, "p1", model="nvme"),
           "pxb-pcie,id=r2,bus_nr=128,bus=pcie.0,addr=9,numa_node=0", root_port(2, "r2"),
           disk(1, "p2"), root_port(3), nic("p3"))

# Kernels that are ELF files.
NEW = {"kernel": "6.12-cloud", "qemu": "10.0"}
GENERIC = {"kernel": "6.1-generic"}
LINUX += [
    linux("linux-elf-q35", elf={}),
    linux("linux-elf-q35-6.12-qemu10.0", elf={}, smp=2, memory="4G", **NEW),
    linux("linux-elf-pc-generic", "pc", elf={}, **GENERIC),
    linux("linux-elf-pc-qemu10.0", "pc", qemu="10.0", elf={}),
    linux("linux-elf-microvm", "microvm", elf={}),
    linux("linux-elf-opt-microvm-6.12-qemu10.0", "microvm", source="opt", elf={}, **NEW),
    linux("linux-elf-etc-pc", "pc", source="etc", elf={}),
    linux("linux-elf-uki-module", source="module", door="pvh", elf={}, bundle="uki"),
    # As kata has it: no serial port.
    linux("linux-elf-hvc0", elf={}, console=b"hvc0", serial="hvc0", kernel="6.12-cloud"),
]

# A kernel with its initrd and command line in one file.
LINUX += [
    linux("linux-uki-stub", source="opt", bundle="uki-stub"),
    linux("linux-uki-stub-legacy-pc", "pc", bundle="uki-stub"),
    linux("linux-uki-stub-module-6.12-qemu10.0", source="module", door="pvh", bundle="uki-stub",
          **NEW),
    linux("linux-uki-module-microvm", "microvm", source="module", door="pvh", bundle="uki"),
    linux("linux-appended-initrd-microvm-6.12-qemu10.0", "microvm", source="opt",
          bundle="appended", **NEW),
    linux("linux-appended-initrd-module-pc", "pc", source="module", door="pvh",
          bundle="appended"),
]

# OVMF looks for a TPM that is not there.
UEFI = linux("linux-uki-stub-uefi", door="uefi", bundle="uki-stub",
             faults=r"Invalid (read|write) at addr 0xFED4\w+, .*")

# All have what they have from SeaBIOS: drivers, content, addresses, interrupts.
LINUX += [
    pci("q35", "q35", *PCI_Q35),
    pci("q35-6G-qemu10.0", "q35", *PCI_Q35, **ABOVE_4G),
    pci("pc", "pc", *PCI_PC),
    pci("pc-6G-qemu10.0", "pc", *PCI_PC, **ABOVE_4G),
    pci("32-root-ports", "q35", *ROOT_PORTS, nic("p31")),
    pci("32-root-ports-6G-qemu10.0", "q35", *ROOT_PORTS, nic("p31"), **ABOVE_4G),
    pci("kata-bridge", "q35", *KATA),
    pci("kata-bridge-qemu10.0", "q35", *KATA, qemu="10.0"),
    *(pci(f"64-GiB-bar-qemu{qemu}", "q35", "ivshmem-plain,memdev=bar", nic("pcie.0", 9), qemu=qemu,
          more=("-object", "memory-backend-ram,id=bar,size=64G,reserve=off")) for qemu in QEMUS),
    # SeaBIOS gives up at 20 of them.
    pci("8-bridges", "pc", *(bridge(i, "pci.0", i + 4) for i in range(8)), nic("b7", 1)),
    pci("pxb", "q35", *PXB_Q35, more=NODES, smp="2,sockets=2"),
    pci("pxb-qemu10.0", "q35", *PXB_Q35, more=NODES, smp="2,sockets=2", qemu="10.0"),
    pci("pxb-pc", "pc", "pxb,id=r1,bus_nr=64,bus=pci.0,numa_node=1", nic("r1", 1),
        disk(0, "r1", 2), bridge(0, "r1", 3), disk(1, "b0", 1, "nvme"),
        "pxb,id=r2,bus_nr=128,bus=pci.0,numa_node=0", nic("r2", 1), more=NODES, smp="2,sockets=2"),
    pci("reserve", "q35", root_port(0, more=HINTS), root_port(1, more=HINTS), nic("p1"),
        root_port(2, more=",pref64-reserve=32M,io-reserve=4k"),
        root_port(3, more=",bus-reserve=2,mem-reserve=4M"), "pcie-pci-bridge,id=b0,bus=p3"),
    plugging("acpi", "q35", *PORTS, plug=((NIC, "p0", "0"), ("e1000,romfile=", "b0", "3"))),
    # The window of a port is large where there is memory above 4 GiB, from SeaBIOS 1.16.3 on.
    plugging("acpi-6G-qemu10.0", "q35", *PORTS, root_port(2), **ABOVE_4G,
             plug=((NIC, "p0", "0"), (NIC, "b0", "3"), ("ivshmem-plain,memdev=bar", "p2", "0")),
             more=("-object", "memory-backend-ram,id=bar,size=256M,reserve=off")),
    plugging("native", "q35", *PORTS, plug=((NIC, "p0", "0"), (NIC, "b0", "3")),
             more=("-global", "ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off")),
    plugging("pc", "pc", bridge(0, "pci.0", 4),
             plug=(("e1000,romfile=", "b0", "2"), (NIC, "pci.0", "7"))),
]

REBOOT_COUNT = 3
REBOOTS = [
    linux(f"reboot-{machine}-{method or 'default'}", machine, mode=b"reboot",
          more=b" reboot=" + method.encode() if method else b"", reboots=True,
          # A microvm's default comes to that in the end.
          faults=TRIPLE_FAULT if method == "t" or (machine, method) == ("microvm", "") else "")
    for machine, methods in (("microvm", ("", "a", "t")), ("pc", ("", "a", "t", "k", "b", "p")),
                             ("q35", ("", "a", "t", "k", "b", "p")))
    for method in methods
]
