/* SPDX-License-Identifier: BSD-2-Clause */
#include "fdt/fdt.h"

#include "fdt/format.h"
#include "lib/attributes.h"
#include "lib/name.h"

/*
 * Not libfdt: each of its lookups starts again at the root, and reading QEMU's tree with it
 * takes ten times as long. Here every token is looked at once. There is no recursion,
 * whatever the depth: only the root, its children, and the children of /chosen and
 * /reserved-memory mean something to us.
 */

/* Consoles that stdout-path may name; of more, the first ones. */
#define CONSOLES_MAX 8

/* Not part of the loop that nearly all of the time is spent in. */
#define RARE __attribute__((noinline, cold))
/* Part of it, or called so often that each instruction counts. */
#define OFTEN __attribute__((noinline, hot))

/* The properties that we use, wherever they stand. */
enum property {
	REG,
	COMPATIBLE,
	STATUS,
	DEVICE_TYPE,
	METHOD,
	REG_SHIFT,
	ADDRESS_CELLS,
	SIZE_CELLS,
	BOOTARGS,
	STDOUT_PATH,
	KERNEL_START,
	KERNEL_SIZE,
	INITRD_START,
	INITRD_END,
	KASLR_SEED,
	RNG_SEED,
	INTERRUPTS, /* differ where a node is otherwise the same as another */
	HASH_TABLE,
	PROPERTIES, /* any other */
	OUTSIDE,    /* none, since its name is outside the strings block */
};

/* Bytes at once, in a vector register where there is one. */
typedef uint64_t block __attribute__((vector_size(16)));

/* Most nodes of QEMU's tree are alike. Bytes that are compared with the node before: at most. */
#define ALIKE_MAX    128
#define ALIKE_BLOCKS (ALIKE_MAX / sizeof(block))

/* Of what name_zero_bytes() gives. */
#define LAST_BYTE_IS_ZERO (1ul << 63)

/* Places for names, and how an offset of 32 bits chooses one. */
#define SEEN       128
#define SEEN_SHIFT 25

enum device {
	DEVICE_UNKNOWN,
	DEVICE_FWCFG,
	DEVICE_PSCI,
	DEVICE_PL011,
	DEVICE_16550,
	DEVICE_KERNEL_MODULE,
	DEVICE_RAMDISK_MODULE,
};

/* Of the numbers in a reg, DTSpec 2.3.5. */
struct cells {
	unsigned address;
	unsigned size;
};

struct console {
	struct span name;
	uint64_t address;
	uint32_t shift;
	enum fdt_console kind;
};

struct reader {
	/* The next token, and the last place where one can be that is not the last of all:
	 * inside a node, FDT_END_NODE and FDT_END are still to come. So eight bytes can be
	 * read at any token, and from any byte of a name or a value. */
	const uint8_t *at;
	const uint8_t *last;
	const uint8_t *tokens; /* the first one */
	const uint8_t *strings;
	size_t strings_size;

	/* The node that is read. */
	struct span name;
	uint32_t found; /* bits of enum property; only these values are set */
	struct span value[PROPERTIES];

	/*
	 * Names that were looked up. Most stand once in the strings block, so that the same
	 * offset comes again and again. It is kept in the tree's order of bytes: the last one,
	 * which says most, is the highest of the number and chooses the place.
	 */
	uint32_t seen_nameoff[SEEN];
	uint8_t seen_property[SEEN];

	struct cells root;
	const uint8_t *aliases; /* the first property */
	bool chosen_seen;
	bool reserved_memory_seen;
	bool kernel_known;
	bool initrd_known;
	size_t consoles;
	struct console console[CONSOLES_MAX];

	struct fdt_machine *machine;
	struct reason *why;
};

static inline bool has(const struct reader *r, enum property property)
{
	return (r->found >> property & 1) != 0;
}

static inline const char *name_of(const struct reader *r)
{
	return (const char *)r->name.bytes;
}

/* -- tokens ----------------------------------------------------------------------- */

/* Of what name_zero_bytes() gave. */
static inline size_t first_zero_byte(uint64_t zero_bytes)
{
	return (size_t)__builtin_ctzll(zero_bytes) / 8;
}

#define ENDS_EARLY(r)                                                                              \
	refuse((r)->why, STATUS_TRUNCATED,                                                         \
	       "the device tree's structure ends inside a node, or its properties")

/* The name of the node that begins; what follows are its properties. */
static inline __attribute__((always_inline)) enum status read_name_inline(struct reader *r)
{
	const uint8_t *at = r->at;
	size_t room = (size_t)(r->last - at);
	size_t step = FDT_TOKEN_SIZE;
	uint64_t ends;

	for (;; step += sizeof(ends)) {
		uint64_t word;
		if (step > room)
			return ENDS_EARLY(r);
		memcpy(&word, at + step, sizeof(word));
		ends = name_zero_bytes(word);
		if (ends != 0)
			break;
	}
	step += first_zero_byte(ends);
	r->name = (struct span){at + FDT_TOKEN_SIZE, step - FDT_TOKEN_SIZE};
	step = (size_t)token_align(step + 1);
	if (step > room)
		return ENDS_EARLY(r);
	r->at = at + step;
	return STATUS_OK;
}

