/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "boot/boot.h"
#include "machine.h"
#include "payload.h"
#include "pe.h"

/* Whole boots, from the first line of C to the kernel, on each kind of machine. */

#define START_INFO 0x6000ul
#define PVH_MAP    0x7000ul

static void handed_off(enum host_end end)
{
	unit_check_end(end, HOST_HANDOFF);
	machine_check_handoff(&kernel, initrd, sizeof(initrd), CMDLINE);
}

static void boots(void)
{
	handed_off(machine_boot(ARCH_ENTRY_RESET, 0));
	assert_string_equal(host.console, "");
}

static void fails_at(enum host_end end, const char *stage, enum status status)
{
	unit_check_end(end, HOST_FATAL);
	unit_check_fatal(stage, status);
}

static void fails(const char *stage, enum status status)
{
	fails_at(machine_boot(ARCH_ENTRY_RESET, 0), stage, status);
}

/* A machine without tables. */
static void plain(uint64_t low, uint64_t high)
{
	machine_new(low, high);
	host_add_fwcfg(HOST_FWCFG_QEMU);
	machine_add_e820(low, high);
	payload_add();
}

/* -- machines of QEMU ------------------------------------------------------------ */

static void recorded(const char *name)
{
	machine_new(256 * MIB, 0);
	host_add_fwcfg(HOST_FWCFG_QEMU);
	machine_add_recording(name);
	host_fwcfg_integer(FWCFG_CPUS, 2, 2);
	payload_add();
}

/* The RSDP that the kernel is told of is also the one that a scan finds. */
static void check_acpi(enum memmap_type type)
{
	uint64_t rsdp = get64(machine_params() + PARAMS_ACPI_RSDP_ADDR);
	uint64_t found = 0;

	assert_in_range(rsdp, 0xe0000, 0xeffff);
	for (uint64_t at = 0xe0000; at < 0x100000; at += 16) {
		const uint8_t *bytes = host_memory(at, 20);
		if (bytes == NULL || memcmp(bytes, "RSD PTR ", 8) != 0)
			continue;
		assert_int_equal(found, 0);
		assert_int_equal(unit_sum(bytes, 20), 0);
		found = at;
	}
	assert_int_equal(found, rsdp);
	const uint8_t *bytes = host_memory(rsdp, 36);
	uint64_t root = bytes[15] >= 2 ? get64(bytes + 24) : get32(bytes + 16);
	assert_int_equal(machine_e820_type(root), type);
}

static void check_smbios(bool expected)
{
	unsigned found = 0;

	for (uint64_t at = 0xf0000; at < 0x100000; at += 16) {
		const uint8_t *bytes = host_memory(at, 32);
		bool two = memcmp(bytes, "_SM_", 4) == 0 && unit_sum(bytes, 31) == 0;
		bool three = memcmp(bytes, "_SM3_", 5) == 0 && unit_sum(bytes, 24) == 0;
		if (!two && !three)
			continue;
		found++;
		uint64_t table = two ? get32(bytes + 24) : get64(bytes + 16);
		assert_int_equal(machine_e820_type(table), MEMMAP_RESERVED);
		assert_int_equal(*(const uint8_t *)host_memory(table, 1), 0);
	}
	assert_int_equal(found, expected ? 1 : 0);
}

static const uint8_t *mptable;

/* MP 1.4, 4.1 and 4.2: pointers that a scan finds; the last one's table goes to mptable. */
static unsigned count_mptables(void)
{
	unsigned found = 0;

	for (uint64_t at = 0xf0000; at < 0x100000; at += 16) {
		const uint8_t *bytes = host_memory(at, 16);
		if (memcmp(bytes, "_MP_", 4) != 0 || unit_sum(bytes, 16) != 0)
			continue;
		found++;
		mptable = host_memory(get32(bytes + 4), 44);
		assert_memory_equal(mptable, "PCMP", 4);
		assert_int_equal(unit_sum(mptable, get16(mptable + 4)), 0);
		assert_int_equal(machine_e820_type(get32(bytes + 4)), MEMMAP_RESERVED);
	}
	return found;
}

/* Entry number @index of @type, or NULL. */
static const uint8_t *mptable_entry(uint8_t type, unsigned index)
{
	const uint8_t *at = mptable + 44;

	for (unsigned i = 0; i < get16(mptable + 34); i++) {
		if (*at == type && index-- == 0)
			return at;
		at += *at == 0 ? 20 : 8;
	}
	return NULL;
}

static void boot_q35(void **state)
{
	static const char *const names[] = {"q35-7.2", "q35-10.0", "q35-vmgenid-7.2"};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		recorded(names[i]);
		host_add_q35();
		boots();
		check_acpi(MEMMAP_NVS);
		check_smbios(true);
		assert_int_equal(machine_e820_type(0xb0000000), MEMMAP_RESERVED);
		assert_int_equal(machine_e820_type(0xbfffffff), MEMMAP_RESERVED);
		assert_int_equal(machine_e820_type(0xc0000000), 0);
		assert_int_equal(get32(host.pci[0].space + 0x60), 0xb0000001);
		assert_int_equal(host.pci[0].space[0x96], 0x33);
		assert_int_equal(host.processors.calls, 1);
		assert_int_equal(host.processors.wanted.uncached_start, 256 * MIB);
		assert_int_equal(host.processors.wanted.count, 2);
		assert_true(host.processors.wanted.virtual_wire);
	}
}

static void boot_pc(void **state)
{
	static const char *const names[] = {"pc-7.2", "pc-10.0"};

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		recorded(names[i]);
		host_add_i440fx();
		boots();
		check_acpi(MEMMAP_NVS);
		check_smbios(true);
		assert_int_equal(host.pci[0].space[0x5f], 0x33);
		assert_int_equal(get32(host.pci[3].space + 0x40), 0x601);
		/* The reset stub ends the machine through port 0xcf9. */
		assert_memory_equal(host_memory(0xffff0, 3), "\xba\xf9\x0c", 3);
	}
}

static void boot_microvm(void **state)
{
	static const char *const names[] = {"microvm-7.2", "microvm-10.0"};
	uint8_t before[16];

	(void)state;
	for (size_t i = 0; i < COUNT(names); i++) {
		recorded(names[i]);
		memcpy(before, host_memory(0xffff0, 16), 16);
		boots();
		check_acpi(MEMMAP_ACPI);
		/* The VMM has none, so it is ours. */
		check_smbios(true);
		assert_int_equal(count_mptables(), 0);
		/* There, the image itself is at 0xf0000. */
		assert_memory_equal(host_memory(0xffff0, 16), before, 16);
	}
}

/* -- S3 --------------------------------------------------------------------------- */

#define SHUTDOWN_STATUS 0x0f
#define SLEPT           0xfe
#define WAKING_VECTOR   0x9b030u

/* A machine that ran, was suspended, and is reset. */
static void suspend(const char *name, void (*add_chipset)(void))
{
	recorded(name);
	host_add_cmos();
	add_chipset();
	boots();
	put32(machine_facs() + 12, WAKING_VECTOR);
	host.cmos[SHUTDOWN_STATUS] = SLEPT;
}

/* All memory is as it was but the work area, which the kernel has not got. */
static void check_unchanged(const uint8_t *before, const uint8_t *now, uint64_t size)
{
	const struct arch_range *work = &host.work_area;

	for (uint64_t page = 0; page < size; page += 0x1000) {
		if (memcmp(before + page, now + page, 0x1000) != 0 &&
		    (page < work->start || page >= work->start + work->size))
			fail_msg("a resume writes to 0x%lx", page);
	}
}

static void boot_resumes(void **state)
{
	static const struct {
		const char *name;
		void (*add_chipset)(void);
	} cases[] = {
		{"q35-7.2", host_add_q35},
		{"q35-10.0", host_add_q35},
		{"pc-7.2", host_add_i440fx},
		{"pc-10.0", host_add_i440fx},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		suspend(cases[i].name, cases[i].add_chipset);
		assert_int_equal(machine_e820_type(host.work_area.start), MEMMAP_RESERVED);
		assert_int_equal(machine_e820_type(host.work_area.start + host.work_area.size - 1),
				 MEMMAP_RESERVED);
		uint8_t *before = malloc(256 * MIB);
		const uint8_t *now = host_memory(0, 256 * MIB);
		assert_non_null(before);
		assert_non_null(now);
		memcpy(before, now, 256 * MIB);
		/* The chipset has forgotten. */
		memset(host.pci[0].space + 0x59, 0, 0x47);

		assert_int_equal(machine_boot(ARCH_ENTRY_RESET, 0), HOST_HANDOFF);
		assert_string_equal(host.console, "");
		assert_int_equal(host.handoff.mode, ARCH_MODE_REAL);
		assert_int_equal(host.handoff.entry, WAKING_VECTOR);
		assert_int_equal(host.processors.calls, 2);
		assert_int_not_equal(host.pci[0].space[0x5f] | host.pci[0].space[0x96], 0);
		/* The next reset is a reset. */
		assert_int_equal(host.cmos[SHUTDOWN_STATUS], 0);
		check_unchanged(before, now, 256 * MIB);
		free(before);
		boots();
	}
}

static struct host_item *find_file(const char *name)
{
	const struct host_item *directory = host_fwcfg_find(FWCFG_DIRECTORY);

	for (size_t at = 4; at + 64 <= directory->size; at += 64) {
		const uint8_t *entry = directory->bytes + at;
		if (strncmp((const char *)entry + 8, name, 56) == 0)
			return host_fwcfg_find((uint16_t)(entry[4] << 8 | entry[5]));
	}
	fail_msg("there is no file %s", name);
	return NULL;
}

/* QEMU forgets where the generation ID is. */
static void boot_resume_tells_the_vmm_again(void **state)
{
	(void)state;
	suspend("q35-vmgenid-7.2", host_add_q35);
	struct host_item *item = find_file("etc/vmgenid_addr");
	uint64_t told = get64(item->bytes);
	assert_int_not_equal(told, 0);
	put64(item->bytes, 0);
	assert_int_equal(machine_boot(ARCH_ENTRY_RESET, 0), HOST_HANDOFF);
	assert_int_equal(host.handoff.mode, ARCH_MODE_REAL);
	assert_int_equal(get64(item->bytes), told);
}

static void boot_resume_without_a_way_back(void **state)
{
	(void)state;
	suspend("q35-7.2", host_add_q35);
	put32(machine_facs() + 12, 0);
	fails("resume", STATUS_NOT_FOUND);
	/* Memory was lost. */
	suspend("q35-7.2", host_add_q35);
	memset(machine_facs(), 0, 64);
	fails("resume", STATUS_BAD_FORMAT);
}

/* QEMU has another generation ID device, or none: that is said, and the system resumes. */
static void boot_resume_with_another_fwcfg(void **state)
{
	(void)state;
	suspend("q35-vmgenid-7.2", host_add_q35);
	find_file("etc/vmgenid_addr")->writable = false;
	assert_int_equal(machine_boot(ARCH_ENTRY_RESET, 0), HOST_HANDOFF);
	assert_int_equal(host.handoff.mode, ARCH_MODE_REAL);
	assert_non_null(strstr(host.console, "etc/vmgenid_addr"));
}

/* Who left the byte in CMOS has not been suspended here: an ordinary boot, once. */
static void boot_resume_of_nobody(void **state)
{
	(void)state;
	recorded("q35-7.2");
	host_add_cmos();
	host_add_q35();
	host.cmos[SHUTDOWN_STATUS] = SLEPT;
	handed_off(machine_boot(ARCH_ENTRY_RESET, 0));
	assert_non_null(strstr(host.console, "resume"));
	assert_int_equal(host.cmos[SHUTDOWN_STATUS], 0);
}

/* On a microvm, and behind another firmware, the byte in CMOS is not for us. */
static void boot_is_no_resume(void **state)
{
	(void)state;
	recorded("microvm-7.2");
	host_add_cmos();
	host.cmos[SHUTDOWN_STATUS] = SLEPT;
	boots();
	assert_int_equal(host.cmos[SHUTDOWN_STATUS], SLEPT);
	assert_int_equal(machine_e820_type(host.work_area.start), MEMMAP_RAM);

	suspend("q35-7.2", host_add_q35);
	host_image_in_ram(MIB, machine_image, sizeof(machine_image));
	uint8_t info[56] = {0};
	put32(info, 0x336ec578);
	put32(info + 4, 1);
	machine_put(0x6000, info, sizeof(info));
	handed_off(machine_boot(ARCH_ENTRY_PVH, 0x6000));
	assert_int_equal(host.cmos[SHUTDOWN_STATUS], SLEPT);
}

static void boot_without_tables(void **state)
{
	(void)state;
	plain(64 * MIB, 0);
	boots();
	assert_int_equal(get64(machine_params() + PARAMS_ACPI_RSDP_ADDR), 0);
	check_smbios(true);
	assert_int_equal(count_mptables(), 1);
	assert_int_equal(host.processors.calls, 1);
	assert_int_equal(host.processors.wanted.count, 1);
}

/* -- machines without tables ------------------------------------------------------ */

enum { MP_PROCESSOR, MP_BUS, MP_IO_APIC, MP_INTERRUPT };

/* A machine with acpi=off that has a NIC in slot 3 and one in slot 2 behind a bridge in slot 4. */
static void without_acpi(void (*add_chipset)(void))
{
	plain(64 * MIB, GIB);
	host_fwcfg_integer(FWCFG_CPUS, 2, 3);
	host_fwcfg_item(FWCFG_UUID, "0123456789abcdef", 16);
	add_chipset();
	struct host_pci *nic = host_add_pci_device(NULL, 0, 3, 0, 0x10001af4);
	struct host_pci *bridge = host_add_pci_bridge(NULL, 0, 4, 0, 0x00011b36);
	struct host_pci *behind = host_add_pci_device(bridge, 0, 2, 0, 0x10001af4);
	nic->space[0x3d] = 1;
	behind->space[0x3d] = 2;
	host.processors.found = (struct arch_found_processors){
		.apic_ids = {0x5, 0, 1},
		.boot = 2,
		.signature = 0x60fb1,
		.features = 0x78bfbfd,
	};
}

/* The I/O APIC's pin that a table gives for a pin of a device. */
static unsigned io_apic_pin(uint8_t bus, uint8_t irq)
{
	const uint8_t *entry;
	unsigned found = 0, pin = 0;

	for (unsigned i = 0; (entry = mptable_entry(MP_INTERRUPT, i)) != NULL; i++) {
		if (entry[4] != bus || entry[5] != irq)
			continue;
		found++;
		pin = entry[7];
	}
	assert_int_equal(found, 1);
	return pin;
}

