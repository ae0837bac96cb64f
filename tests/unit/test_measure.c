/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include <stdio.h>

#include "measure/kernel.h"
#include "measure/measure.h"

/*
 * What is extended, and the log of that. Numbers that stand here as digests are Python's hashlib's
 * (tests/qemu/test_measure_tool.py has the log and the PCRs of whole boots).
 */

#define EVENTS_MAX 16

static struct {
	uint32_t pcr[EVENTS_MAX];
	struct pcr_digests digests[EVENTS_MAX];
	size_t count;
	size_t fails; /* the number of the one that does, from 1; 0: none */
	uint8_t log[1024];
	struct measure measure;
} boot;

static enum status extend(struct measure *measure, uint32_t pcr, const struct pcr_digests *digests)
{
	assert_ptr_equal(measure, &boot.measure);
	assert_true(boot.count < EVENTS_MAX);
	boot.pcr[boot.count] = pcr;
	boot.digests[boot.count++] = *digests;
	return boot.count == boot.fails ? STATUS_TIMEOUT : STATUS_OK;
}

static const struct pcr_banks three = {
	.count = 3,
	.bank = {{PCR_SHA256, 32}, {0xd, 64}, {PCR_SHA384, 48}},
};

/* A boot whose log has @room bytes. */
static enum status begin(const struct pcr_banks *banks, size_t room)
{
	memset(&boot, 0, sizeof(boot));
	memset(boot.log, 0xcc, sizeof(boot.log));
	boot.measure.extend = extend;
	return eventlog_begin(&boot.measure.log, boot.log, room, banks);
}

static void assert_hex(const void *bytes, const char *hex)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; hex[2 * i] != '\0'; i++) {
		char got[3];
		snprintf(got, sizeof(got), "%02x", at[i]);
		if (memcmp(got, hex + 2 * i, 2) != 0)
			fail_msg("byte %zu is %s of %s", i, got, hex);
	}
}

#define SHA256_OF_NOTHING   "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define SHA256_OF_SEPARATOR "df3f619804a92fdb4057192dc43dd748ea778adc52bc498ce80524c014b81119"
#define SHA384_OF_SEPARATOR                                                                        \
	"394341b7182cd227c5c6b07ef8000cdfd86136c4292b8e576573ad7ed9ae41019f5818b4b971c9effc60e1ad" \
	"9f1289f0"
#define SHA256_OF_ERROR "67abdd721024f0ff4e0b3f4c2fc13bc5bad42d0b7851d456d88d203d15aaa450"
#define SHA256_OF_TABLE "79d749893a6570b8dbd72c6ba7d96a4bc36021f667e61cc326e1261b8a4be3f3"
#define SHA384_OF_TABLE                                                                            \
	"c9a8540d1a4d031f0494c35c483f616559c700012d5eb705919fddfc1ca1b27870aac7947a207833fd155322" \
	"c22ee5be"

/* -- the log ----------------------------------------------------------------------- */

#define FIRST_SIZE 73
#define FIRST                                                                                      \
	"00000000030000000000000000000000000000000000000000000000"                                 \
	"29000000"                                                                                 \
	"53706563204944204576656e74303300"                                                         \
	"00000000"                                                                                 \
	"00026902"                                                                                 \
	"03000000"                                                                                 \
	"0b002000"                                                                                 \
	"0d004000"                                                                                 \
	"0c003000"                                                                                 \
	"00"
#define TABLE_SIZE (12 + 3 * 2 + 32 + 64 + 48 + 4 + 16)

static const struct span table = {(const uint8_t *)"FACS table", 10};

static void eventlog_of_one_event(void **state)
{
	(void)state;
	assert_status(begin(&three, sizeof(boot.log)), STATUS_OK);
	assert_int_equal(boot.measure.log.size, FIRST_SIZE);
	assert_hex(boot.log, FIRST);
	assert_status(measure_table(&boot.measure, "etc/acpi/tables", table), STATUS_OK);
	const uint8_t *at = boot.log + FIRST_SIZE;
	assert_hex(at, "010000000a00000003000000");
	assert_hex(at + 12, "0b00" SHA256_OF_TABLE);
	assert_hex(at + 46, "0d00fefefefe");
	assert_hex(at + 108, "fefefefe0c00" SHA384_OF_TABLE);
	assert_hex(at + 162, "10000000");
	assert_string_equal((const char *)at + 166, "etc/acpi/tables");
	assert_int_equal(boot.measure.log.size, FIRST_SIZE + TABLE_SIZE);
	assert_int_equal(boot.log[FIRST_SIZE + TABLE_SIZE], 0xcc);
}

