/* SPDX-License-Identifier: BSD-2-Clause */
#include "arch/host/host.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "arch/host/guard.h"
#include "arch/io.h"
#include "arch/machine.h"
#include "arch/port.h"
#include "lib/check.h"
#include "lib/format.h"

#define REGIONS_MAX 8
#define DEVICES_MAX 8

/* RAM repeats one run of bytes, whose pages are copied when they are written to. */
#define PATTERN_SIZE 0x1000000ul

/* Ours does not have the stack and the page tables that the real one has. */
#define WORK_AREA_START 0x30000
#define WORK_AREA_SIZE  0x23000

/* arch/x86_64/layout.h */
#define HASH_BLOCK      0x10c00
#define HASH_BLOCK_SIZE 0x400

struct host host;

static struct host_region ram[REGIONS_MAX];
static struct arch_range refused[REGIONS_MAX];
static size_t ram_count, refused_count;
static struct host_device devices[DEVICES_MAX];
static struct host_mmio_device mmio_devices[DEVICES_MAX];
static size_t device_count, mmio_device_count;
static uint8_t *guest; /* where guest-physical address 0 is */
static const uint8_t *pattern;
static int pattern_file = -1;
static void *image_alias;
static size_t image_alias_size;
static jmp_buf escape;
static bool running;
static enum host_end end_of_run;

static _Noreturn void broken(const char *what)
{
	fprintf(stderr, "arch/host: %s\n", what);
	abort();
}

/* -- memory ---------------------------------------------------------------------- */

static void make_pattern(void)
{
	uint64_t x = 88172645463325252ul;
	uint64_t *words;

	pattern_file = memfd_create("pattern", 0);
	if (pattern_file < 0 || ftruncate(pattern_file, PATTERN_SIZE) != 0)
		broken("no memory for the pattern");
	words = mmap(NULL, PATTERN_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, pattern_file, 0);
	guest = mmap(NULL, HOST_OWN_START, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
		     -1, 0);
	if (words == MAP_FAILED || guest == MAP_FAILED)
		broken("no address space for the guest");
	/* xorshift: G. Marsaglia, Journal of Statistical Software 8 (14), 2003 */
	for (size_t i = 0; i < PATTERN_SIZE / sizeof(*words); i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		words[i] = x;
	}
	pattern = (const uint8_t *)words;
}

static void map_pattern(struct host_region region)
{
	for (uint64_t done = 0; done < region.size;) {
		uint64_t offset = (region.start + done) % PATTERN_SIZE;
		uint64_t piece = PATTERN_SIZE - offset;
		if (piece > region.size - done)
			piece = region.size - done;
		if (mmap(region.bytes + done, piece, PROT_READ,
			 MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE, pattern_file,
			 (off_t)offset) == MAP_FAILED)
			broken("no memory for the guest");
		done += piece;
	}
	ram[ram_count++] = region;
	host_guard();
}

const struct host_region *host_region(size_t index)
{
	return index < ram_count ? &ram[index] : NULL;
}

static void check_new_ram(uint64_t start, uint64_t size, uint64_t limit)
{
	if (ram_count == REGIONS_MAX || start % HOST_PAGE != 0 || size % HOST_PAGE != 0 ||
	    start > limit || size > limit - start)
		broken("host_add_ram() cannot have that");
}

void host_add_ram(uint64_t start, uint64_t size)
{
	check_new_ram(start, size, HOST_OWN_START);
	map_pattern((struct host_region){start, size, guest + start, false});
}

void host_add_ram_in_place(uint64_t start, uint64_t size)
{
	void *place = (void *)(uintptr_t)start;

	check_new_ram(start, size, HOST_IN_PLACE_END);
	if (mmap(place, size, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0) != place)
		broken("the RAM's address is taken in this process");
	map_pattern((struct host_region){start, size, place, true});
}

static void remove_ram(void)
{
	for (size_t i = 0; i < ram_count; i++) {
		if (ram[i].in_place)
			munmap(ram[i].bytes, ram[i].size);
		else if (mmap(ram[i].bytes, ram[i].size, PROT_NONE,
			      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
			      0) == MAP_FAILED)
			broken("the guest's memory cannot be taken back");
	}
	ram_count = 0;
}

