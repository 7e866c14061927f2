"""The waterfalls of the report page: a fund falls from its budget to its reserve, a hospital from standards to cash."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from engine.clearing_table import lines_table
from engine.line_grounds import policy_keys
from engine.policy.load import load_policy
from engine.policy.resolve import resolve
from engine.report.figures import RunFigures
from engine.report.html import render_summary
from engine.report.page_falls import fund_bars, hospital_falls
from engine.report.page_parts import hospital_rows
from engine.report.picture_fall import WIDTH, Bar, falls
from engine.report.shown import yuan_text
from engine.report.stages import Stage
from engine.run import clear
from engine.run_parts import RunOptions, RunResult
from pointvalue.invariants import InvariantBroken
from pointvalue.lines import PostingLine as PointLine
from pointvalue.terms import Cause
from tests.report_frames import POOLS, Invented, invent
from tests.small_city import YEAR, demo_area, small_city


@pytest.fixture(scope="module")
def run() -> Invented:
    return invent()


@pytest.fixture(scope="module")
def figures(run: Invented) -> RunFigures:
    return RunFigures.build(run.facts, run.frames)


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> RunResult:
    city = small_city()
    options = RunOptions(tmp_path_factory.mktemp("page"), months="cases")
    return clear([*city.case_files, city.later], demo_area(), YEAR, options)


def test_a_fund_falls_from_its_budget_to_the_reserve_by_lines_and_carve_outs(
    run: Invented, figures: RunFigures
) -> None:
    for pool in POOLS:
        bars = fund_bars(figures, pool)
        mine = run.lines.filter(insutype=pool)
        reserve = int(mine.filter(fixmedins_code="")["amount_fen"].sum())
        assert bars[0].is_total and bars[-1].is_total
        assert bars[-1].amount_fen == reserve == bars[0].amount_fen + sum(bar.amount_fen for bar in bars[1:-1])
        paid = {bar.en: bar.amount_fen for bar in bars}
        of_months = mine.filter(pl.col("fixmedins_code") != "", pl.col("period").str.len_chars() > 4)[
            "amount_fen"
        ].sum()
        assert paid["Paid to hospitals by the months"] == -of_months
        assert paid["Carved out: Outpatient"] < 0


def test_a_fund_that_does_not_end_in_its_reserve_is_not_drawn(figures: RunFigures) -> None:
    place = next(n for n, line in enumerate(figures.lines) if not line.hospital)
    with pytest.raises(InvariantBroken, match="fund waterfall ends in the reserve"):
        fund_bars(replace(figures, lines=figures.lines[:place] + figures.lines[place + 1 :]), figures.lines[place].pool)


def test_every_hospital_and_pool_has_a_picture_whose_description_tells_every_amount(figures: RunFigures) -> None:
    found = hospital_falls(figures, hospital_rows(figures))
    assert {each.code for each in found} == set(figures.hospitals)
    for hospital in found:
        for fall in hospital.falls:
            svg = ET.fromstring(str(fall.picture))
            told = svg.findtext("desc") or ""
            assert hospital.name in (svg.findtext("title") or "")
            for stage in fall.stages:
                for each in stage.lines:
                    assert yuan_text(each.line.amount_fen, signed=True) in told
                assert not stage.lines or yuan_text(stage.balance_fen) in told
            assert fall.end_fen == next(each for each in fall.stages if each.stage is Stage.CASH).balance_fen


def test_bars_lie_between_the_balances_and_inside_the_picture() -> None:
    bars = [Bar("a", "a", 500), Bar("b", "b", -800), Bar("c", "c", -300, True), Bar("d", "d", 300)]
    svg = ET.fromstring(str(falls(bars, "t")))
    spans = [(float(r.get("x", 0)), float(r.get("width", 0))) for r in svg.iter("rect") if r.find("title") is not None]
    assert len(spans) == 4 and all(x >= 0 and x + width <= WIDTH for x, width in spans)
    (a, wide_a), (b, wide_b), (c, wide_c), (d, wide_d) = spans
    assert wide_b == pytest.approx(wide_a * 8 / 5, abs=0.2) and b + wide_b == pytest.approx(a + wide_a, abs=0.2)
    assert c == pytest.approx(b, abs=0.2) and c + wide_c == pytest.approx(a, abs=0.2)
    assert (d, wide_d) == (pytest.approx(c, abs=0.2), pytest.approx(wide_c, abs=0.2))
    assert ET.fromstring(str(falls([], "nothing"))) is not None


def test_the_page_of_a_run_shows_documents_tiers_and_edges_of_each_hospital_folded(real: RunResult) -> None:
    page = (real.folder / "summary.html").read_text(encoding="utf-8")
    assert page.count("<details>") == 20 and "<details open" not in page
    assert page.count("从预算到结余") >= 2
    section = page[page.index("清算瀑布：各医疗机构") :]
    for words in ("第1档 0 %–2 %", "tier 1 0 %–2 %", "演示政策，非任何城市的规定 第十条", "质量保证金返还分档：90 分",
                  "surplus_and_overspend", "应得基金"):  # fmt: skip
        assert words in section, words
    lines = pl.read_parquet(real.folder / "lines.parquet").filter(pl.col("fixmedins_code") != "", period=str(YEAR))
    for number in lines["line"]:
        assert f'<td class="n">{number}</td>' in section
    assert len(re.findall(r"<svg", section)) >= 40


def test_the_page_of_a_month_has_its_waterfalls_and_no_fund() -> None:
    month = invent(kind="presettle", cases=200)
    figures = RunFigures.build(month.facts, month.frames)
    page = render_summary(figures)
    assert "本月瀑布：各医疗机构" in page and "从预算到结余" not in page
    assert fund_bars(figures, "310") == []


# --- every unverified value behind what is shown is listed ----------------------------------------------------------


def test_every_unverified_value_behind_a_line_of_the_waterfall_is_listed_in_the_report(real: RunResult) -> None:
    assert real.published is not None
    figures = real.published.figures
    listed = {value.key: value.tag for value in figures.facts.open_values}
    for line in figures.lines:
        behind = figures.grounds.unverified([line])
        assert all(listed.get(row["rule"]) in ("U", "PH") for row in behind), line
        if line.tag in ("U", "PH"):
            assert behind, line
    page = (real.folder / "summary.html").read_text(encoding="utf-8")
    open_part = page[page.index('id="open"') :]
    assert all(f">{key}<" in open_part for key in listed)


def test_every_rule_of_a_line_is_a_value_of_the_run_or_of_its_mechanism(real: RunResult) -> None:
    """A key nobody wrote takes the weakest tag of its mechanism, and that mechanism is there to be read."""
    values = pl.read_parquet(real.folder / "values.parquet")
    assert real.published is not None
    for line in real.published.figures.lines:
        own = values.filter(rule=line.rule)
        family = values.filter(pl.col("rule").str.split(".").list.first() == line.rule.partition(".")[0])
        assert family.height, line
        assert line.tag in set((own if own.height else family)["tag"]), line


def test_a_line_names_what_sets_its_price_not_only_its_allotment() -> None:
    """Bed-days by their tiers, single diseases by their quotas, contracts, procurement by what is retained."""
    policy = load_policy(Path(__file__).resolve().parents[1] / "fixtures" / "fuzhou_350100" / "policy")
    resolved = resolve(policy, 2022)
    keys, tags = policy_keys(resolved), {used.key: used.tag for used in resolved.used}
    for label, key in (
        ("fixed_standard.bed_day", "bed_day.tiers"), ("fixed_standard.single", "single_disease.quotas"),
        ("fixed_standard.capitation", "contracts"), ("fixed_standard.bundle", "contracts"),
        ("other.vbp_retention", "vbp.retain"), ("standard.cdrg", "budget.pots"),
    ):  # fmt: skip
        assert keys[label] == (key, tags[key]), label
    line = PointLine("390", "H", "2022", Cause.FIXED_STANDARD, "single", 1)
    assert lines_table([line], keys).to_pylist()[0]["rule"] == "single_disease.quotas"
    plain = replace(line, cause=Cause.PREPAID, part="")
    assert lines_table([plain], keys).to_pylist()[0]["rule"] == "monthly.rate"
