# SPDX-License-Identifier: BSD-2-Clause
"""Every QEMU run of the AArch64 tests, a row each.

PROBES   boot the probe kernel; all rules of handoff.py hold, and `expect`
RESETS   boot a probe that resets the machine, again and again
REFUSED  are bad input: one FATAL line of that stage, status and reason
HANGS    are refused where there is no PSCI that could end QEMU
NO_SERIAL boot a probe that resets the machine; nothing can be read
LINUX    boot a Debian kernel whose init reports; `compare` with AAVMF, or without ACPI with
         QEMU's own loading of the kernel
REBOOTS  boot a Debian kernel whose init reboots, again and again
"""

import struct
import zlib
from dataclasses import dataclass, replace

import hashtable
import tableloader
from devicetree import PROPERTY, string, u32, u64
from machines import GIB, KIB, MIB
from runs import replaced
from .image import NO_EFI_STUB, ANYWHERE, BIG_ENDIAN, PAGE_4K, PAGE_16K, PAGE_64K
from .trial import RAM_START

QEMUS = ("7.2", "10.0")


@dataclass(frozen=True)
class Run:
    """How one QEMU is started."""

    name: str
    machine: str = "virt"           # -M
    qemu: str = "7.2"
    memory: str = "512M"
    smp: object = 1                 # -smp
    cpu: str = "cortex-a57"
    door: str = "bios"              # how the firmware comes in: bios, pflash, kernel; none
    source: str = "legacy"          # -kernel, -initrd, -append; opt: opt/org.slipway/*;
                                    # etc: etc/boot/*; chosen: in memory, and -dtb says where;
                                    # guest-loader: in memory by -device guest-loader;
                                    # initrd: a bundle as the -initrd of door kernel
    kernel: object = None           # header fields of a probe, a file's bytes, or the name
                                    # that tests/tools/fetch-kernel takes
    at: int = 0x44000000            # where kernel and initrd lie in memory
    initrd_at: int = 0x48000000
    size: int = 0                   # bytes that the probe is padded to
    edit: object = None             # changes the finished kernel file
    pack: str = None                # kind of tests/tools/pack-kernel
    edit_packed: object = None      # changes the packed file
    bundle: str = None              # the kernel's file has the initrd too: appended; uki or
                                    # uki-stub, where it has the command line as well
    edit_bundle: object = None      # changes that file
    edit_tree: object = None        # changes the DeviceTree of source chosen
    x0: int = None                  # at the first instruction
    pokes: object = ()              # ((address, bytes),) put into memory before that,
                                    # or what makes them of the VMM's DeviceTree
    resets: bool = False            # the probe resets the machine
    reboots: bool = False           # QEMU goes on after a reset
    initrd: object = 0              # bytes, or GUEST
    cmdline: bytes = b"root=/dev/probe quiet"
    fw_cfg: tuple = ()              # (name, content) of further fw_cfg files
    hashes: object = None           # a hash table that /chosen of a -dtb names: what hashtable.py
                                    # makes of the files
    options: tuple = ()             # further QEMU options
    tpm: str = ""                   # the model of a TPM that swtpm emulates
    tpm_banks: str = ""             # its active banks, sha256,sha384; else swtpm's choice
    serial: bool = True             # somebody reads the serial port
    stdout_path: str = "/pl011@9000000"     # None where the tree has none
    bios_vendor: str = "Slipway"    # None where there is no SMBIOS
    kept_limit: int = 512 * KIB     # RAM that the firmware may keep from the kernel
    skip: tuple = ()                # rules that do not apply
    expect: tuple = ()              # further conditions, see test_probe.py
    compare: bool = False           # with what another firmware's boot reports
    allow: str = "(nothing)"        # regular expression of kernel messages that are no defect
    faults: str = ""                # regular expression of what QEMU logs and is no defect
    fatal: tuple = ()               # stage, status, regular expression of the reason


def probe(name, machine="virt", header=None, **more):
    return Run(name, machine, kernel=header or {}, **more)


def both(*rows):
    """Each row with every QEMU; the name says which."""
    return [replace(row, name=f"{row.name}-qemu{qemu}", qemu=qemu)
            for row in rows for qemu in QEMUS]


NO_DMA = ("-global", "fw_cfg_mem.dma_enabled=off")
# What a boot that DMA spares takes: the initrd goes through a register.
SMALL = 5000
ALL_BYTES = bytes(b for b in range(1, 256) if b != 0x0A)
TWO_NODES = ("-object", "memory-backend-ram,id=m0,size=256M", "-numa", "node,memdev=m0,cpus=0",
             "-object", "memory-backend-ram,id=m1,size=256M", "-numa", "node,memdev=m1,cpus=1")
ANY_4K, LOW_4K = PAGE_4K | ANYWHERE, PAGE_4K
OLD = {"image_size": 0, "flags": 0, "text_offset": 0}      # before Linux 3.17

