/* SPDX-License-Identifier: BSD-2-Clause */
#include "pci_space.h"

#include <string.h>

#include "arch/io.h"
#include "arch/memory.h"
#include "arch/port.h"
#include "lib/check.h"

#define DEVICES_MAX  2048
#define SEGMENTS_MAX 1024
#define ACCESSES_MAX 1000000
#define NONE         0xffffu

#define PORT_ADDRESS 0xcf8
#define PORT_DATA    0xcfc

#define ECAM_SIZE 0x10000000ul

#define ID_DEVICE    0x10411af4u
#define ID_ROOT_PORT 0x000c1b36u
#define ID_BRIDGE    0x00011b36u

struct space space;

/** A bus without a number: what is in its slots, and where it hangs. */
struct segment {
	uint16_t device[256];
	uint16_t parent; /* segment, or NONE */
	uint16_t bridges;
};

static struct space_device devices[DEVICES_MAX];
static unsigned device_count;
static struct segment segments[SEGMENTS_MAX];
static unsigned segment_count;
static uint16_t root_of[256];

/* Where a bus number leads; forgotten when a bridge gets other numbers. */
static uint16_t route[256];
static bool is_routed[256];

static uint16_t touched[65536];
static unsigned touched_count;

static uint32_t port_address;

/* What hostile registers answer with. */
static bool is_hostile, is_endless;
static const uint8_t *lie_bytes;
static size_t lie_size, lie_at;
static uint32_t last_write;

/* -- answers of a host that says anything ------------------------------------------- */

static uint8_t lie_byte(void)
{
	if (lie_at == lie_size) {
		if (!is_endless || lie_size == 0)
			return 0xff;
		lie_at = 0;
	}
	return lie_bytes[lie_at++];
}

/* Random bits are no device most of the time, so some answers fit their register. */
static uint32_t likely_answer(unsigned offset, unsigned choice)
{
	static const uint32_t ids[] = {ID_BRIDGE, ID_ROOT_PORT, ID_DEVICE, 0x71138086};
	static const uint32_t headers[] = {0, 1, 0x80, 0x81, 0x7f, 1, 0x81, 1};
	static const uint32_t flags[] = {0, 1, 4, 8, 12, 6, 2, 3};

	switch (offset) {
	case 0x00:
		return ids[choice & 3];
	case 0x08:
		return choice == 0 ? 0x03000000u : choice == 1 ? 0x06000000u : 0x02000000u;
	case 0x0c:
		return headers[choice & 7] << 16;
	case 0x10:
	case 0x14:
	case 0x18:
	case 0x1c:
	case 0x20:
	case 0x24:
		return ~0u << (choice & 28) | flags[choice & 7];
	case 0x34:
		return 0x40u + choice * 4;
	default:
		return (choice & 1) != 0 ? 0x01200009u | choice << 10
					 : 0x01420010u | choice << 20 | choice << 9;
	}
}

static uint32_t lie(unsigned offset)
{
	uint8_t control = lie_byte();
	uint32_t value = 0;

	switch (control & 7) {
	case 0:
		return PCI_NOTHING;
	case 1:
		return 0;
	case 2:
		return last_write;
	case 3:
		for (unsigned i = 0; i < 4; i++)
			value |= (uint32_t)lie_byte() << (8 * i);
		return value;
	default:
		return likely_answer(offset, control >> 3);
	}
}

/* -- the way to a register ---------------------------------------------------------- */

/* The first bridge of @segment that forwards for @bus. */
static const struct space_device *find_bridge(const struct segment *segment, unsigned bus)
{
	for (uint16_t i = segment->bridges; i != NONE; i = devices[i].next_bridge) {
		const uint8_t *bytes = devices[i].space;
		if (bytes[0x19] != 0 && bytes[0x19] <= bus && bytes[0x1a] >= bus)
			return &devices[i];
	}
	return NULL;
}

static bool find_numbered(const struct segment *segment)
{
	for (uint16_t i = segment->bridges; i != NONE; i = devices[i].next_bridge) {
		if (devices[i].space[0x19] != 0)
			return true;
	}
	return false;
}

static uint16_t find_route(unsigned bus)
{
	const struct space_device *bridge = NULL;

	if (root_of[bus] != NONE)
		return root_of[bus];
	for (unsigned root = 0; root < 256 && bridge == NULL; root++) {
		if (root_of[root] != NONE)
			bridge = find_bridge(&segments[root_of[root]], bus);
	}
	/* A tree that is a loop has no end. */
	for (unsigned depth = 0; depth < 256 && bridge != NULL; depth++) {
		if (bridge->space[0x19] == bus)
			return bridge->behind;
		bridge = find_bridge(&segments[bridge->behind], bus);
	}
	return NONE;
}

