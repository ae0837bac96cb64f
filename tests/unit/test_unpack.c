/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdlib.h>

#include <zlib.h>
#include <zstd.h>

#include "lib/crc32.h"
#include "loader/unpack.h"

/* Offsets of a zboot image's fields: zboot-header.S. */
#define ZIMG           4
#define PAYLOAD_OFFSET 8
#define PAYLOAD_SIZE   12
#define COMPRESSION    0x18
#define ZBOOT_HEADER   0x38

/* Where the build puts the payload, more or less. */
#define ZBOOT_PAYLOAD 0x240

/* More than any of the files unpacks to that get damaged; what they say may be 4 GiB. */
#define OUT_MAX (64 * KIB)

/* A file, and what is in it. */
struct file {
	uint8_t *bytes;
	size_t size;
	uint8_t *kernel;
	size_t kernel_size;
};

static struct file file;
static struct packed packed;
static void *workspace;
static struct reason why;

static void file_free(void)
{
	free(file.bytes);
	free(file.kernel);
	file = (struct file){0};
}

/* Something like code: it repeats itself, here and there and from afar. */
static void make_kernel(size_t size)
{
	file_free();
	file.kernel_size = size;
	file.kernel = malloc(size + (size == 0));
	assert_non_null(file.kernel);
	for (size_t i = 0; i < size;) {
		size_t run = 1 + unit_random_below(200);
		size_t from = i == 0 ? 0 : unit_random_below(i);
		bool repeat = i > 0 && unit_random_below(3) != 0;
		for (; run > 0 && i < size; run--)
			file.kernel[i++] = repeat ? file.kernel[from++] : (uint8_t)unit_random();
	}
}

static uint8_t *gzip(size_t *ret_size)
{
	z_stream stream = {0};
	size_t room = file.kernel_size + 1000;
	uint8_t *bytes = malloc(room);

	assert_non_null(bytes);
	assert_int_equal(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY),
			 Z_OK);
	stream.next_in = file.kernel;
	stream.avail_in = (uInt)file.kernel_size;
	stream.next_out = bytes;
	stream.avail_out = (uInt)room;
	assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
	*ret_size = stream.total_out;
	deflateEnd(&stream);
	return bytes;
}

/* As `zstd -22 --ultra` of a pipe: a checksum, no size, a window of 128 MiB. */
static uint8_t *zstd(size_t *ret_size)
{
	size_t room = ZSTD_compressBound(file.kernel_size);
	uint8_t *bytes = malloc(room);
	ZSTD_CCtx *context = ZSTD_createCCtx();

	assert_non_null(bytes);
	assert_non_null(context);
	assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, 19)));
	assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1)));
	assert_false(ZSTD_isError(ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, 0)));
	*ret_size = ZSTD_compress2(context, bytes, room, file.kernel, file.kernel_size);
	assert_false(ZSTD_isError(*ret_size));
	ZSTD_freeCCtx(context);
	return bytes;
}

static void make_gzip(size_t kernel_size)
{
	make_kernel(kernel_size);
	file.bytes = gzip(&file.size);
}

/* Around a payload: header, PE header and the like, and other sections behind. */
static void make_zboot(const char *compression, uint8_t *payload, size_t size, bool with_size)
{
	size_t after = ZBOOT_PAYLOAD + size + (with_size ? 4 : 0);

	file.size = after + 40;
	file.bytes = calloc(1, file.size);
	assert_non_null(file.bytes);
	memcpy(file.bytes, "MZ", 2);
	memcpy(file.bytes + ZIMG, "zimg", 4);
	put32(file.bytes + PAYLOAD_OFFSET, ZBOOT_PAYLOAD);
	put32(file.bytes + PAYLOAD_SIZE, (uint32_t)size);
	memcpy(file.bytes + COMPRESSION, compression, strlen(compression) + 1);
	put32(file.bytes + ZBOOT_HEADER, 0x818223cd);
	put32(file.bytes + ZBOOT_HEADER + 4, 0x40);
	memcpy(file.bytes + ZBOOT_PAYLOAD, payload, size);
	if (with_size)
		put32(file.bytes + ZBOOT_PAYLOAD + size, (uint32_t)file.kernel_size);
	free(payload);
}

static void make_zboot_gzip(size_t kernel_size)
{
	size_t size;

	make_kernel(kernel_size);
	uint8_t *payload = gzip(&size);
	make_zboot("gzip", payload, size, false);
}