static enum status read_name(struct reader *r)
{
	return read_name_inline(r);
}

/* Whether @text, of @size bytes, is what the @room bytes at @at begin with. */
static inline __attribute__((always_inline)) bool is(const uint8_t *at, size_t room,
						     const char *text, size_t size)
{
	return size <= room && memcmp(at, text, size) == 0;
}

static enum property property_of(const uint8_t *name, size_t room)
{
#define IS(text) is(name, room, text, sizeof(text))
	switch (name[0]) {
	case '#':
		if (IS("#address-cells"))
			return ADDRESS_CELLS;
		return IS("#size-cells") ? SIZE_CELLS : PROPERTIES;
	case 'b':
		return IS("bootargs") ? BOOTARGS : PROPERTIES;
	case 'c':
		return IS("compatible") ? COMPATIBLE : PROPERTIES;
	case 'd':
		return IS("device_type") ? DEVICE_TYPE : PROPERTIES;
	case 'i':
		return IS("interrupts") ? INTERRUPTS : PROPERTIES;
	case 'k':
		return IS("kaslr-seed") ? KASLR_SEED : PROPERTIES;
	case 'l':
		if (IS("linux,kernel-start"))
			return KERNEL_START;
		if (IS("linux,kernel-size"))
			return KERNEL_SIZE;
		if (IS("linux,initrd-start"))
			return INITRD_START;
		return IS("linux,initrd-end") ? INITRD_END : PROPERTIES;
	case 'm':
		return IS("method") ? METHOD : PROPERTIES;
	case 'r':
		if (IS("reg"))
			return REG;
		if (IS("reg-shift"))
			return REG_SHIFT;
		return IS("rng-seed") ? RNG_SEED : PROPERTIES;
	case 's':
		if (IS("status"))
			return STATUS;
		if (IS("stdout-path"))
			return STDOUT_PATH;
		return IS("slipway,hash-table") ? HASH_TABLE : PROPERTIES;
	default:
		return PROPERTIES;
	}
#undef IS
}

/* The property whose name is at @nameoff, and notes it; OUTSIDE when none can be there. */
static OFTEN enum property look_up(struct reader *r, uint32_t nameoff, size_t place)
{
	size_t offset = __builtin_bswap32(nameoff);

	if (offset >= r->strings_size)
		return OUTSIDE;
	enum property property = property_of(r->strings + offset, r->strings_size - offset);
	r->seen_nameoff[place] = nameoff;
	r->seen_property[place] = (uint8_t)property;
	return property;
}

/*
 * The properties of a node, up to the token that is none. Nearly all of the time is
 * spent in this loop.
 */
static inline __attribute__((always_inline)) enum status read_properties_inline(struct reader *r)
{
	const uint8_t *at = r->at;
	const uint8_t *const last = r->last;
	const uint32_t *const seen_nameoff = r->seen_nameoff;
	const uint8_t *const seen_property = r->seen_property;
	uint32_t found = 0;

	for (;;) {
		uint32_t token = get_be32(at);
		if (token != FDT_PROP) {
			if (token != FDT_NOP)
				break;
			if (at == last)
				return ENDS_EARLY(r);
			at += FDT_TOKEN_SIZE;
			continue;
		}
		size_t size = get_be32(at + offsetof(struct property_head, len));
		size_t step = (size_t)token_align(sizeof(struct property_head) + size);
		/* Numbers, since a pointer that far may not be made. */
		if ((uintptr_t)at + step > (uintptr_t)last)
			return ENDS_EARLY(r);
		uint32_t nameoff;
		memcpy(&nameoff, at + offsetof(struct property_head, nameoff), sizeof(nameoff));
		at += step;
		size_t place = nameoff >> SEEN_SHIFT;
		uint32_t property;
		if (seen_nameoff[place] == nameoff) {
			property = seen_property[place];
		} else {
			property = look_up(r, nameoff, place);
			if (property == OUTSIDE)
				return refuse(r->why, STATUS_OUT_OF_RANGE,
					      "the node '%s' has the name of a property at %u of "
					      "%lu bytes",
					      name_of(r), __builtin_bswap32(nameoff),
					      r->strings_size);
		}
		if (property == PROPERTIES)
			continue;
		uint32_t bit = 1u << property;
		/* Which of them the kernel takes is its choice, and libfdt's another. */
		if ((found & bit) != 0)
			return refuse(r->why, STATUS_BAD_FORMAT, "the node '%s' has two of '%s'",
				      name_of(r),
				      (const char *)r->strings + __builtin_bswap32(nameoff));
		found |= bit;
		r->value[property] = (struct span){at - step + sizeof(struct property_head), size};
	}
	r->at = at;
	r->found = found;
	return STATUS_OK;
}

static enum status read_properties(struct reader *r)
{
	return read_properties_inline(r);
}

