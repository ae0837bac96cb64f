# SPDX-License-Identifier: BSD-2-Clause
"""What is measured into a TPM, seen from inside a Debian guest (docs/measured-boot.md).

The TPM's PCRs are what tpm2-tools make of the event log, and what slipway-measure says of the
same kernel, initrd and command line, whatever QEMU, machine and memory size are.
"""

import pytest

from linux_guest import boot
from measured import (expected, guest_options, read_pcrs, separators_for_tables, untouched,
                      wrong_measurements, wrong_pcrs)
from measured_runs import (ALIKE, GUEST_TPM, KERNELS, MEASURED, SUSPENDED, VMM_MEASURED,
                           VMM_UNMEASURED)
from operating import Operator
from trial import Trial
from vmm_runs import VmmRun
from vmm_trial import VmmTrial


@pytest.fixture
def make_trial():
    """A Trial of either kind of row."""
    return lambda row, host: (VmmTrial if isinstance(row, VmmRun) else Trial)(row, host)


@pytest.fixture(scope="session")
def tpm_guest(host):
    """The initrd of these tests."""
    host.initrds[GUEST_TPM], payload = host.make_guest(
        GUEST_TPM, *guest_options("x86_64", *(host.kernels[name] for name in KERNELS)))
    return payload


@pytest.fixture
def wanted(measure_tool, host):
    """What slipway-measure says of a row's files, of which QEMU may get one that has them all."""
    def get(row):
        kernel = host.kernels[row.kernel] if row.elf is None else host.unpacked(row.kernel)
        return expected(measure_tool, row.tpm_banks, kernel, host.initrds[row.initrd], row.cmdline)
    return get


def fail_for(problems, run):
    if problems:
        pytest.fail("\n".join([f"logs in {run.vm.folder}"] + problems[:30]), pytrace=False)


def test_alike():
    """Nothing that PCRs 8 and 9 are of differs between these."""
    assert len({(row.kernel, row.initrd, row.cmdline) for row in ALIKE}) == 1
    assert len({row.qemu for row in ALIKE}) == len({row.memory for row in ALIKE}) == 2


@pytest.mark.parametrize("row", MEASURED, ids=lambda row: row.name)
def test_measured(row, trial, tpm_guest, wanted):
    run = trial(row)
    guest = boot(run, 0)
    problems = list(wrong_measurements(guest, row.tpm_banks, wanted(row)))
    if run.said_before:
        problems.append(f"the firmware said {run.said_before}")
    fail_for(problems, run)


@pytest.mark.parametrize("row", SUSPENDED, ids=lambda row: row.name)
def test_suspended(row, trial, tpm_guest, wanted):
    """A resume from S3 measures nothing, and the TPM has the PCRs of before again."""
    run = trial(row)
    operator = Operator(run)
    before, after = operator.go()
    problems = operator.problems + list(wrong_measurements(before, row.tpm_banks, wanted(row)))
    if "SLIPWAY-RESUMED" not in run.result.serial:
        problems.append("the guest did not suspend")
    if read_pcrs(before.lines("pcrread")) != read_pcrs(after.lines("pcrread")):
        problems.append(f"the PCRs were {before.lines('pcrread')}, are {after.lines('pcrread')}")
    if before.single["tpmlog"] != after.single["tpmlog"]:
        problems.append("the log is another after the resume")
    fail_for(problems, run)


@pytest.mark.parametrize("row", VMM_MEASURED, ids=lambda row: row.name)
def test_tables_in_memory(row, trial, tpm_guest, wanted):
    """A TPM of which only tables tell that a VMM has put into memory itself."""
    run = trial(row)
    guest = boot(run, 0)
    problems = list(wrong_pcrs(guest, separators_for_tables(wanted(row)["pcrs"])))
    if not any("MSFT0101" in line for line in guest.lines("bound")):
        problems.append(f"Linux has no driver for the TPM, but for {guest.lines('bound')}")
    if run.said_before:
        problems.append(f"the firmware said {run.said_before}")
    fail_for(problems, run)


@pytest.mark.parametrize("row", VMM_UNMEASURED, ids=lambda row: row.name)
def test_not_searched_for(row, trial, tpm_guest):
    """Nothing is measured into a TPM of which no such table tells; Linux has to start it."""
    run = trial(row)
    guest = boot(run, 0)
    problems = list(wrong_pcrs(guest, untouched(row.tpm_banks.split(","))))
    if run.said_before:
        problems.append(f"the firmware said {run.said_before}")
    fail_for(problems, run)
