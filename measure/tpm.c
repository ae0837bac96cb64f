/* SPDX-License-Identifier: BSD-2-Clause */
#include "measure/tpm.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "arch/io.h"
#include "arch/memory.h"
#include "lib/endian.h"

/* Sections are those of the TCG PC Client Platform TPM Profile 1.05. Locality 0 alone is used. */
#define TPM_BASE 0xfed40000ul
#define TPM_SIZE 0x1000

/* 6.4.2.2: which interface there is. TPMs of TIS 1.3 have all ones in the field. */
#define INTERFACE_ID      (TPM_BASE + 0x30)
#define INTERFACE_NOTHING 0xffffffffu
#define INTERFACE_TYPE    0xf
#define INTERFACE_CRB     1

/* FIFO: 6.5.2. */
#define ACCESS          (TPM_BASE + 0x00)
#define ACCESS_VALID    0x80
#define ACCESS_ACTIVE   0x20 /* when it is written: given up */
#define ACCESS_REQUEST  0x02
#define STS             (TPM_BASE + 0x18)
#define STS_VALID       0x80
#define STS_READY       0x40
#define STS_GO          0x20
#define STS_DATA        0x10
#define STS_BURST_COUNT 0xffff00
#define DATA_FIFO       (TPM_BASE + 0x24)

/* CRB: 6.5.3. */
#define LOC_CTRL            (TPM_BASE + 0x08)
#define LOC_CTRL_REQUEST    0x1
#define LOC_CTRL_RELINQUISH 0x2
#define LOC_STS             (TPM_BASE + 0x0c)
#define LOC_STS_GRANTED     0x1
#define CTRL_REQ            (TPM_BASE + 0x40)
#define CTRL_REQ_READY      0x1
#define CTRL_REQ_IDLE       0x2
#define CTRL_START          (TPM_BASE + 0x4c)
#define DATA_BUFFER         (TPM_BASE + 0x80)

/* Far more than a virtual TPM takes, each with one access to it. */
#define WAIT_ROUNDS 5000000

/* TPM 2.0 Library part 3, 9.3, and part 1, 18. */
struct startup_command {
	struct be16 tag;
	struct be32 size;
	struct be32 code;
	struct be16 type;
};
struct startup_response {
	struct be16 tag;
	struct be32 size;
	struct be32 code;
};
_Static_assert(sizeof(struct startup_command) == 12, "part 3, table 5");
_Static_assert(sizeof(struct startup_response) == 10, "part 3, table 6");

#define TPM_ST_NO_SESSIONS 0x8001
#define TPM_CC_STARTUP     0x00000144u
#define TPM_RC_SUCCESS     0x000u
#define TPM_RC_INITIALIZE  0x100u /* it has been started already */

/* Waits until @mask of a register is @value. */
static enum status wait_for(uint64_t address, uint32_t mask, uint32_t value)
{
	for (unsigned round = 0; round < WAIT_ROUNDS; round++) {
		if ((arch_mmio_read32(address) & mask) == value)
			return STATUS_OK;
		arch_relax();
	}
	return STATUS_TIMEOUT;
}

static enum status wait_for_access(void)
{
	const uint8_t active = ACCESS_VALID | ACCESS_ACTIVE;

	for (unsigned round = 0; round < WAIT_ROUNDS; round++) {
		if ((arch_mmio_read8(ACCESS) & active) == active)
			return STATUS_OK;
		arch_relax();
	}
	return STATUS_TIMEOUT;
}

/* Waits until the FIFO takes or has a byte. */
static enum status wait_for_burst(void)
{
	for (unsigned round = 0; round < WAIT_ROUNDS; round++) {
		if ((arch_mmio_read32(STS) & STS_BURST_COUNT) != 0)
			return STATUS_OK;
		arch_relax();
	}
	return STATUS_TIMEOUT;
}

static enum status transfer_by_fifo(const struct startup_command *command,
				    struct startup_response *response)
{
	const uint8_t *from = (const uint8_t *)command;
	uint8_t *to = (uint8_t *)response;

	arch_mmio_write8(ACCESS, ACCESS_REQUEST);
	enum status status = wait_for_access();
	if (status != STATUS_OK)
		return status;
	arch_mmio_write8(STS, STS_READY);
	status = wait_for(STS, STS_READY, STS_READY);
	for (size_t i = 0; i < sizeof(*command) && status == STATUS_OK; i++) {
		status = wait_for_burst();
		if (status == STATUS_OK)
			arch_mmio_write8(DATA_FIFO, from[i]);
	}
	if (status == STATUS_OK) {
		arch_mmio_write8(STS, STS_GO);
		status = wait_for(STS, STS_VALID | STS_DATA, STS_VALID | STS_DATA);
	}
	for (size_t i = 0; i < sizeof(*response) && status == STATUS_OK; i++) {
		status = wait_for_burst();
		if (status == STATUS_OK)
			to[i] = arch_mmio_read8(DATA_FIFO);
	}
	arch_mmio_write8(STS, STS_READY);
	arch_mmio_write8(ACCESS, ACCESS_ACTIVE);
	return status;
}

static enum status transfer_by_crb(const struct startup_command *command,
				   struct startup_response *response)
{
	const uint8_t *from = (const uint8_t *)command;
	uint8_t *to = (uint8_t *)response;

	arch_mmio_write32(LOC_CTRL, LOC_CTRL_REQUEST);
	enum status status = wait_for(LOC_STS, LOC_STS_GRANTED, LOC_STS_GRANTED);
	if (status != STATUS_OK)
		return status;
	arch_mmio_write32(CTRL_REQ, CTRL_REQ_READY);
	status = wait_for(CTRL_REQ, CTRL_REQ_READY, 0);
	if (status == STATUS_OK) {
		for (size_t i = 0; i < sizeof(*command); i++)
			arch_mmio_write8(DATA_BUFFER + i, from[i]);
		arch_mmio_write32(CTRL_START, 1);
		status = wait_for(CTRL_START, 1, 0);
	}
	for (size_t i = 0; i < sizeof(*response) && status == STATUS_OK; i++)
		to[i] = arch_mmio_read8(DATA_BUFFER + i);
	arch_mmio_write32(CTRL_REQ, CTRL_REQ_IDLE);
	arch_mmio_write32(LOC_CTRL, LOC_CTRL_RELINQUISH);
	return status;
}

enum status tpm_startup(enum tpm_startup type)
{
	const struct startup_command command = {
		.tag = be16_of(TPM_ST_NO_SESSIONS),
		.size = be32_of(sizeof(command)),
		.code = be32_of(TPM_CC_STARTUP),
		.type = be16_of((uint16_t)type),
	};
	struct startup_response response;

	if (arch_map(TPM_BASE, TPM_SIZE, ARCH_MEMORY_DEVICE) == NULL)
		return STATUS_NO_MEMORY;
	uint32_t interface = arch_mmio_read32(INTERFACE_ID);
	if (interface == INTERFACE_NOTHING)
		return STATUS_NOT_FOUND;
	enum status status = (interface & INTERFACE_TYPE) == INTERFACE_CRB
				     ? transfer_by_crb(&command, &response)
				     : transfer_by_fifo(&command, &response);
	if (status != STATUS_OK)
		return status;
	if (be16_get(response.tag) != TPM_ST_NO_SESSIONS)
		return STATUS_UNSUPPORTED;
	uint32_t code = be32_get(response.code);
	return code == TPM_RC_SUCCESS || code == TPM_RC_INITIALIZE ? STATUS_OK : STATUS_UNSUPPORTED;
}
