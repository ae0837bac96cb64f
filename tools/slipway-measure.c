/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Says what Slipway measures when it boots a kernel, an initrd and a command line: the event log,
 * the PCRs, the hash table of confidential VMs, and what goes into their launch digest. What is
 * measured comes from measure/, which is the firmware's own; tools/slipway-measure.1 says how it
 * is used.
 */
#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/check.h"
#include "lib/checked.h"
#include "lib/endian.h"
#include "measure/measure.h"
#include "measure/sha2_blocks.h"

#define FILES_MAX    64
#define LOG_ROOM     0x100000
#define BZIMAGE_HEAD 0x268

struct file {
	const char *name; /* as it was given, or as the host calls it */
	struct span bytes;
};

/* What is asked for. */
struct options {
	bool json, has_firmware, has_kernel;
	struct file firmware, kernel, initrd;
	const char *cmdline;
	const char *log, *hash_table; /* files to write */
	size_t tables, vmsas;
	struct file table[FILES_MAX], vmsa[FILES_MAX];
	struct pcr_banks banks;
};

/* The PCRs of the banks that we compute. */
struct pcrs {
	uint8_t sha256[PCR_COUNT][PCR_SHA256_SIZE];
	uint8_t sha384[PCR_COUNT][PCR_SHA384_SIZE];
};