static void make_zboot_zstd(size_t kernel_size)
{
	size_t size;

	make_kernel(kernel_size);
	uint8_t *payload = zstd(&size);
	make_zboot("zstd22", payload, size, true);
}

static enum status find(void)
{
	/* Of the exact size, so that ASan sees a byte too many. */
	uint8_t *copy = malloc(file.size + (file.size == 0));
	struct packed before;

	assert_non_null(copy);
	memcpy(copy, file.bytes, file.size);
	memset(&why, 0, sizeof(why));
	memset(&packed, 0x5a, sizeof(packed));
	before = packed;
	enum status status = unpack_find((struct span){copy, file.size}, &packed, &why);
	if (status == STATUS_OK) {
		assert_true(packed.bytes.bytes >= copy);
		assert_true(packed.bytes.bytes + packed.bytes.size <= copy + file.size);
		packed.bytes.bytes = file.bytes + (packed.bytes.bytes - copy);
		assert_int_not_equal(packed.unpacked_size, 0);
	} else {
		assert_reasoned(why);
		assert_memory_equal(&packed, &before, sizeof(packed));
	}
	free(copy);
	return status;
}

/* With the stream, and all else that is used, in a buffer of its exact size. */
static enum status unpack_into(uint8_t *out)
{
	uint8_t *stream = malloc(packed.bytes.size + (packed.bytes.size == 0));
	struct packed copy = packed;

	assert_non_null(stream);
	memcpy(stream, packed.bytes.bytes, packed.bytes.size);
	copy.bytes.bytes = stream;
	memset(&why, 0, sizeof(why));
	enum status status = unpack(&copy, out, workspace, &why);
	if (status != STATUS_OK)
		assert_reasoned(why);
	free(stream);
	return status;
}

/* A success has to give the kernel, whatever happened to the file. */
static enum status unpack_it(void)
{
	uint8_t *out = malloc(packed.unpacked_size);

	assert_non_null(out);
	enum status status = unpack_into(out);
	if (status == STATUS_OK) {
		assert_int_equal(packed.unpacked_size, file.kernel_size);
		assert_memory_equal(out, file.kernel, file.kernel_size);
	}
	free(out);
	return status;
}

/* Both steps, of a file that may be damaged. Any size that it says is tried up to a limit. */
static enum status find_and_unpack(void)
{
	enum status status = find();

	if (status != STATUS_OK)
		return status;
	if (packed.unpacked_size > OUT_MAX)
		packed.unpacked_size = OUT_MAX;
	return unpack_it();
}

static void refused_by_find(enum status expected)
{
	assert_status(find(), expected);
}

static void refused_by_unpack(enum status expected)
{
	assert_status(find(), STATUS_OK);
	assert_status(unpack_it(), expected);
}

static bool is_packed(void)
{
	return unpack_is_packed((struct span){
		file.bytes, file.size < UNPACK_HEAD_SIZE ? file.size : UNPACK_HEAD_SIZE});
}

static int setup(void **state)
{
	unit_setup(state);
	workspace = aligned_alloc(16, UNPACK_WORKSPACE_SIZE);
	assert_non_null(workspace);
	memset(workspace, 0xa5, UNPACK_WORKSPACE_SIZE);
	return 0;
}

static int teardown(void **state)
{
	free(workspace);
	file_free();
	return unit_teardown(state);
}

/* -- what is good ---------------------------------------------------------------- */

static const size_t sizes[] = {1,      2,       63,    64,     65,      0x7fff, 0x8000,
			       0x8001, 0x1ffff, 99999, 300000, 1000000, 3000000};

static void unpack_gzip_of_each_size(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		make_gzip(sizes[i]);
		assert_true(is_packed());
		assert_status(find(), STATUS_OK);
		assert_int_equal(packed.kind, UNPACK_GZIP);
		assert_int_equal(packed.unpacked_size, sizes[i]);
		assert_ptr_equal(packed.bytes.bytes, file.bytes);
		assert_int_equal(packed.bytes.size, file.size);
		assert_status(unpack_it(), STATUS_OK);
	}
}

