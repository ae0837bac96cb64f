# SPDX-License-Identifier: BSD-2-Clause
"""The rules of the hand-off: what every kernel may expect of its firmware.

They are rules as rules.py has them.  The sources are Linux
Documentation/arch/x86/boot.rst ("boot.rst" here), the ACPI and SMBIOS
specifications, and Intel's manual, volume 3 ("SDM").
"""

from probe import bzimage
from probe.probe import E820_ACPI, E820_NVS, E820_RAM, E820_RESERVED, SETUP_RNG_SEED
from machines import GIB, KIB, MIB, PCI_HOST_PC, PCI_HOST_Q35
from ranges import Range, common_size, covered, hexes, overlap
from rules import Rules, rule_silent  # noqa: F401

PAGE = 4096
CR0_PE, CR0_PG = 1, 1 << 31
CR0_EM, CR0_TS, CR0_CACHE_OFF = 1 << 2, 1 << 3, 3 << 29
CR4_PAE, CR4_OSFXSR = 1 << 5, 1 << 9
EFER_LMA, EFER_LME, EFER_NXE = 1 << 10, 1 << 8, 1 << 11
RFLAGS_IF, RFLAGS_DF = 1 << 9, 1 << 10

UNCACHED, WRITE_BACK = 0, 6
VARIABLE_MTRRS = 8
LVT_MASKED = 1 << 16

# Header fields that belong to the loader; the others reach the kernel as they
# were in the file (boot.rst, "type" column: write, modify).
LOADER_FIELDS = {"vid_mode", "type_of_loader", "loadflags", "setup_move_size", "code32_start",
                 "ramdisk_image", "ramdisk_size", "heap_end_ptr", "ext_loader_ver",
                 "ext_loader_type", "cmd_line_ptr", "kernel_alignment", "setup_data"}


def ram(boot):
    return [r for r in boot.e820 if r.kind == E820_RAM]


def kernel_area(boot, run):
    size = run.header.init_size if run.header.version >= 0x20A else run.payload_size
    return Range(boot.load, boot.load + max(size, run.payload_size), "kernel")


def header_end(run):
    """Where the header ends that the kernel's file has; boot_params has room to 0x290."""
    return min(0x202 + run.image[0x201], 0x290)


def areas(boot, run):
    """Everything handed over that must lie in RAM and apart, by name."""
    yield kernel_area(boot, run)
    yield Range(boot.boot_params_addr, boot.boot_params_addr + PAGE, "boot_params")
    if boot.cmdline_addr:
        yield Range(boot.cmdline_addr, boot.cmdline_addr + len(boot.cmdline) + 1, "command line")
    if boot.initrd and boot.initrd[1]:
        yield Range(boot.initrd[0], boot.initrd[0] + boot.initrd[1], "initrd")
    for node in boot.setup_data:
        yield Range(node.addr, node.addr + 16 + node.length, f"setup_data type {node.type}")


def tables(boot):
    """What the firmware keeps in memory for the kernel to read."""
    for table in boot.acpi:
        yield Range(table.addr, table.addr + table.length, f"ACPI {table.signature}")
    for smbios in boot.smbios:
        yield Range(smbios.table_addr, smbios.table_addr + smbios.table_length, "SMBIOS table")


# -- entry ------------------------------------------------------------------------


def rule_entered_as_the_kernel_asks(boot, run):
    """64-bit when XLF_KERNEL_64 says so (2.12 and later), else 32-bit; never 16-bit."""
    header = run.header
    wanted = 64 if header.version >= 0x20C and header.xloadflags & bzimage.XLF_KERNEL_64 else 32
    if boot.entries != [wanted]:
        yield f"entered through {boot.entries}, wanted [{wanted}]"