static struct space_device *find(unsigned index)
{
	unsigned bus = index >> 8;

	if (!is_routed[bus]) {
		route[bus] = find_route(bus);
		is_routed[bus] = true;
	}
	if (route[bus] == NONE)
		return NULL;
	uint16_t device = segments[route[bus]].device[index & 0xff];
	return device == NONE ? NULL : &devices[device];
}

const struct space_device *space_find(uint16_t address)
{
	return find(address);
}

void space_forget_writes(void)
{
	while (touched_count > 0)
		space.was_written[touched[--touched_count]] = 0;
}

/* What has no end at all is found here; check_program() has the bound. */
static void count_access(void)
{
	REQUIRE(space.accesses < ACCESSES_MAX);
	space.accesses++;
}

static uint32_t space_read(unsigned index, unsigned offset)
{
	count_access();
	if (is_hostile)
		return lie(offset);
	const struct space_device *device = find(index);
	if (device == NULL)
		return PCI_NOTHING;
	if ((device->lies >> offset / 4 & 1) != 0)
		return lie(offset);
	return space_get32(&device->space[offset]);
}

static void keep_write(unsigned index, unsigned offset, uint32_t value)
{
	last_write = value;
	if (offset / 4 >= SPACE_REGISTERS)
		return;
	if (space.was_written[index] == 0)
		touched[touched_count++] = (uint16_t)index;
	space.was_written[index] |= (uint16_t)(1u << offset / 4);
	space.written[index][offset / 4] = value;
}

static void space_write(unsigned index, unsigned offset, uint32_t value)
{
	count_access();
	keep_write(index, offset, value);
	struct space_device *device = is_hostile ? NULL : find(index);
	if (device == NULL)
		return;
	for (unsigned i = 0; i < 4; i++, value >>= 8) {
		uint8_t *byte = &device->space[offset + i];
		uint8_t writable = device->writable[offset + i];
		*byte = (uint8_t)((*byte & ~writable) | (value & writable));
	}
	if (offset == 0x18 && device->behind != NONE)
		memset(is_routed, 0, sizeof(is_routed));
}

/* -- the seam ----------------------------------------------------------------------- */

void arch_out32(uint16_t port, uint32_t value)
{
	if (port == PORT_ADDRESS) {
		port_address = value;
		return;
	}
	REQUIRE(port == PORT_DATA && port_address >> 31 == 1);
	space_write(port_address >> 8 & 0xffff, port_address & 0xfc, value);
}

uint32_t arch_in32(uint16_t port)
{
	REQUIRE(port == PORT_DATA && port_address >> 31 == 1);
	return space_read(port_address >> 8 & 0xffff, port_address & 0xfc);
}

void *arch_map(uint64_t address, uint64_t length, enum arch_memory memory)
{
	REQUIRE(memory == ARCH_MEMORY_DEVICE);
	REQUIRE(address >= SPACE_ECAM && address + length <= SPACE_ECAM + ECAM_SIZE);
	return address - SPACE_ECAM < (uint64_t)space.ecam_buses << 20 ? (void *)address : NULL;
}

/* What is not mapped is a page fault. */
static unsigned ecam_offset(uint64_t address)
{
	REQUIRE(address >= SPACE_ECAM);
	REQUIRE(address - SPACE_ECAM < (uint64_t)space.ecam_buses << 20);
	return (unsigned)(address - SPACE_ECAM);
}

uint32_t arch_mmio_read32(uint64_t address)
{
	unsigned offset = ecam_offset(address);

	return space_read(offset >> 12, offset & 0xfc);
}

void arch_mmio_write32(uint64_t address, uint32_t value)
{
	unsigned offset = ecam_offset(address);

	space_write(offset >> 12, offset & 0xfc, value);
}

_Noreturn void check_failed(const char *what)
{
	fuzz_failed("CHECK", 0, what);
}

/* -- a tree ------------------------------------------------------------------------- */

/** Where the program builds. */
struct builder {
	struct input *input;
	uint16_t segment;
	unsigned slot; /* the next device's */
	struct space_device *last;
};

static void put32(uint8_t *at, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> (8 * i));
}

static void put64(uint8_t *at, uint64_t value)
{
	put32(at, (uint32_t)value);
	put32(at + 4, (uint32_t)(value >> 32));
}

