/* SPDX-License-Identifier: BSD-2-Clause */
#include <zlib.h>

#include "fuzz.h"
#include "guarded.h"
#include "lib/check.h"
#include "lib/checked.h"
#include "loader/unpack.h"

/*
 * A file that may be a packed kernel: gzip, or an EFI zboot image. Neither what is unpacked nor
 * what works on it leaves its memory, and the file is not read beyond its end. zlib and zstd
 * are those of this machine.
 */

#define OUT_MAX  0x40000
#define FILE_MAX 0x10000
#define OUT_MARK 0x5a
#define END_MARK 0xc3

static struct guarded file, out, workspace;

_Noreturn void check_failed(const char *what)
{
	fuzz_failed(__FILE__, __LINE__, what);
}

static void check_found(const struct packed *packed, struct span all)
{
	REQUIRE(packed->kind == UNPACK_GZIP || packed->kind == UNPACK_ZSTD);
	REQUIRE(packed->bytes.size > 0 && packed->bytes.bytes >= all.bytes);
	REQUIRE(fits((uint64_t)(packed->bytes.bytes - all.bytes), packed->bytes.size, all.size));
	REQUIRE(packed->unpacked_size > 0 && packed->unpacked_size <= UINT32_MAX);
	REQUIRE(unpack_is_packed((struct span){
		all.bytes, all.size < UNPACK_HEAD_SIZE ? all.size : UNPACK_HEAD_SIZE}));
}

/* RFC 1952, 2.3.1: a member ends with the CRC and the size of what it holds. */
static void check_gzip(const struct packed *packed, const uint8_t *bytes)
{
	const uint8_t *trailer = packed->bytes.bytes + packed->bytes.size - 8;
	uint32_t crc, size;

	memcpy(&crc, trailer, sizeof(crc));
	memcpy(&size, trailer + 4, sizeof(size));
	REQUIRE(size == packed->unpacked_size);
	REQUIRE(crc == crc32_z(0, bytes, packed->unpacked_size));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct packed packed;
	struct reason why = {""};

	if (size > FILE_MAX)
		return 0;
	guarded_make(&file, FILE_MAX);
	guarded_make(&out, OUT_MAX);
	guarded_make(&workspace, UNPACK_WORKSPACE_SIZE + GUARDED_PAGE);
	struct span all = {guarded_end(&file, size, END_MARK), size};
	if (size != 0)
		memcpy((uint8_t *)(uintptr_t)all.bytes, bytes, size);

	enum status status = unpack_find(all, &packed, &why);
	REQUIRE((status == STATUS_OK) == (why.text[0] == '\0'));
	if (status != STATUS_OK)
		return 0;
	check_found(&packed, all);
	if (packed.unpacked_size > OUT_MAX)
		packed.unpacked_size = OUT_MAX;
	uint8_t *kernel = guarded_end(&out, packed.unpacked_size, OUT_MARK);
	uint8_t *work = guarded_end(&workspace, UNPACK_WORKSPACE_SIZE, END_MARK);
	status = unpack(&packed, kernel, work, &why);
	REQUIRE((status == STATUS_OK) == (why.text[0] == '\0'));
	REQUIRE(status == STATUS_OK || status == STATUS_BAD_FORMAT || status == STATUS_TOO_LARGE);
	guarded_check(&out, packed.unpacked_size, OUT_MARK);
	guarded_check(&workspace, UNPACK_WORKSPACE_SIZE, END_MARK);
	REQUIRE(size == 0 || memcmp(all.bytes, bytes, size) == 0);
	if (status == STATUS_OK && packed.kind == UNPACK_GZIP)
		check_gzip(&packed, kernel);
	return 0;
}
