/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/** The bytes that the fuzzer gives, read from the start; behind their end are zeros. */
struct input {
	const uint8_t *at;
	size_t left;
};

/** A number of @width bytes, the lowest first. */
static inline uint64_t input_number(struct input *input, unsigned width)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < width && input->left > 0; i++, input->at++, input->left--)
		value |= (uint64_t)*input->at << (8 * i);
	return value;
}

static inline uint8_t input_byte(struct input *input)
{
	return (uint8_t)input_number(input, 1);
}

/** What has to hold whatever the input is. */
#define REQUIRE(condition) ((condition) ? (void)0 : fuzz_failed(__FILE__, __LINE__, #condition))

static inline _Noreturn void fuzz_failed(const char *file, int line, const char *what)
{
	fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
	abort();
}

/** libFuzzer's entry to the target. */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#endif