static void unpack_zboot_of_each_size(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		make_zboot_gzip(sizes[i]);
		assert_true(is_packed());
		assert_status(find(), STATUS_OK);
		assert_int_equal(packed.kind, UNPACK_GZIP);
		assert_ptr_equal(packed.bytes.bytes, file.bytes + ZBOOT_PAYLOAD);
		assert_status(unpack_it(), STATUS_OK);
		make_zboot_zstd(sizes[i]);
		assert_true(is_packed());
		assert_status(find(), STATUS_OK);
		assert_int_equal(packed.kind, UNPACK_ZSTD);
		assert_ptr_equal(packed.bytes.bytes, file.bytes + ZBOOT_PAYLOAD);
		assert_status(unpack_it(), STATUS_OK);
	}
}

/* The kernel's build pads a zboot kernel with the zeros of its BSS. */
static void unpack_of_mostly_zeros(void **state)
{
	size_t size;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		make_kernel(3000000);
		memset(file.kernel + 1000, 0, 2999000);
		uint8_t *payload = i < 2 ? gzip(&size) : zstd(&size);
		if (i == 0) {
			file.bytes = payload;
			file.size = size;
		} else {
			make_zboot(i == 1 ? "gzip" : "zstd", payload, size, i == 2);
		}
		assert_status(find(), STATUS_OK);
		assert_status(unpack_it(), STATUS_OK);
	}
}

/* Name, comment, extra field and a CRC of the header: RFC 1952, 2.3.1. */
static void unpack_gzip_with_optional_fields(void **state)
{
	static const uint8_t fields[] = {3,   0,   'a', 'b', 'c', 'I', 'm',
					 'a', 'g', 'e', 0,   'n', 'o', 0};

	(void)state;
	make_gzip(5000);
	uint8_t *bytes = malloc(file.size + sizeof(fields) + 2);
	assert_non_null(bytes);
	memcpy(bytes, file.bytes, 10);
	bytes[3] = 0x1e;
	memcpy(bytes + 10, fields, sizeof(fields));
	put16(bytes + 10 + sizeof(fields), (uint16_t)crc32(0, bytes, (uInt)(10 + sizeof(fields))));
	memcpy(bytes + 12 + sizeof(fields), file.bytes + 10, file.size - 10);
	free(file.bytes);
	file.bytes = bytes;
	file.size += sizeof(fields) + 2;
	refused_by_unpack(STATUS_OK);
	bytes[10 + sizeof(fields)] ^= 1;
	refused_by_unpack(STATUS_BAD_FORMAT);
}

/* As pzstd and others write it, and with a frame that is to be skipped. */
static void unpack_zstd_of_many_frames(void **state)
{
	uint8_t *payload = malloc(ZSTD_compressBound(100000) + 1000);
	size_t size = 0;

	(void)state;
	assert_non_null(payload);
	make_kernel(100000);
	for (size_t at = 0; at < file.kernel_size; at += 10000)
		size += ZSTD_compress(payload + size, ZSTD_compressBound(10000), file.kernel + at,
				      10000, 3);
	put32(payload + size, 0x184d2a50);
	put32(payload + size + 4, 100);
	size += 108;
	make_zboot("zstd", payload, size, true);
	assert_status(find(), STATUS_OK);
	assert_status(unpack_it(), STATUS_OK);
}

/* -- what is not packed ---------------------------------------------------------- */

static void unpack_of_other_files(void **state)
{
	(void)state;
	make_zboot_zstd(100);
	/* An Image, which is a PE file too, */
	memset(file.bytes + ZIMG, 0, 4);
	assert_false(is_packed());
	refused_by_find(STATUS_BAD_FORMAT);
	/* and what is not one, */
	memcpy(file.bytes, "MZ\0\1zimg", 8);
	assert_false(is_packed());
	refused_by_find(STATUS_BAD_FORMAT);
	memcpy(file.bytes, "MX\0\0zimg", 8);
	assert_false(is_packed());
	refused_by_find(STATUS_BAD_FORMAT);
	/* or half of gzip's mark. */
	memcpy(file.bytes, "\x1f\x8a", 2);
	assert_false(is_packed());
	refused_by_find(STATUS_BAD_FORMAT);
	memcpy(file.bytes, "\x1e\x8b", 2);
	assert_false(is_packed());
	refused_by_find(STATUS_BAD_FORMAT);
}

