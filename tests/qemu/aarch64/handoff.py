# SPDX-License-Identifier: BSD-2-Clause
"""The rules of the hand-off on AArch64: what every kernel may expect of its firmware.

They are rules as rules.py has them.  The sources are Linux Documentation/arch/arm64/booting.rst ("booting.rst" here),
Documentation/arch/arm/uefi.rst, and the UEFI, ACPI and SMBIOS specifications.
"""

import struct

from devicetree import number, string, u64
from machines import GIB, MIB
from ranges import Range, common_size, covered, hexes, overlap
from rules import Rules, rule_silent  # noqa: F401
from .image import ANYWHERE
from .probe.probe import EFI_TABLES
from .trial import RAM_START

PAGE = 4096
DAIF_ALL = 0xF << 6
SCTLR_M, SCTLR_C, SCTLR_EE = 1 << 0, 1 << 2, 1 << 25
SCTLR_A, SCTLR_SA, SCTLR_WXN = 1 << 1, 1 << 3, 1 << 19

BASE_ALIGNMENT = 2 * MIB
FDT_SIZE_MAX = 2 * MIB
LOW = 16 * MIB                  # a kernel that must be near the start of RAM begins below
OLD_TEXT_OFFSET = 0x80000       # when image_size is 0

SYSTEM_TABLE_SIZE = 120
CONFIGURATION_TABLE_SIZE = 24
DESCRIPTOR_SIZE, DESCRIPTOR_VERSION = 40, 1
LOADER_CODE, CONVENTIONAL, ACPI_RECLAIM = 1, 7, 9
WRITE_BACK, RUNTIME = 8, 1 << 63
SECURE_BOOT_DISABLED = 2

SEEDS = ("kaslr-seed", "rng-seed")
# What /chosen of the stub tree has, and how many bytes; the others depend on the VMM.
EFI_PROPERTIES = {"linux,uefi-system-table": 8, "linux,uefi-mmap-start": 8,
                  "linux,uefi-mmap-size": 4, "linux,uefi-mmap-desc-size": 4,
                  "linux,uefi-mmap-desc-ver": 4, "linux,uefi-secure-boot": 4}
# What the VMM's tree may lose: it speaks of a kernel to load.
SPENT = {"linux,kernel-start", "linux,kernel-size"}


def chosen(boot):
    return boot.tree.chosen.properties


# -- memory -----------------------------------------------------------------------


def memory_map(boot):
    """The EFI memory map: Ranges, kind = (type, attributes)."""
    if boot.efi_map is None:
        return []
    size = number(chosen(boot).get("linux,uefi-mmap-desc-size", b"")) or DESCRIPTOR_SIZE
    _, content = boot.efi_map
    found = []
    for offset in range(0, len(content) - DESCRIPTOR_SIZE + 1, size):
        kind, start, _, pages, attributes = struct.unpack_from("<I4xQQQQ", content, offset)
        found.append(Range(start, start + pages * PAGE, (kind, attributes)))
    return found


def memory_of_type(boot, kind):
    return [item for item in memory_map(boot) if item.kind[0] == kind]


def kernel_area(boot, run):
    size = max(run.header.image_size or 0, len(run.image))
    return Range(boot.load, boot.load + size, "kernel")


def payload(boot, run):
    """What the kernel gets and may use the memory of, by name.

    It reserves its tree and the memory map before it uses any.
    """
    yield kernel_area(boot, run)
    if boot.efi_map:
        yield Range(boot.efi_map[0], boot.efi_map[0] + len(boot.efi_map[1]), "EFI memory map")
    yield Range(boot.fdt, boot.fdt + boot.fdt_header[1], "device tree")
    start, size, *_ = boot.initrd
    if size:
        yield Range(start, start + size, "initrd")


