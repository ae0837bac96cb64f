/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "arch/host/host.h"
#include "arch/machine.h"
#include "lib/format.h"
#include "lib/log.h"

/* Apart from host.c, so that a test of arch/x86_64/console.c can do without it. */

void arch_console_write(const char *text, size_t length)
{
	size_t room = sizeof(host.console) - 1 - host.console_length;

	if (length > room)
		length = room;
	memcpy(host.console + host.console_length, text, length);
	host.console_length += length;
}

_Noreturn void arch_fatal(const char *stage, enum status status, const char *reason)
{
	const struct log log = {LOG_ERROR, arch_console_write};

	format_text(host.fatal.stage, sizeof(host.fatal.stage), "%s", stage);
	host.fatal.status = status;
	format_text(host.fatal.reason, sizeof(host.fatal.reason), "%s", reason);
	log_line(&log, LOG_ERROR, "FATAL %s %s: %s", stage, status_str(status), reason);
	host_leave(HOST_FATAL);
}
