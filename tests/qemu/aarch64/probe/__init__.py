# SPDX-License-Identifier: BSD-2-Clause
"""The probe kernel: how it is built, and what it reports."""
