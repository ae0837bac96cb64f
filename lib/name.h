/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LIB_NAME_H
#define LIB_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/**
 * A file name in a field of fixed size, as the fw_cfg directory and the
 * table-loader script have it. From a hostile host it may lack its terminator.
 */
struct name {
	char text[56];
};

/** Defines a name of ours, in whole words: what name_equal() and fwcfg_find() look for. */
#define NAME(identifier, string) const char identifier[(sizeof(string) + 7) / 8 * 8] = string

/* The lowest byte of the result that is not zero marks the first zero byte of @word. */
static inline uint64_t name_zero_bytes(uint64_t word)
{
	return (word - 0x0101010101010101ul) & ~word & 0x8080808080808080ul;
}

static inline uint64_t name_word(const char *text, size_t at)
{
	uint64_t word;

	memcpy(&word, text + at, sizeof(word));
	return word;
}

/** Whether the name ends inside its field. */
static inline bool name_is_terminated(const struct name *name)
{
	for (size_t at = 0; at < sizeof(*name); at += 8) {
		if (name_zero_bytes(name_word(name->text, at)) != 0)
			return true;
	}
	return false;
}

/**
 * Whether @name is @text, which has whole words of eight bytes up to its end, or as many bytes as a
 * name. One without an end is the same as nothing. Eight bytes at a time, since each boot
 * searches the directory a dozen times.
 */
static inline bool name_equal(const char *text, const struct name *name)
{
	for (size_t at = 0; at < sizeof(*name); at += 8) {
		uint64_t word = name_word(text, at);
		uint64_t difference = word ^ name_word(name->text, at);
		uint64_t ends = name_zero_bytes(word);
		if (ends != 0) {
			/* What follows the terminator does not count. */
			uint64_t end = ends & -ends;
			return (difference & (end | (end - 1))) == 0;
		}
		if (difference != 0)
			return false;
	}
	return false;
}

#endif
