/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdlib.h>

#include "loader/elf.h"

/* Offsets in the headers: gABI, "ELF Header" and "Program Header". */
enum {
	EI_CLASS = 4,
	EI_DATA = 5,
	E_TYPE = 0x10,
	E_MACHINE = 0x12,
	E_PHOFF = 0x20,
	E_PHENTSIZE = 0x36,
	E_PHNUM = 0x38,
	HEADER_SIZE = 0x40,

	P_TYPE = 0x00,
	P_OFFSET = 0x08,
	P_PADDR = 0x18,
	P_FILESZ = 0x20,
	P_MEMSZ = 0x28,
	P_ALIGN = 0x30,
	PHDR_SIZE = 0x38,
};

#define PT_NULL 0
#define PT_LOAD 1
#define PT_NOTE 4

/*
 * The file of the tests: headers, two segments of a kernel at 16 MiB, each with zeros behind it and
 * with a gap between them, and notes, of which the last is that of the entry.
 */
#define TEXT       0x400
#define TEXT_SIZE  0x300
#define DATA       0x700
#define DATA_SIZE  0x100
#define NOTES      0x800
#define NOTES_SIZE (36 + 24 + 24)
#define FILE_SIZE  (NOTES + NOTES_SIZE)
#define LOAD       (16 * MIB)
#define DATA_LOAD  (LOAD + 0x5000)
#define ENTRY      (LOAD + 0x120)
#define ENTRY_NOTE (NOTES + 60)
#define LARGEST    0x8000

static uint8_t file[LARGEST];
static size_t file_size;
static unsigned reads;
static struct elf elf;
static struct memmap map;
static struct reason why;

static uint8_t *phdr(unsigned index)
{
	return file + HEADER_SIZE + index * PHDR_SIZE;
}

static void put_phdr(unsigned index, uint32_t type, uint64_t offset, uint64_t size,
		     uint64_t address, uint64_t memory_size)
{
	uint8_t *at = phdr(index);

	put32(at + P_TYPE, type);
	put64(at + P_OFFSET, offset);
	put64(at + P_PADDR, address);
	put64(at + P_FILESZ, size);
	put64(at + P_MEMSZ, memory_size);
	put64(at + P_ALIGN, type == PT_NOTE ? 4 : 0x200000);
	if (get16(file + E_PHNUM) <= index)
		put16(file + E_PHNUM, (uint16_t)(index + 1));
}

/* A note without padding behind it; gives its end. */
static size_t put_note(size_t at, const char *name, uint32_t name_size, uint32_t type,
		       const void *desc, uint32_t desc_size)
{
	put32(file + at, name_size);
	put32(file + at + 4, desc_size);
	put32(file + at + 8, type);
	memcpy(file + at + 12, name, name_size);
	at += 12 + (name_size + 3) / 4 * 4;
	memcpy(file + at, desc, desc_size);
	return at + desc_size;
}

static void put_entry(size_t at, uint64_t entry, uint32_t desc_size)
{
	uint8_t desc[16] = {0};

	put64(desc, entry);
	put_note(at, "Xen", 4, 18, desc, desc_size);
}

static void build(void)
{
	unit_random_bytes(file, sizeof(file));
	memset(file, 0, TEXT);
	memcpy(file,
	       "\x7f"
	       "ELF\2\1\1",
	       7);
	put16(file + E_TYPE, 2);
	put16(file + E_MACHINE, 62);
	put64(file + E_PHOFF, HEADER_SIZE);
	put16(file + E_PHENTSIZE, PHDR_SIZE);
	put_phdr(0, PT_LOAD, TEXT, TEXT_SIZE, LOAD, 0x2345);
	put_phdr(1, PT_LOAD, DATA, DATA_SIZE, DATA_LOAD, 0x1234);
	put_phdr(2, PT_NOTE, NOTES, NOTES_SIZE, LOAD + 0x200, NOTES_SIZE);
	put_note(NOTES, "GNU", 4, 3, "0123456789abcdefghij", 20);
	/* The name of Xen, another type; and the type, another name. */
	put_note(NOTES + 36, "Xen", 4, 6, "linux\0\0", 8);
	put_entry(ENTRY_NOTE, ENTRY, 8);
	file_size = FILE_SIZE;
}

static int setup(void **state)
{
	unit_setup(state);
	build();
	return 0;
}

/* Reads from a copy of the exact size, so that ASan sees a byte too many. */
static enum status read_file(const struct blob *blob, uint64_t offset, uint64_t length, uint64_t to)
{
	reads++;
	if (offset > blob->size || length > blob->size - offset)
		return STATUS_OUT_OF_RANGE;
	memcpy((void *)to, (uint8_t *)blob->source + offset, length);
	return STATUS_OK;
}

