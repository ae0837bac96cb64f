/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/x86_64/pc.h"

#include "arch/memory.h"
#include "lib/attributes.h"

/* Bounds the search for the end of a command line; Linux takes 2047 bytes. */
#define CMDLINE_SCAN 0x10000

/* crosvm x86_64/src/lib.rs, CMDLINE_OFFSET. Its fw_cfg has no command line. */
#define CROSVM_CMDLINE 0x20000ul

static struct span start_of(const struct kernel_source *kernel)
{
	return (struct span){kernel->start, kernel->start_size};
}

/* Reads the start, which decides whether this is a kernel for us. */
static enum status read_start(struct pc *pc)
{
	struct kernel_source *kernel = &pc->kernel;

	kernel->start_size = sizeof(kernel->start);
	if (kernel->head.size < kernel->start_size)
		kernel->start_size = kernel->head.size;
	enum status status = blob_read(&kernel->head, 0, kernel->start_size, kernel->start);
	if (status != STATUS_OK)
		return refuse(&pc->boot.why, status, "the kernel's header cannot be read");
	return boot_is_this_firmware(kernel->start, kernel->start_size) ? STATUS_NOT_FOUND
									: STATUS_OK;
}

static void forget_file(struct kernel_source *kernel)
{
	kernel->split = false;
	kernel->is_elf = false;
	kernel->setup_data = 0;
	kernel->bundle.initrd.size = 0;
	kernel->bundle.cmdline.size = 0;
}

/* Checks a whole file against the hash table; what is looked at from here on is a copy of it. */
static enum status check_file(struct pc *pc, bool is_module)
{
	struct span start = start_of(&pc->kernel);
	uint64_t at = is_module ? pc->module_start : 0;

	/* An initrd. */
	if (is_module && !elf_is_elf(start) && !pe_is_pe(start) && bundle_kernel_end(start) == 0)
		return STATUS_NOT_FOUND;
	enum status status =
		boot_check(&pc->boot, BOOT_KERNEL, MEMMAP_FIRMWARE, &pc->kernel.head, &at);
	return status == STATUS_OK ? read_start(pc) : status;
}

/* An ELF file that is measured: what is loaded is a part of what is in memory. */
static enum status hold_elf(struct pc *pc)
{
	struct blob *file = &pc->kernel.head;
	uint64_t at;

	enum status status = boot_hold(&pc->boot, file, MEMMAP_FIRMWARE, &at);
	if (status == STATUS_OK)
		pc->kernel.held = (struct span){boot_map_ram(at, file->size), file->size};
	return status;
}

/* Looks at one file, and takes it apart if it holds more than a kernel. */
static enum status open_file(struct pc *pc, bool is_module)
{
	struct kernel_source *kernel = &pc->kernel;

	forget_file(kernel);
	enum status status = read_start(pc);
	if (status == STATUS_OK && boot_must_check(&pc->boot, BOOT_KERNEL))
		status = check_file(pc, is_module);
	if (status == STATUS_OK && !bundle_is_kernel(start_of(kernel), kernel->head.size)) {
		status = bundle_open(&kernel->head, start_of(kernel), boot_map_ram, &kernel->bundle,
				     &pc->boot.why);
		if (status == STATUS_OK) {
			kernel->head = kernel->bundle.kernel;
			status = read_start(pc);
		}
	}
	if (status == STATUS_OK && elf_is_elf(start_of(kernel))) {
		kernel->is_elf = true;
		if (pc->boot.is_measured)
			status = hold_elf(pc);
		if (status == STATUS_OK)
			status = elf_parse(&kernel->head, &kernel->elf, &pc->boot.why);
	}
	return status;
}

/* -- legacy items ------------------------------------------------------------------ */

/* The setup_data list that the VMM attached to a bzImage. */
static enum status find_setup_data(struct pc *pc)
{
	struct kernel_source *kernel = &pc->kernel;
	uint32_t assumed_load;

	kernel->setup_data = bzimage_setup_data(start_of(kernel));
	if (kernel->setup_data == 0)
		return STATUS_OK;
	enum status status = boot_read_item_integer(&pc->boot, FWCFG_KERNEL_ADDRESS, &assumed_load);
	if (status == STATUS_OK)
		kernel->assumed_load = assumed_load;
	return status;
}

