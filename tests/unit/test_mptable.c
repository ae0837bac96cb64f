/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdlib.h>

#include "acpi/mptable.h"

static struct mptable_machine machine;
static struct mptable_pci_interrupt wires[MPTABLE_PCI_INTERRUPTS_MAX + 1];
static uint8_t *table;
static size_t table_size;

/* Entries by their type, with the lengths of table 4-3. */
#define TYPES 5
static const size_t entry_sizes[TYPES] = {20, 8, 8, 8, 8};
static const uint8_t *entries[TYPES][1024];
static size_t counts[TYPES];

static void add_processor(unsigned id)
{
	machine.apic_ids[id / 64] |= 1ul << id % 64;
}

static int setup(void **state)
{
	unit_setup(state);
	machine = (struct mptable_machine){
		.local_apic_version = 0x14,
		.cpu_signature = 0x00060fb1,
		.feature_flags = 0x178bfbff,
		.io_apic_id = 7,
		.io_apic_version = 0x11,
		.io_apic_address = 0xfec00000,
		.isa_bus = 0,
		.pci_interrupts = wires,
	};
	add_processor(0);
	table = NULL;
	return 0;
}

static int teardown(void **state)
{
	free(table);
	return unit_teardown(state);
}

static enum status build(size_t size)
{
	/* Of the exact size, so that ASan sees a byte too many. */
	free(table);
	/* NOLINTNEXTLINE(clang-analyzer-optin.portability.UnixAPI): of no bytes, too */
	table = malloc(size);
	assert_true(table != NULL || size == 0);
	memset(table, 0x77, size);
	table_size = 0x7777;
	return mptable_build(&machine, table, size, &table_size);
}

static void build_anything(void *argument)
{
	(void)argument;
	assert_status(build(0x1000), STATUS_OK);
}

/* Walks as a kernel does; header, length, sum and order are checked. */
static void parse(void)
{
	size_t at = 44, type, count = 0, last = 0;

	assert_status(build(0x10000), STATUS_OK);
	assert_in_range(table_size, 44, 0xffff);
	assert_memory_equal(table, "PCMP", 4);
	assert_int_equal(get16(table + 4), table_size);
	assert_int_equal(table[6], 4);
	assert_int_equal(unit_sum(table, table_size), 0);
	assert_memory_equal(table + 8, "SLIPWAY VM          ", 20);
	assert_int_equal(get32(table + 28), 0);
	assert_int_equal(get16(table + 32), 0);
	assert_int_equal(get32(table + 36), 0xfee00000);
	assert_int_equal(get32(table + 40), 0);
	memset(counts, 0, sizeof(counts));
	for (; at < table_size; at += entry_sizes[type]) {
		type = table[at];
		assert_in_range(type, last, TYPES - 1);
		last = type;
		entries[type][counts[type]++] = table + at;
		count++;
	}
	assert_int_equal(at, table_size);
	assert_int_equal(get16(table + 34), count);
}

/* 4.3.1 */
static void check_processors(void)
{
	static const uint8_t reserved[8];
	size_t i = 0;

	for (unsigned id = 0; id < 256; id++) {
		if ((machine.apic_ids[id / 64] >> id % 64 & 1) == 0)
			continue;
		assert_true(i < counts[0]);
		const uint8_t *processor = entries[0][i++];
		assert_int_equal(processor[1], id);
		assert_int_equal(processor[2], 0x14);
		assert_int_equal(processor[3], id == machine.boot_processor ? 3 : 1);
		assert_int_equal(get32(processor + 4), 0x00060fb1);
		assert_int_equal(get32(processor + 8), 0x178bfbff);
		assert_memory_equal(processor + 12, reserved, sizeof(reserved));
	}
	assert_int_equal(counts[0], i);
}

/* 4.3.2 */
static void check_bus(size_t index, uint8_t id, const char *type)
{
	assert_true(index < counts[1]);
	assert_int_equal(entries[1][index][1], id);
	assert_memory_equal(entries[1][index] + 2, type, 6);
}

/* 4.3.4, 4.3.5 */
static void check_interrupt(const uint8_t *entry, const uint8_t expected[7])
{
	assert_memory_equal(entry + 1, expected, 7);
}