static enum status parse(void)
{
	struct blob blob = {.size = file_size, .read = read_file};

	blob.source = malloc(file_size + (file_size == 0));
	assert_non_null(blob.source);
	memcpy(blob.source, file, file_size);
	memset(&why, 0, sizeof(why));
	reads = 0;
	enum status status = elf_parse(&blob, &elf, &why);
	assert_true(reads <= ELF_READS_MAX);
	free(blob.source);
	return status;
}

/* Refused with a reason, and the output untouched. */
static void refused(enum status expected)
{
	static struct elf before;

	memset(&elf, 0x5a, sizeof(elf));
	before = elf;
	assert_status(parse(), expected);
	assert_reasoned(why);
	assert_memory_equal(&elf, &before, sizeof(elf));
}

static void refused_for(enum status expected, const char *word)
{
	refused(expected);
	if (strstr(why.text, word) == NULL)
		fail_msg("'%s' is not in: %s", word, why.text);
}

static void accepted(uint64_t entry)
{
	assert_status(parse(), STATUS_OK);
	assert_int_equal(elf.entry, entry);
}

/* -- the headers ----------------------------------------------------------------- */

static void elf_of_today(void **state)
{
	(void)state;
	accepted(ENTRY);
	assert_int_equal(elf.start, LOAD);
	assert_int_equal(elf.end, DATA_LOAD + 0x1234);
	assert_int_equal(elf.segments, 2);
	assert_int_equal(elf.segment[0].offset, TEXT);
	assert_int_equal(elf.segment[0].file_size, TEXT_SIZE);
	assert_int_equal(elf.segment[0].address, LOAD);
	assert_int_equal(elf.segment[0].memory_size, 0x2345);
	assert_int_equal(elf.segment[1].offset, DATA);
	assert_int_equal(elf.segment[1].file_size, DATA_SIZE);
	assert_int_equal(elf.segment[1].address, DATA_LOAD);
	assert_int_equal(elf.segment[1].memory_size, 0x1234);
	/* Two headers and three notes. */
	assert_int_equal(reads, 5);
	put16(file + E_TYPE, 3);
	accepted(ENTRY);
}

static void elf_is_recognised(void **state)
{
	(void)state;
	assert_true(elf_is_elf((struct span){file, 4}));
	assert_false(elf_is_elf((struct span){file, 3}));
	assert_false(elf_is_elf((struct span){NULL, 0}));
	file[EI_CLASS] = 1;
	assert_true(elf_is_elf((struct span){file, sizeof(file)}));
	file[3] ^= 1;
	assert_false(elf_is_elf((struct span){file, sizeof(file)}));
}

static void elf_truncated_at_every_offset(void **state)
{
	(void)state;
	for (file_size = 0; file_size < FILE_SIZE; file_size++) {
		if (file_size < HEADER_SIZE + 3 * PHDR_SIZE || file_size >= NOTES)
			refused_for(STATUS_OUT_OF_RANGE, "headers");
		else
			refused_for(STATUS_TRUNCATED, "not inside the file");
	}
	accepted(ENTRY);
}

static void elf_without_magic(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++) {
		file[i] ^= 0x20;
		refused_for(STATUS_UNSUPPORTED, "not an ELF program");
		file[i] ^= 0x20;
	}
}

static void elf_class(void **state)
{
	(void)state;
	for (unsigned class = 0; class < 256; class ++) {
		file[EI_CLASS] = (uint8_t) class;
		if (class != 2)
			refused_for(STATUS_UNSUPPORTED, "64-bit");
	}
}

static void elf_big_endian(void **state)
{
	(void)state;
	for (unsigned data = 0; data < 256; data++) {
		file[EI_DATA] = (uint8_t)data;
		if (data != 1)
			refused(STATUS_UNSUPPORTED);
	}
}

static void elf_of_another_machine(void **state)
{
	static const uint16_t machines[] = {0, 3, 40, 61, 63, 183, 62 << 8, 0xffff};

	(void)state;
	for (size_t i = 0; i < COUNT(machines); i++) {
		put16(file + E_MACHINE, machines[i]);
		refused_for(STATUS_UNSUPPORTED, "x86");
	}
}

static void elf_type(void **state)
{
	static const uint16_t types[] = {0, 1, 4, 0x200, 0xfe00, 0xffff};

	(void)state;
	for (size_t i = 0; i < COUNT(types); i++) {
		put16(file + E_TYPE, types[i]);
		refused(STATUS_UNSUPPORTED);
	}
}

