/* SPDX-License-Identifier: BSD-2-Clause */
#include "loader/elf.h"

#include <stddef.h>
#include <string.h>

#include "lib/attributes.h"
#include "lib/checked.h"
#include "lib/endian.h"

#define MAGIC          0x464c457fu /* "\x7f" "ELF" */
#define CLASS_64       2
#define DATA_LSB       1
#define TYPE_EXEC      2
#define TYPE_DYN       3
#define MACHINE_X86_64 62

#define SEGMENT_LOAD 1
#define SEGMENT_NOTE 4

/* elfnote.h: XEN_ELFNOTE_PHYS32_ENTRY, of the name "Xen". */
#define NOTE_PHYS32_ENTRY 18
#define NAME_XEN          0x6e6558u /* with its terminator */
#define NOTES_MAX         (ELF_READS_MAX - 2)

/* Low memory is not for kernels: a VMM's data lie there, and ours. */
#define LOWEST_ADDRESS 0x100000

/* gABI, "ELF Header" */
struct elf_header {
	struct le32 magic;
	uint8_t class;
	uint8_t data;
	uint8_t ident[10];
	struct le16 e_type;
	struct le16 e_machine;
	struct le32 e_version;
	struct le64 e_entry;
	struct le64 e_phoff;
	struct le64 e_shoff;
	struct le32 e_flags;
	struct le16 e_ehsize;
	struct le16 e_phentsize;
	struct le16 e_phnum;
	struct le16 e_shentsize;
	struct le16 e_shnum;
	struct le16 e_shstrndx;
};
_Static_assert(sizeof(struct elf_header) == 64, "gABI, ELF Header");
_Static_assert(offsetof(struct elf_header, e_phentsize) == 54, "gABI, ELF Header");

/* gABI, "Program Header" */
struct program_header {
	struct le32 p_type;
	struct le32 p_flags;
	struct le64 p_offset;
	struct le64 p_vaddr;
	struct le64 p_paddr;
	struct le64 p_filesz;
	struct le64 p_memsz;
	struct le64 p_align;
};
_Static_assert(sizeof(struct program_header) == 56, "gABI, Program Header");

/* gABI, "Note Section"; what is behind the three words, if the name has 4 bytes. */
struct note {
	struct le32 namesz;
	struct le32 descsz;
	struct le32 type;
	struct le32 name;
	struct le64 desc;
};
_Static_assert(sizeof(struct note) == 24, "gABI, Note Section");
#define NOTE_HEADER_SIZE offsetof(struct note, name)

bool elf_is_elf(struct span head)
{
	struct le32 magic;

	return span_read(head, 0, sizeof(magic), &magic) && le32_get(magic) == MAGIC;
}

static enum status read(const struct blob *file, uint64_t offset, uint64_t size, void *to,
			struct reason *why)
{
	enum status status = blob_read(file, offset, size, to);
	if (status != STATUS_OK)
		return refuse(why, status, "the kernel's ELF headers cannot be read");
	return STATUS_OK;
}

static bool is_supported(const struct elf_header *header)
{
	unsigned type = le16_get(header->e_type);

	return le32_get(header->magic) == MAGIC && header->class == CLASS_64 &&
	       header->data == DATA_LSB && le16_get(header->e_machine) == MACHINE_X86_64 &&
	       (type == TYPE_EXEC || type == TYPE_DYN);
}

static bool is_place(uint64_t address, uint64_t size)
{
	return address >= LOWEST_ADDRESS && fits(address, size, MEMMAP_4G);
}

static uint64_t end_of(const struct elf_segment *segment)
{
	return segment->address + segment->memory_size;
}

static enum status refuse_segment(const struct elf_segment *segment, enum status status,
				  const char *defect, struct reason *why)
{
	return refuse(why, status, "the kernel's segment at 0x%lx + 0x%lx %s", segment->address,
		      segment->memory_size, defect);
}

static enum status check_segment(const struct elf_segment *segment, uint64_t size_of_file,
				 const struct elf *elf, const char **ret_defect)
{
	*ret_defect = "has more bytes in the file";
	if (segment->file_size > segment->memory_size)
		return STATUS_BAD_FORMAT;
	*ret_defect = "is not inside the file";
	if (!fits(segment->offset, segment->file_size, size_of_file))
		return STATUS_TRUNCATED;
	*ret_defect = "is not between 1 MiB and 4 GiB";
	if (!is_place(segment->address, segment->memory_size))
		return STATUS_OUT_OF_RANGE;
	*ret_defect = "overlaps another";
	for (unsigned i = 0; i < elf->segments; i++) {
		const struct elf_segment *other = &elf->segment[i];
		if (segment->address < end_of(other) && other->address < end_of(segment))
			return STATUS_OVERLAP;
	}
	return STATUS_OK;
}

static APART enum status add_segment(const struct blob *file, const struct program_header *header,
				     struct elf *elf, struct reason *why)
{
	const struct elf_segment segment = {
		.offset = le64_get(header->p_offset),
		.file_size = le64_get(header->p_filesz),
		.address = le64_get(header->p_paddr),
		.memory_size = le64_get(header->p_memsz),
	};
	const char *defect;

	if (segment.file_size == 0 && segment.memory_size == 0)
		return STATUS_OK;
	enum status status = check_segment(&segment, file->size, elf, &defect);
	if (status != STATUS_OK)
		return refuse_segment(&segment, status, defect, why);
	elf->segment[elf->segments++] = segment;
	if (segment.address < elf->start)
		elf->start = segment.address;
	if (end_of(&segment) > elf->end)
		elf->end = end_of(&segment);
	return STATUS_OK;
}

