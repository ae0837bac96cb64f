# SPDX-License-Identifier: BSD-2-Clause
"""Bad input ends in one clear line and a defined exit, never in a hang or a reset."""

import re
import time

import pytest

from runs import NO_EXIT, REFUSED

FATAL = re.compile(r"slipway: FATAL (\S+) (\S+): (.+)\n")
EXIT_FATAL = 3                  # 1 written to isa-debug-exit


def fatal_lines(text):
    return FATAL.findall(text.replace("\r\n", "\n"))


def check_refused(row, run):
    """The run ends as the row says: with one line, and nothing else."""
    boots = run.go()
    result = run.result
    if result.exit_code != EXIT_FATAL or boots:
        pytest.fail(f"not refused: {result.describe()}", pytrace=False)
    said = fatal_lines(run.said_before)
    fits = len(said) == 1 and all(
        match(pattern, text) for match, pattern, text in
        zip((re.fullmatch, re.fullmatch, re.search), row.fatal, said[0]))
    if not fits:
        pytest.fail(f"wanted {row.fatal}: {result.describe()}", pytrace=False)
    assert run.said_before == "slipway: FATAL {} {}: {}\n".format(*said[0]), \
        "more was said than the one line"
    assert fatal_lines(result.serial) == said, "the serial port says something else"


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row.name)
def test_refused(row, trial):
    check_refused(row, trial(row))


@pytest.mark.parametrize("row", NO_EXIT, ids=lambda row: row.name)
def test_without_debug_exit_the_machine_halts(row, trial):
    """Where no device ends the run, the firmware stops: no reset, no second line."""
    run = trial(row)
    said_at = []

    def a_second_after_the_line(result):
        if not said_at and fatal_lines(result.debugcon):
            said_at.append(time.monotonic())
        return said_at and time.monotonic() > said_at[0] + 1

    run.go(until=a_second_after_the_line)
    result = run.result
    assert result.exit_code is None, f"the machine was reset: {result.describe()}"
    assert len(fatal_lines(result.debugcon)) == 1, result.describe()
