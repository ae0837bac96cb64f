/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "hash_table.h"
#include "machine.h"
#include "measure/sha2.h"
#include "measure/tpm.h"
#include "measured.h"
#include "payload.h"
#include "pe.h"

/* Whole boots on x86_64 with a TPM: what is extended, and what the log says of it. */

#define ELF_PLACE (24 * MIB)
#define FWCFG_CPU 0x05

/* A PVH loader's, as in test_boot.c. */
#define MODULE (32 * MIB)
#define RSDP   0xa0000ul
#define ROOT   0xa0100ul
#define TPM2   0xa0200ul

#define SHUTDOWN_STATUS 0x0f
#define SLEPT           0xfe
#define WAKING_VECTOR   0x9b030u

static const struct span no_initrd = {NULL, 0};

/* The commands of a boot: TPM2_Startup and TPM2_GetCapability come before the first extension. */
#define COMMANDS_BEFORE 2

/* -- machines ------------------------------------------------------------------------- */

static void machine_without_log(const char *name, void (*add_chipset)(void))
{
	machine_new(256 * MIB, 0);
	host_add_fwcfg(HOST_FWCFG_QEMU);
	machine_add_recording(name);
	host_fwcfg_integer(FWCFG_CPU, 2, 1);
	add_chipset();
	tpm_model_add(TPM_PC_REGISTERS, true);
}

static void machine(void)
{
	machine_without_log("q35-10.0", host_add_q35);
	measured_add_log(MEASURED_LOG_SIZE);
}

static void hands_off(void)
{
	unit_check_end(machine_boot(ARCH_ENTRY_RESET, 0), HOST_HANDOFF);
}

/* The payload of payload.h, and nothing to say. */
static void boots(void)
{
	hands_off();
	machine_check_handoff(&kernel, initrd, sizeof(initrd), CMDLINE);
	assert_string_equal(host.console, "");
}

static void fails(const char *stage, enum status status)
{
	unit_check_end(machine_boot(ARCH_ENTRY_RESET, 0), HOST_FATAL);
	unit_check_fatal(stage, status);
}

/* -- what is expected ------------------------------------------------------------------ */

/* The kernel without the fields that VMMs and boot loaders fill in: docs/measured-boot.md. */
static struct span normal_kernel(void)
{
	static uint8_t bytes[0x10000];

	assert_true(kernel.size <= sizeof(bytes));
	memcpy(bytes, kernel.bytes, kernel.size);
	put16(bytes + VID_MODE, 0);
	bytes[TYPE_OF_LOADER] = 0;
	bytes[LOADFLAGS] &= 0x7f;
	put32(bytes + RAMDISK_IMAGE, 0);
	put32(bytes + RAMDISK_SIZE, 0);
	put16(bytes + HEAP_END_PTR, 0);
	put32(bytes + CMD_LINE_PTR, 0);
	put64(bytes + SETUP_DATA, 0);
	return (struct span){bytes, kernel.size};
}

static struct span whole_initrd(void)
{
	return (struct span){initrd, sizeof(initrd)};
}

static void check(void)
{
	measured_check(normal_kernel(), whole_initrd(), CMDLINE);
}

/* -- machines of QEMU ------------------------------------------------------------------ */

static void measured_boot(void **state)
{
	static const struct {
		const char *name;
		void (*add_chipset)(void);
	} cases[] = {
		{"q35-7.2", host_add_q35},         {"q35-10.0", host_add_q35},
		{"q35-vmgenid-7.2", host_add_q35}, {"pc-7.2", host_add_i440fx},
		{"pc-10.0", host_add_i440fx},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		for (unsigned crb = 0; crb < 2; crb++) {
			snprintf(unit_trial, sizeof(unit_trial), "%s", cases[i].name);
			machine_new(256 * MIB, 0);
			host_add_fwcfg(HOST_FWCFG_QEMU);
			machine_add_recording(cases[i].name);
			host_fwcfg_integer(FWCFG_CPU, 2, 1);
			cases[i].add_chipset();
			tpm_model_add(TPM_PC_REGISTERS, crb != 0);
			measured_add_log(MEASURED_LOG_SIZE);
			payload_add();
			boots();
			check();
			assert_int_equal(tpm_model.starts, 1);
			assert_int_equal(tpm_model.started[0], TPM_SU_CLEAR);
			/* The tables that point to it are there too: ACPI NVS. */
			assert_int_equal(machine_e820_type(measured_log_address()), MEMMAP_NVS);
			assert_int_equal(
				machine_e820_type(measured_log_address() + MEASURED_LOG_SIZE - 1),
				MEMMAP_NVS);
		}
	}
}

