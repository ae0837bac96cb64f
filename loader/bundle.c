/* SPDX-License-Identifier: BSD-2-Clause */
#include "loader/bundle.h"

#include <string.h>

/* The blobs of a bundle, and what is wanted of a UKI: UAPI.5, "UKI Components". */
enum {
	KERNEL,
	INITRD,
	CMDLINE,
	BLOBS,
	UCODE = BLOBS, /* the first piece of INITRD; the others are second pieces */
	WANTED,
};

static const char names[WANTED][sizeof(".cmdline")] = {".linux", ".initrd", ".cmdline", ".ucode"};

static bool has_name(const struct pe_section *section, const char *name)
{
	uint64_t wanted;

	memcpy(&wanted, name, sizeof(wanted));
	return le64_get(section->Name) == wanted;
}

/* Of VirtualSize and SizeOfRawData, either may be larger: PE, "Section Table". */
static void put_section(const struct pe_section *section, unsigned index, struct bundle *bundle)
{
	uint32_t in_memory = le32_get(section->VirtualSize);
	uint32_t in_file = le32_get(section->SizeOfRawData);
	struct blob_pieces *pieces = &bundle->pieces[index == UCODE ? INITRD : index];

	pieces->piece[index != UCODE] = (struct blob_piece){
		.whole = &bundle->file,
		.offset = le32_get(section->PointerToRawData),
		.size = in_memory < in_file ? in_memory : in_file,
	};
}

/*
 * The sections before the first .profile, and in their place those of the same name between
 * it and the second, which are profile @0. Among either, a name stands once: UAPI.5,
 * "Multi-Profile UKIs".
 */
static enum status put_sections(const struct pe *pe, struct bundle *bundle, struct reason *why)
{
	unsigned profiles = 0, seen = 0;

	for (unsigned i = 0; i < pe->sections; i++) {
		const struct pe_section *section = &pe->section[i];
		if (has_name(section, ".profile")) {
			if (++profiles == 2)
				break;
			seen = 0;
		}
		for (unsigned j = 0; j < WANTED; j++) {
			if (!has_name(section, names[j]))
				continue;
			if ((seen & 1u << j) != 0)
				return refuse(why, STATUS_BAD_FORMAT, "the UKI has two sections %s",
					      names[j]);
			seen |= 1u << j;
			put_section(section, j, bundle);
		}
	}
	return STATUS_OK;
}

static enum status finish(struct bundle *bundle, struct reason *why)
{
	struct blob *const blobs[BLOBS] = {&bundle->kernel, &bundle->initrd, &bundle->cmdline};

	for (unsigned i = 0; i < BLOBS; i++) {
		enum status status = blob_of_pieces(&bundle->pieces[i], blobs[i]);
		if (status != STATUS_OK)
			return refuse(why, status, "the UKI's %s is not in its 0x%lx bytes",
				      names[i], bundle->file.size);
	}
	return STATUS_OK;
}

/* A PE file that is no kernel is a UKI, or else nothing of use. */
static enum status open_uki(const struct pe *pe, struct bundle *bundle, struct reason *why)
{
	const struct blob_piece *kernel = &bundle->pieces[KERNEL].piece[1];

	enum status status = put_sections(pe, bundle, why);
	if (status != STATUS_OK || kernel->whole == NULL)
		return status;
	if (pe->machine != bundle_machine)
		return refuse(why, STATUS_UNSUPPORTED, "the UKI is for machine type 0x%x, not 0x%x",
			      pe->machine, bundle_machine);
	if (kernel->size == 0)
		return refuse(why, STATUS_BAD_FORMAT, "the UKI's .linux is empty");
	return finish(bundle, why);
}

/* A kernel that ends at @end, if that is inside the file. */
static enum status open_kernel(uint64_t end, struct bundle *bundle, struct reason *why)
{
	/* Each kind of initrd starts with a magic number, and padding with zeros. */
	uint64_t magic[2] = {0, 0};
	uint64_t start;

	if (!checked_align_up(end, BUNDLE_ALIGNMENT, &start) || start >= bundle->file.size)
		return STATUS_OK;
	uint64_t size = bundle->file.size - start;
	enum status status =
		blob_read(&bundle->file, start, size < sizeof(magic) ? size : sizeof(magic), magic);
	if (status != STATUS_OK)
		return refuse(why, status, "what follows the kernel cannot be read");
	if ((magic[0] | magic[1]) == 0)
		return STATUS_OK;
	bundle->pieces[KERNEL].piece[1] = (struct blob_piece){&bundle->file, 0, end};
	bundle->pieces[INITRD].piece[1] = (struct blob_piece){&bundle->file, start, size};
	return finish(bundle, why);
}

enum status bundle_open(const struct blob *file, struct span head,
			void *(*map)(uint64_t address, uint64_t length), struct bundle *bundle,
			struct reason *why)
{
	uint64_t end = bundle_kernel_end(head);
	bool is_kernel = end != 0;
	struct pe pe;

	*bundle = (struct bundle){.kernel = *file, .file = *file};
	bundle->pieces[INITRD].map = map;
	if (!is_kernel)
		end = UINT64_MAX;
	if (pe_is_pe(head)) {
		enum status status = pe_read(file, head, &pe, why);
		if (!is_kernel)
			return status == STATUS_OK ? open_uki(&pe, bundle, why) : status;
		/* Where a kernel ends that has broken tables is not known. */
		uint64_t last = status == STATUS_OK ? pe_end(&pe) : UINT64_MAX;
		if (end < last)
			end = last;
	}
	return open_kernel(end, bundle, why);
}
