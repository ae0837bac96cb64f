/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef MEASURE_KERNEL_H
#define MEASURE_KERNEL_H

#include <stddef.h>
#include <stdint.h>

/** From here on an image is measured as it is. */
#define KERNEL_PATCHED_END 0x258

/**
 * VMMs fill in fields of a bzImage's header, each in its own way, and so does every boot loader,
 * this one too, before it runs. What is measured is the image without them: the same on every
 * VMM, and in the file. @bytes is a copy of those from @offset on; they become
 *
 *   0x1f1        setup_sects    4 when it is 0, which means 4
 *   0x1fa-0x1fb  vid_mode       0
 *   0x210        type_of_loader 0
 *   0x211        loadflags      without bit 7, CAN_USE_HEAP
 *   0x218-0x21f  ramdisk_image, ramdisk_size   0
 *   0x224-0x225  heap_end_ptr   0
 *   0x228-0x22b  cmd_line_ptr   0
 *   0x250-0x257  setup_data     0
 *
 * Source: Linux Documentation/arch/x86/boot.rst, "Details of Header Fields", those that are
 * written or modified by a boot loader.
 */
void kernel_normalise(uint64_t offset, uint8_t *bytes, size_t size);

#endif
