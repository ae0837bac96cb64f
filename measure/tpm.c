/* SPDX-License-Identifier: BSD-2-Clause */
#include "measure/tpm.h"

#include <stddef.h>
#include <string.h>

#include "arch/io.h"
#include "arch/memory.h"
#include "lib/check.h"
#include "lib/endian.h"
#include "lib/span.h"

/* Sections are those of the TCG PC Client Platform TPM Profile 1.05. */

/* 6.4.2.2: which interface there is. TPMs of TIS 1.3 have all ones in the field. */
#define INTERFACE_ID      0x30
#define INTERFACE_NOTHING 0xffffffffu
#define INTERFACE_TYPE    0xf
#define INTERFACE_CRB     1

/* FIFO: 6.5.2. Registers that are written have 8 bits. */
#define ACCESS         0x00
#define ACCESS_VALID   0x80
#define ACCESS_ACTIVE  0x20 /* when it is written: given up */
#define ACCESS_REQUEST 0x02
#define STS            0x18
#define STS_VALID      0x80
#define STS_READY      0x40
#define STS_GO         0x20
#define STS_DATA       0x10
#define DATA_FIFO      0x24

/* CRB: 6.5.3. Registers have 32 bits. */
#define LOC_CTRL            0x08
#define LOC_CTRL_REQUEST    0x1
#define LOC_CTRL_RELINQUISH 0x2
#define LOC_STS             0x0c
#define LOC_STS_GRANTED     0x1
#define CTRL_REQ            0x40
#define CTRL_REQ_READY      0x1
#define CTRL_REQ_IDLE       0x2
#define CTRL_START          0x4c
#define CTRL_START_GO       0x1
#define DATA_BUFFER         0x80

/* A register is written, and then one waited for. */
struct step {
	uint8_t to, what;
	uint8_t from, mask, value;
};

/* What a command takes, which is the same with both interfaces. */
struct interface {
	struct step request, ready, go;
	uint8_t idle[2], relinquish[2]; /* registers, and what is written there */
};
static const struct interface fifo = {
	.request = {ACCESS, ACCESS_REQUEST, ACCESS, ACCESS_VALID | ACCESS_ACTIVE,
		    ACCESS_VALID | ACCESS_ACTIVE},
	.ready = {STS, STS_READY, STS, STS_READY, STS_READY},
	.go = {STS, STS_GO, STS, STS_VALID | STS_DATA, STS_VALID | STS_DATA},
	.idle = {STS, STS_READY},
	.relinquish = {ACCESS, ACCESS_ACTIVE},
};
static const struct interface crb = {
	.request = {LOC_CTRL, LOC_CTRL_REQUEST, LOC_STS, LOC_STS_GRANTED, LOC_STS_GRANTED},
	.ready = {CTRL_REQ, CTRL_REQ_READY, CTRL_REQ, CTRL_REQ_READY, 0},
	.go = {CTRL_START, CTRL_START_GO, CTRL_START, CTRL_START_GO, 0},
	.idle = {CTRL_REQ, CTRL_REQ_IDLE},
	.relinquish = {LOC_CTRL, LOC_CTRL_RELINQUISH},
};

/* Far more than a virtual TPM takes for a command, each with one access to it. */
#ifndef TPM_WAIT_ROUNDS
#define TPM_WAIT_ROUNDS 5000000
#endif

/* Commands and answers: TPM 2.0 Library part 1, 18, and part 3. */
struct header {
	struct be16 tag;
	struct be32 size;
	struct be32 code; /* of the command, or what came of it */
};
_Static_assert(sizeof(struct header) == 10, "part 3, tables 5 and 6");

#define TPM_ST_NO_SESSIONS    0x8001
#define TPM_ST_SESSIONS       0x8002
#define TPM_CC_STARTUP        0x144u
#define TPM_CC_GET_CAPABILITY 0x17au
#define TPM_CC_PCR_EXTEND     0x182u
#define TPM_RC_SUCCESS        0x000u
#define TPM_RC_INITIALIZE     0x100u /* it has been started already */

