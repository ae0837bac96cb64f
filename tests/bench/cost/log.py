# SPDX-License-Identifier: BSD-2-Clause
"""Turns the log of a run, with the plugin's lines among the trace's, into its Cost."""

from dataclasses import asdict, dataclass, field

PAGE = 4096
FIRST_PHASE = "reset"

# FWCfgDmaAccess, big-endian: control, length, address (QEMU docs/specs/fw_cfg.rst).
DMA_ACCESS_SIZE = 16
DMA_MOVES = 0x02 | 0x10                     # read and write, and not skip or select alone


@dataclass
class Phase:
    """What a part of a boot adds."""

    instructions: int = 0
    accesses: int = 0
    written: int = 0                        # bytes that the CPU stores to RAM
    pages: int = 0                          # of RAM, that loads and stores touch first here
    devices: dict = field(default_factory=dict)


@dataclass
class Cost:
    """What a boot takes. None is what a run does not count."""

    instructions: int
    accesses: int | None = None
    transfers: int | None = None            # by fw_cfg's DMA
    transferred: int | None = None          # bytes
    written: int | None = None
    pages: int | None = None
    devices: dict = field(default_factory=dict)     # accesses by region, as QEMU names it
    phases: dict = field(default_factory=dict)      # Phase by name, in the order of the boot
    reached: bool = True                    # False where the counts are those of a bound

    def as_dict(self):
        """Plain data, without what was not counted and what is as usual."""
        data = {key: value for key, value in asdict(self).items() if value not in (None, {})}
        if self.reached:
            del data["reached"]
        return data

    @classmethod
    def of(cls, data):
        phases = {name: Phase(**phase) for name, phase in data.get("phases", {}).items()}
        return cls(**{**data, "phases": phases})


class Memory:
    """The bytes of RAM that stores were seen to write."""

    def __init__(self):
        self.pages = {}

    def store(self, address, data):
        page = self.pages.setdefault(address // PAGE, bytearray(PAGE))
        page[address % PAGE:address % PAGE + len(data)] = data

    def load(self, address, size):
        return bytes(self.pages[(address + i) // PAGE][(address + i) % PAGE] for i in range(size))


class Doorbell:
    """Follows the address register of fw_cfg's DMA, whose lower half starts a transfer."""

    def __init__(self, register):
        self.register = register
        self.high = 0

    def structure(self, address, size, value):
        """Where the FWCfgDmaAccess of the transfer is that a write starts, None if none."""
        if address == self.register and size == 8:
            return value
        if address == self.register:
            self.high = value << 32
            return None
        found, self.high = self.high | value, 0
        return found


class Reader:
    """Goes through the lines of a log, up to the kernel."""

    def __init__(self, register, has_stores):
        self.doorbell = Doorbell(register)
        self.memory = Memory() if has_stores else None
        self.cost = Cost(instructions=0, accesses=0, transfers=0,
                         transferred=0 if has_stores else None, written=0, pages=0)
        self.phase = self.cost.phases[FIRST_PHASE] = Phase()
        self.at_phase = (0, 0, 0)

    def read(self, lines):
        """The Cost; None if neither the kernel nor a limit was reached."""
        for line in lines:
            words = line.split()
            if not words:
                continue
            if words[0].startswith("memory_region_ops_"):
                self.access(words)
            elif words[:2] == ["count", "store"]:
                self.memory.store(int(words[2], 16), bytes.fromhex(words[4]))
            elif words[0] == "count":
                self.count(words)
                if words[1] != "phase":
                    return self.finished(words[1])
        return None

    def finished(self, how):
        self.cost.reached = how == "end"
        if list(self.cost.phases) == [FIRST_PHASE]:         # a firmware whose phases nobody knows
            self.cost.phases = {}
        return self.cost

    def access(self, words):
        name = " ".join(words[words.index("name") + 1:]).strip("'")
        self.cost.accesses += 1
        self.phase.accesses += 1
        for devices in (self.cost.devices, self.phase.devices):
            devices[name] = devices.get(name, 0) + 1
        if words[0] == "memory_region_ops_write" and name == "fwcfg.dma":
            numbers = dict(zip(words[1::2], words[2::2]))
            structure = self.doorbell.structure(int(numbers["addr"], 16), int(numbers["size"]),
                                                int(numbers["value"], 16))
            if structure is not None:
                self.transfer(structure)

    def transfer(self, structure):
        self.cost.transfers += 1
        if self.memory is None:
            return
        access = self.memory.load(structure, DMA_ACCESS_SIZE)
        if int.from_bytes(access[:4], "big") & DMA_MOVES:
            self.cost.transferred += int.from_bytes(access[4:8], "big")

    def count(self, words):
        counts = tuple(map(int, words[3:]))
        self.phase.instructions, self.phase.written, self.phase.pages = (
            now - before for now, before in zip(counts, self.at_phase))
        self.at_phase = counts
        if words[1] == "phase":
            self.phase = self.cost.phases[words[2]] = Phase()
        else:
            self.cost.instructions, self.cost.written, self.cost.pages = counts


def read_log(path, register, has_stores=True):
    with open(path, errors="replace") as lines:
        return Reader(register, has_stores).read(lines)
