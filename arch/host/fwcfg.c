/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "arch/host/fwcfg.h"
#include "arch/host/host.h"
#include "lib/endian.h"

/*
 * What the models of fw_cfg devices share: items, their directory, counts and faults. How the
 * devices differ is in fwcfg_*.c here, and for a firmware in docs/fw_cfg.md.
 */

#define KERNEL_DATA  0x11
#define INITRD_DATA  0x12
#define CMDLINE_DATA 0x15
#define SETUP_DATA   0x18

#define ITEMS_MAX 512

/* The bits that all have in one place. */
#define DMA_ERROR 0x01u
#define DMA_READ  0x02u

struct dma_access {
	struct be32 control;
	struct be32 length;
	struct be64 address;
};

static struct host_item items[ITEMS_MAX];
static size_t item_count;
static uint16_t next_file;

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
	struct host_item *directory = host_fwcfg_find(FWCFG_KEY_DIRECTORY);
	struct {
		struct be32 size;
		struct be16 select;
		struct be16 reserved;
		char name[56];
	} entry = {be32_of(size), be16_of(key), be16_of(0), ""};
	if (directory == NULL)
		abort();
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
	return key >= FWCFG_KEY_FIRST_FILE || key == KERNEL_DATA || key == INITRD_DATA ||
	       key == CMDLINE_DATA || key == SETUP_DATA;
}

const struct host_item *host_fwcfg_selected(void)
{
	return host_fwcfg_find(host.fwcfg.selected);
}

uint64_t host_fwcfg_available(uint64_t length)
{
	if (host.fwcfg.before_read != NULL)
		host.fwcfg.before_read();
	const struct host_item *item = host_fwcfg_selected();
	uint64_t left =
		item != NULL && host.fwcfg.offset < item->size ? item->size - host.fwcfg.offset : 0;

	if (length > left && has_end_that_counts(host.fwcfg.selected))
		host.fwcfg.long_reads++;
	return length < left ? length : left;
}

uint64_t host_fwcfg_read(uint64_t value)
{
	return ++host.fwcfg.data_reads == host.fwcfg.change_read ? ~value : value;
}

void host_fwcfg_select(uint16_t key)
{
	host.fwcfg.selected = key;
	host.fwcfg.offset = 0;
}

void host_fwcfg_select_by_register(uint16_t key)
{
	host.fwcfg.selects++;
	host_fwcfg_select(key);
}

bool host_fwcfg_copy(uint64_t length, uint64_t address)
{
	const struct host_item *item = host_fwcfg_selected();
	uint8_t *to = host_place(address, length);

	if (length == 0)
		return true;
	if (item == NULL || to == NULL)
		return false;
	memcpy(to, item->bytes + host.fwcfg.offset, length);
	host.fwcfg.offset += length;
	return true;
}

static bool run_dma(const struct host_fwcfg_dma *dma, uint32_t control, uint32_t length,
		    uint64_t address)
{
	dma->select(control);
	if (host.fwcfg.dmas <= HOST_DMAS_MAX)
		host.fwcfg.dma[host.fwcfg.dmas - 1] = (struct host_dma){
			control, length, address, host.fwcfg.selected, host.fwcfg.offset};
	if (host.fwcfg.dmas == host.fwcfg.fail_dma)
		return false;
	if (host.fwcfg.dmas == host.fwcfg.short_dma)
		length /= 2;
	if (!dma->run(control, length, address))
		return false;
	uint8_t *bytes = host_place(address, length);
	if (host.fwcfg.change != NULL && (control & DMA_READ) != 0 && length != 0 && bytes != NULL)
		host.fwcfg.change(bytes, length);
	return true;
}

static bool hangs(void)
{
	const size_t dead = host.fwcfg.dead_dma;

	return host.fwcfg.dmas == host.fwcfg.hang_dma || (dead != 0 && host.fwcfg.dmas >= dead);
}

void host_fwcfg_do_dma(const struct host_fwcfg_dma *dma, uint64_t place)
{
	struct dma_access access;
	uint8_t *bytes = host_place(place, sizeof(access));

	if (bytes == NULL)
		return;
	host.fwcfg.dmas++;
	memcpy(&access, bytes, sizeof(access));
	if (hangs())
		return;
	bool done = run_dma(dma, be32_get(access.control), be32_get(access.length),
			    be64_get(access.address));
	struct be32 state = be32_of(done ? 0 : DMA_ERROR);
	memcpy(bytes, &state, sizeof(state));
}

static void add_directory(void)
{
	static const uint8_t no_files[4] = {0};

	host_fwcfg_item(FWCFG_KEY_DIRECTORY, no_files, sizeof(no_files));
}

void host_add_fwcfg(enum host_fwcfg_kind kind)
{
	switch (kind) {
	case HOST_FWCFG_QEMU:
		host_add_qemu_fwcfg();
		break;
	case HOST_FWCFG_CLOUD_HYPERVISOR:
		host_add_cloud_hypervisor_fwcfg();
		break;
	case HOST_FWCFG_CROSVM:
		host_add_crosvm_fwcfg();
		break;
	}
	add_directory();
}

void host_add_mmio_fwcfg(enum host_fwcfg_kind kind, uint64_t address)
{
	switch (kind) {
	case HOST_FWCFG_QEMU:
		host_add_qemu_mmio_fwcfg(address);
		break;
	case HOST_FWCFG_CLOUD_HYPERVISOR:
		host_add_cloud_hypervisor_mmio_fwcfg(address);
		break;
	case HOST_FWCFG_CROSVM:
		abort(); /* it has none */
	}
	add_directory();
}

void host_reset_fwcfg(void)
{
	for (size_t i = 0; i < item_count; i++)
		free(items[i].bytes);
	item_count = 0;
	next_file = FWCFG_KEY_FIRST_FILE;
}