/* Part 3, 9.3. */
struct startup {
	struct header header;
	struct be16 type;
};

/* Part 3, 30.2; what is asked for, and what the answer has before the selections. */
#define TPM_CAP_PCRS 0x00000005u
struct get_capability {
	struct header header;
	struct be32 capability, property, count;
};
struct capability_data {
	uint8_t more;
	struct be32 capability, count;
};
_Static_assert(sizeof(struct capability_data) == 9, "part 3, table 215; part 2, 10.8");
/* TPMS_PCR_SELECTION without its bits: part 2, 10.6.2. */
struct pcr_selection {
	struct be16 algorithm;
	uint8_t size;
};
_Static_assert(sizeof(struct pcr_selection) == 3, "part 2, table 97");

/* Part 3, 22.2, authorized by the empty password that PCRs have: part 1, 19.4. */
#define TPM_RS_PW 0x40000009u
struct pcr_extend {
	struct header header;
	struct be32 pcr;
	struct be32 authorization_size;
	struct be32 session;
	struct be16 nonce_size;
	uint8_t attributes;
	struct be16 password_size;
	struct be32 count; /* of digests, each behind its algorithm */
};
#define AUTHORIZATION_SIZE 9
_Static_assert(sizeof(struct pcr_extend) == 31, "part 3, table 131; part 2, 10.13.2");

/*
 * A command, and in its place the answer. Both are shorter than any TPM can take, which is
 * 1 KiB and more (6.5.3.9; part 2, 6.13, TPM_PT_MAX_COMMAND_SIZE).
 */
#define EXTEND_SIZE                                                                                \
	(sizeof(struct pcr_extend) + PCR_BANKS_MAX * (sizeof(struct be16) + PCR_DIGEST_SIZE_MAX))
/* A proof takes a smaller one. */
#ifndef BUFFER_SIZE
#define BUFFER_SIZE 640
_Static_assert(EXTEND_SIZE <= BUFFER_SIZE, "the longest command");
#endif

static uint32_t read_register(const struct tpm *tpm, uint8_t offset)
{
	return offset == ACCESS ? arch_mmio_read8(tpm->registers + ACCESS)
				: arch_mmio_read32(tpm->registers + offset);
}

static void write_register(const struct tpm *tpm, const uint8_t what[2])
{
	if (tpm->crb)
		arch_mmio_write32(tpm->registers + what[0], what[1]);
	else
		arch_mmio_write8(tpm->registers + what[0], what[1]);
}

static enum status take_step(struct tpm *tpm, const struct step *step)
{
	write_register(tpm, (const uint8_t[]){step->to, step->what});
	for (; tpm->rounds > 0; tpm->rounds--) {
		if ((read_register(tpm, step->from) & step->mask) == step->value)
			return STATUS_OK;
		arch_relax();
	}
	return STATUS_TIMEOUT;
}

/* Moves the part [start, end) of a command to the TPM, or of its answer to us. */
static enum status move(struct tpm *tpm, uint8_t *buffer, size_t start, size_t end, bool to_tpm)
{
	/* What can be moved at once: with a FIFO, what it says that it takes or has. */
	size_t burst = tpm->crb ? end - start : 0;

	for (size_t at = start; at < end; at++) {
		for (; burst == 0; tpm->rounds--) {
			if (tpm->rounds == 0)
				return STATUS_TIMEOUT;
			burst = read_register(tpm, STS) >> 8 & 0xffff;
		}
		burst--;
		uint64_t data = tpm->registers + (tpm->crb ? DATA_BUFFER + at : DATA_FIFO);
		if (to_tpm)
			arch_mmio_write8(data, buffer[at]);
		else
			buffer[at] = arch_mmio_read8(data);
	}
	return STATUS_OK;
}

/* Takes the answer, which says itself how long it is. */
static enum status take_response(struct tpm *tpm, uint8_t *buffer, size_t *ret_size)
{
	struct header header;
	enum status status = move(tpm, buffer, 0, sizeof(header), false);

