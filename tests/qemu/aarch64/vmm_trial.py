# SPDX-License-Identifier: BSD-2-Clause
"""Runs a guest that Cloud Hypervisor without fw_cfg hands over: QEMU's virt and launcher.S
play it."""

import os

import pytest

import acpi
from devicetree import DeviceTree
from host import make_bundle
from machines import MIB
from ranges import Range
from . import vmm_memory
from .trial import Trial


class VmmTrial(Trial):
    """A Trial of a VmmRun.

    After boot(), the rules compare `placed`, {Range: bytes} that the VMM put into memory and
    the kernel needs, with `placed_after`.
    """

    def __init__(self, run, host):
        super().__init__(run, host)
        self.snapshots = isinstance(run.kernel, dict) and not run.fatal
        if self.snapshots:
            self.vm.add("-no-shutdown")

    def _add_firmware(self, run, host):
        image = host.fw.read_bytes()
        self.placed = {}
        if run.door == "firmware":
            self.vm.add("-bios", host.fw)
        else:
            place = vmm_memory.place_of_image(image)
            self._load(host.fw, place)
            self.vm.add("-bios", vmm_memory.launcher(place, self.vm.folder))

    def _add_payload(self, run, host):
        self._add_acpi(run, host)
        module = None
        path = self._make_module(run, host)
        if path:
            size = os.path.getsize(path)
            start = vmm_memory.place_of_initrd(self.memory_size, size)
            module = Range(start, start + size)
            self._load(path, start)
            self.placed[module] = path.read_bytes()
        self.module = module
        tree = DeviceTree.read(self.dump_tree())
        vmm_memory.edit_tree(tree, run.cmdline, module)
        if run.edit_tree:
            run.edit_tree(tree)
        self.vm.add("-dtb", self.vm.file("dtb", tree.write()))
        self.seeds = False
        self.cmdline_seen = run.cmdline or run.uki_cmdline

    def _make_module(self, run, host):
        """The path of what the VMM takes for the initrd; None without one."""
        if run.module is not None:
            return self.vm.file("module", run.module)
        if not run.bundle:
            return None
        kernel = self._make_kernel(run, host)
        if run.bundle == "kernel":
            return kernel
        initrd = self._make_initrd(run, host) if run.initrd else None
        cmdline = self.vm.file("cmdline", run.uki_cmdline) if run.uki_cmdline else None
        path = make_bundle(run.bundle, "aarch64", kernel, self.vm.file("module", b""), initrd,
                           cmdline)
        if run.edit_bundle:
            path.write_bytes(run.edit_bundle(path.read_bytes()))
        return path

    def _add_acpi(self, run, host):
        # Which devices there are, and are told of, depends on there being a firmware.
        files = acpi.record(self.vm.file("fw_cfg", b""), self.qemu,
                            ("-M", run.machine, "-cpu", run.cpu, "-smp", str(run.smp),
                             "-serial", "null", "-m", f"{self.memory_size // MIB}M",
                             "-bios", str(host.fw), *run.options))
        tables = acpi.place(files, vmm_memory.RSDP, vmm_memory.TABLES)
        content = tables.rsdp + tables.tables
        self._load(self.vm.file("acpi", content), vmm_memory.RSDP)
        self.placed[Range(vmm_memory.RSDP, vmm_memory.RSDP + len(content))] = content

    def _take_snapshot(self, result):
        """An until(): reads memory when the probe has reported; that or a refusal ends the run."""
        if "\nPROBE-END" not in result.serial:
            return "slipway: FATAL" in result.serial
        self.qmp.do("stop")
        self.placed_after = {}
        for area in self.placed:
            path = self.vm.file("memory", b"")
            self.qmp.do("pmemsave", val=area.start, size=area.size, filename=str(path))
            self.placed_after[area] = path.read_bytes()
        return True

    def go(self, **how):
        if self.snapshots:
            how |= {"until": self._take_snapshot}
        return super().go(**how)

    def boot(self):
        """As Trial's, but the machine waits when the probe has ended, and its memory is read."""
        boots = self.go()
        if len(boots) != 1 or not boots[0].complete:
            pytest.fail(f"the probe did not report: {self.result.describe()}", pytrace=False)
        return boots[0]
