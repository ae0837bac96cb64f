# SPDX-License-Identifier: BSD-2-Clause
"""Runs a guest that a VMM without fw_cfg hands over: QEMU's microvm and launcher.asm play it."""

import os

import pytest

import acpi
import vmm_memory
from host import make_bundle
from machines import MIB, TIB
from ranges import Range
from remote import Qmp
from trial import Trial

FW_CFG_PORTS = (0x510, 0x511, *range(0x514, 0x51C))    # selector, data, DMA register
NOTHING = 0xFF                  # what reads from a port without a device give
# The devices that hide fw_cfg are of one byte, its selector is of two.
SELECTED = (r"Invalid (write at addr 0x0, size 2|read at addr 0x0, size 4), region 'isa-debugcon', "
            r"reason: invalid size .*")
RECORDER_MIB = 2                # what reading QEMU's tables takes
VMMS = {"cloud-hypervisor": vmm_memory.cloud_hypervisor, "firecracker": vmm_memory.firecracker}


# Puts devices before QEMU's fw_cfg: of two at one port, the one that came last answers.
HIDE_FW_CFG = tuple(word for port in FW_CFG_PORTS for word in (
    "-chardev", f"null,id=port{port:x}", "-device",
    f"isa-debugcon,iobase={port:#x},readback={NOTHING:#x},chardev=port{port:x}"))


class VmmTrial(Trial):
    """A Trial of a VmmRun; `vmm` has what the VMM put into memory, the path `module` included.

    After boot(), the rules find the first MiB in memory_before and memory_after, and the
    modules in modules_after.
    """

    def __init__(self, run, host):
        self.bundle = run.bundle
        super().__init__(run, host)
        self.faults_allowed.append(SELECTED)
        self.made_by_another = True
        self.snapshots = isinstance(run.kernel, dict) and not run.fatal
        if self.snapshots:
            self.vm.add_qmp()

    def _add_payload(self, run, host):
        self.module = self._make_module(run, host)
        self.cmdline_seen = run.cmdline or run.uki_cmdline

    def _add_firmware(self, run, host):
        place, gap = None, self.machine.low_ram(TIB)
        if self.module:
            place = vmm_memory.module_place(self.memory_size, gap, os.path.getsize(self.module))
        self.vmm = VMMS[run.vmm](self.memory_size, gap, self.machine.fixed_ecam,
                                 self._record_acpi(run, host), self.smp)
        self.vmm.give(run.cmdline, place)
        if run.change:
            run.change(self.vmm)
        self.vmm.finish()

        self._load(self.vm.file("low", self.vmm.low()), 0)
        if place:
            self._load(self.module, place.start)
        self.vm.add("-device", f"loader,file={host.fw}")
        entry = vmm_memory.pvh_entry(host.fw.read_bytes())
        self.vm.add("-bios", self.vmm.launcher(entry, self.vm.file("launcher", b"")))
        self.vm.add(*HIDE_FW_CFG)

    def _record_acpi(self, run, host):
        # The DSDT names the serial port only where something is connected to it.
        return acpi.record(self.vm.file("fw_cfg", b""), host.qemus[run.qemu],
                           ("-M", run.machine, "-smp", str(run.smp), "-serial", "null",
                            "-m", f"{max(self.memory_size // MIB, RECORDER_MIB)}M",
                            *run.options))

    def _make_module(self, run, host):
        """The path of what the VMM takes for the initrd; None without one."""
        if run.module is not None:
            return self.vm.file("module", run.module)
        if not run.bundle:
            return None
        kernel = self._make_kernel(run, host)
        if run.bundle == "kernel":
            return kernel
        initrd = self._make_initrd(run, host)
        cmdline = self.vm.file("cmdline", run.uki_cmdline) if run.uki_cmdline else None
        path = make_bundle(run.bundle, "x86_64", kernel, self.vm.file("module", b""),
                           initrd, cmdline)
        if run.edit_bundle:
            path.write_bytes(run.edit_bundle(path.read_bytes()))
        return path

    def _load(self, path, address):
        self.vm.add("-device", f"loader,file={path},addr={address:#x},force-raw=on")

    def _start(self):
        self.qmp = Qmp(self.vm.qmp)
        self.memory_before = self._read_memory(Range(0, MIB))
        self.qmp.do("cont")

    def _read_memory(self, area):
        path = self.vm.file("memory", b"")
        self.qmp.do("pmemsave", val=area.start, size=area.size, filename=str(path))
        return path.read_bytes()

    def _take_snapshot(self, result):
        """An until(): reads memory when the probe has reported; that or a refusal ends the run."""
        if "\nPROBE-END\n" not in result.debugcon:
            return "slipway: FATAL" in result.debugcon
        self.qmp.do("stop")
        self.memory_after = self._read_memory(Range(0, MIB))
        self.modules_after = [self._read_memory(area) for area in self.vmm.modules]
        return True

    def go(self, **how):
        if self.snapshots:
            how |= {"started": self._start, "until": self._take_snapshot}
        return super().go(**how)

    def boot(self):
        """As Trial's, but the probe cannot end QEMU: its memory is read first."""
        boots = self.go()
        if len(boots) != 1 or not boots[0].complete:
            pytest.fail(f"the probe did not report: {self.result.describe()}", pytrace=False)
        return boots[0]