/*
 * An ELF file with a PVH entry, whose segments the VMM has put into memory (rulings 6); the setup
 * may be anything then. It may be this firmware, started by PVH.
 */
static enum status find_loaded_kernel(struct pc *pc)
{
	struct boot *boot = &pc->boot;
	struct kernel_source *kernel = &pc->kernel;
	uint32_t address, entry;

	enum status status = boot_read_item_integer(boot, FWCFG_KERNEL_ENTRY, &entry);
	if (status != STATUS_OK || entry == 0)
		return status;
	status = boot_read_item_integer(boot, FWCFG_KERNEL_ADDRESS, &address);
	if (status == STATUS_OK)
		status = elf_take_loaded(address, kernel->body.size, entry, &kernel->elf,
					 &boot->why);
	if (status != STATUS_OK)
		return status;
	const void *loaded = boot_map_ram(address, BOOT_IDENTITY_SIZE);
	if (loaded != NULL && boot_is_this_firmware(loaded, BOOT_IDENTITY_SIZE))
		return STATUS_NOT_FOUND;
	kernel->is_elf = true;
	/* At once, since it is there before anything else gets memory. */
	return elf_claim(&kernel->elf, &boot->map, &boot->why);
}

/* Before 10.0 QEMU has no more of the file than setup and rest; it may be a bundle. */
static enum status open_items(struct pc *pc)
{
	struct kernel_source *kernel = &pc->kernel;

	kernel->setup = kernel->head;
	kernel->items = (struct blob_pieces){
		.piece = {{&kernel->setup, 0, kernel->setup.size},
			  {&kernel->body, 0, kernel->body.size}},
	};
	enum status status = blob_of_pieces(&kernel->items, &kernel->head);
	return status == STATUS_OK ? open_file(pc, false) : status;
}

static enum status find_legacy_kernel(struct pc *pc)
{
	struct kernel_source *kernel = &pc->kernel;

	enum status status =
		boot_find_in_fwcfg(&pc->boot, BOOT_LEGACY_ITEMS, BOOT_KERNEL, &kernel->body);
	if (status == STATUS_OK)
		status = boot_find_item(&pc->boot, FWCFG_SETUP_SIZE, FWCFG_SETUP_DATA,
					&kernel->head);
	if (status == STATUS_OK)
		status = read_start(pc);
	if (status != STATUS_OK)
		return status;
	forget_file(kernel);
	kernel->split = true;
	struct span start = start_of(kernel);
	uint64_t end = bundle_kernel_end(start);
	status = end == 0 ? find_loaded_kernel(pc) : find_setup_data(pc);
	if (status != STATUS_OK)
		return status;
	/* QEMU alone cuts the file at the end of the setup. */
	bool is_cut_file = !kernel->is_elf && kernel->head.size == bzimage_setup_size(start);
	bool must_check = boot_must_check(&pc->boot, BOOT_KERNEL);
	if (must_check && !is_cut_file)
		return boot_refuse_to_hash(&pc->boot);
	if (must_check)
		return open_items(pc);
	/* setup_data would lie behind the kernel. */
	if (!is_cut_file || kernel->setup_data != 0)
		return STATUS_OK;
	bool has_more = end == 0 ? pe_is_pe(start)
				 : bundle_has_room(end, kernel->head.size + kernel->body.size);
	return has_more ? open_items(pc) : STATUS_OK;
}

/* -- PVH --------------------------------------------------------------------------- */

enum status pc_find_module(struct pc *pc)
{
	uint64_t list = le64_get(pc->start_info.modlist_paddr);
	struct hvm_modlist_entry entry;

