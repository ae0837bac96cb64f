# SPDX-License-Identifier: BSD-2-Clause
"""Redraws the tables and the chart of docs/performance.md from the files of figures."""

import re
from dataclasses import replace

from .budgets import is_budgeted
from .chart import draw
from .figures import read_figures
from .machines import BENCH, OURS, PORTS, ROOT
from .table import TABLES, as_markdown

PAGE = ROOT / "docs/performance.md"
CHART = ROOT / "docs/performance.svg"
BUDGETS = BENCH / "budgets.toml"
MEASURED = BENCH / "measured.toml"
MEASURED_COMMENT = """SPDX-License-Identifier: BSD-2-Clause
What other firmwares cost, and what unpacking a kernel costs us: `make bench` measures it and
writes this file. It is not held to the unit, since it depends on Debian's packages."""


def machine_order():
    return [machine for port in PORTS.values() for machine in port.machines]


def in_order(figures):
    """The same with the machines in the order of the docs, ours first on each."""
    machines = machine_order()
    costs = dict(sorted(figures.costs.items(), key=lambda item: (
        machines.index(item[0][0]), item[0][1] != OURS)))
    return replace(figures, costs=costs)


def without_ours(figures):
    """What measured.toml keeps of a measurement."""
    arches = set(PORTS)
    return replace(
        figures,
        images={name: size for name, size in figures.images.items() if name not in arches},
        costs={key: cost for key, cost in figures.costs.items() if not is_budgeted(key)})


def kept_figures():
    """What the docs show: the budgets and the measured."""
    budgets, measured = read_figures(BUDGETS), read_figures(MEASURED)
    return in_order(replace(
        budgets, images={**budgets.images, **measured.images}, facts=measured.facts,
        costs={**budgets.costs, **measured.costs}))


def facts_text(figures):
    return (f"Measured with QEMU {figures.qemu} and Debian's {figures.facts['peers']}. The packed "
            f"kernels hold parts of {figures.facts['packed']}.")


def page_text(text, figures):
    """The page with its tables made anew; each stands between two comments."""
    parts = {name: as_markdown(make(figures), words) for name, (make, words) in TABLES.items()}
    parts["facts"] = facts_text(figures)
    for name, part in parts.items():
        text, count = re.subn(
            rf"(<!-- bench {name} -->\n).*?(<!-- end -->)",
            lambda found, part=part: f"{found[1]}{part}\n{found[2]}", text, flags=re.DOTALL)
        if count != 1:
            raise ValueError(f"{PAGE.name} has {count} places for the table {name}")
    return text


def redraw():
    figures = kept_figures()
    PAGE.write_text(page_text(PAGE.read_text(), figures))
    CHART.write_text(draw(figures))
