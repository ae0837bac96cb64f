/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/boot.h"

#include <string.h>

/* QEMU makes it that long (include/hw/acpi/tpm.h, TPM_LOG_AREA_MINIMUM_SIZE). */
#define LOG_SIZE_MAX 0x10000

static NAME(log_file, "etc/tpm/log");

/* QEMU has the file without a TPM too, but then it is empty (rulings 37). */
uint64_t boot_tpm_log_size(struct boot *boot)
{
	struct blob file;

	return boot->has_fwcfg && fwcfg_find(&boot->fwcfg, log_file, &file) ? file.size : 0;
}

static enum status extend(struct measure *measure, uint32_t pcr, const struct pcr_digests *digests)
{
	struct boot *boot = measure->context;

	enum status status = tpm_extend(&boot->tpm, &measure->log.banks, pcr, digests);
	if (status != STATUS_OK)
		return refuse(&boot->why, status, "the TPM does not extend PCR %u", pcr);
	return STATUS_OK;
}

/* Begins a log of up to @room bytes in memory of ours, since the VMM's is not there yet. */
static enum status begin(struct boot *boot, uint64_t room)
{
	struct pcr_banks banks;
	uint64_t place;
	void *bytes = NULL;

	enum status status = tpm_read_banks(&boot->tpm, &banks);
	if (status != STATUS_OK)
		return refuse(&boot->why, status, "the TPM does not say which PCRs it has");
	if (room > LOG_SIZE_MAX)
		room = LOG_SIZE_MAX;
	if (room != 0) {
		status = boot_alloc(boot, room, MEMMAP_FIRMWARE, &place);
		bytes = status == STATUS_OK ? boot_map_ram(place, room) : NULL;
		if (bytes == NULL)
			return refuse(&boot->why, STATUS_NO_MEMORY, "no memory for the event log");
	}
	boot->measure = (struct measure){
		.extend = extend,
		.context = boot,
		.engine = boot_sha2_engine(),
	};
	/* A log without room is full from the start on, and the PCRs are extended all the same. */
	if (eventlog_begin(&boot->measure.log, bytes, room, &banks) != STATUS_OK)
		log_line(&boot->log, LOG_DEBUG, "no room for an event log");
	return STATUS_OK;
}

void boot_set_up_tpm(struct boot *boot, uint64_t registers, uint64_t log_size, bool is_resume)
{
	enum status status = tpm_find(registers, &boot->tpm);
	bool is_lost = false;

	if (status == STATUS_OK)
		status = tpm_start(&boot->tpm, is_resume ? TPM_SU_STATE : TPM_SU_CLEAR);
	/* Without a state that was saved, it starts anew. */
	if (is_resume && status == STATUS_UNSUPPORTED) {
		status = tpm_start(&boot->tpm, TPM_SU_CLEAR);
		is_lost = true;
	}
	if (status != STATUS_OK) {
		log_line(&boot->log, status == STATUS_UNSUPPORTED ? LOG_INFO : LOG_WARN,
			 "the TPM does not start: %s", status_str(status));
		return;
	}
	if (is_resume && !is_lost)
		return;
	status = begin(boot, is_lost ? 0 : log_size);
	if (status == STATUS_OK && is_lost)
		status = measure_separators(&boot->measure, MEASURE_FAILED);
	else if (status == STATUS_OK)
		status = measure_version(&boot->measure);
	boot_require(boot, "tpm", status);
	boot->log_place.size = 0;
	boot->is_measured = true;
}

void boot_measure_file(void *context, const char *name, struct span content)
{
	struct boot *boot = context;

	if (strcmp(name, log_file) == 0)
		boot->log_place = content;
	else
		boot_require(boot, "tpm", measure_table(&boot->measure, name, content));
}

/* Puts the log where the TPM2 table points to. */
static void place_log(struct boot *boot)
{
	const struct eventlog *log = &boot->measure.log;
	void *place = (void *)(uintptr_t)boot->log_place.bytes;

	/* Nobody has memory for it: that was said already. */
	if (log->room == 0)
		return;
	if (log->full)
		log_line(&boot->log, LOG_WARN, "the TPM's event log has no room for all events");
	if (boot->log_place.size == 0 || boot->log_place.size < log->size)
		return;
	memset(place, 0, boot->log_place.size);
	memcpy(place, log->bytes, log->size);
}

enum status boot_refuse_to_hash(struct boot *boot)
{
	return refuse(&boot->why, STATUS_UNSUPPORTED,
		      "the kernel is not there as a file to be hashed");
}

void boot_measure_payload(struct boot *boot, const struct measure_kernel *kernel,
			  uint64_t initrd_at, struct span cmdline)
{
	struct measure *measure = &boot->measure;
	struct span initrd = {NULL, boot->initrd.size};

	if (initrd.size != 0)
		initrd.bytes = boot_map_ram(initrd_at, initrd.size);
	enum status status = measure_separators(measure, MEASURE_OK);
	if (status == STATUS_OK)
		status = measure_kernel(measure, kernel);
	if (status == STATUS_OK)
		status = measure_initrd(measure, initrd);
	if (status == STATUS_OK)
		status = measure_cmdline(measure, cmdline);
	boot_require(boot, "tpm", status);
	place_log(boot);
}