static void boot_without_acpi_on_pc(void **state)
{
	(void)state;
	without_acpi(host_add_i440fx);
	boots();
	assert_int_equal(count_mptables(), 1);
	/* A pin and the slot turn through PIRQ A to D: 10, 10, 11, 11. */
	assert_int_equal(io_apic_pin(0, 3 << 2 | 0), 11);
	assert_int_equal(io_apic_pin(1, 2 << 2 | 1), 11);
}

static void boot_without_acpi_on_q35(void **state)
{
	static const uint8_t ids[] = {0, 2, 128};

	(void)state;
	without_acpi(host_add_q35);
	for (uint8_t slot = 24; slot < 31; slot++)
		host_add_pci_device(NULL, 0, slot, 0, 0x10001af4)->space[0x3d] = 2;
	boots();
	assert_int_equal(count_mptables(), 1);
	for (unsigned i = 0; i < COUNT(ids); i++) {
		const uint8_t *processor = mptable_entry(MP_PROCESSOR, i);
		assert_non_null(processor);
		assert_int_equal(processor[1], ids[i]);
		assert_int_equal(processor[3], ids[i] == 2 ? 3 : 1);
		assert_int_equal(get32(processor + 4), 0x60fb1);
		assert_int_equal(get32(processor + 8), 0x78bfbfd);
	}
	assert_null(mptable_entry(MP_PROCESSOR, 3));
	/* PCI buses 0 and 1, and ISA under a number that no bus has. */
	assert_memory_equal(mptable_entry(MP_BUS, 0), "\1\0PCI   ", 8);
	assert_memory_equal(mptable_entry(MP_BUS, 1), "\1\1PCI   ", 8);
	assert_memory_equal(mptable_entry(MP_BUS, 2), "\1\2ISA   ", 8);
	assert_null(mptable_entry(MP_BUS, 3));
	/* PIRQ A to H are pins 16 to 23 of the I/O APIC; slots from 25 on do not turn. */
	assert_int_equal(io_apic_pin(0, 24 << 2 | 1), 21);
	assert_int_equal(io_apic_pin(0, 25 << 2 | 1), 17);
	assert_int_equal(io_apic_pin(0, 29 << 2 | 1), 17);
	assert_int_equal(io_apic_pin(0, 30 << 2 | 1), 21);
	assert_int_equal(io_apic_pin(0, 3 << 2 | 0), 23);
	assert_int_equal(io_apic_pin(1, 2 << 2 | 1), 23);
	assert_int_equal(io_apic_pin(2, 0), 2);
	assert_int_equal(io_apic_pin(2, 4), 4);

	check_smbios(true);
	const uint8_t *anchor = host_memory(0xf0110, 24);
	const uint8_t *type1 = host_memory(get64(anchor + 16), 512);
	while (type1[0] != 1) {
		type1 += type1[1];
		while (type1[0] != 0 || type1[1] != 0)
			type1++;
		type1 += 2;
	}
	assert_memory_equal(type1 + 8, "3210547689abcdef", 16);
}

/* ID 255 would mean every processor; a bus number has to be left for ISA. */
static void boot_without_acpi_at_the_limits(void **state)
{
	(void)state;
	without_acpi(host_add_q35);
	memset(host.processors.found.apic_ids, 0xff, sizeof(host.processors.found.apic_ids));
	boots();
	assert_int_equal(count_mptables(), 1);
	assert_non_null(mptable_entry(MP_PROCESSOR, 254));
	assert_null(mptable_entry(MP_PROCESSOR, 255));

	/* With the last number taken, a lower one is found. */
	without_acpi(host_add_q35);
	host_fwcfg_file("etc/extra-pci-roots", "\1\0\0\0\0\0\0", 8);
	host_add_pci_device(NULL, 255, 0, 0, 0x10001af4);
	boots();
	assert_int_equal(count_mptables(), 1);
	assert_memory_equal(mptable_entry(MP_BUS, 2), "\1\2ISA   ", 8);

	without_acpi(host_add_q35);
	host_fwcfg_integer(FWCFG_CPUS, 2, 256);
	handed_off(machine_boot(ARCH_ENTRY_RESET, 0));
	assert_int_equal(count_mptables(), 0);
	assert_non_null(strstr(host.console, "MP table"));
}

static void boot_over_the_data_port(void **state)
{
	(void)state;
	machine_new(64 * MIB, 0);
	host_add_fwcfg(HOST_FWCFG_CROSVM);
	machine_add_e820(64 * MIB, 0);
	payload_add();
	/* Tables that it has put there itself stay, whatever its host bridge is called. */
	host_add_pci();
	host_add_pci_function(0, 0, 0, 0x12378086);
	static uint8_t area[0x20000];
	unit_random_bytes(area, sizeof(area));
	machine_put(0xe0000, area, sizeof(area));
	boots();
	assert_int_equal(host.fwcfg.dmas, 0);
	assert_memory_equal(host_memory(0xe0000, sizeof(area)), area, sizeof(area));
}

/* Tables in the BIOS area need RAM there, or they go elsewhere. */
static void boot_with_a_bios_area_of_rom(void **state)
{
	(void)state;
	recorded("q35-7.2");
	host_add_q35();
	host_refuse_map(0xe0000, 0x20000);
	handed_off(machine_boot(ARCH_ENTRY_RESET, 0));
	assert_string_equal(host.console,
			    "slipway: no writable memory for the SMBIOS entry point\n");
	uint64_t rsdp = get64(machine_params() + PARAMS_ACPI_RSDP_ADDR);
	assert_true(rsdp >= MIB);
	assert_memory_equal(host_memory(rsdp, 8), "RSD PTR ", 8);
	assert_int_equal(machine_e820_type(rsdp), MEMMAP_NVS);
}

static void boot_each_protocol(void **state)
{
	(void)state;
	for (unsigned version = 0x206; version <= 0x20f; version++) {
		kernel_free(&kernel);
		kernel = kernel_make(3, 8192);
		kernel_set_version(&kernel, version);
		plain(64 * MIB, 0);
		boots();
	}
}

static void boot_by_the_32_bit_entry(void **state)
{
	(void)state;
	put16(kernel.bytes + XLOADFLAGS, 0);
	plain(64 * MIB, 0);
	boots();
	assert_int_equal(host.handoff.mode, ARCH_MODE_LINUX_32);
	assert_int_equal(host.handoff.entry, 16 * MIB);
}

static void boot_from_a_kernel_elsewhere(void **state)
{
	(void)state;
	put64(kernel.bytes + PREF_ADDRESS, 48 * MIB);
	plain(64 * MIB, 0);
	boots();
	assert_int_equal(host.handoff.entry, 48 * MIB + 0x200);
}

static void boot_above_4g(void **state)
{
	(void)state;
	/* All that is below is too small for the kernel. */
	plain(18 * MIB, 64 * MIB);
	boots();
	assert_int_equal(host.handoff.entry, 4 * GIB + 0x200);
}

static void boot_with_an_initrd_above_4g(void **state)
{
	enum { SIZE = 48 << 20 };
	uint8_t *large = malloc(SIZE);

	(void)state;
	assert_non_null(large);
	memset(large, 0xa5, SIZE);
	machine_new(32 * MIB, 128 * MIB);
	host_add_fwcfg(HOST_FWCFG_QEMU);
	machine_add_e820(32 * MIB, 128 * MIB);
	host_fwcfg_file("opt/org.slipway/kernel", kernel.bytes, kernel.size);
	host_fwcfg_file("opt/org.slipway/initrd", large, SIZE);
	assert_int_equal(machine_boot(ARCH_ENTRY_RESET, 0), HOST_HANDOFF);
	machine_check_handoff(&kernel, large, SIZE, "");
	assert_int_equal(get32(machine_params() + PARAMS_EXT_RAMDISK_IMAGE), 1);
	free(large);
}

/* Must hold: no growth with the size of kernel or initrd. */
static void boot_costs_the_same_for_any_size(void **state)
{
	size_t accesses[2], maps[2];

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		kernel_free(&kernel);
		kernel = kernel_make(3, i == 0 ? 1024 : 3 * MIB);
		plain(64 * MIB, 0);
		boots();
		accesses[i] = host.accesses;
		maps[i] = host.maps;
	}
	assert_int_equal(accesses[0], accesses[1]);
	assert_int_equal(maps[0], maps[1]);
}

/* Every access is an exit of the VM. The bound is what it takes today. */
static void boot_access_count(void **state)
{
	(void)state;
	recorded("microvm-7.2");
	boots();
	print_message("microvm: %zu accesses, %zu of them DMA\n", host.accesses, host.fwcfg.dmas);
	assert_in_range(host.accesses, 1, 40);
	recorded("q35-7.2");
	host_add_q35();
	boots();
	print_message("q35: %zu accesses, %zu of them DMA\n", host.accesses, host.fwcfg.dmas);
	assert_in_range(host.accesses, 1, 45);
}

/* -- the memory map -------------------------------------------------------------- */

static void e820_entry(uint8_t *at, uint64_t start, uint64_t size, uint32_t type)
{
	put64(at, start);
	put64(at + 8, size);
	put32(at + 16, type);
}

static void boot_e820_types_and_overlaps(void **state)
{
	uint8_t entries[6 * 20];

	(void)state;
	machine_new(64 * MIB, 0);
	host_add_fwcfg(HOST_FWCFG_QEMU);
	e820_entry(entries, 60 * MIB, MIB, 0xdead);
	e820_entry(entries + 20, 61 * MIB, MIB, 4);
	e820_entry(entries + 40, 62 * MIB, MIB, 0);
	e820_entry(entries + 60, 0, 64 * MIB, 1);
	e820_entry(entries + 80, 63 * MIB, 0, 2);
	e820_entry(entries + 100, 4 * GIB, GIB, 12);
	host_fwcfg_file("etc/e820", entries, sizeof(entries));
	payload_add();
	boots();
	assert_int_equal(machine_e820_type(59 * MIB), MEMMAP_RAM);
	assert_int_equal(machine_e820_type(60 * MIB), MEMMAP_RESERVED);
	assert_int_equal(machine_e820_type(61 * MIB), MEMMAP_NVS);
	assert_int_equal(machine_e820_type(62 * MIB), MEMMAP_RESERVED);
	assert_int_equal(machine_e820_type(63 * MIB), MEMMAP_RAM);
	assert_int_equal(machine_e820_type(4 * GIB), MEMMAP_RESERVED);
	/* What PCs have there, whatever the VMM says. */
	assert_int_equal(machine_e820_type(0x9ffff), MEMMAP_RAM);
	assert_int_equal(machine_e820_type(0xa0000), MEMMAP_RESERVED);
	assert_int_equal(machine_e820_type(0xfffff), MEMMAP_RESERVED);
	assert_int_equal(machine_e820_type(0xffffffff), MEMMAP_RESERVED);
}

static void boot_e820_size(void **state)
{
	static uint8_t entries[129 * 20];
	static const size_t bad[] = {1, 19, 21, 39, 128 * 20 + 1, 129 * 20};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		machine_new(64 * MIB, 0);
		host_add_fwcfg(HOST_FWCFG_QEMU);
		host_fwcfg_file("etc/e820", entries, bad[i]);
		payload_add();
		fails("memory", STATUS_BAD_FORMAT);
	}
	machine_new(64 * MIB, 0);
	host_add_fwcfg(HOST_FWCFG_QEMU);
	host_fwcfg_entry("etc/e820", 0x100, 0xffffffff);
	payload_add();
	fails("memory", STATUS_BAD_FORMAT);
	/* 128 of them, all the same but for the first. */
	machine_new(64 * MIB, 0);
	host_add_fwcfg(HOST_FWCFG_QEMU);
	for (size_t i = 0; i < 128; i++)
		e820_entry(entries + 20 * i, 0, 64 * MIB, 1);
	host_fwcfg_file("etc/e820", entries, 128 * 20);
	payload_add();
	boots();
}

static void boot_e820_of_many_ranges(void **state)
{
	static uint8_t entries[128 * 20];

	(void)state;
	machine_new(64 * MIB, 0);
	host_add_fwcfg(HOST_FWCFG_QEMU);
	e820_entry(entries, 0, 64 * MIB, 1);
	for (uint64_t i = 1; i < 128; i++)
		e820_entry(entries + 20 * i, 4 * GIB + 2 * i * MIB, MIB, 2);
	host_fwcfg_file("etc/e820", entries, sizeof(entries));
	payload_add();
	/* With ours they are more than boot_params takes. */
	fails("loader", STATUS_TOO_LARGE);
	machine_new(64 * MIB, 0);
	host_add_fwcfg(HOST_FWCFG_QEMU);
	host_fwcfg_file("etc/e820", entries, 100 * 20);
	payload_add();
	boots();
}

/* Each hole splits the map; at some number of them one or the other table is full. */
static void boot_memory_map_that_fills_up(void **state)
{
	static uint8_t entries[128 * 20];
	unsigned booted = 0;

	(void)state;
	for (unsigned holes = 40; holes < 128; holes++) {
		machine_new(64 * MIB, 0);
		host_add_fwcfg(HOST_FWCFG_QEMU);
		host_add_q35();
		e820_entry(entries, 0, 64 * MIB, 1);
		for (unsigned i = 1; i <= holes; i++)
			e820_entry(entries + 20 * i, 32 * MIB + 0x2000 * i, 0x1000, 2);
		host_fwcfg_file("etc/e820", entries, 20 * (holes + 1));
		payload_add();
		if (machine_boot(ARCH_ENTRY_RESET, 0) == HOST_HANDOFF) {
			machine_check_handoff(&kernel, initrd, sizeof(initrd), CMDLINE);
			booted++;
		} else {
			unit_check_fatal(host.fatal.stage, STATUS_TOO_LARGE);
		}
	}
	assert_in_range(booted, 10, 60);
}

static void boot_where_the_kernels_data_cannot_be_mapped(void **state)
{
	(void)state;
	plain(64 * MIB, 0);
	boots();
	uint64_t params = host.handoff.argument;
	uint64_t cmdline = get32(machine_params() + CMD_LINE_PTR);
	plain(64 * MIB, 0);
	host_refuse_map(params, 1);
	fails("loader", STATUS_NO_MEMORY);
	plain(64 * MIB, 0);
	host_refuse_map(cmdline, 1);
	fails("loader", STATUS_NO_MEMORY);
}

static void boot_e820_entry_that_wraps(void **state)
{
	uint8_t entries[40];

	(void)state;
	machine_new(64 * MIB, 0);
	host_add_fwcfg(HOST_FWCFG_QEMU);
	e820_entry(entries, 0, 64 * MIB, 1);
	e820_entry(entries + 20, UINT64_MAX - 5, 7, 2);
	host_fwcfg_file("etc/e820", entries, sizeof(entries));
	payload_add();
	fails("memory", STATUS_OUT_OF_RANGE);
}

