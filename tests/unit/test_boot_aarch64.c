/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>

#include "boot/boot.h"
#include "machine.h"
#include "machine_arm.h"
#include "payload_arm.h"

/* Whole boots on AArch64, from the first line of C to the kernel. */

static const uint8_t vmm_kaslr_seed[8] = "\xaa\xbb\xcc\xdd\xee\xff\x11\x22";
static const uint8_t vmm_rng_seed[32] = "two and thirty bytes, and random";

/* A machine without tables. */
static void plain(void)
{
	arm_new(ARM_RAM_SIZE, HOST_FWCFG_QEMU);
	payload_add();
}

static void recorded(const char *name)
{
	plain();
	machine_add_recording(name);
}

static void handed_off(enum host_end end)
{
	unit_check_end(end, HOST_HANDOFF);
}

static void boots_with_acpi(void)
{
	handed_off(arm_boot());
	assert_true(arm_has_acpi());
	arm_check_acpi(&expected);
	assert_string_equal(host.console, "");
}

static void boots_with_tree(void)
{
	handed_off(arm_boot());
	assert_false(arm_has_acpi());
	arm_check_tree(&expected);
	assert_string_equal(host.console, "");
}

static void ended(enum host_end end, const char *stage, enum status status)
{
	unit_check_end(end, HOST_FATAL);
	unit_check_fatal(stage, status);
	arm_check_writes();
}

static void fails(const char *stage, enum status status)
{
	ended(arm_boot(), stage, status);
}

/* -- with ACPI ------------------------------------------------------------------- */

static void boot_arm_virt_with_acpi(void **state)
{
	static const char *const names[] = {"virt-7.2", "virt-10.0"};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		recorded(names[i]);
		boots_with_acpi();
		assert_int_not_equal(arm_smbios(), 0);
		/* Nothing of it is where the loader of the kernel may look for room. */
		assert_int_equal(arm_efi_type(ARM_RAM), 7);
		assert_int_equal(arm_efi_type(ARM_RAM + ARM_RAM_SIZE), -1);
	}
}

static void boot_arm_copies_the_seeds_of_the_vmm(void **state)
{
	(void)state;
	recorded("virt-7.2");
	arm_tree.kaslr_seed = vmm_kaslr_seed;
	arm_tree.rng_seed = vmm_rng_seed;
	expected.kaslr_seed = vmm_kaslr_seed;
	expected.rng_seed = vmm_rng_seed;
	boots_with_acpi();
	/* The CPU was not asked for what nobody needs. */
	assert_int_equal(host.random_left, HOST_RANDOM_MAX);
	recorded("virt-7.2");
	arm_tree.kaslr_seed = vmm_kaslr_seed;
	memmove(cpu_rng_seed + 8, cpu_rng_seed, 24);
	memset(cpu_rng_seed, 1, 8);
	expected.rng_seed = cpu_rng_seed;
	boots_with_acpi();
}

/* A generator that is absent or fails must not become a seed of zeros or half a seed. */
static void boot_arm_without_any_seed(void **state)
{
	(void)state;
	for (size_t left = 0; left < 6; left++) {
		for (unsigned acpi = 0; acpi < 2; acpi++) {
			plain();
			if (acpi != 0)
				machine_add_recording("virt-7.2");
			/* The words are counted from the last. */
			host.random_left = left;
			for (size_t word = 0; word < left; word++)
				host.random[HOST_RANDOM_MAX - left + word] =
					0x0101010101010101ul * (word + 1);
			expected.kaslr_seed = left >= 1 ? cpu_kaslr_seed : NULL;
			expected.rng_seed = left >= 5 ? cpu_rng_seed : NULL;
			if (acpi != 0)
				boots_with_acpi();
			else
				boots_with_tree();
		}
	}
}

static void boot_arm_stub_without_stdout_path(void **state)
{
	(void)state;
	recorded("virt-7.2");
	arm_tree.stdout_path = NULL;
	boots_with_acpi();
	recorded("virt-7.2");
	arm_tree.without_chosen = true;
	arm_tree.stdout_path = NULL;
	boots_with_acpi();
}

static void boot_arm_stub_of_a_long_command_line(void **state)
{
	static char text[0x10001];

	(void)state;
	memset(text, 'x', 0x10000);
	for (unsigned acpi = 0; acpi < 2; acpi++) {
		arm_new(ARM_RAM_SIZE, HOST_FWCFG_QEMU);
		host_fwcfg_file("opt/org.slipway/kernel", kernel.bytes, kernel.size);
		host_fwcfg_file("opt/org.slipway/initrd", initrd, sizeof(initrd));
		host_fwcfg_file("opt/org.slipway/cmdline", text, 0x10000);
		expected.cmdline = text;
		if (acpi != 0) {
			machine_add_recording("virt-10.0");
			boots_with_acpi();
		} else {
			boots_with_tree();
		}
	}
}

static void boot_arm_reserved_memory_in_the_efi_map(void **state)
{
	(void)state;
	recorded("virt-7.2");
	arm_tree.reserve_map[0] = (struct arch_range){ARM_RAM + 32 * MIB, MIB};
	arm_tree.reserved_memory[0] = (struct arch_range){ARM_RAM + 48 * MIB, 0x10000};
	boots_with_acpi();
	assert_int_equal(arm_efi_type(ARM_RAM + 32 * MIB - 1), 7);
	assert_int_equal(arm_efi_type(ARM_RAM + 32 * MIB), 0);
	assert_int_equal(arm_efi_type(ARM_RAM + 33 * MIB - 1), 0);
	assert_int_equal(arm_efi_type(ARM_RAM + 33 * MIB), 7);
	assert_int_equal(arm_efi_type(ARM_RAM + 48 * MIB + 0xffff), 0);
	assert_int_equal(arm_efi_type(ARM_RAM + 48 * MIB + 0x10000), 7);
}

/* Linux would take it for memory. */
static void boot_arm_reserved_memory_beside_ram(void **state)
{
	(void)state;
	recorded("virt-7.2");
	arm_tree.reserve_map[0] = (struct arch_range){0x0c000000, MIB};
	arm_tree.reserved_memory[0] = (struct arch_range){ARM_RAM + ARM_RAM_SIZE - MIB, 2 * MIB};
	boots_with_acpi();
	assert_int_equal(arm_efi_type(0x0c000000), -1);
	assert_int_equal(arm_efi_type(ARM_RAM + ARM_RAM_SIZE - MIB), 0);
	assert_int_equal(arm_efi_type(ARM_RAM + ARM_RAM_SIZE), -1);
}

