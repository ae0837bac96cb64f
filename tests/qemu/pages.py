# SPDX-License-Identifier: BSD-2-Clause
"""Finds in docs/vmm what readers are told to run, so that tests can run just that.

A block of a page that a test runs has its name in a comment on the line before it, which
no reader sees:

    <!-- test: q35 -->
    ```
    qemu-system-x86_64 -M q35 ...
    ```

It holds commands, of which the last one starts QEMU, or a libvirt domain.
"""

import re
import shlex
from dataclasses import dataclass

from host import ROOT

PAGES = ROOT / "docs/vmm"
BLOCK = re.compile(r"^(?:<!-- test: (?P<name>\S+) -->\n)?```\w*\n(?P<text>.*?)^```$",
                   re.MULTILINE | re.DOTALL)
# What can be run here, and therefore is.
RUNNABLE = re.compile(r"^qemu-system-|^<domain", re.MULTILINE)
ARCHITECTURE = re.compile(r"qemu-system-(\w+)|arch=['\"](\w+)['\"]")


@dataclass(frozen=True)
class Block:
    """What stands between two fences; `name` is None where no test runs it."""

    page: str
    name: str
    text: str

    @property
    def arch(self):
        """x86_64 or aarch64; None where nothing is started."""
        match = ARCHITECTURE.search(self.text)
        return match and (match[1] or match[2])

    @property
    def is_domain(self):
        return self.text.lstrip().startswith("<domain")

    @property
    def commands(self):
        """The words of each command, as a shell would take them apart."""
        lines = self.text.replace("\\\n", " ").splitlines()
        return [words for words in (shlex.split(line, comments=True) for line in lines) if words]


def read_blocks():
    """Every block of every page."""
    return [Block(page.name, match["name"], match["text"]) for page in sorted(PAGES.glob("*.md"))
            for match in BLOCK.finditer(page.read_text())]


def mistakes(blocks, row_names):
    """One sentence for each thing that would leave something out without a word."""
    names = [block.name for block in blocks if block.name]
    for name in sorted({name for name in names if names.count(name) > 1}):
        yield f"two blocks are called {name}"
    for name in sorted(set(row_names) - set(names)):
        yield f"there is a row, but no block, for {name}"
    for block in blocks:
        if RUNNABLE.search(block.text) and not block.name:
            yield f"{block.page} has a block without a name: {block.text[:60]!r}"
        if block.name and not RUNNABLE.search(block.text):
            yield f"{block.page}: nothing here starts {block.name}"
