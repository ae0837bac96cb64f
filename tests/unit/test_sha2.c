/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "arch/machine.h"
#include "measure/sha2.h"

/* NIST's CAVP vectors for byte-oriented implementations: Debian's python3-cryptography-vectors. */
#define CAVP "/usr/lib/python3/dist-packages/cryptography_vectors/hashes/SHA2"

/* A line holds a message in hex. */
#define LINE_MAX 65536

static const struct way {
	const char *name;
	const char *file; /* its vectors' names begin like that */
	enum sha2_kind kind;
	enum sha2_engine engine;
	size_t size;
	size_t block_size;
	const char *all_lengths; /* sha2_all_lengths_up_to_300() */
} ways[] = {
	{"SHA-256, portable", "SHA256", SHA2_256, SHA2_PORTABLE, SHA256_SIZE, 64,
	 "60d63ff40b5558727a9b786ac0be9300f7ca58fd9ddd3b2f3681b369018a87dc"},
	{"SHA-256 by the CPU", "SHA256", SHA2_256, SHA2_CPU, SHA256_SIZE, 64,
	 "60d63ff40b5558727a9b786ac0be9300f7ca58fd9ddd3b2f3681b369018a87dc"},
	{"SHA-384, portable", "SHA384", SHA2_384, SHA2_PORTABLE, SHA384_SIZE, 128,
	 "022ac2b92dcdb9358b044b9475cd22bacae49d2510f5493370847b4c61050cac"
	 "c2325d1d80119adbc3ca9eaa7ecd3de7"},
	/* There are no instructions for it. */
	{"SHA-384, with the CPU's SHA-256", "SHA384", SHA2_384, SHA2_CPU, SHA384_SIZE, 128,
	 "022ac2b92dcdb9358b044b9475cd22bacae49d2510f5493370847b4c61050cac"
	 "c2325d1d80119adbc3ca9eaa7ecd3de7"},
};

/* Says what it tests, and also what it cannot test on this machine. */
static void for_each_way(void (*test)(const struct way *way))
{
	for (size_t i = 0; i < COUNT(ways); i++) {
		bool runs = ways[i].engine == SHA2_PORTABLE || host_cpu_has_sha256();
		print_message("%s: %s\n", ways[i].name,
			      runs ? "tested" : "NOT TESTED, this CPU has no such instructions");
		if (!runs)
			continue;
		snprintf(unit_trial, sizeof(unit_trial), "%s", ways[i].name);
		test(&ways[i]);
	}
}

static void hash_all(const struct way *way, const void *bytes, size_t size, uint8_t *ret_digest)
{
	struct sha2 hash;

	sha2_init(&hash, way->kind, way->engine);
	sha2_update(&hash, (struct span){bytes, size});
	sha2_final(&hash, ret_digest);
}

static void check_digest(const struct way *way, const uint8_t *digest, const char *expected)
{
	char text[2 * SHA2_SIZE_MAX + 1];

	for (size_t i = 0; i < way->size; i++)
		snprintf(text + 2 * i, 3, "%02x", digest[i]);
	assert_string_equal(text, expected);
}

/* -- vectors --------------------------------------------------------------------- */

static FILE *open_vectors(const struct way *way, const char *which)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s%s.rsp", CAVP, way->file, which);
	FILE *file = fopen(path, "r");
	if (file == NULL)
		fail_msg("no file %s", path);
	return file;
}

/* The next line "@name = value": the value, or NULL at the end. The value is gone at the next call.
 */
static const char *next_value(FILE *file, const char *name)
{
	static char line[LINE_MAX];
	size_t length = strlen(name);

	while (fgets(line, sizeof(line), file) != NULL) {
		assert_true(strlen(line) < sizeof(line) - 1);
		line[strcspn(line, "\r\n")] = '\0';
		if (strncmp(line, name, length) == 0 && strncmp(line + length, " = ", 3) == 0)
			return line + length + 3;
	}
	return NULL;
}

static uint8_t of_hex(const char *digits)
{
	char text[3] = {digits[0], digits[1], '\0'};

	return (uint8_t)strtoul(text, NULL, 16);
}

/* Messages end where their memory on the heap does, so that ASan sees a byte too many. */
static size_t check_messages(const struct way *way, const char *which)
{
	FILE *file = open_vectors(way, which);
	const char *value;
	size_t count = 0;

	while ((value = next_value(file, "Len")) != NULL) {
		uint8_t digest[SHA2_SIZE_MAX];
		size_t size = strtoul(value, NULL, 10) / 8;
		uint8_t *message = malloc(size + 1);
		const char *hex = next_value(file, "Msg");
		assert_non_null(hex);
		assert_non_null(message);
		for (size_t i = 0; i < size; i++)
			message[1 + i] = of_hex(hex + 2 * i);
		hash_all(way, message + 1, size, digest);
		free(message);
		const char *expected = next_value(file, "MD");
		assert_non_null(expected);
		check_digest(way, digest, expected);
		count++;
	}
	fclose(file);
	return count;
}