/* An event goes whole into the log or not at all, and none follows one that did not. */
static void eventlog_is_full(void **state)
{
	(void)state;
	for (size_t room = 0; room <= FIRST_SIZE + TABLE_SIZE; room++) {
		snprintf(unit_trial, sizeof(unit_trial), "%zu bytes", room);
		enum status status = begin(&three, room);
		size_t size = room < FIRST_SIZE ? 0 : FIRST_SIZE;
		assert_status(status, size == 0 ? STATUS_TOO_LARGE : STATUS_OK);
		assert_int_equal(boot.measure.log.full, size == 0);
		assert_status(measure_table(&boot.measure, "etc/acpi/tables", table), STATUS_OK);
		if (room == FIRST_SIZE + TABLE_SIZE)
			size = room;
		assert_int_equal(boot.measure.log.full, room != FIRST_SIZE + TABLE_SIZE);
		assert_int_equal(boot.measure.log.size, size);
		/* A shorter one. */
		assert_status(measure_table(&boot.measure, "", table), STATUS_OK);
		assert_true(boot.measure.log.full);
		assert_int_equal(boot.measure.log.size, size);
		for (size_t i = size; i < sizeof(boot.log); i++)
			assert_int_equal(boot.log[i], 0xcc);
		/* It is extended all the same. */
		assert_int_equal(boot.count, 2);
		assert_hex(boot.digests[1].sha256, SHA256_OF_TABLE);
	}
}

/* Its size has no place in the event's field; its bytes are not looked at. */
static void eventlog_event_of_4_gib(void **state)
{
	const struct pcr_digests digests = {0};

	(void)state;
	assert_status(begin(&three, sizeof(boot.log)), STATUS_OK);
	boot.measure.log.room = SIZE_MAX;
	eventlog_add(&boot.measure.log, 1, EV_IPL, &digests, "x", (struct span){NULL, 1ul << 32});
	assert_true(boot.measure.log.full);
	assert_int_equal(boot.measure.log.size, FIRST_SIZE);
	assert_status(begin(&three, sizeof(boot.log)), STATUS_OK);
	boot.measure.log.room = SIZE_MAX;
	eventlog_add(&boot.measure.log, 1, EV_IPL, &digests, "x", (struct span){NULL, UINT32_MAX});
	assert_true(boot.measure.log.full);
}

/* -- events ------------------------------------------------------------------------ */

/* Type, PCR and bytes of the event that the log has at @offset. Returns where it ends. */
static size_t event_at(size_t offset, uint32_t *ret_pcr, uint32_t *ret_type, struct span *ret_bytes)
{
	const uint8_t *at = boot.log + offset;
	size_t head = 12;

	*ret_pcr = get32(at);
	*ret_type = get32(at + 4);
	assert_int_equal(get32(at + 8), boot.measure.log.banks.count);
	for (size_t i = 0; i < boot.measure.log.banks.count; i++)
		head += 2u + boot.measure.log.banks.bank[i].size;
	*ret_bytes = (struct span){at + head + 4, get32(at + head)};
	return offset + head + 4 + ret_bytes->size;
}

static void measure_events_of_the_platform(void **state)
{
	static const uint16_t version[] = u"Slipway " VERSION;
	uint32_t pcr, type;
	struct span bytes;
	struct sha2 hash;
	uint8_t digest[32];

	(void)state;
	for (unsigned failed = 0; failed < 2; failed++) {
		const struct pcr_banks one = {.count = 1, .bank = {{PCR_SHA256, 32}}};
		assert_status(begin(&one, sizeof(boot.log)), STATUS_OK);
		size_t at = boot.measure.log.size;
		assert_status(measure_version(&boot.measure), STATUS_OK);
		assert_status(
			measure_separators(&boot.measure, failed ? MEASURE_FAILED : MEASURE_OK),
			STATUS_OK);
		at = event_at(at, &pcr, &type, &bytes);
		assert_int_equal(pcr, 0);
		assert_int_equal(boot.pcr[0], 0);
		assert_int_equal(type, EV_S_CRTM_VERSION);
		assert_int_equal(bytes.size, sizeof(version));
		assert_memory_equal(bytes.bytes, version, sizeof(version));
		sha2_init(&hash, SHA2_256, SHA2_PORTABLE);
		sha2_update(&hash, bytes);
		sha2_final(&hash, digest);
		assert_memory_equal(boot.digests[0].sha256, digest, sizeof(digest));
		/* Those of what is booted too, when nobody knows what that was. */
		const uint32_t last = failed ? 9 : 7;
		for (uint32_t i = 0; i <= last; i++) {
			at = event_at(at, &pcr, &type, &bytes);
			assert_int_equal(pcr, i);
			assert_int_equal(boot.pcr[1 + i], i);
			assert_int_equal(type, EV_SEPARATOR);
			assert_int_equal(bytes.size, 4);
			assert_int_equal(get32(bytes.bytes), failed);
			assert_hex(boot.digests[1 + i].sha256,
				   failed ? SHA256_OF_ERROR : SHA256_OF_SEPARATOR);
		}
		assert_int_equal(at, boot.measure.log.size);
		assert_int_equal(boot.count, 1 + last + 1);
	}
}

