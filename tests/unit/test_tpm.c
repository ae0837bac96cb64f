/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "measure/tpm.h"

/*
 * A TPM with either interface. It answers a start, is asked for its banks and extended; what it
 * answers is the test's.
 */

#define TPM       0xfed40000ul
#define WHAT_FIFO 0xfffffff0u
#define WHAT_CRB  0x1u
#define READY     0x40
#define GO        0x20
#define DATA      0x10
#define VALID     0x80

#define RESPONSE_MAX 640

static struct {
	uint32_t id;
	unsigned step;  /* which never happens; 0: all do */
	unsigned burst; /* what the FIFO says that it has or takes */
	bool owned, ready, executed;
	uint8_t command[1024], response[1024];
	size_t command_size; /* by its header */
	size_t received, response_size, sent;
	size_t taken; /* of the last answer */
	unsigned commands, relinquished;
} tpm;

enum { STEP_ACCESS = 1, STEP_READY, STEP_BURST, STEP_RESPONSE, STEP_BURST_BACK };

/* The next command starts. */
static void begin(void)
{
	tpm.ready = tpm.step != STEP_READY;
	tpm.executed = false;
	tpm.received = 0;
	tpm.taken = tpm.sent;
	tpm.sent = 0;
}

static void receive(uint8_t byte)
{
	assert_true(tpm.ready && !tpm.executed && tpm.received < sizeof(tpm.command));
	tpm.command[tpm.received++] = byte;
}

static void execute(void)
{
	assert_true(tpm.received >= 10);
	tpm.command_size = (size_t)tpm.command[4] << 8 | tpm.command[5];
	assert_int_equal(tpm.received, tpm.command_size);
	assert_int_equal(tpm.command[2] | tpm.command[3], 0);
	tpm.commands++;
	tpm.executed = tpm.step != STEP_RESPONSE;
}

static bool has_burst(void)
{
	return tpm.step != (tpm.executed ? STEP_BURST_BACK : STEP_BURST);
}

static uint64_t fifo_read(uint64_t offset, unsigned width)
{
	switch (offset) {
	case 0x00:
		assert_int_equal(width, 1);
		return VALID | (tpm.owned ? 0x20 : 0);
	case 0x18:
		assert_int_equal(width, 4);
		return (has_burst() ? tpm.burst << 8 : 0) | VALID | (tpm.ready ? READY : 0) |
		       (tpm.executed && tpm.sent < tpm.response_size ? DATA : 0);
	case 0x24:
		assert_int_equal(width, 1);
		assert_true(tpm.executed && tpm.sent < tpm.response_size);
		return tpm.response[tpm.sent++];
	}
	fail_msg("read of 0x%lx", offset);
	return 0;
}

static void fifo_write(uint64_t offset, uint64_t value)
{
	if (offset == 0x00 && value == 2) {
		tpm.owned = tpm.step != STEP_ACCESS;
	} else if (offset == 0x00 && value == 0x20) {
		tpm.relinquished++;
	} else if (offset == 0x18 && value == READY) {
		assert_true(tpm.owned);
		begin();
	} else if (offset == 0x18 && value == GO) {
		execute();
	} else {
		assert_int_equal(offset, 0x24);
		receive((uint8_t)value);
	}
}

static uint64_t crb_read(uint64_t offset, unsigned width)
{
	if (offset >= 0x80) {
		assert_int_equal(width, 1);
		assert_true(tpm.executed && offset < 0x80 + tpm.response_size);
		return tpm.response[offset - 0x80];
	}
	assert_int_equal(width, 4);
	switch (offset) {
	case 0x0c:
		return tpm.owned;
	case 0x40:
		return !tpm.ready;
	case 0x4c:
		return !tpm.executed;
	}
	fail_msg("read of 0x%lx", offset);
	return 0;
}