/* Whether another child begins; else the node has ended. */
static inline enum status next_child(struct reader *r, bool *ret_begins)
{
	for (; r->at <= r->last; r->at += FDT_TOKEN_SIZE) {
		uint32_t token = get_be32(r->at);
		*ret_begins = token == FDT_BEGIN_NODE;
		if (token == FDT_BEGIN_NODE)
			return STATUS_OK;
		if (token == FDT_END_NODE) {
			r->at += FDT_TOKEN_SIZE;
			return STATUS_OK;
		}
		if (token != FDT_NOP)
			return refuse(r->why, STATUS_BAD_FORMAT,
				      "the device tree has the token %u after the node '%s'", token,
				      name_of(r));
	}
	return ENDS_EARLY(r);
}

/* What is in a node besides its properties, when nobody asks for it, and its end. */
static OFTEN enum status skip_children(struct reader *r)
{
	for (size_t depth = 1; depth > 0;) {
		bool begins;
		enum status status = next_child(r, &begins);
		if (status != STATUS_OK)
			return status;
		if (!begins) {
			depth--;
			continue;
		}
		status = read_name(r);
		if (status == STATUS_OK)
			status = read_properties_inline(r);
		if (status != STATUS_OK)
			return status;
		depth++;
	}
	return STATUS_OK;
}

/* -- values ----------------------------------------------------------------------- */

/* Whether the value is this string with its terminator. */
#define VALUE_IS(r, property, text)                                                                \
	((r)->value[property].size == sizeof(text) &&                                              \
	 memcmp((r)->value[property].bytes, text, sizeof(text)) == 0)

/* DTSpec 2.3.4; "ok" is what Linux takes too. */
static bool is_disabled(const struct reader *r)
{
	return has(r, STATUS) && !VALUE_IS(r, STATUS, "okay") && !VALUE_IS(r, STATUS, "ok");
}

/* The length of a property is none that its binding has. */
static enum status bad_length(struct reader *r, enum property property, const char *name)
{
	return refuse(r->why, STATUS_BAD_FORMAT, "the node '%s' has a '%s' of %lu bytes",
		      name_of(r), name, r->value[property].size);
}

/* Neither changes its output when there is no such property. */

static enum status take_string(struct reader *r, enum property property, const char *name,
			       struct span *ret_text)
{
	if (!has(r, property))
		return STATUS_OK;
	struct span value = r->value[property];
	const uint8_t *end = memchr(value.bytes, '\0', value.size);
	if (end == NULL)
		return refuse(r->why, STATUS_BAD_FORMAT, "the '%s' of the node '%s' has no end",
			      name, name_of(r));
	*ret_text = (struct span){value.bytes, (size_t)(end - value.bytes)};
	return STATUS_OK;
}

static enum status take_u32(struct reader *r, enum property property, const char *name,
			    uint32_t *ret_value)
{
	if (!has(r, property))
		return STATUS_OK;
	if (r->value[property].size != sizeof(uint32_t))
		return bad_length(r, property, name);
	*ret_value = get_be32(r->value[property].bytes);
	return STATUS_OK;
}

/* One or two cells. */
static enum status take_number(struct reader *r, enum property property, const char *name,
			       uint64_t *ret_value)
{
	struct span value = r->value[property];

	if (value.size == sizeof(uint32_t))
		*ret_value = get_be32(value.bytes);
	else if (value.size == sizeof(uint64_t))
		*ret_value = get_be64(value.bytes);
	else
		return bad_length(r, property, name);
	return STATUS_OK;
}

/* What the children's reg are made of. */
static enum status take_cells(struct reader *r, struct cells *ret_cells)
{
	uint32_t address = 2, size = 1; /* DTSpec 2.3.5 */

	enum status status = take_u32(r, ADDRESS_CELLS, "#address-cells", &address);
	if (status == STATUS_OK)
		status = take_u32(r, SIZE_CELLS, "#size-cells", &size);
	if (status != STATUS_OK)
		return status;
	if (address < 1 || address > 2 || size < 1 || size > 2)
		return refuse(r->why, STATUS_UNSUPPORTED,
			      "the node '%s' has addresses of %u cells and sizes of %u", name_of(r),
			      address, size);
	*ret_cells = (struct cells){address, size};
	return STATUS_OK;
}

static inline uint64_t number(const uint8_t *at, unsigned cells)
{
	return cells == 2 ? get_be64(at) : get_be32(at);
}

static inline size_t entry_size(struct cells cells)
{
	return sizeof(uint32_t) * (cells.address + cells.size);
}

static enum status check_range(struct reader *r, struct fdt_range range)
{
	uint64_t end;

	if (!checked_add(range.start, range.size, &end))
		return refuse(r->why, STATUS_OUT_OF_RANGE,
			      "the node '%s' has 0x%lx bytes at 0x%lx, past the end of all memory",
			      name_of(r), range.size, range.start);
	return STATUS_OK;
}

/* A reg of one range or more, whole ones. */
static enum status check_reg(struct reader *r, struct cells cells)
{
	if (!has(r, REG))
		return refuse(r->why, STATUS_BAD_FORMAT, "the node '%s' has no reg", name_of(r));
	size_t size = r->value[REG].size;
	if (size == 0 || size % entry_size(cells) != 0)
		return bad_length(r, REG, "reg");
	return STATUS_OK;
}

