# SPDX-License-Identifier: BSD-2-Clause
"""Does to a running guest what its command line says that will happen to it."""

import re
import time
import uuid

import pytest

from linux_guest import EXIT_GUEST, ranges, read_guests
from machines import MIB
from platform_runs import GROWTH, GUID
from ranges import Range
from remote import Gdb, Qmp

PAGE = 4096
WATCHED = 512 * MIB             # machines with so much memory at most are read before and after
WORK_AREA = Range(0x30000, 0x54000)     # README, "Memory map"
WAKE_SECONDS = 30               # from the reset to the waking vector
WAKING_VECTOR = 12              # in the FACS
PROTECTED_MODE = 1              # of CR0
INTERRUPTS = 1 << 9             # of EFLAGS


class Operator:
    """Runs a Trial; afterwards `problems` has a sentence for each thing that was wrong."""

    def __init__(self, run):
        self.run = run
        self.changes = re.findall(r"slipway\.then=(\S+)", run.cmdline_seen.decode())
        self.done = 0
        self.problems = []
        self.watched = "suspend" in self.changes and run.memory_size <= WATCHED
        run.vm.add_qmp()
        if self.watched:
            run.vm.add_gdb()

    def go(self):
        """Returns the guest's reports, of which there is one more than changes."""
        self.run.go(started=self._start, until=self._look)
        result = self.run.result
        guests = read_guests(result.serial)
        # Without ACPI a guest ends by the debug-exit device, or by a reset where it has no ports.
        ends = (0,) if self.run.acpi else (EXIT_GUEST, 0)
        if len(guests) != len(self.changes) + 1 or result.exit_code not in ends:
            pytest.fail("\n".join([f"the guest made {len(guests)} reports: {result.describe()}",
                                   *self.problems]), pytrace=False)
        reasons = [event["data"]["reason"] for event in self.qmp.rest()
                   if event["event"] == "SHUTDOWN"]
        if self.run.acpi and reasons != ["guest-shutdown"]:
            self.problems.append(f"QEMU ended for the reasons {reasons}")
        if self.run.said_before:
            self.problems.append(f"the firmware said {self.run.said_before}")
        return guests

    def _start(self):
        self.qmp = Qmp(self.run.vm.qmp)
        self.qmp.do("cont")

    def _look(self, result):
        """An until(): does what it is time for. True when there is more than there should be."""
        serial = result.serial
        marks = re.findall(r"^SLIPWAY-(WAIT grow|SUSPEND)\r?$", serial, re.MULTILINE)
        if len(marks) <= self.done:
            return False
        if self.done == len(self.changes):
            return True
        if marks[self.done] == "WAIT grow":
            self._grow(read_guests(serial)[-1])
        elif self.qmp.do("query-status")["status"] != "suspended":
            return False
        elif self.watched:
            self._wake_and_watch(read_guests(serial)[-1])
        else:
            self.qmp.do("system_wakeup")
        self.done += 1
        return False

    def _save_memory(self, addr, size):
        path = self.run.vm.file("memory", b"")
        self.qmp.do("pmemsave", val=addr, size=size, filename=str(path))
        return path.read_bytes()

    def _grow(self, guest):
        """Adds a CPU and memory."""
        if "vmgenid" in guest.single:
            self._look_for_generation_id(guest)
        self.qmp.do("object-add", **{"qom-type": "memory-backend-ram", "id": "grown",
                                     "size": GROWTH * MIB})
        self.qmp.do("device_add", driver="pc-dimm", id="dimm", memdev="grown")
        cpu = [cpu for cpu in self.qmp.do("query-hotpluggable-cpus") if "qom-path" not in cpu][-1]
        self.qmp.do("device_add", driver=cpu["type"], id="cpu", **cpu["props"])

    def _look_for_generation_id(self, guest):
        """It is where QEMU was told that it would be, and nobody else uses that memory."""
        addr = int.from_bytes(bytes.fromhex(guest.single["vmgenid"]), "little")
        content = self._save_memory(addr, 16)
        if not addr or content != uuid.UUID(GUID).bytes_le:
            self.problems.append(f"the generation ID should be at {addr:#x}: {content.hex()}")
        if any(kind == "usable" and start <= addr <= last for start, last, kind in ranges(guest)):
            self.problems.append(f"the generation ID is in usable memory, at {addr:#x}")

    def _wake_and_watch(self, guest):
        """Wakes the guest up, and stops it where it gets control back.

        The state there is that of ACPI 6.5, 16.3.2 ("waking vector"); and nothing has been
        written but the firmware's work area, which was never the guest's.
        """
        facs = next(int(match[1], 16) for line in guest.lines("dmesg")
                    if (match := re.search(r"ACPI: FACS 0x([0-9A-F]+)", line)))
        before = self._save_memory(0, self.run.memory_size)
        assert before[facs:facs + 4] == b"FACS"
        vector = int.from_bytes(before[facs + WAKING_VECTOR:facs + WAKING_VECTOR + 4], "little")

        gdb = Gdb(self.run.vm.gdb)
        gdb.stop_at(vector)
        if self.qmp.do("query-status")["status"] == "paused":
            # A debugger's arrival does that with QEMU 10.0, and this makes it suspended again.
            self.qmp.do("cont")
        self.qmp.do("system_wakeup")
        until = time.monotonic() + WAKE_SECONDS
        while self.qmp.do("query-status")["status"] != "debug":
            if time.monotonic() > until:
                self.problems.append(f"the waking vector, {vector:#x}, was not reached")
                break
            time.sleep(0.05)
        else:
            self._check_registers(vector)
            self._check_memory(before, self._save_memory(0, self.run.memory_size), guest)
        gdb.go()

    def _check_registers(self, vector):
        text = self.qmp.do("human-monitor-command", **{"command-line": "info registers"})
        value = {name: int(number, 16)
                 for name, number in re.findall(r"(\w+) *=([0-9a-f]+)", text)}
        ip = value["RIP"] if "RIP" in value else value["EIP"]
        flags = value["RFL"] if "RFL" in value else value["EFL"]
        if (value["CS"], ip) != (vector >> 4, vector & 0xF) or value["CR0"] & PROTECTED_MODE \
                or flags & INTERRUPTS or value["A20"] != 1:
            self.problems.append(f"at the waking vector, {vector:#x}: {text[:1000]}")

    def _check_memory(self, before, after, guest):
        if any(kind == "usable" and start < WORK_AREA.end and last >= WORK_AREA.start
               for start, last, kind in ranges(guest)):
            self.problems.append("the guest may use the firmware's work area")
        for page in range(0, len(before), PAGE):
            if before[page:page + PAGE] != after[page:page + PAGE] \
                    and not WORK_AREA.start <= page < WORK_AREA.end:
                self.problems.append(f"resume wrote to {page:#x}")