static void crb_write(uint64_t offset, uint64_t value)
{
	if (offset >= 0x80) {
		assert_int_equal(offset, 0x80 + tpm.received);
		receive((uint8_t)value);
	} else if (offset == 0x08 && value == 1) {
		tpm.owned = tpm.step != STEP_ACCESS;
	} else if (offset == 0x08) {
		assert_int_equal(value, 2);
		tpm.relinquished++;
	} else if (offset == 0x40 && value == 1) {
		assert_true(tpm.owned);
		begin();
	} else if (offset == 0x4c) {
		assert_int_equal(value, 1);
		execute();
	} else {
		assert_int_equal(offset, 0x40);
		assert_int_equal(value, 2);
	}
}

static uint64_t tpm_read(uint64_t offset, unsigned width)
{
	if (offset == 0x30)
		return tpm.id;
	return (tpm.id & 0xf) == WHAT_CRB ? crb_read(offset, width) : fifo_read(offset, width);
}

static void tpm_write(uint64_t offset, unsigned width, uint64_t value)
{
	(void)width;
	if ((tpm.id & 0xf) == WHAT_CRB)
		crb_write(offset, value);
	else
		fifo_write(offset, value);
}

/* A machine with that TPM, which is looked for. */
static struct tpm found(uint32_t id)
{
	const struct host_mmio_device device = {TPM, 0x1000, tpm_read, tpm_write};
	struct tpm result;

	host_reset();
	host_add_mmio_device(&device);
	memset(&tpm, 0, sizeof(tpm));
	tpm.id = id;
	tpm.burst = 1;
	assert_status(tpm_find(TPM, &result), STATUS_OK);
	assert_int_equal(tpm.commands, 0);
	return result;
}

/* The answer that the header's size is right for. */
static void answer(uint16_t tag, uint32_t code, const void *rest, size_t size)
{
	uint8_t *at = tpm.response;

	tpm.response_size = 10 + size;
	at[0] = (uint8_t)(tag >> 8);
	at[1] = (uint8_t)tag;
	for (unsigned i = 0; i < 4; i++) {
		at[2 + i] = (uint8_t)(tpm.response_size >> (24 - 8 * i));
		at[6 + i] = (uint8_t)(code >> (24 - 8 * i));
	}
	memcpy(at + 10, rest, size);
}

static enum status start(uint32_t id, unsigned step, uint16_t tag, uint32_t code,
			 enum tpm_startup type)
{
	static const uint8_t head[] = {0x80, 1, 0, 0, 0, 12, 0, 0, 1, 0x44, 0};
	struct tpm it = found(id);

	tpm.step = step;
	answer(tag, code, "", 0);
	enum status status = tpm_start(&it, type);
	if (tpm.commands > 0)
		assert_memory_equal(tpm.command, head, sizeof(head));
	return status;
}

static const uint32_t ids[] = {WHAT_FIFO, 0x000000f0, WHAT_CRB};

static void tpm_starts(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(ids); i++) {
		for (unsigned type = 0; type < 2; type++) {
			assert_status(start(ids[i], 0, 0x8001, 0, type), STATUS_OK);
			assert_int_equal(tpm.commands, 1);
			assert_int_equal(tpm.command[11], type);
			assert_int_equal(tpm.relinquished, 1);
		}
		/* Somebody has started it already. */
		assert_status(start(ids[i], 0, 0x8001, 0x100, TPM_SU_CLEAR), STATUS_OK);
	}
}

static void tpm_refuses(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(ids); i++) {
		/* No state was saved; and what a TPM 1.2 says. */
		assert_status(start(ids[i], 0, 0x8001, 0x1c4, TPM_SU_STATE), STATUS_UNSUPPORTED);
		assert_status(start(ids[i], 0, 0x00c4, 30, TPM_SU_CLEAR), STATUS_UNSUPPORTED);
		assert_status(start(ids[i], 0, 0x00c4, 0, TPM_SU_CLEAR), STATUS_UNSUPPORTED);
		assert_int_equal(tpm.relinquished, 1);
	}
}

static void tpm_is_not_there(void **state)
{
	const struct host_mmio_device device = {TPM, 0x1000, tpm_read, tpm_write};
	struct tpm it;

	(void)state;
	host_reset();
	assert_status(tpm_find(TPM, &it), STATUS_NO_MEMORY);
	host_add_mmio_device(&device);
	tpm.id = 0xffffffff;
	assert_status(tpm_find(TPM, &it), STATUS_NOT_FOUND);
}

