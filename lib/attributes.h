/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LIB_ATTRIBUTES_H
#define LIB_ATTRIBUTES_H

/*
 * What we tell the compiler about a function, so that the image stays small and what each boot
 * does stays fast. Neither changes what it does. Source: GCC manual, "Common Function Attributes".
 */

/**
 * It is not inlined, since that makes code shorter: its values, and those of its caller, have
 * registers and near places on the stack then.
 */
#define APART __attribute__((noinline))

/** Few boots need it, and its file's code is to be fast: it is to be short. */
#define SELDOM __attribute__((cold))

#endif
