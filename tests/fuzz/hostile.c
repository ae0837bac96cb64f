/* SPDX-License-Identifier: BSD-2-Clause */
#include "hostile.h"

#include <sanitizer/asan_interface.h>
#include <string.h>

#include "arch/entry.h"
#include "arch/handoff.h"
#include "arch/machine.h"
#include "arch/memory.h"
#include "fwcfg/fwcfg.h"
#include "lib/endian.h"

/* Each a byte, and what follows. A number of reads or looks is counted from 0. */
enum records {
	SET,             /* key (1), reads (2), offset (3), the bytes: how many (1), and they */
	RESIZE,          /* key (1), reads (2), size (3) */
	FILE_MOVED,      /* which of the directory (1), reads (2), key (2), size (4) */
	MOVES_NOTHING,   /* key (1), reads (2): a DMA command that says that it has */
	FAILS,           /* which DMA command (1) */
	FILE_ADDED,      /* which of file_names (1), size (2), the bytes */
	ITEM,            /* key (1), size (2), the bytes */
	MEMORY,          /* address (4), size (2), the bytes */
	MEMORY_LATER,    /* looks at memory (2), offset (3), as SET */
	CMOS,            /* index (1), value (1) */
	PCI,             /* address (2), register (1), reads (1), value (4) */
	PCI_REGISTER,    /* which function (1), offset (1), value (4) */
	PCI_FUNCTION,    /* address (2), identity (4), BAR: flags (1), log2 of its size (1) */
	PROCESSORS,      /* how many answer (1), status (1) */
	NO_MORE_ENTROPY, /* after so many words (1) */
	TPM,             /* what reads of its registers give: how many bytes (2), and they */
	RECORDS,
};

static const char *const file_names[] = {
	"opt/org.slipway/log",
	"etc/boot/kernel",
	"etc/boot/initrd",
	"etc/boot/cmdline",
	"etc/e820",
	"etc/table-loader",
	"etc/acpi/tables",
	"etc/smbios/smbios-anchor",
	"etc/smbios/smbios-tables",
	"etc/tpm/log",
	"etc/msr_feature_control",
	"etc/extra-pci-roots",
	"etc/reserved-memory-end",
	"etc/system-states",
};
#define FILES (sizeof(file_names) / sizeof(file_names[0]))

#define RECORDS_MAX   64
#define CHANGES_MAX   RECORDS_MAX
#define PUTS_MAX      (RECORDS_MAX + 8)
#define PUT_BYTES_MAX 0x400000
#define SET_MAX       64
#define ITEM_SIZE_MAX 0x100000
#define DATA_MAX      16
#define OTHERS_MAX    1024
#define PARTS_MAX     8
#define ENTRY_SIZE    64 /* of a directory, and of the files of a recording */
#define TPM_START     0xfed40000ul
#define TPM_SIZE      0x1000
#define ENTRIES_START 4

/*
 * Each byte that is read without DMA is an access, and the firmware may have to read an initrd so.
 * It is long enough when a boot has shown what it does with one: the VMM ends itself then.
 */
#define READS_MAX 0x80000

/* What a boot does besides: of ports, memory, PCI and DMA, with room for what a VMM can ask for. */
#define LOOKS_MAX        0x40000
#define PCI_ACCESSES_MAX 0x100000
#define DMAS_MAX         0x10000

struct change {
	enum records kind;
	bool done;
	uint16_t key;
	unsigned after;
	uint64_t offset;
	size_t size;
	uint8_t bytes[SET_MAX];
};

struct put {
	uint64_t start;
	size_t size;
	uint8_t *bytes; /* as the VMM has left them */
};

static struct {
	struct change change[CHANGES_MAX];
	unsigned changes;
	struct {
		uint16_t address;
		uint8_t offset;
		unsigned after;
		uint32_t value;
	} pci[RECORDS_MAX];
	unsigned pci_answers;
	struct input tpm;
	bool tpm_says_yes;
	struct arch_range changeable;
	size_t reads, looks;
	uint64_t stack_end;
	struct put put[PUTS_MAX];
	unsigned puts;
	size_t put_bytes;
	struct arch_range others[OTHERS_MAX]; /* what is no RAM to the firmware */
	unsigned other_ranges;
	struct arch_range part[PARTS_MAX];
	unsigned parts;
} vmm;

