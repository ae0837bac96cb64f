/* SPDX-License-Identifier: BSD-2-Clause */
/* The probe kernel: reports on debugcon, one `name=value` line each, all that
 * a kernel can see of the state its firmware handed it, then leaves QEMU.
 *
 * Runs in long mode on its own GDT and page tables whichever way the payload
 * was entered; entry.asm has saved the state of the entry in struct scratch.
 * There is no writable data: every function that needs state takes the
 * scratch area.  probe.py holds the meaning of each line.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "report.h"

enum {
	DEBUGCON = 0x402,
	DEBUG_EXIT = 0xf4,
	EXIT_DONE = 0x10,  /* QEMU exits 33 */
	EXIT_FAULT = 0x11, /* QEMU exits 35 */

	FLAG_CHAIN_64 = 1, /* used by entry.asm */
	FLAG_BRIEF = 2,    /* registers, page tables and boot_params only */
	RESET_SHIFT = 8,
	RESET_NONE = 0,
	RESET_CF9 = 1,
	RESET_KEYBOARD = 2,
	RESET_TRIPLE_FAULT = 3,

	PAGE = 4096,
	POOL_PAGES = 64,
	MAX_SETUP_DATA = 32,
	MAX_CMDLINE = 0x20000,
	MAX_MODULES = 4,
	MAX_MEMMAP = 1024,
	MAX_TABLE = 4 << 20, /* bytes believed of an ACPI or SMBIOS table */
	DUMP_TABLE = 512,    /* ACPI tables up to this size are dumped */
};

#define PTE_P    0x1ull
#define PTE_W    0x2ull
#define PTE_PS   0x80ull
#define PTE_NX   (1ull << 63)
#define PTE_ADDR 0x000ffffffffff000ull
#define CR4_LA57 0x1000ull

struct config {
	u64 magic;
	u64 payload_size;
	u64 scratch_offset;
	u64 sum_a, sum_b; /* of the payload but this structure */
	u64 reserved[2];
	u32 flags;
};

#define CONFIG_OFFSET 0x100
#define CONFIG_END    0x200

struct table_register {
	u16 limit;
	u64 base;
	u8 pad[6];
} __attribute__((packed));

struct scratch {
	u64 gpr[16];
	u64 rflags;
	u64 cr0, cr2, cr3, cr4, efer;
	u64 segments[8];
	struct table_register gdtr, idtr;
	u64 load;
	u64 mode;
	u64 pvh;
	u8 unused[0x180 - 0x128];
	u64 gdt[4];
	u64 gdt_pointer[2];
	u8 pad[0x1000 - 0x1b0];
	u64 idt[32][2];
	u8 stack[0x6000 - 0x1200];
	u8 entry_tables[6 * PAGE]; /* what entry.asm came here with */
	u64 root[512];
	u64 pool_used;
	u8 pad2[PAGE - 8];
	u64 pool[POOL_PAGES][512];
};

_Static_assert(offsetof(struct config, scratch_offset) == 0x10, "CFG_SCRATCH");
_Static_assert(offsetof(struct config, flags) == 0x38, "CFG_FLAGS");
_Static_assert(offsetof(struct scratch, rflags) == 0x80, "S_RFLAGS");
_Static_assert(offsetof(struct scratch, cr0) == 0x88, "S_CR");
_Static_assert(offsetof(struct scratch, segments) == 0xb0, "S_SEG");
_Static_assert(offsetof(struct scratch, gdtr) == 0xf0, "S_GDTR");
_Static_assert(offsetof(struct scratch, idtr) == 0x100, "S_IDTR");
_Static_assert(offsetof(struct scratch, load) == 0x110, "S_LOAD");
_Static_assert(offsetof(struct scratch, mode) == 0x118, "S_MODE");
_Static_assert(offsetof(struct scratch, pvh) == 0x120, "S_PVH");
_Static_assert(offsetof(struct scratch, gdt) == 0x180, "S_GDT");
_Static_assert(offsetof(struct scratch, gdt_pointer) + 8 == 0x1a8, "S_GDT_PTR");
_Static_assert(offsetof(struct scratch, entry_tables) == 0x6000, "S_TABLES");
_Static_assert(sizeof(struct scratch) == 0x4e000, "SCRATCH_SIZE of probe.py");

