/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdio.h>

#include "lib/memmap.h"

static struct memmap map;

static void expect_entries(const struct memmap_entry *expected, size_t count)
{
	assert_int_equal(map.count, count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(map.entry[i].start, expected[i].start);
		assert_int_equal(map.entry[i].end, expected[i].end);
		assert_int_equal(map.entry[i].type, expected[i].type);
	}
}

#define assert_map(...)                                                                            \
	do {                                                                                       \
		const struct memmap_entry entries_[] = {__VA_ARGS__};                              \
		expect_entries(entries_, COUNT(entries_));                                         \
	} while (0)

static void add(uint64_t start, uint64_t size, enum memmap_type type)
{
	assert_status(memmap_add(&map, start, size, type), STATUS_OK);
}

static void memmap_add_sorts_and_merges(void **state)
{
	(void)state;
	memmap_init(&map);
	add(0x3000, 0x1000, MEMMAP_RAM);
	add(0x1000, 0x1000, MEMMAP_RESERVED);
	add(0x5000, 0x1000, MEMMAP_RAM);
	assert_map({0x1000, 0x2000, MEMMAP_RESERVED}, {0x3000, 0x4000, MEMMAP_RAM},
		   {0x5000, 0x6000, MEMMAP_RAM});
	add(0x4000, 0x1000, MEMMAP_RAM);
	assert_map({0x1000, 0x2000, MEMMAP_RESERVED}, {0x3000, 0x6000, MEMMAP_RAM});
	add(0x2000, 0x1000, MEMMAP_RESERVED);
	assert_map({0x1000, 0x3000, MEMMAP_RESERVED}, {0x3000, 0x6000, MEMMAP_RAM});
}

static void memmap_add_ignores_nothing(void **state)
{
	(void)state;
	memmap_init(&map);
	add(0x1000, 0, MEMMAP_RAM);
	add(UINT64_MAX, 0, MEMMAP_RAM);
	assert_int_equal(map.count, 0);
}

static void memmap_add_end_wraps(void **state)
{
	(void)state;
	memmap_init(&map);
	add(0, 0x1000, MEMMAP_RAM);
	assert_status(memmap_add(&map, UINT64_MAX - 0xfff, 0x1000, MEMMAP_RAM),
		      STATUS_OUT_OF_RANGE);
	assert_status(memmap_add(&map, 0x1000, UINT64_MAX, MEMMAP_RESERVED), STATUS_OUT_OF_RANGE);
	assert_map({0, 0x1000, MEMMAP_RAM});
	add(UINT64_MAX - 0xfff, 0xfff, MEMMAP_RESERVED);
	assert_map({0, 0x1000, MEMMAP_RAM}, {UINT64_MAX - 0xfff, UINT64_MAX, MEMMAP_RESERVED});
}

/* In both orders, since a VMM may list RAM first or last. */
static void memmap_add_more_restrictive_type_wins(void **state)
{
	static const enum memmap_type order[] = {MEMMAP_RAM, MEMMAP_RESERVED, MEMMAP_ACPI,
						 MEMMAP_NVS, MEMMAP_UNUSABLE, MEMMAP_PERSISTENT};

	(void)state;
	for (size_t weak = 0; weak < COUNT(order); weak++) {
		for (size_t strong = weak + 1; strong < COUNT(order); strong++) {
			memmap_init(&map);
			add(0x1000, 0x3000, order[weak]);
			add(0x2000, 0x1000, order[strong]);
			assert_map({0x1000, 0x2000, order[weak]}, {0x2000, 0x3000, order[strong]},
				   {0x3000, 0x4000, order[weak]});
			memmap_init(&map);
			add(0x2000, 0x1000, order[strong]);
			add(0x1000, 0x3000, order[weak]);
			assert_map({0x1000, 0x2000, order[weak]}, {0x2000, 0x3000, order[strong]},
				   {0x3000, 0x4000, order[weak]});
		}
	}
}