/* The CPU's own instructions find the same. */
static void measured_by_the_cpu(void **state)
{
	(void)state;
	machine();
	host.has_sha256 = host_cpu_has_sha256();
	payload_add();
	boots();
	check();
}

/* QEMU has the file without a TPM, too; then it is empty (rulings 37). */
static void measured_without_a_log_file(void **state)
{
	(void)state;
	for (unsigned is_empty = 0; is_empty < 2; is_empty++) {
		machine_without_log("q35-10.0", host_add_q35);
		if (is_empty != 0)
			measured_add_log_file(0);
		payload_add();
		boots();
		assert_int_equal(tpm_model.accesses, 0);
	}
	/* A microvm has none where a PC has it. */
	machine_new(256 * MIB, 0);
	host_add_fwcfg(HOST_FWCFG_QEMU);
	machine_add_recording("microvm-10.0");
	host_fwcfg_integer(FWCFG_CPU, 2, 1);
	tpm_model_add(TPM_PC_REGISTERS, true);
	measured_add_log(MEASURED_LOG_SIZE);
	payload_add();
	boots();
	assert_int_equal(tpm_model.accesses, 0);
}

static void measured_without_tables(void **state)
{
	(void)state;
	machine_new(64 * MIB, 0);
	host_add_fwcfg(HOST_FWCFG_QEMU);
	machine_add_e820(64 * MIB, 0);
	host_add_q35();
	tpm_model_add(TPM_PC_REGISTERS, true);
	measured_add_log_file(MEASURED_LOG_SIZE);
	payload_add();
	boots();
	/* Nobody has placed the log; the version, separators and what is booted are extended. */
	assert_int_equal(tpm_model.extends, 1 + 8 + 3);
	assert_true(tpm_model_is_untouched(1) == false && tpm_model_is_untouched(9) == false);
}

/* -- banks ------------------------------------------------------------------------------ */

static void measured_banks(void **state)
{
	static const struct {
		size_t count;
		uint16_t algorithm[4];
		uint16_t inactive;
	} cases[] = {
		{1, {PCR_SHA256}, 0},
		{1, {PCR_SHA384}, 0x4},
		{2, {PCR_SHA384, PCR_SHA256}, 0xd},
		/* SHA-1, SHA-512 and SM3 are not ours. */
		{4, {0x4, PCR_SHA256, 0xd, 0x12}, 0},
		{1, {0x4}, PCR_SHA256},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		snprintf(unit_trial, sizeof(unit_trial), "banks %zu", i);
		machine();
		tpm_model_set_banks(cases[i].algorithm, cases[i].count);
		tpm_model.inactive = cases[i].inactive;
		payload_add();
		boots();
		check();
	}
}

/* An algorithm that nobody knows has a digest that nobody can make. */
static void measured_bank_of_unknown_size(void **state)
{
	const uint16_t unknown[] = {PCR_SHA256, 0x7777};

	(void)state;
	machine();
	tpm_model_set_banks(unknown, COUNT(unknown));
	payload_add();
	fails("tpm", STATUS_BAD_FORMAT);
	assert_int_equal(tpm_model.extends, 0);
}

/* -- the log's room ----------------------------------------------------------------------- */

static uint8_t usual_pcrs[sizeof(tpm_model.pcr)];

static void note_usual_pcrs(void)
{
	machine();
	payload_add();
	boots();
	check();
	memcpy(usual_pcrs, tpm_model.pcr, sizeof(usual_pcrs));
}

static void has_usual_pcrs(void)
{
	assert_memory_equal(tpm_model.pcr, usual_pcrs, sizeof(usual_pcrs));
}

/* The log ends with an event that had room; the PCRs do not care. */
static void measured_log_without_room(void **state)
{
	static struct tpm_log log;
	size_t most = 0;

	(void)state;
	note_usual_pcrs();
	tpm_log_read(measured_log(), &log);
	size_t needed = log.size, count = log.count;
	const size_t sizes[] = {1, 68, 69, 70, 400, 1000, needed - 1, needed};
	for (size_t i = 0; i < COUNT(sizes); i++) {
		snprintf(unit_trial, sizeof(unit_trial), "%zu bytes", sizes[i]);
		machine_without_log("q35-10.0", host_add_q35);
		measured_add_log(sizes[i]);
		payload_add();
		hands_off();
		machine_check_handoff(&kernel, initrd, sizeof(initrd), CMDLINE);
		has_usual_pcrs();
		assert_int_equal(strstr(host.console,
					"the TPM's event log has no room for all events") != NULL,
				 sizes[i] < needed);
		if (sizes[i] < 69) {
			/* Not even of its first event. */
			for (size_t at = 0; at < sizes[i]; at++)
				assert_int_equal(measured_log().bytes[at], 0);
			continue;
		}
		tpm_log_read(measured_log(), &log);
		assert_true(log.count >= most && (log.count < count || sizes[i] == needed));
		most = log.count;
	}
	assert_int_equal(most, count);
}

