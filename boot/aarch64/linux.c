/* SPDX-License-Identifier: BSD-2-Clause */
#include "boot/aarch64/virt.h"

#include <string.h>

#include "arch/handoff.h"
#include "arch/io.h"
#include "arch/machine.h"
#include "arch/memory.h"
#include "efi/handover.h"
#include "loader/arm64.h"
#include "loader/unpack.h"

_Static_assert(SMBIOS_ENTRY_POINT_MAX == EFI_SMBIOS_SIZE, "it goes as it is");
_Static_assert(EFI_DESCRIPTOR_SIZE % 8 == 0, "the stub follows the memory map");

/* linux,uefi-secure-boot: Linux include/linux/efi.h, efi_secureboot_mode_disabled. */
#define SECURE_BOOT_DISABLED 2

/* Linux takes 64 bits for the layout and 32 bytes and more for its generator. */
#define KASLR_SEED_SIZE 8
#define RNG_SEED_SIZE   32

/* booting.rst, 2: the device tree of a kernel before 4.2, from the kernel's base on. */
#define OLD_KERNEL_REACH 0x20000000ul

/* All of the stub tree that is not the command line. */
#define STUB_SIZE 0x1000

/* What the kernel finds by its device tree, and that tree; all of it must be cleaned. */
struct told {
	uint64_t fdt;
	struct arch_range used[3];
};

struct seeds {
	uint64_t kaslr[KASLR_SEED_SIZE / 8];
	uint64_t rng[RNG_SEED_SIZE / 8];
	struct span kaslr_span; /* empty: none */
	struct span rng_span;
};

/* -- the kernel ------------------------------------------------------------------ */

/* Reads the first @length bytes. */
static enum status read_kernel(struct virt *virt, uint64_t length, uint64_t to)
{
	enum status status = virt->kernel.read(&virt->kernel, 0, length, to);
	if (status != STATUS_OK)
		return refuse(&virt->boot.why, status, "the kernel cannot be read");
	return STATUS_OK;
}

/* Reads up to @size first bytes; @ret_head is as long as the kernel has them. */
static enum status read_head(struct virt *virt, uint8_t *bytes, size_t size, struct span *ret_head)
{
	uint64_t present = virt->kernel.size < size ? virt->kernel.size : size;

	enum status status =
		present == 0 ? STATUS_OK : read_kernel(virt, present, (uintptr_t)bytes);
	if (status == STATUS_OK)
		*ret_head = (struct span){bytes, present};
	return status;
}

/* A packed kernel lies in memory as a whole before it is unpacked. */
static enum status bring_into_memory(struct virt *virt, struct span *ret_file)
{
	uint64_t size = virt->kernel.size;

	if (virt->kernel_at == 0) {
		uint64_t place;
		enum status status = boot_alloc(&virt->boot, size, MEMMAP_FIRMWARE, &place);
		if (status != STATUS_OK)
			return refuse(&virt->boot.why, status,
				      "no memory for a packed kernel of %lu bytes", size);
		status = read_kernel(virt, size, place);
		if (status != STATUS_OK)
			return status;
		virt->kernel_at = place;
	}
	const uint8_t *bytes = boot_map_ram(virt->kernel_at, size);
	if (bytes == NULL)
		return refuse(&virt->boot.why, STATUS_OUT_OF_RANGE,
			      "the kernel at 0x%lx cannot be mapped", virt->kernel_at);
	*ret_file = (struct span){bytes, size};
	return STATUS_OK;
}

/* Replaces a packed kernel by what is in it, where it can probably stay. */
static enum status unpack_kernel(struct virt *virt)
{
	struct reason *why = &virt->boot.why;
	struct span file;
	struct packed packed;
	uint64_t output, workspace;

	enum status status = bring_into_memory(virt, &file);
	if (status == STATUS_OK)
		status = unpack_find(file, &packed, why);
	if (status != STATUS_OK)
		return status;
	virt->packed = file;
	const struct memmap_request request = {
		.size = packed.unpacked_size,
		.alignment = ARM64_BASE_ALIGNMENT,
		.max = arch_map_end(),
		.type = MEMMAP_KERNEL,
	};
	status = boot_alloc(&virt->boot, UNPACK_WORKSPACE_SIZE, MEMMAP_FIRMWARE, &workspace);
	if (status == STATUS_OK)
		status = memmap_alloc(&virt->boot.map, &request, &output);
	if (status != STATUS_OK)
		return refuse(why, status, "no memory to unpack a kernel of %lu bytes into",
			      packed.unpacked_size);
	void *to = boot_map_ram(output, packed.unpacked_size);
	void *scratch = boot_map_ram(workspace, UNPACK_WORKSPACE_SIZE);
	if (to == NULL || scratch == NULL)
		return refuse(why, STATUS_NO_MEMORY, "memory for the kernel cannot be mapped");
	BOOT_STEP(unpack);
	status = unpack(&packed, to, scratch, why);
	if (status == STATUS_OK) {
		virt->kernel = boot_memory_blob(output, packed.unpacked_size);
		virt->kernel_at = output;
	}
	return status;
}