static enum status read_range(struct reader *r, struct cells cells, const uint8_t *at,
			      struct fdt_range *ret_range)
{
	struct fdt_range range = {
		number(at, cells.address),
		number(at + sizeof(uint32_t) * cells.address, cells.size),
	};
	enum status status = check_range(r, range);

	if (status == STATUS_OK)
		*ret_range = range;
	return status;
}

/* The first range of a device. */
static enum status take_registers(struct reader *r, struct fdt_range *ret_range)
{
	enum status status = check_reg(r, r->root);

	if (status != STATUS_OK)
		return status;
	return read_range(r, r->root, r->value[REG].bytes, ret_range);
}

/* All of them, but those of size 0. */
static RARE enum status take_ranges(struct reader *r, struct cells cells, struct fdt_range *list,
				    size_t max, size_t *ret_count)
{
	enum status status = check_reg(r, cells);

	if (status != STATUS_OK)
		return status;
	struct span reg = r->value[REG];
	for (size_t at = 0; at < reg.size; at += entry_size(cells)) {
		struct fdt_range range;
		status = read_range(r, cells, reg.bytes + at, &range);
		if (status != STATUS_OK)
			return status;
		if (range.size == 0)
			continue;
		if (*ret_count == max)
			return refuse(r->why, STATUS_TOO_LARGE,
				      "the node '%s' has one range more than the %lu we hold",
				      name_of(r), max);
		list[(*ret_count)++] = range;
	}
	return STATUS_OK;
}

/* -- children of the root --------------------------------------------------------- */

/* What one string of a list says; @room is up to the end of the list. */
static inline enum device device_named(const uint8_t *at, size_t room)
{
#define IS(text) is(at, room, text, sizeof(text))
	switch (at[0]) {
	case 'a':
		if (IS("arm,pl011"))
			return DEVICE_PL011;
		/* The functions of the first PSCI have no numbers of their own. */
		return IS("arm,psci-1.0") || IS("arm,psci-0.2") ? DEVICE_PSCI : DEVICE_UNKNOWN;
	case 'm':
		if (IS("multiboot,kernel"))
			return DEVICE_KERNEL_MODULE;
		return IS("multiboot,ramdisk") ? DEVICE_RAMDISK_MODULE : DEVICE_UNKNOWN;
	case 'n':
		return IS("ns16550a") || IS("ns16550") ? DEVICE_16550 : DEVICE_UNKNOWN;
	case 'q':
		return IS("qemu,fw-cfg-mmio") ? DEVICE_FWCFG : DEVICE_UNKNOWN;
	default:
		return DEVICE_UNKNOWN;
	}
#undef IS
}

static inline uint64_t word_at(const uint8_t *at)
{
	uint64_t word;

	memcpy(&word, at, sizeof(word));
	return word;
}

/* What the node is compatible with, by the first string of its list that we know. */
static inline enum device device_of(const struct reader *r)
{
	const uint8_t *at = r->value[COMPATIBLE].bytes;
	const uint8_t *end = at + r->value[COMPATIBLE].size;

	while (at < end) {
		enum device device = device_named(at, (size_t)(end - at));
		if (device != DEVICE_UNKNOWN)
			return device;
		/* The string after this one; eight bytes can be read anywhere. */
		uint64_t ends;
		do {
			ends = name_zero_bytes(word_at(at));
			at += ends != 0 ? first_zero_byte(ends) + 1 : sizeof(ends);
		} while (ends == 0 && at < end);
	}
	return DEVICE_UNKNOWN;
}

static RARE enum status take_psci(struct reader *r)
{
	enum fdt_psci psci;

	if (has(r, METHOD) && VALUE_IS(r, METHOD, "hvc"))
		psci = FDT_PSCI_HVC;
	else if (has(r, METHOD) && VALUE_IS(r, METHOD, "smc"))
		psci = FDT_PSCI_SMC;
	else
		return refuse(r->why, STATUS_BAD_FORMAT,
			      "the node '%s' has neither method, 'hvc' or 'smc'", name_of(r));
	if (r->machine->psci == FDT_PSCI_NONE)
		r->machine->psci = psci;
	return STATUS_OK;
}

static RARE enum status take_fwcfg(struct reader *r)
{
	struct fdt_range registers;
	enum status status = take_registers(r, &registers);

	if (status == STATUS_OK && r->machine->fwcfg.size == 0)
		r->machine->fwcfg = registers;
	return status;
}

static RARE enum status take_console(struct reader *r, enum fdt_console kind)
{
	struct fdt_range registers;
	uint32_t shift = 0;

	enum status status = take_registers(r, &registers);
	if (status == STATUS_OK && kind == FDT_CONSOLE_16550)
		status = take_u32(r, REG_SHIFT, "reg-shift", &shift);
	if (status != STATUS_OK)
		return status;
	/* The widest registers that a bus has. */
	if (shift > 3)
		return refuse(r->why, STATUS_UNSUPPORTED, "the node '%s' has the reg-shift %u",
			      name_of(r), shift);
	/* What stdout-path names may be found later, or be an alias. */
	if (r->consoles < CONSOLES_MAX)
		r->console[r->consoles++] = (struct console){r->name, registers.start, shift, kind};
	return STATUS_OK;
}

