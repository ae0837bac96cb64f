# SPDX-License-Identifier: BSD-2-Clause
"""Runs the firmware under gdb, which sends it somewhere it must not go."""

import re
import subprocess


# What gcc appends to the name of a function that it has changed.
CHANGED = re.compile(r"(\.(constprop|isra|part|lto_priv)\.\d+)+$")


def symbols(elf):
    """Addresses by name, local labels too, as `elf` has them."""
    said = subprocess.run(["nm", elf], check=True, capture_output=True, text=True).stdout
    # The link leaves labels without a name in the debug information.
    named = (line.split() for line in said.splitlines() if not line.endswith(" N "))
    return {CHANGED.sub("", name): int(address, 16) for address, _, name in named}


def run_from_boot_main(vm, gdb, elf, offset, commands, stop="boot_main"):
    """Runs `vm` to boot_main, or another place, where gdb gives these commands; returns the Result.

    `offset` is what lies between the addresses of `elf` and those it runs at.
    """
    socket = vm.folder / "gdb-stop"
    vm.add("-S", "-chardev", f"socket,id=gdb,path={socket},server=on,wait=off",
           "-gdb", "chardev:gdb")
    call = [*gdb, "-q", "-batch", "-nx", "-ex", "set confirm off",
            "-ex", f"add-symbol-file {elf} -o {offset}",
            "-ex", f"target remote {socket}", "-ex", f"hbreak *{symbols(elf)[stop] + offset:#x}",
            "-ex", "continue"]
    for command in (*commands, "delete", "continue"):
        call += ["-ex", command]
    started = []

    def start_gdb(_):
        if not started and socket.exists():
            started.append(subprocess.Popen(call, stdin=subprocess.DEVNULL,
                                            stdout=open(vm.folder / "gdb.log", "wb"),
                                            stderr=subprocess.STDOUT))
        return False

    result = vm.run(until=start_gdb)
    started[0].wait(60)
    return result