/* Whatever is placed from the top must not end up in what is somebody else's. */
static void boot_arm_reserved_memory_at_the_top_is_left_alone(void **state)
{
	(void)state;
	for (unsigned acpi = 0; acpi < 2; acpi++) {
		plain();
		if (acpi != 0)
			machine_add_recording("virt-7.2");
		arm_tree.reserved_memory[0] =
			(struct arch_range){ARM_RAM + ARM_RAM_SIZE - 8 * MIB, 8 * MIB};
		if (acpi != 0)
			boots_with_acpi();
		else
			boots_with_tree();
	}
}

/* And the lowest place, which is the kernel's. */
static void boot_arm_reserved_memory_at_the_bottom_is_left_alone(void **state)
{
	(void)state;
	plain();
	arm_tree.reserve_map[0] = (struct arch_range){ARM_RAM + 2 * MIB, 64 * KIB};
	boots_with_tree();
	assert_int_equal(host.handoff.entry, ARM_RAM + 4 * MIB);
}

/* The reserve map often repeats where the tree, or the kernel, is. */
static void boot_arm_reserved_memory_that_is_claimed(void **state)
{
	(void)state;
	plain();
	arm_tree.reserve_map[0] = (struct arch_range){ARM_RAM, MIB};
	arm_tree.reserve_map[1] = (struct arch_range){ARM_RAM + MIB, 2 * MIB};
	handed_off(arm_boot());
	assert_int_equal(host.handoff.entry, ARM_RAM + 4 * MIB);
}

static void boot_arm_acpi_off_is_a_word(void **state)
{
	static const struct {
		const char *text;
		bool off;
	} cases[] = {
		{"acpi=off", true},
		{"acpi=off quiet", true},
		{"quiet acpi=off", true},
		{"quiet acpi=off splash", true},
		{"a acpi=of acpi=off", true},
		{"xacpi=off acpi=off", true},
		{"xacpi=off", false},
		{"quiet xacpi=off", false},
		{"acpi=offx", false},
		{"acpi=offx quiet", false},
		{"acpi=of", false},
		{"acpi=off,x", false},
		{"quiet pacpi=off", false},
		{"acpi=force", false},
		{"aaaaaaaaa", false},
		{"\"acpi=off\"", true},
		{"a acpi=\"off\" b", true},
		{"x=\"a acpi=off b\"", false},
		{"-- acpi=off", false},
		{"acpi=off -- x", true},
		{"--x acpi=off", true},
		{"console a", false},
		{"", false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		for (unsigned from_tree = 0; from_tree < 2; from_tree++) {
			arm_new(ARM_RAM_SIZE, HOST_FWCFG_QEMU);
			host_fwcfg_file("etc/boot/kernel", kernel.bytes, kernel.size);
			machine_add_recording("virt-7.2");
			if (from_tree != 0)
				arm_tree.bootargs = cases[i].text;
			else
				host_fwcfg_file("etc/boot/cmdline", cases[i].text,
						strlen(cases[i].text));
			handed_off(arm_boot());
			if (arm_has_acpi() == cases[i].off)
				fail_msg("'%s' %s ACPI", cases[i].text,
					 cases[i].off ? "leaves" : "switches off");
		}
	}
}

/* Whatever the kernel takes for a space (lib/cmdline.c, next_arg()): it would have no machine. */
static void boot_arm_acpi_off_between_other_spaces(void **state)
{
	static const char *const texts[] = {"a\tacpi=off", "acpi=off\tb", "a\nacpi=off\nb"};

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		arm_new(ARM_RAM_SIZE, HOST_FWCFG_QEMU);
		host_fwcfg_file("etc/boot/kernel", kernel.bytes, kernel.size);
		machine_add_recording("virt-7.2");
		arm_tree.bootargs = texts[i];
		handed_off(arm_boot());
		assert_false(arm_has_acpi());
	}
}

/* With it, the device tree is complete and nothing of the tables was used. */
static void boot_arm_acpi_off(void **state)
{
	(void)state;
	arm_new(ARM_RAM_SIZE, HOST_FWCFG_QEMU);
	host_fwcfg_file("opt/org.slipway/kernel", kernel.bytes, kernel.size);
	host_fwcfg_file("opt/org.slipway/initrd", initrd, sizeof(initrd));
	host_fwcfg_file("opt/org.slipway/cmdline", "acpi=off", 8);
	machine_add_recording("virt-10.0");
	expected.cmdline = "acpi=off";
	boots_with_tree();
	for (size_t i = 0; i < arm_map.count; i++)
		assert_int_not_equal(arm_map.entry[i].type, MEMMAP_ACPI);
}

/* Nothing wrong with the script, but there is no RSDP: then the kernel gets the tree. */
static void boot_arm_script_without_rsdp(void **state)
{
	uint8_t script[128] = {0};

	(void)state;
	plain();
	put32(script, 1);
	strcpy((char *)script + 4, "etc/acpi/tables");
	put32(script + 60, 64);
	script[64] = 1;
	host_fwcfg_file("etc/table-loader", script, sizeof(script));
	host_fwcfg_file("etc/acpi/tables", "12345678", 8);
	handed_off(arm_boot());
	arm_check_tree(&expected);
	assert_non_null(strstr(host.console, "RSDP"));
}

static void boot_arm_bad_script(void **state)
{
	(void)state;
	plain();
	host_fwcfg_file("etc/table-loader", "too short", 9);
	fails("acpi", STATUS_TRUNCATED);
}

static void boot_arm_bad_smbios(void **state)
{
	(void)state;
	/* Before the recording's in the directory: the first counts. */
	plain();
	host_fwcfg_file("etc/smbios/smbios-anchor", "_SM3_", 5);
	machine_add_recording("virt-7.2");
	fails("smbios", STATUS_BAD_FORMAT);
}

/* -- with the VMM's tree --------------------------------------------------------- */

static void boot_arm_with_the_tree(void **state)
{
	(void)state;
	plain();
	boots_with_tree();
	assert_int_not_equal(host.handoff.argument, ARM_RAM);
	/* QEMU's tree has nearly a MiB of nothing. */
	assert_in_range(fdt_totalsize(host_memory(host.handoff.argument, 8)), 500, 2000);
}

static void boot_arm_tree_keeps_the_seeds_of_the_vmm(void **state)
{
	(void)state;
	plain();
	arm_tree.kaslr_seed = vmm_kaslr_seed;
	arm_tree.rng_seed = vmm_rng_seed;
	expected.kaslr_seed = vmm_kaslr_seed;
	expected.rng_seed = vmm_rng_seed;
	boots_with_tree();
}