/* What the host has put into the file does not stay. */
static void measured_log_that_is_not_empty(void **state)
{
	static const size_t sizes[] = {60, 0x10000, 0x20000};

	(void)state;
	note_usual_pcrs();
	for (size_t i = 0; i < COUNT(sizes); i++) {
		machine_without_log("q35-10.0", host_add_q35);
		measured_add_log(sizes[i]);
		memset(measured_file("etc/tpm/log")->bytes, 0x5a, sizes[i]);
		payload_add();
		hands_off();
		has_usual_pcrs();
		if (sizes[i] > 60) {
			check();
			continue;
		}
		for (size_t at = 0; at < sizes[i]; at++)
			assert_int_equal(measured_log().bytes[at], 0);
	}
}

/* Too short for anything, and nowhere. */
static void measured_log_that_is_nowhere(void **state)
{
	static const size_t sizes[] = {1, 3, 100, 0x10000};

	(void)state;
	note_usual_pcrs();
	for (size_t i = 0; i < COUNT(sizes); i++) {
		machine_without_log("q35-10.0", host_add_q35);
		measured_add_log_file(sizes[i]);
		payload_add();
		hands_off();
		machine_check_handoff(&kernel, initrd, sizeof(initrd), CMDLINE);
		/* The script, which is another one, is in PCR 1. */
		for (size_t bank = 0; bank < PCR_BANKS_MAX; bank++)
			memcpy(usual_pcrs + (bank * PCR_COUNT + 1) * PCR_DIGEST_SIZE_MAX,
			       tpm_model.pcr[bank][1], PCR_DIGEST_SIZE_MAX);
		has_usual_pcrs();
	}
}

static void measured_without_memory_for_the_log(void **state)
{
	(void)state;
	machine();
	payload_add();
	boots();
	size_t claims = host.claims, refused = 0;
	for (size_t claim = 1; claim <= claims; claim++) {
		machine();
		payload_add();
		host.fail_claim = claim;
		if (machine_boot(ARCH_ENTRY_RESET, 0) == HOST_HANDOFF) {
			check();
			continue;
		}
		assert_string_equal(host.check, "");
		if (strcmp(host.fatal.stage, "tpm") != 0)
			continue;
		assert_int_equal(host.fatal.status, STATUS_NO_MEMORY);
		assert_string_equal(host.fatal.reason, "no memory for the event log");
		assert_int_equal(tpm_model.extends, 0);
		refused++;
	}
	assert_int_equal(refused, 1);
}

/* -- kernels -------------------------------------------------------------------------------- */

/* As QEMU fills in the header of what it gives as items: hw/i386/x86-common.c. */
static void patch_like_qemu(void)
{
	kernel.bytes[TYPE_OF_LOADER] = 0xb0;
	kernel.bytes[LOADFLAGS] |= CAN_USE_HEAP_FLAG;
	put16(kernel.bytes + VID_MODE, 0xfffe);
	put16(kernel.bytes + HEAP_END_PTR, 0x1234);
	put32(kernel.bytes + RAMDISK_IMAGE, 0x01234567);
	put32(kernel.bytes + RAMDISK_SIZE, 5000);
	put32(kernel.bytes + CMD_LINE_PTR, 0x20000);
}

static void measured_kernel_of_each_source(void **state)
{
	struct span usual = normal_kernel();

	(void)state;
	for (unsigned legacy = 0; legacy < 2; legacy++) {
		machine();
		if (legacy == 0) {
			host_fwcfg_file("etc/boot/kernel", kernel.bytes, kernel.size);
		} else {
			patch_like_qemu();
			machine_add_legacy_kernel(&kernel);
		}
		machine_add_legacy(0x0b, 0x12, initrd, sizeof(initrd));
		machine_add_legacy(0x14, 0x15, CMDLINE, sizeof(CMDLINE));
		boots();
		check();
		assert_memory_equal(normal_kernel().bytes, usual.bytes, usual.size);
	}
	/* Cloud Hypervisor's item has 4096 bytes, whatever the setup has. */
	uint8_t item[4096];
	unit_random_bytes(item, sizeof(item));
	memcpy(item, kernel.bytes, kernel.setup_size);
	machine();
	machine_add_legacy_kernel(&kernel);
	machine_add_legacy(0x17, 0x18, item, sizeof(item));
	machine_add_legacy(0x0b, 0x12, initrd, sizeof(initrd));
	machine_add_legacy(0x14, 0x15, CMDLINE, sizeof(CMDLINE));
	boots();
	check();
}

