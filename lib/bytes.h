/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LIB_BYTES_H
#define LIB_BYTES_H

#include <stddef.h>

/*
 * What each boot does with more than a few bytes, in fewer instructions than memset() and memcpy(),
 * of which the compiler makes a byte or a word each.
 */

/** Sets whole pages of 4 KiB to 0. */
void clear_pages(void *start, size_t size);

/** As memcpy(). */
void copy_bytes(void *to, const void *from, size_t size);

#endif