static _Noreturn void give_up(const char *format, ...) __attribute__((format(printf, 1, 2)));
static _Noreturn void give_up(const char *format, ...)
{
	va_list arguments;

	fputs("slipway-measure: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(1);
}

_Noreturn void check_failed(const char *what)
{
	give_up("bug: in %s", what);
}

/* Portable code hashes here, and nothing asks for this. */
void sha256_blocks_cpu(uint32_t state[8], const uint8_t *bytes, size_t size)
{
	(void)state;
	(void)bytes;
	(void)size;
	check_failed(__func__);
}

/* -- files ------------------------------------------------------------------------- */

static struct span read_file(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t *bytes = NULL;
	size_t size = 0, room = 0, got;

	if (file == NULL)
		give_up("%s: %s", path, strerror(errno));
	do {
		if (size == room) {
			room = 2 * room + 0x10000;
			bytes = realloc(bytes, room);
			if (bytes == NULL)
				give_up("%s: no memory", path);
		}
		got = fread(bytes + size, 1, room - size, file);
		size += got;
	} while (got > 0);
	if (ferror(file))
		give_up("%s: %s", path, strerror(errno));
	fclose(file);
	return (struct span){bytes, size};
}

static void write_file(const char *path, const void *bytes, size_t size)
{
	FILE *file = fopen(path, "wb");

	if (file == NULL)
		give_up("%s: %s", path, strerror(errno));
	if (fwrite(bytes, 1, size, file) != size || fclose(file) != 0)
		give_up("%s: %s", path, strerror(errno));
}

/* -- digests ----------------------------------------------------------------------- */

static void hash(enum sha2_kind kind, const struct span *parts, size_t count, uint8_t *ret_digest)
{
	struct sha2 state;

	sha2_init(&state, kind, SHA2_PORTABLE);
	for (size_t i = 0; i < count; i++)
		sha2_update(&state, parts[i]);
	sha2_final(&state, ret_digest);
}

static struct span cmdline_bytes(const struct options *options)
{
	return (struct span){(const uint8_t *)options->cmdline, strlen(options->cmdline) + 1};
}

/* -- the hash table: QEMU target/i386/sev.c, which Cloud Hypervisor follows -------- */

struct guid {
	uint8_t byte[16];
};

struct hash_entry {
	struct guid guid;
	struct le16 size;
	uint8_t sha256[PCR_SHA256_SIZE];
};

struct hash_table {
	struct guid guid;
	struct le16 size;
	struct hash_entry cmdline, initrd, kernel;
	uint8_t padding[8];
};
_Static_assert(sizeof(struct hash_table) == 176, "QEMU target/i386/sev.c");

/* 9438d606-4f22-4cc9-b479-a793d411fd21 */
static const struct guid table_guid = {{0x06, 0xd6, 0x38, 0x94, 0x22, 0x4f, 0xc9, 0x4c, 0xb4, 0x79,
					0xa7, 0x93, 0xd4, 0x11, 0xfd, 0x21}};
/* 97d02dd8-bd20-4c94-aa78-e7714d36ab2a */
static const struct guid cmdline_guid = {{0xd8, 0x2d, 0xd0, 0x97, 0x20, 0xbd, 0x94, 0x4c, 0xaa,
					  0x78, 0xe7, 0x71, 0x4d, 0x36, 0xab, 0x2a}};
/* 44baf731-3a2f-4bd7-9af1-41e29169781d */
static const struct guid initrd_guid = {{0x31, 0xf7, 0xba, 0x44, 0x2f, 0x3a, 0xd7, 0x4b, 0x9a, 0xf1,
					 0x41, 0xe2, 0x91, 0x69, 0x78, 0x1d}};
/* 4de79437-abd2-427f-b835-d5b172d2045b */
static const struct guid kernel_guid = {{0x37, 0x94, 0xe7, 0x4d, 0xd2, 0xab, 0x7f, 0x42, 0xb8, 0x35,
					 0xd5, 0xb1, 0x72, 0xd2, 0x04, 0x5b}};

static struct hash_entry hash_entry(const struct guid *guid, struct span bytes)
{
	struct hash_entry entry = {.guid = *guid, .size = le16_of(sizeof(entry))};

	hash(SHA2_256, &bytes, 1, entry.sha256);
	return entry;
}

static struct hash_table make_hash_table(const struct options *options)
{
	return (struct hash_table){
		.guid = table_guid,
		.size = le16_of(offsetof(struct hash_table, padding)),
		.cmdline = hash_entry(&cmdline_guid, cmdline_bytes(options)),
		.initrd = hash_entry(&initrd_guid, options->initrd.bytes),
		.kernel = hash_entry(&kernel_guid, options->kernel.bytes),
	};
}

/* -- the image's own table: QEMU docs/specs/sev-guest-firmware.rst ----------------- */

#define FOOTER_END 0x20 /* before the end of the image */

struct table_entry {
	struct le16 size; /* of the data before it, and of this */
	struct guid guid;
};

/* 96b582de-1fb2-45f7-baea-a366c55a082d */
static const struct guid footer_guid = {{0xde, 0x82, 0xb5, 0x96, 0xb2, 0x1f, 0xf7, 0x45, 0xba, 0xea,
					 0xa3, 0x66, 0xc5, 0x5a, 0x08, 0x2d}};
/* 7255371f-3a3b-4b04-927b-1da6efa8d454 */
static const struct guid block_guid = {{0x1f, 0x37, 0x55, 0x72, 0x3b, 0x3a, 0x04, 0x4b, 0x92, 0x7b,
					0x1d, 0xa6, 0xef, 0xa8, 0xd4, 0x54}};
/* 00f771de-1a7e-4fcb-890e-68c77e2fb44e */
static const struct guid reset_guid = {{0xde, 0x71, 0xf7, 0x00, 0x7e, 0x1a, 0xcb, 0x4f, 0x89, 0x0e,
					0x68, 0xc7, 0x7e, 0x2f, 0xb4, 0x4e}};

static bool is_guid(const struct guid *a, const struct guid *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

/* Whether the image lists an entry for @guid. The entries are read from the end backwards. */
static bool image_lists(struct span image, const struct guid *guid)
{
	struct table_entry entry;

	if (image.size < FOOTER_END + sizeof(entry))
		return false;
	size_t at = image.size - FOOTER_END - sizeof(entry);
	memcpy(&entry, image.bytes + at, sizeof(entry));
	if (!is_guid(&entry.guid, &footer_guid))
		return false;
	/* What is left of the table, in front of @at. */
	size_t left = le16_get(entry.size);
	if (left < sizeof(entry) || left - sizeof(entry) > at)
		return false;
	left -= sizeof(entry);
	while (left >= sizeof(entry)) {
		memcpy(&entry, image.bytes + at - sizeof(entry), sizeof(entry));
		size_t size = le16_get(entry.size);
		if (size < sizeof(entry) || size > left)
			return false;
		if (is_guid(&entry.guid, guid))
			return true;
		at -= size;
		left -= size;
	}
	return false;
}

/* SHA-256 over what a VMM has the secure processor load before the guest runs. */
static void launch_digest(const struct options *options, const struct hash_table *table,
			  size_t vmsas, uint8_t *ret_digest)
{
	struct span parts[2 + FILES_MAX] = {
		options->firmware.bytes,
		{(const uint8_t *)table, sizeof(*table)},
	};

	for (size_t i = 0; i < vmsas; i++)
		parts[2 + i] = options->vmsa[i].bytes;
	hash(SHA2_256, parts, 2 + vmsas, ret_digest);
}

/* -- measurement ------------------------------------------------------------------- */

static void extend_pcr(enum sha2_kind kind, uint8_t *pcr, const uint8_t *digest, size_t size)
{
	const struct span parts[] = {{pcr, size}, {digest, size}};

	hash(kind, parts, 2, pcr);
}

static enum status extend(struct measure *measure, uint32_t pcr, const struct pcr_digests *digests)
{
	struct pcrs *pcrs = measure->context;

	extend_pcr(SHA2_256, pcrs->sha256[pcr], digests->sha256, PCR_SHA256_SIZE);
	extend_pcr(SHA2_384, pcrs->sha384[pcr], digests->sha384, PCR_SHA384_SIZE);
	return STATUS_OK;
}

/* A bzImage without what is behind its end, or any other kernel as it is. */
static struct measure_kernel kernel_of(const struct file *file)
{
	struct measure_kernel kernel = {.piece = {file->bytes}};
	const uint8_t *head = file->bytes.bytes;
	struct le32 syssize;

	if (file->bytes.size < BZIMAGE_HEAD || memcmp(head + 0x202, "HdrS", 4) != 0)
		return kernel;
	memcpy(&syssize, head + 0x1f4, sizeof(syssize));
	unsigned sectors = head[0x1f1] == 0 ? 4 : head[0x1f1];
	uint64_t end = (sectors + 1ul) * 512 + le32_get(syssize) * 16ul;
	if (end > file->bytes.size)
		give_up("%s: the bzImage is cut: %zu bytes of %lu", file->name, file->bytes.size,
			end);
	if (end < file->bytes.size)
		fprintf(stderr,
			"slipway-measure: %s: %lu bytes behind the bzImage are not measured\n",
			file->name, file->bytes.size - end);
	kernel.is_bzimage = true;
	kernel.piece[0].size = end;
	return kernel;
}

/* A PE file that is no kernel itself: UAPI.5. What is measured of it are the parts that run. */
static void refuse_unified(const struct file *file)
{
	const uint8_t *head = file->bytes.bytes;

	if (file->bytes.size >= BZIMAGE_HEAD && memcmp(head, "MZ", 2) == 0 &&
	    memcmp(head + 0x202, "HdrS", 4) != 0 && memcmp(head + 0x38, "ARM\x64", 4) != 0 &&
	    memcmp(head + 4, "zimg", 4) != 0)
		give_up("%s: a unified kernel image: give its parts (slipway-bundle extract)",
			file->name);
}

/* The boot of what is asked for, in the firmware's order. */
static void measure_boot(const struct options *options, struct measure *measure)
{
	const struct measure_kernel kernel = kernel_of(&options->kernel);
	enum status status = measure_version(measure);

	for (size_t i = 0; i < options->tables && status == STATUS_OK; i++)
		status = measure_table(measure, options->table[i].name, options->table[i].bytes);
	if (status == STATUS_OK)
		status = measure_separators(measure, MEASURE_OK);
	if (status == STATUS_OK)
		status = measure_kernel(measure, &kernel);
	if (status == STATUS_OK)
		status = measure_initrd(measure, options->initrd.bytes);
	if (status == STATUS_OK)
		status = measure_cmdline(measure, cmdline_bytes(options));
	CHECK(status == STATUS_OK);
	if (measure->log.full)
		give_up("the event log has more than %d bytes", LOG_ROOM);
}

/* -- output ------------------------------------------------------------------------ */

static void print_hex(const void *bytes, size_t size)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < size; i++)
		printf("%02x", at[i]);
}

