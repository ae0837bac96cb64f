/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/x86_64/pc.h"

#include "arch/memory.h"
#include "pci/tree.h"

/*
 * I/O addresses that QEMU's chipsets leave to devices: the second range ends below the ports
 * of ACPI hot-plug at 0xae00 and 0xaf00 (QEMU include/hw/acpi/pcihp.h, cpu_hotplug.h).
 */
#define IO_HIGH_START 0xc000
#define IO_HIGH_END   0x10000
#define IO_LOW_START  0x1000
#define IO_LOW_END    0xa000

/* Below 4 GiB: up to the I/O APIC, and preferably from here on, as SeaBIOS has it. */
#define MEMORY_START 0xe0000000ul
#define MEMORY_END   0xfec00000ul

/* Above 4 GiB, on a boundary that lets Linux map it in large pages. */
#define MEMORY_64_ALIGNMENT 0x40000000ul

/*
 * A hot-plug port's prefetchable window. Where there is RAM above 4 GiB, the operating system
 * can address that space, and a port gets room for a GPU, a part of the CPU's address
 * space as SeaBIOS has it.
 */
#define HOTPLUG_PREFETCHABLE      0x200000ul
#define HOTPLUG_PREFETCHABLE_PART 2048
#define HOTPLUG_PREFETCHABLE_MAX  0x200000000ul

/* Records of some hundreds of functions (pci_scan()). */
#define TREE_SIZE 0x20000ul

static NAME(extra_roots_file, "etc/extra-pci-roots");
static NAME(reserved_end_file, "etc/reserved-memory-end");

static struct pci_range high_memory(struct boot *boot)
{
	uint64_t start = memmap_ram_end(&boot->map, ~0ul);
	uint64_t reserved_end = boot_read_number(boot, reserved_end_file);

	if (start < reserved_end)
		start = reserved_end;
	if (start < MEMMAP_4G)
		start = MEMMAP_4G;
	if (!checked_align_up(start, MEMORY_64_ALIGNMENT, &start))
		return (struct pci_range){0, 0};
	return (struct pci_range){start, arch_map_end()};
}

/* The parts of [low_ram_end, MEMORY_END) that ECAM leaves, the higher one first. */
static void low_memory(const struct chipset *chipset, uint64_t low_ram_end,
		       struct pci_range ret_ranges[PCI_RANGES])
{
	uint64_t split = chipset->ecam_size != 0 ? chipset->ecam_start : MEMORY_START;
	uint64_t start = split + chipset->ecam_size;

	if (start < low_ram_end)
		start = low_ram_end;
	ret_ranges[0] = (struct pci_range){start, MEMORY_END};
	ret_ranges[1] = (struct pci_range){low_ram_end, split};
}

static uint64_t hotplug_prefetchable(bool high)
{
	uint64_t part = arch_map_end() / HOTPLUG_PREFETCHABLE_PART;

	if (!high)
		return HOTPLUG_PREFETCHABLE;
	return part < HOTPLUG_PREFETCHABLE_MAX ? part : HOTPLUG_PREFETCHABLE_MAX;
}

void pc_assign_pci(struct pc *pc)
{
	struct boot *boot = &pc->boot;
	bool high = memmap_ram_end(&boot->map, ~0ul) > MEMMAP_4G;
	struct pci_machine *machine = &pc->pci_machine;

	*machine = (struct pci_machine){
		.access = {pc->chipset.ecam_start},
		.is_fresh = boot->fwcfg.qemu,
		.known = pc->chipset.known,
		.known_count = pc->chipset.known_count,
		.extra_roots = (unsigned)boot_read_number(boot, extra_roots_file),
		.interrupts = pc->chipset.kind == CHIPSET_Q35 ? PCI_INTERRUPTS_ICH9
							      : PCI_INTERRUPTS_PIIX3,
		.io = {{IO_HIGH_START, IO_HIGH_END}, {IO_LOW_START, IO_LOW_END}},
		.mem64 = high_memory(boot),
		.high_first = high,
		.hotplug_prefetchable = hotplug_prefetchable(high),
	};
	const struct memmap_request request = {
		.size = TREE_SIZE,
		.alignment = PAGE_SIZE,
		.min = 0x100000,
		.max = MEMMAP_4G,
		.top_down = true,
		.type = MEMMAP_FIRMWARE,
	};
	uint64_t records;

	pc->pci.functions = 0;
	low_memory(&pc->chipset, memmap_ram_end(&boot->map, MEMMAP_4G), machine->mem32);
	void *place = NULL;
	if (memmap_alloc(&boot->map, &request, &records) == STATUS_OK)
		place = boot_map_ram(records, TREE_SIZE);
	if (place == NULL) {
		log_line(&boot->log, LOG_WARN, "no memory to set up PCI devices");
		return;
	}
	pci_scan(&pc->pci, machine, &boot->log, place, TREE_SIZE);
	pci_assign(&pc->pci);
	pci_program(&pc->pci);
}
