"""The contract year: every figure of the reference specification, and the figures one can find by hand."""

import json
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest

from fixtures.golden_year import compare, figures, main
from fixtures.golden_year import settle as settle_file
from tests.pointvalue_slow_year import SlowYear
from tests.pointvalue_years import CONTRACT, GOLDEN, golden_area, golden_cases, posted, settle


@pytest.fixture(scope="module")
def year():
    return settle(golden_area(), golden_cases())[0]


def test_golden_year_has_no_difference_in_any_figure():
    assert figures(GOLDEN["expected"]) > 2000
    assert list(compare(GOLDEN["expected"], settle_file(GOLDEN))) == []


def test_golden_year_command_exits_0_and_counts():
    run = subprocess.run(
        [sys.executable, "-m", "fixtures.golden_year", str(CONTRACT / "golden-year.json")],
        cwd=Path(__file__).resolve().parents[1],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    assert " figures compared, 0 differences" in run.stdout


def test_golden_comparison_notices_one_fen(tmp_path, capsys):
    for spoil in (
        lambda e: e["lines"][3].update(amount_fen=e["lines"][3]["amount_fen"] + 1),
        lambda e: e["lines"].pop(7),
        lambda e: e["cases"]["C001"].update({"class": "low"}),
        lambda e: e["pools"]["310"]["pots"][0].update(pv_raw_yuan="11301153/92267"),
        lambda e: e["monthly"][5].update(deposit_fen=1),
    ):
        file = json.loads(json.dumps(GOLDEN))
        spoil(file["expected"])
        path = tmp_path / "spoilt.json"
        path.write_text(json.dumps(file), encoding="utf-8")
        assert main([str(path)]) == 1
        assert "1 differences" in capsys.readouterr().out


def test_golden_lines_agree_with_a_second_clearing_written_from_the_rules(year):
    assert SlowYear(golden_area(), golden_cases()).posted() == posted(year.lines)


def test_golden_second_hospital_as_worked_by_hand(year):
    pool = year.pool("310")
    share = pool.shares["H2"]
    assert (share.standard_fen, share.actual_fen) == (11_578_009, 12_490_058)
    gap = 912_049
    tiers = Fraction(2, 100) * 11_578_009 * Fraction(12, 10) + (gap - Fraction(6, 100) * 11_578_009) * Fraction(1, 5)
    assert share.claim_before_assessment_fen == tiers == Fraction("321345.908")
    assert share.claim_fen == Fraction("314918.98984")
    assert pool.scale_back.available_fen == 353_273
    assert pool.scale_back.shares_fen == {"H1": 0, "H2": 273_624, "H3": 79_649}
    statement = pool.statements["H2"]
    parts = [14_870_231, 799_442, -2_838_262, -167_976, 2_142_000, 898_208, 3_280_000, 273_624, -5_034_113]
    assert statement.entitled_fen == sum(parts) == 14_223_154
    assert statement.final_fen == 14_223_154 - 20_114_418 + 905_148 - 2_000_000 == -6_986_116
    assert statement.carried_fen == 6_986_116
    assert statement.advance_uncovered_fen == 2_000_000


def test_golden_fund_is_closed_by_both_pools(year):
    kept = year.pool("310").conservation
    assert 74_100_000 + 1_830_000 + 7_842_836 == 14_000_000 + 63_336_255 + 1_234_567 + 5_202_014
    assert (kept.fund_fen, kept.epidemic_money_fen, kept.receivable_carried_fen) == (74_100_000, 1_830_000, 7_842_836)
    assert (kept.paid_to_hospitals_fen, kept.reserve_left_fen) == (63_336_255, 5_202_014)
    assert [pool.conservation.difference_fen for pool in year.pools] == [0, 0]


def test_golden_limit_that_changes_in_july_is_read_at_discharge():
    _, cases, scored, _ = settle(golden_area(), golden_cases())
    before, after = cases.ids.index("C011"), cases.ids.index("C012")
    assert (scored.class_id(before), scored.points_e4[before]) == ("normal", 1_050_000)
    assert (scored.class_id(after), scored.points_e4[after]) == ("high", 1_250_000)
