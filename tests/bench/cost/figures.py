# SPDX-License-Identifier: BSD-2-Clause
"""Keeps measured Costs in files that are read by people, too."""

import tomllib
from dataclasses import dataclass, field

from .log import Cost


@dataclass
class Figures:
    """What a file holds."""

    qemu: str = ""                                  # version that it was measured with
    images: dict = field(default_factory=dict)      # bytes, by architecture or firmware
    facts: dict = field(default_factory=dict)       # what else belongs to the measurement
    bars: list = field(default_factory=list)        # Bar
    costs: dict = field(default_factory=dict)       # (machine, firmware, variant): Cost

    def of(self, machine, firmware, variant):
        return self.costs.get((machine, firmware, variant))

    def rows(self):
        """(machine, firmware) in the order of the file."""
        return list(dict.fromkeys(key[:2] for key in self.costs))


@dataclass
class Bar:
    """A goal. Once it is reached it is held."""

    machine: str                            # or the architecture of an image
    count: str                              # a number of Cost, or "image"
    limit: int
    held: bool


def read_figures(path):
    if not path.exists():
        return Figures()
    data = tomllib.loads(path.read_text())
    costs = {(machine, firmware, variant): Cost.of(cost)
             for machine, firmwares in data.get("cost", {}).items()
             for firmware, variants in firmwares.items()
             for variant, cost in variants.items()}
    return Figures(data["qemu"], data["images"], data.get("facts", {}),
                   [Bar(**bar) for bar in data.get("bar", [])], costs)


def write_figures(path, comment, figures):
    lines = [f"# {line}".rstrip() for line in comment.splitlines()]
    lines += ["", f"qemu = {value_text(figures.qemu)}",
              f"images = {value_text(figures.images)}"]
    if figures.facts:
        lines.append(f"facts = {value_text(figures.facts)}")
    for bar in figures.bars:
        lines += ["", "[[bar]]", *pairs(vars(bar))]
    for key, cost in figures.costs.items():
        data = cost.as_dict()
        phases = data.pop("phases", {})
        lines += ["", f"[cost.{'.'.join(map(value_text, key))}]", *pairs(data)]
        lines += [f"phases.{key_text(name)} = {value_text(phase)}"
                  for name, phase in phases.items()]
    path.write_text("\n".join(lines) + "\n")


def pairs(data):
    return [f"{key_text(key)} = {value_text(value)}" for key, value in data.items()]


def key_text(key):
    plain = key.replace("_", "").replace("-", "")
    return key if plain.isascii() and plain.isalnum() else f'"{key}"'


def value_text(value):
    """TOML of a value; the strings here have nothing to escape."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return f"{value:_}" if value >= 10_000 else str(value)
    if isinstance(value, dict):
        inner = ", ".join(pairs({key: item for key, item in value.items() if item != {}}))
        return f"{{ {inner} }}"
    return f'"{value}"'
