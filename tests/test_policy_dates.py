"""Which value holds on which day: the day before, of and after each change; never a silent default before the first."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from engine.policy import AreaPolicy, PolicyFaults, load_policy, resolve, show
from engine.policy import money_params as money
from fixtures.small_policy import SMALL, write_small
from pointvalue.model import KLimit

EPOCH = date(1970, 1, 1)


def changed(folder: Path, file: str, old: str, new: str) -> AreaPolicy:
    """The small policy with one valid edit."""
    write_small(folder)
    text = SMALL.get(file, "")
    assert old in text
    (folder / file).write_text(text.replace(old, new) if old else new, encoding="utf-8")
    return load_policy(folder)


def rate(policy: AreaPolicy, day: date) -> Fraction:
    return policy.desk().pool(money.DEPOSIT_RATE, day, "310")


def test_a_value_holds_from_its_day_on_and_not_the_day_before(tmp_path: Path) -> None:
    written = "2024-07-01: 0.03\n      2024-01-01: 0.05"  # newest first: order in the file does not matter
    policy = changed(tmp_path, "deposit.yaml", "2024-01-01: 0.05", written)
    assert rate(policy, date(2024, 6, 30)) == Fraction(5, 100)
    assert rate(policy, date(2024, 7, 1)) == Fraction(3, 100)
    assert rate(policy, date(2024, 7, 2)) == Fraction(3, 100)


def test_before_the_first_date_the_parameter_and_the_day_are_named(tmp_path: Path) -> None:
    policy = load_policy(write_small(tmp_path))
    with pytest.raises(PolicyFaults) as caught:
        rate(policy, date(2023, 12, 31))
    for word in ("deposit.yaml:5", "deposit.rate", "2023-12-31", "starts on 2024-01-01", "Add an earlier value"):
        assert word in caught.value.render("en")


def test_null_ends_a_value_that_has_no_default(tmp_path: Path) -> None:
    policy = changed(tmp_path, "deposit.yaml", "2024-01-01: 0.05", "2024-01-01: 0.05\n      2025-06-01: null")
    assert rate(policy, date(2025, 5, 31)) == Fraction(5, 100)
    with pytest.raises(PolicyFaults, match="ended"):
        rate(policy, date(2025, 6, 1))


def test_null_ends_an_optional_value_back_to_its_default(tmp_path: Path) -> None:
    upper = "  payable: minus_patient\n  dp:\n    values: {2024-01-01: 2, 2025-01-01: null}\n"
    policy = changed(tmp_path, "point_value.yaml", "  payable: minus_patient\n", upper)
    assert policy.desk().pool(money.DP, date(2024, 12, 31), "390") == 2
    assert policy.desk().pool(money.DP, date(2025, 1, 1), "390") == 4


def test_a_budget_never_carries_over_to_the_next_year(tmp_path: Path) -> None:
    policy = load_policy(write_small(tmp_path))
    assert resolve(policy, 2025).area.pools[0].plan_fen == 100_000_000
    with pytest.raises(PolicyFaults) as caught:
        resolve(policy, 2026)
    for word in ("budget.plan", "none for 2026", "there are: 2025", "budget.yaml:8"):
        assert word in caught.value.render("en")


def test_a_budget_changed_in_june_is_the_one_in_force_on_31_december(tmp_path: Path) -> None:
    plan = '2025-01-01: {"310": 1000000.00, "390": 2000000.00}'
    policy = changed(tmp_path, "budget.yaml", plan, plan + '\n      2025-06-01: {"310": 1100000.00, "390": 2000000.00}')
    assert resolve(policy, 2025).area.pools[0].plan_fen == 110_000_000


def test_a_limit_that_changes_on_1_july_gives_two_sets_of_class_rules(tmp_path: Path) -> None:
    (scheme,) = resolve(load_policy(write_small(tmp_path)), 2025).area.schemes
    before, after = scheme.class_sets  # type: ignore[union-attr]
    assert before.from_day == (date(2024, 1, 1) - EPOCH).days
    assert after.from_day == (date(2025, 7, 1) - EPOCH).days
    assert before.k_limits == (KLimit(Fraction(100), Fraction(3)), KLimit(None, Fraction(2)))
    assert after.k_limits == (KLimit(None, Fraction(5, 2)),)
    assert before.rules == after.rules


def test_what_starts_after_the_year_is_not_in_it(tmp_path: Path) -> None:
    (scheme,) = resolve(load_policy(write_small(tmp_path)), 2025).area.schemes
    assert len(scheme.class_sets) == 2  # type: ignore[union-attr]
    policy = changed(tmp_path / "next", "case_classes.yaml", "2025-07-01", "2026-01-01")
    (scheme,) = resolve(policy, 2025).area.schemes
    assert len(scheme.class_sets) == 1  # type: ignore[union-attr]


def test_each_month_reads_its_rate_on_its_last_day(tmp_path: Path) -> None:
    policy = changed(tmp_path, "deposit.yaml", "2024-01-01: 0.05", "2024-01-01: 0.05\n      2025-02-28: 0.03")
    months = resolve(policy, 2025).area.pools[0].months
    assert [month.deposit_rate for month in months[:3]] == [Fraction(5, 100), Fraction(3, 100), Fraction(3, 100)]


def test_a_deposit_above_5_percent_stands_before_the_ceiling_and_falls_with_it(tmp_path: Path) -> None:
    policy = changed(tmp_path, "deposit.yaml", "2024-01-01: 0.05", "2024-01-01: 0.06")
    assert rate(policy, date(2024, 12, 31)) == Fraction(6, 100)
    with pytest.raises(PolicyFaults, match="above 5 %"):
        resolve(policy, 2025)


def test_an_override_reason_lets_a_higher_deposit_pass_and_travels_with_it(tmp_path: Path) -> None:
    reason = "  override_reason: 省级批复〔样例〕1号\n  rate:\n    unit: /1\n    values:\n      2024-01-01: 0.06\n"
    old = "  rate:\n    unit: /1\n    values:\n      2024-01-01: 0.05\n"
    pool = resolve(changed(tmp_path, "deposit.yaml", old, reason), 2025).area.pools[0]
    assert {month.deposit_override_reason for month in pool.months} == {"省级批复〔样例〕1号"}


def test_weights_and_coefficients_are_read_at_the_day_of_the_case(tmp_path: Path) -> None:
    write_small(tmp_path)
    later = "group_code,base_points,cost_mean\nAA1,110.0000,11000.00\nAA2,250.5000,25050.00\n"
    (tmp_path / "later.csv").write_text(later, encoding="utf-8")
    weights = "{2024-01-01: {drg: weights.csv}, 2025-01-01: {drg: later.csv}}"
    text = SMALL["points.yaml"].replace("{2024-01-01: {drg: weights.csv}}", weights)
    (tmp_path / "points.yaml").write_text(text, encoding="utf-8")
    resolved = resolve(load_policy(tmp_path), 2025)
    december, january = (resolved.weights["drg"].on(day) for day in (date(2024, 12, 31), date(2025, 1, 1)))
    assert (december.base_points_e4[0], january.base_points_e4[0]) == (1_000_000, 1_100_000)
    assert (december.cost_mean_fen[0], january.cost_mean_fen[0]) == (1_000_000, 1_100_000)
    assert resolved.coefficients_e6.on(date(2024, 12, 31)) == {"H1": 1_050_000, "H2": 960_000}
    with pytest.raises(PolicyFaults, match="2023-12-31"):
        resolved.weights["drg"].on(date(2023, 12, 31))


def test_editions_of_another_base_year_may_not_share_a_pot(tmp_path: Path) -> None:
    text = "{2024-01-01: {drg: 2023}, 2025-07-01: {drg: 2024}}"
    weights = "{2024-01-01: {drg: weights.csv}, 2025-07-01: {drg: weights.csv}}"
    points = SMALL["points.yaml"].replace("{2024-01-01: {drg: 2023}}", text)
    write_small(tmp_path)
    changed_text = points.replace("{2024-01-01: {drg: weights.csv}}", weights)
    (tmp_path / "points.yaml").write_text(changed_text, encoding="utf-8")
    with pytest.raises(PolicyFaults, match="change scale or base year"):
        resolve(load_policy(tmp_path), 2025)


def test_a_closed_hospital_stays_in_the_year_it_had_cases_in(tmp_path: Path) -> None:
    write_small(tmp_path)
    (tmp_path / "after.csv").write_text(SMALL["hospitals.csv"].rsplit("H2", 1)[0], encoding="utf-8")
    dated = "2024-01-01: hospitals.csv\n    2025-05-01: after.csv"
    text = SMALL["hospitals.yaml"].replace("2024-01-01: hospitals.csv", dated)
    (tmp_path / "hospitals.yaml").write_text(text, encoding="utf-8")
    policy = load_policy(tmp_path)
    assert resolve(policy, 2025).area.hospital_codes == ("H1", "H2")
    assert [hospital.code for hospital in resolve(policy, 2025).area.hospitals if hospital.score is None] == []


def test_showing_a_day_before_everything_reports_and_does_not_stop(tmp_path: Path) -> None:
    rows = {row.key: row for row in show(load_policy(write_small(tmp_path)), date(2020, 1, 1))}
    assert (rows["deposit.rate"].state, rows["deposit.rate"].value) == ("not in force", "–")
    assert rows["monthly.basis"].state == "default"
    assert rows["monthly.basis"].value == "booked_fund"


def test_showing_a_day_gives_value_unit_tag_source_and_since(tmp_path: Path) -> None:
    rows = {row.key: row for row in show(load_policy(write_small(tmp_path)), date(2025, 3, 1))}
    row = rows["deposit.rate"]
    assert (row.value, row.unit, row.tag, row.source, row.since) == ("0.05", "/1", "B", "样例", date(2024, 1, 1))
    assert rows["deposit.release"].tag == "PH"
