/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_UNIT_HASHED_H
#define TESTS_UNIT_HASHED_H

#include <stddef.h>
#include <stdint.h>

#include "arch/host/host.h"
#include "hash_table.h"

/* Whole boots with a hash table, on either architecture. */

#define HASHED_INITRD      "the right initrd"
#define HASHED_INITRD_SIZE (sizeof(HASHED_INITRD) - 1)

/** What differs between them. */
struct hashed_machine {
	void (*again)(void);     /**< a new machine, without a payload */
	void (*put_table)(void); /**< puts hashed_table into its place */
	enum host_end (*boot)(void);
	/** After a hand-off: the kernel was entered as it was agreed, and had these. */
	void (*check_handoff)(const char *initrd, const char *cmdline);
	/** After a failure: no memory was written that is nobody's; NULL: not looked at. */
	void (*check_failure)(void);
	/** Ways to give the kernel, HASHED_INITRD and the command line "quiet". */
	void (*const *sources)(void);
	size_t sources_count;
	uint8_t *kernel;
	size_t kernel_size;
};
/** A test's set-up fills it in. */
extern struct hashed_machine hashed_machine;
extern uint8_t hashed_table[HASH_TABLE_SIZE];

/** What a table has hashes of: where they are, and what a mismatch calls it. */
#define HASHED_PARTS 3
extern const struct hashed_part {
	unsigned digest;
	char name[16];
} hashed_parts[HASHED_PARTS];

/** Makes and puts a table with the hashes of these, where the kernel is @size bytes. */
void hashed_agree(const void *bytes, size_t size, const char *initrd, const char *cmdline);

/** The same for the machine's kernel. */
void hashed_agree_kernel(const char *initrd, const char *cmdline);

/** It boots with these, and has nothing to say. */
void hashed_boots(const char *initrd, const char *cmdline);

/** It ends with a FATAL line of @stage and @status. */
void hashed_fails(const char *stage, enum status status);

/** It says that what is called @name is not what was agreed. */
void hashed_mismatches(const char *name);

/** The tests that are the same: what each source gives boots, */
void hashed_test_each_source(void);

/** and not with another bit in the hash of a part, */
void hashed_test_digest_bits(void);

/** nor with another one at one of @places in the kernel. */
void hashed_test_kernel_bits(const size_t *places, size_t count);

#endif