static void elf_phentsize(void **state)
{
	static const uint16_t sizes[] = {0, 1, 32, 55, 57, 64, 0x3800, 0xffff};

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		put16(file + E_PHENTSIZE, sizes[i]);
		refused_for(STATUS_UNSUPPORTED, "program headers");
	}
}

static void elf_phnum_0(void **state)
{
	(void)state;
	put16(file + E_PHNUM, 0);
	refused(STATUS_UNSUPPORTED);
}

static void elf_phnum_huge(void **state)
{
	static const uint16_t counts[] = {33, 255, 256, 0x8000, 0xffff};

	(void)state;
	file_size = LARGEST;
	for (size_t i = 0; i < COUNT(counts); i++) {
		put16(file + E_PHNUM, counts[i]);
		refused_for(STATUS_UNSUPPORTED, "program headers");
		/* Before they are read. */
		assert_int_equal(reads, 1);
	}
}

/* As many segments as there may be. */
static void elf_phnum_largest(void **state)
{
	(void)state;
	memmove(file + NOTES + 0x1000, file + NOTES, NOTES_SIZE);
	file_size = LARGEST;
	put_phdr(0, PT_NOTE, NOTES + 0x1000, NOTES_SIZE, 0, 0);
	for (unsigned i = 1; i < 32; i++)
		put_phdr(i, PT_LOAD, TEXT, TEXT_SIZE, LOAD + (i - 1) * 0x1000, 0x1000);
	accepted(ENTRY);
	assert_int_equal(elf.segments, 31);
	put_phdr(0, PT_LOAD, TEXT, TEXT_SIZE, LOAD + 31 * 0x1000, 0x1000);
	refused(STATUS_UNSUPPORTED);
}

static void elf_phoff_wraps(void **state)
{
	static const uint64_t offsets[] = {FILE_SIZE - 3 * PHDR_SIZE + 1, FILE_SIZE,
					   UINT64_MAX - 3 * PHDR_SIZE + 1, UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < COUNT(offsets); i++) {
		put64(file + E_PHOFF, offsets[i]);
		refused_for(STATUS_OUT_OF_RANGE, "headers");
	}
}

/* Kinds that are for others: PT_INTERP, PT_PHDR, PT_GNU_STACK, PT_GNU_RELRO. */
static void elf_other_program_headers(void **state)
{
	static const uint32_t types[] = {PT_NULL, 2,          3,          5,          6,
					 7,       0x6474e551, 0x6474e552, 0x70000000, 0xffffffff};

	(void)state;
	for (unsigned i = 0; i < COUNT(types); i++)
		put_phdr(3 + i, types[i], UINT64_MAX, UINT64_MAX, UINT64_MAX, 1);
	accepted(ENTRY);
	assert_int_equal(elf.segments, 2);
}

static void elf_source_fails(void **state)
{
	const struct blob blob = unit_bad_blob(FILE_SIZE, STATUS_IO);

	(void)state;
	assert_status(elf_parse(&blob, &elf, &why), STATUS_IO);
	assert_reasoned(why);
}

/* -- the segments ---------------------------------------------------------------- */

static void elf_filesz_larger_than_memsz(void **state)
{
	(void)state;
	put64(phdr(1) + P_MEMSZ, DATA_SIZE - 1);
	refused_for(STATUS_BAD_FORMAT, "more bytes");
	put64(phdr(1) + P_MEMSZ, 0);
	refused_for(STATUS_BAD_FORMAT, "more bytes");
	put64(phdr(1) + P_MEMSZ, DATA_SIZE);
	accepted(ENTRY);
}

static void elf_segment_offset_wraps(void **state)
{
	static const uint64_t offsets[] = {FILE_SIZE - DATA_SIZE + 1, FILE_SIZE + 1,
					   UINT64_MAX - DATA_SIZE + 1, UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < COUNT(offsets); i++) {
		put64(phdr(1) + P_OFFSET, offsets[i]);
		refused_for(STATUS_TRUNCATED, "not inside the file");
	}
	put64(phdr(1) + P_OFFSET, FILE_SIZE - DATA_SIZE);
	accepted(ENTRY);
}

