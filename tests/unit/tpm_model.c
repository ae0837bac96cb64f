/* SPDX-License-Identifier: BSD-2-Clause */
#include "tpm_model.h"

#include "measure/sha2.h"
#include "unit.h"

#define BUFFER_SIZE 1024

/* TPM 2.0 Library part 2: 6.9, 6.5.2, 6.6.3, 7.4, 6.12. */
enum {
	ST_NO_SESSIONS = 0x8001,
	ST_SESSIONS = 0x8002,
	CC_STARTUP = 0x144,
	CC_GET_CAPABILITY = 0x17a,
	CC_PCR_EXTEND = 0x182,
	RC_INITIALIZE = 0x100,
	RC_FAILURE = 0x101,
	RS_PW = 0x40000009,
	CAP_PCRS = 5,
};

struct tpm_model tpm_model;

static struct {
	bool running; /* since TPM2_Startup */
	bool active;  /* locality 0 is ours */
	bool ready;
	bool silent;
	bool answered;
	uint8_t command[BUFFER_SIZE], answer[BUFFER_SIZE];
	size_t command_size, answer_size, answer_at;
} device;

/* -- commands ------------------------------------------------------------------------ */

static uint16_t be16_at(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t be32_at(const uint8_t *at)
{
	return __builtin_bswap32(get32(at));
}

static void put_be32(uint8_t *at, uint32_t value)
{
	put32(at, __builtin_bswap32(value));
}

/* @size bytes of parameters are there already. */
static void answer(uint16_t tag, uint32_t code, size_t size)
{
	put16(device.answer, __builtin_bswap16(tag));
	device.answer_size = 10 + size;
	put_be32(device.answer + 2, (uint32_t)device.answer_size);
	put_be32(device.answer + 6, code);
}

/* Part 1, 12.2.3: what PCRs begin with. */
static void clear_pcrs(void)
{
	memset(tpm_model.pcr, 0, sizeof(tpm_model.pcr));
	for (size_t bank = 0; bank < PCR_BANKS_MAX; bank++)
		memset(tpm_model.pcr[bank][17], 0xff, 6 * PCR_DIGEST_SIZE_MAX);
}

/* Part 3, 9.3. */
static void start_up(void)
{
	unsigned type = be16_at(device.command + 10);

	assert_int_equal(be16_at(device.command), ST_NO_SESSIONS);
	assert_int_equal(device.command_size, 12);
	assert_in_range(type, 0, 1);
	assert_true(tpm_model.starts < TPM_MODEL_STARTS_MAX);
	tpm_model.started[tpm_model.starts++] = (uint8_t)type;
	uint32_t code = device.running ? RC_INITIALIZE : tpm_model.code[type];
	if (code == 0 && type == 0)
		clear_pcrs();
	device.running = device.running || code == 0;
	answer(ST_NO_SESSIONS, code, 0);
}

static size_t put_selection(size_t at, uint16_t algorithm, uint8_t selected)
{
	const uint8_t selection[] = {
		(uint8_t)(algorithm >> 8), (uint8_t)algorithm, 3, selected, selected, selected};

	memcpy(device.answer + at, selection, sizeof(selection));
	return at + sizeof(selection);
}

/* Part 3, 30.2; a TPM lists all the banks that it could have. */
static void get_capability(void)
{
	const struct pcr_banks *banks = &tpm_model.banks;
	size_t at = 10 + 9;

	assert_int_equal(be16_at(device.command), ST_NO_SESSIONS);
	assert_int_equal(device.command_size, 22);
	assert_int_equal(be32_at(device.command + 10), CAP_PCRS);
	assert_int_equal(be32_at(device.command + 14), 0);
	assert_true(be32_at(device.command + 18) >= 1);
	device.answer[10] = 0;
	put_be32(device.answer + 11, CAP_PCRS);
	put_be32(device.answer + 15, (uint32_t)banks->count + (tpm_model.inactive != 0));
	if (tpm_model.inactive != 0)
		at = put_selection(at, tpm_model.inactive, 0);
	for (size_t i = 0; i < banks->count; i++)
		at = put_selection(at, banks->bank[i].algorithm, 0xff);
	answer(ST_NO_SESSIONS, 0, at - 10);
}

static size_t find_bank(uint16_t algorithm)
{
	for (size_t i = 0; i < tpm_model.banks.count; i++) {
		if (tpm_model.banks.bank[i].algorithm == algorithm)
			return i;
	}
	fail_msg("there is no bank 0x%x", algorithm);
	return 0;
}

/* Part 3, 22.2: the empty password, and a digest for each bank. */
static void extend(void)
{
	static const uint8_t authorization[] = {0, 0, 0, 9, 0x40, 0, 0, 9, 0, 0, 0, 0, 0};
	const uint8_t *command = device.command;
	uint32_t pcr = be32_at(command + 10);
	size_t at = 31;
	unsigned extended = 0;

	assert_int_equal(be16_at(command), ST_SESSIONS);
	assert_true(device.command_size >= at);
	assert_true(pcr < PCR_COUNT);
	assert_memory_equal(command + 14, authorization, sizeof(authorization));
	assert_int_equal(be32_at(command + 27), tpm_model.banks.count);
	for (size_t i = 0; i < tpm_model.banks.count; i++) {
		assert_true(at + 2 <= device.command_size);
		size_t index = find_bank(be16_at(command + at));
		struct pcr_bank bank = tpm_model.banks.bank[index];
		assert_true(at + 2 + bank.size <= device.command_size);
		assert_int_equal(extended >> index & 1, 0);
		extended |= 1u << index;
		tpm_model_extend(bank, tpm_model.pcr[index][pcr], command + at + 2);
		at += 2u + bank.size;
	}
	assert_int_equal(at, device.command_size);
	tpm_model.extends++;
	/* No parameters, and the session: nonce, attributes, authorization. */
	memset(device.answer + 10, 0, 9);
	device.answer[16] = 1;
	answer(ST_SESSIONS, 0, 9);
}

static void fail_command(void)
{
	device.silent = tpm_model.fault == TPM_MODEL_SILENCE;
	answer(ST_NO_SESSIONS, RC_FAILURE, 0);
	if (tpm_model.fault == TPM_MODEL_GARBAGE)
		memset(device.answer, 0xff, sizeof(device.answer));
}

static void execute(void)
{
	assert_true(device.active && device.ready);
	assert_in_range(device.command_size, 10, BUFFER_SIZE);
	/* A CRB does not say where a command ends, but the command does. */
	size_t size = be32_at(device.command + 2);
	if (tpm_model.crb)
		assert_true(size <= device.command_size);
	else
		assert_int_equal(size, device.command_size);
	device.command_size = size;
	device.ready = false;
	device.answered = true;
	device.answer_at = 0;
	tpm_model.commands++;
	uint32_t code = be32_at(device.command + 6);
	if (tpm_model.fail_from != 0 && tpm_model.commands >= tpm_model.fail_from)
		fail_command();
	else if (code == CC_STARTUP)
		start_up();
	else if (!device.running)
		answer(ST_NO_SESSIONS, RC_INITIALIZE, 0);
	else if (code == CC_GET_CAPABILITY)
		get_capability();
	else if (code == CC_PCR_EXTEND)
		extend();
	else
		fail_msg("the TPM gets the command 0x%x", code);
}

static void begin_command(void)
{
	assert_true(device.active);
	device.ready = true;
	device.answered = false;
	device.silent = false;
	device.command_size = 0;
	device.answer_size = 0;
}

/* -- interfaces ----------------------------------------------------------------------- */

static uint64_t crb_read(uint64_t offset, unsigned width)
{
	tpm_model.accesses++;
	if (offset >= 0x80) {
		assert_int_equal(width, 1);
		assert_true(device.answered && offset - 0x80 < BUFFER_SIZE);
		return device.answer[offset - 0x80];
	}
	assert_int_equal(width, 4);
	switch (offset) {
	case 0x0c: /* LOC_STS */
		return device.active;
	case 0x30: /* INTERFACE_ID */
		return 1;
	case 0x40: /* CTRL_REQ, which is done at once */
		return 0;
	case 0x4c: /* CTRL_START */
		return device.silent;
	}
	fail_msg("the register 0x%lx is read", offset);
	return 0;
}

static void crb_write(uint64_t offset, unsigned width, uint64_t value)
{
	tpm_model.accesses++;
	if (offset >= 0x80) {
		assert_int_equal(width, 1);
		assert_true(device.ready && offset - 0x80 < BUFFER_SIZE);
		device.command[offset - 0x80] = (uint8_t)value;
		if (offset - 0x80 >= device.command_size)
			device.command_size = offset - 0x80 + 1;
		return;
	}
	assert_int_equal(width, 4);
	if (offset == 0x08) /* LOC_CTRL */
		device.active = value == 1;
	else if (offset == 0x40 && value == 1) /* CTRL_REQ */
		begin_command();
	else if (offset == 0x40)
		device.ready = device.answered = false;
	else if (offset == 0x4c) /* CTRL_START */
		execute();
	else
		fail_msg("the register 0x%lx is written", offset);
}

/* How much it takes, or has, at once. */
#define BURST 13u

static uint64_t fifo_status(void)
{
	bool has_answer =
		device.answered && !device.silent && device.answer_at < device.answer_size;

	return (uint64_t)BURST << 8 | 0x80 | (device.ready ? 0x40 : 0) | (has_answer ? 0x10 : 0);
}

static uint64_t fifo_read(uint64_t offset, unsigned width)
{
	tpm_model.accesses++;
	assert_int_equal(width, offset == 0x00 || offset == 0x24 ? 1 : 4);
	switch (offset) {
	case 0x00: /* ACCESS */
		return 0x80 | (device.active ? 0x20 : 0);
	case 0x18: /* STS */
		return fifo_status();
	case 0x24: /* DATA_FIFO */
		assert_true(device.answered && device.answer_at < BUFFER_SIZE);
		return device.answer[device.answer_at++];
	case 0x30: /* INTERFACE_ID: a FIFO of TIS 1.3 */
		return 0xf;
	}
	fail_msg("the register 0x%lx is read", offset);
	return 0;
}

static void fifo_write(uint64_t offset, unsigned width, uint64_t value)
{
	tpm_model.accesses++;
	assert_int_equal(width, 1);
	if (offset == 0x00) /* ACCESS */
		device.active = value == 0x02;
	else if (offset == 0x18 && value == 0x40) /* STS */
		begin_command();
	else if (offset == 0x18 && value == 0x20)
		execute();
	else if (offset == 0x24 && device.ready && device.command_size < BUFFER_SIZE)
		device.command[device.command_size++] = (uint8_t)value;
	else
		fail_msg("the register 0x%lx is written", offset);
}

/* -- the model ------------------------------------------------------------------------ */

void tpm_model_reset(void)
{
	memset(&device, 0, sizeof(device));
}

void tpm_model_set_banks(const uint16_t *algorithms, size_t count)
{
	assert_true(count <= PCR_BANKS_MAX);
	tpm_model.banks.count = count;
	for (size_t i = 0; i < count; i++)
		tpm_model.banks.bank[i] =
			(struct pcr_bank){algorithms[i], pcr_digest_size(algorithms[i])};
}

void tpm_model_add(uint64_t registers, bool crb)
{
	static const uint16_t algorithms[] = {PCR_SHA256, PCR_SHA384};
	const struct host_mmio_device registers_of_it = {
		.start = registers,
		.size = 0x1000,
		.read = crb ? crb_read : fifo_read,
		.write = crb ? crb_write : fifo_write,
	};

	memset(&tpm_model, 0, sizeof(tpm_model));
	tpm_model.crb = crb;
	tpm_model_set_banks(algorithms, COUNT(algorithms));
	tpm_model_reset();
	clear_pcrs();
	host_add_mmio_device(&registers_of_it);
}

static void hash(uint16_t algorithm, struct span first, struct span second, uint8_t *ret_digest)
{
	struct sha2 sha2;

	sha2_init(&sha2, algorithm == PCR_SHA384 ? SHA2_384 : SHA2_256, SHA2_PORTABLE);
	sha2_update(&sha2, first);
	sha2_update(&sha2, second);
	sha2_final(&sha2, ret_digest);
}

void tpm_model_extend(struct pcr_bank bank, uint8_t *pcr, const uint8_t *digest)
{
	/* Of the algorithms that are not here, SHA-256 is a stand-in, and fills what it does. */
	hash(bank.algorithm, (struct span){pcr, bank.size}, (struct span){digest, bank.size}, pcr);
}

bool tpm_model_is_untouched(unsigned pcr)
{
	const uint8_t first = pcr >= 17 && pcr <= 22 ? 0xff : 0;

	for (size_t bank = 0; bank < tpm_model.banks.count; bank++) {
		for (size_t i = 0; i < tpm_model.banks.bank[bank].size; i++) {
			if (tpm_model.pcr[bank][pcr][i] != first)
				return false;
		}
	}
	return true;
}

/* -- the log -------------------------------------------------------------------------- */

/* TCG_EfiSpecIDEvent in a TCG_PCClientPCREvent: 10.4.5.1. Returns its size. */
static size_t read_first(struct span room)
{
	const struct pcr_banks *banks = &tpm_model.banks;
	const uint8_t *at = room.bytes;
	size_t size = 60 + 4 * banks->count + 1;

	assert_true(size <= room.size);
	assert_int_equal(get32(at), 0);
	assert_int_equal(get32(at + 4), 3);
	assert_int_equal(get32(at + 28), size - 32);
	assert_memory_equal(at + 32, "Spec ID Event03", 16);
	assert_int_equal(get32(at + 56), banks->count);
	for (size_t i = 0; i < banks->count; i++) {
		assert_int_equal(get16(at + 60 + 4 * i), banks->bank[i].algorithm);
		assert_int_equal(get16(at + 62 + 4 * i), banks->bank[i].size);
	}
	return size;
}

/* Whether there is an event at *@at; the end of a log is zeros. */
static bool read_event(struct span room, size_t *at, struct tpm_event *event)
{
	const struct pcr_banks *banks = &tpm_model.banks;
	size_t next = *at + 12;

	if (next > room.size || get32(room.bytes + *at + 8) == 0)
		return false;
	event->pcr = get32(room.bytes + *at);
	event->type = get32(room.bytes + *at + 4);
	assert_int_equal(get32(room.bytes + *at + 8), banks->count);
	for (size_t i = 0; i < banks->count; i++) {
		assert_true(next + 2 + banks->bank[i].size <= room.size);
		assert_int_equal(get16(room.bytes + next), banks->bank[i].algorithm);
		event->digest[i] = room.bytes + next + 2;
		next += 2u + banks->bank[i].size;
	}
	assert_true(next + 4 <= room.size);
	event->data = (struct span){room.bytes + next + 4, get32(room.bytes + next)};
	next += 4;
	assert_true(event->data.size <= room.size - next);
	*at = next + event->data.size;
	return true;
}

void tpm_log_read(struct span room, struct tpm_log *ret_log)
{
	size_t at = read_first(room);

	ret_log->count = 0;
	while (ret_log->count < TPM_LOG_EVENTS_MAX &&
	       read_event(room, &at, &ret_log->event[ret_log->count]))
		ret_log->count++;
	ret_log->size = at;
	for (; at < room.size; at++)
		assert_int_equal(room.bytes[at], 0);
}

void tpm_log_check(const struct tpm_log *log)
{
	const struct pcr_banks *banks = &tpm_model.banks;
	uint8_t pcr[PCR_DIGEST_SIZE_MAX];

	for (size_t bank = 0; bank < banks->count; bank++) {
		for (unsigned number = 0; number < PCR_COUNT; number++) {
			memset(pcr, number >= 17 && number <= 22 ? 0xff : 0, sizeof(pcr));
			for (size_t i = 0; i < log->count; i++) {
				if (log->event[i].pcr == number)
					tpm_model_extend(banks->bank[bank], pcr,
							 log->event[i].digest[bank]);
			}
			assert_memory_equal(pcr, tpm_model.pcr[bank][number],
					    banks->bank[bank].size);
		}
	}
}

void tpm_event_check(const struct tpm_event *event, struct span bytes)
{
	for (size_t i = 0; i < tpm_model.banks.count; i++) {
		const struct pcr_bank bank = tpm_model.banks.bank[i];
		uint8_t digest[PCR_DIGEST_SIZE_MAX];

		if (bank.algorithm == PCR_SHA256 || bank.algorithm == PCR_SHA384)
			hash(bank.algorithm, bytes, (struct span){NULL, 0}, digest);
		else
			memset(digest, 0xfe, sizeof(digest));
		assert_memory_equal(event->digest[i], digest, bank.size);
	}
}