static void boot_arm_tree_without_chosen(void **state)
{
	(void)state;
	plain();
	arm_tree.without_chosen = true;
	arm_tree.stdout_path = NULL;
	boots_with_tree();
}

/* What the VMM said of another initrd and command line is gone. */
static void boot_arm_tree_loses_what_was_replaced(void **state)
{
	(void)state;
	arm_new(ARM_RAM_SIZE, HOST_FWCFG_QEMU);
	payload_add();
	arm_put(ARM_RAM + 64 * MIB, "another initrd", 14);
	arm_tree.initrd = (struct arch_range){ARM_RAM + 64 * MIB, 14};
	arm_tree.bootargs = "another command line that is much longer than ours";
	boots_with_tree();
}

static void boot_arm_tree_of_all_its_room(void **state)
{
	(void)state;
	plain();
	arm_tree.totalsize = 0;
	boots_with_tree();
	/* 2 MiB, the most that Linux takes; and the block is full. */
	plain();
	arm_tree.totalsize = 2 * MIB;
	host.work_area.start = ARM_RAM + 4 * MIB;
	boots_with_tree();
}

static void boot_arm_tree_that_would_become_too_large(void **state)
{
	static char padding[2 * MIB - 0x8000];
	static char text[0x10000];

	(void)state;
	memset(padding, 'p', sizeof(padding) - 1);
	memset(text, 'x', sizeof(text));
	arm_new(ARM_RAM_SIZE, HOST_FWCFG_QEMU);
	host_fwcfg_file("opt/org.slipway/kernel", kernel.bytes, kernel.size);
	host_fwcfg_file("opt/org.slipway/cmdline", text, sizeof(text));
	arm_tree.psci = NULL;
	arm_tree.stdout_path = padding;
	arm_tree.totalsize = 0;
	host.work_area.start = ARM_RAM + 4 * MIB;
	fails("loader", STATUS_TOO_LARGE);
	/* As it came, it fits. */
	arm_new(ARM_RAM_SIZE, HOST_FWCFG_QEMU);
	payload_add();
	arm_tree.stdout_path = padding;
	arm_tree.totalsize = 0;
	host.work_area.start = ARM_RAM + 4 * MIB;
	boots_with_tree();
}

static void boot_arm_console_and_psci(void **state)
{
	(void)state;
	plain();
	boots_with_tree();
	assert_int_equal(host.machine_console.kind, ARCH_CONSOLE_PL011);
	assert_int_equal(host.machine_console.address, ARM_PL011);
	assert_int_equal(host.psci, ARCH_PSCI_HVC);
	plain();
	arm_tree.pl011.size = 0;
	arm_tree.ns16550 = (struct arch_range){0x3f8000, 0x1000};
	arm_tree.reg_shift = 2;
	arm_tree.stdout_path = NULL;
	arm_tree.psci = "smc";
	boots_with_tree();
	assert_int_equal(host.machine_console.kind, ARCH_CONSOLE_16550);
	assert_int_equal(host.machine_console.address, 0x3f8000);
	assert_int_equal(host.machine_console.shift, 2);
	assert_int_equal(host.psci, ARCH_PSCI_SMC);
	/* Without a device there is none at the place that is QEMU's either. */
	plain();
	arm_tree.pl011.size = 0;
	arm_tree.stdout_path = NULL;
	arm_tree.psci = NULL;
	host.machine_console.kind = ARCH_CONSOLE_PL011;
	host.psci = ARCH_PSCI_HVC;
	boots_with_tree();
	assert_int_equal(host.machine_console.kind, ARCH_CONSOLE_NONE);
	assert_int_equal(host.psci, ARCH_PSCI_HVC);
}

/* -- where things lie ------------------------------------------------------------ */

/* QEMU -kernel fw.bin and Cloud Hypervisor --kernel fw.bin. */
static void boot_arm_from_an_image_in_ram(void **state)
{
	static const uint64_t places[] = {ARM_RAM + 2 * MIB, ARM_RAM + 4 * MIB, ARM_RAM + 64 * MIB};

	(void)state;
	for (size_t i = 0; i < COUNT(places); i++) {
		recorded("virt-7.2");
		arm_tree.address = ARM_RAM + 96 * MIB;
		arm_image_in_ram(places[i]);
		boots_with_acpi();
		assert_true(arm_is_claimed(places[i], sizeof(arm_image), MEMMAP_FIRMWARE));
		assert_true(arm_is_claimed(host.work_area.start, ARM_WORK_SIZE, MEMMAP_FIRMWARE));
		assert_true(host.handoff.entry >= places[i] + sizeof(arm_image) ||
			    host.handoff.entry + kernel.memory_size <= places[i]);
	}
}

static void boot_arm_work_area_is_left_alone(void **state)
{
	(void)state;
	plain();
	boots_with_tree();
	assert_true(
		arm_is_claimed(ARM_RAM + 2 * MIB - ARM_WORK_SIZE, ARM_WORK_SIZE, MEMMAP_FIRMWARE));
	assert_true(arm_is_claimed(ARM_RAM, MIB, MEMMAP_FIRMWARE));
	assert_int_equal(host.handoff.entry, ARM_RAM + 2 * MIB);
}

/* Two NUMA nodes, or the part above a hole; all of it gets known. */
static void boot_arm_memory_in_several_ranges(void **state)
{
	(void)state;
	recorded("virt-10.0");
	arm_add_ram(ARM_RAM + ARM_RAM_SIZE, 64 * MIB);
	arm_add_ram(4 * GIB, 64 * MIB);
	arm_add_ram(36 * GIB, 64 * MIB);
	boots_with_acpi();
	assert_int_equal(arm_efi_type(4 * GIB), 7);
	assert_int_equal(arm_efi_type(3 * GIB), -1);
}

static void boot_arm_nothing_beyond_what_the_cpu_addresses(void **state)
{
	(void)state;
	recorded("virt-7.2");
	arm_add_ram(4 * GIB, 64 * MIB);
	host.map_end = 4 * GIB;
	boots_with_acpi();
	for (size_t i = 0; i < arm_map.count; i++) {
		if (arm_map.entry[i].start >= 4 * GIB)
			assert_int_equal(arm_map.entry[i].type, MEMMAP_RAM);
	}
}

