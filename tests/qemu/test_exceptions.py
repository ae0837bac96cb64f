# SPDX-License-Identifier: BSD-2-Clause
"""What the page tables forbid ends in the exception report, not in a triple fault.

gdb stops the firmware at boot_main, where paging and descriptor tables are in
force, and sends it somewhere it must not go.
"""

import re
from dataclasses import dataclass

import pytest

from debugger import run_from_boot_main
from trial import Trial
from runs import Run

EXIT_FATAL = 3
PAGE_FAULT = 14
ROM = 0xFFFF0000
LINK_ADDRESS = 0x100000
STACK_GUARD = 0x40000           # arch/x86_64/layout.h
PRESENT, WRITE, FETCH = 1, 2, 16    # bits of a page fault's error code


@dataclass(frozen=True)
class Fault:
    name: str
    commands: tuple             # of gdb, at boot_main
    vector: int
    error: int
    cr2: int


FAULTS = (
    Fault("jump_to_page_0", ("set $rip=0x100",), PAGE_FAULT, FETCH, 0x100),
    Fault("jump_to_the_stack", ("set $rip=$rsp",), PAGE_FAULT, PRESENT | FETCH, None),
    Fault("jump_to_constants", ("set $rip=(long)&rodata_end-1",), PAGE_FAULT, PRESENT | FETCH, None),
    Fault("jump_to_the_header", (f"set $rip={ROM:#x}",), PAGE_FAULT, PRESENT | FETCH, ROM),
    Fault("stack_overflow", (f"set $rsp={STACK_GUARD + 0x1008:#x}",),
          PAGE_FAULT, WRITE, STACK_GUARD + 0xFF8),
    Fault("stack_in_the_code", (f"set $rsp={ROM + 0x2000:#x}",),
          PAGE_FAULT, PRESENT | WRITE, ROM + 0x1FF8),
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
    vector, (rip, image, error, cr2, rsp) = int(report[1]), (int(n, 16) for n in report.groups()[1:])
    assert (vector, image, error) == (fault.vector, ROM, fault.error), report[0]
    assert fault.cr2 in (None, cr2), report[0]
    if fault.error & FETCH:
        assert rip == cr2, "an instruction fetch faults at its own address"
