# SPDX-License-Identifier: BSD-2-Clause
"""What a guest finds in its TPM, held against the log of it and against slipway-measure."""

import json
import re
import subprocess

from eventlog import read_log, replay

# Programs and a library of the guests that look into their TPM, for make-initrd.
PROGRAMS = {"x86_64": ("tpm2-tools=/usr/bin/tpm2", "libtss2-tcti-device0="
                       "/usr/lib/x86_64-linux-gnu/libtss2-tcti-device.so.0"),
            "aarch64": ("tpm2-tools=/usr/bin/tpm2", "tpm2-tools="
                        "/usr/lib/aarch64-linux-gnu/libtss2-tcti-device.so.0")}
DIGEST_SIZES = {"sha256": 32, "sha384": 48}
COMPUTED = tuple(DIGEST_SIZES)          # the other banks get a digest that is none, of which
NO_DIGEST = re.compile(r"WARN: Event \d+'s digest does not match its payload")
OF_THE_HOST, TABLE = 1, "EV_PLATFORM_CONFIG_FLAGS"     # PCR and type of its tables' events
OF_LINUX = 10                           # the PCR that the kernel extends, for IMA


def guest_options(arch, *kernels, drivers=""):
    """Of make-initrd, for guests that look into their TPM."""
    return ["--arch", arch,
            *(word for program in PROGRAMS[arch] for word in ("--program", program)),
            "--drivers", f"qemu_fw_cfg {drivers}",
            *(word for kernel in kernels for word in ("--modules", kernel))]


def read_pcrs(lines):
    """PCRs by bank and number, of the lines that tpm2 pcrread prints, and tpm2 eventlog at last.

    A bank that is not active is named there, and has none.
    """
    pcrs = {}
    for line in lines:
        if match := re.fullmatch(r"  (\w+):", line):
            bank = pcrs.setdefault(match[1], {})
        elif match := re.fullmatch(r"    (\d+) *: 0x([0-9A-Fa-f]+)", line):
            bank[int(match[1])] = match[2].lower()
    return {bank: values for bank, values in pcrs.items() if values}


def replayed_pcrs(guest):
    """What tpm2 eventlog makes of the log."""
    lines = guest.lines("eventlog")
    return read_pcrs(lines[lines.index("pcrs:"):] if "pcrs:" in lines else [])


def expected(tool, banks, kernel, initrd, cmdline):
    """What slipway-measure says of these files."""
    done = subprocess.run([tool, "--json", "--banks", banks, "--kernel", kernel, "--initrd",
                           initrd, "--cmdline", cmdline], check=True, capture_output=True)
    return json.loads(done.stdout)


def compare_pcrs(what, found, held):
    """One sentence for each PCR of `found` that is another in the TPM."""
    for bank, pcrs in found.items():
        for pcr, value in pcrs.items():
            if int(pcr) != OF_LINUX and held[bank].get(int(pcr)) != value:
                yield f"{what} has {bank} PCR {pcr} {value}, the TPM {held[bank].get(int(pcr))}"


def wrong_tables(events, files):
    """One sentence for each table of the host's whose event is not of the file that fw_cfg has."""
    names = [bytes.fromhex(event["event"]).decode("latin1").removesuffix("\0")
             for event in events]
    for name, event in zip(names, events):
        digest = event["digests"].get("sha256", files.get(name))
        if event["pcr"] != OF_THE_HOST or files.get(name) != digest:
            yield (f"{name} is measured into PCR {event['pcr']} as {digest}, "
                   f"in fw_cfg it is {files.get(name)}")
    if sorted(names) != sorted(files):
        yield f"tables of the host {sorted(files)}, measured {names}"


def wrong_banks(guest, held, banks):
    """One sentence for each thing wrong with how the TPM's PCRs were read."""
    if set(held) != set(banks):
        yield f"the TPM has the banks {list(held)}, not {list(banks)}"
    if guest.lines("pcrread-said"):
        yield f"tpm2 pcrread said {guest.lines('pcrread-said')}"


def separators_for_tables(pcrs):
    """What slipway-measure says of PCRs, where no table of the host's is measured.

    The tool says nothing of their PCR without them; it has its separator then, as PCRs 2 to 7.
    """
    return {bank: values | {str(OF_THE_HOST): values["2"]} for bank, values in pcrs.items()}


def untouched(banks):
    """PCRs into which nothing has been measured, in the form of slipway-measure's."""
    return {bank: dict.fromkeys(map(str, range(10)), "00" * DIGEST_SIZES[bank]) for bank in banks}


def wrong_pcrs(guest, pcrs):
    """One sentence for each thing wrong where there is no log; `pcrs` are all that are used."""
    held = read_pcrs(guest.lines("pcrread"))
    yield from wrong_banks(guest, held, pcrs)
    if guest.single["tpmlog"]:
        yield f"there is an event log: {guest.single['tpmlog']}"
    for bank in held.keys() & pcrs.keys():
        if set(pcrs[bank]) != set(map(str, range(10))):
            yield f"of bank {bank} only the PCRs {list(pcrs[bank])} are compared"
        yield from compare_pcrs("expected", {bank: pcrs[bank]}, held)


def wrong_measurements(guest, banks, wanted):
    """One sentence for each thing that is not as it should be."""
    held = read_pcrs(guest.lines("pcrread"))
    yield from wrong_banks(guest, held, banks.split(","))
    if set(held) != set(banks.split(",")):
        return
    if not guest.single["tpmlog"]:
        yield "there is no event log"
        return

    replayed = replayed_pcrs(guest)
    if set(replayed) != set(held) or any(set(pcrs) != set(range(10)) for pcrs in replayed.values()):
        yield f"tpm2 eventlog has the PCRs {replayed}"
    yield from compare_pcrs("tpm2 eventlog", replayed, held)
    for line in guest.lines("eventlog-said"):
        if set(held) <= set(COMPUTED) or not NO_DIGEST.fullmatch(line):
            yield f"tpm2 eventlog said {line}"

    sizes, events = read_log(bytes.fromhex(guest.single["tpmlog"]))
    yield from compare_pcrs("the log", replay(sizes, events), held)
    yield from compare_pcrs("slipway-measure", wanted["pcrs"], held)
    told = [event.as_the_tool_says() for event in events]
    tables = [event for event in told if event["type"] == TABLE]
    told = [event for event in told if event["type"] != TABLE]
    asked = wanted["events"]
    for number, (event, other) in enumerate(zip(told, asked)):
        if event != other:
            yield "; ".join([f"event {number} is not what slipway-measure has", *(
                f"{key} {event[key]}, not {other[key]}" for key in other
                if event[key] != other[key])])
    if len(told) != len(asked):
        yield f"the log has {len(told)} events, slipway-measure {len(asked)}"
    yield from wrong_tables(tables, dict(line.split() for line in guest.lines("fwcfg")))
