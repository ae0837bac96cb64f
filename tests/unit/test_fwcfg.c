/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdlib.h>

#include "fwcfg/fwcfg.h"
#include "fwcfg/transport.h"

/*
 * Each behaviour of a device that is known, and each way to talk to it. A device
 * of Cloud Hypervisor that is met at the reset vector would be taken for QEMU,
 * but it does not start guests there (docs/fw_cfg.md).
 */
static const struct variant {
	enum host_fwcfg_kind kind;
	bool at_reset;
} variants[] = {
	{HOST_FWCFG_QEMU, true},   {HOST_FWCFG_QEMU, false},   {HOST_FWCFG_CLOUD_HYPERVISOR, false},
	{HOST_FWCFG_CROSVM, true}, {HOST_FWCFG_CROSVM, false},
};

static struct fwcfg fwcfg;
static struct reason why;

static enum status open_at(bool at_reset)
{
	const struct fwcfg_device device = {.dma = true, .qemu_if_dma = at_reset};

	return fwcfg_open(&fwcfg, &device);
}

/* A machine with nothing but the device and some RAM. */
static void add_device(const struct variant *variant)
{
	host_reset();
	host_add_ram(0, 16 * MIB);
	host_add_fwcfg(variant->kind);
}

static void open_device(const struct variant *variant)
{
	assert_status(open_at(variant->at_reset), STATUS_OK);
	assert_status(fwcfg_read_directory(&fwcfg, &why), STATUS_OK);
}

static struct blob find(const char *text)
{
	struct name name = unit_name(text);
	struct blob blob;

	assert_true(fwcfg_find(&fwcfg, name.text, &blob));
	return blob;
}

static bool exists(const char *text)
{
	struct name name = unit_name(text);
	struct blob blob;

	return fwcfg_find(&fwcfg, name.text, &blob);
}

static void fwcfg_is_absent(void **state)
{
	(void)state;
	assert_status(open_at(true), STATUS_NOT_FOUND);
	/* Another device that answers at its port. */
	host_add_fwcfg(HOST_FWCFG_CROSVM);
	host_fwcfg_item(FWCFG_SIGNATURE, "QEMV", 4);
	assert_status(open_at(true), STATUS_NOT_FOUND);
	assert_status(open_at(false), STATUS_NOT_FOUND);
	assert_int_equal(host.fwcfg.dmas, 0);
}

static void fwcfg_open_tells_the_devices_apart(void **state)
{
	static const bool dma[] = {true, true, true, false, false};
	static const bool qemu[] = {true, false, false, false, false};

	(void)state;
	for (size_t i = 0; i < COUNT(variants); i++) {
		add_device(&variants[i]);
		assert_status(open_at(variants[i].at_reset), STATUS_OK);
		assert_int_equal(fwcfg.dma, dma[i]);
		assert_int_equal(fwcfg.qemu, qemu[i]);
	}
}

static void fwcfg_directory_of_no_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(variants); i++) {
		add_device(&variants[i]);
		open_device(&variants[i]);
		assert_int_equal(fwcfg.files, 0);
		assert_false(exists("etc/e820"));
		assert_false(exists(""));
	}
}

static void fwcfg_directory_count(void **state)
{
	static const uint32_t counts[] = {FWCFG_FILES_MAX + 1, 0x10000,    0x03ffffff, 0x04000000,
					  0x04000001,          0x80000000, 0xffffffff};

	(void)state;
	for (size_t v = 0; v < COUNT(variants); v++) {
		for (size_t i = 0; i < COUNT(counts); i++) {
			struct be32 count = be32_of(counts[i]);
			add_device(&variants[v]);
			host_fwcfg_file("a", "x", 1);
			memcpy(host_fwcfg_find(FWCFG_DIRECTORY)->bytes, &count, sizeof(count));
			assert_status(open_at(variants[v].at_reset), STATUS_OK);
			memset(&why, 0, sizeof(why));
			size_t moved = host.fwcfg.dmas;
			assert_status(fwcfg_read_directory(&fwcfg, &why), STATUS_TOO_LARGE);
			assert_reasoned(why);
			assert_in_range(host.fwcfg.dmas - moved, 0, 1);
			assert_false(exists("a"));
		}
	}
}

