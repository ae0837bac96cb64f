/* SPDX-License-Identifier: BSD-2-Clause */
#include "loader/unpack.h"

#include <string.h>

#define ZLIB_CONST /* input stays as it is */
#include <zlib.h>
#define ZSTD_STATIC_LINKING_ONLY /* for a context in our memory */
#include <zstd.h>
#include <zstd_errors.h>

#include "lib/check.h"
#include "lib/checked.h"
#include "lib/endian.h"

/* The fixed part of a gzip member's header: RFC 1952, 2.3. */
struct gzip_header {
	uint8_t id1;
	uint8_t id2;
	uint8_t cm;
	uint8_t flg;
	struct le32 mtime;
	uint8_t xfl;
	uint8_t os;
};
_Static_assert(sizeof(struct gzip_header) == 10, "RFC 1952, 2.3");

/* What a member ends with: RFC 1952, 2.3.1. */
struct gzip_trailer {
	struct le32 crc32;
	struct le32 isize;
};
_Static_assert(sizeof(struct gzip_trailer) == 8, "RFC 1952, 2.3.1");

#define GZIP_ID1     0x1f
#define GZIP_ID2     0x8b
#define GZIP_DEFLATE 8

/* For inflateInit2(): the largest window, and only gzip's header and trailer. */
#define WINDOW_BITS_GZIP (15 + 16)

/* The start of an EFI zboot image: Linux drivers/firmware/efi/libstub/zboot-header.S. */
struct zboot_header {
	char mz[4];
	char zimg[4];
	struct le32 payload_offset;
	struct le32 payload_size;
	struct le32 reserved[2];
	char compression[32];
};
_Static_assert(sizeof(struct zboot_header) == 0x38, "zboot-header.S: LINUX_PE_MAGIC follows");
_Static_assert(sizeof(struct zboot_header) <= UNPACK_HEAD_SIZE, "is in the head");

static bool is_gzip(struct span head)
{
	return head.size >= 2 && head.bytes[0] == GZIP_ID1 && head.bytes[1] == GZIP_ID2;
}

static bool read_zboot(struct span head, struct zboot_header *ret_header)
{
	struct zboot_header header;

	if (!span_read(head, 0, sizeof(header), &header) || memcmp(header.mz, "MZ\0", 4) != 0 ||
	    memcmp(header.zimg, "zimg", sizeof(header.zimg)) != 0)
		return false;
	*ret_header = header;
	return true;
}

bool unpack_is_packed(struct span head)
{
	struct zboot_header header;

	return is_gzip(head) || read_zboot(head, &header);
}

static enum status find_gzip(struct span bytes, struct packed *ret_packed, struct reason *why)
{
	struct gzip_header header;
	struct gzip_trailer trailer;

	if (!span_read(bytes, 0, sizeof(header), &header) ||
	    bytes.size < sizeof(header) + sizeof(trailer))
		return refuse(why, STATUS_TRUNCATED, "a gzip file of %lu bytes has no end",
			      bytes.size);
	if (header.id1 != GZIP_ID1 || header.id2 != GZIP_ID2)
		return refuse(why, STATUS_BAD_FORMAT, "the kernel's payload is not gzip");
	if (header.cm != GZIP_DEFLATE)
		return refuse(why, STATUS_UNSUPPORTED, "compression method %u of gzip", header.cm);
	/* zlib counts in 32 bits, and so does ISIZE: a larger file only says less than it holds. */
	if (bytes.size > UINT32_MAX)
		return refuse(why, STATUS_UNSUPPORTED, "a gzip file of %lu bytes is too large",
			      bytes.size);
	memcpy(&trailer, bytes.bytes + bytes.size - sizeof(trailer), sizeof(trailer));
	if (le32_get(trailer.isize) == 0)
		return refuse(why, STATUS_BAD_FORMAT,
			      "the gzip file holds nothing, or something follows it");
	*ret_packed = (struct packed){UNPACK_GZIP, bytes, le32_get(trailer.isize)};
	return STATUS_OK;
}