static void print_field(const char *before, const void *bytes, size_t size, const char *after)
{
	fputs(before, stdout);
	print_hex(bytes, size);
	fputs(after, stdout);
}

/* A text as it is, without its end; anything else in hex. */
static void print_data(struct span data)
{
	size_t i = 0;

	while (i + 1 < data.size && data.bytes[i] >= ' ' && data.bytes[i] <= '~')
		i++;
	if (i > 0 && i + 1 == data.size && data.bytes[i] == '\0')
		printf("'%s'", (const char *)data.bytes);
	else
		print_hex(data.bytes, data.size);
}

static const char *bank_name(uint16_t algorithm)
{
	switch (algorithm) {
	case PCR_SHA256:
		return "sha256";
	case PCR_SHA384:
		return "sha384";
	case 0x0004:
		return "sha1";
	}
	return "sha512";
}

static const char *type_name(uint32_t type)
{
	switch (type) {
	case EV_SEPARATOR:
		return "EV_SEPARATOR";
	case EV_S_CRTM_VERSION:
		return "EV_S_CRTM_VERSION";
	case EV_PLATFORM_CONFIG_FLAGS:
		return "EV_PLATFORM_CONFIG_FLAGS";
	}
	return "EV_IPL";
}

/* An event as the log has it. */
struct event {
	uint32_t pcr, type;
	const uint8_t *digest[PCR_BANKS_MAX];
	struct span bytes;
};

