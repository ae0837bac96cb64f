/* SPDX-License-Identifier: BSD-2-Clause */
#include "pci/chipset.h"

#include "arch/io.h"
#include "arch/port.h"
#include "arch/memory.h"
#include "pci/config.h"

#define ID_I440FX     0x12378086u
#define ID_PIIX3      0x70008086u
#define ID_PIIX3_IDE  0x70108086u
#define ID_PIIX4_PM   0x71138086u
#define ID_Q35        0x29c08086u
#define ID_ICH9_LPC   0x29188086u
#define ID_ICH9_SMBUS 0x29308086u
#define ID_GPEX       0x00081b36u

/*
 * Programmable attribute map: seven registers, two 4-bit fields each, of which
 * bits 0 and 1 send reads and writes to RAM. The first field of the first
 * register is reserved. Intel 440FX 3.2.19; Intel 3 Series (82Q35) 5.1.20.
 */
#define I440FX_PAM0   0x59
#define Q35_PAM0      0x90
#define PAM_REGISTERS 7
#define PAM_UPPER_RAM 0x30
#define PAM_BOTH_RAM  0x33

#define PM_BASE         0x600
#define IO_BASE         0x1 /* reads as 1: an I/O address */
#define PIIX4_PMBASE    0x40
#define PIIX4_PMREGMISC 0x80
#define PIIX4_PMIOSE    0x01
#define PIIX4_SMBBA     0x90
#define PIIX4_SMBHSTCFG 0xd2
#define PIIX4_SMB_IRQ9  0x08
#define PIIX4_SMB_EN    0x01
#define ICH9_PMBASE     0x40
#define ICH9_ACPI_CNTL  0x44
#define ICH9_ACPI_EN    0x80
#define SMBUS_BASE      0x700

/* Primary and secondary IDETIM: Intel 82371SB 2.3.9. Linux ignores a channel without the bit. */
#define PIIX3_IDETIM     0x40
#define PIIX3_IDE_DECODE 0x80008000u

/* Root complex register block, 16 KiB: Intel ICH9 13.1.33. Linux finds the watchdog by it. */
#define ICH9_RCBA    0xf0
#define ICH9_RCBA_EN 0x1
#define RCBA_START   0xfed1c000u

#define ICH9_SMB_HOSTC  0x40
#define ICH9_SMB_HST_EN 0x01

/* Edge/level control registers: Intel 82371SB 2.4.11. A bit for each interrupt. */
#define ELCR1 0x4d0
#define ELCR2 0x4d1

/* Which sets them apart from crosvm's host bridge, that is called a 440FX too. */
#define PCI_SUBSYSTEM  0x2c
#define SUBSYSTEM_QEMU 0x11001af4u

#define PIIX3_PIRQ_ABCD 0x60
#define ICH9_PIRQ_ABCD  0x60
#define ICH9_PIRQ_EFGH  0x68

#define Q35_PCIEXBAR_LOW  0x60
#define Q35_PCIEXBAR_HIGH 0x64
#define PCIEXBAREN        0x1
#define ECAM_SIZE         0x10000000u /* 256 buses */
#define ECAM_START        0xb0000000u
#define ECAM_START_HIGH   0xe0000000u

/* The masks of the two 8259 interrupt controllers: Intel 8259A, OCW1. */
#define PIC_FIRST_MASK  0x21
#define PIC_SECOND_MASK 0xa1

/* QEMU hw/i386/microvm.c: with pcie=on, ECAM is here, and nothing at port 0xcf8. */
#define MICROVM_ECAM_START 0xe0000000u

static const struct pci_address host_bridge = {0, 0, 0};
static const struct pci_address piix3 = {0, 1, 0};
static const struct pci_address piix3_ide = {0, 1, 1};
static const struct pci_address piix4_pm = {0, 1, 3};
static const struct pci_address ich9_lpc = {0, 0x1f, 0};
static const struct pci_address ich9_smbus = {0, 0x1f, 3};

void chipset_mask_interrupts(void)
{
	arch_out8(PIC_SECOND_MASK, 0xff);
	arch_out8(PIC_FIRST_MASK, 0xff);
}

/* PCI interrupts are level-triggered. */
static void set_up_interrupts(void)
{
	chipset_mask_interrupts();
	arch_out8(ELCR1, CHIPSET_PIRQ_ISA_MASK & 0xff);
	arch_out8(ELCR2, CHIPSET_PIRQ_ISA_MASK >> 8);
}

