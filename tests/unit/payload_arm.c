/* SPDX-License-Identifier: BSD-2-Clause */
#include "payload_arm.h"

#include "unit.h"

struct arm_kernel kernel;
uint8_t initrd[5000];
uint8_t cpu_kaslr_seed[8], cpu_rng_seed[32];
struct arm_expected expected;

static int setup(void **state, size_t size)
{
	unit_setup(state);
	kernel = arm_kernel_make(size, MIB);
	unit_random_bytes(initrd, sizeof(initrd));
	memset(cpu_kaslr_seed, 1, 8);
	for (unsigned i = 0; i < 4; i++)
		memset(cpu_rng_seed + 8 * i, (int)i + 2, 8);
	expected = (struct arm_expected){&kernel, initrd,         sizeof(initrd),
					 CMDLINE, cpu_kaslr_seed, cpu_rng_seed};
	return 0;
}

int payload_setup(void **state)
{
	return setup(state, 300000);
}

int payload_setup_small(void **state)
{
	return setup(state, 20000);
}

int payload_teardown(void **state)
{
	arm_kernel_free(&kernel);
	return unit_teardown(state);
}

void payload_add(void)
{
	host_fwcfg_file("opt/org.slipway/kernel", kernel.bytes, kernel.size);
	host_fwcfg_file("opt/org.slipway/initrd", initrd, sizeof(initrd));
	host_fwcfg_file("opt/org.slipway/cmdline", CMDLINE, strlen(CMDLINE));
}
