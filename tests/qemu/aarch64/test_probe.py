# SPDX-License-Identifier: BSD-2-Clause
"""The probe kernel sees every rule of the hand-off kept, at each boundary."""

import copy

import pytest

from .handoff import RULES, SEEDS, chosen
from .runs import NO_SERIAL, PROBES, RESET_COUNT, RESETS


def unexpected(boot, run, expect):
    """One sentence for each condition of a row that does not hold."""
    for what, wanted in expect:
        found = {
            "cmdline": lambda: chosen(boot).get("bootargs", b"\0")[:-1],
            "moved": lambda: boot.load != run.in_memory,
            "said": lambda: wanted if wanted in run.said_before else run.said_before,
        }[what]()
        if found != wanted:
            yield f"expected {what} {wanted}, found {found}"


def fail(run, problems):
    if problems:
        pytest.fail("\n".join([f"{len(problems)} breaches; logs in {run.vm.folder}"]
                              + problems[:20]), pytrace=False)


def check_handoff(row, run):
    """The probe reports, and no rule is broken."""
    boot = run.boot()
    fail(run, RULES.broken(boot, run, row.skip) + list(unexpected(boot, run, row.expect)))


@pytest.mark.parametrize("row", PROBES, ids=lambda row: row.name)
def test_handoff(row, trial):
    check_handoff(row, trial(row))


def without_seeds(boot):
    """What a Boot has, less what is random in it, to compare boots with each other."""
    tree = copy.deepcopy(boot.tree)
    for name in SEEDS:
        tree.chosen.properties.pop(name, None)
    return vars(boot) | {"tree": tree, "fdt_blocks": None, "vmm_fdt_blocks": None}


@pytest.mark.parametrize("row", RESETS, ids=lambda row: row.name)
def test_reset(row, trial):
    """After each reset the machine boots again, and what the kernel sees is the same."""
    run = trial(row)
    boots = run.go(until=lambda result: result.serial.count("PROBE-END") > RESET_COUNT)
    complete = [boot for boot in boots if boot.complete]
    if len(complete) <= RESET_COUNT:
        pytest.fail(f"only {len(complete)} boots: {run.result.describe()}", pytrace=False)
    problems = RULES.broken(complete[RESET_COUNT], run, row.skip)
    first = without_seeds(complete[0])
    for number, boot in enumerate(complete[1:RESET_COUNT + 1], 2):
        boot = without_seeds(boot)
        problems += [f"boot {number} differs from the first in {name}"
                     for name in first if boot[name] != first[name]]
    fail(run, problems)


@pytest.mark.parametrize("row", NO_SERIAL, ids=lambda row: row.name)
def test_no_serial(row, trial):
    """Without anybody at the serial port the kernel is entered: it resets the machine, where
    a refusal would have switched it off."""
    run = trial(row)
    run.go()
    assert run.ended_by == "guest-reset", run.result.describe()