static enum status recognise(struct virt *virt, struct arm64_image *ret_image)
{
	uint8_t bytes[UNPACK_HEAD_SIZE];
	struct span head;

	enum status status = read_head(virt, bytes, sizeof(bytes), &head);
	if (status == STATUS_OK && head.size == sizeof(bytes) && !arm64_is_image(head) &&
	    unpack_is_packed(head)) {
		status = unpack_kernel(virt);
		if (status == STATUS_OK)
			status = read_head(virt, bytes, sizeof(bytes), &head);
	}
	if (status == STATUS_OK)
		status = arm64_parse(head, virt->kernel.size, ret_image, &virt->boot.why);
	if (status != STATUS_OK)
		return status;
	if (ret_image->page_size != 0 && !arch_has_page_size(ret_image->page_size))
		return refuse(&virt->boot.why, STATUS_UNSUPPORTED,
			      "the kernel has pages of %u bytes, which this CPU has not",
			      ret_image->page_size);
	return STATUS_OK;
}

static enum status place_kernel(struct virt *virt, const struct arm64_plan *plan)
{
	if (plan->load == virt->kernel_at)
		return STATUS_OK;
	return read_kernel(virt, virt->kernel.size, plan->load);
}

static enum status place_initrd(struct virt *virt, const struct arm64_plan *plan)
{
	if (plan->initrd == virt->initrd_at)
		return STATUS_OK;
	return boot_read_initrd(&virt->boot, plan->initrd);
}

/* As it was delivered, which is where it is unless it was packed. */
static void measure(struct virt *virt, const struct arm64_plan *plan)
{
	struct measure_kernel kernel = {.piece = {virt->packed}};

	if (kernel.piece[0].size == 0)
		kernel.piece[0] = (struct span){boot_map_ram(plan->load, virt->kernel.size),
						virt->kernel.size};
	boot_measure_payload(&virt->boot, &kernel, plan->initrd,
			     (struct span){virt->cmdline.bytes, virt->cmdline.size + 1});
}

/* -- what the kernel is told ----------------------------------------------------- */

static struct span fill_with_random(uint64_t *words, size_t size)
{
	for (size_t i = 0; i < size / sizeof(*words); i++) {
		if (!arch_random(&words[i]))
			return (struct span){NULL, 0};
	}
	return (struct span){(const uint8_t *)words, size};
}

/* The VMM's seeds, else the CPU's. */
static void make_seeds(const struct fdt_machine *machine, struct seeds *ret_seeds)
{
	ret_seeds->kaslr_span = machine->kaslr_seed;
	if (machine->kaslr_seed.size == 0)
		ret_seeds->kaslr_span = fill_with_random(ret_seeds->kaslr, KASLR_SEED_SIZE);
	ret_seeds->rng_span = machine->rng_seed;
	if (machine->rng_seed.size == 0)
		ret_seeds->rng_span = fill_with_random(ret_seeds->rng, RNG_SEED_SIZE);
}

/*
 * A tree with nothing but /chosen makes arm64 look for ACPI: any other node at its depth
 * would mean that the tree describes the machine (arch/arm64/kernel/acpi.c, dt_is_stub).
 */
