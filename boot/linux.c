/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/boot.h"

#include <string.h>

#include "arch/handoff.h"
#include "arch/io.h"
#include "arch/machine.h"
#include "fdt/fdt.h"
#include "loader/bzimage.h"
#include "loader/setup_data.h"

/* Bytes of a seed: what Linux mixes in at once (drivers/char/random.c, BLAKE2s). */
#define SEED_SIZE 32

static enum status parse(struct boot *boot, struct bzimage *ret_image)
{
	const struct kernel_source *kernel = &boot->kernel;
	struct span start = {kernel->start, kernel->start_size};
	/* The setup item may be longer or shorter than the setup (Cloud Hypervisor: 4096). */
	uint64_t size =
		kernel->split ? bzimage_setup_size(start) + kernel->body.size : kernel->head.size;

	return bzimage_parse(start, size, ret_image, &boot->why);
}

static enum status read_kernel(struct boot *boot, const struct bzimage *image, uint64_t to)
{
	const struct kernel_source *kernel = &boot->kernel;
	const struct blob *body = kernel->split ? &kernel->body : &kernel->head;
	uint64_t offset = kernel->split ? 0 : image->setup_size;

	enum status status = body->read(body, offset, image->payload_size, to);
	if (status != STATUS_OK)
		return refuse(&boot->why, status, "the kernel cannot be read");
	return STATUS_OK;
}

static enum status read_initrd(struct boot *boot, uint64_t to)
{
	if (boot->initrd.size == 0)
		return STATUS_OK;
	enum status status = boot->initrd.read(&boot->initrd, 0, boot->initrd.size, to);
	if (status != STATUS_OK)
		return refuse(&boot->why, status, "the initrd cannot be read");
	return STATUS_OK;
}

/* Bytes to read: a terminator and a newline do not count, and more decide nothing. */
static uint64_t cmdline_bytes(const struct boot *boot, const struct bzimage *image)
{
	uint64_t limit = (uint64_t)image->cmdline_size + 2;

	return boot->cmdline.size < limit ? boot->cmdline.size : limit;
}

/* To the first NUL or the end; a file loses one newline at its end (rulings 31). */
static enum status read_cmdline(struct boot *boot, const struct bzimage *image, uint64_t to)
{
	uint64_t size = cmdline_bytes(boot, image);
	char *text = boot_map_ram(to, size + 1);

	if (text == NULL)
		return refuse(&boot->why, STATUS_NO_MEMORY, "the command line cannot be mapped");
	if (size != 0) {
		enum status status = boot->cmdline.read(&boot->cmdline, 0, size, to);
		if (status != STATUS_OK)
			return refuse(&boot->why, status, "the command line cannot be read");
	}
	text[size] = '\0';
	size_t length = strlen(text);
	bool is_whole = length < size || size == boot->cmdline.size;
	if (boot->cmdline_is_file && is_whole && length > 0 && text[length - 1] == '\n')
		text[--length] = '\0';
	if (!is_whole || length > image->cmdline_size)
		return refuse(&boot->why, STATUS_TOO_LARGE,
			      "the command line of %lu bytes is longer than the kernel's limit, %u",
			      boot->cmdline.size, image->cmdline_size);
	log_line(&boot->log, LOG_INFO, "command line: %s", text);
	return STATUS_OK;
}

/* A device tree is the one kind of node that a kernel walks by the node's own words. */
static bool accept_setup_data(uint32_t type, struct span data)
{
	struct reason why;

	return type != SETUP_DTB || fdt_check(data, &why) == STATUS_OK;
}

static void copy_setup_data(struct boot *boot, struct span kernel, struct setup_data_list *list)
{
	enum status status = STATUS_NO_MEMORY;

	if (kernel.bytes == NULL)
		reason_write(&boot->why, "the kernel cannot be mapped");
	else
		status = setup_data_copy(list, kernel, boot->kernel.assumed_load,
					 boot->kernel.setup_data, &boot->why);
	if (status != STATUS_OK)
		log_line(&boot->log, LOG_WARN, "setup_data dropped, from a node on: %s",
			 boot->why.text);
	if (list->refused != 0)
		log_line(&boot->log, LOG_WARN, "setup_data dropped: not a device tree");
}

static void add_seed(struct boot *boot, struct setup_data_list *list)
{
	uint64_t seed[SEED_SIZE / 8];
	struct span data = {(const uint8_t *)seed, sizeof(seed)};

	for (unsigned i = 0; i < SEED_SIZE / 8; i++) {
		if (!arch_random(&seed[i]))
			return;
	}
	if (setup_data_append(list, SETUP_RNG_SEED, data) != STATUS_OK)
		log_line(&boot->log, LOG_WARN, "no memory for a random seed");
	memset(seed, 0, sizeof(seed));
	arch_barrier(); /* or the compiler sees no use in wiping */
}

/* The VMM's list, and a seed where it gave none. Losing either does not stop a boot. */
static void make_setup_data(struct boot *boot, const struct bzimage *image,
			    const struct bzimage_plan *plan, struct setup_data_list *list)
{
	*list = (struct setup_data_list){
		.map_of_memory = &boot->map,
		.map = boot_map_ram,
		.accept = accept_setup_data,
	};
	if (boot->kernel.setup_data != 0) {
		const uint8_t *kernel = boot_map_ram(plan->load, image->payload_size);
		copy_setup_data(boot, (struct span){kernel, image->payload_size}, list);
	}
	if (!list->has_seed)
		add_seed(boot, list);
}

enum status boot_linux(struct boot *boot)
{
	struct bzimage image;
	struct bzimage_plan plan;
	struct setup_data_list list;

	enum status status = parse(boot, &image);
	if (status == STATUS_OK)
		status = bzimage_plan(&image, boot->initrd.size, cmdline_bytes(boot, &image),
				      &boot->map, &plan, &boot->why);
	if (status == STATUS_OK)
		status = read_kernel(boot, &image, plan.load);
	if (status == STATUS_OK)
		status = read_initrd(boot, plan.initrd);
	if (status == STATUS_OK)
		status = read_cmdline(boot, &image, plan.cmdline);
	if (status != STATUS_OK)
		return status;

	make_setup_data(boot, &image, &plan, &list);
	const struct bzimage_facts facts = {
		.initrd_size = boot->initrd.size,
		.rsdp = boot->rsdp,
		.setup_data = list.head,
	};
	struct boot_params *params = boot_map_ram(plan.boot_params, sizeof(*params));
	if (params == NULL)
		return refuse(&boot->why, STATUS_NO_MEMORY, "boot_params cannot be mapped");
	status = bzimage_fill_boot_params(&image, &plan, &facts, &boot->map, params, &boot->why);
	if (status != STATUS_OK)
		return status;
	log_line(&boot->log, LOG_INFO, "kernel at 0x%lx, entry 0x%lx, initrd at 0x%lx + 0x%lx",
		 plan.load, plan.entry, plan.initrd, boot->initrd.size);

	const struct arch_handoff handoff = {
		.mode = image.entry64 ? ARCH_MODE_LINUX_64 : ARCH_MODE_LINUX_32,
		.entry = plan.entry,
		.argument = plan.boot_params,
		.mapped =
			{
				{plan.load, image.memory_size},
				{plan.boot_params, sizeof(*params)},
				{plan.cmdline, cmdline_bytes(boot, &image) + 1},
				{list.high_start, list.high_end - list.high_start},
			},
	};
	arch_handoff(&handoff);
}
