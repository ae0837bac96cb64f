/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/aarch64/cpu.h"
#include "arch/aarch64/state.h"
#include "arch/entry.h"
#include "arch/machine.h"
#include "arch/memory.h"
#include "lib/check.h"
#include "lib/format.h"

/* Arm ARM D19.2.61 (ID_AA64ISAR0_EL1), D19.2.64 (ID_AA64MMFR0_EL1), D19.2.105 (RNDR). */
#define ISAR0_SHA2_SHIFT    12
#define ISAR0_RNDR_SHIFT    60
#define MMFR0_TGRAN16_SHIFT 20
#define MMFR0_TGRAN64_SHIFT 24
#define MMFR0_TGRAN4_SHIFT  28
#define MMFR0_TGRAN_NO      15 /* of the 4 KiB and 64 KiB granules */

/* Rounds of a generator that has no entropy ready. */
#define RNDR_TRIES 10

/* linker/aarch64.ld */
extern const uint8_t image_start[], image_end[];

_Noreturn void arch_start(uint64_t fdt);
_Noreturn void arch_exception(uint64_t number, uint64_t sp);
_Noreturn void __stack_chk_fail(void);

bool arch_random(uint64_t *ret_value)
{
	if ((read_register(id_aa64isar0_el1) >> ISAR0_RNDR_SHIFT & 15) == 0)
		return false;
	for (unsigned i = 0; i < RNDR_TRIES; i++) {
		uint64_t value;
		uint32_t ready;
		/* S3_3_C2_C4_0 is RNDR; the Z flag tells of failure. */
		__asm__ volatile("mrs %0, s3_3_c2_c4_0; cset %w1, ne"
				 : "=r"(value), "=r"(ready)::"cc");
		if (ready) {
			*ret_value = value;
			return true;
		}
	}
	return false;
}

bool arch_has_sha256(void)
{
	return (read_register(id_aa64isar0_el1) >> ISAR0_SHA2_SHIFT & 15) != 0;
}

bool arch_has_page_size(uint32_t page_size)
{
	uint64_t features = read_register(id_aa64mmfr0_el1);

	switch (page_size) {
	case 0x1000:
		return (features >> MMFR0_TGRAN4_SHIFT & 15) != MMFR0_TGRAN_NO;
	case 0x4000:
		return (features >> MMFR0_TGRAN16_SHIFT & 15) != 0;
	default:
		return (features >> MMFR0_TGRAN64_SHIFT & 15) != MMFR0_TGRAN_NO;
	}
}

/* The function that sets the canary cannot be guarded by it. */
__attribute__((no_stack_protector)) _Noreturn void arch_start(uint64_t fdt)
{
	struct arch_state *state = arch_state();
	uint64_t canary;

	/* Not into its place by arch_random(), which may be guarded by what is there. */
	if (!arch_random(&canary))
		canary = read_register(cntvct_el0) * 0x9e3779b97f4a7c15; /* 2^64 / golden ratio */
	state->canary = canary;
	state->console = (struct arch_console){ARCH_CONSOLE_PL011, DEFAULT_PL011, 0};
	state->psci = cpu_exception_level() == 1 ? ARCH_PSCI_HVC : ARCH_PSCI_SMC;
	state->dying = 0;

	struct arch_entry entry = {.kind = ARCH_ENTRY_FDT, .start_info = fdt};
	boot_main(&entry);
}

struct arch_range arch_work_area(void)
{
	return (struct arch_range){arch_state()->work, WORK_SIZE};
}

struct arch_range arch_image(void)
{
	return (struct arch_range){arch_state()->image,
				   (uintptr_t)image_end - (uintptr_t)image_start};
}

_Noreturn void arch_exception(uint64_t number, uint64_t sp)
{
	char reason[REASON_SIZE];
	bool el1 = cpu_exception_level() == 1;
	uint64_t elr = el1 ? read_register(elr_el1) : read_register(elr_el2);
	uint64_t esr = el1 ? read_register(esr_el1) : read_register(esr_el2);
	uint64_t far = el1 ? read_register(far_el1) : read_register(far_el2);

	format_text(reason, sizeof(reason),
		    "exception %lu at elr 0x%lx (image 0x%lx), esr 0x%lx, far 0x%lx, sp 0x%lx",
		    number, elr, arch_state()->image, esr, far, sp);
	arch_fatal("cpu", STATUS_FAULT, reason);
}

_Noreturn void check_failed(const char *what)
{
	arch_fatal("check", STATUS_FAULT, what);
}

__attribute__((used)) _Noreturn void __stack_chk_fail(void)
{
	arch_fatal("check", STATUS_FAULT, "a stack buffer was overrun");
}