def tables(boot):
    """What the firmware leaves in memory for the kernel to read, now or after kexec."""
    if boot.efi_system_table:
        addr, content = boot.efi_system_table
        yield Range(addr, addr + SYSTEM_TABLE_SIZE, "EFI system table")
        count, array = struct.unpack_from("<QQ", content, 104)
        yield Range(array, array + CONFIGURATION_TABLE_SIZE * count, "EFI configuration tables")
    if boot.efi_vendor:
        addr, content = boot.efi_vendor
        yield Range(addr, addr + len(vendor(content)) * 2 + 2, "EFI vendor")
    if boot.efi_rt_properties:
        yield Range(boot.efi_rt_properties[0], boot.efi_rt_properties[0] + 8, "RT properties")
    if boot.efi_reservations:
        yield Range(boot.efi_reservations[0], boot.efi_reservations[0] + 16, "EFI reservations")
    if boot.rsdp:
        yield Range(boot.rsdp.addr, boot.rsdp.addr + 36, "RSDP")
    for table in boot.acpi:
        yield Range(table.addr, table.addr + table.length, f"ACPI {table.signature}")
    if boot.smbios:
        addr, table = boot.smbios.addr, boot.smbios.table_addr
        yield Range(addr, addr + 24, "SMBIOS entry point")
        yield Range(table, table + boot.smbios.table_length, "SMBIOS table")


def vendor(content):
    """The UTF-16 string at the start of bytes."""
    return content.decode("utf-16-le", "replace").partition("\0")[0]


# -- entry ------------------------------------------------------------------------


def rule_registers(boot, run):
    """booting.rst, "Call the kernel image"."""
    if boot.x[0] != boot.fdt or boot.x[1:] != (0, 0, 0):
        yield "x0-x3 are " + ", ".join(f"{value:#x}" for value in boot.x)
    if boot.daif & DAIF_ALL != DAIF_ALL:
        yield f"DAIF is {boot.daif:#x}: not all exceptions are masked"


def rule_exception_level(boot, run):
    """The kernel gets the level that the machine started in."""
    if boot.el != run.el:
        yield f"entered at EL{boot.el}, the machine starts at EL{run.el}"


def rule_mmu_and_cache_off(boot, run):
    """booting.rst: "The MMU must be off"; the instruction cache may be on."""
    if boot.sctlr & SCTLR_M:
        yield f"the MMU is on: SCTLR is {boot.sctlr:#x}"
    if boot.sctlr & SCTLR_C:
        yield f"the data cache is on: SCTLR is {boot.sctlr:#x}"
    if boot.sctlr & SCTLR_EE:
        yield f"data are big-endian: SCTLR is {boot.sctlr:#x}"


def rule_nothing_forbidden(boot, run):
    """A kernel finds off what would fault one that has not prepared for it (Arm ARM, SCTLR)."""
    if boot.sctlr & (SCTLR_A | SCTLR_SA | SCTLR_WXN):
        yield f"SCTLR is {boot.sctlr:#x}"


# -- kernel, device tree, initrd ---------------------------------------------------


def could_stay(run, text_offset):
    """Whether the kernel can run where the VMM has put it."""
    if run.in_memory is None or (run.in_memory - text_offset) % BASE_ALIGNMENT:
        return False
    size = max(run.header.image_size or 0, len(run.image))
    area = Range(run.in_memory, run.in_memory + size)
    return covered(area, run.ram) and not overlap(area, run.initrd_in_memory)


def rule_kernel_placed(boot, run):
    """booting.rst, "Call the kernel image": text_offset bytes from a 2 MiB aligned base."""
    if not boot.image_intact:
        yield "the kernel in memory differs from the file"
    text_offset = run.header.text_offset if run.header.image_size != 0 else OLD_TEXT_OFFSET
    base = boot.load - text_offset
    if base % BASE_ALIGNMENT:
        yield f"loaded at {boot.load:#x}, {text_offset:#x} past what is no multiple of 2 MiB"
    fits = could_stay(run, text_offset)
    if fits and boot.load != run.in_memory:
        yield f"moved to {boot.load:#x}, though it could stay at {run.in_memory:#x}"
    anywhere = run.header.flags & ANYWHERE and run.header.image_size != 0
    if not anywhere and not fits and base - RAM_START > LOW:
        yield f"loaded at {boot.load:#x}, far from the start of RAM"


def rule_device_tree_placed(boot, run):
    """booting.rst, "Setup the device tree"."""
    size = boot.fdt_header[1]
    if boot.fdt % 8:
        yield f"the device tree lies at {boot.fdt:#x}"
    if size > FDT_SIZE_MAX:
        yield f"the device tree has {size:#x} bytes"