static uint8_t put_pool[PUT_BYTES_MAX];
struct memmap hostile_map;

void hostile_new(void)
{
	host_reset();
	memset(&vmm, 0, sizeof(vmm));
	for (size_t i = 0; i < HOST_RANDOM_MAX; i++)
		host.random[i] = 0x0101010101010101ul * (i + 1);
	host.random_left = HOST_RANDOM_MAX;
}

/* -- files of this project ---------------------------------------------------------- */

const uint8_t *hostile_data(const char *name, size_t *ret_size)
{
	static struct {
		const char *name;
		uint8_t *bytes;
		size_t size;
	} data[DATA_MAX];
	char path[256];
	unsigned i = 0;

	while (i < DATA_MAX && data[i].name != NULL && strcmp(data[i].name, name) != 0)
		i++;
	REQUIRE(i < DATA_MAX);
	if (data[i].name == NULL) {
		snprintf(path, sizeof(path), "%s/%s", TEST_DATA, name);
		FILE *file = fopen(path, "rb");
		REQUIRE(file != NULL && fseek(file, 0, SEEK_END) == 0);
		data[i].size = (size_t)ftell(file);
		data[i].bytes = malloc(data[i].size);
		rewind(file);
		REQUIRE(data[i].bytes != NULL);
		REQUIRE(fread(data[i].bytes, 1, data[i].size, file) == data[i].size);
		fclose(file);
		data[i].name = name;
	}
	*ret_size = data[i].size;
	return data[i].bytes;
}

/* The machine had so much RAM when it was recorded. */
static void shrink_e820(struct host_item *item, uint64_t ram)
{
	const struct le64 recorded = le64_of(0x10000000), size = le64_of(ram);

	for (size_t at = 0; at + 20 <= item->size; at += 20) {
		if (memcmp(item->bytes + at + 8, &recorded, sizeof(recorded)) == 0)
			memcpy(item->bytes + at + 8, &size, sizeof(size));
	}
}

void hostile_add_recording(const char *name, uint64_t ram)
{
	static uint8_t content[ITEM_SIZE_MAX];
	size_t size;
	const uint8_t *bytes = hostile_data(name, &size);

	for (size_t at = 0; at < size;) {
		struct be32 file_size, stored;
		const char *file_name = (const char *)bytes + at + 8;
		memcpy(&file_size, bytes + at, sizeof(file_size));
		memcpy(&stored, bytes + at + ENTRY_SIZE, sizeof(stored));
		at += ENTRY_SIZE + sizeof(stored);
		memset(content, 0, be32_get(file_size));
		memcpy(content, bytes + at, be32_get(stored));
		at += be32_get(stored);
		struct host_item *item = host_fwcfg_file(file_name, content, be32_get(file_size));
		item->writable = strcmp(file_name, "etc/vmgenid_addr") == 0;
		if (strcmp(file_name, "etc/e820") == 0)
			shrink_e820(item, ram);
	}
}

/* -- memory that the VMM has written ------------------------------------------------- */

void hostile_put(uint64_t address, const void *bytes, size_t size)
{
	void *to = address < HOST_OWN_START ? host_edit(address, size) : NULL;

	if (size == 0 || to == NULL || vmm.puts == PUTS_MAX ||
	    size > sizeof(put_pool) - vmm.put_bytes)
		return;
	memcpy(to, bytes, size);
	vmm.put[vmm.puts++] = (struct put){address, size, put_pool + vmm.put_bytes};
	vmm.put_bytes += size;
}

/* What lies in memory is what the last one has put there. */
static void note_puts(void)
{
	for (unsigned i = 0; i < vmm.puts; i++)
		memcpy(vmm.put[i].bytes, host_memory(vmm.put[i].start, vmm.put[i].size),
		       vmm.put[i].size);
}

static struct put *find_put(uint64_t address)
{
	for (unsigned i = 0; i < vmm.puts; i++) {
		if (address >= vmm.put[i].start && address - vmm.put[i].start < vmm.put[i].size)
			return &vmm.put[i];
	}
	return NULL;
}

static void change_memory(const struct change *change)
{
	const struct arch_range *range = &vmm.changeable;

	for (size_t i = 0; i < change->size && change->offset + i < range->size; i++) {
		uint64_t address = range->start + change->offset + i;
		if (find_put(address) == NULL)
			continue;
		*(uint8_t *)host_edit(address, 1) = change->bytes[i];
		for (unsigned j = 0; j < vmm.puts; j++) {
			struct put *put = &vmm.put[j];
			if (address >= put->start && address - put->start < put->size)
				put->bytes[address - put->start] = change->bytes[i];
		}
	}
}

