# SPDX-License-Identifier: BSD-2-Clause
#
# make prove                every proof, by CBMC; docs/proofs.md says what they say
# make prove T=memmap       the proofs with that in their name
#
# A proof is a function of a file proof_*.c, which includes the sources that it proves, as they
# are. CBMC is started beside the system: tests/tools/fetch-cbmc.

proof_files := $(sort $(wildcard tests/proof/proof_*.c))
proof_flags := -D_GNU_SOURCE -I . -I arch/include -I tests/proof

.PHONY: prove
prove:
	$(Q)tests/tools/need gcc libc6-dev python3 zlib1g-dev libzstd-dev
	$(Q)cbmc=$$(tests/tools/fetch-cbmc) && \
		tests/proof/run "$$cbmc" '$(T)' $(proof_files) -- $(proof_flags) $(defines)
