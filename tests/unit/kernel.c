/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel.h"

#include <stdlib.h>

#include "unit.h"

struct kernel kernel_make(unsigned setup_sects, size_t payload_size)
{
	size_t setup_size = (setup_sects != 0 ? setup_sects + 1 : 5) * 512;
	struct kernel kernel = {malloc(setup_size + payload_size), setup_size + payload_size,
				setup_size};
	uint8_t *head = kernel.bytes;

	assert_non_null(head);
	unit_random_bytes(head, kernel.size);
	memset(head + HEADER, 0, HEADER_END_2_15 - HEADER);
	head[SETUP_SECTS] = (uint8_t)setup_sects;
	put32(head + SYSSIZE, (uint32_t)(payload_size + 15) / 16);
	put16(head + BOOT_FLAG, 0xaa55);
	head[JUMP] = 0xeb;
	head[JUMP + 1] = HEADER_END_2_15 - 0x202;
	memcpy(head + HEADER, "HdrS", 4);
	put16(head + VERSION_FIELD, 0x20f);
	head[TYPE_OF_LOADER] = 0xb0;
	head[LOADFLAGS] = LOADED_HIGH_FLAG | CAN_USE_HEAP_FLAG | 0x40;
	put16(head + SETUP_MOVE_SIZE, 0x8000);
	put32(head + CODE32_START, 0x100000);
	put32(head + RAMDISK_IMAGE, 0x11111111);
	put32(head + RAMDISK_SIZE, 0x22222222);
	put16(head + HEAP_END_PTR, 0x3333);
	head[EXT_LOADER_VER] = 0x44;
	head[EXT_LOADER_TYPE] = 0x55;
	put32(head + CMD_LINE_PTR, 0x66666666);
	put32(head + INITRD_ADDR_MAX, 0x7fffffff);
	put32(head + KERNEL_ALIGNMENT, 0x200000);
	head[RELOCATABLE_KERNEL] = 1;
	head[MIN_ALIGNMENT] = 21;
	put16(head + XLOADFLAGS, XLF_KERNEL_64_FLAG | XLF_ABOVE_4G_FLAG);
	put32(head + CMDLINE_SIZE, 2047);
	put32(head + PAYLOAD_OFFSET, 0x123);
	put32(head + PAYLOAD_LENGTH, 0x456);
	put64(head + PREF_ADDRESS, 16 * MIB);
	put32(head + INIT_SIZE, 4 * MIB);
	put32(head + HANDOVER_OFFSET, 0x190);
	put32(head + KERNEL_INFO_OFFSET, 0x1000);
	return kernel;
}

void kernel_free(struct kernel *kernel)
{
	free(kernel->bytes);
	kernel->bytes = NULL;
}

/* boot.rst, the table of header fields, column "Proto". */
size_t kernel_header_end(unsigned version)
{
	if (version >= 0x20f)
		return KERNEL_INFO_OFFSET + 4;
	if (version >= 0x20b)
		return HANDOVER_OFFSET + 4;
	if (version >= 0x20a)
		return INIT_SIZE + 4;
	if (version >= 0x209)
		return SETUP_DATA + 8;
	if (version >= 0x208)
		return PAYLOAD_LENGTH + 4;
	if (version >= 0x207)
		return HARDWARE_SUBARCH_DATA + 8;
	if (version >= 0x206)
		return CMDLINE_SIZE + 4;
	return RELOCATABLE_KERNEL + 4;
}

void kernel_set_version(struct kernel *kernel, unsigned version)
{
	size_t end = kernel_header_end(version);

	put16(kernel->bytes + VERSION_FIELD, (uint16_t)version);
	kernel->bytes[JUMP + 1] = (uint8_t)(end - 0x202);
	memset(kernel->bytes + end, 0xee, 0x290 - end);
	/* Fields that came later were padding, or zero, before. */
	if (version < 0x20c)
		put16(kernel->bytes + XLOADFLAGS, 0);
	if (version < 0x20a)
		kernel->bytes[MIN_ALIGNMENT] = 0;
}

/* gABI, "ELF Header", "Program Header", "Note Section"; Xen's elfnote.h. */
struct kernel elf_make(uint64_t address)
{
	enum { PROGRAM_HEADER = 0x40, NOTE = 0xb0, NOTE_SIZE = 20, SEGMENT = 0x200, SIZE = 0x900 };
	struct kernel kernel = {malloc(SIZE), SIZE, SEGMENT};
	uint8_t *file = kernel.bytes;

	assert_non_null(file);
	unit_random_bytes(file, SIZE);
	memset(file, 0, SEGMENT);
	memcpy(file, "\177ELF\2\1\1", 7);
	put16(file + 0x10, 2);
	put16(file + 0x12, 62);
	put64(file + 0x20, PROGRAM_HEADER);
	put16(file + 0x36, NOTE - PROGRAM_HEADER - 0x38);
	put16(file + 0x38, 2);
	uint8_t *load = file + PROGRAM_HEADER, *note = load + 0x38;
	put32(load, 1);
	put64(load + 0x08, SEGMENT);
	put64(load + 0x18, address);
	put64(load + 0x20, SIZE - SEGMENT);
	put64(load + 0x28, ELF_MEMORY_SIZE);
	put32(note, 4);
	put64(note + 0x08, NOTE);
	put64(note + 0x20, NOTE_SIZE);
	put32(file + NOTE, 4);
	put32(file + NOTE + 4, 4);
	put32(file + NOTE + 8, 18);
	memcpy(file + NOTE + 12, "Xen", 4);
	put32(file + NOTE + 16, (uint32_t)address + ELF_ENTRY);
	return kernel;
}