/* ISA's are behind PCI's: edge-triggered and high, as their bus has them. */
static void check_isa(void)
{
	size_t i = machine.pci_interrupt_count;

	for (uint8_t irq = 0; irq < 16; irq++) {
		if (irq == 2 || (machine.pci_irqs >> irq & 1) != 0)
			continue;
		assert_true(i < counts[3]);
		const uint8_t pin = irq == 0 ? 2 : irq;
		const uint8_t expected[] = {0, 0, 0, machine.isa_bus, irq, 7, pin};
		check_interrupt(entries[3][i++], expected);
	}
	assert_int_equal(counts[3], i);
}

static void mptable_microvm(void **state)
{
	(void)state;
	parse();
	check_processors();
	assert_int_equal(counts[0], 1);
	assert_int_equal(counts[1], 1);
	check_bus(0, 0, "ISA   ");
	assert_int_equal(counts[2], 1);
	assert_int_equal(counts[3], 15);
	check_isa();
	assert_int_equal(table_size, 44 + 20 + 8 + 8 + 15 * 8 + 2 * 8);
}

/* 4.3.3 */
static void mptable_io_apic(void **state)
{
	(void)state;
	machine.io_apic_id = 0xfe;
	machine.io_apic_version = 0x20;
	machine.io_apic_address = 0xfec01234;
	parse();
	assert_int_equal(counts[2], 1);
	assert_int_equal(entries[2][0][1], 0xfe);
	assert_int_equal(entries[2][0][2], 0x20);
	assert_int_equal(entries[2][0][3], 1);
	assert_int_equal(get32(entries[2][0] + 4), 0xfec01234);
	for (size_t i = 0; i < counts[3]; i++)
		assert_int_equal(entries[3][i][6], 0xfe);
}

static void mptable_local_interrupts(void **state)
{
	static const uint8_t extint[] = {3, 0, 0, 9, 0, 0xff, 0};
	static const uint8_t nmi[] = {1, 0, 0, 9, 0, 0xff, 1};

	(void)state;
	machine.isa_bus = 9;
	parse();
	assert_int_equal(counts[4], 2);
	check_interrupt(entries[4][0], extint);
	check_interrupt(entries[4][1], nmi);
}

/* Ids at both ends of each word of the set; the boot processor is not the first. */
static void mptable_sparse_processors(void **state)
{
	static const uint8_t ids[] = {1, 63, 64, 127, 128, 191, 192, 254};

	(void)state;
	for (size_t i = 0; i < COUNT(ids); i++)
		add_processor(ids[i]);
	machine.boot_processor = 128;
	parse();
	check_processors();
	assert_int_equal(counts[0], COUNT(ids) + 1);
}

static void mptable_255_processors(void **state)
{
	(void)state;
	for (unsigned id = 0; id < 255; id++)
		add_processor(id);
	parse();
	check_processors();
	assert_int_equal(counts[0], 255);
}

/* The id 255 is no processor's: it addresses all. */
static void mptable_processor_255(void **state)
{
	(void)state;
	add_processor(255);
	assert_int_equal(host_run(build_anything, NULL), HOST_CHECK);
}

static void wire(uint8_t bus, uint8_t device, uint8_t pin, uint8_t io_apic_pin)
{
	wires[machine.pci_interrupt_count++] =
		(struct mptable_pci_interrupt){bus, device, pin, io_apic_pin};
}

/* D.3; level-triggered, active high. */
static void check_wires(void)
{
	for (size_t i = 0; i < machine.pci_interrupt_count; i++) {
		const uint8_t irq = (uint8_t)(wires[i].device * 4 + wires[i].pin);
		const uint8_t expected[] = {0, 0x0d, 0, wires[i].bus, irq, 7, wires[i].io_apic_pin};
		check_interrupt(entries[3][i], expected);
	}
}

/* pc: PCI has the pins 10 and 11. */
static void mptable_pci(void **state)
{
	(void)state;
	machine.has_pci = true;
	machine.isa_bus = 1;
	machine.pci_irqs = 1 << 10 | 1 << 11;
	wire(0, 1, 0, 10);
	wire(0, 3, 0, 11);
	wire(0, 31, 3, 10);
	parse();
	assert_int_equal(counts[1], 2);
	check_bus(0, 0, "PCI   ");
	check_bus(1, 1, "ISA   ");
	assert_int_equal(counts[3], 3 + 13);
	check_wires();
	check_isa();
}

