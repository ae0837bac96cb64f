/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef EFI_HANDOVER_H
#define EFI_HANDOVER_H

#include <stddef.h>
#include <stdint.h>

#include "lib/memmap.h"
#include "lib/status.h"

/*
 * What Linux's EFI stub would leave behind, without the stub and without UEFI: a
 * system table, configuration tables and a memory map, which a device tree's /chosen
 * points to. On arm64 it is the only way to hand over ACPI tables. Sources: UEFI
 * Specification 2.10, 4.3 (system table), 4.6 (configuration tables, RT properties),
 * 7.2.3 (memory map); Linux Documentation/arch/arm/uefi.rst, drivers/firmware/efi.
 */

/** What the tables tell. */
struct efi_facts {
	uint64_t rsdp;         /**< ACPI 2.0 or later; 0: none */
	const uint8_t *smbios; /**< SMBIOS 3 entry point of EFI_SMBIOS_SIZE bytes; NULL: none */
	uint64_t event_log;    /**< of a TPM, what efi_write_event_log() wrote; 0: none */
};

#define EFI_SMBIOS_SIZE 32

/** Size and version of one descriptor of the memory map: UEFI 7.2.3. */
#define EFI_DESCRIPTOR_SIZE    40
#define EFI_DESCRIPTOR_VERSION 1

/** Bytes of system table, vendor string and configuration tables: whole pages. */
#define EFI_TABLES_SIZE 0x1000

/** Of these, so many are written, or mapped by Linux before its caches are on. */
#define EFI_TABLES_USED 512

/**
 * Writes the system table, at @address, and what it points to, the SMBIOS entry point too. @page
 * is that memory, page aligned, EFI_TABLES_SIZE bytes. It has to be typed MEMMAP_ACPI in the map,
 * since a kernel started by kexec reads it again. No runtime services are offered, and the RT
 * properties table says so.
 */
void efi_write_tables(const struct efi_facts *facts, uint64_t address, void *page);

/** Bytes in front of the events. */
#define EFI_EVENT_LOG_HEADER 9

/**
 * Writes the head of what Linux takes for the event log of a TPM 2.0, crypto-agile, of @size
 * bytes, which follow it. It has to be typed MEMMAP_ACPI, like the tables.
 * Source: Linux include/linux/efi.h, struct linux_efi_tpm_eventlog.
 */
void efi_write_event_log(uint32_t size, uint8_t to[EFI_EVENT_LOG_HEADER]);

/** Descriptors that efi_write_map() needs at most. */
#define EFI_DESCRIPTORS_MAX (MEMMAP_ENTRIES_MAX + 1)

/**
 * Writes the memory map in the form that the kernel shall see: all RAM appears,
 * write-back. ACPI tables are ACPI reclaim memory, what we have used is free
 * memory, what is reserved is reserved. Ranges are whole pages: free RAM shrinks to
 * them, everything else grows.
 *
 * @entries, 8-byte aligned, has room for EFI_DESCRIPTORS_MAX descriptors of EFI_DESCRIPTOR_SIZE
 * bytes. Returns the number of bytes written. STATUS_TOO_LARGE when the map has more.
 */
MUST_CHECK enum status efi_write_map(const struct memmap *map, void *entries, size_t *ret_size);

#endif