	if (status != STATUS_OK)
		return status;
	memcpy(&header, buffer, sizeof(header));
	size_t size = be32_get(header.size);
	if (size < sizeof(header) || size > BUFFER_SIZE)
		return STATUS_BAD_FORMAT;
	status = move(tpm, buffer, sizeof(header), size, false);
	if (status == STATUS_OK)
		*ret_size = size;
	return status;
}

static enum status exchange(struct tpm *tpm, uint8_t *buffer, size_t size, size_t *ret_size)
{
	const struct interface *interface = tpm->crb ? &crb : &fifo;
	enum status status = take_step(tpm, &interface->request);

	if (status != STATUS_OK)
		return status;
	status = take_step(tpm, &interface->ready);
	if (status == STATUS_OK)
		status = move(tpm, buffer, 0, size, true);
	if (status == STATUS_OK)
		status = take_step(tpm, &interface->go);
	if (status == STATUS_OK)
		status = take_response(tpm, buffer, ret_size);
	write_register(tpm, interface->idle);
	write_register(tpm, interface->relinquish);
	return status;
}

/*
 * Sends the command of @size bytes in @buffer, which has room for BUFFER_SIZE. What comes of it is
 * @ret_code, and what follows the header of the answer is @ret_rest, in @buffer.
 */
static enum status execute(struct tpm *tpm, uint8_t *buffer, size_t size, uint32_t *ret_code,
			   struct span *ret_rest)
{
	struct header header;
	size_t answer;

	tpm->rounds = TPM_WAIT_ROUNDS;
	enum status status = exchange(tpm, buffer, size, &answer);
	if (status != STATUS_OK)
		return status;
	memcpy(&header, buffer, sizeof(header));
	uint16_t tag = be16_get(header.tag);
	if (tag != TPM_ST_NO_SESSIONS && tag != TPM_ST_SESSIONS)
		return STATUS_UNSUPPORTED;
	*ret_code = be32_get(header.code);
	*ret_rest = (struct span){buffer + sizeof(header), answer - sizeof(header)};
	return STATUS_OK;
}

static struct header command(uint16_t tag, size_t size, uint32_t code)
{
	return (struct header){be16_of(tag), be32_of((uint32_t)size), be32_of(code)};
}

enum status tpm_find(uint64_t registers, struct tpm *ret_tpm)
{
	if (arch_map(registers, TPM_REGISTERS_SIZE, ARCH_MEMORY_DEVICE) == NULL)
		return STATUS_NO_MEMORY;
	uint32_t interface = arch_mmio_read32(registers + INTERFACE_ID);
	if (interface == INTERFACE_NOTHING)
		return STATUS_NOT_FOUND;
	*ret_tpm = (struct tpm){
		.registers = registers,
		.crb = (interface & INTERFACE_TYPE) == INTERFACE_CRB,
	};
	return STATUS_OK;
}

enum status tpm_start(struct tpm *tpm, enum tpm_startup type)
{
	uint8_t buffer[BUFFER_SIZE];
	const struct startup startup = {
		.header = command(TPM_ST_NO_SESSIONS, sizeof(startup), TPM_CC_STARTUP),
		.type = be16_of((uint16_t)type),
	};
	uint32_t code;
	struct span rest;

	memcpy(buffer, &startup, sizeof(startup));
	enum status status = execute(tpm, buffer, sizeof(startup), &code, &rest);
	if (status != STATUS_OK)
		return status;
	return code == TPM_RC_SUCCESS || code == TPM_RC_INITIALIZE ? STATUS_OK : STATUS_UNSUPPORTED;
}

/* Adds a bank, unless none of its PCRs is selected. */
static enum status add_bank(struct pcr_banks *banks, uint16_t algorithm, struct span selected)
{
	uint8_t any = 0;