extern const u8 probe_start[], probe_vectors[];
_Noreturn void probe_main(struct scratch *s);
_Noreturn void probe_fault(u64 vector, u64 error, u64 rip, u64 cr2);

/* -- processor ----------------------------------------------------------- */

static void outb(u16 port, u8 value)
{
	__asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static void outl(u16 port, u32 value)
{
	__asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port));
}

static u8 inb(u16 port)
{
	u8 value;
	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static u16 inw(u16 port)
{
	u16 value;
	__asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static u32 inl(u16 port)
{
	u32 value;
	__asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
	return value;
}

static u64 rdmsr(u32 index)
{
	u32 low, high;
	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(index));
	return (u64)high << 32 | low;
}

static void cpuid(u32 leaf, u32 out[4])
{
	__asm__ volatile("cpuid"
			 : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3])
			 : "a"(leaf), "c"(0));
}

static _Noreturn void stop(u8 code)
{
	outl(DEBUG_EXIT, code);
	for (;;)
		__asm__ volatile("cli; hlt");
}

/* -- output -------------------------------------------------------------- */

static void put_char(char c)
{
	outb(DEBUGCON, (u8)c);
}

/* Calls here end the run: the machine is not as the probe can bear it. */
void probe_fault(u64 vector, u64 error, u64 rip, u64 cr2)
{
	put("fault=");
	put_hex(vector);
	put_field(error);
	put_field(rip - (u64)probe_start);
	put_field(cr2);
	put("\nPROBE-FAULT\n");
	stop(EXIT_FAULT);
}

/* -- memory -------------------------------------------------------------- */

static u64 *new_table(struct scratch *s)
{
	if (s->pool_used == POOL_PAGES) {
		put("PROBE-FAULT page table pool\n");
		stop(EXIT_FAULT);
	}
	u64 *table = s->pool[s->pool_used++];
	for (int i = 0; i < 512; i++)
		table[i] = 0;
	return table;
}

static u64 *next_table(struct scratch *s, u64 *entry)
{
	if (!(*entry & PTE_P))
		*entry = (u64)new_table(s) | PTE_P | PTE_W;
	return (u64 *)(*entry & PTE_ADDR);
}

/* Maps every GiB that [addr, addr + size) touches and returns addr. */
static volatile u8 *at(struct scratch *s, u64 addr, u64 size)
{
	u64 first = addr >> 30, last = (addr + (size ? size - 1 : 0)) >> 30;
	for (u64 gib = first; gib <= last; gib++) {
		u64 *directory_pointers = next_table(s, &s->root[gib >> 9 & 511]);
		if (directory_pointers[gib & 511] & PTE_P)
			continue;
		u64 *directory = next_table(s, &directory_pointers[gib & 511]);
		for (u64 i = 0; i < 512; i++)
			directory[i] = gib << 30 | i << 21 | PTE_P | PTE_W | PTE_PS;
	}
	return (volatile u8 *)addr;
}

static void own_page_tables_and_idt(struct scratch *s)
{
	for (int i = 0; i < 512; i++)
		s->root[i] = 0;
	s->pool_used = 0;
	at(s, 0, 4ull << 30);
	at(s, (u64)s, sizeof(*s));
	at(s, (u64)probe_start, 1 << 20);
	__asm__ volatile("mov %0, %%cr3" : : "r"(s->root) : "memory");

	for (u64 i = 0; i < 32; i++) {
		u64 handler = (u64)probe_vectors + 16 * i;
		s->idt[i][0] = (handler & 0xffff) | 0x10ull << 16 | 0x8e00ull << 32 |
			       (handler >> 16 & 0xffff) << 48;
		s->idt[i][1] = handler >> 32;
	}
	struct table_register idtr = {.limit = sizeof(s->idt) - 1, .base = (u64)s->idt};
	__asm__ volatile("lidt %0" : : "m"(idtr));
}

