# SPDX-License-Identifier: BSD-2-Clause
"""Runs a block of docs/vmm as it stands there, in a folder that has the files it names.

What this machine forces is replaced, and nothing else: KVM by TCG, the host's CPU and
interrupt controller by others, a terminal by a file.  The kernel's command line grows by the
words that the guest needs, and -initrd is added where the block has none, since the guest's
report comes from there.
"""

import contextlib
import hashlib
import os
import random
import re
import shlex
import socket
import subprocess
import threading
import time

import pytest

from host import ROOT
from linux_guest import read_guests, wrong_payload
from machines import KIB, MIB, Machine
from page_runs import NVDIMM_MIB
from remote import Qmp
from vm import TIMEOUT, Result, fresh_folder

GUEST = "guest-vmm"
KERNELS = {"x86_64": "6.1-generic", "aarch64": "arm64-6.1"}
# What blocks call the kernel.
NAMES = {"x86_64": ("bzImage", "vmlinux"), "aarch64": ("Image",)}
# Those of what VMMs add, beyond the drivers that every guest has.
DRIVERS = "nfit nd_pmem nvme"
WORDS = "panic=-1 slipway.mode=test"
# With ACPI a microvm has no PIT and under TCG nothing else to calibrate the TSC with.
MICROVM_WORDS = "tsc_early_khz=1000000"

TCG = (
    (r"\baccel=kvm(:tcg)?", "accel=tcg"),
    (r"\bgic-version=host\b", "gic-version=3"),
    (r"\bmem-path=/dev/shm\b", "mem-path=."),
)
CPU = {"x86_64": "max", "aarch64": "max,pauth-impdef=on"}
# What comes before the kernel's command line in an option that ends with it.
CMDLINE_OPTION = r"name=opt/org.slipway/cmdline,string=|guest-loader,.*bootargs="
SAID = re.compile(r"^slipway: .*", re.MULTILINE)
POLL = 0.2
CHUNK = 1 << 16


class Folder:
    """The files that blocks name, as links in a folder of a run."""

    def __init__(self, path, arch, host, firmware):
        self.path = fresh_folder(path)
        kernel = host.kernels[KERNELS[arch]]
        self.link("fw.bin", firmware)
        for name in NAMES[arch]:
            self.link(name, host.unpacked(KERNELS[arch]) if name == "vmlinux" else kernel)
        self.link("initrd", host.initrds[GUEST])
        self.link("tools", ROOT / "tools")
        self.disk = random.Random(0).randbytes(MIB)
        (path / "disk.img").write_bytes(self.disk)
        with open(path / "image", "wb") as image:
            image.truncate(NVDIMM_MIB * MIB)

    def link(self, name, target):
        (self.path / name).symlink_to(target)

    def clean(self):
        """Removes what is large; links stay for a second look."""
        for name in ("disk.img", "image", "flash0.img", "bundle"):
            (self.path / name).unlink(missing_ok=True)


