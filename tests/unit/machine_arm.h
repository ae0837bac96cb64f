/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_UNIT_MACHINE_ARM_H
#define TESTS_UNIT_MACHINE_ARM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arch/host/host.h"
#include "lib/memmap.h"

/*
 * A machine like QEMU's virt: RAM with a device tree at its start, fw_cfg in memory.
 * Firmware keeps addresses of the tree, of its image and of the command line as
 * pointers, so that this RAM is where it is in the process too.
 */
#define ARM_RAM        0x40000000ul
#define ARM_RAM_SIZE   (128 * MIB)
#define ARM_FWCFG      0x09020000ul
#define ARM_FWCFG_CH   0x09030000ul /* where Cloud Hypervisor has it */
#define ARM_PL011      0x09000000ul
#define ARM_WORK_SIZE  0x1c000ul
#define ARM_TPM        0x0c000000ul
#define ARM_RANGES_MAX 64

/** What the VMM's tree says. A range of size 0, or NULL: the property is not there. */
struct arm_tree {
	uint64_t address;
	uint32_t totalsize; /**< 0: no more than is needed */
	struct arch_range memory[ARM_RANGES_MAX];
	struct arch_range reserve_map[ARM_RANGES_MAX];
	struct arch_range reserved_memory[ARM_RANGES_MAX];
	struct arch_range fwcfg;
	struct arch_range pl011;
	struct arch_range ns16550;
	uint32_t reg_shift; /**< of ns16550 */
	const char *psci;
	bool without_chosen;
	const char *bootargs;
	const char *stdout_path;
	struct arch_range kernel, initrd;               /**< linux,kernel-start and the others */
	struct arch_range kernel_module, initrd_module; /**< as QEMU's guest-loader has them */
	const char *module_bootargs;
	const uint8_t *kaslr_seed; /**< 8 bytes */
	const uint8_t *rng_seed;   /**< 32 bytes */
	bool has_hash_table;
	struct arch_range hash_table;
	struct arch_range tpm; /**< as the CPU addresses it; it is on a bus of its own */
};
extern struct arm_tree arm_tree;

/** Our image: 64 KiB, as far as firmware looks at it. */
extern uint8_t arm_image[0x10000];

/** The map of memory as it was when the firmware ended. */
extern struct memmap arm_map;

/** A new machine with @size bytes of RAM, our image in flash, fw_cfg of @kind, and its tree. */
void arm_new(uint64_t size, enum host_fwcfg_kind kind);
/** One whose kernel and the rest lie in memory: no fw_cfg. */
void arm_new_without_fwcfg(uint64_t size);
/** More RAM, in the tree too. */
void arm_add_ram(uint64_t start, uint64_t size);
/** The image runs in RAM at @address, with the work area behind it. */
void arm_image_in_ram(uint64_t address);

/** Puts what a VMM leaves in memory there; firmware may overwrite it. */
void arm_put(uint64_t address, const void *bytes, size_t size);

/** Writes the tree that arm_tree describes. */
uint8_t *arm_write_tree(void);
/** Runs boot_main() with what is at arm_tree.address. */
enum host_end arm_start(void);
/** Both. */
enum host_end arm_boot(void);

/** An Image of our own making, on the heap: 4 KiB pages, any place. */
struct arm_kernel {
	uint8_t *bytes;
	size_t size;
	uint64_t memory_size; /**< image_size */
	uint64_t text_offset;
};

/* Fields of its header: booting.rst, 4. */
enum {
	IMAGE_TEXT_OFFSET = 8,
	IMAGE_IMAGE_SIZE = 16,
	IMAGE_FLAGS = 24,
	IMAGE_MAGIC = 56,
};
struct arm_kernel arm_kernel_make(size_t size, uint64_t memory_size);
void arm_kernel_free(struct arm_kernel *kernel);

/** What the kernel must get. */
struct arm_expected {
	const struct arm_kernel *kernel;
	const void *initrd;
	size_t initrd_size;
	const char *cmdline;
	/* NULL: none. */
	const uint8_t *kaslr_seed;
	const uint8_t *rng_seed;
};

/**
 * After HOST_HANDOFF: kernel and initrd are in their places, what has to be was cleaned, and no
 * memory was written that is nobody's; the argument is a stub tree with the EFI tables...
 */
void arm_check_acpi(const struct arm_expected *expected);
/** ...or the VMM's tree, edited. */
void arm_check_tree(const struct arm_expected *expected);

/** Which of them it is. */
bool arm_has_acpi(void);
/** The initrd's place, or 0. */
uint64_t arm_initrd(void);

/** After arm_check_acpi(): tables, 0 where there is none. */
uint64_t arm_rsdp(void);
uint64_t arm_smbios(void);
/** struct linux_efi_tpm_eventlog. */
uint64_t arm_event_log(void);
/** Type of @address in the EFI memory map, or -1. */
int arm_efi_type(uint64_t address);

/** Nothing was written that is nobody's. */
void arm_check_writes(void);

/** Whether the map as it was has [start, start + size) as @type. */
bool arm_is_claimed(uint64_t start, uint64_t size, enum memmap_type type);

#endif
