/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LOADER_BUNDLE_H
#define LOADER_BUNDLE_H

#include <stdbool.h>
#include <stdint.h>

#include "lib/blob.h"
#include "lib/checked.h"
#include "lib/memmap.h"
#include "lib/span.h"
#include "lib/status.h"
#include "loader/pe.h"

/*
 * One file that holds more than a kernel:
 *
 * - a unified kernel image, "UKI", a PE file with a section .linux (UAPI Group Specifications,
 *   "UAPI.5 Unified Kernel Image"), of which we take .linux, .initrd, .ucode and .cmdline;
 * - a kernel, and behind its end at the next multiple of BUNDLE_ALIGNMENT an initrd.
 */

/** Where in the file an initrd starts that is appended to a kernel. */
#define BUNDLE_ALIGNMENT PAGE_SIZE

/** The parts of a file. They refer to the bundle itself, which is not to be moved. */
struct bundle {
	struct blob kernel;  /**< the file itself when it holds nothing else */
	struct blob initrd;  /**< size 0: none */
	struct blob cmdline; /**< as it is in the file, with or without an end; size 0: none */

	/* What they read from: see bundle.c. */
	struct blob file;
	struct blob_pieces pieces[3];
};

/** Where the kernel lies when the file lies in memory at @file. */
static inline uint64_t bundle_kernel_at(const struct bundle *bundle, uint64_t file)
{
	return file + bundle->pieces[0].piece[1].offset;
}

/** The same for the initrd; 0 when it is not in one place, which with microcode it is not. */
static inline uint64_t bundle_initrd_at(const struct bundle *bundle, uint64_t file)
{
	return bundle->pieces[1].piece[0].size == 0 ? file + bundle->pieces[1].piece[1].offset : 0;
}

/* What is different on each architecture: bundle_x86_64.c, bundle_aarch64.c. */

/** The machine type of PE files: PE, "Machine Types". */
extern const uint16_t bundle_machine;

/**
 * A lower bound of where a kernel of this architecture that starts with @head ends in its
 * file, as its own header, not that of PE, has it; 0 when it is none, or does not say.
 */
uint64_t bundle_kernel_end(struct span head);

/** Whether a file of @size bytes is long enough for an initrd behind a kernel that ends at @end. */
static inline bool bundle_has_room(uint64_t end, uint64_t size)
{
	uint64_t next;

	return checked_align_up(end, BUNDLE_ALIGNMENT, &next) && size > next;
}

/**
 * Whether a file of @size bytes that starts with @head holds no more than a kernel for certain,
 * by a look at @head; if not, it takes bundle_open() to find out.
 */
static inline bool bundle_is_kernel(struct span head, uint64_t size)
{
	uint64_t end = bundle_kernel_end(head);

	return end == 0 ? !pe_is_pe(head) : !bundle_has_room(end, size);
}

/**
 * Finds the parts of @file. @head is a copy of its start, BZIMAGE_HEAD_SIZE bytes on x86 and
 * 64 on AArch64, or more, which saves reads, or all of a smaller file. A file that is neither a
 * UKI nor a kernel is passed on as a kernel, for its parser to refuse.
 *
 * Of a UKI with profiles it takes profile @0, as its stub does when nobody says another;
 * .ucode, which may lack a multiple of four bytes, becomes the start of the initrd.
 * @map is for struct blob_pieces. There are at most three reads, all of them bounded.
 * A failure leaves @bundle undefined.
 *
 * STATUS_TRUNCATED, STATUS_BAD_FORMAT and STATUS_TOO_LARGE for the tables of a PE file that is no
 * kernel, STATUS_OUT_OF_RANGE when a section of a UKI is not inside the file,
 * STATUS_UNSUPPORTED when it is for another machine, and the file's own errors.
 */
MUST_CHECK enum status bundle_open(const struct blob *file, struct span head,
				   void *(*map)(uint64_t address, uint64_t length),
				   struct bundle *bundle, struct reason *why);

#endif