/* Must hold: no growth with the size of kernel or initrd. */
static void boot_arm_costs_the_same_for_any_size(void **state)
{
	size_t mmio[2], maps[2];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		arm_kernel_free(&kernel);
		kernel = arm_kernel_make(i == 0 ? 4096 : 3 * MIB, 4 * MIB);
		recorded("virt-7.2");
		boots_with_acpi();
		mmio[i] = host.mmio;
		maps[i] = host.maps;
	}
	assert_int_equal(mmio[0], mmio[1]);
	assert_int_equal(maps[0], maps[1]);
}

/* Every access is an exit of the VM. The bound is what it takes today. */
static void boot_arm_access_count(void **state)
{
	(void)state;
	recorded("virt-7.2");
	boots_with_acpi();
	print_message("virt: %zu accesses, %zu of them DMA\n", host.mmio, host.fwcfg.dmas);
	assert_in_range(host.mmio, 1, 14);
	/* The ID; all else is selected by the DMA command. */
	assert_int_equal(host.fwcfg.selects, 1);
}

/* -- Cloud Hypervisor ------------------------------------------------------------ */

#define PLACED (ARM_RAM + 2 * MIB)

static void finish_table(uint8_t *table, const char *signature, uint32_t size)
{
	memcpy(table, signature, 4);
	put32(table + 4, size);
	table[9] = (uint8_t)-unit_sum(table, size);
}

/* Tables at RAM base + 2 MiB, as they are before the VM starts. */
static void place_tables(uint64_t at)
{
	static uint8_t tables[0x2000];

	memset(tables, 0, sizeof(tables));
	put64(tables + 0x100 + 36, at + 0x200);
	finish_table(tables + 0x100, "XSDT", 44);
	put64(tables + 0x200 + 140, at + 0x1000);
	finish_table(tables + 0x200, "FACP", 276);
	finish_table(tables + 0x1000, "DSDT", 0x1000);
	memcpy(tables, "RSD PTR ", 8);
	tables[15] = 2;
	put32(tables + 20, 36);
	put64(tables + 24, at + 0x100);
	tables[8] = (uint8_t)-unit_sum(tables, 20);
	tables[32] = (uint8_t)-unit_sum(tables, 36);
	arm_put(at, tables, sizeof(tables));
}

static void cloud_hypervisor(void)
{
	arm_new(ARM_RAM_SIZE, HOST_FWCFG_CLOUD_HYPERVISOR);
	arm_tree.totalsize = 0;
	payload_add();
	place_tables(PLACED);
}

static void check_cloud_hypervisor(void)
{
	boots_with_acpi();
	assert_int_equal(arm_rsdp(), PLACED);
	assert_int_equal(arm_smbios(), 0);
	assert_int_equal(arm_efi_type(PLACED + 2 * MIB - 1), 9);
	assert_true(arm_is_claimed(PLACED, 2 * MIB, MEMMAP_ACPI));
	assert_int_equal(host.fwcfg.dmas, 0);
}

/* The window of its fw_cfg ends before the DMA register. */
static void boot_arm_fwcfg_of_16_bytes(void **state)
{
	(void)state;
	arm_new(ARM_RAM_SIZE, HOST_FWCFG_CLOUD_HYPERVISOR);
	payload_add();
	boots_with_tree();
	assert_int_equal(host.fwcfg.dmas, 0);
	assert_true(host.fwcfg.data_reads > kernel.size);
}

static void boot_arm_placed_rsdp_as_kernel(void **state)
{
	(void)state;
	cloud_hypervisor();
	arm_image_in_ram(ARM_RAM + 4 * MIB);
	check_cloud_hypervisor();
	assert_int_equal(host.handoff.entry, ARM_RAM + 6 * MIB);
}

/* From flash, our work area ends where the tables begin. */
static void boot_arm_placed_rsdp_as_firmware(void **state)
{
	(void)state;
	cloud_hypervisor();
	check_cloud_hypervisor();
	assert_int_equal(host.handoff.entry, ARM_RAM + 4 * MIB);
}

/* The VMM's reserve map may name what is below its RAM. */
static void boot_arm_placed_rsdp_with_reserved_memory_elsewhere(void **state)
{
	(void)state;
	cloud_hypervisor();
	arm_image_in_ram(ARM_RAM + 4 * MIB);
	arm_tree.reserved_memory[0] = (struct arch_range){0x10000000, 0x10000};
	check_cloud_hypervisor();
}

static void boot_arm_placed_rsdp_without_fwcfg(void **state)
{
	(void)state;
	arm_new_without_fwcfg(ARM_RAM_SIZE);
	arm_tree.totalsize = 0;
	place_tables(PLACED);
	arm_image_in_ram(ARM_RAM + 4 * MIB);
	arm_put(ARM_RAM + 32 * MIB, kernel.bytes, kernel.size);
	arm_put(ARM_RAM + 64 * MIB, initrd, sizeof(initrd));
	arm_tree.kernel = (struct arch_range){ARM_RAM + 32 * MIB, kernel.size};
	arm_tree.initrd = (struct arch_range){ARM_RAM + 64 * MIB, sizeof(initrd)};
	arm_tree.bootargs = CMDLINE;
	check_cloud_hypervisor();
	assert_int_equal(host.handoff.entry, ARM_RAM + 32 * MIB);
	assert_int_equal(arm_initrd(), ARM_RAM + 64 * MIB);
}

static void boot_arm_placed_rsdp_that_is_none(void **state)
{
	static const unsigned damaged[] = {0, 7, 8, 19};

	(void)state;
	for (size_t i = 0; i < COUNT(damaged); i++) {
		cloud_hypervisor();
		arm_image_in_ram(ARM_RAM + 4 * MIB);
		((uint8_t *)host_edit(PLACED, 36))[damaged[i]] ^= 1;
		boots_with_tree();
	}
}

/* What Linux checks too. */
static void boot_arm_placed_rsdp_of_a_bad_extended_checksum(void **state)
{
	(void)state;
	cloud_hypervisor();
	arm_image_in_ram(ARM_RAM + 4 * MIB);
	((uint8_t *)host_edit(PLACED, 36))[33] ^= 1;
	boots_with_tree();
}

static void boot_arm_placed_rsdp_without_xsdt(void **state)
{
	static const uint64_t places[] = {PLACED + 0x500, PLACED - 0x1000, PLACED + 2 * MIB - 2, 0};

	(void)state;
	for (size_t i = 0; i < COUNT(places); i++) {
		uint8_t rsdp[36];
		cloud_hypervisor();
		memcpy(rsdp, host_memory(PLACED, sizeof(rsdp)), sizeof(rsdp));
		put64(rsdp + 24, places[i]);
		rsdp[32] = 0;
		rsdp[32] = (uint8_t)-unit_sum(rsdp, 36);
		arm_put(PLACED, rsdp, sizeof(rsdp));
		boots_with_tree();
	}
}

