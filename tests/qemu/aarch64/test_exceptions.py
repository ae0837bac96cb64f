# SPDX-License-Identifier: BSD-2-Clause
"""What the translation tables forbid ends in the exception report.

gdb stops the firmware at boot_main, where the MMU is on, and sends it somewhere it
must not go.
"""

import re
from dataclasses import dataclass

import pytest

from debugger import run_from_boot_main
from .runs import Run
from .trial import Trial

SYNCHRONOUS = 4                 # of the vectors, at the current level with SP_ELx
# ESR: Arm ARM D17.2.37, exception class and fault status.
INSTRUCTION_ABORT, DATA_ABORT = 0x21, 0x25
TRANSLATION, PERMISSION = 0x1, 0x3
WRITE = 1 << 6

WORK = 0x40200000 - 0x1C000     # arch/aarch64/layout.h
STACK_GUARD = WORK + 0x11000


@dataclass(frozen=True)
class Fault:
    name: str
    commands: tuple             # of gdb, at boot_main
    kind: int
    status: int
    far: int = None


FAULTS = (
    Fault("jump_to_nowhere", ("set $pc=0x10000000",), INSTRUCTION_ABORT, TRANSLATION, 0x10000000),
    Fault("jump_to_the_stack", ("set $pc=$sp",), INSTRUCTION_ABORT, PERMISSION),
    Fault("jump_to_constants", ("set $pc=(long)&text_end",), INSTRUCTION_ABORT, PERMISSION),
    Fault("stack_overflow", (f"set $sp={STACK_GUARD + 0x1000:#x}", "set $pc=(long)&log_write"),
          DATA_ABORT, TRANSLATION),
    Fault("stack_in_the_code", ("set $sp=0x4000", "set $pc=(long)&log_write"),
          DATA_ABORT, PERMISSION),
)

REPORT = re.compile(r"slipway: FATAL cpu fault: exception (\d+) at elr 0x([0-9a-f]+) "
                    r"\(image 0x([0-9a-f]+)\), esr 0x([0-9a-f]+), far 0x([0-9a-f]+), "
                    r"sp 0x([0-9a-f]+)\r\n")


@pytest.mark.parametrize("machine", ("virt", "virt,virtualization=on"))
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_fault_is_reported(fault, machine, host):
    level = "el2" if "virtualization" in machine else "el1"
    vm = Trial(Run(f"exception-{fault.name}-{level}", machine), host).vm
    result = run_from_boot_main(vm, ["gdb-multiarch", "-ex", "set architecture aarch64"],
                                host.fw.with_suffix(".elf"), 0, fault.commands)
    report = REPORT.fullmatch(result.serial)
    assert result.exit_code == 0 and report, result.describe()
    vector, (elr, image, esr, far, _) = int(report[1]), (int(n, 16) for n in report.groups()[1:])
    assert (vector, image) == (SYNCHRONOUS, 0), report[0]
    assert (esr >> 26, esr >> 2 & 0xF) == (fault.kind, fault.status), report[0]
    assert fault.far in (None, far), report[0]
    if fault.kind == INSTRUCTION_ABORT:
        assert elr == far, "an instruction fetch faults at its own address"
    else:
        assert esr & WRITE, report[0]
    if fault.name == "stack_overflow":
        assert STACK_GUARD <= far < STACK_GUARD + 0x1000, report[0]


IN_RAM = 0x40200000             # where QEMU puts an arm64 Image

# Nothing but the translation tables keeps the image as it is there.
FAULTS_IN_RAM = (
    Fault("write_to_code", (f"set $x0={IN_RAM + 0x1000:#x}", "set $x1=0", "set $x2=64",
                            "set $pc=(long)&memset"), DATA_ABORT, PERMISSION, IN_RAM + 0x1000),
    Fault("write_to_constants", ("set $x0=(long)&text_end", "set $x1=0", "set $x2=64",
                                 "set $pc=(long)&memset"), DATA_ABORT, PERMISSION),
    Fault("jump_to_constants", ("set $pc=(long)&text_end",), INSTRUCTION_ABORT, PERMISSION),
)


@pytest.mark.parametrize("fault", FAULTS_IN_RAM, ids=lambda fault: fault.name)
def test_fault_in_ram_is_reported(fault, host):
    vm = Trial(Run(f"exception-in-ram-{fault.name}", door="kernel"), host).vm
    result = run_from_boot_main(vm, ["gdb-multiarch", "-ex", "set architecture aarch64"],
                                host.fw.with_suffix(".elf"), IN_RAM, fault.commands)
    report = REPORT.fullmatch(result.serial)
    assert result.exit_code == 0 and report, result.describe()
    vector, (_, image, esr, far, _) = int(report[1]), (int(n, 16) for n in report.groups()[1:])
    assert (vector, image) == (SYNCHRONOUS, IN_RAM), report[0]
    assert (esr >> 26, esr >> 2 & 0xF) == (fault.kind, fault.status), report[0]
    assert fault.far in (None, far), report[0]