PROBES = both(
    # Doors into the firmware, and ways for the kernel to come.
    probe("bios", initrd=100001),
    probe("pflash", door="pflash", initrd=100001),
    probe("kernel", door="kernel", source="opt", initrd=100001),
    probe("opt", source="opt", initrd=100001),
    probe("etc-boot", source="etc", initrd=100001),
    probe("chosen", source="chosen", initrd=100001),
    probe("guest-loader", source="guest-loader", initrd=100001),
    probe("no-dma", options=NO_DMA, initrd=SMALL),
    # A hash table, by which all of it may be booted.
    probe("hashes", initrd=SMALL, hashes=hashtable.agreed),
    probe("hashes-opt", source="opt", initrd=SMALL, hashes=hashtable.reordered),
    probe("hashes-chosen", source="chosen", initrd=SMALL, hashes=hashtable.agreed),
    # Machines.
    probe("no-acpi", "virt,acpi=off", initrd=100001),
    probe("gic-3", "virt,gic-version=3", initrd=SMALL),
    probe("el2", "virt,virtualization=on", initrd=SMALL),
    probe("el2-no-acpi", "virt,virtualization=on,acpi=off", initrd=SMALL),
    probe("cpu-max", cpu="max"),
    probe("smp-8", smp=8),
    probe("numa", smp=2, options=TWO_NODES),
) + [
    probe("hashes-uki", source="etc", bundle="uki", initrd=SMALL, hashes=hashtable.agreed),
    probe("hashes-packed", source="opt", pack="gzip", hashes=hashtable.agreed),
    probe("hashes-no-acpi-no-cmdline", "virt,acpi=off", cmdline=b"", hashes=hashtable.agreed),
    probe("acpi-off-by-command-line", cmdline=b"quiet acpi=off", initrd=SMALL),
    probe("acpi-off-not-quite", cmdline=b"quiet xacpi=off acpi=offf", initrd=SMALL),
    probe("el2-gic-3", "virt,virtualization=on,gic-version=3", smp=2),
    probe("el2-kernel", "virt,virtualization=on", door="kernel", source="opt"),
    probe("kernel-no-acpi", "virt,acpi=off", door="kernel", source="opt", initrd=SMALL),
    probe("pflash-opt", door="pflash", source="opt"),
    probe("x0-is-the-tree", x0=RAM_START),
    probe("chosen-no-acpi", "virt,acpi=off", source="chosen", initrd=100001),
    probe("chosen-el2", "virt,virtualization=on", source="chosen"),
    probe("guest-loader-no-acpi", "virt,acpi=off", source="guest-loader", initrd=100001),
    probe("no-dma-no-acpi", "virt,acpi=off", options=NO_DMA, initrd=SMALL),
    probe("no-seeds", "virt,dtb-randomness=off"),
    probe("no-seeds-no-acpi", "virt,dtb-randomness=off,acpi=off"),
    probe("no-highmem", "virt,highmem=off"),
    probe("opt-wins", fw_cfg=(("opt/org.slipway/cmdline", b"from opt"),),
          skip=("command_line",), expect=(("cmdline", b"from opt"),)),
    probe("log-info", fw_cfg=(("opt/org.slipway/log", b"info\n"),), skip=("silent",),
          expect=(("said", "slipway: kernel at 0x"),)),
    *(probe(f"cpu-{cpu}", cpu=cpu) for cpu in ("cortex-a53", "cortex-a72")),
    *(probe(f"smp-{cpus}-gic-{gic}", f"virt,gic-version={gic}", smp=cpus)
      for gic in (2, 3) for cpus in (2, 4)),
    probe("hotplug", smp="2,maxcpus=8", options=("-m", "512M,slots=2,maxmem=4G")),
    probe("pcie-devices", options=("-device", "pcie-root-port,id=port0", "-device",
                                   "virtio-net-pci,romfile=")),
    *(probe(f"machine-{option.replace('=', '-')}", f"virt,gic-version=3,{option}", cpu="max")
      for option in ("iommu=smmuv3", "its=off", "ras=on", "mte=on")),
    probe("clusters", smp="8,sockets=2,clusters=2,cores=2"),
    probe("dimms", options=(
        "-m", "512M,slots=4,maxmem=4G", "-machine", "nvdimm=on",
        "-object", "memory-backend-ram,id=d0,size=256M", "-device", "pc-dimm,memdev=d0",
        "-object", "memory-backend-ram,id=d1,size=256M", "-device", "nvdimm,memdev=d1")),
    probe("two-serial-ports", qemu="10.0", options=("-serial", "null")),
    probe("smbios-strings", options=("-smbios", "type=1,manufacturer=Maker,product=Thing")),
    probe("smbios-type-0-by-vmm", options=("-smbios", "type=0,vendor=Tester,version=9"),
          bios_vendor="Tester"),

    # Sizes of memory.
    *(probe(f"memory-{memory}", memory=memory, initrd=SMALL)
      for memory in ("64M", "65M", "256M", "1G", "4G", "64G", "250G")),
    probe("memory-1T", memory="1T", cpu="max", initrd=SMALL),
    *(probe(f"memory-{memory}-no-acpi", "virt,acpi=off", memory=memory, initrd=SMALL)
      for memory in ("256M", "64G")),

    # Headers.
    *(probe(f"text-offset-{offset:#x}", header={"text_offset": offset})
      for offset in (0x1000, 0x80000, 0x1FF000)),
    probe("text-offset-0x80000-low", header={"text_offset": 0x80000, "flags": LOW_4K}),
    probe("low", header={"flags": LOW_4K}, initrd=SMALL),
    probe("low-4G", header={"flags": LOW_4K}, memory="4G"),
    probe("low-kernel", header={"flags": LOW_4K}, door="kernel", source="opt"),
    probe("image-size-0", header=OLD),
    probe("kernel-without-efi-stub", header=NO_EFI_STUB, initrd=SMALL),
    probe("image-size-0-text-offset-0", header=OLD | {"text_offset": 0x100000}),
    probe("image-size-100M", header={"image_size": 100 * MIB}, initrd=MIB),
    probe("image-size-smaller-than-file", header={"image_size": 0x10000}, size=4 * MIB),
    probe("page-size-not-told", header={"flags": ANYWHERE}),
    probe("page-size-64K", header={"flags": PAGE_64K | ANYWHERE}),
    probe("page-size-16K", header={"flags": PAGE_16K | ANYWHERE}, cpu="max"),
    probe("file-20M", size=20 * MIB, initrd=SMALL),
    probe("file-of-no-whole-word", edit=lambda image: image + b"abc"),

    # Kernels in memory.
    probe("chosen-low", source="chosen", header={"flags": LOW_4K}),
    probe("chosen-at-2M", source="chosen", at=0x40200000, initrd=SMALL),
    *(probe(f"chosen-moved-{name}", source="chosen", header=header, at=at, size=4 * MIB,
            initrd=SMALL)
      for name, header, at in (
          ("4K", {}, 0x44001000), ("odd", {}, 0x44000003), ("up-1M", {}, 0x44100000),
          ("text-offset", {"text_offset": 0x80000}, 0x44000000),
          ("old", OLD, 0x44000000))),
    probe("chosen-text-offset", source="chosen", header={"text_offset": 0x80000}, at=0x44080000),
    probe("chosen-no-room-behind", source="chosen", header={"image_size": 128 * MIB},
          at=0x5F000000, initrd_at=0x40400000, initrd=SMALL),
    probe("chosen-moved-over-itself", source="chosen", at=0x40201000, size=8 * MIB),
    probe("chosen-initrd-behind-the-tree", source="chosen", initrd=4097,
          initrd_at=RAM_START + 0x100000),
    probe("chosen-initrd-odd", source="chosen", initrd=4097, initrd_at=0x48000005),
    probe("chosen-initrd-behind-the-kernel", source="chosen", size=4 * MIB, initrd=MIB,
          initrd_at=0x44400000),
    probe("chosen-initrd-inside-image-size", source="chosen", initrd=MIB,
          header={"image_size": 16 * MIB}, initrd_at=0x44400000),
    probe("chosen-initrd-far", source="chosen", memory="64G", initrd=MIB,
          initrd_at=RAM_START + 62 * GIB),
    probe("chosen-kernel-far", source="chosen", memory="64G", initrd=MIB, at=RAM_START + 62 * GIB),
    probe("chosen-both-far", source="chosen", memory="64G", initrd=MIB, at=RAM_START + 60 * GIB,
          initrd_at=RAM_START + 62 * GIB),
    probe("chosen-packed", source="chosen", pack="gzip", expect=(("moved", True),)),
    probe("chosen-32-bit-cells", source="chosen", initrd=SMALL, edit_tree=lambda tree:
          tree.chosen.properties.update(
              {name: value[4:] for name, value in tree.chosen.properties.items()
               if name.startswith("linux,initrd-")})),
    probe("guest-loader-moved", source="guest-loader", at=0x44001000, initrd=SMALL),

    # Packed kernels.
    *(probe(f"packed-{kind}", source="opt", pack=kind, size=3 * MIB, initrd=SMALL)
      for kind in ("gzip", "zboot-gzip", "zboot-zstd", "zboot-zstd22", "zboot-zstd-1k")),
    probe("packed-gzip-fixed", source="opt", pack="gzip-fixed", size=3 * MIB),
    probe("packed-gzip-no-acpi", "virt,acpi=off", source="opt", pack="gzip"),
    probe("packed-zboot-legacy", pack="zboot-zstd", size=3 * MIB),
    probe("packed-gzip-kernel", door="kernel", source="opt", pack="gzip"),
    probe("packed-gzip-no-dma", source="opt", pack="gzip", options=NO_DMA),
    probe("packed-gzip-text-offset", source="opt", pack="gzip", header={"text_offset": 0x80000}),

    # A kernel with its initrd and command line in one file.
    *(probe(f"uki-{source}", source=source, bundle="uki", initrd=100001)
      for source in ("legacy", "opt", "etc", "chosen", "guest-loader")),
    probe("uki-initrd", door="kernel", source="initrd", bundle="uki", initrd=100001),
    probe("uki-initrd-no-acpi", "virt,acpi=off", door="kernel", source="initrd", bundle="uki",
          initrd=100001),
    probe("uki-packed", source="opt", bundle="uki", pack="zboot-zstd", size=3 * MIB,
          initrd=SMALL),
    probe("uki-no-dma", source="opt", bundle="uki", initrd=SMALL, options=NO_DMA),
    probe("uki-of-kernel-alone", source="opt", bundle="uki", cmdline=b""),

    # The initrd.
    *(probe(f"initrd-{size}", initrd=size) for size in (1, 4095, 4096, 4097, 16 * MIB)),
    probe("initrd-1-opt", source="opt", initrd=1),
    probe("initrd-200M-of-256M", memory="256M", initrd=200 * MIB),
    probe("initrd-16M-no-acpi", "virt,acpi=off", initrd=16 * MIB),

    # The command line.
    *(probe(f"cmdline-{length}", cmdline=b"x" * length) for length in (0, 1, 2047)),
    probe("cmdline-0-no-acpi", "virt,acpi=off", cmdline=b""),
    probe("cmdline-0-opt", source="opt", cmdline=b""),
    probe("cmdline-60000", source="opt", cmdline=b"z" * 60000),
    probe("cmdline-60000-no-acpi", "virt,acpi=off", source="opt", cmdline=b"z" * 60000),
    probe("cmdline-all-bytes", cmdline=ALL_BYTES),
    probe("cmdline-all-bytes-opt", source="opt", cmdline=ALL_BYTES),
    probe("cmdline-keeps-spaces", cmdline=b"  a  b \t c  "),
    probe("cmdline-loses-one-newline", source="opt", cmdline=b"a b\n\n"),
    probe("cmdline-ends-at-nul", source="opt", cmdline=b"a b\0c\n"),
]

