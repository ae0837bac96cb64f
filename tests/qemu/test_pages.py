# SPDX-License-Identifier: BSD-2-Clause
"""The commands in docs/vmm start a Debian kernel, word for word."""

import pytest

from page_domain import DomainTrial
from page_runs import ROWS, domains_of, runs_of
from linux_guest import other_than
from page_trial import DRIVERS, GUEST, KERNELS, PageTrial, problems_of
from pages import mistakes, read_blocks

BLOCKS = read_blocks()


@pytest.fixture(scope="session")
def page_guest(host):
    """The initrd of these tests; this is the file that the guest finds in /payload."""
    host.initrds[GUEST], payload = host.make_guest(
        GUEST, "--drivers", DRIVERS, "--modules", host.kernels[KERNELS["x86_64"]])
    return payload


def test_every_block_has_its_test():
    problems = list(mistakes(BLOCKS, ROWS))
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)


@pytest.mark.parametrize("block,row,qemu", runs_of(BLOCKS, "x86_64"))
def test_block(block, row, qemu, host, page_guest):
    trial = PageTrial(block, row, host, qemu)
    guests = trial.go()
    problems = list(problems_of(guests, trial, page_guest))
    if row.compare and "-bios" in trial.words:
        other = PageTrial(block, row, host, qemu, host.seabios(trial.machine.type, qemu),
                          trial.folder.path.name + "-seabios")
        problems += other_than(guests[0], other.go()[0], row.allow)
        other.folder.clean()
    if problems:
        pytest.fail("\n".join([f"logs in {trial.folder.path}"] + problems[:30]), pytrace=False)
    trial.folder.clean()


@pytest.mark.parametrize("block,row", domains_of(BLOCKS, "x86_64"))
def test_domain(block, row, host, page_guest):
    trial = DomainTrial(block, row, host)
    problems = list(problems_of(trial.go(), trial, page_guest))
    if problems:
        pytest.fail("\n".join([f"logs in {trial.out}"] + problems[:30]), pytrace=False)
