# SPDX-License-Identifier: BSD-2-Clause
"""What a boot costs is within the budgets, and only cache cleaning grows with the kernel."""

import subprocess

from host import ROOT


def test_no_more_than_budgets(host):
    done = subprocess.run([ROOT / "tests/bench/bench", "--arch", "aarch64", "--alone", "--check",
                           "--fw", host.fw], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
