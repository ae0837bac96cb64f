/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef ARCH_HOST_CPU_H
#define ARCH_HOST_CPU_H

#include <stdbool.h>

#if defined(__x86_64__)
#include <cpuid.h>
#elif defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

/** Whether the CPU that runs tests and benches has what measure/sha256_cpu.c uses. */
static inline bool host_cpu_has_sha256(void)
{
#if defined(__x86_64__)
	unsigned eax, ebx, ecx, edx;

	if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx) == 0 || (ebx & bit_SHA) == 0)
		return false;
	return __get_cpuid(1, &eax, &ebx, &ecx, &edx) != 0 && (ecx & bit_SSE4_1) != 0;
#elif defined(__aarch64__)
	return (getauxval(AT_HWCAP) & HWCAP_SHA2) != 0;
#else
	return false;
#endif
}

#endif
