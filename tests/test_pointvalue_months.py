"""Months: declared, payable, withheld; quotas, credit, twelfths; and months given to clearing as they were posted."""

from dataclasses import replace
from fractions import Fraction

import pytest

from fixtures.area_json import read_area
from fixtures.cases_json import read_cases
from pointvalue.annual import clear_year
from pointvalue.classes import score
from pointvalue.invariants import InvariantBroken
from pointvalue.lines import sum_of
from pointvalue.monthly import settle_month, settle_months
from pointvalue.terms import Cause
from tests.pointvalue_years import golden_area, golden_cases, posted

F = Fraction


def scored_year(area_json=None, cases_json=None):
    area_json = area_json or golden_area()
    area = read_area(area_json)
    cases, _ = read_cases(cases_json or golden_cases(), area_json, area)
    return cases, score(cases, area), area


def row_of(result, pool, hospital, month):
    return next(r for r in result.table if (r.pool, r.hospital, r.month) == (pool, hospital, month))


def test_one_month_gives_the_same_lines_as_the_whole_year():
    year = scored_year()
    whole = settle_months(*year)
    by_month = [line for month in range(1, 13) for line in settle_month(*year, month).lines]
    assert sorted(by_month, key=lambda line: line.sort_key) == list(whole.lines)


def test_one_month_needs_only_its_own_cases():
    cases, scored, area = scored_year()
    rows = (cases.month == 5).nonzero()[0]
    alone = settle_month(cases.take(rows), scored.take(rows), area, 5)
    assert alone.lines == settle_month(cases, scored, area, 5).lines


def test_declared_above_the_quota_is_held_to_year_end_without_a_line():
    row = row_of(settle_months(*scored_year()), "310", "H1", 4)
    assert (row.declared_fen, row.held_to_year_end_fen, row.payable_fen) == (6_470_408, 2_270_408, 4_200_000)


def test_95_percent_monthly_with_5_percent_deposit_is_not_taken_twice():
    """ρ = 1, δ = 0.05 pays 95 %; ρ = 0.95 with δ = 0.05 would keep back 9.75 %."""
    area = golden_area()
    area["monthly"] = {"basis": "booked_fund", "rate": "1"}
    row = row_of(settle_months(*scored_year(area)), "390", "H1", 10)
    assert row.declared_fen == 2_139_400
    assert row.cash_fen == 2_139_400 - 106_970 == 2_032_430


def test_points_basis_declares_points_at_the_budget_value_less_the_patients_part():
    area = golden_area()
    area["monthly"]["basis"] = "points"
    area["monthly"]["rate_by_credit"] = {}
    row = row_of(settle_months(*scored_year(area)), "310", "H1", 2)
    assert row.declared_fen == 63 * 12_000 - 101_843 + (262 * 12_000 + 6_000) - 413_000 + 1_830_000


def test_a_month_of_negative_results_pays_nothing_and_takes_nothing():
    area, cases = golden_area(), golden_cases()
    area["monthly"]["basis"] = "points"
    for case in cases:
        case["patient_fen"], case["fund_fen"] = case["cost_fen"], 0
    rows = settle_months(*scored_year(area, cases)).table
    assert min(row.declared_fen for row in rows) < 0
    assert min(row.payable_fen for row in rows) == 0


def test_contract_twelfths_add_up_to_the_contract_first_months_first():
    area = golden_area()
    area["contracts"][0] |= {"rate_fen": 5_000, "enrolled": 1, "assessment": "0.9998"}
    rows = [row for row in settle_months(*scored_year(area)).table if (row.pool, row.hospital) == ("390", "H3")]
    twelfths = [row.contract_twelfth_fen for row in rows]
    assert twelfths == [417] * 7 + [416] * 5
    assert sum(twelfths) == 4_999


def test_bundle_cases_are_declared_nowhere_their_contract_is():
    area, cases = golden_area(), golden_cases()
    area["schemes"]["mutual"] = {"kind": "bundle"}
    area["contracts"].append(
        {"kind": "bundle", "hospital": "H2", "pool": "390", "package_fen": 1_200_000, "outside_fen": 0,
         "retain": "1", "fund_bears_deficit": "0", "members": ["H2", "H3"]}
    )  # fmt: skip
    for case in cases:
        if case["id"] in ("C066", "C055"):
            case["scheme"] = "mutual"
    year = scored_year(area, cases)
    row = row_of(settle_months(*year), "390", "H2", 5)
    assert (row.declared_fen, row.contract_twelfth_fen) == (0, 100_000)
    result = clear_year(*year)
    inside = 353_500 + 358_050
    assert posted(result.lines)["390", "H2", "2024", "fixed_standard.bundle"] == inside + (1_200_000 - inside)


def test_clearing_takes_the_months_as_they_were_posted():
    cases, scored, area = scored_year()
    fresh = settle_months(cases, scored, area)
    given = clear_year(cases, scored, area, fresh.lines)
    assert given.lines == clear_year(cases, scored, area).lines
    less = [
        replace(line, amount_fen=line.amount_fen - 1) if line.cause is Cause.PREPAYMENT else line
        for line in fresh.lines
    ]
    other = clear_year(cases, scored, area, less)
    statement, usual = other.pool("390").statements["H1"], given.pool("390").statements["H1"]
    assert statement.entitled_fen == usual.entitled_fen
    assert statement.final_fen == usual.final_fen + 4
    assert other.pool("390").conservation.difference_fen == 0


def test_months_posted_for_nobody_leave_everything_to_the_final():
    cases, scored, area = scored_year()
    result = clear_year(cases, scored, area, [])
    for pool in result.pools:
        for statement in pool.statements.values():
            assert statement.prepaid_cash_fen == 0
            assert statement.final_fen == statement.entitled_fen - statement.supplier_paid_fen
        assert sum_of(pool.lines, Cause.PREPAID, Cause.QUALITY_DEPOSIT, Cause.ADVANCE_RECOVERED) == 0


def test_a_month_line_lost_after_posting_is_noticed():
    from pointvalue.invariants import prove_pool

    cases, scored, area = scored_year()
    result = clear_year(cases, scored, area)
    lost = [line for line in result.lines if line.pool == "310"]
    lost.remove(next(line for line in lost if line.cause is Cause.DEPOSIT_WITHHELD))
    with pytest.raises(InvariantBroken):
        prove_pool(result.pool("310"), area.pools[0], lost)
