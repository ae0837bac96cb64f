/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROOF_H
#define PROOF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/check.h"
#include "lib/status.h"

/*
 * What the proofs share. A file proof_MODULE.c includes the sources that it proves, so that it
 * reaches their static functions, and has a function for each proof:
 *
 *     / **
 *      * What is proved.
 *      * Bound: the inputs that it is proved for.
 *      * /
 *     PROOF(name, unwind)
 *     {
 *
 * Numbers that nobody sets are arbitrary, and CBMC looks at all of them at once. A loop runs less
 * often than @unwind: that too is proved. Loops: in the comment, "function.number:count" for
 * those that differ (cbmc --show-loops).
 */
#define PROOF(name, unwind)                                                                        \
	void proof_##name(void);                                                                   \
	void proof_##name(void)

/* CBMC has a model of this one alone. */
#define __builtin_memcpy memcpy

/** The input is such that. */
#define ASSUME(condition) __CPROVER_assume(condition)

/** What is to be proved. */
#define PROVE(condition) __CPROVER_assert(condition, #condition)

/**
 * Some input leads here: without this a proof that assumes too much would hold, and say nothing.
 * It counts as proved when CBMC finds such an input.
 */
#define REACHED(what) __CPROVER_assert(false, "reached: " what)

/* A variable that nobody sets. */
#define ANY(type, name)                                                                            \
	static inline type name(void)                                                              \
	{                                                                                          \
		type value;                                                                        \
		return value;                                                                      \
	}

ANY(uint8_t, any_byte)
ANY(uint32_t, any_u32)
ANY(uint64_t, any_u64)

static inline bool any_bool(void)
{
	return (any_byte() & 1) != 0;
}

static inline uint64_t any_up_to(uint64_t max)
{
	uint64_t value = any_u64();

	ASSUME(value <= max);
	return value;
}

static inline uint64_t any_power_of_two(void)
{
	return 1ul << any_up_to(63);
}

/** Memory with arbitrary contents, of exactly @size bytes. */
static inline void *any_bytes(size_t size)
{
	return __CPROVER_allocate(size, 0);
}

_Noreturn void check_failed(const char *what)
{
	(void)what;
	__CPROVER_assert(false, "no CHECK fails");
	ASSUME(false);
	for (;;)
		;
}

/* What a message says is not proved; that there is room for it is. */
void reason_write(struct reason *why, const char *format, ...)
{
	(void)format;
	why->text[0] = '\0';
	why->text[REASON_SIZE - 1] = '\0';
}

#endif
