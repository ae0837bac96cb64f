/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdbool.h>
#include <string.h>

#include "arch/io.h"
#include "arch/memory.h"
#include "fuzz.h"
#include "lib/check.h"
#include "lib/endian.h"
#include "measure/tpm.h"

/*
 * A TPM that answers anything: a byte of OPTIONS, the number of a PCR (4 bytes), and then what its
 * registers give, one after the other. With GOOD_REGISTERS these behave, and what follows is the
 * answers alone; each command gets the next one.
 */

enum options {
	HAS_CRB = 0x01,
	GOOD_REGISTERS = 0x02,
	NOT_MAPPED = 0x04,
};

#define BASE        0x90000000ul
#define SIZE        0x1000
#define BUFFER_SIZE 640
#define COMMANDS    3 /* start, read banks, extend */
/* Looks at registers, bytes in both directions, and what is written to begin and end. */
#define ACCESSES_MAX (COMMANDS * (TPM_WAIT_ROUNDS + 2ul * BUFFER_SIZE + 16))

/* PC Client Platform TPM Profile 1.05, 6.5.2 and 6.5.3. */
enum registers {
	ACCESS = 0x00,
	LOC_CTRL = 0x08,
	LOC_STS = 0x0c,
	STS = 0x18,
	DATA_FIFO = 0x24,
	INTERFACE_ID = 0x30,
	CTRL_REQ = 0x40,
	CTRL_START = 0x4c,
	DATA_BUFFER = 0x80,
};
#define OWNED 0xa0
#define DONE  0x10d0 /* 16 bytes at once, valid, ready, and with data */
#define GO    0x20

static struct {
	unsigned options;
	struct input input;
	unsigned long accesses;
	unsigned commands;
	/* Of the command that runs: */
	uint8_t sent[4096], answer[4096];
	size_t sent_bytes, answer_bytes;
} tpm_at;

_Noreturn void check_failed(const char *what)
{
	fuzz_failed(__FILE__, __LINE__, what);
}

void *arch_map(uint64_t address, uint64_t length, enum arch_memory memory)
{
	REQUIRE(address == BASE && length == SIZE && memory == ARCH_MEMORY_DEVICE);
	return (tpm_at.options & NOT_MAPPED) != 0 ? NULL : (void *)address;
}

void arch_relax(void)
{
}

static unsigned offset_of(uint64_t address)
{
	REQUIRE(address >= BASE && address - BASE < SIZE);
	REQUIRE(++tpm_at.accesses <= ACCESSES_MAX);
	return (unsigned)(address - BASE);
}

/* That a command is what its header says. */
static void check_command(void)
{
	struct be32 size;

	memcpy(&size, tpm_at.sent + 2, sizeof(size));
	REQUIRE(be32_get(size) == tpm_at.sent_bytes && tpm_at.sent_bytes <= BUFFER_SIZE);
	tpm_at.commands++;
}

static uint8_t answer_byte(void)
{
	uint8_t byte = input_byte(&tpm_at.input);

	REQUIRE(tpm_at.answer_bytes < BUFFER_SIZE);
	tpm_at.answer[tpm_at.answer_bytes++] = byte;
	return byte;
}

uint8_t arch_mmio_read8(uint64_t address)
{
	unsigned offset = offset_of(address);

	if (offset == DATA_FIFO || offset >= DATA_BUFFER)
		return answer_byte();
	REQUIRE(offset == ACCESS);
	if ((tpm_at.options & GOOD_REGISTERS) != 0)
		return OWNED;
	return input_byte(&tpm_at.input);
}

uint32_t arch_mmio_read32(uint64_t address)
{
	unsigned offset = offset_of(address);

	if (offset == INTERFACE_ID)
		return (tpm_at.options & HAS_CRB) != 0 ? 1 : 0;
	if ((tpm_at.options & GOOD_REGISTERS) == 0)
		return (uint32_t)input_number(&tpm_at.input, 4);
	switch (offset) {
	case STS:
		return DONE;
	case LOC_STS:
		return 1;
	}
	REQUIRE(offset == CTRL_REQ || offset == CTRL_START);
	return 0;
}

