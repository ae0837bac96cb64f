# SPDX-License-Identifier: BSD-2-Clause
"""Runs a libvirt domain of docs/vmm as it stands there, by libvirt, without a daemon.

Replaced is what this machine forces: the files' folder, KVM by TCG, the host's CPU by
QEMU's largest, the terminal by a file.  The kernel's command line grows as in page_trial.py.
libvirt started by root looks for a user that only its daemon's package makes, so that here
nobody starts it then.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path
from xml.etree import ElementTree

import pytest

from linux_guest import read_guests
from page_trial import GUEST, KERNELS, NAMES, WORDS
from vm import TIMEOUT, Result, fresh_folder

HOME = "/srv/vm/"               # of the files, in the pages
NOBODY = "65534"
POLL = 0.2
FLASH_SIZE = 64 << 20           # on AArch64
END_SECONDS = 20                # for libvirt to stop a guest
POWERED_OFF = "shutting down, reason=shutdown"


class DomainTrial:
    """One run of a domain; for problems_of() it has what PageTrial has."""

    def __init__(self, block, row, host):
        self.block, self.row, self.host = block, row, host
        self.out = fresh_folder(host.out / f"page-{block.name}")
        self.result = Result(self.out, None, 0)
        self.ended_by = []

    def _fill(self, folder):
        """Puts the files into the folder, and returns the domain's path."""
        arch = self.block.arch
        for name, source in (("fw.bin", self.host.fw), ("initrd", self.host.initrds[GUEST]),
                             *((name, self.host.kernels[KERNELS[arch]]) for name in NAMES[arch])):
            shutil.copy(source, folder / name)
        shutil.copy(self.host.fw, folder / "flash0.img")
        os.truncate(folder / "flash0.img", FLASH_SIZE)
        domain = ElementTree.fromstring(self.block.text.replace(HOME, f"{folder}/"))
        domain.set("type", "qemu")
        self.smp = int(domain.find("vcpu").text)
        domain.find("cpu").set("mode", "maximum")
        cmdline = domain.find("os/cmdline")
        cmdline.text = f"{cmdline.text} {WORDS}"
        self.cmdline_seen = cmdline.text.encode()
        serial = domain.find("devices/serial")
        serial.set("type", "file")
        ElementTree.SubElement(serial, "source", path=str(folder / "serial"))
        (folder / "guest.xml").write_bytes(ElementTree.tostring(domain))
        (folder / "root/etc").mkdir(parents=True)
        # Else a logging daemon is started, and stays.
        (folder / "root/etc/qemu.conf").write_text('stdio_handler = "file"\n')
        return folder / "guest.xml"

    def go(self):
        """Runs the domain to the end of its guest, and returns the reports."""
        with tempfile.TemporaryDirectory(prefix="slipway-") as name:
            folder = Path(name)
            command = ["virt-qemu-run", "-r", str(folder / "root"), str(self._fill(folder))]
            if os.geteuid() == 0:
                subprocess.run(["chown", "-R", NOBODY, folder], check=True)
                command = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
                           *command]
            start = time.monotonic()
            try:
                self._run(command, folder)
            finally:
                self.result.seconds = time.monotonic() - start
                log = folder / "root/log/qemu/guest.log"
                for source, to in ((folder / "serial", "serial"), (log, "qemu")):
                    if source.exists():
                        shutil.copy(source, self.out / to)
        if POWERED_OFF in self.result.qemu:
            self.ended_by = ["guest-shutdown"]
        guests = read_guests(self.result.serial)
        if len(guests) != 1:
            said = (self.out / "libvirt").read_text(errors="replace")
            pytest.fail(f"the guest made {len(guests)} reports: {self.result.describe()}\n"
                        f"--- libvirt\n{said}", pytrace=False)
        return guests

    def _run(self, command, folder):
        """virt-qemu-run stays when the guest has ended, and ends the guest when it is ended."""
        log = folder / "root/log/qemu/guest.log"
        with open(self.out / "libvirt", "wb") as said, subprocess.Popen(
                command, cwd=folder, stdin=subprocess.DEVNULL, stdout=said, stderr=said,
                env=os.environ | {"HOME": str(folder), "XDG_RUNTIME_DIR": str(folder)}) as process:
            try:
                until = time.monotonic() + TIMEOUT
                while process.poll() is None and time.monotonic() < until:
                    if log.exists() and "shutting down" in log.read_text(errors="replace"):
                        break
                    time.sleep(POLL)
            finally:
                process.terminate()
                try:
                    self.result.exit_code = process.wait(END_SECONDS)
                except subprocess.TimeoutExpired:
                    process.kill()
                    # The guest would stay.
                    pid = folder / "root/run/qemu/guest.pid"
                    if pid.exists():
                        os.kill(int(pid.read_text()), signal.SIGKILL)
