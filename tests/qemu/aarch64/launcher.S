/* SPDX-License-Identifier: BSD-2-Clause */
/* Plays a VMM that starts an arm64 Image as Cloud Hypervisor does (hypervisor/src/kvm/mod.rs,
 * setup_regs): lies at 0, where QEMU starts, and jumps with the address of the device tree
 * in x0.  KERNEL and DEVICE_TREE come with -D.
 */
	.section .text
	.global _start
/* EL1 or EL2, MMU off, all exceptions masked; so it stays. */
_start:
	ldr	x0, =DEVICE_TREE
	mov	x1, xzr
	mov	x2, xzr
	mov	x3, xzr
	ldr	x4, =KERNEL
	br	x4
