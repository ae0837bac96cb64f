# SPDX-License-Identifier: BSD-2-Clause
"""The probe kernel sees every rule of the hand-off kept, at each boundary."""

from dataclasses import replace

import pytest

from probe.probe import SETUP_RNG_SEED
from runs import PROBES, RESET_COUNT, RESETS


def unexpected(boot, run, expect):
    """One sentence for each condition of a row that does not hold."""
    for what, wanted in expect:
        start, end = (boot.initrd[0], sum(boot.initrd[:2])) if boot.initrd else (0, 0)
        found = {
            "entry": lambda: (boot.mode, boot.mode == wanted),
            "load": lambda: (boot.load, boot.load == wanted),
            "alignment": lambda: (boot.load, boot.load % wanted == 0),
            "kernel_above": lambda: (boot.load, boot.load >= wanted),
            "initrd_below": lambda: (end, end <= wanted),
            "initrd_above": lambda: (start, start >= wanted),
            "initrd": lambda: (boot.initrd, boot.initrd[2:] == wanted),
            "acpi": lambda: (boot.acpi, boot.table(wanted) or boot.acpi[:1]
                             and boot.acpi[0].signature == wanted),
            "cmdline": lambda: (boot.cmdline, boot.cmdline == wanted),
            "said": lambda: (run.said_before, wanted in run.said_before),
            "seed": lambda: (boot.setup_data, wanted == any(
                node.type == SETUP_RNG_SEED for node in boot.setup_data)),
        }[what]()
        if not found[1]:
            yield f"expected {what} {wanted}, found {found[0]}"


def check_handoff(row, run):
    """The probe reports, and no rule is broken."""
    boot = run.boot()
    problems = run.rules.broken(boot, run, row.skip) + list(unexpected(boot, run, row.expect))
    if problems:
        pytest.fail("\n".join([f"{len(problems)} breaches; logs in {run.vm.folder}"]
                              + problems[:20]), pytrace=False)


@pytest.mark.parametrize("row", PROBES, ids=lambda row: row.name)
def test_handoff(row, trial):
    check_handoff(row, trial(row))


def without_seed(boot):
    """A Boot less what is random in it, to compare boots with each other."""
    nodes = [node for node in boot.setup_data if node.type != SETUP_RNG_SEED]
    return replace(boot, setup_data=nodes)


@pytest.mark.parametrize("row", RESETS, ids=lambda row: row.name)
def test_reset(row, trial):
    """After each reset the machine boots again, and what the kernel sees is the same."""
    run = trial(row)
    boots = run.go(until=lambda result: result.debugcon.count("PROBE-END") > RESET_COUNT)
    complete = [boot for boot in boots if boot.complete]
    if len(complete) <= RESET_COUNT:
        pytest.fail(f"only {len(complete)} boots: {run.result.describe()}", pytrace=False)
    problems = run.rules.broken(complete[RESET_COUNT], run, row.skip)
    first = without_seed(complete[0])
    for number, boot in enumerate(complete[1:RESET_COUNT + 1], 2):
        boot = without_seed(boot)
        problems += [f"boot {number} differs from the first in {name}"
                     for name in vars(first) if getattr(boot, name) != getattr(first, name)]
    if problems:
        pytest.fail("\n".join([f"logs in {run.vm.folder}"] + problems[:20]), pytrace=False)