def rule_registers(boot, run):
    """boot.rst, "32-bit Boot Protocol" and "64-bit Boot Protocol"."""
    if boot.rflags & RFLAGS_IF:
        yield "interrupts are enabled"
    if boot.rflags & RFLAGS_DF:
        yield "the direction flag is set"
    if boot.segments["cs"] != 0x10:
        yield f"cs is {boot.segments['cs']:#x}, not __BOOT_CS"
    for name in ("ds", "es", "ss"):
        if boot.segments[name] != 0x18:
            yield f"{name} is {boot.segments[name]:#x}, not __BOOT_DS"
    if boot.mode == 32:
        for name in ("rbp", "rdi", "rbx"):
            if boot.gpr[name]:
                yield f"{name} is {boot.gpr[name]:#x}, not zero"
        if boot.cr0 & CR0_PG:
            yield "paging is enabled"
        if not boot.cr0 & CR0_PE:
            yield "protected mode is off"
    else:
        if boot.cr0 & (CR0_PG | CR0_PE) != CR0_PG | CR0_PE:
            yield f"cr0 is {boot.cr0:#x}"
        if not boot.cr4 & CR4_PAE:
            yield f"cr4 is {boot.cr4:#x}"
        if boot.efer & (EFER_LMA | EFER_LME) != EFER_LMA | EFER_LME:
            yield f"efer is {boot.efer:#x}"


def rule_nothing_forbidden(boot, run):
    """A kernel finds off what it has to prepare for, such as SMEP and SMAP, all of CR4 that long
    mode and SSE do not need; caches and SSE are on (SDM 2.5, 2.2.1)."""
    needed = CR4_PAE | CR4_OSFXSR if boot.mode == 64 else 0
    if boot.cr4 & ~needed:
        yield f"cr4 is {boot.cr4:#x}"
    if boot.cr0 & (CR0_EM | CR0_TS | CR0_CACHE_OFF):
        yield f"cr0 is {boot.cr0:#x}"
    if boot.efer & ~(EFER_LMA | EFER_LME | EFER_NXE):
        yield f"efer is {boot.efer:#x}"


def rule_descriptors(boot, run):
    """Flat 4 GiB segments; code readable, data writable; 64-bit code where it is due."""
    code, data = boot.descriptor("cs"), boot.descriptor("ds")
    for name, descriptor in (("code", code), ("data", data)):
        base = descriptor >> 16 & 0xFFFFFF | descriptor >> 56 << 24
        limit = descriptor & 0xFFFF | descriptor >> 32 & 0xF0000
        granular = descriptor >> 55 & 1
        if boot.mode == 32 and (base, limit, granular) != (0, 0xFFFFF, 1):
            yield f"the {name} segment is not flat: {descriptor:#018x}"
        if descriptor >> 47 & 1 == 0 or descriptor >> 45 & 3:
            yield f"the {name} segment is not present at ring 0: {descriptor:#018x}"
    if code >> 40 & 0x1A != 0x1A:
        yield f"the code segment is not execute/read: {code:#018x}"
    if data >> 40 & 0x1A != 0x12:
        yield f"the data segment is not read/write: {data:#018x}"
    if (code >> 53 & 1) != (boot.mode == 64):
        yield f"the code segment's L bit is wrong: {code:#018x}"
    if boot.mode == 32 and not code >> 54 & 1:
        yield f"the code segment is not 32-bit: {code:#018x}"


def rule_page_tables(boot, run):
    """boot.rst: the whole of the kernel's init_size, boot_params and the command line
    are identity-mapped.  Linux's decompressor needs the first MiB too."""
    if boot.mode != 64:
        return
    wanted = [Range(0, MIB, "the first MiB")] + [
        area for area in areas(boot, run) if area.kind in ("kernel", "boot_params",
                                                           "command line")]
    for area in wanted:
        if not boot.mapped(area.start, area.end):
            yield f"{area.kind} {hexes(area)} is not identity-mapped read-write-execute"
    if boot.cr3 >= 4 * GIB:
        yield f"cr3 is {boot.cr3:#x}, above 4 GiB"
    for addr in boot.page_tables:
        table = Range(addr, addr + PAGE)
        if overlap(table, kernel_area(boot, run)):
            yield f"page table at {addr:#x} lies in the kernel's area"
        if not covered(table, boot.e820):
            yield f"page table at {addr:#x} is not in memory that e820 knows"


# -- kernel, initrd, command line -------------------------------------------------


