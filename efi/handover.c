/* SPDX-License-Identifier: BSD-2-Clause */
#include "efi/handover.h"

#include <efi.h>
#include <string.h>

#include "lib/check.h"
#include "lib/endian.h"

_Static_assert(sizeof(EFI_TABLE_HEADER) == 24, "UEFI 4.2");
_Static_assert(sizeof(EFI_SYSTEM_TABLE) == 120, "UEFI 4.3");
_Static_assert(offsetof(EFI_SYSTEM_TABLE, FirmwareVendor) == 24, "UEFI 4.3");
_Static_assert(offsetof(EFI_SYSTEM_TABLE, FirmwareRevision) == 32, "UEFI 4.3");
_Static_assert(offsetof(EFI_SYSTEM_TABLE, RuntimeServices) == 88, "UEFI 4.3");
_Static_assert(offsetof(EFI_SYSTEM_TABLE, NumberOfTableEntries) == 104, "UEFI 4.3");
_Static_assert(offsetof(EFI_SYSTEM_TABLE, ConfigurationTable) == 112, "UEFI 4.3");
_Static_assert(sizeof(EFI_CONFIGURATION_TABLE) == 24, "UEFI 4.6");
_Static_assert(offsetof(EFI_CONFIGURATION_TABLE, VendorTable) == 16, "UEFI 4.6");
_Static_assert(sizeof(EFI_MEMORY_DESCRIPTOR) == EFI_DESCRIPTOR_SIZE, "UEFI 7.2.3");
_Static_assert(offsetof(EFI_MEMORY_DESCRIPTOR, PhysicalStart) == 8, "UEFI 7.2.3");
_Static_assert(offsetof(EFI_MEMORY_DESCRIPTOR, NumberOfPages) == 24, "UEFI 7.2.3");
_Static_assert(offsetof(EFI_MEMORY_DESCRIPTOR, Attribute) == 32, "UEFI 7.2.3");
_Static_assert(EFI_MEMORY_DESCRIPTOR_VERSION == EFI_DESCRIPTOR_VERSION, "UEFI 7.2.3");

#define REVISION_2_70 (2u << 16 | 70u)
/* Ours to choose; Linux ignores it. */
#define FIRMWARE_REVISION 0x10000u

/* UEFI 7.2.3; gnu-efi's headers end before them. */
#define PERSISTENT_MEMORY 14
#define MEMORY_NV         0x8000ul

/* UEFI 4.6.5.2 */
#define RT_PROPERTIES_TABLE_GUID                                                                   \
	{                                                                                          \
		0xeb66918a, 0x7eef, 0x402a,                                                        \
		{                                                                                  \
			0x84, 0x2e, 0x93, 0x1d, 0x21, 0xc3, 0x8a, 0xe9                             \
		}                                                                                  \
	}
#define RT_PROPERTIES_VERSION 1

struct rt_properties {
	UINT16 version;
	UINT16 length;
	UINT32 runtime_services_supported;
};
_Static_assert(sizeof(struct rt_properties) == 8, "UEFI 4.6.5.2");

/*
 * The empty head of a list to which Linux adds memory that a kernel started by
 * kexec must not use (include/linux/efi.h, struct linux_efi_memreserve). Its EFI stub makes it;
 * without it, booted by EFI on a GICv3 with an ITS, the kernel warns for each CPU that the tables
 * of its interrupts are not reserved (drivers/irqchip/irq-gic-v3-its.c, gic_reserve_range()).
 */
#define MEMRESERVE_TABLE_GUID                                                                      \
	{                                                                                          \
		0x888eb0c6, 0x8ede, 0x4ff5,                                                        \
		{                                                                                  \
			0xa8, 0xf0, 0x9a, 0xee, 0x5c, 0xb9, 0x77, 0xc2                             \
		}                                                                                  \
	}

struct memreserve {
	UINT32 size;
	UINT32 count;
	UINT64 next;
};
_Static_assert(sizeof(struct memreserve) == 16, "struct linux_efi_memreserve");

/* Linux include/linux/efi.h: LINUX_EFI_TPM_EVENT_LOG_GUID. */
#define EVENT_LOG_TABLE_GUID                                                                       \
	{                                                                                          \
		0xb7799cb0, 0xeca2, 0x4943,                                                        \
		{                                                                                  \
			0x96, 0x67, 0x1f, 0xae, 0x07, 0xb7, 0x47, 0xfa                             \
		}                                                                                  \
	}

/* EFI_TCG2_EVENT_LOG_FORMAT_TCG_2: TCG EFI Protocol Specification 1.00, 6.2. */
#define EVENT_LOG_CRYPTO_AGILE 2

struct event_log {
	struct le32 size;
	struct le32 final_events_preboot_size; /* of another table, which there is not */
	uint8_t version;
};
_Static_assert(sizeof(struct event_log) == EFI_EVENT_LOG_HEADER, "struct linux_efi_tpm_eventlog");

#define TABLES_MAX 5

struct tables {
	EFI_SYSTEM_TABLE system;
	EFI_CONFIGURATION_TABLE table[TABLES_MAX];
	struct rt_properties rt_properties;
	struct memreserve memreserve;
	_Alignas(16) uint8_t smbios[EFI_SMBIOS_SIZE]; /* DSP0134 5.2: on a 16-byte boundary */
	UINT16 vendor[8];
};
_Static_assert(sizeof(struct tables) <= EFI_TABLES_USED, "handover.h");

/* Linux maps 200 bytes for the vendor's name, however short it is. */
_Static_assert(offsetof(struct tables, vendor) + 200 <= EFI_TABLES_USED,
	       "drivers/firmware/efi/efi.c, efi_systab_report_header()");

