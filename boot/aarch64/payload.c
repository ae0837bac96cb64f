/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/aarch64/virt.h"

#include "loader/arm64.h"

/*
 * Linux takes the first 2047 bytes (COMMAND_LINE_SIZE), but that is its own affair; this
 * keeps what a host makes us copy within bounds.
 */
#define CMDLINE_MAX 0x10000

#define CHOSEN_INITRD "the initrd of /chosen"

/* -- one file ---------------------------------------------------------------------- */

static enum status read_head(struct virt *virt, uint8_t *bytes, size_t size)
{
	enum status status = blob_read(&virt->kernel, 0, size, bytes);
	if (status != STATUS_OK)
		return refuse(&virt->boot.why, status, "the kernel cannot be read");
	return STATUS_OK;
}

/* Checks the whole file against the hash table; what is looked at from here on is in memory. */
static enum status check_file(struct virt *virt, uint8_t *head, size_t head_size, uint64_t *at)
{
	if (!boot_must_check(&virt->boot, BOOT_KERNEL))
		return STATUS_OK;
	enum status status =
		boot_check(&virt->boot, BOOT_KERNEL, MEMMAP_FIRMWARE, &virt->kernel, at);
	return status == STATUS_OK ? read_head(virt, head, head_size) : status;
}

/*
 * Takes @file, which may be a bundle, for the kernel, unless it is none for us. @at is its address
 * in memory or 0, which changes when it is brought there.
 */
static enum status accept_kernel(struct virt *virt, enum boot_source source,
				 const struct blob *file, uint64_t *at)
{
	uint8_t bytes[BOOT_IDENTITY_SIZE];
	const struct span head = {bytes, sizeof(bytes)};
	bool may_be_initrd = source == BOOT_MODULE;

	virt->kernel = *file;
	/* It counts for one file only. */
	virt->boot.checked = 0;
	if (file->size < sizeof(bytes)) /* whoever looks at its format will say so */
		return may_be_initrd ? STATUS_NOT_FOUND : check_file(virt, bytes, 0, at);
	enum status status = read_head(virt, bytes, sizeof(bytes));
	if (status != STATUS_OK)
		return status;
	/* Not gzip: initrds are packed with it too. */
	if (may_be_initrd && !arm64_is_image(head) && !pe_is_pe(head))
		return STATUS_NOT_FOUND;
	if (boot_is_this_firmware(bytes, sizeof(bytes)))
		return STATUS_NOT_FOUND;
	status = check_file(virt, bytes, sizeof(bytes), at);
	if (status != STATUS_OK || bundle_is_kernel(head, file->size))
		return status;
	status = bundle_open(&virt->kernel, head, boot_map_ram, &virt->bundle, &virt->boot.why);
	if (status == STATUS_OK)
		virt->kernel = virt->bundle.kernel;
	return status;
}

/* Notes and claims what of a file in memory can stay there. */
static enum status claim_parts(struct virt *virt, uint64_t file)
{
	struct bundle *bundle = &virt->bundle;
	struct memmap *map = &virt->boot.map;
	uint64_t kernel = bundle_kernel_at(bundle, file);
	uint64_t initrd = bundle_initrd_at(bundle, file);

	/* All of it is MEMMAP_FIRMWARE, and in memmap_add() these are more. */
	enum status status = memmap_add(map, kernel, virt->kernel.size, MEMMAP_KERNEL);
	virt->kernel_at = kernel;
	/* The parts of a UKI may overlap, and a kernel that runs where it is spoils its initrd. */
	bool is_apart =
		initrd >= kernel + virt->kernel.size || kernel >= initrd + bundle->initrd.size;
	if (status == STATUS_OK && bundle->initrd.size != 0 && initrd != 0 && is_apart) {
		status = memmap_add(map, initrd, bundle->initrd.size, MEMMAP_INITRD);
		virt->bundle_initrd_at = initrd;
	}
	if (status != STATUS_OK)
		return refuse(&virt->boot.why, status, "the kernel at 0x%lx does not fit", kernel);
	return STATUS_OK;
}

