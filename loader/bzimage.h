/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LOADER_BZIMAGE_H
#define LOADER_BZIMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/endian.h"
#include "lib/memmap.h"
#include "lib/span.h"
#include "lib/status.h"

/*
 * Linux bzImage, x86: how to recognise it, where to put it, what to tell it.
 * Source: Linux Documentation/arch/x86/boot.rst ("boot.rst" below), protocols
 * 2.06 to 2.15, and Documentation/arch/x86/zero-page.rst.
 */

/** Where the setup header starts. */
#define BZIMAGE_HEADER_OFFSET 0x1f1

/** Bytes from the start of a bzImage that hold all of the setup header. */
#define BZIMAGE_HEAD_SIZE 0x290

/** The setup header, at offset 0x1f1 of the image and of boot_params. */
struct setup_header {
	uint8_t setup_sects;
	struct le16 root_flags;
	struct le32 syssize;
	struct le16 ram_size;
	struct le16 vid_mode;
	struct le16 root_dev;
	struct le16 boot_flag;
	uint8_t jump_opcode;
	uint8_t jump_offset;
	struct le32 header;
	struct le16 version;
	struct le32 realmode_swtch;
	struct le16 start_sys_seg;
	struct le16 kernel_version;
	uint8_t type_of_loader;
	uint8_t loadflags;
	struct le16 setup_move_size;
	struct le32 code32_start;
	struct le32 ramdisk_image;
	struct le32 ramdisk_size;
	struct le32 bootsect_kludge;
	struct le16 heap_end_ptr;
	uint8_t ext_loader_ver;
	uint8_t ext_loader_type;
	struct le32 cmd_line_ptr;
	struct le32 initrd_addr_max;
	struct le32 kernel_alignment;
	uint8_t relocatable_kernel;
	uint8_t min_alignment;
	struct le16 xloadflags;
	struct le32 cmdline_size;
	struct le32 hardware_subarch;
	struct le64 hardware_subarch_data;
	struct le32 payload_offset;
	struct le32 payload_length;
	struct le64 setup_data;
	struct le64 pref_address;
	struct le32 init_size;
	struct le32 handover_offset;
	struct le32 kernel_info_offset;
	uint8_t reserved[BZIMAGE_HEAD_SIZE - 0x26c];
};
_Static_assert(offsetof(struct setup_header, header) == 0x202 - 0x1f1, "boot.rst");
_Static_assert(offsetof(struct setup_header, cmd_line_ptr) == 0x228 - 0x1f1, "boot.rst");
_Static_assert(offsetof(struct setup_header, setup_data) == 0x250 - 0x1f1, "boot.rst");
_Static_assert(offsetof(struct setup_header, init_size) == 0x260 - 0x1f1, "boot.rst");
_Static_assert(sizeof(struct setup_header) == BZIMAGE_HEAD_SIZE - 0x1f1, "boot.rst");

/** An entry of boot_params' memory map. */
struct e820_entry {
	struct le64 addr;
	struct le64 size;
	struct le32 type;
};
_Static_assert(sizeof(struct e820_entry) == 20, "zero-page.rst");

#define E820_ENTRIES_MAX 128

/** The "zero page", as far as a boot loader fills it. */
struct boot_params {
	uint8_t screen_info[0x70];
	struct le64 acpi_rsdp_addr;
	uint8_t reserved0[0xc0 - 0x78];
	struct le32 ext_ramdisk_image;
	struct le32 ext_ramdisk_size;
	struct le32 ext_cmd_line_ptr;
	uint8_t reserved1[0x1e8 - 0xcc];
	uint8_t e820_entries;
	uint8_t reserved2[0x1f1 - 0x1e9];
	struct setup_header hdr;
	uint8_t reserved3[0x2d0 - BZIMAGE_HEAD_SIZE];
	struct e820_entry e820_table[E820_ENTRIES_MAX];
	uint8_t reserved4[0x1000 - 0xcd0];
};
_Static_assert(offsetof(struct boot_params, ext_ramdisk_image) == 0xc0, "zero-page.rst");
_Static_assert(offsetof(struct boot_params, e820_entries) == 0x1e8, "zero-page.rst");
_Static_assert(offsetof(struct boot_params, hdr) == 0x1f1, "zero-page.rst");
_Static_assert(offsetof(struct boot_params, e820_table) == 0x2d0, "zero-page.rst");
_Static_assert(sizeof(struct boot_params) == 0x1000, "zero-page.rst");

/** A kernel whose header has been checked. */
struct bzimage {
	const struct setup_header *header; /**< in the bytes that were parsed, */
	size_t header_size;                /**< so much of it, as it states itself */
	uint16_t version;
	uint64_t setup_size;   /**< bytes before the protected-mode kernel */
	uint64_t payload_size; /**< bytes of the protected-mode kernel */
	bool relocatable;
	bool entry64;       /**< has the 64-bit entry */
	bool above_4g;      /**< kernel and initrd may lie above 4 GiB */
	uint64_t alignment; /**< preferred, of the load address */
	uint64_t min_alignment;
	uint64_t pref_address;
	uint64_t memory_size;  /**< bytes it needs from its load address on */
	uint64_t initrd_max;   /**< the initrd ends at or below this address */
	uint32_t cmdline_size; /**< longest command line, without its terminator */
};

/*
 * Of the image's first bytes, @head, of which the caller has a copy: each function gives 0 when
 * there are less than BZIMAGE_HEAD_SIZE.
 */

/** Bytes before the protected-mode kernel. */
uint64_t bzimage_setup_size(struct span head);

/** Where the image ends, as its field syssize has it; 0 for other files. */
uint64_t bzimage_end(struct span head);

/** The header's field setup_data; 0 if it has none. */
uint64_t bzimage_setup_data(struct span head);

/**
 * Checks the first BZIMAGE_HEAD_SIZE bytes, @head, of an image of @size bytes. They have to stay
 * for as long as @image is used.
 * STATUS_TRUNCATED, STATUS_BAD_FORMAT or STATUS_UNSUPPORTED with the reason; @image is undefined
 * then.
 */
MUST_CHECK enum status bzimage_parse(struct span head, uint64_t size, struct bzimage *image,
				     struct reason *why);

/** Where everything goes. Each range is claimed in the memory map. */
struct bzimage_plan {
	uint64_t load;      /**< the protected-mode kernel */
	uint64_t alignment; /**< that @load has, for kernel_alignment */
	uint64_t entry;
	uint64_t initrd; /**< 0 without one */
	uint64_t boot_params;
	uint64_t cmdline; /**< room for cmdline_bytes and a terminator */
};

/**
 * Finds places for the kernel, an initrd of @initrd_size bytes (0: none), a
 * command line of @cmdline_bytes and boot_params, and claims them in @map.
 * Writes no guest memory. STATUS_NO_MEMORY when something has no place.
 */
MUST_CHECK enum status bzimage_plan(const struct bzimage *image, uint64_t initrd_size,
				    uint64_t cmdline_bytes, struct memmap *map,
				    struct bzimage_plan *ret_plan, struct reason *why);

/** What else the kernel is told. */
struct bzimage_facts {
	uint64_t initrd_size;
	uint64_t rsdp;       /**< 0: unknown */
	uint64_t setup_data; /**< head of the list, 0: none */
};

/**
 * Fills the zero page. STATUS_TOO_LARGE when the memory map has more entries than
 * the page.
 */
MUST_CHECK enum status bzimage_fill_boot_params(const struct bzimage *image,
						const struct bzimage_plan *plan,
						const struct bzimage_facts *facts,
						const struct memmap *map,
						struct boot_params *params, struct reason *why);

#endif