static void boot_e820_cannot_be_read(void **state)
{
	(void)state;
	plain(64 * MIB, 0);
	host.fwcfg.fail_dma = 2;
	fails("memory", STATUS_IO);
}

static void boot_without_ram_for_ourselves(void **state)
{
	uint8_t entries[40];

	(void)state;
	machine_new(64 * MIB, 0);
	host_add_fwcfg(HOST_FWCFG_QEMU);
	host_fwcfg_file("etc/e820", "", 0);
	payload_add();
	fails("memory", STATUS_OVERLAP);
	machine_new(64 * MIB, 0);
	host_add_fwcfg(HOST_FWCFG_QEMU);
	e820_entry(entries, 0, 64 * MIB, 1);
	e820_entry(entries + 20, 0x40000, 1, 2);
	host_fwcfg_file("etc/e820", entries, 40);
	payload_add();
	fails("memory", STATUS_OVERLAP);
}

static void put_cmos(unsigned above_1m, unsigned above_16m, unsigned above_4g)
{
	put16(host.cmos + 0x30, (uint16_t)above_1m);
	put16(host.cmos + 0x34, (uint16_t)above_16m);
	put16(host.cmos + 0x5b, (uint16_t)above_4g);
	host.cmos[0x5d] = (uint8_t)(above_4g >> 16);
}

static void boot_memory_from_cmos(void **state)
{
	(void)state;
	machine_new(64 * MIB, 128 * MIB);
	host_add_fwcfg(HOST_FWCFG_QEMU);
	host_add_cmos();
	put_cmos(63 * 1024, 48 * 16, 128 * 16);
	payload_add();
	boots();
	assert_int_equal(machine_e820_type(64 * MIB - 1), MEMMAP_RAM);
	assert_int_equal(machine_e820_type(64 * MIB), 0);
	assert_int_equal(machine_e820_type(4 * GIB), MEMMAP_RAM);
	assert_int_equal(machine_e820_type(4 * GIB + 128 * MIB - 1), MEMMAP_RAM);
	assert_int_equal(machine_e820_type(4 * GIB + 128 * MIB), 0);
}

static void boot_memory_from_cmos_below_16m(void **state)
{
	(void)state;
	put64(kernel.bytes + PREF_ADDRESS, 4 * MIB);
	machine_new(16 * MIB, 0);
	host_add_fwcfg(HOST_FWCFG_QEMU);
	host_add_cmos();
	put_cmos(11 * 1024, 0, 0);
	payload_add();
	boots();
	assert_int_equal(machine_e820_type(12 * MIB - 1), MEMMAP_RAM);
	assert_int_equal(machine_e820_type(12 * MIB), 0);
	assert_int_equal(machine_e820_type(4 * GIB), 0);
}

/* An empty socket reads as ones: a lot of memory, some of it over the ROM. */
static void boot_memory_from_no_cmos(void **state)
{
	(void)state;
	machine_new(64 * MIB, 0);
	host_add_fwcfg(HOST_FWCFG_QEMU);
	payload_add();
	enum host_end end = machine_boot(ARCH_ENTRY_RESET, 0);
	assert_true(end == HOST_HANDOFF || end == HOST_FATAL);
}

/* -- PCI ------------------------------------------------------------------------- */

static uint64_t bar_of(const struct host_pci *pci)
{
	return get64(pci->space + 0x10) & ~15ul;
}

/* A machine with 64 MiB and a device with a BAR of 64 bits and this size. */
static struct host_pci *with_bar(bool q35, uint64_t size)
{
	machine_new(64 * MIB, 0);
	host_add_fwcfg(HOST_FWCFG_QEMU);
	machine_add_e820(64 * MIB, 0);
	payload_add();
	if (q35)
		host_add_q35();
	else
		host_add_i440fx();
	struct host_pci *pci = host_add_pci_device(NULL, 0, 5, 0, 0x10411af4);
	host_set_pci_bar(pci, 0, 0xc, size);
	return pci;
}

static void boot_pci_below_4g(void **state)
{
	static const uint64_t starts[] = {0xe0000000, 0xc0000000};

	(void)state;
	for (unsigned q35 = 0; q35 < 2; q35++) {
		struct host_pci *pci = with_bar(q35 != 0, MIB);
		handed_off(machine_boot(ARCH_ENTRY_RESET, 0));
		assert_int_equal(bar_of(pci), starts[q35]);
		assert_int_equal(pci->space[4] & 2, 2);
	}
}

/* Behind what the VMM keeps for memory that it may plug in. */
static void boot_pci_above_4g(void **state)
{
	uint8_t end[8];

	(void)state;
	struct host_pci *pci = with_bar(true, 64 * GIB);
	handed_off(machine_boot(ARCH_ENTRY_RESET, 0));
	assert_int_equal(bar_of(pci), 64 * GIB);
	pci = with_bar(true, 4 * GIB);
	put64(end, 21 * GIB);
	host_fwcfg_file("etc/reserved-memory-end", end, sizeof(end));
	handed_off(machine_boot(ARCH_ENTRY_RESET, 0));
	assert_int_equal(bar_of(pci), 24 * GIB);
}

/* With RAM up there, an operating system can use all of that space. */
static void boot_pci_beside_high_ram(void **state)
{
	(void)state;
	plain(64 * MIB, GIB);
	host_add_q35();
	struct host_pci *port = host_add_pci_bridge(NULL, 0, 4, 0, 0x000c1b36);
	static const uint8_t express[] = {0x10, 0, 0x42, 1};
	host_add_pci_capability(port, 0x40, express, sizeof(express));
	put32(port->writable + 0x24, 0xfff0fff0);
	put32(port->space + 0x24, 0x00010001);
	put64(port->writable + 0x28, ~0ul);
	struct host_pci *pci = host_add_pci_device(NULL, 0, 5, 0, 0x10411af4);
	host_set_pci_bar(pci, 0, 0xc, MIB);
	boots();
	assert_in_range(bar_of(pci), 5 * GIB, 64 * GIB);
	/* Room for a GPU in an empty port, by the width of an address. */
	uint64_t base = (uint64_t)get32(port->space + 0x28) << 32 |
			(get32(port->space + 0x24) & 0xfff0u) << 16;
	uint64_t last = (uint64_t)get32(port->space + 0x2c) << 32 |
			(get32(port->space + 0x24) & 0xfff00000u);
	assert_in_range(base, 5 * GIB, 64 * GIB);
	uint64_t room = host.map_end / 2048;
	assert_int_equal(last + MIB - base, room < 8 * GIB ? room : 8 * GIB);
}

/* A host that says nonsense loses the device, not the boot. */
static void boot_pci_with_no_room(void **state)
{
	uint8_t end[8];

	(void)state;
	struct host_pci *pci = with_bar(true, 64 * GIB);
	put64(end, ~0ul);
	host_fwcfg_file("etc/reserved-memory-end", end, sizeof(end));
	handed_off(machine_boot(ARCH_ENTRY_RESET, 0));
	assert_int_equal(bar_of(pci), 0);
	assert_int_equal(pci->space[4] & 2, 0);
	assert_non_null(strstr(host.console, "pci 00:05.0"));
}

/* -- entered by PVH -------------------------------------------------------------- */

static uint8_t start_info[56];

static void pvh(uint64_t rsdp, uint32_t entries)
{
	machine_new(64 * MIB, 0);
	host_image_in_ram(MIB, machine_image, sizeof(machine_image));
	memset(start_info, 0, sizeof(start_info));
	put32(start_info, 0x336ec578);
	put32(start_info + 4, 1);
	put64(start_info + 32, rsdp);
	put64(start_info + 40, PVH_MAP);
	put32(start_info + 48, entries);
}

static void put_pvh_map(void)
{
	uint8_t map[3 * 24] = {0};

	e820_entry(map, 0, 0xa0000, 1);
	e820_entry(map + 24, MIB, 62 * MIB, 1);
	e820_entry(map + 48, 63 * MIB, MIB, 2);
	machine_put(PVH_MAP, map, sizeof(map));
}

static enum host_end boot_pvh(void)
{
	machine_put(START_INFO, start_info, sizeof(start_info));
	return machine_boot(ARCH_ENTRY_PVH, START_INFO);
}

static void check_image_unchanged(void)
{
	assert_memory_equal(host_memory(MIB, sizeof(machine_image)), machine_image,
			    sizeof(machine_image));
}

/* Whether both 8259s were told to mask all that they have. */
static bool interrupts_masked(void)
{
	bool first = false, second = false;

	for (size_t i = 0; i < host.accesses; i++) {
		const struct host_access *access = &host.access[i];
		bool masks = access->write && access->width == 1 && access->value == 0xff;
		first |= masks && access->port == 0x21;
		second |= masks && access->port == 0xa1;
	}
	return first && second;
}

static void boot_pvh_on_qemu(void **state)
{
	(void)state;
	pvh(0, 0);
	host_add_fwcfg(HOST_FWCFG_QEMU);
	machine_add_recording("q35-7.2");
	host_add_q35();
	payload_add();
	/* The recording is of a machine of 256 MiB. */
	host_add_ram(64 * MIB, 192 * MIB);
	handed_off(boot_pvh());
	check_acpi(MEMMAP_ACPI);
	check_smbios(true);
	check_image_unchanged();
	assert_true(interrupts_masked());
	/* The control bits of QEMU are not relied on then. */
	for (size_t i = 0; i < host.fwcfg.dmas; i++)
		assert_int_equal(host.fwcfg.dma[i].control, 2);
}

/* Where nothing answers, CMOS reads as 0xff. */
static void boot_without_any_memory_map(void **state)
{
	(void)state;
	machine_new(64 * MIB, 0);
	host_add_fwcfg(HOST_FWCFG_QEMU);
	payload_add();
	fails_at(machine_boot(ARCH_ENTRY_RESET, 0), "memory", STATUS_BAD_FORMAT);
}

static void put_rsdp(uint64_t address)
{
	uint8_t rsdp[20] = "RSD PTR ";

	for (size_t i = 0; i < sizeof(rsdp); i++)
		rsdp[8] = (uint8_t)(rsdp[8] - (i == 8 ? 0 : rsdp[i]));
	machine_put(address, rsdp, sizeof(rsdp));
}

static void boot_pvh_rsdp_that_is_none(void **state)
{
	(void)state;
	pvh(0xa0000, 3);
	put_pvh_map();
	fails_at(boot_pvh(), "entry", STATUS_BAD_FORMAT);
}

static void boot_pvh_rsdp_without_a_map(void **state)
{
	(void)state;
	pvh(0xa0000, 0);
	put_rsdp(0xa0000);
	fails_at(boot_pvh(), "entry", STATUS_UNSUPPORTED);
}

/* Our own stack is no place for a loader's data: it is overwritten by then. */
static void boot_pvh_data_in_the_work_area(void **state)
{
	(void)state;
	pvh(0, 3);
	put64(start_info + 40, 0x44000);
	fails_at(boot_pvh(), "memory", STATUS_OUT_OF_RANGE);
	pvh(0, 3);
	fails_at(machine_boot(ARCH_ENTRY_PVH, 0x52ff0), "entry", STATUS_OUT_OF_RANGE);
}

/* The VMM's own tables stay, and so does its chipset (rulings 4). */
static void boot_pvh_with_the_platform_done(void **state)
{
	(void)state;
	static const enum host_fwcfg_kind kinds[] = {HOST_FWCFG_CLOUD_HYPERVISOR, HOST_FWCFG_QEMU};
	for (size_t i = 0; i < COUNT(kinds); i++) {
		pvh(0xa0000, 3);
		put_pvh_map();
		put_rsdp(0xa0000);
		host_add_fwcfg(kinds[i]);
		/* Smaller than what the PVH map says: memory.size alone. */
		machine_add_e820(32 * MIB, 0);
		host_fwcfg_file("etc/table-loader", "rubbish", 7);
		host_add_q35();
		payload_add();
		handed_off(boot_pvh());
		check_image_unchanged();
		assert_string_equal(host.console, "");
		assert_int_equal(get64(machine_params() + PARAMS_ACPI_RSDP_ADDR), 0xa0000);
		assert_int_equal(machine_e820_type(62 * MIB), MEMMAP_RAM);
		assert_int_equal(machine_e820_type(63 * MIB), MEMMAP_RESERVED);
		assert_int_equal(host.processors.calls, 0);
		assert_true(interrupts_masked());
		for (size_t at = 0; at < host.accesses; at++)
			assert_true(host.access[at].port < 0xcf8);
	}
}

static void boot_pvh_map_without_e820(void **state)
{
	(void)state;
	pvh(0, 3);
	put_pvh_map();
	host_add_fwcfg(HOST_FWCFG_CLOUD_HYPERVISOR);
	payload_add();
	handed_off(boot_pvh());
	assert_int_equal(machine_e820_type(62 * MIB), MEMMAP_RAM);
	assert_int_equal(machine_e820_type(63 * MIB), MEMMAP_RESERVED);
}

static void boot_pvh_e820_before_the_pvh_map(void **state)
{
	(void)state;
	pvh(0, 3);
	put_pvh_map();
	host_add_fwcfg(HOST_FWCFG_QEMU);
	machine_add_e820(64 * MIB, 0);
	payload_add();
	handed_off(boot_pvh());
	assert_int_equal(machine_e820_type(63 * MIB), MEMMAP_RAM);
}

/* Version 0 ends before the map's address. */
#define MODULE_LIST 0x6040ul
#define MODULE      (32 * MIB)
#define PVH_CMDLINE 0x20000ul

/* A PVH loader, and no fw_cfg, with a module of @size bytes at MODULE. */
static void pvh_module(const void *bytes, size_t size)
{
	uint8_t entry[32] = {0};

	pvh(0, 3);
	put_pvh_map();
	put32(start_info + 12, 1);
	put64(start_info + 16, MODULE_LIST);
	put64(entry, MODULE);
	put64(entry + 8, size);
	machine_put(MODULE_LIST, entry, sizeof(entry));
	machine_put(MODULE, bytes, size);
}

static struct pe_file make_uki(void)
{
	struct pe_file uki = pe_make(PE_X86_64, 3);

	(void)pe_add(&uki, ".cmdline", "from=uki", 8);
	(void)pe_add(&uki, ".initrd", initrd, sizeof(initrd));
	(void)pe_add(&uki, ".linux", kernel.bytes, kernel.size);
	return uki;
}

