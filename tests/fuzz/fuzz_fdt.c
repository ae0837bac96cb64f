/* SPDX-License-Identifier: BSD-2-Clause */
#include <stdbool.h>

#include <libfdt.h>

#include "fdt/fdt.h"
#include "fuzz.h"
#include "guarded.h"
#include "lib/check.h"
#include "lib/checked.h"

/*
 * A device tree, read, looked for devices, and copied: a byte of OPTIONS, one with the lengths of
 * what is put into /chosen, two with what the copy's room is too small by, and the tree.
 *
 * libfdt, which works on the copy, is this machine's. What it then says of the copy has to be
 * what fdt_read() says.
 */

enum options {
	HAS_BOOTARGS = 0x01,
	HAS_INITRD = 0x02,
	HAS_KASLR_SEED = 0x04,
	HAS_RNG_SEED = 0x08,
	SMALL_ROOM = 0x10,
};

#define TREE_MAX   0x10000
#define COPY_MAX   0x20000
#define COPY_MARK  0x5a
#define SEED_BYTES 64

static const uint8_t text[SEED_BYTES] =
	"console=ttyAMA0 root=/dev/vda ro earlycon panic=-1 quiet splash";
static struct guarded original, copied;
static struct fdt_machine machine, again;

_Noreturn void check_failed(const char *what)
{
	fuzz_failed(__FILE__, __LINE__, what);
}

static void check_span(struct span span, struct span tree)
{
	REQUIRE(span.size == 0 ||
		(span.bytes >= tree.bytes &&
		 fits((uint64_t)(span.bytes - tree.bytes), span.size, tree.size)));
}

static void check_ranges(const struct fdt_range *range, size_t count)
{
	uint64_t end;

	for (size_t i = 0; i < count; i++)
		REQUIRE(range[i].size > 0 && checked_add(range[i].start, range[i].size, &end));
}

static void check_machine(struct span tree)
{
	uint64_t end;

	REQUIRE(machine.memories <= FDT_MEMORY_MAX && machine.reservations <= FDT_RESERVED_MAX);
	check_ranges(machine.memory, machine.memories);
	check_ranges(machine.reserved, machine.reservations);
	REQUIRE(machine.psci <= FDT_PSCI_SMC && machine.console <= FDT_CONSOLE_16550);
	REQUIRE(checked_add(machine.kernel.start, machine.kernel.size, &end));
	REQUIRE(checked_add(machine.initrd.start, machine.initrd.size, &end));
	check_span(machine.bootargs, tree);
	check_span(machine.stdout_path, tree);
	check_span(machine.kaslr_seed, tree);
	check_span(machine.rng_seed, tree);
}

/* What is found somewhere is a range, wherever that may be. */
static void check_devices(struct span tree)
{
	static const char *const kinds[] = {"tcg,tpm-tis-mmio", "arm,pl011", "qemu,fw-cfg-mmio"};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct fdt_range registers = {0};
		bool is_found = fdt_find_device(tree, kinds[i], &registers);
		REQUIRE(is_found == (registers.size != 0));
		if (is_found)
			check_ranges(&registers, 1);
	}
}

static bool same_span(struct span a, struct span b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.bytes, b.bytes, a.size) == 0);
}

static bool same_ranges(const struct fdt_range *a, const struct fdt_range *b, size_t count)
{
	return count == 0 || memcmp(a, b, count * sizeof(*a)) == 0;
}

/* FDT_END is the last word of a copy's structure; what precedes it is END_NODE or NOP. */
static uint32_t tag_before_end(struct span copy)
{
	return fdt32_ld((const fdt32_t *)(copy.bytes + fdt_off_dt_struct(copy.bytes) +
					  fdt_size_dt_struct(copy.bytes) - 8));
}