static const struct host_region *find_ram(uint64_t address, uint64_t size)
{
	for (size_t i = 0; i < ram_count; i++) {
		if (address >= ram[i].start && address - ram[i].start < ram[i].size &&
		    size <= ram[i].size - (address - ram[i].start))
			return &ram[i];
	}
	return NULL;
}

const void *host_memory(uint64_t address, uint64_t size)
{
	if (address >= HOST_OWN_START && address < HOST_OWN_END)
		return size <= HOST_OWN_END - address ? (const void *)(uintptr_t)address : NULL;
	const struct host_region *region = find_ram(address, size);
	return region != NULL ? region->bytes + (address - region->start) : NULL;
}

void host_refuse_map(uint64_t start, uint64_t size)
{
	if (refused_count == REGIONS_MAX)
		broken("too many refused ranges");
	refused[refused_count++] = (struct arch_range){start, size};
}

static const struct host_mmio_device *find_mmio_device(uint64_t address, uint64_t size)
{
	for (size_t i = 0; i < mmio_device_count; i++) {
		const struct host_mmio_device *device = &mmio_devices[i];
		if (address >= device->start && address - device->start < device->size &&
		    size <= device->size - (address - device->start))
			return device;
	}
	return NULL;
}

static bool is_refused(uint64_t address, uint64_t length)
{
	for (size_t i = 0; i < refused_count; i++) {
		if (address < refused[i].start + refused[i].size &&
		    refused[i].start < address + length)
			return true;
	}
	return address < HOST_OWN_START && address + length > host.map_end;
}

void *arch_map(uint64_t address, uint64_t length, enum arch_memory memory)
{
	host.maps++;
	if (length == 0 || address < HOST_PAGE)
		return NULL;
	if (memory == ARCH_MEMORY_DEVICE)
		return find_mmio_device(address, length) != NULL ? (void *)address : NULL;
	return is_refused(address, length) ? NULL : host_place(address, length);
}

uint64_t arch_map_end(void)
{
	return host.map_end;
}

bool arch_peek(uint64_t address, uint64_t length, void *to)
{
	const struct arch_range *work = &host.work_area;
	uint64_t end = address + length;

	if (address == 0 || end < address ||
	    (address < work->start + work->size && end > work->start))
		return false;
	host.maps++;
	/* No loader leaves anything in this process. */
	bool is_guest = end <= HOST_OWN_START && !is_refused(address, length);
	const void *bytes = is_guest ? host_memory(address, length) : NULL;
	if (bytes == NULL)
		return false;
	memcpy(to, bytes, length);
	return true;
}

/* Pages that were never written are still the file's: proc_pid_pagemap(5), bit 61. */
static bool is_written(uint64_t entry)
{
	return (entry >> 62 & 3) != 0 && (entry >> 61 & 1) == 0;
}

#define PAGEMAP_PIECE 512

static void read_pagemap(int pagemap, const uint8_t *page, uint64_t entries[PAGEMAP_PIECE])
{
	off_t at = (off_t)((uintptr_t)page / HOST_PAGE * sizeof(entries[0]));

	/* Where it cannot be read, any page may have been written. */
	memset(entries, 0xff, PAGEMAP_PIECE * sizeof(entries[0]));
	for (size_t i = 0; i < PAGEMAP_PIECE; i++)
		entries[i] &= ~(1ul << 61);
	if (pagemap >= 0 && pread(pagemap, entries, PAGEMAP_PIECE * sizeof(entries[0]), at) < 0)
		broken("/proc/self/pagemap cannot be read");
}

static bool find_change_in_page(const struct host_region *region, uint64_t offset,
				bool (*allowed)(void *context, uint64_t address), void *context,
				uint64_t *ret_address)
{
	for (uint64_t i = offset; i < offset + HOST_PAGE; i++) {
		uint64_t address = region->start + i;
		if (region->bytes[i] != pattern[address % PATTERN_SIZE] &&
		    !allowed(context, address)) {
			*ret_address = address;
			return true;
		}
	}
	return false;
}

