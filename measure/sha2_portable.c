/* SPDX-License-Identifier: BSD-2-Clause */
#include "measure/sha2_blocks.h"

#include <string.h>

#include "lib/endian.h"

/*
 * FIPS 180-4, 6.2.2 and 6.4.2, with its letters. The eight working variables lie in memory, a
 * first. A round makes a new a and a new e, and the others only move on by one place: so they
 * stay where they are, and their beginning goes down by one place with each round.
 */
#define SHA256_ROUNDS 64
#define SHA512_ROUNDS 80

/* A multiple of 16, for vector instructions. */
_Alignas(16) const uint64_t sha2_constants[80] = {
	0x428a2f98d728ae22, 0x7137449123ef65cd, 0xb5c0fbcfec4d3b2f, 0xe9b5dba58189dbbc,
	0x3956c25bf348b538, 0x59f111f1b605d019, 0x923f82a4af194f9b, 0xab1c5ed5da6d8118,
	0xd807aa98a3030242, 0x12835b0145706fbe, 0x243185be4ee4b28c, 0x550c7dc3d5ffb4e2,
	0x72be5d74f27b896f, 0x80deb1fe3b1696b1, 0x9bdc06a725c71235, 0xc19bf174cf692694,
	0xe49b69c19ef14ad2, 0xefbe4786384f25e3, 0x0fc19dc68b8cd5b5, 0x240ca1cc77ac9c65,
	0x2de92c6f592b0275, 0x4a7484aa6ea6e483, 0x5cb0a9dcbd41fbd4, 0x76f988da831153b5,
	0x983e5152ee66dfab, 0xa831c66d2db43210, 0xb00327c898fb213f, 0xbf597fc7beef0ee4,
	0xc6e00bf33da88fc2, 0xd5a79147930aa725, 0x06ca6351e003826f, 0x142929670a0e6e70,
	0x27b70a8546d22ffc, 0x2e1b21385c26c926, 0x4d2c6dfc5ac42aed, 0x53380d139d95b3df,
	0x650a73548baf63de, 0x766a0abb3c77b2a8, 0x81c2c92e47edaee6, 0x92722c851482353b,
	0xa2bfe8a14cf10364, 0xa81a664bbc423001, 0xc24b8b70d0f89791, 0xc76c51a30654be30,
	0xd192e819d6ef5218, 0xd69906245565a910, 0xf40e35855771202a, 0x106aa07032bbd1b8,
	0x19a4c116b8d2d0c8, 0x1e376c085141ab53, 0x2748774cdf8eeb99, 0x34b0bcb5e19b48a8,
	0x391c0cb3c5c95a63, 0x4ed8aa4ae3418acb, 0x5b9cca4f7763e373, 0x682e6ff3d6b2b8a3,
	0x748f82ee5defb2fc, 0x78a5636f43172f60, 0x84c87814a1f0ab72, 0x8cc702081a6439ec,
	0x90befffa23631e28, 0xa4506cebde82bde9, 0xbef9a3f7b2c67915, 0xc67178f2e372532b,
	0xca273eceea26619c, 0xd186b8c721c0c207, 0xeada7dd6cde0eb1e, 0xf57d4f7fee6ed178,
	0x06f067aa72176fba, 0x0a637dc5a2c898a6, 0x113f9804bef90dae, 0x1b710b35131c471b,
	0x28db77f523047d84, 0x32caab7b40c72493, 0x3c9ebe0a15c9bebc, 0x431d67c49c100d4c,
	0x4cc5d4becb3e42b6, 0x597f299cfc657e2a, 0x5fcb6fab3ad6faec, 0x6c44198c4a475817,
};

/* clang's -Oz calls them otherwise, which costs more. */
#define INLINE __attribute__((always_inline)) static inline

INLINE uint32_t rotr32(uint32_t x, unsigned count)
{
	return x >> count | x << (32 - count);
}

INLINE uint64_t rotr64(uint64_t x, unsigned count)
{
	return x >> count | x << (64 - count);
}

/*
 * ROTR^a ^ ROTR^b ^ ROTR^c, a < b < c, one inside of the other, for which one register does; and
 * ROTR^a ^ ROTR^b ^ SHR^c.
 */
