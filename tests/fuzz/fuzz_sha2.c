/* SPDX-License-Identifier: BSD-2-Clause */
#include <openssl/sha.h>
#include <string.h>

#include "arch/host/host.h"
#include "fuzz.h"
#include "measure/sha2.h"

/*
 * A message in pieces: a byte with the number of pieces, two bytes with the size of each, the
 * message. The last piece is what is left. Every way to compute a digest that this machine has
 * gives what OpenSSL gives for the message as a whole, and reads each piece alone.
 */

#define PIECES_MAX 32
#define MARK       0x5a

struct pieces {
	size_t count;
	size_t size[PIECES_MAX];
};

/* Each piece ends where memory of its own on the heap does, so that ASan sees a byte too many. */
static void hash_pieces(const struct pieces *pieces, struct span message, enum sha2_kind kind,
			enum sha2_engine engine, uint8_t *ret_digest)
{
	struct sha2 hash;
	size_t at = 0;

	sha2_init(&hash, kind, engine);
	for (size_t i = 0; i <= pieces->count; i++) {
		size_t size = message.size - at;
		if (i < pieces->count && pieces->size[i] < size)
			size = pieces->size[i];
		uint8_t *piece = malloc(size + 1);
		REQUIRE(piece != NULL);
		memcpy(piece + 1, message.bytes + at, size);
		sha2_update(&hash, (struct span){piece + 1, size});
		free(piece);
		at += size;
	}
	REQUIRE(at == message.size);
	ret_digest[kind == SHA2_384 ? SHA384_SIZE : SHA256_SIZE] = MARK;
	sha2_final(&hash, ret_digest);
	REQUIRE(ret_digest[kind == SHA2_384 ? SHA384_SIZE : SHA256_SIZE] == MARK);
}

/* libFuzzer calls it before the first input. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	fprintf(stderr, "SHA-256 by the CPU: %s\n",
		host_cpu_has_sha256() ? "tested" : "NOT TESTED, it has no such instructions");
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct input input = {bytes, size};
	struct pieces pieces = {.count = input_byte(&input) % (PIECES_MAX + 1)};
	uint8_t digest[SHA2_SIZE_MAX + 1], expected[SHA2_SIZE_MAX];

	for (size_t i = 0; i < pieces.count; i++)
		pieces.size[i] = input_number(&input, 2);
	const struct span message = {input.at, input.left};

	SHA256(message.bytes, message.size, expected);
	hash_pieces(&pieces, message, SHA2_256, SHA2_PORTABLE, digest);
	REQUIRE(memcmp(digest, expected, SHA256_SIZE) == 0);
	if (host_cpu_has_sha256()) {
		hash_pieces(&pieces, message, SHA2_256, SHA2_CPU, digest);
		REQUIRE(memcmp(digest, expected, SHA256_SIZE) == 0);
	}
	SHA384(message.bytes, message.size, expected);
	hash_pieces(&pieces, message, SHA2_384, SHA2_PORTABLE, digest);
	REQUIRE(memcmp(digest, expected, SHA384_SIZE) == 0);
	return 0;
}