# The machine is reset this many times.
RESET_COUNT = 20
RESETS = [
    probe("reset", resets=True, reboots=True, initrd=SMALL),
    probe("reset-no-acpi", "virt,acpi=off", resets=True, reboots=True, initrd=SMALL),
    probe("reset-pflash-el2", "virt,virtualization=on", door="pflash", resets=True, reboots=True),
    probe("reset-kernel", door="kernel", source="opt", resets=True, reboots=True),
    probe("reset-chosen", source="chosen", resets=True, reboots=True, initrd=SMALL),
]


# -- bad input --------------------------------------------------------------------


def refused(name, stage, status, reason, machine="virt", **more):
    return Run(name, machine, fatal=(stage, status, reason), **more)


def bad_kernel(name, status, reason, header=None, **more):
    """A probe that is refused; its file goes in as it is."""
    return refused(name, "loader", status, reason,
                   **({"kernel": header or {}, "source": "opt"} | more))


def bad_file(name, content, status, reason, **more):
    return refused(name, "loader", status, reason, kernel=content, source="opt", **more)


def bad_hashes(name, hashes, status, reason, stage="payload", **more):
    """A probe that the table does not let through."""
    return refused(f"hashes-{name}", stage, status, reason, hashes=hashes,
                   **({"kernel": {}, "initrd": SMALL} | more))


