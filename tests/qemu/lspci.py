# SPDX-License-Identifier: BSD-2-Clause
"""What `lspci -vvn` says about addresses, and how two boots of one machine differ in it."""

import re
from dataclasses import dataclass, field

UNUSABLE = re.compile(r"\[(disabled|virtual)\]|<(unassigned|ignored|invalid[^>]*)>")
SIZE = re.compile(r"\[size=(\d+)([KMGT]?)\]")
UNITS = " KMGT"
DECODING = ("I/O", "Mem", "BusMaster")
ROM = "Expansion ROM"


@dataclass
class Space:
    """A BAR, a ROM, or a bridge's window."""

    kind: str                   # I/O ports, or what the memory is; empty for a window
    size: int                   # 0 when lspci does not know it
    usable: bool


@dataclass
class Function:
    """One function; `spaces` has its BARs, ROM and windows by lspci's names."""

    spaces: dict = field(default_factory=dict)
    decodes: set = field(default_factory=set)
    pin: str = ""
    has_irq: bool = False
    buses: str = ""
    node: str = ""
    driver: str = ""

    def needs(self):
        """What it has to decode; of use without a driver is no bus master but a bridge."""
        kinds = {name if name.endswith("window") else space.kind
                 for name, space in self.spaces.items() if space.usable and name != ROM}
        return ({"I/O" for kind in kinds if kind.startswith("I/O")}
                | {"Mem" for kind in kinds if "emory" in kind}
                | ({"BusMaster"} if self.driver or self.buses else set()))


def _size(text):
    match = SIZE.search(text)
    return int(match[1]) << 10 * UNITS.index(match[2] or " ") if match else 0


def _read_space(function, text):
    if match := re.match(r"(Region \d|Expansion ROM)(?::| at) (.*)", text):
        kind = re.match(r"(I/O ports|Memory)[^(]*(\(.*?\))?", match[2])
        function.spaces[match[1]] = Space(
            f"{kind[1]} {kind[2] or ''}".strip() if kind else "", _size(text),
            not UNUSABLE.search(text))
    elif match := re.match(r"(I/O|Memory|Prefetchable memory) behind bridge: (.*)", text):
        function.spaces[f"{match[1]} window"] = Space("", _size(text), not UNUSABLE.search(text))


def read_lspci(lines):
    """The Functions in the output of lspci, by address."""
    functions = {}
    function = Function()
    for line in lines:
        text = line.strip()
        if match := re.match(r"((?:[0-9a-f]{4}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]) ", line):
            function = functions.setdefault(match[1], Function())
        elif text.startswith("Control: "):
            function.decodes = {name for name in DECODING if f"{name}+" in text}
        elif match := re.match(r"Interrupt: pin (.) routed to IRQ (\d+)", text):
            function.pin, function.has_irq = match[1], match[2] != "0"
        elif match := re.match(r"Bus: (primary=.*), sec-latency", text):
            function.buses = match[1]
        elif match := re.match(r"NUMA node: (\d+)", text):
            function.node = match[1]
        elif text.startswith("Kernel driver in use: "):
            function.driver = text.partition(": ")[2]
        else:
            _read_space(function, text)
    return functions


def _worse_spaces(ours, other):
    """Where a function of ours has less space than another firmware gives it."""
    for name, wanted in other.spaces.items():
        found = ours.spaces.get(name)
        # ROMs get no address on purpose: Linux gives one to those that it reads.
        if not wanted.usable or name == ROM:
            continue
        if not found or not found.usable:
            yield f"{name} is not assigned"
        elif found.kind != wanted.kind:
            yield f"{name} is {found.kind}, and {wanted.kind} elsewhere"
        elif found.size < wanted.size or (name.startswith("Region") and found.size != wanted.size):
            yield f"{name} has {found.size:#x} bytes, and {wanted.size:#x} elsewhere"


def worse(ours, other):
    """One sentence for each thing that is worse in one lspci than in another's."""
    functions, wanted = read_lspci(ours), read_lspci(other)
    if not functions or functions.keys() != wanted.keys():
        yield f"lspci has {sorted(functions)}, and {sorted(wanted)} elsewhere"
    for address in sorted(functions.keys() & wanted.keys()):
        mine, his = functions[address], wanted[address]
        problems = list(_worse_spaces(mine, his))
        missing = his.decodes & his.needs() - mine.decodes
        if missing:
            problems.append(f"does not decode {missing}, as elsewhere")
        if mine.pin != his.pin or mine.has_irq < his.has_irq:
            problems.append(f"has no interrupt as elsewhere: pin {mine.pin} for {his.pin}")
        for name in ("buses", "node"):
            found, expected = getattr(mine, name), getattr(his, name)
            if found != expected:
                problems.append(f"{name}: {found or 'none'}, and {expected or 'none'} elsewhere")
        yield from (f"lspci: {address} {problem}" for problem in problems)
