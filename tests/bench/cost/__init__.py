# SPDX-License-Identifier: BSD-2-Clause
"""What firmwares cost between reset and the kernel's first instruction.

machines.py  the architectures: machines, kernels, phases, and the firmwares to compare
plugin.py    builds count.c, finds where phases begin, names its arguments
run.py       one run of QEMU, many at a time
log.py       turns the log of a run into its Cost
figures.py   keeps measured Costs in files: budgets.toml, peers.toml
budgets.py   holds ours against budgets.toml
limits.py    holds ours against qboot, and what may not grow
table.py     the table on the terminal and in the docs
chart.py     the chart
page.py      redraws docs/performance.md
"""
