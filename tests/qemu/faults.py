# SPDX-License-Identifier: BSD-2-Clause
"""What QEMU itself notices of a guest that goes wrong: `-d guest_errors,cpu_reset`.

A CPU is reset when QEMU makes it and when the machine starts.  The others are once more when
a firmware starts them, and when Linux does, by INIT.  What else a run logs is a fault: a
triple fault, an access to what is no memory, or one that a device rejects.
"""

import re
from collections import Counter

LOGGED = "guest_errors,cpu_reset"

STARTS, INITS = 2, 2
RESET = re.compile(r"CPU Reset \(CPU (\d+)\)")
ANY_RESET = RESET.pattern
# The lines behind a reset: registers.
STATE = re.compile(r" ?[A-Z]\w* ?=")
TRIPLE_FAULT = "Triple fault"
# The firmware asks whether a microvm has PCI Express.
ECAM_OF_MICROVM = r"Invalid read at addr 0xE0000000, size 4, region '\(null\)', reason: rejected"
# Linux writes its first messages to a PL011 that nobody has enabled, and reads a register of the
# GIC that QEMU lacks.
OF_LINUX = (r"PL011 data written to disabled UART|"
            r"gicv3_dist_read: invalid guest read at offset 000000000000000c size 4")
# After these CPUs are started again.
RESTARTS = re.compile(rb"slipway\.then=\S*(suspend|kexec)")


def allowed(run):
    """Regular expressions of what a row of runs.py has in the log, and should."""
    found = [ECAM_OF_MICROVM]
    if run.faults:
        found.append(run.faults)
    if isinstance(run.kernel, str):
        found.append(OF_LINUX)
    if run.reboots or RESTARTS.search(run.cmdline):
        found.append(ANY_RESET)
    return found


def unexpected(log, allowed):
    """One sentence for each kind of line in the log that no regular expression allows."""
    lines = Counter(line for line in log.splitlines() if not STATE.match(line))
    if not lines["CPU Reset (CPU 0)"]:
        yield "QEMU has logged nothing"
    for line, times in lines.items():
        reset = RESET.fullmatch(line)
        limit = 0 if not reset else STARTS if reset[1] == "0" else STARTS + INITS
        if times > limit and not any(re.fullmatch(pattern, line) for pattern in allowed):
            yield f"QEMU has logged {times} times: {line}"
