/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdlib.h>

#include "acpi/smbios.h"

#define ADDRESS 0x123456789a0ul

static struct smbios_facts facts;
static uint8_t table[SMBIOS_MADE_MAX];
static size_t table_size;
static uint8_t entry_point[SMBIOS_ENTRY_POINT_MAX];

static int setup(void **state)
{
	unit_setup(state);
	facts = (struct smbios_facts){
		.processors = 2,
		.memory = {{0, 64 * MIB}, {4 * GIB, 4 * GIB}},
	};
	return 0;
}

static void make(void)
{
	/* Of the exact size, so that ASan sees a byte too many. */
	uint8_t *bytes = malloc(SMBIOS_MADE_MAX);

	assert_non_null(bytes);
	memset(bytes, 0x77, SMBIOS_MADE_MAX);
	memset(entry_point, 0x77, sizeof(entry_point));
	table_size = smbios_make(&facts, ADDRESS, bytes, entry_point);
	assert_in_range(table_size, 1, SMBIOS_MADE_MAX);
	memcpy(table, bytes, SMBIOS_MADE_MAX);
	free(bytes);
}

/* The structure after that at @at: behind the two zeros that end its strings. */
static size_t next(size_t at)
{
	size_t end = at + table[at + 1];

	assert_true(table[at + 1] >= 4);
	while (end + 2 <= table_size && (table[end] != 0 || table[end + 1] != 0))
		end++;
	assert_true(end + 2 <= table_size);
	return end + 2;
}

/* Number @index of those with this type, or NULL. */
static const uint8_t *find(uint8_t type, unsigned index)
{
	for (size_t at = 0; at < table_size; at = next(at)) {
		if (table[at] == type && index-- == 0)
			return table + at;
	}
	return NULL;
}

static const uint8_t *the(uint8_t type, uint8_t length)
{
	const uint8_t *structure = find(type, 0);

	assert_non_null(structure);
	assert_null(find(type, 1));
	assert_int_equal(structure[1], length);
	return structure;
}

/* A string, by its number in the structure; 0 is none. */
static const char *text(const uint8_t *structure, size_t offset)
{
	const char *at = (const char *)structure + structure[1];

	assert_true(offset < structure[1]);
	assert_true(structure[offset] != 0);
	for (unsigned number = 1; number < structure[offset]; number++) {
		assert_true(*at != '\0');
		at += strlen(at) + 1;
	}
	assert_true(*at != '\0');
	return at;
}

/* How many strings follow the structure. */
static unsigned texts(const uint8_t *structure)
{
	const char *at = (const char *)structure + structure[1];
	unsigned count = 0;

	for (; *at != '\0'; at += strlen(at) + 1)
		count++;
	return count;
}

/* DSP0134 5.2.2 */
static void smbios_make_entry_point(void **state)
{
	static const uint8_t zeros[8];

	(void)state;
	make();
	assert_memory_equal(entry_point, "_SM3_", 5);
	assert_int_equal(unit_sum(entry_point, 24), 0);
	assert_int_equal(entry_point[6], 24);
	assert_int_equal(entry_point[7], 3);
	assert_int_equal(entry_point[8], 0);
	assert_int_equal(entry_point[9], 0);
	assert_int_equal(entry_point[10], 1);
	assert_int_equal(entry_point[11], 0);
	assert_int_equal(get32(entry_point + 12), table_size);
	assert_int_equal(get64(entry_point + 16), ADDRESS);
	assert_memory_equal(entry_point + 24, zeros, sizeof(zeros));
}

/* 6.2 names the types; 6.1.2 wants each handle once; 127 is the last. */
static void smbios_make_structures(void **state)
{
	static const uint8_t small[] = {0, 1, 3, 4, 16, 17, 32, 19, 127};
	static const uint8_t large[] = {0, 1, 3, 4, 16, 17, 32, 19, 19, 127};

	(void)state;
	for (unsigned high = 0; high <= 1; high++) {
		const uint8_t *types = high ? large : small;
		size_t count = high ? COUNT(large) : COUNT(small);
		uint16_t handles[COUNT(large)];
		size_t at = 0;
		facts.memory[1].end = 4 * GIB + high * GIB;
		make();
		for (size_t i = 0; i < count; i++, at = next(at)) {
			assert_true(at < table_size);
			assert_int_equal(table[at], types[i]);
			handles[i] = get16(table + at + 2);
			assert_true(handles[i] < 0xff00);
			for (size_t j = 0; j < i; j++)
				assert_int_not_equal(handles[i], handles[j]);
		}
		assert_int_equal(at, table_size);
	}
}

