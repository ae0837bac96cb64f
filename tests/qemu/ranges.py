# SPDX-License-Identifier: BSD-2-Clause
"""Ranges of addresses, and what tests ask of them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Range:
    """[start, end) with a type, a name, or rights."""

    start: int
    end: int
    kind: object = None

    @property
    def size(self):
        return self.end - self.start

    def overlaps(self, start, end):
        return self.start < end and start < self.end


def overlap(first, second):
    return first.overlaps(second.start, second.end)


def covered(area, ranges):
    """Whether the sorted `ranges` together cover `area`."""
    start = area.start
    for item in ranges:
        if item.start <= start < item.end:
            start = item.end
    return start >= area.end


def common_size(first, second):
    """Bytes that two lists of disjoint ranges have in common."""
    return sum(max(0, min(a.end, b.end) - max(a.start, b.start)) for a in first for b in second)


def hexes(area):
    return f"{area.start:#x}-{area.end:#x}"
