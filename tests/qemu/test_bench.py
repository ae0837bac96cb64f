# SPDX-License-Identifier: BSD-2-Clause
"""A boot costs what the budgets say, no more than qboot's, and what docs/performance.md shows."""

import copy
import re
import subprocess
import sys

import pytest
from host import ROOT

sys.path.insert(0, str(ROOT / "tests/bench"))

from cost.budgets import bar_complaints, budget_complaints, renewed  # noqa: E402
from cost.chart import draw  # noqa: E402
from cost.figures import Bar, Figures, read_figures, write_figures  # noqa: E402
from cost.log import Doorbell, Reader  # noqa: E402
from cost.machines import OURS, X86, AArch64  # noqa: E402
from cost.page import BUDGETS, CHART, PAGE, kept_figures, page_text  # noqa: E402
from cost.plugin import Failure, phase_addresses  # noqa: E402

PLAIN = ("q35", OURS, "plain")


def test_no_more_than_budgets_and_qboot(host):
    done = subprocess.run([ROOT / "tests/bench/bench", "--arch", "x86_64", "--peer", "qboot",
                           "--check", "--fw", host.fw], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def budgets():
    return read_figures(BUDGETS)


@pytest.fixture
def measured(budgets):
    return copy.deepcopy(budgets)


def test_a_rise_names_phase_and_device(measured, budgets):
    cost = measured.costs[PLAIN]
    phase = cost.phases["chipset"]
    for counted in (cost, phase):
        counted.instructions += 7
        counted.accesses += 1
        counted.devices["rtc"] = counted.devices.get("rtc", 0) + 1
    found = budget_complaints(measured, budgets)
    assert len(found) == 2
    assert re.match(r"q35, plain: 7 more instructions \([\d,]+, the budget is [\d,]+\); "
                    r"1 more device accesses .*; phase chipset: 7 more instructions, "
                    r"1 more device accesses, 1 more of rtc$", found[0])
    assert "make bench BUDGETS=write" in found[1]


def test_a_fall_is_reported_too(measured, budgets):
    measured.costs[PLAIN].transfers -= 1
    assert "q35, plain: 1 fewer DMA transfers" in budget_complaints(measured, budgets)[0]


def test_what_one_phase_gains_and_another_loses_is_reported(measured, budgets):
    phases = measured.costs[PLAIN].phases
    phases["pci"].instructions += 5
    phases["tables"].instructions -= 5
    assert budget_complaints(measured, budgets)[0] == (
        "q35, plain: phase pci: 5 more instructions; phase tables: 5 fewer instructions")


def test_a_larger_image_is_reported(measured, budgets):
    measured.images["aarch64"] += 4096
    assert budget_complaints(measured, budgets)[0] == "aarch64: 4,096 more bytes of image"


def test_what_is_measured_has_a_budget(measured, budgets):
    del budgets.costs[PLAIN]
    assert budget_complaints(measured, budgets)[0] == "q35, plain: there is no budget"


def test_the_same_is_no_complaint(measured, budgets):
    assert budget_complaints(measured, budgets) == []
    assert list(bar_complaints(measured, budgets)) == []


def test_a_bar_that_was_reached_is_held(measured, budgets):
    now = measured.costs[PLAIN].instructions
    budgets.bars = [Bar("q35", "instructions", now, False)]
    budgets = renewed(measured, budgets)
    assert budgets.bars[0].held
    measured.costs[PLAIN].instructions += 1
    assert len(list(bar_complaints(measured, budgets))) == 1
    assert renewed(measured, budgets).bars[0].held


def test_budgets_are_written_as_they_are_read(budgets, tmp_path):
    write_figures(tmp_path / "written", "words", budgets)
    assert read_figures(tmp_path / "written") == budgets


def test_page_and_chart_are_of_these_figures():
    figures = kept_figures()
    again = "make bench redraws it"
    assert page_text(PAGE.read_text(), figures) == PAGE.read_text(), again
    assert draw(figures) == CHART.read_text(), again


def test_the_chart_shows_what_it_is_given():
    figures = kept_figures()
    figures.costs[PLAIN].instructions = 123_456
    chart = draw(figures)
    assert "123,456" in chart
    assert chart != CHART.read_text()
    assert "prefers-color-scheme: dark" in chart


def test_an_empty_chart_can_be_drawn():
    assert draw(Figures()).endswith("</svg>\n")


def test_counters_that_disagree_are_seen():
    assert X86.agrees(13905, 13905) and not X86.agrees(13905, 13904)
    assert AArch64.agrees(56151, 3509) and not AArch64.agrees(56160, 3509)


def test_a_missing_symbol_is_named(tmp_path):
    source = tmp_path / "empty.c"
    source.write_text("int reset_vector;\n")
    subprocess.run(["gcc", "-c", "-o", tmp_path / "fw.elf", source], check=True)
    with pytest.raises(Failure, match="no symbol arch_start, step_fw_cfg"):
        phase_addresses(X86, tmp_path / "fw.elf")


def test_log_is_read_up_to_the_kernel():
    write = "memory_region_ops_write cpu 0 mr 0x1 addr {} value {} size {} name '{}'"
    cost = Reader(X86.dma_register, True).read([
        write.format("0x70", "0x1", 1, "rtc-index"),
        "count phase start 10 4 1",
        "count store 5000 8 0000000200000064",
        "count store 5008 8 0000000000100000",
        write.format("0x514", "0x0", 4, "fwcfg.dma"),
        write.format("0x518", "0x5000", 4, "fwcfg.dma"),
        "count end - 30 20 2",
        write.format("0xe9", "0x30", 1, "isa-debugcon")])
    assert (cost.instructions, cost.accesses, cost.written, cost.pages) == (30, 3, 20, 2)
    assert (cost.transfers, cost.transferred) == (1, 100)
    assert cost.devices == {"rtc-index": 1, "fwcfg.dma": 2}
    assert [(phase.instructions, phase.accesses) for phase in cost.phases.values()] == [
        (10, 1), (20, 2)]


def test_log_without_a_kernel_is_no_cost():
    assert Reader(X86.dma_register, True).read(["count phase start 10 4 1"]) is None


@pytest.mark.parametrize("register, writes, structure", [
    (X86.dma_register, [(0x518, 4, 0x5000)], 0x5000),
    (X86.dma_register, [(0x514, 4, 1), (0x518, 4, 0x5000)], 0x100005000),
    (X86.dma_register, [(0x514, 4, 1)], None),
    (AArch64.dma_register, [(0x09020010, 8, 0x140000000)], 0x140000000),
])
def test_a_transfer_begins_with_the_lower_half(register, writes, structure):
    doorbell = Doorbell(register)
    assert [doorbell.structure(*write) for write in writes][-1] == structure
