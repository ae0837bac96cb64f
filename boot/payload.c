/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/boot.h"

#include <string.h>

#include "arch/memory.h"
#include "loader/bzimage.h"

/* The sources before the legacy items, first wins. */
static const struct name opt_kernel = {"opt/org.slipway/kernel"};
static const struct name etc_kernel = {"etc/boot/kernel"};
static const struct name opt_initrd = {"opt/org.slipway/initrd"};
static const struct name etc_initrd = {"etc/boot/initrd"};
static const struct name opt_cmdline = {"opt/org.slipway/cmdline"};
static const struct name etc_cmdline = {"etc/boot/cmdline"};

/* What lies before the hole for the SMBIOS anchor, where two copies of us may differ. */
#define IDENTITY_SIZE 512

/* QEMU `-kernel fw.bin` offers us to ourselves (rulings 5). */
static bool is_this_firmware(const struct kernel_source *kernel)
{
	const void *own = (const void *)(uintptr_t)arch_image().start;

	return kernel->start_size >= IDENTITY_SIZE &&
	       memcmp(kernel->start, own, IDENTITY_SIZE) == 0;
}

/*
 * Each function that looks for something returns STATUS_NOT_FOUND when it is not
 * there, so that the next source is asked, and every other error as it is: a source
 * that fails is not passed over.
 */

/* Reads the start, which decides whether this is a kernel for us. */
static enum status read_start(struct boot *boot, struct kernel_source *kernel)
{
	kernel->setup_data = 0;
	kernel->start_size = sizeof(kernel->start);
	if (kernel->head.size < kernel->start_size)
		kernel->start_size = kernel->head.size;
	enum status status = blob_read(&kernel->head, 0, kernel->start_size, kernel->start);
	if (status != STATUS_OK)
		return refuse(&boot->why, status, "the kernel's header cannot be read");
	return is_this_firmware(kernel) ? STATUS_NOT_FOUND : STATUS_OK;
}

static enum status find_file(struct boot *boot, const struct name *name, struct blob *ret_blob)
{
	return fwcfg_find(&boot->fwcfg, name, ret_blob) ? STATUS_OK : STATUS_NOT_FOUND;
}

static enum status read_item_integer(struct boot *boot, enum fwcfg_key key, uint32_t *ret_value)
{
	enum status status = fwcfg_read_integer(&boot->fwcfg, (uint16_t)key, 4, ret_value);
	if (status != STATUS_OK)
		return refuse(&boot->why, status, "fw_cfg item 0x%x cannot be read", key);
	return STATUS_OK;
}

static enum status find_item(struct boot *boot, enum fwcfg_key size_key, enum fwcfg_key data_key,
			     struct blob *ret_blob)
{
	uint32_t size;

	enum status status = read_item_integer(boot, size_key, &size);
	if (status != STATUS_OK)
		return status;
	if (size == 0)
		return STATUS_NOT_FOUND;
	*ret_blob = fwcfg_item(&boot->fwcfg, (uint16_t)data_key, size);
	return STATUS_OK;
}

/* Finds the list that the VMM attached to a kernel from the legacy items. */
static enum status find_setup_data(struct boot *boot, struct kernel_source *kernel)
{
	uint64_t list = bzimage_setup_data((struct span){kernel->start, kernel->start_size});
	uint32_t assumed_load;

	if (list == 0)
		return STATUS_OK;
	enum status status = read_item_integer(boot, FWCFG_KERNEL_ADDRESS, &assumed_load);
	if (status == STATUS_OK) {
		kernel->setup_data = list;
		kernel->assumed_load = assumed_load;
	}
	return status;
}

static enum status find_legacy_kernel(struct boot *boot, struct kernel_source *kernel)
{
	enum status status = find_item(boot, FWCFG_KERNEL_SIZE, FWCFG_KERNEL_DATA, &kernel->body);
	if (status == STATUS_OK)
		status = find_item(boot, FWCFG_SETUP_SIZE, FWCFG_SETUP_DATA, &kernel->head);
	if (status == STATUS_OK)
		status = read_start(boot, kernel);
	if (status != STATUS_OK)
		return status;
	kernel->split = true;
	return find_setup_data(boot, kernel);
}

static enum status find_kernel_file(struct boot *boot, const struct name *name,
				    struct kernel_source *kernel)
{
	kernel->split = false;
	enum status status = find_file(boot, name, &kernel->head);
	return status == STATUS_OK ? read_start(boot, kernel) : status;
}

static enum status find_kernel(struct boot *boot)
{
	struct kernel_source legacy;

	enum status status = find_kernel_file(boot, &opt_kernel, &boot->kernel);
	if (status != STATUS_NOT_FOUND)
		return status;
	status = find_kernel_file(boot, &etc_kernel, &boot->kernel);
	if (status == STATUS_NOT_FOUND)
		return find_legacy_kernel(boot, &boot->kernel);
	if (status != STATUS_OK)
		return status;
	/* The file lacks a setup_data list that the legacy header has (rulings 7). */
	status = find_legacy_kernel(boot, &legacy);
	if (status == STATUS_OK && legacy.setup_data != 0)
		boot->kernel = legacy;
	return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status find_initrd(struct boot *boot)
{
	enum status status = find_file(boot, &opt_initrd, &boot->initrd);
	if (status == STATUS_NOT_FOUND)
		status = find_file(boot, &etc_initrd, &boot->initrd);
	if (status == STATUS_NOT_FOUND)
		status = find_item(boot, FWCFG_INITRD_SIZE, FWCFG_INITRD_DATA, &boot->initrd);
	return status;
}

static enum status find_cmdline(struct boot *boot)
{
	enum status status = find_file(boot, &opt_cmdline, &boot->cmdline);
	if (status == STATUS_NOT_FOUND)
		status = find_file(boot, &etc_cmdline, &boot->cmdline);
	boot->cmdline_is_file = status == STATUS_OK;
	if (status == STATUS_NOT_FOUND)
		status = find_item(boot, FWCFG_CMDLINE_SIZE, FWCFG_CMDLINE_DATA, &boot->cmdline);
	return status;
}

enum status boot_find_payload(struct boot *boot)
{
	boot->initrd.size = 0;
	boot->cmdline.size = 0;
	if (!boot->has_fwcfg)
		return refuse(&boot->why, STATUS_NOT_FOUND, "the machine has no fw_cfg device");
	enum status status = find_kernel(boot);
	if (status == STATUS_NOT_FOUND)
		return refuse(&boot->why, status, "the VMM supplies no kernel");
	if (status == STATUS_OK)
		status = find_initrd(boot);
	if (status == STATUS_NOT_FOUND) {
		log_line(&boot->log, LOG_DEBUG, "no initrd");
		status = STATUS_OK;
	}
	if (status == STATUS_OK)
		status = find_cmdline(boot);
	if (status == STATUS_NOT_FOUND) {
		log_line(&boot->log, LOG_DEBUG, "no command line");
		status = STATUS_OK;
	}
	return status;
}