static void open_bios_area(uint8_t pam0)
{
	pci_write8(host_bridge, pam0, PAM_UPPER_RAM);
	for (uint8_t i = 1; i < PAM_REGISTERS; i++)
		pci_write8(host_bridge, (uint8_t)(pam0 + i), PAM_BOTH_RAM);
}

static void set_up_i440fx(void)
{
	open_bios_area(I440FX_PAM0);
	if (pci_read32(piix3, 0) == ID_PIIX3) {
		pci_write32(piix3, PIIX3_PIRQ_ABCD, CHIPSET_PIRQ_LINES);
		set_up_interrupts();
	}
	if (pci_read32(piix3_ide, 0) == ID_PIIX3_IDE)
		pci_write32(piix3_ide, PIIX3_IDETIM, PIIX3_IDE_DECODE);
	if (pci_read32(piix4_pm, 0) != ID_PIIX4_PM)
		return; /* acpi=off */
	pci_write32(piix4_pm, PIIX4_PMBASE, PM_BASE | IO_BASE);
	pci_write8(piix4_pm, PIIX4_PMREGMISC, PIIX4_PMIOSE);
	pci_write32(piix4_pm, PIIX4_SMBBA, SMBUS_BASE | IO_BASE);
	pci_write8(piix4_pm, PIIX4_SMBHSTCFG, PIIX4_SMB_IRQ9 | PIIX4_SMB_EN);
}

static void set_up_q35(struct chipset *chipset, uint64_t low_ram_end)
{
	uint32_t ecam = low_ram_end <= ECAM_START ? ECAM_START : ECAM_START_HIGH;

	open_bios_area(Q35_PAM0);
	if (low_ram_end <= ecam) {
		/* Disabled while the halves do not match. */
		pci_write32(host_bridge, Q35_PCIEXBAR_LOW, 0);
		pci_write32(host_bridge, Q35_PCIEXBAR_HIGH, 0);
		pci_write32(host_bridge, Q35_PCIEXBAR_LOW, ecam | PCIEXBAREN);
		chipset->ecam_start = ecam;
		chipset->ecam_size = ECAM_SIZE;
	}
	if (pci_read32(ich9_lpc, 0) != ID_ICH9_LPC)
		return;
	pci_write32(ich9_lpc, ICH9_PMBASE, PM_BASE | IO_BASE);
	pci_write8(ich9_lpc, ICH9_ACPI_CNTL, ICH9_ACPI_EN);
	pci_write32(ich9_lpc, ICH9_PIRQ_ABCD, CHIPSET_PIRQ_LINES);
	pci_write32(ich9_lpc, ICH9_PIRQ_EFGH, CHIPSET_PIRQ_LINES);
	set_up_interrupts();
	pci_write32(ich9_lpc, ICH9_RCBA, RCBA_START | ICH9_RCBA_EN);
	chipset->rcba_start = RCBA_START;
	if (pci_read32(ich9_smbus, 0) == ID_ICH9_SMBUS)
		pci_write8(ich9_smbus, ICH9_SMB_HOSTC, ICH9_SMB_HST_EN);
}

static void find_microvm_ecam(struct chipset *chipset, uint64_t low_ram_end)
{
	if (low_ram_end > MICROVM_ECAM_START ||
	    arch_map(MICROVM_ECAM_START, sizeof(uint32_t), ARCH_MEMORY_DEVICE) == NULL ||
	    arch_mmio_read32(MICROVM_ECAM_START) != ID_GPEX)
		return;
	chipset->ecam_start = MICROVM_ECAM_START;
	chipset->ecam_size = ECAM_SIZE;
}

struct chipset chipset_set_up(uint64_t low_ram_end)
{
	struct chipset chipset = {.kind = CHIPSET_OTHER};
	uint32_t id = pci_read32(host_bridge, 0);

	if (id == PCI_NOTHING) {
		chipset.kind = CHIPSET_NONE;
		find_microvm_ecam(&chipset, low_ram_end);
		return chipset;
	}
	if (pci_read32(host_bridge, PCI_SUBSYSTEM) != SUBSYSTEM_QEMU)
		return chipset;
	switch (id) {
	case ID_I440FX:
		chipset.kind = CHIPSET_I440FX;
		set_up_i440fx();
		break;
	case ID_Q35:
		chipset.kind = CHIPSET_Q35;
		set_up_q35(&chipset, low_ram_end);
		break;
	}
	return chipset;
}
