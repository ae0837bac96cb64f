/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A TCG plugin of QEMU that counts what the guest does up to the tick probe: instructions, bytes
 * stored to RAM and pages of RAM that loads and stores touch; in all, and where a phase begins.
 *
 *   -plugin
 * count.so,ram=START:SIZE,end=BYTES[,stores=FILE][,limit=COUNT][,zva=SIZE][,NAME=ADDRESS]...
 *
 * RAM is [START, START + SIZE) in guest-physical addresses; with a size of 0 no load or store is
 * looked at. Counting ends before the instruction whose last bytes are BYTES, in hexadecimal: the
 * probe's second, after the one that reads the counter. Phase NAME begins when the
 * instruction at ADDRESS is executed for the first time. FILE backs the RAM; with it, each store is
 * printed with what it wrote. QEMU exits with 40 after COUNT instructions. AArch64's DC ZVA writes
 * SIZE bytes; QEMU does not say where.
 *
 * Lines go to QEMU's log (-d plugin), among the trace's:
 *
 *   count phase NAME INSTRUCTIONS WRITTEN PAGES     before the phase's first instruction
 *   count store ADDRESS SIZE BYTES
 *   count end - INSTRUCTIONS WRITTEN PAGES          before the one of these bytes
 *   count limit - INSTRUCTIONS WRITTEN PAGES        before QEMU is ended
 *
 * QEMU has no package with the declarations, so those that are used stand here, as in
 * docs/devel/tcg-plugins.rst. API is the version of the interface: 1 up to QEMU 8.2, 4 for 10.0.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#ifndef API
#define API 1
#endif
#define EXPORT __attribute__((visibility("default")))

/* -- QEMU's ------------------------------------------------------------------------- */

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
struct qemu_plugin_hwaddr;

enum { CB_NO_REGS };
enum { MEM_READ_WRITE = 3 };

typedef void (*translated_callback)(plugin_id id, struct qemu_plugin_tb *tb);
typedef void (*executed_callback)(unsigned cpu, void *data);
typedef void (*memory_callback)(unsigned cpu, uint32_t info, uint64_t address, void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, translated_callback callback);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn,
					    executed_callback callback, int flags, void *data);
void qemu_plugin_register_vcpu_mem_cb(struct qemu_plugin_insn *insn, memory_callback callback,
				      int flags, int kinds, void *data);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
#if API < 3
const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);
#else
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *to, size_t size);
#endif
size_t qemu_plugin_insn_size(const struct qemu_plugin_insn *insn);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
unsigned qemu_plugin_mem_size_shift(uint32_t info);
bool qemu_plugin_mem_is_store(uint32_t info);
struct qemu_plugin_hwaddr *qemu_plugin_get_hwaddr(uint32_t info, uint64_t address);
bool qemu_plugin_hwaddr_is_io(const struct qemu_plugin_hwaddr *address);
uint64_t qemu_plugin_hwaddr_phys_addr(const struct qemu_plugin_hwaddr *address);
void qemu_plugin_outs(const char *line);

EXPORT int qemu_plugin_version = API;
EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv);

/* -- ours --------------------------------------------------------------------------- */

#define PAGE       4096
#define PHASES_MAX 32
#define BYTES_MAX  16 /* of an instruction: x86 has 15 */
#define EXIT_LIMIT 40

struct phase {
	const char *name;
	uint64_t address;
	bool begun;
};

static struct phase phases[PHASES_MAX];
static unsigned phase_count;
static uint8_t mark[BYTES_MAX];
static size_t mark_size;
static bool ended;

static uint64_t ram_start, ram_size;
static const uint8_t *ram; /* what backs it, NULL if stores are not printed */
static uint8_t *touched;   /* of each page, whether it was */

static uint64_t instructions, written, pages;
static uint64_t limit = UINT64_MAX;
static uint64_t zva_size; /* 0: not AArch64 */

static void report(const char *what, const char *name)
{
	char line[160];

	snprintf(line, sizeof(line), "count %s %s %lu %lu %lu\n", what, name, instructions, written,
		 pages);
	qemu_plugin_outs(line);
}

static void on_instruction(unsigned cpu, void *data)
{
	(void)cpu, (void)data;
	if (instructions != limit || ended) {
		instructions++;
		return;
	}
	report("limit", "-");
	fflush(NULL);
	_exit(EXIT_LIMIT);
}

static void on_zva(unsigned cpu, void *data)
{
	(void)cpu, (void)data;
	written += ended ? 0 : zva_size;
}

static void on_phase(unsigned cpu, void *data)
{
	struct phase *phase = data;

	if (!phase->begun && !ended)
		report("phase", phase->name);
	phase->begun = true;
	on_instruction(cpu, NULL);
}

static void on_mark(unsigned cpu, void *data)
{
	(void)cpu, (void)data;
	if (!ended)
		report("end", "-");
	ended = true;
}

static void print_store(uint64_t address, unsigned size)
{
	char line[160];
	int length = snprintf(line, sizeof(line), "count store %lx %u ", address, size);

	for (unsigned i = 0; i < size; i++)
		length += snprintf(line + length, sizeof(line) - (size_t)length, "%02x",
				   ram[address - ram_start + i]);
	snprintf(line + length, sizeof(line) - (size_t)length, "\n");
	qemu_plugin_outs(line);
}

