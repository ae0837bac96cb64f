# SPDX-License-Identifier: BSD-2-Clause
"""tools/slipway-measure says what hashlib says, and what tpm2_eventlog makes of its log.

Its sources are the firmware's (measure/), so that this is a test of events, digests and the format of
the log, too.  What is expected is computed here, from docs/measured-boot.md alone.
"""

import hashlib
import json
import re
import struct
import subprocess
import uuid
from dataclasses import dataclass

import pytest

from host import ROOT, tool
from probe.bzimage import SetupHeader, compose

VERSION = re.search(r"^VERSION := (\S+)", (ROOT / "Makefile").read_text(), re.MULTILINE)[1]
INITRD = b"070701" + bytes(range(95))
CMDLINE = "console=ttyS0 quiet"
FIRMWARE = bytes(range(256)) * 256
# Fields that boot loaders fill in have values here: what is measured has none of them.
HEADER = SetupHeader(setup_sects=9, vid_mode=0x30F, type_of_loader=0xB0, loadflags=0x81,
                     ramdisk_image=0x7000000, ramdisk_size=77, heap_end_ptr=0xFE00,
                     cmd_line_ptr=0x20000, setup_data=0x1234567)
BZIMAGE = compose(HEADER, bytes(range(256)) * 3, b"K" * 0x1390)
IMAGE = b"MZ" + bytes(0x36) + b"ARM\x64" + b"I" * 0x1001

# TPM_ALG_ID and bytes of a digest: TCG Algorithm Registry.
BANKS = {"sha1": (0x4, 20), "sha256": (0xB, 32), "sha384": (0xC, 48), "sha512": (0xD, 64)}
COMPUTED = ("sha256", "sha384")
TYPES = {"EV_SEPARATOR": 4, "EV_S_CRTM_VERSION": 8, "EV_PLATFORM_CONFIG_FLAGS": 10, "EV_IPL": 13}


@pytest.fixture
def run(measure_tool, tmp_path):
    """Runs the tool in a folder of its own; options of bytes become files there."""
    def start(*words, **options):
        arguments = [measure_tool, *words]
        for option, value in options.items():
            if isinstance(value, bytes):
                (tmp_path / option).write_bytes(value)
                value = option
            arguments += ["--" + option.replace("_", "-"), value]
        return subprocess.run(arguments, cwd=tmp_path, capture_output=True, text=True)
    return start


@pytest.fixture
def said(run):
    """What the tool says in JSON, without any complaint."""
    def get(*words, **options):
        done = run("--json", *words, **options)
        assert done.returncode == 0 and not done.stderr, done.stderr
        return json.loads(done.stdout)
    return get


# -- what is expected --------------------------------------------------------------------


def digest(bank, data):
    """Of a bank that is not computed it says so."""
    return hashlib.new(bank, data).digest() if bank in COMPUTED else b"\xfe" * BANKS[bank][1]


def normalised(image):
    """A bzImage without the fields that VMMs and boot loaders fill in."""
    image = bytearray(image)
    image[0x1F1] = image[0x1F1] or 4
    image[0x211] &= 0x7F
    for start, end in ((0x1FA, 0x1FC), (0x210, 0x211), (0x218, 0x220), (0x224, 0x226),
                       (0x228, 0x22C), (0x250, 0x258)):
        image[start:end] = bytes(end - start)
    return bytes(image)


@dataclass
class Event:
    pcr: int
    type: str
    measured: bytes
    data: bytes = None

    def __post_init__(self):
        self.data = self.measured if self.data is None else self.data


def events(kernel, initrd=b"", cmdline="", tables=()):
    """All events of a boot; `kernel` is what is measured of it."""
    text = cmdline.encode() + b"\0"
    return [Event(0, "EV_S_CRTM_VERSION", f"Slipway {VERSION}\0".encode("utf-16-le")),
            *(Event(1, "EV_PLATFORM_CONFIG_FLAGS", table, name.encode() + b"\0")
              for name, table in tables),
            *(Event(pcr, "EV_SEPARATOR", bytes(4)) for pcr in range(8)),
            Event(9, "EV_IPL", kernel, b"kernel\0"),
            Event(9, "EV_IPL", initrd, b"initrd\0"),
            Event(8, "EV_IPL", text, b"kernel_cmdline: " + text)]


