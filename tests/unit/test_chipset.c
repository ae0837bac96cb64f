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
	{PORT(0xa1), 1, 0xff}, {PORT(0x21), 1, 0xff},                                              \
	{                                                                                          \
		PORT(0x4d1), 1, 0x0c                                                               \
	}

static struct chipset set_up(uint64_t low_ram_end, bool is_fresh)
{
	struct chipset chipset;

	memset(&chipset, 0xa5, sizeof(chipset));
	chipset_set_up(low_ram_end, is_fresh, &chipset);
	return chipset;
}

/* A register of a function on bus 0, whose place is given as a port would be. */
static uint32_t register_of(uint32_t address)
{
	for (size_t i = 0; i < host.pci_functions; i++) {
		if (host.pci[i].address == address >> 8)
			return get32(&host.pci[i].space[address & 0xfc]);
	}
	return PCI_NOTHING;
}

static void chipset_without_pci(void **state)
{
	(void)state;
	struct chipset chipset = set_up(256 * MIB, false);
	assert_int_equal(chipset.kind, CHIPSET_NONE);
	assert_int_equal(chipset.ecam_size, 0);
	assert_writes();
	assert_in_range(host.accesses, 1, 2);
}

static void chipset_of_no_host_bridge(void **state)
{
	(void)state;
	host_add_pci();
	struct chipset chipset = set_up(256 * MIB, false);
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
	struct chipset chipset = set_up(256 * MIB, false);
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
	struct chipset chipset = set_up(256 * MIB, false);
	assert_int_equal(chipset.kind, CHIPSET_OTHER);
	assert_int_equal(chipset.ecam_size, 0);
	assert_int_equal(collect_writes(), 0);
}

static void expect_known(const struct chipset *chipset, const struct pci_known *known, size_t count)
{
	assert_int_equal(chipset->known_count, count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(chipset->known[i].address, known[i].address);
		assert_int_equal(chipset->known[i].bars, known[i].bars);
		assert_int_equal(chipset->known[i].pin, known[i].pin);
		assert_int_equal(chipset->known[i].line, known[i].line);
		assert_int_equal(chipset->known[i].is_bridge, known[i].is_bridge);
		assert_int_equal(chipset->known[i].has_others, known[i].has_others);
	}
}

static void chipset_i440fx(void **state)
{
	static const struct pci_known known[] = {
		{0x00, 0, 0, 0, true, false},
		{0x08, 0, 0, 0, true, true},
		{0x09, 0x10, 0, 0, false, false},
		{0x0b, 0, 1, 9, false, false},
	};

	(void)state;
	host_add_i440fx();
	struct chipset chipset = set_up(256 * MIB, false);
	assert_int_equal(chipset.kind, CHIPSET_I440FX);
	assert_int_equal(chipset.ecam_size, 0);
	assert_int_equal(chipset.rcba_start, 0);
	expect_known(&chipset, known, COUNT(known));
	/* The reserved half of the first PAM register stays 0, and the register before it. */
	assert_writes({0x58, 4, 0x33333000}, {0x5c, 4, 0x33333333}, {PIIX3 + 0x60, 4, 0x0b0b0a0a},
		      {PIIX3_IDE + 0x40, 4, 0x80008000}, {PIIX4_PM + 0x40, 4, 0x601},
		      {PIIX4_PM + 0x80, 4, 0x01}, {PIIX4_PM + 0x90, 4, 0x701},
		      {PIIX4_PM + 0xd0, 4, 9 << 16}, INTERRUPTS);
}

/* Each part but the host bridge may be another device, or none. */
static void chipset_i440fx_without_parts(void **state)
{
	(void)state;
	for (size_t part = 1; part < 4; part++) {
		host_reset();
		host_add_i440fx();
		put32(host.pci[part].space, 0x12345678);
		struct chipset chipset = set_up(256 * MIB, true);
		assert_int_equal(chipset.kind, CHIPSET_I440FX);
		assert_int_equal(chipset.known_count, 3);
		size_t count = collect_writes();
		for (size_t i = 0; i < count; i++)
			assert_int_not_equal(writes[i].address >> 8, host.pci[part].address);
		for (size_t i = 0; i < 3; i++)
			assert_int_not_equal(chipset.known[i].address, host.pci[part].address);
	}
	host_reset();
	host_add_bare_i440fx();
	struct chipset chipset = set_up(256 * MIB, true);
	assert_int_equal(chipset.kind, CHIPSET_I440FX);
	assert_int_equal(chipset.known_count, 1);
	assert_writes({0x58, 4, 0x33333000}, {0x5c, 4, 0x33333333}, INTERRUPTS);
}

static void expect_q35_registers(void)
{
	assert_int_equal(register_of(0x90), 0x33333330);
	assert_int_equal(register_of(0x94), 0x00333333);
	assert_int_equal(register_of(ICH9_LPC + 0x40), 0x601);
	assert_int_equal(register_of(ICH9_LPC + 0x44), 0x80);
	assert_int_equal(register_of(ICH9_LPC + 0x60), 0x0b0b0a0a);
	assert_int_equal(register_of(ICH9_LPC + 0x68), 0x0b0b0a0a);
	assert_int_equal(register_of(ICH9_LPC + 0xf0), 0xfed1c001);
	assert_int_equal(register_of(ICH9_SMBUS + 0x40), 1);
}

