"""Years for tests: the contract year, variations of its policy and cases, and how to settle them."""

import copy
import json
from fractions import Fraction
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st

from fixtures.area_json import read_area
from fixtures.cases_json import read_cases
from pointvalue.annual import clear_year
from pointvalue.classes import score
from pointvalue.model import (
    AreaYear,
    ClassRule,
    ClassSet,
    Hospital,
    MonthTerms,
    PointScheme,
    PointValueTerms,
    Pool,
    PotTerms,
    ReserveTerms,
    ScoreStep,
)  # fmt: skip
from pointvalue.terms import Basis, MonthlyBasis, Payable, Shape

F = Fraction
MONTH = MonthTerms(MonthlyBasis.BOOKED_FUND, F(1), F("0.05"))
RELEASE = (ScoreStep(F(60), F(1)), ScoreStep(F(0), F(0)))


def plain_pool(*schemes, **more):
    """A pool with one pot per scheme, equal ratios, and nothing special."""
    given = {
        "id": "310",
        "plan_fen": 1_000_000,
        "reserve": ReserveTerms(F("0.05")),
        "point_value": PointValueTerms(Basis.TOTAL_COST_OBSERVED, Payable.MINUS_PATIENT, 4),
        "pots": tuple(PotTerms(scheme, F(1, len(schemes))) for scheme in schemes),
        "months": (MONTH,) * 12,
        "deposit_release": RELEASE,
    }
    return Pool(**{**given, **more})


def plain_scheme(*rules, **more):
    rules = rules or (ClassRule("normal", Shape.NORMAL),)
    return PointScheme("drg", 100, 1_000_000, (ClassSet(0, tuple(rules)),), {"310": F(100)}, **more)


def plain_area(pool=None, scheme=None, **more):
    pool = pool or plain_pool("drg")
    hospitals = (Hospital("H1", "III", 1_000_000, score=F(95)), Hospital("H2", "II", 800_000, score=F(70)))
    return AreaYear("test", 2024, hospitals, (scheme or plain_scheme(),), (pool,), **more)


unhurried = settings(deadline=None)
"""The first example of a test may wait for a kernel to be compiled."""
CONTRACT = Path(__file__).resolve().parents[1] / "fixtures" / "contract"
GOLDEN = json.loads((CONTRACT / "golden-year.json").read_text(encoding="utf-8"))
PAIRS = [
    ("total_cost_observed", "minus_patient"),
    ("total_cost_ratio", "minus_patient"),
    ("total_cost_ratio", "times_ratio"),
    ("fund", "fund"),
]


def golden_area():
    return copy.deepcopy(GOLDEN["area"])


def golden_cases():
    return copy.deepcopy(GOLDEN["cases"])


def settle(area_json, cases_json, **how):
    """(result, cases, scored, area) of an area file's year."""
    area = read_area(area_json)
    cases, _ = read_cases(cases_json, area_json, area)
    scored = score(cases, area)
    return clear_year(cases, scored, area, **how), cases, scored, area


def posted(lines):
    return {(line.pool, line.hospital, line.period, line.label): line.amount_fen for line in lines}


BOUNDS = [(None, None), ("0.97", "1.03"), (None, "0.9"), ("0.5", "1.2"), ("1.02", None)]
SHARES = st.sampled_from(["0", "0.05", "0.3", "0.5", "0.85", "1"])
NEW_SHAPES = [
    {"id": "first", "when": {"top_share": "0.1"}, "shape": "cap", "k": "1.7"},
    {"id": "first", "when": {"cost_ratio": {"above": "1.5"}}, "shape": "excess_plus_coef", "k": "1.5"},
    {"id": "first", "when": {"cost_ratio": {"above": "2"}}, "shape": "deduct", "k": "2"},
    {"id": "first", "when": {"cost_ratio": {"below": "0.9"}}, "shape": "cost_points", "aux": False},
    {"id": "first", "when": {"days_upto": 4}, "shape": "ffs"},
    {"id": "first", "when": {"cost_ratio": {"above": "4"}}, "shape": "coef_only"},
]


@st.composite
def clearings(draw, pick):
    """A random `clearing` block."""
    basis, payable = draw(st.sampled_from(PAIRS))
    lower, upper = draw(st.sampled_from(BOUNDS))
    clearing = {
        "reserve": {
            "rate": draw(SHARES.filter(lambda r: r != "1")),
            "base": draw(st.sampled_from(["total", "case_based"])),
            "for_shares": draw(SHARES),
        },
        "fixed_variance": draw(
            st.sampled_from([{"default": "reserve"}, {"default": "points"}, {"default": "reserve", "single": "points"}])
        ),
        "point_value": {
            "basis": basis,
            "payable": payable,
            "ratio": draw(st.sampled_from(["0.65", "0.8", "0.7777"])),
            "dp": draw(st.sampled_from([None, 0, 2, 4])),
            "mode": draw(st.sampled_from(["half_up", "floor"])),
            "lower": lower,
            "upper": upper,
        },
        "negative_case": pick("keep", "floor_zero"),
        "negative_final": pick("carry", "collect"),
    }
    if pick(True, False):
        clearing["pool_sharing"] = {"surplus_to_hospitals": draw(SHARES), "deficit_to_hospitals": draw(SHARES)}
    if pick(True, True, False):
        tiers = [
            {"side": side, "from": low, "to": high, "share": draw(SHARES)}
            for side in ("overspend", "surplus")
            for low, high in (("0", "0.03"), ("0.03", "0.1"), ("0.1", None))
        ]
        clearing["sharing"] = {
            "amount": "fund" if basis == "fund" else pick("fund", "total_cost"),
            "denominator": pick("standard", "quota"),
            "tiers": tiers,
            "surplus_cap": draw(st.sampled_from([None, "0.01", "0.1"])),
            "overspend_cap": draw(st.sampled_from([None, "0.02"])),
            "actual_below": draw(st.sampled_from([None, "0.85", "0.99"])),
            "also_schemes": pick([], ["bed_day"], ["bed_day", "single"]),
            "quota": {f"H{h}/{p}": draw(st.integers(1, 40_000_000)) for h in (1, 2, 3) for p in ("310", "390")},
        }
    if pick(False, True):
        prior = {f"H{h}/{p}": draw(st.integers(0, 40_000_000)) for h in (1, 2) for p in ("310", "390")}
        clearing["hospital_growth_cap"] = {"rate": draw(SHARES), "prior_fen": prior}
    return clearing


