# SPDX-License-Identifier: BSD-2-Clause
"""Holds ours against qboot, and what must not grow with kernel, initrd and root ports."""

from .machines import MIB, OURS, PORTED, SIZED, SIZES

GROWTH_LIMIT = 100                          # instructions, less than one per 128 KiB
STEP_GROWTH_LIMIT = 1.1                     # so much may a step of root ports cost more
# AArch64 cleans the kernel's cache lines, four in ten instructions, and maps it.
CLEANING_PER_LINE, CACHE_LINE, MAPPING_PER_BLOCK, BLOCK = 2.5, 64, 20, 2 * MIB


def cleaning(port, variant):
    """Instructions that AArch64 needs to clean a kernel."""
    if port.name != "aarch64":
        return 0
    size = SIZED[variant].kernel
    return size // CACHE_LINE * CLEANING_PER_LINE + size // BLOCK * MAPPING_PER_BLOCK


def growth(figures, machine, firmware, less, more):
    """Instructions that `more` costs more than `less`, None where one is missing."""
    costs = [figures.of(machine, firmware, variant) for variant in (less, more)]
    return costs[1].instructions - costs[0].instructions if all(costs) else None


def growth_complaints(port, figures, machine):
    for less, more in SIZES:
        grown = growth(figures, machine, OURS, less, more)
        allowed = GROWTH_LIMIT + cleaning(port, more) - cleaning(port, less)
        if grown is not None and grown > allowed:
            yield (f"{machine}: {grown:,} instructions more with {more} than with {less}, "
                   f"{allowed:,.0f} are due")


def qboot_complaints(figures, machine):
    for variant in SIZED:
        ours, qboot = (figures.of(machine, name, variant) for name in (OURS, "qboot"))
        if qboot is None:
            yield f"{machine}, {variant}: nothing to compare with"
        elif ours.instructions > qboot.instructions:
            yield (f"{machine}, {variant}: {ours.instructions:,} instructions, "
                   f"qboot {qboot.instructions:,}")


def port_complaints(figures, machine):
    """Root ports are in two equal steps; the second may cost little more than the first."""
    costs = [figures.of(machine, OURS, variant) for variant in ("plain", *PORTED)]
    if not all(costs):
        return
    for unit in ("instructions", "accesses"):
        none, half, full = (getattr(cost, unit) for cost in costs)
        if full - half > STEP_GROWTH_LIMIT * (half - none):
            yield (f"{machine}: {half - none:,} {unit} more with half of the root ports, "
                   f"{full - half:,} with the other half")


def limit_complaints(port, figures, machines, alone):
    """What is wrong, a line each; `alone` when no other firmware was measured."""
    for machine in machines:
        yield from growth_complaints(port, figures, machine)
        yield from port_complaints(figures, machine)
        if port.name == "x86_64" and not alone:
            yield from qboot_complaints(figures, machine)
