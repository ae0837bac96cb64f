/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib/crc32.h"

#include <string.h>

#include "arch/aarch64/cpu.h"

/* Arm ARM D19.2.61, ID_AA64ISAR0_EL1. */
#define ISAR0_CRC32_SHIFT 16

unsigned long crc32(unsigned long crc, const uint8_t *bytes, unsigned size);

/* Eight bytes more, the first of them in the lowest bits: Arm ARM C6.2.74. */
static inline uint32_t add_word(uint32_t crc, uint64_t word)
{
	__asm__(".arch_extension crc\n\tcrc32x %w0, %w0, %1" : "+r"(crc) : "r"(word));
	return crc;
}

/* What zlib's inflate() calls; without bytes, for the value to begin with. */
unsigned long crc32(unsigned long crc, const uint8_t *bytes, unsigned size)
{
	uint32_t sum = ~(uint32_t)crc;
	uint64_t word;

	if (bytes == NULL)
		return 0;
	if ((read_register(id_aa64isar0_el1) >> ISAR0_CRC32_SHIFT & 15) != 0) {
		for (; size >= sizeof(word); size -= (unsigned)sizeof(word)) {
			memcpy(&word, bytes, sizeof(word));
			sum = add_word(sum, word);
			bytes += sizeof(word);
		}
	}
	return crc32_add(~sum, bytes, size);
}
