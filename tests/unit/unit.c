/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "arch/machine.h"
#include "lib/checked.h"

const struct log unit_log = {LOG_DEBUG, arch_console_write};

char unit_trial[160];

static uint64_t random_state;

void unit_begin(int argc, char **argv)
{
	/* In order with what cmocka prints to stderr. */
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
}

/* ASan calls this before it ends the program. */
void __asan_on_error(void);
void __asan_on_error(void)
{
	fprintf(stderr, "%s\n", unit_trial);
}

static void fail_for(const struct host_trap *trap)
{
	fprintf(stderr, "%s\n", unit_trial);
	host_print_trap(trap);
	fail();
}

int unit_setup(void **state)
{
	(void)state;
	host_set_trap(fail_for);
	unit_trial[0] = '\0';
	host_reset();
	random_state = 0x2545f4914f6cdd1d;
	return 0;
}

int unit_teardown(void **state)
{
	(void)state;
	host_reset();
	return 0;
}

/* splitmix64: G. Steele, D. Lea, C. Flood, OOPSLA 2014 */
uint64_t unit_random(void)
{
	uint64_t x = random_state += 0x9e3779b97f4a7c15;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

uint64_t unit_random_below(uint64_t limit)
{
	return unit_random() % limit;
}

void unit_random_bytes(void *bytes, size_t size)
{
	uint8_t *at = bytes;

	for (size_t i = 0; i < size; i++)
		at[i] = (uint8_t)unit_random();
}

_Noreturn void unit_fail_null(const char *what, const char *file, int line)
{
	print_error("%s is NULL\n", what);
	_fail(file, line);
	abort(); /* which cmocka does not come back to */
}

void unit_assert_status(enum status actual, enum status expected, const char *what,
			const char *file, int line)
{
	if (actual == expected)
		return;
	print_error("%s is %s, not %s\n", what, status_str(actual), status_str(expected));
	_fail(file, line);
}

void unit_assert_reasoned(const struct reason *why, const char *file, int line)
{
	size_t length = strnlen(why->text, sizeof(why->text));

	if (length > 0 && length < sizeof(why->text))
		return;
	print_error("there is no reason, or it has no end\n");
	_fail(file, line);
}

static enum status read_memory(const struct blob *blob, uint64_t offset, uint64_t length,
			       uint64_t to)
{
	if (!fits(offset, length, blob->size))
		return STATUS_OUT_OF_RANGE;
	void *place = host_place(to, length);
	if (place == NULL)
		return STATUS_IO;
	memcpy(place, (const uint8_t *)blob->source + offset, length);
	return STATUS_OK;
}

struct blob unit_blob(const void *bytes, uint64_t size)
{
	return (struct blob){
		.size = size,
		.read = read_memory,
		.source = (void *)(uintptr_t)bytes,
		.key = 0xffff,
	};
}

static enum status read_fails(const struct blob *blob, uint64_t offset, uint64_t length,
			      uint64_t to)
{
	(void)offset;
	(void)length;
	(void)to;
	return *(const enum status *)blob->source;
}

struct blob unit_bad_blob(uint64_t size, enum status status)
{
	static enum status statuses[STATUS_FAULT + 1];

	statuses[status] = status;
	return (struct blob){
		.size = size,
		.read = read_fails,
		.source = &statuses[status],
		.key = 0xfffe,
	};
}

struct name unit_name(const char *text)
{
	struct name name = {""};

	memcpy(name.text, text, strnlen(text, sizeof(name.text)));
	return name;
}

void *unit_map(uint64_t address, uint64_t length)
{
	return arch_map(address, length, ARCH_MEMORY_RAM);
}

void *unit_map_nothing(uint64_t address, uint64_t length)
{
	(void)address;
	(void)length;
	return NULL;
}

/* Beyond what any map of a test has. */
#define UNIT_MEMORY (960 * GIB)

uint8_t *unit_memory(size_t size)
{
	if (host_memory(UNIT_MEMORY, size) == NULL) {
		uint64_t pages = (size + HOST_PAGE - 1) / HOST_PAGE * HOST_PAGE;
		host_add_ram(UNIT_MEMORY - HOST_PAGE, pages + 2 * HOST_PAGE);
		host_claim(UNIT_MEMORY, size);
	}
	return host_place(UNIT_MEMORY, size);
}

uint8_t *unit_data(const char *name, size_t *ret_size)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/%s", TEST_DATA, name);
	FILE *file = fopen(path, "rb");
	if (file == NULL)
		fail_msg("no file %s", path);
	fseek(file, 0, SEEK_END);
	size_t size = (size_t)ftell(file);
	rewind(file);
	uint8_t *bytes = malloc(size);
	assert_non_null(bytes);
	assert_int_equal(fread(bytes, 1, size, file), size);
	fclose(file);
	*ret_size = size;
	return bytes;
}

void unit_check_end(enum host_end end, enum host_end expected)
{
	if (end != expected)
		print_error("%s%s\n", host.console, host.check);
	assert_int_equal(end, expected);
}

void unit_check_fatal(const char *stage, enum status status)
{
	char expected[160];
	const char *line = host.console;

	snprintf(expected, sizeof(expected), "slipway: FATAL %s %s: %s\n", stage,
		 status_str(status), host.fatal.reason);
	assert_string_equal(host.fatal.stage, stage);
	assert_int_equal(host.fatal.status, status);
	assert_true(strlen(host.fatal.reason) > 10);
	/* One such line, and it is the last. */
	const char *fatal = strstr(line, "slipway: FATAL");
	assert_non_null(fatal);
	assert_string_equal(fatal, expected);
}

void put16(uint8_t *at, uint16_t value)
{
	memcpy(at, &value, sizeof(value));
}

void put32(uint8_t *at, uint32_t value)
{
	memcpy(at, &value, sizeof(value));
}

void put64(uint8_t *at, uint64_t value)
{
	memcpy(at, &value, sizeof(value));
}

uint16_t get16(const uint8_t *at)
{
	uint16_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

uint32_t get32(const uint8_t *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

uint64_t get64(const uint8_t *at)
{
	uint64_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

uint8_t unit_sum(const void *bytes, size_t size)
{
	const uint8_t *at = bytes;
	unsigned sum = 0;

	for (size_t i = 0; i < size; i++)
		sum += at[i];
	return (uint8_t)sum;
}