/* *@ret_useless: the node is none that we look for. */
static inline enum status take_device(struct reader *r, bool *ret_useless)
{
	*ret_useless = false;
	if (has(r, DEVICE_TYPE) && VALUE_IS(r, DEVICE_TYPE, "memory") && !is_disabled(r))
		return take_ranges(r, r->root, r->machine->memory, FDT_MEMORY_MAX,
				   &r->machine->memories);
	enum device device = has(r, COMPATIBLE) ? device_of(r) : DEVICE_UNKNOWN;
	*ret_useless = device == DEVICE_UNKNOWN;
	if (*ret_useless || is_disabled(r))
		return STATUS_OK;
	switch (device) {
	case DEVICE_FWCFG:
		return take_fwcfg(r);
	case DEVICE_PSCI:
		return take_psci(r);
	case DEVICE_PL011:
		return take_console(r, FDT_CONSOLE_PL011);
	case DEVICE_16550:
		return take_console(r, FDT_CONSOLE_16550);
	default:
		return STATUS_OK;
	}
}

static inline block block_at(const uint8_t *at)
{
	block value;

	memcpy(&value, at, sizeof(value));
	return value;
}

/* Whether a node begins as that at @start does, and there is room to compare all of it. */
static inline bool may_be_alike(const struct reader *r, const uint8_t *start)
{
	return r->at - start <= ALIKE_MAX && r->last - r->at >= ALIKE_MAX &&
	       word_at(r->at) == word_at(start);
}

/*
 * Passes over the nodes like that from @start up to here, which was of no use: reading them would
 * find the same. Alike are all tokens, lengths and names, all values but two, and of its own name
 * what is before the last eight bytes, with the '@'; these may be any text.
 */
static OFTEN void skip_alike(struct reader *r, const uint8_t *start)
{
	static const enum property may_differ[] = {REG, INTERRUPTS};
	const size_t size = (size_t)(r->at - start);
	const uint8_t *at = r->at;
	block same[ALIKE_BLOCKS], mask[ALIKE_BLOCKS];
	uint8_t *masks = (uint8_t *)mask;

	if (r->name.size < sizeof(uint64_t) ||
	    memchr(r->name.bytes, '@', r->name.size + 1 - sizeof(uint64_t)) == NULL)
		return;
	size_t last_word = (size_t)(r->name.bytes - start) + r->name.size + 1 - sizeof(uint64_t);
	memset(masks, 0, sizeof(mask));
	memset(masks, 255, size);
	for (size_t i = 0; i < sizeof(may_differ) / sizeof(may_differ[0]); i++) {
		if (has(r, may_differ[i]))
			memset(masks + (r->value[may_differ[i]].bytes - start), 0,
			       r->value[may_differ[i]].size);
	}
	memset(masks + last_word, 0, sizeof(uint64_t) - 1);
#pragma GCC unroll 8
	for (size_t i = 0; i < ALIKE_BLOCKS; i++)
		same[i] = block_at(start + i * sizeof(block));

	while (r->last - at >= ALIKE_MAX) {
		block difference = {0};
#pragma GCC unroll 8
		for (size_t i = 0; i < ALIKE_BLOCKS; i++)
			difference |= (block_at(at + i * sizeof(block)) ^ same[i]) & mask[i];
		if ((difference[0] | difference[1]) != 0 ||
		    name_zero_bytes(word_at(at + last_word)) != LAST_BYTE_IS_ZERO)
			break;
		at += size;
	}
	r->name.bytes += at - r->at;
	r->at = at;
}

/* -- /chosen ---------------------------------------------------------------------- */

static const struct cells two_u64 = {2, 2};

/* Two numbers that make sense together only. */
static enum status take_pair(struct reader *r, enum property first, const char *first_name,
			     enum property second, const char *second_name, uint64_t *ret_first,
			     uint64_t *ret_second)
{
	if (!has(r, first) || !has(r, second))
		return refuse(r->why, STATUS_BAD_FORMAT, "'%s' is without '%s'",
			      has(r, first) ? first_name : second_name,
			      has(r, first) ? second_name : first_name);
	enum status status = take_number(r, first, first_name, ret_first);
	if (status != STATUS_OK)
		return status;
	return take_number(r, second, second_name, ret_second);
}

static enum status check_kernel(struct reader *r, struct fdt_range kernel)
{
	if (kernel.size == 0)
		return refuse(r->why, STATUS_BAD_FORMAT, "the node '%s' has a kernel of size 0",
			      name_of(r));
	return check_range(r, kernel);
}

static enum status take_linux_kernel(struct reader *r)
{
	struct fdt_range kernel;

	enum status status = take_pair(r, KERNEL_START, "linux,kernel-start", KERNEL_SIZE,
				       "linux,kernel-size", &kernel.start, &kernel.size);
	if (status == STATUS_OK)
		status = check_kernel(r, kernel);
	if (status != STATUS_OK)
		return status;
	r->machine->kernel = kernel;
	r->kernel_known = true;
	return STATUS_OK;
}

