# SPDX-License-Identifier: BSD-2-Clause
"""Builds the plugin for a QEMU, and finds where the phases of a boot begin."""

import re
import subprocess

from debugger import symbols

from .machines import BENCH, MEMORY


class Failure(Exception):
    """Something that makes a measurement impossible."""


def qemu_version(qemu):
    said = subprocess.run([*qemu, "--version"], check=True, capture_output=True, text=True).stdout
    return re.search(r"version (\S+)", said).group(1)


def build_plugin(version, folder):
    """The interface changed once in what count.c uses, in QEMU 9.0."""
    out = folder / "count.so"
    subprocess.run(["gcc", "-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC",
                    "-fvisibility=hidden", f"-DAPI={4 if int(version.split('.')[0]) >= 9 else 1}",
                    "-o", out, BENCH / "count.c"], check=True)
    return out


def phase_addresses(port, elf):
    """Where each phase begins, by the symbols of our ELF file."""
    if not elf.exists():
        raise Failure(f"{elf} does not exist: phases begin where its symbols are")
    known = symbols(elf)
    missing = [name for name in port.phases.values() if name not in known]
    if missing:
        raise Failure(f"{elf} has no symbol {', '.join(missing)}: name other boundaries of phases "
                      f"in {BENCH.name}/cost/machines.py")
    return {phase: known[name] + port.offset(known) for phase, name in port.phases.items()}


def plugin_options(plugin, port, phases, firmware, backing):
    """QEMU's options for a counted run; `backing` is the file of its RAM, None without stores."""
    words = [str(plugin), f"ram={port.ram_start:x}:{MEMORY:x}", f"end={port.mark}"]
    words += [f"stores={backing}"] if backing else []
    words += [f"limit={firmware.limit}"] if firmware.limit else []
    words += [f"zva={port.zva}"] if port.zva else []
    words += [f"{name}={address:#x}" for name, address in phases.items()]
    return ["-d", "plugin", "-plugin", ",".join(words)]