static void unpack_truncated_head(void **state)
{
	(void)state;
	make_zboot_gzip(100);
	for (file.size = 0; file.size < ZBOOT_HEADER; file.size++) {
		assert_false(is_packed());
		refused_by_find(STATUS_TRUNCATED);
	}
	assert_true(is_packed());
	make_gzip(100);
	for (file.size = 0; file.size < 18; file.size++) {
		assert_int_equal(is_packed(), file.size >= 2);
		refused_by_find(STATUS_TRUNCATED);
	}
}

/* -- gzip ------------------------------------------------------------------------ */

static void unpack_gzip_of_another_method(void **state)
{
	(void)state;
	make_gzip(1000);
	for (unsigned method = 0; method < 256; method++) {
		file.bytes[2] = (uint8_t)method;
		assert_status(find(), method == 8 ? STATUS_OK : STATUS_UNSUPPORTED);
	}
}

static void unpack_gzip_too_large_for_its_format(void **state)
{
	(void)state;
	make_gzip(1000);
	/* Refused by its size, before a byte of its end is read. */
	assert_status(unpack_find((struct span){file.bytes, UINT32_MAX + 1ul}, &packed, &why),
		      STATUS_UNSUPPORTED);
	assert_reasoned(why);
}

static void unpack_now(void *argument)
{
	uint8_t out[1];

	if (unpack(argument, out, workspace, &why) != STATUS_OK)
		return;
}

/* unpack_find() gives no such thing; zlib would see the lower half of the number. */
static void unpack_gzip_sizes_are_checked(void **state)
{
	struct packed huge;

	(void)state;
	make_gzip(1);
	assert_status(find(), STATUS_OK);
	huge = packed;
	huge.bytes.size += 1ul << 32;
	assert_int_equal(host_run(unpack_now, &huge), HOST_CHECK);
	huge = packed;
	huge.unpacked_size += 1ul << 32;
	assert_int_equal(host_run(unpack_now, &huge), HOST_CHECK);
}

static void unpack_gzip_of_nothing(void **state)
{
	(void)state;
	make_gzip(0);
	refused_by_find(STATUS_BAD_FORMAT);
}

static void unpack_gzip_bomb(void **state)
{
	(void)state;
	/* All of a size less than it holds, at the end of a match, or in the middle. */
	make_gzip(3000);
	for (uint32_t size = 1; size < 3000; size++) {
		put32(file.bytes + file.size - 4, size);
		refused_by_unpack(STATUS_TOO_LARGE);
	}
	make_kernel(1000000);
	memset(file.kernel, 0, 1000000);
	file.bytes = gzip(&file.size);
	put32(file.bytes + file.size - 4, 1000);
	refused_by_unpack(STATUS_TOO_LARGE);
	assert_non_null(strstr(why.text, "1000"));
}

static void unpack_gzip_shorter_than_it_says(void **state)
{
	(void)state;
	make_gzip(3000);
	put32(file.bytes + file.size - 4, 3001);
	refused_by_unpack(STATUS_BAD_FORMAT);
	put32(file.bytes + file.size - 4, 1000000);
	refused_by_unpack(STATUS_BAD_FORMAT);
	/* The host changes the end between the two steps. */
	put32(file.bytes + file.size - 4, 3000);
	assert_status(find(), STATUS_OK);
	packed.unpacked_size = 4000;
	assert_status(unpack_it(), STATUS_BAD_FORMAT);
}

static void unpack_gzip_crc(void **state)
{
	(void)state;
	make_gzip(3000);
	for (unsigned i = 0; i < 4; i++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			file.bytes[file.size - 8 + i] ^= (uint8_t)(1 << bit);
			refused_by_unpack(STATUS_BAD_FORMAT);
			file.bytes[file.size - 8 + i] ^= (uint8_t)(1 << bit);
		}
	}
}

/* Zeros of a padding, a second member, or anything else. */
static void unpack_gzip_with_something_behind(void **state)
{
	(void)state;
	make_gzip(3000);
	size_t size = file.size;
	file.bytes = realloc(file.bytes, 2 * size);
	assert_non_null(file.bytes);
	memset(file.bytes + size, 0, size);
	for (file.size = size + 1; file.size < size + 4; file.size++)
		assert_int_not_equal(find_and_unpack(), STATUS_OK);
	for (; file.size <= 2 * size; file.size++)
		refused_by_find(STATUS_BAD_FORMAT);
	file.size = 2 * size;
	memcpy(file.bytes + size, file.bytes, size);
	refused_by_unpack(STATUS_BAD_FORMAT);
	assert_non_null(strstr(why.text, "follow"));
	for (size_t i = 0; i < size; i++)
		file.bytes[size + i] = (uint8_t)(i | 1);
	put32(file.bytes + 2 * size - 4, 3000);
	refused_by_unpack(STATUS_BAD_FORMAT);
	assert_non_null(strstr(why.text, "follow"));
}

