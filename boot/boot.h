/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BOOT_BOOT_H
#define BOOT_BOOT_H

#include <stdbool.h>
#include <stdint.h>

#include "acpi/script.h"
#include "acpi/smbios.h"
#include "arch/machine.h"
#include "fwcfg/fwcfg.h"
#include "lib/blob.h"
#include "lib/log.h"
#include "lib/memmap.h"
#include "measure/hashes.h"
#include "measure/measure.h"
#include "measure/tpm.h"

/*
 * What a boot is on both architectures. The order of its steps, and what differs,
 * is in boot/x86_64 and boot/aarch64, each with a boot_main() of its own.
 */

/**
 * Gives this place in the image a name, step_NAME, by which tests/bench tells what a boot's steps
 * cost. It is no code, and only for places that a compiler has no reason to make twice.
 */
#if __STDC_HOSTED__
#define BOOT_STEP(name)
#else
#define BOOT_STEP(name) __asm__ volatile("step_" #name ":")
#endif

/** What every boot knows. It lives on the stack of boot_main(). */
struct boot {
	struct log log;
	uint64_t rsdp; /**< 0: none */
	bool has_fwcfg;
	bool has_initrd;      /**< in fw_cfg, where an empty file means that there shall be none */
	bool has_cmdline;     /**< likewise */
	bool cmdline_is_file; /**< and may end with a newline */
	bool is_measured;     /**< by a TPM */
	unsigned to_check;    /**< bits of enum boot_part: all with a hash table, else none */
	unsigned checked;     /**< those that are what the table says */
	struct blob initrd;   /**< size 0: none */
	struct blob cmdline;  /**< size 0: none */
	struct reason why;
	struct fwcfg fwcfg;
	struct memmap map;

	struct hashes hashes; /**< only if @to_check is not 0 */

	struct tpm tpm;         /**< only if @is_measured, and what follows likewise */
	struct measure measure; /**< its log is in memory of ours */
	struct span log_place;  /**< where the log has to be in the end; size 0: nowhere */
};

void boot_init(struct boot *boot);

/** Ends the boot with @boot->why unless @status is STATUS_OK. */
void boot_require(const struct boot *boot, const char *stage, enum status status);

/** arch_map() for RAM, in the form that acpi/ and loader/ take. */
void *boot_map_ram(uint64_t address, uint64_t length);

/** Memory for one thing, from a page boundary on, as high as possible. */
MUST_CHECK enum status boot_alloc(struct boot *boot, uint64_t size, enum memmap_type type,
				  uint64_t *ret_start);

/** @size bytes of memory at @address, which have to stay there. */
struct blob boot_memory_blob(uint64_t address, uint64_t size);

/** Opens fw_cfg, if it is there, with the log level that it asks for. */
MUST_CHECK enum status boot_open_fwcfg(struct boot *boot, const struct fwcfg_device *device);

/*
 * Each function that looks for something returns STATUS_NOT_FOUND when it is not
 * there, so that the next source is asked, and every other error as it is: a source
 * that fails is not passed over.
 */

/** The number that a file of 8 bytes holds, 0 when there is no such file; @name is a NAME(). */
uint64_t boot_read_number(struct boot *boot, const char *name);

MUST_CHECK enum status boot_read_item_integer(struct boot *boot, enum fwcfg_key key,
					      uint32_t *ret_value);

/** One of the legacy items, whose size is an item too. */
MUST_CHECK enum status boot_find_item(struct boot *boot, enum fwcfg_key size_key,
				      enum fwcfg_key data_key, struct blob *ret_blob);

/** What a boot takes from the VMM. */
enum boot_part {
	BOOT_KERNEL,
	BOOT_INITRD,
	BOOT_CMDLINE,
	BOOT_PARTS,
};

/** What hashes here: the CPU's instructions where it has them. */
static inline enum sha2_engine boot_sha2_engine(void)
{
	return arch_has_sha256() ? SHA2_CPU : SHA2_PORTABLE;
}

