# SPDX-License-Identifier: BSD-2-Clause
"""docs/threat-model.md names a fuzzer and tests for each input, and these and its proofs exist."""

import re

import pytest

from host import ROOT

PAGE = (ROOT / "docs/threat-model.md").read_text()
TARGETS = {path.stem.removeprefix("fuzz_") for path in (ROOT / "tests/fuzz").glob("fuzz_*.c")}
TESTS = {name for path in (ROOT / "tests/unit").glob("test_*.c")
         for name in re.findall(r"TEST\((\w+)\)", path.read_text())}
PROOFS = {name for path in (ROOT / "tests/proof").glob("proof_*.c")
          for name in re.findall(r"^PROOF\((\w+)", path.read_text(), re.MULTILINE)}


def inputs(page):
    """(input, fuzzers, tests, proofs) of each row of the table of inputs."""
    for line in page.split("## Inputs")[1].split("\n## ")[0].splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("|") and not line.startswith(("|---", "| Input |")):
            yield cells[0], *cells[3:6]


def mistakes(page):
    named = set()
    for name, fuzzers, tests, proofs in inputs(page):
        targets = set(re.findall(r"`(\w+)`", fuzzers))
        named |= targets
        if not targets and not fuzzers.startswith("none: "):
            yield f"{name} has no fuzzer and no reason"
        for target in targets - TARGETS:
            yield f"{name}: there is no fuzzer {target}"
        for test in set(re.findall(r"`(\w+)`", tests)) - TESTS:
            yield f"{name}: there is no test {test}"
        for proof in set(re.findall(r"`(\w+)`", proofs)) - PROOFS:
            yield f"{name}: there is no proof {proof}"
        if not tests:
            yield f"{name} has no tests"
    for path in set(re.findall(r"\btests/[\w./]+", page)):
        if not (ROOT / path).exists():
            yield f"there is no {path}"
    for target in TARGETS - named:
        yield f"no input is for the fuzzer {target}"


def test_what_the_page_names_exists():
    problems = list(mistakes(PAGE))
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


@pytest.mark.parametrize("old,new,problem", [
    ("`memmap`, ", "`memory`, ", "no fuzzer memory"),
    ("| `setup_data` |", "| `bzimage` |", "no input is for the fuzzer setup_data"),
    ("none: nothing is parsed", "", "consoles has no fuzzer"),
    ("`boot_bad_smbios`", "`boot_good_smbios`", "no test boot_good_smbios"),
    ("tests/unit/test_tpm.c", "tests/unit/test_cpm.c", "no tests/unit/test_cpm.c"),
    ("`pe_end`", "`pe_begin`", "no proof pe_begin"),
    ("| tests/unit/test_elf.c |", "| |", "ELF kernel has no tests"),
])
def test_flaw_is_noticed(old, new, problem):
    assert old in PAGE
    assert any(problem in mistake for mistake in mistakes(PAGE.replace(old, new)))
