/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/boot.h"

#include <string.h>

#include "arch/memory.h"
#include "loader/bzimage.h"

/* As much of the start as tells one image from another; ours has its marker there. */
#define IDENTITY_SIZE 512

/* QEMU `-kernel fw.bin` offers us to ourselves (rulings 5). */
static bool is_this_firmware(const struct blob *kernel)
{
	struct arch_range image = arch_image();
	uint8_t head[IDENTITY_SIZE];
	const void *own = (const void *)(uintptr_t)image.start;

	return kernel->size >= sizeof(head) &&
	       blob_read(kernel, 0, sizeof(head), head) == STATUS_OK &&
	       memcmp(head, own, sizeof(head)) == 0;
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

/* The address of a setup_data list that the VMM attached, in the legacy header. */
static uint64_t legacy_setup_data(const struct blob *head)
{
	struct setup_header header;

	if (blob_read(head, 0x1f1, sizeof(header), &header) != STATUS_OK)
		return 0;
	return le64_get(header.setup_data);
}

static bool legacy_kernel(struct boot *boot, struct kernel_source *ret_kernel)
{
	struct kernel_source kernel = {.split = true};
	uint32_t assumed_load;

	if (!legacy_item(boot, FWCFG_KERNEL_SIZE, FWCFG_KERNEL_DATA, &kernel.body) ||
	    !legacy_item(boot, FWCFG_SETUP_SIZE, FWCFG_SETUP_DATA, &kernel.head) ||
	    is_this_firmware(&kernel.head))
		return false;
	kernel.setup_data = legacy_setup_data(&kernel.head);
	if (kernel.setup_data != 0 &&
	    item_size(boot, FWCFG_KERNEL_ADDRESS, &assumed_load))
		kernel.assumed_load = assumed_load;
	*ret_kernel = kernel;
	return true;
}

static bool file_kernel(struct boot *boot, const char *name, struct kernel_source *ret_kernel)
{
	struct kernel_source kernel = {.split = false};

	if (!fwcfg_find(&boot->fwcfg, name, &kernel.head) || is_this_firmware(&kernel.head))
		return false;
	*ret_kernel = kernel;
	return true;
}

static bool find_kernel(struct boot *boot)
{
	struct kernel_source legacy;

	if (file_kernel(boot, "opt/org.slipway/kernel", &boot->kernel))
		return true;
	/* The file lacks a setup_data list that the legacy header has (rulings 7). */
	if (file_kernel(boot, "etc/boot/kernel", &boot->kernel)) {
		if (legacy_kernel(boot, &legacy) && legacy.setup_data != 0)
			boot->kernel = legacy;
		return true;
	}
	return legacy_kernel(boot, &boot->kernel);
}

static bool find_initrd(struct boot *boot)
{
	return fwcfg_find(&boot->fwcfg, "opt/org.slipway/initrd", &boot->initrd) ||
	       fwcfg_find(&boot->fwcfg, "etc/boot/initrd", &boot->initrd) ||
	       legacy_item(boot, FWCFG_INITRD_SIZE, FWCFG_INITRD_DATA, &boot->initrd);
}

static bool find_cmdline(struct boot *boot)
{
	return fwcfg_find(&boot->fwcfg, "opt/org.slipway/cmdline", &boot->cmdline) ||
	       fwcfg_find(&boot->fwcfg, "etc/boot/cmdline", &boot->cmdline) ||
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
