/* SPDX-License-Identifier: BSD-2-Clause */
#include "proof.h"

#include "measure/hashes.c"

/* Where the entry with this number is, which is in the block. */
static const struct table_entry *entry_at(struct span block, size_t index)
{
	return (const struct table_entry *)(block.bytes + sizeof(struct table_header)) + index;
}

/**
 * hashes_parse() reads nothing behind its block; what it accepts is a header and three entries, one
 * for each blob, whose digests it gives; a failure changes nothing.
 * Bound: blocks of 0 to 65536 bytes, and any contents.
 * Loops: hashes_parse.0:5, hashes_parse.1:4, blob_of.0:4
 */
PROOF(hashes_parse, 17)
{
	size_t size = any_up_to(0x10000);
	const struct span block = {any_bytes(size), size};
	size_t blob = any_up_to(HASHES_BLOBS - 1), byte = any_up_to(HASHES_DIGEST_SIZE - 1);
	struct hashes hashes;
	struct reason why;

	uint8_t before = hashes.digest[blob][byte];
	enum status status = hashes_parse(block, &hashes, &why);
	if (status == STATUS_NOT_FOUND)
		REACHED("no table");
	if (status != STATUS_OK) {
		REACHED("a refusal");
		PROVE(hashes.digest[blob][byte] == before);
		return;
	}
	REACHED("a table");
	const struct table_header *header = (const struct table_header *)block.bytes;
	PROVE(le16_get(header->len) == 168 && size >= 168);
	PROVE(memcmp(header->guid, header_guid, 16) == 0);
	unsigned places = 0;
	for (size_t i = 0; i < HASHES_BLOBS; i++) {
		const struct table_entry *entry = entry_at(block, i);
		if (memcmp(entry->guid, entry_guids[blob], 16) != 0)
			continue;
		places++;
		PROVE(le16_get(entry->len) == 50);
		PROVE(hashes.digest[blob][byte] == entry->hash[byte]);
	}
	PROVE(places == 1);
}

/**
 * hashes_parse() accepts every table that QEMU can make, whatever its order, and whatever follows.
 * Bound: blocks of 168 to 65536 bytes.
 * Loops: hashes_parse.0:5, hashes_parse.1:4, blob_of.0:4
 */
PROOF(hashes_parse_accepts, 17)
{
	size_t size = any_up_to(0x10000);
	size_t first = any_up_to(HASHES_BLOBS - 1), second = any_up_to(HASHES_BLOBS - 1);
	struct hashes hashes;
	struct reason why;

	ASSUME(size >= 168 && first != second);
	const size_t order[HASHES_BLOBS] = {first, second, HASHES_BLOBS - first - second};
	uint8_t *bytes = any_bytes(size);
	struct table_header *header = (struct table_header *)bytes;
	memcpy(header->guid, header_guid, sizeof(header_guid));
	header->len = le16_of(168);
	for (size_t i = 0; i < HASHES_BLOBS; i++) {
		struct table_entry *entry = (struct table_entry *)(header + 1) + i;
		memcpy(entry->guid, entry_guids[order[i]], sizeof(entry->guid));
		entry->len = le16_of(50);
	}
	REACHED("a table");
	PROVE(hashes_parse((struct span){bytes, size}, &hashes, &why) == STATUS_OK);
}

/**
 * hashes_check() accepts the digest of the table, and no other.
 * Bound: none.
 */
PROOF(hashes_check, 33)
{
	struct hashes hashes;
	uint8_t digest[HASHES_DIGEST_SIZE];
	size_t blob = any_up_to(HASHES_BLOBS - 1), byte = any_up_to(HASHES_DIGEST_SIZE - 1);
	struct reason why;
	bool same = true;

	for (unsigned i = 0; i < HASHES_DIGEST_SIZE; i++)
		same = same && digest[i] == hashes.digest[blob][i];
	enum status status = hashes_check(&hashes, (enum hashes_blob)blob, digest, &why);
	if (status == STATUS_OK) {
		REACHED("the digest");
		PROVE(digest[byte] == hashes.digest[blob][byte]);
	} else {
		REACHED("another digest");
		PROVE(status == STATUS_MISMATCH);
	}
	PROVE(same == (status == STATUS_OK));
}
