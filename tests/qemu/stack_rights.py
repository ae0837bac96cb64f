# SPDX-License-Identifier: BSD-2-Clause
"""What an image's ELF file, and the objects that it is made of, say of the stack."""

import re
import subprocess


def _readelf(options, *files):
    return subprocess.run(["readelf", options, *files], check=True, capture_output=True,
                          text=True).stdout


def check_stack_rights(fw):
    """It cannot be executed; no object asks for that, as those of nested functions do."""
    said = _readelf("-lW", fw.with_suffix(".elf"))
    rights = re.search(r"^ +GNU_STACK +(?:\S+ +){5}([RWE ]{3}) ", said, re.MULTILINE)
    assert rights and rights[1].strip() == "RW", said
    assert not re.search(r"^ +LOAD .* (?:RWE|RW ) ", said, re.MULTILINE), said
    objects = list(fw.parent.rglob("*.c.o"))
    said = _readelf("-SW", *objects)
    stacks = re.findall(r" \.note\.GNU-stack +PROGBITS +(?:[0-9a-f]+ +){4}(.*?) +\d+ +\d+ +\d+$",
                        said, re.MULTILINE)
    assert len(stacks) == len(objects) > 0 and set(stacks) == {""}, set(stacks)
