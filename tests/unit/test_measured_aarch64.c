/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include <zlib.h>

#include "hash_table.h"
#include "machine.h"
#include "measured.h"
#include "payload_arm.h"
#include "pe.h"

/* Whole boots on AArch64 with a TPM that the device tree has. */

#define TPM_SIZE  0x5000 /* QEMU's five localities */
#define KERNEL_AT (ARM_RAM + 32 * MIB)
#define INITRD_AT (ARM_RAM + 64 * MIB)
#define TABLE_AT  (ARM_RAM + 24 * MIB)

#define COMMANDS_BEFORE 2 /* the first that extends a PCR */

static const struct span no_initrd = {NULL, 0};

static void machine_without_log(void)
{
	arm_new(ARM_RAM_SIZE, HOST_FWCFG_QEMU);
	machine_add_recording("virt-10.0");
	arm_tree.tpm = (struct arch_range){ARM_TPM, TPM_SIZE};
	tpm_model_add(ARM_TPM, false);
}

static void machine(void)
{
	machine_without_log();
	measured_add_log(MEASURED_LOG_SIZE);
}

static void hands_off(void)
{
	unit_check_end(arm_boot(), HOST_HANDOFF);
}

/* The payload of payload_arm.h, and nothing to say. */
static void boots(void)
{
	hands_off();
	assert_true(arm_has_acpi());
	arm_check_acpi(&expected);
	assert_string_equal(host.console, "");
}

static void fails(const char *stage, enum status status)
{
	unit_check_end(arm_boot(), HOST_FATAL);
	unit_check_fatal(stage, status);
	arm_check_writes();
}

static struct span whole_kernel(void)
{
	return (struct span){kernel.bytes, kernel.size};
}

static struct span whole_initrd(void)
{
	return (struct span){initrd, sizeof(initrd)};
}

/* What Linux takes: struct linux_efi_tpm_eventlog, then the events. */
static struct span efi_log(void)
{
	const uint8_t *head = host_memory(arm_event_log(), 9);

	assert_non_null(head);
	assert_int_equal(get32(head + 4), 0);
	assert_int_equal(head[8], 2);
	return (struct span){head + 9, get32(head)};
}

/* Both logs are the same, but that one is as long as its events. */
static void check_both_logs(struct span told_kernel, struct span told_initrd, const char *cmdline)
{
	expected.initrd_size = told_initrd.size;
	expected.cmdline = cmdline;
	arm_check_acpi(&expected);
	struct span copy = efi_log();
	measured_check(told_kernel, told_initrd, cmdline);
	measured_check_log(copy, told_kernel, told_initrd, cmdline);
	assert_true(copy.size < MEASURED_LOG_SIZE);
	assert_memory_equal(copy.bytes, measured_log().bytes, copy.size);
}

static void check(void)
{
	check_both_logs(whole_kernel(), whole_initrd(), CMDLINE);
}

/* -- machines -------------------------------------------------------------------------- */

static void measured_arm_boot(void **state)
{
	static const char *const names[] = {"virt-7.2", "virt-10.0"};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		for (unsigned crb = 0; crb < 2; crb++) {
			arm_new(ARM_RAM_SIZE, HOST_FWCFG_QEMU);
			machine_add_recording(names[i]);
			arm_tree.tpm = (struct arch_range){ARM_TPM, TPM_SIZE};
			tpm_model_add(ARM_TPM, crb != 0);
			measured_add_log(MEASURED_LOG_SIZE);
			payload_add();
			boots();
			check();
			/* The kernel finds it by ACPI, and with the EFI tables: 9 is ACPI reclaim.
			 */
			assert_int_equal(arm_efi_type(measured_log_address()), 9);
			assert_int_equal(arm_efi_type(arm_event_log()), 9);
			assert_int_equal(arm_efi_type(arm_event_log() + 9 + efi_log().size - 1), 9);
		}
	}
}

static void measured_arm_without_a_tpm(void **state)
{
	(void)state;
	machine_without_log();
	payload_add();
	boots();
	assert_int_equal(tpm_model.accesses, 0);
	assert_int_equal(arm_event_log(), 0);
	/* QEMU has the file without a TPM, too (rulings 37). */
	machine_without_log();
	measured_add_log_file(0);
	payload_add();
	boots();
	assert_int_equal(tpm_model.accesses, 0);
	/* No node says where it is, or one whose registers are too few. */
	for (unsigned has_node = 0; has_node < 2; has_node++) {
		machine();
		arm_tree.tpm.size = has_node != 0 ? 0xfff : 0;
		payload_add();
		boots();
		assert_int_equal(tpm_model.accesses, 0);
		assert_int_equal(arm_event_log(), 0);
	}
	/* Nobody is there. */
	machine();
	arm_tree.tpm.start += 0x10000;
	payload_add();
	hands_off();
	arm_check_acpi(&expected);
	assert_non_null(strstr(host.console, "the TPM does not start: no-memory"));
	assert_int_equal(arm_event_log(), 0);
}

