/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/handoff.h"

#include "arch/aarch64/cpu.h"
#include "arch/aarch64/mmu.h"
#include "arch/aarch64/state.h"
#include "arch/machine.h"
#include "lib/checked.h"

/* entry.S */
_Noreturn void enter_linux(uint64_t entry, uint64_t fdt, uint64_t sctlr, uint64_t work);

static inline void clean_line(uint64_t address)
{
	__asm__ volatile("dc cvac, %0" ::"r"(address) : "memory");
}

/* booting.rst: "cleaned to the PoC"; what a device or we wrote may be in caches only. */
static void clean(struct arch_range range)
{
	uint64_t line = cpu_cache_line();
	/* Four lines in a round: a kernel has half a million. */
	uint64_t start = align_down(range.start, 4 * line);
	uint64_t end = range.start + range.size;

	if (arch_map(start, align_down(end - start + 4 * line - 1, 4 * line), ARCH_MEMORY_RAM) ==
	    NULL)
		arch_fatal("handoff", STATUS_NO_MEMORY,
			   "the kernel or its data lie where the CPU cannot map them");
	for (uint64_t at = start; at < end; at += 4 * line) {
		clean_line(at);
		clean_line(at + line);
		clean_line(at + 2 * line);
		clean_line(at + 3 * line);
	}
}

_Noreturn void arch_handoff(const struct arch_handoff *handoff)
{
	for (unsigned i = 0; i < ARCH_HANDOFF_RANGES; i++) {
		if (handoff->used[i].size != 0)
			clean(handoff->used[i]);
	}
	barrier_all();
	enter_linux(handoff->entry, handoff->argument, mmu_sctlr_off(), arch_state()->work);
}