/* What a stock Cloud Hypervisor can do: --kernel fw.bin --initramfs uki --cmdline ... */
static void boot_pvh_module_that_is_a_uki(void **state)
{
	(void)state;
	for (unsigned with_cmdline = 0; with_cmdline < 2; with_cmdline++) {
		struct pe_file uki = make_uki();
		pvh_module(uki.bytes, uki.size);
		machine_put(PVH_CMDLINE, "from=vmm", 9);
		put64(start_info + 24, with_cmdline != 0 ? PVH_CMDLINE : 0);
		assert_int_equal(boot_pvh(), HOST_HANDOFF);
		machine_check_handoff(&kernel, initrd, sizeof(initrd),
				      with_cmdline != 0 ? "from=vmm" : "from=uki");
		assert_string_equal(host.console, "");
		pe_free(&uki);
	}
}

/* A module with a command line of its own, and @text for it. */
static void module_cmdline(uint64_t address, const char *text, uint64_t reserved)
{
	uint8_t fields[16];

	put64(fields, address);
	put64(fields + 8, reserved);
	machine_put(MODULE_LIST + 16, fields, sizeof(fields));
	if (text != NULL)
		machine_put(address, text, strlen(text) + 1);
}

/* It counts when the module is the kernel, and nobody else has one. */
static void boot_pvh_command_line_of_a_module(void **state)
{
	struct pe_file uki = make_uki();

	(void)state;
	pvh_module(kernel.bytes, kernel.size);
	module_cmdline(PVH_CMDLINE, "from=module", 0);
	assert_int_equal(boot_pvh(), HOST_HANDOFF);
	machine_check_handoff(&kernel, "", 0, "from=module");
	/* The loader has one. */
	pvh_module(kernel.bytes, kernel.size);
	module_cmdline(PVH_CMDLINE, "from=module", 0);
	machine_put(PVH_CMDLINE + 0x100, "from=vmm", 9);
	put64(start_info + 24, PVH_CMDLINE + 0x100);
	assert_int_equal(boot_pvh(), HOST_HANDOFF);
	machine_check_handoff(&kernel, "", 0, "from=vmm");
	/* The bundle has one. */
	pvh_module(uki.bytes, uki.size);
	module_cmdline(PVH_CMDLINE, "from=module", 0);
	assert_int_equal(boot_pvh(), HOST_HANDOFF);
	machine_check_handoff(&kernel, initrd, sizeof(initrd), "from=uki");
	pe_free(&uki);
	/* The module is an initrd. */
	pvh_module(initrd, sizeof(initrd));
	module_cmdline(PVH_CMDLINE, "from=module", 0);
	host_add_fwcfg(HOST_FWCFG_CLOUD_HYPERVISOR);
	host_fwcfg_file("opt/org.slipway/kernel", kernel.bytes, kernel.size);
	assert_int_equal(boot_pvh(), HOST_HANDOFF);
	machine_check_handoff(&kernel, initrd, sizeof(initrd), "");
}

/* qboot leaves these fields as it finds its stack. */
static void boot_pvh_command_line_of_a_module_at_random(void **state)
{
	(void)state;
	pvh_module(kernel.bytes, kernel.size);
	module_cmdline(0x202000f18f2, NULL, 0);
	assert_int_equal(boot_pvh(), HOST_HANDOFF);
	machine_check_handoff(&kernel, "", 0, "");
	pvh_module(kernel.bytes, kernel.size);
	module_cmdline(PVH_CMDLINE, "from=module", 1);
	assert_int_equal(boot_pvh(), HOST_HANDOFF);
	machine_check_handoff(&kernel, "", 0, "");
}

/* Firecracker's start_info: no RSDP, and no fw_cfg to do the platform with. */
static void boot_pvh_leaves_the_platform_to_a_vmm_without_fwcfg(void **state)
{
	(void)state;
	pvh_module(kernel.bytes, kernel.size);
	assert_int_equal(boot_pvh(), HOST_HANDOFF);
	assert_int_equal(host.processors.calls, 0);
	/* With fw_cfg it is QEMU behind SeaBIOS, whose processors are ours to set up. */
	pvh_module(kernel.bytes, kernel.size);
	host_add_fwcfg(HOST_FWCFG_QEMU);
	assert_int_equal(boot_pvh(), HOST_HANDOFF);
	assert_int_equal(host.processors.calls, 1);
}

static void boot_pvh_module_that_is_a_kernel(void **state)
{
	(void)state;
	pvh_module(kernel.bytes, kernel.size);
	assert_int_equal(boot_pvh(), HOST_HANDOFF);
	machine_check_handoff(&kernel, "", 0, "");
}

/* One that is no kernel is an initrd, and stays where it is. */
static void boot_pvh_module_that_is_an_initrd(void **state)
{
	(void)state;
	pvh_module(initrd, sizeof(initrd));
	host_add_fwcfg(HOST_FWCFG_CLOUD_HYPERVISOR);
	host_fwcfg_file("opt/org.slipway/kernel", kernel.bytes, kernel.size);
	assert_int_equal(boot_pvh(), HOST_HANDOFF);
	machine_check_handoff(&kernel, initrd, sizeof(initrd), "");
	assert_int_equal(get32(machine_params() + RAMDISK_IMAGE), MODULE);
	/* Another initrd comes first. */
	pvh_module(initrd, sizeof(initrd));
	host_add_fwcfg(HOST_FWCFG_CLOUD_HYPERVISOR);
	host_fwcfg_file("opt/org.slipway/kernel", kernel.bytes, kernel.size);
	host_fwcfg_file("opt/org.slipway/initrd", "other", 5);
	assert_int_equal(boot_pvh(), HOST_HANDOFF);
	machine_check_handoff(&kernel, "other", 5, "");
	/* Nothing but an initrd is no boot. */
	pvh_module(initrd, sizeof(initrd));
	fails_at(boot_pvh(), "payload", STATUS_NOT_FOUND);
}

static void boot_pvh_module_in_a_bad_place(void **state)
{
	static const struct {
		uint64_t list, start, size;
		enum status status;
	} cases[] = {
		{0x7000000000, MODULE, 5000, STATUS_OUT_OF_RANGE},
		{0, MODULE, 5000, STATUS_OUT_OF_RANGE},
		{0x38000, MODULE, 5000, STATUS_OUT_OF_RANGE},         /* our work area */
		{MODULE_LIST, 64 * MIB, 5000, STATUS_OVERLAP},        /* no RAM */
		{MODULE_LIST, 63 * MIB - 1, 5000, STATUS_OVERLAP},    /* reserved at its end */
		{MODULE_LIST, MIB + 0x1000, 5000, STATUS_OVERLAP},    /* our image */
		{MODULE_LIST, 0x38000, 5000, STATUS_OVERLAP},         /* our work area */
		{MODULE_LIST, ~0ul - 100, 5000, STATUS_OUT_OF_RANGE}, /* wraps */
		{MODULE_LIST, MODULE, ~0ul, STATUS_OUT_OF_RANGE},
		{MODULE_LIST, 0, 5000, STATUS_NO_MEMORY}, /* page 0 is not mapped */
		{UINT64_MAX, MODULE, 5000, STATUS_OUT_OF_RANGE},
		{UINT64_MAX - 31, MODULE, 5000, STATUS_OUT_OF_RANGE},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint8_t entry[32] = {0};
		pvh_module(kernel.bytes, kernel.size);
		put64(start_info + 16, cases[i].list);
		put64(entry, cases[i].start);
		put64(entry + 8, cases[i].size);
		machine_put(MODULE_LIST, entry, sizeof(entry));
		fails_at(boot_pvh(), "payload", cases[i].status);
	}
	/* QEMU has it in fw_cfg, too, where nothing is in its way. */
	pvh_module("rubbish", 7);
	put64(start_info + 16, MODULE_LIST);
	machine_put(MODULE_LIST, (const uint64_t[]){63 * MIB - 1, 5000, 0, 0}, 32);
	host_add_fwcfg(HOST_FWCFG_QEMU);
	machine_add_legacy(0x0b, 0x12, kernel.bytes, kernel.size);
	assert_int_equal(boot_pvh(), HOST_HANDOFF);
	machine_check_handoff(&kernel, "", 0, "");
	/* An empty one is none. */
	pvh_module(kernel.bytes, 0);
	fails_at(boot_pvh(), "payload", STATUS_NOT_FOUND);
}

static void boot_pvh_version_0(void **state)
{
	(void)state;
	pvh(0, 3);
	put32(start_info + 4, 0);
	put64(start_info + 40, 0x123456789abcdef0);
	put32(start_info + 48, 0xffffffff);
	host_add_fwcfg(HOST_FWCFG_QEMU);
	host_add_cmos();
	put_cmos(0, 48 * 16, 0);
	payload_add();
	handed_off(boot_pvh());
	assert_int_equal(machine_e820_type(63 * MIB), MEMMAP_RAM);
}

static void boot_pvh_magic(void **state)
{
	(void)state;
	static const uint32_t bad[] = {0, 0x336ec579, 0x78c56e33, 0xffffffff};
	for (size_t i = 0; i < COUNT(bad); i++) {
		pvh(0, 0);
		put32(start_info, bad[i]);
		host_add_fwcfg(HOST_FWCFG_QEMU);
		machine_add_e820(64 * MIB, 0);
		payload_add();
		fails_at(boot_pvh(), "entry", STATUS_BAD_FORMAT);
		assert_int_equal(host.accesses, 0);
	}
}

static void boot_pvh_start_info_is_nowhere(void **state)
{
	static const uint64_t bad[] = {
		0, 64 * MIB, 64 * MIB - 55, 4 * GIB, HOST_OWN_END, UINT64_MAX, UINT64_MAX - 54};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		pvh(0, 0);
		fails_at(machine_boot(ARCH_ENTRY_PVH, bad[i]), "entry", STATUS_OUT_OF_RANGE);
	}
}

static void boot_pvh_map_of_too_many_entries(void **state)
{
	(void)state;
	static const uint32_t counts[] = {129, 0x0aaaaaab, 0x80000000, 0xffffffff};
	for (size_t i = 0; i < COUNT(counts); i++) {
		pvh(0, counts[i]);
		put_pvh_map();
		fails_at(boot_pvh(), "memory", STATUS_TOO_LARGE);
	}
}

static void boot_pvh_map_is_nowhere(void **state)
{
	static const uint64_t bad[] = {64 * MIB, 64 * MIB - 71, 5 * GIB, UINT64_MAX,
				       UINT64_MAX - 71};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		pvh(0, 3);
		put64(start_info + 40, bad[i]);
		fails_at(boot_pvh(), "memory", STATUS_OUT_OF_RANGE);
	}
}

static void boot_pvh_map_entry_that_wraps(void **state)
{
	uint8_t map[24] = {0};

	(void)state;
	pvh(0, 1);
	e820_entry(map, UINT64_MAX, 2, 1);
	machine_put(PVH_MAP, map, sizeof(map));
	fails_at(boot_pvh(), "memory", STATUS_OUT_OF_RANGE);
}

static void boot_pvh_image_is_not_in_ram(void **state)
{
	uint8_t map[24] = {0};

	(void)state;
	pvh(0, 1);
	e820_entry(map, 0, 0xa0000, 1);
	machine_put(PVH_MAP, map, sizeof(map));
	fails_at(boot_pvh(), "memory", STATUS_OVERLAP);
}

/* A kernel that wants to be where we are goes elsewhere. */
static void boot_pvh_kernel_prefers_our_place(void **state)
{
	(void)state;
	put64(kernel.bytes + PREF_ADDRESS, MIB);
	put32(kernel.bytes + KERNEL_ALIGNMENT, 0x1000);
	kernel.bytes[MIN_ALIGNMENT] = 12;
	pvh(0, 0);
	host_add_fwcfg(HOST_FWCFG_QEMU);
	machine_add_e820(64 * MIB, 0);
	payload_add();
	handed_off(boot_pvh());
	check_image_unchanged();
	assert_int_equal(host.handoff.entry, MIB + sizeof(machine_image) + 0x200);
}

/* QEMU -kernel fw.bin offers us to ourselves. */
static void boot_pvh_own_image_is_skipped(void **state)
{
	struct kernel own;

	(void)state;
	pvh(0, 0);
	own = (struct kernel){machine_image, sizeof(machine_image), 8192};
	host_add_fwcfg(HOST_FWCFG_QEMU);
	machine_add_e820(64 * MIB, 0);
	machine_add_legacy_kernel(&own);
	fails_at(boot_pvh(), "payload", STATUS_NOT_FOUND);
}

/* A later version adds to what there is. */
static void boot_pvh_version_of_the_future(void **state)
{
	static const uint32_t versions[] = {2, 0xffffffff};

	(void)state;
	for (size_t i = 0; i < COUNT(versions); i++) {
		pvh(0, 3);
		put32(start_info + 4, versions[i]);
		put_pvh_map();
		host_add_fwcfg(HOST_FWCFG_CLOUD_HYPERVISOR);
		payload_add();
		handed_off(boot_pvh());
		assert_int_equal(machine_e820_type(63 * MIB), MEMMAP_RESERVED);
	}
}

/* Out of order, over each other, empty, of no known type. */
static void boot_pvh_map_in_disorder(void **state)
{
	uint8_t map[8 * 24] = {0};

	(void)state;
	pvh(0, 8);
	e820_entry(map, 32 * MIB, 31 * MIB, 1);
	e820_entry(map + 24, 63 * MIB, MIB, 2);
	e820_entry(map + 48, 24 * MIB, 0, 2);
	e820_entry(map + 72, 20 * MIB, 0x1000, 77);
	e820_entry(map + 96, MIB, 40 * MIB, 1);
	e820_entry(map + 120, 48 * MIB, 0x1000, 2);
	e820_entry(map + 144, 48 * MIB, 0x1000, 5);
	e820_entry(map + 168, 0, 0xa0000, 1);
	machine_put(PVH_MAP, map, sizeof(map));
	host_add_fwcfg(HOST_FWCFG_CLOUD_HYPERVISOR);
	payload_add();
	handed_off(boot_pvh());
	assert_int_equal(machine_e820_type(0x1000), MEMMAP_RAM);
	assert_int_equal(machine_e820_type(20 * MIB), MEMMAP_RESERVED);
	assert_int_equal(machine_e820_type(24 * MIB), MEMMAP_RAM);
	assert_int_equal(machine_e820_type(36 * MIB), MEMMAP_RAM);
	assert_int_equal(machine_e820_type(48 * MIB), MEMMAP_UNUSABLE);
	assert_int_equal(machine_e820_type(63 * MIB), MEMMAP_RESERVED);
}