static void fwcfg_directory_of_the_most_files(void **state)
{
	(void)state;
	for (size_t v = 0; v < COUNT(variants); v++) {
		add_device(&variants[v]);
		for (unsigned i = 0; i < FWCFG_FILES_MAX; i++) {
			char name[8] = {'f', (char)('a' + i / 16), (char)('a' + i % 16), 0};
			host_fwcfg_file(name, &i, sizeof(i));
		}
		open_device(&variants[v]);
		assert_int_equal(fwcfg.files, FWCFG_FILES_MAX);
		unsigned value;
		struct blob last = find("fhp");
		assert_status(blob_read(&last, 0, sizeof(value), &value), STATUS_OK);
		assert_int_equal(value, FWCFG_FILES_MAX - 1);
	}
}

static void fwcfg_find_takes_the_first_of_duplicates(void **state)
{
	char byte;

	(void)state;
	add_device(&variants[0]);
	host_fwcfg_file("twice", "1", 1);
	host_fwcfg_file("other", "o", 1);
	host_fwcfg_file("twice", "2", 1);
	open_device(&variants[0]);
	struct blob blob = find("twice");
	assert_status(blob_read(&blob, 0, 1, &byte), STATUS_OK);
	assert_int_equal(byte, '1');
}

static void fwcfg_name_without_end_is_nobodys(void **state)
{
	char full[57];

	(void)state;
	memset(full, 'n', 56);
	full[56] = '\0';
	add_device(&variants[0]);
	host_fwcfg_file(full, "x", 1);
	open_device(&variants[0]);
	assert_int_equal(fwcfg.files, 1);
	struct name name;
	struct blob blob;
	memset(&name, 'n', sizeof(name));
	assert_false(fwcfg_find(&fwcfg, name.text, &blob));
	name.text[55] = '\0';
	assert_false(fwcfg_find(&fwcfg, name.text, &blob));
	/* The longest that ends. */
	add_device(&variants[0]);
	full[55] = '\0';
	host_fwcfg_file(full, "x", 1);
	open_device(&variants[0]);
	assert_true(fwcfg_find(&fwcfg, name.text, &blob));
}

static void fwcfg_name_is_matched_whole(void **state)
{
	(void)state;
	add_device(&variants[0]);
	host_fwcfg_file("etc/boot/kernel2", "x", 1);
	host_fwcfg_file("etc/boot/kerne", "x", 1);
	host_fwcfg_file("etc/e820", "x", 1);
	host_fwcfg_file("etc/tmp", "x", 1);
	open_device(&variants[0]);
	assert_false(exists("etc/boot/kernel"));
	assert_true(exists("etc/boot/kerne"));
	/* At the ends of their first words. */
	assert_true(exists("etc/e820"));
	assert_true(exists("etc/tmp"));
	assert_false(exists("etc/e82"));
	assert_false(exists("etc/e820s"));
	assert_false(exists("etc/tmp1"));
}

/* All sizes and offsets, read in any order, into our memory and into the guest's. */
static void fwcfg_reads_any_part(void **state)
{
	enum { SIZE = 5000 };
	uint8_t *content = malloc(SIZE);

	(void)state;
	assert_non_null(content);
	unit_random_bytes(content, SIZE);
	for (size_t v = 0; v < COUNT(variants); v++) {
		add_device(&variants[v]);
		host_fwcfg_file("first", content, SIZE);
		host_fwcfg_file("second", content + 7, SIZE - 7);
		open_device(&variants[v]);
		struct blob blobs[] = {find("first"), find("second")};
		assert_int_equal(blobs[0].size, SIZE);
		for (unsigned round = 0; round < 300; round++) {
			unsigned which = (unsigned)unit_random_below(2);
			uint64_t offset = unit_random_below(blobs[which].size + 1);
			uint64_t length = unit_random_below(blobs[which].size - offset + 1);
			uint8_t *to = malloc(length + 1);
			assert_non_null(to);
			to[length] = 0x77;
			assert_status(blob_read(&blobs[which], offset, length, to), STATUS_OK);
			assert_memory_equal(to, content + 7 * which + offset, length);
			assert_int_equal(to[length], 0x77);
			uint64_t address = 0x100000 + unit_random_below(0x10000);
			host_claim(address, length);
			assert_status(blobs[which].read(&blobs[which], offset, length, address),
				      STATUS_OK);
			if (length != 0)
				assert_memory_equal(host_memory(address, length), to, length);
			free(to);
		}
		assert_int_equal(host.fwcfg.long_reads, 0);
	}
	free(content);
}