static void look(void)
{
	vmm.looks++;
	REQUIRE(vmm.looks <= LOOKS_MAX);
	for (unsigned i = 0; i < vmm.changes; i++) {
		struct change *change = &vmm.change[i];
		if (change->kind != MEMORY_LATER || change->after-- != 0)
			continue;
		change_memory(change);
		change->kind = RECORDS;
	}
}

void *__real_arch_map(uint64_t address, uint64_t length, enum arch_memory memory);
void *__wrap_arch_map(uint64_t address, uint64_t length, enum arch_memory memory);
bool __real_arch_peek(uint64_t address, uint64_t length, void *to);
bool __wrap_arch_peek(uint64_t address, uint64_t length, void *to);

const void *__real_host_memory(uint64_t address, uint64_t size);
const void *__wrap_host_memory(uint64_t address, uint64_t size);

/* What arch/host takes for pointers of this process are the firmware's own if it is its stack. */
static bool is_possible(uint64_t address, uint64_t length)
{
	uint64_t stack = (uintptr_t)__builtin_frame_address(0);

	return address < HOST_OWN_START ||
	       (address >= stack && address < vmm.stack_end && length <= vmm.stack_end - address);
}

const void *__wrap_host_memory(uint64_t address, uint64_t size)
{
	return is_possible(address, size) ? __real_host_memory(address, size) : NULL;
}

void *__wrap_arch_map(uint64_t address, uint64_t length, enum arch_memory memory)
{
	look();
	/*
	 * A host can guess where the stack is, and firmware would look at more than an object. What
	 * it maps itself is all of one; its bounds are for fuzz_fwcfg.
	 */
	if (!is_possible(address, length) ||
	    (address >= HOST_OWN_START &&
	     __asan_region_is_poisoned((void *)(uintptr_t)address, length) != NULL))
		return NULL;
	return __real_arch_map(address, length, memory);
}

bool __wrap_arch_peek(uint64_t address, uint64_t length, void *to)
{
	look();
	return __real_arch_peek(address, length, to);
}

/* -- fw_cfg ---------------------------------------------------------------------------- */

static void resize(struct host_item *item, uint64_t size)
{
	uint8_t *bytes = calloc(1, size + 1);

	REQUIRE(bytes != NULL);
	memcpy(bytes, item->bytes, size < item->size ? size : item->size);
	host_fwcfg_item(item->key, bytes, size);
	free(bytes);
}

static void change_item(const struct change *change)
{
	struct host_item *item = host_fwcfg_find(change->key);

	if (change->kind == MOVES_NOTHING)
		host.fwcfg.dry = true;
	if (item == NULL)
		return;
	if (change->kind == RESIZE)
		resize(item, change->size);
	for (size_t i = 0; change->kind == SET && i < change->size; i++) {
		if (change->offset + i < item->size)
			item->bytes[change->offset + i] = change->bytes[i];
	}
}

static void before_read(void)
{
	if (++vmm.reads > READS_MAX)
		host_leave(HOST_EXIT);
	host.fwcfg.dry = false;
	for (unsigned i = 0; i < vmm.changes; i++) {
		struct change *change = &vmm.change[i];
		if (change->kind == MEMORY_LATER || change->done ||
		    change->key != host.fwcfg.selected || change->after-- != 0)
			continue;
		change_item(change);
		change->done = true;
	}
}

/* -- PCI --------------------------------------------------------------------------------- */

static bool pci_read(uint16_t address, uint8_t offset, uint32_t *ret_value)
{
	for (unsigned i = 0; i < vmm.pci_answers; i++) {
		if (vmm.pci[i].address != address || vmm.pci[i].offset != offset)
			continue;
		if (vmm.pci[i].after == 0) {
			*ret_value = vmm.pci[i].value;
			return true;
		}
		vmm.pci[i].after--;
	}
	return false;
}

static void set_pci_register(struct input *input)
{
	unsigned which = input_byte(input), offset = input_byte(input) & 0xfc;
	struct le32 value = le32_of((uint32_t)input_number(input, 4));

	if (host.pci_functions != 0)
		memcpy(host.pci[which % host.pci_functions].space + offset, &value, sizeof(value));
}