static uint32_t log_number(const struct eventlog *log, size_t at)
{
	struct le32 number;

	memcpy(&number, log->bytes + at, sizeof(number));
	return le32_get(number);
}

/* The event at @at, of our own log. Returns where the next one is. */
static size_t read_event(const struct eventlog *log, size_t at, struct event *ret_event)
{
	*ret_event = (struct event){
		.pcr = log_number(log, at),
		.type = log_number(log, at + 4),
	};
	at += 12;
	for (size_t i = 0; i < log->banks.count; i++) {
		ret_event->digest[i] = log->bytes + at + 2;
		at += 2u + log->banks.bank[i].size;
	}
	ret_event->bytes = (struct span){log->bytes + at + 4, log_number(log, at)};
	return at + 4 + ret_event->bytes.size;
}

/* Where the events are that extend something: behind the first one, whose head has 32 bytes. */
static size_t first_event(const struct eventlog *log)
{
	return 32 + log_number(log, 28);
}

/* What the events of PCRs 0 to 9 lead to is known; PCR 1 only with the host's tables. */
static bool is_known(const struct options *options, unsigned pcr)
{
	return pcr != MEASURE_PCR_TABLES || options->tables > 0;
}

static const uint8_t *pcr_of(const struct pcrs *pcrs, uint16_t algorithm, unsigned pcr)
{
	if (algorithm == PCR_SHA256)
		return pcrs->sha256[pcr];
	return algorithm == PCR_SHA384 ? pcrs->sha384[pcr] : NULL;
}

