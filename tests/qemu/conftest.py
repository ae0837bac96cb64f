# SPDX-License-Identifier: BSD-2-Clause
"""Options and fixtures of the QEMU tests.

The environment names what is tested: FW is the image (default
build/x86_64/fw.bin), FW_AARCH64 that of aarch64/, O the build folder, whose
tests/ takes the logs, CACHE the folder of fetched kernels and QEMUs.
"""

import os
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from host import ROOT, Host  # noqa: E402
from trial import Trial  # noqa: E402


@pytest.fixture(scope="session")
def out():
    """The build folder."""
    return Path(os.environ.get("O", ROOT / "build")).resolve()


@pytest.fixture(scope="session")
def host(out):
    return Host.of("x86_64", os.environ.get("FW", out / "x86_64/fw.bin"), out / "tests")


@pytest.fixture(scope="session")
def guest(host):
    """Linux guests get their initrd; this is the file that they find in /payload."""
    host.initrds["guest"], payload = host.make_guest("guest")
    return payload


@pytest.fixture
def make_trial():
    """Trial of this architecture."""
    return Trial


@pytest.fixture
def trial(host, make_trial):
    """Makes Trials; their large inputs are removed afterwards."""
    made = []

    def make(run):
        made.append(make_trial(run, host))
        return made[-1]

    yield make
    for item in made:
        item.vm.clean()
