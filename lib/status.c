/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/status.h"

#include "lib/format.h"

const char *status_str(enum status status)
{
	/* Arrays of characters, since an array of pointers needs relocation. */
	static const char names[][16] = {
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

	return names[status];
}

void reason_write(struct reason *why, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	format_text_va(why->text, sizeof(why->text), format, args);
	va_end(args);
}
