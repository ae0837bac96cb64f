# SPDX-License-Identifier: BSD-2-Clause
"""What keeps an error of ours small: rights of memory, the stack's guards, what is left behind.

gdb stops the firmware and looks, or does to it what a test is about. That a breach of the
page tables' rights is reported is for test_exceptions.py; here their every entry is read.
"""

import re
import struct
from dataclasses import dataclass, replace

import pytest

from debugger import run_from_boot_main, symbols
from probe.probe import EXIT_DONE, parse
from ranges import Range, overlap
from runs import ONLY_32, QEMUS, elf, probe
from stack_rights import check_stack_rights
from trial import Trial

EXIT_FATAL = 3
GDB = ["gdb"]
PAGE = 4096
ROM = 0xFFFF0000
LINK_ADDRESS = 0x100000
OFFSET = ROM - LINK_ADDRESS
IMAGE_SIZE = 0x10000

# arch/x86_64/layout.h
TABLES = Range(0x30000, 0x3E000)
ARCH_STATE = 0x3E000
CANARY = ARCH_STATE + 0x28
STACK = Range(0x41000, 0x51000)
GUARDS = (Range(0x40000, 0x41000), Range(0x51000, 0x52000))

PTE_PRESENT, PTE_WRITE, PTE_DIRTY, PTE_LARGE, PTE_NX = 1, 2, 1 << 6, 1 << 7, 1 << 63
LOWEST_ENTRY = 0x33000 + STACK.start // PAGE * 8    # in the page table
PTE_ADDRESS = 0x000FFFFFFFFFF000

# Of what FXSAVE writes before the vector registers, that which is not 0: offset and value of FCW,
# MXCSR with its mask (SDM vol. 1, 10.5.1).
FXSAVE_VECTORS = 160
FPU = ((0, 0x37F), (24, 0x1F80), (28, 0xFFFF))


@pytest.fixture(scope="module")
def elf_file(host):
    return host.fw.with_suffix(".elf")


def run(vm, elf_file, commands, stop="boot_main"):
    """Runs `vm`, in which gdb gives these commands where it stops first."""
    return run_from_boot_main(vm, GDB, elf_file, OFFSET, commands, stop)


def dump(path, area):
    """The command of gdb that writes memory to a file."""
    return f"dump binary memory {path} {area.start:#x} {area.end:#x}"


# -- page tables ------------------------------------------------------------------


def pages(memory, table=TABLES.start, level=4, start=0, write=True, execute=True):
    """All that tables in `memory`, the bytes of TABLES, map: Ranges, kind = (physical, rights)."""
    for index in range(512):
        entry = struct.unpack_from("<Q", memory, table - TABLES.start + 8 * index)[0]
        size = PAGE << 9 * (level - 1)
        address = start + index * size
        if not entry & PTE_PRESENT:
            continue
        may = write and bool(entry & PTE_WRITE), execute and not entry & PTE_NX
        if level == 1 or entry & PTE_LARGE:
            yield Range(address, address + size,
                        (entry & PTE_ADDRESS & -size, "w" * may[0] + "x" * may[1]))
        else:
            yield from pages(memory, entry & PTE_ADDRESS, level - 1, address, *may)


@pytest.mark.parametrize("machine", ("microvm", "pc", "q35"))
def test_every_page_is_writable_or_executable(machine, host, elf_file):
    """When all of a boot has been mapped; and no page is the guard of a stack, or page 0."""
    vm = Trial(probe(f"hardening-pages-{machine}", machine, initrd=100001), host).vm
    file = vm.folder / "tables"
    result = run(vm, elf_file, (dump(file, TABLES),), "arch_handoff")
    assert result.exit_code == EXIT_DONE, result.describe()
    names = symbols(elf_file)
    text = Range(names["text_start"] + OFFSET, ROM + IMAGE_SIZE)
    found = list(pages(file.read_bytes()))
    assert len(found) > 40, "these are the tables"
    for page in found:
        physical, rights = page.kind
        assert physical == page.start, f"{page} is not mapped to itself"
        assert rights != "wx", f"{page} is writable and executable"
        assert ("x" in rights) == bool(overlap(page, text)), f"{page} is {rights!r}"
        if overlap(page, Range(ROM, ROM + IMAGE_SIZE)):
            assert "w" not in rights, f"{page}, of the image, is writable"
        for absent in (Range(0, PAGE), *GUARDS):
            assert not overlap(page, absent), f"{page} is mapped"


