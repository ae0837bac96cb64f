/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef FDT_FORMAT_H
#define FDT_FORMAT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "lib/endian.h"

/* Devicetree Specification 0.4, 5.2, struct fdt_header. */
struct header {
	struct be32 magic;
	struct be32 totalsize;
	struct be32 off_dt_struct;
	struct be32 off_dt_strings;
	struct be32 off_mem_rsvmap;
	struct be32 version;
	struct be32 last_comp_version;
	struct be32 boot_cpuid_phys;
	struct be32 size_dt_strings;
	struct be32 size_dt_struct;
};
_Static_assert(sizeof(struct header) == 40, "Devicetree Specification 0.4, 5.2");

#define FDT_MAGIC        0xd00dfeedu
#define FDT_VERSION      17
#define FDT_LAST_VERSION 16 /* the oldest that a reader may know */

/* 5.3.2, struct fdt_reserve_entry. */
struct reserve_entry {
	struct be64 address;
	struct be64 size;
};
_Static_assert(sizeof(struct reserve_entry) == 16, "Devicetree Specification 0.4, 5.3.2");

/* 5.4.1 */
#define FDT_TOKEN_SIZE 4
#define FDT_BEGIN_NODE 1u
#define FDT_END_NODE   2u
#define FDT_PROP       3u
#define FDT_NOP        4u
#define FDT_END        9u

/* 5.4.1: what FDT_PROP begins; the value follows, padded to the next token. */
struct property_head {
	struct be32 token;
	struct be32 len;
	struct be32 nameoff;
};
_Static_assert(sizeof(struct property_head) == 12, "Devicetree Specification 0.4, 5.4.1");

static inline uint32_t get_be32(const uint8_t *at)
{
	struct be32 wire;

	memcpy(&wire, at, sizeof(wire));
	return be32_get(wire);
}

static inline uint64_t get_be64(const uint8_t *at)
{
	struct be64 wire;

	memcpy(&wire, at, sizeof(wire));
	return be64_get(wire);
}

/** Rounds up to the next place of a token. */
static inline uint64_t token_align(uint64_t size)
{
	return (size + FDT_TOKEN_SIZE - 1) & ~(uint64_t)(FDT_TOKEN_SIZE - 1);
}

#endif
