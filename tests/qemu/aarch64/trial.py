# SPDX-License-Identifier: BSD-2-Clause
"""Turns a row of runs.py into files and a QEMU command, and runs it."""

import os
import subprocess
from pathlib import Path

import pytest

import faults
import hashtable
from devicetree import DeviceTree, string, u64
from host import make_bundle, pack
from machines import GIB, KIB, MIB, Machine, parse_size
from ranges import Range
from remote import Gdb, Qmp
from trial import make_initrd
from vm import Vm
from .image import NO_EFI_STUB, ImageHeader
from .probe.probe import Probe, parse

RAM_START = 0x40000000          # the VMM's device tree lies here
FLASH_SIZE = 64 * MIB           # of each of the two, which QEMU wants filled

# Folders of fw_cfg files that hold kernel, initrd and cmdline, by Run.source.
SOURCES = {"opt": "opt/org.slipway", "etc": "etc/boot"}
IN_MEMORY = ("chosen", "guest-loader")
HASHES = 0x4A000000             # where a hash table lies

GDB_X0 = 0


class Trial:
    """One run: the inputs of a Run, and afterwards what came of it.

    The rules of handoff.py read header, image, in_memory (where the VMM put the kernel),
    initrd_in_memory, ram, el, smp, hands_acpi, initrd, initrd_sums, cmdline_seen, seeds,
    stdout_path, bios_vendor, vmm_tree, kept_limit and said_before.  After the run, ended_by
    is QEMU's reason: guest-shutdown, guest-reset, or None.
    """

    def __init__(self, run, host):
        self.qemu = host.qemus[run.qemu]
        self.vm = Vm(host.out / run.name, self.qemu)
        if run.serial:
            self.vm.add_serial()
        self.machine = Machine(run.machine)
        memory = parse_size(run.memory)
        self.ram = [Range(RAM_START, RAM_START + memory)]
        self.memory_size = memory
        self.el = 2 if self.machine.properties.get("virtualization") == "on" else 1
        self.smp = int(str(run.smp).partition(",")[0])
        self.in_memory = run.at if run.source in IN_MEMORY and not run.pack \
            and not run.bundle else None
        self.initrd = run.initrd
        self.initrd_in_memory = Range(run.initrd_at, run.initrd_at + run.initrd) \
            if run.source in IN_MEMORY and isinstance(run.initrd, int) \
            and not run.bundle else None
        self.initrd_sums = (0, 0)
        self.kept_limit = run.kept_limit
        self.seeds = self.machine.properties.get("dtb-randomness") != "off"
        self.stdout_path = run.stdout_path
        self.bios_vendor = run.bios_vendor
        self.cmdline_seen = b""
        self.x0, self.pokes = run.x0, run.pokes
        self.said_before = ""
        self.faults_allowed = faults.allowed(run)
        self.result = self.qmp = None

        self.vm.add("-M", run.machine, "-cpu", run.cpu, "-smp", run.smp)
        if memory > 4 * GIB:
            # The host need not have as much memory as the guest sees.
            self.vm.add("-object", f"memory-backend-ram,id=ram,size={memory},reserve=off",
                        "-machine", "memory-backend=ram")
        self.vm.add("-m", f"{memory // KIB}K")
        if not run.reboots:
            self.vm.add("-no-reboot")
        for name, content in run.fw_cfg:
            self.vm.fw_cfg(name, content)
        self._add_firmware(run, host)
        self.vm.add(*run.options)
        self._add_payload(run, host)
        self.hands_acpi = (self.machine.acpi and b"acpi=off" not in self.cmdline_seen.split()
                           and run.kernel != NO_EFI_STUB)
        if not self.hands_acpi or callable(self.pokes):
            self.vmm_tree = DeviceTree.read(self.dump_tree())
        if callable(self.pokes):
            self.pokes = self.pokes(self.vmm_tree)
        if run.tpm:
            self.vm.add_tpm(run.tpm, run.tpm_banks)
        self.vm.add_qmp()
        if self.pokes or self.x0 is not None:
            self.vm.add_gdb()

    def dump_tree(self):
        """The device tree that QEMU makes for the command as it is."""
        path = self.vm.file("dumped.dtb", b"")
        subprocess.run([*self.vm.command, "-machine", f"dumpdtb={path}"], check=True,
                       capture_output=True)
        return path.read_bytes()

    def _add_firmware(self, run, host):
        if run.door == "bios":
            self.vm.add("-bios", host.fw)
        elif run.door == "pflash":
            flash = self.vm.file("flash0", host.fw.read_bytes())
            os.truncate(flash, FLASH_SIZE)
            variables = self.vm.file("flash1", b"")
            os.truncate(variables, FLASH_SIZE)
            self.vm.add("-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={flash}",
                        "-drive", f"if=pflash,unit=1,format=raw,file={variables}")
        elif run.door == "kernel":
            self.vm.add("-kernel", host.fw)
        elif run.door != "none":
            raise ValueError(run.door)

    def _make_kernel(self, run, host):
        """The path of the kernel's file; None without one."""
        if run.kernel is None:
            return None
        if isinstance(run.kernel, str):
            return host.packed(run.kernel, run.pack) if run.pack else host.kernels[run.kernel]
        if isinstance(run.kernel, bytes):
            return self.vm.file("kernel", run.kernel)
        self.header = ImageHeader(**run.kernel)
        self.image = Probe(self.header, run.size, reset=run.resets).build(host.probe_code())
        path = self.vm.file("kernel", run.edit(self.image) if run.edit else self.image)
        if run.pack:
            path = pack(run.pack, path, self.vm.file("kernel-packed", b""))
            if run.edit_packed:
                path.write_bytes(run.edit_packed(path.read_bytes()))
        return path

    def _make_initrd(self, run, host):
        """The path of the initrd, of which the rules want the sums."""
        if isinstance(run.initrd, str):
            return host.initrds[run.initrd]
        path = self.vm.file("initrd", b"")
        self.initrd_sums = make_initrd(path, run.initrd)
        return path

    def _add_payload(self, run, host):
        kernel = self._make_kernel(run, host)
        initrd = self._make_initrd(run, host) if run.initrd else None
        cmdline = run.cmdline
        if run.bundle:
            kernel, initrd, cmdline = self._make_bundle(run, kernel, initrd)
        {"legacy": self._by_options, "chosen": self._by_chosen,
         "guest-loader": self._by_guest_loader, "initrd": self._by_initrd}.get(
             run.source, self._by_files)(run, kernel, initrd, cmdline)
        if run.bundle:
            self.cmdline_seen = run.cmdline
        if run.hashes and run.source != "chosen":
            tree = DeviceTree.read(self.dump_tree())
            self._add_hashes(run, tree, kernel, initrd, cmdline)
            self.vm.add("-dtb", self.vm.file("dtb", tree.write()))

    def _add_hashes(self, run, tree, kernel, initrd, cmdline):
        """A table in memory, and its place in the tree."""
        content = run.hashes(Path(kernel).read_bytes(),
                             Path(initrd).read_bytes() if initrd else b"", cmdline)
        self._load(self.vm.file("hashes", content), HASHES)
        tree.chosen.properties["slipway,hash-table"] = u64(HASHES) + u64(hashtable.BLOCK_SIZE)

    def _make_bundle(self, run, kernel, initrd):
        """One file of all that it can hold; returns what the VMM gets."""
        cmdline, left = None, run.cmdline
        if run.bundle != "appended" and run.cmdline:
            cmdline, left = self.vm.file("cmdline", run.cmdline), b""
        path = make_bundle(run.bundle, "aarch64", kernel, self.vm.file("bundle", b""), initrd,
                           cmdline)
        if run.edit_bundle:
            path.write_bytes(run.edit_bundle(path.read_bytes()))
        return path, None, left

    def _by_initrd(self, run, bundle, _, cmdline):
        """The firmware is the -kernel, and this its -initrd."""
        self.vm.add("-initrd", bundle)
        if cmdline:
            self.vm.add("-append", os.fsdecode(cmdline))

    def _by_options(self, run, kernel, initrd, cmdline):
        """Into fw_cfg by QEMU's own options; nowhere when there is no kernel."""
        if kernel:
            self.vm.add("-kernel", kernel, "-append", os.fsdecode(cmdline))
            self.cmdline_seen = cmdline
        if initrd:
            self.vm.add("-initrd", initrd)

    def _by_files(self, run, kernel, initrd, cmdline):
        folder = SOURCES[run.source]
        if kernel:
            self.vm.fw_cfg(f"{folder}/kernel", Path(kernel))
        if initrd:
            self.vm.fw_cfg(f"{folder}/initrd", Path(initrd))
        self.vm.fw_cfg(f"{folder}/cmdline", cmdline)
        self.cmdline_seen = cmdline.partition(b"\0")[0].removesuffix(b"\n")

    def _load(self, path, addr):
        self.vm.add("-device", f"loader,file={path},addr={addr:#x},force-raw=on")

    def _by_chosen(self, run, kernel, initrd, cmdline):
        """Into memory, where /chosen of a -dtb says they are."""
        tree = DeviceTree.read(self.dump_tree())
        chosen = tree.chosen.properties
        chosen["bootargs"] = string(cmdline)
        self.cmdline_seen = cmdline
        if kernel:
            self._load(kernel, run.at)
            chosen["linux,kernel-start"] = u64(run.at)
            chosen["linux,kernel-size"] = u64(os.path.getsize(kernel))
        if initrd:
            self._load(initrd, run.initrd_at)
            chosen["linux,initrd-start"] = u64(run.initrd_at)
            chosen["linux,initrd-end"] = u64(run.initrd_at + os.path.getsize(initrd))
        if run.hashes:
            self._add_hashes(run, tree, kernel, initrd, cmdline)
        if run.edit_tree:
            run.edit_tree(tree)
        self.vm.add("-dtb", self.vm.file("dtb", tree.write()))

    def _by_guest_loader(self, run, kernel, initrd, cmdline):
        # A comma in an option's value is written twice.
        bootargs = os.fsdecode(cmdline).replace(",", ",,")
        self.vm.add("-device",
                    f"guest-loader,addr={run.at:#x},kernel={kernel},bootargs={bootargs}")
        self.cmdline_seen = cmdline
        if initrd:
            self.vm.add("-device", f"guest-loader,addr={run.initrd_at:#x},initrd={initrd}")

    def _start(self):
        """Lets QEMU run, with memory and x0 changed before the first instruction."""
        self.qmp = Qmp(self.vm.qmp)
        if not self.pokes and self.x0 is None:
            self.qmp.do("cont")
            return
        gdb = Gdb(self.vm.gdb)
        for addr, content in self.pokes:
            gdb.write_memory(addr, content)
        if self.x0 is not None:
            gdb.write_register(GDB_X0, self.x0)
        gdb.go()

    def go(self, **how):
        """Runs QEMU; returns what the probe reported, a Boot for each time."""
        self.result = self.vm.run(started=self._start, **how)
        self.check_faults()
        events = self.qmp.rest() if self.qmp else []
        self.ended_by = next((event["data"]["reason"] for event in events
                              if event["event"] == "SHUTDOWN"), None)
        serial = self.result.serial.replace("\r\n", "\n")
        self.said_before = serial.partition("\nPROBE-ENTRY")[0]
        return parse(serial)

    def check_faults(self):
        """Nothing went wrong that QEMU can see."""
        said = list(faults.unexpected(self.result.faults, self.faults_allowed))
        if said:
            pytest.fail("\n".join([*said[:20], self.result.describe()]), pytrace=False)

    def boot(self):
        """Runs QEMU; returns the one Boot of a run in which all went well."""
        boots = self.go()
        if self.ended_by != "guest-shutdown" or len(boots) != 1 or not boots[0].complete:
            pytest.fail(f"the probe did not report: {self.result.describe()}", pytrace=False)
        return boots[0]
