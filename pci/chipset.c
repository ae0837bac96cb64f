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
#define ID_ICH9_AHCI  0x29228086u
#define ID_ICH9_SMBUS 0x29308086u
#define ID_GPEX       0x00081b36u

#define HOST_BRIDGE PCI_ADDRESS(0, 0, 0)
#define PIIX3       PCI_ADDRESS(0, 1, 0)
#define PIIX3_IDE   PCI_ADDRESS(0, 1, 1)
#define PIIX4_PM    PCI_ADDRESS(0, 1, 3)
#define ICH9_LPC    PCI_ADDRESS(0, 0x1f, 0)
#define ICH9_AHCI   PCI_ADDRESS(0, 0x1f, 2)
#define ICH9_SMBUS  PCI_ADDRESS(0, 0x1f, 3)

/*
 * Programmable attribute map: seven registers, two 4-bit fields each, of which
 * bits 0 and 1 send reads and writes to RAM. The first field of the first
 * register is reserved. They come with a neighbour that keeps its 0 of a reset: DRAM timing
 * before the first one, the control of legacy accesses after the last.
 * Intel 440FX 3.2.18, 3.2.19; Intel 3 Series (82Q35) 5.1.20 to 5.1.27.
 */
#define I440FX_PAM0_TO_2 0x58
#define I440FX_PAM3_TO_6 0x5c
#define I440FX_PAM_FIRST 0x33333000u
#define I440FX_PAM_LAST  0x33333333u
#define Q35_PAM0_TO_3    0x90
#define Q35_PAM4_TO_6    0x94
#define Q35_PAM_FIRST    0x33333330u
#define Q35_PAM_LAST     0x00333333u

#define PM_BASE         0x600u
#define SMBUS_BASE      0x700u
#define IO_BASE         0x1u /* reads as 1: an I/O address */
#define PIIX4_PMBASE    0x40
#define PIIX4_PMREGMISC 0x80
#define PIIX4_PMIOSE    0x01
#define PIIX4_SMBBA     0x90
#define PIIX4_SMBHSTCFG 0xd0 /* in bits 16-23 */
#define PIIX4_SMB_IRQ9  0x00080000
#define PIIX4_SMB_EN    0x00010000
#define ICH9_PMBASE     0x40
#define ICH9_ACPI_CNTL  0x44
#define ICH9_ACPI_EN    0x80

/* The power management function's interrupt is not a PCI one: Intel 82371AB 7.1.21. */
#define PIIX4_PM_LINE 9

/* Primary and secondary IDETIM: Intel 82371SB 2.3.9. Linux ignores a channel without the bit. */
#define PIIX3_IDETIM     0x40
#define PIIX3_IDE_DECODE 0x80008000u

/* Root complex register block, 16 KiB: Intel ICH9 13.1.33. Linux finds the watchdog by it. */
#define ICH9_RCBA    0xf0
#define ICH9_RCBA_EN 0x1u
#define RCBA_START   0xfed1c000u

#define ICH9_SMB_HOSTC  0x40
#define ICH9_SMB_HST_EN 0x01

/* Second edge/level control register: Intel 82371SB 2.4.11. The first one keeps its 0. */
#define ELCR2 0x4d1
_Static_assert((CHIPSET_PIRQ_ISA_MASK & 0xff) == 0, "those interrupts are the second 8259's");

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

/** A function of a chipset on bus 0, where QEMU has nothing else. */
struct part {
	uint32_t id;
	struct pci_known known;
};

/** A register of 32 bits of a part; what is not named is reserved, or as after a reset. */
struct setting {
	uint16_t address;
	uint8_t offset;
	uint32_t value;
};

#define SETTINGS 8

/** A chipset; settings are in the order of parts, of which the first is the host bridge. */
struct parts {
	struct part part[CHIPSET_PARTS_MAX];
	struct setting setting[SETTINGS];
};

static const struct parts i440fx = {
	{
		{ID_I440FX, {.address = HOST_BRIDGE, .is_bridge = true}},
		{ID_PIIX3, {.address = PIIX3, .is_bridge = true, .has_others = true}},
		{ID_PIIX3_IDE, {.address = PIIX3_IDE, .bars = 1 << 4}},
		{ID_PIIX4_PM, {.address = PIIX4_PM, .pin = 1, .line = PIIX4_PM_LINE}},
	},
	{
		{HOST_BRIDGE, I440FX_PAM0_TO_2, I440FX_PAM_FIRST},
		{HOST_BRIDGE, I440FX_PAM3_TO_6, I440FX_PAM_LAST},
		{PIIX3, PIIX3_PIRQ_ABCD, CHIPSET_PIRQ_LINES},
		{PIIX3_IDE, PIIX3_IDETIM, PIIX3_IDE_DECODE},
		{PIIX4_PM, PIIX4_PMBASE, PM_BASE | IO_BASE},
		{PIIX4_PM, PIIX4_PMREGMISC, PIIX4_PMIOSE},
		{PIIX4_PM, PIIX4_SMBBA, SMBUS_BASE | IO_BASE},
		{PIIX4_PM, PIIX4_SMBHSTCFG, PIIX4_SMB_IRQ9 | PIIX4_SMB_EN},
	},
};