static void measured_without_initrd_and_cmdline(void **state)
{
	(void)state;
	machine();
	host_fwcfg_file("opt/org.slipway/kernel", kernel.bytes, kernel.size);
	hands_off();
	machine_check_handoff(&kernel, "", 0, "");
	measured_check(normal_kernel(), no_initrd, "");
}

/* A file's newline is not a part of what the kernel gets. */
static void measured_cmdline_of_a_file(void **state)
{
	(void)state;
	machine();
	host_fwcfg_file("opt/org.slipway/kernel", kernel.bytes, kernel.size);
	host_fwcfg_file("opt/org.slipway/cmdline", "quiet\n", 6);
	hands_off();
	measured_check(normal_kernel(), no_initrd, "quiet");
}

/* One bit of each part is in the PCR that is its own. */
static void measured_one_bit(void **state)
{
	uint8_t *const places[] = {kernel.bytes + 0x300, kernel.bytes + kernel.size - 1,
				   initrd + 4999};

	(void)state;
	note_usual_pcrs();
	for (size_t i = 0; i < COUNT(places); i++) {
		*places[i] ^= 1;
		machine();
		payload_add();
		boots();
		check();
		for (size_t bank = 0; bank < 2; bank++) {
			const size_t one = sizeof(tpm_model.pcr[0][0]);
			const uint8_t *usual = usual_pcrs + bank * sizeof(tpm_model.pcr[0]);
			assert_memory_equal(tpm_model.pcr[bank], usual, 9 * one);
			assert_memory_not_equal(tpm_model.pcr[bank][9], usual + 9 * one, one);
		}
		*places[i] ^= 1;
	}
}

/* What QEMU attaches (-dtb) is not in the kernel's file. */
static void measured_setup_data_is_left_out(void **state)
{
	size_t body = kernel.size - kernel.setup_size, node = (body + 15) / 16 * 16;
	uint8_t *both = calloc(1, node + 16 + 32);
	uint32_t type, length;

	(void)state;
	assert_non_null(both);
	memcpy(both, kernel.bytes + kernel.setup_size, body);
	put32(both + node + 8, 1);
	put32(both + node + 12, 32);
	machine();
	struct span usual = normal_kernel();
	put64(kernel.bytes + SETUP_DATA, MIB + node);
	machine_add_legacy_kernel(&kernel);
	machine_add_legacy(0x08, 0x11, both, node + 16 + 32);
	hands_off();
	assert_non_null(machine_setup_data(0, &type, &length));
	assert_int_equal(type, 1);
	measured_check(usual, no_initrd, "");
	free(both);
}

static void measured_uki(void **state)
{
	struct pe_file uki = pe_make(PE_X86_64, 3);

	(void)state;
	(void)pe_add(&uki, ".cmdline", "from=uki\n", 9);
	(void)pe_add(&uki, ".initrd", initrd, sizeof(initrd));
	(void)pe_add(&uki, ".linux", kernel.bytes, kernel.size);
	machine();
	host_fwcfg_file("opt/org.slipway/kernel", uki.bytes, uki.size);
	hands_off();
	measured_check(normal_kernel(), whole_initrd(), "from=uki");
	/* The VMM's counts, and so it is what is measured. */
	machine();
	host_fwcfg_file("opt/org.slipway/kernel", uki.bytes, uki.size);
	machine_add_legacy(0x14, 0x15, "from=vmm", 9);
	hands_off();
	measured_check(normal_kernel(), whole_initrd(), "from=vmm");
	pe_free(&uki);
}

static void measured_elf_file(void **state)
{
	struct kernel elf = elf_make(ELF_PLACE);

	(void)state;
	machine();
	host_fwcfg_file("opt/org.slipway/kernel", elf.bytes, elf.size);
	machine_add_legacy(0x0b, 0x12, initrd, sizeof(initrd));
	machine_add_legacy(0x14, 0x15, CMDLINE, sizeof(CMDLINE));
	hands_off();
	machine_check_pvh_handoff(ELF_PLACE + ELF_ENTRY, initrd, sizeof(initrd), CMDLINE);
	measured_check((struct span){elf.bytes, elf.size}, whole_initrd(), CMDLINE);
	kernel_free(&elf);
}