static void memmap_add_across_many_entries(void **state)
{
	(void)state;
	memmap_init(&map);
	for (unsigned i = 0; i < 10; i++)
		add(0x2000 * i + 0x1000, 0x1000, i % 2 == 0 ? MEMMAP_RAM : MEMMAP_ACPI);
	add(0x1800, 0x10000, MEMMAP_RESERVED);
	/* ACPI stays, RAM and holes became reserved. */
	assert_map({0x1000, 0x1800, MEMMAP_RAM}, {0x1800, 0x3000, MEMMAP_RESERVED},
		   {0x3000, 0x4000, MEMMAP_ACPI}, {0x4000, 0x7000, MEMMAP_RESERVED},
		   {0x7000, 0x8000, MEMMAP_ACPI}, {0x8000, 0xb000, MEMMAP_RESERVED},
		   {0xb000, 0xc000, MEMMAP_ACPI}, {0xc000, 0xf000, MEMMAP_RESERVED},
		   {0xf000, 0x10000, MEMMAP_ACPI}, {0x10000, 0x11800, MEMMAP_RESERVED},
		   {0x11800, 0x12000, MEMMAP_RAM}, {0x13000, 0x14000, MEMMAP_ACPI});
}

static void memmap_add_full_map(void **state)
{
	enum status status = STATUS_OK;
	uint64_t added = 0;

	(void)state;
	memmap_init(&map);
	for (; status == STATUS_OK && added < 2 * MEMMAP_ENTRIES_MAX; added++)
		status = memmap_add(&map, 0x2000 * added, 0x1000, MEMMAP_RAM);
	assert_status(status, STATUS_TOO_LARGE);
	assert_in_range(added, MEMMAP_ENTRIES_MAX - 2, MEMMAP_ENTRIES_MAX + 1);
	assert_in_range(map.count, MEMMAP_ENTRIES_MAX - 2, MEMMAP_ENTRIES_MAX);
	/* One that cuts all of them does not write past the end either. */
	assert_status(memmap_add(&map, 0x800, 0x2000 * MEMMAP_ENTRIES_MAX, MEMMAP_RESERVED),
		      STATUS_TOO_LARGE);
	assert_in_range(map.count, 0, MEMMAP_ENTRIES_MAX);
}

static void memmap_claim_splits(void **state)
{
	(void)state;
	memmap_init(&map);
	add(0x1000, 0x9000, MEMMAP_RAM);
	assert_status(memmap_claim(&map, 0x3000, 0x1000, MEMMAP_KERNEL), STATUS_OK);
	assert_status(memmap_claim(&map, 0x1000, 0x800, MEMMAP_INITRD), STATUS_OK);
	assert_status(memmap_claim(&map, 0x9800, 0x800, MEMMAP_BOOT_DATA), STATUS_OK);
	assert_map({0x1000, 0x1800, MEMMAP_INITRD}, {0x1800, 0x3000, MEMMAP_RAM},
		   {0x3000, 0x4000, MEMMAP_KERNEL}, {0x4000, 0x9800, MEMMAP_RAM},
		   {0x9800, 0xa000, MEMMAP_BOOT_DATA});
}

static void memmap_claim_of_what_is_not_free_ram(void **state)
{
	(void)state;
	memmap_init(&map);
	add(0x1000, 0x4000, MEMMAP_RAM);
	add(0x5000, 0x1000, MEMMAP_RESERVED);
	add(0x7000, 0x1000, MEMMAP_RAM);
	assert_status(memmap_claim(&map, 0x2000, 0x1000, MEMMAP_FIRMWARE), STATUS_OK);
	static const struct {
		uint64_t start, size;
	} bad[] = {
		{0, 0x1000},                          /* a hole */
		{0x800, 0x1000},                      /* starts in a hole */
		{0x4800, 0x1000},                     /* ends in what is reserved */
		{0x5000, 0x1000},                     /* reserved */
		{0x7800, 0x1000},                     /* ends in a hole */
		{0x4000, 0x3800},                     /* across */
		{0x2000, 0x1000},                     /* claimed */
		{0x1fff, 2},                          /* one byte of it claimed */
		{0x2fff, 1},      {0x100000, 0x1000}, /* past everything */
	};
	const struct memmap before = map;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_status(memmap_claim(&map, bad[i].start, bad[i].size, MEMMAP_KERNEL),
			      STATUS_OVERLAP);
	assert_status(memmap_claim(&map, 0x1000, UINT64_MAX, MEMMAP_KERNEL), STATUS_OUT_OF_RANGE);
	expect_entries(before.entry, before.count);
	assert_status(memmap_claim(&map, 0x1000, 0x1000, MEMMAP_KERNEL), STATUS_OK);
	assert_status(memmap_claim(&map, 0x3000, 0x2000, MEMMAP_KERNEL), STATUS_OK);
}

