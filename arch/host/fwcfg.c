/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "arch/host/host.h"
#include "lib/endian.h"

/*
 * A fw_cfg device. QEMU's behaviour is that of docs/specs/fw_cfg.rst; how Cloud
 * Hypervisor and crosvm differ is in docs/fw_cfg.md.
 */

#define PORT_SELECT   0x510
#define PORT_DATA     0x511
#define PORT_DMA_HIGH 0x514
#define PORT_DMA_LOW  0x518
#define PORT_LAST     0x51b

#define REGISTER_DATA   0
#define REGISTER_SELECT 8
#define REGISTER_DMA    16

#define KEY_SIGNATURE  0x00
#define KEY_ID         0x01
#define KEY_DIRECTORY  0x19
#define KEY_FIRST_FILE 0x20

#define KERNEL_DATA  0x11
#define INITRD_DATA  0x12
#define CMDLINE_DATA 0x15
#define SETUP_DATA   0x18

#define ITEMS_MAX 512

struct dma_access {
	struct be32 control;
	struct be32 length;
	struct be64 address;
};

/* Bits of the control field, which the two device models understand differently. */
struct dma_bits {
	uint32_t error, read, skip, select, write;
};

static const struct dma_bits qemu_bits = {1u << 0, 1u << 1, 1u << 2, 1u << 3, 1u << 4};
static const struct dma_bits cloud_hypervisor_bits = {1u << 0, 1u << 1, 1u << 3, 1u << 7, 1u << 15};

static struct host_item items[ITEMS_MAX];
static size_t item_count;
static uint16_t next_file;
static uint64_t dma_address;

struct host_item *host_fwcfg_find(uint16_t key)
{
	for (size_t i = 0; i < item_count; i++) {
		if (items[i].key == key)
			return &items[i];
	}
	return NULL;
}

static void resize(struct host_item *item, size_t size)
{
	uint8_t *bytes = realloc(item->bytes, size + (size == 0));

	if (bytes == NULL)
		abort();
	item->bytes = bytes;
	item->size = size;
}

struct host_item *host_fwcfg_item(uint16_t key, const void *bytes, size_t size)
{
	struct host_item *item = host_fwcfg_find(key);

	if (item == NULL) {
		if (item_count == ITEMS_MAX)
			abort();
		item = &items[item_count++];
		*item = (struct host_item){.key = key};
	}
	resize(item, size);
	if (size != 0)
		memcpy(item->bytes, bytes, size);
	return item;
}

void host_fwcfg_integer(uint16_t key, size_t width, uint32_t value)
{
	struct le32 bytes = le32_of(value);

	host_fwcfg_item(key, &bytes, width);
}

void host_fwcfg_entry(const char *name, uint16_t key, uint32_t size)
{
	struct host_item *directory = host_fwcfg_find(KEY_DIRECTORY);
	struct {
		struct be32 size;
		struct be16 select;
		struct be16 reserved;
		char name[56];
	} entry = {be32_of(size), be16_of(key), be16_of(0), ""};
	size_t old = directory->size;

	memcpy(entry.name, name, strnlen(name, sizeof(entry.name)));
	resize(directory, old + sizeof(entry));
	memcpy(directory->bytes + old, &entry, sizeof(entry));
	struct be32 count = be32_of((uint32_t)(directory->size / sizeof(entry)));
	memcpy(directory->bytes, &count, sizeof(count));
}

struct host_item *host_fwcfg_file(const char *name, const void *bytes, size_t size)
{
	uint16_t key = next_file++;

	host_fwcfg_entry(name, key, (uint32_t)size);
	return host_fwcfg_item(key, bytes, size);
}

static bool has_end_that_counts(uint16_t key)
{
	return key >= KEY_FIRST_FILE || key == KERNEL_DATA || key == INITRD_DATA ||
	       key == CMDLINE_DATA || key == SETUP_DATA;
}

/* Bytes that the selected item still has, at most @length. */
static uint64_t available(uint64_t length)
{
	const struct host_item *item = host_fwcfg_find(host.fwcfg.selected);
	uint64_t left =
		item != NULL && host.fwcfg.offset < item->size ? item->size - host.fwcfg.offset : 0;

	if (length > left && has_end_that_counts(host.fwcfg.selected))
		host.fwcfg.long_reads++;
	return length < left ? length : left;
}

static void select_item(uint16_t key)
{
	host.fwcfg.selected = key;
	host.fwcfg.offset = 0;
}

static uint8_t read_data(void)
{
	uint8_t value = 0;

	host.fwcfg.data_reads++;
	if (available(1) == 1)
		value = host_fwcfg_find(host.fwcfg.selected)->bytes[host.fwcfg.offset];
	host.fwcfg.offset++;
	return value;
}

static bool dma_read(uint64_t length, uint64_t address)
{
	bool qemu = host.fwcfg.kind == HOST_FWCFG_QEMU;
	const struct host_item *item = host_fwcfg_find(host.fwcfg.selected);
	uint64_t present = available(length);
	uint64_t copied = qemu ? length : present;

	if (host.fwcfg.dry) {
		host.fwcfg.offset += length;
		return true;
	}
	if (!qemu && item == NULL && host.fwcfg.selected >= KEY_FIRST_FILE)
		return false;
	uint8_t *to = host_memory(address, copied);
	if (copied != 0 && to == NULL)
		return false;
	if (present != 0)
		memcpy(to, item->bytes + host.fwcfg.offset, present);
	if (copied > present)
		memset(to + present, 0, copied - present);
	host.fwcfg.offset += copied;
	return true;
}