/* -- what the CPU held --------------------------------------------------- */

static void put_table_register(struct scratch *s, const char *name, const char *content,
			       const struct table_register *reg, u64 most)
{
	put(name);
	put_char('=');
	put_hex(reg->base);
	put_field(reg->limit);
	put_end();
	put(content);
	put_char('=');
	u64 size = reg->limit + 1ull < most ? reg->limit + 1ull : most;
	put_bytes(at(s, reg->base, size), size);
	put_end();
}

static void report_registers(struct scratch *s)
{
	put_line("mode", s->mode);
	put_line("load", s->load);
	put("gpr=");
	for (int i = 0; i < (s->mode == 64 ? 16 : 8); i++) {
		if (i)
			put_char(',');
		put_hex(s->gpr[i]);
	}
	put_end();
	put_line("rflags", s->rflags);
	put_line("cr0", s->cr0);
	put_line("cr3", s->cr3);
	put_line("cr4", s->cr4);
	put_line("efer", s->efer);
	put("segments=");
	for (int i = 0; i < 8; i++) {
		if (i)
			put_char(',');
		put_hex(s->segments[i]);
	}
	put_end();
	put_table_register(s, "gdtr", "gdt", &s->gdtr, 128);
	put_line("idt_limit", s->idtr.limit);

	for (u32 leaf = 0; leaf < 2; leaf++) {
		u32 out[4];
		cpuid(leaf | 1 | leaf << 31, out);
		put("cpuid=");
		put_hex(leaf | 1 | leaf << 31);
		for (int i = 0; i < 4; i++)
			put_field(out[i]);
		put_end();
	}
}

/* -- the page tables handed over ------------------------------------------ */

struct run {
	u64 virt, phys, size, flags;
};

static void put_run(const struct run *run)
{
	if (run->size == 0)
		return;
	put("page=");
	put_hex(run->virt);
	put_field(run->size);
	put_field(run->phys);
	put_char(',');
	put(run->flags & PTE_W ? "w" : "-");
	put(run->flags & PTE_NX ? "-" : "x");
	put_end();
}

/* Prints runs of pages that continue each other and have equal rights.  A
 * writable page is writable at every level, and executable likewise. */
static void walk(struct scratch *s, u64 table, int level, u64 virt, u64 rights, struct run *run)
{
	put("page_table=");
	put_hex(table);
	put_end();
	const volatile u64 *entries = (const volatile u64 *)at(s, table, PAGE);
	for (u64 i = 0; i < 512; i++) {
		u64 entry = entries[i];
		u64 size = 1ull << (12 + 9 * level);
		u64 here = virt | i * size;
		if (level == 3 && i >= 256)
			here |= 0xffffull << 48;
		u64 flags = (entry & rights & PTE_W) | ((entry | rights) & PTE_NX);
		if (!(entry & PTE_P))
			continue;
		if (level > 0 && !(entry & PTE_PS)) {
			walk(s, entry & PTE_ADDR, level - 1, here, flags, run);
			continue;
		}
		u64 phys = entry & PTE_ADDR & ~(size - 1);
		if (run->size && run->virt + run->size == here && run->phys + run->size == phys &&
		    run->flags == flags) {
			run->size += size;
			continue;
		}
		put_run(run);
		*run = (struct run){here, phys, size, flags};
	}
}

static void report_page_tables(struct scratch *s)
{
	struct run run = {0};
	if (s->cr4 & CR4_LA57) {
		put("PROBE-FAULT five-level paging\n");
		stop(EXIT_FAULT);
	}
	walk(s, s->cr3 & PTE_ADDR, 3, 0, PTE_W, &run);
	put_run(&run);
}

