# SPDX-License-Identifier: BSD-2-Clause
"""Ours reaches the kernel in no more instructions than qboot, whatever is loaded."""

import subprocess
from pathlib import Path

BENCH = Path(__file__).resolve().parents[1] / "bench/bench"


def test_no_more_instructions_than_qboot(host):
    done = subprocess.run([BENCH, "--check", "--fw", host.fw], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