# -- stack protector --------------------------------------------------------------


def test_overrun_buffer_is_noticed(host, elf_file):
    """fwcfg_read_directory() is guarded; the canary changes while it reads."""
    vm = Trial(probe("hardening-overrun", "microvm"), host).vm
    names = symbols(elf_file)
    result = run(vm, elf_file, (
        f"hbreak *{names['read_from_start'] + OFFSET:#x}", "continue",
        f"set *(long *){CANARY:#x} ^= 0x100",))
    assert result.exit_code == EXIT_FATAL, result.describe()
    assert result.debugcon == "slipway: FATAL check fault: a stack buffer was overrun\n"


def canary(host, elf_file, name, cpu):
    # -icount makes the time stamp counter the same in each run.
    vm = Trial(probe(f"hardening-canary-{name}", "microvm", cpu=cpu,
                     options=("-icount", "shift=0,sleep=off")), host).vm
    file = vm.folder / "canary"
    result = run(vm, elf_file, (dump(file, Range(CANARY, CANARY + 8)),))
    assert result.exit_code == EXIT_DONE, result.describe()
    return file.read_bytes()


def test_canary_comes_from_rdrand_where_there_is_one(host, elf_file):
    made = {canary(host, elf_file, f"rdrand-{i}", "max") for i in range(2)}
    assert len(made) == 2 and bytes(8) not in made


def test_canary_comes_from_the_clock_without_rdrand(host, elf_file):
    made = {canary(host, elf_file, f"clock-{i}", "qemu64") for i in range(2)}
    assert len(made) == 1 and bytes(8) not in made


# -- non-maskable interrupts ------------------------------------------------------

NO_APIC = "qemu64,-apic"        # where there is one, it masks the NMI after a reset
NMI_TAKEN = re.compile(r"v=02 ")
# Where it comes, all through a boot: without paging, before the IDT of all vectors, at the way
# out when the stack is being wiped, and where the kernel has no IDT yet.
PLACES = ("entry32.features", "entry32.work_area", "start64", "arch_start", "boot_main",
          "arch_handoff", "enter_linux64", "wipe_stack.page", "kernel")


def nmi_run(name, place, cpu, host, elf_file):
    """The Result, and whether the NMI got to the CPU."""
    row = probe(f"hardening-nmi-{name}", "pc", cpu=cpu, options=("-d", "int"))
    vm = Trial(row, host).vm
    vm.add("-D", vm.folder / "interrupts")
    commands = ("monitor nmi",)
    if place == "kernel":
        commands = ("set $kernel=$rdi", "delete", "hbreak *$kernel", "continue", *commands)
    result = run(vm, elf_file, commands, "enter_linux64" if place == "kernel" else place)
    return result, bool(NMI_TAKEN.search((vm.folder / "interrupts").read_text()))


@pytest.mark.parametrize("place", PLACES)
def test_nmi_is_ignored(place, host, elf_file):
    result, taken = nmi_run(place, place, NO_APIC, host, elf_file)
    assert taken, "it has to be there to be ignored"
    boots = parse(result.debugcon)
    assert result.exit_code == EXIT_DONE and boots[0].complete, result.describe()
    assert result.debugcon.startswith("PROBE-ENTRY"), result.describe()


def test_nmi_is_masked_where_there_is_an_apic(host, elf_file):
    result, taken = nmi_run("apic", "boot_main", "", host, elf_file)
    assert result.exit_code == EXIT_DONE and not taken, result.describe()


