/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_UNIT_FWCFG_MODELS_H
#define TESTS_UNIT_FWCFG_MODELS_H

#include <stddef.h>
#include <stdint.h>

/*
 * What VMMs other than QEMU put into their fw_cfg devices. The devices themselves, registers
 * and DMA commands, are in arch/host/fwcfg_*.c.
 *
 * Cloud Hypervisor: devices/src/legacy/fw_cfg.rs. In the order of FwCfg::populate_fw_cfg():
 * e820, kernel, command line, initramfs, the user's items; and then ACPI.
 */

/** etc/e820, for @memory bytes of RAM. On AArch64 it says nothing that is true. */
void cloud_hypervisor_add_e820_x86_64(uint64_t memory);
void cloud_hypervisor_add_e820_aarch64(uint64_t memory);

/** Setup and kernel of a file of at least 4096 bytes, as if it were a bzImage. */
void cloud_hypervisor_add_kernel_x86_64(const uint8_t *file, size_t size);
/** The same of a file of at least 64 bytes, as if it were an Image. */
void cloud_hypervisor_add_kernel_aarch64(const uint8_t *file, size_t size);

/** The command line, which is there, and empty, when the user gave none. */
void cloud_hypervisor_add_cmdline(const char *text);

void cloud_hypervisor_add_initramfs(const void *bytes, size_t size);

/** etc/table-loader, acpi/rsdp and acpi/tables. */
void cloud_hypervisor_add_acpi(void);

/** Holds the tables that the RSDP at @address leads to against those that were given. */
void cloud_hypervisor_check_acpi(uint64_t address);

/** crosvm: the file that --block ...,bootindex=N makes (src/crosvm/sys/linux.rs). */
void crosvm_add_bootorder(void);

/** Sizes of memory in CMOS, which are all that a BIOS is told: devices/src/cmos.rs. */
void crosvm_set_cmos(uint64_t below_4g, uint64_t above_4g);

#endif