void arch_mmio_write8(uint64_t address, uint8_t value)
{
	unsigned offset = offset_of(address);

	if (offset == DATA_FIFO || offset >= DATA_BUFFER) {
		REQUIRE(tpm_at.sent_bytes < BUFFER_SIZE);
		tpm_at.sent[tpm_at.sent_bytes++] = value;
	} else if (offset == STS && value == GO) {
		check_command();
	} else {
		REQUIRE(offset == STS || offset == ACCESS);
	}
}

void arch_mmio_write32(uint64_t address, uint32_t value)
{
	unsigned offset = offset_of(address);

	if (offset == CTRL_START) {
		REQUIRE(value == 1);
		check_command();
	} else {
		REQUIRE(offset == LOC_CTRL || offset == CTRL_REQ);
	}
}

static void begin(void)
{
	tpm_at.sent_bytes = 0;
	tpm_at.answer_bytes = 0;
}

static bool has(const struct pcr_banks *banks, unsigned algorithm)
{
	unsigned count = 0;

	for (size_t i = 0; i < banks->count; i++)
		count += banks->bank[i].algorithm == algorithm;
	REQUIRE(count <= 1);
	return count == 1;
}

/* Every selection of the answer that has a bit is a bank, and there is no other bank. */
static void check_banks(const struct pcr_banks *banks)
{
	const uint8_t *at = tpm_at.answer + 19;
	unsigned active = 0;

	REQUIRE(banks->count <= PCR_BANKS_MAX && tpm_at.answer_bytes >= 19);
	/* No more of them fit into an answer. */
	REQUIRE(at[-4] == 0 && at[-3] == 0);
	for (unsigned left = (unsigned)at[-2] << 8 | at[-1]; left > 0; left--) {
		bool selected = false;
		for (unsigned i = 0; i < at[2]; i++)
			selected |= at[3 + i] != 0;
		if (selected)
			REQUIRE(has(banks, (unsigned)at[0] << 8 | at[1]));
		active += selected;
		at += 3 + at[2];
		REQUIRE(at <= tpm_at.answer + tpm_at.answer_bytes);
	}
	REQUIRE(active == banks->count);
	for (size_t i = 0; i < banks->count; i++)
		REQUIRE(banks->bank[i].size == pcr_digest_size(banks->bank[i].algorithm) &&
			banks->bank[i].size >= 20 && banks->bank[i].size <= PCR_DIGEST_SIZE_MAX);
}

/* The command ends with a digest of the last bank. */
static void check_extend(const struct pcr_banks *banks, const struct pcr_digests *digests)
{
	size_t size = 31;

	for (size_t i = 0; i < banks->count; i++)
		size += 2u + banks->bank[i].size;
	REQUIRE(tpm_at.sent_bytes == size && tpm_at.sent[30] == banks->count);
	if (banks->count == 0)
		return;
	const struct pcr_bank last = banks->bank[banks->count - 1];
	const uint8_t *digest = tpm_at.sent + size - last.size;
	if (last.algorithm == PCR_SHA256)
		REQUIRE(memcmp(digest, digests->sha256, last.size) == 0);
	else if (last.algorithm == PCR_SHA384)
		REQUIRE(memcmp(digest, digests->sha384, last.size) == 0);
	else
		REQUIRE(digest[0] == PCR_UNKNOWN && digest[last.size - 1] == PCR_UNKNOWN);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct pcr_digests digests;
	struct pcr_banks banks = {.count = 0};
	struct tpm tpm;

	memset(&tpm_at, 0, sizeof(tpm_at));
	memset(&digests, 0x5a, sizeof(digests));
	tpm_at.input = (struct input){bytes, size};
	tpm_at.options = input_byte(&tpm_at.input);
	uint32_t pcr = (uint32_t)input_number(&tpm_at.input, 4);
	if (tpm_find(BASE, &tpm) != STATUS_OK)
		return 0;
	if (tpm_start(&tpm, TPM_SU_CLEAR) == STATUS_OK)
		REQUIRE(tpm_at.commands == 1);
	begin();
	enum status status = tpm_read_banks(&tpm, &banks);
	if (status == STATUS_OK)
		check_banks(&banks);
	else
		REQUIRE(banks.count == 0);
	begin();
	if (tpm_extend(&tpm, &banks, pcr, &digests) == STATUS_OK)
		check_extend(&banks, &digests);
	return 0;
}