static void elf_segment_size_wraps(void **state)
{
	(void)state;
	put64(phdr(1) + P_FILESZ, UINT64_MAX);
	put64(phdr(1) + P_MEMSZ, UINT64_MAX);
	refused_for(STATUS_TRUNCATED, "not inside the file");
	put64(phdr(1) + P_FILESZ, DATA_SIZE);
	refused_for(STATUS_OUT_OF_RANGE, "4 GiB");
	put64(phdr(1) + P_MEMSZ, UINT64_MAX - DATA_LOAD + 1);
	refused_for(STATUS_OUT_OF_RANGE, "4 GiB");
}

static void elf_segment_out_of_reach(void **state)
{
	static const uint64_t addresses[] = {
		0, 0x30000, MIB - 0x1234, MIB - 1, 4 * GIB - 0x1233, 4 * GIB, 8 * GIB, UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < COUNT(addresses); i++) {
		put64(phdr(1) + P_PADDR, addresses[i]);
		refused_for(STATUS_OUT_OF_RANGE, "between 1 MiB and 4 GiB");
	}
	put64(phdr(1) + P_PADDR, MIB);
	accepted(ENTRY);
	assert_int_equal(elf.start, MIB);
	assert_int_equal(elf.end, LOAD + 0x2345);
	put64(phdr(1) + P_PADDR, 4 * GIB - 0x1234);
	accepted(ENTRY);
	assert_int_equal(elf.end, 4 * GIB);
}

static void elf_segments_overlap(void **state)
{
	static const uint64_t addresses[] = {LOAD - 0x1233, LOAD, LOAD + 1, LOAD + 0x1000,
					     LOAD + 0x2344};

	(void)state;
	for (size_t i = 0; i < COUNT(addresses); i++) {
		put64(phdr(1) + P_PADDR, addresses[i]);
		refused_for(STATUS_OVERLAP, "overlaps");
	}
	/* The second around the first. */
	put_phdr(1, PT_LOAD, DATA, DATA_SIZE, LOAD - 0x1000, 0x10000);
	refused_for(STATUS_OVERLAP, "overlaps");
	/* Neighbours, in both orders. */
	put_phdr(1, PT_LOAD, DATA, DATA_SIZE, LOAD - 0x1234, 0x1234);
	accepted(ENTRY);
	assert_int_equal(elf.start, LOAD - 0x1234);
	put_phdr(1, PT_LOAD, DATA, DATA_SIZE, LOAD + 0x2345, 0x1234);
	accepted(ENTRY);
	assert_int_equal(elf.end, LOAD + 0x2345 + 0x1234);
}

static void elf_empty_segment(void **state)
{
	(void)state;
	put_phdr(3, PT_LOAD, UINT64_MAX, 0, UINT64_MAX, 0);
	accepted(ENTRY);
	assert_int_equal(elf.segments, 2);
	assert_int_equal(elf.start, LOAD);
	assert_int_equal(elf.end, DATA_LOAD + 0x1234);
}

static void elf_segment_of_zeros(void **state)
{
	(void)state;
	put_phdr(1, PT_LOAD, 0, 0, DATA_LOAD, 0x100000);
	accepted(ENTRY);
	assert_int_equal(elf.segments, 2);
	assert_int_equal(elf.segment[1].file_size, 0);
}

/* -- the entry ------------------------------------------------------------------- */

static void elf_without_entry(void **state)
{
	(void)state;
	put32(phdr(2) + P_TYPE, PT_NULL);
	refused_for(STATUS_UNSUPPORTED, "PVH entry");
}

static void elf_entry_outside(void **state)
{
	static const uint64_t entries[] = {0,
					   1,
					   LOAD - 1,
					   LOAD + TEXT_SIZE,
					   DATA_LOAD - 1,
					   DATA_LOAD + DATA_SIZE,
					   ENTRY + 4 * GIB,
					   UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < COUNT(entries); i++) {
		put_entry(ENTRY_NOTE, entries[i], 8);
		refused_for(STATUS_UNSUPPORTED, "PVH entry");
	}
	put_entry(ENTRY_NOTE, LOAD, 8);
	accepted(LOAD);
	put_entry(ENTRY_NOTE, LOAD + TEXT_SIZE - 1, 8);
	accepted(LOAD + TEXT_SIZE - 1);
	put_entry(ENTRY_NOTE, DATA_LOAD + DATA_SIZE - 1, 8);
	accepted(DATA_LOAD + DATA_SIZE - 1);
}

/* Xen's own documentation has 4 bytes; what follows them is something else. */
static void elf_entry_of_4_bytes(void **state)
{
	(void)state;
	put_entry(ENTRY_NOTE, ENTRY | 0xffffffff00000000, 8);
	refused(STATUS_UNSUPPORTED);
	put32(file + ENTRY_NOTE + 4, 4);
	accepted(ENTRY);
	/* At the end of the notes, and of the file. */
	put64(phdr(2) + P_FILESZ, NOTES_SIZE - 4);
	file_size -= 4;
	accepted(ENTRY);
}