def test_nmi_leaves_a_report_whole(host, elf_file):
    """It comes while an exception is reported, on the stack that is for that."""
    vm = Trial(probe("hardening-nmi-report", "pc", cpu=NO_APIC), host).vm
    names = symbols(elf_file)
    result = run(vm, elf_file, (
        "set $rip=0x100", f"hbreak *{names['arch_console_write'] + OFFSET:#x}", "continue",
        "monitor nmi"))
    assert result.exit_code == EXIT_FATAL, result.describe()
    assert re.fullmatch(r"slipway: FATAL cpu fault: exception 14 at rip 0x100 [^\n]*\n",
                        result.debugcon), result.describe()


# -- what is left behind ----------------------------------------------------------


@dataclass(frozen=True)
class Exit:
    row: object
    routine: str                # of handoff.asm
    used: int = 0               # bytes of the stack, for the way out of 64-bit mode
    commands: tuple = ()        # of gdb, before


EXITS = (
    Exit(probe("hardening-wipe-microvm", "microvm", cpu="max"), "enter_linux64"),
    Exit(probe("hardening-wipe-q35", "q35", cpu="max", initrd=100001), "enter_linux64"),
    Exit(probe("hardening-wipe-pc-entry-32", "pc", ONLY_32, cpu="max"), "enter_32", 16),
    Exit(elf("hardening-wipe-elf", cpu="max"), "enter_32", 16),
    Exit(elf("hardening-wipe-whole-stack", cpu="max"), "enter_32", 16,
         (f"set *(char *){LOWEST_ENTRY:#x} |= {PTE_DIRTY:#x}",)),
)


@pytest.mark.parametrize("qemu", QEMUS)
@pytest.mark.parametrize("way", EXITS, ids=lambda way: way.row.name)
def test_stack_and_canary_are_wiped(way, qemu, host, elf_file):
    vm = Trial(replace(way.row, name=f"{way.row.name}-qemu{qemu}", qemu=qemu), host).vm
    before, after, state = (vm.folder / name for name in ("before", "after", "state"))
    result = run(vm, elf_file, (
        *way.commands, dump(before, STACK),
        "set $kernel=$rdi", "delete", "hbreak *$kernel", "continue",
        dump(after, STACK), dump(state, Range(CANARY, CANARY + 8))), way.routine)
    assert result.exit_code == EXIT_DONE, result.describe()
    assert len(before.read_bytes().strip(b"\0")) > 0x4000, "the stack had something on it"
    words = {STACK.start + 4 * i: word
             for i, (word,) in enumerate(struct.iter_unpack("<I", after.read_bytes())) if word}
    # handoff.asm: once, below what was used.
    lowest = min(words, default=0)
    if lowest % PAGE == PAGE - FXSAVE_VECTORS:
        words = {at: word for at, word in words.items() if (at - lowest, word) not in FPU}
    # Selectors and addresses of code.
    words = {at: word for at, word in words.items()
             if at < STACK.end - way.used or PAGE <= word < ROM}
    assert not words, [f"{at:#x}: {word:#x}" for at, word in words.items()][:20]
    assert state.read_bytes() == bytes(8), "the canary"


@pytest.mark.parametrize("machine", ("microvm", "q35"))
def test_registers_are_wiped(machine, host, elf_file):
    """Those that no boot protocol gives a meaning."""
    vm = Trial(probe(f"hardening-registers-{machine}", machine, cpu="max"), host).vm
    names = [f"xmm{i}" for i in range(16)]
    result = run(vm, elf_file, (
        "set $kernel=$rdi", "delete", "hbreak *$kernel", "continue",
        *(f'printf "vector {name} %lx %lx\\n", ${name}.v2_int64[0], ${name}.v2_int64[1]'
          for name in names)), "enter_linux64")
    assert result.exit_code == EXIT_DONE, result.describe()
    said = re.findall(r"^vector (xmm\d+) (\S+) (\S+)$", (vm.folder / "gdb.log").read_text(), re.M)
    assert said == [(name, "0", "0") for name in names]
    boot = parse(result.debugcon)[0]
    assert {name: boot.gpr[name] for name in
            ("rbx", "rcx", "rdx", "rdi", "rbp", *(f"r{i}" for i in range(8, 16)))
            if boot.gpr[name]} == {}


# -- the file ---------------------------------------------------------------------


def test_stack_is_not_executable(host):
    check_stack_rights(host.fw)
