/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef PROOF_FILE_H
#define PROOF_FILE_H

#include "lib/blob.h"
#include "lib/checked.h"
#include "proof.h"

/*
 * A file of the host's. Only parts inside of it may be asked for, to a place that has room for
 * them. What it has is arbitrary, as the contents of local variables are to CBMC: so a read
 * leaves them alone.
 */

static unsigned file_reads;

static inline enum status file_read(const struct blob *blob, uint64_t offset, uint64_t length,
				    uint64_t to)
{
	file_reads++;
	if (!fits(offset, length, blob->size))
		return STATUS_OUT_OF_RANGE;
	PROVE(length == 0 || __CPROVER_w_ok((void *)to, length));
	return any_bool() ? STATUS_OK : STATUS_IO;
}

static inline struct blob any_file(void)
{
	file_reads = 0;
	return (struct blob){.size = any_u64(), .read = file_read};
}

#endif
