"""The terminal tables show every amount whole and a fund that closes."""

from __future__ import annotations

import polars as pl
import pytest
from rich.cells import cell_len
from rich.console import Console

from engine.report.console import render_clearing_table
from engine.report.figures import RunFigures
from engine.report.frames import fen
from engine.report.shown import yuan_text
from tests.report_frames import Invented, invent


def printed(run: Invented, width: int) -> str:
    console = Console(width=width, color_system=None, force_terminal=False)
    with console.capture() as capture:
        console.print(render_clearing_table(RunFigures.build(run.facts, run.frames)))
    return capture.get()


@pytest.mark.parametrize("width", [120, 140])
@pytest.mark.parametrize("cases", [500, 200_000])
def test_every_amount_is_printed_whole_and_lines_fit(width: int, cases: int) -> None:
    run = invent(cases=cases)
    text = printed(run, width)
    assert all(cell_len(line) <= width for line in text.splitlines())
    year = run.clearing.filter(stmt_type="YEAR")
    for column in ("drg_dip_sumamt", "drg_dip_fund_payamt", "hifp_pay", "fund_dif_amt", "dfr_amt"):
        amounts = year.select("insutype", fen(column))
        wanted = [*amounts[column], *amounts.group_by("insutype").agg(pl.col(column).sum())[column]]
        assert not [amount for amount in wanted if yuan_text(amount) not in text], column


@pytest.mark.parametrize("kind", ["clear", "presettle"])
def test_the_pool_lines_end_in_zero(kind: str) -> None:
    text = printed(invent(kind="clear" if kind == "clear" else "presettle"), 140)
    block = text.split("险种资金（元）")[1].split("点值（元/点）")[0]
    lines = [line for line in block.splitlines() if line.strip().startswith(("职工医保", "居民医保"))]
    assert len(lines) == 2
    assert all(line.split()[-1] == "0.00" for line in lines)