static void print_text(const struct options *options, const struct measure *measure,
		       const struct hash_table *table)
{
	const struct eventlog *log = &measure->log;
	struct event event;

	print_field("hash table: ", table, sizeof(*table), "\n");
	print_field("  cmdline  ", table->cmdline.sha256, PCR_SHA256_SIZE, "\n");
	print_field("  initrd   ", table->initrd.sha256, PCR_SHA256_SIZE, "\n");
	print_field("  kernel   ", table->kernel.sha256, PCR_SHA256_SIZE, "\n");
	printf("events:\n");
	for (size_t at = first_event(log); at < log->size;) {
		at = read_event(log, at, &event);
		printf("  PCR %u %s ", event.pcr, type_name(event.type));
		print_data(event.bytes);
		printf("\n");
		for (size_t i = 0; i < log->banks.count; i++) {
			printf("    %s ", bank_name(log->banks.bank[i].algorithm));
			print_hex(event.digest[i], log->banks.bank[i].size);
			printf("\n");
		}
	}
	for (size_t i = 0; i < log->banks.count; i++) {
		const struct pcr_bank bank = log->banks.bank[i];
		printf("%s:\n", bank_name(bank.algorithm));
		for (unsigned pcr = 0; pcr <= MEASURE_PCR_LAST; pcr++) {
			const uint8_t *value = pcr_of(measure->context, bank.algorithm, pcr);
			printf("  %u ", pcr);
			if (value == NULL)
				printf("not computed: no measurement");
			else if (is_known(options, pcr))
				print_hex(value, bank.size);
			else
				printf("not known: the host's tables (--table)");
			printf("\n");
		}
	}
}

static void print_launch_text(const struct options *options, const struct hash_table *table)
{
	uint8_t digest[PCR_SHA256_SIZE];

	hash(SHA2_256, &options->firmware.bytes, 1, digest);
	printf("launch, in this order:\n");
	printf("  firmware %zu bytes, sha256 ", options->firmware.bytes.size);
	print_field("", digest, sizeof(digest), "\n");
	printf("  hash table %zu bytes%s\n", sizeof(*table),
	       image_lists(options->firmware.bytes, &block_guid)
		       ? ""
		       : "; but the image lists no place for it");
	launch_digest(options, table, 0, digest);
	print_field("  SEV launch digest ", digest, sizeof(digest), "\n");
	if (!image_lists(options->firmware.bytes, &reset_guid))
		printf("  the image has no SEV-ES reset block: no VMM starts it with SEV-ES\n");
	if (options->vmsas == 0)
		return;
	for (size_t i = 0; i < options->vmsas; i++) {
		hash(SHA2_256, &options->vmsa[i].bytes, 1, digest);
		printf("  VMSA %zu, sha256 ", i);
		print_field("", digest, sizeof(digest), "\n");
	}
	launch_digest(options, table, options->vmsas, digest);
	print_field("  SEV-ES launch digest ", digest, sizeof(digest), "\n");
}

static void print_json_events(const struct eventlog *log)
{
	struct event event;
	const char *comma = "";

	printf(" \"events\": [");
	for (size_t at = first_event(log); at < log->size; comma = ",") {
		at = read_event(log, at, &event);
		printf("%s\n  {\"pcr\": %u, \"type\": \"%s\", \"digests\": {", comma, event.pcr,
		       type_name(event.type));
		for (size_t i = 0; i < log->banks.count; i++) {
			printf("%s\"%s\": \"", i == 0 ? "" : ", ",
			       bank_name(log->banks.bank[i].algorithm));
			print_field("", event.digest[i], log->banks.bank[i].size, "\"");
		}
		print_field("}, \"event\": \"", event.bytes.bytes, event.bytes.size, "\"}");
	}
	printf("],\n");
}

