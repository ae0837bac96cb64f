/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "arch/io.h"
#include "arch/machine.h"
#include "arch/memory.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/layout.h"

/* Memory type range registers: Intel SDM vol. 3, 12.11. */
#define CPUID_MTRR            (1u << 12) /* leaf 1 edx */
#define MSR_MTRR_CAP          0x0fe
#define MSR_MTRR_PHYS_BASE(n) (0x200 + 2 * (n))
#define MSR_MTRR_PHYS_MASK(n) (0x201 + 2 * (n))
#define MSR_MTRR_FIX64K_00000 0x250
#define MSR_MTRR_FIX16K_80000 0x258
#define MSR_MTRR_FIX16K_A0000 0x259
#define MSR_MTRR_FIX4K_C0000  0x268
#define MSR_MTRR_DEF_TYPE     0x2ff
#define MTRR_CAP_VARIABLE     0xff
#define MTRR_CAP_FIXED        0x100
#define MTRR_MASK_VALID       (1u << 11)
#define MTRR_ENABLED          (1u << 11)
#define MTRR_FIXED_ENABLED    (1u << 10)
#define MTRR_UNCACHED         0
#define MTRR_WRITE_PROTECTED  5
#define MTRR_WRITE_BACK       6
#define MTRR_EIGHT_PARTS      0x0101010101010101ul
#define MTRR_VARIABLE_MAX     8 /* more exist in the architecture, none in a virtual CPU */

/* Once locked, it takes no other value before a reset: Intel SDM vol. 4, table 2-2. */
#define MSR_FEATURE_CONTROL    0x03a
#define FEATURE_CONTROL_LOCKED 0x1

/* Local APIC: Intel SDM vol. 3, 11.4.1, 11.5.1, 11.6.1, 11.9. */
#define LAPIC                  0xfee00000ul
#define LAPIC_SIZE             0x1000
#define LAPIC_SPURIOUS         (LAPIC + 0x0f0)
#define LAPIC_ICR              (LAPIC + 0x300)
#define LAPIC_LINT0            (LAPIC + 0x350)
#define LAPIC_LINT1            (LAPIC + 0x360)
#define LAPIC_ENABLED          0x1ff  /* spurious interrupts at vector 0xff */
#define LAPIC_EXTINT           0x8700 /* level-triggered */
#define LAPIC_NMI              0x8400
#define LAPIC_INIT_ALL_OTHERS  0x000c4500
#define LAPIC_START_ALL_OTHERS 0x000c4600

/* Rounds without one more arrival: far more than a processor needs that exists. */
#define AP_WAIT_ROUNDS 10000000

/* What AP_MSRS holds; index 0 ends it. */
struct msr_value {
	uint32_t index;
	uint32_t low;
	uint32_t high;
};

/* The fixed ranges, and the type of all eight parts of each. */
static const struct {
	uint16_t index;
	uint8_t type;
} fixed_mtrrs[] = {
	{MSR_MTRR_FIX64K_00000, MTRR_WRITE_BACK},
	{MSR_MTRR_FIX16K_80000, MTRR_WRITE_BACK},
	{MSR_MTRR_FIX16K_A0000, MTRR_UNCACHED},
	{MSR_MTRR_FIX4K_C0000, MTRR_WRITE_PROTECTED},
	{MSR_MTRR_FIX4K_C0000 + 1, MTRR_WRITE_PROTECTED},
	{MSR_MTRR_FIX4K_C0000 + 2, MTRR_WRITE_PROTECTED},
	{MSR_MTRR_FIX4K_C0000 + 3, MTRR_WRITE_PROTECTED},
	{MSR_MTRR_FIX4K_C0000 + 4, MTRR_WRITE_PROTECTED},
	{MSR_MTRR_FIX4K_C0000 + 5, MTRR_WRITE_PROTECTED},
	{MSR_MTRR_FIX4K_C0000 + 6, MTRR_WRITE_PROTECTED},
	{MSR_MTRR_FIX4K_C0000 + 7, MTRR_WRITE_PROTECTED},
};
#define FIXED_MTRRS (sizeof(fixed_mtrrs) / sizeof(fixed_mtrrs[0]))

/* MTRRs are set in this order: enabled last. */
#define MSRS_MAX (2ul * MTRR_VARIABLE_MAX + FIXED_MTRRS + 2)

_Static_assert(AP_MSRS + (MSRS_MAX + 1) * sizeof(struct msr_value) <= 0x1000,
	       "the table fits into the AP page");

/* entry.asm */
extern const uint8_t ap_start[], ap_start_end[];

/*
 * [start, 4 GiB) as aligned powers of two, from the top: the binary digits of
 * its size. When the registers do not suffice, the smallest pieces, next to the
 * RAM, are left out. Returns how many are in use.
 */
static unsigned set_uncached(uint64_t start, unsigned registers)
{
	const uint64_t top = 1ul << 32;
	uint64_t address_mask = (1ul << cpu_physical_bits()) - 1;
	uint64_t covered = top;
	unsigned used = 0;

	for (uint64_t left = top - start; left >= 0x1000 && used < registers; used++) {
		uint64_t size = 1ul << (63 - __builtin_clzl(left));
		left -= size;
		covered -= size;
		wrmsr(MSR_MTRR_PHYS_BASE(used), covered);
		wrmsr(MSR_MTRR_PHYS_MASK(used), (~(size - 1) & address_mask) | MTRR_MASK_VALID);
	}
	return used;
}

