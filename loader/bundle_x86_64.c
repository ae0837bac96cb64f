/* SPDX-License-Identifier: BSD-2-Clause */
#include "loader/bundle.h"

#include "loader/bzimage.h"

const uint16_t bundle_machine = 0x8664;

uint64_t bundle_kernel_end(struct span head)
{
	return bzimage_end(head);
}