static const struct parts q35 = {
	{
		{ID_Q35, {.address = HOST_BRIDGE, .is_bridge = true}},
		{ID_ICH9_LPC, {.address = ICH9_LPC, .is_bridge = true, .has_others = true}},
		{ID_ICH9_AHCI, {.address = ICH9_AHCI, .bars = 1 << 4 | 1 << 5, .pin = 1}},
		{ID_ICH9_SMBUS, {.address = ICH9_SMBUS, .bars = 1 << 4, .pin = 1}},
	},
	{
		{HOST_BRIDGE, Q35_PAM0_TO_3, Q35_PAM_FIRST},
		{HOST_BRIDGE, Q35_PAM4_TO_6, Q35_PAM_LAST},
		{ICH9_LPC, ICH9_PMBASE, PM_BASE | IO_BASE},
		{ICH9_LPC, ICH9_ACPI_CNTL, ICH9_ACPI_EN},
		{ICH9_LPC, ICH9_PIRQ_ABCD, CHIPSET_PIRQ_LINES},
		{ICH9_LPC, ICH9_PIRQ_EFGH, CHIPSET_PIRQ_LINES},
		{ICH9_LPC, ICH9_RCBA, RCBA_START | ICH9_RCBA_EN},
		{ICH9_SMBUS, ICH9_SMB_HOSTC, ICH9_SMB_HST_EN},
	},
};

static const struct pci_access ports = {0};

void chipset_mask_interrupts(void)
{
	arch_out8(PIC_SECOND_MASK, 0xff);
	arch_out8(PIC_FIRST_MASK, 0xff);
}

/* Finds out which parts are there, but for the first that is known to be, and sets them. */
static void set_up_parts(struct chipset *chipset, const struct parts *parts)
{
	const struct pci_access access = {chipset->ecam_start};
	const struct setting *setting = parts->setting;

	for (unsigned i = 0; i < CHIPSET_PARTS_MAX; i++) {
		const struct pci_known *known = &parts->part[i].known;
		bool is_there =
			i == 0 || pci_config_read(&access, known->address, 0) == parts->part[i].id;
		if (is_there)
			chipset->known[chipset->known_count++] = *known;
		for (; setting < parts->setting + SETTINGS && setting->address == known->address;
		     setting++) {
			if (is_there)
				pci_config_write(&access, setting->address, setting->offset,
						 setting->value);
		}
	}
	/* PCI interrupts are level-triggered. */
	chipset_mask_interrupts();
	arch_out8(ELCR2, CHIPSET_PIRQ_ISA_MASK >> 8);
}

/* Gives ECAM a place above RAM, where there is one. */
static void open_ecam(struct chipset *chipset, uint64_t low_ram_end, bool is_fresh)
{
	uint32_t ecam = low_ram_end <= ECAM_START ? ECAM_START : ECAM_START_HIGH;
	const struct pci_access access = {ecam};

	if (low_ram_end > ecam || !pci_config_map(&access, 0))
		return;
	if (!is_fresh) {
		/* Disabled while the halves do not match. */
		pci_config_write(&ports, HOST_BRIDGE, Q35_PCIEXBAR_LOW, 0);
		pci_config_write(&ports, HOST_BRIDGE, Q35_PCIEXBAR_HIGH, 0);
	}
	pci_config_write(&ports, HOST_BRIDGE, Q35_PCIEXBAR_LOW, ecam | PCIEXBAREN);
	chipset->ecam_start = ecam;
	chipset->ecam_size = ECAM_SIZE;
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

void chipset_set_up(uint64_t low_ram_end, bool is_fresh, struct chipset *ret_chipset)
{
	struct chipset *chipset = ret_chipset;
	uint32_t id = pci_config_read(&ports, HOST_BRIDGE, 0);

	*chipset = (struct chipset){.kind = CHIPSET_OTHER};
	if (id == PCI_NOTHING) {
		chipset->kind = CHIPSET_NONE;
		find_microvm_ecam(chipset, low_ram_end);
		return;
	}
	if (!is_fresh && pci_config_read(&ports, HOST_BRIDGE, PCI_SUBSYSTEM) != SUBSYSTEM_QEMU)
		return;
	if (id == ID_Q35) {
		chipset->kind = CHIPSET_Q35;
		chipset->rcba_start = RCBA_START;
		open_ecam(chipset, low_ram_end, is_fresh);
		set_up_parts(chipset, &q35);
	} else if (id == ID_I440FX) {
		chipset->kind = CHIPSET_I440FX;
		set_up_parts(chipset, &i440fx);
	}
}