def replay(expected, bank):
    """The PCRs of a bank after these events."""
    pcrs = [bytes(BANKS[bank][1])] * 10
    for event in expected:
        pcrs[event.pcr] = hashlib.new(bank, pcrs[event.pcr] + digest(bank, event.measured)).digest()
    return [pcr.hex() for pcr in pcrs]


def log(expected, banks):
    """The log: PC Client Platform Firmware Profile 1.05, 10.2 and 10.4.5."""
    spec = (b"Spec ID Event03\0" + struct.pack("<IBBBBI", 0, 0, 2, 105, 2, len(banks)) +
            b"".join(struct.pack("<HH", *BANKS[bank]) for bank in banks) + b"\0")
    written = struct.pack("<II20sI", 0, 3, bytes(20), len(spec)) + spec
    for event in expected:
        written += struct.pack("<III", event.pcr, TYPES[event.type], len(banks))
        for bank in banks:
            written += struct.pack("<H", BANKS[bank][0]) + digest(bank, event.measured)
        written += struct.pack("<I", len(event.data)) + event.data
    return written


def check(found, expected, banks=COMPUTED, unknown=(1,)):
    """What the tool said is what is expected, but for PCRs that it cannot know."""
    assert found["events"] == [
        {"pcr": event.pcr, "type": event.type, "event": event.data.hex(),
         "digests": {bank: digest(bank, event.measured).hex() for bank in banks}}
        for event in expected]
    assert found["pcrs"] == {
        bank: {str(pcr): value for pcr, value in enumerate(replay(expected, bank))
               if pcr not in unknown}
        for bank in banks if bank in COMPUTED}


def hash_table(kernel, initrd, cmdline):
    """As QEMU makes it: target/i386/sev.c."""
    entries = b"".join(
        uuid.UUID(name).bytes_le + struct.pack("<H", 50) + hashlib.sha256(data).digest()
        for name, data in (("97d02dd8-bd20-4c94-aa78-e7714d36ab2a", cmdline.encode() + b"\0"),
                           ("44baf731-3a2f-4bd7-9af1-41e29169781d", initrd),
                           ("4de79437-abd2-427f-b835-d5b172d2045b", kernel)))
    header = uuid.UUID("9438d606-4f22-4cc9-b479-a793d411fd21").bytes_le + struct.pack("<H", 168)
    return header + entries + bytes(8)


# -- PCRs, events, the log ---------------------------------------------------------------

FIXED_8 = "20db253fb802300f55352243a04851568743b9bb234c811810b1bba52108d0e5"
FIXED_9 = "25cfb9ceb469fd03dcbcaea28e8f03c37951b342b7c1ef9ecbe023f1ec9028fa"


def test_boot_of_a_bzimage(said):
    check(said(kernel=BZIMAGE, initrd=INITRD, cmdline=CMDLINE),
          events(normalised(BZIMAGE), INITRD, CMDLINE))


def test_fixed_values(said):
    """Computed once, apart from the code above; the version is in none of them."""
    pcrs = said(kernel=BZIMAGE, initrd=INITRD, cmdline=CMDLINE)["pcrs"]["sha256"]
    assert pcrs["7"] == "3d458cfe55cc03ea1f443f1562beec8df51c75e14a9fcf9a7234a13f198e7969"
    assert pcrs["8"] == FIXED_8
    assert pcrs["9"] == FIXED_9


def test_kernel_is_the_same_however_it_was_patched(said):
    plain = said(kernel=compose(SetupHeader(setup_sects=9), bytes(range(256)) * 3, b"K" * 0x1390))
    patched = said(kernel=BZIMAGE)
    assert plain["pcrs"] == patched["pcrs"]
    # What confidential VMs have is of the file.
    assert plain["hash_table"]["kernel"] != patched["hash_table"]["kernel"]


def test_old_setup_sects(said):
    """0 is 4."""
    old = compose(SetupHeader(setup_sects=4), b"", b"K" * 4096)
    assert said(kernel=old)["pcrs"] == said(kernel=old[:0x1F1] + b"\0" + old[0x1F2:])["pcrs"]


def test_what_is_behind_a_bzimage_is_not_measured(run, said):
    done = run("--json", kernel=BZIMAGE + b"a device tree, or a signature")
    assert "29 bytes behind the bzImage" in done.stderr
    assert json.loads(done.stdout)["pcrs"] == said(kernel=BZIMAGE)["pcrs"]