static void boot_arm_placed_rsdp_with_acpi_off(void **state)
{
	(void)state;
	arm_new(ARM_RAM_SIZE, HOST_FWCFG_CLOUD_HYPERVISOR);
	arm_tree.totalsize = 0;
	host_fwcfg_file("opt/org.slipway/kernel", kernel.bytes, kernel.size);
	host_fwcfg_file("opt/org.slipway/initrd", initrd, sizeof(initrd));
	host_fwcfg_file("opt/org.slipway/cmdline", "a acpi=off", 10);
	place_tables(PLACED);
	arm_image_in_ram(ARM_RAM + 4 * MIB);
	expected.cmdline = "a acpi=off";
	boots_with_tree();
}

/* Where RAM ends before the area does, there is no such area. */
static void boot_arm_placed_rsdp_at_the_end_of_ram(void **state)
{
	static const uint64_t sizes[] = {2 * MIB, 2 * MIB + 0x1000, 4 * MIB - 0x1000};

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		cloud_hypervisor();
		arm_image_in_ram(ARM_RAM + 64 * MIB);
		arm_tree.memory[0].size = sizes[i];
		arm_tree.memory[1] =
			(struct arch_range){ARM_RAM + 32 * MIB, ARM_RAM_SIZE - 32 * MIB};
		boots_with_tree();
	}
}

static void boot_arm_placed_rsdp_that_cannot_be_mapped(void **state)
{
	(void)state;
	plain();
	place_tables(PLACED);
	host.work_area.start = ARM_RAM + 4 * MIB;
	host_refuse_map(PLACED, HOST_PAGE);
	boots_with_tree();
}

/* Tables that are there but not used are worth a line. */
static void boot_arm_placed_rsdp_in_what_is_claimed(void **state)
{
	static const uint64_t starts[] = {ARM_RAM + MIB, PLACED + 0x1000};

	(void)state;
	for (size_t i = 0; i < COUNT(starts); i++) {
		arm_new(ARM_RAM_SIZE, HOST_FWCFG_CLOUD_HYPERVISOR);
		arm_tree.totalsize = 0;
		host.work_area.start = ARM_RAM + 8 * MIB;
		host_fwcfg_file("opt/org.slipway/kernel", kernel.bytes, kernel.size);
		place_tables(PLACED);
		arm_tree.initrd = (struct arch_range){starts[i], 4 * MIB};
		handed_off(arm_boot());
		assert_false(arm_has_acpi());
		assert_non_null(strstr(host.console, "not free RAM"));
	}
}

/* -- bad machines ---------------------------------------------------------------- */

static void boot_arm_no_tree(void **state)
{
	(void)state;
	plain();
	/* RAM's pattern, and nothing at all. */
	ended(arm_start(), "fdt", STATUS_BAD_FORMAT);
	plain();
	memset(host_edit(ARM_RAM, HOST_PAGE), 0, HOST_PAGE);
	assert_int_equal(arm_start(), HOST_FATAL);
	unit_check_fatal("fdt", STATUS_BAD_FORMAT);
}

static void boot_arm_tree_is_nowhere(void **state)
{
	static const uint64_t places[] = {0,
					  4,
					  0x1000,
					  0x3fffffff,
					  ARM_RAM + ARM_RAM_SIZE,
					  ARM_RAM + ARM_RAM_SIZE - 4,
					  UINT64_MAX - 7};

	(void)state;
	for (size_t i = 0; i < COUNT(places); i++) {
		plain();
		arm_tree.address = places[i];
		ended(arm_start(), "fdt", STATUS_OUT_OF_RANGE);
	}
}

static void boot_arm_tree_is_not_aligned(void **state)
{
	(void)state;
	for (unsigned offset = 1; offset < 8; offset++) {
		plain();
		arm_tree.address = ARM_RAM + offset;
		fails("fdt", STATUS_OUT_OF_RANGE);
	}
}

static void boot_arm_tree_of_a_bad_size(void **state)
{
	static const struct {
		uint32_t size;
		enum status status;
	} cases[] = {
		{0, STATUS_TRUNCATED},          {7, STATUS_TRUNCATED},
		{39, STATUS_TRUNCATED},         {40, STATUS_OUT_OF_RANGE},
		{100, STATUS_OUT_OF_RANGE},     {2 * MIB + 1, STATUS_TOO_LARGE},
		{0x7fffffff, STATUS_TOO_LARGE}, {0xffffffff, STATUS_TOO_LARGE},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		plain();
		fdt_set_totalsize(arm_write_tree(), cases[i].size);
		ended(arm_start(), "fdt", cases[i].status);
	}
}

/* A whole MiB, as it says, is not there. */
/* The strings block goes on to the end of the tree, which has @size bytes. */
static void extend_strings(uint8_t *fdt, uint32_t size)
{
	fdt_set_totalsize(fdt, size);
	fdt_set_size_dt_strings(fdt, size - fdt_off_dt_strings(fdt));
}

static void boot_arm_tree_beyond_ram(void **state)
{
	(void)state;
	plain();
	arm_tree.address = ARM_RAM + ARM_RAM_SIZE - 0x10000;
	arm_tree.totalsize = 0x10000;
	put32(arm_write_tree() + 4, __builtin_bswap32(0x10001));
	ended(arm_start(), "memory", STATUS_OVERLAP);
	/* What is read of it, too. */
	plain();
	arm_tree.address = ARM_RAM + ARM_RAM_SIZE - 0x10000;
	arm_tree.totalsize = 0x10000;
	extend_strings(arm_write_tree(), 0x10001);
	ended(arm_start(), "fdt", STATUS_OUT_OF_RANGE);
	/* Memory, but by the tree's own word not RAM. */
	plain();
	arm_tree.address = ARM_RAM + 64 * MIB;
	arm_tree.memory[0].size = 64 * MIB + 0x10000;
	fails("memory", STATUS_OVERLAP);
	plain();
	arm_tree.address = ARM_RAM + 64 * MIB;
	arm_tree.memory[0].size = 64 * MIB;
	fails("memory", STATUS_OVERLAP);
}

static void boot_arm_damaged_tree(void **state)
{
	(void)state;
	plain();
	uint8_t *fdt = arm_write_tree();
	/* Its structure block ends early. */
	fdt_set_size_dt_struct(fdt, fdt_size_dt_struct(fdt) - 8);
	assert_int_equal(arm_start(), HOST_FATAL);
	unit_check_fatal("fdt", STATUS_TRUNCATED);
}