static void measured_arm_tpm_in_ram(void **state)
{
	static const uint64_t places[] = {ARM_RAM + 16 * MIB, ARM_RAM - TPM_SIZE + 1,
					  ARM_RAM + ARM_RAM_SIZE - 1};

	(void)state;
	for (size_t i = 0; i < COUNT(places); i++) {
		machine();
		arm_tree.tpm.start = places[i];
		payload_add();
		fails("tpm", STATUS_OVERLAP);
		assert_non_null(strstr(host.console, "the TPM at 0x"));
	}
}

/* Then the kernel gets the VMM's tree, and no table has a place for the log. */
static void measured_arm_acpi_off(void **state)
{
	(void)state;
	machine();
	host_fwcfg_file("opt/org.slipway/kernel", kernel.bytes, kernel.size);
	host_fwcfg_file("opt/org.slipway/cmdline", "acpi=off", 8);
	hands_off();
	assert_false(arm_has_acpi());
	assert_int_equal(measured_log_address(), 0);
	/* The version, the separators, and what is booted. */
	assert_int_equal(tpm_model.extends, 1 + 8 + 3);
	assert_true(tpm_model_is_untouched(1) == false && tpm_model_is_untouched(9) == false);
}

/* -- banks and room ----------------------------------------------------------------------- */

static void measured_arm_banks(void **state)
{
	const uint16_t algorithms[] = {0x4, PCR_SHA384, 0xd};

	(void)state;
	machine();
	tpm_model_set_banks(algorithms, COUNT(algorithms));
	tpm_model.inactive = PCR_SHA256;
	payload_add();
	boots();
	check();
}

static void measured_arm_log_without_room(void **state)
{
	static uint8_t usual[sizeof(tpm_model.pcr)];
	static struct tpm_log log, copy;

	(void)state;
	machine();
	payload_add();
	boots();
	memcpy(usual, tpm_model.pcr, sizeof(usual));
	for (size_t size = 1; size < 1000; size += 333) {
		machine_without_log();
		measured_add_log(size);
		payload_add();
		hands_off();
		arm_check_acpi(&expected);
		assert_non_null(
			strstr(host.console, "the TPM's event log has no room for all events"));
		assert_memory_equal(tpm_model.pcr, usual, sizeof(usual));
		if (size == 1) {
			assert_int_equal(efi_log().size, 0);
			continue;
		}
		tpm_log_read(measured_log(), &log);
		tpm_log_read(efi_log(), &copy);
		assert_int_equal(log.count, copy.count);
		assert_int_equal(efi_log().size, copy.size);
	}
}

static void measured_arm_without_memory(void **state)
{
	unsigned refused = 0;

	(void)state;
	machine();
	payload_add();
	boots();
	size_t claims = host.claims;
	for (size_t claim = 1; claim <= claims; claim++) {
		machine();
		payload_add();
		host.fail_claim = claim;
		if (arm_boot() == HOST_HANDOFF)
			continue;
		assert_string_equal(host.check, "");
		if (strcmp(host.fatal.stage, "tpm") != 0)
			continue;
		assert_int_equal(host.fatal.status, STATUS_NO_MEMORY);
		refused++;
	}
	assert_int_equal(refused, 1);
}

/* -- kernels --------------------------------------------------------------------------------- */

static void measured_arm_kernel_in_memory(void **state)
{
	(void)state;
	machine();
	arm_put(KERNEL_AT, kernel.bytes, kernel.size);
	arm_put(INITRD_AT, initrd, sizeof(initrd));
	arm_tree.kernel = (struct arch_range){KERNEL_AT, kernel.size};
	arm_tree.initrd = (struct arch_range){INITRD_AT, sizeof(initrd)};
	arm_tree.bootargs = CMDLINE;
	boots();
	assert_int_equal(host.handoff.entry, KERNEL_AT);
	check();
}

static void measured_arm_without_initrd_and_cmdline(void **state)
{
	(void)state;
	machine();
	host_fwcfg_file("opt/org.slipway/kernel", kernel.bytes, kernel.size);
	hands_off();
	check_both_logs(whole_kernel(), no_initrd, "");
}

static uint8_t *pack(struct span file, size_t *ret_size)
{
	uint8_t *packed = malloc(file.size + 1000);
	z_stream stream = {0};

	assert_non_null(packed);
	assert_int_equal(deflateInit2(&stream, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY),
			 Z_OK);
	stream.next_in = (uint8_t *)file.bytes;
	stream.avail_in = (uInt)file.size;
	stream.next_out = packed;
	stream.avail_out = (uInt)file.size + 1000;
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	*ret_size = stream.total_out;
	(void)deflateEnd(&stream);
	return packed;
}

/* As it was delivered, which is what the VMM's user has as a file. */
static void measured_arm_packed_kernel(void **state)
{
	size_t size;
	uint8_t *packed = pack(whole_kernel(), &size);

	(void)state;
	for (unsigned in_memory = 0; in_memory < 2; in_memory++) {
		machine();
		if (in_memory != 0) {
			arm_put(KERNEL_AT, packed, size);
			arm_tree.kernel = (struct arch_range){KERNEL_AT, size};
		} else {
			host_fwcfg_file("opt/org.slipway/kernel", packed, size);
		}
		hands_off();
		assert_memory_equal(host_memory(host.handoff.entry, kernel.size), kernel.bytes,
				    kernel.size);
		check_both_logs((struct span){packed, size}, no_initrd, "");
	}
	free(packed);
}