def rule_kernel_placed(boot, run):
    header, load = run.header, boot.load
    area = kernel_area(boot, run)
    if not boot.payload_intact:
        yield "the payload differs from the file's"
    if load < MIB:
        yield f"loaded at {load:#x}, below 1 MiB"
    if area.end > 4 * GIB and not header.xloadflags & bzimage.XLF_CAN_BE_LOADED_ABOVE_4G:
        yield f"loaded at {hexes(area)}, above 4 GiB, which the kernel cannot bear"
    preferred = header.pref_address if header.version >= 0x20A else MIB
    if not header.relocatable_kernel and load != preferred:
        yield f"a kernel that is not relocatable was loaded at {load:#x}, not {preferred:#x}"
    if not header.relocatable_kernel:
        return
    told = boot.hdr.kernel_alignment
    lowest = 1 << header.min_alignment if header.min_alignment else header.kernel_alignment
    if header.version < 0x20A:
        lowest = header.kernel_alignment
    if load % told:
        yield f"loaded at {load:#x}, while kernel_alignment says {told:#x}"
    if told != header.kernel_alignment and not lowest <= told < header.kernel_alignment:
        yield f"kernel_alignment was changed to {told:#x}; {lowest:#x} is the least"
    if header.version >= 0x20A and load != preferred:
        wanted = Range(preferred, preferred + area.size)
        taken = Range(MIB, MIB + 64 * KIB) if run.made_by_another else Range(0, MIB)  # our image
        if (preferred % told == 0 and wanted.end <= 4 * GIB and covered(wanted, ram(boot))
                and not overlap(wanted, taken)):
            yield f"loaded at {load:#x} though {preferred:#x} is free RAM"
        # Linux moves itself up to pref_address from anywhere below (boot.rst, init_size).
        if load < preferred:
            yield f"loaded at {load:#x}, below pref_address"


def rule_everything_in_free_ram(boot, run):
    """RAM by e820, nothing on top of anything else, none of it in the firmware's tables."""
    parts = list(areas(boot, run))
    for area in parts:
        if not covered(area, ram(boot)) and not area.kind.startswith("setup_data"):
            yield f"{area.kind} {hexes(area)} is not all RAM"
        if not covered(area, boot.e820):
            yield f"{area.kind} {hexes(area)} is not in memory that e820 knows"
    for i, first in enumerate(parts):
        for second in parts[i + 1:] + list(tables(boot)):
            if overlap(first, second):
                yield (f"{first.kind} {hexes(first)} overlaps {second.kind} {hexes(second)}")


def rule_command_line(boot, run):
    if boot.cmdline != run.cmdline_seen:
        yield f"the command line is {boot.cmdline[:80]!r}, not {run.cmdline_seen[:80]!r}"
    if boot.cmdline_addr == 0 and run.cmdline_seen:
        yield "there is no command line"
    if boot.cmdline_addr >= 4 * GIB and boot.mode == 32:
        yield f"the command line is at {boot.cmdline_addr:#x}, beyond a 32-bit kernel"


def rule_initrd(boot, run):
    if boot.initrd is None:
        return
    addr, size, *sums = boot.initrd
    if size != run.initrd:
        yield f"the initrd has {size} bytes, not {run.initrd}"
    if size == 0:
        if addr:
            yield f"no initrd, but its address is {addr:#x}"
        return
    if tuple(sums) != run.initrd_sums:
        yield "the initrd's bytes differ from the file's"
    if addr % PAGE:
        yield f"the initrd lies at {addr:#x}, inside a page"
    header = run.header
    above = header.version >= 0x20C and header.xloadflags & bzimage.XLF_CAN_BE_LOADED_ABOVE_4G
    if not above and addr + size - 1 > header.initrd_addr_max:
        yield f"the initrd ends at {addr + size:#x}, above initrd_addr_max"


# -- boot_params ------------------------------------------------------------------


def rule_header_copied(boot, run):
    """boot.rst: the header, 0x1f1 to 0x202 + the byte at 0x201, comes from the file; the
    fields that are the loader's hold its values."""
    end = header_end(run)
    skip = set()
    for name in LOADER_FIELDS:
        offset, fmt = bzimage.LAYOUT[name]
        skip.update(range(offset, offset + bzimage.struct.calcsize(fmt)))
    for offset in range(0x1F1, end):
        if offset not in skip and boot.boot_params[offset] != run.image[offset]:
            yield (f"header byte {offset:#x} is {boot.boot_params[offset]:#x}, "
                   f"the file has {run.image[offset]:#x}")
    if boot.hdr.type_of_loader != 0xFF:
        yield f"type_of_loader is {boot.hdr.type_of_loader:#x}, not 0xff"
    if not boot.hdr.loadflags & bzimage.LOADED_HIGH:
        yield "loadflags lost LOADED_HIGH"
    if boot.load < 4 * GIB and boot.hdr.code32_start != boot.load:
        yield f"code32_start is {boot.hdr.code32_start:#x}, the kernel is at {boot.load:#x}"


