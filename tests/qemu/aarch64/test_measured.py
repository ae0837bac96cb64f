# SPDX-License-Identifier: BSD-2-Clause
"""What is measured into a TPM, seen from inside a Debian guest: see ../test_measured.py.

Of Debian's arm64 kernels, the cloud kernel of 6.1 alone has a driver for the TPM of QEMU's virt.
"""

import pytest

from linux_guest import boot
from measured import expected, guest_options, wrong_measurements
from .runs import QEMUS, linux

GUEST_TPM, KERNEL = "guest-tpm", "arm64-6.1-cloud"


def measured(name, banks="sha256", **rest):
    return linux(f"measured-{name}", KERNEL, tpm="tpm-tis-device", tpm_banks=banks,
                 **{"initrd": GUEST_TPM, "options": (), "smp": 1} | rest)


MEASURED = [
    measured(f"{memory}-qemu{qemu}", memory=memory, qemu=qemu)
    for memory, qemu in zip(("512M", "4G"), QEMUS)
] + [
    measured("opt-4G-qemu7.2", memory="4G", source="opt"),
    measured("etc-512M-qemu10.0", qemu="10.0", source="etc"),
    measured("uki", source="opt", bundle="uki"),
    measured("kernel", source="opt", door="kernel"),
    measured("all-banks", "sha1,sha256,sha384,sha512"),
    # Measured as it is delivered; QEMU unpacks what its own option names.
    measured("gzip", source="opt", pack="gzip"),
]


@pytest.fixture(scope="session")
def tpm_guest(host):
    """The initrd of these tests."""
    host.initrds[GUEST_TPM], payload = host.make_guest(
        GUEST_TPM, *guest_options("aarch64", host.kernels[KERNEL], drivers="tpm_tis"))
    return payload


def test_alike():
    """Nothing that PCRs 8 and 9 are of differs between these."""
    rows = [row for row in MEASURED if not row.pack]
    assert len({(row.kernel, row.initrd, row.cmdline) for row in rows}) == 1
    assert len({row.qemu for row in rows}) == len({row.memory for row in rows}) == 2


@pytest.mark.parametrize("row", MEASURED, ids=lambda row: row.name)
def test_measured(row, trial, tpm_guest, host, measure_tool):
    run = trial(row)
    guest = boot(run, 0)
    kernel = host.packed(row.kernel, row.pack) if row.pack else host.kernels[row.kernel]
    wanted = expected(measure_tool, row.tpm_banks, kernel, host.initrds[row.initrd], row.cmdline)
    problems = list(wrong_measurements(guest, row.tpm_banks, wanted))
    # By the configuration table that Linux knows; not by the TPM2 table alone.
    if not any("efi:" in line and " TPMEventLog=0x" in line for line in guest.lines("dmesg")):
        problems.append("EFI told the kernel of no event log")
    if problems:
        pytest.fail("\n".join([f"logs in {run.vm.folder}"] + problems[:30]), pytrace=False)
