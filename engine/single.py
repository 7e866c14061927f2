"""One case out of the files, explained 「单病例说明」; a DRG case without the batch kernels.

In: case files, a settlement id, the packs that may hold. Out: the lines of its explanation, or why it was rejected.
It reads and validates exactly as a run does, so it explains what the run decided.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import polars as pl

from engine.cases.demand import Demand, Profile
from engine.cases.one import rows_of
from engine.cases.read import open_cases
from engine.errors import CaseFileError, PackError
from engine.lang import current, say
from engine.packs.kind import kind_of_pack
from engine.packs.load import Pack, load_pack
from grouper.tables import Case, DrgTables

if TYPE_CHECKING:
    from engine.packs.dip_load import DipPack

AnyPack: TypeAlias = "Pack | DipPack"


def explain_one(paths: Sequence[Path], setl_id: str, folders: Sequence[Path], profile: str | None) -> list[str]:
    """The explanation of one case, a line a step. Raises CaseFileError if it is not there or was rejected."""
    packs = [open_pack(folder) for folder in folders]
    found = find_case(paths, setl_id, _demand(packs, profile))
    return explained(_pack_for(packs, found.row(0, named=True)), found)


def open_pack(folder: Path) -> AnyPack:
    """A rule pack of either kind, without the batch kernels."""
    if kind_of_pack(folder) != "dip":
        return load_pack(folder)
    from engine.packs.dip_load import load_dip_pack

    return load_dip_pack(folder)


def find_case(paths: Sequence[Path], setl_id: str, demand: Demand) -> pl.DataFrame:
    """The accepted case as a frame of one row. Raises CaseFileError if it is not there or was rejected."""
    found = rows_of(open_cases(paths, demand), setl_id)
    if found is None:
        raise CaseFileError(
            say(f"文件中没有结算ID为 {setl_id} 的病例。", f"no case with settlement id {setl_id} here.")
        )
    if len(found.accepted):
        return found.accepted.head(1)
    zh, en = found.rejected.select("reason_zh", "reason_en").row(0)
    raise CaseFileError(say(f"病例 {setl_id} 未被接受：{zh}", f"case {setl_id} was rejected: {en}"))


def _demand(packs: Sequence[AnyPack], profile: str | None) -> Demand:
    named = {pack.tables.options.validation_profile for pack in packs if isinstance(pack, Pack)}
    chosen: Profile = "strict" if profile == "strict" or (profile is None and named == {"strict"}) else "compatible"
    demand = Demand("group", chosen, numbers=(), dip=has_dip(packs))
    for pack in packs:
        if isinstance(pack, Pack):
            demand = demand.with_numbers(pack.tables.numeric)
    return demand


def has_dip(packs: Sequence[AnyPack]) -> bool:
    """Whether a DIP catalogue is among them."""
    return any(not isinstance(pack, Pack) for pack in packs)


def _pack_for(packs: Sequence[AnyPack], row: dict[str, Any]) -> AnyPack:
    if len(packs) == 1:
        return packs[0]
    column = "settled_on" if packs[0].meta.chosen_by == "settlement_date" else "discharged_on"
    day: date | None = row.get(column)
    for pack in packs:
        first, last = pack.meta.valid_from or date.min, pack.meta.valid_to or date.max
        if day is not None and first <= day <= last:
            return pack
    raise PackError(f"no pack of the area is in force on {day}; give --pack to explain the case under one of them.")


def explained(pack: AnyPack, frame: pl.DataFrame) -> list[str]:
    """The lines of one case under one pack."""
    version = f"{pack.meta.id}@{pack.meta.version}"
    if not isinstance(pack, Pack):
        from engine.edition_dip import DipEdition
        from grouper.dip_reference import DipWalker
        from grouper.dip_trace import trace

        found = trace(DipWalker(pack.tables), DipEdition(pack).case_of(frame))
        return [f"{found.outcome.setl_id}  {version}  {found.outcome.code or '–'}", *found.lines(current())]
    from engine.explain import explain_case

    explanation = explain_case(pack, _case(frame.row(0, named=True), pack.tables), current())
    return [f"{explanation.setl_id}  {version}  {explanation.drg}", *explanation.lines]


def _case(row: dict[str, Any], tables: DrgTables) -> Case:
    return Case(
        setl_id=row["setl_id"],
        diagnoses=tuple(code or "" for code in row["diag_codes"] or ()),
        procedures=tuple(code or "" for code in row["oprn_codes"] or ()),
        numeric={number.name: row.get(number.source) for number in tables.numeric},
        text={name: row.get(column) for name, column in tables.text_fields.items()},
    )
