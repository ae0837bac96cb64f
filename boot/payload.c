/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/boot.h"

#include <string.h>

#include "arch/memory.h"

/* The sources before the legacy items, first wins. */
const struct name boot_opt_kernel = {"opt/org.slipway/kernel"};
const struct name boot_etc_kernel = {"etc/boot/kernel"};
static const struct name opt_initrd = {"opt/org.slipway/initrd"};
static const struct name etc_initrd = {"etc/boot/initrd"};
static const struct name opt_cmdline = {"opt/org.slipway/cmdline"};
static const struct name etc_cmdline = {"etc/boot/cmdline"};

bool boot_is_this_firmware(const void *head, size_t size)
{
	const void *own = (const void *)(uintptr_t)arch_image().start;

	return size >= BOOT_IDENTITY_SIZE && memcmp(head, own, BOOT_IDENTITY_SIZE) == 0;
}

enum status boot_find_file(struct boot *boot, const struct name *name, struct blob *ret_blob)
{
	return fwcfg_find(&boot->fwcfg, name, ret_blob) ? STATUS_OK : STATUS_NOT_FOUND;
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

static enum status find_initrd(struct boot *boot)
{
	enum status status = boot_find_file(boot, &opt_initrd, &boot->initrd);
	if (status == STATUS_NOT_FOUND)
		status = boot_find_file(boot, &etc_initrd, &boot->initrd);
	if (status == STATUS_NOT_FOUND)
		status = boot_find_item(boot, FWCFG_INITRD_SIZE, FWCFG_INITRD_DATA, &boot->initrd);
	return status;
}

static enum status find_cmdline(struct boot *boot)
{
	enum status status = boot_find_file(boot, &opt_cmdline, &boot->cmdline);
	if (status == STATUS_NOT_FOUND)
		status = boot_find_file(boot, &etc_cmdline, &boot->cmdline);
	boot->cmdline_is_file = status == STATUS_OK;
	if (status == STATUS_NOT_FOUND)
		status = boot_find_item(boot, FWCFG_CMDLINE_SIZE, FWCFG_CMDLINE_DATA,
					&boot->cmdline);
	return status;
}

enum status boot_find_initrd_and_cmdline(struct boot *boot)
{
	if (!boot->has_fwcfg)
		return STATUS_OK;
	enum status status = find_initrd(boot);
	boot->has_initrd = status == STATUS_OK;
	if (status == STATUS_NOT_FOUND) {
		log_line(&boot->log, LOG_DEBUG, "no initrd");
		status = STATUS_OK;
	}
	if (status == STATUS_OK)
		status = find_cmdline(boot);
	boot->has_cmdline = status == STATUS_OK;
	if (status == STATUS_NOT_FOUND) {
		log_line(&boot->log, LOG_DEBUG, "no command line");
		status = STATUS_OK;
	}
	return status;
}

bool boot_cmdline_is_empty(const struct boot *boot)
{
	char first = '\0';

	return boot->cmdline.size == 0 ||
	       (blob_read(&boot->cmdline, 0, 1, &first) == STATUS_OK &&
		(first == '\0' || (first == '\n' && boot->cmdline_is_file)));
}

enum status boot_read_initrd(struct boot *boot, uint64_t to)
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
