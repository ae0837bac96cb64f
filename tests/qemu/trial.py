# SPDX-License-Identifier: BSD-2-Clause
"""Turns a row of runs.py into files and a QEMU command, and runs it."""

import hashlib
import os
import random

import pytest

from machines import GIB, MIB, Machine, parse_size
from probe.bzimage import SetupHeader
from probe.probe import EXIT_DONE, SETUP_DTB, Probe, parse, sums, sums_of_zeros
from remote import Qmp
from vm import Vm

# Folders of fw_cfg files that hold kernel, initrd and cmdline, by Run.source.
SOURCES = {"opt": "opt/org.slipway", "mixed": "opt/org.slipway", "etc": "etc/boot"}
SPARSE_FROM = 2 * MIB           # larger initrds are holes with a mark in each MiB


def make_initrd(path, size):
    """Writes an initrd of `size` bytes and returns the probe's sums of it."""
    if size < SPARSE_FROM:
        content = random.Random(size).randbytes(size)
        path.write_bytes(content)
        return sums(content)
    total = (0, 0)
    with open(path, "wb") as file:
        for offset in range(0, size, MIB):
            mark = (0x5D15B007 ^ offset).to_bytes(8, "little")
            length = min(MIB, size - offset)
            file.seek(offset)
            file.write(mark[:length])
            total = sums(mark[:length], total)
            total = sums_of_zeros(-(-max(0, length - 8) // 8) * 8, total)
        file.truncate(size)
    return total


class Trial:
    """One run: the inputs of a Run, and afterwards what came of it.

    The rules of handoff.py read header, image, machine, memory_size, smp,
    payload_size, initrd, initrd_sums, cmdline_seen, setup_data, kept_limit,
    made_by_another (the memory map and the tables) and said_before; `disks` has the
    digest of each disk, and `plug` what is added while the guest runs.
    """

    def __init__(self, run, host):
        self.vm = Vm(host.out / run.name, host.qemus[run.qemu])
        self.vm.add_debug_ports(run.debug_exit)
        self.machine = Machine(run.machine)
        self.memory_size = parse_size(run.memory)
        self.acpi = self.machine.acpi and b"acpi=off" not in run.cmdline.split()
        self.smp = int(str(run.smp).partition(",")[0])
        self.initrd = run.initrd
        self.initrd_sums = (0, 0)
        self.setup_data = {}
        self.kept_limit = run.kept_limit
        self.made_by_another = run.door == "pvh"
        self.said_before = ""
        self.result = None

        self.vm.add("-M", run.machine, "-smp", run.smp)
        if run.cpu:
            self.vm.add("-cpu", run.cpu)
        if self.memory_size > 4 * GIB:
            # The host need not have as much memory as the guest sees.
            self.vm.add("-object", f"memory-backend-ram,id=ram,size={self.memory_size},reserve=off",
                        "-machine", "memory-backend=ram")
        self.vm.add("-m", f"{self.memory_size // MIB}M")
        if not run.reboots:
            self.vm.add("-no-reboot")
        self._add_kernel(run, host)
        self._add_initrd(run, host)
        self._add_command_line(run)
        if run.dtb:
            self.vm.add("-dtb", self.vm.file("dtb", run.dtb))
            if run.dtb_kept:
                self.setup_data[SETUP_DTB] = (len(run.dtb), sums(run.dtb))
        for name, content in run.fw_cfg:
            self.vm.fw_cfg(name, content)
        self._add_firmware(run, host)
        self.disks = [self._add_disk(i) for i in range(run.disks)]
        self.vm.add(*run.options)
        if run.tpm:
            self.vm.add_tpm(run.tpm)
        self.plug, self.plugged = run.plug, False
        if self.plug:
            self.vm.add_qmp()

    def _add_firmware(self, run, host):
        if run.door == "bios":
            self.vm.add("-bios", host.fw)
        elif run.door == "pflash":
            self.vm.add("-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={host.fw}")
        elif run.door == "pvh":
            self.vm.add("-bios", host.seabios(self.machine.type, run.qemu))
        else:
            raise ValueError(run.door)
        if run.door == "pvh" or run.source == "mixed":
            self.vm.add("-kernel", host.fw)

    def _make_kernel(self, run, host):
        """Sets `image`, bytes or a path, and for a probe what the rules want of it."""
        if isinstance(run.kernel, str):
            self.image = host.kernels[run.kernel]
        elif isinstance(run.kernel, bytes):
            self.image = run.kernel
        else:
            self.header = SetupHeader(**run.kernel)
            probe = Probe(self.header, run.payload, reset=run.resets_by)
            self.image = probe.build(host.probe_code())
            self.payload_size = len(self.image) - ((self.header.setup_sects or 4) + 1) * 512
            self.image = run.edit(self.image) if run.edit else self.image

    def _add_kernel(self, run, host):
        if run.kernel is None:
            return
        self._make_kernel(run, host)
        if run.source == "legacy":
            self.vm.add("-kernel", self.vm.file("kernel", self.image)
                        if isinstance(self.image, bytes) else self.image)
        else:
            self.vm.fw_cfg(f"{SOURCES[run.source]}/kernel", self.image)

    def _make_initrd(self, run, host):
        """The path of the initrd, of which the rules want the sums."""
        if isinstance(run.initrd, str):
            return host.initrds[run.initrd]
        path = self.vm.file("initrd", b"")
        self.initrd_sums = make_initrd(path, run.initrd)
        return path

    def _add_initrd(self, run, host):
        if not run.initrd:
            return
        path = self._make_initrd(run, host)
        if run.source in ("legacy", "mixed"):
            self.vm.add("-initrd", path)
        else:
            self.vm.fw_cfg(f"{SOURCES[run.source]}/initrd", path)

    def _add_command_line(self, run):
        if run.source not in ("legacy", "mixed"):
            self.vm.fw_cfg(f"{SOURCES[run.source]}/cmdline", run.cmdline)
            self.cmdline_seen = run.cmdline.partition(b"\0")[0].removesuffix(b"\n")
        elif run.kernel is not None:
            self.vm.add("-append", os.fsdecode(run.cmdline))
            self.cmdline_seen = run.cmdline

    def _add_disk(self, number):
        """Makes a disk for a device, which has to be among the options; returns its digest."""
        content = random.Random(number).randbytes(MIB)
        path = self.vm.file(f"disk{number}", content)
        self.vm.add("-drive", f"if=none,id=disk{number},format=raw,file={path}")
        return hashlib.sha256(content).hexdigest()

    def _start(self):
        self.qmp = Qmp(self.vm.qmp)
        self.qmp.do("cont")

    def _hot_plug(self, result):
        """An until(): adds devices, once, when the guest waits for them."""
        if not self.plugged and "SLIPWAY-WAIT hotplug" in result.serial:
            self.plugged = True
            for device in self.plug:
                self.qmp.do("device_add", **device)
        return False

    def go(self, **how):
        """Runs QEMU; returns what the probe reported, a Boot for each time."""
        if self.plug:
            how |= {"started": self._start, "until": self._hot_plug}
        self.result = self.vm.run(**how)
        self.said_before = self.result.debugcon.partition("PROBE-ENTRY")[0]
        if self.made_by_another:
            # SeaBIOS was there before us, and talks.
            self.said_before = "".join(line for line in self.said_before.splitlines(True)
                                       if "slipway" in line)
        return parse(self.result.debugcon)

    def boot(self):
        """Runs QEMU; returns the one Boot of a run in which all went well."""
        boots = self.go()
        if self.result.exit_code != EXIT_DONE or len(boots) != 1 or not boots[0].complete:
            pytest.fail(f"the probe did not report: {self.result.describe()}", pytrace=False)
        return boots[0]