static void measure_events_of_the_system(void **state)
{
	uint32_t pcr, type;
	struct span bytes;
	const struct measure_kernel kernel = {.piece = {table}};
	const struct span cmdline = {(const uint8_t *)"console=ttyS0", 14};

	(void)state;
	assert_status(begin(&three, sizeof(boot.log)), STATUS_OK);
	size_t at = boot.measure.log.size;
	assert_status(measure_kernel(&boot.measure, &kernel), STATUS_OK);
	assert_status(measure_initrd(&boot.measure, (struct span){NULL, 0}), STATUS_OK);
	assert_status(measure_cmdline(&boot.measure, cmdline), STATUS_OK);
	at = event_at(at, &pcr, &type, &bytes);
	assert_int_equal(boot.pcr[0], 9);
	assert_int_equal(pcr, 9);
	assert_int_equal(type, EV_IPL);
	assert_int_equal(bytes.size, 7);
	assert_string_equal((const char *)bytes.bytes, "kernel");
	assert_hex(boot.digests[0].sha256, SHA256_OF_TABLE);
	assert_hex(boot.digests[0].sha384, SHA384_OF_TABLE);
	at = event_at(at, &pcr, &type, &bytes);
	assert_int_equal(boot.pcr[1], 9);
	assert_int_equal(pcr, 9);
	assert_int_equal(type, EV_IPL);
	assert_int_equal(bytes.size, 7);
	assert_string_equal((const char *)bytes.bytes, "initrd");
	assert_hex(boot.digests[1].sha256, SHA256_OF_NOTHING);
	at = event_at(at, &pcr, &type, &bytes);
	assert_int_equal(boot.pcr[2], 8);
	assert_int_equal(pcr, 8);
	assert_int_equal(type, EV_IPL);
	assert_int_equal(bytes.size, 16 + 14);
	assert_string_equal((const char *)bytes.bytes, "kernel_cmdline: console=ttyS0");
	assert_hex(boot.digests[2].sha256,
		   "f18aae9b3c09e55bc3047ad361e2442d7c53372470b2958fb83293209a784f71");
	assert_int_equal(at, boot.measure.log.size);
}

/* What has not been extended is not in the log, and the separators end with the first. */
static void measure_extend_fails(void **state)
{
	(void)state;
	assert_status(begin(&three, sizeof(boot.log)), STATUS_OK);
	boot.fails = 1;
	assert_status(measure_version(&boot.measure), STATUS_TIMEOUT);
	assert_int_equal(boot.measure.log.size, FIRST_SIZE);
	boot.fails = 4;
	assert_status(measure_separators(&boot.measure, MEASURE_OK), STATUS_TIMEOUT);
	assert_int_equal(boot.count, 4);
	assert_int_equal(boot.measure.log.size, FIRST_SIZE + 2 * (TABLE_SIZE - 16 + 4));
}

/* No time goes into digests that nobody takes. */
static void measure_banks_that_are_not_active(void **state)
{
	static const struct pcr_banks other = {.count = 1, .bank = {{0x4, 20}}};

	(void)state;
	assert_status(begin(&other, sizeof(boot.log)), STATUS_OK);
	assert_status(measure_table(&boot.measure, "x", table), STATUS_OK);
	assert_hex(boot.digests[0].sha256, SHA256_OF_NOTHING);
	assert_hex(boot.log + 28 + 4 + 16 + 12 + 4 + 1 + 12, "0400fefe");
}

/* -- kernels ----------------------------------------------------------------------- */

#define KERNEL_SIZE 0x1000

static void make_kernel(uint8_t *kernel)
{
	for (unsigned i = 0; i < KERNEL_SIZE; i++)
		kernel[i] = (uint8_t)(i * 7 + i / 256);
}

