/* SPDX-License-Identifier: BSD-2-Clause */
/* So few, that there can be too many, of headers and of notes. */
#define ELF_SEGMENTS_MAX 3
#define ELF_READS_MAX    (2 + 2)

#include "claims.h"
#include "file.h"

#include "loader/elf.c"

/* Notes alone have contents before they are read. To a proof they may be arbitrary as a whole. */
static enum status read_any(const struct blob *blob, uint64_t offset, uint64_t length, uint64_t to)
{
	struct note note;

	if (length > 0 && length <= sizeof(note))
		*(struct note *)to = note;
	return file_read(blob, offset, length, to);
}

static bool is_inside(const struct elf_segment *segment, const struct elf *elf, uint64_t file_size)
{
	return segment->memory_size > 0 && segment->file_size <= segment->memory_size &&
	       fits(segment->offset, segment->file_size, file_size) &&
	       segment->address >= elf->start && segment->address < elf->end &&
	       segment->memory_size <= elf->end - segment->address;
}

/* What elf.h promises of a kernel of which we know the segments. */
static bool is_elf(const struct elf *elf, uint64_t file_size)
{
	if (elf->start < LOWEST_ADDRESS || elf->start >= elf->end || elf->end > MEMMAP_4G)
		return false;
	for (unsigned i = 0; i < elf->segments; i++) {
		if (!is_inside(&elf->segment[i], elf, file_size))
			return false;
	}
	return true;
}

/**
 * elf_parse() reads only inside of the file, no more often than it says, and takes no more segments
 * than there is room for. Each is inside of the file, lies between 1 MiB and 4 GiB and overlaps no
 * other; the entry is in what the file has of one.
 * Bound: files of any size and contents, which may change between two reads; room for 3 headers of
 * any kind, and a look at 2 notes.
 */
PROOF(elf_parse, 4)
{
	struct blob file = any_file();
	struct elf elf;
	struct reason why;

	file.read = read_any;
	enum status status = elf_parse(&file, &elf, &why);
	PROVE(file_reads <= ELF_READS_MAX);
	if (status != STATUS_OK) {
		REACHED("a refusal");
		return;
	}
	REACHED("a kernel");
	PROVE(elf.segments > 0 && elf.segments <= ELF_SEGMENTS_MAX);
	PROVE(is_elf(&elf, file.size));
	if (elf.segments > 1) {
		REACHED("two segments");
		const struct elf_segment *last = &elf.segment[elf.segments - 1];
		PROVE(end_of(&elf.segment[0]) <= last->address ||
		      end_of(last) <= elf.segment[0].address);
	}
	bool is_loaded = false;
	for (unsigned at = 0; at < elf.segments && !is_loaded; at++) {
		const struct elf_segment *segment = &elf.segment[at];
		is_loaded = elf.entry >= segment->address &&
			    elf.entry - segment->address < segment->file_size;
	}
	PROVE(is_loaded);
}

/**
 * elf_take_loaded() takes what lies between 1 MiB and 4 GiB and has its entry inside.
 * Bound: none.
 */
PROOF(elf_take_loaded, 1)
{
	uint64_t address = any_u64(), size = any_u64(), entry = any_u64();
	struct elf elf;
	struct reason why;
	bool is_right = address >= LOWEST_ADDRESS && fits(address, size, MEMMAP_4G) &&
			entry >= address && entry - address < size;

	if (elf_take_loaded(address, size, entry, &elf, &why) == STATUS_OK) {
		REACHED("a kernel");
		PROVE(is_right && elf.entry == entry && elf.segments == 0);
		PROVE(elf.start == address && elf.end == address + size);
	} else {
		REACHED("a refusal");
		PROVE(!is_right);
	}
}

static struct elf any_elf(uint64_t file_size)
{
	struct elf elf;

	ASSUME(elf.segments <= ELF_SEGMENTS_MAX);
	ASSUME(is_elf(&elf, file_size));
	return elf;
}

/**
 * elf_claim() claims the pages that have a byte between the first segment's start and the last
 * one's end, and no other.
 * Bound: any kernel that elf_parse() takes, any memory map.
 */
PROOF(elf_claim, 4)
{
	const struct elf elf = any_elf(any_u64());
	struct memmap map;
	struct reason why;

	any_claims();
	if (elf_claim(&elf, &map, &why) != STATUS_OK) {
		REACHED("a refusal");
		return;
	}
	REACHED("a claim");
	bool is_ours = witness.address / PAGE_SIZE >= elf.start / PAGE_SIZE &&
		       witness.address / PAGE_SIZE <= (elf.end - 1) / PAGE_SIZE;
	PROVE((witness.type == MEMMAP_KERNEL) == is_ours);
}

static struct elf loaded;

static bool is_in_segment(uint64_t address, uint64_t size)
{
	for (unsigned i = 0; i < loaded.segments; i++) {
		const struct elf_segment *segment = &loaded.segment[i];
		if (address >= segment->address &&
		    fits(address - segment->address, size, segment->memory_size))
			return true;
	}
	return false;
}

static enum status read_into_segment(const struct blob *blob, uint64_t offset, uint64_t length,
				     uint64_t to)
{
	PROVE(fits(offset, length, blob->size));
	PROVE(is_in_segment(to, length));
	return any_bool() ? STATUS_OK : STATUS_IO;
}

static void *map_in_segment(uint64_t address, uint64_t length)
{
	PROVE(is_in_segment(address, length));
	return any_bool() ? any_bytes(length) : NULL;
}

/**
 * elf_load() writes into the segments alone: the file's bytes, and zeros behind them.
 * Bound: any kernel that elf_parse() takes, of 0 to 3 segments.
 */
PROOF(elf_load, 4)
{
	const struct blob file = {.size = any_u64(), .read = read_into_segment};
	struct reason why;

	loaded = any_elf(file.size);
	if (elf_load(&loaded, &file, map_in_segment, &why) == STATUS_OK)
		REACHED("a kernel");
	else
		REACHED("a refusal");
}
