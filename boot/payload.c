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

/* As much of the start as tells one image from another. */
#define IDENTITY_SIZE 512

/* QEMU `-kernel fw.bin` offers us to ourselves (rulings 5). */
static bool is_this_firmware(const struct kernel_source *kernel)
{
	const void *own = (const void *)(uintptr_t)arch_image().start;

	return kernel->start_size >= IDENTITY_SIZE &&
	       memcmp(kernel->start, own, IDENTITY_SIZE) == 0;
}

/* Reads the start, which decides whether this is a kernel for us. */
static bool read_start(struct kernel_source *kernel)
{
	kernel->start_size = sizeof(kernel->start);
	if (kernel->head.size < kernel->start_size)
		kernel->start_size = kernel->head.size;
	return blob_read(&kernel->head, 0, kernel->start_size, kernel->start) == STATUS_OK &&
	       !is_this_firmware(kernel);
}

static bool item_size(struct boot *boot, enum fwcfg_key key, uint32_t *ret_size)
{
	uint32_t size;

	if (fwcfg_read_integer(&boot->fwcfg, (uint16_t)key, 4, &size) != STATUS_OK || size == 0)
		return false;
	*ret_size = size;
	return true;
}

static bool legacy_item(struct boot *boot, enum fwcfg_key size_key, enum fwcfg_key data_key,
			struct blob *ret_blob)
{
	uint32_t size;

	if (!item_size(boot, size_key, &size))
		return false;
	*ret_blob = fwcfg_item(&boot->fwcfg, (uint16_t)data_key, size);
	return true;
}

static bool legacy_kernel(struct boot *boot, struct kernel_source *kernel)
{
	struct setup_header header;
	uint32_t assumed_load;

	if (!legacy_item(boot, FWCFG_KERNEL_SIZE, FWCFG_KERNEL_DATA, &kernel->body) ||
	    !legacy_item(boot, FWCFG_SETUP_SIZE, FWCFG_SETUP_DATA, &kernel->head) ||
	    !read_start(kernel))
		return false;
	kernel->split = true;
	kernel->setup_data = 0;
	if (!span_read((struct span){kernel->start, kernel->start_size}, BZIMAGE_HEADER_OFFSET,
		       sizeof(header), &header) ||
	    le64_get(header.setup_data) == 0)
		return true;
	if (item_size(boot, FWCFG_KERNEL_ADDRESS, &assumed_load)) {
		kernel->setup_data = le64_get(header.setup_data);
		kernel->assumed_load = assumed_load;
	}
	return true;
}

static bool file_kernel(struct boot *boot, const struct name *name, struct kernel_source *kernel)
{
	if (!fwcfg_find(&boot->fwcfg, name, &kernel->head) || !read_start(kernel))
		return false;
	kernel->split = false;
	kernel->setup_data = 0;
	return true;
}

static bool find_kernel(struct boot *boot)
{
	struct kernel_source legacy;

	if (file_kernel(boot, &opt_kernel, &boot->kernel))
		return true;
	/* The file lacks a setup_data list that the legacy header has (rulings 7). */
	if (file_kernel(boot, &etc_kernel, &boot->kernel)) {
		if (legacy_kernel(boot, &legacy) && legacy.setup_data != 0)
			boot->kernel = legacy;
		return true;
	}
	return legacy_kernel(boot, &boot->kernel);
}

static bool find_initrd(struct boot *boot)
{
	return fwcfg_find(&boot->fwcfg, &opt_initrd, &boot->initrd) ||
	       fwcfg_find(&boot->fwcfg, &etc_initrd, &boot->initrd) ||
	       legacy_item(boot, FWCFG_INITRD_SIZE, FWCFG_INITRD_DATA, &boot->initrd);
}

static bool find_cmdline(struct boot *boot)
{
	return fwcfg_find(&boot->fwcfg, &opt_cmdline, &boot->cmdline) ||
	       fwcfg_find(&boot->fwcfg, &etc_cmdline, &boot->cmdline) ||
	       legacy_item(boot, FWCFG_CMDLINE_SIZE, FWCFG_CMDLINE_DATA, &boot->cmdline);
}

enum status boot_find_payload(struct boot *boot)
{
	boot->initrd.size = 0;
	boot->cmdline.size = 0;
	if (!boot->has_fwcfg)
		return refuse(&boot->why, STATUS_NOT_FOUND, "the machine has no fw_cfg device");
	if (!find_kernel(boot))
		return refuse(&boot->why, STATUS_NOT_FOUND, "the VMM supplies no kernel");
	if (!find_initrd(boot))
		log_line(&boot->log, LOG_DEBUG, "no initrd");
	if (!find_cmdline(boot))
		log_line(&boot->log, LOG_DEBUG, "no command line");
	return STATUS_OK;
}
