/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "fuzz.h"
#include "lib/check.h"
#include "lib/checked.h"
#include "loader/bundle.h"
#include "loader/bzimage.h"

/*
 * A file that may be a UKI, or a kernel with an initrd behind it: 7 bytes about the file, and
 * the file. What is opened lies inside of it, even if the host changes it meanwhile.
 */

/* A header, a table, and what follows a kernel. */
#define READS_MAX 3
#define BYTES_MAX (0x200 + PE_SECTIONS_MAX * sizeof(struct pe_section) + 16)

static struct {
	struct span start; /* what follows is all @fill */
	uint64_t size;
	uint8_t fill;
	uint8_t change; /* all bytes change by this, with each read */
	uint8_t changed;
	unsigned reads;
	uint64_t bytes;
} host;

_Noreturn void check_failed(const char *what)
{
	fuzz_failed(__FILE__, __LINE__, what);
}

static uint8_t host_byte(uint64_t at)
{
	return (at < host.start.size ? host.start.bytes[at] : host.fill) ^ host.changed;
}

static enum status read_host(const struct blob *blob, uint64_t offset, uint64_t length, uint64_t to)
{
	(void)blob;
	REQUIRE(fits(offset, length, host.size));
	host.reads++;
	host.bytes += length;
	for (uint64_t i = 0; i < length; i++)
		((uint8_t *)(uintptr_t)to)[i] = host_byte(offset + i);
	host.changed ^= host.change;
	return STATUS_OK;
}

static void *map(uint64_t address, uint64_t length)
{
	REQUIRE(length < BLOB_PIECE_ALIGNMENT);
	return (void *)(uintptr_t)address;
}

/* Its ends can be read, and the middle where pieces may meet; nothing else can. */
static void check_blob(const struct blob *blob)
{
	static uint8_t place[0x1000];
	const uint64_t starts[] = {0, blob->size / 2, blob->size - 1};

	if (blob->size == 0)
		return;
	for (unsigned i = 0; i < 3; i++) {
		uint64_t left = blob->size - starts[i];
		REQUIRE(blob_read(blob, starts[i], left < sizeof(place) ? left : sizeof(place),
				  place) == STATUS_OK);
		REQUIRE(blob->read == read_host ||
			blob_read(blob, starts[i], left + 1, place) == STATUS_OUT_OF_RANGE);
	}
}

static void check_bundle(const struct bundle *bundle)
{
	REQUIRE(bundle->kernel.size <= host.size);
	REQUIRE(bundle->cmdline.size <= host.size);
	/* Two pieces, which may overlap. */
	REQUIRE(bundle->initrd.size < 2 * host.size + BLOB_PIECE_ALIGNMENT);
	REQUIRE(bundle->kernel.size != 0 || host.size == 0);
	check_blob(&bundle->kernel);
	check_blob(&bundle->initrd);
	check_blob(&bundle->cmdline);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	static uint8_t head[BZIMAGE_HEAD_SIZE];
	struct input input = {bytes, size};
	struct bundle bundle;
	struct reason why = {""};

	memset(&host, 0, sizeof(host));
	uint64_t extra = input_number(&input, 4);
	host.fill = input_byte(&input);
	host.change = input_byte(&input);
	/* The caller's copy may be of less. */
	size_t head_size = sizeof(head) - (input_byte(&input) & 0xfful) * 2;
	host.start = (struct span){input.at, input.left};
	host.size = input.left + extra;
	if (head_size > host.size)
		head_size = (size_t)host.size;
	for (size_t i = 0; i < head_size; i++)
		head[i] = host_byte(i);
	const struct blob file = {.size = host.size, .read = read_host};
	enum status status = bundle_open(&file, (struct span){head, head_size}, map, &bundle, &why);
	REQUIRE(host.reads <= READS_MAX && host.bytes <= BYTES_MAX);
	if (status == STATUS_OK)
		check_bundle(&bundle);
	else
		REQUIRE(why.text[0] != '\0');
	/* What needs no look at the file is the file. */
	if (bundle_is_kernel((struct span){head, head_size}, host.size))
		REQUIRE(status == STATUS_OK && bundle.kernel.size == host.size &&
			bundle.initrd.size == 0);
	return 0;
}
