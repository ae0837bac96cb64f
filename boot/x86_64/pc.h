/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BOOT_X86_64_PC_H
#define BOOT_X86_64_PC_H

#include "arch/entry.h"
#include "arch/machine.h"
#include "boot/boot.h"
#include "loader/bundle.h"
#include "loader/bzimage.h"
#include "loader/elf.h"
#include "loader/pvh.h"
#include "pci/chipset.h"
#include "pci/tree.h"

/**
 * A kernel as its source delivers it: one file, or the setup of a bzImage and the rest apart,
 * or in memory.
 */
struct kernel_source {
	uint8_t start[BZIMAGE_HEAD_SIZE]; /**< its first bytes, */
	size_t start_size;                /**< or fewer when it is shorter */
	struct blob head;
	struct blob body; /**< only if @split */
	bool split;
	struct blob_pieces items; /**< the two again, and the VMM's @setup, of a bundle in them */
	struct blob setup;
	uint64_t assumed_load; /**< where the VMM's setup_data addresses count from */
	uint64_t setup_data;   /**< the VMM's list, 0 if none */
	bool is_elf;
	struct elf elf;
	struct span held;     /**< all of an ELF file, when it is measured */
	struct bundle bundle; /**< with what else is in the file */
};

/** A boot on x86. */
struct pc {
	struct boot boot;
	struct arch_entry entry;
	struct hvm_start_info start_info; /**< copied; for ARCH_ENTRY_PVH */
	bool platform_done;               /**< by whoever ran before us (rulings 4) */
	uint64_t low_ram_end;             /**< of that below 4 GiB */
	struct chipset chipset;
	unsigned processors; /**< that fw_cfg tells of */
	struct arch_found_processors found;
	struct pci_machine pci_machine;
	struct pci_tree pci; /**< on pc and q35; empty when there was no memory for it */
	struct kernel_source kernel;
	struct blob module;      /**< the first one of a PVH loader; size 0: none */
	uint64_t module_start;   /**< its address, claimed; 0: it is read from fw_cfg */
	uint64_t module_cmdline; /**< that of its command line, or 0 */
	uint64_t initrd_start;   /**< where the initrd lies in memory already, or 0 */
};

/** Reads the memory map from the best source there is, and claims what is ours. */
MUST_CHECK enum status pc_read_memory_map(struct pc *pc);

/** Whether this is QEMU's pc or q35. */
MUST_CHECK bool pc_has_chipset(const struct pc *pc);

/** Numbers PCI buses and gives addresses to their devices, on pc and q35. */
void pc_assign_pci(struct pc *pc);

/**
 * Chipset, processors, TPM: what a firmware owes the system first. When that sleeps (S3), it is
 * resumed, and this does not return.
 */
void pc_set_up_chipset(struct pc *pc);

/** Starts the TPM, if ACPI tables that a VMM has put into memory itself have one. */
void pc_set_up_tpm_of_tables(struct pc *pc);

/** PCI devices and tables: the rest, for which memory is taken. */
void pc_set_up_devices(struct pc *pc);

/**
 * Places the VMM's ACPI and SMBIOS tables. Where it has none, and we are there from the
 * reset on, SMBIOS and MP tables are made.
 */
void pc_install_tables(struct pc *pc);

/**
 * Leaves what a resume from S3 needs, and keeps the kernel from the memory that the firmware
 * will write then. @writes is what the VMM was told.
 */
void pc_prepare_resume(struct pc *pc, const struct acpi_writes *writes);

/** Whether this reset is the end of a sleep. Says so once. */
MUST_CHECK bool pc_is_resume(const struct pc *pc);

/** Goes back to the operating system; chipset and processors are set up. */
_Noreturn void pc_resume(struct pc *pc);

/** Claims a PVH loader's first module, before anything else gets its memory. */
MUST_CHECK enum status pc_find_module(struct pc *pc);

/**
 * Finds kernel, initrd and command line, and claims what of them lies in memory.
 * STATUS_NOT_FOUND without a kernel.
 */
MUST_CHECK enum status pc_find_payload(struct pc *pc);

/**
 * Whether the initrd can stay where a PVH loader has put it, for a kernel that takes one which ends
 * at or below @limit.
 */
bool pc_initrd_stays(const struct pc *pc, uint64_t limit);

/** Loads and starts a bzImage; returns only when it cannot, with the reason. */
MUST_CHECK enum status pc_boot_linux(struct pc *pc);

/** The same for an ELF file with a PVH entry. */
MUST_CHECK enum status pc_boot_elf(struct pc *pc);

#endif
