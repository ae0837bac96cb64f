/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "pci/chipset.h"
#include "pci/config.h"

/* A write to configuration space, put together from the accesses to two ports, or to a port. */
struct config_write {
	uint32_t address; /* as port 0xcf8 has it, with the low bits of the data port; or PORT() */
	uint8_t width;
	uint32_t value;
};

#define PORT(port) (0x80000000u | (port))

#define WRITES_MAX 32

static struct config_write writes[WRITES_MAX];

static size_t collect_writes(void)
{
	uint32_t address = 0;
	size_t count = 0;

	assert_true(host.accesses < HOST_ACCESSES_MAX);
	for (size_t i = 0; i < host.accesses; i++) {
		const struct host_access *access = &host.access[i];
		if (access->port == 0xcf8 && access->write) {
			assert_int_equal(access->width, 4);
			assert_true((access->value & 0x80000003) == 0x80000000);
			address = access->value & 0x7fffffff;
		} else if (access->write) {
			bool is_config = access->port >= 0xcfc && access->port <= 0xcff;
			assert_true(count < WRITES_MAX);
			writes[count++] = (struct config_write){
				is_config ? address + (access->port - 0xcfcu) : PORT(access->port),
				access->width, access->value};
		}
	}
	return count;
}

static void expect_writes(const struct config_write *expected, size_t count)
{
	assert_int_equal(collect_writes(), count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(writes[i].address, expected[i].address);
		assert_int_equal(writes[i].width, expected[i].width);
		assert_int_equal(writes[i].value, expected[i].value);
	}
}

#define assert_writes(...)                                                                         \
	do {                                                                                       \
		const struct config_write writes_[] = {__VA_ARGS__};                               \
		expect_writes(writes_, COUNT(writes_));                                            \
	} while (0)

#define PIIX3      0x0800u /* 0:1.0 */
#define PIIX3_IDE  0x0900u /* 0:1.1 */
#define PIIX4_PM   0x0b00u /* 0:1.3 */
#define ICH9_LPC   0xf800u /* 0:1f.0 */
#define ICH9_SMBUS 0xfb00u /* 0:1f.3 */

/* All masked; 10 and 11 are level-triggered. */
#define INTERRUPTS                                                                                 \
	{PORT(0xa1), 1, 0xff}, {PORT(0x21), 1, 0xff}, {PORT(0x4d0), 1, 0},                         \
	{                                                                                          \
		PORT(0x4d1), 1, 0x0c                                                               \
	}

static void pci_accesses(void **state)
{
	(void)state;
	host_add_pci();
	uint8_t *space = host_add_pci_function(0x12, 0x1f, 7, 0xabcd1234);
	const struct pci_address there = {0x12, 0x1f, 7};
	const struct pci_address nowhere = {0x12, 0x1e, 7};
	assert_int_equal(pci_read32(there, 0), 0xabcd1234);
	assert_int_equal(pci_read32(nowhere, 0), PCI_NOTHING);
	pci_write32(there, 0xfc, 0x01020304);
	assert_memory_equal(space + 0xfc, "\4\3\2\1", 4);
	for (uint8_t i = 0; i < 4; i++)
		pci_write8(there, (uint8_t)(0x40 + i), (uint8_t)(0xa0 + i));
	assert_memory_equal(space + 0x40, "\xa0\xa1\xa2\xa3", 4);
	pci_write8(nowhere, 0x40, 1);
	assert_int_equal(host.access[0].value, 0x8012ff00);
	/* A device or function number of too many bits stays in its field. */
	host.accesses = 0;
	assert_int_equal(pci_read32((struct pci_address){0x12, 0xff, 0xff}, 0xff), 0x01020304);
	assert_int_equal(host.access[0].value, 0x8012fffc);
}

static void chipset_without_pci(void **state)
{
	(void)state;
	struct chipset chipset = chipset_set_up(256 * MIB);
	assert_int_equal(chipset.kind, CHIPSET_NONE);
	assert_int_equal(chipset.ecam_size, 0);
	assert_writes();
	assert_in_range(host.accesses, 1, 2);
}

