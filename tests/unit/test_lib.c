/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "arch/machine.h"
#include "lib/bytes.h"
#include "lib/check.h"
#include "lib/checked.h"
#include "lib/endian.h"
#include "lib/format.h"
#include "lib/span.h"

/* -- format ---------------------------------------------------------------------- */

#define assert_formats(expected, ...)                                                              \
	do {                                                                                       \
		char text_[128];                                                                   \
		size_t length_ = format_text(text_, sizeof(text_), __VA_ARGS__);                   \
		assert_string_equal(text_, expected);                                              \
		assert_int_equal(length_, strlen(expected));                                       \
	} while (0)

static void format_conversions(void **state)
{
	(void)state;
	assert_formats("", "%s", "");
	assert_formats("plain", "plain");
	assert_formats("100% done", "100%% %s", "done");
	assert_formats("0 7 42", "%u %u %x", 0u, 7u, 0x42u);
	assert_formats("18446744073709551615", "%lu", ULONG_MAX);
	assert_formats("18446744073709551615", "%llu", ULLONG_MAX);
	assert_formats("18446744073709551615", "%zu", SIZE_MAX);
	assert_formats("4294967295", "%u", UINT_MAX);
	assert_formats("0xdeadbeef", "0x%x", 0xdeadbeefu);
	assert_formats("0xffffffffffffffff", "0x%lx", ULONG_MAX);
}

static void format_width_and_padding(void **state)
{
	(void)state;
	assert_formats("00000000000000ff", "%016lx", 0xfful);
	assert_formats("    7|007", "%5u|%03u", 7u, 7u);
	assert_formats("12345", "%3u", 12345u);
	assert_formats("2.06", "%u.%02u", 2u, 6u);
	assert_formats("0", "%x", 0u);
}

/* Against the C library's, over values of every length. */
static void format_numbers_as_printf_does(void **state)
{
	char expected[128];

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		uint64_t value = unit_random() >> unit_random_below(64);
		snprintf(expected, sizeof(expected), "%lu %lx %016lx %x %u", value, value, value,
			 (unsigned)value, (unsigned)value);
		assert_formats(expected, "%lu %lx %016lx %x %u", value, value, value,
			       (unsigned)value, (unsigned)value);
	}
}

static void format_unprintable_bytes_become_question_marks(void **state)
{
	(void)state;
	assert_formats("a?b?c?~ ?", "%s",
		       "a\nb\x1b"
		       "c\x7f~ \x80");
}

static void format_cuts_what_does_not_fit(void **state)
{
	(void)state;
	for (size_t size = 1; size <= 20; size++) {
		char *text = malloc(size);
		assert_non_null(text);
		size_t length = format_text(text, size, "%s-%u-%08x", "abc", 12345u, 0xabcu);
		const char *all = "abc-12345-00000abc";
		size_t expected = size - 1 < strlen(all) ? size - 1 : strlen(all);
		assert_int_equal(length, expected);
		assert_memory_equal(text, all, expected);
		assert_int_equal(text[expected], '\0');
		free(text);
	}
}

static void format_with(void *argument)
{
	char text[16];
	va_list none;

	/* By way of the untyped interface, since the compiler refuses such formats. */
	memset(&none, 0, sizeof(none));
	format_text_va(text, sizeof(text), argument, none);
}

static void format_unknown_conversions_are_checked(void **state)
{
	(void)state;
	static const char *const formats[] = {"%y", "%", "%5", "%.", "%l", "%*d"};
	for (size_t i = 0; i < COUNT(formats); i++) {
		char *format = strdup(formats[i]);
		assert_int_equal(host_run(format_with, format), HOST_CHECK);
		free(format);
	}
}

static void format_into_nothing(void *argument)
{
	(void)argument;
	char byte;
	(void)format_text(&byte, 0, "x");
}

static void format_needs_room_for_the_terminator(void **state)
{
	(void)state;
	assert_int_equal(host_run(format_into_nothing, NULL), HOST_CHECK);
}

/* -- log and status -------------------------------------------------------------- */

static void log_prints_enabled_levels_only(void **state)
{
	const struct log log = {LOG_WARN, arch_console_write};

	(void)state;
	log_line(&log, LOG_ERROR, "e%u", 1u);
	log_line(&log, LOG_WARN, "w");
	log_line(&log, LOG_INFO, "i");
	log_line(&log, LOG_DEBUG, "d");
	assert_string_equal(host.console, "slipway: e1\nslipway: w\n");
}

