/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LIB_STATUS_H
#define LIB_STATUS_H

#include <stddef.h>

/** The one result type of the project. Outputs of a failed function are untouched. */
enum status {
	STATUS_OK = 0,
	STATUS_NOT_FOUND,    /**< what was asked for does not exist */
	STATUS_TRUNCATED,    /**< the data end before the structure does */
	STATUS_BAD_FORMAT,   /**< a field has a value that its specification excludes */
	STATUS_UNSUPPORTED,  /**< well-formed, but not something we can use */
	STATUS_TOO_LARGE,    /**< more than a fixed limit of ours or of the receiver */
	STATUS_OUT_OF_RANGE, /**< an offset or address outside its container */
	STATUS_OVERLAP,      /**< two regions claim the same memory */
	STATUS_NO_MEMORY,    /**< no free memory satisfies the constraints */
	STATUS_IO,           /**< the device reported an error */
	STATUS_TIMEOUT,      /**< the device did not answer within the bound */
	STATUS_MISMATCH,     /**< well-formed, but not what was agreed */
	STATUS_FAULT,        /**< the CPU raised an exception, or a CHECK failed */
};

#define MUST_CHECK __attribute__((warn_unused_result))

/** Name of a status as it appears in a FATAL line, for example "bad-format". */
const char *status_str(enum status status);

/** Length of the longest reason, with its terminator. */
#define REASON_SIZE 128

/**
 * Why a function refused its input: one line for a human. It belongs to the
 * outermost caller and is written by whoever detects the defect.
 */
struct reason {
	char text[REASON_SIZE];
};

/** Formats the reason, as format_text() does. */
void reason_write(struct reason *why, const char *format, ...)
	__attribute__((format(printf, 2, 3), cold));

/**
 * Writes the reason and gives the status, so that each check of a parser is one return
 * statement. A macro, so that the compiler sees which status it is.
 */
#define refuse(why, status, ...) (reason_write((why), __VA_ARGS__), (status))

#endif
