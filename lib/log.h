/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LIB_LOG_H
#define LIB_LOG_H

#include <stddef.h>

enum log_level {
	LOG_ERROR,
	LOG_WARN,
	LOG_INFO,
	LOG_DEBUG,
};

/** Length of the longest line, with its terminator. */
#define LOG_LINE_SIZE 192

/** Where lines go, and which. A healthy boot prints nothing at the default level. */
struct log {
	enum log_level level;
	void (*write)(const char *text, size_t length);
};

/** Prints "slipway: " and the formatted line (format_text()) if @level is enabled. */
void log_line(const struct log *log, enum log_level level, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
