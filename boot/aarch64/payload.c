/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/aarch64/virt.h"

#include "loader/arm64.h"

/*
 * Linux takes the first 2047 bytes (COMMAND_LINE_SIZE), but that is its own affair; this
 * keeps what a host makes us copy within bounds.
 */
#define CMDLINE_MAX 0x10000

/*
 * Where a kernel can come from, in this order. Initrd and command line have the same order,
 * each for itself, with those of the kernel's own file, a bundle, after fw_cfg's; a command
 * line of a bundle comes last of all (rulings 33).
 */
enum source {
	SOURCE_OPT_FILE,      /* fw_cfg file opt/org.slipway/kernel */
	SOURCE_ETC_FILE,      /* fw_cfg file etc/boot/kernel */
	SOURCE_LEGACY_ITEM,   /* what QEMU's -kernel puts into fw_cfg */
	SOURCE_CHOSEN_KERNEL, /* in memory, as /chosen of the device tree says */
	SOURCE_CHOSEN_INITRD, /* likewise, when it is more than an initrd */
	SOURCES,
};

static const char source_names[SOURCES][24] = {
	"opt/org.slipway/kernel", "etc/boot/kernel",       "legacy items",
	"the kernel of /chosen",  "the initrd of /chosen",
};

/* -- one file ---------------------------------------------------------------------- */

/* Takes @file, which may be a bundle, for the kernel, unless it is none for us. */
static enum status accept_kernel(struct virt *virt, enum source source, const struct blob *file)
{
	uint8_t bytes[BOOT_IDENTITY_SIZE];
	const struct span head = {bytes, sizeof(bytes)};
	bool may_be_initrd = source == SOURCE_CHOSEN_INITRD;

	virt->kernel = *file;
	if (file->size < sizeof(bytes)) /* whoever looks at its format will say so */
		return may_be_initrd ? STATUS_NOT_FOUND : STATUS_OK;
	enum status status = blob_read(file, 0, sizeof(bytes), bytes);
	if (status != STATUS_OK)
		return refuse(&virt->boot.why, status, "the kernel cannot be read");
	/* Not gzip: initrds are packed with it too. */
	if (may_be_initrd && !arm64_is_image(head) && !pe_is_pe(head))
		return STATUS_NOT_FOUND;
	if (boot_is_this_firmware(bytes, sizeof(bytes)))
		return STATUS_NOT_FOUND;
	if (bundle_is_kernel(head, file->size))
		return STATUS_OK;
	status = bundle_open(file, head, boot_map_ram, &virt->bundle, &virt->boot.why);
	if (status == STATUS_OK)
		virt->kernel = virt->bundle.kernel;
	return status;
}

/* Where a blob of a bundle lies in the memory that the file has from @file on. */
static uint64_t place_of(const struct blob_pieces *pieces, uint64_t file)
{
	/* With a first piece, it is not in one place. */
	return pieces->piece[0].size == 0 ? file + pieces->piece[1].offset : 0;
}

/* Notes and claims what of a file in memory can stay there. */
static enum status claim_parts(struct virt *virt, uint64_t file)
{
	struct bundle *bundle = &virt->bundle;
	struct memmap *map = &virt->boot.map;
	uint64_t kernel = place_of(&bundle->pieces[0], file);
	uint64_t initrd = place_of(&bundle->pieces[1], file);

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

static enum status accept_memory(struct virt *virt, enum source source,
				 const struct fdt_range *range)
{
	if (range->size == 0)
		return STATUS_NOT_FOUND;
	enum status status =
		virt_claim(virt, range->start, range->size, MEMMAP_FIRMWARE, source_names[source]);
	if (status != STATUS_OK)
		return status;
	const struct blob file = boot_memory_blob(range->start, range->size);
	status = accept_kernel(virt, source, &file);
	return status == STATUS_OK ? claim_parts(virt, range->start) : status;
}

/* -- all of them ------------------------------------------------------------------- */

static enum status find_in(struct virt *virt, enum source source)
{
	struct boot *boot = &virt->boot;
	enum status status;
	struct blob file;

	if (source == SOURCE_CHOSEN_KERNEL)
		return accept_memory(virt, source, &virt->machine.kernel);
	if (source == SOURCE_CHOSEN_INITRD)
		return accept_memory(virt, source, &virt->machine.initrd);
	if (!boot->has_fwcfg)
		return STATUS_NOT_FOUND;
	if (source == SOURCE_OPT_FILE)
		status = boot_find_file(boot, &boot_opt_kernel, &file);
	else if (source == SOURCE_ETC_FILE)
		status = boot_find_file(boot, &boot_etc_kernel, &file);
	else /* The setup item is empty, or the start of the same file (docs/fw_cfg.md). */
		status = boot_find_item(boot, FWCFG_KERNEL_SIZE, FWCFG_KERNEL_DATA, &file);
	return status == STATUS_OK ? accept_kernel(virt, source, &file) : status;
}

static enum status find_kernel(struct virt *virt, enum source *ret_source)
{
	unsigned source = 0;

	virt->kernel_at = 0;
	virt->bundle = (struct bundle){0};
	virt->bundle_initrd_at = 0;
	enum status status = find_in(virt, source);
	while (status == STATUS_NOT_FOUND && ++source < SOURCES)
		status = find_in(virt, source);
	if (status == STATUS_NOT_FOUND)
		return refuse(&virt->boot.why, status, "the VMM supplies no kernel");
	if (status != STATUS_OK)
		return status;
	log_line(&virt->boot.log, LOG_INFO, "kernel from %s", source_names[source]);
	*ret_source = source;
	return STATUS_OK;
}

static enum status find_initrd(struct virt *virt, enum source source)
{
	const struct fdt_range *initrd = &virt->machine.initrd;
	struct boot *boot = &virt->boot;

	virt->initrd_at = 0;
	if (boot->has_initrd)
		return STATUS_OK;
	if (virt->bundle.initrd.size != 0) {
		boot->initrd = virt->bundle.initrd;
		virt->initrd_at = virt->bundle_initrd_at;
		return STATUS_OK;
	}
	if (initrd->size == 0 || source == SOURCE_CHOSEN_INITRD)
		return STATUS_OK;
	boot->initrd = boot_memory_blob(initrd->start, initrd->size);
	virt->initrd_at = initrd->start;
	return virt_claim(virt, initrd->start, initrd->size, MEMMAP_INITRD,
			  source_names[SOURCE_CHOSEN_INITRD]);
}

/* That of a bundle, when the VMM has none or an empty one. */
static void find_cmdline(struct virt *virt)
{
	struct boot *boot = &virt->boot;

	if (virt->bundle.cmdline.size == 0 ||
	    (boot->has_cmdline ? !boot_cmdline_is_empty(boot) : virt->machine.bootargs.size != 0))
		return;
	boot->has_cmdline = true;
	boot->cmdline = virt->bundle.cmdline;
	boot->cmdline_is_file = true;
}

enum status virt_find_payload(struct virt *virt)
{
	enum source source;

	enum status status = find_kernel(virt, &source);
	if (status == STATUS_OK)
		status = boot_find_initrd_and_cmdline(&virt->boot);
	if (status == STATUS_OK)
		status = find_initrd(virt, source);
	if (status == STATUS_OK)
		find_cmdline(virt);
	return status;
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
