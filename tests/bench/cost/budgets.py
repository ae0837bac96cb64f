# SPDX-License-Identifier: BSD-2-Clause
"""Holds what ours costs against budgets.toml, to the unit."""

from dataclasses import replace

from .figures import Figures
from .machines import OURS, PACKED

COUNTS = ("instructions", "accesses", "transfers", "transferred", "written", "pages")
WORDS = {
    "instructions": "instructions",
    "accesses": "device accesses",
    "transfers": "DMA transfers",
    "transferred": "bytes of DMA",
    "written": "bytes written",
    "pages": "pages touched",
    "image": "bytes of image",
}
REWRITE = "make bench BUDGETS=write"
COMMENT = f"""SPDX-License-Identifier: BSD-2-Clause
What ours may cost, to the unit, when Debian 12's gcc has built it and Debian 12's QEMU runs it:
`{REWRITE}` writes this file, and CI fails where it is not what is measured.
docs/performance.md says what is counted. A bar is a goal; once it is reached it is held, and
held = false is for a person to write."""


def is_budgeted(key):
    """What of the measured is ours, and does not depend on the version of Debian's kernel."""
    return key[1] == OURS and key[2] not in PACKED


def change(now, budget):
    return f"{abs(now - budget):,} {'more' if now > budget else 'fewer'}"


def phase_complaints(cost, budget):
    """The phases, and the devices, that made a difference, as one text."""
    parts = []
    for name in dict.fromkeys([*budget.phases, *cost.phases]):
        if name not in cost.phases or name not in budget.phases:
            parts.append(f"phase {name} is {'new' if name in cost.phases else 'gone'}")
            continue
        now, before = cost.phases[name], budget.phases[name]
        changes = [f"{change(getattr(now, count), getattr(before, count))} {WORDS[count]}"
                   for count in ("instructions", "accesses", "written", "pages")
                   if getattr(now, count) != getattr(before, count)]
        changes += [f"{change(now.devices.get(device, 0), before.devices.get(device, 0))} of "
                    f"{device}" for device in sorted({*now.devices, *before.devices})
                    if now.devices.get(device, 0) != before.devices.get(device, 0)]
        if changes:
            parts.append(f"phase {name}: {', '.join(changes)}")
    return "; ".join(parts)


def cost_complaints(where, cost, budget):
    changes = []
    for count in COUNTS:
        now, before = getattr(cost, count), getattr(budget, count)
        if None in (now, before) and now != before:
            changes.append(f"{WORDS[count]} are {'not ' if now is None else ''}counted now")
        elif now != before:
            changes.append(f"{change(now, before)} {WORDS[count]} ({now:,}, "
                           f"the budget is {before:,})")
    phases = phase_complaints(cost, budget)
    if changes or phases:
        yield f"{where}: " + "; ".join([*changes, *([phases] if phases else [])])


def budget_complaints(measured, budgets):
    """Where what was measured is not the budget, a line each."""
    found = []
    for key, cost in measured.costs.items():
        if not is_budgeted(key):
            continue
        where = f"{key[0]}, {key[2]}"
        if key not in budgets.costs:
            found.append(f"{where}: there is no budget")
        else:
            found += cost_complaints(where, cost, budgets.costs[key])
    for arch, size in measured.images.items():
        if arch in budgets.images and size != budgets.images[arch]:
            found.append(f"{arch}: {change(size, budgets.images[arch])} bytes of image")
    if found:
        found.append(f"if that is meant, {REWRITE} rewrites the budgets; they were taken with "
                     f"QEMU {budgets.qemu}, this is {measured.qemu}")
    return found


def count_of(figures, bar):
    """What a bar is held against, None if it was not measured."""
    if bar.count == "image":
        return figures.images.get(bar.machine)
    cost = figures.of(bar.machine, OURS, "plain")
    return None if cost is None else getattr(cost, bar.count)


def bar_complaints(measured, budgets):
    for bar in budgets.bars:
        count = count_of(measured, bar)
        if bar.held and count is not None and count > bar.limit:
            yield (f"{bar.machine}: {count:,} {WORDS[bar.count]}, the bar is {bar.limit:,} and had "
                   "been reached")


def renewed(measured, budgets):
    """The budgets that a measurement makes; what it did not measure stays."""
    costs = {key: cost for key, cost in measured.costs.items() if is_budgeted(key)}
    figures = Figures(measured.qemu, {**budgets.images, **measured.images}, {}, [],
                      {**budgets.costs, **costs})
    for bar in budgets.bars:
        count = count_of(figures, bar)
        figures.bars.append(replace(
            bar, held=bar.held or (count is not None and count <= bar.limit)))
    return figures
