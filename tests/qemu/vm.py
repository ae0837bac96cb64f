# SPDX-License-Identifier: BSD-2-Clause
"""Starts QEMU, waits for it, and keeps what it said.

A run has a folder of its own under build/tests: `command` (to repeat it by
hand), `debugcon`, `serial`, `qemu` (QEMU's own messages) and `faults` (faults.py)
stay there; large inputs are removed when the test is over.  The time limit is a guard against
hangs, generous enough for a loaded machine, and never what a test asserts.
"""

import contextlib
import os
import shlex
import shutil
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from faults import LOGGED

TIMEOUT = 400
TPM_START = 20
TAIL = 12                       # lines of each log shown for a failed run


@dataclass
class Result:
    """How a run ended; `exit_code` is None when the time limit ended it."""

    folder: Path
    exit_code: int
    seconds: float

    def _read(self, name):
        path = self.folder / name
        return path.read_bytes().decode("latin1") if path.exists() else ""

    @property
    def debugcon(self):
        return self._read("debugcon")

    @property
    def serial(self):
        return self._read("serial")

    @property
    def qemu(self):
        return self._read("qemu")

    @property
    def faults(self):
        return self._read("faults")

    def describe(self):
        """For the message of a failed assertion."""
        how = "was ended by the time limit" if self.exit_code is None \
            else f"exited {self.exit_code}"
        parts = [f"QEMU {how} after {self.seconds:.1f} s; logs in {self.folder}"]
        for name in ("debugcon", "serial", "qemu"):
            lines = [line[:160] for line in self._read(name).splitlines()[-TAIL:]]
            if lines:
                parts.append(f"--- end of {name}")
                parts += lines
        return "\n".join(parts)


def fresh_folder(path):
    """Makes an empty folder, and returns its path."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


class Vm:
    """One QEMU run to be: a folder, the command's start, and what tests add."""

    def __init__(self, folder, qemu):
        self.folder = fresh_folder(folder)
        self.large = []
        self.tpm = None
        self.command = [
            # One thread: faster for many vCPUs on few cores, where several also get stuck.
            str(qemu), "-accel", "tcg,thread=single", "-nodefaults", "-display", "none",
            "-no-user-config", "-d", LOGGED, "-D", str(self.folder / "faults")]

    def add_serial(self):
        """The machine's first serial port writes the file `serial`."""
        self.add("-serial", f"file:{self.folder / 'serial'}")

    def add_virtio_console(self):
        """In place of a serial port, which the machine then does not have."""
        self.add("-chardev", f"file,id=hvc0,path={self.folder / 'serial'}",
                 "-device", "virtio-serial-pci", "-device", "virtconsole,chardev=hvc0")

    def add_debug_ports(self, debug_exit=True, debugcon=True):
        """The ports of x86 machines that, if asked for, take text and end QEMU."""
        if debugcon:
            self.add("-chardev", f"file,id=debugcon,path={self.folder / 'debugcon'}",
                     "-device", "isa-debugcon,iobase=0x402,chardev=debugcon")
        if debug_exit:
            self.add("-device", "isa-debug-exit,iobase=0xf4,iosize=4")

    def add(self, *options):
        self.command += [str(option) for option in options]

    def file(self, name, content):
        """Writes an input file of the run and returns its path."""
        path = self.folder / name
        path.write_bytes(content)
        self.large.append(path)
        return path

    def fw_cfg(self, name, content):
        """Adds a fw_cfg file with these bytes, or of this path."""
        if not isinstance(content, Path):
            content = self.file(name.replace("/", "_"), content)
        self.add("-fw_cfg", f"name={name},file={content}")

    def add_qmp(self):
        """QEMU does nothing until Qmp(self.qmp) says "cont"."""
        self.qmp = self.folder / "qmp"
        self.add("-S", "-chardev", f"socket,id=qmp,path={self.qmp},server=on,wait=off",
                 "-mon", "chardev=qmp,mode=control")

    def add_gdb(self):
        """QEMU does nothing until Gdb(self.gdb) lets it."""
        self.gdb = self.folder / "gdb"
        self.add("-S", "-chardev", f"socket,id=gdb,path={self.gdb},server=on,wait=off",
                 "-gdb", "chardev:gdb")

    def add_tpm(self, model, banks=""):
        """A TPM 2.0 of that device model, emulated by swtpm while QEMU runs.

        `banks` are the active ones, as swtpm_setup takes them; else they are swtpm's own choice.
        """
        self.tpm = self.folder / "tpm.sock"
        self.tpm_banks = banks
        self.add("-chardev", f"socket,id=tpm,path={self.tpm}",
                 "-tpmdev", "emulator,id=tpm0,chardev=tpm", "-device", f"{model},tpmdev=tpm0")

    @contextlib.contextmanager
    def _tpm(self):
        """Runs the TPM, if there is one, which is there for QEMU from the start."""
        if not self.tpm:
            yield
            return
        state = self.folder / "tpm"
        state.mkdir()
        if self.tpm_banks:
            # It stores that in its state, which has no keys then.
            subprocess.run(["swtpm_setup", "--tpm2", "--tpmstate", state, "--pcr-banks",
                            self.tpm_banks, "--logfile", self.folder / "swtpm_setup"], check=True,
                           stdout=subprocess.DEVNULL)
        with open(self.folder / "swtpm", "wb") as log, subprocess.Popen(
                ["swtpm", "socket", "--tpm2", "--tpmstate", f"dir={state}",
                 "--ctrl", f"type=unixio,path={self.tpm}"],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log) as process:
            try:
                until = time.monotonic() + TPM_START
                while not self.tpm.exists() and process.poll() is None \
                        and time.monotonic() < until:
                    time.sleep(0.01)
                yield
            finally:
                process.kill()

    def run(self, until=None, timeout=TIMEOUT, started=None):
        """Runs QEMU to its end, or until until(result) says that it is enough.

        started() is called once QEMU has been.
        """
        (self.folder / "command").write_bytes(os.fsencode(shlex.join(self.command) + "\n"))
        start = time.monotonic()
        result = Result(self.folder, None, 0)
        with self._tpm(), open(self.folder / "qemu", "wb") as log, subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log) as process:
            try:
                if started:
                    try:
                        started()
                    except OSError:
                        # QEMU may have ended instead, and has said why.
                        if process.poll() is None:
                            raise
                while result.exit_code is None and time.monotonic() - start < timeout:
                    try:
                        result.exit_code = process.wait(0.2 if until else timeout)
                    except subprocess.TimeoutExpired:
                        if until and until(result):
                            break
            finally:
                if process.poll() is None:
                    process.kill()
                result.seconds = time.monotonic() - start
        return result

    def clean(self):
        """Removes the input files, which can be large."""
        for path in self.large:
            path.unlink(missing_ok=True)
