/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "arch/entry.h"
#include "arch/machine.h"
#include "arch/memory.h"
#include "arch/x86_64/console.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/start.h"
#include "arch/x86_64/state.h"
#include "lib/check.h"
#include "lib/format.h"

#define MSR_GS_BASE  0xc0000101
#define CPUID_SSSE3  (1u << 9) /* leaf 1 ecx */
#define CPUID_SSE4_1 (1u << 19)
#define CPUID_RDRAND (1u << 30)
#define CPUID_SHA    (1u << 29) /* leaf 7 ebx */

#define DESCRIPTOR_CODE32 0x00cf9b000000fffful
#define DESCRIPTOR_CODE64 0x00af9b000000fffful
#define DESCRIPTOR_DATA   0x00cf93000000fffful
#define DESCRIPTOR_TSS    0x0000890000000000ul /* available, present */
#define DESCRIPTOR_CODE16 0x00009b000000fffful /* of 64 KiB at 0 */
#define DESCRIPTOR_DATA16 0x000093000000fffful
#define GATE_IST1         (1ul << 32)
#define GATE_INTERRUPT    (0x8eul << 40) /* present, 64-bit interrupt gate */

/* Rounds of a generator that has no entropy ready: Intel SDM vol. 1, 7.3.17.1. */
#define RDRAND_TRIES 10

/** What the CPU and our stubs push (handoff.asm). */
struct exception_frame {
	uint64_t vector;
	uint64_t error;
	uint64_t rip;
	uint64_t cs;
	uint64_t rflags;
	uint64_t rsp;
	uint64_t ss;
};

/* handoff.asm: one stub of 4 bytes per vector. */
extern const uint8_t exception_stubs[EXCEPTIONS][4];

_Noreturn void arch_start(uint64_t start_info, uint64_t image);
_Noreturn void arch_exception(const struct exception_frame *frame);
_Noreturn void __stack_chk_fail(void);

bool arch_random(uint64_t *ret_value)
{
	if ((cpuid(1).ecx & CPUID_RDRAND) == 0)
		return false;
	for (unsigned i = 0; i < RDRAND_TRIES; i++) {
		uint64_t value;
		uint8_t ready;
		__asm__ volatile("rdrand %0; setc %1" : "=r"(value), "=qm"(ready)::"cc");
		if (ready) {
			*ret_value = value;
			return true;
		}
	}
	return false;
}

bool arch_has_sha256(void)
{
	const uint32_t sse = CPUID_SSSE3 | CPUID_SSE4_1;

	/* Of a leaf that it does not have, a CPU says what it has of another one. */
	return cpuid(0).eax >= 7 && (cpuid(7).ebx & CPUID_SHA) != 0 && (cpuid(1).ecx & sse) == sse;
}

void start_load_gdt(bool code32_at_0x10)
{
	struct arch_state *state = arch_state();
	/* PVH wants a base of 0 (Xen docs/misc/pvh.pandoc); nobody returns to us then. */
	uint64_t tss = code32_at_0x10 ? 0 : (uintptr_t)&state->tss;

	state->gdt[0] = 0;
	state->gdt[SELECTOR_CODE32 / 8] = code32_at_0x10 ? DESCRIPTOR_CODE64 : DESCRIPTOR_CODE32;
	state->gdt[SELECTOR_CODE64 / 8] = code32_at_0x10 ? DESCRIPTOR_CODE32 : DESCRIPTOR_CODE64;
	state->gdt[SELECTOR_DATA / 8] = DESCRIPTOR_DATA;
	state->gdt[SELECTOR_TSS / 8] = DESCRIPTOR_TSS | (sizeof(struct tss) - 1) |
				       (tss & 0xffffff) << 16 | (tss >> 24 & 0xff) << 56;
	state->gdt[SELECTOR_TSS / 8 + 1] = tss >> 32;
	lgdt(state->gdt, sizeof(state->gdt));
}

void start_add_16_bit_segments(uint64_t code_base)
{
	struct arch_state *state = arch_state();

	state->gdt[SELECTOR_CODE16 / 8] =
		DESCRIPTOR_CODE16 | (code_base & 0xffffff) << 16 | (code_base >> 24 & 0xff) << 56;
	state->gdt[SELECTOR_DATA16 / 8] = DESCRIPTOR_DATA16;
}

static void load_idt(struct arch_state *state)
{
	memset(&state->tss, 0, sizeof(state->tss));
	state->tss.ist1[0] = EXCEPTION_STACK_TOP;
	state->tss.io_map_base = sizeof(struct tss);
	load_task_register(SELECTOR_TSS);
	/* The image lies inside an aligned 64 KiB, so only the lowest 16 bits differ. */
	uint64_t stub = (uintptr_t)exception_stubs;
	idt_gate gate = {
		(stub & 0xffff) | SELECTOR_CODE64 << 16 | GATE_IST1 | GATE_INTERRUPT |
			(stub >> 16 & 0xffff) << 48,
		stub >> 32,
	};
	const idt_gate next = {sizeof(exception_stubs[0]), 0};
#pragma GCC unroll 8
	for (idt_gate *at = state->idt; at != state->idt + EXCEPTIONS; at++) {
		*at = gate;
		gate += next;
	}
	/* On the stack that is in use: it may come while the other is. */
	state->idt[VECTOR_NMI][0] &= ~GATE_IST1;
	lidt(state->idt, sizeof(state->idt));
}

/* The function that sets the canary cannot be guarded by it. */
__attribute__((no_stack_protector)) _Noreturn void arch_start(uint64_t start_info, uint64_t image)
{
	struct arch_state *state = arch_state();
	uint64_t canary;

	wrmsr(MSR_GS_BASE, ARCH_STATE);
	/* Not into its place by arch_random(), which may be guarded by what is there. */
	if (!arch_random(&canary))
		canary = rdtsc() * 0x9e3779b97f4a7c15; /* 2^64 / golden ratio */
	state->canary = canary;
	state->image = image;
	state->dying = 0;
	state->nx = (rdmsr(MSR_EFER) & EFER_NXE) != 0 ? 1ul << 63 : 0;
	state->next_table = TABLE_POOL_START;
	start_load_gdt(false);
	load_idt(state);

	struct arch_entry entry = {
		.kind = image == IMAGE_IN_ROM ? ARCH_ENTRY_RESET : ARCH_ENTRY_PVH,
		.start_info = start_info,
	};
	boot_main(&entry);
}

struct arch_range arch_work_area(void)
{
	return (struct arch_range){WORK_AREA_START, WORK_AREA_END - WORK_AREA_START};
}

_Static_assert(ARCH_KEPT_SIZE == WORK_AREA_END - KEPT_PAGE, "layout.h");

void *arch_kept(void)
{
	return (void *)KEPT_PAGE;
}

struct arch_range arch_hash_block(void)
{
	return (struct arch_range){HASH_BLOCK, HASH_BLOCK_SIZE};
}

struct arch_range arch_image(void)
{
	return (struct arch_range){arch_state()->image, IMAGE_SIZE};
}

_Noreturn void arch_exception(const struct exception_frame *frame)
{
	char reason[REASON_SIZE];

	/* What faults in its own report is not reported again. */
	if (arch_state()->dying != 0)
		console_end();
	arch_state()->dying = 1;
	format_text(reason, sizeof(reason),
		    "exception %lu at rip 0x%lx (image 0x%lx), error 0x%lx, cr2 0x%lx, rsp 0x%lx",
		    frame->vector, frame->rip, arch_state()->image, frame->error, read_cr2(),
		    frame->rsp);
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
