/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LOADER_SETUP_DATA_H
#define LOADER_SETUP_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/endian.h"
#include "lib/memmap.h"
#include "lib/span.h"
#include "lib/status.h"

/* The setup_data list: Linux Documentation/arch/x86/boot.rst, field setup_data. */

enum setup_data_type {
	SETUP_DTB = 2,
	SETUP_RNG_SEED = 9,
};

struct setup_data {
	struct le64 next;
	struct le32 type;
	struct le32 len; /**< bytes of data[] */
	uint8_t data[];
};
_Static_assert(sizeof(struct setup_data) == 16, "boot.rst, struct setup_data");

/** More than any VMM supplies. */
#define SETUP_DATA_NODES_MAX 16

/** A list under construction, in memory of its own. */
struct setup_data_list {
	struct memmap *map_of_memory; /**< nodes are allocated here, as MEMMAP_BOOT_DATA */
	void *(*map)(uint64_t address, uint64_t length); /**< makes memory accessible, or NULL */
	/** Whether a VMM's node of @type may reach the kernel; NULL: all of them. */
	bool (*accept)(uint32_t type, struct span data);
	unsigned refused; /**< nodes that were not accepted */
	/** Where nodes lie that did not fit into low memory: [high_start, high_end), or empty. */
	uint64_t high_start;
	uint64_t high_end;
	uint64_t head;           /**< address of the first node, 0 if empty */
	struct setup_data *last; /**< or NULL */
	bool has_seed;
};

/** Appends a node with a copy of @data. STATUS_NO_MEMORY if there is none. */
MUST_CHECK enum status setup_data_append(struct setup_data_list *list, uint32_t type,
					 struct span data);

/**
 * Appends copies of the nodes that a VMM attached to the kernel: @head and the
 * links are addresses inside @kernel as if it lay at @assumed_load. Copies, since
 * a kernel unpacks itself over the place it was loaded to. Nodes that @list does not
 * accept are left out.
 *
 * STATUS_OUT_OF_RANGE when a node is not inside the kernel, STATUS_TOO_LARGE when
 * there are more than SETUP_DATA_NODES_MAX.
 */
MUST_CHECK enum status setup_data_copy(struct setup_data_list *list, struct span kernel,
				       uint64_t assumed_load, uint64_t head, struct reason *why);

#endif