static void chipset_of_no_host_bridge(void **state)
{
	(void)state;
	host_add_pci();
	struct chipset chipset = chipset_set_up(256 * MIB);
	assert_int_equal(chipset.kind, CHIPSET_NONE);
	assert_int_equal(collect_writes(), 0);
}

/* crosvm's host bridge is called a 440FX, and is none. */
static void chipset_of_a_440fx_that_is_not_qemus(void **state)
{
	(void)state;
	host_add_pci();
	host_add_pci_function(0, 0, 0, 0x12378086);
	host_add_pci_function(0, 1, 0, 0x70008086);
	struct chipset chipset = chipset_set_up(256 * MIB);
	assert_int_equal(chipset.kind, CHIPSET_OTHER);
	assert_int_equal(collect_writes(), 0);
}

/* An unknown host bridge is left alone. */
static void chipset_of_others(void **state)
{
	(void)state;
	host_add_pci();
	host_add_pci_function(0, 0, 0, 0x0d571b36);
	host_add_pci_function(0, 31, 0, 0x29188086);
	struct chipset chipset = chipset_set_up(256 * MIB);
	assert_int_equal(chipset.kind, CHIPSET_OTHER);
	assert_int_equal(chipset.ecam_size, 0);
	assert_int_equal(collect_writes(), 0);
}

static void chipset_i440fx(void **state)
{
	(void)state;
	host_add_i440fx();
	struct chipset chipset = chipset_set_up(256 * MIB);
	assert_int_equal(chipset.kind, CHIPSET_I440FX);
	assert_int_equal(chipset.ecam_size, 0);
	/* The reserved half of the first PAM register stays 0. */
	assert_writes({0x59, 1, 0x30}, {0x5a, 1, 0x33}, {0x5b, 1, 0x33}, {0x5c, 1, 0x33},
		      {0x5d, 1, 0x33}, {0x5e, 1, 0x33}, {0x5f, 1, 0x33},
		      {PIIX3 + 0x60, 4, 0x0b0b0a0a}, INTERRUPTS, {PIIX3_IDE + 0x40, 4, 0x80008000},
		      {PIIX4_PM + 0x40, 4, 0x601}, {PIIX4_PM + 0x80, 1, 0x01},
		      {PIIX4_PM + 0x90, 4, 0x701}, {PIIX4_PM + 0xd2, 1, 9});
}

static void chipset_i440fx_without_acpi(void **state)
{
	(void)state;
	host_add_bare_i440fx();
	struct chipset chipset = chipset_set_up(256 * MIB);
	assert_int_equal(chipset.kind, CHIPSET_I440FX);
	assert_int_equal(collect_writes(), 7);
}

#define Q35_PAM                                                                                    \
	{0x90, 1, 0x30}, {0x91, 1, 0x33}, {0x92, 1, 0x33}, {0x93, 1, 0x33}, {0x94, 1, 0x33},       \
		{0x95, 1, 0x33},                                                                   \
	{                                                                                          \
		0x96, 1, 0x33                                                                      \
	}

static void chipset_q35(void **state)
{
	(void)state;
	host_add_q35();
	struct chipset chipset = chipset_set_up(2 * GIB);
	assert_int_equal(chipset.kind, CHIPSET_Q35);
	assert_int_equal(chipset.ecam_start, 0xb0000000);
	assert_int_equal(chipset.ecam_size, 256 * MIB);
	/* Disabled until both halves hold the new address. */
	assert_writes(Q35_PAM, {0x60, 4, 0}, {0x64, 4, 0}, {0x60, 4, 0xb0000001},
		      {ICH9_LPC + 0x40, 4, 0x601}, {ICH9_LPC + 0x44, 1, 0x80},
		      {ICH9_LPC + 0x60, 4, 0x0b0b0a0a}, {ICH9_LPC + 0x68, 4, 0x0b0b0a0a},
		      INTERRUPTS, {ICH9_LPC + 0xf0, 4, 0xfed1c001}, {ICH9_SMBUS + 0x40, 1, 1});
	assert_int_equal(chipset.rcba_start, 0xfed1c000);
}

