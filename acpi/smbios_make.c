/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "acpi/smbios.h"
#include "acpi/smbios_wire.h"

/* Sections are those of DMTF DSP0134, lengths those of version 3.0. */

/* A constant of a wire struct. */
#define LE16(value)                                                                                \
	{                                                                                          \
		{                                                                                  \
			(uint8_t)(value), (uint8_t)((value) >> 8)                                  \
		}                                                                                  \
	}
#define LE32(value)                                                                                \
	{                                                                                          \
		{                                                                                  \
			(uint8_t)(value), (uint8_t)((value) >> 8), (uint8_t)((value) >> 16),       \
				(uint8_t)((value) >> 24)                                           \
		}                                                                                  \
	}

/* System information: 7.2. */
struct system_information {
	struct structure header;
	uint8_t manufacturer;
	uint8_t product_name;
	uint8_t version;
	uint8_t serial_number;
	struct le32 uuid_time_low;
	struct le16 uuid_time_mid;
	struct le16 uuid_time_hi_and_version;
	uint8_t uuid_rest[8];
	uint8_t wake_up_type;
	uint8_t sku_number;
	uint8_t family;
};
_Static_assert(sizeof(struct system_information) == 0x1b, "7.2");

#define WAKE_UP_POWER_SWITCH 0x06

/* System enclosure or chassis: 7.4. */
struct chassis {
	struct structure header;
	uint8_t manufacturer;
	uint8_t type;
	uint8_t version;
	uint8_t serial_number;
	uint8_t asset_tag_number;
	uint8_t boot_up_state;
	uint8_t power_supply_state;
	uint8_t thermal_state;
	uint8_t security_status;
	struct le32 oem_defined;
	uint8_t height;
	uint8_t number_of_power_cords;
	uint8_t contained_element_count;
	uint8_t contained_element_record_length;
	uint8_t sku_number;
};
_Static_assert(sizeof(struct chassis) == 0x16, "7.4");

#define CHASSIS_OTHER    0x01
#define STATE_SAFE       0x03
#define SECURITY_UNKNOWN 0x02

/* Processor information: 7.5. */
struct processor_information {
	struct structure header;
	uint8_t socket_designation;
	uint8_t processor_type;
	uint8_t processor_family;
	uint8_t processor_manufacturer;
	struct le64 processor_id;
	uint8_t processor_version;
	uint8_t voltage;
	struct le16 external_clock;
	struct le16 max_speed; /* MHz; 0: not known, as all speeds here */
	struct le16 current_speed;
	uint8_t status;
	uint8_t processor_upgrade;
	struct le16 l1_cache_handle;
	struct le16 l2_cache_handle;
	struct le16 l3_cache_handle;
	uint8_t serial_number;
	uint8_t asset_tag;
	uint8_t part_number;
	uint8_t core_count;
	uint8_t core_enabled;
	uint8_t thread_count;
	struct le16 processor_characteristics;
	struct le16 processor_family_2;
	struct le16 core_count_2;
	struct le16 core_enabled_2;
	struct le16 thread_count_2;
};
_Static_assert(sizeof(struct processor_information) == 0x30, "7.5");

#define PROCESSOR_CENTRAL        0x03
#define PROCESSOR_FAMILY_OTHER   0x01
#define PROCESSOR_ENABLED        0x41 /* socket populated, CPU enabled */
#define PROCESSOR_UPGRADE_OTHER  0x01
#define PROCESSOR_64_BIT_CAPABLE 0x0004
#define NO_CACHE_HANDLE          0xffff
/* From this number on, the count is in the second field alone. */
#define CORE_COUNT_MAX 0xff

/* Physical memory array: 7.17. */
struct memory_array {
	struct structure header;
	uint8_t location;
	uint8_t use;
	uint8_t memory_error_correction;
	struct le32 maximum_capacity; /* KiB */
	struct le16 memory_error_information_handle;
	struct le16 number_of_memory_devices;
	struct le64 extended_maximum_capacity;
};
_Static_assert(sizeof(struct memory_array) == 0x17, "7.17");

