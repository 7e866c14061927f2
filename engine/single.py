"""One case out of the files, ready to be explained 「单病例」, without the batch kernels.

In: case files, a settlement id, the packs that may hold. Out: the case as the rules see it and the pack of its date,
or why it was rejected. It reads and validates exactly as a run does, so it explains what the run decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from engine.cases.demand import Demand, Profile
from engine.cases.load import iter_cases
from engine.cases.read import open_cases
from engine.errors import PackError
from engine.packs.load import Pack, load_pack
from grouper.tables import Case, DrgTables


@dataclass(frozen=True)
class SingleCase:
    """What was found: the case and its pack, or a rejection (Chinese, English), or nothing."""

    case: Case | None = None
    pack: Pack | None = None
    rejection: tuple[str, str] | None = None


def find_case(paths: Sequence[Path], setl_id: str, folders: Sequence[Path], profile: str | None) -> SingleCase:
    """Look a case up by settlement id."""
    packs = [load_pack(folder) for folder in folders]
    named = {pack.tables.options.validation_profile for pack in packs}
    chosen: Profile = "strict" if (profile or (named == {"strict"} and "strict")) == "strict" else "compatible"
    demand = Demand("group", chosen, numbers=())
    for pack in packs:
        demand = demand.with_numbers(pack.tables.numeric)
    for piece in iter_cases(open_cases(paths, demand)):
        rejected = piece.rejected.filter(pl.col("setl_id") == setl_id)
        if len(rejected):
            row = rejected.row(0, named=True)
            return SingleCase(rejection=(row["reason_zh"], row["reason_en"]))
        accepted = piece.accepted.filter(pl.col("setl_id") == setl_id)
        if len(accepted):
            row = accepted.row(0, named=True)
            pack = _pack_for(packs, row)
            return SingleCase(_case(row, pack.tables), pack)
    return SingleCase()


def _pack_for(packs: Sequence[Pack], row: dict[str, Any]) -> Pack:
    if len(packs) == 1:
        return packs[0]
    column = "settled_on" if packs[0].meta.chosen_by == "settlement_date" else "discharged_on"
    day: date | None = row.get(column)
    for pack in packs:
        first, last = pack.meta.valid_from or date.min, pack.meta.valid_to or date.max
        if day is not None and first <= day <= last:
            return pack
    raise PackError(f"no pack of the area is in force on {day}; give --pack to explain the case under one of them.")


def _case(row: dict[str, Any], tables: DrgTables) -> Case:
    return Case(
        setl_id=row["setl_id"],
        diagnoses=tuple(code or "" for code in row["diag_codes"] or ()),
        procedures=tuple(code or "" for code in row["oprn_codes"] or ()),
        numeric={number.name: row.get(number.source) for number in tables.numeric},
        text={name: row.get(column) for name, column in tables.text_fields.items()},
    )