@pytest.mark.parametrize("kernel", [IMAGE, b"\x7fELF" + bytes(700), b"", b"short"],
                         ids=["arm64", "elf", "empty", "short"])
def test_other_kernels_are_as_they_are(said, kernel):
    check(said(kernel=kernel), events(kernel))


def test_tables(said, tmp_path):
    tables = [("etc/acpi/tables", b"DSDT and others"), ("etc/acpi/rsdp", b"RSD PTR ")]
    words = []
    for number, (name, table) in enumerate(tables):
        (tmp_path / f"table{number}").write_bytes(table)
        words += ["--table", f"{name}=table{number}"]
    check(said(*words, kernel=IMAGE), events(IMAGE, tables=tables), unknown=())


@pytest.mark.parametrize("banks", [("sha256",), ("sha384", "sha256"), tuple(BANKS)],
                         ids=",".join)
def test_log(said, tmp_path, banks):
    expected = events(normalised(BZIMAGE), INITRD, CMDLINE)
    check(said(kernel=BZIMAGE, initrd=INITRD, cmdline=CMDLINE, log="log", banks=",".join(banks)),
          expected, banks)
    assert (tmp_path / "log").read_bytes() == log(expected, banks)


def test_log_as_tpm2_tools_read_it(said, tmp_path):
    """Digests fit what they are of, as far as it knows, and lead to the same PCRs."""
    tool("need", "tpm2-tools")
    found = said(kernel=BZIMAGE, initrd=INITRD, cmdline=CMDLINE, log="log")
    done = subprocess.run(["tpm2_eventlog", tmp_path / "log"], capture_output=True, text=True)
    assert done.returncode == 0 and done.stderr == ""
    pcrs = done.stdout[done.stdout.index("\npcrs:"):]
    for bank, values in found["pcrs"].items():
        for pcr, value in values.items():
            assert re.search(rf"  {bank}:\n(    .*\n)*    {pcr} +: 0x{value}\n", pcrs)


# -- confidential VMs --------------------------------------------------------------------


def test_hash_table(said, tmp_path):
    found = said(kernel=BZIMAGE, initrd=INITRD, cmdline=CMDLINE, hash_table="table")
    expected = hash_table(BZIMAGE, INITRD, CMDLINE)
    assert (tmp_path / "table").read_bytes() == expected
    assert found["hash_table"] == {
        "bytes": expected.hex(), "cmdline": hashlib.sha256(CMDLINE.encode() + b"\0").hexdigest(),
        "initrd": hashlib.sha256(INITRD).hexdigest(),
        "kernel": hashlib.sha256(BZIMAGE).hexdigest()}


def test_hash_table_without_an_initrd(said):
    assert said(kernel=IMAGE)["hash_table"]["bytes"] == hash_table(IMAGE, b"", "").hex()


def test_launch_digests(said, tmp_path):
    vmsas = [bytes([number]) * 4096 for number in (1, 2)]
    words = []
    for number, vmsa in enumerate(vmsas):
        (tmp_path / f"vmsa{number}").write_bytes(vmsa)
        words += ["--vmsa", f"vmsa{number}"]
    table = hash_table(BZIMAGE, b"", CMDLINE)
    assert said(*words, kernel=BZIMAGE, cmdline=CMDLINE, firmware=FIRMWARE)["launch"] == {
        "firmware": hashlib.sha256(FIRMWARE).hexdigest(),
        "has_hash_block": False, "has_sev_es_reset_block": False,
        "sev": hashlib.sha256(FIRMWARE + table).hexdigest(),
        "sev_es": hashlib.sha256(FIRMWARE + table + b"".join(vmsas)).hexdigest()}


def guided(*entries, footer="96b582de-1fb2-45f7-baea-a366c55a082d", length=None):
    """An image with a table of GUIDs: QEMU docs/specs/sev-guest-firmware.rst."""
    table = b"".join(data + struct.pack("<H", len(data) + 18) + uuid.UUID(name).bytes_le
                     for name, data in entries)
    length = len(table) + 18 if length is None else length
    table += struct.pack("<H", length) + uuid.UUID(footer).bytes_le
    return FIRMWARE[:-len(table) - 0x20] + table + FIRMWARE[-0x20:]


