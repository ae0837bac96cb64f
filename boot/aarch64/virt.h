/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BOOT_AARCH64_VIRT_H
#define BOOT_AARCH64_VIRT_H

#include "boot/boot.h"
#include "fdt/fdt.h"
#include "loader/bundle.h"

/** A boot on AArch64. It does not move: the blobs of a bundle refer to it. */
struct virt {
	struct boot boot;
	struct span tree; /**< the VMM's, in its place */
	struct fdt_machine machine;
	struct blob kernel;        /**< packed or not */
	uint64_t kernel_at;        /**< where it lies in memory; 0: nowhere */
	uint64_t initrd_at;        /**< likewise for boot.initrd */
	struct bundle bundle;      /**< what came with the kernel; sizes 0: nothing */
	uint64_t bundle_initrd_at; /**< likewise for its initrd */
	enum status kernel_claim;  /**< what came of claiming the kernel of /chosen, */
	enum status initrd_claim;  /**< and its initrd */
	struct span cmdline;       /**< in memory, without the terminator that follows */
	struct span packed;        /**< the kernel as it was delivered; size 0: it was not packed */
	bool has_smbios;
	uint8_t smbios[SMBIOS_ENTRY_POINT_MAX]; /**< entry point */
};

/** Reads the device tree at @address. */
MUST_CHECK enum status virt_read_tree(struct virt *virt, uint64_t address);

/** Claims memory for the firmware, with a reason that names @what. */
MUST_CHECK enum status virt_claim(struct virt *virt, uint64_t start, uint64_t size,
				  const char *what);

/** That reason, unless @status, which is a claim's, is STATUS_OK. */
MUST_CHECK enum status virt_require_claim(struct virt *virt, enum status status, uint64_t start,
					  uint64_t size, const char *what);

/**
 * Claims what /chosen names in memory, before anything else gets memory or is reserved there. It is
 * an error only for who wants to use it.
 */
void virt_claim_chosen(struct virt *virt);

/** Whether @range has a byte of RAM. */
bool virt_is_in_ram(const struct virt *virt, const struct fdt_range *range);

/** RAM as the tree has it; what is ours is claimed. */
MUST_CHECK enum status virt_read_memory_map(struct virt *virt);

/**
 * Takes out of the map what the tree reserves. After the claims, which it may repeat: a VMM
 * may reserve the tree itself, or the kernel that it put there.
 */
MUST_CHECK enum status virt_reserve_memory(struct virt *virt);

/**
 * Finds kernel, initrd and command line, takes a bundle apart, and claims what is in memory.
 * STATUS_NOT_FOUND without a kernel.
 */
MUST_CHECK enum status virt_find_payload(struct virt *virt);

/** Brings the command line into memory, where it is looked at before there is a plan. */
MUST_CHECK enum status virt_read_cmdline(struct virt *virt);

/** ACPI and SMBIOS tables, unless there are none or the command line has acpi=off. */
void virt_install_tables(struct virt *virt);

/** Loads and starts the kernel; returns only when it cannot, with the reason. */
MUST_CHECK enum status virt_boot_linux(struct virt *virt);

#endif