/* Each read gives another file: what is measured is what runs, whatever that is. */
static void change_elf(void)
{
	measured_file("opt/org.slipway/kernel")->bytes[0x700]++;
}

static void measured_elf_file_that_changes(void **state)
{
	struct kernel elf = elf_make(ELF_PLACE);

	(void)state;
	machine();
	host_fwcfg_file("opt/org.slipway/kernel", elf.bytes, elf.size);
	host.fwcfg.before_read = change_elf;
	hands_off();
	const uint8_t *loaded = host_memory(ELF_PLACE, elf.size - elf.setup_size);
	memcpy(elf.bytes + elf.setup_size, loaded, elf.size - elf.setup_size);
	measured_check((struct span){elf.bytes, elf.size}, no_initrd, "");
	kernel_free(&elf);
}

/* Of the header, the bytes that count are those that were believed. */
static void change_header(void)
{
	measured_file("opt/org.slipway/kernel")->bytes[ROOT_FLAGS]++;
}

static void measured_kernel_that_changes(void **state)
{
	(void)state;
	machine();
	host_fwcfg_file("opt/org.slipway/kernel", kernel.bytes, kernel.size);
	host.fwcfg.before_read = change_header;
	hands_off();
	assert_int_not_equal(machine_params()[ROOT_FLAGS],
			     measured_file("opt/org.slipway/kernel")->bytes[ROOT_FLAGS]);
	kernel.bytes[ROOT_FLAGS] = machine_params()[ROOT_FLAGS];
	measured_check(normal_kernel(), no_initrd, "");
}

/* Rulings 6: nobody knows of what file the segments are. */
static void measured_elf_file_that_the_vmm_loaded(void **state)
{
	static uint8_t setup_item[8192];

	(void)state;
	machine();
	machine_add_legacy(0x17, 0x18, setup_item, sizeof(setup_item));
	host_fwcfg_integer(0x07, 4, 16 * MIB);
	host_fwcfg_integer(0x08, 4, MIB);
	host_fwcfg_integer(0x10, 4, 16 * MIB + 0x100);
	fails("loader", STATUS_UNSUPPORTED);
	assert_non_null(strstr(host.console, "the kernel is not there as a file to be hashed"));
	assert_true(tpm_model_is_untouched(8) && tpm_model_is_untouched(9));
}

static void measured_setup_that_is_cut(void **state)
{
	(void)state;
	for (size_t missing = 0; missing < 2; missing++) {
		machine();
		machine_add_legacy_kernel(&kernel);
		machine_add_legacy(0x17, 0x18, kernel.bytes, kernel.setup_size - missing);
		if (missing == 0) {
			hands_off();
			measured_check(normal_kernel(), no_initrd, "");
			continue;
		}
		fails("loader", STATUS_UNSUPPORTED);
		assert_non_null(
			strstr(host.console, "the kernel is not there as a file to be hashed"));
		assert_true(tpm_model_is_untouched(9));
	}
}

/* -- a PVH loader ------------------------------------------------------------------------------ */

static void pvh(uint64_t at, const void *bytes, size_t size)
{
	machine();
	machine_put_start_info();
	machine_put_module(at, bytes, size);
}

/* Without QEMU's DMA nobody tells where the log is. */
static struct span find_log(void)
{
	for (uint64_t at = 0; at < 256 * MIB; at += HOST_PAGE) {
		const uint8_t *page = host_memory(at, HOST_PAGE);
		if (memcmp(page + 32, "Spec ID Event03", 16) == 0 &&
		    machine_e820_type(at) == MEMMAP_ACPI)
			return (struct span){page, MEASURED_LOG_SIZE};
	}
	fail_msg("there is no log");
	return (struct span){NULL, 0};
}

/* The loader has it first; where QEMU has it, the end of RAM, our own memory would be. */
static void measured_pvh_module(void **state)
{
	const uint64_t places[] = {MODULE, 256 * MIB - (kernel.size + 0xfff) / 0x1000 * 0x1000};

	(void)state;
	for (size_t i = 0; i < COUNT(places); i++) {
		snprintf(unit_trial, sizeof(unit_trial), "module at 0x%lx", places[i]);
		pvh(places[i], kernel.bytes, kernel.size);
		unit_check_end(machine_boot(ARCH_ENTRY_PVH, MACHINE_START_INFO), HOST_HANDOFF);
		machine_check_handoff(&kernel, "", 0, "");
		measured_check_log(find_log(), normal_kernel(), no_initrd, "");
		pvh(places[i], initrd, sizeof(initrd));
		host_fwcfg_file("opt/org.slipway/kernel", kernel.bytes, kernel.size);
		unit_check_end(machine_boot(ARCH_ENTRY_PVH, MACHINE_START_INFO), HOST_HANDOFF);
		machine_check_handoff(&kernel, initrd, sizeof(initrd), "");
		measured_check_log(find_log(), normal_kernel(), whole_initrd(), "");
	}
}