/* Each thing that is waited for never comes. */
static void tpm_hangs(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(ids); i++) {
		bool crb = ids[i] == WHAT_CRB;
		for (unsigned step = STEP_ACCESS; step <= STEP_BURST_BACK; step++) {
			if (crb && (step == STEP_BURST || step == STEP_BURST_BACK))
				continue;
			assert_status(start(ids[i], step, 0x8001, 0, TPM_SU_CLEAR), STATUS_TIMEOUT);
			assert_int_equal(tpm.relinquished, step == STEP_ACCESS ? 0 : 1);
		}
	}
}

/* -- banks ------------------------------------------------------------------------- */

/* All of those that swtpm has: SHA-1, -256, -384, -512, with the second and the last active. */
#define TWO_OF_FOUR                                                                                \
	"\0\0\0\0\5\0\0\0\4"                                                                       \
	"\0\4\3\0\0\0"                                                                             \
	"\0\xb\3\xff\xff\xff"                                                                      \
	"\0\xc\3\0\0\0"                                                                            \
	"\0\xd\3\xff\xff\xff"

static enum status banks(uint32_t id, const void *rest, size_t size, struct pcr_banks *ret_banks)
{
	static const uint8_t command[] = {0x80, 1, 0, 0, 0, 22, 0, 0, 1, 0x7a, 0,
					  0,    0, 5, 0, 0, 0,  0, 0, 0, 0,    1};
	struct tpm it = found(id);

	tpm.burst = 0xffff;
	answer(0x8001, 0, rest, size);
	enum status status = tpm_read_banks(&it, ret_banks);
	assert_int_equal(tpm.command_size, sizeof(command));
	assert_memory_equal(tpm.command, command, sizeof(command));
	return status;
}

static void tpm_active_banks(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(ids); i++) {
		struct pcr_banks got;
		assert_status(banks(ids[i], TWO_OF_FOUR, sizeof(TWO_OF_FOUR) - 1, &got), STATUS_OK);
		assert_int_equal(got.count, 2);
		assert_int_equal(got.bank[0].algorithm, PCR_SHA256);
		assert_int_equal(got.bank[0].size, 32);
		assert_int_equal(got.bank[1].algorithm, 0xd);
		assert_int_equal(got.bank[1].size, 64);
		/* None at all is none to extend. */
		assert_status(banks(ids[i], "\0\0\0\0\5\0\0\0\0", 9, &got), STATUS_OK);
		assert_int_equal(got.count, 0);
	}
}

#define HEAD(more, capability, count) more "\0\0\0" capability "\0\0\0" count
#define BANK(algorithm)               "\0" algorithm "\3\xff\xff\xff"

static const struct {
	const char *what;
	const char *rest;
	size_t size;
	enum status status;
} bad_banks[] = {
#define BAD(what, status, rest)                                                                    \
	{                                                                                          \
		what, rest, sizeof(rest) - 1, status                                               \
	}
	BAD("nothing", STATUS_BAD_FORMAT, ""),
	BAD("a head that is cut", STATUS_BAD_FORMAT, "\0\0\0\0\5\0\0\0"),
	BAD("another capability", STATUS_BAD_FORMAT, HEAD("\0", "\6", "\0")),
	BAD("a bank without bytes", STATUS_BAD_FORMAT, HEAD("\0", "\5", "\1")),
	BAD("a bank that is cut", STATUS_BAD_FORMAT, HEAD("\0", "\5", "\1") "\0\xb"),
	BAD("bits that are cut", STATUS_BAD_FORMAT, HEAD("\0", "\5", "\1") "\0\xb\3\xff\xff"),
	BAD("255 bytes of bits", STATUS_BAD_FORMAT, HEAD("\0", "\5", "\1") "\0\xb\xff\xff\xff\xff"),
	BAD("a count that is too high", STATUS_BAD_FORMAT,
	    "\0\0\0\0\5\xff\xff\xff\xff" BANK("\xb")),
	BAD("a bank twice", STATUS_BAD_FORMAT, HEAD("\0", "\5", "\2") BANK("\xb") BANK("\xb")),
	BAD("an unknown algorithm", STATUS_BAD_FORMAT, HEAD("\0", "\5", "\1") BANK("\x7f")),
	BAD("banks that come later", STATUS_TOO_LARGE, HEAD("\1", "\5", "\1") BANK("\xb")),
#undef BAD
};