/*
 * With a hash table (measure/hashes.h), each part that the VMM delivers is brought into memory
 * of ours as a whole and checked there, before anything of it is used; what is used is that
 * copy. What is in a bundle is a part of the kernel.
 */

/**
 * Looks for a hash table in the @size bytes at @start, which are RAM that nobody else writes to.
 * STATUS_OK without one, unless it is @expected, or required by this build: then STATUS_NOT_FOUND.
 * Otherwise the errors of hashes_parse().
 */
MUST_CHECK enum status boot_read_hashes(struct boot *boot, uint64_t start, uint64_t size,
					bool expected);

/** Whether there is a hash table, and @part has not been checked against it. */
static inline bool boot_must_check(const struct boot *boot, enum boot_part part)
{
	return ((boot->to_check & ~boot->checked) >> part & 1) != 0;
}

/**
 * Checks all of @file, which is @part: in memory that is claimed already, at @at, or if that is 0
 * in memory that is claimed as @type, whose address goes there. @file is then that memory.
 */
MUST_CHECK enum status boot_check(struct boot *boot, enum boot_part part, enum memmap_type type,
				  struct blob *file, uint64_t *at);

/** Checks @boot->initrd in that way, if need be; one that is in the kernel's file is none. */
MUST_CHECK enum status boot_check_initrd(struct boot *boot, bool in_kernel_file, uint64_t *at);

/** Checks @boot->cmdline as the kernel would get it. */
MUST_CHECK enum status boot_check_cmdline(struct boot *boot);

/** Before the kernel is entered: nothing has been left out. */
void boot_confirm_checked(const struct boot *boot);

/** Brings all of @file into memory that is claimed for that, at @ret_at. @file is then there. */
MUST_CHECK enum status boot_hold(struct boot *boot, struct blob *file, enum memmap_type type,
				 uint64_t *ret_at);

/*
 * With a TPM, what a boot is made of is measured (measure/measure.h, docs/measured-boot.md): the
 * VMM's tables as they come, and what runs in the place where it will run. Once the TPM has
 * started, whatever it does not take ends the boot.
 */

/** Bytes that the VMM has for the event log of a TPM; 0: it has no TPM. */
uint64_t boot_tpm_log_size(struct boot *boot);

/**
 * Starts the TPM whose registers are at @registers, and begins to measure. After a sleep
 * (@is_resume) the TPM has its PCRs already; if it has lost them, they are made useless. A TPM that
 * does not start is left alone, with a warning.
 */
void boot_set_up_tpm(struct boot *boot, uint64_t registers, uint64_t log_size, bool is_resume);

/** Measures a file of the VMM's as it was delivered. @context is the boot, which is measured. */
void boot_measure_file(void *context, const char *name, struct span content);

/** STATUS_UNSUPPORTED, with a reason: of this kernel there is nothing that was delivered whole. */
enum status boot_refuse_to_hash(struct boot *boot);

/**
 * Measures what will run, and puts the log into its place. The initrd is at @initrd_at, and mapped
 * like all the rest; @cmdline has its terminator.
 */
void boot_measure_payload(struct boot *boot, const struct measure_kernel *kernel,
			  uint64_t initrd_at, struct span cmdline);

/**
 * Where a part can come from: of each, the first that there is.
 *
 *                     kernel                  initrd                  command line
 * BOOT_OPT_FILES      opt/org.slipway/kernel  opt/org.slipway/initrd  opt/org.slipway/cmdline
 * BOOT_ETC_FILES      etc/boot/kernel         etc/boot/initrd         etc/boot/cmdline
 * BOOT_LEGACY_ITEMS   KERNEL_*, SETUP_*       INITRD_*                CMDLINE_*
 * (a bundle)                                  in the kernel's file    in it, when all others
 *                                                                     are empty
 * BOOT_CHOSEN         linux,kernel-start,     linux,initrd-start,     bootargs
 *                     multiboot,kernel        multiboot,ramdisk
 * BOOT_MODULE         the first PVH module, or the initrd of          start_info; 0x20000
 *                     /chosen: a kernel if it is one, with or         on crosvm; last, the
 *                     without more, and else an initrd                module's, if a kernel
 *
 * The first three are in fw_cfg, by file name and by number (docs/fw_cfg.md); of an ELF file
 * among the legacy items, the segments lie in memory. So do the others: /chosen is in the device
 * tree, module and start_info are PVH's.
 */
