/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCH_X86_64_CONSOLE_H
#define ARCH_X86_64_CONSOLE_H

/** Ends the machine as arch_fatal() does, without a word. */
_Noreturn void console_end(void);

#endif