/* As many entries as are read, and so many ranges that they do not fit. */
static void boot_pvh_map_of_the_most_entries(void **state)
{
	static uint8_t map[128 * 24];

	(void)state;
	memset(map, 0, sizeof(map));
	e820_entry(map + 24, 0, 0xa0000, 1);
	e820_entry(map + sizeof(map) - 24, MIB, 62 * MIB, 1);
	pvh(0, 128);
	machine_put(PVH_MAP, map, sizeof(map));
	host_add_fwcfg(HOST_FWCFG_CLOUD_HYPERVISOR);
	payload_add();
	handed_off(boot_pvh());
	for (unsigned i = 2; i < 127; i++)
		e820_entry(map + i * 24, 8 * MIB + i * 0x2000ul, 0x1000, 2);
	pvh(0, 128);
	machine_put(PVH_MAP, map, sizeof(map));
	fails_at(boot_pvh(), "memory", STATUS_TOO_LARGE);
}

static void boot_pvh_rsdp_is_nowhere(void **state)
{
	static const uint64_t bad[] = {64 * MIB, 64 * MIB - 19, 4 * GIB,        0x38000,
				       MIB,      UINT64_MAX,    UINT64_MAX - 18};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		pvh(bad[i], 3);
		put_pvh_map();
		fails_at(boot_pvh(), "entry", STATUS_BAD_FORMAT);
	}
	/* One bit is not as it was. */
	pvh(0xa0000, 3);
	put_pvh_map();
	put_rsdp(0xa0000);
	*(uint8_t *)host_edit(0xa0000 + 15, 1) ^= 4;
	fails_at(boot_pvh(), "entry", STATUS_BAD_FORMAT);
}

/* -- a PVH loader's command line -- */

/* A kernel in fw_cfg, and a command line of @size bytes at @address. */
static void pvh_cmdline(uint64_t address, const void *bytes, size_t size)
{
	pvh(0, 3);
	put_pvh_map();
	put64(start_info + 24, address);
	if (size != 0)
		machine_put(address, bytes, size);
	host_add_fwcfg(HOST_FWCFG_CLOUD_HYPERVISOR);
	host_fwcfg_file("opt/org.slipway/kernel", kernel.bytes, kernel.size);
}

static void boots_with(const char *cmdline)
{
	unit_check_end(boot_pvh(), HOST_HANDOFF);
	machine_check_handoff(&kernel, "", 0, cmdline);
	assert_string_equal(host.console, "");
}

static void boot_pvh_cmdline_is_nowhere(void **state)
{
	static const uint64_t bad[] = {64 * MIB, 4 * GIB, 0x38000, HOST_OWN_START, UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		pvh_cmdline(bad[i], NULL, 0);
		fails_at(boot_pvh(), "payload", STATUS_OUT_OF_RANGE);
		/* Nobody asks. */
		pvh_cmdline(bad[i], NULL, 0);
		host_fwcfg_file("etc/boot/cmdline", "from=file", 9);
		boots_with("from=file");
	}
	pvh_cmdline(0, NULL, 0);
	boots_with("");
	/* Page 0 can be looked at, but not kept. */
	pvh_cmdline(0x500, "from=page0", 11);
	fails_at(boot_pvh(), "loader", STATUS_NO_MEMORY);
}

/* To the end of RAM, and to what is ours by now. */
static void boot_pvh_cmdline_without_end(void **state)
{
	static const char text[16] = "0123456789abcdef";

	(void)state;
	pvh_cmdline(64 * MIB - sizeof(text), text, sizeof(text));
	fails_at(boot_pvh(), "payload", STATUS_OUT_OF_RANGE);
	pvh_cmdline(0x30000 - sizeof(text), text, sizeof(text));
	fails_at(boot_pvh(), "payload", STATUS_OUT_OF_RANGE);
}

static void boot_pvh_cmdline_of_each_length(void **state)
{
	static const size_t lengths[] = {1, 2046, 2047, 2048, 2049, 65535, 65536, 70000};
	static char text[70001];

	(void)state;
	for (size_t i = 0; i < COUNT(lengths); i++) {
		memset(text, 'c', sizeof(text));
		text[lengths[i]] = '\0';
		pvh_cmdline(48 * MIB + 7, text, lengths[i] + 1);
		if (lengths[i] <= 2047)
			boots_with(text);
		else if (lengths[i] <= 65536)
			fails_at(boot_pvh(), "loader", STATUS_TOO_LARGE);
		else
			fails_at(boot_pvh(), "payload", STATUS_OUT_OF_RANGE);
	}
}

/* None is cut, whatever a kernel says that it takes. */
static void boot_pvh_cmdline_for_a_greedy_kernel(void **state)
{
	static char text[65538];

	(void)state;
	memset(text, 'c', sizeof(text) - 2);
	put32(kernel.bytes + 0x238, UINT32_MAX);
	pvh_cmdline(48 * MIB + 7, text, sizeof(text) - 1);
	boots_with(text);
	text[sizeof(text) - 2] = 'c';
	pvh_cmdline(48 * MIB + 7, text, sizeof(text));
	fails_at(boot_pvh(), "payload", STATUS_OUT_OF_RANGE);
}

/* It is read last, and still there. */
static void boot_pvh_cmdline_in_the_kernels_place(void **state)
{
	(void)state;
	pvh_cmdline(16 * MIB + 0x123, CMDLINE, sizeof(CMDLINE));
	boots_with(CMDLINE);
	/* An ELF kernel has no other place. */
	struct kernel elf = elf_make(16 * MIB);
	pvh(0, 3);
	put_pvh_map();
	put64(start_info + 24, 16 * MIB + 0x123);
	machine_put(16 * MIB + 0x123, CMDLINE, sizeof(CMDLINE));
	host_add_fwcfg(HOST_FWCFG_CLOUD_HYPERVISOR);
	host_fwcfg_file("opt/org.slipway/kernel", elf.bytes, elf.size);
	fails_at(boot_pvh(), "loader", STATUS_OVERLAP);
	kernel_free(&elf);
}

/* Where the kernel's initrd goes otherwise, and where no RAM is. */
static void boot_pvh_cmdline_elsewhere(void **state)
{
	(void)state;
	pvh_cmdline(63 * MIB - 64, CMDLINE, sizeof(CMDLINE));
	host_fwcfg_file("opt/org.slipway/initrd", initrd, sizeof(initrd));
	handed_off(boot_pvh());
	pvh_cmdline(63 * MIB + 64, CMDLINE, sizeof(CMDLINE));
	boots_with(CMDLINE);
}

/* -- a PVH loader's modules -- */

static void put_module(uint64_t at, uint64_t start, uint64_t size)
{
	uint8_t entry[32] = {0};

	put64(entry, start);
	put64(entry + 8, size);
	machine_put(at, entry, sizeof(entry));
}

/* Only the first one counts, whatever the others are. */
static void boot_pvh_several_modules(void **state)
{
	static const uint32_t counts[] = {2, 0x08000000, 0xffffffff};

	(void)state;
	for (size_t i = 0; i < COUNT(counts); i++) {
		pvh_module(kernel.bytes, kernel.size);
		put32(start_info + 12, counts[i]);
		put_module(MODULE_LIST + 32, ~0ul, ~0ul);
		boots_with("");
	}
	pvh_module(kernel.bytes, 0);
	put32(start_info + 12, 2);
	put_module(MODULE_LIST + 32, MODULE + MIB, kernel.size);
	machine_put(MODULE + MIB, kernel.bytes, kernel.size);
	fails_at(boot_pvh(), "payload", STATUS_NOT_FOUND);
}

/* Without modules nobody looks for a list. */
static void boot_pvh_no_module(void **state)
{
	(void)state;
	pvh(0, 3);
	put_pvh_map();
	put64(start_info + 16, UINT64_MAX);
	host_add_fwcfg(HOST_FWCFG_CLOUD_HYPERVISOR);
	payload_add();
	handed_off(boot_pvh());
}

/* What it covers has been copied; it stays as it is, the command line in it too. */
static void boot_pvh_module_over_the_loaders_data(void **state)
{
	static uint8_t before[0x1b000];

	(void)state;
	pvh_cmdline(PVH_CMDLINE, CMDLINE, sizeof(CMDLINE));
	put32(start_info + 12, 1);
	put64(start_info + 16, MODULE_LIST);
	put_module(MODULE_LIST, START_INFO, sizeof(before));
	machine_put(START_INFO, start_info, sizeof(start_info));
	memcpy(before, host_memory(START_INFO, sizeof(before)), sizeof(before));
	assert_int_equal(machine_boot(ARCH_ENTRY_PVH, START_INFO), HOST_HANDOFF);
	assert_int_equal(get32(machine_params() + RAMDISK_IMAGE), START_INFO);
	assert_int_equal(get32(machine_params() + RAMDISK_SIZE), sizeof(before));
	const char *text = host_memory(get32(machine_params() + CMD_LINE_PTR), sizeof(CMDLINE));
	assert_string_equal(text, CMDLINE);
	assert_memory_equal(host_memory(START_INFO, sizeof(before)), before, sizeof(before));
}

/* An initrd moves when the kernel cannot take it where it is. */
static void boot_pvh_module_that_moves(void **state)
{
	(void)state;
	pvh_module(initrd, sizeof(initrd));
	put_module(MODULE_LIST, MODULE + 0x123, sizeof(initrd));
	machine_put(MODULE + 0x123, initrd, sizeof(initrd));
	host_add_fwcfg(HOST_FWCFG_CLOUD_HYPERVISOR);
	host_fwcfg_file("opt/org.slipway/kernel", kernel.bytes, kernel.size);
	assert_int_equal(boot_pvh(), HOST_HANDOFF);
	machine_check_handoff(&kernel, initrd, sizeof(initrd), "");
	assert_int_equal(get32(machine_params() + RAMDISK_IMAGE) % 0x1000, 0);
	/* A byte too far up. */
	for (unsigned too_far = 0; too_far < 2; too_far++) {
		put16(kernel.bytes + XLOADFLAGS, XLF_KERNEL_64_FLAG);
		put32(kernel.bytes + INITRD_ADDR_MAX,
		      (uint32_t)(MODULE + sizeof(initrd) - 1 - too_far));
		pvh_module(initrd, sizeof(initrd));
		host_add_fwcfg(HOST_FWCFG_CLOUD_HYPERVISOR);
		host_fwcfg_file("opt/org.slipway/kernel", kernel.bytes, kernel.size);
		assert_int_equal(boot_pvh(), HOST_HANDOFF);
		machine_check_handoff(&kernel, initrd, sizeof(initrd), "");
		assert_int_equal(get32(machine_params() + RAMDISK_IMAGE) == MODULE, too_far == 0);
	}
}

/* -- kernels in ELF files, started by PVH in their turn -- */

#define ELF_PLACE (24 * MIB)

static void boots_elf(const struct kernel *elf, const void *expected, size_t size,
		      const char *cmdline)
{
	unit_check_end(boot_pvh(), HOST_HANDOFF);
	machine_check_pvh_handoff(ELF_PLACE + ELF_ENTRY, expected, size, cmdline);
	size_t loaded = elf->size - elf->setup_size;
	const uint8_t *place = host_memory(ELF_PLACE, ELF_MEMORY_SIZE);
	assert_memory_equal(place, elf->bytes + elf->setup_size, loaded);
	for (size_t i = loaded; i < ELF_MEMORY_SIZE; i++)
		assert_int_equal(place[i], 0);
	check_image_unchanged();
	assert_string_equal(host.console, "");
}

static void boot_pvh_module_that_is_an_elf_kernel(void **state)
{
	struct kernel elf = elf_make(ELF_PLACE);

	(void)state;
	pvh_module(elf.bytes, elf.size);
	put64(start_info + 24, PVH_CMDLINE);
	machine_put(PVH_CMDLINE, CMDLINE, sizeof(CMDLINE));
	boots_elf(&elf, "", 0, CMDLINE);
	kernel_free(&elf);
}

static void boot_pvh_module_that_is_a_uki_of_an_elf_kernel(void **state)
{
	struct kernel elf = elf_make(ELF_PLACE);
	struct pe_file uki = pe_make(PE_X86_64, 3);

	(void)state;
	(void)pe_add(&uki, ".linux", elf.bytes, elf.size);
	(void)pe_add(&uki, ".initrd", initrd, sizeof(initrd));
	(void)pe_add(&uki, ".cmdline", "from=uki", 8);
	pvh_module(uki.bytes, uki.size);
	boots_elf(&elf, initrd, sizeof(initrd), "from=uki");
	pe_free(&uki);
	kernel_free(&elf);
}

/* An initrd stays on a page boundary below 4 GiB, and comes down from above. */
static void boot_pvh_initrd_of_an_elf_kernel(void **state)
{
	struct kernel elf = elf_make(ELF_PLACE);
	static const uint64_t places[] = {MODULE, MODULE + 0x123, 4 * GIB, 4 * GIB - 2500};

	(void)state;
	for (size_t i = 0; i < COUNT(places); i++) {
		uint8_t map[4 * 24] = {0};
		pvh(0, 4);
		host_add_ram(4 * GIB - 0x1000, MIB);
		e820_entry(map, 0, 0xa0000, 1);
		e820_entry(map + 24, MIB, 63 * MIB, 1);
		e820_entry(map + 48, 4 * GIB, MIB, 1);
		machine_put(PVH_MAP, map, sizeof(map));
		put32(start_info + 12, 1);
		put64(start_info + 16, MODULE_LIST);
		put_module(MODULE_LIST, places[i], sizeof(initrd));
		machine_put(places[i], initrd, sizeof(initrd));
		host_add_fwcfg(HOST_FWCFG_CLOUD_HYPERVISOR);
		host_fwcfg_file("etc/boot/kernel", elf.bytes, elf.size);
		if (places[i] == 4 * GIB - 2500) { /* not RAM below */
			fails_at(boot_pvh(), "payload", STATUS_OVERLAP);
			continue;
		}
		boots_elf(&elf, initrd, sizeof(initrd), "");
		const uint8_t *info = host_memory(host.handoff.argument, 56);
		uint64_t told = get64(host_memory(get64(info + 16), 32));
		assert_true(told < 4 * GIB && (told == places[i]) == (places[i] == MODULE));
	}
	kernel_free(&elf);
}

static void boot_pvh_elf_kernel_in_a_bad_place(void **state)
{
	static const uint64_t bad[] = {MIB, MODULE, MODULE - ELF_MEMORY_SIZE + 1, 63 * MIB - 0x1000,
				       64 * MIB};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct kernel elf = elf_make(bad[i]);
		pvh_module(elf.bytes, elf.size);
		fails_at(boot_pvh(), "loader", STATUS_OVERLAP);
		kernel_free(&elf);
	}
}

/* -- what is taken when there is more than one: boot/boot.h, enum boot_source -- */

static void legacy(uint16_t size_key, uint16_t data_key, const char *text)
{
	machine_add_legacy(size_key, data_key, text, strlen(text));
}