static void fwcfg_refuses_what_is_outside(void **state)
{
	uint8_t byte = 0x11;

	(void)state;
	for (size_t v = 0; v < COUNT(variants); v++) {
		add_device(&variants[v]);
		host_fwcfg_file("file", "12345678", 8);
		open_device(&variants[v]);
		struct blob blob = find("file");
		size_t before = host.accesses;
		assert_status(blob_read(&blob, 8, 1, &byte), STATUS_OUT_OF_RANGE);
		assert_status(blob_read(&blob, 0, 9, &byte), STATUS_OUT_OF_RANGE);
		assert_status(blob_read(&blob, 9, 0, &byte), STATUS_OUT_OF_RANGE);
		assert_status(blob_read(&blob, UINT64_MAX, 2, &byte), STATUS_OUT_OF_RANGE);
		assert_status(blob_read(&blob, 2, UINT64_MAX, &byte), STATUS_OUT_OF_RANGE);
		assert_status(blob_read(&blob, 8, 0, &byte), STATUS_OK);
		assert_int_equal(host.accesses, before);
		assert_int_equal(byte, 0x11);
	}
}

static void fwcfg_file_of_no_bytes(void **state)
{
	uint8_t byte = 0x11;

	(void)state;
	for (size_t v = 0; v < COUNT(variants); v++) {
		add_device(&variants[v]);
		host_fwcfg_file("empty", "", 0);
		open_device(&variants[v]);
		struct blob blob = find("empty");
		assert_int_equal(blob.size, 0);
		assert_status(blob_read(&blob, 0, 0, &byte), STATUS_OK);
		assert_status(blob_read(&blob, 0, 1, &byte), STATUS_OUT_OF_RANGE);
		assert_int_equal(byte, 0x11);
	}
}

/* What follows on from the last read needs no select; a DMA is one or two exits. */
static void fwcfg_access_counts(void **state)
{
	uint8_t bytes[100];

	(void)state;
	add_device(&variants[0]);
	host_fwcfg_file("file", bytes, sizeof(bytes));
	open_device(&variants[0]);
	struct blob blob = find("file");
	host_claim(0x1000, sizeof(bytes));
	size_t selects = host.fwcfg.selects, dmas = host.fwcfg.dmas;
	assert_status(blob.read(&blob, 0, 40, 0x1000), STATUS_OK);
	assert_status(blob.read(&blob, 40, 60, 0x1028), STATUS_OK);
	assert_status(blob.read(&blob, 0, 40, 0x1000), STATUS_OK);
	assert_int_equal(host.fwcfg.selects, selects);
	assert_int_equal(host.fwcfg.dmas, dmas + 3);

	add_device(&variants[2]);
	host_fwcfg_file("file", bytes, sizeof(bytes));
	open_device(&variants[2]);
	blob = find("file");
	host_claim(0x1000, sizeof(bytes));
	selects = host.fwcfg.selects, dmas = host.fwcfg.dmas;
	assert_status(blob.read(&blob, 0, 40, 0x1000), STATUS_OK);
	assert_status(blob.read(&blob, 40, 60, 0x1028), STATUS_OK);
	assert_int_equal(host.fwcfg.selects, selects + 1);
	assert_int_equal(host.fwcfg.dmas, dmas + 2);

	add_device(&variants[3]);
	host_fwcfg_file("file", bytes, sizeof(bytes));
	open_device(&variants[3]);
	blob = find("file");
	host_claim(0x1000, sizeof(bytes));
	size_t before = host.accesses;
	assert_status(blob.read(&blob, 0, 40, 0x1000), STATUS_OK);
	assert_status(blob.read(&blob, 40, 60, 0x1028), STATUS_OK);
	assert_int_equal(host.accesses, before + 1 + 100);
}

