# SPDX-License-Identifier: BSD-2-Clause
"""Rules of a hand-off: functions called `rule_*` that take what the probe reported (Boot) and
how it was started (Trial), and yield one sentence for each breach."""


class Rules:
    """The rules among the names of a module."""

    def __init__(self, names):
        self.functions = {name.removeprefix("rule_"): function
                          for name, function in sorted(names.items()) if name.startswith("rule_")}

    def broken(self, boot, run, skip=()):
        """One "rule: sentence" for each breach of a rule that is not in `skip`."""
        return [f"{name}: {sentence}" for name, rule in self.functions.items() if name not in skip
                for sentence in rule(boot, run)]


def rule_silent(boot, run):
    """A healthy boot prints nothing."""
    if run.said_before:
        yield f"the firmware said {run.said_before[:200]!r}"
