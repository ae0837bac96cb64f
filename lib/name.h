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

/** Defines a name of ours, in whole words and of eight characters or more: for fwcfg_find(). */
#define NAME(identifier, string)                                                                   \
	const char identifier[(sizeof(string) + 7) / 8 * 8] = string;                              \
	_Static_assert(sizeof(string) > 8, "two words")

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

/** What of a name counts: whole words of eight bytes, and some bytes of the one behind them. */
struct name_extent {
	size_t last;   /**< offset of the word with the terminator */
	uint64_t mask; /**< its bytes up to that */
};

/**
 * Measures @text, which has whole words up to its end, or as many bytes as a name. False when it
 * does not end where a name has to.
 */
static inline bool name_measure(const char *text, struct name_extent *ret_extent)
{
	for (size_t at = 0; at < sizeof(struct name); at += 8) {
		uint64_t ends = name_zero_bytes(name_word(text, at));
		if (ends != 0) {
			uint64_t end = ends & -ends;
			*ret_extent = (struct name_extent){at, end | (end - 1)};
			return true;
		}
	}
	return false;
}

/** Whether the name ends inside its field. */
static inline bool name_is_terminated(const struct name *name)
{
	struct name_extent extent;

	return name_measure(name->text, &extent);
}

/**
 * Whether @name is @text, the extent of which is @extent; what follows the terminator does not
 * count. Eight bytes at a time, since each boot compares dozens of names.
 */
static inline bool name_is(const struct name *name, const char *text,
			   const struct name_extent *extent)
{
	size_t last = extent->last;

	/* The end first, since it is there that names differ. */
	if (((name_word(name->text, last) ^ name_word(text, last)) & extent->mask) != 0)
		return false;
	for (size_t at = 0; at < last; at += 8) {
		if (name_word(name->text, at) != name_word(text, at))
			return false;
	}
	return true;
}

#endif
