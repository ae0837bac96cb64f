/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/aarch64/virt.h"

#include <string.h>

/* Enough to recognise ourselves by. */
#define HEAD_SIZE 512

/*
 * Linux takes the first 2047 bytes (COMMAND_LINE_SIZE), but that is its own affair; this
 * keeps what a host makes us copy within bounds.
 */
#define CMDLINE_MAX 0x10000

static enum status accept_kernel(struct virt *virt)
{
	struct kernel_source *kernel = &virt->kernel;
	uint8_t head[HEAD_SIZE];

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

/* What a VMM has put into memory must be RAM, and nobody else's. */
static enum status claim(struct virt *virt, const struct fdt_range *range, enum memmap_type type,
			 const char *what)
{
	enum status status = memmap_claim(&virt->boot.map, range->start, range->size, type);
	if (status != STATUS_OK)
		return refuse(&virt->boot.why, status,
			      "/chosen has the %s at 0x%lx + 0x%lx, which is not free RAM", what,
			      range->start, range->size);
	return STATUS_OK;
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
	return claim(virt, kernel, MEMMAP_KERNEL, "kernel");
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
	return claim(virt, initrd, MEMMAP_INITRD, "initrd");
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
	struct span bootargs = virt->machine.bootargs;

	if (!boot->has_cmdline) {
		virt->cmdline = (uintptr_t)bootargs.bytes;
		virt->cmdline_length = bootargs.size;
		return STATUS_OK;
	}
	const struct memmap_request request = {
		.size = boot_cmdline_bytes(boot, CMDLINE_MAX) + 1,
		.alignment = PAGE_SIZE,
		.max = MEMMAP_4G,
		.top_down = true,
		.type = MEMMAP_FIRMWARE,
	};
	enum status status = memmap_alloc(&boot->map, &request, &virt->cmdline);
	if (status != STATUS_OK)
		return refuse(&boot->why, status, "no memory for the command line");
	return boot_read_cmdline(boot, CMDLINE_MAX, virt->cmdline, &virt->cmdline_length);
}