static enum status take_linux_initrd(struct reader *r)
{
	uint64_t start, end;

	enum status status = take_pair(r, INITRD_START, "linux,initrd-start", INITRD_END,
				       "linux,initrd-end", &start, &end);
	if (status != STATUS_OK)
		return status;
	if (end < start)
		return refuse(r->why, STATUS_OUT_OF_RANGE,
			      "the initrd begins at 0x%lx and ends at 0x%lx", start, end);
	r->machine->initrd = (struct fdt_range){start, end - start};
	r->initrd_known = true;
	return STATUS_OK;
}

/* Address and size, two u64 whatever the cells are: boot/boot.h, boot_read_hashes(). */
static enum status take_hash_table(struct reader *r)
{
	if (!has(r, HASH_TABLE))
		return STATUS_OK;
	if (r->value[HASH_TABLE].size != entry_size(two_u64))
		return bad_length(r, HASH_TABLE, "slipway,hash-table");
	r->machine->has_hash_table = true;
	return read_range(r, two_u64, r->value[HASH_TABLE].bytes, &r->machine->hash_table);
}

static enum status take_chosen(struct reader *r)
{
	struct fdt_machine *machine = r->machine;

	enum status status = take_string(r, BOOTARGS, "bootargs", &machine->bootargs);
	if (status == STATUS_OK)
		status = take_string(r, STDOUT_PATH, "stdout-path", &machine->stdout_path);
	if (status == STATUS_OK && (has(r, KERNEL_START) || has(r, KERNEL_SIZE)))
		status = take_linux_kernel(r);
	if (status == STATUS_OK && (has(r, INITRD_START) || has(r, INITRD_END)))
		status = take_linux_initrd(r);
	if (status == STATUS_OK)
		status = take_hash_table(r);
	if (status != STATUS_OK)
		return status;
	if (has(r, KASLR_SEED)) {
		if (r->value[KASLR_SEED].size != sizeof(uint64_t))
			return bad_length(r, KASLR_SEED, "kaslr-seed");
		machine->kaslr_seed = r->value[KASLR_SEED];
	}
	if (has(r, RNG_SEED))
		machine->rng_seed = r->value[RNG_SEED];
	return STATUS_OK;
}

static enum status take_module(struct reader *r, struct cells cells)
{
	struct fdt_range range;

	if (!has(r, COMPATIBLE) || is_disabled(r))
		return STATUS_OK;
	enum device device = device_of(r);
	bool is_kernel = device == DEVICE_KERNEL_MODULE && !r->kernel_known;
	bool is_initrd = device == DEVICE_RAMDISK_MODULE && !r->initrd_known;
	if (!is_kernel && !is_initrd)
		return STATUS_OK;
	if (has(r, REG) && r->value[REG].size == entry_size(two_u64))
		cells = two_u64;
	enum status status = check_reg(r, cells);
	if (status == STATUS_OK)
		status = read_range(r, cells, r->value[REG].bytes, &range);
	if (status != STATUS_OK)
		return status;
	if (is_initrd) {
		r->machine->initrd = range;
		r->initrd_known = true;
		return STATUS_OK;
	}
	status = check_kernel(r, range);
	if (status == STATUS_OK)
		status = take_string(r, BOOTARGS, "bootargs", &r->machine->bootargs);
	r->machine->kernel = range;
	r->kernel_known = true;
	return status;
}

static RARE enum status read_chosen(struct reader *r)
{
	struct cells cells;
	bool begins;

	/* libfdt edits the first one, Linux may read another. */
	if (r->chosen_seen)
		return refuse(r->why, STATUS_BAD_FORMAT, "the device tree has two of /chosen");
	r->chosen_seen = true;
	/* The name follows the token. */
	r->machine->chosen = (uint32_t)(r->name.bytes - FDT_TOKEN_SIZE - r->tokens);
	enum status status = read_properties(r);
	if (status == STATUS_OK)
		status = take_cells(r, &cells);
	if (status == STATUS_OK)
		status = take_chosen(r);
	while (status == STATUS_OK) {
		status = next_child(r, &begins);
		if (status != STATUS_OK || !begins)
			break;
		status = read_name(r);
		if (status == STATUS_OK)
			status = read_properties(r);
		if (status == STATUS_OK)
			status = take_module(r, cells);
		if (status == STATUS_OK)
			status = skip_children(r);
	}
	return status;
}

/* -- reservations ----------------------------------------------------------------- */

static RARE enum status read_reserved_memory(struct reader *r)
{
	struct fdt_machine *machine = r->machine;
	struct cells cells;
	bool begins;

	if (r->reserved_memory_seen)
		return refuse(r->why, STATUS_BAD_FORMAT,
			      "the device tree has two of /reserved-memory");
	r->reserved_memory_seen = true;
	enum status status = read_properties(r);
	if (status == STATUS_OK)
		status = take_cells(r, &cells);
	while (status == STATUS_OK) {
		status = next_child(r, &begins);
		if (status != STATUS_OK || !begins)
			break;
		status = read_name(r);
		if (status == STATUS_OK)
			status = read_properties(r);
		/* Without a reg, the kernel chooses the place. */
		if (status == STATUS_OK && has(r, REG) && !is_disabled(r))
			status = take_ranges(r, cells, machine->reserved, FDT_RESERVED_MAX,
					     &machine->reservations);
		if (status == STATUS_OK)
			status = skip_children(r);
	}
	return status;
}

