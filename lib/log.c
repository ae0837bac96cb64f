/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/log.h"

#include "lib/format.h"

void log_write(const struct log *log, const char *format, ...)
{
	char line[LOG_LINE_SIZE];
	va_list args;

	size_t length = format_text(line, sizeof(line), "slipway: ");
	va_start(args, format);
	length += format_text_va(line + length, sizeof(line) - length - 1, format, args);
	va_end(args);
	line[length++] = '\n';
	log->write(line, length);
}
