/* SPDX-License-Identifier: BSD-2-Clause */
#include "proof.h"

#include "measure/eventlog.c"
#include "measure/pcr.c"

#define ROOM_MAX 200

/* Any banks that can be active, of which there are so many. */
static struct pcr_banks any_banks(size_t max)
{
	struct pcr_banks banks;

	ASSUME(banks.count <= max);
	for (size_t i = 0; i < max; i++) {
		ASSUME(banks.bank[i].size == pcr_digest_size(banks.bank[i].algorithm));
		ASSUME(banks.bank[i].size != 0);
	}
	return banks;
}

/**
 * A log writes inside of the memory that it was given, says how much it has written, and is full
 * when something had no room; after that it writes nothing.
 * Bound: room for up to 200 bytes, up to 2 banks; an event of up to 40 bytes, or of 4 GiB and more.
 * Loops: eventlog_begin.0:3, put_digests.0:3, digests_size.0:3,
 * strlen.0:7
 */
PROOF(eventlog, 3)
{
	size_t room = any_up_to(ROOM_MAX);
	const struct pcr_banks banks = any_banks(2);
	struct pcr_digests digests;
	struct eventlog log;

	if (eventlog_begin(&log, any_bytes(room), room, &banks) != STATUS_OK) {
		REACHED("no room for the first event");
		PROVE(log.full && log.size == 0);
	}
	PROVE(log.size <= room);
	size_t before = log.size, size = any_u64();
	ASSUME(size <= 40 || size > UINT32_MAX);
	const struct span event = {any_bytes(size <= 40 ? size : 0), size};
	eventlog_add(&log, any_u32(), EV_IPL, &digests, any_bool() ? "label" : "", event);
	PROVE(log.size <= room);
	if (log.full) {
		REACHED("full");
		PROVE(log.size == before);
	} else {
		REACHED("an event");
		size_t least = before + 16 + digests_size(&banks) + size;
		PROVE(log.size == least || log.size == least + 5);
	}
	before = log.size;
	bool full = log.full;
	eventlog_add(&log, 0, EV_IPL, &digests, "", (struct span){any_bytes(0), 0});
	PROVE(!full || (log.full && log.size == before));
	PROVE(log.size <= room);
}