/* What is kept is nobody's, to the kernel too; only what the firmware had can be kept. */
static void memmap_keep_what_is_ours(void **state)
{
	struct memmap_entry seen[8];
	size_t count;

	(void)state;
	memmap_init(&map);
	add(0x1000, 0x9000, MEMMAP_RAM);
	assert_status(memmap_claim(&map, 0x2000, 0x4000, MEMMAP_FIRMWARE), STATUS_OK);
	assert_status(memmap_claim(&map, 0x7000, 0x1000, MEMMAP_KERNEL), STATUS_OK);
	assert_status(memmap_keep(&map, 0x1000, 0x1000), STATUS_OVERLAP);
	assert_status(memmap_keep(&map, 0x5000, 0x2000), STATUS_OVERLAP);
	assert_status(memmap_keep(&map, 0x7000, 0x1000), STATUS_OVERLAP);
	assert_status(memmap_keep(&map, 0x3000, UINT64_MAX), STATUS_OUT_OF_RANGE);
	assert_status(memmap_keep(&map, 0x3000, 0x1000), STATUS_OK);
	assert_status(memmap_keep(&map, 0x3000, 0x1000), STATUS_OVERLAP);
	assert_map({0x1000, 0x2000, MEMMAP_RAM}, {0x2000, 0x3000, MEMMAP_FIRMWARE},
		   {0x3000, 0x4000, MEMMAP_RESERVED}, {0x4000, 0x6000, MEMMAP_FIRMWARE},
		   {0x6000, 0x7000, MEMMAP_RAM}, {0x7000, 0x8000, MEMMAP_KERNEL},
		   {0x8000, 0xa000, MEMMAP_RAM});
	assert_status(memmap_export(&map, seen, COUNT(seen), &count), STATUS_OK);
	assert_int_equal(count, 3);
	assert_int_equal(seen[1].start, 0x3000);
	assert_int_equal(seen[1].end, 0x4000);
	assert_int_equal(seen[1].type, MEMMAP_RESERVED);
}

static void memmap_claim_in_a_full_map(void **state)
{
	(void)state;
	memmap_init(&map);
	add(0, 0x100000, MEMMAP_RAM);
	enum status status = STATUS_OK;
	for (uint64_t at = 0x1000; status == STATUS_OK; at += 0x1000)
		status = memmap_claim(&map, at, 0x800, MEMMAP_BOOT_DATA);
	assert_status(status, STATUS_TOO_LARGE);
	assert_in_range(map.count, MEMMAP_ENTRIES_MAX - 2, MEMMAP_ENTRIES_MAX);
	const struct memmap before = map;
	const struct memmap_request request = {
		.size = 0x100, .alignment = 1, .max = UINT64_MAX, .type = MEMMAP_KERNEL};
	uint64_t start = 77;
	assert_status(memmap_alloc(&map, &request, &start), STATUS_TOO_LARGE);
	assert_int_equal(start, 77);
	expect_entries(before.entry, before.count);
}

static void claim_nothing(void *argument)
{
	(void)argument;
	if (memmap_claim(&map, 0x1000, 0, MEMMAP_KERNEL) != STATUS_OK)
		return;
}

static void alloc_odd_alignment(void *argument)
{
	uint64_t start;
	const struct memmap_request request = {.size = 1,
					       .alignment = *(const uint64_t *)argument,
					       .max = UINT64_MAX,
					       .type = MEMMAP_KERNEL};

	if (memmap_alloc(&map, &request, &start) != STATUS_OK)
		return;
}

static void memmap_requests_of_ours_are_checked(void **state)
{
	uint64_t three = 3, zero = 0;

	(void)state;
	memmap_init(&map);
	add(0, 0x10000, MEMMAP_RAM);
	assert_int_equal(host_run(claim_nothing, NULL), HOST_CHECK);
	assert_int_equal(host_run(alloc_odd_alignment, &three), HOST_CHECK);
	assert_int_equal(host_run(alloc_odd_alignment, &zero), HOST_CHECK);
}