static void add_pci_function(struct input *input)
{
	uint16_t address = (uint16_t)input_number(input, 2);
	uint32_t identity = (uint32_t)input_number(input, 4);
	uint32_t flags = input_byte(input) & 0xf;
	uint64_t size = 1ul << (input_byte(input) & 63);
	bool is_bridge = (address & 0x8000) != 0;
	struct host_pci *pci = (is_bridge ? host_add_pci_bridge : host_add_pci_device)(
		NULL, (address >> 8) & 3, (uint8_t)(address >> 3), address & 7, identity);

	host_set_pci_bar(pci, 0, flags, size);
}

/* -- records ------------------------------------------------------------------------------- */

/* At the end it says all and nothing in turn, so that whatever is waited for comes. */
static uint64_t read_tpm(uint64_t offset, unsigned width)
{
	(void)offset;
	if (vmm.tpm.left > 0)
		return input_number(&vmm.tpm, width);
	vmm.tpm_says_yes = !vmm.tpm_says_yes;
	return vmm.tpm_says_yes ? ~0ul : 0;
}

static void write_tpm(uint64_t offset, unsigned width, uint64_t value)
{
	(void)offset;
	(void)width;
	(void)value;
}

static const uint8_t *take(struct input *input, size_t *size)
{
	const uint8_t *bytes = input->at;

	if (*size > input->left)
		*size = input->left;
	input->at += *size;
	input->left -= *size;
	return bytes;
}

static void read_change(struct input *input, enum records kind)
{
	struct change *change = &vmm.change[vmm.changes++];

	*change = (struct change){.kind = kind};
	if (kind != MEMORY_LATER)
		change->key = input_byte(input);
	if (kind == FILE_MOVED) {
		/* The fields of an entry of the directory. */
		struct be32 size;
		struct be16 key;
		change->kind = SET;
		change->offset = ENTRIES_START + (uint64_t)change->key * ENTRY_SIZE;
		change->key = FWCFG_DIRECTORY;
		change->after = (unsigned)input_number(input, 2);
		key = be16_of((uint16_t)input_number(input, 2));
		size = be32_of((uint32_t)input_number(input, 4));
		memcpy(change->bytes, &size, sizeof(size));
		memcpy(change->bytes + sizeof(size), &key, sizeof(key));
		change->size = sizeof(size) + sizeof(key);
		return;
	}
	change->after = (unsigned)input_number(input, 2);
	if (kind == RESIZE)
		change->size = input_number(input, 3) % (ITEM_SIZE_MAX + 1);
	if (kind != SET && kind != MEMORY_LATER)
		return;
	change->offset = input_number(input, 3);
	change->size = input_byte(input) % (SET_MAX + 1);
	const uint8_t *bytes = take(input, &change->size);
	memcpy(change->bytes, bytes, change->size);
}

static void read_bytes(struct input *input, enum records kind)
{
	uint64_t where = kind == MEMORY ? input_number(input, 4) : input_byte(input);
	size_t size = input_number(input, 2);
	const uint8_t *bytes = take(input, &size);

	if (kind == MEMORY)
		hostile_put(where, bytes, size);
	else if (kind == FILE_ADDED)
		host_fwcfg_file(file_names[where % FILES], bytes, size);
	else if (where != FWCFG_DIRECTORY)
		host_fwcfg_item((uint16_t)where, bytes, size);
}

static void read_pci_answer(struct input *input)
{
	uint16_t address = (uint16_t)input_number(input, 2);
	uint8_t offset = input_byte(input) & 0xfc;
	unsigned after = input_byte(input);
	uint32_t value = (uint32_t)input_number(input, 4);

	vmm.pci[vmm.pci_answers].address = address;
	vmm.pci[vmm.pci_answers].offset = offset;
	vmm.pci[vmm.pci_answers].after = after;
	vmm.pci[vmm.pci_answers++].value = value;
}

static void read_processors(struct input *input)
{
	unsigned count = input_byte(input);

	for (unsigned i = 0; i < count; i++)
		host.processors.found.apic_ids[i / 64] |= 1ul << (i % 64);
	host.processors.result = (enum status)(input_byte(input) % (STATUS_FAULT + 1));
}