/* All three parts in one of the sources of fw_cfg. */
static void add_parts(unsigned source)
{
	static const char *const folders[] = {"opt/org.slipway/", "etc/boot/"};
	char name[32];

	if (source == 2) {
		machine_add_legacy_kernel(&kernel);
		machine_add_legacy(0x0b, 0x12, initrd, sizeof(initrd));
		legacy(0x14, 0x15, CMDLINE);
		return;
	}
	snprintf(name, sizeof(name), "%skernel", folders[source]);
	host_fwcfg_file(name, kernel.bytes, kernel.size);
	snprintf(name, sizeof(name), "%sinitrd", folders[source]);
	host_fwcfg_file(name, initrd, sizeof(initrd));
	snprintf(name, sizeof(name), "%scmdline", folders[source]);
	host_fwcfg_file(name, CMDLINE, strlen(CMDLINE));
}

/* Whatever the module is, and what start_info says, fw_cfg wins. */
static void boot_pvh_module_comes_last(void **state)
{
	struct kernel other = kernel_make(5, 4096);
	struct kernel elf = elf_make(ELF_PLACE);

	(void)state;
	for (unsigned i = 0; i < 3 * 3; i++) {
		struct pe_file uki = pe_make(PE_X86_64, 3);
		(void)pe_add(&uki, ".linux", other.bytes, other.size);
		(void)pe_add(&uki, ".initrd", "wrong", 5);
		(void)pe_add(&uki, ".cmdline", "wrong", 5);
		if (i / 3 == 0)
			pvh_module(uki.bytes, uki.size);
		else
			pvh_module(i / 3 == 1 ? other.bytes : elf.bytes,
				   i / 3 == 1 ? other.size : elf.size);
		put64(start_info + 24, PVH_CMDLINE);
		machine_put(PVH_CMDLINE, "wrong", 6);
		host_add_fwcfg(HOST_FWCFG_QEMU);
		add_parts(i % 3);
		handed_off(boot_pvh());
		pe_free(&uki);
	}
	kernel_free(&elf);
	kernel_free(&other);
}

/* Beside a kernel of fw_cfg that is a bundle: its initrd wins, its command line does not. */
static void boot_pvh_bundle_before_a_module(void **state)
{
	(void)state;
	for (unsigned with_cmdline = 0; with_cmdline < 2; with_cmdline++) {
		struct pe_file uki = make_uki();
		pvh_module("wrong", 5);
		if (with_cmdline != 0) {
			put64(start_info + 24, PVH_CMDLINE);
			machine_put(PVH_CMDLINE, "from=vmm", 9);
		}
		host_add_fwcfg(HOST_FWCFG_QEMU);
		host_fwcfg_file("etc/boot/kernel", uki.bytes, uki.size);
		assert_int_equal(boot_pvh(), HOST_HANDOFF);
		machine_check_handoff(&kernel, initrd, sizeof(initrd),
				      with_cmdline != 0 ? "from=vmm" : "from=uki");
		pe_free(&uki);
	}
}

/* Parts of fw_cfg go with a module's kernel, before what its file has. */
static void boot_pvh_parts_beside_a_module(void **state)
{
	static const char *const initrds[] = {"opt/org.slipway/initrd", "etc/boot/initrd"};
	static const char *const cmdlines[] = {"opt/org.slipway/cmdline", "etc/boot/cmdline"};

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct pe_file uki = make_uki();
		pvh_module(uki.bytes, uki.size);
		put64(start_info + 24, PVH_CMDLINE);
		machine_put(PVH_CMDLINE, "wrong", 6);
		host_add_fwcfg(HOST_FWCFG_QEMU);
		host_fwcfg_file(initrds[i], "other", 5);
		host_fwcfg_file(cmdlines[i], "from=file", 9);
		assert_int_equal(boot_pvh(), HOST_HANDOFF);
		machine_check_handoff(&kernel, "other", 5, "from=file");
		pe_free(&uki);
	}
}

/* QEMU -kernel fw.bin -initrd bundle: the legacy item is the module once more. */
static void boot_pvh_module_is_no_initrd_too(void **state)
{
	(void)state;
	pvh_module(kernel.bytes, kernel.size);
	host_add_fwcfg(HOST_FWCFG_QEMU);
	machine_add_legacy(0x0b, 0x12, kernel.bytes, kernel.size);
	assert_int_equal(boot_pvh(), HOST_HANDOFF);
	machine_check_handoff(&kernel, "", 0, "");
	struct pe_file uki = make_uki();
	pvh_module(uki.bytes, uki.size);
	host_add_fwcfg(HOST_FWCFG_QEMU);
	machine_add_legacy(0x0b, 0x12, uki.bytes, uki.size);
	legacy(0x14, 0x15, "from=item");
	assert_int_equal(boot_pvh(), HOST_HANDOFF);
	machine_check_handoff(&kernel, initrd, sizeof(initrd), "from=item");
	pe_free(&uki);
}

/* One behind its kernel. */
static void boot_pvh_module_with_an_appended_initrd(void **state)
{
	static uint8_t both[0x4000 + sizeof(initrd)];

	(void)state;
	assert_true(kernel.size <= 0x4000 && kernel.size > 0x3000 - 0x1000);
	size_t start = (kernel.size + 0xfff) / 0x1000 * 0x1000;
	memcpy(both, kernel.bytes, kernel.size);
	memcpy(both + start, initrd, sizeof(initrd));
	pvh_module(both, start + sizeof(initrd));
	assert_int_equal(boot_pvh(), HOST_HANDOFF);
	machine_check_handoff(&kernel, initrd, sizeof(initrd), "");
}

/* QEMU -kernel fw.bin on x86: loaded by the VMM, so that the items say what lies where we are. */
static void boot_pvh_own_image_that_the_vmm_loaded(void **state)
{
	(void)state;
	pvh_module(kernel.bytes, kernel.size);
	host_add_fwcfg(HOST_FWCFG_QEMU);
	host_fwcfg_integer(0x07, 4, MIB);
	host_fwcfg_integer(0x08, 4, sizeof(machine_image));
	host_fwcfg_integer(0x10, 4, MIB + 0x100);
	machine_add_legacy(0x17, 0x18, "what was freed", 14);
	boots_with("");
	/* A part of us is no kernel. */
	pvh_module(kernel.bytes, kernel.size);
	host_add_fwcfg(HOST_FWCFG_QEMU);
	host_fwcfg_integer(0x07, 4, MIB + 0x1000);
	host_fwcfg_integer(0x08, 4, 0x1000);
	host_fwcfg_integer(0x10, 4, MIB + 0x1100);
	machine_add_legacy(0x17, 0x18, "what was freed", 14);
	fails_at(boot_pvh(), "payload", STATUS_OVERLAP);
}

/* -- fw_cfg, tables, log --------------------------------------------------------- */

static void boot_directory_of_too_many_files(void **state)
{
	static const uint32_t counts[] = {257, 0x04000000, 0xffffffff};

	(void)state;
	for (size_t i = 0; i < COUNT(counts); i++) {
		struct be32 count = be32_of(counts[i]);
		plain(64 * MIB, 0);
		memcpy(host_fwcfg_find(FWCFG_DIRECTORY)->bytes, &count, sizeof(count));
		fails("fwcfg", STATUS_TOO_LARGE);
	}
}

static void boot_dma_error_from_the_start(void **state)
{
	(void)state;
	plain(64 * MIB, 0);
	host.fwcfg.fail_dma = 1;
	fails("fwcfg", STATUS_IO);
}

/* One entry of a script: tests/unit/test_script.c has them all. */
static void boot_bad_loader_scripts(void **state)
{
	uint8_t script[2 * 128];
	static const struct {
		const char *file;
		uint32_t alignment;
		uint32_t offset;
		size_t size;
		enum status status;
	} cases[] = {
		{"etc/acpi/tables", 64, 0xffffffff, 256, STATUS_OUT_OF_RANGE},
		{"etc/acpi/tables", 64, 93, 256, STATUS_OUT_OF_RANGE},
		{"etc/table-loader", 64, 0, 256, STATUS_BAD_FORMAT},
		{"etc/acpi/none", 64, 0, 256, STATUS_NOT_FOUND},
		{"etc/acpi/tables", 3, 0, 256, STATUS_BAD_FORMAT},
		{"etc/acpi/tables", 64, 0, 255, STATUS_TRUNCATED},
		{"etc/acpi/tables", 64, 0, 0, STATUS_TRUNCATED},
		{"etc/acpi/tables", 64, 0, 256, STATUS_OK},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		uint8_t table[100] = {0};
		plain(64 * MIB, 0);
		memset(script, 0, sizeof(script));
		put32(script, 1);
		strcpy((char *)script + 4, cases[i].file);
		put32(script + 60, cases[i].alignment);
		script[64] = 1;
		put32(script + 128, 2);
		strcpy((char *)script + 132, cases[i].file);
		strcpy((char *)script + 188, cases[i].file);
		put32(script + 244, cases[i].offset);
		script[248] = 8;
		host_fwcfg_file("etc/table-loader", script, cases[i].size);
		host_fwcfg_file("etc/acpi/tables", table, sizeof(table));
		if (cases[i].status != STATUS_OK) {
			fails("acpi", cases[i].status);
			continue;
		}
		/* Nothing wrong with it, but there is no RSDP either. */
		handed_off(machine_boot(ARCH_ENTRY_RESET, 0));
		assert_non_null(strstr(host.console, "RSDP"));
	}
}

static void boot_loader_script_of_unknown_commands(void **state)
{
	uint8_t script[512];

	(void)state;
	memset(script, 0xff, sizeof(script));
	plain(64 * MIB, 0);
	host_fwcfg_file("etc/table-loader", script, sizeof(script));
	handed_off(machine_boot(ARCH_ENTRY_RESET, 0));
	assert_non_null(strstr(host.console, "unknown"));
}

static void boot_bad_smbios(void **state)
{
	(void)state;
	plain(64 * MIB, 0);
	host_fwcfg_file("etc/smbios/smbios-anchor", "_SM3_", 5);
	host_fwcfg_file("etc/smbios/smbios-tables", "1234", 4);
	fails("smbios", STATUS_BAD_FORMAT);
	/* One without the other is none. */
	plain(64 * MIB, 0);
	host_fwcfg_file("etc/smbios/smbios-anchor", "_SM3_", 5);
	boots();
	plain(64 * MIB, 0);
	host_fwcfg_file("etc/smbios/smbios-tables", "1234", 4);
	boots();
}

static void boot_processors_that_do_not_answer(void **state)
{
	(void)state;
	plain(64 * MIB, 0);
	host.processors.result = STATUS_TIMEOUT;
	handed_off(machine_boot(ARCH_ENTRY_RESET, 0));
	assert_non_null(strstr(host.console, "processors"));
}

static void boot_log_levels(void **state)
{
	static const struct {
		const char *text;
		size_t size;
		bool info, debug;
	} cases[] = {
		{"error", 5, false, false},    {"warn", 4, false, false},
		{"info", 4, true, false},      {"info\n", 5, true, false},
		{"debug", 5, true, true},      {"debug\n", 6, true, true},
		{"", 0, false, false},         {"loud", 4, false, false},
		{"\xff\xff", 2, false, false},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		machine_new(64 * MIB, 0);
		host_add_fwcfg(HOST_FWCFG_QEMU);
		machine_add_e820(64 * MIB, 0);
		host_fwcfg_file("opt/org.slipway/kernel", kernel.bytes, kernel.size);
		host_fwcfg_file("opt/org.slipway/log", cases[i].text, cases[i].size);
		assert_int_equal(machine_boot(ARCH_ENTRY_RESET, 0), HOST_HANDOFF);
		if ((strstr(host.console, "kernel at") != NULL) != cases[i].info ||
		    (strstr(host.console, "no initrd") != NULL) != cases[i].debug)
			fail_msg("log level '%s' gives '%s'", cases[i].text, host.console);
	}
	/* One whose size is a lie. */
	plain(64 * MIB, 0);
	host_fwcfg_entry("opt/org.slipway/log", 0x100, 0xffffffff);
	boots();
}

/* No SMI feature is negotiated, whatever QEMU offers, and that can be heard. */
static void boot_negotiates_no_smi_features(void **state)
{
	(void)state;
	for (unsigned info = 0; info < 2; info++) {
		plain(64 * MIB, 0);
		host_fwcfg_file("etc/smi/supported-features", "\x0f\0\0\0\0\0\0", 8);
		struct host_item *requested =
			host_fwcfg_file("etc/smi/requested-features", "\0\0\0\0\0\0\0", 8);
		requested->writable = true;
		host_fwcfg_file("opt/org.slipway/log", "info", info != 0 ? 4 : 0);
		handed_off(machine_boot(ARCH_ENTRY_RESET, 0));
		assert_int_equal(get64(requested->bytes), 0);
		assert_int_equal(strstr(host.console, "SMI features") != NULL, info != 0);
	}
}

/* Only a file of 8 bytes is a number. */
static void boot_feature_control(void **state)
{
	static const struct {
		size_t size;
		uint64_t value;
	} cases[] = {{8, 0x100005}, {7, 0}, {9, 0}, {0, 0}};
	uint8_t file[16] = {5, 0, 0x10};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		plain(64 * MIB, 0);
		host_fwcfg_file("etc/msr_feature_control", file, cases[i].size);
		boots();
		assert_int_equal(host.processors.wanted.feature_control, cases[i].value);
		assert_false(host.processors.wanted.virtual_wire);
	}
}

/* A text from the VMM cannot drive the terminal. */
static void boot_log_of_a_hostile_command_line(void **state)
{
	(void)state;
	machine_new(64 * MIB, 0);
	host_add_fwcfg(HOST_FWCFG_QEMU);
	machine_add_e820(64 * MIB, 0);
	host_fwcfg_file("opt/org.slipway/kernel", kernel.bytes, kernel.size);
	host_fwcfg_file("opt/org.slipway/log", "info", 4);
	host_fwcfg_file("opt/org.slipway/cmdline", "a\x1b[2J\nslipway: FATAL", 20);
	assert_int_equal(machine_boot(ARCH_ENTRY_RESET, 0), HOST_HANDOFF);
	assert_null(strchr(host.console, 0x1b));
	assert_null(strstr(host.console, "\nslipway: FATAL"));
}

/* -- what is said, and what goes on without ----------------------------------------- */

/* Runs the machine, and gives the number of the DMA that reads the item first. */
static size_t dma_of(uint16_t key)
{
	assert_int_equal(machine_boot(ARCH_ENTRY_RESET, 0), HOST_HANDOFF);
	for (size_t i = 0; i < host.fwcfg.dmas; i++) {
		if (host.fwcfg.dma[i].key == key)
			return i + 1;
	}
	fail_msg("nothing reads item 0x%x", key);
	return 0;
}