def rule_boot_params_zeroed(boot, run):
    """boot.rst: all of boot_params that the loader does not fill is zero."""
    known = [(0x70, 8),                                  # acpi_rsdp_addr
             (0xC0, 12),                                 # ext_ramdisk_*, ext_cmd_line_ptr
             (0x1E8, 1), (0x2D0, 20 * min(boot.boot_params[0x1E8], 128)),     # e820
             (0x1F1, header_end(run) - 0x1F1)]  # the header
    for offset, byte in enumerate(boot.boot_params):
        if byte and not any(start <= offset < start + size for start, size in known):
            yield f"boot_params byte {offset:#x} is {byte:#x}, not zero"


def rule_setup_data(boot, run):
    """The list ends, each node is whole, and the nodes that the VMM gave are there."""
    if boot.setup_data and boot.setup_data[-1].next:
        yield "the setup_data list does not end"
    found = {}
    for node in boot.setup_data:
        if node.type in found:
            yield f"two setup_data nodes of type {node.type}"
        found[node.type] = node
    for kind in set(found) - set(run.setup_data) - {SETUP_RNG_SEED}:
        yield f"setup_data of type {kind} comes from nowhere"
    for kind, (length, sums) in run.setup_data.items():
        node = found.get(kind)
        if node is None:
            yield f"no setup_data of type {kind}"
        elif (node.length, node.sums) != (length, sums):
            yield f"setup_data of type {kind} is not what the VMM gave"
    has_rdrand = boot.cpuid[1][2] >> 30 & 1
    seed = found.get(SETUP_RNG_SEED)
    if has_rdrand and run.header.version >= 0x209:
        if seed is None:
            yield "the CPU has RDRAND, but there is no RNG seed"
        elif seed.length < 32 or len(set(seed.content)) < 8:
            yield f"the RNG seed is poor: {seed.content.hex()}"
    elif seed:
        yield "there is an RNG seed without RDRAND"


# -- memory map -------------------------------------------------------------------


def rule_e820_sane(boot, run):
    ranges = boot.e820
    if not ranges:
        yield "the memory map is empty"
    for item in ranges:
        if item.size <= 0:
            yield f"an empty range at {item.start:#x}"
        if item.kind not in (E820_RAM, E820_RESERVED, E820_ACPI, E820_NVS):
            yield f"range {hexes(item)} has type {item.kind}"
    for first, second in zip(ranges, ranges[1:]):
        if first.end > second.start:
            yield f"{hexes(first)} and {hexes(second)} overlap or are not sorted"
        if first.end == second.start and first.kind == second.kind:
            yield f"{hexes(first)} and {hexes(second)} are one range"


def rule_e820_tells_the_ram(boot, run):
    """All RAM is in the map, nothing else is RAM, and little of it is kept back."""
    machine_ram = run.machine.usable_ram(run.memory_size)
    for item in ram(boot):
        if not covered(item, machine_ram):
            yield f"{hexes(item)} is not all RAM"
    known = common_size(boot.e820, machine_ram)
    given = common_size(ram(boot), machine_ram)
    total = sum(area.size for area in machine_ram)
    if known < total:
        yield f"{total - known:#x} bytes of RAM are not in the map"
    if total - given > run.kept_limit:
        yield f"{total - given:#x} bytes of RAM are not given to the kernel"