static void add_tpm(struct input *input)
{
	const struct host_mmio_device device = {TPM_START, TPM_SIZE, read_tpm, write_tpm};
	size_t size = input_number(input, 2);
	const uint8_t *bytes = take(input, &size);

	if (vmm.tpm.at == NULL)
		host_add_mmio_device(&device);
	vmm.tpm = (struct input){bytes, size};
}

static void read_record(struct input *input)
{
	enum records kind = input_byte(input) % RECORDS;

	switch (kind) {
	case SET:
	case RESIZE:
	case FILE_MOVED:
	case MOVES_NOTHING:
	case MEMORY_LATER:
		read_change(input, kind);
		break;
	case FAILS:
		host.fwcfg.fail_dma = input_byte(input);
		break;
	case FILE_ADDED:
	case ITEM:
	case MEMORY:
		read_bytes(input, kind);
		break;
	case CMOS: {
		uint8_t index = input_byte(input) & 0x7f;
		host.cmos[index] = input_byte(input);
		break;
	}
	case PCI:
		read_pci_answer(input);
		break;
	case PCI_REGISTER:
		set_pci_register(input);
		break;
	case PCI_FUNCTION:
		add_pci_function(input);
		break;
	case PROCESSORS:
		read_processors(input);
		break;
	case NO_MORE_ENTROPY:
		host.random_left = input_byte(input) % (HOST_RANDOM_MAX + 1);
		break;
	case TPM:
		add_tpm(input);
		break;
	case RECORDS:
		break;
	}
}

void hostile_begin(struct input *input, uint64_t start, uint64_t size)
{
	vmm.changeable = (struct arch_range){start, size};
	for (unsigned i = 0; i < RECORDS_MAX && input->left > 0; i++)
		read_record(input);
	note_puts();
	host.fwcfg.before_read = before_read;
	host.pci_read = pci_read;
}

/* -- a boot ---------------------------------------------------------------------------------- */

/* The map is a variable of boot_main()'s, seen at the end. */
enum status __real_memmap_add(struct memmap *map, uint64_t start, uint64_t size,
			      enum memmap_type type);
enum status __wrap_memmap_add(struct memmap *map, uint64_t start, uint64_t size,
			      enum memmap_type type);
_Noreturn void __real_arch_handoff(const struct arch_handoff *handoff);
_Noreturn void __wrap_arch_handoff(const struct arch_handoff *handoff);
_Noreturn void __real_arch_fatal(const char *stage, enum status status, const char *reason);
_Noreturn void __wrap_arch_fatal(const char *stage, enum status status, const char *reason);

/* Whoever has it, it is not the firmware, which claims nothing but RAM. */
enum status __wrap_memmap_add(struct memmap *map, uint64_t start, uint64_t size,
			      enum memmap_type type)
{
	if (type != MEMMAP_RAM) {
		REQUIRE(vmm.other_ranges < OTHERS_MAX);
		vmm.others[vmm.other_ranges++] = (struct arch_range){start, size};
	}
	return __real_memmap_add(map, start, size, type);
}

_Noreturn void __wrap_arch_handoff(const struct arch_handoff *handoff)
{
	hostile_map = *host.map;
	__real_arch_handoff(handoff);
}

_Noreturn void __wrap_arch_fatal(const char *stage, enum status status, const char *reason)
{
	hostile_map = *host.map;
	__real_arch_fatal(stage, status, reason);
}

static void run_boot_main(void *argument)
{
	boot_main(argument);
}

static unsigned count_fatal_lines(void)
{
	static const char fatal[] = "slipway: FATAL ";
	unsigned count = 0;

	for (const char *line = host.console; line != NULL && *line != '\0';) {
		count += strncmp(line, fatal, sizeof(fatal) - 1) == 0;
		line = strchr(line, '\n');
		line = line == NULL ? NULL : line + 1;
	}
	return count;
}

/* One line, the last one, unless others have filled the console. */
static void check_lines(enum host_end end)
{
	if (end == HOST_FATAL)
		REQUIRE(host.fatal.reason[0] != '\0' && host.fatal.status != STATUS_OK);
	if (host.console_length == sizeof(host.console) - 1)
		return;
	REQUIRE(count_fatal_lines() == (end == HOST_FATAL));
	REQUIRE(host.console_length == 0 || host.console[host.console_length - 1] == '\n');
}