/* Memory types for this processor. Returns how many variable ranges are in use. */
static unsigned set_memory_types(uint64_t uncached_start)
{
	uint64_t cap = rdmsr(MSR_MTRR_CAP);
	unsigned registers = cap & MTRR_CAP_VARIABLE;
	uint64_t def_type = MTRR_ENABLED | MTRR_WRITE_BACK;

	unsigned used = set_uncached(uncached_start,
				     registers < MTRR_VARIABLE_MAX ? registers : MTRR_VARIABLE_MAX);
	if ((cap & MTRR_CAP_FIXED) != 0) {
		/* Unrolled, the table costs nothing. */
#pragma GCC unroll 16
		for (unsigned i = 0; i < FIXED_MTRRS; i++)
			wrmsr(fixed_mtrrs[i].index, fixed_mtrrs[i].type * MTRR_EIGHT_PARTS);
		def_type |= MTRR_FIXED_ENABLED;
	}
	wrmsr(MSR_MTRR_DEF_TYPE, def_type);
	return used;
}

/* Notes an MSR as it is here for the others. */
static struct msr_value *note(struct msr_value *at, uint32_t index)
{
	uint64_t value = rdmsr(index);

	*at = (struct msr_value){index, (uint32_t)value, (uint32_t)(value >> 32)};
	return at + 1;
}

static void note_msrs(bool has_mtrrs, unsigned variable, bool feature_control)
{
	struct msr_value *at = (struct msr_value *)(AP_PAGE + AP_MSRS);

	for (unsigned i = 0; i < 2 * variable; i++)
		at = note(at, MSR_MTRR_PHYS_BASE(0) + i);
	if (has_mtrrs && (rdmsr(MSR_MTRR_CAP) & MTRR_CAP_FIXED) != 0) {
		for (unsigned i = 0; i < FIXED_MTRRS; i++)
			at = note(at, fixed_mtrrs[i].index);
	}
	if (has_mtrrs)
		at = note(at, MSR_MTRR_DEF_TYPE);
	if (feature_control)
		at = note(at, MSR_FEATURE_CONTROL);
	*at = (struct msr_value){0, 0, 0};
}

/*
 * Linux compares the MTRRs of all processors and reports a firmware that set up
 * the first one only, so the others are started once for this.
 */
static enum status set_on_others(unsigned others, struct arch_found_processors *found)
{
	const volatile uint32_t *arrived = (volatile uint32_t *)(AP_PAGE + AP_ARRIVED);
	const volatile uint64_t *ids = (volatile uint64_t *)(AP_PAGE + AP_IDS);

	memcpy((void *)AP_PAGE, ap_start, (uintptr_t)ap_start_end - (uintptr_t)ap_start);
	memset((void *)(AP_PAGE + AP_IDS), 0, AP_MSRS - AP_IDS);
	arch_mmio_write32(LAPIC_ICR, LAPIC_INIT_ALL_OTHERS);
	arch_mmio_write32(LAPIC_ICR, LAPIC_START_ALL_OTHERS | AP_PAGE >> 12);
	enum status status = STATUS_OK;
	uint32_t seen = 0;
	for (unsigned round = 0; seen < others && status == STATUS_OK; round++) {
		if (round == AP_WAIT_ROUNDS)
			status = STATUS_TIMEOUT;
		arch_relax();
		uint32_t now = *arrived;
		if (now != seen)
			round = 0;
		seen = now;
	}
	for (unsigned i = 0; i < 4; i++)
		found->apic_ids[i] |= ids[i];
	return status;
}

enum status arch_set_up_processors(const struct arch_processors *processors,
				   struct arch_found_processors *ret_found)
{
	struct cpuid features = cpuid(1);
	uint8_t boot = (uint8_t)(features.ebx >> 24);
	bool has_mtrrs = (features.edx & CPUID_MTRR) != 0;
	unsigned variable = 0;

	*ret_found = (struct arch_found_processors){
		.boot = boot,
		.signature = features.eax,
		.features = features.edx,
	};
	ret_found->apic_ids[boot / 64] = 1ul << boot % 64;

	if (has_mtrrs)
		variable = set_memory_types(processors->uncached_start);
	bool sets_features = processors->feature_control != 0 &&
			     (rdmsr(MSR_FEATURE_CONTROL) & FEATURE_CONTROL_LOCKED) == 0;
	if (sets_features)
		wrmsr(MSR_FEATURE_CONTROL, processors->feature_control);
	if (!processors->virtual_wire && processors->count == 1)
		return STATUS_OK;
	if (arch_map(LAPIC, LAPIC_SIZE, ARCH_MEMORY_DEVICE) == NULL)
		return STATUS_NO_MEMORY;
	if (processors->virtual_wire) {
		arch_mmio_write32(LAPIC_SPURIOUS, LAPIC_ENABLED);
		arch_mmio_write32(LAPIC_LINT0, LAPIC_EXTINT);
		arch_mmio_write32(LAPIC_LINT1, LAPIC_NMI);
	}
	if (processors->count == 1)
		return STATUS_OK;
	note_msrs(has_mtrrs, variable, sets_features);
	return set_on_others(processors->count - 1, ret_found);
}
