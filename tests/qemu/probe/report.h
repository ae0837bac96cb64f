/* SPDX-License-Identifier: BSD-2-Clause */
/* What the probe kernels of all architectures share: lines of `name=value` through the
 * put_char() that each defines, and sums of what lies in memory. */
#ifndef PROBE_REPORT_H
#define PROBE_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

static void put_char(char c);

/* -- output -------------------------------------------------------------- */

static void put(const char *text)
{
	while (*text)
		put_char(*text++);
}

static void put_digit(u64 value)
{
	put_char((char)(value < 10 ? '0' + value : 'a' + value - 10));
}

static void put_hex(u64 value)
{
	int shift = 60;
	while (shift > 0 && value >> shift == 0)
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		put_digit(value >> shift & 0xf);
}

static void put_bytes(const volatile u8 *bytes, u64 count)
{
	for (u64 i = 0; i < count; i++) {
		u8 byte = bytes[i];
		put_digit(byte >> 4);
		put_digit(byte & 0xf);
	}
}

static void put_field(u64 value)
{
	put_char(',');
	put_hex(value);
}

static void put_end(void)
{
	put_char('\n');
}

static void put_line(const char *name, u64 value)
{
	put(name);
	put_char('=');
	put_hex(value);
	put_end();
}

/* -- memory -------------------------------------------------------------- */

static u64 read_le(const volatile u8 *bytes, int count)
{
	u64 value = 0;
	while (count-- > 0)
		value = value << 8 | bytes[count];
	return value;
}

static u8 sum_bytes(const volatile u8 *bytes, u64 count)
{
	u8 sum = 0;
	for (u64 i = 0; i < count; i++)
		sum = (u8)(sum + bytes[i]);
	return sum;
}

static bool starts_with(const volatile u8 *bytes, const char *text)
{
	for (; *text; text++, bytes++)
		if (*bytes != (u8)*text)
			return false;
	return true;
}

struct sums {
	u64 a, b;
};

/* Fletcher's sums over 64-bit words, the last one zero-padded. */
static void add_sums(struct sums *sums, const u8 *bytes, u64 count)
{
	u64 a = sums->a, b = sums->b;
	const u64 *words = (const u64 *)bytes;
	bool aligned = (u64)bytes % 8 == 0;
	for (u64 i = 0; i < count / 8; i++) {
		a += aligned ? words[i] : read_le(bytes + 8 * i, 8);
		b += a;
	}
	if (count % 8) {
		a += read_le(bytes + count / 8 * 8, (int)(count % 8));
		b += a;
	}
	*sums = (struct sums){a, b};
}

#endif