/* -- zboot ----------------------------------------------------------------------- */

static void unpack_zboot_of_other_compressions(void **state)
{
	/* What Makefile.zboot has had, and what starts or ends like ours. */
	static const char *const names[] = {"lz4",     "lzma",
					    "lzo",     "xzkern",
					    "",        "gzi",
					    "gzip2",   "zstd1",
					    "zstd2",   "zstd222",
					    "ZSTD",    "\1\377",
					    "zstd22 ", "0123456789012345678901234567890"};

	(void)state;
	make_zboot_zstd(1000);
	for (size_t i = 0; i < COUNT(names); i++) {
		memset(file.bytes + COMPRESSION, 0, 32);
		memcpy(file.bytes + COMPRESSION, names[i], strlen(names[i]));
		refused_by_find(STATUS_UNSUPPORTED);
		if (i != 11)
			assert_non_null(strstr(why.text, names[i]));
	}
	memset(file.bytes + COMPRESSION, 'z', 32);
	refused_by_find(STATUS_BAD_FORMAT);
}

static void unpack_zboot_payload_past_end(void **state)
{
	static const uint32_t bad[] = {1, 2, 0x7fffffff, 0x80000000, UINT32_MAX};

	(void)state;
	for (unsigned zstd_payload = 0; zstd_payload < 2; zstd_payload++) {
		if (zstd_payload)
			make_zboot_zstd(1000);
		else
			make_zboot_gzip(1000);
		uint32_t size = get32(file.bytes + PAYLOAD_SIZE);
		for (size_t i = 0; i < COUNT(bad); i++) {
			put32(file.bytes + PAYLOAD_OFFSET, ZBOOT_PAYLOAD);
			put32(file.bytes + PAYLOAD_SIZE,
			      bad[i] < 3 ? (uint32_t)file.size - ZBOOT_PAYLOAD + bad[i] : bad[i]);
			refused_by_find(STATUS_OUT_OF_RANGE);
			put32(file.bytes + PAYLOAD_SIZE, size);
			put32(file.bytes + PAYLOAD_OFFSET,
			      bad[i] < 3 ? (uint32_t)file.size - size + bad[i] : bad[i]);
			refused_by_find(STATUS_OUT_OF_RANGE);
			put32(file.bytes + PAYLOAD_OFFSET, UINT32_MAX - size + bad[i]);
			refused_by_find(STATUS_OUT_OF_RANGE);
		}
	}
}

static void unpack_zboot_payload_in_the_header(void **state)
{
	(void)state;
	make_zboot_gzip(1000);
	for (uint32_t offset = 0; offset < ZBOOT_HEADER; offset++) {
		put32(file.bytes + PAYLOAD_OFFSET, offset);
		refused_by_find(STATUS_OUT_OF_RANGE);
	}
	put32(file.bytes + PAYLOAD_OFFSET, ZBOOT_HEADER);
	refused_by_find(STATUS_BAD_FORMAT);
	put32(file.bytes + PAYLOAD_OFFSET, ZBOOT_PAYLOAD - 1);
	refused_by_find(STATUS_BAD_FORMAT);
}

static void unpack_zboot_gzip_payload_damaged(void **state)
{
	(void)state;
	make_zboot_gzip(1000);
	file.bytes[ZBOOT_PAYLOAD] = 0;
	refused_by_find(STATUS_BAD_FORMAT);
	file.bytes[ZBOOT_PAYLOAD] = 0x1f;
	file.bytes[ZBOOT_PAYLOAD + 1] = 0;
	refused_by_find(STATUS_BAD_FORMAT);
	file.bytes[ZBOOT_PAYLOAD + 1] = 0x8b;
	put32(file.bytes + PAYLOAD_SIZE, 17);
	refused_by_find(STATUS_TRUNCATED);
	put32(file.bytes + PAYLOAD_SIZE, 0);
	refused_by_find(STATUS_TRUNCATED);
}