	pc->module.size = 0;
	pc->module_start = 0;
	pc->module_cmdline = 0;
	if (pc->entry.kind != ARCH_ENTRY_PVH || le32_get(pc->start_info.nr_modules) == 0)
		return STATUS_OK;
	if (!arch_peek(list, sizeof(entry), &entry))
		return refuse(&pc->boot.why, STATUS_OUT_OF_RANGE, "no PVH module list at 0x%lx",
			      list);
	uint64_t start = le64_get(entry.paddr), size = le64_get(entry.size);
	if (size == 0)
		return STATUS_OK;
	enum status status = memmap_claim(&pc->boot.map, start, size, MEMMAP_INITRD);
	/* qboot fills in neither. */
	if (le64_get(entry.reserved) == 0)
		pc->module_cmdline = le64_get(entry.cmdline_paddr);
	if (status == STATUS_OK) {
		pc->module = boot_memory_blob(start, size);
		pc->module_start = start;
		return STATUS_OK;
	}
	/* On microvm QEMU puts it over what SeaBIOS keeps, but has it in fw_cfg, too. */
	if (boot_find_in_fwcfg(&pc->boot, BOOT_LEGACY_ITEMS, BOOT_INITRD, &pc->module) == STATUS_OK)
		return STATUS_OK;
	return refuse(&pc->boot.why, status, "the PVH module at 0x%lx + 0x%lx is not free RAM",
		      start, size);
}

/* A module that is no kernel is an initrd. */
static enum status find_module_kernel(struct pc *pc)
{
	struct kernel_source *kernel = &pc->kernel;

	if (pc->module.size == 0)
		return STATUS_NOT_FOUND;
	kernel->head = pc->module;
	enum status status = open_file(pc, true);
	if (status == STATUS_OK && !kernel->is_elf && bundle_kernel_end(start_of(kernel)) == 0)
		return STATUS_NOT_FOUND;
	return status;
}

/*
 * The text at @address, up to its NUL, as a command line. What is free RAM of it is claimed, or the
 * kernel might be loaded over it. False when it cannot be read, or has no end.
 */
static bool take_text(struct pc *pc, uint64_t address, struct blob *ret_text)
{
	uint64_t size = 0;
	char byte = '\0';

	do {
		if (!arch_peek(address + size, 1, &byte))
			return false;
	} while (byte != '\0' && size++ < CMDLINE_SCAN);
	if (byte != '\0')
		return false;
	*ret_text = boot_memory_blob(address, size);
	/* What is no free RAM, nobody else gets. */
	if (size != 0 && memmap_claim(&pc->boot.map, address, size, MEMMAP_BOOT_DATA) != STATUS_OK)
		log_line(&pc->boot.log, LOG_DEBUG, "the command line is not in free RAM");
	return true;
}

/* A command line in memory: a PVH loader's, or what crosvm leaves for a BIOS. */
static enum status find_cmdline_in_memory(struct pc *pc, struct blob *ret_cmdline)
{
	struct boot *boot = &pc->boot;
	uint64_t start = 0;

	if (pc->entry.kind == ARCH_ENTRY_PVH)
		start = le64_get(pc->start_info.cmdline_paddr);
	else if (boot->has_fwcfg && boot->fwcfg.crosvm)
		start = CROSVM_CMDLINE;
	if (boot->has_cmdline || start == 0 || take_text(pc, start, ret_cmdline))
		return STATUS_OK;
	return refuse(&boot->why, STATUS_OUT_OF_RANGE,
		      "the VMM's command line at 0x%lx cannot be read", start);
}

/*
 * The command line of the module that is the kernel, when there is no other. It comes last, and
 * nothing is wrong with one that cannot be read: a VMM may have left any number there.
 */
static void find_module_cmdline(struct pc *pc)
{
	struct boot *boot = &pc->boot;
	struct blob text;

	if (boot->has_cmdline || boot->cmdline.size != 0 || pc->module_cmdline == 0 ||
	    !take_text(pc, pc->module_cmdline, &text) || text.size == 0)
		return;
	boot->cmdline = text;
	boot_log_part(boot, BOOT_CMDLINE, "the VMM's module");
}

/* -- all of them -------------------------------------------------------------------- */

static enum status find_in(void *context, enum boot_source source)
{
	struct pc *pc = context;
	struct kernel_source *kernel = &pc->kernel;

	/* It counts for one file only. */
	pc->boot.checked = 0;
	if (source == BOOT_LEGACY_ITEMS)
		return find_legacy_kernel(pc);
	if (source == BOOT_MODULE)
		return find_module_kernel(pc);
	if (source == BOOT_CHOSEN) /* only a device tree has it */
		return STATUS_NOT_FOUND;
	enum status status = boot_find_in_fwcfg(&pc->boot, source, BOOT_KERNEL, &kernel->head);
	return status == STATUS_OK ? open_file(pc, false) : status;
}

