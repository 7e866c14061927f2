"""How a worked example becomes cases and an area: rows to columns, yuan to fen, and how its figures are shown."""

from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from pointvalue.cases import CaseColumns
from pointvalue.fixed import E6
from pointvalue.model import AreaYear, ClassRule, ClassSet, Hospital, PointScheme, PointValueTerms
from pointvalue.terms import Basis, Payable, Shape
from tests.pointvalue_years import plain_pool

F = Fraction
GROUPS = ("G", "SAME")
OWN_FUND = PointValueTerms(Basis.FUND, Payable.FUND, 4)
PLAIN = PointScheme("points", 100, 1_000_000, (ClassSet(0, (ClassRule("normal", Shape.NORMAL),)),), {"310": F(120)})
"""A scheme where every case earns its base points times the coefficient."""


@dataclass(frozen=True)
class Shown:
    """A figure the page shows rounded half up to the decimals it prints."""

    value: Fraction


def fen(amount):
    """Yuan, as the examples write them, in fen."""
    found = F(str(amount)) * 100
    assert found.denominator == 1, f"{amount} is no whole number of fen"
    return found.numerator


def yuan(amount_fen):
    return F(amount_fen, 100)


def area_of(scheme, pool=None, hospitals=(), year=2024, **more):
    hospitals = hospitals or (Hospital("H1", "III", E6, score=F(95)),)
    return AreaYear("worked example", year, hospitals, (scheme,), (pool or plain_pool(scheme.name),), **more)


def case(cost, base_e4=0, mean=0, hospital=0, days=5, flags=0, group=0):
    """One case, everything borne by the fund."""
    return {
        "cost": cost,
        "base_e4": base_e4,
        "mean": mean,
        "hospital": hospital,
        "days": days,
        "flags": flags,
        "group": group,
    }


def columns(rows, **optional):
    """Cases as columns, ids ascending in the order given, all in January, pool and scheme the first."""

    def i32(values):
        return np.array(values, dtype=np.int32)

    def i64(values):
        return np.array(values, dtype=np.int64)

    count = len(rows)
    return CaseColumns(
        ids=[f"C{n:05d}" for n in range(count)],
        hospital=i32([row["hospital"] for row in rows]),
        pool=np.zeros(count, np.int32),
        scheme=np.zeros(count, np.int32),
        group=i32([row["group"] for row in rows]),
        groups=GROUPS,
        month=np.ones(count, np.int32),
        value_day=np.zeros(count, np.int32),
        days=i32([row["days"] for row in rows]),
        cost_fen=i64([row["cost"] for row in rows]),
        patient_fen=np.zeros(count, np.int64),
        fund_fen=i64([row["cost"] for row in rows]),
        base_points_e4=i64([row["base_e4"] for row in rows]),
        reference_fen=i64([row["mean"] for row in rows]),
        flags=i64([row["flags"] for row in rows]),
        **{name: i64(values) for name, values in optional.items()},
    )
