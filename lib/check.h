/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LIB_CHECK_H
#define LIB_CHECK_H

/** Ends the machine (arch/) or the test (arch/host) with one line that names @what. */
_Noreturn void check_failed(const char *what);

/**
 * A fact that our own code guarantees. It is compiled into every build; input
 * from the host is never the subject of a CHECK, it is refused with a status.
 */
#define CHECK(condition) ((condition) ? (void)0 : check_failed(#condition))

#endif