/* READ is the one control bit that all devices have in the same place. */
static void fwcfg_dma_control_bits_elsewhere_than_on_qemu(void **state)
{
	uint8_t bytes[2000] = {0};

	(void)state;
	for (size_t v = 1; v <= 2; v++) {
		add_device(&variants[v]);
		host_fwcfg_file("file", bytes, sizeof(bytes));
		open_device(&variants[v]);
		struct blob blob = find("file");
		assert_status(blob_read(&blob, 1500, 10, bytes), STATUS_OK);
		assert_status(blob_read(&blob, 3, 10, bytes), STATUS_OK);
		for (size_t i = 0; i < host.fwcfg.dmas; i++)
			assert_int_equal(host.fwcfg.dma[i].control, 2);
		assert_null(blob.write);
	}
}

static void fwcfg_dma_skips_on_qemu(void **state)
{
	uint8_t bytes[2000] = {0};

	(void)state;
	add_device(&variants[0]);
	host_fwcfg_file("file", bytes, sizeof(bytes));
	open_device(&variants[0]);
	struct blob blob = find("file");
	size_t dmas = host.fwcfg.dmas;
	assert_status(blob_read(&blob, 1500, 10, bytes), STATUS_OK);
	assert_in_range(host.fwcfg.dmas, dmas + 1, dmas + 2);
	const struct host_dma *last = &host.fwcfg.dma[host.fwcfg.dmas - 1];
	assert_int_equal(last->offset, 1500);
	assert_int_equal(last->length, 10);
}

static void fwcfg_dma_of_more_than_32_bits(void **state)
{
	const uint64_t sizes[] = {0xfffff000,  0xfffff001,  0xffffffff,
				  0x100000000, 0x100000001, 10 * GIB + 5};

	(void)state;
	for (size_t v = 0; v <= 2; v++) {
		for (size_t i = 0; i < COUNT(sizes); i++) {
			add_device(&variants[v]);
			open_device(&variants[v]);
			host.fwcfg.dry = true;
			struct blob blob = fwcfg_item(&fwcfg, 0x123, sizes[i]);
			size_t first = host.fwcfg.dmas;
			assert_status(blob.read(&blob, 0, sizes[i], GIB), STATUS_OK);
			uint64_t moved = 0;
			for (size_t at = first; at < host.fwcfg.dmas; at++) {
				const struct host_dma *dma = &host.fwcfg.dma[at];
				assert_int_equal(dma->key, 0x123);
				assert_int_equal(dma->address, GIB + moved);
				assert_int_equal(dma->offset, moved);
				assert_int_not_equal(dma->length, 0);
				moved += dma->length;
			}
			assert_int_equal(moved, sizes[i]);
			assert_in_range(host.fwcfg.dmas - first, 1, sizes[i] / 0xfffff000 + 1);
		}
	}
}

static void fwcfg_skip_of_more_than_32_bits(void **state)
{
	uint8_t byte;

	(void)state;
	add_device(&variants[0]);
	open_device(&variants[0]);
	host.fwcfg.dry = true;
	struct blob blob = fwcfg_item(&fwcfg, 0x123, 10 * GIB);
	assert_status(blob_read(&blob, 9 * GIB, 1, &byte), STATUS_OK);
	assert_int_equal(host.fwcfg.dma[host.fwcfg.dmas - 1].offset, 9 * GIB);
}

static void fwcfg_dma_error_bit(void **state)
{
	uint8_t bytes[4];

	(void)state;
	for (size_t v = 0; v <= 2; v++) {
		add_device(&variants[v]);
		host_fwcfg_file("file", "abcd", 4);
		open_device(&variants[v]);
		struct blob blob = find("file");
		memset(bytes, 1, sizeof(bytes));
		host.fwcfg.fail_dma = host.fwcfg.dmas + 1;
		assert_status(blob_read(&blob, 0, 4, bytes), STATUS_IO);
		assert_int_equal(bytes[0], 1);
		/* Where the item stands is not known then: selected again. */
		host.fwcfg.fail_dma = 0;
		assert_status(blob_read(&blob, 0, 2, bytes), STATUS_OK);
		assert_memory_equal(bytes, "ab", 2);
		host.fwcfg.fail_dma = host.fwcfg.dmas + 1;
		assert_status(blob_read(&blob, 2, 2, bytes), STATUS_IO);
		host.fwcfg.fail_dma = 0;
		assert_status(blob_read(&blob, 2, 2, bytes), STATUS_OK);
		assert_memory_equal(bytes, "cd", 2);
	}
}

