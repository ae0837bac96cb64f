/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef BOOT_PVH_H
#define BOOT_PVH_H

#include <stddef.h>

#include "lib/endian.h"

/* What a PVH loader leaves: Xen xen/include/public/arch-x86/hvm/start_info.h. */

#define HVM_START_MAGIC_VALUE 0x336ec578u

struct hvm_start_info {
	struct le32 magic;
	struct le32 version;
	struct le32 flags;
	struct le32 nr_modules;
	struct le64 modlist_paddr;
	struct le64 cmdline_paddr;
	struct le64 rsdp_paddr;
	/* version 1 */
	struct le64 memmap_paddr;
	struct le32 memmap_entries;
	struct le32 reserved;
};
_Static_assert(sizeof(struct hvm_start_info) == 56, "start_info.h");
_Static_assert(offsetof(struct hvm_start_info, memmap_paddr) == 40, "start_info.h");

struct hvm_memmap_entry {
	struct le64 addr;
	struct le64 size;
	struct le32 type; /* as e820 */
	struct le32 reserved;
};
_Static_assert(sizeof(struct hvm_memmap_entry) == 24, "start_info.h");

#endif
