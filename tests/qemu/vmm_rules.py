# SPDX-License-Identifier: BSD-2-Clause
"""The rules of a hand-off by a VMM that has done a firmware's work: all that is the VMM's
reaches the kernel as it was.

They are rules as rules.py has them, of a VmmTrial, and come on top of those of handoff.py but
for SKIP, which are about a firmware's own work.
"""

from machines import MIB
from probe.probe import E820_RESERVED
from ranges import Range, covered, hexes, overlap
from rules import Rules

SKIP = ("memory_types", "rsdp")
PAGE = 4096
# Where the firmware may write below 1 MiB: README, "Memory map".
FIRMWARE_AREA = Range(0x30000, 0x98000)
TSS_TYPE = 0x51D                # the launcher has loaded the TSS: the CPU marks it
MTRR_DEFAULT, MTRR_DEFAULT_VALUE = 0x2FF, 0x806
MTRRS = (*range(0x200, 0x210), 0x250, 0x258, 0x259, *range(0x268, 0x270))


def rule_memory_map(boot, run):
    """Every range of the VMM's map has its type; the firmware adds reserved ones alone."""
    for item in run.vmm.memory_map:
        if not covered(item, [found for found in boot.e820 if found.kind == item.kind]):
            yield f"{hexes(item)} of the VMM's map is no longer all of type {item.kind}"
    for item in boot.e820:
        if item.kind != E820_RESERVED and not covered(item, sorted(
                run.vmm.memory_map, key=lambda found: found.start)):
            yield f"{hexes(item)} of type {item.kind} is not in the VMM's map"


def rule_tables_reserved(boot, run):
    """Nothing that the kernel needs as it is lies in RAM, the pointer to the EBDA aside."""
    for kept in run.vmm.kept:
        if kept.start < PAGE:
            continue
        if any(overlap(kept, item) for item in boot.e820 if item.kind != E820_RESERVED):
            yield f"the VMM's table {hexes(kept)} is not reserved"


def rule_rsdp_of_the_vmm(boot, run):
    """The kernel is told of the VMM's RSDP, or finds it by its own scan."""
    told = boot.rsdp_told.addr if boot.rsdp_told else None
    if told != run.vmm.rsdp and (told or run.vmm.told_rsdp):
        yield f"acpi_rsdp_addr is {told}, the VMM's RSDP is at {run.vmm.rsdp:#x}"
    wanted = [run.vmm.rsdp] if 0xE0000 <= run.vmm.rsdp < MIB else []
    if [rsdp.addr for rsdp in boot.rsdp_found] != wanted:
        yield f"a scan of 0xe0000-0xfffff finds {[hex(rsdp.addr) for rsdp in boot.rsdp_found]}"
    if not boot.acpi:
        yield "there are no ACPI tables"


def rule_low_memory_untouched(boot, run):
    """The firmware writes below 1 MiB where it says so, and nowhere else."""
    for address in range(0, MIB, PAGE):
        if not FIRMWARE_AREA.start <= address < FIRMWARE_AREA.end:
            before, after = (memory[address:address + PAGE]
                             for memory in (run.memory_before, run.memory_after))
            changed = [address + i for i in range(PAGE if before != after else 0)
                       if before[i] != after[i] and address + i != TSS_TYPE]
            if changed:
                yield f"{len(changed)} bytes from {changed[0]:#x} on were written"


def rule_tables_untouched(boot, run):
    for kept in run.vmm.kept:
        if run.memory_after[kept.start:kept.end] != run.vmm.pieces[kept.start]:
            yield f"the VMM's table {hexes(kept)} was written"


def rule_module_untouched(boot, run):
    for module, content in zip(run.vmm.modules, run.modules_after):
        if content != run.module.read_bytes():
            yield f"the module {hexes(module)} was written"


def rule_initrd_in_place(boot, run):
    """What starts at a page in the module is not copied."""
    start, size, *_ = boot.initrd
    module = run.vmm.modules[0]
    if run.bundle == "appended" and size and start != module.end - size:
        yield f"the initrd is at {start:#x}, not in the module {hexes(module)}"


def rule_memory_types_of_the_vmm(boot, run):
    """The MTRRs of one processor are not changed behind the back of the others."""
    if boot.msr[MTRR_DEFAULT] != MTRR_DEFAULT_VALUE:
        yield f"the default memory type is {boot.msr[MTRR_DEFAULT]:#x}"
    changed = {hex(index): hex(boot.msr[index]) for index in MTRRS if boot.msr[index]}
    if changed:
        yield f"MTRRs were written: {changed}"


RULES = Rules(globals())