#define ARRAY_LOCATION_OTHER       0x01
#define ARRAY_USE_SYSTEM_MEMORY    0x03
#define ARRAY_NO_ERROR_CORRECTION  0x03
#define ARRAY_CAPACITY_IS_EXTENDED 0x80000000
#define NO_ERROR_INFORMATION       0xfffe

/* Memory device: 7.18. */
struct memory_device {
	struct structure header;
	struct le16 physical_memory_array_handle;
	struct le16 memory_error_information_handle;
	struct le16 total_width;
	struct le16 data_width;
	struct le16 size; /* MiB */
	uint8_t form_factor;
	uint8_t device_set;
	uint8_t device_locator;
	uint8_t bank_locator;
	uint8_t memory_type;
	struct le16 type_detail;
	struct le16 speed;
	uint8_t manufacturer;
	uint8_t serial_number;
	uint8_t asset_tag;
	uint8_t part_number;
	uint8_t attributes;
	struct le32 extended_size; /* MiB */
	struct le16 configured_memory_speed;
	struct le16 minimum_voltage;
	struct le16 maximum_voltage;
	struct le16 configured_voltage;
};
_Static_assert(sizeof(struct memory_device) == 0x28, "7.18");

#define DEVICE_SIZE_IS_EXTENDED 0x7fff
#define DEVICE_FORM_OTHER       0x01
#define DEVICE_TYPE_RAM         0x07
#define DEVICE_DETAIL_OTHER     0x0002

/* Memory array mapped address: 7.20. */
struct mapped_address {
	struct structure header;
	struct le32 starting_address;
	struct le32 ending_address;
	struct le16 memory_array_handle;
	uint8_t partition_width;
	struct le64 extended_starting_address;
	struct le64 extended_ending_address; /* of the last byte */
};
_Static_assert(sizeof(struct mapped_address) == 0x1f, "7.20");

#define ADDRESS_IS_EXTENDED 0xffffffff

/* System boot information: 7.33. */
struct boot_information {
	struct structure header;
	uint8_t reserved[6];
	uint8_t boot_status;
};
_Static_assert(sizeof(struct boot_information) == 0x0b, "7.33");

#define BOOT_NO_ERRORS 0

#define PRODUCT "Virtual machine"
#define SOCKET  "CPU 0"
#define LOCATOR "RAM 0"

/* What ends a structure without strings. */
#define NO_STRINGS 2

struct table {
	struct type0 type0;

	struct system_information system;
	char system_manufacturer[sizeof(VENDOR)];
	char product_name[sizeof(PRODUCT)];
	char system_end;

	struct chassis chassis;
	char chassis_manufacturer[sizeof(VENDOR)];
	char chassis_end;

	struct processor_information processor;
	char socket_designation[sizeof(SOCKET)];
	char processor_manufacturer[sizeof(VENDOR)];
	char processor_end;

	struct memory_array array;
	char array_end[NO_STRINGS];

	struct memory_device device;
	char device_locator[sizeof(LOCATOR)];
	char device_end;

	struct boot_information boot;
	char boot_end[NO_STRINGS];

	struct mapped_range {
		struct mapped_address address;
		char end[NO_STRINGS];
	} mapped[2];

	struct end_of_table {
		struct structure header;
		char end[NO_STRINGS];
	} end; /* where mapped[1] is when there is no second range */
};
_Static_assert(sizeof(struct table) <= SMBIOS_MADE_MAX, "SMBIOS_MADE_MAX");

#define HANDLE_ARRAY 0x1000

#define MAPPED_RANGE(number)                                                                       \
	{                                                                                          \
		.address = {                                                                       \
			.header = {19, sizeof(struct mapped_address), LE16(0x1300 + (number))},    \
			.memory_array_handle = LE16(HANDLE_ARRAY),                                 \
			.partition_width = 1,                                                      \
		},                                                                                 \
	}

/*
 * The structures that 6.2 requires, but for caches (type 7) and slots (type 9), of which nothing
 * is known. Nothing is known of the system either but that it is virtual; 6.2 wants names
 * nevertheless, and values other than "unknown" where those below are "other".
 */
