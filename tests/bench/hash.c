/* SPDX-License-Identifier: BSD-2-Clause */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

#ifdef __x86_64__
#include <openssl/sha.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#endif

#include "arch/host/cpu.h"
#include "lib/check.h"
#include "measure/sha2.h"

/*
 * The hashes of the image, compiled with its flags, as a program of Linux; beside them OpenSSL's.
 *
 *   hash list                  the ways to compute a digest that this CPU has, a line each
 *   hash digest WAY PIECE      for each line of standard input, a message in hex, its digest in
 *                              hex; the message comes in pieces of PIECE bytes
 *   hash run WAY SIZE          hashes SIZE bytes once, and prints nothing
 *   hash count WAY SIZE        the same, and prints how many instructions that takes (x86_64:
 *                              the CPU steps through it, so that the number is exact)
 */

struct way {
	const char *name;
	enum sha2_kind kind;
	enum sha2_engine engine;
	bool openssl;
};

static const struct way ways[] = {
	{"sha256", SHA2_256, SHA2_PORTABLE, false},
	{"sha256-cpu", SHA2_256, SHA2_CPU, false},
	{"sha384", SHA2_384, SHA2_PORTABLE, false},
#ifdef __x86_64__
	{"openssl-sha256", SHA2_256, SHA2_PORTABLE, true},
	{"openssl-sha384", SHA2_384, SHA2_PORTABLE, true},
#endif
};
#define WAYS (sizeof(ways) / sizeof(ways[0]))

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "hash: %s\n", what);
	exit(1);
}

_Noreturn void check_failed(const char *what)
{
	fail(what);
}

static bool exists(const struct way *way)
{
	return way->engine == SHA2_PORTABLE || host_cpu_has_sha256();
}

static const struct way *find_way(const char *name)
{
	for (size_t i = 0; i < WAYS; i++) {
		if (strcmp(ways[i].name, name) == 0 && exists(&ways[i]))
			return &ways[i];
	}
	fail("there is no such way to compute a digest, or this CPU has it not");
}

static void hash_by_openssl(enum sha2_kind kind, struct span message, uint8_t *ret_digest)
{
#ifdef __x86_64__
	if (kind == SHA2_384)
		SHA384(message.bytes, message.size, ret_digest);
	else
		SHA256(message.bytes, message.size, ret_digest);
#else
	(void)kind;
	(void)message;
	(void)ret_digest;
#endif
}

static void hash(const struct way *way, struct span message, size_t piece, uint8_t *ret_digest)
{
	struct sha2 context;

	if (way->openssl) {
		hash_by_openssl(way->kind, message, ret_digest);
		return;
	}
	sha2_init(&context, way->kind, way->engine);
	for (size_t at = 0, size; at < message.size; at += size) {
		size = message.size - at < piece ? message.size - at : piece;
		sha2_update(&context, (struct span){message.bytes + at, size});
	}
	sha2_final(&context, ret_digest);
}

static void print_digests(const struct way *way, size_t piece)
{
	uint8_t digest[SHA2_SIZE_MAX];
	char *line = NULL;
	size_t room = 0;
	ssize_t length;

	while ((length = getline(&line, &room, stdin)) > 0) {
		size_t size = (size_t)(length - 1) / 2;
		uint8_t *message = malloc(size + 1);
		if (message == NULL)
			fail("no memory");
		for (size_t i = 0; i < size; i++) {
			char digits[3] = {line[2 * i], line[2 * i + 1], '\0'};
			message[i] = (uint8_t)strtoul(digits, NULL, 16);
		}
		hash(way, (struct span){message, size}, piece, digest);
		free(message);
		for (size_t i = 0; i < (way->kind == SHA2_384 ? SHA384_SIZE : SHA256_SIZE); i++)
			printf("%02x", digest[i]);
		printf("\n");
		fflush(stdout);
	}
	free(line);
}

static void run(const struct way *way, size_t size)
{
	uint8_t digest[SHA2_SIZE_MAX];
	uint8_t *message = calloc(1, size + 1);

	if (message == NULL)
		fail("no memory");
	hash(way, (struct span){message, size}, size, digest);
	free(message);
}

#ifdef __x86_64__

/* Steps through what the traced process does until it stops itself; it has stopped before. */
static unsigned long steps_until_stop(pid_t child)
{
	int status;

	for (unsigned long steps = 0;; steps++) {
		if (ptrace(PTRACE_SINGLESTEP, child, NULL, NULL) != 0 ||
		    waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
			fail("the process cannot be stepped through");
		if (WSTOPSIG(status) == SIGSTOP)
			return steps;
	}
}

static void count(const struct way *way, size_t size)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		uint8_t digest[SHA2_SIZE_MAX];
		uint8_t *message = calloc(1, size + 1);
		if (message == NULL || ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
			fail("the process cannot be traced");
		/* What is done at a first call alone does not count. */
		hash(way, (struct span){message, size}, size, digest);
		raise(SIGSTOP);
		hash(way, (struct span){message, size}, size, digest);
		raise(SIGSTOP);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFSTOPPED(status))
		fail("no process to trace");
	printf("%lu\n", steps_until_stop(child));
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
}

#else

/* An emulator counts better: tests/bench/hash. */
static void count(const struct way *way, size_t size)
{
	(void)way;
	(void)size;
	fail("instructions are not counted here");
}

#endif

static size_t number(const char *text)
{
	char *end;

	errno = 0;
	size_t value = strtoul(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || value == 0)
		fail("that is no number, or 0");
	return value;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "list") == 0) {
		for (size_t i = 0; i < WAYS; i++) {
			if (exists(&ways[i]))
				printf("%s\n", ways[i].name);
		}
		return 0;
	}
	if (argc != 4)
		fail("usage: hash list | hash digest WAY PIECE | hash run|count WAY SIZE");
	const struct way *way = find_way(argv[2]);
	if (strcmp(argv[1], "digest") == 0)
		print_digests(way, number(argv[3]));
	else if (strcmp(argv[1], "run") == 0)
		run(way, number(argv[3]));
	else if (strcmp(argv[1], "count") == 0)
		count(way, number(argv[3]));
	else
		fail("that is none of list, digest, run and count");
	return 0;
}
