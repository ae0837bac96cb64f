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

/** Prints "slipway: " and the formatted line (format_text()). */
void log_write(const struct log *log, const char *format, ...)
	__attribute__((format(printf, 2, 3), cold));

/** log_write() if @at_level is enabled. A macro, so that a silent boot does not pay for calls. */
#define log_line(to, at_level, ...)                                                                \
	((at_level) > (to)->level ? (void)0 : log_write((to), __VA_ARGS__))

#endif
