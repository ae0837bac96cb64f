# SPDX-License-Identifier: BSD-2-Clause
"""What a PC platform owes a guest beyond its PCI devices, a row each for test_platform.py.

`expect` has (key, regular expression) pairs: a line of that key, in every report of the
guest, has to match.  `slipway.then` words on the command line are what happens to the
guest between its reports; see tests/qemu/guest/init.
"""

from runs import DEVICES, bridge, devices, linux, nic

GUID = "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0"
GROWTH = 128                    # MiB that come while the guest runs

# Initrds: with drivers for all this, and with the kernel to start by kexec as well.
GUEST_PLATFORM, GUEST_KEXEC = "guest-platform", "guest-kexec"
# The kernels in use; the first one is most rows', and the one that kexec starts.
KERNELS = CLOUD, GENERIC = "6.12-cloud", "6.1-generic"

NVDIMM = ("-m", "512M,slots=4,maxmem=4G", "-object", "memory-backend-ram,id=pmem,size=128M",
          "-device", "nvdimm,memdev=pmem")
DISK = "nvme,drive=disk0,serial=0"
PCI = devices(DISK) + DEVICES

HAS_ID = ("bound", r"vmgenid QEMUVGID:00")
HAS_TPM = ("tpm", r"tpm0 2 [0-9A-F]{64}")
HAS_TPM_TABLE = ("acpi", r"TPM2 \d+")
HAS_PMEM = (("acpi", r"NFIT \d+"), ("pmem", r"region0 134217728"), ("pmem", r"pmem0 134217728"))
HAS_IOMMU = (("acpi", r"DMAR \d+"), ("dmesg", r".*DMAR: IOMMU enabled"),
             ("dmesg", r".*DMAR: Intel\(R\) Virtualization Technology for Directed I/O"),
             ("dmesg", r".*DMAR-IR: Enabled IRQ remapping in .* mode"), ("iommu", r"dmar0 [1-9]"))
HAS_INTERRUPTS = ("interrupt", r"\S+ [1-9]\d* (IR-)?PCI-MSI.*\bnvme0q1")

# The rest of a line comes alone when another CPU prints in between.
ON_SUSPEND = r"OOM killer disabled|Suspending console|^done\.$"
# SeaBIOS has ACPI tables of its own for a q35 whose VMM has none.
NO_TABLES = r"A valid RSDP was not found|ACPI: Interpreter disabled|PnP ACPI: disabled"
# SeaBIOS starts one CPU there; TCG resets the MTRRs of the others when Linux starts them.
MORE_CPUS_THAN_SEABIOS = r"|^mtrr: "
# The kernel before has switched interrupt links off that it did not use, and left its timer on.
OF_THE_FIRST_KERNEL = r"Interrupt link \w+ disabled|Spurious LAPIC timer interrupt"


def platform(name, machine, change="", kernel=CLOUD, initrd=GUEST_PLATFORM, more=b"", **rest):
    """The words after `change` are for this firmware and SeaBIOS alike."""
    row = {"disks": 1, "options": PCI, "mode": b"test" + more} | rest
    words = b"".join(b" slipway.then=" + word.encode() for word in change.split())
    return linux(f"platform-{name}", machine, kernel, initrd=initrd, more=words, **row)


def suspended(name, machine, times=1, **rest):
    return platform(f"suspend-{name}", machine, " ".join(["suspend"] * times), smp=2,
                    allow=ON_SUSPEND, **rest)


def irq(name, machine, words, wanted, **rest):
    """Interrupts take the way of old, and arrive."""
    return platform(name, machine, more=b" pci=nomsi " + words.encode(), expect=(
        ("interrupt", rf"\d+: [1-9]\d* {wanted}.*\bnvme0q0.*"),
        ("interrupt", rf"\d+: [1-9]\d* {wanted}.*\bvirtio.*"),
        ("interrupt", rf"4: [1-9]\d* {wanted}.*\bttyS0")), **rest)