static void elf_entry_of_another_size(void **state)
{
	(void)state;
	for (uint32_t size = 0; size < 12; size++) {
		put32(file + ENTRY_NOTE + 4, size);
		if (size != 4 && size != 8)
			refused_for(STATUS_UNSUPPORTED, "PVH entry");
	}
}

static void elf_name_is_not_xen(void **state)
{
	uint8_t desc[8];

	(void)state;
	put64(desc, ENTRY);
	/* Without a terminator, of another length, of another case. */
	file[ENTRY_NOTE + 15] = 'X';
	refused(STATUS_UNSUPPORTED);
	put_note(ENTRY_NOTE, "Xen", 3, 18, desc, 8);
	refused(STATUS_UNSUPPORTED);
	put_note(ENTRY_NOTE, "xen", 4, 18, desc, 8);
	refused(STATUS_UNSUPPORTED);
	put_note(ENTRY_NOTE, "", 0, 18, desc, 8);
	refused(STATUS_UNSUPPORTED);
}

static void elf_note_of_another_type(void **state)
{
	static const uint32_t types[] = {0, 1, 17, 19, 18 << 8, 0x80000012, UINT32_MAX};

	(void)state;
	for (size_t i = 0; i < COUNT(types); i++) {
		put32(file + ENTRY_NOTE + 8, types[i]);
		refused(STATUS_UNSUPPORTED);
	}
}

/* A note before it that claims to be longer than it is. */
static void elf_note_size_lies(void **state)
{
	static const uint32_t sizes[] = {NOTES_SIZE, 0x10000, 0x7fffffff, 0xfffffff0, 0xffffffff};

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		put32(file + NOTES, sizes[i]);
		refused_for(STATUS_UNSUPPORTED, "PVH entry");
		put32(file + NOTES, 4);
		put32(file + NOTES + 4, sizes[i]);
		refused_for(STATUS_UNSUPPORTED, "PVH entry");
		put32(file + NOTES, sizes[i]);
		refused_for(STATUS_UNSUPPORTED, "PVH entry");
		put32(file + NOTES, 4);
		put32(file + NOTES + 4, 20);
	}
	accepted(ENTRY);
}

static void elf_notes_cut(void **state)
{
	(void)state;
	for (uint64_t size = 0; size < NOTES_SIZE; size++) {
		put64(phdr(2) + P_FILESZ, size);
		refused_for(STATUS_UNSUPPORTED, "PVH entry");
	}
}

static void elf_notes_outside_the_file(void **state)
{
	static const uint64_t offsets[] = {FILE_SIZE, FILE_SIZE - 11, UINT64_MAX - 11, UINT64_MAX};

	(void)state;
	for (size_t i = 0; i < COUNT(offsets); i++) {
		put64(phdr(2) + P_OFFSET, offsets[i]);
		refused_for(STATUS_OUT_OF_RANGE, "headers");
	}
	/* What is claimed beyond the end does not matter when the entry comes before it. */
	put64(phdr(2) + P_OFFSET, NOTES);
	put64(phdr(2) + P_FILESZ, UINT64_MAX);
	accepted(ENTRY);
	put32(file + ENTRY_NOTE + 8, 17);
	refused_for(STATUS_OUT_OF_RANGE, "headers");
}

static void elf_notes_without_end(void **state)
{
	(void)state;
	/* The shortest there are: three words. */
	memset(file + NOTES, 0, sizeof(file) - NOTES);
	file_size = sizeof(file);
	put64(phdr(2) + P_FILESZ, sizeof(file) - NOTES);
	for (unsigned i = 3; i < 32; i++)
		put_phdr(i, PT_NOTE, NOTES, sizeof(file) - NOTES, 0, 0);
	refused_for(STATUS_UNSUPPORTED, "PVH entry");
	assert_int_equal(reads, ELF_READS_MAX);
	/* The last note that is looked at, and the one behind it. */
	put_entry(NOTES + 63 * 12, ENTRY, 8);
	accepted(ENTRY);
	memset(file + NOTES, 0, sizeof(file) - NOTES);
	put_entry(NOTES + 64 * 12, ENTRY, 8);
	refused(STATUS_UNSUPPORTED);
}

