# SPDX-License-Identifier: BSD-2-Clause
"""The chart: what firmwares cost on a logarithmic scale, and where ours spends it.

The same figures give the same bytes. Colours come from the page's scheme, light or dark.
"""

from math import log10

from .machines import OURS
from .table import merged, ours_by

WIDTH = 960
ROW, GAP, MARGIN = 18, 26, 16
NAME_WIDTH, LABEL_WIDTH = 150, 120
STYLE = """
text { font: 12px system-ui, sans-serif; fill: #1f2328; }
.head { font-weight: 600; }
.faint { fill: #59636e; }
.ours { fill: #0969da; }
.peer { fill: #9aa4af; }
.rule { stroke: #d1d9e0; }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3; }
.faint { fill: #9198a1; }
.ours { fill: #4493f8; }
.peer { fill: #656c76; }
.rule { stroke: #3d444d; }
}"""
ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


def text(x, y, content, kind="", anchor="start"):
    return (f'<text x="{x}" y="{y}" class="{kind}" text-anchor="{anchor}">'
            f"{content.translate(ESCAPES)}</text>")


def bar(x, y, width, kind):
    return f'<rect x="{x}" y="{y - 11}" width="{width:.1f}" height="13" class="{kind}"/>'


def scaled(value, largest, width):
    """A bar's width on a scale whose left end is 1."""
    return max(2, width * log10(max(value, 1)) / log10(max(largest, 10)))


def peers_panel(figures, count, title, x, width, top):
    """Bars of one count, a group for each machine; returns the elements and where they end."""
    rows = [(machine, firmware, figures.of(machine, firmware, "plain"))
            for machine, firmware in figures.rows()]
    rows = [(machine, firmware, cost) for machine, firmware, cost in rows
            if cost and getattr(cost, count) is not None]
    largest = max((getattr(cost, count) for _, _, cost in rows), default=1)
    parts, y, group = [text(x, top, title, "head")], top + 8, None
    for machine, firmware, cost in rows:
        if machine != group:
            group, y = machine, y + GAP
            parts.append(text(x, y, machine, "faint"))
        y += ROW
        value = getattr(cost, count)
        length = scaled(value, largest, width - NAME_WIDTH - LABEL_WIDTH)
        start = x + NAME_WIDTH - 60
        parts += [text(x + 8, y, firmware),
                  bar(start, y, length, "ours" if firmware == OURS else "peer"),
                  text(round(start + length + 6, 1), y,
                       ("over " if not cost.reached else "") + f"{value:,}", "faint")]
    return parts, y


def phases_panel(figures, top):
    """A column for each machine, with a bar for each phase: instructions, from zero on."""
    machines, phases = ours_by(figures, "phases")
    names = merged(phases)
    largest = max((phase.instructions for costs in phases for phase in costs.values()), default=1)
    column = (WIDTH - 2 * MARGIN - 90) / max(len(machines), 1)
    parts = [text(MARGIN, top, "ours by phase, instructions", "head")]
    for i, (machine, costs) in enumerate(zip(machines, phases)):
        x = round(MARGIN + 90 + i * column, 1)
        parts.append(text(x, top + GAP, machine.replace("virt,", ""), "faint"))
        for row, name in enumerate(names):
            y = top + GAP + (row + 1) * ROW
            if i == 0:
                parts.append(text(MARGIN, y, name))
            if name in costs:
                length = (column - 60) * costs[name].instructions / largest
                parts += [bar(x, y, max(1, length), "ours"),
                          text(round(x + length + 5, 1), y, f"{costs[name].instructions:,}",
                               "faint")]
    return parts, top + GAP + (len(names) + 1) * ROW


def draw(figures):
    """The chart, as the text of an SVG file."""
    half = (WIDTH - 3 * MARGIN) // 2
    left, left_end = peers_panel(figures, "instructions",
                                 "instructions to a kernel of 8 KiB (logarithmic)", MARGIN, half,
                                 MARGIN + 12)
    right, right_end = peers_panel(figures, "accesses", "device accesses (logarithmic)",
                                   2 * MARGIN + half, half, MARGIN + 12)
    below = max(left_end, right_end) + GAP
    phases, end = phases_panel(figures, below + GAP)
    rule = f'<line x1="{MARGIN}" y1="{below}" x2="{WIDTH - MARGIN}" y2="{below}" class="rule"/>'
    height = end + MARGIN
    head = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
            f'width="{WIDTH}" height="{height}" role="img">')
    title = "<title>Instructions and device accesses from reset to the kernel</title>"
    return "\n".join([head, title, f"<style>{STYLE}\n</style>", *left, *right, rule, *phases,
                      "</svg>"]) + "\n"