static void measured_arm_uki(void **state)
{
	static const char *const given[] = {"", "from=vmm"};
	struct pe_file uki = pe_make(PE_AARCH64, 3);

	(void)state;
	(void)pe_add(&uki, ".cmdline", "from=uki\n", 9);
	(void)pe_add(&uki, ".initrd", initrd, sizeof(initrd));
	(void)pe_add(&uki, ".linux", kernel.bytes, kernel.size);
	for (size_t i = 0; i < COUNT(given); i++) {
		machine();
		host_fwcfg_file("opt/org.slipway/kernel", uki.bytes, uki.size);
		host_fwcfg_file("opt/org.slipway/cmdline", given[i], strlen(given[i]));
		hands_off();
		check_both_logs(whole_kernel(), whole_initrd(), i == 0 ? "from=uki" : given[i]);
	}
	pe_free(&uki);
}

static void measured_arm_and_verified(void **state)
{
	uint8_t table[HASH_TABLE_SIZE];

	(void)state;
	for (unsigned wrong = 0; wrong < 2; wrong++) {
		machine();
		payload_add();
		hash_table_make(table, whole_kernel(), whole_initrd(), CMDLINE);
		table[HASH_TABLE_INITRD] ^= (uint8_t)wrong;
		arm_put(TABLE_AT, table, sizeof(table));
		arm_tree.has_hash_table = true;
		arm_tree.hash_table = (struct arch_range){TABLE_AT, HASH_TABLE_SIZE};
		if (wrong != 0) {
			fails("payload", STATUS_MISMATCH);
			assert_int_equal(tpm_model.accesses, 0);
			continue;
		}
		boots();
		check();
	}
}

/* -- a TPM that fails ----------------------------------------------------------------------------
 */

static const struct {
	enum status status;
	const char *warning; /* NULL: it is only said to who wants to know */
} faults[TPM_MODEL_FAULTS] = {
	[TPM_MODEL_ERROR] = {STATUS_UNSUPPORTED, NULL},
	[TPM_MODEL_SILENCE] = {STATUS_TIMEOUT, "the TPM does not start: timeout"},
	[TPM_MODEL_GARBAGE] = {STATUS_BAD_FORMAT, "the TPM does not start: bad-format"},
};

static void failing(unsigned command, enum tpm_model_fault fault)
{
	snprintf(unit_trial, sizeof(unit_trial), "fault %u at command %u", (unsigned)fault,
		 command);
	machine();
	tpm_model.fail_from = command;
	tpm_model.fault = fault;
	payload_add();
}

static void measured_arm_tpm_that_does_not_start(void **state)
{
	(void)state;
	for (unsigned fault = 0; fault < TPM_MODEL_FAULTS; fault++) {
		failing(1, fault);
		hands_off();
		arm_check_acpi(&expected);
		if (faults[fault].warning == NULL)
			assert_string_equal(host.console, "");
		else
			assert_non_null(strstr(host.console, faults[fault].warning));
		assert_int_equal(tpm_model.extends, 0);
		assert_int_equal(arm_event_log(), 0);
		for (size_t at = 0; at < MEASURED_LOG_SIZE; at++)
			assert_int_equal(measured_log().bytes[at], 0);
	}
}

static void measured_arm_tpm_that_fails_later(void **state)
{
	(void)state;
	machine();
	payload_add();
	boots();
	unsigned commands = tpm_model.commands;
	assert_int_equal(commands, COMMANDS_BEFORE + tpm_model.extends);
	for (unsigned command = 2; command <= commands; command++) {
		enum tpm_model_fault fault = command % TPM_MODEL_FAULTS;
		failing(command, fault);
		fails("tpm", faults[fault].status);
		assert_non_null(
			strstr(host.console, command == 2 ? "the TPM does not say which PCRs it has"
							  : "the TPM does not extend PCR "));
		assert_int_equal(tpm_model.commands, command);
	}
}

#define TEST(function)                                                                             \
	cmocka_unit_test_setup_teardown(function, payload_setup_small, payload_teardown)

static const struct CMUnitTest tests[] = {
	TEST(measured_arm_boot),
	TEST(measured_arm_without_a_tpm),
	TEST(measured_arm_tpm_in_ram),
	TEST(measured_arm_acpi_off),
	TEST(measured_arm_banks),
	TEST(measured_arm_log_without_room),
	TEST(measured_arm_without_memory),
	TEST(measured_arm_kernel_in_memory),
	TEST(measured_arm_without_initrd_and_cmdline),
	TEST(measured_arm_packed_kernel),
	TEST(measured_arm_uki),
	TEST(measured_arm_and_verified),
	TEST(measured_arm_tpm_that_does_not_start),
	TEST(measured_arm_tpm_that_fails_later),
};

UNIT_MAIN(tests)