static void *physical(uint64_t address)
{
	return (void *)(uintptr_t)address;
}

static void add_table(struct tables *tables, EFI_GUID guid, uint64_t address)
{
	tables->table[tables->system.NumberOfTableEntries++] =
		(EFI_CONFIGURATION_TABLE){guid, physical(address)};
}

void efi_write_tables(const struct efi_facts *facts, uint64_t address, void *page)
{
	struct tables *tables = page;

	/*
	 * CRC32 stays 0: Linux looks at signature and revision only, nobody else will see the
	 * table, and without a table of its own a CRC costs more than all else here.
	 */
	*tables = (struct tables){
		.system =
			{
				.Hdr = {.Signature = EFI_SYSTEM_TABLE_SIGNATURE,
					.Revision = REVISION_2_70,
					.HeaderSize = sizeof(EFI_SYSTEM_TABLE)},
				.FirmwareVendor =
					physical(address + offsetof(struct tables, vendor)),
				.FirmwareRevision = FIRMWARE_REVISION,
				.ConfigurationTable =
					physical(address + offsetof(struct tables, table)),
			},
		.rt_properties = {.version = RT_PROPERTIES_VERSION,
				  .length = sizeof(struct rt_properties)},
		.vendor = u"Slipway",
	};
	if (facts->rsdp != 0)
		add_table(tables, (EFI_GUID)ACPI_20_TABLE_GUID, facts->rsdp);
	if (facts->smbios != NULL) {
		memcpy(tables->smbios, facts->smbios, sizeof(tables->smbios));
		add_table(tables, (EFI_GUID)SMBIOS3_TABLE_GUID,
			  address + offsetof(struct tables, smbios));
	}
	if (facts->event_log != 0)
		add_table(tables, (EFI_GUID)EVENT_LOG_TABLE_GUID, facts->event_log);
	add_table(tables, (EFI_GUID)RT_PROPERTIES_TABLE_GUID,
		  address + offsetof(struct tables, rt_properties));
	add_table(tables, (EFI_GUID)MEMRESERVE_TABLE_GUID,
		  address + offsetof(struct tables, memreserve));
}

void efi_write_event_log(uint32_t size, uint8_t to[EFI_EVENT_LOG_HEADER])
{
	const struct event_log log = {.size = le32_of(size), .version = EVENT_LOG_CRYPTO_AGILE};

	memcpy(to, &log, sizeof(log));
}

static UINT32 efi_type(enum memmap_type type)
{
	switch (type) {
	case MEMMAP_RAM:
		return EfiConventionalMemory;
	case MEMMAP_ACPI:
		return EfiACPIReclaimMemory;
	case MEMMAP_NVS:
		return EfiACPIMemoryNVS;
	case MEMMAP_UNUSABLE:
		return EfiUnusableMemory;
	case MEMMAP_PERSISTENT:
		return PERSISTENT_MEMORY;
	default:
		return EfiReservedMemoryType;
	}
}

/*
 * Persistent memory is not write-back here, though it is: Linux on arm64 takes
 * what is for its RAM, and overwrites it (efi-init.c, is_usable_memory()).
 */
static UINT64 efi_attribute(enum memmap_type type)
{
	return type == MEMMAP_PERSISTENT ? MEMORY_NV : EFI_MEMORY_WB;
}

/* First page after what the descriptor tells of. */
static uint64_t end_page(const EFI_MEMORY_DESCRIPTOR *descriptor)
{
	return descriptor->PhysicalStart / PAGE_SIZE + descriptor->NumberOfPages;
}

enum status efi_write_map(const struct memmap *map, void *entries, size_t *ret_size)
{
	EFI_MEMORY_DESCRIPTOR *descriptors = entries;
	enum memmap_type last_type = MEMMAP_RAM;
	size_t count = 0;

	CHECK((uintptr_t)entries % _Alignof(EFI_MEMORY_DESCRIPTOR) == 0);
	if (map->count > MEMMAP_ENTRIES_MAX)
		return STATUS_TOO_LARGE;
	for (size_t i = 0; i < map->count;) {
		enum memmap_type type = memmap_type_for_kernel(map->entry[i].type);
		uint64_t start = map->entry[i].start;
		uint64_t end = map->entry[i++].end;
		/* Merged in bytes, since two halves of a page are a page. */
		while (i < map->count && map->entry[i].start == end &&
		       memmap_type_for_kernel(map->entry[i].type) == type)
			end = map->entry[i++].end;

		uint64_t page = start / PAGE_SIZE;
		uint64_t after = end / PAGE_SIZE;
		if (type == MEMMAP_RAM)
			page += start % PAGE_SIZE != 0;
		else
			after += end % PAGE_SIZE != 0;
		/* Both have grown into one page: it goes to the more restrictive type. */
		if (count > 0 && end_page(&descriptors[count - 1]) > page) {
			if (type <= last_type)
				page++;
			else if (--descriptors[count - 1].NumberOfPages == 0)
				count--;
		}
		if (page >= after)
			continue;
		/* In one descriptor, since Linux maps no table that lies in two. */
		if (count > 0 && end_page(&descriptors[count - 1]) == page &&
		    descriptors[count - 1].Type == efi_type(type))
			descriptors[count - 1].NumberOfPages += after - page;
		else
			descriptors[count++] = (EFI_MEMORY_DESCRIPTOR){
				.Type = efi_type(type),
				.PhysicalStart = page * PAGE_SIZE,
				.NumberOfPages = after - page,
				.Attribute = efi_attribute(type),
			};
		last_type = type;
	}
	*ret_size = count * sizeof(*descriptors);
	return STATUS_OK;
}
