# SPDX-License-Identifier: BSD-2-Clause
"""The tables, as text for a terminal and as Markdown for the docs.

A table is a list of rows of strings, the first of them its head. The first columns hold words,
the others numbers.
"""

from functools import partial

from .budgets import WORDS, count_of
from .limits import growth
from .machines import KIB, LARGE_KERNEL, OURS, PACKED, PORTED, PORTS, SIZES

NOTHING = "-"
NOT_COUNTED = "not counted"


def number(value, cost=None, sign=""):
    """A count; those of a run that was stopped are lower bounds."""
    if value is None:
        return NOT_COUNTED
    return ("over " if cost and not cost.reached else "") + f"{value:{sign},}"


def costs_table(figures):
    """What a small kernel costs."""
    table = [["machine", "firmware", "instructions", "device accesses", "DMA transfers",
              "bytes of DMA", "bytes written", "pages touched", "image, KiB"]]
    for machine, firmware in figures.rows():
        cost = figures.of(machine, firmware, "plain")
        if cost is None:
            continue
        size = image_size(figures, machine, firmware)
        counts = (cost.instructions, cost.accesses, cost.transfers, cost.transferred,
                  cost.written, cost.pages)
        table.append([machine, firmware, *(number(count, cost) for count in counts),
                      number(size // KIB) if size else NOTHING])
    return table


def image_size(figures, machine, firmware):
    """Bytes; 0 where there is no image. Ours is kept by architecture."""
    arch = next(port.name for port in PORTS.values() if machine in port.machines)
    return figures.images.get(arch if firmware == OURS else f"{firmware} {machine}", 0)


def growth_table(figures):
    heads = [f"{more}, not {less}" for less, more in SIZES]
    table = [["machine", "firmware", *heads]]
    for machine, firmware in figures.rows():
        grown = [growth(figures, machine, firmware, less, more) for less, more in SIZES]
        if any(value is not None for value in grown):
            table.append([machine, firmware, *(NOTHING if value is None else number(value, sign="+")
                                               for value in grown)])
    return table


def ours_by(figures, part):
    """Table of ours: a row for each name in a dict of Cost, a column for each machine."""
    machines = [machine for machine, firmware in figures.rows()
                if firmware == OURS and figures.of(machine, OURS, "plain")]
    costs = [figures.of(machine, OURS, "plain") for machine in machines]
    return machines, [getattr(cost, part) for cost in costs]


def merged(dicts):
    """Names of dicts in the order that most of them have: each behind what it follows."""
    order = []
    for names in map(list, dicts):
        at = 0
        for name in names:
            if name in order:
                at = max(at, order.index(name) + 1)
            else:
                order.insert(at, name)
                at += 1
    return order


def phases_table(counts, figures):
    """Two counts of each phase, with a slash between them."""
    machines, phases = ours_by(figures, "phases")
    table = [["phase", *machines]]
    for name in merged(phases):
        found = [costs.get(name) for costs in phases]
        table.append([name, *(NOTHING if phase is None else " / ".join(
            number(getattr(phase, count)) for count in counts) for phase in found)])
    return table


def devices_table(figures):
    """Accesses to each region, as QEMU names it, of ours and of qboot."""
    table = [["machine", "firmware", "accesses by region"]]
    for machine, firmware in figures.rows():
        cost = figures.of(machine, firmware, "plain")
        if cost and firmware in (OURS, "qboot"):
            devices = sorted(cost.devices.items(), key=lambda item: (-item[1], item[0]))
            table.append([machine, firmware, ", ".join(f"{name} {count:,}"
                                                       for name, count in devices)])
    return table


def ports_table(figures):
    table = [["machine", "with", "instructions", "device accesses"]]
    for (machine, firmware, variant), cost in figures.costs.items():
        if firmware == OURS and variant in PORTED:
            table.append([machine, variant, number(cost.instructions), number(cost.accesses)])
    return table


def packed_table(figures):
    """What unpacking takes, for a byte that comes out."""
    table = [["machine", "packing", "instructions to unpack", "instructions per byte",
              "bytes written per byte"]]
    for (machine, _, variant), cost in figures.costs.items():
        if variant in PACKED:
            phase = cost.phases["unpack"]
            table.append([machine, variant, number(phase.instructions),
                          *(f"{count / LARGE_KERNEL:.2f}"
                            for count in (phase.instructions, phase.written))])
    return table


def bars_table(figures):
    table = [["machine or image", "what", "bar", "now", "still to go"]]
    for bar in figures.bars:
        count = count_of(figures, bar)
        if count is not None:
            left = f"{count - bar.limit:,}" if count > bar.limit else "reached"
            table.append([bar.machine, WORDS[bar.count], f"{bar.limit:,}", f"{count:,}", left])
    return table


# Name, which docs/performance.md has too, what makes it, and how many columns hold words.
TABLES = {
    "costs": (costs_table, 2),
    "growth": (growth_table, 2),
    "phases": (partial(phases_table, ("instructions", "accesses")), 1),
    "written": (partial(phases_table, ("written", "pages")), 1),
    "devices": (devices_table, 3),
    "ports": (ports_table, 2),
    "packed": (packed_table, 2),
    "bars": (bars_table, 2),
}
TITLES = {
    "costs": "from reset to an 8 KiB kernel",
    "growth": "instructions more, with a larger kernel or initrd",
    "phases": "instructions / device accesses by phase",
    "written": "bytes written / pages first touched by phase",
    "devices": "device accesses by region",
    "ports": "with PCI Express root ports",
    "packed": "kernels of 14 MiB to unpack",
    "bars": "how far the bars are",
}


def as_text(table, words):
    widths = [max(map(len, column)) for column in zip(*table)]
    return "\n".join("  ".join(
        cell.ljust(width) if i < words else cell.rjust(width)
        for i, (cell, width) in enumerate(zip(row, widths))).rstrip() for row in table)


def as_markdown(table, words):
    rule = ["---" if i < words else "---:" for i in range(len(table[0]))]
    return "\n".join(f"| {' | '.join(row)} |" for row in (table[0], rule, *table[1:]))


def print_tables(figures):
    for name, (make, words) in TABLES.items():
        table = make(figures)
        if len(table) > 1:
            print(f"\n{TITLES[name]}\n\n{as_text(table, words)}")
