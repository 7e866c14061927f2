"""Accounts and closing tables from posting lines: against the golden year, and against figures that do not tie."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from engine.report.causes import Section, names, order, section
from engine.report.closing import account, check, close_year
from engine.report.facts import ReportError, RunFacts, SplitItem
from engine.report.figures import PostingLine, RunFigures
from engine.report.flow import Flow, year_flow
from pointvalue.invariants import InvariantBroken
from pointvalue.terms import CASH_CAUSES, Cause
from tests.report_frames import invent
from tests.shared_data import SHARED

GOLDEN = SHARED / "reference" / "golden-year.json"
needs_golden = pytest.mark.skipif(
    not GOLDEN.is_file(), reason=f"GOLDEN YEAR ABSENT: put it at {GOLDEN} to run this test; it was NOT run"
)


SMALL_RUN = invent(cases=50)
SMALL = RunFigures.build(SMALL_RUN.facts, SMALL_RUN.frames)


def golden() -> tuple[dict[str, Any], RunFigures]:
    """The golden year's expectations, and figures that hold its lines and splits."""
    expected = json.loads(GOLDEN.read_text(encoding="utf-8"))["expected"]
    split: dict[str, tuple[SplitItem, ...]] = {}
    for pool, figures in expected["pools"].items():
        water = figures["waterfall"]
        split[pool] = (
            SplitItem("total", "总额", "Total", water["total"]),
            SplitItem("reserve", "风险金", "Reserve", water["reserve"]),
            *(SplitItem("outside", name, name, amount) for name, amount in water["outside"].items()),
            *(SplitItem("fixed", name, name, amount) for name, amount in water["fixed_lines"].items()),
            SplitItem("point_fund", "点数基金", "Point fund", water["point_fund"]),
            SplitItem("moved_to_points", "转入", "Moved", water["fixed_difference_to_points"]),
            SplitItem("bundle_outside", "打包", "Bundle", water["bundle_outside"]),
        )
    lines = tuple(
        PostingLine(number, line["hospital"], line["pool"], line["period"], line["cause"], "r", "A", line["amount_fen"])
        for number, line in enumerate(expected["lines"], start=1)
    )
    facts = replace(SMALL.facts, split=split, pots=())
    return expected, replace(SMALL, facts=facts, lines=lines, rows=())


@needs_golden
@pytest.mark.parametrize("pool", ["310", "390"])
def test_the_golden_fund_closes_with_its_own_figures(pool: str) -> None:
    expected, figures = golden()
    closing = close_year(figures, pool)
    stated = expected["pools"][pool]["conservation"]
    shown = defaultdict(int, {row.name.en: row.amount_fen for row in closing.rows})
    assert closing.difference_fen == stated["difference"] == 0
    assert shown["Fund, total"] == stated["fund"]
    assert shown["Epidemic money from outside"] == stated["epidemic_money_from_outside"]
    assert shown["Receivables carried over"] == stated["receivable_carried"]
    assert shown["Carved out"] == stated["outside"]
    assert shown["Paid to hospitals, whole year"] == stated["paid_to_hospitals"]
    assert shown["Paid to suppliers"] == stated["paid_to_suppliers"]
    assert shown["Reserve left"] == stated["reserve_left"]


@needs_golden
@pytest.mark.parametrize("pool", ["310", "390"])
@pytest.mark.parametrize("hospital", ["H1", "H2", "H3"])
def test_a_golden_account_runs_from_entitled_to_final_cash(pool: str, hospital: str) -> None:
    expected, figures = golden()
    stated = expected["pools"][pool]["statements"][hospital]
    got = account(line for line in figures.lines if (line.hospital, line.pool) == (hospital, pool))
    assert (got.entitled_fen, got.final_fen, got.cash_fen) == (
        stated["entitled"],
        stated["final"],
        stated["final_cash"],
    )