static void log_line_is_cut_and_ended(void **state)
{
	char text[400];

	(void)state;
	memset(text, 'y', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	log_line(&unit_log, LOG_INFO, "%s", text);
	assert_in_range(host.console_length, LOG_LINE_SIZE - 2, LOG_LINE_SIZE);
	assert_int_equal(host.console[host.console_length - 1], '\n');
	assert_null(memchr(host.console, '\n', host.console_length - 1));
}

static void status_names(void **state)
{
	/* As scripts look for them, and as docs/errors.md has them. */
	static const char *const names[] = {
		[STATUS_OK] = "ok",
		[STATUS_NOT_FOUND] = "not-found",
		[STATUS_TRUNCATED] = "truncated",
		[STATUS_BAD_FORMAT] = "bad-format",
		[STATUS_UNSUPPORTED] = "unsupported",
		[STATUS_TOO_LARGE] = "too-large",
		[STATUS_OUT_OF_RANGE] = "out-of-range",
		[STATUS_OVERLAP] = "overlap",
		[STATUS_NO_MEMORY] = "no-memory",
		[STATUS_IO] = "io",
		[STATUS_TIMEOUT] = "timeout",
		[STATUS_MISMATCH] = "mismatch",
		[STATUS_FAULT] = "fault",
	};

	(void)state;
	assert_int_equal(COUNT(names), STATUS_FAULT + 1);
	for (size_t i = 0; i < COUNT(names); i++)
		assert_string_equal(status_str((enum status)i), names[i]);
}

static enum status refuse_once(struct reason *why)
{
	return refuse(why, STATUS_TOO_LARGE, "%u is more than %u", 3u, 2u);
}

static void reason_is_written_and_status_given(void **state)
{
	struct reason why;

	(void)state;
	assert_status(refuse_once(&why), STATUS_TOO_LARGE);
	assert_string_equal(why.text, "3 is more than 2");
	reason_write(&why, "%0200u", 1u);
	assert_int_equal(strlen(why.text), REASON_SIZE - 1);
}

static void fail_a_check(void *argument)
{
	(void)argument;
	CHECK(1 + 1 == 2);
	CHECK(1 + 1 == 3);
}

static void check_names_what_broke(void **state)
{
	(void)state;
	assert_int_equal(host_run(fail_a_check, NULL), HOST_CHECK);
	assert_string_equal(host.check, "fail_a_check");
}

/* -- checked --------------------------------------------------------------------- */

static void checked_add_and_mul_refuse_overflow(void **state)
{
	uint64_t value = 5;

	(void)state;
	assert_true(checked_add(UINT64_MAX - 1, 1, &value));
	assert_true(value == UINT64_MAX);
	assert_false(checked_add(UINT64_MAX, 1, &value));
	assert_false(checked_add(1ul << 63, 1ul << 63, &value));
	assert_true(value == UINT64_MAX);
}

static void checked_align_up_refuses_overflow(void **state)
{
	uint64_t value = 5;

	(void)state;
	assert_true(checked_align_up(0, 0x1000, &value));
	assert_int_equal(value, 0);
	assert_true(checked_align_up(1, 0x1000, &value));
	assert_int_equal(value, 0x1000);
	assert_true(checked_align_up(0x1000, 0x1000, &value));
	assert_int_equal(value, 0x1000);
	assert_true(checked_align_up(UINT64_MAX, 1, &value));
	assert_true(value == UINT64_MAX);
	assert_true(checked_align_up(UINT64_MAX - 0xfff, 0x1000, &value));
	assert_true(value == UINT64_MAX - 0xfff);
	value = 7;
	assert_false(checked_align_up(UINT64_MAX - 0xffe, 0x1000, &value));
	assert_false(checked_align_up(UINT64_MAX, 2, &value));
	assert_int_equal(value, 7);
}

static void is_power_of_two_excludes_zero(void **state)
{
	(void)state;
	assert_false(is_power_of_two(0));
	for (unsigned i = 0; i < 64; i++) {
		assert_true(is_power_of_two(1ul << i));
		if (i > 1)
			assert_false(is_power_of_two((1ul << i) - 1));
		if (i > 0)
			assert_false(is_power_of_two((1ul << i) + 1));
	}
}

static void fits_at_the_edges(void **state)
{
	(void)state;
	assert_true(fits(0, 0, 0));
	assert_true(fits(10, 0, 10));
	assert_true(fits(9, 1, 10));
	assert_false(fits(10, 1, 10));
	assert_false(fits(11, 0, 10));
	assert_false(fits(1, UINT64_MAX, 10));
	assert_false(fits(UINT64_MAX, 2, 10));
	assert_true(fits(1, UINT64_MAX - 1, UINT64_MAX));
}

static void fits32_at_the_edges(void **state)
{
	(void)state;
	assert_true(fits32(0, 0, 0));
	assert_true(fits32(9, 1, 10));
	assert_true(fits32(10, 0, 10));
	assert_false(fits32(10, 1, 10));
	assert_false(fits32(11, 0, 10));
	assert_false(fits32(UINT32_MAX, 2, 10));
	assert_false(fits32(2, UINT32_MAX, 10));
	assert_false(fits32(UINT32_MAX, UINT32_MAX, UINT32_MAX));
	assert_true(fits32(UINT32_MAX, UINT32_MAX, 2ul * UINT32_MAX));
}

/* -- bytes ----------------------------------------------------------------------- */

/* Exact allocations, so that ASan sees a byte too many. */
static void copy_bytes_in_every_length(void **state)
{
	(void)state;
	for (size_t size = 0; size < 100; size++) {
		uint8_t *from = malloc(size + 1);
		uint8_t *to = malloc(size + 1);
		assert_non_null(from);
		assert_non_null(to);
		unit_random_bytes(from, size + 1);
		to[0] = 0x77;
		copy_bytes(to + 1, from + 1, size);
		assert_memory_equal(to + 1, from + 1, size);
		assert_int_equal(to[0], 0x77);
		free(from);
		free(to);
	}
}

static void clear_pages_clears_whole_pages(void **state)
{
	enum { PAGE = 4096 };
	uint8_t *pages = aligned_alloc(PAGE, 4 * PAGE);

	(void)state;
	assert_non_null(pages);
	for (size_t count = 0; count < 3; count++) {
		memset(pages, 0x77, 4 * PAGE);
		clear_pages(pages + PAGE, count * PAGE);
		for (size_t at = 0; at < 4 * PAGE; at++)
			assert_int_equal(pages[at], at / PAGE - 1 < count ? 0 : 0x77);
	}
	free(pages);
}

/* -- endian ---------------------------------------------------------------------- */

static void endian_bytes_are_where_the_wire_has_them(void **state)
{
	(void)state;
	assert_memory_equal(le16_of(0x1234).byte, "\x34\x12", 2);
	assert_memory_equal(be16_of(0x1234).byte, "\x12\x34", 2);
	assert_memory_equal(le32_of(0x12345678).byte, "\x78\x56\x34\x12", 4);
	assert_memory_equal(be32_of(0x12345678).byte, "\x12\x34\x56\x78", 4);
	assert_memory_equal(le64_of(0x0123456789abcdef).byte, "\xef\xcd\xab\x89\x67\x45\x23\x01",
			    8);
	assert_memory_equal(be64_of(0x0123456789abcdef).byte, "\x01\x23\x45\x67\x89\xab\xcd\xef",
			    8);
	for (unsigned i = 0; i < 1000; i++) {
		uint64_t value = unit_random();
		assert_true(le16_get(le16_of((uint16_t)value)) == (uint16_t)value);
		assert_true(be16_get(be16_of((uint16_t)value)) == (uint16_t)value);
		assert_true(le32_get(le32_of((uint32_t)value)) == (uint32_t)value);
		assert_true(be32_get(be32_of((uint32_t)value)) == (uint32_t)value);
		assert_true(le64_get(le64_of(value)) == value);
		assert_true(be64_get(be64_of(value)) == value);
	}
}

/* -- span ------------------------------------------------------------------------ */

static void span_read_stays_inside(void **state)
{
	uint8_t *bytes = malloc(16);
	uint8_t copy[16];

	(void)state;
	assert_non_null(bytes);
	for (unsigned i = 0; i < 16; i++)
		bytes[i] = (uint8_t)i;
	struct span span = {bytes, 16};
	assert_true(span_read(span, 12, 4, copy));
	assert_memory_equal(copy, "\x0c\x0d\x0e\x0f", 4);
	memset(copy, 0x55, sizeof(copy));
	assert_false(span_read(span, 13, 4, copy));
	assert_false(span_read(span, 17, 0, copy));
	assert_false(span_read(span, UINT64_MAX, 2, copy));
	assert_int_equal(copy[0], 0x55);
	assert_true(span_read(span, 0, 16, copy));
	assert_memory_equal(copy, bytes, 16);
	free(bytes);
}

/* -- name ------------------------------------------------------------------------ */

static bool plain_equal(const struct name *a, const struct name *b)
{
	for (size_t i = 0; i < sizeof(*a); i++) {
		if (a->text[i] != b->text[i])
			return false;
		if (a->text[i] == '\0')
			return true;
	}
	return false;
}

static bool equal(const char *text, const struct name *name)
{
	struct name_extent extent;

	return name_measure(text, &extent) && name_is(name, text, &extent);
}

static void name_is_in_every_length(void **state)
{
	struct name a, b;

	(void)state;
	for (size_t length = 0; length < sizeof(a); length++) {
		memset(&a, 0, sizeof(a));
		memset(a.text, 'n', length);
		/* What follows the terminator does not count. */
		memset(&b, 0xaa, sizeof(b));
		memset(b.text, 'n', length);
		b.text[length] = '\0';
		assert_true(name_is_terminated(&a));
		assert_true(name_is_terminated(&b));
		assert_true(equal(a.text, &b));
		assert_true(equal(b.text, &a));
		if (length == 0)
			continue;
		for (size_t at = 0; at < length; at++) {
			struct name other = b;
			other.text[at] = 'm';
			assert_false(equal(a.text, &other));
			assert_false(equal(other.text, &a));
		}
		struct name shorter = a;
		shorter.text[length - 1] = '\0';
		assert_false(equal(a.text, &shorter));
		assert_false(equal(shorter.text, &a));
	}
}

static void name_without_end_is_nothing(void **state)
{
	struct name a, b;

	(void)state;
	memset(&a, 'n', sizeof(a));
	b = a;
	assert_false(name_is_terminated(&a));
	assert_false(equal(a.text, &b));
	b.text[55] = '\0';
	assert_true(name_is_terminated(&b));
	assert_false(equal(a.text, &b));
	assert_false(equal(b.text, &a));
}

/* Bytes that trip word-wise searches for zero: 0x01 and 0x80 and their like. */
static void name_is_as_byte_by_byte(void **state)
{
	static const char alphabet[] = {0, 1, 2, 0x7f, (char)0x80, (char)0x81, (char)0xff, 'a'};
	struct name a = {""}, b;

	(void)state;
	for (unsigned round = 0; round < 200000; round++) {
		for (size_t i = 0; i < sizeof(a); i++) {
			/* A few zeros only, or most names would be empty. */
			size_t from = unit_random_below(16) == 0 ? 0 : 1;
			a.text[i] = alphabet[from + unit_random_below(sizeof(alphabet) - from)];
		}
		b = a;
		for (uint64_t changes = unit_random_below(4); changes > 0; changes--)
			b.text[unit_random_below(sizeof(b))] =
				alphabet[unit_random_below(sizeof(alphabet))];
		assert_int_equal(name_is_terminated(&a), memchr(a.text, 0, sizeof(a)) != NULL);
		assert_int_equal(equal(a.text, &b), plain_equal(&a, &b));
		assert_int_equal(equal(b.text, &a), plain_equal(&b, &a));
	}
}

static const struct CMUnitTest tests[] = {
	UNIT_TEST(format_conversions),
	UNIT_TEST(format_width_and_padding),
	UNIT_TEST(format_numbers_as_printf_does),
	UNIT_TEST(format_unprintable_bytes_become_question_marks),
	UNIT_TEST(format_cuts_what_does_not_fit),
	UNIT_TEST(format_unknown_conversions_are_checked),
	UNIT_TEST(format_needs_room_for_the_terminator),
	UNIT_TEST(log_prints_enabled_levels_only),
	UNIT_TEST(log_line_is_cut_and_ended),
	UNIT_TEST(status_names),
	UNIT_TEST(reason_is_written_and_status_given),
	UNIT_TEST(check_names_what_broke),
	UNIT_TEST(checked_add_and_mul_refuse_overflow),
	UNIT_TEST(checked_align_up_refuses_overflow),
	UNIT_TEST(is_power_of_two_excludes_zero),
	UNIT_TEST(fits_at_the_edges),
	UNIT_TEST(fits32_at_the_edges),
	UNIT_TEST(copy_bytes_in_every_length),
	UNIT_TEST(clear_pages_clears_whole_pages),
	UNIT_TEST(endian_bytes_are_where_the_wire_has_them),
	UNIT_TEST(span_read_stays_inside),
	UNIT_TEST(name_is_in_every_length),
	UNIT_TEST(name_without_end_is_nothing),
	UNIT_TEST(name_is_as_byte_by_byte),
};

UNIT_MAIN(tests)