static uint16_t add_segment(uint16_t parent)
{
	struct segment *segment = &segments[segment_count];

	memset(segment->device, 0xff, sizeof(segment->device));
	segment->parent = parent;
	segment->bridges = NONE;
	return (uint16_t)segment_count++;
}

static void add_to_bridges(struct segment *segment, uint16_t bridge)
{
	devices[bridge].next_bridge = segment->bridges;
	segment->bridges = bridge;
}

/* NULL where there is no room or something already. */
static struct space_device *add_device(struct builder *builder, uint32_t id)
{
	struct segment *segment = &segments[builder->segment];
	unsigned slot = builder->slot & 0xff;

	if (device_count == DEVICES_MAX || segment->device[slot] != NONE)
		return NULL;
	struct space_device *device = &devices[device_count];
	memset(device, 0, sizeof(*device));
	device->behind = NONE;
	put32(device->space, id);
	device->space[0x0b] = 0x02;
	device->writable[0x04] = 0x47;
	device->writable[0x05] = 0x05;
	device->writable[0x3c] = 0xff;
	device->space[0x3d] = (uint8_t)(1 + device_count % 4);
	segment->device[slot] = (uint16_t)device_count++;
	uint16_t first = segment->device[slot & ~7u];
	if (first != NONE && (slot & 7) != 0)
		devices[first].space[0x0e] |= 0x80;
	builder->slot = (slot & ~7u) + 8;
	builder->last = device;
	return device;
}

static void add_capability(struct space_device *device, unsigned offset, uint32_t first)
{
	put32(&device->space[offset], (first & ~0xff00u) | (uint32_t)device->space[0x34] << 8);
	device->space[0x34] = (uint8_t)offset;
	device->space[0x06] |= 0x10;
}

/*
 * Bits of @kind: 0-2 type of the PCI Express port (0: conventional), 3 hot-plug slot, 4 no
 * I/O window, 5 the prefetchable window has 32 bits, 6 there is none, 7 reset leaves the
 * windows open.
 */
static struct space_device *add_bridge(struct builder *builder, unsigned kind)
{
	if (segment_count == SEGMENTS_MAX)
		return NULL;
	struct space_device *bridge =
		add_device(builder, (kind & 7) == 0 ? ID_BRIDGE : ID_ROOT_PORT);
	if (bridge == NULL)
		return NULL;
	bridge->space[0x0a] = 0x04;
	bridge->space[0x0b] = 0x06;
	bridge->space[0x0e] |= 1;
	memset(&bridge->writable[0x18], 0xff, 3);
	memset(&bridge->writable[0x3e], 0xff, 2);
	for (unsigned i = 0x20; i < ((kind & 0x40) != 0 ? 0x24u : 0x28u); i += 2) {
		bridge->writable[i] = 0xf0;
		bridge->writable[i + 1] = 0xff;
	}
	if ((kind & 0x10) == 0) {
		memset(&bridge->writable[0x1c], 0xf0, 2);
		put32(&bridge->space[0x1c], 0x0101);
		memset(&bridge->writable[0x30], 0xff, 4);
	}
	if ((kind & 0x60) == 0) {
		put32(&bridge->space[0x24], 0x00010001);
		memset(&bridge->writable[0x28], 0xff, 8);
	}
	if ((kind & 0x80) == 0) {
		bridge->space[0x1c] |= bridge->writable[0x1c];
		put32(&bridge->space[0x20], 0xfff0);
		bridge->space[0x24] |= bridge->writable[0x24];
		bridge->space[0x25] |= bridge->writable[0x25];
	}
	if ((kind & 7) != 0)
		add_capability(bridge, 0x54,
			       0x00020010u | (kind & 7) << 20 | (kind & 8) << (24 - 3));
	bridge->behind = add_segment(builder->segment);
	add_to_bridges(&segments[builder->segment], (uint16_t)(bridge - devices));
	return bridge;
}

static void descend(struct builder *builder)
{
	if (builder->last == NULL || builder->last->behind == NONE)
		return;
	builder->segment = builder->last->behind;
	builder->slot = 0;
}

/* A BAR of 1 << @bits bytes; low 4 bits of @flags as in the register. */
static void set_bar(struct space_device *device, unsigned bar, uint32_t flags, unsigned bits)
{
	uint64_t mask = -(1ul << bits) & ((flags & 1) != 0 ? ~3ul : ~15ul);
	uint8_t *writable = &device->writable[0x10 + 4 * bar];

	put32(&device->space[0x10 + 4 * bar], flags);
	put32(writable, (uint32_t)mask);
	if ((flags & 7) == 4)
		put32(writable + 4, (uint32_t)(mask >> 32));
}