class PageTrial:
    """One run of a block; problems_of() reads row, result, smp, cmdline_seen and ended_by."""

    def __init__(self, block, row, host, qemu, firmware=None, name=None):
        self.block, self.row = block, row
        self.qemu = host.qemus[qemu]
        self.folder = Folder(host.out / (name or f"page-{block.name}-qemu{qemu}"), block.arch,
                             host, firmware or host.fw)
        *self.before, line = block.commands
        self.words = self._replaced(line)
        self.machine = Machine(next(word for word in self._values("-M", "-machine")
                                    if not word.startswith("accel=")))
        self.smp = int(next(iter(self._values("-smp")), "1").partition(",")[0])
        self.asked = []
        self.ended_by = []
        self.result = Result(self.folder.path, None, 0)

    def _values(self, *options):
        """The words after these options."""
        return [self.words[i + 1] for i, word in enumerate(self.words) if word in options]

    def _replaced(self, line):
        """The command with what this machine forces, and the words for the guest."""
        words = []
        for word in [str(self.qemu)] + line[1:]:
            for pattern, by in TCG:
                word = re.sub(pattern, by, word)
            if words and words[-1] == "-cpu":
                word = re.sub(r"^host\b", CPU[self.block.arch], word)
            if word == "-enable-kvm":
                continue
            words.append(word)
        more = [WORDS, self.row.words] + [MICROVM_WORDS] * ("microvm" in " ".join(words))
        self._add_words(words, " ".join(filter(None, more)))
        if not any("initrd" in word or word == "bundle" for word in words):
            words += ["-initrd", "initrd"]
        return words

    def _add_words(self, words, more):
        """Adds to the kernel's command line, whichever way it goes in."""
        for i, word in enumerate(words):
            if i and words[i - 1] == "-append":
                option, text = "", word
            elif match := re.match(CMDLINE_OPTION, word):
                option, text = match[0], word.removeprefix(match[0]).replace(",,", ",")
            else:
                continue
            # What follows this mark is for the guest's first process.
            kernel, mark, rest = text.partition(" --")
            text = f"{kernel} {more}{mark}{rest}"
            self.cmdline_seen = text.encode()
            # A comma in an option's value is written twice.
            words[i] = option + text.replace(",", ",,") if option else text
            return
        raise ValueError(f"{self.block.name} has no command line")

    def go(self):
        """Runs the block to the end of its guest, and returns the reports."""
        path = self.folder.path
        for words in self.before:
            subprocess.run(words, cwd=path, check=True, stdin=subprocess.DEVNULL)
        if "-qmp" not in self.words:
            self.words += ["-qmp", "unix:path=qmp.sock,server=on,wait=off"]
        (path / "command").write_text(f"cd {path} && {shlex.join(self.words)}\n")
        start = time.monotonic()
        with open(path / "serial", "wb") as self.log, subprocess.Popen(
                self.words, cwd=path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT) as process:
            pumps = [self._pump(process.stdout)]
            try:
                qmp = self._open(process, pumps)
                self._watch(process, qmp, start)
            finally:
                if process.poll() is None:
                    process.kill()
                for pump in pumps:
                    pump.join()
                self.result.seconds = time.monotonic() - start
        guests = read_guests(self.result.serial)
        if self.result.exit_code != 0 or len(guests) != 1 + self.row.words.count("then="):
            pytest.fail(f"the guest made {len(guests)} reports: {self.result.describe()}",
                        pytrace=False)
        return guests

    def _pump(self, stream):
        """Copies to the log what comes, in a thread of its own."""
        def copy():
            # QEMU's end may cut a connection off.
            with contextlib.suppress(ConnectionError):
                while some := os.read(stream.fileno(), CHUNK):
                    self.log.write(some)
                    self.log.flush()

        pump = threading.Thread(target=copy)
        pump.start()
        return pump

    def _open(self, process, pumps):
        """Connects to QEMU; returns the Qmp, or None when QEMU ended and has said why."""
        try:
            qmp = Qmp(self.folder.path / "qmp.sock")
            # The console is there once QMP answers.
            console = self.folder.path / "console.sock"
            if console.exists():
                end = socket.socket(socket.AF_UNIX)
                end.connect(str(console))
                pumps.append(self._pump(end))
            return qmp
        except OSError:
            if process.poll() is None:
                raise
            return None

    def _watch(self, process, qmp, start):
        while self.result.exit_code is None and time.monotonic() - start < TIMEOUT:
            try:
                self.result.exit_code = process.wait(POLL)
            except subprocess.TimeoutExpired:
                self._answer(qmp)
        if qmp and self.result.exit_code is not None:
            self.ended_by = [event["data"]["reason"] for event in qmp.rest()
                             if event["event"] == "SHUTDOWN"]

    def _answer(self, qmp):
        """Plugs in what the guest waits for."""
        marks = re.findall(r"^SLIPWAY-WAIT (\w+)", self.result.serial, re.MULTILINE)
        for mark in marks[len(self.asked):]:
            self.asked.append(mark)
            for command, arguments in {"hotplug": self.row.plug, "grow": self.row.grow}[mark]:
                qmp.do(command, **arguments)


def problems_of(guests, trial, payload):
    """One sentence for each thing in the reports that is not as it should be."""
    row, guest, last = trial.row, guests[0], guests[-1]
    yield from wrong_payload(guest, trial.cmdline_seen, trial.smp, payload)
    if row.acpi:
        if guest.single.get("dmi:bios_vendor") != row.vendor:
            yield f"DMI bios_vendor is {guest.single.get('dmi:bios_vendor')}"
        if not guest.lines("acpi"):
            yield "there are no ACPI tables"
    elif guest.lines("acpi") or "model" not in guest.single:
        yield f"not by the device tree: ACPI {guest.lines('acpi')}"
    for key, pattern in row.expect:
        if not any(re.fullmatch(pattern, line) for line in guest.lines(key)):
            yield f"no {key} is {pattern}: {guest.lines(key)[:20]}"
    if row.plug:
        disks = [line.split()[2] for line in guest.lines("disk")]
        if hashlib.sha256(trial.folder.disk).hexdigest() not in disks:
            yield f"disks are {guest.lines('disk')}"
    if row.grow:
        grown = int(last.single["memtotal_kb"]) - int(guest.single["memtotal_kb"])
        wanted = row.grow[0][1]["size"] // KIB
        if abs(grown - wanted) > KIB or int(last.single["cpus"]) != trial.smp + 1:
            yield f"{grown} KiB more memory, {last.single['cpus']} CPUs after growing"
    if said := SAID.findall(trial.result.serial):
        yield f"the firmware said {said}"
    if trial.ended_by != ["guest-shutdown"]:
        yield f"QEMU ended for the reasons {trial.ended_by}"