/* A VMM that has put everything into memory, ACPI tables too: Cloud Hypervisor. */
static void pvh_with_tables(bool has_tpm2)
{
	uint8_t rsdp[20] = "RSD PTR ", root[40] = "RSDT", tpm2[76] = "TPM2";

	machine_new(256 * MIB, 0);
	tpm_model_add(TPM_PC_REGISTERS, true);
	machine_put_start_info();
	machine_put_module(MODULE, kernel.bytes, kernel.size);
	machine_put_pvh_map(256 * MIB);
	put64(host_edit(MACHINE_START_INFO + 32, 8), RSDP);
	put32(rsdp + 16, ROOT);
	rsdp[8] = (uint8_t)-unit_sum(rsdp, sizeof(rsdp));
	machine_put(RSDP, rsdp, sizeof(rsdp));
	put32(root + 4, sizeof(root));
	put32(root + 36, TPM2);
	machine_put(ROOT, root, sizeof(root));
	put32(tpm2 + 4, sizeof(tpm2));
	put64(tpm2 + 40, TPM_PC_REGISTERS + 0x40);
	put32(tpm2 + 48, 7);
	if (!has_tpm2)
		tpm2[0] = 'X';
	machine_put(TPM2, tpm2, sizeof(tpm2));
}

/* There is no room for a log, and PCRs 8 and 9 are those of any other VMM. */
static void measured_by_the_tpm2_table(void **state)
{
	const unsigned alike[] = {0, 8, 9};
	static struct tpm_model other;

	(void)state;
	machine();
	host_fwcfg_file("opt/org.slipway/kernel", kernel.bytes, kernel.size);
	hands_off();
	other = tpm_model;
	pvh_with_tables(true);
	unit_check_end(machine_boot(ARCH_ENTRY_PVH, MACHINE_START_INFO), HOST_HANDOFF);
	machine_check_handoff(&kernel, "", 0, "");
	assert_string_equal(host.console, "");
	assert_int_equal(tpm_model.starts, 1);
	assert_int_equal(tpm_model.extends, 1 + 8 + 3);
	for (size_t i = 0; i < COUNT(alike); i++)
		for (unsigned bank = 0; bank < 2; bank++)
			assert_memory_equal(tpm_model.pcr[bank][alike[i]],
					    other.pcr[bank][alike[i]],
					    sizeof(other.pcr[bank][alike[i]]));
}

/* Without the table nobody looks whether there is a TPM. */
static void measured_nothing_without_the_tpm2_table(void **state)
{
	(void)state;
	pvh_with_tables(false);
	unit_check_end(machine_boot(ARCH_ENTRY_PVH, MACHINE_START_INFO), HOST_HANDOFF);
	assert_int_equal(tpm_model.accesses, 0);
}

/* With QEMU's log, another firmware was here before, and has measured. */
static void measured_nothing_behind_another_firmware(void **state)
{
	(void)state;
	pvh_with_tables(true);
	host_add_fwcfg(HOST_FWCFG_QEMU);
	host_fwcfg_file("etc/tpm/log", "", 1);
	unit_check_end(machine_boot(ARCH_ENTRY_PVH, MACHINE_START_INFO), HOST_HANDOFF);
	assert_int_equal(tpm_model.accesses, 0);
}

/* -- with a hash table ---------------------------------------------------------------------------
 */

static void measured_and_verified(void **state)
{
	uint8_t table[HASH_TABLE_SIZE];
	struct kernel elf = elf_make(ELF_PLACE);
	const struct span files[] = {{kernel.bytes, kernel.size}, {elf.bytes, elf.size}};

	(void)state;
	for (unsigned round = 0; round < 4; round++) {
		struct span file = files[round / 2];
		machine();
		host_fwcfg_file("opt/org.slipway/kernel", file.bytes, file.size);
		host_fwcfg_file("opt/org.slipway/initrd", initrd, sizeof(initrd));
		host_fwcfg_file("opt/org.slipway/cmdline", CMDLINE, strlen(CMDLINE));
		hash_table_make(table, file, whole_initrd(), CMDLINE);
		table[HASH_TABLE_KERNEL] ^= round % 2;
		machine_put_hashes(table, sizeof(table));
		if (round % 2 != 0) {
			fails("payload", STATUS_MISMATCH);
			assert_true(tpm_model_is_untouched(9));
			continue;
		}
		hands_off();
		measured_check(round == 0 ? normal_kernel() : file, whole_initrd(), CMDLINE);
	}
	kernel_free(&elf);
}

