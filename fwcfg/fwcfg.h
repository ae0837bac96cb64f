/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FWCFG_FWCFG_H
#define FWCFG_FWCFG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/blob.h"
#include "lib/endian.h"
#include "lib/name.h"
#include "lib/status.h"

/*
 * The fw_cfg device: numbered items that the VMM offers, and a directory that
 * gives some of them names. Source: QEMU docs/specs/fw_cfg.rst, and for what
 * other VMMs do differently, docs/fw_cfg.md.
 */

/** Items with fixed numbers. */
enum fwcfg_key {
	FWCFG_SIGNATURE = 0x00,
	FWCFG_ID = 0x01,
	FWCFG_UUID = 0x02,
	FWCFG_CPUS = 0x05,
	FWCFG_KERNEL_ADDRESS = 0x07,
	FWCFG_KERNEL_SIZE = 0x08,
	FWCFG_INITRD_SIZE = 0x0b,
	FWCFG_KERNEL_ENTRY = 0x10,
	FWCFG_KERNEL_DATA = 0x11,
	FWCFG_INITRD_DATA = 0x12,
	FWCFG_CMDLINE_SIZE = 0x14,
	FWCFG_CMDLINE_DATA = 0x15,
	FWCFG_SETUP_SIZE = 0x17,
	FWCFG_SETUP_DATA = 0x18,
	FWCFG_DIRECTORY = 0x19,
};

/** Bits of the ID's first byte. */
#define FWCFG_ID_PORTS 0x01 /**< the "traditional" interface: every device has it */
#define FWCFG_ID_DMA   0x02

/** One entry of the directory, as the device delivers it. */
struct fwcfg_file {
	struct be32 size;
	struct be16 select;
	struct be16 reserved;
	struct name name;
};
_Static_assert(sizeof(struct fwcfg_file) == 64, "fw_cfg.rst, file directory");

/** QEMU has 32 slots for files unless told otherwise; a proof takes fewer. */
#ifndef FWCFG_FILES_MAX
#define FWCFG_FILES_MAX 128
#endif

/** The directory, as the device delivers it; its entries end after the first @count. */
struct fwcfg_directory {
	struct be32 count;
	struct fwcfg_file file[FWCFG_FILES_MAX];
};
_Static_assert(offsetof(struct fwcfg_directory, file) == sizeof(struct be32), "fw_cfg.rst");

#define FWCFG_LISTS 32u

/** A command for the device: fw_cfg.rst, "Guest-side DMA interface". */
struct fwcfg_access {
	struct be32 control;
	struct be32 length;
	struct be64 address;
};
_Static_assert(sizeof(struct fwcfg_access) == 16, "fw_cfg.rst, FWCfgDmaAccess");

/** Where the device is, and what is known of it beforehand. */
struct fwcfg_device {
	uint64_t registers; /**< address of the registers, mapped; not used with ports */
	bool dma;           /**< the registers of the DMA interface can be reached */
	bool qemu_if_dma;   /**< if it offers DMA, then the host is QEMU */
};

struct fwcfg {
	uint64_t registers;
	bool dma;
	bool qemu;                  /**< DMA control bits are as QEMU defines them */
	bool crosvm;                /**< which has the bytes of its ID in the other order */
	uint32_t selected;          /**< the item that the next read continues, or no key */
	uint64_t position;          /**< at this offset */
	struct fwcfg_access access; /**< what the device is told last, and answers */
	struct le32 integer;        /**< that which was read last */
	size_t files;
	/** Lists of files whose names are alike in two bytes: 1 + index of the next one, or 0. */
	uint16_t first[FWCFG_LISTS];
	uint16_t next[FWCFG_FILES_MAX];
	struct fwcfg_directory directory;
};

/**
 * Looks for the device, whose files are known after fwcfg_read_directory(). STATUS_NOT_FOUND
 * when there is none at its place.
 */
MUST_CHECK enum status fwcfg_open(struct fwcfg *fwcfg, const struct fwcfg_device *device);

/**
 * Reads the directory. STATUS_TOO_LARGE when it claims more than
 * FWCFG_FILES_MAX files; STATUS_IO and STATUS_TIMEOUT as for a read.
 */
MUST_CHECK enum status fwcfg_read_directory(struct fwcfg *fwcfg, struct reason *why);

/**
 * The file called @name, a NAME() or a struct name; of several, the first. A name that is not
 * terminated inside its field is nobody's; one of fewer than eight characters has to have the same
 * bytes behind it, too, where every VMM has zeros. False when there is none.
 */
MUST_CHECK bool fwcfg_find(struct fwcfg *fwcfg, const char *name, struct blob *ret_blob);

/** The item with number @key, of @size bytes. */
struct blob fwcfg_item(struct fwcfg *fwcfg, uint16_t key, uint64_t size);

/** Reads a little-endian integer item, of which the device has at least @size bytes. */
MUST_CHECK enum status fwcfg_read_integer(struct fwcfg *fwcfg, uint16_t key, size_t size,
					  uint32_t *ret_value);

#endif