static void fwcfg_dma_error_in_a_later_piece(void **state)
{
	(void)state;
	add_device(&variants[2]);
	open_device(&variants[2]);
	host.fwcfg.dry = true;
	struct blob blob = fwcfg_item(&fwcfg, 0x123, 10 * GIB);
	host.fwcfg.fail_dma = host.fwcfg.dmas + 2;
	assert_status(blob.read(&blob, 0, 10 * GIB, GIB), STATUS_IO);
	assert_int_equal(host.fwcfg.dmas, host.fwcfg.fail_dma);
}

static void fwcfg_dma_error_while_seeking(void **state)
{
	uint8_t bytes[3000] = {0};

	(void)state;
	for (size_t v = 0; v <= 2; v++) {
		add_device(&variants[v]);
		host_fwcfg_file("file", bytes, sizeof(bytes));
		open_device(&variants[v]);
		struct blob blob = find("file");
		host.fwcfg.fail_dma = host.fwcfg.dmas + 1;
		assert_status(blob_read(&blob, 2000, 10, bytes), STATUS_IO);
	}
}

static void fwcfg_dma_to_where_no_memory_is(void **state)
{
	(void)state;
	for (size_t v = 0; v <= 2; v++) {
		add_device(&variants[v]);
		host_fwcfg_file("file", "abcd", 4);
		open_device(&variants[v]);
		struct blob blob = find("file");
		assert_status(blob.read(&blob, 0, 4, 64 * GIB), STATUS_IO);
	}
}

static void fwcfg_bytes_to_where_no_memory_is(void **state)
{
	(void)state;
	add_device(&variants[3]);
	host_fwcfg_file("file", "abcd", 4);
	open_device(&variants[3]);
	struct blob blob = find("file");
	assert_status(blob.read(&blob, 0, 4, 64 * GIB), STATUS_NO_MEMORY);
}

/* The byte transport maps what it fills, a piece at a time. */
static void fwcfg_bytes_of_several_pieces(void **state)
{
	enum { SIZE = 0x280001 };
	uint8_t *content = malloc(SIZE);

	(void)state;
	assert_non_null(content);
	unit_random_bytes(content, SIZE);
	add_device(&variants[3]);
	host_fwcfg_file("file", content, SIZE);
	open_device(&variants[3]);
	struct blob blob = find("file");
	host_claim(MIB + 3, SIZE);
	assert_status(blob.read(&blob, 0, SIZE, MIB + 3), STATUS_OK);
	assert_memory_equal(host_memory(MIB + 3, SIZE), content, SIZE);
	free(content);
}

static void fwcfg_dma_that_never_completes_is_bounded(void **state)
{
	uint8_t bytes[4];

	(void)state;
	add_device(&variants[0]);
	host_fwcfg_file("file", "abcd", 4);
	open_device(&variants[0]);
	struct blob blob = find("file");
	host.fwcfg.hang_dma = host.fwcfg.dmas + 1;
	assert_status(blob_read(&blob, 0, 4, bytes), STATUS_TIMEOUT);
	assert_in_range(host.relaxes, 1, 1000000000);
}

static void fwcfg_directory_that_cannot_be_read(void **state)
{
	(void)state;
	for (size_t v = 0; v <= 2; v++) {
		for (size_t fault = 1; fault <= 2; fault++) {
			add_device(&variants[v]);
			host_fwcfg_file("file", "abcd", 4);
			/* More than are read at first. */
			for (unsigned i = 0; i < 32; i++)
				host_fwcfg_file("another", "abcd", 4);
			assert_status(open_at(variants[v].at_reset), STATUS_OK);
			memset(&why, 0, sizeof(why));
			host.fwcfg.fail_dma = host.fwcfg.dmas + fault;
			assert_status(fwcfg_read_directory(&fwcfg, &why), STATUS_IO);
			assert_reasoned(why);
			assert_false(exists("file"));
		}
	}
}