/* -- S3 ------------------------------------------------------------------------------------------
 */

/* A measured boot, a sleep, and the reset that ends it. */
static void suspend(uint32_t state_code)
{
	machine();
	host_add_cmos();
	payload_add();
	boots();
	check();
	put32(machine_facs() + 12, WAKING_VECTOR);
	host.cmos[SHUTDOWN_STATUS] = SLEPT;
	tpm_model_reset();
	tpm_model.starts = tpm_model.extends = tpm_model.commands = 0;
	tpm_model.code[TPM_SU_STATE] = state_code;
}

static void resumes(void)
{
	hands_off();
	assert_int_equal(host.handoff.mode, ARCH_MODE_REAL);
	assert_int_equal(host.handoff.entry, WAKING_VECTOR);
}

static void measured_resume_with_its_state(void **state)
{
	static uint8_t before[MEASURED_LOG_SIZE], pcrs[sizeof(tpm_model.pcr)];

	(void)state;
	suspend(0);
	memcpy(before, measured_log().bytes, sizeof(before));
	memcpy(pcrs, tpm_model.pcr, sizeof(pcrs));
	resumes();
	assert_string_equal(host.console, "");
	assert_int_equal(tpm_model.starts, 1);
	assert_int_equal(tpm_model.started[0], TPM_SU_STATE);
	assert_int_equal(tpm_model.commands, 1);
	assert_memory_equal(tpm_model.pcr, pcrs, sizeof(pcrs));
	assert_memory_equal(measured_log().bytes, before, sizeof(before));
}

/* PCRs 0 to 9 are those of a boot that nobody has measured, and no other. */
static void check_error_separators(void)
{
	const uint8_t error[4] = {1};
	static const uint8_t zeros[PCR_DIGEST_SIZE_MAX];
	uint8_t expected[PCR_DIGEST_SIZE_MAX];
	struct sha2 hash;

	assert_int_equal(tpm_model.extends, 10);
	for (unsigned pcr = 0; pcr < 10; pcr++) {
		uint8_t digest[PCR_DIGEST_SIZE_MAX];
		sha2_init(&hash, SHA2_256, SHA2_PORTABLE);
		sha2_update(&hash, (struct span){error, sizeof(error)});
		sha2_final(&hash, digest);
		memcpy(expected, zeros, sizeof(expected));
		tpm_model_extend(tpm_model.banks.bank[0], expected, digest);
		assert_memory_equal(tpm_model.pcr[0][pcr], expected, PCR_SHA256_SIZE);
	}
	for (unsigned pcr = 10; pcr < PCR_COUNT; pcr++)
		assert_true(tpm_model_is_untouched(pcr));
}

static void measured_resume_without_its_state(void **state)
{
	static uint8_t before[MEASURED_LOG_SIZE];

	(void)state;
	suspend(0x1c4);
	memcpy(before, measured_log().bytes, sizeof(before));
	resumes();
	assert_string_equal(host.console, "");
	assert_int_equal(tpm_model.starts, 2);
	assert_int_equal(tpm_model.started[0], TPM_SU_STATE);
	assert_int_equal(tpm_model.started[1], TPM_SU_CLEAR);
	check_error_separators();
	assert_memory_equal(measured_log().bytes, before, sizeof(before));
}