def bad_chosen(name, status, reason, **more):
    """A /chosen that names what cannot be a kernel or an initrd."""
    return refused(name, "[a-z]+", status, reason, **({"kernel": {}, "source": "chosen"} | more))


def bad_tree(name, status, reason, change, **more):
    """change(bytearray of the VMM's tree) spoils it where QEMU has put it."""
    def pokes(tree):
        blob = bytearray(tree.write())
        changed = change(blob)
        return ((RAM_START, bytes(blob if changed is None else changed)),)
    return refused(f"tree-{name}", "[a-z]+", status, reason, kernel={}, pokes=pokes, **more)


def set_u32(offset, value):
    """Writes a word of the tree's header, or of its structure."""
    def change(blob):
        struct.pack_into(">I", blob, offset, value)
    return change


def set_length(name, length):
    """Gives the first property of that name another length, in a tree written anew."""
    def change(blob):
        at_strings, = struct.unpack_from(">I", blob, 12)
        offset = (blob[at_strings - 1:]).index(b"\0" + string(name))
        at_structure, = struct.unpack_from(">I", blob, 8)
        token = blob.index(struct.pack(">I", offset), at_structure) - 8
        while struct.unpack_from(">I", blob, token)[0] != PROPERTY:
            token = blob.index(struct.pack(">I", offset), token + 12) - 8
        struct.pack_into(">I", blob, token + 4, length)
    return change


def set_property(path, name, value):
    """A property is another; path names a child of the root, or is empty."""
    def change(tree):
        node = next((child for child in tree.root.children
                     if child.name.partition("@")[0] == path), tree.root)
        node.properties[name] = value
    return change


def bad_property(name, status, reason, path, prop, value):
    """The VMM's tree with another property, written anew where it was."""
    def pokes(tree):
        set_property(path, prop, value)(tree)
        return ((RAM_START, tree.write()),)
    return refused(f"tree-{name}", "[a-z]+", status, reason, kernel={}, pokes=pokes)


