/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/aarch64/virt.h"

#include <string.h>

/*
 * Linux takes the first 2047 bytes (COMMAND_LINE_SIZE), but that is its own affair; this
 * keeps what a host makes us copy within bounds.
 */
#define CMDLINE_MAX 0x10000

static enum status accept_kernel(struct virt *virt)
{
	struct kernel_source *kernel = &virt->kernel;
	uint8_t head[BOOT_IDENTITY_SIZE];

	kernel->address = 0;
	kernel->size = kernel->blob.size;
	if (kernel->size < sizeof(head))
		return STATUS_OK; /* whoever looks at its format will say so */
	enum status status = blob_read(&kernel->blob, 0, sizeof(head), head);
	if (status != STATUS_OK)
		return refuse(&virt->boot.why, status, "the kernel cannot be read");
	return boot_is_this_firmware(head, sizeof(head)) ? STATUS_NOT_FOUND : STATUS_OK;
}

static enum status find_fwcfg_kernel(struct virt *virt)
{
	struct boot *boot = &virt->boot;
	struct blob *blob = &virt->kernel.blob;

	enum status status = boot_find_file(boot, &boot_opt_kernel, blob);
	if (status == STATUS_OK)
		status = accept_kernel(virt);
	if (status != STATUS_NOT_FOUND)
		return status;
	status = boot_find_file(boot, &boot_etc_kernel, blob);
	if (status == STATUS_OK)
		status = accept_kernel(virt);
	if (status != STATUS_NOT_FOUND)
		return status;
	/* The setup item is empty, or the start of the same file (docs/fw_cfg.md). */
	status = boot_find_item(boot, FWCFG_KERNEL_SIZE, FWCFG_KERNEL_DATA, blob);
	return status == STATUS_OK ? accept_kernel(virt) : status;
}

static enum status find_kernel(struct virt *virt)
{
	const struct fdt_range *kernel = &virt->machine.kernel;

	if (virt->boot.has_fwcfg) {
		enum status status = find_fwcfg_kernel(virt);
		if (status != STATUS_NOT_FOUND)
			return status;
	}
	if (kernel->size == 0)
		return STATUS_NOT_FOUND;
	virt->kernel.address = kernel->start;
	virt->kernel.size = kernel->size;
	return virt_claim(virt, kernel->start, kernel->size, MEMMAP_KERNEL,
			  "the kernel of /chosen");
}

static enum status find_initrd(struct virt *virt)
{
	const struct fdt_range *initrd = &virt->machine.initrd;

	virt->initrd = 0;
	virt->initrd_size = virt->boot.initrd.size;
	if (virt->boot.has_initrd || initrd->size == 0)
		return STATUS_OK;
	virt->initrd = initrd->start;
	virt->initrd_size = initrd->size;
	return virt_claim(virt, initrd->start, initrd->size, MEMMAP_INITRD,
			  "the initrd of /chosen");
}

enum status virt_find_payload(struct virt *virt)
{
	enum status status = find_kernel(virt);
	if (status == STATUS_NOT_FOUND)
		return refuse(&virt->boot.why, status, "the VMM supplies no kernel");
	if (status == STATUS_OK && virt->boot.has_fwcfg)
		status = boot_find_initrd_and_cmdline(&virt->boot);
	return status == STATUS_OK ? find_initrd(virt) : status;
}

enum status virt_read_cmdline(struct virt *virt)
{
	struct boot *boot = &virt->boot;
	uint64_t size = boot_cmdline_bytes(boot, CMDLINE_MAX) + 1;
	uint64_t address;
	size_t length;

	virt->cmdline = virt->machine.bootargs;
	if (!boot->has_cmdline)
		return STATUS_OK;
	enum status status = virt_alloc(virt, size, MEMMAP_FIRMWARE, &address);
	if (status != STATUS_OK)
		return refuse(&boot->why, status, "no memory for the command line");
	status = boot_read_cmdline(boot, CMDLINE_MAX, address, &length);
	if (status == STATUS_OK)
		virt->cmdline = (struct span){boot_map_ram(address, size), length};
	return status;
}
