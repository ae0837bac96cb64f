/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/boot.h"

#include <string.h>

#include "arch/memory.h"
#include "lib/attributes.h"

/* What the first three sources of enum boot_source call the parts, each in words of eight bytes. */
static const char files[BOOT_LEGACY_ITEMS][BOOT_PARTS][24] = {
	{"opt/org.slipway/kernel", "opt/org.slipway/initrd", "opt/org.slipway/cmdline"},
	{"etc/boot/kernel", "etc/boot/initrd", "etc/boot/cmdline"},
};
static const char source_names[BOOT_SOURCES][24] = {
	"opt/org.slipway files", "etc/boot files", "fw_cfg's legacy items", "/chosen",
	"the VMM's initrd",
};
static const char part_names[BOOT_PARTS][16] = {"kernel", "initrd", "command line"};

static const uint8_t size_items[BOOT_PARTS] = {
	FWCFG_KERNEL_SIZE,
	FWCFG_INITRD_SIZE,
	FWCFG_CMDLINE_SIZE,
};
static const uint8_t data_items[BOOT_PARTS] = {
	FWCFG_KERNEL_DATA,
	FWCFG_INITRD_DATA,
	FWCFG_CMDLINE_DATA,
};

/* What is in front of the hole. */
#define COMPARED 0x110
_Static_assert(COMPARED <= BOOT_IDENTITY_SIZE, "it is there");

bool boot_is_this_firmware(const void *head, size_t size)
{
	const void *own = (const void *)(uintptr_t)arch_image().start;

	return size >= BOOT_IDENTITY_SIZE && memcmp(head, own, COMPARED) == 0;
}

enum status boot_read_item_integer(struct boot *boot, enum fwcfg_key key, uint32_t *ret_value)
{
	enum status status = fwcfg_read_integer(&boot->fwcfg, (uint16_t)key, 4, ret_value);
	if (status != STATUS_OK)
		return refuse(&boot->why, status, "fw_cfg item 0x%x cannot be read", key);
	return STATUS_OK;
}

enum status boot_find_item(struct boot *boot, enum fwcfg_key size_key, enum fwcfg_key data_key,
			   struct blob *ret_blob)
{
	uint32_t size;

	enum status status = boot_read_item_integer(boot, size_key, &size);
	if (status != STATUS_OK)
		return status;
	if (size == 0)
		return STATUS_NOT_FOUND;
	*ret_blob = fwcfg_item(&boot->fwcfg, (uint16_t)data_key, size);
	return STATUS_OK;
}

enum status boot_find_in_fwcfg(struct boot *boot, enum boot_source source, enum boot_part part,
			       struct blob *ret_blob)
{
	if (!boot->has_fwcfg)
		return STATUS_NOT_FOUND;
	if (source == BOOT_LEGACY_ITEMS)
		return boot_find_item(boot, size_items[part], data_items[part], ret_blob);
	return fwcfg_find(&boot->fwcfg, files[source][part], ret_blob) ? STATUS_OK
								       : STATUS_NOT_FOUND;
}

APART void boot_log_part(const struct boot *boot, enum boot_part part, const char *where)
{
	log_line(&boot->log, LOG_INFO, "%s from %s", part_names[part], where);
}

enum status boot_find_kernel(struct boot *boot,
			     enum status (*find_in)(void *context, enum boot_source source),
			     void *context, enum boot_source *ret_source)
{
	enum status status;
	unsigned source = 0;

	while ((status = find_in(context, source)) == STATUS_NOT_FOUND) {
		if (++source == BOOT_SOURCES)
			return refuse(&boot->why, status, "the VMM supplies no kernel");
	}
	if (status == STATUS_OK)
		boot_log_part(boot, BOOT_KERNEL, source_names[source]);
	*ret_source = source;
	return status;
}