/* Where a segment is aligned to 8 bytes, so are the notes' parts. */
static void elf_notes_aligned_to_8(void **state)
{
	size_t at = NOTES;

	(void)state;
	memset(file + NOTES, 0, NOTES_SIZE);
	put64(phdr(2) + P_ALIGN, 8);
	put64(phdr(2) + P_FILESZ, NOTES_SIZE);
	/* 12 + 5, to 24; 3 bytes, to 32. */
	put32(file + at, 5);
	put32(file + at + 4, 3);
	put32(file + at + 8, 18);
	put_entry(at + 32, ENTRY, 8);
	accepted(ENTRY);
	/* The same as other alignments read it: 12 + 8 + 4. */
	put64(phdr(2) + P_ALIGN, 4);
	refused(STATUS_UNSUPPORTED);
	put_entry(at + 24, ENTRY, 8);
	static const uint64_t alignments[] = {0, 1, 2, 4, 16, 0x1000, UINT64_MAX};
	for (size_t i = 0; i < COUNT(alignments); i++) {
		put64(phdr(2) + P_ALIGN, alignments[i]);
		accepted(ENTRY);
	}
}

static void elf_second_notes(void **state)
{
	(void)state;
	/* Found in the second segment of notes; the first entry counts. */
	put64(phdr(2) + P_FILESZ, 60);
	put_phdr(3, PT_NOTE, ENTRY_NOTE, 24, 0, 0);
	accepted(ENTRY);
	put64(phdr(2) + P_FILESZ, NOTES_SIZE);
	put_entry(FILE_SIZE, LOAD, 8);
	file_size = FILE_SIZE + 24;
	put_phdr(3, PT_NOTE, FILE_SIZE, 24, 0, 0);
	accepted(ENTRY);
	/* Before the segments too. */
	put_phdr(4, PT_LOAD, DATA, DATA_SIZE, DATA_LOAD, 0x1234);
	put_phdr(1, PT_NOTE, FILE_SIZE, 24, 0, 0);
	accepted(LOAD);
}

/* Nothing that headers can say makes the parser trip, and what it accepts is sound. */
static void elf_random_headers(void **state)
{
	unsigned sound = 0;

	(void)state;
	for (unsigned round = 0; round < 40000; round++) {
		build();
		for (uint64_t n = 1 + unit_random_below(3); n > 0; n--) {
			size_t at = unit_random_below(HEADER_SIZE + 3 * PHDR_SIZE + NOTES_SIZE);
			if (at >= HEADER_SIZE + 3 * PHDR_SIZE)
				at += NOTES - HEADER_SIZE - 3 * PHDR_SIZE;
			file[at] = (uint8_t)(unit_random_below(4) == 0 ? 0xff : unit_random());
		}
		if (parse() != STATUS_OK) {
			assert_reasoned(why);
			continue;
		}
		sound++;
		for (unsigned i = 0; i < elf.segments; i++) {
			const struct elf_segment *at = &elf.segment[i];
			assert_true(at->offset + at->file_size <= file_size);
			assert_true(at->address >= elf.start);
			assert_true(at->address + at->memory_size <= elf.end);
		}
		assert_true(elf.start >= MIB && elf.end <= 4 * GIB);
		assert_true(elf.entry >= elf.start && elf.entry < elf.end);
	}
	assert_in_range(sound, 1000, 40000);
}

/* -- what is loaded already ------------------------------------------------------ */

static void elf_loaded_by_the_vmm(void **state)
{
	(void)state;
	/* What QEMU says of Debian's 6.1. */
	assert_status(elf_take_loaded(0x1000000, 0x2e00000, 0x1000850, &elf, &why), STATUS_OK);
	assert_int_equal(elf.entry, 0x1000850);
	assert_int_equal(elf.start, 0x1000000);
	assert_int_equal(elf.end, 0x3e00000);
	assert_int_equal(elf.segments, 0);
}

static void elf_loaded_where_it_cannot_be(void **state)
{
	static const uint64_t bad[][3] = {
		{MIB - 1, MIB, MIB},
		{0, MIB, 0x1000},
		{LOAD, 0, LOAD},
		{LOAD, MIB, LOAD - 1},
		{LOAD, MIB, LOAD + MIB},
		{LOAD, MIB, 0},
		{4 * GIB - 1, 2, 4 * GIB - 1},
		{4 * GIB - 1, 0xffffffff, 4 * GIB - 1},
		{LOAD, 4 * GIB, LOAD},
	};
	struct elf before;

	(void)state;
	memset(&elf, 0x5a, sizeof(elf));
	before = elf;
	for (size_t i = 0; i < COUNT(bad); i++) {
		memset(&why, 0, sizeof(why));
		assert_status(elf_take_loaded(bad[i][0], bad[i][1], bad[i][2], &elf, &why),
			      STATUS_OUT_OF_RANGE);
		assert_reasoned(why);
	}
	assert_memory_equal(&elf, &before, sizeof(elf));
}