static enum status write_stub(struct virt *virt, const struct seeds *seeds, uint64_t initrd,
			      uint64_t tables, struct arch_range map, struct arch_range stub,
			      size_t *ret_size)
{
	struct fdt_writer writer;
	void *place = boot_map_ram(stub.start, stub.size);

	if (place == NULL)
		return STATUS_NO_MEMORY;
	fdt_write_begin(&writer, place, stub.size);
	fdt_write_u32(&writer, FDT_NAME("#address-cells"), 2);
	fdt_write_u32(&writer, FDT_NAME("#size-cells"), 2);
	fdt_write_node(&writer, FDT_NAME("chosen"));
	fdt_write_string(&writer, FDT_NAME("bootargs"), virt->cmdline);
	if (virt->boot.initrd.size != 0) {
		fdt_write_u64(&writer, FDT_NAME("linux,initrd-start"), initrd);
		fdt_write_u64(&writer, FDT_NAME("linux,initrd-end"),
			      initrd + virt->boot.initrd.size);
	}
	/* Documentation/arch/arm/uefi.rst */
	fdt_write_u64(&writer, FDT_NAME("linux,uefi-system-table"), tables);
	fdt_write_u64(&writer, FDT_NAME("linux,uefi-mmap-start"), map.start);
	fdt_write_u32(&writer, FDT_NAME("linux,uefi-mmap-size"), (uint32_t)map.size);
	fdt_write_u32(&writer, FDT_NAME("linux,uefi-mmap-desc-size"), EFI_DESCRIPTOR_SIZE);
	fdt_write_u32(&writer, FDT_NAME("linux,uefi-mmap-desc-ver"), EFI_DESCRIPTOR_VERSION);
	/* Debian's and Ubuntu's kernels drop the whole hand-over without it. */
	fdt_write_u32(&writer, FDT_NAME("linux,uefi-secure-boot"), SECURE_BOOT_DISABLED);
	if (seeds->kaslr_span.size != 0)
		fdt_write_bytes(&writer, FDT_NAME("kaslr-seed"), seeds->kaslr_span);
	if (seeds->rng_span.size != 0)
		fdt_write_bytes(&writer, FDT_NAME("rng-seed"), seeds->rng_span);
	if (virt->machine.stdout_path.size != 0)
		fdt_write_string(&writer, FDT_NAME("stdout-path"), virt->machine.stdout_path);
	fdt_write_end_node(&writer);
	return fdt_write_end(&writer, ret_size);
}

/*
 * A copy for Linux, which looks in the TPM2 table and then here; older kernels look here alone
 * (drivers/char/tpm/eventlog/common.c, tpm_read_log).
 */
static enum status copy_event_log(struct virt *virt, uint64_t *ret_at)
{
	const struct eventlog *log = &virt->boot.measure.log;
	uint64_t size = EFI_EVENT_LOG_HEADER + log->size;

	*ret_at = 0;
	if (!virt->boot.is_measured)
		return STATUS_OK;
	enum status status = boot_alloc(&virt->boot, size, MEMMAP_ACPI, ret_at);
	if (status != STATUS_OK)
		return status;
	uint8_t *place = boot_map_ram(*ret_at, size);
	if (place == NULL)
		return STATUS_NO_MEMORY;
	efi_write_event_log((uint32_t)log->size, place);
	memcpy(place + EFI_EVENT_LOG_HEADER, log->bytes, log->size);
	return STATUS_OK;
}

static enum status hand_over_acpi(struct virt *virt, const struct seeds *seeds, uint64_t initrd,
				  struct told *ret_told)
{
	struct efi_facts facts = {
		.rsdp = virt->boot.rsdp,
		.smbios = virt->has_smbios ? virt->smbios : NULL,
	};
	struct arch_range stub = {0, STUB_SIZE + virt->cmdline.size +
					     virt->machine.stdout_path.size + seeds->rng_span.size +
					     seeds->kaslr_span.size};
	struct arch_range map = {0, (uint64_t)EFI_DESCRIPTORS_MAX * EFI_DESCRIPTOR_SIZE};
	struct reason *why = &virt->boot.why;
	uint64_t tables;
	size_t map_size, stub_size;

	/* A kernel that kexec starts reads the tables again (rulings 25). */
	enum status status = boot_alloc(&virt->boot, EFI_TABLES_SIZE, MEMMAP_ACPI, &tables);
	if (status == STATUS_OK)
		status =
			boot_alloc(&virt->boot, map.size + stub.size, MEMMAP_BOOT_DATA, &map.start);
	if (status == STATUS_OK)
		status = copy_event_log(virt, &facts.event_log);
	if (status != STATUS_OK)
		return refuse(why, status, "no memory for what the kernel is told");
	stub.start = map.start + map.size;
	void *page = boot_map_ram(tables, EFI_TABLES_SIZE);
	void *entries = boot_map_ram(map.start, map.size);
	if (page == NULL || entries == NULL)
		return refuse(why, STATUS_NO_MEMORY, "the EFI tables cannot be mapped");
	BOOT_STEP(efi);
	efi_write_tables(&facts, tables, page);
	status = efi_write_map(&virt->boot.map, entries, &map_size);
	map.size = map_size;
	if (status == STATUS_OK)
		status = write_stub(virt, seeds, initrd, tables, map, stub, &stub_size);
	if (status != STATUS_OK)
		return refuse(why, status, "the tables for the kernel do not fit");
	stub.size = stub_size;
	*ret_told = (struct told){stub.start, {stub, {tables, EFI_TABLES_USED}, map}};
	return STATUS_OK;
}