static uint64_t alloc(struct memmap_request request)
{
	uint64_t start = 0x5a5a5a5a5a5a5a5a;

	assert_status(memmap_alloc(&map, &request, &start), STATUS_OK);
	return start;
}

static void no_place(struct memmap_request request)
{
	uint64_t start = 42;

	assert_status(memmap_alloc(&map, &request, &start), STATUS_NO_MEMORY);
	assert_int_equal(start, 42);
}

static void memmap_alloc_bottom_up_and_top_down(void **state)
{
	struct memmap_request low = {0x1000, 0x1000, 0, UINT64_MAX, false, MEMMAP_BOOT_DATA};
	struct memmap_request high = {0x1000, 0x1000, 0, UINT64_MAX, true, MEMMAP_INITRD};

	(void)state;
	memmap_init(&map);
	add(0x1800, 0x6000, MEMMAP_RAM);
	add(0x10000, 0x1800, MEMMAP_RAM);
	assert_int_equal(alloc(low), 0x2000);
	assert_int_equal(alloc(high), 0x10000);
	assert_int_equal(alloc(high), 0x6000);
	assert_int_equal(alloc(low), 0x3000);
	/* What is left of the second range is smaller than a page. */
	high.alignment = 1;
	high.size = 0x800;
	assert_int_equal(alloc(high), 0x11000);
}

static void memmap_alloc_bounds(void **state)
{
	struct memmap_request request = {0x2000, 0x1000, 0x3000, 0x5000, false, MEMMAP_KERNEL};

	(void)state;
	memmap_init(&map);
	add(0, 0x10000, MEMMAP_RAM);
	const struct memmap empty = map;
	assert_int_equal(alloc(request), 0x3000);
	map = empty;
	request.max = 0x4fff;
	no_place(request);
	request.top_down = true;
	no_place(request);
	request.max = 0x5000;
	assert_int_equal(alloc(request), 0x3000);
	map = empty;
	request.min = 0x3001;
	no_place(request);
	request.max = 0x6000;
	assert_int_equal(alloc(request), 0x4000);
	map = empty;
	/* Nonsense bounds are no place. */
	request.min = 0x8000;
	request.max = 0x1000;
	no_place(request);
	request.min = UINT64_MAX;
	request.max = UINT64_MAX;
	no_place(request);
	request = (struct memmap_request){UINT64_MAX, 1, 0, UINT64_MAX, true, MEMMAP_KERNEL};
	no_place(request);
	request = (struct memmap_request){0x1000, 1ul << 63, 1, UINT64_MAX, false, MEMMAP_KERNEL};
	no_place(request);
}

static void memmap_alloc_takes_only_ram(void **state)
{
	struct memmap_request request = {0x1000, 0x1000, 0, UINT64_MAX, false, MEMMAP_KERNEL};

	(void)state;
	memmap_init(&map);
	no_place(request);
	add(0x1000, 0x1000, MEMMAP_RESERVED);
	add(0x2000, 0x1000, MEMMAP_ACPI);
	add(0x3000, 0x1000, MEMMAP_PERSISTENT);
	no_place(request);
	add(0x5000, 0x1000, MEMMAP_RAM);
	assert_int_equal(alloc(request), 0x5000);
	no_place(request);
}