static const struct table constant = {
	.type0 =
		{
			.information =
				{
					.header = {TYPE_BIOS_INFORMATION,
						   sizeof(struct bios_information), LE16(0)},
					.vendor = 1,
					.version = 2,
					.starting_segment = LE16(0xf000),
					.release_date = 3,
					.rom_size = 0,
					.characteristics = {{0x08}}, /* not supported */
					/* ACPI; virtual machine */
					.characteristics_extension = {0x01, 0x10},
					.major = 0xff, /* not available */
					.minor = 0xff,
					.controller_major = 0xff,
					.controller_minor = 0xff,
				},
			.vendor = VENDOR,
			.version = VERSION,
			.date = DATE,
		},
	.system =
		{
			.header = {1, sizeof(struct system_information), LE16(0x100)},
			.manufacturer = 1,
			.product_name = 2,
			.wake_up_type = WAKE_UP_POWER_SWITCH,
		},
	.system_manufacturer = VENDOR,
	.product_name = PRODUCT,
	.chassis =
		{
			.header = {3, sizeof(struct chassis), LE16(0x300)},
			.manufacturer = 1,
			.type = CHASSIS_OTHER,
			.boot_up_state = STATE_SAFE,
			.power_supply_state = STATE_SAFE,
			.thermal_state = STATE_SAFE,
			.security_status = SECURITY_UNKNOWN,
		},
	.chassis_manufacturer = VENDOR,
	.processor =
		{
			.header = {4, sizeof(struct processor_information), LE16(0x400)},
			.socket_designation = 1,
			.processor_type = PROCESSOR_CENTRAL,
			.processor_family = PROCESSOR_FAMILY_OTHER,
			.processor_manufacturer = 2,
			.status = PROCESSOR_ENABLED,
			.processor_upgrade = PROCESSOR_UPGRADE_OTHER,
			.l1_cache_handle = LE16(NO_CACHE_HANDLE),
			.l2_cache_handle = LE16(NO_CACHE_HANDLE),
			.l3_cache_handle = LE16(NO_CACHE_HANDLE),
			.processor_characteristics = LE16(PROCESSOR_64_BIT_CAPABLE),
			.processor_family_2 = LE16(PROCESSOR_FAMILY_OTHER),
		},
	.socket_designation = SOCKET,
	.processor_manufacturer = VENDOR,
	.array =
		{
			.header = {16, sizeof(struct memory_array), LE16(HANDLE_ARRAY)},
			.location = ARRAY_LOCATION_OTHER,
			.use = ARRAY_USE_SYSTEM_MEMORY,
			.memory_error_correction = ARRAY_NO_ERROR_CORRECTION,
			.maximum_capacity = LE32(ARRAY_CAPACITY_IS_EXTENDED),
			.memory_error_information_handle = LE16(NO_ERROR_INFORMATION),
			.number_of_memory_devices = LE16(1),
		},
	.device =
		{
			.header = {17, sizeof(struct memory_device), LE16(0x1100)},
			.physical_memory_array_handle = LE16(HANDLE_ARRAY),
			.memory_error_information_handle = LE16(NO_ERROR_INFORMATION),
			.total_width = LE16(64),
			.data_width = LE16(64),
			.form_factor = DEVICE_FORM_OTHER,
			.device_locator = 1,
			.memory_type = DEVICE_TYPE_RAM,
			.type_detail = LE16(DEVICE_DETAIL_OTHER),
		},
	.device_locator = LOCATOR,
	.boot =
		{
			.header = {32, sizeof(struct boot_information), LE16(0x2000)},
			.boot_status = BOOT_NO_ERRORS,
		},
	.mapped = {MAPPED_RANGE(0), MAPPED_RANGE(1)},
	.end = {.header = {TYPE_END, sizeof(struct structure), LE16(0x7f00)}},
};

const struct type0 *smbios_type0(void)
{
	return &constant.type0;
}

