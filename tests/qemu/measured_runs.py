# SPDX-License-Identifier: BSD-2-Clause
"""Guests with a TPM, a row each for test_measured.py."""

import tpm_tables
from runs import QEMUS, linux
from vmm_runs import WORDS
from vmm_runs import linux as vmm_linux

# An initrd with tpm2-tools, and the kernels that it has drivers for.
GUEST_TPM = "guest-tpm"
KERNELS = "6.1-cloud", "6.12-cloud"
TPMS = (("q35", "tpm-tis"), ("q35", "tpm-crb"), ("pc", "tpm-tis"), ("pc", "tpm-crb"))
ALL_BANKS = "sha1,sha256,sha384,sha512"


def measured(name, machine="q35", tpm="tpm-tis", banks="sha256", **rest):
    return linux(f"measured-{name}", machine, tpm=tpm, tpm_banks=banks,
                 **{"initrd": GUEST_TPM, "options": ()} | rest)


# The same kernel, initrd and command line each time, so that one value of the PCRs of these is
# right for all.
ALIKE = [
    measured(f"{machine}-{tpm}-{memory}-qemu{qemu}", machine, tpm, memory=memory, qemu=qemu)
    for machine, tpm in TPMS for memory, qemu in zip(("512M", "4G"), QEMUS)
] + [
    measured("q35-4G-qemu7.2", memory="4G"),
    measured("q35-512M-qemu10.0", qemu="10.0"),
    measured("opt-q35", source="opt"),
    measured("etc-pc", "pc", "tpm-crb", source="etc"),
    measured("uki-q35", source="opt", bundle="uki"),
    measured("uki-legacy-pc", "pc", bundle="uki"),
    measured("appended-q35", source="opt", bundle="appended"),
    # Banks that we cannot compute are extended, too.
    measured("all-banks-q35", banks=ALL_BANKS),
    measured("all-banks-pc-qemu10.0", "pc", "tpm-crb", ALL_BANKS, qemu="10.0"),
    measured("sha384-q35", banks="sha384"),
]

MEASURED = ALIKE + [
    measured("elf-q35", source="opt", elf={}),
    measured("6.12-q35", kernel=KERNELS[1], more=b" a='b  c' x=\xc3\xa9"),
]

# What the TPM holds stays. With so much memory, it is not watched (operating.py).
SUSPENDED = [
    measured(f"suspend-{machine}-{tpm}", machine, tpm, memory="1G",
             more=b" slipway.then=suspend") for machine, tpm in (TPMS[0], TPMS[3])
]


# -- VMMs that put ACPI tables into memory themselves -------------------------------


def vmm_measured(name, tpm, banks="sha256", **rest):
    return vmm_linux(f"measured-{name}", tpm=tpm, tpm_banks=banks,
                     **{"initrd": GUEST_TPM, "options": ()} | rest)


def tell_of_tpm(*table):
    """The VMM's own tables tell of a TPM; `table` is what tpm2_table() takes."""
    return lambda vmm: vmm.add_acpi(tpm_tables.tpm2_table(*table), tpm_tables.device_table())


CRB_TOLD, FIFO_TOLD = tell_of_tpm(tpm_tables.CRB), tell_of_tpm(tpm_tables.FIFO)

# There is no event log.
VMM_MEASURED = [
    vmm_measured(f"{tpm}-qemu{qemu}", tpm, qemu=qemu, change=change, kernel=kernel)
    for tpm, change in (("tpm-crb", CRB_TOLD), ("tpm-tis", FIFO_TOLD))
    for qemu, kernel in zip(QEMUS, KERNELS)
] + [
    vmm_measured("table-with-log", "tpm-crb", change=tell_of_tpm(tpm_tables.CRB, True)),
    vmm_measured("two-banks-appended", "tpm-crb", "sha256,sha384", bundle="appended",
                 change=CRB_TOLD),
]

# A TPM that Linux finds and the firmware does not: no table tells of it, but Linux is told to
# look where it is; or start_info names no tables, and Linux scans for them.
VMM_UNMEASURED = [
    vmm_measured(f"no-table-qemu{qemu}", "tpm-tis", qemu=qemu,
                 cmdline=WORDS + b" tpm_tis.force=1") for qemu in QEMUS
] + [
    vmm_measured(f"no-rsdp-{tpm}", tpm, vmm="firecracker", change=change)
    for tpm, change in (("tpm-crb", CRB_TOLD), ("tpm-tis", FIFO_TOLD))
]