/* -- what the boot protocol hands over ------------------------------------- */

/* What both protocols hand over, each in its way. */
struct handed {
	u64 initrd, initrd_size, rsdp;
};

static void put_named(const char *name, const volatile u8 *bytes, u64 count)
{
	put(name);
	put_char('=');
	put_bytes(bytes, count);
	put_end();
}

static void report_cmdline(struct scratch *s, u64 cmdline)
{
	const volatile u8 *text = at(s, cmdline, MAX_CMDLINE);
	u64 length = 0;
	while (length < MAX_CMDLINE && text[length])
		length++;
	put_line("cmdline_addr", cmdline);
	put("cmdline=");
	if (cmdline)
		put_bytes(text, length);
	put_end();
}

/* Xen xen/include/public/arch-x86/hvm/start_info.h */
static struct handed report_start_info(struct scratch *s, u64 addr)
{
	const volatile u8 *info = at(s, addr, 56), *module;
	u64 modules = read_le(info + 12, 4), entries = read_le(info + 48, 4);

	put_line("start_info_addr", addr);
	put_named("start_info", info, 56);
	modules = modules < MAX_MODULES ? modules : MAX_MODULES;
	entries = entries < MAX_MEMMAP ? entries : MAX_MEMMAP;
	module = at(s, read_le(info + 16, 8), 32 * modules);
	put_named("modlist", module, 32 * modules);
	put_named("memmap", at(s, read_le(info + 40, 8), 24 * entries), 24 * entries);
	report_cmdline(s, read_le(info + 24, 8));
	return (struct handed){modules ? read_le(module, 8) : 0,
			       modules ? read_le(module + 8, 8) : 0, read_le(info + 32, 8)};
}

static struct handed report_boot_params(struct scratch *s, u64 addr)
{
	const volatile u8 *params = at(s, addr, PAGE);

	put_line("boot_params_addr", addr);
	put_named("boot_params", params, 4096);
	report_cmdline(s, read_le(params + 0x228, 4) | read_le(params + 0xc8, 4) << 32);

	u64 node = read_le(params + 0x250, 8);
	for (int i = 0; node && i < MAX_SETUP_DATA; i++) {
		const volatile u8 *head = at(s, node, PAGE);
		u64 length_here = read_le(head + 12, 4);
		struct sums sums = {0, 0};
		if (length_here <= MAX_TABLE)
			add_sums(&sums, (const u8 *)at(s, node + 16, length_here), length_here);
		put("setup_data=");
		put_hex(node);
		put_field(read_le(head + 8, 4));
		put_field(length_here);
		put_field(read_le(head, 8));
		put_field(sums.a);
		put_field(sums.b);
		put_char(',');
		put_bytes(head + 16, length_here < 128 ? length_here : 128);
		put_end();
		node = read_le(head, 8);
	}
	return (struct handed){
		read_le(params + 0x218, 4) | read_le(params + 0xc0, 4) << 32,
		read_le(params + 0x21c, 4) | read_le(params + 0xc4, 4) << 32,
		read_le(params + 0x70, 8),
	};
}

/* Whether memory is clear that the file does not have, as far as nothing has used it. */
static void report_rest(const struct scratch *s)
{
	u64 any = 0;

	for (u64 i = 0; i < POOL_PAGES * 512; i++)
		any |= s->pool[i / 512][i % 512];
	put_line("rest_clear", any == 0);
}

static void report_payload(const struct config *config)
{
	struct sums sums = {0, 0};
	add_sums(&sums, probe_start, CONFIG_OFFSET);
	add_sums(&sums, probe_start + CONFIG_END, config->payload_size - CONFIG_END);
	put_line("payload_intact", sums.a == config->sum_a && sums.b == config->sum_b);
}