BLOCK = ("7255371f-3a3b-4b04-927b-1da6efa8d454", struct.pack("<II", 0x10C00, 0x400))
RESET = ("00f771de-1a7e-4fcb-890e-68c77e2fb44e", bytes(4))
OTHER = ("dc886566-984a-4798-a75e-5585a7bf67cc", bytes(4))
IMAGES = {
    "block": (guided(BLOCK), True, False),
    "block_first": (guided(BLOCK, OTHER), True, False),
    "both": (guided(OTHER, RESET, BLOCK), True, True),
    "other": (guided(OTHER), False, False),
    "nothing": (guided(), False, False),
    "no_footer": (guided(BLOCK, footer=OTHER[0]), False, False),
    "too_long": (guided(BLOCK, length=0xFFFF)[-0x200:], False, False),
    "too_short": (guided(BLOCK, length=17), False, False),
    "ends_before": (guided(BLOCK, RESET, length=18 + 22), False, True),
    "entry_too_short": (guided(BLOCK, OTHER).replace(
        b"\x16\0" + uuid.UUID(OTHER[0]).bytes_le, b"\x11\0" + uuid.UUID(OTHER[0]).bytes_le),
        False, False),
    "tiny": (b"x", False, False),
}


@pytest.mark.parametrize("image", IMAGES)
def test_what_an_image_lists(said, image):
    firmware, block, reset = IMAGES[image]
    found = said(kernel=IMAGE, firmware=firmware)["launch"]
    assert (found["has_hash_block"], found["has_sev_es_reset_block"]) == (block, reset)


# -- text, and what is refused -----------------------------------------------------------


def test_text_has_what_json_has(run, said):
    options = {"kernel": BZIMAGE, "initrd": INITRD, "cmdline": CMDLINE, "firmware": FIRMWARE}
    text = run(**options).stdout
    found = said(**options)
    wanted = [*found["hash_table"].values(), found["launch"]["firmware"], found["launch"]["sev"],
              *(value for values in found["pcrs"].values() for value in values.values()),
              *(value for event in found["events"] for value in event["digests"].values())]
    for value in wanted:
        assert value in text
    assert f"PCR 8 EV_IPL 'kernel_cmdline: {CMDLINE}'" in text
    assert "1 not known" in text


UKI = b"MZ" + bytes(0x3E) + b"PE\0\0" + bytes(0x400)
REFUSED = {
    "kernel_that_is_cut": ("the bzImage is cut", (), {"kernel": BZIMAGE[:-17]}),
    "unified_kernel": ("a unified kernel image", (), {"kernel": UKI}),
    "bank": ("'md5' is none of", (), {"kernel": IMAGE, "banks": "md5"}),
    "bank_twice": ("sha256 twice", (), {"kernel": IMAGE, "banks": "sha256,sha256"}),
    "no_bank": ("--banks: no bank", ("--banks", ""), {"kernel": IMAGE}),
    "no_such_file": ("nothing: No such file", (), {"kernel": "nothing"}),
    "table_without_a_file": ("is not NAME=FILE", ("--table", "etc/x"), {"kernel": IMAGE}),
    "short_vmsa": ("a VMSA has 4096 bytes", (), {"kernel": IMAGE, "vmsa": b"x"}),
    "vmsa_alone": ("of no use without --firmware", (), {"kernel": IMAGE, "vmsa": bytes(4096)}),
    "log_that_cannot_be": ("no/log: No such file", (), {"kernel": IMAGE, "log": "no/log"}),
    "no_kernel": ("Usage:", (), {"cmdline": "x"}),
    "more_words": ("Usage:", ("more",), {"kernel": IMAGE}),
    "unknown_option": ("Usage:", ("--more",), {"kernel": IMAGE}),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused(run, what):
    sentence, words, options = REFUSED[what]
    done = run(*words, **options)
    assert done.returncode == (2 if sentence == "Usage:" else 1)
    assert sentence in done.stderr and done.stdout == ""


def test_page_has_every_option(run):
    page = (ROOT / "tools/slipway-measure.1").read_text().replace("\\-", "-")
    options = set(re.findall(r"--[a-z-]+", run("--help").stdout))
    assert len(options) == 10
    for option in options:
        assert re.search(rf"^\.BI? {option}\b", page, re.MULTILINE), option