static void unpack_zboot_without_the_size_behind(void **state)
{
	(void)state;
	make_zboot_zstd(1000);
	file.size -= 40;
	refused_by_unpack(STATUS_OK);
	for (unsigned i = 0; i < 4; i++) {
		file.size--;
		refused_by_find(STATUS_OUT_OF_RANGE);
	}
}

static void unpack_zboot_of_nothing(void **state)
{
	(void)state;
	make_zboot_zstd(1000);
	uint32_t size = get32(file.bytes + PAYLOAD_SIZE);
	put32(file.bytes + PAYLOAD_SIZE, 0);
	refused_by_find(STATUS_BAD_FORMAT);
	put32(file.bytes + PAYLOAD_SIZE, size);
	put32(file.bytes + ZBOOT_PAYLOAD + size, 0);
	refused_by_find(STATUS_BAD_FORMAT);
}

/* -- zstd ------------------------------------------------------------------------ */

static void set_zstd_size(uint32_t size)
{
	put32(file.bytes + ZBOOT_PAYLOAD + get32(file.bytes + PAYLOAD_SIZE), size);
}

static void unpack_zstd_bomb(void **state)
{
	(void)state;
	make_zboot_zstd(3000);
	for (uint32_t size = 1; size < 3000; size++) {
		set_zstd_size(size);
		refused_by_unpack(STATUS_TOO_LARGE);
	}
	make_kernel(1000000);
	memset(file.kernel, 0, 1000000);
	size_t size;
	uint8_t *payload = zstd(&size);
	make_zboot("zstd", payload, size, true);
	set_zstd_size(1000);
	refused_by_unpack(STATUS_TOO_LARGE);
	assert_non_null(strstr(why.text, "1000"));
}

static void unpack_zstd_shorter_than_it_says(void **state)
{
	(void)state;
	make_zboot_zstd(3000);
	set_zstd_size(3001);
	refused_by_unpack(STATUS_BAD_FORMAT);
	set_zstd_size(1000000);
	refused_by_unpack(STATUS_BAD_FORMAT);
}

static void unpack_zstd_checksum(void **state)
{
	(void)state;
	make_zboot_zstd(3000);
	uint8_t *end = file.bytes + ZBOOT_PAYLOAD + get32(file.bytes + PAYLOAD_SIZE);
	for (int i = -4; i < 0; i++) {
		end[i] ^= 0x10;
		refused_by_unpack(STATUS_BAD_FORMAT);
		end[i] ^= 0x10;
	}
}

/* A part of the frame is missing, or something follows it. */
static void unpack_zstd_frame_of_another_size(void **state)
{
	(void)state;
	make_zboot_zstd(3000);
	uint32_t size = get32(file.bytes + PAYLOAD_SIZE);
	for (uint32_t other = 1; other <= size + 36; other++) {
		uint8_t *end = file.bytes + ZBOOT_PAYLOAD + other;
		uint32_t covered = get32(end);
		put32(file.bytes + PAYLOAD_SIZE, other);
		set_zstd_size(3000);
		refused_by_unpack(other == size ? STATUS_OK : STATUS_BAD_FORMAT);
		put32(end, covered);
	}
}

/* -- hostile files --------------------------------------------------------------- */

static void (*const makers[])(size_t kernel_size) = {make_gzip, make_zboot_gzip, make_zboot_zstd};

/* Each byte takes several other values. A file that is good still gives the same kernel. */
static void unpack_each_byte_damaged(void **state)
{
	(void)state;
	for (size_t maker = 0; maker < COUNT(makers); maker++) {
		unsigned refusals = 0;
		makers[maker](700);
		for (size_t i = 0; i < file.size; i++) {
			uint8_t old = file.bytes[i];
			for (unsigned bit = 0; bit < 10; bit++) {
				if (bit < 8)
					file.bytes[i] = (uint8_t)(old ^ 1u << bit);
				else
					file.bytes[i] = bit == 8 ? 0 : 0xff;
				enum status status = find_and_unpack();
				assert_true(status == STATUS_OK || status == STATUS_BAD_FORMAT ||
					    status == STATUS_TOO_LARGE ||
					    status == STATUS_UNSUPPORTED ||
					    status == STATUS_TRUNCATED ||
					    status == STATUS_OUT_OF_RANGE);
				refusals += status != STATUS_OK;
			}
			file.bytes[i] = old;
		}
		assert_in_range(refusals, 1000, 10 * file.size);
		assert_status(find_and_unpack(), STATUS_OK);
	}
}

