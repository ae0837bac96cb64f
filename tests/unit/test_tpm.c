/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "measure/tpm.h"

/* A TPM as far as TPM2_Startup shows it, with either interface. */

#define TPM       0xfed40000ul
#define WHAT_FIFO 0xfffffff0u
#define WHAT_CRB  0x1u
#define READY     0x40
#define GO        0x20
#define DATA      0x10
#define VALID     0x80

static struct {
	uint32_t id;
	uint32_t code; /* of the response */
	uint16_t tag;
	unsigned step; /* which never happens; 0: all do */
	bool owned, ready, executed;
	uint8_t command[16], response[10];
	size_t received, sent;
	unsigned commands, relinquished;
} tpm;

enum { STEP_ACCESS = 1, STEP_READY, STEP_BURST, STEP_RESPONSE };

static void execute(void)
{
	static const uint8_t head[] = {0x80, 1, 0, 0, 0, 12, 0, 0, 1, 0x44, 0};

	tpm.commands++;
	assert_memory_equal(tpm.command, head, sizeof(head));
	tpm.response[0] = (uint8_t)(tpm.tag >> 8);
	tpm.response[1] = (uint8_t)tpm.tag;
	tpm.response[5] = 10;
	for (unsigned i = 0; i < 4; i++)
		tpm.response[6 + i] = (uint8_t)(tpm.code >> (24 - 8 * i));
	tpm.executed = tpm.step != STEP_RESPONSE;
}

static uint64_t fifo_read(uint64_t offset, unsigned width)
{
	switch (offset) {
	case 0x00:
		assert_int_equal(width, 1);
		return VALID | (tpm.owned ? 0x20 : 0);
	case 0x18:
		assert_int_equal(width, 4);
		return (tpm.step == STEP_BURST ? 0 : 0x100) | VALID | (tpm.ready ? READY : 0) |
		       (tpm.executed && tpm.sent < 10 ? DATA : 0);
	case 0x24:
		assert_int_equal(width, 1);
		assert_true(tpm.executed && tpm.sent < sizeof(tpm.response));
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
		tpm.ready = tpm.step != STEP_READY;
	} else if (offset == 0x18 && value == GO) {
		assert_int_equal(tpm.received, 12);
		execute();
	} else {
		assert_int_equal(offset, 0x24);
		assert_true(tpm.ready && tpm.received < 12);
		tpm.command[tpm.received++] = (uint8_t)value;
	}
}

static uint64_t crb_read(uint64_t offset, unsigned width)
{
	if (offset >= 0x80) {
		assert_int_equal(width, 1);
		assert_true(tpm.executed && offset < 0x8a);
		return tpm.response[offset - 0x80];
	}
	assert_int_equal(width, 4);
	switch (offset) {
	case 0x0c:
		return tpm.owned;
	case 0x40:
		return !tpm.ready;
	case 0x4c:
		return tpm.commands != 0 && !tpm.executed;
	}
	fail_msg("read of 0x%lx", offset);
	return 0;
}

static void crb_write(uint64_t offset, uint64_t value)
{
	if (offset >= 0x80) {
		assert_true(tpm.ready && offset < 0x8c);
		tpm.command[offset - 0x80] = (uint8_t)value;
		tpm.received++;
	} else if (offset == 0x08 && value == 1) {
		tpm.owned = tpm.step != STEP_ACCESS;
	} else if (offset == 0x08) {
		assert_int_equal(value, 2);
		tpm.relinquished++;
	} else if (offset == 0x40 && value == 1) {
		assert_true(tpm.owned);
		tpm.ready = tpm.step != STEP_READY;
	} else if (offset == 0x4c) {
		assert_int_equal(value, 1);
		assert_int_equal(tpm.received, 12);
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

static enum status start(uint32_t id, unsigned step, uint16_t tag, uint32_t code,
			 enum tpm_startup type)
{
	const struct host_mmio_device device = {TPM, 0x1000, tpm_read, tpm_write};

	host_reset();
	host_add_mmio_device(&device);
	memset(&tpm, 0, sizeof(tpm));
	tpm.id = id;
	tpm.step = step;
	tpm.tag = tag;
	tpm.code = code;
	return tpm_startup(type);
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
		assert_int_equal(tpm.relinquished, 1);
	}
}

static void tpm_is_not_there(void **state)
{
	(void)state;
	host_reset();
	assert_status(tpm_startup(TPM_SU_CLEAR), STATUS_NO_MEMORY);
	assert_status(start(0xffffffff, 0, 0, 0, TPM_SU_CLEAR), STATUS_NOT_FOUND);
	assert_int_equal(tpm.commands, 0);
}

/* Each thing that is waited for never comes. */
static void tpm_hangs(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(ids); i++) {
		bool crb = ids[i] == WHAT_CRB;
		for (unsigned step = STEP_ACCESS; step <= STEP_RESPONSE; step++) {
			if (crb && step == STEP_BURST)
				continue;
			assert_status(start(ids[i], step, 0x8001, 0, TPM_SU_CLEAR), STATUS_TIMEOUT);
			assert_int_equal(tpm.relinquished, step == STEP_ACCESS ? 0 : 1);
		}
	}
}

static const struct CMUnitTest tests[] = {
	UNIT_TEST(tpm_starts),
	UNIT_TEST(tpm_refuses),
	UNIT_TEST(tpm_is_not_there),
	UNIT_TEST(tpm_hangs),
};

UNIT_MAIN(tests)
