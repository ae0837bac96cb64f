/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/handoff.h"

#include "arch/machine.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/start.h"
#include "arch/x86_64/state.h"

/* handoff.asm */
_Noreturn void enter_linux64(uint64_t entry, uint64_t boot_params, uint64_t cr3);
_Noreturn void enter_32(uint64_t entry, uint64_t boot_params, uint64_t start_info);
_Noreturn void enter_real(uint64_t entry);

_Noreturn void arch_handoff(const struct arch_handoff *handoff)
{
	bool pvh = handoff->mode == ARCH_MODE_PVH;

	if (pvh || handoff->mode == ARCH_MODE_LINUX_32) {
		start_load_gdt(true);
		load_task_register(SELECTOR_TSS);
		enter_32(handoff->entry, pvh ? 0 : handoff->argument, pvh ? handoff->argument : 0);
	}
	if (handoff->mode == ARCH_MODE_REAL) {
		start_add_16_bit_segments(arch_state()->image);
		enter_real(handoff->entry);
	}
	paging_open_low();
	for (unsigned i = 0; i < ARCH_HANDOFF_RANGES; i++) {
		if (handoff->used[i].size != 0 && !paging_open(handoff->used[i]))
			arch_fatal("handoff", STATUS_NO_MEMORY,
				   "the kernel or its data lie where the CPU cannot map them");
	}
	enter_linux64(handoff->entry, handoff->argument, PML4_TABLE);
}