static void check_short_messages(const struct way *way)
{
	/* Of every number of bytes up to a block. */
	assert_int_equal(check_messages(way, "ShortMsg"), way->block_size + 1);
}

static void check_long_messages(const struct way *way)
{
	assert_int_equal(check_messages(way, "LongMsg"), way->block_size);
}

/* The Secure Hash Algorithm Validation System, 6.4. */
static void check_monte_carlo(const struct way *way)
{
	FILE *file = open_vectors(way, "Monte");
	uint8_t seed[SHA2_SIZE_MAX], message[3 * SHA2_SIZE_MAX];
	const char *value = next_value(file, "Seed");
	size_t count = 0;

	assert_non_null(value);
	for (size_t i = 0; i < way->size; i++)
		seed[i] = of_hex(value + 2 * i);
	while ((value = next_value(file, "MD")) != NULL) {
		for (size_t i = 0; i < 3; i++)
			memcpy(message + i * way->size, seed, way->size);
		for (unsigned i = 0; i < 1000; i++) {
			hash_all(way, message, 3 * way->size, seed);
			memmove(message, message + way->size, 2 * way->size);
			memcpy(message + 2 * way->size, seed, way->size);
		}
		check_digest(way, seed, value);
		count++;
	}
	assert_int_equal(count, 100);
	fclose(file);
}

static void sha2_cavp_short_messages(void **state)
{
	(void)state;
	for_each_way(check_short_messages);
}

static void sha2_cavp_long_messages(void **state)
{
	(void)state;
	for_each_way(check_long_messages);
}

static void sha2_cavp_monte_carlo(void **state)
{
	(void)state;
	for_each_way(check_monte_carlo);
}

/* -- lengths and pieces ---------------------------------------------------------- */

static void fill(uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(i * 7 + size);
}

/* The digest of the digests; Python's hashlib says what it is. */
static void check_all_lengths(const struct way *way)
{
	uint8_t digest[SHA2_SIZE_MAX];
	struct sha2 all;

	sha2_init(&all, way->kind, way->engine);
	for (size_t size = 0; size <= 300; size++) {
		uint8_t *message = malloc(size + 1);
		assert_non_null(message);
		/* At odd addresses as well. */
		fill(message + 1, size);
		hash_all(way, message + 1, size, digest);
		free(message);
		sha2_update(&all, (struct span){digest, way->size});
	}
	sha2_final(&all, digest);
	check_digest(way, digest, way->all_lengths);
}

static void sha2_all_lengths_up_to_300(void **state)
{
	(void)state;
	for_each_way(check_all_lengths);
}

/* Borders of blocks, and of what is left for the length. */
static const size_t borders[] = {0,   1,   3,   54,  55,  56,  57,  63,  64,  65,  110,
				 111, 112, 113, 119, 120, 127, 128, 129, 191, 192, 255,
				 256, 257, 300, 383, 384, 385, 639, 640, 641};

/* Pieces end at two borders, in a context that a message was hashed in before. */
static void check_pieces(const struct way *way)
{
	const size_t size = borders[COUNT(borders) - 1];
	uint8_t *message = malloc(size);
	uint8_t expected[SHA2_SIZE_MAX], digest[SHA2_SIZE_MAX + 1];
	struct sha2 hash;

	assert_non_null(message);
	fill(message, size);
	hash_all(way, message, size, expected);
	for (size_t i = 0; i < COUNT(borders); i++) {
		for (size_t j = i; j < COUNT(borders); j++) {
			size_t first = borders[i], second = borders[j];
			sha2_init(&hash, way->kind, way->engine);
			sha2_update(&hash, (struct span){message, first});
			sha2_update(&hash, (struct span){NULL, 0});
			sha2_update(&hash, (struct span){message + first, second - first});
			sha2_update(&hash, (struct span){message + second, size - second});
			digest[way->size] = 0x5a;
			sha2_final(&hash, digest);
			assert_memory_equal(digest, expected, way->size);
			assert_int_equal(digest[way->size], 0x5a);
		}
	}
	free(message);
}

static void sha2_pieces_that_end_at_borders(void **state)
{
	(void)state;
	for_each_way(check_pieces);
}

