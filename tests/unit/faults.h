/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_UNIT_FAULTS_H
#define TESTS_UNIT_FAULTS_H

#include "arch/host/host.h"

/*
 * A boot once for each thing that can go wrong in it. Whatever it is, the firmware enters a
 * kernel or says in one line why not; what it writes is looked at by the guard of arch/host.
 */

struct faults_boot {
	const char *name;
	void (*prepare)(const char *name); /**< a new machine */
	enum host_end (*boot)(void);
	void (*check)(void); /**< after the boot without a fault */
};

/** Each DMA in turn fails, is half of itself, never completes, or is the last that does. */
void faults_of_transfers(const struct faults_boot *boot);

/** What each DMA reads is something else; so is what is read for a second time. */
void faults_of_data(const struct faults_boot *boot);

/** Bytes by register are not what they are; each, or of many some hundred. */
void faults_of_registers(const struct faults_boot *boot);

/** Each call that asks for memory, or claims some, in turn gets none. */
void faults_of_memory(const struct faults_boot *boot);

#endif
