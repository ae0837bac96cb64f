/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FDT_FDT_H
#define FDT_FDT_H

#include "lib/span.h"
#include "lib/status.h"

/**
 * Checks the header of a flattened device tree that fills @tree or its beginning:
 * magic, version, and that all of its blocks lie inside totalsize, and that inside
 * @tree. Source: Devicetree Specification 0.4, 5.2.
 *
 * STATUS_TRUNCATED, STATUS_BAD_FORMAT, STATUS_UNSUPPORTED, STATUS_OUT_OF_RANGE.
 */
MUST_CHECK enum status fdt_check(struct span tree, struct reason *why);

#endif
