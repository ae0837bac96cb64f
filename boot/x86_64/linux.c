/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/x86_64/pc.h"

#include <string.h>

#include "arch/handoff.h"
#include "arch/io.h"
#include "arch/machine.h"
#include "fdt/fdt.h"
#include "loader/bzimage.h"
#include "loader/setup_data.h"

/* Bytes of a seed: what Linux mixes in at once (drivers/char/random.c, BLAKE2s). */
#define SEED_SIZE 32

static enum status parse(struct pc *pc, struct bzimage *ret_image)
{
	const struct kernel_source *kernel = &pc->kernel;
	struct span start = {kernel->start, kernel->start_size};
	/* The setup item may be longer or shorter than the setup (Cloud Hypervisor: 4096). */
	uint64_t size =
		kernel->split ? bzimage_setup_size(start) + kernel->body.size : kernel->head.size;

	return bzimage_parse(start, size, ret_image, &pc->boot.why);
}

static enum status read_kernel(struct pc *pc, const struct bzimage *image, uint64_t to)
{
	const struct kernel_source *kernel = &pc->kernel;
	const struct blob *body = kernel->split ? &kernel->body : &kernel->head;
	uint64_t offset = kernel->split ? 0 : image->setup_size;

	enum status status = body->read(body, offset, image->payload_size, to);
	if (status != STATUS_OK)
		return refuse(&pc->boot.why, status, "the kernel cannot be read");
	return STATUS_OK;
}

/* A device tree is the one kind of node that a kernel walks by the node's own words. */
static bool accept_setup_data(uint32_t type, struct span data)
{
	return type != SETUP_DTB || fdt_is_sound(data);
}

static void copy_setup_data(struct pc *pc, struct span kernel, struct setup_data_list *list)
{
	enum status status = STATUS_NO_MEMORY;

	if (kernel.bytes == NULL)
		reason_write(&pc->boot.why, "the kernel cannot be mapped");
	else
		status = setup_data_copy(list, kernel, pc->kernel.assumed_load,
					 pc->kernel.setup_data, &pc->boot.why);
	if (status != STATUS_OK)
		log_line(&pc->boot.log, LOG_WARN, "setup_data dropped, from a node on: %s",
			 pc->boot.why.text);
	if (list->refused != 0)
		log_line(&pc->boot.log, LOG_WARN, "setup_data dropped: not a device tree");
}

static void add_seed(struct pc *pc, struct setup_data_list *list)
{
	uint64_t seed[SEED_SIZE / 8];
	struct span data = {(const uint8_t *)seed, sizeof(seed)};

	for (unsigned i = 0; i < SEED_SIZE / 8; i++) {
		if (!arch_random(&seed[i]))
			return;
	}
	if (setup_data_append(list, SETUP_RNG_SEED, data) != STATUS_OK)
		log_line(&pc->boot.log, LOG_WARN, "no memory for a random seed");
	memset(seed, 0, sizeof(seed));
	arch_barrier(); /* or the compiler sees no use in wiping */
}

/* The VMM's list, and a seed where it gave none. Losing either does not stop a boot. */
static void make_setup_data(struct pc *pc, const struct bzimage *image,
			    const struct bzimage_plan *plan, struct setup_data_list *list)
{
	*list = (struct setup_data_list){
		.map_of_memory = &pc->boot.map,
		.map = boot_map_ram,
		.accept = accept_setup_data,
	};
	if (pc->kernel.setup_data != 0) {
		const uint8_t *kernel = boot_map_ram(plan->load, image->payload_size);
		copy_setup_data(pc, (struct span){kernel, image->payload_size}, list);
	}
	if (!list->has_seed)
		add_seed(pc, list);
}

/*
 * The kernel that has been loaded, and its setup, which is a part of the file but does not run: of
 * that, the bytes that were parsed are those that count.
 */