/* DTSpec 5.3 */
static RARE enum status read_reserve_map(struct reader *r, struct span tree, size_t offset)
{
	struct fdt_machine *machine = r->machine;
	struct reserve_entry entry;

	if (offset % 8 != 0)
		return refuse(r->why, STATUS_BAD_FORMAT,
			      "the device tree's reserve map is at 0x%lx, which is not aligned",
			      offset);
	for (; span_read(tree, offset, sizeof(entry), &entry); offset += sizeof(entry)) {
		struct fdt_range range = {be64_get(entry.address), be64_get(entry.size)};
		if (range.start == 0 && range.size == 0)
			return STATUS_OK;
		enum status status = check_range(r, range);
		if (status != STATUS_OK)
			return status;
		if (range.size == 0)
			continue;
		if (machine->reservations == FDT_RESERVED_MAX)
			return refuse(r->why, STATUS_TOO_LARGE,
				      "the device tree's reserve map has more than %u entries",
				      FDT_RESERVED_MAX);
		machine->reserved[machine->reservations++] = range;
	}
	return refuse(r->why, STATUS_TRUNCATED, "the device tree's reserve map has no end");
}

/* -- console ---------------------------------------------------------------------- */

/* The path that an alias stands for, DTSpec 3.3; read_tree() has checked the node. */
static struct span alias_path(const struct reader *r, struct span alias)
{
	const uint8_t *at = r->aliases;

	if (at == NULL)
		return (struct span){0};
	for (;;) {
		uint32_t token = get_be32(at);
		if (token == FDT_NOP) {
			at += FDT_TOKEN_SIZE;
			continue;
		}
		if (token != FDT_PROP)
			return (struct span){0};
		size_t size = get_be32(at + offsetof(struct property_head, len));
		size_t nameoff = get_be32(at + offsetof(struct property_head, nameoff));
		const uint8_t *name = r->strings + nameoff;
		if (r->strings_size - nameoff > alias.size &&
		    memcmp(name, alias.bytes, alias.size) == 0 && name[alias.size] == '\0') {
			const uint8_t *path = at + sizeof(struct property_head);
			return (struct span){path, strnlen((const char *)path, size)};
		}
		at += token_align(sizeof(struct property_head) + size);
	}
}

/* A name in a path may lack the unit address, DTSpec 2.2.3. */
static bool name_matches(struct span node, struct span name)
{
	if (node.size < name.size || memcmp(node.bytes, name.bytes, name.size) != 0)
		return false;
	return node.size == name.size ||
	       (node.bytes[name.size] == '@' && memchr(name.bytes, '@', name.size) == NULL);
}

/*
 * The console among those that were found; another one is no use to us. An alias
 * is looked up once, so that one which names itself does no harm.
 */
static RARE const struct console *choose_console(const struct reader *r)
{
	struct span path = r->machine->stdout_path;

	if (r->consoles == 1 || path.size == 0)
		return &r->console[0];
	const uint8_t *options = memchr(path.bytes, ':', path.size);
	if (options != NULL)
		path.size = (size_t)(options - path.bytes);
	if (path.size > 0 && path.bytes[0] != '/')
		path = alias_path(r, path);
	if (path.size < 2 || path.bytes[0] != '/')
		return &r->console[0];
	struct span name = {path.bytes + 1, path.size - 1};
	for (size_t i = 0; i < r->consoles; i++) {
		if (name_matches(r->console[i].name, name))
			return &r->console[i];
	}
	return &r->console[0];
}

/* -- tree ------------------------------------------------------------------------- */

/* libfdt finds /chosen under the name chosen@0 too. */
static inline __attribute__((always_inline)) bool is_named(const struct reader *r, const char *text,
							   size_t length)
{
	return is(r->name.bytes, r->name.size, text, length) &&
	       (r->name.size == length || r->name.bytes[length] == '@');
}

static inline enum status read_child(struct reader *r)
{
	enum status status = read_name_inline(r);

	if (status != STATUS_OK)
		return status;
#define IS_NAMED(text) is_named(r, text, sizeof(text) - 1)
	switch (r->name.bytes[0]) {
	case 'a':
		if (IS_NAMED("aliases") && r->aliases == NULL)
			r->aliases = r->at;
		break;
	case 'c':
		if (IS_NAMED("chosen"))
			return read_chosen(r);
		break;
	case 'r':
		if (IS_NAMED("reserved-memory"))
			return read_reserved_memory(r);
		break;
	}
#undef IS_NAMED
	bool useless;
	status = read_properties_inline(r);
	if (status == STATUS_OK)
		status = take_device(r, &useless);
	if (status != STATUS_OK)
		return status;
	/* Nearly all end here. */
	if (get_be32(r->at) == FDT_END_NODE) {
		r->at += FDT_TOKEN_SIZE;
		const uint8_t *start = r->name.bytes - FDT_TOKEN_SIZE;
		if (useless && may_be_alike(r, start))
			skip_alike(r, start);
		return STATUS_OK;
	}
	return skip_children(r);
}