@needs_golden
@pytest.mark.parametrize("pool", ["310", "390"])
def test_no_fen_is_lost_inside_the_flow_picture(pool: str) -> None:
    expected, figures = golden()
    flow = year_flow(figures, pool)
    arrives, leaves = sums(flow)
    for node in flow.nodes:
        if arrives[node.key] and leaves[node.key]:
            assert arrives[node.key] == leaves[node.key], node.key
    assert leaves["fund"] == expected["pools"][pool]["waterfall"]["total"]
    assert arrives["reserve_end"] == expected["pools"][pool]["conservation"]["reserve_left"]


def sums(flow: Flow) -> tuple[dict[str, int], dict[str, int]]:
    arrives: dict[str, int] = defaultdict(int)
    leaves: dict[str, int] = defaultdict(int)
    for link in flow.links:
        assert link.amount_fen > 0
        leaves[link.source] += link.amount_fen
        arrives[link.target] += link.amount_fen
    return arrives, leaves


@settings(max_examples=300)
@given(st.data())
def test_the_flow_picture_keeps_its_sums_whatever_the_year_was_like(data: st.DataObject) -> None:
    def drawn(low: int, high: int) -> int:
        return data.draw(st.integers(low, high))

    set_aside, fixed, point, outside = (drawn(0, 500) for _ in range(4))
    fixed_left, pots_left = drawn(-700, fixed), drawn(-700, point)
    given_back = drawn(max(0, -(set_aside + fixed_left + pots_left)), 2000)
    taken = drawn(0, set_aside + fixed_left + pots_left + given_back)
    posted = {
        ("", "reserve_set_aside"): set_aside,
        ("", "fixed_variance.single"): fixed_left,
        ("", "pv_rounding.drg"): pots_left,
        ("", "surplus_returned"): given_back,
        ("", "overspend_shared"): -taken,
        ("H1", "fixed_standard.single"): fixed - fixed_left,
        ("H1", "standard.drg"): point - pots_left,
        ("H1", "surplus_returned"): -given_back,
        ("H1", "overspend_shared"): taken,
    }
    lines = [PostingLine(1, h, "310", "2024", cause, "r", "A", amount) for (h, cause), amount in posted.items()]
    split = (
        SplitItem("total", "总额", "Total", set_aside + fixed + point + outside),
        SplitItem("reserve", "风险金", "Reserve", set_aside),
        SplitItem("outside", "划出", "Outside", outside),
        SplitItem("fixed", "定额", "Fixed", fixed),
        SplitItem("point_fund", "点数基金", "Point fund", point),
    )
    figures = replace(SMALL, facts=replace(SMALL.facts, split={"310": split}), lines=tuple(lines), rows=())
    entitled = sum(amount for (hospital, _), amount in posted.items() if hospital)
    assume(entitled >= taken)
    flow = year_flow(figures, "310")
    arrives, leaves = sums(flow)
    for node in flow.nodes:
        if node.column in (1, 2) and node.key not in ("outside", "epidemic"):
            assert arrives[node.key] == leaves[node.key], node.key
    assert leaves["fund"] == set_aside + fixed + point + outside
    assert arrives["reserve_end"] == set_aside + fixed_left + pots_left + given_back - taken
    assert arrives["hospitals"] == entitled


@needs_golden
def test_every_cause_of_the_golden_year_has_names_in_both_languages() -> None:
    expected, _ = golden()
    for cause in {line["cause"] for line in expected["lines"]}:
        assert names(cause).zh != names(cause).en, cause
        assert names(cause).en != cause


def test_every_cause_settlement_can_post_is_named_and_cash_causes_stand_below_the_entitled_sum() -> None:
    for cause in Cause:
        assert names(cause.value).en != cause.value, cause
        assert (section(cause.value) in (Section.CASH, Section.CARRY)) == (cause in CASH_CAUSES), cause