def rule_e820_keeps_the_tables(boot, run):
    """No table lies in RAM that the kernel takes for its own; ACPI tables are typed so,
    or reserved where another firmware made the map."""
    for table in tables(boot):
        if any(overlap(table, item) for item in ram(boot)):
            yield f"{table.kind} {hexes(table)} lies in RAM"
    allowed = {E820_ACPI, E820_NVS} | ({E820_RESERVED} if run.made_by_another else set())
    for table in boot.acpi:
        area = Range(table.addr, table.addr + table.length)
        kinds = {item.kind for item in boot.e820 if overlap(item, area)}
        if not kinds or not kinds <= allowed:
            yield f"ACPI {table.signature} {hexes(area)} has e820 types {kinds}"


def rule_e820_reserves_ecam(boot, run):
    """Linux uses the PCI Express window only where e820 or ACPI reserves it."""
    window = run.machine.fixed_ecam
    mcfg = boot.table("MCFG")
    if mcfg:
        base = int.from_bytes(mcfg.content[44:52], "little")
        buses = mcfg.content[55] - mcfg.content[54] + 1
        window = Range(base, base + buses * MIB)
    if window and not covered(window, [i for i in boot.e820 if i.kind == E820_RESERVED]):
        yield f"PCI Express window {hexes(window)} is not reserved"


# -- tables -----------------------------------------------------------------------


def rule_rsdp(boot, run):
    """acpi_rsdp_addr (2.14) is right, and kernels that only scan find the same."""
    if not run.machine.acpi:
        if boot.rsdp_told or boot.rsdp_found:
            yield "there is an RSDP on a machine without ACPI"
        return
    if run.header.version >= 0x20E and boot.rsdp_told is None:
        yield "acpi_rsdp_addr is zero"
    if len(boot.rsdp_found) != 1:
        yield f"a scan of 0xe0000-0xfffff finds {len(boot.rsdp_found)} RSDPs"
    if boot.rsdp_told:
        if not boot.rsdp_told.checksum_ok:
            yield "acpi_rsdp_addr leads to no sound RSDP"
        if boot.rsdp_found and boot.rsdp_told.addr != boot.rsdp_found[0].addr:
            yield (f"acpi_rsdp_addr is {boot.rsdp_told.addr:#x}, "
                   f"a scan finds {boot.rsdp_found[0].addr:#x}")


def rule_acpi_tables(boot, run):
    if not run.machine.acpi:
        return
    signatures = [table.signature for table in boot.acpi]
    for wanted in ("FACP", "DSDT", "APIC") + (("MCFG",) if run.machine.mcfg else ()):
        if wanted not in signatures:
            yield f"no {wanted} among {signatures}"
    for table in boot.acpi:
        if table.checksum:
            yield f"ACPI {table.signature} at {table.addr:#x} sums to {table.checksum:#x}"
        if not all(32 <= ord(c) < 127 for c in table.signature):
            yield f"ACPI table at {table.addr:#x} has signature {table.signature!r}"
    madt = boot.table("APIC")
    if madt and madt.content:
        offset, cpus = 44, 0
        while offset + 2 <= len(madt.content):
            kind, length = madt.content[offset:offset + 2]
            if kind == 0:
                cpus += madt.content[offset + 4] & 1
            offset += max(length, 2)
        if cpus != run.smp:
            yield f"the MADT has {cpus} enabled CPUs, not {run.smp}"


def rule_smbios(boot, run):
    """Both checksums; one type 0 and one type 1; an end-of-table structure."""
    if (run.machine.smbios or not run.made_by_another) and len(boot.smbios) != 1:
        yield f"a scan finds {len(boot.smbios)} SMBIOS anchors"
    for smbios in boot.smbios:
        if not smbios.checksum_ok:
            yield f"the SMBIOS anchor at {smbios.addr:#x} has a wrong checksum"
        structures = smbios.structures()
        kinds = [kind for kind, _, _ in structures]
        for kind in (0, 1, 127):
            if kinds.count(kind) != 1:
                yield f"SMBIOS has {kinds.count(kind)} structures of type {kind}"
        if smbios.version == 2:
            count = int.from_bytes(smbios.anchor[28:30], "little")
            largest = int.from_bytes(smbios.anchor[8:10], "little")
            if count != len(structures):
                yield f"the SMBIOS anchor counts {count} structures of {len(structures)}"
            sizes = [len(area) + max(sum(len(s) + 1 for s in strings) + 1, 2)
                     for _, area, strings in structures]
            if largest < max(sizes):
                yield f"the SMBIOS anchor says at most {largest} bytes, one has {max(sizes)}"