/* Every string has its number in a field, and no number is without a string. */
static void smbios_make_strings(void **state)
{
	(void)state;
	make();
	const uint8_t *bios = the(0, 0x18);
	assert_string_equal(text(bios, 4), "Slipway");
	assert_string_equal(text(bios, 5), VERSION);
	assert_string_equal(text(bios, 8), DATE);
	assert_int_equal(texts(bios), 3);
	const uint8_t *system = the(1, 0x1b);
	assert_string_equal(text(system, 4), "Slipway");
	assert_string_equal(text(system, 5), "Virtual machine");
	assert_int_equal(texts(system), 2);
	const uint8_t *chassis = the(3, 0x16);
	assert_string_equal(text(chassis, 4), "Slipway");
	assert_int_equal(texts(chassis), 1);
	const uint8_t *processor = the(4, 0x30);
	assert_string_equal(text(processor, 4), "CPU 0");
	assert_string_equal(text(processor, 7), "Slipway");
	assert_int_equal(texts(processor), 2);
	const uint8_t *device = the(17, 0x28);
	assert_string_equal(text(device, 0x10), "RAM 0");
	assert_int_equal(texts(device), 1);
	assert_int_equal(texts(the(16, 0x17)), 0);
	assert_int_equal(texts(the(19, 0x1f)), 0);
	assert_int_equal(texts(the(32, 0x0b)), 0);
	assert_int_equal(texts(the(127, 4)), 0);
}

/* 7.1: what a kernel takes for a virtual machine, and what smbios_place() gives as well. */
static void smbios_make_bios(void **state)
{
	(void)state;
	make();
	const uint8_t *bios = the(0, 0x18);
	assert_int_equal(get16(bios + 2), 0);
	assert_int_equal(get16(bios + 6), 0xf000);
	assert_int_equal(bios[9], 0);
	assert_int_equal(get64(bios + 0x0a), 1 << 3);
	assert_int_equal(bios[0x12], 1 << 0);
	assert_int_equal(bios[0x13], 1 << 4);
	for (unsigned i = 0x14; i < 0x18; i++)
		assert_int_equal(bios[i], 0xff);
}

/* 7.2.1 has the example 00112233-4455-6677-8899-AABBCCDDEEFF. */
static void smbios_make_uuid(void **state)
{
	static const uint8_t wire[16] = {0x33, 0x22, 0x11, 0x00, 0x55, 0x44, 0x77, 0x66,
					 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};

	(void)state;
	for (uint8_t i = 0; i < 16; i++)
		facts.uuid[i] = (uint8_t)(i * 0x11);
	make();
	assert_memory_equal(the(1, 0x1b) + 8, wire, sizeof(wire));
	assert_int_equal(the(1, 0x1b)[0x18], 6);
}

/* 7.2.1: all zeros, the ID is not present in the system. */
static void smbios_make_no_uuid(void **state)
{
	static const uint8_t none[16];

	(void)state;
	make();
	assert_memory_equal(the(1, 0x1b) + 8, none, sizeof(none));
}

/* 7.4, 7.33: no state is 0, which is out of the specification. */
static void smbios_make_chassis_and_boot(void **state)
{
	(void)state;
	make();
	const uint8_t *chassis = the(3, 0x16);
	assert_int_equal(chassis[5], 1);
	assert_int_equal(chassis[9], 3);
	assert_int_equal(chassis[10], 3);
	assert_int_equal(chassis[11], 3);
	assert_int_equal(chassis[12], 2);
	/* No contained elements, so that the SKU number is where it is expected. */
	assert_int_equal(chassis[0x13], 0);
	assert_int_equal(chassis[0x14], 0);
	assert_int_equal(the(32, 0x0b)[10], 0);
}

/* 7.5 */
static void smbios_make_processors(void **state)
{
	static const struct {
		uint16_t processors;
		uint8_t first_field;
	} cases[] = {{1, 1}, {2, 2}, {254, 254}, {255, 255}, {256, 255}, {4096, 255}};

	(void)state;
	facts.processor_id = 0x178bfbff00000f61;
	for (size_t i = 0; i < COUNT(cases); i++) {
		facts.processors = cases[i].processors;
		make();
		const uint8_t *processor = the(4, 0x30);
		assert_int_equal(processor[5], 3);
		assert_int_equal(processor[6], 1);
		assert_int_equal(get64(processor + 8), facts.processor_id);
		assert_int_equal(processor[0x18], 0x41);
		assert_int_equal(processor[0x19], 1);
		assert_int_equal(get16(processor + 0x26), 1 << 2);
		assert_int_equal(get16(processor + 0x28), 1);
		for (unsigned cache = 0x1a; cache <= 0x1e; cache += 2)
			assert_int_equal(get16(processor + cache), 0xffff);
		for (unsigned field = 0; field < 3; field++) {
			assert_int_equal(processor[0x23 + field], cases[i].first_field);
			assert_int_equal(get16(processor + 0x2a + 2 * field), cases[i].processors);
		}
	}
}