bool host_find_change(bool (*allowed)(void *context, uint64_t address), void *context,
		      uint64_t *ret_address)
{
	int pagemap = open("/proc/self/pagemap", O_RDONLY);
	uint64_t entries[PAGEMAP_PIECE];
	bool found = false;

	for (size_t i = 0; i < ram_count && !found; i++) {
		for (size_t page = 0; page < ram[i].size / HOST_PAGE && !found; page++) {
			uint64_t offset = page * HOST_PAGE;
			if (page % PAGEMAP_PIECE == 0)
				read_pagemap(pagemap, ram[i].bytes + offset, entries);
			if (is_written(entries[page % PAGEMAP_PIECE]))
				found = find_change_in_page(&ram[i], offset, allowed, context,
							    ret_address);
		}
	}
	if (pagemap >= 0)
		close(pagemap);
	return found;
}

static void remove_image(void)
{
	if (image_alias != NULL)
		munmap(image_alias, image_alias_size);
	image_alias = NULL;
}

void host_image_in_rom(const void *bytes, size_t size)
{
	remove_image();
	host.image = (struct arch_range){(uintptr_t)bytes, size};
	host.image_in_ram = false;
}

/*
 * Firmware reads its own image through plain pointers, so it has to be at the
 * same address in this process as in the guest; read-only, to catch writes.
 * RAM in place is that already.
 */
