/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "arch/io.h"
#include "arch/machine.h"
#include "arch/memory.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/layout.h"

/* Memory type range registers: Intel SDM vol. 3, 12.11. */
#define CPUID_MTRR             (1u << 12) /* leaf 1 edx */
#define MSR_MTRR_CAP           0x0fe
#define MSR_MTRR_PHYS_BASE(n)  (0x200 + 2 * (n))
#define MSR_MTRR_PHYS_MASK(n)  (0x201 + 2 * (n))
#define MSR_MTRR_FIX64K_00000  0x250
#define MSR_MTRR_FIX16K_80000  0x258
#define MSR_MTRR_FIX16K_A0000  0x259
#define MSR_MTRR_FIX4K_C0000   0x268
#define MSR_MTRR_FIX4K_LAST    0x26f
#define MSR_MTRR_DEF_TYPE      0x2ff
#define MTRR_CAP_VARIABLE      0xff
#define MTRR_CAP_FIXED         0x100
#define MTRR_MASK_VALID        (1u << 11)
#define MTRR_ENABLED           (1u << 11)
#define MTRR_FIXED_ENABLED     (1u << 10)
#define MTRR_WRITE_BACK        6ul
#define MTRR_WRITE_PROTECTED_8 0x0505050505050505ul
#define MTRR_WRITE_BACK_8      0x0606060606060606ul
#define MTRR_UNCACHED_8        0ul
#define MTRR_VARIABLE_MAX      8 /* more exist in the architecture, none in a virtual CPU */

/* Local APIC: Intel SDM vol. 3, 11.6.1. */
#define LAPIC_ICR              0xfee00300ul
#define LAPIC_INIT_ALL_OTHERS  0x000c4500
#define LAPIC_START_ALL_OTHERS 0x000c4600

/* Rounds without one more arrival: far more than a processor needs that exists. */
#define AP_WAIT_ROUNDS 10000000

struct msr_value {
	uint32_t index;
	uint32_t low;
	uint32_t high;
};

struct msr_list {
	unsigned count;
	struct msr_value value[12 + 2 * MTRR_VARIABLE_MAX];
};

_Static_assert(AP_MSRS + sizeof(struct msr_list) <= 0x1000, "the table fits into the AP page");

/* entry.asm */
extern const uint8_t ap_start[], ap_start_end[];

/* Sets one MSR here, and notes it for the other processors. */
static void set(struct msr_list *list, uint32_t index, uint64_t value)
{
	wrmsr(index, value);
	list->value[list->count++] =
		(struct msr_value){index, (uint32_t)value, (uint32_t)(value >> 32)};
}

/*
 * [start, 4 GiB) as aligned powers of two, from the top: the binary digits of
 * its size. When the registers do not suffice, the smallest pieces, next to the
 * RAM, are left out.
 */
static void set_uncached(struct msr_list *list, uint64_t start, unsigned registers)
{
	const uint64_t top = 1ul << 32;
	uint64_t address_mask = (1ul << cpu_physical_bits()) - 1;
	uint64_t covered = top;
	unsigned used = 0;

	for (uint64_t size = top / 2; size >= 0x1000 && used < registers; size /= 2) {
		if (((top - start) & size) == 0)
			continue;
		covered -= size;
		set(list, MSR_MTRR_PHYS_BASE(used), covered);
		set(list, MSR_MTRR_PHYS_MASK(used), (~(size - 1) & address_mask) | MTRR_MASK_VALID);
		used++;
	}
}

/* Sets the MTRRs of this processor; @list is then what the others need. */
static void set_on_this(uint64_t uncached_start, struct msr_list *list)
{
	uint64_t cap = rdmsr(MSR_MTRR_CAP);
	unsigned registers = cap & MTRR_CAP_VARIABLE;
	uint64_t def_type = MTRR_ENABLED | MTRR_WRITE_BACK;

	list->count = 0;
	set_uncached(list, uncached_start,
		     registers < MTRR_VARIABLE_MAX ? registers : MTRR_VARIABLE_MAX);
	if ((cap & MTRR_CAP_FIXED) != 0) {
		set(list, MSR_MTRR_FIX64K_00000, MTRR_WRITE_BACK_8);
		set(list, MSR_MTRR_FIX16K_80000, MTRR_WRITE_BACK_8);
		set(list, MSR_MTRR_FIX16K_A0000, MTRR_UNCACHED_8);
		for (uint32_t msr = MSR_MTRR_FIX4K_C0000; msr <= MSR_MTRR_FIX4K_LAST; msr++)
			set(list, msr, MTRR_WRITE_PROTECTED_8);
		def_type |= MTRR_FIXED_ENABLED;
	}
	set(list, MSR_MTRR_DEF_TYPE, def_type);
}

/*
 * Linux compares the MTRRs of all processors and reports a firmware that set up
 * the first one only, so the others are started once for this.
 */
static enum status set_on_others(const struct msr_list *list, unsigned others)
{
	volatile uint32_t *arrived = (volatile uint32_t *)(AP_PAGE + AP_ARRIVED);

	memcpy((void *)AP_PAGE, ap_start, (size_t)(ap_start_end - ap_start));
	memcpy((void *)(AP_PAGE + AP_MSRS), list->value, list->count * sizeof(struct msr_value));
	/* Index 0 ends the table. */
	memset((uint8_t *)(AP_PAGE + AP_MSRS) + list->count * sizeof(struct msr_value), 0,
	       sizeof(struct msr_value));
	*arrived = 0;
	if (arch_map(LAPIC_ICR, sizeof(uint32_t), ARCH_MEMORY_DEVICE) == NULL)
		return STATUS_NO_MEMORY;
	arch_mmio_write32(LAPIC_ICR, LAPIC_INIT_ALL_OTHERS);
	arch_mmio_write32(LAPIC_ICR, LAPIC_START_ALL_OTHERS | AP_PAGE >> 12);
	uint32_t seen = 0;
	for (unsigned round = 0; seen < others; round++) {
		if (round == AP_WAIT_ROUNDS)
			return STATUS_TIMEOUT;
		arch_relax();
		uint32_t now = *arrived;
		if (now != seen)
			round = 0;
		seen = now;
	}
	return STATUS_OK;
}

enum status arch_set_memory_types(uint64_t uncached_start, unsigned cpus)
{
	struct msr_list list;

	if ((cpuid(1).edx & CPUID_MTRR) == 0)
		return STATUS_OK;
	set_on_this(uncached_start, &list);
	return cpus > 1 ? set_on_others(&list, cpus - 1) : STATUS_OK;
}
