/* SPDX-License-Identifier: BSD-2-Clause */
#include "proof.h"

/* Looks at registers for each command. */
#define TPM_WAIT_ROUNDS 2
/* So few bytes that an answer is often longer. */
#define BUFFER_SIZE 20

#include "measure/pcr.c"
#include "measure/tpm.c"

/* Registers that answer anything, where the TPM's are. */
static void check_register(uint64_t address, unsigned width)
{
	PROVE(address >= TPM_PC_REGISTERS &&
	      address - TPM_PC_REGISTERS <= TPM_REGISTERS_SIZE - width);
}

uint8_t arch_mmio_read8(uint64_t address)
{
	check_register(address, 1);
	return any_byte();
}

uint32_t arch_mmio_read32(uint64_t address)
{
	check_register(address, 4);
	return any_u32();
}

void arch_mmio_write8(uint64_t address, uint8_t value)
{
	(void)value;
	check_register(address, 1);
}

void arch_mmio_write32(uint64_t address, uint32_t value)
{
	(void)value;
	check_register(address, 4);
}

void arch_relax(void)
{
}

void *arch_map(uint64_t address, uint64_t length, enum arch_memory memory)
{
	PROVE(memory == ARCH_MEMORY_DEVICE && length == TPM_REGISTERS_SIZE);
	return any_bool() ? (void *)address : NULL;
}

/* What any list of banks has that we hold. */
static void prove_banks(const struct pcr_banks *banks)
{
	PROVE(banks->count <= PCR_BANKS_MAX);
	for (size_t i = 0; i < banks->count; i++) {
		PROVE(banks->bank[i].size == pcr_digest_size(banks->bank[i].algorithm));
		PROVE(banks->bank[i].size >= 20 && banks->bank[i].size <= PCR_DIGEST_SIZE_MAX);
		for (size_t k = 0; k < i; k++)
			PROVE(banks->bank[i].algorithm != banks->bank[k].algorithm);
	}
}

/**
 * parse_banks() reads inside the answer; what it gives are banks that differ, with digests of a
 * size that we have room for.
 * Bound: answers of up to 21 bytes behind the header, which is up to three banks.
 * Loops: parse_banks.0:5, add_bank.0:13, add_bank.1:5
 */
PROOF(tpm_parse_banks, 6)
{
	size_t size = any_up_to(21);
	const struct span rest = {any_bytes(size), size};
	struct pcr_banks banks;
	enum status status = parse_banks(rest, &banks);

	PROVE(status == STATUS_OK || status == STATUS_BAD_FORMAT || status == STATUS_TOO_LARGE);
	if (status != STATUS_OK) {
		REACHED("a refusal");
		return;
	}
	if (banks.count == 3)
		REACHED("three banks");
	prove_banks(&banks);
}

/**
 * An exchange reads registers of the TPM alone, and moves what it gets into its buffer and
 * nowhere else; what is given of the answer lies inside of it. It comes to an end.
 * Bound: a TPM that answers anything; room for 20 bytes; 2 looks that are in vain.
 * Loops: move.0:4, move.1:21, take_step.0:4
 */
PROOF(tpm_execute, 3)
{
	struct tpm tpm = {.registers = TPM_PC_REGISTERS, .crb = any_bool()};
	uint8_t *buffer = any_bytes(BUFFER_SIZE);
	uint32_t code;
	struct span rest;

	if (execute(&tpm, buffer, any_up_to(BUFFER_SIZE), &code, &rest) != STATUS_OK) {
		REACHED("a refusal");
		return;
	}
	REACHED("an answer");
	PROVE(rest.bytes == buffer + sizeof(struct header));
	PROVE(rest.size <= BUFFER_SIZE - sizeof(struct header));
	PROVE(tpm.rounds <= TPM_WAIT_ROUNDS);
}

/**
 * The command that extends has room in its buffer, and the size that its header says.
 * Bound: none; any banks that can be active.
 * Loops: make_extend.0:9
 */
PROOF(tpm_make_extend, 9)
{
	struct pcr_banks banks;
	struct pcr_digests digests;
	struct header header;
	uint8_t *buffer = any_bytes(EXTEND_SIZE);

	ASSUME(banks.count <= PCR_BANKS_MAX);
	for (size_t i = 0; i < PCR_BANKS_MAX; i++) {
		ASSUME(banks.bank[i].size == pcr_digest_size(banks.bank[i].algorithm));
		ASSUME(banks.bank[i].size != 0);
	}
	size_t size = make_extend(buffer, &banks, any_u32(), &digests);
	PROVE(size <= EXTEND_SIZE);
	memcpy(&header, buffer, sizeof(header));
	PROVE(be32_get(header.size) == size);
	REACHED("a command");
}