static void memmap_export_hides_what_is_ours(void **state)
{
	struct memmap_entry out[8];
	size_t count = 0;

	(void)state;
	memmap_init(&map);
	add(0x1000, 0x7000, MEMMAP_RAM);
	add(0x8000, 0x1000, MEMMAP_ACPI);
	assert_status(memmap_claim(&map, 0x2000, 0x1000, MEMMAP_FIRMWARE), STATUS_OK);
	assert_status(memmap_claim(&map, 0x3000, 0x1000, MEMMAP_KERNEL), STATUS_OK);
	assert_status(memmap_claim(&map, 0x5000, 0x1000, MEMMAP_INITRD), STATUS_OK);
	assert_status(memmap_claim(&map, 0x7000, 0x1000, MEMMAP_BOOT_DATA), STATUS_OK);
	assert_status(memmap_claim(&map, 0x6000, 0x1000, MEMMAP_RESERVED), STATUS_OK);
	assert_status(memmap_export(&map, out, COUNT(out), &count), STATUS_OK);
	assert_int_equal(count, 4);
	const struct memmap_entry expected[] = {{0x1000, 0x6000, MEMMAP_RAM},
						{0x6000, 0x7000, MEMMAP_RESERVED},
						{0x7000, 0x8000, MEMMAP_RAM},
						{0x8000, 0x9000, MEMMAP_ACPI}};
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(out[i].start, expected[i].start);
		assert_int_equal(out[i].end, expected[i].end);
		assert_int_equal(out[i].type, expected[i].type);
	}
	count = 99;
	assert_status(memmap_export(&map, out, 3, &count), STATUS_TOO_LARGE);
	assert_int_equal(count, 99);
	assert_status(memmap_export(&map, out, 4, &count), STATUS_OK);
	memmap_init(&map);
	assert_status(memmap_export(&map, out, 0, &count), STATUS_OK);
	assert_int_equal(count, 0);
}

static void memmap_ram_end_below_a_limit(void **state)
{
	(void)state;
	memmap_init(&map);
	assert_int_equal(memmap_ram_end(&map, 4 * GIB), 0);
	add(0x1000, 0x1000, MEMMAP_RESERVED);
	assert_int_equal(memmap_ram_end(&map, 4 * GIB), 0);
	add(MIB, MIB, MEMMAP_RAM);
	add(3 * GIB, MIB, MEMMAP_ACPI);
	add(4 * GIB, GIB, MEMMAP_RAM);
	assert_int_equal(memmap_ram_end(&map, 4 * GIB), 2 * MIB);
	assert_int_equal(memmap_ram_end(&map, 4 * GIB + 1), 5 * GIB);
	assert_int_equal(memmap_ram_end(&map, MIB), 0);
	assert_status(memmap_claim(&map, MIB, MIB, MEMMAP_KERNEL), STATUS_OK);
	assert_int_equal(memmap_ram_end(&map, 4 * GIB), 2 * MIB);
}

/* -- against a model that has one type for each address -------------------------- */

#define MODEL_SIZE 192
#define NOTHING    0

static uint8_t model[MODEL_SIZE];

static bool model_free(uint64_t start, uint64_t size)
{
	for (uint64_t at = start; at < start + size; at++) {
		if (at >= MODEL_SIZE || model[at] != MEMMAP_RAM)
			return false;
	}
	return true;
}

static void model_add(uint64_t start, uint64_t size, uint8_t type)
{
	for (uint64_t at = start; at < start + size; at++) {
		bool stronger = model[at] == MEMMAP_RAM || type > model[at];
		if (model[at] == NOTHING || (type != MEMMAP_RAM && stronger))
			model[at] = type;
	}
}

static bool model_alloc(const struct memmap_request *request, uint64_t *ret_start)
{
	bool found = false;

	for (uint64_t at = 0; at + request->size <= MODEL_SIZE; at++) {
		if (at % request->alignment != 0 || at < request->min ||
		    at + request->size > request->max || !model_free(at, request->size))
			continue;
		if (!found || request->top_down)
			*ret_start = at;
		found = true;
	}
	return found;
}

static void compare_with_model(void)
{
	uint8_t seen[MODEL_SIZE] = {NOTHING};
	uint8_t told[MODEL_SIZE] = {NOTHING};
	struct memmap_entry out[MEMMAP_ENTRIES_MAX];
	size_t count;
	uint64_t last = 0;

	for (size_t i = 0; i < map.count; i++) {
		const struct memmap_entry *entry = &map.entry[i];
		assert_true(entry->start >= last && entry->end > entry->start);
		assert_true(entry->end <= MODEL_SIZE);
		if (i > 0 && entry->start == last && entry->type == MEMMAP_RAM)
			assert_int_not_equal(map.entry[i - 1].type, MEMMAP_RAM);
		memset(seen + entry->start, (int)entry->type, entry->end - entry->start);
		last = entry->end;
	}
	assert_memory_equal(seen, model, MODEL_SIZE);

	assert_status(memmap_export(&map, out, COUNT(out), &count), STATUS_OK);
	for (size_t i = 0; i < count; i++) {
		assert_true(i == 0 || out[i].start > out[i - 1].end ||
			    (out[i].start == out[i - 1].end && out[i].type != out[i - 1].type));
		memset(told + out[i].start, (int)out[i].type, out[i].end - out[i].start);
	}
	for (size_t at = 0; at < MODEL_SIZE; at++)
		assert_int_equal(told[at], model[at] >= 0x80 ? MEMMAP_RAM : model[at]);
}