def rule_everything_in_ram_and_apart(boot, run):
    parts = list(payload(boot, run)) + list(tables(boot))
    for area in parts:
        if not covered(area, run.ram):
            yield f"{area.kind} {hexes(area)} is not all RAM"
    for i, first in enumerate(parts):
        for second in parts[i + 1:]:
            if overlap(first, second):
                yield f"{first.kind} {hexes(first)} overlaps {second.kind} {hexes(second)}"


def rule_command_line(boot, run):
    """No bootargs and empty ones are the same to the kernel."""
    found = chosen(boot).get("bootargs", b"\0")
    if found != string(run.cmdline_seen):
        yield f"bootargs are {found[:80]!r}, not {string(run.cmdline_seen)[:80]!r}"


def rule_initrd(boot, run):
    start, size, *sums = boot.initrd
    if size != run.initrd:
        yield f"the initrd has {size} bytes, not {run.initrd}"
    for name, value in (("linux,initrd-start", start), ("linux,initrd-end", start + size)):
        if chosen(boot).get(name) != (u64(value) if run.initrd else None):
            yield f"{name} is {chosen(boot).get(name)}"
    if run.initrd and tuple(sums) != run.initrd_sums:
        yield "the initrd's bytes differ from the file's"


def rule_window(boot, run):
    """booting.rst: the initrd must lie within a window of 32 GiB, 1 GiB aligned, that
    covers the kernel too."""
    start, size, *_ = boot.initrd
    kernel = kernel_area(boot, run)
    if size:
        low = min(start, kernel.start) // GIB * GIB
        if max(start + size, kernel.end) > low + 32 * GIB:
            yield f"initrd at {start:#x} and kernel {hexes(kernel)} are in no window of 32 GiB"


def rule_seeds(boot, run):
    """The kernel gets seeds, which are nowhere else: the VMM's tree has lost them."""
    given = boot.vmm_tree.chosen.properties if boot.vmm_tree else {}
    for name, size in (("kaslr-seed", 8), ("rng-seed", 32)):
        value = chosen(boot).get(name, b"")
        if run.seeds and (len(value) != size or len(set(value)) < 3):
            yield f"{name} is {value.hex() or 'missing'}"
        if not run.seeds and value:
            yield f"{name} comes from nowhere"
        if any(given.get(name, b"")):
            yield f"{name} is still in the VMM's tree"


# -- without ACPI ------------------------------------------------------------------


def without_chosen(node):
    return [child for child in node.children if child.name != "chosen"]


def rule_tree_of_the_vmm(boot, run):
    """Without ACPI the kernel gets the VMM's tree, of which only /chosen was edited."""
    if run.hands_acpi:
        return
    ours, theirs = boot.tree, run.vmm_tree
    if ours.reservations != theirs.reservations:
        yield f"memory reservations are {ours.reservations}, the VMM's {theirs.reservations}"
    if ours.root.properties != theirs.root.properties:
        yield "the root's properties differ from the VMM's"
    if [child.name for child in without_chosen(ours.root)] \
            != [child.name for child in without_chosen(theirs.root)]:
        yield f"the root's children are {[child.name for child in ours.root.children]}"
    for child in without_chosen(theirs.root):
        if child != ours.root.child(child.name):
            yield f"/{child.name} differs from the VMM's"
    edited = {"bootargs", "linux,initrd-start", "linux,initrd-end", *SEEDS, *SPENT}
    found, wanted = ({name: value for name, value in tree.chosen.properties.items()
                      if name not in edited} for tree in (ours, theirs))
    if found != wanted:
        yield f"/chosen has {found}, the VMM's {wanted}"
    if boot.efi_system_table or any(name.startswith("linux,uefi") for name in chosen(boot)):
        yield "there is an EFI hand-over"


# -- with ACPI ---------------------------------------------------------------------