/* Of the kernel in two pieces. */
static void measure_pieces(const uint8_t *kernel, size_t first, bool is_bzimage)
{
	const struct measure_kernel pieces = {
		.piece = {{kernel, first}, {kernel + first, KERNEL_SIZE - first}},
		.is_bzimage = is_bzimage,
	};

	assert_status(begin(&three, sizeof(boot.log)), STATUS_OK);
	assert_status(measure_kernel(&boot.measure, &pieces), STATUS_OK);
	assert_int_equal(boot.count, 1);
}

#define SHA256_OF_KERNEL "ee403a22e6bb0062a6c571bfcb5952bcd2af641cc9d5ac609980a714eb119429"
#define SHA384_OF_KERNEL                                                                           \
	"de6758d146664dd083e31bd93f47c143418d145f78c6617c647faded7eca3ea4e3fda66fcb8257b63e63c350" \
	"d24a2a44"

static void measure_kernel_is_normalised(void **state)
{
	static const size_t firsts[] = {0, 1, 0x1f2, 0x219, 0x257, 0x258, 0x259, 0x800, 0x1000};
	uint8_t kernel[KERNEL_SIZE];

	(void)state;
	make_kernel(kernel);
	for (size_t i = 0; i < COUNT(firsts); i++) {
		snprintf(unit_trial, sizeof(unit_trial), "cut at %zu", firsts[i]);
		measure_pieces(kernel, firsts[i], true);
		assert_hex(boot.digests[0].sha256, SHA256_OF_KERNEL);
		assert_hex(boot.digests[0].sha384, SHA384_OF_KERNEL);
		/* Other files are what they are. */
		measure_pieces(kernel, firsts[i], false);
		assert_hex(boot.digests[0].sha256,
			   "d24ac44c83cce842b67a82d2f77bcbe5e41dbd555605c92832d609e29c5a997c");
	}
	/* One that is shorter than the header. */
	const struct measure_kernel cut = {.piece = {{kernel, 0x1f0}}, .is_bzimage = true};
	const struct measure_kernel same = {.piece = {{kernel, 0x1f0}}};
	assert_status(measure_kernel(&boot.measure, &cut), STATUS_OK);
	assert_status(measure_kernel(&boot.measure, &same), STATUS_OK);
	assert_memory_equal(&boot.digests[1], &boot.digests[2], sizeof(boot.digests[1]));
}

/* Rulings 35: whether a change of a byte by a VMM is one of the kernel. */
static bool is_patched(size_t offset)
{
	return (offset >= 0x1fa && offset < 0x1fc) || offset == 0x210 ||
	       (offset >= 0x218 && offset < 0x220) || (offset >= 0x224 && offset < 0x226) ||
	       (offset >= 0x228 && offset < 0x22c) || (offset >= 0x250 && offset < 0x258);
}

static void measure_what_a_vmm_patches_alone(void **state)
{
	uint8_t kernel[KERNEL_SIZE];

	(void)state;
	for (size_t at = 0; at < 0x300; at++) {
		for (unsigned bit = 0; bit < 8; bit++) {
			bool same = is_patched(at) || (at == 0x211 && bit == 7);
			make_kernel(kernel);
			kernel[at] ^= (uint8_t)(1u << bit);
			kernel_normalise(0, kernel, sizeof(kernel));
			uint8_t changed = kernel[at];
			make_kernel(kernel);
			kernel_normalise(0, kernel, sizeof(kernel));
			snprintf(unit_trial, sizeof(unit_trial), "bit %u at 0x%zx", bit, at);
			assert_int_equal(changed == kernel[at], same);
		}
	}
	/* An old kernel's 0 is a 4. */
	make_kernel(kernel);
	kernel[0x1f1] = 0;
	kernel_normalise(0, kernel, sizeof(kernel));
	assert_int_equal(kernel[0x1f1], 4);
}

static const struct CMUnitTest tests[] = {
	UNIT_TEST(eventlog_of_one_event),
	UNIT_TEST(eventlog_is_full),
	UNIT_TEST(eventlog_event_of_4_gib),
	UNIT_TEST(measure_events_of_the_platform),
	UNIT_TEST(measure_events_of_the_system),
	UNIT_TEST(measure_extend_fails),
	UNIT_TEST(measure_banks_that_are_not_active),
	UNIT_TEST(measure_kernel_is_normalised),
	UNIT_TEST(measure_what_a_vmm_patches_alone),
};

UNIT_MAIN(tests)