/* An access that crosses into another page counts for that of its first byte. */
static void on_memory(unsigned cpu, uint32_t info, uint64_t address, void *data)
{
	const struct qemu_plugin_hwaddr *place = qemu_plugin_get_hwaddr(info, address);
	unsigned size = 1u << qemu_plugin_mem_size_shift(info);

	(void)cpu, (void)data;
	if (ended || place == NULL || qemu_plugin_hwaddr_is_io(place))
		return;
	uint64_t start = qemu_plugin_hwaddr_phys_addr(place);
	if (start < ram_start || start - ram_start > ram_size - size)
		return;
	uint8_t *page = &touched[(start - ram_start) / PAGE];
	pages += !*page;
	*page = 1;
	if (!qemu_plugin_mem_is_store(info))
		return;
	written += size;
	if (ram != NULL)
		print_store(start, size);
}

/* Copies the first bytes of an instruction; returns its size. */
static size_t bytes_of(const struct qemu_plugin_insn *insn, uint8_t ret_bytes[BYTES_MAX])
{
#if API < 3
	size_t size = qemu_plugin_insn_size(insn);

	memcpy(ret_bytes, qemu_plugin_insn_data(insn), size < BYTES_MAX ? size : BYTES_MAX);
	return size;
#else
	return qemu_plugin_insn_data(insn, ret_bytes, BYTES_MAX);
#endif
}

static bool is_mark(const uint8_t *bytes, size_t size)
{
	return size >= mark_size && memcmp(bytes + size - mark_size, mark, mark_size) == 0;
}

/* DC ZVA, Xt is 0xd50b7420 | t: Arm ARM, C6.2. */
static bool is_zva(const uint8_t *bytes)
{
	return zva_size != 0 && (bytes[0] & 0xe0) == 0x20 && bytes[1] == 0x74 && bytes[2] == 0x0b &&
	       bytes[3] == 0xd5;
}

static struct phase *phase_at(uint64_t address)
{
	for (unsigned i = 0; i < phase_count; i++) {
		if (phases[i].address == address)
			return &phases[i];
	}
	return NULL;
}

static void on_translated(plugin_id id, struct qemu_plugin_tb *tb)
{
	(void)id;
	for (size_t i = 0; i < qemu_plugin_tb_n_insns(tb); i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		struct phase *phase = phase_at(qemu_plugin_insn_vaddr(insn));
		executed_callback callback = on_instruction;
		uint8_t bytes[BYTES_MAX];

		if (is_mark(bytes, bytes_of(insn, bytes)))
			callback = on_mark;
		else if (phase != NULL)
			callback = on_phase;
		qemu_plugin_register_vcpu_insn_exec_cb(insn, callback, CB_NO_REGS, phase);
		if (is_zva(bytes))
			qemu_plugin_register_vcpu_insn_exec_cb(insn, on_zva, CB_NO_REGS, NULL);
		if (ram_size != 0)
			qemu_plugin_register_vcpu_mem_cb(insn, on_memory, CB_NO_REGS,
							 MEM_READ_WRITE, NULL);
	}
}

static bool take_ram(const char *value)
{
	char *rest;

	ram_start = strtoull(value, &rest, 16);
	if (*rest != ':')
		return false;
	ram_size = strtoull(rest + 1, &rest, 16);
	touched = calloc(ram_size / PAGE + 1, 1);
	return *rest == '\0' && touched != NULL;
}

static bool take_mark(const char *value)
{
	char *rest = NULL;

	for (; *value != '\0' && mark_size < BYTES_MAX; value += 2) {
		const char digits[] = {value[0], value[1], '\0'};

		mark[mark_size++] = (uint8_t)strtoul(digits, &rest, 16);
		if (rest != digits + 2)
			return false;
	}
	return mark_size != 0 && *value == '\0';
}

static bool take_stores(const char *path)
{
	int file = open(path, O_RDONLY | O_CLOEXEC);

	if (file < 0 || ram_size == 0)
		return false;
	void *mapped = mmap(NULL, ram_size, PROT_READ, MAP_SHARED, file, 0);
	ram = mapped == MAP_FAILED ? NULL : mapped;
	return ram != NULL;
}

static bool take_number(const char *value, uint64_t *ret_number)
{
	char *rest;

	*ret_number = strtoull(value, &rest, 0);
	return rest != value && *rest == '\0';
}

static bool take_phase(const char *name, const char *value)
{
	if (phase_count == PHASES_MAX)
		return false;
	phases[phase_count].name = name;
	return take_number(value, &phases[phase_count++].address);
}

/* Arguments are NAME=VALUE, and stay where they are. */
static bool take(char *argument)
{
	char *value = strchr(argument, '=');

	if (value == NULL)
		return false;
	*value++ = '\0';
	if (strcmp(argument, "ram") == 0)
		return take_ram(value);
	if (strcmp(argument, "end") == 0)
		return take_mark(value);
	if (strcmp(argument, "stores") == 0)
		return take_stores(value);
	if (strcmp(argument, "limit") == 0)
		return take_number(value, &limit);
	if (strcmp(argument, "zva") == 0)
		return take_number(value, &zva_size);
	return take_phase(argument, value);
}

int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv)
{
	(void)info;
	for (int i = 0; i < argc; i++) {
		if (!take(argv[i])) {
			fprintf(stderr, "count: cannot take the argument %s\n", argv[i]);
			return 1;
		}
	}
	if (mark_size == 0 || touched == NULL) {
		fprintf(stderr, "count: ram and end are needed\n");
		return 1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, on_translated);
	return 0;
}