/* A BAR as one byte describes it; returns how many registers it has, 0 without room. */
static unsigned add_bar(struct space_device *device, unsigned bar, uint8_t what)
{
	static const uint32_t flags[] = {0, 1, 4, 8, 12};
	uint32_t flag = flags[what % 5];
	bool is_wide = (flag & 7) == 4;

	if (bar + is_wide >= (device->behind != NONE ? 2 : 6))
		return 0;
	set_bar(device, bar, flag, 4u + what / 5 % (is_wide ? 60u : 28u));
	return is_wide ? 2 : 1;
}

static void add_bars(struct builder *builder, unsigned count)
{
	unsigned bar = 0, registers = 1;

	for (; count > 0 && registers > 0; count--) {
		registers = add_bar(builder->last, bar, input_byte(builder->input));
		bar += registers;
	}
}

/* Once more what was added last, with buses of their own behind bridges. */
static void repeat(struct builder *builder, unsigned count, bool is_chain)
{
	for (unsigned i = 0; i < count; i++) {
		const struct space_device *model = builder->last;
		bool is_bridge = model->behind != NONE;
		if (is_chain)
			descend(builder);
		if (is_bridge && segment_count == SEGMENTS_MAX)
			return;
		struct space_device *device = add_device(builder, 0);
		if (device == NULL)
			return;
		uint16_t next = device->next_bridge;
		*device = *model;
		device->next_bridge = next;
		if (!is_bridge)
			continue;
		device->behind = add_segment(builder->segment);
		add_to_bridges(&segments[builder->segment], (uint16_t)(device - devices));
	}
}

/* What a device can be that keeps to PCI, even if it makes no sense. */
static bool is_honest_register(const struct space_device *device, unsigned offset, bool is_mask,
			       uint32_t value)
{
	bool is_bridge = device->behind != NONE;

	if (is_mask)
		return offset >= 0x10 && offset < (is_bridge ? 0x18 : 0x28);
	if (offset == 0x0c)
		return is_bridge == ((value >> 16 & 0x7f) == 1);
	/* Another firmware may have left numbers; windows: set_old_windows(). */
	return !is_bridge || offset < 0x18 || offset > 0x30 ||
	       (offset == 0x18 && (value & 0xffffff) != 0);
}

static void set_register(struct builder *builder, bool is_mask)
{
	unsigned offset = input_byte(builder->input) & 0xfc;
	uint32_t value = (uint32_t)input_number(builder->input, 4);
	struct space_device *device = builder->last;

	if (!is_honest_register(device, offset, is_mask, value))
		space.is_honest = false;
	if (offset == 0x04 || (offset >= 0x10 && offset < 0x28))
		space.is_reset = false;
	put32(is_mask ? &device->writable[offset] : &device->space[offset], value);
}

/* A BAR with any bits and masks, or one that is as it should be but for ones that are stuck. */
static void set_wild_bar(struct builder *builder, unsigned parameter)
{
	struct space_device *device = builder->last;
	unsigned bar = parameter % (device->behind != NONE ? 2 : 6);
	unsigned offset = 0x10 + 4 * bar;

	space.is_reset = false;
	if (parameter < 8) {
		put32(&device->space[offset], (uint32_t)input_number(builder->input, 4));
		put32(&device->writable[offset], (uint32_t)input_number(builder->input, 4));
		return;
	}
	unsigned registers = add_bar(device, bar, input_byte(builder->input));
	unsigned stuck = input_byte(builder->input);
	for (unsigned i = 0; i < 4 * registers; i++, stuck >>= 1) {
		if ((stuck & 1) == 0)
			continue;
		device->space[offset + i] |= device->writable[offset + i];
		device->writable[offset + i] = 0;
	}
}

/* What another firmware has left: all windows are open. */
static void set_old_windows(struct builder *builder)
{
	struct space_device *device = builder->last;

	if (device->behind == NONE)
		return;
	for (unsigned offset = 0x1c; offset < 0x34; offset++) {
		uint8_t value = (offset & 2) != 0 || offset == 0x1d ? 0xff : 0x10;
		uint8_t writable = device->writable[offset];
		device->space[offset] =
			(uint8_t)((device->space[offset] & ~writable) | (value & writable));
	}
	device->space[0x04] |= 7;
	space.is_reset = false;
	/* Nobody opens windows of a bridge that has no bus. */
	device->space[0x19] = device->space[0x1a] = 1;
}