static void report_initrd(struct scratch *s, u64 addr, u64 size)
{
	struct sums sums = {0, 0};
	if (size)
		add_sums(&sums, (const u8 *)at(s, addr, size), size);
	put("initrd=");
	put_hex(addr);
	put_field(size);
	put_field(sums.a);
	put_field(sums.b);
	put_end();
}

/* -- ACPI ---------------------------------------------------------------- */

static const volatile u8 *report_table(struct scratch *s, const char *parent, u64 addr)
{
	const volatile u8 *table = at(s, addr, MAX_TABLE);
	u64 length = read_le(table + 4, 4);
	bool facs = starts_with(table, "FACS");
	put("acpi=");
	put(parent);
	put_char(',');
	put_bytes(table, 4);
	put_field(addr);
	put_field(length);
	put_field(facs || length > MAX_TABLE ? 0 : sum_bytes(table, length));
	put_char(',');
	if (length <= DUMP_TABLE)
		put_bytes(table, length);
	put_end();
	return table;
}

static void report_fadt(struct scratch *s, const volatile u8 *fadt)
{
	u64 length = read_le(fadt + 4, 4);
	u64 facs = read_le(fadt + 36, 4), dsdt = read_le(fadt + 40, 4);
	if (length >= 148) {
		u64 x_facs = read_le(fadt + 132, 8), x_dsdt = read_le(fadt + 140, 8);
		facs = x_facs ? x_facs : facs;
		dsdt = x_dsdt ? x_dsdt : dsdt;
	}
	if (dsdt)
		report_table(s, "fadt", dsdt);
	if (facs)
		report_table(s, "fadt", facs);
	u16 control = (u16)read_le(fadt + 64, 4);
	if (control)
		put_line("pm1_control", inw(control));
}

static void report_root(struct scratch *s, const char *name, u64 addr, int entry_size)
{
	if (addr == 0)
		return;
	const volatile u8 *root = report_table(s, "rsdp", addr);
	u64 length = read_le(root + 4, 4);
	if (length > PAGE)
		return;
	for (u64 offset = 36; offset + (u64)entry_size <= length; offset += (u64)entry_size) {
		const volatile u8 *table =
			report_table(s, name, read_le(root + offset, entry_size));
		if (starts_with(table, "FACP"))
			report_fadt(s, table);
	}
}

static void report_acpi(struct scratch *s, u64 told)
{
	const volatile u8 *low = at(s, 0, 1 << 20);
	const volatile u8 *found = NULL;
	for (u64 addr = 0xe0000; addr < 0x100000; addr += 16) {
		if (!starts_with(low + addr, "RSD PTR ") || sum_bytes(low + addr, 20))
			continue;
		put("rsdp_found=");
		put_hex(addr);
		put_char(',');
		put_bytes(low + addr, 36);
		put_end();
		found = found ? found : low + addr;
	}
	if (told) {
		found = at(s, told, PAGE);
		put("rsdp_told=");
		put_hex(told);
		put_char(',');
		put_bytes(found, 36);
		put_end();
	}
	if (!found)
		return;
	report_root(s, "rsdt", read_le(found + 16, 4), 4);
	if (found[15] >= 2)
		report_root(s, "xsdt", read_le(found + 24, 8), 8);
}

/* -- SMBIOS -------------------------------------------------------------- */

static void report_smbios(struct scratch *s)
{
	const volatile u8 *low = at(s, 0, 1 << 20);
	for (u64 addr = 0xf0000; addr < 0x100000; addr += 16) {
		const volatile u8 *anchor = low + addr;
		u64 table, length;
		if (starts_with(anchor, "_SM3_")) {
			table = read_le(anchor + 16, 8);
			length = read_le(anchor + 12, 4);
		} else if (starts_with(anchor, "_SM_")) {
			table = read_le(anchor + 24, 4);
			length = read_le(anchor + 22, 2);
		} else {
			continue;
		}
		put("smbios=");
		put_hex(addr);
		put_char(',');
		put_bytes(anchor, 32);
		put_field(table);
		put_field(length);
		put_char(',');
		length = length > MAX_TABLE ? MAX_TABLE : length;
		put_bytes(at(s, table, length), length < 0x10000 ? length : 0x10000);
		put_end();
	}
}