/* A bus without a device that interrupts is a bus nevertheless. */
static void mptable_pci_without_interrupts(void **state)
{
	(void)state;
	machine.has_pci = true;
	machine.isa_bus = 1;
	parse();
	assert_int_equal(counts[1], 2);
	check_bus(0, 0, "PCI   ");
	check_bus(1, 1, "ISA   ");
	check_isa();
}

/* D.2: PCI's ids are the buses' numbers, and all ids ascend. */
static void mptable_pci_buses(void **state)
{
	static const uint8_t pci[] = {200, 3, 0, 3, 255, 64, 63};
	static const uint8_t sorted[] = {0, 3, 63, 64, 200, 255};

	(void)state;
	machine.has_pci = true;
	for (uint8_t i = 0; i < COUNT(pci); i++)
		wire(pci[i], i, i % 4, 16 + i);
	machine.isa_bus = 128;
	parse();
	check_wires();
	check_isa();
	assert_int_equal(counts[1], COUNT(sorted) + 1);
	for (size_t i = 0; i < COUNT(sorted); i++)
		check_bus(sorted[i] < 128 ? i : i + 1, sorted[i], "PCI   ");
	check_bus(4, 128, "ISA   ");
}

/* An id that is PCI's cannot be ISA's too. */
static void mptable_isa_bus_is_pci(void **state)
{
	(void)state;
	machine.has_pci = true;
	assert_int_equal(host_run(build_anything, NULL), HOST_CHECK);
	wire(65, 0, 0, 16);
	machine.isa_bus = 65;
	assert_int_equal(host_run(build_anything, NULL), HOST_CHECK);
}

static void mptable_too_many_interrupts(void **state)
{
	(void)state;
	machine.has_pci = true;
	machine.isa_bus = 255;
	for (unsigned i = 0; i < MPTABLE_PCI_INTERRUPTS_MAX; i++)
		wire((uint8_t)(i / 128), i / 4 % 32, i % 4, 16 + i % 8);
	parse();
	check_wires();
	/* At 256, a 32-bit Linux panics. */
	assert_int_equal(counts[3], 255);
	wire(2, 0, 0, 16);
	assert_status(build(0x10000), STATUS_TOO_LARGE);
	assert_int_equal(table_size, 0x7777);
}

static void mptable_without_room(void **state)
{
	(void)state;
	add_processor(3);
	machine.has_pci = true;
	machine.isa_bus = 1;
	wire(0, 2, 0, 16);
	parse();
	size_t needed = table_size;
	for (size_t size = 0; size < needed; size++) {
		assert_status(build(size), STATUS_TOO_LARGE);
		assert_int_equal(table_size, 0x7777);
	}
	assert_status(build(needed), STATUS_OK);
	assert_int_equal(table_size, needed);
	assert_int_equal(unit_sum(table, needed), 0);
}

/* 4.1 */
static void mptable_pointer(void **state)
{
	static const uint8_t zeros[5];
	uint8_t pointer[MPTABLE_POINTER_SIZE];

	(void)state;
	mptable_point_to(0xfedc1230, pointer);
	assert_memory_equal(pointer, "_MP_", 4);
	assert_int_equal(get32(pointer + 4), 0xfedc1230);
	assert_int_equal(pointer[8], 1);
	assert_int_equal(pointer[9], 4);
	assert_int_equal(unit_sum(pointer, sizeof(pointer)), 0);
	assert_memory_equal(pointer + 11, zeros, sizeof(zeros));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

static const struct CMUnitTest tests[] = {
	TEST(mptable_microvm),
	TEST(mptable_io_apic),
	TEST(mptable_local_interrupts),
	TEST(mptable_sparse_processors),
	TEST(mptable_255_processors),
	TEST(mptable_processor_255),
	TEST(mptable_pci),
	TEST(mptable_pci_without_interrupts),
	TEST(mptable_pci_buses),
	TEST(mptable_isa_bus_is_pci),
	TEST(mptable_too_many_interrupts),
	TEST(mptable_without_room),
	TEST(mptable_pointer),
};

UNIT_MAIN(tests)