static void chipset_q35(void **state)
{
	static const struct pci_known known[] = {
		{0x00, 0, 0, 0, true, false},
		{0xf8, 0, 0, 0, true, true},
		{0xfa, 0x30, 1, 0, false, false},
		{0xfb, 0x10, 1, 0, false, false},
	};

	(void)state;
	host_add_q35();
	struct chipset chipset = set_up(2 * GIB, false);
	assert_int_equal(chipset.kind, CHIPSET_Q35);
	assert_int_equal(chipset.ecam_start, 0xb0000000);
	assert_int_equal(chipset.ecam_size, 256 * MIB);
	assert_int_equal(chipset.rcba_start, 0xfed1c000);
	expect_known(&chipset, known, COUNT(known));
	/* Disabled until both halves hold the new address; all else goes through memory. */
	assert_writes({0x60, 4, 0}, {0x64, 4, 0}, {0x60, 4, 0xb0000001}, INTERRUPTS);
	expect_q35_registers();
}

/* After a reset of QEMU the upper half is 0, and whose the host bridge is needs no asking. */
static void chipset_q35_after_a_reset(void **state)
{
	(void)state;
	host_add_q35();
	put32(&host.pci[0].space[0x2c], 0);
	struct chipset chipset = set_up(2 * GIB, true);
	assert_int_equal(chipset.kind, CHIPSET_Q35);
	assert_int_equal(chipset.known_count, 4);
	assert_writes({0x60, 4, 0xb0000001}, INTERRUPTS);
	expect_q35_registers();
	/* Identity and ECAM, three ports of interrupts; the rest. */
	assert_int_equal(host.accesses, 2 + 2 + 3);
	assert_int_equal(host.mmio, 3 + 8);
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
		host_add_ecam(0xe0000000);
		struct chipset chipset = set_up(cases[i].low_ram_end, true);
		assert_int_equal(chipset.ecam_start, cases[i].ecam);
		assert_int_equal(chipset.ecam_size, cases[i].ecam != 0 ? 256 * MIB : 0);
		assert_int_equal(register_of(0x60), cases[i].ecam != 0 ? cases[i].ecam | 1 : 0);
		assert_int_equal(host.mmio == 0, cases[i].ecam == 0);
		expect_q35_registers();
	}
}

/* What has QEMU's subsystem is not yet a chipset that we know. */
static void chipset_of_qemu_that_is_unknown(void **state)
{
	(void)state;
	host_add_pci();
	put32(host_add_pci_function(0, 0, 0, 0x00081b36) + 0x2c, 0x11001af4);
	host_add_pci_function(0, 1, 0, 0x70008086);
	host_add_pci_function(0, 31, 0, 0x29188086);
	struct chipset chipset = set_up(256 * MIB, false);
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
		struct chipset chipset = set_up(cases[i].low_ram_end, false);
		assert_int_equal(chipset.kind, CHIPSET_NONE);
		assert_int_equal(chipset.ecam_start, cases[i].found ? 0xe0000000 : 0);
		assert_int_equal(chipset.ecam_size, cases[i].found ? 256 * MIB : 0);
		assert_int_equal(collect_writes(), 0);
		/* Over RAM it is not even looked for. */
		assert_int_equal(host.mmio, cases[i].low_ram_end <= 0xe0000000 ? 1 : 0);
	}
}

/* A part that the machine was started without, and another device in its place. */
static void chipset_q35_without_parts(void **state)
{
	(void)state;
	for (size_t part = 1; part < 4; part++) {
		host_reset();
		host_add_q35();
		put32(host.pci[part].space, 0x12345678);
		memset(&host.pci[part].space[4], 0x5a, 0xfc);
		struct chipset chipset = set_up(2 * GIB, true);
		assert_int_equal(chipset.known_count, 3);
		for (size_t i = 0; i < 3; i++)
			assert_int_not_equal(chipset.known[i].address, host.pci[part].address);
		for (size_t i = 4; i < 0x100; i++)
			assert_int_equal(host.pci[part].space[i], 0x5a);
	}
}

static const struct CMUnitTest tests[] = {
	UNIT_TEST(chipset_without_pci),
	UNIT_TEST(chipset_of_no_host_bridge),
	UNIT_TEST(chipset_of_a_440fx_that_is_not_qemus),
	UNIT_TEST(chipset_of_others),
	UNIT_TEST(chipset_of_qemu_that_is_unknown),
	UNIT_TEST(chipset_microvm_ecam),
	UNIT_TEST(chipset_i440fx),
	UNIT_TEST(chipset_i440fx_without_parts),
	UNIT_TEST(chipset_q35),
	UNIT_TEST(chipset_q35_after_a_reset),
	UNIT_TEST(chipset_q35_ecam_over_ram),
	UNIT_TEST(chipset_q35_without_parts),
};

UNIT_MAIN(tests)
