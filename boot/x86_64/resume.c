/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/x86_64/pc.h"

#include <string.h>

#include "acpi/find.h"
#include "arch/handoff.h"
#include "arch/memory.h"
#include "boot/x86_64/cmos.h"

/* What the machine does after a reset; QEMU hw/i386/pc.c says S3 here when it wakes. */
#define CMOS_SHUTDOWN_STATUS 0x0f
#define SHUTDOWN_S3          0xfe

#define KEPT_MAGIC 0x3353796177706c73ul /* "slpwayS3" */

/* What the boot leaves for a resume, in memory that the operating system does not use. */
struct kept {
	uint64_t magic;
	uint64_t rsdp;
	struct acpi_writes writes;
};
_Static_assert(sizeof(struct kept) <= ARCH_KEPT_SIZE, "arch/memory.h");

static enum status keep_work_area(struct pc *pc)
{
	struct arch_range work_area = arch_work_area();

	enum status status = memmap_keep(&pc->boot.map, work_area.start, work_area.size);
	if (status != STATUS_OK)
		return refuse(&pc->boot.why, status, "no room in the memory map for a resume");
	return STATUS_OK;
}

void pc_prepare_resume(struct pc *pc, const struct acpi_writes *writes)
{
	const struct kept kept = {KEPT_MAGIC, pc->boot.rsdp, *writes};

	boot_require(&pc->boot, "memory", keep_work_area(pc));
	memcpy(arch_kept(), &kept, sizeof(kept));
}

bool pc_is_resume(const struct pc *pc)
{
	const struct kept *kept = arch_kept();

	if (pc->entry.kind != ARCH_ENTRY_RESET || cmos_read(CMOS_SHUTDOWN_STATUS) != SHUTDOWN_S3)
		return false;
	/* The reset after this one is to be an ordinary one. */
	cmos_write(CMOS_SHUTDOWN_STATUS, 0);
	if (kept->magic == KEPT_MAGIC)
		return true;
	log_line(&pc->boot.log, LOG_WARN,
		 "a resume from a sleep that nothing is known of: booting");
	return false;
}

static enum status find_way_back(struct pc *pc, uint64_t *ret_vector)
{
	struct boot *boot = &pc->boot;
	struct kept kept;

	memcpy(&kept, arch_kept(), sizeof(kept));
	/* The reset made the VMM forget. */
	boot_repeat_acpi_writes(boot, &kept.writes);
	return acpi_find_waking_vector(kept.rsdp, boot_map_ram, ret_vector, &boot->why);
}

_Noreturn void pc_resume(struct pc *pc)
{
	struct arch_handoff handoff = {.mode = ARCH_MODE_REAL};

	boot_require(&pc->boot, "resume", find_way_back(pc, &handoff.entry));
	log_line(&pc->boot.log, LOG_INFO, "resume at 0x%lx", handoff.entry);
	arch_handoff(&handoff);
}