@st.composite
def years(draw):
    """A variation of the contract year: other basis, bounds, tiers, audits, contracts, funds, and fewer cases."""

    def pick(*values):
        return draw(st.sampled_from(values))

    area, cases = golden_area(), golden_cases()
    area["clearing"] = draw(clearings(pick))
    kept = draw(st.sets(st.sampled_from([case["id"] for case in cases])))
    if pick(True, False):
        cases = [case for case in cases if case["id"] in kept]
    for case in cases:
        if case["id"] in kept and pick(True, False, False):
            case["patient_fen"] = draw(st.integers(0, case["cost_fen"]))
            case["fund_fen"] = case["cost_fen"] - case["patient_fen"]
        if "special" in case:
            case["special"] |= {"points": "512.3456", "approved_fund_fen": 4_444_444}
    scored = [
        case["id"] for case in cases if case["scheme"] in ("drg", "dip") and case["days"] < 60 and case["id"] != "C018"
    ]
    cancelled = draw(st.sets(st.sampled_from(scored), max_size=4)) if scored else set()
    area["special_case"]["pay"] = pick("points_from_cost", "adjusted_standard", "actual_outside_pool")
    if area["special_case"]["pay"] == "actual_outside_pool":
        cancelled.discard("C013")
    if pick(False, False, True):
        area["schemes"][pick("drg", "dip")]["class_sets"][0]["rules"].insert(0, pick(*NEW_SHAPES))
        cancelled = set()
    area["audits"] = [
        {
            "case": case,
            "kind": "cancel",
            "pv": pick("frozen", "recomputed"),
            "extra_base_multiple": pick("0", "1", "2", "5"),
        }
        for case in sorted(cancelled)
    ]
    area["penalties"]["patient_part"] = pick("keep", "release")
    if pick(True, False):
        area["out_of_area"] = {"cap": "ffs"}
        for case in cases:
            if case["id"] in kept:
                case["flags"] = [*case.get("flags", []), "out_of_area"]
    area["assessment"]["applies_to"] = sorted(draw(st.sets(st.sampled_from(["standard", "surplus", "overspend"]))))
    area["monthly"]["basis"] = pick("booked_fund", "points")
    area["monthly"]["quota"] = pick({}, {"H1/310": 4_200_000, "H3/390": 1})
    area["period_by"] = pick("settle", "discharge")
    area["case_values_by"] = pick("settle", "discharge")
    area["schemes"]["mutual"] = {"kind": "bundle"}
    if pick(True, False):
        area["contracts"].append(
            {
                "kind": "bundle",
                "hospital": "H2",
                "pool": "390",
                "package_fen": 900_000,
                "inside_fen": draw(st.integers(0, 1_200_000)),
                "outside_fen": 100_001,
                "retain": "0.8",
                "fund_bears_deficit": "0.5",
            }
        )
    for pool in area["pools"].values():
        pool.pop("reserve", None)
        pool.pop("pool_sharing", None)
        draw_funds(draw, pick, pool)
    return area, cases


def draw_funds(draw, pick, pool):
    """Another budget and another set of pots."""
    size = pick("as given", "tiny", "large")
    if size == "tiny":
        pool |= {"plan_fen": draw(st.integers(0, 50_000_000)), "outside_fen": {}, "fixed_lines_fen": {}}
        pool.pop("growth_cap", None)
    elif size == "large":
        pool["plan_fen"] += draw(st.integers(0, 40_000_000))
    cut = draw(st.sampled_from(["0", "0.5", "0.3333", "1"]))
    rest = str(1 - float(cut)) if cut != "0.3333" else "0.6667"
    counties = pick(False, False, True)
    if counties:
        pool["pots"] = [{"scheme": "drg", "county": "A", "ratio": cut}, {"scheme": "drg", "county": "B", "ratio": rest}]
        pool["pots"] += [{"scheme": "dip", "county": county, "ratio": "0"} for county in "AB"]
    else:
        pool["pots"] = [{"scheme": "drg", "ratio": cut}, {"scheme": "dip", "ratio": rest}]
    if pick(True, False, False):
        pool["pots"][0]["price"] = pick("100", "131.57", "9.99995")