static bool dma_write(uint64_t length, uint64_t address)
{
	struct host_item *item = host_fwcfg_find(host.fwcfg.selected);
	const void *from = host_memory(address, length);

	if (item == NULL || !item->writable || from == NULL || host.fwcfg.offset > item->size ||
	    length > item->size - host.fwcfg.offset)
		return false;
	memcpy(item->bytes + host.fwcfg.offset, from, length);
	host.fwcfg.offset += length;
	return true;
}

static bool dma_command(const struct dma_bits *bits, uint32_t control, uint32_t length,
			uint64_t address)
{
	bool qemu = host.fwcfg.kind == HOST_FWCFG_QEMU;

	if ((control & bits->select) != 0)
		select_item(qemu ? (uint16_t)(control >> 16) : 1);
	if (host.fwcfg.dmas <= HOST_DMAS_MAX)
		host.fwcfg.dma[host.fwcfg.dmas - 1] = (struct host_dma){
			control, length, address, host.fwcfg.selected, host.fwcfg.offset};
	if (host.fwcfg.dmas == host.fwcfg.fail_dma)
		return false;
	if ((control & bits->read) != 0)
		return dma_read(length, address);
	if ((control & bits->write) != 0)
		return qemu && dma_write(length, address);
	if ((control & bits->skip) != 0) {
		host.fwcfg.offset += length;
		return true;
	}
	return qemu;
}

static void do_dma(void)
{
	struct dma_access access;
	const struct dma_bits *bits =
		host.fwcfg.kind == HOST_FWCFG_QEMU ? &qemu_bits : &cloud_hypervisor_bits;
	uint8_t *place = host_memory(dma_address, sizeof(access));

	if (place == NULL)
		return;
	host.fwcfg.dmas++;
	memcpy(&access, place, sizeof(access));
	if (host.fwcfg.dmas == host.fwcfg.hang_dma)
		return;
	bool done = dma_command(bits, be32_get(access.control), be32_get(access.length),
				be64_get(access.address));
	struct be32 state = be32_of(done ? 0 : bits->error);
	memcpy(place, &state, sizeof(state));
	if (host.fwcfg.kind == HOST_FWCFG_QEMU)
		dma_address = 0;
}

static uint32_t port_read(uint16_t port, unsigned width)
{
	bool has_dma = host.fwcfg.kind != HOST_FWCFG_CROSVM;

	if (port == PORT_DATA && width == 1)
		return read_data();
	if (port == PORT_DMA_HIGH && width == 4 && has_dma)
		return __builtin_bswap32(0x51454d55);
	if (port == PORT_DMA_LOW && width == 4 && has_dma)
		return __builtin_bswap32(0x20434647);
	return 0xffffffffu;
}

static void port_write(uint16_t port, unsigned width, uint32_t value)
{
	bool has_dma = host.fwcfg.kind != HOST_FWCFG_CROSVM;

	if (port == PORT_SELECT && width == 2) {
		host.fwcfg.selects++;
		select_item((uint16_t)value);
	} else if (port == PORT_DMA_HIGH && width == 4 && has_dma) {
		dma_address = (dma_address & 0xffffffffu) | (uint64_t)__builtin_bswap32(value)
								    << 32;
	} else if (port == PORT_DMA_LOW && width == 4 && has_dma) {
		dma_address = (dma_address & ~0xfffffffful) | __builtin_bswap32(value);
		do_dma();
	}
}

static uint64_t mmio_read(uint64_t offset, unsigned width)
{
	return offset == REGISTER_DATA && width == 1 ? read_data() : ~0ul;
}

static void mmio_write(uint64_t offset, unsigned width, uint64_t value)
{
	if (offset == REGISTER_SELECT && width == 2) {
		host.fwcfg.selects++;
		select_item(__builtin_bswap16((uint16_t)value));
	} else if (offset == REGISTER_DMA && width == 8) {
		dma_address = __builtin_bswap64(value);
		do_dma();
	}
}

static void add_items(enum host_fwcfg_kind kind)
{
	static const uint8_t no_files[4] = {0};

	host.fwcfg.kind = kind;
	host_fwcfg_item(KEY_SIGNATURE, "QEMU", 4);
	host_fwcfg_integer(KEY_ID, 4, kind == HOST_FWCFG_CROSVM ? 1 : 3);
	host_fwcfg_item(KEY_DIRECTORY, no_files, sizeof(no_files));
}

void host_add_fwcfg(enum host_fwcfg_kind kind)
{
	const struct host_device device = {PORT_SELECT, PORT_LAST, port_read, port_write};

	host_add_device(&device);
	add_items(kind);
}

void host_add_mmio_fwcfg(enum host_fwcfg_kind kind, uint64_t address)
{
	const struct host_mmio_device device = {
		address, kind == HOST_FWCFG_QEMU ? REGISTER_DMA + 8 : REGISTER_DMA, mmio_read,
		mmio_write};

	host_add_mmio_device(&device);
	add_items(kind);
}

void host_reset_fwcfg(void)
{
	for (size_t i = 0; i < item_count; i++)
		free(items[i].bytes);
	item_count = 0;
	next_file = KEY_FIRST_FILE;
	dma_address = 0;
}