static void memmap_equals_a_plain_model(void **state)
{
	static const uint8_t types[] = {MEMMAP_RAM,  MEMMAP_RAM, MEMMAP_RAM,     MEMMAP_RESERVED,
					MEMMAP_ACPI, MEMMAP_NVS, MEMMAP_UNUSABLE};
	static const uint8_t purposes[] = {MEMMAP_FIRMWARE,  MEMMAP_KERNEL, MEMMAP_INITRD,
					   MEMMAP_BOOT_DATA, MEMMAP_ACPI,   MEMMAP_RESERVED};

	(void)state;
	for (unsigned round = 0; round < 1500; round++) {
		memmap_init(&map);
		memset(model, NOTHING, sizeof(model));
		for (unsigned step = 0; step < 40; step++) {
			uint64_t start = unit_random_below(MODEL_SIZE);
			uint64_t size = unit_random_below(MODEL_SIZE - start + 1) /
					(1 + unit_random_below(8));
			enum memmap_type purpose = purposes[unit_random_below(COUNT(purposes))];
			enum memmap_type type = types[unit_random_below(COUNT(types))];
			uint64_t got = 0, expected = 0;
			switch (step < 8 ? 0 : unit_random_below(3)) {
			case 0:
				add(start, size, type);
				model_add(start, size, (uint8_t)type);
				break;
			case 1:
				if (size == 0)
					break;
				bool is_free = model_free(start, size);
				assert_status(memmap_claim(&map, start, size, purpose),
					      is_free ? STATUS_OK : STATUS_OVERLAP);
				if (is_free)
					memset(model + start, (int)purpose, size);
				break;
			case 2: {
				const struct memmap_request request = {
					.size = 1 + unit_random_below(12),
					.alignment = 1ul << unit_random_below(6),
					.min = unit_random_below(MODEL_SIZE / 2),
					.max = unit_random_below(2 * MODEL_SIZE),
					.top_down = unit_random_below(2) == 0,
					.type = purpose,
				};
				if (model_alloc(&request, &expected)) {
					assert_status(memmap_alloc(&map, &request, &got),
						      STATUS_OK);
					assert_int_equal(got, expected);
					memset(model + got, (int)purpose, request.size);
				} else {
					assert_status(memmap_alloc(&map, &request, &got),
						      STATUS_NO_MEMORY);
				}
				break;
			}
			}
			compare_with_model();
		}
	}
}

static const struct CMUnitTest tests[] = {
	UNIT_TEST(memmap_add_sorts_and_merges),
	UNIT_TEST(memmap_add_ignores_nothing),
	UNIT_TEST(memmap_add_end_wraps),
	UNIT_TEST(memmap_add_more_restrictive_type_wins),
	UNIT_TEST(memmap_add_across_many_entries),
	UNIT_TEST(memmap_add_full_map),
	UNIT_TEST(memmap_claim_splits),
	UNIT_TEST(memmap_claim_of_what_is_not_free_ram),
	UNIT_TEST(memmap_keep_what_is_ours),
	UNIT_TEST(memmap_claim_in_a_full_map),
	UNIT_TEST(memmap_requests_of_ours_are_checked),
	UNIT_TEST(memmap_alloc_bottom_up_and_top_down),
	UNIT_TEST(memmap_alloc_bounds),
	UNIT_TEST(memmap_alloc_takes_only_ram),
	UNIT_TEST(memmap_export_hides_what_is_ours),
	UNIT_TEST(memmap_ram_end_below_a_limit),
	UNIT_TEST(memmap_equals_a_plain_model),
};

UNIT_MAIN(tests)
