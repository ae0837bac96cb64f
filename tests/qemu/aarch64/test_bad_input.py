# SPDX-License-Identifier: BSD-2-Clause
"""Bad input ends in one clear line and a defined end, never in a hang or a reset."""

import re
import time

import pytest

from .runs import HANGS, REFUSED

FATAL = re.compile(r"slipway: FATAL (\S+) (\S+): (.+)\n")


def check_line(run, row):
    """What was said is the one line that the row wants."""
    said = FATAL.findall(run.said_before)
    fits = len(said) == 1 and all(
        match(pattern, text) for match, pattern, text in
        zip((re.fullmatch, re.fullmatch, re.search), row.fatal, said[0]))
    if not fits:
        pytest.fail(f"wanted {row.fatal}: {run.result.describe()}", pytrace=False)
    assert run.said_before == "slipway: FATAL {} {}: {}\n".format(*said[0]), \
        "more was said than the one line"


def check_refused(row, run):
    """The run ends as the row says: with one line, and nothing else."""
    boots = run.go()
    if run.ended_by != "guest-shutdown" or run.result.exit_code != 0 or boots:
        pytest.fail(f"not refused, ended by {run.ended_by}: {run.result.describe()}",
                    pytrace=False)
    check_line(run, row)


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: row.name)
def test_refused(row, trial):
    check_refused(row, trial(row))


@pytest.mark.parametrize("row", HANGS, ids=lambda row: row.name)
def test_without_psci_the_machine_halts(row, trial):
    """Where nothing ends the run, the firmware stops: no reset, no second line."""
    run = trial(row)
    said_at = []

    def a_second_after_the_line(result):
        if not said_at and FATAL.search(result.serial.replace("\r\n", "\n")):
            said_at.append(time.monotonic())
        return said_at and time.monotonic() > said_at[0] + 1

    run.go(until=a_second_after_the_line, timeout=30)
    assert run.result.exit_code is None, f"the machine was reset: {run.result.describe()}"
    check_line(run, row)