/* Initrd or command line. *@ret_found: whether there is one; of size 0, it was to be none. */
static enum status find_part(struct boot *boot, enum boot_part part, struct blob *ret_blob,
			     bool *ret_found, bool *ret_is_file)
{
	enum status status;
	unsigned source = 0;

	while ((status = boot_find_in_fwcfg(boot, source, part, ret_blob)) == STATUS_NOT_FOUND &&
	       source < BOOT_LEGACY_ITEMS)
		source++;
	*ret_found = status == STATUS_OK;
	*ret_is_file = status == STATUS_OK && source != BOOT_LEGACY_ITEMS;
	if (status == STATUS_NOT_FOUND) {
		log_line(&boot->log, LOG_DEBUG, "no %s in fw_cfg", part_names[part]);
		return STATUS_OK;
	}
	if (status == STATUS_OK)
		boot_log_part(boot, part, source_names[source]);
	return status;
}

enum status boot_find_initrd_and_cmdline(struct boot *boot)
{
	bool is_file;

	enum status status =
		find_part(boot, BOOT_INITRD, &boot->initrd, &boot->has_initrd, &is_file);
	if (status == STATUS_OK)
		status = find_part(boot, BOOT_CMDLINE, &boot->cmdline, &boot->has_cmdline,
				   &boot->cmdline_is_file);
	return status;
}

/* Whether the command line has no word. */
static bool cmdline_is_empty(const struct boot *boot)
{
	char first = '\0';

	return boot->cmdline.size == 0 ||
	       (blob_read(&boot->cmdline, 0, 1, &first) == STATUS_OK &&
		(first == '\0' || (first == '\n' && boot->cmdline_is_file)));
}

enum status boot_choose_cmdline(struct boot *boot, const struct blob *in_memory,
				const struct blob *in_bundle)
{
	if (!boot->has_cmdline && in_memory->size != 0) {
		boot_log_part(boot, BOOT_CMDLINE, "the VMM's memory");
		boot->cmdline = *in_memory;
	}
	bool has_table = boot->to_check != 0;
	if (has_table) {
		enum status status = boot_check_cmdline(boot);
		if (status != STATUS_OK)
			return status;
	}
	if (in_bundle->size != 0 && (has_table || cmdline_is_empty(boot))) {
		boot_log_part(boot, BOOT_CMDLINE, BOOT_KERNEL_FILE);
		boot->cmdline = *in_bundle;
		boot->cmdline_is_file = true;
	}
	return STATUS_OK;
}

SELDOM enum status boot_read_initrd(struct boot *boot, uint64_t to)
{
	if (boot->initrd.size == 0)
		return STATUS_OK;
	enum status status = boot->initrd.read(&boot->initrd, 0, boot->initrd.size, to);
	if (status != STATUS_OK)
		return refuse(&boot->why, status, "the initrd cannot be read");
	return STATUS_OK;
}

/* A terminator and a newline do not count, and more decide nothing. */
uint64_t boot_cmdline_bytes(const struct boot *boot, uint64_t limit)
{
	return boot->cmdline.size < limit + 2 ? boot->cmdline.size : limit + 2;
}

enum status boot_read_cmdline(struct boot *boot, uint64_t limit, uint64_t to, size_t *ret_length)
{
	uint64_t size = boot_cmdline_bytes(boot, limit);
	char *text = boot_map_ram(to, size + 1);

	if (text == NULL)
		return refuse(&boot->why, STATUS_NO_MEMORY, "the command line cannot be mapped");
	if (size != 0) {
		enum status status = boot->cmdline.read(&boot->cmdline, 0, size, to);
		if (status != STATUS_OK)
			return refuse(&boot->why, status, "the command line cannot be read");
	}
	text[size] = '\0';
	size_t length = strlen(text);
	bool is_whole = length < size || size == boot->cmdline.size;
	if (boot->cmdline_is_file && is_whole && length > 0 && text[length - 1] == '\n')
		text[--length] = '\0';
	if (!is_whole || length > limit)
		return refuse(
			&boot->why, STATUS_TOO_LARGE,
			"the command line of %lu bytes is longer than the kernel's limit, %lu",
			boot->cmdline.size, limit);
	log_line(&boot->log, LOG_INFO, "command line: %s", text);
	*ret_length = length;
	return STATUS_OK;
}