static void unpack_each_truncation(void **state)
{
	(void)state;
	for (size_t maker = 0; maker < COUNT(makers); maker++) {
		makers[maker](3000);
		size_t size = file.size;
		size_t end = size;
		if (maker > 0)
			end = ZBOOT_PAYLOAD + get32(file.bytes + PAYLOAD_SIZE) +
			      (maker == 2 ? 4 : 0);
		for (file.size = 0; file.size < end; file.size++)
			assert_int_not_equal(find_and_unpack(), STATUS_OK);
		for (; file.size <= size; file.size++)
			assert_status(find_and_unpack(), STATUS_OK);
		file.size = size;
	}
}

/* The stream alone, so that its parser meets each end, whatever the size says. */
static void unpack_each_truncated_stream(void **state)
{
	(void)state;
	for (size_t maker = 0; maker < COUNT(makers); maker++) {
		makers[maker](3000);
		assert_status(find(), STATUS_OK);
		size_t size = packed.bytes.size;
		for (packed.bytes.size = 0; packed.bytes.size < size; packed.bytes.size++)
			assert_status(unpack_it(), STATUS_BAD_FORMAT);
		assert_status(unpack_it(), STATUS_OK);
	}
}

static void unpack_random_damage(void **state)
{
	(void)state;
	for (size_t maker = 0; maker < COUNT(makers); maker++) {
		makers[maker](2000);
		uint8_t *good = malloc(file.size);
		assert_non_null(good);
		memcpy(good, file.bytes, file.size);
		for (unsigned round = 0; round < 1500; round++) {
			for (uint64_t n = 1 + unit_random_below(8); n > 0; n--)
				file.bytes[unit_random_below(file.size)] = (uint8_t)unit_random();
			/* Of those refused at once there are enough. */
			if (maker > 0)
				memcpy(file.bytes, good, ZBOOT_HEADER);
			find_and_unpack();
			memcpy(file.bytes, good, file.size);
		}
		free(good);
	}
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

/* -- the CRC of gzip ------------------------------------------------------------- */

/* Where the CPU has no instruction for it; in one piece and in two. */
static void crc32_is_zlibs(void **state)
{
	uint8_t bytes[300];

	(void)state;
	for (size_t size = 0; size <= sizeof(bytes); size++) {
		for (size_t i = 0; i < size; i++)
			bytes[i] = (uint8_t)unit_random();
		uint32_t expected = (uint32_t)crc32(0, bytes, (uInt)size);
		assert_int_equal(crc32_add(0, bytes, size), expected);
		size_t first = size / 3;
		uint32_t part = crc32_add(0, bytes, first);
		assert_int_equal(crc32_add(part, bytes + first, size - first), expected);
	}
}

static const struct CMUnitTest tests[] = {
	TEST(unpack_gzip_of_each_size),
	TEST(unpack_zboot_of_each_size),
	TEST(unpack_of_mostly_zeros),
	TEST(unpack_gzip_with_optional_fields),
	TEST(unpack_zstd_of_many_frames),
	TEST(unpack_of_other_files),
	TEST(unpack_truncated_head),
	TEST(unpack_gzip_of_another_method),
	TEST(unpack_gzip_too_large_for_its_format),
	TEST(unpack_gzip_sizes_are_checked),
	TEST(unpack_gzip_of_nothing),
	TEST(unpack_gzip_bomb),
	TEST(unpack_gzip_shorter_than_it_says),
	TEST(unpack_gzip_crc),
	TEST(unpack_gzip_with_something_behind),
	TEST(unpack_zboot_of_other_compressions),
	TEST(unpack_zboot_payload_past_end),
	TEST(unpack_zboot_payload_in_the_header),
	TEST(unpack_zboot_gzip_payload_damaged),
	TEST(unpack_zboot_without_the_size_behind),
	TEST(unpack_zboot_of_nothing),
	TEST(unpack_zstd_bomb),
	TEST(unpack_zstd_shorter_than_it_says),
	TEST(unpack_zstd_checksum),
	TEST(unpack_zstd_frame_of_another_size),
	TEST(unpack_each_byte_damaged),
	TEST(unpack_each_truncation),
	TEST(unpack_each_truncated_stream),
	TEST(unpack_random_damage),
	TEST(crc32_is_zlibs),
};

UNIT_MAIN(tests)