INLINE uint32_t upper_sigma32(uint32_t x, unsigned a, unsigned b, unsigned c)
{
	return rotr32(rotr32(rotr32(x, c - b) ^ x, b - a) ^ x, a);
}

INLINE uint64_t upper_sigma64(uint64_t x, unsigned a, unsigned b, unsigned c)
{
	return rotr64(rotr64(rotr64(x, c - b) ^ x, b - a) ^ x, a);
}

INLINE uint32_t lower_sigma32(uint32_t x, unsigned a, unsigned b, unsigned c)
{
	return rotr32(rotr32(x, b - a) ^ x, a) ^ x >> c;
}

INLINE uint64_t lower_sigma64(uint64_t x, unsigned a, unsigned b, unsigned c)
{
	return rotr64(rotr64(x, b - a) ^ x, a) ^ x >> c;
}

void sha256_block(uint32_t state[8], const uint8_t *bytes)
{
	uint32_t w[SHA256_ROUNDS];
	uint32_t variables[SHA256_ROUNDS + 8];
	uint32_t *v = variables + SHA256_ROUNDS;

	for (size_t t = 0; t < 16; t++) {
		struct be32 word;
		memcpy(&word, bytes + 4 * t, sizeof(word));
		w[t] = be32_get(word);
	}
	for (size_t t = 16; t < SHA256_ROUNDS; t++)
		w[t] = lower_sigma32(w[t - 2], 17, 19, 10) + w[t - 7] +
		       lower_sigma32(w[t - 15], 7, 18, 3) + w[t - 16];

	memcpy(v, state, 8 * sizeof(*v));
	uint32_t a = v[0], e = v[4];
	uint32_t b_c = v[1] ^ v[2];
	for (size_t t = 0; t < SHA256_ROUNDS; t++) {
		const uint32_t *now = v--;
		uint32_t ch = (e & (now[5] ^ now[6])) ^ now[6];
		uint32_t t1 = now[7] + upper_sigma32(e, 6, 11, 25) + ch +
			      (uint32_t)(sha2_constants[t] >> 32) + w[t];
		/* What differs in a and b here, differs in b and c in the next round. */
		uint32_t a_b = a ^ now[1];
		uint32_t maj = (a_b & b_c) ^ now[1];
		b_c = a_b;
		a = t1 + upper_sigma32(a, 2, 13, 22) + maj;
		e = now[3] + t1;
		v[0] = a;
		v[4] = e;
	}
	for (size_t i = 0; i < 8; i++)
		state[i] += v[i];
}

void sha512_block(uint64_t state[8], const uint8_t *bytes)
{
	uint64_t w[SHA512_ROUNDS];
	uint64_t variables[SHA512_ROUNDS + 8];
	uint64_t *v = variables + SHA512_ROUNDS;

	for (size_t t = 0; t < 16; t++) {
		struct be64 word;
		memcpy(&word, bytes + 8 * t, sizeof(word));
		w[t] = be64_get(word);
	}
	for (size_t t = 16; t < SHA512_ROUNDS; t++)
		w[t] = lower_sigma64(w[t - 2], 19, 61, 6) + w[t - 7] +
		       lower_sigma64(w[t - 15], 1, 8, 7) + w[t - 16];

	memcpy(v, state, 8 * sizeof(*v));
	uint64_t a = v[0], e = v[4];
	uint64_t b_c = v[1] ^ v[2];
	for (size_t t = 0; t < SHA512_ROUNDS; t++) {
		const uint64_t *now = v--;
		uint64_t ch = (e & (now[5] ^ now[6])) ^ now[6];
		uint64_t t1 = now[7] + upper_sigma64(e, 14, 18, 41) + ch + sha2_constants[t] + w[t];
		uint64_t a_b = a ^ now[1];
		uint64_t maj = (a_b & b_c) ^ now[1];
		b_c = a_b;
		a = t1 + upper_sigma64(a, 28, 34, 39) + maj;
		e = now[3] + t1;
		v[0] = a;
		v[4] = e;
	}
	for (size_t i = 0; i < 8; i++)
		state[i] += v[i];
}
