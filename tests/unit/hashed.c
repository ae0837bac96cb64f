/* SPDX-License-Identifier: BSD-2-Clause */
#include "hashed.h"

#include "unit.h"

const struct hashed_part hashed_parts[HASHED_PARTS] = {
	{HASH_TABLE_KERNEL, "the kernel's"},
	{HASH_TABLE_INITRD, "the initrd's"},
	{HASH_TABLE_CMDLINE, "command line's"},
};

struct hashed_machine hashed_machine;
uint8_t hashed_table[HASH_TABLE_SIZE];

void hashed_agree(const void *bytes, size_t size, const char *initrd, const char *cmdline)
{
	hash_table_make(hashed_table, (struct span){bytes, size},
			(struct span){(const uint8_t *)initrd, strlen(initrd)}, cmdline);
	hashed_machine.put_table();
}

void hashed_agree_kernel(const char *initrd, const char *cmdline)
{
	hashed_agree(hashed_machine.kernel, hashed_machine.kernel_size, initrd, cmdline);
}

void hashed_boots(const char *initrd, const char *cmdline)
{
	unit_check_end(hashed_machine.boot(), HOST_HANDOFF);
	hashed_machine.check_handoff(initrd, cmdline);
	assert_string_equal(host.console, "");
}

void hashed_fails(const char *stage, enum status status)
{
	unit_check_end(hashed_machine.boot(), HOST_FATAL);
	unit_check_fatal(stage, status);
	if (hashed_machine.check_failure != NULL)
		hashed_machine.check_failure();
}

void hashed_mismatches(const char *name)
{
	hashed_fails("payload", STATUS_MISMATCH);
	assert_non_null(strstr(host.console, name));
}

void hashed_test_each_source(void)
{
	for (size_t i = 0; i < hashed_machine.sources_count; i++) {
		hashed_machine.again();
		hashed_machine.sources[i]();
		hashed_agree_kernel(HASHED_INITRD, "quiet");
		hashed_boots(HASHED_INITRD, "quiet");
	}
}

void hashed_test_digest_bits(void)
{
	for (size_t i = 0; i < hashed_machine.sources_count; i++) {
		for (size_t part = 0; part < HASHED_PARTS; part++) {
			hashed_machine.again();
			hashed_machine.sources[i]();
			hashed_agree_kernel(HASHED_INITRD, "quiet");
			hashed_table[hashed_parts[part].digest + unit_random_below(32)] ^=
				(uint8_t)(1u << unit_random_below(8));
			hashed_machine.put_table();
			hashed_mismatches(hashed_parts[part].name);
		}
	}
}

void hashed_test_kernel_bits(const size_t *places, size_t count)
{
	uint8_t *kernel = hashed_machine.kernel;

	for (size_t i = 0; i < hashed_machine.sources_count; i++) {
		for (size_t place = 0; place < count; place++) {
			hashed_machine.again();
			hashed_agree_kernel(HASHED_INITRD, "quiet");
			kernel[places[place]] ^= 0x10;
			hashed_machine.sources[i]();
			hashed_mismatches("the kernel's");
			kernel[places[place]] ^= 0x10;
		}
	}
}
