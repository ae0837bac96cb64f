# SPDX-License-Identifier: BSD-2-Clause
"""The deepest calls of a boot fit the stack, by what the image's instructions say.

All of the stack is wiped before the kernel is entered, so that it is no larger than it must be
(arch/aarch64/layout.h). No function calls itself.
"""

import re
import subprocess

from debugger import CHANGED
from machines import KIB

STACK_SIZE = 32 * KIB               # arch/aarch64/layout.h, from WORK_STACK_GUARD's end on

# But for labels inside a function: BOOT_STEP (boot/boot.h).
FUNCTION = re.compile(r"^[0-9a-f]+ <(?!step_)(.+)>:$")
# What lowers the stack pointer: a pair that is pushed, a number, a number from a register.
PUSH = re.compile(r"\tst[pr]\t.*\[sp, #-(\d+)\]!")
LOWER = re.compile(r"\tsub\tsp, sp, #(0x[0-9a-f]+)(, lsl #12)?$")
LOWER_BY_REGISTER = re.compile(r"\tsub\tsp, sp, (x\d+)$")
CONSTANT = re.compile(r"\tmovz?\t(x\d+|w\d+), #(0x[0-9a-f]+)")
CALL = re.compile(r"\t(?:bl?|b\.\w+|cbn?z\t\w+,|tbn?z\t\w+, #\d+,)\s+[0-9a-f]+ <([^>+]+)>$")
INDIRECT = re.compile(r"\tblr\t")

# What is called through a pointer: a blob's read and write, a host's map and find; but here:
READERS = ("read_item", "read_memory", "read_pieces", "read", "write_item", "boot_map_ram",
           "find_file")
POINTERS = {"boot_find_kernel": ("find_in",),
            "acpi_run_script": (*READERS, "boot_measure_file"), "end": ("extend", "tpm_extend"),
            "log_write": ("arch_console_write",),
            "inflate": ("arena_alloc",), "inflateInit2_": ("arena_alloc", "arena_free")}


def functions(elf):
    """For each function: bytes of its frame, and the names of what it calls.

    Names are those of the source, without what gcc appends.
    """
    said = subprocess.run(["aarch64-linux-gnu-objdump", "-d", "--no-show-raw-insn", elf],
                          check=True, capture_output=True, text=True).stdout
    found, constants, name = {}, {}, None
    for line in said.splitlines():
        line = line.split("//")[0].rstrip()
        if match := FUNCTION.match(line):
            name = CHANGED.sub("", match[1])
            found.setdefault(name, [0, set()])     # two files may have one of this name
        if name is None:
            continue
        frame, calls = found[name]
        if match := CONSTANT.search(line):
            constants[match[1].replace("w", "x")] = int(match[2], 16)
        if match := PUSH.search(line):
            frame += int(match[1])
        if match := LOWER.search(line):
            frame += int(match[1], 16) << (12 if match[2] else 0)
        if match := LOWER_BY_REGISTER.search(line):
            frame += constants[match[1]]
        if (match := CALL.search(line)) and (called := CHANGED.sub("", match[1])) != name:
            calls.add(called)
        if INDIRECT.search(line):
            calls.update(POINTERS.get(name, READERS))
        found[name][0] = frame
    return found


def deepest(found, name, above=()):
    """Bytes that `name` and what it calls need, and the names on that way."""
    frame, calls = found[name]
    best = max((deepest(found, other, (*above, name)) for other in sorted(calls)
                if other in found and other not in above), default=(0, ()))
    return frame + best[0], (name, *best[1])


def test_deepest_calls_fit_the_stack(host):
    found = functions(host.fw.with_suffix(".elf"))
    size, way = deepest(found, "arch_start")
    assert size > 20 * KIB and "boot_main" in way, "these are the calls"
    assert size <= STACK_SIZE, f"{size} bytes: {' > '.join(way)}"