/*
 * The size of the kernel, which the build appends to every payload but gzip, follows the
 * payload and is not in its size (Makefile.zboot, zboot-size-len-y).
 */
static enum status find_zstd(struct span file, uint64_t offset, uint64_t size,
			     struct packed *ret_packed, struct reason *why)
{
	struct le32 unpacked_size;

	if (!span_read(file, offset + size, sizeof(unpacked_size), &unpacked_size))
		return refuse(why, STATUS_OUT_OF_RANGE, "no size follows the kernel's payload");
	if (size == 0 || le32_get(unpacked_size) == 0)
		return refuse(why, STATUS_BAD_FORMAT, "the kernel's payload is empty");
	*ret_packed =
		(struct packed){UNPACK_ZSTD, {file.bytes + offset, size}, le32_get(unpacked_size)};
	return STATUS_OK;
}

static bool is_name(const char *text, const char *name)
{
	return memcmp(text, name, strlen(name) + 1) == 0;
}

static enum status find_zboot(struct span file, const struct zboot_header *header,
			      struct packed *ret_packed, struct reason *why)
{
	uint64_t offset = le32_get(header->payload_offset);
	uint64_t size = le32_get(header->payload_size);

	if (memchr(header->compression, '\0', sizeof(header->compression)) == NULL)
		return refuse(why, STATUS_BAD_FORMAT, "the kernel's compression has no name");
	if (offset < sizeof(*header) || !fits(offset, size, file.size))
		return refuse(
			why, STATUS_OUT_OF_RANGE,
			"the kernel's payload, 0x%lx bytes at 0x%lx, is not in its 0x%lx bytes",
			size, offset, file.size);
	if (is_name(header->compression, "gzip"))
		return find_gzip((struct span){file.bytes + offset, size}, ret_packed, why);
	if (is_name(header->compression, "zstd22") || is_name(header->compression, "zstd"))
		return find_zstd(file, offset, size, ret_packed, why);
	return refuse(why, STATUS_UNSUPPORTED, "the kernel is compressed with \"%s\"",
		      header->compression);
}

enum status unpack_find(struct span file, struct packed *ret_packed, struct reason *why)
{
	struct zboot_header header;

	if (is_gzip(file))
		return find_gzip(file, ret_packed, why);
	if (read_zboot(file, &header))
		return find_zboot(file, &header, ret_packed, why);
	if (file.size < sizeof(header))
		return refuse(why, STATUS_TRUNCATED, "a packed kernel of %lu bytes has no header",
			      file.size);
	return refuse(why, STATUS_BAD_FORMAT, "the kernel is not packed");
}

/* What is left of the workspace. Nothing is given back. */
struct arena {
	uint8_t *next;
	size_t left;
};

static voidpf arena_alloc(voidpf opaque, uInt items, uInt size)
{
	struct arena *arena = opaque;
	/* Cannot wrap. No type that zlib has needs more than this alignment. */
	uint64_t bytes = align_down((uint64_t)items * size + 15, 16);

	if (bytes > arena->left)
		return Z_NULL;
	void *start = arena->next;
	arena->next += bytes;
	arena->left -= bytes;
	return start;
}

static void arena_free(voidpf opaque, voidpf address)
{
	(void)opaque;
	(void)address;
}

/*
 * In one call, so that zlib needs no window of its own: it looks back into @out. It compares the
 * CRC and the size with the trailer.
 */
static enum status unpack_gzip(const struct packed *packed, void *out, void *workspace,
			       struct reason *why)
{
	struct arena arena = {workspace, UNPACK_WORKSPACE_SIZE};