# -- platform ---------------------------------------------------------------------


def memory_type(boot, addr):
    """The memory type that the MTRRs give an address above 1 MiB (SDM 12.11)."""
    default = boot.msr[0x2FF]
    if not default >> 11 & 1:
        return UNCACHED
    types = []
    for index in range(boot.msr[0xFE] & 0xFF):
        base, mask = boot.msr[0x200 + 2 * index], boot.msr[0x201 + 2 * index]
        mask_bits = mask & ~0xFFF
        if mask >> 11 & 1 and addr & mask_bits == base & mask_bits:
            types.append(base & 0xFF)
    if not types:
        return default & 0xFF
    return UNCACHED if UNCACHED in types else max(types)


def uncached_start(low_ram):
    """From where to 4 GiB nothing is cached: from the end of RAM, if as many registers as a
    virtual CPU has suffice for the pieces, each a power of two, that this takes."""
    start, left = 4 * GIB, 4 * GIB - low_ram
    for _ in range(VARIABLE_MTRRS):
        size = 1 << left.bit_length() >> 1
        start, left = start - size, left - size
    return start


def rule_memory_types(boot, run):
    """RAM is write-back; from its end, about, to 4 GiB nothing is cached."""
    for item in ram(boot):
        if item.start < MIB:
            continue
        for addr in (item.start, (item.start + item.end) // 2, item.end - PAGE):
            if memory_type(boot, addr) != WRITE_BACK:
                yield f"RAM at {addr:#x} has memory type {memory_type(boot, addr)}"
    for addr in (uncached_start(run.machine.low_ram(run.memory_size)), 0xE0000000, 0xFEC00000,
                 0xFEE00000, 0xFFFFF000):
        if memory_type(boot, addr) != UNCACHED:
            yield f"device memory at {addr:#x} has memory type {memory_type(boot, addr)}"
    if not boot.msr[0x2FF] >> 10 & 1:
        yield "the fixed-range MTRRs are disabled"
    for index in (0x250, 0x258):
        if boot.msr[index] != 0x0606060606060606:
            yield f"MTRR {index:#x} is {boot.msr[index]:#x}: RAM below 640 KiB is not write-back"
    if boot.msr[0x259]:
        yield f"MTRR 0x259 is {boot.msr[0x259]:#x}: the VGA window is cached"


def rule_chipset(boot, run):
    """Power management and the PCI Express window are where the ACPI tables say."""
    host = boot.pci.get((0, 0))
    if not run.machine.host_bridge:
        return
    if host is None:
        yield "no PCI host bridge at 0:0.0"
        return
    identity = int.from_bytes(host[:4], "little")
    power = boot.pci.get({PCI_HOST_PC: (1, 3), PCI_HOST_Q35: (0x1F, 0)}[identity])
    if run.machine.acpi:
        base = int.from_bytes(power[0x40:0x44], "little") & 0xFF80
        enabled = power[0x80] & 1 if identity == PCI_HOST_PC else power[0x44] & 0x80
        if base != 0x600 or not enabled:
            yield f"PMBASE is {base:#x}, enabled {enabled:#x}"
        fadt = boot.table("FACP")
        if fadt and int.from_bytes(fadt.content[56:60], "little") != base:
            yield "the FADT's PM1a event block is not at PMBASE"
    if identity == PCI_HOST_Q35:
        window = int.from_bytes(host[0x60:0x68], "little")
        mcfg = boot.table("MCFG")
        if not window & 1:
            yield "PCIEXBAR is not enabled"
        if mcfg and int.from_bytes(mcfg.content[44:52], "little") != window & ~0x7:
            yield f"the MCFG does not say PCIEXBAR's {window:#x}"


def rule_no_interrupt_waits(boot, run):
    """Where the 8259s reach the CPU (local APIC, LINT0), they are masked, as the kernel's
    own 16-bit setup would do: Linux does not look at them on a hardware-reduced machine."""
    if boot.lapic[1] & LVT_MASKED:
        return
    if boot.pic_masks != (0xFF, 0xFF):
        yield "the 8259s' masks are {:#x} and {:#x}".format(*boot.pic_masks)


RULES = Rules(globals())