def rule_stub_tree(boot, run):
    """With ACPI the tree has /chosen alone: with any other node arm64 prefers the tree."""
    if not run.hands_acpi:
        return
    root = boot.tree.root
    if [child.name for child in root.children] != ["chosen"] or root.child("chosen").children:
        yield f"the stub tree has nodes {[child.name for child in root.children]}"
    for name in ("#address-cells", "#size-cells"):
        if root.properties.get(name) != struct.pack(">I", 2):
            yield f"{name} is {root.properties.get(name)}"
    if boot.tree.reservations:
        yield f"the stub tree reserves {boot.tree.reservations}"
    for name, size in EFI_PROPERTIES.items():
        value = chosen(boot).get(name)
        if value is None or len(value) != size:
            yield f"{name} is {value}, not a number of {size} bytes"
    known = {*EFI_PROPERTIES, *SEEDS, "bootargs", "linux,initrd-start", "linux,initrd-end",
             "stdout-path"}
    for name in set(chosen(boot)) - known:
        yield f"/chosen has {name}"
    if chosen(boot).get("stdout-path") != (run.stdout_path and string(run.stdout_path)):
        yield f"stdout-path is {chosen(boot).get('stdout-path')}"
    for name, wanted in (("linux,uefi-secure-boot", SECURE_BOOT_DISABLED),
                         ("linux,uefi-mmap-desc-size", DESCRIPTOR_SIZE),
                         ("linux,uefi-mmap-desc-ver", DESCRIPTOR_VERSION)):
        if number(chosen(boot).get(name, b"")) != wanted:
            yield f"{name} is not {wanted}"


def rule_system_table(boot, run):
    """UEFI 2.10, 4.3; no services are there to be called."""
    if not run.hands_acpi:
        return
    if boot.efi_system_table is None:
        yield "there is no EFI system table"
        return
    addr, content = boot.efi_system_table
    signature, revision, size, _, reserved = struct.unpack_from("<8sIIII", content)
    if signature != b"IBI SYST":
        yield f"the system table's signature is {signature!r}"
    if size != SYSTEM_TABLE_SIZE or reserved:
        yield f"the system table says it has {size} bytes, reserved field {reserved:#x}"
    if revision >> 16 != 2:
        yield f"the system table's revision is {revision:#x}"
    if addr % 8:
        yield f"the system table lies at {addr:#x}"
    text = vendor(boot.efi_vendor[1]) if boot.efi_vendor else ""
    if "Slipway" not in text:
        yield f"the vendor is {text!r}"
    services = struct.unpack_from("<2Q", content, 88)
    if any(services):
        yield f"runtime and boot services are at {services}"


def rule_configuration_tables(boot, run):
    if not run.hands_acpi:
        return
    names = [name for name, _ in boot.efi_tables]
    smbios = 1 if run.bios_vendor else 0
    for name, wanted in (("ACPI 2.0", 1), ("SMBIOS 3", smbios), ("RT properties", 1)):
        if names.count(name) != wanted:
            yield f"{names.count(name)} configuration tables are {name}: {names}"
    for name in set(names) - set(EFI_TABLES.values()):
        yield f"configuration table {name} is not expected"
    if boot.efi_reservations and any(boot.efi_reservations[1]):
        yield f"the list of reservations starts with {boot.efi_reservations[1].hex()}"


def rule_rt_properties(boot, run):
    """Version 1, length 8, nothing supported: else the kernel calls a null table."""
    if run.hands_acpi and (boot.efi_rt_properties is None
                           or struct.unpack("<HHI", boot.efi_rt_properties[1]) != (1, 8, 0)):
        yield f"the RT properties table is {boot.efi_rt_properties}"


def rule_memory_map_sane(boot, run):
    """UEFI 2.10, 7.2.3; whole descriptors, sorted, apart."""
    if not run.hands_acpi:
        return
    ranges = memory_map(boot)
    if not ranges:
        yield "there is no memory map"
        return
    addr, content = boot.efi_map
    if addr % 8 or len(content) % DESCRIPTOR_SIZE:
        yield f"the memory map lies at {addr:#x} and has {len(content)} bytes"
    for item in ranges:
        kind, attributes = item.kind
        if item.size <= 0 or item.start % PAGE:
            yield f"range {hexes(item)} is not made of pages"
        if attributes & RUNTIME:
            yield f"range {hexes(item)} is for runtime services"
        if kind > 14:
            yield f"range {hexes(item)} has type {kind}"
    for first, second in zip(ranges, ranges[1:]):
        if first.end > second.start:
            yield f"{hexes(first)} and {hexes(second)} overlap or are not sorted"
        if first.end == second.start and first.kind == second.kind:
            yield f"{hexes(first)} and {hexes(second)} are one range"