static enum status measure(struct pc *pc, const struct bzimage *image,
			   const struct bzimage_plan *plan, size_t cmdline_length)
{
	const struct kernel_source *kernel = &pc->kernel;
	struct blob setup = kernel->head;
	uint64_t end = bzimage_end((struct span){kernel->start, kernel->start_size});
	uint64_t at;

	if (setup.size < image->setup_size)
		return boot_refuse_to_hash(&pc->boot);
	setup.size = image->setup_size;
	enum status status = boot_hold(&pc->boot, &setup, MEMMAP_FIRMWARE, &at);
	if (status != STATUS_OK)
		return status;
	memcpy(boot_map_ram(at, setup.size), kernel->start, kernel->start_size);
	struct measure_kernel measured = {
		.piece = {{boot_map_ram(at, setup.size), setup.size},
			  {boot_map_ram(plan->load, image->payload_size), image->payload_size}},
		.is_bzimage = true,
	};
	/* What a VMM puts behind the kernel is not in its file. */
	if (end - setup.size < image->payload_size)
		measured.piece[1].size = end - setup.size;
	boot_measure_payload(
		&pc->boot, &measured, plan->initrd,
		(struct span){boot_map_ram(plan->cmdline, cmdline_length + 1), cmdline_length + 1});
	return STATUS_OK;
}

enum status pc_boot_linux(struct pc *pc)
{
	struct bzimage image;
	struct bzimage_plan plan;
	struct setup_data_list list;
	size_t cmdline_length;

	enum status status = parse(pc, &image);
	bool in_place = status == STATUS_OK &&
			pc_initrd_stays(pc, image.above_4g ? UINT64_MAX : image.initrd_max);
	if (status == STATUS_OK)
		status = bzimage_plan(&image, in_place ? 0 : pc->boot.initrd.size,
				      boot_cmdline_bytes(&pc->boot, image.cmdline_size),
				      &pc->boot.map, &plan, &pc->boot.why);
	if (status == STATUS_OK)
		status = read_kernel(pc, &image, plan.load);
	if (status == STATUS_OK && in_place)
		plan.initrd = pc->initrd_start;
	else if (status == STATUS_OK)
		status = boot_read_initrd(&pc->boot, plan.initrd);
	if (status == STATUS_OK)
		status = boot_read_cmdline(&pc->boot, image.cmdline_size, plan.cmdline,
					   &cmdline_length);
	if (status == STATUS_OK && pc->boot.is_measured)
		status = measure(pc, &image, &plan, cmdline_length);
	if (status != STATUS_OK)
		return status;

	make_setup_data(pc, &image, &plan, &list);
	const struct bzimage_facts facts = {
		.initrd_size = pc->boot.initrd.size,
		.rsdp = pc->boot.rsdp,
		.setup_data = list.head,
	};
	struct boot_params *params = boot_map_ram(plan.boot_params, sizeof(*params));
	if (params == NULL)
		return refuse(&pc->boot.why, STATUS_NO_MEMORY, "boot_params cannot be mapped");
	status = bzimage_fill_boot_params(&image, &plan, &facts, &pc->boot.map, params,
					  &pc->boot.why);
	if (status != STATUS_OK)
		return status;
	log_line(&pc->boot.log, LOG_INFO, "kernel at 0x%lx, entry 0x%lx, initrd at 0x%lx + 0x%lx",
		 plan.load, plan.entry, plan.initrd, pc->boot.initrd.size);

	const struct arch_handoff handoff = {
		.mode = image.entry64 ? ARCH_MODE_LINUX_64 : ARCH_MODE_LINUX_32,
		.entry = plan.entry,
		.argument = plan.boot_params,
		.used =
			{
				{plan.load, image.memory_size},
				{plan.boot_params, sizeof(*params)},
				{plan.cmdline, cmdline_length + 1},
				{list.high_start, list.high_end - list.high_start},
			},
	};
	boot_confirm_checked(&pc->boot);
	arch_handoff(&handoff);
}
