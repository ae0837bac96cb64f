/* SPDX-License-Identifier: BSD-2-Clause */
#include "faults.h"

#include <stdio.h>

#include "unit.h"

/* A round of waiting costs time; no boot may take much more of it than one wait has. */
#define WAITS_MAX 2

#define REGISTER_READS_MAX 300
#define BYTES_TRIED        16

static const struct faults_boot *current;

static void count_good_boot(const struct faults_boot *boot)
{
	current = boot;
	snprintf(unit_trial, sizeof(unit_trial), "%s without a fault", boot->name);
	boot->prepare(boot->name);
	enum host_end end = boot->boot();
	if (end != HOST_HANDOFF)
		fail_msg("%s ends with %d: %s%s", unit_trial, (int)end, host.console, host.check);
	boot->check();
}

static void prepare(const char *fault, size_t number)
{
	snprintf(unit_trial, sizeof(unit_trial), "%s, %s %zu", current->name, fault, number);
	current->prepare(current->name);
}

static size_t count_of(const char *text, const char *word)
{
	size_t count = 0;

	for (; (text = strstr(text, word)) != NULL; text++)
		count++;
	return count;
}

/* Of the console the last line says why, and no other does. */
static void check_end(enum host_end end)
{
	char line[192];
	size_t length = host.console_length;

	if (host.relaxes > WAITS_MAX * DMA_WAIT_ROUNDS)
		fail_msg("%s: %zu rounds of waiting", unit_trial, host.relaxes);
	if (end == HOST_HANDOFF && count_of(host.console, "FATAL") == 0)
		return;
	if (end != HOST_FATAL)
		fail_msg("%s ends with %d: %s%s", unit_trial, (int)end, host.console, host.check);
	snprintf(line, sizeof(line), "slipway: FATAL %s %s: %s\n", host.fatal.stage,
		 status_str(host.fatal.status), host.fatal.reason);
	if (strlen(host.fatal.reason) < 10 || count_of(host.console, "FATAL") != 1 ||
	    length < strlen(line) || strcmp(host.console + length - strlen(line), line) != 0)
		fail_msg("%s ends without one clear line: %s", unit_trial, host.console);
}

static void boot_with_fault(void)
{
	check_end(current->boot());
}

/* -- transfers ------------------------------------------------------------------- */

void faults_of_transfers(const struct faults_boot *boot)
{
	count_good_boot(boot);
	const size_t dmas = host.fwcfg.dmas;
	assert_in_range(dmas, 3, HOST_DMAS_MAX);
	for (size_t i = 1; i <= dmas; i++) {
		prepare("fails: DMA", i);
		host.fwcfg.fail_dma = i;
		boot_with_fault();
		prepare("is short: DMA", i);
		host.fwcfg.short_dma = i;
		boot_with_fault();
		prepare("never completes: DMA", i);
		host.fwcfg.hang_dma = i;
		boot_with_fault();
		assert_true(host.relaxes >= DMA_WAIT_ROUNDS);
		prepare("never complete: those from DMA", i);
		host.fwcfg.dead_dma = i;
		boot_with_fault();
		/* Nothing comes out of a device that is dead. */
		assert_true(host.relaxes >= DMA_WAIT_ROUNDS);
	}
}

/* -- data ------------------------------------------------------------------------ */

static size_t dma_to_change, rereads, reread_to_change;
static void (*change)(uint8_t *bytes, uint64_t length);

static void invert(uint8_t *bytes, uint64_t length)
{
	for (uint64_t i = 0; i < length; i++)
		bytes[i] = (uint8_t)~bytes[i];
}

static void make_zeros(uint8_t *bytes, uint64_t length)
{
	memset(bytes, 0, length);
}

static void make_ones(uint8_t *bytes, uint64_t length)
{
	memset(bytes, 0xff, length);
}

static void change_a_byte(uint8_t *bytes, uint64_t length)
{
	bytes[unit_random_below(length)] ^= (uint8_t)(1 + unit_random_below(255));
}

static void change_one_dma(uint8_t *bytes, uint64_t length)
{
	if (host.fwcfg.dmas == dma_to_change)
		change(bytes, length);
}

/* Whether the last DMA read something that one before it has read. */
static bool is_reread(void)
{
	const struct host_dma *last = &host.fwcfg.dma[host.fwcfg.dmas - 1];

	for (const struct host_dma *dma = host.fwcfg.dma; dma < last; dma++) {
		if (dma->key == last->key && dma->offset < last->offset + last->length &&
		    last->offset < dma->offset + dma->length)
			return true;
	}
	return false;
}

static void change_rereads(uint8_t *bytes, uint64_t length)
{
	assert_true(host.fwcfg.dmas <= HOST_DMAS_MAX);
	if (is_reread() && ++rereads == reread_to_change)
		change(bytes, length);
}

static void try_change(const char *what, size_t dma)
{
	prepare(what, dma);
	host.fwcfg.change = change_one_dma;
	dma_to_change = dma;
	boot_with_fault();
}

static size_t try_reread(size_t number)
{
	prepare("is changed: what is read again, time", number);
	host.fwcfg.change = change_rereads;
	reread_to_change = number;
	rereads = 0;
	boot_with_fault();
	return rereads;
}

void faults_of_data(const struct faults_boot *boot)
{
	count_good_boot(boot);
	const size_t dmas = host.fwcfg.dmas;
	for (size_t i = 1; i <= dmas; i++) {
		change = invert;
		try_change("is inverted: DMA", i);
		change = make_zeros;
		try_change("is zeros: DMA", i);
		change = make_ones;
		try_change("is ones: DMA", i);
		change = change_a_byte;
		for (unsigned times = 0; times < BYTES_TRIED; times++)
			try_change("has another byte: DMA", i);
	}
	change = invert;
	const size_t good = try_reread(0);
	for (size_t i = 1; i <= good; i++)
		(void)try_reread(i);
}

void faults_of_registers(const struct faults_boot *boot)
{
	count_good_boot(boot);
	const size_t reads = host.fwcfg.data_reads;
	assert_in_range(reads, 1, SIZE_MAX);
	for (size_t i = 1; i <= reads; i += 1 + reads / REGISTER_READS_MAX) {
		prepare("is inverted: read", i);
		host.fwcfg.change_read = i;
		boot_with_fault();
	}
}

/* -- memory ---------------------------------------------------------------------- */

void faults_of_memory(const struct faults_boot *boot)
{
	count_good_boot(boot);
	const size_t claims = host.claims;
	assert_in_range(claims, 3, 1000);
	for (size_t i = 1; i <= claims; i++) {
		prepare("fails: claim", i);
		host.fail_claim = i;
		boot_with_fault();
		prepare("fail: those after claim", i);
		host.last_claim = i;
		boot_with_fault();
	}
}
