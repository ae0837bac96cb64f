# SPDX-License-Identifier: BSD-2-Clause
"""Options and fixtures of the QEMU tests.

The environment names what is tested: FW is the image (default
build/x86_64/fw.bin), FW_AARCH64 that of aarch64/, O the build folder, whose
tests/ takes the logs, CACHE the folder of fetched kernels and QEMUs.

A module's name says what it is for:

*runs.py    rows: how a guest is started, and what is expected of it
*trial.py   turns a row into files and a QEMU command, and runs it (vm.py)
*rules.py, *handoff.py    what has to hold of what a guest reports
test_*.py   puts the three together

vmm_*       guests of VMMs without fw_cfg, which launcher.asm plays
page_*      commands that stand in docs/vmm
aarch64/    the same for AArch64
"""

import fcntl
import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parent))

from host import ROOT, Host  # noqa: E402
from linux_guest import EXIT_GUEST, boot, read_guest  # noqa: E402
from runs import GUEST, GUEST_PCI, LSPCI  # noqa: E402
from trial import Trial  # noqa: E402

PCI_DRIVERS = "nvme e1000 e1000e xhci-pci ata_piix ahci sd_mod"


@pytest.fixture(scope="session")
def out():
    """The build folder."""
    return Path(os.environ.get("O", ROOT / "build")).resolve()


@pytest.fixture(scope="session")
def host(out):
    return Host.of("x86_64", os.environ.get("FW", out / "x86_64/fw.bin"), out / "tests")


@pytest.fixture(scope="session")
def measure_tool(tmp_path_factory):
    """slipway-measure, as `make tools` makes it."""
    out = tmp_path_factory.mktemp("tools")
    environment = {name: value for name, value in os.environ.items()
                   if name not in ("MAKEFLAGS", "MAKELEVEL", "MFLAGS")}
    subprocess.run(["make", "-C", ROOT, f"O={out}", "tools"], check=True, env=environment,
                   stdout=subprocess.DEVNULL)
    return out / "tools/slipway-measure"


@pytest.fixture(scope="session")
def guest(host):
    """Linux guests get their initrds; this is the file that they find in /payload."""
    host.initrds[GUEST], payload = host.make_guest(GUEST)
    host.initrds[GUEST_PCI], _ = host.make_guest(
        GUEST_PCI, "--program", LSPCI, "--drivers", PCI_DRIVERS,
        "--modules", host.kernels["6.1-generic"])
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


@pytest.fixture
def seabios(host):
    """The Guest of the same row under SeaBIOS."""
    made = []

    def get(row):
        # The command line and the way in make no difference to what is compared.
        plain = replace(row, name="", door="bios", source="legacy", cmdline=row.plain_cmdline,
                        allow="", elf=None, bundle=None, faults=".*")
        trial_host = replace(host, fw=host.seabios(row.machine.split(",")[0], row.qemu))
        key = hashlib.sha256(repr((
            plain, host.kernels[row.kernel],
            os.path.getmtime(host.initrds[row.initrd]), os.path.getmtime(trial_host.fw),
        )).encode()).hexdigest()[:16]
        (host.out / "seabios").mkdir(exist_ok=True)
        with open(host.out / f"seabios/{key}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            serial = host.out / f"seabios/{key}/serial"
            guest = read_guest(serial.read_text(errors="replace")) if serial.exists() else None
            if guest is None:
                run = Trial(replace(plain, name=f"seabios/{key}"), trial_host)
                made.append(run)
                guest = boot(run, 0, EXIT_GUEST)
        return guest

    yield get
    for run in made:
        run.vm.clean()
