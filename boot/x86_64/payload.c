/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/x86_64/pc.h"

/* Reads the start, which decides whether this is a kernel for us. */
static enum status read_start(struct pc *pc, struct kernel_source *kernel)
{
	kernel->setup_data = 0;
	kernel->start_size = sizeof(kernel->start);
	if (kernel->head.size < kernel->start_size)
		kernel->start_size = kernel->head.size;
	enum status status = blob_read(&kernel->head, 0, kernel->start_size, kernel->start);
	if (status != STATUS_OK)
		return refuse(&pc->boot.why, status, "the kernel's header cannot be read");
	return boot_is_this_firmware(kernel->start, kernel->start_size) ? STATUS_NOT_FOUND
									: STATUS_OK;
}

/* Finds the list that the VMM attached to a kernel from the legacy items. */
static enum status find_setup_data(struct pc *pc, struct kernel_source *kernel)
{
	uint64_t list = bzimage_setup_data((struct span){kernel->start, kernel->start_size});
	uint32_t assumed_load;

	if (list == 0)
		return STATUS_OK;
	enum status status = boot_read_item_integer(&pc->boot, FWCFG_KERNEL_ADDRESS, &assumed_load);
	if (status == STATUS_OK) {
		kernel->setup_data = list;
		kernel->assumed_load = assumed_load;
	}
	return status;
}

static enum status find_legacy_kernel(struct pc *pc, struct kernel_source *kernel)
{
	enum status status =
		boot_find_item(&pc->boot, FWCFG_KERNEL_SIZE, FWCFG_KERNEL_DATA, &kernel->body);
	if (status == STATUS_OK)
		status = boot_find_item(&pc->boot, FWCFG_SETUP_SIZE, FWCFG_SETUP_DATA,
					&kernel->head);
	if (status == STATUS_OK)
		status = read_start(pc, kernel);
	if (status != STATUS_OK)
		return status;
	kernel->split = true;
	return find_setup_data(pc, kernel);
}

static enum status find_kernel_file(struct pc *pc, const struct name *name,
				    struct kernel_source *kernel)
{
	kernel->split = false;
	enum status status = boot_find_file(&pc->boot, name, &kernel->head);
	return status == STATUS_OK ? read_start(pc, kernel) : status;
}

static enum status find_kernel(struct pc *pc)
{
	struct kernel_source legacy;

	enum status status = find_kernel_file(pc, &boot_opt_kernel, &pc->kernel);
	if (status != STATUS_NOT_FOUND)
		return status;
	status = find_kernel_file(pc, &boot_etc_kernel, &pc->kernel);
	if (status == STATUS_NOT_FOUND)
		return find_legacy_kernel(pc, &pc->kernel);
	if (status != STATUS_OK)
		return status;
	/* The file lacks a setup_data list that the legacy header has (rulings 7). */
	status = find_legacy_kernel(pc, &legacy);
	if (status == STATUS_OK && legacy.setup_data != 0)
		pc->kernel = legacy;
	return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status pc_find_payload(struct pc *pc)
{
	if (!pc->boot.has_fwcfg)
		return refuse(&pc->boot.why, STATUS_NOT_FOUND, "the machine has no fw_cfg device");
	enum status status = find_kernel(pc);
	if (status == STATUS_NOT_FOUND)
		return refuse(&pc->boot.why, status, "the VMM supplies no kernel");
	return status == STATUS_OK ? boot_find_initrd_and_cmdline(&pc->boot) : status;
}
