"""`match_policy` and `aux_policy` of a DIP pack: keys and values from closed lists → typed options.

In: the two tables; out: DipOptions and AuxiliaryPolicy, or problems with file, line, key and what is allowed.
A key that is absent keeps its default; a key that is unknown is an error. It reads no rule.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from engine.packs.dip_errors import DipProblems
from engine.packs.dip_read import DipTable
from engine.packs.errors import nearest
from grouper.dip_expression import DiagnosisExpr, ExpressionError, parse_diagnoses
from grouper.dip_options import OPTION_VALUES, DipOptions
from grouper.dip_tables import AgeBand, AuxiliaryPolicy

DX_LEVELS = ("full", "4", "3")
PREFIX_MAX = 12
_BANDS = re.compile(r"([0-9]{1,5})(?:-([0-9]{1,5})|\+)([da])")
_BOOLEANS = {"0": False, "1": True, "false": False, "true": True}
OPTION_KEYS = tuple(one.name for one in fields(DipOptions))


def read_options(table: DipTable | None, problems: DipProblems) -> DipOptions:
    """The options of the table; defaults where it says nothing."""
    given: dict[str, Any] = {}
    for row, cells in enumerate(table.rows() if table is not None else ()):
        assert table is not None
        key, value = cells["key"], cells["value"] or ""
        if key is None:
            continue
        if key not in OPTION_KEYS:
            what = f"unknown key {key!r}.{nearest(key, OPTION_KEYS)} Allowed: {', '.join(OPTION_KEYS)}."
            problems.add("key.unknown", table.at(row, "key"), what)
        elif key in given:
            problems.add("dip.duplicate", table.at(row, "key"), f"{key} stands twice; keep one.")
        else:
            read, wanted = _option(key, value)
            given[key] = read
            if wanted:
                problems.add("key.value", table.at(row, "value"), f"{key} = {value!r}. Allowed: {wanted}.")
    return DipOptions(**{key: value for key, value in given.items() if value is not None})


def _option(key: str, value: str) -> tuple[Any, str]:
    if key in OPTION_VALUES:
        return (value, "") if value in OPTION_VALUES[key] else (None, ", ".join(OPTION_VALUES[key]))
    if key in ("superset", "drop_empty_rows"):
        return _BOOLEANS.get(value), "" if value in _BOOLEANS else ", ".join(_BOOLEANS)
    if key == "prefix_len":
        good = value.isdigit() and int(value) <= PREFIX_MAX
        return (int(value), "") if good else (None, f"a whole number from 0 to {PREFIX_MAX}")
    assert key == "dx_levels", f"option {key} has no reader: add it here"
    levels = tuple(value.split(","))
    if levels and all(level in DX_LEVELS for level in levels) and len(set(levels)) == len(levels):
        return levels, ""
    return None, f"{', '.join(DX_LEVELS)}, joined by commas, each once, longest first"


def read_auxiliary_policy(table: DipTable | None, problems: DipProblems) -> AuxiliaryPolicy:
    """The one row of aux_policy; defaults where it says nothing."""
    if table is None:
        return AuxiliaryPolicy()
    if table.height != 1:
        problems.add("dip.duplicate", table.file, f"{table.height} rows; aux_policy has exactly one.")
    for row, cells in enumerate(table.rows()):
        given: Mapping[str, Any] = {k: v for k, v in cells.items() if v is not None}
        return AuxiliaryPolicy(
            pick=given.get("pick", "highest_factor"),
            los_threshold=given.get("los_threshold", 3),
            los_inclusive=given.get("los_inclusive", False),
            age_bands=_age_bands(given.get("age_bands", ""), table.at(row, "age_bands"), problems),
            malignant=_malignant(given.get("malignant_dx"), table.at(row, "malignant_dx"), problems),
        )
    return AuxiliaryPolicy()


def _age_bands(text: str, where: str, problems: DipProblems) -> tuple[AgeBand, ...]:
    """`0-28d,29-364d,1-6a,65+a`: days (d) or completed years (a), both ends inclusive."""
    bands = []
    for piece in text.split(",") if text else ():
        match = _BANDS.fullmatch(piece)
        if match is None or (match[2] is not None and int(match[1]) > int(match[2])):
            what = f"age band {piece!r}; write bands like 0-28d,1-6a,65+a (d days, a years, low-high or low+)."
            problems.add("dip.band", where, what)
            continue
        bands.append(AgeBand(match[3], int(match[1]), None if match[2] is None else int(match[2])))
    return tuple(bands)


def _malignant(text: str | None, where: str, problems: DipProblems) -> DiagnosisExpr | None:
    if text is None:
        return None
    try:
        return parse_diagnoses(text)
    except ExpressionError as error:
        problems.add("dip.expression", where, str(error))
        return None