PLATFORM = [
    # All that a VMM can add to a machine, at once. Linux 6.12 takes TCG for bare metal, and
    # a CPU that is not there at first for a mistake.
    platform("q35", "q35,nvdimm=on", "grow", smp="1,maxcpus=4", kernel=GENERIC,
             tpm="tpm-tis", more=b" intel_iommu=on",
             options=NVDIMM + devices(
                 "intel-iommu,intremap=on", f"vmgenid,guid={GUID}", DISK, "virtio-rng-pci",
                 "virtio-net-pci,romfile=,iommu_platform=on,disable-legacy=on"),
             expect=(HAS_ID, HAS_TPM, HAS_TPM_TABLE, *HAS_PMEM, *HAS_IOMMU, HAS_INTERRUPTS)),
    platform("pc-qemu10.0", "pc,nvdimm=on", "grow", smp="1,maxcpus=4", kernel=GENERIC, qemu="10.0",
             tpm="tpm-crb",
             options=NVDIMM + PCI + devices(f"vmgenid,guid={GUID}"),
             expect=(HAS_ID, HAS_TPM, HAS_TPM_TABLE, *HAS_PMEM, HAS_INTERRUPTS)),

    platform("kexec-q35", "q35", "kexec", initrd=GUEST_KEXEC, smp=2,
             allow=OF_THE_FIRST_KERNEL),
    platform("kexec-pc", "pc", "kexec", initrd=GUEST_KEXEC, smp=2,
             allow=OF_THE_FIRST_KERNEL),

    suspended("q35", "q35", memory="256M", tpm="tpm-tis", expect=(HAS_TPM,)),
    suspended("pc", "pc", memory="256M", tpm="tpm-crb", expect=(HAS_TPM,)),
    suspended("q35-4G-qemu10.0", "q35", 3, memory="4G", qemu="10.0"),
    suspended("pc-qemu10.0", "pc", memory="256M", qemu="10.0"),

    *(irq(f"noapic-{machine}", machine, "noapic", "XT-PIC") for machine in ("q35", "pc")),
    *(irq(f"nolapic-no-acpi-{machine}", machine, "nolapic acpi=off", "XT-PIC")
      for machine in ("q35", "pc")),

    # Where the VMM has no ACPI tables, the MP table tells of CPUs and interrupts.
    *(irq(f"no-acpi-{machine}", f"{machine},acpi=off", "", "IO-APIC", kernel=GENERIC, smp=4,
          allow=NO_TABLES + MORE_CPUS_THAN_SEABIOS)
      for machine in ("q35", "pc")),
    platform("no-acpi-microvm", "microvm,acpi=off", kernel=GENERIC, smp=4, disks=0,
             options=(), allow=NO_TABLES + MORE_CPUS_THAN_SEABIOS,
             expect=(("interrupt", r"4: [1-9]\d* IO-APIC.*\bttyS0"),)),
]

# Two CPUs start with the kernel and the last one later: the ticks of 255 are more than TCG can
# do.  QEMU 7.2 runs code with so many that the kernel has patched meanwhile.
MANY_CPUS = platform("smp-255", "q35", smp=255, qemu="10.0", memory="1G",
                     more=b" maxcpus=2 slipway.online=254",
                     expect=(("dmesg", r".*Allowing 255 present CPUs\b.*"),))

BRIDGES = 24


def bridged(count, machine, bus, qemu):
    """A disk behind the first bridge and a network behind the last."""
    return platform(f"{count}-bridges-{machine}", machine, smp="1,maxcpus=255", qemu=qemu,
                    options=devices(*(bridge(i, bus, f"{i + 4:x}") for i in range(count)),
                                    f"{DISK},bus=b0,addr=1", nic(f"b{count - 1}", 1)))


# SeaBIOS gives up at 20 bridges, so the other row of each pair has fewer.  With so many
# CPUs to come, ACPI tables are over 128 KiB.
MANY_BRIDGES = [tuple(bridged(count, *where) for count in (BRIDGES, 2))
                for where in (("pc", "pci.0", "7.2"), ("q35", "pcie.0", "10.0"))]