def test_an_unknown_cause_counts_as_entitled_under_its_own_name() -> None:
    assert section("vbp_retention") is Section.ENTITLED
    assert names("vbp_retention").zh == "vbp_retention"
    assert order("vbp_retention") < order("prepaid")
    line = PostingLine(1, "H1", "310", "2024", "vbp_retention", "r", "A", 700)
    assert account([line]).cash_fen == 700


def test_a_negative_final_is_carried_and_no_cash_moves() -> None:
    posted = (("standard.drg", 1000), ("prepaid", -1500), ("carried_to_next_year", 500))
    lines = [PostingLine(n, "H1", "310", "2024", cause, "r", "A", amount) for n, (cause, amount) in enumerate(posted)]
    got = account(lines)
    assert (got.final_fen, got.cash_fen) == (-500, 0)


def test_an_invented_run_ties_and_says_so() -> None:
    for run in (invent(), invent(kind="presettle")):
        check(RunFigures.build(run.facts, run.frames))


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ("payable_fen", "identity dfr_amt = fund_appy_sum − det_sumamt − dpst_sumamt − prepay_amt broken in pool"),
        ("cash_fen", "identity act_dfr_amt = its"),
        ("applied_fen", "identity dfr_amt = fund_appy_sum − det_sumamt"),
    ],
)
def test_a_clearing_row_off_by_a_fen_is_named(field: str, message: str) -> None:
    run = invent(cases=100)
    figures = RunFigures.build(run.facts, run.frames)
    first = figures.rows[0]
    wrong = replace(first, **{field: getattr(first, field) + 1})
    with pytest.raises(InvariantBroken, match=re.escape(message)) as refused:
        check(replace(figures, rows=(wrong, *figures.rows[1:])))
    assert f"(hospital {first.hospital}, {first.clr_ym})" in str(refused.value)


def test_lines_without_a_clearing_row_are_refused() -> None:
    run = invent(cases=100)
    figures = RunFigures.build(run.facts, run.frames)
    stray = PostingLine(999, "H9", "310", "2024", "standard.drg", "r", "A", 1)
    with pytest.raises(ReportError, match="hospital H9, pool 310: posting lines without a row in clearing"):
        check(replace(figures, lines=(*figures.lines, stray)))
    month = PostingLine(999, "H9", "310", "2024-03", "prepayment", "r", "A", 1)
    with pytest.raises(ReportError, match="lines of 202403 have no MONTH row"):
        check(replace(figures, lines=(*figures.lines, month)))


def test_a_line_of_another_period_is_refused() -> None:
    run = invent(kind="presettle", cases=100)
    figures = RunFigures.build(run.facts, run.frames)
    late = PostingLine(999, "H3700000", "310", "2024-04", "prepayment", "r", "A", 1)
    with pytest.raises(ReportError, match="line 999: period 2024-04 does not belong to a presettle of 2024-03"):
        check(replace(figures, lines=(*figures.lines, late)))


def test_a_clearing_without_the_split_of_a_pool_is_refused() -> None:
    run = invent(cases=100)
    facts = replace(run.facts, split={"310": run.facts.split["310"]})
    with pytest.raises(ReportError, match="pool 390: the run's facts hold no split"):
        check(RunFigures.build(facts, run.frames))


def test_a_split_that_does_not_add_up_is_refused_when_the_facts_are_made() -> None:
    run = invent(cases=100)
    items = (SplitItem("total", "总额", "Total", 100), SplitItem("point_fund", "点数基金", "Point fund", 99))
    with pytest.raises(InvariantBroken, match="in pool 310: expected 100, found 99"):
        replace(run.facts, split={"310": items})


def test_counts_that_do_not_add_up_are_refused_when_the_facts_are_made() -> None:
    facts: RunFacts = invent(cases=100).facts
    with pytest.raises(InvariantBroken, match=r"accepted \+ rejected = read"):
        replace(facts, counts_read=facts.counts_read + 1)
