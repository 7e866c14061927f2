"""Accepted frames as arrays: every value is there, at its row, whatever stands around it."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
import pytest

from engine.execute.lean import LeanRows
from engine.execute.lean_frame import LeanFrames, lean_rows

FRAME = pl.DataFrame(
    {
        "setl_id": ["a", "b", "c"],
        "insutype": ["310", None, "390"],
        "age": pl.Series([40, None, 0], dtype=pl.Int32),
        "adm_on": [date(1970, 1, 2), None, date(2025, 1, 1)],
        "medfee_sumamt_fen": pl.Series([1, 2, 3], dtype=pl.Int64),
        "diag_codes": [["I10", None, ""], None, ["A code longer than twelve bytes"]],
        "file": ["x", "x", "y"],
        "row": [1, 2, 3],
    }
)


def shown(rows: LeanRows) -> dict[str, list[object]]:
    """Everything in plain Python."""
    found: dict[str, list[object]] = {"setl_id": rows.ids.to_pylist()}
    found |= {name: column.series().to_list() for name, column in rows.texts.items()}
    found |= {name: column.series().to_list() for name, column in rows.lists.items()}
    for name, column in rows.numbers.items():
        missing = np.zeros(len(rows), np.bool_) if column.missing is None else column.missing
        found[name] = [None if gone else value for value, gone in zip(column.values.tolist(), missing, strict=True)]
    return found


def test_every_value_is_at_its_row() -> None:
    wanted = {name: FRAME[name].to_list() for name in FRAME.columns if name not in ("file", "row")}
    wanted["adm_on"] = FRAME["adm_on"].to_physical().to_list()
    wanted["diag_codes"][1] = []
    assert shown(lean_rows(FRAME)) == wanted


def test_slices_have_the_values_of_their_rows_and_one_vocabulary() -> None:
    frames = LeanFrames()
    first, second = frames.rows(FRAME.slice(2)), frames.rows(FRAME.slice(0, 2))
    assert first.texts["insutype"].words.of is second.texts["insutype"].words.of
    assert shown(second) == shown(lean_rows(FRAME.head(2)))
    assert shown(first) == shown(lean_rows(FRAME.tail(1)))


def test_only_the_columns_asked_for_are_there_and_none_is_made_up() -> None:
    rows = lean_rows(FRAME, ("age", "nwb_age"))
    assert (dict(rows.texts), dict(rows.lists), list(rows.numbers)) == ({}, {}, ["age"])


def test_a_type_no_accepted_frame_has_is_refused() -> None:
    with pytest.raises(TypeError, match="age is Float64"):
        lean_rows(pl.DataFrame({"setl_id": ["a"], "age": [1.5]}))