/* Where an item is missing, Cloud Hypervisor's DMA leaves the memory as it was. */
static void fwcfg_integers(void **state)
{
	uint32_t value;

	(void)state;
	for (size_t v = 0; v < COUNT(variants); v++) {
		add_device(&variants[v]);
		host_fwcfg_integer(FWCFG_CPUS, 2, 0x1234);
		host_fwcfg_integer(FWCFG_KERNEL_SIZE, 4, 0x89abcdef);
		open_device(&variants[v]);
		assert_status(fwcfg_read_integer(&fwcfg, FWCFG_CPUS, 2, &value), STATUS_OK);
		assert_int_equal(value, 0x1234);
		assert_status(fwcfg_read_integer(&fwcfg, FWCFG_KERNEL_SIZE, 4, &value), STATUS_OK);
		assert_int_equal(value, 0x89abcdef);
		value = 5;
		assert_status(fwcfg_read_integer(&fwcfg, FWCFG_SETUP_SIZE, 4, &value), STATUS_OK);
		assert_int_equal(value, 0);
		if (!fwcfg.dma)
			continue;
		value = 5;
		host.fwcfg.fail_dma = host.fwcfg.dmas + 1;
		assert_status(fwcfg_read_integer(&fwcfg, FWCFG_CPUS, 2, &value), STATUS_IO);
		assert_int_equal(value, 5);
	}
}

static void read_wide_integer(void *argument)
{
	uint32_t value;

	(void)argument;
	if (fwcfg_read_integer(&fwcfg, FWCFG_CPUS, 8, &value) != STATUS_OK)
		return;
}

static void fwcfg_integers_are_of_32_bits(void **state)
{
	(void)state;
	add_device(&variants[0]);
	open_device(&variants[0]);
	assert_int_equal(host_run(read_wide_integer, NULL), HOST_CHECK);
}

static void fwcfg_writes_on_qemu(void **state)
{
	static const uint8_t value[] = {1, 2, 3, 4, 5, 6, 7, 8};
	uint8_t zeros[16] = {0};

	(void)state;
	add_device(&variants[0]);
	struct host_item *item = host_fwcfg_file("etc/vmgenid_addr", zeros, sizeof(zeros));
	host_fwcfg_file("readonly", zeros, sizeof(zeros));
	item = host_fwcfg_find(item->key);
	item->writable = true;
	open_device(&variants[0]);
	struct blob blob = find("etc/vmgenid_addr");
	assert_non_null(blob.write);
	assert_status(blob.write(&blob, 0, 8, (uintptr_t)value), STATUS_OK);
	assert_memory_equal(item->bytes, "\1\2\3\4\5\6\7\10\0\0\0\0\0\0\0\0", 16);
	/* Elsewhere in it, forwards and backwards. */
	assert_status(blob.write(&blob, 12, 4, (uintptr_t)value), STATUS_OK);
	assert_memory_equal(item->bytes, "\1\2\3\4\5\6\7\10\0\0\0\0\1\2\3\4", 16);
	assert_status(blob.write(&blob, 4, 2, (uintptr_t)value), STATUS_OK);
	assert_memory_equal(item->bytes, "\1\2\3\4\1\2\7\10\0\0\0\0\1\2\3\4", 16);
	assert_status(blob.write(&blob, 9, 8, (uintptr_t)value), STATUS_OUT_OF_RANGE);
	assert_status(blob.write(&blob, 17, 0, (uintptr_t)value), STATUS_OUT_OF_RANGE);
	assert_status(blob.write(&blob, UINT64_MAX, 4, (uintptr_t)value), STATUS_OUT_OF_RANGE);
	struct blob other = find("readonly");
	assert_status(other.write(&other, 0, 8, (uintptr_t)value), STATUS_IO);
	/* A read goes on at the right place afterwards. */
	uint8_t back[4];
	assert_status(blob_read(&blob, 12, 4, back), STATUS_OK);
	assert_memory_equal(back, value, 4);
	host.fwcfg.fail_dma = host.fwcfg.dmas + 1;
	assert_status(blob.write(&blob, 2, 2, (uintptr_t)value), STATUS_IO);
}

