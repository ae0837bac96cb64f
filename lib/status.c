/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/status.h"

#include "lib/format.h"

const char *status_str(enum status status)
{
	switch (status) {
	case STATUS_OK:
		return "ok";
	case STATUS_NOT_FOUND:
		return "not-found";
	case STATUS_TRUNCATED:
		return "truncated";
	case STATUS_BAD_FORMAT:
		return "bad-format";
	case STATUS_BAD_CHECKSUM:
		return "bad-checksum";
	case STATUS_UNSUPPORTED:
		return "unsupported";
	case STATUS_TOO_LARGE:
		return "too-large";
	case STATUS_OUT_OF_RANGE:
		return "out-of-range";
	case STATUS_OVERLAP:
		return "overlap";
	case STATUS_NO_MEMORY:
		return "no-memory";
	case STATUS_IO:
		return "io";
	case STATUS_TIMEOUT:
		return "timeout";
	case STATUS_FAULT:
		return "fault";
	}
	return "unknown";
}

void reason_write(struct reason *why, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	format_text_va(why->text, sizeof(why->text), format, args);
	va_end(args);
}
