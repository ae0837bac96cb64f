/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_UNIT_KERNEL_H
#define TESTS_UNIT_KERNEL_H

#include <stddef.h>
#include <stdint.h>

/* Offsets of the setup header and of boot_params: boot.rst and zero-page.rst. */
enum {
	SETUP_SECTS = 0x1f1,
	ROOT_FLAGS = 0x1f2,
	SYSSIZE = 0x1f4,
	VID_MODE = 0x1fa,
	BOOT_FLAG = 0x1fe,
	JUMP = 0x200,
	HEADER = 0x202,
	VERSION_FIELD = 0x206,
	TYPE_OF_LOADER = 0x210,
	LOADFLAGS = 0x211,
	SETUP_MOVE_SIZE = 0x212,
	CODE32_START = 0x214,
	RAMDISK_IMAGE = 0x218,
	RAMDISK_SIZE = 0x21c,
	HEAP_END_PTR = 0x224,
	EXT_LOADER_VER = 0x226,
	EXT_LOADER_TYPE = 0x227,
	CMD_LINE_PTR = 0x228,
	INITRD_ADDR_MAX = 0x22c,
	KERNEL_ALIGNMENT = 0x230,
	RELOCATABLE_KERNEL = 0x234,
	MIN_ALIGNMENT = 0x235,
	XLOADFLAGS = 0x236,
	CMDLINE_SIZE = 0x238,
	HARDWARE_SUBARCH = 0x23c,
	HARDWARE_SUBARCH_DATA = 0x240,
	PAYLOAD_OFFSET = 0x248,
	PAYLOAD_LENGTH = 0x24c,
	SETUP_DATA = 0x250,
	PREF_ADDRESS = 0x258,
	INIT_SIZE = 0x260,
	HANDOVER_OFFSET = 0x264,
	KERNEL_INFO_OFFSET = 0x268,
	HEADER_END_2_15 = 0x26c,

	PARAMS_ACPI_RSDP_ADDR = 0x070,
	PARAMS_EXT_RAMDISK_IMAGE = 0x0c0,
	PARAMS_EXT_RAMDISK_SIZE = 0x0c4,
	PARAMS_EXT_CMD_LINE_PTR = 0x0c8,
	PARAMS_E820_ENTRIES = 0x1e8,
	PARAMS_E820_TABLE = 0x2d0,
	PARAMS_SIZE = 0x1000,
};

#define LOADED_HIGH_FLAG   0x01
#define CAN_USE_HEAP_FLAG  0x80
#define XLF_KERNEL_64_FLAG 0x01
#define XLF_ABOVE_4G_FLAG  0x02

/** A bzImage of our own making, on the heap. */
struct kernel {
	uint8_t *bytes;
	size_t size;
	size_t setup_size;
};

/**
 * Protocol 2.15, 64-bit, relocatable, preferring 16 MiB, in need of 4 MiB there.
 * Fields that a loader has to change hold rubbish, as does everything else.
 */
struct kernel kernel_make(unsigned setup_sects, size_t payload_size);
void kernel_free(struct kernel *kernel);

/** Where the setup header of protocol @version ends. */
size_t kernel_header_end(unsigned version);

/** Cuts the header to what protocol @version has; what follows becomes rubbish. */
void kernel_set_version(struct kernel *kernel, unsigned version);

/** Where the entry of elf_make() is from its start on, and bytes that it needs there. */
#define ELF_ENTRY       0x10
#define ELF_MEMORY_SIZE 0x2345

/**
 * An ELF kernel with a PVH entry, of one segment at @address. What is loaded starts at
 * setup_size of the file.
 */
struct kernel elf_make(uint64_t address);

#endif
