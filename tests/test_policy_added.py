"""The rarer mechanisms of a policy: what they change in a resolved year, what they answer, how faults are named."""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from engine.policy import AreaPolicy, PolicyFaults, load_policy, resolve, show
from engine.policy.ask import advance_terms, county_share, review_terms, sub_budgets, weight_terms
from engine.policy.catalogue import MECHANISMS
from fixtures.added_policy import ADDED, ADDED_DEFECTS, write_added
from fixtures.small_policy import Defect, write_small
from pointvalue.budget import waterfall
from pointvalue.coefficient import Increment
from pointvalue.model import FixedScheme
from pointvalue.review import QuotaRounding, Trigger
from pointvalue.single import SingleDeviation
from pointvalue.terms import Cause
from pointvalue.weights import Trim

F = Fraction
DAY = date(2025, 12, 31)


@pytest.fixture
def policy(tmp_path: Path) -> AreaPolicy:
    return load_policy(write_added(tmp_path / "policy"))


# --- faults ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("defect", ADDED_DEFECTS, ids=lambda defect: defect.name)
def test_a_broken_rarer_mechanism_names_the_place_and_the_remedy(defect: Defect, tmp_path: Path) -> None:
    with pytest.raises(PolicyFaults) as caught:
        load_policy(write_added(tmp_path / "policy", defect))
    text = caught.value.render("en")
    assert [word for word in defect.words if word not in text] == [], text
    for problem in caught.value.problems:
        assert any("\u4e00" <= letter <= "\u9fff" for letter in problem.zh), problem


def test_every_rarer_mechanism_stands_in_the_sample() -> None:
    text = "".join(ADDED.values())
    for name in ("coefficient", "vbp", "sub_budgets", "county_share", "advance_rules", "weight_measurement"):
        assert name in MECHANISMS and f"{name}:\n" in text
        for part in MECHANISMS[name].parts:
            assert f"  {part}:" in text or part in (
                "composite_weights",
                "bonus",
                "groups",
                "min",
                "surplus_ratio",
                "history_months",
            )


# --- coefficients ---------------------------------------------------------------------------------------------------


def test_computed_coefficients_change_with_their_facts_and_stop_at_the_most(policy: AreaPolicy) -> None:
    """2024: mean CMI at level 3 is 1.00, H1 a tenth above: +0.02; old 0.20 against 0.15, at once and a step: +0.02."""
    resolved = resolve(policy, 2025)
    before, after = (resolved.coefficients_e6.on(day) for day in (date(2025, 6, 30), date(2025, 7, 1)))
    assert before == {"H1": 970_000, "H2": 700_000, "H3": 930_000}
    assert after == {"H1": 940_000, "H2": 700_000, "H3": 930_000}
    assert [hospital.coefficient_e6 for hospital in resolved.area.hospitals] == [940_000, 700_000, 930_000]


def test_most_and_least_bind_a_computed_coefficient(tmp_path: Path) -> None:
    tight = Defect("most", "coefficient.yaml", "0.98}", "0.75}", ())
    assert resolve(load_policy(write_added(tmp_path, tight)), 2025).coefficients_e6.on(DAY)["H1"] == 750_000


def test_without_the_mechanism_the_hospital_table_holds(tmp_path: Path) -> None:
    resolved = resolve(load_policy(write_small(tmp_path)), 2025)
    assert resolved.coefficients_e6.on(DAY) == {"H1": 1_050_000, "H2": 960_000}
    assert not any(used.key.startswith(("coefficient.", "vbp.", "single_disease.")) for used in resolved.used)


def test_an_area_that_uses_no_coefficients_computes_none(tmp_path: Path) -> None:
    none = Defect("none", "points.yaml", "  scale:\n", "  hospital_coefficient: none\n  scale:\n", ())
    assert set(resolve(load_policy(write_added(tmp_path, none)), 2025).coefficients_e6.on(DAY).values()) == {1_000_000}