/* The file's bytes, other than what a recording has. */
static void replace_file(const char *name, const void *bytes, size_t size)
{
	struct host_item *directory = host_fwcfg_find(FWCFG_DIRECTORY);
	struct be32 told = be32_of((uint32_t)size);

	for (size_t at = 4; at + 64 <= directory->size; at += 64) {
		uint8_t *entry = directory->bytes + at;
		if (strncmp((const char *)entry + 8, name, 56) != 0)
			continue;
		memcpy(entry, &told, sizeof(told));
		host_fwcfg_item((uint16_t)(entry[4] << 8 | entry[5]), bytes, size);
		return;
	}
	host_fwcfg_file(name, bytes, size);
}

static void warns_of_no_rsdp(void)
{
	uint8_t script[128] = {0};

	plain(64 * MIB, 0);
	put32(script, 1);
	strcpy((char *)script + 4, "etc/acpi/tables");
	put32(script + 60, 64);
	script[64] = 1;
	host_fwcfg_file("etc/table-loader", script, sizeof(script));
	host_fwcfg_file("etc/acpi/tables", "12345678", 8);
}

static void warns_of_an_unknown_command(void)
{
	uint8_t script[128];

	plain(64 * MIB, 0);
	memset(script, 0xff, sizeof(script));
	host_fwcfg_file("etc/table-loader", script, sizeof(script));
}

static void warns_of_processors(void)
{
	plain(64 * MIB, 0);
	host.processors.result = STATUS_TIMEOUT;
}

static void warns_of_a_bios_area_of_rom(void)
{
	recorded("q35-7.2");
	host_add_q35();
	host_refuse_map(0xe0000, 0x20000);
}

static void warns_of_no_place_for_made_tables(void)
{
	plain(64 * MIB, 0);
	host_add_q35();
	host_refuse_map(0xe0000, 0x20000);
}

static void warns_of_no_pointer_to_an_mptable(void)
{
	plain(64 * MIB, 0);
	host_add_q35();
	host_refuse_map(0xf0130, 16);
}

static void warns_of_the_uuid(void)
{
	plain(64 * MIB, 0);
	host_fwcfg_item(FWCFG_UUID, "0123456789abcdef", 16);
	size_t number = dma_of(FWCFG_UUID);
	plain(64 * MIB, 0);
	host_fwcfg_item(FWCFG_UUID, "0123456789abcdef", 16);
	host.fwcfg.fail_dma = number;
}

static void warns_of_pci_without_memory(void)
{
	plain(MIB, 64 * MIB);
	host_add_q35();
}

static void warns_of_pci_in_memory_of_nobody(void)
{
	plain(64 * MIB, 0);
	host_add_q35();
	host_refuse_map(64 * MIB - 0x20000, 0x20000);
}

static void warns_of_a_seed_in_memory_of_nobody(void)
{
	plain(64 * MIB, 0);
	assert_int_equal(machine_boot(ARCH_ENTRY_RESET, 0), HOST_HANDOFF);
	uint64_t seed = get64(machine_params() + SETUP_DATA);
	assert_int_not_equal(seed, 0);
	plain(64 * MIB, 0);
	host_refuse_map(seed, 1);
}

static void warns_of_a_resume_of_nobody(void)
{
	recorded("q35-7.2");
	host_add_cmos();
	host_add_q35();
	host.cmos[SHUTDOWN_STATUS] = SLEPT;
}

static void warns_of_a_tpm_that_is_not_there(void)
{
	plain(64 * MIB, 0);
	host_add_q35();
	host_fwcfg_file("etc/tpm/log", "log", 3);
}

