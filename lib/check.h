/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LIB_CHECK_H
#define LIB_CHECK_H

/** Ends the machine (arch/) or the test (arch/host) with one line, @what. */
_Noreturn void check_failed(const char *what);

/**
 * A fact that our own code guarantees. It is compiled into every build; input
 * from the host is never the subject of a CHECK, it is refused with a status. The line
 * names the function alone: the conditions' texts would take more than half a KiB of the image.
 */
#define CHECK(condition) ((condition) ? (void)0 : check_failed(__func__))

#endif
