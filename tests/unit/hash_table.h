/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_UNIT_HASH_TABLE_H
#define TESTS_UNIT_HASH_TABLE_H

#include <stdint.h>

#include "lib/span.h"

/* The hash table of confidential VMs, of what a boot is to be given. */

#define HASH_TABLE_SIZE 176

/** Where its digests are. */
enum {
	HASH_TABLE_CMDLINE = 36,
	HASH_TABLE_INITRD = 86,
	HASH_TABLE_KERNEL = 136,
};

/** As QEMU makes it. */
void hash_table_make(uint8_t ret_table[HASH_TABLE_SIZE], struct span kernel, struct span initrd,
		     const char *cmdline);

#endif