/* DTSpec 5.4; @end is that of the structure block. */
static OFTEN enum status read_tree(struct reader *r, const uint8_t *end)
{
	bool begins;

	enum status status = next_child(r, &begins);
	if (status != STATUS_OK)
		return status;
	if (!begins)
		return refuse(r->why, STATUS_BAD_FORMAT, "the device tree has no root");
	status = read_name(r);
	if (status == STATUS_OK)
		status = read_properties(r);
	if (status == STATUS_OK)
		status = take_cells(r, &r->root);
	while (status == STATUS_OK) {
		/* There is hardly ever anything else between two children. */
		if (r->at > r->last || get_be32(r->at) != FDT_BEGIN_NODE) {
			status = next_child(r, &begins);
			if (status != STATUS_OK || !begins)
				break;
		}
		status = read_child(r);
	}
	if (status != STATUS_OK)
		return status;
	/* One more token than next_child() asks for is not here. */
	const uint8_t *at = r->at;
	while (end - at > FDT_TOKEN_SIZE && get_be32(at) == FDT_NOP)
		at += FDT_TOKEN_SIZE;
	if (end - at != FDT_TOKEN_SIZE || get_be32(at) != FDT_END)
		return refuse(r->why, STATUS_BAD_FORMAT,
			      "the device tree does not end after its root");
	return STATUS_OK;
}

/* Not inlined: its frame would be below all others. */
APART enum status fdt_read(struct span tree, struct fdt_machine *ret_machine, struct reason *why)
{
	struct fdt_machine machine;
	struct header header;

	enum status status = fdt_check(tree, why);
	if (status != STATUS_OK)
		return status;
	memcpy(&header, tree.bytes, sizeof(header));
	tree.size = fdt_reach(tree.bytes);

	const uint8_t *tokens = tree.bytes + be32_get(header.off_dt_struct);
	size_t tokens_size = be32_get(header.size_dt_struct);
	if (be32_get(header.off_dt_struct) % FDT_TOKEN_SIZE != 0)
		return refuse(why, STATUS_BAD_FORMAT,
			      "the device tree's structure is at 0x%x, which is not aligned",
			      be32_get(header.off_dt_struct));
	if (tokens_size < 2ul * FDT_TOKEN_SIZE)
		return refuse(why, STATUS_TRUNCATED,
			      "the device tree's structure has %lu bytes only", tokens_size);
	const uint8_t *strings = tree.bytes + be32_get(header.off_dt_strings);
	size_t strings_size = be32_get(header.size_dt_strings);
	if (tokens_size % FDT_TOKEN_SIZE != 0)
		return refuse(why, STATUS_BAD_FORMAT,
			      "the device tree's structure has %lu bytes, which are no tokens",
			      tokens_size);
	if (strings_size > 0 && strings[strings_size - 1] != '\0')
		return refuse(why, STATUS_BAD_FORMAT, "the last name of a property has no end");

	struct reader r;
	r.at = tokens;
	r.tokens = tokens;
	r.last = tokens + tokens_size - 2ul * FDT_TOKEN_SIZE;
	r.strings = strings;
	r.strings_size = strings_size;
	r.name = (struct span){(const uint8_t *)"/", 1};
	r.found = 0;
	/* Nothing is seen: only the first place is that of the offset 0. */
	memset(r.seen_nameoff, 0, sizeof(r.seen_nameoff));
	r.seen_nameoff[0] = UINT32_MAX;
	r.aliases = NULL;
	r.chosen_seen = false;
	r.reserved_memory_seen = false;
	r.kernel_known = false;
	r.initrd_known = false;
	r.consoles = 0;
	r.console[0] = (struct console){0};
	r.machine = &machine;
	r.why = why;

	/* Not the ranges, which are most of it. */
	machine.memories = 0;
	machine.reservations = 0;
	memset(&machine.fwcfg, 0, sizeof(machine) - offsetof(struct fdt_machine, fwcfg));
	status = read_reserve_map(&r, tree, be32_get(header.off_mem_rsvmap));
	if (status == STATUS_OK)
		status = read_tree(&r, tokens + tokens_size);
	if (status != STATUS_OK)
		return status;

	const struct console *console = choose_console(&r);
	machine.console = console->kind;
	machine.console_address = console->address;
	machine.console_shift = console->shift;

	/* Not the places of ranges that there are not. */
	ret_machine->memories = machine.memories;
	memcpy(ret_machine->memory, machine.memory, machine.memories * sizeof(machine.memory[0]));
	ret_machine->reservations = machine.reservations;
	memcpy(ret_machine->reserved, machine.reserved,
	       machine.reservations * sizeof(machine.reserved[0]));
	memcpy(&ret_machine->fwcfg, &machine.fwcfg,
	       sizeof(machine) - offsetof(struct fdt_machine, fwcfg));
	return STATUS_OK;
}
