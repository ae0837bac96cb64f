# SPDX-License-Identifier: BSD-2-Clause
"""The tests of the AArch64 firmware, in the same order of files as those of x86_64."""