static void print_json_pcrs(const struct options *options, const struct measure *measure)
{
	const char *next = "";

	printf(" \"pcrs\": {");
	for (size_t i = 0; i < measure->log.banks.count; i++) {
		const struct pcr_bank bank = measure->log.banks.bank[i];
		const char *comma = "";
		if (pcr_of(measure->context, bank.algorithm, 0) == NULL)
			continue;
		printf("%s\n  \"%s\": {", next, bank_name(bank.algorithm));
		next = ",";
		for (unsigned pcr = 0; pcr <= MEASURE_PCR_LAST; pcr++) {
			if (!is_known(options, pcr))
				continue;
			printf("%s\n   \"%u\": \"", comma, pcr);
			print_field("", pcr_of(measure->context, bank.algorithm, pcr), bank.size,
				    "\"");
			comma = ",";
		}
		printf("}");
	}
	printf("}");
}

static void print_json_launch(const struct options *options, const struct hash_table *table)
{
	uint8_t digest[PCR_SHA256_SIZE];

	hash(SHA2_256, &options->firmware.bytes, 1, digest);
	print_field(",\n \"launch\": {\n  \"firmware\": \"", digest, sizeof(digest), "\",\n");
	printf("  \"has_hash_block\": %s,\n",
	       image_lists(options->firmware.bytes, &block_guid) ? "true" : "false");
	printf("  \"has_sev_es_reset_block\": %s,\n",
	       image_lists(options->firmware.bytes, &reset_guid) ? "true" : "false");
	launch_digest(options, table, 0, digest);
	print_field("  \"sev\": \"", digest, sizeof(digest), "\"");
	if (options->vmsas > 0) {
		launch_digest(options, table, options->vmsas, digest);
		print_field(",\n  \"sev_es\": \"", digest, sizeof(digest), "\"");
	}
	printf("}");
}

static void print_json(const struct options *options, const struct measure *measure,
		       const struct hash_table *table)
{
	print_field("{\"hash_table\": {\n  \"bytes\": \"", table, sizeof(*table), "\",\n");
	print_field("  \"cmdline\": \"", table->cmdline.sha256, PCR_SHA256_SIZE, "\",\n");
	print_field("  \"initrd\": \"", table->initrd.sha256, PCR_SHA256_SIZE, "\",\n");
	print_field("  \"kernel\": \"", table->kernel.sha256, PCR_SHA256_SIZE, "\"},\n");
	print_json_events(&measure->log);
	print_json_pcrs(options, measure);
	if (options->has_firmware)
		print_json_launch(options, table);
	printf("}\n");
}

/* -- the command line -------------------------------------------------------------- */

static void take_banks(struct options *options, char *names)
{
	options->banks.count = 0;
	for (char *name = strtok(names, ","); name != NULL; name = strtok(NULL, ",")) {
		static const uint16_t algorithms[] = {0x0004, PCR_SHA256, PCR_SHA384, 0x000d};
		size_t i = 0;
		while (i < 4 && strcmp(name, bank_name(algorithms[i])) != 0)
			i++;
		if (i == 4)
			give_up("--banks: '%s' is none of sha1, sha256, sha384, sha512", name);
		for (size_t k = 0; k < options->banks.count; k++) {
			if (options->banks.bank[k].algorithm == algorithms[i])
				give_up("--banks: %s twice", name);
		}
		options->banks.bank[options->banks.count++] =
			(struct pcr_bank){algorithms[i], pcr_digest_size(algorithms[i])};
	}
	if (options->banks.count == 0)
		give_up("--banks: no bank");
}

static struct file file_of(const char *path)
{
	return (struct file){path, read_file(path)};
}

static void take_table(struct options *options, char *text)
{
	char *path = strchr(text, '=');

	if (path == NULL)
		give_up("--table: '%s' is not NAME=FILE", text);
	if (options->tables == FILES_MAX)
		give_up("--table: more than %d", FILES_MAX);
	*path++ = '\0';
	options->table[options->tables++] = (struct file){text, read_file(path)};
}