/*
 * QEMU's file etc/boot/kernel lacks the setup_data list that the VMM may have attached to the
 * legacy items (rulings 7); then these are the kernel.
 */
static enum status prefer_setup_data(struct pc *pc)
{
	uint8_t start[BZIMAGE_HEAD_SIZE];
	struct blob setup;

	if (pc->kernel.is_elf || pc->boot.to_check != 0)
		return STATUS_OK;
	enum status status = boot_find_item(&pc->boot, FWCFG_SETUP_SIZE, FWCFG_SETUP_DATA, &setup);
	if (status == STATUS_NOT_FOUND || (status == STATUS_OK && setup.size < sizeof(start)))
		return STATUS_OK;
	if (status == STATUS_OK)
		status = blob_read(&setup, 0, sizeof(start), start);
	if (status != STATUS_OK)
		return refuse(&pc->boot.why, status, "the kernel's header cannot be read");
	/* What an ELF file or a UKI has there is something else. */
	const struct span head = {start, sizeof(start)};
	if (bundle_kernel_end(head) == 0 || bzimage_setup_data(head) == 0)
		return STATUS_OK;
	status = find_in(pc, BOOT_LEGACY_ITEMS);
	/* The setup alone is no kernel. */
	if (status == STATUS_NOT_FOUND)
		status = find_in(pc, BOOT_ETC_FILES);
	if (status == STATUS_NOT_FOUND)
		return refuse(&pc->boot.why, status, "the kernel is no longer there");
	return status;
}

/* What fw_cfg has not: from a bundle, or from a PVH loader. */
static enum status take_the_rest(struct pc *pc, enum boot_source source)
{
	struct boot *boot = &pc->boot;
	const struct bundle *bundle = &pc->kernel.bundle;
	struct blob cmdline;

	cmdline.size = 0;
	pc->initrd_start = 0;
	/* QEMU gives the module as a legacy item, too. */
	if (source == BOOT_MODULE && boot->has_initrd && boot->initrd.key == FWCFG_INITRD_DATA) {
		boot->has_initrd = false;
		boot->initrd.size = 0;
	}
	bool in_bundle = !boot->has_initrd && bundle->initrd.size != 0;
	if (in_bundle) {
		boot->initrd = bundle->initrd;
		if (source == BOOT_MODULE && pc->module_start != 0)
			pc->initrd_start = bundle_initrd_at(bundle, pc->module_start);
		boot_log_part(boot, BOOT_INITRD, BOOT_KERNEL_FILE);
	} else if (!boot->has_initrd && pc->module.size != 0 && source != BOOT_MODULE) {
		boot->initrd = pc->module;
		pc->initrd_start = pc->module_start;
		boot_log_part(boot, BOOT_INITRD, "the VMM's memory");
	}
	enum status status = boot_check_initrd(boot, in_bundle, &pc->initrd_start);
	if (status == STATUS_OK)
		status = find_cmdline_in_memory(pc, &cmdline);
	if (status == STATUS_OK)
		status = boot_choose_cmdline(boot, &cmdline, &bundle->cmdline);
	if (status == STATUS_OK && source == BOOT_MODULE && boot->to_check == 0)
		find_module_cmdline(pc);
	return status;
}

APART bool pc_initrd_stays(const struct pc *pc, uint64_t limit)
{
	return pc->initrd_start != 0 && pc->initrd_start % PAGE_SIZE == 0 &&
	       fits(pc->initrd_start, pc->boot.initrd.size, limit);
}

enum status pc_find_payload(struct pc *pc)
{
	enum boot_source source;

	enum status status = boot_find_kernel(&pc->boot, find_in, pc, &source);
	if (status == STATUS_OK && source == BOOT_ETC_FILES)
		status = prefer_setup_data(pc);
	if (status == STATUS_OK)
		status = boot_find_initrd_and_cmdline(&pc->boot);
	if (status == STATUS_OK)
		status = take_the_rest(pc, source);
	return status;
}
