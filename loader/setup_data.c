/* SPDX-License-Identifier: BSD-2-Clause */
#include "loader/setup_data.h"

#include <string.h>

#define NODE_ALIGNMENT 16

enum status setup_data_append(struct setup_data_list *list, uint32_t type, struct span data)
{
	uint64_t size = sizeof(struct setup_data) + data.size;
	uint64_t address;

	enum status status = memmap_alloc_low(list->map_of_memory, size, NODE_ALIGNMENT,
					      MEMMAP_BOOT_DATA, &address);
	if (status != STATUS_OK)
		return status;
	struct setup_data *node = list->map(address, size);
	if (node == NULL)
		return STATUS_NO_MEMORY;
	node->next = le64_of(0);
	node->type = le32_of(type);
	node->len = le32_of((uint32_t)data.size);
	memcpy(node->data, data.bytes, data.size);
	if (address >= MEMMAP_LOW_END) {
		if (list->high_end == 0 || address < list->high_start)
			list->high_start = address;
		if (address + size > list->high_end)
			list->high_end = address + size;
	}
	if (list->last != NULL)
		list->last->next = le64_of(address);
	else
		list->head = address;
	list->last = node;
	if (type == SETUP_RNG_SEED)
		list->has_seed = true;
	return STATUS_OK;
}

enum status setup_data_copy(struct setup_data_list *list, struct span kernel, uint64_t assumed_load,
			    uint64_t head, struct reason *why)
{
	uint64_t at = head;

	for (unsigned i = 0; at != 0; i++) {
		struct setup_data node;
		uint64_t offset = at - assumed_load;
		if (i == SETUP_DATA_NODES_MAX)
			return refuse(why, STATUS_TOO_LARGE,
				      "the setup_data list has more than %u nodes",
				      SETUP_DATA_NODES_MAX);
		if (at < assumed_load || !span_read(kernel, offset, sizeof(node), &node) ||
		    !fits(offset + sizeof(node), le32_get(node.len), kernel.size))
			return refuse(why, STATUS_OUT_OF_RANGE,
				      "the setup_data node at 0x%lx is outside the kernel", at);
		struct span data = {kernel.bytes + offset + sizeof(node), le32_get(node.len)};
		at = le64_get(node.next);
		if (list->accept != NULL && !list->accept(le32_get(node.type), data)) {
			list->refused++;
			continue;
		}
		enum status status = setup_data_append(list, le32_get(node.type), data);
		if (status != STATUS_OK)
			return refuse(why, status, "no memory for %lu bytes of setup_data",
				      data.size);
	}
	return STATUS_OK;
}
