/* SPDX-License-Identifier: BSD-2-Clause */
#include "measure/sha2_blocks.h"

/*
 * SHA-256 by instructions that work on vectors of four words, each with a name here. w is the
 * message schedule: four rounds use four words of it, and make those of sixteen rounds later. The
 * last four times nobody uses them, which costs less than code without it.
 */

#if defined(__x86_64__)

#include <immintrin.h>

/* Intel SDM vol. 2, SHA256RNDS2, SHA256MSG1, SHA256MSG2; two rounds need two of its words. */

#define INSTRUCTIONS __attribute__((target("sha,sse4.1")))

/* The letters are those of the variables, from the highest word down. */
struct variables {
	__m128i abef;
	__m128i cdgh;
};

INSTRUCTIONS static inline __m128i load(const void *bytes)
{
	return _mm_loadu_si128(bytes);
}

/* The upper halves of four constants. */
INSTRUCTIONS static inline __m128i constants(size_t first)
{
	const __m128i *at = (const __m128i *)(sha2_constants + first);
	__m128 low = _mm_castsi128_ps(at[0]);
	__m128 high = _mm_castsi128_ps(at[1]);

	return _mm_castps_si128(_mm_shuffle_ps(low, high, 0xdd));
}

INSTRUCTIONS __attribute__((always_inline)) static inline void
four_rounds(struct variables *v, __m128i w[4], unsigned at, size_t first)
{
	const __m128i last = w[(at + 3) % 4];
	__m128i wk = _mm_add_epi32(w[at], constants(first));

	v->cdgh = _mm_sha256rnds2_epu32(v->cdgh, v->abef, wk);
	v->abef = _mm_sha256rnds2_epu32(v->abef, v->cdgh, _mm_shuffle_epi32(wk, 0x0e));
	__m128i next = _mm_sha256msg1_epu32(w[at], w[(at + 1) % 4]);
	next = _mm_add_epi32(next, _mm_alignr_epi8(last, w[(at + 2) % 4], 4));
	w[at] = _mm_sha256msg2_epu32(next, last);
}

INSTRUCTIONS void sha256_blocks_cpu(uint32_t state[8], const uint8_t *bytes, size_t size)
{
	const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
	__m128i cdab = _mm_shuffle_epi32(load(state), 0xb1);
	__m128i efgh = _mm_shuffle_epi32(load(state + 4), 0x1b);
	struct variables v = {
		.abef = _mm_alignr_epi8(cdab, efgh, 8),
		.cdgh = _mm_blend_epi16(efgh, cdab, 0xf0),
	};

	for (; size > 0; size -= SHA256_BLOCK_SIZE) {
		struct variables before = v;
		__m128i w[4];
		for (unsigned i = 0; i < 4; i++, bytes += sizeof(w[0]))
			w[i] = _mm_shuffle_epi8(load(bytes), big_endian);
		for (size_t t = 0; t < 64; t += 16) {
			four_rounds(&v, w, 0, t);
			four_rounds(&v, w, 1, t + 4);
			four_rounds(&v, w, 2, t + 8);
			four_rounds(&v, w, 3, t + 12);
		}
		v.abef = _mm_add_epi32(v.abef, before.abef);
		v.cdgh = _mm_add_epi32(v.cdgh, before.cdgh);
	}

	__m128i feba = _mm_shuffle_epi32(v.abef, 0x1b);
	__m128i dchg = _mm_shuffle_epi32(v.cdgh, 0xb1);
	_mm_storeu_si128((__m128i *)state, _mm_blend_epi16(feba, dchg, 0xf0));
	_mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
}

#elif defined(__aarch64__)

#include <arm_neon.h>

/* Arm ARM C7.2, SHA256H, SHA256H2, SHA256SU0, SHA256SU1. */

struct variables {
	uint32x4_t abcd;
	uint32x4_t efgh;
};

/* The upper halves of four constants. */
static inline uint32x4_t constants(size_t first)
{
	return vld2q_u32((const uint32_t *)(sha2_constants + first)).val[1];
}

__attribute__((always_inline)) static inline void four_rounds(struct variables *v, uint32x4_t w[4],
							      unsigned at, size_t first)
{
	uint32x4_t wk = vaddq_u32(w[at], constants(first));
	uint32x4_t abcd = v->abcd;

	v->abcd = vsha256hq_u32(abcd, v->efgh, wk);
	v->efgh = vsha256h2q_u32(v->efgh, abcd, wk);
	w[at] = vsha256su1q_u32(vsha256su0q_u32(w[at], w[(at + 1) % 4]), w[(at + 2) % 4],
				w[(at + 3) % 4]);
}

void sha256_blocks_cpu(uint32_t state[8], const uint8_t *bytes, size_t size)
{
	struct variables v = {.abcd = vld1q_u32(state), .efgh = vld1q_u32(state + 4)};

	for (; size > 0; size -= SHA256_BLOCK_SIZE) {
		struct variables before = v;
		uint32x4_t w[4];
		for (unsigned i = 0; i < 4; i++, bytes += sizeof(w[0]))
			w[i] = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(bytes)));
		for (size_t t = 0; t < 64; t += 16) {
			four_rounds(&v, w, 0, t);
			four_rounds(&v, w, 1, t + 4);
			four_rounds(&v, w, 2, t + 8);
			four_rounds(&v, w, 3, t + 12);
		}
		v.abcd = vaddq_u32(v.abcd, before.abcd);
		v.efgh = vaddq_u32(v.efgh, before.efgh);
	}
	vst1q_u32(state, v.abcd);
	vst1q_u32(state + 4, v.efgh);
}

#endif