static void check_random_pieces(const struct way *way)
{
	uint8_t message[5000], expected[SHA2_SIZE_MAX], digest[SHA2_SIZE_MAX];
	struct sha2 hash;

	unit_random_bytes(message, sizeof(message));
	hash_all(way, message, sizeof(message), expected);
	for (unsigned round = 0; round < 300; round++) {
		size_t longest = 1 + unit_random_below(600);
		sha2_init(&hash, way->kind, way->engine);
		for (size_t at = 0, size; at < sizeof(message); at += size) {
			size = unit_random_below(longest + 1);
			if (size > sizeof(message) - at)
				size = sizeof(message) - at;
			/* Of its own, so that ASan sees a byte too many. */
			uint8_t *piece = malloc(size + 1);
			assert_non_null(piece);
			memcpy(piece + 1, message + at, size);
			sha2_update(&hash, (struct span){piece + 1, size});
			free(piece);
		}
		sha2_final(&hash, digest);
		assert_memory_equal(digest, expected, way->size);
	}
}

static void sha2_random_pieces(void **state)
{
	(void)state;
	for_each_way(check_random_pieces);
}

/* Two messages at the same time, and a copy of one that goes on by itself. */
static void check_contexts(const struct way *way)
{
	uint8_t message[500], expected[2][SHA2_SIZE_MAX], digest[SHA2_SIZE_MAX];
	struct sha2 one, other, copy;

	unit_random_bytes(message, sizeof(message));
	hash_all(way, message, 333, expected[0]);
	hash_all(way, message, 500, expected[1]);
	sha2_init(&one, way->kind, way->engine);
	sha2_init(&other, way->kind, way->engine);
	sha2_update(&one, (struct span){message, 200});
	sha2_update(&other, (struct span){message, 77});
	copy = one;
	sha2_update(&one, (struct span){message + 200, 133});
	sha2_update(&copy, (struct span){message + 200, 300});
	sha2_update(&other, (struct span){message + 77, 256});
	sha2_final(&copy, digest);
	assert_memory_equal(digest, expected[1], way->size);
	sha2_final(&one, digest);
	assert_memory_equal(digest, expected[0], way->size);
	sha2_final(&other, digest);
	assert_memory_equal(digest, expected[0], way->size);
}

static void sha2_contexts_are_apart(void **state)
{
	(void)state;
	for_each_way(check_contexts);
}

/*
 * The length in bits takes more than 32 bits of its field. Of a message whose blocks have left the
 * state as it was at first, the digest is what the last block makes of that state.
 */
static void check_length(const struct way *way, uint64_t blocks, size_t rest)
{
	uint64_t length = blocks * way->block_size + rest;
	uint8_t last[128] = {0}, digest[SHA2_SIZE_MAX], expected[SHA2_SIZE_MAX];
	struct sha2 hash;

	fill(last, rest);
	sha2_init(&hash, way->kind, way->engine);
	hash.length = blocks * way->block_size;
	sha2_update(&hash, (struct span){last, rest});
	assert_int_equal(hash.length, length);
	sha2_final(&hash, digest);

	last[rest] = 0x80;
	for (unsigned i = 0; i < 8; i++)
		last[way->block_size - 1 - i] = (uint8_t)(length << 3 >> (8 * i));
	sha2_init(&hash, way->kind, way->engine);
	sha2_update(&hash, (struct span){last, way->block_size});
	for (size_t i = 0; i < way->size; i++) {
		uint64_t word = hash.state.word64[i / 8] >> (56 - i % 8 * 8);
		if (way->kind == SHA2_256)
			word = hash.state.word32[i / 4] >> (24 - i % 4 * 8);
		expected[i] = (uint8_t)word;
	}
	assert_memory_equal(digest, expected, way->size);
}

static void check_lengths(const struct way *way)
{
	check_length(way, 0, 5);
	check_length(way, (1ul << 29) / way->block_size - 1, 40);
	check_length(way, (1ul << 29) / way->block_size, 0);
	check_length(way, (1ul << 29) / way->block_size, 55);
	check_length(way, (1ul << 32) / way->block_size, 1);
	check_length(way, (1ul << 35) / way->block_size, 17);
	check_length(way, (1ul << 56) / way->block_size + 3, 33);
	check_length(way, (1ul << 61) / way->block_size - 1, 55);
}

static void sha2_lengths_above_4_gibit(void **state)
{
	(void)state;
	for_each_way(check_lengths);
}

static void sha2_is_chosen_by_the_seam(void **state)
{
	(void)state;
	assert_false(arch_has_sha256());
	host.has_sha256 = true;
	assert_true(arch_has_sha256());
	host_reset();
	assert_false(arch_has_sha256());
}

static const struct CMUnitTest tests[] = {
	UNIT_TEST(sha2_cavp_short_messages),        UNIT_TEST(sha2_cavp_long_messages),
	UNIT_TEST(sha2_cavp_monte_carlo),           UNIT_TEST(sha2_all_lengths_up_to_300),
	UNIT_TEST(sha2_pieces_that_end_at_borders), UNIT_TEST(sha2_random_pieces),
	UNIT_TEST(sha2_contexts_are_apart),         UNIT_TEST(sha2_lengths_above_4_gibit),
	UNIT_TEST(sha2_is_chosen_by_the_seam),
};

UNIT_MAIN(tests)
