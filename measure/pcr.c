/* SPDX-License-Identifier: BSD-2-Clause */
#include "measure/pcr.h"

#include <string.h>

uint16_t pcr_digest_size(uint16_t algorithm)
{
	switch (algorithm) {
	case 0x0004: /* SHA-1 */
		return 20;
	case PCR_SHA256:
	case 0x0012: /* SM3 */
	case 0x0027: /* SHA3-256 */
		return 32;
	case PCR_SHA384:
	case 0x0028: /* SHA3-384 */
		return 48;
	case 0x000d: /* SHA-512 */
	case 0x0029: /* SHA3-512 */
		return 64;
	}
	return 0;
}

void pcr_write_digest(struct pcr_bank bank, const struct pcr_digests *digests, uint8_t *to)
{
	if (bank.algorithm == PCR_SHA256)
		memcpy(to, digests->sha256, sizeof(digests->sha256));
	else if (bank.algorithm == PCR_SHA384)
		memcpy(to, digests->sha384, sizeof(digests->sha384));
	else
		memset(to, PCR_UNKNOWN, bank.size);
}
