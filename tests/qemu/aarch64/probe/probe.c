/* SPDX-License-Identifier: BSD-2-Clause */
/* The probe kernel for AArch64: reports on the PL011, one `name=value` line each, all
 * that a kernel can see of the state its firmware handed it, then ends the machine.
 *
 * It runs where it was loaded, at the exception level it was entered in, with the MMU off
 * as it has to be. Its only writable memory is the stack inside the image. probe.py
 * holds the meaning of each line.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report.h"

enum {
	PL011_DATA = 0x09000000,
	PL011_CONTROL = 0x09000030,
	PL011_ENABLED = 0x301, /* UART, transmitter, receiver */
	RAM_START = 0x40000000,
	PAGE = 4096,

	PSCI_SYSTEM_OFF = 0x84000008,
	PSCI_SYSTEM_RESET = 0x84000009,

	FLAG_RESET = 1,

	FDT_MAGIC = 0xd00dfeed,
	FDT_BEGIN_NODE = 1,
	FDT_PROPERTY = 3,
	FDT_END = 9,

	MAX_BLOCK = 256 << 10, /* bytes dumped of each block of the tree */
	MAX_TABLE = 4 << 20,   /* bytes believed of an ACPI or SMBIOS table */
	DUMP_TABLE = 4096,     /* ACPI tables up to this size are dumped */
	MAX_EFI_TABLES = 32,
};

/* At CONFIG_OFFSET; from CONFIG_OFFSET to STACK_END the image is not summed. */
struct config {
	u64 magic;
	u64 image_size;
	u64 sum_a, sum_b;
	u64 flags;
};

#define CONFIG_OFFSET 0x100
#define STACK_END     0x2200

struct entry_state {
	u64 x[4];
	u64 spsel, daif;
};

extern const u8 probe_start[] __attribute__((visibility("hidden")));
_Noreturn void probe_main(const struct entry_state *state);
_Noreturn void probe_fault(u64 vector);

/* -- processor ----------------------------------------------------------- */