static void check_map(void)
{
	REQUIRE(hostile_map.count <= MEMMAP_ENTRIES_MAX);
	for (size_t i = 0; i < hostile_map.count; i++) {
		const struct memmap_entry *entry = &hostile_map.entry[i];
		REQUIRE(entry->start < entry->end);
		REQUIRE(i == 0 || entry->start >= entry[-1].end);
	}
}

bool hostile_boot(const struct arch_entry *entry, enum host_end *ret_end)
{
	struct arch_entry copy = *entry;

	hostile_map.count = 0;
	vmm.stack_end = (uintptr_t)__builtin_frame_address(0);
	enum host_end end = host_run(run_boot_main, &copy);
	/* tests/fuzz/run, INPUT */
	if (getenv("SHOW") != NULL)
		fprintf(stderr, "%sends with %d, entry 0x%lx\n", host.console, (int)end,
			host.handoff.entry);
	if (end == HOST_EXIT)
		return false;
	if (end != HOST_HANDOFF && end != HOST_FATAL)
		fprintf(stderr, "ends with %d: %s\n", (int)end, host.check);
	REQUIRE(end == HOST_HANDOFF || end == HOST_FATAL);
	REQUIRE(host.pci_accesses <= PCI_ACCESSES_MAX && host.fwcfg.dmas <= DMAS_MAX);
	REQUIRE(host.accesses + host.mmio <=
		vmm.reads + 8 * (host.fwcfg.dmas + host.pci_accesses + LOOKS_MAX));
	check_lines(end);
	check_map();
	*ret_end = end;
	return true;
}

const struct memmap_entry *hostile_find(uint64_t address)
{
	for (size_t i = 0; i < hostile_map.count; i++) {
		if (address >= hostile_map.entry[i].start && address < hostile_map.entry[i].end)
			return &hostile_map.entry[i];
	}
	return NULL;
}

bool hostile_is_for_kernel(uint64_t start, uint64_t size, enum memmap_type type)
{
	while (size > 0) {
		const struct memmap_entry *entry = hostile_find(start);
		if (entry == NULL || memmap_type_for_kernel(entry->type) != type)
			return false;
		uint64_t piece = entry->end - start < size ? entry->end - start : size;
		start += piece;
		size -= piece;
	}
	return true;
}

/* -- what was written ----------------------------------------------------------------------------
 */

static bool is_of_others(uint64_t address)
{
	for (unsigned i = 0; i < vmm.other_ranges; i++) {
		if (address >= vmm.others[i].start &&
		    address - vmm.others[i].start < vmm.others[i].size)
			return true;
	}
	return false;
}

struct writes {
	bool (*allowed)(uint64_t address);
	const struct memmap_entry *last; /* that was claimed: the next byte is in it as well */
};

static bool is_claimed(struct writes *writes, uint64_t address)
{
	const struct memmap_entry *last = writes->last;

	if (last == NULL || address < last->start || address >= last->end)
		last = hostile_find(address);
	if (last == NULL || last->type == MEMMAP_RAM)
		return false;
	/* Tables are of types that a VMM knows as well. */
	if (last->type < MEMMAP_FIRMWARE && is_of_others(address))
		return false;
	writes->last = last;
	return true;
}

static bool may_differ(void *context, uint64_t address)
{
	struct writes *writes = context;

	if (is_claimed(writes, address) || writes->allowed(address))
		return true;
	const struct put *put = find_put(address);
	return put != NULL &&
	       *(const uint8_t *)host_memory(address, 1) == put->bytes[address - put->start];
}

void hostile_check_writes(bool (*allowed)(uint64_t address))
{
	struct writes writes = {allowed, NULL};
	uint64_t found;

	if (host_find_change(may_differ, &writes, &found)) {
		fprintf(stderr, "0x%lx was written\n", found);
		REQUIRE(false);
	}
}

void hostile_add_part(uint64_t start, uint64_t size, enum memmap_type type)
{
	const struct memmap_entry *entry = hostile_find(start);

	REQUIRE(size > 0);
	REQUIRE(entry != NULL && entry->type == type && size <= entry->end - start);
	for (unsigned i = 0; i < vmm.parts; i++)
		REQUIRE(start >= vmm.part[i].start + vmm.part[i].size ||
			vmm.part[i].start >= start + size);
	REQUIRE(vmm.parts < PARTS_MAX);
	vmm.part[vmm.parts++] = (struct arch_range){start, size};
}