/* -- memory ---------------------------------------------------------------------- */

static void add(uint64_t start, uint64_t end, enum memmap_type type)
{
	assert_status(memmap_add(&map, start, end - start, type), STATUS_OK);
}

static void pc_map(void)
{
	memmap_init(&map);
	add(0, 0xa0000, MEMMAP_RAM);
	add(0xa0000, MIB, MEMMAP_RESERVED);
	add(MIB, 64 * MIB, MEMMAP_RAM);
	assert_status(memmap_claim(&map, 0x30000, 0x24000, MEMMAP_FIRMWARE), STATUS_OK);
}

static void claim_refused(void)
{
	memset(&why, 0, sizeof(why));
	assert_status(elf_claim(&elf, &map, &why), STATUS_OVERLAP);
	assert_reasoned(why);
}

/* From the first page to the last, with the gap: Linux takes all of it. */
static void elf_claims_whole_pages(void **state)
{
	(void)state;
	pc_map();
	put64(phdr(0) + P_PADDR, LOAD + 0x10);
	accepted(ENTRY);
	assert_status(elf_claim(&elf, &map, &why), STATUS_OK);
	for (size_t i = 0; i < map.count; i++) {
		if (map.entry[i].type != MEMMAP_KERNEL)
			continue;
		assert_int_equal(map.entry[i].start, LOAD);
		assert_int_equal(map.entry[i].end, LOAD + 0x7000);
		return;
	}
	fail_msg("nothing is claimed");
}

static void elf_claims_over_what_is_claimed(void **state)
{
	(void)state;
	accepted(ENTRY);
	/* In a segment, in the gap between two, and in the last page. */
	static const uint64_t places[] = {LOAD, LOAD + 0x2344, LOAD + 0x4000, LOAD + 0x6fff};
	for (size_t i = 0; i < COUNT(places); i++) {
		pc_map();
		assert_status(memmap_claim(&map, places[i], 1, MEMMAP_FIRMWARE), STATUS_OK);
		claim_refused();
	}
	pc_map();
	assert_status(memmap_claim(&map, LOAD - 1, 1, MEMMAP_FIRMWARE), STATUS_OK);
	assert_status(memmap_claim(&map, LOAD + 0x7000, 1, MEMMAP_FIRMWARE), STATUS_OK);
	assert_status(elf_claim(&elf, &map, &why), STATUS_OK);
	/* A second time. */
	claim_refused();
}

static void elf_claims_what_is_no_ram(void **state)
{
	(void)state;
	pc_map();
	put64(phdr(1) + P_PADDR, 64 * MIB - 0x1000);
	accepted(ENTRY);
	claim_refused();
	put64(phdr(1) + P_PADDR, 64 * MIB);
	accepted(ENTRY);
	claim_refused();
	put64(phdr(1) + P_PADDR, 64 * MIB - 0x1234);
	accepted(ENTRY);
	assert_status(elf_claim(&elf, &map, &why), STATUS_OK);
	pc_map();
	add(LOAD + 0x1000, LOAD + 0x1001, MEMMAP_RESERVED);
	claim_refused();
	pc_map();
	assert_status(elf_take_loaded(4 * GIB - 1, 1, 4 * GIB - 1, &elf, &why), STATUS_OK);
	claim_refused();
}

static void elf_claims_in_a_full_map(void **state)
{
	(void)state;
	memmap_init(&map);
	accepted(ENTRY);
	add(LOAD, LOAD + MIB, MEMMAP_RAM);
	for (uint64_t i = 0; map.count < MEMMAP_ENTRIES_MAX - 1; i++)
		add(GIB + 2 * i * 0x1000, GIB + (2 * i + 1) * 0x1000, MEMMAP_RESERVED);
	memset(&why, 0, sizeof(why));
	assert_status(elf_claim(&elf, &map, &why), STATUS_TOO_LARGE);
	assert_reasoned(why);
}

/* What a plan of two segments claims: from the first's start to the second's end. */
static void add_memory(void)
{
	host_add_ram(LOAD, MIB);
	host_claim(LOAD, DATA_LOAD - LOAD + 0x1234);
}

static enum status load(void)
{
	const struct blob blob = unit_blob(file, file_size);

	memset(&why, 0, sizeof(why));
	return elf_load(&elf, &blob, unit_map, &why);
}