/* The copy tells the same of the machine, and what it was given of the boot. */
static void check_copy(struct span copy, const struct fdt_chosen *chosen)
{
	struct reason why = {""};

	/* A root with a name or with a NOP behind it is a fault to libfdt, and to nobody else. */
	bool is_odd = *fdt_get_name(copy.bytes, 0, NULL) != '\0' || tag_before_end(copy) == FDT_NOP;
	REQUIRE(fdt_check_full(copy.bytes, copy.size) == (is_odd ? -FDT_ERR_BADSTRUCTURE : 0));
	REQUIRE(fdt_totalsize(copy.bytes) == copy.size);
	REQUIRE(fdt_read(copy, &again, &why) == STATUS_OK);
	REQUIRE(again.memories == machine.memories &&
		same_ranges(again.memory, machine.memory, machine.memories));
	REQUIRE(again.reservations == machine.reservations &&
		same_ranges(again.reserved, machine.reserved, machine.reservations));
	REQUIRE(same_ranges(&again.fwcfg, &machine.fwcfg, 1) && again.psci == machine.psci);
	REQUIRE(again.console == machine.console &&
		again.console_address == machine.console_address &&
		again.console_shift == machine.console_shift);
	REQUIRE(same_span(again.stdout_path, machine.stdout_path));
	REQUIRE(same_span(again.bootargs, chosen->bootargs));
	REQUIRE(same_ranges(&again.initrd, &chosen->initrd, 1));
	REQUIRE(again.kernel.size == 0);
	REQUIRE(same_span(again.kaslr_seed,
			  chosen->kaslr_seed.size != 0 ? chosen->kaslr_seed : machine.kaslr_seed));
	REQUIRE(same_span(again.rng_seed,
			  chosen->rng_seed.size != 0 ? chosen->rng_seed : machine.rng_seed));
}

static struct fdt_chosen choose(unsigned options, unsigned lengths)
{
	struct fdt_chosen chosen = {0};

	if ((options & HAS_BOOTARGS) != 0)
		chosen.bootargs = (struct span){text, lengths % (SEED_BYTES - 1)};
	if ((options & HAS_INITRD) != 0)
		chosen.initrd = (struct fdt_range){0x48000000, lengths + 1};
	if ((options & HAS_KASLR_SEED) != 0)
		chosen.kaslr_seed = (struct span){text, 8};
	if ((options & HAS_RNG_SEED) != 0)
		chosen.rng_seed = (struct span){text, lengths % SEED_BYTES};
	return chosen;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct input input = {bytes, size};
	struct reason why = {""};
	size_t total, copy_size = 0;

	unsigned options = input_byte(&input);
	struct fdt_chosen chosen = choose(options, input_byte(&input));
	size_t missing = input_number(&input, 2);
	if (input.left > TREE_MAX || input.left < FDT_HEADER_SIZE)
		return 0;
	guarded_make(&original, TREE_MAX);
	guarded_make(&copied, COPY_MAX);
	/* A VMM aligns it, as the boot requires. */
	size_t padded = (input.left + 7) & ~7ul;
	struct span tree = {NULL, padded};
	/* Only what fdt_reach() says is there. */
	if (fdt_total_size(input.at, &total, &why) == STATUS_OK && total <= padded) {
		tree.size = total;
		padded = (fdt_reach(input.at) + 7) & ~7ul;
	}
	if (input.left > padded)
		input.left = padded;
	uint8_t *place = guarded_end(&original, padded, 0);
	memcpy(place, input.at, input.left);
	memset(place + input.left, 0, padded - input.left);
	tree.bytes = place;

	memset(&machine, 0x77, sizeof(machine));
	enum status status = fdt_read(tree, &machine, &why);
	REQUIRE((status == STATUS_OK) == (why.text[0] == '\0'));
	if (status != STATUS_OK)
		return 0;
	check_machine(tree);
	check_devices(tree);
	chosen.node = machine.chosen;

	size_t room = fdt_copy_size(tree, &chosen);
	if ((options & SMALL_ROOM) != 0)
		room -= missing < room ? missing : room;
	REQUIRE(room <= COPY_MAX);
	/* libfdt wants it aligned; the page that cannot be touched is up to 7 bytes away. */
	size_t aligned = (room + 7) & ~7ul;
	uint8_t *copy = guarded_end(&copied, aligned, COPY_MARK);
	memset(copy + room, COPY_MARK, aligned - room);
	status = fdt_copy(tree, &chosen, copy, room, &copy_size, &why);
	guarded_check(&copied, aligned, COPY_MARK);
	for (size_t i = room; i < aligned; i++)
		REQUIRE(copy[i] == COPY_MARK);
	REQUIRE(memcmp(place, input.at, input.left) == 0);
	REQUIRE((status == STATUS_OK) == (why.text[0] == '\0'));
	/* What fdt_read() takes, libfdt can edit. */
	REQUIRE(status != STATUS_BAD_FORMAT);
	REQUIRE(status != STATUS_TOO_LARGE || (options & SMALL_ROOM) != 0);
	if (status != STATUS_OK) {
		REQUIRE(copy_size == 0);
		return 0;
	}
	REQUIRE(copy_size <= room);
	check_copy((struct span){copy, copy_size}, &chosen);
	return 0;
}
