/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LIB_FORMAT_H
#define LIB_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/**
 * A printf for a program without stdio: newlib's keeps state in globals, which
 * the image does not have.
 *
 * Conversions: %s (bytes outside printable ASCII become '?'), %u and %x with the
 * length modifiers l, ll and z, zero padding and a width (%016lx), and %%. Anything
 * else is a broken invariant.
 *
 * @buffer receives at most @size bytes including the terminator; longer text is
 * cut. Returns the number of characters written without the terminator.
 */
size_t format_text(char *buffer, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** format_text() for callers that hold a va_list. */
size_t format_text_va(char *buffer, size_t size, const char *format, va_list args)
	__attribute__((format(printf, 3, 0)));

#endif