void host_image_in_ram(uint64_t address, const void *bytes, size_t size)
{
	void *place = host_edit(address, size);

	if (place == NULL)
		broken("the image has to be in RAM");
	memcpy(place, bytes, size);
	remove_image();
	host.image = (struct arch_range){address, size};
	host.image_in_ram = true;
	host_guard();
	if (place == (void *)(uintptr_t)address)
		return;
	image_alias_size = size;
	image_alias = mmap((void *)(uintptr_t)address, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	if (image_alias == MAP_FAILED)
		broken("the image's address is taken in this process");
	memcpy(image_alias, bytes, size);
	mprotect(image_alias, size, PROT_READ);
}

struct arch_range arch_image(void)
{
	return host.image;
}

struct arch_range arch_work_area(void)
{
	return host.work_area;
}

struct arch_range arch_hash_block(void)
{
	return host.hash_block;
}

/* -- ports ----------------------------------------------------------------------- */

void host_add_device(const struct host_device *device)
{
	if (device_count == DEVICES_MAX)
		broken("too many devices");
	devices[device_count++] = *device;
}

static void count_access(uint16_t port, unsigned width, bool write, uint32_t value)
{
	if (host.accesses < HOST_ACCESSES_MAX)
		host.access[host.accesses] =
			(struct host_access){port, (uint8_t)width, write, value};
	host.accesses++;
}

static const struct host_device *find_device(uint16_t port)
{
	for (size_t i = 0; i < device_count; i++) {
		if (port >= devices[i].first && port <= devices[i].last)
			return &devices[i];
	}
	return NULL;
}

static uint32_t port_read(uint16_t port, unsigned width)
{
	const struct host_device *device = find_device(port);
	uint32_t value = 0xffffffffu;

	if (device != NULL && device->read != NULL)
		value = device->read(port, width);
	value &= 0xffffffffu >> (32 - 8 * width);
	count_access(port, width, false, value);
	return value;
}

static void port_write(uint16_t port, unsigned width, uint32_t value)
{
	const struct host_device *device = find_device(port);

	count_access(port, width, true, value);
	if (device != NULL && device->write != NULL)
		device->write(port, width, value);
}

uint8_t arch_in8(uint16_t port)
{
	return (uint8_t)port_read(port, 1);
}

uint32_t arch_in32(uint16_t port)
{
	return port_read(port, 4);
}

void arch_out8(uint16_t port, uint8_t value)
{
	port_write(port, 1, value);
}

void arch_out16(uint16_t port, uint16_t value)
{
	port_write(port, 2, value);
}

void arch_out32(uint16_t port, uint32_t value)
{
	port_write(port, 4, value);
}

void arch_in8_string(uint16_t port, void *buffer, size_t count)
{
	for (size_t i = 0; i < count; i++)
		((uint8_t *)buffer)[i] = (uint8_t)port_read(port, 1);
	host.string_bytes += count;
}

/* -- devices in memory ----------------------------------------------------------- */

void host_add_mmio_device(const struct host_mmio_device *device)
{
	if (mmio_device_count == DEVICES_MAX)
		broken("too many devices");
	mmio_devices[mmio_device_count++] = *device;
}

/* Where no device is, a test may have put memory. */
static uint64_t mmio_read(uint64_t address, unsigned width)
{
	const struct host_mmio_device *device = find_mmio_device(address, width);
	const void *memory = host_memory(address, width);
	uint64_t value = ~0ul;

	host.mmio++;
	if (device != NULL)
		value = device->read(address - device->start, width);
	else if (memory != NULL)
		memcpy(&value, memory, width);
	return value;
}

static void mmio_write(uint64_t address, unsigned width, uint64_t value)
{
	const struct host_mmio_device *device = find_mmio_device(address, width);
	void *memory = host_place(address, width);

	host.mmio++;
	if (device != NULL)
		device->write(address - device->start, width, value);
	else if (memory != NULL)
		memcpy(memory, &value, width);
}

uint8_t arch_mmio_read8(uint64_t address)
{
	return (uint8_t)mmio_read(address, 1);
}

uint32_t arch_mmio_read32(uint64_t address)
{
	return (uint32_t)mmio_read(address, 4);
}

void arch_mmio_write8(uint64_t address, uint8_t value)
{
	mmio_write(address, 1, value);
}

void arch_mmio_write16(uint64_t address, uint16_t value)
{
	mmio_write(address, 2, value);
}

void arch_mmio_write32(uint64_t address, uint32_t value)
{
	mmio_write(address, 4, value);
}

void arch_mmio_write64(uint64_t address, uint64_t value)
{
	mmio_write(address, 8, value);
}

void arch_barrier(void)
{
	host.barriers++;
	__asm__ volatile("" ::: "memory");
}

void arch_relax(void)
{
	host.relaxes++;
}

/* -- the rest of the seam -------------------------------------------------------- */

bool arch_has_sha256(void)
{
	return host.has_sha256;
}

bool arch_random(uint64_t *ret_value)
{
	if (host.random_left == 0)
		return false;
	*ret_value = host.random[HOST_RANDOM_MAX - host.random_left--];
	return true;
}

void arch_set_console(const struct arch_console *console)
{
	host.machine_console = *console;
}

void arch_set_psci(enum arch_psci psci)
{
	host.psci = psci;
}

bool arch_has_page_size(uint32_t page_size)
{
	return (host.page_sizes & page_size) != 0;
}

enum status arch_set_up_processors(const struct arch_processors *processors,
				   struct arch_found_processors *ret_found)
{
	host.processors.calls++;
	host.processors.wanted = *processors;
	*ret_found = host.processors.found;
	return host.processors.result;
}

void *arch_kept(void)
{
	return host_place(host.work_area.start + host.work_area.size - ARCH_KEPT_SIZE,
			  ARCH_KEPT_SIZE);
}

_Noreturn void arch_handoff(const struct arch_handoff *handoff)
{
	host.handoff = *handoff;
	host_leave(HOST_HANDOFF);
}

_Noreturn void check_failed(const char *what)
{
	format_text(host.check, sizeof(host.check), "%s", what);
	host_leave(HOST_CHECK);
}

_Noreturn void host_leave(enum host_end end)
{
	if (!running) {
		fprintf(stderr, "arch/host: left with %d outside of host_run(): %s%s\n", (int)end,
			host.check, host.fatal.reason);
		abort();
	}
	end_of_run = end;
	longjmp(escape, 1);
}

enum host_end host_run(void (*function)(void *argument), void *argument)
{
	if (running)
		broken("host_run() inside host_run()");
	running = true;
	end_of_run = HOST_RETURNED;
	host_claim(host.work_area.start, host.work_area.size);
	if (setjmp(escape) == 0)
		function(argument);
	running = false;
	host_check_writes();
	return end_of_run;
}

void host_reset(void)
{
	if (pattern == NULL)
		make_pattern();
	host_reset_guard();
	remove_ram();
	remove_image();
	host_reset_fwcfg();
	refused_count = 0;
	device_count = 0;
	mmio_device_count = 0;
	running = false;
	memset(&host, 0, sizeof(host));
	host.work_area = (struct arch_range){WORK_AREA_START, WORK_AREA_SIZE};
	host.hash_block = (struct arch_range){HASH_BLOCK, HASH_BLOCK_SIZE};
	host.map_end = HOST_OWN_START;
}