static void tpm_bad_banks(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(ids); i++) {
		for (size_t n = 0; n < COUNT(bad_banks); n++) {
			struct pcr_banks got = {.count = 77};
			strcpy(unit_trial, bad_banks[n].what);
			assert_status(banks(ids[i], bad_banks[n].rest, bad_banks[n].size, &got),
				      bad_banks[n].status);
			assert_int_equal(got.count, 77);
		}
	}
}

/* All whose digests have a size that we know; each comes once, so that there are no more. */
static void tpm_as_many_banks_as_there_are(void **state)
{
	static const uint8_t algorithms[] = {0x04, 0x0b, 0x0c, 0x0d, 0x12, 0x27, 0x28, 0x29};
	static const uint8_t sizes[] = {20, 32, 48, 64, 32, 32, 48, 64};
	uint8_t rest[9 + 4 * COUNT(algorithms)] = {0, 0, 0, 0, 5, 0, 0, 0, COUNT(algorithms)};
	struct pcr_banks got;

	(void)state;
	_Static_assert(COUNT(algorithms) == PCR_BANKS_MAX, "no TPM has more");
	for (size_t i = 0; i < COUNT(algorithms); i++) {
		rest[9 + 4 * i + 1] = algorithms[i];
		rest[9 + 4 * i + 2] = 1;
		rest[9 + 4 * i + 3] = 1;
	}
	assert_status(banks(WHAT_CRB, rest, sizeof(rest), &got), STATUS_OK);
	assert_int_equal(got.count, COUNT(algorithms));
	for (size_t i = 0; i < COUNT(algorithms); i++) {
		assert_int_equal(got.bank[i].algorithm, algorithms[i]);
		assert_int_equal(got.bank[i].size, sizes[i]);
	}
}

static void tpm_does_not_tell_its_banks(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(ids); i++) {
		struct tpm it = found(ids[i]);
		struct pcr_banks got;
		answer(0x8001, 0x100, "", 0);
		assert_status(tpm_read_banks(&it, &got), STATUS_UNSUPPORTED);
		tpm.step = STEP_RESPONSE;
		assert_status(tpm_read_banks(&it, &got), STATUS_TIMEOUT);
	}
}

/* What an answer says of its own size is not believed. */
static void tpm_size_of_an_answer(void **state)
{
	static const uint32_t sizes[] = {0, 9, RESPONSE_MAX + 1, 0x10000, 0xffffffff};

	(void)state;
	for (size_t i = 0; i < COUNT(ids); i++) {
		struct tpm it = found(ids[i]);
		struct pcr_banks got;
		for (size_t n = 0; n < COUNT(sizes); n++) {
			answer(0x8001, 0, TWO_OF_FOUR, sizeof(TWO_OF_FOUR) - 1);
			for (unsigned b = 0; b < 4; b++)
				tpm.response[2 + b] = (uint8_t)(sizes[n] >> (24 - 8 * b));
			assert_status(tpm_read_banks(&it, &got), STATUS_BAD_FORMAT);
			assert_int_equal(tpm.relinquished, n + 1);
		}
		/* The longest is taken, and what is behind the banks is nothing to us. */
		uint8_t rest[RESPONSE_MAX - 10] = {0, 0, 0, 0, 5, 0, 0, 0, 0};
		answer(0x8001, 0, rest, sizeof(rest));
		assert_status(tpm_read_banks(&it, &got), STATUS_OK);
		assert_int_equal(got.count, 0);
		assert_true(ids[i] == WHAT_CRB || tpm.taken == RESPONSE_MAX);
	}
}

/* -- extending --------------------------------------------------------------------- */

static const struct pcr_banks four = {
	.count = 4,
	.bank = {{0x4, 20}, {PCR_SHA256, 32}, {PCR_SHA384, 48}, {0xd, 64}},
};

