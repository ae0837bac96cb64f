/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Makefile includes this first everywhere: every symbol is in this image, so
 * that no address is looked up in a global offset table, which would need
 * relocation. -fvisibility=hidden says so of definitions only.
 */
#pragma GCC visibility push(hidden)