def in_chosen(**properties):
    """Properties of /chosen, with _ for the first - and the comma in "linux,"."""
    def change(tree):
        tree.chosen.properties.update(
            {"linux," + name.replace("_", "-"): value for name, value in properties.items()})
    return change


def cut(size):
    return lambda content: content[:size]


def flip(offset):
    """A byte is another; negative from the end."""
    def change(content):
        content = bytearray(content)
        content[offset] ^= 0x55
        return bytes(content)
    return change


def bomb(content):
    """A gzip file of 64 MiB that says it has 1 MiB."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    content = packer.compress(content + bytes(64 * MIB)) + packer.flush()
    return content[:-4] + struct.pack("<I", MIB)


def said_size(size):
    """Of a gzip file."""
    return lambda content: content[:-4] + struct.pack("<I", size)


PACKED = {"source": "opt", "size": 3 * MIB}
FORMAT = "bad-format|truncated|out-of-range"
# A cut gzip file ends with any number in the place of its size.
CUT = FORMAT + "|no-memory|too-large"

# Without RAM, the first exception is that of the stack, which QEMU knows to be no memory.
NO_STACK = "Invalid write at addr 0x401FDF[0-9A-F]{2}, size 8, .*"

REFUSED = [
    # Hash tables: other files than those that were agreed, and tables that are none.
    *(bad_hashes(f"{what}-{source}", hashes, "mismatch", f"{name}'s SHA-256 is [0-9a-f]{{64}},",
                 source=source)
      for source in ("legacy", "chosen")
      for what, name, hashes in (("head", "kernel", hashtable.other_kernel(0)),
                                 ("kernel", "kernel", hashtable.other_kernel(-1)),
                                 ("initrd", "initrd", hashtable.other_initrd),
                                 ("cmdline", "command line", hashtable.other_cmdline))),
    bad_hashes("packed", hashtable.other_kernel(-1), "mismatch", "kernel's", pack="gzip"),
    *(bad_hashes(f"table-{name}", *damaged, "hashes")
      for name, damaged in hashtable.DAMAGED.items()),
    bad_hashes("nowhere", lambda *_: bytes(hashtable.PADDED), "not-found",
               "there is no hash table at 0x", "hashes"),
    # No kernel, or none that can be used.
    refused("no-kernel", "payload", "not-found", "no kernel"),
    refused("no-kernel-no-acpi", "payload", "not-found", "no kernel", "virt,acpi=off"),
    refused("no-kernel-el2", "payload", "not-found", "no kernel", "virt,virtualization=on"),
    refused("no-kernel-pflash", "payload", "not-found", "no kernel", door="pflash"),
    refused("no-kernel-kernel", "payload", "not-found", "no kernel", door="kernel"),
    refused("no-vectors", "entry", "unsupported", "no vector registers", kernel={},
            cpu="max,vfp=off,neon=off"),
    refused("no-vectors-el2", "entry", "unsupported", "no vector registers",
            "virt,virtualization=on", kernel={}, cpu="max,vfp=off,neon=off"),
    refused("no-kernel-no-dma", "payload", "not-found", "no kernel", options=NO_DMA),
    bad_file("kernel-empty", b"", "not-found|truncated", "kernel"),
    bad_file("kernel-one-byte", b"M", "truncated", "1 byte|too few|cut"),
    bad_file("kernel-is-text", b"Not a kernel.\n" * 1000, "bad-format|unsupported", "arm64 Image"),
    bad_file("kernel-is-zeros", bytes(1 << 20), "bad-format|unsupported", "arm64 Image"),
    bad_kernel("kernel-without-magic", "bad-format|unsupported", "arm64 Image",
               NO_EFI_STUB | {"magic": b"ARM\x65"}),
    # With a stub, it can only be a UKI.
    refused("kernel-with-stub-without-magic", "payload", "bad-format", "PE header",
            kernel={"magic": b"ARM\x65"}, source="opt"),
    bad_kernel("kernel-cut-in-header", "truncated", "too few|header|cut", edit=cut(63)),
    bad_kernel("kernel-big-endian", "unsupported", "big-endian",
               {"flags": ANY_4K | BIG_ENDIAN}),
    bad_kernel("kernel-16K-pages", "unsupported", "16384", {"flags": PAGE_16K | ANYWHERE}),
    bad_kernel("image-size-over-memory", "no-memory", "kernel", {"image_size": GIB}),
    bad_kernel("image-size-absurd", "no-memory|out-of-range|bad-format", "kernel|image_size",
               {"image_size": (1 << 64) - 0x1000}),
    bad_kernel("text-offset-absurd", "no-memory|out-of-range|bad-format", "kernel|text_offset",
               {"text_offset": (1 << 64) - 0x80000}),
    bad_kernel("file-over-memory", "no-memory", "kernel", size=80 * MIB, memory="64M"),
    bad_kernel("initrd-over-memory", "no-memory", "initrd", memory="64M", initrd=96 * MIB),
    bad_kernel("initrd-and-kernel-over-memory", "no-memory", "initrd",
               {"image_size": 40 * MIB}, memory="64M", initrd=30 * MIB),
    refused("cmdline-3M", "payload", "too-large", "command line", kernel={}, source="opt",
            cmdline=b"x" * (3 * MIB)),

    # Packed kernels.
    *(bad_kernel(f"{kind}-corrupt", "bad-format|too-large", kind[-4:], pack=kind,
                 edit_packed=flip(offset), **PACKED)
      for kind, offset in (("gzip", 0x400), ("zboot-gzip", 0x1400), ("zboot-zstd", 0x1400))),
    *(bad_kernel(f"{kind}-truncated", CUT, "kernel|payload|gzip", pack=kind,
                 edit_packed=cut(0x1800), **PACKED)
      for kind in ("gzip", "zboot-gzip", "zboot-zstd")),
    *(bad_kernel(f"gzip-cut-to-{size}", CUT, "kernel|gzip", pack="gzip",
                 edit_packed=cut(size), **PACKED) for size in (3, 17, 64)),
    bad_kernel("gzip-ends-early", "bad-format|truncated", "gzip", pack="gzip",
               edit_packed=lambda content: content[:0x1800] + content[-8:], **PACKED),
    bad_kernel("gzip-wrong-crc", "bad-format", "", pack="gzip", edit_packed=flip(-6), **PACKED),
    bad_kernel("gzip-bomb", "too-large|bad-format", "", pack="gzip",
               edit_packed=lambda content: bomb(zlib.decompress(content, 31)), **PACKED),
    bad_kernel("gzip-says-too-little", "too-large|bad-format", "", pack="gzip",
               edit_packed=said_size(0x5000), **PACKED),
    bad_kernel("gzip-says-too-much", "bad-format|truncated", "", pack="gzip",
               edit_packed=said_size(100 * MIB), **PACKED),
    bad_kernel("gzip-over-memory", "no-memory|too-large", "", pack="gzip",
               edit_packed=said_size(0xFFFFFFFF), **PACKED),
    bad_kernel("gzip-of-nothing", "[a-z-]+", "", pack="gzip", edit_packed=lambda _: bytes.fromhex(
        "1f8b08000000000002030300000000000000 0000".replace(" ", "")), **PACKED),
    bad_kernel("gzip-of-text", "bad-format|unsupported", "arm64 Image", pack="gzip",
               edit_packed=lambda _: zlib.compress(b"Not a kernel.\n" * 1000, 9, 31), **PACKED),
    bad_kernel("gzip-of-gzip", "bad-format|unsupported", "", pack="gzip",
               edit_packed=lambda content: zlib.compress(content, 9, 31), **PACKED),
    bad_kernel("zboot-payload-outside", FORMAT, "", pack="zboot-gzip", **PACKED,
               edit_packed=lambda content: content[:8] + u32(0xFFFFFFF0) + content[12:]),
    bad_kernel("zboot-size-outside", FORMAT, "", pack="zboot-gzip", **PACKED,
               edit_packed=lambda content: content[:12] + b"\xff\xff\xff\x7f" + content[16:]),
    bad_kernel("zboot-unknown-compression", "unsupported", "lzma", pack="zboot-gzip", **PACKED,
               edit_packed=lambda content: content[:24] + b"lzma\0" + content[29:]),

    # UKIs.
    *(refused(f"uki-{name}", "payload", status, reason, kernel={}, source="opt", bundle="uki",
              edit_bundle=change)
      for name, status, reason, change in (
          ("cut", "out-of-range", ".linux", cut(-512)),
          ("of-x86", "unsupported", "0x8664", replaced(b"PE\0\0\x64\xaa", b"PE\0\0\x64\x86")),
          ("without-header", "bad-format", "PE", replaced(b"PE\0\0", b"PF\0\0")))),

    # What /chosen names.
    *(bad_chosen(f"chosen-{name}", status, "kernel|chosen", edit_tree=change)
      for name, status, change in (
        ("kernel-outside-ram", "out-of-range|overlap",
         in_chosen(kernel_start=u64(0x10000000))),
        ("kernel-past-ram", "out-of-range|overlap",
         in_chosen(kernel_start=u64(RAM_START + 511 * MIB), kernel_size=u64(2 * MIB))),
        ("kernel-wraps", "out-of-range|bad-format",
         in_chosen(kernel_start=u64((1 << 64) - 4096), kernel_size=u64(8192))),
        ("kernel-over-the-tree", "overlap",
         in_chosen(kernel_start=u64(RAM_START))),
        ("kernel-over-the-firmware", "out-of-range|overlap",
         in_chosen(kernel_start=u64(0))),
        ("kernel-over-our-stack", "overlap",
         in_chosen(kernel_start=u64(RAM_START + 0x1F0000))),
        ("kernel-size-0", "bad-format|not-found|truncated|out-of-range",
         in_chosen(kernel_size=u64(0))),
        ("kernel-size-of-3-bytes", "bad-format",
         in_chosen(kernel_size=b"abc")),
        ("kernel-start-of-no-bytes", "bad-format",
         in_chosen(kernel_start=b"")))),
    bad_chosen("chosen-kernel-without-size", "bad-format|not-found", "kernel",
               edit_tree=lambda tree: tree.chosen.properties.pop("linux,kernel-size")),
    bad_chosen("chosen-kernel-is-nothing", "bad-format|unsupported", "arm64 Image",
               edit_tree=in_chosen(kernel_start=u64(0x50000000), kernel_size=u64(MIB))),
    *(bad_chosen(f"chosen-initrd-{name}", status, "initrd", initrd=SMALL, edit_tree=change)
      for name, status, change in (
        ("outside-ram", "out-of-range|overlap",
         in_chosen(initrd_start=u64(0x10000000), initrd_end=u64(0x10001000))),
        ("ends-before-it-starts", "bad-format|out-of-range",
         in_chosen(initrd_end=u64(0x47000000))),
        ("over-the-kernel", "overlap",
         in_chosen(initrd_start=u64(0x44000000), initrd_end=u64(0x44001000))),
        ("over-the-tree", "overlap",
         in_chosen(initrd_start=u64(RAM_START), initrd_end=u64(RAM_START + 8192))),
        ("end-of-5-bytes", "bad-format", in_chosen(initrd_end=b"12345")))),

    # What the VMM has for ACPI.
    *(refused(f"script-{name}", "acpi", status, "", "virt,acpi=off", kernel={},
              fw_cfg=tableloader.fw_cfg([*tableloader.SOUND, entry]))
      for name, status, entry in (
          ("is-cut", "truncated|bad-format", b"\1\0\0\0"),
          ("pointer-past-end", "out-of-range",
           tableloader.add_pointer(tableloader.RSDP, tableloader.TABLES, 36, 8)))),

    # The device tree.
    refused("tree-missing", "[a-z]+", "not-found|bad-format", "device tree", kernel={},
            pokes=((RAM_START, bytes(64)),)),
    refused("tree-missing-el2", "[a-z]+", "not-found|bad-format", "device tree",
            "virt,virtualization=on", kernel={}, pokes=((RAM_START, bytes(64)),)),
    refused("tree-x0-not-aligned", "[a-z]+", "[a-z-]+", "device tree", kernel={},
            x0=RAM_START + 4),
    refused("tree-x0-is-zeros", "[a-z]+", "[a-z-]+", "device tree", kernel={}, x0=0x41000000),
    bad_tree("bad-magic", "not-found|bad-format", "device tree|magic", set_u32(0, 0xD00DFEEE)),
    bad_tree("past-ram", "too-large", "claims 2147483647 bytes", set_u32(4, 0x7FFFFFFF)),
    bad_tree("of-40-bytes", FORMAT, "", set_u32(4, 40)),
    bad_tree("of-3-bytes", FORMAT, "", set_u32(4, 3)),
    bad_tree("version-2", "unsupported|bad-format", "version", set_u32(20, 2)),
    bad_tree("structure-outside", FORMAT, "", set_u32(8, 0x7FFFFFF0)),
    bad_tree("strings-outside", FORMAT, "", set_u32(12, 0x7FFFFFF0)),
    bad_tree("reserve-map-outside", FORMAT, "", set_u32(16, 0x7FFFFFF0)),
    bad_tree("structure-cut", FORMAT, "", set_u32(36, 0x200)),
    bad_tree("structure-ends-early", FORMAT, "", set_u32(0x40, 9)),
    bad_tree("strings-cut", FORMAT, "", set_u32(32, 1)),
    bad_tree("property-of-2G", FORMAT, "", set_length("compatible", 0x7FFFFFFF)),
    *(bad_property(f"{path or 'root'}-{prop}-of-{len(value)}", FORMAT, "", path, prop, value)
      for path, prop, value in (
          ("memory", "reg", bytes(12)), ("", "#address-cells", b"\0\2"),
          ("fw-cfg", "reg", bytes(8)))),
    bad_property("address-cells-5", FORMAT + "|unsupported", "", "", "#address-cells", u32(5)),
    bad_property("no-memory", "not-found", "has no memory", "memory", "device_type",
                 b"mammary\0"),
    bad_property("fw-cfg-in-ram", "overlap", "in RAM", "fw-cfg", "reg", u64(0x401DC000, 0x18)),
    bad_property("pl011-in-ram", "overlap", "in RAM", "pl011", "reg", u64(0x48000000, 0x1000)),
    *(refused(f"tree-x0-is-{x0:#x}", "cpu", "fault", "cannot be reported", kernel={}, x0=x0)
      for x0 in (0x123400000000, 0xFFFF000000000000)),
    refused("tree-x0-is-no-memory", "fdt", "bad-format", "magic", kernel={}, x0=0x20000000),
    refused("no-ram", "cpu", "fault", "cannot be reported", memory="1M", faults=NO_STACK),
    refused("no-ram-el2", "cpu", "fault", "cannot be reported", "virt,virtualization=on",
            memory="1M", faults=NO_STACK),
    bad_property("memory-wraps", FORMAT, "", "memory", "reg", u64((1 << 64) - 4096, 8192)),
]

# EL3 has no PSCI: one line, and the machine waits.
HANGS = [
    refused("secure", "[a-z]+", "unsupported", "EL3", "virt,secure=on", kernel={}),
    refused("secure-smp", "[a-z]+", "unsupported", "EL3", "virt,secure=on", kernel={}, smp=4),
]

# Nothing can be read, but the kernel is entered, and resets the machine.
NO_SERIAL = both(probe("no-serial", resets=True, serial=False))

# -- Linux ------------------------------------------------------------------------

GUEST, GUEST_KEXEC = "guest", "guest-kexec"         # initrds, see conftest.py
KERNELS = ("arm64-6.1", "arm64-6.12", "arm64-6.1-cloud")
KEXEC_KERNEL = "arm64-6.1"
DEVICES = ("-netdev", "user,id=net0,restrict=on", "-device", "virtio-net-pci,romfile=,netdev=net0")
HOTPLUG = ("-device", "pcie-root-port,id=port0")
LARGE_NODES = tuple(word.replace("256M", "512M") for word in TWO_NODES)
GIC_3, EL2, NO_ACPI = "virt,gic-version=3", "virt,virtualization=on", "virt,acpi=off"
CONSOLE = b"console=ttyAMA0 "


def linux(name, kernel="arm64-6.1", machine="virt", mode=b"test", console=CONSOLE, more=b"",
          **rest):
    words = console + b"panic=-1 slipway.mode=" + mode + more
    return Run(name, machine, kernel=kernel, cmdline=words,
               **{"options": DEVICES, "initrd": GUEST, "smp": 2} | rest)


WAIT = b" slipway.wait=hotplug"
NEW = {"kernel": "arm64-6.12", "qemu": "10.0"}

LINUX = [
    # ACPI; the machine as it is, without a word about the console.
    linux("linux-6.1", console=b"", compare=True),
    linux("linux-6.12", **NEW, machine=GIC_3, console=b"", smp=8, compare=True),
    linux("linux-hotplug-6.1", more=WAIT, options=DEVICES + HOTPLUG),
    linux("linux-hotplug-6.12-el2", **NEW, machine=EL2 + ",gic-version=3", more=WAIT,
          options=DEVICES + HOTPLUG),
    # AAVMF counts flash as RAM, which the SRAT knows nothing of: Linux then gives up NUMA.
    linux("linux-numa", options=DEVICES + LARGE_NODES, memory="1G", compare=True,
          allow="pci_bus .* Unknown NUMA node"),
    linux("linux-memory-256M-pflash", memory="256M", smp=1, door="pflash"),
    linux("linux-memory-8G-el2-cloud", "arm64-6.1-cloud", EL2, memory="8G",
          cpu="max,pauth-impdef=on"),
    # The device tree.
    linux("linux-no-acpi-6.1", machine=NO_ACPI, console=b"", compare=True),
    linux("linux-no-acpi-6.12-gic-3", **NEW, machine=GIC_3 + ",acpi=off", smp=8,
          more=WAIT, options=DEVICES + HOTPLUG),
    linux("linux-acpi-off-numa", more=b" acpi=off", options=DEVICES + LARGE_NODES, memory="1G"),
    # Other ways for the kernel to come.
    linux("linux-opt-gzip-kernel", source="opt", pack="gzip", door="kernel"),
    linux("linux-opt-zboot-gzip-6.12", **NEW, source="opt", pack="zboot-gzip"),
    linux("linux-opt-zboot-zstd-cloud", "arm64-6.1-cloud", source="opt", pack="zboot-zstd"),
    linux("linux-chosen", source="chosen", initrd_at=0x50000000),
    linux("linux-guest-loader-no-acpi", machine=NO_ACPI, source="guest-loader",
          initrd_at=0x50000000),
    linux("linux-opt-appended-initrd", source="opt", bundle="appended"),
    linux("linux-initrd-appended-6.12", **NEW, source="initrd", bundle="appended", door="kernel"),
    linux("linux-initrd-uki", source="initrd", bundle="uki", door="kernel"),
    # The same file starts on UEFI.
    linux("linux-uki-stub", bundle="uki-stub", compare=True),
    linux("linux-initrd-uki-stub-6.12", **NEW, source="initrd", bundle="uki-stub", door="kernel"),
    linux("linux-chosen-uki-no-acpi", machine=NO_ACPI, source="chosen", bundle="uki"),
    # And on from there.
    linux("linux-kexec", memory="1G", more=b" slipway.kexec", initrd=GUEST_KEXEC),
    linux("linux-kexec-no-acpi", machine=NO_ACPI, memory="1G", more=b" slipway.kexec",
          initrd=GUEST_KEXEC),
]

REBOOT_COUNT = 20
REBOOTS = [linux("reboot-linux", "arm64-6.1-cloud", mode=b"reboot", console=CONSOLE + b"quiet ",
                 reboots=True)]