	for (size_t i = 0; i < selected.size; i++)
		any |= selected.bytes[i];
	if (any == 0)
		return STATUS_OK;
	for (size_t i = 0; i < banks->count; i++) {
		if (banks->bank[i].algorithm == algorithm)
			return STATUS_BAD_FORMAT;
	}
	uint16_t size = pcr_digest_size(algorithm);
	if (size == 0)
		return STATUS_BAD_FORMAT;
	CHECK(banks->count < PCR_BANKS_MAX);
	banks->bank[banks->count++] = (struct pcr_bank){algorithm, size};
	return STATUS_OK;
}

static enum status parse_banks(struct span rest, struct pcr_banks *ret_banks)
{
	struct capability_data data;
	size_t at = sizeof(data);

	if (!span_read(rest, 0, sizeof(data), &data) || be32_get(data.capability) != TPM_CAP_PCRS)
		return STATUS_BAD_FORMAT;
	if (data.more != 0)
		return STATUS_TOO_LARGE;
	ret_banks->count = 0;
	/* Each turn takes bytes of the answer. */
	for (uint32_t left = be32_get(data.count); left > 0; left--) {
		struct pcr_selection selection;
		if (!span_read(rest, at, sizeof(selection), &selection))
			return STATUS_BAD_FORMAT;
		at += sizeof(selection);
		if (!fits(at, selection.size, rest.size))
			return STATUS_BAD_FORMAT;
		enum status status = add_bank(ret_banks, be16_get(selection.algorithm),
					      (struct span){rest.bytes + at, selection.size});
		if (status != STATUS_OK)
			return status;
		at += selection.size;
	}
	return STATUS_OK;
}

enum status tpm_read_banks(struct tpm *tpm, struct pcr_banks *ret_banks)
{
	uint8_t buffer[BUFFER_SIZE];
	const struct get_capability wanted = {
		.header = command(TPM_ST_NO_SESSIONS, sizeof(wanted), TPM_CC_GET_CAPABILITY),
		.capability = be32_of(TPM_CAP_PCRS),
		.property = be32_of(0),
		.count = be32_of(1),
	};
	uint32_t code;
	struct span rest;

	memcpy(buffer, &wanted, sizeof(wanted));
	enum status status = execute(tpm, buffer, sizeof(wanted), &code, &rest);
	if (status != STATUS_OK)
		return status;
	if (code != TPM_RC_SUCCESS)
		return STATUS_UNSUPPORTED;
	struct pcr_banks banks;
	status = parse_banks(rest, &banks);
	if (status == STATUS_OK)
		*ret_banks = banks;
	return status;
}

/* Writes the command that extends a PCR of all banks. Returns its size. */
static size_t make_extend(uint8_t *buffer, const struct pcr_banks *banks, uint32_t pcr,
			  const struct pcr_digests *digests)
{
	struct pcr_extend extend = {
		.pcr = be32_of(pcr),
		.authorization_size = be32_of(AUTHORIZATION_SIZE),
		.session = be32_of(TPM_RS_PW),
		.count = be32_of((uint32_t)banks->count),
	};
	size_t at = sizeof(extend);

	for (size_t i = 0; i < banks->count; i++) {
		struct be16 algorithm = be16_of(banks->bank[i].algorithm);
		memcpy(buffer + at, &algorithm, sizeof(algorithm));
		at += sizeof(algorithm);
		pcr_write_digest(banks->bank[i], digests, buffer + at);
		at += banks->bank[i].size;
	}
	extend.header = command(TPM_ST_SESSIONS, at, TPM_CC_PCR_EXTEND);
	memcpy(buffer, &extend, sizeof(extend));
	return at;
}

enum status tpm_extend(struct tpm *tpm, const struct pcr_banks *banks, uint32_t pcr,
		       const struct pcr_digests *digests)
{
	uint8_t buffer[BUFFER_SIZE];
	uint32_t code;
	struct span rest;

	CHECK(banks->count <= PCR_BANKS_MAX);
	size_t size = make_extend(buffer, banks, pcr, digests);
	enum status status = execute(tpm, buffer, size, &code, &rest);
	if (status != STATUS_OK)
		return status;
	return code == TPM_RC_SUCCESS ? STATUS_OK : STATUS_UNSUPPORTED;
}
