/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/boot.h"

#include <string.h>

#include "arch/memory.h"
#include "lib/attributes.h"
#include "lib/check.h"
#include "measure/sha2.h"

/* More than a table has; what follows it does not count. */
#define BLOCK_SIZE 0x400

/* Only keeps what a host makes us copy within bounds: the kernel has its own limit. */
#define CMDLINE_MAX 0x10000

_Static_assert((unsigned)BOOT_KERNEL == HASHES_KERNEL && (unsigned)BOOT_INITRD == HASHES_INITRD &&
		       (unsigned)BOOT_CMDLINE == HASHES_CMDLINE,
	       "the parts are those of the table");

enum status boot_read_hashes(struct boot *boot, uint64_t start, uint64_t size, bool expected)
{
	uint8_t copy[BLOCK_SIZE];
	enum status status = STATUS_NOT_FOUND;

	if (size != 0) {
		if (size > sizeof(copy))
			size = sizeof(copy);
		const uint8_t *place = boot_map_ram(start, size);
		if (place == NULL)
			return refuse(&boot->why, STATUS_NO_MEMORY,
				      "the hash table at 0x%lx cannot be mapped", start);
		/* Mostly there is none, and nothing to copy. */
		if (hashes_are_there((struct span){place, size})) {
			memcpy(copy, place, size);
			status = hashes_parse((struct span){copy, size}, &boot->hashes, &boot->why);
		}
	}
	if (status == STATUS_OK)
		boot->to_check = (1u << HASHES_BLOBS) - 1;
	if (status != STATUS_NOT_FOUND)
		return status;
	if (expected || HASHES_REQUIRED)
		return refuse(&boot->why, status, "there is no hash table at 0x%lx", start);
	log_line(&boot->log, LOG_INFO, "no hash table: nothing is verified");
	return STATUS_OK;
}

static enum status check_memory(struct boot *boot, enum boot_part part, uint64_t at, uint64_t size)
{
	uint8_t digest[SHA256_SIZE];
	struct sha2 hash;

	const uint8_t *bytes = size == 0 ? NULL : boot_map_ram(at, size);
	if (size != 0 && bytes == NULL)
		return refuse(&boot->why, STATUS_NO_MEMORY,
			      "what is to be checked cannot be mapped");
	sha2_init(&hash, SHA2_256, boot_sha2_engine());
	sha2_update(&hash, (struct span){bytes, size});
	sha2_final(&hash, digest);
	boot->checked |= 1u << part;
	return hashes_check(&boot->hashes, (enum hashes_blob)part, digest, &boot->why);
}

enum status boot_hold(struct boot *boot, struct blob *file, enum memmap_type type, uint64_t *ret_at)
{
	uint64_t size = file->size, place;

	enum status status = boot_alloc(boot, size, type, &place);
	if (status != STATUS_OK)
		return refuse(&boot->why, status, "no memory for a file of %lu bytes", size);
	status = file->read(file, 0, size, place);
	if (status != STATUS_OK)
		return refuse(&boot->why, status, "a file of %lu bytes cannot be read", size);
	*file = boot_memory_blob(place, size);
	*ret_at = place;
	return STATUS_OK;
}

enum status boot_check(struct boot *boot, enum boot_part part, enum memmap_type type,
		       struct blob *file, uint64_t *at)
{
	if (file->size != 0 && *at == 0) {
		enum status status = boot_hold(boot, file, type, at);
		if (status != STATUS_OK)
			return status;
	}
	return check_memory(boot, part, *at, file->size);
}

enum status boot_check_initrd(struct boot *boot, bool in_kernel_file, uint64_t *at)
{
	struct blob none = {.size = 0};
	uint64_t nowhere = 0;

	if (!boot_must_check(boot, BOOT_INITRD))
		return STATUS_OK;
	return in_kernel_file ? boot_check(boot, BOOT_INITRD, MEMMAP_INITRD, &none, &nowhere)
			      : boot_check(boot, BOOT_INITRD, MEMMAP_INITRD, &boot->initrd, at);
}

APART enum status boot_check_cmdline(struct boot *boot)
{
	uint64_t place;
	size_t length;

	enum status status = boot_alloc(boot, boot_cmdline_bytes(boot, CMDLINE_MAX) + 1,
					MEMMAP_FIRMWARE, &place);
	if (status != STATUS_OK)
		return refuse(&boot->why, status, "no memory for the command line");
	status = boot_read_cmdline(boot, CMDLINE_MAX, place, &length);
	if (status != STATUS_OK)
		return status;
	boot->cmdline = boot_memory_blob(place, length);
	boot->cmdline_is_file = false;
	return check_memory(boot, BOOT_CMDLINE, place, length + 1); /* with its NUL */
}

void boot_confirm_checked(const struct boot *boot)
{
	CHECK((boot->to_check & ~boot->checked) == 0);
}