static enum status accept_memory(struct virt *virt, enum boot_source source,
				 const struct fdt_range *range, enum status claim, const char *what)
{
	if (range->size == 0)
		return STATUS_NOT_FOUND;
	enum status status = virt_require_claim(virt, claim, range->start, range->size, what);
	if (status != STATUS_OK)
		return status;
	const struct blob file = boot_memory_blob(range->start, range->size);
	uint64_t at = range->start;
	status = accept_kernel(virt, source, &file, &at);
	return status == STATUS_OK ? claim_parts(virt, at) : status;
}

/* -- all of them ------------------------------------------------------------------- */

static enum status find_in(void *context, enum boot_source source)
{
	struct virt *virt = context;
	struct blob file;

	if (source == BOOT_CHOSEN)
		return accept_memory(virt, source, &virt->machine.kernel, virt->kernel_claim,
				     "the kernel of /chosen");
	if (source == BOOT_MODULE)
		return accept_memory(virt, source, &virt->machine.initrd, virt->initrd_claim,
				     CHOSEN_INITRD);
	/* The setup item is empty, or the start of the same file (docs/fw_cfg.md). */
	uint64_t at = 0;
	enum status status = boot_find_in_fwcfg(&virt->boot, source, BOOT_KERNEL, &file);
	if (status == STATUS_OK)
		status = accept_kernel(virt, source, &file, &at);
	return status == STATUS_OK && at != 0 ? claim_parts(virt, at) : status;
}

static enum status find_initrd(struct virt *virt, enum boot_source source)
{
	const struct fdt_range *initrd = &virt->machine.initrd;
	struct boot *boot = &virt->boot;

	virt->initrd_at = 0;
	if (boot->has_initrd)
		return boot_check_initrd(boot, false, &virt->initrd_at);
	if (virt->bundle.initrd.size != 0) {
		enum status status = boot_check_initrd(boot, true, &virt->initrd_at);
		boot->initrd = virt->bundle.initrd;
		virt->initrd_at = virt->bundle_initrd_at;
		boot_log_part(boot, BOOT_INITRD, BOOT_KERNEL_FILE);
		return status;
	}
	if (initrd->size == 0 || source == BOOT_MODULE)
		return boot_check_initrd(boot, false, &virt->initrd_at);
	boot->initrd = boot_memory_blob(initrd->start, initrd->size);
	virt->initrd_at = initrd->start;
	boot_log_part(boot, BOOT_INITRD, "/chosen");
	enum status status = virt->initrd_claim;
	if (status == STATUS_OK)
		status = memmap_add(&boot->map, initrd->start, initrd->size, MEMMAP_INITRD);
	status = virt_require_claim(virt, status, initrd->start, initrd->size, CHOSEN_INITRD);
	return status == STATUS_OK ? boot_check_initrd(boot, false, &virt->initrd_at) : status;
}

enum status virt_find_payload(struct virt *virt)
{
	const struct span *bootargs = &virt->machine.bootargs;
	const struct blob chosen = boot_memory_blob((uintptr_t)bootargs->bytes, bootargs->size);
	enum boot_source source;

	virt->kernel_at = 0;
	virt->packed.size = 0;
	virt->bundle = (struct bundle){0};
	virt->bundle_initrd_at = 0;
	enum status status = boot_find_kernel(&virt->boot, find_in, virt, &source);
	if (status == STATUS_OK)
		status = boot_find_initrd_and_cmdline(&virt->boot);
	if (status == STATUS_OK)
		status = find_initrd(virt, source);
	if (status == STATUS_OK)
		status = boot_choose_cmdline(&virt->boot, &chosen, &virt->bundle.cmdline);
	return status;
}

enum status virt_read_cmdline(struct virt *virt)
{
	struct boot *boot = &virt->boot;
	uint64_t size = boot_cmdline_bytes(boot, CMDLINE_MAX) + 1;
	uint64_t address;
	size_t length;

	virt->cmdline = (struct span){(const uint8_t *)"", 0};
	if (boot->cmdline.size == 0)
		return STATUS_OK;
	enum status status = boot_alloc(&virt->boot, size, MEMMAP_FIRMWARE, &address);
	if (status != STATUS_OK)
		return refuse(&boot->why, status, "no memory for the command line");
	status = boot_read_cmdline(boot, CMDLINE_MAX, address, &length);
	if (status == STATUS_OK)
		virt->cmdline = (struct span){boot_map_ram(address, size), length};
	return status;
}
