"""The report page stands alone, escapes what it is given and shows a fund that closes."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import polars as pl
import pytest

from engine.report.facts import HospitalFacts
from engine.report.figures import RunFigures
from engine.report.frames import RunFrames
from engine.report.html import render_summary, write_summary
from engine.report.page_parts import class_table, hospital_rows, tiles
from engine.report.page_pictures import all_pictures
from engine.report.shown import yuan_text
from pointvalue.invariants import InvariantBroken
from tests.report_frames import POOLS, Invented, invent

VOID = {"meta", "br", "link", "img", "input", "hr"}


@pytest.fixture(scope="module")
def run() -> Invented:
    return invent(cases=1500)


@pytest.fixture(scope="module")
def page(run: Invented) -> str:
    return render_summary(RunFigures.build(run.facts, run.frames))


class Balanced(HTMLParser):
    """Fails on a tag that is closed out of turn."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_page_needs_no_network_and_no_script(page: str) -> None:
    for word in ("http", "<script", "src=", "@import", "url(", "<link", "<iframe"):
        assert word not in page


def test_tags_are_balanced_and_pictures_are_well_formed(run: Invented, page: str) -> None:
    parser = Balanced()
    parser.feed(page)
    assert parser.open == []
    pictures = re.findall(r"<svg.*?</svg>", page, flags=re.S)
    hospitals = run.lines.filter(pl.col("fixmedins_code") != "").select("fixmedins_code", "insutype").n_unique()
    assert len(pictures) == len(POOLS) + 4 + len(POOLS) + hospitals
    for picture in pictures:
        root = ET.fromstring(picture)
        assert root.find("title") is not None and root.find("desc") is not None


def test_each_pool_is_shown_closed_to_the_fen(run: Invented, page: str) -> None:
    assert page.count("0.00 ✓ 闭合 closed") == len(POOLS)
    for pool in POOLS:
        mine = run.lines.filter(insutype=pool)
        reserve = int(mine.filter(fixmedins_code="")["amount_fen"].sum())
        paid = int(mine.filter(pl.col("fixmedins_code") != "")["amount_fen"].sum())
        assert yuan_text(reserve) in page
        assert yuan_text(paid) in page


def test_names_and_descriptions_are_escaped(run: Invented) -> None:
    evil = "<img src=x onerror=alert(1)>&\"'"
    hospitals = {code: HospitalFacts(code, evil, "3") for code in run.facts.hospitals}
    facts = replace(run.facts, hospitals=hospitals, area_name=evil)
    grouped = run.frames.grouped.with_columns(pl.lit(evil).alias("drg_name"), pl.lit(evil).alias("grp_rea"))
    text = render_summary(RunFigures.build(facts, replace(run.frames, grouped=grouped)))
    assert "<img" not in text
    assert "&lt;img src=x" in text


@pytest.mark.parametrize("kind", ["clear", "presettle"])
def test_equal_runs_give_equal_pages_whatever_the_row_order(kind: str, tmp_path: Path) -> None:
    run = invent(kind="clear" if kind == "clear" else "presettle", cases=400)
    shuffled = RunFrames(
        *(getattr(run.frames, name).collect().sample(fraction=1, shuffle=True, seed=5).lazy() for name in
          ("settled", "grouped", "clearing", "lines", "rejected"))
    )  # fmt: skip
    write_summary(tmp_path / "a.html", RunFigures.build(run.facts, run.frames))
    write_summary(tmp_path / "b.html", RunFigures.build(run.facts, shuffled))
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()


def test_a_lost_fen_stops_the_page(run: Invented, tmp_path: Path) -> None:
    lines = run.lines.with_columns(
        pl.when(pl.col("cause") == "reserve_set_aside").then(pl.col("amount_fen") - 1).otherwise("amount_fen")
        .alias("amount_fen")
    )  # fmt: skip
    figures = RunFigures.build(run.facts, replace(run.frames, lines=lines.lazy()))
    with pytest.raises(
        InvariantBroken, match=r"fund closed: difference = 0 broken in pool 310 .*: expected 0, found 1"
    ):
        write_summary(tmp_path / "x.html", figures)
    assert not (tmp_path / "x.html").exists()


def test_open_policy_values_are_listed_with_tag_and_the_money_on_them(run: Invented, page: str) -> None:
    moved = run.lines.filter(pl.col("fixmedins_code") != "", pl.col("rule") == "rule.prepayment")["amount_fen"]
    assert "待核实参数" in page and "PH 占位值" in page and "结余返还比例 &lt;占位&gt;" in page
    assert yuan_text(int(moved.abs().sum())) in page


def test_a_run_without_faults_says_so_in_words() -> None:
    run = invent(cases=300, rejected=0)
    grouped = run.frames.grouped.with_columns(pl.lit("OK").alias("grp_stas"))
    facts = replace(run.facts, open_values=())
    text = render_summary(RunFigures.build(facts, replace(run.frames, grouped=grouped)))
    for words in ("没有被拒绝的记录", "全部病例入组", "全部参数均有来源"):
        assert words in text
    assert 'class="warn"' not in text


def test_classes_of_all_levels_sum_to_all_cases_and_ambiguous_is_apart_from_ungrouped(run: Invented) -> None:
    table = class_table(RunFigures.build(run.facts, run.frames))
    *levels, total = (counts for _, counts in table.rows)
    assert tuple(map(sum, zip(*levels, strict=True))) == total
    assert sum(total) == run.cases.height
    counted = dict(zip(table.codes, total, strict=True))
    assert counted["AMBIGUOUS"] == run.cases.filter(grp_stas="QY").height > 0
    assert counted["UNGRP"] == run.cases.filter(grp_stas="FAIL").height > 0


def test_hospitals_are_ranked_by_fund_difference_and_sum_to_the_clearing_table(run: Invented) -> None:
    rows = hospital_rows(RunFigures.build(run.facts, run.frames))
    gaps = [row.gap_fen for row in rows]
    assert gaps == sorted(gaps, reverse=True)
    year = run.clearing.filter(stmt_type="YEAR")
    assert sum(gaps) == sum(int(value * 100) for value in year["fund_dif_amt"])
    assert [sum(row.gaps) for row in rows] == gaps


def test_a_table_without_lengths_of_stay_or_weights_still_reports(run: Invented) -> None:
    frames = replace(
        run.frames,
        grouped=run.frames.grouped.drop("act_ipt_days"),
        clearing=run.clearing.with_columns(pl.lit(None).cast(pl.Decimal(18, 6)).alias("tot_wt")).lazy(),
    )
    figures = RunFigures.build(run.facts, frames)
    assert not figures.has_days
    pictures = all_pictures(figures, hospital_rows(figures))
    assert pictures["case_mix"] is None and pictures["ranking"] is not None
    assert next(tile for tile in tiles(figures) if tile.zh == "CMI").figure == "—"
    assert "各机构 CMI" not in render_summary(figures)