static void chipset_q35_ecam_over_ram(void **state)
{
	static const struct {
		uint64_t low_ram_end, ecam;
	} cases[] = {
		{0, 0xb0000000},          {0xb0000000, 0xb0000000}, {0xb0000001, 0xe0000000},
		{0xc0000000, 0xe0000000}, {0xe0000000, 0xe0000000}, {0xe0000001, 0},
		{0xfffc0000, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		host_reset();
		host_add_q35();
		struct chipset chipset = chipset_set_up(cases[i].low_ram_end);
		assert_int_equal(chipset.ecam_start, cases[i].ecam);
		assert_int_equal(chipset.ecam_size, cases[i].ecam != 0 ? 256 * MIB : 0);
		assert_int_equal(collect_writes(), cases[i].ecam != 0 ? 20 : 17);
	}
}

static void chipset_q35_without_lpc(void **state)
{
	(void)state;
	host_add_bare_q35();
	struct chipset chipset = chipset_set_up(2 * GIB);
	assert_int_equal(chipset.kind, CHIPSET_Q35);
	assert_int_equal(chipset.rcba_start, 0);
	assert_int_equal(collect_writes(), 10);
}

/* What has QEMU's subsystem is not yet a chipset that we know. */
static void chipset_of_qemu_that_is_unknown(void **state)
{
	(void)state;
	host_add_pci();
	put32(host_add_pci_function(0, 0, 0, 0x00081b36) + 0x2c, 0x11001af4);
	host_add_pci_function(0, 1, 0, 0x70008086);
	host_add_pci_function(0, 31, 0, 0x29188086);
	struct chipset chipset = chipset_set_up(256 * MIB);
	assert_int_equal(chipset.kind, CHIPSET_OTHER);
	assert_int_equal(chipset.ecam_size, 0);
	assert_int_equal(collect_writes(), 0);
}

/* A microvm with pcie=on is known by its host bridge, where RAM leaves the place to it. */
static void chipset_microvm_ecam(void **state)
{
	static const struct {
		uint64_t low_ram_end;
		uint32_t id;
		bool found;
	} cases[] = {
		{256 * MIB, 0x00081b36, true},   {0xe0000000, 0x00081b36, true},
		{0xe0000001, 0x00081b36, false}, {256 * MIB, 0x00091b36, false},
		{256 * MIB, 0x29c08086, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		host_reset();
		host_add_ecam(0xe0000000);
		host_add_pci_function(0, 0, 0, cases[i].id);
		struct chipset chipset = chipset_set_up(cases[i].low_ram_end);
		assert_int_equal(chipset.kind, CHIPSET_NONE);
		assert_int_equal(chipset.ecam_start, cases[i].found ? 0xe0000000 : 0);
		assert_int_equal(chipset.ecam_size, cases[i].found ? 256 * MIB : 0);
		assert_int_equal(collect_writes(), 0);
		/* Over RAM it is not even looked for. */
		assert_int_equal(host.mmio, cases[i].low_ram_end <= 0xe0000000 ? 1 : 0);
	}
}

static void chipset_q35_without_smbus(void **state)
{
	(void)state;
	host_add_bare_q35();
	host_add_pci_function(0, 31, 0, 0x29188086);
	host_add_pci_function(0, 31, 3, 0x12345678);
	struct chipset chipset = chipset_set_up(2 * GIB);
	assert_int_equal(chipset.rcba_start, 0xfed1c000);
	size_t count = collect_writes();
	assert_int_equal(count, 19);
	for (size_t i = 0; i < count; i++)
		assert_true((writes[i].address & 0xff00) != ICH9_SMBUS);
}

static const struct CMUnitTest tests[] = {
	UNIT_TEST(pci_accesses),
	UNIT_TEST(chipset_without_pci),
	UNIT_TEST(chipset_of_no_host_bridge),
	UNIT_TEST(chipset_of_a_440fx_that_is_not_qemus),
	UNIT_TEST(chipset_of_others),
	UNIT_TEST(chipset_of_qemu_that_is_unknown),
	UNIT_TEST(chipset_microvm_ecam),
	UNIT_TEST(chipset_i440fx),
	UNIT_TEST(chipset_i440fx_without_acpi),
	UNIT_TEST(chipset_q35),
	UNIT_TEST(chipset_q35_ecam_over_ram),
	UNIT_TEST(chipset_q35_without_lpc),
	UNIT_TEST(chipset_q35_without_smbus),
};

UNIT_MAIN(tests)
