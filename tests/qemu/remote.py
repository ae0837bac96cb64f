# SPDX-License-Identifier: BSD-2-Clause
"""Talks to a running QEMU: QMP, and gdb's protocol: memory, registers, breakpoints."""

import contextlib
import json
import socket
import time


def _connect(path, seconds=20):
    """A connection to a Unix socket that QEMU is about to open."""
    until = time.monotonic() + seconds
    while True:
        end = socket.socket(socket.AF_UNIX)
        end.settimeout(seconds)
        try:
            end.connect(str(path))
            return end
        except (FileNotFoundError, ConnectionRefusedError):
            end.close()
            if time.monotonic() > until:
                raise
            time.sleep(0.01)


class Qmp:
    """The QEMU Machine Protocol; `events` has those that came so far."""

    def __init__(self, path):
        self.stream = _connect(path).makefile("rwb")
        self.events = []
        self.stream.readline()
        self.do("qmp_capabilities")

    def do(self, command, **arguments):
        """Runs a command; an error of QEMU's is an exception."""
        self.stream.write(json.dumps({"execute": command, "arguments": arguments}).encode())
        self.stream.flush()
        while line := self.stream.readline():
            answer = json.loads(line)
            if "return" in answer:
                return answer["return"]
            if "error" in answer:
                raise RuntimeError(f"{command}: {answer['error']['desc']}")
            self.events.append(answer)
        raise ConnectionError(f"no answer to {command}")

    def rest(self):
        """All events to the end of QEMU."""
        self.events += [json.loads(line) for line in self.stream]
        return self.events


class Gdb:
    """gdb's remote serial protocol, for a machine that does not run."""

    CHUNK = 1024

    def __init__(self, path):
        self.stream = _connect(path).makefile("rwb")

    def _ask(self, text):
        """The answer to a packet."""
        packet = text.encode()
        self.stream.write(b"$%s#%02x" % (packet, sum(packet) % 256))
        self.stream.flush()
        answer = self._read()
        while answer.startswith(b"T"):
            # QEMU 7.2 tells of a stop without being asked. A packet stands for the receipt of
            # that, and a receipt too many is a request to stop.
            answer = self._read()
        self.stream.write(b"+")
        self.stream.flush()
        return answer

    def _read(self):
        """The next packet."""
        answer = b""
        while not answer.endswith(b"#"):
            byte = self.stream.read(1)
            if not byte:
                raise ConnectionError("the debugger's connection ended")
            answer = b"" if byte == b"$" else answer + byte
        self.stream.read(2)
        return answer[:-1]

    def _do(self, text):
        answer = self._ask(text)
        if answer != b"OK":
            raise RuntimeError(f"{text[:40]}: {answer}")

    def write_memory(self, addr, content):
        for offset in range(0, len(content), self.CHUNK):
            part = content[offset:offset + self.CHUNK]
            self._do(f"M{addr + offset:x},{len(part):x}:{part.hex()}")

    def write_register(self, number, value):
        """A 64-bit one, in the order of the architecture's gdb description."""
        # QEMU counts registers so only for clients that have asked for the description.
        self._ask("qXfer:features:read:target.xml:0,ff")
        self._do(f"P{number:x}={value.to_bytes(8, 'little').hex()}")

    def stop_at(self, addr):
        """Stops the machine when a CPU is about to execute this; QMP then says "debug"."""
        self._do(f"Z1,{addr:x},1")

    def go(self):
        """Lets the machine run, and leaves it alone; it may end before QEMU answers."""
        with contextlib.suppress(OSError):
            self._do("D")
            self.stream.close()
