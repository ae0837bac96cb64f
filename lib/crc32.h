/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef LIB_CRC32_H
#define LIB_CRC32_H

#include <stddef.h>
#include <stdint.h>

/**
 * The CRC of gzip (RFC 1952, 8) over @size bytes more, where @crc is that of those before; of
 * none it is 0.
 */
uint32_t crc32_add(uint32_t crc, const uint8_t *bytes, size_t size);

#endif
