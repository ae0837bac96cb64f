/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "acpi/script.h"
#include "arch/machine.h"
#include "arch/memory.h"
#include "boot/boot.h"

void boot_require(const struct boot *boot, const char *stage, enum status status)
{
	if (status != STATUS_OK)
		arch_fatal(stage, status, boot->why.text);
}

void *boot_map_ram(uint64_t address, uint64_t length)
{
	return arch_map(address, length, ARCH_MEMORY_RAM);
}

static enum status read_start_info(struct boot *boot)
{
	if (boot->entry.kind != ARCH_ENTRY_PVH)
		return STATUS_OK;
	if (!arch_peek(boot->entry.start_info, sizeof(boot->start_info), &boot->start_info))
		return refuse(&boot->why, STATUS_OUT_OF_RANGE,
			      "the PVH start_info at 0x%lx cannot be read", boot->entry.start_info);
	if (le32_get(boot->start_info.magic) != HVM_START_MAGIC_VALUE)
		return refuse(&boot->why, STATUS_BAD_FORMAT,
			      "the PVH start_info at 0x%lx has magic 0x%x", boot->entry.start_info,
			      le32_get(boot->start_info.magic));
	if (le32_get(boot->start_info.version) == 0) {
		boot->start_info.memmap_paddr = le64_of(0);
		boot->start_info.memmap_entries = le32_of(0);
	}
	boot->rsdp = le64_get(boot->start_info.rsdp_paddr);
	if (boot->rsdp == 0)
		return STATUS_OK;
	uint8_t rsdp[ACPI_RSDP_SIZE];
	if (!arch_peek(boot->rsdp, sizeof(rsdp), rsdp) ||
	    !acpi_is_rsdp((struct span){rsdp, sizeof(rsdp)}))
		return refuse(&boot->why, STATUS_BAD_FORMAT,
			      "the PVH loader's RSDP at 0x%lx is none", boot->rsdp);
	if (le32_get(boot->start_info.memmap_entries) == 0)
		return refuse(&boot->why, STATUS_UNSUPPORTED,
			      "the PVH loader gives ACPI tables, but no memory map");
	boot->platform_done = true;
	return STATUS_OK;
}

static enum status open_fwcfg(struct boot *boot)
{
	boot->has_fwcfg =
		fwcfg_open(&boot->fwcfg, boot->entry.kind == ARCH_ENTRY_RESET) == STATUS_OK;
	return boot->has_fwcfg ? fwcfg_read_directory(&boot->fwcfg, &boot->why) : STATUS_OK;
}

/* opt/org.slipway/log holds the name of a level; anything else leaves the default. */
static void read_log_level(struct boot *boot)
{
	static const struct name log_file = {"opt/org.slipway/log"};
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

	if (!boot->has_fwcfg || !fwcfg_find(&boot->fwcfg, &log_file, &file) ||
	    file.size >= sizeof(text) || blob_read(&file, 0, file.size, text) != STATUS_OK)
		return;
	if (file.size > 0 && text[file.size - 1] == '\n')
		text[file.size - 1] = '\0';
	for (unsigned i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (strcmp(text, levels[i].name) == 0)
			boot->log.level = levels[i].level;
	}
}

_Noreturn void boot_main(const struct arch_entry *entry)
{
	struct boot boot;

	boot.entry = *entry;
	boot.log = (struct log){LOG_DEFAULT, arch_console_write};
	boot.platform_done = false;
	boot.rsdp = 0;
	boot.why.text[0] = '\0';

	boot_require(&boot, "entry", read_start_info(&boot));
	boot_require(&boot, "fwcfg", open_fwcfg(&boot));
	read_log_level(&boot);
	boot_require(&boot, "memory", boot_read_memory_map(&boot));
	if (boot.entry.kind == ARCH_ENTRY_PVH)
		chipset_mask_interrupts();
	if (!boot.platform_done)
		boot_set_up_platform(&boot);
	boot_require(&boot, "payload", boot_find_payload(&boot));
	boot_require(&boot, "loader", boot_linux(&boot));
	arch_fatal("loader", STATUS_FAULT, "the kernel was not started");
}
