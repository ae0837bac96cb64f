/* SPDX-License-Identifier: BSD-2-Clause */
#include "payload.h"

#include "unit.h"

struct kernel kernel;
uint8_t initrd[5000];

int payload_setup(void **state)
{
	unit_setup(state);
	kernel = kernel_make(3, 8192);
	unit_random_bytes(initrd, sizeof(initrd));
	return 0;
}

int payload_teardown(void **state)
{
	kernel_free(&kernel);
	return unit_teardown(state);
}

void payload_add(void)
{
	host_fwcfg_file("opt/org.slipway/kernel", kernel.bytes, kernel.size);
	host_fwcfg_file("opt/org.slipway/initrd", initrd, sizeof(initrd));
	host_fwcfg_file("opt/org.slipway/cmdline", CMDLINE, strlen(CMDLINE));
}