static void boot_arm_tree_without_memory(void **state)
{
	(void)state;
	plain();
	arm_tree.memory[0].size = 0;
	fails("memory", STATUS_NOT_FOUND);
}

static void boot_arm_without_ram_for_ourselves(void **state)
{
	(void)state;
	/* The work area. */
	plain();
	arm_tree.memory[0].size = 2 * MIB - 0x1000;
	fails("memory", STATUS_OVERLAP);
	assert_non_null(strstr(host.fatal.reason, "work area"));
	/* The tree is over it; then over the guard page in it, which cannot be mapped. */
	plain();
	arm_tree.totalsize = 2 * MIB - ARM_WORK_SIZE + 1;
	fails("memory", STATUS_OVERLAP);
	assert_non_null(strstr(host.fatal.reason, "device tree"));
	plain();
	arm_tree.totalsize = 0;
	extend_strings(arm_write_tree(), 2 * MIB);
	ended(arm_start(), "fdt", STATUS_OUT_OF_RANGE);
	/* The image. */
	plain();
	host_image_in_ram(ARM_RAM + 64 * MIB, arm_image, sizeof(arm_image));
	arm_tree.memory[0].size = 64 * MIB + 0xf000;
	assert_int_equal(arm_boot(), HOST_FATAL);
	unit_check_fatal("memory", STATUS_OVERLAP);
	assert_non_null(strstr(host.fatal.reason, "image"));
}

/* -- fw_cfg ---------------------------------------------------------------------- */

static uint64_t read_ones(uint64_t offset, unsigned width)
{
	(void)offset;
	(void)width;
	return ~0ul;
}

static void write_nothing(uint64_t offset, unsigned width, uint64_t value)
{
	(void)offset;
	(void)width;
	(void)value;
}

static void boot_arm_fwcfg_that_is_none(void **state)
{
	const struct host_mmio_device device = {ARM_FWCFG, 24, read_ones, write_nothing};

	(void)state;
	arm_new_without_fwcfg(ARM_RAM_SIZE);
	arm_tree.fwcfg = (struct arch_range){ARM_FWCFG, 24};
	host_add_mmio_device(&device);
	fails("payload", STATUS_NOT_FOUND);
	/* The kernel may be elsewhere. */
	arm_new_without_fwcfg(ARM_RAM_SIZE);
	arm_tree.fwcfg = (struct arch_range){ARM_FWCFG, 24};
	host_add_mmio_device(&device);
	arm_put(ARM_RAM + 32 * MIB, kernel.bytes, kernel.size);
	arm_tree.kernel = (struct arch_range){ARM_RAM + 32 * MIB, kernel.size};
	expected.cmdline = "";
	expected.initrd_size = 0;
	boots_with_tree();
}

static void boot_arm_fwcfg_cannot_be_mapped(void **state)
{
	(void)state;
	arm_new_without_fwcfg(ARM_RAM_SIZE);
	arm_tree.fwcfg = (struct arch_range){0x08000000, 24};
	fails("fwcfg", STATUS_OUT_OF_RANGE);
}

static void boot_arm_directory_of_too_many_files(void **state)
{
	struct be32 count = be32_of(257);

	(void)state;
	plain();
	memcpy(host_fwcfg_find(FWCFG_DIRECTORY)->bytes, &count, sizeof(count));
	fails("fwcfg", STATUS_TOO_LARGE);
}

/* Whatever is read when it happens, it is noticed, and nothing is started. */
static void boot_arm_each_dma_fails(void **state)
{
	(void)state;
	recorded("virt-7.2");
	boots_with_acpi();
	size_t dmas = host.fwcfg.dmas;
	assert_in_range(dmas, 8, 100);
	for (size_t i = 1; i <= dmas; i++) {
		recorded("virt-7.2");
		host.fwcfg.fail_dma = i;
		assert_int_equal(arm_boot(), HOST_FATAL);
		unit_check_fatal(host.fatal.stage, STATUS_IO);
		arm_check_writes();
	}
}

static void boot_arm_log_levels(void **state)
{
	(void)state;
	for (unsigned acpi = 0; acpi < 2; acpi++) {
		arm_new(ARM_RAM_SIZE, HOST_FWCFG_QEMU);
		host_fwcfg_file("opt/org.slipway/kernel", kernel.bytes, kernel.size);
		host_fwcfg_file("opt/org.slipway/log", "info", 4);
		if (acpi != 0)
			machine_add_recording("virt-7.2");
		handed_off(arm_boot());
		assert_non_null(strstr(host.console, "kernel at 0x40200000"));
		assert_non_null(strstr(host.console, acpi != 0 ? "ACPI" : "device tree"));
	}
}

/* -- memory that is missing ------------------------------------------------------ */

static void boot_arm_kernel_larger_than_memory(void **state)
{
	(void)state;
	put64(kernel.bytes + IMAGE_IMAGE_SIZE, ARM_RAM_SIZE);
	plain();
	fails("loader", STATUS_NO_MEMORY);
}

static void boot_arm_initrd_larger_than_memory(void **state)
{
	(void)state;
	arm_new(ARM_RAM_SIZE, HOST_FWCFG_QEMU);
	host_fwcfg_file("opt/org.slipway/kernel", kernel.bytes, kernel.size);
	host_fwcfg_entry("opt/org.slipway/initrd", 0x100, 0xffffffff);
	fails("loader", STATUS_NO_MEMORY);
}

/*
 * A little more RAM each time. Somewhere each thing that needs memory does not get it; then
 * the boot ends with that reason.
 */
static void boot_arm_memory_that_runs_out(void **state)
{
	static const char *const stages[] = {"payload", "acpi", "smbios", "loader"};
	bool seen[COUNT(stages)] = {false}, booted[2] = {false};

	(void)state;
	arm_kernel_free(&kernel);
	kernel = arm_kernel_make(8192, 0x10000);
	for (unsigned acpi = 0; acpi < 2; acpi++) {
		for (uint64_t more = 0; more <= 8 * MIB;) {
			plain();
			if (acpi != 0)
				machine_add_recording("virt-7.2");
			arm_tree.totalsize = 2 * MIB - ARM_WORK_SIZE;
			arm_tree.memory[0].size = 2 * MIB + more;
			/* At last, what is aligned to 2 MiB. */
			more += more < 0x90000 ? 0x1000 : 2 * MIB;
			enum host_end end = arm_boot();
			if (end == HOST_HANDOFF) {
				booted[acpi] = true;
				if (acpi != 0)
					arm_check_acpi(&expected);
				else
					arm_check_tree(&expected);
				continue;
			}
			assert_int_equal(end, HOST_FATAL);
			unit_check_fatal(host.fatal.stage, STATUS_NO_MEMORY);
			arm_check_writes();
			for (size_t i = 0; i < COUNT(stages); i++)
				seen[i] |= strcmp(stages[i], host.fatal.stage) == 0;
		}
	}
	for (size_t i = 0; i < COUNT(stages); i++)
		if (!seen[i])
			fail_msg("memory never ran out at %s", stages[i]);
	assert_true(booted[0] && booted[1]);
}