/*
 * Looks for the entry in a segment of notes, to the first that does not end in it. Name and
 * descriptor end at multiples of 4 bytes, or of 8 where the segment is aligned to that, counted
 * from the start of the note, as binutils does.
 */
static enum status find_entry(const struct blob *file, const struct program_header *header,
			      unsigned *notes, uint64_t *ret_entry, struct reason *why)
{
	uint64_t padding = le64_get(header->p_align) == 8 ? 7 : 3;
	uint64_t offset = le64_get(header->p_offset);
	uint64_t left = le64_get(header->p_filesz);

	while (left >= NOTE_HEADER_SIZE && (*notes)++ < NOTES_MAX) {
		struct note note = {0};
		enum status status =
			read(file, offset, left < sizeof(note) ? left : sizeof(note), &note, why);
		if (status != STATUS_OK)
			return status;
		uint64_t name_size = le32_get(note.namesz);
		uint64_t size = le32_get(note.descsz);
		if (le32_get(note.type) == NOTE_PHYS32_ENTRY && name_size == sizeof(note.name) &&
		    le32_get(note.name) == NAME_XEN && (size == 4 || size == 8) &&
		    offsetof(struct note, desc) + size <= left) {
			*ret_entry = le64_get(note.desc);
			if (size == 4)
				*ret_entry = (uint32_t)*ret_entry;
			break;
		}
		size += (NOTE_HEADER_SIZE + name_size + padding) & ~padding;
		size = (size + padding) & ~padding;
		if (size > left)
			break;
		offset += size;
		left -= size;
	}
	return STATUS_OK;
}

static bool entry_is_loaded(const struct elf *elf)
{
	for (unsigned i = 0; i < elf->segments; i++) {
		const struct elf_segment *segment = &elf->segment[i];
		if (elf->entry - segment->address < segment->file_size)
			return true;
	}
	return false;
}

enum status elf_parse(const struct blob *file, struct elf *ret_elf, struct reason *why)
{
	struct program_header headers[ELF_SEGMENTS_MAX];
	struct elf_header header;
	struct elf elf = {.start = UINT64_MAX};
	unsigned notes = 0;

	enum status status = read(file, 0, sizeof(header), &header, why);
	if (status != STATUS_OK)
		return status;
	if (!is_supported(&header))
		return refuse(why, STATUS_UNSUPPORTED,
			      "the kernel is not an ELF program for 64-bit x86");
	unsigned size = le16_get(header.e_phentsize);
	unsigned count = le16_get(header.e_phnum);
	if (size != sizeof(headers[0]) || count > ELF_SEGMENTS_MAX)
		return refuse(why, STATUS_UNSUPPORTED,
			      "the kernel has %u program headers of %u bytes", count, size);
	status = read(file, le64_get(header.e_phoff), count * sizeof(headers[0]), headers, why);
	for (unsigned i = 0; i < count && status == STATUS_OK; i++) {
		const struct program_header *at = &headers[i];
		uint32_t type = le32_get(at->p_type);
		if (type == SEGMENT_LOAD)
			status = add_segment(file, at, &elf, why);
		else if (type == SEGMENT_NOTE && elf.entry == 0)
			status = find_entry(file, at, &notes, &elf.entry, why);
	}
	if (status != STATUS_OK)
		return status;
	if (!entry_is_loaded(&elf))
		return refuse(
			why, STATUS_UNSUPPORTED,
			"the kernel is an ELF file without a PVH entry in its segments: 0x%lx",
			elf.entry);
	*ret_elf = elf;
	return STATUS_OK;
}

enum status elf_take_loaded(uint64_t address, uint64_t size, uint64_t entry, struct elf *ret_elf,
			    struct reason *why)
{
	if (!is_place(address, size) || entry - address >= size)
		return refuse(why, STATUS_OUT_OF_RANGE,
			      "the kernel at 0x%lx + 0x%lx, entry 0x%lx, cannot be", address, size,
			      entry);
	ret_elf->entry = entry;
	ret_elf->start = address;
	ret_elf->end = address + size;
	ret_elf->segments = 0;
	return STATUS_OK;
}

enum status elf_claim(const struct elf *elf, struct memmap *map, struct reason *why)
{
	uint64_t start = align_down(elf->start, PAGE_SIZE);
	uint64_t end = align_down(elf->end + PAGE_SIZE - 1, PAGE_SIZE);

	enum status status = memmap_claim(map, start, end - start, MEMMAP_KERNEL);
	if (status != STATUS_OK)
		return refuse(why, status, "the kernel's memory, 0x%lx to 0x%lx, is not free RAM",
			      start, end);
	return STATUS_OK;
}

/* Clears what the file does not have of a segment. */
static enum status clear_rest(const struct elf_segment *segment,
			      void *(*map)(uint64_t address, uint64_t length))
{
	uint64_t size = segment->memory_size - segment->file_size;

	if (size == 0)
		return STATUS_OK;
	void *rest = map(segment->address + segment->file_size, size);
	if (rest == NULL)
		return STATUS_NO_MEMORY;
	memset(rest, 0, size);
	return STATUS_OK;
}

enum status elf_load(const struct elf *elf, const struct blob *file,
		     void *(*map)(uint64_t address, uint64_t length), struct reason *why)
{
	for (unsigned i = 0; i < elf->segments; i++) {
		const struct elf_segment *segment = &elf->segment[i];
		enum status status = STATUS_OK;
		if (segment->file_size != 0)
			status = file->read(file, segment->offset, segment->file_size,
					    segment->address);
		if (status == STATUS_OK)
			status = clear_rest(segment, map);
		if (status != STATUS_OK)
			return refuse_segment(segment, status, "cannot be loaded", why);
	}
	return STATUS_OK;
}