FORMS = {
    "level": ("  form: level\n", {"H1": 930_000, "H2": 700_000, "H3": 930_000}),
    "composite": (
        "  form: composite\n  composite_weights:\n    unit: /1\n    values: {2024-01-01: {cmi: 0.8, old: 0.2}}\n",
        {"H1": 870_000, "H2": 760_000, "H3": 790_000},
    ),
    "base_plus_bonus": (
        "  form: base_plus_bonus\n  bonus:\n    unit: /1\n    values: {2024-01-01: {base: cmi, weights: {old: 0.5}}}\n",
        {"H1": 1_125_000, "H2": 1_000_000, "H3": 1_025_000},
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_written_with_its_own_parts(form: str, tmp_path: Path) -> None:
    head = ADDED["coefficient.yaml"].partition("  form:")[0]
    facts = "  facts:\n    values: {2024-01-01: facts_2025.csv}\n"
    values = '  level_values:\n    unit: /1\n    values: {2024-01-01: {"3": 0.93, "2": 0.70}}\n'
    text, expected = FORMS[form]
    folder = write_added(tmp_path)
    (folder / "coefficient.yaml").write_text(head + text + (values if form == "level" else facts), encoding="utf-8")
    assert resolve(load_policy(folder), 2025).coefficients_e6.on(DAY) == expected


# --- the settled year -----------------------------------------------------------------------------------------------


def test_deviation_of_single_diseases_reaches_the_scheme(policy: AreaPolicy) -> None:
    (single,) = [scheme for scheme in resolve(policy, 2025).area.schemes if scheme.name == "single"]
    assert isinstance(single, FixedScheme)
    assert single.deviation == SingleDeviation(F("0.6"), F("0.2"), {("H1", "310"): F("0.78")})


def test_changes_of_the_year_move_the_waterfall_they_name(policy: AreaPolicy) -> None:
    employees, residents = resolve(policy, 2025).area.pools
    assert waterfall(employees).total_fen == 100_000_000 + 2_500_000
    assert employees.outside_fen == {"outpatient": 10_000_000 - 500_000}
    assert (employees.adjustment_fen, residents.adjustment_fen) == (2_500_000, 0)
    assert residents.fixed_lines_fen == {"single": 70_050}


def test_change_that_leaves_less_than_nothing_is_refused_with_its_place(tmp_path: Path) -> None:
    deep = Defect("deep", "budget.yaml", "amount: -5000.00", "amount: -500000.00", ())
    with pytest.raises(PolicyFaults, match=r"budget.adjustments.*outpatient below zero"):
        resolve(load_policy(write_added(tmp_path, deep)), 2025)


def test_retained_savings_are_lines_from_the_reserve(policy: AreaPolicy) -> None:
    """(1,000,000 − 400,000) × 60 % × 50 % × 0.9 = 162,000; who spent more keeps nothing and gives nothing."""
    lines = [line for line in resolve(policy, 2025).area.money_lines if line.name == "vbp_retention"]
    assert [(line.hospital, line.pool, line.cause, line.amount_fen) for line in lines] == [
        ("H1", "310", Cause.OTHER, 16_200_000),
        ("H2", "310", Cause.OTHER, 0),
    ]


def test_values_of_rarer_mechanisms_are_listed_with_their_tags(policy: AreaPolicy) -> None:
    used = {one.key: one for one in resolve(policy, 2025).used}
    for key in (
        "coefficient.form",
        "coefficient.facts",
        "budget.adjustments",
        "vbp.retain",
        "single_disease.deviation",
    ):
        assert (used[key].tag, used[key].unverified) == ("PH", True)


def test_resolved_year_holds_no_float(policy: AreaPolicy) -> None:
    assert "float" not in repr(type(resolve(policy, 2025))) + str(
        {type(leaf).__name__ for leaf in _leaves(resolve(policy, 2025).area)}
    )


def _leaves(value: object) -> list[object]:
    if isinstance(value, dict):
        return [leaf for item in value.items() for leaf in _leaves(item)]
    if isinstance(value, list | tuple | set | frozenset):
        return [leaf for item in value for leaf in _leaves(item)]
    names = getattr(value, "__dataclass_fields__", None)
    return [value] if names is None else [leaf for name in names for leaf in _leaves(getattr(value, name))]


# --- what is asked outside a run ------------------------------------------------------------------------------------


def test_review_terms_give_quota_by_level_swaps_and_triggers(policy: AreaPolicy) -> None:
    terms = review_terms(policy, "drg", DAY)
    assert terms is not None
    assert (terms.quota.rate_of("3"), terms.quota.rate_of("2")) == (F("0.05"), F("0.003"))
    assert (terms.quota.rounding, terms.quota.swap_rate) == (QuotaRounding.FLOOR, F("0.2"))
    assert terms.triggers == (Trigger(days_from=60), Trigger(None, F(1), F("2.5"), 1_500))
    assert review_terms(policy, "single", DAY) is None


def test_weight_terms_take_the_scale_of_their_scheme(policy: AreaPolicy, tmp_path: Path) -> None:
    terms = weight_terms(policy, "drg", DAY)
    assert terms is not None
    assert (terms.year_weights, terms.scale, terms.trim) == ((F("0.2"), F("0.3"), F("0.5")), 100, Trim.IQR)
    assert (terms.min_cases, terms.cv_max) == (15, F(1))
    assert weight_terms(load_policy(write_small(tmp_path / "small")), "drg", DAY) is None


def test_sub_budgets_divide_the_plan_to_the_fen(policy: AreaPolicy) -> None:
    assert sub_budgets(policy, "310", 2025) == {
        "in_or_outpatient": {"inpatient": 70_000_000, "outpatient": 30_000_000},
        "local_or_referred": {"local": 90_000_000, "referred": 10_000_000},
    }
    assert sub_budgets(policy, "390", 2025) == {}


def test_county_share_and_advances_answer_by_pool(policy: AreaPolicy, tmp_path: Path) -> None:
    share = county_share(policy, "310", 2025)
    assert share is not None
    assert (share.terms.deficit_ratio, share.terms.surplus_ratio) == (F("0.3"), 0)
    assert share.allotted_fen == {"东县": 40_000_000, "西县": 50_000_000}
    advance = advance_terms(policy, "390", DAY)
    assert advance is not None
    assert (advance.months, advance.reserve_months, advance.history_months) == (1, 6, 12)
    small = load_policy(write_small(tmp_path / "small"))
    assert county_share(small, "310", 2025) is None and advance_terms(small, "310", DAY) is None


def test_every_rarer_parameter_is_shown_with_its_state(policy: AreaPolicy) -> None:
    rows = {row.key: row for row in show(policy, DAY)}
    assert rows["coefficient.increments"].state == rows["county_share.allotment"].state == "in force"
    assert rows["county_share.surplus_ratio"].state == rows["coefficient.bonus"].state == "default"
    assert "missing" not in {row.state for row in rows.values()}


def test_increments_are_read_with_their_choices(policy: AreaPolicy) -> None:
    first, second = policy.settings["coefficient.increments"].starts[0].value
    assert first == Increment("cmi", F("0.05"), F("0.01"), {"3": F("0.13"), "2": F("0.06")})
    assert (second.at_once, second.symmetric) == (True, False)
