/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

/* cmocka.h wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <string.h>

#include "arch/host/host.h"
#include "lib/blob.h"
#include "lib/log.h"
#include "lib/memmap.h"
#include "lib/name.h"
#include "lib/status.h"

#define KIB 0x400ul
#define MIB 0x100000ul
#define GIB 0x40000000ul
#define TIB (1ul << 40)

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/** Runs a group of tests on a new machine each; the argument is a pattern of names. */
#define UNIT_MAIN(tests)                                                                           \
	int main(int argc, char **argv)                                                            \
	{                                                                                          \
		unit_begin(argc, argv);                                                            \
		return cmocka_run_group_tests(tests, NULL, NULL);                                  \
	}

/** A test that starts with a machine without anything. */
#define UNIT_TEST(function) cmocka_unit_test_setup_teardown(function, unit_setup, unit_teardown)

void unit_begin(int argc, char **argv);
int unit_setup(void **state);
int unit_teardown(void **state);

/** A repeatable sequence of numbers. */
uint64_t unit_random(void);
/** One of them below @limit. */
uint64_t unit_random_below(uint64_t limit);
void unit_random_bytes(void *bytes, size_t size);

/** cmocka's, in words from which a compiler knows that nothing follows a failure. */
#undef assert_non_null
#define assert_non_null(pointer)                                                                   \
	((pointer) != NULL ? (void)0 : unit_fail_null(#pointer, __FILE__, __LINE__))
_Noreturn void unit_fail_null(const char *what, const char *file, int line);

#define assert_status(actual, expected)                                                            \
	unit_assert_status((actual), (expected), #actual, __FILE__, __LINE__)
void unit_assert_status(enum status actual, enum status expected, const char *what,
			const char *file, int line);

/** The reason has text, and it fits. */
#define assert_reasoned(why) unit_assert_reasoned(&(why), __FILE__, __LINE__)
void unit_assert_reasoned(const struct reason *why, const char *file, int line);

/** A blob of @size bytes in our memory. */
struct blob unit_blob(const void *bytes, uint64_t size);
/** One of @size bytes that cannot be read. */
struct blob unit_bad_blob(uint64_t size, enum status status);

/** A name as its field holds it; cut, without an end, when @text fills it. */
struct name unit_name(const char *text);

/** arch_map() for RAM, as modules take it; and one that always fails. */
void *unit_map(uint64_t address, uint64_t length);
void *unit_map_nothing(uint64_t address, uint64_t length);

/**
 * Guest memory that code under test is handed: @size bytes from the start of a page on, with RAM
 * that nobody claimed on both sides. The same place each time in a test.
 */
uint8_t *unit_memory(size_t size);

/** A log that writes to the console of the machine. */
extern const struct log unit_log;

/** A file of the folder tests/data; its size goes to @ret_size. Freed by the caller. */
uint8_t *unit_data(const char *name, size_t *ret_size);

/** What is tried, as each message of a trap or of ASan then has it; empty at the start of a test.
 */
extern char unit_trial[160];

/** A boot ends as it is expected to; if not, what it said is printed. */
void unit_check_end(enum host_end end, enum host_end expected);

/** After HOST_FATAL: one line on the console, for this stage and status. */
void unit_check_fatal(const char *stage, enum status status);

/** Little-endian fields of a buffer. */
void put16(uint8_t *at, uint16_t value);
void put32(uint8_t *at, uint32_t value);
void put64(uint8_t *at, uint64_t value);
uint16_t get16(const uint8_t *at);
uint32_t get32(const uint8_t *at);
uint64_t get64(const uint8_t *at);

/** Sum of bytes modulo 256, the plain way. */
uint8_t unit_sum(const void *bytes, size_t size);

#endif