enum boot_source {
	BOOT_OPT_FILES,
	BOOT_ETC_FILES,
	BOOT_LEGACY_ITEMS,
	BOOT_CHOSEN,
	BOOT_MODULE,
	BOOT_SOURCES,
};

/** Says where a part was taken from, at level info. */
void boot_log_part(const struct boot *boot, enum boot_part part, const char *where);
#define BOOT_KERNEL_FILE "the kernel's file"

/** Finds @part in one of the first three sources. */
MUST_CHECK enum status boot_find_in_fwcfg(struct boot *boot, enum boot_source source,
					  enum boot_part part, struct blob *ret_blob);

/**
 * Asks @find_in for a kernel, with one source after the other. STATUS_NOT_FOUND, with a reason,
 * when none has one.
 */
MUST_CHECK enum status
boot_find_kernel(struct boot *boot, enum status (*find_in)(void *context, enum boot_source source),
		 void *context, enum boot_source *ret_source);

/** Finds @boot->initrd and @boot->cmdline in fw_cfg; the one that is missing has size 0. */
MUST_CHECK enum status boot_find_initrd_and_cmdline(struct boot *boot);

/**
 * When fw_cfg has no command line, takes that which the VMM has left in memory; when it is
 * empty, or there is a hash table, that of a bundle (rulings 33). Size 0: there is none.
 */
MUST_CHECK enum status boot_choose_cmdline(struct boot *boot, const struct blob *in_memory,
					   const struct blob *in_bundle);

/**
 * A file has as many bytes to be this image. On x86 two copies may differ: in the hole for the
 * SMBIOS anchor (linker/x86_64.ld), and behind these bytes in setup_sects at 0x1f1, which Cloud
 * Hypervisor sets in what it takes for a kernel.
 */
#define BOOT_IDENTITY_SIZE 0x1f0

/** Whether @head is the start of this image (rulings 5). */
bool boot_is_this_firmware(const void *head, size_t size);

/** Reads the initrd into its place at @to. */
MUST_CHECK enum status boot_read_initrd(struct boot *boot, uint64_t to);

/** Bytes of the command line to make room for, where @limit is the longest allowed. */
uint64_t boot_cmdline_bytes(const struct boot *boot, uint64_t limit);

/**
 * Reads the command line to @to, where boot_cmdline_bytes() and one more are mapped: up to
 * the first NUL or the end; a file loses one newline at its end (rulings 31).
 * STATUS_TOO_LARGE when it is longer than @limit.
 */
MUST_CHECK enum status boot_read_cmdline(struct boot *boot, uint64_t limit, uint64_t to,
					 size_t *ret_length);

/**
 * Runs the VMM's table-loader script, with tables in memory of @type and the RSDP in
 * [@low_start, @low_end) where that is not empty, and notes the RSDP.
 */
void boot_install_acpi(struct boot *boot, enum memmap_type type, uint64_t low_start,
		       uint64_t low_end, struct acpi_files *ret_files);

/** Tells the VMM again what the script told it (acpi_repeat_writes()). */
void boot_repeat_acpi_writes(struct boot *boot, const struct acpi_writes *writes);

/**
 * Places the VMM's SMBIOS table in memory of @type, and computes its entry point. False when
 * the VMM has none.
 */
MUST_CHECK bool boot_install_smbios(struct boot *boot, enum memmap_type type,
				    uint8_t ret_entry_point[SMBIOS_ENTRY_POINT_MAX]);

#endif