/* Its PCRs could be made to say anything: the system does not resume. */
static void measured_resume_that_fails(void **state)
{
	(void)state;
	for (unsigned command = 3; command <= 4; command++) {
		suspend(0x1c4);
		tpm_model.fail_from = command;
		fails("tpm", STATUS_UNSUPPORTED);
	}
	/* One that never answers does not keep it from that. */
	suspend(0);
	tpm_model.fail_from = 1;
	tpm_model.fault = TPM_MODEL_SILENCE;
	resumes();
	assert_non_null(strstr(host.console, "the TPM does not start: timeout"));
	assert_int_equal(tpm_model.extends, 0);
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

static void failing(bool crb, unsigned command, enum tpm_model_fault fault)
{
	snprintf(unit_trial, sizeof(unit_trial), "fault %u at command %u", (unsigned)fault,
		 command);
	machine_without_log("q35-10.0", host_add_q35);
	tpm_model_add(TPM_PC_REGISTERS, crb);
	measured_add_log(MEASURED_LOG_SIZE);
	tpm_model.fail_from = command;
	tpm_model.fault = fault;
	payload_add();
}

static void measured_tpm_that_does_not_start(void **state)
{
	(void)state;
	for (unsigned fault = 0; fault < TPM_MODEL_FAULTS; fault++) {
		failing(true, 1, fault);
		hands_off();
		machine_check_handoff(&kernel, initrd, sizeof(initrd), CMDLINE);
		if (faults[fault].warning == NULL)
			assert_string_equal(host.console, "");
		else
			assert_non_null(strstr(host.console, faults[fault].warning));
		assert_int_equal(tpm_model.commands, 1);
		assert_int_equal(tpm_model.extends, 0);
		/* Its log is as QEMU has it. */
		for (size_t at = 0; at < MEASURED_LOG_SIZE; at++)
			assert_int_equal(measured_log().bytes[at], 0);
	}
	/* A TPM 1.2 refuses, which is no fault: it is said to who wants to know. */
	failing(true, 0, 0);
	tpm_model.code[TPM_SU_CLEAR] = 30;
	host_fwcfg_file("opt/org.slipway/log", "info", 4);
	hands_off();
	assert_non_null(strstr(host.console, "the TPM does not start: unsupported"));
	assert_int_equal(tpm_model.extends, 0);
}

/* A reset that the TPM does not see: it runs, and its PCRs go on from what they were. */
static void measured_tpm_that_runs(void **state)
{
	uint8_t before[PCR_SHA256_SIZE];

	(void)state;
	machine();
	payload_add();
	boots();
	check();
	unsigned extends = tpm_model.extends;
	memcpy(before, tpm_model.pcr[0][9], sizeof(before));
	boots();
	assert_int_equal(tpm_model.starts, 2);
	assert_int_equal(tpm_model.extends, 2 * extends);
	assert_memory_not_equal(tpm_model.pcr[0][9], before, sizeof(before));
}

static void measured_tpm_that_fails_later(void **state)
{
	(void)state;
	note_usual_pcrs();
	unsigned commands = tpm_model.commands;
	assert_int_equal(commands, COMMANDS_BEFORE + tpm_model.extends);
	for (unsigned crb = 0; crb < 2; crb++) {
		for (unsigned command = 2; command <= commands; command++) {
			enum tpm_model_fault fault = command % TPM_MODEL_FAULTS;
			failing(crb != 0, command, fault);
			fails("tpm", faults[fault].status);
			assert_non_null(strstr(host.console,
					       command == 2
						       ? "the TPM does not say which PCRs it has"
						       : "the TPM does not extend PCR "));
			assert_int_equal(tpm_model.commands, command);
			assert_int_equal(tpm_model.extends,
					 command == 2 ? 0 : command - COMMANDS_BEFORE - 1);
		}
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, payload_setup, payload_teardown)

static const struct CMUnitTest tests[] = {
	TEST(measured_boot),
	TEST(measured_by_the_cpu),
	TEST(measured_without_a_log_file),
	TEST(measured_without_tables),
	TEST(measured_banks),
	TEST(measured_bank_of_unknown_size),
	TEST(measured_log_without_room),
	TEST(measured_log_that_is_not_empty),
	TEST(measured_log_that_is_nowhere),
	TEST(measured_without_memory_for_the_log),
	TEST(measured_kernel_of_each_source),
	TEST(measured_without_initrd_and_cmdline),
	TEST(measured_cmdline_of_a_file),
	TEST(measured_one_bit),
	TEST(measured_setup_data_is_left_out),
	TEST(measured_uki),
	TEST(measured_elf_file),
	TEST(measured_elf_file_that_changes),
	TEST(measured_kernel_that_changes),
	TEST(measured_elf_file_that_the_vmm_loaded),
	TEST(measured_setup_that_is_cut),
	TEST(measured_pvh_module),
	TEST(measured_by_the_tpm2_table),
	TEST(measured_nothing_without_the_tpm2_table),
	TEST(measured_nothing_behind_another_firmware),
	TEST(measured_and_verified),
	TEST(measured_resume_with_its_state),
	TEST(measured_resume_without_its_state),
	TEST(measured_resume_that_fails),
	TEST(measured_tpm_that_does_not_start),
	TEST(measured_tpm_that_runs),
	TEST(measured_tpm_that_fails_later),
};

UNIT_MAIN(tests)
