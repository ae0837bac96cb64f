/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/log.h"

#include "lib/format.h"

void log_line(const struct log *log, enum log_level level, const char *format, ...)
{
	char line[LOG_LINE_SIZE];
	va_list args;

	if (level > log->level)
		return;
	size_t length = format_text(line, sizeof(line), "slipway: ");
	va_start(args, format);
	length += format_text_va(line + length, sizeof(line) - length - 1, format, args);
	va_end(args);
	line[length++] = '\n';
	log->write(line, length);
}
