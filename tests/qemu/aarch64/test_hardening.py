# SPDX-License-Identifier: BSD-2-Clause
"""What keeps an error of ours small: rights of memory, the stack's guards, what is left behind.

As test_hardening.py for x86_64. Interrupts of all kinds are masked from the start to the hand-off;
that they still are there is a rule of handoff.py.
"""

import re
import struct

import pytest

from debugger import run_from_boot_main, symbols
from ranges import Range, overlap
from stack_rights import check_stack_rights
from .probe.probe import parse
from .runs import QEMUS, probe
from .trial import Trial

GDB = ["gdb-multiarch", "-ex", "set architecture aarch64"]
PAGE = 4096
MACHINES = ("virt", "virt,virtualization=on")

# arch/aarch64/layout.h; without a device tree in the way, it is at the end of a block.
WORK = Range(0x40200000 - 0x1C000, 0x40200000)
TABLES = Range(WORK.start, WORK.start + 0x10000)
CANARY = WORK.start + 0x10000
GUARDS = (Range(WORK.start + 0x11000, WORK.start + 0x12000),
          Range(WORK.start + 0x1A000, WORK.start + 0x1B000))
STACK = Range(WORK.start + 0x12000, WORK.start + 0x1A000)

# Descriptors: Arm ARM D8.3.
VALID, TABLE, READ_ONLY = 1, 2, 1 << 7
XN, PXN = 1 << 54, 1 << 53      # of all of EL2; of EL0 and of EL1
ADDRESS = 0x0000FFFFFFFFF000
DCZID_DZP = 1 << 4


def run(vm, host, commands, stop="boot_main"):
    """Runs `vm`, in which gdb gives these commands where it stops first."""
    return run_from_boot_main(vm, GDB, host.fw.with_suffix(".elf"), 0, commands, stop)


def dump(path, area):
    """The command of gdb that writes memory to a file."""
    return f"dump binary memory {path} {area.start:#x} {area.end:#x}"


def booted(result):
    boots = parse(result.serial)
    return result.exit_code == 0 and len(boots) == 1 and boots[0].complete


# -- translation tables -----------------------------------------------------------


def pages(memory, never, table=TABLES.start, level=1, start=0):
    """All that tables in `memory`, the bytes of TABLES, map: Ranges, kind = (physical, rights)."""
    for index in range(512):
        entry = struct.unpack_from("<Q", memory, table - TABLES.start + 8 * index)[0]
        size = PAGE << 9 * (3 - level)
        address = start + index * size
        if not entry & VALID:
            continue
        if level < 3 and entry & TABLE:
            yield from pages(memory, never, entry & ADDRESS, level + 1, address)
        else:
            rights = "w" * (not entry & READ_ONLY) + "x" * (entry & never != never)
            yield Range(address, address + size, (entry & ADDRESS & -size, rights))


@pytest.mark.parametrize("machine", MACHINES)
def test_every_page_is_writable_or_executable(machine, host):
    """When all of a boot has been mapped; and no page is the guard of a stack."""
    el2 = "virtualization" in machine
    vm = Trial(probe(f"hardening-pages-el{1 + el2}", machine, initrd=100001), host).vm
    file = vm.folder / "tables"
    result = run(vm, host, (dump(file, TABLES),), "step_handoff")
    assert booted(result), result.describe()
    names = symbols(host.fw.with_suffix(".elf"))
    text, image = Range(0, names["text_end"]), Range(0, names["image_end"])
    found = list(pages(file.read_bytes(), XN if el2 else XN | PXN))
    assert len(found) > 40, "these are the tables"
    for page in found:
        physical, rights = page.kind
        assert physical == page.start, f"{page} is not mapped to itself"
        assert rights != "wx", f"{page} is writable and executable"
        assert ("x" in rights) == bool(overlap(page, text)), f"{page} is {rights!r}"
        assert "w" not in rights or not overlap(page, image), f"{page}, of the image, is writable"
        assert not any(overlap(page, guard) for guard in GUARDS), f"{page} is mapped"


# -- stack protector --------------------------------------------------------------


def test_overrun_buffer_is_noticed(host):
    """fwcfg_read_directory() is guarded; the canary changes while it reads."""
    vm = Trial(probe("hardening-overrun"), host).vm
    place = symbols(host.fw.with_suffix(".elf"))["read_from_start"]
    result = run(vm, host, (f"hbreak *{place:#x}", "continue",
                            f"set *(long *){CANARY:#x} ^= 0x100"))
    assert result.serial == "slipway: FATAL check fault: a stack buffer was overrun\r\n", \
        result.describe()


def canary(host, name, cpu):
    # -icount makes the counter the same in each run.
    vm = Trial(probe(f"hardening-canary-{name}", cpu=cpu,
                     options=("-icount", "shift=0,sleep=off")), host).vm
    file = vm.folder / "canary"
    result = run(vm, host, (dump(file, Range(CANARY, CANARY + 8)),))
    assert booted(result), result.describe()
    return file.read_bytes()


def test_canary_comes_from_rndr_where_there_is_one(host):
    made = {canary(host, f"rndr-{i}", "max") for i in range(2)}
    assert len(made) == 2 and bytes(8) not in made


def test_canary_comes_from_the_counter_without_rndr(host):
    made = {canary(host, f"clock-{i}", "cortex-a57") for i in range(2)}
    assert len(made) == 1 and bytes(8) not in made


# -- what is left behind ----------------------------------------------------------


@pytest.mark.parametrize("qemu", QEMUS)
# With DC ZVA of a line of the cache; where its block is larger; where it is forbidden.
@pytest.mark.parametrize("name, cpu, machine, commands", (
    ("a57", "cortex-a57", "virt", ()),
    ("max", "max", "virt", ()),
    ("el2", "max", "virt,virtualization=on", ()),
    ("no-zva", "cortex-a57", "virt", (f"set $x7 |= {DCZID_DZP}",)),
), ids=lambda value: value if isinstance(value, str) else "")
def test_stack_canary_and_registers_are_wiped(name, cpu, machine, commands, qemu, host):
    vm = Trial(probe(f"hardening-wipe-{name}-qemu{qemu}", machine, cpu=cpu, qemu=qemu), host).vm
    before, after, state = (vm.folder / name for name in ("before", "after", "state"))
    instructions = symbols(host.fw.with_suffix(".elf"))["wipe_stack"]
    result = run(vm, host, (
        dump(before, STACK), "set $kernel=$x0", "delete",
        # Behind the read of DCZID_EL0.
        f"hbreak *{instructions + 8:#x}", "continue", *commands,
        "delete", "hbreak *$kernel", "continue",
        dump(after, STACK), dump(state, Range(CANARY, CANARY + 8)),
        *(f'printf "register x{i} %lx\\n", $x{i}' for i in range(5, 31)),
        *(f'printf "register v{i} %lx\\n", $v{i}.d.u[0] | $v{i}.d.u[1]' for i in range(32))),
        "enter_linux")
    assert booted(result), result.describe()
    assert len(before.read_bytes().strip(b"\0")) > 0x4000, "the stack had something on it"
    assert after.read_bytes() == bytes(STACK.end - STACK.start)
    assert state.read_bytes() == bytes(8), "the canary"
    said = re.findall(r"^register ([xv]\d+) (\S+)$", (vm.folder / "gdb.log").read_text(), re.M)
    assert said == ([(f"x{i}", "0") for i in range(5, 31)]
                    + [(f"v{i}", "0") for i in range(32)])


# -- the file ---------------------------------------------------------------------


def test_stack_is_not_executable(host):
    check_stack_rights(host.fw)
