# SPDX-License-Identifier: BSD-2-Clause
"""Turns a row of runs.py into files and a QEMU command, and runs it."""

import hashlib
import os
import random
from pathlib import Path

import pytest

import faults
import handoff
import hashtable
import pvh_handoff
from host import make_bundle
from machines import GIB, KIB, MIB, Machine, parse_size
from probe.bzimage import SetupHeader
from probe.elf import ElfFile
from probe.probe import EXIT_DONE, SETUP_DTB, Probe, parse, sums, sums_of_zeros
from remote import Qmp
from vm import Vm

# Folders of fw_cfg files that hold kernel, initrd and cmdline, by Run.source.
SOURCES = {"opt": "opt/org.slipway", "mixed": "opt/org.slipway", "etc": "etc/boot"}
BY_PVH = ("pvh", "qboot")       # doors behind another firmware
QBOOT = "qboot.rom"             # QEMU knows where it is
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
    made_by_another (the memory map and the tables) and said_before; those of
    pvh_handoff.py elf and elf_memory_size, too; `rules` are the ones that apply.
    faults_allowed are regular expressions of what QEMU may log (faults.py).  `disks` has the
    digest of each disk, and `plug` what is added while the guest runs.
    """

    def __init__(self, run, host):
        self.vm = Vm(host.out / run.name, host.qemus[run.qemu])
        {"port": self.vm.add_serial, "hvc0": self.vm.add_virtio_console,
         "none": lambda: None}[run.serial]()
        self.vm.add_debug_ports(run.debug_exit, run.debugcon)
        self.machine = Machine(run.machine)
        self.memory_size = parse_size(run.memory)
        self.acpi = self.machine.acpi and b"acpi=off" not in run.cmdline.split()
        self.smp = int(str(run.smp).partition(",")[0])
        self.initrd = run.initrd
        self.initrd_sums = (0, 0)
        self.rules = handoff.RULES
        self.setup_data = {}
        self.kept_limit = run.kept_limit
        self.made_by_another = run.door in BY_PVH
        self.said_before = ""
        self.faults_allowed = faults.allowed(run)
        self.result = None

        self.vm.add("-M", run.machine, "-smp", run.smp)
        if run.cpu:
            self.vm.add("-cpu", run.cpu)
        if self.memory_size > 4 * GIB:
            # The host need not have as much memory as the guest sees.
            self.vm.add("-object", f"memory-backend-ram,id=ram,size={self.memory_size},reserve=off",
                        "-machine", "memory-backend=ram")
        self.vm.add("-m", f"{self.memory_size // KIB}K")
        if not run.reboots:
            self.vm.add("-no-reboot")
        self._add_payload(run, host)
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
            self.vm.add_tpm(run.tpm, run.tpm_banks)
        self.plug, self.plugged = run.plug, False
        if self.plug:
            self.vm.add_qmp()

    def _add_firmware(self, run, host):
        if run.door == "bios":
            self.vm.add("-bios", host.fw)
        elif run.door == "pflash":
            self.vm.add("-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={host.fw}")
        elif run.door == "uefi":
            code, variables = host.ovmf("CODE"), host.ovmf("VARS")
            variables = self.vm.file("variables", variables.read_bytes())
            self.vm.add("-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={code}",
                        "-drive", f"if=pflash,unit=1,format=raw,file={variables}")
        elif run.door == "qboot":
            self.vm.add("-bios", QBOOT)
        elif run.door == "pvh":
            self.vm.add("-bios", host.seabios(self.machine.type, run.qemu))
        else:
            raise ValueError(run.door)
        if run.door in BY_PVH or run.source in ("mixed", "module"):
            self.vm.add("-kernel", host.fw)

    def _make_kernel(self, run, host):
        """The path of the kernel's file; None without one."""
        if run.kernel is None:
            return None
        if isinstance(run.kernel, str):
            return host.kernels[run.kernel] if run.elf is None else host.unpacked(run.kernel)
        if isinstance(run.kernel, bytes):
            return self.vm.file("kernel", run.kernel)
        self.header = SetupHeader(**run.kernel)
        probe = Probe(self.header, run.payload, reset=run.resets_by)
        if run.elf is None:
            self.image = probe.build(host.probe_code())
            self.payload_size = len(self.image) - ((self.header.setup_sects or 4) + 1) * 512
        else:
            self.elf = ElfFile(**run.elf)
            self.image, self.elf_memory_size = probe.build_elf(self.elf, host.probe_code())
            self.rules = pvh_handoff.RULES
        return self.vm.file("kernel", run.edit(self.image) if run.edit else self.image)

    def _make_initrd(self, run, host):
        """The path of the initrd; None without one."""
        if isinstance(run.initrd, str):
            return host.initrds[run.initrd]
        if not run.initrd:
            return None
        path = self.vm.file("initrd", b"")
        self.initrd_sums = make_initrd(path, run.initrd)
        return path

    def _add_payload(self, run, host):
        kernel = self._make_kernel(run, host)
        initrd = self._make_initrd(run, host)
        cmdline = run.cmdline
        if run.bundle:
            kernel, initrd, cmdline = self._make_bundle(run, kernel, initrd)
        if run.hashes:
            self._add_hashes(run, kernel, initrd, cmdline)
        {"legacy": self._by_options, "mixed": self._by_both, "module": self._by_module}.get(
            run.source, self._by_files)(run, kernel, initrd, cmdline)
        if run.bundle:
            self.cmdline_seen = cmdline or run.cmdline
        for source in run.losers:
            self._add_loser(source, host)

    def _add_hashes(self, run, kernel, initrd, cmdline):
        """A table in memory, where a VMM would have it measured."""
        content = run.hashes(Path(kernel).read_bytes(),
                             Path(initrd).read_bytes() if initrd else b"", cmdline)
        table = self.vm.file("hashes", content)
        self.vm.add("-device",
                    f"loader,file={table},addr={hashtable.BLOCK:#x},force-raw=on")

    def _make_bundle(self, run, kernel, initrd):
        """One file of all that it can hold; returns what the VMM gets."""
        cmdline, left = None, run.cmdline
        if run.bundle != "appended" and run.cmdline:
            cmdline, left = self.vm.file("cmdline", run.cmdline), b""
        path = make_bundle(run.bundle, "x86_64", kernel, self.vm.file("bundle", b""), initrd,
                           cmdline)
        if run.edit_bundle:
            path.write_bytes(run.edit_bundle(path.read_bytes()))
        return path, None, left or run.append

    def _by_options(self, run, kernel, initrd, cmdline):
        """Into fw_cfg by QEMU's own options; without a kernel only the initrd."""
        if kernel:
            self.vm.add("-kernel", kernel)
        self._by_further_options(run, initrd, cmdline)

    def _by_further_options(self, run, initrd, cmdline):
        """Where something else is the -kernel."""
        if run.kernel is not None:
            self.vm.add("-append", os.fsdecode(cmdline))
            self.cmdline_seen = cmdline
        if initrd:
            self.vm.add("-initrd", initrd)

    def _by_both(self, run, kernel, initrd, cmdline):
        self.vm.fw_cfg(f"{SOURCES[run.source]}/kernel", kernel)
        self._by_further_options(run, initrd, cmdline)

    def _by_module(self, run, bundle, _, cmdline):
        """The firmware is the -kernel, and this its -initrd, which QEMU makes a PVH module."""
        self._by_further_options(run, bundle, cmdline)

    def _by_files(self, run, kernel, initrd, cmdline):
        folder = SOURCES[run.source]
        if kernel:
            self.vm.fw_cfg(f"{folder}/kernel", kernel)
        if initrd:
            self.vm.fw_cfg(f"{folder}/initrd", initrd)
        self.vm.fw_cfg(f"{folder}/cmdline", cmdline)
        self.cmdline_seen = cmdline.partition(b"\0")[0].removesuffix(b"\n")

    def _add_loser(self, source, host):
        """A kernel in another source, which ends the boot if it is taken: it is too old."""
        header = SetupHeader(version=0x205)
        path = self.vm.file(f"loser-{source}", Probe(header).build(host.probe_code()))
        if source == "legacy":
            self.vm.add("-kernel", path)
        elif source == "module":
            self.vm.add("-initrd", path)
        else:
            self.vm.fw_cfg(f"{SOURCES[source]}/kernel", path)

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
        self.check_faults()
        self.said_before = self.result.debugcon.partition("PROBE-ENTRY")[0]
        if self.made_by_another:
            # SeaBIOS was there before us, and talks.
            self.said_before = "".join(line for line in self.said_before.splitlines(True)
                                       if "slipway" in line)
        return parse(self.result.debugcon)

    def check_faults(self):
        """Nothing went wrong that QEMU can see."""
        said = list(faults.unexpected(self.result.faults, self.faults_allowed))
        if said:
            pytest.fail("\n".join([*said[:20], self.result.describe()]), pytrace=False)

    def boot(self):
        """Runs QEMU; returns the one Boot of a run in which all went well."""
        boots = self.go()
        if self.result.exit_code != EXIT_DONE or len(boots) != 1 or not boots[0].complete:
            pytest.fail(f"the probe did not report: {self.result.describe()}", pytrace=False)
        return boots[0]