/* 7.2.1: the first three fields are little-endian. Zeros say that there is none. */
static void set_uuid(struct system_information *system, const uint8_t uuid[16])
{
	struct {
		struct be32 time_low;
		struct be16 time_mid;
		struct be16 time_hi_and_version;
	} wire;

	memcpy(&wire, uuid, sizeof(wire));
	system->uuid_time_low = le32_of(be32_get(wire.time_low));
	system->uuid_time_mid = le16_of(be16_get(wire.time_mid));
	system->uuid_time_hi_and_version = le16_of(be16_get(wire.time_hi_and_version));
	memcpy(system->uuid_rest, uuid + sizeof(wire), sizeof(system->uuid_rest));
}

static void set_processors(struct processor_information *processor,
			   const struct smbios_facts *facts)
{
	uint16_t count = facts->processors;
	uint8_t small = count < CORE_COUNT_MAX ? (uint8_t)count : CORE_COUNT_MAX;

	processor->processor_id = le64_of(facts->processor_id);
	processor->core_count = small;
	processor->core_enabled = small;
	processor->thread_count = small;
	processor->core_count_2 = le16_of(count);
	processor->core_enabled_2 = le16_of(count);
	processor->thread_count_2 = le16_of(count);
}

static void set_device_size(struct memory_device *device, uint64_t bytes)
{
	uint64_t mib = bytes >> 20;

	if (mib < DEVICE_SIZE_IS_EXTENDED) {
		device->size = le16_of((uint16_t)mib);
		return;
	}
	device->size = le16_of(DEVICE_SIZE_IS_EXTENDED);
	device->extended_size = le32_of((uint32_t)mib);
}

/* The first pair of fields holds addresses up to 4 TiB, in KiB. */
static void set_range(struct mapped_address *mapped, uint64_t start, uint64_t end)
{
	uint64_t last = end - 1;

	if (last >> 10 < ADDRESS_IS_EXTENDED) {
		mapped->starting_address = le32_of((uint32_t)(start >> 10));
		mapped->ending_address = le32_of((uint32_t)(last >> 10));
		return;
	}
	mapped->starting_address = le32_of(ADDRESS_IS_EXTENDED);
	mapped->ending_address = le32_of(ADDRESS_IS_EXTENDED);
	mapped->extended_starting_address = le64_of(start);
	mapped->extended_ending_address = le64_of(last);
}

size_t smbios_make(const struct smbios_facts *facts, uint64_t address,
		   uint8_t ret_table[SMBIOS_MADE_MAX],
		   uint8_t ret_entry_point[SMBIOS_ENTRY_POINT_MAX])
{
	struct entry_point_3 entry_point = {
		.anchor = "_SM3_",
		.length = sizeof(entry_point),
		.major = 3,
		.minor = 0,
		.revision = 1,
	};
	uint64_t low = facts->memory[0].end - facts->memory[0].start;
	uint64_t high = facts->memory[1].end - facts->memory[1].start;
	/* Nothing in it is aligned to more than a byte. */
	struct table *table = (struct table *)ret_table;
	size_t size = sizeof(*table);

	/* Not an assignment, which a compiler makes field by field. */
	memcpy(table, &constant, sizeof(*table));
	set_uuid(&table->system, facts->uuid);
	set_processors(&table->processor, facts);
	table->array.extended_maximum_capacity = le64_of(low + high);
	set_device_size(&table->device, low + high);
	set_range(&table->mapped[0].address, facts->memory[0].start, facts->memory[0].end);
	if (high != 0) {
		set_range(&table->mapped[1].address, facts->memory[1].start, facts->memory[1].end);
	} else {
		memcpy(&table->mapped[1], &constant.end, sizeof(constant.end));
		size -= sizeof(table->mapped[1]);
	}
	smbios_finish_entry_point_3(&entry_point, address, (uint32_t)size);
	memset(ret_entry_point, 0, SMBIOS_ENTRY_POINT_MAX);
	memcpy(ret_entry_point, &entry_point, sizeof(entry_point));
	return size;
}
