/* SPDX-License-Identifier: BSD-2-Clause */
#include "measured.h"

#include <stdlib.h>

#include "unit.h"

#define LOG_FILE  "etc/tpm/log"
#define TOLD_FILE "test/log-address"

#define COMMAND_SIZE 128
#define TABLES_MAX   8
#define FWCFG_FILES  0x19

/* As the host delivers them, in the order in which they are placed. */
static struct {
	char name[56];
	struct span content;
} tables[TABLES_MAX];
static size_t tables_count;
static size_t log_size;

static struct host_item *find_entry(const char *name, uint8_t **ret_entry)
{
	const struct host_item *directory = host_fwcfg_find(FWCFG_FILES);

	for (size_t at = 4; directory != NULL && at + 64 <= directory->size; at += 64) {
		*ret_entry = directory->bytes + at;
		if (strncmp((const char *)*ret_entry + 8, name, 56) == 0)
			return host_fwcfg_find((uint16_t)((*ret_entry)[4] << 8 | (*ret_entry)[5]));
	}
	return NULL;
}

struct host_item *measured_file(const char *name)
{
	uint8_t *entry;

	return find_entry(name, &entry);
}

static void put_file(const char *name, const void *bytes, size_t size)
{
	uint8_t *entry;
	const struct host_item *item = find_entry(name, &entry);

	if (item == NULL) {
		host_fwcfg_file(name, bytes, size);
		return;
	}
	put32(entry, __builtin_bswap32((uint32_t)size));
	host_fwcfg_item(item->key, bytes, size);
}

void measured_add_log_file(size_t size)
{
	uint8_t *zeros = calloc(1, size + 1);

	assert_non_null(zeros);
	put_file(LOG_FILE, zeros, size);
	free(zeros);
	log_size = size;
}

static void note_table(const char *name)
{
	const struct host_item *item = measured_file(name);

	assert_true(tables_count < TABLES_MAX);
	assert_non_null(item);
	strncpy(tables[tables_count].name, name, sizeof(tables[0].name) - 1);
	tables[tables_count++].content = (struct span){item->bytes, item->size};
}

/* ALLOCATE and WRITE_POINTER of QEMU's hw/acpi/bios-linker-loader.c. */
static void put_commands(uint8_t *first, uint8_t *last)
{
	put32(first, 1);
	strcpy((char *)first + 4, LOG_FILE);
	put32(first + 60, HOST_PAGE);
	first[64] = 1;
	put32(last, 4);
	strcpy((char *)last + 4, TOLD_FILE);
	strcpy((char *)last + 60, LOG_FILE);
	last[124] = 8;
}

void measured_add_log(size_t size)
{
	const uint8_t nowhere[8] = {0};

	measured_add_log_file(size);
	host_fwcfg_file(TOLD_FILE, nowhere, sizeof(nowhere))->writable = true;
	const struct host_item *old = measured_file("etc/table-loader");
	size_t old_size = old != NULL ? old->size : 0;
	uint8_t *script = calloc(1, old_size + 2 * COMMAND_SIZE);
	assert_non_null(script);
	put_commands(script, script + COMMAND_SIZE + old_size);
	if (old != NULL)
		memcpy(script + COMMAND_SIZE, old->bytes, old_size);
	put_file("etc/table-loader", script, old_size + 2 * COMMAND_SIZE);
	tables_count = 0;
	note_table("etc/table-loader");
	for (size_t at = COMMAND_SIZE; at < COMMAND_SIZE + old_size; at += COMMAND_SIZE) {
		if (get32(script + at) == 1)
			note_table((const char *)script + at + 4);
	}
	free(script);
	if (measured_file("etc/smbios/smbios-anchor") != NULL) {
		note_table("etc/smbios/smbios-anchor");
		note_table("etc/smbios/smbios-tables");
	}
}

uint64_t measured_log_address(void)
{
	const struct host_item *item = measured_file(TOLD_FILE);

	assert_non_null(item);
	return get64(item->bytes);
}

struct span measured_log(void)
{
	const uint8_t *place = host_memory(measured_log_address(), log_size);

	assert_non_null(place);
	return (struct span){place, log_size};
}

static void check_event(const struct tpm_event *event, uint32_t pcr, uint32_t type,
			struct span measured, struct span data)
{
	assert_int_equal(event->pcr, pcr);
	assert_int_equal(event->type, type);
	assert_int_equal(event->data.size, data.size);
	assert_memory_equal(event->data.bytes, data.bytes, data.size);
	tpm_event_check(event, measured);
}

static struct span text(const char *string)
{
	return (struct span){(const uint8_t *)string, strlen(string) + 1};
}

/* Types are those of the PC Client Platform Firmware Profile, 10.4.1. */
void measured_check_log(struct span room, struct span kernel, struct span initrd,
			const char *cmdline)
{
	static const uint16_t version[] = u"Slipway " VERSION;
	static const uint8_t separator[4];
	const struct span first = {(const uint8_t *)version, sizeof(version)};
	char told[256] = "kernel_cmdline: ";
	static struct tpm_log log;
	const struct tpm_event *event = log.event;

	tpm_log_read(room, &log);
	assert_int_equal(log.count, 1 + tables_count + 8 + 3);
	check_event(event++, 0, 8, first, first);
	for (size_t i = 0; i < tables_count; i++)
		check_event(event++, 1, 0xa, tables[i].content, text(tables[i].name));
	for (unsigned pcr = 0; pcr < 8; pcr++)
		check_event(event++, pcr, 4, (struct span){separator, 4},
			    (struct span){separator, 4});
	check_event(event++, 9, 0xd, kernel, text("kernel"));
	check_event(event++, 9, 0xd, initrd, text("initrd"));
	check_event(event++, 8, 0xd, text(cmdline), text(strncat(told, cmdline, 200)));
	tpm_log_check(&log);
	assert_int_equal(tpm_model.extends, log.count);
	assert_true(tpm_model_is_untouched(10) && tpm_model_is_untouched(23));
}

void measured_check(struct span kernel, struct span initrd, const char *cmdline)
{
	measured_check_log(measured_log(), kernel, initrd, cmdline);
}