/* -- the platform --------------------------------------------------------- */

static u32 pci_read(u32 bus_device_function, u32 offset)
{
	outl(0xcf8, 1u << 31 | bus_device_function << 8 | offset);
	return inl(0xcfc);
}

static void report_pci(void)
{
	outl(0xcf8, 1u << 31);
	if (inl(0xcf8) != 1u << 31)
		return;
	for (u32 function = 0; function < 256; function++) {
		if (pci_read(function, 0) == 0xffffffff)
			continue;
		put("pci=");
		put_hex(function >> 3);
		put_field(function & 7);
		put_char(',');
		for (u32 offset = 0; offset < 256; offset += 4) {
			u32 value = pci_read(function, offset);
			put_bytes((const u8 *)&value, 4);
		}
		put_end();
	}
}

static void put_msr(u32 index)
{
	put("msr=");
	put_hex(index);
	put_field(rdmsr(index));
	put_end();
}

static void report_msrs(void)
{
	put_msr(0x1b);
	put_msr(0x3a);
	put_msr(0xfe);
	for (u32 i = 0x200; i < 0x200 + 2 * (rdmsr(0xfe) & 0xff); i++)
		put_msr(i);
	put_msr(0x250);
	put_msr(0x258);
	put_msr(0x259);
	for (u32 i = 0x268; i < 0x270; i++)
		put_msr(i);
	put_msr(0x277);
	put_msr(0x2ff);
}

static void report_platform(struct scratch *s)
{
	report_msrs();
	put("bios_data=");
	put_bytes(at(s, 0x400, 256), 256);
	put_end();
	put("elcr=");
	put_hex(inb(0x4d0));
	put_field(inb(0x4d1));
	put_end();
	put("pic_masks=");
	put_hex(inb(0x21));
	put_field(inb(0xa1));
	put_end();
	put("reset_stub=");
	put_bytes(at(s, 0xffff0, 16), 16);
	put_end();
	const volatile u8 *lapic = at(s, 0xfee00000, PAGE);
	put("lapic=");
	put_hex(*(const volatile u32 *)(lapic + 0xf0));
	put_field(*(const volatile u32 *)(lapic + 0x350));
	put_field(*(const volatile u32 *)(lapic + 0x360));
	put_end();
}

/* -- the run -------------------------------------------------------------- */

static _Noreturn void reset(u32 method)
{
	if (method == RESET_CF9) {
		outb(0xcf9, 0x02);
		outb(0xcf9, 0x06);
	} else if (method == RESET_KEYBOARD) {
		outb(0x64, 0xfe);
	} else {
		struct table_register none = {0};
		__asm__ volatile("lidt %0; ud2" : : "m"(none));
	}
	for (;;)
		__asm__ volatile("hlt");
}

void probe_main(struct scratch *s)
{
	const struct config *config = (const struct config *)(probe_start + CONFIG_OFFSET);
	bool brief = config->flags & FLAG_BRIEF;

	if (s->pvh)
		report_rest(s);
	own_page_tables_and_idt(s);
	report_registers(s);
	if (s->mode == 64)
		report_page_tables(s);

	struct handed handed =
		s->pvh ? report_start_info(s, s->gpr[1]) : report_boot_params(s, s->gpr[4]);
	if (!brief) {
		report_payload(config);
		report_initrd(s, handed.initrd, handed.initrd_size);
		report_acpi(s, handed.rsdp);
		report_smbios(s);
		report_pci();
		report_platform(s);
	}
	put("PROBE-END\n");

	u32 method = config->flags >> RESET_SHIFT & 0xff;
	if (method != RESET_NONE)
		reset(method);
	stop(EXIT_DONE);
}