	CHECK(packed->bytes.size <= UINT32_MAX && packed->unpacked_size <= UINT32_MAX);
	z_stream stream = {
		.next_in = packed->bytes.bytes,
		.avail_in = (uInt)packed->bytes.size,
		.next_out = out,
		.avail_out = (uInt)packed->unpacked_size,
		.zalloc = arena_alloc,
		.zfree = arena_free,
		.opaque = &arena,
	};
	CHECK(inflateInit2(&stream, WINDOW_BITS_GZIP) == Z_OK);
	int code = inflate(&stream, Z_FINISH);
	if (code == Z_STREAM_END && stream.avail_in != 0)
		return refuse(why, STATUS_BAD_FORMAT, "%u bytes follow the end of the gzip file",
			      stream.avail_in);
	if (code == Z_STREAM_END && stream.avail_out == 0)
		return STATUS_OK;
	if (code == Z_BUF_ERROR && stream.avail_in != 0)
		return refuse(why, STATUS_TOO_LARGE,
			      "the gzip file holds more than the %lu bytes that its end says",
			      packed->unpacked_size);
	if (code == Z_BUF_ERROR || code == Z_STREAM_END)
		return refuse(why, STATUS_BAD_FORMAT, "the gzip file ends early, after %lu bytes",
			      stream.total_out);
	return refuse(why, STATUS_BAD_FORMAT, "the gzip file is damaged, after %lu bytes",
		      stream.total_out);
}

/* What is read and written by the steps of zstd. */
struct steps {
	struct span from;
	uint8_t *to;
	size_t room;
};

/* One frame, which says of each step how much of it wants to be read; zero or an error of zstd. */
static size_t unpack_frame(ZSTD_DCtx *context, struct steps *steps)
{
	size_t error = ZSTD_decompressBegin(context);
	size_t step;

	while (!ZSTD_isError(error) && (step = ZSTD_nextSrcSizeToDecompress(context)) > 0) {
		if (step > steps->from.size)
			return (size_t)-ZSTD_error_srcSize_wrong;
		size_t size = ZSTD_decompressContinue(context, steps->to, steps->room,
						      steps->from.bytes, step);
		if (ZSTD_isError(size))
			return size;
		steps->from = (struct span){steps->from.bytes + step, steps->from.size - step};
		steps->to += size;
		steps->room -= size;
	}
	return error;
}

/*
 * In steps into one place, where zstd looks back: as a stream, it needs room for a window, which in
 * Linux's build is 128 MiB, and in one call, it brings what it needs for dictionaries.
 */
static enum status unpack_zstd(const struct packed *packed, void *out, void *workspace,
			       struct reason *why)
{
	ZSTD_DCtx *context = ZSTD_initStaticDCtx(workspace, UNPACK_WORKSPACE_SIZE);
	struct steps steps = {packed->bytes, out, packed->unpacked_size};
	size_t size = 0;

	CHECK(context != NULL);
	while (steps.from.size > 0 && !ZSTD_isError(size))
		size = unpack_frame(context, &steps);
	if (!ZSTD_isError(size))
		size = packed->unpacked_size - steps.room;
	if (size == packed->unpacked_size)
		return STATUS_OK;
	if (!ZSTD_isError(size))
		return refuse(why, STATUS_BAD_FORMAT,
			      "the kernel's payload holds %lu bytes, not the %lu that it says",
			      size, packed->unpacked_size);
	if (ZSTD_getErrorCode(size) == ZSTD_error_dstSize_tooSmall)
		return refuse(why, STATUS_TOO_LARGE,
			      "the kernel's payload holds more than the %lu bytes that it says",
			      packed->unpacked_size);
	return refuse(why, STATUS_BAD_FORMAT, "the kernel's payload is damaged, zstd error %u",
		      ZSTD_getErrorCode(size));
}

enum status unpack(const struct packed *packed, void *out, void *workspace, struct reason *why)
{
	if (packed->kind == UNPACK_ZSTD)
		return unpack_zstd(packed, out, workspace, why);
	return unpack_gzip(packed, out, workspace, why);
}
