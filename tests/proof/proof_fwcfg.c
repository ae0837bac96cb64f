/* SPDX-License-Identifier: BSD-2-Clause */
#include "proof.h"

/* So few, that a directory can be too long. */
#define FWCFG_FILES_MAX 3

#include "fwcfg/fwcfg.c"

/*
 * A device that answers anything. What it writes, it may write only where we have room. What it
 * writes is arbitrary, as local variables are to CBMC: so it leaves them alone.
 */

/* How often we may look before a transfer is complete, or has failed. */
#define ROUNDS 2

static struct {
	struct fwcfg_access *access; /* of the transfer that runs, or NULL */
	unsigned rounds;
	bool asked; /* the device was selected */
} device;

void transport_select(uint64_t registers, uint16_t key)
{
	(void)registers;
	(void)key;
	device.asked = true;
}

static void may_write(void *to, uint64_t length)
{
	PROVE(length == 0 || __CPROVER_w_ok(to, length));
}

void transport_read(uint64_t registers, void *buffer, size_t count)
{
	(void)registers;
	may_write(buffer, count);
}

bool transport_has_qemu_dma(uint64_t registers)
{
	(void)registers;
	return any_bool();
}

void transport_start_dma(uint64_t registers, uint64_t address, bool qemu)
{
	(void)registers;
	(void)qemu;
	device.access = (struct fwcfg_access *)address;
	device.rounds = 0;
	if ((be32_get(device.access->control) & DMA_READ) != 0)
		may_write((void *)be64_get(device.access->address),
			  be32_get(device.access->length));
	if ((be32_get(device.access->control) & DMA_WRITE) != 0)
		PROVE(__CPROVER_r_ok((void *)be64_get(device.access->address),
				     be32_get(device.access->length)));
}

/* The device may have changed its answer. */
void arch_barrier(void)
{
	if (device.access == NULL)
		return;
	uint32_t answer = any_u32();
	if (device.rounds++ == ROUNDS)
		ASSUME(answer == 0 || (answer & DMA_ERROR) != 0);
	device.access->control = be32_of(answer);
	if (answer == 0 || (answer & DMA_ERROR) != 0)
		device.access = NULL;
}

void arch_relax(void)
{
}

void *arch_map(uint64_t address, uint64_t length, enum arch_memory memory)
{
	(void)length;
	PROVE(memory == ARCH_MEMORY_RAM);
	return any_bool() ? (void *)address : NULL;
}

static void any_device(struct fwcfg *fwcfg)
{
	fwcfg->dma = any_bool();
	fwcfg->qemu = fwcfg->dma && any_bool();
	fwcfg->selected = (uint32_t)any_up_to(NONE_SELECTED);
	fwcfg->files = 0;
	device.access = NULL;
}

/* What the proofs look for: names that end in their second word, at its start, in the first. */
static const NAME(long_name, "etc/e820_abc");
static const NAME(middle_name, "etc/e820");
static const struct name short_name = {"abc"};

/* Whether list_files() leaves file number @wanted where fwcfg_find() looks for its name. */
static bool is_listed(const struct fwcfg *fwcfg, size_t wanted)
{
	size_t i = fwcfg->first[list_of(fwcfg->directory.file[wanted - 1].name.text)];

	for (unsigned step = 0; step < FWCFG_FILES_MAX && i != 0 && i != wanted; step++)
		i = fwcfg->next[i - 1];
	return i == wanted;
}

/**
 * fwcfg_read_directory() writes only into its own struct, and takes no more than FWCFG_FILES_MAX
 * files; a directory that is refused leaves none. Each file is on the list of its name, and a
 * list leads from lower to higher numbers, so that it ends.
 * Bound: directories of any stated size, room for 3 files; a device that answers within 3 looks.
 */
PROOF(fwcfg_read_directory, 4)
{
	struct fwcfg fwcfg;
	struct reason why;

	any_device(&fwcfg);
	if (fwcfg_read_directory(&fwcfg, &why) != STATUS_OK) {
		REACHED("a refusal");
		PROVE(fwcfg.files == 0);
		return;
	}
	REACHED("a directory");
	PROVE(fwcfg.files <= FWCFG_FILES_MAX);
	for (size_t i = 1; i <= fwcfg.files; i++) {
		PROVE(is_listed(&fwcfg, i));
		PROVE(fwcfg.next[i - 1] == 0 ||
		      (fwcfg.next[i - 1] > i && fwcfg.next[i - 1] <= fwcfg.files));
	}
}

/**
 * fwcfg_find() gives the first file of a name, and none only where there is none. A name that is
 * shorter than a word may be missed where other bytes than zeros are behind it.
 * Bound: directories of 0 to 3 files with any names; three names of ours.
 * Loops: strcmp.0:14, is_called.0:8
 */
PROOF(fwcfg_find, 4)
{
	const char *wanted = any_bool() ? long_name : any_bool() ? middle_name : short_name.text;
	struct fwcfg fwcfg;
	struct blob blob;
	size_t first = 0;

	fwcfg.files = any_up_to(FWCFG_FILES_MAX);
	memset(fwcfg.first, 0, sizeof(fwcfg.first));
	list_files(&fwcfg);
	while (first < fwcfg.files &&
	       ((wanted == short_name.text &&
		 list_of(wanted) != list_of(fwcfg.directory.file[first].name.text)) ||
		strcmp(wanted, fwcfg.directory.file[first].name.text) != 0))
		first++;
	if (fwcfg_find(&fwcfg, wanted, &blob)) {
		REACHED("a file");
		PROVE(first < fwcfg.files);
		PROVE(blob.key == be16_get(fwcfg.directory.file[first].select));
		PROVE(blob.size == be32_get(fwcfg.directory.file[first].size));
	} else {
		REACHED("no file");
		PROVE(first == fwcfg.files);
	}
}

/**
 * Reading an item writes to its place and nowhere else; a part that is not inside of the item is
 * refused before the device is asked.
 * Bound: items of any size, offsets and lengths of up to 700; a device that answers within 3 looks.
 */
PROOF(fwcfg_read_item, 5)
{
	struct fwcfg fwcfg;
	uint64_t size = any_u64(), offset = any_u64(), length = any_u64();

	any_device(&fwcfg);
	fwcfg.position = any_up_to(1000);
	fwcfg.selected = (uint16_t)any_u32();
	const struct blob item = fwcfg_item(&fwcfg, (uint16_t)any_u32(), size);
	device.asked = false;
	ASSUME((offset <= 700 && length <= 700) || !fits(offset, length, size));
	uint8_t *place = any_bytes(length <= 700 ? length : 0);
	enum status status = blob_read(&item, offset, length, place);
	if (!fits(offset, length, size)) {
		REACHED("a refusal");
		PROVE(status == STATUS_OUT_OF_RANGE && !device.asked && device.access == NULL);
	} else if (status == STATUS_OK) {
		REACHED("a read");
		PROVE(length == 0 || fwcfg.position == offset + length);
	} else {
		REACHED("an error of the device");
		PROVE(status == STATUS_IO || status == STATUS_NO_MEMORY);
	}
}
