"""Who stands near a cliff: cases by class edge, hospitals by the edges of sharing, assessment and deposit; and the list
of a policy's cliffs. Figures are worked by hand beside each test."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from engine.area import load_area
from engine.cli import app
from engine.lang import choose
from engine.report.cliff_words import cliff_text
from engine.run import clear
from engine.run_parts import RunOptions
from fixtures.random_years import settle
from pointvalue.cliffs import HospitalEdge, ScoreCliff, hospital_edges, score_cliffs
from pointvalue.cliffs_near import NO_POINTS, near_edges
from pointvalue.model import ScoreSlope, ScoreStep
from pointvalue.policy_cliffs import policy_cliffs
from pointvalue.sharing import Standing, hospital_share
from pointvalue.terms import AssessmentOn, Side
from tests.golden_sharing import sharing_of, tiers
from tests.pointvalue_years import golden_area, golden_cases, plain_pool
from tests.small_city import DEMO, YEAR, demo_area, small_city

F = Fraction
NEAR = F(2, 100)


def edges_of(cost: int, near: Fraction = NEAR, **case: Any) -> list[tuple[str, str, Fraction, list[bool], list[int]]]:
    """Near edges of one DRG case of 100 base points and mean 10,800.00 at H1 (coefficient 1.05)."""
    area, (first, *_) = golden_area(), golden_cases()
    area |= {"audits": [], "contracts": [], "advances": {}}
    one = {**first, "cost_fen": cost, "patient_fen": 0, "fund_fen": cost, **case}
    _, columns, scored, read = settle(area, [one])
    return [
        (each.class_before, each.class_after, each.limit, each.is_below.tolist(),
         [*each.before_e4.tolist(), *each.after_e4.tolist()])
        for each in near_edges(columns, scored, read, near)
    ]  # fmt: skip


def test_a_case_just_under_the_low_line_is_near_with_the_points_of_both_sides() -> None:
    """0.4 × 1,080,000 = 432,000: at 431,999 fen 39.9999 points, at 432,001 (0.4 + 0.2) × 105 = 63.0001."""
    expected = ("low", "low_normal", F("0.4"), [True], [399_999, 630_001])
    assert edges_of(430_000) == [expected]
    assert edges_of(432_000) == [expected]
    assert edges_of(432_001) == [(*expected[:3], [False], expected[4])]


def test_how_near_is_near_is_the_callers_choice_and_smooth_edges_are_none() -> None:
    """2 % of 432,000 is 8,640. The ramp meets the base at 0.8, so 864,000 is no cliff; linear addition meets at K."""
    assert edges_of(440_641) == [] and len(edges_of(440_640)) == 1
    assert len(edges_of(440_641, F(3, 100))) == 1
    assert edges_of(864_000) == [] and edges_of(3 * 1_080_000) == []


def test_a_case_of_another_class_by_its_flags_is_near_no_edge_of_cost() -> None:
    assert edges_of(430_000, flags=["day_surgery"]) == []
    assert edges_of(430_000, days=60) == []


def test_an_edge_out_of_the_points_has_no_points_beyond() -> None:
    area, (first, *_) = golden_area(), golden_cases()
    area |= {"audits": [], "contracts": [], "advances": {}}
    sets = area["schemes"]["drg"]["class_sets"]
    sets[0]["rules"].insert(0, {"id": "by_item", "when": {"cost_ratio": {"above": "2"}}, "shape": "ffs"})
    sets[0]["rules"].insert(0, {"id": "top", "when": {"top_share": "0.0001"}, "shape": "ffs"})
    one = {**first, "cost_fen": 2_160_000, "patient_fen": 0, "fund_fen": 2_160_000}
    _, columns, scored, read = settle(area, [one])
    (edge,) = near_edges(columns, scored, read, NEAR)
    assert (edge.class_before, edge.class_after) == ("normal", "by_item")
    assert (edge.before_e4.tolist(), edge.after_e4.tolist()) == ([1_050_000], [NO_POINTS])


def test_graded_high_limits_are_asked_by_base_points() -> None:
    """From July K is 2.5 up to 100 base points, before it is 3: the edge of a `cap` lies there."""
    area, (first, *_) = golden_area(), golden_cases()
    area |= {"audits": [], "contracts": [], "advances": {}}
    for each in area["schemes"]["drg"]["class_sets"]:
        each["rules"][-2] |= {"shape": "cap", "coef": True}
    found = []
    for day in ("2024-06-30", "2024-07-01"):
        one = {**first, "discharge": day, "settle": day, "cost_fen": 2_700_000, "patient_fen": 0, "fund_fen": 2_700_000}
        _, columns, scored, read = settle(area, [one])
        found.append([(each.limit, each.class_after) for each in near_edges(columns, scored, read, NEAR)])
    assert found == [[], [(F("2.5"), "high")]]


STEPS = (ScoreStep(F(90), F(1)), ScoreStep(F(80), F("0.9")), ScoreStep(F(0), F("0.9")))


def test_steps_of_a_table_are_cliffs_where_the_value_changes() -> None:
    assert score_cliffs(STEPS) == (ScoreCliff(F(90), F("0.9"), F(1)),)
    assert score_cliffs(ScoreSlope(F(90), F("0.01"))) == ()


def edges(actual: int, score: str, withheld: int = 600_000, **more: Any) -> tuple[HospitalEdge, ...]:
    sharing = sharing_of(tiers(Side.SURPLUS, [], ["0.5"]), tiers(Side.OVERSPEND, [], ["0.5"]), actual_below=F("0.85"))
    on = frozenset(AssessmentOn)
    pool = plain_pool("drg", sharing=sharing, assessment=STEPS, assessment_on=on, deposit_release=STEPS, **more)
    share = hospital_share(pool, Standing("H1", F(score), 10_000_000, actual, F(10_000_000), actual, 1))
    return hospital_edges(pool, share, F(score), withheld, F(1, 2), F(5, 100))


def test_a_hospital_near_paying_actual_is_told_what_the_edge_is_worth() -> None:
    """At 85 % of 100,000.00 it keeps half of 15,000.00; 81 % lies within 5 % of 85 %, 80 % does not."""
    (edge, *_) = edges(8_100_000, "70")
    assert edge == HospitalEdge("actual_below", F("0.85"), F("0.81"), F(0), F("0.075"), 750_000)
    assert edges(8_000_000, "70") == ()
    assert [each.kind for each in edges(8_900_000, "70")] == ["actual_below"]


def test_a_score_near_a_step_is_told_by_what_it_would_move() -> None:
    """Standard 10,000,000; overspent by 1,000,000, claim 500,000 at k = 1/2: 10 % of 10,250,000. Deposit: 10 %."""
    assessment, deposit = edges(11_000_000, "88.5")
    assert assessment == HospitalEdge("assessment", F(90), F("88.5"), F("0.9"), F(1), 1_025_000)
    assert deposit == HospitalEdge("deposit_release", F(90), F("88.5"), F("0.9"), F(1), 60_000)
    assert [each.kind for each in edges(11_000_000, "88.5", withheld=0)] == ["assessment"]
    assert edges(11_000_000, "85.4") == ()


def test_the_cliffs_of_the_contract_policy_are_listed_with_both_sides() -> None:
    area = settle(golden_area(), golden_cases())[3]
    found = [(each.kind, each.where, each.at, each.name_before, each.name_after, each.before, each.after)
             for each in policy_cliffs(area)]  # fmt: skip
    assert ("class", "drg", F("0.4"), "low", "low_normal", F("0.4"), F("0.6")) in found
    assert ("class", "dip", F("0.5"), "low", "normal", F("0.5"), F(1)) in found
    assert ("days", "drg", F(60), "", "outside", None, None) in found
    assert ("tcm", "drg", F("0.6"), "", "tcm", None, None) in found
    assert ("level_quota", "single HIP 310", F(0), "II", "III", F(41_000), F(43_000)) in found
    assert ("assessment", "310", F(90), "", "", F("0.98"), F(1)) in found
    assert ("deposit_release", "390", F(60), "", "", F(0), F("0.7")) in found
    assert not [each for each in found if each[0] == "class" and each[4] in ("high", "extreme_review")]


def test_a_sharing_cliff_and_falling_points_are_listed() -> None:
    area = golden_area()
    area["clearing"]["sharing"]["actual_below"] = "0.85"
    rules = area["schemes"]["dip"]["class_sets"][0]["rules"]
    rules[1] |= {"shape": "coef_only"}
    rules[2] |= {"shape": "excess_plus_coef"}
    found = policy_cliffs(settle(area, golden_cases())[3])
    assert [each.at for each in found if each.kind == "actual_below"] == [F("0.85"), F("0.85")]
    (falling,) = [each for each in found if each.before and each.after and each.after < each.before]
    assert (falling.at, falling.before, falling.after) == (F(5), F(4), F(1))


def test_policy_show_lists_the_cliffs_in_both_languages_and_check_counts_them() -> None:
    for lang, words in (("zh", "倍率 0.4: low 0.4 × 基准点数 → low_normal 0.6 × 基准点数"),
                        ("en", "ratio 0.4: low 0.4 × base points → low_normal 0.6 × base points")):  # fmt: skip
        shown = CliRunner().invoke(app, ["--lang", lang, "policy", "show", "demo", "--on", "2025-07-01", "--cliffs"])
        choose(None)
        assert shown.exit_code == 0 and words in shown.output
        assert "90" in shown.output and "budget.plan" not in shown.output
    checked = CliRunner().invoke(app, ["--lang", "en", "policy", "check", "demo", "--year", "2025"])
    choose(None)
    assert f"{len(shown.output.splitlines()) - 1} cliffs" in checked.output


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    city = small_city()
    options = RunOptions(tmp_path_factory.mktemp("near"), months="cases")
    return clear([*city.case_files, city.later], demo_area(), YEAR, options).folder


def test_cases_near_the_low_line_of_a_run_are_just_those_of_its_settled_file(folder: Path) -> None:
    """Counted again from settled.parquet: |cost − 0.4 × mean| ≤ 2 % of it, and not classed by anything but cost."""
    rows = pl.read_parquet(folder / "cliffs.parquet").filter(edge_kind="class")
    cases = pl.read_parquet(folder / "settled.parquet")
    cost, mean = (pl.col(name).to_physical().cast(pl.Int64) for name in ("medfee_sumamt", "std_fee"))
    edge = mean * 2 // 5
    close = cases.filter(pl.col("class_id").is_in(["low", "low_normal"]), (cost - edge).abs() * 50 <= edge)
    assert close.height > 5
    assert rows["blw_psntime"].sum() + rows["abv_psntime"].sum() == close.height
    assert rows["blw_psntime"].sum() == close.filter(cost <= edge).height
    assert set(rows["edge_name"]) == {"drg: low → low_normal"}
    assert (rows["jump_amt"] > 0).all()


def test_each_kind_of_edge_has_its_sentence_in_both_languages() -> None:
    place = {
        "edge_at": Decimal("0.85"),
        "own_at": Decimal("0.862"),
        "edge_from": Decimal(0),
        "edge_to": Decimal("0.075"),
    }
    row = {
        **place,
        "edge_kind": "actual_below",
        "edge_name": "",
        "blw_psntime": 2,
        "abv_psntime": 1,
        "jump_amt": Decimal("7.50"),
    }
    assert (
        cliff_text(row, "zh")
        == "低于标准一定比例据实支付：断点 85 %，本院实际为标准的 86.2 %，相距 1.2 %；达到断点多留 7.50"
    )
    assert "edge 85 %" in cliff_text(row, "en") and "7.50" in cliff_text(row, "en")
    step = {
        **row,
        "edge_kind": "assessment",
        "edge_at": Decimal(90),
        "own_at": Decimal("88.5"),
        "edge_from": Decimal("0.98"),
        "edge_to": Decimal(1),
    }
    assert (
        cliff_text(step, "zh") == "考核系数分档：90 分（98 % → 100 %），本院 88.5 分，相差 1.5 分；跨过分档的金额 7.50"
    )
    assert "score 90 (98 % → 100 %)" in cliff_text({**step, "edge_kind": "deposit_release"}, "en")
    case = {**row, "edge_kind": "class", "edge_name": "drg: low → normal", "edge_at": Decimal("0.5"), "own_at": None}
    assert "2 例在下、1 例在上，跳变金额合计 7.50" in cliff_text(case, "zh")
    assert "2 cases below, 1 above, 7.50 at stake" in cliff_text(case, "en")


def test_dip_cases_near_a_deviation_edge_are_counted_from_the_catalogues_own_scores(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Up to 0.5 the demo catalogue pays the ratio, above it all of it; at 2 the excess meets the normal band. Counted
    again from settled.parquet."""
    city, area = small_city(), load_area(DEMO / "policy_dip")
    options = RunOptions(tmp_path_factory.mktemp("dip"), months="cases")
    folder = clear([*city.case_files, city.later], area, YEAR, options).folder
    rows = pl.read_parquet(folder / "cliffs.parquet").filter(edge_kind="class")
    cases = pl.read_parquet(folder / "settled.parquet")
    cost, reference = (pl.col(name).to_physical().cast(pl.Int64) for name in ("medfee_sumamt", "std_fee"))
    close = cases.filter(reference // 2 > 5, (cost - reference // 2).abs() * 50 <= reference // 2)
    assert set(rows["edge_name"]) == {"dip: 低倍率 → 正常倍率"} and set(rows["edge_at"]) == {Decimal("0.5")}
    assert rows["blw_psntime"].sum() + rows["abv_psntime"].sum() == close.height > 5
    assert rows["blw_psntime"].sum() == close.filter(cost <= reference // 2).height
    assert (rows["jump_amt"] > 0).all()