#define read_register(name)                                                                        \
	({                                                                                         \
		u64 value_;                                                                        \
		__asm__ volatile("mrs %0, " #name : "=r"(value_));                                 \
		value_;                                                                            \
	})

static u64 exception_level(void)
{
	return read_register(CurrentEL) >> 2 & 3;
}

/* What has one name at EL1 and another at EL2. */
#define read_banked(name) (exception_level() == 2 ? read_register(name##2) : read_register(name##1))

/* QEMU's virt machine takes PSCI calls by SMC where the guest has EL2. */
static _Noreturn void end_machine(u64 function)
{
	register u64 x0 __asm__("x0") = function;
	if (exception_level() == 2)
		__asm__ volatile("smc #0" : "+r"(x0) : : "x1", "x2", "x3", "memory");
	else
		__asm__ volatile("hvc #0" : "+r"(x0) : : "x1", "x2", "x3", "memory");
	for (;;)
		__asm__ volatile("wfi");
}

/* -- output -------------------------------------------------------------- */

static void put_char(char c)
{
	__asm__ volatile("strb %w0, [%1]" : : "r"(c), "r"((u64)PL011_DATA) : "memory");
}

static void enable_output(void)
{
	__asm__ volatile("str %w0, [%1]"
			 :
			 : "r"(PL011_ENABLED), "r"((u64)PL011_CONTROL)
			 : "memory");
}

/* Calls here end the run: the machine is not as the probe can bear it. */
void probe_fault(u64 vector)
{
	put("fault=");
	put_hex(vector);
	put_field(read_banked(esr_el));
	put_field(read_banked(elr_el) - (u64)probe_start);
	put_field(read_banked(far_el));
	put("\nPROBE-FAULT\n");
	end_machine(PSCI_SYSTEM_OFF);
}

/* "name=address,bytes" */
static void put_content(const char *name, u64 addr, u64 size)
{
	put(name);
	put_char('=');
	put_hex(addr);
	put_char(',');
	put_bytes((const u8 *)addr, size);
	put_end();
}

/* -- device tree --------------------------------------------------------- */

static u64 read_be32(const u8 *bytes)
{
	return (u64)bytes[0] << 24 | (u64)bytes[1] << 16 | (u64)bytes[2] << 8 | bytes[3];
}

/* Fields of the tree's header. */
enum {
	TOTALSIZE = 4,
	OFF_STRUCT = 8,
	OFF_STRINGS = 12,
	OFF_RESERVED = 16,
	SIZE_STRINGS = 32,
	SIZE_STRUCT = 36,
};

static void put_block(const char *name, const u8 *fdt, u64 offset, u64 size)
{
	put(name);
	put("_block=");
	put_hex(offset);
	put_char(',');
	put_bytes(fdt + offset, size < MAX_BLOCK ? size : MAX_BLOCK);
	put_end();
}

/* What a tree's header says is used of it. */
static void report_tree(const char *name, u64 addr)
{
	const u8 *fdt = (const u8 *)addr;
	put_line(name, addr);
	put_block(name, fdt, 0, 40);
	if (read_be32(fdt) != FDT_MAGIC)
		return;
	const u8 *reserved = fdt + read_be32(fdt + OFF_RESERVED), *end = reserved;
	while (end < reserved + PAGE && (read_le(end, 8) || read_le(end + 8, 8)))
		end += 16;
	put_block(name, fdt, (u64)(reserved - fdt), (u64)(end + 16 - reserved));
	put_block(name, fdt, read_be32(fdt + OFF_STRUCT), read_be32(fdt + SIZE_STRUCT));
	put_block(name, fdt, read_be32(fdt + OFF_STRINGS), read_be32(fdt + SIZE_STRINGS));
}

static bool same(const u8 *bytes, const char *text)
{
	while (*text && *bytes == (u8)*text) {
		bytes++;
		text++;
	}
	return *bytes == 0 && *text == 0;
}

/* The number in the first property of this name, in whatever node; 0 without one. */
static u64 find_number(const u8 *fdt, const char *name)
{
	if (read_be32(fdt) != FDT_MAGIC)
		return 0;
	const u8 *at = fdt + read_be32(fdt + OFF_STRUCT), *end = at + read_be32(fdt + SIZE_STRUCT);
	const u8 *strings = fdt + read_be32(fdt + OFF_STRINGS);
	while (at < end) {
		u64 token = read_be32(at);
		at += 4;
		if (token == FDT_BEGIN_NODE) {
			while (*at)
				at++;
			at = (const u8 *)(((u64)at + 4) & ~3ull);
		} else if (token == FDT_PROPERTY) {
			u64 size = read_be32(at), value = 0;
			bool found = same(strings + read_be32(at + 4), name);
			at += 8;
			for (u64 i = 0; found && i < size; i++)
				value = value << 8 | at[i];
			if (found)
				return value;
			at += (size + 3) & ~3ull;
		} else if (token == FDT_END) {
			break;
		}
	}
	return 0;
}

/* -- the kernel and its initrd -------------------------------------------- */

static void report_image(const struct config *config)
{
	struct sums sums = {0, 0};
	add_sums(&sums, probe_start, CONFIG_OFFSET);
	add_sums(&sums, probe_start + STACK_END, config->image_size - STACK_END);
	put_line("image_intact", sums.a == config->sum_a && sums.b == config->sum_b);
}

static void report_initrd(const u8 *fdt)
{
	struct sums sums = {0, 0};
	u64 start = find_number(fdt, "linux,initrd-start");
	u64 end = find_number(fdt, "linux,initrd-end");
	if (end > start)
		add_sums(&sums, (const u8 *)start, end - start);
	put("initrd=");
	put_hex(start);
	put_field(end - start);
	put_field(sums.a);
	put_field(sums.b);
	put_end();
}

/* -- ACPI ---------------------------------------------------------------- */

static const u8 *report_table(const char *parent, u64 addr)
{
	const u8 *table = (const u8 *)addr;
	u64 length = read_le(table + 4, 4);
	put("acpi=");
	put(parent);
	put_char(',');
	put_bytes(table, 4);
	put_field(addr);
	put_field(length);
	put_field(length > MAX_TABLE ? 0 : sum_bytes(table, length));
	put_char(',');
	if (length <= DUMP_TABLE)
		put_bytes(table, length);
	put_end();
	return table;
}

static void report_acpi(u64 rsdp)
{
	put_content("rsdp", rsdp, 36);
	u64 addr = read_le((const u8 *)rsdp + 24, 8);
	if (addr == 0)
		return;
	const u8 *xsdt = report_table("rsdp", addr);
	u64 length = read_le(xsdt + 4, 4);
	for (u64 offset = 36; offset + 8 <= length && length <= PAGE; offset += 8) {
		const u8 *table = report_table("xsdt", read_le(xsdt + offset, 8));
		if (!starts_with(table, "FACP"))
			continue;
		u64 dsdt = read_le(table + 140, 8);
		dsdt = dsdt ? dsdt : read_le(table + 40, 4);
		if (dsdt)
			report_table("fadt", dsdt);
	}
}

/* -- SMBIOS -------------------------------------------------------------- */

static void report_smbios(u64 entry_point)
{
	const u8 *anchor = (const u8 *)entry_point;
	u64 table = read_le(anchor + 16, 8), length = read_le(anchor + 12, 4);
	put("smbios=");
	put_hex(entry_point);
	put_char(',');
	put_bytes(anchor, 24);
	put_field(table);
	put_field(length);
	put_char(',');
	put_bytes((const u8 *)table, length < MAX_BLOCK ? length : MAX_BLOCK);
	put_end();
}

/* -- EFI ----------------------------------------------------------------- */

enum {
	SYSTEM_TABLE_SIZE = 120,
	VENDOR = 24, /* fields of the system table */
	TABLE_COUNT = 104,
	TABLES = 112,

	ACPI_20 = 0x8868e871,
	SMBIOS_3 = 0xf2fd1544,
	RT_PROPERTIES = 0xeb66918a,
	RANDOM_SEED = 0x1ce1e5bc,
	MEMORY_RESERVATIONS = 0x888eb0c6,
};

static void report_configuration_table(const u8 *entry)
{
	u64 addr = read_le(entry + 16, 8);
	put("efi_table=");
	put_bytes(entry, 16);
	put_field(addr);
	put_end();
	switch (read_le(entry, 4)) {
	case ACPI_20:
		report_acpi(addr);
		break;
	case SMBIOS_3:
		report_smbios(addr);
		break;
	case RT_PROPERTIES:
		put_content("efi_rt_properties", addr, 8);
		break;
	case MEMORY_RESERVATIONS:
		put_content("efi_reservations", addr, 16);
		break;
	case RANDOM_SEED:
		put_content("efi_random_seed", addr, 4 + (read_le((const u8 *)addr, 4) & 0xfff));
		break;
	}
}

static void report_efi(const u8 *fdt)
{
	u64 system = find_number(fdt, "linux,uefi-system-table");
	u64 map = find_number(fdt, "linux,uefi-mmap-start");
	u64 map_size = find_number(fdt, "linux,uefi-mmap-size");
	if (map)
		put_content("efi_map", map, map_size < MAX_BLOCK ? map_size : MAX_BLOCK);
	if (!system)
		return;
	const u8 *table = (const u8 *)system;
	put_content("efi_system_table", system, SYSTEM_TABLE_SIZE);
	u64 vendor = read_le(table + VENDOR, 8);
	if (vendor)
		put_content("efi_vendor", vendor, 64);
	u64 count = read_le(table + TABLE_COUNT, 8), tables = read_le(table + TABLES, 8);
	for (u64 i = 0; tables && i < count && i < MAX_EFI_TABLES; i++)
		report_configuration_table((const u8 *)tables + 24 * i);
}

/* -- the run -------------------------------------------------------------- */

void probe_main(const struct entry_state *state)
{
	const struct config *config = (const struct config *)(probe_start + CONFIG_OFFSET);
	const u8 *fdt = (const u8 *)state->x[0];

	enable_output();
	put("\nPROBE-ENTRY 64\n");
	put_line("el", exception_level());
	put_line("load", (u64)probe_start);
	put("x=");
	for (int i = 0; i < 4; i++) {
		if (i)
			put_char(',');
		put_hex(state->x[i]);
	}
	put_end();
	put_line("daif", state->daif);
	put_line("spsel", state->spsel);
	put_line("sctlr", read_banked(sctlr_el));
	put_line("mpidr", read_register(mpidr_el1));
	put_line("mmfr0", read_register(id_aa64mmfr0_el1));
	put_line("cntfrq", read_register(cntfrq_el0));
	report_tree("fdt", (u64)fdt);
	report_image(config);
	report_initrd(fdt);
	report_efi(fdt);
	/* QEMU's own tree, when nothing has been put in its place. */
	if (fdt != (const u8 *)RAM_START && read_be32((const u8 *)RAM_START) == FDT_MAGIC)
		report_tree("vmm_fdt", RAM_START);
	put("PROBE-END\n");
	end_machine(config->flags & FLAG_RESET ? PSCI_SYSTEM_RESET : PSCI_SYSTEM_OFF);
}