/* What was allocated but cannot be reached ends the boot, or was not to be reached. */
static void boot_arm_memory_that_cannot_be_mapped(void **state)
{
	unsigned failed = 0;

	(void)state;
	for (unsigned acpi = 0; acpi < 2; acpi++) {
		struct memmap map;
		plain();
		if (acpi != 0)
			machine_add_recording("virt-7.2");
		handed_off(arm_boot());
		map = arm_map;
		for (size_t i = 0; i < map.count; i++) {
			if (map.entry[i].type == MEMMAP_RAM || map.entry[i].start == ARM_RAM)
				continue;
			plain();
			if (acpi != 0)
				machine_add_recording("virt-7.2");
			host_refuse_map(map.entry[i].start, 1);
			if (arm_boot() == HOST_HANDOFF)
				continue;
			unit_check_fatal(host.fatal.stage, host.fatal.status);
			arm_check_writes();
			failed++;
		}
	}
	assert_in_range(failed, 6, 20);
}

/* What is reserved by the byte is reserved by the page. */
static void boot_arm_many_reservations(void **state)
{
	(void)state;
	recorded("virt-7.2");
	for (unsigned i = 0; i < 16; i++) {
		arm_tree.reserve_map[i] =
			(struct arch_range){ARM_RAM + (32 + 4 * i) * MIB + 0x123, 0x456};
		arm_tree.reserved_memory[i] =
			(struct arch_range){ARM_RAM + (34 + 4 * i) * MIB, 0x1000};
	}
	boots_with_acpi();
	for (unsigned i = 0; i < 16; i++) {
		assert_int_equal(arm_efi_type(ARM_RAM + (32 + 4 * i) * MIB), 0);
		assert_int_equal(arm_efi_type(ARM_RAM + (32 + 4 * i) * MIB + 0x1000), 7);
		assert_int_equal(arm_efi_type(ARM_RAM + (34 + 4 * i) * MIB), 0);
	}
}

/* RAM in as many ranges as the tree may have, half of them split, and one that is over all holes.
 */
static void boot_arm_memory_of_the_most_ranges(void **state)
{
	const uint64_t piece = 2 * MIB, size = 2 * MIB - 0x2000;

	(void)state;
	assert_int_equal(ARM_RAM_SIZE / piece, ARM_RANGES_MAX);
	recorded("virt-7.2");
	for (unsigned i = 0; i < ARM_RANGES_MAX; i++)
		arm_tree.memory[i] =
			(struct arch_range){ARM_RAM + i * piece, i == 0 ? piece : size};
	for (unsigned i = 0; i < 31; i++)
		arm_tree.reserved_memory[i] =
			(struct arch_range){ARM_RAM + (16 + i) * piece + MIB, 0x3000};
	arm_tree.reserve_map[0] = (struct arch_range){ARM_RAM + 56 * piece + MIB, 7 * piece};
	boots_with_acpi();
	for (unsigned i = 1; i < ARM_RANGES_MAX; i++) {
		uint64_t start = ARM_RAM + i * piece;
		bool split = i >= 16 && i < 47;
		assert_int_equal(arm_efi_type(start + size), -1);
		assert_int_equal(arm_efi_type(start + MIB) == 0, split || (i >= 56 && i < 63));
		assert_int_equal(arm_efi_type(start) == 0, i > 56);
		assert_int_equal(arm_efi_type(start + size - 1) == 0, i >= 56 && i < 63);
		if (split)
			assert_int_equal(arm_efi_type(start + MIB + 0x3000), 7);
	}
}

