/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "fwcfg/fwcfg.h"

/* What differs from ports; the rest of the protocol is tested in test_fwcfg.c. */

#define REGISTERS 0x9020000ul
#define PLACE     (64 * MIB)

static struct fwcfg fwcfg;
static struct reason why;

static enum status open_device(enum host_fwcfg_kind kind, bool dma)
{
	const struct fwcfg_device device = {REGISTERS, dma, true};

	host_reset();
	host_add_ram(PLACE, 16 * MIB);
	host_add_mmio_fwcfg(kind, REGISTERS);
	host_fwcfg_file("etc/small", "eight by", 8);
	host_claim(PLACE, 8);
	enum status status = fwcfg_open(&fwcfg, &device);
	return status == STATUS_OK ? fwcfg_read_directory(&fwcfg, &why) : status;
}

static struct blob find(const char *text)
{
	struct name name = unit_name(text);
	struct blob blob;

	assert_true(fwcfg_find(&fwcfg, name.text, &blob));
	return blob;
}

static void fwcfg_mmio_is_absent(void **state)
{
	const struct fwcfg_device device = {REGISTERS, true, true};

	(void)state;
	host_add_ram(PLACE, 16 * MIB);
	assert_status(fwcfg_open(&fwcfg, &device), STATUS_NOT_FOUND);
}

/* One register write for each transfer, and it selects as well. */
static void fwcfg_mmio_reads_by_dma(void **state)
{
	(void)state;
	assert_status(open_device(HOST_FWCFG_QEMU, true), STATUS_OK);
	assert_true(fwcfg.dma && fwcfg.qemu);
	size_t before = host.mmio, bytes = host.fwcfg.data_reads;
	struct blob blob = find("etc/small");
	assert_int_equal(blob.size, 8);
	assert_status(blob.read(&blob, 0, 8, PLACE), STATUS_OK);
	assert_memory_equal(host_memory(PLACE, 8), "eight by", 8);
	assert_int_equal(host.mmio - before, 1);
	assert_int_equal(host.fwcfg.data_reads, bytes);
}

static void fwcfg_mmio_writes_by_dma(void **state)
{
	(void)state;
	assert_status(open_device(HOST_FWCFG_QEMU, true), STATUS_OK);
	struct blob blob = find("etc/small");
	host_fwcfg_find((uint16_t)blob.key)->writable = true;
	memcpy(host_edit(PLACE, 2), "EI", 2);
	assert_status(blob.write(&blob, 0, 2, PLACE), STATUS_OK);
	assert_memory_equal(host_fwcfg_find((uint16_t)blob.key)->bytes, "EIght by", 8);
}

/* Cloud Hypervisor says that it has DMA, but its window ends before the register. */
static void fwcfg_mmio_dma_out_of_reach(void **state)
{
	(void)state;
	assert_status(open_device(HOST_FWCFG_CLOUD_HYPERVISOR, false), STATUS_OK);
	assert_false(fwcfg.dma);
	struct blob blob = find("etc/small");
	assert_null(blob.write);
	assert_status(blob.read(&blob, 2, 6, PLACE), STATUS_OK);
	assert_memory_equal(host_memory(PLACE, 6), "ght by", 6);
	assert_int_equal(host.fwcfg.dmas, 0);
}

/* A device without DMA says so in its ID (QEMU: -global fw_cfg_mem.dma_enabled=off). */
static void fwcfg_mmio_without_dma(void **state)
{
	const struct fwcfg_device device = {REGISTERS, true, true};

	(void)state;
	assert_status(open_device(HOST_FWCFG_QEMU, true), STATUS_OK);
	host_fwcfg_item(FWCFG_ID, "\1\0\0\0", 4);
	assert_status(fwcfg_open(&fwcfg, &device), STATUS_OK);
	assert_status(fwcfg_read_directory(&fwcfg, &why), STATUS_OK);
	assert_false(fwcfg.dma);
	struct blob blob = find("etc/small");
	assert_status(blob.read(&blob, 0, 8, PLACE), STATUS_OK);
	assert_memory_equal(host_memory(PLACE, 8), "eight by", 8);
	assert_in_range(host.fwcfg.dmas, 1, 2); /* those of the first time */
}

static void fwcfg_mmio_dma_fails(void **state)
{
	(void)state;
	assert_status(open_device(HOST_FWCFG_QEMU, true), STATUS_OK);
	struct blob blob = find("etc/small");
	host.fwcfg.fail_dma = host.fwcfg.dmas + 1;
	assert_status(blob.read(&blob, 0, 8, PLACE), STATUS_IO);
}

static const struct CMUnitTest tests[] = {
	UNIT_TEST(fwcfg_mmio_is_absent),     UNIT_TEST(fwcfg_mmio_reads_by_dma),
	UNIT_TEST(fwcfg_mmio_writes_by_dma), UNIT_TEST(fwcfg_mmio_dma_out_of_reach),
	UNIT_TEST(fwcfg_mmio_without_dma),   UNIT_TEST(fwcfg_mmio_dma_fails),
};

UNIT_MAIN(tests)