static void elf_loads_and_clears(void **state)
{
	(void)state;
	add_memory();
	uint8_t *memory = host_edit(LOAD, MIB);
	assert_non_null(memory);
	memset(memory, 0xcc, MIB);
	accepted(ENTRY);
	assert_status(load(), STATUS_OK);
	assert_memory_equal(memory, file + TEXT, TEXT_SIZE);
	for (size_t i = TEXT_SIZE; i < 0x2345; i++)
		assert_int_equal(memory[i], 0);
	for (size_t i = 0x2345; i < 0x5000; i++)
		assert_int_equal(memory[i], 0xcc);
	assert_memory_equal(memory + 0x5000, file + DATA, DATA_SIZE);
	for (size_t i = 0x5000 + DATA_SIZE; i < 0x6234; i++)
		assert_int_equal(memory[i], 0);
	assert_int_equal(memory[0x6234], 0xcc);
}

/* Neither a read nor a map of no bytes. */
static void elf_loads_nothing_of_nothing(void **state)
{
	(void)state;
	add_memory();
	put_phdr(0, PT_LOAD, TEXT, TEXT_SIZE, LOAD, TEXT_SIZE);
	put_phdr(1, PT_LOAD, FILE_SIZE, 0, DATA_LOAD, 0x1000);
	accepted(ENTRY);
	assert_status(load(), STATUS_OK);
	const struct blob blob = unit_blob(file, file_size);
	put_phdr(1, PT_LOAD, DATA, DATA_SIZE, DATA_LOAD, DATA_SIZE);
	accepted(ENTRY);
	assert_status(elf_load(&elf, &blob, unit_map_nothing, &why), STATUS_OK);
	assert_status(elf_take_loaded(LOAD, MIB, LOAD, &elf, &why), STATUS_OK);
	assert_status(elf_load(&elf, &blob, unit_map_nothing, &why), STATUS_OK);
}

static void elf_cannot_be_loaded(void **state)
{
	const struct blob good = unit_blob(file, FILE_SIZE);
	const struct blob bad = unit_bad_blob(FILE_SIZE, STATUS_TIMEOUT);

	(void)state;
	add_memory();
	accepted(ENTRY);
	memset(&why, 0, sizeof(why));
	assert_status(elf_load(&elf, &bad, unit_map, &why), STATUS_TIMEOUT);
	assert_reasoned(why);
	memset(&why, 0, sizeof(why));
	assert_status(elf_load(&elf, &good, unit_map_nothing, &why), STATUS_NO_MEMORY);
	assert_reasoned(why);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, unit_teardown)

static const struct CMUnitTest tests[] = {
	TEST(elf_of_today),
	TEST(elf_is_recognised),
	TEST(elf_truncated_at_every_offset),
	TEST(elf_without_magic),
	TEST(elf_class),
	TEST(elf_big_endian),
	TEST(elf_of_another_machine),
	TEST(elf_type),
	TEST(elf_phentsize),
	TEST(elf_phnum_0),
	TEST(elf_phnum_huge),
	TEST(elf_phnum_largest),
	TEST(elf_phoff_wraps),
	TEST(elf_other_program_headers),
	TEST(elf_source_fails),
	TEST(elf_filesz_larger_than_memsz),
	TEST(elf_segment_offset_wraps),
	TEST(elf_segment_size_wraps),
	TEST(elf_segment_out_of_reach),
	TEST(elf_segments_overlap),
	TEST(elf_empty_segment),
	TEST(elf_segment_of_zeros),
	TEST(elf_without_entry),
	TEST(elf_entry_outside),
	TEST(elf_entry_of_4_bytes),
	TEST(elf_entry_of_another_size),
	TEST(elf_name_is_not_xen),
	TEST(elf_note_of_another_type),
	TEST(elf_note_size_lies),
	TEST(elf_notes_cut),
	TEST(elf_notes_outside_the_file),
	TEST(elf_notes_without_end),
	TEST(elf_notes_aligned_to_8),
	TEST(elf_second_notes),
	TEST(elf_random_headers),
	TEST(elf_loaded_by_the_vmm),
	TEST(elf_loaded_where_it_cannot_be),
	TEST(elf_claims_whole_pages),
	TEST(elf_claims_over_what_is_claimed),
	TEST(elf_claims_what_is_no_ram),
	TEST(elf_claims_in_a_full_map),
	TEST(elf_loads_and_clears),
	TEST(elf_loads_nothing_of_nothing),
	TEST(elf_cannot_be_loaded),
};

UNIT_MAIN(tests)