/*
 * Kernels before 4.2 map the 512 MiB from their base on to find it, and know no
 * flag; for those that may be anywhere, the top of RAM is as good.
 */
static uint64_t tree_limit(const struct arm64_image *image, uint64_t load)
{
	uint64_t limit = load - image->text_offset + OLD_KERNEL_REACH;

	return image->anywhere || limit > arch_map_end() ? arch_map_end() : limit;
}

static enum status hand_over_tree(struct virt *virt, const struct seeds *seeds, uint64_t initrd,
				  uint64_t limit, struct told *ret_told)
{
	const struct fdt_machine *machine = &virt->machine;
	struct fdt_chosen chosen = {
		.node = machine->chosen,
		.bootargs = virt->cmdline,
		.initrd = {initrd, virt->boot.initrd.size},
	};
	struct memmap_request request = {
		.alignment = ARM64_BASE_ALIGNMENT,
		.max = limit,
		.top_down = true,
		.type = MEMMAP_BOOT_DATA,
	};
	uint64_t start;
	size_t size;

	if (machine->kaslr_seed.size == 0)
		chosen.kaslr_seed = seeds->kaslr_span;
	if (machine->rng_seed.size == 0)
		chosen.rng_seed = seeds->rng_span;
	request.size = fdt_copy_size(virt->tree, &chosen);
	if (request.size > FDT_SIZE_MAX)
		return refuse(&virt->boot.why, STATUS_TOO_LARGE,
			      "the device tree would have %lu bytes", request.size);
	enum status status = memmap_alloc(&virt->boot.map, &request, &start);
	if (status != STATUS_OK)
		return refuse(&virt->boot.why, status, "no memory for a device tree of %lu bytes",
			      request.size);
	void *place = boot_map_ram(start, request.size);
	if (place == NULL)
		return refuse(&virt->boot.why, STATUS_NO_MEMORY,
			      "the device tree's copy at 0x%lx cannot be mapped", start);
	BOOT_STEP(fdt);
	status = fdt_copy(virt->tree, &chosen, place, request.size, &size, &virt->boot.why);
	if (status == STATUS_OK)
		*ret_told = (struct told){start, {{start, size}}};
	return status;
}

/* The kernel wipes what it has taken from its tree; the VMM's lies in its free memory. */
static void wipe(struct span secret)
{
	if (secret.size == 0)
		return;
	memset((void *)(uintptr_t)secret.bytes, 0, secret.size);
	arch_barrier(); /* or the compiler sees no use in it */
}

enum status virt_boot_linux(struct virt *virt)
{
	struct arm64_image image;
	struct arm64_plan plan;
	struct seeds seeds;
	struct told told = {0};

	enum status status = recognise(virt, &image);
	if (status != STATUS_OK)
		return status;
	const struct arm64_found found = {virt->kernel_at, virt->initrd_at, virt->boot.initrd.size};
	BOOT_STEP(placement);
	status =
		arm64_plan(&image, &found, arch_map_end(), &virt->boot.map, &plan, &virt->boot.why);
	if (status == STATUS_OK)
		status = place_kernel(virt, &plan);
	if (status == STATUS_OK)
		status = place_initrd(virt, &plan);
	if (status != STATUS_OK)
		return status;
	if (virt->boot.is_measured)
		measure(virt, &plan);

	make_seeds(&virt->machine, &seeds);
	bool acpi = virt->boot.rsdp != 0 && image.efi;
	if (acpi)
		status = hand_over_acpi(virt, &seeds, plan.initrd, &told);
	else
		status = hand_over_tree(virt, &seeds, plan.initrd, tree_limit(&image, plan.load),
					&told);
	wipe(seeds.kaslr_span);
	wipe(seeds.rng_span);
	if (status != STATUS_OK)
		return status;
	log_line(&virt->boot.log, LOG_INFO, "kernel at 0x%lx, initrd at 0x%lx + 0x%lx, %s",
		 plan.load, plan.initrd, virt->boot.initrd.size, acpi ? "ACPI" : "device tree");

	const struct arch_handoff handoff = {
		.mode = ARCH_MODE_LINUX_ARM64,
		.entry = plan.load,
		.argument = told.fdt,
		.used = {{plan.load, image.file_size}, told.used[0], told.used[1], told.used[2]},
	};
	boot_confirm_checked(&virt->boot);
	BOOT_STEP(handoff);
	arch_handoff(&handoff);
}