/* 7.20 */
static void check_range(unsigned index, uint64_t start, uint64_t end)
{
	const uint8_t *mapped = find(19, index);

	assert_non_null(mapped);
	assert_int_equal(mapped[1], 0x1f);
	assert_int_equal(get16(mapped + 0x0c), get16(the(16, 0x17) + 2));
	assert_int_equal(mapped[0x0e], 1);
	/* FFFF FFFFh in the fields for KiB says that the address is in the others. */
	bool extended = end > 4 * TIB - KIB;
	assert_int_equal(get32(mapped + 4), extended ? UINT32_MAX : start / KIB);
	assert_int_equal(get32(mapped + 8), extended ? UINT32_MAX : (end - 1) / KIB);
	assert_int_equal(get64(mapped + 0x0f), extended ? start : 0);
	assert_int_equal(get64(mapped + 0x17), extended ? end - 1 : 0);
}

/* 7.17, 7.18: of the sizes, the device's has two forms. */
static void check_memory(uint64_t bytes, uint16_t size, uint32_t extended_size)
{
	make();
	const uint8_t *array = the(16, 0x17), *device = the(17, 0x28);
	assert_int_equal(array[4], 1);
	assert_int_equal(array[5], 3);
	assert_int_equal(array[6], 3);
	assert_int_equal(get32(array + 7), 0x80000000);
	assert_int_equal(get16(array + 0x0b), 0xfffe);
	assert_int_equal(get16(array + 0x0d), 1);
	assert_int_equal(get64(array + 0x0f), bytes);
	assert_int_equal(get16(device + 4), get16(array + 2));
	assert_int_equal(get16(device + 6), 0xfffe);
	assert_int_equal(get16(device + 8), 64);
	assert_int_equal(get16(device + 0x0a), 64);
	assert_int_equal(get16(device + 0x0c), size);
	assert_int_equal(device[0x0e], 1);
	assert_int_equal(device[0x0f], 0);
	assert_int_equal(device[0x12], 7);
	assert_int_equal(get16(device + 0x13), 2);
	assert_int_equal(get32(device + 0x1c), extended_size);
	for (unsigned range = 0; range < 2; range++) {
		if (facts.memory[range].start == facts.memory[range].end)
			assert_null(find(19, range));
		else
			check_range(range, facts.memory[range].start, facts.memory[range].end);
	}
}

static void smbios_make_memory_in_one_range(void **state)
{
	(void)state;
	check_memory(64 * MIB, 64, 0);
	facts.memory[0].end = 3 * GIB;
	facts.memory[1].start = facts.memory[1].end = 0;
	check_memory(3 * GIB, 3072, 0);
	/* AArch64 */
	facts.memory[0].start = GIB;
	facts.memory[0].end = GIB + TIB;
	check_memory(TIB, 0x7fff, 0x100000);
}

static void smbios_make_memory_in_two_ranges(void **state)
{
	(void)state;
	facts.memory[0].end = 2 * GIB;
	facts.memory[1].end = 4 * GIB + MIB;
	check_memory(2 * GIB + MIB, 2049, 0);
	facts.memory[1].end = 4 * GIB + TIB - 2 * GIB;
	check_memory(TIB, 0x7fff, 0x100000);
}

/* 7.18.5: 7fffh in the field of 16 bits says that the size is in the other. */
static void smbios_make_memory_of_32_gib(void **state)
{
	(void)state;
	facts.memory[0].end = 2 * GIB;
	facts.memory[1].end = 4 * GIB + 30 * GIB;
	check_memory(32 * GIB, 0x7fff, 32768);
	facts.memory[1].end -= MIB;
	check_memory(32 * GIB - MIB, 0x7fff, 32767);
	facts.memory[1].end -= MIB;
	check_memory(32 * GIB - 2 * MIB, 0x7ffe, 0);
}

static void smbios_make_memory_at_4_tib(void **state)
{
	(void)state;
	facts.memory[0].end = 2 * GIB;
	facts.memory[1].end = 4 * TIB - KIB;
	check_memory(4 * TIB - KIB - 2 * GIB, 0x7fff, 0x3ff7ff);
	facts.memory[1].end = 4 * TIB;
	check_memory(4 * TIB - 2 * GIB, 0x7fff, 0x3ff800);
	facts.memory[1].start = facts.memory[1].end = 0;
	facts.memory[0].end = 128 * TIB;
	check_memory(128 * TIB, 0x7fff, 0x8000000);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, unit_teardown)

static const struct CMUnitTest tests[] = {
	TEST(smbios_make_entry_point),
	TEST(smbios_make_structures),
	TEST(smbios_make_strings),
	TEST(smbios_make_bios),
	TEST(smbios_make_uuid),
	TEST(smbios_make_no_uuid),
	TEST(smbios_make_chassis_and_boot),
	TEST(smbios_make_processors),
	TEST(smbios_make_memory_in_one_range),
	TEST(smbios_make_memory_in_two_ranges),
	TEST(smbios_make_memory_of_32_gib),
	TEST(smbios_make_memory_at_4_tib),
};

UNIT_MAIN(tests)
