# SPDX-License-Identifier: BSD-2-Clause
"""Runs QEMU, and turns what it says into Costs."""

import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .log import read_log
from .machines import MEMORY, MIB, OURS, PACKED, VARIANTS, Firmware, build_kernels
from .plugin import Failure, build_plugin, phase_addresses, plugin_options, qemu_version

TICKS = re.compile("[0-9a-f]{16}$")         # AAVMF leaves escape sequences before it
EXIT_LIMIT = 40                             # count.c
WORKERS = 2                                 # QEMUs at a time; each has a gigabyte


class Bench:
    """Runs of one architecture, with what they share in a folder."""

    def __init__(self, port, qemu, image, folder):
        self.port = port
        self.qemu = qemu
        self.image = image
        self.folder = folder
        self.version = qemu_version(qemu)
        self.plugin = build_plugin(self.version, folder)
        self.phases = phase_addresses(port, image.with_suffix(".elf"))
        self.built = set()

    def ours(self, machine):
        return Firmware(OURS, self.image, self.port.variants(machine))

    def prepare(self, variants):
        """Makes the kernels and initrds that are not there yet."""
        build_kernels(self.port, set(variants) - self.built, self.folder)
        self.built |= set(variants)

    def run(self, firmware, machine, variant):
        """The Cost of one boot."""
        where = f"{firmware.name} on {machine}, {variant}"
        with tempfile.TemporaryDirectory(dir=self.folder) as out:
            command = self.command(firmware, machine, variant, Path(out))
            try:
                done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True,
                                      text=True, timeout=self.port.timeout)
            except subprocess.TimeoutExpired as expired:
                raise Failure(f"{where}: no kernel in {self.port.timeout} s") from expired
            return self.read(firmware, where, done, Path(out))

    def command(self, firmware, machine, variant, out):
        backing, log, output = out / "ram", out / "log", out / "output"
        stores = firmware.stores and VARIANTS[variant].stores
        command = [
            *self.qemu, "-M", machine, "-accel", "tcg", "-icount", "shift=0,sleep=off",
            "-m", str(MEMORY // MIB), "-no-reboot", *firmware.options,
            *self.kernel_options(variant), *self.port.options(output),
            "-trace", "memory_region_ops_read", "-trace", "memory_region_ops_write",
            "-D", str(log), *VARIANTS[variant].options,
            *plugin_options(self.plugin, self.port, self.phases if firmware.name == OURS else {},
                            firmware, backing if stores else None)]
        if stores:
            with open(backing, "wb") as file:
                file.truncate(MEMORY)
            command += ["-machine", "memory-backend=ram", "-object",
                        f"memory-backend-file,id=ram,share=on,size={MEMORY},mem-path={backing}"]
        initrd = self.folder / f"{variant}.initrd"
        return command + (["-initrd", str(initrd)] if initrd.exists() else [])

    def kernel_options(self, variant):
        kernel = self.folder / f"{variant}.kernel"
        if variant in PACKED:
            return ["-fw_cfg", f"name=opt/org.slipway/kernel,file={kernel}"]
        return ["-kernel", str(kernel)]

    def read(self, firmware, where, done, out):
        said = (out / "output").read_text(errors="replace").splitlines()
        cost = read_log(out / "log", self.port.dma_register, (out / "ram").exists())
        stopped = firmware.limit and done.returncode == EXIT_LIMIT
        has_ticks = bool(said and TICKS.search(said[-1]))
        if cost is None or (not stopped and (done.returncode != self.port.exit_done
                                             or not has_ticks)):
            raise Failure(f"{where}: QEMU exited {done.returncode}: "
                          + " | ".join(said[-3:] + done.stderr.splitlines()[-3:]))
        if firmware.name == OURS and not self.port.agrees(cost.instructions,
                                                          int(said[-1][-16:], 16)):
            raise Failure(f"{where}: {cost.instructions:,} instructions by the plugin, "
                          f"{int(said[-1][-16:], 16):,} by the guest's counter")
        cost.instructions -= firmware.wait
        return cost

    def measure(self, jobs):
        """Costs of (firmware, machine, variant), in their order.

        Another firmware that does not reach the kernel has None; SeaBIOS under QEMU 10.0's
        -icount waits for ever on q35, for example.
        """
        self.prepare(job[2] for job in jobs)

        def result_of(job):
            try:
                return self.run(*job)
            except Failure as failure:
                if job[0].name == OURS:
                    raise
                print(f"bench: {failure}", file=sys.stderr)
                return None

        with ThreadPoolExecutor(WORKERS) as pool:
            return list(pool.map(result_of, jobs))
