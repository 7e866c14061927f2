"""Small rich years for the promises of a settlement: together they post a line of every cause there is.

In: the contract year; out: variations of it by name, each with the causes it is there for. Nothing is expected here.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from fixtures.area_json import read_area
from fixtures.cases_json import read_cases
from pointvalue.annual import clear_year
from pointvalue.cases import CaseColumns
from pointvalue.classes import Scored, score
from pointvalue.model import AreaYear
from pointvalue.results import YearResult
from tests.pointvalue_years import golden_area, golden_cases

Json = dict[str, Any]


def rich() -> Json:
    """Negative cases lifted, growth capped, assessment on everything, money deducted and added, a value bounded."""
    area = golden_area()
    area["clearing"] |= {
        "negative_case": "floor_zero",
        "hospital_growth_cap": {"rate": "0", "prior_fen": {"H1/310": 20_000_000}},
    }
    area["clearing"]["point_value"]["upper"] = "0.9"
    area["assessment"]["applies_to"] = ["standard", "surplus", "overspend"]
    area["money_lines"] = [
        {"hospital": "H1", "pool": "310", "cause": "audit_money", "amount_fen": 5},
        {"hospital": "H3", "pool": "310", "cause": "other", "name": "vbp_retention", "amount_fen": 16_200},
    ]
    return area


def without_reserve() -> Json:
    """Fixed-price lines overrun and nothing was set aside: standards are scaled back."""
    area = golden_area()
    del area["clearing"]["sharing"]
    area["audits"] = []
    area["pools"]["310"]["reserve"] = {"rate": "0"}
    area["pools"]["310"]["plan_fen"] -= 866_970
    return area


def by_ratio() -> Json:
    """The fund over a reimbursement ratio, less what patients bore: the pot differs from its fund."""
    area = golden_area()
    area["clearing"]["point_value"] |= {"basis": "total_cost_ratio", "payable": "minus_patient", "ratio": "0.8"}
    area["audits"][0]["pv"] = "recomputed"
    area["clearing"]["reserve"] = {"rate": "0.2"}
    return area


def after_another() -> Json:
    """Patients from elsewhere are paid what they booked at most; last year left a balance and a debt."""
    return golden_area() | {"out_of_area": {"cap": "ffs"}}


YEARS = {
    "rich": rich,
    "without reserve": without_reserve,
    "by ratio": by_ratio,
    "after another": after_another,
    "as contracted": golden_area,
}


def opened(area: AreaYear) -> AreaYear:
    """The area with a reserve brought forward, and hospitals that still owe from the year before."""
    pools = (replace(pool, brought_forward_fen=70_001, receivable_fen={"H1": 12_345}) for pool in area.pools)
    return replace(area, pools=tuple(pools))


@cache
def cleared(name: str) -> tuple[YearResult, CaseColumns, Scored, AreaYear]:
    """One of the years, cleared; tests read it and never change it."""
    terms, rows = YEARS[name](), golden_cases()
    area = read_area(terms)
    if name == "after another":
        area = opened(area)
        for row in rows[::2]:
            row["flags"] = [*row.get("flags", []), "out_of_area"]
    cases, _ = read_cases(rows, terms, area)
    scored = score(cases, area)
    return clear_year(cases, scored, area), cases, scored, area


def causes_of(name: str) -> list[str]:
    """The causes a year posts, with the reserve's lines and the months'."""
    return sorted({line.cause.value for line in cleared(name)[0].lines})