static void take_vmsa(struct options *options, const char *path)
{
	if (options->vmsas == FILES_MAX)
		give_up("--vmsa: more than %d", FILES_MAX);
	struct file file = file_of(path);
	if (file.bytes.size != 0x1000)
		give_up("%s: a VMSA has 4096 bytes, this has %zu", path, file.bytes.size);
	options->vmsa[options->vmsas++] = file;
}

static const char usage[] =
	"Usage: slipway-measure --kernel FILE [--initrd FILE] [--cmdline TEXT] [--firmware FILE]\n"
	"           [--table NAME=FILE]... [--vmsa FILE]... [--banks NAME,...]\n"
	"           [--log FILE] [--hash-table FILE] [--json]\n"
	"Says what Slipway measures when it boots that. See slipway-measure(1).\n";

static void read_options(int argc, char **argv, struct options *ret_options)
{
	static const struct option known[] = {
		{"kernel", required_argument, NULL, 'k'},
		{"initrd", required_argument, NULL, 'i'},
		{"cmdline", required_argument, NULL, 'c'},
		{"firmware", required_argument, NULL, 'f'},
		{"table", required_argument, NULL, 't'},
		{"vmsa", required_argument, NULL, 'v'},
		{"banks", required_argument, NULL, 'b'},
		{"log", required_argument, NULL, 'l'},
		{"hash-table", required_argument, NULL, 'h'},
		{"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, '?' + 1},
		{NULL, 0, NULL, 0},
	};
	int option;

	ret_options->cmdline = "";
	ret_options->banks = (struct pcr_banks){
		.count = 2,
		.bank = {{PCR_SHA256, PCR_SHA256_SIZE}, {PCR_SHA384, PCR_SHA384_SIZE}},
	};
	while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
		switch (option) {
		case 'k':
			ret_options->kernel = file_of(optarg);
			ret_options->has_kernel = true;
			break;
		case 'i':
			ret_options->initrd = file_of(optarg);
			break;
		case 'c':
			ret_options->cmdline = optarg;
			break;
		case 'f':
			ret_options->firmware = file_of(optarg);
			ret_options->has_firmware = true;
			break;
		case 't':
			take_table(ret_options, optarg);
			break;
		case 'v':
			take_vmsa(ret_options, optarg);
			break;
		case 'b':
			take_banks(ret_options, optarg);
			break;
		case 'l':
			ret_options->log = optarg;
			break;
		case 'h':
			ret_options->hash_table = optarg;
			break;
		case 'j':
			ret_options->json = true;
			break;
		case '?' + 1:
			fputs(usage, stdout);
			exit(0);
		default:
			fputs(usage, stderr);
			exit(2);
		}
	}
	if (optind < argc || !ret_options->has_kernel) {
		fputs(usage, stderr);
		exit(2);
	}
	if (ret_options->vmsas > 0 && !ret_options->has_firmware)
		give_up("--vmsa is of no use without --firmware");
}

int main(int argc, char **argv)
{
	static struct options options;
	static struct pcrs pcrs;
	static uint8_t log[LOG_ROOM];
	struct measure measure = {.extend = extend, .context = &pcrs, .engine = SHA2_PORTABLE};

	read_options(argc, argv, &options);
	refuse_unified(&options.kernel);
	if (eventlog_begin(&measure.log, log, sizeof(log), &options.banks) != STATUS_OK)
		give_up("the event log has no room");
	measure_boot(&options, &measure);
	const struct hash_table table = make_hash_table(&options);
	if (options.log != NULL)
		write_file(options.log, log, measure.log.size);
	if (options.hash_table != NULL)
		write_file(options.hash_table, &table, sizeof(table));
	if (options.json) {
		print_json(&options, &measure, &table);
	} else {
		print_text(&options, &measure, &table);
		if (options.has_firmware)
			print_launch_text(&options, &table);
	}
	if (fflush(stdout) != 0 || ferror(stdout))
		give_up("standard output: %s", strerror(errno));
	return 0;
}
