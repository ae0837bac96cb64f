/* SPDX-License-Identifier: BSD-2-Clause */
#include "measure/hashes.h"

#include <string.h>

#include "lib/endian.h"

/* QEMU target/i386/sev.c: SevHashTable, SevHashTableEntry. */
struct table_header {
	uint8_t guid[16];
	struct le16 len; /* of the whole table */
};
struct table_entry {
	uint8_t guid[16];
	struct le16 len;
	uint8_t hash[HASHES_DIGEST_SIZE];
};
_Static_assert(sizeof(struct table_header) == 18, "sev.c, SevHashTable");
_Static_assert(sizeof(struct table_entry) == 50, "sev.c, SevHashTableEntry");
_Static_assert(sizeof(struct table_header) + sizeof(struct table_entry) == HASHES_START_SIZE,
	       "sev.c, SevHashTable");

/* sev.c: SEV_HASH_TABLE_HEADER_GUID and its neighbours, the first three fields little-endian. */
static const uint8_t header_guid[16] = {
	0x06, 0xd6, 0x38, 0x94, 0x22, 0x4f, 0xc9, 0x4c,
	0xb4, 0x79, 0xa7, 0x93, 0xd4, 0x11, 0xfd, 0x21,
};
static const uint8_t entry_guids[HASHES_BLOBS][16] = {
	[HASHES_KERNEL] = {0x37, 0x94, 0xe7, 0x4d, 0xd2, 0xab, 0x7f, 0x42, 0xb8, 0x35, 0xd5, 0xb1,
			   0x72, 0xd2, 0x04, 0x5b},
	[HASHES_INITRD] = {0x31, 0xf7, 0xba, 0x44, 0x2f, 0x3a, 0xd7, 0x4b, 0x9a, 0xf1, 0x41, 0xe2,
			   0x91, 0x69, 0x78, 0x1d},
	[HASHES_CMDLINE] = {0xd8, 0x2d, 0xd0, 0x97, 0x20, 0xbd, 0x94, 0x4c, 0xaa, 0x78, 0xe7, 0x71,
			    0x4d, 0x36, 0xab, 0x2a},
};
static const char blob_names[HASHES_BLOBS][16] = {"kernel", "initrd", "command line"};

/* In words, since each boot looks for a table, and few have one. */
static bool is_guid(const uint8_t *at, const uint8_t *guid)
{
	uint64_t left[2], right[2];

	memcpy(left, at, sizeof(left));
	memcpy(right, guid, sizeof(right));
	return left[0] == right[0] && left[1] == right[1];
}

/* Whether both GUIDs begin with zeros, as none of ours does. */
static bool is_blank(const uint8_t *at)
{
	uint64_t first, second;

	memcpy(&first, at, sizeof(first));
	memcpy(&second, at + sizeof(struct table_header), sizeof(second));
	return (first | second) == 0;
}

/* HASHES_BLOBS when it is for none. */
static unsigned blob_of(const uint8_t *guid)
{
	unsigned blob = 0;

	while (blob < HASHES_BLOBS && !is_guid(guid, entry_guids[blob]))
		blob++;
	return blob;
}

/*
 * Memory that nobody prepared is not all zero: an operating system that rebooted may have left
 * something there. So bytes that mean nothing are no table; one whose GUID alone is wrong is.
 */
bool hashes_are_there(struct span block)
{
	/* The memory of most machines is all zero at their start. */
	return block.size >= HASHES_START_SIZE && !is_blank(block.bytes) &&
	       (is_guid(block.bytes, header_guid) ||
		blob_of(block.bytes + sizeof(struct table_header)) != HASHES_BLOBS);
}

static enum status find_table(struct span block, struct span *ret_table, struct reason *why)
{
	struct table_header header;

	if (!hashes_are_there(block))
		return STATUS_NOT_FOUND;
	if (!is_guid(block.bytes, header_guid))
		return refuse(why, STATUS_BAD_FORMAT,
			      "the hash table has another GUID in its header");
	memcpy(&header, block.bytes, sizeof(header));
	size_t length = le16_get(header.len);
	if (length < sizeof(header) || length > block.size)
		return refuse(why, STATUS_OUT_OF_RANGE,
			      "the hash table's length is %zu, in a block of %zu", length,
			      block.size);
	*ret_table = (struct span){block.bytes, length};
	return STATUS_OK;
}

enum status hashes_parse(struct span block, struct hashes *ret_hashes, struct reason *why)
{
	struct table_entry entry;
	struct hashes hashes;
	struct span table;
	unsigned seen = 0;

	enum status status = find_table(block, &table, why);
	if (status != STATUS_OK)
		return status;
	for (size_t at = sizeof(struct table_header); at < table.size; at += sizeof(entry)) {
		if (!span_read(table, at, sizeof(entry), &entry))
			return refuse(why, STATUS_TRUNCATED,
				      "the hash table ends inside its entry at %zu", at);
		unsigned blob = blob_of(entry.guid);
		if (blob == HASHES_BLOBS)
			return refuse(why, STATUS_BAD_FORMAT,
				      "the hash table's entry at %zu has an unknown GUID", at);
		if (le16_get(entry.len) != sizeof(entry))
			return refuse(why, STATUS_BAD_FORMAT,
				      "the hash table's entry for the %s has %u bytes",
				      blob_names[blob], le16_get(entry.len));
		if ((seen & 1u << blob) != 0)
			return refuse(why, STATUS_BAD_FORMAT,
				      "the hash table has two entries for the %s",
				      blob_names[blob]);
		seen |= 1u << blob;
		memcpy(hashes.digest[blob], entry.hash, sizeof(entry.hash));
	}
	for (unsigned blob = 0; blob < HASHES_BLOBS; blob++) {
		if ((seen & 1u << blob) == 0)
			return refuse(why, STATUS_BAD_FORMAT,
				      "the hash table has no entry for the %s", blob_names[blob]);
	}
	*ret_hashes = hashes;
	return STATUS_OK;
}

enum status hashes_check(const struct hashes *hashes, enum hashes_blob blob,
			 const uint8_t digest[HASHES_DIGEST_SIZE], struct reason *why)
{
	struct be64 word[HASHES_DIGEST_SIZE / 8];

	if (memcmp(digest, hashes->digest[blob], HASHES_DIGEST_SIZE) == 0)
		return STATUS_OK;
	memcpy(word, digest, sizeof(word));
	return refuse(why, STATUS_MISMATCH,
		      "the %s's SHA-256 is %016lx%016lx%016lx%016lx, not the hash table's",
		      blob_names[blob], be64_get(word[0]), be64_get(word[1]), be64_get(word[2]),
		      be64_get(word[3]));
}
