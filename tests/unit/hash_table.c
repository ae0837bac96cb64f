/* SPDX-License-Identifier: BSD-2-Clause */
#include "hash_table.h"

#include <string.h>

#include "measure/sha2.h"

static void put_digest(uint8_t *at, struct span bytes)
{
	struct sha2 hash;

	sha2_init(&hash, SHA2_256, SHA2_PORTABLE);
	sha2_update(&hash, bytes);
	sha2_final(&hash, at);
}

void hash_table_make(uint8_t ret_table[HASH_TABLE_SIZE], struct span kernel, struct span initrd,
		     const char *cmdline)
{
	static const uint8_t guids[4][16] = {
		{0x06, 0xd6, 0x38, 0x94, 0x22, 0x4f, 0xc9, 0x4c, 0xb4, 0x79, 0xa7, 0x93, 0xd4, 0x11,
		 0xfd, 0x21},
		{0xd8, 0x2d, 0xd0, 0x97, 0x20, 0xbd, 0x94, 0x4c, 0xaa, 0x78, 0xe7, 0x71, 0x4d, 0x36,
		 0xab, 0x2a},
		{0x31, 0xf7, 0xba, 0x44, 0x2f, 0x3a, 0xd7, 0x4b, 0x9a, 0xf1, 0x41, 0xe2, 0x91, 0x69,
		 0x78, 0x1d},
		{0x37, 0x94, 0xe7, 0x4d, 0xd2, 0xab, 0x7f, 0x42, 0xb8, 0x35, 0xd5, 0xb1, 0x72, 0xd2,
		 0x04, 0x5b},
	};

	memset(ret_table, 0, HASH_TABLE_SIZE);
	memcpy(ret_table, guids[0], 16);
	ret_table[16] = 168;
	for (unsigned i = 0; i < 3; i++) {
		memcpy(ret_table + 18 + 50 * i, guids[i + 1], 16);
		ret_table[34 + 50 * i] = 50;
	}
	put_digest(ret_table + HASH_TABLE_CMDLINE,
		   (struct span){(const uint8_t *)cmdline, strlen(cmdline) + 1});
	put_digest(ret_table + HASH_TABLE_INITRD, initrd);
	put_digest(ret_table + HASH_TABLE_KERNEL, kernel);
}