static struct pcr_digests some_digests(void)
{
	struct pcr_digests digests;

	unit_random_bytes(&digests, sizeof(digests));
	return digests;
}

/* Each bank in its turn; those whose digest we do not have get the value that says so. */
static void tpm_extends_all_banks(void **state)
{
	static const uint8_t head[] = {0x80, 2, 0,    0, 0,    203, 0, 0, 1, 0x82, 0, 0, 0, 9, 0, 0,
				       0,    9, 0x40, 0, 0x00, 9,   0, 0, 0, 0,    0, 0, 0, 0, 4};
	const struct pcr_digests digests = some_digests();
	uint8_t unknown[64];

	(void)state;
	memset(unknown, 0xfe, sizeof(unknown));
	for (size_t i = 0; i < COUNT(ids); i++) {
		struct tpm it = found(ids[i]);
		tpm.burst = 7;
		answer(0x8002, 0, "\0\0\0\0\0\0\1\0\0", 9);
		assert_status(tpm_extend(&it, &four, 9, &digests), STATUS_OK);
		assert_int_equal(tpm.commands, 1);
		assert_int_equal(tpm.relinquished, 1);
		assert_int_equal(tpm.command_size, 31 + 4 * 2 + 20 + 32 + 48 + 64);
		const uint8_t *at = tpm.command;
		assert_memory_equal(at, head, sizeof(head));
		at += sizeof(head);
		assert_memory_equal(at, "\0\4", 2);
		assert_memory_equal(at + 2, unknown, 20);
		assert_memory_equal(at + 22, "\0\xb", 2);
		assert_memory_equal(at + 24, digests.sha256, 32);
		assert_memory_equal(at + 56, "\0\xc", 2);
		assert_memory_equal(at + 58, digests.sha384, 48);
		assert_memory_equal(at + 106, "\0\xd", 2);
		assert_memory_equal(at + 108, unknown, 64);
	}
}

static void tpm_does_not_extend(void **state)
{
	const struct pcr_digests digests = some_digests();

	(void)state;
	for (size_t i = 0; i < COUNT(ids); i++) {
		struct tpm it = found(ids[i]);
		answer(0x8001, 0x101, "", 0);
		assert_status(tpm_extend(&it, &four, 0, &digests), STATUS_UNSUPPORTED);
		tpm.step = STEP_RESPONSE;
		assert_status(tpm_extend(&it, &four, 0, &digests), STATUS_TIMEOUT);
		/* The bound is one for the command, and is there again for the next. */
		tpm.step = 0;
		answer(0x8002, 0, "", 0);
		assert_status(tpm_extend(&it, &four, 0, &digests), STATUS_OK);
	}
}

/* More banks than there can be is a bug of ours, not a longer command. */
static void extend_too_many(void *argument)
{
	struct pcr_banks banks = {.count = PCR_BANKS_MAX + 1};
	const struct pcr_digests digests = some_digests();
	enum status status = tpm_extend(argument, &banks, 0, &digests);

	assert_status(status, STATUS_OK);
}

static void tpm_more_banks_than_there_are(void **state)
{
	struct tpm it = found(WHAT_CRB);

	(void)state;
	assert_int_equal(host_run(extend_too_many, &it), HOST_CHECK);
	assert_int_equal(tpm.commands, 0);
}

static const struct CMUnitTest tests[] = {
	UNIT_TEST(tpm_starts),
	UNIT_TEST(tpm_refuses),
	UNIT_TEST(tpm_is_not_there),
	UNIT_TEST(tpm_hangs),
	UNIT_TEST(tpm_active_banks),
	UNIT_TEST(tpm_bad_banks),
	UNIT_TEST(tpm_as_many_banks_as_there_are),
	UNIT_TEST(tpm_does_not_tell_its_banks),
	UNIT_TEST(tpm_size_of_an_answer),
	UNIT_TEST(tpm_extends_all_banks),
	UNIT_TEST(tpm_does_not_extend),
	UNIT_TEST(tpm_more_banks_than_there_are),
};

UNIT_MAIN(tests)