/* Each warning is heard, stops no boot, and is not heard by who wants errors alone. */
static void boot_warnings(void **state)
{
	static const struct {
		void (*make)(void);
		const char *text;
	} cases[] = {
		{warns_of_no_rsdp, "the loader script places no RSDP"},
		{warns_of_an_unknown_command, "unknown"},
		{warns_of_processors, "not all processors were set up"},
		{warns_of_a_bios_area_of_rom, "no writable memory for the SMBIOS entry point"},
		{warns_of_no_place_for_made_tables, "no writable memory for an SMBIOS table"},
		{warns_of_no_place_for_made_tables, "no room for an MP table"},
		{warns_of_no_pointer_to_an_mptable, "no room for an MP table"},
		{warns_of_the_uuid, "the UUID cannot be read"},
		{warns_of_pci_without_memory, "no memory to set up PCI devices"},
		{warns_of_pci_in_memory_of_nobody, "no memory to set up PCI devices"},
		{warns_of_a_seed_in_memory_of_nobody, "no memory for a random seed"},
		{warns_of_a_resume_of_nobody, "a resume from a sleep that nothing is known of"},
		{warns_of_a_tpm_that_is_not_there, "the TPM does not start: no-memory"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		cases[i].make();
		handed_off(machine_boot(ARCH_ENTRY_RESET, 0));
		if (strstr(host.console, cases[i].text) == NULL)
			fail_msg("not '%s', but '%s'", cases[i].text, host.console);
		cases[i].make();
		/* It is read before the item whose DMA fails. */
		if (host.fwcfg.fail_dma != 0)
			host.fwcfg.fail_dma++;
		host_fwcfg_file("opt/org.slipway/log", "error", 5);
		boots();
	}
}

/* A level that cannot be read is as good as none. */
static void boot_log_level_that_cannot_be_read(void **state)
{
	(void)state;
	plain(64 * MIB, 0);
	size_t number = dma_of(host_fwcfg_file("opt/org.slipway/log", "debug", 5)->key);
	assert_int_not_equal(host.console_length, 0);
	plain(64 * MIB, 0);
	host_fwcfg_file("opt/org.slipway/log", "debug", 5);
	host.fwcfg.fail_dma = number;
	boots();
}

static void boot_number_that_cannot_be_read(void **state)
{
	static const uint8_t file[8] = {5, 0, 0x10};

	(void)state;
	plain(64 * MIB, 0);
	size_t number = dma_of(host_fwcfg_file("etc/msr_feature_control", file, 8)->key);
	assert_int_equal(host.processors.wanted.feature_control, 0x100005);
	plain(64 * MIB, 0);
	host_fwcfg_file("etc/msr_feature_control", file, 8);
	host.fwcfg.fail_dma = number;
	boots();
	assert_int_equal(host.processors.wanted.feature_control, 0);
}

/* What a VMM has put into memory is read within its bounds alone. */
static void boot_memory_blob_has_bounds(void **state)
{
	static const struct {
		uint64_t offset, length;
		enum status status;
	} cases[] = {
		{0, 100, STATUS_OK},
		{99, 1, STATUS_OK},
		{100, 0, STATUS_OK},
		{0, 101, STATUS_OUT_OF_RANGE},
		{99, 2, STATUS_OUT_OF_RANGE},
		{101, 0, STATUS_OUT_OF_RANGE},
		{UINT64_MAX, 1, STATUS_OUT_OF_RANGE},
		{1, UINT64_MAX, STATUS_OUT_OF_RANGE},
	};
	uint8_t bytes[100], before[100];

	(void)state;
	unit_random_bytes(bytes, sizeof(bytes));
	for (size_t i = 0; i < COUNT(cases); i++) {
		machine_new(64 * MIB, 0);
		machine_put(32 * MIB, bytes, sizeof(bytes));
		host_claim(16 * MIB, sizeof(bytes));
		const uint8_t *place = host_memory(16 * MIB, sizeof(bytes));
		memcpy(before, place, sizeof(before));
		struct blob blob = boot_memory_blob(32 * MIB, sizeof(bytes));
		assert_status(blob.read(&blob, cases[i].offset, cases[i].length, 16 * MIB),
			      cases[i].status);
		size_t copied = cases[i].status == STATUS_OK ? cases[i].length : 0;
		if (copied != 0)
			assert_memory_equal(place, bytes + cases[i].offset, copied);
		assert_memory_equal(place + copied, before + copied, sizeof(before) - copied);
	}
}

/* Neither is memory that is nobody's, nor does it matter to who wants no byte of it. */
static void boot_memory_blob_of_no_memory(void **state)
{
	(void)state;
	machine_new(64 * MIB, 0);
	struct blob there = boot_memory_blob(32 * MIB, 100);
	struct blob beyond = boot_memory_blob(64 * MIB - 50, 100);
	host_claim(16 * MIB, 50);
	assert_status(there.read(&there, 0, 100, 64 * MIB - 50), STATUS_NO_MEMORY);
	assert_status(beyond.read(&beyond, 0, 100, 16 * MIB), STATUS_NO_MEMORY);
	assert_status(beyond.read(&beyond, 0, 50, 16 * MIB), STATUS_OK);
	assert_status(beyond.read(&beyond, 50, 0, 0), STATUS_OK);
	/* To a place that it is in itself. */
	uint8_t bytes[100];
	unit_random_bytes(bytes, sizeof(bytes));
	machine_put(32 * MIB, bytes, sizeof(bytes));
	host_claim(32 * MIB + 10, 90);
	assert_status(there.read(&there, 0, 90, 32 * MIB + 10), STATUS_OK);
	assert_memory_equal(host_memory(32 * MIB + 10, 90), bytes, 90);
}

/* -- S3 again ----------------------------------------------------------------------- */

static void boot_resume_is_said_to_who_wants_to_know(void **state)
{
	(void)state;
	suspend("q35-7.2", host_add_q35);
	host_fwcfg_file("opt/org.slipway/log", "info", 4);
	assert_int_equal(machine_boot(ARCH_ENTRY_RESET, 0), HOST_HANDOFF);
	assert_int_equal(host.handoff.mode, ARCH_MODE_REAL);
	assert_non_null(strstr(host.console, "resume at 0x9b030"));
}

/* The system goes on, though nobody can be told anything. */
static void boot_resume_without_fwcfg(void **state)
{
	(void)state;
	suspend("q35-vmgenid-7.2", host_add_q35);
	host_fwcfg_item(FWCFG_SIGNATURE, "none", 4);
	put_cmos(0, 240 * 16, 0);
	assert_int_equal(machine_boot(ARCH_ENTRY_RESET, 0), HOST_HANDOFF);
	assert_int_equal(host.handoff.mode, ARCH_MODE_REAL);
	assert_int_equal(host.handoff.entry, WAKING_VECTOR);
	assert_string_equal(host.console, "");
}

/* One split of the work area more is needed than the map of memory has room for. */
static void boot_memory_map_too_full_for_a_resume(void **state)
{
	static uint8_t entries[128 * 20];
	unsigned refused = 0;

	(void)state;
	/* A hole makes two ranges more; without one outside of RAM, their number would stay even.
	 */
	for (unsigned ranges = 176; ranges < 192; ranges++) {
		unsigned holes = ranges / 2;
		machine_new(256 * MIB, 0);
		host_add_fwcfg(HOST_FWCFG_QEMU);
		e820_entry(entries, 0, 256 * MIB, 1);
		for (unsigned i = 1; i <= holes; i++)
			e820_entry(entries + 20 * i, 32 * MIB + 0x2000 * i, 0x1000, 2);
		e820_entry(entries + 20 * (holes + 1), GIB, MIB, 2);
		/* Before the recording's, which has the same name. */
		host_fwcfg_file("etc/e820", entries, 20 * (holes + 1 + ranges % 2));
		machine_add_recording("q35-7.2");
		host_add_q35();
		payload_add();
		assert_int_equal(machine_boot(ARCH_ENTRY_RESET, 0), HOST_FATAL);
		unit_check_fatal(host.fatal.stage, STATUS_TOO_LARGE);
		refused += strstr(host.fatal.reason, "for a resume") != NULL;
	}
	assert_int_not_equal(refused, 0);
}

/* -- machines of other shapes --------------------------------------------------------- */

/* QEMU's microvm with pcie=on: its ECAM is nobody's memory. */
static void boot_microvm_with_pci(void **state)
{
	(void)state;
	recorded("microvm-7.2");
	host_add_ecam(0xe0000000);
	host_add_pci_function(0, 0, 0, 0x00081b36);
	boots();
	assert_int_equal(machine_e820_type(0xdfffffff), 0);
	assert_int_equal(machine_e820_type(0xe0000000), MEMMAP_RESERVED);
	assert_int_equal(machine_e820_type(0xefffffff), MEMMAP_RESERVED);
	assert_int_equal(machine_e820_type(0xf0000000), 0);
	/* Its devices are left to Linux. */
	assert_int_equal(get32(host.pci[0].space + 4), 0);
}

/* RAM up to where PCI's memory begins otherwise, and no ECAM: what is left is below the I/O APIC.
 */
static void boot_pci_above_ram_that_ends_late(void **state)
{
	(void)state;
	for (unsigned q35 = 0; q35 < 2; q35++) {
		plain(0xe8000000, 0);
		if (q35 != 0)
			host_add_q35();
		else
			host_add_i440fx();
		struct host_pci *pci = host_add_pci_device(NULL, 0, 5, 0, 0x10411af4);
		host_set_pci_bar(pci, 0, 0, 0x1000000);
		struct host_pci *too_large = host_add_pci_device(NULL, 0, 6, 0, 0x10411af4);
		host_set_pci_bar(too_large, 0, 0, 0x10000000);
		handed_off(machine_boot(ARCH_ENTRY_RESET, 0));
		assert_in_range(get32(pci->space + 0x10), 0xe8000000, 0xfec00000 - 0x1000000);
		assert_int_equal(pci->space[4] & 2, 2);
		assert_int_equal(too_large->space[4] & 2, 0);
		assert_non_null(strstr(host.console, "pci 00:06.0"));
	}
}

/* Firecracker without a map, or a loader that knows nothing but a kernel: CMOS has the sizes. */
static void boot_pvh_without_fwcfg_or_map(void **state)
{
	(void)state;
	pvh_module(kernel.bytes, kernel.size);
	put32(start_info + 48, 0);
	host_add_cmos();
	put_cmos(0, 48 * 16, 0);
	host_add_q35();
	struct host_pci *pci = host_add_pci_device(NULL, 0, 5, 0, 0x10411af4);
	host_set_pci_bar(pci, 0, 0, MIB);
	assert_int_equal(boot_pvh(), HOST_HANDOFF);
	machine_check_handoff(&kernel, "", 0, "");
	assert_string_equal(host.console, "");
	/* The platform is ours to set up, as far as it goes. */
	assert_int_equal(host.processors.calls, 1);
	assert_int_equal(host.processors.wanted.count, 1);
	assert_int_equal(host.processors.wanted.feature_control, 0);
	assert_int_equal(pci->space[4] & 2, 2);
	assert_int_equal(get64(machine_params() + PARAMS_ACPI_RSDP_ADDR), 0);
	assert_int_equal(machine_e820_type(host.work_area.start), MEMMAP_RAM);
}

/* QEMU says 0 where it does not know. */
static void boot_of_no_processors(void **state)
{
	(void)state;
	plain(64 * MIB, 0);
	host_fwcfg_integer(FWCFG_CPUS, 2, 0);
	boots();
	assert_int_equal(host.processors.wanted.count, 1);
}

/* Each pin of a slot is one interrupt, however many of its functions have it. */
static void boot_without_acpi_of_functions_that_share_a_pin(void **state)
{
	unsigned found = 0;

	(void)state;
	without_acpi(host_add_q35);
	for (uint8_t function = 0; function < 8; function++)
		host_add_pci_device(NULL, 0, 7, function, 0x10001af4)->space[0x3d] =
			(uint8_t)(function / 2 % 2 + 1);
	boots();
	assert_int_equal(count_mptables(), 1);
	const uint8_t *entry;
	for (unsigned i = 0; (entry = mptable_entry(MP_INTERRUPT, i)) != NULL; i++)
		found += entry[4] == 0 && entry[5] >> 2 == 7;
	assert_int_equal(found, 2);
}

/* More interrupts than the table takes: the first ones are told. */
static void boot_without_acpi_of_the_most_interrupts(void **state)
{
	unsigned found = 0;

	(void)state;
	without_acpi(host_add_q35);
	struct host_pci *bridges[2];
	for (uint8_t i = 0; i < 2; i++)
		bridges[i] = host_add_pci_bridge(NULL, 0, 20 + i, 0, 0x00011b36);
	for (uint8_t i = 0; i < 2 * 31 * 4; i++)
		host_add_pci_device(bridges[i / (31 * 4)], 0, i / 4 % 31, i % 4, 0x10001af4)
			->space[0x3d] = i % 4 + 1;
	handed_off(machine_boot(ARCH_ENTRY_RESET, 0));
	assert_int_equal(count_mptables(), 1);
	const uint8_t *entry;
	for (unsigned i = 0; (entry = mptable_entry(MP_INTERRUPT, i)) != NULL; i++)
		found += entry[4] <= 3;
	assert_int_equal(found, 240);
}

/* Without a bus number for ISA there is no table, but a warning. */
static void boot_without_acpi_of_every_bus(void **state)
{
	(void)state;
	without_acpi(host_add_q35);
	struct host_pci *above = &host.pci[host.pci_functions - 2];
	/* One place of these is taken. */
	for (unsigned i = 0; i < 255; i++)
		host_add_pci_bridge(above, 0, (uint8_t)(i / 8), i % 8, 0x00011b36);
	handed_off(machine_boot(ARCH_ENTRY_RESET, 0));
	assert_int_equal(count_mptables(), 0);
	assert_non_null(strstr(host.console, "no room for an MP table"));
}

static void boot_elf_kernel_is_said_to_who_wants_to_know(void **state)
{
	struct kernel elf = elf_make(ELF_PLACE);

	(void)state;
	for (unsigned info = 0; info < 2; info++) {
		plain(64 * MIB, 0);
		host_fwcfg_file("opt/org.slipway/log", "info", info != 0 ? 4 : 0);
		replace_file("opt/org.slipway/kernel", elf.bytes, elf.size);
		assert_int_equal(machine_boot(ARCH_ENTRY_RESET, 0), HOST_HANDOFF);
		machine_check_pvh_handoff(ELF_PLACE + ELF_ENTRY, initrd, sizeof(initrd), CMDLINE);
		assert_int_equal(strstr(host.console, "kernel at 0x1800000, entry 0x1800010") !=
					 NULL,
				 info != 0);
	}
	kernel_free(&elf);
}

static void boot_elf_kernel_whose_start_info_cannot_be_mapped(void **state)
{
	struct kernel elf = elf_make(ELF_PLACE);

	(void)state;
	pvh_module(elf.bytes, elf.size);
	boots_elf(&elf, "", 0, "");
	uint64_t block = host.handoff.argument;
	pvh_module(elf.bytes, elf.size);
	/* The command line is behind it. */
	host_refuse_map(block, 1);
	fails_at(boot_pvh(), "loader", STATUS_NO_MEMORY);
	assert_non_null(strstr(host.fatal.reason, "start_info"));
	kernel_free(&elf);
}

/* As boot_e820_of_many_ranges(), for a start_info. */
static void boot_elf_kernel_with_too_large_a_map(void **state)
{
	static uint8_t entries[128 * 20];
	struct kernel elf = elf_make(ELF_PLACE);

	(void)state;
	e820_entry(entries, 0, 64 * MIB, 1);
	for (uint64_t i = 1; i < 128; i++)
		e820_entry(entries + 20 * i, 4 * GIB + 2 * i * MIB, MIB, 2);
	for (unsigned too_large = 0; too_large < 2; too_large++) {
		plain(64 * MIB, 0);
		replace_file("etc/e820", entries, too_large != 0 ? 128 * 20 : 100 * 20);
		replace_file("opt/org.slipway/kernel", elf.bytes, elf.size);
		if (too_large != 0) {
			fails("loader", STATUS_TOO_LARGE);
			continue;
		}
		assert_int_equal(machine_boot(ARCH_ENTRY_RESET, 0), HOST_HANDOFF);
		machine_check_pvh_handoff(ELF_PLACE + ELF_ENTRY, initrd, sizeof(initrd), CMDLINE);
	}
	kernel_free(&elf);
}

/* Sizes that no machine has are no sizes: some of an RTC that is not there, or a lie. */
static void boot_memory_from_cmos_that_lies(void **state)
{
	static const struct {
		unsigned above_16m, above_4g;
		bool good;
	} cases[] = {
		{48 * 16, 0, true}, {48 * 16, 0xffffff, false}, {0xffff, 0, false},
		{0xfdc1, 0, false}, {0xffff, 0xffffff, false},  {48 * 16, 128 * 16, true},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		machine_new(64 * MIB, 128 * MIB);
		host_add_fwcfg(HOST_FWCFG_QEMU);
		host_add_cmos();
		put_cmos(63 * 1024, cases[i].above_16m, cases[i].above_4g);
		payload_add();
		if (cases[i].good)
			boots();
		else
			fails("memory", STATUS_BAD_FORMAT);
	}
}

/* An empty text is none, and one that is in nobody's memory stays there. */
static void boot_pvh_cmdline_at_the_edges(void **state)
{
	(void)state;
	pvh_cmdline(PVH_CMDLINE, "", 1);
	boots_with("");
	assert_int_equal(machine_e820_type(PVH_CMDLINE), MEMMAP_RAM);
	pvh_module(kernel.bytes, kernel.size);
	module_cmdline(PVH_CMDLINE, "", 0);
	boots_with("");
	for (unsigned reserved = 0; reserved < 2; reserved++) {
		pvh_cmdline((reserved != 0 ? 63 : 62) * MIB + 64, CMDLINE, sizeof(CMDLINE));
		host_fwcfg_file("opt/org.slipway/log", "debug", 5);
		assert_int_equal(boot_pvh(), HOST_HANDOFF);
		machine_check_handoff(&kernel, "", 0, CMDLINE);
		assert_int_equal(strstr(host.console, "is not in free RAM") != NULL, reserved);
	}
}

/*
 * A bundle that SeaBIOS's memory is over is read from fw_cfg, with the initrd in it, which is
 * at the start of a page in the file alone.
 */
static void boot_pvh_bundle_in_a_bad_place(void **state)
{
	size_t start = (kernel.size + 0xfff) / 0x1000 * 0x1000;
	uint8_t *both = calloc(1, start + sizeof(initrd));

	(void)state;
	assert_non_null(both);
	memcpy(both, kernel.bytes, kernel.size);
	memcpy(both + start, initrd, sizeof(initrd));
	pvh_module("rubbish", 7);
	machine_put(MODULE_LIST, (const uint64_t[]){63 * MIB - 1, 5000, 0, 0}, 32);
	host_add_fwcfg(HOST_FWCFG_QEMU);
	machine_add_legacy(0x0b, 0x12, both, start + sizeof(initrd));
	assert_int_equal(boot_pvh(), HOST_HANDOFF);
	machine_check_handoff(&kernel, initrd, sizeof(initrd), "");
	free(both);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, payload_setup, payload_teardown)

static const struct CMUnitTest tests[] = {
	TEST(boot_q35),
	TEST(boot_pc),
	TEST(boot_microvm),
	TEST(boot_resumes),
	TEST(boot_resume_tells_the_vmm_again),
	TEST(boot_resume_without_a_way_back),
	TEST(boot_resume_with_another_fwcfg),
	TEST(boot_resume_of_nobody),
	TEST(boot_is_no_resume),
	TEST(boot_without_tables),
	TEST(boot_without_acpi_on_pc),
	TEST(boot_without_acpi_on_q35),
	TEST(boot_without_acpi_at_the_limits),
	TEST(boot_over_the_data_port),
	TEST(boot_with_a_bios_area_of_rom),
	TEST(boot_each_protocol),
	TEST(boot_by_the_32_bit_entry),
	TEST(boot_from_a_kernel_elsewhere),
	TEST(boot_above_4g),
	TEST(boot_with_an_initrd_above_4g),
	TEST(boot_costs_the_same_for_any_size),
	TEST(boot_access_count),
	TEST(boot_e820_types_and_overlaps),
	TEST(boot_e820_size),
	TEST(boot_e820_of_many_ranges),
	TEST(boot_memory_map_that_fills_up),
	TEST(boot_where_the_kernels_data_cannot_be_mapped),
	TEST(boot_e820_entry_that_wraps),
	TEST(boot_e820_cannot_be_read),
	TEST(boot_without_ram_for_ourselves),
	TEST(boot_memory_from_cmos),
	TEST(boot_memory_from_cmos_below_16m),
	TEST(boot_memory_from_no_cmos),
	TEST(boot_pci_below_4g),
	TEST(boot_pci_above_4g),
	TEST(boot_pci_beside_high_ram),
	TEST(boot_pci_with_no_room),
	TEST(boot_pvh_on_qemu),
	TEST(boot_pvh_with_the_platform_done),
	TEST(boot_without_any_memory_map),
	TEST(boot_pvh_rsdp_that_is_none),
	TEST(boot_pvh_rsdp_without_a_map),
	TEST(boot_pvh_data_in_the_work_area),
	TEST(boot_pvh_map_without_e820),
	TEST(boot_pvh_e820_before_the_pvh_map),
	TEST(boot_pvh_module_that_is_a_uki),
	TEST(boot_pvh_command_line_of_a_module),
	TEST(boot_pvh_command_line_of_a_module_at_random),
	TEST(boot_pvh_leaves_the_platform_to_a_vmm_without_fwcfg),
	TEST(boot_pvh_module_that_is_a_kernel),
	TEST(boot_pvh_module_that_is_an_initrd),
	TEST(boot_pvh_module_in_a_bad_place),
	TEST(boot_pvh_version_0),
	TEST(boot_pvh_magic),
	TEST(boot_pvh_start_info_is_nowhere),
	TEST(boot_pvh_map_of_too_many_entries),
	TEST(boot_pvh_map_is_nowhere),
	TEST(boot_pvh_map_entry_that_wraps),
	TEST(boot_pvh_image_is_not_in_ram),
	TEST(boot_pvh_kernel_prefers_our_place),
	TEST(boot_pvh_own_image_is_skipped),
	TEST(boot_pvh_version_of_the_future),
	TEST(boot_pvh_map_in_disorder),
	TEST(boot_pvh_map_of_the_most_entries),
	TEST(boot_pvh_rsdp_is_nowhere),
	TEST(boot_pvh_cmdline_is_nowhere),
	TEST(boot_pvh_cmdline_without_end),
	TEST(boot_pvh_cmdline_of_each_length),
	TEST(boot_pvh_cmdline_for_a_greedy_kernel),
	TEST(boot_pvh_cmdline_in_the_kernels_place),
	TEST(boot_pvh_cmdline_elsewhere),
	TEST(boot_pvh_several_modules),
	TEST(boot_pvh_no_module),
	TEST(boot_pvh_module_over_the_loaders_data),
	TEST(boot_pvh_module_that_moves),
	TEST(boot_pvh_module_that_is_an_elf_kernel),
	TEST(boot_pvh_module_that_is_a_uki_of_an_elf_kernel),
	TEST(boot_pvh_initrd_of_an_elf_kernel),
	TEST(boot_pvh_elf_kernel_in_a_bad_place),
	TEST(boot_pvh_module_comes_last),
	TEST(boot_pvh_bundle_before_a_module),
	TEST(boot_pvh_parts_beside_a_module),
	TEST(boot_pvh_module_is_no_initrd_too),
	TEST(boot_pvh_module_with_an_appended_initrd),
	TEST(boot_pvh_own_image_that_the_vmm_loaded),
	TEST(boot_directory_of_too_many_files),
	TEST(boot_dma_error_from_the_start),
	TEST(boot_bad_loader_scripts),
	TEST(boot_loader_script_of_unknown_commands),
	TEST(boot_bad_smbios),
	TEST(boot_processors_that_do_not_answer),
	TEST(boot_negotiates_no_smi_features),
	TEST(boot_feature_control),
	TEST(boot_log_levels),
	TEST(boot_log_of_a_hostile_command_line),
	TEST(boot_warnings),
	TEST(boot_log_level_that_cannot_be_read),
	TEST(boot_number_that_cannot_be_read),
	TEST(boot_memory_blob_has_bounds),
	TEST(boot_memory_blob_of_no_memory),
	TEST(boot_resume_is_said_to_who_wants_to_know),
	TEST(boot_resume_without_fwcfg),
	TEST(boot_memory_map_too_full_for_a_resume),
	TEST(boot_microvm_with_pci),
	TEST(boot_pci_above_ram_that_ends_late),
	TEST(boot_pvh_without_fwcfg_or_map),
	TEST(boot_of_no_processors),
	TEST(boot_without_acpi_of_functions_that_share_a_pin),
	TEST(boot_without_acpi_of_the_most_interrupts),
	TEST(boot_without_acpi_of_every_bus),
	TEST(boot_elf_kernel_is_said_to_who_wants_to_know),
	TEST(boot_elf_kernel_whose_start_info_cannot_be_mapped),
	TEST(boot_elf_kernel_with_too_large_a_map),
	TEST(boot_memory_from_cmos_that_lies),
	TEST(boot_pvh_cmdline_at_the_edges),
	TEST(boot_pvh_bundle_in_a_bad_place),
};

UNIT_MAIN(tests)