/* What a VMM reserves where we have been already is said, and stays reserved. */
static void boot_arm_reserved_memory_over_the_work_area(void **state)
{
	const uint64_t work = ARM_RAM + 2 * MIB - ARM_WORK_SIZE;
	static const struct {
		int64_t start;
		uint64_t size;
		bool over;
	} cases[] = {
		{-0x1000, 0x1000, false},     {-0x1000, 0x1001, true},
		{ARM_WORK_SIZE - 1, 1, true}, {ARM_WORK_SIZE, 0x1000, false},
		{0x3000, 0x1000, true},       {-0x1000, ARM_WORK_SIZE + 0x2000, true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		plain();
		arm_tree.reserved_memory[0] =
			(struct arch_range){work + (uint64_t)cases[i].start, cases[i].size};
		handed_off(arm_boot());
		arm_check_tree(&expected);
		assert_int_equal(strstr(host.console, "has been overwritten") != NULL,
				 cases[i].over);
	}
}

/* Address 0 means "none", so that its page is nobody's, if a VMM has RAM there. */
static void boot_arm_ram_at_0(void **state)
{
	(void)state;
	plain();
	arm_tree.memory[1] = (struct arch_range){0, HOST_PAGE};
	boots_with_tree();
	assert_true(arm_is_claimed(0, HOST_PAGE, MEMMAP_FIRMWARE));
	/* Less than the page. */
	plain();
	arm_tree.memory[1] = (struct arch_range){0, HOST_PAGE / 2};
	fails("memory", STATUS_OVERLAP);
	assert_non_null(strstr(host.fatal.reason, "first page"));
	plain();
	arm_tree.memory[1] = (struct arch_range){HOST_PAGE / 2, HOST_PAGE / 2};
	fails("memory", STATUS_OVERLAP);
}

/* Right beside RAM is not in it. */
static void boot_arm_device_beside_ram(void **state)
{
	static const uint64_t places[] = {ARM_RAM - 0x1000, ARM_RAM + ARM_RAM_SIZE};

	(void)state;
	for (size_t i = 0; i < COUNT(places); i++) {
		plain();
		arm_tree.pl011.start = places[i];
		boots_with_tree();
		assert_int_equal(host.machine_console.address, places[i]);
		plain();
		arm_tree.pl011.start = places[i] + (i == 0 ? 1 : -1ul);
		fails("fdt", STATUS_OVERLAP);
	}
}

/* Warnings are not heard by who wants errors alone. */
static void boot_arm_log_of_errors_alone(void **state)
{
	(void)state;
	for (unsigned errors = 0; errors < 2; errors++) {
		plain();
		host_fwcfg_file("opt/org.slipway/log", "error", errors != 0 ? 5 : 0);
		arm_tree.reserved_memory[0] =
			(struct arch_range){ARM_RAM + 2 * MIB - 0x1000, 0x1000};
		handed_off(arm_boot());
		assert_int_equal(host.console_length == 0, errors);
		arm_new(ARM_RAM_SIZE, HOST_FWCFG_CLOUD_HYPERVISOR);
		arm_tree.totalsize = 0;
		host.work_area.start = ARM_RAM + 8 * MIB;
		host_fwcfg_file("opt/org.slipway/kernel", kernel.bytes, kernel.size);
		host_fwcfg_file("opt/org.slipway/log", "error", errors != 0 ? 5 : 0);
		place_tables(PLACED);
		arm_tree.initrd = (struct arch_range){PLACED + 0x1000, 4 * MIB};
		handed_off(arm_boot());
		assert_false(arm_has_acpi());
		assert_int_equal(host.console_length == 0, errors);
	}
}

/* A write to the registers would be one to memory. */
static void boot_arm_device_in_ram(void **state)
{
	(void)state;
	plain();
	arm_tree.fwcfg.start = ARM_RAM + 8 * MIB;
	fails("fwcfg", STATUS_OVERLAP);
	plain();
	arm_tree.pl011.start = ARM_RAM + ARM_RAM_SIZE - 0x1000;
	fails("fdt", STATUS_OVERLAP);
}

/* It would not know what the stub tree's properties mean. */
static void boot_arm_kernel_without_efi(void **state)
{
	(void)state;
	kernel.bytes[0] = 0;
	recorded("virt-7.2");
	boots_with_tree();
}

/* Kernels before 4.2 look 512 MiB from their base for their tree. */
static void boot_arm_tree_of_an_old_kernel_is_near(void **state)
{
	(void)state;
	for (unsigned old = 0; old < 2; old++) {
		if (old != 0)
			put64(kernel.bytes + IMAGE_FLAGS, 2);
		plain();
		arm_add_ram(3 * GIB, 64 * MIB);
		handed_off(arm_boot());
		assert_int_equal(host.handoff.argument < host.handoff.entry + 512 * MIB, old);
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, payload_setup, payload_teardown)

static const struct CMUnitTest tests[] = {
	TEST(boot_arm_virt_with_acpi),
	TEST(boot_arm_copies_the_seeds_of_the_vmm),
	TEST(boot_arm_without_any_seed),
	TEST(boot_arm_stub_without_stdout_path),
	TEST(boot_arm_stub_of_a_long_command_line),
	TEST(boot_arm_reserved_memory_in_the_efi_map),
	TEST(boot_arm_reserved_memory_beside_ram),
	TEST(boot_arm_reserved_memory_at_the_top_is_left_alone),
	TEST(boot_arm_reserved_memory_at_the_bottom_is_left_alone),
	TEST(boot_arm_reserved_memory_that_is_claimed),
	TEST(boot_arm_acpi_off_is_a_word),
	TEST(boot_arm_acpi_off_between_other_spaces),
	TEST(boot_arm_acpi_off),
	TEST(boot_arm_script_without_rsdp),
	TEST(boot_arm_bad_script),
	TEST(boot_arm_bad_smbios),
	TEST(boot_arm_with_the_tree),
	TEST(boot_arm_tree_keeps_the_seeds_of_the_vmm),
	TEST(boot_arm_tree_without_chosen),
	TEST(boot_arm_tree_loses_what_was_replaced),
	TEST(boot_arm_tree_of_all_its_room),
	TEST(boot_arm_tree_that_would_become_too_large),
	TEST(boot_arm_console_and_psci),
	TEST(boot_arm_from_an_image_in_ram),
	TEST(boot_arm_work_area_is_left_alone),
	TEST(boot_arm_memory_in_several_ranges),
	TEST(boot_arm_nothing_beyond_what_the_cpu_addresses),
	TEST(boot_arm_costs_the_same_for_any_size),
	TEST(boot_arm_access_count),
	TEST(boot_arm_fwcfg_of_16_bytes),
	TEST(boot_arm_placed_rsdp_as_kernel),
	TEST(boot_arm_placed_rsdp_as_firmware),
	TEST(boot_arm_placed_rsdp_with_reserved_memory_elsewhere),
	TEST(boot_arm_placed_rsdp_without_fwcfg),
	TEST(boot_arm_placed_rsdp_that_is_none),
	TEST(boot_arm_placed_rsdp_of_a_bad_extended_checksum),
	TEST(boot_arm_placed_rsdp_without_xsdt),
	TEST(boot_arm_placed_rsdp_with_acpi_off),
	TEST(boot_arm_placed_rsdp_at_the_end_of_ram),
	TEST(boot_arm_placed_rsdp_that_cannot_be_mapped),
	TEST(boot_arm_placed_rsdp_in_what_is_claimed),
	TEST(boot_arm_no_tree),
	TEST(boot_arm_tree_is_nowhere),
	TEST(boot_arm_tree_is_not_aligned),
	TEST(boot_arm_tree_of_a_bad_size),
	TEST(boot_arm_tree_beyond_ram),
	TEST(boot_arm_damaged_tree),
	TEST(boot_arm_tree_without_memory),
	TEST(boot_arm_without_ram_for_ourselves),
	TEST(boot_arm_fwcfg_that_is_none),
	TEST(boot_arm_fwcfg_cannot_be_mapped),
	TEST(boot_arm_directory_of_too_many_files),
	TEST(boot_arm_each_dma_fails),
	TEST(boot_arm_log_levels),
	TEST(boot_arm_kernel_larger_than_memory),
	TEST(boot_arm_initrd_larger_than_memory),
	TEST(boot_arm_memory_that_runs_out),
	TEST(boot_arm_memory_that_cannot_be_mapped),
	TEST(boot_arm_many_reservations),
	TEST(boot_arm_memory_of_the_most_ranges),
	TEST(boot_arm_reserved_memory_over_the_work_area),
	TEST(boot_arm_ram_at_0),
	TEST(boot_arm_device_beside_ram),
	TEST(boot_arm_log_of_errors_alone),
	TEST(boot_arm_device_in_ram),
	TEST(boot_arm_kernel_without_efi),
	TEST(boot_arm_tree_of_an_old_kernel_is_near),
};

UNIT_MAIN(tests)
