/* SPDX-License-Identifier: BSD-2-Clause */
#include "measure/measure.h"

#include <string.h>

#include "lib/endian.h"
#include "measure/kernel.h"

/* The digests of the banks that there are; the others would only take time. */
struct bank_hashes {
	struct sha2 sha256, sha384;
	bool has_sha256, has_sha384;
};

static bool has_bank(const struct pcr_banks *banks, uint16_t algorithm)
{
	for (size_t i = 0; i < banks->count; i++) {
		if (banks->bank[i].algorithm == algorithm)
			return true;
	}
	return false;
}

static void begin(const struct measure *measure, struct bank_hashes *hashes)
{
	hashes->has_sha256 = has_bank(&measure->log.banks, PCR_SHA256);
	hashes->has_sha384 = has_bank(&measure->log.banks, PCR_SHA384);
	sha2_init(&hashes->sha256, SHA2_256, measure->engine);
	sha2_init(&hashes->sha384, SHA2_384, measure->engine);
}

static void add(struct bank_hashes *hashes, struct span bytes)
{
	if (hashes->has_sha256)
		sha2_update(&hashes->sha256, bytes);
	if (hashes->has_sha384)
		sha2_update(&hashes->sha384, bytes);
}

/* Extends and logs what has been added. */
static enum status end(struct measure *measure, struct bank_hashes *hashes, uint32_t pcr,
		       enum event_type type, const char *label, struct span data)
{
	struct pcr_digests digests;

	sha2_final(&hashes->sha256, digests.sha256);
	sha2_final(&hashes->sha384, digests.sha384);
	enum status status = measure->extend(measure, pcr, &digests);
	if (status != STATUS_OK)
		return status;
	eventlog_add(&measure->log, pcr, type, &digests, label, data);
	return STATUS_OK;
}

static enum status measure_bytes(struct measure *measure, uint32_t pcr, enum event_type type,
				 struct span bytes, const char *label, struct span data)
{
	struct bank_hashes hashes;

	begin(measure, &hashes);
	add(&hashes, bytes);
	return end(measure, &hashes, pcr, type, label, data);
}

/* With its terminator. */
static struct span text(const char *string)
{
	return (struct span){(const uint8_t *)string, strlen(string) + 1};
}

enum status measure_version(struct measure *measure)
{
	/* UCS-2, as the profile has it: 10.4.1. */
	static const uint16_t version[] = u"Slipway " VERSION;
	struct span bytes = {(const uint8_t *)version, sizeof(version)};

	return measure_bytes(measure, MEASURE_PCR_VERSION, EV_S_CRTM_VERSION, bytes, "", bytes);
}

enum status measure_table(struct measure *measure, const char *name, struct span table)
{
	return measure_bytes(measure, MEASURE_PCR_TABLES, EV_PLATFORM_CONFIG_FLAGS, table, "",
			     text(name));
}

enum status measure_separators(struct measure *measure, enum measure_end how)
{
	const struct le32 number = le32_of(how);
	const struct span bytes = {number.byte, sizeof(number)};
	const uint32_t last = how == MEASURE_OK ? MEASURE_PCR_LAST_PLATFORM : MEASURE_PCR_LAST;

	for (uint32_t pcr = 0; pcr <= last; pcr++) {
		enum status status = measure_bytes(measure, pcr, EV_SEPARATOR, bytes, "", bytes);
		if (status != STATUS_OK)
			return status;
	}
	return STATUS_OK;
}

/* Adds the part of a bzImage from @offset on whose bytes may not be as they were built. */
static size_t add_patched(struct bank_hashes *hashes, uint64_t offset, struct span piece)
{
	uint8_t copy[KERNEL_PATCHED_END];

	if (offset >= KERNEL_PATCHED_END || piece.size == 0)
		return 0;
	size_t size = KERNEL_PATCHED_END - offset;
	if (size > piece.size)
		size = piece.size;
	memcpy(copy, piece.bytes, size);
	kernel_normalise(offset, copy, size);
	add(hashes, (struct span){copy, size});
	return size;
}

enum status measure_kernel(struct measure *measure, const struct measure_kernel *kernel)
{
	struct bank_hashes hashes;
	uint64_t offset = 0;

	begin(measure, &hashes);
	for (size_t i = 0; i < sizeof(kernel->piece) / sizeof(kernel->piece[0]); i++) {
		const struct span piece = kernel->piece[i];
		size_t patched = kernel->is_bzimage ? add_patched(&hashes, offset, piece) : 0;
		if (patched < piece.size)
			add(&hashes, (struct span){piece.bytes + patched, piece.size - patched});
		offset += piece.size;
	}
	return end(measure, &hashes, MEASURE_PCR_FILES, EV_IPL, "", text("kernel"));
}

enum status measure_initrd(struct measure *measure, struct span initrd)
{
	return measure_bytes(measure, MEASURE_PCR_FILES, EV_IPL, initrd, "", text("initrd"));
}

enum status measure_cmdline(struct measure *measure, struct span cmdline)
{
	/* As GRUB has it, so that tools know what of the event the digest is of. */
	return measure_bytes(measure, MEASURE_PCR_CMDLINE, EV_IPL, cmdline,
			     "kernel_cmdline: ", cmdline);
}
