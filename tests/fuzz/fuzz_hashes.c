/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdbool.h>
#include <string.h>

#include "fuzz.h"
#include "lib/check.h"
#include "measure/hashes.h"

/*
 * The hash table of confidential VMs: the input is the block that may hold one. What is found was
 * in it once, and nothing else; a block that is refused says why.
 */

#define HEADER 18
#define ENTRY  50

_Noreturn void check_failed(const char *what)
{
	fuzz_failed(__FILE__, __LINE__, what);
}

static unsigned number_at(struct span block, size_t at)
{
	return block.bytes[at] | (unsigned)block.bytes[at + 1] << 8;
}

/* A digest stands behind one of the three GUIDs, and each at another place. */
static void check_found(struct span block, const struct hashes *hashes)
{
	unsigned places = 0;

	REQUIRE(number_at(block, 16) == HEADER + HASHES_BLOBS * ENTRY);
	for (unsigned blob = 0; blob < HASHES_BLOBS; blob++) {
		unsigned place = 0;
		while (place < HASHES_BLOBS &&
		       ((places & 1u << place) != 0 ||
			memcmp(block.bytes + HEADER + place * ENTRY + HEADER, hashes->digest[blob],
			       HASHES_DIGEST_SIZE) != 0))
			place++;
		REQUIRE(place < HASHES_BLOBS);
		REQUIRE(number_at(block, HEADER + place * ENTRY + 16) == ENTRY);
		places |= 1u << place;
	}
}

/* Each digest is right for itself, and wrong with another bit. */
static void check_digests(const struct hashes *hashes)
{
	uint8_t digest[HASHES_DIGEST_SIZE];
	struct reason why = {""};

	for (unsigned blob = 0; blob < HASHES_BLOBS; blob++) {
		memcpy(digest, hashes->digest[blob], sizeof(digest));
		REQUIRE(hashes_check(hashes, blob, digest, &why) == STATUS_OK);
		digest[blob] ^= 1;
		REQUIRE(hashes_check(hashes, blob, digest, &why) == STATUS_MISMATCH);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const struct span block = {bytes, size};
	struct hashes hashes, untouched;
	struct reason why = {""};

	memset(&hashes, 0x5a, sizeof(hashes));
	untouched = hashes;
	enum status status = hashes_parse(block, &hashes, &why);
	if (status == STATUS_OK) {
		check_found(block, &hashes);
		check_digests(&hashes);
		return 0;
	}
	REQUIRE(memcmp(&hashes, &untouched, sizeof(hashes)) == 0);
	REQUIRE((status == STATUS_NOT_FOUND) == (why.text[0] == '\0'));
	return 0;
}
