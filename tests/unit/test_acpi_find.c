/* SPDX-License-Identifier: BSD-2-Clause */
#include "unit.h"

#include "acpi/find.h"
#include "lib/memmap.h"

/* ACPI tables as far as the ways from the RSDP to the waking vector and to a TPM need them. */

#define RAM_END (2 * MIB)
#define RSDP    0xe0010ul
#define ROOT    0x100000ul
#define OTHER   0x101000ul
#define FADT    0x102000ul
#define FACS    0x103000ul
#define VECTOR  0x9a120u

static uint8_t *at(uint64_t address)
{
	return host_edit(address, 1);
}

static void put_table(uint64_t address, const char *signature, uint32_t length)
{
	memset(at(address), 0, 0x1000);
	memcpy(at(address), signature, 4);
	put32(at(address) + 4, length);
}

static void sum_rsdp(void)
{
	at(RSDP)[8] = 0;
	at(RSDP)[8] = (uint8_t)-unit_sum(at(RSDP), 20);
}

/* What QEMU's pc has: RSDP 0, RSDT, FADT with one pointer. */
static void make_tables(void)
{
	host_reset();
	host_add_ram(0, RAM_END);
	memset(at(RSDP), 0, 36);
	memcpy(at(RSDP), "RSD PTR ", 8);
	put32(at(RSDP) + 16, ROOT);
	sum_rsdp();
	put_table(ROOT, "RSDT", 44);
	put32(at(ROOT) + 36, OTHER);
	put32(at(ROOT) + 40, FADT);
	put_table(OTHER, "APIC", 36);
	put_table(FADT, "FACP", 116);
	put32(at(FADT) + 36, FACS);
	put_table(FACS, "FACS", 64);
	put32(at(FACS) + 12, VECTOR);
}

/* What newer machines have: RSDP 2, XSDT, FADT with both pointers. */
static void make_wide_tables(void)
{
	make_tables();
	at(RSDP)[15] = 2;
	put32(at(RSDP) + 16, 0);
	put64(at(RSDP) + 24, ROOT);
	sum_rsdp();
	put_table(ROOT, "XSDT", 52);
	put64(at(ROOT) + 36, OTHER);
	put64(at(ROOT) + 44, FADT);
	put_table(FADT, "FACP", 244);
	put64(at(FADT) + 132, FACS);
}

static enum status find(uint64_t *ret_vector)
{
	struct reason why = {""};

	enum status status = acpi_find_waking_vector(RSDP, unit_map, ret_vector, &why);
	if (status != STATUS_OK)
		assert_reasoned(why);
	return status;
}

static void finds(void)
{
	uint64_t vector = 0;

	assert_status(find(&vector), STATUS_OK);
	assert_int_equal(vector, VECTOR);
}

static void facs_by_rsdt(void **state)
{
	(void)state;
	make_tables();
	finds();
}

static void facs_by_xsdt(void **state)
{
	(void)state;
	make_wide_tables();
	finds();
	/* The wide pointer wins, and the narrow one counts without it. */
	put32(at(FADT) + 36, 0x150000);
	finds();
	put32(at(FADT) + 36, FACS);
	put64(at(FADT) + 132, 0);
	finds();
}

/* A field of a table, and what comes of this value there. */
static const struct {
	uint64_t address;
	uint32_t value;
	enum status status;
} flaws[] = {
	{RSDP, 0x20445340, STATUS_BAD_FORMAT}, /* another signature */
	{RSDP + 16, 1, STATUS_BAD_FORMAT},     /* the checksum is wrong */
	{ROOT, 0x54445358, STATUS_BAD_FORMAT}, /* XSDT, where RSDP 0 has none */
	{ROOT + 4, 35, STATUS_BAD_FORMAT},     /* shorter than its header */
	{ROOT + 4, 40, STATUS_NOT_FOUND},      /* ends before the FADT */
	{ROOT + 36, 0, STATUS_OUT_OF_RANGE},   /* a table at 0 */
	{ROOT + 36, RAM_END - 3, STATUS_OUT_OF_RANGE},
	{ROOT + 40, 0xfffffffe, STATUS_OUT_OF_RANGE},
	{FADT + 4, 39, STATUS_BAD_FORMAT},
	{FADT + 36, 0, STATUS_NOT_FOUND}, /* no FACS */
	{FADT + 36, RAM_END - 35, STATUS_OUT_OF_RANGE},
	{FACS, 0x53434147, STATUS_BAD_FORMAT},
	{FACS + 4, 63, STATUS_BAD_FORMAT},
	{FACS + 12, 0, STATUS_NOT_FOUND}, /* no vector */
	{FACS + 12, 0xfffff, STATUS_OK},
	{FACS + 12, 0x100000, STATUS_BAD_FORMAT},
};

static void facs_behind_flaws(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(flaws); i++) {
		uint64_t vector = 77;
		make_tables();
		put32(at(flaws[i].address), flaws[i].value);
		assert_status(find(&vector), flaws[i].status);
		assert_true(flaws[i].status == STATUS_OK || vector == 77);
	}
}

