# SPDX-License-Identifier: BSD-2-Clause
"""The rules of a hand-off by a VMM that has done a firmware's work: all that is the VMM's
reaches the kernel as it was.

They are rules as rules.py has them, of a VmmTrial, and come on top of those of handoff.py.
"""

from ranges import Range, hexes
from rules import Rules
from . import vmm_memory
from .handoff import ACPI_RECLAIM, memory_of_type


def rule_rsdp_of_the_vmm(boot, run):
    """The kernel is told of the VMM's RSDP, in its place."""
    if run.hands_acpi and (boot.rsdp is None or boot.rsdp.addr != vmm_memory.RSDP):
        found = boot.rsdp and hex(boot.rsdp.addr)
        yield f"the RSDP is at {found}, the VMM's at {vmm_memory.RSDP:#x}"


def rule_tables_kept(boot, run):
    """All that the VMM has for its tables is kept from the kernel, after kexec too."""
    area = Range(vmm_memory.RSDP, vmm_memory.RSDP + vmm_memory.ACPI_SIZE)
    if run.hands_acpi and not any(item.start <= area.start and area.end <= item.end
                                  for item in memory_of_type(boot, ACPI_RECLAIM)):
        yield f"the VMM's area {hexes(area)} is not ACPI reclaim memory"


def rule_nothing_overwritten(boot, run):
    """Neither the initrd, nor tables that the kernel wants."""
    for area, content in run.placed.items():
        wanted = area == run.module or run.hands_acpi
        if wanted and run.placed_after[area] != content:
            yield f"what the VMM has put at {hexes(area)} was written"


def rule_initrd_in_place(boot, run):
    start, size, *_ = boot.initrd
    if size and not run.module.start <= start < run.module.end:
        yield f"the initrd is at {start:#x}, not in the VMM's {hexes(run.module)}"


RULES = Rules(globals())