def rule_memory_map_tells_the_ram(boot, run):
    """All RAM is in the map as write-back memory, and nothing else is."""
    if not run.hands_acpi:
        return
    ranges = memory_map(boot)
    cached = [item for item in ranges if item.kind[1] & WRITE_BACK]
    for item in cached:
        if not covered(item, run.ram):
            yield f"{hexes(item)} is not all RAM"
    missing = sum(item.size for item in run.ram) - common_size(cached, run.ram)
    if missing:
        yield f"{missing:#x} bytes of RAM are not in the map as write-back memory"
    for item in ranges:
        if item not in cached and any(overlap(item, ram) for ram in run.ram):
            yield f"RAM {hexes(item)} is not write-back"
    kept = sum(item.size for item in run.ram) - common_size(
        memory_of_type(boot, CONVENTIONAL), run.ram)
    if kept > run.kept_limit:
        yield f"{kept:#x} bytes of RAM are not given to the kernel"


def rule_memory_map_keeps_the_tables(boot, run):
    """Tables are in ACPI reclaim memory, each within one descriptor, since arm64 maps no
    other as a table; the kernel, its initrd and its tree are in what it may use."""
    if not run.hands_acpi:
        return
    for table in tables(boot):
        if not any(item.start <= table.start and table.end <= item.end
                   for item in memory_of_type(boot, ACPI_RECLAIM)):
            yield f"{table.kind} {hexes(table)} is not in one range of ACPI reclaim memory"
    for area in payload(boot, run):
        if not covered(area, memory_of_type(boot, CONVENTIONAL)):
            yield f"{area.kind} {hexes(area)} is not in free memory"


def rule_rsdp(boot, run):
    if run.hands_acpi:
        if boot.rsdp is None:
            yield "there is no RSDP"
        elif not boot.rsdp.content.startswith(b"RSD PTR ") or boot.rsdp.content[15] < 2 \
                or not boot.rsdp.checksum_ok:
            yield f"the RSDP is {boot.rsdp.content.hex()}"
    elif boot.rsdp:
        yield "there is an RSDP"


def rule_acpi_tables(boot, run):
    if not run.hands_acpi:
        return
    signatures = [table.signature for table in boot.acpi]
    for wanted in ("XSDT", "FACP", "DSDT", "APIC", "GTDT", "MCFG", "SPCR"):
        if signatures.count(wanted) != 1:
            yield f"{signatures.count(wanted)} tables are {wanted} among {signatures}"
    for table in boot.acpi:
        if table.checksum:
            yield f"ACPI {table.signature} at {table.addr:#x} sums to {table.checksum:#x}"
        if not all(32 <= ord(c) < 127 for c in table.signature):
            yield f"ACPI table at {table.addr:#x} has signature {table.signature!r}"
    madt = boot.table("APIC")
    if madt:
        offset, cpus = 44, 0
        while offset + 2 <= len(madt.content):
            kind, length = madt.content[offset:offset + 2]
            if kind == 0x0B:
                cpus += madt.content[offset + 12] & 1
            offset += max(length, 2)
        if cpus != run.smp:
            yield f"the MADT has {cpus} enabled CPUs, not {run.smp}"


def rule_smbios(boot, run):
    """The entry point of SMBIOS 3; one type 0, which is ours, and one type 1; an end."""
    if not run.hands_acpi or boot.smbios is None:
        return
    smbios = boot.smbios
    if smbios.version != 3 or smbios.anchor[6] != 24 or not smbios.checksum_ok:
        yield f"the SMBIOS entry point is {smbios.anchor.hex()}"
    structures = smbios.structures()
    kinds = [kind for kind, _, _ in structures]
    for kind in (0, 1, 127):
        if kinds.count(kind) != 1:
            yield f"SMBIOS has {kinds.count(kind)} structures of type {kind}"
    for kind, _, strings in structures:
        if kind == 0 and strings[:1] != [run.bios_vendor]:
            yield f"SMBIOS type 0 has strings {strings}"


RULES = Rules(globals())
