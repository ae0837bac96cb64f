/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/boot.h"

#include <string.h>

#include "arch/machine.h"
#include "arch/memory.h"
#include "lib/attributes.h"

static NAME(log_file, "opt/org.slipway/log");

void boot_init(struct boot *boot)
{
	boot->log = (struct log){LOG_DEFAULT, arch_console_write};
	boot->why.text[0] = '\0';
	boot->has_fwcfg = false;
	boot->rsdp = 0;
	boot->has_initrd = false;
	boot->initrd.size = 0;
	boot->has_cmdline = false;
	boot->cmdline.size = 0;
	boot->cmdline_is_file = false;
	boot->to_check = 0;
	boot->checked = 0;
	boot->is_measured = false;
	memmap_init(&boot->map);
}

void boot_require(const struct boot *boot, const char *stage, enum status status)
{
	if (status != STATUS_OK)
		arch_fatal(stage, status, boot->why.text);
}

void *boot_map_ram(uint64_t address, uint64_t length)
{
	return arch_map(address, length, ARCH_MEMORY_RAM);
}

enum status boot_alloc(struct boot *boot, uint64_t size, enum memmap_type type, uint64_t *ret_start)
{
	const struct memmap_request request = {
		.size = size,
		.alignment = PAGE_SIZE,
		.max = arch_map_end(),
		.top_down = true,
		.type = type,
	};

	return memmap_alloc(&boot->map, &request, ret_start);
}

static enum status read_memory(const struct blob *blob, uint64_t offset, uint64_t length,
			       uint64_t to)
{
	if (!fits(offset, length, blob->size))
		return STATUS_OUT_OF_RANGE;
	if (length == 0)
		return STATUS_OK;
	const void *from = boot_map_ram((uintptr_t)blob->source + offset, length);
	void *place = boot_map_ram(to, length);
	if (from == NULL || place == NULL)
		return STATUS_NO_MEMORY;
	memmove(place, from, length);
	return STATUS_OK;
}

APART struct blob boot_memory_blob(uint64_t address, uint64_t size)
{
	return (struct blob){.size = size, .read = read_memory, .source = (void *)address};
}

/* The file holds the name of a level; anything else leaves the default. */
static void read_log_level(struct boot *boot)
{
	static const struct {
		char name[6];
		uint8_t level;
	} levels[] = {
		{"error", LOG_ERROR},
		{"warn", LOG_WARN},
		{"info", LOG_INFO},
		{"debug", LOG_DEBUG},
	};
	struct blob file;
	char text[sizeof(levels[0].name) + 1] = ""; /* a newline more */

	if (!fwcfg_find(&boot->fwcfg, log_file, &file) || file.size >= sizeof(text) ||
	    blob_read(&file, 0, file.size, text) != STATUS_OK)
		return;
	if (file.size > 0 && text[file.size - 1] == '\n')
		text[file.size - 1] = '\0';
	for (unsigned i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (strcmp(text, levels[i].name) == 0)
			boot->log.level = levels[i].level;
	}
}

enum status boot_open_fwcfg(struct boot *boot, const struct fwcfg_device *device)
{
	boot->has_fwcfg = fwcfg_open(&boot->fwcfg, device) == STATUS_OK;
	if (!boot->has_fwcfg)
		return STATUS_OK;
	enum status status = fwcfg_read_directory(&boot->fwcfg, &boot->why);
	if (status == STATUS_OK)
		read_log_level(boot);
	return status;
}

uint64_t boot_read_number(struct boot *boot, const char *name)
{
	struct le64 number = le64_of(0);
	struct blob file;

	if (!boot->has_fwcfg || !fwcfg_find(&boot->fwcfg, name, &file) ||
	    file.size != sizeof(number) ||
	    blob_read(&file, 0, sizeof(number), &number) != STATUS_OK)
		return 0;
	return le64_get(number);
}
