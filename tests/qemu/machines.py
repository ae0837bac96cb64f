# SPDX-License-Identifier: BSD-2-Clause
"""What QEMU's machines are made of, as far as tests compare with it."""

from ranges import Range

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
TIB = 1 << 40
AMD_HOLE_START = 0xFD00000000   # HyperTransport range of AMD CPUs, up to 1 TiB

PCI_HOST_PC, PCI_HOST_Q35 = 0x12378086, 0x29C08086


def parse_size(text):
    """Bytes of a size as QEMU's -m takes it, MiB without a suffix."""
    units = {"K": KIB, "M": MIB, "G": GIB, "T": TIB}
    return int(text[:-1]) * units[text[-1]] if text[-1] in units else int(text) * MIB


class Machine:
    """A -M argument taken apart."""

    def __init__(self, text):
        self.text = text
        self.type, *properties = text.split(",")
        self.properties = dict(p.split("=", 1) for p in properties)

    @property
    def acpi(self):
        return self.properties.get("acpi", "on") != "off"

    @property
    def host_bridge(self):
        """Whether configuration ports 0xcf8 and 0xcfc answer."""
        return self.type != "microvm"

    @property
    def mcfg(self):
        """Whether an MCFG table tells where the PCI Express window is."""
        return self.type == "q35"

    @property
    def fixed_ecam(self):
        """The PCI Express window, where the machine and not the firmware places it."""
        if self.type == "microvm" and self.properties.get("pcie") == "on":
            return Range(0xE0000000, 0xF0000000)
        return None

    @property
    def smbios(self):
        return self.type != "microvm"

    def low_ram(self, memory):
        """Bytes of RAM below 4 GiB."""
        if self.type == "microvm":
            low = 3 * GIB
        elif self.type == "q35":
            low = 0x80000000 if memory >= 0xB0000000 else 0xB0000000
        else:
            low = 3 * GIB if memory >= 0xE0000000 else 0xE0000000
        if "max-ram-below-4g" in self.properties:
            low = min(low, parse_size(self.properties["max-ram-below-4g"]))
        return min(low, memory)

    def usable_ram(self, memory):
        """Ranges of RAM, without the hole of 640 KiB to 1 MiB."""
        low = self.low_ram(memory)
        high = memory - low
        # On AMD CPUs, QEMU's default under TCG, RAM is moved above the
        # HyperTransport range when it would reach into it.
        start = TIB if self.type != "microvm" and 4 * GIB + high > AMD_HOLE_START else 4 * GIB
        below = [Range(0, 640 * KIB), Range(MIB, low)]
        return below + ([Range(start, start + high)] if high else [])
