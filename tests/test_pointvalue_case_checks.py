"""Many cases are looked at in one pass: it finds what the plain refusals find, wherever it stands."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from pointvalue.cases import CaseColumns, CaseFault

COUNT = 5_000
TOP = np.iinfo(np.int64).max


def columns(**changed: Any) -> CaseColumns:
    rng = np.random.default_rng(5)
    patient, fund = (rng.integers(0, 1 << 40, COUNT) for _ in range(2))
    few = rng.integers(0, 3, COUNT).astype(np.int32)
    made: dict[str, Any] = {
        "ids": [str(row) for row in range(COUNT)],
        "hospital": few,
        "pool": few,
        "scheme": few,
        "group": few,
        "groups": ("A", "B", "C"),
        "month": rng.integers(1, 13, COUNT).astype(np.int32),
        "value_day": few,
        "days": few,
        "cost_fen": patient + fund,
        "patient_fen": patient,
        "fund_fen": fund,
        "base_points_e4": rng.integers(0, 1 << 40, COUNT),
        "reference_fen": rng.integers(0, 1 << 40, COUNT),
        "flags": np.zeros(COUNT, np.int64),
    }
    return CaseColumns(**(made | changed))


def test_cases_in_order_pass() -> None:
    assert len(columns()) == COUNT


@pytest.mark.parametrize("row", [0, COUNT // 2, COUNT - 1])
@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("patient_fen", -5, "total cost is not"),
        ("fund_fen", TOP, "total cost is not"),
        ("base_points_e4", -1, "base points"),
        ("reference_fen", np.iinfo(np.int64).min, "reference cost"),
        ("month", 0, "month outside"),
        ("month", 13, "month outside"),
        ("month", np.iinfo(np.int32).min, "month outside"),
        ("month", np.iinfo(np.int32).max, "month outside"),
        ("group", -1, "group index"),
        ("group", 3, "group index"),
        ("group", np.iinfo(np.int32).max, "group index"),
    ],
)
def test_a_fault_is_found_wherever_it_stands(row: int, column: str, value: int, words: str) -> None:
    values = np.array(getattr(columns(), column))
    values[row] = value
    with pytest.raises(CaseFault, match=words) as caught:
        columns(**{column: values})
    assert caught.value.row == row


def test_a_cost_below_zero_is_refused_though_its_parts_add_up() -> None:
    made = columns()
    cost, patient = np.array(made.cost_fen), np.array(made.patient_fen)
    cost[7], patient[7] = -1, -1 - made.fund_fen[7]
    with pytest.raises(CaseFault, match="total cost below zero"):
        columns(cost_fen=cost, patient_fen=patient)