static void fwcfg_cannot_write_elsewhere_than_on_qemu(void **state)
{
	(void)state;
	for (size_t v = 1; v < COUNT(variants); v++) {
		add_device(&variants[v]);
		host_fwcfg_file("file", "abcd", 4);
		open_device(&variants[v]);
		assert_null(find("file").write);
	}
}

/* A directory may name any item and any size; the device then decides. */
static void fwcfg_file_larger_than_its_item(void **state)
{
	uint8_t bytes[8];

	(void)state;
	for (size_t v = 0; v < COUNT(variants); v++) {
		add_device(&variants[v]);
		host_fwcfg_item(0x40, "abcd", 4);
		host_fwcfg_entry("liar", 0x40, 0xffffffff);
		open_device(&variants[v]);
		struct blob blob = find("liar");
		assert_int_equal(blob.size, 0xffffffff);
		memset(bytes, 0, sizeof(bytes));
		assert_status(blob_read(&blob, 0, 8, bytes), STATUS_OK);
		assert_memory_equal(bytes, "abcd\0\0\0\0", 8);
	}
}

/* The command starts with the write of the lower half; QEMU leaves the upper half 0 after it. */
static void fwcfg_ports_of_a_command(void **state)
{
	static const struct {
		uint64_t address;
		bool qemu;
		size_t writes;
	} cases[] = {
		{0x12345678, true, 1},   {0x12345678, false, 2},   {0xffffffff, true, 1},
		{0x123456789a, true, 2}, {0x123456789a, false, 2},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		host_reset();
		transport_start_dma(0, cases[i].address, cases[i].qemu);
		assert_int_equal(host.accesses, cases[i].writes);
		for (size_t at = 0; at < host.accesses; at++) {
			const struct host_access *access = &host.access[at];
			bool is_low = at + 1 == host.accesses;
			uint64_t half = is_low ? cases[i].address : cases[i].address >> 32;
			assert_true(access->write && access->width == 4);
			assert_int_equal(access->port, is_low ? 0x518 : 0x514);
			assert_int_equal(access->value, __builtin_bswap32((uint32_t)half));
		}
	}
}

static const struct CMUnitTest tests[] = {
	UNIT_TEST(fwcfg_is_absent),
	UNIT_TEST(fwcfg_open_tells_the_devices_apart),
	UNIT_TEST(fwcfg_directory_of_no_files),
	UNIT_TEST(fwcfg_directory_count),
	UNIT_TEST(fwcfg_directory_of_the_most_files),
	UNIT_TEST(fwcfg_find_takes_the_first_of_duplicates),
	UNIT_TEST(fwcfg_name_without_end_is_nobodys),
	UNIT_TEST(fwcfg_name_is_matched_whole),
	UNIT_TEST(fwcfg_reads_any_part),
	UNIT_TEST(fwcfg_refuses_what_is_outside),
	UNIT_TEST(fwcfg_file_of_no_bytes),
	UNIT_TEST(fwcfg_access_counts),
	UNIT_TEST(fwcfg_dma_control_bits_elsewhere_than_on_qemu),
	UNIT_TEST(fwcfg_dma_skips_on_qemu),
	UNIT_TEST(fwcfg_dma_of_more_than_32_bits),
	UNIT_TEST(fwcfg_skip_of_more_than_32_bits),
	UNIT_TEST(fwcfg_dma_error_bit),
	UNIT_TEST(fwcfg_dma_error_in_a_later_piece),
	UNIT_TEST(fwcfg_dma_error_while_seeking),
	UNIT_TEST(fwcfg_dma_to_where_no_memory_is),
	UNIT_TEST(fwcfg_bytes_to_where_no_memory_is),
	UNIT_TEST(fwcfg_bytes_of_several_pieces),
	UNIT_TEST(fwcfg_dma_that_never_completes_is_bounded),
	UNIT_TEST(fwcfg_directory_that_cannot_be_read),
	UNIT_TEST(fwcfg_integers),
	UNIT_TEST(fwcfg_integers_are_of_32_bits),
	UNIT_TEST(fwcfg_writes_on_qemu),
	UNIT_TEST(fwcfg_cannot_write_elsewhere_than_on_qemu),
	UNIT_TEST(fwcfg_file_larger_than_its_item),
	UNIT_TEST(fwcfg_ports_of_a_command),
};

UNIT_MAIN(tests)
