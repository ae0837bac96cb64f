/* SPDX-License-Identifier: BSD-2-Clause */
#include "acpi/find.h"

#include <stddef.h>
#include <string.h>

#include "acpi/script.h"
#include "lib/checked.h"
#include "lib/endian.h"

/* ACPI 6.5: table 5.3, RSDP; 5.4, table header; 5.9, FADT; 5.12, FACS. */
struct rsdp {
	char signature[8];
	uint8_t checksum;
	char oem_id[6];
	uint8_t revision;
	struct le32 rsdt;
	/* revision 2 */
	struct le32 length;
	struct le64 xsdt;
};
_Static_assert(offsetof(struct rsdp, length) == ACPI_RSDP_SIZE, "ACPI 6.5, table 5.3");
#define RSDP_REVISION_XSDT 2

struct header {
	char signature[4];
	struct le32 length;
	uint8_t rest[28];
};
_Static_assert(sizeof(struct header) == 36, "ACPI 6.5, table 5.4");

#define FADT_FIRMWARE_CTRL   36
#define FADT_X_FIRMWARE_CTRL 132

#define FACS_WAKING_VECTOR 12
#define FACS_SIZE_MIN      64
#define REAL_MODE_END      0x100000

/* TCG ACPI Specification 1.4, 8: the TPM2 table. Its first two start methods for a PC. */
struct tpm2 {
	struct header header;
	struct le32 platform_class;
	struct le64 control_area;
	struct le32 start_method;
};
_Static_assert(sizeof(struct tpm2) == 52, "TCG ACPI Specification 1.4, 8");
#define START_METHOD_FIFO 6
#define START_METHOD_CRB  7

/* From the registers on; TCG PC Client Platform TPM Profile 1.05, 6.5.3. */
#define CRB_CONTROL_AREA 0x40

/* More tables have never been seen. */
#define TABLES_MAX 256

struct walk {
	void *(*map)(uint64_t address, uint64_t length);
	struct reason *why;
};

static enum status read(const struct walk *walk, uint64_t address, size_t size, void *to)
{
	const void *bytes = walk->map(address, size);

	if (bytes == NULL)
		return refuse(walk->why, STATUS_OUT_OF_RANGE,
			      "there is no memory for a table at 0x%lx", address);
	memcpy(to, bytes, size);
	return STATUS_OK;
}

static enum status read_header(const struct walk *walk, uint64_t address, const char *signature,
			       uint32_t least, uint32_t *ret_length)
{
	struct header header;

	enum status status = read(walk, address, sizeof(header), &header);
	if (status != STATUS_OK)
		return status;
	if (memcmp(header.signature, signature, sizeof(header.signature)) != 0 ||
	    le32_get(header.length) < least)
		return refuse(walk->why, STATUS_BAD_FORMAT, "there is no %s at 0x%lx", signature,
			      address);
	*ret_length = le32_get(header.length);
	return STATUS_OK;
}

/* The table that lists the others: its address, and the bytes of one address in it. */
static enum status find_root(const struct walk *walk, uint64_t address, uint64_t *ret_root,
			     size_t *ret_width)
{
	struct rsdp rsdp = {.revision = 0};

	enum status status = read(walk, address, ACPI_RSDP_SIZE, &rsdp);
	if (status != STATUS_OK)
		return status;
	if (!acpi_is_rsdp((struct span){(const uint8_t *)&rsdp, sizeof(rsdp)}))
		return refuse(walk->why, STATUS_BAD_FORMAT, "there is no RSDP at 0x%lx", address);
	if (rsdp.revision >= RSDP_REVISION_XSDT) {
		status = read(walk, address, sizeof(rsdp), &rsdp);
		*ret_root = le64_get(rsdp.xsdt);
		*ret_width = sizeof(rsdp.xsdt);
	} else {
		*ret_root = le32_get(rsdp.rsdt);
		*ret_width = sizeof(rsdp.rsdt);
	}
	return status;
}

