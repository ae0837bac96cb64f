/* SPDX-License-Identifier: BSD-2-Clause */
#include "loader/bundle.h"

#include <string.h>

#include "loader/arm64.h"

/* An EFI zboot image starts like this: Linux drivers/firmware/efi/libstub/zboot-header.S. */
static const char zboot[8] = {'M', 'Z', 0, 0, 'z', 'i', 'm', 'g'};

const uint16_t bundle_machine = 0xaa64;

/*
 * The tables of PE know where a kernel ends that has an EFI stub. One without is in its file as it
 * will be in memory, but for what is zero at its end: image_size is where an initrd may follow.
 * Before 3.17 it is 0, and nothing may.
 */
uint64_t bundle_kernel_end(struct span head)
{
	struct arm64_header header;

	if (head.size >= sizeof(zboot) && memcmp(head.bytes, zboot, sizeof(zboot)) == 0)
		return sizeof(zboot);
	if (!arm64_is_image(head))
		return 0;
	if (pe_is_pe(head))
		return sizeof(header);
	memcpy(&header, head.bytes, sizeof(header));
	return le64_get(header.image_size);
}