/* A length that lies leads to memory that is not there, and not far. */
static void facs_in_an_endless_root(void **state)
{
	uint64_t vector;

	(void)state;
	make_tables();
	put32(at(ROOT) + 4, 0xffffffff);
	for (unsigned i = 0; i < 0x1000 / 4 - 9; i++)
		put32(at(ROOT) + 36 + 4 * i, OTHER);
	assert_status(find(&vector), STATUS_NOT_FOUND);
}

static uint64_t refused_page;

static void *map_all_but_one(uint64_t address, uint64_t length)
{
	bool over = address < refused_page + 0x1000 && refused_page < address + length;

	return over ? NULL : unit_map(address, length);
}

/* What is on the way is not memory any more. */
static void facs_that_cannot_be_mapped(void **state)
{
	static const uint64_t pages[] = {RSDP & ~0xffful, ROOT, OTHER, FADT, FACS};

	(void)state;
	for (unsigned wide = 0; wide < 2; wide++) {
		for (size_t i = 0; i < COUNT(pages); i++) {
			struct reason why = {""};
			uint64_t vector = 77;
			if (wide != 0)
				make_wide_tables();
			else
				make_tables();
			refused_page = pages[i];
			assert_status(acpi_find_waking_vector(RSDP, map_all_but_one, &vector, &why),
				      STATUS_OUT_OF_RANGE);
			assert_reasoned(why);
			assert_int_equal(vector, 77);
		}
	}
}

/* A list that ends where memory does. */
static void facs_behind_a_root_at_the_end_of_memory(void **state)
{
	(void)state;
	for (unsigned beyond = 0; beyond < 2; beyond++) {
		const uint64_t root = RAM_END - 44 + 4 * beyond;
		uint64_t vector = 77;
		make_tables();
		memmove(at(root), at(ROOT), beyond != 0 ? 40 : 44);
		put32(at(RSDP) + 16, (uint32_t)root);
		sum_rsdp();
		assert_status(find(&vector), beyond != 0 ? STATUS_OUT_OF_RANGE : STATUS_OK);
		assert_int_equal(vector, beyond != 0 ? 77 : VECTOR);
	}
}

/* -- the TPM2 table ------------------------------------------------------------------ */

#define REGISTERS 0xfed40000ul

enum { START_METHOD = 48, CONTROL_AREA = 40, FIFO = 6, CRB = 7 };

static void make_tpm2(bool wide, uint32_t method, uint64_t control_area)
{
	if (wide)
		make_wide_tables();
	else
		make_tables();
	put_table(OTHER, "TPM2", 52);
	put64(at(OTHER) + CONTROL_AREA, control_area);
	put32(at(OTHER) + START_METHOD, method);
}

static bool has_tpm(void)
{
	return acpi_has_tpm(RSDP, unit_map, REGISTERS);
}

static void tpm_by_its_table(void **state)
{
	(void)state;
	for (unsigned wide = 0; wide < 2; wide++) {
		make_tpm2(wide != 0, CRB, REGISTERS + 0x40);
		assert_true(has_tpm());
		make_tpm2(wide != 0, FIFO, 0);
		assert_true(has_tpm());
	}
	make_tables();
	assert_false(has_tpm());
}

/* One that is started by ACPI, or by an SMC, or is elsewhere, is not ours to use. */
static void tpm_of_another_kind(void **state)
{
	(void)state;
	for (uint32_t method = 0; method < 16; method++) {
		make_tpm2(true, method, REGISTERS + 0x40);
		assert_int_equal(has_tpm(), method == FIFO || method == CRB);
	}
	make_tpm2(true, CRB, REGISTERS);
	assert_false(has_tpm());
	make_tpm2(true, CRB, (1ul << 32) + REGISTERS + 0x40);
	assert_false(has_tpm());
}

static void tpm_behind_flaws(void **state)
{
	(void)state;
	make_tpm2(false, FIFO, 0);
	put32(at(OTHER) + 4, 51);
	assert_false(has_tpm());
	make_tpm2(false, FIFO, 0);
	put32(at(ROOT) + 36, RAM_END - 51);
	memcpy(at(RAM_END - 51), "TPM2", 4);
	assert_false(has_tpm());
	make_tpm2(false, FIFO, 0);
	put32(at(ROOT) + 4, 35);
	assert_false(has_tpm());
	make_tpm2(false, FIFO, 0);
	refused_page = OTHER;
	assert_false(acpi_has_tpm(RSDP, map_all_but_one, REGISTERS));
}

static const struct CMUnitTest tests[] = {
	UNIT_TEST(facs_by_rsdt),
	UNIT_TEST(facs_by_xsdt),
	UNIT_TEST(facs_behind_flaws),
	UNIT_TEST(facs_in_an_endless_root),
	UNIT_TEST(facs_that_cannot_be_mapped),
	UNIT_TEST(facs_behind_a_root_at_the_end_of_memory),
	UNIT_TEST(tpm_by_its_table),
	UNIT_TEST(tpm_of_another_kind),
	UNIT_TEST(tpm_behind_flaws),
};

UNIT_MAIN(tests)