/* STATUS_NOT_FOUND without a reason. */
static enum status find_table(const struct walk *walk, uint64_t rsdp, const char *name,
			      uint64_t *ret_table)
{
	uint64_t root;
	size_t width;
	uint32_t length;

	enum status status = find_root(walk, rsdp, &root, &width);
	if (status == STATUS_OK)
		status = read_header(walk, root, width == 8 ? "XSDT" : "RSDT",
				     sizeof(struct header), &length);
	if (status != STATUS_OK)
		return status;
	size_t count = (length - sizeof(struct header)) / width;
	for (size_t i = 0; i < count && i < TABLES_MAX; i++) {
		struct le64 address = le64_of(0);
		char signature[4];
		status = read(walk, root + sizeof(struct header) + i * width, width, &address);
		if (status == STATUS_OK)
			status = read(walk, le64_get(address), sizeof(signature), signature);
		if (status != STATUS_OK)
			return status;
		if (memcmp(signature, name, sizeof(signature)) == 0) {
			*ret_table = le64_get(address);
			return STATUS_OK;
		}
	}
	return STATUS_NOT_FOUND;
}

static enum status find_facs(const struct walk *walk, uint64_t fadt, uint64_t *ret_facs)
{
	struct le32 facs;
	struct le64 x_facs = le64_of(0);
	uint32_t length;

	enum status status =
		read_header(walk, fadt, "FACP", FADT_FIRMWARE_CTRL + sizeof(facs), &length);
	if (status == STATUS_OK)
		status = read(walk, fadt + FADT_FIRMWARE_CTRL, sizeof(facs), &facs);
	if (status == STATUS_OK && length >= FADT_X_FIRMWARE_CTRL + sizeof(x_facs))
		status = read(walk, fadt + FADT_X_FIRMWARE_CTRL, sizeof(x_facs), &x_facs);
	if (status != STATUS_OK)
		return status;
	*ret_facs = le64_get(x_facs) != 0 ? le64_get(x_facs) : le32_get(facs);
	if (*ret_facs == 0)
		return refuse(walk->why, STATUS_NOT_FOUND, "there is no FACS");
	return STATUS_OK;
}

enum status acpi_find_waking_vector(uint64_t rsdp, void *(*map)(uint64_t address, uint64_t length),
				    uint64_t *ret_vector, struct reason *why)
{
	const struct walk walk = {map, why};
	struct le32 vector;
	uint64_t fadt, facs;
	uint32_t length;

	enum status status = find_table(&walk, rsdp, "FACP", &fadt);
	if (status == STATUS_NOT_FOUND)
		return refuse(why, status, "there is no FADT");
	if (status == STATUS_OK)
		status = find_facs(&walk, fadt, &facs);
	if (status == STATUS_OK)
		status = read_header(&walk, facs, "FACS", FACS_SIZE_MIN, &length);
	if (status == STATUS_OK)
		status = read(&walk, facs + FACS_WAKING_VECTOR, sizeof(vector), &vector);
	if (status != STATUS_OK)
		return status;
	if (le32_get(vector) == 0)
		return refuse(why, STATUS_NOT_FOUND, "the FACS has no waking vector");
	if (le32_get(vector) >= REAL_MODE_END)
		return refuse(why, STATUS_BAD_FORMAT, "the waking vector 0x%x is above 1 MiB",
			      le32_get(vector));
	*ret_vector = le32_get(vector);
	return STATUS_OK;
}

bool acpi_has_tpm(uint64_t rsdp, void *(*map)(uint64_t address, uint64_t length),
		  uint64_t registers)
{
	struct reason why;
	const struct walk walk = {map, &why};
	struct tpm2 table;
	uint64_t at;

	if (find_table(&walk, rsdp, "TPM2", &at) != STATUS_OK ||
	    read(&walk, at, sizeof(table), &table) != STATUS_OK ||
	    le32_get(table.header.length) < sizeof(table))
		return false;
	uint32_t method = le32_get(table.start_method);
	return method == START_METHOD_FIFO ||
	       (method == START_METHOD_CRB &&
		le64_get(table.control_area) == registers + CRB_CONTROL_AREA);
}
