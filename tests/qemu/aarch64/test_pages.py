# SPDX-License-Identifier: BSD-2-Clause
"""The AArch64 commands in docs/vmm start a Debian kernel, word for word."""

import pytest

from page_domain import DomainTrial
from page_runs import domains_of, runs_of
from page_trial import DRIVERS, GUEST, KERNELS, PageTrial, problems_of
from pages import read_blocks

BLOCKS = read_blocks()


@pytest.fixture(scope="session")
def page_guest(host):
    """The initrd of these tests; this is the file that the guest finds in /payload."""
    host.initrds[GUEST], payload = host.make_guest(
        GUEST, "--arch", "aarch64", "--drivers", DRIVERS,
        "--modules", host.kernels[KERNELS["aarch64"]])
    return payload


@pytest.mark.parametrize("block,row,qemu", runs_of(BLOCKS, "aarch64"))
def test_block(block, row, qemu, host, page_guest):
    trial = PageTrial(block, row, host, qemu)
    problems = list(problems_of(trial.go(), trial, page_guest))
    if problems:
        pytest.fail("\n".join([f"logs in {trial.folder.path}"] + problems[:30]), pytrace=False)
    trial.folder.clean()


@pytest.mark.parametrize("block,row", domains_of(BLOCKS, "aarch64"))
def test_domain(block, row, host, page_guest):
    trial = DomainTrial(block, row, host)
    problems = list(problems_of(trial.go(), trial, page_guest))
    if problems:
        pytest.fail("\n".join([f"logs in {trial.out}"] + problems[:30]), pytrace=False)
