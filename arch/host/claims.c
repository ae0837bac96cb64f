/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/host/guard.h"
#include "arch/host/host.h"
#include "lib/memmap.h"

/*
 * The map of memory as programs link it that have --wrap for these functions: what it gives to
 * the firmware can be written from then on, and a test can have it refuse.
 */

void __real_memmap_init(struct memmap *map);
void __wrap_memmap_init(struct memmap *map);
enum status __real_memmap_claim(struct memmap *map, uint64_t start, uint64_t size,
				enum memmap_type type);
enum status __wrap_memmap_claim(struct memmap *map, uint64_t start, uint64_t size,
				enum memmap_type type);
enum status __real_memmap_keep(struct memmap *map, uint64_t start, uint64_t size);
enum status __wrap_memmap_keep(struct memmap *map, uint64_t start, uint64_t size);
enum status __real_memmap_alloc(struct memmap *map, const struct memmap_request *request,
				uint64_t *ret_start);
enum status __wrap_memmap_alloc(struct memmap *map, const struct memmap_request *request,
				uint64_t *ret_start);
enum status __real_memmap_alloc_low(struct memmap *map, uint64_t size, uint64_t alignment,
				    enum memmap_type type, uint64_t *ret_start);
enum status __wrap_memmap_alloc_low(struct memmap *map, uint64_t size, uint64_t alignment,
				    enum memmap_type type, uint64_t *ret_start);

static bool is_refused(void)
{
	const size_t last = host.last_claim;

	host.claims++;
	return host.claims == host.fail_claim || (last != 0 && host.claims > last);
}

void __wrap_memmap_init(struct memmap *map)
{
	host_forget_map();
	host.map = map;
	__real_memmap_init(map);
}

enum status __wrap_memmap_claim(struct memmap *map, uint64_t start, uint64_t size,
				enum memmap_type type)
{
	enum status status =
		is_refused() ? STATUS_OVERLAP : __real_memmap_claim(map, start, size, type);

	if (status == STATUS_OK)
		host_claim_in_map(start, size);
	return status;
}

/* It has been claimed before. */
enum status __wrap_memmap_keep(struct memmap *map, uint64_t start, uint64_t size)
{
	return is_refused() ? STATUS_OVERLAP : __real_memmap_keep(map, start, size);
}

enum status __wrap_memmap_alloc(struct memmap *map, const struct memmap_request *request,
				uint64_t *ret_start)
{
	enum status status =
		is_refused() ? STATUS_NO_MEMORY : __real_memmap_alloc(map, request, ret_start);

	if (status == STATUS_OK)
		host_claim_in_map(*ret_start, request->size);
	return status;
}

enum status __wrap_memmap_alloc_low(struct memmap *map, uint64_t size, uint64_t alignment,
				    enum memmap_type type, uint64_t *ret_start)
{
	enum status status =
		is_refused() ? STATUS_NO_MEMORY
			     : __real_memmap_alloc_low(map, size, alignment, type, ret_start);

	if (status == STATUS_OK)
		host_claim_in_map(*ret_start, size);
	return status;
}
