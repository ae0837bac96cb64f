/* SPDX-License-Identifier: BSD-2-Clause */
#include "measure/eventlog.h"

#include <string.h>

#include "lib/check.h"
#include "lib/endian.h"

/*
 * TCG_PCClientPCREvent, TCG_PCR_EVENT2 and TCG_EfiSpecIDEvent: PC Client Platform Firmware Profile
 * 1.05, 10.2.1, 10.2.2 and 10.4.5.1. All numbers are little-endian.
 */
struct first_event {
	struct le32 pcr, type;
	uint8_t sha1[20];
	struct le32 size; /* of what follows */
	char signature[16];
	struct le32 platform_class;
	uint8_t minor, major, errata, uintn_size;
	struct le32 algorithms;
};
_Static_assert(sizeof(struct first_event) == 60, "10.2.1, 10.4.5.1");
#define FIRST_EVENT_HEAD offsetof(struct first_event, signature)

#define PLATFORM_CLASS_CLIENT 0
#define SPEC_MAJOR            2
#define SPEC_MINOR            0
#define SPEC_ERRATA           105
#define UINTN_64_BIT          2

struct algorithm_size {
	struct le16 algorithm, size;
};

struct event_head {
	struct le32 pcr, type, digests;
};

/* Writes at the end of the log, where there is room: that has been looked at. */
static void put(struct eventlog *log, const void *bytes, size_t size)
{
	CHECK(size <= log->room - log->size);
	memcpy(log->bytes + log->size, bytes, size);
	log->size += size;
}

static bool has_room(struct eventlog *log, uint64_t size)
{
	log->full = log->full || size > log->room - log->size;
	return !log->full;
}

enum status eventlog_begin(struct eventlog *log, void *bytes, size_t room,
			   const struct pcr_banks *banks)
{
	const uint8_t vendor_info_size = 0;
	size_t size = sizeof(struct first_event) + banks->count * sizeof(struct algorithm_size) +
		      sizeof(vendor_info_size);
	const struct first_event first = {
		.type = le32_of(EV_NO_ACTION),
		.size = le32_of((uint32_t)(size - FIRST_EVENT_HEAD)),
		.signature = "Spec ID Event03",
		.platform_class = le32_of(PLATFORM_CLASS_CLIENT),
		.minor = SPEC_MINOR,
		.major = SPEC_MAJOR,
		.errata = SPEC_ERRATA,
		.uintn_size = UINTN_64_BIT,
		.algorithms = le32_of((uint32_t)banks->count),
	};

	*log = (struct eventlog){.bytes = bytes, .room = room, .banks = *banks};
	if (!has_room(log, size))
		return STATUS_TOO_LARGE;
	put(log, &first, sizeof(first));
	for (size_t i = 0; i < banks->count; i++) {
		const struct algorithm_size entry = {
			le16_of(banks->bank[i].algorithm),
			le16_of(banks->bank[i].size),
		};
		put(log, &entry, sizeof(entry));
	}
	put(log, &vendor_info_size, sizeof(vendor_info_size));
	return STATUS_OK;
}

static void put_digests(struct eventlog *log, const struct pcr_digests *digests)
{
	for (size_t i = 0; i < log->banks.count; i++) {
		const struct pcr_bank bank = log->banks.bank[i];
		struct le16 algorithm = le16_of(bank.algorithm);
		uint8_t digest[PCR_DIGEST_SIZE_MAX];
		pcr_write_digest(bank, digests, digest);
		put(log, &algorithm, sizeof(algorithm));
		put(log, digest, bank.size);
	}
}

static size_t digests_size(const struct pcr_banks *banks)
{
	size_t size = 0;

	for (size_t i = 0; i < banks->count; i++)
		size += sizeof(struct le16) + banks->bank[i].size;
	return size;
}

void eventlog_add(struct eventlog *log, uint32_t pcr, enum event_type type,
		  const struct pcr_digests *digests, const char *label, struct span data)
{
	const size_t label_size = strlen(label);
	struct le32 data_size = le32_of((uint32_t)(label_size + data.size));
	const struct event_head head = {
		.pcr = le32_of(pcr),
		.type = le32_of(type),
		.digests = le32_of((uint32_t)log->banks.count),
	};
	/* More than its field can say never has room. */
	uint64_t size = data.size > UINT32_MAX - label_size
				? UINT64_MAX
				: sizeof(head) + digests_size(&log->banks) + sizeof(data_size) +
					  label_size + data.size;

	if (!has_room(log, size))
		return;
	put(log, &head, sizeof(head));
	put_digests(log, digests);
	put(log, &data_size, sizeof(data_size));
	put(log, label, label_size);
	put(log, data.bytes, data.size);
}
