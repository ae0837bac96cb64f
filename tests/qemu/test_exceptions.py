# SPDX-License-Identifier: BSD-2-Clause
"""What the page tables forbid ends in the exception report, not in a triple fault.

gdb stops the firmware at boot_main, where paging and descriptor tables are in
force, and sends it somewhere it must not go.
"""

import re
from dataclasses import dataclass

import pytest

from debugger import run_from_boot_main
from runs import Run, pvh
from trial import Trial

EXIT_FATAL = 3
PAGE_FAULT = 14
ROM = 0xFFFF0000
LINK_ADDRESS = 0x100000
IMAGE_SIZE = 0x10000
STACK_GUARD = 0x40000           # arch/x86_64/layout.h
PRESENT, WRITE, FETCH = 1, 2, 16    # bits of a page fault's error code


@dataclass(frozen=True)
class Fault:
    name: str
    commands: tuple             # of gdb, at boot_main
    vector: int
    error: int
    cr2: tuple                  # any of these; empty: whatever it is


FAULTS = (
    Fault("jump_to_page_0", ("set $rip=0x100",), PAGE_FAULT, FETCH, (0x100,)),
    Fault("jump_to_the_stack", ("set $rip=$rsp",), PAGE_FAULT, PRESENT | FETCH, ()),
    Fault("jump_to_constants", ("set $rip=(long)&rodata_end-1",),
          PAGE_FAULT, PRESENT | FETCH, ()),
    Fault("jump_to_the_header", (f"set $rip={ROM:#x}",), PAGE_FAULT, PRESENT | FETCH, (ROM,)),
    Fault("stack_overflow", (f"set $rsp={STACK_GUARD + 0x1008:#x}",),
          PAGE_FAULT, WRITE, (STACK_GUARD + 0xFF8,)),
    # What is first on it may be one word lower, for alignment.
    Fault("stack_in_the_code", (f"set $rsp={ROM + 0x2000:#x}",),
          PAGE_FAULT, PRESENT | WRITE, (ROM + 0x1FF8, ROM + 0x1FF0)),
)

REPORT = re.compile(r"slipway: FATAL cpu fault: exception (\d+) at rip 0x([0-9a-f]+) "
                    r"\(image 0x([0-9a-f]+)\), error 0x([0-9a-f]+), cr2 0x([0-9a-f]+), "
                    r"rsp 0x([0-9a-f]+)\n")


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_is_reported(fault, host):
    vm = Trial(Run(f"exception-{fault.name}"), host).vm
    result = run_from_boot_main(vm, ["gdb"], host.fw.with_suffix(".elf"), ROM - LINK_ADDRESS,
                                fault.commands)
    report = REPORT.fullmatch(result.debugcon)
    assert result.exit_code == EXIT_FATAL and report, result.describe()
    vector = int(report[1])
    rip, image, error, cr2, rsp = (int(number, 16) for number in report.groups()[1:])
    assert (vector, image, error) == (fault.vector, ROM, fault.error), report[0]
    assert not fault.cr2 or cr2 in fault.cr2, report[0]
    if fault.error & FETCH:
        assert rip == cr2, "an instruction fetch faults at its own address"


def test_fault_in_a_report_is_the_end(host):
    vm = Trial(Run("exception-in-a-report"), host).vm
    result = run_from_boot_main(
        vm, ["gdb"], host.fw.with_suffix(".elf"), ROM - LINK_ADDRESS,
        ("delete", "hbreak *(long)&arch_console_write", "set $rip=0x100", "continue",
         "set $rip=0x100"))
    assert (result.exit_code, result.debugcon) == (EXIT_FATAL, ""), result.describe()


# In RAM, where nothing but the page tables keeps the image as it is.
FAULTS_IN_RAM = (
    Fault("write_to_code", ("set $rdi=(long)&text_start", "set $rsi=$rsp", "set $rdx=8",
                            "set $rip=(long)&copy_bytes"), PAGE_FAULT, PRESENT | WRITE, ()),
    Fault("write_to_the_header", (f"set $rdi={LINK_ADDRESS:#x}", "set $rsi=$rsp", "set $rdx=8",
                                  "set $rip=(long)&copy_bytes"),
          PAGE_FAULT, PRESENT | WRITE, (LINK_ADDRESS,)),
    Fault("jump_to_constants", ("set $rip=(long)&rodata_end-1",),
          PAGE_FAULT, PRESENT | FETCH, ()),
)


@pytest.mark.parametrize("fault", FAULTS_IN_RAM, ids=lambda fault: fault.name)
def test_fault_in_ram_is_reported(fault, host):
    vm = Trial(pvh(f"exception-in-ram-{fault.name}", "q35", source="opt"), host).vm
    result = run_from_boot_main(vm, ["gdb"], host.fw.with_suffix(".elf"), 0, fault.commands)
    report = REPORT.search(result.debugcon)
    assert result.exit_code == EXIT_FATAL and report, result.describe()
    vector, (image, error, cr2) = int(report[1]), (int(report[i], 16) for i in (3, 4, 5))
    assert (vector, image, error) == (fault.vector, LINK_ADDRESS, fault.error), report[0]
    assert LINK_ADDRESS <= cr2 < LINK_ADDRESS + IMAGE_SIZE, report[0]
    assert not fault.cr2 or cr2 in fault.cr2, report[0]
