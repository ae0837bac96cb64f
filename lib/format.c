/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/format.h"

#include <stdbool.h>
#include <stdint.h>

#include "lib/check.h"

struct output {
	char *next;
	char *end; /* where the terminator goes at the latest */
};

static void put(struct output *out, char c)
{
	if (out->next < out->end)
		*out->next++ = c;
}

static void put_string(struct output *out, const char *text)
{
	for (; *text != '\0'; text++)
		put(out, (char)(*text >= ' ' && *text <= '~' ? *text : '?'));
}

static void put_number(struct output *out, uint64_t value, unsigned base, unsigned width, char pad)
{
	char digits[20]; /* UINT64_MAX in decimal */
	unsigned n = 0;

	do {
		digits[n++] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value != 0);
	for (; width > n; width--)
		put(out, pad);
	while (n > 0)
		put(out, digits[--n]);
}

size_t format_text_va(char *buffer, size_t size, const char *format, va_list args)
{
	CHECK(size > 0);
	struct output out = {buffer, buffer + size - 1};

	for (const char *p = format; *p != '\0'; p++) {
		if (*p != '%') {
			put(&out, *p);
			continue;
		}
		p++;
		char pad = ' ';
		if (*p == '0') {
			pad = '0';
			p++;
		}
		unsigned width = 0;
		for (; *p >= '0' && *p <= '9'; p++)
			width = width * 10 + (unsigned)(*p - '0');
		bool is_long = false;
		for (; *p == 'l' || *p == 'z'; p++)
			is_long = true;
		switch (*p) {
		case 's':
			put_string(&out, va_arg(args, const char *));
			break;
		case 'u':
		case 'x': {
			uint64_t value = is_long ? va_arg(args, uint64_t) : va_arg(args, unsigned);
			put_number(&out, value, *p == 'u' ? 10 : 16, width, pad);
			break;
		}
		case '%':
			put(&out, '%');
			break;
		default:
			check_failed("format_text() knows every conversion that it is given");
		}
	}
	*out.next = '\0';
	return (size_t)(out.next - buffer);
}

size_t format_text(char *buffer, size_t size, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	size_t length = format_text_va(buffer, size, format, args);
	va_end(args);
	return length;
}
