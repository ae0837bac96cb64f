/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LIB_ENDIAN_H
#define LIB_ENDIAN_H

#include <stdint.h>

/*
 * Integers of a wire format. Each is an array of bytes inside a struct: it has
 * no alignment, so wire structs need no packing, and assigning one byte order to
 * the other, or to an integer, does not compile.
 */
struct le16 {
	uint8_t byte[2];
};
struct le32 {
	uint8_t byte[4];
};
struct le64 {
	uint8_t byte[8];
};
struct be16 {
	uint8_t byte[2];
};
struct be32 {
	uint8_t byte[4];
};
struct be64 {
	uint8_t byte[8];
};

#define ENDIAN_ACCESSORS(type, native, to_native)                                                  \
	static inline native type##_get(struct type wire)                                          \
	{                                                                                          \
		native value;                                                                      \
		__builtin_memcpy(&value, wire.byte, sizeof(value));                                \
		return to_native(value);                                                           \
	}                                                                                          \
	static inline struct type type##_of(native value)                                          \
	{                                                                                          \
		struct type wire;                                                                  \
		native swapped = to_native(value);                                                 \
		__builtin_memcpy(wire.byte, &swapped, sizeof(swapped));                            \
		return wire;                                                                       \
	}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "every port of Slipway is little-endian");

ENDIAN_ACCESSORS(le16, uint16_t, (uint16_t))
ENDIAN_ACCESSORS(le32, uint32_t, (uint32_t))
ENDIAN_ACCESSORS(le64, uint64_t, (uint64_t))
ENDIAN_ACCESSORS(be16, uint16_t, __builtin_bswap16)
ENDIAN_ACCESSORS(be32, uint32_t, __builtin_bswap32)
ENDIAN_ACCESSORS(be64, uint64_t, __builtin_bswap64)

#undef ENDIAN_ACCESSORS

#endif