/* A byte for each value: all ones, or a power of two, or one less. */
static uint64_t hint_value(struct input *input)
{
	uint8_t byte = input_byte(input);

	if (byte == 0)
		return ~0ul;
	return (1ul << (byte & 63)) - (byte >> 7);
}

static void add_hint(struct builder *builder)
{
	struct input *input = builder->input;
	uint8_t *at = &builder->last->space[0xb0];

	add_capability(builder->last, 0xb0, 0x01200009);
	put32(at + 4, input_byte(input));
	put64(at + 8, hint_value(input));
	put32(at + 16, (uint32_t)hint_value(input));
	put32(at + 20, (uint32_t)hint_value(input));
	put64(at + 24, hint_value(input));
}

static void add_root(struct builder *builder)
{
	uint8_t bus = input_byte(builder->input);

	if (segment_count == SEGMENTS_MAX)
		return;
	if (root_of[bus] == NONE)
		root_of[bus] = add_segment(NONE);
	builder->segment = root_of[bus];
	builder->slot = 0;
}

/* The bus behind the last bridge is another that there is. */
static void make_loop(struct builder *builder)
{
	unsigned segment = input_byte(builder->input) % segment_count;

	if (builder->last->behind == NONE)
		return;
	builder->last->behind = (uint16_t)segment;
	space.is_honest = false;
}

/* One step of the program: low 4 bits what, high 4 bits a parameter. */
static void build(struct builder *builder)
{
	uint8_t step = input_byte(builder->input);
	unsigned parameter = step >> 4;

	switch (step & 15) {
	case 0:
		if (add_device(builder, ID_DEVICE) != NULL)
			add_bars(builder, parameter % 8);
		return;
	case 1:
	case 2:
		if (add_bridge(builder, input_byte(builder->input)) == NULL)
			return;
		add_bars(builder, parameter % 4);
		if ((step & 15) == 1)
			descend(builder);
		return;
	case 3:
		for (unsigned i = 0; i <= parameter && segments[builder->segment].parent != NONE;
		     i++)
			builder->segment = segments[builder->segment].parent;
		/* Behind what is there already. */
		for (builder->slot = 0; builder->slot < 248 &&
					segments[builder->segment].device[builder->slot] != NONE;
		     builder->slot += 8)
			continue;
		return;
	case 4:
		add_root(builder);
		return;
	case 5:
		builder->slot = input_byte(builder->input);
		return;
	}
	if (builder->last == NULL)
		return;
	switch (step & 15) {
	case 6:
		repeat(builder, input_byte(builder->input), false);
		return;
	case 7:
		repeat(builder, input_byte(builder->input), true);
		return;
	case 8:
		set_register(builder, false);
		return;
	case 9:
		set_register(builder, true);
		return;
	case 10:
		set_wild_bar(builder, parameter);
		return;
	case 11:
		add_capability(builder->last, 0x40u + parameter * 12,
			       (uint32_t)input_number(builder->input, 4));
		return;
	case 12:
		add_hint(builder);
		return;
	case 13:
		set_old_windows(builder);
		return;
	case 14:
		make_loop(builder);
		return;
	default:
		builder->last->lies |= 1ul << (input_byte(builder->input) & 63);
		space.is_honest = false;
		return;
	}
}

/*
 * Bridges on extra roots that forward already: what is behind is taken for another root. No
 * firmware leaves them to us, since we do nothing after one.
 */
static bool has_false_roots(void)
{
	for (unsigned i = 0; i < segment_count; i++) {
		unsigned root = i;
		while (segments[root].parent != NONE)
			root = segments[root].parent;
		if (root != root_of[0] && find_numbered(&segments[i]))
			return true;
	}
	return false;
}

void space_begin(struct input *input, bool hostile, bool endless)
{
	struct builder builder = {input, 0, 0, NULL};

	space_forget_writes();
	space.accesses = 0;
	space.is_honest = !hostile;
	space.is_reset = true;
	is_hostile = hostile;
	is_endless = endless;
	lie_bytes = input->at;
	lie_size = input->left;
	lie_at = 0;
	last_write = 0;
	device_count = 0;
	segment_count = 0;
	memset(is_routed, 0, sizeof(is_routed));
	memset(root_of, 0xff, sizeof(root_of));
	root_of[0] = add_segment(NONE);
	while (!hostile && input->left > 0)
		build(&builder);
	space.is_honest = space.is_honest && !has_false_roots();
}
